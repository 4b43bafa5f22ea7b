//! Turns doubles into the shortest decimals that read back as them, which is what their cells said.
//!
//! It exists so that doubles are added as decimals, exactly: most in a few instructions, all of them somehow. It never
//! rounds.

/// The shortest decimal that reads back as this double, and as no other however halves are
/// rounded: what PostgreSQL prints. Digits and their power of ten; `None` if it is not finite.
pub fn shortest(value: f64) -> Option<(i64, i32)> {
    if !value.is_finite() {
        return None;
    }
    let (digits, exponent) = parse(zmij::Buffer::new().format_finite(value))?;
    if !is_half_way(value, digits, exponent) {
        return Some((digits, exponent));
    }
    (0..17).find_map(|n_digits| {
        let text = format!("{value:.n_digits$e}");
        let (digits, exponent) = parse(&text)?;
        let is_same = text.parse::<f64>().is_ok_and(|read| read.to_bits() == value.to_bits());
        (is_same && !is_half_way(value, digits, exponent)).then_some((digits, exponent))
    })
}

/// [`shortest`], found as quickly as can be, maybe with zeros at the end of its digits.
pub(crate) fn decimal(value: f64) -> Option<(i64, i32)> {
    quick(value).or_else(|| shortest(value))
}

/// The size of the first bit of a double's digits, which is not kept.
const FIRST_BIT: u64 = 1 << 52;

/// For doubles that are multiples of 2^-n: the first power of ten that is not below 2^n, and that power of five.
#[expect(clippy::indexing_slicing, reason = "checked while it is compiled")]
static PLACES: [(i32, u64); 77] = {
    let mut places = [(0, 1); 77];
    let mut n = 0;
    while n < places.len() {
        let (mut power, mut five, mut ten) = (0, 1, 1_u128);
        while ten < 1 << n {
            (power, five, ten) = (power + 1, five * 5, ten * 10);
        }
        places[n] = (power, five);
        n += 1;
    }
    places
};

/// [`shortest`] of most doubles that are no whole numbers and not below 2^-24, maybe with zeros at the end.
///
/// Neighbours of such a double are 1 to 10 units apart if the unit is the right power of ten. What reads back as it is
/// between the two points half way to them, where no decimal of these places is. At most one number of tens is there,
/// which is then the shortest; else it is the nearest of all. That is how Schubfach does it (Raffaello Giulietti, 2020),
/// whose tables of rounded powers are not needed here: 128 bits hold everything.
fn quick(value: f64) -> Option<(i64, i32)> {
    let bits = value.abs().to_bits();
    let n_places = usize::try_from(1_075_u64.checked_sub(bits >> 52)?).ok()?;
    let (power, five) = *PLACES.get(n_places)?;
    // The neighbour below a power of two is closer than the one above.
    if bits.is_multiple_of(FIRST_BIT) {
        return None;
    }
    let shift = n_places + 1 - usize::try_from(power).ok()?;
    let five = u128::from(five);
    // In units of 10^-power / 2^shift.
    let scaled = u128::from(bits % FIRST_BIT + FIRST_BIT) * 2 * five;
    let below = i64::try_from((scaled + five) >> shift).ok()?;
    let tens = below - below % 10;
    let digits = if u128::try_from(tens).ok()? << shift > scaled - five {
        tens
    } else {
        let half = 1_u128 << (shift - 1);
        let rest = scaled & (half * 2 - 1);
        if rest == half {
            return None;
        }
        i64::try_from(scaled >> shift).ok()? + i64::from(rest > half)
    };
    Some((if value.is_sign_negative() { -digits } else { digits }, -power))
}

