//! Searching by words: the same rows with an index and without one, on both stores.

use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::server::Options;
use crate::harness::{Client, Server, StoreKind, both_stores, eventually};

const PRODUCTS: &str = "\
id,name,note,price
1,Blue Jacket,\"warm, for winter\",10
2,blue jack,,20
3,JACKET blue-green,rain,30
4,Bluejacket,one word,40
5,Größe ÉCOLE,cafe\u{301} İstanbul,50
6,,O'Neil & co_op 1.5e3 NEAR OR AND NOT,60
7,日本語 テキスト,Σοφός,70
8,,,80
9,a blue thing that a jack could use,with many other words,90
";

/// The ids that a search finds, in the order in which they come.
#[track_caller]
fn found(client: &Client, text: &str) -> Vec<i64> {
    let query = "query($s: String) { products(search: $s) { id } }";
    let data = client.data_with(query, &json!({ "s": text }));
    data["products"].as_array().unwrap().iter().map(|row| row["id"].as_i64().unwrap()).collect()
}

#[track_caller]
fn check_all(client: &Client) {
    for (text, expect) in [
        // As typed first, then what begins like it; less text before more.
        ("blue jack", vec![2, 9, 3, 1]),
        ("blue jack ", vec![2, 9]),
        ("  JACK,blue", vec![2, 9]),
        ("jacket blue", vec![3, 1]),
        ("\"blue\"-\"jack\"", vec![2, 9]),
        ("bluejacket", vec![4]),
        ("winter jacket", vec![1]),
        ("ecole", vec![5]),
        ("école", vec![5]),
        ("CAFÉ", vec![5]),
        ("grosse", vec![]),
        ("größ", vec![5]),
        ("istan", vec![5]),
        ("o neil", vec![6]),
        ("o'neil", vec![6]),
        ("co_op", vec![6]),
        ("1.5", vec![6]),
        ("near or and not", vec![6]),
        ("NEAR(blue jack)", vec![]),
        ("name:blue", vec![]),
        ("blu*", vec![]),
        ("blue*jack", vec![2, 9, 3, 1]),
        ("^blue {jack} : - ( \" ' \\ & | ! <-> %", vec![2, 9]),
        ("日本語", vec![7]),
        ("テキ", vec![7]),
        ("σοφοσ", vec![7]),
        ("?!\u{1F600}", vec![]),
        ("\u{301}", vec![]),
        ("10", vec![]),
    ] {
        assert_eq!(found(client, text), expect, "{text}");
    }
    for blank in ["", " \t "] {
        assert_eq!(found(client, blank).len(), 9);
    }
}

#[test]
fn words_find_rows_with_and_without_an_index() {
    both_stores(|server| {
        let client = server.client();
        client.load("products", PRODUCTS);
        check_all(&client);
        client.data("mutation { createSearchIndex(dataset: \"products\") { name } }");
        check_all(&client);
        let indexes =
            client.data("{ dataset(name: \"products\") { indexes { name method kind columns } } }");
        assert_eq!(
            indexes["dataset"]["indexes"][1],
            json!({"name": "search", "method": "SEARCH", "kind": "MANUAL", "columns": ["name", "note"]})
        );
        // A new version has it, too; its words are the new ones.
        let next = PRODUCTS.replace("Bluejacket", "blue jack").replace("price", "price,more");
        let next = next.replace("0\n", "0,\n").replace("90,", "90,zebra");
        client.load("products", next);
        assert_eq!(found(&client, "zebra"), [9]);
        assert_eq!(found(&client, "blue jack "), [2, 4, 9]);
        let data = client.data("{ dataset(name: \"products\") { indexes { name columns } } }");
        assert_eq!(
            data["dataset"]["indexes"][1],
            json!({"name": "search", "columns": ["name", "note", "more"]})
        );
        let plan = client.data(
            "{ explain(query: \"{ products(search: \\\"zebra\\\") { id } }\") { fields { databasePlan } } }",
        );
        if server.database_url().is_none() {
            assert!(plan.to_string().contains("VIRTUAL TABLE"), "{plan}");
        }
        client.data("mutation { dropIndex(dataset: \"products\", name: \"search\") { name } }");
        assert_eq!(found(&client, "zebra"), [9]);
    });
}

