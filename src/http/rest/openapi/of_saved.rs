//! The routes of saved queries.

use serde_json::{Map, Value, json};

use super::answers::answers;
use super::datasets::add_path;
use crate::catalog::saved_queries::SavedQuery;
use crate::error::Code;
use crate::graphql::Variable;

/// Adds the route of a saved query, as JSON and as CSV.
pub(super) fn add_saved(
    paths: &mut Map<String, Value>,
    query: &SavedQuery,
    variables: &[Variable],
) {
    let parameters: Vec<Value> = variables
        .iter()
        .map(|variable| {
            let mut schema = of_type(&variable.declared);
            if let (Some(default), Value::Object(schema)) = (&variable.default, &mut schema) {
                schema.insert("default".to_owned(), default.clone());
            }
            json!({
                "name": variable.name,
                "in": "query",
                "required": variable.is_needed(),
                "description": format!("The variable ${} of the type {}", variable.name, variable.declared),
                "schema": schema,
            })
        })
        .collect();
    let about =
        query.description.clone().unwrap_or_else(|| format!("The saved query {}", query.name));
    let told = json!({ "type": "object" });
    let errors = [Code::NotFound, Code::QueryTooComplex];
    let operation = |id: &str, responses: Value| {
        json!({
            "operationId": id,
            "summary": about,
            "description": format!("Needs the scope query.\n\n```graphql\n{}\n```", query.document),
            "tags": ["saved queries"],
            "parameters": parameters,
            "responses": responses,
        })
    };
    let of_json =
        operation(&format!("run_{}", query.name), answers("200", Some(&told), &errors, true));
    add_path(paths, &format!("/q/{}", query.name), "GET", of_json);
    let mut as_table = answers("200", None, &errors, true);
    if let Some(Value::Object(good)) = as_table.get_mut("200") {
        good.insert(
            "content".to_owned(),
            json!({ "text/csv": { "schema": { "type": "string" } } }),
        );
    }
    let of_csv = operation(&format!("run_{}_csv", query.name), as_table);
    add_path(paths, &format!("/q/{}.csv", query.name), "GET", of_csv);
}

/// What a variable's values are in an address.
fn of_type(declared: &str) -> Value {
    let declared = declared.trim_end_matches('!');
    if let Some(item) = declared.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return json!({ "type": "array", "items": of_type(item) });
    }
    match declared {
        "Int" => json!({ "type": "integer", "format": "int32" }),
        "Float" => json!({ "type": "number", "format": "double" }),
        "Boolean" => json!({ "type": "boolean" }),
        _ => json!({ "type": "string" }),
    }
}
