//! Statements that take too long, or that nobody waits for any more, end in the database.

use std::io::Write;
use std::net::TcpStream;
use std::time::Duration;

use serde_json::json;

use crate::harness::postgres::count;
use crate::harness::server::{ADMIN_KEY, Options};
use crate::harness::{Server, StoreKind, eventually};

const SOON: Duration = Duration::from_secs(15);

/// Looks in long texts for many that are not there: minutes of work.
fn slow_query() -> String {
    let terms: String = (0..180).map(|n| format!("{{name: {{_ilike: \"%aba{n}b%\"}}}} ")).collect();
    format!("{{ rowsAggregate(where: {{_or: [{terms}]}}) {{ aggregate {{ count }} }} }}")
}

/// 30 MB of texts in which nothing is found and much almost.
fn long_texts() -> String {
    let text = "ab".repeat(5_000);
    let rows: String = (1..=3_000).map(|id| format!("{id},{text}\n")).collect();
    format!("id,name\n{rows}")
}

fn start(kind: StoreKind, timeout: &str) -> Server {
    let (options, database) = Options::of(kind);
    let options = options
        .variable("SLUICE_STATEMENT_TIMEOUT", timeout)
        .variable("SLUICE_READER_THREADS", "1")
        .variable("SLUICE_POOL_SIZE", "1");
    let server = Server::start_with(options, database);
    server.client().load("rows", long_texts());
    server
}

/// Statements at work on the datasets of this server's database.
fn n_at_work(server: &Server) -> Option<i64> {
    let sql = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
               AND state = 'active' AND pid <> pg_backend_pid() AND query LIKE '%sluice_data%'";
    Some(count(&server.database_url()?, sql))
}

#[test]
fn a_statement_that_takes_too_long_is_cancelled() {
    for kind in [StoreKind::Sqlite, StoreKind::Postgres] {
        let server = start(kind, "300ms");
        let client = server.client();
        let answer = client.graphql(&slow_query(), &json!({}));
        assert_eq!((answer.status, answer.code().as_str()), (504, "TIMEOUT"), "{}", answer.text);
        // The only connection is free again, and sound.
        let rows = eventually("the next answer", SOON, || {
            let answer = client.graphql("{ rows(limit: 1, offset: 1) { id } }", &json!({}));
            (answer.status == 200).then(|| answer.data())
        });
        assert_eq!(rows, json!({ "rows": [{ "id": 2 }] }));
        // The server tells of its end a moment later than its client.
        eventually("its end", SOON, || (n_at_work(&server).unwrap_or(0) == 0).then_some(()));
    }
}

#[test]
fn a_client_that_leaves_takes_its_statement_along() {
    for kind in [StoreKind::Sqlite, StoreKind::Postgres] {
        // Far longer than the test waits.
        let server = start(kind, "10m");
        let body = json!({ "query": slow_query() }).to_string();
        let request = format!(
            "POST /graphql HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {ADMIN_KEY}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        for _ in 0..3 {
            let mut stream = TcpStream::connect(&server.address).unwrap();
            stream.write_all(request.as_bytes()).unwrap();
            if kind == StoreKind::Postgres {
                eventually("the statement", SOON, || (n_at_work(&server)? > 0).then_some(()));
            }
            drop(stream);
            if kind == StoreKind::Postgres {
                eventually("its end", SOON, || (n_at_work(&server)? == 0).then_some(()));
            }
            // There is one reader: it would be busy for minutes.
            let rows = server.client().data("{ rows(limit: 1, offset: 1) { id } }");
            assert_eq!(rows, json!({ "rows": [{ "id": 2 }] }));
        }
    }
}