#[test]
fn a_search_goes_with_all_other_arguments() {
    both_stores(|server| {
        let client = server.client();
        client.load("products", PRODUCTS);
        client.load(
            "sales",
            "id,productId,remark\n1,1,gift wrapped\n2,1,returned\n3,2,gift\n4,3,none\n",
        );
        client.data("mutation { addRelation(from: \"sales\", column: \"productId\", to: \"products\") { name } }");
        for is_indexed in [false, true] {
            if is_indexed {
                for name in ["products", "sales"] {
                    client.data(&format!(
                        "mutation {{ createSearchIndex(dataset: \"{name}\") {{ name }} }}"
                    ));
                }
            }
            let check = |query: &str, expect: Value| {
                assert_eq!(client.data(&format!("{{ {query} }}")), expect, "{query}");
            };
            check(
                "products(search: \"blue\", where: {price: {_gt: 10}}, orderBy: {price: DESC}, limit: 2) { id }",
                json!({"products": [{"id": 9}, {"id": 4}]}),
            );
            check(
                "products(search: \"blue\", limit: 1, offset: 1) { id }",
                json!({"products": [{"id": 3}]}),
            );
            check(
                "productsAggregate(search: \"blue j\") { aggregate { count sum { price } } nodes { id } }",
                json!({"productsAggregate": {"aggregate": {"count": 4, "sum": {"price": "150"}}, "nodes": [{"id": 2}, {"id": 3}, {"id": 1}, {"id": 9}]}}),
            );
            check(
                "productsAggregate(search: \"blue j\", limit: 2) { aggregate { count sum { price } } }",
                json!({"productsAggregate": {"aggregate": {"count": 2, "sum": {"price": "50"}}}}),
            );
            check(
                "products(search: \"blue\", distinctOn: [NOTE]) { id }",
                json!({"products": [{"id": 2}, {"id": 3}, {"id": 1}, {"id": 9}, {"id": 4}]}),
            );
            check(
                "productsConnection(search: \"blue j\", first: 2) { totalCount nodes { id } }",
                json!({"productsConnection": {"totalCount": 4, "nodes": [{"id": 1}, {"id": 2}]}}),
            );
            check(
                "productsConnection(search: \"blue\", orderBy: {price: DESC}, last: 1) { nodes { id } }",
                json!({"productsConnection": {"nodes": [{"id": 1}]}}),
            );
            check(
                "products(search: \"blue j\") { id sales(search: \"gif\") { id product { name } } salesAggregate(search: \"gift\") { aggregate { count } } }",
                json!({"products": [
                    {"id": 2, "sales": [{"id": 3, "product": {"name": "blue jack"}}], "salesAggregate": {"aggregate": {"count": 1}}},
                    {"id": 3, "sales": [], "salesAggregate": {"aggregate": {"count": 0}}},
                    {"id": 1, "sales": [{"id": 1, "product": {"name": "Blue Jacket"}}], "salesAggregate": {"aggregate": {"count": 1}}},
                    {"id": 9, "sales": [], "salesAggregate": {"aggregate": {"count": 0}}},
                ]}),
            );
        }
    });
}

#[test]
fn wrong_searches_are_refused() {
    both_stores(|server| {
        let client = server.client();
        client.load("products", PRODUCTS);
        client.load("numbers", "id,n\n1,2\n");
        let ask = |text: &str| {
            let query = "query($s: String) { products(search: $s) { id } }";
            client.graphql(query, &json!({ "s": text }))
        };
        for (text, is_allowed) in [
            ("x".repeat(1_000), true),
            ("x".repeat(1_001), false),
            ("a ".repeat(32), true),
            ("a ".repeat(33), false),
            ("a\0b".to_owned(), false),
        ] {
            let answer = ask(&text);
            if is_allowed {
                answer.data();
            } else {
                assert_eq!(answer.code(), "BAD_USER_INPUT", "{}", answer.text);
            }
        }
        // Absent and null are no search.
        let query = "query($s: String) { products(search: $s, limit: 2) { id } }";
        for variables in [json!({}), json!({"s": null})] {
            assert_eq!(
                client.data_with(query, &variables)["products"].as_array().unwrap().len(),
                2
            );
        }
        assert_eq!(client.error("{ products(search: 5) { id } }").0, "BAD_USER_INPUT");
        assert_eq!(client.error("{ numbers(search: \"2\") { id } }").0, "BAD_USER_INPUT");
        let create = |name: &str| {
            client
                .error(&format!("mutation {{ createSearchIndex(dataset: \"{name}\") {{ name }} }}"))
                .0
        };
        assert_eq!(create("numbers"), "BAD_USER_INPUT");
        assert_eq!(create("nothing"), "NOT_FOUND");
        client.data("mutation { createSearchIndex(dataset: \"products\") { name } }");
        assert_eq!(create("products"), "CONFLICT");
    });
}

#[test]
fn a_searched_dataset_gets_its_index() {
    let rows: String = (1..=500).map(|n| format!("{n},thing number {n},{}\n", n % 7)).collect();
    for kind in [StoreKind::Sqlite, StoreKind::Postgres] {
        let (options, database) = Options::of(kind);
        let options = options
            .variable("SLUICE_INDEX_MIN_ROWS", "100")
            .variable("SLUICE_INDEX_LOOK_EVERY", "20ms");
        let server = Server::start_with(options, database);
        let client = server.client();
        client.load("products", format!("id,name,n\n{rows}"));
        let before = found(&client, "thing 77");
        assert_eq!(before, [77]);
        let index = eventually("the index of words", Duration::from_secs(30), || {
            let data = client.data(
                "{ dataset(name: \"products\") { indexes { name kind method reason sizeBytes } } }",
            );
            data["dataset"]["indexes"]
                .as_array()?
                .iter()
                .find(|it| it["method"] == "SEARCH")
                .cloned()
        });
        assert_eq!(index["kind"], "AUTOMATIC");
        let reason = index["reason"].as_str().unwrap();
        assert!(reason.starts_with("searched by words, once since 20"), "{reason}");
        assert_ne!(index["sizeBytes"], "0");
        assert_eq!(found(&client, "thing 77"), before);
    }
}
