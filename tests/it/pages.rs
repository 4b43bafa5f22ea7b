//! Connections: edges, nodes, page info, cursors that last, and cursors that are refused.

use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::postgres::Database;
use crate::harness::server::Options;
use crate::harness::{Client, Folder, Server, StoreKind, both_stores};

const FRUIT: &str = "name,price,kind\nfig,3.00,a\npear,1.50,b\nplum,,a\napple,1.50,\nkiwi,2.25,b\n";

fn names(connection: &Value) -> Vec<&str> {
    connection["nodes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["name"].as_str().unwrap())
        .collect()
}

fn cursor_of(client: &Client, name: &str, arguments: &str) -> String {
    let data = client.data(&format!(
        "{{ fruitConnection({arguments}) {{ edges {{ cursor node {{ name }} }} }} }}"
    ));
    let edges = data["fruitConnection"]["edges"].as_array().unwrap().clone();
    let edge = edges.iter().find(|edge| edge["node"]["name"] == name).expect("such a row");
    edge["cursor"].as_str().unwrap().to_owned()
}

#[test]
fn pages_go_both_ways() {
    both_stores(|server| {
        let client = server.client();
        client.load("fruit", FRUIT);
        let page = |arguments: &str| {
            let data = client.data(&format!(
                "{{ fruitConnection({arguments}) {{ totalCount nodes {{ name }} pageInfo {{ hasNextPage hasPreviousPage startCursor endCursor }} }} }}"
            ));
            data["fruitConnection"].clone()
        };
        let order = "orderBy: {price: ASC}";
        // pear, apple, kiwi, fig, plum
        let first = page(&format!("first: 2, {order}"));
        assert_eq!(names(&first), ["pear", "apple"]);
        assert_eq!(first["totalCount"], 5);
        let info = &first["pageInfo"];
        assert_eq!((&info["hasNextPage"], &info["hasPreviousPage"]), (&json!(true), &json!(false)));
        let after = info["endCursor"].as_str().unwrap();
        let second = page(&format!("first: 2, after: \"{after}\", {order}"));
        assert_eq!(names(&second), ["kiwi", "fig"]);
        let info = &second["pageInfo"];
        assert_eq!((&info["hasNextPage"], &info["hasPreviousPage"]), (&json!(true), &json!(true)));
        let after = info["endCursor"].as_str().unwrap();
        let third = page(&format!("after: \"{after}\", {order}"));
        assert_eq!(names(&third), ["plum"]);
        assert_eq!(third["pageInfo"]["hasNextPage"], false);
        assert_eq!(third["totalCount"], 5, "all rows, on whichever page");
        let before = third["pageInfo"]["startCursor"].as_str().unwrap();
        let back = page(&format!("last: 3, before: \"{before}\", {order}"));
        assert_eq!(names(&back), ["apple", "kiwi", "fig"]);
        let info = &back["pageInfo"];
        assert_eq!((&info["hasNextPage"], &info["hasPreviousPage"]), (&json!(true), &json!(true)));
        assert_eq!(names(&page(&format!("last: 9, before: \"{before}\", {order}"))).len(), 4);
        // Between two cursors, from either end.
        let from = cursor_of(&client, "pear", order);
        let between = format!("after: \"{from}\", before: \"{before}\", {order}");
        assert_eq!(names(&page(&format!("first: 2, {between}"))), ["apple", "kiwi"]);
        assert_eq!(names(&page(&format!("last: 2, {between}"))), ["kiwi", "fig"]);
        // None and all.
        let none = page("first: 0");
        assert_eq!(none["nodes"], json!([]));
        assert_eq!(
            none["pageInfo"],
            json!({"hasNextPage": true, "hasPreviousPage": false, "startCursor": null, "endCursor": null})
        );
        assert_eq!(names(&page("after: null")).len(), 5);
        assert_eq!(names(&page("first: null, after: null, last: 1")), ["kiwi"]);
        let empty = page("where: {name: {_eq: \"none\"}}");
        assert_eq!((&empty["totalCount"], &empty["nodes"]), (&json!(0), &json!([])));
        assert_eq!(empty["pageInfo"]["hasNextPage"], false);
        // The first of each kind, the cheapest first.
        let distinct = page(&format!("distinctOn: [KIND], {order}, first: 2"));
        assert_eq!(names(&distinct), ["pear", "apple"]);
        assert_eq!(distinct["totalCount"], 3);
        let after = distinct["pageInfo"]["endCursor"].as_str().unwrap();
        let rest = page(&format!("distinctOn: [KIND], {order}, after: \"{after}\""));
        assert_eq!(names(&rest), ["fig"]);
    });
}

#[test]
fn documents_may_be_written_in_any_way() {
    both_stores(|server| {
        let client = server.client();
        client.load("fruit", FRUIT);
        let document = "
            query Other { fruit { id } }
            query Page($n: Int = 2, $no: Boolean! = false, $yes: Boolean = true, $o: [FruitOrderBy!] = [{name: DESC}]) {
                __typename
                page: fruitConnection(first: $n, orderBy: $o) {
                    __typename
                    edges { ...Edge @include(if: $yes) cursor @skip(if: $yes) }
                    edges { node { price @include(if: $no) kind } }
                    again: edges { at: cursor }
                    ...Info
                    n: totalCount @skip(if: $no)
                    ... on FruitConnection { nodes { ... on Node { nodeId } __typename } }
                    nodes { id }
                }
                empty: fruitConnection(first: 1) { __typename }
            }
            fragment Edge on FruitEdge { kind: __typename node { ...Row } }
            fragment Row on Fruit { label: name }
            fragment Info on FruitConnection {
                pageInfo { more: hasNextPage __typename }
                pageInfo { less: hasPreviousPage }
                info: pageInfo { ...End }
            }
            fragment End on PageInfo { endCursor }";
        let body = json!({ "query": document, "operationName": "Page" }).to_string();
        let mut data = client.post_json("/graphql", &body).data();
        let again = data["page"]["again"].take();
        let end = data["page"]["info"].take();
        assert_eq!(again[1]["at"], end["endCursor"]);
        let nodes = data["page"]["nodes"].take();
        assert_eq!(nodes[0]["__typename"], "Fruit");
        assert_eq!(nodes[1]["id"], 2);
        assert_ne!(nodes[0]["nodeId"], nodes[1]["nodeId"]);
        assert_eq!(
            data,
            json!({
                "__typename": "Query",
                "page": {
                    "__typename": "FruitConnection",
                    "edges": [
                        {"kind": "FruitEdge", "node": {"label": "plum", "kind": "a"}},
                        {"kind": "FruitEdge", "node": {"label": "pear", "kind": "b"}},
                    ],
                    "again": null,
                    "pageInfo": {"more": true, "__typename": "PageInfo", "less": false},
                    "info": null,
                    "n": 5,
                    "nodes": null,
                },
                "empty": {"__typename": "FruitConnection"},
            })
        );
        // Keys stand in the order in which they were asked for.
        let text = client.post_json("/graphql", &body).text;
        let places: Vec<usize> =
            ["\"edges\"", "\"again\"", "\"pageInfo\"", "\"info\"", "\"n\"", "\"nodes\""]
                .map(|key| text.find(key).unwrap())
                .to_vec();
        assert!(places.is_sorted(), "{text}");
    });
}

#[test]
fn what_does_not_fit_is_refused_with_a_reason() {
    both_stores(|server| {
        let client = server.client();
        client.load("fruit", FRUIT);
        client.load("other", FRUIT);
        let refused = |field: &str, arguments: &str, reason: &str| {
            let (code, message) =
                client.error(&format!("{{ {field}({arguments}) {{ totalCount }} }}"));
            assert_eq!(code, "BAD_USER_INPUT", "{arguments}: {message}");
            assert!(message.contains(reason), "{arguments}: {message}");
        };
        let by_name = "orderBy: {name: ASC}";
        let cursor = cursor_of(&client, "kiwi", by_name);
        let page = |arguments: &str, reason: &str| refused("fruitConnection", arguments, reason);
        page("first: 1, last: 1", "first and last cannot be given together");
        page("first: -1", "first is -1; it cannot be negative");
        page("last: -1", "last is -1; it cannot be negative");
        page("first: 1001", "the limit is 1000");
        page("after: \"\"", "after is not a cursor of this server");
        page("before: \"x\"", "before is not a cursor of this server");
        page(&format!("after: \"{cursor}x\", {by_name}"), "is not a cursor of this server");
        // One character of the signature is another one.
        let mut tampered = cursor.clone();
        let place = tampered.len() - 8;
        let swapped = if tampered[place..].starts_with('A') { "B" } else { "A" };
        tampered.replace_range(place..=place, swapped);
        page(&format!("after: \"{tampered}\", {by_name}"), "is not a cursor of this server");
        page(&format!("after: \"{cursor}\""), "after was made for another orderBy");
        page(&format!("after: \"{cursor}\", orderBy: {{name: DESC}}"), "another orderBy");
        page(&format!("after: \"{cursor}\", distinctOn: [KIND], {by_name}"), "another orderBy");
        refused(
            "otherConnection",
            &format!("before: \"{cursor}\", {by_name}"),
            "before is a cursor of another dataset",
        );
        assert_eq!(
            client.data(&format!(
                "{{ fruitConnection(after: \"{cursor}\", {by_name}) {{ nodes {{ name }} }} }}"
            ))["fruitConnection"]["nodes"],
            json!([{"name": "pear"}, {"name": "plum"}])
        );
        // The same by variables, which a kept plan meets.
        let document = format!(
            "query($a: String) {{ fruitConnection(after: $a, {by_name}) {{ totalCount }} }}"
        );
        for (value, code) in [
            (json!(cursor), None),
            (json!(tampered), Some("BAD_USER_INPUT")),
            (json!("x"), Some("BAD_USER_INPUT")),
            (json!(null), None),
            (json!(cursor), None),
        ] {
            let answer = client.graphql(&document, &json!({ "a": value }));
            assert_eq!(answer.json()["errors"][0]["extensions"]["code"].as_str(), code, "{value}");
        }
        // The first size is free, the last one above the limit is not.
        assert_eq!(
            client.data("{ fruitConnection(first: 1000) { totalCount } }")["fruitConnection"]["totalCount"],
            5
        );
        // Another type of the column that rows were sorted by.
        let by_price = "orderBy: {price: ASC}";
        let cursor = cursor_of(&client, "kiwi", by_price);
        let changed = client.data("mutation { alterColumn(dataset: \"fruit\", column: \"price\", type: STRING, wait: 60) { job { status } } }");
        assert_eq!(changed["alterColumn"]["job"]["status"], "SUCCEEDED");
        page(
            &format!("after: \"{cursor}\", {by_price}"),
            "was made before a column of orderBy changed its type",
        );
        let renamed = client.data("mutation { alterColumn(dataset: \"fruit\", column: \"price\", name: \"cost\", wait: 60) { job { status } } }");
        assert!(renamed["alterColumn"].is_object());
        page(
            &format!("after: \"{cursor}\", orderBy: {{cost: ASC}}"),
            "a column of them was renamed since",
        );
    });
}

#[test]
fn cursors_survive_a_restart_and_end_at_their_server() {
    for kind in [StoreKind::Sqlite, StoreKind::Postgres] {
        let folder = Folder::new();
        let data_dir = folder.path().join("data");
        let database = (kind == StoreKind::Postgres).then(Database::new);
        let start = || {
            let database_url = database.as_ref().map(Database::url);
            let data_dir = Some(data_dir.clone());
            Server::start_with(Options { data_dir, database_url, ..Options::default() }, None)
        };
        let mut server = start();
        server.client().load("fruit", FRUIT);
        let cursor = cursor_of(&server.client(), "pear", "orderBy: {name: DESC}");
        let node =
            server.client().data("{ fruitByPk(id: 2) { nodeId } }")["fruitByPk"]["nodeId"].clone();
        let question = format!(
            "{{ fruitConnection(after: \"{cursor}\", orderBy: {{name: DESC}}) {{ nodes {{ name }} }} node(nodeId: {node}) {{ ... on Fruit {{ name }} }} }}"
        );
        let answer = server.client().data(&question);
        assert_eq!(names(&answer["fruitConnection"]), ["kiwi", "fig", "apple"]);
        assert_eq!(answer["node"]["name"], "pear");
        server.terminate();
        server.wait(Duration::from_secs(20));
        server = start();
        assert_eq!(server.client().data(&question), answer);
        let other = Server::start(kind);
        other.client().load("fruit", FRUIT);
        let (code, message) = other.client().error(&question);
        assert_eq!(code, "BAD_USER_INPUT");
        assert!(message.starts_with("after is not a cursor of this server"), "{message}");
        drop(server);
    }
}

/// A page at a time while rows are added: no row of the first version twice, none left out.
#[test]
fn cursors_go_on_in_new_versions() {
    both_stores(|server| {
        let client = server.client();
        let csv = |range: std::ops::Range<u32>| {
            let mut text = String::from("code,size\n");
            for n in range {
                let size = if n % 5 == 0 { String::new() } else { (n * 7 % 11).to_string() };
                text.push_str(&format!("c{n},{size}\n"));
            }
            text
        };
        client.load("parts", csv(0..40));
        for (order, step) in
            [("[]", 7), ("{size: DESC}", 6), ("[{size: ASC_NULLS_FIRST}, {code: DESC}]", 9)]
        {
            client.upload_with("parts", "mode=replace&wait=60", csv(0..40));
            let document = format!(
                "query($a: String) {{ partsConnection(first: {step}, after: $a, orderBy: {order}) {{ nodes {{ code }} pageInfo {{ hasNextPage endCursor }} }} }}"
            );
            let mut seen: Vec<String> = Vec::new();
            let mut after = Value::Null;
            let mut added = 40;
            loop {
                let data = client.data_with(&document, &json!({ "a": after }));
                let page = &data["partsConnection"];
                for row in page["nodes"].as_array().unwrap() {
                    seen.push(row["code"].as_str().unwrap().to_owned());
                }
                if page["pageInfo"]["hasNextPage"] == false {
                    break;
                }
                after = page["pageInfo"]["endCursor"].clone();
                if added < 55 {
                    let answer =
                        client.upload_with("parts", "mode=append&wait=60", csv(added..added + 5));
                    assert_eq!(answer.status, 200, "{}", answer.text);
                    added += 5;
                }
            }
            let mut unique = seen.clone();
            unique.sort();
            unique.dedup();
            assert_eq!(unique.len(), seen.len(), "{order}: no row twice");
            for n in 0..40 {
                assert!(seen.contains(&format!("c{n}")), "{order}: c{n} is missing");
            }
        }
    });
}

#[test]
fn related_rows_come_in_pages() {
    both_stores(|server| {
        let client = server.client();
        client.load("makers", "id,name\n1,Ada\n2,Bo\n3,Cy\n");
        client.load("parts", "id,makerId,size\n10,1,5\n11,2,7\n12,1,\n13,1,2\n14,,1\n15,2,7\n");
        client.data("mutation { addRelation(from: \"parts\", column: \"makerId\", to: \"makers\") { relations { name } } }");
        let page = |arguments: &str| {
            client.data(&format!(
                "{{ makers {{ name partsConnection({arguments}) {{ totalCount edges {{ cursor node {{ id maker {{ name }} }} }} pageInfo {{ hasNextPage }} }} }} }}"
            ))["makers"].clone()
        };
        let ids = |connection: &Value| -> Vec<i64> {
            let edges = connection["partsConnection"]["edges"].as_array().unwrap();
            edges.iter().map(|edge| edge["node"]["id"].as_i64().unwrap()).collect()
        };
        let makers = page("first: 2, orderBy: {size: ASC}");
        let found: Vec<Vec<i64>> = makers.as_array().unwrap().iter().map(ids).collect();
        assert_eq!(found, [vec![13, 10], vec![11, 15], vec![]]);
        assert_eq!(makers[0]["partsConnection"]["totalCount"], 3);
        assert_eq!(makers[0]["partsConnection"]["pageInfo"]["hasNextPage"], true);
        assert_eq!(makers[1]["partsConnection"]["pageInfo"]["hasNextPage"], false);
        assert_eq!(makers[2]["partsConnection"]["totalCount"], 0);
        assert_eq!(makers[0]["partsConnection"]["edges"][0]["node"]["maker"]["name"], "Ada");
        let after = makers[0]["partsConnection"]["edges"][1]["cursor"].as_str().unwrap();
        let makers = page(&format!("orderBy: {{size: ASC}}, after: \"{after}\""));
        let found: Vec<Vec<i64>> = makers.as_array().unwrap().iter().map(ids).collect();
        assert_eq!(found, [vec![12], vec![11, 15], vec![]]);
        // By the column that the relation's index leads to, range by range within each maker.
        let makers = page("first: 1, orderBy: {makerId: ASC}");
        let after = makers[0]["partsConnection"]["edges"][0]["cursor"].as_str().unwrap();
        let makers = page(&format!("orderBy: {{makerId: ASC}}, after: \"{after}\""));
        let found: Vec<Vec<i64>> = makers.as_array().unwrap().iter().map(ids).collect();
        assert_eq!(found, [vec![12, 13], vec![11, 15], vec![]]);
        assert!(client.get("/schema.graphql").text.contains("partsConnection("));
    });
}

#[test]
fn cells_of_a_page_count() {
    both_stores(|server| {
        let client = server.client();
        client.load("fruit", FRUIT);
        let cells = |n: usize| {
            let fields = (0..n).map(|n| format!("f{n}: name ")).collect::<String>();
            format!(
                "{{ fruitConnection(first: 1000) {{ nodes {{ {fields} }} }} second: fruitConnection(first: 1000) {{ nodes {{ name }} }} }}"
            )
        };
        assert!(client.graphql(&cells(99), &json!({})).json().get("errors").is_none());
        assert_eq!(client.error(&cells(100)).0, "QUERY_TOO_COMPLEX");
    });
}
