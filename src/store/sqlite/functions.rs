//! Adds to SQLite what statements need and it lacks: case folding, regular expressions in linear
//! time, words, JSON containment, and rows gathered into one value; numbers have a module of their
//! own.
//!
//! Every function is pure and depends on nothing but its arguments.

use std::sync::Arc;

use rusqlite::functions::{Aggregate, Context, FunctionFlags};
use rusqlite::types::{Value, ValueRef};
use rusqlite::{Connection, Error, Result, ffi};
use sha2::{Digest, Sha256};

use super::numbers;
use crate::store::contain;
use crate::store::search;
use sluice_columnar::fold::fold;

pub(super) const PURE: FunctionFlags = FunctionFlags::SQLITE_UTF8
    .union(FunctionFlags::SQLITE_DETERMINISTIC)
    .union(FunctionFlags::SQLITE_INNOCUOUS);

/// Largest compiled regular expression, bytes.
const REGEX_BYTES: usize = 1 << 20;

/// The first and the last character of a text that has at least five.
fn part_of(text: &str) -> String {
    match (text.chars().nth(4), text.chars().next(), text.chars().next_back()) {
        (Some(_), Some(first), Some(last)) => format!("{first}***{last}"),
        _ => "***".to_owned(),
    }
}

/// Registers all functions with a connection.
///
/// # Errors
/// When SQLite has no memory for them.
pub fn register(connection: &Connection) -> Result<()> {
    numbers::register(connection)?;
    register_json(connection)?;
    connection.create_aggregate_function("sluice_rows", -1, PURE, GatherRows)?;
    connection.create_scalar_function("sluice_fold", 1, PURE, |context| {
        Ok(match context.get_raw(0) {
            ValueRef::Text(text) => match std::str::from_utf8(text) {
                Ok(text) => Value::Text(fold(text)),
                Err(_) => Value::Null,
            },
            _ => Value::Null,
        })
    })?;
    connection.create_scalar_function("sluice_part", 1, PURE, |context| {
        Ok(match context.get_raw(0) {
            ValueRef::Text(text) => Value::Text(part_of(&String::from_utf8_lossy(text))),
            _ => Value::Null,
        })
    })?;
    connection.create_scalar_function("sluice_hash", 2, PURE, |context| {
        Ok(match (context.get_raw(0), context.get_raw(1)) {
            (ValueRef::Text(secret), ValueRef::Text(text)) => {
                let hash = Sha256::new().chain_update(secret).chain_update(text).finalize();
                // As many digits as the query room takes on PostgreSQL.
                Value::Text(hash.iter().take(16).map(|byte| format!("{byte:02x}")).collect())
            }
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
        // One call may take as long as many steps of the statement.
        if super::read::is_stopped() {
            return Err(Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_INTERRUPT), None));
        }
        Ok(match context.get_raw(0) {
            ValueRef::Text(text) => std::str::from_utf8(text).ok().map(|text| regex.is_match(text)),
            _ => None,
        })
    })
}

/// The functions over JSON: a cell, and an operand that is read once per statement.
fn register_json(connection: &Connection) -> Result<()> {
    type Test = fn(&contain::Value, &contain::Value) -> bool;
    const TESTS: [(&str, Test); 5] = [
        ("sluice_json_contains", |cell, operand| cell.contains(operand)),
        ("sluice_json_contained", |cell, operand| operand.contains(cell)),
        ("sluice_json_equals", |cell, operand| cell == operand),
        ("sluice_json_has_all", |cell, keys| keys_of(keys).all(|key| cell.has_key(key))),
        ("sluice_json_has_any", |cell, keys| keys_of(keys).any(|key| cell.has_key(key))),
    ];
    for (name, test) in TESTS {
        connection.create_scalar_function(name, 2, PURE, move |context| {
            let operand: Arc<Option<contain::Value>> = context.get_or_create_aux(
                1,
                |operand| -> Result<_, rusqlite::types::FromSqlError> {
                    Ok(contain::Value::parse(operand.as_str()?))
                },
            )?;
            let cell = match context.get_raw(0) {
                ValueRef::Text(text) => {
                    std::str::from_utf8(text).ok().and_then(contain::Value::parse)
                }
                _ => None,
            };
            Ok(cell.zip(operand.as_ref().as_ref()).map(|(cell, operand)| test(&cell, operand)))
        })?;
    }
    Ok(())
}

/// The texts of a JSON list.
fn keys_of(list: &contain::Value) -> impl Iterator<Item = &str> {
    let items = match list {
        contain::Value::List(items) => items.as_slice(),
        _ => &[],
    };
    items.iter().filter_map(|item| match item {
        contain::Value::Text(text) => Some(text.as_str()),
        _ => None,
    })
}

/// Compiles a regular expression within our bounds.
///
/// # Errors
/// When it is not one, or too large.
pub fn compile_regex(pattern: &str) -> Result<regex::Regex, regex::Error> {
    regex::RegexBuilder::new(pattern).size_limit(REGEX_BYTES).build()
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
