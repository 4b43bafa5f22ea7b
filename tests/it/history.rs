//! What datasets were: versions, rows as of a version, differences, and the way back.

use std::time::Duration;

use serde_json::{Value, json};

use crate::access::{key, set_policy};
use crate::harness::folder::files_below;
use crate::harness::postgres::{Database, count};
use crate::harness::server::Options;
use crate::harness::{Client, Folder, Server, StoreKind, both_stores, eventually, pause};

const ITEMS: &str = "id,name,n,tag\n1,ann,10,a\n2,bob,20,b\n3,cid,30,a\n4,dee,,b\n5,eve,50,\n";

fn rows(client: &Client, as_of: Option<i64>) -> Value {
    client.data_with(
        "query($v: Int) { items(asOf: $v, orderBy: {id: ASC}, limit: 1000) { id name n tag } }",
        &json!({ "v": as_of }),
    )["items"]
        .clone()
}

fn version(client: &Client) -> i64 {
    client.data("{ dataset(name: \"items\") { version } }")["dataset"]["version"].as_i64().unwrap()
}

fn versions(client: &Client) -> Vec<Value> {
    let data = client.data(
        "{ datasetVersions(name: \"items\", limit: 1000) { version at actor action insertedCount updatedCount deletedCount rowCount jobId fileName isKept canRevert } }",
    );
    data["datasetVersions"].as_array().unwrap().clone()
}

fn revert(client: &Client, version: i64) {
    client.data_with(
        "mutation($v: Int!) { revertDataset(name: \"items\", version: $v) { version } }",
        &json!({ "v": version }),
    );
}

/// A small generator of numbers: the same for a seed.
struct Random(u64);

impl Random {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963);
        (self.0 >> 33) % n
    }
}

/// One change of the rows; what was chosen may mean no row.
fn change(client: &Client, random: &mut Random) {
    let (a, b) = (random.below(12) + 1, random.below(1_000));
    let mutation = match random.below(7) {
        0 => format!(
            "insertItems(objects: [{{id: {a}, name: \"in{b}\", n: {b}}}, {{id: {}, tag: \"z\"}}], onConflict: {{constraint: ITEMS_PKEY, updateColumns: [NAME]}}) {{ affectedRows }}",
            a + 12
        ),
        1 => format!("updateItemsByPk(pkColumns: {{id: {a}}}, _set: {{name: \"up{b}\"}}) {{ id }}"),
        2 => format!("deleteItemsByPk(id: {a}) {{ id }}"),
        3 => format!("updateItems(where: {{n: {{_lt: {b}}}}}, _inc: {{n: 1}}) {{ affectedRows }}"),
        4 => format!("deleteItems(where: {{n: {{_gt: {}}}}}) {{ affectedRows }}", 900 - a),
        5 => format!(
            "insertItems(objects: [{{id: {a}, n: {b}, tag: \"u\"}}], onConflict: {{constraint: ITEMS_PKEY, updateColumns: [N, TAG]}}) {{ affectedRows }}"
        ),
        // A key that goes and comes back in one version.
        _ => format!(
            "deleteItemsByPk(id: {a}) {{ id }} insertItemsOne(object: {{id: {a}, name: \"again{b}\"}}) {{ id }}"
        ),
    };
    client.data(&format!("mutation {{ {mutation} }}"));
}

