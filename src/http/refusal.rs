//! Turns a failure into the one shape that every route answers: a GraphQL error with a status.
//!
//! Internals are logged here, once, with the request id, and never shown.

use std::borrow::Cow;

use axum::http::header::{self, HeaderName, HeaderValue};
use axum::http::{Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::accept::Media;
use super::context::request_id;
use super::rest;
use crate::error::{Code, Error};

/// Marks an answer that may have come before the request was read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Refused;

/// A request that is answered without having been carried out.
#[derive(Debug)]
pub(super) struct Refusal(Box<Reason>);

#[derive(Debug)]
struct Reason {
    status: StatusCode,
    error: Error,
    header: Option<(HeaderName, HeaderValue)>,
    media: Media,
}

impl Refusal {
    /// The request is wrong in a way that HTTP has a status for.
    pub(super) fn new(status: StatusCode, message: impl Into<Cow<'static, str>>) -> Refusal {
        let error = Error::bad_input(message);
        Refusal(Box::new(Reason { status, error, header: None, media: Media::Json }))
    }

    /// 400 with a sentence.
    pub(super) fn bad_request(message: impl Into<Cow<'static, str>>) -> Refusal {
        Refusal::new(StatusCode::BAD_REQUEST, message)
    }

    /// 413, naming the limit and the setting that raises it.
    pub(super) fn too_large(what: &str, limit_bytes: u64, setting: &str) -> Refusal {
        Refusal::from(Error::new(
            Code::PayloadTooLarge,
            format!(
                "{what} is larger than the {limit_bytes} bytes allowed; send less, or raise the setting {setting}."
            ),
        ))
    }

    /// Whether it has this code.
    pub(super) fn is(&self, code: Code) -> bool {
        self.0.error.code == code
    }

    /// What is wrong.
    pub(super) fn message(&self) -> &str {
        &self.0.error.message
    }

    /// The same refusal in the media type that was asked for.
    #[must_use]
    pub(super) fn in_media(mut self, media: Media) -> Refusal {
        self.0.media = media;
        self
    }

    /// The same refusal with a header.
    #[must_use]
    pub(super) fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Refusal {
        self.0.header = Some((name, value));
        self
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Refusal {
        let status = status_of(error.code);
        let header = match error.code {
            Code::Unauthenticated => {
                Some((header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer")))
            }
            code if code.is_retryable() => {
                Some((header::RETRY_AFTER, HeaderValue::from_static("1")))
            }
            _ => None,
        };
        Refusal(Box::new(Reason { status, error, header, media: Media::Json }))
    }
}

/// The status of a code.
pub(super) fn status_of(code: Code) -> StatusCode {
    StatusCode::from_u16(code.http_status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let Reason { status, error, header, media } = *self.0;
        log(&error);
        let (body, content_type) = match media {
            Media::Rest => (problem_json(status, &error), PROBLEM),
            _ => {
                let body = json!({ "errors": [error_json(error.code, &error.message)] });
                (body, media.content_type())
            }
        };
        let mut response = (status, body.to_string()).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, content_type);
        if let Some((name, value)) = header {
            headers.insert(name, value);
        }
        response.extensions_mut().insert(Refused);
        response
    }
}

/// One entry of `errors`, with the id of the request at hand.
pub(super) fn error_json(code: Code, message: &str) -> serde_json::Value {
    json!({
        "message": message,
        "extensions": { "code": code.wire(), "requestId": request_id().as_str() }
    })
}

/// Of RFC 9457.
const PROBLEM: HeaderValue = HeaderValue::from_static("application/problem+json");

/// A problem as RFC 9457 writes it, with the code and the request's id beside.
fn problem_json(status: StatusCode, error: &Error) -> serde_json::Value {
    json!({
        "type": format!("urn:sluice:problem:{}", error.code.wire()),
        "title": status.canonical_reason().unwrap_or("Error"),
        "status": status.as_u16(),
        "detail": error.message,
        "code": error.code.wire(),
        "requestId": request_id().as_str(),
    })
}

/// Logs what the caller must not see.
fn log(error: &Error) {
    let Some(source) = &error.source else { return };
    let mut causes = source.to_string();
    let mut next = source.source();
    while let Some(cause) = next {
        causes = format!("{causes}: {cause}");
        next = cause.source();
    }
    let code = error.code.wire();
    let request_id = request_id();
    tracing::error!(code, causes, request_id = request_id.as_str(), "a request failed");
}

/// What a route answers to a method of no handler: 204 to OPTIONS, 405 in the shape of all errors to
/// others. The header `Allow` is added around it.
pub(super) async fn other_method(method: Method, uri: Uri) -> Response {
    if method == Method::OPTIONS {
        return StatusCode::NO_CONTENT.into_response();
    }
    let message =
        format!("{} does not take {method}; the header Allow lists what it takes.", uri.path());
    Refusal::new(StatusCode::METHOD_NOT_ALLOWED, message)
        .in_media(media_at(uri.path()))
        .into_response()
}

/// In what refusals are written at this path.
fn media_at(path: &str) -> Media {
    if rest::is_of(path) { Media::Rest } else { Media::Json }
}

/// 405 for a mutation that came by GET.
pub(super) fn mutation_by_get() -> Refusal {
    Refusal::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "GET is for queries only; send mutations by POST with content-type application/json.",
    )
    .with_header(header::ALLOW, HeaderValue::from_static("POST"))
}

/// 404 as RFC 9457 writes it: what is not there is in nobody's own form.
pub(super) fn not_found(path: &str) -> Refusal {
    Refusal::from(Error::not_found(format!(
        "There is nothing at {path}; the API is at /graphql and /api/v1, uploads go to /upload/NAME."
    )))
    .in_media(Media::Rest)
}
