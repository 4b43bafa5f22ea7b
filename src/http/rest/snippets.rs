//! `GET /snippets/{dataset}`: code that reads a dataset's rows in people's tools, of what the
//! principal may see.

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, Uri, header};
use axum::response::Response;
use serde_json::json;

use super::{AppState, Asker, answer_bytes, dataset_of, problem};
use crate::auth::{Class, Principal};
use crate::catalog::model::Scope;
use crate::error::Error;
use crate::http::App;
use crate::http::accept::Media;
use crate::http::context::peer;
use crate::http::forwarded;
use crate::http::gate::admit;
use crate::http::refusal::Refusal;
use crate::snippets::{self, Kind, Place, RowSource};

const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");

/// What is asked for, and the server as they reach it who ask.
type Found = Result<(RowSource, Place), Refusal>;

/// `GET /snippets/{dataset}`.
pub(super) async fn all(
    State(app): AppState,
    Path(name): Path<String>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let found = of_dataset(&app, &uri, &headers, &name).await;
    tell_all(found, |source| ("dataset", source.field.clone()), &headers)
}

/// `GET /snippets/{dataset}/{kind}`.
pub(super) async fn one(
    State(app): AppState,
    Path((name, kind)): Path<(String, String)>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    tell_one(of_dataset(&app, &uri, &headers, &name).await, &kind, &headers)
}

/// `GET /q/{name}/snippets`: the same for a saved query.
pub(super) async fn all_of_saved(
    State(app): AppState,
    Path(name): Path<String>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let found = of_saved(&app, &uri, &headers, &name).await;
    tell_all(found, |_| ("savedQuery", name), &headers)
}

/// `GET /q/{name}/snippets/{kind}`.
pub(super) async fn one_of_saved(
    State(app): AppState,
    Path((name, kind)): Path<(String, String)>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    tell_one(of_saved(&app, &uri, &headers, &name).await, &kind, &headers)
}

/// Code for every tool, beside the name of what it asks for.
fn tell_all(
    found: Found,
    name: impl FnOnce(&RowSource) -> (&'static str, String),
    headers: &HeaderMap,
) -> Response {
    found.map_or_else(problem, |(source, place)| {
        let (of, name) = name(&source);
        let told = json!({ of: name, "snippets": snippets::all(&source, &place) }).to_string();
        answer_bytes(told.into(), Media::Rest.content_type(), headers)
    })
}

/// Code for one tool.
fn tell_one(found: Found, kind: &str, headers: &HeaderMap) -> Response {
    let told = found.and_then(|(source, place)| {
        let kind = Kind::of_name(kind).ok_or_else(|| no_kind(kind))?;
        Ok(snippets::one(kind, &source, &place))
    });
    told.map_or_else(problem, |code| answer_bytes(Bytes::from(code), TEXT, headers))
}

/// The dataset as it is shown to who asks.
async fn of_dataset(app: &App, uri: &Uri, headers: &HeaderMap, name: &str) -> Found {
    let Asker { principal, .. } = Asker::admit(app, headers).await?;
    let snapshot = app.auth.view(&principal);
    let dataset = dataset_of(&snapshot, name)?;
    let max_limit = u64::try_from(app.settings.max_limit).unwrap_or(u64::MAX);
    Ok((RowSource::of_dataset(&dataset, max_limit), place(app, uri, headers, &principal)))
}

async fn of_saved(app: &App, uri: &Uri, headers: &HeaderMap, name: &str) -> Found {
    let principal = admit(app, headers, Scope::Query, Class::Read).await?;
    let saved = app.engine.saved_query(&principal, name)?;
    Ok((RowSource::of_saved(&saved), place(app, uri, headers, &principal)))
}

fn place(app: &App, uri: &Uri, headers: &HeaderMap, principal: &Principal) -> Place {
    Place { base: base(app, uri, headers), has_key: !principal.is_anonymous }
}

fn no_kind(kind: &str) -> Refusal {
    let kind: String = kind.chars().take(100).collect();
    let known: Vec<&str> = Kind::all().map(Kind::name).collect();
    let known = known.join(", ");
    Refusal::from(Error::not_found(format!("There is no snippet for {kind:?}; ask for {known}.")))
}

/// The server's address as the client wrote it: its name was checked when the request came in.
fn base(app: &App, uri: &Uri, headers: &HeaderMap) -> String {
    let settings = &app.settings;
    let is_https = settings.tls.certificate.is_some()
        || forwarded::is_https(peer(), headers, &settings.trusted_proxies);
    let scheme = if is_https { "https" } else { "http" };
    let named = uri.authority().map(|authority| authority.as_str());
    let host = named.or_else(|| headers.get(header::HOST).and_then(|host| host.to_str().ok()));
    format!("{scheme}://{}", host.unwrap_or("localhost"))
}
