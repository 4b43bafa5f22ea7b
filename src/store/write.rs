//! Changes rows of tables in one transaction, and logs what they were.
//!
//! Each table has a log beside it: the image of a row before a version changed it, one per row and
//! version. What a table was at an earlier version follows from its rows and its log; a small
//! change costs what it touches. Nothing here knows GraphQL, policies or the catalog: which rows,
//! which values and which version are said by the caller, who holds the lock of the dataset.
//!
//! All calls block the calling thread, which must not be an async one.

mod revert;

use std::fmt::Write as _;

use sea_orm::DatabaseTransaction;
use sluice_schema::ColumnType;

pub use self::revert::Reverted;
use super::postgres::write::PostgresSession;
use super::run::{Bind, Run};
use super::sqlite::write::SqliteSession;
use super::{PhysicalColumn, StoreError, quoted};
use crate::catalog::model::StorageId;

/// A table whose rows change.
#[derive(Clone, Debug)]
pub struct WriteTable {
    /// Which.
    pub storage: StorageId,
    /// Its columns beside the row number.
    pub columns: Vec<PhysicalColumn>,
    /// Physical names of the columns whose words are in its table of words (the embedded store);
    /// none without one.
    pub words: Option<Vec<String>>,
}

/// What becomes of a column of the rows that are updated.
#[derive(Clone, Debug)]
pub enum Change {
    /// This value.
    Set(Bind),
    /// Its value and this number.
    Add(Bind),
}

/// What happened to a row, in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Logged {
    /// It came back under its old number; rows with new numbers are not logged.
    Restored,
    /// It changed.
    Updated,
    /// It went.
    Deleted,
}

impl Logged {
    /// The letter in the log.
    pub const fn letter(self) -> &'static str {
        match self {
            Logged::Restored => "I",
            Logged::Updated => "U",
            Logged::Deleted => "D",
        }
    }
}

/// A transaction of PostgreSQL in which rows and the catalog change together.
pub type RowTransaction = DatabaseTransaction;

/// A transaction that changes rows. Dropped, it leaves everything as it was.
pub struct Session {
    inner: Inner,
    tables: Vec<WriteTable>,
}

enum Inner {
    Sqlite(SqliteSession),
    Postgres(PostgresSession),
}

/// Rows of a statement: how they are asked for, and what is bound.
struct Among(String, Bind);

impl Session {
    /// One over files of the embedded store.
    pub(super) fn sqlite(inner: SqliteSession, tables: Vec<WriteTable>) -> Session {
        Session { inner: Inner::Sqlite(inner), tables }
    }

    /// One inside a transaction of PostgreSQL.
    pub(super) fn postgres(inner: PostgresSession, tables: Vec<WriteTable>) -> Session {
        Session { inner: Inner::Postgres(inner), tables }
    }

    /// Makes the logs that are missing.
    ///
    /// # Errors
    /// When the database refuses or is away.
    pub(super) fn make_logs(&mut self) -> Result<(), StoreError> {
        for (n, table) in self.tables.iter().enumerate() {
            match &mut self.inner {
                Inner::Sqlite(session) => session.make_log(n, &table.columns)?,
                Inner::Postgres(session) => session.make_log(&table.storage)?,
            }
        }
        Ok(())
    }

    /// The number of a table in the session.
    ///
    /// # Errors
    /// When it has no such table.
    pub fn table_number(&self, storage: &StorageId) -> Result<usize, StoreError> {
        self.tables.iter().position(|table| table.storage == *storage).ok_or(NO_TABLE)
    }

    /// Marks a point to come back to.
    ///
    /// # Errors
    /// When the database refuses or is away.
    pub fn begin_part(&mut self) -> Result<(), StoreError> {
        self.execute("SAVEPOINT part", &[]).map(drop)
    }

    /// Keeps what was done since the point.
    ///
    /// # Errors
    /// When the database refuses or is away.
    pub fn keep_part(&mut self) -> Result<(), StoreError> {
        self.execute("RELEASE part", &[]).map(drop)
    }

