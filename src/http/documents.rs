//! `PUT /documents` and `POST /documents`: the workspace's list of trusted documents, as build
//! tools write it.
//!
//! PUT makes the manifest the list, POST adds it. `?mode=trusted` serves only listed documents from
//! then on, `?mode=any` every valid one.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};

use super::App;
use super::body::{self, Patience};
use super::gate::{admit, record};
use super::refusal::Refusal;
use crate::auth::Class;
use crate::catalog::model::Scope;
use crate::config::DocumentMode;

/// Makes a manifest the list.
pub(super) async fn put(
    State(app): State<Arc<App>>,
    request: Request,
) -> Result<Response, Refusal> {
    take(&app, request, false).await
}

/// Adds a manifest to the list.
pub(super) async fn post(
    State(app): State<Arc<App>>,
    request: Request,
) -> Result<Response, Refusal> {
    take(&app, request, true).await
}

async fn take(app: &App, request: Request, keeps_others: bool) -> Result<Response, Refusal> {
    let (parts, body) = request.into_parts();
    let principal = admit(app, &parts.headers, Scope::Admin, Class::Write).await?;
    principal.require_whole()?;
    let mode = mode(&parts)?;
    let manifest = read(app, &parts, body).await?;
    let put = app.engine.put_documents(&principal, &manifest, keeps_others, mode).await;
    let code = put.as_ref().err().map(|error| error.code);
    record(app, &parts.headers, &principal, "setTrustedDocuments", None, code);
    let answer = put?;
    let json = [(header::CONTENT_TYPE, "application/json; charset=utf-8")];
    Ok((json, answer.to_string()).into_response())
}

fn mode(parts: &Parts) -> Result<Option<DocumentMode>, Refusal> {
    let mut mode = None;
    for (name, value) in form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes()) {
        mode = match (&*name, &*value) {
            ("mode", "any") => Some(DocumentMode::Any),
            ("mode", "trusted") => Some(DocumentMode::Trusted),
            _ => {
                return Err(Refusal::bad_request(format!(
                    "{name}={value} is not known; mode=any and mode=trusted are."
                )));
            }
        };
    }
    Ok(mode)
}

async fn read(app: &App, parts: &Parts, body: Body) -> Result<axum::body::Bytes, Refusal> {
    body::refuse_encoded(&parts.headers)?;
    let settings = &app.settings;
    // Quotes and line ends of a text take two bytes in JSON.
    let limit = settings.max_documents_bytes.saturating_mul(2);
    let named = ("The manifest", "max_documents_size");
    body::read_whole_of(named, body, &parts.headers, limit, Patience::of(settings)).await
}
