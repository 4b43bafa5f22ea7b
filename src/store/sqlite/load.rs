//! Turns a sheet into a finished database file: encoders on the reader's threads, pages on ours.
//!
//! It exists to hold the order of a load in one place: write, index the key, check, sync. It never
//! removes the file when something fails: the caller does.

use std::fs::{self, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags};
use sluice_schema::{ColumnType, Control};

use super::bulk::{BulkFile, BulkWriter, JournalMode, SchemaText};
use super::columns::encode::{Beside, BothEncoder, ColumnsBeside};
use super::columns::{kinds_of, path_beside};
use super::record::RecordEncoder;
use super::{quoted, sync_folder};
use crate::store::spare::Spare;
use crate::store::{LoadedTable, PhysicalColumn, SheetSource, StoreError, TableSpec, read_sheet};

/// Bytes of a page of a data file.
///
/// Of 4,096, 8,192 and 16,384, the smallest is the quickest by 10 to 30 % for a row by its key and
/// for 25 rows all over the table; loads, scans and rows that lie together do not care.
pub(super) const PAGE_BYTES: usize = 4096;

/// As many as a sheet may have; SQLite is built to take more (`.cargo/config.toml`), since `_row` is
/// one and a merge reads two tables side by side.
pub(super) const MAX_COLUMNS: usize = 2_000;

/// Memory for pages and as much again for sorting, in KiB as the pragma wants it; what does not fit
/// goes to temporary files.
const SORT_CACHE: &str = "PRAGMA cache_size=-16384";

/// How often the build of a key's index asks whether the load is cancelled.
const CANCEL_POLL: Duration = Duration::from_millis(100);

/// The statement that makes a table; the affinities agree with what [`RecordEncoder`] stores.
pub(super) fn create_table_sql(columns: &[PhysicalColumn]) -> String {
    format!("CREATE TABLE t(_row INTEGER PRIMARY KEY{})", create_columns_sql(columns))
}

/// The columns beside the row number, each behind a comma.
pub(super) fn create_columns_sql(columns: &[PhysicalColumn]) -> String {
    let mut sql = String::new();
    for column in columns {
        sql.push(',');
        sql.push_str(&quoted(&column.name));
        sql.push_str(match column.column_type {
            ColumnType::Boolean
            | ColumnType::Int
            | ColumnType::BigInt
            | ColumnType::Decimal { .. } => " INTEGER",
            ColumnType::Float => " REAL",
            ColumnType::Date
            | ColumnType::LocalTime
            | ColumnType::LocalDateTime
            | ColumnType::DateTime
            | ColumnType::Uuid
            | ColumnType::Json
            | ColumnType::String => " TEXT",
        });
    }
    sql
}

fn create_key_sql(column: &PhysicalColumn) -> String {
    format!("CREATE UNIQUE INDEX \"key\" ON t({})", quoted(&column.name))
}

/// How the key gets its index.
enum KeyWork<'a> {
    /// There is no candidate.
    None,
    /// Written with the rows, as its values grow.
    OnTheWay,
    /// Built by SQLite once the rows are there.
    Afterwards { column: &'a PhysicalColumn },
}

