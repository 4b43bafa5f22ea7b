//! `PUT /upload/{name}`: a file as a raw body, for scripts.
//!
//! The body goes to the spool as it arrives; the answer is the job, and the dataset once it is done.
//! Options are query parameters, each checked, none ignored.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, Request, State};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::App;
use super::accept::{Content, Media, content};
use super::body::{self, Chunks, Patience};
use super::gate::{admit, record};
use super::refusal::{Refusal, error_json, status_of};
use crate::auth::Class;
use crate::catalog::model::{Job, JobStatus, LoadMode, Scope};
use crate::catalog::now_us;
use crate::error::{Code, Error};
use crate::graphql::inspection_json;
use crate::ingest::{UploadRequest, option_of_text, read_options};

const MAX_WAIT_SECONDS: u64 = 600;
/// Rows that an inspection shows unless told otherwise.
const DEFAULT_ROWS: usize = 20;
const JSON: &str = "application/json; charset=utf-8";

/// Names of files rather than of datasets.
const FILE_EXTENSIONS: [&str; 16] = [
    "csv", "tsv", "psv", "tab", "txt", "json", "ndjson", "jsonl", "xlsx", "xlsm", "xlsb", "xls",
    "ods", "zip", "gz", "zst",
];

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
    let (answer, job) = load(&app, name, default_mode, request).await?;
    Ok(respond(answer, &job))
}

/// Receives a file and waits for its job as long as is asked; what it answers, and the job.
async fn load(
    app: &App,
    name: Option<String>,
    default_mode: LoadMode,
    request: Request,
) -> Result<(Value, Job), Refusal> {
    let (parts, body) = request.into_parts();
    let principal = admit(app, &parts.headers, Scope::Upload, Class::Upload).await?;
    let (mut upload, wait) = read_parameters(&parts, name, default_mode)?;
    upload.bounds = app.auth.upload_bounds(&principal);
    upload.actor = Some(principal.key_prefix.clone());
    refuse_body(app, &parts)?;
    let began_us = now_us();
    let chunks = Chunks::new(body, Patience::of(&app.settings));
    let size_bytes = body::announced_length(&parts.headers);
    let target = upload.name.clone().unwrap_or_else(|| upload.file_name.clone());
    let received = app.ingest.receive(principal.workspace, upload, size_bytes, chunks).await;
    let code = received.as_ref().err().map(|error| error.code);
    record(app, &parts.headers, &principal, "upload", Some(&target), code);
    let id = received?;
    let job = app.ingest.wait(principal.workspace, id, wait).await?;
    let mut answer = app.engine.job_json(&principal, &job).await;
    if job.created_at_us < began_us {
        // An older job was found by its request id.
        set(&mut answer, "unchanged", Value::Bool(true));
    }
    Ok((answer, job))
}

/// `POST /api/v1/datasets`: the same, with the name among the parameters.
pub(super) async fn by_rest(State(app): State<Arc<App>>, request: Request) -> Response {
    let (mut parts, body) = request.into_parts();
    let query = parts.uri.query().unwrap_or_default();
    let pairs = || form_urlencoded::parse(query.as_bytes());
    let name = pairs().find(|(key, _)| key == "name").map(|(_, value)| value.into_owned());
    let others = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(pairs().filter(|(key, _)| key != "name"))
        .finish();
    if let Ok(uri) = format!("{}?{others}", parts.uri.path()).parse() {
        parts.uri = uri;
    }
    let request = Request::from_parts(parts, body);
    let loaded = load(&app, name, LoadMode::Create, request).await;
    let answer = loaded.and_then(|(answer, job)| match failure_of(&job) {
        None => Ok(respond(answer, &job)),
        Some((code, message)) => Err(Refusal::from(Error::new(code, message.to_owned()))),
    });
    answer.unwrap_or_else(|refusal| refusal.in_media(Media::Rest).into_response())
}

/// `POST /inspect`: what an upload of the body would make; nothing is stored.
pub(super) async fn inspect(
    State(app): State<Arc<App>>,
    request: Request,
) -> Result<Response, Refusal> {
    let (parts, body) = request.into_parts();
    let principal = admit(&app, &parts.headers, Scope::Upload, Class::Inspect).await?;
    let (mut own, mut rows, mut name) = (Vec::new(), DEFAULT_ROWS, None);
    for (key, value) in form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes()) {
        match &*key {
            "rows" => rows = value.parse().map_err(|_| wrong("rows", &value, "a number"))?,
            "name" => name = Some(value.into_owned()),
            _ => own.push((key, value)),
        }
    }
    if name.is_none() && !own.iter().any(|(key, _)| key == "filename") {
        name = Some("upload".to_owned());
    }
    let (mut upload, _) = read_pairs(own.into_iter(), name, LoadMode::Replace)?;
    upload.bounds = app.auth.upload_bounds(&principal);
    refuse_body(&app, &parts)?;
    app.ingest.check(principal.workspace, &upload)?;
    let chunks = Chunks::new(body, Patience::of(&app.settings));
    let spooled = app.ingest.spool(chunks).await?;
    let sheets = app.ingest.inspect(principal.workspace, upload, spooled, rows).await?;
    let answer = inspection_json(&sheets)?.to_string();
    Ok(([(header::CONTENT_TYPE, JSON)], answer).into_response())
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

