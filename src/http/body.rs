//! Reads bodies within limits: of bytes, and of time without a byte.
//!
//! A small body that has already arrived is handed on without a copy and without a timer. Nothing
//! here looks into the bytes.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::http::StatusCode;
use axum::http::header::{self, HeaderMap};
use futures_util::{FutureExt, Stream};
use http_body_util::BodyExt;
use tokio::time::{Instant, Sleep};

use super::refusal::Refusal;

/// The length that the client announced.
pub(super) fn announced_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// Refuses bodies in an encoding of their own: unpacking them would undo the limits.
pub(super) fn refuse_encoded(headers: &HeaderMap) -> Result<(), Refusal> {
    match headers.get(header::CONTENT_ENCODING) {
        None => Ok(()),
        Some(value) if value.as_bytes().eq_ignore_ascii_case(b"identity") => Ok(()),
        Some(_) => Err(Refusal::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "Request bodies with a Content-Encoding are not taken; send the bytes as they are.",
        )),
    }
}

/// The whole body, which is at most `limit` bytes long.
pub(super) async fn read_whole(
    body: Body,
    headers: &HeaderMap,
    limit: usize,
    idle_limit: Duration,
) -> Result<Bytes, Refusal> {
    read_whole_of(("The request's body", "max_body_size"), body, headers, limit, idle_limit).await
}

/// The same for something with a name and a setting of its own.
pub(super) async fn read_whole_of(
    (what, setting): (&str, &str),
    mut body: Body,
    headers: &HeaderMap,
    limit: usize,
    idle_limit: Duration,
) -> Result<Bytes, Refusal> {
    let limit_bytes = u64::try_from(limit).unwrap_or(u64::MAX);
    let too_large = || Refusal::too_large(what, limit_bytes, setting);
    if announced_length(headers).is_some_and(|length| length > limit_bytes) {
        return Err(too_large());
    }
    let mut first = Bytes::new();
    let mut whole: Vec<u8> = Vec::new();
    while let Some(chunk) = next_chunk(&mut body, idle_limit).await? {
        if whole.len() + first.len() + chunk.len() > limit {
            return Err(too_large());
        }
        if first.is_empty() && whole.is_empty() {
            first = chunk;
            continue;
        }
        if whole.is_empty() {
            whole.extend_from_slice(&first);
            first = Bytes::new();
        }
        whole.extend_from_slice(&chunk);
    }
    Ok(if whole.is_empty() { first } else { Bytes::from(whole) })
}

async fn next_chunk(body: &mut Body, idle_limit: Duration) -> Result<Option<Bytes>, Refusal> {
    loop {
        if body.is_end_stream() {
            return Ok(None);
        }
        let frame = match body.frame().now_or_never() {
            Some(frame) => frame,
            None => tokio::time::timeout(idle_limit, body.frame()).await.map_err(|_| stalled())?,
        };
        match frame {
            None => return Ok(None),
            Some(Err(_)) => return Err(cut_off()),
            Some(Ok(frame)) => {
                if let Ok(data) = frame.into_data() {
                    return Ok(Some(data));
                }
            }
        }
    }
}

fn stalled() -> Refusal {
    Refusal::new(
        StatusCode::REQUEST_TIMEOUT,
        "The request's body stopped arriving; send it again, or raise the setting body_idle_timeout.",
    )
}

fn cut_off() -> Refusal {
    Refusal::bad_request("The request's body was cut off; send it again.")
}

/// Why a streamed body ended early.
#[derive(Debug, thiserror::Error)]
pub(super) enum BodyError {
    /// The client went away or broke the protocol.
    #[error("the body was cut off")]
    CutOff(#[source] axum::Error),
    /// Nothing arrived for the time allowed.
    #[error("the body stopped arriving")]
    Stalled,
}

/// A body as a stream of chunks that ends in an error when it stalls.
pub(super) struct Chunks {
    body: Body,
    idle_limit: Duration,
    deadline: Pin<Box<Sleep>>,
    is_waiting: bool,
}

impl Chunks {
    /// The chunks of this body.
    pub(super) fn new(body: Body, idle_limit: Duration) -> Chunks {
        let deadline = Box::pin(tokio::time::sleep(idle_limit));
        Chunks { body, idle_limit, deadline, is_waiting: false }
    }
}

impl Stream for Chunks {
    type Item = Result<Bytes, BodyError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        loop {
            let Poll::Ready(frame) = Pin::new(&mut this.body).poll_frame(cx) else { break };
            this.is_waiting = false;
            match frame {
                None => return Poll::Ready(None),
                Some(Err(e)) => return Poll::Ready(Some(Err(BodyError::CutOff(e)))),
                Some(Ok(frame)) => {
                    if let Ok(data) = frame.into_data() {
                        return Poll::Ready(Some(Ok(data)));
                    }
                }
            }
        }
        if !this.is_waiting {
            this.is_waiting = true;
            this.deadline.as_mut().reset(Instant::now() + this.idle_limit);
        }
        ready!(this.deadline.as_mut().poll(cx));
        Poll::Ready(Some(Err(BodyError::Stalled)))
    }
}
