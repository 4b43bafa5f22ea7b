//! The store on PostgreSQL: turns a dataset version into one table of the schema `sluice_data`.
//!
//! It exists for those who have a cluster, its backups and its replicas. Queries share a pool;
//! loads and index builds take a connection of their own, without the statement timeout, so that
//! they never keep a query waiting.

use std::io::{self, Write};
use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use tokio::runtime::Handle;

pub(crate) mod read;
mod readers;

use sluice_schema::Control;

use self::readers::Readers;
use super::dump::DumpColumn;
use super::merge::{MergeSpec, MergedTable};
use super::quoted;
use super::{IndexDefinition, LoadedTable, SheetSource, StoreError, TableSpec, search};
use crate::catalog::model::{ROW_COLUMN, StorageId};
use crate::config::Settings;

mod copy;
pub(crate) mod functions;
mod load;
mod merge;
mod stream;
pub(super) mod write;

/// SQLSTATE `disk_full`.
pub(super) const DISK_FULL: &str = "53100";
/// SQLSTATE `query_canceled`: the statement timeout has ended the statement.
pub(super) const QUERY_CANCELED: &str = "57014";

/// SQLSTATE `program_limit_exceeded`: a value is too long for an index, a row for a page.
pub(super) const LIMIT_EXCEEDED: &str = "54000";

/// The schema that holds the tables.
pub(crate) const SCHEMA: &str = "sluice_data";

/// The oldest version that is supported, as `server_version_num`.
const MIN_VERSION: i32 = 150_000;

/// How long to wait for a connection before the database counts as away.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);

/// One number for all nodes, so that only one of them makes the schema.
const SETUP_LOCK: &str = "SELECT pg_advisory_xact_lock(7813284112)";

/// The longest name that PostgreSQL keeps whole.
const MAX_NAME_BYTES: usize = 63;

/// Connections for what is neither a query nor a load, and for cancelling.
const SERVICE_CONNECTIONS: u32 = 2;

/// The data connections.
#[derive(Debug)]
pub struct PostgresStore {
    /// For what is neither a query nor a load.
    pool: PgPool,
    /// For queries.
    readers: Arc<Readers>,
    /// How loads and index builds connect.
    work_options: Box<PgConnectOptions>,
    /// Where the connections' I/O runs while a plain thread waits for it.
    runtime: Handle,
}

impl PostgresStore {
    /// Connects, checks the version and makes the schema if it is missing.
    ///
    /// # Errors
    /// When the database does not answer, is too old, or does not let us make the schema.
    pub async fn open(url: &str, settings: &Settings) -> Result<PostgresStore, StoreError> {
        let options: PgConnectOptions = url.parse()?;
        let options = options.application_name("sluice").options([
            ("timezone", "UTC"),
            ("datestyle", "ISO"),
            ("search_path", SCHEMA),
        ]);
        let work_options = Box::new(options.clone().options([("statement_timeout", "0")]));
        let timeout_ms = settings.statement_timeout.as_millis().to_string();
        let options = options.options([("statement_timeout", timeout_ms)]);
        let pool = PgPoolOptions::new()
            .max_connections(SERVICE_CONNECTIONS)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .connect_with(options.clone())
            .await?;
        let readers = Readers::new(options, settings.pool_size, pool.clone());
        let store = PostgresStore { pool, readers, work_options, runtime: Handle::current() };
        store.check_version().await?;
        store.make_schema().await?;
        Ok(store)
    }

    /// The connections for queries.
    pub(crate) fn readers(&self) -> &Arc<Readers> {
        &self.readers
    }

    /// The connections for everything else.
    #[cfg(test)]
    pub(crate) fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// The table that holds a dataset version, with its schema, ready for SQL.
    pub(crate) fn table_of(storage: &StorageId) -> String {
        format!("{SCHEMA}.t_{}", storage.as_str())
    }

    /// The table that holds what rows of a table were, with its schema, ready for SQL.
    pub(crate) fn log_of(storage: &StorageId) -> String {
        format!("{SCHEMA}.h_{}", storage.as_str())
    }

    /// Where the connections' I/O runs.
    pub(super) fn runtime(&self) -> &Handle {
        &self.runtime
    }

