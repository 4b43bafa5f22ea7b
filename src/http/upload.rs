//! `PUT /upload/{name}`: a file as a raw body, for scripts.
//!
//! The body goes to the spool as it arrives; the answer is the job, and the dataset once it is done.
//! Options are query parameters, each checked, none ignored.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, Request, State};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};
use sluice_schema::ReadOptions;

use super::App;
use super::accept::{Content, content};
use super::body::{self, Chunks};
use super::refusal::{Refusal, error_json, status_of};
use crate::auth::Principal;
use crate::catalog::model::{Job, JobStatus, LoadMode, Scope};
use crate::error::{Code, Error};
use crate::ingest::UploadRequest;

const MAX_WAIT_SECONDS: u64 = 600;

/// Names of files rather than of datasets.
const FILE_EXTENSIONS: [&str; 5] = ["csv", "tsv", "psv", "tab", "txt"];

/// `PUT /upload/{name}`: replaces the dataset of that name, unless told otherwise.
pub(super) async fn named(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    request: Request,
) -> Result<Response, Refusal> {
    run(app, Some(name), LoadMode::Replace, request).await
}

/// `PUT /upload`: the name comes from the file's name, and must be free.
pub(super) async fn unnamed(
    State(app): State<Arc<App>>,
    request: Request,
) -> Result<Response, Refusal> {
    run(app, None, LoadMode::Create, request).await
}

async fn run(
    app: Arc<App>,
    name: Option<String>,
    default_mode: LoadMode,
    request: Request,
) -> Result<Response, Refusal> {
    let (parts, body) = request.into_parts();
    let principal = app.auth.authenticate(&parts.headers).await?;
    principal.require(Scope::Upload)?;
    let (upload, wait) = read_parameters(&parts, name, default_mode)?;
    refuse_body(&app, &parts)?;
    let chunks = Chunks::new(body, app.settings.body_idle_timeout);
    let id = app.ingest.receive(principal.workspace, upload, chunks).await?;
    let job = app.ingest.wait(principal.workspace, id, wait).await?;
    Ok(answer(&app, &principal, &job).await)
}

/// What can be refused before the first byte of the body.
fn refuse_body(app: &App, parts: &Parts) -> Result<(), Refusal> {
    body::refuse_encoded(&parts.headers)?;
    if matches!(content(&parts.headers), Content::Multipart(_)) {
        return Err(Refusal::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "Send the file itself as the body (curl -T FILE URL); forms go to /graphql.",
        ));
    }
    let limit_bytes = app.settings.max_upload_bytes;
    if body::announced_length(&parts.headers).is_some_and(|length| length > limit_bytes) {
        return Err(Refusal::too_large("The file", limit_bytes, "max_upload_size"));
    }
    Ok(())
}

async fn answer(app: &App, principal: &Principal, job: &Job) -> Response {
    let mut answer = app.engine.job_json(principal, job).await;
    let mut status = match job.status {
        JobStatus::Queued | JobStatus::Running => StatusCode::ACCEPTED,
        JobStatus::Succeeded | JobStatus::Failed | JobStatus::Cancelled => StatusCode::OK,
    };
    let failure = match (job.status, &job.error) {
        (JobStatus::Failed, Some((code, message))) => {
            Some((Code::from_wire(code).unwrap_or(Code::Internal), message.as_str()))
        }
        (JobStatus::Failed, None) => Some((Code::Internal, "The job failed without a reason.")),
        (JobStatus::Cancelled, _) => Some((Code::Conflict, "The job was cancelled.")),
        _ => None,
    };
    if let (Some((code, message)), Value::Object(fields)) = (failure, &mut answer) {
        status = status_of(code);
        fields.insert("errors".to_owned(), json!([error_json(code, message)]));
    }
    (status, [(header::CONTENT_TYPE, "application/json; charset=utf-8")], answer.to_string())
        .into_response()
}

fn read_parameters(
    parts: &Parts,
    name: Option<String>,
    default_mode: LoadMode,
) -> Result<(UploadRequest, Duration), Refusal> {
    let mut mode = default_mode;
    let mut wait = Duration::ZERO;
    let mut file_name = None;
    let mut options = Map::new();
    for (key, value) in form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes()) {
        match &*key {
            "mode" => mode = read_mode(&value)?,
            "wait" => wait = read_wait(&value)?,
            "filename" => file_name = Some(value.into_owned()),
            "options" => match serde_json::from_str(&value) {
                Ok(Value::Object(more)) => options.extend(more),
                _ => return Err(wrong("options", &value, "a JSON object")),
            },
            _ => {
                let value = read_option(&key, &value)?;
                options.insert(key.into_owned(), value);
            }
        }
    }
    // `curl -T orders.csv http://…/upload/` puts the file's name at the end.
    let is_file_name = |name: &String| {
        name.rsplit_once('.').is_some_and(|(stem, extension)| {
            !stem.is_empty() && FILE_EXTENSIONS.contains(&extension.to_ascii_lowercase().as_str())
        })
    };
    let (name, file_name) = match (name, file_name) {
        (Some(name), None) if is_file_name(&name) => (None, name),
        (Some(name), None) => (Some(name.clone()), name),
        (name, Some(file_name)) => (name, file_name),
        (None, None) => {
            return Err(Refusal::bad_request(
                "The dataset needs a name; send to /upload/NAME, or add ?filename=orders.csv.",
            ));
        }
    };
    let options: ReadOptions = serde_json::from_value(Value::Object(options)).map_err(|e| {
        Refusal::bad_request(format!(
            "A query parameter is not as expected: {e}. Besides mode, wait and filename, the reading options are taken."
        ))
    })?;
    Ok((UploadRequest { name, file_name, mode, options }, wait))
}

fn read_mode(text: &str) -> Result<LoadMode, Refusal> {
    match text.to_ascii_lowercase().as_str() {
        "create" => Ok(LoadMode::Create),
        "replace" => Ok(LoadMode::Replace),
        _ => Err(wrong("mode", text, "create or replace")),
    }
}

fn read_wait(text: &str) -> Result<Duration, Refusal> {
    let seconds = text.strip_suffix('s').unwrap_or(text).parse::<u64>().ok();
    match seconds.filter(|seconds| *seconds <= MAX_WAIT_SECONDS) {
        Some(seconds) => Ok(Duration::from_secs(seconds)),
        None => Err(wrong("wait", text, "seconds from 0 to 600")),
    }
}

/// A reading option as JSON, as `ReadOptions` spells it.
fn read_option(key: &str, text: &str) -> Result<Value, Refusal> {
    match key {
        "headerRow" | "headerRows" | "skipRows" | "skipFooter" => match text.parse::<u64>() {
            Ok(number) => Ok(json!(number)),
            Err(_) => Err(wrong(key, text, "a whole number")),
        },
        "nullSpellings" | "sheets" => Ok(text.split(',').map(Value::from).collect()),
        "dateOrder" => Ok(json!(text.to_ascii_uppercase())),
        "columns" => serde_json::from_str(text).map_err(|_| wrong(key, text, "a JSON list")),
        _ => Ok(json!(text)),
    }
}

fn wrong(key: &str, text: &str, expected: &str) -> Refusal {
    let error = format!("The query parameter {key} is {text:?}; expected {expected}.");
    Refusal::from(Error::bad_input(error))
}
