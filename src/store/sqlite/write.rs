//! A transaction over data files of the embedded store.
//!
//! The files are attached to one connection, so that one transaction changes them together. SQLite
//! commits them one after the other: a crash in between is settled at the next start by what each
//! commit wrote down about all of them ([`SqliteSession::put_record`]).

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension, ToSql};

use super::index::SEARCH_TABLE;
use super::load::create_columns_sql;
use super::{functions, quoted, read};
use crate::catalog::model::StorageId;
use crate::store::run::{Bind, Run};
use crate::store::search::joined_sqlite;
use crate::store::{PhysicalColumn, StoreError};

/// How long another writer of the same file is waited for, such as the build of an index.
const WRITER_WAIT: Duration = Duration::from_secs(60);
/// Connections kept for the next transaction over the same files.
const MAX_KEPT: usize = 8;
/// Versions whose commits a file remembers, at least.
const MAX_RECORDS: i64 = 1_000;
/// Not with each version are old ones forgotten: that would be a page more to write.
const FORGOTTEN_EVERY: i64 = 32;

/// Connections that wait for the next transaction over their files.
#[derive(Debug, Default)]
pub(super) struct Kept(Mutex<Vec<Attached>>);

/// A connection to files.
#[derive(Debug)]
struct Attached {
    connection: Connection,
    tables: Vec<StorageId>,
    /// The first so many of them are known to have their logs.
    n_logged: usize,
}

impl Kept {
    fn take(&self, tables: &[StorageId]) -> Option<Attached> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let position = kept.iter().position(|it| it.tables == tables)?;
        Some(kept.swap_remove(position))
    }

    fn put(&self, attached: Attached) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= MAX_KEPT {
            kept.remove(0);
        }
        kept.push(attached);
    }

    /// Closes those that have a file open.
    pub(super) fn forget(&self, table: &StorageId) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|it| !it.tables.contains(table));
    }
}

/// The transaction.
pub(in crate::store) struct SqliteSession {
    connection: Connection,
    tables: Vec<StorageId>,
    n_written: usize,
    n_logged: usize,
    kept: Arc<Kept>,
}

impl SqliteSession {
    /// Begins one over these files, the first `n_written` of which change; with `waits`, after
    /// whoever else writes one of them.
    pub(super) fn begin(
        folder: &Path,
        kept: &Arc<Kept>,
        tables: Vec<StorageId>,
        n_written: usize,
        (deadline, waits): (Instant, bool),
    ) -> Result<SqliteSession, StoreError> {
        let (connection, n_logged) = match kept.take(&tables) {
            Some(attached) => (attached.connection, attached.n_logged),
            None => (open(folder, &tables)?, 0),
        };
        read::watch(Some(deadline));
        connection.busy_timeout(if waits { WRITER_WAIT } else { Duration::ZERO })?;
        // The right to write is had before anything is read.
        if n_written == tables.len() {
            connection.prepare_cached("BEGIN IMMEDIATE")?.execute(())?;
        } else {
            connection.prepare_cached("BEGIN")?.execute(())?;
            for n in 0..n_written {
                let nothing = format!("DELETE FROM \"w{n}\".t WHERE 0");
                connection.prepare_cached(&nothing)?.execute(())?;
            }
        }
        Ok(SqliteSession { connection, tables, n_written, n_logged, kept: Arc::clone(kept) })
    }

    pub(in crate::store) fn make_log(
        &mut self,
        n: usize,
        columns: &[PhysicalColumn],
    ) -> Result<(), StoreError> {
        if n < self.n_logged {
            return Ok(());
        }
        let is_there = format!("SELECT 1 FROM \"w{n}\".sqlite_schema WHERE name = 'v'");
        let mut asked = self.connection.prepare_cached(&is_there)?;
        if asked.query_row((), |_| Ok(())).optional()?.is_some() {
            return Ok(());
        }
        drop(asked);
        let columns = create_columns_sql(columns);
        self.connection.execute_batch(&format!(
            "CREATE TABLE \"w{n}\".h(version INTEGER NOT NULL, op TEXT NOT NULL, \
             _row INTEGER NOT NULL{columns}, UNIQUE(version, _row)); \
             CREATE TABLE \"w{n}\".v(version INTEGER PRIMARY KEY, record TEXT NOT NULL)"
        ))?;
        Ok(())
    }

    /// Writes down what a commit did to a file, for a start after a crash.
    pub(in crate::store) fn put_record(
        &mut self,
        n: usize,
        version: i64,
        record: &str,
    ) -> Result<(), StoreError> {
        let sql = format!("INSERT OR REPLACE INTO \"w{n}\".v(version, record) VALUES (?1, ?2)");
        self.connection.prepare_cached(&sql)?.execute((version, record))?;
        if version % FORGOTTEN_EVERY == 0 {
            let sql = format!("DELETE FROM \"w{n}\".v WHERE version < ?1");
            self.connection.prepare_cached(&sql)?.execute([version - MAX_RECORDS])?;
        }
        Ok(())
    }

