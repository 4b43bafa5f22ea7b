//! Indexes: made by hand, made by what queries need, kept by new versions, and explained.

use std::fmt::Write as _;
use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::server::Options;
use crate::harness::{Client, Server, StoreKind, both_stores, eventually};
use crate::keys::client_with_scope;

/// Rows with few statuses, many amounts and some missing ones.
fn rows(n_rows: usize) -> String {
    (1..=n_rows).fold("id,status,amount,note\n".to_owned(), |mut csv, n| {
        let amount = if n % 11 == 0 { String::new() } else { (n * 7_919 % 1_000).to_string() };
        writeln!(csv, "{n},s{},{amount},{}", n % 5, n % 3).unwrap();
        csv
    })
}

fn indexes(client: &Client, dataset: &str) -> Vec<Value> {
    let data = client.data(&format!(
        "{{ dataset(name: \"{dataset}\") {{ indexes {{ name columns descending method kind reason sizeBytes }} }} }}"
    ));
    data["dataset"]["indexes"].as_array().unwrap().clone()
}

/// How a query's first field would be run.
fn explain(client: &Client, query: &str) -> Value {
    let ask = "query($q: String!) { explain(query: $q) { cost fields { key datasets cost cheap index wish sql databasePlan } } }";
    client.data_with(ask, &json!({ "q": query }))["explain"]["fields"][0].clone()
}

fn plan(explained: &Value) -> String {
    let steps = explained["databasePlan"].as_array().unwrap();
    steps.iter().map(|step| format!("{}\n", step.as_str().unwrap())).collect()
}

#[test]
fn an_index_serves_filter_and_order_without_sorting() {
    both_stores(|server| {
        let client = server.client();
        client.load("orders", rows(20_000));
        let query = |order: &str| {
            format!(
                "{{ orders(where: {{status: {{_eq: \"s1\"}}}}, orderBy: {order}, limit: 25) {{ id amount }} }}"
            )
        };
        let (up, down) = (query("{amount: ASC}"), query("{amount: DESC}"));
        let before = [client.data(&up), client.data(&down)];
        assert_eq!(explain(&client, &up)["cheap"], false);
        client.data("mutation { createIndex(dataset: \"orders\", columns: [\"status\", \"amount\"]) { name } }");
        client.data("mutation { createIndex(dataset: \"orders\", columns: [\"status\", \"amount\"], descending: [\"amount\"]) { name } }");
        assert_eq!([client.data(&up), client.data(&down)], before);
        for (query, index) in [(&up, "i_c2_c3"), (&down, "i_c2_c3d")] {
            let explained = explain(&client, query);
            assert_eq!(explained["index"], index);
            assert_eq!(explained["cheap"], true, "{explained}");
            assert_eq!(explained["datasets"], json!(["orders"]));
            assert_eq!(explained["cost"], "50");
            let plan = plan(&explained);
            assert!(plan.contains(index), "{plan}");
            assert!(!plan.contains("TEMP B-TREE") && !plan.contains("Sort"), "{plan}");
        }
        // Other places of missing values have no index, and are right all the same.
        let first = client.data(&query("{amount: ASC_NULLS_FIRST}"));
        assert_eq!(first["orders"][0]["amount"], Value::Null);
        assert_eq!(explain(&client, &query("{amount: ASC_NULLS_FIRST}"))["cheap"], false);
        // Later versions have them, whatever the columns are called in the store.
        let moved = rows(20_000).replace("id,status,amount,note", "id,status,amount,note,more");
        let moved =
            moved.replace(",0\n", ",0,x\n").replace(",1\n", ",1,x\n").replace(",2\n", ",2,x\n");
        client.load("orders", moved);
        let names: Vec<String> = indexes(&client, "orders")
            .iter()
            .map(|it| it["name"].as_str().unwrap().to_owned())
            .collect();
        assert_eq!(names, ["key", "i_c2_c3", "i_c2_c3d"]);
        assert_eq!([client.data(&up), client.data(&down)], before);
        let plan = plan(&explain(&client, &down));
        assert!(plan.contains("i_c2_c3d"), "{plan}");
        let made = &indexes(&client, "orders")[2];
        assert_eq!(made["descending"], json!(["amount"]));
        assert_eq!(made["kind"], "MANUAL");
        assert_ne!(made["sizeBytes"], "0");
        client.data("mutation { dropIndex(dataset: \"orders\", name: \"i_c2_c3d\") { name } }");
        assert_eq!([client.data(&up), client.data(&down)], before);
        assert_eq!(indexes(&client, "orders").len(), 2);
    });
}

