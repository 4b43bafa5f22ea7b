//! `POST /sign-in`: takes the one-time token of the playground's link for a key of some hours.
//!
//! The token is spent by the first call, so a link in a terminal's history opens nothing.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::json;

use super::accept::{Content, content};
use super::body::Patience;
use super::gate::count_failure;
use super::refusal::Refusal;
use super::{App, body};

const MAX_BODY_BYTES: usize = 4_096;

#[derive(Deserialize)]
struct SignIn {
    token: String,
}

/// Answers `{"key", "expiresAt"}`.
pub(super) async fn post(
    State(app): State<Arc<App>>,
    request: Request,
) -> Result<Response, Refusal> {
    let (parts, body) = request.into_parts();
    if content(&parts.headers) != Content::Json {
        return Err(Refusal::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "Send content-type application/json.",
        ));
    }
    body::refuse_encoded(&parts.headers)?;
    let patience = Patience::of(&app.settings);
    let bytes = body::read_whole(body, &parts.headers, MAX_BODY_BYTES, patience).await?;
    let sign_in: SignIn = serde_json::from_slice(&bytes)
        .map_err(|_| Refusal::bad_request("Send {\"token\": \"…\"} with the token of the link."))?;
    let signed_in = app.auth.sign_in(&sign_in.token).await;
    let (key, expires_at_us) =
        signed_in.map_err(|error| count_failure(&app, &parts.headers, error))?;
    let expires_at = jiff::Timestamp::from_microsecond(expires_at_us)
        .map_or_else(|_| serde_json::Value::Null, |time| json!(time.to_string()));
    let answer = json!({ "key": key, "expiresAt": expires_at });
    Ok(([(header::CONTENT_TYPE, "application/json")], answer.to_string()).into_response())
}
