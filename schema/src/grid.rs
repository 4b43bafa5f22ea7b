//! Turns the cells of a spreadsheet, wherever they stand, into rows of text and values.
//! It exists so that every kind of workbook gives the same text for the same cell: dates by whole numbers, errors as null.
//! It never rounds a number, and keeps what it cannot give as a value as text or as a fact to be told.

use std::collections::BTreeMap;
use std::io::Write;

use calamine::{DataRef, ExcelDateTime};

use crate::error::SchemaError;
use crate::plan::{ColumnPlan, Notice, NoticeCode, ShownAs};
use crate::shown::ShownColumns;
use crate::stream::{RowSink, Stop};
use crate::summary::Tally;
use crate::temporal::{days_from_civil, write_date, write_time};

/// What was met while reading a sheet.
#[derive(Debug, Default)]
pub(crate) struct SheetFacts {
    /// How numbers are shown.
    pub(crate) shown: ShownColumns,
    /// Areas of several cells: how many, the row (1-based) of the first, and its name.
    pub(crate) merged: Option<(u64, u64, String)>,
    /// Error cells by column and error.
    errors: BTreeMap<(usize, String), Tally>,
    n_durations: u64,
    /// Cells with the 29th of February 1900.
    no_such_day: Tally,
}

impl SheetFacts {
    pub(crate) fn notices(&self, columns: &[ColumnPlan]) -> Vec<Notice> {
        let mut notices = Vec::new();
        for ((column, error), tally) in &self.errors {
            let place = format!("{}{}", column_letters(*column), tally.first_row);
            let message = format!(
                "cells hold the spreadsheet error {error}, the first {place}; they were read as null"
            );
            let label = columns.iter().find(|plan| plan.index_in_file == *column).map(|plan| {
                if plan.label.is_empty() { plan.name.clone() } else { plan.label.clone() }
            });
            let notice = Notice::new(NoticeCode::ErrorCell, message);
            notices.push(Notice { column: label, ..notice }.at(tally.first_row, tally.count));
        }
        if let Some((count, row, area)) = &self.merged {
            let message = format!(
                "cells are merged, the first in {area}; each area has its value in its first cell, the others are empty"
            );
            notices.push(Notice::new(NoticeCode::MergedCells, message).at(*row, *count));
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

/// Puts cells into rows; where nothing stands, nothing is written.
pub(crate) struct Grid<'s> {
    sink: &'s mut RowSink,
    row: u32,
    facts: SheetFacts,
    max_columns: usize,
}

impl<'s> Grid<'s> {
    pub(crate) fn new(sink: &'s mut RowSink, max_columns: usize) -> Self {
        Self { sink, row: 0, facts: SheetFacts::default(), max_columns }
    }

    /// Puts a cell into its place; cells come in order.
    pub(crate) fn cell(&mut self, row: u32, column: u32, data: &DataRef<'_>) -> Result<(), Stop> {
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
            DataRef::Int(value) => self.sink.whole(*value),
            DataRef::Float(value) => match whole_number(*value) {
                Some(whole) => self.sink.whole(whole),
                None => self.sink.written(|out| write_number(out, *value)),
            },
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
                let errors = &mut self.facts.errors;
                errors.entry((column, error.to_string())).or_default().add(u64::from(row) + 1);
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
            return self.sink.written(|out| write_number(out, serial));
        }
        let (year, month, day, hour, minute, second, milli) = value.to_ymd_hms_milli();
        let seconds = i64::from(hour) * 3_600 + i64::from(minute) * 60 + i64::from(second);
        let micros = seconds * 1_000_000 + i64::from(milli) * 1_000;
        if serial < 1.0 {
            // The day zero: a time of day only, and midnight is the number it is.
            if micros == 0 {
                return self.sink.value("0");
            }
            return self.sink.written(|out| write_time(out, micros));
        }
        let Some(days) = days_from_civil(i32::from(year), u32::from(month), u32::from(day)) else {
            // Excel knows the 29th of February 1900, the calendar does not.
            self.facts.no_such_day.add(u64::from(row) + 1);
            return self.sink.value(&format!("1900-02-28T{hour:02}:{minute:02}:{second:02}"));
        };
        self.sink.written(|out| {
            write_date(out, days);
            if micros > 0 {
                out.push(b'T');
                write_time(out, micros);
            }
        });
    }

    /// Notes how the number that was put last is shown.
    pub(crate) fn shown_as(&mut self, row: u32, column: u32, shown: &ShownAs) {
        let column = usize::try_from(column).unwrap_or(usize::MAX);
        self.facts.shown.add(column, shown, u64::from(row) + 1);
    }

    /// Notes a merged area, by its corners.
    pub(crate) fn merged(&mut self, start: (u32, u32), end: (u32, u32)) {
        let name = |(row, column): (u32, u32)| {
            let letters = column_letters(usize::try_from(column).unwrap_or_default());
            format!("{letters}{}", u64::from(row) + 1)
        };
        let first = (1, u64::from(start.0) + 1, format!("{}:{}", name(start), name(end)));
        let (count, ..) = self.facts.merged.get_or_insert((0, first.1, first.2));
        *count += 1;
    }

    /// Ends the last row.
    pub(crate) fn finish(&mut self) -> Result<(), Stop> {
        if self.sink.n_cells() > 0 { self.sink.end_row() } else { Ok(()) }
    }

    /// Gives what was met.
    pub(crate) fn into_facts(self) -> SheetFacts {
        self.facts
    }
}

/// Returns a double as the whole number it is; beyond 2^53 its neighbours are none.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::float_cmp,
    reason = "whole numbers below 2^53 are exact in both types, and anything else is refused"
)]
fn whole_number(value: f64) -> Option<i64> {
    let whole = value as i64;
    (whole.unsigned_abs() < 1 << 53 && whole as f64 == value).then_some(whole)
}

