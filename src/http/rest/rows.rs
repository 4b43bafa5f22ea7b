//! Rows of datasets: lists, one by its key, aggregates, and changes.

use std::fmt::Write;

use axum::body::{Body, Bytes};
use axum::extract::{Path, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};

use super::addresses::Asked;
use super::parameters::Parameters;
use super::question::{self, Arguments, Question, key_of, key_value, selection};
use super::{
    AppState, Asker, ROOT, Told, Wrapping, answer_bytes, dataset_of, prefers, problem, text_of,
};
use crate::catalog::model::Dataset;
use crate::catalog::snapshot::Snapshot;
use crate::error::{Code, Error};
use crate::graphql::types::graphql_type;
use crate::graphql::{Keeping, Tag};
use crate::http::accept::Media;
use crate::http::line::count_rows;
use crate::http::refusal::Refusal;
use crate::http::validators;
use crate::write::columns::constraint_name;
use sluice_schema::naming::enum_name;

/// How often a change is tried whose row was compared before.
const MAX_TRIES: usize = 5;

/// `GET /api/v1/{dataset}`.
pub(super) async fn list(
    State(app): AppState,
    Path(dataset): Path<String>,
    request: Request,
) -> Response {
    let (parts, _) = request.into_parts();
    let work = async {
        let asker = Asker::admit(&app, &parts.headers).await?;
        let asked = {
            let snapshot = app.auth.view(&asker.principal);
            let dataset = dataset_of(&snapshot, &dataset)?;
            let list = |asked: &Parameters| question::list(&snapshot, &dataset, asked);
            app.addresses.asked(&snapshot, &parts.uri, list)?
        };
        let told = asker.ask(asked.question.clone(), true).await?;
        let mut pages = Pages::new(&parts, &asked, app.settings.default_limit);
        let body = pages.read(told.body)?;
        let mut response = asker.respond(Told { body, keeping: told.keeping });
        pages.mark(response.headers_mut());
        Ok(response)
    };
    work.await.unwrap_or_else(problem)
}

/// `GET /api/v1/{dataset}/aggregate`.
pub(super) async fn aggregate(
    State(app): AppState,
    Path(dataset): Path<String>,
    request: Request,
) -> Response {
    let (parts, _) = request.into_parts();
    let work = async {
        let asker = Asker::admit(&app, &parts.headers).await?;
        let asked = {
            let snapshot = app.auth.view(&asker.principal);
            let dataset = dataset_of(&snapshot, &dataset)?;
            let aggregate = |asked: &Parameters| question::aggregate(&dataset, asked);
            app.addresses.asked(&snapshot, &parts.uri, aggregate)?
        };
        let told = asker.ask(asked.question.clone(), true).await?;
        Ok(asker.respond(told))
    };
    work.await.unwrap_or_else(problem)
}

/// `GET /api/v1/{dataset}/{id}`.
pub(super) async fn one(
    State(app): AppState,
    Path((dataset, id)): Path<(String, String)>,
    request: Request,
) -> Response {
    let (parts, _) = request.into_parts();
    let work = async {
        let asker = Asker::admit(&app, &parts.headers).await?;
        let asked = Parameters::parse(parts.uri.query().unwrap_or_default())?;
        let (_, body) = read_one(&asker, &dataset, &id, &asked).await?;
        if validators::names_any(&parts.headers, &header::IF_NONE_MATCH) {
            return Ok(validators::unchanged(&parts.headers, Tag::of_bytes(&body), Media::Rest));
        }
        Ok(answer_bytes(body, Media::Rest.content_type(), &parts.headers))
    };
    work.await.unwrap_or_else(problem)
}

/// `POST /api/v1/{dataset}`: one row, or a list of rows.
pub(super) async fn insert(
    State(app): AppState,
    Path(dataset): Path<String>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let work = async {
        let asker = Asker::admit(&app, &parts.headers).await?;
        let body = asker.body(body).await?;
        let is_list = body.is_array();
        if !is_list && !body.is_object() {
            return Err(Refusal::bad_request(
                "Send a row as a JSON object, or several as a list of objects.",
            ));
        }
        let snapshot = app.auth.view(&asker.principal);
        let dataset = dataset_of(&snapshot, &dataset)?;
        let mut arguments = Arguments::default();
        add_request_id(&parts.headers, &mut arguments);
        let of_type = &dataset.type_name;
        let rows = selection(&snapshot, &dataset, &Parameters::default())?;
        let document = if is_list {
            arguments.add("objects", format!("[{of_type}InsertInput!]!"), body);
            let (head, call) = (arguments.head(), arguments.call());
            format!(
                "mutation{head} {{ data: insert{of_type}{call} {{ data: returning {{ {rows} }} }} }}"
            )
        } else {
            arguments.add("object", format!("{of_type}InsertInput!"), body);
            let (head, call) = (arguments.head(), arguments.call());
            format!("mutation{head} {{ data: insert{of_type}One{call} {{ {rows} }} }}")
        };
        let wrapping = if is_list { Wrapping::Root } else { Wrapping::Data };
        let told = asker.ask(change(document, arguments, wrapping), false).await?;
        let location = location_of(&dataset, &told.body);
        let mut response = changed(&asker, told, StatusCode::CREATED);
        if let Some(location) = location.filter(|_| !is_list) {
            response.headers_mut().insert(header::LOCATION, location);
        }
        Ok(response)
    };
    work.await.unwrap_or_else(problem)
}

