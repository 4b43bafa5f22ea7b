//! Loading again: additions, changes by key, drift and policies, repeated requests.

use serde_json::{Value, json};

use crate::harness::{Server, StoreKind, both_stores};
use crate::options::upload;

fn drift_of(payload: &Value) -> Vec<String> {
    let list = payload["drift"].as_array().unwrap();
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    list.iter()
        .map(|drift| {
            format!(
                "{} {} {}",
                text(&drift["kind"]),
                text(&drift["impact"]),
                text(&drift["column"])
            )
        })
        .collect()
}

fn error_of(payload: &Value) -> (String, String) {
    let text = |key: &str| payload["job"]["error"][key].as_str().unwrap_or_default().to_owned();
    (text("code"), text("message"))
}

#[test]
fn rows_are_added_below() {
    both_stores(|server| {
        let client = server.client();
        upload(&client, "log", b"Day,Hits\n2024-01-01,5\n2024-01-02,\n", &json!({}));
        let payload = upload(
            &client,
            "log",
            b"hits,DAY,Note\n7,2024-01-03,new\n",
            &json!({ "mode": "APPEND" }),
        );
        assert_eq!(payload["job"]["status"], "SUCCEEDED", "{payload}");
        assert_eq!(payload["job"]["counts"]["inserted"], "1");
        assert_eq!(
            drift_of(&payload),
            ["RENAMED SAFE hits", "RENAMED SAFE day", "ADDED SAFE note"]
        );
        assert_eq!(
            client.data("{ log { id day hits note } }"),
            json!({ "log": [
                { "id": 1, "day": "2024-01-01", "hits": 5, "note": null },
                { "id": 2, "day": "2024-01-02", "hits": null, "note": null },
                { "id": 3, "day": "2024-01-03", "hits": 7, "note": "new" },
            ] })
        );
        let columns = client.data("{ dataset(name: \"log\") { version rowCount columns { name statistics { nullCount max } } } }");
        assert_eq!(columns["dataset"]["rowCount"], "3");
        assert_eq!(
            columns["dataset"]["columns"][2]["statistics"],
            json!({ "nullCount": "1", "max": "7" })
        );
        // A column that is not in the file stays, without values.
        let payload = upload(&client, "log", b"Day\n2024-01-04\n", &json!({ "mode": "APPEND" }));
        assert_eq!(drift_of(&payload), ["MISSING SAFE hits", "MISSING SAFE note"], "{payload}");
        // The first addition makes the dataset.
        let payload = upload(&client, "fresh", b"a\n1\n", &json!({ "mode": "APPEND" }));
        assert_eq!(payload["dataset"]["version"], 1);
    });
}

#[test]
fn a_wider_column_needs_a_word() {
    both_stores(|server| {
        let client = server.client();
        let first = b"n,big,price,rate,flag,at,day,code\n1,1,1.50,2,true,2024-01-01T10:00:00Z,2024-01-01,1.5e0\n,,,,,,,\n";
        upload(&client, "wide", first, &json!({}));
        let more =
            b"n,big,price,rate,flag,at,day,code\n9999999999,x,2.125,1.5e3,maybe,later,soon,x\n";
        let payload = upload(&client, "wide", more, &json!({ "mode": "APPEND" }));
        let (code, message) = error_of(&payload);
        assert_eq!(code, "SCHEMA_DRIFT", "{payload}");
        assert!(message.contains("onDrift: WIDEN"), "{message}");
        assert!(drift_of(&payload).contains(&"WIDENED BREAKING n".to_owned()), "{payload}");
        assert_eq!(client.data("{ wide(limit: 1) { n } }"), json!({ "wide": [{ "n": 1 }] }));

        let payload =
            upload(&client, "wide", more, &json!({ "mode": "APPEND", "onDrift": "WIDEN" }));
        assert_eq!(payload["job"]["status"], "SUCCEEDED", "{payload}");
        assert_eq!(
            client.data("{ wide { n big price rate flag at day code } }"),
            json!({ "wide": [
                { "n": "1", "big": "1", "price": "1.500", "rate": 2.0, "flag": "true", "at": "2024-01-01T10:00:00Z", "day": "2024-01-01", "code": "1.5" },
                { "n": null, "big": null, "price": null, "rate": null, "flag": null, "at": null, "day": null, "code": null },
                { "n": "9999999999", "big": "x", "price": "2.125", "rate": 1500.0, "flag": "maybe", "at": "later", "day": "soon", "code": "x" },
            ] })
        );
    });
}

