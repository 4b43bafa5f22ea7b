//! Gives lists of the catalog the same `where`, `orderBy`, `limit` and `offset` as datasets.
//!
//! The catalog's lists are short and in memory, so they are filtered there, by the table of
//! operators that datasets use. Nothing here reads the database.

use std::cmp::Ordering;

use async_graphql::dynamic::{
    InputObject, InputValue, ObjectAccessor, SchemaBuilder, TypeRef, ValueAccessor,
};
use async_graphql::{Error, Result};
use serde_json::Value as Json;
use sluice_schema::ColumnType;

use super::types::comparison_name;
use crate::query::operators::{Operator, operators};
use crate::query::regex::Pattern;
use crate::store::sqlite::functions::compile_regex;
use sluice_columnar::fold::fold;

/// The fields of a list that can be filtered and sorted by.
type Fields = &'static [(&'static str, ColumnType)];

const DATASET: Fields = &[
    ("name", ColumnType::String),
    ("label", ColumnType::String),
    ("description", ColumnType::String),
    ("version", ColumnType::Int),
    ("rowCount", ColumnType::BigInt),
    ("sizeBytes", ColumnType::BigInt),
    ("createdAt", ColumnType::DateTime),
    ("updatedAt", ColumnType::DateTime),
];

const JOB: Fields = &[
    ("kind", ColumnType::String),
    ("status", ColumnType::String),
    ("phase", ColumnType::String),
    ("datasetName", ColumnType::String),
    ("createdAt", ColumnType::DateTime),
    ("startedAt", ColumnType::DateTime),
    ("finishedAt", ColumnType::DateTime),
];

const API_KEY: Fields = &[
    ("prefix", ColumnType::String),
    ("name", ColumnType::String),
    ("scope", ColumnType::String),
    ("role", ColumnType::String),
    ("active", ColumnType::Boolean),
    ("createdAt", ColumnType::DateTime),
    ("createdBy", ColumnType::String),
    ("expiresAt", ColumnType::DateTime),
    ("lastUsedAt", ColumnType::DateTime),
];

const AUDIT_ENTRY: Fields = &[
    ("at", ColumnType::DateTime),
    ("actor", ColumnType::String),
    ("address", ColumnType::String),
    ("action", ColumnType::String),
    ("target", ColumnType::String),
    ("outcome", ColumnType::String),
    ("requestId", ColumnType::String),
];

/// The types of the catalog's lists.
const LISTS: [(&str, Fields); 4] =
    [("Dataset", DATASET), ("Job", JOB), ("ApiKey", API_KEY), ("AuditEntry", AUDIT_ENTRY)];

fn fields_of(type_name: &str) -> Fields {
    LISTS.iter().find(|(name, _)| *name == type_name).map_or(&[], |(_, fields)| fields)
}

/// Registers the filter and order types of the catalog's lists.
pub fn register(mut builder: SchemaBuilder) -> SchemaBuilder {
    for (type_name, fields) in LISTS {
        let filter_name = format!("{type_name}BoolExp");
        let mut filter = InputObject::new(&filter_name)
            .description("A condition; all that is given must hold.")
            .field(InputValue::new("_and", TypeRef::named_nn_list(&filter_name)))
            .field(InputValue::new("_or", TypeRef::named_nn_list(&filter_name)))
            .field(InputValue::new("_not", TypeRef::named(&filter_name)));
        let mut order = InputObject::new(format!("{type_name}OrderBy"))
            .description("Keys of an order; several keys of one object count in the order given.");
        for (field, column_type) in fields {
            let comparison = TypeRef::named(comparison_name(*column_type));
            filter = filter.field(InputValue::new(*field, comparison));
            order = order.field(InputValue::new(*field, TypeRef::named("OrderBy")));
        }
        builder = builder.register(filter).register(order);
    }
    builder
}