/// `PATCH /api/v1/{dataset}/{id}`.
pub(super) async fn update(
    state: AppState,
    Path((dataset, id)): Path<(String, String)>,
    request: Request,
) -> Response {
    write_one(state, RowChange::Update, &dataset, &id, request).await
}

/// `PUT /api/v1/{dataset}/{id}`: changes the row, or adds it.
pub(super) async fn upsert(
    state: AppState,
    Path((dataset, id)): Path<(String, String)>,
    request: Request,
) -> Response {
    write_one(state, RowChange::Upsert, &dataset, &id, request).await
}

/// `DELETE /api/v1/{dataset}/{id}`.
pub(super) async fn delete(
    state: AppState,
    Path((dataset, id)): Path<(String, String)>,
    request: Request,
) -> Response {
    write_one(state, RowChange::Delete, &dataset, &id, request).await
}

/// A change of one row.
#[derive(Clone, Copy, PartialEq, Eq)]
enum RowChange {
    Update,
    Upsert,
    Delete,
}

async fn write_one(
    State(app): AppState,
    kind: RowChange,
    name: &str,
    id: &str,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let work = async {
        let asker = Asker::admit(&app, &parts.headers).await?;
        let values = values_of(&asker, kind, body).await?;
        let asked = Parameters::parse(parts.uri.query().unwrap_or_default())?;
        let is_guarded = parts.headers.contains_key(header::IF_MATCH);
        for n in 1..=MAX_TRIES {
            let if_version = match is_guarded {
                true => Some(compare(&asker, &parts, name, id, &asked).await?),
                false => None,
            };
            let question = {
                let snapshot = app.auth.view(&asker.principal);
                let dataset = dataset_of(&snapshot, name)?;
                let head = Head { headers: &parts.headers, if_version };
                question_of(kind, &snapshot, &dataset, (id, &values), &head)?
            };
            match asker.ask(question, false).await {
                Ok(told) => return written(&asker, kind, id, told),
                // Another row was changed meanwhile: this one is compared anew.
                Err(refusal) if is_guarded && refusal.is(Code::Conflict) && n < MAX_TRIES => {}
                Err(refusal) => return Err(refusal),
            }
        }
        Err(Refusal::from(Error::internal("tries that came to no end")))
    };
    work.await.unwrap_or_else(problem)
}

async fn values_of(
    asker: &Asker<'_>,
    kind: RowChange,
    body: Body,
) -> Result<Map<String, Value>, Refusal> {
    if kind == RowChange::Delete {
        return Ok(Map::new());
    }
    match asker.body(body).await? {
        Value::Object(values) => Ok(values),
        _ => Err(Refusal::bad_request("Send the columns and their values as a JSON object.")),
    }
}

/// What the headers of a change say.
struct Head<'h> {
    headers: &'h HeaderMap,
    if_version: Option<i64>,
}

