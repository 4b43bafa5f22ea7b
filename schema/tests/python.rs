//! Files written by Python's csv module and openpyxl come back cell for cell.
//! It exists because their ways of quoting and storing are what most files are made by.
//! It says so when Python or openpyxl is missing.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    missing_docs,
    reason = "tests may stop and talk"
)]

mod common;

use std::path::Path;
use std::process::Command;

use common::{Table, TempFile, read_sheets};
use serde_json::Value as Json;
use sluice_schema::{NoticeCode, ReadOptions, ShownAs};

fn check(file: &str, table: &Table, columns: &Json) {
    for (place, column) in columns.as_array().unwrap().iter().enumerate() {
        let label = column["label"].as_str().unwrap();
        assert_eq!(table.labels()[place], label, "{file}");
        assert_eq!(table.types()[place], column["type"].as_str().unwrap(), "{file}: {label}");
        let cells: Vec<Option<&str>> =
            column["cells"].as_array().unwrap().iter().map(Json::as_str).collect();
        assert_eq!(table.column(place), cells, "{file}: {label}");
    }
}

#[test]
fn files_of_python() {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/python/make_files.py");
    let folder = tempfile::tempdir().unwrap();
    let run = Command::new("python3").arg(&script).arg(folder.path()).output();
    let output = match run {
        Ok(output) => output,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            println!("SKIPPED: python3 is missing");
            return;
        }
        Err(error) => panic!("{error}"),
    };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let said = String::from_utf8_lossy(&output.stdout);
    if !said.is_empty() {
        println!("SKIPPED in part: {said}");
    }
    let expected: Json =
        serde_json::from_slice(&std::fs::read(folder.path().join("expected.json")).unwrap())
            .unwrap();
    for case in expected.as_array().unwrap() {
        let name = case["file"].as_str().unwrap();
        let copy = TempFile::new(&std::fs::read(folder.path().join(name)).unwrap());
        let tables = read_sheets(&copy, name, &ReadOptions::default()).unwrap();
        assert_eq!(tables.len(), 1, "{name}");
        let table = &tables[0];
        check(name, table, &case["columns"]);
        if name.ends_with(".xlsx") {
            assert_eq!(table.plan.columns[2].notation.shown_as, Some(ShownAs::Percent));
            let codes: Vec<NoticeCode> =
                table.plan.notices.iter().map(|notice| notice.code).collect();
            assert!(codes.contains(&NoticeCode::HiddenSheet), "{codes:?}");
        }
    }
}
