//! Answers are those of a plain evaluation, row by row, whatever is asked of whatever table.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use proptest::collection::vec;
use proptest::prelude::*;
use regex::Regex;

use crate::answer::Finished;
use crate::exact::{Moments, Spread, shortest};
use crate::fold::fold;
use crate::question::*;
use crate::rows::{batches, rows};
use crate::run::{Limits, groups};
use crate::testing::{Cell, Fate, Table, text};
use crate::{Failure, Kind};

const KINDS: [Kind; 5] = [Kind::Whole, Kind::Whole, Kind::Float, Kind::Text, Kind::Text];
const WORDS: [&str; 16] = [
    "",
    "a",
    "b",
    "ab",
    "abba",
    "ABBA",
    "Kelvin",
    "\u{212a}elvin",
    "ſtraße",
    "STRASSE",
    "İ",
    "i",
    "bab",
    "zebra crossing with a long tail",
    "ΟΔΟΣ",
    "100%",
];

fn limits(n_threads: usize) -> Limits<'static> {
    Limits { n_threads, max_bytes: 1 << 30, is_stopped: &|| false }
}

// What is asked.

fn a_word() -> impl Strategy<Value = String> {
    prop::sample::select(&WORDS[..]).prop_map(str::to_owned)
}

fn a_wide() -> impl Strategy<Value = i64> {
    prop_oneof![
        Just(i64::MIN),
        Just(i64::MAX),
        Just(i64::MAX - 1),
        Just(0),
        Just(-1),
        -70_000..70_000_i64,
        any::<i64>(),
    ]
}

fn a_float() -> impl Strategy<Value = f64> {
    prop_oneof![
        8 => (-20..20_i32).prop_map(|n| f64::from(n) / 4.0 + 0.0),
        2 => prop::sample::select(&[0.1, 0.3, 1e300, -1e300, 5e-324, 0.1 + 0.2, 1e11, 12.3456][..]),
        1 => any::<i64>().prop_map(|bits| f64::from_bits(bits.cast_unsigned()))
            .prop_filter("a number", |v| v.is_finite()),
    ]
}

fn a_row(zero: f64) -> impl Strategy<Value = (Vec<Cell>, Fate)> {
    let or_null = |cell: BoxedStrategy<Cell>| prop_oneof![1 => Just(Cell::Null), 6 => cell];
    let fate = prop_oneof![
        12 => Just(Fate::Here), 2 => Just(Fate::Gone), 2 => Just(Fate::Late), 1 => Just(Fate::LateAndGone)
    ];
    let cells = (
        or_null((-3..6_i64).prop_map(Cell::Whole).boxed()),
        or_null(a_wide().prop_map(Cell::Whole).boxed()),
        or_null(a_float().prop_map(move |v| Cell::Float(if v == 0.0 { zero } else { v })).boxed()),
        or_null(a_word().prop_map(|word| text(&word)).boxed()),
        (a_word(), a_word()).prop_map(|(a, b)| text(&format!("{a} {b}"))),
    );
    (cells, fate).prop_map(|((a, b, c, d, e), fate)| (vec![a, b, c, d, e], fate))
}

fn a_table() -> impl Strategy<Value = (Vec<(Vec<Cell>, Fate)>, usize, u64)> {
    let zero = prop_oneof![9 => Just(0.0), 1 => Just(-0.0)];
    let rows = zero.prop_flat_map(|zero| vec(a_row(zero), 0..200));
    (rows, prop_oneof![1..9_usize, 60..140_usize], any::<u64>())
}

fn a_comparison() -> impl Strategy<Value = Comparison> {
    use Comparison::*;
    prop::sample::select(&[Equal, NotEqual, Less, LessOrEqual, Greater, GreaterOrEqual][..])
}

fn a_text_test() -> impl Strategy<Value = Test> {
    (0..7, a_comparison(), vec(a_word(), 0..4), a_word(), any::<bool>()).prop_map(
        |(which, comparison, list, word, is_folded)| {
            let bytes = |word: &str| {
                if is_folded { fold(word).into_bytes() } else { word.as_bytes().to_vec() }
            };
            let sorted: BTreeSet<Vec<u8>> = list.iter().map(|w| w.as_bytes().to_vec()).collect();
            match which {
                0 => Test::Text(comparison, word.into_bytes()),
                1 => Test::TextIn(sorted.into_iter().collect()),
                2 => {
                    let before = list.first().map(|word| bytes(word)).unwrap_or_default();
                    Test::TextBetween { from: bytes(&word), before, is_folded }
                }
                3 => Test::Contains { needle: bytes(&word), is_folded },
                4 => Test::EndsWith { end: bytes(&word), is_folded },
                5 => {
                    let pattern = String::from_utf8(bytes(&word)).unwrap();
                    let regex = Regex::new(&format!("{}.?b", regex::escape(&pattern))).unwrap();
                    Test::Matches { regex, is_folded }
                }
                _ => Test::Custom(TextTest(Arc::new(custom))),
            }
        },
    )
}

