//! Turns sheets of Excel and OpenDocument workbooks into rows of text and values.
//! It exists because a spreadsheet knows what its cells are: what was typed as text stays text, dates need no guess.
//! It never evaluates a formula (the stored result counts), and never reads a hidden sheet unasked.

use std::fs::File;
use std::io::{BufReader, Read, Seek};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use calamine::{
    Data, DataRef, ExcelDateTime, Reader, SheetType, SheetVisible, Sheets, open_workbook_from_rs,
};

use crate::error::SchemaError;
use crate::options::Limits;
use crate::plan::{Notice, NoticeCode, WorkbookKind};
use crate::stream::{RowSink, Stop, stream_rows};
use crate::summary::Tally;
use crate::temporal::{days_from_civil, write_date, write_time};

type Workbook = Sheets<BufReader<File>>;

/// A sheet as the workbook lists it.
pub(crate) struct SheetEntry {
    pub(crate) name: String,
    pub(crate) is_visible: bool,
    /// Whether it holds cells; charts and macros do not.
    pub(crate) is_worksheet: bool,
}

/// What was met while reading a sheet.
#[derive(Debug, Default)]
pub(crate) struct SheetFacts {
    n_errors: u64,
    /// Row (1-based), column and text of the first error cell.
    first_error: Option<(u64, String, String)>,
    n_durations: u64,
    /// Cells with the 29th of February 1900.
    no_such_day: Tally,
}

impl SheetFacts {
    pub(crate) fn notices(&self) -> Vec<Notice> {
        let mut notices = Vec::new();
        if let Some((row, column, text)) = &self.first_error {
            let message = format!(
                "cells hold spreadsheet errors, the first {text} in {column}{row}; they were read as null"
            );
            notices.push(Notice::new(NoticeCode::ErrorCell, message).at(*row, self.n_errors));
        }
        if self.n_durations > 0 {
            let message = "durations were kept as text (hours:minutes:seconds)";
            notices.push(Notice {
                count: self.n_durations,
                ..Notice::new(NoticeCode::Notation, message)
            });
        }
        if self.no_such_day.count > 0 {
            let message = "1900-02-29, a day that only Excel knows, was read as 1900-02-28";
            notices.push(
                Notice::new(NoticeCode::Notation, message)
                    .at(self.no_such_day.first_row, self.no_such_day.count),
            );
        }
        notices
    }
}

/// Tells which kind of workbook a zip archive is, by its members.
pub(crate) fn kind_of_members<'a>(names: impl Iterator<Item = &'a str>) -> Option<WorkbookKind> {
    let mut kind = None;
    for name in names {
        match name.to_ascii_lowercase().replace('\\', "/").as_str() {
            "xl/workbook.bin" => return Some(WorkbookKind::Xlsb),
            "content.xml" => return Some(WorkbookKind::Ods),
            name if name.starts_with("xl/") => kind = Some(WorkbookKind::Xlsx),
            _ => {}
        }
    }
    kind
}

fn open(path: &Path, kind: WorkbookKind) -> Result<Workbook, SchemaError> {
    let file = BufReader::new(File::open(path)?);
    Ok(match kind {
        WorkbookKind::Xlsx => Sheets::Xlsx(open_workbook_from_rs(file).map_err(damaged)?),
        WorkbookKind::Xlsb => Sheets::Xlsb(open_workbook_from_rs(file).map_err(damaged)?),
        WorkbookKind::Xls => {
            Sheets::Xls(open_workbook_from_rs(file).map_err(|error| damaged_xls(path, error))?)
        }
        WorkbookKind::Ods => Sheets::Ods(open_workbook_from_rs(file).map_err(damaged)?),
    })
}

fn damaged(error: impl std::fmt::Display) -> SchemaError {
    let error = error.to_string();
    if error.to_ascii_lowercase().contains("password") {
        return protected();
    }
    SchemaError::Rejected {
        row: None,
        found: format!("the workbook is damaged or of an unusual kind ({error})"),
        remedy: "open it in a spreadsheet program, save it again as .xlsx and send that".to_owned(),
    }
}

fn protected() -> SchemaError {
    SchemaError::Unsupported {
        what: "a workbook protected by a password".to_owned(),
        remedy: "save it without a password and send that".to_owned(),
    }
}

fn damaged_xls(path: &Path, error: impl std::fmt::Display) -> SchemaError {
    // A protected .xlsx is a compound file with a stream of this name, in UTF-16.
    let name: Vec<u8> = "EncryptedPackage".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let mut head = Vec::new();
    let is_protected = File::open(path)
        .and_then(|file| file.take(4 * 1024 * 1024).read_to_end(&mut head))
        .is_ok_and(|_| memchr::memmem::find(&head, &name).is_some());
    if is_protected { protected() } else { damaged(error) }
}

