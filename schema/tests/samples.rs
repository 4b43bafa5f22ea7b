//! Every real file beside the project, against its truth.
//! It exists because people's files are the judge.
//! It never passes silently: where the folder is absent it says so.
#![allow(
    clippy::cast_possible_truncation,
    clippy::float_cmp,
    clippy::indexing_slicing,
    clippy::needless_pass_by_value,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    missing_docs,
    reason = "tests may stop and talk"
)]

mod common;

use std::collections::BTreeMap;
use std::path::PathBuf;

use common::{Table, TempFile, read_sheets, show};
use serde_json::Value as Json;
use sluice_schema::{ReadOptions, parse_value};

/// Truths that are not followed, with the reason.
const OTHERWISE: &[(&str, &str)] = &[
    (
        "fric_country-2.csv",
        "the rows are divided by semicolons; the truth was read with commas only, as one column",
    ),
    (
        "readxl_new_line_errors.xlsx",
        "_x000D_ is how Excel writes a carriage return (ECMA-376, ST_Xstring); the truth kept the escape",
    ),
    (
        "fric_issue-1105-timezone.csv",
        "the rows are divided by semicolons; the truth was read with commas only, as one column",
    ),
];

fn samples() -> Option<PathBuf> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let mut places = vec![root.join("../../shared/samples"), root.join("../../../shared/samples")];
    places.extend(std::env::var_os("SLUICE_SAMPLES").map(PathBuf::from));
    places.into_iter().find(|place| place.join("truth.json").is_file())
}

fn check_group(folder: &str) {
    let Some(samples) = samples() else {
        println!(
            "SKIPPED: the samples are not beside the project; set SLUICE_SAMPLES to their folder"
        );
        return;
    };
    let truth: Vec<Json> =
        serde_json::from_slice(&std::fs::read(samples.join("truth.json")).unwrap()).unwrap();
    let (mut n_right, mut failures) = (0, Vec::new());
    for case in &truth {
        let file = case["file"].as_str().unwrap();
        if !file.starts_with(folder) {
            continue;
        }
        let id = case["id"].as_str().unwrap();
        let copy = TempFile::new(&std::fs::read(samples.join(file)).unwrap());
        let result =
            read_sheets(&copy, id, &ReadOptions::default()).map_err(|error| error.to_string());
        let problem = match result {
            Err(error)
                if case["expect"] == "table" && case["tables"].as_array().unwrap().is_empty() =>
            {
                println!("{id}: refused, as expected: {error}");
                None
            }
            Err(error) => Some(error),
            Ok(tables) if case["expect"] == "table" => tables_differ(&tables, &case["tables"]),
            Ok(tables) => bag_differs(&tables, &case["bag"]),
        };
        match (problem, OTHERWISE.iter().find(|(name, _)| *name == id)) {
            (None, _) => n_right += 1,
            (Some(_), Some((name, reason))) => println!("{name}: {reason}"),
            (Some(problem), None) => failures.push(format!("{id}: {problem}")),
        }
    }
    println!("{folder}: {n_right} right");
    assert!(failures.is_empty(), "{} differ:\n{}", failures.len(), failures.join("\n"));
}

fn tables_differ(tables: &[Table], truth: &Json) -> Option<String> {
    let expected = truth.as_array().unwrap();
    if tables.len() != expected.len() {
        let names: Vec<_> = tables.iter().map(|table| table.plan.name.clone()).collect();
        return Some(format!("{} tables instead of {}: {names:?}", tables.len(), expected.len()));
    }
    tables.iter().zip(expected).find_map(|(table, truth)| table_differs(table, truth))
}

