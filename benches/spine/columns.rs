//! Questions over all rows of the embedded store, from columns: over HTTP, next to DuckDB in process
//! on the same rows; what columns cost a load and the disk; the first question on a cold file; and
//! what many questions at once do to a list.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

use crate::Scratch;
use crate::data::write_csv;
use crate::export::{LOAD, python};
use crate::ingest::median;
use crate::query::ask;
use crate::server::Server;
use crate::traffic::{post, run as traffic};

const ROUND: Duration = Duration::from_secs(3);
const N_LOADS: usize = 5;

/// A question, the same for DuckDB, and the milliseconds that it may take.
struct Case {
    name: &'static str,
    query: &'static str,
    sql: &'static str,
    goal_ms: f64,
    goal_per_second: f64,
}

const CASES: [Case; 6] = [
    Case {
        name: "filtered group-by",
        query: "{ ordersGroupBy(by: [{column: CATEGORY}], where: {ordered: {_gte: \"2016-01-01\"}}) { keys { category } aggregate { count sum { amount } avg { amount } } } }",
        sql: "SELECT category, count(*), sum(amount), avg(amount) FROM orders WHERE ordered >= '2016-01-01' GROUP BY category ORDER BY category",
        goal_ms: 5.0,
        goal_per_second: 300.0,
    },
    Case {
        name: "contains, 25 rows and their count",
        query: "{ orders(where: {note: {_icontains: \"GIFT fragile\"}}, limit: 25) { id customer amount note } ordersAggregate(where: {note: {_icontains: \"GIFT fragile\"}}) { aggregate { count } } }",
        sql: "SELECT count(*) FROM orders WHERE contains(lower(note), 'gift fragile')",
        goal_ms: 12.0,
        goal_per_second: 100.0,
    },
    Case {
        name: "month x category",
        query: "{ ordersGroupBy(by: [{column: ORDERED, truncate: MONTH}, {column: CATEGORY}], limit: 1000) { keys { ordered category } aggregate { count sum { amount } } } }",
        sql: "SELECT date_trunc('month', ordered), category, count(*), sum(amount) FROM orders GROUP BY 1, 2 ORDER BY 1, 2 LIMIT 1000",
        goal_ms: 12.0,
        goal_per_second: 0.0,
    },
    Case {
        name: "a group for each row",
        query: "{ ordersGroupBy(by: [{column: ACCOUNT}], orderBy: [{aggregate: {sum: {amount: DESC}}}], limit: 25) { keys { account } aggregate { count sum { amount } } } }",
        sql: "SELECT account, count(*), sum(amount) AS s FROM orders GROUP BY account ORDER BY s DESC, account LIMIT 25",
        goal_ms: 600.0,
        goal_per_second: 0.0,
    },
    Case {
        name: "all at once",
        query: "{ ordersAggregate { aggregate { count(columns: [CUSTOMER], distinct: true) sum { amount } stddev { amount } min { created note } max { ordered } } } }",
        sql: "SELECT count(DISTINCT customer), sum(amount), stddev(amount), min(created), min(note), max(ordered) FROM orders",
        goal_ms: 0.0,
        goal_per_second: 0.0,
    },
    Case {
        name: "one in ten thousand",
        query: "{ ordersAggregate(where: {account: {_gte: \"10000000000\", _lt: \"10009000000\"}}) { aggregate { count max { amount } } } }",
        sql: "SELECT count(*), max(amount) FROM orders WHERE account >= 10000000000 AND account < 10009000000",
        goal_ms: 0.0,
        goal_per_second: 0.0,
    },
];

/// Milliseconds of DuckDB for a statement: the median of some runs.
const ASK: &str = "
import duckdb, statistics, sys, time
file = duckdb.connect(sys.argv[1], read_only=True)
times = []
for _ in range(9):
    begun = time.perf_counter()
    file.execute(sys.argv[2]).fetchall()
    times.append((time.perf_counter() - begun) * 1000)
print(statistics.median(times))
";

pub fn run(scratch: &Scratch, n_rows: u64) {
    let csv = scratch.0.join("columns.csv");
    write_csv(&csv, n_rows);
    println!("columns: {n_rows} rows x 12, nothing answered from memory");
    loads(scratch, &csv);
    let folder = scratch.0.join("columns");
    let variables = [("SLUICE_RESPONSE_CACHE_SIZE", "0")];
    let server = Server::start_with(&folder, None, &variables);
    server.upload("orders", &csv);
    let (rows, columns) = (size(&folder, "db"), size(&folder, "col"));
    println!(
        "  files: rows {:.0} MB, columns {:.0} MB: {:.2} of it (goal 1)",
        rows / 1e6,
        columns / 1e6,
        columns / rows
    );
    let duck = scratch.0.join("columns.duckdb");
    let has_duck = python(LOAD, &[&duck, &csv]).is_some();
    std::fs::remove_file(&csv).unwrap();
    for case in &CASES {
        case.run(&server, has_duck.then_some(duck.as_path()));
    }
    println!("  peak {} MiB", server.peak_mib());
    crowd(&server);
    drop(server);
    cold(&folder, &variables);
}

