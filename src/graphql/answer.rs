//! Writes answers: data from plans and from async-graphql side by side, errors with their codes.
//!
//! Every error that leaves through GraphQL is written here, with its code and the request id; what
//! must not be shown was logged before.

use std::borrow::Cow;
use std::sync::Arc;

use async_graphql::{ErrorExtensions, PathSegment, Response, ServerError};
use bytes::Bytes;

use super::engine::{Answer, Keeping};
use crate::error::{Code, Error, chain};
use crate::query::cache::Found;
use crate::query::plan::{Plan, RootBody};
use crate::store::StoreError;
use crate::store::json::{key_bytes, write_text};

/// An error as a resolver gives it to async-graphql, its code kept.
pub fn to_field_error(error: Error) -> async_graphql::Error {
    log(&error);
    let code = error.code.wire();
    async_graphql::Error::new(error.message.into_owned())
        .extend_with(|_, extensions| extensions.set("code", code))
}

/// Logs what the caller is not told.
pub fn log(error: &Error) {
    if let Some(source) = &error.source {
        let chain = chain(source.as_ref());
        match error.code {
            Code::Internal => {
                tracing::error!(code = error.code.wire(), cause = chain, "request failed")
            }
            _ => tracing::warn!(code = error.code.wire(), cause = chain, "request failed"),
        }
    }
}

/// An error as it stands in `errors`.
pub struct AnswerError<'a> {
    code: Code,
    message: Cow<'a, str>,
    locations: Vec<(usize, usize)>,
    path: Vec<PathSegment>,
}

impl<'a> AnswerError<'a> {
    /// One of ours, about a root field or the whole request.
    pub fn new(error: &'a Error, root_key: Option<&str>) -> AnswerError<'a> {
        AnswerError {
            code: error.code,
            message: Cow::Borrowed(&error.message),
            locations: Vec::new(),
            path: root_key.map(|key| PathSegment::Field(key.to_owned())).into_iter().collect(),
        }
    }

    /// One of async-graphql's; without a code of its own it is about the document.
    pub fn from_server(error: &ServerError) -> AnswerError<'a> {
        let code = error.extensions.as_ref().and_then(|extensions| extensions.get("code"));
        let code = code.and_then(|code| match code {
            async_graphql::Value::String(name) => Code::from_wire(name),
            _ => None,
        });
        AnswerError {
            code: code.unwrap_or(Code::BadUserInput),
            message: Cow::Owned(error.message.clone()),
            locations: error.locations.iter().map(|at| (at.line, at.column)).collect(),
            path: error.path.clone(),
        }
    }

    fn write(&self, request_id: &str, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"message\":");
        write_text(self.message.as_bytes(), out);
        if !self.locations.is_empty() {
            out.extend_from_slice(b",\"locations\":[");
            for (n, (line, column)) in self.locations.iter().enumerate() {
                let comma = if n > 0 { "," } else { "" };
                let text = format!("{comma}{{\"line\":{line},\"column\":{column}}}");
                out.extend_from_slice(text.as_bytes());
            }
            out.push(b']');
        }
        if !self.path.is_empty() {
            out.extend_from_slice(b",\"path\":[");
            for (n, segment) in self.path.iter().enumerate() {
                if n > 0 {
                    out.push(b',');
                }
                match segment {
                    PathSegment::Field(name) => write_text(name.as_bytes(), out),
                    PathSegment::Index(index) => {
                        out.extend_from_slice(index.to_string().as_bytes())
                    }
                }
            }
            out.push(b']');
        }
        out.extend_from_slice(b",\"extensions\":{\"code\":\"");
        out.extend_from_slice(self.code.wire().as_bytes());
        out.extend_from_slice(b"\",\"requestId\":");
        write_text(request_id.as_bytes(), out);
        out.extend_from_slice(b"}}");
    }
}

/// What stands under `data`.
pub enum Data {
    /// There is no such entry: nothing was run.
    None,
    /// `null`: something that cannot be null failed.
    Null,
    /// Keys with their finished JSON, in order.
    Fields(Vec<(Box<[u8]>, Bytes)>),
}

