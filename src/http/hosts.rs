//! Answers only requests for names that this server has.
//!
//! Pages of other names could otherwise reach a server on the user's own machine, and links in
//! answers and caches could be poisoned. RFC 9112, section 3.2: a missing, doubled or malformed
//! name is 400; a good one that is not ours is 421.

use std::net::SocketAddr;

use axum::http::header::{HOST, HeaderMap};
use axum::http::{StatusCode, Uri};

use super::refusal::Refusal;
use crate::config::{Settings, split_host};

/// Supervisors and load balancers ask by address, some of them without any name.
const PROBES: [&str; 2] = ["/healthz", "/readyz"];

/// The names that requests may ask for.
#[derive(Debug)]
pub(super) enum Hosts {
    /// Any that is written as a name is.
    Any,
    /// These.
    Listed(Vec<Pattern>),
}

/// One name of the list.
#[derive(Debug)]
pub(super) struct Pattern {
    /// In lower case; with a dot before it, it stands for all below as well.
    name: String,
    port: Option<u16>,
}

impl Hosts {
    /// Those of the settings; else, those that people at this machine use. A server that listens
    /// to others and has no list takes any.
    pub(super) fn new(settings: &Settings) -> Hosts {
        let listed = &settings.allowed_hosts;
        if listed.iter().any(|host| host == "*") {
            return Hosts::Any;
        }
        if !listed.is_empty() {
            return Hosts::Listed(listed.iter().filter_map(|host| Pattern::new(host)).collect());
        }
        if !settings.listen.ip().to_canonical().is_loopback() {
            return Hosts::Any;
        }
        let own = match settings.listen {
            SocketAddr::V4(v4) => v4.ip().to_string(),
            SocketAddr::V6(v6) => format!("[{}]", v6.ip()),
        };
        let names = ["localhost", "127.0.0.1", "[::1]", &own];
        Hosts::Listed(names.into_iter().filter_map(Pattern::new).collect())
    }

    /// Refuses a request for another name, or for none.
    pub(super) fn check(&self, uri: &Uri, headers: &HeaderMap) -> Result<(), Refusal> {
        let mut values = headers.get_all(HOST).iter();
        let (first, second) = (values.next(), values.next());
        if second.is_some() {
            return Err(malformed("several Host headers"));
        }
        let header = match first.map(|value| value.to_str()) {
            Some(Ok(text)) => Some(text),
            Some(Err(_)) => return Err(malformed("a Host header that is no name")),
            None => None,
        };
        // The address itself holds a name in HTTP/2 and in requests to proxies.
        let named = uri.authority().map(|authority| authority.as_str());
        if let (Some(header), Some(named)) = (header, named)
            && !header.eq_ignore_ascii_case(named)
        {
            return Err(malformed("two names, of its address and of its Host header"));
        }
        let is_probe = PROBES.contains(&uri.path());
        let Some(text) = named.or(header) else {
            return if is_probe { Ok(()) } else { Err(malformed("no Host header")) };
        };
        let (host, port) =
            split_host(text).ok_or_else(|| malformed("a Host header that is no name"))?;
        let is_ours = match self {
            Hosts::Any => true,
            Hosts::Listed(patterns) => patterns.iter().any(|pattern| pattern.fits(host, port)),
        };
        if is_ours || is_probe { Ok(()) } else { Err(misdirected()) }
    }
}

impl Pattern {
    fn new(text: &str) -> Option<Pattern> {
        let below = text.strip_prefix('.');
        let (host, port) = split_host(below.unwrap_or(text))?;
        let dot = if below.is_some() { "." } else { "" };
        Some(Pattern { name: format!("{dot}{}", host.to_ascii_lowercase()), port })
    }

    fn fits(&self, host: &str, port: Option<u16>) -> bool {
        let host = host.strip_suffix('.').unwrap_or(host);
        let is_name = match self.name.strip_prefix('.') {
            None => host.eq_ignore_ascii_case(&self.name),
            Some(itself) => {
                let end = host.len().checked_sub(self.name.len());
                host.eq_ignore_ascii_case(itself)
                    || end
                        .and_then(|start| host.get(start..))
                        .is_some_and(|end| end.eq_ignore_ascii_case(&self.name))
            }
        };
        is_name && (self.port.is_none() || self.port == port)
    }
}