/// Reads a sheet into a data file, and into columns beside it if wanted.
pub(super) fn load_sheet(
    path: &Path,
    beside: Option<Beside>,
    spec: &TableSpec,
    source: &SheetSource<'_>,
) -> Result<LoadedTable, StoreError> {
    if spec.columns.len() > MAX_COLUMNS {
        return Err(StoreError::too_many_columns(spec.columns.len(), MAX_COLUMNS));
    }
    let key_column = spec.key.and_then(|key| spec.columns.get(key.column));
    let key_work = match (spec.key, key_column) {
        (Some(key), Some(column)) if key.is_increasing && is_whole_number(column) => {
            KeyWork::OnTheWay
        }
        (Some(_), Some(column)) => KeyWork::Afterwards { column },
        _ => KeyWork::None,
    };
    let schema = SchemaText {
        table: create_table_sql(&spec.columns),
        key: match key_work {
            KeyWork::OnTheWay => key_column.map(create_key_sql),
            _ => None,
        },
    };
    // Others on the machine have no business in it; SQLite gives its companions the same mode.
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    let mut writer = BulkWriter::create(file, PAGE_BYTES, schema)?;
    let watched = spec.key.map(|key| key.column);
    let mut n_null_keys = 0;
    let mut last_key = None;
    let mut columns = beside.and_then(|beside| begin_columns(path, spec, beside));
    let kinds = columns.as_ref().map(|columns| columns.kinds().to_vec());
    let encoders = Spare::new();
    let make = || {
        encoders.take(|| {
            let records = RecordEncoder::new(spec.columns.len(), watched);
            BothEncoder::new(records, kinds.as_deref())
        })
    };
    let report = read_sheet(source, make, |mut block| {
        if let Some(columns) = &mut columns {
            columns.push(&mut block);
        }
        let records = &block.records;
        n_null_keys += records.n_null_keys();
        match key_work {
            KeyWork::OnTheWay => push_block_with_keys(&mut writer, records, &mut last_key)?,
            _ => push_block(&mut writer, records)?,
        }
        block.clear();
        encoders.give_back(block);
        Ok(())
    })?;
    let (written, has_key) = match key_work {
        KeyWork::Afterwards { column } if n_null_keys == 0 => {
            // With a log the index would be written twice.
            let written = writer.finish(JournalMode::Rollback)?;
            let has_key = build_key(path, column, source.control)?;
            written.file.write_all_at(&JournalMode::Wal.versions(), JournalMode::OFFSET)?;
            (written, has_key)
        }
        KeyWork::OnTheWay => (writer.finish(JournalMode::Wal)?, true),
        KeyWork::Afterwards { .. } | KeyWork::None => (writer.finish(JournalMode::Wal)?, false),
    };
    let size_bytes = check(path, &written)?;
    written.file.sync_all()?;
    if let Some(columns) = columns
        && let Err(error) = columns.finish(written.n_rows)
    {
        without_columns(&error);
    }
    if let Some(folder) = path.parent() {
        sync_folder(folder)?;
    }
    Ok(LoadedTable {
        n_rows: written.n_rows.cast_signed(),
        size_bytes: size_bytes.cast_signed(),
        has_key,
        notices: report.notices,
        rejects: report.rejects,
        n_rejects: report.n_rejects,
        next_row: None,
    })
}

/// Begins the columns beside a data file; a load goes on without them.
fn begin_columns(path: &Path, spec: &TableSpec, beside: Beside) -> Option<ColumnsBeside> {
    let begun = ColumnsBeside::begin(path_beside(path), kinds_of(&spec.columns), beside);
    begun.map_err(|error| without_columns(&error)).ok()
}

fn without_columns(error: &io::Error) {
    tracing::warn!(cause = %error, "a load leaves no columns; they are built when they are asked for");
}

/// Makes a finished database file without rows.
pub(super) fn create_table(path: &Path, spec: &TableSpec) -> Result<LoadedTable, StoreError> {
    if spec.columns.len() > MAX_COLUMNS {
        return Err(StoreError::too_many_columns(spec.columns.len(), MAX_COLUMNS));
    }
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    let schema = SchemaText { table: create_table_sql(&spec.columns), key: None };
    let writer = BulkWriter::create(file, PAGE_BYTES, schema)?;
    let written = writer.finish(JournalMode::Rollback)?;
    let has_key = match spec.key.and_then(|key| spec.columns.get(key.column)) {
        Some(column) => build_key(path, column, &())?,
        None => false,
    };
    written.file.write_all_at(&JournalMode::Wal.versions(), JournalMode::OFFSET)?;
    let size_bytes = check(path, &written)?;
    written.file.sync_all()?;
    if let Some(folder) = path.parent() {
        sync_folder(folder)?;
    }
    Ok(LoadedTable::empty(size_bytes.cast_signed(), has_key))
}

fn is_whole_number(column: &PhysicalColumn) -> bool {
    matches!(column.column_type, ColumnType::Int | ColumnType::BigInt)
}