    pub(in crate::store) fn forget_record(
        &mut self,
        n: usize,
        version: i64,
    ) -> Result<(), StoreError> {
        let sql = format!("DELETE FROM \"w{n}\".v WHERE version = ?1");
        self.connection.prepare_cached(&sql)?.execute([version])?;
        Ok(())
    }

    pub(in crate::store) fn insert(
        &mut self,
        n: usize,
        columns: &[PhysicalColumn],
        first_row: i64,
        rows: &[&[Bind]],
    ) -> Result<(), StoreError> {
        let names: String =
            columns.iter().map(|column| format!(",{}", quoted(&column.name))).collect();
        let values = ",?".repeat(columns.len());
        let sql = format!("INSERT INTO \"w{n}\".t(_row{names}) VALUES (?{values})");
        let mut statement = self.connection.prepare_cached(&sql)?;
        for (number, row) in (first_row..).zip(rows) {
            statement.raw_bind_parameter(1, number)?;
            for (position, bind) in row.iter().enumerate() {
                statement.raw_bind_parameter(position + 2, value(bind)?)?;
            }
            statement.raw_execute().map_err(refused)?;
        }
        Ok(())
    }

    pub(in crate::store) fn find_keys(
        &mut self,
        table: &str,
        column: &PhysicalColumn,
        keys: &[Bind],
    ) -> Result<Vec<(i64, usize)>, StoreError> {
        let sql = format!("SELECT _row FROM {table} WHERE {} = ?1", quoted(&column.name));
        let mut statement = self.connection.prepare_cached(&sql)?;
        let mut found = Vec::new();
        for (position, key) in keys.iter().enumerate() {
            let row = statement.query_row([value(key)?], |row| row.get(0)).optional()?;
            found.extend(row.map(|row: i64| (row, position)));
        }
        Ok(found)
    }

    /// Bytes of a file, with what the transaction adds.
    pub(in crate::store) fn size_bytes(&self, n: usize) -> Result<i64, StoreError> {
        let number = |name: &str| -> Result<i64, StoreError> {
            let sql = format!("PRAGMA \"w{n}\".{name}");
            Ok(self.connection.prepare_cached(&sql)?.query_row((), |row| row.get(0))?)
        };
        Ok(number("page_count")? * number("page_size")?)
    }

    pub(in crate::store) fn execute(
        &mut self,
        sql: &str,
        binds: &[Bind],
    ) -> Result<u64, StoreError> {
        let mut statement = self.connection.prepare_cached(sql)?;
        bind_all(&mut statement, binds)?;
        let n_changed = statement.raw_execute().map_err(refused)?;
        Ok(u64::try_from(n_changed).unwrap_or(u64::MAX))
    }

    pub(in crate::store) fn integers(
        &mut self,
        sql: &str,
        binds: &[Bind],
    ) -> Result<Vec<i64>, StoreError> {
        let mut statement = self.connection.prepare_cached(sql)?;
        bind_all(&mut statement, binds)?;
        let mut rows = statement.raw_query();
        let mut numbers = Vec::new();
        while let Some(row) = rows.next().map_err(read::stopped)? {
            numbers.push(row.get(0)?);
        }
        Ok(numbers)
    }

    pub(in crate::store) fn texts(
        &mut self,
        sql: &str,
        binds: &[Bind],
    ) -> Result<Vec<(i64, String)>, StoreError> {
        let mut statement = self.connection.prepare_cached(sql)?;
        bind_all(&mut statement, binds)?;
        let mut rows = statement.raw_query();
        let mut texts = Vec::new();
        while let Some(row) = rows.next().map_err(read::stopped)? {
            texts.push((row.get(0)?, row.get(1)?));
        }
        Ok(texts)
    }

    pub(in crate::store) fn select(&mut self, run: &Run) -> Result<Vec<u8>, StoreError> {
        let mut is_known = true;
        let sql = run.statement.sql.render(|table, out| {
            let (table, name) = read::table_in_file(table);
            let storage = run.tables.get(table);
            let n = self.tables.iter().position(|known| Some(known) == storage);
            is_known &= n.is_some();
            out.push_str(&format!("\"w{}\".\"{name}\"", n.unwrap_or(0)));
        });
        if !is_known {
            return Err(StoreError::Defect("a table that the session does not have"));
        }
        read::answer(&self.connection, &sql, run)
    }

    pub(in crate::store) fn forget_words(
        &mut self,
        n: usize,
        columns: &[String],
        among: &str,
        binds: &[Bind],
    ) -> Result<(), StoreError> {
        let words = words_of(columns);
        let sql = format!(
            "INSERT INTO \"w{n}\".{SEARCH_TABLE}({SEARCH_TABLE}, rowid, w) \
             SELECT 'delete', _row, {words} FROM \"w{n}\".t WHERE {among}"
        );
        self.execute(&sql, binds).map(drop)
    }

