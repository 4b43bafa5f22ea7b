//! Sheets loaded into both stores, from a file on disk to rows read back.
//!
//! PostgreSQL takes part when `SLUICE_TEST_DATABASE_URL` names one.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "tests"
)]

use std::fmt::Write;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

use rusqlite::Connection;
use sluice_columnar::fold;
use sluice_schema::{ReadOptions, understand};
use sqlx::AssertSqlSafe;
use tokio::runtime::Runtime;

use super::postgres::PostgresStore;

use super::*;

/// A folder, a runtime and a store of each kind that is to be had.
struct Bench {
    folder: PathBuf,
    runtime: Runtime,
    stores: Vec<Store>,
}

/// Where loads stop: after so many rows.
struct StopAfter {
    n_rows: u64,
    seen: AtomicU64,
}

impl Control for StopAfter {
    fn rows_done(&self, n: u64) {
        self.seen.fetch_add(n, Ordering::Relaxed);
    }
    fn is_cancelled(&self) -> bool {
        self.seen.load(Ordering::Relaxed) > self.n_rows
    }
}

static NEVER: StopAfter = StopAfter { n_rows: u64::MAX, seen: AtomicU64::new(0) };

impl Bench {
    fn new() -> Bench {
        let folder =
            std::env::temp_dir().join(format!("sluice-load-{}", StorageId::new().as_str()));
        std::fs::create_dir_all(&folder).unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let mut settings = Settings { data_dir: folder.clone(), ..Settings::default() };
        let mut stores = vec![runtime.block_on(Store::open(&settings)).unwrap()];
        settings.database_url = std::env::var("SLUICE_TEST_DATABASE_URL").ok();
        match settings.database_url {
            Some(_) => stores.push(runtime.block_on(Store::open(&settings)).unwrap()),
            None => println!("SLUICE_TEST_DATABASE_URL is not set: PostgreSQL is left out"),
        }
        Bench { folder, runtime, stores }
    }

    /// Loads a CSV file with a column as key candidate.
    fn load(
        &self,
        store: &Store,
        csv: &str,
        key: Option<usize>,
        control: &dyn Control,
    ) -> (StorageId, Result<LoadedTable, StoreError>) {
        let storage = StorageId::new();
        let loaded = self.load_as(&storage, store, csv, key, control);
        (storage, loaded)
    }

    fn load_as(
        &self,
        storage: &StorageId,
        store: &Store,
        csv: &str,
        key: Option<usize>,
        control: &dyn Control,
    ) -> Result<LoadedTable, StoreError> {
        let path = self.folder.join("sheet.csv");
        std::fs::write(&path, csv).unwrap();
        let limits = Limits::default();
        let plans =
            understand(&path, "sheet.csv", &ReadOptions::default(), &limits, &NEVER).unwrap();
        let plan = &plans[0];
        let columns = (1..)
            .zip(&plan.columns)
            .map(|(n, column)| PhysicalColumn {
                name: format!("c{n}"),
                column_type: column.column_type,
            })
            .collect();
        let key = key
            .map(|column| KeyCandidate { column, is_increasing: plan.columns[column].increasing });
        let source = SheetSource { path: &path, plan, limits: &limits, control, n_workers: 2 };
        store.load_sheet(storage, &TableSpec { columns, key }, &source)
    }

    /// All rows as text, a line each, cells in SQL's own words.
    fn rows(&self, store: &Store, storage: &StorageId) -> String {
        let mut text = String::new();
        match store {
            Store::Sqlite(store) => {
                let connection = Connection::open(store.path_of(storage)).unwrap();
                let mut statement = connection.prepare("SELECT * FROM t ORDER BY _row").unwrap();
                let n_columns = statement.column_count();
                let mut rows = statement.query(()).unwrap();
                while let Some(row) = rows.next().unwrap() {
                    for column in 0..n_columns {
                        use rusqlite::types::Value::{Blob, Integer, Null, Real, Text};
                        let bar = if column == 0 { "" } else { "|" };
                        match row.get(column).unwrap() {
                            Null => write!(text, "{bar}").unwrap(),
                            Integer(value) => write!(text, "{bar}{value}").unwrap(),
                            Real(value) => write!(text, "{bar}{value:?}").unwrap(),
                            Text(value) => write!(text, "{bar}{value}").unwrap(),
                            Blob(_) => panic!("a blob"),
                        }
                    }
                    text.push('\n');
                }
            }
            Store::Postgres(store) => {
                let sql = format!(
                    "SELECT coalesce(string_agg(replace(replace(trim(both '()' from t::text), \
                     ',', '|'), '\"', ''), E'\\n' ORDER BY _row) || E'\\n', '') FROM {} t",
                    PostgresStore::table_of(storage)
                );
                text = self
                    .runtime
                    .block_on(sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(store.pool()))
                    .unwrap();
            }
        }
        text
    }

