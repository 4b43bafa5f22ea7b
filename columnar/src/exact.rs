//! Adds numbers exactly and rounds once, so that both stores answer the same digits.
//!
//! A double counts as the shortest decimal that reads back as it, which is what its cell said:
//! `0.1` and `0.2` add up to `0.3`. Sums, and sums of squares, are whole numbers of any size.

use std::collections::BTreeMap;

use num_bigint::{BigInt, BigUint, Sign};

use crate::shortest::{TEN_THOUSANDTH, decimal, ten_thousandths};

/// A whole number that is mostly small.
#[derive(Debug, Default)]
struct Total {
    near: i128,
    far: BigInt,
}

impl Total {
    fn add(&mut self, value: i128) {
        match self.near.checked_add(value) {
            Some(sum) => self.near = sum,
            None => self.far += std::mem::replace(&mut self.near, value),
        }
    }

    fn merge(&mut self, other: &Total) {
        self.add(other.near);
        self.far += &other.far;
    }

    fn value(&self) -> BigInt {
        &self.far + self.near
    }
}

/// Numbers added up: how many, their sum and the sum of their squares.
#[derive(Debug, Default)]
pub struct Moments {
    n_values: u64,
    /// Sum and sum of squares of the digits, by the power of ten that they stand at.
    totals: BTreeMap<i32, (Total, Total)>,
}

/// Which spread of numbers around their mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spread {
    /// Of a sample (divided by one less than the count), not of all there is.
    pub is_sample: bool,
    /// The standard deviation, not the variance.
    pub is_root: bool,
}

impl Moments {
    /// Adds `digits × 10^exponent`.
    pub fn add(&mut self, digits: i64, exponent: i32) {
        self.n_values += 1;
        let (sum, squares) = self.totals.entry(exponent).or_default();
        let digits = i128::from(digits);
        sum.add(digits);
        // Below 2^126.
        squares.add(digits * digits);
    }

    /// Adds the shortest decimal of a double; those that are not finite count for nothing.
    pub fn add_double(&mut self, value: f64) {
        if let Some(digits) = ten_thousandths(value) {
            self.add(digits, TEN_THOUSANDTH);
        } else if let Some((digits, exponent)) = decimal(value) {
            self.add(digits, exponent);
        }
    }

    /// Adds `n_values` numbers whose digits stand at the same power of ten, of which the sum and the
    /// sum of squares are known.
    pub fn add_sums(&mut self, n_values: u64, sum: i128, squares: &BigInt, exponent: i32) {
        self.n_values += n_values;
        let totals = self.totals.entry(exponent).or_default();
        totals.0.add(sum);
        totals.1.far += squares;
    }

    /// Adds what others added up.
    pub fn merge(&mut self, other: &Moments) {
        self.n_values += other.n_values;
        for (exponent, (sum, squares)) in &other.totals {
            let totals = self.totals.entry(*exponent).or_default();
            totals.0.merge(sum);
            totals.1.merge(squares);
        }
    }

    /// How many numbers were added.
    pub fn n_values(&self) -> u64 {
        self.n_values
    }

    /// The sum, and the power of ten that it stands at; `None` of no numbers.
    fn sum(&self) -> Option<(BigInt, i32)> {
        let lowest = *self.totals.keys().next()?;
        let total = self.totals.iter().map(|(at, (sum, _))| sum.value() * ten_to(*at, lowest));
        Some((total.sum(), lowest))
    }

    /// The nearest double to the sum; `None` of no numbers and beyond all doubles.
    pub fn double_sum(&self) -> Option<f64> {
        let (sum, exponent) = self.sum()?;
        finite(nearest(&sum, &BigUint::from(1_u8), exponent))
    }

    /// The nearest double to the mean.
    pub fn double_average(&self) -> Option<f64> {
        let (sum, exponent) = self.sum()?;
        finite(nearest(&sum, &BigUint::from(self.n_values), exponent))
    }

