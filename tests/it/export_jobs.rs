//! Exports as jobs: a file that is fetched later, in parts, by whoever asked for it.

use std::time::Duration;

use serde_json::{Value, json};

use crate::access::{key, set_policy};
use crate::harness::fixtures::{ITEMS, generation};
use crate::harness::place::Place;
use crate::harness::{Client, Server, StoreKind, both_stores, eventually};
use crate::rest::problem;

const JOB: &str = "id kind status phase datasetName progress { bytesDone bytesTotal } error { code message } file { path name sizeBytes expiresAt }";

/// A job when it has ended.
#[track_caller]
fn ended(client: &Client, arguments: &str) -> Value {
    let made = client.data(&format!("mutation {{ export({arguments}) {{ {JOB} }} }}"));
    let id = made["export"]["id"].as_str().unwrap().to_owned();
    assert_eq!(made["export"]["kind"], "EXPORT");
    eventually("its end", Duration::from_secs(60), || {
        let job = client.data(&format!("{{ job(id: \"{id}\") {{ {JOB} }} }}"))["job"].clone();
        (!["QUEUED", "RUNNING"].contains(&job["status"].as_str().unwrap())).then_some(job)
    })
}

/// The path of the file of a job that must succeed.
#[track_caller]
fn file(client: &Client, arguments: &str) -> String {
    let job = ended(client, arguments);
    assert_eq!(job["status"], "SUCCEEDED", "{job}");
    job["file"]["path"].as_str().unwrap().to_owned()
}

#[test]
fn the_file_is_that_of_the_request_and_comes_in_parts() {
    both_stores(|server| {
        let client = server.client();
        client.load("many", generation(3, 20_000));
        client.load("items", ITEMS);
        let job = ended(&client, "dataset: \"many\", format: CSV");
        let whole = client.get("/export/many.csv").text;
        assert_eq!(job["file"]["name"], "many.csv");
        assert_eq!(job["file"]["sizeBytes"], whole.len().to_string());
        let n_bytes = whole.len().to_string();
        assert_eq!(job["progress"], json!({ "bytesDone": n_bytes, "bytesTotal": n_bytes }));
        let path = job["file"]["path"].as_str().unwrap();
        let answer = client.get(path);
        assert_eq!(answer.text, whole);
        assert_eq!(answer.header("accept-ranges"), "bytes");
        assert_eq!(answer.header("content-type"), "text/csv; charset=utf-8");
        assert_eq!(answer.header("content-disposition"), "attachment; filename=\"many.csv\"");
        assert_eq!(
            client.request("HEAD", path, &[], "").header("content-length"),
            whole.len().to_string()
        );
        // A download that broke off goes on where it was.
        let half = whole.len() / 2;
        let rest = client.request("GET", path, &[("range", &format!("bytes={half}-"))], "");
        assert_eq!((rest.status, rest.text.as_str()), (206, &whole[half..]));
        assert_eq!(
            rest.header("content-range"),
            format!("bytes {half}-{}/{}", whole.len() - 1, whole.len())
        );
        assert_eq!(rest.header("etag"), answer.header("etag"));
        let beyond = format!("bytes={}-", whole.len() + 1);
        assert_eq!(client.request("GET", path, &[("range", &beyond)], "").status, 416);
        let packed = [("range", "bytes=0-99"), ("accept-encoding", "gzip, br")];
        let part = client.request("GET", path, &packed, "");
        assert_eq!((part.status, part.text.as_str()), (206, &whole[..100]));
        assert_eq!(part.header("content-encoding"), "");

        // As a query asks, in every format.
        let some = "dataset: \"items\", where: {id: {_lte: 2}}, orderBy: {id: DESC}, columns: [\"name\", \"id\"]";
        let text = client.get(&file(&client, &format!("{some}, format: CSV"))).text;
        assert_eq!(
            text,
            client.get("/export/items.csv?filter[id][lte]=2&sort=-id&fields=name,id").text
        );
        let text = client
            .get(&file(
                &client,
                &format!("{some}, format: CSV, delimiter: \";\", header: NONE, limit: 1"),
            ))
            .text;
        assert_eq!(text.lines().count(), 1);
        assert!(text.contains(';'), "{text}");
        let lines = client.get(&file(&client, &format!("{some}, format: NDJSON, offset: 1"))).text;
        assert_eq!(lines, "{\"name\":\"Anvil\",\"id\":1}\n");
        let book = client.bytes(&file(&client, "dataset: \"items\", format: XLSX"));
        assert!(book.starts_with(b"PK"));

        for (arguments, words) in [
            ("dataset: \"nothing\", format: CSV", "nothing"),
            ("dataset: \"items\", format: CSV, columns: [\"nothing\"]", "nothing"),
            ("dataset: \"items\", format: CSV, columns: []", "at least one"),
            ("dataset: \"items\", format: CSV, delimiter: \"ab\"", "delimiter"),
        ] {
            let (_, message) =
                client.error(&format!("mutation {{ export({arguments}) {{ id }} }}"));
            assert!(message.contains(words), "{arguments}: {message}");
        }
        let job = ended(&client, "dataset: \"items\", format: CSV, where: {nothing: {_eq: 1}}");
        assert_eq!(
            (&job["status"], &job["error"]["code"]),
            (&json!("FAILED"), &json!("BAD_USER_INPUT"))
        );
        let path = format!("/export/jobs/{}", job["id"].as_str().unwrap());
        problem(&client.get(&path), 400);
        let again = format!("mutation {{ retryJob(id: {}) {{ id }} }}", job["id"]);
        assert!(client.error(&again).1.contains("export"), "{again}");
        for path in ["/export/jobs/x", "/export/jobs/019a0000-0000-7000-8000-000000000000"] {
            problem(&client.get(path), 404);
        }
    });
}

