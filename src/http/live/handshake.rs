//! The opening handshake of a WebSocket: RFC 6455, section 4.2.

use axum::body::Body;
use axum::http::header::{
    CONNECTION, HeaderMap, HeaderName, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY,
    SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::upgrade::OnUpgrade;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use super::super::refusal::Refusal;

/// The version of the protocol that RFC 6455 has.
const VERSION: &[u8] = b"13";
/// Random bytes in a key.
const KEY_BYTES: usize = 16;

/// A handshake that can be answered.
pub(super) struct Handshake {
    accept: HeaderValue,
    /// Whether the client speaks the subprotocol.
    pub(super) is_spoken: bool,
    /// Gives the connection once it is answered.
    pub(super) upgrade: OnUpgrade,
}

/// Whether a request asks for a WebSocket.
pub(in crate::http) fn is_upgrade(headers: &HeaderMap) -> bool {
    let upgrade = headers.get(UPGRADE).map(|value| value.as_bytes());
    upgrade.is_some_and(|value| value.eq_ignore_ascii_case(b"websocket"))
}

impl Handshake {
    /// Reads the client's part.
    ///
    /// # Errors
    /// 400 for one that is not complete, 426 for another version.
    pub(super) fn read(parts: &mut Parts, subprotocol: &str) -> Result<Handshake, Refusal> {
        let headers = &parts.headers;
        if !has_word(headers, &CONNECTION, "upgrade") {
            return Err(incomplete());
        }
        if headers.get(SEC_WEBSOCKET_VERSION).is_none_or(|value| value.as_bytes() != VERSION) {
            return Err(Refusal::new(
                StatusCode::UPGRADE_REQUIRED,
                "WebSockets are spoken here in version 13 (RFC 6455).",
            )
            .with_header(SEC_WEBSOCKET_VERSION, const { HeaderValue::from_static("13") }));
        }
        let key = headers.get(SEC_WEBSOCKET_KEY).map(HeaderValue::as_bytes).unwrap_or_default();
        if !STANDARD.decode(key).is_ok_and(|bytes| bytes.len() == KEY_BYTES) {
            return Err(incomplete());
        }
        let accept = HeaderValue::try_from(derive_accept_key(key)).map_err(|_| incomplete())?;
        let is_spoken = has_word(headers, &SEC_WEBSOCKET_PROTOCOL, subprotocol);
        // Only HTTP/1.1 gives connections away.
        let upgrade = parts.extensions.remove::<OnUpgrade>().ok_or_else(incomplete)?;
        Ok(Handshake { accept, is_spoken, upgrade })
    }

    /// The server's part; the subprotocol is named if it is spoken.
    pub(super) fn answer(accept: HeaderValue, subprotocol: Option<&'static str>) -> Response {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        let headers = response.headers_mut();
        headers.insert(CONNECTION, const { HeaderValue::from_static("upgrade") });
        headers.insert(UPGRADE, const { HeaderValue::from_static("websocket") });
        headers.insert(SEC_WEBSOCKET_ACCEPT, accept);
        if let Some(subprotocol) = subprotocol {
            headers.insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(subprotocol));
        }
        response
    }

    /// What the server's part proves itself by.
    pub(super) fn accept(&self) -> HeaderValue {
        self.accept.clone()
    }
}

/// Whether a header's list has a word.
fn has_word(headers: &HeaderMap, name: &HeaderName, word: &str) -> bool {
    let lists = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    lists.flat_map(|list| list.split(',')).any(|item| item.trim().eq_ignore_ascii_case(word))
}

fn incomplete() -> Refusal {
    Refusal::bad_request(
        "This is no complete handshake of a WebSocket (RFC 6455, section 4.2.1): GET over HTTP/1.1 with Connection, Upgrade, Sec-WebSocket-Key and Sec-WebSocket-Version.",
    )
}
