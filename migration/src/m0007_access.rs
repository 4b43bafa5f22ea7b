//! Who may do what: what keys are for, quotas and openness of workspaces, policies, the audit log.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, big_integer_null, big_pk_auto, text, text_null};

use crate::of;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

/// Columns that are added: table, column.
const ADDED: [(&str, &str); 8] = [
    ("keys", "role"),
    ("keys", "datasets"),
    ("keys", "claims"),
    ("keys", "created_by"),
    ("workspaces", "public_read"),
    ("workspaces", "max_datasets"),
    ("workspaces", "max_bytes"),
    ("workspaces", "max_rows"),
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for (table, column) in ADDED {
            let definition = match column {
                "max_datasets" | "max_bytes" | "max_rows" => big_integer_null(column),
                _ => text_null(column),
            };
            manager.alter_table(Table::alter().table(table).add_column(definition).take()).await?;
        }
        let policies = Table::create()
            .table("policies")
            .col(text("dataset_id"))
            .col(text("role"))
            .col(text("workspace_id"))
            // What the role may see and do, JSON.
            .col(text("rules"))
            .col(text("updated_by"))
            .col(big_integer("updated_at_us"))
            .primary_key(Index::create().col("dataset_id").col("role"))
            .foreign_key(&mut of("policies", "workspace_id", "workspaces"))
            .foreign_key(&mut of("policies", "dataset_id", "datasets"))
            .take();
        manager.create_table(policies).await?;
        let audit = Table::create()
            .table("audit")
            .col(big_pk_auto("id"))
            .col(text("workspace_id"))
            .col(big_integer("at_us"))
            .col(text("actor"))
            .col(text_null("address"))
            .col(text_null("request_id"))
            .col(text("action"))
            .col(text_null("target"))
            .col(text("outcome"))
            // More about it, JSON; never a secret or a cell.
            .col(text("details"))
            .foreign_key(&mut of("audit", "workspace_id", "workspaces"))
            .take();
        manager.create_table(audit).await?;
        for (name, table, columns) in [
            ("policies_workspace", "policies", &["workspace_id"][..]),
            ("audit_workspace", "audit", &["workspace_id", "at_us"][..]),
            ("audit_at", "audit", &["at_us"][..]),
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
        for table in ["audit", "policies"] {
            manager.drop_table(Table::drop().table(table).take()).await?;
        }
        for (table, column) in ADDED.into_iter().rev() {
            manager.alter_table(Table::alter().table(table).drop_column(column).take()).await?;
        }
        Ok(())
    }
}
