//! Refuses WebSockets of pages of other sites.
//!
//! Browsers let any page open a WebSocket to any server: no answer of ours has to allow it, as with
//! other requests. So it is asked here where the page is from.

use axum::http::StatusCode;
use axum::http::header::{HOST, HeaderMap, ORIGIN};

use super::super::refusal::Refusal;
use crate::config::split_host;

/// Lets in what comes without an origin, from pages of this server, and from those listed.
///
/// # Errors
/// 403 for pages of other sites.
pub(super) fn check(headers: &HeaderMap, allowed: &[String]) -> Result<(), Refusal> {
    let mut origins = headers.get_all(ORIGIN).iter();
    let origin = match (origins.next(), origins.next()) {
        (None, _) => return Ok(()),
        (Some(origin), None) => origin.to_str().unwrap_or_default(),
        (Some(_), Some(_)) => "",
    };
    let is_listed = allowed.iter().any(|known| known.eq_ignore_ascii_case(origin));
    let host = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    if is_listed || is_of(origin, host) { Ok(()) } else { Err(refusal()) }
}

/// Whether an origin is that of pages of a host.
fn is_of(origin: &str, host: &str) -> bool {
    let Some((scheme, authority)) = origin.split_once("://") else { return false };
    let default_port = match scheme.to_ascii_lowercase().as_str() {
        "http" => 80,
        "https" => 443,
        _ => return false,
    };
    let (Some(page), Some(own)) = (split_host(authority), split_host(host)) else { return false };
    let port = |(_, port): (&str, Option<u16>)| port.unwrap_or(default_port);
    page.0.eq_ignore_ascii_case(own.0) && port(page) == port(own)
}

fn refusal() -> Refusal {
    Refusal::new(
        StatusCode::FORBIDDEN,
        "Pages of this origin may not open a WebSocket here. Add the origin to the setting allowed_origins.",
    )
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn pages_of_other_sites_are_kept_out() {
        let allowed = ["https://app.example.com".to_owned()];
        let check = |origin: Option<&'static str>, host: &'static str, expect: bool| {
            let mut headers = HeaderMap::new();
            headers.insert(HOST, HeaderValue::from_static(host));
            if let Some(origin) = origin {
                headers.insert(ORIGIN, HeaderValue::from_static(origin));
            }
            assert_eq!(super::check(&headers, &allowed).is_ok(), expect, "{origin:?} {host}");
        };
        check(None, "localhost:8080", true);
        check(Some("http://localhost:8080"), "localhost:8080", true);
        check(Some("http://LOCALHOST:8080"), "localhost:8080", true);
        check(Some("https://api.example.com"), "api.example.com", true);
        check(Some("https://api.example.com"), "api.example.com:443", true);
        check(Some("https://app.example.com"), "api.example.com", true);
        check(Some("http://localhost:8081"), "localhost:8080", false);
        check(Some("https://evil.example"), "api.example.com", false);
        check(Some("https://api.example.com.evil.example"), "api.example.com", false);
        check(Some("null"), "localhost", false);
        check(Some(""), "localhost", false);
        check(Some("file://localhost"), "localhost", false);
    }
}
