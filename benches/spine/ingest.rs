//! From the first byte sent to the first query answered, against the databases' own tools.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use crate::Scratch;
use crate::data::{write_csv, write_xlsx};
use crate::server::Server;

const N_ROUNDS: usize = 3;

pub fn run(scratch: &Scratch, n_rows: u64) {
    let csv = scratch.0.join("ingest.csv");
    write_csv(&csv, n_rows);
    let megabytes = std::fs::metadata(&csv).unwrap().len() / 1_000_000;
    println!("ingest: {n_rows} rows x 12 columns, {megabytes} MB; medians of {N_ROUNDS}");
    compare(scratch, &csv, None, "sqlite3 .import, untyped", 0.6, |n| import(scratch, &csv, n));
    match std::env::var("SLUICE_BENCH_DATABASE_URL") {
        Ok(url) => {
            let reference = |_| copy(&url, &csv);
            compare(scratch, &csv, Some(&url), "psql \\copy, typed", 1.25, reference);
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
    drop(server);
    // What was written before still goes to the disk, and would take a core from one of the two.
    Command::new("sync").status().unwrap();
    workbook(scratch);
}

/// A workbook, against the crate that reads it doing nothing else.
fn workbook(scratch: &Scratch) {
    let path = scratch.0.join("ingest.xlsx");
    write_xlsx(&path, 100_000, 20);
    let server = Server::start(&scratch.0.join("workbook"), None);
    let (mut ratios, mut ours, mut theirs, mut peak) = (vec![], vec![], vec![], 0);
    for round in 0..N_ROUNDS {
        theirs.push(read_xlsx(&path));
        server.forget_peak();
        let start = Instant::now();
        server.upload(&format!("book{round}"), &path);
        ours.push(start.elapsed().as_secs_f64());
        ratios.push(ours[round] / theirs[round]);
        peak = peak.max(server.peak_mib());
    }
    println!(
        "  workbook of 100,000 x 20: {:.2} s, calamine alone {:.2} s: ratio {:.2} (goal 1.5); peak {peak} MiB",
        median(&mut ours),
        median(&mut theirs),
        median(&mut ratios),
    );
}

fn read_xlsx(path: &Path) -> f64 {
    use calamine::{Reader, Xlsx, open_workbook};
    let start = Instant::now();
    let mut book: Xlsx<_> = open_workbook(path).unwrap();
    let name = book.sheet_names()[0].clone();
    let mut cells = book.worksheet_cells_reader(&name).unwrap();
    let mut n_cells = 0_u64;
    while cells.next_cell().unwrap().is_some() {
        n_cells += 1;
    }
    assert_eq!(n_cells, 100_001 * 20);
    start.elapsed().as_secs_f64()
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
    let (mut cpu_ours, mut cpu_theirs) = (vec![], vec![]);
    for round in 0..N_ROUNDS {
        let cpu = children_cpu_seconds();
        theirs.push(reference(round));
        cpu_theirs.push(children_cpu_seconds() - cpu);
        server.forget_peak();
        let cpu = server.cpu_seconds();
        let start = Instant::now();
        let name = format!("orders{round}");
        server.upload(&name, csv);
        let query = format!("{{ {name}(limit: 1) {{ id }} }}");
        server.graphql(&query, &serde_json::Value::Null);
        ours.push(start.elapsed().as_secs_f64());
        cpu_ours.push(server.cpu_seconds() - cpu);
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
    println!(
        "    CPU of the clients of the disk or the database: {:.2} s, {what} {:.2} s",
        median(&mut cpu_ours),
        median(&mut cpu_theirs),
    );
}

/// User and system time of all processes that this one started and that have ended.
fn children_cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let after_name = stat.rsplit(')').next().unwrap();
    let fields = after_name.split_whitespace().skip(13).take(2);
    fields.map(|ticks| ticks.parse::<f64>().unwrap()).sum::<f64>() / 100.0
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
