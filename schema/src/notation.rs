//! Turns numbers as people write them (`$1,234.50`, `(12)`, `3,5 %`) into digits, under each way they could be meant.
//! It exists because one cell rarely proves what its comma is: a column's ways are what all of its cells allow.
//! It never picks a way by itself, and never reads what has no digit.

use crate::decimal::MAX_PRECISION;
use crate::plan::NumberNotation;

/// The ways to write a number: decimal mark and group mark.
pub(crate) const WAYS: [(char, Option<char>); 8] = [
    ('.', None),
    ('.', Some(',')),
    ('.', Some(' ')),
    ('.', Some('\'')),
    (',', None),
    (',', Some('.')),
    (',', Some(' ')),
    (',', Some('\'')),
];
/// All ways, as bits.
pub(crate) const ALL_WAYS: u8 = 0xFF;
/// The ways in which a point is the decimal mark.
pub(crate) const POINT_WAYS: u8 = 0x0F;
/// The way in which `1.234` is a whole number.
pub(crate) const POINT_GROUPS: u8 = 1 << 5;

const SIGNS: &[&str] =
    &["R$", "$", "€", "£", "¥", "₹", "₽", "₩", "₺", "₪", "₫", "฿", "₴", "₦", "kr", "zł"];
const CODES: &[&str] = &[
    "USD", "EUR", "GBP", "JPY", "CHF", "CAD", "AUD", "NZD", "SEK", "NOK", "DKK", "PLN", "CZK",
    "HUF", "INR", "CNY", "BRL", "MXN", "ZAR", "KRW", "SGD", "HKD", "TRY", "ILS", "RUB", "AED",
    "THB",
];

/// Digits under one way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Digits {
    pub(crate) unscaled: i64,
    pub(crate) scale: u8,
    /// Digits before the mark, without a lone zero.
    pub(crate) whole_digits: u8,
}

/// A number with what was around it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Written<'a> {
    pub(crate) currency: Option<&'a str>,
    pub(crate) percent: bool,
    pub(crate) accounting: bool,
    pub(crate) trailing_minus: bool,
    negative: bool,
    body: &'a str,
}

/// Takes signs, currency, percent and parentheses off; `None` when no number can be left.
pub(crate) fn take_apart(text: &str) -> Option<Written<'_>> {
    let mut written = Written::default();
    let mut rest = text;
    if let Some(inner) = rest.strip_prefix('(').and_then(|inner| inner.strip_suffix(')')) {
        written.accounting = true;
        written.negative = true;
        rest = inner.trim();
    }
    for _ in 0..2 {
        if !written.negative
            && let Some(after) = rest.strip_prefix(['-', '\u{2212}'])
        {
            written.negative = true;
            rest = after.trim_start();
        }
        if written.currency.is_none()
            && let Some((mark, after)) = currency_before(rest)
        {
            written.currency = Some(mark);
            rest = after.trim_start();
        }
    }
    for _ in 0..2 {
        if !written.negative
            && let Some(before) = rest.strip_suffix('-')
        {
            written.negative = true;
            written.trailing_minus = true;
            rest = before.trim_end();
        }
        if !written.percent
            && written.currency.is_none()
            && let Some(before) = rest.strip_suffix('%')
        {
            written.percent = true;
            rest = before.trim_end();
        }
        if written.currency.is_none()
            && !written.percent
            && let Some((before, mark)) = currency_after(rest)
        {
            written.currency = Some(mark);
            rest = before.trim_end();
        }
    }
    let is_digit = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_digit);
    let bytes = rest.as_bytes();
    written.body = rest;
    (is_digit(bytes.first()) && is_digit(bytes.last())).then_some(written)
}

/// Tells whether a word is the sign or the code of a currency.
pub(crate) fn is_currency(word: &str) -> bool {
    SIGNS.iter().chain(CODES).any(|mark| *mark == word)
}

fn currency_before(text: &str) -> Option<(&str, &str)> {
    SIGNS.iter().chain(CODES).find_map(|mark| text.strip_prefix(mark).map(|rest| (*mark, rest)))
}

fn currency_after(text: &str) -> Option<(&str, &str)> {
    SIGNS.iter().chain(CODES).find_map(|mark| text.strip_suffix(mark).map(|rest| (rest, *mark)))
}

