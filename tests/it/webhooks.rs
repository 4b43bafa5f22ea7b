//! Telling others: webhooks are signed, in order, tried again, given up, and call no private network.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::access::{key, workspace};
use crate::harness::postgres::Database;
use crate::harness::server::Options;
use crate::harness::{Client, Folder, Server, StoreKind, eventually, pause};
use crate::options::upload;

const LIMIT: Duration = Duration::from_secs(60);
const HOOK: &str =
    "id dataset url events description enabled disabledReason failureCount pendingCount createdBy";

/// A request that came.
#[derive(Clone, Debug)]
struct Told {
    headers: Vec<(String, String)>,
    body: String,
}

impl Told {
    fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(other, _)| other == name);
        found.map_or("", |(_, value)| value)
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    fn event(&self) -> (String, i64) {
        let body = self.json();
        (body["event"].as_str().unwrap().to_owned(), body["version"].as_i64().unwrap())
    }

    fn is_signed_with(&self, secret: &str) -> bool {
        let mut hmac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
        hmac.update(format!("{}.{}", self.header("x-sluice-timestamp"), self.body).as_bytes());
        let hash = hmac.finalize().into_bytes();
        let hex: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
        self.header("x-sluice-signature") == format!("v1={hex}")
    }
}

/// Somebody who is told.
struct Receiver {
    url: String,
    told: Arc<Mutex<Vec<Told>>>,
    /// The statuses of the next answers, then of all others.
    answers: Arc<Mutex<(VecDeque<u16>, u16)>>,
    /// Whether it keeps its answers back.
    is_holding: Arc<(Mutex<bool>, Condvar)>,
}

impl Receiver {
    fn start() -> Receiver {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/hook?x=1", listener.local_addr().unwrap());
        let receiver = Receiver {
            url,
            told: Arc::default(),
            answers: Arc::new(Mutex::new((VecDeque::new(), 200))),
            is_holding: Arc::default(),
        };
        let (told, answers) = (Arc::clone(&receiver.told), Arc::clone(&receiver.answers));
        let held = Arc::clone(&receiver.is_holding);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let Some((request, mut stream)) = read_request(stream) else { continue };
                told.lock().unwrap().push(request);
                drop(held.1.wait_while(held.0.lock().unwrap(), |is_holding| *is_holding).unwrap());
                let status = {
                    let mut answers = answers.lock().unwrap();
                    answers.0.pop_front().unwrap_or(answers.1)
                };
                let long = "x".repeat(100_000);
                let _ = write!(
                    stream,
                    "HTTP/1.1 {status} So\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{long}",
                    long.len()
                );
            }
        });
        receiver
    }

    /// Keeps answers back, or gives them.
    fn hold(&self, is_holding: bool) {
        *self.is_holding.0.lock().unwrap() = is_holding;
        self.is_holding.1.notify_all();
    }

    /// What the next answers are, and all after them.
    fn answer(&self, next: &[u16], then: u16) {
        *self.answers.lock().unwrap() = (next.iter().copied().collect(), then);
    }

    /// All that came, once it is so much.
    #[track_caller]
    fn told(&self, n: usize) -> Vec<Told> {
        eventually(&format!("{n} requests"), LIMIT, || {
            let told = self.told.lock().unwrap().clone();
            (told.len() >= n).then_some(told)
        })
    }

    fn forget(&self) {
        self.told.lock().unwrap().clear();
    }
}

fn read_request(stream: TcpStream) -> Option<(Told, TcpStream)> {
    let mut reader = BufReader::new(stream);
    let mut headers = Vec::new();
    let mut line = String::new();
    // A server that was killed says nothing.
    reader.read_line(&mut line).ok().filter(|n_bytes| *n_bytes > 0)?;
    assert!(line.starts_with("POST /hook?x=1 HTTP/1.1"), "{line}");
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        headers.push((name.to_ascii_lowercase(), value.to_owned()));
    }
    let length = headers.iter().find(|(name, _)| name == "content-length")?.1.parse().ok()?;
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some((Told { headers, body: String::from_utf8(body).ok()? }, reader.into_inner()))
}

/// A server of a store that may call this machine and is quick to try again.
fn options(kind: StoreKind) -> (Options, Option<Database>) {
    let (options, database) = Options::of(kind);
    let options = options
        .variable("SLUICE_WEBHOOK_ALLOW_PRIVATE", "on")
        .variable("SLUICE_WEBHOOK_FIRST_RETRY", "10ms")
        .variable("SLUICE_WEBHOOK_MAX_RETRY", "50ms");
    (options, database)
}

