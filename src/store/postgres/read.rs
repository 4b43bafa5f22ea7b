//! Runs SELECTs on PostgreSQL and writes their rows as JSON bytes.
//!
//! Cells are taken in the wire's binary form and become the same values as the embedded store's, so
//! that both answer the same bytes. Nothing here ever writes.

use std::sync::Arc;
use std::time::Instant;

use futures_util::TryStreamExt;
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::{Arguments, AssertSqlSafe, PgConnection, Row, ValueRef};

use super::readers::Readers;
use crate::catalog::model::StorageId;
use crate::store::StoreError;
use crate::store::json::{self, BadCell, CellKind, Cells, RootShape, RowShape};
use crate::store::run::{Bind, LOG_OF, Run, Together};
use crate::store::value::Value;

/// Days from 1970-01-01 to 2000-01-01, where PostgreSQL counts from.
const EPOCH_DAYS: i32 = 10_957;
/// Microseconds from 1970-01-01 to 2000-01-01.
const EPOCH_MICROS: i64 = 946_684_800_000_000;

/// Runs a statement and returns its answer as JSON bytes. It is cancelled in the database when the
/// deadline passes, and when nobody waits for it any more.
///
/// # Errors
/// As [`crate::store::Store::run`].
pub(crate) async fn run(readers: &Arc<Readers>, run: &Run) -> Result<Vec<u8>, StoreError> {
    let deadline = tokio::time::Instant::from_std(run.deadline);
    let mut n_dead = 0;
    loop {
        let mut lease = readers.lease(deadline).await?;
        let began = Instant::now();
        let answered = tokio::time::timeout_at(deadline, answer(lease.connection()?, run)).await;
        run.statement.note_run(began);
        let Ok(answered) = answered else { return Err(StoreError::Timeout) };
        match answered {
            // Connections are not tested before use, which would cost a round trip. After an outage
            // those that lay idle are dead and fail at once: the next one is tried then.
            Err(StoreError::Postgres(error)) if is_dead(&error) => {
                let may_try_again = lease.is_used() && n_dead <= readers.n_connections();
                lease.close();
                if !may_try_again {
                    return Err(error.into());
                }
                n_dead += 1;
            }
            Ok(json) => {
                lease.give_back();
                return Ok(json);
            }
            Err(error) => {
                if matches!(
                    error,
                    StoreError::Postgres(sqlx::Error::Database(_)) | StoreError::Timeout
                ) {
                    // The server has ended the statement itself.
                    lease.give_back();
                }
                return Err(error);
            }
        }
    }
}

/// Runs statements in one transaction that only reads, so that all see the same state.
///
/// # Errors
/// As [`crate::store::Store::run`], the first one.
pub(crate) async fn run_together(
    readers: &Arc<Readers>,
    runs: &[Run],
) -> Result<Together, StoreError> {
    let Some(first) = runs.first() else { return Ok(Together::default()) };
    let begin = begin_with_versions(runs);
    let deadline = tokio::time::Instant::from_std(first.deadline);
    let mut n_dead = 0;
    loop {
        let mut lease = readers.lease(deadline).await?;
        let connection = lease.connection()?;
        let together = async {
            let versions = sqlx::raw_sql(AssertSqlSafe(begin.as_str()));
            let versions = versions.fetch_all(&mut *connection).await?;
            let is_of_versions = are_versions_of(runs, &versions)?;
            let mut answers = Vec::with_capacity(runs.len());
            for run in runs {
                let began = Instant::now();
                answers.push(answer(connection, run).await?);
                run.statement.note_run(began);
            }
            sqlx::raw_sql("COMMIT").execute(&mut *connection).await?;
            Ok::<_, StoreError>(Together { answers, is_of_versions })
        };
        let done = tokio::time::timeout_at(deadline, together).await;
        match done.map_err(|_| StoreError::Timeout)? {
            Ok(answers) => {
                lease.give_back();
                return Ok(answers);
            }
            // As above: those that lay idle may be dead.
            Err(StoreError::Postgres(error))
                if is_dead(&error) && lease.is_used() && n_dead <= readers.n_connections() =>
            {
                lease.close();
                n_dead += 1;
            }
            // The connection goes with its transaction.
            Err(error) => return Err(error),
        }
    }
}

/// Begins the transaction and asks, in the same round trip, which versions its state has.
fn begin_with_versions(runs: &[Run]) -> String {
    let mut tables: Vec<&str> =
        runs.iter().flat_map(|run| &run.tables).map(StorageId::as_str).collect();
    tables.sort_unstable();
    tables.dedup();
    // Names of tables are hexadecimal digits.
    format!(
        "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; \
         SELECT storage, version FROM {}.datasets WHERE storage IN ('{}')",
        sluice_migration::POSTGRES_SCHEMA,
        tables.join("','"),
    )
}

