//! Remembers in the catalog when the last archive was made, without bringing its tables to the
//! present state: a backup is taken before an upgrade, too.

use std::time::Duration;

use serde::Serialize;
use sqlx::Connection;
use sqlx::postgres::PgConnection;

use super::{BackupError, LAST_BACKUP, LAST_FAILURE, LastBackup, LastFailure};
use crate::catalog::now_us;
use crate::config::Settings;

const BUSY_TIMEOUT: Duration = Duration::from_secs(30);

/// An archive is complete.
pub(super) async fn succeeded(
    settings: &Settings,
    archive: &str,
    size_bytes: u64,
) -> Result<(), BackupError> {
    let last = LastBackup { at_us: now_us(), archive: archive.to_owned(), size_bytes };
    put(settings, LAST_BACKUP, &last).await
}

/// None could be made.
pub(super) async fn failed(settings: &Settings, message: &str) -> Result<(), BackupError> {
    let last = LastFailure { at_us: now_us(), message: message.to_owned() };
    put(settings, LAST_FAILURE, &last).await
}

async fn put(
    settings: &Settings,
    name: &'static str,
    value: &impl Serialize,
) -> Result<(), BackupError> {
    let value = serde_json::to_string(value)
        .map_err(|_| BackupError::Defect("a fact cannot be written as JSON"))?;
    match &settings.database_url {
        None => {
            let path = settings.data_dir.join("catalog.db");
            let work = move || {
                let catalog = rusqlite::Connection::open(path)?;
                catalog.busy_timeout(BUSY_TIMEOUT)?;
                catalog.execute(
                    "INSERT INTO meta(name, value) VALUES (?1, ?2) \
                     ON CONFLICT(name) DO UPDATE SET value = excluded.value",
                    (name, value),
                )?;
                Ok(())
            };
            tokio::task::spawn_blocking(work)
                .await
                .unwrap_or(Err(BackupError::Defect("a thread ended without a result")))
        }
        Some(url) => {
            let mut connection = PgConnection::connect(url).await?;
            sqlx::query(
                "INSERT INTO sluice.meta(name, value) VALUES ($1, $2) \
                 ON CONFLICT(name) DO UPDATE SET value = excluded.value",
            )
            .bind(name)
            .bind(value)
            .execute(&mut connection)
            .await?;
            Ok(connection.close().await?)
        }
    }
}
