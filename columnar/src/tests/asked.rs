//! Random tables and questions.

use std::collections::BTreeSet;
use std::sync::Arc;

use proptest::collection::vec;
use proptest::prelude::*;
use regex::Regex;

use super::plain::{custom, half};
use crate::Kind;
use crate::exact::Spread;
use crate::fold::fold;
use crate::question::*;
use crate::testing::{Cell, Fate, text};

/// The columns of all tables.
pub(super) const KINDS: [Kind; 5] = [Kind::Whole, Kind::Whole, Kind::Float, Kind::Text, Kind::Text];
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
        2 => (-1.0..1.0, -30..20).prop_map(|(number, size)| number * 10_f64.powi(size) + 0.0),
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

pub(super) fn a_table() -> impl Strategy<Value = (Vec<(Vec<Cell>, Fate)>, usize, u64)> {
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

pub(super) fn a_question() -> impl Strategy<Value = Question> {
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

pub(super) fn some_groups() -> impl Strategy<Value = Groups> {
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
