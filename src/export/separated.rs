//! Writes rows as text whose values are separated by a character (RFC 4180).
//!
//! Values are those of a GraphQL answer without its quotes. A missing value is nothing, an empty
//! text is `""`. Text that a spreadsheet would take for a formula is guarded by an apostrophe unless
//! that is switched off; numbers are left alone.

use serde::{Deserialize, Serialize};

use super::Column;
use crate::error::{Error, Result};
use crate::store::StoreError;
use crate::store::json::{CellKind, Cells};
use crate::store::stream::RowWriter;
use crate::store::value::{Value, write_plain};

/// What stands in the first line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Header {
    /// The names of the fields.
    Names,
    /// The columns' labels, as their file had them.
    Labels,
    /// No such line.
    None,
}

/// How values are separated and written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CsvOptions {
    /// What stands between two values.
    pub delimiter: u8,
    /// Whether the file begins with a byte order mark, for programs that need it to see UTF-8.
    pub has_bom: bool,
    /// Whether text that looks like a formula is made harmless.
    pub is_guarded: bool,
    /// What stands in the first line.
    pub header: Header,
    /// Whether numbers have a comma where others have a point.
    pub has_decimal_comma: bool,
}

impl Default for CsvOptions {
    fn default() -> CsvOptions {
        CsvOptions {
            delimiter: b',',
            has_bom: false,
            is_guarded: true,
            header: Header::Names,
            has_decimal_comma: false,
        }
    }
}

impl CsvOptions {
    /// What stands between two values, as it is asked for: a mark, or `tab`; none for what cannot.
    pub fn delimiter_of(text: &str) -> Option<u8> {
        match text.as_bytes() {
            b"tab" | b"\\t" | b"\t" => Some(b'\t'),
            [byte] if byte.is_ascii_punctuation() && !b"\"'-+.".contains(byte) => Some(*byte),
            _ => None,
        }
    }

    /// Appends a text as one value.
    pub fn write_text(&self, text: &[u8], out: &mut Vec<u8>) {
        let is_risky = |first: &u8| matches!(first, b'=' | b'+' | b'-' | b'@' | b'\t' | b'\r');
        let guard = self.is_guarded && text.first().is_some_and(is_risky);
        let is_padded = |end: Option<&u8>| matches!(end, None | Some(b' ' | b'\t'));
        let needs_quotes = is_padded(text.first())
            || is_padded(text.last())
            || text
                .iter()
                .any(|&byte| byte == self.delimiter || matches!(byte, b'"' | b'\n' | b'\r'));
        if !needs_quotes {
            if guard {
                out.push(b'\'');
            }
            out.extend_from_slice(text);
            return;
        }
        out.push(b'"');
        if guard {
            out.push(b'\'');
        }
        let mut rest = text;
        while let Some(position) = memchr::memchr(b'"', rest) {
            let (before, after) = rest.split_at(position + 1);
            out.extend_from_slice(before);
            out.push(b'"');
            rest = after;
        }
        out.extend_from_slice(rest);
        out.push(b'"');
    }

    /// Appends a value that is no text.
    fn write_value(&self, value: Value<'_>, kind: CellKind, out: &mut Vec<u8>) {
        let begun = out.len();
        write_plain(value, kind, out);
        let written = out.get_mut(begun..).unwrap_or_default();
        let is_fraction = matches!(kind, CellKind::Decimal { .. } | CellKind::Float);
        if self.has_decimal_comma && is_fraction {
            written.iter_mut().filter(|byte| **byte == b'.').for_each(|byte| *byte = b',');
        }
        // None of these holds a quote, and of what may stand between values only these two.
        let may_hold_delimiter = self.has_decimal_comma || self.delimiter == b':';
        if may_hold_delimiter && written.contains(&self.delimiter) {
            out.insert(begun, b'"');
            out.push(b'"');
        }
    }
}

/// Writes lines.
pub(super) struct CsvWriter {
    columns: Vec<Column>,
    options: CsvOptions,
    /// Those of JSON, which begins with none of what is guarded but the sign of a number.
    unguarded: CsvOptions,
}

impl CsvWriter {
    /// Of these columns.
    pub(super) fn new(columns: Vec<Column>, options: CsvOptions) -> CsvWriter {
        CsvWriter { columns, options, unguarded: CsvOptions { is_guarded: false, ..options } }
    }

    /// What stands before the first row.
    pub(super) fn begin(&self, out: &mut Vec<u8>) {
        if self.options.has_bom {
            out.extend_from_slice("\u{feff}".as_bytes());
        }
        if self.options.header == Header::None {
            return;
        }
        for (position, column) in self.columns.iter().enumerate() {
            if position > 0 {
                out.push(self.options.delimiter);
            }
            self.options.write_text(column.name.as_bytes(), out);
        }
        out.extend_from_slice(b"\r\n");
    }
}

