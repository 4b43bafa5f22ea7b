//! The messages of graphql-transport-ws, as text.

use std::borrow::Cow;

use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use serde::Deserialize;
use serde_json::Value as Json;
use serde_json::value::RawValue;

use super::super::parameters;
use crate::graphql::Request;

/// Why a connection is closed: a code of the protocol (or of RFC 6455), and a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Close {
    pub(super) code: u16,
    pub(super) reason: String,
}

impl Close {
    /// Bytes of a reason that fit a close frame.
    const MAX_REASON: usize = 123;

    pub(super) fn new(code: u16, reason: impl Into<String>) -> Close {
        let mut reason = reason.into();
        while reason.len() > Close::MAX_REASON {
            reason.pop();
        }
        Close { code, reason }
    }

    fn invalid(what: &str) -> Close {
        Close::new(4400, format!("Invalid message: {what}"))
    }
}

/// What a client says.
#[derive(Debug)]
pub(super) enum FromClient {
    /// Begins, with what is said there of who asks.
    Init(HeaderMap),
    Ping,
    Pong,
    Subscribe(Box<str>, Box<Request>),
    Complete(Box<str>),
}

#[derive(Deserialize)]
struct Frame<'a> {
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    #[serde(borrow, default)]
    id: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    payload: Option<&'a RawValue>,
}

impl FromClient {
    /// Reads a message.
    ///
    /// # Errors
    /// 4400 for one that the protocol does not have.
    pub(super) fn read(text: &str) -> Result<FromClient, Close> {
        let frame: Frame<'_> = serde_json::from_str(text)
            .map_err(|_| Close::invalid("expected a JSON object with a type"))?;
        let id = |frame: &Frame<'_>| match frame.id.as_deref() {
            None | Some("") => Err(Close::invalid("its id is missing or empty")),
            Some(id) => Ok(Box::from(id)),
        };
        let payload = frame.payload.map(RawValue::get).filter(|text| *text != "null");
        if let Some(payload) = payload
            && !payload.starts_with('{')
            && frame.kind != "complete"
        {
            return Err(Close::invalid("its payload is no object"));
        }
        match &*frame.kind {
            "connection_init" => credentials(payload.unwrap_or("{}")).map(FromClient::Init),
            "ping" => Ok(FromClient::Ping),
            "pong" => Ok(FromClient::Pong),
            "complete" => id(&frame).map(FromClient::Complete),
            "subscribe" => {
                let id = id(&frame)?;
                let payload = payload.ok_or_else(|| Close::invalid("it has no payload"))?;
                let request = parameters::from_json(payload.as_bytes())
                    .map_err(|refusal| Close::invalid(refusal.message()))?;
                Ok(FromClient::Subscribe(id, Box::new(request)))
            }
            _ => Err(Close::invalid("its type is not known")),
        }
    }
}

/// The headers that the payload of `connection_init` stands for: browsers cannot set them.
fn credentials(payload: &str) -> Result<HeaderMap, Close> {
    /// What says who asks, and in which workspace.
    const NAMES: [&str; 3] = ["authorization", "x-api-key", "x-workspace"];
    let payload: Json =
        serde_json::from_str(payload).map_err(|_| Close::invalid("its payload is no object"))?;
    let mut headers = HeaderMap::new();
    let nested = payload.get("headers").filter(|nested| nested.is_object());
    let all = [Some(&payload), nested].into_iter().flatten();
    for (name, value) in all.filter_map(Json::as_object).flatten() {
        let Some(name) = NAMES.into_iter().find(|known| known.eq_ignore_ascii_case(name)) else {
            continue;
        };
        let value = match value {
            Json::Null => continue,
            Json::String(text) => HeaderValue::from_str(text).ok(),
            _ => None,
        };
        let value = value.ok_or_else(|| Close::invalid(&format!("its {name} is no text")))?;
        headers.append(HeaderName::from_static(name), value);
    }
    Ok(headers)
}