/// Whether a decimal lies half way between this double and one of its neighbours. Then it has
/// many more bits than a double, so that only whole numbers with zeros at the end can.
fn is_half_way(value: f64, digits: i64, exponent: i32) -> bool {
    /// 5^27 × 10^17 is below 2^128; further multiples of five have no room in a double.
    const MAX_EXPONENT: u32 = 27;
    let Ok(exponent) = u32::try_from(exponent) else { return false };
    if exponent == 0 || exponent > MAX_EXPONENT || digits == 0 {
        return false;
    }
    let number = u128::from(digits.unsigned_abs()) * 5_u128.pow(exponent);
    let power = exponent + number.trailing_zeros();
    let odd = number >> number.trailing_zeros();
    let bits = value.abs().to_bits();
    let mantissa = u128::from(bits % FIRST_BIT + FIRST_BIT);
    let Some(unit) = (bits >> 52).checked_sub(1_075) else { return false };
    let power = u64::from(power);
    (power + 1 == unit && (odd == 2 * mantissa + 1 || odd == 2 * mantissa - 1))
        || (power + 2 == unit && bits.is_multiple_of(FIRST_BIT) && odd == 4 * mantissa - 1)
}

/// Reads `-12.5e-3`, of at most 18 digits, as its digits and their power of ten.
fn parse(text: &str) -> Option<(i64, i32)> {
    let (number, mut exponent) = match text.find('e') {
        Some(at) => (text.get(..at)?, text.get(at + 1..)?.parse().ok()?),
        None => (text, 0_i32),
    };
    let (mut digits, mut is_part) = (0_i64, false);
    for byte in number.bytes() {
        match byte {
            b'0'..=b'9' => {
                digits = digits.wrapping_mul(10).wrapping_add(i64::from(byte - b'0'));
                exponent -= i32::from(is_part);
            }
            b'.' => is_part = true,
            _ => {}
        }
    }
    // Whole numbers may end in `.0`.
    while exponent < 0 && is_part && digits % 10 == 0 && digits != 0 {
        (digits, exponent) = (digits / 10, exponent + 1);
    }
    Some(match digits {
        0 => (0, 0),
        _ => (if number.starts_with('-') { -digits } else { digits }, exponent),
    })
}

/// The power of ten of [`fine_units`].
pub const FINE_UNIT: i32 = -24;

/// How many units of 10^-24 the shortest decimal of a double is, if it is a whole number of them and below 2^127.
pub fn fine_units(value: f64) -> Option<i128> {
    let (digits, exponent) = decimal(value)?;
    // 17 digits and 20 zeros are below 2^124.
    let n_zeros = usize::try_from(exponent - FINE_UNIT).ok()?;
    Some(i128::from(digits) * POWERS.get(n_zeros)?)
}

/// The first powers of ten.
#[expect(clippy::indexing_slicing, reason = "checked while it is compiled")]
static POWERS: [i128; 21] = {
    let mut powers = [1; 21];
    let mut at = 1;
    while at < powers.len() {
        powers[at] = powers[at - 1] * 10;
        at += 1;
    }
    powers
};

/// The power of ten of [`ten_thousandths`].
pub const TEN_THOUSANDTH: i32 = -4;

/// How many ten-thousandths a double is, if that is what it prints as and they are at most 10^15.
///
/// Two decimals of no more digits never share a double, so that the one that is found is the
/// shortest.
pub fn ten_thousandths(value: f64) -> Option<i64> {
    const LIMIT: f64 = 1e15;
    let scaled = value * 1e4;
    if scaled.is_nan() || scaled.abs() >= LIMIT {
        return None;
    }
    #[expect(clippy::cast_possible_truncation, reason = "cut on purpose, and below the limit")]
    let digits = (scaled + 0.5_f64.copysign(scaled)) as i64;
    #[expect(clippy::cast_precision_loss, reason = "below 2^53 nothing is lost")]
    let back = digits as f64 / 1e4;
    // Of zeros, either.
    back.total_cmp(&(value + 0.0)).is_eq().then_some(digits)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::float_cmp, reason = "tests may stop")]
mod tests {
    use num_bigint::{BigInt, BigUint};
    use proptest::prelude::*;

