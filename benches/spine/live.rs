//! Live queries: what subscribers cost while nothing changes, and what a change costs with a thousand of
//! them, against a thousand clients that ask again.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::Scratch;
use crate::data::write_csv;
use crate::ingest::median;
use crate::query::{N_ROUNDS, ROUND};
use crate::server::Server;
use crate::traffic::{post, post_with, run as traffic};

const N_SUBSCRIBERS: usize = 1_000;
/// Reads all rows, so that each statement is seen in the server's CPU time.
const LIVE: &str =
    "{ eventsAggregate(where: {note: {_ilike: \"%e%\"}}) { aggregate { count sum { amount } } } }";
/// Asked beside: by key.
const OTHER: &str = "{ eventsByPk(id: 77) { customer amount } }";
const CHANGE: &str = "mutation($amount: Decimal!) { updateEventsByPk(pkColumns: {id: 5}, _set: {amount: $amount}) { id } }";

pub fn run(scratch: &Scratch) {
    let file = scratch.0.join("live.csv");
    write_csv(&file, 100_000);
    let variables = [("SLUICE_LIVE_MAX_PER_KEY", "5000")];
    let server = Server::start_with(&scratch.0.join("live"), None, &variables);
    server.upload("events", &file);
    println!(
        "live, SQLite: {N_SUBSCRIBERS} subscribers of one query, medians of {N_ROUNDS} rounds"
    );

    let other = [post("/graphql", &json!({ "query": OTHER }).to_string())];
    let asked = |n: usize| -> Vec<f64> {
        (0..n).map(|_| traffic(&server.address, &other, 8, ROUND).per_second).collect()
    };
    let mut alone = asked(N_ROUNDS);
    let empty_mib = server.resident_mib();
    let mut subscribers: Vec<Subscriber> =
        (0..N_SUBSCRIBERS).map(|_| Subscriber::new(&server)).collect();
    for subscriber in &mut subscribers {
        subscriber.wait_for(b"event: next");
    }
    let mut beside = asked(N_ROUNDS);
    let idle_from = server.cpu_seconds();
    std::thread::sleep(Duration::from_secs(5));
    println!(
        "  nothing changes: other queries {:.2} of what they are without; {:.0} ms CPU in 5 s, {} KiB each",
        median(&mut beside) / median(&mut alone),
        (server.cpu_seconds() - idle_from) * 1e3,
        (server.resident_mib() - empty_mib) * 1024 / N_SUBSCRIBERS as u64,
    );

    let (mut live, mut polled, mut once, mut told_ms) = (vec![], vec![], vec![], vec![]);
    for round in 0..N_ROUNDS {
        // One statement of the query, in CPU time.
        let from = server.cpu_seconds();
        for n in 0..10 {
            let fresh = LIVE.replace("%e%", &format!("%e{}", "%".repeat(2 + 20 * round + n)));
            server.graphql(&fresh, &json!({}));
        }
        once.push((server.cpu_seconds() - from) / 10.0);

        let from = server.cpu_seconds();
        let start = Instant::now();
        server.graphql(CHANGE, &json!({ "amount": format!("{round}.25") }));
        for subscriber in &mut subscribers {
            subscriber.wait_for(b"event: next");
        }
        told_ms.push(start.elapsed().as_secs_f64() * 1e3);
        live.push(server.cpu_seconds() - from);

        let from = server.cpu_seconds();
        server.graphql(CHANGE, &json!({ "amount": format!("{round}.75") }));
        let again = post("/graphql", &json!({ "query": LIVE }).to_string());
        ask_all(&server, &again);
        polled.push(server.cpu_seconds() - from);
        for subscriber in &mut subscribers {
            subscriber.wait_for(b"event: next");
        }
    }
    let (live, once) = (median(&mut live), median(&mut once));
    println!(
        "  a change: all are told in {:.0} ms; {:.0} ms CPU, of which one statement is {:.0} ms ({} would be {:.0} ms); a thousand that ask again cost {:.2} of it more",
        median(&mut told_ms),
        live * 1e3,
        once * 1e3,
        N_SUBSCRIBERS,
        once * 1e3 * N_SUBSCRIBERS as f64,
        median(&mut polled) / live,
    );
}

/// The query once for each subscriber, over as many connections, one after the other.
fn ask_all(server: &Server, request: &[u8]) {
    let mut buffer = Vec::new();
    for _ in 0..N_SUBSCRIBERS {
        let mut stream = TcpStream::connect(&server.address).unwrap();
        stream.write_all(request).unwrap();
        crate::traffic::read_answer(&mut stream, &mut buffer);
    }
}

/// Who subscribed by server-sent events.
struct Subscriber {
    stream: TcpStream,
    seen: Vec<u8>,
}

impl Subscriber {
    fn new(server: &Server) -> Subscriber {
        let mut stream = TcpStream::connect(&server.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        let body = json!({ "query": format!("subscription {LIVE}") }).to_string();
        stream.write_all(&post_with("/graphql", "accept: text/event-stream\r\n", &body)).unwrap();
        Subscriber { stream, seen: Vec::new() }
    }

    /// Reads on until this has come, and forgets all up to there.
    fn wait_for(&mut self, wanted: &[u8]) {
        let mut more = [0; 4_096];
        loop {
            if let Some(start) = memchr::memmem::find(&self.seen, wanted) {
                self.seen.drain(..start + wanted.len());
                return;
            }
            let n_more = self.stream.read(&mut more).unwrap();
            assert!(n_more > 0, "a subscriber was dropped");
            self.seen.extend_from_slice(&more[..n_more]);
        }
    }
}
