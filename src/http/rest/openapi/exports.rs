//! The files of a dataset's rows.

use serde_json::{Map, Value, json};

use super::answers::answers;
use super::datasets::{
    add_path, fields_parameter, filter_parameters, query_parameter, sort_parameter,
};
use crate::catalog::model::Dataset;
use crate::error::Code;
use crate::export::Format;

/// Adds `/export/{dataset}.{format}`.
pub(super) fn add_export(paths: &mut Map<String, Value>, dataset: &Dataset) {
    let (name, of_type) = (&dataset.name, &dataset.type_name);
    let row = json!({ "$ref": format!("#/components/schemas/{of_type}") });
    let content: Map<String, Value> = Format::ALL
        .into_iter()
        .map(|format| {
            let media = format.content_type().split(';').next().unwrap_or_default();
            let content = match format {
                Format::Json => json!({ "schema": { "type": "array", "items": row } }),
                _ => json!({}),
            };
            (media.to_owned(), content)
        })
        .collect();
    let more = [Code::NotFound, Code::Conflict, Code::PayloadTooLarge, Code::QueryTooComplex];
    let mut responses = answers("200", None, &more, true);
    if let Some(Value::Object(good)) = responses.get_mut("200") {
        good.insert("content".to_owned(), Value::Object(content));
    }
    let operation = json!({
        "operationId": format!("export{of_type}"),
        "summary": format!("All rows of {:?} as a file", dataset.label),
        "tags": [name],
        "parameters": parameters(dataset),
        "responses": responses,
    });
    add_path(paths, &format!("/export/{name}.{{format}}"), "GET", operation);
}

fn parameters(dataset: &Dataset) -> Vec<Value> {
    let mut parameters = vec![json!({
        "name": "format",
        "in": "path",
        "required": true,
        "description": "As what the rows are written",
        "schema": { "type": "string", "enum": Format::ALL.map(Format::extension) },
    })];
    parameters.extend(filter_parameters(dataset));
    parameters.extend([fields_parameter(dataset), sort_parameter(dataset)]);
    let number = || json!({ "type": "integer", "minimum": 0 });
    let words = |words: &[&str]| json!({ "type": "string", "enum": words });
    parameters.extend([
        query_parameter("limit", "Rows", number()),
        query_parameter("offset", "Rows to leave out", number()),
        query_parameter(
            "delimiter",
            "Of .csv: what stands between two values, a mark or the word tab",
            json!({ "type": "string" }),
        ),
        query_parameter(
            "header",
            "Of .csv and .tsv: whether the first line names the columns; labels: as their file did",
            words(&["true", "false", "labels"]),
        ),
        query_parameter(
            "guard",
            "Of .csv and .tsv: whether text that looks like a formula is made harmless",
            json!({ "type": "boolean", "default": true }),
        ),
        query_parameter(
            "bom",
            "Of .csv and .tsv: whether a byte order mark comes first",
            json!({ "type": "boolean", "default": false }),
        ),
        query_parameter(
            "decimal",
            "Of .csv and .tsv: what stands in numbers",
            words(&["point", "comma"]),
        ),
    ]);
    parameters
}