fn both(story: impl Fn(&Server), more: &[(&str, &str)]) {
    for kind in [StoreKind::Sqlite, StoreKind::Postgres] {
        eprintln!("story on {kind:?}");
        let (mut options, database) = options(kind);
        for (name, value) in more {
            options = options.variable(name, value);
        }
        story(&Server::start_with(options, database));
    }
}

/// A new webhook and its secret.
#[track_caller]
fn create(client: &Client, dataset: &str, url: &str, events: &str) -> (String, String) {
    let query = format!(
        "mutation($u: String!) {{ createWebhook(dataset: \"{dataset}\", url: $u, events: [{events}]) {{ secret webhook {{ {HOOK} }} }} }}"
    );
    let made = client.data_with(&query, &json!({ "u": url }))["createWebhook"].clone();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    (text(&made["webhook"]["id"]), text(&made["secret"]))
}

#[track_caller]
fn hook(client: &Client, id: &str) -> Value {
    let all = client.data(&format!("{{ webhooks {{ {HOOK} }} }}"));
    all["webhooks"].as_array().unwrap().iter().find(|hook| hook["id"] == *id).unwrap().clone()
}

/// Deliveries, newest first, once they are as wanted.
#[track_caller]
fn deliveries(client: &Client, id: &str, is_wanted: impl Fn(&[Value]) -> bool) -> Vec<Value> {
    let query = format!(
        "{{ webhookDeliveries(webhook: \"{id}\") {{ id webhook event body replayOf status attempts responseStatus error createdAt lastAttemptAt nextTryAt finishedAt }} }}"
    );
    eventually("deliveries", LIMIT, || {
        let found = client.data(&query)["webhookDeliveries"].as_array().unwrap().clone();
        is_wanted(&found).then_some(found)
    })
}

fn are_finished(deliveries: &[Value]) -> bool {
    !deliveries.is_empty() && deliveries.iter().all(|it| it["status"] != "PENDING")
}

#[test]
fn a_load_is_told_and_signed() {
    both(
        |server| {
            let client = server.client();
            let receiver = Receiver::start();
            upload(&client, "orders", b"a,b\n1,SECRETCELL\n", &json!({}));
            let all = "INSERT, UPDATE, DELETE, LOAD_FINISHED, LOAD_FAILED, DELETE";
            let (id, secret) = create(&client, "orders", &receiver.url, all);
            assert!(secret.starts_with("whsec_") && secret.len() == 49, "{secret}");
            let shown = hook(&client, &id);
            assert_eq!(
                (&shown["dataset"], &shown["enabled"], &shown["events"], &shown["createdBy"]),
                (
                    &json!("orders"),
                    &json!(true),
                    &json!(["INSERT", "UPDATE", "DELETE", "LOAD_FINISHED", "LOAD_FAILED"]),
                    &json!("env")
                )
            );
            let loaded = upload(&client, "orders", b"a,b\n1,SECRETCELL\n2,OTHERCELL\n", &json!({}));
            let told = receiver.told(1).remove(0);
            assert!(told.is_signed_with(&secret), "{told:?}");
            let body = told.json();
            assert_eq!(
                (
                    &body["event"],
                    &body["workspace"],
                    &body["dataset"],
                    &body["version"],
                    &body["counts"],
                    &body["error"]
                ),
                (
                    &json!("LOAD_FINISHED"),
                    &json!("default"),
                    &json!("orders"),
                    &json!(2),
                    &json!({ "inserted": 2, "updated": 0, "deleted": 0 }),
                    &Value::Null
                )
            );
            assert_eq!(body["job"], loaded["job"]["id"]);
            assert_eq!(body["id"], told.header("x-sluice-delivery"));
            assert_eq!(told.header("x-sluice-event"), "LOAD_FINISHED");
            assert_eq!(told.header("content-type"), "application/json");
            assert!(told.header("user-agent").starts_with("sluice/"));
            assert!(!told.body.contains("CELL"), "{}", told.body);
            // A failed load, without what stands in its rows.
            let failed =
                upload(&client, "orders", b"a,b\nSECRETCELL,1\n", &json!({ "mode": "APPEND" }));
            assert_eq!(failed["job"]["status"], "FAILED", "{failed}");
            let told = receiver.told(2).remove(1);
            assert_eq!(told.event(), ("LOAD_FAILED".to_owned(), 2));
            assert_eq!(told.json()["error"], failed["job"]["error"]["code"]);
            assert!(!told.body.contains("CELL"), "{}", told.body);
            client.data("mutation { truncateDataset(name: \"orders\") { name } }");
            let told = receiver.told(3).remove(2);
            assert_eq!(told.event(), ("DELETE".to_owned(), 3));
            assert_eq!(told.json()["counts"]["deleted"], 2);
            // The log.
            let log = deliveries(&client, &id, |all| all.len() == 3 && are_finished(all));
            assert_eq!(
                (
                    &log[2]["status"],
                    &log[2]["attempts"],
                    &log[2]["responseStatus"],
                    &log[2]["error"]
                ),
                (&json!("DELIVERED"), &json!(1), &json!(200), &Value::Null)
            );
            assert_eq!(log[2]["body"], body);
            // Another name, another dataset, nobody who is told.
            client
                .data("mutation { renameDataset(dataset: \"orders\", name: \"sales\") { name } }");
            upload(&client, "others", b"a\n1\n", &json!({}));
            upload(&client, "orders", b"a,b\n1,x\n", &json!({}));
            assert_eq!(receiver.told(4)[3].json()["dataset"], "sales");
            let gone =
                client.data(&format!("mutation {{ dropWebhook(id: \"{id}\") {{ dataset }} }}"));
            assert_eq!(gone["dropWebhook"]["dataset"], "sales");
            upload(&client, "sales", b"a,b\n2,x\n", &json!({}));
            assert_eq!(client.data("{ webhooks { id } }"), json!({ "webhooks": [] }));
            assert_eq!(receiver.told(4).len(), 4);
            assert!(!server.log().contains("SECRETCELL") && !server.log().contains(&secret));
        },
        &[],
    );
}

