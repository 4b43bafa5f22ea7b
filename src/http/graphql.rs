//! `POST /graphql` and `GET /graphql`: GraphQL over HTTP, to the letter.
//!
//! This is the hot path: authenticate, read, one pass over the JSON, hand over, send the bytes. It
//! never looks into a document; the guards stand before the parser, in the room that parses.

use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::header;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};

use super::accept::{Content, Media, content, negotiate, wants_events};
use super::body::Patience;
use super::context::{note, request_id};
use super::gate::{address, admit, charge};
use super::line::note_answer;
use super::refusal::{Refusal, mutation_by_get, status_of};
use super::{App, body, live, multipart, parameters, validators};
use crate::auth::{Class, Principal};
use crate::catalog::model::Scope;
use crate::error::Code;
use crate::graphql::{Answer, Keeping};

/// `POST /graphql`.
pub(super) async fn post(State(app): State<Arc<App>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    if wants_events(&parts.headers) {
        // Boxed: rare.
        return Box::pin(live::post(&app, parts, body)).await;
    }
    let Some(media) = negotiate(&parts.headers) else { return not_acceptable().into_response() };
    match run_post(&app, &parts, body, media).await {
        Ok(answer) => respond(answer, media, &parts.headers),
        Err(refusal) => refusal.in_media(media).into_response(),
    }
}

/// `GET /graphql`: queries only.
pub(super) async fn get(State(app): State<Arc<App>>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    if live::is_upgrade(&parts.headers) {
        return Box::pin(live::upgrade(app, parts)).await;
    }
    if wants_events(&parts.headers) {
        return Box::pin(live::get(&app, parts)).await;
    }
    let Some(media) = negotiate(&parts.headers) else { return not_acceptable().into_response() };
    match run_get(&app, &parts, media).await {
        Ok(answer) => respond(answer, media, &parts.headers),
        Err(refusal) => refusal.in_media(media).into_response(),
    }
}

async fn run_post(app: &App, parts: &Parts, body: Body, media: Media) -> Result<Answer, Refusal> {
    let principal = admit(app, &parts.headers, Scope::Read, Class::Read).await?;
    body::refuse_encoded(&parts.headers)?;
    let settings = &app.settings;
    match content(&parts.headers) {
        Content::Json => {
            let (limit, patience) = (settings.max_body_bytes, Patience::of(settings));
            let bytes = body::read_whole(body, &parts.headers, limit, patience).await?;
            let mut request = parameters::from_json(&bytes)?;
            drop(bytes);
            request.known_tags = validators::known_tags(&parts.headers, media);
            request.address = Some(address(app, &parts.headers));
            Ok(app.engine.execute(&principal, request, request_id().as_str()).await)
        }
        Content::Multipart(boundary) => {
            // Boxed: rare, and large beside the common case.
            Box::pin(run_multipart(app, &principal, parts, body, &boundary)).await
        }
        Content::Other => Err(unsupported_content()),
    }
}

async fn run_multipart(
    app: &App,
    principal: &Arc<Principal>,
    parts: &Parts,
    body: Body,
    boundary: &str,
) -> Result<Answer, Refusal> {
    principal.require(Scope::Upload)?;
    // Before the first file comes. A request without one has been paid for like all others.
    let pay = |n_files: u32, request: &crate::graphql::Request| {
        let class = match app.engine.only_inspects(request) {
            true => Class::Inspect,
            false => Class::Upload,
        };
        charge(app, principal, class, n_files)
    };
    let received = multipart::receive(&app.settings, &parts.headers, body, boundary, pay).await?;
    let (mut request, spooled) = received.into_request();
    request.address = Some(address(app, &parts.headers));
    let answer = app.engine.execute(principal, request, request_id().as_str()).await;
    // Whatever the operation did not take is removed now.
    drop(spooled);
    Ok(answer)
}

async fn run_get(app: &App, parts: &Parts, media: Media) -> Result<Answer, Refusal> {
    let principal = admit(app, &parts.headers, Scope::Read, Class::Read).await?;
    let mut request = parameters::from_query_string(parts.uri.query().unwrap_or_default())?;
    request.is_read_only = true;
    request.known_tags = validators::known_tags(&parts.headers, media);
    request.address = Some(address(app, &parts.headers));
    let answer = app.engine.execute(&principal, request, request_id().as_str()).await;
    if answer.is_refused_mutation {
        return Err(mutation_by_get());
    }
    Ok(answer)
}

fn respond(answer: Answer, media: Media, asked: &HeaderMap) -> Response {
    let status = status(&answer, media);
    note(answer.standing);
    note_answer(&answer);
    let Answer { body, keeping, .. } = answer;
    if let Keeping::Unchanged(tag) = keeping {
        return validators::unchanged(asked, tag, media);
    }
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, media.content_type());
    if let Keeping::Tagged(tag) = keeping {
        validators::mark(response.headers_mut(), tag, media);
    }
    response
}

/// Section 6.4 of the specification, and one addition: a store that is away is 503 for everybody,
/// so that a load balancer or a cron job sees it without reading the answer.
fn status(answer: &Answer, media: Media) -> StatusCode {
    let Some(code) = answer.first_error else { return StatusCode::OK };
    let is_whole_failure = !answer.is_executed || has_no_data(&answer.body);
    let is_ours = matches!(
        code,
        Code::StorageUnavailable | Code::Timeout | Code::RateLimited | Code::Internal
    );
    match media {
        _ if is_whole_failure && is_ours => status_of(code),
        Media::GraphqlResponse if !answer.is_executed => status_of(code),
        _ => StatusCode::OK,
    }
}

fn has_no_data(body: &Bytes) -> bool {
    !body.starts_with(b"{\"data\":{")
}

fn not_acceptable() -> Refusal {
    Refusal::new(
        StatusCode::NOT_ACCEPTABLE,
        "Answers are application/graphql-response+json or application/json; accept one of them.",
    )
}

pub(super) fn unsupported_content() -> Refusal {
    Refusal::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "Send content-type application/json (in UTF-8), or multipart/form-data to upload a file.",
    )
}
