//! Carries a finished statement to whichever database holds the rows, and JSON bytes back.
//!
//! A statement's text is made once per plan; what changes between requests are the bound values
//! and the tables' names. The rows are written as JSON while they are read, never collected.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Instant;

use super::columns::ColumnQuestion;
use super::json::RootShape;
use super::{Store, StoreError};
use crate::catalog::model::StorageId;

/// A value bound to a statement, in the form that the store of the plan expects.
#[derive(Clone, Debug, PartialEq)]
pub enum Bind {
    /// SQL null.
    Null,
    /// A truth value.
    Boolean(bool),
    /// A whole number.
    Int(i64),
    /// A double.
    Float(f64),
    /// Text; on PostgreSQL also decimals, dates and ids, cast by the statement.
    Text(String),
    /// A list of texts (PostgreSQL; SQLite takes lists as JSON text).
    TextList(Vec<String>),
}

/// Added to a table's number, it names the table of its words (SQLite, where it is one).
pub const WORDS_OF: usize = 1_000;

/// Added to a table's number, it names the table's log.
pub const LOG_OF: usize = 2_000;

/// Marks the place of table `n` in a statement's text while it is built.
pub fn table_marker(n: usize) -> String {
    format!("\u{1}{n}")
}

/// A statement's text, cut where the names of tables go.
#[derive(Clone, Debug)]
pub struct SqlText {
    parts: Vec<(Box<str>, usize)>,
    tail: Box<str>,
}

impl SqlText {
    /// Cuts a text at its quoted [`table_marker`]s.
    pub fn new(sql: &str) -> SqlText {
        let mut parts = Vec::new();
        let mut rest = sql;
        while let Some((before, after)) = rest.split_once("\"\u{1}") {
            let Some((number, tail)) = after.split_once('"') else { break };
            parts.push((Box::from(before), number.parse().unwrap_or(0)));
            rest = tail;
        }
        SqlText { parts, tail: Box::from(rest) }
    }

    /// The text with each table written by `name`.
    pub fn render(&self, mut name: impl FnMut(usize, &mut String)) -> String {
        let mut sql = String::with_capacity(512);
        for (before, table) in &self.parts {
            sql.push_str(before);
            name(*table, &mut sql);
        }
        sql.push_str(&self.tail);
        sql
    }
}

/// One SQL statement that answers one root field.
#[derive(Debug)]
pub struct Statement {
    /// Tells statements of this process apart.
    pub id: u64,
    /// SQLite: the text as it is run. PostgreSQL: filled per version.
    pub sql: SqlText,
    /// The text for the embedded store, where tables have fixed names.
    pub sqlite_sql: Arc<str>,
    /// What the rows become.
    pub shape: RootShape,
    /// Touches few rows whatever the values: may run where it stands.
    pub is_cheap: bool,
    typical_bytes: AtomicUsize,
    n_runs: AtomicU64,
    busy_us: AtomicU64,
}

/// How often a statement ran, and how long in all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Runs; answers that were kept are none.
    pub n_runs: u64,
    /// Microseconds from the database's beginning to the last row.
    pub busy_us: u64,
}

impl Statement {
    /// A statement from a text with table markers.
    pub fn new(sql: &str, shape: RootShape, is_cheap: bool) -> Statement {
        let sql = SqlText::new(sql);
        let sqlite_sql = Arc::from(sql.render(super::sqlite::read::write_table_name));
        static NEXT_ID: AtomicU64 = AtomicU64::new(0);
        let id = NEXT_ID.fetch_add(1, Ordering::Relaxed);
        Statement {
            id,
            sql,
            sqlite_sql,
            shape,
            is_cheap,
            typical_bytes: AtomicUsize::new(256),
            n_runs: AtomicU64::new(0),
            busy_us: AtomicU64::new(0),
        }
    }

    /// What it cost so far.
    pub fn usage(&self) -> Usage {
        Usage {
            n_runs: self.n_runs.load(Ordering::Relaxed),
            busy_us: self.busy_us.load(Ordering::Relaxed),
        }
    }

    /// Remembers a run that began then. Two additions, so that the hot path hardly notices.
    pub(super) fn note_run(&self, began: Instant) {
        let elapsed_us = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.n_runs.fetch_add(1, Ordering::Relaxed);
        self.busy_us.fetch_add(elapsed_us, Ordering::Relaxed);
    }

