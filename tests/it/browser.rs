//! The playground in a real browser, before the real program: every room of it, and the journeys of
//! those whom it is for.

use std::path::Path;
use std::process::Command;

use crate::harness::fixtures::ORDERS;
use crate::harness::server::{ADMIN_KEY, Options};
use crate::harness::{Server, StoreKind};

/// Runs a script of the playground's against a server of its own, as it is in production.
fn run(kind: StoreKind, script: &str, arguments: &[&str]) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("playground");
    assert!(
        folder.join("node_modules").is_dir(),
        "playground has no node_modules: run scripts/test, or npm ci in playground"
    );
    let (options, database) = Options::of(kind);
    let server = Server::start_with(options.variable("SLUICE_RATE_LIMIT", "on"), database);
    server.client().load("orders", ORDERS);
    let output = Command::new("node")
        .arg(folder.join("e2e").join(script))
        .args(["--url", &format!("http://{}", server.address)])
        .args(["--key", ADMIN_KEY])
        .args(arguments)
        .output()
        .expect("node");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn rooms_of_the_workspace() {
    run(StoreKind::Sqlite, "run.mjs", &["--rooms", "shell,inspect,access,system,reference"]);
}

#[test]
fn rooms_of_a_dataset() {
    run(StoreKind::Postgres, "run.mjs", &["--rooms", "dataset,grid"]);
}

#[test]
fn the_editor_and_every_screen() {
    run(StoreKind::Sqlite, "run.mjs", &["--rooms", "editor,everywhere"]);
}

#[test]
fn journeys() {
    for kind in [StoreKind::Sqlite, StoreKind::Postgres] {
        run(kind, "journeys.mjs", &["--megabytes", "100"]);
    }
}
