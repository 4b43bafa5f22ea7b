//! The secret key is changed: old cursors hold as long as their key is listed.

use serde_json::json;

use crate::harness::fixtures::generation;
use crate::harness::folder::Folder;
use crate::harness::postgres::Database;
use crate::harness::server::Options;
use crate::harness::{Answer, Server, StoreKind};

const OLD: &str = "b7f3c1d9e05a4826f1c7d3b92e6a8045";
const NEW: &str = "9e1d7c5b3a2f4086e1d9c7b5a3f20864";
const PAGE: &str = "query($after: String) { rowsConnection(first: 2, after: $after) { edges { cursor node { id } } } }";

fn page(server: &Server, after: Option<&str>) -> Answer {
    server.client().graphql(PAGE, &json!({ "after": after }))
}

fn last_cursor(answer: &Answer) -> String {
    answer.data()["rowsConnection"]["edges"][1]["cursor"].as_str().unwrap().to_owned()
}

#[test]
fn cursors_hold_across_a_rotation() {
    for kind in [StoreKind::Sqlite, StoreKind::Postgres] {
        let folder = Folder::new();
        let database = (kind == StoreKind::Postgres).then(Database::new);
        let start = |variables: &[(&str, &str)]| {
            let options = Options {
                database_url: database.as_ref().map(Database::url),
                data_dir: Some(folder.path().join("data")),
                ..Options::default()
            };
            let options = variables.iter().fold(options, |o, (n, v)| o.variable(n, v));
            Server::start_with(options, None)
        };
        let server = start(&[]);
        server.client().load("rows", generation(1, 10));
        let made = last_cursor(&page(&server, None));
        drop(server);
        // The key that was made is kept.
        let server = start(&[]);
        assert_eq!(last_cursor(&page(&server, None)), made);
        drop(server);

        let server = start(&[("SECRET_KEY", OLD)]);
        assert_eq!(page(&server, Some(&made)).code(), "BAD_USER_INPUT", "of another key");
        let first = page(&server, None);
        let (old, old_tag) = (last_cursor(&first), first.header("etag").to_owned());
        drop(server);

        let server = start(&[("SECRET_KEY", NEW), ("SECRET_KEY_PREVIOUS", OLD)]);
        let second = page(&server, Some(&old));
        assert_eq!(second.data()["rowsConnection"]["edges"][0]["node"]["id"], 3);
        // What a client has was signed with the old key: it is told anew.
        let body = json!({ "query": PAGE, "variables": { "after": null } }).to_string();
        let headers = [("content-type", "application/json"), ("if-none-match", old_tag.as_str())];
        let again = server.client().request("POST", "/graphql", &headers, &body);
        assert_eq!(again.status, 200, "{}", again.text);
        let new = last_cursor(&again);
        assert_ne!(new, old);
        let headers =
            [("content-type", "application/json"), ("if-none-match", again.header("etag"))];
        assert_eq!(server.client().request("POST", "/graphql", &headers, &body).status, 304);
        drop(server);

        let server = start(&[("SECRET_KEY", NEW)]);
        assert_eq!(page(&server, Some(&old)).code(), "BAD_USER_INPUT", "its time is over");
        let next = page(&server, Some(&new));
        assert_eq!(next.data()["rowsConnection"]["edges"][0]["node"]["id"], 3);
    }
}