/// The rows that a list's arguments ask for, each with the JSON it is judged by.
///
/// # Errors
/// When an argument does not fit.
pub fn apply<T>(
    rows: Vec<(Json, T)>,
    arguments: &ObjectAccessor<'_>,
    type_name: &str,
) -> Result<Vec<T>> {
    let fields = fields_of(type_name);
    let mut kept = Vec::with_capacity(rows.len());
    let condition = arguments.get("where").filter(|value| !value.is_null());
    for row in rows {
        let is_wanted = match &condition {
            Some(condition) => holds(&row.0, &condition.object()?, fields)?,
            None => true,
        };
        if is_wanted {
            kept.push(row);
        }
    }
    if let Some(order) = arguments.get("orderBy").filter(|value| !value.is_null()) {
        let keys = order_keys(&order)?;
        kept.sort_by(|a, b| {
            keys.iter()
                .map(|key| key.compare(&a.0, &b.0, fields))
                .find(|ordering| *ordering != Ordering::Equal)
                .unwrap_or(Ordering::Equal)
        });
    }
    let offset = bound(arguments, "offset")?.unwrap_or(0);
    let limit = bound(arguments, "limit")?.unwrap_or(usize::MAX);
    Ok(kept.into_iter().skip(offset).take(limit).map(|(_, item)| item).collect())
}

fn bound(arguments: &ObjectAccessor<'_>, name: &str) -> Result<Option<usize>> {
    match arguments.get(name).filter(|value| !value.is_null()) {
        Some(value) => {
            let number = value.u64().map_err(|_| Error::new(format!("{name} cannot be negative.")));
            Ok(Some(usize::try_from(number?).unwrap_or(usize::MAX)))
        }
        None => Ok(None),
    }
}

fn holds(row: &Json, condition: &ObjectAccessor<'_>, fields: Fields) -> Result<bool> {
    for (name, value) in condition.iter() {
        let is_true = match name.as_str() {
            "_and" => all(row, &value, fields)?,
            "_or" => any(row, &value, fields)?,
            "_not" => !holds(row, &value.object()?, fields)?,
            field => {
                let cell = row.get(field).unwrap_or(&Json::Null);
                let known = fields.iter().find(|(known, _)| *known == field);
                let column_type = known.map_or(ColumnType::String, |(_, column_type)| *column_type);
                let mut is_true = true;
                for (operator, operand) in value.object()?.iter() {
                    is_true &= compare(cell, column_type, operator, &operand)?;
                }
                is_true
            }
        };
        if !is_true {
            return Ok(false);
        }
    }
    Ok(true)
}

