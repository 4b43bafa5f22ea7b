//! Groups: keys, periods, bins, conditions on groups, their order and pages.

use serde_json::{Value, json};

use crate::aggregates::{agreed, both};
use crate::harness::{Client, both_stores};

const SALES: &str = "\
sold,at,shop,price,n,ratio,tags
2024-01-01,2024-01-01T00:30:00Z,a,1.00,5,1.0e-1,\"{\"\"x\"\":1}\"
2024-01-07,2024-01-01T00:59:59.5Z,a,2.50,-1,3.0e-1,\"{\"\"x\"\":2}\"
2024-01-08,2024-01-01T01:00:00Z,b,-0.25,10,3.5e-1,\"{}\"
2024-04-01,2024-02-29T23:59:59Z,B,4.00,19,-5.0e-2,\"{}\"
2023-12-31,2023-12-31T23:00:00Z,,,,,
,,b,7.75,-10,1.0e2,\"{}\"
";

fn with_sales(story: impl Fn(&Client)) {
    both_stores(|server| {
        let client = server.client();
        client.load("sales", SALES);
        story(&client);
    });
}

/// The keys and counts that a group-by answers.
#[track_caller]
fn groups(client: &Client, arguments: &str, field: &str) -> Vec<(Value, i64)> {
    let data = client.data(&format!(
        "{{ salesGroupBy({arguments}) {{ keys {{ {field} }} aggregate {{ count }} }} }}"
    ));
    let groups = data["salesGroupBy"].as_array().unwrap();
    let of = |group: &Value| {
        (group["keys"][field].clone(), group["aggregate"]["count"].as_i64().unwrap())
    };
    groups.iter().map(of).collect()
}

#[test]
fn keys_are_values_periods_and_bins() {
    with_sales(|client| {
        let check = |key: &str, field: &str, expect: Value| {
            let found: Vec<Value> = groups(client, &format!("by: [{{{key}}}]"), field)
                .into_iter()
                .map(|(key, count)| json!([key, count]))
                .collect();
            assert_eq!(Value::from(found), expect, "{key}");
        };
        check("column: SHOP", "shop", json!([["B", 1], ["a", 2], ["b", 2], [null, 1]]));
        check(
            "column: SOLD, truncate: WEEK",
            "sold",
            json!([
                ["2023-12-25", 1],
                ["2024-01-01", 2],
                ["2024-01-08", 1],
                ["2024-04-01", 1],
                [null, 1]
            ]),
        );
        check(
            "column: SOLD, truncate: QUARTER",
            "sold",
            json!([["2023-10-01", 1], ["2024-01-01", 3], ["2024-04-01", 1], [null, 1]]),
        );
        check(
            "column: SOLD, truncate: YEAR",
            "sold",
            json!([["2023-01-01", 1], ["2024-01-01", 4], [null, 1]]),
        );
        check(
            "column: AT, truncate: HOUR",
            "at",
            json!([
                ["2023-12-31T23:00:00Z", 1],
                ["2024-01-01T00:00:00Z", 2],
                ["2024-01-01T01:00:00Z", 1],
                ["2024-02-29T23:00:00Z", 1],
                [null, 1]
            ]),
        );
        check(
            "column: AT, truncate: MONTH",
            "at",
            json!([
                ["2023-12-01T00:00:00Z", 1],
                ["2024-01-01T00:00:00Z", 3],
                ["2024-02-01T00:00:00Z", 1],
                [null, 1]
            ]),
        );
        check("column: N, bin: 10", "n", json!([[-10, 2], [0, 1], [10, 2], [null, 1]]));
        check(
            "column: PRICE, bin: \"2.5\"",
            "price",
            json!([["-2.50", 1], ["0.00", 1], ["2.50", 2], ["7.50", 1], [null, 1]]),
        );
        check(
            "column: RATIO, bin: \"0.1\"",
            "ratio",
            json!([[-0.1, 1], [0.1, 1], [0.3, 2], [100.0, 1], [null, 1]]),
        );
    });
}

