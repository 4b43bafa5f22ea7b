//! Finds the lower bound of the bin in which a number lies: `floor(value ÷ width) × width`.
//!
//! The embedded store's counterpart of what statements on PostgreSQL compute with `numeric`, exact
//! in the same way: a double counts as its shortest decimal, so that `0.3` begins a bin of `0.1`.

use num_bigint::{BigInt, BigUint};

use sluice_columnar::{exact, shortest::shortest};
use sluice_schema::ColumnType;

/// Where bins of a column of whole numbers or decimals begin at the earliest.
pub(crate) fn lowest(column_type: ColumnType) -> i64 {
    match column_type {
        ColumnType::Int => i64::from(i32::MIN),
        _ => i64::MIN,
    }
}

/// The bin of a whole number; bins begin at `lowest` at the earliest.
pub(crate) fn whole(value: i64, width: i64, lowest: i64) -> i64 {
    let (wide, width) = (i128::from(value), i128::from(width.max(1)));
    let bound = wide - wide.rem_euclid(width);
    i64::try_from(bound).map_or(lowest, |bound| bound.max(lowest))
}

/// The bin of a double; `width` is decimal text. `None` where the bound is no double.
pub(crate) fn double(value: f64, width: &str) -> Option<f64> {
    let (digits, exponent) = shortest(value)?;
    let (width, scale) = sluice_schema::decimal::parse_decimal(width)?;
    // Both in units of the smaller power of ten.
    let unit = exponent.min(-i32::from(scale));
    let value = BigInt::from(digits) * power(exponent - unit);
    let width = BigInt::from(width) * power(-i32::from(scale) - unit);
    if width <= BigInt::ZERO {
        return None;
    }
    let rest = ((&value % &width) + &width) % &width;
    let bound = exact::nearest(&(value - rest), &BigUint::from(1_u8), unit);
    bound.is_finite().then_some(bound)
}

fn power(of_ten: i32) -> BigInt {
    BigInt::from(10).pow(u32::try_from(of_ten).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bins_begin_below() {
        assert_eq!(whole(25, 10, i64::MIN), 20);
        assert_eq!(whole(-1, 10, i64::MIN), -10);
        assert_eq!(whole(-10, 10, i64::MIN), -10);
        assert_eq!(whole(i64::MIN, 10, i64::MIN), i64::MIN);
        let lowest = i64::from(i32::MIN);
        assert_eq!(whole(lowest, 1_000, lowest), lowest);
        assert_eq!(whole(i64::MAX, i64::MAX, i64::MIN), i64::MAX);
        for (value, width, expect) in [
            (0.3, "0.1", 0.3),
            (0.35, "0.1", 0.3),
            (-0.05, "0.1", -0.1),
            (1e300, "7", 1e300),
            (5e-324, "0.5", 0.0),
            (-5e-324, "0.5", -0.5),
            (12.5, "10", 10.0),
        ] {
            assert_eq!(double(value, width), Some(expect), "{value} {width}");
        }
    }
}
