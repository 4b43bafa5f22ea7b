//! The catalog by REST: datasets, jobs, keys, policies, webhooks and the rest.
//!
//! The routes are those of [`super::operations`]. Path, query and body give a document's variables by
//! name; what they may be is for GraphQL to say.

use std::sync::Arc;

use axum::Router;
use axum::extract::{RawPathParams, Request, State};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodFilter, MethodRouter, on};
use serde_json::{Map, Value};

use super::operations::{Kind, Operation, Place, operations};
use super::question::Question;
use super::{App, AppState, Asker, Told, Wrapping, problem};
use crate::error::Error;
use crate::graphql::Keeping;
use crate::http::refusal::Refusal;
use crate::http::upload;

/// Adds the routes of the catalog.
pub(super) fn add(mut router: Router<Arc<App>>) -> Router<Arc<App>> {
    let mut paths: Vec<&str> = operations().map(|operation| operation.path).collect();
    paths.sort_unstable();
    paths.dedup();
    for path in paths {
        let of_path = || operations().filter(|operation| operation.path == path);
        let mut methods: MethodRouter<Arc<App>> = MethodRouter::new();
        for operation in of_path() {
            let Ok(filter) = MethodFilter::try_from(operation.method.clone()) else { continue };
            methods = methods
                .on(filter, move |state, params, request| run(operation, state, params, request));
        }
        if path == "/api/v1/datasets" {
            methods = methods.merge(on(MethodFilter::POST, upload::by_rest));
        }
        router = router.route(path, methods);
    }
    router
}

async fn run(
    operation: &'static Operation,
    State(app): AppState,
    params: RawPathParams,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let work = async {
        let asker = Asker::admit(&app, &parts.headers).await?;
        let mut variables = Map::new();
        for (name, value) in &params {
            variables.insert(name.to_owned(), Value::from(value));
        }
        read_query(operation, parts.uri.query().unwrap_or_default(), &mut variables)?;
        if operation.inputs.iter().any(|input| input.place == Place::Body) {
            read_body(operation, asker.body(body).await?, &mut variables)?;
        }
        let is_read_only = operation.method == Method::GET;
        let question = Question {
            document: operation.document.to_owned(),
            variables: Value::Object(variables).to_string(),
            wrapping: Wrapping::Data,
            is_read_only,
        };
        let told = asker.ask(question, is_read_only).await?;
        if told.body.as_ref() == b"{\"data\":null}" {
            let path = parts.uri.path();
            return Err(Refusal::from(Error::not_found(format!("There is nothing at {path}."))));
        }
        let status = StatusCode::from_u16(operation.status).unwrap_or(StatusCode::OK);
        if status == StatusCode::NO_CONTENT {
            return Ok(status.into_response());
        }
        let keeping = if is_read_only { told.keeping } else { Keeping::Never };
        let mut response = asker.respond(Told { keeping, ..told });
        if response.status() == StatusCode::OK {
            *response.status_mut() = status;
        }
        Ok(response)
    };
    work.await.unwrap_or_else(problem)
}

fn read_query(
    operation: &Operation,
    text: &str,
    variables: &mut Map<String, Value>,
) -> Result<(), Refusal> {
    for (name, value) in form_urlencoded::parse(text.as_bytes()) {
        let input = operation.inputs.iter().find(|input| {
            // `page[limit]` as for rows, and its short form.
            let is_named = name == input.name
                || name.strip_prefix("page[").and_then(|it| it.strip_suffix(']'))
                    == Some(input.name);
            input.place == Place::Query && is_named
        });
        let Some(input) = input else {
            let name: String = name.chars().take(100).collect();
            return Err(Refusal::bad_request(format!(
                "There is no parameter {name:?}; GET /openapi.json lists those of each route."
            )));
        };
        let value = match input.kind {
            Kind::Number => value.parse::<i64>().map(Value::from).map_err(|_| {
                Refusal::bad_request(format!("The parameter {name} must be a whole number."))
            })?,
            _ => Value::from(value.into_owned()),
        };
        variables.insert(input.name.to_owned(), value);
    }
    Ok(())
}

fn read_body(
    operation: &Operation,
    body: Value,
    variables: &mut Map<String, Value>,
) -> Result<(), Refusal> {
    let fields = match body {
        Value::Object(fields) => fields,
        Value::Null => Map::new(),
        _ => return Err(Refusal::bad_request("Send a JSON object.")),
    };
    let known = || operation.inputs.iter().filter(|input| input.place == Place::Body);
    for (name, value) in fields {
        if !known().any(|input| input.name == name) {
            let names: Vec<&str> = known().map(|input| input.name).collect();
            let name: String = name.chars().take(100).collect();
            return Err(Refusal::bad_request(format!(
                "There is no field {name:?}; the body has {}.",
                names.join(", ")
            )));
        }
        variables.insert(name, value);
    }
    let missing = known().find(|input| input.is_required && !variables.contains_key(input.name));
    match missing {
        Some(input) => {
            Err(Refusal::bad_request(format!("The body needs the field {:?}.", input.name)))
        }
        None => Ok(()),
    }
}
