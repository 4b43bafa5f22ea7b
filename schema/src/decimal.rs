//! Turns decimal text into scaled integers, and back, exactly.
//! It exists because money must not pass through a double.
//! It never rounds: what does not fit is `None`.

/// One more than the largest size of an unscaled decimal that a column holds.
pub const UNSCALED_LIMIT: i64 = 1_000_000_000_000_000_000;
/// The most digits that a decimal column holds.
pub const MAX_PRECISION: u8 = 18;

/// Reads `-1234.50` as its digits and the number of those after the point (here -123450 and 2).
///
/// Returns `None` for anything else, and beyond 38 digits.
pub fn parse_decimal(text: &str) -> Option<(i128, u8)> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let mut unscaled: i128 = 0;
    let mut n_digits = 0_u8;
    let mut scale: Option<u8> = None;
    for byte in digits.bytes() {
        match byte {
            b'0'..=b'9' => {
                unscaled = unscaled.checked_mul(10)?.checked_add(i128::from(byte - b'0'))?;
                n_digits += 1;
                if n_digits > 38 {
                    return None;
                }
                if let Some(scale) = scale.as_mut() {
                    *scale += 1;
                }
            }
            b'.' if scale.is_none() && n_digits > 0 => scale = Some(0),
            _ => return None,
        }
    }
    if n_digits == 0 || scale == Some(0) {
        return None;
    }
    Some((if negative { -unscaled } else { unscaled }, scale.unwrap_or(0)))
}

/// Reads decimal text as unscaled digits at `scale`; `None` when digits would be lost or 18 are exceeded.
pub fn to_unscaled(text: &str, scale: u8) -> Option<i64> {
    let (unscaled, own_scale) = parse_decimal(text)?;
    let unscaled = rescale(unscaled, own_scale, scale)?;
    let unscaled = i64::try_from(unscaled).ok()?;
    (unscaled.unsigned_abs() < UNSCALED_LIMIT.unsigned_abs()).then_some(unscaled)
}

/// Moves digits from one scale to another; `None` when a digit other than zero would be lost.
pub fn rescale(unscaled: i128, from: u8, to: u8) -> Option<i128> {
    if from <= to {
        return unscaled.checked_mul(10_i128.checked_pow(u32::from(to - from))?);
    }
    let unit = 10_i128.checked_pow(u32::from(from - to))?;
    (unscaled % unit == 0).then_some(unscaled / unit)
}

/// Writes unscaled digits at a scale, e.g. 1990 at 2 as `19.90`.
pub fn write_decimal(out: &mut Vec<u8>, unscaled: i64, scale: u8) {
    let mut digits = itoa::Buffer::new();
    write_point(out, unscaled < 0, digits.format(unscaled.unsigned_abs()).as_bytes(), scale);
}

/// Writes unscaled digits at a scale, wide enough for sums.
pub fn write_decimal_i128(out: &mut Vec<u8>, unscaled: i128, scale: u8) {
    let mut digits = itoa::Buffer::new();
    write_point(out, unscaled < 0, digits.format(unscaled.unsigned_abs()).as_bytes(), scale);
}

fn write_point(out: &mut Vec<u8>, is_negative: bool, digits: &[u8], scale: u8) {
    if is_negative {
        out.push(b'-');
    }
    let scale = usize::from(scale);
    let n_whole = digits.len().saturating_sub(scale);
    let (whole, fraction) = digits.split_at(n_whole);
    out.extend_from_slice(if whole.is_empty() { b"0" } else { whole });
    if scale > 0 {
        out.push(b'.');
        out.resize(out.len() + scale - fraction.len(), b'0');
        out.extend_from_slice(fraction);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests may stop")]
mod tests {
    use super::*;

    fn check(input: &str, scale: u8, expect: Option<&str>) {
        let text = to_unscaled(input, scale).map(|unscaled| {
            let mut out = Vec::new();
            write_decimal(&mut out, unscaled, scale);
            String::from_utf8(out).unwrap()
        });
        assert_eq!(text.as_deref(), expect, "{input}");
    }

    #[test]
    fn decimals() {
        check("19.90", 2, Some("19.90"));
        check("1.5", 2, Some("1.50"));
        check("-0.05", 2, Some("-0.05"));
        check("0", 3, Some("0.000"));
        check("1.250", 2, Some("1.25"));
        check("1.255", 2, None);
        check("999999999999999999", 0, Some("999999999999999999"));
        check("1000000000000000000", 0, None);
        check("99999999999999999.9", 1, Some("99999999999999999.9"));
        check("99999999999999999.9", 2, None);
        for bad in ["", "-", ".", "1.", ".5", "+1", "1,5", "1e5", " 1", "--1", "1.2.3"] {
            check(bad, 2, None);
        }
        let mut out = Vec::new();
        write_decimal_i128(&mut out, 9_223_372_036_854_775_807_000_i128, 4);
        assert_eq!(out, b"922337203685477580.7000".as_slice());
    }
}
