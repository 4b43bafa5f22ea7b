//! Correcting later: columns, keys, readings, names; from the file, or from the rows that are there.

use serde_json::{Value, json};

use crate::harness::{Client, both_stores, run_sluice};
use crate::options::upload;

/// The payload of a mutation that makes a dataset anew.
#[track_caller]
fn change(client: &Client, call: &str) -> Value {
    let query = format!(
        "mutation {{ {call} {{ job {{ kind status error {{ code message }} counts {{ inserted rejected }} }} dataset {{ version key columns {{ name type required declared description }} notices {{ code }} source {{ fileName }} }} drift {{ kind impact column }} }} }}"
    );
    let data = client.data(&query);
    data.as_object().unwrap().values().next().unwrap().clone()
}

fn error_of(payload: &Value) -> (String, String) {
    let text = |key: &str| payload["job"]["error"][key].as_str().unwrap_or_default().to_owned();
    (text("code"), text("message"))
}

const FILE: &[u8] = b"Code,When,Amount\n007,03/04/2024,1\n008,05/06/2024,2\nx9,07/08/2024,oops\n";

#[test]
fn a_column_is_corrected_from_the_kept_file() {
    both_stores(|server| {
        let client = server.client();
        upload(&client, "cases", FILE, &json!({}));
        assert_eq!(
            client.data("{ cases(limit: 1) { code when amount } }"),
            json!({ "cases": [{ "code": "007", "when": "03/04/2024", "amount": "1" }] })
        );
        // What would be lost is listed first.
        let refused = change(
            &client,
            "alterColumn(dataset: \"cases\", column: \"amount\", type: INT, wait: 60)",
        );
        let (code, message) = error_of(&refused);
        assert_eq!(code, "FILE_REJECTED", "{refused}");
        assert!(
            message.contains("1 rows have values")
                && message.contains("\"oops\"")
                && message.contains("allowLoss"),
            "{message}"
        );
        let done = change(
            &client,
            "alterColumn(dataset: \"cases\", column: \"amount\", type: INT, name: \"total\", required: true, description: \"In cents.\", allowLoss: true, wait: 60)",
        );
        assert_eq!(done["job"]["status"], "SUCCEEDED", "{done}");
        assert_eq!(
            (&done["job"]["kind"], &done["job"]["counts"]["rejected"]),
            (&json!("DERIVE"), &json!("1"))
        );
        assert_eq!(
            done["dataset"]["columns"][3],
            json!({ "name": "total", "type": "INT", "required": true, "declared": true, "description": "In cents." })
        );
        assert_eq!(
            client.data(
                "{ cases { total } dataset(name: \"cases\") { rejects { value cells { name } } } }"
            ),
            json!({ "cases": [{ "total": 1 }, { "total": 2 }], "dataset": { "rejects": [{ "value": "oops", "cells": [{ "name": "code" }, { "name": "when" }, { "name": "total" }] }] } })
        );
        // Another reading of the same file; what was declared stays.
        let read = change(
            &client,
            "reparse(dataset: \"cases\", options: { dateOrder: DMY, skipFooter: 1 }, wait: 60)",
        );
        assert_eq!(read["job"]["status"], "SUCCEEDED", "{read}");
        assert_eq!(
            client.data("{ cases { when total } }"),
            json!({ "cases": [{ "when": "2024-04-03", "total": 1 }, { "when": "2024-06-05", "total": 2 }] })
        );
        // A later upload keeps the name, the type and the description.
        let next = upload(&client, "cases", b"Amount,Code\n5,a\n", &json!({}));
        assert_eq!(next["job"]["status"], "SUCCEEDED", "{next}");
        assert_eq!(
            client.data(
                "{ cases { total code } dataset(name: \"cases\") { columns { name description } } }"
            )["dataset"]["columns"][1],
            json!({ "name": "total", "description": "In cents." })
        );
    });
}

