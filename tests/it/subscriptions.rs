//! Waiting for news: over WebSocket and as events, what is told, to whom, and when it ends.

use std::io::{Read, Write};
use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::live::{Events, Said, Socket};
use crate::harness::server::{ADMIN_KEY, Options};
use crate::harness::{Client, Server, StoreKind, both_stores, eventually};

const PROTOCOL: (&str, &str) = ("sec-websocket-protocol", "graphql-transport-ws");
const LIMIT: Duration = Duration::from_secs(60);

/// Rows `id,name,amount`.
fn sales(rows: &[(i64, &str, i64)]) -> String {
    let rows: String = rows.iter().map(|(id, name, n)| format!("{id},{name},{n}\n")).collect();
    format!("id,name,amount\n{rows}")
}

fn append(client: &Client, name: &str, rows: &[(i64, &str, i64)]) {
    let answer = client.upload_with(name, "wait=60&mode=APPEND", sales(rows));
    assert_eq!(answer.status, 200, "{}", answer.text);
}

/// A key that `createKey` makes with these arguments, and its prefix.
fn new_key(server: &Server, arguments: &str) -> (Client, String) {
    let admin = server.client();
    let made =
        admin.data(&format!("mutation {{ createKey({arguments}) {{ key apiKey {{ prefix }} }} }}"));
    let made = &made["createKey"];
    let (key, prefix) = (made["key"].as_str().unwrap(), made["apiKey"]["prefix"].as_str().unwrap());
    (admin.with_key(key), prefix.to_owned())
}

#[test]
fn the_protocol_is_followed() {
    let server = Server::start_set(StoreKind::Sqlite, "SLUICE_HEADER_TIMEOUT", "1s");
    let open = || Socket::open(&server.address, &[PROTOCOL]).unwrap();
    let key = json!({ "authorization": format!("Bearer {ADMIN_KEY}") });
    let init = json!({ "type": "connection_init", "payload": key });
    // Who says nothing is let go.
    assert_eq!(open().closed(), (4408, "Connection initialisation timeout".to_owned()));
    // Without a protocol, or with one that the server does not speak.
    assert_eq!(Socket::open(&server.address, &[]).unwrap().closed().0, 4406);
    let another = [("sec-websocket-protocol", "graphql-ws")];
    assert!(Socket::open(&server.address, &another).is_err(), "the client sees it by itself");
    // Before the connection is acknowledged.
    let mut socket = open();
    socket.send(&json!({ "type": "ping" }));
    assert_eq!(socket.message(), json!({ "type": "pong" }));
    socket.subscribe("1", "{ __typename }", &json!({}));
    assert_eq!(socket.closed(), (4401, "Unauthorized".to_owned()));
    // Twice.
    let mut socket = open();
    socket.send(&init);
    assert_eq!(socket.message()["type"], "connection_ack");
    socket.send(&init);
    assert_eq!(socket.closed(), (4429, "Too many initialisation requests".to_owned()));
    // What is no message.
    for text in ["x", "[]", r#"{"type":"start"}"#, r#"{"type":"subscribe","id":"1"}"#] {
        let mut socket = Socket::of(&server, &server.client());
        socket.send_text(text);
        let (code, reason) = socket.closed();
        assert_eq!(code, 4400, "{text}");
        assert!(reason.starts_with("Invalid message: "), "{reason}");
    }
    let mut socket = Socket::of(&server, &server.client());
    socket.0.send(tungstenite::Message::binary(vec![1])).unwrap();
    assert_eq!(socket.closed().0, 4400);
    // Larger than a body may be.
    let mut socket = Socket::of(&server, &server.client());
    let large = "x".repeat(1 << 21);
    let _ = socket.0.send(tungstenite::Message::text(large));
    assert!(!matches!(socket.said(), Said::Message(_)));
    // The same id twice; an id may be used again once its operation is over.
    let mut socket = Socket::of(&server, &server.client());
    server.client().load("sales", sales(&[(1, "a", 1)]));
    let live = "subscription { salesAggregate { aggregate { count } } }";
    socket.subscribe("ü 1", live, &json!({}));
    assert_eq!(socket.data("ü 1")["salesAggregate"]["aggregate"]["count"], 1);
    socket.send(&json!({ "id": "ü 1", "type": "complete" }));
    socket.send(&json!({ "id": "unknown", "type": "complete" }));
    socket.assert_quiet();
    socket.subscribe("ü 1", live, &json!({}));
    socket.data("ü 1");
    socket.subscribe("ü 1", live, &json!({}));
    assert_eq!(socket.closed(), (4409, "Subscriber for ü 1 already exists".to_owned()));
}

