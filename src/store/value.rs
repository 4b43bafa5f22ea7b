//! A cell as its store hands it over, and the one way that it becomes text or JSON.
//!
//! The embedded store keeps dates and ids as text, PostgreSQL sends numbers: both become a
//! [`Value`], and what is written from there is the same bytes. Writers of files that keep types
//! take the value itself. Nothing here allocates; what every cell of an answer goes through is inlined,
//! so that it is told apart by its kind once.

use sluice_schema::{decimal, temporal};

use super::json::{CellKind, write_float, write_integer, write_text};

/// A cell, not written yet.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value<'a> {
    /// Missing.
    Null,
    /// A truth value.
    Boolean(bool),
    /// A whole number, or the unscaled digits of a decimal at its column's scale.
    Whole(i64),
    /// The same, beyond 64 bits.
    Wide(i128),
    /// A double.
    Float(f64),
    /// Days since 1970-01-01.
    Days(i32),
    /// Microseconds of the day, or since 1970-01-01T00:00.
    Micros(i64),
    /// The bytes of an id.
    Uuid([u8; 16]),
    /// Text, JSON, or the text of a date, a time or an id; times of UTC without their `Z`.
    Text(&'a [u8]),
}

impl Value<'_> {
    /// Whole numbers and unscaled digits of any size.
    pub fn integer(self) -> Option<i128> {
        match self {
            Value::Whole(number) => Some(i128::from(number)),
            Value::Wide(number) => Some(number),
            _ => None,
        }
    }

    /// Days since 1970-01-01 of a date.
    pub fn days(self) -> Option<i32> {
        match self {
            Value::Days(days) => Some(days),
            Value::Text(text) => temporal::parse_iso_date(std::str::from_utf8(text).ok()?),
            _ => None,
        }
    }

    /// Microseconds of the day of a time, or since 1970-01-01T00:00 of a date with a time.
    pub fn micros(self, kind: CellKind) -> Option<i64> {
        match (self, kind) {
            (Value::Micros(micros), _) => Some(micros),
            (Value::Text(text), CellKind::LocalTime) => {
                temporal::parse_iso_time(std::str::from_utf8(text).ok()?)
            }
            (Value::Text(text), CellKind::LocalDateTime | CellKind::DateTime) => {
                temporal::parse_iso_local_date_time(std::str::from_utf8(text).ok()?)
            }
            _ => None,
        }
    }

    /// The bytes of an id.
    pub fn uuid(self) -> Option<[u8; 16]> {
        match self {
            Value::Uuid(bytes) => Some(bytes),
            Value::Text(text) => Some(uuid::Uuid::try_parse_ascii(text).ok()?.into_bytes()),
            _ => None,
        }
    }
}

/// Appends a value as JSON; `null` where it is missing.
#[inline]
pub fn write_json(value: Value<'_>, kind: CellKind, out: &mut Vec<u8>) {
    match (value, kind) {
        (Value::Null, _) => out.extend_from_slice(b"null"),
        (Value::Float(value), _) => write_float(value, out),
        (Value::Text(text), CellKind::Text) => write_text(text, out),
        (_, CellKind::Boolean | CellKind::Int | CellKind::Json) => write_plain(value, kind, out),
        _ => {
            out.push(b'"');
            write_plain(value, kind, out);
            out.push(b'"');
        }
    }
}

/// Appends a value as bare text: that of JSON without quotes; nothing where it is missing.
pub fn write_plain(value: Value<'_>, kind: CellKind, out: &mut Vec<u8>) {
    match value {
        Value::Null => {}
        Value::Boolean(value) => out.extend_from_slice(if value { b"true" } else { b"false" }),
        Value::Whole(number) => match kind {
            CellKind::Decimal { scale } => decimal::write_decimal(out, number, scale),
            _ => write_integer(number, out),
        },
        Value::Wide(number) => match kind {
            CellKind::Decimal { scale } => decimal::write_decimal_i128(out, number, scale),
            _ => out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes()),
        },
        Value::Float(value) if value.is_finite() => write_float(value, out),
        Value::Float(_) => {}
        Value::Days(days) => temporal::write_date(out, days),
        Value::Micros(micros) if kind == CellKind::LocalTime => temporal::write_time(out, micros),
        Value::Micros(micros) => {
            temporal::write_timestamp(out, micros);
            end_time(kind, out);
        }
        Value::Uuid(bytes) => {
            let mut buffer = uuid::Uuid::encode_buffer();
            let text = uuid::Uuid::from_bytes(bytes).hyphenated().encode_lower(&mut buffer);
            out.extend_from_slice(text.as_bytes());
        }
        Value::Text(text) => {
            out.extend_from_slice(text);
            end_time(kind, out);
        }
    }
}

fn end_time(kind: CellKind, out: &mut Vec<u8>) {
    if kind == CellKind::DateTime {
        out.push(b'Z');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_stores_forms_are_the_same_value() {
        let id = [0x6b, 0xa7, 0xb8, 0x10, 0x9d, 0xad, 0x11, 0xd1, 0x80, 0xb4, 0, 0xc0, 0x4f, 0xd4];
        let mut bytes = [0; 16];
        for (byte, from) in bytes.iter_mut().zip(id.into_iter().chain([0x30, 0xc8])) {
            *byte = from;
        }
        let cases = [
            (Value::Days(19_727), "2024-01-05", CellKind::Date),
            (Value::Micros(36_000_000_001), "10:00:00.000001", CellKind::LocalTime),
            (Value::Micros(0), "1970-01-01T00:00:00", CellKind::LocalDateTime),
            (Value::Micros(-500_000), "1969-12-31T23:59:59.5", CellKind::DateTime),
            (Value::Uuid(bytes), "6ba7b810-9dad-11d1-80b4-00c04fd430c8", CellKind::Uuid),
        ];
        for (number, text, kind) in cases {
            let (mut left, mut right) = (Vec::new(), Vec::new());
            let text = Value::Text(text.as_bytes());
            write_json(number, kind, &mut left);
            write_json(text, kind, &mut right);
            assert_eq!(String::from_utf8_lossy(&left), String::from_utf8_lossy(&right));
            assert_eq!(number.days(), text.days(), "{kind:?}");
            assert_eq!(number.uuid(), text.uuid(), "{kind:?}");
            assert_eq!(number.micros(kind), text.micros(kind), "{kind:?}");
        }
    }

    #[test]
    fn plain_text_is_json_without_quotes() {
        for (value, kind, expect) in [
            (Value::Null, CellKind::Int, ""),
            (Value::Boolean(true), CellKind::Boolean, "true"),
            (Value::Whole(-5), CellKind::Int, "-5"),
            (Value::Wide(1 << 70), CellKind::BigInt, "1180591620717411303424"),
            (Value::Whole(-5), CellKind::Decimal { scale: 2 }, "-0.05"),
            (Value::Wide(150), CellKind::Decimal { scale: 1 }, "15.0"),
            (Value::Float(0.1), CellKind::Float, "0.1"),
            (Value::Text(b"{\"a\":1}"), CellKind::Json, "{\"a\":1}"),
        ] {
            let mut out = Vec::new();
            write_plain(value, kind, &mut out);
            assert_eq!(String::from_utf8_lossy(&out), expect);
        }
    }
}