/// Whether the tables of statements have the versions that the statements are made for. Those that
/// are no dataset's any more are not changed any more.
fn are_versions_of(runs: &[Run], rows: &[PgRow]) -> Result<bool, sqlx::Error> {
    let mut found = Vec::with_capacity(rows.len());
    for row in rows {
        found.push((row.try_get::<&str, _>(0)?, row.try_get::<i64, _>(1)?));
    }
    let mut wanted = runs.iter().flat_map(|run| run.tables.iter().zip(&run.versions));
    Ok(wanted.all(|(table, version)| {
        found.iter().all(|(name, present)| *name != table.as_str() || present == version)
    }))
}

/// Whether the connection is gone, or the server behind it.
fn is_dead(error: &sqlx::Error) -> bool {
    /// `admin_shutdown`, `crash_shutdown`, `cannot_connect_now`.
    const SHUT_DOWN: [&str; 3] = ["57P01", "57P02", "57P03"];
    match error {
        sqlx::Error::Io(_) => true,
        sqlx::Error::Database(cause) => {
            cause.code().is_some_and(|code| SHUT_DOWN.contains(&code.as_ref()))
        }
        _ => false,
    }
}

async fn answer(connection: &mut PgConnection, run: &Run) -> Result<Vec<u8>, StoreError> {
    let statement = &run.statement;
    let arguments = arguments(run)?;
    let mut rows = sqlx::query_with(AssertSqlSafe(text_of(run)), arguments).fetch(connection);
    let mut out = statement.buffer();
    match &statement.shape {
        RootShape::List(shape) => {
            out.push(b'[');
            while let Some(row) = rows.try_next().await? {
                if out.len() > 1 {
                    out.push(b',');
                }
                json::write_object(&row, shape, &mut out)?;
            }
            out.push(b']');
        }
        RootShape::Optional(shape) | RootShape::Single(shape) => match rows.try_next().await? {
            Some(row) => {
                json::write_object(&row, shape, &mut out)?;
                // To the end, so that the connection is free for the next statement.
                while rows.try_next().await?.is_some() {}
            }
            None => out.extend_from_slice(b"null"),
        },
    }
    drop(rows);
    statement.note_size(out.len());
    Ok(out)
}

/// The statement with the names of its tables.
pub(in crate::store) fn text_of(run: &Run) -> String {
    run.statement.sql.render(|table, out| {
        let (table, letter) = match table.checked_sub(LOG_OF) {
            Some(table) => (table, 'h'),
            None => (table, 't'),
        };
        out.push_str("\"sluice_data\".\"");
        out.push(letter);
        out.push('_');
        out.push_str(run.tables.get(table).map_or("", |id| id.as_str()));
        out.push('"');
    })
}

pub(super) fn arguments(run: &Run) -> Result<PgArguments, StoreError> {
    let mut arguments = PgArguments::default();
    for bind in &run.binds {
        match bind {
            Bind::Null => arguments.add(None::<String>),
            Bind::Boolean(value) => arguments.add(*value),
            Bind::Int(value) => arguments.add(*value),
            Bind::Float(value) => arguments.add(*value),
            Bind::Text(value) => arguments.add(value.as_str()),
            Bind::TextList(values) => arguments.add(values.as_slice()),
        }
        .map_err(sqlx::Error::Encode)?;
    }
    Ok(arguments)
}

/// How PostgreSQL would run a statement, a line per step.
///
/// # Errors
/// When PostgreSQL refuses or is away.
pub(crate) async fn explain(readers: &Arc<Readers>, run: &Run) -> Result<Vec<String>, StoreError> {
    let deadline = tokio::time::Instant::from_std(run.deadline);
    let mut lease = readers.lease(deadline).await?;
    let sql = format!("EXPLAIN {}", text_of(run));
    let lines = sqlx::query_scalar_with(AssertSqlSafe(sql), arguments(run)?);
    let lines = tokio::time::timeout_at(deadline, lines.fetch_all(lease.connection()?)).await;
    let lines = lines.map_err(|_| StoreError::Timeout)??;
    lease.give_back();
    Ok(lines)
}

/// A cell in binary form with its type's number; `None` where it is null.
type Cell<'a> = Option<(&'a [u8], u32)>;

/// The number of the type numeric in PostgreSQL's catalog, the same in every database.
const NUMERIC: u32 = 1_700;

