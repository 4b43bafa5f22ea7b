//! Saved queries: documents that answer at an address of their own, and keys for just these.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, big_integer_null, boolean, text, text_null};

use crate::of;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let queries = Table::create()
            .table("saved_queries")
            .col(text("workspace_id"))
            .col(text("name"))
            .col(text("document"))
            .col(text_null("description"))
            // Seconds that clients may keep an answer without asking.
            .col(big_integer_null("max_age_s"))
            .col(big_integer_null("requests_per_minute"))
            // Whether changes of the schema that break it are refused.
            .col(boolean("is_protected"))
            .col(text("updated_by"))
            .col(big_integer("created_at_us"))
            .col(big_integer("updated_at_us"))
            .primary_key(Index::create().col("workspace_id").col("name"))
            .foreign_key(&mut of("saved_queries", "workspace_id", "workspaces"))
            .take();
        manager.create_table(queries).await?;
        // The revision of the last change of a saved query.
        let revision = big_integer("saved_revision").default(0).take();
        manager.alter_table(Table::alter().table("workspaces").add_column(revision).take()).await?;
        // The only ones that a key runs, by name, JSON.
        let column = text_null("saved_queries");
        manager.alter_table(Table::alter().table("keys").add_column(column).take()).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for (table, column) in [("keys", "saved_queries"), ("workspaces", "saved_revision")] {
            manager.alter_table(Table::alter().table(table).drop_column(column).take()).await?;
        }
        manager.drop_table(Table::drop().table("saved_queries").take()).await
    }
}