    /// Takes back what was done since the point.
    ///
    /// # Errors
    /// When the database refuses or is away.
    pub fn undo_part(&mut self) -> Result<(), StoreError> {
        self.execute("ROLLBACK TO part", &[])?;
        self.execute("RELEASE part", &[]).map(drop)
    }

    /// Adds rows, numbered from `first_row` on; each has a value for each column.
    ///
    /// # Errors
    /// Unfit for values that the database does not take; Repeated for a key that is there; when the
    /// database is away or the disk is full.
    pub fn insert(&mut self, n: usize, first_row: i64, rows: &[&[Bind]]) -> Result<(), StoreError> {
        let Some(table) = self.tables.get(n) else { return Err(NO_TABLE) };
        match &mut self.inner {
            Inner::Sqlite(session) => session.insert(n, &table.columns, first_row, rows)?,
            Inner::Postgres(session) => {
                session.insert(&table.storage, &table.columns, first_row, rows)?;
            }
        }
        let n_rows = i64::try_from(rows.len()).unwrap_or(i64::MAX);
        self.add_words(n, (first_row, first_row.saturating_add(n_rows)))
    }

    /// Logs what rows are before a version changes them; the first image of a version stays.
    ///
    /// # Errors
    /// When the database refuses or is away.
    pub fn log(
        &mut self,
        n: usize,
        version: i64,
        what: Logged,
        rows: &[i64],
    ) -> Result<(), StoreError> {
        let names = self.column_names(n)?;
        let Among(among, bind) = self.among(2, rows);
        let sql = format!(
            "INSERT INTO {log}(version, op, _row{names}) SELECT {version_value}, '{op}', _row{names} \
             FROM {table} WHERE {among} ON CONFLICT DO NOTHING",
            log = self.log_name(n)?,
            table = self.table_name(n)?,
            version_value = self.cast(1, "bigint"),
            op = what.letter(),
        );
        self.execute(&sql, &[Bind::Int(version), bind]).map(drop)
    }

    /// Changes columns of rows: each an index into the table's columns, once.
    ///
    /// # Errors
    /// As [`Session::insert`].
    pub fn update(
        &mut self,
        n: usize,
        rows: &[i64],
        changes: &[(usize, Change)],
    ) -> Result<(), StoreError> {
        let mut sets = String::new();
        let mut binds = Vec::with_capacity(changes.len() + 1);
        for (column, change) in changes {
            let column = self.column(n, *column)?;
            let name = quoted(&column.name);
            let (bind, sum) = match change {
                Change::Set(bind) => (bind.clone(), String::new()),
                Change::Add(bind) => (bind.clone(), format!("{name} + ")),
            };
            binds.push(match self.inner {
                Inner::Sqlite(_) => bind,
                Inner::Postgres(_) => super::postgres::write::as_text(&bind),
            });
            let value = self.value(binds.len(), column.column_type);
            let comma = if sets.is_empty() { "" } else { ", " };
            let _ = write!(sets, "{comma}{name} = {sum}{value}");
        }
        if sets.is_empty() || rows.is_empty() {
            return Ok(());
        }
        self.forget_words(n, rows)?;
        let Among(among, bind) = self.among(binds.len() + 1, rows);
        binds.push(bind);
        let sql = format!("UPDATE {} SET {sets} WHERE {among}", self.table_name(n)?);
        self.execute(&sql, &binds)?;
        self.add_words_of(n, rows)
    }

    /// Removes rows.
    ///
    /// # Errors
    /// When the database refuses or is away.
    pub fn delete(&mut self, n: usize, rows: &[i64]) -> Result<(), StoreError> {
        if rows.is_empty() {
            return Ok(());
        }
        self.forget_words(n, rows)?;
        let Among(among, bind) = self.among(1, rows);
        let sql = format!("DELETE FROM {} WHERE {among}", self.table_name(n)?);
        self.execute(&sql, &[bind]).map(drop)
    }

