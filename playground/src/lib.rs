//! Turns a request's path into a file of the browser app, ready to be sent.
//!
//! The app is built by `build.rs` and embedded compressed, so that one binary serves it without a
//! network or a folder of its own. This crate never reads a file and never speaks HTTP: it gives
//! bytes and the headers that belong to them.

mod encoding;
#[cfg(feature = "app")]
mod files;
mod routes;

pub use routes::is_app_route;

/// A body with the headers that belong to it.
///
/// Whoever sends it adds `Vary: Accept-Encoding`, since the body depends on that header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asset {
    /// The bytes, encoded as `content_encoding` says.
    pub body: &'static [u8],
    /// The value of `Content-Type`.
    pub content_type: &'static str,
    /// The value of `Content-Encoding`; none where the body is sent as it is.
    pub content_encoding: Option<&'static str>,
    /// The value of `ETag`, quotes included; it differs between encodings of one file.
    pub etag: &'static str,
    /// Whether the path names the content too, so that it may be cached for ever.
    pub immutable: bool,
}

/// Gives the file at a path such as `/assets/index-abc.js`; any route of the app gives its page.
///
/// `accept_encoding` is the raw value of the header, empty where the client sent none.
#[cfg(feature = "app")]
#[must_use]
pub fn asset(path: &str, accept_encoding: &str) -> Option<Asset> {
    let path = if is_app_route(path) { "/index.html" } else { path };
    files::find(path).map(|file| file.encoded(encoding::preferred(accept_encoding)))
}

/// Gives, for any route of the app, a page that says how to get the app and how to do without it.
#[cfg(not(feature = "app"))]
#[must_use]
pub fn asset(path: &str, _accept_encoding: &str) -> Option<Asset> {
    is_app_route(path).then_some(Asset {
        body: include_bytes!("without-app.html"),
        content_type: "text/html; charset=utf-8",
        content_encoding: None,
        etag: concat!("\"without-app-", env!("CARGO_PKG_VERSION"), "\""),
        immutable: false,
    })
}

#[cfg(test)]
mod tests;
