//! What is asked of a saved query: its answer, with values for the variables that it needs.

use serde_json::{Map, Value, json};

use super::{Address, RowSource};
use crate::graphql::Saved;

impl RowSource {
    /// Of a saved query and its first root field.
    pub fn of_saved(saved: &Saved) -> RowSource {
        let query = &saved.query;
        let mut values = Map::new();
        let mut parameters = Vec::new();
        for variable in saved.variables() {
            let value = match &variable.default {
                Some(default) => default.clone(),
                None if variable.is_needed() => example(&variable.declared),
                None => continue,
            };
            match &value {
                Value::Array(items) => {
                    parameters.extend(items.iter().map(|it| (variable.name.to_string(), text(it))));
                }
                value => parameters.push((variable.name.to_string(), text(value))),
            }
            values.insert(variable.name.to_string(), value);
        }
        let json = Address { path: format!("/q/{}", query.name), parameters: parameters.clone() };
        // Programs read values, not cells that could be formulas.
        if saved.variables().all(|variable| &*variable.name != "guard") {
            parameters.push(("guard".to_owned(), "false".to_owned()));
        }
        RowSource {
            name: query.description.clone().unwrap_or_else(|| query.name.clone()),
            document: query.document.clone(),
            variables: values,
            field: saved.field(),
            columns: Vec::new(),
            json,
            csv: Address { path: format!("/q/{}.csv", query.name), parameters },
            is_saved: true,
        }
    }
}

/// A value to begin with.
fn example(declared: &str) -> Value {
    let declared = declared.trim_end_matches('!');
    if let Some(item) = declared.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return json!([example(item)]);
    }
    match declared {
        "Int" => json!(1),
        "Float" => json!(1.5),
        "Boolean" => json!(true),
        "ID" | "BigInt" | "Decimal" => json!("1"),
        "Date" => json!("2026-01-31"),
        "DateTime" => json!("2026-01-31T10:30:00Z"),
        "LocalDateTime" => json!("2026-01-31T10:30:00"),
        "LocalTime" => json!("10:30:00"),
        "String" => json!("text"),
        // Filters and the like.
        _ => json!({}),
    }
}

/// A value as an address has it.
fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}