#[test]
fn rows_are_changed_by_their_key() {
    both_stores(|server| {
        let client = server.client();
        upload(&client, "stock", b"id,name,left\n1,nut,5\n2,bolt,6\n3,cog,7\n", &json!({}));
        let payload =
            upload(&client, "stock", b"left,id\n6,2\n9,3\n4,8\n", &json!({ "mode": "UPSERT" }));
        assert_eq!(payload["job"]["status"], "SUCCEEDED", "{payload}");
        assert_eq!(
            payload["job"]["counts"],
            json!({ "inserted": "1", "updated": "1", "unchanged": "1", "rejected": "0" })
        );
        assert_eq!(
            client.data("{ stock { id name left } stockByPk(id: 3) { left } }"),
            json!({ "stock": [
                { "id": 1, "name": "nut", "left": 5 },
                { "id": 2, "name": "bolt", "left": 6 },
                { "id": 3, "name": "cog", "left": 9 },
                { "id": 8, "name": null, "left": 4 },
            ], "stockByPk": { "left": 9 } })
        );
        // A key twice in the upload, a key that is there already, no key at all.
        let (code, message) = error_of(&upload(
            &client,
            "stock",
            b"id,left\n4,1\n4,2\n",
            &json!({ "mode": "UPSERT" }),
        ));
        assert_eq!(code, "FILE_REJECTED", "{message}");
        assert!(message.contains("data row 2 has the same value as data row 1"), "{message}");
        let (code, message) = error_of(&upload(
            &client,
            "stock",
            b"id,left\n9,1\n2,2\n",
            &json!({ "mode": "APPEND" }),
        ));
        assert_eq!(code, "CONFLICT", "{message}");
        assert!(message.contains("data row 2 of the upload has the key of row 2"), "{message}");
        upload(&client, "keyless", b"a,b\n1,2\n", &json!({}));
        let (code, message) =
            error_of(&upload(&client, "keyless", b"a,b\n1,3\n", &json!({ "mode": "UPSERT" })));
        assert_eq!(code, "BAD_USER_INPUT", "{message}");
        let payload =
            upload(&client, "keyless", b"a,b\n1,3\n", &json!({ "mode": "UPSERT", "key": "a" }));
        assert_eq!(payload["job"]["counts"]["updated"], "1", "{payload}");
        assert_eq!(
            client.data("{ keyless { id a b } }"),
            json!({ "keyless": [{ "id": 1, "a": 1, "b": 3 }] })
        );
    });
}

#[test]
fn a_chosen_key_is_kept_by_additions() {
    both_stores(|server| {
        let client = server.client();
        upload(&client, "goods", b"sku,n\na,1\n", &json!({ "key": "sku" }));
        let payload = upload(&client, "goods", b"sku,n\na,2\nb,3\n", &json!({ "mode": "UPSERT" }));
        assert_eq!(payload["job"]["status"], "SUCCEEDED", "{payload}");
        assert_eq!(
            client.data("{ goodsByPk(id: \"b\") { n } }"),
            json!({ "goodsByPk": { "n": 3 } })
        );
        let (code, _) =
            error_of(&upload(&client, "goods", b"sku,n\nb,2\n", &json!({ "mode": "APPEND" })));
        assert_eq!(code, "CONFLICT");
    });
}

