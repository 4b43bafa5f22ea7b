//! Hostile texts at every place where a text goes: they are values, and nothing but values.
//!
//! A table beside them must stay as it is, an answer must come soon, and no answer may speak of
//! SQL, of paths or of drivers.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::access::{key, set_policy, workspace};
use crate::harness::{Answer, Client, Server, StoreKind, both_stores};
use crate::tokens;

const TEXTS: [&str; 60] = [
    // SQL
    "'",
    "''",
    "\"",
    "`",
    "' OR '1'='1",
    "\" OR \"1\"=\"1",
    "1 OR 1=1",
    "' OR 1=1 --",
    "'; DROP TABLE canary; --",
    "\"; DROP TABLE canary; --",
    "'); DELETE FROM canary; --",
    "' UNION SELECT hash FROM keys --",
    "' UNION ALL SELECT NULL,NULL,NULL --",
    "1; SELECT pg_sleep(5)",
    "'||(SELECT pg_sleep(5))||'",
    "' AND randomblob(1000000000) --",
    "'; ATTACH DATABASE '/tmp/x' AS y; --",
    "'; COPY canary TO PROGRAM 'id'; --",
    "$$; DROP TABLE canary; $$",
    "$1",
    "?1",
    ":name",
    "@@version",
    "/* */ --",
    "E'\\x27'",
    "\\",
    "\\'",
    "0x27",
    "load_extension('x')",
    "pg_read_file('/etc/passwd')",
    // LIKE, regular expressions
    "%",
    "_",
    "%_%_%_%_%_%_%_%_%_%_%_%_%",
    "%\\",
    "(a+)+$",
    "(?=a)",
    "[",
    "\\p{Nope}",
    "a{1000000}",
    // JSON paths
    "$.a[*]",
    "$[?(@.x)]",
    "{\"$gt\": \"\"}",
    "__proto__",
    // FTS5, tsquery
    "NEAR(a b, 5)",
    "a AND NOT b*",
    "note : canary",
    "{note} : ^a",
    "a & b | !c <-> d:*",
    "'a':*A",
    "-rank",
    // signs
    "\u{0}",
    "a\u{0}b",
    "\u{202e}drop",
    "\u{feff}\u{200b}",
    "ＤＲＯＰ ＴＡＢＬＥ＇",
    "\r\nX-Injected: yes",
    // templates, paths, GraphQL
    "$claims.region",
    "${7*7}{{7*7}}#{7*7}<%= 7*7 %>",
    "../../../../etc/passwd",
    "\") { id } keys { prefix } } #",
];

/// What an answer never says: parts of SQL errors, of paths, of the program.
const NEVER: [&str; 25] = [
    "sqlite",
    "postgres",
    "sqlx",
    "sea_orm",
    "sea-orm",
    "sqlstate",
    "syntax error at or near",
    "unrecognized token",
    "unterminated",
    "fts5:",
    "no such column",
    "no such table",
    "does not exist\"",
    "invalid byte sequence",
    "invalid input syntax",
    "relation \"",
    "prepared statement",
    "constraint failed",
    "violates",
    "panicked",
    ".rs:",
    "/target/",
    "/catalog",
    "src/",
    "os error",
];

const CANARY: &str = "id,note,region,amount,data\n1,alive,north,1.50,\"{\"\"a\"\": 1}\"\n2,well,south,2.50,\"{\"\"b\"\": 2}\"\n";

