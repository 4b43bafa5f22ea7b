//! What routes answer, the good and the bad.

use serde_json::{Map, Value, json};

use crate::error::Code;
use crate::http::refusal::status_of;

/// Codes that any route may answer with.
const ALWAYS: [Code; 7] = [
    Code::BadUserInput,
    Code::Unauthenticated,
    Code::Forbidden,
    Code::RateLimited,
    Code::Internal,
    Code::StorageUnavailable,
    Code::Timeout,
];

pub(super) fn problem_schema() -> Value {
    let codes: Vec<&str> = Code::ALL.iter().map(|code| code.wire()).collect();
    json!({
        "type": "object",
        "description": "RFC 9457",
        "properties": {
            "type": { "type": "string", "format": "uri" },
            "title": { "type": "string" },
            "status": { "type": "integer" },
            "detail": { "type": "string" },
            "code": { "type": "string", "enum": codes },
            "requestId": { "type": "string" },
        },
        "required": ["type", "title", "status", "detail", "code"],
    })
}

/// Answers that all routes share.
pub(super) fn responses() -> Value {
    let mut by_status = Map::new();
    for code in Code::ALL {
        let name = status_of(code);
        let title = name.canonical_reason().unwrap_or("Error");
        by_status.insert(
            format!("E{}", name.as_u16()),
            json!({
                "description": title,
                "content": { "application/problem+json": { "schema": { "$ref": "#/components/schemas/Problem" } } },
            }),
        );
    }
    for (number, title) in [
        (405, "Method Not Allowed"),
        (412, "Precondition Failed"),
        (413, "Payload Too Large"),
        (415, "Unsupported Media Type"),
    ] {
        by_status.entry(format!("E{number}")).or_insert_with(|| json!({
            "description": title,
            "content": { "application/problem+json": { "schema": { "$ref": "#/components/schemas/Problem" } } },
        }));
    }
    Value::Object(by_status)
}

/// The answers of a route: the good one, and what may go wrong.
pub(super) fn answers(good: &str, schema: Option<&Value>, more: &[Code], is_kept: bool) -> Value {
    let mut all = Map::new();
    let mut told = json!({ "description": "Done" });
    if let (Some(schema), Value::Object(told)) = (schema, &mut told) {
        told.insert("content".to_owned(), json!({ "application/json": { "schema": schema } }));
    }
    all.insert(good.to_owned(), told);
    if is_kept {
        all.insert("304".to_owned(), json!({ "description": "The client has it already" }));
    } else if good != "204" {
        all.insert("204".to_owned(), json!({ "description": "Done; no row was asked for" }));
    }
    for code in ALWAYS.iter().chain(more) {
        let number = status_of(*code).as_u16();
        all.insert(
            number.to_string(),
            json!({ "$ref": format!("#/components/responses/E{number}") }),
        );
    }
    if !is_kept {
        for number in [412, 413, 415] {
            all.insert(
                number.to_string(),
                json!({ "$ref": format!("#/components/responses/E{number}") }),
            );
        }
    }
    Value::Object(all)
}