fn all(row: &Json, value: &ValueAccessor<'_>, fields: Fields) -> Result<bool> {
    for item in value.list()?.iter() {
        if !holds(row, &item.object()?, fields)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn any(row: &Json, value: &ValueAccessor<'_>, fields: Fields) -> Result<bool> {
    for item in value.list()?.iter() {
        if holds(row, &item.object()?, fields)? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn compare(
    cell: &Json,
    column_type: ColumnType,
    name: &str,
    operand: &ValueAccessor<'_>,
) -> Result<bool> {
    let found = operators(column_type).find(|(known, _, _)| *known == name);
    let Some((_, operator, _)) = found else {
        return Err(Error::new(format!("There is no operator {name:?} here.")));
    };
    if operand.is_null() {
        return Err(Error::new(format!("{name} is null; to look for missing values use _isNull.")));
    }
    if *operator == Operator::IsNull {
        return Ok(cell.is_null() == operand.boolean()?);
    }
    if cell.is_null() {
        return Ok(false);
    }
    let json = |value: &ValueAccessor<'_>| value.deserialize::<Json>();
    if matches!(operator, Operator::In | Operator::Nin) {
        let mut is_in = false;
        for item in operand.list()?.iter() {
            is_in |= order(cell, &json(&item)?, column_type) == Ordering::Equal;
        }
        return Ok(is_in == (*operator == Operator::In));
    }
    let operand = json(operand)?;
    let ordering = order(cell, &operand, column_type);
    let text = cell.as_str().unwrap_or_default();
    let wanted = operand.as_str().unwrap_or_default();
    let folded = |is_insensitive: bool, text: &str| {
        if is_insensitive { fold(text) } else { text.to_owned() }
    };
    Ok(match *operator {
        Operator::Eq => ordering == Ordering::Equal,
        Operator::Neq => ordering != Ordering::Equal,
        Operator::Gt => ordering == Ordering::Greater,
        Operator::Gte => ordering != Ordering::Less,
        Operator::Lt => ordering == Ordering::Less,
        Operator::Lte => ordering != Ordering::Greater,
        Operator::StartsWith { is_insensitive } => {
            folded(is_insensitive, text).starts_with(&folded(is_insensitive, wanted))
        }
        Operator::EndsWith { is_insensitive } => {
            folded(is_insensitive, text).ends_with(&folded(is_insensitive, wanted))
        }
        Operator::Contains { is_insensitive } => {
            folded(is_insensitive, text).contains(&folded(is_insensitive, wanted))
        }
        Operator::Like { is_insensitive, is_negated } => {
            let pattern = like_regex(&folded(is_insensitive, wanted));
            fits(&folded(is_insensitive, text), &pattern)? != is_negated
        }
        Operator::Regex { is_insensitive, is_negated } => {
            let pattern = checked(Pattern::new(wanted, is_insensitive))?;
            fits(text, &pattern.rust)? != is_negated
        }
        Operator::Similar { is_negated } => {
            fits(text, &checked(Pattern::similar(wanted))?.rust)? != is_negated
        }
        // The catalog's lists are compared above, and it has no JSON to filter by.
        Operator::In
        | Operator::Nin
        | Operator::IsNull
        | Operator::JsonContains
        | Operator::JsonContainedIn
        | Operator::HasKey
        | Operator::HasKeysAny
        | Operator::HasKeysAll => false,
    })
}

fn checked(pattern: std::result::Result<Pattern, String>) -> Result<Pattern> {
    pattern.map_err(|why| {
        Error::new(format!("That is not a regular expression that runs in linear time ({why})."))
    })
}

fn fits(text: &str, pattern: &str) -> Result<bool> {
    let regex = compile_regex(pattern)
        .map_err(|_| Error::new("That is not a regular expression that runs in linear time."))?;
    Ok(regex.is_match(text))
}

/// A pattern of `_like` as a regular expression.
fn like_regex(pattern: &str) -> String {
    let mut regex = String::from("(?s)^");
    let mut characters = pattern.chars();
    while let Some(character) = characters.next() {
        match character {
            '%' => regex.push_str(".*"),
            '_' => regex.push('.'),
            '\\' => {
                let literal = characters.next().unwrap_or('\\');
                regex.push_str(&regex::escape(&literal.to_string()));
            }
            other => regex.push_str(&regex::escape(&other.to_string())),
        }
    }
    regex.push('$');
    regex
}

/// Compares as the column's type does; whole numbers may be written as strings.
fn order(a: &Json, b: &Json, column_type: ColumnType) -> Ordering {
    match column_type {
        ColumnType::Int | ColumnType::BigInt => whole(a).cmp(&whole(b)),
        _ => a.as_str().cmp(&b.as_str()),
    }
}

fn whole(value: &Json) -> Option<i64> {
    value.as_i64().or_else(|| value.as_str()?.parse().ok())
}

/// One key of an order.
struct OrderKey {
    field: String,
    is_descending: bool,
    has_nulls_first: bool,
}

impl OrderKey {
    fn compare(&self, a: &Json, b: &Json, fields: Fields) -> Ordering {
        let (a, b) = (a.get(&self.field), b.get(&self.field));
        let (a, b) = (a.unwrap_or(&Json::Null), b.unwrap_or(&Json::Null));
        let nulls = b.is_null().cmp(&a.is_null());
        if nulls != Ordering::Equal {
            return if self.has_nulls_first { nulls } else { nulls.reverse() };
        }
        let known = fields.iter().find(|(known, _)| *known == self.field);
        let ordering = order(a, b, known.map_or(ColumnType::String, |(_, found)| *found));
        if self.is_descending { ordering.reverse() } else { ordering }
    }
}

fn order_keys(order: &ValueAccessor<'_>) -> Result<Vec<OrderKey>> {
    let mut keys = Vec::new();
    let mut read = |item: &ValueAccessor<'_>| -> Result<()> {
        for (field, direction) in item.object()?.iter() {
            if direction.is_null() {
                continue;
            }
            let direction = direction.enum_name()?;
            keys.push(OrderKey {
                field: field.to_string(),
                is_descending: direction.starts_with("DESC"),
                has_nulls_first: direction == "DESC" || direction.ends_with("NULLS_FIRST"),
            });
        }
        Ok(())
    };
    match order.list() {
        Ok(list) => list.iter().try_for_each(|item| read(&item))?,
        Err(_) => read(order)?,
    }
    Ok(keys)
}
