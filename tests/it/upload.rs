//! Uploading: by raw body, by mutation, by the command line; waiting, polling, replacing.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::fixtures::{ITEMS, ORDERS, generation};
use crate::harness::server::{ADMIN_KEY, Options};
use crate::harness::{Folder, Server, StoreKind, both_stores, eventually, run_sluice};

const UPLOAD: &str = "mutation Up($file: Upload!, $name: String, $mode: LoadMode, $wait: Int) {
    upload(file: $file, name: $name, mode: $mode, wait: $wait) {
        job { id status error { code message } } dataset { name version rowCount }
    } }";

#[test]
fn a_raw_body_becomes_a_dataset() {
    both_stores(|server| {
        let client = server.client();
        let answer = client.upload("items", ITEMS);
        assert_eq!(answer.status, 200, "{}", answer.text);
        let json = answer.json();
        assert_eq!(json["job"]["status"], "SUCCEEDED");
        assert_eq!(json["dataset"]["name"], "items");
        assert_eq!(json["dataset"]["version"], 1);
        // Queryable at once, no restart.
        assert_eq!(
            client.data("{ items(limit: 1) { name } }"),
            json!({ "items": [{ "name": "Anvil" }] })
        );
    });
}

#[test]
fn the_mutation_follows_the_multipart_specification() {
    both_stores(|server| {
        let client = server.client();
        let variables = json!({ "file": null, "name": "items", "wait": 60 });
        let answer = client.upload_mutation(UPLOAD, &variables, ("anything.csv", ITEMS.as_bytes()));
        assert_eq!(answer.status, 200, "{}", answer.text);
        let payload = answer.data()["upload"].clone();
        assert_eq!(payload["job"]["status"], "SUCCEEDED");
        assert_eq!(payload["dataset"], json!({ "name": "items", "version": 1, "rowCount": "6" }));
        // The mutation creates; a taken name is a conflict with a hint.
        let answer = client.upload_mutation(UPLOAD, &variables, ("anything.csv", ITEMS.as_bytes()));
        let (code, message) = answer.error();
        assert_eq!(code, "CONFLICT", "{message}");
        assert!(message.contains("REPLACE"), "{message}");
        // Told to, it replaces.
        let variables = json!({ "file": null, "name": "items", "mode": "REPLACE", "wait": 60 });
        let other = ITEMS.replace("Anvil", "Awl");
        let answer = client.upload_mutation(UPLOAD, &variables, ("anything.csv", other.as_bytes()));
        assert_eq!(answer.data()["upload"]["dataset"]["version"], 2);
        // Without a name it is the file's.
        let variables = json!({ "file": null, "wait": 60 });
        let answer =
            client.upload_mutation(UPLOAD, &variables, ("my orders.csv", ORDERS.as_bytes()));
        assert_eq!(answer.data()["upload"]["dataset"]["name"], "myOrders");
        assert_eq!(spool_files(server), Vec::<String>::new());
    });
}

/// What is left of received bodies.
fn spool_files(server: &Server) -> Vec<String> {
    crate::harness::folder::files_below(&server.data_dir().join("spool"))
}

#[test]
fn a_job_can_be_polled() {
    both_stores(|server| {
        let client = server.client();
        let answer = client.upload_with("numbers", "wait=0", generation(1, 50_000));
        assert_eq!(answer.status, 202, "{}", answer.text);
        let id = answer.json()["job"]["id"].as_str().unwrap().to_owned();
        let query = "query J($id: ID!) { job(id: $id) { status phase progress { bytesDone bytesTotal rowsDone } error { code } datasets { name rowCount } } }";
        let job = eventually("the job's end", Duration::from_secs(60), || {
            let job = client.data_with(query, &json!({ "id": id }))["job"].clone();
            assert_ne!(job["status"], "FAILED", "{job}");
            (job["status"] == "SUCCEEDED").then_some(job)
        });
        assert_eq!(job["datasets"], json!([{ "name": "numbers", "rowCount": "50000" }]));
        let none =
            client.data_with(query, &json!({ "id": "00000000-0000-7000-8000-000000000000" }));
        assert_eq!(none["job"], Value::Null);
    });
}

