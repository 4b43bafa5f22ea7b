//! The description of REST is what REST does, by the word of its users' tools.

use std::path::Path;
use std::process::Command;

use crate::harness::server::ADMIN_KEY;
use crate::harness::{Folder, Server, StoreKind, both_stores};

const ORDERS: &str =
    "id,customer,total,paid,day,note\n1,1,19.90,true,2026-01-01,a\n2,1,7.05,false,,\n";
const CUSTOMERS: &str = "id,name\n1,Ann\n2,Bob\n";

/// A program that is installed below here by scripts/test.
fn python() -> Command {
    let mut command = Command::new("python3");
    command.env("PYTHONPATH", std::env::var("SLUICE_TEST_PYTHON").unwrap_or_default());
    command
}

#[test]
fn it_is_valid_and_clients_are_generated_of_it() {
    both_stores(|server| {
        let admin = server.client();
        admin.load("customers", CUSTOMERS);
        admin.load("orders", ORDERS);
        admin.data("mutation { addRelation(from: \"orders\", column: \"customer\", to: \"customers\", toColumn: \"id\", name: \"buyer\", inverseName: \"orders\") { name } }");
        let folder = Folder::new();
        let file = folder.file("openapi.json", admin.get("/openapi.json").text);
        let file = file.to_str().unwrap();
        let checked = python().args(["-m", "openapi_spec_validator", file]).output().unwrap();
        assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stdout));
        let node = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/node");
        let checked = Command::new("node")
            .args(["openapi.mjs", file, folder.path().to_str().unwrap()])
            .current_dir(node)
            .output()
            .unwrap();
        let told = String::from_utf8_lossy(&checked.stdout);
        let complaint = String::from_utf8_lossy(&checked.stderr);
        assert!(checked.status.success(), "{told}\n{complaint}");
        // Both forms say the same.
        let yaml = folder.file("openapi.yaml", admin.get("/openapi.yaml").text);
        let same = "import json, sys, yaml; sys.exit(yaml.safe_load(open(sys.argv[1])) != json.load(open(sys.argv[2])))";
        let same = python().args(["-c", same, yaml.to_str().unwrap(), file]).output().unwrap();
        assert!(same.status.success(), "{}", String::from_utf8_lossy(&same.stderr));
    });
}

// A test for each store: one takes long.
#[test]
fn requests_made_of_it_are_answered_as_it_says() {
    try_it_out(StoreKind::Sqlite);
}

#[test]
fn requests_made_of_it_are_answered_so_by_postgres() {
    try_it_out(StoreKind::Postgres);
}

/// Makes requests of the description, good and bad ones, and looks at the answers.
fn try_it_out(kind: StoreKind) {
    let server = Server::start(kind);
    let admin = server.client();
    admin.load("orders", ORDERS);
    admin.data("mutation { saveQuery(name: \"some\", document: \"query($n: Int = 1, $paid: Boolean!) { orders(limit: $n, where: {paid: {_eq: $paid}}) { id total } }\") { name } }");
    let folder = Folder::new();
    let file = folder.file("openapi.json", admin.get("/openapi.json").text);
    let checks = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance";
    let run = "from schemathesis.cli import schemathesis; schemathesis()";
    let output = python()
        .args(["-c", run, "run", file.to_str().unwrap()])
        .args(["--url", &format!("http://{}", server.address)])
        .args(["-H", &format!("X-API-Key: {ADMIN_KEY}")])
        .args(["--checks", checks, "--phases", "coverage,fuzzing"])
        // They take what lists take, which is long to try.
        .args(["--exclude-path-regex", "/export/"])
        .args(["--max-examples", "6", "--seed", "1", "--no-color"])
        .current_dir(folder.path())
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told}\n{complaint}");
}
