//! What happens to every request and answer: an id, a log line, one answer even after a panic.
//!
//! It is a plain function around the router and no stack of boxed layers, because each request pays
//! for it. Answers are compressed only for clients that ask.

use std::convert::Infallible;
use std::net::IpAddr;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::header::{self, HeaderValue};
use axum::http::{HeaderMap, Method, Request, StatusCode, Version};
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use tower::{Layer, Service};
use tower_http::compression::predicate::{And, NotForContentType, SizeAbove};
use tower_http::compression::{Compression, CompressionLayer, Predicate};
use tower_http::cors::{AllowHeaders, AllowMethods, AllowOrigin, CorsLayer};
use tracing::Instrument;

use super::context::{Context, RequestId, X_REQUEST_ID};
use super::hosts::Hosts;
use super::line;
use super::linger::Linger;
use super::protection::{RATE_HEADERS, protect, tell_standing};
use super::pulse::{Active, follow};
use super::refusal::{Refusal, Refused};
use super::{App, forwarded, graphql, router, validators};
use crate::config::{Network, Settings};
use crate::error::Error;
use crate::ops::logs::tells_requests;
use crate::ops::metrics::{Metrics, Route};

/// Answers under this size are not worth compressing.
const MIN_COMPRESSED_BYTES: u16 = 1_024;

/// Neither what is small, nor streams of events, nor the two kinds of files that are compressed
/// already.
type WorthIt = And<And<And<SizeAbove, NotForContentType>, NotForContentType>, NotForContentType>;

/// The router with all that surrounds it.
pub(super) struct Outer {
    plain: Router,
    /// For the one route that nearly all requests take, which is not looked up; none where pages of
    /// other origins are answered, which goes around every route.
    direct: Option<Arc<App>>,
    compressing: Compression<Router, WorthIt>,
    max_header_bytes: usize,
    hosts: Hosts,
    trusted_proxies: Vec<Network>,
    is_production: bool,
    id_seed: u64,
    n_requests: AtomicU64,
    metrics: Arc<Metrics>,
}

impl Outer {
    /// The whole of the HTTP room, ready to be called.
    pub(super) fn new(app: Arc<App>) -> Outer {
        let settings = app.settings.clone();
        let direct = settings.allowed_origins.is_empty().then(|| Arc::clone(&app));
        let metrics = Arc::clone(&app.metrics);
        Outer { direct, ..Outer::around(router(app), &settings, metrics) }
    }

