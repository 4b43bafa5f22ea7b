//! Groups against a naive evaluator in memory, on generated tables and queries, on both stores.

use std::cmp::Ordering;

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use crate::evaluator::{
    FIELDS, Filter, Row, and, average, cell, compare, date, decimal, filter, order, printed,
    variance,
};

const N_TABLES: u32 = 10;

#[test]
fn groups_are_those_of_a_naive_evaluator() {
    const DOCUMENT: &str = "query($b: [ThingsGroupKey!]!, $w: ThingsBoolExp, $h: ThingsHavingExp, $o: [ThingsGroupOrderBy!], $l: Int, $s: Int) {
        groups: thingsGroupBy(by: $b, where: $w, having: $h, orderBy: $o, limit: $l, offset: $s) {
            keys { n cents word truth day } aggregate { count sum { n cents } avg { cents } max { day } varPop { n } } } }";
    compare(N_TABLES, DOCUMENT, query(), |query, rows| {
        let variables = json!({
            "b": query.by.iter().map(Key::to_json).collect::<Vec<_>>(),
            "w": query.filter.to_json(),
            "h": query.having.to_json(),
            "o": query.order.iter().map(|(by, is_descending)| {
                by.to_json(if *is_descending { "DESC" } else { "ASC" }, &query.by)
            }).collect::<Vec<_>>(),
            "l": query.limit,
            "s": query.offset,
        });
        (variables, json!({ "groups": expect(rows, query) }))
    });
}

#[derive(Clone, Debug)]
struct Query {
    by: Vec<Key>,
    filter: Filter,
    having: Having,
    order: Vec<(By, bool)>,
    limit: usize,
    offset: usize,
}

/// A column, and the width of its bins or the days of its periods.
#[derive(Clone, Debug)]
struct Key {
    column: usize,
    part: Option<i64>,
}

/// What groups are sorted by.
#[derive(Clone, Copy, Debug)]
enum By {
    /// The key at this place, counted around.
    Key(usize),
    Count,
    Sum,
    Average,
    Variance,
}

