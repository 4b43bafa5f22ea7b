//! Times that come again, as cron writes them.

use std::str::FromStr;

use croner::Cron;

/// Five fields, minute to day of the week; all times are UTC.
#[derive(Clone, Debug)]
pub struct Schedule {
    text: String,
    cron: Cron,
}

impl Schedule {
    /// Reads a cron expression, or one of its words like `@daily`.
    pub fn parse(text: &str) -> Option<Schedule> {
        let cron = Cron::from_str(text).ok()?;
        Some(Schedule { text: text.to_owned(), cron })
    }

    /// The first time after this one, microseconds since 1970 UTC.
    pub fn next_after(&self, at_us: i64) -> Option<i64> {
        let after = chrono::DateTime::from_timestamp_micros(at_us)?;
        let next = self.cron.find_next_occurrence(&after, false).ok()?;
        Some(next.timestamp_micros())
    }
}

impl std::fmt::Display for Schedule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

impl PartialEq for Schedule {
    fn eq(&self, other: &Schedule) -> bool {
        self.text == other.text
    }
}

impl Eq for Schedule {}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn times_are_those_of_cron() {
        let at = |text: &str| text.parse::<jiff::Timestamp>().unwrap().as_microsecond();
        let check = |schedule: &str, after: &str, expect: &str| {
            let next = Schedule::parse(schedule).unwrap().next_after(at(after));
            assert_eq!(next, Some(at(expect)), "{schedule} after {after}");
        };
        check("0 2 * * *", "2026-11-26T07:04:21Z", "2026-11-27T02:00:00Z");
        check("0 2 * * *", "2026-11-27T02:00:00Z", "2026-11-28T02:00:00Z");
        check("*/15 * * * *", "2026-11-26T07:04:21Z", "2026-11-26T07:15:00Z");
        check("30 4 1 * *", "2026-12-31T23:00:00Z", "2027-01-01T04:30:00Z");
        check("0 0 * * SUN", "2026-11-26T00:00:00Z", "2026-11-29T00:00:00Z");
        check("@daily", "2026-11-26T00:00:01Z", "2026-11-27T00:00:00Z");
        for bad in ["", "daily", "61 * * * *", "* * * *"] {
            assert!(Schedule::parse(bad).is_none(), "{bad}");
        }
    }
}