#[test]
fn queries_and_mutations_are_answered_as_well() {
    both_stores(|server| {
        server.client().load("sales", sales(&[(1, "a", 1)]));
        let mut socket = Socket::of(server, &server.client());
        let query = "query($n: Int) { sales(limit: $n) { name } }";
        socket.subscribe("q", query, &json!({ "n": 1 }));
        assert_eq!(socket.data("q"), json!({ "sales": [{ "name": "a" }] }));
        assert_eq!(socket.message(), json!({ "id": "q", "type": "complete" }));
        let mutation = "mutation { dropDataset(dataset: \"sales\") { name } }";
        socket.subscribe("m", mutation, &json!({}));
        assert_eq!(socket.data("m")["dropDataset"]["name"], "sales");
        assert_eq!(socket.message()["type"], "complete");
        // What is wrong is told, and the connection lives on.
        for (query, code) in [
            ("{", "BAD_USER_INPUT"),
            ("{ nothing }", "BAD_USER_INPUT"),
            ("subscription { job }", "BAD_USER_INPUT"),
            ("subscription { __typename }", "BAD_USER_INPUT"),
            (
                "subscription { job(id: \"x\") { id } datasetChanged(name: \"x\") { name } }",
                "BAD_USER_INPUT",
            ),
            ("subscription { job(id: \"x\") @skip(if: false) { id } }", "BAD_USER_INPUT"),
            ("subscription { job(id: \"x\") { id } }", "NOT_FOUND"),
            ("subscription { datasetChanged(name: \"sales\") { name } }", "NOT_FOUND"),
        ] {
            socket.subscribe("e", query, &json!({}));
            let (found, message) = socket.error("e");
            assert_eq!(found, code, "{query}: {message}");
        }
        let deep = format!("subscription {{ {} }}", "a { ".repeat(90));
        socket.subscribe("e", &deep, &json!({}));
        assert_eq!(socket.error("e").0, "QUERY_TOO_DEEP");
        // By a way of one answer, a subscription is told where to go.
        let (code, message) = server.client().error("subscription { job(id: \"x\") { id } }");
        assert_eq!(code, "BAD_USER_INPUT");
        assert!(message.contains("graphql-transport-ws"), "{message}");
    });
}

#[test]
fn who_asks_is_checked() {
    let server =
        Server::start_set(StoreKind::Sqlite, "SLUICE_ALLOWED_ORIGINS", "https://app.example.com");
    let bearer = format!("Bearer {ADMIN_KEY}");
    let with =
        |name: &'static str, value: &str| Socket::open(&server.address, &[PROTOCOL, (name, value)]);
    // Pages of this server and of listed origins only.
    let own = format!("http://{}", server.address);
    assert!(with("origin", &own).is_ok());
    assert!(with("origin", "https://app.example.com").is_ok());
    for other in ["https://evil.example", "null", "http://127.0.0.1:1"] {
        assert_eq!(with("origin", other).err(), Some(403), "{other}");
    }
    assert_eq!(with("host", "evil.example").err(), Some(421));
    // A key in the handshake.
    assert_eq!(with("authorization", "Bearer wrong").err(), Some(401));
    let me = "{ me { scope } }";
    let mut socket = with("authorization", &bearer).unwrap();
    socket.send(&json!({ "type": "connection_init" }));
    assert_eq!(socket.message()["type"], "connection_ack");
    socket.subscribe("1", me, &json!({}));
    assert_eq!(socket.data("1")["me"]["scope"], "ADMIN");
    // In the first message.
    for payload in [
        json!({ "Authorization": bearer }),
        json!({ "headers": { "authorization": bearer } }),
        json!({ "x-api-key": ADMIN_KEY }),
        json!({ "headers": { "X-API-Key": ADMIN_KEY } }),
    ] {
        let mut socket = Socket::open(&server.address, &[PROTOCOL]).unwrap();
        socket.send(&json!({ "type": "connection_init", "payload": payload }));
        assert_eq!(socket.message()["type"], "connection_ack", "{payload}");
        socket.subscribe("1", me, &json!({}));
        assert_eq!(socket.data("1")["me"]["scope"], "ADMIN");
    }
    for payload in [
        json!(null),
        json!({ "authorization": "Bearer wrong" }),
        json!({ "authorization": bearer, "x-api-key": ADMIN_KEY }),
    ] {
        let mut socket = Socket::open(&server.address, &[PROTOCOL]).unwrap();
        socket.send(&json!({ "type": "connection_init", "payload": payload }));
        let (code, reason) = socket.closed();
        assert_eq!(code, 4403, "{payload}");
        assert!(reason.starts_with("Forbidden: "), "{reason}");
    }
    // A reader may wait, and not change anything.
    let reader = server.client_of("read");
    let mut socket = Socket::of(&server, &reader);
    socket.subscribe("1", "mutation { dropDataset(dataset: \"x\") { name } }", &json!({}));
    assert_eq!(socket.error("1").0, "FORBIDDEN");
}

#[test]
fn a_job_is_told_until_it_has_ended() {
    both_stores(|server| {
        let client = server.client();
        let mut socket = Socket::of(server, &client);
        let started = client.upload_with("sales", "wait=0", sales(&[(1, "a", 1), (2, "b", 2)]));
        let id = started.json()["job"]["id"].as_str().unwrap().to_owned();
        let query = "subscription J($id: ID!) { ...Root }
            fragment Root on Subscription { now: job(id: $id) { ...What } }
            fragment What on Job { status progress { rowsDone } datasets { name rowCount } }";
        socket.subscribe("1", query, &json!({ "id": id }));
        let mut last = json!(null);
        loop {
            let message = socket.message();
            if message["type"] == "complete" {
                break;
            }
            let job = message["payload"]["data"]["now"].clone();
            assert!(job.is_object(), "{message}");
            assert_ne!(job, last, "only news is told");
            last = job;
        }
        assert_eq!(last["status"], "SUCCEEDED");
        assert_eq!(last["datasets"], json!([{ "name": "sales", "rowCount": "2" }]));
        // One that has ended is told once.
        socket.subscribe(
            "2",
            "subscription($id: ID!) { job(id: $id) { status } }",
            &json!({ "id": id }),
        );
        assert_eq!(socket.data("2")["job"]["status"], "SUCCEEDED");
        assert_eq!(socket.message(), json!({ "id": "2", "type": "complete" }));
    });
}

