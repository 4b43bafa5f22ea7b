//! Where answers go wrong first.

use std::cell::Cell as Counter;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::plain::Known;
use super::{answered, limits};
use crate::exact::Spread;
use crate::fold::fold;
use crate::groups::GroupWork;
use crate::question::*;
use crate::rows::rows;
use crate::run::{Limits, groups};
use crate::testing::{Cell, Fate, Table, text};
use crate::{Failure, Kind};

fn table(kind: Kind, cells: &[Cell], chunk_rows: usize, taste: u64) -> Table {
    let rows: Vec<_> = cells.iter().map(|cell| (vec![cell.clone()], Fate::Here)).collect();
    Table::new(&[kind], &rows, chunk_rows, taste)
}

fn wholes(values: &[i64]) -> Vec<Cell> {
    values.iter().map(|value| Cell::Whole(*value)).collect()
}

fn texts(values: &[&str]) -> Vec<Cell> {
    values.iter().map(|value| text(value)).collect()
}

fn is(test: Test) -> Filter {
    Filter::Test { column: 0, test }
}

fn asked(filter: Option<Filter>, keys: &[KeyBy], measures: &[Measure]) -> Groups {
    let keys = keys.iter().map(|by| Key { column: 0, by: by.clone() }).collect();
    let question = Question { columns: vec![0], filter };
    let (measures, having, order) = (measures.to_vec(), None, Vec::new());
    Groups { question, keys, measures, having, order, limit: u64::MAX, offset: 0 }
}

/// The places of the rows for which a filter is true, in whatever form they are kept.
fn places(kind: Kind, cells: &[Cell], filter: &Filter) -> Vec<i64> {
    let question = Question { columns: vec![0], filter: Some(filter.clone()) };
    let asked = Rows { question, limit: u64::MAX, offset: 0 };
    let mut all = (0..40).map(|taste| {
        let table = table(kind, cells, 3 + 60 * usize::from(taste > 20), taste);
        let mut found = Vec::new();
        rows::<Failure>(&table, &asked, &limits(1), &mut |row| {
            found.push(row.number() / 3);
            Ok(())
        })
        .unwrap();
        found
    });
    let first = all.next().unwrap();
    assert!(all.all(|other| other == first), "{filter:?}");
    first
}

fn measured(kind: Kind, cells: &[Cell], measure: Measure) -> Result<Known, Failure> {
    let table = table(kind, cells, 3, 0);
    Ok(answered(&asked(None, &[], &[measure]), &table, 2)?.remove(0).remove(0))
}

#[test]
fn comparisons_reach_the_ends_of_64_bits() {
    let values = wholes(&[i64::MIN, -1, 0, 1, i64::MAX]);
    let found =
        |comparison, operand| places(Kind::Whole, &values, &is(Test::Whole(comparison, operand)));
    assert_eq!(found(Comparison::Less, i64::MIN), []);
    assert_eq!(found(Comparison::GreaterOrEqual, i64::MIN), [0, 1, 2, 3, 4]);
    assert_eq!(found(Comparison::Greater, i64::MAX), []);
    assert_eq!(found(Comparison::Less, i64::MAX), [0, 1, 2, 3]);
    assert_eq!(found(Comparison::NotEqual, i64::MAX), [0, 1, 2, 3]);
    assert_eq!(found(Comparison::Equal, i64::MIN), [0]);
    // Whose distance from the smallest value passes 64 bits.
    assert_eq!(found(Comparison::Greater, 1), [4]);
}

#[test]
fn nothing_is_one_of_no_values() {
    let values = [Cell::Whole(1), Cell::Null, Cell::Whole(3)];
    let none = is(Test::WholeIn(Vec::new()));
    assert_eq!(places(Kind::Whole, &values, &none), []);
    assert_eq!(places(Kind::Whole, &values, &Filter::Not(Box::new(none))), [0, 1, 2]);
    let one = is(Test::WholeIn(vec![1]));
    assert_eq!(places(Kind::Whole, &values, &Filter::Not(Box::new(one))), [2]);
    assert_eq!(places(Kind::Whole, &values, &Filter::And(Vec::new())), [0, 1, 2]);
    assert_eq!(places(Kind::Whole, &values, &Filter::Or(Vec::new())), []);
}

