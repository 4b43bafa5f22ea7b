//! Turns GraphQL values into what sums and averages are compared with, and the widths of bins.
//!
//! A sum may pass 64 bits. On SQLite, which has no such numbers, both sides of a comparison are
//! texts that sort like the numbers they stand for ([`rank`]).

use num_bigint::{BigInt, Sign};
use serde_json::Value as Json;
use sluice_columnar::question::Operand;
use sluice_schema::{ColumnType, decimal};

use super::Dialect;
use super::value::{Side, decimal_value, items, wrong};
use crate::error::{Error, Result};
use crate::store::run::Bind;
use sluice_columnar::exact::{self, rank};

/// Sorts before, and equals, no number.
const NO_NUMBER: &str = "";

/// A number at a scale, in the form in which the store compares it.
///
/// # Errors
/// BAD_USER_INPUT when it is no decimal.
pub(super) fn number(
    value: &Json,
    scale: u8,
    side: Side,
    dialect: Dialect,
    place: &str,
) -> Result<String> {
    let what = "a number; write it as a string, such as \"12.50\"";
    let (unscaled, own_scale) = decimal_value(value).ok_or_else(|| wrong(place, value, what))?;
    if dialect == Dialect::Postgres {
        let mut out = Vec::with_capacity(40);
        decimal::write_decimal_i128(&mut out, unscaled, own_scale);
        return String::from_utf8(out).map_err(Error::internal);
    }
    let unscaled = BigInt::from(unscaled);
    if own_scale <= scale {
        return Ok(rank(&(unscaled * power(scale - own_scale))));
    }
    let unit = power(own_scale - scale);
    // Cut towards zero.
    let cut = &unscaled / &unit;
    let rest = unscaled - &cut * unit;
    let is_exact = rest == BigInt::ZERO;
    Ok(match side {
        _ if is_exact => rank(&cut),
        Side::Exact => NO_NUMBER.to_owned(),
        Side::Floor if rest < BigInt::ZERO => rank(&(cut - 1)),
        Side::Ceil if rest > BigInt::ZERO => rank(&(cut + 1)),
        Side::Floor | Side::Ceil => rank(&cut),
    })
}

/// What [`number`] wrote for the embedded store, as a number again.
pub(super) fn unrank(text: &str) -> Operand {
    let Some(number) = exact::unrank(text) else { return Operand::Nothing };
    // What passes 128 bits is beyond every sum.
    Operand::Whole(i128::try_from(&number).unwrap_or(match number.sign() {
        Sign::Minus => i128::MIN,
        _ => i128::MAX,
    }))
}

/// A list of them.
///
/// # Errors
/// As [`number`], and QUERY_TOO_COMPLEX for too many.
pub(super) fn numbers(
    value: &Json,
    scale: u8,
    dialect: Dialect,
    max_values: usize,
    place: &str,
) -> Result<Bind> {
    let values = items(value, max_values, place)?;
    let texts = values.iter().map(|value| number(value, scale, Side::Exact, dialect, place));
    let texts: Vec<String> = texts.collect::<Result<_>>()?;
    Ok(match dialect {
        Dialect::Postgres => Bind::TextList(texts),
        Dialect::Sqlite => Bind::Text(Json::from(texts).to_string()),
    })
}

/// The width of bins, which must be a number that the column could hold.
///
/// # Errors
/// BAD_USER_INPUT when it is none, or not above zero.
pub(super) fn bin_width(
    value: &Json,
    column_type: ColumnType,
    dialect: Dialect,
    place: &str,
) -> Result<Bind> {
    if column_type == ColumnType::Float {
        let width = decimal_value(value).filter(|(unscaled, _)| *unscaled > 0);
        let (unscaled, own_scale) =
            width.ok_or_else(|| wrong(place, value, "a width above zero, such as \"0.5\""))?;
        let mut out = Vec::with_capacity(40);
        decimal::write_decimal_i128(&mut out, unscaled, own_scale);
        return String::from_utf8(out).map(Bind::Text).map_err(Error::internal);
    }
    let (scale, what) = match column_type {
        ColumnType::Decimal { scale, .. } => (
            scale,
            format!(
                "a width above zero with at most {scale} digits after the point, such as \"10\""
            ),
        ),
        _ => (0, "a whole width above zero, such as \"10\"".to_owned()),
    };
    let width = decimal_value(value).and_then(|(unscaled, own_scale)| {
        let width = i64::try_from(decimal::rescale(unscaled, own_scale, scale)?).ok()?;
        (width > 0 && width <= decimal::UNSCALED_LIMIT).then_some(width)
    });
    let width = width.ok_or_else(|| wrong(place, value, &what))?;
    if dialect == Dialect::Sqlite {
        return Ok(Bind::Int(width));
    }
    let mut out = Vec::with_capacity(24);
    decimal::write_decimal(&mut out, width, scale);
    String::from_utf8(out).map(Bind::Text).map_err(Error::internal)
}

fn power(of_ten: u8) -> BigInt {
    BigInt::from(10).pow(u32::from(of_ten))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn numbers_between_two_keep_their_side() -> Result<()> {
        let ranked = |text: &str, side| number(&json!(text), 2, side, Dialect::Sqlite, "x");
        let at = |n: i64| rank(&BigInt::from(n));
        assert_eq!(ranked("12.5", Side::Exact)?, at(1_250));
        assert_eq!(ranked("12.505", Side::Exact)?, NO_NUMBER);
        assert_eq!(ranked("12.505", Side::Floor)?, at(1_250));
        assert_eq!(ranked("12.505", Side::Ceil)?, at(1_251));
        assert_eq!(ranked("-12.505", Side::Floor)?, at(-1_251));
        assert_eq!(ranked("-12.505", Side::Ceil)?, at(-1_250));
        assert!(ranked("99999999999999999999", Side::Exact)? > at(i64::MAX));
        Ok(())
    }

    #[test]
    fn numbers_come_back_from_their_texts() {
        for number in [0, 1, -1, 1_250, -99_999, i128::from(i64::MAX) * 7, i128::from(i64::MIN) * 7]
        {
            assert_eq!(unrank(&rank(&BigInt::from(number))), Operand::Whole(number));
        }
        assert_eq!(unrank(NO_NUMBER), Operand::Nothing);
    }

    #[test]
    fn widths_fit_their_column() {
        let cents = ColumnType::Decimal { precision: 10, scale: 2 };
        let width = |text: &str, of| bin_width(&json!(text), of, Dialect::Sqlite, "x").ok();
        assert_eq!(width("0.25", cents), Some(Bind::Int(25)));
        assert_eq!(width("0.255", cents), None);
        assert_eq!(width("10", ColumnType::Int), Some(Bind::Int(10)));
        assert_eq!(width("0.5", ColumnType::Int), None);
        assert_eq!(width("0", ColumnType::Int), None);
        assert_eq!(width("-1", ColumnType::BigInt), None);
        assert_eq!(width("1000.5", ColumnType::Float), Some(Bind::Text("1000.5".to_owned())));
    }
}
