//! Attacks that kill or hang the bare library: each is refused quickly, and the server lives on.

use std::fmt::Write;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::harness::fixtures::{ITEMS, generation};
use crate::harness::server::Options;
use crate::harness::{Answer, Client, Server, StoreKind, raw};

const QUICKLY: Duration = Duration::from_secs(5);

/// A server with a dataset, and what must hold after each attack.
struct Target {
    server: Server,
    client: Client,
}

impl Target {
    fn new() -> Target {
        let server = Server::start(StoreKind::Sqlite);
        let client = server.client();
        client.load("items", ITEMS);
        Target { server, client }
    }

    #[track_caller]
    fn refuses(&self, what: &str, query: &str, variables: &Value, codes: &[&str]) -> Answer {
        let started = Instant::now();
        let answer = self.client.graphql(query, variables);
        self.is_alive(what, started);
        let code = answer.code();
        assert!(codes.contains(&code.as_str()), "{what}: {code}: {:.300}", answer.text);
        answer
    }

    #[track_caller]
    fn is_alive(&self, what: &str, started: Instant) {
        assert!(started.elapsed() < QUICKLY, "{what} took {:?}", started.elapsed());
        assert_eq!(self.server.anonymous().get("/healthz").status, 200, "after {what}");
    }
}

#[test]
fn deep_nesting_is_refused_before_the_parser_sees_it() {
    let target = Target::new();
    for depth in [65, 1_000, 2_200, 20_000] {
        let what = format!("depth {depth}");
        let (open, close) = ("[".repeat(depth), "]".repeat(depth));
        let query = format!("{{ items(where: {open}{close}) {{ id }} }}");
        target.refuses(&what, &query, &json!({}), &["QUERY_TOO_DEEP"]);
        let (open, close) = ("{_not: ".repeat(depth), "}".repeat(depth));
        let query = format!("{{ items(where: {open}{{}}{close}) {{ id }} }}");
        target.refuses(&what, &query, &json!({}), &["QUERY_TOO_DEEP"]);
        let (open, close) = ("{ a ".repeat(depth), "}".repeat(depth));
        target.refuses(&what, &format!("{open}{close}"), &json!({}), &["QUERY_TOO_DEEP"]);
        let query =
            format!("query Q($v: {}Int{}) {{ __typename }}", "[".repeat(depth), "]".repeat(depth));
        target.refuses(&what, &query, &json!({}), &["QUERY_TOO_DEEP"]);
        // Only opened: malformed as well, but first of all deep.
        target.refuses(&what, &"{".repeat(depth), &json!({}), &["QUERY_TOO_DEEP"]);
    }
    // Brackets in texts and comments are none.
    let text = "[".repeat(500);
    let query = format!("# {text}\n{{ items(where: {{name: {{_eq: \"{text}\"}}}}) {{ id }} }}");
    assert_eq!(target.client.data(&query), json!({ "items": [] }));
}

#[test]
fn deep_variables_are_refused() {
    let target = Target::new();
    for depth in [65, 1_000, 5_000, 100_000] {
        for (open, close) in [("[", "]"), ("{\"_not\":", "}")] {
            let started = Instant::now();
            let middle = if open == "[" { "" } else { "1" };
            let deep = format!("{}{middle}{}", open.repeat(depth), close.repeat(depth));
            let body = format!(
                r#"{{"query":"query Q($w: ItemsBoolExp) {{ items(where: $w) {{ id }} }}","variables":{{"w":{deep}}}}}"#
            );
            let answer = target.client.post_json("/graphql", &body);
            target.is_alive(&format!("variables {depth} deep"), started);
            assert_eq!(answer.code(), "QUERY_TOO_DEEP", "{depth}: {:.300}", answer.text);
        }
    }
}

#[test]
fn fragments_cannot_explode() {
    let target = Target::new();
    // Ten fragments that each spread the next ten times.
    let mut tens = String::from("{ ...F0 }\n");
    for n in 0..10 {
        let spreads = format!("...F{} ", n + 1).repeat(10);
        let _ = writeln!(tens, "fragment F{n} on Query {{ {spreads} }}");
    }
    tens.push_str("fragment F10 on Query { __typename }");
    let too_much = ["QUERY_TOO_COMPLEX", "QUERY_TOO_DEEP"];
    target.refuses("ten by ten", &tens, &json!({}), &too_much);
    // Thirty doublings.
    let mut doublings = String::from("{ ...F0 }\n");
    for n in 0..30 {
        let _ = writeln!(doublings, "fragment F{n} on Query {{ ...F{} ...F{} }}", n + 1, n + 1);
    }
    doublings.push_str("fragment F30 on Query { __typename }");
    target.refuses("thirty doublings", &doublings, &json!({}), &too_much);
    // A circle.
    let circle = "{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }";
    let codes = ["BAD_USER_INPUT", "GRAPHQL_VALIDATION_FAILED", "QUERY_TOO_COMPLEX"];
    target.refuses("a circle", circle, &json!({}), &codes);
    // Doublings that nobody spreads.
    let unused = doublings.replacen("{ ...F0 }", "{ __typename }", 1);
    let started = Instant::now();
    let _ = target.client.graphql(&unused, &json!({}));
    target.is_alive("unused doublings", started);
}

