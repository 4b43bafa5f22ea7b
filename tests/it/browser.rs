//! The playground in a real browser: signs in, runs the ready query, reads the answer.

use std::path::Path;
use std::process::Command;

use crate::harness::fixtures::ORDERS;
use crate::harness::server::ADMIN_KEY;
use crate::harness::{Server, StoreKind};

#[test]
fn the_playground_answers_the_ready_query() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("playground");
    assert!(
        folder.join("node_modules").is_dir(),
        "playground has no node_modules: run scripts/test, or npm ci in playground"
    );
    let server = Server::start(StoreKind::Sqlite);
    server.client().load("orders", ORDERS);
    let output = Command::new("node")
        .arg(folder.join("e2e/run.mjs"))
        .args(["--url", &format!("http://{}", server.address)])
        .args(["--key", ADMIN_KEY, "--dataset", "orders"])
        .output()
        .expect("node");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
}
