//! All rows as CSV over HTTP, against the shell of SQLite that writes the same select of the same
//! file.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use crate::Scratch;
use crate::data::write_csv;
use crate::ingest::median;
use crate::server::Server;

const N_ROUNDS: usize = 5;

pub fn run(scratch: &Scratch, n_rows: u64) {
    let csv = scratch.0.join("export.csv");
    write_csv(&csv, n_rows);
    let data = scratch.0.join("export");
    let server = Server::start(&data, None);
    server.upload("orders", &csv);
    std::fs::remove_file(csv).unwrap();
    let file = data_file(&data);
    let (mut ratios, mut ours, mut theirs, mut n_bytes) = (vec![], vec![], vec![], 0);
    server.forget_peak();
    for _ in 0..N_ROUNDS {
        let start = Instant::now();
        let reference = shell(&file);
        let reference_s = start.elapsed().as_secs_f64();
        let start = Instant::now();
        n_bytes = server.download("/export/orders.csv");
        let own_s = start.elapsed().as_secs_f64();
        assert!(reference > n_bytes / 2, "{reference} bytes and {n_bytes}");
        ratios.push(reference_s / own_s);
        ours.push(own_s);
        theirs.push(reference_s);
    }
    println!(
        "export: {n_rows} rows, {} MB as CSV; medians of {N_ROUNDS}\n  {:.2} s, sqlite3 -csv {:.2} s: {:.2} of its speed (goal 0.7); peak {} MiB (goal 100)",
        n_bytes / 1_000_000,
        median(&mut ours),
        median(&mut theirs),
        median(&mut ratios),
        server.peak_mib()
    );
}

/// The only file of a dataset.
fn data_file(data: &Path) -> PathBuf {
    let files = std::fs::read_dir(data.join("datasets")).unwrap().flatten();
    let mut files = files.map(|entry| entry.path());
    files.find(|path| path.extension().is_some_and(|it| it == "db")).unwrap()
}

/// Bytes that the shell writes.
fn shell(file: &Path) -> u64 {
    let sql = "SELECT c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11, c12 FROM t ORDER BY _row";
    let mut child = Command::new("sqlite3")
        .args(["-csv", "-header", "-readonly"])
        .arg(file)
        .arg(sql)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let n_bytes = drain(child.stdout.take().unwrap());
    assert!(child.wait().unwrap().success());
    n_bytes
}

/// Reads to the end; how much it was.
pub fn drain(mut from: impl Read) -> u64 {
    let mut buffer = vec![0; 1 << 16];
    let mut n_bytes = 0;
    loop {
        match from.read(&mut buffer).unwrap() {
            0 => return n_bytes,
            n => n_bytes += n as u64,
        }
    }
}
