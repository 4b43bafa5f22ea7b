//! From the first byte sent to the first query answered, against the databases' own tools.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use crate::Scratch;
use crate::data::write_csv;
use crate::server::Server;

const N_ROUNDS: usize = 3;

pub fn run(scratch: &Scratch, n_rows: u64) {
    let csv = scratch.0.join("ingest.csv");
    write_csv(&csv, n_rows);
    let megabytes = std::fs::metadata(&csv).unwrap().len() / 1_000_000;
    println!("ingest: {n_rows} rows x 12 columns, {megabytes} MB; medians of {N_ROUNDS}");
    compare(scratch, &csv, None, "sqlite3 .import, untyped", 0.9, |n| import(scratch, &csv, n));
    match std::env::var("SLUICE_BENCH_DATABASE_URL") {
        Ok(url) => {
            let reference = |_| copy(&url, &csv);
            compare(scratch, &csv, Some(&url), "psql \\copy, typed", 1.4, reference);
        }
        Err(_) => println!("  SLUICE_BENCH_DATABASE_URL is not set: PostgreSQL is left out"),
    }
    let large = scratch.0.join("large.csv");
    write_csv(&large, n_rows * 10);
    let server = Server::start(&scratch.0.join("large"), None);
    server.forget_peak();
    let start = Instant::now();
    server.upload("orders", &large);
    println!(
        "  SQLite, 10 x the rows: {:.2} s, peak {} MiB (goal 200)",
        start.elapsed().as_secs_f64(),
        server.peak_mib()
    );
    std::fs::remove_file(large).unwrap();
    std::fs::remove_file(csv).unwrap();
}

fn compare(
    scratch: &Scratch,
    csv: &Path,
    url: Option<&str>,
    what: &str,
    goal: f64,
    reference: impl Fn(usize) -> f64,
) {
    let folder = scratch.0.join(if url.is_some() { "ingest-pg" } else { "ingest" });
    let server = Server::start(&folder, url);
    let (mut ratios, mut ours, mut theirs, mut peak) = (vec![], vec![], vec![], 0);
    for round in 0..N_ROUNDS {
        theirs.push(reference(round));
        server.forget_peak();
        let start = Instant::now();
        let name = format!("orders{round}");
        server.upload(&name, csv);
        let query = format!("{{ {name}(limit: 1) {{ id }} }}");
        server.graphql(&query, &serde_json::Value::Null);
        ours.push(start.elapsed().as_secs_f64());
        ratios.push(ours[round] / theirs[round]);
        peak = peak.max(server.peak_mib());
    }
    println!(
        "  {} {:.2} s, {what} {:.2} s: ratio {:.2} (goal {goal}); peak {peak} MiB (goal 200)",
        if url.is_some() { "PostgreSQL" } else { "SQLite" },
        median(&mut ours),
        median(&mut theirs),
        median(&mut ratios),
    );
}

pub fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn import(scratch: &Scratch, csv: &Path, round: usize) -> f64 {
    let database = scratch.0.join(format!("reference{round}.db"));
    let start = Instant::now();
    let status = Command::new("sqlite3")
        .arg(&database)
        .args(["-cmd", ".mode csv"])
        .arg(format!(".import {} orders", csv.display()))
        .status()
        .unwrap();
    let elapsed = start.elapsed().as_secs_f64();
    assert!(status.success());
    std::fs::remove_file(database).unwrap();
    elapsed
}

fn psql(url: &str, sql: &str) {
    let status = Command::new("psql")
        .args([url, "-qtAc", sql])
        .stdout(Stdio::null())
        .stderr(Stdio::inherit())
        .status()
        .unwrap();
    assert!(status.success());
}

fn copy(url: &str, csv: &Path) -> f64 {
    psql(
        url,
        "DROP TABLE IF EXISTS sluice_bench; CREATE TABLE sluice_bench (
         id integer, customer integer, account bigint, amount numeric(9,2), ratio double precision,
         ordered date, created timestamptz, paid boolean, status text, category text, note text,
         uid uuid)",
    );
    let start = Instant::now();
    psql(url, &format!("\\copy sluice_bench FROM '{}' (FORMAT csv, HEADER)", csv.display()));
    let elapsed = start.elapsed().as_secs_f64();
    psql(url, "DROP TABLE sluice_bench");
    elapsed
}
