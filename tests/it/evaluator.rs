//! Filters, orders and pages against a naive evaluator in memory, on generated tables and queries.
//!
//! Both stores must answer the same bytes, and what the evaluator says. A comparison with a missing
//! value is neither true nor false, as in SQL.

use std::cmp::Ordering;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Map, Value, json};

use crate::harness::server::Options;
use crate::harness::{Client, Server, StoreKind};

/// A row: whole number, cents, text, truth, day of January 2024.
pub(crate) type Row = (Option<i32>, Option<i64>, Option<String>, Option<bool>, Option<u32>);

/// Tables per run, and queries per table.
const N_TABLES: u32 = 16;
const N_QUERIES: usize = 24;

pub(crate) const FIELDS: [&str; 5] = ["n", "cents", "word", "truth", "day"];

#[test]
fn answers_are_those_of_a_naive_evaluator() {
    const DOCUMENT: &str = "query($w: ThingsBoolExp, $o: [ThingsOrderBy!], $l: Int, $s: Int) {
        things(where: $w, orderBy: $o, limit: $l, offset: $s) { id n cents word truth day }
        all: thingsAggregate(where: $w) { aggregate { count sum { n cents } avg { cents } min { day } max { word } varPop { n } variance { cents } } } }";
    compare(N_TABLES, DOCUMENT, query(), |query, rows| {
        let variables = json!({
            "w": query.filter_json(),
            "o": query.order_json(),
            "l": query.limit,
            "s": query.offset,
        });
        (variables, expect(rows, query))
    });
}

