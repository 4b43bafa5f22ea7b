//! Tells whether a column of an upload is evidently one of the dataset's under another header.
//!
//! It exists so that `Order-Date` after `Order Date` keeps its field. It would rather miss a rename
//! than make one up: whoever calls it takes a match only where no other column competes.

use sluice_schema::{ColumnPlan, ColumnType};

use super::columns::physical_name;
use crate::catalog::model::Column;

/// Labels shorter than this must agree in all letters and digits.
const MIN_FUZZY_CHARS: usize = 5;
/// Labels are compared up to here.
const MAX_CHARS: usize = 200;
/// Values that differ, below which agreement may be chance.
const MIN_DISTINCT: u64 = 5;
/// The same for a column that stands where the other one stood.
const MIN_DISTINCT_IN_PLACE: u64 = 2;

/// Whether the labels differ only in case, separators or a letter or two.
pub(super) fn alike_labels(old: &Column, new: &ColumnPlan) -> bool {
    let (old, new) = (plain(&old.label), plain(&new.label));
    if old.is_empty() || new.is_empty() {
        return false;
    }
    if old == new {
        return true;
    }
    let n_chars = old.len().min(new.len());
    let n_allowed = if n_chars >= 2 * MIN_FUZZY_CHARS { 2 } else { 1 };
    // A digit makes another column: `q1` and `q2` are no typing errors.
    let digits = |text: &[char]| -> Vec<char> {
        text.iter().copied().filter(char::is_ascii_digit).collect()
    };
    n_chars >= MIN_FUZZY_CHARS && digits(&old) == digits(&new) && distance(&old, &new) <= n_allowed
}

/// Whether the values are evidently the same: as many, from and to the same, of the same type.
pub(super) fn alike_values(old: &Column, new: &ColumnPlan) -> bool {
    let (was, is) = (&old.evidence, &new.evidence);
    let is_same_kind = match (old.column_type, new.column_type) {
        (ColumnType::Boolean, _) | (_, ColumnType::Boolean) => false,
        (old, new) => old.name() == new.name(),
    };
    let is_in_place = old.physical == physical_name(new.index_in_file);
    let n_wanted = if is_in_place { MIN_DISTINCT_IN_PLACE } else { MIN_DISTINCT };
    is_same_kind
        && was.n_distinct >= n_wanted
        && was.n_distinct == is.n_distinct
        && was.n_nulls == is.n_nulls
        && was.longest_bytes == is.longest_bytes
        && was.min == is.min
        && was.max == is.max
        && !was.samples.is_empty()
        && was.samples == is.samples
}

fn plain(label: &str) -> Vec<char> {
    label
        .chars()
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .take(MAX_CHARS)
        .collect()
}

/// The Levenshtein distance.
fn distance(a: &[char], b: &[char]) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        if let Some(first) = row.first_mut() {
            *first = left;
        }
        for (y, place) in b.iter().zip(row.iter_mut().skip(1)) {
            let cost = usize::from(x != y);
            let value = (diagonal + cost).min(*place + 1).min(left + 1);
            diagonal = *place;
            left = value;
            *place = value;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances() {
        let chars = |text: &str| text.chars().collect::<Vec<_>>();
        for (a, b, expect) in
            [("", "", 0), ("a", "", 1), ("kitten", "sitting", 3), ("amount", "ammount", 1)]
        {
            assert_eq!(distance(&chars(a), &chars(b)), expect, "{a} {b}");
        }
    }
}
