//! `GET /snippets/{dataset}`: code that reads a dataset's rows in people's tools, of what the
//! principal may see.

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, Uri, header};
use axum::response::Response;
use serde_json::json;

use super::{AppState, Asker, answer_bytes, dataset_of, problem};
use crate::auth::Class;
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

/// `GET /snippets/{dataset}`.
pub(super) async fn all(
    State(app): AppState,
    Path(name): Path<String>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let work = async {
        let (source, place) = ask(&app, &uri, &headers, &name).await?;
        let snippets = snippets::all(&source, &place);
        let told = json!({ "dataset": source.field, "snippets": snippets }).to_string();
        Ok(answer_bytes(told.into(), Media::Rest.content_type(), &headers))
    };
    work.await.unwrap_or_else(problem)
}

/// `GET /snippets/{dataset}/{kind}`.
pub(super) async fn one(
    State(app): AppState,
    Path((name, kind)): Path<(String, String)>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let work = async {
        let (source, place) = ask(&app, &uri, &headers, &name).await?;
        let kind = Kind::of_name(&kind).ok_or_else(|| no_kind(&kind))?;
        let code = snippets::one(kind, &source, &place);
        Ok(answer_bytes(Bytes::from(code), TEXT, &headers))
    };
    work.await.unwrap_or_else(problem)
}

/// `GET /q/{name}/snippets`: the same for a saved query.
pub(super) async fn all_of_saved(
    State(app): AppState,
    Path(name): Path<String>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let work = async {
        let (source, place) = ask_saved(&app, &uri, &headers, &name).await?;
        let snippets = snippets::all(&source, &place);
        let told = json!({ "savedQuery": name, "snippets": snippets }).to_string();
        Ok(answer_bytes(told.into(), Media::Rest.content_type(), &headers))
    };
    work.await.unwrap_or_else(problem)
}

/// `GET /q/{name}/snippets/{kind}`.
pub(super) async fn one_of_saved(
    State(app): AppState,
    Path((name, kind)): Path<(String, String)>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let work = async {
        let (source, place) = ask_saved(&app, &uri, &headers, &name).await?;
        let kind = Kind::of_name(&kind).ok_or_else(|| no_kind(&kind))?;
        let code = snippets::one(kind, &source, &place);
        Ok(answer_bytes(Bytes::from(code), TEXT, &headers))
    };
    work.await.unwrap_or_else(problem)
}

/// The saved query, and the server as they reach it.
async fn ask_saved(
    app: &App,
    uri: &Uri,
    headers: &HeaderMap,
    name: &str,
) -> Result<(RowSource, Place), Refusal> {
    let principal = admit(app, headers, Scope::Query, Class::Read).await?;
    let (query, variables, field) = app.engine.saved_query_parts(&principal, name)?;
    let place = Place { base: base(app, uri, headers), has_key: !principal.is_anonymous };
    Ok((RowSource::of_saved(&query, &variables, &field), place))
}

/// The dataset as it is shown to who asks, and the server as they reach it.
async fn ask(
    app: &App,
    uri: &Uri,
    headers: &HeaderMap,
    name: &str,
) -> Result<(RowSource, Place), Refusal> {
    let asker = Asker::admit(app, headers).await?;
    let snapshot = app.auth.view(&asker.principal);
    let dataset = dataset_of(&snapshot, name)?;
    let max_limit = u64::try_from(app.settings.max_limit).unwrap_or(u64::MAX);
    let place = Place { base: base(app, uri, headers), has_key: !asker.principal.is_anonymous };
    Ok((RowSource::of_dataset(&dataset, max_limit), place))
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
