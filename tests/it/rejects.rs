//! Declared types and required values: refused rows, kept, shown, corrected and admitted.

use serde_json::{Value, json};

use crate::harness::{Server, StoreKind, both_stores};
use crate::options::upload;

const FILE: &[u8] =
    b"Name,Amount,Day\nann,\"1,200\",2024-01-01\nbob,lots,2024-01-02\ncid,3,soon\ndan,4,\n";

fn typed() -> Value {
    json!({ "options": { "columns": [
        { "label": "Amount", "type": "INT" },
        { "label": "Day", "type": "DATE", "required": true },
    ] } })
}

#[test]
fn nothing_is_loaded_unless_asked_for() {
    both_stores(|server| {
        let client = server.client();
        let payload = upload(&client, "pay", FILE, &typed());
        let error = &payload["job"]["error"];
        assert_eq!(error["code"], "FILE_REJECTED", "{payload}");
        let message = error["message"].as_str().unwrap();
        for part in ["Row 3", "\"Amount\"", "\"lots\"", "2 more rows", "onError: REJECT"] {
            assert!(message.contains(part), "{part}: {message}");
        }
        assert_eq!(payload["job"]["counts"]["rejected"], "3");
        let job = client.data("{ jobs(limit: 1) { refused { id row column value reason } } }");
        let refused = &job["jobs"][0]["refused"];
        assert_eq!(refused.as_array().unwrap().len(), 3, "{job}");
        assert_eq!(
            (&refused[0]["id"], &refused[0]["row"], &refused[0]["column"], &refused[0]["value"]),
            (&Value::Null, &json!("3"), &json!("Amount"), &json!("lots"))
        );
        assert_eq!(client.data("{ dataset(name: \"pay\") { name } }"), json!({ "dataset": null }));
    });
}

#[test]
fn refused_rows_are_kept_corrected_and_admitted() {
    both_stores(|server| {
        let client = server.client();
        let mut more = typed();
        more["onError"] = json!("REJECT");
        let payload = upload(&client, "pay", FILE, &more);
        assert_eq!(payload["job"]["status"], "SUCCEEDED", "{payload}");
        assert_eq!(
            payload["job"]["counts"],
            json!({ "inserted": "1", "updated": "0", "unchanged": "0", "rejected": "3" })
        );
        assert_eq!(payload["dataset"]["rejectCount"], "3");
        let query = "{ pay { name amount day } dataset(name: \"pay\") { rejectCount rejects(limit: 2) { id row column value reason cells { name value } } rest: rejects(offset: 2) { row reason } } }";
        let data = client.data(query);
        assert_eq!(data["pay"], json!([{ "name": "ann", "amount": 1200, "day": "2024-01-01" }]));
        let rejects = &data["dataset"]["rejects"];
        assert_eq!(
            (&rejects[0]["row"], &rejects[0]["column"], &rejects[0]["value"]),
            (&json!("3"), &json!("Amount"), &json!("lots"))
        );
        assert_eq!(
            rejects[1]["cells"],
            json!([{ "name": "name", "value": "cid" }, { "name": "amount", "value": "3" }, { "name": "day", "value": "soon" }])
        );
        assert!(data["dataset"]["rest"][0]["reason"].as_str().unwrap().contains("required"));

        let csv = client.get("/rejects/pay.csv");
        assert_eq!(csv.status, 200, "{}", csv.text);
        assert!(
            csv.text.starts_with("id,row,column,value,reason,name,amount,day\r\n"),
            "{}",
            csv.text
        );
        assert!(csv.text.contains(",bob,lots,2024-01-02\r\n"), "{}", csv.text);
        assert_eq!(client.get("/rejects/none.csv").status, 404);
        assert_eq!(server.anonymous().get("/rejects/pay.csv").status, 401);

        let admit = "mutation A($corrections: [RejectCorrection!]!) { admitRejects(dataset: \"pay\", corrections: $corrections, wait: 60) { job { status error { code message } counts { inserted } } dataset { rowCount rejectCount source { fileName } } } }";
        let (bob, cid) = (&rejects[0]["id"], &rejects[1]["id"]);
        let correction = |id: &Value, column: &str, value: &str| json!({ "id": id, "cells": [{ "column": column, "value": value }] });
        // All or none: the second still does not fit.
        let bad = json!({ "corrections": [correction(bob, "amount", "1,500"), correction(cid, "day", "later")] });
        let failed = client.data_with(admit, &bad)["admitRejects"].clone();
        let message = failed["job"]["error"]["message"].as_str().unwrap_or_default();
        assert!(message.contains("number 2") && message.contains("later"), "{failed}");
        let good = json!({ "corrections": [correction(bob, "amount", "1,500"), correction(cid, "day", "2024-01-03")] });
        let done = client.data_with(admit, &good)["admitRejects"].clone();
        assert_eq!(done["job"]["status"], "SUCCEEDED", "{done}");
        assert_eq!(
            done["dataset"],
            json!({ "rowCount": "3", "rejectCount": "1", "source": { "fileName": "file.csv" } })
        );
        assert_eq!(
            client.data("{ pay { name amount day } }")["pay"],
            json!([
                { "name": "ann", "amount": 1200, "day": "2024-01-01" },
                { "name": "bob", "amount": 1500, "day": "2024-01-02" },
                { "name": "cid", "amount": 3, "day": "2024-01-03" },
            ])
        );
        let gone = client.graphql(admit, &good);
        assert_eq!(gone.code(), "NOT_FOUND");
        let wrong = json!({ "corrections": [{ "id": client.data(query)["dataset"]["rejects"][0]["id"], "cells": [{ "column": "zz", "value": "1" }] }] });
        assert_eq!(client.graphql(admit, &wrong).code(), "BAD_USER_INPUT");
        let left = client
            .data("mutation { discardRejects(dataset: \"pay\") { rejectCount rejects { id } } }");
        assert_eq!(left["discardRejects"], json!({ "rejectCount": "0", "rejects": [] }));
    });
}

