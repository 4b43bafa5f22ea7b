//! The command line for people and pipes: questions, schemas, folders that are watched.

use std::process::Output;

use serde_json::{Value, json};

use crate::harness::folder::Folder;
use crate::harness::server::ADMIN_KEY;
use crate::harness::{Server, StoreKind, run_sluice};

const ORDERS: &str = "id,customer,total\n1,Ann,19.90\n2,\"Lee, Kim\",7.05\n";

struct Tools {
    folder: Folder,
    server: Server,
}

impl Tools {
    fn new() -> Tools {
        Tools { folder: Folder::new(), server: Server::start(StoreKind::Sqlite) }
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let url = format!("http://{}", self.server.address);
        run_sluice(&self.folder, arguments, &[("SLUICE_URL", &url), ("SLUICE_KEY", ADMIN_KEY)])
    }

    fn said(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Exit code and complaint.
    fn refused(&self, arguments: &[&str]) -> (i32, String) {
        let output = self.run(arguments);
        let text = String::from_utf8(output.stderr).unwrap();
        (output.status.code().unwrap(), text)
    }
}

#[test]
fn questions_are_answered_as_json_tables_and_csv() {
    let tools = Tools::new();
    tools.server.client().load("orders", ORDERS);
    let query =
        "query($least: Decimal) { orders(where: {total: {_gte: $least}}) { id customer total } }";
    let told: Value =
        serde_json::from_str(&tools.said(&["query", query, "--var", "least=\"10\""])).unwrap();
    assert_eq!(told, json!({ "orders": [{ "id": 1, "customer": "Ann", "total": "19.90" }] }));
    let table = tools.said(&["query", query, "--format", "table"]);
    assert_eq!(
        table,
        "id  customer  total\n--  --------  -----\n1   Ann       19.90\n2   Lee, Kim  7.05\n"
    );
    let csv = tools.said(&["query", query, "--format", "csv"]);
    assert_eq!(csv, "id,customer,total\r\n1,Ann,19.90\r\n2,\"Lee, Kim\",7.05\r\n");
    let file = tools.folder.file("question.graphql", query);
    let named = tools.said(&["query", &format!("@{}", file.display()), "--format", "csv"]);
    assert_eq!(named, csv);

    // Each kind of failure has a code of its own.
    assert_eq!(tools.refused(&["query", "{ nothing }"]).0, 5);
    assert_eq!(tools.refused(&["query", "@/nowhere"]).0, 2);
    assert_eq!(tools.refused(&["query", query, "--var", "least"]).0, 2);
    let away = ["query", "{ __typename }", "--to", "http://127.0.0.1:1"];
    assert_eq!(tools.refused(&away).0, 4);
    let (code, text) = tools.refused(&["query", "{ __typename }", "--key", "slu_wrong000_x"]);
    assert!(code == 5 && text.contains("--key"), "{code}: {text}");
}

#[test]
fn schemas_are_compared_as_clients_feel_it() {
    let tools = Tools::new();
    tools.server.client().load("orders", ORDERS);
    let url = format!("http://{}", tools.server.address);
    let old = tools.folder.file("old.graphql", tools.said(&["schema", "--to", &url]));
    let check = ["schema", "--to", &url, "--check", old.to_str().unwrap()];
    assert_eq!(tools.said(&check), "SAFE\n");
    tools.server.client().load("orders", "id,customer,total,note\n1,Ann,19.90,x\n");
    let safe = tools.said(&check);
    assert!(safe.starts_with("SAFE\n") && safe.contains("Orders.note is new"), "{safe}");
    tools.server.client().load("orders", "id,total\n1,19.90\n");
    let output = tools.run(&[&check[..], &["--json"]].concat());
    assert_eq!(output.status.code(), Some(3));
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(told["verdict"], "BREAKING");
    let gone = json!({ "isBreaking": true, "difference": "Orders.customer is gone" });
    assert!(told["differences"].as_array().unwrap().contains(&gone), "{told}");
    let bad = tools.folder.file("bad.graphql", "nonsense");
    assert_eq!(tools.refused(&["schema", "--to", &url, "--check", bad.to_str().unwrap()]).0, 2);
}

#[test]
fn a_folder_is_uploaded_as_it_changes() {
    let tools = Tools::new();
    let inbox = tools.folder.path().join("inbox");
    std::fs::create_dir(&inbox).unwrap();
    for (name, text) in [
        ("orders.csv", ORDERS),
        ("people.json", "[{\"id\": 1, \"name\": \"Ann\"}]"),
        (".hidden.csv", "a\n1\n"),
        ("notes.md", "# no data"),
    ] {
        std::fs::write(inbox.join(name), text).unwrap();
    }
    let inbox_path = inbox.to_str().unwrap();
    let watch = ["watch", inbox_path, "--once", "--every", "50ms"];
    let told = tools.said(&watch);
    assert!(told.contains("orders: 2 rows") && told.contains("people: 1 rows"), "{told}");
    let names = tools.server.client().data("{ datasets { name } }");
    assert_eq!(names["datasets"].as_array().unwrap().len(), 2, "{names}");
    // What cannot be loaded is told, and keeps the others from nothing.
    std::fs::write(inbox.join("broken.xlsx"), b"PK\x03\x04 no workbook").unwrap();
    std::fs::write(inbox.join("orders.csv"), format!("{ORDERS}3,Cid,1.00\n")).unwrap();
    let output = tools.run(&watch);
    assert_eq!(output.status.code(), Some(3), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(String::from_utf8_lossy(&output.stdout).contains("orders: 3 rows"));
    assert!(String::from_utf8_lossy(&output.stderr).contains("broken.xlsx"));
    assert_eq!(tools.refused(&["watch", "/nowhere", "--once"]).0, 2);
}

#[test]
fn rows_are_written_into_files() {
    let tools = Tools::new();
    tools.server.client().load("orders", ORDERS);
    let csv = tools.said(&["export", "orders", "--sort", "-id", "--fields", "id,customer"]);
    assert_eq!(csv, "id,customer\r\n2,\"Lee, Kim\"\r\n1,Ann\r\n");
    let path = tools.folder.path().join("open.json");
    let filter = "{\"total\": {\"_gt\": \"10\"}}";
    tools.said(&["export", "orders", "-o", path.to_str().unwrap(), "--filter", filter]);
    let told: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    assert_eq!(told, json!([{ "id": 1, "customer": "Ann", "total": "19.90" }]));
    let path = tools.folder.path().join("orders.parquet");
    tools.said(&["export", "orders", "-o", path.to_str().unwrap()]);
    assert!(std::fs::read(&path).unwrap().ends_with(b"PAR1"));
    assert_eq!(tools.refused(&["export", "orders", "--format", "pdf"]).0, 2);
    let (code, text) = tools.refused(&["export", "nothing"]);
    assert!(code == 5 && text.contains("nothing"), "{code}: {text}");
    let none = tools.folder.path().join("none.csv");
    assert_eq!(tools.refused(&["export", "nothing", "-o", none.to_str().unwrap()]).0, 5);
    assert!(!none.try_exists().unwrap());
}

#[test]
fn uploads_tell_json_and_shells_are_helped() {
    let tools = Tools::new();
    let file = tools.folder.file("orders.csv", ORDERS);
    let told = tools.said(&["upload", "--json", file.to_str().unwrap()]);
    let told: Value = serde_json::from_str(&told).unwrap();
    assert_eq!(told["dataset"]["rowCount"], "2", "{told}");
    for shell in ["bash", "zsh", "fish"] {
        assert!(tools.said(&["completions", shell]).contains("upload"), "{shell}");
    }
    let page = tools.said(&["man"]);
    assert!(page.contains(".TH sluice") && page.contains("backup"), "{page}");
}
