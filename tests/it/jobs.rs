//! Jobs from the outside: their phases and progress, cancelled wherever they are, begun again.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::fixtures::generation;
use crate::harness::folder::files_below;
use crate::harness::server::ADMIN_KEY;
use crate::harness::{Client, Server, both_stores, eventually};

const N_ROWS: usize = 60_000;
const LIMIT: Duration = Duration::from_secs(60);

/// Queues the load of a file that takes a while.
fn begin(client: &Client, name: &str) -> String {
    let answer = client.upload_with(name, "wait=0", generation(1, N_ROWS));
    assert_eq!(answer.status, 202, "{}", answer.text);
    answer.json()["job"]["id"].as_str().unwrap().to_owned()
}

fn job(client: &Client, id: &str) -> Value {
    let query = "query J($id: ID!) { job(id: $id) { status phase error { code } progress { bytesDone bytesTotal rowsDone rowsPerSecond remainingSeconds } datasets { name rowCount } } }";
    client.data_with(query, &json!({ "id": id }))["job"].clone()
}

fn is_final(job: &Value) -> bool {
    job["status"] != "QUEUED" && job["status"] != "RUNNING"
}

fn cancel(client: &Client, id: &str) -> Value {
    client.data_with("mutation C($id: ID!) { cancelJob(id: $id) { status } }", &json!({ "id": id }))
        ["cancelJob"]["status"]
        .clone()
}

fn number(value: &Value) -> u64 {
    value.as_str().unwrap().parse().unwrap()
}

/// Files of dataset versions; PostgreSQL keeps none here.
fn tables(server: &Server) -> usize {
    files_below(&server.data_dir().join("datasets")).len()
}

#[test]
fn a_job_ends_in_whatever_phase_it_is_cancelled() {
    both_stores(|server| {
        let client = server.client();
        for phase in ["INFER", "LOAD", "PUBLISH"] {
            let id = begin(&client, "long");
            eventually(phase, LIMIT, || {
                let job = job(&client, &id);
                let progress = &job["progress"];
                assert!(number(&progress["bytesDone"]) <= number(&progress["bytesTotal"]), "{job}");
                // The phase may be over before it is seen: then the job is cancelled where it is.
                (job["phase"] == phase || is_final(&job)).then_some(())
            });
            cancel(&client, &id);
            let ended = eventually("its end", LIMIT, || {
                let job = job(&client, &id);
                is_final(&job).then_some(job)
            });
            let datasets = client.data("{ datasets { name rowCount } }");
            let whole = json!([{ "name": "long", "rowCount": N_ROWS.to_string() }]);
            match ended["status"].as_str().unwrap() {
                "CANCELLED" => {
                    assert_eq!(datasets, json!({ "datasets": [] }), "{ended}");
                    // What was begun is gone, and the same can be begun again.
                    if server.database_url().is_none() {
                        eventually("no table", LIMIT, || (tables(server) == 0).then_some(()));
                    }
                    let again = client.data_with(
                        "mutation R($id: ID!) { retryJob(id: $id) { id } }",
                        &json!({ "id": id }),
                    );
                    let again = again["retryJob"]["id"].as_str().unwrap().to_owned();
                    let ended = eventually("the second end", LIMIT, || {
                        let job = job(&client, &again);
                        is_final(&job).then_some(job)
                    });
                    assert_eq!(ended["status"], "SUCCEEDED", "{ended}");
                    assert_eq!(ended["datasets"], whole);
                }
                // Too late: what was published stays.
                status => {
                    assert_eq!(status, "SUCCEEDED", "{ended}");
                    assert_eq!(datasets["datasets"], whole);
                }
            }
            client.data("mutation { dropDataset(dataset: \"long\") { name } }");
        }
    });
}

#[test]
fn a_job_that_waits_is_cancelled_at_once() {
    both_stores(|server| {
        let client = server.client();
        // Jobs of one dataset run one after the other.
        let (first, second) = (begin(&client, "queue"), begin(&client, "queue"));
        let waiting = job(&client, &second);
        let status = cancel(&client, &second);
        if waiting["status"] == "QUEUED" {
            assert_eq!(status, "CANCELLED", "{waiting}");
        }
        let ended = eventually("the first one's end", LIMIT, || {
            let job = job(&client, &first);
            is_final(&job).then_some(job)
        });
        assert_eq!(ended["status"], "SUCCEEDED", "{ended}");
        // A job that has ended stays as it is.
        assert_eq!(cancel(&client, &first), "SUCCEEDED");
        let (code, _) = client.error("mutation { cancelJob(id: \"none\") { id } }");
        assert_eq!(code, "NOT_FOUND");
    });
}

