//! Reading: lists, filters of every type, order, pages, keys, aggregates, fragments, introspection.

use serde_json::{Value, json};

use crate::harness::fixtures::{ITEMS, ORDERS};
use crate::harness::{Client, Server, both_stores};

fn with_items(story: impl Fn(&Client)) {
    both_stores(|server: &Server| {
        let client = server.client();
        client.load("items", ITEMS);
        story(&client);
    });
}

/// The ids that a list answers.
#[track_caller]
fn ids(client: &Client, arguments: &str) -> Vec<i64> {
    let data = client.data(&format!("{{ items{arguments} {{ id }} }}"));
    data["items"].as_array().unwrap().iter().map(|row| row["id"].as_i64().unwrap()).collect()
}

#[test]
fn values_come_back_exactly() {
    with_items(|client| {
        let data = client
            .data("{ items { id name price inStock added seenAt made weight code big ref } }");
        insta::assert_json_snapshot!("items", data);
    });
}

#[test]
fn filters_choose_rows() {
    with_items(|client| {
        let check = |filter: &str, expect: &[i64]| {
            assert_eq!(ids(client, &format!("(where: {{{filter}}})")), expect, "{filter}");
        };
        check("", &[1, 2, 3, 4, 5, 6]);
        check("id: {_eq: 3}", &[3]);
        check("id: {_neq: 3}", &[1, 2, 4, 5, 6]);
        check("id: {_gt: 4}", &[5, 6]);
        check("id: {_gte: 4}", &[4, 5, 6]);
        check("id: {_lt: 2}", &[1]);
        check("id: {_lte: 2}", &[1, 2]);
        check("id: {_in: [6, 1, 99]}", &[1, 6]);
        check("id: {_in: []}", &[]);
        check("id: {_nin: [6, 1]}", &[2, 3, 4, 5]);
        check("id: {_gt: 1, _lt: 4}", &[2, 3]);
        check("price: {_eq: \"0.05\"}", &[2, 6]);
        check("price: {_gt: \"19.985\"}", &[1, 3]);
        check("price: {_lt: \"0\"}", &[5]);
        check("price: {_isNull: true}", &[4]);
        check("price: {_isNull: false}", &[1, 2, 3, 5, 6]);
        check("inStock: {_eq: true}", &[1, 2, 6]);
        check("inStock: {_isNull: true}", &[5]);
        check("added: {_eq: \"2024-01-06\"}", &[2, 6]);
        check("added: {_lt: \"2024-01-01\"}", &[5]);
        check("added: {_in: [\"2024-02-29\", \"2023-12-31\"]}", &[3, 5]);
        check("seenAt: {_eq: \"2024-01-05T21:30:00Z\"}", &[2]);
        check("seenAt: {_gte: \"2024-02-29T01:00:00+01:00\"}", &[3, 4]);
        check("made: {_gt: \"2023-12-02T08:00:00\"}", &[3, 5, 6]);
        check("weight: {_eq: 0.25}", &[2, 6]);
        check("weight: {_gt: 30}", &[1, 3]);
        check("code: {_eq: \"007\"}", &[1]);
        check("big: {_eq: \"9007199254740993\"}", &[1]);
        check("big: {_gt: \"9007199254740992\"}", &[1, 3]);
        check("big: {_lt: \"0\"}", &[2]);
        check("ref: {_eq: \"6ba7b812-9dad-11d1-80b4-00c04fd430c8\"}", &[3]);
        check("name: {_eq: \"bolt\"}", &[6]);
        check("name: {_in: [\"bolt\", \"Bolt\"]}", &[2, 6]);
        check("name: {_like: \"%olt\"}", &[2, 6]);
        check("name: {_like: \"B%\"}", &[2]);
        check("name: {_nlike: \"%o%\"}", &[1, 3]);
        check("name: {_ilike: \"b%\"}", &[2, 6]);
        check("name: {_nilike: \"b%\"}", &[1, 3, 4, 5]);
        check("name: {_startsWith: \"Cl\"}", &[3]);
        check("name: {_endsWith: \"50%\"}", &[4]);
        check("name: {_contains: \"%\"}", &[4]);
        check("name: {_contains: \"\\\"M6\\\"\"}", &[5]);
        check("name: {_contains: \"_\"}", &[]);
        check("name: {_contains: \"É\"}", &[5]);
        check("_or: [{id: {_eq: 1}}, {price: {_lt: \"0\"}}]", &[1, 5]);
        check("_and: [{id: {_gt: 1}}, {id: {_lt: 3}}]", &[2]);
        check("_not: {id: {_in: [1, 2, 3]}}", &[4, 5, 6]);
        check("_or: []", &[]);
        check("_and: []", &[1, 2, 3, 4, 5, 6]);
        check("_not: {inStock: {_eq: true}, id: {_gt: 1}}, price: {_lt: \"1000\"}", &[1, 3]);
    });
}