impl Written<'_> {
    /// Reads the digits under one way; `None` when the number is not written that way or too wide.
    pub(crate) fn digits(&self, decimal_mark: char, group_mark: Option<char>) -> Option<Digits> {
        let (whole, decimals) = match self.body.split_once(decimal_mark) {
            Some((_, "")) => return None,
            Some((whole, decimals)) => (whole, decimals),
            None => (self.body, ""),
        };
        if !decimals.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let mut unscaled = 0_i64;
        let mut n_whole = 0_u8;
        let mut group_sizes = 0_u8;
        let mut n_groups = 0_u32;
        for char in whole.chars() {
            if let Some(digit) = char.to_digit(10) {
                n_whole = n_whole.checked_add(1)?;
                group_sizes += 1;
                if n_whole > MAX_PRECISION {
                    return None;
                }
                unscaled = unscaled * 10 + i64::from(digit);
                continue;
            }
            // Blanks of any kind group alike.
            let is_group = match group_mark {
                Some(' ') => matches!(char, ' ' | '\u{a0}' | '\u{202f}' | '\u{2009}'),
                Some('\'') => matches!(char, '\'' | '\u{2019}'),
                mark => mark == Some(char),
            };
            let size_fits =
                if n_groups == 0 { (1..=3).contains(&group_sizes) } else { group_sizes == 3 };
            if !is_group || !size_fits {
                return None;
            }
            n_groups += 1;
            group_sizes = 0;
        }
        if (n_groups > 0 && group_sizes != 3) || (n_whole > 1 && whole.starts_with('0')) {
            return None;
        }
        let scale = u8::try_from(decimals.len()).ok()?;
        let whole_digits = if whole == "0" { 0 } else { n_whole };
        if whole_digits.checked_add(scale)? > MAX_PRECISION {
            return None;
        }
        for digit in decimals.bytes() {
            unscaled = unscaled * 10 + i64::from(digit - b'0');
        }
        Some(Digits {
            unscaled: if self.negative { -unscaled } else { unscaled },
            scale,
            whole_digits,
        })
    }
}

/// Reads a number in the notation of its column.
pub(crate) fn read_number(text: &str, notation: &NumberNotation) -> Option<Digits> {
    let written = take_apart(text)?;
    let is_known = written.currency.is_none() || written.currency == notation.currency.as_deref();
    if !is_known
        || written.percent && !notation.percent
        || written.accounting && !notation.accounting
        || written.trailing_minus && !notation.trailing_minus
    {
        return None;
    }
    written.digits(notation.decimal_mark, notation.group_mark)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests may stop")]
mod tests {
    use super::*;

    fn check(text: &str, way: usize, expect: Option<(i64, u8)>) {
        let (decimal_mark, group_mark) = WAYS[way];
        let digits = take_apart(text).and_then(|written| written.digits(decimal_mark, group_mark));
        assert_eq!(digits.map(|digits| (digits.unscaled, digits.scale)), expect, "{text:?} {way}");
    }

    #[test]
    fn numbers() {
        check("1,234.50", 1, Some((123_450, 2)));
        check("1,234.50", 4, None);
        check("1,234", 1, Some((1_234, 0)));
        check("1,234", 4, Some((1_234, 3)));
        check("12,34", 1, None);
        check("1,234,567", 1, Some((1_234_567, 0)));
        check("1.234,5", 5, Some((12_345, 1)));
        check("1 234,5", 6, Some((12_345, 1)));
        check("1\u{202f}234", 2, Some((1_234, 0)));
        check("1'234.50", 3, Some((123_450, 2)));
        check("(1,234.50)", 1, Some((-123_450, 2)));
        check("$5.00", 0, Some((500, 2)));
        check("-$5.00", 0, Some((-500, 2)));
        check("$-5", 0, Some((-5, 0)));
        check("5,00 €", 4, Some((500, 2)));
        check("12.5%", 0, Some((125, 1)));
        check("12 %", 0, Some((12, 0)));
        check("5.00-", 0, Some((-500, 2)));
        check("USD 5", 0, Some((5, 0)));
        for bad in ["$", "()", "007", "1,,234", ",5", "5,", "abc", "1 2", "$5 kg", "--5", "+5"] {
            check(bad, 1, None);
        }
    }
}
