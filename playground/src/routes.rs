//! The addresses of the app's screens.

/// Whether the browser app has a screen at this path (without query and fragment).
///
/// The server answers such a path with the app's page, which then reads the address itself. The
/// same routes are in `app/router.tsx`.
#[must_use]
pub fn is_app_route(path: &str) -> bool {
    match path {
        "/" | "/graphiql" | "/queries" | "/reference" | "/relations" | "/access" | "/jobs"
        | "/system" => true,
        _ => ["/datasets/", "/load/"].iter().any(|room| {
            path.strip_prefix(room).is_some_and(|name| !name.is_empty() && !name.contains('/'))
        }),
    }
}