/// Returns a double as [`Grid`] writes it.
pub(crate) fn number_text(value: f64) -> String {
    let mut out = Vec::new();
    write_number(&mut out, value);
    String::from_utf8(out).unwrap_or_default()
}

/// Writes a double so that it comes back, plainly where that is short.
fn write_number(out: &mut Vec<u8>, value: f64) {
    let mut shortest = zmij::Buffer::new();
    let text = shortest.format(value);
    let is_short = (1e-7..1e17).contains(&value.abs());
    let Some((mantissa, exponent)) = text.split_once('e').filter(|_| is_short) else {
        // Scientific notation comes in its canonical form, with a sign (`5e+20`).
        let text = if value == 0.0 { "0" } else { text.strip_suffix(".0").unwrap_or(text) };
        return out.extend_from_slice(text.as_bytes());
    };
    let exponent: i32 = exponent.parse().unwrap_or_default();
    let sign = if value < 0.0 { "-" } else { "" };
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    let n_digits = usize::try_from(exponent + 1).unwrap_or(0);
    let n_zeros = usize::try_from(-1 - exponent).unwrap_or(0);
    // Writing into memory does not fail.
    let _ = match exponent < 0 {
        true => write!(out, "{sign}0.{:0<n_zeros$}{digits}", ""),
        false => write!(out, "{sign}{digits:0<n_digits$}"),
    };
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
        assert_eq!(whole_number(-0.0), Some(0));
        assert_eq!(whole_number(-12.0), Some(-12));
        assert_eq!(whole_number(0.5), None);
        assert_eq!(whole_number(f64::NAN), None);
        assert_eq!(whole_number(1e300), None);
        assert_eq!(number_text(68.664_999_999_999_99), "68.66499999999999");
        assert_eq!(number_text(1e20), "1e+20");
        assert_eq!(number_text(123e14), "12300000000000000");
        assert_eq!(number_text(-0.000_001_5), "-0.0000015");
        assert_eq!(number_text(-7_732_995_338_118_385.0 / 4.0), "-1933248834529596.2");
        assert_eq!(number_text(1.5e-9), "1.5e-9");
        assert_eq!(duration_text(1.5), "36:00:00");
        assert_eq!(time_of_duration("PT13H05M00S").as_deref(), Some("13:05:00"));
        assert_eq!(column_letters(0), "A");
        assert_eq!(column_letters(27), "AB");
    }
}
