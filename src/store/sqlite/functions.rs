//! Adds to SQLite what statements need and it lacks: exact sums, Unicode case folding, regular
//! expressions in linear time, words, and rows gathered into one value.
//!
//! Every function is pure and depends on nothing but its arguments.

use std::sync::Arc;

use rusqlite::functions::{Aggregate, Context, FunctionFlags};
use rusqlite::types::{Value, ValueRef};
use rusqlite::{Connection, Error, Result};

use crate::store::search;

const PURE: FunctionFlags = FunctionFlags::SQLITE_UTF8
    .union(FunctionFlags::SQLITE_DETERMINISTIC)
    .union(FunctionFlags::SQLITE_INNOCUOUS);

/// Largest compiled regular expression, bytes.
const REGEX_BYTES: usize = 1 << 20;

/// Registers all functions with a connection.
///
/// # Errors
/// When SQLite has no memory for them.
pub fn register(connection: &Connection) -> Result<()> {
    connection.create_aggregate_function("sluice_sum", 1, PURE, ExactSum)?;
    connection.create_aggregate_function("sluice_sum_rank", 1, PURE, Rank { is_average: false })?;
    connection.create_aggregate_function("sluice_avg_rank", 1, PURE, Rank { is_average: true })?;
    connection.create_aggregate_function("sluice_float_sum", 1, PURE, FloatSum)?;
    connection.create_aggregate_function("sluice_rows", -1, PURE, GatherRows)?;
    connection.create_scalar_function("sluice_lower", 1, PURE, |context| {
        Ok(match context.get_raw(0) {
            ValueRef::Text(text) => match std::str::from_utf8(text) {
                Ok(text) => Value::Text(text.to_lowercase()),
                Err(_) => Value::Null,
            },
            _ => Value::Null,
        })
    })?;
    connection.create_scalar_function("sluice_words", 1, PURE, |context| {
        Ok(match context.get_raw(0) {
            ValueRef::Text(text) => search::words(&String::from_utf8_lossy(text)).join(" "),
            _ => String::new(),
        })
    })?;
    connection.create_scalar_function("sluice_search", 2, PURE, |context| {
        let wanted: Arc<search::Wanted> =
            context.get_or_create_aux(0, |plain| -> Result<_, std::convert::Infallible> {
                Ok(search::Wanted::from_plain(plain.as_str().unwrap_or_default()))
            })?;
        Ok(match context.get_raw(1) {
            ValueRef::Text(text) => wanted.is_in(&String::from_utf8_lossy(text)),
            _ => false,
        })
    })?;
    connection.create_scalar_function("sluice_ends_with", 2, PURE, |context| {
        Ok(match (context.get_raw(0), context.get_raw(1)) {
            (ValueRef::Text(text), ValueRef::Text(end)) => Some(text.ends_with(end)),
            _ => None,
        })
    })?;
    connection.create_scalar_function("sluice_regex", 2, PURE, |context| {
        let regex: Arc<regex::Regex> =
            context.get_or_create_aux(1, |pattern| -> Result<_, regex::Error> {
                compile_regex(pattern.as_str().unwrap_or_default())
            })?;
        Ok(match context.get_raw(0) {
            ValueRef::Text(text) => std::str::from_utf8(text).ok().map(|text| regex.is_match(text)),
            _ => None,
        })
    })
}

/// Compiles a regular expression within our bounds.
///
/// # Errors
/// When it is not one, or too large.
pub fn compile_regex(pattern: &str) -> Result<regex::Regex, regex::Error> {
    regex::RegexBuilder::new(pattern).size_limit(REGEX_BYTES).build()
}

/// The sum of whole numbers in 128 bits: an INTEGER while it fits, else TEXT digits.
struct ExactSum;

impl Aggregate<Option<i128>, Value> for ExactSum {
    fn init(&self, _: &mut Context<'_>) -> Result<Option<i128>> {
        Ok(None)
    }

    fn step(&self, context: &mut Context<'_>, sum: &mut Option<i128>) -> Result<()> {
        if let ValueRef::Integer(value) = context.get_raw(0) {
            *sum = Some(sum.unwrap_or(0) + i128::from(value));
        }
        Ok(())
    }

    fn finalize(&self, _: &mut Context<'_>, sum: Option<Option<i128>>) -> Result<Value> {
        Ok(match sum.flatten() {
            None => Value::Null,
            Some(sum) => {
                i64::try_from(sum).map_or_else(|_| Value::Text(sum.to_string()), Value::Integer)
            }
        })
    }
}

/// Digits of an average that count when rows are sorted by it: enough to tell any two averages of
/// up to a thousand million values apart.
pub const AVERAGE_RANK_DIGITS: u32 = 18;

/// The sum or the average of whole numbers as text that sorts like the number.
struct Rank {
    is_average: bool,
}

impl Aggregate<(i128, i128), Option<String>> for Rank {
    fn init(&self, _: &mut Context<'_>) -> Result<(i128, i128)> {
        Ok((0, 0))
    }

    fn step(&self, context: &mut Context<'_>, (sum, count): &mut (i128, i128)) -> Result<()> {
        if let ValueRef::Integer(value) = context.get_raw(0) {
            *sum += i128::from(value);
            *count += 1;
        }
        Ok(())
    }