fn question_of(
    kind: RowChange,
    snapshot: &Snapshot,
    dataset: &Dataset,
    (id, values): (&str, &Map<String, Value>),
    head: &Head<'_>,
) -> Result<Question, Refusal> {
    let key = key_of(dataset)?;
    let key_json = key_value(key, id)?;
    let of_type = &dataset.type_name;
    let rows = selection(snapshot, dataset, &Parameters::default())?;
    let mut arguments = Arguments::default();
    add_request_id(head.headers, &mut arguments);
    if let Some(version) = head.if_version {
        arguments.add("ifVersion", "Int", Value::from(version));
    }
    let document = match kind {
        RowChange::Update => {
            arguments.add(
                "pkColumns",
                format!("{of_type}PkColumnsInput!"),
                json!({ key.name.as_str(): key_json }),
            );
            arguments.add("_set", format!("{of_type}SetInput"), Value::Object(values.clone()));
            let (head, call) = (arguments.head(), arguments.call());
            format!("mutation{head} {{ data: update{of_type}ByPk{call} {{ {rows} }} }}")
        }
        RowChange::Upsert => {
            let constraint = constraint_name(dataset).ok_or_else(|| {
                Error::new(
                    Code::Conflict,
                    format!(
                        "Rows of {} have no key of their own, so that none can be put at an address; POST adds one, PATCH changes one.",
                        dataset.name
                    ),
                )
            })?;
            let mut object = values.clone();
            let columns: Vec<Value> = object
                .keys()
                .filter(|name| **name != key.name)
                .map(|name| Value::from(enum_name(name)))
                .collect();
            object.insert(key.name.clone(), key_json);
            arguments.add("object", format!("{of_type}InsertInput!"), Value::Object(object));
            let conflict = json!({ "constraint": constraint, "updateColumns": columns });
            arguments.add("onConflict", format!("{of_type}OnConflict"), conflict);
            let (head, call) = (arguments.head(), arguments.call());
            format!("mutation{head} {{ data: insert{of_type}One{call} {{ {rows} }} }}")
        }
        RowChange::Delete => {
            arguments.add_as(
                "id",
                &key.name,
                format!("{}!", graphql_type(key.column_type)),
                key_json,
            );
            let (head, call) = (arguments.head(), arguments.call());
            format!("mutation{head} {{ data: delete{of_type}ByPk{call} {{ {rows} }} }}")
        }
    };
    Ok(change(document, arguments, Wrapping::Data))
}

/// What came of a change of one row.
fn written(asker: &Asker<'_>, kind: RowChange, id: &str, told: Told) -> Result<Response, Refusal> {
    if told.body.as_ref() == b"{\"data\":null}" {
        // An upsert that changes nothing answers nothing.
        if kind == RowChange::Upsert {
            return Ok(StatusCode::NO_CONTENT.into_response());
        }
        return Err(no_row(id));
    }
    if kind == RowChange::Delete && !prefers(asker.headers, "return=representation") {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let tag = Tag::of_bytes(&told.body);
    let mut response = changed(asker, told, StatusCode::OK);
    if kind != RowChange::Delete {
        validators::mark(response.headers_mut(), tag, Media::Rest);
    }
    Ok(response)
}

/// The version at which the row is still what the client has; 412 if it is not.
async fn compare(
    asker: &Asker<'_>,
    parts: &Parts,
    name: &str,
    id: &str,
    asked: &Parameters,
) -> Result<i64, Refusal> {
    let (version, body) = read_one(asker, name, id, asked).await?;
    if validators::is_wanted(&parts.headers, Tag::of_bytes(&body), Media::Rest) {
        return Ok(version);
    }
    Err(Refusal::new(
        StatusCode::PRECONDITION_FAILED,
        "The row is not what If-Match names: somebody has changed it. GET it, and decide anew.",
    ))
}

/// A row with the dataset's version at which it was read, or an earlier one.
async fn read_one(
    asker: &Asker<'_>,
    name: &str,
    id: &str,
    asked: &Parameters,
) -> Result<(i64, Bytes), Refusal> {
    let (version, question) = {
        let snapshot = asker.app.auth.view(&asker.principal);
        let dataset = dataset_of(&snapshot, name)?;
        (dataset.version, question::one(&snapshot, &dataset, id, asked)?)
    };
    let told = asker.ask(question, false).await?;
    if told.body.as_ref() == b"{\"data\":null}" {
        return Err(no_row(id));
    }
    Ok((version, told.body))
}

fn no_row(id: &str) -> Refusal {
    let id: String = id.chars().take(100).collect();
    Refusal::from(Error::not_found(format!("There is no row with the key {id:?}.")))
}

fn change(document: String, arguments: Arguments, wrapping: Wrapping) -> Question {
    Question { document, variables: arguments.into_json(), wrapping, is_read_only: false }
}

fn add_request_id(headers: &HeaderMap, arguments: &mut Arguments) {
    if let Some(id) = text_of(headers, "idempotency-key") {
        arguments.add("requestId", "String", Value::from(id.trim_matches('"')));
    }
}

/// What was changed, or nothing where the client wants it so.
fn changed(asker: &Asker<'_>, told: Told, status: StatusCode) -> Response {
    let is_minimal = prefers(asker.headers, "return=minimal");
    let mut response = match is_minimal {
        true if status == StatusCode::OK => StatusCode::NO_CONTENT.into_response(),
        true => status.into_response(),
        false => {
            let mut response = asker.respond(Told { keeping: Keeping::Never, ..told });
            *response.status_mut() = status;
            response
        }
    };
    if is_minimal {
        let applied = HeaderValue::from_static("return=minimal");
        response.headers_mut().insert("preference-applied", applied);
    }
    response
}

fn location_of(dataset: &Dataset, body: &Bytes) -> Option<HeaderValue> {
    let told: Value = serde_json::from_slice(body).ok()?;
    let id = match told.pointer("/data")?.get(&key_of(dataset).ok()?.name)? {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let id: String = form_urlencoded::byte_serialize(id.as_bytes()).collect();
    let path = format!("{ROOT}/{}/{}", dataset.name, id.replace('+', "%20"));
    HeaderValue::try_from(path).ok()
}

/// The pages beside the one that is answered.
struct Pages<'a> {
    path: &'a str,
    /// The query string without the page.
    kept: &'a str,
    asked: &'a Parameters,
    limit: u64,
    links: Vec<(&'static str, Vec<(&'static str, String)>)>,
    total: Option<u64>,
}

