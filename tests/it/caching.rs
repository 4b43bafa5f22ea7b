//! Answers that are kept, by clients and by the server, and are never stale.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use serde_json::{Value, json};

use crate::harness::fixtures::{ITEMS, generation};
use crate::harness::server::{ADMIN_KEY, Options};
use crate::harness::{Answer, Client, Server, StoreKind, both_stores, raw};

const NAMES: &str =
    r#"{"query":"query($n: Int) { items(where: {id: {_gt: $n}}) { name } }","variables":{"n":2}}"#;

fn ask(client: &Client, body: &str, headers: &[(&str, &str)]) -> Answer {
    let mut all = vec![("content-type", "application/json")];
    all.extend(headers);
    client.request("POST", "/graphql", &all, body)
}

#[test]
fn a_client_that_has_the_answer_is_told_so() {
    both_stores(|server| {
        let client = server.client();
        client.load("items", ITEMS);
        let first = ask(&client, NAMES, &[]);
        let etag = first.header("etag").to_owned();
        assert!(etag.starts_with('"') && etag.ends_with('"') && etag.len() > 20, "{etag}");
        let check_headers = |answer: &Answer| {
            assert_eq!(answer.header("etag"), etag);
            assert_eq!(answer.header("cache-control"), "private, no-cache");
            for name in ["authorization", "x-api-key", "accept", "accept-encoding"] {
                let vary = answer.header("vary");
                assert!(vary.split(", ").any(|it| it == name), "{name} in {vary}");
            }
        };
        check_headers(&first);
        let again = ask(&client, NAMES, &[("if-none-match", &etag)]);
        assert_eq!((again.status, again.text.as_str()), (304, ""));
        check_headers(&again);
        let several = format!("\"other\", W/{etag}");
        assert_eq!(ask(&client, NAMES, &[("if-none-match", &several)]).status, 304);
        assert_eq!(ask(&client, NAMES, &[("if-none-match", "\"other\"")]).status, 200);
        assert_eq!(ask(&client, NAMES, &[("if-none-match", "*")]).status, 200);
        // Other variables, another media type or another principal: another answer.
        let is_known = |client: &Client, body: &str, more: &[(&str, &str)]| {
            let mut headers = vec![("if-none-match", etag.as_str())];
            headers.extend(more);
            ask(client, body, &headers).status == 304
        };
        assert!(is_known(&client, NAMES, &[("accept", "application/json")]));
        assert!(!is_known(&client, NAMES, &[("accept", "application/graphql-response+json")]));
        assert!(!is_known(&client, &NAMES.replace(":2}", ":3}"), &[]));
        assert!(!is_known(&server.client_of("read"), NAMES, &[]));
        let without = server.anonymous();
        let headers = [("content-type", "application/json"), ("if-none-match", etag.as_str())];
        assert_eq!(without.request("POST", "/graphql", &headers, NAMES).status, 401);
        // GET is the same.
        let path = "/graphql?query=%7Bitems(limit:2)%7Bname%7D%7D";
        let got = client.get(path);
        let headers = [("if-none-match", got.header("etag"))];
        let again = client.request("GET", path, &headers, "");
        assert_eq!((again.status, again.header("etag")), (304, got.header("etag")));
        // A new version is another answer at once.
        client.load("items", ITEMS.replace("Anvil", "Anchor"));
        assert!(!is_known(&client, NAMES, &[]));
        let changed = client.request("GET", path, &headers, "");
        assert_eq!(changed.data()["items"][0]["name"], "Anchor");
    });
}

