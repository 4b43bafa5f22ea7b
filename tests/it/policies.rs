//! With any policy, answers are those of a naive evaluator over the permitted rows and columns.
//!
//! Tables, filters and queries are those of the evaluator; rows, columns, masks and operations that
//! a policy permits are drawn. Both stores must answer alike.

use hmac::{Hmac, KeyInit, Mac};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::evaluator::{self, FIELDS, Filter, Query, Row};
use crate::harness::server::Options;
use crate::harness::{Client, Server, StoreKind};
use crate::walk;

/// Tables and policies per run, and queries per table.
const N_TABLES: u32 = 12;
const N_QUERIES: usize = 8;
/// What hashes of masked values begin with: both stores know it.
const PEPPER: &str = "a pepper that both servers of a test have";

#[derive(Clone, Copy, Debug, PartialEq)]
enum Mask {
    Hide,
    Null,
    Partial,
    Hash,
}

#[derive(Clone, Debug)]
struct Policy {
    filter: Option<Filter>,
    /// Whether the values of its filter come from claims.
    has_claims: bool,
    is_listed: Option<[bool; 5]>,
    masks: [Option<Mask>; 5],
    has_aggregates: bool,
    max_rows: Option<usize>,
}

fn policy() -> impl Strategy<Value = Policy> {
    let any = || {
        let masks = vec![Mask::Hide, Mask::Null, Mask::Partial, Mask::Hash];
        prop::option::weighted(0.4, prop::sample::select(masks))
    };
    let plain = || prop::option::weighted(0.3, prop::sample::select(vec![Mask::Hide, Mask::Null]));
    let masks =
        (any(), plain(), any(), plain(), plain()).prop_map(|it| [it.0, it.1, it.2, it.3, it.4]);
    (
        prop::option::weighted(0.8, evaluator::filter()),
        any_bool(),
        prop::option::weighted(0.5, prop::array::uniform5(prop::bool::weighted(0.7))),
        masks,
        prop::bool::weighted(0.8),
        prop::option::weighted(0.3, 1..10_usize),
    )
        .prop_map(|(filter, has_claims, is_listed, masks, has_aggregates, max_rows)| Policy {
            filter,
            has_claims,
            is_listed,
            masks,
            has_aggregates,
            max_rows,
        })
}

fn any_bool() -> impl Strategy<Value = bool> {
    any::<bool>()
}

/// Puts claims in the place of values; gives them.
fn take_claims(filter: &mut Value, claims: &mut Map<String, Value>) {
    match filter {
        Value::Array(items) => items.iter_mut().for_each(|item| take_claims(item, claims)),
        Value::Object(map) => {
            for (name, value) in map {
                let is_operator =
                    name.starts_with('_') && !["_and", "_or", "_not"].contains(&name.as_str());
                // Whether a value is missing is decided when the policy is set, not by a claim.
                if is_operator && name != "_isNull" {
                    let claim = format!("c{}", claims.len());
                    claims.insert(claim.clone(), value.take());
                    *value = json!(format!("$claims.{claim}"));
                } else {
                    take_claims(value, claims);
                }
            }
        }
        _ => {}
    }
}

impl Policy {
    fn is_visible(&self, column: usize) -> bool {
        self.is_listed.is_none_or(|listed| listed[column]) && self.masks[column] != Some(Mask::Hide)
    }

    /// Whether the whole number is shown as a text.
    fn shows_text(&self) -> bool {
        matches!(self.masks[0], Some(Mask::Partial | Mask::Hash))
    }

    /// The arguments of setPolicy, and the claims of the key.
    fn json(&self) -> (Value, Map<String, Value>) {
        let mut claims = Map::new();
        let mut filter = self.filter.as_ref().map(Filter::to_json);
        if let (true, Some(filter)) = (self.has_claims, &mut filter) {
            take_claims(filter, &mut claims);
        }
        let columns = self.is_listed.map(|listed| {
            let seen = (0..FIELDS.len()).filter(|column| listed[*column]).map(|it| FIELDS[it]);
            std::iter::once("id").chain(seen).collect::<Vec<_>>()
        });
        let masks: Vec<Value> = (0..FIELDS.len())
            .filter_map(|column| {
                let mask = format!("{:?}", self.masks[column]?).to_uppercase();
                Some(json!({ "column": FIELDS[column], "mask": mask }))
            })
            .collect();
        let operations =
            if self.has_aggregates { json!(["SELECT", "AGGREGATE"]) } else { json!(["SELECT"]) };
        let arguments = json!({
            "f": filter, "c": columns, "m": masks, "o": operations, "n": self.max_rows,
        });
        (arguments, claims)
    }

