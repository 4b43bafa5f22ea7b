//! All rows over HTTP: as CSV against the shell of SQLite that writes the same select of the same
//! file, and as Parquet against DuckDB that writes the same rows, with the same types, of its own file.
//!
//! DuckDB is measured with its defaults, which take every core, and with one thread, as an export has.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use crate::Scratch;
use crate::data::write_csv;
use crate::ingest::median;
use crate::server::Server;

const N_ROUNDS: usize = 5;

/// Loads the CSV into a file of DuckDB's.
pub const LOAD: &str = "
import duckdb, sys
types = {'id': 'INTEGER', 'customer': 'INTEGER', 'account': 'BIGINT', 'amount': 'DECIMAL(18, 2)',
         'ratio': 'DOUBLE', 'ordered': 'DATE', 'created': 'TIMESTAMP', 'paid': 'BOOLEAN',
         'status': 'VARCHAR', 'category': 'VARCHAR', 'note': 'VARCHAR', 'uid': 'UUID'}
duckdb.connect(sys.argv[1]).read_csv(sys.argv[2], dtype=types).to_table('orders')
";
/// Writes its rows in order; prints seconds.
const WRITE: &str = "
import duckdb, sys, time
file = duckdb.connect(sys.argv[1], read_only=True)
if sys.argv[3] != '0':
    file.execute('SET threads = ' + sys.argv[3])
begun = time.perf_counter()
file.execute(f\"COPY (SELECT * FROM orders) TO '{sys.argv[2]}' (FORMAT parquet)\")
print(time.perf_counter() - begun)
";

pub fn run(scratch: &Scratch, n_rows: u64) {
    let csv = scratch.0.join("export.csv");
    write_csv(&csv, n_rows);
    let data = scratch.0.join("export");
    let server = Server::start(&data, None);
    server.upload("orders", &csv);
    let file = data_file(&data);
    println!("export: {n_rows} rows, medians of {N_ROUNDS} (goal of the peak: 100 MiB)");
    let mut texts = Pairs::default();
    server.forget_peak();
    for _ in 0..N_ROUNDS {
        let start = Instant::now();
        let n_reference = shell(&file);
        let reference_s = start.elapsed().as_secs_f64();
        let (n_bytes, own_s) = download(&server, "/export/orders.csv");
        assert!(n_reference > n_bytes / 2, "{n_reference} bytes and {n_bytes}");
        texts.add(n_bytes, own_s, reference_s);
    }
    texts.tell("CSV", "sqlite3 -csv", 0.7, &server);

    let duck = scratch.0.join("export.duckdb");
    if python(LOAD, &[&duck, &csv]).is_none() {
        println!("  Parquet is left out: python3 has no package duckdb (PYTHONPATH may name one)");
    } else {
        let written = scratch.0.join("reference.parquet");
        for (name, threads) in [("DuckDB, one thread", "1"), ("DuckDB, all cores", "0")] {
            let mut columns = Pairs::default();
            server.forget_peak();
            for _ in 0..N_ROUNDS {
                let told = python(WRITE, &[&duck, &written, Path::new(threads)]).unwrap();
                let (n_bytes, own_s) = download(&server, "/export/orders.parquet");
                columns.add(n_bytes, own_s, told.trim().parse().unwrap());
            }
            columns.tell("Parquet", name, 0.5, &server);
        }
        let n_bytes = std::fs::metadata(&written).unwrap().len();
        println!("  DuckDB's file has {} MB", n_bytes / 1_000_000);
        std::fs::remove_file(written).unwrap();
        std::fs::remove_file(duck).unwrap();
    }
    std::fs::remove_file(csv).unwrap();
}

/// Rounds of both.
#[derive(Default)]
struct Pairs {
    n_bytes: u64,
    ours: Vec<f64>,
    theirs: Vec<f64>,
    ratios: Vec<f64>,
}

impl Pairs {
    fn add(&mut self, n_bytes: u64, own_s: f64, reference_s: f64) {
        self.n_bytes = n_bytes;
        self.ours.push(own_s);
        self.theirs.push(reference_s);
        self.ratios.push(reference_s / own_s);
    }

    fn tell(&mut self, format: &str, reference: &str, goal: f64, server: &Server) {
        println!(
            "  {format}, {} MB: {:.2} s, {reference} {:.2} s: {:.2} of its speed (goal {goal}); peak {} MiB",
            self.n_bytes / 1_000_000,
            median(&mut self.ours),
            median(&mut self.theirs),
            median(&mut self.ratios),
            server.peak_mib()
        );
    }
}

/// Bytes of a file, and the seconds that it took.
fn download(server: &Server, path: &str) -> (u64, f64) {
    let start = Instant::now();
    let n_bytes = server.download(path);
    (n_bytes, start.elapsed().as_secs_f64())
}

/// The only file of a dataset.
fn data_file(data: &Path) -> PathBuf {
    let files = std::fs::read_dir(data.join("datasets")).unwrap().flatten();
    let mut files = files.map(|entry| entry.path());
    files.find(|path| path.extension().is_some_and(|it| it == "db")).unwrap()
}

/// What a script prints; none where it fails.
pub fn python(script: &str, arguments: &[&Path]) -> Option<String> {
    let output = Command::new("python3").arg("-c").arg(script).args(arguments).output().ok()?;
    output.status.success().then(|| String::from_utf8(output.stdout).unwrap())
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
