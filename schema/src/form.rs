//! Turns the text of one cell into its form: the one canonical type it could be a value of, with the value.
//! It exists so that each cell is looked at once, by its first byte, whatever type its column ends up with.
//! It never considers other cells: forms are disjoint, and what is not canonical is text.

use crate::decimal::MAX_PRECISION;
use crate::json::is_json;
use crate::plan::BooleanPair;
use crate::temporal::{
    parse_iso_date, parse_iso_date_time, parse_iso_local_date_time, parse_iso_time,
};

/// What a cell looks like, with its value where inference needs it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Cell {
    /// Nothing between the delimiters (or only quotes).
    Empty,
    /// Nothing but blanks.
    Blank,
    /// A word that means null in typed columns.
    NullWord,
    Int(i64),
    Decimal(DecimalCell),
    /// A plain number that no column type holds.
    Wide,
    /// Scientific notation; whether a double keeps its value.
    Scientific(bool),
    Boolean(BooleanPair, bool),
    Date(i32),
    Time(i64),
    LocalDateTime(i64),
    DateTime(i64),
    Uuid,
    Json,
    Text,
}

/// A plain decimal of at most 18 digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct DecimalCell {
    pub(crate) unscaled: i64,
    pub(crate) scale: u8,
    /// Digits before the point, without a lone zero.
    pub(crate) whole_digits: u8,
    pub(crate) negative_zero: bool,
}

/// The forms, as positions in the counts of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(usize)]
pub(crate) enum Form {
    Empty,
    QuotedEmpty,
    Blank,
    NullWord,
    Int,
    Decimal,
    Wide,
    Scientific,
    Boolean,
    Date,
    Time,
    LocalDateTime,
    DateTime,
    Uuid,
    Json,
    /// A number with separators, signs or units.
    WrittenNumber,
    /// A date or time that is not in ISO 8601.
    WrittenDate,
    Text,
}

impl Form {
    pub(crate) const COUNT: usize = 18;
    pub(crate) const ALL: [Self; Self::COUNT] = [
        Self::Empty,
        Self::QuotedEmpty,
        Self::Blank,
        Self::NullWord,
        Self::Int,
        Self::Decimal,
        Self::Wide,
        Self::Scientific,
        Self::Boolean,
        Self::Date,
        Self::Time,
        Self::LocalDateTime,
        Self::DateTime,
        Self::Uuid,
        Self::Json,
        Self::WrittenNumber,
        Self::WrittenDate,
        Self::Text,
    ];

    /// The name in evidence.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Empty => "EMPTY",
            Self::QuotedEmpty => "QUOTED_EMPTY",
            Self::Blank => "BLANK",
            Self::NullWord => "NULL_WORD",
            Self::Int => "INT",
            Self::Decimal => "DECIMAL",
            Self::Wide => "WIDE_NUMBER",
            Self::Scientific => "FLOAT",
            Self::Boolean => "BOOLEAN",
            Self::Date => "DATE",
            Self::Time => "LOCAL_TIME",
            Self::LocalDateTime => "LOCAL_DATE_TIME",
            Self::DateTime => "DATE_TIME",
            Self::Uuid => "UUID",
            Self::Json => "JSON",
            Self::WrittenNumber => "WRITTEN_NUMBER",
            Self::WrittenDate => "WRITTEN_DATE",
            Self::Text => "TEXT",
        }
    }

    /// Whether cells of this form are values of a typed column.
    pub(crate) fn is_typed(self) -> bool {
        self >= Self::Int && self != Self::Text
    }
}

impl Cell {
    pub(crate) fn form(&self) -> Form {
        match self {
            Self::Empty => Form::Empty,
            Self::Blank => Form::Blank,
            Self::NullWord => Form::NullWord,
            Self::Int(_) => Form::Int,
            Self::Decimal(_) => Form::Decimal,
            Self::Wide => Form::Wide,
            Self::Scientific(_) => Form::Scientific,
            Self::Boolean(..) => Form::Boolean,
            Self::Date(_) => Form::Date,
            Self::Time(_) => Form::Time,
            Self::LocalDateTime(_) => Form::LocalDateTime,
            Self::DateTime(_) => Form::DateTime,
            Self::Uuid => Form::Uuid,
            Self::Json => Form::Json,
            Self::Text => Form::Text,
        }
    }
}