#[test]
fn a_put_replaces_and_a_create_does_not() {
    both_stores(|server| {
        let client = server.client();
        client.load("things", "id,name\n1,one\n2,two\n");
        let again = client.load("things", "id,name,extra\n1,uno,x\n");
        assert_eq!(again["dataset"]["version"], 2);
        assert_eq!(
            client.data("{ things { id name extra } }"),
            json!({ "things": [{ "id": 1, "name": "uno", "extra": "x" }] })
        );
        let refused = client.upload_with("things", "mode=create&wait=60", "id\n1\n");
        assert_eq!((refused.status, refused.code().as_str()), (409, "CONFLICT"));
        assert_eq!(client.data("{ things { name } }"), json!({ "things": [{ "name": "uno" }] }));
        // A column that went away is not served any more.
        client.load("things", "id\n7\n");
        let answer = client.graphql("{ things { name } }", &json!({}));
        assert!(answer.error().1.contains("name"), "{}", answer.text);
    });
}

#[test]
fn nobody_sees_half_a_table() {
    both_stores(|server| {
        let client = server.client();
        const N_ROWS: usize = 20_000;
        client.load("steps", generation(1, N_ROWS));
        let is_over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let reader = scope.spawn(|| {
                let mut n_asked = 0;
                while !is_over.load(Ordering::Acquire) {
                    let data = client.data(
                        "{ stepsAggregate { aggregate { count min { generation } max { generation } } } }",
                    );
                    let aggregate = &data["stepsAggregate"]["aggregate"];
                    assert_eq!(aggregate["count"], N_ROWS, "{aggregate}");
                    assert_eq!(aggregate["min"], aggregate["max"], "one version: {aggregate}");
                    n_asked += 1;
                }
                n_asked
            });
            for n in 2..6 {
                client.load("steps", generation(n, N_ROWS));
            }
            is_over.store(true, Ordering::Release);
            assert!(reader.join().unwrap() > 0);
        });
    });
}

#[test]
fn two_uploads_of_one_name_at_once_both_get_an_answer() {
    both_stores(|server| {
        let client = server.client();
        let statuses: Vec<u16> = std::thread::scope(|scope| {
            let uploads: Vec<_> = (0..4)
                .map(|n| {
                    let client = &client;
                    scope.spawn(move || client.upload("same", generation(n, 5_000)).status)
                })
                .collect();
            uploads.into_iter().map(|upload| upload.join().unwrap()).collect()
        });
        assert_eq!(statuses, [200; 4]);
        let data = client.data("{ sameAggregate { aggregate { count min { generation } max { generation } } } dataset(name: \"same\") { version } }");
        let aggregate = &data["sameAggregate"]["aggregate"];
        assert_eq!(aggregate["count"], 5_000);
        assert_eq!(aggregate["min"], aggregate["max"]);
        assert_eq!(data["dataset"]["version"], 4);
        // Of several that create, one is first.
        let codes: Vec<u16> = std::thread::scope(|scope| {
            let uploads: Vec<_> = (0..4)
                .map(|n| {
                    let client = &client;
                    scope.spawn(move || {
                        client
                            .upload_with("fresh", "mode=create&wait=60", generation(n, 2_000))
                            .status
                    })
                })
                .collect();
            uploads.into_iter().map(|upload| upload.join().unwrap()).collect()
        });
        assert_eq!(codes.iter().filter(|status| **status == 200).count(), 1, "{codes:?}");
        assert_eq!(codes.iter().filter(|status| **status == 409).count(), 3, "{codes:?}");
    });
}

#[test]
fn serve_loads_its_files_before_it_is_ready() {
    for kind in [StoreKind::Sqlite, StoreKind::Postgres] {
        let folder = Folder::new();
        let files = vec![folder.file("orders.csv", ORDERS), folder.file("Line Items.csv", ITEMS)];
        let (options, database) = Options::of(kind);
        let server = Server::start_with(Options { files, ..options }, database);
        let client = server.client();
        assert_eq!(client.get("/readyz").status, 200);
        let data =
            client.data("{ ordersAggregate { aggregate { count } } lineItems(limit: 1) { name } }");
        assert_eq!(data["ordersAggregate"]["aggregate"]["count"], 400);
        assert_eq!(data["lineItems"][0]["name"], "Anvil");
        assert!(server.greeting.iter().any(|line| line.contains("orders.csv as orders: 400 rows")));
    }
}

#[test]
fn serve_stops_at_a_file_that_cannot_be_loaded() {
    let folder = Folder::new();
    let files = vec![folder.file("empty.csv", "")];
    let (options, database) = Options::of(StoreKind::Sqlite);
    let Err(text) = Server::try_start(Options { files, ..options }, database) else {
        panic!("an empty file was loaded");
    };
    assert!(text.contains("empty.csv"), "{text}");
}