/// Writes a whole answer; `extensions` is finished JSON.
pub fn write(
    data: Data,
    errors: &[AnswerError<'_>],
    extensions: Option<&[u8]>,
    request_id: &str,
) -> Answer {
    let size = match &data {
        Data::Fields(fields) => fields.iter().map(|(key, json)| key.len() + json.len() + 1).sum(),
        _ => 0,
    };
    let mut out = Vec::with_capacity(size + 16);
    out.push(b'{');
    if !errors.is_empty() {
        out.extend_from_slice(b"\"errors\":[");
        for (n, error) in errors.iter().enumerate() {
            if n > 0 {
                out.push(b',');
            }
            error.write(request_id, &mut out);
        }
        out.push(b']');
    }
    let is_executed = !matches!(data, Data::None);
    if is_executed {
        if out.len() > 1 {
            out.push(b',');
        }
        out.extend_from_slice(b"\"data\":");
    }
    match data {
        Data::None => {}
        Data::Null => out.extend_from_slice(b"null"),
        Data::Fields(fields) => {
            out.push(b'{');
            for (n, (key, json)) in fields.iter().enumerate() {
                if n > 0 {
                    out.push(b',');
                }
                out.extend_from_slice(key);
                out.extend_from_slice(json);
            }
            out.push(b'}');
        }
    }
    if let Some(extensions) = extensions {
        out.extend_from_slice(b",\"extensions\":");
        out.extend_from_slice(extensions);
    }
    out.push(b'}');
    Answer {
        body: Bytes::from(out),
        is_executed,
        first_error: errors.first().map(|error| error.code),
        is_refused_mutation: false,
        keeping: Keeping::Never,
        standing: None,
        plan: None,
        cost: 0,
    }
}

/// Writes an answer whose data is finished JSON between braces, beside errors.
pub fn write_fields(fields: &[u8], errors: &[AnswerError<'_>], request_id: &str) -> Answer {
    let fields = vec![(Box::from([].as_slice()), Bytes::copy_from_slice(fields))];
    write(Data::Fields(fields), errors, None, request_id)
}

/// What `extensions` tells to those who ask: what each root field over a dataset did with the
/// memory of answers, and the cells that the whole may answer.
pub fn shown(
    plan: &Plan,
    answers: &[Option<Result<Found, Arc<StoreError>>>],
    cost: u64,
) -> Vec<u8> {
    let mut out = b"{\"cache\":{".to_vec();
    let mut is_first = true;
    for (root, answer) in plan.roots.iter().zip(answers) {
        let Some(answer) = answer else { continue };
        if !is_first {
            out.push(b',');
        }
        is_first = false;
        out.extend_from_slice(&root.key_bytes);
        let is_hit = answer.as_ref().is_ok_and(|found| found.is_hit);
        out.extend_from_slice(if is_hit { b"\"HIT\"" } else { b"\"MISS\"" });
    }
    out.extend_from_slice(b"},\"cost\":");
    out.extend_from_slice(cost.to_string().as_bytes());
    out.push(b'}');
    out
}

/// Puts together what the plan's statements and async-graphql answered, in the order of the plan.
pub fn assemble(
    plan: &Plan,
    answers: Vec<Option<Result<Found, Arc<StoreError>>>>,
    ordinary: Option<&Response>,
    extensions: Option<&[u8]>,
    request_id: &str,
) -> Answer {
    let mut catalog_fields = ordinary.and_then(fields_of).unwrap_or_default();
    let mut failures: Vec<(&str, Error)> = Vec::new();
    let mut is_null = false;
    let mut fields = Vec::with_capacity(plan.roots.len());
    for (root, answer) in plan.roots.iter().zip(answers) {
        let json = match (&root.body, answer) {
            (RootBody::Literal(json), _) => Some(Bytes::copy_from_slice(json)),
            (RootBody::Statement(_), Some(Ok(found))) => Some(found.json),
            (RootBody::Statement(_), Some(Err(error))) => {
                let error = shared_error(error);
                log(&error);
                failures.push((root.key.as_str(), error));
                None
            }
            (RootBody::Statement(_), None) => None,
            (RootBody::Catalog, _) => catalog_fields
                .iter_mut()
                .find(|(key, _)| *key == root.key)
                .map(|(_, json)| Bytes::from(std::mem::take(json))),
        };
        is_null |= json.is_none() && !root.is_nullable;
        fields.push((root.key_bytes.clone(), json.unwrap_or(Bytes::from_static(b"null"))));
    }
    let mut errors: Vec<AnswerError<'_>> =
        failures.iter().map(|(key, error)| AnswerError::new(error, Some(key))).collect();
    if let Some(response) = ordinary {
        errors.extend(response.errors.iter().map(AnswerError::from_server));
    }
    let data = if is_null { Data::Null } else { Data::Fields(fields) };
    write(data, &errors, extensions, request_id)
}

/// The error of a statement that several requests may have waited for.
fn shared_error(error: Arc<StoreError>) -> Error {
    match Arc::try_unwrap(error) {
        Ok(error) => Error::from(error),
        Err(shared) => Error::from(shared.as_ref()),
    }
}

/// An answer that is one error about the whole request.
pub fn refusal(error: &Error, request_id: &str) -> Answer {
    log(error);
    let answer = write(Data::None, &[AnswerError::new(error, None)], None, request_id);
    Answer { standing: error.standing, ..answer }
}

/// The fields of an answer of async-graphql, in order; `None` when there is no data.
pub fn fields_of(response: &Response) -> Option<Vec<(String, Vec<u8>)>> {
    let async_graphql::Value::Object(map) = &response.data else { return None };
    Some(
        map.iter()
            .map(|(key, value)| {
                (key.to_string(), serde_json::to_vec(value).unwrap_or_else(|_| b"null".to_vec()))
            })
            .collect(),
    )
}

/// An answer of async-graphql as it is.
pub fn ordinary(response: &Response, request_id: &str) -> Answer {
    let errors: Vec<_> = response.errors.iter().map(AnswerError::from_server).collect();
    // A request that failed before execution has errors without a path and no data at all.
    let data = match fields_of(response) {
        Some(fields) => Data::Fields(
            fields.into_iter().map(|(key, json)| (key_bytes(&key), Bytes::from(json))).collect(),
        ),
        None if response.errors.iter().all(|error| error.path.is_empty()) => Data::None,
        None => Data::Null,
    };
    write(data, &errors, None, request_id)
}
