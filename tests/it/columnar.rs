//! Rows leave as Parquet and as Arrow files: every type is kept, for others and for ourselves.

use std::process::Command;

use serde_json::{Value, json};

use crate::access;
use crate::harness::fixtures::{ITEMS, generation};
use crate::harness::{Client, Folder, both_stores};

/// A row per case, with what ITEMS lacks: times of day, JSON, the ends of ranges.
const KINDS: &str = "\
id,flag,small,big,price,ratio,day,at,local,moment,ref,doc,text
1,true,-2147483648,-9223372036854775808,-9999999999999999.99,-1.5e-300,0001-01-01,00:00:00,0001-01-01T00:00:00,0001-01-01T00:00:00Z,00000000-0000-0000-0000-000000000000,\"{\"\"a\"\": [1, null]}\",\"=1+1\"
2,false,2147483647,9223372036854775807,9999999999999999.99,1.7976931348623157e308,9999-12-31,23:59:59.999999,9999-12-31T23:59:59.999999,9999-12-31T23:59:59.999999Z,ffffffff-ffff-ffff-ffff-ffffffffffff,\"[true]\",é😀
3,,,,,,,,,,,,
";

/// Reads a file by the tools that others read it with; prints its types and its rows as JSON.
const READER: &str = r#"
import decimal, json, sys, uuid
import pyarrow, pyarrow.ipc, pyarrow.parquet
path = sys.argv[1]
if path.endswith(".parquet"):
    table = pyarrow.parquet.read_table(path)
else:
    table = pyarrow.ipc.open_file(path).read_all()
table.validate(full=True)
rows = [{name: value if value is None or isinstance(value, (bool, int, float)) else str(value)
         for name, value in row.items()} for row in table.to_pylist()]
print(json.dumps({"types": {field.name: str(field.type) for field in table.schema}, "rows": rows}))
"#;

