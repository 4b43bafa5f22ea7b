//! Sends who asks without TLS to the same address with it.

use axum::Router;
use axum::extract::OriginalUri;
use axum::http::header::{HOST, HeaderMap, HeaderValue, LOCATION};
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};

use super::refusal::Refusal;
use crate::config::split_host;

const HTTPS_PORT: u16 = 443;

/// Answers every request with where it should have gone: to this port, with TLS.
pub(super) fn router(port: u16) -> Router {
    Router::new().fallback(async move |OriginalUri(uri): OriginalUri, headers: HeaderMap| {
        redirect(port, &uri, &headers)
    })
}

fn redirect(port: u16, uri: &Uri, headers: &HeaderMap) -> Response {
    let named = uri.authority().map(|authority| authority.as_str());
    let named = named.or_else(|| headers.get(HOST)?.to_str().ok());
    // That the name is one of ours was looked at before.
    let Some((host, _)) = named.and_then(split_host) else {
        return Refusal::bad_request("The request names no host.".to_owned()).into_response();
    };
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let place = match port {
        HTTPS_PORT => format!("https://{host}{path}"),
        port => format!("https://{host}:{port}{path}"),
    };
    match HeaderValue::try_from(place) {
        // Clients send the same again, with its body.
        Ok(place) => (StatusCode::PERMANENT_REDIRECT, [(LOCATION, place)]).into_response(),
        Err(_) => Refusal::bad_request("The address is malformed.".to_owned()).into_response(),
    }
}
