//! Turns the text of a cell into a value of its column's type, strictly.
//! It exists so that loading, correcting a reject and changing a row later all read text by the same rules.
//! It never guesses: what is not a value in the column's notation is an error, and text is never touched.

use crate::calendar::{Moment, read_in_order};
use crate::decimal::{UNSCALED_LIMIT, rescale};
use crate::error::CoerceError;
use crate::form::{Cell, boolean_word, form_of, parse_uuid, survives_double};
use crate::json::is_json;
use crate::naming::cut;
use crate::notation::read_number;
use crate::plan::{Notation, NumberNotation};
use crate::summary::trim;
use crate::temporal::{
    MICROS_PER_DAY, parse_iso_date, parse_iso_date_time, parse_iso_local_date_time, parse_iso_time,
};
use crate::types::{ColumnType, Value};

/// Reads one text as a value, by the rules of its column.
///
/// # Errors
/// When the text is not a value of the type in this notation; the error says what was expected.
pub fn parse_value<'a>(
    column_type: ColumnType,
    notation: &Notation,
    text: &'a str,
) -> Result<Value<'a>, CoerceError> {
    CellReader::new(column_type, notation).read(text, true)
}

/// Reads the cells of one column.
#[derive(Clone, Debug)]
pub(crate) struct CellReader<'n> {
    column_type: ColumnType,
    notation: &'n Notation,
}

impl<'n> CellReader<'n> {
    pub(crate) fn new(column_type: ColumnType, notation: &'n Notation) -> Self {
        Self { column_type, notation }
    }

    /// Reads a cell; an empty text is null unless it is quoted and the column is text.
    pub(crate) fn read<'a>(&self, text: &'a str, quoted: bool) -> Result<Value<'a>, CoerceError> {
        if text.is_empty() {
            let is_text = quoted && self.column_type == ColumnType::String;
            return Ok(if is_text { Value::Text(text) } else { Value::Null });
        }
        if self.column_type == ColumnType::String {
            let is_null = !self.notation.nulls.is_empty() && self.is_null(trim(text));
            return Ok(if is_null { Value::Null } else { Value::Text(text) });
        }
        if let Some(value) = self.typed(text) {
            return Ok(value);
        }
        let trimmed = trim(text);
        if trimmed.is_empty() || self.is_null(trimmed) {
            return Ok(Value::Null);
        }
        match self.typed(trimmed) {
            // Only the type of JSON keeps its text; blanks around it do not matter to it.
            Some(value) if self.notation.trim => Ok(value),
            _ => Err(self.refuse(text)),
        }
    }

    fn is_null(&self, text: &str) -> bool {
        self.notation.nulls.iter().any(|spelling| spelling == text)
    }

    fn typed<'a>(&self, text: &'a str) -> Option<Value<'a>> {
        if let Some(number) = &self.notation.number {
            return self.written_number(text, number);
        }
        self.canonical(text).or_else(|| self.written_date(text))
    }

    fn written_number<'a>(&self, text: &str, number: &NumberNotation) -> Option<Value<'a>> {
        let digits = read_number(text, number)?;
        let fits =
            |scale| i64::try_from(rescale(i128::from(digits.unscaled), digits.scale, scale)?).ok();
        match self.column_type {
            ColumnType::Int => {
                fits(0).filter(|value| i32::try_from(*value).is_ok()).map(Value::Int)
            }
            ColumnType::BigInt => fits(0).map(Value::Int),
            ColumnType::Decimal { scale, .. } => fits(scale)
                .filter(|value| value.unsigned_abs() < UNSCALED_LIMIT.unsigned_abs())
                .map(Value::Decimal),
            _ => self.canonical_of(text),
        }
    }

    fn canonical_of<'a>(&self, text: &str) -> Option<Value<'a>> {
        (self.column_type == ColumnType::Float).then(|| float(text).map(Value::Float)).flatten()
    }

    fn written_date<'a>(&self, text: &str) -> Option<Value<'a>> {
        let temporal = self.notation.temporal.as_ref()?;
        let (moment, value) = read_in_order(text, temporal.order)?;
        match (self.column_type, moment) {
            (ColumnType::Date, Moment::Date) => i32::try_from(value).ok().map(Value::Date),
            (ColumnType::LocalTime, Moment::Time) => Some(Value::Time(value)),
            (ColumnType::LocalDateTime, Moment::LocalDateTime)
            | (ColumnType::DateTime, Moment::DateTime) => Some(Value::Timestamp(value)),
            _ => None,
        }
    }

    fn canonical<'a>(&self, text: &'a str) -> Option<Value<'a>> {
        match self.column_type {
            ColumnType::Boolean => self.boolean(text),
            ColumnType::Int => {
                let value = plain_int(text)?;
                i32::try_from(value).ok()?;
                Some(Value::Int(value))
            }
            ColumnType::BigInt => plain_int(text).map(Value::Int),
            ColumnType::Decimal { scale, .. } => plain_decimal(text, scale).map(Value::Decimal),
            ColumnType::Float => float(text).map(Value::Float),
            ColumnType::Date => parse_iso_date(text).map(Value::Date),
            ColumnType::LocalTime => parse_iso_time(text)
                .or_else(|| (self.notation.midnight && text == "0").then_some(0))
                .map(Value::Time),
            ColumnType::LocalDateTime => parse_iso_local_date_time(text)
                .or_else(|| self.midnight(text))
                .map(Value::Timestamp),
            ColumnType::DateTime => parse_iso_date_time(text).map(Value::Timestamp),
            ColumnType::Uuid => parse_uuid(text).map(Value::Uuid),
            ColumnType::Json => is_json(text).then_some(Value::Text(text)),
            ColumnType::String => Some(Value::Text(text)),
        }
    }

    fn midnight(&self, text: &str) -> Option<i64> {
        self.notation
            .midnight
            .then(|| parse_iso_date(text))
            .flatten()
            .map(|days| i64::from(days) * MICROS_PER_DAY)
    }

    fn boolean<'a>(&self, text: &str) -> Option<Value<'a>> {
        let (pair, value) = boolean_word(text)?;
        let fits = self.notation.boolean.is_none_or(|expected| expected == pair);
        fits.then_some(Value::Boolean(value))
    }

    fn refuse(&self, text: &str) -> CoerceError {
        let expected = match self.column_type {
            ColumnType::Boolean => "a boolean (true/false, yes/no, y/n or t/f)".to_owned(),
            ColumnType::Int => "a whole number of 32 bits".to_owned(),
            ColumnType::BigInt => "a whole number of 64 bits".to_owned(),
            ColumnType::Decimal { precision, scale } => {
                format!(
                    "a decimal number of at most {precision} digits, {scale} of them after the point"
                )
            }
            ColumnType::Float => "a number that a double holds without loss".to_owned(),
            ColumnType::Date => "a date (YYYY-MM-DD)".to_owned(),
            ColumnType::LocalTime => "a time (HH:MM:SS)".to_owned(),
            ColumnType::LocalDateTime => {
                "a date and time without a zone (YYYY-MM-DDTHH:MM:SS)".to_owned()
            }
            ColumnType::DateTime => "a date and time with a zone (YYYY-MM-DDTHH:MM:SSZ)".to_owned(),
            ColumnType::Uuid => "a UUID".to_owned(),
            ColumnType::Json => "a JSON document".to_owned(),
            ColumnType::String => "text".to_owned(),
        };
        CoerceError { found: cut(text, 100).to_owned(), expected }
    }
}

