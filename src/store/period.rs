//! Finds the first day or instant of the period in which a date or a time lies.
//!
//! The embedded store's counterpart of `date_trunc`: weeks begin on Monday (ISO 8601), texts are in
//! ISO form. The years are 0001 to 9999, and 0001-01-01 is a Monday, so that nothing falls before.

use sluice_schema::temporal;

/// What dates and times are truncated to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Period {
    /// Of date-times only.
    Hour,
    /// Midnight.
    Day,
    /// Monday.
    Week,
    /// The first of it.
    Month,
    /// The first of January, April, July or October.
    Quarter,
    /// The first of January.
    Year,
}

/// The periods with the names that statements use, in the order of their length.
pub const PERIODS: [(&str, Period); 6] = [
    ("hour", Period::Hour),
    ("day", Period::Day),
    ("week", Period::Week),
    ("month", Period::Month),
    ("quarter", Period::Quarter),
    ("year", Period::Year),
];

impl Period {
    /// The period of a name, in any case.
    pub fn named(name: &str) -> Option<Period> {
        let found = PERIODS.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, period)| *period)
    }

    /// The first day of the period in which a day lies, hours left aside; days since 1970-01-01.
    pub(crate) fn first_day(self, days: i32) -> Option<i32> {
        const MONDAY: i32 = 4;
        let (year, month, _) = temporal::civil_from_days(days);
        match self {
            Period::Hour | Period::Day => Some(days),
            // 1970-01-01 was a Thursday.
            Period::Week => Some(days - (days - MONDAY).rem_euclid(7)),
            Period::Month => temporal::days_from_civil(year, month, 1),
            Period::Quarter => temporal::days_from_civil(year, (month - 1) / 3 * 3 + 1, 1),
            Period::Year => temporal::days_from_civil(year, 1, 1),
        }
    }

    /// The name that statements use.
    pub fn name(self) -> &'static str {
        PERIODS.iter().find(|(_, period)| *period == self).map_or("", |(name, _)| name)
    }
}

/// The first day (of a date) or instant (of a date-time) of its period.
pub(crate) fn truncate(moment: &str, period: Period) -> Option<String> {
    let (date, time) = match moment.split_once('T') {
        Some((date, time)) => (date, Some(time)),
        None => (moment, None),
    };
    let first = period.first_day(temporal::parse_iso_date(date)?)?;
    let mut out = Vec::with_capacity(19);
    temporal::write_date(&mut out, first);
    if let Some(time) = time {
        let hour = if period == Period::Hour { time.get(..2)? } else { "00" };
        out.extend_from_slice(b"T");
        out.extend_from_slice(hour.as_bytes());
        out.extend_from_slice(b":00:00");
    }
    String::from_utf8(out).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_begin() {
        for (moment, period, expect) in [
            ("2024-05-15", Period::Day, "2024-05-15"),
            ("2024-05-15", Period::Week, "2024-05-13"),
            ("2024-05-13", Period::Week, "2024-05-13"),
            ("2024-05-12", Period::Week, "2024-05-06"),
            ("2021-01-02", Period::Week, "2020-12-28"),
            ("0001-01-03", Period::Week, "0001-01-01"),
            ("1969-12-31", Period::Week, "1969-12-29"),
            ("2024-05-15", Period::Month, "2024-05-01"),
            ("2024-12-31", Period::Quarter, "2024-10-01"),
            ("2024-03-31", Period::Quarter, "2024-01-01"),
            ("9999-12-31", Period::Year, "9999-01-01"),
            ("2024-05-15T23:59:59.999999", Period::Hour, "2024-05-15T23:00:00"),
            ("2024-05-15T23:59:59.5", Period::Day, "2024-05-15T00:00:00"),
            ("2024-05-15T10:00:00", Period::Year, "2024-01-01T00:00:00"),
        ] {
            assert_eq!(truncate(moment, period).as_deref(), Some(expect), "{moment} {period:?}");
        }
    }
}