/// Asks both stores a document about generated tables; `make` gives the variables of a query and
/// the data that must come.
pub(crate) fn compare<Q: std::fmt::Debug>(
    n_tables: u32,
    document: &str,
    query: impl Strategy<Value = Q>,
    make: impl Fn(&Q, &[Row]) -> (Value, Value),
) {
    // Of the embedded store both ways: from columns, and from rows.
    let small = ("SLUICE_COLUMNAR_MIN_ROWS", "0");
    let servers = [
        Server::start_set(StoreKind::Sqlite, small.0, small.1),
        Server::start(StoreKind::Sqlite),
        Server::start_with(
            Options::of(StoreKind::Sqlite)
                .0
                .variable(small.0, small.1)
                .variable("SLUICE_COLUMNAR", "off"),
            None,
        ),
        Server::start(StoreKind::Postgres),
    ];
    let clients: Vec<Client> = servers.iter().map(Server::client).collect();
    let config = Config { cases: n_tables, max_shrink_iters: 64, ..Config::default() };
    let queries = prop::collection::vec(query, N_QUERIES);
    let outcome = TestRunner::new(config).run(&(table(), queries), |(rows, queries)| {
        let csv = write_csv(&rows);
        for client in &clients {
            client.load("things", &csv);
        }
        for query in &queries {
            let (variables, expected) = make(query, &rows);
            let mut bodies = Vec::new();
            for client in &clients {
                let answer = client.graphql(document, &variables);
                prop_assert_eq!(&answer.data(), &expected, "{}", &variables);
                bodies.push(answer.text);
            }
            for body in &bodies {
                prop_assert_eq!(body, &bodies[0], "all answer the same bytes");
            }
        }
        Ok(())
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
}

// ---------------------------------------------------------------- tables

pub(crate) fn table() -> impl Strategy<Value = Vec<Row>> {
    let row = (
        prop::option::weighted(0.8, -3..4_i32),
        prop::option::weighted(0.8, -300..300_i64),
        prop::option::weighted(0.8, word()),
        prop::option::weighted(0.8, any::<bool>()),
        prop::option::weighted(0.8, 1..6_u32),
    );
    prop::collection::vec(row, 0..25).prop_map(|mut rows| {
        // Two rows that give every column its type.
        rows.push((Some(2_000), Some(1_005), Some("Zz".to_owned()), Some(true), Some(31)));
        rows.push((Some(-5), Some(-7), Some("a%b_c\\d".to_owned()), Some(false), Some(1)));
        rows
    })
}

fn word() -> impl Strategy<Value = String> {
    prop::collection::vec(
        prop::sample::select(vec![
            "a", "A", "b", "é", "É", "ß", "%", "_", "\\", "\"", " ", "😀", ",",
        ]),
        0..4,
    )
    .prop_map(|parts| parts.concat())
}

pub(crate) fn write_csv(rows: &[Row]) -> String {
    let mut csv = String::from("n,cents,word,truth,day\n");
    for (n, cents, word, truth, day) in rows {
        let word = word.as_ref().map(|word| format!("\"{}\"", word.replace('"', "\"\"")));
        let cells = [
            n.map(|n| n.to_string()),
            cents.map(decimal),
            word,
            truth.map(|truth| truth.to_string()),
            day.map(date),
        ];
        csv.push_str(&cells.map(Option::unwrap_or_default).join(","));
        csv.push('\n');
    }
    csv
}

pub(crate) fn decimal(cents: i64) -> String {
    let sign = if cents < 0 { "-" } else { "" };
    format!("{sign}{}.{:02}", cents.abs() / 100, cents.abs() % 100)
}

pub(crate) fn date(day: u32) -> String {
    format!("2024-01-{day:02}")
}

/// The cell of a row as JSON.
pub(crate) fn cell(row: &Row, column: usize) -> Value {
    match column {
        0 => json!(row.0),
        1 => json!(row.1.map(decimal)),
        2 => json!(row.2),
        3 => json!(row.3),
        _ => json!(row.4.map(date)),
    }
}

// ---------------------------------------------------------------- queries

#[derive(Clone, Debug)]
pub(crate) struct Query {
    filter: Filter,
    order: Vec<Key>,
    limit: usize,
    offset: usize,
}

#[derive(Clone, Debug)]
struct Key {
    column: usize,
    is_descending: bool,
    has_nulls_first: Option<bool>,
}

#[derive(Clone, Debug)]
pub(crate) enum Filter {
    And(Vec<Filter>),
    Or(Vec<Filter>),
    Not(Box<Filter>),
    Compare(usize, &'static str, Value),
}

pub(crate) fn query() -> impl Strategy<Value = Query> {
    let key = (0..5_usize, any::<bool>(), any::<Option<bool>>()).prop_map(
        |(column, is_descending, has_nulls_first)| Key { column, is_descending, has_nulls_first },
    );
    (filter(), prop::collection::vec(key, 0..4), 0..30_usize, 0..6_usize)
        .prop_map(|(filter, order, limit, offset)| Query { filter, order, limit, offset })
}

pub(crate) fn filter() -> impl Strategy<Value = Filter> {
    comparison().prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Filter::And),
            prop::collection::vec(inner.clone(), 0..3).prop_map(Filter::Or),
            inner.prop_map(|inner| Filter::Not(Box::new(inner))),
        ]
    })
}