#[test]
fn a_row_is_admitted_once_however_often_it_is_asked_for() {
    both_stores(|server| {
        let client = server.client();
        let mut more = typed();
        more["onError"] = json!("REJECT");
        upload(&client, "pay", FILE, &more);
        let id = client.data("{ dataset(name: \"pay\") { rejects { id } } }")["dataset"]["rejects"]
            [0]["id"]
            .clone();
        let admit = |wait: u32| {
            let text = format!(
                "mutation A($id: ID!) {{ admitRejects(dataset: \"pay\", corrections: [{{ id: $id, cells: [{{ column: \"amount\", value: \"7\" }}] }}], wait: {wait}) {{ job {{ id status error {{ code }} }} }} }}"
            );
            client.graphql(&text, &json!({ "id": id })).json()
        };
        // Both find the reject before the first is done, or the second does not find it.
        let first = admit(0);
        let second = admit(60);
        let code = match second["data"]["admitRejects"].as_object() {
            Some(payload) => payload["job"]["error"]["code"].clone(),
            None => second["errors"][0]["extensions"]["code"].clone(),
        };
        assert!(code == "CONFLICT" || code == "NOT_FOUND", "{first} {second}");
        let data = client.data("{ pay { name } dataset(name: \"pay\") { rejectCount } }");
        assert_eq!(
            data,
            json!({ "pay": [{ "name": "ann" }, { "name": "bob" }], "dataset": { "rejectCount": "2" } })
        );
    });
}

#[test]
fn a_correction_may_have_more_digits_after_the_point() {
    both_stores(|server| {
        let client = server.client();
        let declared = json!({
            "onError": "REJECT",
            "options": { "columns": [{ "label": "amt", "type": "DECIMAL" }] },
        });
        upload(&client, "fine", b"k,amt\n1,1.5\n2,much\n", &declared);
        let payload = client.data(
            "mutation { admitRejects(dataset: \"fine\", corrections: [{ id: \"1\", cells: [{ column: \"amt\", value: \"9.125\" }] }], wait: 60) { job { status } dataset { columns { name declared } } } }",
        );
        assert_eq!(payload["admitRejects"]["job"]["status"], "SUCCEEDED", "{payload}");
        assert_eq!(
            client.data("{ fine { amt } }"),
            json!({ "fine": [{ "amt": "1.500" }, { "amt": "9.125" }] })
        );
        // What was not declared did not become so.
        assert_eq!(
            payload["admitRejects"]["dataset"]["columns"][1],
            json!({ "name": "k", "declared": false })
        );
    });
}

#[test]
fn additions_keep_types_and_set_rows_aside() {
    both_stores(|server| {
        let client = server.client();
        upload(&client, "log", b"n,at\n1,2024-01-01\n", &json!({}));
        let payload = upload(
            &client,
            "log",
            b"n,at\n2,2024-01-02\nx,2024-01-03\n3,\n",
            &json!({ "mode": "APPEND", "onError": "REJECT" }),
        );
        assert_eq!(
            payload["job"]["counts"],
            json!({ "inserted": "2", "updated": "0", "unchanged": "0", "rejected": "1" }),
            "{payload}"
        );
        assert_eq!(
            client.data("{ log { n } dataset(name: \"log\") { rejectCount } }"),
            json!({ "log": [{ "n": 1 }, { "n": 2 }, { "n": 3 }], "dataset": { "rejectCount": "1" } })
        );
        // Earlier rejects stay with a further addition and go with a replacement.
        upload(
            &client,
            "log",
            b"n,at\ny,2024-01-04\n",
            &json!({ "mode": "APPEND", "onError": "REJECT" }),
        );
        assert_eq!(
            client.data("{ dataset(name: \"log\") { rejectCount rejects { value } } }"),
            json!({ "dataset": { "rejectCount": "2", "rejects": [{ "value": "x" }, { "value": "y" }] } })
        );
        upload(&client, "log", b"n,at\n1,2024-01-01\n", &json!({}));
        assert_eq!(
            client.data("{ dataset(name: \"log\") { rejectCount } }"),
            json!({ "dataset": { "rejectCount": "0" } })
        );
    });
}

#[test]
fn too_many_refused_rows_fail_the_load() {
    let server = Server::start_set(StoreKind::Sqlite, "SLUICE_MAX_REJECTS", "2");
    let client = server.client();
    let more =
        json!({ "onError": "REJECT", "options": { "columns": [{ "label": "n", "type": "INT" }] } });
    let payload = upload(&client, "few", b"n\n1\nx\ny\n", &more);
    assert_eq!(payload["dataset"]["rejectCount"], "2", "{payload}");
    let payload = upload(&client, "many", b"n\n1\nx\ny\nz\n", &more);
    let message = payload["job"]["error"]["message"].as_str().unwrap_or_default();
    assert!(message.contains("max_rejects"), "{payload}");
}
