//! Relations: declared, nested both ways, filtered and sorted by, kept by new versions.

use serde_json::{Value, json};

use crate::harness::{Client, both_stores};

const CUSTOMERS: &str =
    "id,name,country,recommendedBy\n1,Ada,GB,\n2,Blaise,FR,1\n3,Carl,DE,1\n4,Dora,FR,2\n";
const ORDERS: &str = "id,customerId,status,total\n10,1,open,5.00\n11,2,paid,7.50\n12,2,open,2.25\n13,,open,1.00\n14,9,paid,3.00\n15,1,paid,5.00\n";

/// Customers and their orders, related.
fn load(client: &Client) {
    client.load("customers", CUSTOMERS);
    client.load("orders", ORDERS);
    relate(client, "from: \"orders\", column: \"customerId\", to: \"customers\"");
    let arguments = "from: \"customers\", column: \"recommendedBy\", to: \"customers\", name: \"recommender\", inverseName: \"recommended\"";
    relate(client, arguments);
}

fn relate(client: &Client, arguments: &str) -> Value {
    client.data(&format!(
        "mutation {{ addRelation({arguments}) {{ relations {{ name inverseName from column to toColumn active }} }} }}"
    ))
}

#[test]
fn rows_nest_both_ways() {
    both_stores(|server| {
        let client = server.client();
        load(&client);
        assert_eq!(
            client.data("{ orders { id customer { name recommender { name } } } }")["orders"],
            json!([
                {"id": 10, "customer": {"name": "Ada", "recommender": null}},
                {"id": 11, "customer": {"name": "Blaise", "recommender": {"name": "Ada"}}},
                {"id": 12, "customer": {"name": "Blaise", "recommender": {"name": "Ada"}}},
                {"id": 13, "customer": null},
                {"id": 14, "customer": null},
                {"id": 15, "customer": {"name": "Ada", "recommender": null}},
            ])
        );
        assert_eq!(
            client.data(
                "{ customers { name orders(orderBy: {total: ASC}, limit: 1) { total c: customer { id } __typename } recommended { name } } }"
            )["customers"],
            json!([
                {"name": "Ada", "orders": [{"total": "5.00", "c": {"id": 1}, "__typename": "Orders"}], "recommended": [{"name": "Blaise"}, {"name": "Carl"}]},
                {"name": "Blaise", "orders": [{"total": "2.25", "c": {"id": 2}, "__typename": "Orders"}], "recommended": [{"name": "Dora"}]},
                {"name": "Carl", "orders": [], "recommended": []},
                {"name": "Dora", "orders": [], "recommended": []},
            ])
        );
        assert_eq!(
            client.data(
                "{ customersByPk(id: 2) { ordersAggregate { aggregate { count sum { total } avg { total } max { total } } nodes { id } } one: ordersAggregate(limit: 1) { aggregate { count } } none: ordersAggregate(where: {id: {_eq: 0}}) { aggregate { count sum { total } } nodes { id } } } }"
            )["customersByPk"],
            json!({
                "ordersAggregate": {
                    "aggregate": {"count": 2, "sum": {"total": "9.75"}, "avg": {"total": "4.875000"}, "max": {"total": "7.50"}},
                    "nodes": [{"id": 11}, {"id": 12}],
                },
                "one": {"aggregate": {"count": 1}},
                "none": {"aggregate": {"count": 0, "sum": {"total": null}}, "nodes": []},
            })
        );
    });
}

