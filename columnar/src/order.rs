//! Which groups are answered, and in which order.

use std::cmp::Ordering;

use crate::Failure;
use crate::answer::Finished;
use crate::question::{Comparison, GroupOrder, Groups, Having, Of, Operand};

/// Tells what is known of a group, by its number.
pub(crate) type Known<'k, 'w> = dyn Fn(u32, Of) -> Result<Finished<'w>, Failure> + 'k;

/// Whether a condition is true of a group; `None` if it is neither true nor false.
///
/// # Errors
/// Mistaken for values of another kind, and those of `known`.
pub(crate) fn having(
    condition: &Having,
    group: u32,
    known: &Known<'_, '_>,
) -> Result<Option<bool>, Failure> {
    Ok(match condition {
        Having::And(parts) => all(parts, group, known, true)?,
        Having::Or(parts) => all(parts, group, known, false)?,
        Having::Not(part) => having(part, group, known)?.map(|is_true| !is_true),
        Having::Null(of) => Some(known(group, *of)? == Finished::Null),
        Having::Compare(of, comparison, operand) => {
            compare(known(group, *of)?, *comparison, operand)?
        }
        // Nothing is one of no values, also what is missing.
        Having::In(_, operands) if operands.is_empty() => Some(false),
        Having::In(of, operands) => {
            let value = known(group, *of)?;
            let mut is_in = (value != Finished::Null).then_some(false);
            for operand in operands {
                if compare(value, Comparison::Equal, operand)? == Some(true) {
                    is_in = Some(true);
                }
            }
            is_in
        }
    })
}

/// Whether all parts are `expected`; else the opposite if one is, and nothing if one is nothing.
fn all(
    parts: &[Having],
    group: u32,
    known: &Known<'_, '_>,
    expected: bool,
) -> Result<Option<bool>, Failure> {
    let mut found = Some(expected);
    for part in parts {
        match having(part, group, known)? {
            Some(is_true) if is_true == expected => {}
            Some(other) => return Ok(Some(other)),
            None => found = None,
        }
    }
    Ok(found)
}

fn compare(
    value: Finished<'_>,
    comparison: Comparison,
    operand: &Operand,
) -> Result<Option<bool>, Failure> {
    let other = match operand {
        _ if value == Finished::Null => return Ok(None),
        Operand::Nothing => {
            return Ok(Some(matches!(
                comparison,
                Comparison::NotEqual | Comparison::Greater | Comparison::GreaterOrEqual
            )));
        }
        Operand::Whole(number) => Finished::of_whole(*number),
        Operand::Float(number) => Finished::Float(*number),
        Operand::Text(text) => Finished::Text(text),
    };
    let order = value.order(other).ok_or(Failure::Mistaken)?;
    Ok(Some(comparison.holds(order)))
}

/// Puts the groups that are answered into their order, and takes the others away.
///
/// # Errors
/// Those of `known`.
pub(crate) fn arrange<'w>(
    groups: &mut Vec<u32>,
    asked: &Groups,
    n_groups: usize,
    known: &Known<'_, 'w>,
) -> Result<(), Failure> {
    let offset = usize::try_from(asked.offset).unwrap_or(usize::MAX);
    let end = offset.saturating_add(usize::try_from(asked.limit).unwrap_or(usize::MAX));
    if offset >= groups.len() || end == offset {
        groups.clear();
        return Ok(());
    }
    let by_keys = (0..asked.keys.len()).map(|key| GroupOrder {
        of: Of::Key(key),
        is_descending: false,
        is_null_first: false,
    });
    // Measures take time to finish; keys are at hand.
    let mut finished: Vec<(GroupOrder, Vec<Finished<'w>>)> = Vec::new();
    for order in asked.order.iter().copied().chain(by_keys) {
        let mut values = Vec::new();
        if let Of::Measure(_) = order.of {
            values.resize(n_groups, Finished::Null);
            for group in groups.iter() {
                if let Some(value) = values.get_mut(*group as usize) {
                    *value = known(*group, order.of)?;
                }
            }
        }
        finished.push((order, values));
    }
    let value = |order: &GroupOrder, values: &[Finished<'w>], group: u32| match order.of {
        Of::Key(_) => known(group, order.of).unwrap_or(Finished::Null),
        Of::Measure(_) => values.get(group as usize).copied().unwrap_or(Finished::Null),
    };
    let by = |a: &u32, b: &u32| {
        let orders = finished.iter().map(|(order, values)| {
            in_order(order, value(order, values, *a), value(order, values, *b))
        });
        orders.into_iter().find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
    };
    if end < groups.len() {
        groups.select_nth_unstable_by(end - 1, by);
        groups.truncate(end);
    }
    groups.sort_unstable_by(by);
    groups.drain(..offset);
    Ok(())
}

fn in_order(order: &GroupOrder, a: Finished<'_>, b: Finished<'_>) -> Ordering {
    match (a == Finished::Null, b == Finished::Null) {
        (true, true) => return Ordering::Equal,
        (false, false) => {}
        (is_null, _) => {
            return if is_null == order.is_null_first { Ordering::Less } else { Ordering::Greater };
        }
    }
    let ascending = a.order(b).unwrap_or(Ordering::Equal);
    if order.is_descending { ascending.reverse() } else { ascending }
}