#[test]
fn order_and_pages_are_stable() {
    with_items(|client| {
        let check = |arguments: &str, expect: &[i64]| {
            assert_eq!(ids(client, &format!("({arguments})")), expect, "{arguments}");
        };
        check("orderBy: [{id: DESC}]", &[6, 5, 4, 3, 2, 1]);
        check("orderBy: {id: DESC}", &[6, 5, 4, 3, 2, 1]);
        check("orderBy: [{price: ASC_NULLS_LAST}]", &[5, 2, 6, 1, 3, 4]);
        check("orderBy: [{price: ASC_NULLS_FIRST}]", &[4, 5, 2, 6, 1, 3]);
        check("orderBy: [{price: DESC_NULLS_LAST}]", &[3, 1, 2, 6, 5, 4]);
        check("orderBy: [{price: DESC_NULLS_FIRST}]", &[4, 3, 1, 2, 6, 5]);
        check("orderBy: [{inStock: DESC_NULLS_LAST}, {id: DESC}]", &[6, 2, 1, 4, 3, 5]);
        check("orderBy: [{big: ASC_NULLS_LAST}]", &[2, 4, 5, 1, 3, 6]);
        check("limit: 2", &[1, 2]);
        check("limit: 2, offset: 4", &[5, 6]);
        check("offset: 5", &[6]);
        check("offset: 50", &[]);
        check("limit: 0", &[]);
        check(
            "distinctOn: [PRICE], orderBy: [{price: ASC_NULLS_LAST}, {id: DESC}]",
            &[5, 6, 1, 3, 4],
        );
        check(
            "distinctOn: [CODE], orderBy: [{code: ASC_NULLS_LAST}], where: {code: {_isNull: false}}",
            &[1, 2, 3, 4],
        );
    });
}

#[test]
fn a_row_is_found_by_its_key() {
    with_items(|client| {
        let data =
            client.data("{ itemsByPk(id: 3) { name price } missing: itemsByPk(id: 99) { id } }");
        assert_eq!(
            data,
            json!({ "itemsByPk": { "name": "Clamp, big", "price": "100.00" }, "missing": null })
        );
    });
}

#[test]
fn aggregates_are_exact() {
    with_items(|client| {
        let data = client.data(
            "{ itemsAggregate { aggregate {
                count
                n: count(columns: [PRICE])
                d: count(columns: [PRICE], distinct: true)
                sum { price id weight }
                avg { price id }
                min { price added name big }
                max { price added seenAt big }
            } } }",
        );
        insta::assert_json_snapshot!("aggregates", data);
        let some = client.data(
            "{ itemsAggregate(where: {id: {_lte: 2}}) { aggregate { count sum { price } } nodes { id } } }",
        );
        assert_eq!(
            some["itemsAggregate"],
            json!({ "aggregate": { "count": 2, "sum": { "price": "20.04" } }, "nodes": [{ "id": 1 }, { "id": 2 }] })
        );
        let none = client.data(
            "{ itemsAggregate(where: {id: {_lt: 0}}) { aggregate { count sum { price } max { id } } nodes { id } } }",
        );
        assert_eq!(
            none["itemsAggregate"],
            json!({ "aggregate": { "count": 0, "sum": { "price": null }, "max": { "id": null } }, "nodes": [] })
        );
    });
}

#[test]
fn documents_may_use_all_of_graphql() {
    with_items(|client| {
        let data = client.data_with(
            "query Q($ids: [Int!]!, $with: Boolean!, $n: Int = 1) {
                __typename
                first: items(where: {id: {_in: $ids}}, limit: $n) { __typename ...Parts price @include(if: $with) }
                all: items(where: {id: {_in: $ids}}) { id @skip(if: $with) label: name ... on Items { code } }
             }
             fragment Parts on Items { id ...More }
             fragment More on Items { name }",
            &json!({ "ids": [2, 1], "with": true }),
        );
        assert_eq!(
            data,
            json!({
                "__typename": "Query",
                "first": [{ "__typename": "Items", "id": 1, "name": "Anvil", "price": "19.99" }],
                "all": [{ "label": "Anvil", "code": "007" }, { "label": "Bolt", "code": "011" }],
            })
        );
        // The order of the answer's fields is the document's.
        let answer = client.graphql("{ items(limit: 1) { name id price } }", &json!({}));
        assert_eq!(answer.text, r#"{"data":{"items":[{"name":"Anvil","id":1,"price":"19.99"}]}}"#);
    });
}

#[test]
fn an_operation_is_chosen_by_name() {
    with_items(|client| {
        let body = |name: Value| {
            json!({
                "query": "query A { items(limit: 1) { id } } query B { itemsByPk(id: 2) { id } }",
                "operationName": name,
            })
            .to_string()
        };
        let answer = client.post_json("/graphql", &body(json!("B")));
        assert_eq!(answer.data(), json!({ "itemsByPk": { "id": 2 } }));
        let answer = client.post_json("/graphql", &body(json!("C")));
        assert!(answer.json()["errors"][0]["message"].is_string(), "{}", answer.text);
        let answer = client.post_json("/graphql", &body(Value::Null));
        assert!(answer.json()["errors"][0]["message"].is_string(), "{}", answer.text);
    });
}

