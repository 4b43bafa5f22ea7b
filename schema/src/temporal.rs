//! Turns ISO 8601 text into days and microseconds, and back.
//! It exists because a date crate on the hot path of a load costs more than the arithmetic.
//! It never guesses a format or a zone, and knows years 0001 to 9999 only.

/// Microseconds of a day.
pub const MICROS_PER_DAY: i64 = 86_400_000_000;
/// 0001-01-01 in days since 1970-01-01.
pub const MIN_DAY: i32 = -719_162;
/// 9999-12-31 in days since 1970-01-01.
pub const MAX_DAY: i32 = 2_932_896;

/// Returns the days since 1970-01-01 of a day of the Gregorian calendar, or `None` when there is no such day.
pub fn days_from_civil(year: i32, month: u32, day: u32) -> Option<i32> {
    if !(1..=9999).contains(&year) || !(1..=12).contains(&month) {
        return None;
    }
    if day == 0 || day > days_in_month(year, month) {
        return None;
    }
    let month = month.cast_signed();
    let day = day.cast_signed();
    // Years begin in March, so that the leap day is the last of its year.
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    Some(era * 146_097 + day_of_era - 719_468)
}

/// Returns year, month and day of the days since 1970-01-01.
pub fn civil_from_days(days: i32) -> (i32, u32, u32) {
    let shifted = days.saturating_add(719_468);
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + i32::from(month <= 2);
    (year, month.unsigned_abs(), day.unsigned_abs())
}

fn days_in_month(year: i32, month: u32) -> u32 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

fn two_digits(tens: u8, ones: u8) -> Option<u32> {
    (tens.is_ascii_digit() && ones.is_ascii_digit())
        .then(|| u32::from(tens - b'0') * 10 + u32::from(ones - b'0'))
}

