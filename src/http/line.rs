//! What the log tells of a request: who asked, what for, and what came of it; no value of a cell
//! and no secret.
//!
//! One line for each request, at level debug. It is gathered in the request's span, and only where
//! it is logged.

use axum::body::{Body, HttpBody};
use axum::http::{HeaderMap, Method};
use axum::response::Response;
use tracing::Span;
use tracing::field::Empty;

use super::context::RequestId;
use crate::auth::Principal;
use crate::graphql::{Answer, Keeping};
use crate::ops::logs::tells_requests;
use crate::ops::metrics::Route;
use crate::telemetry::is_tracing;

/// Version, trace, parent, flags (W3C, Trace Context, section 3.2).
const TRACEPARENT: &str = "traceparent";

/// The span that all lines of a request stand in.
pub(super) fn span_of(id: &RequestId, headers: &HeaderMap) -> Span {
    // An error-level span: whatever is logged for this request carries its id.
    let span = tracing::error_span!(
        "request",
        id = id.as_str(),
        trace = Empty,
        actor = Empty,
        workspace = Empty,
        operation = Empty,
        document = Empty,
        cost = Empty,
        cache = Empty,
        rows = Empty,
        // For collectors; the log's line tells them itself.
        parent = Empty,
        method = Empty,
        route = Empty,
        status = Empty,
    );
    if let Some((trace, parent)) = trace_of(headers) {
        span.record("trace", trace);
        if is_tracing() {
            span.record("parent", parent);
        }
    }
    span
}

/// Tells collectors what was asked, and the status of the answer.
pub(super) fn tell_collectors(span: &Span, method: &Method, route: Route, status: u16) {
    if is_tracing() {
        span.record("method", method.as_str());
        span.record("route", route.name());
        span.record("status", status);
    }
}

/// The ids of the trace that a request is part of and of its client's span, if its client says so.
fn trace_of(headers: &HeaderMap) -> Option<(&str, &str)> {
    let text = headers.get(TRACEPARENT)?.to_str().ok()?;
    let mut parts = text.split('-');
    let (version, trace) = (parts.next()?, parts.next()?);
    let (parent, flags) = (parts.next()?, parts.next()?);
    let is_hex = |text: &str, n_digits: usize| {
        text.len() == n_digits
            && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
    };
    let is_some = |text: &str| text.bytes().any(|b| b != b'0');
    // Later versions may add parts at the end; the first may not.
    let is_whole = version != "00" || parts.next().is_none();
    let is_good = is_hex(version, 2)
        && version != "ff"
        && is_hex(trace, 32)
        && is_some(trace)
        && is_hex(parent, 16)
        && is_some(parent)
        && is_hex(flags, 2)
        && is_whole;
    is_good.then_some((trace, parent))
}

/// Who asks: a key's public part or a token's subject, never what it is proven with.
pub(super) fn note_principal(principal: &Principal) {
    if tells_requests() {
        let span = Span::current();
        span.record("actor", principal.key_prefix.as_str());
        span.record("workspace", tracing::field::display(principal.workspace.0));
    }
}

/// What came of it.
pub(super) fn note_answer(answer: &Answer) {
    if tells_requests() {
        let span = Span::current();
        if matches!(answer.keeping, Keeping::Unchanged(_)) {
            span.record("cache", "unchanged");
        }
        span.record("rows", count_rows(&answer.body));
    }
}

/// The size of an answer's body, where it is known before it is sent.
pub(super) fn size_bytes(response: &Response<Body>) -> Option<u64> {
    response.body().size_hint().exact()
}

/// Objects of the lists that stand in `data`.
fn count_rows(body: &[u8]) -> u64 {
    let (mut depth, mut n_rows) = (0_u32, 0);
    let (mut is_text, mut is_escaped) = (false, false);
    // Whether a field of `data` is a list.
    let mut is_list = false;
    for byte in body {
        if is_text {
            is_text = is_escaped || *byte != b'"';
            is_escaped = !is_escaped && *byte == b'\\';
            continue;
        }
        match byte {
            b'"' => is_text = true,
            b'{' | b'[' => {
                match depth {
                    2 => is_list = *byte == b'[',
                    3 => n_rows += u64::from(is_list && *byte == b'{'),
                    _ => {}
                }
                depth += 1;
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    n_rows
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn rows_are_the_objects_of_lists() {
        let check =
            |body: &str, expect: u64| assert_eq!(count_rows(body.as_bytes()), expect, "{body}");
        check(
            r#"{"data":{"orders":[{"id":1,"items":[{"a":1}]},{"id":2}],"more":[{"x":"}]{"}]}}"#,
            3,
        );
        check(r#"{"data":{"orders":[{"note":"a \"quoted\" { \\"}]}}"#, 1);
        check(r#"{"data":{"ordersByPk":{"id":1}}}"#, 0);
        check(r#"{"data":{"orders":[]}}"#, 0);
        check(r#"{"errors":[{"message":"x"}]}"#, 0);
        check("", 0);
    }

    #[test]
    fn traces_are_read_as_the_standard_says() {
        let check = |text: &'static str, is_good: bool| {
            let mut headers = HeaderMap::new();
            headers.insert(TRACEPARENT, HeaderValue::from_static(text));
            assert_eq!(trace_of(&headers).is_some(), is_good, "{text}");
        };
        check("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", true);
        check("cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-what-comes", true);
        check("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more", false);
        check("ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", false);
        check("00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01", false);
        check("00-00000000000000000000000000000000-b7ad6b7169203331-01", false);
        check("00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01", false);
        check("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331", false);
        check("", false);
    }
}