#[test]
fn every_limit_of_a_document_has_its_code() {
    let target = Target::new();
    let too_complex = ["QUERY_TOO_COMPLEX"];
    let fields = |n: usize| "__typename ".repeat(n);
    target.refuses("tokens", &format!("{{ {} }}", fields(10_001)), &json!({}), &too_complex);
    let aliases: String = (0..101).map(|n| format!("a{n}: id ")).collect();
    target.refuses("aliases", &format!("{{ items {{ {aliases} }} }}"), &json!({}), &too_complex);
    let roots: String = (0..51).map(|n| format!("r{n}: __typename ")).collect();
    target.refuses("root fields", &format!("{{ {roots} }}"), &json!({}), &too_complex);
    let directives = "@include(if: true) ".repeat(51);
    target.refuses(
        "directives",
        &format!("{{ items {{ id {directives} }} }}"),
        &json!({}),
        &too_complex,
    );
    let deep = |n: usize| format!("{}x{}", "{ a ".repeat(n), "}".repeat(n));
    target.refuses("depth", &deep(16), &json!({}), &["QUERY_TOO_DEEP"]);
    let types = format!("{{ __schema {{ types {} }} }}", deep(30).replace('a', "ofType"));
    target.refuses("depth of introspection", &types, &json!({}), &["QUERY_TOO_DEEP"]);
    let filter = format!("{}{{id: {{_eq: 1}}}}{}", "{_not: ".repeat(11), "}".repeat(11));
    target.refuses(
        "filter depth",
        &format!("{{ items(where: {filter}) {{ id }} }}"),
        &json!({}),
        &["QUERY_TOO_DEEP", "QUERY_TOO_COMPLEX"],
    );
    let many = "{id: {_eq: 1}}, ".repeat(201);
    target.refuses(
        "predicates",
        &format!("{{ items(where: {{_or: [{many}]}}) {{ id }} }}"),
        &json!({}),
        &too_complex,
    );
    let keys = "{id: ASC}, ".repeat(9);
    target.refuses(
        "sort keys",
        &format!("{{ items(orderBy: [{keys}]) {{ id }} }}"),
        &json!({}),
        &too_complex,
    );
    let query = "query Q($ids: [Int!]) { items(where: {id: {_in: $ids}}) { id } }";
    let ids = |n: usize| json!({ "ids": (0..n).collect::<Vec<_>>() });
    target.refuses("_in", query, &ids(10_001), &too_complex);
    assert_eq!(target.client.data_with(query, &ids(10_000))["items"].as_array().unwrap().len(), 6);
    let expensive: String =
        (0..40).map(|n| format!("r{n}: items(limit: 1000) {{ id name price }} ")).collect();
    target.refuses("cost", &format!("{{ {expensive} }}"), &json!({}), &too_complex);
}

