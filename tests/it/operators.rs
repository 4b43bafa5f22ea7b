//! Operators of texts, JSON and every other type: the same rows on both stores, and the right ones.

use serde_json::{Value, json};

use crate::aggregates::{agreed, both};
use crate::harness::both_stores;

const TEXTS: [&str; 52] = [
    "a",
    "A",
    "b",
    "ab",
    "aB",
    "é",
    "É",
    "e\u{301}",
    "ß",
    "ẞ",
    "ss",
    "ς",
    "σ",
    "Σ",
    "ΟΔΟΣ",
    "οδος",
    "οδόσ",
    "İ",
    "ı",
    "i",
    "I",
    "İstanbul",
    "\u{212A}",
    "k",
    "ſ",
    "s",
    "S",
    "µ",
    "μ",
    "ǅ",
    "ǆ",
    "日本語",
    "٣",
    "3",
    "१2",
    "_",
    "-",
    "a b",
    "a\u{a0}b",
    "a\nb",
    "b\n",
    "foo_bar baz",
    "don't",
    "😀",
    "a😀b",
    "\\",
    "100%",
    "***",
    "(?i)",
    "[a]",
    "a.b",
    "\u{10FFFF}",
];

fn texts() -> String {
    let rows: Vec<Value> = TEXTS.iter().map(|text| json!({ "t": text })).collect();
    Value::from(rows).to_string()
}

/// The texts that an operator finds on both stores.
#[track_caller]
fn found(
    clients: &[crate::harness::Client],
    operator: &str,
    operand: &str,
) -> Result<Vec<String>, String> {
    let answer = agreed(
        clients,
        "query($w: TextsBoolExp!) { texts(where: $w, limit: 1000) { t } }",
        &json!({ "w": { "t": { operator: operand } } }),
    );
    match answer["data"]["texts"].as_array() {
        Some(rows) => Ok(rows.iter().map(|row| row["t"].as_str().unwrap().to_owned()).collect()),
        None => Err(answer["errors"][0]["extensions"]["code"].as_str().unwrap().to_owned()),
    }
}

#[test]
fn regular_expressions_find_the_same_texts() {
    let (_servers, clients) = both();
    for client in &clients {
        client.load("texts", texts());
    }
    let patterns = [
        "",
        "a",
        "^a",
        "b$",
        "^$",
        "a|B",
        "(a|b)+",
        "(?:ab)*c?",
        "a.b",
        "(?s)a.b",
        "[a-z]",
        "[^a-z]",
        r"\d",
        r"\D",
        r"\w",
        r"^\w+$",
        r"\W",
        r"\s",
        r"\S+\s\S+",
        r"\bfoo",
        r"bar\b",
        r"\bbar",
        r"o\B",
        r"^\b",
        r"\b$",
        r"(?-u)\bé",
        r"(?-u:\w)",
        r"[[:alpha:]]",
        r"[[:^alpha:]]",
        r"\p{Lu}",
        r"\P{L}",
        r"\p{Greek}",
        r"[\p{L}&&[^a-z]]",
        "(?i)straSSE|k",
        "(?i)ς",
        "(?i)[r-t]",
        "(?i:A)b",
        "(?m)^b$",
        "(?m)^b",
        r"\Ab",
        r"b\z",
        r"\x61",
        r"\u{1F600}",
        r"[\x{1F5FF}-\x{1F601}]",
        "😀",
        "a{2}",
        "a{0}",
        ".{2,3}",
        "^.{1}$",
        "(a{0,3}){0,5}b",
        r"\*\*\*",
        r"\(\?i\)",
        r"\[a\]",
        r"\\",
        r"[\]\[]",
        r"[-_]",
        r"a\.b",
        r"(?x) a  b # a comment",
        r"[^\x00-\x7F]",
        r"(^a|b$)",
        "(^)*a",
        r"\b{start}b",
        r"\b{end}",
        r"(?U)a+?b",
        r"'t$",
        r"\n",
        r"\t|\x0A",
        "[^\\n]b",
        "%",
    ];
    for pattern in patterns {
        for (operator, is_insensitive) in [("_regex", false), ("_iregex", true)] {
            let regex = regex::RegexBuilder::new(pattern).case_insensitive(is_insensitive).build();
            let regex = regex.unwrap();
            let expect: Vec<String> =
                TEXTS.iter().filter(|text| regex.is_match(text)).map(|t| (*t).to_owned()).collect();
            assert_eq!(found(&clients, operator, pattern), Ok(expect), "{operator} {pattern}");
        }
        let fit = found(&clients, "_regex", pattern).unwrap().len();
        let not = found(&clients, "_nregex", pattern).unwrap().len();
        assert_eq!(fit + not, TEXTS.len(), "{pattern}");
    }
    for refused in [
        "(a",
        "[a",
        "*",
        "a{256}",
        "(?=a)",
        "(?<!a)b",
        r"(a)\1",
        r"\m",
        r"\y",
        "(?Rm)^a",
        "((a{99}){99})",
        r"(?-u:\xFF)",
        "\\",
    ] {
        for operator in ["_regex", "_niregex"] {
            let answer = found(&clients, operator, refused);
            assert_eq!(answer, Err("BAD_USER_INPUT".to_owned()), "{refused}");
        }
    }
}

