//! Starting without a file: datasets by definition, emptied, copied, described, renamed.

use serde_json::{Value, json};

use crate::access::key;
use crate::harness::{Client, both_stores};
use crate::options::upload;

const DATASET: &str = "name typeName version rowCount key oldNames description source { fileName } columns { name label type required nullable declared unique generated description }";

/// Makes a dataset of these columns.
#[track_caller]
fn create(client: &Client, arguments: &str) -> Value {
    let query = format!("mutation {{ createDataset({arguments}) {{ {DATASET} }} }}");
    client.data(&query)["createDataset"].clone()
}

#[track_caller]
fn refused(client: &Client, call: &str) -> (String, String) {
    client.error(&format!("mutation {{ {call} {{ name }} }}"))
}

const PEOPLE: &str = r#"name: "people", key: "E-Mail", description: "Who works here.", columns: [
    { name: "E-Mail", type: STRING, description: "Where to write to." },
    { name: "Born On", type: DATE, required: true },
    { name: "Salary", type: DECIMAL, precision: 10, scale: 2 },
    { name: "Visits", type: INT },
    { name: "Seen", type: BOOLEAN }
]"#;

#[test]
fn a_dataset_is_defined_and_filled_by_uploads() {
    both_stores(|server| {
        let client = server.client();
        let made = create(&client, PEOPLE);
        assert_eq!(
            made,
            json!({
                "name": "people", "typeName": "People", "version": 1, "rowCount": "0", "key": ["id"],
                "oldNames": [], "description": "Who works here.", "source": null,
                "columns": [
                    column("id", "E-Mail", "STRING", json!({ "required": true, "nullable": false, "declared": true, "unique": true, "generated": true })),
                    column("eMail", "E-Mail", "STRING", json!({ "required": true, "nullable": false, "declared": true, "unique": true, "description": "Where to write to." })),
                    column("bornOn", "Born On", "DATE", json!({ "required": true, "nullable": false, "declared": true })),
                    column("salary", "Salary", "DECIMAL", json!({ "declared": true })),
                    column("visits", "Visits", "INT", json!({ "declared": true })),
                    column("seen", "Seen", "BOOLEAN", json!({ "declared": true })),
                ],
            })
        );
        // Every way to ask it finds nothing, and no error.
        assert_eq!(
            client.data(r#"{ people { id salary } peopleByPk(id: "a") { id } peopleAggregate { aggregate { count max { salary } sum { visits } } } peopleConnection(first: 2) { totalCount pageInfo { hasNextPage } edges { node { id } } } peopleGroupBy(by: [{ column: SEEN }]) { keys { seen } } }"#),
            json!({
                "people": [], "peopleByPk": null,
                "peopleAggregate": { "aggregate": { "count": 0, "max": { "salary": null }, "sum": { "visits": null } } },
                "peopleConnection": { "totalCount": 0, "pageInfo": { "hasNextPage": false }, "edges": [] },
                "peopleGroupBy": [],
            })
        );
        // There is no file to be read anew.
        let (code, message) = client.error(
            r#"mutation { reparse(dataset: "people", options: { dateOrder: DMY }) { job { id } } }"#,
        );
        assert_eq!(code, "CONFLICT");
        assert!(message.contains("not made of a file"), "{message}");
        // What was declared holds for uploads.
        let added = upload(
            &client,
            "people",
            b"E-Mail,Born On,Salary,Visits,Seen\na@x,2000-01-31,10.5,3,yes\n",
            &json!({ "mode": "APPEND" }),
        );
        assert_eq!(added["job"]["status"], "SUCCEEDED", "{added}");
        assert_eq!(added["dataset"]["version"], 2);
        for (file, what) in [
            (&b"E-Mail,Born On,Salary,Visits,Seen\nb@x,2000-01-31,1,many,yes\n"[..], "\"many\""),
            (b"E-Mail,Born On,Salary,Visits,Seen\nb@x,,1,1,yes\n", "Born On"),
            (b"E-Mail,Born On,Salary,Visits,Seen\n,2000-01-31,1,1,yes\n", "E-Mail"),
            (b"E-Mail,Born On,Salary,Visits,Seen\na@x,2000-01-31,1,1,yes\n", "E-Mail"),
        ] {
            let wrong = upload(&client, "people", file, &json!({ "mode": "APPEND" }));
            assert_eq!(wrong["job"]["status"], "FAILED", "{wrong}");
            let message = wrong["job"]["error"]["message"].as_str().unwrap();
            assert!(message.contains(what), "{message}");
        }
        let changed = upload(
            &client,
            "people",
            b"E-Mail,Born On,Salary,Visits,Seen\na@x,2000-01-31,11,4,no\nb@x,1999-12-01,7.25,1,yes\n",
            &json!({ "mode": "UPSERT" }),
        );
        assert_eq!(changed["job"]["counts"]["updated"], "1", "{changed}");
        assert_eq!(
            client.data("{ people { id eMail bornOn salary visits seen } }"),
            json!({ "people": [
                { "id": "a@x", "eMail": "a@x", "bornOn": "2000-01-31", "salary": "11.00", "visits": 4, "seen": false },
                { "id": "b@x", "eMail": "b@x", "bornOn": "1999-12-01", "salary": "7.25", "visits": 1, "seen": true },
            ] })
        );
        let replaced = upload(
            &client,
            "people",
            b"E-Mail,Born On,Salary,Visits,Seen\nc@x,2001-01-31,,,\n",
            &json!({}),
        );
        assert_eq!(replaced["job"]["status"], "SUCCEEDED", "{replaced}");
        let shown = client.data(&format!("{{ dataset(name: \"people\") {{ {DATASET} }} }}"));
        let types = |value: &Value| -> Vec<(Value, Value, Value)> {
            let columns = value["columns"].as_array().unwrap().iter();
            columns
                .map(|it| (it["name"].clone(), it["type"].clone(), it["description"].clone()))
                .collect()
        };
        assert_eq!(types(&shown["dataset"]), types(&made));
    });
}

fn column(name: &str, label: &str, column_type: &str, more: Value) -> Value {
    let mut column = json!({
        "name": name, "label": label, "type": column_type, "required": false, "nullable": true,
        "declared": false, "unique": false, "generated": false, "description": null,
    });
    column.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    column
}

#[test]
fn an_empty_dataset_is_corrected_like_any() {
    both_stores(|server| {
        let client = server.client();
        let made = create(
            &client,
            r#"name: "Things I own.csv", columns: [{ name: "What", type: STRING }, { name: "N", type: INT }]"#,
        );
        assert_eq!((&made["name"], &made["key"]), (&json!("thingsIOwn"), &json!(["id"])));
        assert_eq!(made["columns"][0]["label"], "Row number");
        let change = |call: &str| {
            let query = format!(
                "mutation {{ {call} {{ job {{ status error {{ message }} }} dataset {{ version columns {{ name type }} }} }} }}"
            );
            let data = client.data(&query);
            data.as_object().unwrap().values().next().unwrap().clone()
        };
        let altered =
            change(r#"alterColumn(dataset: "thingsIOwn", column: "n", type: BIGINT, wait: 60)"#);
        assert_eq!(altered["job"]["status"], "SUCCEEDED", "{altered}");
        assert_eq!(altered["dataset"]["columns"][2]["type"], "BIGINT");
        let keyed = change(r#"setKey(dataset: "thingsIOwn", column: "what", wait: 60)"#);
        assert_eq!(keyed["job"]["status"], "SUCCEEDED", "{keyed}");
        assert_eq!(keyed["dataset"]["columns"][0], json!({ "name": "id", "type": "STRING" }));
        let added = upload(
            &client,
            "things I own",
            b"What,N\na,5000000000\n",
            &json!({ "mode": "UPSERT" }),
        );
        assert_eq!(added["job"]["status"], "SUCCEEDED", "{added}");
        assert_eq!(
            client.data("{ thingsIOwn { id n } }"),
            json!({ "thingsIOwn": [{ "id": "a", "n": "5000000000" }] })
        );
        // A column id is the key, as in files.
        let made = create(&client, r#"name: "t", columns: [{ name: "ID", type: UUID }]"#);
        assert_eq!(made["columns"].as_array().unwrap().len(), 1);
        assert_eq!(
            (&made["columns"][0]["name"], &made["columns"][0]["unique"]),
            (&json!("id"), &json!(true))
        );
    });
}

#[test]
fn what_cannot_be_defined_is_refused_with_a_reason() {
    both_stores(|server| {
        let client = server.client();
        create(&client, r#"name: "taken", columns: [{ name: "a", type: INT }]"#);
        let long = "x".repeat(1_001);
        for (arguments, code, part) in [
            (r#"name: "n", columns: []"#.to_owned(), "BAD_USER_INPUT", "at least one column"),
            (
                r#"name: "", columns: [{ name: "a", type: INT }]"#.to_owned(),
                "BAD_USER_INPUT",
                "no name",
            ),
            (
                r#"name: "\t \u0007", columns: [{ name: "a", type: INT }]"#.to_owned(),
                "BAD_USER_INPUT",
                "no name",
            ),
            (
                format!(r#"name: "{long}", columns: [{{ name: "a", type: INT }}]"#),
                "BAD_USER_INPUT",
                "at most 1000",
            ),
            (
                r#"name: "n", columns: [{ name: " ", type: INT }]"#.to_owned(),
                "BAD_USER_INPUT",
                "Column 1 has no name",
            ),
            (
                r#"name: "n", columns: [{ name: "a", type: INT }, { name: "a ", type: INT }]"#
                    .to_owned(),
                "BAD_USER_INPUT",
                "two columns",
            ),
            (
                format!(r#"name: "n", columns: [{{ name: "{long}", type: INT }}]"#),
                "BAD_USER_INPUT",
                "column 1",
            ),
            (
                r#"name: "n", key: "b", columns: [{ name: "a", type: INT }]"#.to_owned(),
                "BAD_USER_INPUT",
                "no column \"b\"",
            ),
            (
                r#"name: "n", key: "a", columns: [{ name: "a", type: FLOAT }]"#.to_owned(),
                "BAD_USER_INPUT",
                "cannot be the key",
            ),
            (
                r#"name: "n", columns: [{ name: "a", type: DECIMAL }]"#.to_owned(),
                "BAD_USER_INPUT",
                "no scale",
            ),
            (
                r#"name: "n", columns: [{ name: "a", type: DECIMAL, precision: 19, scale: 2 }]"#
                    .to_owned(),
                "BAD_USER_INPUT",
                "from 1 to 18",
            ),
            (
                r#"name: "n", columns: [{ name: "a", type: DECIMAL, precision: 0, scale: 0 }]"#
                    .to_owned(),
                "BAD_USER_INPUT",
                "from 1 to 18",
            ),
            (
                r#"name: "n", columns: [{ name: "a", type: DECIMAL, precision: 4, scale: 5 }]"#
                    .to_owned(),
                "BAD_USER_INPUT",
                "from 0 to",
            ),
            (
                r#"name: "n", columns: [{ name: "a", type: DECIMAL, scale: -1 }]"#.to_owned(),
                "BAD_USER_INPUT",
                "from 0 to",
            ),
            (
                r#"name: "n", columns: [{ name: "a", type: INT, scale: 2 }]"#.to_owned(),
                "BAD_USER_INPUT",
                "only DECIMAL",
            ),
            (
                r#"name: "n\u0000", columns: [{ name: "a", type: INT }]"#.to_owned(),
                "BAD_USER_INPUT",
                "U+0000",
            ),
            (
                r#"name: "n", columns: [{ name: "a\u0000", type: INT }]"#.to_owned(),
                "BAD_USER_INPUT",
                "U+0000",
            ),
            (
                r#"name: "Taken", columns: [{ name: "a", type: INT }]"#.to_owned(),
                "CONFLICT",
                "taken",
            ),
        ] {
            let (found, message) = refused(&client, &format!("createDataset({arguments})"));
            assert_eq!(
                (found.as_str(), message.contains(part)),
                (code, true),
                "{arguments:.80}: {message}"
            );
        }
        let many = |n_columns: usize| -> Vec<Value> {
            (0..n_columns).map(|n| json!({ "name": format!("c{n}"), "type": "INT" })).collect()
        };
        let query = "mutation M($c: [NewColumnInput!]!) { createDataset(name: \"wide\", columns: $c) { columns { name } } }";
        let wide = client.graphql(query, &json!({ "c": many(2_001) }));
        let (code, message) = wide.error();
        assert_eq!(
            (code.as_str(), message.contains("at most")),
            ("BAD_USER_INPUT", true),
            "{message}"
        );
        // As many as the store takes.
        let wide = client.graphql(query, &json!({ "c": many(2_000) }));
        if server.database_url().is_some() {
            let (code, message) = wide.error();
            assert_eq!(
                (code.as_str(), message.contains("1599")),
                ("BAD_USER_INPUT", true),
                "{message}"
            );
        } else {
            assert_eq!(wide.data()["createDataset"]["columns"].as_array().unwrap().len(), 2_001);
            client.data("mutation { dropDataset(dataset: \"wide\") { name } }");
        }
        let named = client.data("{ datasets { name } }");
        assert_eq!(named, json!({ "datasets": [{ "name": "taken" }] }));
        assert_eq!(
            refused(
                &server.client_of("read"),
                r#"createDataset(name: "n", columns: [{ name: "a", type: INT }])"#
            )
            .0,
            "FORBIDDEN"
        );
    });
}

#[test]
fn hostile_names_become_legal_ones() {
    both_stores(|server| {
        let client = server.client();
        let labels = [
            "\"; DROP TABLE t; --",
            "1st",
            "_row",
            "__typename",
            "é à",
            "nodeId",
            "a",
            "A",
            "\u{1F600}",
            "line\nbreak",
            "c1",
            "id2",
        ];
        let columns: Vec<Value> =
            labels.iter().map(|label| json!({ "name": label, "type": "STRING" })).collect();
        let query = format!(
            "mutation M($n: String!, $c: [NewColumnInput!]!) {{ createDataset(name: $n, columns: $c) {{ {DATASET} }} }}"
        );
        let made =
            client.data_with(&query, &json!({ "n": "\"'; --(é) subscription", "c": columns }));
        let made = &made["createDataset"];
        let shown: Vec<&str> = made["columns"]
            .as_array()
            .unwrap()
            .iter()
            .skip(1)
            .map(|it| it["label"].as_str().unwrap())
            .collect();
        assert_eq!(shown, labels);
        let fields: Vec<&str> = made["columns"]
            .as_array()
            .unwrap()
            .iter()
            .map(|it| it["name"].as_str().unwrap())
            .collect();
        let mut distinct: Vec<String> = fields.iter().map(|name| name.to_lowercase()).collect();
        distinct.sort();
        distinct.dedup();
        assert_eq!(distinct.len(), fields.len(), "{fields:?}");
        let name = made["name"].as_str().unwrap();
        assert_eq!(
            client.data(&format!("{{ {name} {{ {} }} }}", fields.join(" "))),
            json!({ name: [] })
        );
    });
}

#[test]
fn a_dataset_is_emptied_as_a_new_version() {
    both_stores(|server| {
        let client = server.client();
        upload(&client, "stock", b"Sku,N\na,1\nb,2\n", &json!({ "key": "Sku" }));
        client.data(r#"mutation { createIndex(dataset: "stock", columns: ["n"]) { name } }"#);
        let emptied = client.data(&format!(r#"mutation {{ truncateDataset(name: "stock") {{ {DATASET} indexes {{ columns kind }} }} }}"#));
        let emptied = &emptied["truncateDataset"];
        assert_eq!(
            (&emptied["version"], &emptied["rowCount"], &emptied["source"]),
            (&json!(2), &json!("0"), &Value::Null)
        );
        assert_eq!(
            emptied["indexes"],
            json!([{ "columns": ["id"], "kind": "KEY" }, { "columns": ["n"], "kind": "MANUAL" }])
        );
        assert_eq!(client.data("{ stock { id } }"), json!({ "stock": [] }));
        // The same file is loaded again: it is not what is there.
        let again = upload(&client, "stock", b"Sku,N\na,1\nb,2\n", &json!({}));
        assert_eq!((&again["unchanged"], &again["dataset"]["version"]), (&json!(false), &json!(3)));
        assert_eq!(
            client.data(r#"{ stockByPk(id: "b") { n } }"#),
            json!({ "stockByPk": { "n": 2 } })
        );
        assert_eq!(refused(&client, r#"truncateDataset(name: "none")"#).0, "NOT_FOUND");
        assert_eq!(
            refused(&server.client_of("read"), r#"truncateDataset(name: "stock")"#).0,
            "FORBIDDEN"
        );
    });
}

#[test]
fn a_copy_has_the_rows_and_a_life_of_its_own() {
    both_stores(|server| {
        let client = server.client();
        upload(
            &client,
            "stock",
            b"Sku,N,T\na,1,\nb,2,x\n",
            &json!({ "key": "Sku", "description": "All of it." }),
        );
        client.data(r#"mutation { setDescription(dataset: "stock", column: "n", description: "How many.") { name } }"#);
        let copy = |to: &str| {
            let query = format!(
                r#"mutation {{ copyDataset(from: "stock", to: "{to}", wait: 60) {{ job {{ kind status counts {{ inserted }} }} dataset {{ {DATASET} }} }} }}"#
            );
            client.data(&query)["copyDataset"].clone()
        };
        let made = copy("Stock (old)");
        assert_eq!(
            made["job"],
            json!({ "kind": "COPY", "status": "SUCCEEDED", "counts": { "inserted": "2" } })
        );
        let original = client.data(&format!(r#"{{ dataset(name: "stock") {{ {DATASET} }} }}"#));
        let copied = &made["dataset"];
        assert_eq!((&copied["name"], &copied["version"]), (&json!("stockOld"), &json!(1)));
        assert_eq!(copied["columns"], original["dataset"]["columns"]);
        assert_eq!(
            (&copied["description"], &copied["key"]),
            (&json!("All of it."), &json!(["id"]))
        );
        upload(&client, "stock", b"Sku,N,T\nc,3,\n", &json!({}));
        assert_eq!(
            client.data(r#"{ stockOld { id sku n t } stockOldByPk(id: "b") { n } stock { id } }"#),
            json!({
                "stockOld": [{ "id": "a", "sku": "a", "n": 1, "t": null }, { "id": "b", "sku": "b", "n": 2, "t": "x" }],
                "stockOldByPk": { "n": 2 },
                "stock": [{ "id": "c" }],
            })
        );
        let twice = upload(&client, "stockOld", b"Sku,N,T\na,9,\n", &json!({ "mode": "APPEND" }));
        assert_eq!(twice["job"]["status"], "FAILED", "{twice}");
        let call = |from: &str, to: &str| {
            client
                .error(&format!(
                    r#"mutation {{ copyDataset(from: "{from}", to: "{to}") {{ job {{ id }} }} }}"#
                ))
                .0
        };
        assert_eq!(call("stock", "stockOld"), "CONFLICT");
        assert_eq!(call("none", "x"), "NOT_FOUND");
        assert_eq!(call("stock", " "), "BAD_USER_INPUT");
        // Row numbers and no source, too.
        create(&client, r#"name: "bare", columns: [{ name: "a", type: INT }]"#);
        let query = format!(
            r#"mutation {{ copyDataset(from: "bare", to: "barer", wait: 60) {{ job {{ status }} dataset {{ {DATASET} }} }} }}"#
        );
        let made = client.data(&query)["copyDataset"].clone();
        assert_eq!(
            (&made["job"]["status"], &made["dataset"]["columns"][0]["label"]),
            (&json!("SUCCEEDED"), &json!("Row number")),
            "{made}"
        );
    });
}

#[test]
fn a_copy_and_a_definition_keep_to_quotas_and_bounds() {
    both_stores(|server| {
        let client = server.client();
        upload(&client, "stock", b"a\n1\n2\n", &json!({}));
        upload(&client, "other", b"a\n1\n", &json!({}));
        let held = key(&client, "scope: UPLOAD, datasets: [\"stock\", \"mine\"]");
        let columns = r#"columns: [{ name: "a", type: INT }]"#;
        assert_eq!(
            refused(&held, &format!(r#"createDataset(name: "foreign", {columns})"#)).0,
            "FORBIDDEN"
        );
        let copy = |client: &Client, from: &str, to: &str| {
            client.graphql(&format!(r#"mutation {{ copyDataset(from: "{from}", to: "{to}", wait: 60) {{ job {{ status error {{ code }} }} }} }}"#), &json!({}))
        };
        assert_eq!(copy(&held, "other", "mine").code(), "NOT_FOUND");
        assert_eq!(copy(&held, "stock", "foreign").code(), "FORBIDDEN");
        assert_eq!(
            copy(&held, "stock", "mine").data()["copyDataset"]["job"]["status"],
            "SUCCEEDED"
        );
        client.data("mutation { setQuotas(name: \"default\", maxDatasets: 3) { name } }");
        let (code, _) = refused(&client, &format!(r#"createDataset(name: "more", {columns})"#));
        let copied = copy(&client, "stock", "more").data();
        assert_eq!(copied["copyDataset"]["job"]["error"]["code"], json!(code), "{copied}");
    });
}

#[test]
fn descriptions_are_set_and_taken_away() {
    both_stores(|server| {
        let client = server.client();
        create(&client, r#"name: "t", columns: [{ name: "a", type: INT }]"#);
        let say = |arguments: &str| {
            let query = format!(
                "mutation {{ setDescription(dataset: \"t\", {arguments}) {{ version description columns {{ description }} }} }}"
            );
            client.data(&query)["setDescription"].clone()
        };
        assert_eq!(
            say(r#"description: "What \"it\" is.""#),
            json!({ "version": 1, "description": "What \"it\" is.", "columns": [{ "description": null }, { "description": null }] })
        );
        assert_eq!(
            say(r#"column: "a", description: "A number.""#)["columns"][1]["description"],
            "A number."
        );
        let sdl = client.get("/schema.graphql").text;
        assert!(sdl.contains("A number.") && sdl.contains("What \"it\" is."), "{sdl}");
        assert_eq!(say(r#"description: null"#)["description"], Value::Null);
        let long = "x".repeat(10_001);
        for (arguments, code) in [
            (r#"dataset: "none", description: "x""#.to_owned(), "NOT_FOUND"),
            (r#"dataset: "t", column: "b", description: "x""#.to_owned(), "BAD_USER_INPUT"),
            (format!(r#"dataset: "t", description: "{long}""#), "BAD_USER_INPUT"),
        ] {
            assert_eq!(refused(&client, &format!("setDescription({arguments})")).0, code);
        }
    });
}

#[test]
fn an_old_name_answers_until_it_is_dropped_or_taken() {
    both_stores(|server| {
        let client = server.client();
        upload(&client, "orders", b"a,b\n1,x\n2,y\n", &json!({}));
        let held = key(&client, "scope: UPLOAD, datasets: [\"orders\"]");
        let renamed = client.data(&format!(
            r#"mutation {{ renameDataset(dataset: "orders", name: "sales") {{ {DATASET} }} }}"#
        ));
        assert_eq!(
            (&renamed["renameDataset"]["typeName"], &renamed["renameDataset"]["oldNames"]),
            (&json!("Sales"), &json!(["orders"]))
        );
        let all = r#"{ orders(where: { a: { _gt: 1 } }) { __typename a } ordersByPk(id: 1) { b } ordersAggregate { aggregate { count } } ordersGroupBy(by: [{ column: B }]) { keys { b } } ordersConnection(first: 1) { totalCount } sales(limit: 1) { a } dataset(name: "orders") { name } }"#;
        let expect = json!({
            "orders": [{ "__typename": "Sales", "a": 2 }], "ordersByPk": { "b": "x" },
            "ordersAggregate": { "aggregate": { "count": 2 } },
            "ordersGroupBy": [{ "keys": { "b": "x" } }, { "keys": { "b": "y" } }],
            "ordersConnection": { "totalCount": 2 }, "sales": [{ "a": 1 }], "dataset": { "name": "sales" },
        });
        assert_eq!(client.data(all), expect);
        // A key for the old name goes on.
        assert_eq!(held.data(all), expect);
        // Five queries and seven mutations.
        let sdl = client.get("/schema.graphql").text;
        let n_deprecated = sdl.matches(r#"@deprecated(reason: "renamed to sales")"#).count();
        assert!(n_deprecated >= 12, "{n_deprecated}: {sdl}");
        let written = client.data(r#"mutation { insertOrders(objects: [{ a: 9, b: "w" }]) { affectedRows __typename } deleteOrders(where: { a: { _eq: 9 } }) { affectedRows } updateSales(where: { a: { _eq: 1 } }, _set: { b: "x" }) { affectedRows } }"#);
        assert_eq!(
            written["insertOrders"],
            json!({ "affectedRows": 1, "__typename": "SalesMutationResponse" })
        );
        assert_eq!(written["deleteOrders"]["affectedRows"], 1);
        // Uploads to the old name reach it.
        let added = upload(&held, "orders", b"a,b\n3,z\n", &json!({ "mode": "APPEND" }));
        assert_eq!(added["dataset"]["name"], "sales", "{added}");
        let put = client.request(
            "PUT",
            "/upload/orders?mode=APPEND&wait=60",
            &[("content-type", "text/csv")],
            b"a,b\n4,z\n",
        );
        assert_eq!(put.status, 200, "{put:?}");
        assert_eq!(
            client.data("{ orders(where: { b: { _eq: \"z\" } }) { a } }"),
            json!({ "orders": [{ "a": 3 }, { "a": 4 }] })
        );
        // Renamed again: both old names answer; back again: the name is no old one.
        client.data(r#"mutation { renameDataset(dataset: "orders", name: "deals") { name } }"#);
        assert_eq!(
            client.data("{ orders(limit: 1) { a } sales(limit: 1) { a } deals(limit: 1) { a } }"),
            json!({ "orders": [{ "a": 1 }], "sales": [{ "a": 1 }], "deals": [{ "a": 1 }] })
        );
        let back = client
            .data(r#"mutation { renameDataset(dataset: "deals", name: "sales") { oldNames } }"#);
        assert_eq!(back["renameDataset"]["oldNames"], json!(["orders", "deals"]));
        // Dropped.
        let dropped = client.data(r#"mutation { dropOldName(name: "deals") { oldNames } }"#);
        assert_eq!(dropped["dropOldName"]["oldNames"], json!(["orders"]));
        assert_eq!(refused(&client, r#"dropOldName(name: "deals")"#).0, "NOT_FOUND");
        assert_eq!(refused(&client, r#"dropOldName(name: "sales")"#).0, "NOT_FOUND");
        assert_eq!(refused(&held, r#"dropOldName(name: "orders")"#).0, "FORBIDDEN");
        assert_eq!(client.graphql("{ deals { a } }", &json!({})).code(), "BAD_USER_INPUT");
        // Taken by a new one, which is what the name means from then on.
        create(&client, r#"name: "orders", columns: [{ name: "c", type: INT }]"#);
        assert_eq!(
            client.data(
                r#"{ orders { c } sales(limit: 1) { a } dataset(name: "sales") { oldNames } }"#
            ),
            json!({ "orders": [], "sales": [{ "a": 1 }], "dataset": { "oldNames": [] } })
        );
        client.data(r#"mutation { dropDataset(dataset: "orders") { name } }"#);
        assert_eq!(client.graphql("{ orders { a } }", &json!({})).code(), "BAD_USER_INPUT");
        let shown = client.data("{ datasets { name oldNames } }");
        assert_eq!(shown, json!({ "datasets": [{ "name": "sales", "oldNames": [] }] }));
    });
}

#[test]
fn decimals_grow_as_in_any_dataset_and_never_lose_a_digit() {
    both_stores(|server| {
        let client = server.client();
        create(
            &client,
            r#"name: "t", columns: [{ name: "a", type: DECIMAL, precision: 5, scale: 2 }]"#,
        );
        upload(&client, "t", b"a\n1.5\n", &json!({ "mode": "APPEND" }));
        let wider = upload(&client, "t", b"a\n1234567.125\n", &json!({ "mode": "APPEND" }));
        assert_eq!(wider["job"]["status"], "SUCCEEDED", "{wider}");
        assert_eq!(
            client.data("{ t { a } }"),
            json!({ "t": [{ "a": "1.500" }, { "a": "1234567.125" }] })
        );
        let too_long =
            upload(&client, "t", b"a\n1234567890123456789\n", &json!({ "mode": "APPEND" }));
        assert_eq!(too_long["job"]["status"], "FAILED", "{too_long}");
    });
}

#[test]
fn rows_keep_their_numbers_in_copies_and_additions() {
    both_stores(|server| {
        let client = server.client();
        upload(&client, "t", b"a\nw\nx\ny\nz\n", &json!({}));
        client.data("mutation { deleteT(where: { a: { _in: [\"w\", \"y\"] } }) { affectedRows } }");
        let made = client.data(r#"mutation { copyDataset(from: "t", to: "u", wait: 60) { job { status counts { inserted } } dataset { rowCount } } }"#);
        assert_eq!(
            made["copyDataset"],
            json!({ "job": { "status": "SUCCEEDED", "counts": { "inserted": "2" } }, "dataset": { "rowCount": "2" } })
        );
        assert_eq!(
            client.data("{ t { id a } u { id a } }"),
            json!({ "t": [{ "id": 2, "a": "x" }, { "id": 4, "a": "z" }], "u": [{ "id": 2, "a": "x" }, { "id": 4, "a": "z" }] })
        );
        let added = upload(&client, "t", b"a\nv\n", &json!({ "mode": "APPEND" }));
        assert_eq!(added["job"]["counts"]["inserted"], "1", "{added}");
        for name in ["T", "U"] {
            client.data(&format!(
                "mutation {{ insert{name}(objects: [{{ a: \"n\" }}]) {{ affectedRows }} }}"
            ));
        }
        assert_eq!(
            client.data("{ t { id a } u { id a } }"),
            json!({
                "t": [{ "id": 2, "a": "x" }, { "id": 4, "a": "z" }, { "id": 5, "a": "v" }, { "id": 6, "a": "n" }],
                "u": [{ "id": 2, "a": "x" }, { "id": 4, "a": "z" }, { "id": 5, "a": "n" }],
            })
        );
        client.data("mutation { truncateDataset(name: \"t\") { name } }");
        let inserted =
            client.data("mutation { insertT(objects: [{ a: \"n\" }]) { returning { id } } }");
        assert_eq!(inserted["insertT"]["returning"], json!([{ "id": 7 }]));
    });
}

#[test]
fn a_defined_dataset_is_filled_and_told_by_mutations() {
    both_stores(|server| {
        let client = server.client();
        create(&client, PEOPLE);
        let insert = |object: &str| {
            client.graphql(
                &format!("mutation {{ insertPeople(objects: [{object}]) {{ returning {{ id eMail bornOn salary seen }} }} }}"),
                &json!({}),
            )
        };
        assert_eq!(
            insert(r#"{ eMail: "a@x", bornOn: "2000-01-31", salary: "10.5", seen: true }"#).data(),
            json!({ "insertPeople": { "returning": [{ "id": "a@x", "eMail": "a@x", "bornOn": "2000-01-31", "salary": "10.50", "seen": true }] } })
        );
        // What was declared holds here, too.
        for (object, code) in [
            (r#"{ eMail: "a@x", bornOn: "2000-01-31" }"#, "CONFLICT"),
            (r#"{ eMail: "b@x" }"#, "BAD_USER_INPUT"),
            (r#"{ bornOn: "2000-01-31" }"#, "BAD_USER_INPUT"),
            (r#"{ eMail: "b@x", bornOn: "2000-01-31", salary: "1.234" }"#, "BAD_USER_INPUT"),
        ] {
            let answer = insert(object);
            assert_eq!(answer.code(), code, "{object}: {}", answer.text);
        }
        client.data("mutation { truncateDataset(name: \"people\") { name } }");
        assert_eq!(insert(r#"{ eMail: "a@x", bornOn: "2000-01-31" }"#).status, 200);
        assert_eq!(client.data("{ people { id } }"), json!({ "people": [{ "id": "a@x" }] }));
    });
}