#[test]
fn just_below_every_limit_is_answered() {
    let target = Target::new();
    let client = &target.client;
    let too_complex = ["QUERY_TOO_COMPLEX"];
    let aliases = |n: usize| (0..n).map(|n| format!("a{n}: id ")).collect::<String>();
    client.data(&format!("{{ items(limit: 1) {{ {} }} }}", aliases(100)));
    let roots: String = (0..50).map(|n| format!("r{n}: __typename ")).collect();
    client.data(&format!("{{ {roots} }}"));
    let directives: String = (0..50).map(|n| format!("a{n}: id @include(if: true) ")).collect();
    client.data(&format!("{{ items(limit: 1) {{ {directives} }} }}"));
    // Twenty tokens beside the values.
    let tokens = |n: usize| {
        format!("{{ items(where: {{id: {{_in: [{}]}}}}) {{ id }} }}", "1 ".repeat(n - 20))
    };
    client.data(&tokens(10_000));
    target.refuses("tokens", &tokens(10_001), &json!({}), &too_complex);
    // 100,000 cells are the limit; 98 × 1,000 and what is added.
    let cells = |fields: &str| {
        format!(
            "{{ a: items(limit: 1000) {{ {} }} b: items(limit: 1000) {{ {fields} }} }}",
            aliases(98)
        )
    };
    client.data(&cells("id name"));
    target.refuses("cost", &cells("id name price"), &json!({}), &too_complex);
    let predicates = |n: usize| {
        format!("{{ items(where: {{_or: [{}]}}) {{ id }} }}", "{id: {_eq: 1}}, ".repeat(n))
    };
    client.data(&predicates(200));
    target.refuses("predicates", &predicates(201), &json!({}), &too_complex);
    let sorted = |n: usize| format!("{{ items(orderBy: [{}]) {{ id }} }}", "{id: ASC}, ".repeat(n));
    client.data(&sorted(8));
    target.refuses("sort keys", &sorted(9), &json!({}), &too_complex);
    let nested = |n: usize| {
        let (open, close) = ("{_not: ".repeat(n), "}".repeat(n));
        format!("{{ items(where: {open}{{id: {{_eq: 1}}}}{close}) {{ id }} }}")
    };
    client.data(&nested(10));
    target.refuses("filter depth", &nested(11), &json!({}), &["QUERY_TOO_DEEP"]);
    client.load("people", "id,boss_id\n1,2\n2,1\n");
    client.data(
        "mutation { addRelation(from: \"people\", column: \"bossId\", to: \"people\", name: \"boss\") { name } }",
    );
    let deep = |n: usize| {
        let (open, close) = ("boss { ".repeat(n - 2), "}".repeat(n - 2));
        format!("{{ people {{ {open} id {close} }} }}")
    };
    client.data(&deep(15));
    target.refuses("depth", &deep(16), &json!({}), &["QUERY_TOO_DEEP"]);
    let brackets = |n: usize| {
        let (open, close) = ("[".repeat(n - 3), "]".repeat(n - 3));
        format!(
            "{{ explain(query: \"{{ __typename }}\", variables: {{v: {open}{close}}}) {{ cost }} }}"
        )
    };
    client.data(&brackets(64));
    target.refuses("brackets", &brackets(65), &json!({}), &["QUERY_TOO_DEEP"]);
}

#[test]
fn pages_are_bounded_and_the_bounds_are_settings() {
    let rows = |client: &Client, arguments: &str| {
        client.data(&format!("{{ rows{arguments} {{ id }} }}"))["rows"].as_array().unwrap().len()
    };
    let server = Server::start(StoreKind::Sqlite);
    let client = server.client();
    client.load("rows", generation(1, 1_200));
    assert_eq!(rows(&client, ""), 50);
    assert_eq!(rows(&client, "(limit: 1000)"), 1_000);
    let (code, message) = client.error("{ rows(limit: 1001) { id } }");
    assert_eq!(code, "BAD_USER_INPUT");
    assert!(message.contains("1000"), "{message}");
    let (options, _) = Options::of(StoreKind::Sqlite);
    let options =
        options.variable("SLUICE_MAX_LIMIT", "100000").variable("SLUICE_DEFAULT_LIMIT", "2");
    let server = Server::start_with(options, None);
    let client = server.client();
    client.load("rows", generation(1, 1_200));
    assert_eq!((rows(&client, ""), rows(&client, "(limit: 100000)")), (2, 1_200));
    assert_eq!(client.error("{ rows(limit: 100001) { id } }").0, "BAD_USER_INPUT");
}

#[test]
fn introspection_is_counted_and_can_be_off() {
    let target = Target::new();
    // Types lead to fields, fields to types: each step multiplies the answer.
    let lists = |n: usize| {
        let fields = "fields { type { ".repeat(n);
        format!("{{ __type(name: \"Items\") {{ {fields} name {} }} }}", "} }".repeat(n))
    };
    target.client.data(&lists(2));
    target.refuses("lists of introspection", &lists(3), &json!({}), &["QUERY_TOO_DEEP"]);
    let schemas = |n: usize| {
        let all: String =
            (0..n).map(|n| format!("s{n}: __schema {{ queryType {{ name }} }} ")).collect();
        format!("{{ {all} }}")
    };
    target.client.data(&schemas(2));
    target.refuses("schemas", &schemas(3), &json!({}), &["QUERY_TOO_COMPLEX"]);
    let server = Server::start_set(StoreKind::Sqlite, "SLUICE_INTROSPECTION", "off");
    let client = server.client();
    client.load("items", ITEMS);
    for query in [
        schemas(1),
        lists(1),
        "{ ...F } fragment F on Query { __schema { queryType { name } } }".to_owned(),
    ] {
        let (code, message) = client.error(&query);
        assert_eq!(code, "FORBIDDEN");
        assert!(message.contains("introspection"), "{message}");
    }
    let named = client.data("{ __typename items(limit: 1) { __typename } }");
    assert_eq!(named, json!({ "__typename": "Query", "items": [{ "__typename": "Items" }] }));
    assert_eq!(client.get("/schema.graphql").status, 200);
    assert_eq!(server.client_of("read").get("/schema.graphql").code(), "FORBIDDEN");
}

