//! Writes rows as a workbook of one sheet, a row at a time into a file.
//!
//! Numbers become numbers and dates dates where a spreadsheet holds them exactly; what it would
//! spoil (more than 15 digits, times finer than a millisecond, years before 1900) becomes text.

use std::fs::File;
use std::io::{BufWriter, Seek, SeekFrom, Write};
use std::path::Path;

use rust_xlsxwriter::{ExcelDateTime, Format, Workbook, XlsxError};

use super::Column;
use crate::error::{Code, Error, Result};
use crate::store::StoreError;
use crate::store::json::{CellKind, Cells};
use crate::store::stream::RowWriter;
use crate::store::value::{Value, write_plain};

/// Rows that a sheet holds below its head.
pub const MAX_ROWS: u32 = 1_048_575;
/// Digits that a spreadsheet keeps of a number.
const MAX_DIGITS: usize = 15;
/// Columns that a sheet holds.
const MAX_COLUMNS: usize = 16_384;

/// Formats of dates and times.
struct Formats {
    date: Format,
    time: Format,
    timestamp: Format,
    utc: Format,
}

/// Writes a sheet.
pub(super) struct XlsxWriter {
    workbook: Workbook,
    columns: Vec<Column>,
    formats: Formats,
    n_rows: u32,
    /// A value as text.
    text: Vec<u8>,
}

impl XlsxWriter {
    /// Of these columns; rows lie in this folder until the end.
    pub(super) fn new(columns: Vec<Column>, folder: &Path) -> Result<XlsxWriter> {
        if columns.len() > MAX_COLUMNS {
            return Err(too_large(&format!("A sheet holds at most {MAX_COLUMNS} columns.")));
        }
        let mut workbook = Workbook::new();
        workbook.set_tempdir(folder).map_err(failed)?;
        let sheet = workbook.add_worksheet_with_constant_memory().map_err(failed)?;
        for (position, column) in (0..).zip(&columns) {
            sheet.write_string(0, position, column.name.as_str()).map_err(failed)?;
        }
        let format = |code| Format::new().set_num_format(code);
        let formats = Formats {
            date: format("yyyy-mm-dd"),
            time: format("hh:mm:ss.000"),
            timestamp: format("yyyy-mm-dd hh:mm:ss"),
            utc: format("yyyy-mm-dd hh:mm:ss\"Z\""),
        };
        Ok(XlsxWriter { workbook, columns, formats, n_rows: 0, text: Vec::new() })
    }

    /// The whole file, from its beginning.
    pub(super) fn finish(mut self, folder: &Path) -> Result<File> {
        let lost = |error| Error::from(StoreError::from(error));
        let mut file = tempfile::tempfile_in(folder).map_err(lost)?;
        let mut out = BufWriter::new(&mut file);
        self.workbook.save_to_writer(&mut out).map_err(failed)?;
        out.flush().map_err(lost)?;
        drop(out);
        file.seek(SeekFrom::Start(0)).map_err(lost)?;
        Ok(file)
    }
}

impl RowWriter for XlsxWriter {
    fn write<R: Cells>(&mut self, row: &R, _out: &mut Vec<u8>) -> Result<()> {
        if self.n_rows >= MAX_ROWS {
            return Err(too_many_rows());
        }
        self.n_rows += 1;
        let at = self.n_rows;
        let sheet = self.workbook.worksheet_from_index(0).map_err(failed)?;
        let bad = |error| Error::from(StoreError::Cell(error));
        for (position, column) in (0..).zip(&self.columns) {
            let value = match row.value(column.index, column.kind).map_err(bad)? {
                Value::Null => continue,
                value => value,
            };
            self.text.clear();
            write_plain(value, column.kind, &mut self.text);
            let text = String::from_utf8_lossy(&self.text);
            let written = match shown_as(&text, column.kind) {
                Shown::Boolean(value) => sheet.write_boolean(at, position, value),
                Shown::Number(value) => sheet.write_number(at, position, value),
                Shown::Time(time) => {
                    let format = match column.kind {
                        CellKind::Date => &self.formats.date,
                        CellKind::LocalTime => &self.formats.time,
                        CellKind::LocalDateTime => &self.formats.timestamp,
                        _ => &self.formats.utc,
                    };
                    sheet.write_datetime_with_format(at, position, &time, format)
                }
                Shown::Text => sheet.write_string(at, position, text.as_ref()),
            };
            written.map_err(|error| of_row(&error, at))?;
        }
        Ok(())
    }
}