fn custom(text: &[u8]) -> Option<bool> {
    (text.len() > 2).then(|| text.len().is_multiple_of(2))
}

fn a_test() -> impl Strategy<Value = Filter> {
    let sorted = |list: Vec<i64>| list.into_iter().collect::<BTreeSet<_>>().into_iter().collect();
    let small = prop_oneof![
        (a_comparison(), -4..7_i64).prop_map(|(c, n)| Test::Whole(c, n)),
        vec(-4..7_i64, 0..4).prop_map(move |list| Test::WholeIn(sorted(list))),
    ];
    let wide = prop_oneof![
        (a_comparison(), a_wide()).prop_map(|(c, n)| Test::Whole(c, n)),
        vec(a_wide(), 0..5).prop_map(move |list| Test::WholeIn(sorted(list))),
    ];
    let float = prop_oneof![
        (a_comparison(), a_float()).prop_map(|(c, v)| Test::Float(c, v)),
        vec(a_float(), 0..4).prop_map(Test::FloatIn),
    ];
    prop_oneof![
        (0..5_usize).prop_map(|column| (column, Test::Null)),
        small.prop_map(|test| (0, test)),
        wide.prop_map(|test| (1, test)),
        float.prop_map(|test| (2, test)),
        a_text_test().prop_map(|test| (3, test)),
        a_text_test().prop_map(|test| (4, test)),
    ]
    .prop_map(|(column, test)| Filter::Test { column, test })
}

fn a_filter() -> impl Strategy<Value = Filter> {
    a_test().prop_recursive(3, 8, 3, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..3).prop_map(Filter::And),
            vec(inner.clone(), 0..3).prop_map(Filter::Or),
            inner.prop_map(|part| Filter::Not(Box::new(part))),
        ]
    })
}

fn a_question() -> impl Strategy<Value = Question> {
    prop::option::of(a_filter()).prop_map(|filter| Question { columns: (0..5).collect(), filter })
}

fn a_key() -> impl Strategy<Value = Key> {
    let by = prop_oneof![Just(1_i64), Just(7), Just(1_000_000)];
    prop_oneof![
        2 => (0..5_usize).prop_map(|column| Key { column, by: KeyBy::Value }),
        1 => (0..2_usize, by).prop_map(|(column, unit)| {
            Key { column, by: KeyBy::Steps { unit, map: Arc::new(|step| step.div_euclid(3)) } }
        }),
        1 => Just(Key { column: 2, by: KeyBy::Double(Arc::new(half)) }),
    ]
}

fn half(value: f64) -> Option<f64> {
    (value.abs() < 1e9).then(|| (value / 2.0).floor() + 0.0)
}

fn a_measure() -> impl Strategy<Value = Measure> {
    let columns = || prop::sample::subsequence(vec![0, 1, 2, 3, 4], 0..3);
    let spread =
        (any::<bool>(), any::<bool>()).prop_map(|(a, b)| Spread { is_sample: a, is_root: b });
    prop_oneof![
        Just(Measure::Rows),
        columns().prop_map(Measure::Count),
        columns().prop_map(Measure::Distinct),
        (0..3_usize).prop_map(Measure::Sum),
        (0..3_usize).prop_map(Measure::Average),
        (0..2_usize, 0..8_u32)
            .prop_map(|(column, n_digits)| Measure::DecimalAverage { column, n_digits }),
        (0..5_usize).prop_map(Measure::Min),
        (0..5_usize).prop_map(Measure::Max),
        (0..3_usize, spread, 0..3_u8).prop_map(|(column, spread, scale)| {
            Measure::Spread { column, spread, scale: if column == 2 { 0 } else { scale } }
        }),
    ]
}

/// What kind the values have.
fn kind_of(of: Of, keys: &[Key], measures: &[Measure]) -> Kind {
    match of {
        Of::Key(key) => KINDS[keys[key].column],
        Of::Measure(measure) => match &measures[measure] {
            Measure::Average(_) | Measure::Spread { .. } => Kind::Float,
            Measure::Sum(column) | Measure::Min(column) | Measure::Max(column) => KINDS[*column],
            _ => Kind::Whole,
        },
    }
}

