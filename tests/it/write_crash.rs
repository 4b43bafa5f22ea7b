//! Mutations beside each other, beside crashes, and beside a database that goes away.
//!
//! The ledger holds what was acknowledged: each of it is there exactly once, whatever happened.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::folder::files_below;
use crate::harness::postgres::{Database, OwnServer};
use crate::harness::server::{ADMIN_KEY, Options};
use crate::harness::{Client, Folder, Server, StoreKind, both_stores, eventually, pause};

/// Kills of one story; `SLUICE_CRASH_ROUNDS` asks for more.
const N_ROUNDS: usize = 12;
const N_WRITERS: i64 = 4;

#[test]
fn a_killed_sqlite_server_has_each_acknowledged_write_once() {
    crash_story(StoreKind::Sqlite, None);
}

#[test]
fn a_killed_postgres_server_has_each_acknowledged_write_once() {
    let database = Database::new();
    crash_story(StoreKind::Postgres, Some(database.url()));
}

/// A transfer adds a row to each of two datasets.
const TRANSFER: &str = "mutation($id: Int!, $request: String!) {
    insertGivenOne(object: {id: $id, amount: 5}, requestId: $request) { id }
    insertTakenOne(object: {id: $id, amount: 5}) { id }
}";

fn n_rounds() -> usize {
    std::env::var("SLUICE_CRASH_ROUNDS").ok().and_then(|it| it.parse().ok()).unwrap_or(N_ROUNDS)
}

fn crash_story(kind: StoreKind, database_url: Option<String>) {
    let folder = Folder::new();
    let data_dir = folder.path().join("data");
    let start = || {
        let (data_dir, database_url) = (Some(data_dir.clone()), database_url.clone());
        Server::start_with(Options { data_dir, database_url, ..Options::default() }, None)
    };
    let mut server = start();
    let client = server.client();
    for name in ["given", "taken", "loads"] {
        client.load(name, "id,amount\n0,0\n");
    }
    let next_id = AtomicI64::new(1);
    let acknowledged: Mutex<Vec<i64>> = Mutex::default();
    let mut random = 0xC0FFEE_u64;
    for round in 0..n_rounds() {
        random =
            random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let delay = Duration::from_micros(50_000 + (random >> 33) % 400_000);
        let address = server.address.clone();
        let is_over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            for _ in 0..N_WRITERS {
                let client = Client::new(&address, Some(ADMIN_KEY));
                scope.spawn(|| {
                    let client = client;
                    while !is_over.load(Ordering::Relaxed) {
                        let id = next_id.fetch_add(1, Ordering::Relaxed);
                        let variables = json!({"id": id, "request": format!("t-{id}")});
                        let body = json!({"query": TRANSFER, "variables": variables}).to_string();
                        let json = [("content-type", "application/json")];
                        let Ok(answer) = client.try_request("POST", "/graphql", &json, body) else {
                            return;
                        };
                        assert_eq!(answer.status, 200, "{}", answer.text);
                        answer.data();
                        acknowledged.lock().unwrap_or_else(PoisonError::into_inner).push(id);
                    }
                });
            }
            let client = Client::new(&address, Some(ADMIN_KEY));
            scope.spawn(move || {
                let rows: String = (0..2_000).map(|n| format!("{n},{round}\n")).collect();
                let path = "/upload/loads?wait=60";
                // Whether it arrives in time is chance.
                let _ = client.try_request("PUT", path, &[], format!("id,amount\n{rows}"));
            });
            pause(delay);
            server.kill();
            is_over.store(true, Ordering::Relaxed);
        });
        server = start();
        let client = server.client();
        let about = format!("{kind:?}, round {round}, killed after {delay:?}");
        check_ledger(&client, &acknowledged, &about);
        // A transfer that was not acknowledged is sent again: now it is there once, too.
        let last = next_id.load(Ordering::Relaxed) - 1;
        let again = json!({"id": last, "request": format!("t-{last}")});
        client.data_with(TRANSFER, &again);
        client.data_with(TRANSFER, &again);
        let mut ids = acknowledged.lock().unwrap_or_else(PoisonError::into_inner);
        if !ids.contains(&last) {
            ids.push(last);
        }
    }
    check_ledger(&server.client(), &acknowledged, "at the end");
    server.kill();
    for path in files_below(&data_dir).iter().filter(|path| path.ends_with(".db")) {
        let file = rusqlite::Connection::open(data_dir.join(path)).unwrap();
        let found: String = file.query_row("PRAGMA integrity_check", (), |row| row.get(0)).unwrap();
        assert_eq!(found, "ok", "{path}");
    }
}

fn check_ledger(client: &Client, acknowledged: &Mutex<Vec<i64>>, about: &str) {
    let mut found = [Vec::new(), Vec::new()];
    for (dataset, ids) in ["given", "taken"].into_iter().zip(&mut found) {
        let mut after = 0;
        loop {
            let query = format!(
                "query($after: Int!) {{ rows: {dataset}(where: {{id: {{_gt: $after}}}}, orderBy: {{id: ASC}}, limit: 1000) {{ id }} }}"
            );
            let rows = client.data_with(&query, &json!({ "after": after }))["rows"].clone();
            let page: Vec<i64> =
                rows.as_array().unwrap().iter().map(|row| row["id"].as_i64().unwrap()).collect();
            let Some(last) = page.last() else { break };
            after = *last;
            ids.extend(page);
        }
        let query = format!(
            "{{ all: {dataset}Aggregate {{ aggregate {{ count ids: count(columns: [ID], distinct: true) }} }} catalog: dataset(name: \"{dataset}\") {{ rowCount }} }}"
        );
        let data = client.data(&query);
        let count = data["all"]["aggregate"]["count"].as_u64().unwrap();
        assert_eq!(count, ids.len() as u64 + 1, "{dataset}: {about}");
        assert_eq!(data["all"]["aggregate"]["ids"], count, "{dataset}: {about}");
        assert_eq!(data["catalog"]["rowCount"], count.to_string(), "{dataset}: {about}");
    }
    let [given, taken] = found;
    assert_eq!(given, taken, "half a transfer: {about}");
    let acknowledged = acknowledged.lock().unwrap_or_else(PoisonError::into_inner);
    for id in acknowledged.iter() {
        assert!(given.binary_search(id).is_ok(), "{id} was acknowledged and is gone: {about}");
    }
}

