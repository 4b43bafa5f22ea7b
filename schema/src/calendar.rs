//! Turns dates and times as people write them (`31/12/2024`, `Jan 5, 2024 3:07 PM`) into days and microseconds.
//! It exists because one date rarely proves the order of its day and month: a column's order is what all cells allow.
//! It never guesses a century, a zone or an order.

use crate::options::DateOrder;
use crate::temporal::{MICROS_PER_DAY, days_from_civil, parse_iso_time, split_zone, to_utc};

/// The orders, as positions of bits.
pub(crate) const ORDERS: [DateOrder; 3] = [DateOrder::Dmy, DateOrder::Mdy, DateOrder::Ymd];

/// What a text holds besides the date's digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    Date,
    Time,
    LocalDateTime,
    DateTime,
}

/// A date or time that may be meant in several orders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Dated {
    pub(crate) moment: Moment,
    /// The value under each order: days of dates, microseconds of everything else.
    pub(crate) values: [Option<i64>; 3],
    pub(crate) named_month: bool,
    /// Between the parts of the date.
    pub(crate) separator: char,
}

/// Reads a date, a date with a time, or a time of day with AM or PM.
pub(crate) fn read_dated(text: &str) -> Option<Dated> {
    if text.len() > 48 || !text.bytes().any(|byte| byte.is_ascii_digit()) {
        return None;
    }
    // `3:45` may be minutes and seconds: alone, only a clock with AM or PM is a time of day.
    if text.ends_with(['M', 'm', '.'])
        && let Some(micros) = read_clock(text)
    {
        return Some(Dated {
            moment: Moment::Time,
            values: [Some(micros); 3],
            named_month: false,
            separator: ':',
        });
    }
    let (date, time) = split_time(text);
    let (parts, separator, named_month) = date_parts(date)?;
    let days = ORDERS.map(|order| days_in_order(parts, order).map(i64::from));
    let Some(time) = time else {
        return some_value(Dated { moment: Moment::Date, values: days, named_month, separator });
    };
    if let Some(micros) = read_clock(time).or_else(|| parse_iso_time(time)) {
        let values = days.map(|day| day.map(|day| day * MICROS_PER_DAY + micros));
        return some_value(Dated { moment: Moment::LocalDateTime, values, named_month, separator });
    }
    let (clock, offset) = match time.strip_suffix("UTC").or_else(|| time.strip_suffix("GMT")) {
        Some(clock) => (clock.trim_end(), 0),
        None => {
            let (clock, offset) = split_zone(time.as_bytes())?;
            (std::str::from_utf8(clock).ok()?, offset)
        }
    };
    let micros = read_clock(clock).or_else(|| parse_iso_time(clock))?;
    let values = days.map(|day| to_utc(day? * MICROS_PER_DAY + micros, offset));
    some_value(Dated { moment: Moment::DateTime, values, named_month, separator })
}

fn some_value(dated: Dated) -> Option<Dated> {
    dated.values.iter().any(Option::is_some).then_some(dated)
}

/// Reads a cell in the order of its column.
pub(crate) fn read_in_order(text: &str, order: DateOrder) -> Option<(Moment, i64)> {
    let dated = read_dated(text)?;
    let place = ORDERS.iter().position(|other| *other == order)?;
    let value = dated.values.get(place).copied().flatten()?;
    Some((dated.moment, value))
}

/// Splits at the first blank, comma or `T` after which a clock begins (`H:MM`).
fn split_time(text: &str) -> (&str, Option<&str>) {
    let Some(colon) = text.find(':') else {
        return (text, None);
    };
    let before = text.get(..colon).unwrap_or_default();
    let digits = before.trim_end_matches(|char: char| char.is_ascii_digit()).len();
    let date = before.get(..digits).unwrap_or_default();
    let time = text.get(digits..).unwrap_or_default();
    match date.strip_suffix([' ', 'T', '\u{a0}']) {
        Some(date) => (date.trim_end().trim_end_matches(','), Some(time)),
        None => (text, None),
    }
}

/// Reads `H:MM[:SS[.f]]` with an optional AM or PM; without one only what ISO does not write (one digit of hours).
fn read_clock(text: &str) -> Option<i64> {
    let upper = text.to_ascii_uppercase();
    let (clock, half) = match () {
        () if upper.ends_with("AM") || upper.ends_with("A.M.") => {
            (upper.split('A').next()?, Some(0))
        }
        () if upper.ends_with("PM") || upper.ends_with("P.M.") => {
            (upper.split('P').next()?, Some(12))
        }
        () => (upper.as_str(), None),
    };
    let clock = clock.trim_end();
    let padded =
        if clock.as_bytes().get(1) == Some(&b':') { format!("0{clock}") } else { clock.to_owned() };
    if half.is_none() && padded.len() == clock.len() {
        return None;
    }
    let micros = parse_iso_time(&padded)?;
    const HOUR: i64 = 3_600_000_000;
    match half {
        None => Some(micros),
        // 12 AM is midnight, 12 PM is noon, and there is no 13 PM.
        Some(_) if !(HOUR..13 * HOUR).contains(&micros) => None,
        Some(half) => Some(micros % (12 * HOUR) + half * HOUR),
    }
}

/// The parts of a date from left to right; a named month is marked.
#[derive(Clone, Copy)]
struct Part {
    value: u32,
    n_digits: usize,
    is_name: bool,
}

