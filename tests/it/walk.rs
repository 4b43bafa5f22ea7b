//! Walking a connection gives every row once, in the order of the list, from either end.
//!
//! Tables, filters and orders are those of the evaluator; sizes of pages are drawn. Both stores
//! must walk the same way.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use serde_json::{Value, json};

use crate::evaluator;
use crate::harness::{Client, Server, StoreKind};
use crate::options::upload;

/// Tables per run, and walks per table and direction.
const N_TABLES: u32 = 8;
const N_WALKS: usize = 12;

#[test]
fn a_walk_equals_the_list() {
    let servers = [Server::start(StoreKind::Sqlite), Server::start(StoreKind::Postgres)];
    let clients: Vec<Client> = servers.iter().map(Server::client).collect();
    let config = Config { cases: N_TABLES, max_shrink_iters: 32, ..Config::default() };
    let sizes = prop::collection::vec(1..9_usize, 1..4);
    let distinct = prop::option::weighted(0.25, 0..5_usize);
    let walk = (evaluator::query(), sizes, distinct);
    let walks = prop::collection::vec(walk, N_WALKS);
    // Later versions have these, too: pages are read range by range of them.
    let row = |n| (Some(n), Some(1), Some("a".to_owned()), Some(true), Some(1));
    for client in &clients {
        client.load("indexed", evaluator::write_csv(&[row(1), row(2_000)]));
        for (columns, descending) in [
            (json!(["n", "cents"]), json!([])),
            (json!(["word", "n"]), json!(["n"])),
            (json!(["day"]), json!(["day"])),
            (json!(["truth", "cents"]), json!([])),
            (json!(["cents", "word"]), json!(["cents"])),
        ] {
            index(client, "indexed", &columns, &descending);
        }
    }
    let datasets = [("things", "Things"), ("indexed", "Indexed")];
    let outcome = TestRunner::new(config).run(&(evaluator::table(), walks), |(rows, walks)| {
        let csv = evaluator::write_csv(&rows);
        for client in &clients {
            datasets.iter().for_each(|(name, _)| drop(client.load(name, &csv)));
        }
        for ((query, sizes, distinct), (name, type_name)) in
            walks.iter().zip(datasets.iter().cycle())
        {
            let variables = json!({
                "w": query.filter_json(),
                "o": query.order_json(),
                "d": distinct.map(|column| evaluator::FIELDS[column].to_uppercase()),
            });
            let walked: Vec<Vec<Value>> = clients
                .iter()
                .map(|client| check(client, name, type_name, &variables, sizes))
                .collect::<Result<_, _>>()?;
            prop_assert_eq!(&walked[0], &walked[1], "both stores");
        }
        Ok(())
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
}

fn index(client: &Client, dataset: &str, columns: &Value, descending: &Value) {
    client.data_with(
        "mutation($n: String!, $c: [String!]!, $d: [String!]) { createIndex(dataset: $n, columns: $c, descending: $d) { name } }",
        &json!({ "n": dataset, "c": columns, "d": descending }),
    );
}

/// Walks forwards and backwards; the rows' ids.
pub(crate) fn check(
    client: &Client,
    name: &str,
    type_name: &str,
    variables: &Value,
    sizes: &[usize],
) -> Result<Vec<Value>, TestCaseError> {
    let list = client.data_with(
        &format!("query($w: {type_name}BoolExp, $o: [{type_name}OrderBy!], $d: [{type_name}SelectColumn!]) {{ {name}(where: $w, orderBy: $o, distinctOn: $d, limit: 1000) {{ id }} }}"),
        variables,
    );
    let expected = list[name].as_array().unwrap();
    let document = |size: &str, cursor: &str| {
        format!(
            "query($n: Int, $c: String, $w: {type_name}BoolExp, $o: [{type_name}OrderBy!], $d: [{type_name}SelectColumn!]) {{
                {name}Connection({size}: $n, {cursor}: $c, where: $w, orderBy: $o, distinctOn: $d) {{
                    totalCount edges {{ cursor node {{ id }} }} pageInfo {{ hasNextPage hasPreviousPage startCursor endCursor }} }} }}"
        )
    };
    for is_forwards in [true, false] {
        let (document, more, end) = match is_forwards {
            true => (document("first", "after"), "hasNextPage", "endCursor"),
            false => (document("last", "before"), "hasPreviousPage", "startCursor"),
        };
        let mut walked: Vec<Value> = Vec::new();
        let mut variables = variables.clone();
        for size in sizes.iter().cycle() {
            variables["n"] = json!(size);
            let data = client.data_with(&document, &variables);
            let page = &data[format!("{name}Connection")];
            let edges = page["edges"].as_array().unwrap();
            prop_assert!(edges.len() <= *size);
            prop_assert_eq!(&page["totalCount"], &json!(expected.len()));
            let rows = edges.iter().map(|edge| edge["node"].clone());
            let at = if is_forwards { walked.len() } else { 0 };
            walked.splice(at..at, rows);
            let info = &page["pageInfo"];
            for (edge, key) in [(edges.first(), "startCursor"), (edges.last(), "endCursor")] {
                prop_assert_eq!(edge.map_or(&Value::Null, |edge| &edge["cursor"]), &info[key]);
            }
            let is_more = walked.len() < expected.len();
            prop_assert_eq!(
                &info[more],
                &json!(is_more),
                "{} of {:?}: {}",
                more,
                walked,
                &variables
            );
            if !is_more {
                break;
            }
            variables["c"] = info[end].clone();
        }
        prop_assert_eq!(&walked, expected, "forwards {}: {}", is_forwards, &variables);
    }
    Ok(expected.clone())
}