/// One place where a text goes.
type Place = (&'static str, Box<dyn Fn(&Client, &str) -> Answer>);

fn by_variable(name: &'static str, document: &'static str) -> Place {
    (name, Box::new(move |client, text| client.graphql(document, &json!({ "x": text }))))
}

fn by_filter(operator: &'static str) -> Place {
    (
        operator,
        Box::new(move |client, text| {
            let filter = match operator {
                "_in" | "_nin" => json!({ "note": {operator: [text]} }),
                "_hasKey" => json!({ "data": {operator: text} }),
                "json _contains" => json!({ "data": {"_contains": {text: text}} }),
                "decimal" => json!({ "amount": {"_eq": text} }),
                _ => json!({ "note": {operator: text} }),
            };
            client.graphql(
                "query($w: CanaryBoolExp) { canary(where: $w) { id } canaryAggregate(where: $w) { aggregate { count } } }",
                &json!({ "w": filter }),
            )
        }),
    )
}

/// The text as a GraphQL string in the document itself.
fn written(name: &'static str, before: &'static str, after: &'static str) -> Place {
    (
        name,
        Box::new(move |client, text| {
            client.graphql(&format!("{before}{}{after}", json!(text)), &json!({}))
        }),
    )
}

fn percent(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20")
}

fn places() -> Vec<Place> {
    let mut places: Vec<Place> = [
        "_eq",
        "_neq",
        "_gt",
        "_gte",
        "_lt",
        "_lte",
        "_in",
        "_nin",
        "_like",
        "_nlike",
        "_ilike",
        "_nilike",
        "_similar",
        "_nsimilar",
        "_regex",
        "_iregex",
        "_nregex",
        "_niregex",
        "_startsWith",
        "_istartsWith",
        "_endsWith",
        "_iendsWith",
        "_contains",
        "_icontains",
        "_hasKey",
        "json _contains",
        "decimal",
    ]
    .map(by_filter)
    .into();
    places.extend([
        by_variable("search", "query($x: String) { canary(search: $x) { id } canaryConnection(search: $x) { totalCount } }"),
        by_variable("after", "query($x: String) { canaryConnection(after: $x) { nodes { id } } }"),
        by_variable("before", "query($x: String) { canaryConnection(last: 1, before: $x, orderBy: {note: ASC}) { nodes { id } } }"),
        by_variable("node", "query($x: ID!) { node(nodeId: $x) { nodeId } }"),
        by_variable("job", "query($x: ID!) { job(id: $x) { id } }"),
        by_variable("cancel", "mutation($x: ID!) { cancelJob(id: $x) { id } }"),
        by_variable("dataset", "query($x: String!) { dataset(name: $x) { id } }"),
        by_variable("datasets", "query($x: String) { datasets(where: {name: {_eq: $x}}) { id } jobs(where: {datasetName: {_eq: $x}}) { id } }"),
        by_variable("keys", "query($x: String) { keys(where: {name: {_eq: $x}}) { prefix } auditLog(where: {actor: {_eq: $x}}) { id } policies(dataset: $x) { role } }"),
        by_variable("drop", "mutation($x: String!) { dropDataset(dataset: $x) { id } }"),
        by_variable("rename", "mutation($x: String!) { renameDataset(dataset: $x, name: \"y\") { id } }"),
        by_variable("alter", "mutation($x: String!) { alterColumn(dataset: \"canary\", column: $x, name: \"y\") { job { id } } }"),
        by_variable("alter to", "mutation($x: String!) { alterColumn(dataset: \"victim\", column: \"note\", name: $x, wait: 30) { job { status } } }"),
        by_variable("key column", "mutation($x: String!) { setKey(dataset: \"canary\", column: $x) { job { id } } }"),
        by_variable("relation", "mutation($x: String!) { addRelation(from: \"canary\", column: $x, to: $x, name: $x) { id } }"),
        by_variable("relation name", "mutation($x: String!) { addRelation(from: \"victim\", column: \"other\", to: \"canary\", name: $x) { id } }"),
        by_variable("index", "mutation($x: String!) { createIndex(dataset: \"canary\", columns: [$x]) { id } }"),
        by_variable("drop index", "mutation($x: String!) { dropIndex(dataset: \"canary\", name: $x) { id } }"),
        by_variable("new key", "mutation($x: String!) { createKey(name: $x) { apiKey { name } } }"),
        by_variable("role of a key", "mutation($x: String!) { createKey(name: \"x\", role: $x) { apiKey { role } } }"),
        by_variable("datasets of a key", "mutation($x: String!) { createKey(name: \"x\", datasets: [$x]) { apiKey { datasets } } }"),
        by_variable("revoke", "mutation($x: String!) { revokeKey(prefix: $x) { name } }"),
        by_variable("rotate", "mutation($x: String!) { rotateKey(prefix: $x) { key } }"),
        by_variable("policy's role", "mutation($x: String!) { setPolicy(dataset: \"victim\", role: $x) { role } }"),
        by_variable("policy's dataset", "mutation($x: String!) { setPolicy(dataset: $x) { role } }"),
        by_variable("policy's column", "mutation($x: String!) { setPolicy(dataset: \"victim\", columns: [$x], masks: [{column: $x, mask: NULL}]) { role } }"),
        by_variable("policy's drop", "mutation($x: String!) { dropPolicy(dataset: \"canary\", role: $x) { role } }"),
        by_variable("workspace", "mutation($x: String!) { createWorkspace(name: $x) { id } }"),
        by_variable("workspace's end", "mutation($x: String!) { deleteWorkspace(name: $x, confirm: $x) { id } }"),
        by_variable("public", "mutation($x: String!) { setPublicRead(datasets: [$x]) { id } }"),
        by_variable("explain", "query($x: String!) { explain(query: $x) { cost } }"),
        by_variable("a number", "query($x: Int) { canary(limit: $x) { id } }"),
        by_variable("an order", "query($x: OrderBy) { canary(orderBy: {note: $x}) { id } }"),
        written("in the document", "{ canary(where: {note: {_eq: ", "}}) { id } }"),
        written("a search in the document", "{ canary(search: ", ") { id } }"),
        ("the document itself", Box::new(|client, text| client.graphql(text, &json!({})))),
        ("a field's name", Box::new(|client, text| client.graphql(&format!("{{ canary {{ {text} }} }}"), &json!({})))),
        ("a variable's name", Box::new(|client, text| client.graphql("{ canary { id } }", &json!({ text: text })))),
        ("a key of a filter", Box::new(|client, text| {
            client.graphql(
                "query($w: CanaryBoolExp) { canary(where: $w) { id } }",
                &json!({ "w": {text: {text: text}} }),
            )
        })),
        ("the operation's name", Box::new(|client, text| {
            let body = json!({ "query": "{ canary { id } }", "operationName": text });
            client.post_json("/graphql", &body.to_string())
        })),
        ("a document's id", Box::new(|client, text| {
            client.post_json("/graphql", &json!({ "documentId": text }).to_string())
        })),
        ("a document's hash", Box::new(|client, text| {
            let extensions = json!({ "persistedQuery": {"version": 1, "sha256Hash": text} });
            client.post_json("/graphql", &json!({ "extensions": extensions }).to_string())
        })),
        ("a query string", Box::new(|client, text| {
            client.get(&format!("/graphql?query={0}&variables={0}", percent(text)))
        })),
        ("rejects", Box::new(|client, text| client.get(&format!("/rejects/{}", percent(text))))),
        ("a path", Box::new(|client, text| client.get(&format!("/{}", percent(text))))),
        ("a link's token", Box::new(|client, text| {
            client.post_json("/sign-in", &json!({ "token": text }).to_string())
        })),
    ]);
    places
}

fn uploads() -> Vec<Place> {
    vec![
        (
            "an upload's name and file",
            Box::new(|client, text| {
                let path = format!("/upload/{0}?filename={0}&wait=60", percent(text));
                client.request("PUT", &path, &[], "id,x\n1,2\n")
            }),
        ),
        (
            "an upload's options",
            Box::new(|client, text| {
                let x = percent(text);
                let query =
                    format!("wait=60&key={x}&description={x}&requestId={x}&nullSpellings={x}");
                client.upload_with("victim2", &query, "id,x\n1,2\n")
            }),
        ),
    ]
}

/// These ask no database.
fn inspections() -> Vec<Place> {
    vec![
        (
            "an inspection's encoding",
            Box::new(|client, text| {
                client.request(
                    "POST",
                    &format!("/inspect?name=victim2&encoding={}", percent(text)),
                    &[],
                    "id\n1\n",
                )
            }),
        ),
        (
            "an inspection's sheet",
            Box::new(|client, text| {
                client.request(
                    "POST",
                    &format!("/inspect?name=victim2&sheets={}", percent(text)),
                    &[],
                    "id\n1\n",
                )
            }),
        ),
    ]
}

#[track_caller]
fn is_quiet(place: &str, text: &str, answer: &Answer) {
    let told = || format!("{place}: {text:?}: {} {}", answer.status, answer.text);
    assert!(answer.status < 500, "{}", told());
    assert_eq!(answer.header("x-injected"), "", "{}", told());
    // What was sent may come back, as a name in a message.
    let sent = serde_json::to_string(text).unwrap().to_lowercase();
    let sent = sent.trim_matches('"');
    let debug = format!("{text:?}").to_lowercase().replace('\\', "\\\\").replace('"', "\\\"");
    let mut body = answer.text.to_lowercase();
    if sent.len() > 2 {
        body = body.replace(sent, "…").replace(debug.trim_matches(['"', '\\']), "…");
    }
    for never in NEVER {
        assert!(!body.contains(never), "{never}: {}", told());
    }
    if let Ok(json) = serde_json::from_str::<Value>(&answer.text) {
        for error in json["errors"].as_array().into_iter().flatten() {
            let code = error["extensions"]["code"].as_str().unwrap_or_default();
            let is_ours = ["INTERNAL", "STORAGE_UNAVAILABLE", "TIMEOUT", ""].contains(&code);
            assert!(!is_ours, "{}", told());
        }
    }
}

/// Everything that must be as it was.
#[track_caller]
fn is_alive(client: &Client) {
    let data = client.data("{ canary { id note region amount data } dataset(name: \"canary\") { version columns { name } } }");
    assert_eq!(
        data["canary"],
        json!([
            {"id": 1, "note": "alive", "region": "north", "amount": "1.50", "data": {"a": 1}},
            {"id": 2, "note": "well", "region": "south", "amount": "2.50", "data": {"b": 2}},
        ])
    );
    assert_eq!(data["dataset"]["version"], 1);
}

/// Asks at all places with all texts.
fn attack(server: &Server, places: &[Place]) {
    let operator = server.client();
    operator.load("canary", CANARY);
    operator.load("victim", "id,note,other\n1,a,1\n2,b,2\n");
    operator.load("victim2", "id,x\n1,2\n");
    operator.data("mutation { setTrustedDocuments(documents: [{id: \"a\", text: \"{ __typename }\"}]) { count } }");
    let overlong = "'\"\\%$".repeat(400);
    // Place by place: documents that are known need not be validated again.
    for (place, ask) in places {
        for text in TEXTS.iter().copied().chain([overlong.as_str()]) {
            let began = Instant::now();
            let answer = ask(&operator, text);
            is_quiet(place, text, &answer);
            assert!(began.elapsed() < Duration::from_secs(4), "{place}: {text:?} takes long");
        }
    }
    is_alive(&operator);
    assert!(!server.log().contains("panicked"), "{}", server.log());
}

#[test]
fn hostile_texts_are_values_on_the_embedded_store() {
    let mut places = places();
    places.extend(inspections());
    attack(&Server::start(StoreKind::Sqlite), &places);
}

#[test]
fn hostile_texts_are_values_on_postgresql() {
    attack(&Server::start(StoreKind::Postgres), &places());
}

#[test]
fn hostile_names_of_uploads_are_names() {
    both_stores(|server| attack(server, &uploads()));
}

#[test]
fn hostile_cells_headers_and_claims_are_kept_as_they_are() {
    both_stores(|server| {
        let operator = server.client();
        operator.load("canary", CANARY);
        finds_what_is_there(&operator);
        let quoted = |text: &&str| format!("\"{}\"", text.replace('"', "\"\""));
        let row = TEXTS.iter().map(quoted).collect::<Vec<_>>().join(",");
        let answer = operator.upload("cells", format!("{row}\n{row}\n{row}\n"));
        is_quiet("headers and cells", "", &answer);
        headers(server);
        claims_and_cells(&operator);
        is_alive(&operator);
    });
}

/// The texts are found as what they are, and as nothing else.
fn finds_what_is_there(client: &Client) {
    // NUL is in no text of PostgreSQL's; a cell that has it is told of when it is loaded.
    let kept: Vec<&str> = TEXTS.iter().copied().filter(|text| !text.contains('\0')).collect();
    let rows: Vec<Value> = kept.iter().map(|text| json!({ "t": text })).collect();
    client.load("texts", Value::from(rows).to_string());
    for text in kept {
        let data = client.data_with(
            "query($x: String!) { a: texts(where: {t: {_eq: $x}}) { t } b: texts(where: {t: {_in: [$x]}}) { t } c: texts(where: {t: {_neq: $x}}, limit: 100) { id } d: texts(where: {t: {_startsWith: $x, _endsWith: $x, _contains: $x}}) { t } }",
            &json!({ "x": text }),
        );
        let one = json!([{ "t": text }]);
        assert_eq!((&data["a"], &data["b"]), (&one, &one), "{text:?}");
        assert_eq!(data["c"].as_array().unwrap().len(), TEXTS.len() - 3, "{text:?}");
        assert!(data["d"].as_array().unwrap().contains(&one[0]), "{text:?}");
    }
}

/// Names of headers, and what they may say.
fn headers(server: &Server) {
    let anonymous = server.anonymous();
    for text in TEXTS {
        if !text.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
            continue;
        }
        for (name, value) in [
            ("x-workspace", text.to_owned()),
            ("authorization", text.to_owned()),
            ("authorization", format!("Bearer {text}")),
            ("x-api-key", text.to_owned()),
            ("x-api-key", format!("slu_{text:_<8.8}_{text:_<43.43}")),
            ("x-request-id", text.to_owned()),
            ("if-none-match", text.to_owned()),
            ("accept", text.to_owned()),
            ("content-type", text.to_owned()),
        ] {
            let mut headers = vec![(name, value.as_str())];
            if name != "content-type" {
                headers.push(("content-type", "application/json"));
            }
            let body = r#"{"query":"{ canary { id } }"}"#;
            let answer = anonymous.request("POST", "/graphql", &headers, body);
            is_quiet(name, text, &answer);
            assert!([401, 406].contains(&answer.status), "{name}: {text}: {}", answer.text);
        }
    }
}

