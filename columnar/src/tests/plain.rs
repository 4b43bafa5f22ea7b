//! A plain evaluation of questions, row by row.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use crate::answer::Finished;
use crate::exact::Moments;
use crate::fold::fold;
use crate::question::*;
use crate::shortest::shortest;
use crate::testing::{Cell, Fate};

/// Nothing of short texts, else whether their length is even.
pub(super) fn custom(text: &[u8]) -> Option<bool> {
    (text.len() > 2).then(|| text.len().is_multiple_of(2))
}

/// The even number of halves below, but of large ones.
pub(super) fn half(value: f64) -> Option<f64> {
    (value.abs() < 1e9).then(|| (value / 2.0).floor() + 0.0)
}

fn truth(filter: &Filter, row: &[Cell]) -> Option<bool> {
    match filter {
        Filter::And(parts) => three(parts.iter().map(|part| truth(part, row)), true),
        Filter::Or(parts) => three(parts.iter().map(|part| truth(part, row)), false),
        Filter::Not(part) => truth(part, row).map(|is| !is),
        Filter::Test { column, test } => passes(test, &row[*column]),
    }
}

fn three(parts: impl Iterator<Item = Option<bool>>, expected: bool) -> Option<bool> {
    let parts: Vec<Option<bool>> = parts.collect();
    if parts.contains(&Some(!expected)) {
        Some(!expected)
    } else if parts.contains(&None) {
        None
    } else {
        Some(expected)
    }
}

fn passes(test: &Test, cell: &Cell) -> Option<bool> {
    let folded = |text: &[u8], is_folded: bool| match is_folded {
        true => fold(std::str::from_utf8(text).unwrap()).into_bytes(),
        false => text.to_vec(),
    };
    let holds = |text: &[u8], part: &[u8]| {
        part.is_empty() || text.windows(part.len()).any(|window| window == part)
    };
    match (test, cell) {
        (Test::Null, cell) => Some(*cell == Cell::Null),
        (Test::WholeIn(list), _) if list.is_empty() => Some(false),
        (Test::FloatIn(list), _) if list.is_empty() => Some(false),
        (Test::TextIn(list), _) if list.is_empty() => Some(false),
        (_, Cell::Null) => None,
        (Test::Whole(comparison, operand), Cell::Whole(v)) => {
            Some(comparison.holds(v.cmp(operand)))
        }
        (Test::WholeIn(list), Cell::Whole(value)) => Some(list.contains(value)),
        (Test::Float(comparison, operand), Cell::Float(v)) => {
            Some(comparison.holds(v.partial_cmp(operand)?))
        }
        (Test::FloatIn(list), Cell::Float(value)) => Some(list.contains(value)),
        (Test::Text(comparison, operand), Cell::Text(v)) => Some(comparison.holds(v.cmp(operand))),
        (Test::TextIn(list), Cell::Text(value)) => Some(list.contains(value)),
        (Test::TextBetween { from, before, is_folded }, Cell::Text(value)) => {
            let value = folded(value, *is_folded);
            Some(&value >= from && (before.is_empty() || &value < before))
        }
        (Test::Contains { needle, is_folded }, Cell::Text(value)) => {
            Some(holds(&folded(value, *is_folded), needle))
        }
        (Test::EndsWith { end, is_folded }, Cell::Text(value)) => {
            Some(folded(value, *is_folded).ends_with(end))
        }
        (Test::Matches { regex, is_folded }, Cell::Text(value)) => {
            Some(regex.is_match(std::str::from_utf8(&folded(value, *is_folded)).unwrap()))
        }
        (Test::Custom(_), Cell::Text(value)) => custom(value),
        _ => unreachable!("{test:?} of {cell:?}"),
    }
}

pub(super) fn selected<'r>(
    question: &Question,
    rows: &'r [(Vec<Cell>, Fate)],
) -> Vec<(i64, &'r [Cell])> {
    let is_there = |fate: &Fate| matches!(fate, Fate::Here | Fate::Late);
    let rows = rows.iter().enumerate().filter(|(_, (_, fate))| is_there(fate));
    rows.map(|(place, (cells, _))| (3 * i64::try_from(place).unwrap(), cells.as_slice()))
        .filter(|(_, cells)| {
            question.filter.as_ref().is_none_or(|filter| truth(filter, cells) == Some(true))
        })
        .collect()
}

