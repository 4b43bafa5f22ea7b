//! Aggregates: exact, rounded once, the same bytes on both stores; overflow is an answer.

use std::fmt::Write;

use serde_json::{Value, json};

use crate::harness::{Client, Server, StoreKind, both_stores};

/// The answers of both stores, which must be the same bytes.
#[track_caller]
pub(crate) fn agreed(clients: &[Client], query: &str, variables: &Value) -> Value {
    let answers = clients.iter().map(|client| {
        let answer = client.graphql(query, variables);
        // A failed request is one of many; what is said of it is the same.
        let id = answer.json()["errors"][0]["extensions"]["requestId"].clone();
        answer.text.replace(id.as_str().unwrap_or("-"), "-")
    });
    let answers: Vec<String> = answers.collect();
    assert_eq!(answers[0], answers[1], "{query} {variables}");
    serde_json::from_str(&answers[0]).unwrap()
}

pub(crate) fn both() -> (Vec<Server>, Vec<Client>) {
    let servers: Vec<Server> =
        [StoreKind::Sqlite, StoreKind::Postgres].into_iter().map(Server::start).collect();
    let clients = servers.iter().map(Server::client).collect();
    (servers, clients)
}

#[test]
fn whole_numbers_and_decimals_never_overflow() {
    both_stores(|server| {
        let client = server.client();
        client.load(
            "ledger",
            "big,small,price\n9223372036854775807,2147483647,9999999999999999.99\n\
             9223372036854775807,2147483647,9999999999999999.99\n\
             -9223372036854775808,-2147483648,0.01\n9223372036854775807,1,9999999999999999.98\n",
        );
        let answer = client.graphql(
            "{ ledgerAggregate { aggregate {
                sum { big small price } avg { big small price } min { big } max { price }
                stddev { big small price } stddevPop { big small } stddevSamp { price }
                variance { small price } varPop { big } varSamp { price } } } }",
            &json!({}),
        );
        // As text, because readers of JSON may be off by the last bit. The spreads are those that
        // Python finds with fractions.Fraction and math.isqrt.
        assert_eq!(
            answer.text,
            "{\"data\":{\"ledgerAggregate\":{\"aggregate\":{\
             \"sum\":{\"big\":\"18446744073709551613\",\"small\":\"2147483647\",\"price\":\"29999999999999999.97\"},\
             \"avg\":{\"big\":4.611686018427388e18,\"small\":536870911.75,\"price\":\"7499999999999999.992500\"},\
             \"min\":{\"big\":\"-9223372036854775808\"},\"max\":{\"price\":\"9999999999999999.99\"},\
             \"stddev\":{\"big\":9.223372036854776e18,\"small\":2056059057.4493983,\"price\":5000000000000000.0},\
             \"stddevPop\":{\"big\":7.987674492471257e18,\"small\":1780599375.4322674},\"stddevSamp\":{\"price\":5000000000000000.0},\
             \"variance\":{\"small\":4.227378847719708e18,\"price\":2.5e31},\"varPop\":{\"big\":6.380294379767596e37},\
             \"varSamp\":{\"price\":2.5e31}}}}}"
        );
        // Above a sum that has no place in 64 bits, and below it.
        for (operator, expect) in [("_gt", 1), ("_lt", 0)] {
            let groups = client.data(&format!(
                "{{ ledgerGroupBy(by: {{column: SMALL}}, having: {{sum: {{big: {{{operator}: \"18446744073709551613\"}}}}}}) {{ keys {{ small }} }} }}"
            ));
            let n = groups["ledgerGroupBy"].as_array().unwrap().len();
            assert_eq!(n, if expect == 1 { 1 } else { 2 }, "{operator}");
        }
    });
}

#[test]
fn one_row_has_no_spread_of_a_sample() {
    both_stores(|server| {
        let client = server.client();
        client.load("ones", "n,x\n5,1.5e0\n");
        let data = client.data(
            "{ a: onesAggregate { aggregate { stddev { n x } variance { n } stddevPop { n x } varPop { x } } }
               b: onesAggregate(where: {n: {_gt: 5}}) { aggregate { stddev { n } varPop { x } avg { x n } sum { x } } } }",
        );
        assert_eq!(
            data["a"]["aggregate"],
            json!({"stddev": {"n": null, "x": null}, "variance": {"n": null}, "stddevPop": {"n": 0.0, "x": 0.0}, "varPop": {"x": 0.0}})
        );
        assert_eq!(
            data["b"]["aggregate"],
            json!({"stddev": {"n": null}, "varPop": {"x": null}, "avg": {"x": null, "n": null}, "sum": {"x": null}})
        );
    });
}

#[test]
fn doubles_count_as_the_decimals_that_they_print_as() {
    let (_servers, clients) = both();
    let check = |values: &[f64], expect: Option<Value>| {
        let mut csv = String::from("part,x\n");
        for (row, value) in values.iter().enumerate() {
            // `1e23` alone may be a code; `1.0e23` is a number.
            let text = format!("{value:e}");
            let text = if text.contains('.') { text } else { text.replace('e', ".0e") };
            let _ = writeln!(csv, "{},{text}", row % 2);
        }
        // The column is one of doubles whatever they are.
        csv.push_str("9,1.5e-300\n");
        for client in &clients {
            client.load("doubles", &csv);
        }
        let answer = agreed(
            &clients,
            "{ doublesAggregate(where: {part: {_lt: 9}}) { aggregate { sum { x } avg { x } stddev { x } varPop { x } min { x } max { x } } }
               doublesGroupBy(by: {column: X, bin: \"0.1\"}, orderBy: {aggregate: {sum: {x: DESC}}}) { keys { x } aggregate { count sum { x } stddevPop { x } } } }",
            &json!({}),
        );
        assert!(answer.get("errors").is_none(), "{answer}");
        if let Some(expect) = expect {
            assert_eq!(
                answer["data"]["doublesAggregate"]["aggregate"]["sum"]["x"], expect,
                "{values:?}"
            );
        }
    };
    check(&[0.1, 0.2], Some(json!(0.3)));
    check(&[1e300, 1.0, -1e300], Some(json!(1.0)));
    check(&[1e308, 1e308], Some(Value::Null));
    check(&[5e-324, 5e-324], Some(json!(1e-323)));
    // A half between two doubles, which the stores print differently.
    check(&[1e23, 1.0], Some(json!(1e23)));
    check(&[9.5e22, 2e22, 1.5e21], None);
    check(&[0.3, 0.30000000000000004, 0.35, -0.05, -0.1], None);
    check(&[1.7976931348623157e308, -1.7976931348623157e308], Some(json!(0.0)));
    // Doubles of all sizes.
    let mut bits = 0x9E37_79B9_7F4A_7C15_u64;
    let mut values = Vec::new();
    while values.len() < 400 {
        bits = bits.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let value = f64::from_bits(bits);
        if value.is_finite() {
            values.push(value);
        }
    }
    check(&values, None);
    check(&values.iter().map(|value| value % 1e3).collect::<Vec<_>>(), None);
}