#[test]
fn deliveries_keep_their_order_and_are_tried_again() {
    both(
        |server| {
            let client = server.client();
            let receiver = Receiver::start();
            upload(&client, "t", b"a\n1\n", &json!({}));
            let (id, secret) = create(&client, "t", &receiver.url, "LOAD_FINISHED");
            receiver.answer(&[500, 302, 429], 204);
            receiver.hold(true);
            for n in 2..=5 {
                upload(&client, "t", format!("a\n{n}\n").as_bytes(), &json!({}));
            }
            receiver.hold(false);
            let told = receiver.told(7);
            let versions: Vec<i64> = told.iter().map(|told| told.event().1).collect();
            assert_eq!(versions, [2, 2, 2, 2, 3, 4, 5]);
            assert!(told.iter().all(|told| told.is_signed_with(&secret)));
            let ids: Vec<&str> = told.iter().map(|told| told.header("x-sluice-delivery")).collect();
            assert!(ids[..4].iter().all(|id| *id == ids[0]) && ids[4] != ids[0], "{ids:?}");
            let log = deliveries(&client, &id, |all| all.len() == 4 && are_finished(all));
            assert_eq!((&log[3]["attempts"], &log[3]["responseStatus"]), (&json!(4), &json!(204)));
            assert_eq!(hook(&client, &id)["pendingCount"], 0);
            // Sent once more, as it was.
            let first = log[3]["id"].as_str().unwrap();
            let again = client.data(&format!(
                "mutation {{ replayDelivery(id: \"{first}\") {{ id replayOf status }} }}"
            ));
            assert_eq!(again["replayDelivery"]["replayOf"], first);
            let told = receiver.told(8);
            assert_eq!(told[7].body, told[0].body);
            assert_eq!(again["replayDelivery"]["id"], told[7].header("x-sluice-delivery"));
            // A new secret signs from then on.
            let query = format!(
                "mutation {{ rotateWebhookSecret(id: \"{id}\") {{ secret webhook {{ id }} }} }}"
            );
            let rotated =
                client.data(&query)["rotateWebhookSecret"]["secret"].as_str().unwrap().to_owned();
            assert_ne!(rotated, secret);
            upload(&client, "t", b"a\n6\n", &json!({}));
            let told = receiver.told(9).remove(8);
            assert!(told.is_signed_with(&rotated) && !told.is_signed_with(&secret));
        },
        &[],
    );
}

