//! Jobs from the outside: their phases and progress, cancelled wherever they are, begun again.

use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::fixtures::generation;
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
    crate::harness::folder::files_below(&server.data_dir().join("datasets")).len()
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