    fn indexes(&self, store: &Store, storage: &StorageId) -> Vec<String> {
        match store {
            Store::Sqlite(store) => {
                let connection = Connection::open(store.path_of(storage)).unwrap();
                let sql = "SELECT sql FROM sqlite_schema WHERE type = 'index' ORDER BY name";
                let mut statement = connection.prepare(sql).unwrap();
                let rows = statement.query_map((), |row| row.get(0)).unwrap();
                rows.map(Result::unwrap).collect()
            }
            Store::Postgres(store) => {
                let sql = "SELECT replace(indexdef, $1, '') FROM pg_indexes \
                           WHERE tablename = 't_' || $1 ORDER BY indexname";
                self.runtime
                    .block_on(
                        sqlx::query_scalar(sql).bind(storage.as_str()).fetch_all(store.pool()),
                    )
                    .unwrap()
            }
        }
    }

    fn drop_all(&self, store: &Store, storage: &StorageId) {
        let tables = || self.runtime.block_on(store.list_tables()).unwrap();
        assert!(tables().contains(storage));
        self.runtime.block_on(store.drop_table(storage)).unwrap();
        assert!(!tables().contains(storage));
        self.runtime.block_on(store.drop_table(storage)).unwrap();
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

#[test]
fn every_type_comes_back() {
    let csv = "id,flag,big,price,ratio,day,at,stamp,uid,note\n\
        1,true,5000000000,12.50,1.5e3,2024-01-31,2024-01-31T10:00:00,2024-01-31T10:00:00Z,\
        01234567-89AB-cdef-0123-456789abcdef,plain\n\
        2,false,-9223372036854775808,-0.05,2.5e-3,0001-01-01,1999-12-31T23:59:59.5,\
        1969-12-31T22:30:00.000001+01:00,00000000-0000-0000-0000-000000000000,żółć\n\
        3,,,,,,,,,\n";
    let bench = Bench::new();
    for store in &bench.stores {
        let (storage, loaded) = bench.load(store, csv, Some(0), &NEVER);
        let loaded = loaded.unwrap();
        assert_eq!((loaded.n_rows, loaded.has_key), (3, true));
        assert!(loaded.size_bytes >= 8_192);
        let found = bench.rows(store, &storage);
        let expect = match store {
            Store::Sqlite(_) => {
                "1|1|1|5000000000|1250|1500.0|2024-01-31|2024-01-31T10:00:00|2024-01-31T10:00:00|\
                 01234567-89ab-cdef-0123-456789abcdef|plain\n\
                 2|2|0|-9223372036854775808|-5|0.0025|0001-01-01|1999-12-31T23:59:59.5|\
                 1969-12-31T21:30:00.000001|00000000-0000-0000-0000-000000000000|żółć\n\
                 3|3|||||||||\n"
            }
            Store::Postgres(_) => {
                "1|1|t|5000000000|12.50|1500|2024-01-31|2024-01-31 10:00:00|\
                 2024-01-31 10:00:00+00|01234567-89ab-cdef-0123-456789abcdef|plain\n\
                 2|2|f|-9223372036854775808|-0.05|0.0025|0001-01-01|1999-12-31 23:59:59.5|\
                 1969-12-31 21:30:00.000001+00|00000000-0000-0000-0000-000000000000|żółć\n\
                 3|3|||||||||\n"
            }
        };
        assert_eq!(found, expect);
        bench.drop_all(store, &storage);
    }
}

#[test]
fn keys() {
    let grow: String = (0..5_000).map(|n| format!("{},x\n", n * 3 - 6_000)).collect();
    let mixed: String = (0..5_000_i64).map(|n| format!("{},x\n", n * 7_919 % 5_003)).collect();
    let words: String = (0..5_000_i64).map(|n| format!("k{},x\n", n * 7_919 % 5_003)).collect();
    let bench = Bench::new();
    for (what, rows, has_key) in [
        ("growing", grow.clone(), true),
        ("unique", mixed.clone(), true),
        ("words", words, true),
        ("twice", format!("{mixed}7,y\n"), false),
        ("missing", format!("{mixed},y\n"), false),
        ("late", format!("{grow}-7,y\n"), true),
        ("none", String::new(), true),
    ] {
        for store in &bench.stores {
            let csv = format!("id,v\n{rows}");
            let (storage, loaded) = bench.load(store, &csv, Some(0), &NEVER);
            let loaded = loaded.unwrap();
            assert_eq!(loaded.has_key, has_key, "{what}");
            let n_indexes = bench.indexes(store, &storage).len();
            let n_own = usize::from(matches!(store, Store::Postgres(_)));
            assert_eq!(n_indexes, n_own + usize::from(has_key), "{what}");
            let found = bench.rows(store, &storage);
            let expect: String =
                (1..).zip(rows.lines()).fold(String::new(), |mut text, (n, line)| {
                    writeln!(text, "{n}|{}", line.replace(',', "|")).unwrap();
                    text
                });
            assert!(found == expect, "{what}");
            if let Store::Sqlite(store) = store {
                let path = store.path_of(&storage);
                let connection = Connection::open(&path).unwrap();
                let state: String =
                    connection.query_row("PRAGMA integrity_check", (), |row| row.get(0)).unwrap();
                assert_eq!(state, "ok", "{what}");
                let mode: String =
                    connection.query_row("PRAGMA journal_mode", (), |row| row.get(0)).unwrap();
                assert_eq!(mode, "wal", "{what}");
            }
            bench.drop_all(store, &storage);
        }
    }
}

#[test]
fn a_cancelled_load_leaves_nothing() {
    let csv: String = (0..400_000).fold("id,v\n".into(), |mut csv, n| {
        writeln!(csv, "{n},some text").unwrap();
        csv
    });
    let bench = Bench::new();
    for store in &bench.stores {
        let before = bench.runtime.block_on(store.list_tables()).unwrap();
        let control = StopAfter { n_rows: 100_000, seen: AtomicU64::new(0) };
        let (storage, loaded) = bench.load(store, &csv, Some(0), &control);
        assert!(matches!(loaded, Err(StoreError::Cancelled)), "{loaded:?}");
        let after = bench.runtime.block_on(store.list_tables()).unwrap();
        assert!(!after.contains(&storage) && after.len() <= before.len() + 1);
        if let Store::Sqlite(_) = store {
            assert_eq!(std::fs::read_dir(bench.folder.join("datasets")).unwrap().count(), 0);
        }
    }
}

/// Has the server end the load's connection once some rows are on their way.
struct CutOff<'a> {
    bench: &'a Bench,
    storage: &'a StorageId,
    n_rows: AtomicU64,
}

impl Control for CutOff<'_> {
    fn rows_done(&self, n: u64) {
        let before = self.n_rows.fetch_add(n, Ordering::Relaxed);
        let Some(Store::Postgres(store)) = self.bench.stores.last() else { return };
        if before < 100_000 && before + n >= 100_000 {
            let cut = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
                       WHERE query LIKE 'COPY%' || $1 || '%' AND pid <> pg_backend_pid()";
            let query = sqlx::query_scalar(cut).bind(self.storage.as_str());
            let n_cut: i64 = self.bench.runtime.block_on(query.fetch_one(store.pool())).unwrap();
            assert_eq!(n_cut, 1);
        }
    }
}

