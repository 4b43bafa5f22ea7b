//! Bad input: each kind gets an answer that says what is wrong, and nothing is half there.

use std::io::Write;
use std::net::TcpStream;
use std::time::Duration;

use serde_json::json;

use crate::harness::fixtures::{ITEMS, ORDERS};
use crate::harness::folder::files_below;
use crate::harness::{Client, Server, StoreKind, both_stores, eventually, raw};

/// Codes of a document that cannot be run as it is.
const ABOUT_DOCUMENT: [&str; 3] =
    ["BAD_USER_INPUT", "GRAPHQL_PARSE_FAILED", "GRAPHQL_VALIDATION_FAILED"];

fn with_items(story: impl Fn(&Client)) {
    both_stores(|server: &Server| {
        let client = server.client();
        client.load("items", ITEMS);
        story(&client);
    });
}

#[test]
fn what_does_not_exist_is_refused() {
    with_items(|client| {
        let check = |query: &str| {
            let answer = client.graphql(query, &json!({}));
            assert!(ABOUT_DOCUMENT.contains(&answer.code().as_str()), "{query}: {}", answer.text);
            let request_id = &answer.json()["errors"][0]["extensions"]["requestId"];
            assert_eq!(request_id, answer.header("x-request-id"), "{}", answer.text);
        };
        check("{ items { colour } }");
        check("{ nothing { id } }");
        check("{ items { id } ");
        check("{ items(sort: 1) { id } }");
        check("{ items }");
        check("{ items { id { x } } }");
        check("{ itemsByPk { id } }");
        check("{ items { ...Nope } }");
        check("{ items(where: {colour: {_eq: 1}}) { id } }");
        check("{ items(where: {id: {_like: \"x\"}}) { id } }");
        check("{ items(orderBy: [{id: SIDEWAYS}]) { id } }");
    });
}

#[test]
fn a_misspelt_name_is_answered_with_those_that_are_near() {
    with_items(|client| {
        let check = |query: &str, suggested: &str| {
            let (_, message) = client.error(query);
            let wanted = format!("Did you mean \"{suggested}\"");
            assert!(message.contains(&wanted), "{query}: {message}");
        };
        check("{ items { nam } }", "name");
        check("{ items(ordrBy: {id: ASC}) { id } }", "orderBy");
        let (_, message) = client.error("{ items { xylophone } }");
        assert!(!message.contains("Did you mean"), "nothing is near: {message}");
    });
}

#[test]
fn values_of_the_wrong_type_are_refused() {
    with_items(|client| {
        let literals = [
            "id: {_eq: \"3\"}",
            "id: {_eq: 3.5}",
            "id: {_eq: 5000000000}",
            "id: {_eq: true}",
            "id: {_eq: null}",
            "name: {_eq: 3}",
            "price: {_eq: \"abc\"}",
            "price: {_gt: \"1e400\"}",
            "inStock: {_eq: \"true\"}",
            "added: {_eq: \"2024-02-30\"}",
            "added: {_eq: \"yesterday\"}",
            "seenAt: {_eq: \"2024-01-01\"}",
            "big: {_eq: \"9223372036854775808\"}",
            "big: {_eq: \"1.5\"}",
            "ref: {_eq: \"not-a-uuid\"}",
            "weight: {_eq: \"heavy\"}",
            "id: {_in: [1, null]}",
            "id: {_isNull: 1}",
        ];
        for literal in literals {
            let answer =
                client.graphql(&format!("{{ items(where: {{{literal}}}) {{ id }} }}"), &json!({}));
            let code = answer.code();
            assert!(ABOUT_DOCUMENT.contains(&code.as_str()), "{literal}: {}", answer.text);
        }
        let ask = |declared: &str, value: serde_json::Value| {
            let query =
                format!("query Q($v: {declared}) {{ items(where: {{id: {{_eq: $v}}}}) {{ id }} }}");
            client.graphql(&query, &json!({ "v": value }))
        };
        assert_eq!(ask("Int!", json!(3)).data(), json!({ "items": [{ "id": 3 }] }));
        for value in [
            json!("3"),
            json!(3.5),
            json!(5_000_000_000_i64),
            json!(true),
            json!(null),
            json!([3, 4]),
        ] {
            let answer = ask("Int!", value.clone());
            assert_eq!(answer.code(), "BAD_USER_INPUT", "{value}: {}", answer.text);
        }
        let answer = client.graphql("query Q($v: Int!) { itemsByPk(id: $v) { id } }", &json!({}));
        assert_eq!(answer.code(), "BAD_USER_INPUT", "{}", answer.text);
    });
}

