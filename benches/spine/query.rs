//! A filtered, sorted list over an index, against the floor of [`crate::reference`].

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::Scratch;
use crate::data::write_csv;
use crate::ingest::median;
use crate::server::{Server, cpu_seconds};
use crate::traffic::{post, read_answer, run as traffic};

const N_ROUNDS: usize = 5;
const ROUND: Duration = Duration::from_secs(3);
const N_CONNECTIONS: usize = 32;
const STATUSES: [&str; 5] = ["open", "paid", "shipped", "returned", "cancelled"];
const QUERY: &str = "query Orders($status: String!, $limit: Int!) { orders(where: {status: {_eq: \
     $status}}, orderBy: {amount: DESC}, limit: $limit) { id customer amount ordered status \
     category } }";

pub fn run(scratch: &Scratch, n_rows: u64) {
    let csv = scratch.0.join("query.csv");
    write_csv(&csv, n_rows);
    let folder = scratch.0.join("query");
    let server = Server::start_with(&folder, None, &[("SLUICE_RESPONSE_CACHE_SIZE", "0")]);
    server.upload("orders", &csv);
    std::fs::remove_file(&csv).unwrap();
    let index = "mutation { createIndex(dataset: \"orders\", columns: [\"status\", \"amount\"]) \
                 { indexes { name } } }";
    server.graphql(index, &serde_json::Value::Null);
    let file = std::fs::read_dir(folder.join("datasets"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.extension().is_some_and(|extension| extension == "db"))
        .unwrap();
    let reference = Reference::start(file.to_str().unwrap());
    println!(
        "query: {n_rows} rows, {N_CONNECTIONS} connections, medians of {N_ROUNDS} rounds, nothing answered from memory"
    );
    for limit in [25, 1_000] {
        let ours: Vec<_> = STATUSES
            .iter()
            .map(|status| {
                let variables = serde_json::json!({ "status": status, "limit": limit });
                let body = serde_json::json!({ "query": QUERY, "variables": variables });
                post("/graphql", &body.to_string())
            })
            .collect();
        let theirs: Vec<_> =
            STATUSES.iter().map(|status| post("/", &format!("{status} {limit}"))).collect();
        assert_eq!(ask(&server.address, &ours[0]), ask(&reference.address, &theirs[0]));
        let (mut ratios, mut us, mut them, mut cpu) = (vec![], vec![], vec![], vec![]);
        let mut p99 = 0.0;
        for _ in 0..N_ROUNDS {
            let reference_cpu = cpu_seconds(reference.child.id());
            let floor = traffic(&reference.address, &theirs, N_CONNECTIONS, ROUND).per_second;
            let reference_cpu = cpu_seconds(reference.child.id()) - reference_cpu;
            let server_cpu = server.cpu_seconds();
            let round = traffic(&server.address, &ours, N_CONNECTIONS, ROUND);
            let server_cpu = server.cpu_seconds() - server_cpu;
            ratios.push(round.per_second / floor);
            us.push(round.per_second);
            them.push(floor);
            cpu.push((server_cpu / round.per_second) / (reference_cpu / floor));
            p99 = f64::max(p99, round.p99_us);
        }
        println!(
            "  {limit} rows: {:.0}/s against {:.0}/s: ratio {:.2} (goal {}); CPU per request x {:.2}; p99 {:.0} us",
            median(&mut us),
            median(&mut them),
            median(&mut ratios),
            if limit == 25 { "0.75" } else { "0.7" },
            median(&mut cpu),
            p99,
        );
    }
}

fn ask(address: &str, request: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(request).unwrap();
    let mut body = Vec::new();
    read_answer(&mut stream, &mut body);
    String::from_utf8(body).unwrap()
}

/// The reference as a process of its own.
struct Reference {
    child: Child,
    address: String,
}

impl Reference {
    fn start(database: &str) -> Reference {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["reference", database, "127.0.0.1:0"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("listening on ").unwrap().to_owned();
        Reference { child, address }
    }
}

impl Drop for Reference {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