fn cell(row: &PgRow, index: usize) -> Result<Cell<'_>, BadCell> {
    let value = row.try_get_raw(index).map_err(|_| BadCell(index))?;
    if value.is_null() {
        return Ok(None);
    }
    let oid = value.type_info().oid().map_or(0, |oid| oid.0);
    Ok(Some((value.as_bytes().map_err(|_| BadCell(index))?, oid)))
}

impl Cells for PgRow {
    fn value(&self, index: usize, kind: CellKind) -> Result<Value<'_>, BadCell> {
        value(cell(self, index)?, kind).ok_or(BadCell(index))
    }

    fn integer(&self, index: usize) -> Result<Option<i128>, BadCell> {
        integer(cell(self, index)?).ok_or(BadCell(index))
    }

    fn write_rows(&self, index: usize, shape: &RowShape, out: &mut Vec<u8>) -> Result<(), BadCell> {
        write_rows(cell(self, index)?, index, shape, out)
    }

    fn write_row(&self, index: usize, shape: &RowShape, out: &mut Vec<u8>) -> Result<(), BadCell> {
        write_row(cell(self, index)?, index, shape, out)
    }

    type Gathered<'g>
        = GatheredRow<'g>
    where
        Self: 'g;

    fn gathered(&self, index: usize) -> Result<Vec<GatheredRow<'_>>, BadCell> {
        gathered_rows(cell(self, index)?, index)
    }
}

/// A row gathered by `array_agg(ROW(…))`.
pub struct GatheredRow<'a>(Vec<Cell<'a>>);

impl GatheredRow<'_> {
    fn cell(&self, index: usize) -> Result<Cell<'_>, BadCell> {
        self.0.get(index).copied().ok_or(BadCell(index))
    }
}

impl Cells for GatheredRow<'_> {
    fn value(&self, index: usize, kind: CellKind) -> Result<Value<'_>, BadCell> {
        value(self.cell(index)?, kind).ok_or(BadCell(index))
    }

    fn integer(&self, index: usize) -> Result<Option<i128>, BadCell> {
        integer(self.cell(index)?).ok_or(BadCell(index))
    }

    fn write_rows(&self, index: usize, shape: &RowShape, out: &mut Vec<u8>) -> Result<(), BadCell> {
        write_rows(self.cell(index)?, index, shape, out)
    }

    fn write_row(&self, index: usize, shape: &RowShape, out: &mut Vec<u8>) -> Result<(), BadCell> {
        write_row(self.cell(index)?, index, shape, out)
    }

    type Gathered<'g>
        = GatheredRow<'g>
    where
        Self: 'g;

    fn gathered(&self, index: usize) -> Result<Vec<GatheredRow<'_>>, BadCell> {
        gathered_rows(self.cell(index)?, index)
    }
}

fn write_row(
    array: Cell<'_>,
    index: usize,
    shape: &RowShape,
    out: &mut Vec<u8>,
) -> Result<(), BadCell> {
    if let Some((array, _)) = array {
        let mut row = GatheredRow(Vec::new());
        let mut rows = GatheredRows::new(array).ok_or(BadCell(index))?;
        if rows.next_into(&mut row.0).ok_or(BadCell(index))? {
            return json::write_object(&row, shape, out);
        }
    }
    out.extend_from_slice(b"null");
    Ok(())
}

