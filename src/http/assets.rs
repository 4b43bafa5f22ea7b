//! Everything that is no route of the API: the playground's files, or 404.
//!
//! The files are compressed and named by their content when they are built; nothing here reads the
//! disk.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use axum::http::{Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use sluice_playground::{Asset, asset};

use super::App;
use super::refusal::{Refusal, not_found, other_method};

/// Text becomes markup or a script by the policies named here alone: the app's own, its sanitizer's and
/// those of the editor, Monaco.
const POLICY: &str = "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
    worker-src 'self' blob:; img-src 'self' data:; font-src 'self' data:; connect-src 'self'; \
    frame-ancestors 'none'; base-uri 'none'; form-action 'none'; object-src 'none'; \
    require-trusted-types-for 'script'; trusted-types default sluice-workers sluice-markdown \
    dompurify editorViewLayer domLineBreaksComputer diffReview diffEditorWidget editorGhostText \
    standaloneColorizer stickyScrollViewLayer tokenizeToString defaultWorkerFactory";

/// Answers a file of the playground, or 404.
pub(super) async fn get(
    State(app): State<Arc<App>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    if !app.settings.playground {
        return Err(not_found(uri.path()));
    }
    let accept_encoding =
        headers.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok());
    let Some(asset) = asset(uri.path(), accept_encoding.unwrap_or_default()) else {
        return Err(not_found(uri.path()));
    };
    if method != Method::GET && method != Method::HEAD {
        let mut response = other_method(method, uri).await;
        response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
        return Ok(response);
    }
    let is_known = headers
        .get(header::IF_NONE_MATCH)
        .is_some_and(|etag| etag.as_bytes() == asset.etag.as_bytes());
    let mut response = if is_known {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        Body::from(asset.body).into_response()
    };
    set_headers(response.headers_mut(), &asset);
    Ok(response)
}

fn set_headers(headers: &mut HeaderMap, asset: &Asset) {
    let mut set = |name: HeaderName, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    };
    set(header::CONTENT_TYPE, asset.content_type);
    set(header::ETAG, asset.etag);
    set(header::VARY, "accept-encoding");
    set(
        header::CACHE_CONTROL,
        if asset.immutable { "public, max-age=31536000, immutable" } else { "no-cache" },
    );
    if let Some(encoding) = asset.content_encoding {
        set(header::CONTENT_ENCODING, encoding);
    }
    set(header::CONTENT_SECURITY_POLICY, POLICY);
}