#[test]
fn new_versions_are_told() {
    both_stores(|server| {
        let client = server.client();
        client.load("sales", sales(&[(1, "a", 1)]));
        client.load("other", sales(&[(1, "a", 1)]));
        let mut socket = Socket::of(server, &client);
        let query = "subscription { datasetChanged(name: \"sales\") { name version rowCount } }";
        socket.subscribe("1", query, &json!({}));
        socket.assert_quiet();
        append(&client, "other", &[(2, "b", 2)]);
        append(&client, "sales", &[(2, "b", 2)]);
        let told = socket.data("1");
        assert_eq!(
            told["datasetChanged"],
            json!({ "name": "sales", "version": 2, "rowCount": "2" })
        );
        client.load("sales", sales(&[(3, "c", 3)]));
        assert_eq!(socket.data("1")["datasetChanged"]["version"], 3);
        client.data("mutation { dropDataset(dataset: \"sales\") { name } }");
        assert_eq!(socket.message(), json!({ "id": "1", "type": "complete" }));
    });
}

const TOP: &str = "subscription Top($least: Int!) {
    sales(where: {amount: {_gte: $least}}, orderBy: {amount: DESC}, limit: 2) { name amount }
}";

#[test]
fn a_live_query_is_answered_again_when_its_answer_changes() {
    both_stores(|server| {
        let client = server.client();
        client.load("sales", sales(&[(1, "a", 10), (2, "b", 20), (3, "c", 1)]));
        client.load("other", sales(&[(1, "x", 1)]));
        let mut socket = Socket::of(server, &client);
        socket.subscribe("top", TOP, &json!({ "least": 5 }));
        let top = |names: &[(&str, i64)]| {
            let rows: Vec<Value> =
                names.iter().map(|(name, n)| json!({ "name": name, "amount": n })).collect();
            json!({ "sales": rows })
        };
        assert_eq!(socket.data("top"), top(&[("b", 20), ("a", 10)]));
        socket.subscribe(
            "sum",
            "subscription { salesAggregate { aggregate { sum { amount } } } }",
            &json!({}),
        );
        let sum = |n: i64| json!({ "salesAggregate": { "aggregate": { "sum": { "amount": n.to_string() } } } });
        assert_eq!(socket.data("sum"), sum(31));
        socket.subscribe("one", "subscription { one: salesByPk(id: 4) { name } }", &json!({}));
        assert_eq!(socket.data("one"), json!({ "one": null }));
        socket.subscribe("other", "subscription { other { name } }", &json!({}));
        socket.data("other");
        // A row that is in no list changes the sum only.
        append(&client, "sales", &[(4, "d", 4)]);
        let mut told = [socket.message(), socket.message()];
        told.sort_by_key(|message| message["id"].to_string());
        assert_eq!(told[0]["payload"]["data"], json!({ "one": { "name": "d" } }));
        assert_eq!(told[1]["payload"]["data"], sum(35));
        // Another dataset is nobody else's business.
        append(&client, "other", &[(2, "y", 2)]);
        assert_eq!(socket.data("other")["other"].as_array().unwrap().len(), 2);
        socket.assert_quiet();
        // Replaced by the same, and by something else.
        client.load("sales", sales(&[(1, "a", 10), (2, "b", 20), (3, "c", 1), (4, "d", 4)]));
        client.load("sales", sales(&[(1, "a", 10), (2, "b", 20), (4, "d", 4), (5, "e", 1)]));
        client.load("sales", sales(&[(1, "a", 30), (4, "d", 4), (5, "e", 1)]));
        assert_eq!(eventually_told(&mut socket, "top"), top(&[("a", 30)]));
        // Columns that go take the query with them.
        let answer =
            client.upload_with("sales", "wait=60&mode=REPLACE&onDrift=REPLACE", "id,title\n1,x\n");
        assert_eq!(answer.status, 200, "{}", answer.text);
        let mut codes = Vec::new();
        while codes.len() < 3 {
            let message = socket.message();
            if message["type"] == "error" {
                codes.push(message["payload"][0]["extensions"]["code"].clone());
            }
        }
        assert_eq!(codes, vec![json!("BAD_USER_INPUT"); 3]);
    });
}

/// The next answer of an operation; those of others are passed over.
fn eventually_told(socket: &mut Socket, id: &str) -> Value {
    loop {
        let message = socket.message();
        if message["id"] == id {
            return message["payload"]["data"].clone();
        }
    }
}

