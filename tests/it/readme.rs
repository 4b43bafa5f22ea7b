//! The README's walk-through does what it says.

use std::path::Path;

use crate::harness::server::Options;
use crate::harness::{Server, StoreKind};

#[test]
fn the_quick_start_works_as_written() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = std::fs::read_to_string(root.join("README.md")).unwrap();
    let (_, command) = readme.split_once("-- serve ").expect("the run command");
    let file = command.lines().next().unwrap();
    let (options, database) = Options::of(StoreKind::Sqlite);
    let server = Server::start_with(Options { files: vec![root.join(file)], ..options }, database);
    let client = server.client();

    let (_, query) = readme.split_once("-d '").expect("a query by curl");
    let (query, _) = query.split_once("}'").unwrap();
    let answer = client.post_json("/graphql", &format!("{query}}}"));
    assert_eq!(answer.data()["orders"].as_array().unwrap().len(), 3, "{}", answer.text);

    let (_, path) = readme.split_once("'http://127.0.0.1:8080/upload/").expect("an upload by curl");
    let (path, _) = path.split_once('\'').unwrap();
    let sample = std::fs::read_to_string(root.join(file)).unwrap();
    let answer = client.request("PUT", &format!("/upload/{path}"), &[], &sample);
    assert_eq!(answer.status, 200, "{}", answer.text);
    // The sample was loaded at the start: the same bytes again change nothing, and it says so.
    assert_eq!(answer.json()["unchanged"], true, "{}", answer.text);
}
