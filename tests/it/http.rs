//! HTTP: GraphQL over HTTP, errors in one shape, headers, health, an orderly stop.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::fixtures::{ITEMS, generation};
use crate::harness::server::ADMIN_KEY;
use crate::harness::{Answer, Client, Server, StoreKind};

const GRAPHQL_RESPONSE: &str = "application/graphql-response+json";

fn post(client: &Client, accept: &str, body: &str) -> Answer {
    let headers = [("content-type", "application/json"), ("accept", accept)];
    client.request("POST", "/graphql", &headers, body)
}

#[test]
fn the_status_depends_on_how_far_it_came() {
    let server = Server::start(StoreKind::Sqlite);
    let client = server.client();
    client.load("items", ITEMS);
    let check = |body: &str, json: u16, graphql: u16| {
        let answer = post(&client, "application/json", body);
        assert_eq!(answer.status, json, "{body}: {}", answer.text);
        assert_eq!(answer.header("content-type"), "application/json; charset=utf-8");
        let answer = post(&client, GRAPHQL_RESPONSE, body);
        assert_eq!(answer.status, graphql, "{body}: {}", answer.text);
        assert_eq!(answer.header("content-type"), format!("{GRAPHQL_RESPONSE}; charset=utf-8"));
        if graphql == 400 {
            assert!(answer.json().get("data").is_none(), "{}", answer.text);
        }
    };
    check(r#"{"query":"{ items { id } }"}"#, 200, 200);
    check(r#"{"query":"{ items { nope } }"}"#, 200, 400);
    check(r#"{"query":"{ items "}"#, 200, 400);
    check(r#"{"query":"query($a: Int!) { itemsByPk(id: $a) { id } }"}"#, 200, 400);
    check("{", 400, 400);
    check("", 400, 400);
    check("{}", 400, 400);
    check("[]", 400, 400);
    check(r#"{"query":5}"#, 400, 400);
    check(r#"{"query":"{ __typename }","variables":"{}"}"#, 400, 400);
    check(r#"{"query":"{ __typename }","operationName":{}}"#, 400, 400);
    check(r#"{"query":"{ __typename }","extensions":[]}"#, 400, 400);
    check(
        r#"{"query":"{ __typename }","variables":null,"operationName":null,"extensions":null}"#,
        200,
        200,
    );
    check(r#"{"query":"{ __typename }","something":"else"}"#, 200, 200);
}

#[test]
fn media_types_are_negotiated() {
    let server = Server::start(StoreKind::Sqlite);
    let client = server.client();
    let body = r#"{"query":"{ __typename }"}"#;
    let check = |accept: &str, expect: &str| {
        let answer = post(&client, accept, body);
        assert_eq!(answer.status, 200, "{accept}");
        assert_eq!(answer.header("content-type"), format!("{expect}; charset=utf-8"), "{accept}");
    };
    check("*/*", "application/json");
    check("application/json", "application/json");
    check(GRAPHQL_RESPONSE, GRAPHQL_RESPONSE);
    check("application/graphql-response+json, application/json;q=0.9", GRAPHQL_RESPONSE);
    assert_eq!(post(&client, "text/html", body).status, 406);
    let charset = [("content-type", "application/json; charset=utf-16")];
    assert_eq!(client.request("POST", "/graphql", &charset, body).status, 415);
    let charset = [("content-type", "application/json; charset=utf-8")];
    assert_eq!(client.request("POST", "/graphql", &charset, body).status, 200);
    let encoded = [("content-type", "application/json"), ("content-encoding", "gzip")];
    assert_eq!(client.request("POST", "/graphql", &encoded, body).status, 415);
}

#[test]
fn get_carries_queries() {
    let server = Server::start(StoreKind::Sqlite);
    let client = server.client();
    client.load("items", ITEMS);
    let answer = client.get("/graphql?query=query%20A($id:Int!)%7BitemsByPk(id:$id)%7Bname%7D%7D&variables=%7B%22id%22:3%7D&operationName=A");
    assert_eq!(answer.data(), json!({ "itemsByPk": { "name": "Clamp, big" } }));
    assert_eq!(client.get("/graphql").status, 400);
    assert_eq!(client.get("/graphql?query=%7B__typename%7D&variables=x").status, 400);
}

#[test]
fn every_error_has_one_shape() {
    let server = Server::start(StoreKind::Sqlite);
    let client = server.client();
    let check = |method: &str, path: &str, status: u16, code: &str| {
        let answer = client.request(method, path, &[("x-request-id", "my-id.7")], "");
        assert_eq!(answer.status, status, "{method} {path}: {}", answer.text);
        assert_eq!(answer.code(), code);
        assert_eq!(answer.header("x-request-id"), "my-id.7");
        let told = answer.json();
        let id = match status {
            // Where nothing is, in the words of HTTP.
            404 => &told["requestId"],
            _ => &told["errors"][0]["extensions"]["requestId"],
        };
        assert_eq!(id, "my-id.7");
    };
    check("GET", "/nothing/here", 404, "NOT_FOUND");
    check("POST", "/nothing/here", 404, "NOT_FOUND");
    check("DELETE", "/graphql", 405, "BAD_USER_INPUT");
    check("GET", "/upload/x", 405, "BAD_USER_INPUT");
    check("PUT", "/healthz", 405, "BAD_USER_INPUT");
    let answer = client.request("DELETE", "/graphql", &[], "");
    assert!(answer.header("allow").contains("POST"), "{}", answer.header("allow"));
}

#[test]
fn request_ids_are_made_or_taken_if_sane() {
    let server = Server::start(StoreKind::Sqlite);
    let client = server.client();
    let of = |given: &str| {
        let answer = client.request("GET", "/healthz", &[("x-request-id", given)], "");
        answer.header("x-request-id").to_owned()
    };
    assert_eq!(of("abc-123_x.y:z"), "abc-123_x.y:z");
    for insane in ["", "a b", "<script>", &"x".repeat(65)] {
        let made = of(insane);
        assert_eq!(made.len(), 16, "{made}");
    }
    assert_ne!(
        client.get("/healthz").header("x-request-id"),
        client.get("/healthz").header("x-request-id")
    );
}

#[test]
fn answers_carry_the_headers_that_protect() {
    let server = Server::start(StoreKind::Sqlite);
    let answer = server.client().get("/healthz");
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
    assert_eq!(answer.header("cache-control"), "no-store");
    let page = server.anonymous().get("/");
    assert_eq!(page.status, 200, "{:.200}", page.text);
    assert!(page.header("content-type").starts_with("text/html"));
    let policy = page.header("content-security-policy");
    for part in
        ["default-src 'self'", "script-src 'self'", "frame-ancestors 'none'", "base-uri 'none'"]
    {
        assert!(policy.contains(part), "{policy}");
    }
    assert_eq!(page.header("referrer-policy"), "no-referrer");
    assert_eq!(page.header("x-content-type-options"), "nosniff");
    let etag = page.header("etag").to_owned();
    assert!(!etag.is_empty());
    let again = server.anonymous().request("GET", "/", &[("if-none-match", &etag)], "");
    assert_eq!(again.status, 304);
}

#[test]
fn large_answers_are_compressed_when_asked() {
    let server = Server::start(StoreKind::Sqlite);
    let client = server.client();
    client.load("rows", generation(1, 1_000));
    let ask = |limit: u32, encoding: &str| {
        let body =
            json!({ "query": format!("{{ rows(limit: {limit}) {{ id name }} }}") }).to_string();
        let request = format!(
            "POST /graphql HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\nauthorization: Bearer {ADMIN_KEY}\r\ncontent-type: application/json\r\naccept-encoding: {encoding}\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        crate::harness::raw(&server.address, request).to_lowercase()
    };
    for encoding in ["gzip", "br", "zstd"] {
        let answer = ask(1_000, encoding);
        assert!(answer.contains(&format!("content-encoding: {encoding}")), "{answer:.300}");
        assert!(answer.len() < 20_000, "{}", answer.len());
        assert!(!ask(1, encoding).contains("content-encoding"), "small answers are left alone");
    }
    assert!(!ask(1_000, "identity").contains("content-encoding"));
}

#[test]
fn health_and_readiness_need_no_key() {
    let server = Server::start(StoreKind::Sqlite);
    assert_eq!(server.anonymous().get("/healthz").json(), json!({ "status": "ok" }));
    assert_eq!(server.anonymous().get("/readyz").json(), json!({ "status": "ready" }));
}

#[test]
fn a_server_whose_folder_is_away_is_not_ready() {
    for kind in [StoreKind::Sqlite, StoreKind::Postgres] {
        let server = Server::start(kind);
        let (folder, away) = (server.data_dir(), server.data_dir().with_extension("away"));
        std::fs::rename(folder, &away).unwrap();
        assert_eq!(server.anonymous().get("/readyz").status, 503, "{kind:?}");
        std::fs::rename(&away, folder).unwrap();
        assert_eq!(server.anonymous().get("/readyz").status, 200, "{kind:?}");
    }
}

#[test]
fn the_link_of_the_greeting_signs_in_once() {
    let server = Server::start(StoreKind::Sqlite);
    let line = server.greeting.iter().find(|line| line.contains("#token=")).unwrap();
    let (_, token) = line.split_once("#token=").unwrap();
    let body = json!({ "token": token }).to_string();
    let anonymous = server.anonymous();
    let answer = anonymous.post_json("/sign-in", &body);
    assert_eq!(answer.status, 200, "{}", answer.text);
    let key = answer.json()["key"].as_str().unwrap().to_owned();
    assert!(answer.json()["expiresAt"].as_str().unwrap().ends_with('Z'));
    assert_eq!(anonymous.with_key(&key).data("{ __typename }"), json!({ "__typename": "Query" }));
    let answer = anonymous.post_json("/sign-in", &body);
    assert_eq!((answer.status, answer.code().as_str()), (401, "UNAUTHENTICATED"));
    assert_eq!(anonymous.post_json("/sign-in", "{}").status, 400);
    assert_eq!(
        anonymous.request("POST", "/sign-in", &[("content-type", "text/plain")], body).status,
        415
    );
}

#[test]
fn a_stop_finishes_what_runs() {
    let mut server = Server::start(StoreKind::Sqlite);
    let csv = generation(1, 200_000);
    // The head and half of the body are sent before the signal, the rest after it.
    let mut stream = TcpStream::connect(&server.address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let head = format!(
        "PUT /upload/late?wait=60 HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {ADMIN_KEY}\r\ncontent-length: {}\r\n\r\n",
        csv.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    let (first, rest) = csv.as_bytes().split_at(csv.len() / 2);
    stream.write_all(first).unwrap();
    // The request is at work once its spool file has bytes.
    crate::harness::eventually("the spool file", Duration::from_secs(20), || {
        let spool = crate::harness::folder::files_below(server.data_dir());
        spool.iter().any(|path| path.starts_with("spool/")).then_some(())
    });
    server.terminate();
    crate::harness::eventually("the closed door", Duration::from_secs(20), || {
        TcpStream::connect(&server.address).is_err().then_some(())
    });
    stream.write_all(rest).unwrap();
    let mut answer = String::new();
    let _ = stream.read_to_string(&mut answer);
    assert!(answer.starts_with("HTTP/1.1 20"), "{answer}");
    assert_eq!(server.wait(Duration::from_secs(40)), Some(0), "{}", server.log());
}

#[test]
fn an_idle_server_stops_at_once() {
    let mut server = Server::start(StoreKind::Sqlite);
    assert_eq!(server.anonymous().get("/healthz").status, 200);
    server.terminate();
    assert_eq!(server.wait(Duration::from_secs(10)), Some(0));
}

#[test]
fn log_lines_are_json_and_carry_the_request_id() {
    let server = Server::start_set(StoreKind::Sqlite, "SLUICE_LOG", "debug");
    server.client().request("GET", "/healthz", &[("x-request-id", "find-me-7")], "");
    let log = crate::harness::eventually("the log line", Duration::from_secs(10), || {
        let log = server.log();
        log.contains("find-me-7").then_some(log)
    });
    let line = log.lines().find(|line| line.contains("find-me-7")).unwrap();
    let line: Value = serde_json::from_str(line).unwrap();
    assert_eq!(line["span"]["id"], "find-me-7", "{line}");
    assert!(!log.contains(ADMIN_KEY), "a key is never logged");
}

/// The audits of the reference implementation, from the npm registry.
#[test]
fn the_audits_of_graphql_over_http_pass() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/node");
    assert!(
        folder.join("node_modules").is_dir(),
        "tests/node has no node_modules: run scripts/test, or npm ci in tests/node"
    );
    let server = Server::start(StoreKind::Sqlite);
    let url = format!("http://{}/graphql", server.address);
    let output = Command::new("node")
        .arg(folder.join("audits.mjs"))
        .args([&url, ADMIN_KEY])
        .output()
        .expect("node");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
}