#[test]
fn what_fails_again_and_again_is_disabled_until_it_is_enabled() {
    both(
        |server| {
            let client = server.client();
            let receiver = Receiver::start();
            upload(&client, "t", b"a\n1\n", &json!({}));
            let (id, _) = create(&client, "t", &receiver.url, "LOAD_FINISHED");
            receiver.answer(&[], 500);
            receiver.hold(true);
            for n in 2..=4 {
                upload(&client, "t", format!("a\n{n}\n").as_bytes(), &json!({}));
            }
            receiver.hold(false);
            let disabled = eventually("disabled", LIMIT, || {
                Some(hook(&client, &id)).filter(|hook| hook["enabled"] == false)
            });
            let reason = disabled["disabledReason"].as_str().unwrap();
            assert!(reason.contains("2 deliveries in a row") && reason.contains("500"), "{reason}");
            assert_eq!(
                (&disabled["failureCount"], &disabled["pendingCount"]),
                (&json!(2), &json!(1))
            );
            let log = deliveries(&client, &id, |all| all.len() == 3);
            assert_eq!(
                (&log[2]["status"], &log[2]["attempts"], &log[2]["error"]),
                (&json!("FAILED"), &json!(3), &json!("the answer was 500"))
            );
            assert_eq!((&log[0]["status"], &log[0]["attempts"]), (&json!("PENDING"), &json!(0)));
            // Not told while it is disabled.
            upload(&client, "t", b"a\n5\n", &json!({}));
            let waiting = log[0]["id"].as_str().unwrap();
            let call = |id: &str| {
                client.error(&format!("mutation {{ replayDelivery(id: \"{id}\") {{ id }} }}")).0
            };
            assert_eq!(call(waiting), "CONFLICT");
            assert_eq!(call(log[2]["id"].as_str().unwrap()), "CONFLICT");
            let n_before = receiver.told(6).len();
            assert_eq!(n_before, 6);
            receiver.answer(&[], 200);
            let enabled =
                client.data(&format!("mutation {{ enableWebhook(id: \"{id}\") {{ {HOOK} }} }}"));
            assert_eq!(
                (&enabled["enableWebhook"]["enabled"], &enabled["enableWebhook"]["failureCount"]),
                (&json!(true), &json!(0))
            );
            let told = receiver.told(7);
            assert_eq!(told[6].event().1, 4);
            // By hand.
            client.data(&format!(
                "mutation {{ enableWebhook(id: \"{id}\", enabled: false) {{ id }} }}"
            ));
            assert_eq!(hook(&client, &id)["disabledReason"], "env disabled it.");
            let lines = eventually("audit", LIMIT, || {
                let lines = client.data("{ auditLog(where: { action: { _in: [\"disableWebhook\", \"createWebhook\", \"enableWebhook\"] } }) { actor action target outcome } }");
                let lines = lines["auditLog"].as_array().unwrap().clone();
                (lines.len() == 4).then_some(lines)
            });
            assert!(lines.contains(&json!({ "actor": "system", "action": "disableWebhook", "target": id, "outcome": "OK" })), "{lines:?}");
            assert!(lines.contains(&json!({ "actor": "env", "action": "createWebhook", "target": "t", "outcome": "OK" })), "{lines:?}");
        },
        &[("SLUICE_WEBHOOK_MAX_ATTEMPTS", "3"), ("SLUICE_WEBHOOK_DISABLE_AFTER", "2")],
    );
}

#[test]
fn a_killed_server_tells_after_its_next_start() {
    for kind in [StoreKind::Sqlite, StoreKind::Postgres] {
        eprintln!("story on {kind:?}");
        let folder = Folder::new();
        let database = (kind == StoreKind::Postgres).then(Database::new);
        let start = || {
            let (options, _) = Options::of(StoreKind::Sqlite);
            let mut options = options
                .variable("SLUICE_WEBHOOK_ALLOW_PRIVATE", "on")
                .variable("SLUICE_WEBHOOK_FIRST_RETRY", "10ms");
            options.data_dir = Some(folder.path().join("data"));
            options.database_url = database.as_ref().map(Database::url);
            Server::start_with(options, None)
        };
        let receiver = Receiver::start();
        let mut server = start();
        let client = server.client();
        upload(&client, "t", b"a\n1\n", &json!({}));
        let (id, secret) = create(&client, "t", &receiver.url, "LOAD_FINISHED");
        // It dies while it waits for the answer.
        receiver.hold(true);
        upload(&client, "t", b"a\n2\n", &json!({}));
        upload(&client, "t", b"a\n3\n", &json!({}));
        receiver.told(1);
        server.kill();
        receiver.hold(false);
        receiver.forget();
        let server = start();
        let client = server.client();
        // In order, each at least once.
        let told = receiver.told(2);
        let mut versions: Vec<i64> = told.iter().map(|told| told.event().1).collect();
        versions.dedup();
        assert_eq!(versions, [2, 3]);
        assert!(told.iter().all(|told| told.is_signed_with(&secret)));
        deliveries(&client, &id, |all| all.len() == 2 && are_finished(all));
    }
}

