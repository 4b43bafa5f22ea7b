//! Writes what is logged as an error, panics among it, as events of Sentry.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::gather::Fields;
use crate::config::{Secret, Settings};

/// The version of the protocol.
const PROTOCOL: &str = "7";
const CLIENT: &str = concat!("sluice/", env!("CARGO_PKG_VERSION"));

/// An error that was logged.
pub(super) struct Failure {
    /// The module that logged it.
    pub(super) target: &'static str,
    pub(super) fields: Fields,
    /// Those of the request that it happened in, if it was one.
    pub(super) request: Fields,
}

/// Who takes errors.
pub(super) struct Collector {
    url: String,
    auth: Secret,
    environment: &'static str,
}

impl Collector {
    /// By a DSN: `https://key@host/project`.
    ///
    /// # Errors
    /// When it is none.
    pub(super) fn new(dsn: &Secret, settings: &Settings) -> Result<Collector, String> {
        let wrong = || "sentry_dsn is not like https://key@host/project".to_owned();
        let (scheme, rest) = dsn.expose().split_once("://").ok_or_else(wrong)?;
        let (keys, place) = rest.split_once('@').ok_or_else(wrong)?;
        let key = keys.split(':').next().unwrap_or_default();
        let (host, project) = place.trim_end_matches('/').rsplit_once('/').ok_or_else(wrong)?;
        let is_word = |text: &str| {
            !text.is_empty()
                && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
        };
        if !["http", "https"].contains(&scheme) || !is_word(key) || !is_word(project) {
            return Err(wrong());
        }
        // A host may be followed by a path.
        let (host, path) = host.split_once('/').unwrap_or((host, ""));
        let path = if path.is_empty() { String::new() } else { format!("/{path}") };
        let auth =
            format!("Sentry sentry_version={PROTOCOL}, sentry_client={CLIENT}, sentry_key={key}");
        Ok(Collector {
            url: format!("{scheme}://{host}{path}/api/{project}/envelope/"),
            auth: Secret::new(auth),
            environment: if settings.is_production() { "production" } else { "development" },
        })
    }

    /// Sends one.
    pub(super) fn send(
        &self,
        agent: &ureq::Agent,
        failure: &Failure,
    ) -> Result<(), Box<ureq::Error>> {
        let id = Uuid::new_v4().simple().to_string();
        let event = self.event(&id, failure).to_string();
        let head = json!({ "event_id": id });
        let kind = json!({ "type": "event", "length": event.len() });
        let body = format!("{head}\n{kind}\n{event}\n");
        let request = agent.post(&self.url).header("x-sentry-auth", self.auth.expose());
        let request = request.content_type("application/x-sentry-envelope");
        request.send(body.as_bytes()).map(drop).map_err(Box::new)
    }

    fn event(&self, id: &str, failure: &Failure) -> Value {
        let message = failure.fields.text("message").unwrap_or("an error");
        let all = |fields: &Fields| -> Map<String, Value> {
            let rest = fields.iter().filter(|(name, _)| *name != "message");
            rest.map(|(name, value)| (name.to_owned(), value.clone())).collect()
        };
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        json!({
            "event_id": id,
            "timestamp": now.as_secs_f64(),
            "platform": "native",
            "level": "error",
            "logger": failure.target,
            "release": CLIENT,
            "environment": self.environment,
            "logentry": { "formatted": message },
            "extra": all(&failure.fields),
            "tags": all(&failure.request),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dsn_says_where_and_who() {
        let check = |dsn: &str, expect: Option<&str>| {
            let made = Collector::new(&Secret::new(dsn), &Settings::default());
            assert_eq!(made.as_ref().ok().map(|it| it.url.as_str()), expect, "{dsn}");
        };
        check("https://abc@o1.example.com/42", Some("https://o1.example.com/api/42/envelope/"));
        check("http://abc:old@h:9000/in/42/", Some("http://h:9000/in/api/42/envelope/"));
        for wrong in [
            "",
            "abc",
            "https://h/42",
            "https://@h/42",
            "ftp://a@h/42",
            "https://a@h",
            "https://a@h/",
        ] {
            check(wrong, None);
        }
    }
}
