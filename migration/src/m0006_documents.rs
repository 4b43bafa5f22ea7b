//! Trusted documents: each workspace's list, and whether only those are served.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, text};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let documents = Table::create()
            .table("documents")
            .col(text("workspace_id"))
            .col(text("id"))
            .col(text("sha256"))
            .col(text("text"))
            .col(big_integer("size_bytes"))
            .col(big_integer("created_at_us"))
            .primary_key(Index::create().col("workspace_id").col("id"))
            .foreign_key(
                ForeignKey::create()
                    .from("documents", "workspace_id")
                    .to("workspaces", "id")
                    .on_delete(ForeignKeyAction::Cascade),
            )
            .take();
        manager.create_table(documents).await?;
        let by_hash = Index::create()
            .name("documents_by_hash")
            .table("documents")
            .col("workspace_id")
            .col("sha256")
            .take();
        manager.create_index(by_hash).await?;
        let mode = Table::alter()
            .table("workspaces")
            .add_column(text("document_mode").default("ANY"))
            .take();
        manager.alter_table(mode).await?;
        // The workspace's revision at the last change of the list; 0 while there never was one.
        let revision = Table::alter()
            .table("workspaces")
            .add_column(big_integer("documents_revision").default(0))
            .take();
        manager.alter_table(revision).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for column in ["documents_revision", "document_mode"] {
            manager
                .alter_table(Table::alter().table("workspaces").drop_column(column).take())
                .await?;
        }
        manager.drop_table(Table::drop().table("documents").take()).await
    }
}
