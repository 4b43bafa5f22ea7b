//! Turns a sheet into a finished table: encoders on the reader's threads, one COPY from ours.
//!
//! It exists to hold the order of a load in one place: table, rows, keys, statistics, commit. It
//! never makes anything visible before the commit, and keeps to a connection of its own.

use std::borrow::Cow;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use sluice_schema::{ColumnType, Control, ReadReport};
use sqlx::postgres::PgCopyIn;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use tokio::runtime::Handle;

use super::copy::{CopyEncoder, HEADER, TRAILER, Unfit, UnfitCell};
use super::{LIMIT_EXCEEDED, PostgresStore, quoted, timed_out};
use crate::catalog::model::StorageId;
use crate::store::spare::Spare;
use crate::store::{LoadedTable, PhysicalColumn, SheetSource, StoreError, TableSpec, read_sheet};

/// PostgreSQL's own limit is 1,600, and `_row` is one of them.
pub(super) const MAX_COLUMNS: usize = 1_599;

/// How often a wait asks whether the load is cancelled.
const CANCEL_POLL: Duration = Duration::from_millis(200);

/// A server that takes no byte for so long is gone.
const SEND_TIMEOUT: Duration = Duration::from_secs(120);

/// How long saying goodbye may take after a failure.
const GOODBYE_TIMEOUT: Duration = Duration::from_secs(5);

/// SQLSTATE `unique_violation`.
pub(super) const UNIQUE_VIOLATION: &str = "23505";

pub(super) fn load_sheet(
    store: &PostgresStore,
    storage: &StorageId,
    spec: &TableSpec,
    source: &SheetSource<'_>,
) -> Result<LoadedTable, StoreError> {
    if spec.columns.len() > MAX_COLUMNS {
        return Err(StoreError::too_many_columns(spec.columns.len(), MAX_COLUMNS));
    }
    let waiter = Waiter { runtime: &store.runtime, control: source.control };
    let connected = waiter.wait(store.connect_for_work())?;
    let mut session = Session { connection: connected, waiter: &waiter };
    let loaded = session.load(storage, spec, source);
    // After a failure this is the rollback; after a commit nothing depends on it.
    waiter.try_briefly(session.connection.close());
    loaded
}

/// Makes a table without rows.
pub(super) fn create_table(
    store: &PostgresStore,
    storage: &StorageId,
    spec: &TableSpec,
) -> Result<LoadedTable, StoreError> {
    if spec.columns.len() > MAX_COLUMNS {
        return Err(StoreError::too_many_columns(spec.columns.len(), MAX_COLUMNS));
    }
    let waiter = Waiter { runtime: &store.runtime, control: &() };
    let connection = waiter.wait(store.connect_for_work())?;
    let mut session = Session { connection, waiter: &waiter };
    let made = session.create(storage, spec);
    waiter.try_briefly(session.connection.close());
    made
}

/// A plain thread that waits for asynchronous work, and for its cancellation.
pub(super) struct Waiter<'a> {
    pub(super) runtime: &'a Handle,
    pub(super) control: &'a dyn Control,
}

impl Waiter<'_> {
    pub(super) fn wait<T>(
        &self,
        work: impl Future<Output = Result<T, sqlx::Error>>,
    ) -> Result<T, StoreError> {
        self.runtime.block_on(async {
            let mut work = std::pin::pin!(work);
            loop {
                match tokio::time::timeout(CANCEL_POLL, work.as_mut()).await {
                    Ok(done) => return done.map_err(StoreError::from),
                    Err(_) if self.control.is_cancelled() => return Err(StoreError::Cancelled),
                    Err(_) => {}
                }
            }
        })
    }

    /// Waits for what may fail or hang without consequences.
    pub(super) fn try_briefly(&self, work: impl Future<Output = Result<(), sqlx::Error>>) {
        let done = self.runtime.block_on(async {
            tokio::time::timeout(GOODBYE_TIMEOUT, work).await.unwrap_or_else(|_| Err(timed_out()))
        });
        if let Err(error) = done {
            tracing::debug!(%error, "a load's connection did not end in good order");
        }
    }
}

/// The load's own connection.
pub(super) struct Session<'a> {
    pub(super) connection: PgConnection,
    pub(super) waiter: &'a Waiter<'a>,
}