#[test]
fn a_lost_connection_leaves_nothing() {
    let csv: String = (0..400_000).fold("id,v\n".into(), |mut csv, n| {
        writeln!(csv, "{n},some text").unwrap();
        csv
    });
    let bench = Bench::new();
    for store in &bench.stores {
        if let Store::Sqlite(_) = store {
            continue;
        }
        let storage = StorageId::new();
        let control = CutOff { bench: &bench, storage: &storage, n_rows: AtomicU64::new(0) };
        let loaded = bench.load_as(&storage, store, &csv, Some(0), &control);
        assert!(matches!(loaded, Err(StoreError::Postgres(_))), "{loaded:?}");
        assert!(!bench.runtime.block_on(store.list_tables()).unwrap().contains(&storage));
        // The next one is not concerned.
        let loaded = bench.load_as(&storage, store, "id\n1\n", Some(0), &NEVER).unwrap();
        assert!(loaded.has_key);
        bench.drop_all(store, &storage);
    }
}

#[test]
fn indexes_come_and_go() {
    let csv: String = (0..3_000).fold("id,status,n\n".into(), |mut csv, n| {
        writeln!(csv, "{n},s{},{}", n % 7, n * 31 % 1_000).unwrap();
        csv
    });
    let bench = Bench::new();
    for store in &bench.stores {
        let (storage, loaded) = bench.load(store, &csv, Some(0), &NEVER);
        loaded.unwrap();
        let column =
            |physical: &str| IndexColumn { physical: physical.to_owned(), is_descending: false };
        let columns = IndexDefinition::Ordered(vec![column("c2"), column("c3")]);
        let long = format!("odd \" name {}", "x".repeat(80));
        for name in ["by_status", &long] {
            // The second time finds it there.
            for _ in 0..2 {
                let made = store.create_index(&storage, name, &columns);
                bench.runtime.block_on(made).unwrap();
            }
        }
        let n_own = bench.indexes(store, &storage).len() - 2;
        match store {
            Store::Sqlite(store) => {
                assert_eq!(n_own, 1);
                let path = store.path_of(&storage);
                let connection = Connection::open(&path).unwrap();
                let plan: String = connection
                    .query_row(
                        "EXPLAIN QUERY PLAN SELECT * FROM t WHERE c2 = 's1' ORDER BY c3, _row",
                        (),
                        |row| row.get(3),
                    )
                    .unwrap();
                assert!(plan.contains("USING INDEX"), "{plan}");
                let state: String =
                    connection.query_row("PRAGMA integrity_check", (), |row| row.get(0)).unwrap();
                assert_eq!(state, "ok");
                drop(connection);
                // The rows, and their columns.
                let files: Vec<_> =
                    std::fs::read_dir(bench.folder.join("datasets")).unwrap().collect();
                assert_eq!(files.len(), 2, "{files:?}");
            }
            Store::Postgres(_) => {
                assert_eq!(n_own, 2);
                let found = bench.indexes(store, &storage).join("\n");
                assert!(found.contains("(c2, c3, _row)"), "{found}");
            }
        }
        for name in ["by_status", &long, "never there"] {
            bench.runtime.block_on(store.drop_index(&storage, name)).unwrap();
        }
        assert_eq!(bench.indexes(store, &storage).len(), n_own);
        bench.runtime.block_on(store.ping()).unwrap();
        bench.drop_all(store, &storage);
    }
}