/// One table with every type, missing values, repeated ones and the edges of each type.
#[test]
fn every_type_can_be_walked_by() {
    const CSV: &str = "\
flag,small,big,money,ratio,day,clock,moment,instant,uuid,doc,word
true,1,9007199254740993,1.10,1e0,2024-01-31,10:30:00,2024-01-31T10:30:00,2024-01-31T10:30:00Z,0190b3a8-7d2e-7c44-9c1d-2f5e8a7b6c3d,\"{\"\"a\"\": 1}\",b
false,-2147483648,-9223372036854775808,-0.01,-0.0e0,1900-01-01,00:00:00,1900-01-01T00:00:00.000001,1999-12-31T23:59:59.999999Z,ffffffff-ffff-ffff-ffff-ffffffffffff,\"[1,2]\",é
,,,,,,,,,,,
true,1,9007199254740993,1.10,0e0,2024-01-31,10:30:00,2024-01-31T10:30:00,2024-01-31T10:30:00Z,0190b3a8-7d2e-7c44-9c1d-2f5e8a7b6c3d,\"{\"\"a\"\":1}\",\u{1F600}
false,2147483647,9007199254740992,99999999.99,5e-324,9999-12-31,23:59:59.999999,2024-01-31T10:30:00.5,2024-01-31T10:30:00.5Z,00000000-0000-0000-0000-000000000000,\"{\"\"b\"\": null}\",\"a\"\"\\\"
,0,0,0.00,1.7976931348623157e308,0001-01-01,12:00:00,0001-01-01T00:00:00,2024-01-31T12:30:00+02:00,123e4567-e89b-12d3-a456-426614174000,[],B
true,,1,,2.5e-1,,,,,,,
";
    let servers = [Server::start(StoreKind::Sqlite), Server::start(StoreKind::Postgres)];
    let clients: Vec<Client> = servers.iter().map(Server::client).collect();
    for client in &clients {
        let columns = json!([{ "label": "ratio", "type": "FLOAT" }]);
        let options = json!({ "options": { "columns": columns } });
        let payload = upload(client, "types", CSV.as_bytes(), &options);
        assert_eq!(payload["job"]["status"], "SUCCEEDED", "{payload}");
        let columns = client.data("{ dataset(name: \"types\") { columns { name type } } }");
        let mut types: Vec<&str> = columns["dataset"]["columns"]
            .as_array()
            .unwrap()
            .iter()
            .map(|column| column["type"].as_str().unwrap())
            .collect();
        types.sort_unstable();
        types.dedup();
        assert_eq!(types.len(), 12, "{columns}");
    }
    let fields = [
        "flag", "small", "big", "money", "ratio", "day", "clock", "moment", "instant", "uuid",
        "doc", "word",
    ];
    let second_of = |n: usize| fields[(n + 5) % fields.len()];
    let walk_all = || walk_by_all(&clients, &fields, second_of);
    walk_all();
    // Range by range of indexes, of which some have the orders and others their first keys.
    for (n, field) in fields.iter().enumerate() {
        let columns = [*field, second_of(n)];
        for client in clients.iter().filter(|_| !columns.contains(&"doc")) {
            let columns = if n % 3 == 2 { json!([field]) } else { json!(columns) };
            let descending = if n % 3 == 1 { json!([second_of(n)]) } else { json!([]) };
            index(client, "types", &columns, &descending);
        }
    }
    walk_all();
}

/// By each field in each direction, alone and with a second one.
fn walk_by_all<'f>(clients: &[Client], fields: &[&'f str], second_of: impl Fn(usize) -> &'f str) {
    for (n, field) in fields.iter().enumerate() {
        for direction in [
            "ASC",
            "DESC",
            "ASC_NULLS_FIRST",
            "DESC_NULLS_LAST",
            "ASC_NULLS_LAST",
            "DESC_NULLS_FIRST",
        ] {
            let second = second_of(n);
            for order in
                [json!([{ *field: direction }]), json!([{ *field: direction }, { second: "DESC" }])]
            {
                let variables = json!({ "o": order });
                let walked: Vec<Vec<Value>> = clients
                    .iter()
                    .map(|client| check(client, "types", "Types", &variables, &[2, 1]).unwrap())
                    .collect();
                assert_eq!(walked[0], walked[1], "{order}: both stores");
            }
        }
    }
}

