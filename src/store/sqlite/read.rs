//! Runs SELECTs on the embedded store's files and writes their rows as JSON bytes.
//!
//! Each thread that reads keeps its own bounded set of open read-only connections, so that nothing
//! is locked or handed over between threads. Nothing here ever writes.

use std::cell::RefCell;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, ErrorCode, OpenFlags, Row};

use super::columns::{Columns, scan};
use super::functions;
use super::index::SEARCH_TABLE;
use crate::catalog::model::StorageId;
use crate::store::StoreError;
use crate::store::json::{self, BadCell, CellKind, Cells, RootShape, RowShape};
use crate::store::run::{Bind, LOG_OF, Run, WORDS_OF};
use crate::store::value::Value;

/// Files that one thread keeps open; each costs about 100 KiB and three descriptors.
const OPEN_FILES_PER_THREAD: usize = 32;
/// Page cache of one connection, KiB.
const PAGE_CACHE_KIB: i64 = 8_192;
/// Virtual machine steps between two looks at the clock.
pub(super) const STEPS_PER_CHECK: i32 = 20_000;

/// Which table of a statement a number means, and what it is called in its file.
pub(super) fn table_in_file(n: usize) -> (usize, &'static str) {
    if let Some(n) = n.checked_sub(LOG_OF) {
        return (n, "h");
    }
    match n.checked_sub(WORDS_OF) {
        Some(n) => (n, SEARCH_TABLE),
        None => (n, "t"),
    }
}

/// Writes how table `n` of a statement, its table of words or its log is called: the first is the
/// file itself.
pub fn write_table_name(n: usize, out: &mut String) {
    let (n, table) = table_in_file(n);
    if n == 0 {
        out.push_str(&format!("\"{table}\""));
    } else {
        out.push_str(&format!("\"d{n}\".\"{table}\""));
    }
}

/// The connections of one thread.
struct OpenFiles {
    /// By the files of a statement in their order: the first is the main one.
    files: HashMap<Vec<StorageId>, OpenFile>,
    clock: u64,
}

struct OpenFile {
    connection: Connection,
    last_used: u64,
}

thread_local! {
    static OPEN_FILES: RefCell<OpenFiles> =
        RefCell::new(OpenFiles { files: HashMap::new(), clock: 0 });
    static WATCH: RefCell<Watch> = const { RefCell::new(Watch { deadline: None, is_abandoned: None }) };
}

/// What the running statement is watched for.
struct Watch {
    deadline: Option<Instant>,
    is_abandoned: Option<Arc<AtomicBool>>,
}

impl Watch {
    fn says_stop(&self) -> bool {
        self.deadline.is_some_and(|deadline| Instant::now() >= deadline)
            || self.is_abandoned.as_ref().is_some_and(|flag| flag.load(Ordering::Relaxed))
    }
}

/// Whether the statement that runs on this thread is to end.
pub(super) fn is_stopped() -> bool {
    WATCH.with_borrow(Watch::says_stop)
}

/// What runs on this thread from now on is ended when the deadline passes.
pub(super) fn watch(deadline: Option<Instant>) {
    WATCH.with_borrow_mut(|watch| {
        watch.deadline = deadline;
        watch.is_abandoned = None;
    });
}

/// The same, and when nobody waits for it any more.
pub(super) fn watch_job(deadline: Instant, is_abandoned: &Arc<AtomicBool>) {
    WATCH.with_borrow_mut(|watch| {
        watch.deadline = Some(deadline);
        watch.is_abandoned = Some(Arc::clone(is_abandoned));
    });
}

/// How SQLite would run a statement, a line per step; blocks the calling thread.
pub(super) fn explain(folder: &Path, run: &Run) -> Result<Vec<String>, StoreError> {
    let connection = open(folder, &run.tables)?;
    let sql = format!("EXPLAIN QUERY PLAN {}", run.statement.sqlite_sql);
    let mut prepared = connection.prepare(&sql)?;
    bind(&mut prepared, run)?;
    let mut rows = prepared.raw_query();
    let mut depths: HashMap<i64, usize> = HashMap::new();
    let mut lines = Vec::new();
    while let Some(row) = rows.next()? {
        let (id, parent, detail): (i64, i64, String) = (row.get(0)?, row.get(1)?, row.get(3)?);
        let depth = depths.get(&parent).map_or(0, |depth| depth + 1);
        depths.insert(id, depth);
        lines.push(format!("{}{detail}", "  ".repeat(depth)));
    }
    Ok(lines)
}