#[test]
fn hostile_patterns_end() {
    both_stores(|server| {
        let client = server.client();
        let long = "a".repeat(2_000);
        client.load("texts", json!([{ "t": long }, { "t": "b" }]).to_string());
        for pattern in [
            "(a*)*b".to_owned(),
            "(a|a)*$b".to_owned(),
            "(a|aa)+$".to_owned(),
            "(.*)(.*)(.*)(.*)(.*)[^a]$".to_owned(),
            "(a{1,50}){1,19}c".to_owned(),
            "(\\w{1,4}\\s?){1,4}!".to_owned(),
            format!("({}b)", "a?".repeat(300)),
            format!("({})", "[ab]".repeat(200)),
            "(x|y|a){250}(x|y|a){250}z".to_owned(),
        ] {
            let answer = client.graphql(
                "query($p: String!) { texts(where: {t: {_regex: $p}}) { id } }",
                &json!({ "p": pattern }),
            );
            assert!(answer.json().get("errors").is_none(), "{pattern}: {}", answer.text);
        }
    });
}

#[test]
fn texts_are_compared_alike() {
    let (_servers, clients) = both();
    for client in &clients {
        client.load("texts", texts());
    }
    let check = |operator: &str, operand: &str, expect: &[&str]| {
        let found = found(&clients, operator, operand).unwrap();
        assert_eq!(found, expect, "{operator} {operand}");
    };
    // One folding of case, letter by letter.
    check("_ilike", "σ", &["ς", "σ", "Σ"]);
    check("_ilike", "οδοσ", &["ΟΔΟΣ", "οδος"]);
    check("_iendsWith", "ΟΣ", &["ΟΔΟΣ", "οδος"]);
    check("_ilike", "i", &["İ", "i", "I"]);
    check("_istartsWith", "İS", &["İstanbul"]);
    check("_ilike", "ß", &["ß", "ẞ"]);
    check("_ilike", "S", &["ſ", "s", "S"]);
    check("_ilike", "K", &["\u{212A}", "k"]);
    check("_ilike", "μ", &["µ", "μ"]);
    check("_ilike", "ǅ", &["ǅ", "ǆ"]);
    check("_ilike", "É", &["é", "É"]);
    check("_icontains", "FOO_", &["foo_bar baz"]);
    check(
        "_like",
        "_",
        &TEXTS.iter().filter(|t| t.chars().count() == 1).copied().collect::<Vec<_>>(),
    );
    check("_like", "a_b", &["a b", "a\u{a0}b", "a\nb", "a😀b", "a.b"]);
    check("_like", "100\\%", &["100%"]);
    check("_contains", "%", &["100%"]);
    check("_startsWith", "\\", &["\\"]);
    check("_startsWith", "\u{10FFFF}", &["\u{10FFFF}"]);
    // Texts are ordered by code points.
    check(
        "_gt",
        "😀",
        &["😀", "\u{10FFFF}"].iter().copied().filter(|t| *t > "😀").collect::<Vec<_>>(),
    );
    check("_lt", "-", &["***", "(?i)"]);
    // SIMILAR TO.
    check("_similar", "a%b", &["ab", "a b", "a\u{a0}b", "a\nb", "a😀b", "a.b"]);
    check("_similar", "(a|b)", &["a", "b"]);
    check("_similar", "[a-b]+", &["a", "b", "ab"]);
    check("_similar", "%[[:digit:]]", &["3", "१2"]);
    check("_similar", "\\*\\*\\*", &["***"]);
    check("_similar", "a.b", &["a.b"]);
    check(
        "_similar",
        "_{3}",
        &TEXTS.iter().filter(|t| t.chars().count() == 3).copied().collect::<Vec<_>>(),
    );
    for wrong in ["(a", "[a", "a{x}", "\\"] {
        assert_eq!(
            found(&clients, "_nsimilar", wrong),
            Err("BAD_USER_INPUT".to_owned()),
            "{wrong}"
        );
    }
    // Each operator and its negation, on everything.
    for operand in TEXTS.into_iter().step_by(5) {
        let escaped = operand.replace('\\', "\\\\");
        for (operator, negation) in
            [("_like", "_nlike"), ("_ilike", "_nilike"), ("_similar", "_nsimilar")]
        {
            if let (Ok(fit), Ok(not)) =
                (found(&clients, operator, &escaped), found(&clients, negation, &escaped))
            {
                assert_eq!(fit.len() + not.len(), TEXTS.len(), "{operator} {operand}");
            }
        }
        for operator in ["_eq", "_gte", "_startsWith", "_iendsWith", "_icontains", "_istartsWith"] {
            assert!(found(&clients, operator, operand).is_ok(), "{operator} {operand}");
        }
    }
}

