//! Turns data files into a new one: rows stream from SQLite's own reader into the bulk writer.
//!
//! It exists so that an addition is a new file like any load, written once from front to back. It
//! holds one block of rows at a time and never writes to the files that it reads.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags, Row};
use sluice_schema::{ColumnType, Control, RowEncoder, Value, decimal};

use super::bulk::{BulkWriter, JournalMode, SchemaText};
use super::load::{MAX_COLUMNS, PAGE_BYTES, build_key, check, create_table_sql, uri};
use super::record::RecordEncoder;
use super::{quoted, sync_folder};
use crate::store::dump::{DumpColumn, write_quoted};
use crate::store::merge::{MergeColumn, MergeSpec, MergedTable, float_text};
use crate::store::{PhysicalColumn, StoreError};

/// Rows encoded before they are written.
const BLOCK_ROWS: usize = 256;

const DAMAGED: StoreError = StoreError::Defect("a data file holds a value of another type");

/// A row's value in the form in which it is written, with room for text made from others.
#[derive(Clone, Debug, PartialEq)]
enum Cell {
    Null,
    Int(i64),
    Float(f64),
    Text(Vec<u8>),
}

pub(super) fn merge(
    path: &Path,
    (old_path, new_path): (&Path, Option<&Path>),
    spec: &MergeSpec<'_>,
    control: &dyn Control,
) -> Result<MergedTable, StoreError> {
    if spec.columns.len() > MAX_COLUMNS {
        return Err(StoreError::too_many_columns(spec.columns.len(), MAX_COLUMNS));
    }
    let columns: Vec<PhysicalColumn> = spec
        .columns
        .iter()
        .map(|column| PhysicalColumn { name: column.name.clone(), column_type: column.column_type })
        .collect();
    let source = open(old_path, new_path)?;
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    let schema = SchemaText { table: create_table_sql(&columns), key: None };
    let mut target = Target {
        writer: BulkWriter::create(file, PAGE_BYTES, schema)?,
        encoder: RecordEncoder::new(columns.len(), spec.key),
        numbers: Vec::with_capacity(BLOCK_ROWS),
        n_null_keys: 0,
        n_nulls: vec![0; columns.len()],
        control,
    };
    let mut merged = MergedTable::default();
    copy_old(&source, spec, &mut target, &mut merged)?;
    if spec.new.is_some() {
        copy_new(&source, spec, &mut target, &mut merged)?;
    }
    target.flush()?;
    let Target { writer, n_null_keys, n_nulls, .. } = target;
    merged.n_nulls = n_nulls;
    let key = spec.key.and_then(|key| columns.get(key)).filter(|_| n_null_keys == 0);
    let written = match key {
        Some(column) => {
            let written = writer.finish(JournalMode::Rollback)?;
            merged.has_key = build_key(path, column, control)?;
            written.file.write_all_at(&JournalMode::Wal.versions(), JournalMode::OFFSET)?;
            written
        }
        None => writer.finish(JournalMode::Wal)?,
    };
    let size_bytes = check(path, &written)?;
    written.file.sync_all()?;
    if let Some(folder) = path.parent() {
        sync_folder(folder)?;
    }
    merged.n_rows = written.n_rows.cast_signed();
    merged.size_bytes = size_bytes.cast_signed();
    Ok(merged)
}

/// A connection that sees the files as `o` and `n`, and can write neither.
fn open(old_path: &Path, new_path: Option<&Path>) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_URI;
    // A database of no name is temporary: it is where SQLite sorts.
    let connection = Connection::open_with_flags("", flags)?;
    for (name, path) in [("o", Some(old_path)), ("n", new_path)] {
        if let Some(path) = path {
            let address = format!("{}?mode=ro", uri(path)?);
            connection.execute(&format!("ATTACH ?1 AS {name}"), [address])?;
        }
    }
    Ok(connection)
}

pub(super) fn first_repeat(path: &Path, physical: &str) -> Result<Option<(i64, i64)>, StoreError> {
    let connection = open(path, None)?;
    let column = quoted(physical);
    let sql = format!(
        "SELECT b._row, min(a._row) FROM o.t AS b JOIN o.t AS a ON a.{column} = b.{column} AND a._row < b._row GROUP BY b._row ORDER BY b._row LIMIT 1"
    );
    let mut statement = connection.prepare(&sql)?;
    let mut rows = statement.query(())?;
    Ok(match rows.next()? {
        Some(row) => Some((row.get(1)?, row.get(0)?)),
        None => None,
    })
}