    /// Whether a number added to a column leads beyond the bounds of its type in any of the rows.
    ///
    /// # Errors
    /// When the database refuses or is away.
    pub fn overflows(
        &mut self,
        n: usize,
        rows: &[i64],
        column: usize,
        added: &Bind,
    ) -> Result<bool, StoreError> {
        let column = self.column(n, column)?;
        let name = quoted(&column.name);
        let (value, added) = match &self.inner {
            Inner::Postgres(_) => {
                ("$1::text::numeric".to_owned(), super::postgres::write::as_text(added))
            }
            Inner::Sqlite(_) => ("?1".to_owned(), added.clone()),
        };
        let sum = format!("({name} + {value})");
        let beyond = match (column.column_type, &self.inner) {
            (ColumnType::Float, Inner::Sqlite(_)) => format!("abs{sum} > 1.797693134862315708e308"),
            // Adding beyond all doubles is an error of its own there.
            (ColumnType::Float, Inner::Postgres(_)) => return Ok(false),
            (ColumnType::Decimal { precision, scale }, Inner::Postgres(_)) => {
                let digits = u32::from(precision.saturating_sub(scale));
                format!("abs{sum} >= 1e{digits}")
            }
            (ColumnType::Decimal { precision, .. }, Inner::Sqlite(_)) => {
                let bound = 10_i64.checked_pow(u32::from(precision)).unwrap_or(i64::MAX);
                format!("typeof{sum} <> 'integer' OR abs{sum} >= {bound}")
            }
            (column_type, inner) => {
                let (low, high) = match column_type {
                    ColumnType::Int => (i64::from(i32::MIN), i64::from(i32::MAX)),
                    _ => (i64::MIN, i64::MAX),
                };
                let outside = format!("{sum} NOT BETWEEN {low} AND {high}");
                match inner {
                    Inner::Sqlite(_) => format!("typeof{sum} <> 'integer' OR {outside}"),
                    Inner::Postgres(_) => outside,
                }
            }
        };
        let Among(among, bind) = self.among(2, rows);
        let sql = format!(
            "SELECT count(*) FROM {} WHERE {among} AND {name} IS NOT NULL AND ({beyond})",
            self.table_name(n)?
        );
        Ok(self.integers(&sql, &[added, bind])?.first().is_some_and(|count| *count > 0))
    }

    /// The rows of a table that have one of these keys: number of the row, position of the key.
    ///
    /// # Errors
    /// When the database refuses or is away.
    pub fn find_keys(
        &mut self,
        n: usize,
        column: usize,
        keys: &[Bind],
    ) -> Result<Vec<(i64, usize)>, StoreError> {
        let column = self.column(n, column)?.clone();
        let table = self.table_name(n)?;
        match &mut self.inner {
            Inner::Sqlite(session) => session.find_keys(&table, &column, keys),
            Inner::Postgres(session) => session.find_keys(&table, &column, keys),
        }
    }

    /// Texts of a column of JSON, by row; rows without a value are left out.
    ///
    /// # Errors
    /// When the database refuses or is away.
    pub fn texts(
        &mut self,
        n: usize,
        rows: &[i64],
        column: usize,
    ) -> Result<Vec<(i64, String)>, StoreError> {
        let name = quoted(&self.column(n, column)?.name);
        let Among(among, bind) = self.among(1, rows);
        let text = match self.inner {
            Inner::Sqlite(_) => name.clone(),
            Inner::Postgres(_) => format!("{name}::text"),
        };
        let sql = format!(
            "SELECT _row, {text} FROM {} WHERE {among} AND {name} IS NOT NULL",
            self.table_name(n)?
        );
        match &mut self.inner {
            Inner::Sqlite(session) => session.texts(&sql, &[bind]),
            Inner::Postgres(session) => session.texts(&sql, &[bind]),
        }
    }