#[test]
fn a_live_query_looks_along_relations() {
    both_stores(|server| {
        let client = server.client();
        client.load("sales", sales(&[(1, "a", 10)]));
        client.load("lines", "id,sale,text\n1,1,first\n");
        client.data(
            "mutation { addRelation(from: \"lines\", column: \"sale\", to: \"sales\") { name } }",
        );
        let links = client.data("{ dataset(name: \"lines\") { relations { name inverseName } } }");
        let inverse = links["dataset"]["relations"][0]["inverseName"].as_str().unwrap().to_owned();
        let mut socket = Socket::of(server, &client);
        let query = format!("subscription {{ sales {{ name {inverse} {{ text }} }} }}");
        socket.subscribe("1", &query, &json!({}));
        assert_eq!(socket.data("1")["sales"][0][&inverse], json!([{ "text": "first" }]));
        client.load("lines", "id,sale,text\n1,1,second\n");
        assert_eq!(socket.data("1")["sales"][0][&inverse], json!([{ "text": "second" }]));
    });
}

#[test]
fn those_who_wait_for_the_same_cost_one_statement() {
    for kind in [StoreKind::Sqlite, StoreKind::Postgres] {
        let (options, database) = Options::of(kind);
        let options = options
            .variable("SLUICE_RESPONSE_CACHE_SIZE", "0")
            .variable("SLUICE_LOG", "info,sluice::graphql::subscriptions=debug");
        let server = Server::start_with(options, database);
        let client = server.client();
        client.load("sales", sales(&[(1, "a", 10)]));
        let mut sockets: Vec<Socket> = (0..3).map(|_| Socket::of(&server, &client)).collect();
        for socket in &mut sockets {
            socket.subscribe("1", TOP, &json!({ "least": 5 }));
            socket.data("1");
        }
        append(&client, "sales", &[(2, "b", 20)]);
        for socket in &mut sockets {
            assert_eq!(socket.data("1")["sales"][0]["name"], "b");
        }
        let log = server.log();
        let ran: Vec<&str> = log.lines().filter(|line| line.contains("a live query ran")).collect();
        assert_eq!(ran.len(), 2, "at the start, and for the change: {ran:?}");
        assert!(
            ran[1].contains("n_subscribers=3") || ran[1].contains("\"n_subscribers\":3"),
            "{ran:?}"
        );
        // Other values are another question.
        sockets[0].subscribe("2", TOP, &json!({ "least": 15 }));
        assert_eq!(sockets[0].data("2")["sales"].as_array().unwrap().len(), 1);
    }
}

#[test]
fn rows_are_sent_as_they_come() {
    both_stores(|server| {
        let client = server.client();
        // Several have the same amount, and a batch ends among them.
        client.load(
            "sales",
            sales(&[(1, "a", 5), (2, "b", 5), (3, "c", 5), (4, "d", 1), (5, "e", 7)]),
        );
        let mut socket = Socket::of(server, &client);
        let query = "subscription($c: [SalesStreamCursorInput]!, $w: SalesBoolExp) {
            rows: salesStream(cursor: $c, batchSize: 2, where: $w) { name amount } }";
        let query = &query.replace("[SalesStreamCursorInput]!", "[SalesStreamCursorInput!]!");
        let cursor = |value: Value| json!({ "c": [{ "initialValue": { "amount": value }, "ordering": "ASC" }] });
        socket.subscribe("1", query, &cursor(json!(null)));
        let names = |data: Value| -> String {
            let rows = data["rows"].as_array().unwrap().clone();
            assert!(rows.iter().all(|row| row.as_object().unwrap().len() == 2), "{rows:?}");
            rows.iter().map(|row| row["name"].as_str().unwrap().to_owned()).collect()
        };
        assert_eq!(names(socket.data("1")), "da");
        assert_eq!(names(socket.data("1")), "bc");
        assert_eq!(names(socket.data("1")), "e");
        socket.assert_quiet();
        // One behind the cursor, one before it.
        append(&client, "sales", &[(6, "f", 9), (7, "g", 2)]);
        assert_eq!(names(socket.data("1")), "f");
        append(&client, "sales", &[(8, "h", 9), (9, "i", 10), (10, "j", 11)]);
        assert_eq!(names(socket.data("1")), "hi");
        assert_eq!(names(socket.data("1")), "j");
        socket.send(&json!({ "id": "1", "type": "complete" }));
        // Downwards, filtered, by the key.
        let variables = json!({
            "c": { "initialValue": { "id": 9 }, "ordering": "DESC" },
            "w": { "amount": { "_lt": 6 } },
        });
        socket.subscribe("2", query, &variables);
        assert_eq!(names(socket.data("2")), "gd");
        assert_eq!(names(socket.data("2")), "cb");
        assert_eq!(names(socket.data("2")), "a");
        socket.assert_quiet();
        for (cursor, batch) in [
            ("[]", "2"),
            ("[{initialValue: {}}]", "2"),
            ("[{initialValue: {id: 1, amount: 1}}]", "2"),
            ("[{initialValue: {id: 1}}, {initialValue: {id: 1}}]", "2"),
            ("[{initialValue: {id: 1}}]", "0"),
            ("[{initialValue: {id: 1}}]", "100000"),
            ("[{initialValue: {id: \"x\"}}]", "1"),
        ] {
            let query = format!(
                "subscription {{ salesStream(cursor: {cursor}, batchSize: {batch}) {{ id }} }}"
            );
            socket.subscribe("e", &query, &json!({}));
            let (code, message) = socket.error("e");
            assert_eq!(code, "BAD_USER_INPUT", "{query}: {message}");
        }
    });
}

