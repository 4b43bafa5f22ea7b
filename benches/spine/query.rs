//! Lists, rows by key and nested lists, against the floors of [`crate::reference`] and
//! [`crate::reference_postgres`]; answers from memory against answers that are run.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use crate::Scratch;
use crate::data::{N_CUSTOMERS, write_csv, write_customers};
use crate::ingest::median;
use crate::server::{Server, cpu_seconds};
use crate::traffic::{post, post_with, read_answer, run as traffic};

pub const N_ROUNDS: usize = 5;
pub const ROUND: Duration = Duration::from_secs(2);
pub const N_CONNECTIONS: usize = 32;
pub const STATUSES: [&str; 5] = ["open", "paid", "shipped", "returned", "cancelled"];
pub const LIST: &str = "query Orders($status: String!, $limit: Int!) { orders(where: {status: {_eq: \
     $status}}, orderBy: {amount: DESC}, limit: $limit) { id customer amount ordered status \
     category } }";
const BY_KEY: &str = "query Order($id: Int!) { ordersByPk(id: $id) { id customer amount ordered \
     status category } }";
const NESTED: &str = "query Customers($id: Int!) { customers(where: {id: {_gt: $id}}, limit: 50) \
     { id name orders(limit: 10) { id amount status } } }";

/// The same questions to the server and to the floor.
struct Case {
    name: &'static str,
    goal: f64,
    ours: Vec<Vec<u8>>,
    theirs: Vec<Vec<u8>>,
}

pub fn run(scratch: &Scratch, n_rows: u64) {
    let (orders, customers) = (scratch.0.join("query.csv"), scratch.0.join("customers.csv"));
    write_csv(&orders, n_rows);
    write_customers(&customers);
    on(None, scratch, n_rows, &orders, &customers);
    match std::env::var("SLUICE_BENCH_DATABASE_URL") {
        Ok(url) => on(Some(&url), scratch, n_rows, &orders, &customers),
        Err(_) => println!("  SLUICE_BENCH_DATABASE_URL is not set: PostgreSQL is left out"),
    }
    std::fs::remove_file(orders).unwrap();
    std::fs::remove_file(customers).unwrap();
}

fn on(url: Option<&str>, scratch: &Scratch, n_rows: u64, orders: &Path, customers: &Path) {
    let store = if url.is_some() { "PostgreSQL" } else { "SQLite" };
    let folder = scratch.0.join(format!("query-{store}"));
    let without_memory = [("SLUICE_RESPONSE_CACHE_SIZE", "0")];
    let server = Server::start_with(&folder, url, &without_memory);
    let reference = prepare(&server, url, &folder, orders, customers);
    println!(
        "query, {store}: {n_rows} rows, {N_CONNECTIONS} connections, medians of {N_ROUNDS} rounds, nothing answered from memory"
    );
    for case in cases(n_rows) {
        compare(&server, &reference, &case);
    }
    let lists = requests("", LIST, 25);
    crowds(&server, &lists);
    deep_pages(&server, n_rows);
    let mut uncached: Vec<f64> =
        rounds(|| traffic(&server.address, &lists, N_CONNECTIONS, ROUND).per_second);
    drop(server);
    let server = Server::start_with(&folder, url, &[]);
    memory(&server, &lists, median(&mut uncached));
}

