//! A list by REST against the same list by GraphQL, which answers it: what the other face costs.

use serde_json::{Value, json};

use crate::Scratch;
use crate::data::write_csv;
use crate::ingest::median;
use crate::query::{LIST, N_CONNECTIONS, N_ROUNDS, ROUND, STATUSES, ask};
use crate::server::Server;
use crate::traffic::{get, post, run as traffic};

const N_ROWS: usize = 25;

pub fn run(scratch: &Scratch, n_rows: u64) {
    let csv = scratch.0.join("rest.csv");
    write_csv(&csv, n_rows);
    let folder = scratch.0.join("rest");
    // Every statement is run.
    let server = Server::start_with(&folder, None, &[("SLUICE_RESPONSE_CACHE_SIZE", "0")]);
    server.upload("orders", &csv);
    std::fs::remove_file(csv).unwrap();
    server.graphql(
        "mutation { createIndex(dataset: \"orders\", columns: [\"status\", \"amount\"]) { name } }",
        &Value::Null,
    );
    let rest = STATUSES.map(|status| {
        get(&format!(
            "/api/v1/orders?filter[status]={status}&sort=-amount&page[limit]={N_ROWS}&fields=id,customer,amount,ordered,status,category"
        ))
    });
    let graphql = STATUSES.map(|status| {
        let variables = json!({ "status": status, "limit": N_ROWS });
        post("/graphql", &json!({ "query": LIST, "variables": variables }).to_string())
    });
    let rows = |request: &[u8], path: &str| {
        let answer: Value = serde_json::from_str(&ask(&server.address, request)).unwrap();
        answer.pointer(path).cloned().unwrap()
    };
    let (by_rest, by_graphql) = (rows(&rest[0], "/data"), rows(&graphql[0], "/data/orders"));
    assert_eq!(by_rest, by_graphql);
    assert_eq!(by_rest.as_array().map(Vec::len), Some(N_ROWS));
    let (mut ratios, mut ours, mut theirs) = (vec![], vec![], vec![]);
    for _ in 0..N_ROUNDS {
        let reference = traffic(&server.address, &graphql, N_CONNECTIONS, ROUND).per_second;
        let own = traffic(&server.address, &rest, N_CONNECTIONS, ROUND).per_second;
        ratios.push(own / reference);
        ours.push(own);
        theirs.push(reference);
    }
    println!(
        "rest: {n_rows} rows, {N_CONNECTIONS} connections, medians of {N_ROUNDS} rounds, nothing answered from memory\n  {N_ROWS} rows: {:.0}/s, GraphQL {:.0}/s: ratio {:.2} (goal 0.9)",
        median(&mut ours),
        median(&mut theirs),
        median(&mut ratios),
    );
}
