//! Files written by the bulk writer, read and changed by SQLite itself.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::print_stdout,
    reason = "tests"
)]

use std::fs::OpenOptions;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use rusqlite::Connection;
use rusqlite::types::Value as SqlValue;
use sluice_schema::{RowEncoder, Value};

use super::bulk::{BulkWriter, JournalMode, SchemaText};
use super::record::RecordEncoder;
use super::*;

/// A folder that goes away with the test.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Folder {
        let path = std::env::temp_dir().join(format!("sluice-store-{}", StorageId::new().as_str()));
        std::fs::create_dir_all(&path).unwrap();
        Folder(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A cell that owns its text.
#[derive(Clone, Debug)]
enum Cell {
    Null,
    Bool(bool),
    Int(i64),
    Real(f64),
    Text(String),
}

impl Cell {
    fn value(&self) -> Value<'_> {
        match self {
            Cell::Null => Value::Null,
            Cell::Bool(value) => Value::Boolean(*value),
            Cell::Int(value) => Value::Int(*value),
            Cell::Real(value) => Value::Float(*value),
            Cell::Text(text) => Value::Text(text),
        }
    }

    fn sql(&self) -> SqlValue {
        match self {
            Cell::Null => SqlValue::Null,
            Cell::Bool(value) => SqlValue::Integer(i64::from(*value)),
            Cell::Int(value) => SqlValue::Integer(*value),
            Cell::Real(value) => SqlValue::Real(*value),
            Cell::Text(text) => SqlValue::Text(text.clone()),
        }
    }
}

/// Writes rows (columns without declared type, so that any cell goes anywhere) and opens the file.
fn write(path: &Path, page_bytes: usize, rows: &[Vec<Cell>], key: Option<usize>) -> Connection {
    let n_columns = rows.first().map_or(1, Vec::len);
    let columns: Vec<String> = (1..=n_columns).map(|n| format!("c{n}")).collect();
    let schema = SchemaText {
        table: format!("CREATE TABLE t(_row INTEGER PRIMARY KEY,{})", columns.join(",")),
        key: key.map(|key| format!("CREATE UNIQUE INDEX \"key\" ON t(c{})", key + 1)),
    };
    let file = OpenOptions::new().write(true).create_new(true).open(path).unwrap();
    let mut writer = BulkWriter::create(file, page_bytes, schema).unwrap();
    for rows in rows.chunks(100) {
        let mut block = RecordEncoder::new(n_columns, key);
        for row in rows {
            for (column, cell) in row.iter().enumerate() {
                block.value(column, cell.value());
            }
            block.end_row();
        }
        let mut keys = block.keys().iter();
        for record in block.records() {
            writer.push_row(record).unwrap();
            if key.is_some() {
                writer.push_key(*keys.next().unwrap()).unwrap();
            }
        }
    }
    let written = writer.finish(JournalMode::Wal).unwrap();
    assert_eq!(written.n_rows, rows.len() as u64);
    assert_eq!(written.file.metadata().unwrap().len(), written.size_bytes);
    let connection = Connection::open(path).unwrap();
    assert_integrity(&connection);
    connection
}