fn a_having(keys: Vec<Key>, measures: Vec<Measure>) -> impl Strategy<Value = Having> {
    let n_keys = keys.len();
    let of =
        (0..keys.len() + measures.len()).prop_map(move |place| match place.checked_sub(n_keys) {
            None => Of::Key(place),
            Some(measure) => Of::Measure(measure),
        });
    let operand = move |of: Of, n: i32| match kind_of(of, &keys, &measures) {
        _ if n == 9 => Operand::Nothing,
        Kind::Whole => Operand::Whole(i128::from(n)),
        Kind::Float => Operand::Float(f64::from(n) / 2.0),
        Kind::Text => Operand::Text(WORDS[n.unsigned_abs() as usize].as_bytes().to_vec()),
    };
    let operands = operand.clone();
    let leaf = prop_oneof![
        of.clone().prop_map(Having::Null),
        (of.clone(), a_comparison(), -5..10_i32).prop_map(move |(of, c, n)| Having::Compare(
            of,
            c,
            operand(of, n)
        )),
        (of, vec(-5..10_i32, 0..4)).prop_map(move |(of, list)| {
            Having::In(of, list.into_iter().map(|n| operands(of, n)).collect())
        }),
    ];
    leaf.prop_recursive(2, 6, 3, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..3).prop_map(Having::And),
            vec(inner.clone(), 0..3).prop_map(Having::Or),
            inner.prop_map(|part| Having::Not(Box::new(part))),
        ]
    })
}

fn some_groups() -> impl Strategy<Value = Groups> {
    (vec(a_key(), 0..4), vec(a_measure(), 1..5)).prop_flat_map(|(keys, measures)| {
        let n_keys = keys.len();
        let order = (0..n_keys + measures.len(), any::<bool>(), any::<bool>());
        let order = order.prop_map(move |(place, is_descending, is_null_first)| {
            let of = place.checked_sub(n_keys).map_or(Of::Key(place), Of::Measure);
            GroupOrder { of, is_descending, is_null_first }
        });
        let having = prop::option::of(a_having(keys.clone(), measures.clone()));
        let limit = prop_oneof![Just(u64::MAX), 0..6_u64];
        (a_question(), having, vec(order, 0..3), limit, prop_oneof![3 => Just(0), 1 => 0..4_u64])
            .prop_map(move |(question, having, order, limit, offset)| {
                let (keys, measures) = (keys.clone(), measures.clone());
                Groups { question, keys, measures, having, order, limit, offset }
            })
    })
}

// The plain evaluation.

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

fn selected<'r>(question: &Question, rows: &'r [(Vec<Cell>, Fate)]) -> Vec<(i64, &'r [Cell])> {
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
enum Known {
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
fn expected(asked: &Groups, rows: &[(Vec<Cell>, Fate)]) -> Vec<Vec<Known>> {
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

fn answered(asked: &Groups, table: &Table, n_threads: usize) -> Result<Vec<Vec<Known>>, Failure> {
    let answer = groups(table, asked, &limits(n_threads))?;
    let all = (0..asked.keys.len()).map(Of::Key).chain((0..asked.measures.len()).map(Of::Measure));
    let row = |row: usize| all.clone().map(|of| Known::from(answer.value(row, of))).collect();
    Ok((0..answer.n_rows()).map(row).collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn groups_are_those_of_a_plain_evaluation(
        (rows, chunk_rows, taste) in a_table(), asked in some_groups(), n_threads in 1..4_usize
    ) {
        let table = Table::new(&KINDS, &rows, chunk_rows, taste);
        let negative_zero = rows.iter().any(|(cells, _)| format!("{:?}", cells[2]) == "Float(-0.0)");
        match answered(&asked, &table, n_threads) {
            Ok(answer) => prop_assert_eq!(format!("{answer:?}"), format!("{:?}", expected(&asked, &rows))),
            Err(Failure::Unfit) => prop_assert!(negative_zero),
            Err(failure) => prop_assert!(false, "{failure}"),
        }
    }

    #[test]
    fn rows_are_those_of_a_plain_evaluation(
        (all, chunk_rows, taste) in a_table(), question in a_question(),
        limit in prop_oneof![Just(u64::MAX), 0..20_u64], offset in 0..5_u64
    ) {
        let table = Table::new(&KINDS, &all, chunk_rows, taste);
        let expected: Vec<(i64, Vec<Cell>)> =
            selected(&question, &all).into_iter().map(|(number, row)| (number, row.to_vec())).collect();
        let mut found = Vec::new();
        batches::<Failure>(&table, &question, &limits(1), &mut |chunk, places| {
            assert!(!places.is_empty());
            for place in places {
                let place = usize::from(*place);
                let cells = chunk.columns.iter().map(|column| Cell::from(column.value(place)));
                found.push((chunk.rows.get(place), cells.collect::<Vec<_>>()));
            }
            Ok(())
        }).unwrap();
        prop_assert_eq!(format!("{found:?}"), format!("{expected:?}"));
        let asked = Rows { question, limit, offset };
        let mut found = Vec::new();
        rows::<Failure>(&table, &asked, &limits(1), &mut |row| {
            found.push((row.number(), (0..5).map(|column| row.value(column).into()).collect::<Vec<Cell>>()));
            Ok(())
        }).unwrap();
        let (limit, offset) = (usize::try_from(limit).unwrap(), usize::try_from(offset).unwrap());
        let expected: Vec<_> = expected.into_iter().skip(offset).take(limit).collect();
        prop_assert_eq!(format!("{found:?}"), format!("{expected:?}"));
    }
}
