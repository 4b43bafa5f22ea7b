//! Sends one request and tells what came of it.
//!
//! It blocks its thread for no longer than the settings allow, follows no redirect, takes no proxy
//! from the environment and shows nothing of the answer but its status. A name is looked up once,
//! its addresses are judged, and one of exactly these is called.

use std::net::{SocketAddr, ToSocketAddrs};

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{DefaultConnector, NextTimeout};
use ureq::{Agent, Error};

use super::address::is_public;
use crate::config::{Secret, WebhookSettings};

/// The most bytes of an answer that are read.
const MAX_ANSWER_BYTES: u64 = 4 << 10;
/// The most bytes of an answer's headers.
const MAX_HEADER_BYTES: usize = 16 << 10;

/// The most addresses of a name that are tried: what the client has room for.
const MAX_ADDRESSES: usize = 16;

/// A request to be sent.
pub(super) struct Outgoing {
    pub(super) url: String,
    pub(super) id: String,
    pub(super) event: String,
    pub(super) timestamp: i64,
    pub(super) secret: Secret,
    pub(super) body: String,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Sent {
    /// The status of the answer, if one came.
    pub(super) status: Option<u16>,
    /// Why it was not taken, if it was not.
    pub(super) error: Option<String>,
}

/// What sends.
#[derive(Clone, Debug)]
pub(super) struct Sender {
    agent: Agent,
}

impl Sender {
    pub(super) fn new(settings: &WebhookSettings) -> Sender {
        let config = Agent::config_builder()
            .timeout_global(Some(settings.timeout))
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .proxy(None)
            .max_response_header_size(MAX_HEADER_BYTES)
            // Each connection is made to an address that was judged for it.
            .max_idle_connections(0)
            .max_idle_connections_per_host(0)
            .user_agent(concat!("sluice/", env!("CARGO_PKG_VERSION")))
            .build();
        let resolver = Guarded { allow_private: settings.allow_private };
        Sender { agent: Agent::with_parts(config, DefaultConnector::default(), resolver) }
    }

    /// Sends a request; blocks the thread.
    pub(super) fn send(&self, request: &Outgoing) -> Sent {
        let signature = sign(&request.secret, request.timestamp, &request.body);
        let answer = self
            .agent
            .post(&request.url)
            .header("content-type", "application/json")
            .header("x-sluice-delivery", &request.id)
            .header("x-sluice-event", &request.event)
            .header("x-sluice-timestamp", request.timestamp.to_string())
            .header("x-sluice-signature", format!("v1={signature}"))
            .send(&request.body);
        match answer {
            Err(error) => Sent { status: None, error: Some(said(&error).to_owned()) },
            Ok(mut answer) => {
                let status = answer.status();
                // Read for politeness; what it says is nobody's business here.
                let _ = answer.body_mut().with_config().limit(MAX_ANSWER_BYTES).read_to_vec();
                let error = match status.is_success() {
                    true => None,
                    false if status.is_redirection() => Some(format!(
                        "the answer was {}; redirects are not followed",
                        status.as_u16()
                    )),
                    false => Some(format!("the answer was {}", status.as_u16())),
                };
                Sent { status: Some(status.as_u16()), error }
            }
        }
    }
}

/// HMAC-SHA-256 over `{timestamp}.{body}`, as hexadecimal digits.
fn sign(secret: &Secret, timestamp: i64, body: &str) -> String {
    // A key of any length is taken.
    let Ok(mut hmac) = Hmac::<Sha256>::new_from_slice(secret.expose().as_bytes()) else {
        return String::new();
    };
    hmac.update(timestamp.to_string().as_bytes());
    hmac.update(b".");
    hmac.update(body.as_bytes());
    hmac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Why no answer came, in words that tell nothing about networks that must not be called.
fn said(error: &Error) -> &'static str {
    match error {
        Error::Timeout(_) => "no answer came in time",
        Error::HostNotFound => "the name leads to no address that may be called",
        Error::Io(error) if error.kind() == std::io::ErrorKind::ConnectionRefused => {
            "the connection was refused"
        }
        Error::Tls(_) | Error::Rustls(_) => "no secure connection could be made",
        Error::BadUri(_) | Error::Http(_) => "the url cannot be called",
        _ => "the connection failed",
    }
}

/// Looks names up and keeps back addresses that must not be called.
#[derive(Clone, Copy, Debug)]
struct Guarded {
    allow_private: bool,
}

impl Resolver for Guarded {
    fn resolve(
        &self,
        uri: &Uri,
        _config: &Config,
        _timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, Error> {
        let place = uri.scheme().zip(uri.authority());
        let place = place.and_then(|(scheme, host)| DefaultResolver::host_and_port(scheme, host));
        // On this thread: there are few of them, and the system's resolver ends by itself.
        let found = place.ok_or(Error::HostNotFound)?.to_socket_addrs();
        let found = found.map_err(|_| Error::HostNotFound)?;
        let mut allowed = self.empty();
        let may_call = |address: &SocketAddr| self.allow_private || is_public(address.ip());
        for address in found.filter(may_call).take(MAX_ADDRESSES) {
            allowed.push(address);
        }
        if allowed.is_empty() { Err(Error::HostNotFound) } else { Ok(allowed) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_is_over_the_time_and_the_body() {
        // echo -n '1700000000.{"a":1}' | openssl dgst -sha256 -hmac whsec_test
        let signature = sign(&Secret::new("whsec_test"), 1_700_000_000, "{\"a\":1}");
        assert_eq!(signature, "38877139021993b830af32feea6e18a8da83eb2f6e49ee50bd9e4cf4ca4d3789");
    }
}