#[test]
fn missing_values_are_neither() {
    let values = [Cell::Null, Cell::Null];
    for test in [Test::Whole(Comparison::Less, 3), Test::WholeIn(vec![0, 7])] {
        assert_eq!(places(Kind::Whole, &values, &is(test.clone())), []);
        assert_eq!(places(Kind::Whole, &values, &Filter::Not(Box::new(is(test)))), []);
    }
    assert_eq!(places(Kind::Whole, &values, &is(Test::Null)), [0, 1]);
    let all = [Measure::Sum(0), Measure::Min(0), Measure::Average(0), Measure::Distinct(vec![0])];
    let answer = answered(&asked(None, &[], &all), &table(Kind::Whole, &values, 1, 0), 1).unwrap();
    assert_eq!(answer, [[Known::Null, Known::Null, Known::Null, Known::Whole(0)]]);
}

#[test]
fn needles_stay_within_their_texts() {
    let values = texts(&["ab", "ca", "b", "", "xabx", "aab", "ab"]);
    let holds = |needle: &str, is_folded| {
        places(Kind::Text, &values, &is(Test::Contains { needle: needle.into(), is_folded }))
    };
    assert_eq!(holds("ab", false), [0, 4, 5, 6]);
    assert_eq!(holds("abca", false), []);
    assert_eq!(holds("bc", true), []);
    assert_eq!(holds("", false), [0, 1, 2, 3, 4, 5, 6]);
    assert_eq!(holds("", true), [0, 1, 2, 3, 4, 5, 6]);
    let not = is(Test::Contains { needle: b"ab".to_vec(), is_folded: true });
    assert_eq!(places(Kind::Text, &values, &Filter::Not(Box::new(not))), [1, 2, 3]);
}

#[test]
fn letters_fold_to_ascii_from_elsewhere() {
    // The sign of Kelvin, the long s, the dotted capital I.
    let values = texts(&["300 \u{212a}", "MÜNCHEN \u{17f}", "\u{130}zmir", "Straße", "ok"]);
    let holds = |needle: &str| {
        let needle = fold(needle).into_bytes();
        places(Kind::Text, &values, &is(Test::Contains { needle, is_folded: true }))
    };
    assert_eq!(holds("K"), [0, 4]);
    assert_eq!(holds("n S"), [1]);
    assert_eq!(holds("IZ"), [2]);
    assert_eq!(holds("ü"), [1]);
    let end = Test::EndsWith { end: b"s".to_vec(), is_folded: true };
    assert_eq!(places(Kind::Text, &values, &is(end)), [1]);
}

#[test]
fn zeros_are_equal_and_not_told_apart() {
    let zeros = [Cell::Float(0.0), Cell::Float(-0.0), Cell::Float(1.0)];
    let equal = is(Test::Float(Comparison::Equal, -0.0));
    assert_eq!(places(Kind::Float, &zeros, &equal), [0, 1]);
    let one_of = is(Test::FloatIn(vec![0.0]));
    assert_eq!(places(Kind::Float, &zeros, &one_of), [0, 1]);
    let distinct = measured(Kind::Float, &zeros, Measure::Distinct(vec![0]));
    assert_eq!(distinct.unwrap(), Known::Whole(2));
    assert_eq!(measured(Kind::Float, &zeros, Measure::Sum(0)).unwrap(), Known::Float(1.0));
    for measure in [Measure::Min(0), Measure::Max(0), Measure::Distinct(vec![0, 0])] {
        assert!(matches!(measured(Kind::Float, &zeros, measure), Err(Failure::Unfit)));
    }
    let by_value = asked(None, &[KeyBy::Value], &[]);
    let answer = answered(&by_value, &table(Kind::Float, &zeros, 5, 0), 1);
    assert!(matches!(answer, Err(Failure::Unfit)));
}

#[test]
fn sums_of_doubles_pass_128_bits() {
    // Of units of 10^-24 there is room for some 1,400 of these.
    let large = vec![Cell::Float(123_456_789_012.123_44); 4_000];
    let sum = |cells: &[Cell]| measured(Kind::Float, cells, Measure::Sum(0)).unwrap();
    assert_eq!(sum(&large), Known::Float(493_827_156_048_493.76));
    let back = vec![Cell::Float(-123_456_789_012.123_44); 4_000];
    let small = [Cell::Float(1e-20), Cell::Float(1e-24), Cell::Float(1e-40), Cell::Float(0.25)];
    assert_eq!(sum(&[large, back, small.to_vec()].concat()), Known::Float(0.25));
    assert_eq!(sum(small.get(..3).unwrap()), Known::Float(1.0001e-20));
}

