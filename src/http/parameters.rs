//! Reads the parameters of a GraphQL request from a JSON body or a query string.
//!
//! The common case is one pass over the body without building a tree: variables stay text. Only a
//! body that is wrong is looked at a second time, to say what is wrong.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::refusal::Refusal;
use crate::graphql::{DocumentName, Request, Sha};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Posted<'a> {
    #[serde(borrow, default)]
    query: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    operation_name: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    variables: Option<&'a RawValue>,
    #[serde(borrow, default)]
    extensions: Option<&'a RawValue>,
    #[serde(borrow, default)]
    document_id: Option<Cow<'a, str>>,
}

/// What of `extensions` means something here; the rest is left alone.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
struct Extensions<'a> {
    #[serde(borrow, default)]
    persisted_query: Option<PersistedQuery<'a>>,
    #[serde(default)]
    cache: Option<bool>,
}

/// Apollo's automatic persisted queries.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PersistedQuery<'a> {
    version: u64,
    #[serde(borrow)]
    sha256_hash: Cow<'a, str>,
}

/// The parts of a request, wherever they stood.
struct Parts<'a> {
    query: Option<Cow<'a, str>>,
    operation_name: Option<Cow<'a, str>>,
    variables: Option<&'a RawValue>,
    extensions: Option<&'a RawValue>,
    document_id: Option<Cow<'a, str>>,
}

/// The request of a JSON body (or of the `operations` part of a multipart one).
pub(super) fn from_json(body: &[u8]) -> Result<Request, Refusal> {
    let first = body.iter().find(|b| !b.is_ascii_whitespace());
    if first == Some(&b'[') {
        return Err(Refusal::bad_request(
            "Batches are not taken; send one request per HTTP request, with several root fields if needed.",
        ));
    }
    let posted: Posted<'_> = serde_json::from_slice(body).map_err(|e| explain(body, &e))?;
    let Posted { query, operation_name, variables, extensions, document_id } = posted;
    assemble(Parts { query, operation_name, variables, extensions, document_id })
}

/// The request of a query string.
pub(super) fn from_query_string(text: &str) -> Result<Request, Refusal> {
    let (mut query, mut operation_name, mut document_id) = (None, None, None);
    let (mut variables, mut extensions) = (None, None);
    for (name, value) in form_urlencoded::parse(text.as_bytes()) {
        let slot = match &*name {
            "query" => &mut query,
            "operationName" => &mut operation_name,
            "variables" => &mut variables,
            "extensions" => &mut extensions,
            "documentId" => &mut document_id,
            _ => continue,
        };
        if slot.replace(value).is_some() {
            return Err(Refusal::bad_request(format!("The parameter {name} was given twice.")));
        }
    }
    let variables = variables.filter(|text| !text.is_empty());
    let extensions = extensions.filter(|text| !text.is_empty());
    let operation_name = operation_name.filter(|text| !text.is_empty());
    let variables = variables.as_deref().map(|text| parse_raw("variables", text)).transpose()?;
    let extensions = extensions.as_deref().map(|text| parse_raw("extensions", text)).transpose()?;
    assemble(Parts { query, operation_name, variables, extensions, document_id })
}

fn parse_raw<'a>(name: &str, text: &'a str) -> Result<&'a RawValue, Refusal> {
    serde_json::from_str(text).map_err(|e| {
        let reason = reason(&e);
        Refusal::bad_request(format!("The parameter {name} is not JSON: {reason}."))
    })
}

fn assemble(parts: Parts<'_>) -> Result<Request, Refusal> {
    let query = parts.query.filter(|query| !query.is_empty());
    let variables = object_text("variables", parts.variables)?;
    let extensions = match object_text("extensions", parts.extensions)? {
        "" => Extensions::default(),
        text => serde_json::from_str(text).map_err(|_| wrong_extensions())?,
    };
    let hash = extensions.persisted_query.map(|named| hash_of(&named)).transpose()?;
    let document = match (hash, parts.document_id.filter(|id| !id.is_empty())) {
        (Some(hash), _) => Some(DocumentName::Hash(hash)),
        (None, Some(id)) if query.is_none() => Some(DocumentName::Id(id.into())),
        (None, Some(_)) => {
            return Err(Refusal::bad_request(
                "The request has both a query and a documentId; send one of them.",
            ));
        }
        (None, None) if query.is_none() => {
            return Err(Refusal::bad_request(
                "The request has no query; send {\"query\": \"{ datasets { name } }\"}.",
            ));
        }
        (None, None) => None,
    };
    Ok(Request {
        query: query.map_or_else(String::new, Cow::into_owned),
        document,
        operation_name: parts.operation_name.map(Cow::into_owned),
        variables: variables.into(),
        shows_cache: extensions.cache.unwrap_or(false),
        ..Request::default()
    })
}

