//! Finds the narrowest type that holds the values of two columns exactly.
//!
//! It exists so that rows of several files share a column and no value changes. What fits nothing
//! narrower becomes text.

use sluice_schema::{ColumnPlan, ColumnType, Evidence};

use crate::catalog::model::Column;

/// The digits that a decimal holds.
const MAX_DIGITS: u8 = 18;
/// The digits that a double holds whatever they are.
const DOUBLE_DIGITS: u8 = 15;

/// The type for the values of a dataset's column and of a sheet's.
pub(super) fn join(old: &Column, new: &ColumnPlan) -> ColumnType {
    let old_digits = whole_digits(old.column_type, &old.evidence);
    let new_digits = whole_digits(new.column_type, &new.evidence);
    // Written numbers such as `1,234.50` are read as exact numbers only.
    let is_written = new.notation.number.is_some();
    join_types((old.column_type, old_digits), (new.column_type, new_digits), is_written)
}

fn join_types(
    (old, old_digits): (ColumnType, u8),
    (new, new_digits): (ColumnType, u8),
    is_written: bool,
) -> ColumnType {
    use ColumnType::{BigInt, Decimal, Float, Int, String};
    let fits_double = |digits: u8, scale: u8| digits + scale <= DOUBLE_DIGITS;
    match (old, new) {
        (Decimal { scale: a, .. }, Decimal { scale: b, .. }) => {
            let (scale, digits) = (a.max(b), old_digits.max(new_digits));
            // What is there is as wide as it was made; only a larger scale needs room.
            if scale == a {
                old
            } else if digits + scale <= MAX_DIGITS {
                Decimal { precision: MAX_DIGITS, scale }
            } else {
                String
            }
        }
        (old, new) if old.name() == new.name() => old,
        (Int, BigInt) | (BigInt, Int) => BigInt,
        (Int | BigInt, Decimal { scale, .. }) | (Decimal { scale, .. }, Int | BigInt) => {
            match old_digits.max(new_digits) + scale <= MAX_DIGITS {
                true => Decimal { precision: MAX_DIGITS, scale },
                false => String,
            }
        }
        (Int | BigInt, Float) if fits_double(old_digits, 0) => Float,
        (Decimal { scale, .. }, Float) if fits_double(old_digits, scale) => Float,
        (Float, Int | BigInt) if fits_double(new_digits, 0) && !is_written => Float,
        (Float, Decimal { scale, .. }) if fits_double(new_digits, scale) && !is_written => Float,
        _ => String,
    }
}

/// How many digits stand before the point, at most.
fn whole_digits(column_type: ColumnType, evidence: &Evidence) -> u8 {
    let bound = match column_type {
        ColumnType::Int => 10,
        ColumnType::BigInt => 19,
        ColumnType::Decimal { scale, .. } => MAX_DIGITS.saturating_sub(scale),
        _ => 0,
    };
    let of = |text: &Option<String>| {
        let whole = text.as_deref()?.split('.').next()?.bytes();
        u8::try_from(whole.filter(u8::is_ascii_digit).count()).ok()
    };
    match (of(&evidence.min), of(&evidence.max)) {
        (Some(min), Some(max)) => min.max(max).min(bound),
        _ => bound,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_join_to_the_narrowest_that_holds_both() {
        use ColumnType::{BigInt, Boolean, Date, Float, Int, String};
        let decimal = |scale| ColumnType::Decimal { precision: 18, scale };
        for (old, new, expect) in [
            ((Int, 3), (Int, 3), Int),
            ((Int, 3), (BigInt, 12), BigInt),
            ((Int, 3), (decimal(2), 5), decimal(2)),
            ((BigInt, 17), (decimal(2), 5), String),
            ((decimal(2), 5), (decimal(4), 3), decimal(4)),
            ((decimal(2), 16), (decimal(4), 3), String),
            ((Int, 10), (Float, 0), Float),
            ((BigInt, 16), (Float, 0), String),
            ((Float, 0), (decimal(2), 5), Float),
            ((Boolean, 0), (Int, 1), String),
            ((Date, 0), (ColumnType::LocalDateTime, 0), String),
            ((String, 0), (Int, 1), String),
        ] {
            assert_eq!(join_types(old, new, false), expect, "{old:?} {new:?}");
        }
        assert_eq!(join_types((Float, 0), (decimal(2), 5), true), String);
    }
}