#[test]
fn answers_that_tell_of_one_moment_are_not_kept() {
    both_stores(|server| {
        let client = server.client();
        client.load("items", ITEMS);
        let check = |body: &str| {
            let answer = ask(&client, body, &[]);
            assert_eq!(answer.header("etag"), "", "{body}");
            assert_eq!(answer.header("cache-control"), "no-store", "{body}");
        };
        check(r#"{"query":"{ items { nope } }"}"#);
        check(r#"{"query":"{ items(limit: -1) { id } }"}"#);
        check(r#"{"query":"mutation { dropIndex(dataset: \"items\", name: \"x\") { name } }"}"#);
        check(r#"{"query":"{ items { id } }","extensions":{"cache":true}}"#);
        // What has no version is told by its bytes.
        for query in [
            "{ jobs { id status } }",
            "{ items(limit: 1) { id } datasets { name } }",
            "{ __schema { queryType { name } } }",
        ] {
            let body = json!({ "query": query }).to_string();
            let first = ask(&client, &body, &[]);
            let again = ask(&client, &body, &[("if-none-match", first.header("etag"))]);
            assert_eq!(again.status, 304, "{query}: {}", first.text);
        }
        let jobs = json!({ "query": "{ jobs { id } }" }).to_string();
        let before = ask(&client, &jobs, &[]);
        client.load("more", ITEMS);
        let after = ask(&client, &jobs, &[("if-none-match", before.header("etag"))]);
        assert_eq!(after.status, 200);
    });
}

#[test]
fn a_tag_outlives_the_server_and_needs_no_rows() {
    let server = Server::start(StoreKind::Sqlite);
    server.client().load("items", ITEMS);
    let etag = ask(&server.client(), NAMES, &[]).header("etag").to_owned();
    let mut server = server;
    server.kill();
    let options = Options { data_dir: Some(server.data_dir().to_owned()), ..Options::default() };
    let next = Server::start_with(options, None);
    // Without its rows nothing can be run, and nothing has to be.
    for entry in std::fs::read_dir(next.data_dir().join("datasets")).unwrap() {
        std::fs::remove_file(entry.unwrap().path()).unwrap();
    }
    let client = next.client();
    assert_eq!(ask(&client, NAMES, &[("if-none-match", &etag)]).status, 304);
    assert!(ask(&client, NAMES, &[]).json().get("errors").is_some());
}

#[test]
fn a_compressed_answer_has_a_tag_of_its_own() {
    let server = Server::start(StoreKind::Sqlite);
    server.client().load("rows", generation(1, 1_000));
    let body = r#"{"query":"{ rows(limit: 1000) { id name } }"}"#;
    let send = |headers: &str| {
        let request = format!(
            "POST /graphql HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\nauthorization: Bearer {ADMIN_KEY}\r\ncontent-type: application/json\r\n{headers}content-length: {}\r\n\r\n{body}",
            body.len()
        );
        raw(&server.address, request)
    };
    let etag_of = |answer: &str| {
        let line = answer.lines().find_map(|line| line.strip_prefix("etag: ")).unwrap();
        line.to_owned()
    };
    let plain = etag_of(&send(""));
    for coding in ["gzip", "br", "zstd"] {
        let packed = etag_of(&send(&format!("accept-encoding: {coding}\r\n")));
        assert_eq!(packed, format!("{}-{coding}\"", plain.trim_end_matches('"')));
        let again = send(&format!("accept-encoding: {coding}\r\nif-none-match: {packed}\r\n"));
        assert!(again.starts_with("HTTP/1.1 304"), "{again}");
        assert_eq!(etag_of(&again), packed);
    }
}

#[test]
fn what_the_memory_did_is_told_when_asked() {
    both_stores(|server| {
        let client = server.client();
        client.load("items", ITEMS);
        let body = r#"{"query":"{ a: items(limit: 2) { id name } __typename datasets { name } }","extensions":{"cache":true}}"#;
        let told = || ask(&client, body, &[]).json()["extensions"].clone();
        let expect = |what: &str| json!({ "cache": { "a": what }, "cost": 4 });
        assert_eq!(told(), expect("MISS"));
        assert_eq!(told(), expect("HIT"));
        let same = r#"{"query":"{ a: items(limit: 2) { id name } __typename datasets { name } }"}"#;
        assert_eq!(ask(&client, same, &[]).json().get("extensions"), None);
        assert_eq!(
            client.upload_with("items", "mode=append&wait=60", "ID,Name\n7,new\n").status,
            200
        );
        assert_eq!(told(), expect("MISS"));
    });
    let server = Server::start_set(StoreKind::Sqlite, "SLUICE_RESPONSE_CACHE_SIZE", "0");
    server.client().load("items", ITEMS);
    let body = r#"{"query":"{ items { id } }","extensions":{"cache":true}}"#;
    for _ in 0..2 {
        let told = ask(&server.client(), body, &[]).json()["extensions"]["cache"].clone();
        assert_eq!(told, json!({ "items": "MISS" }));
    }
}

/// Replaced and appended to while many ask: every answer is one version, none is older than what
/// was acknowledged before it was asked for, and memory or not makes no difference.
#[test]
fn nothing_stale_is_ever_answered() {
    const N_ROWS: usize = 40;
    both_stores(|server| {
        let client = server.client();
        client.load("rows", generation(1, N_ROWS));
        let acknowledged = AtomicU64::new(1);
        let is_over = AtomicBool::new(false);
        let query = "{ rows(limit: 1000) { generation } rowsAggregate { aggregate { count } } }";
        let check = || {
            let before = acknowledged.load(Ordering::Acquire);
            let data = client.data(query);
            let rows = data["rows"].as_array().unwrap().clone();
            let of = |row: &Value| row["generation"].as_u64().unwrap();
            let found = of(&rows[0]);
            assert!(found >= before, "{found} after {before}");
            // Appended rows have the generation of those that they follow.
            assert!(rows.iter().all(|row| of(row) == found), "{data}");
            assert_eq!(data["rowsAggregate"]["aggregate"]["count"], rows.len());
        };
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    while !is_over.load(Ordering::Acquire) {
                        check();
                    }
                });
            }
            for turn in 2..8 {
                client.load("rows", generation(turn, N_ROWS));
                acknowledged.store(turn, Ordering::Release);
                check();
                let more = format!("id,generation,name\n{},{turn},more\n", 1_000 + turn);
                let answer = client.upload_with("rows", "mode=append&wait=60", more);
                assert_eq!(answer.status, 200, "{}", answer.text);
                let n_rows = client.data(query)["rows"].as_array().unwrap().len();
                assert_eq!(n_rows, N_ROWS + 1);
            }
            is_over.store(true, Ordering::Release);
        });
    });
}