/// All kinds of root fields answer what was recorded.
fn is_as_recorded(client: &Client, version: i64, recorded: &Value) {
    let all = recorded.as_array().unwrap();
    let ids: Vec<Value> = all.iter().map(|row| json!({ "id": row["id"] })).collect();
    let sum: i64 = all.iter().filter_map(|row| row["n"].as_i64()).sum();
    let has_n = all.iter().any(|row| !row["n"].is_null());
    let first = &all.first().map_or(json!(1), |row| row["id"].clone());
    let data = client.data_with(
        "query($v: Int!, $id: Int!) {
            list: items(asOf: $v, orderBy: {id: ASC}, limit: 1000) { id name n tag }
            page: items(asOf: $v, where: {id: {_gt: 3}}, orderBy: {id: DESC}, limit: 2) { id }
            searched: items(asOf: $v, search: \"again\", limit: 1000) { name }
            one: itemsByPk(asOf: $v, id: $id) { id name n tag }
            none: itemsByPk(asOf: $v, id: 999) { id }
            all: itemsAggregate(asOf: $v) { aggregate { count sum { n } } nodes { id } }
            groups: itemsGroupBy(asOf: $v, by: [{column: ID}], limit: 1000) { keys { id } }
            pages: itemsConnection(asOf: $v, orderBy: [{id: ASC}], first: 1000) { totalCount edges { node { id name n tag } } }
        }",
        &json!({ "v": version, "id": first }),
    );
    assert_eq!(data["list"], *recorded, "version {version}");
    let expected: Vec<Value> =
        ids.iter().rev().filter(|row| row["id"].as_i64() > Some(3)).take(2).cloned().collect();
    assert_eq!(data["page"], json!(expected), "version {version}");
    let again = |row: &&Value| row["name"].as_str().is_some_and(|it| it.starts_with("again"));
    let n_again = all.iter().filter(again).count();
    assert_eq!(data["searched"].as_array().unwrap().len(), n_again, "version {version}");
    assert_eq!(data["one"], all.first().cloned().unwrap_or_default(), "version {version}");
    assert_eq!(data["none"], Value::Null);
    let aggregate = &data["all"]["aggregate"];
    assert_eq!(aggregate["count"], all.len(), "version {version}");
    let sum = if has_n { json!(sum.to_string()) } else { Value::Null };
    assert_eq!(aggregate["sum"]["n"], sum, "version {version}");
    let mut keys: Vec<i64> = data["groups"]
        .as_array()
        .unwrap()
        .iter()
        .map(|group| group["keys"]["id"].as_i64().unwrap())
        .collect();
    keys.sort_unstable();
    let expected: Vec<i64> = ids.iter().map(|row| row["id"].as_i64().unwrap()).collect();
    assert_eq!(keys, expected, "version {version}");
    assert_eq!(data["pages"]["totalCount"], all.len());
    let nodes: Vec<&Value> =
        data["pages"]["edges"].as_array().unwrap().iter().map(|edge| &edge["node"]).collect();
    assert_eq!(json!(nodes), *recorded, "version {version}");
}

fn server(kind: StoreKind, variables: &[(&str, &str)]) -> Server {
    let (options, database) = Options::of(kind);
    let options =
        variables.iter().fold(options, |options, (name, value)| options.variable(name, value));
    Server::start_with(options, database)
}

#[test]
fn history_equals_replay() {
    for kind in [StoreKind::Sqlite, StoreKind::Postgres] {
        let server = server(kind, &[("SLUICE_HISTORY_VERSIONS", "200")]);
        let client = server.client();
        for seed in 1..=3 {
            let mut random = Random(seed);
            client.graphql("mutation { dropDataset(dataset: \"items\") { id } }", &json!({}));
            client.load("items", ITEMS);
            if seed == 2 {
                client.data("mutation { createSearchIndex(dataset: \"items\") { name } }");
            }
            set_policy(
                &client,
                r#"dataset: "items", role: "some", filter: {n: {_gt: 15}}, masks: [{column: "name", mask: PARTIAL}]"#,
            );
            let some = key(&client, "scope: READ, role: \"some\"");
            let seen = |as_of: Option<i64>| {
                some.data_with(
                    "query($v: Int) { items(asOf: $v, orderBy: {id: ASC}, limit: 1000) { id name n } itemsAggregate(asOf: $v) { aggregate { count } } }",
                    &json!({ "v": as_of }),
                )
            };
            let mut recorded = vec![(version(&client), rows(&client, None), seen(None))];
            for step in 0..30 {
                match random.below(14) {
                    // Rows keep their numbers, and with them gaps, in a table without a log.
                    12 => {
                        let rows = format!("id,name,n,tag\n{},app,{step},c\n", 100 + step);
                        let done = client.upload_with("items", "mode=append&wait=60", rows);
                        assert_eq!(done.status, 200, "{}", done.text);
                    }
                    13 => {
                        let rows =
                            format!("id,name,n,tag\n2,ups{step},5,a\n{},x,7,b\n", 200 + step);
                        let done = client.upload_with("items", "mode=upsert&key=id&wait=60", rows);
                        assert_eq!(done.status, 200, "{}", done.text);
                    }
                    0 => {
                        client.load("items", ITEMS.replace("bob", &format!("bob{step}")));
                    }
                    1 => {
                        let back = random.below(recorded.len() as u64) as usize;
                        let (to, expected, _) = recorded[back].clone();
                        revert(&client, to);
                        assert_eq!(
                            rows(&client, None),
                            expected,
                            "{kind:?} {seed} {step}: revert to {to}"
                        );
                    }
                    _ => change(&client, &mut random),
                }
                let now = version(&client);
                if recorded.last().unwrap().0 != now {
                    recorded.push((now, rows(&client, None), seen(None)));
                }
            }
            for (version, expected, of_role) in &recorded {
                is_as_recorded(&client, *version, expected);
                assert_eq!(seen(Some(*version)), *of_role, "{kind:?} {seed}: version {version}");
            }
            is_replayed(&client, &recorded, &mut random);
            // The way back, and back again.
            let (last, now, _) = recorded.last().unwrap().clone();
            revert(&client, recorded[0].0);
            assert_eq!(rows(&client, None), recorded[0].1);
            assert_eq!(rows(&client, Some(last)), now);
            revert(&client, last);
            assert_eq!(rows(&client, None), now);
            let text =
                "{ itemsAggregate { aggregate { count } } dataset(name: \"items\") { rowCount } }";
            let n_rows = now.as_array().unwrap().len();
            assert_eq!(
                client.data(text),
                json!({"itemsAggregate": {"aggregate": {"count": n_rows}}, "dataset": {"rowCount": n_rows.to_string()}})
            );
        }
    }
}