#[test]
fn words_change_at_once_and_wrong_ones_are_refused() {
    both_stores(|server| {
        let client = server.client();
        upload(&client, "cases", FILE, &json!({}));
        let said = change(
            &client,
            "alterColumn(dataset: \"cases\", column: \"code\", description: \"The file number.\")",
        );
        assert_eq!(said["job"], Value::Null);
        assert_eq!(
            (&said["dataset"]["version"], &said["dataset"]["columns"][1]["description"]),
            (&json!(1), &json!("The file number."))
        );
        assert!(client.get("/schema.graphql").text.contains("The file number."));
        for (call, code) in [
            (
                "alterColumn(dataset: \"cases\", column: \"none\", type: INT) { drift { kind } }",
                "BAD_USER_INPUT",
            ),
            (
                "alterColumn(dataset: \"cases\", column: \"id\", type: INT) { drift { kind } }",
                "BAD_USER_INPUT",
            ),
            (
                "alterColumn(dataset: \"cases\", column: \"code\", name: \"_x\") { drift { kind } }",
                "BAD_USER_INPUT",
            ),
            (
                "alterColumn(dataset: \"cases\", column: \"code\", name: \"amount\") { drift { kind } }",
                "CONFLICT",
            ),
            ("setKey(dataset: \"none\", column: \"code\") { drift { kind } }", "NOT_FOUND"),
            ("renameDataset(dataset: \"none\", name: \"x\") { name }", "NOT_FOUND"),
        ] {
            let (found, message) = client.error(&format!("mutation {{ {call} }}"));
            assert_eq!(found, code, "{call}: {message}");
        }
    });
}

#[test]
fn a_key_is_chosen_and_given_up() {
    both_stores(|server| {
        let client = server.client();
        upload(&client, "cases", FILE, &json!({}));
        let done = change(&client, "setKey(dataset: \"cases\", column: \"code\", wait: 60)");
        assert_eq!(done["job"]["status"], "SUCCEEDED", "{done}");
        assert_eq!(
            client.data("{ casesByPk(id: \"008\") { id code } }"),
            json!({ "casesByPk": { "id": "008", "code": "008" } })
        );
        let done = change(&client, "setKey(dataset: \"cases\", wait: 60)");
        assert_eq!(done["job"]["status"], "SUCCEEDED", "{done}");
        assert_eq!(
            client.data("{ casesByPk(id: 2) { code } }"),
            json!({ "casesByPk": { "code": "008" } })
        );
        upload(&client, "twice", b"a,b\n1,x\n1,y\n", &json!({}));
        let (code, message) =
            error_of(&change(&client, "setKey(dataset: \"twice\", column: \"a\", wait: 60)"));
        assert_eq!(code, "FILE_REJECTED", "{message}");
        assert!(message.contains("data row 2"), "{message}");
    });
}

#[test]
fn rows_of_several_files_are_made_anew_from_themselves() {
    both_stores(|server| {
        let client = server.client();
        let first = "Name,N,Flag,At,Price,Note\n\"a \"\"b\"\"\",1,yes,2024-01-01T10:00:00+02:00,\"1,200.50\",\"\"\n,,,,,\n";
        upload(&client, "mix", first.as_bytes(), &json!({}));
        upload(
            &client,
            "mix",
            b"Name,N,Flag,At,Price,Note\n\"x\ny\",2,no,2024-01-02T00:00:00Z,\"3,000.00\",z\n",
            &json!({ "mode": "APPEND" }),
        );
        let fields = "{ mix { id name flag at price note } }";
        let before = client.data(fields);
        let done =
            change(&client, "alterColumn(dataset: \"mix\", column: \"n\", type: STRING, wait: 60)");
        assert_eq!(done["job"]["status"], "SUCCEEDED", "{done}");
        assert!(
            done["dataset"]["notices"]
                .as_array()
                .unwrap()
                .contains(&json!({ "code": "MADE_OF_ROWS" })),
            "{done}"
        );
        assert_eq!(client.data(fields), before);
        assert_eq!(
            client.data("{ mix { n } }"),
            json!({ "mix": [{ "n": "1" }, { "n": null }, { "n": "2" }] })
        );
        let back =
            change(&client, "alterColumn(dataset: \"mix\", column: \"n\", type: BIGINT, wait: 60)");
        assert_eq!(back["job"]["status"], "SUCCEEDED", "{back}");
        assert_eq!(
            client.data("{ mix(where: {n: {_gt: \"1\"}}) { n } }"),
            json!({ "mix": [{ "n": "2" }] })
        );
        let (code, message) = client.error(
            "mutation { reparse(dataset: \"mix\", options: { headerRow: 1 }) { drift { kind } } }",
        );
        assert_eq!(code, "CONFLICT", "{message}");
        let spool = crate::harness::folder::files_below(&server.data_dir().join("spool"));
        assert_eq!(spool, Vec::<String>::new());
    });
}

