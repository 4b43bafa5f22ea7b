//! The audit log: who did what, what was refused, and nothing that is secret.

use serde_json::{Value, json};

use crate::harness::fixtures::ITEMS;
use crate::harness::folder::files_below;
use crate::harness::server::Options;
use crate::harness::{Client, Server, StoreKind, both_stores, eventually};

/// The log's lines, newest first.
fn log(client: &Client, filter: &str) -> Vec<Value> {
    let query = format!(
        "{{ auditLog(where: {filter}) {{ id at actor address requestId action target outcome details }} }}"
    );
    client.data(&query)["auditLog"].as_array().unwrap().clone()
}

fn key(client: &Client, arguments: &str) -> String {
    let made = client.data(&format!("mutation {{ createKey({arguments}) {{ key }} }}"));
    made["createKey"]["key"].as_str().unwrap().to_owned()
}

#[test]
fn what_is_done_and_what_is_refused_is_written_down() {
    both_stores(|server| {
        let admin = server.client();
        admin.load("items", ITEMS);
        let secret = key(&admin, "name: \"reader\", scope: READ");
        admin.data(
            "mutation { setPolicy(dataset: \"items\", role: \"sales\", columns: [\"id\", \"name\"]) { role } }",
        );
        let failed = admin.error("mutation { dropDataset(dataset: \"nothing\") { name } }");
        assert_eq!(failed.0, "NOT_FOUND");
        let reader = admin.with_key(&secret);
        let refused = reader.error("mutation { dropDataset(dataset: \"items\") { name } }");
        assert_eq!(refused.0, "FORBIDDEN");
        for _ in 0..5 {
            assert_eq!(admin.with_key("slu_nobody00_x").get("/schema.graphql").status, 401);
        }

        let lines = log(&admin, "{}");
        let of = |action: &str| -> Vec<&Value> {
            lines.iter().filter(|line| line["action"] == action).collect()
        };
        let told = |action: &str| {
            let line = of(action)[0];
            (line["actor"].clone(), line["target"].clone(), line["outcome"].clone())
        };
        assert_eq!(told("upload"), (json!("env"), json!("items"), json!("OK")));
        assert_eq!(told("createKey"), (json!("env"), json!("reader"), json!("OK")));
        assert_eq!(told("setPolicy"), (json!("env"), json!("items"), json!("OK")));
        let drops: Vec<&Value> = of("dropDataset").iter().map(|line| &line["outcome"]).collect();
        assert_eq!(drops, [&json!("FORBIDDEN"), &json!("NOT_FOUND")]);
        assert_eq!(of("dropDataset")[0]["actor"], secret[..12]);
        // The same refusal again and again is one line.
        assert_eq!(of("signIn").len(), 1);
        assert_eq!(told("signIn").0, "unknown");
        assert!(lines.iter().all(|line| line["address"] == "127.0.0.1"), "{lines:?}");
        assert!(lines.iter().all(|line| line["requestId"].is_string()), "{lines:?}");
        let text = serde_json::to_string(&lines).unwrap();
        assert!(!text.contains(&secret[13..]), "a secret is in the log");

        let some = log(&admin, "{outcome: {_neq: \"OK\"}, action: {_eq: \"dropDataset\"}}");
        assert_eq!(some.len(), 2);
        assert_eq!(reader.error("{ auditLog { id } }").0, "FORBIDDEN");
    });
}

#[test]
fn reads_are_written_down_where_that_is_switched_on() {
    for kind in [StoreKind::Sqlite, StoreKind::Postgres] {
        let (options, database) = Options::of(kind);
        let server = Server::start_with(options.variable("SLUICE_AUDIT_READS", "on"), database);
        let admin = server.client();
        admin.load("items", ITEMS);
        admin.data("{ itemsAggregate { aggregate { count } } }");
        let lines = log(&admin, "{action: {_eq: \"itemsAggregate\"}}");
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert_eq!((&lines[0]["target"], &lines[0]["outcome"]), (&json!("items"), &json!("OK")));
    }
}

#[test]
fn the_files_of_a_workspace_go_with_it() {
    both_stores(|server| {
        let operator = server.client();
        operator.data("mutation { createWorkspace(name: \"acme\") { id } }");
        let admin =
            operator.with_key(&key(&operator, "name: \"a\", scope: ADMIN, workspace: \"acme\""));
        operator.load("shared", "id,name\n1,both\n");
        admin.load("shared", "id,name\n1,both\n");
        admin.load("own", "id,name\n1,only here\n");
        let holding = |text: &str| {
            let folder = server.data_dir().join("sources");
            files_below(&folder)
                .iter()
                .filter(|path| {
                    let bytes = std::fs::read(folder.join(path)).unwrap_or_default();
                    String::from_utf8_lossy(&bytes).contains(text)
                })
                .count()
        };
        assert_eq!((holding("both"), holding("only here")), (1, 1));
        operator.data("mutation { deleteWorkspace(name: \"acme\", confirm: \"acme\") { name } }");
        assert_eq!((holding("both"), holding("only here")), (1, 0));
        assert_eq!(operator.data("{ shared { name } }"), json!({ "shared": [{ "name": "both" }] }));
        eventually("the end of its keys", std::time::Duration::from_secs(5), || {
            (admin.graphql("{ __typename }", &json!({})).status == 401).then_some(())
        });
    });
}