fn comparison() -> impl Strategy<Value = Filter> {
    const ORDERED: [&str; 6] = ["_eq", "_neq", "_gt", "_gte", "_lt", "_lte"];
    const TEXT: [&str; 10] = [
        "_similar",
        "_niregex",
        "_like",
        "_nilike",
        "_startsWith",
        "_iendsWith",
        "_contains",
        "_icontains",
        "_istartsWith",
        "_endsWith",
    ];
    let operand = |column: usize| match column {
        0 => (-3..4_i32).prop_map(|n| json!(n)).boxed(),
        // Thousandths: some lie between two cells.
        1 => (-3_000..3_000_i64)
            .prop_map(|n| {
                let sign = if n < 0 { "-" } else { "" };
                json!(format!("{sign}{}.{:03}", n.abs() / 1000, n.abs() % 1000))
            })
            .boxed(),
        2 => word().prop_map(|word| json!(word)).boxed(),
        3 => any::<bool>().prop_map(|truth| json!(truth)).boxed(),
        _ => (1..6_u32).prop_map(|day| json!(date(day))).boxed(),
    };
    let compare = (0..5_usize, prop::sample::select(ORDERED.to_vec())).prop_flat_map(
        move |(column, operator)| {
            operand(column).prop_map(move |operand| Filter::Compare(column, operator, operand))
        },
    );
    let list = (0..5_usize, any::<bool>()).prop_flat_map(move |(column, is_in)| {
        let operator = if is_in { "_in" } else { "_nin" };
        prop::collection::vec(operand(column), 0..4)
            .prop_map(move |list| Filter::Compare(column, operator, json!(list)))
    });
    let null = (0..5_usize, any::<bool>())
        .prop_map(|(column, is_null)| Filter::Compare(column, "_isNull", json!(is_null)));
    let text = (prop::sample::select(TEXT.to_vec()), word()).prop_map(|(operator, word)| {
        // A pattern may not end in a lone backslash.
        let is_pattern = ["like", "similar", "regex"].iter().any(|end| operator.ends_with(end));
        let word = if is_pattern { word.replace('\\', "%") } else { word };
        Filter::Compare(2, operator, json!(word))
    });
    prop_oneof![4 => compare, 2 => list, 1 => null, 3 => text]
}

impl Query {
    pub(crate) fn filter_json(&self) -> Value {
        self.filter.to_json()
    }

    /// Whether it filters or sorts by a column.
    pub(crate) fn uses(&self, column: usize) -> bool {
        self.filter.uses(column) || self.order.iter().any(|key| key.column == column)
    }

    /// Whether its filter holds for a row.
    pub(crate) fn fits(&self, row: &Row) -> bool {
        self.filter.holds(row) == Some(true)
    }

    /// The same for another page.
    pub(crate) fn with_window(&self, limit: usize, offset: usize) -> Query {
        Query { limit, offset, ..self.clone() }
    }

    pub(crate) fn window(&self) -> (usize, usize) {
        (self.limit, self.offset)
    }

    pub(crate) fn order_json(&self) -> Value {
        self.order.iter().map(|key| json!({ FIELDS[key.column]: key.name() })).collect()
    }
}

impl Key {
    fn name(&self) -> String {
        let direction = if self.is_descending { "DESC" } else { "ASC" };
        match self.has_nulls_first {
            Some(true) => format!("{direction}_NULLS_FIRST"),
            Some(false) => format!("{direction}_NULLS_LAST"),
            None => direction.to_owned(),
        }
    }
}

impl Filter {
    pub(crate) fn to_json(&self) -> Value {
        match self {
            Filter::And(parts) => {
                json!({ "_and": parts.iter().map(Filter::to_json).collect::<Vec<_>>() })
            }
            Filter::Or(parts) => {
                json!({ "_or": parts.iter().map(Filter::to_json).collect::<Vec<_>>() })
            }
            Filter::Not(inner) => json!({ "_not": inner.to_json() }),
            Filter::Compare(column, operator, operand) => {
                json!({ FIELDS[*column]: { *operator: operand } })
            }
        }
    }

    fn uses(&self, wanted: usize) -> bool {
        match self {
            Filter::And(parts) | Filter::Or(parts) => parts.iter().any(|part| part.uses(wanted)),
            Filter::Not(inner) => inner.uses(wanted),
            Filter::Compare(column, ..) => *column == wanted,
        }
    }

    /// True, false, or neither.
    pub(crate) fn holds(&self, row: &Row) -> Option<bool> {
        match self {
            Filter::And(parts) => parts.iter().map(|part| part.holds(row)).fold(Some(true), and),
            Filter::Or(parts) => {
                let none = parts.iter().map(|part| part.holds(row).map(|is| !is));
                none.fold(Some(true), and).map(|is| !is)
            }
            Filter::Not(inner) => inner.holds(row).map(|is| !is),
            Filter::Compare(column, operator, operand) => {
                holds(&cell(row, *column), *column, operator, operand)
            }
        }
    }
}