#[test]
fn variables_fill_whole_arguments() {
    with_items(|client| {
        let query = "query Q($where: ItemsBoolExp, $orderBy: [ItemsOrderBy!], $limit: Int) {
            items(where: $where, orderBy: $orderBy, limit: $limit) { id } }";
        let ask = |variables: Value| client.data_with(query, &variables)["items"].clone();
        assert_eq!(
            ask(
                json!({ "where": { "price": { "_gt": "1" } }, "orderBy": [{ "price": "DESC" }], "limit": 1 })
            ),
            json!([{ "id": 3 }])
        );
        assert_eq!(
            ask(json!({ "where": { "_or": [{ "id": { "_eq": 1 } }, { "id": { "_eq": 6 } }] } })),
            json!([{ "id": 1 }, { "id": 6 }])
        );
        assert_eq!(ask(json!({ "limit": 2 })), json!([{ "id": 1 }, { "id": 2 }]));
        // The same document again, from the plan cache, with other values.
        assert_eq!(ask(json!({ "where": { "price": { "_lt": "0" } } })), json!([{ "id": 5 }]));
    });
}

#[test]
fn introspection_tells_what_there_is() {
    with_items(|client| {
        let data = client.data(
            "{ __schema { queryType { name } mutationType { name } }
               __type(name: \"Items\") { kind description fields { name description type { name kind ofType { name } } } } }",
        );
        assert_eq!(data["__schema"]["queryType"]["name"], "Query");
        let fields = data["__type"]["fields"].as_array().unwrap();
        let of = |name: &str| fields.iter().find(|field| field["name"] == name).unwrap();
        assert_eq!(
            of("id")["type"],
            json!({ "name": null, "kind": "NON_NULL", "ofType": { "name": "Int" } })
        );
        assert_eq!(of("price")["type"]["name"], "Decimal");
        assert_eq!(of("big")["type"]["name"], "BigInt");
        assert_eq!(of("seenAt")["type"]["name"], "DateTime");
        assert_eq!(of("made")["type"]["name"], "LocalDateTime");
        assert_eq!(of("added")["type"]["name"], "Date");
        assert_eq!(of("code")["type"]["name"], "String");
        assert_eq!(of("ref")["type"]["name"], "UUID");
        // The header as it was written.
        assert!(of("inStock")["description"].as_str().unwrap().contains("In Stock"));
    });
}

#[test]
fn the_catalog_is_queryable() {
    with_items(|client| {
        let data = client.data(
            "{ datasets { name label typeName listField version rowCount status key }
               dataset(name: \"items\") { columns { name label type graphqlType nullable unique generated } }
               missing: dataset(name: \"nope\") { name } }",
        );
        insta::assert_json_snapshot!("catalog", data);
        let jobs = client.data("{ jobs { id kind status phase progress { rowsDone } } }");
        assert_eq!(jobs["jobs"][0]["status"], "SUCCEEDED");
    });
}

#[test]
fn the_readme_sample_answers() {
    both_stores(|server| {
        let client = server.client();
        client.load("orders", ORDERS);
        let data = client.data(
            "{ orders(where: {status: {_eq: \"delivered\"}}, orderBy: [{total: DESC}], limit: 3) { id orderDate customer total }
               ordersAggregate { aggregate { count sum { total quantity } } } }",
        );
        insta::assert_json_snapshot!("readme_sample", data);
    });
}

#[test]
fn many_rows_come_in_pages_that_never_overlap() {
    both_stores(|server| {
        let client = server.client();
        let mut csv = String::from("id,bucket\n");
        for id in 1..=2_500 {
            csv.push_str(&format!("{id},{}\n", id % 7));
        }
        client.load("numbers", csv);
        let mut seen = Vec::new();
        for page in 0..26 {
            let data = client.data(&format!(
                "{{ numbers(orderBy: [{{bucket: ASC}}], limit: 100, offset: {}) {{ id }} }}",
                page * 100
            ));
            let rows = data["numbers"].as_array().unwrap();
            seen.extend(rows.iter().map(|row| row["id"].as_i64().unwrap()));
        }
        assert_eq!(seen.len(), 2_500);
        let expect = (0..7).flat_map(|b| (1..=2_500_i64).filter(move |id| id % 7 == b));
        assert!(seen.into_iter().eq(expect), "file order is the last sort key");
        // Without a limit a list answers the default page.
        let data = client.data("{ numbers { id } }");
        assert_eq!(data["numbers"].as_array().unwrap().len(), 50);
    });
}

#[test]
fn kept_answers_are_never_stale() {
    both_stores(|server: &Server| {
        let client = server.client();
        let query = "{ items(where: {id: {_gt: 0}}, orderBy: {id: ASC}) { id n } }";
        for version in 1..4 {
            let csv = format!("id,n\n1,{version}\n2,{}\n", version * 10);
            client.load("items", csv);
            let expected = json!({ "items": [
                { "id": 1, "n": version }, { "id": 2, "n": version * 10 },
            ] });
            // The first answer is made, the others are kept ones.
            for _ in 0..3 {
                assert_eq!(client.data(query), expected);
            }
        }
    });
}