fn hash_of(named: &PersistedQuery<'_>) -> Result<Sha, Refusal> {
    if named.version != 1 {
        return Err(wrong_extensions());
    }
    let mut hash: Sha = [0; 32];
    let digits = named.sha256_hash.as_bytes();
    if digits.len() != hash.len() * 2 {
        return Err(wrong_extensions());
    }
    for (byte, pair) in hash.iter_mut().zip(digits.chunks_exact(2)) {
        let text = std::str::from_utf8(pair).ok().filter(|text| !text.starts_with('+'));
        let value = text.and_then(|text| u8::from_str_radix(text, 16).ok());
        *byte = value.ok_or_else(wrong_extensions)?;
    }
    Ok(hash)
}

fn wrong_extensions() -> Refusal {
    Refusal::bad_request(
        "The parameter extensions does not fit: expected {\"persistedQuery\": {\"version\": 1, \"sha256Hash\": \"64 hexadecimal digits\"}} or {\"cache\": true}.",
    )
}

/// The text of an object, empty for null.
fn object_text<'a>(name: &str, value: Option<&'a RawValue>) -> Result<&'a str, Refusal> {
    let text = value.map_or("", RawValue::get).trim();
    match text.bytes().next() {
        None | Some(b'n') => Ok(""),
        Some(b'{') => Ok(text),
        Some(other) => Err(wrong_kind(name, "an object or null", other)),
    }
}

/// Finds out, for a body that did not fit, which part of it is wrong.
fn explain(body: &[u8], error: &serde_json::Error) -> Refusal {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Loose<'a> {
        #[serde(borrow, default)]
        query: Option<&'a RawValue>,
        #[serde(borrow, default)]
        operation_name: Option<&'a RawValue>,
    }
    if body.iter().all(u8::is_ascii_whitespace) {
        return Refusal::bad_request("The request has no body; send {\"query\": \"…\"} as JSON.");
    }
    match serde_json::from_slice::<Loose<'_>>(body) {
        Ok(loose) => {
            for (name, value) in [("query", loose.query), ("operationName", loose.operation_name)] {
                match value.and_then(|value| value.get().bytes().next()) {
                    None | Some(b'"' | b'n') => {}
                    Some(other) => return wrong_kind(name, "a string", other),
                }
            }
            Refusal::bad_request(format!("The request's body does not fit: {}.", reason(error)))
        }
        Err(e) if e.is_data() => match body.iter().find(|b| !b.is_ascii_whitespace()) {
            Some(b'{') => {
                Refusal::bad_request(format!("The request's body does not fit: {}.", reason(&e)))
            }
            _ => Refusal::bad_request(
                "The request's body must be a JSON object with a query, like {\"query\": \"…\"}.",
            ),
        },
        Err(e) => Refusal::bad_request(format!("The request's body is not JSON: {}.", reason(&e))),
    }
}

fn wrong_kind(name: &str, expected: &str, first: u8) -> Refusal {
    let found = match first {
        b'"' => "a string",
        b'{' => "an object",
        b'[' => "a list",
        b't' | b'f' => "a boolean",
        b'n' => "null",
        _ => "a number",
    };
    Refusal::bad_request(format!("The parameter {name} is {found}; expected {expected}."))
}