fn plain_int(text: &str) -> Option<i64> {
    let (negative, digits) = match text.as_bytes() {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    let first = *digits.first()?;
    if digits.len() > 19 || (first == b'0' && (digits.len() > 1 || negative)) {
        return None;
    }
    let mut value = 0_u64;
    for &digit in digits {
        let digit = digit.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        // 19 digits stay below 2^64.
        value = value.wrapping_mul(10).wrapping_add(u64::from(digit));
    }
    if negative { 0_i64.checked_sub_unsigned(value) } else { i64::try_from(value).ok() }
}

fn plain_decimal(text: &str, scale: u8) -> Option<i64> {
    let (unscaled, own_scale) = match form_of(text) {
        Cell::Int(value) => (value, 0),
        Cell::Decimal(decimal) => (decimal.unscaled, decimal.scale),
        _ => return None,
    };
    if own_scale == scale {
        return (unscaled.unsigned_abs() < UNSCALED_LIMIT.unsigned_abs()).then_some(unscaled);
    }
    let unscaled = i64::try_from(rescale(i128::from(unscaled), own_scale, scale)?).ok()?;
    (unscaled.unsigned_abs() < UNSCALED_LIMIT.unsigned_abs()).then_some(unscaled)
}

fn float(text: &str) -> Option<f64> {
    let is_kept = match form_of(text) {
        Cell::Scientific(is_kept) => is_kept,
        // Wide decimals are fine when a double keeps them.
        Cell::Int(_) | Cell::Decimal(_) | Cell::Wide => survives_double(text),
        // `1e5` may be a code, so that no column becomes a number by it; who declares the column means the number.
        Cell::Text => is_bare_scientific(text),
        _ => false,
    };
    if !is_kept {
        return None;
    }
    text.parse().ok().filter(|value: &f64| value.is_finite())
}

/// Tells whether a text is digits, an `e` and digits, without the point or sign that programs write.
fn is_bare_scientific(text: &str) -> bool {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let is_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    unsigned.split_once(['e', 'E']).is_some_and(|(mantissa, exponent)| {
        is_digits(mantissa) && is_digits(exponent) && survives_double(text)
    })
}
