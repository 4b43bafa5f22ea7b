//! What an idle server takes, and how fast it is ready.

use std::time::Duration;

use crate::Scratch;
use crate::ingest::median;
use crate::server::Server;

pub fn run(scratch: &Scratch) {
    let folder = scratch.0.join("footprint");
    // The first start makes the data folder; the ones that count find it.
    drop(Server::start(&folder, None));
    let mut starts = vec![];
    let mut resident = 0;
    for _ in 0..5 {
        let server = Server::start(&folder, None);
        starts.push(server.started_in.as_secs_f64() * 1e3);
        std::thread::sleep(Duration::from_millis(300));
        resident = resident.max(server.resident_mib());
    }
    println!(
        "footprint: ready in {:.0} ms (goal 100), idle {resident} MiB (goal 40)",
        median(&mut starts)
    );
}