fn write_rows(
    array: Cell<'_>,
    index: usize,
    shape: &RowShape,
    out: &mut Vec<u8>,
) -> Result<(), BadCell> {
    out.push(b'[');
    if let Some((array, _)) = array {
        let mut rows = GatheredRows::new(array).ok_or(BadCell(index))?;
        let mut row = GatheredRow(Vec::new());
        let mut is_first = true;
        while rows.next_into(&mut row.0).ok_or(BadCell(index))? {
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
fn gathered_rows(array: Cell<'_>, index: usize) -> Result<Vec<GatheredRow<'_>>, BadCell> {
    let mut rows = Vec::new();
    if let Some((array, _)) = array {
        let mut gathered = GatheredRows::new(array).ok_or(BadCell(index))?;
        let mut cells = Vec::new();
        while gathered.next_into(&mut cells).ok_or(BadCell(index))? {
            rows.push(GatheredRow(std::mem::take(&mut cells)));
        }
    }
    Ok(rows)
}

/// Reads the binary form of a one-dimensional array of records.
struct GatheredRows<'a> {
    rest: Reader<'a>,
    n_left: i32,
}

impl<'a> GatheredRows<'a> {
    fn new(array: &'a [u8]) -> Option<GatheredRows<'a>> {
        let mut rest = Reader(array);
        let n_dimensions = rest.i32()?;
        let (_has_nulls, _element_type) = (rest.i32()?, rest.i32()?);
        let n_left = if n_dimensions == 0 { 0 } else { rest.i32()? };
        if n_dimensions != 0 {
            let _lower_bound = rest.i32()?;
        }
        Some(GatheredRows { rest, n_left })
    }

    fn next_into(&mut self, cells: &mut Vec<Cell<'a>>) -> Option<bool> {
        cells.clear();
        if self.n_left == 0 {
            return Some(false);
        }
        self.n_left -= 1;
        let _record_length = self.rest.i32()?;
        let n_cells = self.rest.i32()?;
        for _ in 0..n_cells {
            let oid = self.rest.i32()?.cast_unsigned();
            cells.push(match usize::try_from(self.rest.i32()?) {
                Ok(length) => Some((self.rest.take(length)?, oid)),
                Err(_) => None,
            });
        }
        Some(true)
    }
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, n: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(n)?;
        self.0 = rest;
        Some(taken)
    }

    fn i32(&mut self) -> Option<i32> {
        Some(i32::from_be_bytes(self.take(4)?.try_into().ok()?))
    }

    fn u16(&mut self) -> Option<u16> {
        Some(u16::from_be_bytes(self.take(2)?.try_into().ok()?))
    }
}

#[inline]
fn value(cell: Cell<'_>, kind: CellKind) -> Option<Value<'_>> {
    let Some((bytes, oid)) = cell else { return Some(Value::Null) };
    Some(match kind {
        CellKind::Boolean => Value::Boolean(*bytes.first()? != 0),
        CellKind::BigInt if oid == NUMERIC => Value::Wide(numeric(bytes)?.0),
        CellKind::Int | CellKind::BigInt => Value::Whole(whole(bytes)?),
        CellKind::Decimal { scale } => {
            let (unscaled, own_scale) = numeric(bytes)?;
            let unscaled = sluice_schema::decimal::rescale(unscaled, own_scale, scale)?;
            // Sums are wide; what a column holds is not, and 64 bits are quicker to write.
            i64::try_from(unscaled).map_or(Value::Wide(unscaled), Value::Whole)
        }
        CellKind::Float => Value::Float(f64::from_be_bytes(bytes.try_into().ok()?)),
        CellKind::Date => {
            let days = i32::from_be_bytes(bytes.try_into().ok()?);
            Value::Days(days.checked_add(EPOCH_DAYS)?)
        }
        CellKind::LocalTime => Value::Micros(i64::from_be_bytes(bytes.try_into().ok()?)),
        CellKind::LocalDateTime | CellKind::DateTime => {
            let micros = i64::from_be_bytes(bytes.try_into().ok()?);
            Value::Micros(micros.checked_add(EPOCH_MICROS)?)
        }
        CellKind::Uuid => Value::Uuid(bytes.try_into().ok()?),
        CellKind::Json | CellKind::Text => Value::Text(bytes),
    })
}

fn whole(bytes: &[u8]) -> Option<i64> {
    match bytes.len() {
        2 => Some(i64::from(i16::from_be_bytes(bytes.try_into().ok()?))),
        4 => Some(i64::from(i32::from_be_bytes(bytes.try_into().ok()?))),
        8 => Some(i64::from_be_bytes(bytes.try_into().ok()?)),
        _ => None,
    }
}

fn integer(cell: Cell<'_>) -> Option<Option<i128>> {
    match cell {
        None => Some(None),
        Some((bytes, NUMERIC)) => Some(Some(numeric(bytes)?.0)),
        Some((bytes, _)) => Some(Some(i128::from(whole(bytes)?))),
    }
}

/// Decodes a numeric into digits and their scale.
fn numeric(bytes: &[u8]) -> Option<(i128, u8)> {
    const NEGATIVE: u16 = 0x4000;
    const POSITIVE: u16 = 0x0000;
    let mut reader = Reader(bytes);
    let n_digits = i32::from(reader.u16()?);
    let weight = i32::from(i16::from_be_bytes(reader.u16()?.to_be_bytes()));
    let sign = reader.u16()?;
    let scale = u8::try_from(reader.u16()?).ok()?;
    if sign != NEGATIVE && sign != POSITIVE {
        return None;
    }
    let mut value: i128 = 0;
    // Group `i` stands for digits × 10000^(weight − i); the value is wanted × 10^scale.
    for group in 0..n_digits {
        let digits = i128::from(reader.u16()?);
        let exponent = (weight - group) * 4 + i32::from(scale);
        let term = match u32::try_from(exponent) {
            Ok(exponent) => digits.checked_mul(10i128.checked_pow(exponent)?)?,
            Err(_) => digits / 10i128.checked_pow(exponent.unsigned_abs())?,
        };
        value = value.checked_add(term)?;
    }
    Some((if sign == NEGATIVE { -value } else { value }, scale))
}