    /// The mean of whole numbers times 10^`n_digits`, rounded half away from zero.
    pub fn decimal_average(&self, n_digits: u32) -> Option<BigInt> {
        let (sum, _) = self.sum()?;
        let scaled: BigInt = sum * BigInt::from(10).pow(n_digits) * 2;
        let half: BigInt = match scaled.sign() {
            Sign::Minus => scaled - self.n_values,
            _ => scaled + self.n_values,
        };
        // Division of whole numbers cuts towards zero.
        Some(half / (BigInt::from(self.n_values) * 2))
    }

    /// The nearest double to a variance or a standard deviation of numbers that are
    /// 10^−`scale` of what was added; `None` of too few.
    pub fn spread(&self, spread: Spread, scale: i32) -> Option<f64> {
        let (sum, lowest) = self.sum()?;
        let squares: BigInt = self
            .totals
            .iter()
            .map(|(at, (_, squares))| squares.value() * ten_to(*at, lowest).pow(2))
            .sum();
        let n = BigInt::from(self.n_values);
        let divisor = if spread.is_sample { &n - 1 } else { n.clone() };
        let numerator = &n * squares - &sum * &sum;
        let denominator = (n * divisor).into_parts().1;
        if denominator == BigUint::ZERO {
            return None;
        }
        let exponent = (lowest - scale) * 2;
        finite(match spread.is_root {
            false => nearest(&numerator, &denominator, exponent),
            true => nearest_root(&numerator.into_parts().1, &denominator, exponent),
        })
    }
}

/// The nearest double to a quotient of two whole numbers, if a double holds both of them.
pub fn small_quotient(numerator: i128, denominator: i128) -> Option<f64> {
    const MAX: u128 = 1 << 53;
    let is_small = numerator.unsigned_abs() <= MAX && denominator.unsigned_abs() <= MAX;
    #[expect(clippy::cast_precision_loss, reason = "below 2^53 nothing is lost")]
    let quotient = || numerator as f64 / denominator as f64;
    (is_small && denominator != 0).then(quotient)
}

fn finite(value: f64) -> Option<f64> {
    value.is_finite().then_some(value)
}

/// 10^(from − to), `from` being the higher.
fn ten_to(from: i32, to: i32) -> BigInt {
    BigInt::from(10).pow(u32::try_from(from - to).unwrap_or(0))
}

/// The quotient `numerator ÷ denominator × 10^exponent` as two whole numbers.
fn fraction(numerator: BigUint, denominator: &BigUint, exponent: i32) -> (BigUint, BigUint) {
    let power = BigUint::from(10_u8).pow(exponent.unsigned_abs());
    match exponent < 0 {
        true => (numerator, denominator * power),
        false => (numerator * power, denominator.clone()),
    }
}

/// Bits of a quotient before it is rounded to the 53 of a double.
const QUOTIENT_BITS: i64 = 66;

/// `numerator ÷ denominator` in units of 2^−`shift`, and whether something is left over.
fn quotient(numerator: &BigUint, denominator: &BigUint, shift: i64) -> (BigUint, bool) {
    let by = shift.unsigned_abs();
    let (numerator, denominator) = match shift < 0 {
        true => (numerator.clone(), denominator << by),
        false => (numerator << by, denominator.clone()),
    };
    let whole = &numerator / &denominator;
    let has_rest = &whole * &denominator != numerator;
    (whole, has_rest)
}

fn bits_of(number: &BigUint) -> i64 {
    i64::try_from(number.bits()).unwrap_or(i64::MAX)
}