/// What a value becomes.
enum Shown {
    Boolean(bool),
    Number(f64),
    Time(ExcelDateTime),
    Text,
}

fn shown_as(text: &str, kind: CellKind) -> Shown {
    match kind {
        CellKind::Boolean => Shown::Boolean(text == "true"),
        CellKind::Int | CellKind::Float => text.parse().map_or(Shown::Text, Shown::Number),
        CellKind::BigInt | CellKind::Decimal { .. } => {
            let digits = text.trim_start_matches(['-', '0', '.']);
            let n_digits = digits.bytes().filter(u8::is_ascii_digit).count();
            match text.parse() {
                Ok(number) if n_digits <= MAX_DIGITS => Shown::Number(number),
                _ => Shown::Text,
            }
        }
        CellKind::Date | CellKind::LocalTime | CellKind::LocalDateTime | CellKind::DateTime => {
            let n_fraction = text
                .split_once('.')
                .map_or(0, |(_, rest)| rest.trim_end_matches('Z').trim_end_matches('0').len());
            // The first two months of 1900 are a day off in spreadsheets.
            let is_early =
                kind != CellKind::LocalTime && text.get(..7).is_none_or(|it| it < "1900-03");
            let is_plain = text.bytes().next().is_some_and(|first| first.is_ascii_digit());
            if n_fraction > 3 || is_early || !is_plain {
                return Shown::Text;
            }
            ExcelDateTime::parse_from_str(text).map_or(Shown::Text, Shown::Time)
        }
        CellKind::Uuid | CellKind::Json | CellKind::Text => Shown::Text,
    }
}

/// What is told of more rows than a sheet holds.
pub fn too_many_rows() -> Error {
    too_large(&format!("A sheet holds at most {MAX_ROWS} rows below its head."))
}

fn too_large(what: &str) -> Error {
    Error::new(Code::PayloadTooLarge, format!("{what} Ask for fewer with a filter, or for .csv."))
}

fn of_row(error: &XlsxError, row: u32) -> Error {
    match error {
        XlsxError::MaxStringLengthExceeded => too_large(&format!(
            "Row {row} of the export has a text of more than 32767 characters, which no cell of a workbook holds."
        )),
        error => Error::internal(error.to_string()),
    }
}

fn failed(error: XlsxError) -> Error {
    match error {
        XlsxError::IoError(error) => StoreError::from(error).into(),
        error => Error::internal(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_spreadsheet_would_spoil_is_text() {
        let is_text = |text: &str, kind: CellKind| matches!(shown_as(text, kind), Shown::Text);
        let number = |text: &str, kind: CellKind| match shown_as(text, kind) {
            Shown::Number(number) => number.to_string(),
            _ => "no number".to_owned(),
        };
        assert!(matches!(shown_as("true", CellKind::Boolean), Shown::Boolean(true)));
        assert_eq!(number("-5", CellKind::Int), "-5");
        assert_eq!(number("123456789012345", CellKind::BigInt), "123456789012345");
        assert_eq!(number("0.0012", CellKind::Decimal { scale: 4 }), "0.0012");
        assert!(is_text("1234567890123456", CellKind::BigInt));
        assert!(is_text("1234567890123.456", CellKind::Decimal { scale: 3 }));
        assert!(is_text("1899-12-31", CellKind::Date));
        assert!(is_text("1900-02-28", CellKind::Date));
        assert!(is_text("2024-01-05T10:00:00.123456Z", CellKind::DateTime));
        for (text, kind) in [
            ("2024-02-29", CellKind::Date),
            ("10:20:30", CellKind::LocalTime),
            ("2024-01-05T10:00:00", CellKind::LocalDateTime),
            ("2024-01-05T10:00:00.120Z", CellKind::DateTime),
        ] {
            assert!(matches!(shown_as(text, kind), Shown::Time(_)), "{text}");
        }
    }
}
