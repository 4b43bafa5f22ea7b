//! Webhooks: who is told about changes of a dataset, and what is still to be told.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{
    big_integer, big_integer_null, big_pk_auto, boolean, text, text_null,
};

use crate::of;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let webhooks = Table::create()
            .table("webhooks")
            .col(text("id").primary_key())
            .col(text("workspace_id"))
            .col(text("dataset_id"))
            .col(text("url"))
            // Words, JSON.
            .col(text("events"))
            .col(text_null("description"))
            // The secret follows from it, the id and a secret of the server; it is not kept.
            .col(big_integer("secret_number"))
            .col(boolean("is_enabled"))
            .col(text_null("disabled_reason"))
            .col(big_integer_null("disabled_at_us"))
            // Deliveries in a row that were given up.
            .col(big_integer("n_failures"))
            // When its first waiting delivery may be tried; null when none waits.
            .col(big_integer_null("due_at_us"))
            // The node that tries it now.
            .col(text_null("leased_by"))
            .col(text_null("created_by"))
            .col(big_integer("created_at_us"))
            .col(big_integer("updated_at_us"))
            .foreign_key(&mut of("webhooks", "workspace_id", "workspaces"))
            .foreign_key(&mut of("webhooks", "dataset_id", "datasets"))
            .take();
        manager.create_table(webhooks).await?;
        let deliveries = Table::create()
            .table("webhook_deliveries")
            // The order in which they are sent.
            .col(big_pk_auto("number"))
            .col(text("id").unique_key())
            .col(text("workspace_id"))
            .col(text("webhook_id"))
            .col(text("event"))
            // What is sent, JSON; never a cell.
            .col(text("body"))
            .col(text_null("replay_of"))
            .col(text("status"))
            .col(big_integer("attempts"))
            .col(big_integer_null("response_status"))
            .col(text_null("error"))
            .col(big_integer("created_at_us"))
            .col(big_integer_null("first_attempt_at_us"))
            .col(big_integer_null("last_attempt_at_us"))
            .col(big_integer_null("next_try_at_us"))
            .col(big_integer_null("finished_at_us"))
            .foreign_key(&mut of("webhook_deliveries", "workspace_id", "workspaces"))
            .foreign_key(&mut of("webhook_deliveries", "webhook_id", "webhooks"))
            .take();
        manager.create_table(deliveries).await?;
        for (name, table, columns) in [
            ("webhooks_dataset", "webhooks", &["dataset_id"][..]),
            ("webhooks_workspace", "webhooks", &["workspace_id"][..]),
            ("webhooks_due", "webhooks", &["due_at_us"][..]),
            (
                "webhook_deliveries_webhook",
                "webhook_deliveries",
                &["webhook_id", "status", "number"][..],
            ),
            ("webhook_deliveries_workspace", "webhook_deliveries", &["workspace_id"][..]),
            ("webhook_deliveries_finished", "webhook_deliveries", &["finished_at_us"][..]),
        ] {
            let mut index = Index::create().name(name).table(table).take();
            for column in columns {
                index.col(*column);
            }
            manager.create_index(index).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in ["webhook_deliveries", "webhooks"] {
            manager.drop_table(Table::drop().table(table).take()).await?;
        }
        Ok(())
    }
}