/// Words that mean null in typed columns unless the caller gives others; compared ignoring case.
pub(crate) const NULL_WORDS: &[&str] =
    &["null", "na", "n/a", "#n/a", "none", "nil", "nan", "-", "--", "\\n", "(null)", "<null>"];

/// Tells whether a text is one of the built-in null words.
pub(crate) fn is_null_word(text: &str) -> bool {
    text.len() <= 6 && NULL_WORDS.iter().any(|word| word.eq_ignore_ascii_case(text))
}

/// Finds the form of a cell without surrounding blanks.
pub(crate) fn form_of(text: &str) -> Cell {
    let bytes = text.as_bytes();
    let Some(&first) = bytes.first() else {
        return Cell::Empty;
    };
    match first {
        b'0'..=b'9' => digits_first(text, false),
        b'-' if bytes.get(1).is_some_and(u8::is_ascii_digit) => digits_first(text, true),
        b'a'..=b'z' | b'A'..=b'Z' => letter_first(text),
        b'-' | b'#' | b'\\' | b'(' | b'<' if is_null_word(text) => Cell::NullWord,
        b'{' | b'[' if is_json(text) => Cell::Json,
        _ => Cell::Text,
    }
}

fn letter_first(text: &str) -> Cell {
    match text.len() {
        1..=5 => {
            if let Some((pair, value)) = boolean_word(text) {
                return Cell::Boolean(pair, value);
            }
            if is_null_word(text) { Cell::NullWord } else { Cell::Text }
        }
        36 if parse_uuid(text).is_some() => Cell::Uuid,
        _ => Cell::Text,
    }
}

/// Reads one of the boolean words, in any case.
pub(crate) fn boolean_word(text: &str) -> Option<(BooleanPair, bool)> {
    const WORDS: [(&str, BooleanPair, bool); 8] = [
        ("true", BooleanPair::TrueFalse, true),
        ("false", BooleanPair::TrueFalse, false),
        ("yes", BooleanPair::YesNo, true),
        ("no", BooleanPair::YesNo, false),
        ("y", BooleanPair::YN, true),
        ("n", BooleanPair::YN, false),
        ("t", BooleanPair::TF, true),
        ("f", BooleanPair::TF, false),
    ];
    let found = WORDS.iter().find(|(word, ..)| word.eq_ignore_ascii_case(text))?;
    Some((found.1, found.2))
}

/// Reads 8-4-4-4-12 hexadecimal digits, in any case.
pub(crate) fn parse_uuid(text: &str) -> Option<[u8; 16]> {
    let bytes = text.as_bytes();
    if bytes.len() != 36 {
        return None;
    }
    let mut out = [0_u8; 16];
    let mut n_digits = 0_usize;
    for (place, &byte) in bytes.iter().enumerate() {
        if matches!(place, 8 | 13 | 18 | 23) {
            if byte != b'-' {
                return None;
            }
            continue;
        }
        let digit = match byte {
            b'0'..=b'9' => byte - b'0',
            b'a'..=b'f' => byte - b'a' + 10,
            b'A'..=b'F' => byte - b'A' + 10,
            _ => return None,
        };
        let slot = out.get_mut(n_digits / 2)?;
        *slot = *slot << 4 | digit;
        n_digits += 1;
    }
    Some(out)
}