#[test]
fn private_networks_are_not_called() {
    for kind in [StoreKind::Sqlite, StoreKind::Postgres] {
        let (options, database) = Options::of(kind);
        let server = Server::start_with(options, database);
        let client = server.client();
        upload(&client, "t", b"a\n1\n", &json!({}));
        let query = "mutation($u: String!) { createWebhook(dataset: \"t\", url: $u, events: [LOAD_FINISHED]) { webhook { id } } }";
        for url in [
            "http://127.0.0.1/",
            "http://localhost:8080/",
            "http://LocalHost./x",
            "http://x.localhost/",
            "http://10.0.0.1/",
            "http://172.16.9.9/",
            "http://192.168.0.1/",
            "http://100.64.0.1/",
            "http://169.254.169.254/latest/meta-data/",
            "http://0.0.0.0/",
            "http://0/",
            "http://224.0.0.1/",
            "http://255.255.255.255/",
            "http://[::1]/",
            "http://[::]/",
            "http://[::ffff:127.0.0.1]/",
            "http://[::ffff:7f00:1]/",
            "http://[fe80::1]/",
            "http://[fd00:ec2::254]/",
            "http://[64:ff9b::7f00:1]/",
            "http://[2002:7f00:1::]/",
            "http://2130706433/",
            "http://0x7f000001/",
            "http://0177.0.0.1/",
            "http://127.1/",
            "http://0x7f.1/",
            "http://[::127.0.0.1]/",
            "ftp://example.com/",
            "file:///etc/passwd",
            "//example.com/",
            "example.com",
            "",
            "http://user:pw@example.com/",
            "http://example.com@127.0.0.1/",
            "http://example.com:0/",
            "http://exa mple.com/",
            "http://example.com/\r\nx: y",
            "http://example.com/#f",
            "https:///",
        ] {
            let (code, message) = client.graphql(query, &json!({ "u": url })).error();
            assert_eq!(code, "BAD_USER_INPUT", "{url}: {message}");
        }
        let made = client.data_with(query, &json!({ "u": "https://hooks.example.com/a" }));
        let id = made["createWebhook"]["webhook"]["id"].as_str().unwrap().to_owned();
        let update = "mutation($i: ID!, $u: String!) { updateWebhook(id: $i, url: $u) { id } }";
        let (code, _) = client.graphql(update, &json!({ "i": id, "u": "http://[::1]/" })).error();
        assert_eq!(code, "BAD_USER_INPUT");
    }
}

#[test]
fn an_address_is_judged_when_it_is_called() {
    for kind in [StoreKind::Sqlite, StoreKind::Postgres] {
        let folder = Folder::new();
        let database = (kind == StoreKind::Postgres).then(Database::new);
        let start = |is_allowed: &str| {
            let (options, _) = Options::of(StoreKind::Sqlite);
            let mut options = options
                .variable("SLUICE_WEBHOOK_ALLOW_PRIVATE", is_allowed)
                .variable("SLUICE_WEBHOOK_MAX_ATTEMPTS", "1");
            options.data_dir = Some(folder.path().join("data"));
            options.database_url = database.as_ref().map(Database::url);
            Server::start_with(options, None)
        };
        let receiver = Receiver::start();
        let mut server = start("on");
        let client = server.client();
        upload(&client, "t", b"a\n1\n", &json!({}));
        // A name, which is looked up again for each call.
        let url = receiver.url.replace("127.0.0.1", "localhost");
        let (id, _) = create(&client, "t", &url, "LOAD_FINISHED");
        let (literal, _) = create(&client, "t", &receiver.url, "LOAD_FINISHED");
        upload(&client, "t", b"a\n2\n", &json!({}));
        receiver.told(2);
        for id in [&id, &literal] {
            deliveries(&client, id, are_finished);
        }
        server.kill();
        let server = start("off");
        let client = server.client();
        upload(&client, "t", b"a\n3\n", &json!({}));
        for id in [&id, &literal] {
            let log = deliveries(&client, id, |all| all.len() == 2 && are_finished(all));
            assert_eq!(log[0]["status"], "FAILED");
            assert_eq!(log[0]["error"], "the name leads to no address that may be called");
            assert_eq!(log[0]["responseStatus"], Value::Null);
        }
        assert_eq!(receiver.told(2).len(), 2);
    }
}

