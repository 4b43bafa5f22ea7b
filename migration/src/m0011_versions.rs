//! Versions of loads: who asked for a job, and what made a version; the present version of each
//! dataset that was there before.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{boolean_null, text_null};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

/// The new columns: table, column.
const COLUMNS: [(&str, &str); 4] = [
    // Who asked for it, as the audit log names him.
    ("jobs", "created_by"),
    // The job that made the version.
    ("dataset_versions", "job_id"),
    // The name of the file that it was made of.
    ("dataset_versions", "file_name"),
    // Tells apart what columns tables have, where one begins or ends to be the present one.
    ("dataset_versions", "fingerprint"),
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for (table, column) in COLUMNS {
            let add = Table::alter().table(table).add_column(text_null(column)).take();
            manager.alter_table(add).await?;
        }
        // Whether rows of the table had been changed in place: it has a log.
        let has_log = boolean_null("has_log");
        let add = Table::alter().table("dataset_versions").add_column(has_log).take();
        manager.alter_table(add).await?;
        let edited = "UPDATE dataset_versions SET has_log = true WHERE action = 'WRITE'";
        manager.get_connection().execute_unprepared(edited).await?;
        let present = "INSERT INTO dataset_versions(dataset_id, version, workspace_id, at_us, actor, \
             action, storage, n_inserted, n_updated, n_deleted, row_count, next_row, file_name) \
             SELECT d.id, d.version, d.workspace_id, d.updated_at_us, '', \
             CASE WHEN d.version = 1 THEN 'CREATE' ELSE 'REPLACE' END, d.storage, 0, 0, 0, \
             d.row_count, d.next_row, d.source_file_name FROM datasets d WHERE NOT EXISTS \
             (SELECT 1 FROM dataset_versions v WHERE v.dataset_id = d.id AND v.version = d.version)";
        manager.get_connection().execute_unprepared(present).await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let has_log = Table::alter().table("dataset_versions").drop_column("has_log").take();
        manager.alter_table(has_log).await?;
        for (table, column) in COLUMNS {
            manager.alter_table(Table::alter().table(table).drop_column(column).take()).await?;
        }
        Ok(())
    }
}