fn iso_date(bytes: &[u8]) -> Option<i32> {
    let &[y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = bytes else {
        return None;
    };
    let year = two_digits(y1, y2)? * 100 + two_digits(y3, y4)?;
    days_from_civil(year.cast_signed(), two_digits(m1, m2)?, two_digits(d1, d2)?)
}

/// Reads `HH:MM`, `HH:MM:SS` or `HH:MM:SS.f` (1 to 6 significant fraction digits) as microseconds of the day.
fn iso_time(bytes: &[u8]) -> Option<i64> {
    let (&[h1, h2, b':', m1, m2], rest) = bytes.split_first_chunk::<5>()? else {
        return None;
    };
    let hour = two_digits(h1, h2)?;
    let minute = two_digits(m1, m2)?;
    if hour > 23 || minute > 59 {
        return None;
    }
    let mut micros = i64::from(hour * 3_600 + minute * 60) * 1_000_000;
    let Some((&[colon, s1, s2], fraction)) = rest.split_first_chunk::<3>() else {
        return rest.is_empty().then_some(micros);
    };
    let second = two_digits(s1, s2)?;
    if colon != b':' || second > 59 {
        return None;
    }
    micros += i64::from(second) * 1_000_000;
    if fraction.is_empty() {
        return Some(micros);
    }
    let (&point, digits) = fraction.split_first()?;
    if !(point == b'.' || point == b',') || digits.is_empty() {
        return None;
    }
    let mut unit = 100_000;
    for &digit in digits {
        if !digit.is_ascii_digit() {
            return None;
        }
        let digit = i64::from(digit - b'0');
        // What is finer than a microsecond would be lost: such text is no time here, unless it is zeros.
        if unit == 0 && digit != 0 {
            return None;
        }
        micros += digit * unit;
        unit /= 10;
    }
    Some(micros)
}

fn iso_local_date_time(bytes: &[u8]) -> Option<i64> {
    let (date, rest) = bytes.split_at_checked(10)?;
    let (&separator, time) = rest.split_first()?;
    if !matches!(separator, b'T' | b't' | b' ') {
        return None;
    }
    Some(i64::from(iso_date(date)?) * MICROS_PER_DAY + iso_time(time)?)
}

/// Reads `+HH:MM`, `+HHMM`, `+HH` or their negatives as microseconds east of UTC.
fn offset(bytes: &[u8]) -> Option<i64> {
    let (&sign, digits) = bytes.split_first()?;
    let (hour, minute) = match *digits {
        [h1, h2] => (two_digits(h1, h2)?, 0),
        [h1, h2, m1, m2] | [h1, h2, b':', m1, m2] => (two_digits(h1, h2)?, two_digits(m1, m2)?),
        _ => return None,
    };
    if hour > 23 || minute > 59 {
        return None;
    }
    let micros = i64::from(hour * 3_600 + minute * 60) * 1_000_000;
    match sign {
        b'+' => Some(micros),
        b'-' => Some(-micros),
        _ => None,
    }
}

/// Splits off a zone (`Z`, or an offset) and returns what is before it and the offset in microseconds.
pub(crate) fn split_zone(bytes: &[u8]) -> Option<(&[u8], i64)> {
    let (&last, before) = bytes.split_last()?;
    if last == b'Z' || last == b'z' {
        return Some((before.trim_ascii_end(), 0));
    }
    // The sign of an offset stands three to six bytes before the end.
    let tail = bytes.len().saturating_sub(6);
    let (head, tail) = bytes.split_at_checked(tail)?;
    let sign = tail.iter().rposition(|byte| matches!(byte, b'+' | b'-'))?;
    let (before, zone) = bytes.split_at_checked(head.len() + sign)?;
    Some((before.trim_ascii_end(), offset(zone)?))
}

/// Moves a local time by its offset; `None` when the instant leaves the years 0001 to 9999.
pub(crate) fn to_utc(local: i64, offset: i64) -> Option<i64> {
    let utc = local - offset;
    let day = utc.div_euclid(MICROS_PER_DAY);
    (i64::from(MIN_DAY)..=i64::from(MAX_DAY)).contains(&day).then_some(utc)
}

fn iso_date_time(bytes: &[u8]) -> Option<i64> {
    let (local, offset) = split_zone(bytes)?;
    to_utc(iso_local_date_time(local)?, offset)
}

/// Reads `YYYY-MM-DD` as days since 1970-01-01.
pub fn parse_iso_date(text: &str) -> Option<i32> {
    iso_date(text.as_bytes())
}

/// Reads `HH:MM[:SS[.ffffff]]` as microseconds of the day.
pub fn parse_iso_time(text: &str) -> Option<i64> {
    iso_time(text.as_bytes())
}

/// Reads a date, `T` or a blank, and a time as microseconds since 1970-01-01T00:00.
pub fn parse_iso_local_date_time(text: &str) -> Option<i64> {
    iso_local_date_time(text.as_bytes())
}

/// Reads a date and time with `Z` or an offset as microseconds since 1970-01-01T00:00 UTC.
pub fn parse_iso_date_time(text: &str) -> Option<i64> {
    iso_date_time(text.as_bytes())
}

fn push_digits(out: &mut Vec<u8>, value: u32, width: u32) {
    let mut unit = 10_u32.pow(width.saturating_sub(1));
    while unit > 0 {
        let digit = u8::try_from(value / unit % 10).unwrap_or_default();
        out.push(b'0' + digit);
        unit /= 10;
    }
}

/// Writes days since 1970-01-01 as `YYYY-MM-DD`.
pub fn write_date(out: &mut Vec<u8>, days: i32) {
    let (year, month, day) = civil_from_days(days);
    push_digits(out, year.unsigned_abs(), 4);
    out.push(b'-');
    push_digits(out, month, 2);
    out.push(b'-');
    push_digits(out, day, 2);
}

/// Writes microseconds of the day as `HH:MM:SS[.ffffff]`, without trailing zeros.
pub fn write_time(out: &mut Vec<u8>, micros: i64) {
    let micros = micros.rem_euclid(MICROS_PER_DAY);
    let seconds = u32::try_from(micros / 1_000_000).unwrap_or_default();
    let mut fraction = u32::try_from(micros % 1_000_000).unwrap_or_default();
    push_digits(out, seconds / 3_600, 2);
    out.push(b':');
    push_digits(out, seconds / 60 % 60, 2);
    out.push(b':');
    push_digits(out, seconds % 60, 2);
    if fraction == 0 {
        return;
    }
    let mut width = 6;
    while fraction % 10 == 0 {
        fraction /= 10;
        width -= 1;
    }
    out.push(b'.');
    push_digits(out, fraction, width);
}

/// Writes microseconds since 1970-01-01T00:00 as `YYYY-MM-DDTHH:MM:SS[.ffffff]`; the caller appends a zone.
pub fn write_timestamp(out: &mut Vec<u8>, micros: i64) {
    let days = micros.div_euclid(MICROS_PER_DAY);
    write_date(out, i32::try_from(days).unwrap_or_default());
    out.push(b'T');
    write_time(out, micros);
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests may stop")]
mod tests {
    use super::*;

    fn check_timestamp(input: &str, expect: Option<&str>) {
        let parsed = parse_iso_local_date_time(input).or_else(|| parse_iso_date_time(input));
        let text = parsed.map(|micros| {
            let mut out = Vec::new();
            write_timestamp(&mut out, micros);
            String::from_utf8(out).unwrap()
        });
        assert_eq!(text.as_deref(), expect, "{input}");
    }

    #[test]
    fn timestamps() {
        check_timestamp("2024-01-31T10:00:00", Some("2024-01-31T10:00:00"));
        check_timestamp("2024-01-31 10:00", Some("2024-01-31T10:00:00"));
        check_timestamp("2024-01-31T10:00:00.120", Some("2024-01-31T10:00:00.12"));
        check_timestamp("2024-01-31T10:00:00.000001", Some("2024-01-31T10:00:00.000001"));
        check_timestamp("2024-01-31T10:00:00.0000001", None);
        check_timestamp("2024-01-31T10:00:00.1230000", Some("2024-01-31T10:00:00.123"));
        check_timestamp("2024-01-31T10:00:00Z", Some("2024-01-31T10:00:00"));
        check_timestamp("2024-01-31T10:00:00+03:00", Some("2024-01-31T07:00:00"));
        check_timestamp("2024-01-31T00:00:00.5-0130", Some("2024-01-31T01:30:00.5"));
        check_timestamp("2024-01-31T00:00+02", Some("2024-01-30T22:00:00"));
        check_timestamp("0001-01-01T00:00:00+01:00", None);
        check_timestamp("0001-01-01T00:00:00", Some("0001-01-01T00:00:00"));
        check_timestamp("9999-12-31T23:59:59.999999", Some("9999-12-31T23:59:59.999999"));
        check_timestamp("2024-02-30T00:00:00", None);
        check_timestamp("2024-01-31T24:00:00", None);
        check_timestamp("2024-01-31T10:00:60", None);
        check_timestamp("2024-01-31T", None);
        check_timestamp("2024-01-31", None);
    }

    #[test]
    fn every_day_comes_back() {
        assert_eq!(days_from_civil(1, 1, 1), Some(MIN_DAY));
        assert_eq!(days_from_civil(9999, 12, 31), Some(MAX_DAY));
        for day in MIN_DAY..=MAX_DAY {
            let (y, m, d) = civil_from_days(day);
            assert_eq!(days_from_civil(y, m, d), Some(day));
        }
        for bad in [
            "2023-02-29",
            "1900-02-29",
            "2024-00-10",
            "2024-13-01",
            "0000-01-01",
            "2024-1-01",
            "２024-01-01",
        ] {
            assert_eq!(parse_iso_date(bad), None, "{bad}");
        }
        assert_eq!(parse_iso_date("2000-02-29"), Some(11_016));
    }
}