#[test]
fn a_replacement_tells_what_clients_lose() {
    both_stores(|server| {
        let client = server.client();
        let first = b"Name,Total,Gone\nx,1.50,a\ny,2.50,b\n";
        let second = b"Name,Total,More\nx,7,1\n";
        upload(&client, "sales", first, &json!({}));
        let payload = upload(&client, "sales", second, &json!({ "onDrift": "FAIL" }));
        assert_eq!(error_of(&payload).0, "SCHEMA_DRIFT", "{payload}");
        let expect = ["NARROWED BREAKING total", "ADDED SAFE more", "MISSING BREAKING gone"];
        assert_eq!(drift_of(&payload), expect);
        let payload = upload(&client, "sales", second, &json!({ "onDrift": "WIDEN" }));
        assert_eq!(payload["job"]["status"], "SUCCEEDED", "{payload}");
        assert_eq!(
            client.data("{ sales { name total more gone } }"),
            json!({ "sales": [{ "name": "x", "total": "7.00", "more": 1, "gone": null }] })
        );
        upload(&client, "sales", first, &json!({}));
        let payload = upload(&client, "sales", second, &json!({}));
        assert_eq!(drift_of(&payload), expect, "{payload}");
        assert_eq!(client.data("{ sales { total } }"), json!({ "sales": [{ "total": 7 }] }));
    });
}

#[test]
fn the_same_again_is_no_work() {
    both_stores(|server| {
        let client = server.client();
        let first = upload(&client, "daily", b"a\n1\n", &json!({}));
        assert_eq!(first["unchanged"], false);
        let again = upload(&client, "daily", b"a\n1\n", &json!({}));
        assert_eq!(again["unchanged"], true, "{again}");
        assert_eq!(again["dataset"]["version"], 1);
        let other = json!({ "options": { "columns": [{ "label": "a", "type": "STRING" }] } });
        let changed = upload(&client, "daily", b"a\n1\n", &other);
        assert_eq!(
            (&changed["unchanged"], &changed["dataset"]["version"]),
            (&json!(false), &json!(2))
        );
        // What was declared holds for the next file too.
        let next = upload(&client, "daily", b"a\n2\n", &json!({}));
        assert_eq!(next["dataset"]["columns"][1]["type"], "STRING", "{next}");

        let named = json!({ "mode": "APPEND", "requestId": "monday" });
        let one = upload(&client, "daily", b"a\n3\n", &named);
        let two = upload(&client, "daily", b"a\n3\n", &named);
        assert_eq!((&one["job"]["id"], &two["unchanged"]), (&two["job"]["id"], &json!(true)));
        assert_eq!(
            client.data("{ daily { a } }"),
            json!({ "daily": [{ "a": "2" }, { "a": "3" }] })
        );
        let raw = client.upload_with("daily", "mode=append&requestId=monday&wait=60", "a\n3\n");
        assert_eq!(raw.json()["unchanged"], true, "{}", raw.text);
        // Another request needs another id.
        for (name, query, file) in [
            ("daily", "mode=append&requestId=monday&wait=60", "a\n4\n"),
            ("weekly", "mode=append&requestId=monday&wait=60", "a\n3\n"),
            ("daily", "mode=replace&requestId=monday&wait=60", "a\n3\n"),
            ("daily", "mode=append&requestId=monday&wait=60&key=a", "a\n3\n"),
        ] {
            let other = client.upload_with(name, query, file);
            assert_eq!((other.status, other.code().as_str()), (409, "CONFLICT"), "{query}");
            assert!(other.text.contains("monday"), "{}", other.text);
        }
    });
}

#[test]
fn a_creation_is_carried_out_once_however_often_it_is_sent() {
    both_stores(|server| {
        let client = server.client();
        let named = json!({ "mode": "CREATE", "requestId": "first" });
        let ids = std::thread::scope(|scope| {
            let send = || upload(&client, "once", b"a\n1\n", &named)["job"]["id"].clone();
            let sent: Vec<_> = (0..4).map(|_| scope.spawn(send)).collect();
            sent.into_iter().map(|sent| sent.join().unwrap()).collect::<Vec<Value>>()
        });
        assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
        let again = upload(&client, "once", b"a\n1\n", &named);
        assert_eq!((&again["unchanged"], &again["job"]["id"]), (&json!(true), &ids[0]));
        // Without the id the name is taken.
        let taken = client.upload_with("once", "mode=create&wait=60", "a\n1\n");
        assert_eq!((taken.status, taken.code().as_str()), (409, "CONFLICT"));
    });
}