/// Runs a statement on this thread; questions that columns did not answer, by a walk where that is
/// better.
pub(super) fn run_here(
    folder: &Path,
    columns: Option<&Columns>,
    run: &Run,
    is_abandoned: Option<&Arc<AtomicBool>>,
) -> Result<Vec<u8>, StoreError> {
    WATCH.with_borrow_mut(|watch| {
        watch.deadline = Some(run.deadline);
        watch.is_abandoned = is_abandoned.cloned();
    });
    OPEN_FILES.with_borrow_mut(|open| {
        let connection = open.connection(folder, &run.tables)?;
        let began = Instant::now();
        let walked = match columns {
            Some(columns) => scan::answer(columns, connection, run),
            None => Ok(None),
        };
        let answer = match walked {
            Ok(None) => answer(connection, &run.statement.sqlite_sql, run),
            walked => walked.map(Option::unwrap_or_default),
        };
        run.statement.note_run(began);
        if matches!(answer, Err(StoreError::Sqlite(_))) {
            // A connection that failed may be in any state; the next query opens a new one.
            open.files.remove(&run.tables);
        }
        answer
    })
}

impl OpenFiles {
    fn connection(
        &mut self,
        folder: &Path,
        tables: &[StorageId],
    ) -> Result<&Connection, StoreError> {
        self.clock += 1;
        let clock = self.clock;
        if !self.files.contains_key(tables) {
            self.make_room(folder, tables.len());
            let connection = open(folder, tables)?;
            self.files.insert(tables.to_vec(), OpenFile { connection, last_used: clock });
        }
        let file = self.files.get_mut(tables).ok_or(StoreError::Defect("a file just opened"))?;
        file.last_used = clock;
        Ok(&file.connection)
    }

    /// Closes files that are gone, and then the longest unused, until `n_more` may be opened.
    fn make_room(&mut self, folder: &Path, n_more: usize) {
        self.files.retain(|tables, _| {
            tables.iter().all(|table| path_of(folder, table).try_exists().unwrap_or(false))
        });
        while self.files.keys().map(Vec::len).sum::<usize>() + n_more > OPEN_FILES_PER_THREAD {
            let oldest = self.files.iter().min_by_key(|(_, file)| file.last_used);
            let Some(tables) = oldest.map(|(tables, _)| tables.clone()) else { break };
            self.files.remove(&tables);
        }
    }
}

fn path_of(folder: &Path, table: &StorageId) -> PathBuf {
    folder.join(format!("{}.db", table.as_str()))
}

/// Opens data files for reading together, with our functions and a watched clock; the others are
/// called as [`write_table_name`] says.
pub(super) fn open(folder: &Path, tables: &[StorageId]) -> Result<Connection, StoreError> {
    let Some((first, others)) = tables.split_first() else {
        return Err(StoreError::Defect("a statement without a table"));
    };
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path_of(folder, first), flags)?;
    for (number, table) in others.iter().enumerate() {
        // Read-only like the first: SQLite attaches with the flags of the connection.
        let path = path_of(folder, table);
        let path = path.to_str().ok_or(StoreError::Defect("a data folder that is no text"))?;
        connection.execute(&format!("ATTACH ?1 AS d{}", number + 1), [path])?;
    }
    connection.set_prepared_statement_cache_capacity(64);
    connection.busy_timeout(std::time::Duration::from_secs(5))?;
    connection.pragma_update(None, "cache_size", -PAGE_CACHE_KIB)?;
    connection.pragma_update(None, "case_sensitive_like", true)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    functions::register(&connection)?;
    connection.progress_handler(STEPS_PER_CHECK, Some(is_stopped))?;
    Ok(connection)
}

