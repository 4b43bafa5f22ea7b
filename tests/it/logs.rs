//! What the log tells of requests: who, what for and what came of it, never a value or a secret.

use std::time::Duration;

use serde_json::{Value, json};

use crate::access::{key, load};
use crate::harness::server::{ADMIN_KEY, Options};
use crate::harness::{Client, Server, StoreKind, eventually};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

/// The line of the request with this id.
fn line(server: &Server, id: &str) -> Value {
    eventually("the line of a request", Duration::from_secs(10), || {
        let log = server.log();
        let mut lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        lines.find(|line| line["message"] == "answered" && line["span"]["id"] == id)
    })
}

fn ask(client: &Client, id: &str, query: &str, headers: &[(&str, &str)]) -> crate::harness::Answer {
    let body = json!({ "query": query, "variables": { "status": "canary-of-a-value" } });
    let mut all = vec![("x-request-id", id), ("content-type", "application/json")];
    all.extend(headers);
    client.request("POST", "/graphql", &all, body.to_string())
}

#[test]
fn a_line_tells_of_each_request() {
    for kind in [StoreKind::Sqlite, StoreKind::Postgres] {
        let (options, database) = Options::of(kind);
        let options = options.variable("SLUICE_LOG", "info,sluice=debug");
        let server = Server::start_with(options, database);
        let admin = server.client();
        load(&admin);
        let reader = key(&admin, "scope: READ");
        let secret = reader.key().unwrap();
        let query = "query Mine($status: String) { orders(where: {status: {_neq: $status}}, limit: 3) { id } }";
        let first = ask(&reader, "first", query, &[("traceparent", PARENT)]);
        assert_eq!(first.status, 200, "{}", first.text);
        ask(&reader, "second", query, &[]);
        let tag = first.header("etag");
        assert_eq!(ask(&reader, "third", query, &[("if-none-match", tag)]).status, 304);

        let told = line(&server, "first");
        let span = &told["span"];
        assert!(secret.starts_with(span["actor"].as_str().unwrap()), "{told}");
        assert_eq!(span["workspace"].as_str().unwrap().len(), 36, "{told}");
        assert_eq!((&span["operation"], &span["trace"]), (&json!("Mine"), &json!(TRACE)));
        assert_eq!(span["document"].as_str().unwrap().len(), 16, "{told}");
        assert_eq!((&span["cache"], &span["rows"]), (&json!("miss"), &json!(3)), "{told}");
        assert!(span["cost"].as_u64().unwrap() >= 3, "{told}");
        assert_eq!(told["size_bytes"], json!(first.text.len()), "{told}");
        assert!(told["elapsed_ms"].as_f64().unwrap() > 0.0, "{told}");
        assert_eq!((&told["path"], &told["status"]), (&json!("/graphql"), &json!(200)));
        let told = line(&server, "second");
        assert_eq!(told["span"]["cache"], "hit", "{told}");
        assert!(told["span"].get("trace").is_none(), "{told}");
        let told = line(&server, "third");
        assert_eq!((&told["span"]["cache"], &told["status"]), (&json!("unchanged"), &json!(304)));

        let log = server.log();
        for canary in [ADMIN_KEY, secret, "canary-of-a-value", "_neq"] {
            assert!(!log.contains(canary), "{canary} in {log}");
        }
    }
}

#[test]
fn usually_requests_are_not_told() {
    let server = Server::start(StoreKind::Sqlite);
    let admin = server.client();
    load(&admin);
    ask(&admin, "first", "{ orders { id } }", &[("traceparent", PARENT)]);
    admin.error("{ nothing }");
    assert!(!server.log().contains("answered"), "{}", server.log());
}
