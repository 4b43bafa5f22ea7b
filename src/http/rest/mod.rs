//! REST under `/api/v1`: another face of the same plans, policies, limits and caches.
//!
//! A request becomes a GraphQL document with variables, the engine answers it, and the answer's
//! bytes are passed on without what GraphQL puts around them. There is no second way to the data.

mod addresses;
mod catalog;
mod export;
mod export_file;
mod openapi;
mod operations;
mod parameters;
mod question;
mod rows;
mod saved;
mod snippets;

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::Value;

pub use self::addresses::Addresses;
use self::question::Question;
use super::App;
use super::accept::Media;
use super::body::{Patience, read_whole, refuse_encoded};
use super::context::{note, request_id};
use super::gate::{address, admit};
use super::line::note_answer;
use super::refusal::Refusal;
use super::validators;
use crate::auth::{Class, Principal};
use crate::catalog::model::Scope;
use crate::error::{Code, Error};
use crate::graphql::{Answer, Keeping, Request, Tag};

/// Where it is.
pub(super) const ROOT: &str = "/api/v1";

/// Its routes; those of the catalog come before those of datasets, whose names they cannot be.
pub(super) fn routes() -> Router<Arc<App>> {
    let router = Router::new()
        .route("/api/v1", get(openapi::index))
        .route("/export/{file}", get(export::get))
        .route("/export/jobs/{id}", get(export_file::get))
        .route("/q", get(saved::list))
        .route("/q/{file}", get(saved::get))
        .route("/q/{name}/snippets", get(snippets::all_of_saved))
        .route("/q/{name}/snippets/{kind}", get(snippets::one_of_saved))
        .route("/snippets/{dataset}", get(snippets::all))
        .route("/snippets/{dataset}/{kind}", get(snippets::one))
        .route("/openapi.json", get(openapi::json))
        .route("/openapi.yaml", get(openapi::yaml))
        .route("/api/v1/{dataset}", get(rows::list).post(rows::insert))
        .route("/api/v1/{dataset}/aggregate", get(rows::aggregate))
        .route("/api/v1/{dataset}/schema", get(openapi::of_dataset))
        .route(
            "/api/v1/{dataset}/{id}",
            get(rows::one).patch(rows::update).put(rows::upsert).delete(rows::delete),
        );
    catalog::add(router)
}

/// A refusal as `application/problem+json` (RFC 9457).
fn problem(refusal: Refusal) -> Response {
    refusal.in_media(Media::Rest).into_response()
}

/// What stands between the start of a GraphQL answer and what is passed on, and after it.
#[derive(Clone, Copy)]
enum Wrapping {
    /// `{"data":` … `}`: the root fields are the answer.
    Data,
    /// `{"data":{"data":` … `}}`: the one root field, called `data`, is.
    Root,
}

impl Wrapping {
    fn take(self, body: &Bytes) -> Option<Bytes> {
        let (start, end): (&[u8], &[u8]) = match self {
            Wrapping::Data => (b"{\"data\":", b"}"),
            Wrapping::Root => (b"{\"data\":{\"data\":", b"}}"),
        };
        let is_so =
            body.len() >= start.len() + end.len() && body.starts_with(start) && body.ends_with(end);
        is_so.then(|| body.slice(start.len()..body.len() - end.len()))
    }
}

/// What the engine answered, without what GraphQL puts around it.
struct Told {
    /// JSON; empty where the client has it already.
    body: Bytes,
    keeping: Keeping,
}

/// Who asks, and how.
struct Asker<'a> {
    app: &'a App,
    principal: Arc<Principal>,
    headers: &'a HeaderMap,
}

