//! Options of uploads, each by the mutation and by the query string, and what several sheets become.

use serde_json::{Value, json};

use crate::harness::{Client, StoreKind, both_stores};

pub(crate) const UPLOAD: &str = "mutation Up($file: Upload!, $name: String, $mode: LoadMode, $options: UploadOptions, $sheets: [String!], $onDrift: DriftPolicy, $onError: OnError, $key: String, $description: String, $requestId: String, $dryRun: Boolean) {
    upload(file: $file, name: $name, mode: $mode, options: $options, sheets: $sheets, onDrift: $onDrift, onError: $onError, key: $key, description: $description, requestId: $requestId, dryRun: $dryRun, wait: 60) {
        job { id status error { code message } counts { inserted updated unchanged rejected } }
        dataset { name version rowCount description key rejectCount columns { name label type required } }
        datasets { name rowCount }
        drift { kind impact column typeBefore typeAfter message }
        unchanged
        inspection { sheets { dataset exists rowCount rows sdl drift { kind } } }
    } }";

/// The payload of an upload with these variables.
#[track_caller]
pub(crate) fn upload(client: &Client, name: &str, file: &[u8], more: &Value) -> Value {
    let mut variables = json!({ "file": null, "name": name, "mode": "REPLACE" });
    let fields = more.as_object().unwrap().clone();
    variables.as_object_mut().unwrap().extend(fields);
    let answer = client.upload_mutation(UPLOAD, &variables, ("file.csv", file));
    answer.data()["upload"].clone()
}

#[test]
fn every_option_decides_how_a_file_is_read() {
    let cases: &[(&str, &[u8], Value, &str, Value)] = &[
        ("delimiter", b"a|b\n1|2\n", json!({ "delimiter": "|" }), "a b", json!({ "a": 1, "b": 2 })),
        (
            "tab",
            b"a\tb,c\n1\t2\n",
            json!({ "delimiter": "tab" }),
            "a bC",
            json!({ "a": 1, "bC": 2 }),
        ),
        ("quote", b"a,b\n'x,y',2\n", json!({ "quote": "'" }), "a b", json!({ "a": "x,y", "b": 2 })),
        ("noQuote", b"a,b\n\"x,2\n", json!({ "quote": "" }), "a b", json!({ "a": "\"x", "b": 2 })),
        (
            "escape",
            b"a,b\n\"x\\\"y\",2\n",
            json!({ "escape": "\\" }),
            "a b",
            json!({ "a": "x\"y", "b": 2 }),
        ),
        (
            "comment",
            b"a,b\n!no,no\n1,2\n",
            json!({ "comment": "!" }),
            "a b",
            json!({ "a": 1, "b": 2 }),
        ),
        (
            "encoding",
            b"a,b\n\xe9,2\n",
            json!({ "encoding": "windows-1252" }),
            "a b",
            json!({ "a": "é", "b": 2 }),
        ),
        (
            "headerRow",
            b"x,y\na,b\n1,2\n",
            json!({ "headerRow": 2 }),
            "a b",
            json!({ "a": 1, "b": 2 }),
        ),
        (
            "noHeader",
            b"a,b\nc,d\n",
            json!({ "headerRow": 0 }),
            "column1 column2",
            json!({ "column1": "a", "column2": "b" }),
        ),
        (
            "headerRows",
            b"a,a\nb,c\n1,2\n",
            json!({ "headerRows": 2 }),
            "aB aC",
            json!({ "aB": 1, "aC": 2 }),
        ),
        (
            "skipRows",
            b"t,t\na,b\n1,2\n",
            json!({ "skipRows": 1 }),
            "a b",
            json!({ "a": 1, "b": 2 }),
        ),
        (
            "skipFooter",
            b"a,b\n1,2\nend,end\n",
            json!({ "skipFooter": 1 }),
            "a b",
            json!({ "a": 1, "b": 2 }),
        ),
        (
            "nullSpellings",
            b"a,b\n?,2\n1,3\n",
            json!({ "nullSpellings": ["?"] }),
            "a b",
            json!({ "a": null, "b": 2 }),
        ),
        (
            "dateOrder",
            b"a,b\n03/04/2024,2\n",
            json!({ "dateOrder": "MDY" }),
            "a b",
            json!({ "a": "2024-03-04", "b": 2 }),
        ),
        (
            "decimalMark",
            b"a;b\n1,234;2\n",
            json!({ "decimalMark": "," }),
            "a b",
            json!({ "a": "1.234", "b": 2 }),
        ),
        (
            "flatten",
            b"[{\"a\": {\"x\": 1}, \"b\": 2}]",
            json!({ "flatten": true }),
            "aX b",
            json!({ "aX": 1, "b": 2 }),
        ),
        (
            "columnType",
            b"a,b\n1,2\n",
            json!({ "columns": [{ "label": "a", "type": "STRING" }] }),
            "a b",
            json!({ "a": "1", "b": 2 }),
        ),
        (
            "columnName",
            b"a,b\n1,2\n",
            json!({ "columns": [{ "label": "a", "name": "first" }] }),
            "first b",
            json!({ "first": 1, "b": 2 }),
        ),
        (
            "columnSkip",
            b"a,b\n1,2\n",
            json!({ "columns": [{ "label": "a", "skip": true }] }),
            "b",
            json!({ "b": 2 }),
        ),
    ];
    both_stores(|server| {
        let client = server.client();
        for (name, file, options, fields, expect) in cases {
            let name = &format!("with{name}");
            let payload = upload(&client, name, file, &json!({ "options": options }));
            assert_eq!(payload["job"]["status"], "SUCCEEDED", "{name}: {payload}");
            let data = client.data(&format!("{{ {name}(limit: 1) {{ {fields} }} }}"));
            assert_eq!(data[name], json!([expect]), "{name}");
            // The same by the query string.
            let query: String = form_urlencoded::Serializer::new("wait=60".to_owned())
                .append_pair("options", &options.to_string())
                .finish();
            let answer = client.upload_with(&format!("{name}Again"), &query, file);
            assert_eq!(answer.status, 200, "{name}: {}", answer.text);
            let data = client.data(&format!("{{ {name}Again(limit: 1) {{ {fields} }} }}"));
            assert_eq!(data[format!("{name}Again")], json!([expect]), "{name}");
        }
    });
}