#[derive(Clone, Debug)]
enum Having {
    All(Vec<Having>),
    Not(Box<Having>),
    Count(&'static str, i64),
    Sum(&'static str, i64),
    Average(&'static str, i64),
    Latest(&'static str, u32),
}

fn query() -> impl Strategy<Value = Query> {
    let keys = prop::sample::subsequence(vec![0, 1, 2, 3, 4_usize], 1..4).prop_shuffle();
    let parts = prop::collection::vec(any::<Option<bool>>(), 4);
    let by = (keys, parts).prop_map(|(columns, parts)| {
        let key = |(column, part): (usize, Option<bool>)| {
            let part = match column {
                0 | 1 => part.map(|is_wide| if is_wide { 3 } else { 2 }),
                4 => part.map(|_| 7),
                _ => None,
            };
            Key { column, part }
        };
        columns.into_iter().zip(parts).map(key).collect::<Vec<_>>()
    });
    let order = prop_oneof![
        (0..4_usize).prop_map(By::Key),
        Just(By::Count),
        Just(By::Sum),
        Just(By::Average),
        Just(By::Variance),
    ];
    let order = prop::collection::vec((order, any::<bool>()), 0..3);
    (by, filter(), having(), order, 0..12_usize, 0..3_usize).prop_map(
        |(by, filter, having, order, limit, offset)| Query {
            by,
            filter,
            having,
            order,
            limit,
            offset,
        },
    )
}

fn having() -> impl Strategy<Value = Having> {
    let operator = || prop::sample::select(vec!["_eq", "_neq", "_gt", "_gte", "_lt", "_lte"]);
    let leaf = prop_oneof![
        (operator(), 0..4_i64).prop_map(|(operator, n)| Having::Count(operator, n)),
        (operator(), -3..4_i64).prop_map(|(operator, n)| Having::Sum(operator, n)),
        (operator(), -300..300_i64).prop_map(|(operator, n)| Having::Average(operator, n)),
        (operator(), 1..6_u32).prop_map(|(operator, day)| Having::Latest(operator, day)),
    ];
    leaf.prop_recursive(2, 6, 2, |inner| {
        prop_oneof![
            2 => prop::collection::vec(inner.clone(), 0..2).prop_map(Having::All),
            1 => inner.prop_map(|inner| Having::Not(Box::new(inner))),
        ]
    })
}

impl Key {
    fn to_json(&self) -> Value {
        let mut key = json!({ "column": FIELDS[self.column].to_uppercase() });
        match (self.column, self.part) {
            (0, Some(width)) => key["bin"] = json!(width.to_string()),
            (1, Some(width)) => key["bin"] = json!(format!("0.{:02}", width * 25)),
            (4, Some(_)) => key["truncate"] = json!("WEEK"),
            _ => {}
        }
        key
    }

    fn of(&self, row: &Row) -> Value {
        match (self.column, self.part) {
            (0, Some(width)) => {
                json!(row.0.map(|n| i64::from(n).div_euclid(width) * width))
            }
            (1, Some(width)) => {
                json!(row.1.map(|cents| decimal(cents.div_euclid(width * 25) * width * 25)))
            }
            // The first of January 2024 was a Monday.
            (4, Some(_)) => json!(row.4.map(|day| date((day - 1) / 7 * 7 + 1))),
            _ => cell(row, self.column),
        }
    }
}

impl By {
    fn to_json(self, direction: &str, keys: &[Key]) -> Value {
        match self {
            By::Key(at) => json!({ "keys": { FIELDS[keys[at % keys.len()].column]: direction } }),
            By::Count => json!({ "aggregate": { "count": direction } }),
            By::Sum => json!({ "aggregate": { "sum": { "n": direction } } }),
            By::Average => json!({ "aggregate": { "avg": { "cents": direction } } }),
            By::Variance => json!({ "aggregate": { "varPop": { "n": direction } } }),
        }
    }

    fn compare(self, a: &Group, b: &Group, keys: &[Key]) -> Ordering {
        match self {
            By::Key(at) => {
                let at = at % keys.len();
                nulls_last(&a.keys[at], &b.keys[at], keys[at].column)
            }
            By::Count => a.rows.len().cmp(&b.rows.len()),
            By::Sum => options(a.sum(), b.sum(), |a, b| a.cmp(b)),
            By::Average => options(average(&a.cents()), average(&b.cents()), |a, b| {
                a.parse::<f64>().unwrap().total_cmp(&b.parse().unwrap())
            }),
            By::Variance => {
                options(variance(&a.n(), 0, 1.0), variance(&b.n(), 0, 1.0), f64::total_cmp)
            }
        }
    }
}

fn options<T>(a: Option<T>, b: Option<T>, compare: impl Fn(&T, &T) -> Ordering) -> Ordering {
    match (a, b) {
        (Some(a), Some(b)) => compare(&a, &b),
        (a, b) => a.is_none().cmp(&b.is_none()),
    }
}

fn nulls_last(a: &Value, b: &Value, column: usize) -> Ordering {
    match (a.is_null(), b.is_null()) {
        (false, false) => order(a, b, column),
        (a, b) => a.cmp(&b),
    }
}

impl Having {
    fn to_json(&self) -> Value {
        match self {
            Having::All(parts) => {
                json!({ "_and": parts.iter().map(Having::to_json).collect::<Vec<_>>() })
            }
            Having::Not(inner) => json!({ "_not": inner.to_json() }),
            Having::Count(operator, n) => json!({ "count": { "predicate": { *operator: n } } }),
            Having::Sum(operator, n) => json!({ "sum": { "n": { *operator: n.to_string() } } }),
            Having::Average(operator, n) => {
                json!({ "avg": { "cents": { *operator: decimal(*n) } } })
            }
            Having::Latest(operator, day) => {
                json!({ "max": { "day": { *operator: date(*day) } } })
            }
        }
    }

    /// Whether it asks for nothing: a negation of that holds for no group.
    fn is_empty(&self) -> bool {
        matches!(self, Having::All(parts) if parts.iter().all(Having::is_empty))
    }

    fn holds(&self, group: &Group) -> Option<bool> {
        match self {
            Having::All(parts) => parts.iter().map(|part| part.holds(group)).fold(Some(true), and),
            Having::Not(inner) if inner.is_empty() => Some(false),
            Having::Not(inner) => inner.holds(group).map(|is| !is),
            Having::Count(operator, n) => {
                let count = i64::try_from(group.rows.len()).unwrap();
                Some(fits(count.cmp(n), operator))
            }
            Having::Sum(operator, n) => group.sum().map(|sum| fits(sum.cmp(n), operator)),
            Having::Average(operator, n) => {
                let (cents, count) = (group.cents(), i64::try_from(group.cents().len()).unwrap());
                // What is compared is the average as it is answered: with six digits.
                let rounded = average(&cents)?.replace('.', "").parse::<i64>().unwrap();
                (count > 0).then(|| fits(rounded.cmp(&(n * 10_000)), operator))
            }
            Having::Latest(operator, day) => {
                let latest = group.rows.iter().filter_map(|row| row.4).max()?;
                Some(fits(latest.cmp(day), operator))
            }
        }
    }
}

fn fits(ordering: Ordering, operator: &str) -> bool {
    match operator {
        "_eq" => ordering == Ordering::Equal,
        "_neq" => ordering != Ordering::Equal,
        "_gt" => ordering == Ordering::Greater,
        "_gte" => ordering != Ordering::Less,
        "_lt" => ordering == Ordering::Less,
        _ => ordering != Ordering::Greater,
    }
}

struct Group<'r> {
    keys: Vec<Value>,
    rows: Vec<&'r Row>,
}

impl Group<'_> {
    fn n(&self) -> Vec<i64> {
        self.rows.iter().filter_map(|row| row.0).map(i64::from).collect()
    }

    fn cents(&self) -> Vec<i64> {
        self.rows.iter().filter_map(|row| row.1).collect()
    }

    fn sum(&self) -> Option<i64> {
        (!self.n().is_empty()).then(|| self.n().iter().sum())
    }

    fn to_json(&self, by: &[Key]) -> Value {
        let mut keys: Map<String, Value> =
            FIELDS.iter().map(|field| ((*field).to_owned(), Value::Null)).collect();
        for (key, value) in by.iter().zip(&self.keys) {
            keys[FIELDS[key.column]] = value.clone();
        }
        let cents = self.cents();
        json!({
            "keys": keys,
            "aggregate": {
                "count": self.rows.len(),
                "sum": {
                    "n": self.sum().map(|sum| sum.to_string()),
                    "cents": (!cents.is_empty()).then(|| decimal(cents.iter().sum())),
                },
                "avg": { "cents": average(&cents) },
                "max": { "day": self.rows.iter().filter_map(|row| row.4).max().map(date) },
                "varPop": { "n": printed(variance(&self.n(), 0, 1.0)) },
            },
        })
    }
}

fn expect(rows: &[Row], query: &Query) -> Vec<Value> {
    let mut groups: Vec<Group<'_>> = Vec::new();
    for row in rows.iter().filter(|row| query.filter.holds(row) == Some(true)) {
        let keys: Vec<Value> = query.by.iter().map(|key| key.of(row)).collect();
        match groups.iter_mut().find(|group| group.keys == keys) {
            Some(group) => group.rows.push(row),
            None => groups.push(Group { keys, rows: vec![row] }),
        }
    }
    groups.retain(|group| query.having.holds(group) == Some(true));
    groups.sort_by(|a, b| {
        let asked = query.order.iter().fold(Ordering::Equal, |sorted, (by, is_descending)| {
            sorted.then_with(|| {
                let ordering = by.compare(a, b, &query.by);
                // Missing values come first in a descending order.
                if *is_descending { ordering.reverse() } else { ordering }
            })
        });
        (0..query.by.len())
            .fold(asked, |sorted, at| sorted.then_with(|| By::Key(at).compare(a, b, &query.by)))
    });
    groups
        .iter()
        .skip(query.offset)
        .take(query.limit)
        .map(|group| group.to_json(&query.by))
        .collect()
}
