//! Tells connections at work from those that only take a place.
//!
//! A connection without a request, or whose client takes nothing of its answer, is closed after
//! the time allowed; when places are short, one without a request is closed at once. So however
//! many connections are opened and left, others are served.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::response::Response;
use hyper::body::{Frame, SizeHint};
use tokio::sync::Notify;

/// Larger answers than this may take a while to be sent; smaller ones fit what the kernel holds.
const LONG_BODY_BYTES: u64 = 64 << 10;
/// A connection this young is left its chance to send a request, even when places are short.
const YOUNG: Duration = Duration::from_millis(500);

/// Says that connections wait for places, and how many others may go for them.
#[derive(Debug, Default)]
pub(super) struct Crowd {
    news: Notify,
    n_to_go: AtomicUsize,
}

impl Crowd {
    /// Asks so many connections that do nothing to go, those first that have waited longest.
    pub(super) fn shed(&self, n_connections: usize) {
        self.n_to_go.store(n_connections, Ordering::Relaxed);
        self.news.notify_waiters();
    }

    /// Nobody waits any more.
    pub(super) fn is_over(&self) {
        self.n_to_go.store(0, Ordering::Relaxed);
    }

    /// Ends when a connection that does nothing is to go.
    pub(super) async fn asks_one_to_go(&self) {
        tokio::time::sleep(YOUNG).await;
        loop {
            self.news.notified().await;
            if self.takes_one() {
                return;
            }
        }
    }

    /// Whether one that does nothing is to go; counts it.
    fn takes_one(&self) -> bool {
        let less = |n: usize| n.checked_sub(1);
        self.n_to_go.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).is_ok()
    }
}

/// What a connection is doing; told by its requests and its stream.
#[derive(Debug, Default)]
pub(super) struct Pulse {
    n_active: AtomicUsize,
    n_requests: AtomicU64,
    n_bytes_written: AtomicU64,
    is_write_blocked: AtomicBool,
}

/// A request being answered, until it is dropped.
#[derive(Debug)]
pub(super) struct Active(Arc<Pulse>);

impl Drop for Active {
    fn drop(&mut self) {
        self.0.n_active.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Pulse {
    /// A request has begun.
    pub(super) fn begin(self: &Arc<Pulse>) -> Active {
        self.n_requests.fetch_add(1, Ordering::Relaxed);
        self.n_active.fetch_add(1, Ordering::Relaxed);
        Active(Arc::clone(self))
    }

    /// The stream took bytes of an answer, or could not.
    pub(super) fn wrote(&self, written: &Poll<std::io::Result<usize>>) {
        match written {
            Poll::Ready(Ok(_)) => {
                self.n_bytes_written.fetch_add(1, Ordering::Relaxed);
                if self.is_write_blocked.load(Ordering::Relaxed) {
                    self.is_write_blocked.store(false, Ordering::Relaxed);
                }
            }
            Poll::Ready(Err(_)) => {}
            Poll::Pending => self.is_write_blocked.store(true, Ordering::Relaxed),
        }
    }

    fn state(&self) -> (u64, u64) {
        (self.n_requests.load(Ordering::Relaxed), self.n_bytes_written.load(Ordering::Relaxed))
    }

    fn is_idle(&self) -> bool {
        self.n_active.load(Ordering::Relaxed) == 0
    }

    /// Ends when the connection has done nothing for this time, or nothing and places are short.
    pub(super) async fn dead(&self, idle_limit: Duration, crowd: &Crowd) {
        loop {
            let (was_idle, (n_requests, n_written)) = (self.is_idle(), self.state());
            let is_over = tokio::select! {
                () = tokio::time::sleep(idle_limit) => true,
                () = self.shed(crowd) => false,
            };
            if !is_over {
                return;
            }
            let (n_requests_now, n_written_now) = self.state();
            let is_blocked = self.is_write_blocked.load(Ordering::Relaxed);
            let is_stuck = is_blocked && n_written_now == n_written;
            let is_unused = was_idle && self.is_idle() && n_requests_now == n_requests;
            if is_stuck || is_unused {
                return;
            }
        }
    }

    /// Ends when places are short and no request is at work.
    async fn shed(&self, crowd: &Crowd) {
        tokio::time::sleep(YOUNG).await;
        loop {
            crowd.news.notified().await;
            if self.is_idle() && crowd.takes_one() {
                return;
            }
        }
    }
}

/// Keeps a request active until its answer is sent, where sending may take a while.
pub(super) fn follow(response: Response, active: Active) -> Response {
    let is_short = response.body().size_hint().upper().is_some_and(|n| n <= LONG_BODY_BYTES);
    if is_short {
        return response;
    }
    response.map(|body| Body::new(Followed { body, _active: active }))
}

/// A body that is being sent.
struct Followed {
    body: Body,
    _active: Active,
}

impl HttpBody for Followed {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