#[test]
fn wrong_options_are_refused_with_what_was_expected() {
    let server = crate::harness::Server::start(StoreKind::Sqlite);
    let client = server.client();
    let check = |more: Value, code: &str, part: &str| {
        let mut variables = json!({ "file": null, "name": "x" });
        variables.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let answer = client.upload_mutation(UPLOAD, &variables, ("x.csv", b"a,b\n1,2\n"));
        let (found, message) = answer.error();
        assert_eq!(found, code, "{more}: {message}");
        assert!(message.contains(part), "{more}: {message}");
    };
    let bad = "BAD_USER_INPUT";
    check(json!({ "options": { "delimiter": ";;" } }), bad, "one character");
    check(
        json!({ "options": { "columns": [{ "label": "a", "name": "_a" }] } }),
        bad,
        "lower-case letter",
    );
    check(json!({ "options": { "columns": [{ "label": "a" }, { "label": "a" }] } }), bad, "twice");
    check(json!({ "requestId": "" }), bad, "1 to 200");
    check(json!({ "requestId": "x".repeat(201) }), bad, "1 to 200");
    // What depends on the file fails the job.
    let failed = |more: Value, part: &str| {
        let payload = upload(&client, "y", b"a,b\n1,2\n", &more);
        let message = payload["job"]["error"]["message"].as_str().unwrap_or_default();
        assert!(message.contains(part), "{payload}");
    };
    failed(json!({ "options": { "columns": [{ "label": "zz", "skip": true }] } }), "zz");
    failed(json!({ "key": "zz" }), "columns are a, b");
    failed(json!({ "sheets": ["zz"] }), "zz");
}

