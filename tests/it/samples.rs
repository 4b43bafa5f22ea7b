//! Every real file beside the project, loaded into both stores: the same rows, byte for byte, and
//! those that the reader gives, whose cells `schema/tests/samples.rs` holds against the truth.

use std::convert::Infallible;
use std::path::{Path, PathBuf};

use serde_json::{Value as Json, json};
use sluice_schema::{
    ColumnType, Limits, ReadOptions, RowEncoder, SheetPlan, Value, decimal, read_rows, temporal,
    understand,
};

use crate::harness::server::Options;
use crate::harness::{Client, Server, StoreKind};

fn samples() -> Option<PathBuf> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let mut places = vec![root.join("../shared/samples"), root.join("../../shared/samples")];
    places.extend(std::env::var_os("SLUICE_SAMPLES").map(PathBuf::from));
    places.into_iter().find(|place| place.join("truth.json").is_file())
}

#[test]
fn both_stores_hold_the_same_values() {
    let Some(folder) = samples() else {
        println!("SKIPPED: the samples are not beside the project; set SLUICE_SAMPLES");
        return;
    };
    let truth: Json =
        serde_json::from_slice(&std::fs::read(folder.join("truth.json")).unwrap()).unwrap();
    let files: Vec<PathBuf> = truth
        .as_array()
        .unwrap()
        .iter()
        .map(|case| folder.join(case["file"].as_str().unwrap()))
        .collect();
    let load = |kind| {
        let (options, database) = Options::of(kind);
        let options = options
            .variable("SLUICE_LOAD_CONCURRENCY", "4")
            .variable("SLUICE_MAX_LIMIT", "100000")
            .variable("SLUICE_QUERY_MAX_COST", "1000000000");
        let server = Server::start_with(options, database);
        let client = server.client();
        // Most of a small load is waiting for the disk.
        let numbered: Vec<_> = files.iter().enumerate().collect();
        std::thread::scope(|scope| {
            let parts = numbered.chunks(numbered.len().div_ceil(4)).map(|part| {
                let load = |(index, file): &(usize, &PathBuf)| load_file(&client, *index, file);
                scope.spawn(move || part.iter().map(load).collect::<Vec<_>>())
            });
            let parts: Vec<_> = parts.collect();
            parts.into_iter().flat_map(|part| part.join().unwrap()).collect::<Vec<_>>()
        })
    };
    let (embedded, postgres) = std::thread::scope(|scope| {
        let embedded = scope.spawn(|| load(StoreKind::Sqlite));
        let postgres = load(StoreKind::Postgres);
        (embedded.join().unwrap(), postgres)
    });
    let mut wrong = Vec::new();
    for ((file, ours), theirs) in files.iter().zip(&embedded).zip(&postgres) {
        let name = file.file_name().unwrap().to_string_lossy();
        if ours != theirs {
            wrong.push(format!("{name}: the stores differ"));
        }
        wrong.extend(differs_from_file(file, ours).map(|what| format!("{name}: {what}")));
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}

/// What became of a file.
#[derive(Debug, PartialEq)]
enum Made {
    /// The code and the message.
    Refused(String, String),
    /// For each table its columns and the answer that holds all of its rows, as it came.
    Tables(Vec<(Json, String)>),
}

fn load_file(client: &Client, index: usize, file: &Path) -> Made {
    let answer = client.upload(&format!("f{index}"), std::fs::read(file).unwrap());
    let payload = answer.json();
    if payload["job"]["status"] != "SUCCEEDED" {
        let error = if payload["job"]["error"].is_object() {
            payload["job"]["error"].clone()
        } else {
            payload["errors"][0].clone()
        };
        let code = error["code"].as_str().or(error["extensions"]["code"].as_str());
        let message = error["message"].as_str().unwrap_or_default().to_owned();
        return Made::Refused(code.unwrap_or_default().to_owned(), message);
    }
    let datasets = payload["datasets"].as_array().unwrap();
    let tables = datasets.iter().map(|dataset| {
        let query = "query D($name: String!) { dataset(name: $name) {
            listField columns { name type generated } } }";
        let dataset =
            client.data_with(query, &json!({ "name": dataset["name"] }))["dataset"].clone();
        let columns: Vec<Json> = dataset["columns"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|column| column["generated"] == false)
            .cloned()
            .collect();
        let names: Vec<&str> =
            columns.iter().map(|column| column["name"].as_str().unwrap()).collect();
        let list = dataset["listField"].as_str().unwrap();
        let query = format!("{{ rows: {list}(limit: 100000) {{ {} }} }}", names.join(" "));
        let answer = client.graphql(&query, &json!({}));
        assert_eq!(answer.status, 200, "{}", answer.text);
        (Json::from(columns), answer.text)
    });
    Made::Tables(tables.collect())
}

