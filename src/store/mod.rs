//! Keeps rows: in one SQLite file per dataset version, or in one PostgreSQL table.
//!
//! Loads arrive as whole tables and are invisible until the catalog names them; queries arrive as
//! finished statements and leave as JSON bytes. Only this room knows which database is behind it.

use std::path::Path;
use std::time::Instant;

use sea_orm::DatabaseTransaction;
use sluice_schema::{
    ColumnType, Control, Limits, Notice, ReadError, ReadReport, Reject, RowEncoder, SchemaError,
    SheetPlan,
};

use self::write::{Session, WriteTable};
use crate::catalog::model::StorageId;
use crate::config::Settings;
use crate::error::{Code, Error};

pub(crate) mod aside;
pub(crate) mod bin;
pub mod columns;
pub mod connection;
pub mod contain;
pub mod cursor;
pub mod dump;
pub mod json;
pub mod merge;
pub mod node;
pub mod period;
pub mod postgres;
pub mod run;
pub mod search;
mod spare;
pub mod sqlite;
pub mod stream;
pub mod value;
pub mod write;

#[cfg(test)]
mod tests;

/// A column of a table to be made.
#[derive(Clone, Debug)]
pub struct PhysicalColumn {
    /// `c1`, `c2`, …
    pub name: String,
    /// Decides the store's type and how values are written.
    pub column_type: ColumnType,
}

/// The column that may become the key.
#[derive(Clone, Copy, Debug)]
pub struct KeyCandidate {
    /// Index into [`TableSpec::columns`].
    pub column: usize,
    /// Whole numbers, never null, each larger than the one before: known to be unique.
    pub is_increasing: bool,
}

/// A table to be made.
#[derive(Clone, Debug)]
pub struct TableSpec {
    /// In file order; column `i` takes values of column `i` of the sheet's plan.
    pub columns: Vec<PhysicalColumn>,
    /// Gets a unique index if its values allow it.
    pub key: Option<KeyCandidate>,
}

/// A column of an index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexColumn {
    /// `c1`, `c2`, …
    pub physical: String,
    /// Whether the largest value comes first.
    pub is_descending: bool,
}

/// An index to be built.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IndexDefinition {
    /// Finds rows by the values of these columns, and gives them in their order; rows that agree
    /// come in file order.
    Ordered(Vec<IndexColumn>),
    /// Finds rows by the words in these columns, all those that hold text; it is called
    /// [`search::SEARCH_INDEX`].
    Search(Vec<String>),
}

/// A sheet to be read.
pub struct SheetSource<'a> {
    /// The spooled file.
    pub path: &'a Path,
    /// What it holds and how to read it.
    pub plan: &'a SheetPlan,
    /// Bounds on what is read.
    pub limits: &'a Limits,
    /// Told about progress, asked about cancellation.
    pub control: &'a dyn Control,
    /// Threads that parse.
    pub n_workers: usize,
}

/// What a load made.
#[derive(Debug)]
pub struct LoadedTable {
    /// Rows written.
    pub n_rows: i64,
    /// Bytes that the table takes.
    pub size_bytes: i64,
    /// Whether the key candidate is unique and never null, and now has its index `key`.
    pub has_key: bool,
    /// What was normalised while reading.
    pub notices: Vec<Notice>,
    /// Rows that were refused, as many as the limits keep.
    pub rejects: Vec<Reject>,
    /// Rows that were refused, in all.
    pub n_rejects: u64,
    /// The number of the next new row, where rows kept theirs and some are missing.
    pub next_row: Option<i64>,
}

impl LoadedTable {
    /// A table without rows.
    fn empty(size_bytes: i64, has_key: bool) -> LoadedTable {
        LoadedTable {
            n_rows: 0,
            size_bytes,
            has_key,
            notices: Vec::new(),
            rejects: Vec::new(),
            n_rejects: 0,
            next_row: None,
        }
    }
}