/// What datasetDiff tells leads from one version to the other.
fn is_replayed(client: &Client, recorded: &[(i64, Value, Value)], random: &mut Random) {
    for _ in 0..12 {
        let from = &recorded[random.below(recorded.len() as u64) as usize];
        let to = &recorded[random.below(recorded.len() as u64) as usize];
        let diff = client.data_with(
            "query($a: Int!, $b: Int!) { datasetDiff(name: \"items\", from: $a, to: $b, limit: 1000) {
                insertedCount updatedCount deletedCount rows { kind key old new } } }",
            &json!({ "a": from.0, "b": to.0 }),
        )["datasetDiff"]
            .clone();
        let mut rows: std::collections::BTreeMap<i64, Value> = from
            .1
            .as_array()
            .unwrap()
            .iter()
            .map(|row| (row["id"].as_i64().unwrap(), row.clone()))
            .collect();
        let mut counts = [0, 0, 0];
        for row in diff["rows"].as_array().unwrap() {
            let id = row["key"].as_i64().unwrap();
            let old = rows.remove(&id).unwrap_or_default();
            assert_eq!(old, row["old"], "{} to {}: {row}", from.0, to.0);
            assert_ne!(row["old"], row["new"]);
            if !row["new"].is_null() {
                rows.insert(id, row["new"].clone());
            }
            let kinds = ["INSERTED", "UPDATED", "DELETED"];
            counts[kinds.iter().position(|kind| row["kind"] == *kind).unwrap()] += 1;
        }
        let expected: Vec<Value> = rows.into_values().collect();
        assert_eq!(json!(expected), to.1, "{} to {}", from.0, to.0);
        let told = ["insertedCount", "updatedCount", "deletedCount"].map(|name| &diff[name]);
        assert_eq!(json!(told), json!(counts.map(|n: i32| n.to_string())));
    }
}