fn assert_integrity(connection: &Connection) {
    let mut statement = connection.prepare("PRAGMA integrity_check").unwrap();
    let found: Vec<String> =
        statement.query_map((), |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    assert_eq!(found, ["ok"]);
}

fn assert_rows(connection: &Connection, rows: &[Vec<Cell>]) {
    let mut statement = connection.prepare("SELECT * FROM t ORDER BY _row").unwrap();
    let mut found = statement.query(()).unwrap();
    for (rowid, expected) in (1_i64..).zip(rows) {
        let row = found.next().unwrap().expect("a row is missing");
        assert_eq!(row.get::<_, i64>(0).unwrap(), rowid);
        for (column, cell) in expected.iter().enumerate() {
            assert_eq!(row.get::<_, SqlValue>(column + 1).unwrap(), cell.sql());
        }
    }
    assert!(found.next().unwrap().is_none());
}

/// Changes the file with ordinary SQL; it must stay whole.
fn change(connection: &Connection) {
    let mode: String = connection.query_row("PRAGMA journal_mode", (), |row| row.get(0)).unwrap();
    assert_eq!(mode, "wal");
    let n_rows: i64 = connection.query_row("SELECT count(*) FROM t", (), |row| row.get(0)).unwrap();
    connection
        .execute_batch(
            "DELETE FROM t WHERE _row % 3 = 0;
             INSERT INTO t(_row, c1) SELECT _row + 1000000, 'new ' || _row FROM t;
             UPDATE t SET c1 = c1 || hex(zeroblob(300)) WHERE _row % 5 = 1;",
        )
        .unwrap();
    assert_integrity(connection);
    connection.execute_batch("DELETE FROM t WHERE _row > 1; VACUUM;").unwrap();
    assert_integrity(connection);
    let n_left: i64 = connection.query_row("SELECT count(*) FROM t", (), |row| row.get(0)).unwrap();
    assert_eq!(n_left, n_rows.min(1));
}

fn check(page_bytes: usize, rows: &[Vec<Cell>], key: Option<usize>) {
    let folder = Folder::new();
    let connection = write(&folder.0.join("t.db"), page_bytes, rows, key);
    assert_rows(&connection, rows);
    change(&connection);
}

fn text(n_bytes: usize) -> Cell {
    Cell::Text("x".repeat(n_bytes))
}

#[test]
fn few_rows() {
    for page_bytes in [512, 4096, 65_536] {
        check(page_bytes, &[], None);
        check(page_bytes, &[], Some(0));
        check(page_bytes, &[vec![Cell::Int(7)]], Some(0));
        check(page_bytes, &[vec![Cell::Null]], None);
        check(page_bytes, &vec![vec![Cell::Null, Cell::Null]; 1_000], None);
    }
}

#[test]
fn many_levels() {
    // Small pages make deep trees of few rows.
    let rows: Vec<_> = (0..60_000).map(|n| vec![Cell::Int(n * 7 - 200_000), text(20)]).collect();
    check(512, &rows, Some(0));
    check(4096, &rows, Some(0));
}

#[test]
fn every_tree_shape() {
    // Each number of rows around the points where a leaf or an interior page fills up.
    for n_rows in (1..700).chain((700..12_000).step_by(97)) {
        let rows: Vec<_> = (0..n_rows).map(|n| vec![Cell::Int(n << 40)]).collect();
        let folder = Folder::new();
        let connection = write(&folder.0.join("t.db"), 512, &rows, Some(0));
        let found: i64 = connection
            .query_row("SELECT count(*) FROM t INDEXED BY key WHERE c1 >= 0", (), |row| row.get(0))
            .unwrap();
        assert_eq!(found, n_rows);
    }
}

#[test]
fn payloads_around_the_overflow_thresholds() {
    for page_bytes in [512_usize, 1024, 4096, 8192] {
        let mut rows = Vec::new();
        // The largest local payload, and one, two and three overflow pages.
        for n_pages in 0..4 {
            let edge = page_bytes - 35 + n_pages * (page_bytes - 4);
            rows.extend((edge.saturating_sub(45)..edge + 10).map(|n| vec![text(n)]));
        }
        let min_local = (page_bytes - 12) * 32 / 255 - 23;
        for n_pages in 1..4 {
            let edge = min_local + n_pages * (page_bytes - 4);
            rows.extend((edge.saturating_sub(10)..edge + 10).map(|n| vec![text(n)]));
        }
        rows.push(vec![text(1_000_000)]);
        rows.push(vec![text(0)]);
        check(page_bytes, &rows, None);
    }
}

#[test]
fn wide_rows() {
    let row: Vec<_> =
        (0..2_000).map(|n| if n % 3 == 0 { text(n % 90) } else { Cell::Null }).collect();
    for page_bytes in [512, 4096] {
        check(page_bytes, &vec![row.clone(); 20], None);
    }
    // The first column is the key: two rows of `sqlite_schema`, the first with overflow pages.
    let rows: Vec<Vec<_>> =
        (0..20).map(|n| (0..2_000).map(|c| Cell::Int(n * 2_000 + c)).collect()).collect();
    check(4096, &rows, Some(0));
}

#[test]
fn schema_rows_that_do_not_fit_on_page_one() {
    // The statement's length passes every threshold of a page that is 100 bytes short.
    for n_columns in 1..400 {
        let rows = [(0..n_columns).map(Cell::Int).collect()];
        for key in [None, Some(0)] {
            let folder = Folder::new();
            assert_rows(&write(&folder.0.join("t.db"), 512, &rows, key), &rows);
        }
    }
}

#[test]
fn the_page_with_the_lock_byte_is_left_out() {
    // A leaf, an interior page, an overflow page or the first of a chain would be on it.
    for (n_pages_before, n_bytes) in (0..8).flat_map(|n| [(n, 100), (n, 900), (n, 5_000)]) {
        let folder = Folder::new();
        let path = folder.0.join("t.db");
        let file = OpenOptions::new().write(true).create_new(true).open(&path).unwrap();
        let schema =
            SchemaText { table: "CREATE TABLE t(_row INTEGER PRIMARY KEY,c1)".into(), key: None };
        let mut writer = BulkWriter::create(file, 1024, schema).unwrap();
        writer.skip_towards_lock_page(n_pages_before).unwrap();
        let rows: Vec<_> = (0..300).map(|n| vec![text(n_bytes + n % 7)]).collect();
        let mut block = RecordEncoder::new(1, None);
        for row in &rows {
            block.value(0, row[0].value());
            block.end_row();
        }
        for record in block.records() {
            writer.push_row(record).unwrap();
        }
        let written = writer.finish(JournalMode::Wal).unwrap();
        assert!(written.size_bytes > 1 << 30);
        assert_eq!(written.file.metadata().unwrap().len(), written.size_bytes);
        // SQLite takes a tree that has the page for corrupt.
        assert_rows(&Connection::open(&path).unwrap(), &rows);
    }
}

#[test]
fn a_full_disk_ends_the_load() {
    let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
    let schema = SchemaText { table: "CREATE TABLE t(_row INTEGER PRIMARY KEY)".into(), key: None };
    let mut writer = BulkWriter::create(full, 4096, schema).unwrap();
    let error = (0..1_000_000).find_map(|_| writer.push_row(&[3, 0, 9]).err()).unwrap();
    assert!(matches!(StoreError::from(error), StoreError::DiskFull(_)));
}

#[test]
fn values_come_back() {
    let mut cells: Vec<Cell> = [i64::MIN, i64::MAX, 0, 1, -1, 2]
        .into_iter()
        .chain((1..63).flat_map(|bit| {
            let edge = 1_i64 << bit;
            [edge - 1, edge, edge + 1, -edge - 1, -edge, -edge + 1]
        }))
        .map(Cell::Int)
        .collect();
    cells.extend([0.0, 1.0, -0.5, 1e300, f64::MIN_POSITIVE, 2f64.powi(53)].map(Cell::Real));
    cells.extend([Cell::Bool(true), Cell::Bool(false), Cell::Null]);
    cells.extend(["", "a\0b", "\0", "żółć 🦀", "12"].map(|text| Cell::Text(text.into())));
    cells.extend((50..70).map(text));
    let rows: Vec<_> = cells.into_iter().map(|cell| vec![cell]).collect();
    let folder = Folder::new();
    assert_rows(&write(&folder.0.join("t.db"), 4096, &rows, None), &rows);
}

#[test]
fn formatted_values() {
    let mut block = RecordEncoder::new(7, None);
    let instant = 1_706_695_200_500_000;
    for (column, value) in [
        Value::Date(19_753),
        Value::Time(3_600_000_001),
        Value::Timestamp(instant),
        Value::Uuid(*b"\x01\x23\x45\x67\x89\xab\xcd\xef\x01\x23\x45\x67\x89\xab\xcd\xef"),
        Value::Decimal(-1_234_500),
        Value::Float(3.0),
        Value::Boolean(true),
    ]
    .into_iter()
    .enumerate()
    {
        block.value(column, value);
    }
    block.end_row();
    let folder = Folder::new();
    let path = folder.0.join("t.db");
    let file = OpenOptions::new().write(true).create_new(true).open(&path).unwrap();
    let schema = SchemaText {
        table:
            "CREATE TABLE t(_row INTEGER PRIMARY KEY,c1 TEXT,c2 TEXT,c3 TEXT,c4 TEXT,c5 INTEGER,\
                c6 REAL,c7 INTEGER)"
                .into(),
        key: None,
    };
    let mut writer = BulkWriter::create(file, 4096, schema).unwrap();
    for record in block.records() {
        writer.push_row(record).unwrap();
    }
    writer.finish(JournalMode::Wal).unwrap();
    let connection = Connection::open(&path).unwrap();
    assert_integrity(&connection);
    let found: String = connection
        .query_row(
            "SELECT group_concat(quote(v) || ' ' || typeof(v), ', ') FROM (
             SELECT c1 v FROM t UNION ALL SELECT c2 FROM t UNION ALL SELECT c3 FROM t
             UNION ALL SELECT c4 FROM t UNION ALL SELECT c5 FROM t UNION ALL SELECT c6 FROM t
             UNION ALL SELECT c7 FROM t)",
            (),
            |row| row.get(0),
        )
        .unwrap();
    assert_eq!(
        found,
        "'2024-01-31' text, '01:00:00.000001' text, '2024-01-31T10:00:00.5' text, \
         '01234567-89ab-cdef-0123-456789abcdef' text, -1234500 integer, 3.0 real, 1 integer"
    );
}