pub(crate) fn and(a: Option<bool>, b: Option<bool>) -> Option<bool> {
    match (a, b) {
        (Some(false), _) | (_, Some(false)) => Some(false),
        (Some(true), Some(true)) => Some(true),
        _ => None,
    }
}

fn holds(cell: &Value, column: usize, operator: &str, operand: &Value) -> Option<bool> {
    if operator == "_isNull" {
        return Some(cell.is_null() == operand.as_bool().unwrap());
    }
    if let Some(list) = operand.as_array() {
        let is_in = list.iter().any(|item| order(cell, item, column) == Ordering::Equal);
        return match (list.is_empty(), cell.is_null()) {
            (true, _) => Some(operator == "_nin"),
            (false, true) => None,
            (false, false) => Some(is_in == (operator == "_in")),
        };
    }
    if cell.is_null() {
        return None;
    }
    let ordering = order(cell, operand, column);
    let (text, wanted) = (cell.as_str().unwrap_or(""), operand.as_str().unwrap_or(""));
    let (lower, wanted_lower) = (text.to_lowercase(), wanted.to_lowercase());
    Some(match operator {
        "_eq" => ordering == Ordering::Equal,
        "_neq" => ordering != Ordering::Equal,
        "_gt" => ordering == Ordering::Greater,
        "_gte" => ordering != Ordering::Less,
        "_lt" => ordering == Ordering::Less,
        "_lte" => ordering != Ordering::Greater,
        "_like" => like(text, wanted),
        "_nilike" => !like(&lower, &wanted_lower),
        "_similar" => like(text, wanted),
        // These words hold nothing that is special in a regular expression.
        "_niregex" => !lower.contains(&wanted_lower),
        "_startsWith" => text.starts_with(wanted),
        "_istartsWith" => lower.starts_with(&wanted_lower),
        "_endsWith" => text.ends_with(wanted),
        "_iendsWith" => lower.ends_with(&wanted_lower),
        "_contains" => text.contains(wanted),
        "_icontains" => lower.contains(&wanted_lower),
        other => panic!("{other}"),
    })
}

fn like(text: &str, pattern: &str) -> bool {
    let Some(first) = pattern.chars().next() else { return text.is_empty() };
    let rest = &pattern[first.len_utf8()..];
    match first {
        '%' => text
            .char_indices()
            .map(|(at, _)| at)
            .chain([text.len()])
            .any(|at| like(&text[at..], rest)),
        wanted => match text.chars().next() {
            Some(found) if wanted == '_' || wanted == found => {
                like(&text[found.len_utf8()..], rest)
            }
            _ => false,
        },
    }
}

pub(crate) fn order(a: &Value, b: &Value, column: usize) -> Ordering {
    match column {
        0 => a.as_i64().cmp(&b.as_i64()),
        1 => thousandths(a).cmp(&thousandths(b)),
        3 => a.as_bool().cmp(&b.as_bool()),
        _ => a.as_str().cmp(&b.as_str()),
    }
}

fn thousandths(value: &Value) -> Option<i64> {
    let text = value.as_str()?;
    let (whole, part) = text.split_once('.')?;
    let digits = format!("{}{part:0<3}", whole.trim_start_matches('-'));
    let n: i64 = digits.parse().unwrap();
    Some(if text.starts_with('-') { -n } else { n })
}

// ---------------------------------------------------------------- answers

fn expect(rows: &[Row], query: &Query) -> Value {
    expect_of(rows.iter().enumerate(), query)
}