    /// A connection of one's own, without the statement timeout.
    async fn connect_for_work(&self) -> Result<PgConnection, sqlx::Error> {
        let connect = PgConnection::connect_with(&self.work_options);
        let connected = tokio::time::timeout(ACQUIRE_TIMEOUT, connect).await;
        let mut connection = connected.unwrap_or_else(|_| Err(timed_out()))?;
        // Ends our statements when this process is gone. Not every server can, and it is no loss.
        let watch = "SET client_connection_check_interval = '5s'";
        match sqlx::raw_sql(watch).execute(&mut connection).await {
            Ok(_) | Err(sqlx::Error::Database(_)) => Ok(connection),
            Err(error) => Err(error),
        }
    }

    /// The server's version, as a number and as it tells it.
    ///
    /// # Errors
    /// When it is away.
    pub(super) async fn version(&self) -> Result<(i32, String), StoreError> {
        let asked = sqlx::query_as(
            "SELECT current_setting('server_version_num')::integer, \
             current_setting('server_version')",
        );
        Ok(asked.fetch_one(&self.pool).await?)
    }

    async fn check_version(&self) -> Result<(), StoreError> {
        let (number, found) = self.version().await?;
        if number < MIN_VERSION {
            return Err(StoreError::TooOld { found });
        }
        Ok(())
    }

    async fn make_schema(&self) -> Result<(), StoreError> {
        let mut transaction = self.pool.begin().await?;
        sqlx::query(SETUP_LOCK).execute(&mut *transaction).await?;
        // Asked first, because IF NOT EXISTS wants the right to make one even where it is there.
        let is_there: bool = sqlx::query_scalar("SELECT to_regnamespace($1) IS NOT NULL")
            .bind(SCHEMA)
            .fetch_one(&mut *transaction)
            .await?;
        if !is_there {
            let create = format!("CREATE SCHEMA {SCHEMA}");
            sqlx::raw_sql(AssertSqlSafe(create)).execute(&mut *transaction).await?;
        }
        functions::make(&mut transaction).await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Makes a new table without rows; blocks the calling thread, which must not be an async one.
    ///
    /// # Errors
    /// When the database is away or there are too many columns; nothing is left then.
    pub fn create_table(
        &self,
        storage: &StorageId,
        spec: &TableSpec,
    ) -> Result<LoadedTable, StoreError> {
        let made = load::create_table(self, storage, spec);
        if made.is_err() {
            let _ = self.runtime.block_on(self.drop_table(storage));
        }
        made
    }

    /// Reads a sheet into a new table; blocks the calling thread, which must not be an async one.
    ///
    /// All happens in one transaction, so that a crash, here or there, leaves nothing.
    ///
    /// # Errors
    /// When the sheet cannot be read or holds what PostgreSQL cannot keep (U+0000 in a text), when
    /// the database is away, or on cancellation.
    pub fn load_sheet(
        &self,
        storage: &StorageId,
        spec: &TableSpec,
        source: &SheetSource<'_>,
    ) -> Result<LoadedTable, StoreError> {
        let loaded = load::load_sheet(self, storage, spec, source);
        if loaded.is_err() {
            // Only a connection lost in the middle of COMMIT can leave a table; why the load
            // failed matters more than what the cleaning up says.
            let _ = self.runtime.block_on(self.drop_table(storage));
        }
        loaded
    }

    /// Makes a new table of the rows of others, in one transaction; blocks the calling thread,
    /// which must not be an async one.
    ///
    /// # Errors
    /// When the database is away or the disk is full, or on cancellation.
    pub fn merge(
        &self,
        storage: &StorageId,
        spec: &MergeSpec<'_>,
        control: &dyn Control,
    ) -> Result<MergedTable, StoreError> {
        let merged = merge::merge(self, storage, spec, control);
        if merged.is_err() {
            let _ = self.runtime.block_on(self.drop_table(storage));
        }
        merged
    }

    /// Writes all rows as CSV; blocks the calling thread, which must not be an async one.
    ///
    /// # Errors
    /// When the database is away, the file cannot be written, or on cancellation.
    pub fn dump(
        &self,
        storage: &StorageId,
        columns: &[DumpColumn],
        out: &mut dyn Write,
        control: &dyn Control,
    ) -> Result<(), StoreError> {
        merge::dump(self, storage, columns, out, control)
    }

    /// The rows of the first two equal values of a column, if any are; blocks the calling thread.
    ///
    /// # Errors
    /// When the database is away.
    pub fn first_repeat(
        &self,
        storage: &StorageId,
        physical: &str,
    ) -> Result<Option<(i64, i64)>, StoreError> {
        merge::first_repeat(self, storage, physical)
    }

    /// Drops the table once running statements on it have ended.
    ///
    /// # Errors
    /// When the database is away, or statements run on the table for longer than the timeout.
    pub async fn drop_table(&self, storage: &StorageId) -> Result<(), StoreError> {
        let (table, log) = (PostgresStore::table_of(storage), PostgresStore::log_of(storage));
        // Whoever still reads it (an export may for long) is not waited for: it is tried again.
        let drop = format!("SET LOCAL lock_timeout = '1s'; DROP TABLE IF EXISTS {table}, {log}");
        sqlx::raw_sql(AssertSqlSafe(drop)).execute(&self.pool).await?;
        Ok(())
    }

    /// Removes the oldest part of a table's log.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn trim_log(
        &self,
        storage: &StorageId,
        version: i64,
        at_most: usize,
    ) -> Result<usize, StoreError> {
        let log = PostgresStore::log_of(storage);
        let is_there: bool = sqlx::query_scalar("SELECT to_regclass($1) IS NOT NULL")
            .bind(&log)
            .fetch_one(&self.pool)
            .await?;
        if !is_there {
            return Ok(0);
        }
        let sql = format!(
            "DELETE FROM {log} WHERE ctid = ANY(ARRAY(SELECT ctid FROM {log} WHERE version <= $1 LIMIT $2))"
        );
        let done = sqlx::query(AssertSqlSafe(sql))
            .bind(version)
            .bind(i64::try_from(at_most).unwrap_or(i64::MAX))
            .execute(&self.pool)
            .await?;
        Ok(usize::try_from(done.rows_affected()).unwrap_or(usize::MAX))
    }