fn cell() -> impl Strategy<Value = Cell> {
    prop_oneof![
        Just(Cell::Null),
        any::<bool>().prop_map(Cell::Bool),
        any::<i64>().prop_map(Cell::Int),
        (-300_i64..300).prop_map(Cell::Int),
        any::<f64>().prop_filter("no NaN", |v| !v.is_nan()).prop_map(Cell::Real),
        ".{0,20}".prop_map(Cell::Text),
        (0_usize..6_000).prop_map(text),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_rows_come_back(
        rows in (1_usize..12).prop_flat_map(|n_columns| {
            prop::collection::vec(prop::collection::vec(cell(), n_columns), 0..80)
        }),
        page_bits in 9..17_u32,
    ) {
        let folder = Folder::new();
        let connection = write(&folder.0.join("t.db"), 1 << page_bits, &rows, None);
        assert_rows(&connection, &rows);
        change(&connection);
    }

    #[test]
    fn any_growing_key_is_found(
        keys in prop::collection::btree_set(any::<i64>(), 0..3_000),
        page_bits in 9..14_u32,
    ) {
        let rows: Vec<_> = keys.iter().map(|&key| vec![Cell::Int(key)]).collect();
        let folder = Folder::new();
        let connection = write(&folder.0.join("t.db"), 1 << page_bits, &rows, Some(0));
        let mut find =
            connection.prepare("SELECT _row FROM t INDEXED BY key WHERE c1 = ?1").unwrap();
        for (rowid, key) in (1_i64..).zip(&keys) {
            assert_eq!(find.query_row([key], |row| row.get::<_, i64>(0)).unwrap(), rowid);
        }
    }
}

#[test]
fn a_bound_limit_is_not_planned_anew() {
    let connection = rusqlite::Connection::open_in_memory().unwrap();
    connection.execute_batch("CREATE TABLE t(a)").unwrap();
    for (limit, is_planned_anew) in [("?1", true), ("+?1", false)] {
        let sql = format!("SELECT a FROM t ORDER BY a LIMIT {limit}");
        let mut statement = connection.prepare(&sql).unwrap();
        for n in 1..=3 {
            statement.query([n]).unwrap().next().unwrap();
        }
        let n_times = statement.get_status(rusqlite::StatementStatus::RePrepare);
        assert_eq!(n_times > 0, is_planned_anew, "LIMIT {limit}: {n_times} times");
    }
}
