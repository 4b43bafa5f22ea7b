//! The routes of the catalog.

use serde_json::{Map, Value, json};

use super::answers::answers;
use super::datasets::query_parameter;
use crate::error::Code;
use crate::http::rest::operations::{Input, Kind, Operation, Place};
use crate::snippets;

pub(super) fn of_catalog(operation: &Operation) -> Value {
    let place = |input: &&Input, place: Place| input.place == place;
    let parameters: Vec<Value> = operation
        .inputs
        .iter()
        .filter(|input| !place(input, Place::Body))
        .map(|input| {
            json!({
                "name": input.name,
                "in": if input.place == Place::Path { "path" } else { "query" },
                "required": input.is_required,
                "schema": kind_schema(input.kind),
            })
        })
        .collect();
    let fields: Vec<&Input> =
        operation.inputs.iter().filter(|input| place(input, Place::Body)).collect();
    let good = operation.status.to_string();
    let schema = json!({ "type": "object", "properties": { "data": {} }, "required": ["data"] });
    let schema = (operation.status != 204).then_some(&schema);
    let is_kept = operation.method == axum::http::Method::GET;
    let more = [Code::NotFound, Code::Conflict, Code::PayloadTooLarge];
    let mut described = json!({
        "operationId": operation.id,
        "summary": operation.summary,
        "description": format!("Needs the scope {}.", format!("{:?}", operation.scope()).to_lowercase()),
        "tags": ["catalog"],
        "parameters": parameters,
        "responses": answers(&good, schema, &more, is_kept),
    });
    if let (false, Value::Object(described)) = (fields.is_empty(), &mut described) {
        let required: Vec<&str> =
            fields.iter().filter(|input| input.is_required).map(|input| input.name).collect();
        let properties: Map<String, Value> =
            fields.iter().map(|input| (input.name.to_owned(), kind_schema(input.kind))).collect();
        let schema = json!({
            "type": "object",
            "properties": properties,
            "required": required,
            "additionalProperties": false,
        });
        described.insert(
            "requestBody".to_owned(),
            json!({ "required": !required.is_empty(), "content": { "application/json": { "schema": schema } } }),
        );
    }
    described
}

pub(super) fn kind_schema(kind: Kind) -> Value {
    match kind {
        Kind::Text => json!({ "type": "string" }),
        Kind::Number => json!({ "type": "integer", "minimum": 0, "maximum": i32::MAX }),
        Kind::Texts => json!({ "type": "array", "items": { "type": "string" } }),
        Kind::Any => json!({}),
    }
}

pub(super) fn of_upload() -> Value {
    let answer = json!({ "type": "object" });
    let mut responses = answers(
        "200",
        Some(&answer),
        &[
            Code::Conflict,
            Code::FileRejected,
            Code::UnsupportedFile,
            Code::SchemaDrift,
            Code::PayloadTooLarge,
        ],
        false,
    );
    if let Value::Object(all) = &mut responses {
        let accepted = json!({
            "description": "The file is received; the job goes on",
            "content": { "application/json": { "schema": answer } },
        });
        all.insert("202".to_owned(), accepted);
    }
    json!({
        "operationId": "uploadDataset",
        "summary": "Makes a dataset of a file, or loads into one",
        "description": "Needs the scope upload. Further options of reading are parameters, as of PUT /upload/{name}.",
        "tags": ["catalog"],
        "parameters": [
            query_parameter("name", "The dataset's name", json!({ "type": "string" })),
            query_parameter("filename", "The file's name, if no name is given", json!({ "type": "string" })),
            query_parameter("mode", "create, replace, append or upsert", json!({ "type": "string", "enum": ["create", "replace", "append", "upsert"] })),
            query_parameter("wait", "Seconds to wait for the load", json!({ "type": "integer", "minimum": 0, "maximum": 600 })),
        ],
        "requestBody": { "required": true, "content": { "application/octet-stream": {} } },
        "responses": responses,
    })
}

/// Code for all tools.
pub(super) fn of_snippets() -> Value {
    let text = || json!({ "type": "string" });
    let snippet = json!({
        "type": "object",
        "properties": {
            "kind": snippet_kinds(),
            "label": text(),
            "language": text(),
            "code": text(),
        },
        "required": ["kind", "label", "language", "code"],
    });
    let told = json!({
        "type": "object",
        "properties": {
            "dataset": text(),
            "snippets": { "type": "array", "items": snippet },
        },
        "required": ["dataset", "snippets"],
    });
    json!({
        "operationId": "listSnippets",
        "summary": "Code that reads a dataset's rows in people's tools",
        "description": "Needs the scope read. The code is of what the key may see, and holds no key.",
        "tags": ["catalog"],
        "parameters": [path_parameter("dataset", "The dataset's name", &text())],
        "responses": answers("200", Some(&told), &[Code::NotFound], true),
    })
}

/// Code for one tool.
pub(super) fn of_snippet() -> Value {
    let mut responses = answers("200", None, &[Code::NotFound], true);
    if let Some(Value::Object(good)) = responses.get_mut("200") {
        let plain = json!({ "text/plain": { "schema": { "type": "string" } } });
        good.insert("content".to_owned(), plain);
    }
    json!({
        "operationId": "getSnippet",
        "summary": "Code that reads a dataset's rows in one tool, as text",
        "description": "Needs the scope read.",
        "tags": ["catalog"],
        "parameters": [
            path_parameter("dataset", "The dataset's name", &json!({ "type": "string" })),
            path_parameter("kind", "The tool", &snippet_kinds()),
        ],
        "responses": responses,
    })
}

fn snippet_kinds() -> Value {
    let kinds: Vec<&str> = snippets::Kind::all().map(snippets::Kind::name).collect();
    json!({ "type": "string", "enum": kinds })
}

fn path_parameter(name: &str, description: &str, schema: &Value) -> Value {
    json!({ "name": name, "in": "path", "required": true, "description": description, "schema": schema })
}