#[test]
fn groups_are_chosen_sorted_and_paged() {
    with_sales(|client| {
        let check = |arguments: &str, expect: Value| {
            let found: Vec<Value> =
                groups(client, &format!("by: [{{column: SHOP}}], {arguments}"), "shop")
                    .into_iter()
                    .map(|(key, _)| key)
                    .collect();
            assert_eq!(Value::from(found), expect, "{arguments}");
        };
        check("orderBy: {keys: {shop: DESC_NULLS_LAST}}", json!(["b", "a", "B", null]));
        check("orderBy: {aggregate: {count: DESC}}", json!(["a", "b", "B", null]));
        check(
            "orderBy: [{aggregate: {sum: {price: DESC_NULLS_LAST}}}]",
            json!(["b", "B", "a", null]),
        );
        check("orderBy: [{aggregate: {avg: {n: ASC}}}]", json!(["b", "a", "B", null]));
        check(
            "orderBy: [{aggregate: {stddev: {price: ASC_NULLS_FIRST}}}]",
            json!(["B", null, "a", "b"]),
        );
        check("limit: 2", json!(["B", "a"]));
        check("limit: 2, offset: 3", json!([null]));
        check("offset: 9", json!([]));
        check("limit: 0", json!([]));
        check("where: {price: {_gt: 0}}", json!(["B", "a", "b"]));
        check("search: \"B\"", json!(["B", "b"]));
        check("having: {count: {predicate: {_gt: 1}}}", json!(["a", "b"]));
        check("having: {count: {columns: [PRICE], predicate: {_eq: 0}}}", json!([null]));
        check("having: {sum: {price: {_gte: \"3.5\"}}}", json!(["B", "a", "b"]));
        check("having: {sum: {price: {_gt: \"3.499\", _lt: \"3.501\"}}}", json!(["a"]));
        check("having: {sum: {price: {_in: [\"3.50\", 7.5, \"1.234\"]}}}", json!(["a", "b"]));
        check("having: {sum: {price: {_nin: [\"3.50\"]}}}", json!(["B", "b"]));
        check("having: {sum: {n: {_isNull: true}}}", json!([null]));
        check("having: {avg: {price: {_eq: \"1.75\"}}}", json!(["a"]));
        check("having: {avg: {n: {_eq: 2}}}", json!(["a"]));
        check("having: {variance: {n: {_eq: 18}}}", json!(["a"]));
        check("having: {max: {sold: {_gt: \"2024-01-07\"}}}", json!(["B", "b"]));
        check("having: {min: {shop: {_in: [\"a\", \"B\"]}}}", json!(["B", "a"]));
        check("having: {_not: {sum: {price: {_gt: 4}}}}", json!(["B", "a"]));
        check(
            "having: {_or: [{avg: {n: {_lt: 1}}}, {count: {predicate: {_eq: 1}}}]}",
            json!(["B", "b", null]),
        );
        check("having: {}", json!(["B", "a", "b", null]));
        check("having: {_or: []}", json!([]));
    });
}

#[test]
fn a_group_answers_what_is_selected() {
    with_sales(|client| {
        let data = client.data_with(
            "query($by: [SalesGroupKey!]!) { g: salesGroupBy(by: $by, limit: 1) {
                __typename k: keys { __typename shop s: sold price } ...A } }
             fragment A on SalesGroup { aggregate { n: count d: count(columns: [SHOP], distinct: true) sum { price } max { at } } }",
            &json!({"by": [{"column": "SOLD", "truncate": "MONTH"}, {"column": "SHOP"}]}),
        );
        assert_eq!(
            data["g"],
            json!([{
                "__typename": "SalesGroup",
                "k": {"__typename": "SalesGroupKeys", "shop": null, "s": "2023-12-01", "price": null},
                "aggregate": {"n": 1, "d": 0, "sum": {"price": null}, "max": {"at": "2023-12-31T23:00:00Z"}},
            }])
        );
        // JSON is counted by its text.
        let texts = client.data(
            "{ salesAggregate { aggregate { a: count(columns: [TAGS], distinct: true) b: count(columns: [TAGS, SHOP], distinct: true) } } }",
        );
        assert_eq!(texts["salesAggregate"]["aggregate"], json!({"a": 3, "b": 4}));
        let nothing = client
            .data("{ salesGroupBy(by: {column: SHOP}, where: {n: {_gt: 99}}) { __typename } }");
        assert_eq!(nothing["salesGroupBy"], json!([]));
    });
}