fn read_by_others(folder: &Folder, client: &Client, file: &str, query: &str) -> Value {
    let path = folder.file(file, client.bytes(&format!("/export/{file}{query}")));
    let packages = std::env::var("SLUICE_TEST_PYTHON").unwrap_or_default();
    let output = Command::new("python3")
        .env("PYTHONPATH", packages)
        .args(["-c", READER, path.to_str().unwrap()])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn others_read_the_types_and_the_values() {
    both_stores(|server| {
        let client = server.client();
        client.load("kinds", KINDS);
        let folder = Folder::new();
        for file in ["kinds.parquet", "kinds.arrow"] {
            let told = read_by_others(&folder, &client, file, "");
            assert_eq!(
                told["types"],
                json!({
                    "id": "int32", "flag": "bool", "small": "int32", "big": "int64",
                    "price": "decimal128(18, 2)", "ratio": "double", "day": "date32[day]",
                    "at": "time64[us]", "local": "timestamp[us]", "moment": "timestamp[us, tz=UTC]",
                    "ref": "extension<arrow.uuid>", "doc": "extension<arrow.json>", "text": "string",
                }),
                "{file}"
            );
            let first = json!({
                "id": 1, "flag": true, "small": -2_147_483_648_i64, "big": i64::MIN,
                "price": "-9999999999999999.99", "ratio": -1.5e-300, "day": "0001-01-01",
                "at": "00:00:00", "local": "0001-01-01 00:00:00",
                "moment": "0001-01-01 00:00:00+00:00",
                "ref": "00000000-0000-0000-0000-000000000000", "doc": told["rows"][0]["doc"],
                "text": "=1+1",
            });
            assert_eq!(told["rows"][0], first, "{file}");
            let doc = told["rows"][0]["doc"].as_str().unwrap();
            assert_eq!(serde_json::from_str::<Value>(doc).unwrap(), json!({ "a": [1, null] }));
            assert_eq!(told["rows"][1]["at"], "23:59:59.999999");
            assert_eq!(told["rows"][1]["text"], "é😀");
            let none = told["rows"][2].as_object().unwrap();
            assert!(none.iter().all(|(name, value)| name == "id" || value.is_null()), "{none:?}");
            // Order, columns and rows are those that were asked for; none is a file, too.
            let some = read_by_others(&folder, &client, file, "?fields=text,id&sort=-id&limit=1");
            assert_eq!(some["rows"], json!([{ "text": null, "id": 3 }]));
            let none = read_by_others(&folder, &client, file, "?filter[id]=7&fields=price");
            assert_eq!(none, json!({ "types": { "price": "decimal128(18, 2)" }, "rows": [] }));
        }
    });
}

#[test]
fn our_own_upload_reads_the_same_dataset() {
    both_stores(|server| {
        let client = server.client();
        let told = |name: &str| {
            let columns = client
                .data(&format!("{{ dataset(name: \"{name}\") {{ columns {{ name type }} }} }}"));
            (client.get(&format!("/export/{name}.json")).json(), columns["dataset"].clone())
        };
        for (name, text) in [("kinds", KINDS), ("items", ITEMS)] {
            client.load(name, text);
            let again = format!("{name}Again");
            client.load(&again, client.bytes(&format!("/export/{name}.parquet")));
            assert_eq!(told(&again), told(name), "{name}");
        }
    });
}

#[test]
fn many_rows_come_in_parts_and_are_counted_whole() {
    both_stores(|server| {
        let client = server.client();
        let n_rows = 60_000;
        client.load("many", generation(1, n_rows));
        let folder = Folder::new();
        for file in ["many.parquet", "many.arrow"] {
            let told = read_by_others(&folder, &client, file, "?fields=id,name");
            let rows = told["rows"].as_array().unwrap();
            assert_eq!(rows.len(), n_rows);
            let last = json!({ "id": n_rows, "name": format!("row {n_rows} of generation 1") });
            assert_eq!(rows.last(), Some(&last), "{file}");
        }
        // Text that fills a batch before its rows do.
        let long = "x".repeat(300_000);
        let wide: String = (1..=40).map(|id| format!("{id},{long}\n")).collect();
        client.load("wide", format!("id,text\n{wide}"));
        client.load("wideAgain", client.bytes("/export/wide.parquet"));
        let rows = client.data("{ wideAgain(where: {id: {_eq: 40}}) { text } }");
        assert_eq!(rows["wideAgain"][0]["text"].as_str().map(str::len), Some(long.len()));
    });
}

#[test]
fn policies_and_masks_hold_in_columns_too() {
    both_stores(|server| {
        let admin = server.client();
        access::load(&admin);
        access::set_policy(
            &admin,
            r#"dataset: "customers", role: "part", filter: {region: {_eq: "$claims.region"}},
               columns: ["id", "name", "email", "region", "credit"],
               masks: [{column: "name", mask: PARTIAL}, {column: "email", mask: HIDE}, {column: "credit", mask: NULL}]"#,
        );
        let part = access::key(&admin, r#"role: "part", claims: {region: "north"}"#);
        let folder = Folder::new();
        for file in ["customers.parquet", "customers.arrow"] {
            let told = read_by_others(&folder, &part, file, "");
            assert_eq!(
                told["rows"],
                json!([
                    { "id": 1, "name": "A***e", "region": "north", "credit": null },
                    { "id": 3, "name": "C***s", "region": "north", "credit": null },
                ])
            );
        }
    });
}

#[test]
fn types_tags_and_options_are_those_of_files() {
    both_stores(|server| {
        let client = server.client();
        client.load("items", ITEMS);
        let told = client.get("/export/items.pdf").error();
        assert!(told.0 == "NOT_FOUND" && told.1.contains(".parquet or .arrow"), "{told:?}");
        for (ending, media) in [
            ("parquet", "application/vnd.apache.parquet"),
            ("arrow", "application/vnd.apache.arrow.file"),
        ] {
            let path = format!("/export/items.{ending}");
            let head = client.request("HEAD", &path, &[], "");
            assert_eq!((head.status, head.header("content-type")), (200, media));
            let name = format!("attachment; filename=\"items.{ending}\"");
            assert_eq!(head.header("content-disposition"), name);
            let tag = head.header("etag");
            let again = client.request("GET", &path, &[("if-none-match", tag)], "");
            assert_eq!(again.status, 304);
            let refused = client.get(&format!("{path}?delimiter=;"));
            assert_eq!((refused.status, refused.code().as_str()), (400, "BAD_USER_INPUT"));
        }
    });
}
