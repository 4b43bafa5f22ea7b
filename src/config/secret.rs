//! A text that must never be printed.
//!
//! Wrapping it is the whole point: `Debug` and `Display` of anything that holds a [`Secret`] stay
//! safe, and every place that reads the text says so by calling [`Secret::expose`]. Its memory is
//! overwritten when it is dropped.

use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// A text whose `Debug` does not show it.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Hides this text.
    pub fn new(text: impl Into<String>) -> Secret {
        Secret(Zeroizing::new(text.into()))
    }

    /// The text itself.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl PartialEq for Secret {
    /// Takes the same time wherever two texts differ.
    fn eq(&self, other: &Secret) -> bool {
        self.0.as_bytes().ct_eq(other.0.as_bytes()).into()
    }
}

impl Eq for Secret {}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("(hidden)")
    }
}

/// The same URL with its password, and any value of its query that is one, hidden.
pub(super) fn hide_password(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return "(hidden)".to_owned() };
    let (before_query, query) = match rest.split_once('?') {
        Some((before, query)) => (before, Some(query)),
        None => (rest, None),
    };
    let authority_end = before_query.find('/').unwrap_or(before_query.len());
    let (authority, path) = before_query.split_at(authority_end);
    let authority = match authority.rsplit_once('@') {
        None => authority.to_owned(),
        Some((user_info, host)) => match user_info.split_once(':') {
            None => format!("{user_info}@{host}"),
            Some((user, _)) => format!("{user}:***@{host}"),
        },
    };
    let query = query.map_or_else(String::new, |query| {
        let pairs: Vec<String> = query
            .split('&')
            .map(|pair| match pair.split_once('=') {
                Some((name, _)) if name.to_ascii_lowercase().contains("password") => {
                    format!("{name}=***")
                }
                _ => pair.to_owned(),
            })
            .collect();
        format!("?{}", pairs.join("&"))
    });
    format!("{scheme}://{authority}{path}{query}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_never_shows() {
        let check = |url: &str, expect: &str| assert_eq!(hide_password(url), expect);
        check("postgres://localhost/db", "postgres://localhost/db");
        check("postgres://ann@localhost/db", "postgres://ann@localhost/db");
        check("postgres://ann:s3cret@localhost:5432/db", "postgres://ann:***@localhost:5432/db");
        check("postgres://ann:p@ss:w@localhost", "postgres://ann:***@localhost");
        check(
            "postgres://localhost/db?sslmode=require&password=x",
            "postgres://localhost/db?sslmode=require&password=***",
        );
        check("nonsense", "(hidden)");
        assert_eq!(format!("{:?}", Some(Secret::new("x"))), "Some((hidden))");
    }
}