/// Writes the rows of a data file as CSV.
pub(super) fn dump(
    path: &Path,
    columns: &[DumpColumn],
    out: &mut dyn Write,
    control: &dyn Control,
) -> Result<(), StoreError> {
    let connection = open(path, None)?;
    let list: Vec<String> = columns.iter().map(|column| quoted(&column.physical)).collect();
    let comma = if list.is_empty() { "" } else { "," };
    let sql = format!("SELECT _row{comma}{} FROM o.t ORDER BY _row", list.join(","));
    let mut statement = connection.prepare(&sql)?;
    let mut rows = statement.query(())?;
    let mut line = Vec::new();
    let mut n_rows: u64 = 0;
    while let Some(row) = rows.next()? {
        line.clear();
        line.extend_from_slice(row.get::<_, i64>(0)?.to_string().as_bytes());
        for (index, column) in columns.iter().enumerate() {
            let value = row.get_ref(index + 1)?;
            line.push(b',');
            if value != ValueRef::Null {
                write_quoted(&mut line, &text_of(value, column.column_type)?);
            }
        }
        line.push(b'\n');
        out.write_all(&line)?;
        n_rows += 1;
        if n_rows.is_multiple_of(1_024) && control.is_cancelled() {
            return Err(StoreError::Cancelled);
        }
    }
    Ok(())
}

/// The file being written.
struct Target<'a> {
    writer: BulkWriter,
    encoder: RecordEncoder,
    /// Those of the rows in the block.
    numbers: Vec<u64>,
    n_null_keys: u64,
    n_nulls: Vec<i64>,
    control: &'a dyn Control,
}