#[test]
fn a_key_that_comes_and_goes_is_told() {
    both_stores(|server| {
        let client = server.client();
        let (unique, repeated) = (b"id,n\n5,1\n6,2\n", b"id,n\n5,1\n5,2\n");
        upload(&client, "keyed", unique, &json!({}));
        let payload = upload(&client, "keyed", repeated, &json!({ "onDrift": "FAIL" }));
        assert_eq!(error_of(&payload).0, "SCHEMA_DRIFT", "{payload}");
        assert_eq!(drift_of(&payload), ["REKEYED BREAKING id"]);
        assert_eq!(client.data("{ keyed { id } }"), json!({ "keyed": [{ "id": 5 }, { "id": 6 }] }));
        let payload = upload(&client, "keyed", repeated, &json!({}));
        assert_eq!(drift_of(&payload), ["REKEYED BREAKING id"], "{payload}");
        assert_eq!(
            client.data("{ keyed { id originalId } }"),
            json!({ "keyed": [{ "id": 1, "originalId": 5 }, { "id": 2, "originalId": 5 }] })
        );
        let payload = upload(&client, "keyed", unique, &json!({}));
        assert_eq!(drift_of(&payload), ["REKEYED BREAKING id"], "{payload}");
        assert_eq!(client.data("{ keyed { id } }"), json!({ "keyed": [{ "id": 5 }, { "id": 6 }] }));
        let payload = upload(&client, "keyed", b"n\n1\n", &json!({}));
        assert_eq!(drift_of(&payload), ["MISSING BREAKING id", "REKEYED BREAKING id"], "{payload}");
        // Rows that are numbered stay so.
        let payload = upload(&client, "keyed", b"n\n3\n4\n", &json!({}));
        assert_eq!(drift_of(&payload), Vec::<String>::new(), "{payload}");
    });
}

#[test]
fn a_header_written_otherwise_keeps_its_field() {
    both_stores(|server| {
        let client = server.client();
        upload(&client, "people", b"Customer Name,City\nAda,Paris\nBob,Rome\n", &json!({}));
        // The same values in the same place.
        let payload = upload(&client, "people", b"Client,City\nAda,Paris\nBob,Rome\n", &json!({}));
        assert_eq!(drift_of(&payload), ["RENAMED SAFE customerName"], "{payload}");
        // Other values under nearly the same header.
        let payload = upload(&client, "people", b"CLIENT,City\nCid,Oslo\n", &json!({}));
        assert_eq!(drift_of(&payload), ["RENAMED SAFE customerName"], "{payload}");
        // Other values under another header.
        let payload = upload(&client, "people", b"Buyer,City\nDan,Bonn\n", &json!({}));
        assert_eq!(drift_of(&payload), ["ADDED SAFE buyer", "MISSING BREAKING customerName"]);
    });
}

#[test]
fn doubles_as_programs_print_them_are_added_to_doubles() {
    both_stores(|server| {
        let client = server.client();
        let type_of = |name: &str| {
            let told = client
                .data(&format!("{{ dataset(name: \"{name}\") {{ columns {{ name type }} }} }}"));
            told["dataset"]["columns"][1].clone()
        };
        let append = json!({ "mode": "APPEND" });
        upload(
            &client,
            "ratios",
            b"id,r\n1,12.666666666666666\n2,0.06666666666666667\n",
            &json!({}),
        );
        assert_eq!(type_of("ratios")["type"], "FLOAT");
        // Alone these would be decimals.
        let payload = upload(&client, "ratios", b"id,r\n3,0.3333333333333333\n4,0.5\n", &append);
        assert_eq!(drift_of(&payload), ["NARROWED SAFE r"], "{payload}");
        let rows = client.data("{ ratios { r } ratiosAggregate { aggregate { sum { r } } } }");
        let expect = json!({
            "ratios": [
                { "r": 12.666666666666666 }, { "r": 0.06666666666666667 },
                { "r": 0.3333333333333333 }, { "r": 0.5 },
            ],
            "ratiosAggregate": { "aggregate": { "sum": { "r": 13.566666666666666 } } },
        });
        assert_eq!(rows, expect);

        // Decimals become doubles while that changes none, which is unknown once rows were changed.
        upload(&client, "prices", b"id,p\n1,1.25\n", &json!({}));
        let wide = json!({ "mode": "APPEND", "onDrift": "WIDEN" });
        upload(&client, "prices", b"id,p\n2,1.5e-7\n", &wide);
        assert_eq!(type_of("prices")["type"], "FLOAT");
        upload(&client, "prices", b"id,p\n1,1.25\n", &json!({ "mode": "REPLACE" }));
        let changed = r#"mutation { updatePricesByPk(pkColumns: { id: 1 }, _set: { p: "9999999999999999.99" }) { p } }"#;
        client.data(changed);
        upload(&client, "prices", b"id,p\n2,1.5e-7\n", &wide);
        assert_eq!(type_of("prices")["type"], "STRING");
        assert_eq!(
            client.data("{ prices { p } }"),
            json!({ "prices": [{ "p": "9999999999999999.99" }, { "p": "1.5e-7" }] })
        );
    });
}

