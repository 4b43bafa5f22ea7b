//! What is known of a request wherever it is answered: its id, who sent it, how it stands.
//!
//! It travels beside the request, so that an error made deep inside still carries the id, and the
//! address is only read off headers where somebody needs it.

use std::cell::Cell;
use std::net::{IpAddr, Ipv4Addr};

use axum::http::header::{HeaderMap, HeaderName, HeaderValue};

use crate::error::Standing;

/// The header of the request's id.
pub(super) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const MAX_REQUEST_ID_BYTES: usize = 64;

tokio::task_local! {
    static CONTEXT: Context;
}

/// What is known of the request at hand.
pub(super) struct Context {
    id: RequestId,
    peer: IpAddr,
    standing: Cell<Option<Standing>>,
}

impl Context {
    /// Of a request with this id that came over a connection from there.
    pub(super) fn new(id: RequestId, peer: IpAddr) -> Context {
        Context { id, peer, standing: Cell::new(None) }
    }

    /// The id of the request.
    pub(super) fn id(&self) -> &RequestId {
        &self.id
    }

    /// Runs what answers the request; gives its result and the last standing that it noted.
    pub(super) async fn scope<T>(self, answer: impl Future<Output = T>) -> (T, Option<Standing>) {
        let noting = async {
            let result = answer.await;
            (result, CONTEXT.try_with(|context| context.standing.get()).ok().flatten())
        };
        CONTEXT.scope(self, noting).await
    }
}

/// The id of one request: the client's own if it is sane, else one of ours.
#[derive(Clone, Debug)]
pub(super) struct RequestId(pub(super) HeaderValue);

impl RequestId {
    /// The id as text.
    pub(super) fn as_str(&self) -> &str {
        self.0.to_str().unwrap_or_default()
    }

    /// The client's id, or one that is made now.
    pub(super) fn of(headers: &HeaderMap, made: impl FnOnce() -> HeaderValue) -> RequestId {
        let given = headers.get(X_REQUEST_ID).filter(|value| {
            let bytes = value.as_bytes();
            !bytes.is_empty()
                && bytes.len() <= MAX_REQUEST_ID_BYTES
                && bytes.iter().all(|b| b.is_ascii_alphanumeric() || b"-_.:".contains(b))
        });
        RequestId(given.cloned().unwrap_or_else(made))
    }
}

/// The id of the request that the calling task answers.
pub(super) fn request_id() -> RequestId {
    CONTEXT
        .try_with(|context| context.id.clone())
        .unwrap_or(RequestId(HeaderValue::from_static("none")))
}

/// The other end of the connection that the request came over.
pub(super) fn peer() -> IpAddr {
    CONTEXT.try_with(|context| context.peer).unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED))
}

/// Notes how the client stands with a limit, to be told in the answer's headers.
pub(super) fn note(standing: Option<Standing>) {
    if standing.is_some() {
        // Outside of a request there is nobody to tell.
        let _ = CONTEXT.try_with(|context| context.standing.set(standing));
    }
}