impl Session<'_> {
    pub(super) fn execute(&mut self, sql: String) -> Result<(), StoreError> {
        let run = sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut self.connection);
        self.waiter.wait(run).map(|_| ())
    }

    fn load(
        &mut self,
        storage: &StorageId,
        spec: &TableSpec,
        source: &SheetSource<'_>,
    ) -> Result<LoadedTable, StoreError> {
        let table = PostgresStore::table_of(storage);
        self.execute(format!("BEGIN; {}", create_table_sql(&table, &spec.columns)))?;
        let (report, copied) = self.copy(&table, spec, source)?;
        // Afterwards: sorting rows that are in order is quicker than keeping a tree beside them.
        self.execute(format!("ALTER TABLE {table} ADD PRIMARY KEY (_row)"))?;
        let has_key = match spec.key.and_then(|key| spec.columns.get(key.column)) {
            Some(column) if copied.n_null_keys == 0 => self.build_key(storage, &table, column)?,
            _ => false,
        };
        self.execute(format!("ANALYZE {table}"))?;
        let size_bytes = self.size_of(&table)?;
        if self.waiter.control.is_cancelled() {
            return Err(StoreError::Cancelled);
        }
        self.execute("COMMIT".into())?;
        let LoadedRows { n_rows, .. } = copied;
        let ReadReport { notices, rejects, n_rejects, .. } = report;
        Ok(LoadedTable { n_rows, size_bytes, has_key, notices, rejects, n_rejects, next_row: None })
    }

    fn create(&mut self, storage: &StorageId, spec: &TableSpec) -> Result<LoadedTable, StoreError> {
        let table = PostgresStore::table_of(storage);
        let create = create_table_sql(&table, &spec.columns);
        self.execute(format!("BEGIN; {create}; ALTER TABLE {table} ADD PRIMARY KEY (_row)"))?;
        let has_key = match spec.key.and_then(|key| spec.columns.get(key.column)) {
            Some(column) => self.build_key(storage, &table, column)?,
            None => false,
        };
        let size_bytes = self.size_of(&table)?;
        self.execute("COMMIT".into())?;
        Ok(LoadedTable::empty(size_bytes, has_key))
    }

    fn size_of(&mut self, table: &str) -> Result<i64, StoreError> {
        let size = sqlx::query_scalar("SELECT pg_total_relation_size(to_regclass($1))")
            .bind(table)
            .fetch_one(&mut self.connection);
        self.waiter.wait(size)
    }

    /// Sends all rows.
    fn copy(
        &mut self,
        table: &str,
        spec: &TableSpec,
        source: &SheetSource<'_>,
    ) -> Result<(ReadReport, LoadedRows), StoreError> {
        // FREEZE: nobody can see the table yet, so its rows need no second visit by VACUUM.
        let statement = format!("COPY {table} FROM STDIN (FORMAT binary, FREEZE)");
        let mut copy = self.waiter.wait(self.connection.copy_in_raw(&statement))?;
        let sent = send_rows(&mut copy, self.waiter, spec, source);
        let (report, rows) = match sent {
            Ok(sent) => sent,
            Err(error) => {
                // On cancellation the server hears of it here; otherwise it knows better than we.
                self.waiter.try_briefly(copy.abort("the load has failed"));
                return Err(error);
            }
        };
        let n_copied = self.waiter.wait(copy.finish()).map_err(unfit_for_server)?;
        if i64::try_from(n_copied) == Ok(rows.n_rows) {
            Ok((report, rows))
        } else {
            Err(StoreError::Defect("PostgreSQL has taken fewer rows than were sent"))
        }
    }

    /// Builds the unique index of the key; whether the values allow it.
    pub(super) fn build_key(
        &mut self,
        storage: &StorageId,
        table: &str,
        column: &PhysicalColumn,
    ) -> Result<bool, StoreError> {
        let index = quoted(&super::index_name(storage, "key"));
        self.execute("SAVEPOINT key".into())?;
        let name = quoted(&column.name);
        match self.execute(format!("CREATE UNIQUE INDEX {index} ON {table} ({name})")) {
            Ok(()) => self.execute("RELEASE key".into()).map(|()| true),
            Err(error) if is_one_of(&error, &[UNIQUE_VIOLATION, LIMIT_EXCEEDED]) => {
                self.execute("ROLLBACK TO key".into()).map(|()| false)
            }
            Err(error) => Err(error),
        }
    }
}

/// What was sent.
struct LoadedRows {
    n_rows: i64,
    n_null_keys: u64,
}