#[test]
fn what_queries_need_is_built_and_stays() {
    for kind in [StoreKind::Sqlite, StoreKind::Postgres] {
        let (options, database) = Options::of(kind);
        let options = options
            .variable("SLUICE_INDEX_MIN_ROWS", "1000")
            .variable("SLUICE_INDEX_MIN_USES", "3")
            .variable("SLUICE_INDEX_LOOK_EVERY", "20ms")
            .variable("SLUICE_RESPONSE_CACHE_SIZE", "0");
        let server = Server::start_with(options, database);
        let client = server.client();
        client.load("orders", rows(60_000));
        let query = "query($s: String!) { orders(where: {status: {_eq: $s}}, orderBy: {amount: DESC}, limit: 5) { id amount } }";
        let ask = |status: &str| client.data_with(query, &json!({ "s": status }));
        let before = ask("s2");
        let automatic = |client: &Client| {
            indexes(client, "orders").into_iter().find(|it| it["kind"] == "AUTOMATIC")
        };
        let index = eventually("the index", Duration::from_secs(60), || {
            ask("s1");
            automatic(&client)
        });
        assert_eq!(index["columns"], json!(["status", "amount"]));
        assert_eq!(index["descending"], json!(["amount"]));
        let reason = index["reason"].as_str().unwrap();
        assert!(
            reason.starts_with("filtered by status and sorted by amount descending, ")
                && reason.contains(" times since 20"),
            "{reason}"
        );
        assert_eq!(ask("s2"), before);
        // The next version has it from the beginning.
        client.load("orders", rows(60_001));
        assert_eq!(automatic(&client).map(|it| it["name"].clone()), Some(index["name"].clone()));
        // What somebody drops does not come back at once.
        let name = index["name"].as_str().unwrap();
        client.data(&format!(
            "mutation {{ dropIndex(dataset: \"orders\", name: \"{name}\") {{ name }} }}"
        ));
        for _ in 0..40 {
            ask("s3");
        }
        assert_eq!(ask("s2"), before);
        assert_eq!(automatic(&client), None);
    }
}

#[test]
fn nothing_is_built_where_it_is_switched_off() {
    let (options, database) = Options::of(StoreKind::Sqlite);
    let options = options
        .variable("SLUICE_INDEX_MIN_ROWS", "0")
        .variable("SLUICE_INDEX_MIN_USES", "1")
        .variable("SLUICE_INDEX_LOOK_EVERY", "20ms")
        .variable("SLUICE_INDEX_AUTOMATIC", "off")
        .variable("SLUICE_RESPONSE_CACHE_SIZE", "0");
    let server = Server::start_with(options, database);
    let client = server.client();
    client.load("orders", rows(60_000));
    for _ in 0..20 {
        client.data(
            "{ orders(where: {status: {_eq: \"s1\"}}, orderBy: {amount: DESC}, limit: 5) { id } }",
        );
    }
    // By the time this one is there, others would have been.
    client.data("{ orders(search: \"s1\", limit: 1) { id } }");
    eventually("the index of words", Duration::from_secs(30), || {
        indexes(&client, "orders").iter().any(|it| it["method"] == "SEARCH").then_some(())
    });
    assert_eq!(indexes(&client, "orders").len(), 2);
}