fn date_parts(text: &str) -> Option<([Part; 3], char, bool)> {
    let separator = text.chars().find(|char| matches!(char, '/' | '-' | '.' | ' '))?;
    let pieces: Vec<&str> = match separator {
        // Spanish and Portuguese say `5 de enero de 2024`.
        ' ' | '.' => text
            .split([' ', ',', '.'])
            .filter(|piece| !piece.is_empty() && !piece.eq_ignore_ascii_case("de"))
            .collect(),
        mark => text.split(mark).collect(),
    };
    let &[first, second, third] = pieces.as_slice() else {
        return None;
    };
    let parts = [part(first)?, part(second)?, part(third)?];
    let named = parts.iter().filter(|part| part.is_name).count();
    if named > 1 || parts.iter().filter(|part| part.n_digits == 4).count() != 1 {
        return None;
    }
    // Digits apart by blanks only (`1 2 2024`) are no date; with commas inside, only named months are.
    if named == 0 && (separator == ' ' || text.contains(',')) {
        return None;
    }
    Some((parts, separator, named == 1))
}

fn part(text: &str) -> Option<Part> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) && matches!(text.len(), 1 | 2 | 4) {
        return Some(Part { value: text.parse().ok()?, n_digits: text.len(), is_name: false });
    }
    let value = month_named(text)?;
    Some(Part { value, n_digits: 0, is_name: true })
}

fn month_named(text: &str) -> Option<u32> {
    let lower = text.to_lowercase();
    let place = MONTHS.iter().position(|names| names.split(' ').any(|name| name == lower))?;
    u32::try_from(place + 1).ok()
}

/// Names of months and their abbreviations in English, German, French, Spanish, Italian, Portuguese and Dutch; none
/// means different months in two of them.
const MONTHS: [&str; 12] = [
    "january jan januar jänner janvier janv enero ene gennaio gen janeiro januari",
    "february feb februar feber février févr fevrier fevr febrero febbraio fevereiro fev februari",
    "march mar märz mrz mär mars marzo março marco maart mrt",
    "april apr avril avr abril abr aprile",
    "may mai mayo maggio mag maio mei",
    "june jun juni juin junio giugno giu junho",
    "july jul juli juillet juil julio luglio lug julho",
    "august aug août aout agosto ago augustus",
    "september sep sept septembre septiembre setembro settembre set",
    "october oct oktober okt octobre octubre ottobre ott outubro out",
    "november nov novembre noviembre novembro",
    "december dec dezember dez décembre déc decembre diciembre dic dicembre dezembro",
];

fn days_in_order(parts: [Part; 3], order: DateOrder) -> Option<i32> {
    let [first, second, third] = parts;
    let (day, month, year) = match order {
        DateOrder::Dmy => (first, second, third),
        DateOrder::Mdy => (second, first, third),
        DateOrder::Ymd => (third, second, first),
    };
    // A named month says where it is, so that any order that puts the year right will do.
    let (day, month) = if day.is_name { (month, day) } else { (day, month) };
    if year.n_digits != 4
        || day.is_name
        || day.n_digits > 2
        || (!month.is_name && month.n_digits > 2)
    {
        return None;
    }
    days_from_civil(i32::try_from(year.value).ok()?, month.value, day.value)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests may stop")]
mod tests {
    use super::*;
    use crate::temporal::{write_date, write_time, write_timestamp};

    fn check(text: &str, order: DateOrder, expect: Option<&str>) {
        let shown = read_in_order(text, order).map(|(moment, value)| {
            let mut out = Vec::new();
            match moment {
                Moment::Date => write_date(&mut out, i32::try_from(value).unwrap()),
                Moment::Time => write_time(&mut out, value),
                Moment::LocalDateTime => write_timestamp(&mut out, value),
                Moment::DateTime => {
                    write_timestamp(&mut out, value);
                    out.push(b'Z');
                }
            }
            String::from_utf8(out).unwrap()
        });
        assert_eq!(shown.as_deref(), expect, "{text:?}");
    }

    #[test]
    fn dates() {
        use DateOrder::{Dmy, Mdy, Ymd};
        check("31/12/2024", Dmy, Some("2024-12-31"));
        check("31/12/2024", Mdy, None);
        check("3/4/2024", Mdy, Some("2024-03-04"));
        check("3/4/2024", Dmy, Some("2024-04-03"));
        check("31.12.2024", Dmy, Some("2024-12-31"));
        check("2024/1/5", Ymd, Some("2024-01-05"));
        check("2024-1-5", Ymd, Some("2024-01-05"));
        check("5 Jan 2024", Dmy, Some("2024-01-05"));
        check("Jan 5, 2024", Mdy, Some("2024-01-05"));
        check("Jan 5, 2024", Dmy, Some("2024-01-05"));
        check("05-Jan-2024", Dmy, Some("2024-01-05"));
        check("September 5, 2024", Mdy, Some("2024-09-05"));
        check("31/12/2024 5:07", Dmy, Some("2024-12-31T05:07:00"));
        check("12/31/2024 12:00:30 AM", Mdy, Some("2024-12-31T00:00:30"));
        check("12/31/2024 11:00 pm", Mdy, Some("2024-12-31T23:00:00"));
        check("31/12/2024 23:00 +02:00", Dmy, Some("2024-12-31T21:00:00Z"));
        check("31/12/2024 23:00 UTC", Dmy, Some("2024-12-31T23:00:00Z"));
        check("5:30 PM", Dmy, Some("17:30:00"));
        check("5:30", Dmy, None);
        for bad in [
            "31/12/24",
            "1/2/3",
            "32/01/2024",
            "1 2 2024",
            "13:00 PM",
            "1.2.3",
            "10.0.0.1",
            "2024",
            "Jan 2024",
            "5/2024",
            "a/b/2024",
            "12/31/2024 25:00",
        ] {
            check(bad, Dmy, None);
        }
    }
}