    use super::*;
    use crate::exact::{nearest, small_quotient};

    #[test]
    fn decimals_of_doubles_are_told() {
        assert_eq!(shortest(1e23), Some((9_999_999_999_999_999, 7)));
        assert_eq!(fine_units(-0.000_12), Some(-120_000_000_000_000_000_000));
        assert_eq!(fine_units(1e-24), Some(1));
        assert_eq!(fine_units(1.5e-24), None);
        assert_eq!(fine_units(1.5), Some(1_500_000_000_000_000_000_000_000));
        assert_eq!(fine_units(1e16), None);
        assert_eq!(shortest(9.5e22), Some((95, 21)));
    }

    #[test]
    fn ten_thousandths_are_told() {
        assert_eq!(ten_thousandths(12.34), Some(123_400));
        assert_eq!(ten_thousandths(-0.0001), Some(-1));
        assert_eq!(ten_thousandths(-0.0), Some(0));
        assert_eq!(ten_thousandths(0.000_05), None);
        assert_eq!(ten_thousandths(0.1 + 0.2), None);
        assert_eq!(ten_thousandths(99_999_999_999.999_9), Some(999_999_999_999_999));
        assert_eq!(ten_thousandths(1e11), None);
        assert_eq!(ten_thousandths(f64::NAN), None);
        assert_eq!(ten_thousandths(f64::NEG_INFINITY), None);
    }

    /// Without the zeros at the end.
    fn short((mut digits, mut exponent): (i64, i32)) -> (i64, i32) {
        while digits != 0 && digits % 10 == 0 {
            (digits, exponent) = (digits / 10, exponent + 1);
        }
        (digits, exponent)
    }

    proptest! {
        #[test]
        fn ten_thousandths_are_the_shortest_decimal(digits in -(10_i64.pow(15))..10_i64.pow(15), bits: u64) {
            let near = small_quotient(digits.into(), 10_000).unwrap();
            for value in [near, near.next_up(), near.next_down(), f64::from_bits(bits)] {
                let Some(found) = ten_thousandths(value) else { continue };
                let (digits, exponent) = shortest(value).unwrap();
                prop_assert!(exponent >= TEN_THOUSANDTH || digits == 0);
                let power = 10_i64.pow(u32::try_from(exponent - TEN_THOUSANDTH).unwrap_or(0));
                prop_assert_eq!(digits * power, found);
            }
            prop_assert_eq!(ten_thousandths(near), Some(digits));
        }

        #[test]
        fn decimals_come_back_as_the_doubles_they_are(bits: u64) {
            let value = f64::from_bits(bits);
            if let Some((digits, exponent)) = shortest(value) {
                let one = BigUint::from(1_u8);
                let back = nearest(&BigInt::from(digits), &one, exponent);
                prop_assert_eq!(back, value);
                let text = format!("{digits}e{exponent}");
                prop_assert_eq!(text.parse::<f64>().unwrap(), value);
            }
        }

        #[test]
        fn the_quick_way_finds_the_same(bits: u64, size in -80_i32..10, digits: i64, cut in 0_u32..64, power in 0..20) {
            let mantissa = bits % FIRST_BIT + FIRST_BIT;
            let odd = f64::from_bits((bits % FIRST_BIT) | (1023 << 52)) * 2_f64.powi(size + 52);
            let text = format!("{}e-{power}", digits >> cut);
            let plain: f64 = text.parse().unwrap();
            for value in [odd, -odd, plain, plain.next_up(), plain.next_down(), f64::from_bits(mantissa)] {
                if let Some(found) = quick(value) {
                    prop_assert_eq!(short(found), short(shortest(value).unwrap()), "{}", value);
                }
            }
            let is_usual = bits % 2 == 1 && (-24..50).contains(&(size + 52));
            prop_assert!(!is_usual || quick(odd).is_some(), "{}", odd);
        }
    }
}