#[test]
fn a_key_and_a_description_are_kept() {
    both_stores(|server| {
        let client = server.client();
        let more = json!({ "key": "SKU", "description": "What we sell." });
        let payload = upload(&client, "goods", b"SKU,Price\nb-1,2.50\na-1,1.00\n", &more);
        assert_eq!(payload["dataset"]["description"], "What we sell.", "{payload}");
        let data = client.data("{ goodsByPk(id: \"a-1\") { id sku price } goods { id } }");
        assert_eq!(data["goodsByPk"], json!({ "id": "a-1", "sku": "a-1", "price": "1.00" }));
        assert_eq!(data["goods"], json!([{ "id": "b-1" }, { "id": "a-1" }]));
        // A later upload without a word about them keeps both.
        let payload = upload(&client, "goods", b"SKU,Price\nc-1,2.50\n", &json!({}));
        assert_eq!(payload["dataset"]["description"], "What we sell.");
        assert_eq!(client.data("{ goods { id } }"), json!({ "goods": [{ "id": "c-1" }] }));
        // Values that repeat or are missing are named.
        let payload = upload(&client, "goods", b"SKU,Price\nx,1\ny,2\nx,3\n", &json!({}));
        let message = payload["job"]["error"]["message"].as_str().unwrap_or_default();
        assert!(message.contains("data row 3 has the same value as data row 1"), "{payload}");
        let payload = upload(&client, "goods", b"SKU,Price\nx,1\n,2\n", &json!({}));
        let message = payload["job"]["error"]["message"].as_str().unwrap_or_default();
        assert!(message.contains("values are missing"), "{payload}");
    });
}

/// A zip archive of files that are stored as they are.
pub(crate) fn zip(files: &[(&str, &str)]) -> Vec<u8> {
    let (mut out, mut directory) = (Vec::new(), Vec::new());
    for (name, text) in files {
        let offset = u32::try_from(out.len()).unwrap();
        let (name_size, size) =
            (u16::try_from(name.len()).unwrap(), u32::try_from(text.len()).unwrap());
        let mut common = Vec::new();
        common.extend([20, 0, 0, 0, 0, 0, 0, 0, 0x21, 0x58]);
        common.extend(crc32(text.as_bytes()).to_le_bytes());
        common.extend(size.to_le_bytes());
        common.extend(size.to_le_bytes());
        common.extend(name_size.to_le_bytes());
        common.extend([0, 0]);
        out.extend(*b"PK\x03\x04");
        out.extend(&common);
        out.extend(name.as_bytes());
        out.extend(text.as_bytes());
        directory.extend(*b"PK\x01\x02\x14\x00");
        directory.extend(&common);
        directory.extend([0; 10]);
        directory.extend(offset.to_le_bytes());
        directory.extend(name.as_bytes());
    }
    let (n_files, offset) =
        (u16::try_from(files.len()).unwrap(), u32::try_from(out.len()).unwrap());
    let size = u32::try_from(directory.len()).unwrap();
    out.extend(directory);
    out.extend(*b"PK\x05\x06\0\0\0\0");
    out.extend(n_files.to_le_bytes());
    out.extend(n_files.to_le_bytes());
    out.extend(size.to_le_bytes());
    out.extend(offset.to_le_bytes());
    out.extend([0, 0]);
    out
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc: u32, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg())
        })
    })
}

#[test]
fn several_sheets_become_several_datasets() {
    both_stores(|server| {
        let client = server.client();
        let book = zip(&[("Orders.csv", "id,total\n1,5\n"), ("People.csv", "name\nAnn\nBob\n")]);
        let payload = upload(&client, "book", &book, &json!({}));
        assert_eq!(
            payload["datasets"],
            json!([{ "name": "bookOrders", "rowCount": "1" }, { "name": "bookPeople", "rowCount": "2" }]),
            "{payload}"
        );
        // One of them by name keeps the name that was given.
        let payload = upload(&client, "one", &book, &json!({ "sheets": ["People.csv"] }));
        assert_eq!(payload["datasets"], json!([{ "name": "one", "rowCount": "2" }]), "{payload}");
        // Sheets that are called alike stay apart.
        let alike = zip(&[
            ("My Sheet.csv", "a\n1\n"),
            ("my_sheet.csv", "a\n2\n"),
            ("sub/my-sheet.csv", "a\n3\n"),
        ]);
        for is_unchanged in [false, true] {
            let payload = upload(&client, "alike", &alike, &json!({}));
            assert_eq!(payload["unchanged"], is_unchanged, "{payload}");
            let data =
                client.data("{ alikeMySheet { a } alikeMySheet2 { a } alikeSubMySheet { a } }");
            assert_eq!(
                data,
                json!({ "alikeMySheet": [{ "a": 1 }], "alikeMySheet2": [{ "a": 2 }], "alikeSubMySheet": [{ "a": 3 }] })
            );
        }
        // The same bytes again are known sheet by sheet.
        let payload = upload(&client, "book", &book, &json!({}));
        assert_eq!(payload["unchanged"], true, "{payload}");
    });
}