/// Loads the files, links them, and starts the floor beside.
fn prepare(
    server: &Server,
    url: Option<&str>,
    folder: &Path,
    orders: &Path,
    customers: &Path,
) -> Reference {
    server.upload("orders", orders);
    let first = files(folder);
    server.upload("customers", customers);
    let second = files(folder).into_iter().find(|file| !first.contains(file));
    for mutation in [
        "mutation { createIndex(dataset: \"orders\", columns: [\"status\", \"amount\"]) { name } }",
        "mutation { addRelation(from: \"orders\", column: \"customer\", to: \"customers\", \
         toColumn: \"id\", name: \"buyer\", inverseName: \"orders\") { name } }",
    ] {
        server.graphql(mutation, &Value::Null);
    }
    match url {
        None => Reference::start(&["reference", &first[0], &second.unwrap()]),
        Some(url) => {
            let table = |columns: &str| {
                // The table with these columns at its end, newest first.
                let sql = format!(
                    "SELECT format('%I.%I', table_schema, table_name) FROM information_schema.columns \
                     WHERE table_schema = 'sluice_data' GROUP BY 1, table_name \
                     HAVING count(*) {columns} ORDER BY max(table_name) DESC LIMIT 1"
                );
                let output = Command::new("psql").args([url, "-qtAc", &sql]).output().unwrap();
                String::from_utf8(output.stdout).unwrap().trim().to_owned()
            };
            let (orders, customers) = (table("> 8"), table("< 8"));
            let analyze = format!("ANALYZE {orders}; ANALYZE {customers}");
            Command::new("psql").args([url, "-qc", &analyze]).status().unwrap();
            let reference = Reference::start(&["reference-postgres", url, &orders, &customers]);
            ask(&reference.address, &post("/connect", ""));
            reference
        }
    }
}

/// The data files of the embedded store.
fn files(folder: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(folder.join("datasets")) else { return Vec::new() };
    entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "db"))
        .map(|path| path.to_str().unwrap().to_owned())
        .collect()
}

fn requests(headers: &str, query: &str, limit: u64) -> Vec<Vec<u8>> {
    let of = |status: &str| {
        let variables = json!({ "status": status, "limit": limit });
        post_with(
            "/graphql",
            headers,
            &json!({ "query": query, "variables": variables }).to_string(),
        )
    };
    STATUSES.iter().map(|status| of(status)).collect()
}

fn cases(n_rows: u64) -> Vec<Case> {
    let list = |name, limit: u64, goal| Case {
        name,
        goal,
        ours: requests("", LIST, limit),
        theirs: STATUSES.iter().map(|it| post("/list", &format!("{it} {limit}"))).collect(),
    };
    let by_id = |name, goal, query: &str, path: &str, below: u64| {
        let ids: Vec<u64> = (1..500).map(|n| n * 7_919 % below).collect();
        let of = |id: &u64| {
            post("/graphql", &json!({ "query": query, "variables": { "id": id } }).to_string())
        };
        let theirs = ids.iter().map(|id| post(path, &id.to_string())).collect();
        Case { name, goal, ours: ids.iter().map(of).collect(), theirs }
    };
    vec![
        list("25 rows", 25, 0.75),
        list("1,000 rows", 1_000, 0.75),
        by_id("by key", 0.7, BY_KEY, "/key", n_rows),
        by_id("50 x 10 nested", 0.7, NESTED, "/nested", N_CUSTOMERS - 100),
    ]
}

fn rounds(mut round: impl FnMut() -> f64) -> Vec<f64> {
    (0..N_ROUNDS).map(|_| round()).collect()
}

fn compare(server: &Server, reference: &Reference, case: &Case) {
    let plain = |answer: String| serde_json::from_str::<Value>(&answer).unwrap();
    assert_eq!(
        plain(ask(&server.address, &case.ours[0])),
        plain(ask(&reference.address, &case.theirs[0]))
    );
    let (mut ratios, mut us, mut them, mut cpu) = (vec![], vec![], vec![], vec![]);
    let mut p99 = 0.0;
    for _ in 0..N_ROUNDS {
        let reference_cpu = cpu_seconds(reference.child.id());
        let floor = traffic(&reference.address, &case.theirs, N_CONNECTIONS, ROUND).per_second;
        let reference_cpu = cpu_seconds(reference.child.id()) - reference_cpu;
        let server_cpu = server.cpu_seconds();
        let round = traffic(&server.address, &case.ours, N_CONNECTIONS, ROUND);
        let server_cpu = server.cpu_seconds() - server_cpu;
        ratios.push(round.per_second / floor);
        us.push(round.per_second);
        them.push(floor);
        cpu.push((server_cpu / round.per_second) / (reference_cpu / floor));
        p99 = f64::max(p99, round.p99_us);
    }
    println!(
        "  {}: {:.0}/s against {:.0}/s: ratio {:.2} (goal {}); CPU per request x {:.2}; p99 {:.0} us",
        case.name,
        median(&mut us),
        median(&mut them),
        median(&mut ratios),
        case.goal,
        median(&mut cpu),
        p99,
    );
}

