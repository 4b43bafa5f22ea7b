//! Collectors are told of requests and errors, and nobody waits for them.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::access::load;
use crate::harness::server::{ADMIN_KEY, Options};
use crate::harness::{Folder, Server, StoreKind};

const LIMIT: Duration = Duration::from_secs(20);
const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const PARENT: &str = "b7ad6b7169203331";

/// A request to a collector: its first line and headers, and its body.
struct Told {
    head: String,
    body: String,
}

/// Answers 200 to everything, and tells what came.
fn collector() -> (String, Receiver<Told>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let (sender, told) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let mut reader = BufReader::new(stream);
            // A connection brings one request after the other.
            loop {
                let (mut head, mut n_bytes) = (String::new(), 0);
                while !head.ends_with("\r\n\r\n") {
                    let before = head.len();
                    if reader.read_line(&mut head).unwrap_or(0) == 0 {
                        break;
                    }
                    let line = head[before..].to_ascii_lowercase();
                    if let Some(length) = line.strip_prefix("content-length:") {
                        n_bytes = length.trim().parse().unwrap();
                    }
                }
                if head.is_empty() {
                    break;
                }
                let mut body = vec![0; n_bytes];
                reader.read_exact(&mut body).unwrap();
                let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}";
                let _ = reader.get_mut().write_all(answer);
                let body = String::from_utf8(body).unwrap();
                if sender.send(Told { head, body }).is_err() {
                    return;
                }
            }
        }
    });
    (address, told)
}

/// The attributes of the span with this request id, and the span.
fn span(told: &Receiver<Told>, id: &str, seen: &mut String) -> (Value, Vec<(String, Value)>) {
    let began = Instant::now();
    loop {
        let left = LIMIT.saturating_sub(began.elapsed());
        let told = told.recv_timeout(left).expect("the span of a request");
        if told.head.starts_with("POST /v1/metrics ") {
            continue;
        }
        assert!(told.head.starts_with("POST /v1/traces "), "{}", told.head);
        seen.push_str(&told.body);
        let body: Value = serde_json::from_str(&told.body).unwrap();
        let spans = body["resourceSpans"][0]["scopeSpans"][0]["spans"].as_array().unwrap();
        for span in spans {
            let attributes = span["attributes"].as_array().unwrap().iter();
            let attributes: Vec<(String, Value)> = attributes
                .map(|it| (it["key"].as_str().unwrap().to_owned(), it["value"].clone()))
                .collect();
            let its_id = attributes.iter().find(|(name, _)| name == "sluice.request.id");
            if its_id.is_some_and(|(_, value)| value["stringValue"] == id) {
                return (span.clone(), attributes);
            }
        }
    }
}

#[test]
fn each_request_is_a_span() {
    for kind in [StoreKind::Sqlite, StoreKind::Postgres] {
        let (address, told) = collector();
        let (options, database) = Options::of(kind);
        let options = options.variable("SLUICE_OTLP_ENDPOINT", &format!("http://{address}"));
        let mut server = Server::start_with(options, database);
        let client = server.client();
        load(&client);
        let query =
            "query Mine($status: String) { orders(where: {status: {_neq: $status}}) { id } }";
        let body = json!({ "query": query, "variables": { "status": "canary-of-a-value" } });
        let traceparent = format!("00-{TRACE}-{PARENT}-01");
        let headers = [
            ("x-request-id", "mine"),
            ("traceparent", &traceparent),
            ("content-type", "application/json"),
        ];
        client.request("POST", "/graphql", &headers, body.to_string());
        let mut seen = String::new();
        let (span_of_mine, attributes) = span(&told, "mine", &mut seen);
        let value = |name: &str| {
            let found = attributes.iter().find(|(other, _)| other == name);
            found.unwrap_or_else(|| panic!("{name} in {attributes:?}")).1.clone()
        };
        assert_eq!(span_of_mine["traceId"], TRACE);
        assert_eq!(span_of_mine["parentSpanId"], PARENT);
        assert_eq!(
            (&span_of_mine["name"], &span_of_mine["kind"]),
            (&json!("POST graphql"), &json!(2))
        );
        assert_eq!(value("http.response.status_code"), json!({ "intValue": "200" }));
        assert_eq!(value("graphql.operation.name"), json!({ "stringValue": "Mine" }));
        assert_eq!(value("sluice.cache"), json!({ "stringValue": "miss" }));
        let time = |name: &str| span_of_mine[name].as_str().unwrap().parse::<u128>().unwrap();
        assert!(time("startTimeUnixNano") < time("endTimeUnixNano"));

        // What is asked last is told before the end.
        client.request("GET", "/healthz", &[("x-request-id", "last")], "");
        server.terminate();
        assert_eq!(server.wait(LIMIT), Some(0));
        let (last, _) = span(&told, "last", &mut seen);
        assert!(last.get("parentSpanId").is_none());
        assert_eq!(last["traceId"].as_str().unwrap().len(), 32);
        for canary in [ADMIN_KEY, "canary-of-a-value", "_neq"] {
            assert!(!seen.contains(canary), "{canary} in {seen}");
        }
        assert!(!server.log().contains("answered"), "the log is as quiet as before");
    }
}

