//! Turns the stored values of a Parquet column into cells, by the type that the file gives them.
//! It exists because Parquet knows its types: nothing is inferred from text, and nothing finer than ours is cut off.
//! It never rounds: what our types cannot hold becomes text or null, and is counted to be told.

use parquet::basic::{ConvertedType, LogicalType, TimeUnit, Type as Physical};
use parquet::data_type::{ByteArray, Int96};
use parquet::schema::types::ColumnDescriptor;

use crate::coerce::parse_value;
use crate::decimal::MAX_PRECISION;
use crate::grid::number_text;
use crate::plan::Notation;
use crate::stream::RowSink;
use crate::summary::Tally;
use crate::temporal::{MAX_DAY, MICROS_PER_DAY, MIN_DAY, write_date, write_time, write_timestamp};
use crate::types::ColumnType;

/// What the values of a column are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Meaning {
    Boolean,
    Int,
    Unsigned32,
    Unsigned64,
    Decimal {
        precision: u8,
        scale: u8,
    },
    Float,
    Half,
    Date,
    /// Ticks in a second.
    Time(i64),
    /// Ticks in a second, and whether they are of UTC.
    Timestamp(i64, bool),
    Text,
    Json,
    Uuid,
    Binary,
    /// Lists, maps and structs.
    Nested,
}

/// One stored value.
pub(crate) enum Stored {
    Null,
    Boolean(bool),
    Int(i64),
    Ticks96(Int96),
    Double(f64),
    Bytes(ByteArray),
    Json(String),
}

/// What our types cannot hold, and where it was met.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Misfits {
    /// Times finer than a microsecond.
    pub(crate) finer: Tally,
    /// Dates beyond the years 1 to 9999 and times beyond a day.
    pub(crate) far: Tally,
    /// NaN and infinities.
    pub(crate) not_finite: Tally,
    /// Text that should be JSON, or UTF-8.
    pub(crate) broken: Tally,
}

/// Tells what the values of a column are.
pub(crate) fn meaning_of(column: &ColumnDescriptor) -> Meaning {
    let converted = column.converted_type();
    let decimal = || {
        let precision = u8::try_from(column.type_precision()).ok().filter(|digits| *digits > 0)?;
        let scale = u8::try_from(column.type_scale()).ok().filter(|scale| *scale <= precision)?;
        Some(Meaning::Decimal { precision, scale })
    };
    let is_decimal = converted == ConvertedType::DECIMAL
        || matches!(column.logical_type_ref(), Some(LogicalType::Decimal(_)));
    if is_decimal && let Some(decimal) = decimal() {
        return decimal;
    }
    let ticks = |unit: &TimeUnit| match unit {
        TimeUnit::MILLIS => 1_000,
        TimeUnit::MICROS => 1_000_000,
        TimeUnit::NANOS => 1_000_000_000,
    };
    match (column.physical_type(), column.logical_type_ref()) {
        (Physical::BOOLEAN, _) => Meaning::Boolean,
        (Physical::FLOAT | Physical::DOUBLE, _) => Meaning::Float,
        (Physical::INT96, _) => Meaning::Timestamp(1_000_000_000, false),
        (_, Some(LogicalType::Date)) => Meaning::Date,
        (_, Some(LogicalType::Time(time))) => Meaning::Time(ticks(&time.unit)),
        (_, Some(LogicalType::Timestamp(time))) => {
            Meaning::Timestamp(ticks(&time.unit), time.is_adjusted_to_u_t_c)
        }
        (_, Some(LogicalType::Uuid)) => Meaning::Uuid,
        (_, Some(LogicalType::Float16)) => Meaning::Half,
        (_, Some(LogicalType::String | LogicalType::Enum)) => Meaning::Text,
        (_, Some(LogicalType::Json)) => Meaning::Json,
        (physical, _) => match converted {
            ConvertedType::UTF8 | ConvertedType::ENUM => Meaning::Text,
            ConvertedType::JSON => Meaning::Json,
            ConvertedType::DATE => Meaning::Date,
            ConvertedType::TIME_MILLIS => Meaning::Time(1_000),
            ConvertedType::TIME_MICROS => Meaning::Time(1_000_000),
            ConvertedType::TIMESTAMP_MILLIS => Meaning::Timestamp(1_000, true),
            ConvertedType::TIMESTAMP_MICROS => Meaning::Timestamp(1_000_000, true),
            ConvertedType::UINT_8 | ConvertedType::UINT_16 | ConvertedType::UINT_32 => {
                Meaning::Unsigned32
            }
            ConvertedType::UINT_64 => Meaning::Unsigned64,
            _ if matches!(physical, Physical::INT32 | Physical::INT64) => Meaning::Int,
            _ => Meaning::Binary,
        },
    }
}