    /// A row as it is shown; the whole number stays as it is where a text is shown for it.
    fn shown(&self, row: &Row, secret: &str) -> Row {
        let is_null = |column: usize| self.masks[column] == Some(Mask::Null);
        let mut shown = row.clone();
        if is_null(0) {
            shown.0 = None;
        }
        if is_null(1) {
            shown.1 = None;
        }
        shown.2 = shown.2.and_then(|word| masked(&word, self.masks[2], secret));
        if is_null(3) {
            shown.3 = None;
        }
        if is_null(4) {
            shown.4 = None;
        }
        shown
    }
}

fn masked(text: &str, mask: Option<Mask>, secret: &str) -> Option<String> {
    match mask {
        None => Some(text.to_owned()),
        Some(Mask::Null | Mask::Hide) => None,
        Some(Mask::Partial) => {
            let signs: Vec<char> = text.chars().collect();
            Some(match (signs.first(), signs.last()) {
                (Some(first), Some(last)) if signs.len() >= 5 => format!("{first}***{last}"),
                _ => "***".to_owned(),
            })
        }
        Some(Mask::Hash) => Some(hex(&Sha256::digest(format!("{secret}{text}")))[..32].to_owned()),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What masked values of a workspace are hashed with.
fn secret_of(workspace: &str) -> String {
    let mut hmac = Hmac::<Sha256>::new_from_slice(PEPPER.as_bytes()).unwrap();
    hmac.update(b"masks");
    let id = uuid::Uuid::parse_str(workspace).unwrap();
    let hash = Sha256::new().chain_update(hmac.finalize().into_bytes()).chain_update(id.as_bytes());
    hex(&hash.finalize())
}

/// A document over what a policy shows.
fn document(policy: &Policy) -> String {
    let seen: Vec<&str> =
        (0..FIELDS.len()).filter(|it| policy.is_visible(*it)).map(|it| FIELDS[it]).collect();
    let has = |column: usize| policy.is_visible(column) && (column != 0 || !policy.shows_text());
    let part = |name: &str, columns: &[usize]| {
        let fields: Vec<&str> =
            columns.iter().filter(|it| has(**it)).map(|it| FIELDS[*it]).collect();
        if fields.is_empty() { String::new() } else { format!("{name} {{ {} }}", fields.join(" ")) }
    };
    let aggregate = [
        part("sum", &[0, 1]),
        part("avg", &[1]),
        part("min", &[4]),
        part("max", &[2]),
        part("varPop", &[0]),
        part("variance", &[1]),
    ]
    .join(" ");
    let aggregates = match policy.has_aggregates {
        true => format!("all: thingsAggregate(where: $w) {{ aggregate {{ count {aggregate} }} }}"),
        false => String::new(),
    };
    // Only where something may be counted.
    let total = if policy.has_aggregates { "totalCount" } else { "" };
    let groups = match (policy.has_aggregates, has(3)) {
        (true, true) => {
            "groups: thingsGroupBy(by: [{column: TRUTH}], where: $w, limit: 1) { keys { truth } aggregate { count } }"
        }
        _ => "",
    };
    format!(
        "query($w: ThingsBoolExp, $o: [ThingsOrderBy!], $l: Int, $s: Int) {{
            things(where: $w, orderBy: $o, limit: $l, offset: $s) {{ id {} }} {aggregates} {groups}
            pages: thingsConnection(where: $w, orderBy: $o, first: 1) {{ {total} nodes {{ id }} }} }}",
        seen.join(" ")
    )
}

/// The evaluator's answer over what a policy shows.
fn expect(policy: &Policy, rows: &[Row], query: &Query, secret: &str) -> Value {
    let is_permitted =
        |row: &Row| policy.filter.as_ref().is_none_or(|filter| filter.holds(row) == Some(true));
    let permitted: Vec<(usize, Row)> = rows
        .iter()
        .enumerate()
        .filter(|(_, row)| is_permitted(row))
        .map(|(position, row)| (position, policy.shown(row, secret)))
        .collect();
    let mut answer = evaluator::expect_of(permitted.iter().map(|(n, row)| (*n, row)), query);
    for row in answer["things"].as_array_mut().unwrap() {
        let row = row.as_object_mut().unwrap();
        if let (true, Some(n)) = (policy.shows_text(), row["n"].as_i64()) {
            row["n"] = json!(masked(&n.to_string(), policy.masks[0], secret));
        }
        row.retain(|name, _| name == "id" || is_seen(policy, name));
    }
    let all = answer["all"]["aggregate"].as_object_mut().unwrap();
    for (_, part) in all.iter_mut() {
        if let Some(part) = part.as_object_mut() {
            part.retain(|name, _| is_seen(policy, name) && (name != "n" || !policy.shows_text()));
        }
    }
    all.retain(|_, part| part.as_object().is_none_or(|part| !part.is_empty()));
    let fitting: Vec<&(usize, Row)> = permitted.iter().filter(|(_, row)| query.fits(row)).collect();
    let answer_of = answer.as_object_mut().unwrap();
    if !policy.has_aggregates {
        answer_of.remove("all");
    } else if policy.is_visible(3) {
        // Keys in their order, a missing one last.
        let first = [Some(false), Some(true), None].into_iter().find_map(|truth| {
            let n = fitting.iter().filter(|(_, row)| row.3 == truth).count();
            (n > 0).then(|| json!({ "keys": {"truth": truth}, "aggregate": {"count": n} }))
        });
        answer_of.insert("groups".to_owned(), first.into_iter().collect());
    }
    let first =
        evaluator::expect_of(permitted.iter().map(|(n, row)| (*n, row)), &query.with_window(1, 0));
    let nodes: Vec<Value> =
        first["things"].as_array().unwrap().iter().map(|row| json!({ "id": row["id"] })).collect();
    let pages = match policy.has_aggregates {
        true => json!({ "totalCount": fitting.len(), "nodes": nodes }),
        false => json!({ "nodes": nodes }),
    };
    answer_of.insert("pages".to_owned(), pages);
    answer
}

