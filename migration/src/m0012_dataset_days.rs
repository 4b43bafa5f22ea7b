//! What datasets were on each day: how large, and how often read. Growth and disuse are told by it.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, text};

use crate::of;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let days = Table::create()
            .table("dataset_days")
            .col(text("dataset_id"))
            // Days since 1970-01-01, UTC.
            .col(big_integer("day"))
            .col(big_integer("n_reads"))
            .col(big_integer("row_count"))
            .col(big_integer("size_bytes"))
            .primary_key(Index::create().col("dataset_id").col("day"))
            .foreign_key(&mut of("dataset_days", "dataset_id", "datasets"))
            .take();
        manager.create_table(days).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table("dataset_days").take()).await
    }
}