fn table_differs(table: &Table, truth: &Json) -> Option<String> {
    let columns = truth["cols"].as_array().unwrap();
    let labels: Vec<&str> =
        columns.iter().map(|column| column["name"].as_str().unwrap_or("")).collect();
    let found: Vec<&str> = table.labels();
    if found.len() != labels.len() {
        return Some(format!("columns {found:?} instead of {labels:?}"));
    }
    for (place, column) in columns.iter().enumerate() {
        let plan = &table.plan.columns[place];
        let label = labels[place];
        if plan.label != label && plan.label.trim() != label.trim() && !label.is_empty() {
            return Some(format!("column {:?} instead of {label:?}", plan.label));
        }
        let cells = column["v"].as_array().unwrap();
        let ours = table.column(place);
        if ours.len() != cells.len() {
            return Some(format!(
                "column {label:?}: {} rows instead of {}",
                ours.len(),
                cells.len()
            ));
        }
        for (row, (ours, truth)) in ours.iter().zip(cells).enumerate() {
            let alternatives = match truth {
                Json::Array(list) => list.clone(),
                one => vec![one.clone()],
            };
            if !alternatives.iter().any(|truth| same_cell(plan, *ours, truth)) {
                let name = plan.column_type.name();
                return Some(format!(
                    "column {label:?} ({name}) row {row}: {ours:?} instead of {truth} ({})",
                    column["types"]
                ));
            }
        }
    }
    None
}

/// Equal as text, or as a value of the column's type.
fn same_cell(plan: &sluice_schema::ColumnPlan, ours: Option<&str>, truth: &Json) -> bool {
    let Some(text) = truth.as_str() else {
        return ours.is_none() && truth.is_null();
    };
    if ours == Some(text) {
        return true;
    }
    let Some(ours) = ours else {
        // A word that was read as null is told in a notice.
        return plan.notation.nulls.iter().any(|word| word == text.trim())
            || text.trim().is_empty();
    };
    let mut notation = plan.notation.clone();
    notation.trim = true;
    let as_value = |text: &str| {
        parse_value(plan.column_type, &notation, text)
            .ok()
            .and_then(|value| show(plan.column_type, value))
    };
    let iso = text.strip_suffix("T00:00:00").unwrap_or(text);
    as_value(text).as_deref() == Some(ours)
        || parse_value(plan.column_type, &sluice_schema::Notation::default(), iso)
            .ok()
            .and_then(|value| show(plan.column_type, value))
            .as_deref()
            == Some(ours)
        || (plan.column_type.name() != "STRING" && ours.eq_ignore_ascii_case(text))
        || (plan.column_type.name() != "STRING"
            && ours.parse::<f64>().ok().zip(text.parse::<f64>().ok()).is_some_and(|(a, b)| a == b))
}

/// Every non-empty cell turns up as often, as a value or a label, or is reported.
fn bag_differs(tables: &[Table], bag: &Json) -> Option<String> {
    let mut found: BTreeMap<String, i64> = BTreeMap::new();
    let mut told = String::new();
    for table in tables {
        for text in table.labels() {
            *found.entry(text.trim().to_owned()).or_default() += 1;
        }
        for cell in table.rows.iter().flatten().flatten() {
            *found.entry(cell.trim().to_owned()).or_default() += 1;
        }
        for notice in table.plan.notices.iter().chain(&table.report.notices) {
            told.push_str(&notice.message);
            told.push('\n');
        }
    }
    let mut missing = Vec::new();
    for cell in bag.as_array().unwrap() {
        let text = cell.as_str().unwrap_or_default().trim().to_owned();
        let same = |ours: &str| {
            ours == text
                || ours
                    .parse::<f64>()
                    .ok()
                    .zip(text.parse::<f64>().ok())
                    .is_some_and(|(a, b)| a == b)
                || ours.eq_ignore_ascii_case(&text)
                || text.strip_suffix("T00:00:00") == Some(ours)
        };
        let key = match found.get(&text) {
            Some(n) if *n > 0 => Some(text.clone()),
            _ => found.iter().find(|(ours, n)| **n > 0 && same(ours)).map(|(ours, _)| ours.clone()),
        };
        match key.and_then(|key| found.get_mut(&key)) {
            Some(n) => *n -= 1,
            None if text.is_empty() || told.contains(&text) => {}
            None => missing.push(text),
        }
    }
    (!missing.is_empty()).then(|| {
        format!("{} cells are missing: {:?}", missing.len(), &missing[..missing.len().min(12)])
    })
}

#[test]
fn delimited_samples() {
    check_group("csv-tests/");
}

#[test]
fn workbook_samples() {
    check_group("excel/");
}