impl Meaning {
    /// The type of the column, where the file settles it; else its values do.
    pub(crate) fn column_type(self, physical: Physical, misfits: &Misfits) -> Option<ColumnType> {
        if misfits.finer.count + misfits.far.count + misfits.broken.count > 0 {
            return None;
        }
        Some(match self {
            Self::Boolean => ColumnType::Boolean,
            Self::Int if physical == Physical::INT32 => ColumnType::Int,
            Self::Int | Self::Unsigned32 => ColumnType::BigInt,
            // Values beyond 64 bits with a sign decide by themselves.
            Self::Unsigned64 => return None,
            Self::Decimal { precision, .. } if precision > MAX_PRECISION => return None,
            Self::Decimal { scale: 0, .. } => ColumnType::BigInt,
            Self::Decimal { scale, .. } => ColumnType::Decimal { precision: MAX_PRECISION, scale },
            Self::Float | Self::Half => ColumnType::Float,
            Self::Date => ColumnType::Date,
            Self::Time(_) => ColumnType::LocalTime,
            Self::Timestamp(_, true) => ColumnType::DateTime,
            Self::Timestamp(_, false) => ColumnType::LocalDateTime,
            Self::Text | Self::Binary => ColumnType::String,
            Self::Json | Self::Nested => ColumnType::Json,
            Self::Uuid => ColumnType::Uuid,
        })
    }

    /// Writes a value as a cell.
    pub(crate) fn put(self, stored: &Stored, sink: &mut RowSink, misfits: &mut Misfits, row: u64) {
        match stored {
            Stored::Null => sink.value(""),
            Stored::Boolean(value) => sink.value(if *value { "true" } else { "false" }),
            Stored::Double(value) if value.is_finite() => sink.value(&number_text(*value)),
            Stored::Double(_) => {
                misfits.not_finite.add(row);
                sink.value("");
            }
            Stored::Json(text) => sink.text(text),
            Stored::Int(value) => self.put_int(*value, sink, misfits, row),
            Stored::Ticks96(value) => put_ticks96(*value, sink, misfits, row),
            Stored::Bytes(bytes) => self.put_bytes(bytes.data(), sink, misfits, row),
        }
    }

    fn put_int(self, value: i64, sink: &mut RowSink, misfits: &mut Misfits, row: u64) {
        let mut out = Vec::new();
        match self {
            Self::Unsigned32 => sink.whole(value & i64::from(u32::MAX)),
            Self::Unsigned64 => sink.value(&value.cast_unsigned().to_string()),
            Self::Decimal { scale, .. } => sink.value(&with_point(value.to_string(), scale)),
            Self::Date => match i32::try_from(value) {
                Ok(days) if (MIN_DAY..=MAX_DAY).contains(&days) => {
                    write_date(&mut out, days);
                    sink.value(&String::from_utf8_lossy(&out));
                }
                _ => {
                    misfits.far.add(row);
                    sink.text(&format!("{value} days since 1970-01-01"));
                }
            },
            Self::Time(ticks) => {
                let (seconds, rest) = (value.div_euclid(ticks), value.rem_euclid(ticks));
                if !(0..86_400).contains(&seconds) {
                    misfits.far.add(row);
                    return sink.text(&format!("{value} / {ticks} s since midnight"));
                }
                let nanos = rest * (1_000_000_000 / ticks);
                write_time(&mut out, seconds * 1_000_000);
                put_time(&out, nanos, "", sink, misfits, row);
            }
            Self::Timestamp(ticks, utc) => {
                let (seconds, rest) = (value.div_euclid(ticks), value.rem_euclid(ticks));
                let nanos = rest * (1_000_000_000 / ticks);
                put_moment(seconds, nanos, utc, sink, misfits, row);
            }
            _ => sink.whole(value),
        }
    }

    fn put_bytes(self, bytes: &[u8], sink: &mut RowSink, misfits: &mut Misfits, row: u64) {
        match (self, bytes) {
            (Self::Decimal { scale, .. }, _) => sink.value(&with_point(digits_of(bytes), scale)),
            (Self::Half, [low, high]) => {
                let value = half_to_double(u16::from_le_bytes([*low, *high]));
                self.put(&Stored::Double(value), sink, misfits, row);
            }
            (Self::Uuid, _) if bytes.len() == 16 => {
                let hex = hex_of(bytes);
                let (mut text, mut rest) = (String::new(), hex.as_str());
                for width in [8, 4, 4, 4] {
                    let (group, after) = rest.split_at_checked(width).unwrap_or((rest, ""));
                    text.push_str(group);
                    text.push('-');
                    rest = after;
                }
                text.push_str(rest);
                sink.value(&text);
            }
            (Self::Text | Self::Json, _) => match std::str::from_utf8(bytes) {
                Ok(text) => {
                    let is_json = || parse_value(ColumnType::Json, &Notation::default(), text);
                    if self == Self::Json && (text.is_empty() || is_json().is_err()) {
                        misfits.broken.add(row);
                    }
                    sink.text(text);
                }
                Err(_) => {
                    misfits.broken.add(row);
                    sink.text(&hex_of(bytes));
                }
            },
            _ => sink.text(&hex_of(bytes)),
        }
    }
}