/// Orders through relations, and by aggregates of related rows.
#[test]
fn walks_go_by_related_rows() {
    let servers = [Server::start(StoreKind::Sqlite), Server::start(StoreKind::Postgres)];
    let clients: Vec<Client> = servers.iter().map(Server::client).collect();
    let mut makers = String::from("id,name,country\n");
    let mut parts = String::from("id,makerId,size,price,big,ratio\n");
    for n in 1..=12 {
        let country = ["FR", "", "DE"][n % 3];
        makers.push_str(&format!("{n},m{},{country}\n", n % 4));
        for part in 0..n % 5 {
            let size =
                if (n + part) % 3 == 0 { String::new() } else { format!("{}", (n * 7 + part) % 6) };
            let sign = if n % 2 == 0 { "-" } else { "" };
            let maker = if part == 3 { String::new() } else { n.to_string() };
            parts.push_str(&format!(
                "{},{maker},{size},{sign}{}.{:02},{sign}922337203685477580{},{}e0\n",
                n * 10 + part,
                n % 3,
                part * 25,
                part % 8,
                part
            ));
        }
    }
    for client in &clients {
        client.load("makers", &makers);
        client.load("parts", &parts);
        client.data("mutation { addRelation(from: \"parts\", column: \"makerId\", to: \"makers\") { relations { name } } }");
    }
    let walk = |name: &str, type_name: &str, order: Value| {
        let variables = json!({ "o": order });
        let walked: Vec<Vec<Value>> = clients
            .iter()
            .map(|client| check(client, name, type_name, &variables, &[3, 2]).unwrap())
            .collect();
        assert_eq!(walked[0], walked[1], "{order}: both stores");
        walked.into_iter().next().unwrap()
    };
    for direction in ["ASC", "DESC", "ASC_NULLS_FIRST", "DESC_NULLS_LAST"] {
        walk(
            "parts",
            "Parts",
            json!([{"maker": {"country": direction, "name": "DESC"}}, {"size": direction}]),
        );
        for aggregate in [
            json!({"count": direction}),
            json!({"min": {"size": direction}}),
            json!({"max": {"price": direction}, "count": "ASC"}),
            json!({"sum": {"size": direction}}),
            json!({"sum": {"price": direction}}),
            json!({"sum": {"big": direction}}),
            json!({"avg": {"size": direction}}),
            json!({"avg": {"price": direction}}),
            json!({"avg": {"big": direction}}),
        ] {
            walk("makers", "Makers", json!([{"partsAggregate": aggregate}, {"country": "DESC"}]));
        }
    }
    // An index of the relation leads to these, so that their pages are read range by range.
    for direction in ["ASC", "DESC", "ASC_NULLS_FIRST", "DESC_NULLS_LAST"] {
        walk("parts", "Parts", json!([{"makerId": direction}]));
        walk(
            "parts",
            "Parts",
            json!([{"makerId": direction}, {"size": "DESC"}, {"price": direction}]),
        );
        walk("parts", "Parts", json!([{"makerId": direction}, {"size": "ASC_NULLS_FIRST"}]));
    }
    // The order is that of the numbers that aggregates answer.
    for client in &clients {
        let data = client.data(
            "{ makers(orderBy: {partsAggregate: {sum: {big: ASC}}}, limit: 9) { partsAggregate { aggregate { sum { big } } } } }",
        );
        let sums: Vec<i128> = data["makers"]
            .as_array()
            .unwrap()
            .iter()
            .map(|maker| &maker["partsAggregate"]["aggregate"]["sum"]["big"])
            .filter_map(|sum| sum.as_str()?.parse().ok())
            .collect();
        assert!(sums.len() > 5 && sums.is_sorted(), "{sums:?}");
        assert!(sums[0] < i128::from(i64::MIN), "past 64 bits: {sums:?}");
        let (code, _) =
            client.error("{ makers(orderBy: {partsAggregate: {sum: {ratio: ASC}}}) { id } }");
        assert_eq!(code, "BAD_USER_INPUT", "sums of doubles depend on the order of adding");
    }
}

#[test]
fn eight_keys_are_the_limit() {
    crate::harness::both_stores(|server| {
        let client = server.client();
        client.load("wide", "a,b,c,d,e,f,g,h,i\n2,1,1,1,1,1,1,1,1\n1,,,,,,,,\n");
        let order = |n: usize| {
            let keys = "abcdefghi".chars().take(n).map(|key| format!("{{{key}: ASC}}"));
            keys.collect::<Vec<_>>().join(", ")
        };
        for field in ["wide", "wideConnection"] {
            let below = if field == "wide" { "{ id }" } else { "{ nodes { id } }" };
            client.data(&format!("{{ {field}(orderBy: [{}]) {below} }}", order(8)));
            let (code, message) =
                client.error(&format!("{{ {field}(orderBy: [{}]) {below} }}", order(9)));
            assert_eq!(code, "QUERY_TOO_COMPLEX", "{message}");
        }
        let variables = json!({ "o": "abcdefgh".chars().map(|key| json!({ key.to_string(): "DESC" })).collect::<Vec<_>>() });
        check(&client, "wide", "Wide", &variables, &[1]).unwrap();
    });
}
