//! Says which addresses may be called: none of this machine's or of networks behind it.
//!
//! Whoever may make a webhook makes this server send requests; without these rules, also to what
//! only this server can reach. A name is judged by the addresses that it leads to at the moment of
//! the call ([`super::send`]), since it may lead elsewhere tomorrow.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ureq::http::Uri;

use crate::error::{Error, Result};

/// The longest address of a webhook, bytes.
const MAX_URL_BYTES: usize = 2_000;

/// Networks that are nobody's on the internet (IANA's registry of special purposes).
const NOT_PUBLIC_V4: [(Ipv4Addr, u8); 16] = [
    (Ipv4Addr::new(0, 0, 0, 0), 8),
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    // Shared by carriers.
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    // Link-local, with the metadata of clouds at 169.254.169.254.
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    (Ipv4Addr::new(192, 88, 99, 0), 24),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    (Ipv4Addr::new(203, 0, 113, 0), 24),
    // Multicast, then what is reserved, with broadcast.
    (Ipv4Addr::new(224, 0, 0, 0), 4),
    (Ipv4Addr::new(240, 0, 0, 0), 4),
    // The metadata of one more cloud; within a public network.
    (Ipv4Addr::new(168, 63, 129, 16), 32),
];

/// Parts of 2000::/3 that are nobody's or carry an IPv4 address inside.
const NOT_PUBLIC_V6: [(Ipv6Addr, u8); 4] = [
    // Teredo, benchmarks, ORCHID and the rest of IETF's.
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23),
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32),
    // 6to4.
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20),
];

/// Whether an address is one of the public internet's.
pub(super) fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => !NOT_PUBLIC_V4.iter().any(|(network, n_bits)| {
            let mask = u32::MAX.checked_shl(32 - u32::from(*n_bits)).unwrap_or(0);
            address.to_bits() & mask == network.to_bits()
        }),
        // Everything else is loopback, mapped IPv4, NAT64, unique-local, link-local, multicast or
        // unassigned.
        IpAddr::V6(address) => {
            is_within(address, Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3)
                && !NOT_PUBLIC_V6.iter().any(|(network, bits)| is_within(address, *network, *bits))
        }
    }
}

fn is_within(address: Ipv6Addr, network: Ipv6Addr, n_bits: u8) -> bool {
    let mask = u128::MAX.checked_shl(128 - u32::from(n_bits)).unwrap_or(0);
    address.to_bits() & mask == network.to_bits()
}

/// Refuses what cannot be the address of a webhook, as far as it can be told without a call.
///
/// # Errors
/// BAD_USER_INPUT, naming what is wrong.
pub fn check_url(url: &str, allow_private: bool) -> Result<()> {
    if url.len() > MAX_URL_BYTES {
        return Err(Error::bad_input(format!(
            "The url has {} bytes; expected at most {MAX_URL_BYTES}.",
            url.len()
        )));
    }
    let wrong = |what: &str| {
        Error::bad_input(format!(
            "The url {what}; expected one like https://example.com/hooks/orders."
        ))
    };
    let uri: Uri = url.parse().map_err(|_| wrong("cannot be read"))?;
    if !matches!(uri.scheme_str(), Some("http" | "https")) {
        return Err(wrong("begins with neither https:// nor http://"));
    }
    let authority = uri.authority().ok_or_else(|| wrong("has no host"))?;
    if authority.as_str().contains('@') {
        return Err(wrong("has a name or password in it"));
    }
    if url.contains('#') {
        return Err(wrong("has a fragment, which is never sent"));
    }
    let has_port = authority.as_str().len() > authority.host().len();
    if has_port && authority.port_u16().is_none_or(|port| port == 0) {
        return Err(wrong("has a port that is none"));
    }
    let host = authority.host().trim_matches(['[', ']']).trim_end_matches('.');
    if host.is_empty() {
        return Err(wrong("has no host"));
    }
    let literal = match host.parse::<IpAddr>() {
        Ok(address) => Some(address),
        // 2130706433, 0x7f.1 and 0177.0.0.1 are 127.0.0.1 to some.
        Err(_) if ends_in_a_number(host) => {
            return Err(wrong("has an address that is not written in its usual form"));
        }
        Err(_) => None,
    };
    let is_of_this_machine = {
        let host = host.to_ascii_lowercase();
        host == "localhost" || host.ends_with(".localhost")
    };
    let is_private = is_of_this_machine || literal.is_some_and(|address| !is_public(address));
    if is_private && !allow_private {
        return Err(Error::bad_input(
            "The url leads to this machine or to a private network, which webhooks may not call. Give a public address, or ask the operator for webhook.allow_private.",
        ));
    }
    Ok(())
}

/// Whether the last part of a name is a number, so that it is an address to some.
fn ends_in_a_number(host: &str) -> bool {
    let last = host.rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
    let is_hex = last
        .strip_prefix("0x")
        .is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
    is_hex || (!last.is_empty() && last.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn only_the_internet_is_public() {
        for address in [
            "1.1.1.1",
            "8.8.8.8",
            "172.15.0.1",
            "172.32.0.1",
            "100.128.0.1",
            "2606:4700::1111",
            "2a00:1450:4001::1",
            "223.255.255.255",
        ] {
            assert!(is_public(address.parse().unwrap()), "{address}");
        }
        for address in [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "100.64.0.1",
            "100.127.255.255",
            "127.0.0.1",
            "127.255.255.254",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.19.255.255",
            "224.0.0.1",
            "239.1.1.1",
            "240.0.0.1",
            "255.255.255.255",
            "168.63.129.16",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:8.8.8.8",
            "::127.0.0.1",
            "64:ff9b::7f00:1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "ff02::1",
            "2001::1",
            "2001:db8::1",
            "2002:7f00:1::1",
            "3fff::1",
            "100::1",
        ] {
            assert!(!is_public(address.parse().unwrap()), "{address}");
        }
    }

    #[test]
    fn urls_are_judged_before_anything_is_called() {
        for url in [
            "https://example.com",
            "https://example.com:8443/a?b=c",
            "http://1.1.1.1/x",
            "https://[2606:4700::1111]/",
            "https://example.com./",
            "https://0x7f.example/",
        ] {
            assert!(check_url(url, false).is_ok(), "{url}");
        }
        for url in [
            "",
            "/x",
            "example.com",
            "ftp://example.com",
            "file:///etc/passwd",
            "gopher://example.com",
            "https://user@example.com",
            "https://user:pw@example.com",
            "https://example.com@127.0.0.1/",
            "https:///x",
            "https://example.com:0/",
            "https://example.com:99999/",
            "https://example.com/#x",
            "http://2130706433/",
            "http://0x7f000001/",
            "http://0x7f.1/",
            "http://0177.0.0.1/",
            "http://127.1/",
            "http://127.0.0.1.:80/x y",
        ] {
            assert!(check_url(url, true).is_err(), "{url}");
        }
        for url in [
            "http://localhost/",
            "http://LOCALHOST:80/",
            "http://localhost./",
            "http://a.localhost/",
            "http://127.0.0.1/",
            "http://127.0.0.1./",
            "http://10.1.2.3/",
            "http://169.254.169.254/latest/meta-data",
            "http://[::1]/",
            "http://[::ffff:127.0.0.1]/",
            "http://[fe80::1]/",
            "http://[fd00::1]/",
            "http://0.0.0.0/",
        ] {
            assert!(check_url(url, false).is_err(), "{url}");
            assert!(check_url(url, true).is_ok(), "{url}");
        }
        assert!(check_url(&format!("https://example.com/{}", "x".repeat(2_000)), false).is_err());
    }
}