/// The same list for one client, for some and for a crowd.
fn crowds(server: &Server, lists: &[Vec<u8>]) {
    for n_connections in [1, 32, 256] {
        let cpu = server.cpu_seconds();
        let seen = traffic(&server.address, lists, n_connections, ROUND * 2);
        let cpu_us =
            (server.cpu_seconds() - cpu) * 1e6 / (seen.per_second * 2.0 * ROUND.as_secs_f64());
        println!(
            "  25 rows at {n_connections} connections: {:.0}/s, CPU {cpu_us:.0} us per request, p50 {:.0} us, p99 {:.0} us: x {:.1} (goal 20 at 256)",
            seen.per_second,
            seen.p50_us,
            seen.p99_us,
            seen.p99_us / seen.p50_us,
        );
    }
}

/// A page far behind, by cursor, against the first one: in file order, and in that of an index.
fn deep_pages(server: &Server, n_rows: u64) {
    const IN_FILE_ORDER: &str = "query($after: String) { page: ordersConnection(first: 25, after: \
         $after) { edges { cursor node { id amount status } } pageInfo { hasNextPage } } }";
    const BY_INDEX: &str = "query($after: String) { page: ordersConnection(where: {status: {_eq: \
         \"open\"}}, orderBy: {amount: DESC}, first: 25, after: $after) { edges { cursor node { id \
         amount status } } pageInfo { hasNextPage } } }";
    let row = n_rows / 10 * 9;
    let at_row = format!(
        "{{ page: ordersConnection(where: {{id: {{_eq: {row}}}}}) {{ pageInfo {{ endCursor }} }} }}"
    );
    let near_end = "{ page: ordersConnection(where: {status: {_eq: \"open\"}}, orderBy: {amount: \
         DESC}, last: 500) { pageInfo { endCursor: startCursor } } }";
    for (name, query, find) in
        [("in file order", IN_FILE_ORDER, at_row.as_str()), ("by an index", BY_INDEX, near_end)]
    {
        let cursor = server.graphql(find, &Value::Null)["page"]["pageInfo"]["endCursor"].clone();
        let at = |after: &Value| {
            let body = json!({ "query": query, "variables": { "after": after } });
            [post("/graphql", &body.to_string())]
        };
        let (first, deep) = (at(&Value::Null), at(&cursor));
        let mut ratios = rounds(|| {
            let first = traffic(&server.address, &first, N_CONNECTIONS, ROUND).per_second;
            first / traffic(&server.address, &deep, N_CONNECTIONS, ROUND).per_second
        });
        println!(
            "  a page behind row {row} {name}: x {:.2} of the first page's time (goal 1.3)",
            median(&mut ratios)
        );
    }
}

/// Answers that are kept, here and by the client.
fn memory(server: &Server, lists: &[Vec<u8>], uncached: f64) {
    let mut kept = rounds(|| traffic(&server.address, lists, N_CONNECTIONS, ROUND).per_second);
    let variables = json!({ "status": STATUSES[0], "limit": 25 });
    let body = json!({ "query": LIST, "variables": variables }).to_string();
    let header = format!("if-none-match: {}\r\n", server.etag(&body));
    let asked = [post_with("/graphql", &header, &body)];
    let mut unchanged =
        rounds(|| traffic(&server.address, &asked, N_CONNECTIONS, ROUND).per_second);
    let (kept, unchanged) = (median(&mut kept), median(&mut unchanged));
    println!(
        "  25 rows from memory {kept:.0}/s: x {:.1} of {uncached:.0}/s run (goal 3); 304 {unchanged:.0}/s: x {:.1} (goal 4)",
        kept / uncached,
        unchanged / uncached
    );
}

pub fn ask(address: &str, request: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(request).unwrap();
    let mut buffer = Vec::new();
    let body = read_answer(&mut stream, &mut buffer);
    String::from_utf8(buffer[body].to_vec()).unwrap()
}

/// The reference as a process of its own.
pub struct Reference {
    child: Child,
    pub address: String,
}

impl Reference {
    pub fn start(arguments: &[&str]) -> Reference {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(arguments)
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