#[test]
fn a_column_without_values_takes_any_type() {
    both_stores(|server| {
        let client = server.client();
        let header = "k,a,b,c,d,e,f,g,h\n";
        upload(&client, "late", format!("{header}1,,,,,,,,\n").as_bytes(), &json!({}));
        let row = "2,7,1.50,1.5e0,true,2024-01-01,2024-01-01T10:00:00Z,6ba7b810-9dad-11d1-80b4-00c04fd430c8,x\n";
        let payload = upload(
            &client,
            "late",
            format!("{header}{row}").as_bytes(),
            &json!({ "mode": "UPSERT", "key": "k", "onDrift": "WIDEN" }),
        );
        assert_eq!(payload["job"]["status"], "SUCCEEDED", "{payload}");
        // And an addition without values changes no type.
        let payload = upload(
            &client,
            "late",
            format!("{header}3,,,,,,,,\n").as_bytes(),
            &json!({ "mode": "APPEND" }),
        );
        assert_eq!(payload["drift"], json!([]), "{payload}");
        assert_eq!(
            client.data("{ late { k a b c d e f g h } }")["late"].as_array().unwrap()[1],
            json!({ "k": 2, "a": 7, "b": "1.50", "c": 1.5, "d": true, "e": "2024-01-01", "f": "2024-01-01T10:00:00Z", "g": "6ba7b810-9dad-11d1-80b4-00c04fd430c8", "h": "x" })
        );
    });
}

#[test]
fn many_additions_at_once_are_all_there_once() {
    for kind in [StoreKind::Sqlite, StoreKind::Postgres] {
        // What was is kept otherwise.
        let server = &Server::start_set(kind, "SLUICE_HISTORY_VERSIONS", "0");
        let client = server.client();
        upload(&client, "sum", b"n\n0\n", &json!({}));
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let client = &client;
                scope.spawn(move || {
                    for n in 0..3 {
                        let row = format!("n\n{}\n", 1 + thread * 3 + n);
                        let payload =
                            upload(client, "sum", row.as_bytes(), &json!({ "mode": "APPEND" }));
                        assert_eq!(payload["job"]["status"], "SUCCEEDED", "{payload}");
                    }
                });
            }
        });
        let data = client.data(
            "{ sumAggregate { aggregate { count sum { n } } } dataset(name: \"sum\") { version } }",
        );
        assert_eq!(data["sumAggregate"]["aggregate"], json!({ "count": 13, "sum": { "n": "78" } }));
        assert_eq!(data["dataset"]["version"], 13);
        // Tables that were only on the way are gone.
        if server.database_url().is_none() {
            crate::harness::eventually("one file", std::time::Duration::from_secs(10), || {
                let files =
                    crate::harness::folder::files_below(&server.data_dir().join("datasets"));
                let n_tables = files.iter().filter(|file| file.ends_with(".db")).count();
                (n_tables == 1).then_some(())
            });
        }
    }
}