#[test]
fn the_phases_of_a_load_come_in_order() {
    both_stores(|server| {
        let client = server.client();
        let id = begin(&client, "phases");
        let mut seen: Vec<String> = Vec::new();
        eventually("its end", LIMIT, || {
            let job = job(&client, &id);
            if let Some(phase) = job["phase"].as_str()
                && seen.last().is_none_or(|last| last != phase)
            {
                seen.push(phase.to_owned());
            }
            is_final(&job).then_some(())
        });
        let order = ["UNDERSTAND", "INFER", "LOAD", "INDEX", "PUBLISH"];
        let places: Vec<usize> =
            seen.iter().map(|phase| order.iter().position(|it| it == phase).unwrap()).collect();
        assert!(places.is_sorted(), "{seen:?}");
        assert!(!seen.is_empty());
    });
}

const SLOW: &str = "a,b\n1,2\n3,4\n";

/// Sends the first bytes of an upload; the head says how many there are, or that they come in chunks.
fn begin_slowly(server: &Server, name: &str, framing: &str, bytes: &str) -> TcpStream {
    let mut stream = TcpStream::connect(&server.address).unwrap();
    let head = format!(
        "PUT /upload/{name}?wait=60 HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {ADMIN_KEY}\r\nconnection: close\r\n{framing}\r\n\r\n{bytes}"
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream
}

/// All jobs, those that arrive and those of the catalog.
fn jobs(client: &Client) -> Vec<Value> {
    let query = "{ jobs { id kind status phase datasetName progress { bytesDone bytesTotal } datasets { name } } }";
    client.data(query)["jobs"].as_array().unwrap().clone()
}

/// The newest job, once it has received so many bytes.
fn arriving(client: &Client, n_bytes: usize) -> Value {
    eventually("the bytes that were sent", LIMIT, || {
        let job = jobs(client).into_iter().next()?;
        (number(&job["progress"]["bytesDone"]) == n_bytes as u64).then_some(job)
    })
}

fn answer(mut stream: TcpStream) -> String {
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn an_upload_is_a_job_while_its_bytes_arrive() {
    both_stores(|server| {
        let client = server.client();
        let (first, rest) = SLOW.split_at(5);
        let length = format!("content-length: {}", SLOW.len());
        let mut stream = begin_slowly(server, "slow", &length, first);
        let job = arriving(&client, first.len());
        assert_eq!(
            job,
            json!({
                "id": job["id"], "kind": "LOAD", "status": "RUNNING", "phase": "RECEIVE",
                "datasetName": "slow", "datasets": [],
                "progress": { "bytesDone": "5", "bytesTotal": "12" },
            })
        );
        let id = job["id"].as_str().unwrap();
        let alone = self::job(&client, id);
        assert_eq!((&alone["status"], &alone["phase"]), (&json!("RUNNING"), &json!("RECEIVE")));
        assert_eq!(client.data("{ datasets { name } }"), json!({ "datasets": [] }));
        stream.write_all(&rest.as_bytes()[..3]).unwrap();
        assert_eq!(arriving(&client, first.len() + 3)["id"], id);
        stream.write_all(&rest.as_bytes()[3..]).unwrap();
        let answer = answer(stream);
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        assert!(answer.contains(id), "{answer}");
        let listed = jobs(&client);
        assert_eq!(listed.len(), 1, "{listed:?}");
        assert_eq!((&listed[0]["id"], &listed[0]["status"]), (&json!(id), &json!("SUCCEEDED")));
        assert_eq!(listed[0]["datasets"], json!([{ "name": "slow" }]));
        assert_eq!(
            client.data("{ slow { a b } }")["slow"],
            json!([{ "a": 1, "b": 2 }, { "a": 3, "b": 4 }])
        );
    });
}

#[test]
fn an_upload_that_does_not_arrive_leaves_no_job() {
    both_stores(|server| {
        let client = server.client();
        client.load("kept", SLOW);
        let kept = jobs(&client);
        let chunk = "3\r\na,b\r\n";
        let begin = || begin_slowly(server, "kept", "transfer-encoding: chunked", chunk);
        let is_gone = || eventually("no arrival", LIMIT, || (jobs(&client) == kept).then_some(()));

        let stream = begin();
        let job = arriving(&client, 3);
        // Nobody said how many bytes there are.
        assert_eq!(job["progress"], json!({ "bytesDone": "3", "bytesTotal": null }));
        stream.shutdown(Shutdown::Both).unwrap();
        is_gone();
        let id = job["id"].as_str().unwrap();
        assert_eq!(self::job(&client, id), Value::Null);

        let stream = begin();
        let id = arriving(&client, 3)["id"].as_str().unwrap().to_owned();
        assert_eq!(cancel(&client, &id), "CANCELLED");
        is_gone();
        let answer = answer(stream);
        assert!(answer.contains("CONFLICT") && answer.contains("cancelled"), "{answer}");
        assert!(files_below(&server.data_dir().join("spool")).is_empty());
        assert_eq!(client.data("{ dataset(name: \"kept\") { version } }")["dataset"]["version"], 1);
    });
}