/// Lists the sheets of a workbook.
pub(crate) fn list_sheets(path: &Path, kind: WorkbookKind) -> Result<Vec<SheetEntry>, SchemaError> {
    let workbook = open(path, kind)?;
    let entries = workbook.sheets_metadata().iter().map(|sheet| SheetEntry {
        name: sheet.name.clone(),
        is_visible: sheet.visible == SheetVisible::Visible,
        is_worksheet: matches!(sheet.typ, SheetType::WorkSheet),
    });
    Ok(entries.collect())
}

/// Opens the rows of a sheet as text of the inner dialect.
pub(crate) fn open_sheet(
    path: &Path,
    kind: WorkbookKind,
    sheet: &str,
    limits: &Limits,
    facts: &Arc<Mutex<SheetFacts>>,
) -> Result<impl Read + Send + use<>, SchemaError> {
    let path: PathBuf = path.to_owned();
    let sheet = sheet.to_owned();
    let facts = Arc::clone(facts);
    let max_columns = limits.max_columns;
    stream_rows(move |sink| {
        let mut grid = Grid { sink, row: 0, facts: SheetFacts::default(), max_columns };
        let result = match open(&path, kind)? {
            Sheets::Xlsx(mut workbook) => push_xlsx(&mut workbook, &sheet, &mut grid),
            mut workbook => push_range(&mut workbook, &sheet, &mut grid),
        };
        let found = std::mem::take(&mut grid.facts);
        if let Ok(mut facts) = facts.lock() {
            *facts = found;
        }
        result
    })
}

fn push_xlsx<R: Read + Seek>(
    workbook: &mut calamine::Xlsx<R>,
    sheet: &str,
    grid: &mut Grid<'_>,
) -> Result<(), Stop> {
    let mut cells = workbook.worksheet_cells_reader(sheet).map_err(damaged)?;
    while let Some(cell) = cells.next_cell().map_err(damaged)? {
        let (row, column) = cell.get_position();
        grid.cell(row, column, cell.get_value())?;
    }
    grid.finish()
}

fn push_range(workbook: &mut Workbook, sheet: &str, grid: &mut Grid<'_>) -> Result<(), Stop> {
    let range = workbook.worksheet_range(sheet).map_err(damaged)?;
    let (first_row, first_column) = range.start().unwrap_or((0, 0));
    for (row, column, data) in range.used_cells() {
        let row = first_row.saturating_add(u32::try_from(row).unwrap_or(u32::MAX));
        let column = first_column.saturating_add(u32::try_from(column).unwrap_or(u32::MAX));
        grid.cell(row, column, &lend(data))?;
    }
    grid.finish()
}

fn lend(data: &Data) -> DataRef<'_> {
    match data {
        Data::Int(value) => DataRef::Int(*value),
        Data::Float(value) => DataRef::Float(*value),
        Data::String(text) => DataRef::SharedString(text),
        Data::Bool(value) => DataRef::Bool(*value),
        Data::DateTime(value) => DataRef::DateTime(*value),
        Data::DateTimeIso(text) => DataRef::DateTimeIso(text.clone()),
        Data::DurationIso(text) => DataRef::DurationIso(text.clone()),
        Data::Error(error) => DataRef::Error(error.clone()),
        Data::Empty => DataRef::Empty,
    }
}

/// Puts cells into rows; where nothing stands, nothing is written.
struct Grid<'s> {
    sink: &'s mut RowSink,
    row: u32,
    facts: SheetFacts,
    max_columns: usize,
}