#[test]
fn as_many_columns_as_the_store_takes() {
    let header: Vec<String> = (0..2_000).map(|n| format!("h{n}")).collect();
    let cells: Vec<String> = (0..2_000).map(|n| n.to_string()).collect();
    let csv = format!("{}\n{}\n", header.join(","), cells.join(","));
    let bench = Bench::new();
    for store in &bench.stores {
        let (storage, loaded) = bench.load(store, &csv, None, &NEVER);
        match store {
            Store::Sqlite(_) => {
                assert_eq!(loaded.unwrap().n_rows, 1);
                bench.drop_all(store, &storage);
            }
            Store::Postgres(_) => assert_eq!(
                loaded.unwrap_err().to_string(),
                "the sheet has 2000 columns, the store keeps at most 1599; split it into narrower sheets"
            ),
        }
    }
}

#[test]
fn a_full_disk_is_told_apart() {
    for code in [28, 122] {
        let error = StoreError::from(std::io::Error::from_raw_os_error(code));
        assert!(matches!(error, StoreError::DiskFull(_)), "{error:?}");
    }
    let full = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_FULL);
    let error = StoreError::from(rusqlite::Error::SqliteFailure(full, None));
    assert!(matches!(error, StoreError::DiskFull(_)), "{error:?}");
}

#[test]
fn case_folds_alike_for_every_letter() {
    let bench = Bench::new();
    for store in &bench.stores {
        let Store::Postgres(store) = store else { continue };
        // Beside another letter, because ICU looks at neighbours.
        let sql = "SELECT n, sluice_fold_1(t) FROM (SELECT n, 'a' || chr(n) AS t \
            FROM generate_series(1, 1114111) AS n WHERE n NOT BETWEEN 55296 AND 57343 OFFSET 0) \
            AS letters WHERE sluice_fold_1(t) <> t";
        let rows: Vec<(i32, String)> =
            bench.runtime.block_on(sqlx::query_as(sql).fetch_all(store.pool())).unwrap();
        let found: Vec<(char, String)> = rows
            .into_iter()
            .map(|(n, folded)| (char::from_u32(n.cast_unsigned()).unwrap(), folded))
            .collect();
        let expected: Vec<(char, String)> = ('\u{1}'..=char::MAX)
            .filter(|letter| fold::fold_char(*letter) != *letter)
            .map(|letter| (letter, format!("a{}", fold::fold_char(letter))))
            .collect();
        assert_eq!(found, expected);
    }
}