fn set(answer: &mut Value, key: &str, value: Value) {
    if let Value::Object(fields) = answer {
        fields.insert(key.to_owned(), value);
    }
}

fn respond(mut answer: Value, job: &Job) -> Response {
    let mut status = match job.status {
        JobStatus::Queued | JobStatus::Running => StatusCode::ACCEPTED,
        JobStatus::Succeeded | JobStatus::Failed | JobStatus::Cancelled => StatusCode::OK,
    };
    if let Some((code, message)) = failure_of(job) {
        status = status_of(code);
        set(&mut answer, "errors", json!([error_json(code, message)]));
    }
    (status, [(header::CONTENT_TYPE, JSON)], answer.to_string()).into_response()
}

/// Why a job did not load, if it has ended without.
fn failure_of(job: &Job) -> Option<(Code, &str)> {
    match (job.status, &job.error) {
        (JobStatus::Failed, Some((code, message))) => {
            Some((Code::from_wire(code).unwrap_or(Code::Internal), message.as_str()))
        }
        (JobStatus::Failed, None) => Some((Code::Internal, "The job failed without a reason.")),
        (JobStatus::Cancelled, _) => Some((Code::Conflict, "The job was cancelled.")),
        _ => None,
    }
}

fn read_parameters(
    parts: &Parts,
    name: Option<String>,
    default_mode: LoadMode,
) -> Result<(UploadRequest, Duration), Refusal> {
    let query = parts.uri.query().unwrap_or_default();
    read_pairs(form_urlencoded::parse(query.as_bytes()), name, default_mode)
}

fn read_pairs<'q>(
    pairs: impl Iterator<Item = (Cow<'q, str>, Cow<'q, str>)>,
    name: Option<String>,
    default_mode: LoadMode,
) -> Result<(UploadRequest, Duration), Refusal> {
    let mut upload = UploadRequest { mode: default_mode, ..UploadRequest::default() };
    let mut wait = Duration::ZERO;
    let mut file_name = None;
    let mut options = Map::new();
    for (key, value) in pairs {
        match &*key {
            "mode" => upload.mode = read_word("mode", &value, "create, replace, append or upsert")?,
            "onDrift" => {
                upload.on_drift = Some(read_word("onDrift", &value, "fail, widen or replace")?);
            }
            "onError" => upload.on_error = read_word("onError", &value, "abort or reject")?,
            "key" => upload.key = Some(value.into_owned()),
            "description" => upload.description = Some(value.into_owned()),
            "requestId" => upload.request_id = Some(value.into_owned()),
            "wait" => wait = read_wait(&value)?,
            "filename" => file_name = Some(value.into_owned()),
            "options" => match serde_json::from_str(&value) {
                Ok(Value::Object(more)) => options.extend(more),
                _ => return Err(wrong("options", &value, "a JSON object")),
            },
            _ => {
                let value = option_of_text(&key, &value)?;
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
    (upload.name, upload.file_name) = (name, file_name);
    upload.options = read_options(options)?;
    Ok((upload, wait))
}

/// A word of a closed list, in any case.
fn read_word<T: DeserializeOwned>(key: &str, text: &str, expected: &str) -> Result<T, Refusal> {
    serde_json::from_value(Value::from(text.to_ascii_uppercase()))
        .map_err(|_| wrong(key, text, expected))
}

fn read_wait(text: &str) -> Result<Duration, Refusal> {
    let seconds = text.strip_suffix('s').unwrap_or(text).parse::<u64>().ok();
    match seconds.filter(|seconds| *seconds <= MAX_WAIT_SECONDS) {
        Some(seconds) => Ok(Duration::from_secs(seconds)),
        None => Err(wrong("wait", text, "seconds from 0 to 600")),
    }
}

fn wrong(key: &str, text: &str, expected: &str) -> Refusal {
    let error = format!("The query parameter {key} is {text:?}; expected {expected}.");
    Refusal::from(Error::bad_input(error))
}