#[test]
fn webhooks_are_the_workspaces_admins_alone() {
    both(
        |server| {
            let operator = server.client();
            upload(&operator, "t", b"a\n1\n", &json!({}));
            upload(&operator, "u", b"a\n1\n", &json!({}));
            let receiver = Receiver::start();
            let (id, _) = create(&operator, "t", &receiver.url, "LOAD_FINISHED");
            upload(&operator, "t", b"a\n2\n", &json!({}));
            let delivery =
                deliveries(&operator, &id, are_finished)[0]["id"].as_str().unwrap().to_owned();
            let other = workspace(&operator, "other");
            upload(&other, "t", b"a\n1\n", &json!({}));
            let held = key(&operator, "scope: ADMIN, datasets: [\"u\"]");
            for client in [&other, &held] {
                assert_eq!(client.data("{ webhooks { id } }"), json!({ "webhooks": [] }));
                for call in [
                    format!(
                        "mutation {{ updateWebhook(id: \"{id}\", description: \"x\") {{ id }} }}"
                    ),
                    format!("mutation {{ dropWebhook(id: \"{id}\") {{ id }} }}"),
                    format!("mutation {{ rotateWebhookSecret(id: \"{id}\") {{ secret }} }}"),
                    format!("mutation {{ enableWebhook(id: \"{id}\") {{ id }} }}"),
                    format!("mutation {{ replayDelivery(id: \"{delivery}\") {{ id }} }}"),
                    format!("{{ webhookDeliveries(webhook: \"{id}\") {{ id }} }}"),
                ] {
                    let (code, message) = client.error(&call);
                    assert_eq!(code, "NOT_FOUND", "{call}: {message}");
                }
            }
            let (code, _) = held.graphql("mutation { createWebhook(dataset: \"t\", url: \"https://example.com\", events: [INSERT]) { secret } }", &json!({})).error();
            assert_eq!(code, "NOT_FOUND");
            for scope in ["read", "write", "upload"] {
                let client = server.client_of(scope);
                for call in [
                    "{ webhooks { id } }".to_owned(),
                    format!("mutation {{ dropWebhook(id: \"{id}\") {{ id }} }}"),
                ] {
                    assert_eq!(client.error(&call).0, "FORBIDDEN", "{scope} {call}");
                }
            }
            // Each tells its own only.
            receiver.forget();
            upload(&other, "t", b"a\n9\n", &json!({}));
            upload(&operator, "t", b"a\n3\n", &json!({}));
            let told = receiver.told(1);
            assert_eq!((told.len(), &told[0].json()["workspace"]), (1, &json!("default")));
        },
        &[],
    );
}