/// The nearest double to `numerator ÷ denominator × 10^exponent`.
pub fn nearest(numerator: &BigInt, denominator: &BigUint, exponent: i32) -> f64 {
    let sign = if numerator.sign() == Sign::Minus { -1.0 } else { 1.0 };
    let (numerator, denominator) = fraction(numerator.magnitude().clone(), denominator, exponent);
    if numerator == BigUint::ZERO {
        return 0.0;
    }
    let shift = QUOTIENT_BITS + bits_of(&denominator) - bits_of(&numerator);
    let (whole, has_rest) = quotient(&numerator, &denominator, shift);
    sign * round(whole, has_rest, -shift)
}

/// The nearest double to the root of `numerator ÷ denominator × 10^exponent`.
fn nearest_root(numerator: &BigUint, denominator: &BigUint, exponent: i32) -> f64 {
    let (numerator, denominator) = fraction(numerator.clone(), denominator, exponent);
    if numerator == BigUint::ZERO {
        return 0.0;
    }
    let shift = 2 * QUOTIENT_BITS + bits_of(&denominator) - bits_of(&numerator);
    // Even, so that the root of the unit is a power of two.
    let shift = shift + shift.rem_euclid(2);
    let (whole, has_rest) = quotient(&numerator, &denominator, shift);
    let root = whole.sqrt();
    let has_rest = has_rest || &root * &root != whole;
    round(root, has_rest, -shift / 2)
}

/// The nearest double to `whole × 2^exponent`, and a little more if something is left over; halves
/// go to the even neighbour.
fn round(whole: BigUint, has_rest: bool, exponent: i64) -> f64 {
    const MANTISSA_BITS: i64 = 53;
    const LOWEST_EXPONENT: i64 = -1_074;
    let Ok(whole) = u128::try_from(whole) else { return f64::INFINITY };
    let (bits, exponent) = ((whole << 1) | u128::from(has_rest), exponent - 1);
    let n_bits = i64::from(u128::BITS - bits.leading_zeros());
    let lowest = (n_bits + exponent - MANTISSA_BITS).max(LOWEST_EXPONENT);
    let Ok(n_dropped) = u32::try_from(lowest - exponent) else { return f64::INFINITY };
    let Some(kept) = bits.checked_shr(n_dropped) else { return 0.0 };
    let dropped = bits - (kept << n_dropped);
    let half = 1_u128.checked_shl(n_dropped.saturating_sub(1)).unwrap_or(0);
    let is_up = dropped > half || (dropped == half && kept % 2 == 1);
    let kept = u64::try_from(kept).unwrap_or(u64::MAX).saturating_add(u64::from(is_up));
    // The mantissa's first bit is not kept but counted: it raises the exponent by one.
    let Ok(stored) = u64::try_from(lowest - LOWEST_EXPONENT) else { return f64::INFINITY };
    if stored > 2_045 { f64::INFINITY } else { f64::from_bits((stored << 52).saturating_add(kept)) }
}

/// A text for a whole number, such that texts come in the order of their numbers.
pub fn rank(number: &BigInt) -> String {
    /// Digits of a length; numbers are far shorter than this can tell.
    const LONGEST: usize = 9_999;
    let digits = number.magnitude().to_string();
    match number.sign() {
        Sign::Minus => {
            let turned: String = digits
                .bytes()
                .map(|digit| char::from(b'0' + (b'9' - digit.clamp(b'0', b'9'))))
                .collect();
            format!("0{:04}{turned}", LONGEST.saturating_sub(digits.len()))
        }
        _ => format!("1{:04}{digits}", digits.len()),
    }
}