    /// Bytes that answers had so far, at most, with some room.
    pub fn typical_bytes(&self) -> usize {
        self.typical_bytes.load(Ordering::Relaxed)
    }

    /// A buffer that likely holds the answer.
    pub fn buffer(&self) -> Vec<u8> {
        Vec::with_capacity(self.typical_bytes())
    }

    /// Remembers how large answers get.
    pub fn note_size(&self, n_bytes: usize) {
        const LARGEST_GUESS: usize = 1 << 20;
        let wanted = n_bytes.saturating_add(n_bytes / 8).min(LARGEST_GUESS);
        if wanted > self.typical_bytes.load(Ordering::Relaxed) {
            self.typical_bytes.store(wanted, Ordering::Relaxed);
        }
    }
}

/// A statement with everything that one run needs.
#[derive(Clone, Debug)]
pub struct Run {
    /// What to run.
    pub statement: Arc<Statement>,
    /// Values in the order of the statement's placeholders.
    pub binds: Vec<Bind>,
    /// Tables in the order of the statement's markers.
    pub tables: Vec<StorageId>,
    /// The version of each table's dataset: with a table, all that its rows depend on.
    pub versions: Vec<i64>,
    /// When to give up.
    pub deadline: Instant,
    /// The same question for columns, where they can answer it.
    pub question: Option<Arc<ColumnQuestion>>,
}

/// What answers a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Path {
    /// The columns beside the rows.
    Columnar,
    /// The database.
    RowStore,
}

impl Path {
    /// The name that is shown.
    pub fn name(self) -> &'static str {
        match self {
            Path::Columnar => "COLUMNAR",
            Path::RowStore => "ROW_STORE",
        }
    }
}

/// How a statement would be run.
#[derive(Clone, Debug)]
pub struct Explained {
    /// By what.
    pub path: Path,
    /// In which steps.
    pub steps: Vec<String>,
}

/// The answers of statements that saw the same state.
#[derive(Debug, Default)]
pub struct Together {
    /// As JSON bytes, in the order of the statements.
    pub answers: Vec<Vec<u8>>,
    /// Whether that state has the versions that the statements are made for, rather than newer
    /// ones, which have been committed and not been heard of yet.
    pub is_of_versions: bool,
}

impl Store {
    /// Runs a statement and returns its answer as JSON bytes.
    ///
    /// # Errors
    /// [`StoreError::Timeout`] after the deadline; otherwise when the database refuses or is away.
    pub async fn run(&self, run: Run) -> Result<Vec<u8>, StoreError> {
        match self {
            Store::Sqlite(store) => store.readers().run(run).await,
            Store::Postgres(store) => super::postgres::read::run(store.readers(), &run).await,
        }
    }

    /// Runs statements that all see the same state, one after the other (PostgreSQL).
    ///
    /// # Errors
    /// As [`Store::run`], the first one.
    pub async fn run_together(&self, runs: &[Run]) -> Result<Together, StoreError> {
        match self {
            Store::Postgres(store) => {
                super::postgres::read::run_together(store.readers(), runs).await
            }
            Store::Sqlite(_) => Err(StoreError::Defect("files have no state in common")),
        }
    }

    /// The version of the database, as it tells it.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn version(&self) -> Result<String, StoreError> {
        match self {
            Store::Sqlite(_) => Ok(rusqlite::version().to_owned()),
            Store::Postgres(store) => store.version().await.map(|(_, text)| text),
        }
    }

    /// How a statement with these values would be run, a line per step; it is not run.
    ///
    /// # Errors
    /// When the database refuses or is away.
    pub async fn explain(&self, run: Run) -> Result<Explained, StoreError> {
        match self {
            Store::Sqlite(store) => store.explain(run).await,
            Store::Postgres(store) => {
                let steps = super::postgres::read::explain(store.readers(), &run).await?;
                Ok(Explained { path: Path::RowStore, steps })
            }
        }
    }

    /// The text of a statement as this store takes it.
    pub fn sql_of(&self, run: &Run) -> String {
        match self {
            Store::Sqlite(_) => run.statement.sqlite_sql.to_string(),
            Store::Postgres(_) => super::postgres::read::text_of(run),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markers_become_names() {
        let sql = SqlText::new("SELECT \"a\" FROM \"\u{1}0\" JOIN \"\u{1}1\" ON 1");
        let text = sql.render(|n, out| out.push_str(&format!("t{n}")));
        assert_eq!(text, "SELECT \"a\" FROM t0 JOIN t1 ON 1");
    }
}
