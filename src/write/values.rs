//! Reads the values of a mutation: into what the store keeps, exactly, or with a sentence that says
//! which value does not fit and what would admit it.

use serde_json::Value as Json;
use sluice_schema::ColumnType;

use crate::catalog::model::Column;
use crate::error::{Error, Result};
use crate::query::Dialect;
use crate::query::value::{decimal_value, stored};
use crate::store::run::Bind;

/// A value for a column.
///
/// # Errors
/// BAD_USER_INPUT, naming the place, the value and what is expected.
pub(super) fn cell(value: &Json, column: &Column, dialect: Dialect, place: &str) -> Result<Bind> {
    if value.is_null() {
        return match column.required || !column.nullable {
            true => Err(missing(place)),
            false => Ok(Bind::Null),
        };
    }
    stored(value, column.column_type, dialect, place).map_err(|error| match wider(value, column) {
        None => error,
        Some(wider) => {
            let sentence = error.message.trim_end_matches('.');
            Error::bad_input(format!(
                "{sentence}. alterColumn(column: {:?}, type: {wider}) would admit it.",
                column.name
            ))
        }
    })
}

/// A value that must be there is not.
pub(super) fn missing(place: &str) -> Error {
    Error::bad_input(format!("{place} is missing; a value is required."))
}

/// A type that would keep a value which a column does not.
fn wider(value: &Json, column: &Column) -> Option<String> {
    let whole = match value {
        Json::Number(number) => number.as_i64(),
        Json::String(text) => text.parse().ok(),
        _ => None,
    };
    match column.column_type {
        ColumnType::Int if whole.is_some() => Some("BIGINT".to_owned()),
        ColumnType::Int | ColumnType::BigInt => {
            decimal_value(value).map(|_| "DECIMAL".to_owned()).or_else(|| as_text(value))
        }
        ColumnType::Decimal { .. } => {
            decimal_value(value).map(|_| "DECIMAL".to_owned()).or_else(|| as_text(value))
        }
        ColumnType::String | ColumnType::Json => None,
        _ => as_text(value),
    }
}

fn as_text(value: &Json) -> Option<String> {
    value.is_string().then(|| "STRING".to_owned())
}
