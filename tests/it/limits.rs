//! Rate limits: how often a key, a workspace and an address may ask, and what is told to those who
//! ask too often.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::harness::fixtures::generation;
use crate::harness::server::Options;
use crate::harness::{Answer, Client, Server, StoreKind, eventually};

/// A server with these limits.
fn limited(variables: &[(&str, &str)]) -> Server {
    limited_on(StoreKind::Sqlite, variables)
}

fn limited_on(kind: StoreKind, variables: &[(&str, &str)]) -> Server {
    let (options, database) = Options::of(kind);
    let options = options.variable("SLUICE_RATE_LIMIT", "on");
    let options = variables.iter().fold(options, |options, (n, v)| options.variable(n, v));
    Server::start_with(options, database)
}

fn ask(client: &Client) -> Answer {
    client.graphql("{ __typename }", &json!({}))
}

#[track_caller]
fn number(answer: &Answer, header: &str) -> u64 {
    let text = answer.header(header);
    text.parse().unwrap_or_else(|_| panic!("{header}: {text:?} of {}", answer.text))
}

#[track_caller]
fn is_limited(answer: &Answer, limit: u64) {
    assert_eq!(answer.status, 429, "{}", answer.text);
    let json = answer.json();
    assert!(json.get("data").is_none(), "{}", answer.text);
    let extensions = &json["errors"][0]["extensions"];
    assert_eq!(extensions["code"], "RATE_LIMITED", "{}", answer.text);
    assert_eq!(extensions["requestId"], answer.header("x-request-id"));
    assert!(number(answer, "retry-after") >= 1);
    assert_eq!(number(answer, "ratelimit-limit"), limit);
    assert!(number(answer, "ratelimit-remaining") < limit);
    assert!(number(answer, "ratelimit-reset") >= 1);
}