impl<'a> Asker<'a> {
    /// Lets a request in; what it changes is charged by the engine.
    async fn admit(app: &'a App, headers: &'a HeaderMap) -> Result<Asker<'a>, Refusal> {
        let principal = admit(app, headers, Scope::Read, Class::Read).await?;
        Ok(Asker { app, principal, headers })
    }

    /// The body of a request, JSON.
    async fn body(&self, body: Body) -> Result<Value, Refusal> {
        refuse_encoded(self.headers)?;
        let settings = &self.app.settings;
        let (limit, patience) = (settings.max_body_bytes, Patience::of(settings));
        let bytes = read_whole(body, self.headers, limit, patience).await?;
        if bytes.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_slice(&bytes).map_err(|error| {
            Refusal::bad_request(format!(
                "The body is not JSON: {error}. Send content-type application/json."
            ))
        })
    }

    /// Asks the engine; a failure of any part is the whole request's.
    async fn ask(&self, question: Question, keeps: bool) -> Result<Told, Refusal> {
        let known_tags = match keeps {
            true => validators::known_tags(self.headers, Media::Rest),
            false => Vec::new(),
        };
        let request = Request {
            query: question.document,
            variables: question.variables.into_boxed_str(),
            known_tags,
            is_read_only: question.is_read_only,
            address: Some(address(self.app, self.headers)),
            ..Request::default()
        };
        let engine = &self.app.engine;
        let answer = engine.execute(&self.principal, request, request_id().as_str()).await;
        note(answer.standing);
        note_answer(&answer);
        if answer.first_error.is_some() {
            return Err(failure(&answer));
        }
        if matches!(answer.keeping, Keeping::Unchanged(_)) {
            return Ok(Told { body: Bytes::new(), keeping: answer.keeping });
        }
        let body = question.wrapping.take(&answer.body);
        let body = body.ok_or_else(|| Error::internal("an answer without data"))?;
        Ok(Told { body, keeping: answer.keeping })
    }

    /// Answers what was told, with its tag.
    fn respond(&self, told: Told) -> Response {
        let Told { body, keeping } = told;
        if let Keeping::Unchanged(tag) = keeping {
            return validators::unchanged(self.headers, tag, Media::Rest);
        }
        let mut response = Response::new(Body::from(body));
        response.headers_mut().insert(header::CONTENT_TYPE, Media::Rest.content_type());
        if let Keeping::Tagged(tag) = keeping {
            validators::mark(response.headers_mut(), tag, Media::Rest);
        }
        response
    }
}

/// The first error of an answer, with its own code.
fn failure(answer: &Answer) -> Refusal {
    let told: Value = serde_json::from_slice(&answer.body).unwrap_or(Value::Null);
    let message = told.pointer("/errors/0/message").and_then(Value::as_str);
    let message = message.unwrap_or("The request failed.").to_owned();
    Refusal::from(Error::new(answer.first_error.unwrap_or(Code::Internal), message))
}

/// Reads a route's own dataset among those that are shown.
fn dataset_of(
    snapshot: &crate::catalog::snapshot::Snapshot,
    name: &str,
) -> Result<Arc<crate::catalog::model::Dataset>, Refusal> {
    let found = snapshot.dataset(name).cloned();
    found.ok_or_else(|| {
        Refusal::from(Error::not_found(format!(
            "There is no dataset named {name:?}; GET {ROOT}/datasets lists them."
        )))
    })
}

/// Whether a path is one of these routes, or would be.
pub(super) fn is_of(path: &str) -> bool {
    let first = path.split('/').nth(1).unwrap_or_default();
    matches!(first, "api" | "export" | "q" | "snippets") || first.starts_with("openapi.")
}

/// Answers bytes under their own tag, or 304 to who has them.
fn answer_bytes(body: Bytes, content_type: HeaderValue, asked: &HeaderMap) -> Response {
    let tag = Tag::of_bytes(&body);
    if validators::known_tags(asked, Media::Rest).contains(&tag) {
        return validators::unchanged(asked, tag, Media::Rest);
    }
    let mut response = Response::new(Body::from(body));
    response.headers_mut().insert(header::CONTENT_TYPE, content_type);
    validators::mark(response.headers_mut(), tag, Media::Rest);
    response
}

/// A header's text.
fn text_of<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// Whether the client wants this of a change (RFC 7240).
fn prefers(headers: &HeaderMap, wish: &str) -> bool {
    let texts = headers.get_all("prefer").iter().filter_map(|value| value.to_str().ok());
    texts.flat_map(|text| text.split([',', ';'])).any(|part| part.trim() == wish)
}

type AppState = State<Arc<App>>;