#[test]
fn what_cannot_be_a_webhook_is_refused() {
    both(
        |server| {
            let client = server.client();
            upload(&client, "t", b"a\n1\n", &json!({}));
            let call = |arguments: &str| {
                client.error(&format!("mutation {{ createWebhook({arguments}) {{ secret }} }}"))
            };
            let long = "x".repeat(2_100);
            for (arguments, code, part) in [
                (
                    "dataset: \"none\", url: \"https://example.com\", events: [INSERT]".to_owned(),
                    "NOT_FOUND",
                    "none",
                ),
                (
                    "dataset: \"t\", url: \"https://example.com\", events: []".to_owned(),
                    "BAD_USER_INPUT",
                    "at least one",
                ),
                (
                    "dataset: \"t\", url: \"https://example.com\", events: [DROPPED]".to_owned(),
                    "BAD_USER_INPUT",
                    "DROPPED",
                ),
                (
                    format!(
                        "dataset: \"t\", url: \"https://example.com/{long}\", events: [INSERT]"
                    ),
                    "BAD_USER_INPUT",
                    "at most",
                ),
                (
                    format!(
                        "dataset: \"t\", url: \"https://example.com/\", events: [INSERT], description: \"{long}\""
                    ),
                    "BAD_USER_INPUT",
                    "at most",
                ),
                (
                    "dataset: \"t\", url: \"https://exa\\u0000mple.com/\", events: [INSERT]"
                        .to_owned(),
                    "BAD_USER_INPUT",
                    "U+0000",
                ),
            ] {
                let (found, message) = call(&arguments);
                assert_eq!(
                    (found.as_str(), message.contains(part)),
                    (code, true),
                    "{arguments:.60}: {message}"
                );
            }
            let ids: Vec<String> = (0..10)
                .map(|n| create(&client, "t", &format!("https://example.com/{n}"), "INSERT").0)
                .collect();
            let (code, message) =
                call("dataset: \"t\", url: \"https://example.com\", events: [INSERT]");
            assert_eq!(
                (code.as_str(), message.contains("at most 10")),
                ("CONFLICT", true),
                "{message}"
            );
            let changed = client.data(&format!("mutation {{ updateWebhook(id: \"{}\", events: [DELETE], description: \"ours\") {{ {HOOK} }} }}", ids[0]));
            assert_eq!(
                (
                    &changed["updateWebhook"]["events"],
                    &changed["updateWebhook"]["description"],
                    &changed["updateWebhook"]["url"]
                ),
                (&json!(["DELETE"]), &json!("ours"), &json!("https://example.com/0"))
            );
            for (call, code) in [
                ("updateWebhook(id: \"x\") { id }", "NOT_FOUND"),
                ("dropWebhook(id: \"00000000-0000-0000-0000-000000000000\") { id }", "NOT_FOUND"),
                ("replayDelivery(id: \"x\") { id }", "NOT_FOUND"),
            ] {
                assert_eq!(client.error(&format!("mutation {{ {call} }}")).0, code, "{call}");
            }
            assert_eq!(
                client
                    .error(&format!(
                        "{{ webhookDeliveries(webhook: \"{}\", limit: 1001) {{ id }} }}",
                        ids[0]
                    ))
                    .0,
                "BAD_USER_INPUT"
            );
            // They go with their dataset.
            client.data("mutation { dropDataset(dataset: \"t\") { name } }");
            assert_eq!(client.data("{ webhooks { id } }"), json!({ "webhooks": [] }));
        },
        &[],
    );
}

#[test]
fn the_log_is_cut() {
    both(
        |server| {
            let client = server.client();
            let receiver = Receiver::start();
            upload(&client, "t", b"a\n1\n", &json!({}));
            let (id, _) = create(&client, "t", &receiver.url, "LOAD_FINISHED, DELETE");
            for _ in 0..30 {
                client.data("mutation { truncateDataset(name: \"t\") { name } }");
            }
            let told = receiver.told(30);
            let versions: Vec<i64> = told.iter().map(|told| told.event().1).collect();
            assert_eq!(versions, (2..=31).collect::<Vec<i64>>());
            let log = deliveries(&client, &id, |all| are_finished(all) && all.len() < 20);
            assert_eq!(log[0]["body"]["version"], 31);
        },
        &[("SLUICE_WEBHOOK_LOG_DELIVERIES", "5")],
    );
}

#[test]
fn of_two_nodes_one_tells() {
    let (first, database) = options(StoreKind::Postgres);
    let url = database.as_ref().unwrap().url();
    let first = Server::start_with(first, database);
    let (mut second, _) = options(StoreKind::Sqlite);
    second.database_url = Some(url);
    let second = Server::start_with(second, None);
    let (one, two) = (first.client(), second.client());
    let receiver = Receiver::start();
    upload(&one, "t", b"a\n1\n", &json!({}));
    let (id, _) = create(&one, "t", &receiver.url, "LOAD_FINISHED, DELETE");
    eventually("the other node knows", LIMIT, || {
        two.data("{ datasets { name } }")["datasets"].as_array().unwrap().first().cloned()
    });
    for _ in 0..10 {
        for client in [&one, &two] {
            client.data("mutation { truncateDataset(name: \"t\") { name } }");
        }
    }
    deliveries(&two, &id, |all| all.len() == 20 && are_finished(all));
    let versions: Vec<i64> = receiver.told(20).iter().map(|told| told.event().1).collect();
    assert_eq!(versions, (2..=21).collect::<Vec<i64>>());
}

