//! Rows, new rows and filters as JSON Schema.

use serde_json::{Map, Value, json};
use sluice_schema::ColumnType;

use crate::catalog::model::{Column, Dataset};
use crate::query::operators::{Operand, operators};

/// The JSON of a value of this type.
pub(super) fn value_schema(column_type: ColumnType) -> Value {
    match column_type {
        ColumnType::Int => json!({ "type": "integer", "format": "int32" }),
        ColumnType::Float => json!({ "type": "number", "format": "double" }),
        ColumnType::Boolean => json!({ "type": "boolean" }),
        ColumnType::BigInt => {
            json!({ "type": "string", "pattern": "^-?[0-9]{1,19}$", "examples": ["9007199254740993"] })
        }
        ColumnType::Decimal { .. } => {
            json!({ "type": "string", "pattern": "^-?[0-9]+(\\.[0-9]+)?$", "examples": ["19.90"] })
        }
        ColumnType::Date => json!({ "type": "string", "format": "date" }),
        ColumnType::DateTime => json!({ "type": "string", "format": "date-time" }),
        ColumnType::Uuid => json!({ "type": "string", "format": "uuid" }),
        ColumnType::Json => json!({}),
        ColumnType::LocalTime => json!({ "type": "string", "examples": ["12:30:00"] }),
        ColumnType::LocalDateTime => {
            json!({ "type": "string", "examples": ["2026-01-31T12:30:00"] })
        }
        ColumnType::String => json!({ "type": "string" }),
    }
}

/// The same, or null.
pub(super) fn or_null(schema: Value) -> Value {
    match schema {
        Value::Object(mut fields) => {
            if let Some(Value::String(name)) = fields.get("type").cloned() {
                fields.insert("type".to_owned(), json!([name, "null"]));
            }
            Value::Object(fields)
        }
        other => other,
    }
}

pub(super) fn column_schema(column: &Column, may_be_null: bool) -> Value {
    let schema = value_schema(column.column_type);
    let schema = if may_be_null { or_null(schema) } else { schema };
    let mut fields = match schema {
        Value::Object(fields) => fields,
        _ => Map::new(),
    };
    let text = column.description.clone().unwrap_or_else(|| column.label.clone());
    fields.insert("description".to_owned(), Value::from(text));
    Value::Object(fields)
}

pub(super) fn row_schema(dataset: &Dataset) -> Value {
    let columns = dataset.columns.iter();
    let properties: Map<String, Value> = columns
        .map(|column| (column.name.clone(), column_schema(column, column.nullable)))
        .collect();
    json!({
        "type": "object",
        "description": dataset.description.as_deref().unwrap_or(&dataset.label),
        "properties": properties,
    })
}

pub(super) fn input_schema(dataset: &Dataset) -> Value {
    let columns = dataset.columns.iter().filter(|column| !column.generated);
    let properties: Map<String, Value> = columns
        .map(|column| (column.name.clone(), column_schema(column, !column.required)))
        .collect();
    json!({ "type": "object", "properties": properties, "additionalProperties": false })
}

pub(super) fn filter_schema(dataset: &Dataset) -> Value {
    let own = format!("#/components/schemas/{}Filter", dataset.type_name);
    let list = json!({ "type": "array", "items": { "$ref": own } });
    let mut properties = Map::new();
    properties.insert("_and".to_owned(), list.clone());
    properties.insert("_or".to_owned(), list);
    properties.insert("_not".to_owned(), json!({ "$ref": own }));
    for column in dataset.columns.iter() {
        let one = value_schema(column.column_type);
        let of_column: Map<String, Value> = operators(column.column_type)
            .map(|(name, operator, _)| {
                let schema = match operator.operand() {
                    Operand::Value => one.clone(),
                    Operand::Values => json!({ "type": "array", "items": one }),
                    Operand::Boolean => json!({ "type": "boolean" }),
                    Operand::Text => json!({ "type": "string" }),
                    Operand::Texts => json!({ "type": "array", "items": { "type": "string" } }),
                };
                ((*name).to_owned(), schema)
            })
            .collect();
        let of_column =
            json!({ "type": "object", "properties": of_column, "additionalProperties": false });
        properties.insert(column.name.clone(), of_column);
    }
    json!({ "type": "object", "properties": properties, "additionalProperties": false })
}