#[test]
fn a_key_may_ask_so_often_and_not_more() {
    let server = limited(&[("SLUICE_RATE_READS", "5/h")]);
    let client = server.client();
    for left in (0..5).rev() {
        let answer = ask(&client);
        assert_eq!(answer.status, 200, "{}", answer.text);
        assert_eq!(number(&answer, "ratelimit-limit"), 5);
        assert_eq!(number(&answer, "ratelimit-remaining"), left);
        assert_eq!(answer.header("retry-after"), "");
    }
    is_limited(&ask(&client), 5);
    for accept in ["application/json", "application/graphql-response+json"] {
        let headers = [("content-type", "application/json"), ("accept", accept)];
        let answer = client.request("POST", "/graphql", &headers, r#"{"query":"{ __typename }"}"#);
        is_limited(&answer, 5);
        assert!(answer.header("content-type").starts_with(accept));
    }
    is_limited(&client.get("/graphql?query=%7B__typename%7D"), 5);
    is_limited(&client.get("/schema.graphql"), 5);
    is_limited(&client.post_json("/graphql", "no JSON"), 5);
    // Others are not in its way, and probes never are.
    assert_eq!(ask(&server.client_of("read")).status, 200);
    assert_eq!(server.anonymous().get("/healthz").status, 200);
    assert_eq!(server.anonymous().get("/readyz").header("ratelimit-limit"), "");
}

#[test]
fn the_defaults_are_those_of_the_documentation() {
    let server = limited(&[]);
    let client = server.client();
    let answer = ask(&client);
    assert_eq!(number(&answer, "ratelimit-limit"), 200);
    let answer = client.upload("orders", "id\n1\n");
    assert_eq!((answer.status, number(&answer, "ratelimit-limit")), (200, 60));
    let answer = client.graphql("mutation { dropDataset(dataset: \"none\") { name } }", &json!({}));
    assert_eq!(number(&answer, "ratelimit-limit"), 20, "{}", answer.text);
    let answer = ask(&server.anonymous());
    assert_eq!((answer.status, number(&answer, "ratelimit-limit")), (401, 10));
}

#[test]
fn a_share_comes_back_with_time() {
    let server = limited(&[("SLUICE_RATE_READS", "2/s")]);
    let client = server.client();
    let began = Instant::now();
    eventually("a refusal", Duration::from_secs(10), || (ask(&client).status == 429).then_some(()));
    let answer = eventually("the next share", Duration::from_secs(10), || {
        let answer = ask(&client);
        (answer.status == 200).then_some(answer)
    });
    assert!(began.elapsed() > Duration::from_millis(300), "half a second for each");
    assert_eq!(answer.header("retry-after"), "");
}

#[test]
fn writes_count_by_their_fields() {
    for kind in [StoreKind::Sqlite, StoreKind::Postgres] {
        let server = limited_on(kind, &[("SLUICE_RATE_WRITES", "4/h")]);
        let client = server.client();
        client.load("items", "id,name\n1,a\n2,b\n");
        let rename = |n: usize| {
            let fields: String = (0..n)
                .map(|n| {
                    format!("f{n}: alterColumn(dataset: \"items\", column: \"name\", description: \"{n}\") {{ job {{ id }} }} ")
                })
                .collect();
            client.graphql(&format!("mutation {{ {fields} }}"), &json!({}))
        };
        let answer = rename(3);
        assert_eq!(answer.status, 200, "{}", answer.text);
        assert_eq!(
            (number(&answer, "ratelimit-limit"), number(&answer, "ratelimit-remaining")),
            (4, 1)
        );
        is_limited(&rename(2), 4);
        assert_eq!(rename(1).status, 200);
        is_limited(&rename(1), 4);
        // Fragments hide nothing.
        let hidden =
            "mutation { ...F } fragment F on Mutation { dropDataset(dataset: \"items\") { name } }";
        is_limited(&client.graphql(hidden, &json!({})), 4);
        assert_eq!(client.data("{ items { id } }")["items"].as_array().unwrap().len(), 2);
    }
}

#[test]
fn uploads_count_by_their_files() {
    let server = limited(&[("SLUICE_RATE_UPLOADS", "4/h"), ("SLUICE_RATE_INSPECTIONS", "2/h")]);
    let client = server.client();
    assert_eq!(client.upload("one", "id\n1\n").status, 200);
    let upload = "mutation($file: Upload!) { upload(file: $file, wait: 30) { job { status } } }";
    let answer = client.upload_mutation(upload, &json!({ "file": null }), ("two.csv", b"id\n1\n"));
    assert_eq!(answer.status, 200, "{}", answer.text);
    let two = "mutation($a: Upload!, $b: Upload!) { a: upload(file: $a, wait: 30) { job { status } } b: upload(file: $b, wait: 30) { job { status } } }";
    let operations = json!({ "query": two, "variables": { "a": null, "b": null } }).to_string();
    let parts = |operations: &str| {
        let map = r#"{"0":["variables.a"],"1":["variables.b"]}"#;
        client.multipart(
            &[
                ("operations", None, operations.as_bytes()),
                ("map", None, map.as_bytes()),
                ("0", Some("three.csv"), b"id\n1\n"),
                ("1", Some("four.csv"), b"id\n1\n"),
            ],
            &[],
        )
    };
    let answer = parts(&operations);
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert!(answer.json().get("errors").is_none(), "{}", answer.text);
    is_limited(&client.upload("five", "id\n1\n"), 4);
    is_limited(&parts(&operations), 4);
    // A file that is only looked at is none of these.
    assert_eq!(client.request("POST", "/inspect?name=x", &[], "id\n1\n").status, 200);
    let inspect = "mutation($file: Upload!) { inspect(file: $file) { sheets { name } } }";
    let look = |document: &str| {
        client.upload_mutation(document, &json!({ "file": null }), ("x.csv", b"id\n1\n"))
    };
    assert!(look(inspect).json().get("errors").is_none());
    is_limited(&client.request("POST", "/inspect?name=x", &[], "id\n1\n"), 2);
    is_limited(&look(inspect), 2);
    // Nor is one that is kept as well looked at only.
    let both = "mutation($file: Upload!) { inspect(file: $file) { sheets { name } } \
                upload(file: $file) { job { id } } }";
    is_limited(&look(both), 4);
    assert_eq!(client.data("{ datasets { name } }")["datasets"].as_array().unwrap().len(), 4);
}

#[test]
fn heavy_queries_count_more_and_known_answers_do_not() {
    for kind in [StoreKind::Sqlite, StoreKind::Postgres] {
        let server = limited_on(
            kind,
            &[("SLUICE_RATE_READS", "20/h"), ("SLUICE_RATE_CELLS_PER_READ", "100")],
        );
        let client = server.client();
        client.load("rows", generation(1, 200));
        let body = r#"{"query":"{ rows(limit: 200) { id name } }"}"#;
        let light = client.graphql("{ rows(limit: 5) { id name } }", &json!({}));
        assert_eq!(number(&light, "ratelimit-remaining"), 19);
        let heavy = client.post_json("/graphql", body);
        assert_eq!(heavy.status, 200, "{}", heavy.text);
        // 400 cells are four reads more.
        assert_eq!(number(&heavy, "ratelimit-remaining"), 14);
        let tag = [("content-type", "application/json"), ("if-none-match", heavy.header("etag"))];
        let unchanged = client.request("POST", "/graphql", &tag, body);
        assert_eq!((unchanged.status, number(&unchanged, "ratelimit-remaining")), (304, 13));
        assert_eq!(number(&client.post_json("/graphql", body), "ratelimit-remaining"), 8);
        assert_eq!(number(&client.post_json("/graphql", body), "ratelimit-remaining"), 3);
        is_limited(&client.post_json("/graphql", body), 20);
        assert_eq!(client.graphql("{ rows(limit: 5) { id } }", &json!({})).status, 200);
    }
}

#[test]
fn a_workspace_has_the_share_of_several_keys() {
    let server = limited(&[("SLUICE_RATE_READS", "3/h"), ("SLUICE_RATE_WORKSPACE_KEYS", "2")]);
    let clients = [server.client_of("read"), server.client_of("read"), server.client_of("read")];
    for client in &clients[..2] {
        for _ in 0..3 {
            assert_eq!(ask(client).status, 200);
        }
        is_limited(&ask(client), 3);
    }
    is_limited(&ask(&clients[2]), 6);
}

#[test]
fn failed_sign_ins_of_an_address_are_counted_and_good_keys_still_work() {
    let server = limited(&[("SLUICE_RATE_FAILED_SIGN_INS", "10/h")]);
    let wrong = server.anonymous().with_key(&format!("slu_{}_{}", "a".repeat(8), "b".repeat(43)));
    let client = server.client();
    let attempts: [&dyn Fn() -> Answer; 5] = [
        &|| ask(&wrong),
        &|| ask(&server.anonymous()),
        &|| wrong.get("/schema.graphql"),
        &|| server.anonymous().post_json("/sign-in", r#"{"token":"guess"}"#),
        &|| wrong.upload("x", "id\n1\n"),
    ];
    for n in 0..10 {
        let answer = attempts[n % 5]();
        assert_eq!((answer.status, answer.code().as_str()), (401, "UNAUTHENTICATED"), "{n}");
        assert_eq!(number(&answer, "ratelimit-remaining"), 9 - n as u64);
    }
    for attempt in attempts {
        is_limited(&attempt(), 10);
    }
    // Who shares the address is not locked out.
    assert_eq!(ask(&client).status, 200);
    assert_eq!(ask(&server.client_of("read")).status, 200);
    // One more comes back after a tenth of the hour at most, as the header says.
    assert!(number(&attempts[0](), "retry-after") <= 360);
}

#[test]
fn forwarded_addresses_are_believed_of_trusted_proxies_only() {
    let fail = |server: &Server, headers: &[(&str, &str)]| {
        let mut all = vec![("content-type", "application/json")];
        all.extend(headers);
        let body = r#"{"query":"{ __typename }"}"#;
        server.anonymous().request("POST", "/graphql", &all, body).status
    };
    let limits = [("SLUICE_RATE_FAILED_SIGN_INS", "2/h")];
    let server = limited(&limits);
    for n in 0..5 {
        let forged = format!("203.0.113.{n}");
        let expect = if n < 2 { 401 } else { 429 };
        assert_eq!(fail(&server, &[("x-forwarded-for", &forged)]), expect, "{n}");
    }
    let server = limited(&[limits[0], ("SLUICE_TRUSTED_PROXIES", "127.0.0.0/8,10.0.0.0/8")]);
    let check = |headers: &[(&str, &str)], expect: u16| {
        assert_eq!(fail(&server, headers), expect, "{headers:?}");
    };
    let list = "x-forwarded-for";
    check(&[(list, "203.0.113.1")], 401);
    check(&[(list, "203.0.113.1")], 401);
    check(&[(list, "203.0.113.1")], 429);
    // What a client wrote itself stands left, and helps it nothing.
    check(&[(list, "198.51.100.7, 203.0.113.1")], 429);
    check(&[(list, "198.51.100.8, 203.0.113.1, 10.0.0.2")], 429);
    check(&[("forwarded", "for=203.0.113.1")], 429);
    check(&[(list, "203.0.113.2")], 401);
    check(&[("forwarded", "for=\"[2001:db8::1]:80\";proto=https")], 401);
    // Two headers that disagree: the proxy itself is asked to wait, never somebody else.
    check(&[(list, "203.0.113.9"), ("forwarded", "for=203.0.113.8")], 401);
    check(&[(list, "203.0.113.7"), ("forwarded", "for=203.0.113.6")], 401);
    check(&[(list, "203.0.113.5"), ("forwarded", "for=203.0.113.4")], 429);
    check(&[(list, "203.0.113.5")], 401);
}

#[test]
fn off_means_off() {
    let server = limited(&[("SLUICE_RATE_LIMIT", "off"), ("SLUICE_RATE_READS", "1/h")]);
    for _ in 0..5 {
        let answer = ask(&server.client());
        assert_eq!((answer.status, answer.header("ratelimit-limit")), (200, ""));
        assert_eq!(ask(&server.anonymous()).status, 401);
    }
}

#[test]
fn a_refused_key_is_a_line_of_the_log_with_its_address() {
    let server = limited(&[("SLUICE_RATE_FAILED_SIGN_INS", "3/h")]);
    let wrong = server.client().with_key("slu_ABCDEFGH_canary-of-a-wrong-key");
    for _ in 0..6 {
        assert!([401, 429].contains(&ask(&wrong).status));
    }
    let log = server.log();
    let lines: Vec<&str> = log.lines().filter(|line| line.contains("a key was refused")).collect();
    // A flood is not written down.
    assert_eq!(lines.len(), 3, "{log}");
    assert!(lines.iter().all(|line| line.contains("127.0.0.1")), "{lines:?}");
    assert!(!log.contains("canary"), "{log}");
}