#[test]
fn limits_are_whole_numbers_within_bounds() {
    with_items(|client| {
        let check = |arguments: &str| {
            let (code, message) = client.error(&format!("{{ items({arguments}) {{ id }} }}"));
            assert!(ABOUT_DOCUMENT.contains(&code.as_str()), "{arguments}: {code} {message}");
        };
        check("limit: -1");
        check("limit: 1001");
        check("limit: 99999999999");
        check("offset: -1");
        check("limit: \"5\"");
        assert_eq!(
            client.data("{ items(limit: 1000) { id } }")["items"].as_array().unwrap().len(),
            6
        );
    });
}

#[test]
fn keys_are_needed_and_checked() {
    let server = Server::start(StoreKind::Sqlite);
    let anonymous = server.anonymous();
    let paths = [
        ("POST", "/graphql"),
        ("GET", "/graphql?query={__typename}"),
        ("PUT", "/upload/x"),
        ("GET", "/schema.graphql"),
    ];
    for (method, path) in paths {
        for client in
            [&anonymous, &anonymous.with_key("slu_wrong000_not-a-key"), &anonymous.with_key("x")]
        {
            let headers = [("content-type", "application/json")];
            let body = if method == "GET" { "" } else { r#"{"query":"{__typename}"}"# };
            let answer = client.request(method, path, &headers, body);
            assert_eq!(answer.status, 401, "{method} {path}: {}", answer.text);
            assert_eq!(answer.code(), "UNAUTHENTICATED");
            assert!(answer.header("www-authenticate").starts_with("Bearer"));
            assert_eq!(
                answer.json()["errors"][0]["extensions"]["requestId"],
                answer.header("x-request-id")
            );
        }
    }
}

#[test]
fn files_that_are_no_tables_are_refused() {
    both_stores(|server| {
        let client = server.client();
        client.load("kept", "id,name\n1,old\n");
        let binary: Vec<u8> =
            (0..20_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
        let check = |bytes: &[u8], codes: &[&str]| {
            let answer = client.upload("kept", bytes);
            assert!(
                answer.status >= 400 && answer.status < 500,
                "{}: {}",
                answer.status,
                answer.text
            );
            assert!(codes.contains(&answer.code().as_str()), "{}", answer.text);
            assert_eq!(client.data("{ kept { name } }"), json!({ "kept": [{ "name": "old" }] }));
        };
        check(b"", &["FILE_REJECTED"]);
        check(b"\n\n\n", &["FILE_REJECTED"]);
        check(&binary, &["UNSUPPORTED_FILE", "FILE_REJECTED"]);
        check(b"PK\x03\x04 not a zip", &["UNSUPPORTED_FILE", "FILE_REJECTED"]);
        check(b"%PDF-1.7 x", &["UNSUPPORTED_FILE", "FILE_REJECTED"]);
        check(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", &["UNSUPPORTED_FILE", "FILE_REJECTED"]);
        check(b"id,name\n1,\"open\n2,x\n", &["FILE_REJECTED"]);
        assert_no_leftovers(server, 1);
    });
}

/// What failed left no data file behind; `n_datasets` are there.
fn assert_no_leftovers(server: &Server, n_datasets: usize) {
    let spool = files_below(&server.data_dir().join("spool"));
    assert_eq!(spool, Vec::<String>::new());
    let all = files_below(server.data_dir());
    let n_data = all
        .iter()
        .filter(|path| {
            let name = path.rsplit('/').next().unwrap_or(path);
            let stem = name.split('.').next().unwrap_or(name);
            stem.len() == 32
                && stem.bytes().all(|b| b.is_ascii_hexdigit())
                && path.ends_with(".sqlite")
        })
        .count();
    assert!(n_data <= n_datasets, "{all:?}");
}

#[test]
fn odd_tables_are_loaded_and_told() {
    both_stores(|server| {
        let client = server.client();
        // Only a header: an empty dataset of texts.
        client.load("empty", "id,name\n");
        let data = client.data(
            "{ empty { id name } dataset(name: \"empty\") { rowCount columns { name type } } }",
        );
        assert_eq!(data["empty"], json!([]));
        assert_eq!(data["dataset"]["rowCount"], "0");
        // Duplicate and blank headers get names of their own.
        client.load("twice", "id,name,name,\n1,a,b,c\n");
        let data =
            client.data("{ dataset(name: \"twice\") { columns { name label } notices { code } } }");
        let columns = data["dataset"]["columns"].as_array().unwrap();
        assert_eq!(columns.len(), 4, "{data}");
        let mut names: Vec<&str> = columns.iter().map(|c| c["name"].as_str().unwrap()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), 4, "{data}");
        // Short rows are filled with nulls, and told.
        client.load("ragged", "id,a,b\n1,x\n2,y,z\n");
        let data =
            client.data("{ ragged { id a b } dataset(name: \"ragged\") { notices { code row } } }");
        assert_eq!(
            data["ragged"],
            json!([{ "id": 1, "a": "x", "b": null }, { "id": 2, "a": "y", "b": "z" }])
        );
        assert!(!data["dataset"]["notices"].as_array().unwrap().is_empty(), "{data}");
        // Hostile headers do not hurt the schema of the others.
        client.load("hostile", "__proto__,\"a\"\"b\",{x},🙂,query,1st\n1,2,3,4,5,6\n");
        assert_eq!(client.data("{ hostile { id } empty { id } }")["empty"], json!([]));
        client.data("{ __schema { types { name fields { name } } } }");
    });
}

#[test]
fn a_body_that_is_cut_off_leaves_nothing() {
    both_stores(|server| {
        let client = server.client();
        client.load("orders", ORDERS);
        let key = crate::harness::server::ADMIN_KEY;
        let mut stream = TcpStream::connect(&server.address).unwrap();
        let head = format!(
            "PUT /upload/orders?wait=5 HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {key}\r\ncontent-length: 1000000\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(ORDERS.as_bytes()).unwrap();
        stream.shutdown(std::net::Shutdown::Both).unwrap();
        drop(stream);
        eventually("an empty spool", Duration::from_secs(20), || {
            files_below(&server.data_dir().join("spool")).is_empty().then_some(())
        });
        let data = client.data(
            "{ dataset(name: \"orders\") { version } ordersAggregate { aggregate { count } } }",
        );
        assert_eq!(data["dataset"]["version"], 1);
        assert_eq!(data["ordersAggregate"]["aggregate"]["count"], 400);
    });
}

#[test]
fn a_body_that_stops_arriving_is_given_up() {
    let server = Server::start_set(StoreKind::Sqlite, "SLUICE_BODY_IDLE_TIMEOUT", "300ms");
    let key = crate::harness::server::ADMIN_KEY;
    for path in ["/graphql", "/upload/x"] {
        let answer = raw(
            &server.address,
            format!(
                "POST {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {key}\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n{{\"query\""
            ),
        );
        assert!(answer.starts_with("HTTP/1.1 4"), "{path}: {answer}");
    }
    assert_eq!(files_below(&server.data_dir().join("spool")), Vec::<String>::new());
}

#[test]
fn more_bytes_than_allowed_are_refused_before_they_are_read() {
    let server = Server::start_set(StoreKind::Sqlite, "MAX_UPLOAD_SIZE", "64KiB");
    let key = crate::harness::server::ADMIN_KEY;
    let announced = |path: &str, n_bytes: u64| {
        let answer = raw(
            &server.address,
            format!(
                "POST {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {key}\r\ncontent-type: application/json\r\ncontent-length: {n_bytes}\r\n\r\nid\n"
            ),
        );
        assert!(answer.starts_with("HTTP/1.1 413"), "{path}: {answer}");
        assert!(answer.contains("PAYLOAD_TOO_LARGE"), "{answer}");
    };
    announced("/upload/x", 64 * 1024 + 1);
    announced("/graphql", 10_000_000_000);
    announced("/sign-in", 1_000_000);
    // Asked first, the client need not send it at all.
    let asked = raw(
        &server.address,
        format!(
            "PUT /upload/x HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {key}\r\nexpect: 100-continue\r\ncontent-length: 100000\r\n\r\n"
        ),
    );
    assert!(asked.starts_with("HTTP/1.1 413"), "{asked}");
    let asked = raw(
        &server.address,
        format!(
            "PUT /upload/x?wait=60 HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\nauthorization: Bearer {key}\r\nexpect: 100-continue\r\ncontent-length: 5\r\n\r\nid\n1\n"
        ),
    );
    assert!(asked.starts_with("HTTP/1.1 100"), "{asked}");
    assert!(asked.contains("HTTP/1.1 200"), "{asked}");
    // Without a length, the limit acts on what arrives.
    let chunk = "x".repeat(40_000);
    let chunked = raw(
        &server.address,
        format!(
            "PUT /upload/x HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {key}\r\ntransfer-encoding: chunked\r\n\r\n9c40\r\n{chunk}\r\n9c40\r\n{chunk}\r\n"
        ),
    );
    assert!(chunked.starts_with("HTTP/1.1 413"), "{chunked}");
    assert_eq!(files_below(&server.data_dir().join("spool")), Vec::<String>::new());
    // The file part of a form is limited as well.
    let client = server.client();
    let big = "id\n".repeat(40_000);
    let query = "mutation Up($file: Upload!) { upload(file: $file, wait: 10) { job { id } } }";
    let answer = client.upload_mutation(query, &json!({ "file": null }), ("x.csv", big.as_bytes()));
    assert_eq!((answer.status, answer.code().as_str()), (413, "PAYLOAD_TOO_LARGE"));
    assert_eq!(files_below(&server.data_dir().join("spool")), Vec::<String>::new());
}

#[test]
fn multipart_requests_that_break_the_specification_are_refused() {
    let server = Server::start(StoreKind::Sqlite);
    let client = server.client();
    let operations = br#"{"query":"mutation U($file: Upload!) { upload(file: $file) { job { id } } }","variables":{"file":null}}"#;
    let map = br#"{"0":["variables.file"]}"#;
    let file: &[u8] = b"id\n1\n";
    let check = |parts: &[crate::harness::client::Part<'_>], expect: &str| {
        let answer = client.multipart(parts, &[]);
        assert_eq!(answer.status, 400, "{expect}: {}", answer.text);
        assert!(answer.text.contains(expect), "{expect}: {}", answer.text);
    };
    check(
        &[("map", None, map), ("operations", None, operations), ("0", Some("x.csv"), file)],
        "operations",
    );
    check(&[("operations", None, operations), ("0", Some("x.csv"), file)], "map");
    check(
        &[("operations", None, b"[{}]"), ("map", None, map), ("0", Some("x.csv"), file)],
        "Batches",
    );
    check(
        &[("operations", None, b"{"), ("map", None, map), ("0", Some("x.csv"), file)],
        "not JSON",
    );
    check(
        &[("operations", None, operations), ("map", None, b"[]"), ("0", Some("x.csv"), file)],
        "map",
    );
    check(
        &[
            ("operations", None, operations),
            ("map", None, br#"{"0":["variables.other"]}"#),
            ("0", Some("x.csv"), file),
        ],
        "variables.other",
    );
    check(&[("operations", None, operations), ("map", None, map)], "no such part");
    check(
        &[("operations", None, operations), ("map", None, map), ("1", Some("x.csv"), file)],
        "not in the map",
    );
    assert_eq!(files_below(&server.data_dir().join("spool")), Vec::<String>::new());
}