fn digits_first(text: &str, negative: bool) -> Cell {
    let bytes = text.as_bytes();
    let digits = bytes.get(usize::from(negative)..).unwrap_or_default();
    let mut value = 0_u64;
    let mut n_whole = 0_usize;
    let mut stopped_at = None;
    for &byte in digits {
        if !byte.is_ascii_digit() {
            stopped_at = Some(byte);
            break;
        }
        value = value.wrapping_mul(10).wrapping_add(u64::from(byte - b'0'));
        n_whole += 1;
    }
    match stopped_at {
        None => whole_number(digits, value, negative),
        Some(b'.') => fraction(text, digits, n_whole, negative),
        Some(b'-') if n_whole == 4 && !negative => iso_date_or_time(text),
        Some(b'-' | b'a'..=b'f' | b'A'..=b'F')
            if text.len() == 36 && parse_uuid(text).is_some() =>
        {
            Cell::Uuid
        }
        Some(b'e' | b'E') => scientific(text),
        Some(b':') if n_whole == 2 && !negative => {
            parse_iso_time(text).map_or(Cell::Text, Cell::Time)
        }
        Some(_) => Cell::Text,
    }
}

fn whole_number(digits: &[u8], value: u64, negative: bool) -> Cell {
    // Canonical: what is printed must be what was read. `007` and `-0` are not.
    if digits.first() == Some(&b'0') && (digits.len() > 1 || negative) {
        return Cell::Text;
    }
    if digits.len() > 19 {
        return Cell::Wide;
    }
    // 19 digits fit in 64 bits without a sign.
    let value =
        if negative { 0_i64.checked_sub_unsigned(value) } else { i64::try_from(value).ok() };
    value.map_or(Cell::Wide, Cell::Int)
}

fn fraction(text: &str, digits: &[u8], n_whole: usize, negative: bool) -> Cell {
    let decimals = digits.get(n_whole + 1..).unwrap_or_default();
    if decimals.is_empty() || (n_whole > 1 && digits.first() == Some(&b'0')) {
        return Cell::Text;
    }
    if !decimals.iter().all(u8::is_ascii_digit) {
        return if decimals.iter().any(|byte| matches!(byte, b'e' | b'E')) {
            scientific(text)
        } else {
            Cell::Text
        };
    }
    let whole = digits.get(..n_whole).unwrap_or_default();
    let whole_digits = if whole == b"0" { 0 } else { n_whole };
    if whole_digits + decimals.len() > usize::from(MAX_PRECISION) {
        return Cell::Wide;
    }
    let mut unscaled = 0_i64;
    for &digit in whole.iter().chain(decimals) {
        unscaled = unscaled * 10 + i64::from(digit - b'0');
    }
    // At most 18 of each, by the check above.
    let (Ok(scale), Ok(whole_digits)) = (u8::try_from(decimals.len()), u8::try_from(whole_digits))
    else {
        return Cell::Wide;
    };
    Cell::Decimal(DecimalCell {
        unscaled: if negative { -unscaled } else { unscaled },
        scale,
        whole_digits,
        negative_zero: negative && unscaled == 0,
    })
}

fn iso_date_or_time(text: &str) -> Cell {
    if text.len() == 10 {
        return parse_iso_date(text).map_or(Cell::Text, Cell::Date);
    }
    if let Some(micros) = parse_iso_local_date_time(text) {
        return Cell::LocalDateTime(micros);
    }
    if let Some(micros) = parse_iso_date_time(text) {
        return Cell::DateTime(micros);
    }
    if text.len() == 36 && parse_uuid(text).is_some() { Cell::Uuid } else { Cell::Text }
}