fn is_seen(policy: &Policy, name: &str) -> bool {
    FIELDS.iter().position(|field| *field == name).is_some_and(|column| policy.is_visible(column))
}

/// A client that the policy holds for.
fn restricted(admin: &Client, policy: &Policy) -> Client {
    let (arguments, claims) = policy.json();
    admin.data_with(
        "mutation($f: JSON, $c: [String!], $m: [ColumnMaskInput!], $o: [PolicyOperation!], $n: Int) {
            setPolicy(dataset: \"things\", role: \"r\", filter: $f, columns: $c, masks: $m, operations: $o, maxRows: $n) { role } }",
        &arguments,
    );
    let made = admin.data_with(
        "mutation($c: JSON) { createKey(name: \"x\", role: \"r\", claims: $c) { key } }",
        &json!({ "c": claims }),
    );
    admin.with_key(made["createKey"]["key"].as_str().unwrap())
}

#[test]
fn answers_are_those_over_the_permitted_rows_and_columns() {
    let servers = [StoreKind::Sqlite, StoreKind::Postgres].map(|kind| {
        // Small tables have columns, too.
        let (options, database) = Options::of(kind);
        let options = options.variable("API_KEY_SALT", PEPPER);
        Server::start_with(options.variable("SLUICE_COLUMNAR_MIN_ROWS", "0"), database)
    });
    let admins: Vec<(Client, String)> = servers
        .iter()
        .map(|server| {
            let admin = server.client();
            let id = admin.data("{ workspace { id } }");
            let secret = secret_of(id["workspace"]["id"].as_str().unwrap());
            (admin, secret)
        })
        .collect();
    let config = Config { cases: N_TABLES, max_shrink_iters: 64, ..Config::default() };
    let queries = prop::collection::vec(evaluator::query(), N_QUERIES);
    let cases = (evaluator::table(), policy(), queries);
    let outcome = TestRunner::new(config).run(&cases, |(rows, policy, queries)| {
        let csv = evaluator::write_csv(&rows);
        let mut bodies: Vec<Vec<String>> = Vec::new();
        for (admin, secret) in &admins {
            admin.load("things", &csv);
            let client = restricted(admin, &policy);
            let mut told = Vec::new();
            for query in &queries {
                told.push(compare(&client, &policy, &rows, query, secret)?);
            }
            bodies.push(told);
        }
        if !policy.masks.contains(&Some(Mask::Hash)) {
            // Hashes are those of their workspace.
            prop_assert_eq!(&bodies[0], &bodies[1], "both stores answer the same bytes");
        }
        Ok(())
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
}

fn compare(
    client: &Client,
    policy: &Policy,
    rows: &[Row],
    query: &Query,
    secret: &str,
) -> Result<String, TestCaseError> {
    let (limit, offset) = query.window();
    let variables = json!({
        "w": query.filter_json(), "o": query.order_json(), "l": limit, "s": offset,
    });
    let answer = client.graphql(&document(policy), &variables);
    let is_hidden = (0..FIELDS.len()).any(|it| query.uses(it) && !policy.is_visible(it));
    if is_hidden || policy.max_rows.is_some_and(|most| limit > most) {
        prop_assert_eq!(answer.code(), "BAD_USER_INPUT", "{}", &variables);
        prop_assert!(answer.json().get("data").is_none_or(Value::is_null));
    } else if policy.shows_text() && query.uses(0) {
        // Its operands are numbers, and the column is a text now.
    } else {
        prop_assert_eq!(&answer.data(), &expect(policy, rows, query, secret), "{}", &variables);
        if policy.has_aggregates && policy.max_rows.is_none() && limit % 4 == 0 {
            // Cursors lead over the rows that are seen, by the values that are shown.
            let variables = json!({ "w": query.filter_json(), "o": query.order_json(), "d": null });
            walk::check(client, "things", "Things", &variables, &[2, 5])?;
        }
        return Ok(answer.text);
    }
    Ok(String::new())
}