impl Grid<'_> {
    fn cell(&mut self, row: u32, column: u32, data: &DataRef<'_>) -> Result<(), Stop> {
        if matches!(data, DataRef::Empty) || row < self.row {
            return Ok(());
        }
        while self.row < row {
            self.sink.end_row()?;
            self.row += 1;
        }
        let column = usize::try_from(column).unwrap_or(usize::MAX);
        if column >= self.max_columns {
            return Err(Stop::Failed(SchemaError::Limit {
                name: "columns",
                limit: u64::try_from(self.max_columns).unwrap_or(u64::MAX),
                found: u64::try_from(column).unwrap_or(u64::MAX).saturating_add(1),
                row: Some(u64::from(row) + 1),
            }));
        }
        if column < self.sink.n_cells() {
            return Ok(());
        }
        while self.sink.n_cells() < column {
            self.sink.value("");
        }
        self.write(row, column, data);
        Ok(())
    }

    fn write(&mut self, row: u32, column: usize, data: &DataRef<'_>) {
        match data {
            DataRef::Int(value) => self.sink.value(&value.to_string()),
            DataRef::Float(value) => self.sink.value(&number_text(*value)),
            DataRef::String(text) => self.sink.text(text),
            DataRef::SharedString(text) => self.sink.text(text),
            DataRef::Bool(value) => self.sink.value(if *value { "true" } else { "false" }),
            DataRef::DateTime(value) => self.date_time(row, *value),
            DataRef::DateTimeIso(text) => {
                self.sink.value(text.strip_suffix("T00:00:00").unwrap_or(text))
            }
            DataRef::DurationIso(text) => match time_of_duration(text) {
                Some(time) => self.sink.value(&time),
                None => self.sink.text(text),
            },
            DataRef::Error(error) => {
                self.facts.n_errors += 1;
                if self.facts.first_error.is_none() {
                    self.facts.first_error =
                        Some((u64::from(row) + 1, column_letters(column), error.to_string()));
                }
                self.sink.value("");
            }
            DataRef::Empty => self.sink.value(""),
        }
    }

    fn date_time(&mut self, row: u32, value: ExcelDateTime) {
        let serial = value.as_f64();
        if value.is_duration() {
            self.facts.n_durations += 1;
            return self.sink.text(&duration_text(serial));
        }
        if !(0.0..2_958_466.0).contains(&serial) {
            return self.sink.value(&number_text(serial));
        }
        let (year, month, day, hour, minute, second, milli) = value.to_ymd_hms_milli();
        let seconds = i64::from(hour) * 3_600 + i64::from(minute) * 60 + i64::from(second);
        let micros = seconds * 1_000_000 + i64::from(milli) * 1_000;
        let mut out = Vec::new();
        if serial < 1.0 {
            // The day zero: a time of day only, and midnight is the number it is.
            if micros == 0 {
                return self.sink.value("0");
            }
            write_time(&mut out, micros);
            return self.sink.value(&String::from_utf8(out).unwrap_or_default());
        }
        let Some(days) = days_from_civil(i32::from(year), u32::from(month), u32::from(day)) else {
            // Excel knows the 29th of February 1900, the calendar does not.
            self.facts.no_such_day.add(u64::from(row) + 1);
            return self.sink.value(&format!("1900-02-28T{hour:02}:{minute:02}:{second:02}"));
        };
        write_date(&mut out, days);
        if micros > 0 {
            out.push(b'T');
            write_time(&mut out, micros);
        }
        self.sink.value(&String::from_utf8(out).unwrap_or_default());
    }

    fn finish(&mut self) -> Result<(), Stop> {
        if self.sink.n_cells() > 0 { self.sink.end_row() } else { Ok(()) }
    }
}

/// Writes a double so that it comes back, plainly where that is short.
pub(crate) fn number_text(value: f64) -> String {
    let size = value.abs();
    if value == 0.0 {
        return "0".to_owned();
    }
    if (1e-7..1e17).contains(&size) {
        return format!("{value}");
    }
    let text = format!("{value:e}");
    // The canonical form of scientific notation has a sign (`5e+20`).
    match text.split_once('e') {
        Some((mantissa, exponent)) if !exponent.starts_with('-') => {
            format!("{mantissa}e+{exponent}")
        }
        _ => text,
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "a rounded number of milliseconds far below 2^53"
)]
fn duration_text(days: f64) -> String {
    let millis = (days.abs() * 86_400_000.0).round() as i64;
    let sign = if days < 0.0 { "-" } else { "" };
    let (seconds, fraction) = (millis / 1_000, millis % 1_000);
    let mut text =
        format!("{sign}{}:{:02}:{:02}", seconds / 3_600, seconds / 60 % 60, seconds % 60);
    if fraction > 0 {
        text.push_str(&format!(".{fraction:03}"));
    }
    text
}

/// Reads `PT13H05M00S` as a time of day.
fn time_of_duration(text: &str) -> Option<String> {
    let rest = text.strip_prefix("PT")?;
    let (hours, rest) = rest.split_once('H')?;
    let (minutes, rest) = rest.split_once('M')?;
    let seconds = rest.strip_suffix('S')?;
    let (hours, minutes): (u32, u32) = (hours.parse().ok()?, minutes.parse().ok()?);
    let (whole, fraction) = seconds.split_once(['.', ',']).unwrap_or((seconds, ""));
    let whole: u32 = whole.parse().ok()?;
    if hours > 23 || minutes > 59 || whole > 59 {
        return None;
    }
    let fraction = fraction.trim_end_matches('0');
    let point = if fraction.is_empty() { "" } else { "." };
    Some(format!("{hours:02}:{minutes:02}:{whole:02}{point}{fraction}"))
}

/// Returns the name of a column as spreadsheets show it: A, B, …, Z, AA, ….
fn column_letters(column: usize) -> String {
    let mut letters = Vec::new();
    let mut rest = column + 1;
    while rest > 0 {
        let letter = u8::try_from((rest - 1) % 26).unwrap_or_default();
        letters.push(char::from(b'A' + letter));
        rest = (rest - 1) / 26;
    }
    letters.iter().rev().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts() {
        assert_eq!(number_text(1.0), "1");
        assert_eq!(number_text(-0.0), "0");
        assert_eq!(number_text(68.664_999_999_999_99), "68.66499999999999");
        assert_eq!(number_text(1e20), "1e+20");
        assert_eq!(number_text(1.5e-9), "1.5e-9");
        assert_eq!(duration_text(1.5), "36:00:00");
        assert_eq!(time_of_duration("PT13H05M00S").as_deref(), Some("13:05:00"));
        assert_eq!(column_letters(0), "A");
        assert_eq!(column_letters(27), "AB");
    }
}