#[test]
fn sums_pass_64_bits_and_squares_128() {
    let ends = wholes(&[i64::MIN, i64::MIN, i64::MIN, i64::MIN, i64::MAX]);
    let sum = 4 * i128::from(i64::MIN) + i128::from(i64::MAX);
    assert_eq!(measured(Kind::Whole, &ends, Measure::Sum(0)).unwrap(), Known::Whole(sum));
    let spread = Spread { is_sample: false, is_root: true };
    let ends = wholes(&[i64::MIN, i64::MAX, i64::MIN, i64::MAX]);
    assert_eq!(
        measured(Kind::Whole, &ends, Measure::Spread { column: 0, spread, scale: 0 }).unwrap(),
        Known::Float(9.223_372_036_854_776e18)
    );
    let average =
        |n_digits| measured(Kind::Whole, &ends, Measure::DecimalAverage { column: 0, n_digits });
    assert_eq!(average(2).unwrap(), Known::Whole(-50));
    let largest = wholes(&[i64::MAX]);
    let wide = Measure::DecimalAverage { column: 0, n_digits: 19 };
    let expect = i128::from(i64::MAX) * 10_i128.pow(19);
    assert_eq!(measured(Kind::Whole, &largest, wide).unwrap(), Known::Whole(expect));
    let wider = Measure::DecimalAverage { column: 0, n_digits: 20 };
    assert!(matches!(measured(Kind::Whole, &largest, wider), Err(Failure::Unfit)));
}

#[test]
fn steps_with_one_key_are_one_group() {
    let days = table(Kind::Whole, &wholes(&[-1, 0, 30, 59, 60, 1 << 40, 61]), 2, 1);
    let month = KeyBy::Steps { unit: 1, map: Arc::new(|day| day.div_euclid(30) * 30) };
    let answer = answered(&asked(None, &[month], &[Measure::Rows]), &days, 1).unwrap();
    let expect = [(-30, 1), (0, 1), (30, 2), (60, 2), ((1 << 40) / 30 * 30, 1)];
    let expect = expect.map(|(key, n)| [Known::Whole(key), Known::Whole(n)]);
    assert_eq!(answer, expect);
}

#[test]
fn nothing_equals_nothing() {
    let values = table(Kind::Whole, &wholes(&[1, 2, 2]), 2, 1);
    let n_groups = |comparison| {
        let having = Some(Having::Compare(Of::Key(0), comparison, Operand::Nothing));
        let asked = Groups { having, ..asked(None, &[KeyBy::Value], &[]) };
        groups(&values, &asked, &limits(1)).unwrap().n_rows()
    };
    assert_eq!(n_groups(Comparison::Equal), 0);
    assert_eq!(n_groups(Comparison::NotEqual), 2);
    assert_eq!(n_groups(Comparison::Greater), 2);
    assert_eq!(n_groups(Comparison::LessOrEqual), 0);
}

#[test]
fn tables_of_no_rows_have_one_group_without_keys() {
    let none = table(Kind::Whole, &[], 2, 1);
    let all = [Measure::Rows, Measure::Sum(0), Measure::Distinct(vec![0])];
    let answer = answered(&asked(None, &[], &all), &none, 3).unwrap();
    assert_eq!(answer, [[Known::Whole(0), Known::Null, Known::Whole(0)]]);
    assert_eq!(answered(&asked(None, &[KeyBy::Value], &all), &none, 3).unwrap().len(), 0);
    let past = Groups { offset: 1, ..asked(None, &[], &all) };
    assert_eq!(answered(&past, &none, 1).unwrap().len(), 0);
}