impl<'a> Pages<'a> {
    fn new(parts: &'a Parts, asked: &'a Asked, default_limit: i64) -> Pages<'a> {
        let default_limit = u64::try_from(default_limit).unwrap_or(0);
        Pages {
            path: parts.uri.path(),
            kept: &asked.kept,
            asked: &asked.parameters,
            limit: asked.parameters.limit.unwrap_or(default_limit),
            links: Vec::new(),
            total: None,
        }
    }

    /// Looks at an answer; gives it with the total as a number.
    fn read(&mut self, body: Bytes) -> Result<Bytes, Refusal> {
        if body.is_empty() {
            return Ok(body);
        }
        if self.asked.is_cursored() {
            self.read_cursors(&body);
            return Ok(body);
        }
        let body = match self.asked.total {
            true => self.read_total(&body)?,
            false => body,
        };
        let offset = self.asked.offset.unwrap_or(0);
        let n_rows = count_rows(&body, 1);
        let limit = ("page[limit]", self.limit.to_string());
        let at = |offset: u64| vec![limit.clone(), ("page[offset]", offset.to_string())];
        let has_next = match self.total {
            Some(total) => offset + n_rows < total && n_rows > 0,
            None => n_rows > 0 && n_rows == self.limit,
        };
        if has_next {
            self.links.push(("next", at(offset + self.limit)));
        }
        if offset > 0 {
            self.links.push(("prev", at(offset.saturating_sub(self.limit))));
            self.links.push(("first", at(0)));
        }
        Ok(body)
    }

    /// `{"total":{"aggregate":{"count":N}},"data":…` becomes `{"total":N,"data":…`.
    fn read_total(&mut self, body: &Bytes) -> Result<Bytes, Refusal> {
        const START: &[u8] = b"{\"total\":";
        let unread = || Refusal::from(Error::internal("a total that cannot be read"));
        let rest = body.strip_prefix(START).ok_or_else(unread)?;
        let mut values = serde_json::Deserializer::from_slice(rest).into_iter::<Value>();
        let first = values.next().and_then(Result::ok).ok_or_else(unread)?;
        let total = first.pointer("/aggregate/count").and_then(Value::as_u64).ok_or_else(unread)?;
        self.total = Some(total);
        let mut whole = START.to_vec();
        whole.extend_from_slice(total.to_string().as_bytes());
        whole.extend_from_slice(rest.get(values.byte_offset()..).unwrap_or_default());
        Ok(Bytes::from(whole))
    }

    fn read_cursors(&mut self, body: &Bytes) {
        let Some(rest) = body.strip_prefix(b"{\"page\":") else { return };
        let mut values = serde_json::Deserializer::from_slice(rest).into_iter::<Value>();
        let Some(Ok(page)) = values.next() else { return };
        let limit = ("page[limit]", self.limit.to_string());
        let mut add = |rel, has: &str, parameter, cursor: &str| {
            let cursor = page.get(cursor).and_then(Value::as_str);
            if let (Some(true), Some(cursor)) = (page.get(has).and_then(Value::as_bool), cursor) {
                self.links.push((rel, vec![limit.clone(), (parameter, cursor.to_owned())]));
            }
        };
        add("next", "hasNextPage", "page[after]", "endCursor");
        add("prev", "hasPreviousPage", "page[before]", "startCursor");
    }

    /// Writes the links (RFC 8288) and the total.
    fn mark(&self, headers: &mut HeaderMap) {
        let mut text = String::new();
        for (rel, changed) in &self.links {
            let mut query = form_urlencoded::Serializer::new(self.kept.to_owned());
            query.extend_pairs(changed.iter().map(|(name, value)| (name, value.as_str())));
            let comma = if text.is_empty() { "" } else { ", " };
            let _ = write!(text, "{comma}<{}?{}>; rel=\"{rel}\"", self.path, query.finish());
        }
        if let Ok(value) = HeaderValue::try_from(text)
            && !value.is_empty()
        {
            headers.insert(header::LINK, value);
        }
        if let Some(total) = self.total {
            headers.insert("x-total-count", HeaderValue::from(total));
        }
    }
}
