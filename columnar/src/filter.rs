//! Finds the rows of a chunk for which a filter is true.
//!
//! Negations are pushed to the tests first (De Morgan's laws hold in three-valued logic), so that
//! one selection is enough: a negated test is true where the value is there and fails it. What a
//! chunk says of its smallest and largest values often answers a test for all of its rows.

use std::cmp::Ordering;

use crate::Failure;
use crate::bits::Selection;
use crate::chunk::{Chunk, Column, Floats, Offsets, Values, Whole};
use crate::question::{Comparison, Filter, Question, Test};
use crate::text::TextSearch;

/// Selects rows, chunk by chunk.
pub(crate) struct Selector<'q> {
    root: Option<Node<'q>>,
}

enum Node<'q> {
    And(Vec<Node<'q>>),
    Or(Vec<Node<'q>>),
    Leaf { column: usize, is_negated: bool, test: Leaf<'q> },
}

/// A test of a column. Tests of texts know themselves whether they are negated.
enum Leaf<'q> {
    Null,
    /// From the first on to the second.
    Whole(i64, i64),
    WholeIn(&'q [i64]),
    Float(Comparison, f64),
    /// Sorted.
    FloatIn(Vec<f64>),
    Text(Box<TextSearch<'q>>),
}

impl<'q> Selector<'q> {
    pub(crate) fn new(question: &'q Question) -> Selector<'q> {
        Selector { root: question.filter.as_ref().map(|filter| Node::new(filter, false)) }
    }

    /// The rows of a chunk for which the filter is true, but for those that are gone.
    ///
    /// # Errors
    /// Stopped, Mistaken for columns of another kind, Damaged.
    pub(crate) fn select(
        &mut self,
        chunk: &Chunk<'_>,
        gone: Option<&[u64]>,
        is_stopped: &dyn Fn() -> bool,
    ) -> Result<Selection, Failure> {
        let there = Selection::All.without(gone, chunk.n_rows);
        match &mut self.root {
            Some(root) => root.select(chunk, there, is_stopped),
            None => Ok(there),
        }
    }
}

impl<'q> Node<'q> {
    fn new(filter: &'q Filter, is_negated: bool) -> Node<'q> {
        let all = |parts: &'q [Filter]| {
            let mut parts: Vec<Node<'q>> =
                parts.iter().map(|part| Node::new(part, is_negated)).collect();
            parts.sort_by_key(Node::cost);
            parts
        };
        match (filter, is_negated) {
            (Filter::And(parts), false) | (Filter::Or(parts), true) => Node::And(all(parts)),
            (Filter::Or(parts), false) | (Filter::And(parts), true) => Node::Or(all(parts)),
            (Filter::Not(part), _) => Node::new(part, !is_negated),
            (Filter::Test { column, test }, _) => Node::leaf(*column, test, is_negated),
        }
    }

    fn leaf(column: usize, test: &'q Test, is_negated: bool) -> Node<'q> {
        let is_empty = match test {
            Test::WholeIn(list) => list.is_empty(),
            Test::FloatIn(list) => list.is_empty(),
            Test::TextIn(list) => list.is_empty(),
            _ => false,
        };
        if is_empty {
            // Also of a missing value.
            return if is_negated { Node::And(Vec::new()) } else { Node::Or(Vec::new()) };
        }
        let (is_negated, test) = match test {
            Test::Null => (is_negated, Leaf::Null),
            Test::Whole(Comparison::NotEqual, operand) => {
                (!is_negated, Leaf::Whole(*operand, *operand))
            }
            Test::Whole(comparison, operand) => {
                let (low, high) = range(*comparison, *operand);
                (is_negated, Leaf::Whole(low, high))
            }
            Test::WholeIn(list) => (is_negated, Leaf::WholeIn(list)),
            Test::Float(Comparison::NotEqual, operand) => {
                (!is_negated, Leaf::Float(Comparison::Equal, *operand))
            }
            Test::Float(comparison, operand) => (is_negated, Leaf::Float(*comparison, *operand)),
            Test::FloatIn(list) => {
                let mut sorted = list.clone();
                sorted.sort_unstable_by(f64::total_cmp);
                (is_negated, Leaf::FloatIn(sorted))
            }
            _ => (is_negated, Leaf::Text(Box::new(TextSearch::new(test, is_negated)))),
        };
        Node::Leaf { column, is_negated, test }
    }

    /// What is cheap comes first, so that there may be nothing left for what is not.
    fn cost(&self) -> u32 {
        match self {
            Node::And(parts) | Node::Or(parts) => parts.iter().map(Node::cost).sum(),
            Node::Leaf { test, .. } => match test {
                Leaf::Null | Leaf::Whole(..) | Leaf::Float(..) => 1,
                Leaf::WholeIn(_) | Leaf::FloatIn(_) => 4,
                Leaf::Text(search) => search.cost(),
            },
        }
    }

    /// Those of `within` for which it is true.
    fn select(
        &mut self,
        chunk: &Chunk<'_>,
        within: Selection,
        is_stopped: &dyn Fn() -> bool,
    ) -> Result<Selection, Failure> {
        match self {
            Node::And(parts) => {
                let mut left = within;
                for part in parts {
                    if left == Selection::None {
                        break;
                    }
                    left = part.select(chunk, left, is_stopped)?;
                }
                Ok(left)
            }
            Node::Or(parts) => {
                let mut found = Selection::None;
                for part in parts {
                    found = found.or(part.select(chunk, within.clone(), is_stopped)?);
                    if found == Selection::All {
                        break;
                    }
                }
                Ok(found)
            }
            Node::Leaf { column, is_negated, test } => {
                let column = chunk.columns.get(*column).ok_or(Failure::Mistaken)?;
                if within == Selection::None {
                    return Ok(within);
                }
                let found = test.select(column, chunk.n_rows, *is_negated, &within, is_stopped)?;
                Ok(within.and(&found))
            }
        }
    }
}

impl Leaf<'_> {
    fn select(
        &mut self,
        column: &Column<'_>,
        n_rows: usize,
        is_negated: bool,
        within: &Selection,
        is_stopped: &dyn Fn() -> bool,
    ) -> Result<Selection, Failure> {
        let present = match column.n_nulls {
            0 => Selection::All,
            n if n >= n_rows => Selection::None,
            _ => Selection::All.without(column.nulls, n_rows),
        };
        let passed = match (&mut *self, &column.values) {
            (Leaf::Null, _) => {
                return Ok(if is_negated { present } else { present.not(n_rows) });
            }
            (_, _) if present == Selection::None => return Ok(present),
            (Leaf::Whole(low, high), Values::Whole(numbers)) => {
                whole_between(numbers, *low, *high, n_rows)
            }
            (Leaf::WholeIn(list), Values::Whole(numbers)) => whole_in(numbers, list, n_rows),
            (Leaf::Float(comparison, operand), Values::Float(numbers)) => {
                float(numbers, *comparison, *operand)
            }
            (Leaf::FloatIn(list), Values::Float(numbers)) => float_in(numbers, list),
            (Leaf::Text(search), values) => {
                let found = search.select(values, n_rows, within, is_stopped)?;
                return Ok(found.and(&present));
            }
            _ => return Err(Failure::Mistaken),
        };
        let passed = if is_negated { passed.not(n_rows) } else { passed };
        Ok(passed.and(&present))
    }
}

/// The smallest and the largest whole number that compare so; crosswise where none does.
fn range(comparison: Comparison, operand: i64) -> (i64, i64) {
    const NONE: (i64, i64) = (i64::MAX, i64::MIN);
    match comparison {
        Comparison::Equal | Comparison::NotEqual => (operand, operand),
        Comparison::Less => operand.checked_sub(1).map_or(NONE, |high| (i64::MIN, high)),
        Comparison::LessOrEqual => (i64::MIN, operand),
        Comparison::Greater => operand.checked_add(1).map_or(NONE, |low| (low, i64::MAX)),
        Comparison::GreaterOrEqual => (operand, i64::MAX),
    }
}

fn whole_between(numbers: &Whole<'_>, low: i64, high: i64, n_rows: usize) -> Selection {
    if low <= numbers.min && numbers.max <= high {
        return Selection::All;
    }
    let (low, high) = (low.max(numbers.min), high.min(numbers.max));
    if low > high {
        return Selection::None;
    }
    let offset = |value: i64| value.wrapping_sub(numbers.base).cast_unsigned();
    offsets_between(&numbers.offsets, offset(low), offset(high), n_rows)
}

/// The rows whose numbers lie from `low` to `high`; where these are crosswise, around the largest
/// number and zero.
pub(crate) fn offsets_between(
    offsets: &Offsets<'_>,
    low: u64,
    high: u64,
    n_rows: usize,
) -> Selection {
    /// In the width of the numbers, which is what vectors are made of.
    fn between<T: Copy + PartialOrd + TryFrom<u64>>(
        values: &[T],
        low: u64,
        high: u64,
    ) -> Selection {
        match (T::try_from(low), T::try_from(high)) {
            (Ok(low), Ok(high)) => Selection::of(values, |value| (low <= value) & (value <= high)),
            (Ok(low), Err(_)) => Selection::of(values, |value| low <= value),
            (Err(_), _) => Selection::None,
        }
    }
    if low > high {
        let span = high.wrapping_sub(low);
        return offsets_passing(offsets, n_rows, |offset| offset.wrapping_sub(low) <= span);
    }
    match offsets {
        Offsets::Zero if low == 0 => Selection::All,
        Offsets::Zero => Selection::None,
        Offsets::Steps => {
            let row = |offset: u64| usize::try_from(offset).unwrap_or(usize::MAX);
            Selection::run(row(low), row(high).saturating_add(1), n_rows)
        }
        Offsets::U8(values) => between(values, low, high),
        Offsets::U16(values) => between(values, low, high),
        Offsets::U32(values) => between(values, low, high),
        Offsets::U64(values) => between(values, low, high),
    }
}

/// The rows whose numbers pass a test.
pub(crate) fn offsets_passing(
    offsets: &Offsets<'_>,
    n_rows: usize,
    test: impl Fn(u64) -> bool,
) -> Selection {
    match offsets {
        Offsets::Zero if test(0) => Selection::All,
        Offsets::Zero => Selection::None,
        Offsets::Steps => {
            let rows: Vec<u64> = (0_u64..).take(n_rows).collect();
            Selection::of(&rows, test)
        }
        Offsets::U8(values) => Selection::of(values, |value| test(u64::from(value))),
        Offsets::U16(values) => Selection::of(values, |value| test(u64::from(value))),
        Offsets::U32(values) => Selection::of(values, |value| test(u64::from(value))),
        Offsets::U64(values) => Selection::of(values, test),
    }
}

fn whole_in(numbers: &Whole<'_>, list: &[i64], n_rows: usize) -> Selection {
    /// Up to here a table costs less than a search in each row.
    const MAX_TABLE: u64 = 65_536;
    let begin = list.partition_point(|value| *value < numbers.min);
    let end = list.partition_point(|value| *value <= numbers.max);
    let list = list.get(begin..end).unwrap_or_default();
    if let [one] = list {
        return whole_between(numbers, *one, *one, n_rows);
    }
    if list.is_empty() {
        return Selection::None;
    }
    let above = |value: i64| value.wrapping_sub(numbers.min).cast_unsigned();
    let span = above(numbers.max);
    if span >= MAX_TABLE {
        return offsets_passing(&numbers.offsets, n_rows, |offset| {
            let value = numbers.base.wrapping_add(offset.cast_signed());
            list.binary_search(&value).is_ok()
        });
    }
    let place = |value: i64| usize::try_from(above(value)).unwrap_or(usize::MAX);
    let mut table = vec![false; place(numbers.max) + 1];
    for value in list {
        if let Some(flag) = table.get_mut(place(*value)) {
            *flag = true;
        }
    }
    offsets_passing(&numbers.offsets, n_rows, |offset| {
        let value = numbers.base.wrapping_add(offset.cast_signed());
        table.get(place(value)).copied().unwrap_or(false)
    })
}

fn float_in(numbers: &Floats<'_>, list: &[f64]) -> Selection {
    if !list.iter().any(|one| numbers.min <= *one && *one <= numbers.max) {
        return Selection::None;
    }
    // Numbers all, so that there is an order; of zeros, any.
    let order = |one: &f64, value: f64| one.partial_cmp(&value).unwrap_or(Ordering::Less);
    Selection::of(numbers.values, |value| list.binary_search_by(|one| order(one, value)).is_ok())
}

fn is_equal(a: f64, b: f64) -> bool {
    (a >= b) & (a <= b)
}

fn float(numbers: &Floats<'_>, comparison: Comparison, operand: f64) -> Selection {
    let (min, max) = (numbers.min, numbers.max);
    let (is_all, is_none) = match comparison {
        Comparison::Equal | Comparison::NotEqual => {
            (is_equal(min, operand) && is_equal(max, operand), operand < min || operand > max)
        }
        Comparison::Less => (max < operand, min >= operand),
        Comparison::LessOrEqual => (max <= operand, min > operand),
        Comparison::Greater => (min > operand, max <= operand),
        Comparison::GreaterOrEqual => (min >= operand, max < operand),
    };
    match comparison {
        _ if is_all => Selection::All,
        _ if is_none => Selection::None,
        Comparison::Equal | Comparison::NotEqual => {
            Selection::of(numbers.values, |value| is_equal(value, operand))
        }
        Comparison::Less => Selection::of(numbers.values, |value| value < operand),
        Comparison::LessOrEqual => Selection::of(numbers.values, |value| value <= operand),
        Comparison::Greater => Selection::of(numbers.values, |value| value > operand),
        Comparison::GreaterOrEqual => Selection::of(numbers.values, |value| value >= operand),
    }
}
