//! What happens to every request and answer: an id, a log line, one answer even after a panic.
//!
//! It is a plain function around the router and no stack of boxed layers, because each request pays
//! for it. Answers are compressed only for clients that ask.

use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use axum::Router;
use axum::body::Body;
use axum::http::header::{self, HeaderName, HeaderValue};
use axum::http::{HeaderMap, Method, Request, StatusCode, Version};
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use tower::{Layer, Service};
use tower_http::compression::predicate::{And, NotForContentType, SizeAbove};
use tower_http::compression::{Compression, CompressionLayer, Predicate};
use tower_http::cors::{AllowHeaders, AllowMethods, AllowOrigin, CorsLayer};
use tracing::Instrument;

use super::linger::Linger;
use super::refusal::{Refusal, Refused};
use super::{App, router, validators};
use crate::error::Error;

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Answers under this size are not worth compressing.
const MIN_COMPRESSED_BYTES: u16 = 1_024;
const MAX_REQUEST_ID_BYTES: usize = 64;

tokio::task_local! {
    static REQUEST_ID: RequestId;
}

/// The id of one request: the client's own if it is sane, else one of ours.
#[derive(Clone, Debug)]
pub(super) struct RequestId(HeaderValue);

impl RequestId {
    /// The id as text.
    pub(super) fn as_str(&self) -> &str {
        self.0.to_str().unwrap_or_default()
    }

    fn of(headers: &HeaderMap, made: impl FnOnce() -> HeaderValue) -> RequestId {
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
    REQUEST_ID.try_with(Clone::clone).unwrap_or(RequestId(HeaderValue::from_static("none")))
}

/// The router with all that surrounds it.
pub(super) struct Outer {
    plain: Router,
    compressing: Compression<Router, And<SizeAbove, NotForContentType>>,
    max_header_bytes: usize,
    id_seed: u64,
    n_requests: AtomicU64,
}

impl Outer {
    /// The whole of the HTTP room, ready to be called.
    pub(super) fn new(app: Arc<App>) -> Outer {
        let max_header_bytes = app.settings.max_header_bytes;
        let cors = cors(&app.settings.allowed_origins);
        let mut plain = router(app);
        if let Some(cors) = cors {
            plain = plain.layer(cors);
        }
        let worth_it = SizeAbove::new(MIN_COMPRESSED_BYTES).and(NotForContentType::SSE);
        let compressing = CompressionLayer::new()
            .quality(tower_http::CompressionLevel::Fastest)
            .compress_when(worth_it)
            .layer(plain.clone());
        let id_seed = getrandom::u64().unwrap_or_default();
        Outer { plain, compressing, max_header_bytes, id_seed, n_requests: AtomicU64::new(0) }
    }

    /// Answers a request whose client takes compressed answers.
    async fn compress(&self, request: Request<Body>) -> Response {
        let Ok(response) = self.compressing.clone().call(request).await;
        let mut response = response.map(Body::new);
        // The playground's files are compressed when they are built, with tags of their own.
        if response.headers().get(header::CACHE_CONTROL).is_some_and(validators::is_ours) {
            validators::mark_coding(response.headers_mut());
        }
        response
    }

    /// Sixteen hexadecimal digits that this process has not given before.
    fn make_id(&self) -> HeaderValue {
        // An odd multiplier walks through all 2^64 values before one comes again.
        let n = self.n_requests.fetch_add(1, Ordering::Relaxed);
        let id = self.id_seed.wrapping_add(n.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        HeaderValue::try_from(format!("{id:016x}")).unwrap_or(HeaderValue::from_static("none"))
    }

    /// Answers one request; never fails, never unwinds.
    pub(super) async fn answer<B>(
        &self,
        request: Request<B>,
        linger: &Linger,
    ) -> Result<Response, Infallible>
    where
        B: axum::body::HttpBody<Data = axum::body::Bytes> + Send + 'static,
        B::Error: Into<axum::BoxError>,
    {
        let started = Instant::now();
        let id = RequestId::of(request.headers(), || self.make_id());
        // An error-level span: whatever is logged for this request carries its id.
        let span = tracing::error_span!("request", id = id.as_str());
        let version = request.version();
        let has_body = !request.body().is_end_stream();
        let line = tracing::enabled!(tracing::Level::DEBUG)
            .then(|| (request.method().clone(), request.uri().path().to_owned()));

        let routed = async {
            if header_bytes(request.headers()) > self.max_header_bytes {
                return headers_too_large().into_response();
            }
            let is_compressible = request.headers().contains_key(header::ACCEPT_ENCODING);
            let request = request.map(Body::new);
            if is_compressible {
                self.compress(request).await
            } else {
                match self.plain.clone().call(request).await {
                    Ok(response) => response,
                }
            }
        };
        let guarded = async {
            match AssertUnwindSafe(routed).catch_unwind().await {
                Ok(response) => response,
                Err(_) => answer_panic(),
            }
        };
        let mut response = REQUEST_ID.scope(id.clone(), guarded).instrument(span.clone()).await;

        let is_unread = has_body && response.extensions().get::<Refused>().is_some();
        linger.set(is_unread);
        let headers = response.headers_mut();
        if is_unread && version <= Version::HTTP_11 {
            // Nobody shall wait on this connection for an answer to a next request.
            headers.insert(header::CONNECTION, const { HeaderValue::from_static("close") });
        }
        headers.insert(X_REQUEST_ID, id.0);
        headers
            .insert(header::X_CONTENT_TYPE_OPTIONS, const { HeaderValue::from_static("nosniff") });
        if !headers.contains_key(header::CACHE_CONTROL) {
            headers.insert(header::CACHE_CONTROL, const { HeaderValue::from_static("no-store") });
        }
        if let Some((method, path)) = line {
            let elapsed_us = started.elapsed().as_micros();
            let status = response.status().as_u16();
            span.in_scope(|| tracing::debug!(%method, path, status, elapsed_us, "answered"));
        }
        Ok(response)
    }
}

fn header_bytes(headers: &HeaderMap) -> usize {
    headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum()
}

fn headers_too_large() -> Refusal {
    Refusal::new(
        StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
        "The request's headers are larger than allowed; send less, or raise the setting max_header_size.",
    )
}

/// One 500 with the request id; the process lives on. The panic was logged where it happened.
fn answer_panic() -> Response {
    let error = Error { source: None, ..Error::internal("a panic") };
    Refusal::from(error).into_response()
}

/// What pages of the listed origins may do; `None` when none is listed.
fn cors(origins: &[String]) -> Option<CorsLayer> {
    let origins: Vec<HeaderValue> =
        origins.iter().filter_map(|origin| HeaderValue::from_str(origin).ok()).collect();
    if origins.is_empty() {
        return None;
    }
    let methods = [Method::GET, Method::POST, Method::PUT];
    Some(
        CorsLayer::new()
            .allow_origin(AllowOrigin::list(origins))
            .allow_methods(AllowMethods::list(methods))
            .allow_headers(AllowHeaders::mirror_request())
            .expose_headers([X_REQUEST_ID, header::RETRY_AFTER, header::ETAG])
            .max_age(std::time::Duration::from_secs(600)),
    )
}
