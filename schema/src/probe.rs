//! Turns any bytes into a check that the crate keeps its promises about them: no panic, and nothing read comes back changed.
//! It exists so that fuzzers and ordinary tests try the same things, with any input.
//! It never decides anything, and is no part of the interface.

use std::convert::Infallible;
use std::io::Write;

use crate::calendar::read_in_order;
use crate::decimal::write_decimal;
use crate::form::form_of;
use crate::notation::{WAYS, take_apart};
use crate::options::{DateOrder, Limits, ReadOptions};
use crate::plan::Notation;
use crate::scan::{Marks, Scanner, cell_text};
use crate::temporal::{write_date, write_time, write_timestamp};
use crate::types::{ColumnType, Value};
use crate::{RowEncoder, parse_value, read_rows, understand};

/// Sniffs a text and cuts it into cells; each byte is passed once.
pub fn sniff(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let dialect = crate::sniff::sniff(&text, true, &ReadOptions::default());
    let marks = Marks::of(&dialect);
    let mut scanner = Scanner::new(text.as_bytes(), marks);
    let mut cells = Vec::new();
    let mut before = 0;
    while scanner.next_record(&mut cells).is_some() {
        assert!(scanner.position() > before, "a record has bytes");
        before = scanner.position();
        for cell in &cells {
            let _ = cell_text(&text, *cell, marks);
        }
    }
    assert_eq!(before, text.len(), "all bytes belong to records");
}

struct Count(u64);

impl RowEncoder for Count {
    fn value(&mut self, _: usize, _: Value<'_>) {}

    fn end_row(&mut self) {
        self.0 += 1;
    }
}

/// Understands bytes as a file and reads it; what is understood can be read, row for row.
pub fn file(bytes: &[u8]) {
    let Ok(mut file) = tempfile::NamedTempFile::new() else {
        return;
    };
    if file.write_all(bytes).is_err() {
        return;
    }
    let limits = Limits::default();
    let Ok(plans) = understand(file.path(), "probe", &ReadOptions::default(), &limits, &()) else {
        return;
    };
    for plan in plans {
        let mut n_rows = 0;
        let sink = |count: Count, _| {
            n_rows += count.0;
            Ok::<(), Infallible>(())
        };
        let report = read_rows(file.path(), &plan, &limits, &(), 1, || Count(0), sink);
        assert!(report.is_ok(), "{:?}", report.err());
        assert_eq!(n_rows, plan.n_rows, "as many rows as were understood");
    }
}

/// Reads a text as numbers of each type; what is read is written the same.
pub fn number(text: &str) {
    let plain = Notation::default();
    let _ = form_of(text);
    if let Some(written) = take_apart(text) {
        for (decimal_mark, group_mark) in WAYS {
            let _ = written.digits(decimal_mark, group_mark);
        }
    }
    if let Ok(Value::Int(value)) = parse_value(ColumnType::BigInt, &plain, text) {
        assert_eq!(value.to_string(), text);
    }
    for scale in [0, 2, 18] {
        let decimal = ColumnType::Decimal { precision: 18, scale };
        if let Ok(Value::Decimal(value)) = parse_value(decimal, &plain, text) {
            let mut out = Vec::new();
            write_decimal(&mut out, value, scale);
            let again = parse_value(decimal, &plain, std::str::from_utf8(&out).unwrap_or_default());
            assert_eq!(again, Ok(Value::Decimal(value)), "{text:?}");
        }
    }
    if let Ok(Value::Float(value)) = parse_value(ColumnType::Float, &plain, text) {
        assert_eq!(value.to_bits(), text.parse::<f64>().unwrap_or(f64::NAN).to_bits(), "{text:?}");
    }
}

/// Reads a text as dates and times of each type; what is read is the same when written and read again.
pub fn date(text: &str) {
    for order in [DateOrder::Dmy, DateOrder::Mdy, DateOrder::Ymd] {
        let _ = read_in_order(text, order);
    }
    let plain = Notation::default();
    let types =
        [ColumnType::Date, ColumnType::LocalTime, ColumnType::LocalDateTime, ColumnType::DateTime];
    for column_type in types {
        let Ok(value) = parse_value(column_type, &plain, text) else {
            continue;
        };
        let mut out = Vec::new();
        match value {
            Value::Date(days) => write_date(&mut out, days),
            Value::Time(micros) => write_time(&mut out, micros),
            Value::Timestamp(micros) => write_timestamp(&mut out, micros),
            _ => continue,
        }
        if column_type == ColumnType::DateTime {
            out.push(b'Z');
        }
        let again = std::str::from_utf8(&out).unwrap_or_default();
        assert_eq!(parse_value(column_type, &plain, again), Ok(value), "{text:?} as {again}");
    }
}