#[test]
fn policies_hold_for_what_is_sent() {
    both_stores(|server| {
        let admin = server.client();
        admin.load("sales", sales(&[(1, "a", 10), (2, "b", 20)]));
        let policy = |filter: &str| {
            let query = format!(
                "mutation {{ setPolicy(dataset: \"sales\", role: \"shop\", filter: {filter}) {{ role }} }}"
            );
            admin.data(&query);
        };
        policy("{name: {_eq: \"$claims.name\"}}");
        let key = |name: &str| {
            let arguments = format!(
                "name: \"{name}\", scope: READ, role: \"shop\", claims: {{name: \"{name}\"}}"
            );
            new_key(server, &arguments).0
        };
        let (mut a, mut b) = (Socket::of(server, &key("a")), Socket::of(server, &key("b")));
        let live = "subscription { sales { name amount } }";
        let stream = "subscription { salesStream(cursor: [{initialValue: {id: 0}}], batchSize: 5) { name amount } }";
        let rows = |rows: Value, field: &str| json!({ field: rows });
        for (socket, name, amount) in [(&mut a, "a", 10), (&mut b, "b", 20)] {
            socket.subscribe("live", live, &json!({}));
            let own = json!([{ "name": name, "amount": amount }]);
            assert_eq!(socket.data("live"), rows(own.clone(), "sales"));
            socket.subscribe("stream", stream, &json!({}));
            assert_eq!(socket.data("stream"), rows(own, "salesStream"));
        }
        append(&admin, "sales", &[(3, "b", 30)]);
        let mut told = [b.message(), b.message()];
        told.sort_by_key(|message| message["id"].to_string());
        assert_eq!(told[0]["payload"]["data"]["sales"].as_array().unwrap().len(), 2);
        assert_eq!(
            told[1]["payload"]["data"]["salesStream"],
            json!([{ "name": "b", "amount": 30 }])
        );
        a.assert_quiet();
        // A changed policy takes effect with the next answer.
        policy("{amount: {_gt: 15}}");
        assert_eq!(
            a.data("live")["sales"],
            json!([{ "name": "b", "amount": 20 }, { "name": "b", "amount": 30 }])
        );
        // What is not shown any more ends.
        admin.data("mutation { dropPolicy(dataset: \"sales\", role: \"shop\") { role } }");
        let mut n_ended = 0;
        while n_ended < 2 {
            n_ended += usize::from(a.message()["type"] == "error");
        }
    });
}

#[test]
fn a_key_that_ends_ends_what_it_began() {
    both_stores(|server| {
        let admin = server.client();
        admin.load("sales", sales(&[(1, "a", 10)]));
        let (revoked, revoked_prefix) = new_key(server, "name: \"x\", scope: READ");
        let (rotated, rotated_prefix) = new_key(server, "name: \"y\", scope: READ");
        let live = "subscription { sales { name } }";
        let mut sockets = [&revoked, &rotated].map(|client| {
            let mut socket = Socket::of(server, client);
            socket.subscribe("1", live, &json!({}));
            socket.data("1");
            socket
        });
        let mut events = [&revoked, &rotated].map(|client| {
            let mut events = Events::post(server, client, live);
            events.answer();
            events
        });
        let mut other = Socket::of(server, &admin);
        other.subscribe("1", live, &json!({}));
        other.data("1");
        admin.data(&format!("mutation {{ revokeKey(prefix: \"{revoked_prefix}\") {{ prefix }} }}"));
        admin.data(&format!(
            "mutation {{ rotateKey(prefix: \"{rotated_prefix}\", overlapSeconds: 0) {{ key }} }}"
        ));
        for socket in &mut sockets {
            assert_eq!(socket.error("1").0, "UNAUTHENTICATED");
            assert_eq!(socket.closed().0, 4403);
        }
        for events in &mut events {
            assert_eq!(events.answer()["errors"][0]["extensions"]["code"], "UNAUTHENTICATED");
            assert_eq!(events.next().unwrap().0, "complete");
        }
        append(&admin, "sales", &[(2, "b", 20)]);
        assert_eq!(other.data("1")["sales"].as_array().unwrap().len(), 2);
    });
}

#[test]
fn subscriptions_are_counted() {
    let (options, _) = Options::of(StoreKind::Sqlite);
    let options = options
        .variable("SLUICE_LIVE_MAX_PER_CONNECTION", "3")
        .variable("SLUICE_LIVE_MAX_PER_KEY", "4");
    let server = Server::start_with(options, None);
    let client = server.client();
    client.load("sales", sales(&[(1, "a", 10)]));
    let live = "subscription { sales { name } }";
    let mut first = Socket::of(&server, &client);
    for id in ["1", "2", "3"] {
        first.subscribe(id, live, &json!({}));
        first.data(id);
    }
    first.subscribe("4", live, &json!({}));
    let (code, message) = first.error("4");
    assert_eq!(code, "RATE_LIMITED");
    assert!(message.contains("live.max_per_connection"), "{message}");
    let mut second = Socket::of(&server, &client);
    second.subscribe("1", live, &json!({}));
    second.data("1");
    second.subscribe("2", live, &json!({}));
    let (code, message) = second.error("2");
    assert_eq!(code, "RATE_LIMITED");
    assert!(message.contains("live.max_per_key"), "{message}");
    // Another key has its own, and places come back.
    let mut third = Socket::of(&server, &server.client_of("read"));
    third.subscribe("1", live, &json!({}));
    third.data("1");
    drop(first);
    eventually("a place", LIMIT, || {
        second.subscribe("2", live, &json!({}));
        (second.message()["type"] == "next").then_some(())
    });
}

