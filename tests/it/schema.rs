//! The schema as a document: the same on both stores, stable, from the server and offline.

use crate::harness::fixtures::{ITEMS, ORDERS};
use crate::harness::server::{ADMIN_KEY, Options};
use crate::harness::{Folder, Server, StoreKind, both_stores, run_sluice};

#[test]
fn the_document_is_the_same_on_both_stores() {
    both_stores(|server| {
        let client = server.client();
        client.load("items", ITEMS);
        client.load("orders", ORDERS);
        let answer = client.get("/schema.graphql");
        assert_eq!(answer.status, 200);
        assert!(answer.header("content-type").starts_with("text/plain"));
        insta::assert_snapshot!("schema", answer.text);
    });
}

#[test]
fn the_playground_is_built_against_it() {
    let server = Server::start(StoreKind::Sqlite);
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/playground/schema.graphql");
    let kept = std::fs::read_to_string(path).unwrap();
    assert!(
        kept == server.client().get("/schema.graphql").text,
        "playground/schema.graphql is not what a server without datasets answers: write it anew"
    );
}

#[test]
fn the_command_line_prints_it() {
    let folder = Folder::new();
    let data_dir = folder.path().join("data");
    let options = Options { data_dir: Some(data_dir.clone()), ..Options::default() };
    let mut server = Server::start_with(options, None);
    server.client().load("items", ITEMS);
    let text = |arguments: &[&str]| {
        let output = run_sluice(&folder, arguments, &[("SLUICE_KEY", ADMIN_KEY)]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let url = format!("http://{}", server.address);
    let remote = text(&["schema", "--to", &url]);
    assert!(remote.contains("type Items"), "{remote:.500}");
    server.terminate();
    assert_eq!(server.wait(std::time::Duration::from_secs(20)), Some(0));
    let offline = text(&["schema", "--data-dir", &data_dir.display().to_string()]);
    assert_eq!(offline, remote);
}

#[test]
fn codes_are_a_closed_list() {
    let codes: Vec<String> = sluice::error::Code::ALL
        .iter()
        .map(|code| {
            let retry = if code.is_retryable() { " retryable" } else { "" };
            format!("{} {}{retry}", code.wire(), code.http_status())
        })
        .collect();
    insta::assert_snapshot!("codes", codes.join("\n"));
}

#[test]
fn a_new_schema_is_there_without_a_restart() {
    let server = Server::start(StoreKind::Sqlite);
    let client = server.client();
    assert!(!client.get("/schema.graphql").text.contains("type Items "));
    client.load("items", ITEMS);
    assert!(client.get("/schema.graphql").text.contains("type Items "));
}
