//! Turns request headers into the one credential they carry, or into a refusal.
//!
//! It exists so that a request with two keys, or half a key, is refused before anything is looked
//! up. It never knows which keys are good.

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;

use crate::error::{Code, Error, Result};

/// Longer credentials are refused unread.
const MAX_CREDENTIAL_BYTES: usize = 8 << 10;

/// The text of the key in `Authorization: Bearer …`, `Authorization: Api-Key …` or `X-API-Key`.
///
/// `None` when there is none.
pub(super) fn credential(headers: &HeaderMap) -> Result<Option<&str>> {
    let mut values = headers
        .get_all(AUTHORIZATION)
        .iter()
        .map(|value| (true, value))
        .chain(headers.get_all("x-api-key").iter().map(|value| (false, value)));
    let Some((has_scheme, value)) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(refusal("Several keys came with the request. Send exactly one."));
    }
    let text = value.to_str().ok().filter(|text| text.len() <= MAX_CREDENTIAL_BYTES);
    let key = match text {
        Some(text) if has_scheme => of_scheme(text),
        text => text.map(str::trim),
    };
    let is_plain = |key: &&str| !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_graphic());
    key.filter(is_plain).map(Some).ok_or_else(|| {
        refusal(
            "The key's header cannot be read. Send it as \"Authorization: Bearer <key>\" or \"X-API-Key: <key>\".",
        )
    })
}

/// The key after `Bearer` or `Api-Key`, in any case.
fn of_scheme(text: &str) -> Option<&str> {
    let (scheme, key) = text.trim().split_once(' ')?;
    let is_known = scheme.eq_ignore_ascii_case("bearer") || scheme.eq_ignore_ascii_case("api-key");
    is_known.then(|| key.trim_start())
}

/// UNAUTHENTICATED with a sentence.
pub(super) fn refusal(sentence: &'static str) -> Error {
    Error::new(Code::Unauthenticated, sentence)
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderName, HeaderValue};

    use super::*;

    fn check(given: &[(&'static str, &'static str)], expect: Option<&str>) {
        let mut headers = HeaderMap::new();
        for (name, value) in given {
            headers.append(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        match credential(&headers) {
            Ok(found) => assert_eq!(found, expect, "{given:?}"),
            Err(error) => {
                assert_eq!(error.code, Code::Unauthenticated);
                assert_eq!(None, expect, "{given:?}: {error}");
            }
        }
    }

    #[test]
    fn one_credential_in_one_of_three_forms() {
        check(&[("authorization", "Bearer slu_a")], Some("slu_a"));
        check(&[("authorization", "bearer  slu_a ")], Some("slu_a"));
        check(&[("authorization", "Api-Key slu_a")], Some("slu_a"));
        check(&[("x-api-key", "slu_a")], Some("slu_a"));
        check(&[], None);
        check(&[("authorization", "slu_a")], None);
        check(&[("authorization", "Basic slu_a")], None);
        check(&[("authorization", "Bearer ")], None);
        check(&[("authorization", "Bearer a b")], None);
        check(&[("x-api-key", "")], None);
        check(&[("authorization", "Bearer a"), ("x-api-key", "a")], None);
        check(&[("x-api-key", "a"), ("x-api-key", "a")], None);
        check(&[("authorization", "Bearer a"), ("authorization", "Bearer a")], None);
    }
}
