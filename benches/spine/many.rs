//! A workspace of a thousand datasets: a new one, and the others meanwhile.

use std::time::{Duration, Instant};

use crate::Scratch;
use crate::ingest::median;
use crate::server::Server;
use crate::traffic::{post, run as traffic};

const N_DATASETS: usize = 1_000;

pub fn run(scratch: &Scratch) {
    let folder = scratch.0.join("many");
    let server = Server::start(&folder, None);
    let file = scratch.0.join("small.csv");
    let header: Vec<String> = (1..=12).map(|n| format!("column {n}")).collect();
    let row = "1,2.50,text,2024-01-31,true,6,seven,8,9.25,ten,2024-01-31T10:00:00Z,12";
    std::fs::write(&file, format!("{}\n{row}\n{row}\n", header.join(","))).unwrap();
    let start = Instant::now();
    for n in 0..N_DATASETS {
        server.upload(&format!("set{n}"), &file);
    }
    let filled = start.elapsed().as_secs_f64();
    let (mut first_ms, mut others_ms) = (vec![], vec![]);
    for n in 0..20 {
        server.upload(&format!("new{n}"), &file);
        let start = Instant::now();
        let query = format!("{{ new{n}(limit: 1) {{ id }} }}");
        server.graphql(&query, &serde_json::Value::Null);
        first_ms.push(start.elapsed().as_secs_f64() * 1e3);
        let start = Instant::now();
        server.graphql("{ set7(limit: 1) { id column3 } }", &serde_json::Value::Null);
        others_ms.push(start.elapsed().as_secs_f64() * 1e3);
    }
    println!(
        "many: {N_DATASETS} datasets in {filled:.1} s, resident {} MiB (goal 150); a new one's first query {:.1} ms (goal 50), another's {:.1} ms",
        server.resident_mib(),
        median(&mut first_ms),
        median(&mut others_ms),
    );
    // The whole schema is told while others ask for rows.
    let rows = [post("/graphql", r#"{"query":"{ set7(limit: 1) { id column3 } }"}"#)];
    let start = Instant::now();
    let (told_ms, beside) = std::thread::scope(|scope| {
        let telling = scope.spawn(|| {
            let query = "{ __schema { types { name fields { name } } } }";
            server.graphql(query, &serde_json::Value::Null);
            start.elapsed().as_secs_f64() * 1e3
        });
        let beside = traffic(&server.address, &rows, 1, Duration::from_millis(500));
        (telling.join().unwrap(), beside)
    });
    println!(
        "      introspection of all: {told_ms:.0} ms (goal 1,000), resident {} MiB afterwards; others meanwhile p99 {:.1} ms",
        server.resident_mib(),
        beside.p99_us / 1e3,
    );
    std::thread::sleep(Duration::from_secs(100));
    println!("      100 s later: resident {} MiB", server.resident_mib());
    drop(server);
    let server = Server::start(&folder, None);
    let start = Instant::now();
    server.graphql("{ set7(limit: 1) { id column3 } }", &serde_json::Value::Null);
    println!(
        "      cold: ready in {:.0} ms, the first query {:.1} ms (goal 100), resident {} MiB (goal 150)",
        server.started_in.as_secs_f64() * 1e3,
        start.elapsed().as_secs_f64() * 1e3,
        server.resident_mib(),
    );
}