#[test]
fn numbers_are_told_as_they_are_served() {
    let (address, told) = collector();
    let (options, _) = Options::of(StoreKind::Sqlite);
    let options = options
        .variable("SLUICE_OTLP_ENDPOINT", &format!("http://{address}"))
        .variable("SLUICE_OTLP_EVERY", "100ms");
    let server = Server::start_with(options, None);
    load(&server.client());
    server.client().data("{ orders { id } }");
    let began = Instant::now();
    loop {
        let told = told.recv_timeout(LIMIT.saturating_sub(began.elapsed())).expect("numbers");
        if !told.head.starts_with("POST /v1/metrics ") {
            continue;
        }
        let body: Value = serde_json::from_str(&told.body).unwrap();
        let metrics = body["resourceMetrics"][0]["scopeMetrics"][0]["metrics"].clone();
        let of = |name: &str| {
            metrics.as_array().unwrap().iter().find(|it| it["name"] == name).cloned().unwrap()
        };
        let rows = of("sluice_dataset_rows")["gauge"]["dataPoints"][0]["asDouble"].clone();
        let times = of("sluice_operation_seconds")["histogram"]["dataPoints"].clone();
        let is_counted = times.as_array().unwrap().iter().any(|it| it["count"] != "0");
        if rows.as_f64().unwrap() > 0.0 && is_counted {
            return;
        }
    }
}

#[test]
fn errors_are_events() {
    let (address, told) = collector();
    let folder = Folder::new();
    folder.file("settings.toml", "");
    let (options, _) = Options::of(StoreKind::Sqlite);
    let path = folder.path().join("settings.toml").display().to_string();
    let options = options
        .variable("SLUICE_CONFIG", &path)
        .variable("SENTRY_DSN", &format!("http://publickey@{address}/42"));
    let server = Server::start_with(options, None);
    server.client().error("{ nothing }");
    folder.file("settings.toml", "pool_size = \"many\"\n");
    server.signal(Signal::HUP);
    let told = told.recv_timeout(LIMIT).expect("an event");
    assert!(told.head.starts_with("POST /api/42/envelope/ "), "{}", told.head);
    let head = told.head.to_ascii_lowercase();
    assert!(head.contains("x-sentry-auth: sentry sentry_version=7"), "{head}");
    assert!(head.contains("sentry_key=publickey"), "{head}");
    let lines: Vec<Value> =
        told.body.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let [envelope, item, event] = lines.as_slice() else { panic!("{}", told.body) };
    assert_eq!(envelope["event_id"], event["event_id"]);
    assert_eq!((&item["type"], &event["level"]), (&json!("event"), &json!("error")));
    let message = event["logentry"]["formatted"].as_str().unwrap();
    assert!(message.contains("settings are refused"), "{event}");
    assert!(event["extra"]["reason"].as_str().unwrap().contains("pool_size"), "{event}");
    assert!(!server.log().contains("publickey"), "{}", server.log());
}

#[test]
fn a_collector_that_is_away_or_hangs_keeps_nobody_waiting() {
    let away = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    for address in [away, silent.local_addr().unwrap()] {
        let (options, _) = Options::of(StoreKind::Sqlite);
        let options = options
            .variable("SLUICE_OTLP_ENDPOINT", &format!("http://{address}"))
            .variable("SENTRY_DSN", &format!("http://publickey@{address}/42"));
        let mut server = Server::start_with(options, None);
        let client = server.client();
        let began = Instant::now();
        for _ in 0..200 {
            assert_eq!(client.get("/healthz").status, 200);
        }
        server.terminate();
        assert_eq!(server.wait(LIMIT), Some(0));
        assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    }
}

#[test]
fn what_is_no_address_stops_the_start() {
    let check = |name: &str, value: &str, expect: &str| {
        let output = crate::harness::run_sluice(&Folder::new(), &["serve"], &[(name, value)]);
        let text = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{text}");
        assert!(text.contains(expect), "{text}");
    };
    check("SLUICE_OTLP_ENDPOINT", "collector:4318", "otlp.endpoint");
    check("SENTRY_DSN", "https://example.com/42", "sentry_dsn");
}
