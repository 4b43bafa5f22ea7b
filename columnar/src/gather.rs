//! Brings values of picked rows together, so that what follows sees slices and no forms.

use crate::bits::Picks;
use crate::chunk::{Column, Offsets, Whole};

/// Makes `out` what `map` makes of the picked values.
pub(crate) fn gather<T: Copy + Default, U>(
    values: &[T],
    picks: Picks<'_>,
    out: &mut Vec<U>,
    map: impl Fn(T) -> U,
) {
    out.clear();
    match picks {
        Picks::Run(begin, end) => {
            let values = values.get(begin..end).unwrap_or_default();
            out.extend(values.iter().map(|value| map(*value)));
        }
        Picks::Places(places) => out.extend(
            places
                .iter()
                .map(|place| map(values.get(usize::from(*place)).copied().unwrap_or_default())),
        ),
    }
}

/// Makes `out` what `map` makes of the picked numbers.
pub(crate) fn gather_offsets<U>(
    offsets: &Offsets<'_>,
    picks: Picks<'_>,
    out: &mut Vec<U>,
    map: impl Fn(u64) -> U,
) {
    match offsets {
        Offsets::Zero => {
            out.clear();
            out.extend((0..picks.len()).map(|_| map(0)));
        }
        Offsets::Steps => {
            out.clear();
            match picks {
                Picks::Run(begin, end) => out.extend((begin..end).map(|row| map(row as u64))),
                Picks::Places(places) => {
                    out.extend(places.iter().map(|place| map(u64::from(*place))));
                }
            }
        }
        Offsets::U8(values) => gather(values, picks, out, |value| map(u64::from(value))),
        Offsets::U16(values) => gather(values, picks, out, |value| map(u64::from(value))),
        Offsets::U32(values) => gather(values, picks, out, |value| map(u64::from(value))),
        Offsets::U64(values) => gather(values, picks, out, map),
    }
}

/// Makes `out` the picked whole numbers.
pub(crate) fn gather_whole(numbers: &Whole<'_>, picks: Picks<'_>, out: &mut Vec<i64>) {
    let base = numbers.base;
    gather_offsets(&numbers.offsets, picks, out, |offset| base.wrapping_add(offset.cast_signed()));
}

/// Makes `out` tell which of the picked values are missing; empty where the column has all.
pub(crate) fn gather_missing(column: &Column<'_>, picks: Picks<'_>, out: &mut Vec<bool>) {
    out.clear();
    let (Some(words), 1..) = (column.nulls, column.n_nulls) else { return };
    let is_null = |row: usize| words.get(row / 64).is_some_and(|word| word >> (row % 64) & 1 == 1);
    match picks {
        Picks::Run(begin, end) => out.extend((begin..end).map(is_null)),
        Picks::Places(places) => out.extend(places.iter().map(|place| is_null((*place).into()))),
    }
}

/// Hands over each picked row.
pub(crate) fn each_row(picks: Picks<'_>, each: impl FnMut(usize)) {
    match picks {
        Picks::Run(begin, end) => (begin..end).for_each(each),
        Picks::Places(places) => places.iter().map(|place| usize::from(*place)).for_each(each),
    }
}