#[test]
fn json_is_compared_by_value() {
    const CELLS: [&str; 22] = [
        r#"{"a":1,"b":[1,2,{"c":null}]}"#,
        r#"{"a": 1.0}"#,
        r#"{"a":10e-1,"a2":true}"#,
        r#"{"a":"1"}"#,
        r#"{"b":[2,1]}"#,
        r#"{"b":[[1]]}"#,
        r#"{"b":{}}"#,
        "{}",
        r#"["a","b"]"#,
        r#"["a",["b"]]"#,
        "[]",
        "[1,2,3]",
        r#"[{"a":1,"b":2}]"#,
        r#"{"a":1,"a":2}"#,
        r#"{"n":9007199254740993}"#,
        r#"{"n":1e400}"#,
        r#"{"s":"\ud83d\ude00"}"#,
        r#"{"s":"\u0000"}"#,
        r#"{"s":"\ud800"}"#,
        r#"{"s":"\\ud800"}"#,
        r#"{"":0}"#,
        r#"{"é":"É"}"#,
    ];
    let (_servers, clients) = both();
    let csv: String =
        CELLS.iter().map(|cell| format!("\"{}\"\n", cell.replace('"', "\"\""))).collect();
    for client in &clients {
        client.load("docs", format!("doc\n{csv}\n"));
    }
    let find = |operator: &str, operand: &Value| {
        let answer = agreed(
            &clients,
            "query($w: DocsBoolExp!) { docs(where: $w) { id } }",
            &json!({ "w": { "doc": { operator: operand } } }),
        );
        let rows = answer["data"]["docs"]
            .as_array()
            .unwrap_or_else(|| panic!("{operator} {operand}: {answer}"));
        rows.iter().map(|row| row["id"].as_i64().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(find("_contains", &json!({"a": 1})), [1, 2, 3]);
    assert_eq!(find("_contains", &json!({"b": [1]})), [1, 5]);
    assert_eq!(find("_contains", &json!(["a"])), [9, 10]);
    assert_eq!(find("_contains", &json!("a")), [9, 10]);
    assert_eq!(find("_contains", &json!([{"a": 1}])), [13]);
    assert_eq!(find("_contains", &json!({"a": 2})), [14]);
    assert_eq!(find("_contains", &json!({"s": "😀"})), [17]);
    assert_eq!(find("_containedIn", &json!([3, 2, 1, 0])), [11, 12]);
    assert_eq!(find("_eq", &json!({"a": 1})), [2]);
    assert_eq!(find("_neq", &json!({})).len(), CELLS.len() - 3);
    assert_eq!(find("_hasKey", &json!("a")), [1, 2, 3, 4, 9, 10, 14]);
    assert_eq!(find("_hasKey", &json!("")), [21]);
    assert_eq!(find("_hasKeysAny", &json!(["a2", "n"])), [3, 15, 16]);
    assert_eq!(find("_hasKeysAll", &json!(["a", "b"])), [1, 9]);
    assert_eq!(find("_hasKeysAny", &json!([])), Vec::<i64>::new());
    // Every cell that jsonb can hold against every other, as jsonb itself tells on PostgreSQL.
    for cell in CELLS.iter().filter(|cell| !cell.contains("\\u") && !cell.contains("e400")) {
        let operand: Value = serde_json::from_str(cell).unwrap();
        for operator in ["_contains", "_containedIn", "_eq", "_neq"] {
            find(operator, &operand);
        }
    }
    let answer = agreed(
        &clients,
        "query($w: DocsBoolExp!) { docs(where: $w) { id } }",
        &json!({ "w": { "doc": { "_contains": "\u{0}" } } }),
    );
    assert_eq!(answer["errors"][0]["extensions"]["code"], "BAD_USER_INPUT");
}

#[test]
fn every_type_is_compared_as_what_it_is() {
    const ROWS: &str = "\
flag,n,big,price,x,d,t,l,z,u
true,-5,-9223372036854775808,-1.50,1.0e23,0001-01-01,10:00:00,0001-01-01T00:00:00,0001-01-01T00:00:00Z,6BA7B810-9dad-11d1-80b4-00c04fd430c8
false,0,0,0.00,-2.5e-1,0999-12-31,10:00:00.5,2024-01-31T10:00:00,2024-01-31T10:00:00.000001Z,6ba7b811-9dad-11d1-80b4-00c04fd430c8
true,2147483647,9223372036854775807,99.99,5e-324,9999-12-31,10:00:00.25,2024-01-31T10:00:00.5,9999-12-31T23:59:59Z,6ba7b812-9dad-11d1-80b4-00c04fd430c8
,,,,,,,,,
";
    both_stores(|server| {
        let client = server.client();
        client.load("kinds", ROWS);
        let check = |filter: &str, expect: &[i64]| {
            let data = client.data(&format!("{{ kinds(where: {{{filter}}}) {{ id }} }}"));
            let rows = data["kinds"].as_array().unwrap();
            let ids: Vec<i64> = rows.iter().map(|row| row["id"].as_i64().unwrap()).collect();
            assert_eq!(ids, expect, "{filter}");
        };
        check("flag: {_gt: false}", &[1, 3]);
        check("flag: {_lte: false}", &[2]);
        check("flag: {_in: [true, false]}", &[1, 2, 3]);
        check("flag: {_nin: [true]}", &[2]);
        check("n: {_gte: 2147483647}", &[3]);
        check("n: {_nin: [0, 7]}", &[1, 3]);
        check("n: {_nin: []}", &[1, 2, 3, 4]);
        check("big: {_in: [\"-9223372036854775808\", 9223372036854775807]}", &[1, 3]);
        check("price: {_gt: \"-1.500001\", _lt: \"99.990001\"}", &[1, 2, 3]);
        check("price: {_lt: \"99.989999999999999999999999\"}", &[1, 2]);
        check("price: {_eq: \"99.990000\"}", &[3]);
        check("price: {_neq: \"99.9901\"}", &[1, 2, 3]);
        check("price: {_in: [-1.5, \"0.000\", \"99.991\"]}", &[1, 2]);
        check("price: {_gt: \"-99999999999999999999999999999999999999\"}", &[1, 2, 3]);
        check("x: {_in: [1e23, 5e-324, 7]}", &[1, 3]);
        check("x: {_eq: -0.25}", &[2]);
        check("x: {_gt: 9.999999999999998e22}", &[1]);
        check("x: {_nin: [1e23]}", &[2, 3]);
        check("d: {_lt: \"1000-01-01\"}", &[1, 2]);
        check("d: {_in: [\"0001-01-01\", \"9999-12-31\"]}", &[1, 3]);
        check("t: {_gt: \"10:00\"}", &[2, 3]);
        check("t: {_lt: \"10:00:00.5\"}", &[1, 3]);
        check("t: {_gte: \"10:00:00.250\"}", &[2, 3]);
        check("t: {_in: [\"10:00\", \"10:00:00.50\"]}", &[1, 2]);
        check("l: {_gt: \"2024-01-31 10:00\"}", &[3]);
        check("l: {_lte: \"2024-01-31T10:00:00.499999\"}", &[1, 2]);
        check("z: {_gt: \"2024-01-31T10:00:00Z\"}", &[2, 3]);
        check("z: {_lt: \"2024-01-31T12:00:00.000002+02:00\"}", &[1, 2]);
        check("z: {_in: [\"9999-12-31T23:59:59+00:00\"]}", &[3]);
        check("u: {_eq: \"6ba7b810-9dad-11d1-80b4-00c04fd430c8\"}", &[1]);
        check("u: {_eq: \"6BA7B811-9DAD-11D1-80B4-00C04FD430C8\"}", &[2]);
        check("u: {_in: [\"6ba7b8129dad11d180b400c04fd430c8\"]}", &[3]);
        check("u: {_gt: \"6ba7b811-9dad-11d1-80b4-00c04fd430c8\"}", &[3]);
        check("_and: []", &[1, 2, 3, 4]);
        check("_and: [{}], n: {}", &[1, 2, 3, 4]);
        check("_or: [{}]", &[1, 2, 3, 4]);
        check("_or: []", &[]);
        check("_not: {}", &[]);
        check("_not: {_and: []}", &[]);
        check("_not: {_or: []}", &[1, 2, 3, 4]);
        check("_not: {n: {_gt: 0}}", &[1, 2]);
    });
}

#[test]
fn ten_thousand_values_of_every_type_are_one_list() {
    both_stores(|server| {
        let client = server.client();
        client.load(
            "kinds",
            "n,big,price,x,d,t,u,s\n7,70000000000,7.25,7.5e-7,2024-01-07,00:00:07,00000000-0000-4000-8000-000000000007,seven\n",
        );
        let n = 10_000_u32;
        let list = |of: &dyn Fn(u32) -> Value| (0..n).map(of).collect::<Vec<_>>();
        for (field, value) in [
            ("n", list(&|n| json!(n))),
            ("big", list(&|n| json!(format!("{}0000000000", n)))),
            ("price", list(&|n| json!(format!("{n}.25")))),
            (
                "x",
                list(&|n| {
                    json!(f64::from(n) + 0.5)
                        .as_f64()
                        .map(|x| json!(format!("{x}e-7").parse::<f64>().unwrap()))
                        .unwrap()
                }),
            ),
            ("d", list(&|n| json!(format!("{:04}-01-07", n.max(1))))),
            ("t", list(&|n| json!(format!("{:02}:{:02}:{:02}", n / 3600, n / 60 % 60, n % 60)))),
            ("u", list(&|n| json!(format!("00000000-0000-4000-8000-{n:012}")))),
            ("s", list(&|n| json!(if n == 7 { "seven".to_owned() } else { n.to_string() }))),
        ] {
            for (operator, expect) in [("_in", 1), ("_nin", 0)] {
                let data = client.data_with(
                    "query($w: KindsBoolExp!) { kinds(where: $w) { id } }",
                    &json!({ "w": { field: { operator: value } } }),
                );
                assert_eq!(data["kinds"].as_array().unwrap().len(), expect, "{field} {operator}");
            }
        }
    });
}