#[test]
fn bodies_are_bounded() {
    let target = Target::new();
    let started = Instant::now();
    let answer =
        target.client.post_json("/graphql", &format!("{{\"query\":\"{}\"}}", " ".repeat(2 << 20)));
    assert_eq!((answer.status, answer.code().as_str()), (413, "PAYLOAD_TOO_LARGE"));
    let sized = |n: usize| {
        let query = r#"{"query":"{ __typename }"}"#;
        format!("{query}{}", " ".repeat(n - query.len()))
    };
    assert_eq!(target.client.post_json("/graphql", &sized(1 << 20)).status, 200);
    assert_eq!(target.client.post_json("/graphql", &sized((1 << 20) + 1)).status, 413);
    let long =
        format!("GET /graphql?query={} HTTP/1.1\r\nhost: localhost\r\n\r\n", "%20".repeat(30_000));
    assert!(raw(&target.server.address, long).starts_with("HTTP/1.1 414"));
    let header = "x".repeat(20_000);
    let answer = target.client.request("GET", "/healthz", &[("x-long", &header)], "");
    assert_eq!(answer.status, 431, "{}", answer.text);
    target.is_alive("long bodies", started);
}

#[test]
fn simple_requests_of_other_pages_run_nothing() {
    let target = Target::new();
    let body = r#"{"query":"{ __typename }"}"#;
    for content_type in
        ["text/plain", "application/x-www-form-urlencoded", "text/plain;application/json", ""]
    {
        let headers = [("content-type", content_type)];
        let answer = target.client.request("POST", "/graphql", &headers, body);
        assert_eq!(answer.status, 415, "{content_type}: {}", answer.text);
    }
    // No other origin is allowed to read, unless it is listed.
    let origin = [("origin", "https://evil.example"), ("content-type", "application/json")];
    let answer = target.client.request("POST", "/graphql", &origin, body);
    assert_eq!(answer.header("access-control-allow-origin"), "");
    let preflight = [
        ("origin", "https://evil.example"),
        ("access-control-request-method", "POST"),
        ("access-control-request-headers", "authorization,content-type"),
    ];
    let answer = target.client.request("OPTIONS", "/graphql", &preflight, "");
    assert_eq!(answer.header("access-control-allow-origin"), "");
    assert_eq!(answer.header("access-control-allow-methods"), "");
}

#[test]
fn listed_origins_are_allowed_and_others_not() {
    let server = Server::start_set(StoreKind::Sqlite, "ALLOWED_ORIGINS", "https://app.example");
    let preflight = |origin: &str| {
        server.anonymous().request(
            "OPTIONS",
            "/graphql",
            &[
                ("origin", origin),
                ("access-control-request-method", "POST"),
                ("access-control-request-headers", "authorization"),
            ],
            "",
        )
    };
    let answer = preflight("https://app.example");
    assert_eq!(answer.header("access-control-allow-origin"), "https://app.example");
    assert!(answer.header("access-control-allow-headers").contains("authorization"));
    assert_eq!(answer.header("access-control-allow-credentials"), "");
    assert_eq!(preflight("https://evil.example").header("access-control-allow-origin"), "");
}

#[test]
fn batches_and_mutations_by_get_are_refused() {
    let target = Target::new();
    let batch: Vec<Value> = (0..2_000).map(|_| json!({ "query": "{ __typename }" })).collect();
    let answer = target.client.post_json("/graphql", &json!(batch).to_string());
    assert_eq!(answer.status, 400, "{}", answer.text);
    let answer =
        target.client.get("/graphql?query=mutation%7Bupload(file%3Anull)%7Bjob%7Bid%7D%7D%7D");
    assert_eq!(answer.status, 405, "{}", answer.text);
    assert_eq!(answer.header("allow"), "POST, OPTIONS");
    assert_eq!(
        target.client.get("/graphql?query=%7B__typename%7D").data(),
        json!({ "__typename": "Query" })
    );
}

#[test]
fn a_client_that_says_nothing_is_let_go() {
    let server = Server::start_set(StoreKind::Sqlite, "SLUICE_HEADER_TIMEOUT", "300ms");
    let started = Instant::now();
    let _ = crate::harness::raw(&server.address, "GET /healthz HT");
    assert!(started.elapsed() < Duration::from_millis(1_900), "closed by the server");
    assert_eq!(server.anonymous().get("/healthz").status, 200);
}