    fn finalize(&self, _: &mut Context<'_>, state: Option<(i128, i128)>) -> Result<Option<String>> {
        let Some((sum, count)) = state.filter(|(_, count)| *count > 0) else { return Ok(None) };
        let number = if self.is_average {
            // In this order nothing passes 128 bits: an average is no larger than its values.
            let unit = 10_i128.pow(AVERAGE_RANK_DIGITS);
            sum.div_euclid(count) * unit + sum.rem_euclid(count) * unit / count
        } else {
            sum
        };
        // With the sign's bit turned around, hexadecimal digits sort like the numbers.
        Ok(Some(format!("{:032x}", number.cast_unsigned() ^ (1 << 127))))
    }
}

/// The sum of doubles with Neumaier's compensation.
struct FloatSum;

#[derive(Clone, Copy, Default)]
struct Compensated {
    sum: f64,
    compensation: f64,
    n_values: u64,
}

impl Aggregate<Compensated, Option<f64>> for FloatSum {
    fn init(&self, _: &mut Context<'_>) -> Result<Compensated> {
        Ok(Compensated::default())
    }

    fn step(&self, context: &mut Context<'_>, state: &mut Compensated) -> Result<()> {
        let value = match context.get_raw(0) {
            ValueRef::Real(value) => value,
            #[expect(
                clippy::cast_precision_loss,
                reason = "SQLite keeps whole doubles as integers"
            )]
            ValueRef::Integer(value) => value as f64,
            _ => return Ok(()),
        };
        let total = state.sum + value;
        state.compensation += if state.sum.abs() >= value.abs() {
            (state.sum - total) + value
        } else {
            (value - total) + state.sum
        };
        state.sum = total;
        state.n_values += 1;
        Ok(())
    }

    fn finalize(&self, _: &mut Context<'_>, state: Option<Compensated>) -> Result<Option<f64>> {
        let state = state.unwrap_or_default();
        Ok((state.n_values > 0).then_some(state.sum + state.compensation))
    }
}

/// Gathers rows into one value: for each row the number of its cells, then for each cell a tag
/// and its bytes. Read back by [`GatheredRows`].
struct GatherRows;

const TAG_NULL: u8 = 0;
const TAG_INTEGER: u8 = 1;
const TAG_REAL: u8 = 2;
const TAG_TEXT: u8 = 3;
const TAG_BLOB: u8 = 4;

impl Aggregate<Vec<u8>, Option<Vec<u8>>> for GatherRows {
    fn init(&self, _: &mut Context<'_>) -> Result<Vec<u8>> {
        Ok(Vec::new())
    }

    fn step(&self, context: &mut Context<'_>, bytes: &mut Vec<u8>) -> Result<()> {
        let n_cells = u16::try_from(context.len())
            .map_err(|error| Error::UserFunctionError(Box::new(error)))?;
        bytes.extend_from_slice(&n_cells.to_le_bytes());
        for index in 0..context.len() {
            match context.get_raw(index) {
                ValueRef::Null => bytes.push(TAG_NULL),
                ValueRef::Integer(value) => {
                    bytes.push(TAG_INTEGER);
                    bytes.extend_from_slice(&value.to_le_bytes());
                }
                ValueRef::Real(value) => {
                    bytes.push(TAG_REAL);
                    bytes.extend_from_slice(&value.to_le_bytes());
                }
                ValueRef::Text(text) => push_long(bytes, TAG_TEXT, text)?,
                ValueRef::Blob(blob) => push_long(bytes, TAG_BLOB, blob)?,
            }
        }
        Ok(())
    }

    fn finalize(&self, _: &mut Context<'_>, bytes: Option<Vec<u8>>) -> Result<Option<Vec<u8>>> {
        Ok(bytes)
    }
}

fn push_long(bytes: &mut Vec<u8>, tag: u8, content: &[u8]) -> Result<()> {
    let length =
        u32::try_from(content.len()).map_err(|error| Error::UserFunctionError(Box::new(error)))?;
    bytes.push(tag);
    bytes.extend_from_slice(&length.to_le_bytes());
    bytes.extend_from_slice(content);
    Ok(())
}

/// Reads back what `sluice_rows` gathered.
pub struct GatheredRows<'a> {
    rest: &'a [u8],
}

impl<'a> GatheredRows<'a> {
    /// Over the bytes of one value.
    pub fn new(bytes: &'a [u8]) -> GatheredRows<'a> {
        GatheredRows { rest: bytes }
    }

    /// Replaces `cells` by the next row's; `Some(false)` at the end, `None` if the bytes are not
    /// what was gathered.
    pub fn next_into(&mut self, cells: &mut Vec<ValueRef<'a>>) -> Option<bool> {
        cells.clear();
        if self.rest.is_empty() {
            return Some(false);
        }
        let n_cells = u16::from_le_bytes(*self.take_array()?);
        for _ in 0..n_cells {
            let [tag] = *self.take_array()?;
            cells.push(match tag {
                TAG_NULL => ValueRef::Null,
                TAG_INTEGER => ValueRef::Integer(i64::from_le_bytes(*self.take_array()?)),
                TAG_REAL => ValueRef::Real(f64::from_le_bytes(*self.take_array()?)),
                TAG_TEXT => ValueRef::Text(self.take_long()?),
                TAG_BLOB => ValueRef::Blob(self.take_long()?),
                _ => return None,
            });
        }
        Some(true)
    }

    fn take_array<const N: usize>(&mut self) -> Option<&'a [u8; N]> {
        let (array, rest) = self.rest.split_first_chunk()?;
        self.rest = rest;
        Some(array)
    }

    fn take_long(&mut self) -> Option<&'a [u8]> {
        let length = usize::try_from(u32::from_le_bytes(*self.take_array()?)).ok()?;
        let (content, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(content)
    }
}