    /// All tables in the schema that are named like ours.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn list_tables(&self) -> Result<Vec<StorageId>, StoreError> {
        let names: Vec<String> = sqlx::query_scalar(
            "SELECT tablename::text FROM pg_catalog.pg_tables WHERE schemaname = $1 ORDER BY 1",
        )
        .bind(SCHEMA)
        .fetch_all(&self.pool)
        .await?;
        Ok(names.iter().filter_map(|name| StorageId::parse(name.strip_prefix("t_")?)).collect())
    }

    /// Builds an index beside readers and writers; one that is there already is no error.
    ///
    /// # Errors
    /// When the database is away or the disk is full; no broken index is left behind then.
    pub async fn create_index(
        &self,
        storage: &StorageId,
        name: &str,
        definition: &IndexDefinition,
    ) -> Result<i64, StoreError> {
        let index = index_name(storage, name);
        let mut connection = self.connect_for_work().await?;
        if !lock_for_build(&mut connection, &index).await? {
            return Err(StoreError::Busy);
        }
        let table = PostgresStore::table_of(storage);
        let size_bytes = build(&mut connection, &table, &index, definition).await?;
        unlock_after_build(&mut connection, &index).await?;
        connection.close().await?;
        Ok(size_bytes)
    }

    /// Removes an index beside readers and writers.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn drop_index(&self, storage: &StorageId, name: &str) -> Result<(), StoreError> {
        let mut connection = self.connect_for_work().await?;
        drop_index_by_name(&mut connection, &index_name(storage, name)).await?;
        connection.close().await?;
        Ok(())
    }

    /// Asks the server for a sign of life.
    ///
    /// # Errors
    /// When it gives none in time.
    pub async fn ping(&self) -> Result<(), StoreError> {
        let answer = sqlx::raw_sql("SELECT 1").execute(&self.pool);
        match tokio::time::timeout(ACQUIRE_TIMEOUT, answer).await {
            Ok(answered) => Ok(answered.map(|_| ())?),
            Err(_) => Err(StoreError::Timeout),
        }
    }
}

fn timed_out() -> sqlx::Error {
    sqlx::Error::Io(io::Error::from(io::ErrorKind::TimedOut))
}