#[test]
fn filters_and_orders_go_through() {
    both_stores(|server| {
        let client = server.client();
        load(&client);
        let ids = |field: &str, arguments: &str| -> Vec<i64> {
            let data = client.data(&format!("{{ {field}({arguments}) {{ id }} }}"));
            data[field].as_array().unwrap().iter().map(|row| row["id"].as_i64().unwrap()).collect()
        };
        let check = |field: &str, arguments: &str, expect: &[i64]| {
            assert_eq!(ids(field, arguments), expect, "{field}({arguments})");
        };
        check("orders", "where: {customer: {country: {_eq: \"FR\"}}}", &[11, 12]);
        check("orders", "where: {customer: {}}", &[10, 11, 12, 15]);
        check("orders", "where: {_not: {customer: {country: {_eq: \"FR\"}}}}", &[10, 13, 14, 15]);
        check("orders", "where: {customer: {recommender: {name: {_eq: \"Ada\"}}}}", &[11, 12]);
        check("customers", "where: {orders: {status: {_eq: \"paid\"}}}", &[1, 2]);
        check("customers", "where: {_not: {orders: {}}}", &[3, 4]);
        check("customers", "where: {recommended: {orders: {total: {_gt: \"7\"}}}}", &[1]);
        check("customers", "where: {ordersAggregate: {count: {predicate: {_gte: 1}}}}", &[1, 2]);
        check("customers", "where: {ordersAggregate: {count: {predicate: {_eq: 0}}}}", &[3, 4]);
        check(
            "customers",
            "where: {ordersAggregate: {count: {arguments: [TOTAL], distinct: true, predicate: {_eq: 1}}}}",
            &[1],
        );
        check(
            "customers",
            "where: {ordersAggregate: {count: {filter: {status: {_eq: \"paid\"}}, predicate: {_eq: 1}}}}",
            &[1, 2],
        );
        check("orders", "orderBy: {customer: {country: ASC}}", &[11, 12, 10, 15, 13, 14]);
        check(
            "orders",
            "orderBy: [{customer: {name: DESC_NULLS_LAST}}, {total: ASC}]",
            &[12, 11, 10, 15, 13, 14],
        );
        check(
            "customers",
            "orderBy: [{ordersAggregate: {count: DESC}}, {name: DESC}]",
            &[2, 1, 4, 3],
        );
        check(
            "customers",
            "orderBy: {ordersAggregate: {max: {total: ASC_NULLS_FIRST}}}",
            &[3, 4, 1, 2],
        );
        check("orders", "distinctOn: [STATUS], orderBy: {customer: {name: ASC}}", &[10, 15]);
        // A filter that comes whole in a variable, with a plan that is used again.
        for (country, expect) in [("FR", vec![11, 12]), ("GB", vec![10, 15]), ("XX", vec![])] {
            let data = client.data_with(
                "query($w: OrdersBoolExp) { orders(where: $w) { id } }",
                &json!({"w": {"customer": {"country": {"_eq": country}}}}),
            );
            let found: Vec<i64> = data["orders"]
                .as_array()
                .unwrap()
                .iter()
                .map(|row| row["id"].as_i64().unwrap())
                .collect();
            assert_eq!(found, expect);
        }
    });
}