fn send_rows(
    copy: &mut PgCopyIn<&mut PgConnection>,
    waiter: &Waiter<'_>,
    spec: &TableSpec,
    source: &SheetSource<'_>,
) -> Result<(ReadReport, LoadedRows), StoreError> {
    let columns: Arc<[ColumnType]> = spec.columns.iter().map(|column| column.column_type).collect();
    let key_column = spec.key.map(|key| key.column);
    let encoders = Spare::new();
    let make = || encoders.take(|| CopyEncoder::new(Arc::clone(&columns), key_column));
    let mut rows = LoadedRows { n_rows: 0, n_null_keys: 0 };
    send(copy, waiter, HEADER)?;
    let report = read_sheet(source, make, |mut block| {
        if let Some(cell) = block.unfit() {
            return Err(unfit_cell(cell, rows.n_rows, source));
        }
        send(copy, waiter, block.numbered(rows.n_rows + 1))?;
        rows.n_rows += i64::try_from(block.n_rows()).unwrap_or(i64::MAX);
        rows.n_null_keys += block.n_null_keys();
        block.clear();
        encoders.give_back(block);
        Ok(())
    })?;
    send(copy, waiter, TRAILER)?;
    Ok((report, rows))
}

fn send(
    copy: &mut PgCopyIn<&mut PgConnection>,
    waiter: &Waiter<'_>,
    bytes: &[u8],
) -> Result<(), StoreError> {
    waiter.wait(async {
        match tokio::time::timeout(SEND_TIMEOUT, copy.send(bytes)).await {
            Ok(sent) => sent.map(|_| ()),
            Err(_) => Err(timed_out()),
        }
    })
}

/// Text columns sort by bytes, as they do in SQLite.
pub(super) fn create_table_sql(table: &str, columns: &[PhysicalColumn]) -> String {
    let mut sql = format!("CREATE TABLE {table} (_row bigint NOT NULL");
    for column in columns {
        let collation = match column.column_type {
            ColumnType::String => " COLLATE \"C\"",
            _ => "",
        };
        let sql_type = column_sql_type(column.column_type);
        sql.push_str(&format!(",{} {sql_type}{collation}", quoted(&column.name)));
    }
    sql.push(')');
    sql
}

/// The type of a column that keeps values of this type.
pub(super) fn column_sql_type(column_type: ColumnType) -> Cow<'static, str> {
    Cow::Borrowed(match column_type {
        ColumnType::Boolean => "boolean",
        ColumnType::Int => "integer",
        ColumnType::BigInt => "bigint",
        ColumnType::Decimal { precision, scale } => {
            return Cow::Owned(format!("numeric({precision},{scale})"));
        }
        ColumnType::Float => "double precision",
        ColumnType::Date => "date",
        ColumnType::LocalTime => "time",
        ColumnType::LocalDateTime => "timestamp",
        ColumnType::DateTime => "timestamptz",
        ColumnType::Uuid => "uuid",
        // Not jsonb, which writes numbers and spaces its own way: the text comes back as it was.
        ColumnType::Json => "json",
        ColumnType::String => "text",
    })
}

fn unfit_cell(cell: UnfitCell, n_rows_before: i64, source: &SheetSource<'_>) -> StoreError {
    match cell.why {
        Unfit::Type => StoreError::Defect("a value is not of its column's type"),
        Unfit::Nul => {
            let row = n_rows_before + i64::try_from(cell.row_in_block).unwrap_or_default() + 1;
            let label = source.plan.columns.get(cell.column).map_or("", |column| &column.label);
            StoreError::unfit_sheet(
                None,
                format!(
                    "row {row} below the header, column {label:?}: the text holds the character \
                     U+0000, which PostgreSQL cannot keep"
                ),
                "remove it from the file",
            )
        }
    }
}

/// Tells values that PostgreSQL cannot keep (SQLSTATE classes 22 and 54) from its own troubles.
fn unfit_for_server(error: StoreError) -> StoreError {
    let StoreError::Postgres(sqlx::Error::Database(refused)) = &error else { return error };
    let is_about_values = refused
        .code()
        .is_some_and(|code| code.starts_with("22") || code.as_ref() == LIMIT_EXCEEDED);
    if !is_about_values {
        return error;
    }
    StoreError::unfit_sheet(
        None,
        format!("PostgreSQL cannot keep a row of the sheet: {}", refused.message()),
        "correct it or leave the column out",
    )
}

fn is_one_of(error: &StoreError, codes: &[&str]) -> bool {
    let StoreError::Postgres(sqlx::Error::Database(refused)) = error else { return false };
    refused.code().is_some_and(|code| codes.contains(&code.as_ref()))
}
