//! Queries, and small uploads, beside a large load.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::Scratch;
use crate::data::write_csv;
use crate::ingest::median;
use crate::server::Server;
use crate::traffic::{post, run as traffic};

const N_CONNECTIONS: usize = 4;
const QUERY: &str = "query($n: Int!) { other(where: {id: {_gt: $n}}, limit: 25) { id customer \
     amount ordered status category } }";
const ROUND: Duration = Duration::from_millis(800);

pub fn run(scratch: &Scratch, n_rows: u64) {
    let (large, other) = (scratch.0.join("large.csv"), scratch.0.join("other.csv"));
    write_csv(&large, n_rows * 3);
    write_csv(&other, 100_000);
    let server = Server::start(&scratch.0.join("beside"), None);
    server.upload("other", &other);
    // Every request asks for other rows, so that none is answered from memory.
    let requests: Vec<_> = (0..5_000)
        .map(|n| {
            let body = serde_json::json!({ "query": QUERY, "variables": { "n": n * 19 } });
            post("/graphql", &body.to_string())
        })
        .collect();
    let measure = || traffic(&server.address, &requests, N_CONNECTIONS, ROUND).p99_us;
    let mut quiet: Vec<f64> = (0..5).map(|_| measure()).collect();
    let small = scratch.0.join("small.csv");
    std::fs::write(&small, "a,b\n1,2\n").unwrap();
    let is_loaded = AtomicBool::new(false);
    let (mut beside, mut uploads) = (vec![], vec![]);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            server.upload("orders", &large);
            is_loaded.store(true, Ordering::Release);
        });
        while !is_loaded.load(Ordering::Acquire) {
            let p99 = measure();
            let start = Instant::now();
            server.upload("small", &small);
            if !is_loaded.load(Ordering::Acquire) {
                beside.push(p99);
                uploads.push(start.elapsed().as_secs_f64() * 1e3);
            }
        }
    });
    let (quiet, loaded) = (median(&mut quiet), median(&mut beside));
    println!(
        "beside a load of {} rows: p99 of 25 rows {loaded:.0} us, quiet {quiet:.0} us: x {:.1} (goal 3); a small upload {:.0} ms at most (goal 250)",
        n_rows * 3,
        loaded / quiet,
        uploads.iter().copied().fold(0.0, f64::max),
    );
}