/// What is acknowledged is told, in order, and nothing else, whenever the server dies.
#[test]
fn every_version_is_told_however_often_the_server_is_killed() {
    const N_ROUNDS: u64 = 6;
    for kind in [StoreKind::Sqlite, StoreKind::Postgres] {
        eprintln!("story on {kind:?}");
        let folder = Folder::new();
        let database = (kind == StoreKind::Postgres).then(Database::new);
        let start = || {
            let (mut options, _) = options(StoreKind::Sqlite);
            options.data_dir = Some(folder.path().join("data"));
            options.database_url = database.as_ref().map(Database::url);
            Server::start_with(options, None)
        };
        let receiver = Receiver::start();
        let mut server = start();
        upload(&server.client(), "t", b"a\n0\n", &json!({}));
        let (id, _) = create(&server.client(), "t", &receiver.url, "LOAD_FINISHED");
        let mut acknowledged = Vec::new();
        // A fixed seed: the moments differ all the same, by what the machine does.
        let mut random = 0x5EED_u64;
        for round in 1..=N_ROUNDS {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let client = server.client();
            let uploading = std::thread::spawn(move || {
                let mut done = Vec::new();
                for n in 1_000 * round.. {
                    let file = format!("a\n{n}\n");
                    match client.try_request("PUT", "/upload/t?wait=60", &[], file) {
                        Ok(answer) if answer.status == 200 => {
                            let job = &answer.json()["job"];
                            if job["status"] == "SUCCEEDED" {
                                done.push(job["id"].as_str().unwrap().to_owned());
                            }
                        }
                        _ => break,
                    }
                }
                done
            });
            pause(Duration::from_micros((random >> 33) % 400_000));
            server.kill();
            acknowledged.extend(uploading.join().unwrap());
            server = start();
        }
        let client = server.client();
        eventually("quiet", LIMIT, || {
            let jobs = client.data("{ jobs(limit: 5) { status } }")["jobs"].clone();
            let is_busy = |job: &Value| job["status"] == "QUEUED" || job["status"] == "RUNNING";
            (!jobs.as_array().unwrap().iter().any(is_busy)).then_some(())
        });
        deliveries(&client, &id, |all| all.is_empty() || are_finished(all));
        let version = client.data("{ dataset(name: \"t\") { version } }")["dataset"]["version"]
            .as_i64()
            .unwrap();
        let told = receiver.told(0);
        let mut versions: Vec<i64> = told.iter().map(|told| told.event().1).collect();
        assert!(versions.is_sorted(), "{versions:?}");
        versions.dedup();
        assert_eq!(versions, (2..=version).collect::<Vec<i64>>());
        for job in &acknowledged {
            let is_told = told.iter().any(|told| told.json()["job"] == *job);
            assert!(is_told, "{job} of {}", acknowledged.len());
        }
    }
}

#[test]
fn changes_of_rows_are_told_with_their_counts() {
    both(
        |server| {
            let client = server.client();
            let receiver = Receiver::start();
            upload(&client, "t", b"id,a\n1,SECRETCELL\n2,y\n", &json!({}));
            create(&client, "t", &receiver.url, "INSERT, UPDATE, DELETE");
            client.data("mutation { insertT(objects: [{ id: 3, a: \"SECRETCELL\" }, { id: 4 }]) { affectedRows } }");
            client.data("mutation { updateT(where: { id: { _gt: 1 } }, _set: { a: \"q\" }) { affectedRows } }");
            client.data("mutation { deleteTByPk(id: 1) { id } }");
            let told = receiver.told(3);
            let seen: Vec<(String, i64, Value)> = told
                .iter()
                .map(|told| (told.event().0, told.event().1, told.json()["counts"].clone()))
                .collect();
            assert_eq!(
                seen,
                [
                    ("INSERT".to_owned(), 2, json!({ "inserted": 2, "updated": 0, "deleted": 0 })),
                    ("UPDATE".to_owned(), 3, json!({ "inserted": 0, "updated": 3, "deleted": 0 })),
                    ("DELETE".to_owned(), 4, json!({ "inserted": 0, "updated": 0, "deleted": 1 })),
                ]
            );
            assert!(
                told.iter().all(|told| !told.body.contains("CELL") && told.json()["job"].is_null())
            );
            // What is refused is not told, and a load is not what was asked for.
            client.error("mutation { insertT(objects: [{ id: 2 }]) { affectedRows } }");
            upload(&client, "t", b"id,a\n7,y\n", &json!({}));
            client.data("mutation { deleteTByPk(id: 7) { id } }");
            assert_eq!(receiver.told(4)[3].event(), ("DELETE".to_owned(), 6));
        },
        &[],
    );
}
