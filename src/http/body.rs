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
use crate::config::Settings;

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

/// How long a body is waited for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    /// Time without a byte.
    idle: Duration,
    /// Time for the whole, or time that an upload may take at any rate.
    total: Duration,
    /// Bytes a second that an upload must bring from then on.
    min_rate: u64,
}

impl Patience {
    /// That of the settings.
    pub(super) fn of(settings: &Settings) -> Patience {
        Patience {
            idle: settings.body_idle_timeout,
            total: settings.body_timeout,
            min_rate: settings.min_upload_rate,
        }
    }
}

/// The whole body, which is at most `limit` bytes long.
pub(super) async fn read_whole(
    body: Body,
    headers: &HeaderMap,
    limit: usize,
    patience: Patience,
) -> Result<Bytes, Refusal> {
    read_whole_of(("The request's body", "max_body_size"), body, headers, limit, patience).await
}

/// The same for something with a name and a setting of its own.
pub(super) async fn read_whole_of(
    (what, setting): (&str, &str),
    mut body: Body,
    headers: &HeaderMap,
    limit: usize,
    patience: Patience,
) -> Result<Bytes, Refusal> {
    let limit_bytes = u64::try_from(limit).unwrap_or(u64::MAX);
    let too_large = || Refusal::too_large(what, limit_bytes, setting);
    if announced_length(headers).is_some_and(|length| length > limit_bytes) {
        return Err(too_large());
    }
    let mut first = Bytes::new();
    let mut whole: Vec<u8> = Vec::new();
    let mut deadline = None;
    while let Some(chunk) = next_chunk(&mut body, patience, &mut deadline).await? {
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

/// `deadline` is that of the whole body, set by the first wait.
async fn next_chunk(
    body: &mut Body,
    patience: Patience,
    deadline: &mut Option<Instant>,
) -> Result<Option<Bytes>, Refusal> {
    loop {
        if body.is_end_stream() {
            return Ok(None);
        }
        let frame = match body.frame().now_or_never() {
            Some(frame) => frame,
            None => {
                let now = Instant::now();
                let whole = *deadline.get_or_insert(now + patience.total);
                let idle = now + patience.idle;
                let waiting = tokio::time::timeout_at(whole.min(idle), body.frame());
                waiting.await.map_err(|_| if whole <= idle { too_slow() } else { stalled() })?
            }
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

/// 408: nothing arrives any more.
pub(super) fn stalled() -> Refusal {
    Refusal::new(
        StatusCode::REQUEST_TIMEOUT,
        "The request's body stopped arriving; send it again, or raise the setting body_idle_timeout.",
    )
}

/// 408: it would take too long.
pub(super) fn too_slow() -> Refusal {
    Refusal::new(
        StatusCode::REQUEST_TIMEOUT,
        "The request's body arrives too slowly; send it again, or change the settings body_timeout and min_upload_rate.",
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
    /// Less arrived than must.
    #[error("the body arrives too slowly")]
    TooSlow,
}

/// A body as a stream of chunks that ends in an error when it stalls, or brings too little for the
/// time that was spent waiting for it.
pub(super) struct Chunks {
    body: Body,
    patience: Patience,
    deadline: Pin<Box<Sleep>>,
    waits_since: Option<Instant>,
    waited: Duration,
    n_bytes: u64,
}

impl Chunks {
    /// The chunks of this body.
    pub(super) fn new(body: Body, patience: Patience) -> Chunks {
        let deadline = Box::pin(tokio::time::sleep(patience.idle));
        Chunks { body, patience, deadline, waits_since: None, waited: Duration::ZERO, n_bytes: 0 }
    }

    /// The waiting after which the bytes so far are too few.
    fn longest_wait(&self) -> Duration {
        match self.n_bytes.checked_div(self.patience.min_rate) {
            Some(seconds) => self.patience.total.max(Duration::from_secs(seconds)),
            None => Duration::MAX,
        }
    }
}

impl Stream for Chunks {
    type Item = Result<Bytes, BodyError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        loop {
            let Poll::Ready(frame) = Pin::new(&mut this.body).poll_frame(cx) else { break };
            if let Some(since) = this.waits_since.take() {
                this.waited += since.elapsed();
            }
            match frame {
                None => return Poll::Ready(None),
                Some(Err(e)) => return Poll::Ready(Some(Err(BodyError::CutOff(e)))),
                Some(Ok(frame)) => {
                    if let Ok(data) = frame.into_data() {
                        let length = u64::try_from(data.len()).unwrap_or(u64::MAX);
                        this.n_bytes = this.n_bytes.saturating_add(length);
                        return Poll::Ready(Some(Ok(data)));
                    }
                }
            }
        }
        let left = this.longest_wait().saturating_sub(this.waited);
        if this.waits_since.is_none() {
            let now = Instant::now();
            this.waits_since = Some(now);
            this.deadline.as_mut().reset(now + this.patience.idle.min(left));
        }
        ready!(this.deadline.as_mut().poll(cx));
        let is_slow = left <= this.patience.idle;
        Poll::Ready(Some(Err(if is_slow { BodyError::TooSlow } else { BodyError::Stalled })))
    }
}