/// The answer over rows with their positions in the file.
pub(crate) fn expect_of<'r>(rows: impl Iterator<Item = (usize, &'r Row)>, query: &Query) -> Value {
    let mut kept: Vec<(usize, &Row)> =
        rows.filter(|(_, row)| query.filter.holds(row) == Some(true)).collect();
    let aggregate = aggregate(&kept);
    kept.sort_by(|(_, a), (_, b)| {
        query
            .order
            .iter()
            .fold(Ordering::Equal, |sorted, key| sorted.then_with(|| compare_by(key, a, b)))
    });
    let list: Vec<Value> = kept
        .iter()
        .skip(query.offset)
        .take(query.limit)
        .map(|(position, row)| {
            let mut object = Map::new();
            object.insert("id".to_owned(), json!(position + 1));
            for (column, field) in FIELDS.iter().enumerate() {
                object.insert((*field).to_owned(), cell(row, column));
            }
            Value::Object(object)
        })
        .collect();
    json!({ "things": list, "all": { "aggregate": aggregate } })
}

fn compare_by(key: &Key, a: &Row, b: &Row) -> Ordering {
    let (a, b) = (cell(a, key.column), cell(b, key.column));
    let has_nulls_first = key.has_nulls_first.unwrap_or(key.is_descending);
    match (a.is_null(), b.is_null()) {
        (true, true) => Ordering::Equal,
        (true, false) if has_nulls_first => Ordering::Less,
        (true, false) => Ordering::Greater,
        (false, true) if has_nulls_first => Ordering::Greater,
        (false, true) => Ordering::Less,
        (false, false) if key.is_descending => order(&b, &a, key.column),
        (false, false) => order(&a, &b, key.column),
    }
}

fn aggregate(rows: &[(usize, &Row)]) -> Value {
    let n: Vec<i64> = rows.iter().filter_map(|(_, row)| row.0).map(i64::from).collect();
    let cents: Vec<i64> = rows.iter().filter_map(|(_, row)| row.1).collect();
    let sum = |values: &[i64]| (!values.is_empty()).then(|| values.iter().sum::<i64>());
    json!({
        "count": rows.len(),
        "sum": { "n": sum(&n).map(|sum| sum.to_string()), "cents": sum(&cents).map(decimal) },
        "avg": { "cents": average(&cents) },
        "min": { "day": rows.iter().filter_map(|(_, row)| row.4).min().map(date) },
        "max": { "word": rows.iter().filter_map(|(_, row)| row.2.clone()).max() },
        "varPop": { "n": printed(variance(&n, 0, 1.0)) },
        "variance": { "cents": printed(variance(&cents, 1, 10_000.0)) },
    })
}

/// A double as JSON that was read: readers may be off by the last bit, always in the same way.
pub(crate) fn printed(value: Option<f64>) -> Value {
    value.map_or(Value::Null, |value| serde_json::from_str(&format!("{value:?}")).unwrap())
}

/// The mean of cents with six digits after the point, rounded half away from zero.
pub(crate) fn average(cents: &[i64]) -> Option<String> {
    let n = i64::try_from(cents.len()).unwrap();
    let scaled = cents.iter().sum::<i64>() * 10_000;
    (n > 0).then(|| {
        let micros = (2 * scaled + n * scaled.signum()) / (2 * n);
        let sign = if micros < 0 { "-" } else { "" };
        format!("{sign}{}.{:06}", micros.abs() / 1_000_000, micros.abs() % 1_000_000)
    })
}

/// The variance with `less` taken from one count, of numbers that are `unit`-th parts.
pub(crate) fn variance(values: &[i64], less: i64, unit: f64) -> Option<f64> {
    let n = i64::try_from(values.len()).unwrap();
    let (sum, squares): (i64, i64) = (values.iter().sum(), values.iter().map(|v| v * v).sum());
    // Small whole numbers: one division, one rounding.
    let double = |n: i64| n.to_string().parse::<f64>().unwrap();
    (n > less).then(|| double(n * squares - sum * sum) / (double(n * (n - less)) * unit))
}