/// What is known of a group.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Known {
    Null,
    Whole(i128),
    Float(f64),
    Text(Vec<u8>),
}

impl From<&Cell> for Known {
    fn from(cell: &Cell) -> Known {
        match cell {
            Cell::Null => Known::Null,
            Cell::Whole(number) => Known::Whole(i128::from(*number)),
            Cell::Float(number) => Known::Float(*number),
            Cell::Text(text) => Known::Text(text.clone()),
        }
    }
}

impl From<Finished<'_>> for Known {
    fn from(finished: Finished<'_>) -> Known {
        match finished {
            Finished::Null => Known::Null,
            Finished::Whole(number) => Known::Whole(i128::from(number)),
            Finished::Wide(number) => {
                assert!(i64::try_from(number).is_err(), "{number} is not wide");
                Known::Whole(number)
            }
            Finished::Float(number) => Known::Float(number),
            Finished::Text(text) => Known::Text(text.to_vec()),
        }
    }
}

fn order_of(a: &Known, b: &Known) -> Ordering {
    match (a, b) {
        (Known::Whole(a), Known::Whole(b)) => a.cmp(b),
        (Known::Float(a), Known::Float(b)) => a.partial_cmp(b).unwrap(),
        (Known::Text(a), Known::Text(b)) => a.cmp(b),
        _ => unreachable!("{a:?} with {b:?}"),
    }
}

fn key_of(key: &Key, cell: &Cell) -> Known {
    match (&key.by, cell) {
        (KeyBy::Steps { unit, map }, Cell::Whole(value)) => {
            Known::Whole(i128::from(map(value.div_euclid(*unit))))
        }
        (KeyBy::Double(_), Cell::Float(value)) => half(*value).map_or(Known::Null, Known::Float),
        _ => Known::from(cell),
    }
}

fn measured(measure: &Measure, rows: &[&[Cell]]) -> Known {
    let present =
        |column: usize| rows.iter().map(move |row| &row[column]).filter(|c| **c != Cell::Null);
    let moments = |column: usize| {
        let mut moments = Moments::default();
        for cell in present(column) {
            match cell {
                Cell::Whole(value) => moments.add(*value, 0),
                Cell::Float(value) => {
                    let (digits, exponent) = shortest(*value).unwrap();
                    moments.add(digits, exponent);
                }
                _ => unreachable!(),
            }
        }
        moments
    };
    let float = |value: Option<f64>| value.map_or(Known::Null, Known::Float);
    let count = |n: usize| Known::Whole(i128::try_from(n).unwrap());
    let all = |columns: &[usize]| {
        let rows =
            rows.iter().map(|row| columns.iter().map(|c| row[*c].clone()).collect::<Vec<_>>());
        rows.filter(|cells| !cells.contains(&Cell::Null)).collect::<Vec<_>>()
    };
    match measure {
        Measure::Rows => count(rows.len()),
        Measure::Count(columns) => count(all(columns).len()),
        Measure::Distinct(columns) if columns.is_empty() => count(rows.len()),
        Measure::Distinct(columns) => {
            let mut different: Vec<Vec<Cell>> = Vec::new();
            for cells in all(columns) {
                if !different.contains(&cells) {
                    different.push(cells);
                }
            }
            count(different.len())
        }
        Measure::Sum(2) => float(moments(2).double_sum()),
        Measure::Sum(column) => {
            let values = present(*column).map(|cell| match cell {
                Cell::Whole(value) => i128::from(*value),
                _ => unreachable!(),
            });
            values.reduce(|a, b| a + b).map_or(Known::Null, Known::Whole)
        }
        Measure::Average(column) => float(moments(*column).double_average()),
        Measure::DecimalAverage { column, n_digits } => {
            let average = moments(*column).decimal_average(*n_digits);
            average.map_or(Known::Null, |average| Known::Whole(i128::try_from(average).unwrap()))
        }
        Measure::Spread { column, spread, scale } => {
            float(moments(*column).spread(*spread, i32::from(*scale)))
        }
        Measure::Min(column) => {
            let values = present(*column).map(Known::from);
            values.min_by(order_of).unwrap_or(Known::Null)
        }
        Measure::Max(column) => {
            let values = present(*column).map(Known::from);
            values.max_by(order_of).unwrap_or(Known::Null)
        }
    }
}