#[test]
fn whoever_takes_nothing_is_let_go() {
    let server = Server::start_set(StoreKind::Sqlite, "SLUICE_LIVE_SEND_TIMEOUT", "500ms");
    let client = server.client();
    let text = "x".repeat(100_000);
    let rows = |seed: usize| {
        let rows: String = (0..200).map(|id| format!("{id},{seed}{text}\n")).collect();
        format!("id,text\n{rows}")
    };
    client.load("large", rows(0));
    let mut socket = Socket::of(&server, &client);
    // More than any network holds.
    for id in ["1", "2", "3", "4"] {
        socket.subscribe(id, "subscription { large(limit: 200) { text } }", &json!({}));
    }
    eventually("it to be let go", LIMIT, || {
        server.log().contains("a subscriber takes nothing and is let go").then_some(())
    });
    // It may still hear why, once it reads again what was under way.
    let last = loop {
        match socket.said() {
            Said::Message(message) => assert_eq!(message["type"], "next"),
            other => break other,
        }
    };
    assert!(matches!(last, Said::Closed(1013, _) | Said::Gone), "{last:?}");
    assert_eq!(
        client.data("{ largeAggregate { aggregate { count } } }")["largeAggregate"]["aggregate"]["count"],
        200
    );
}

#[test]
fn whoever_takes_no_events_is_let_go() {
    let (options, _) = Options::of(StoreKind::Sqlite);
    let options = options
        .variable("SLUICE_HEADER_TIMEOUT", "500ms")
        .variable("SLUICE_LOG", "info,sluice::http::server=debug");
    let server = Server::start_with(options, None);
    let client = server.client();
    let text = "x".repeat(100_000);
    let rows: String = (0..200).map(|id| format!("{id},{text}\n")).collect();
    client.load("large", format!("id,text\n{rows}"));
    let mut events = Events::post(&server, &client, "subscription { large(limit: 200) { text } }");
    eventually("it to be let go", LIMIT, || {
        server.log().contains("a connection that did nothing is closed").then_some(())
    });
    assert_eq!(events.next(), None, "it ends in the middle of an event");
}

#[test]
fn sockets_without_operations_give_way() {
    let server = Server::start_set(StoreKind::Sqlite, "SLUICE_MAX_CONNECTIONS", "3");
    // A connection of its own for each question, so that none is left in a place.
    let load = server.client();
    load.load("sales", sales(&[(1, "a", 10)]));
    drop(load);
    let client = server.client();
    let mut busy = [Socket::of(&server, &client), Socket::of(&server, &client)];
    for socket in &mut busy {
        socket.subscribe("1", "subscription { sales { name } }", &json!({}));
        socket.data("1");
    }
    let mut idle = Socket::of(&server, &client);
    append(&client, "sales", &[(2, "b", 20)]);
    assert_eq!(idle.closed(), (1013, "Too many connections".to_owned()));
    for socket in &mut busy {
        assert_eq!(socket.data("1")["sales"].as_array().unwrap().len(), 2);
    }
}

#[test]
fn who_gives_no_sign_of_life_is_let_go_and_others_stay() {
    let (options, _) = Options::of(StoreKind::Sqlite);
    let options =
        options.variable("SLUICE_LIVE_PING", "300ms").variable("SLUICE_HEADER_TIMEOUT", "500ms");
    let server = Server::start_with(options, None);
    let client = server.client();
    client.load("sales", sales(&[(1, "a", 10)]));
    let live = "subscription { sales { name } }";
    let mut quiet = Socket::of(&server, &client);
    quiet.subscribe("1", live, &json!({}));
    let mut events = Events::post(&server, &client, live);
    events.answer();
    let mut dead = Socket::of(&server, &client);
    dead.subscribe("1", live, &json!({}));
    dead.data("1");
    quiet.data("1");
    // The quiet one reads, and so answers pings, until long after the time to idle is over.
    let mut n_pings = 0;
    while n_pings < 4 || !is_closed(&mut dead) {
        let message = quiet.0.read();
        assert!(matches!(message, Ok(tungstenite::Message::Ping(_))), "{message:?}");
        quiet.0.flush().unwrap();
        n_pings += 1;
        assert!(n_pings < 100, "the other is still there");
    }
    append(&client, "sales", &[(2, "b", 20)]);
    assert_eq!(quiet.data("1")["sales"].as_array().unwrap().len(), 2);
    assert_eq!(events.answer()["data"]["sales"].as_array().unwrap().len(), 2);
}

/// Whether the server has closed a connection whose client reads nothing: looked at without reading.
fn is_closed(socket: &mut Socket) -> bool {
    let stream = socket.0.get_mut();
    let mut all = vec![0; 1 << 16];
    stream.set_nonblocking(true).unwrap();
    let n_there = stream.peek(&mut all);
    stream.set_nonblocking(false).unwrap();
    // A close frame is the last that comes.
    n_there.is_ok_and(|n| all[..n].windows(15).any(|it| it == b"No sign of life"))
}

