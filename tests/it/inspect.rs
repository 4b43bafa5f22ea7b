//! Asking first: what a file would become, by mutation, by route, offline; nothing is stored.

use serde_json::{Value, json};

use crate::harness::fixtures::ITEMS;
use crate::harness::server::ADMIN_KEY;
use crate::harness::{Folder, both_stores, run_sluice};
use crate::options::upload;

const INSPECT: &str = "mutation In($file: Upload!, $options: UploadOptions, $mode: LoadMode) {
    inspect(file: $file, name: \"items\", options: $options, mode: $mode, rows: 2) { sheets {
        name format encoding dataset typeName exists rowCount delimiter quote headerRow firstDataRow key
        columns { name label type evidence { reason } } notices { code } rows rejectCount rejects { row value }
        drift { kind impact column } sdl sdlDiff } } }";

#[test]
fn a_file_is_told_and_not_stored() {
    both_stores(|server| {
        let client = server.client();
        let inspect = |file: &[u8], more: Value| {
            let mut variables = json!({ "file": null });
            variables.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            let answer = client.upload_mutation(INSPECT, &variables, ("x.csv", file));
            answer.data()["inspect"]["sheets"][0].clone()
        };
        let sheet = inspect(ITEMS.as_bytes(), json!({}));
        assert_eq!(
            (&sheet["dataset"], &sheet["exists"], &sheet["rowCount"]),
            (&json!("items"), &json!(false), &json!("6"))
        );
        assert_eq!((&sheet["delimiter"], &sheet["headerRow"]), (&json!(","), &json!("1")));
        assert_eq!(sheet["rows"].as_array().unwrap().len(), 2);
        assert_eq!(sheet["rows"][0]["price"], "19.99");
        assert_eq!(sheet["rows"][0]["seenAt"], "2024-01-05T10:00:00Z");
        assert!(sheet["sdl"].as_str().unwrap().contains("price: Decimal"), "{sheet}");
        assert_eq!(sheet["sdlDiff"], Value::Null);
        assert_eq!(
            client.data("{ datasets { name } jobs { id } }"),
            json!({ "datasets": [], "jobs": [] })
        );
        let spool = crate::harness::folder::files_below(&server.data_dir().join("spool"));
        assert_eq!(spool, Vec::<String>::new());

        // What it says is what an upload makes.
        client.load("items", ITEMS);
        let made = client.data(
            "{ items(limit: 2) { id name price inStock added seenAt made weight code big ref } }",
        );
        assert_eq!(sheet["rows"], made["items"]);
        assert_eq!(inspect(ITEMS.as_bytes(), json!({}))["sdlDiff"], "");
        let again = inspect(b"ID,Name,Price\n1,x,y\n", json!({}));
        assert_eq!(again["exists"], true);
        let diff = again["sdlDiff"].as_str().unwrap();
        assert!(diff.starts_with(" type Items "), "{diff}");
        for line in ["-  price: Decimal\n", "+  price: String\n", "-  made: LocalDateTime\n"] {
            assert!(diff.contains(line), "{line}: {diff}");
        }
        assert!(!diff.contains("name"), "{diff}");
        assert!(
            again["drift"]
                .as_array()
                .unwrap()
                .contains(&json!({ "kind": "WIDENED", "impact": "BREAKING", "column": "price" })),
            "{again}"
        );
        let declared = json!({ "options": { "columns": [{ "label": "n", "type": "INT" }] } });
        let refused = inspect(b"n\n1\nx\n", declared);
        assert_eq!(
            (&refused["rejectCount"], &refused["rejects"]),
            (&json!("1"), &json!([{ "row": "3", "value": "x" }]))
        );

        let dry = upload(&client, "other", b"a\n1\n", &json!({ "dryRun": true }));
        assert_eq!(dry["job"], Value::Null);
        assert_eq!(dry["inspection"]["sheets"][0]["rows"], json!([{ "a": 1 }]), "{dry}");
        assert_eq!(
            client.data("{ datasets { name } }"),
            json!({ "datasets": [{ "name": "items" }] })
        );
    });
}

