//! Inserts over HTTP against a bare handler that does the same through rusqlite, as durably: one row,
//! a thousand rows in one transaction.

use std::sync::Mutex;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::response::Response;
use axum::routing::post;
use rusqlite::Connection;
use serde_json::{Value, json};

use crate::Scratch;
use crate::ingest::median;
use crate::query::{N_ROUNDS, ROUND, Reference};
use crate::reference::{json as answer, listen};
use crate::server::Server;
use crate::traffic::{post as request, run as traffic};

const ONE: &str = "mutation One($row: EventsInsertInput!) { insertEventsOne(object: $row) { id } }";
const MANY: &str = "mutation Many($rows: [EventsInsertInput!]!) { insertEvents(objects: $rows) { \
     affectedRows } }";
const COLUMNS: usize = 6;

pub fn run(scratch: &Scratch) {
    let folder = scratch.0.join("write");
    let file = scratch.0.join("events.csv");
    let rows: String =
        (0..1_000).map(|n| format!("event {n},{n}.50,{n},true,2024-01-31,open\n")).collect();
    std::fs::write(&file, format!("name,amount,count,isPaid,day,status\n{rows}")).unwrap();
    let server = Server::start(&folder, None);
    server.upload("events", &file);
    let floor =
        Reference::start(&["reference-write", scratch.0.join("floor.db").to_str().unwrap()]);
    println!("write, SQLite: medians of {N_ROUNDS} rounds, each commit synced");
    let row = json!({ "name": "event", "amount": "1.50", "count": 5, "isPaid": true, "day": "2024-01-31", "status": "open" });
    let rows: Value = (0..1_000).map(|_| row.clone()).collect();
    let graphql = |query: &str, variables: Value| {
        request("/graphql", &json!({ "query": query, "variables": variables }).to_string())
    };
    for (name, goal, ours, theirs, connections) in [
        ("one row", 0.7, graphql(ONE, json!({ "row": row })), json!([row]), [1, 32]),
        ("1,000 rows", 0.6, graphql(MANY, json!({ "rows": rows })), rows, [1, 8]),
    ] {
        let (ours, theirs) = ([ours], [request("/insert", &theirs.to_string())]);
        for n_connections in connections {
            let (mut ratios, mut us, mut them) = (vec![], vec![], vec![]);
            for _ in 0..N_ROUNDS {
                let floor = traffic(&floor.address, &theirs, n_connections, ROUND).per_second;
                let seen = traffic(&server.address, &ours, n_connections, ROUND).per_second;
                ratios.push(seen / floor);
                us.push(seen);
                them.push(floor);
            }
            println!(
                "  {name} at {n_connections} connections: {:.0}/s against {:.0}/s: ratio {:.2} (goal {goal})",
                median(&mut us),
                median(&mut them),
                median(&mut ratios)
            );
        }
    }
}

/// The floor: one connection behind a lock, a transaction for each request.
pub fn serve(file: &str) {
    let connection = Connection::open(file).unwrap();
    connection
        .execute_batch(
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; CREATE TABLE t(_row INTEGER PRIMARY \
             KEY, c1 TEXT, c2 INTEGER, c3 INTEGER, c4 INTEGER, c5 TEXT, c6 TEXT)",
        )
        .unwrap();
    let connection: &'static Mutex<Connection> = Box::leak(Box::new(Mutex::new(connection)));
    listen(Router::new().route("/insert", post(insert)).with_state(connection));
}

async fn insert(State(connection): State<&'static Mutex<Connection>>, body: Bytes) -> Response {
    let rows: Vec<Value> = serde_json::from_slice(&body).unwrap();
    let mut connection = connection.lock().unwrap();
    let transaction = connection.transaction().unwrap();
    {
        let sql = "INSERT INTO t(c1, c2, c3, c4, c5, c6) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
        let mut statement = transaction.prepare_cached(sql).unwrap();
        for row in &rows {
            let text = |name: &str| row[name].as_str().unwrap();
            let cents: i64 = text("amount").replace('.', "").parse().unwrap();
            let values: [&dyn rusqlite::ToSql; COLUMNS] = [
                &text("name"),
                &cents,
                &row["count"].as_i64().unwrap(),
                &row["isPaid"].as_bool().unwrap(),
                &text("day"),
                &text("status"),
            ];
            statement.execute(values.as_slice()).unwrap();
        }
    }
    let id = transaction.last_insert_rowid();
    transaction.commit().unwrap();
    answer(format!("{{\"data\":{{\"id\":{id}}}}}").into_bytes())
}