    pub(in crate::store) fn add_words(
        &mut self,
        n: usize,
        columns: &[String],
        among: &str,
        binds: &[Bind],
    ) -> Result<(), StoreError> {
        let words = words_of(columns);
        let sql = format!(
            "INSERT INTO \"w{n}\".{SEARCH_TABLE}(rowid, w) \
             SELECT _row, {words} FROM \"w{n}\".t WHERE {among}"
        );
        self.execute(&sql, binds).map(drop)
    }

    /// Makes it last, file by file.
    pub(in crate::store) fn commit(self) -> Result<(), StoreError> {
        self.connection.prepare_cached("COMMIT")?.execute(())?;
        let n_logged = self.n_logged.max(self.n_written);
        self.keep(n_logged);
        Ok(())
    }

    /// Leaves everything as it was, and the connection for the next one if it is sound.
    pub(in crate::store) fn abandon(self) {
        if self.connection.execute_batch("ROLLBACK").is_ok() {
            let n_logged = self.n_logged;
            self.keep(n_logged);
        }
    }

    fn keep(self, n_logged: usize) {
        read::watch(None);
        let SqliteSession { connection, tables, kept, .. } = self;
        kept.put(Attached { connection, tables, n_logged });
    }
}

fn words_of(columns: &[String]) -> String {
    let columns: Vec<String> = columns.iter().map(|column| quoted(column)).collect();
    format!("sluice_words({})", joined_sqlite(&columns))
}

fn bind_all(statement: &mut rusqlite::Statement<'_>, binds: &[Bind]) -> Result<(), StoreError> {
    for (position, bind) in binds.iter().enumerate() {
        statement.raw_bind_parameter(position + 1, value(bind)?)?;
    }
    Ok(())
}

/// A value as rusqlite binds it.
fn value(bind: &Bind) -> Result<&dyn ToSql, StoreError> {
    Ok(match bind {
        Bind::Null => &rusqlite::types::Null,
        Bind::Boolean(value) => value,
        Bind::Int(value) => value,
        Bind::Float(value) => value,
        Bind::Text(value) => value,
        Bind::TextList(_) => return Err(StoreError::Defect("a text list bound in SQLite")),
    })
}

fn refused(error: rusqlite::Error) -> StoreError {
    match error.sqlite_error_code() {
        Some(ErrorCode::ConstraintViolation) => StoreError::Repeated,
        _ => read::stopped(error),
    }
}

fn open(folder: &Path, tables: &[StorageId]) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_URI;
    // A database of no name is temporary; what lasts is attached.
    let connection = Connection::open_with_flags("", flags)?;
    connection.set_prepared_statement_cache_capacity(64);
    // Plans do not look at what is bound: a kept statement is never planned anew.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    for (n, table) in tables.iter().enumerate() {
        let path = folder.join(format!("{}.db", table.as_str()));
        let path = format!("{}?mode=rw", super::load::uri(&path)?);
        connection.execute(&format!("ATTACH ?1 AS w{n}"), [path])?;
        connection.execute_batch(&format!(
            "PRAGMA w{n}.synchronous=FULL; PRAGMA w{n}.cache_size=-4096"
        ))?;
    }
    connection.pragma_update(None, "case_sensitive_like", true)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    functions::register(&connection)?;
    connection.progress_handler(read::STEPS_PER_CHECK, Some(read::is_stopped))?;
    Ok(connection)
}

/// What the commits after a version wrote down, oldest first; nothing where no row was ever
/// changed.
pub(super) fn records_after(path: &Path, version: i64) -> Result<Vec<(i64, String)>, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    let is_there = "SELECT 1 FROM sqlite_schema WHERE name = 'v'";
    if connection.query_row(is_there, (), |_| Ok(())).optional()?.is_none() {
        return Ok(Vec::new());
    }
    let sql = "SELECT version, record FROM v WHERE version > ?1 ORDER BY version";
    let mut statement = connection.prepare(sql)?;
    let records = statement.query_map([version], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(records.collect::<Result<_, _>>()?)
}

/// Removes what a file's log tells of versions up to this one, at most so many rows; tells how many.
pub(super) fn trim_log(path: &Path, version: i64, at_most: usize) -> Result<usize, StoreError> {
    if !path.try_exists()? {
        return Ok(0);
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(WRITER_WAIT)?;
    let is_there = "SELECT 1 FROM sqlite_schema WHERE name = 'h'";
    if connection.query_row(is_there, (), |_| Ok(())).optional()?.is_none() {
        return Ok(0);
    }
    // Whoever reads the log later knows that it tells nothing of earlier versions.
    let trimmed: i64 = connection.query_row("PRAGMA user_version", (), |row| row.get(0))?;
    if trimmed < version {
        connection.pragma_update(None, "user_version", version)?;
    }
    let at_most = i64::try_from(at_most).unwrap_or(i64::MAX);
    let sql = "DELETE FROM h WHERE rowid IN (SELECT rowid FROM h WHERE version <= ?1 LIMIT ?2)";
    Ok(connection.execute(sql, [version, at_most])?)
}