/// Reads `d[.ddd]e[+-]dd`: one digit before the point, as programs write it; `12E4` is more likely a part number.
fn scientific(text: &str) -> Cell {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let Some((mantissa, exponent)) = unsigned.split_once(['e', 'E']) else {
        return Cell::Text;
    };
    let exponent_digits = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
    let well_formed = mantissa.bytes().next().is_some_and(|byte| byte.is_ascii_digit())
        && (mantissa.len() == 1
            || (mantissa.as_bytes().get(1) == Some(&b'.')
                && mantissa.len() > 2
                && mantissa.bytes().skip(2).all(|byte| byte.is_ascii_digit())))
        && !exponent_digits.is_empty()
        && exponent_digits.len() <= 4
        && exponent_digits.bytes().all(|byte| byte.is_ascii_digit());
    if !well_formed
        || (mantissa.starts_with('0') && mantissa.bytes().any(|byte| matches!(byte, b'1'..=b'9')))
    {
        return Cell::Text;
    }
    // `5E3` may as well be a code: an integer mantissa needs the sign that programs write (`5e+03`, `5e-05`).
    if mantissa.len() == 1 && exponent_digits.len() == exponent.len() {
        return Cell::Text;
    }
    Cell::Scientific(survives_double(text))
}

/// Tells whether the shortest print of the nearest double, as answers have it, is the same number; takes plain numbers
/// and those in scientific notation.
pub(crate) fn survives_double(text: &str) -> bool {
    let Some(number) = Significand::of(text) else { return false };
    // A double keeps any 15 digits where it is not close to its bounds (DBL_DIG of C).
    if number.n_digits <= 15 && number.first_place.abs() < 300 {
        return true;
    }
    let Ok(value) = text.parse::<f64>() else { return false };
    // Of two that are as near, the one whose last digit is even: `{value:e}` would take the other.
    let mut printed = zmij::Buffer::new();
    value.is_finite() && Significand::of(printed.format_finite(value)) == Some(number)
}

/// A number as its digits, without the zeros around them, and where the first of them stands (0 is the place of ones).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Significand {
    is_negative: bool,
    digits: u64,
    n_digits: u8,
    first_place: i64,
}