#[test]
fn the_route_and_the_program_say_the_same() {
    both_stores(|server| {
        let client = server.client();
        let answer = client.request(
            "POST",
            "/inspect?name=semi&delimiter=%3B&rows=1",
            &[],
            "a;b\n1;2\n3;4\n",
        );
        assert_eq!(answer.status, 200, "{}", answer.text);
        let sheet = answer.json()["sheets"][0].clone();
        assert_eq!(sheet["rows"], json!([{ "a": 1, "b": 2 }]));
        let folder = Folder::new();
        folder.file("semi.csv", "a;b\n1;2\n3;4\n");
        let arguments = ["inspect", "semi.csv", "--json", "--rows", "1", "--option", "delimiter=;"];
        let output = run_sluice(&folder, &arguments, &[("SLUICE_KEY", ADMIN_KEY)]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let told: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(told["sheets"][0], sheet);
        assert_eq!(server.anonymous().request("POST", "/inspect", &[], "a\n1\n").status, 401);
        let bad = client.request("POST", "/inspect?rows=x", &[], "a\n1\n");
        assert_eq!(bad.status, 400, "{}", bad.text);
        let pdf = client.request("POST", "/inspect", &[], "%PDF-1.7\n%\u{e2}\n1 0 obj");
        assert_eq!(pdf.status, 415, "{}", pdf.text);
    });
}

#[test]
fn the_program_asks_a_server_what_would_change() {
    both_stores(|server| {
        let client = server.client();
        upload(&client, "stock", b"sku,n\na,1\nb,2\n", &json!({}));
        let folder = Folder::new();
        folder.file("stock.csv", "sku,n,extra\na,1.5,x\n");
        let ask = |more: &[&str]| {
            let url = format!("http://{}", server.address);
            let mut arguments = vec!["inspect", "stock.csv", "--to", &url];
            arguments.extend(more);
            let output = run_sluice(&folder, &arguments, &[("SLUICE_KEY", ADMIN_KEY)]);
            let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
            assert!(output.status.success(), "{}", text(output.stderr));
            text(output.stdout)
        };
        let told = ask(&[]);
        for line in
            ["  breaking: \"n\" was INT", "   type Stock ", "  +  n: Decimal", "  +  extra: String"]
        {
            assert!(told.contains(line), "{line}: {told}");
        }
        let other = ask(&["--name", "other", "--json"]);
        let sheet = serde_json::from_str::<Value>(&other).unwrap()["sheets"][0].clone();
        assert_eq!((&sheet["dataset"], &sheet["exists"]), (&json!("other"), &json!(false)));
    });
}

#[test]
fn the_program_prints_a_table() {
    let folder = Folder::new();
    folder.file("Line Items.csv", ITEMS);
    let output = run_sluice(&folder, &["inspect", "Line Items.csv", "--rows", "2"], &[]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    insta::assert_snapshot!("inspect", String::from_utf8(output.stdout).unwrap());
    let missing = run_sluice(&folder, &["inspect", "none.csv"], &[]);
    assert_eq!(missing.status.code(), Some(3));
    let wrong = run_sluice(&folder, &["inspect", "Line Items.csv", "--option", "colour=red"], &[]);
    assert_eq!(wrong.status.code(), Some(2));
}

#[test]
fn evidence_is_in_the_catalog() {
    both_stores(|server| {
        let client = server.client();
        let mut file = "status,code,amount\n".to_owned();
        for row in 1..=300 {
            let status = ["new", "paid"][row % 2];
            let code = if row == 200 { "x9".to_owned() } else { row.to_string() };
            let amount = if row == 7 { "NA".to_owned() } else { format!("{row}.50") };
            file.push_str(&format!("{status},{code},{amount}\n"));
        }
        client.load("things", file);
        let dataset = client.data(
            "{ dataset(name: \"things\") { notices { code column row count } columns { name type
                evidence { reason candidates { candidate count } counterExample { row text against }
                    samples }
                statistics { longestBytes nullCount distinctCount min max categories { value count } } } } }",
        )["dataset"]
            .clone();
        let columns = dataset["columns"].as_array().unwrap();
        let of = |name: &str| columns.iter().find(|column| column["name"] == name).unwrap();
        assert_eq!(
            of("status")["statistics"]["categories"],
            json!([{ "value": "new", "count": "150" }, { "value": "paid", "count": "150" }])
        );
        let code = &of("code")["evidence"];
        assert_eq!(
            code["candidates"],
            json!([{ "candidate": "INT", "count": "299" }, { "candidate": "TEXT", "count": "1" }])
        );
        assert_eq!(code["counterExample"], json!({ "row": "201", "text": "x9", "against": "INT" }));
        assert_eq!(of("code")["statistics"]["longestBytes"], "3");
        assert_eq!(code["samples"], json!(["1", "2", "3", "4", "5"]));
        let distinct: f64 =
            of("code")["statistics"]["distinctCount"].as_str().unwrap().parse().unwrap();
        assert!((270.0..=300.0).contains(&distinct), "{distinct}");
        let amount = &of("amount")["statistics"];
        assert_eq!(
            (&amount["nullCount"], &amount["min"], &amount["max"]),
            (&json!("1"), &json!("1.50"), &json!("300.50"))
        );
        let nulls = json!({ "code": "NULL_WORDS", "column": "amount", "row": "8", "count": "1" });
        assert!(dataset["notices"].as_array().unwrap().contains(&nulls), "{dataset}");
    });
}