/// Runs a statement in this text and writes its rows.
pub(super) fn answer(connection: &Connection, sql: &str, run: &Run) -> Result<Vec<u8>, StoreError> {
    let statement = &run.statement;
    let mut prepared = connection.prepare_cached(sql)?;
    bind(&mut prepared, run)?;
    let mut rows = prepared.raw_query();
    let mut out = statement.buffer();
    match &statement.shape {
        RootShape::List(shape) => {
            out.push(b'[');
            while let Some(row) = rows.next().map_err(stopped)? {
                if out.len() > 1 {
                    out.push(b',');
                }
                json::write_object(row, shape, &mut out)?;
            }
            out.push(b']');
        }
        RootShape::Optional(shape) | RootShape::Single(shape) => {
            match rows.next().map_err(stopped)? {
                Some(row) => json::write_object(row, shape, &mut out)?,
                None => out.extend_from_slice(b"null"),
            }
        }
    }
    statement.note_size(out.len());
    Ok(out)
}

pub(super) fn bind(prepared: &mut rusqlite::Statement<'_>, run: &Run) -> Result<(), StoreError> {
    for (position, bind) in run.binds.iter().enumerate() {
        let number = position + 1;
        match bind {
            Bind::Null => prepared.raw_bind_parameter(number, rusqlite::types::Null)?,
            Bind::Boolean(value) => prepared.raw_bind_parameter(number, value)?,
            Bind::Int(value) => prepared.raw_bind_parameter(number, value)?,
            Bind::Float(value) => prepared.raw_bind_parameter(number, value)?,
            Bind::Text(value) => prepared.raw_bind_parameter(number, value)?,
            Bind::TextList(_) => return Err(StoreError::Defect("a text list bound in SQLite")),
        }
    }
    Ok(())
}

/// Tells a statement that was ended from one that failed.
pub(super) fn stopped(error: rusqlite::Error) -> StoreError {
    if error.sqlite_error_code() == Some(ErrorCode::OperationInterrupted) {
        return StoreError::Timeout;
    }
    StoreError::Sqlite(error)
}

impl Cells for Row<'_> {
    fn value(&self, index: usize, kind: CellKind) -> Result<Value<'_>, BadCell> {
        value(self.get_ref(index).map_err(|_| BadCell(index))?, index, kind)
    }

    fn integer(&self, index: usize) -> Result<Option<i128>, BadCell> {
        integer(self.get_ref(index).map_err(|_| BadCell(index))?, index)
    }

    fn write_rows(&self, index: usize, shape: &RowShape, out: &mut Vec<u8>) -> Result<(), BadCell> {
        write_rows(self.get_ref(index).map_err(|_| BadCell(index))?, index, shape, out)
    }

    fn write_row(&self, index: usize, shape: &RowShape, out: &mut Vec<u8>) -> Result<(), BadCell> {
        write_row(self.get_ref(index).map_err(|_| BadCell(index))?, index, shape, out)
    }

    type Gathered<'g>
        = GatheredRow<'g>
    where
        Self: 'g;

    fn gathered(&self, index: usize) -> Result<Vec<GatheredRow<'_>>, BadCell> {
        gathered_rows(self.get_ref(index).map_err(|_| BadCell(index))?, index)
    }
}

/// A row gathered by `sluice_rows`.
pub struct GatheredRow<'a>(Vec<ValueRef<'a>>);