impl Significand {
    /// Returns `None` beyond 17 digits, which are the most that a double prints. Zero has no sign.
    fn of(text: &str) -> Option<Self> {
        let unsigned = text.strip_prefix('-').unwrap_or(text);
        let (mantissa, exponent) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, "0"));
        let mut found = Self { is_negative: unsigned.len() < text.len(), ..Self::default() };
        let mut n_zeros = 0_u32;
        let mut place = i64::try_from(mantissa.find('.').unwrap_or(mantissa.len())).ok()?;
        for byte in mantissa.bytes().filter(|byte| *byte != b'.') {
            place -= 1;
            if byte == b'0' {
                n_zeros += 1;
                continue;
            }
            if found.n_digits == 0 {
                (found.first_place, n_zeros) = (place, 0);
            }
            found.n_digits = u8::try_from(u32::from(found.n_digits) + n_zeros + 1).ok()?;
            if found.n_digits > 17 {
                return None;
            }
            found.digits = found.digits * 10_u64.pow(n_zeros + 1) + u64::from(byte - b'0');
            n_zeros = 0;
        }
        if found.n_digits == 0 {
            return Some(Self::default());
        }
        found.first_place += exponent.strip_prefix('+').unwrap_or(exponent).parse::<i64>().ok()?;
        Some(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(expect: Form, inputs: &[&str]) {
        for input in inputs {
            assert_eq!(form_of(input).form(), expect, "{input:?}");
        }
    }

    #[test]
    fn forms() {
        check(
            Form::Int,
            &["0", "7", "-7", "2147483648", "9223372036854775807", "-9223372036854775808"],
        );
        check(
            Form::Wide,
            &["9223372036854775808", "12345678901234567890", "1234567890.1234567890"],
        );
        check(Form::Decimal, &["0.5", "19.90", "-0.05", "-0.00", "0.000000000000000001"]);
        check(
            Form::Text,
            &["007", "-0", "+5", "1.", ".5", "1,5", "00.5", "1 2", "0x10", "1e5", "12E4", "１"],
        );
        check(Form::Scientific, &["1.5e10", "1e-05", "1E+16", "-2.5E-7", "0.0e+00"]);
        check(Form::Boolean, &["true", "FALSE", "Yes", "n", "T"]);
        check(Form::NullWord, &["NULL", "na", "N/A", "-", "None", "NaN", "\\N"]);
        check(Form::Date, &["2024-01-31", "0001-01-01"]);
        check(Form::Time, &["10:00", "23:59:59.5"]);
        check(Form::LocalDateTime, &["2024-01-31 10:00", "2024-01-31T10:00:00.5"]);
        check(Form::DateTime, &["2024-01-31T10:00:00Z", "2024-01-31 10:00:00+02:00"]);
        check(
            Form::Uuid,
            &["6f9619ff-8b86-d011-b42d-00c04fc964ff", "AF9619FF-8B86-D011-B42D-00C04FC964FF"],
        );
        check(Form::Uuid, &["12345678-8b86-d011-b42d-00c04fc964ff"]);
        check(Form::Json, &["{\"a\":1}", "[]"]);
        check(Form::Text, &["{a}", "2024-02-30", "24:00", "2024-1-1", "hello", "nothing", "ü"]);
        check(Form::Empty, &[""]);
    }

    #[test]
    fn doubles() {
        assert!(survives_double("1.5e10"));
        assert!(survives_double("0.1"));
        assert!(survives_double("5e-324"));
        assert!(survives_double("-0.000002483625718556999"));
        assert!(survives_double("92882830854725950"));
        assert!(survives_double("100000000000000000000000.000"));
        assert!(survives_double("0e-999"));
        assert!(!survives_double("1.00000000000000001e0"));
        assert!(!survives_double("1e400"));
        assert!(!survives_double("9007199254740993e0"));
        assert!(!survives_double("92882830854725952"));
        assert!(survives_double("-1933248834529596.2"));
        assert!(!survives_double("-1933248834529596.3"));
        assert!(!survives_double("12345678901234567890"));
        assert!(!survives_double("1.2345e-320"));
        assert!(!survives_double("1e99999999999999999999"));
    }

    /// Sign, digits and place of the first, as text: slow and plain.
    fn naive(text: &str) -> Option<(bool, String, i64)> {
        let unsigned = text.trim_start_matches('-');
        let (mantissa, exponent) = unsigned.split_once('e').unwrap_or((unsigned, "0"));
        let (whole, decimals) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let all = [whole, decimals].concat();
        let digits = all.trim_matches('0').to_owned();
        let n_leading = all.len() - all.trim_start_matches('0').len();
        let place = |n: usize| i64::try_from(n).ok();
        match digits.is_empty() {
            true => Some((false, digits, 0)),
            false => Some((
                text.starts_with('-'),
                digits,
                exponent.trim_start_matches('+').parse::<i64>().ok()? + place(whole.len())?
                    - 1
                    - place(n_leading)?,
            )),
        }
    }

    proptest::proptest! {
        #[test]
        fn doubles_survive_as_programs_print_them(bits: u64, number in -1.0..1.0, size in -30_i32..30) {
            let values = [f64::from_bits(bits), number * 10_f64.powi(size)];
            for value in values.into_iter().filter(|it| it.is_finite()) {
                let text = zmij::Buffer::new().format_finite(value).to_owned();
                proptest::prop_assert!(survives_double(&text), "{}", text);
                let plain = crate::grid::number_text(value);
                proptest::prop_assert!(survives_double(&plain), "{}", plain);
                proptest::prop_assert_eq!(plain.parse(), Ok(value), "{}", plain);
            }
        }

        #[test]
        fn what_survives_prints_the_same_digits(
            text in "-?(0|[1-9][0-9]{0,18})(\\.[0-9]{1,18})?0{0,4}|-?[0-9]\\.[0-9]{1,17}e-?(30[0-9]|32[0-3]|[0-9]{1,3})"
        ) {
            let value: f64 = text.parse().unwrap_or(f64::NAN);
            let mut printed = zmij::Buffer::new();
            let is_same = value.is_finite() && naive(&text) == naive(printed.format_finite(value));
            proptest::prop_assert_eq!(survives_double(&text), is_same, "{}", text);
        }
    }
}
