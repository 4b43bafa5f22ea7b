//! What the spine costs, next to references timed in the same run.
//!
//! `cargo bench --bench spine` runs everything against the release binary; `cargo bench --bench
//! spine -- ingest` (or `query`, `rest`, `write`, `live`, `beside`, `export`, `columns`, `footprint`,
//! `many`) runs
//! one part. Loads are compared with `sqlite3 .import` and psql's `\copy` of the same file, queries
//! with a bare axum handler that runs the same SQL through rusqlite or tokio-postgres and writes the
//! same JSON, exports with the shell of SQLite and with DuckDB, where python3 has it. PostgreSQL is measured when
//! `SLUICE_BENCH_DATABASE_URL` names an empty database. `SLUICE_BENCH_ROWS` changes the size.
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::cast_precision_loss,
    missing_docs,
    unreachable_pub,
    reason = "a bench talks to people and ends at the first trouble"
)]

mod beside;
mod columns;
mod data;
mod export;
mod footprint;
mod ingest;
mod live;
mod many;
mod query;
mod reference;
mod reference_postgres;
mod rest;
mod server;
mod traffic;
mod write;

use std::path::PathBuf;

/// A folder that is removed when the bench ends.
pub struct Scratch(pub PathBuf);

impl Scratch {
    pub fn make() -> Scratch {
        let folder = std::env::temp_dir().join(format!("sluice-bench-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        Scratch(folder)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn main() {
    let words: Vec<String> =
        std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    if words.first().is_some_and(|word| word == "reference") {
        return reference::serve(&words[1], &words[2]);
    }
    if words.first().is_some_and(|word| word == "reference-postgres") {
        return reference_postgres::serve(&words[1], &words[2], &words[3]);
    }
    if words.first().is_some_and(|word| word == "reference-write") {
        return write::serve(&words[1]);
    }
    let is_wanted = |part: &str| words.is_empty() || words.iter().any(|word| word == part);
    let n_rows: u64 =
        std::env::var("SLUICE_BENCH_ROWS").map_or(1_000_000, |rows| rows.parse().unwrap());
    let scratch = Scratch::make();
    if is_wanted("ingest") {
        ingest::run(&scratch, n_rows);
    }
    if is_wanted("query") {
        query::run(&scratch, n_rows);
    }
    if is_wanted("rest") {
        rest::run(&scratch, n_rows);
    }
    if is_wanted("write") {
        write::run(&scratch);
    }
    if is_wanted("live") {
        live::run(&scratch);
    }
    if is_wanted("beside") {
        beside::run(&scratch, n_rows);
    }
    if is_wanted("export") {
        export::run(&scratch, n_rows);
    }
    if is_wanted("columns") {
        columns::run(&scratch, n_rows);
    }
    if is_wanted("footprint") {
        footprint::run(&scratch);
    }
    if is_wanted("many") {
        many::run(&scratch);
    }
}
