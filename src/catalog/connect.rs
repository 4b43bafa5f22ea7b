//! Turns the settings into connections to the catalog's database, migrated.
//!
//! It exists so that everything about pools, pragmas and timeouts stands in one place. It never
//! holds rows of the catalog.

use std::fs::File;
use std::path::Path;
use std::time::Duration;

use sea_orm::sqlx::sqlite::{SqliteJournalMode, SqliteSynchronous};
use sea_orm::{ConnectOptions, Database, DatabaseConnection};

use super::CatalogError;
use crate::config::Settings;

/// How long a statement may wait for a connection: a dead database is reported within it.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);
/// How long one statement on PostgreSQL may take; the catalog's take milliseconds.
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long SQLite waits for a command line beside the server.
const BUSY_TIMEOUT: Duration = Duration::from_secs(30);
/// Connections to PostgreSQL for the catalog alone.
const POSTGRES_CONNECTIONS: u32 = 4;
/// Connections that read the embedded catalog beside its one writer.
const SQLITE_READERS: u32 = 2;

/// Connections to PostgreSQL for transactions that change rows.
const ROW_CONNECTIONS: u32 = 8;

/// Connections to the catalog; on PostgreSQL the first two are the same pool.
pub(super) struct Connections {
    pub(super) read: DatabaseConnection,
    pub(super) write: DatabaseConnection,
    /// For changes of rows: on PostgreSQL they wait for each other, and nothing else shall wait for
    /// them; on the embedded store their commits are not synced, since the data files are.
    pub(super) rows: DatabaseConnection,
}

/// Takes the data folder for this process until the file is dropped.
pub(super) fn own_folder(data_dir: &Path) -> Result<File, CatalogError> {
    std::fs::create_dir_all(data_dir)?;
    let file =
        File::options().create(true).truncate(false).write(true).open(data_dir.join("lock"))?;
    match rustix::fs::flock(&file, rustix::fs::FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(file),
        Err(rustix::io::Errno::WOULDBLOCK) => Err(CatalogError::Locked),
        Err(errno) => Err(CatalogError::Folder(errno.into())),
    }
}

/// Connects to what the settings name and brings the tables to the present state.
pub(super) async fn connect(settings: &Settings) -> Result<Connections, CatalogError> {
    let connections = connect_only(settings).await?;
    sluice_migration::migrate(&connections.write).await?;
    Ok(connections)
}

/// Connects to what the settings name and leaves its tables as they are.
pub(super) async fn connect_only(settings: &Settings) -> Result<Connections, CatalogError> {
    match &settings.database_url {
        Some(url) => postgres(url).await,
        None => sqlite(&settings.data_dir).await,
    }
}

async fn postgres(url: &str) -> Result<Connections, CatalogError> {
    let open = |n_connections: u32| {
        let mut options = ConnectOptions::new(url);
        options
            .max_connections(n_connections)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            // A sign of life first: after an outage no caller meets a dead connection.
            .test_before_acquire(true)
            .statement_timeout(STATEMENT_TIMEOUT)
            .set_application_name("sluice-catalog")
            .sqlx_logging(false)
            .map_sqlx_postgres_opts(|options| {
                options.options([("search_path", sluice_migration::POSTGRES_SCHEMA)])
            });
        Database::connect(options)
    };
    let pool = open(POSTGRES_CONNECTIONS).await?;
    let rows = open(ROW_CONNECTIONS).await?;
    Ok(Connections { read: pool.clone(), write: pool, rows })
}

async fn sqlite(data_dir: &Path) -> Result<Connections, CatalogError> {
    std::fs::create_dir_all(data_dir)?;
    let path = data_dir.join("catalog.db");
    let open = |is_writer: bool, synchronous: SqliteSynchronous| {
        let path = path.clone();
        let mut options = ConnectOptions::new("sqlite://catalog.db");
        options
            .max_connections(if is_writer { 1 } else { SQLITE_READERS })
            .acquire_timeout(BUSY_TIMEOUT)
            .idle_timeout(None::<Duration>)
            .max_lifetime(None::<Duration>)
            .test_before_acquire(false)
            .sqlx_logging(false)
            .map_sqlx_sqlite_opts(move |options| {
                let options = options
                    .filename(&path)
                    .create_if_missing(is_writer)
                    .busy_timeout(BUSY_TIMEOUT)
                    .foreign_keys(true);
                if is_writer {
                    options.journal_mode(SqliteJournalMode::Wal).synchronous(synchronous)
                } else {
                    options.pragma("query_only", "on")
                }
            });
        Database::connect(options)
    };
    // The writer first: it makes the file.
    let write = open(true, SqliteSynchronous::Full).await?;
    let read = open(false, SqliteSynchronous::Full).await?;
    let rows = open(true, SqliteSynchronous::Normal).await?;
    Ok(Connections { read, write, rows })
}