#[test]
fn questions_keep_within_their_limits() {
    let all: Vec<i64> = (0..10_000).map(|n| n * 1_000_003).collect();
    let values = table(Kind::Whole, &wholes(&all), 1_000, 1);
    let by_value = asked(None, &[KeyBy::Value], &[Measure::Rows]);
    for n_threads in [1, 3] {
        let few = Limits { n_threads, max_bytes: 100_000, is_stopped: &|| false };
        assert!(matches!(groups(&values, &by_value, &few), Err(Failure::TooLarge)));
        let enough = Limits { max_bytes: 2_000_000, ..few };
        assert_eq!(groups(&values, &by_value, &enough).unwrap().n_rows(), 10_000);
        let n_asked = AtomicUsize::new(0);
        let is_stopped = || n_asked.fetch_add(1, Ordering::Relaxed) > 3;
        let soon = Limits { is_stopped: &is_stopped, ..enough };
        assert!(matches!(groups(&values, &by_value, &soon), Err(Failure::Stopped)));
        assert!(n_asked.into_inner() < 10, "nobody goes on");
    }
    let texts = table(Kind::Text, &texts(&["a"; 3]), 3, 1);
    let wrong = asked(Some(is(Test::Whole(Comparison::Equal, 1))), &[], &[Measure::Rows]);
    assert!(matches!(groups(&texts, &wrong, &limits(1)), Err(Failure::Mistaken)));
    let wrong = asked(None, &[], &[Measure::Sum(0)]);
    assert!(matches!(groups(&texts, &wrong, &limits(1)), Err(Failure::Mistaken)));
    let wrong = asked(None, &[], &[Measure::Min(1)]);
    assert!(matches!(groups(&texts, &wrong, &limits(1)), Err(Failure::Mistaken)));
}

#[test]
fn work_goes_on_after_its_chunks() {
    let all = asked(None, &[KeyBy::Value], &[Measure::Rows, Measure::Max(0)]);
    let bounds = limits(1);
    let mut work = GroupWork::new(&all, &bounds);
    for words in [["a", "b", "b"], ["b", "c", "a"]] {
        let table = table(Kind::Text, &texts(&words), 3, 1);
        let chunk = crate::chunk::Source::chunk(&table, 0, &[0]).unwrap();
        // The first row is gone.
        work.add(&chunk, Some(&[1])).unwrap();
    }
    let answer = work.finish().unwrap();
    let counts: Vec<Known> =
        (0..answer.n_rows()).map(|row| answer.value(row, Of::Measure(0)).into()).collect();
    assert_eq!(counts, [Known::Whole(1), Known::Whole(2), Known::Whole(1)]);
    assert_eq!(Known::from(answer.value(9, Of::Key(0))), Known::Null);
    assert_eq!(Known::from(answer.value(0, Of::Measure(7))), Known::Null);
}

#[test]
fn work_goes_on_after_that_of_others() {
    let all = asked(None, &[KeyBy::Value], &[Measure::Rows]);
    let bounds = limits(1);
    let add = |values: &[i64], work: &mut GroupWork<'_>| {
        let table = table(Kind::Whole, &wholes(values), 9, 1);
        work.add(&crate::chunk::Source::chunk(&table, 0, &[0]).unwrap(), None).unwrap();
    };
    let (mut own, mut other) = (GroupWork::new(&all, &bounds), GroupWork::new(&all, &bounds));
    add(&[1, 9], &mut own);
    add(&[100, 9], &mut other);
    own.merge(other).unwrap();
    add(&[0, 100, 200], &mut own);
    let answer = own.finish().unwrap();
    let keys: Vec<Known> =
        (0..answer.n_rows()).map(|row| answer.value(row, Of::Key(0)).into()).collect();
    assert_eq!(keys, [0, 1, 9, 100, 200].map(Known::Whole));
}

#[test]
fn who_takes_rows_can_end_it() {
    let values = table(Kind::Whole, &wholes(&[1, 2, 3, 4]), 2, 1);
    let question = Question { columns: vec![0], filter: None };
    let n_taken = Counter::new(0);
    let asked = Rows { question, limit: 9, offset: 1 };
    let taken = rows::<Failure>(&values, &asked, &limits(1), &mut |_| {
        n_taken.set(n_taken.get() + 1);
        if n_taken.get() == 2 { Err(Failure::Stopped) } else { Ok(()) }
    });
    assert!(matches!(taken, Err(Failure::Stopped)));
    assert_eq!(n_taken.get(), 2);
}