/// Keeps other nodes from building the same index, as long as the connection lives. They are not
/// made to wait: a build waits for all that began before it, and both would wait for ever.
async fn lock_for_build(connection: &mut PgConnection, index: &str) -> Result<bool, StoreError> {
    let lock = "SELECT pg_try_advisory_lock(hashtextextended($1, 0))";
    Ok(sqlx::query_scalar(lock).bind(index).fetch_one(connection).await?)
}

/// A session's locks end with it, but the server may notice its end only a moment later.
async fn unlock_after_build(connection: &mut PgConnection, index: &str) -> Result<(), StoreError> {
    let unlock = "SELECT pg_advisory_unlock(hashtextextended($1, 0))";
    sqlx::query(unlock).bind(index).execute(connection).await?;
    Ok(())
}

/// Builds an index unless it is there; tells the bytes that it takes.
async fn build(
    connection: &mut PgConnection,
    table: &str,
    index: &str,
    definition: &IndexDefinition,
) -> Result<i64, StoreError> {
    let is_valid = is_valid_index(connection, index).await?;
    if is_valid == Some(false) {
        drop_index_by_name(connection, index).await?;
    }
    if is_valid != Some(true) {
        let name = quoted(index);
        let what = indexed(definition);
        let create = format!("CREATE INDEX CONCURRENTLY {name} ON {table} {what}");
        let built = sqlx::raw_sql(AssertSqlSafe(create)).execute(&mut *connection).await;
        if let Err(error) = built {
            // A build that fails leaves an INVALID index, which writes keep up and nothing reads.
            let _ = drop_index_by_name(connection, index).await;
            let code = error.as_database_error().and_then(|error| error.code());
            return Err(match code.as_deref() {
                Some(LIMIT_EXCEEDED) => StoreError::Unindexable,
                _ => error.into(),
            });
        }
    }
    let size = "SELECT coalesce(pg_relation_size(to_regclass($1)), 0)";
    let name = format!("{SCHEMA}.{}", quoted(index));
    Ok(sqlx::query_scalar(size).bind(name).fetch_one(connection).await?)
}

/// Whether an index of this name is there, and whether its build has ended well.
async fn is_valid_index(
    connection: &mut PgConnection,
    index: &str,
) -> Result<Option<bool>, StoreError> {
    let found = sqlx::query_scalar(
        "SELECT i.indisvalid FROM pg_catalog.pg_index i \
         JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid \
         WHERE c.relnamespace = to_regnamespace($1) AND c.relname = $2",
    )
    .bind(SCHEMA)
    .bind(index)
    .fetch_optional(connection)
    .await?;
    Ok(found)
}

async fn drop_index_by_name(connection: &mut PgConnection, index: &str) -> Result<(), StoreError> {
    let drop = format!("DROP INDEX CONCURRENTLY IF EXISTS {SCHEMA}.{}", quoted(index));
    sqlx::raw_sql(AssertSqlSafe(drop)).execute(connection).await?;
    Ok(())
}

/// The index's name in the schema, where names are shared by all tables.
fn index_name(storage: &StorageId, name: &str) -> String {
    let whole = format!("t_{}_{name}", storage.as_str());
    if whole.len() <= MAX_NAME_BYTES {
        return whole;
    }
    // PostgreSQL would cut the name, and two long ones could become the same.
    use sha2::Digest;
    let digest = sha2::Sha256::digest(name.as_bytes());
    let short: String = digest.iter().take(12).map(|byte| format!("{byte:02x}")).collect();
    format!("t_{}_{short}", storage.as_str())
}

/// What an index holds: its columns, and `_row` last so that a scan ends in file order; or words.
fn indexed(definition: &IndexDefinition) -> String {
    let columns = match definition {
        IndexDefinition::Ordered(columns) => columns,
        IndexDefinition::Search(columns) => {
            let columns: Vec<String> = columns.iter().map(|name| quoted(name)).collect();
            return format!("USING gin ({})", search::vector_sql(&columns));
        }
    };
    // Missing values come where `OrderBy` puts them by default: last, or first when descending.
    let mut parts: Vec<String> = columns
        .iter()
        .map(|column| {
            let direction = if column.is_descending { " DESC" } else { "" };
            format!("{}{direction}", quoted(&column.physical))
        })
        .collect();
    if !columns.iter().any(|column| column.physical == ROW_COLUMN) {
        parts.push(quoted(ROW_COLUMN));
    }
    format!("({})", parts.join(","))
}
