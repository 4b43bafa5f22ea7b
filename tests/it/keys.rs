//! Keys: made, listed and revoked beside a running server; scopes hold.

use std::time::Duration;

use serde_json::json;

use crate::harness::fixtures::ITEMS;
use crate::harness::server::{ADMIN_KEY, Options};
use crate::harness::{Client, Folder, Server, StoreKind, both_stores, eventually, run_sluice};

/// Runs `sluice keys …` on the store of a running server.
fn keys(server: &Server, database_url: Option<&str>, arguments: &[&str]) -> (i32, String, String) {
    let folder = Folder::new();
    let data_dir = server.data_dir().display().to_string();
    let mut all = vec!["keys", "--data-dir", &data_dir];
    all.extend(arguments);
    let variables: Vec<(&str, &str)> =
        database_url.map(|url| ("DATABASE_URL", url)).into_iter().collect();
    let output = run_sluice(&folder, &all, &variables);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
}

/// A client with a new key of this scope.
pub(crate) fn client_with_scope(server: &Server, scope: &str) -> Client {
    let url = server.database_url();
    let (code, key, told) = keys(server, url.as_deref(), &["create", "--scope", scope]);
    assert_eq!(code, 0, "{told}");
    server.anonymous().with_key(key.trim())
}

#[test]
fn keys_are_made_and_revoked_beside_a_running_server() {
    for kind in [StoreKind::Sqlite, StoreKind::Postgres] {
        let (options, database) = Options::of(kind);
        let url = options.database_url.clone();
        let server = Server::start_with(options, database);
        let url = url.as_deref();
        let (code, key, told) = keys(&server, url, &["create", "--name", "ci", "--scope", "read"]);
        assert_eq!(code, 0, "{told}");
        let key = key.trim();
        assert!(key.starts_with("slu_"), "{key}");
        let client = server.anonymous().with_key(key);
        assert_eq!(client.data("{ __typename }"), json!({ "__typename": "Query" }));
        let prefix = &key[.."slu_".len() + 8];

        let (_, list, _) = keys(&server, url, &["list"]);
        let line = list.lines().find(|line| line.contains("ci")).unwrap();
        assert!(line.starts_with(prefix) && line.contains("active"), "{list}");
        assert!(!list.contains(key), "the secret is not kept");

        let (code, _, told) = keys(&server, url, &["revoke", prefix]);
        assert_eq!(code, 0, "{told}");
        eventually("the end of the key", Duration::from_secs(5), || {
            (client.graphql("{ __typename }", &json!({})).status == 401).then_some(())
        });
        let (_, list, _) = keys(&server, url, &["list"]);
        let line = list.lines().find(|line| line.contains("ci")).unwrap();
        assert!(line.contains("revoked"), "{list}");
        let (code, _, told) = keys(&server, url, &["revoke", "slu_nothing0"]);
        assert_eq!(code, 5, "{told}");
    }
}

#[test]
fn a_store_that_is_not_there_is_not_made() {
    let folder = Folder::new();
    for arguments in [&["keys", "list"][..], &["keys", "create"], &["schema"]] {
        let output = run_sluice(&folder, arguments, &[]);
        assert_eq!(output.status.code(), Some(2));
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(text.contains("there is no data folder"), "{text}");
    }
    assert_eq!(crate::harness::folder::files_below(folder.path()), Vec::<String>::new());
}

#[test]
fn scopes_hold() {
    both_stores(|server| {
        let admin = server.client();
        admin.load("items", ITEMS);
        let url = None;
        if server.data_dir().join("catalog.sqlite").try_exists().unwrap_or(false) {
            let make = |scope: &str| {
                let (code, key, told) = keys(server, url, &["create", "--scope", scope]);
                assert_eq!(code, 0, "{told}");
                server.anonymous().with_key(key.trim())
            };
            let reader: Client = make("read");
            assert!(reader.data("{ items(limit: 1) { id } }").is_object());
            let refused = reader.upload("other", "id\n1\n");
            assert_eq!((refused.status, refused.code().as_str()), (403, "FORBIDDEN"));
            let uploader = make("upload");
            assert_eq!(uploader.upload("other", "id\n1\n").status, 200);
        }
    });
}

#[test]
fn a_first_admin_key_is_made_once_and_shown_once() {
    let folder = Folder::new();
    let data_dir = folder.path().join("data");
    let start = || {
        let data_dir = Some(data_dir.clone());
        Server::start_with(
            Options { data_dir, without_admin_key: true, ..Options::default() },
            None,
        )
    };
    let first = start();
    let line = first.greeting.iter().find(|line| line.contains("Admin key")).unwrap();
    let key = line.split_whitespace().last().unwrap().to_owned();
    let client = first.anonymous().with_key(&key);
    assert_eq!(client.data("{ __typename }"), json!({ "__typename": "Query" }));
    for headers in [[("authorization", format!("Api-Key {key}"))], [("x-api-key", key.clone())]] {
        let [(name, value)] = &headers;
        let all = [("content-type", "application/json"), (*name, value.as_str())];
        let answer =
            first.anonymous().request("POST", "/graphql", &all, r#"{"query":"{__typename}"}"#);
        assert_eq!(answer.status, 200, "{name}: {}", answer.text);
    }
    assert!(!first.log().contains(&key), "the key is not logged");
    drop(first);
    let second = start();
    assert!(
        !second.greeting.iter().any(|line| line.contains("Admin key")),
        "{:?}",
        second.greeting
    );
    assert_eq!(
        second.anonymous().with_key(&key).data("{ __typename }"),
        json!({ "__typename": "Query" })
    );
    // Stored is only its hash.
    for path in crate::harness::folder::files_below(&data_dir) {
        let bytes = std::fs::read(data_dir.join(&path)).unwrap();
        let is_there = bytes.windows(key.len()).any(|window| window == key.as_bytes());
        assert!(!is_there, "{path} holds the key");
    }
}

#[test]
fn one_process_owns_a_data_folder() {
    let server = Server::start(StoreKind::Sqlite);
    let options = Options { data_dir: Some(server.data_dir().to_owned()), ..Options::default() };
    let Err(text) = Server::try_start(options, None) else { panic!("two servers, one folder") };
    assert!(text.contains("Another Sluice uses this data folder"), "{text}");
    assert!(!text.contains(ADMIN_KEY));
}