    /// Runs a planned statement in the transaction; JSON bytes.
    ///
    /// # Errors
    /// Timeout after its deadline; when the database refuses or is away.
    pub fn select(&mut self, run: &Run) -> Result<Vec<u8>, StoreError> {
        match &mut self.inner {
            Inner::Sqlite(session) => session.select(run),
            Inner::Postgres(session) => session.select(run),
        }
    }

    /// Brings a table back to what it was before a version: images of the log take the place of
    /// what it touched, rows from `first_row` on go. The log of the version goes, too.
    ///
    /// # Errors
    /// When the database refuses or is away.
    pub fn undo(&mut self, n: usize, version: i64, first_row: i64) -> Result<(), StoreError> {
        let (table, log, names) = (self.table_name(n)?, self.log_name(n)?, self.column_names(n)?);
        let touched = format!(
            "SELECT _row FROM {log} WHERE version = {} UNION SELECT _row FROM {table} WHERE _row >= {}",
            self.cast(1, "bigint"),
            self.cast(2, "bigint")
        );
        let binds = [Bind::Int(version), Bind::Int(first_row)];
        let touched = self.integers(&touched, &binds)?;
        self.delete(n, &touched)?;
        let restore = format!(
            "INSERT INTO {table}(_row{names}) SELECT _row{names} FROM {log} \
             WHERE version = {} AND _row < {} AND op <> 'I'",
            self.cast(1, "bigint"),
            self.cast(2, "bigint")
        );
        self.execute(&restore, &binds)?;
        self.add_words_of(n, &touched)?;
        let forget = format!("DELETE FROM {log} WHERE version = {}", self.cast(1, "bigint"));
        self.execute(&forget, &[Bind::Int(version)]).map(drop)
    }

    /// Bytes that a table takes now.
    ///
    /// # Errors
    /// When the database refuses or is away.
    pub fn size_bytes(&mut self, n: usize) -> Result<i64, StoreError> {
        if let Inner::Sqlite(session) = &self.inner {
            return session.size_bytes(n);
        }
        let table = self.table_name(n)?.replace('\'', "");
        let sql = format!("SELECT pg_table_size('{table}')");
        Ok(self.integers(&sql, &[])?.first().copied().unwrap_or(0))
    }