#[test]
fn new_versions_keep_relations_and_are_seen_through_them() {
    both_stores(|server| {
        let client = server.client();
        load(&client);
        let query = "{ orders(where: {id: {_eq: 11}}) { customer { name } } }";
        assert_eq!(client.data(query)["orders"][0]["customer"]["name"], "Blaise");
        let answer = client.upload_with(
            "customers",
            "mode=replace&wait=30",
            CUSTOMERS.replace("Blaise", "Blaise P."),
        );
        assert_eq!(answer.status, 200, "{}", answer.text);
        assert_eq!(client.data(query)["orders"][0]["customer"]["name"], "Blaise P.");
        // A new column cannot take the relation's name.
        let more = ORDERS
            .replace("status", "status,customer")
            .replace(",open,", ",open,x,")
            .replace(",paid,", ",paid,y,");
        let answer = client.upload_with("orders", "mode=replace&wait=30&onDrift=REPLACE", more);
        assert_eq!(answer.status, 200, "{}", answer.text);
        let data = client.data("{ orders(limit: 1) { customer { name } customer2 } }");
        assert_eq!(data["orders"], json!([{"customer": {"name": "Ada"}, "customer2": "x"}]));
        let indexes = client.data("{ dataset(name: \"orders\") { indexes { columns kind } } }");
        assert!(
            indexes.to_string().contains(r#"{"columns":["customerId"],"kind":"RELATION"}"#),
            "{indexes}"
        );
        // A dataset that goes takes the fields along; the other stays.
        client.data("mutation { dropDataset(dataset: \"customers\") { name } }");
        let (code, _) = client.error("{ orders { customer { name } } }");
        assert_eq!(code, "BAD_USER_INPUT");
        assert_eq!(
            client.data("{ dataset(name: \"orders\") { relations { name to active } } }")["dataset"]
                ["relations"],
            json!([{"name": "customer", "to": null, "active": false}])
        );
    });
}

#[test]
fn what_a_new_version_takes_from_relations_is_named() {
    both_stores(|server| {
        let client = server.client();
        load(&client);
        let upload = |name: &str, bytes: String| {
            let answer = client.upload_with(name, "mode=replace&wait=30&onDrift=REPLACE", bytes);
            assert_eq!(answer.status, 200, "{}", answer.text);
            answer.json()["drift"].to_string()
        };
        let active = |name: &str| {
            let data = client
                .data(&format!("{{ dataset(name: \"{name}\") {{ relations {{ active }} }} }}"));
            data["dataset"]["relations"].to_string()
        };
        // Ids that repeat are no key any more: the id is the row number then, and means another row.
        upload("customers", CUSTOMERS.replace("2,Blaise", "1,Blaise"));
        assert_eq!(active("orders"), r#"[{"active":false}]"#);
        assert_eq!(client.error("{ orders { customer { name } } }").0, "BAD_USER_INPUT");
        upload("customers", CUSTOMERS.to_owned());
        assert_eq!(active("orders"), r#"[{"active":true}]"#);
        assert_eq!(
            client.data("{ orders(limit: 1) { customer { name } } }")["orders"][0]["customer"]["name"],
            "Ada"
        );
        let drift = upload("orders", ORDERS.replace("customerId", "zip").replace("10,1,", "10,x,"));
        assert!(
            drift.contains("With it go the relation's fields orders.customer, customers.orders, customers.ordersAggregate."),
            "{drift}"
        );
        assert_eq!(active("orders"), r#"[{"active":false}]"#);
        // It comes back with its column, and with its index.
        upload("orders", ORDERS.to_owned());
        assert_eq!(active("orders"), r#"[{"active":true}]"#);
        let data = client.data("{ dataset(name: \"orders\") { indexes { columns kind } } }");
        assert!(
            data.to_string().contains(r#"{"columns":["customerId"],"kind":"RELATION"}"#),
            "{data}"
        );
    });
}

#[test]
fn nested_lists_are_looked_up_and_never_scanned() {
    both_stores(|server| {
        let client = server.client();
        let customers: String = (1..=2_000).map(|n| format!("{n},c{n}\n")).collect();
        let orders: String =
            (1..=20_000).map(|n| format!("{n},{},{}\n", n * 7 % 2_000 + 1, n % 100)).collect();
        client.load("customers", format!("id,name\n{customers}"));
        client.load("orders", format!("id,customerId,total\n{orders}"));
        relate(&client, "from: \"orders\", column: \"customerId\", to: \"customers\"");
        let query = "{ customers(limit: 50) { id a: orders(limit: 10, orderBy: {total: DESC}, where: {total: {_gt: 3}}) { id customer { name orders(limit: 2) { id } } } b: orders(offset: 2, distinctOn: [TOTAL]) { id } ordersAggregate { aggregate { count sum { total } } } } }";
        let data = client.data(query);
        assert_eq!(data["customers"].as_array().unwrap().len(), 50);
        assert_eq!(data["customers"][0]["ordersAggregate"]["aggregate"]["count"], 10);
        let ask = "query($q: String!) { explain(query: $q) { fields { databasePlan } } }";
        let plan = client.data_with(ask, &json!({ "q": query }))["explain"]["fields"].to_string();
        // All but the list of customers, which is in file order and limited.
        for number in 1..9 {
            let scan = format!("SCAN r{number}\"");
            let made = format!("CO-ROUTINE r{number}\"");
            assert!(!plan.contains(&scan) || plan.contains(&made), "{plan}");
        }
        assert!(!plan.contains("Seq Scan"), "{plan}");
        assert!(plan.contains("i_c2"), "{plan}");
        // The next version has what the relation needs from its first query on.
        client.load("orders", format!("id,customerId,total\n{orders}20001,1,5\n"));
        let plan = client.data_with(ask, &json!({ "q": query }))["explain"]["fields"].to_string();
        assert!(plan.contains("i_c2"), "{plan}");
    });
}

#[test]
fn wrong_relations_are_refused() {
    both_stores(|server| {
        let client = server.client();
        load(&client);
        let check = |arguments: &str, expect: &str, word: &str| {
            let (code, message) =
                client.error(&format!("mutation {{ addRelation({arguments}) {{ name }} }}"));
            assert_eq!(code, expect, "{message}");
            assert!(message.contains(word), "{message}");
        };
        let base = "from: \"orders\", column: \"customerId\", to: \"customers\"";
        check(base, "CONFLICT", "already");
        check(
            "from: \"orders\", column: \"nothing\", to: \"customers\"",
            "BAD_USER_INPUT",
            "nothing",
        );
        check("from: \"nothing\", column: \"id\", to: \"customers\"", "NOT_FOUND", "nothing");
        check(
            "from: \"orders\", column: \"status\", to: \"customers\"",
            "BAD_USER_INPUT",
            "alterColumn",
        );
        check(
            "from: \"customers\", column: \"id\", to: \"orders\", toColumn: \"customerId\"",
            "CONFLICT",
            "repeats",
        );
        for name in ["total", "orders-x", "9a", "__x", "id", "Customer"] {
            let arguments =
                format!("from: \"orders\", column: \"id\", to: \"customers\", name: \"{name}\"");
            let (code, _) =
                client.error(&format!("mutation {{ addRelation({arguments}) {{ name }} }}"));
            assert!(matches!(code.as_str(), "CONFLICT" | "BAD_USER_INPUT"), "{name}");
        }
        let (code, message) = client.error(
            "mutation { alterColumn(dataset: \"orders\", column: \"customerId\", name: \"buyer\") { job { id } } }",
        );
        assert_eq!(code, "CONFLICT", "{message}");
        client.data("mutation { dropRelation(from: \"orders\", name: \"customer\") { name } }");
        let (code, _) = client.error("{ orders { customer { id } } }");
        assert_eq!(code, "BAD_USER_INPUT");
        let (code, _) = client
            .error("mutation { dropRelation(from: \"orders\", name: \"customer\") { name } }");
        assert_eq!(code, "NOT_FOUND");
    });
}

#[test]
fn relations_are_suggested_by_their_values() {
    both_stores(|server| {
        let client = server.client();
        client.load("customers", "id,code,name\n1,A-1,Ada\n2,B-2,Blaise\n3,C-3,Carl\n4,D-4,Dora\n");
        client.load(
            "orders",
            "id,customerId,ref,quantity\n10,1,A-1,1\n11,2,B-2,2\n12,2,C-3,3\n13,4,A-1,4\n",
        );
        let found = client.data("{ relationSuggestions { name inverseName from column to toColumn coverage orphans evidence } }");
        insta::assert_json_snapshot!("suggestions", found["relationSuggestions"]);
        let of_customers =
            client.data("{ relationSuggestions(dataset: \"customers\") { column } }");
        assert_eq!(of_customers["relationSuggestions"].as_array().unwrap().len(), 2);
    });
}

#[test]
fn many_datasets_in_one_field_are_refused() {
    both_stores(|server| {
        let client = server.client();
        // Three hubs, each of which refers to ten others and to the next hub.
        let labels: Vec<String> = (0..11).map(|number| format!("k{number}")).collect();
        for hub in (0..3).rev() {
            let rows = format!("{}\n{}\n", labels.join(","), ["1"; 11].join(","));
            client.load(&format!("hub{hub}"), rows);
            for number in 0..10 {
                let other = format!("d{hub}x{number}");
                client.load(&other, "id\n1\n2\n");
                let wanted = format!(
                    "from: \"hub{hub}\", column: \"k{number}\", to: \"{other}\", name: \"n{number}\""
                );
                relate(&client, &wanted);
            }
            if hub < 2 {
                let next = hub + 1;
                let wanted = format!(
                    "from: \"hub{hub}\", column: \"k10\", to: \"hub{next}\", name: \"next\""
                );
                relate(&client, &wanted);
            }
        }
        let others = |n: usize| -> String { (0..n).map(|n| format!("n{n} {{ id }} ")).collect() };
        let linked = |n: usize| {
            format!(
                "{{ hub0(limit: 1) {{ {ten} next {{ {ten} next {{ {} }} }} }} }}",
                others(n),
                ten = others(10)
            )
        };
        let data = client.data(&linked(7));
        assert_eq!(data.to_string().matches(r#"{"id":1}"#).count(), 27, "{data}");
        let (code, message) = client.error(&linked(8));
        assert_eq!(code, "QUERY_TOO_COMPLEX", "{message}");
    });
}