fn malformed(what: &str) -> Refusal {
    Refusal::bad_request(format!(
        "The request has {what}; send one Host header with this server's name."
    ))
}

fn misdirected() -> Refusal {
    Refusal::new(
        StatusCode::MISDIRECTED_REQUEST,
        "This server does not answer for the name in the Host header; ask for one of its own, or add it to the setting allowed_hosts.",
    )
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn settings(listen: &str, hosts: &[&str]) -> Settings {
        Settings {
            listen: listen.parse().unwrap(),
            allowed_hosts: hosts.iter().map(|host| (*host).to_owned()).collect(),
            ..Settings::default()
        }
    }

    fn status(hosts: &Hosts, uri: &str, given: &[&'static str]) -> u16 {
        use axum::response::IntoResponse;
        let mut headers = HeaderMap::new();
        for host in given {
            headers.append(HOST, HeaderValue::from_bytes(host.as_bytes()).unwrap());
        }
        match hosts.check(&uri.parse().unwrap(), &headers) {
            Ok(()) => 200,
            Err(refusal) => refusal.into_response().status().as_u16(),
        }
    }

    #[test]
    fn names_of_the_list_are_answered() {
        let hosts =
            Hosts::new(&settings("0.0.0.0:80", &["api.example.com", ".example.org", "x.test:81"]));
        for good in [
            "api.example.com",
            "API.Example.com",
            "api.example.com.",
            "api.example.com:8443",
            "example.org",
            "a.b.example.org:1",
            "x.test:81",
        ] {
            assert_eq!(status(&hosts, "/", &[good]), 200, "{good}");
        }
        for other in
            ["example.com", "evil.example", "badexample.org", "x.test", "x.test:82", "127.0.0.1"]
        {
            assert_eq!(status(&hosts, "/graphql", &[other]), 421, "{other}");
            assert_eq!(status(&hosts, "/healthz", &[other]), 200, "{other}");
        }
        for bad in ["", "a b", "a/b", "user@api.example.com", "a:b", "[::1", "é"] {
            assert_eq!(status(&hosts, "/", &[bad]), 400, "{bad}");
        }
        assert_eq!(status(&hosts, "/", &[]), 400);
        assert_eq!(status(&hosts, "/readyz", &[]), 200);
        assert_eq!(status(&hosts, "/", &["api.example.com", "api.example.com"]), 400);
        assert_eq!(status(&hosts, "/healthz", &["a", "b"]), 400);
        assert_eq!(status(&hosts, "http://api.example.com/", &[]), 200);
        assert_eq!(status(&hosts, "http://api.example.com/", &["evil.example"]), 400);
        assert_eq!(status(&hosts, "http://evil.example/", &["evil.example"]), 421);
    }

    #[test]
    fn without_a_list_it_depends_on_who_can_reach_the_server() {
        let local = Hosts::new(&settings("127.0.0.1:8080", &[]));
        for good in ["localhost", "localhost:8080", "127.0.0.1:8080", "[::1]:8080"] {
            assert_eq!(status(&local, "/", &[good]), 200, "{good}");
        }
        assert_eq!(status(&local, "/", &["evil.example"]), 421);
        let own = Hosts::new(&settings("127.0.0.7:8080", &[]));
        assert_eq!(status(&own, "/", &["127.0.0.7:8080"]), 200);
        let open = Hosts::new(&settings("0.0.0.0:8080", &[]));
        assert_eq!(status(&open, "/", &["anything.example"]), 200);
        assert_eq!(status(&open, "/", &["a b"]), 400);
        let any = Hosts::new(&settings("127.0.0.1:8080", &["*"]));
        assert_eq!(status(&any, "/", &["anything.example"]), 200);
    }
}