impl Case {
    fn run(&self, server: &Server, duck: Option<&Path>) {
        let told = "query($q: String!) { explain(query: $q) { fields { path } } }";
        let told = server.graphql(told, &json!({ "q": self.query }));
        for field in told["explain"]["fields"].as_array().unwrap() {
            assert_eq!(field["path"], "COLUMNAR", "{}", self.query);
        }
        let request = [post("/graphql", &json!({ "query": self.query }).to_string())];
        ask(&server.address, &request[0]);
        server.forget_peak();
        let alone = traffic(&server.address, &request, 1, ROUND);
        let peak = server.peak_mib();
        let four = traffic(&server.address, &request, 4, ROUND);
        let goal = |goal: f64| if goal > 0.0 { format!(" (goal {goal})") } else { String::new() };
        let duck = duck.and_then(|file| python(ASK, &[file, Path::new(self.sql)]));
        let duck = duck.map(|text| text.trim().parse::<f64>().unwrap());
        let ms = alone.p50_us / 1e3;
        let theirs = duck.map_or(String::new(), |duck| {
            format!(", DuckDB in process {duck:.1} ms: {:.2} of its time", ms / duck)
        });
        println!(
            "  {}: {ms:.2} ms{}, peak {peak} MiB, four connections {:.0}/s{}{theirs}",
            self.name,
            goal(self.goal_ms),
            four.per_second,
            goal(self.goal_per_second),
        );
    }
}

/// A list beside many groups.
fn crowd(server: &Server) {
    let list = [post(
        "/graphql",
        &json!({ "query": "{ orders(limit: 25) { id customer amount status } }" }).to_string(),
    )];
    let groups = [post("/graphql", &json!({ "query": CASES[0].query }).to_string())];
    let (mut quiet, mut crowded) = (vec![], vec![]);
    for _ in 0..3 {
        quiet.push(traffic(&server.address, &list, 1, ROUND).p99_us);
        std::thread::scope(|scope| {
            let beside = scope.spawn(|| traffic(&server.address, &groups, 32, ROUND * 2));
            std::thread::sleep(ROUND / 3);
            crowded.push(traffic(&server.address, &list, 1, ROUND).p99_us);
            beside.join().unwrap();
        });
    }
    let (quiet, crowded) = (median(&mut quiet), median(&mut crowded));
    println!(
        "  25 rows beside 32 group-bys: p99 {crowded:.0} us, quiet {quiet:.0} us: {:.1} (goal 3)",
        crowded / quiet
    );
}

/// What columns cost a load.
fn loads(scratch: &Scratch, csv: &Path) {
    let (mut with, mut without, mut ratios) = (vec![], vec![], vec![]);
    for round in 0..N_LOADS {
        for is_on in [false, true] {
            let folder = scratch.0.join(format!("columns-load-{round}-{is_on}"));
            let value = if is_on { "on" } else { "off" };
            let server = Server::start_with(&folder, None, &[("SLUICE_COLUMNAR", value)]);
            let start = std::time::Instant::now();
            server.upload("orders", csv);
            let seconds = start.elapsed().as_secs_f64();
            if is_on {
                with.push(seconds)
            } else {
                without.push(seconds)
            }
            drop(server);
            std::fs::remove_dir_all(folder).unwrap();
            Command::new("sync").status().unwrap();
        }
        ratios.push(with[round] / without[round]);
    }
    println!(
        "  load: {:.2} s, without columns {:.2} s: {:.2} (goal 1.15)",
        median(&mut with),
        median(&mut without),
        median(&mut ratios)
    );
}

/// The first question after a start, none of the file being in memory.
fn cold(folder: &Path, variables: &[(&str, &str)]) {
    let mut times = vec![];
    for _ in 0..3 {
        let server = Server::start_with(folder, None, variables);
        Command::new("sync").status().unwrap();
        for path in files(folder, "col") {
            let file = std::fs::File::open(path).unwrap();
            rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::DontNeed).unwrap();
        }
        let start = std::time::Instant::now();
        server.graphql(CASES[0].query, &Value::Null);
        times.push(start.elapsed().as_secs_f64() * 1e3);
    }
    println!("  first question on a cold file: {:.0} ms (goal 150)", median(&mut times));
}

fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder.join("datasets")).unwrap().flatten();
    let paths = entries.map(|entry| entry.path());
    paths.filter(|path| path.extension().is_some_and(|it| it == extension)).collect()
}

fn size(folder: &Path, extension: &str) -> f64 {
    let sizes = files(folder, extension).into_iter();
    sizes.map(|path| std::fs::metadata(path).unwrap().len() as f64).sum()
}