#[test]
fn a_job_that_failed_is_begun_again() {
    both_stores(|server| {
        let client = server.client();
        upload(&client, "taken", FILE, &json!({}));
        let failed = upload(
            &client,
            "strict",
            FILE,
            &json!({ "options": { "columns": [{ "label": "Amount", "type": "INT" }] } }),
        );
        let id = failed["job"]["id"].as_str().unwrap();
        let again =
            client.data(&format!("mutation {{ retryJob(id: \"{id}\") {{ id status kind }} }}"));
        let again = again["retryJob"].clone();
        assert_ne!(again["id"], failed["job"]["id"]);
        let job = crate::harness::eventually("its end", std::time::Duration::from_secs(30), || {
            let query = format!("{{ job(id: {}) {{ status error {{ code }} }} }}", again["id"]);
            let job = client.data(&query)["job"].clone();
            (job["status"] != "QUEUED" && job["status"] != "RUNNING").then_some(job)
        });
        assert_eq!(job, json!({ "status": "FAILED", "error": { "code": "FILE_REJECTED" } }));
        let done = client.data("{ jobs(where: {status: {_eq: \"SUCCEEDED\"}}) { id } }");
        let (code, _) = client
            .error(&format!("mutation {{ retryJob(id: {}) {{ id }} }}", done["jobs"][0]["id"]));
        assert_eq!(code, "CONFLICT");
    });
}

#[test]
fn datasets_are_renamed_and_dropped_by_admins() {
    both_stores(|server| {
        let client = server.client();
        upload(&client, "cases", FILE, &json!({}));
        upload(&client, "other", FILE, &json!({}));
        let renamed = client.data("mutation { renameDataset(dataset: \"cases\", name: \"Old Cases\") { name typeName label version } }");
        assert_eq!(
            renamed["renameDataset"],
            json!({ "name": "oldCases", "typeName": "OldCases", "label": "Old Cases", "version": 1 })
        );
        assert_eq!(
            client.data("{ oldCases(limit: 1) { code } }"),
            json!({ "oldCases": [{ "code": "007" }] })
        );
        assert_eq!(client.graphql("{ cases { code } }", &json!({})).status, 200);
        let (code, _) = client
            .error("mutation { renameDataset(dataset: \"oldCases\", name: \"other\") { name } }");
        assert_eq!(code, "CONFLICT");
        let folder = crate::harness::Folder::new();
        let data_dir = server.data_dir().display().to_string();
        let url = server.database_url();
        let key_of = |scope: &str| {
            let mut arguments = vec!["keys", "--data-dir", &data_dir];
            if let Some(url) = &url {
                arguments.extend(["--database-url", url]);
            }
            arguments.extend(["create", "--scope", scope]);
            let output = run_sluice(&folder, &arguments, &[]);
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            String::from_utf8(output.stdout).unwrap().trim().to_owned()
        };
        let (uploader, reader) =
            (client.with_key(&key_of("upload")), client.with_key(&key_of("read")));
        for call in [
            "dropDataset(dataset: \"oldCases\") { name }",
            "renameDataset(dataset: \"oldCases\", name: \"x\") { name }",
        ] {
            assert_eq!(uploader.error(&format!("mutation {{ {call} }}")).0, "FORBIDDEN", "{call}");
        }
        for call in [
            "alterColumn(dataset: \"oldCases\", column: \"code\", description: \"x\") { drift { kind } }",
            "setKey(dataset: \"oldCases\") { drift { kind } }",
            "reparse(dataset: \"oldCases\", options: {}) { drift { kind } }",
            "admitRejects(dataset: \"oldCases\", corrections: []) { drift { kind } }",
            "discardRejects(dataset: \"oldCases\") { name }",
            "retryJob(id: \"00000000-0000-7000-8000-000000000000\") { id }",
        ] {
            assert_eq!(reader.error(&format!("mutation {{ {call} }}")).0, "FORBIDDEN", "{call}");
        }
        assert_eq!(reader.request("POST", "/inspect", &[], "a\n1\n").status, 403);
        assert_eq!(reader.get("/rejects/oldCases.csv").status, 403);
        let dropped = client.data("mutation { dropDataset(dataset: \"oldCases\") { name } }");
        assert_eq!(dropped["dropDataset"]["name"], "oldCases");
        assert_eq!(
            client.data("{ datasets { name } }"),
            json!({ "datasets": [{ "name": "other" }] })
        );
        assert_eq!(
            client.error("mutation { dropDataset(dataset: \"oldCases\") { name } }").0,
            "NOT_FOUND"
        );
        // The name is free again.
        upload(&client, "Old Cases", FILE, &json!({ "mode": "CREATE" }));
        assert_eq!(client.data("{ oldCases(limit: 1) { code } }")["oldCases"][0]["code"], "007");
    });
}