fn has(having: &Having, known: &dyn Fn(Of) -> Known) -> Option<bool> {
    let compare = |value: &Known, comparison: Comparison, operand: &Operand| {
        let operand = match operand {
            _ if *value == Known::Null => return None,
            Operand::Nothing => return Some(comparison.holds(Ordering::Greater)),
            Operand::Whole(number) => Known::Whole(*number),
            Operand::Float(number) => Known::Float(*number),
            Operand::Text(text) => Known::Text(text.clone()),
        };
        Some(comparison.holds(order_of(value, &operand)))
    };
    match having {
        Having::And(parts) => three(parts.iter().map(|part| has(part, known)), true),
        Having::Or(parts) => three(parts.iter().map(|part| has(part, known)), false),
        Having::Not(part) => has(part, known).map(|is| !is),
        Having::Null(of) => Some(known(*of) == Known::Null),
        Having::Compare(of, comparison, operand) => compare(&known(*of), *comparison, operand),
        Having::In(of, operands) => {
            let value = known(*of);
            three(operands.iter().map(|one| compare(&value, Comparison::Equal, one)), false)
        }
    }
}

/// Keys and measures of the groups in their order.
pub(super) fn expected(asked: &Groups, rows: &[(Vec<Cell>, Fate)]) -> Vec<Vec<Known>> {
    let mut grouped: BTreeMap<String, (Vec<Known>, Vec<&[Cell]>)> = BTreeMap::new();
    if asked.keys.is_empty() {
        grouped.insert(String::new(), Default::default());
    }
    for (_, row) in selected(&asked.question, rows) {
        let keys: Vec<Known> = asked.keys.iter().map(|key| key_of(key, &row[key.column])).collect();
        let name = if keys.is_empty() { String::new() } else { format!("{keys:?}") };
        grouped.entry(name).or_insert_with(|| (keys, Vec::new())).1.push(row);
    }
    let mut groups: Vec<Vec<Known>> = grouped
        .into_values()
        .map(|(mut known, rows)| {
            known.extend(asked.measures.iter().map(|measure| measured(measure, &rows)));
            known
        })
        .collect();
    let place = |of: Of| match of {
        Of::Key(key) => key,
        Of::Measure(measure) => asked.keys.len() + measure,
    };
    groups.retain(|group| {
        let known = |of: Of| group[place(of)].clone();
        asked.having.as_ref().is_none_or(|having| has(having, &known) == Some(true))
    });
    let keys = (0..asked.keys.len()).map(|key| GroupOrder {
        of: Of::Key(key),
        is_descending: false,
        is_null_first: false,
    });
    let orders: Vec<GroupOrder> = asked.order.iter().copied().chain(keys).collect();
    groups.sort_by(|a, b| {
        let mut found = Ordering::Equal;
        for order in &orders {
            let (a, b) = (&a[place(order.of)], &b[place(order.of)]);
            found = found.then_with(|| match (a == &Known::Null, b == &Known::Null) {
                (true, true) => Ordering::Equal,
                (true, false) if order.is_null_first => Ordering::Less,
                (true, false) => Ordering::Greater,
                (false, true) if order.is_null_first => Ordering::Greater,
                (false, true) => Ordering::Less,
                _ if order.is_descending => order_of(b, a),
                _ => order_of(a, b),
            });
        }
        found
    });
    let offset = usize::try_from(asked.offset).unwrap();
    let limit = usize::try_from(asked.limit).unwrap();
    groups.into_iter().skip(offset).take(limit).collect()
}
