//! Headers that keep browsers from being turned against a user of this server.
//!
//! Every answer has them but "not modified", which is about one that had. The playground's page has a policy of its own, the rest allows nothing:
//! no answer of the API is a page.

use axum::http::header::{self, HeaderMap, HeaderName, HeaderValue};

use crate::error::Standing;

/// Answers of the API are data, whatever a browser takes them for.
const NO_PAGE: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
);
const NO_FEATURES: HeaderValue = HeaderValue::from_static(
    "accelerometer=(), camera=(), geolocation=(), gyroscope=(), magnetometer=(), microphone=(), payment=(), usb=()",
);
/// One year.
const TLS_ONLY: HeaderValue = HeaderValue::from_static("max-age=31536000");

const PERMISSIONS_POLICY: HeaderName = HeaderName::from_static("permissions-policy");
const OPENER_POLICY: HeaderName = HeaderName::from_static("cross-origin-opener-policy");
const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");
const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit-limit");
const RATE_REMAINING: HeaderName = HeaderName::from_static("ratelimit-remaining");
const RATE_RESET: HeaderName = HeaderName::from_static("ratelimit-reset");

/// The headers of a rate limit, for those who let pages of other origins read them.
pub(super) const RATE_HEADERS: [HeaderName; 3] = [RATE_LIMIT, RATE_REMAINING, RATE_RESET];

/// Adds what every answer has.
pub(super) fn protect(headers: &mut HeaderMap, is_tls_only: bool) {
    headers.reserve(12);
    let same_origin = const { HeaderValue::from_static("same-origin") };
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, const { HeaderValue::from_static("nosniff") });
    headers.insert(header::X_FRAME_OPTIONS, const { HeaderValue::from_static("DENY") });
    headers.insert(header::REFERRER_POLICY, const { HeaderValue::from_static("no-referrer") });
    headers.insert(PERMISSIONS_POLICY, NO_FEATURES);
    headers.insert(OPENER_POLICY, same_origin.clone());
    headers.insert(RESOURCE_POLICY, same_origin);
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(NO_PAGE);
    headers.entry(header::CACHE_CONTROL).or_insert(const { HeaderValue::from_static("no-store") });
    if is_tls_only {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, TLS_ONLY);
    }
}

/// Tells how the client stands with its limit.
pub(super) fn tell_standing(headers: &mut HeaderMap, standing: Standing) {
    headers.insert(RATE_LIMIT, HeaderValue::from(standing.limit));
    headers.insert(RATE_REMAINING, HeaderValue::from(standing.remaining));
    headers.insert(RATE_RESET, HeaderValue::from(standing.reset_s));
    if standing.retry_after_s > 0 {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(standing.retry_after_s));
    }
}