/// The number that [`rank`] wrote; `None` for any other text.
pub fn unrank(text: &str) -> Option<BigInt> {
    let (sign, digits) = (text.get(..1)?, text.get(5..)?);
    match sign {
        "0" => {
            let turned = |digit: u8| char::from(b'0' + (b'9' - digit.clamp(b'0', b'9')));
            Some(-digits.bytes().map(turned).collect::<String>().parse::<BigInt>().ok()?)
        }
        _ => digits.parse().ok(),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::float_cmp, reason = "tests may stop, and want exact doubles")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SAMPLE: Spread = Spread { is_sample: true, is_root: false };
    const ROOT: Spread = Spread { is_sample: true, is_root: true };

    fn moments(values: &[i64]) -> Moments {
        let mut moments = Moments::default();
        values.iter().for_each(|value| moments.add(*value, 0));
        moments
    }

    #[test]
    fn averages_are_rounded_once() {
        let average = |values: &[i64], n| moments(values).decimal_average(n).unwrap().to_string();
        assert_eq!(average(&[500, 300, 200], 4), "3333333");
        assert_eq!(average(&[-1, 0, 0, 0, 0, 0, 0, 0], 2), "-13");
        assert_eq!(average(&[i64::MAX, i64::MAX], 4), "92233720368547758070000");
        let average = |values: &[i64]| moments(values).double_average().unwrap();
        assert_eq!(average(&[1, 2, 3, 4]), 2.5);
        assert_eq!(average(&[-1, 0, 0]), -1.0 / 3.0);
        assert_eq!(average(&[2, 0, 0]), 2.0 / 3.0);
        assert_eq!(average(&[9_007_199_254_740_993]), 9_007_199_254_740_992.0);
        assert_eq!(average(&[9_007_199_254_740_995]), 9_007_199_254_740_996.0);
    }

    #[test]
    fn spreads_do_not_cancel() {
        let far = 9_007_199_254_740_992;
        assert_eq!(moments(&[far, far + 1, far + 2]).spread(SAMPLE, 0), Some(1.0));
        assert_eq!(moments(&[2, 4, 4, 4, 5, 5, 7, 9]).spread(ROOT, 0), Some(2.138_089_935_299_395));
        assert_eq!(moments(&[150, 250]).spread(SAMPLE, 2), Some(0.5));
        assert_eq!(moments(&[7]).spread(SAMPLE, 0), None);
        assert_eq!(moments(&[7]).spread(Spread { is_sample: false, is_root: true }, 0), Some(0.0));
        assert_eq!(
            moments(&[i64::MIN, i64::MAX, i64::MIN, i64::MAX])
                .spread(Spread { is_sample: false, is_root: true }, 0),
            Some(9.223_372_036_854_776e18)
        );
    }

    #[test]
    fn doubles_add_up_as_decimals() {
        let sum = |values: &[f64]| {
            let mut moments = Moments::default();
            values.iter().for_each(|value| moments.add_double(*value));
            moments.double_sum()
        };
        assert_eq!(sum(&[0.1, 0.2]), Some(0.3));
        assert_eq!(sum(&[1e300, 1.0, -1e300]), Some(1.0));
        assert_eq!(sum(&[1e308, 1e308]), None);
        assert_eq!(sum(&[5e-324, 5e-324]), Some(1e-323));
        assert_eq!(sum(&[-0.0]), Some(0.0));
        assert_eq!(sum(&[]), None);
    }

    proptest! {
        #[test]
        fn quotients_of_small_numbers_are_those_of_doubles(a in -(1_i64 << 53)..1 << 53, b in 1_u32..) {
            let expect = f64::from(b);
            let numerator = format!("{a}").parse::<f64>().unwrap();
            prop_assert_eq!(nearest(&BigInt::from(a), &BigUint::from(b), 0), numerator / expect);
            let root = nearest_root(&BigUint::from(a.unsigned_abs()), &BigUint::from(1_u8), 0);
            prop_assert_eq!(root, numerator.abs().sqrt());
        }

        #[test]
        fn ranks_sort_like_their_numbers(a: i128, b: i128, cut_a in 0_u32..127, cut_b in 0_u32..127) {
            let (a, b) = (a >> cut_a, b >> cut_b);
            prop_assert_eq!(rank(&BigInt::from(a)).cmp(&rank(&BigInt::from(b))), a.cmp(&b));
            prop_assert_eq!(unrank(&rank(&BigInt::from(a))), Some(BigInt::from(a)));
        }
    }
}
