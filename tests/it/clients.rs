//! The clients that people use, from the npm registry, against a live server: Apollo Client, urql,
//! graphql-codegen with TypeScript, Relay's compiler, refine's Hasura provider, graphql-ws and
//! graphql-sse.

use std::path::Path;
use std::process::Command;

use crate::harness::fixtures::ORDERS;
use crate::harness::server::ADMIN_KEY;
use crate::harness::{Client, both_stores};

/// The sample's orders, and its customers as a dataset of their own, related.
fn load(client: &Client) {
    client.load("orders", ORDERS);
    let found = client.data("{ orders(distinctOn: [CUSTOMER], limit: 1000) { customer country } }");
    let mut customers = String::from("name,country\n");
    for row in found["orders"].as_array().unwrap() {
        let name = row["customer"].as_str().unwrap().replace('"', "\"\"");
        customers.push_str(&format!("\"{name}\",{}\n", row["country"].as_str().unwrap()));
    }
    client.load("customers", customers);
    client.data("mutation { addRelation(from: \"orders\", column: \"customer\", to: \"customers\", toColumn: \"name\", name: \"buyer\") { relations { name } } }");
}

#[test]
fn clients_of_the_npm_registry_work_unmodified() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/node");
    assert!(
        folder.join("node_modules").is_dir(),
        "tests/node has no node_modules: run scripts/test, or npm ci in tests/node"
    );
    both_stores(|server| {
        load(&server.client());
        let tests = ["apollo", "urql", "codegen", "relay", "refine", "live"]
            .map(|name| format!("clients/{name}.test.mjs"));
        let output = Command::new("node")
            .arg("--test")
            .args(&tests)
            .current_dir(&folder)
            .env("SLUICE_URL", format!("http://{}", server.address))
            .env("SLUICE_KEY", ADMIN_KEY)
            .output()
            .expect("node");
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
        assert!(text.contains("pass 18") && text.contains("fail 0"), "{text}");
    });
}