impl Target<'_> {
    fn push(&mut self, row: i64, cells: &[Cell]) -> Result<(), StoreError> {
        for (cell, n_nulls) in cells.iter().zip(&mut self.n_nulls) {
            *n_nulls += i64::from(*cell == Cell::Null);
        }
        for (index, cell) in cells.iter().enumerate() {
            let value = match cell {
                Cell::Null => Value::Null,
                Cell::Int(value) => Value::Int(*value),
                Cell::Float(value) => Value::Float(*value),
                Cell::Text(text) => Value::Text(std::str::from_utf8(text).map_err(|_| DAMAGED)?),
            };
            self.encoder.value(index, value);
        }
        self.encoder.end_row();
        self.numbers.push(row.cast_unsigned());
        if self.numbers.len() >= BLOCK_ROWS { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<(), StoreError> {
        if self.control.is_cancelled() {
            return Err(StoreError::Cancelled);
        }
        for (record, row) in self.encoder.records().zip(&self.numbers) {
            self.writer.push_row_as(*row, record)?;
        }
        self.n_null_keys += self.encoder.n_null_keys();
        self.encoder.clear();
        self.control.rows_done(u64::try_from(self.numbers.len()).unwrap_or_default());
        self.numbers.clear();
        Ok(())
    }
}

fn old_list(spec: &MergeSpec<'_>) -> String {
    let one = |column: &MergeColumn| match &column.old {
        Some((name, _)) => format!("o.{}", quoted(name)),
        None => "NULL".to_owned(),
    };
    spec.columns.iter().map(one).collect::<Vec<_>>().join(",")
}

fn new_list(spec: &MergeSpec<'_>) -> String {
    let one = |column: &MergeColumn| match &column.new {
        Some(name) => format!("n.{}", quoted(name)),
        None => "NULL".to_owned(),
    };
    spec.columns.iter().map(one).collect::<Vec<_>>().join(",")
}

/// `n.c2 = o.c1`
fn agree(spec: &MergeSpec<'_>) -> Option<String> {
    let column = spec.columns.get(spec.upsert_by?)?;
    let ((old, _), new) = (column.old.as_ref()?, column.new.as_ref()?);
    Some(format!("n.{} = o.{}", quoted(new), quoted(old)))
}

fn copy_old(
    source: &Connection,
    spec: &MergeSpec<'_>,
    target: &mut Target<'_>,
    merged: &mut MergedTable,
) -> Result<(), StoreError> {
    let n_columns = spec.columns.len();
    let joined = spec.new.and_then(|_| agree(spec));
    let sql = match &joined {
        Some(agree) => format!(
            "SELECT n._row, {}, {}, o._row FROM o.t AS o LEFT JOIN n.t AS n ON {agree} ORDER BY o._row",
            old_list(spec),
            new_list(spec)
        ),
        None => format!("SELECT NULL, {}, o._row FROM o.t AS o ORDER BY o._row", old_list(spec)),
    };
    let mut statement = source.prepare(&sql)?;
    let mut rows = statement.query(())?;
    let mut cells = vec![Cell::Null; n_columns];
    while let Some(row) = rows.next()? {
        for (index, (column, cell)) in spec.columns.iter().zip(&mut cells).enumerate() {
            *cell = old_cell(row, index + 1, column)?;
        }
        if row.get_ref(0)? != ValueRef::Null {
            let mut is_changed = false;
            for (index, (column, cell)) in spec.columns.iter().zip(&mut cells).enumerate() {
                if column.new.is_none() {
                    continue;
                }
                let came = plain_cell(row.get_ref(1 + n_columns + index)?)?;
                is_changed |= came != *cell;
                *cell = came;
            }
            let count = if is_changed { &mut merged.n_updated } else { &mut merged.n_unchanged };
            *count += 1;
        }
        // The last of what is selected.
        let row = row.get(1 + n_columns * if joined.is_some() { 2 } else { 1 })?;
        target.push(row, &cells)?;
        merged.last_row = row;
    }
    Ok(())
}

fn copy_new(
    source: &Connection,
    spec: &MergeSpec<'_>,
    target: &mut Target<'_>,
    merged: &mut MergedTable,
) -> Result<(), StoreError> {
    let columns = new_list(spec);
    let sql = match agree(spec) {
        Some(agree) => format!(
            "SELECT {columns} FROM n.t AS n LEFT JOIN o.t AS o ON {agree} WHERE o._row IS NULL ORDER BY n._row"
        ),
        None => format!("SELECT {columns} FROM n.t AS n ORDER BY n._row"),
    };
    let mut statement = source.prepare(&sql)?;
    let mut rows = statement.query(())?;
    let mut cells = vec![Cell::Null; spec.columns.len()];
    let mut next_row = spec.next_row.unwrap_or(merged.last_row + 1);
    while let Some(row) = rows.next()? {
        for (index, cell) in cells.iter_mut().enumerate() {
            *cell = plain_cell(row.get_ref(index)?)?;
        }
        target.push(next_row, &cells)?;
        next_row += 1;
        merged.n_inserted += 1;
    }
    Ok(())
}

fn plain_cell(value: ValueRef<'_>) -> Result<Cell, StoreError> {
    Ok(match value {
        ValueRef::Null => Cell::Null,
        ValueRef::Integer(value) => Cell::Int(value),
        ValueRef::Real(value) => Cell::Float(value),
        ValueRef::Text(text) => Cell::Text(text.to_owned()),
        ValueRef::Blob(_) => return Err(DAMAGED),
    })
}

/// A value of the old table as the new one keeps it.
fn old_cell(row: &Row<'_>, index: usize, column: &MergeColumn) -> Result<Cell, StoreError> {
    let Some((_, from)) = &column.old else { return Ok(Cell::Null) };
    retyped(row.get_ref(index)?, *from, column.column_type)
}

fn retyped(value: ValueRef<'_>, from: ColumnType, to: ColumnType) -> Result<Cell, StoreError> {
    use ColumnType::{BigInt, Decimal, Float, Int, String};
    let scaled = |value: i64, from: u8, to: u8| {
        let unscaled = decimal::rescale(i128::from(value), from, to);
        let unscaled = unscaled.and_then(|unscaled| i64::try_from(unscaled).ok());
        unscaled.map(Cell::Int).ok_or(DAMAGED)
    };
    match (from, to, value) {
        (_, _, ValueRef::Null) => Ok(Cell::Null),
        (Decimal { scale: from, .. }, Decimal { scale: to, .. }, ValueRef::Integer(value)) => {
            scaled(value, from, to)
        }
        (Int | BigInt, Decimal { scale, .. }, ValueRef::Integer(value)) => scaled(value, 0, scale),
        (Int, BigInt, value) => plain_cell(value),
        #[expect(clippy::cast_precision_loss, reason = "widened only where a double holds it")]
        (Int | BigInt, Float, ValueRef::Integer(value)) => Ok(Cell::Float(value as f64)),
        (Decimal { scale, .. }, Float, ValueRef::Integer(value)) => {
            let mut text = Vec::new();
            decimal::write_decimal(&mut text, value, scale);
            let text = std::str::from_utf8(&text).map_err(|_| DAMAGED)?;
            text.parse().map(Cell::Float).map_err(|_| DAMAGED)
        }
        (from, to, value) if from.name() == to.name() => plain_cell(value),
        (from, String, value) => Ok(Cell::Text(text_of(value, from)?)),
        _ => Err(StoreError::Defect("a column cannot move to this type")),
    }
}

/// A value as text, in its canonical form.
fn text_of(value: ValueRef<'_>, column_type: ColumnType) -> Result<Vec<u8>, StoreError> {
    Ok(match (column_type, value) {
        (ColumnType::Boolean, ValueRef::Integer(0)) => b"false".to_vec(),
        (ColumnType::Boolean, ValueRef::Integer(_)) => b"true".to_vec(),
        (ColumnType::Decimal { scale, .. }, ValueRef::Integer(value)) => {
            let mut text = Vec::new();
            decimal::write_decimal(&mut text, value, scale);
            text
        }
        (_, ValueRef::Integer(value)) => value.to_string().into_bytes(),
        (_, ValueRef::Real(value)) => float_text(value).into_bytes(),
        (ColumnType::DateTime, ValueRef::Text(text)) => [text, b"Z"].concat(),
        (_, ValueRef::Text(text)) => text.to_owned(),
        (_, ValueRef::Null | ValueRef::Blob(_)) => return Err(DAMAGED),
    })
}