fn push_block(writer: &mut BulkWriter, block: &RecordEncoder) -> Result<(), StoreError> {
    for record in block.records() {
        writer.push_row(record)?;
    }
    Ok(())
}

fn push_block_with_keys(
    writer: &mut BulkWriter,
    block: &RecordEncoder,
    last_key: &mut Option<i64>,
) -> Result<(), StoreError> {
    let mut keys = block.keys().iter();
    for record in block.records() {
        let Some(&key) = keys.next().filter(|&&key| last_key.is_none_or(|last| key > last)) else {
            return Err(StoreError::Defect(
                "a key that was found to grow from row to row does not",
            ));
        };
        *last_key = Some(key);
        writer.push_row(record)?;
        writer.push_key(key)?;
    }
    Ok(())
}

/// Builds the unique index `key`; whether the values allow it.
///
/// Nobody else has the file open and it is removed when this process dies, so the journal stays in
/// memory: it holds the few pages that change, not those that the index adds.
pub(super) fn build_key(
    path: &Path,
    column: &PhysicalColumn,
    control: &dyn Control,
) -> Result<bool, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.execute_batch(
        "PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=MEMORY; PRAGMA synchronous=OFF;",
    )?;
    connection.execute_batch(SORT_CACHE)?;
    let built = execute_until_cancelled(&connection, &create_key_sql(column), control);
    let is_unique = match built {
        Ok(()) => true,
        Err(error) => match error.sqlite_error_code() {
            Some(ErrorCode::ConstraintViolation) => false,
            Some(ErrorCode::OperationInterrupted) => return Err(StoreError::Cancelled),
            _ => return Err(error.into()),
        },
    };
    connection.close().map_err(|(_, error)| error)?;
    Ok(is_unique)
}

/// Runs a long statement, which ends as interrupted when the load is cancelled.
pub(super) fn execute_until_cancelled(
    connection: &Connection,
    sql: &str,
    control: &dyn Control,
) -> rusqlite::Result<()> {
    let interrupt = connection.get_interrupt_handle();
    let (running, has_ended) = channel::<()>();
    thread::scope(|scope| {
        scope.spawn(move || {
            while has_ended.recv_timeout(CANCEL_POLL) == Err(RecvTimeoutError::Timeout) {
                if control.is_cancelled() {
                    interrupt.interrupt();
                }
            }
        });
        let done = connection.execute_batch(sql);
        drop(running);
        done
    })
}

/// Looks at both ends of the finished file as SQLite sees it; returns its size.
///
/// `immutable` reads without locks and leaves no `-wal` or `-shm` behind.
pub(super) fn check(path: &Path, written: &BulkFile) -> Result<u64, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_URI;
    let connection = Connection::open_with_flags(immutable_uri(path)?, flags)?;
    let n_pages: i64 = connection.query_row("PRAGMA page_count", (), |row| row.get(0))?;
    let first: i64 =
        connection.query_row("SELECT coalesce(min(_row), 1) FROM t", (), |row| row.get(0))?;
    let last: i64 =
        connection.query_row("SELECT coalesce(max(_row), 0) FROM t", (), |row| row.get(0))?;
    let size_bytes = written.file.metadata()?.len();
    let is_whole = n_pages.cast_unsigned() * PAGE_BYTES as u64 == size_bytes
        && size_bytes >= written.size_bytes
        && (first.cast_unsigned(), last.cast_unsigned()) == written.ends;
    if is_whole {
        Ok(size_bytes)
    } else {
        Err(StoreError::Defect("a data file does not hold what was written to it"))
    }
}

/// The path as a URI, so that SQLite can be told that nobody changes the file.
pub(super) fn immutable_uri(path: &Path) -> Result<String, StoreError> {
    Ok(format!("{}?immutable=1", uri(path)?))
}

/// The path as a URI.
pub(super) fn uri(path: &Path) -> Result<String, StoreError> {
    let path = fs::canonicalize(path)?;
    let mut uri = String::from("file://");
    for &byte in path.as_os_str().as_encoded_bytes() {
        if byte.is_ascii_alphanumeric() || b"/-_.~".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            uri.push_str(&format!("%{byte:02x}"));
        }
    }
    Ok(uri)
}
