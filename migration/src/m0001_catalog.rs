//! The catalog's first tables: workspaces, sources, datasets, jobs, rejects, keys, and what they need.
//!
//! Ids are UUIDs as text and times whole microseconds since 1970 UTC, so that both databases hold
//! the same values. JSON is kept as text: nothing queries inside it, and PostgreSQL's own type
//! refuses the NUL that a cell may hold.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{
    big_integer, big_integer_null, big_pk_auto, boolean, text, text_null,
};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

/// All tables, in the order in which they are made.
const TABLES: [&str; 8] =
    ["meta", "workspaces", "sources", "datasets", "retired_tables", "jobs", "rejects", "keys"];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in tables() {
            manager.create_table(table).await?;
        }
        for index in indexes() {
            manager.create_index(index).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for name in TABLES.into_iter().rev() {
            manager.drop_table(Table::drop().table(name).if_exists().take()).await?;
        }
        Ok(())
    }
}

fn tables() -> [TableCreateStatement; 8] {
    [
        // Single facts, such as the secret that keys are hashed with.
        Table::create().table("meta").col(text("name").primary_key()).col(text("value")).take(),
        Table::create()
            .table("workspaces")
            .col(text("id").primary_key())
            .col(text("name").unique_key())
            .col(big_integer("revision"))
            .col(big_integer("schema_revision"))
            .col(big_integer("last_job_number"))
            .col(big_integer("created_at_us"))
            .take(),
        Table::create()
            .table("sources")
            .col(text("workspace_id"))
            .col(text("sha256"))
            .col(text("file_name"))
            .col(big_integer("size_bytes"))
            .col(big_integer("created_at_us"))
            .primary_key(Index::create().col("workspace_id").col("sha256"))
            .foreign_key(&mut of_workspace("sources"))
            .take(),
        Table::create()
            .table("datasets")
            .col(text("id").primary_key())
            .col(text("workspace_id"))
            .col(text("name"))
            .col(text("type_name"))
            .col(text("label"))
            .col(text_null("description"))
            .col(big_integer("version"))
            // The workspace's revision at the last change of this row: what a reload asks for.
            .col(big_integer("revision"))
            .col(big_integer("row_count"))
            .col(big_integer("size_bytes"))
            .col(big_integer("key_index"))
            .col(text("storage"))
            .col(text("columns"))
            .col(text("indexes"))
            .col(text("notices"))
            .col(text_null("source_sha256"))
            .col(text_null("source_file_name"))
            .col(big_integer_null("source_size_bytes"))
            // How the rows are made from the source, JSON.
            .col(text("recipe"))
            .col(big_integer("n_rejects"))
            .col(big_integer("created_at_us"))
            .col(big_integer("updated_at_us"))
            .foreign_key(&mut of_workspace("datasets"))
            .take(),
        // Tables of the store that were replaced and wait until no query reads them.
        Table::create()
            .table("retired_tables")
            .col(text("storage").primary_key())
            .col(text("workspace_id"))
            .col(big_integer("retired_at_us"))
            .foreign_key(&mut of_workspace("retired_tables"))
            .take(),
        Table::create()
            .table("jobs")
            .col(text("id").primary_key())
            .col(text("workspace_id"))
            // The order of acknowledgement within the workspace.
            .col(big_integer("number"))
            .col(text("kind"))
            .col(text("status"))
            .col(text_null("phase"))
            .col(text("dataset_name"))
            .col(text("dataset_label"))
            .col(text("mode"))
            .col(text("source_sha256"))
            .col(text("source_file_name"))
            .col(big_integer("source_size_bytes"))
            .col(text("options"))
            .col(text_null("error_code"))
            .col(text_null("error_message"))
            .col(text("datasets"))
            .col(text("notices"))
            .col(big_integer("row_count"))
            // What became of the rows, and how columns differed, JSON.
            .col(text("outcome"))
            // Given by the caller, so that the same request is carried out once.
            .col(text_null("request_id"))
            // The node whose disk holds the source, and whether it is alive.
            .col(text("node"))
            .col(big_integer("heartbeat_at_us"))
            .col(big_integer("attempts"))
            .col(boolean("is_cancel_asked"))
            .col(big_integer("created_at_us"))
            .col(big_integer_null("started_at_us"))
            .col(big_integer_null("finished_at_us"))
            .foreign_key(&mut of_workspace("jobs"))
            .take(),
        Table::create()
            .table("rejects")
            .col(big_pk_auto("id"))
            .col(text("workspace_id"))
            .col(text("dataset_id"))
            .col(big_integer("version"))
            .col(big_integer("row"))
            .col(text("column"))
            // The whole reject as JSON: values may hold what PostgreSQL's text refuses.
            .col(text("reject"))
            .foreign_key(&mut of_workspace("rejects"))
            .foreign_key(
                ForeignKey::create()
                    .from("rejects", "dataset_id")
                    .to("datasets", "id")
                    .on_delete(ForeignKeyAction::Cascade),
            )
            .take(),
        Table::create()
            .table("keys")
            .col(text("prefix").primary_key())
            .col(text("hash").unique_key())
            .col(text("name"))
            .col(text("scope"))
            .col(text("workspace_id"))
            .col(big_integer("created_at_us"))
            .col(big_integer_null("expires_at_us"))
            .col(big_integer_null("revoked_at_us"))
            .col(big_integer_null("last_used_at_us"))
            .foreign_key(&mut of_workspace("keys"))
            .take(),
    ]
}

fn indexes() -> [IndexCreateStatement; 9] {
    [
        Index::create()
            .name("datasets_name")
            .table("datasets")
            .col("workspace_id")
            .col("name")
            .unique()
            .take(),
        Index::create()
            .name("datasets_type_name")
            .table("datasets")
            .col("workspace_id")
            .col("type_name")
            .unique()
            .take(),
        Index::create()
            .name("datasets_revision")
            .table("datasets")
            .col("workspace_id")
            .col("revision")
            .take(),
        Index::create().name("datasets_storage").table("datasets").col("storage").unique().take(),
        Index::create()
            .name("jobs_number")
            .table("jobs")
            .col("workspace_id")
            .col("number")
            .unique()
            .take(),
        // Missing ids differ from one another.
        Index::create()
            .name("jobs_request_id")
            .table("jobs")
            .col("workspace_id")
            .col("request_id")
            .unique()
            .take(),
        Index::create().name("jobs_status").table("jobs").col("status").col("created_at_us").take(),
        Index::create()
            .name("rejects_dataset")
            .table("rejects")
            .col("dataset_id")
            .col("version")
            .take(),
        Index::create().name("keys_workspace").table("keys").col("workspace_id").take(),
    ]
}

/// Every row belongs to a workspace and goes with it.
fn of_workspace(table: &'static str) -> ForeignKeyCreateStatement {
    ForeignKey::create()
        .from(table, "workspace_id")
        .to("workspaces", "id")
        .on_delete(ForeignKeyAction::Cascade)
        .take()
}