#[test]
fn a_server_that_stops_says_so() {
    let mut server = Server::start(StoreKind::Sqlite);
    let client = server.client();
    client.load("sales", sales(&[(1, "a", 10)]));
    let live = "subscription { sales { name } }";
    let mut socket = Socket::of(&server, &client);
    socket.subscribe("1", live, &json!({}));
    socket.data("1");
    let mut events = Events::post(&server, &client, live);
    events.answer();
    server.terminate();
    assert_eq!(socket.message(), json!({ "id": "1", "type": "complete" }));
    assert_eq!(socket.closed(), (1001, "The server stops".to_owned()));
    assert_eq!(events.next().unwrap().0, "complete");
    assert_eq!(server.wait(LIMIT), Some(0));
}

#[test]
fn events_are_streamed() {
    both_stores(|server| {
        let client = server.client();
        client.load("sales", sales(&[(1, "a", 10)]));
        let mut events = Events::post(server, &client, "{ sales { name } }");
        assert_eq!(events.answer(), json!({ "data": { "sales": [{ "name": "a" }] } }));
        assert_eq!(events.next(), Some(("complete".to_owned(), String::new())));
        let mut events = Events::post(server, &client, "subscription { sales { name } }");
        assert_eq!(events.answer()["data"]["sales"].as_array().unwrap().len(), 1);
        append(&client, "sales", &[(2, "b", 20)]);
        assert_eq!(events.answer()["data"]["sales"].as_array().unwrap().len(), 2);
        drop(events);
        // Lines of JSON stay one event.
        client.load("notes", "id,note\n1,\"{\"\"a\"\":\n [1,\n2]}\"\n2,\"[3]\"\n");
        let mut events = Events::post(server, &client, "{ notes { note } }");
        let whole = client.data("{ notes { note } }");
        assert_eq!(events.answer()["data"], whole);
        assert_eq!(events.next().unwrap().0, "complete");
        // What is wrong with an operation is an event; with the request, a status.
        let mut events = Events::post(server, &client, "subscription { nothing }");
        assert_eq!(events.answer()["errors"][0]["extensions"]["code"], "BAD_USER_INPUT");
        assert_eq!(events.next().unwrap().0, "complete");
        let head =
            "POST /graphql HTTP/1.1\r\naccept: text/event-stream\r\ncontent-type: application/json";
        let (_, answer) = Events::open(server, head, "{\"query\":\"{ me { scope } }\"}");
        assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
        let head = format!("{head}\r\nx-api-key: {ADMIN_KEY}");
        let (_, answer) = Events::open(server, &head, "{");
        assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
        // As an EventSource asks: by GET, which changes nothing.
        let get = |query: &str| {
            let head = format!(
                "GET /graphql?query={query} HTTP/1.1\r\naccept: text/event-stream\r\nx-api-key: {ADMIN_KEY}"
            );
            Events::open(server, &head, "").0
        };
        let mut events = get("subscription%7BsalesAggregate%7Baggregate%7Bcount%7D%7D%7D");
        assert_eq!(events.answer()["data"]["salesAggregate"]["aggregate"]["count"], 2);
        let mut events = get("mutation%7BdropDataset(dataset:%22sales%22)%7Bname%7D%7D");
        assert!(events.answer()["errors"].is_array());
        assert_eq!(client.data("{ sales { name } }")["sales"].as_array().unwrap().len(), 2);
    });
}

#[test]
fn changes_of_another_node_are_told() {
    let (options, database) = Options::of(StoreKind::Postgres);
    let url = options.database_url.clone();
    let first = Server::start_with(options, database);
    let options = Options { database_url: url, ..Options::default() };
    let second = Server::start_with(options.variable("SLUICE_LIVE_PING", "500ms"), None);
    let client = first.client();
    client.load("sales", sales(&[(1, "a", 10)]));
    let mut socket = Socket::of(&second, &second.client());
    eventually("the dataset", LIMIT, || {
        socket.subscribe("1", "subscription { sales { name } }", &json!({}));
        (socket.message()["type"] == "next").then_some(())
    });
    append(&client, "sales", &[(2, "b", 20)]);
    assert_eq!(socket.data("1")["sales"].as_array().unwrap().len(), 2);
    // A key that is revoked there ends here, though nothing is sent.
    let (reader, prefix) = new_key(&first, "name: \"x\", scope: READ");
    let mut socket = Socket::of(&second, &second.client().with_key(reader.key().unwrap()));
    socket.subscribe("1", "subscription { sales { name } }", &json!({}));
    socket.data("1");
    client.data(&format!("mutation {{ revokeKey(prefix: \"{prefix}\") {{ prefix }} }}"));
    assert_eq!(socket.error("1").0, "UNAUTHENTICATED");
    assert_eq!(socket.closed().0, 4403);
}

#[test]
fn what_is_sent_counts_for_the_rate_limits() {
    let (options, _) = Options::of(StoreKind::Sqlite);
    let options =
        options.variable("SLUICE_RATE_LIMIT", "on").variable("SLUICE_RATE_READS", "1/s burst 4");
    let server = Server::start_with(options, None);
    let admin = server.client();
    admin.load("sales", sales(&[(1, "a", 1)]));
    let mut socket = Socket::of(&server, &server.client_of("read"));
    socket.subscribe("1", "subscription { sales { amount } }", &json!({}));
    assert_eq!(socket.data("1")["sales"][0]["amount"], 1);
    let mut n_told = 0;
    for amount in 2..=12 {
        admin.load("sales", sales(&[(1, "a", amount)]));
    }
    // It is told less often, and in the end what is true.
    while {
        n_told += 1;
        socket.data("1")["sales"][0]["amount"] != 12
    } {}
    assert!(n_told <= 11, "{n_told}");
    // Who asks too often is told so.
    let mut codes = Vec::new();
    for _ in 0..6 {
        socket.subscribe("q", "{ sales { amount } }", &json!({}));
        let message = socket.message();
        match message["type"].as_str().unwrap() {
            "error" => codes.push(message["payload"][0]["extensions"]["code"].clone()),
            _ => assert_eq!(socket.message()["type"], "complete"),
        }
    }
    assert!(codes.contains(&json!("RATE_LIMITED")), "{codes:?}");
}