#[test]
fn the_command_line_uploads() {
    let server = Server::start(StoreKind::Sqlite);
    let folder = Folder::new();
    folder.file("orders.csv", ORDERS);
    folder.file("broken.csv", "a,b\n1,\"2\n");
    let to = format!("http://{}", server.address);
    let run = |arguments: &[&str], key: &str| {
        let mut all = vec!["upload", "--to", &to];
        all.extend(arguments);
        let output = run_sluice(&folder, &all, &[("SLUICE_KEY", key)]);
        let text = format!(
            "{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        (output.status.code().unwrap(), text)
    };
    let (code, text) = run(&["orders.csv"], ADMIN_KEY);
    assert_eq!((code, text.as_str()), (0, "orders: 400 rows (version 1)\n"));
    let (code, text) = run(&["orders.csv", "--name", "sales", "--mode", "create"], ADMIN_KEY);
    assert_eq!((code, text.as_str()), (0, "sales: 400 rows (version 1)\n"));
    let (code, text) = run(&["orders.csv", "--name", "sales", "--mode", "create"], ADMIN_KEY);
    assert_eq!(code, 5, "{text}");
    let (code, text) = run(&["broken.csv"], ADMIN_KEY);
    assert_eq!(code, 3, "{text}");
    let (code, text) = run(&["missing.csv"], ADMIN_KEY);
    assert_eq!(code, 3, "{text}");
    let (code, text) = run(&["orders.csv"], "wrong");
    assert_eq!(code, 5, "{text}");
    assert!(text.contains("sluice keys create"), "{text}");
    let (code, text) = run(&["--nonsense"], ADMIN_KEY);
    assert_eq!(code, 2, "{text}");
    let nobody = ["upload", "--to", "http://127.0.0.1:1", "orders.csv"];
    let output = run_sluice(&folder, &nobody, &[]);
    assert_eq!(output.status.code(), Some(4));
}

#[test]
fn parameters_are_checked_before_the_body_is_taken() {
    let server = Server::start_set(StoreKind::Sqlite, "MAX_UPLOAD_SIZE", "64KiB");
    let client = server.client();
    let check = |path: &str, status: u16, expect: &str| {
        let answer = client.request("PUT", path, &[], "id\n1\n");
        assert_eq!(answer.status, status, "{path}: {}", answer.text);
        assert!(answer.text.contains(expect), "{path}: {}", answer.text);
    };
    check("/upload/x?mode=merge", 400, "append or upsert");
    check("/upload/x?onDrift=bend", 400, "fail, widen or replace");
    check("/upload/x?onError=skip", 400, "abort or reject");
    check("/upload/x?wait=601", 400, "seconds from 0 to 600");
    check("/upload/x?wait=-1", 400, "seconds from 0 to 600");
    check("/upload/x?colour=red", 400, "colour");
    check("/upload/x?skipRows=many", 400, "whole number");
    check("/upload", 400, "needs a name");
    check("/upload?filename=two.csv&wait=60", 200, "\"two\"");
    check("/upload/three.csv?wait=60", 200, "\"three\"");
    check("/upload/semi?delimiter=%3B&wait=60", 200, "\"semi\"");
    let form = client.request(
        "POST",
        "/upload/x",
        &[("content-type", "multipart/form-data; boundary=x")],
        "--x--",
    );
    assert_eq!(form.status, 415);
}

#[test]
fn options_decide_how_a_file_is_read() {
    both_stores(|server| {
        let client = server.client();
        let answer = client.upload_with(
            "semi",
            "wait=60&delimiter=%7C&nullSpellings=none,nil",
            "id|amount\n1|none\n2|5\n3|nil\n",
        );
        assert_eq!(answer.status, 200, "{}", answer.text);
        assert_eq!(
            client.data("{ semi { id amount } }"),
            json!({ "semi": [{ "id": 1, "amount": null }, { "id": 2, "amount": 5 }, { "id": 3, "amount": null }] })
        );
    });
}

#[test]
fn json_comes_back_as_it_was_written() {
    both_stores(|server: &Server| {
        let client = server.client();
        let lines = "{\"id\":7,\"tags\":{\"a\":[1, 2.50]},\"name\":\"x\"}\n{\"id\":8,\"tags\":null,\"name\":\"y\"}\n";
        client.load("lines", lines);
        let answer = client.graphql("{ lines { id tags name } }", &json!({}));
        let expected = "{\"data\":{\"lines\":[{\"id\":7,\"tags\":{\"a\":[1, 2.50]},\"name\":\"x\"},\
                        {\"id\":8,\"tags\":null,\"name\":\"y\"}]}}";
        assert_eq!(answer.text, expected);
    });
}