    /// Writes down what the commit does to a table, for a start after a crash between two files;
    /// PostgreSQL needs none.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn put_record(&mut self, n: usize, version: i64, record: &str) -> Result<(), StoreError> {
        match &mut self.inner {
            Inner::Sqlite(session) => session.put_record(n, version, record),
            Inner::Postgres(_) => Ok(()),
        }
    }

    /// Takes such a record back.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn forget_record(&mut self, n: usize, version: i64) -> Result<(), StoreError> {
        match &mut self.inner {
            Inner::Sqlite(session) => session.forget_record(n, version),
            Inner::Postgres(_) => Ok(()),
        }
    }

    /// Makes it last on the embedded store; on PostgreSQL gives the transaction back, for the
    /// catalog to add its part.
    ///
    /// # Errors
    /// When SQLite refuses or the disk is full: then it is not known which files were changed.
    pub fn finish(self) -> Result<Option<DatabaseTransaction>, StoreError> {
        match self.inner {
            Inner::Sqlite(session) => session.commit().map(|()| None),
            Inner::Postgres(session) => Ok(Some(session.into_transaction())),
        }
    }

    /// Leaves everything as it was, as dropping it does, and is quicker for the next one.
    pub fn abandon(self) {
        if let Inner::Sqlite(session) = self.inner {
            session.abandon();
        }
    }

    fn execute(&mut self, sql: &str, binds: &[Bind]) -> Result<u64, StoreError> {
        match &mut self.inner {
            Inner::Sqlite(session) => session.execute(sql, binds),
            Inner::Postgres(session) => session.execute(sql, binds),
        }
    }

    fn integers(&mut self, sql: &str, binds: &[Bind]) -> Result<Vec<i64>, StoreError> {
        match &mut self.inner {
            Inner::Sqlite(session) => session.integers(sql, binds),
            Inner::Postgres(session) => session.integers(sql, binds),
        }
    }

    /// That a row is one of these; they are bound as value `position`.
    fn among(&self, position: usize, rows: &[i64]) -> Among {
        let numbers = rows.iter().map(i64::to_string).collect::<Vec<_>>().join(",");
        match self.inner {
            Inner::Sqlite(_) => Among(
                format!("_row IN (SELECT value FROM json_each(?{position}))"),
                Bind::Text(format!("[{numbers}]")),
            ),
            Inner::Postgres(_) => Among(
                // Not `= ANY`, which reads the text anew for each row that is looked at.
                format!("_row IN (SELECT unnest(${position}::text::bigint[]))"),
                Bind::Text(format!("{{{numbers}}}")),
            ),
        }
    }

    /// A bound value of a type of PostgreSQL.
    fn cast(&self, position: usize, sql_type: &str) -> String {
        match self.inner {
            Inner::Sqlite(_) => format!("?{position}"),
            Inner::Postgres(_) => format!("${position}::{sql_type}"),
        }
    }

    /// A bound value of a column's type.
    fn value(&self, position: usize, column_type: ColumnType) -> String {
        match self.inner {
            Inner::Sqlite(_) => format!("?{position}"),
            Inner::Postgres(_) => super::postgres::write::typed(position, column_type),
        }
    }

    fn column(&self, n: usize, column: usize) -> Result<&PhysicalColumn, StoreError> {
        let table = self.tables.get(n).ok_or(NO_TABLE)?;
        table.columns.get(column).ok_or(StoreError::Defect("a column that its table does not have"))
    }

    /// `,"c1","c2"`
    fn column_names(&self, n: usize) -> Result<String, StoreError> {
        let table = self.tables.get(n).ok_or(NO_TABLE)?;
        Ok(table.columns.iter().map(|column| format!(",{}", quoted(&column.name))).collect())
    }

    fn table_name(&self, n: usize) -> Result<String, StoreError> {
        let table = self.tables.get(n).ok_or(NO_TABLE)?;
        Ok(match self.inner {
            Inner::Sqlite(_) => format!("\"w{n}\".\"t\""),
            Inner::Postgres(_) => super::postgres::PostgresStore::table_of(&table.storage),
        })
    }

    fn log_name(&self, n: usize) -> Result<String, StoreError> {
        let table = self.tables.get(n).ok_or(NO_TABLE)?;
        Ok(match self.inner {
            Inner::Sqlite(_) => format!("\"w{n}\".\"h\""),
            Inner::Postgres(_) => super::postgres::PostgresStore::log_of(&table.storage),
        })
    }

    fn forget_words(&mut self, n: usize, rows: &[i64]) -> Result<(), StoreError> {
        let Among(among, bind) = self.among(1, rows);
        match (&mut self.inner, self.tables.get(n).and_then(|table| table.words.as_ref())) {
            (Inner::Sqlite(session), Some(columns)) => {
                session.forget_words(n, columns, &among, &[bind])
            }
            _ => Ok(()),
        }
    }

    fn add_words_of(&mut self, n: usize, rows: &[i64]) -> Result<(), StoreError> {
        let Among(among, bind) = self.among(1, rows);
        match (&mut self.inner, self.tables.get(n).and_then(|table| table.words.as_ref())) {
            (Inner::Sqlite(session), Some(columns)) => {
                session.add_words(n, columns, &among, &[bind])
            }
            _ => Ok(()),
        }
    }

    /// The words of the rows from one number up to, not including, another.
    fn add_words(&mut self, n: usize, (from, to): (i64, i64)) -> Result<(), StoreError> {
        match (&mut self.inner, self.tables.get(n).and_then(|table| table.words.as_ref())) {
            (Inner::Sqlite(session), Some(columns)) => {
                let between = "_row >= ?1 AND _row < ?2";
                session.add_words(n, columns, between, &[Bind::Int(from), Bind::Int(to)])
            }
            _ => Ok(()),
        }
    }
}

const NO_TABLE: StoreError = StoreError::Defect("a table that the session does not have");
