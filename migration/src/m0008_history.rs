//! What datasets were: their versions, and the writes that were answered already.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, big_integer_null, text, text_null};

use crate::of;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let next_row = big_integer_null("next_row");
        manager.alter_table(Table::alter().table("datasets").add_column(next_row).take()).await?;
        let versions = Table::create()
            .table("dataset_versions")
            .col(text("dataset_id"))
            .col(big_integer("version"))
            .col(text("workspace_id"))
            .col(big_integer("at_us"))
            // Who, as the audit log names him.
            .col(text("actor"))
            .col(text("action"))
            .col(text("storage"))
            .col(big_integer("n_inserted"))
            .col(big_integer("n_updated"))
            .col(big_integer("n_deleted"))
            .col(big_integer("row_count"))
            // The number of the next new row, where rows were changed in place.
            .col(big_integer_null("next_row"))
            // What the dataset was beside its rows, JSON; where a table began.
            .col(text_null("shape"))
            .primary_key(Index::create().col("dataset_id").col("version"))
            .foreign_key(&mut of("dataset_versions", "workspace_id", "workspaces"))
            .foreign_key(&mut of("dataset_versions", "dataset_id", "datasets"))
            .take();
        manager.create_table(versions).await?;
        let answers = Table::create()
            .table("write_answers")
            .col(text("workspace_id"))
            .col(text("actor"))
            .col(text("request_id"))
            // SHA-256 of what was asked.
            .col(text("sha256"))
            .col(text("answer"))
            .col(big_integer("at_us"))
            .primary_key(Index::create().col("workspace_id").col("actor").col("request_id"))
            .foreign_key(&mut of("write_answers", "workspace_id", "workspaces"))
            .take();
        manager.create_table(answers).await?;
        for (name, table, column) in [
            ("dataset_versions_storage", "dataset_versions", "storage"),
            ("write_answers_at", "write_answers", "at_us"),
        ] {
            let index = Index::create().name(name).table(table).col(column).take();
            manager.create_index(index).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in ["write_answers", "dataset_versions"] {
            manager.drop_table(Table::drop().table(table).take()).await?;
        }
        let column = Table::alter().table("datasets").drop_column("next_row").take();
        manager.alter_table(column).await
    }
}