/// Claims are values, too; and a policy's own texts.
fn claims_and_cells(operator: &Client) {
    let admin = workspace(operator, "claims");
    admin.load("canary", CANARY);
    set_policy(
        &admin,
        r#"dataset: "canary", role: "r", filter: {region: {_eq: "$claims.region"}}"#,
    );
    set_policy(
        &admin,
        r#"dataset: "canary", role: "p", filter: {note: {_like: "$claims.region"}}"#,
    );
    set_policy(
        &admin,
        r#"dataset: "canary", role: "x", filter: {note: {_regex: "$claims.region"}}"#,
    );
    for text in TEXTS {
        for role in ["r", "p", "x"] {
            let made = admin.graphql(
                "mutation($r: String, $c: JSON) { createKey(name: \"x\", role: $r, claims: $c) { key } }",
                &json!({ "r": role, "c": {"region": text} }),
            );
            is_quiet("a claim", text, &made);
            let client = match made.json()["data"]["createKey"]["key"].as_str() {
                Some(made) => admin.with_key(made),
                None => continue,
            };
            let answer = client.graphql("{ canary { id } datasets { rowCount } }", &json!({}));
            is_quiet("a claim", text, &answer);
            let json = answer.json();
            let n_rows = json["data"]["canary"].as_array().map_or(0, Vec::len);
            let may_fit = role != "r" && !matches!(text, "'" | "''");
            assert!(n_rows == 0 || may_fit, "{role} {text:?}: {}", answer.text);
        }
    }
    // Apart from the others: each of these changes the schema.
    for text in TEXTS {
        // As a constant of the filter it is a constant, and not a claim of another's.
        let made = admin.graphql(
            "mutation($f: JSON) { setPolicy(dataset: \"canary\", role: \"c\", filter: $f) { role } }",
            &json!({ "f": {"note": {"_eq": text}} }),
        );
        is_quiet("a filter", text, &made);
        let made = admin.graphql(
            "mutation($f: JSON) { setPolicy(dataset: \"canary\", role: \"c\", filter: $f) { role } }",
            &json!({ "f": {text: {text: text}} }),
        );
        is_quiet("a filter's field", text, &made);
        assert!(made.json().get("errors").is_some(), "{text:?}");
    }
    let reader = key(&admin, "role: \"c\"");
    assert_eq!(reader.data("{ canary { id } }"), json!({ "canary": [] }));
    is_alive(&admin);
}