#[test]
fn it_is_for_whoever_asked_for_it() {
    both_stores(|server| {
        let admin = server.client();
        admin.load("items", ITEMS);
        set_policy(
            &admin,
            "dataset: \"items\", role: \"clerk\", filter: {id: {_lte: 2}}, columns: [\"id\", \"name\"]",
        );
        let clerk = key(&admin, "scope: READ, role: \"clerk\"");
        let other = key(&admin, "scope: READ, role: \"clerk\"");
        let path = file(&clerk, "dataset: \"items\", format: CSV");
        assert_eq!(clerk.get(&path).text, clerk.get("/export/items.csv").text);
        assert_eq!(clerk.get(&path).text.lines().count(), 3);
        assert_eq!(admin.get(&path).status, 200);
        let id = path.rsplit('/').next().unwrap();
        for stranger in [&other, &server.client_of("upload"), &server.client_of("read")] {
            problem(&stranger.get(&path), 404);
            let told = stranger.data(&format!("{{ job(id: \"{id}\") {{ id }} }}"));
            assert_eq!(told, json!({ "job": null }));
        }
        problem(&server.anonymous().get(&path), 401);
        problem(&key(&admin, "scope: QUERY").get(&path), 403);
        let (code, message) = clerk.error(
            "mutation { export(dataset: \"items\", format: CSV, columns: [\"price\"]) { id } }",
        );
        assert!(code == "BAD_USER_INPUT" && message.contains("price"), "{code} {message}");
        // What may be seen has become less: the file from before shows too much.
        set_policy(
            &admin,
            "dataset: \"items\", role: \"clerk\", filter: {id: {_lte: 1}}, columns: [\"id\", \"name\"]",
        );
        let (code, _) = problem(&clerk.get(&path), 403);
        assert_eq!(code, "FORBIDDEN");
        let path = file(&clerk, "dataset: \"items\", format: CSV");
        assert_eq!(clerk.get(&path).text.lines().count(), 2);
        admin.data("mutation { setPublicRead(all: true) { name } }");
        let (code, _) =
            server.anonymous().error("mutation { export(dataset: \"items\", format: CSV) { id } }");
        assert_eq!(code, "UNAUTHENTICATED");
    });
}

#[test]
fn it_outlives_the_server_and_is_removed_in_time() {
    for kind in [StoreKind::Sqlite, StoreKind::Postgres] {
        let place = Place::new(kind);
        let server = place.start();
        let client = server.client();
        client.load("items", ITEMS);
        let path = file(&client, "dataset: \"items\", format: JSON");
        let text = client.get(&path).text;
        drop(server);
        let server = place.start();
        let client = server.client();
        assert_eq!(client.get(&path).text, text);
        drop(server);
        let server = place.start_with(&[("SLUICE_EXPORT_KEEP", "1s")]);
        let client = server.client();
        let path = file(&client, "dataset: \"items\", format: JSON");
        eventually("its end", Duration::from_secs(20), || {
            (client.get(&path).status == 404).then_some(())
        });
    }
}

#[test]
fn it_can_be_ended_and_leaves_nothing() {
    let server = Server::start(StoreKind::Sqlite);
    let client = server.client();
    client.load("many", generation(5, 60_000));
    // Others wait for the two that are at work.
    let begin = "mutation { export(dataset: \"many\", format: XLSX) { id } }";
    let ids: Vec<String> =
        (0..4).map(|_| client.data(begin)["export"]["id"].as_str().unwrap().to_owned()).collect();
    // A load waits for none of them.
    client.load("many", "id\n1\n");
    for id in ids.iter().rev() {
        client.data(&format!("mutation {{ cancelJob(id: \"{id}\") {{ status }} }}"));
    }
    let states = eventually("their ends", Duration::from_secs(60), || {
        let states: Vec<Value> = ids
            .iter()
            .map(|id| {
                client.data(&format!("{{ job(id: \"{id}\") {{ status }} }}"))["job"]["status"]
                    .clone()
            })
            .collect();
        let is_open = |state: &Value| *state == json!("QUEUED") || *state == json!("RUNNING");
        (!states.iter().any(is_open)).then_some(states)
    });
    assert_eq!(states[3], "CANCELLED", "{states:?}");
    let left = std::fs::read_dir(server.data_dir().join("exports")).unwrap();
    let n_made = states.iter().filter(|state| **state == json!("SUCCEEDED")).count();
    assert_eq!(left.count(), n_made, "{states:?}");
    if let Some(n) = states.iter().position(|state| *state == json!("CANCELLED")) {
        problem(&client.get(&format!("/export/jobs/{}", ids[n])), 409);
    }
}