#[test]
fn an_index_that_nobody_uses_is_dropped() {
    for kind in [StoreKind::Sqlite, StoreKind::Postgres] {
        let (options, database) = Options::of(kind);
        let options = options
            .variable("SLUICE_INDEX_MIN_ROWS", "0")
            .variable("SLUICE_INDEX_LOOK_EVERY", "20ms")
            .variable("SLUICE_INDEX_UNUSED_AFTER", "1s");
        let server = Server::start_with(options, database);
        let client = server.client();
        client.load("orders", rows(100));
        client.data("mutation { createIndex(dataset: \"orders\", columns: [\"note\"]) { name } }");
        client.data("{ orders(search: \"s1\", limit: 1) { id } }");
        let n_indexes = |n: usize| {
            eventually("indexes", Duration::from_secs(30), || {
                (indexes(&client, "orders").len() == n).then_some(())
            });
        };
        n_indexes(3);
        n_indexes(2);
        assert_eq!(indexes(&client, "orders")[1]["kind"], "MANUAL");
        assert_eq!(
            client.data("{ ordersAggregate(search: \"s1\") { aggregate { count } } }")["ordersAggregate"]
                ["aggregate"]["count"],
            20
        );
    }
}

#[test]
fn wrong_indexes_are_refused() {
    both_stores(|server| {
        let client = server.client();
        client.load("orders", "id,customerId,data,text\n1,1,{},a\n2,1,{},b\n3,2,{},c\n");
        client.load("customers", "id,name\n1,Ada\n2,Blaise\n");
        client.data("mutation { addRelation(from: \"orders\", column: \"customerId\", to: \"customers\") { name } }");
        let check = |field: &str, code: &str| {
            let (found, message) = client.error(&format!("mutation {{ {field} {{ name }} }}"));
            assert_eq!(found, code, "{field}: {message}");
        };
        check("createIndex(dataset: \"orders\", columns: [])", "BAD_USER_INPUT");
        check("createIndex(dataset: \"orders\", columns: [\"nothing\"])", "BAD_USER_INPUT");
        check("createIndex(dataset: \"orders\", columns: [\"data\"])", "BAD_USER_INPUT");
        check(
            "createIndex(dataset: \"orders\", columns: [\"text\"], descending: [\"id\"])",
            "BAD_USER_INPUT",
        );
        check("createIndex(dataset: \"orders\", columns: [\"customerId\"])", "CONFLICT");
        check("createIndex(dataset: \"nothing\", columns: [\"id\"])", "NOT_FOUND");
        check("dropIndex(dataset: \"orders\", name: \"nothing\")", "NOT_FOUND");
        check("dropIndex(dataset: \"orders\", name: \"key\")", "CONFLICT");
        check("dropIndex(dataset: \"orders\", name: \"i_c2\")", "CONFLICT");
        client.data("mutation { dropRelation(from: \"orders\", name: \"customer\") { name } }");
        client.data("mutation { dropIndex(dataset: \"orders\", name: \"i_c2\") { name } }");
    });
}

#[test]
fn a_value_too_long_for_an_index_is_told() {
    let long: String = (0..900_u64).map(|n| format!("{:x}", n * 7_919_993)).collect();
    both_stores(|server| {
        let client = server.client();
        client.load("texts", "id,text\n1,a\n2,b\n");
        client.data("mutation { createIndex(dataset: \"texts\", columns: [\"text\"]) { name } }");
        // An index is no reason to refuse a load.
        client.load("texts", format!("id,text\n1,a\n2,{long}\n"));
        assert_eq!(
            client.data("{ texts(where: {text: {_eq: \"a\"}}) { id } }")["texts"],
            json!([{"id": 1}])
        );
        if server.database_url().is_some() {
            assert_eq!(indexes(&client, "texts").len(), 1);
            let (code, message) = client.error(
                "mutation { createIndex(dataset: \"texts\", columns: [\"text\"]) { name } }",
            );
            assert_eq!(code, "BAD_USER_INPUT", "{message}");
        }
    });
}

