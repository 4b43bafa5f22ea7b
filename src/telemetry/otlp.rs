//! Writes requests as spans of OpenTelemetry, and numbers as its metrics, in OTLP over HTTP with JSON.
//!
//! One span for each request, below that of the client where it sent `traceparent`.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use super::figures;
use super::gather::{Fields, Gathered};
use crate::catalog::hex;

/// A span of what a server answers (`SPAN_KIND_SERVER`).
const SERVER: u8 = 2;
const STATUS_ERROR: u8 = 2;
/// What is wrong with statuses from here on is wrong with the server.
const FIRST_SERVER_ERROR: u64 = 500;

/// How fields of a request's span are called there.
const ATTRIBUTES: [(&str, &str); 11] = [
    ("id", "sluice.request.id"),
    ("method", "http.request.method"),
    ("route", "http.route"),
    ("status", "http.response.status_code"),
    ("actor", "sluice.actor"),
    ("workspace", "sluice.workspace"),
    ("operation", "graphql.operation.name"),
    ("document", "graphql.document.hash"),
    ("cost", "sluice.cost"),
    ("cache", "sluice.cache"),
    ("rows", "sluice.rows"),
];

/// Who takes spans.
pub(super) struct Collector {
    url: String,
    metrics_url: String,
    began: SystemTime,
}

impl Collector {
    /// At the address that others are given, too: without `/v1/traces` and `/v1/metrics`.
    ///
    /// # Errors
    /// When it is none.
    pub(super) fn new(endpoint: &str) -> Result<Collector, String> {
        let is_url = ["http://", "https://"].iter().any(|scheme| endpoint.starts_with(scheme));
        if !is_url {
            return Err(format!(
                "otlp.endpoint is {endpoint:?}; expected an address like http://127.0.0.1:4318"
            ));
        }
        let endpoint = endpoint.trim_end_matches('/');
        Ok(Collector {
            url: format!("{endpoint}/v1/traces"),
            metrics_url: format!("{endpoint}/v1/metrics"),
            began: SystemTime::now(),
        })
    }

    /// Sends these.
    pub(super) fn send(
        &self,
        agent: &ureq::Agent,
        spans: &[(Gathered, SystemTime)],
    ) -> Result<(), Box<ureq::Error>> {
        let spans: Vec<Value> = spans.iter().map(|(span, ended)| written(span, *ended)).collect();
        let body = json!({ "resourceSpans": [{
            "resource": resource(),
            "scopeSpans": [{ "scope": { "name": "sluice" }, "spans": spans }],
        }] });
        agent.post(&self.url).send_json(body).map(drop).map_err(Box::new)
    }

    /// Sends the numbers of an OpenMetrics text.
    pub(super) fn send_numbers(
        &self,
        agent: &ureq::Agent,
        text: &str,
    ) -> Result<(), Box<ureq::Error>> {
        let (began, now) = (nanoseconds(self.began), nanoseconds(SystemTime::now()));
        let metrics = figures::metrics(text, &began, &now);
        let body = json!({ "resourceMetrics": [{
            "resource": resource(),
            "scopeMetrics": [{ "scope": { "name": "sluice" }, "metrics": metrics }],
        }] });
        agent.post(&self.metrics_url).send_json(body).map(drop).map_err(Box::new)
    }
}

/// Who tells it.
fn resource() -> Value {
    json!({ "attributes": [
        attribute("service.name", &json!("sluice")),
        attribute("service.version", &json!(env!("CARGO_PKG_VERSION"))),
    ] })
}

fn written(span: &Gathered, ended: SystemTime) -> Value {
    let fields = &span.fields;
    let status = fields.get("status").and_then(Value::as_u64).unwrap_or_default();
    let attributes: Vec<Value> = ATTRIBUTES
        .iter()
        .filter_map(|(field, name)| Some(attribute(name, fields.get(field)?)))
        .collect();
    let mut span = json!({
        "traceId": fields.text("trace").map_or_else(random::<16>, str::to_owned),
        "spanId": random::<8>(),
        "name": name(fields),
        "kind": SERVER,
        "startTimeUnixNano": nanoseconds(span.began),
        "endTimeUnixNano": nanoseconds(ended),
        "attributes": attributes,
        "status": if status >= FIRST_SERVER_ERROR { json!({ "code": STATUS_ERROR }) } else { json!({}) },
    });
    if let (Some(parent), Some(span)) = (fields.text("parent"), span.as_object_mut()) {
        span.insert("parentSpanId".to_owned(), json!(parent));
    }
    span
}

/// The method and the group of routes: few, so that they can be grouped by.
fn name(fields: &Fields) -> String {
    let text = |name| fields.text(name).unwrap_or("?");
    format!("{} {}", text("method"), text("route"))
}

fn attribute(name: &str, value: &Value) -> Value {
    let value = match value {
        Value::Bool(is_so) => json!({ "boolValue": is_so }),
        // JSON of protocol buffers has large numbers as texts.
        Value::Number(number) if number.is_f64() => json!({ "doubleValue": number }),
        Value::Number(number) => json!({ "intValue": number.to_string() }),
        Value::String(text) => json!({ "stringValue": text }),
        other => json!({ "stringValue": other.to_string() }),
    };
    json!({ "key": name, "value": value })
}

fn nanoseconds(time: SystemTime) -> String {
    time.duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos().to_string()
}

/// Random bytes in hexadecimal digits; none of the ids that mean nothing.
fn random<const N: usize>() -> String {
    let mut bytes = [0; N];
    if getrandom::fill(&mut bytes).is_err() || bytes == [0; N] {
        bytes = [1; N];
    }
    hex(&bytes)
}
