//! JSON documents: each shape that people have.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "tests may stop"
)]

mod common;

use common::{TempFile, read, read_sheets, read_with};
use sluice_schema::ReadOptions;

#[test]
fn arrays_and_lines() {
    let table = read(
        r#"[{"id": 1, "name": "a", "price": 1.50, "ok": true}, {"id": 2, "name": null, "extra": [1, 2]}]"#,
    );
    assert_eq!(table.labels(), ["id", "name", "price", "ok", "extra"]);
    assert_eq!(table.types(), ["INT", "STRING", "DECIMAL", "BOOLEAN", "JSON"]);
    assert_eq!(table.shown(), ["1|a|1.50|true|∅", "2|∅|∅|∅|[1, 2]"]);
    let table = read("{\"id\":1,\"at\":\"2024-01-01T00:00:00Z\"}\n{\"id\":2,\"at\":null}\n");
    assert_eq!(table.types(), ["INT", "DATE_TIME"]);
    assert_eq!(table.shown(), ["1|2024-01-01T00:00:00Z", "2|∅"]);
    assert_eq!(read("[{\"a\":1},{\"a\":null},{\"a\":2}]").shown(), ["1", "∅", "2"]);
    assert_eq!(read("{\"id\": 7,\n \"name\": \"x\"}").shown(), ["7|x"]);
    let table = read(r#"{"exported": "today", "orders": [{"id": 1}, {"id": 2}]}"#);
    assert_eq!(table.shown(), ["1", "2"]);
    assert!(table.plan.notices[0].message.contains("exported: today"));
}

#[test]
fn values_are_exact() {
    let table = read(
        r#"[{"a": "007", "b": 1e3, "c": "line\n\"q\" \u001f x", "d": 12345678901234567890, "e": "1"}, {"a": "8", "b": 2.5, "c": "", "d": 1, "e": "2"}]"#,
    );
    assert_eq!(table.types(), ["STRING", "DECIMAL", "STRING", "STRING", "STRING"]);
    assert_eq!(table.rows[0][2].as_deref(), Some("line\n\"q\" \u{1f} x"));
    assert_eq!(table.rows[1][2].as_deref(), Some(""));
    assert_eq!(table.rows[0][3].as_deref(), Some("12345678901234567890"));
    assert_eq!(table.column(1), [Some("1000.0"), Some("2.5")]);
}

#[test]
fn several_tables() {
    let file = TempFile::new(br#"{"a": [{"x": 1}], "b": [{"y": "z"}]}"#);
    let tables = read_sheets(&file, "t.json", &ReadOptions::default()).unwrap();
    let names: Vec<_> = tables.iter().map(|table| table.plan.name.as_deref().unwrap()).collect();
    assert_eq!(names, ["a", "b"]);
    assert_eq!(tables[1].shown(), ["z"]);
}

#[test]
fn bad_documents() {
    let code = |content: &str| {
        read_with(content.as_bytes(), &ReadOptions::default()).err().map(|error| error.code())
    };
    assert_eq!(code(r#"[{"a": 1}, {"a": 2"#), Some("FILE_REJECTED"));
    assert_eq!(code(r#"[{"a": 1}, 5]"#), Some("FILE_REJECTED"));
    assert_eq!(code(r#"[{"a": 1, "a": 2}]"#), Some("FILE_REJECTED"));
    assert_eq!(code("[]"), Some("FILE_REJECTED"));
    let deep = "[".repeat(100_000);
    assert_eq!(code(&format!(r#"[{{"a": {deep}"#)), Some("FILE_REJECTED"));
}

#[test]
fn objects_are_flattened_when_asked() {
    let options = ReadOptions { flatten: true, ..ReadOptions::default() };
    let rows = r#"[{"id": 1, "at": {"lat": 1.50, "deep": {"x": 12345678901234567890}}, "none": {}}, {"id": 2, "at": null}]"#;
    let lines = "{\"id\": 1, \"at\": {\"lat\": 1.50, \"deep\": {\"x\": 12345678901234567890}}, \"none\": {}}\n{\"id\": 2, \"at\": null}\n";
    let member = format!("{{\"rows\": {rows}}}");
    for document in [rows, lines, &member] {
        let table = read_with(document.as_bytes(), &options).unwrap();
        assert_eq!(table.labels(), ["id", "at.lat", "at.deep", "none", "at"]);
        assert_eq!(table.names(), ["id", "atLat", "atDeep", "none", "at"]);
        assert_eq!(table.shown(), ["1|1.50|{\"x\": 12345678901234567890}|{}|∅", "2|∅|∅|∅|∅"]);
    }
    let table = read(rows);
    assert_eq!(table.labels(), ["id", "at", "none"]);
    let twice = read_with(br#"[{"a": {"b": 1}, "a.b": 2}]"#, &options);
    assert_eq!(twice.err().map(|error| error.code()), Some("FILE_REJECTED"));
}

#[test]
fn what_is_no_table_of_objects_is_refused() {
    for content in [
        "[1, 2, 3]",
        "[true]",
        "[\n// a comment\n{\"a\":1}]",
        "/* a */ [{\"a\":1}]",
        "{ // a\n\"a\":1}",
    ] {
        let error = read_with(content.as_bytes(), &ReadOptions::default()).err().unwrap();
        assert_eq!(error.code(), "FILE_REJECTED", "{content}: {error}");
    }
}

#[test]
fn what_no_store_reads_is_kept_as_text_or_told() {
    let deep = format!("{}{}", "[".repeat(129), "]".repeat(129));
    let table = read(&format!("[{{\"a\":{deep}}},{{\"a\":[]}}]"));
    assert_eq!(table.types(), ["STRING"]);
    assert_eq!(table.shown(), [deep.as_str(), "[]"]);
    let table = read("[{\"a\":\"x\\u0000y\"},{\"a\":\"z\"}]");
    assert_eq!(table.shown(), ["x\u{FFFD}y", "z"]);
    let notice = &table.plan.notices[0];
    assert_eq!(
        (notice.code.name().as_str(), notice.row, notice.column.as_deref()),
        ("UNDECODABLE_BYTE", Some(2), Some("a"))
    );
}