#[test]
fn versions_tell_who_and_what() {
    both_stores(|server| {
        let client = server.client();
        client.load("items", ITEMS);
        let writer = key(&client, "scope: UPLOAD");
        let prefix = writer.data("{ me { keyPrefix } }")["me"]["keyPrefix"].clone();
        writer.data("mutation { updateItems(where: {id: {_lt: 3}}, _set: {n: 1}) { affectedRows } deleteItemsByPk(id: 5) { id } }");
        writer.upload_with("items", "mode=append&wait=60", "id,name,n,tag\n6,fay,60,c\n");
        writer.upload_with(
            "items",
            "mode=upsert&key=id&wait=60",
            "id,name,n,tag\n6,fay,61,c\n7,gil,70,c\n",
        );
        writer.data("mutation { truncateDataset(name: \"items\") { version } }");
        writer.data("mutation { revertDataset(name: \"items\", version: 4) { version } }");
        let told: Vec<Value> = versions(&client)
            .iter()
            .map(|it| {
                json!([
                    it["version"],
                    it["action"],
                    it["actor"],
                    it["insertedCount"],
                    it["updatedCount"],
                    it["deletedCount"],
                    it["rowCount"],
                    it["fileName"].is_string(),
                    it["jobId"].is_string(),
                    it["canRevert"],
                ])
            })
            .collect();
        assert_eq!(
            told,
            vec![
                json!([6, "REVERT", prefix, "6", "0", "0", "6", false, false, false]),
                json!([5, "TRUNCATE", prefix, "0", "0", "6", "0", false, false, true]),
                json!([4, "UPSERT", prefix, "1", "1", "0", "6", true, true, true]),
                json!([3, "APPEND", prefix, "1", "0", "0", "5", true, true, true]),
                json!([2, "WRITE", prefix, "0", "2", "1", "4", false, false, true]),
                json!([1, "CREATE", "env", "5", "0", "0", "5", true, true, true]),
            ]
        );
        let page =
            client.data("{ datasetVersions(name: \"items\", limit: 2, offset: 1) { version } }");
        assert_eq!(page["datasetVersions"], json!([{"version": 5}, {"version": 4}]));
        for (query, code) in [
            ("{ items(asOf: 7) { id } }", "NOT_FOUND"),
            ("{ items(asOf: 0) { id } }", "NOT_FOUND"),
            ("{ datasetDiff(name: \"items\", from: 1, to: 9) { insertedCount } }", "NOT_FOUND"),
            (
                "{ datasetDiff(name: \"items\", from: 1, to: 2, limit: 1001) { insertedCount } }",
                "BAD_USER_INPUT",
            ),
            ("{ datasetVersions(name: \"nothing\") { version } }", "NOT_FOUND"),
            ("mutation { revertDataset(name: \"items\", version: 99) { version } }", "NOT_FOUND"),
            (
                "mutation { revertDataset(name: \"items\", version: 1, ifVersion: 2) { version } }",
                "CONFLICT",
            ),
        ] {
            assert_eq!(client.error(query).0, code, "{query}");
        }
        assert!(client.error("{ items(asOf: 7) { id } }").1.contains("1 to 6"));
        // Whoever sees a part sees the past of that part only.
        set_policy(&client, r#"dataset: "items", role: "part", filter: {id: {_lt: 3}}"#);
        let part = key(&client, "scope: UPLOAD, role: \"part\"");
        assert_eq!(part.data("{ items(asOf: 1) { id } }")["items"], json!([{"id": 1}, {"id": 2}]));
        for query in [
            "{ datasetVersions(name: \"items\") { version } }",
            "{ datasetDiff(name: \"items\", from: 1, to: 2) { insertedCount } }",
            "mutation { revertDataset(name: \"items\", version: 1) { version } }",
        ] {
            assert_eq!(part.error(query).0, "FORBIDDEN", "{query}");
        }
        let reader = key(&client, "scope: READ");
        assert_eq!(
            reader.data("{ datasetVersions(name: \"items\", limit: 1) { version } }")["datasetVersions"]
                [0]["version"],
            6
        );
        assert!(
            !reader
                .graphql(
                    "mutation { revertDataset(name: \"items\", version: 1) { version } }",
                    &json!({})
                )
                .text
                .contains("\"data\":{\"revert")
        );
    });
}

#[test]
fn other_columns_come_back_whole() {
    both_stores(|server| {
        let client = server.client();
        client.load("items", ITEMS);
        client.data(
            "mutation { updateItemsByPk(pkColumns: {id: 1}, _set: {name: \"changed\"}) { id } }",
        );
        let before = rows(&client, None);
        client.data("mutation { deleteItemsByPk(id: 2) { id } }");
        client.upload_with(
            "items",
            "mode=replace&wait=60",
            "id,name,price\n1,ann,1.50\n9,zoe,2.25\n",
        );
        let prices = "{ items { id price } }";
        let after = client.data(prices);
        assert_eq!(after["items"][1], json!({"id": 9, "price": "2.25"}));
        let now = version(&client);
        let (code, message) = client.error("{ items(asOf: 2) { id } }");
        assert_eq!(code, "CONFLICT", "{message}");
        let diff = client.data(&format!(
            "{{ datasetDiff(name: \"items\", from: 2, to: {now}) {{ insertedCount updatedCount deletedCount rows {{ kind key old new }} }} }}"
        ));
        let diff = &diff["datasetDiff"];
        assert_eq!(diff["insertedCount"], "1", "{diff}");
        assert_eq!(diff["updatedCount"], "1", "{diff}");
        assert_eq!(diff["deletedCount"], "4", "{diff}");
        assert_eq!(diff["rows"][0]["old"]["name"], "changed");
        assert_eq!(diff["rows"][0]["new"]["price"], "1.50");
        // A version in the middle of the table's life, with its columns.
        revert(&client, 2);
        assert_eq!(rows(&client, None), before);
        assert_eq!(version(&client), now + 1);
        assert_eq!(client.error(prices).0, "BAD_USER_INPUT");
        client.data("mutation { insertItemsOne(object: {id: 77, n: 7}) { id } }");
        assert_eq!(rows(&client, Some(now + 1)), before);
        revert(&client, now);
        assert_eq!(client.data(prices), after);
        revert(&client, 3);
        let ids: Vec<Value> =
            rows(&client, None).as_array().unwrap().iter().map(|row| row["id"].clone()).collect();
        assert_eq!(ids, [1, 3, 4, 5].map(|id| json!(id)));
        // Numbers of rows are not given twice: what was inserted since is still there in between.
        revert(&client, now + 2);
        assert_eq!(rows(&client, None).as_array().unwrap().len(), 6);
    });
}

/// Tables that the store has now.
fn n_tables(server: &Server) -> i64 {
    match server.database_url() {
        Some(url) => count(
            &url,
            "SELECT count(*) FROM pg_tables WHERE schemaname = 'sluice_data' AND tablename LIKE 't\\_%'",
        ),
        None => {
            let files = files_below(server.data_dir());
            let is_table = |path: &&String| path.starts_with("datasets/") && path.ends_with(".db");
            files.iter().filter(is_table).count() as i64
        }
    }
}

#[test]
fn what_is_beyond_the_bounds_goes() {
    for kind in [StoreKind::Sqlite, StoreKind::Postgres] {
        let server = server(
            kind,
            &[
                ("SLUICE_HISTORY_VERSIONS", "3"),
                ("SLUICE_HISTORY_LOOK_EVERY", "200ms"),
                ("SLUICE_STATEMENT_TIMEOUT", "2s"),
            ],
        );
        let client = server.client();
        for n in 1..=5 {
            client.load("items", ITEMS.replace("ann", &format!("ann{n}")));
        }
        let limit = Duration::from_secs(60);
        eventually("three tables", limit, || (n_tables(&server) == 3).then_some(()));
        eventually("three versions", limit, || (versions(&client).len() == 3).then_some(()));
        assert_eq!(client.error("{ items(asOf: 2) { id } }").0, "NOT_FOUND");
        assert_eq!(rows(&client, Some(3))[0]["name"], "ann3");
        for n in 0..4 {
            client.data(&format!(
                "mutation {{ updateItemsByPk(pkColumns: {{id: 1}}, _set: {{n: {n}}}) {{ id }} }}"
            ));
        }
        eventually("one table", limit, || (n_tables(&server) == 1).then_some(()));
        assert_eq!(rows(&client, Some(8))[0]["n"], 2);
        assert_eq!(rows(&client, Some(7))[0]["n"], 1);
        assert_eq!(rows(&client, None)[0]["n"], 3);
        assert_eq!(client.error("{ items(asOf: 6) { id } }").0, "NOT_FOUND");
        client.load("items", ITEMS);
        client.data("mutation { dropDataset(dataset: \"items\") { id } }");
        eventually("no table", limit, || (n_tables(&server) == 0).then_some(()));
    }
}

#[test]
fn without_history_there_is_only_the_present() {
    for kind in [StoreKind::Sqlite, StoreKind::Postgres] {
        let server =
            server(kind, &[("SLUICE_HISTORY_VERSIONS", "0"), ("SLUICE_STATEMENT_TIMEOUT", "2s")]);
        let client = server.client();
        client.load("items", ITEMS);
        client.load("items", ITEMS.replace("ann", "new"));
        assert_eq!(client.error("{ items(asOf: 1) { id } }").0, "NOT_FOUND");
        assert_eq!(rows(&client, Some(2))[0]["name"], "new");
        assert_eq!(versions(&client).len(), 1);
        eventually("one table", Duration::from_secs(60), || (n_tables(&server) == 1).then_some(()));
    }
}

#[test]
fn a_restart_keeps_it_all() {
    for kind in [StoreKind::Sqlite, StoreKind::Postgres] {
        let folder = Folder::new();
        let database = (kind == StoreKind::Postgres).then(Database::new);
        let url = database.as_ref().map(Database::url);
        let start = || {
            let (data_dir, database_url) = (Some(folder.path().join("data")), url.clone());
            Server::start_with(Options { data_dir, database_url, ..Options::default() }, None)
        };
        let mut server = start();
        let client = server.client();
        client.load("items", ITEMS);
        let mut recorded = vec![rows(&client, None)];
        let mut random = Random(9);
        client.load("items", ITEMS.replace("ann", "new"));
        recorded.push(rows(&client, None));
        while recorded.len() < 12 {
            change(&client, &mut random);
            if version(&client) > recorded.len() as i64 {
                recorded.push(rows(&client, None));
            }
        }
        revert(&client, 1);
        recorded.push(rows(&client, None));
        let told = versions(&client);
        server.kill();
        server = start();
        let client = server.client();
        assert_eq!(versions(&client), told);
        for (n, expected) in recorded.iter().enumerate() {
            is_as_recorded(&client, n as i64 + 1, expected);
        }
        revert(&client, 7);
        assert_eq!(rows(&client, None), recorded[6]);
    }
}

/// Changes, loads and reverts until the server is gone; tells what each version was that was seen.
fn busy(client: &Client, seed: u64, told: &std::sync::Mutex<Vec<(i64, Value)>>) {
    let mut random = Random(seed);
    let query = "{ dataset(name: \"items\") { version } items(orderBy: {id: ASC}, limit: 1000) { id name n tag } }";
    loop {
        let versions = told.lock().unwrap().clone();
        let body = match random.below(4) {
            0 => {
                let rows = ITEMS.replace("bob", &format!("bob{}", random.below(1_000)));
                let headers = [("content-type", "text/csv")];
                let path = "/upload/items?wait=60";
                if client.try_request("PUT", path, &headers, rows).is_err() {
                    return;
                }
                json!({ "query": query })
            }
            1 if !versions.is_empty() => {
                let (to, _) = versions[random.below(versions.len() as u64) as usize];
                json!({ "query": format!("mutation {{ revertDataset(name: \"items\", version: {to}) {{ version }} }}") })
            }
            _ => {
                let (id, n) = (random.below(8), random.below(1_000));
                json!({ "query": format!(
                    "mutation {{ updateItems(where: {{id: {{_lt: {id}}}}}, _set: {{n: {n}}}) {{ affectedRows }} deleteItemsByPk(id: {id}) {{ id }} insertItemsOne(object: {{id: {id}, n: {n}}}) {{ id }} }}"
                ) })
            }
        };
        for body in [body, json!({ "query": query })] {
            let headers = [("content-type", "application/json")];
            let Ok(answer) = client.try_request("POST", "/graphql", &headers, body.to_string())
            else {
                return;
            };
            let json: Value = serde_json::from_str(&answer.text).unwrap_or_default();
            if let Some(version) = json["data"]["dataset"]["version"].as_i64() {
                let mut told = told.lock().unwrap();
                if told.last().is_none_or(|(last, _)| *last < version) {
                    told.push((version, json["data"]["items"].clone()));
                }
            }
        }
    }
}

#[test]
fn a_killed_server_keeps_what_was() {
    for kind in [StoreKind::Sqlite, StoreKind::Postgres] {
        let folder = Folder::new();
        let database = (kind == StoreKind::Postgres).then(Database::new);
        let url = database.as_ref().map(Database::url);
        let start = || {
            let (data_dir, database_url) = (Some(folder.path().join("data")), url.clone());
            let options = Options { data_dir, database_url, ..Options::default() };
            Server::start_with(options.variable("SLUICE_HISTORY_VERSIONS", "1000"), None)
        };
        let mut server = start();
        server.client().load("items", ITEMS);
        let told = std::sync::Mutex::new(Vec::new());
        for round in 1..=6_u64 {
            let client = server.client();
            std::thread::scope(|scope| {
                let told = &told;
                scope.spawn(move || busy(&client, round, told));
                pause(Duration::from_millis(200 + round * 97));
                server.kill();
            });
            server = start();
            let client = server.client();
            for (version, expected) in told.lock().unwrap().iter() {
                assert_eq!(rows(&client, Some(*version)), *expected, "{kind:?} {round}: {version}");
            }
            // A load that was at work goes on after the start: what is compared is of one version.
            let (now, all, n_rows) = eventually("loads to end", Duration::from_secs(60), || {
                let now = version(&client);
                let all = versions(&client);
                let n_rows = rows(&client, None).as_array().unwrap().len();
                (version(&client) == now).then_some((now, all, n_rows))
            });
            assert_eq!(all[0]["version"], now, "{kind:?} {round}");
            for (line, before) in all.iter().zip(all.iter().skip(1)) {
                let version = line["version"].as_i64().unwrap();
                assert_eq!(before["version"], version - 1, "{kind:?} {round}");
            }
            assert_eq!(all[0]["rowCount"], n_rows.to_string(), "{kind:?} {round}: {}", all[0]);
        }
        assert!(told.lock().unwrap().len() > 5);
    }
}