impl RowWriter for CsvWriter {
    fn write<R: Cells>(&mut self, row: &R, out: &mut Vec<u8>) -> Result<()> {
        let failed = |error| Error::from(StoreError::Cell(error));
        for (position, column) in self.columns.iter().enumerate() {
            if position > 0 {
                out.push(self.options.delimiter);
            }
            let value = row.value(column.index, column.kind).map_err(failed)?;
            match (value, column.kind) {
                (Value::Text(text), CellKind::Text) => self.options.write_text(text, out),
                (Value::Text(text), CellKind::Json) => self.unguarded.write_text(text, out),
                (value, kind) => self.options.write_value(value, kind, out),
            }
        }
        out.extend_from_slice(b"\r\n");
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use proptest::prelude::*;

    use super::*;

    fn text(options: CsvOptions, text: &str) -> String {
        let mut out = Vec::new();
        options.write_text(text.as_bytes(), &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn texts_are_quoted_and_guarded_where_they_must_be() {
        let options = CsvOptions::default();
        for (cell, expect) in [
            ("plain", "plain"),
            ("", "\"\""),
            ("a,b", "\"a,b\""),
            ("a\"b", "\"a\"\"b\""),
            ("a\nb", "\"a\nb\""),
            (" a", "\" a\""),
            ("a ", "\"a \""),
            ("=1+1", "'=1+1"),
            ("+1", "'+1"),
            ("-1", "'-1"),
            ("@sum", "'@sum"),
            ("\tx", "\"'\tx\""),
            ("\rx", "\"'\rx\""),
            ("=a,b", "\"'=a,b\""),
            ("a=b", "a=b"),
            ("é😀", "é😀"),
        ] {
            assert_eq!(text(options, cell), expect, "{cell:?}");
        }
        let bare = CsvOptions { is_guarded: false, ..options };
        assert_eq!(text(bare, "=1+1"), "=1+1");
        assert_eq!(text(bare, "\rx"), "\"\rx\"");
    }

    #[test]
    fn numbers_are_never_guarded() {
        let write = |options: CsvOptions, value: Value<'_>, kind: CellKind| {
            let mut out = b"before.".to_vec();
            options.write_value(value, kind, &mut out);
            String::from_utf8(out).unwrap().strip_prefix("before.").unwrap().to_owned()
        };
        let options = CsvOptions::default();
        let (price, two) = (Value::Whole(-150), CellKind::Decimal { scale: 2 });
        let time = Value::Micros(0);
        assert_eq!(write(options, price, two), "-1.50");
        assert_eq!(write(options, Value::Whole(-5), CellKind::Int), "-5");
        assert_eq!(write(options, Value::Null, CellKind::Int), "");
        assert_eq!(write(options, time, CellKind::LocalTime), "00:00:00");
        let comma = CsvOptions { has_decimal_comma: true, ..options };
        assert_eq!(write(comma, price, two), "\"-1,50\"");
        assert_eq!(write(comma, Value::Float(0.25), CellKind::Float), "\"0,25\"");
        assert_eq!(write(CsvOptions { delimiter: b';', ..comma }, price, two), "-1,50");
        let colon = CsvOptions { delimiter: b':', ..options };
        assert_eq!(write(colon, time, CellKind::LocalTime), "\"00:00:00\"");
        assert_eq!(write(colon, price, two), "-1.50");
    }

    /// Reads one record of quoted or bare values back, as RFC 4180 says.
    fn read(line: &str, delimiter: char) -> Vec<String> {
        let (mut cells, mut cell) = (Vec::new(), String::new());
        let mut chars = line.chars().peekable();
        let mut is_quoted = false;
        while let Some(c) = chars.next() {
            match c {
                '"' if is_quoted && chars.peek() == Some(&'"') => {
                    chars.next();
                    cell.push('"');
                }
                '"' => is_quoted = !is_quoted,
                c if c == delimiter && !is_quoted => cells.push(std::mem::take(&mut cell)),
                c => cell.push(c),
            }
        }
        cells.push(cell);
        cells
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(
            cells in prop::collection::vec("[ -~\"',;=+@\t\r\néß😀-]{0,12}", 1..6),
            delimiter in prop::sample::select(vec![b',', b';', b'\t', b'|']),
            is_guarded in any::<bool>(),
        ) {
            let options = CsvOptions { delimiter, is_guarded, ..CsvOptions::default() };
            let mut out = Vec::new();
            for (position, cell) in cells.iter().enumerate() {
                if position > 0 {
                    out.push(delimiter);
                }
                options.write_text(cell.as_bytes(), &mut out);
            }
            let line = String::from_utf8(out).unwrap();
            let mut back = read(&line, char::from(delimiter));
            if is_guarded {
                for (cell, back) in cells.iter().zip(&mut back) {
                    prop_assert!(!back.starts_with(['=', '+', '-', '@', '\t', '\r']));
                    if cell.starts_with(['=', '+', '-', '@', '\t', '\r']) {
                        *back = back.strip_prefix('\'').unwrap().to_owned();
                    }
                }
            }
            prop_assert_eq!(back, cells);
        }
    }
}