#[test]
fn a_key_that_expires_ends_what_it_began() {
    let server = Server::start_set(StoreKind::Sqlite, "SLUICE_LIVE_PING", "200ms");
    server.client().load("sales", sales(&[(1, "a", 1)]));
    let end = jiff::Timestamp::now() + Duration::from_secs(4);
    let end = end.strftime("%FT%TZ");
    let (client, _) = new_key(&server, &format!("name: \"x\", scope: READ, expiresAt: \"{end}\""));
    let live = "subscription { sales { name } }";
    let mut events = Events::post(&server, &client, live);
    events.answer();
    let mut socket = Socket::of(&server, &client);
    socket.subscribe("1", live, &json!({}));
    socket.data("1");
    assert_eq!(socket.error("1").0, "UNAUTHENTICATED");
    assert_eq!(socket.closed().0, 4403);
    assert_eq!(events.answer()["errors"][0]["extensions"]["code"], "UNAUTHENTICATED");
    assert_eq!(events.next().unwrap().0, "complete");
}

#[test]
fn changed_rows_are_told() {
    both_stores(|server| {
        let client = server.client();
        client.load("sales", sales(&[(1, "a", 10)]));
        let mut socket = Socket::of(server, &client);
        socket.subscribe("live", "subscription { salesByPk(id: 1) { amount } }", &json!({}));
        assert_eq!(socket.data("live")["salesByPk"]["amount"], 10);
        let stream = "subscription { salesStream(cursor: [{initialValue: {id: 1}}], batchSize: 5) { name } }";
        socket.subscribe("rows", stream, &json!({}));
        // Over the same connection, too.
        let update = "mutation { updateSalesByPk(pkColumns: {id: 1}, _set: {amount: 11}) { id } }";
        socket.subscribe("m", update, &json!({}));
        let mut told = [socket.message(), socket.message(), socket.message()];
        told.sort_by_key(|message| message["id"].to_string() + &message["type"].to_string());
        assert_eq!(told[0]["payload"]["data"]["salesByPk"]["amount"], 11, "{told:?}");
        assert_eq!(told[1]["type"], "complete");
        assert_eq!(told[2]["payload"]["data"]["updateSalesByPk"]["id"], 1);
        client.data("mutation { insertSalesOne(object: {id: 2, name: \"b\"}) { id } }");
        assert_eq!(socket.data("rows")["salesStream"], json!([{ "name": "b" }]));
        socket.assert_quiet();
    });
}

#[test]
fn a_dataset_that_was_renamed_answers_to_its_old_name() {
    both_stores(|server| {
        let client = server.client();
        client.load("sales", sales(&[(1, "a", 10)]));
        client.data("mutation { renameDataset(dataset: \"sales\", name: \"deals\") { name } }");
        let mut socket = Socket::of(server, &client);
        socket.subscribe("1", "subscription { sales { name } }", &json!({}));
        socket.data("1");
        socket.subscribe("2", "subscription { deals { name } }", &json!({}));
        socket.data("2");
        let stream = "subscription { salesStream(cursor: [{initialValue: {id: null}}], batchSize: 5) { name } }";
        socket.subscribe("3", stream, &json!({}));
        assert_eq!(socket.data("3"), json!({ "salesStream": [{ "name": "a" }] }));
    });
}

#[test]
fn trusted_documents_hold() {
    let server = Server::start(StoreKind::Sqlite);
    let admin = server.client();
    admin.load("sales", sales(&[(1, "a", 10)]));
    let live = "subscription { sales { name } }";
    admin.data(&format!(
        "mutation {{ setTrustedDocuments(documents: [{{id: \"live\", text: \"{live}\"}}]) {{ count }} }}"
    ));
    admin.data("mutation { setDocumentMode(mode: TRUSTED) { mode } }");
    let mut socket = Socket::of(&server, &server.client_of("read"));
    socket.subscribe("1", live, &json!({}));
    socket.data("1");
    let payload = json!({ "documentId": "live" });
    socket.send(&json!({ "id": "2", "type": "subscribe", "payload": payload }));
    socket.data("2");
    socket.subscribe("3", "subscription { sales { id } }", &json!({}));
    assert_eq!(socket.error("3").0, "DOCUMENT_NOT_TRUSTED");
}

#[test]
fn a_socket_takes_no_more_than_a_handshake() {
    let server = Server::start(StoreKind::Sqlite);
    let mut stream = std::net::TcpStream::connect(&server.address).unwrap();
    stream.set_read_timeout(Some(LIMIT)).unwrap();
    let head = "GET /graphql HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n";
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 4"), "{answer:?}");
}