    /// Any routes with what surrounds all.
    pub(super) fn around(mut plain: Router, settings: &Settings, metrics: Arc<Metrics>) -> Outer {
        let cors = cors(&settings.allowed_origins);
        if let Some(cors) = cors {
            plain = plain.layer(cors);
        }
        let worth_it = SizeAbove::new(MIN_COMPRESSED_BYTES).and(NotForContentType::SSE);
        let worth_it = worth_it
            .and(NotForContentType::const_new("application/vnd.openxmlformats-officedocument"))
            .and(NotForContentType::const_new("application/vnd.apache.parquet"));
        let compressing = CompressionLayer::new()
            .quality(tower_http::CompressionLevel::Fastest)
            .compress_when(worth_it)
            .layer(plain.clone());
        let id_seed = getrandom::u64().unwrap_or_default();
        Outer {
            plain,
            direct: None,
            compressing,
            max_header_bytes: settings.max_header_bytes,
            hosts: Hosts::new(settings),
            trusted_proxies: settings.trusted_proxies.clone(),
            is_production: settings.is_production(),
            id_seed,
            n_requests: AtomicU64::new(0),
            metrics,
        }
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
        peer: IpAddr,
        linger: &Linger,
        active: Active,
    ) -> Result<Response, Infallible>
    where
        B: axum::body::HttpBody<Data = axum::body::Bytes> + Send + 'static,
        B::Error: Into<axum::BoxError>,
    {
        let started = Instant::now();
        let route = Route::of(request.uri().path());
        let id = RequestId::of(request.headers(), || self.make_id());
        let span = line::span_of(&id, request.headers());
        let version = request.version();
        let has_body = !request.body().is_end_stream();
        // Browsers take it by TLS only; a proxy that they reach by it says so.
        let is_tls_only = self.is_production
            || forwarded::is_https(peer, request.headers(), &self.trusted_proxies);
        let line =
            tells_requests().then(|| (request.method().clone(), request.uri().path().to_owned()));

        let routed = async {
            if header_bytes(request.headers()) > self.max_header_bytes {
                return headers_too_large().into_response();
            }
            if let Err(refusal) = self.hosts.check(request.uri(), request.headers()) {
                return refusal.into_response();
            }
            let is_compressible = request.headers().contains_key(header::ACCEPT_ENCODING);
            let request = request.map(Body::new);
            let is_direct = request.method() == Method::POST && request.uri().path() == "/graphql";
            if is_compressible {
                // Boxed, as the routes are: the future of every request has room for it.
                Box::pin(self.compress(request)).await
            } else if let (Some(app), true) = (&self.direct, is_direct) {
                Box::pin(graphql::post(State(Arc::clone(app)), request)).await
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
        let context = Context::new(id.clone(), peer);
        let (mut response, standing) = context.scope(guarded).instrument(span.clone()).await;

        complete_allow(response.headers_mut());

        let is_unread = has_body && response.extensions().get::<Refused>().is_some();
        linger.set(is_unread);
        let is_unchanged = response.status() == StatusCode::NOT_MODIFIED;
        let headers = response.headers_mut();
        if is_unread && version <= Version::HTTP_11 {
            // Nobody shall wait on this connection for an answer to a next request.
            headers.insert(header::CONNECTION, const { HeaderValue::from_static("close") });
        }
        headers.insert(X_REQUEST_ID, id.0);
        // What the client has came with them (RFC 9110, section 15.4.5).
        if !is_unchanged {
            protect(headers, is_tls_only);
        }
        if let Some(standing) = standing {
            tell_standing(headers, standing);
        }
        self.metrics.answered(route, response.status().as_u16());
        if let Some((method, path)) = line {
            let elapsed_ms = started.elapsed().as_secs_f64() * 1e3;
            let status = response.status().as_u16();
            let size_bytes = line::size_bytes(&response);
            line::tell_collectors(&span, &method, route, status);
            span.in_scope(|| {
                tracing::debug!(%method, path, status, size_bytes, elapsed_ms, "answered");
            });
        }
        Ok(follow(response, active))
    }
}

/// Adds what every route takes to the list of what this one does (RFC 9110, section 10.2.1).
fn complete_allow(headers: &mut HeaderMap) {
    let Some(listed) = headers.get(header::ALLOW).and_then(|value| value.to_str().ok()) else {
        return;
    };
    let mut methods: Vec<&str> = listed.split(',').map(str::trim).collect();
    if !methods.contains(&"OPTIONS") {
        methods.push("OPTIONS");
    }
    if let Ok(all) = HeaderValue::try_from(methods.join(", ")) {
        headers.insert(header::ALLOW, all);
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
    let exposed = [X_REQUEST_ID, header::RETRY_AFTER, header::ETAG];
    Some(
        CorsLayer::new()
            .allow_origin(AllowOrigin::list(origins))
            .allow_methods(AllowMethods::list(methods))
            .allow_headers(AllowHeaders::mirror_request())
            .expose_headers(exposed.into_iter().chain(RATE_HEADERS).collect::<Vec<_>>())
            .max_age(std::time::Duration::from_secs(600)),
    )
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use axum::body::to_bytes;
    use axum::routing::get;

    use super::*;
    use crate::http::pulse::Pulse;

    async fn ask(outer: &Outer, path: &str) -> (StatusCode, HeaderMap, String) {
        let request = Request::get(path)
            .header("host", "localhost")
            .header("x-request-id", "my-id")
            .body(Body::empty())
            .unwrap();
        let active = Arc::new(Pulse::default()).begin();
        let peer = Ipv4Addr::LOCALHOST.into();
        let Ok(response) = outer.answer(request, peer, &Linger::default(), active).await;
        let (parts, body) = response.into_parts();
        let body = to_bytes(body, 1 << 20).await.unwrap();
        (parts.status, parts.headers, String::from_utf8(body.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn a_panic_is_one_answer_and_the_next_is_served() {
        let panics = || async {
            if request_id_is_known() {
                panic!("a secret of the inside");
            }
        };
        let router =
            Router::new().route("/panic", get(panics)).route("/fine", get(|| async { "fine" }));
        let outer = Outer::around(router, &Settings::default(), Arc::default());
        for _ in 0..3 {
            let (status, headers, body) = ask(&outer, "/panic").await;
            assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
            assert_eq!(headers[X_REQUEST_ID], "my-id");
            assert_eq!(headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
            let body: serde_json::Value = serde_json::from_str(&body).unwrap();
            let error = &body["errors"][0];
            assert_eq!(error["extensions"]["code"], "INTERNAL");
            assert_eq!(error["extensions"]["requestId"], "my-id");
            assert!(!error.to_string().contains("secret"), "{error}");
            assert_eq!(ask(&outer, "/fine").await.2, "fine");
        }
    }

    fn request_id_is_known() -> bool {
        crate::http::context::request_id().as_str() == "my-id"
    }
}