fn put_ticks96(value: Int96, sink: &mut RowSink, misfits: &mut Misfits, row: u64) {
    const JULIAN_DAY_OF_EPOCH: i64 = 2_440_588;
    let &[low, high, julian_day] = value.data() else {
        return sink.value("");
    };
    let nanos = (u64::from(high) << 32 | u64::from(low)).cast_signed();
    let days = i64::from(julian_day) - JULIAN_DAY_OF_EPOCH;
    let seconds = days * 86_400 + nanos.div_euclid(1_000_000_000);
    put_moment(seconds, nanos.rem_euclid(1_000_000_000), false, sink, misfits, row);
}

fn put_moment(
    seconds: i64,
    nanos: i64,
    utc: bool,
    sink: &mut RowSink,
    misfits: &mut Misfits,
    row: u64,
) {
    let days = seconds.div_euclid(86_400);
    if !(i64::from(MIN_DAY)..=i64::from(MAX_DAY)).contains(&days) {
        misfits.far.add(row);
        return sink.text(&format!("{seconds}.{nanos:09} s since 1970-01-01"));
    }
    let mut out = Vec::new();
    let micros = seconds.rem_euclid(86_400) * 1_000_000;
    write_timestamp(&mut out, days * MICROS_PER_DAY + micros);
    put_time(&out, nanos, if utc { "Z" } else { "" }, sink, misfits, row);
}

/// Writes a time with its fraction; one that is finer than a microsecond stays text.
fn put_time(
    to_seconds: &[u8],
    nanos: i64,
    zone: &str,
    sink: &mut RowSink,
    misfits: &mut Misfits,
    row: u64,
) {
    let time = String::from_utf8_lossy(to_seconds);
    if nanos % 1_000 != 0 {
        misfits.finer.add(row);
        return sink.text(&format!("{time}.{nanos:09}{zone}"));
    }
    match nanos {
        0 => sink.value(&format!("{time}{zone}")),
        nanos => sink.value(&format!("{time}.{:06}{zone}", nanos / 1_000)),
    }
}

pub(crate) fn hex_of(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Puts the point into the digits of an unscaled number.
fn with_point(digits: String, scale: u8) -> String {
    if scale == 0 {
        return digits;
    }
    let (sign, digits) = match digits.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", digits.as_str()),
    };
    let scale = usize::from(scale);
    let padded = format!("{digits:0>width$}", width = scale + 1);
    let (whole, fraction) = padded.split_at(padded.len() - scale);
    format!("{sign}{whole}.{fraction}")
}

/// Returns the digits of a big-endian number of any length, in two's complement.
pub(crate) fn digits_of(bytes: &[u8]) -> String {
    let negative = bytes.first().is_some_and(|first| first & 0x80 != 0);
    let mut rest: Vec<u8> = bytes.to_vec();
    if negative {
        let mut carry = true;
        for byte in rest.iter_mut().rev() {
            let (negated, over) = (!*byte).overflowing_add(u8::from(carry));
            (*byte, carry) = (negated, over);
        }
    }
    let mut digits = Vec::new();
    while rest.iter().any(|byte| *byte != 0) {
        let mut remainder = 0_u16;
        for byte in &mut rest {
            let value = remainder << 8 | u16::from(*byte);
            *byte = u8::try_from(value / 10).unwrap_or_default();
            remainder = value % 10;
        }
        digits.push(char::from(b'0' + u8::try_from(remainder).unwrap_or_default()));
    }
    if digits.is_empty() {
        return "0".to_owned();
    }
    if negative {
        digits.push('-');
    }
    digits.iter().rev().collect()
}

/// Widens a number of 16 bits, exactly.
fn half_to_double(bits: u16) -> f64 {
    let sign = if bits & 0x8000 == 0 { 1.0 } else { -1.0 };
    let fraction = f64::from(bits & 0x3FF);
    match i32::from(bits >> 10 & 0x1F) {
        0 => sign * fraction * 2_f64.powi(-24),
        31 if bits & 0x3FF == 0 => sign * f64::INFINITY,
        31 => f64::NAN,
        exponent => sign * (1.0 + fraction / 1_024.0) * 2_f64.powi(exponent - 15),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers() {
        assert_eq!(digits_of(&[0xFF]), "-1");
        assert_eq!(digits_of(&[0x80, 0]), "-32768");
        assert_eq!(digits_of(&(-(10_i128.pow(30))).to_be_bytes()), format!("-1{}", "0".repeat(30)));
        assert_eq!(digits_of(&[0, 0]), "0");
        assert_eq!(digits_of(&[]), "0");
        assert_eq!(with_point("-5".to_owned(), 2), "-0.05");
        assert_eq!(with_point("12345".to_owned(), 2), "123.45");
        assert_eq!(number_text(half_to_double(0x3C00)), "1");
        assert_eq!(number_text(half_to_double(0xC500)), "-5");
    }
}