#[test]
fn claims_of_tokens_are_values() {
    // On PostgreSQL, which takes fewer texts.
    let server = tokens::server_with_secret(StoreKind::Postgres);
    let admin = server.client();
    admin.load("canary", CANARY);
    set_policy(
        &admin,
        r#"dataset: "canary", role: "r", filter: {region: {_eq: "$claims.region"}}"#,
    );
    let issuer = tokens::issuer();
    for text in TEXTS {
        for changes in [
            json!({ "tenant": "default", "role": "r", "region": text, "sub": text }),
            json!({ "tenant": "default", "role": "r", text: text, "region": {text: text} }),
            json!({ "tenant": text, "role": text }),
            json!({ "tenant": "default", "role": "r", "datasets": [text] }),
            json!({ "tenant": "default", "role": "r", "scope": text }),
        ] {
            let token = issuer.token(text, &tokens::claims(&changes));
            let client = admin.with_key(&token);
            let answer = client.graphql(
                "{ me { keyPrefix role } canary { id } datasets { rowCount } }",
                &json!({}),
            );
            is_quiet("a token", text, &answer);
            let rows = answer.json()["data"]["canary"].clone();
            assert!(rows.as_array().is_none_or(Vec::is_empty), "{changes}: {}", answer.text);
        }
    }
    is_alive(&admin);
}
