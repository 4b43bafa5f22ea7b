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

/// What values of a column are like.
#[derive(Clone, Copy, Debug)]
struct Values {
    column_type: ColumnType,
    /// Digits before the point, at most.
    whole_digits: u8,
    /// Whether a double keeps each of them.
    exact_doubles: bool,
}

/// The type for the values of a dataset's column, of which some may have `changed` since they were loaded, and of a
/// sheet's.
pub(super) fn join(old: &Column, changed: bool, new: &ColumnPlan) -> ColumnType {
    let mut before = Values::of(old.column_type, &old.evidence);
    if changed {
        before.exact_doubles = fits_double(type_digits(old.column_type), old.column_type);
    }
    let mut came = Values::of(new.column_type, &new.evidence);
    // Written numbers such as `1,234.50` are read as exact numbers only.
    came.exact_doubles &= new.notation.number.is_none();
    join_types(before, came)
}

fn join_types(before: Values, came: Values) -> ColumnType {
    use ColumnType::{BigInt, Decimal, Float, Int, String};
    let (old, old_digits) = (before.column_type, before.whole_digits);
    let (new, new_digits) = (came.column_type, came.whole_digits);
    let both_exact = before.exact_doubles && came.exact_doubles;
    match (old, new) {
        (Decimal { scale: a, .. }, Decimal { scale: b, .. }) => {
            let (scale, digits) = (a.max(b), old_digits.max(new_digits));
            // What is there is as wide as it was made; only a larger scale needs room.
            if scale == a {
                old
            } else if digits + scale <= MAX_DIGITS {
                Decimal { precision: MAX_DIGITS, scale }
            } else if both_exact {
                Float
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
        (Int | BigInt | Decimal { .. }, Float) if before.exact_doubles => Float,
        (Float, Int | BigInt | Decimal { .. }) if came.exact_doubles => Float,
        _ => String,
    }
}

impl Values {
    fn of(column_type: ColumnType, evidence: &Evidence) -> Values {
        let whole_digits = whole_digits(column_type, evidence);
        let exact_doubles = evidence.exact_doubles || fits_double(whole_digits, column_type);
        Values { column_type, whole_digits, exact_doubles }
    }
}

/// Whether a double holds any number of this type with so many digits before the point.
fn fits_double(whole_digits: u8, column_type: ColumnType) -> bool {
    let scale = match column_type {
        ColumnType::Decimal { scale, .. } => scale,
        _ => 0,
    };
    whole_digits + scale <= DOUBLE_DIGITS
}

/// How many digits numbers of a type may have before the point.
fn type_digits(column_type: ColumnType) -> u8 {
    match column_type {
        ColumnType::Int => 10,
        ColumnType::BigInt => 19,
        ColumnType::Decimal { scale, .. } => MAX_DIGITS.saturating_sub(scale),
        _ => 0,
    }
}

/// How many digits stand before the point, at most.
fn whole_digits(column_type: ColumnType, evidence: &Evidence) -> u8 {
    let bound = type_digits(column_type);
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
            ((Int, 3, true), (Int, 3, true), Int),
            ((Int, 3, true), (BigInt, 12, true), BigInt),
            ((Int, 3, true), (decimal(2), 5, true), decimal(2)),
            ((BigInt, 17, false), (decimal(2), 5, true), String),
            ((decimal(2), 5, true), (decimal(4), 3, true), decimal(4)),
            ((decimal(2), 16, false), (decimal(4), 3, true), String),
            ((decimal(16), 2, true), (decimal(18), 0, true), Float),
            ((Int, 10, true), (Float, 0, true), Float),
            ((BigInt, 16, false), (Float, 0, true), String),
            ((Float, 0, true), (decimal(2), 5, true), Float),
            ((Float, 0, true), (decimal(2), 5, false), String),
            ((Boolean, 0, true), (Int, 1, true), String),
            ((Date, 0, true), (ColumnType::LocalDateTime, 0, true), String),
            ((String, 0, true), (Int, 1, true), String),
        ] {
            let values = |(column_type, whole_digits, exact_doubles)| Values {
                column_type,
                whole_digits,
                exact_doubles,
            };
            assert_eq!(join_types(values(old), values(new)), expect, "{old:?} {new:?}");
        }
    }

    #[test]
    fn what_was_changed_is_as_wide_as_its_type() {
        let fits = |column_type| fits_double(type_digits(column_type), column_type);
        assert!(fits(ColumnType::Int));
        assert!(!fits(ColumnType::BigInt));
        assert!(!fits(ColumnType::Decimal { precision: 18, scale: 2 }));
    }
}
