//! The server is killed at random moments of uploads: what was acknowledged is there, once, whole.
//!
//! Invariants 1 and 2 of the design: acknowledged means committed, and a dataset is entirely one
//! version.

use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::fixtures::generation;
use crate::harness::folder::files_below;
use crate::harness::postgres::Database;
use crate::harness::server::{ADMIN_KEY, Options};
use crate::harness::{Client, Folder, Server, StoreKind, eventually, pause};

const N_ROUNDS: u64 = 20;
const N_ROWS: usize = 30_000;

#[test]
fn a_killed_sqlite_server_keeps_what_it_acknowledged() {
    crash_story(StoreKind::Sqlite, None);
}

#[test]
fn a_killed_postgres_server_keeps_what_it_acknowledged() {
    let database = Database::new();
    crash_story(StoreKind::Postgres, Some(database.url()));
}

/// What the client was told about an upload before the server died.
#[derive(Debug)]
enum Told {
    Nothing,
    Accepted { job: String },
    Done,
}

fn crash_story(kind: StoreKind, database_url: Option<String>) {
    let folder = Folder::new();
    let data_dir = folder.path().join("data");
    let start = || {
        let (data_dir, database_url) = (Some(data_dir.clone()), database_url.clone());
        Server::start_with(Options { data_dir, database_url, ..Options::default() }, None)
    };
    let mut server = start();
    server.client().load("steps", generation(0, N_ROWS));
    let mut present = 0;
    // A fixed seed: the moments differ all the same, by what the machine does.
    let mut random = 0x5EED_u64;
    for round in 1..=N_ROUNDS {
        random =
            random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let delay = Duration::from_micros((random >> 33) % 500_000);
        let wait = if round % 2 == 0 { "wait=60" } else { "wait=0" };
        let told = upload_and_kill(&mut server, round, wait, delay);
        server = start();
        let client = server.client();
        let about = format!("{kind:?}, round {round}, killed after {delay:?}, told {told:?}");
        let is_loaded = match &told {
            Told::Nothing => None,
            Told::Done => Some(true),
            Told::Accepted { job } => Some(end_of(&client, job, &about)),
        };
        quiet(&client, &about);
        let found = generation_of(&client, &about);
        match is_loaded {
            Some(true) => assert_eq!(found, round, "acknowledged and done: {about}"),
            Some(false) => assert_eq!(found, present, "failed with a reason: {about}"),
            // Not acknowledged: it may have been committed all the same, or not.
            None => assert!(found == present || found == round, "{found}: {about}"),
        }
        present = found;
    }
    // Nothing of the killed loads is left beside the one version that is served.
    let leftovers = || {
        let files = files_below(&data_dir);
        let spool = files.iter().filter(|path| path.starts_with("spool/")).count();
        (spool == 0).then_some(())
    };
    eventually("an empty spool", Duration::from_secs(20), leftovers);
}

/// Uploads on one thread and kills on this one; what the client heard.
fn upload_and_kill(server: &mut Server, round: u64, wait: &str, delay: Duration) -> Told {
    let client = Client::new(&server.address, Some(ADMIN_KEY));
    let (path, bytes) = (format!("/upload/steps?{wait}"), generation(round, N_ROWS));
    let uploading = std::thread::spawn(move || client.try_request("PUT", &path, &[], bytes));
    pause(delay);
    server.kill();
    match uploading.join().unwrap() {
        Err(_) => Told::Nothing,
        Ok(answer) => match answer.status {
            200 => Told::Done,
            202 => Told::Accepted { job: answer.json()["job"]["id"].as_str().unwrap().to_owned() },
            other => panic!("{other}: {}", answer.text),
        },
    }
}

/// Whether an acknowledged job loaded its file; it must have ended one way or the other.
fn end_of(client: &Client, job: &str, about: &str) -> bool {
    let query = "query J($id: ID!) { job(id: $id) { status error { code message } } }";
    let job = eventually("the job's end", Duration::from_secs(60), || {
        let job = client.data_with(query, &json!({ "id": job }))["job"].clone();
        assert_ne!(job, Value::Null, "an acknowledged job is known: {about}");
        let is_over = job["status"] == "SUCCEEDED" || job["status"] == "FAILED";
        is_over.then_some(job)
    });
    if job["status"] == "FAILED" {
        assert!(job["error"]["message"].is_string(), "{about}: {job}");
        return false;
    }
    true
}

/// Waits until no job is left to run.
fn quiet(client: &Client, about: &str) {
    eventually("quiet", Duration::from_secs(60), || {
        let jobs = client.data("{ jobs(limit: 5) { status } }")["jobs"].clone();
        let is_busy = |job: &Value| job["status"] == "QUEUED" || job["status"] == "RUNNING";
        assert!(jobs.is_array(), "{about}");
        (!jobs.as_array().unwrap().iter().any(is_busy)).then_some(())
    });
}

/// The generation of the whole dataset: it must be of one piece.
fn generation_of(client: &Client, about: &str) -> u64 {
    let data = client.data(
        "{ stepsAggregate { aggregate { count count_distinct: count(columns: [ID], distinct: true) min { generation } max { generation } } } }",
    );
    let aggregate = &data["stepsAggregate"]["aggregate"];
    assert_eq!(aggregate["count"], N_ROWS, "{about}");
    assert_eq!(aggregate["count_distinct"], N_ROWS, "{about}");
    assert_eq!(aggregate["min"], aggregate["max"], "{about}");
    aggregate["min"]["generation"].as_u64().unwrap()
}

#[test]
fn additions_to_a_killed_server_are_there_once_or_not_at_all() {
    let database = Database::new();
    for database_url in [None, Some(database.url())] {
        let folder = Folder::new();
        let data_dir = folder.path().join("data");
        let start = || {
            let (data_dir, database_url) = (Some(data_dir.clone()), database_url.clone());
            Server::start_with(Options { data_dir, database_url, ..Options::default() }, None)
        };
        let mut server = start();
        const N_ADDED: usize = 20_000;
        server.client().load("log", "n\n0\n");
        let added: String = std::iter::once("n\n".to_owned())
            .chain((1..=N_ADDED).map(|n| format!("{n}\n")))
            .collect();
        for round in 1..=5_u64 {
            // However often it is sent, a request of one id is carried out once.
            let query = format!("mode=append&wait=0&requestId=round-{round}");
            let told = server.client().upload_with("log", &query, &added);
            assert_eq!(told.status, 202, "{}", told.text);
            pause(Duration::from_millis(round * 60 % 200));
            server.kill();
            server = start();
            let client = server.client();
            let again = client.upload_with("log", &query.replace("wait=0", "wait=60"), &added);
            assert_eq!(again.status, 200, "{}", again.text);
            assert_eq!(again.json()["job"]["id"], told.json()["job"]["id"]);
            let data = client.data("{ logAggregate { aggregate { count max { n } } } }");
            let n_rows = 1 + usize::try_from(round).unwrap() * N_ADDED;
            let expect = json!({ "count": n_rows, "max": { "n": N_ADDED } });
            assert_eq!(data["logAggregate"]["aggregate"], expect, "round {round}");
        }
    }
}