#[test]
fn what_cannot_be_grouped_is_refused() {
    with_sales(|client| {
        for (arguments, expect) in [
            ("by: []", "by is empty; name at least one column"),
            ("by: [{column: SHOP}, {column: SHOP}]", "by names SHOP twice"),
            ("by: {column: TAGS}", "rows cannot be grouped by it"),
            ("by: {column: SHOP, bin: 1}", "numbers can be put in bins"),
            ("by: {column: N, truncate: DAY}", "by.truncate: N is of type INT"),
            ("by: {column: SOLD, truncate: HOUR}", "dates can be truncated to DAY and longer"),
            ("by: {column: N, bin: \"0.5\"}", "a whole width above zero"),
            ("by: {column: N, bin: 0}", "a whole width above zero"),
            ("by: {column: PRICE, bin: \"0.005\"}", "at most 2 digits after the point"),
            ("by: {column: PRICE, bin: \"-1\"}", "above zero"),
            ("by: {column: RATIO, bin: \"x\"}", "a width above zero"),
            ("by: {column: SHOP}, orderBy: {keys: {n: ASC}}", "n is no key; name it in by"),
            ("by: {column: SHOP}, having: {sum: {n: {_gt: null}}}", "is null"),
            ("by: {column: SHOP}, having: {sum: {n: {_gt: \"x\"}}}", "\"x\" is not a number"),
            ("by: {column: SHOP}, limit: 1001", "the limit is 1000"),
        ] {
            let (code, message) =
                client.error(&format!("{{ salesGroupBy({arguments}) {{ __typename }} }}"));
            assert_eq!(code, "BAD_USER_INPUT", "{arguments}");
            assert!(message.contains(expect), "{arguments}: {message}");
        }
    });
}

#[test]
fn bins_hold_at_the_edges_of_their_types() {
    let (_servers, clients) = both();
    for client in &clients {
        client.load(
            "edges",
            "n,big,price,x\n-2147483648,-9223372036854775808,-9999999999999999.99,-1.7e308\n\
             2147483647,9223372036854775807,9999999999999999.99,1.7e308\n-1,-1,-0.01,-5e-324\n0,0,0.00,5e-324\n",
        );
    }
    let keys = [
        "{column: N, bin: \"1000\"}",
        "{column: N, bin: \"999999999999999999\"}",
        "{column: BIG, bin: \"7\"}",
        "{column: BIG, bin: \"999999999999999999\"}",
        "{column: PRICE, bin: \"0.03\"}",
        "{column: PRICE, bin: \"9999999999999999.99\"}",
        "{column: X, bin: \"0.7\"}",
        "{column: X, bin: \"12345678901234567890123456789012345678\"}",
    ];
    for (number, by) in keys.iter().enumerate() {
        let answer = agreed(
            &clients,
            &format!(
                "{{ edgesGroupBy(by: [{by}]) {{ keys {{ n big price x }} aggregate {{ count }} }} }}"
            ),
            &json!({}),
        );
        assert!(answer.get("errors").is_none(), "{by}: {answer}");
        let name = format!("bins_{number}");
        insta::assert_json_snapshot!(name, answer["data"]["edgesGroupBy"]);
    }
}