/// Compares what a store made with what the reader gives.
fn differs_from_file(file: &Path, made: &Made) -> Option<String> {
    let (options, limits) = (ReadOptions::default(), Limits::default());
    let name = file.file_name().unwrap().to_string_lossy();
    let plans = match understand(file, &name, &options, &limits, &()) {
        Ok(plans) => plans,
        Err(error) => {
            let is_same = matches!(made, Made::Refused(code, _) if code == error.code());
            return (!is_same).then(|| format!("{error} in the reader, {made:?} in the store"));
        }
    };
    let tables = match made {
        Made::Refused(code, message) => return Some(format!("{code}: {message}")),
        Made::Tables(tables) => tables,
    };
    if tables.len() != plans.len() {
        return Some(format!("{} tables instead of {}", tables.len(), plans.len()));
    }
    tables
        .iter()
        .zip(&plans)
        .find_map(|((columns, answer), plan)| table_differs(file, plan, columns, answer))
}

fn table_differs(file: &Path, plan: &SheetPlan, columns: &Json, answer: &str) -> Option<String> {
    let types: Vec<ColumnType> = plan.columns.iter().map(|column| column.column_type).collect();
    let mut expected = Vec::new();
    let make = || Cells { types: types.clone(), rows: Vec::new(), row: Vec::new() };
    let sink = |cells: Cells, _| {
        expected.extend(cells.rows);
        Ok::<(), Infallible>(())
    };
    read_rows(file, plan, &Limits::default(), &(), 1, make, sink).unwrap();
    let answer: Json = serde_json::from_str(answer).unwrap();
    let rows = answer["data"]["rows"].as_array().unwrap();
    if rows.len() != expected.len() {
        return Some(format!("{} rows instead of {}", rows.len(), expected.len()));
    }
    for (index, (row, expected)) in rows.iter().zip(&expected).enumerate() {
        for (column, expected) in columns.as_array().unwrap().iter().zip(expected) {
            let ours = &row[column["name"].as_str().unwrap()];
            if !same(ours, expected) {
                return Some(format!("row {index}, {column}: {ours} instead of {expected}"));
            }
        }
    }
    None
}

/// Numbers of JSON are the same when their values are.
fn same(ours: &Json, expected: &Json) -> bool {
    ours == expected
        || ours.as_f64().zip(expected.as_f64()).is_some_and(|(a, b)| a.to_bits() == b.to_bits())
}

/// Writes values as the API shows them.
struct Cells {
    types: Vec<ColumnType>,
    rows: Vec<Vec<Json>>,
    row: Vec<Json>,
}

impl RowEncoder for Cells {
    fn value(&mut self, column: usize, value: Value<'_>) {
        self.row.push(shown(self.types[column], value));
    }

    fn end_row(&mut self) {
        self.rows.push(std::mem::take(&mut self.row));
    }
}

fn shown(column_type: ColumnType, value: Value<'_>) -> Json {
    let mut out = Vec::new();
    match (value, column_type) {
        (Value::Null, _) => return Json::Null,
        (Value::Boolean(value), _) => return Json::from(value),
        (Value::Int(value), ColumnType::BigInt) => return Json::from(value.to_string()),
        (Value::Int(value), _) => return Json::from(value),
        (Value::Float(value), _) => return Json::from(value),
        (Value::Decimal(value), ColumnType::Decimal { scale, .. }) => {
            decimal::write_decimal(&mut out, value, scale);
        }
        (Value::Decimal(_), _) => unreachable!("a decimal in another column"),
        (Value::Date(value), _) => temporal::write_date(&mut out, value),
        (Value::Time(value), _) => temporal::write_time(&mut out, value),
        (Value::Timestamp(value), _) => {
            temporal::write_timestamp(&mut out, value);
            if column_type == ColumnType::DateTime {
                out.push(b'Z');
            }
        }
        (Value::Uuid(bytes), _) => {
            let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            let parts = [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]];
            return Json::from(parts.join("-"));
        }
        (Value::Text(text), ColumnType::Json) => return serde_json::from_str(text).unwrap(),
        (Value::Text(text), _) => return Json::from(text),
    }
    Json::from(String::from_utf8(out).unwrap())
}
