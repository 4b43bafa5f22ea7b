//! Writes an answer that is there already as a table: the rows of one root field.
//!
//! Nested objects become columns of their own, named with points (`customer.name`); lists inside a
//! row become one cell of JSON. The answer is one of a query, whose size is bounded.

use std::path::Path;

use serde_json::Value as Json;
use sluice_schema::decimal;

use super::separated::{CsvOptions, CsvWriter};
use super::xlsx::XlsxWriter;
use super::{Column, Format};
use crate::error::{Error, Result};
use crate::store::StoreError;
use crate::store::json::{BadCell, CellKind, Cells, OutCell, RootShape, RowShape};
use crate::store::stream::RowWriter;
use crate::store::value::Value;

/// An answer as rows and columns.
pub struct Table {
    columns: Vec<Column>,
    /// Where each column's value is in a row's object.
    paths: Vec<Vec<String>>,
    rows: Vec<Json>,
}

impl Table {
    /// The table of a root field's answer.
    ///
    /// # Errors
    /// BAD_USER_INPUT for a connection, whose pages are no rows.
    pub fn new(shape: &RootShape, answer: Json) -> Result<Table> {
        let (row, rows) = match (shape, answer) {
            (RootShape::List(row), Json::Array(rows)) => (row, rows),
            (RootShape::Optional(row) | RootShape::Single(row), Json::Null) => (row, Vec::new()),
            (RootShape::Optional(row) | RootShape::Single(row), one) => (row, vec![one]),
            (RootShape::List(_), _) => return Err(Error::internal("a list that is none")),
        };
        let mut table = Table { columns: Vec::new(), paths: Vec::new(), rows };
        table.add(row, &[])?;
        Ok(table)
    }

    fn add(&mut self, shape: &RowShape, above: &[String]) -> Result<()> {
        for field in shape {
            let key = field.key.strip_suffix(b":").unwrap_or(&field.key);
            let key: String = serde_json::from_slice(key).map_err(Error::internal)?;
            let mut path = above.to_vec();
            path.push(key);
            let kind = match &field.cell {
                OutCell::Column { kind, .. } => *kind,
                OutCell::Literal(_) | OutCell::NodeId { .. } => CellKind::Text,
                OutCell::Rows { .. } => CellKind::Json,
                OutCell::Object(inner) | OutCell::Row { shape: inner, .. } => {
                    self.add(inner, &path)?;
                    continue;
                }
                OutCell::Page { .. } => {
                    return Err(Error::bad_input(
                        "A connection is no table: its pages are for programs. Save a query of the list instead, or ask for JSON.",
                    ));
                }
            };
            self.columns.push(Column { name: path.join("."), index: self.columns.len(), kind });
            self.paths.push(path);
        }
        Ok(())
    }

    /// The table as a file, which is in memory as the answer is; a workbook's rows lie in `folder`
    /// until it is whole.
    ///
    /// # Errors
    /// When a value has no place in a workbook; INTERNAL for other formats than CSV, TSV and XLSX.
    pub fn write(self, format: Format, options: CsvOptions, folder: &Path) -> Result<Vec<u8>> {
        let mut out = Vec::new();
        let Table { columns, paths, rows } = self;
        match format {
            Format::Csv | Format::Tsv => {
                let mut writer = CsvWriter::new(columns, options);
                writer.begin(&mut out);
                for row in &rows {
                    writer.write(&Row::new(&paths, row), &mut out)?;
                }
            }
            Format::Xlsx => {
                let mut writer = XlsxWriter::new(columns, folder)?;
                for row in &rows {
                    writer.write(&Row::new(&paths, row), &mut out)?;
                }
                let read = std::io::Read::read_to_end(&mut writer.finish(folder)?, &mut out);
                read.map_err(|error| Error::from(StoreError::from(error)))?;
            }
            _ => return Err(Error::internal("a table of another format")),
        }
        Ok(out)
    }
}

/// A row of an answer: its cells as bare text.
struct Row(Vec<Option<String>>);

impl Row {
    fn new(paths: &[Vec<String>], row: &Json) -> Row {
        let cell =
            |path: &Vec<String>| match path.iter().try_fold(row, |value, key| value.get(key))? {
                Json::Null => None,
                Json::String(text) => Some(text.clone()),
                other => Some(other.to_string()),
            };
        Row(paths.iter().map(cell).collect())
    }
}

/// The value that an answer's text stands for.
fn value_of(text: &str, kind: CellKind) -> Option<Value<'_>> {
    match kind {
        CellKind::Boolean => text.parse().ok().map(Value::Boolean),
        CellKind::Int | CellKind::BigInt => match text.parse() {
            Ok(number) => Some(Value::Whole(number)),
            Err(_) => text.parse().ok().map(Value::Wide),
        },
        CellKind::Decimal { scale } => {
            let (unscaled, own) = decimal::parse_decimal(text)?;
            decimal::rescale(unscaled, own, scale).map(Value::Wide)
        }
        CellKind::Float => text.parse().ok().map(Value::Float),
        CellKind::DateTime => Some(Value::Text(text.strip_suffix('Z').unwrap_or(text).as_bytes())),
        _ => Some(Value::Text(text.as_bytes())),
    }
}

impl Cells for Row {
    fn value(&self, index: usize, kind: CellKind) -> Result<Value<'_>, BadCell> {
        match self.0.get(index).ok_or(BadCell(index))? {
            None => Ok(Value::Null),
            Some(text) => value_of(text, kind).ok_or(BadCell(index)),
        }
    }

    fn integer(&self, index: usize) -> Result<Option<i128>, BadCell> {
        Ok(self.value(index, CellKind::BigInt)?.integer())
    }

    // Those that are gathered are finished JSON here.
    fn write_rows(&self, index: usize, _: &RowShape, out: &mut Vec<u8>) -> Result<(), BadCell> {
        self.write(index, CellKind::Json, out)
    }

    fn write_row(&self, index: usize, _: &RowShape, out: &mut Vec<u8>) -> Result<(), BadCell> {
        self.write(index, CellKind::Json, out)
    }

    type Gathered<'a> = Row;

    fn gathered(&self, index: usize) -> Result<Vec<Row>, BadCell> {
        Err(BadCell(index))
    }
}