/// Why the store did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// No room left on the device.
    #[error("the disk is full")]
    DiskFull(#[source] std::io::Error),
    /// A file could not be read or written.
    #[error("a data file could not be read or written")]
    Io(#[source] std::io::Error),
    /// SQLite refused.
    #[error("the embedded store refused")]
    Sqlite(#[source] rusqlite::Error),
    /// PostgreSQL refused or is away.
    #[error("PostgreSQL refused")]
    Postgres(#[source] sqlx::Error),
    /// PostgreSQL refused or is away, seen through sea-orm.
    #[error("the database refused")]
    Orm(#[from] sea_orm::DbErr),
    /// The statement ran longer than allowed.
    #[error("the statement took too long")]
    Timeout,
    /// Too many statements wait for a reader.
    #[error("too many statements wait")]
    Busy,
    /// A result was not what its plan said.
    #[error(transparent)]
    Cell(#[from] json::BadCell),
    /// The work was cancelled by its owner.
    #[error("cancelled")]
    Cancelled,
    /// The sheet could not be read.
    #[error(transparent)]
    Sheet(SchemaError),
    /// A value is too long for an index.
    #[error("a value is too long to be indexed")]
    Unindexable,
    /// A key that is there already.
    #[error("a key is there already")]
    Repeated,
    /// A value that the database does not take.
    #[error("the database does not take a value")]
    Unfit,
    /// The server lacks what Sluice needs.
    #[error("PostgreSQL {found} is too old: Sluice needs version 15 or newer")]
    TooOld {
        /// The version that the server tells.
        found: String,
    },
    /// An invariant did not hold.
    #[error("{0}")]
    Defect(&'static str),
}

impl StoreError {
    /// A sheet that is read well and does not fit this store.
    fn unfit_sheet(row: Option<u64>, found: String, remedy: &str) -> StoreError {
        StoreError::Sheet(SchemaError::Rejected { row, found, remedy: remedy.to_owned() })
    }

    fn too_many_columns(n_columns: usize, n_allowed: usize) -> StoreError {
        StoreError::unfit_sheet(
            None,
            format!("the sheet has {n_columns} columns, the store keeps at most {n_allowed}"),
            "split it into narrower sheets",
        )
    }
}

impl From<std::io::Error> for StoreError {
    fn from(error: std::io::Error) -> StoreError {
        use std::io::ErrorKind::{QuotaExceeded, StorageFull};
        match error.kind() {
            StorageFull | QuotaExceeded => StoreError::DiskFull(error),
            _ => StoreError::Io(error),
        }
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> StoreError {
        match error.sqlite_error_code() {
            Some(rusqlite::ErrorCode::DiskFull) => {
                StoreError::DiskFull(std::io::Error::new(std::io::ErrorKind::StorageFull, error))
            }
            _ => StoreError::Sqlite(error),
        }
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> StoreError {
        match error.as_database_error().and_then(|error| error.code()).as_deref() {
            Some(postgres::DISK_FULL) => {
                StoreError::DiskFull(std::io::Error::new(std::io::ErrorKind::StorageFull, error))
            }
            Some(postgres::QUERY_CANCELED) => StoreError::Timeout,
            _ => StoreError::Postgres(error),
        }
    }
}

impl From<SchemaError> for StoreError {
    fn from(error: SchemaError) -> StoreError {
        match error {
            SchemaError::Cancelled => StoreError::Cancelled,
            error => StoreError::Sheet(error),
        }
    }
}

/// Reads all rows of a sheet: encoders fill on the reader's threads, `sink` takes them in order.
fn read_sheet<E: RowEncoder>(
    source: &SheetSource<'_>,
    make: impl Fn() -> E + Sync,
    mut sink: impl FnMut(E) -> Result<(), StoreError>,
) -> Result<ReadReport, StoreError> {
    let SheetSource { path, plan, limits, control, n_workers } = *source;
    sluice_schema::read_rows(path, plan, limits, control, n_workers, make, |block, _| {
        if control.is_cancelled() {
            return Err(StoreError::Cancelled);
        }
        sink(block)
    })
    .map_err(|error| match error {
        ReadError::Schema(error) => error.into(),
        ReadError::Sink(error) => error,
    })
}

/// The database behind the datasets.
pub enum Store {
    /// One SQLite file per dataset version in the data folder.
    Sqlite(sqlite::SqliteStore),
    /// One table per dataset version.
    Postgres(postgres::PostgresStore),
}

/// How what reads the store is used: connections to PostgreSQL, or threads of the embedded store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReaderUsage {
    /// As many as there can be.
    pub n_most: usize,
    /// Those with a statement.
    pub n_busy: usize,
    /// Those that are there without one.
    pub n_idle: usize,
    /// Statements that wait for a thread.
    pub n_waiting: usize,
}

impl Store {
    /// How what reads is used now.
    pub fn reader_usage(&self) -> ReaderUsage {
        match self {
            Store::Sqlite(store) => store.reader_usage(),
            Store::Postgres(store) => store.readers().usage(),
        }
    }

    /// Opens the store that the settings name.
    ///
    /// # Errors
    /// When the data folder cannot be made or PostgreSQL does not answer.
    pub async fn open(settings: &Settings) -> Result<Store, StoreError> {
        Ok(match &settings.database_url {
            None => Store::Sqlite(sqlite::SqliteStore::open(settings)?),
            Some(url) => Store::Postgres(postgres::PostgresStore::open(url, settings).await?),
        })
    }

    /// Reads a sheet into a new table; blocks the calling thread (never an async one).
    ///
    /// The table is complete and synced when this returns; on an error nothing is left of it.
    ///
    /// # Errors
    /// When the sheet cannot be read, the disk is full, the database is away, or on cancellation.
    pub fn load_sheet(
        &self,
        storage: &StorageId,
        spec: &TableSpec,
        source: &SheetSource<'_>,
    ) -> Result<LoadedTable, StoreError> {
        match self {
            Store::Sqlite(store) => store.load_sheet(storage, spec, source),
            Store::Postgres(store) => store.load_sheet(storage, spec, source),
        }
    }

    /// Begins a transaction on the embedded store that changes rows of these tables, and reads
    /// others; blocks the calling thread. With `waits`, it begins once nobody else writes them.
    ///
    /// # Errors
    /// When SQLite refuses; without `waits`, when somebody else writes one of the tables.
    pub fn begin_write(
        &self,
        written: Vec<WriteTable>,
        read: Vec<StorageId>,
        deadline: Instant,
        waits: bool,
    ) -> Result<Session, StoreError> {
        let Store::Sqlite(store) = self else {
            return Err(StoreError::Defect("PostgreSQL writes in the catalog's transaction"));
        };
        let n_written = written.len();
        let tables = written.iter().map(|table| table.storage.clone()).chain(read).collect();
        let inner = store.begin_write(tables, n_written, deadline, waits)?;
        let mut session = Session::sqlite(inner, written);
        session.make_logs()?;
        Ok(session)
    }

    /// Changes rows inside a transaction of PostgreSQL; blocks the calling thread, which must not
    /// be an async one.
    ///
    /// # Errors
    /// When PostgreSQL refuses or is away.
    pub fn write_within(
        &self,
        transaction: DatabaseTransaction,
        written: Vec<WriteTable>,
        deadline: Instant,
    ) -> Result<Session, StoreError> {
        let Store::Postgres(store) = self else {
            return Err(StoreError::Defect("the embedded store writes in transactions of its own"));
        };
        let inner =
            postgres::write::PostgresSession::begin(transaction, store.runtime(), deadline)?;
        let mut session = Session::postgres(inner, written);
        session.make_logs()?;
        Ok(session)
    }

    /// What the commits after a version wrote down beside a table; nothing on PostgreSQL, where
    /// the catalog is in the same transaction. Blocks the calling thread.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn records_after(
        &self,
        storage: &StorageId,
        version: i64,
    ) -> Result<Vec<(i64, String)>, StoreError> {
        match self {
            Store::Sqlite(store) => store.records_after(storage, version),
            Store::Postgres(_) => Ok(Vec::new()),
        }
    }

    /// Removes what a table's log tells of versions up to this one, at most so many rows; tells how
    /// many. The caller has the right to change the table's rows.
    ///
    /// # Errors
    /// When the database refuses or is away.
    pub async fn trim_log(
        &self,
        storage: &StorageId,
        version: i64,
        at_most: usize,
    ) -> Result<usize, StoreError> {
        match self {
            Store::Sqlite(store) => store.trim_log(storage, version, at_most).await,
            Store::Postgres(store) => store.trim_log(storage, version, at_most).await,
        }
    }

    /// Makes a new table without rows; blocks the calling thread (never an async one).
    ///
    /// It is complete and synced when this returns, with the index `key` if there is a candidate;
    /// on an error nothing is left of it.
    ///
    /// # Errors
    /// For more columns than the store keeps, when the disk is full or the database is away.
    pub fn create_table(
        &self,
        storage: &StorageId,
        spec: &TableSpec,
    ) -> Result<LoadedTable, StoreError> {
        match self {
            Store::Sqlite(store) => store.create_table(storage, spec),
            Store::Postgres(store) => store.create_table(storage, spec),
        }
    }

    /// Removes a table; one that is not there is no error.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn drop_table(&self, storage: &StorageId) -> Result<(), StoreError> {
        match self {
            Store::Sqlite(store) => store.drop_table(storage),
            Store::Postgres(store) => store.drop_table(storage).await,
        }
    }

    /// All tables present, named by the catalog or not.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn list_tables(&self) -> Result<Vec<StorageId>, StoreError> {
        match self {
            Store::Sqlite(store) => store.list_tables(),
            Store::Postgres(store) => store.list_tables().await,
        }
    }

    /// Builds an index beside running queries, unless there is one of this name; tells how many
    /// bytes it takes.
    ///
    /// # Errors
    /// Unindexable for values too long for an index; Busy while another node builds it; when the
    /// database is away or the disk is full.
    pub async fn create_index(
        &self,
        storage: &StorageId,
        name: &str,
        definition: &IndexDefinition,
    ) -> Result<i64, StoreError> {
        match self {
            Store::Sqlite(store) => store.create_index(storage, name, definition).await,
            Store::Postgres(store) => store.create_index(storage, name, definition).await,
        }
    }

    /// Removes an index; one that is not there is no error.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn drop_index(&self, storage: &StorageId, name: &str) -> Result<(), StoreError> {
        match self {
            Store::Sqlite(store) => store.drop_index(storage, name).await,
            Store::Postgres(store) => store.drop_index(storage, name).await,
        }
    }

    /// Asks the database for a sign of life.
    ///
    /// # Errors
    /// When it gives none.
    pub async fn ping(&self) -> Result<(), StoreError> {
        match self {
            Store::Sqlite(store) => store.ping(),
            Store::Postgres(store) => store.ping().await,
        }
    }
}

/// A name as SQL takes it whatever it holds.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Error {
        let seen = Error::from(&error);
        match seen.code {
            Code::StorageUnavailable | Code::Internal => seen.caused_by(error),
            _ => seen,
        }
    }
}

impl From<&StoreError> for Error {
    fn from(error: &StoreError) -> Error {
        let sentence = match error {
            StoreError::Timeout => {
                return Error::new(
                    Code::Timeout,
                    "The statement took too long and was cancelled. Narrow the filter, or add an index for it.",
                );
            }
            StoreError::Unindexable => {
                return Error::bad_input(
                    "A value of these columns is too long for an index. Choose columns with shorter values.",
                );
            }
            StoreError::DiskFull(_) => "The disk is full. Free some space, then try again.",
            StoreError::Busy => "Too many queries wait right now. Try again shortly.",
            StoreError::Io(_)
            | StoreError::Postgres(_)
            | StoreError::Orm(_)
            | StoreError::TooOld { .. } => {
                "The database does not answer right now. Try again shortly."
            }
            StoreError::Sheet(sheet) => {
                let code = Code::from_wire(sheet.code()).unwrap_or(Code::Internal);
                return Error::new(code, sheet.to_string());
            }
            StoreError::Repeated => {
                return Error::new(Code::Conflict, "A key of these rows is there already.");
            }
            StoreError::Unfit => {
                return Error::bad_input("A value does not fit its column.");
            }
            StoreError::Cancelled => {
                return Error::new(Code::Conflict, "The work was cancelled by its owner.");
            }
            StoreError::Sqlite(_) | StoreError::Cell(_) | StoreError::Defect(_) => {
                return Error::internal(error.to_string());
            }
        };
        Error::new(Code::StorageUnavailable, sentence).caused_by(error.to_string())
    }
}
