//! Finds out who really asks when proxies stand between: address and scheme.
//!
//! Only what a trusted proxy says is believed, and it is read from the right: each proxy adds the
//! address it saw at the end, so the first one that is no trusted proxy's is the client's. What
//! stands left of it the client wrote itself.

use std::net::{IpAddr, SocketAddr};

use axum::http::header::{FORWARDED, HeaderMap, HeaderName};

use crate::config::Network;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
/// Proxies that are followed.
const MAX_HOPS: usize = 32;

/// The address of the client whose request came over a connection from `peer`.
pub(super) fn client_address(peer: IpAddr, headers: &HeaderMap, trusted: &[Network]) -> IpAddr {
    let peer = peer.to_canonical();
    if !is_trusted(peer, trusted) {
        return peer;
    }
    let by_list = headers
        .contains_key(X_FORWARDED_FOR)
        .then(|| walk(peer, trusted, texts(headers, &X_FORWARDED_FOR).map(parse_address)));
    let by_standard = headers.contains_key(FORWARDED).then(|| {
        let nodes = texts(headers, &FORWARDED);
        walk(peer, trusted, nodes.map(|element| parse_address(parameter(element, "for")?)))
    });
    match (by_list, by_standard) {
        (Some(one), Some(other)) if one == other => one,
        // A proxy sets one of them and may pass the other on: whichever it is, a client could have
        // written it.
        (Some(_), Some(_)) => peer,
        (Some(address), None) | (None, Some(address)) => address,
        (None, None) => peer,
    }
}

/// Whether a trusted proxy says that the client speaks TLS.
pub(super) fn is_https(peer: IpAddr, headers: &HeaderMap, trusted: &[Network]) -> bool {
    if !is_trusted(peer.to_canonical(), trusted) {
        return false;
    }
    // The last word is that of the proxy next to us.
    let by_list = texts(headers, &X_FORWARDED_PROTO).next();
    let by_standard = texts(headers, &FORWARDED).next().and_then(|it| parameter(it, "proto"));
    [by_list, by_standard].into_iter().flatten().all(|word| word.eq_ignore_ascii_case("https"))
        && (by_list.is_some() || by_standard.is_some())
}

fn is_trusted(address: IpAddr, trusted: &[Network]) -> bool {
    trusted.iter().any(|network| network.contains(address))
}

/// Goes from the peer towards the client, as far as proxies can be trusted.
fn walk(peer: IpAddr, trusted: &[Network], hops: impl Iterator<Item = Option<IpAddr>>) -> IpAddr {
    let mut known = peer;
    for hop in hops.take(MAX_HOPS) {
        // Behind what cannot be read nothing is known.
        let Some(address) = hop else { return known };
        known = address;
        if !is_trusted(address, trusted) {
            return known;
        }
    }
    known
}

/// The elements of a list header, the last one first.
fn texts<'h>(headers: &'h HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'h str> {
    let values: Vec<&str> =
        headers.get_all(name).iter().map(|value| value.to_str().unwrap_or("?")).collect();
    values.into_iter().rev().flat_map(|value| value.rsplit(',')).map(str::trim)
}

/// The value of `for` in `for=192.0.2.1;proto=https`.
fn parameter<'e>(element: &'e str, name: &str) -> Option<&'e str> {
    element.split(';').find_map(|pair| {
        let (key, value) = pair.split_once('=')?;
        let is_it = key.trim().eq_ignore_ascii_case(name);
        is_it.then(|| value.trim().trim_matches('"'))
    })
}

/// `192.0.2.1`, `192.0.2.1:4711`, `2001:db8::1`, `[2001:db8::1]:4711`.
fn parse_address(text: &str) -> Option<IpAddr> {
    let without_brackets = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let bare = without_brackets.unwrap_or(text);
    let address = bare.parse().ok();
    address
        .or_else(|| text.parse::<SocketAddr>().ok().map(|address| address.ip()))
        .map(|address: IpAddr| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;
    use crate::config::{Sources, load};

    fn trusted(text: &str) -> Vec<Network> {
        let flags = vec![("--set".to_owned(), "trusted_proxies".to_owned(), text.to_owned())];
        load(&Sources { flags, ..Sources::default() }).unwrap().settings.trusted_proxies
    }

    fn headers(given: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in given {
            headers.append(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        headers
    }

    #[test]
    fn only_trusted_proxies_are_believed_and_from_the_right() {
        let trusted = trusted("10.0.0.0/8,fd00::/8");
        let check = |peer: &str, given: &[(&'static str, &'static str)], expect: &str| {
            let found = client_address(peer.parse().unwrap(), &headers(given), &trusted);
            assert_eq!(found.to_string(), expect, "{peer} {given:?}");
        };
        let list = "x-forwarded-for";
        check("203.0.113.9", &[(list, "198.51.100.1")], "203.0.113.9");
        check("10.0.0.1", &[], "10.0.0.1");
        check("10.0.0.1", &[(list, "198.51.100.1")], "198.51.100.1");
        check("::ffff:10.0.0.1", &[(list, "198.51.100.1")], "198.51.100.1");
        // The client wrote the left ones itself.
        check("10.0.0.1", &[(list, "1.2.3.4, 198.51.100.1")], "198.51.100.1");
        check("10.0.0.1", &[(list, "1.2.3.4"), (list, "198.51.100.1")], "198.51.100.1");
        check("10.0.0.1", &[(list, "1.2.3.4, 198.51.100.1, 10.0.0.2")], "198.51.100.1");
        check("10.0.0.1", &[(list, "10.0.0.3, 10.0.0.2")], "10.0.0.3");
        check("10.0.0.1", &[(list, "198.51.100.1:4711")], "198.51.100.1");
        check("fd00::1", &[(list, "2001:db8::7")], "2001:db8::7");
        check("10.0.0.1", &[(list, "1.2.3.4, unknown, 10.0.0.2")], "10.0.0.2");
        check("10.0.0.1", &[(list, "")], "10.0.0.1");
        check("10.0.0.1", &[(list, "1.2.3.4, ")], "10.0.0.1");
        check("10.0.0.1", &[("forwarded", "for=198.51.100.1;proto=https")], "198.51.100.1");
        check(
            "10.0.0.1",
            &[("forwarded", "for=1.2.3.4, proto=http; For=\"[2001:db8::7]:4711\"")],
            "2001:db8::7",
        );
        check("10.0.0.1", &[("forwarded", "for=_hidden")], "10.0.0.1");
        check(
            "10.0.0.1",
            &[("forwarded", "for=198.51.100.1"), (list, "198.51.100.1")],
            "198.51.100.1",
        );
        check("10.0.0.1", &[("forwarded", "for=1.2.3.4"), (list, "198.51.100.1")], "10.0.0.1");
    }

    #[test]
    fn tls_is_believed_of_trusted_proxies() {
        let trusted = trusted("10.0.0.1");
        let check = |peer: &str, given: &[(&'static str, &'static str)], expect: bool| {
            let found = is_https(peer.parse().unwrap(), &headers(given), &trusted);
            assert_eq!(found, expect, "{peer} {given:?}");
        };
        check("10.0.0.1", &[], false);
        check("10.0.0.1", &[("x-forwarded-proto", "https")], true);
        check("10.0.0.1", &[("x-forwarded-proto", "https, http")], false);
        check("10.0.0.1", &[("forwarded", "for=1.2.3.4;proto=HTTPS")], true);
        check("10.0.0.2", &[("x-forwarded-proto", "https")], false);
    }
}