#[test]
fn explaining_runs_nothing_and_obeys_limits() {
    both_stores(|server| {
        let client = server.client();
        client.load("orders", rows(50));
        let data = client.data_with(
            "query($q: String!, $v: JSON) { explain(query: $q, variables: $v, operationName: \"B\") { cost maxCost fields { key datasets cost cheap cached index wish sql databasePlan } } }",
            &json!({
                "q": "query A { __typename } query B($s: String, $n: Int = 7) { t: __typename all: orders(where: {status: {_eq: $s}}, limit: $n) { id amount } one: ordersByPk(id: 3) { id } sum: ordersAggregate(orderBy: {amount: ASC}) { aggregate { count } } datasets { name } }",
                "v": {"s": "a'b"},
            }),
        );
        let explained = &data["explain"];
        assert_eq!(explained["maxCost"], "100000");
        let of = |key: &str| {
            let fields = explained["fields"].as_array().unwrap();
            fields.iter().find(|field| field["key"] == key).unwrap().clone()
        };
        assert_eq!(of("all")["cost"], "14");
        assert_eq!(of("all")["wish"], "filtered by status");
        assert_eq!((&of("one")["cheap"], &of("one")["cached"]), (&json!(true), &json!(false)));
        assert_eq!(of("datasets")["sql"], Value::Null);
        assert_eq!(of("t")["databasePlan"], json!([]));
        let sql = of("all")["sql"].as_str().unwrap().to_owned();
        assert!(sql.starts_with("SELECT") && !sql.contains("a'b"), "{sql}");
        for key in ["all", "one", "sum"] {
            assert_eq!(of(key)["datasets"], json!(["orders"]));
            assert!(!plan(&of(key)).is_empty());
        }
        let is_cached = |query: &str| {
            let ask = "query($q: String!) { explain(query: $q) { fields { cached } } }";
            let data = client.data_with(ask, &json!({ "q": query }));
            data["explain"]["fields"][0]["cached"].as_bool().unwrap()
        };
        let asked = "{ orders(limit: 3) { id } }";
        assert!(!is_cached(asked));
        client.data(asked);
        assert!(is_cached(asked));
        client.load("orders", rows(40));
        assert!(!is_cached(asked), "another version, another answer");
        let check = |query: &str, variables: Value, code: &str| {
            let ask = "query($q: String!, $v: JSON) { explain(query: $q, variables: $v) { cost } }";
            let answer = client.graphql(ask, &json!({ "q": query, "v": variables }));
            assert_eq!(answer.code(), code, "{query}: {}", answer.text);
        };
        check("{ orders(", json!(null), "BAD_USER_INPUT");
        check("{ orders { nothing } }", json!(null), "BAD_USER_INPUT");
        check("{ orders(where: {id: {_eq: \"x\"}}) { id } }", json!(null), "BAD_USER_INPUT");
        check("query($n: Int!) { orders(limit: $n) { id } }", json!({}), "BAD_USER_INPUT");
        check(
            "query($n: Int!) { orders(limit: $n) { id } }",
            json!({"n": 1_001}),
            "BAD_USER_INPUT",
        );
        check("query($n: Int) { orders(limit: $n) { id } }", json!([1]), "BAD_USER_INPUT");
        check(
            "mutation { dropDataset(dataset: \"orders\") { name } }",
            json!(null),
            "BAD_USER_INPUT",
        );
        check(
            &format!("{{ {} }}", "a: ordersByPk(id: 1) { id } ".repeat(101)),
            json!(null),
            "QUERY_TOO_COMPLEX",
        );
        check(
            &format!(
                "{{ orders(where: {}{{}}{}) {{ id }} }}",
                "{_not: ".repeat(70),
                "}".repeat(70)
            ),
            json!(null),
            "QUERY_TOO_DEEP",
        );
        // Nothing was dropped.
        assert_eq!(client.data("{ orders(limit: 1) { id } }")["orders"][0]["id"], 1);
        for scope in ["read", "upload"] {
            let other = client_with_scope(server, scope);
            let (code, _) = other.error("{ explain(query: \"{ orders { id } }\") { cost } }");
            assert_eq!(code, "FORBIDDEN", "{scope}");
        }
    });
}