/// What a server says.
#[derive(Clone, Debug)]
pub(super) enum ToClient<'a> {
    Ack,
    Pong,
    /// An answer, JSON.
    Next(&'a str, Bytes),
    /// A list of errors, JSON.
    Error(&'a str, Bytes),
    Complete(&'a str),
}

impl ToClient<'_> {
    /// The message as JSON in pieces of a bounded size. An answer that many wait for is copied for
    /// none of them.
    pub(super) fn pieces(self) -> Pieces {
        let (kind, id, payload) = match self {
            ToClient::Ack => ("connection_ack", None, None),
            ToClient::Pong => ("pong", None, None),
            ToClient::Next(id, payload) => ("next", Some(id), Some(payload)),
            ToClient::Error(id, errors) => ("error", Some(id), Some(errors)),
            ToClient::Complete(id) => ("complete", Some(id), None),
        };
        let mut head = String::from("{");
        if let Some(id) = id {
            head.push_str("\"id\":");
            head.push_str(&Json::from(id).to_string());
            head.push(',');
        }
        head.push_str("\"type\":\"");
        head.push_str(kind);
        head.push('"');
        if payload.is_some() {
            head.push_str(",\"payload\":");
        }
        Pieces { head: Some(head.into_bytes()), rest: payload.unwrap_or_default(), is_over: false }
    }
}

/// A message in pieces.
pub(super) struct Pieces {
    head: Option<Vec<u8>>,
    rest: Bytes,
    is_over: bool,
}

impl Pieces {
    /// Bytes of the payload in one piece: what a connection keeps room for once it was sent.
    const MAX_BYTES: usize = 16 << 10;
}

impl Iterator for Pieces {
    /// The bytes, and whether they are the last.
    type Item = (Bytes, bool);

    fn next(&mut self) -> Option<(Bytes, bool)> {
        if self.is_over {
            return None;
        }
        let piece = self.rest.split_to(self.rest.len().min(Pieces::MAX_BYTES));
        self.is_over = self.rest.is_empty();
        if self.head.is_none() && !self.is_over {
            return Some((piece, false));
        }
        let mut written = self.head.take().unwrap_or_default();
        written.extend_from_slice(&piece);
        if self.is_over {
            written.push(b'}');
        }
        Some((Bytes::from(written), self.is_over))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_read() {
        let bad = |text: &str| {
            let close = FromClient::read(text).unwrap_err();
            assert_eq!(close.code, 4400, "{text}");
            assert!(close.reason.len() <= Close::MAX_REASON);
        };
        for text in [
            "",
            "x",
            "[]",
            "{}",
            r#"{"type":1}"#,
            r#"{"type":"start","id":"1"}"#,
            r#"{"type":"connection_init","payload":[]}"#,
            r#"{"type":"connection_init","payload":{"authorization":1}}"#,
            r#"{"type":"ping","payload":"x"}"#,
            r#"{"type":"subscribe","payload":{"query":"{a}"}}"#,
            r#"{"type":"subscribe","id":"","payload":{"query":"{a}"}}"#,
            r#"{"type":"subscribe","id":1,"payload":{"query":"{a}"}}"#,
            r#"{"type":"subscribe","id":"1"}"#,
            r#"{"type":"subscribe","id":"1","payload":{}}"#,
            r#"{"type":"subscribe","id":"1","payload":{"query":3}}"#,
            r#"{"type":"complete"}"#,
        ] {
            bad(text);
        }
        let text = r#"{"id":"ü","type":"subscribe","payload":{"query":"{a}","variables":{"b":1}}}"#;
        let Ok(FromClient::Subscribe(id, request)) = FromClient::read(text) else { panic!() };
        assert_eq!((&*id, &*request.query, &*request.variables), ("ü", "{a}", r#"{"b":1}"#));
        assert!(matches!(FromClient::read(r#"{"type":"ping"}"#), Ok(FromClient::Ping)));
    }

    #[test]
    fn who_asks_is_told_in_the_payload() {
        let check = |payload: &str, expect: &[(&str, &str)]| {
            let headers = credentials(payload).unwrap();
            let found: Vec<_> = headers
                .iter()
                .map(|(name, value)| (name.as_str(), value.to_str().unwrap()))
                .collect();
            assert_eq!(found, expect, "{payload}");
        };
        check("{}", &[]);
        check(r#"{"Authorization":"Bearer a","other":[1]}"#, &[("authorization", "Bearer a")]);
        check(r#"{"headers":{"X-API-Key":"a","x":"y"}}"#, &[("x-api-key", "a")]);
        check(r#"{"authorization":null,"x-workspace":"w"}"#, &[("x-workspace", "w")]);
    }

    #[test]
    fn messages_are_written() {
        let text = |message: ToClient<'_>| {
            let pieces: Vec<(Bytes, bool)> = message.pieces().collect();
            let n_pieces = pieces.len();
            assert!(pieces.iter().all(|(piece, _)| piece.len() <= Pieces::MAX_BYTES + 64));
            let n_last = pieces.iter().position(|(_, is_last)| *is_last);
            assert_eq!(n_last, Some(n_pieces - 1));
            let bytes = pieces.into_iter().flat_map(|(piece, _)| piece).collect();
            (String::from_utf8(bytes).unwrap(), n_pieces)
        };
        let short = |text: &str| (text.to_owned(), 1);
        assert_eq!(text(ToClient::Ack), short(r#"{"type":"connection_ack"}"#));
        assert_eq!(
            text(ToClient::Next("a\"", Bytes::from_static(b"{\"data\":{}}"))),
            short(r#"{"id":"a\"","type":"next","payload":{"data":{}}}"#)
        );
        assert_eq!(
            text(ToClient::Error("1", Bytes::from_static(b"[]"))),
            short(r#"{"id":"1","type":"error","payload":[]}"#)
        );
        assert_eq!(text(ToClient::Complete("1")), short(r#"{"id":"1","type":"complete"}"#));
        for n_bytes in [Pieces::MAX_BYTES, Pieces::MAX_BYTES + 1, 5 * Pieces::MAX_BYTES - 2] {
            let long = format!("\"{}\"", "é".repeat(n_bytes / 2 - 1));
            let n_pieces = long.len().div_ceil(Pieces::MAX_BYTES);
            let expect = format!("{{\"id\":\"1\",\"type\":\"next\",\"payload\":{long}}}");
            assert_eq!(text(ToClient::Next("1", Bytes::from(long))), (expect, n_pieces));
        }
    }
}