/// What and where, in our words: line and column are all that helps.
fn reason(error: &serde_json::Error) -> String {
    let what = match error.classify() {
        serde_json::error::Category::Eof => "it ends too early",
        serde_json::error::Category::Data => "a value or name is not as expected",
        _ => "a character is not where it belongs",
    };
    format!("{what} (line {}, column {})", error.line(), error.column())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(outcome: Result<Request, Refusal>) -> String {
        format!("{:?}", outcome.unwrap_err())
    }

    #[test]
    fn a_json_body_is_read() {
        let body = br#" {"query":"{a\n}","operationName":"x","variables":{"b":[1]},"other":1}"#;
        let request = from_json(body).unwrap();
        assert_eq!(request.query, "{a\n}");
        assert_eq!(request.operation_name.as_deref(), Some("x"));
        assert_eq!(&*request.variables, r#"{"b":[1]}"#);
        let request = from_json(
            br#"{"query":"{a}","operationName":null,"variables":null,"extensions":null}"#,
        );
        let request = request.unwrap();
        assert_eq!(request.operation_name, None);
        assert_eq!(&*request.variables, "");
    }

    #[test]
    fn documents_are_named() {
        let hash = "ab".repeat(32);
        let named = format!(
            r#"{{"extensions":{{"persistedQuery":{{"version":1,"sha256Hash":"{hash}"}}}}}}"#
        );
        let request = from_json(named.as_bytes()).unwrap();
        assert_eq!(
            (request.query.as_str(), request.document),
            ("", Some(DocumentName::Hash([0xab; 32])))
        );
        let request =
            from_json(br#"{"documentId":"x","extensions":{"cache":true,"a":1}}"#).unwrap();
        assert_eq!(request.document, Some(DocumentName::Id("x".into())));
        assert!(request.shows_cache);
        assert_eq!(
            from_query_string("documentId=sha256:x").unwrap().document,
            Some(DocumentName::Id("sha256:x".into()))
        );
        let check = |body: &str, expect: &str| {
            let found = message(from_json(body.as_bytes()));
            assert!(found.contains(expect), "{body}: {found}");
        };
        check(r#"{"query":"{a}","documentId":"x"}"#, "both a query and a documentId");
        check(&named.replace("\"version\":1", "\"version\":2"), "extensions does not fit");
        check(&named.replace("abab", "ab"), "extensions does not fit");
        check(&named.replace("abab", "+bab"), "extensions does not fit");
        check(r#"{"query":"{a}","extensions":{"cache":1}}"#, "extensions does not fit");
    }

    #[test]
    fn a_wrong_body_is_told_what_is_wrong() {
        let check = |body: &str, expect: &str| {
            let found = message(from_json(body.as_bytes()));
            assert!(found.contains(expect), "{body}: {found}");
        };
        check("", "no body");
        check("{", "not JSON: it ends too early (line 1, column 1)");
        check("{]", "not JSON: a character is not where it belongs");
        check("\"x\"", "must be a JSON object");
        check("null", "must be a JSON object");
        check("[{\"query\":\"{a}\"}]", "Batches are not taken");
        check("{}", "no query");
        check("{\"query\":\"\"}", "no query");
        check("{\"query\":null}", "no query");
        check("{\"query\":3}", "query is a number; expected a string");
        check("{\"query\":{\"a\":1}}", "query is an object; expected a string");
        check("{\"query\":\"{a}\",\"operationName\":[]}", "operationName is a list");
        check(
            "{\"query\":\"{a}\",\"variables\":\"{}\"}",
            "variables is a string; expected an object",
        );
        check("{\"query\":\"{a}\",\"variables\":[1]}", "variables is a list");
        check("{\"query\":\"{a}\",\"extensions\":0}", "extensions is a number");
        check("{\"query\":\"{a}\",\"query\":\"{b}\"}", "does not fit");
        check("{\"query\":\"{a}\"} x", "not JSON");
        assert!(message(from_json(b"{\"query\":\"\xff\"}")).contains("not JSON"));
    }

    #[test]
    fn a_query_string_is_read() {
        let request =
            from_query_string("query=%7Ba+b%7D&variables=%7B%22c%22%3A1%7D&operationName=&x=1");
        let request = request.unwrap();
        assert_eq!(request.query, "{a b}");
        assert_eq!(request.operation_name, None);
        assert_eq!(&*request.variables, "{\"c\":1}");
        assert!(message(from_query_string("")).contains("no query"));
        assert!(message(from_query_string("query=a&query=b")).contains("twice"));
        assert!(
            message(from_query_string("query=a&variables=%7B")).contains("variables is not JSON")
        );
        assert!(
            message(from_query_string("query=a&variables=3")).contains("variables is a number")
        );
    }
}