impl Cells for GatheredRow<'_> {
    fn value(&self, index: usize, kind: CellKind) -> Result<Value<'_>, BadCell> {
        value(*self.0.get(index).ok_or(BadCell(index))?, index, kind)
    }

    fn integer(&self, index: usize) -> Result<Option<i128>, BadCell> {
        integer(*self.0.get(index).ok_or(BadCell(index))?, index)
    }

    fn write_rows(&self, index: usize, shape: &RowShape, out: &mut Vec<u8>) -> Result<(), BadCell> {
        write_rows(*self.0.get(index).ok_or(BadCell(index))?, index, shape, out)
    }

    fn write_row(&self, index: usize, shape: &RowShape, out: &mut Vec<u8>) -> Result<(), BadCell> {
        write_row(*self.0.get(index).ok_or(BadCell(index))?, index, shape, out)
    }

    type Gathered<'g>
        = GatheredRow<'g>
    where
        Self: 'g;

    fn gathered(&self, index: usize) -> Result<Vec<GatheredRow<'_>>, BadCell> {
        gathered_rows(*self.0.get(index).ok_or(BadCell(index))?, index)
    }
}

fn write_row(
    value: ValueRef<'_>,
    index: usize,
    shape: &RowShape,
    out: &mut Vec<u8>,
) -> Result<(), BadCell> {
    let mut row = GatheredRow(Vec::new());
    if let ValueRef::Blob(bytes) = value
        && functions::GatheredRows::new(bytes).next_into(&mut row.0).ok_or(BadCell(index))?
    {
        return json::write_object(&row, shape, out);
    }
    out.extend_from_slice(b"null");
    Ok(())
}

fn write_rows(
    value: ValueRef<'_>,
    index: usize,
    shape: &RowShape,
    out: &mut Vec<u8>,
) -> Result<(), BadCell> {
    out.push(b'[');
    if let ValueRef::Blob(bytes) = value {
        let mut gathered = functions::GatheredRows::new(bytes);
        let mut row = GatheredRow(Vec::new());
        let mut is_first = true;
        while gathered.next_into(&mut row.0).ok_or(BadCell(index))? {
            if !is_first {
                out.push(b',');
            }
            is_first = false;
            json::write_object(&row, shape, out)?;
        }
    }
    out.push(b']');
    Ok(())
}

/// The rows gathered in a value.
fn gathered_rows(value: ValueRef<'_>, index: usize) -> Result<Vec<GatheredRow<'_>>, BadCell> {
    let mut rows = Vec::new();
    if let ValueRef::Blob(bytes) = value {
        let mut gathered = functions::GatheredRows::new(bytes);
        let mut cells = Vec::new();
        while gathered.next_into(&mut cells).ok_or(BadCell(index))? {
            rows.push(GatheredRow(std::mem::take(&mut cells)));
        }
    }
    Ok(rows)
}

#[inline]
fn value(cell: ValueRef<'_>, index: usize, kind: CellKind) -> Result<Value<'_>, BadCell> {
    Ok(match (kind, cell) {
        (_, ValueRef::Null) => Value::Null,
        (
            CellKind::Int | CellKind::BigInt | CellKind::Decimal { .. },
            ValueRef::Integer(number),
        ) => Value::Whole(number),
        (CellKind::BigInt | CellKind::Decimal { .. }, cell) => {
            Value::Wide(integer(cell, index)?.ok_or(BadCell(index))?)
        }
        (CellKind::Boolean, ValueRef::Integer(number)) => Value::Boolean(number != 0),
        (CellKind::Float, ValueRef::Real(number)) => Value::Float(number),
        #[expect(clippy::cast_precision_loss, reason = "SQLite keeps whole doubles as integers")]
        (CellKind::Float, ValueRef::Integer(number)) => Value::Float(number as f64),
        (
            CellKind::Text
            | CellKind::Json
            | CellKind::Date
            | CellKind::LocalTime
            | CellKind::LocalDateTime
            | CellKind::DateTime
            | CellKind::Uuid,
            ValueRef::Text(text),
        ) => Value::Text(text),
        _ => return Err(BadCell(index)),
    })
}

fn integer(value: ValueRef<'_>, index: usize) -> Result<Option<i128>, BadCell> {
    match value {
        ValueRef::Null => Ok(None),
        ValueRef::Integer(value) => Ok(Some(i128::from(value))),
        ValueRef::Text(text) => std::str::from_utf8(text)
            .ok()
            .and_then(|text| text.parse().ok())
            .map(Some)
            .ok_or(BadCell(index)),
        _ => Err(BadCell(index)),
    }
}