#[test]
fn root_fields_are_answered_of_one_state() {
    both_stores(|server| {
        let client = server.client();
        for name in ["given", "taken"] {
            client.load(name, "id,amount\n0,0\n");
        }
        client.data(
            "mutation { addRelation(from: \"given\", column: \"id\", to: \"taken\", toColumn: \"id\", name: \"other\", inverseName: \"back\") { name } }",
        );
        let is_over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let writing = scope.spawn(|| {
                let client = client.clone();
                for id in 1..=150 {
                    let variables = json!({"id": id, "request": format!("s-{id}")});
                    client.data_with(TRANSFER, &variables);
                }
                is_over.store(true, Ordering::Relaxed);
            });
            let mut n_reads = 0;
            while !is_over.load(Ordering::Relaxed) && !writing.is_finished() {
                // Different from what was asked before, so that nothing is answered from memory.
                n_reads += 1;
                let query = format!(
                    "{{ a: givenAggregate(where: {{id: {{_gt: -{n_reads}}}}}) {{ aggregate {{ count }} }} b: takenAggregate(where: {{id: {{_gt: -{n_reads}}}}}) {{ aggregate {{ count }} }}
                       c: given(where: {{other: {{id: {{_isNull: true}}}}}}) {{ id }} d: given(where: {{_not: {{other: {{id: {{_gt: -{n_reads}}}}}}}}}) {{ id }} }}"
                );
                let data = client.data(&query);
                assert_eq!(data["a"], data["b"], "read {n_reads}");
                assert_eq!((&data["c"], &data["d"]), (&json!([]), &json!([])), "read {n_reads}");
            }
            assert!(n_reads > 3, "{n_reads} reads");
        });
    });
}

#[test]
fn the_first_change_in_place_is_seen_whole_too() {
    both_stores(|server| {
        let client = server.client();
        for pair in 0..12 {
            for name in ["given", "taken"] {
                client.load(&format!("{name}{pair}"), "id,amount\n0,0\n");
            }
            let count = |name: &str, n: usize| {
                format!(
                    "{name}: {name}{pair}Aggregate(where: {{id: {{_gt: -{n}}}}}) {{ aggregate {{ count }} }}"
                )
            };
            let both = |n: usize| format!("{{ {} {} }}", count("given", n), count("taken", n));
            let is_over = AtomicBool::new(false);
            // New questions, one half of them by itself first: what is kept of it is not enough.
            let read = |is_alone: bool| {
                for n in 1.. {
                    if is_over.load(Ordering::Relaxed) {
                        break;
                    }
                    if is_alone {
                        client.data(&format!("{{ {} }}", count("taken", n)));
                    }
                    let data = client.data(&both(n));
                    assert_eq!(data["given"], data["taken"], "pair {pair}");
                }
            };
            std::thread::scope(|scope| {
                let _ends = EndsReaders(&is_over);
                scope.spawn(|| read(false));
                scope.spawn(|| read(true));
                client.data(&format!(
                    "mutation {{ insertGiven{pair}One(object: {{id: 1}}) {{ id }} insertTaken{pair}One(object: {{id: 1}}) {{ id }} }}"
                ));
            });
            assert_eq!(client.data(&both(1))["given"], json!({"aggregate": {"count": 2}}));
        }
    });
}

/// Ends the readers also when the writer fails.
struct EndsReaders<'a>(&'a AtomicBool);

impl Drop for EndsReaders<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn mutations_outlive_an_outage_of_the_database() {
    let mut postgres = OwnServer::start();
    let database = Database::on(postgres.url());
    let options = Options { database_url: Some(database.url()), ..Options::default() };
    let server = Server::start_with(options, None);
    let client = server.client();
    client.load("notes", "id,text\n1,a\n");
    let insert = "mutation($id: Int!) { insertNotesOne(object: {id: $id, text: \"x\"}, requestId: \"same\") { id } }";
    client.data_with(
        "mutation($id: Int!) { insertNotesOne(object: {id: $id}) { id } }",
        &json!({"id": 2}),
    );
    postgres.stop();
    let answer = client.graphql(insert, &json!({"id": 3}));
    assert_eq!(answer.code(), "STORAGE_UNAVAILABLE", "{}", answer.text);
    assert!(!answer.text.contains("127.0.0.1") && !answer.text.contains("sqlx"), "{}", answer.text);
    postgres.start_again();
    let written = eventually("a write", Duration::from_secs(60), || {
        let answer = client.graphql(insert, &json!({"id": 3}));
        (answer.status == 200 && !answer.text.contains("errors")).then(|| answer.data())
    });
    assert_eq!(written, json!({"insertNotesOne": {"id": 3}}));
    let rows: Value = client.data("{ notes { id } }")["notes"].clone();
    assert_eq!(rows, json!([{"id": 1}, {"id": 2}, {"id": 3}]));
}
