//! Hosts and networks as people write them: `.example.com`, `10.0.0.0/8`.
//!
//! Nothing here asks a name server.

use std::net::{IpAddr, Ipv6Addr};

/// The addresses that begin with the same bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    n_bits: u8,
}

impl Network {
    /// Whether every address is one of them.
    pub fn is_everybody(&self) -> bool {
        self.n_bits == 0
    }

    /// Whether the address is one of them.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                let mask = u32::MAX.checked_shl(32 - u32::from(self.n_bits)).unwrap_or(0);
                u32::from(own) & mask == u32::from(other) & mask
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => {
                let mask = u128::MAX.checked_shl(128 - u32::from(self.n_bits)).unwrap_or(0);
                u128::from(own) & mask == u128::from(other) & mask
            }
            _ => false,
        }
    }

    fn parse(text: &str) -> Option<Network> {
        let (address, n_bits) = match text.split_once('/') {
            Some((address, n_bits)) => (address, Some(n_bits)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().ok()?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let n_bits = match n_bits {
            Some(n_bits) if n_bits.bytes().all(|b| b.is_ascii_digit()) => n_bits.parse().ok()?,
            Some(_) => return None,
            None => most,
        };
        (n_bits <= most).then_some(Network { address, n_bits })
    }

    pub(super) fn parse_list(text: &str) -> Option<Vec<Network>> {
        entries(text).map(Network::parse).collect()
    }
}

impl std::fmt::Display for Network {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.address, self.n_bits)
    }
}

fn entries(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|entry| !entry.is_empty())
}

/// Host names in lower case: with or without a port, `.example.com` for all below it and itself,
/// `*` for any.
pub(super) fn parse_hosts(text: &str) -> Option<Vec<String>> {
    entries(text)
        .map(|entry| {
            let entry = entry.to_ascii_lowercase();
            let entry =
                entry.strip_prefix('*').filter(|rest| rest.starts_with('.')).unwrap_or(&entry);
            if entry == "*" {
                return Some(entry.to_owned());
            }
            // An address of version 6 may come without its brackets.
            let entry = match entry.parse::<Ipv6Addr>() {
                Ok(address) => format!("[{address}]"),
                Err(_) => entry.to_owned(),
            };
            let (host, _) = split_host(entry.strip_prefix('.').unwrap_or(&entry))?;
            (!host.is_empty()).then_some(entry)
        })
        .collect()
}

/// Host and port of `example.com:8080` or `[::1]:8080`; `None` for what no host is written like.
pub fn split_host(text: &str) -> Option<(&str, Option<u16>)> {
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (address, rest) = rest.split_once(']')?;
            address.parse::<Ipv6Addr>().ok()?;
            let host = text.get(..address.len() + 2)?;
            (host, if rest.is_empty() { None } else { Some(rest.strip_prefix(':')?) })
        }
        None => match text.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (text, None),
        },
    };
    let is_name = host.starts_with('[')
        || host.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'));
    let port = match port {
        None | Some("") => None,
        Some(port) if port.bytes().all(|b| b.is_ascii_digit()) => Some(port.parse().ok()?),
        Some(_) => return None,
    };
    (is_name && !host.is_empty() && host.len() <= 255).then_some((host, port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_hold_their_addresses() {
        let check = |network: &str, address: &str, expect: bool| {
            let network = Network::parse(network).unwrap();
            assert_eq!(network.contains(address.parse().unwrap()), expect, "{network} {address}");
        };
        check("10.0.0.0/8", "10.255.0.1", true);
        check("10.0.0.0/8", "11.0.0.0", false);
        check("10.0.0.0/8", "::ffff:10.1.2.3", true);
        check("127.0.0.1", "127.0.0.1", true);
        check("127.0.0.1", "127.0.0.2", false);
        check("0.0.0.0/0", "203.0.113.9", true);
        check("0.0.0.0/0", "::1", false);
        check("fd00::/8", "fd12::1", true);
        check("fd00::/8", "fe80::1", false);
        check("::/0", "2001:db8::1", true);
        for bad in ["", "10.0.0.0/33", "::/129", "10.0.0/8", "ten", "10.0.0.0/", "10.0.0.0/+8"] {
            assert_eq!(Network::parse(bad), None, "{bad}");
        }
        let list = Network::parse_list("127.0.0.1, fd00::/8,").unwrap();
        assert_eq!(
            list.iter().map(Network::to_string).collect::<Vec<_>>(),
            ["127.0.0.1/32", "fd00::/8"]
        );
    }

    #[test]
    fn hosts_are_read_as_they_are_written() {
        let check = |text: &str, expect: Option<(&str, Option<u16>)>| {
            assert_eq!(split_host(text), expect, "{text}");
        };
        check("example.com", Some(("example.com", None)));
        check("example.com:8080", Some(("example.com", Some(8080))));
        check("example.com:", Some(("example.com", None)));
        check("[::1]:80", Some(("[::1]", Some(80))));
        check("[::1]", Some(("[::1]", None)));
        for bad in [
            "", ":80", "a b", "a/b", "a@b", "a:b", "a:99999", "[::1", "[x]", "[::1]80", "::1",
            "a,b",
        ] {
            check(bad, None);
        }
        assert_eq!(
            parse_hosts("API.example.com, *.example.org,localhost:8080,::1,*"),
            Some(
                ["api.example.com", ".example.org", "localhost:8080", "[::1]", "*"]
                    .map(str::to_owned)
                    .to_vec()
            )
        );
        for bad in ["http://a", "a/b", ".", "*."] {
            assert_eq!(parse_hosts(bad), None, "{bad}");
        }
    }
}
