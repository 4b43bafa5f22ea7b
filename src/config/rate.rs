//! How often something may happen: `20/s`, `60/h`, `100/s burst 200`.
//!
//! What is printed can be read again.

use std::time::Duration;

use super::units;

const PERIODS: [(&str, u64); 6] =
    [("s", 1), ("min", 60), ("h", 3_600), ("d", 86_400), ("sec", 1), ("m", 60)];
const MAX_COUNT: u64 = 1_000_000;

/// So many in a period, evenly, and so many at once after a rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// How many in a period.
    count: u32,
    period: Duration,
    /// How many at once.
    burst: u32,
}

impl Rate {
    /// `count` in each period of so many seconds, `burst` at once; each at least 1.
    pub const fn new(count: u32, period_seconds: u64, burst: u32) -> Rate {
        let count = if count == 0 { 1 } else { count };
        let burst = if burst == 0 { 1 } else { burst };
        let seconds = if period_seconds == 0 { 1 } else { period_seconds };
        Rate { count, period: Duration::from_secs(seconds), burst }
    }

    /// How many at once.
    pub fn burst(&self) -> u32 {
        self.burst
    }

    /// The time after which one more is allowed.
    pub fn interval(&self) -> Duration {
        // A million a second is the most, so this is a microsecond at least.
        self.period / self.count
    }

    /// So many times as often.
    #[must_use]
    pub fn times(&self, factor: u32) -> Rate {
        let most = u32::try_from(MAX_COUNT).unwrap_or(u32::MAX);
        let times = |n: u32| n.saturating_mul(factor).clamp(1, most);
        Rate { count: times(self.count), burst: times(self.burst), ..*self }
    }

    pub(super) fn parse(text: &str) -> Option<Rate> {
        let text = text.to_ascii_lowercase();
        let (rate, burst) = match text.split_once("burst") {
            Some((rate, burst)) => (rate, Some(burst)),
            None => (text.as_str(), None),
        };
        let (count, period) = rate.split_once('/')?;
        let (_, seconds) = PERIODS.iter().find(|(unit, _)| *unit == period.trim())?;
        let number = |text: &str| {
            let number = units::parse_whole(text).filter(|n| (1..=MAX_COUNT).contains(n))?;
            u32::try_from(number).ok()
        };
        let count = number(count)?;
        let burst = burst.map_or(Some(count), number)?;
        Some(Rate::new(count, *seconds, burst))
    }
}

impl std::fmt::Display for Rate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let seconds = self.period.as_secs();
        let unit = PERIODS.iter().find(|(_, of_unit)| *of_unit == seconds);
        write!(f, "{}/{}", self.count, unit.map_or("s", |(unit, _)| unit))?;
        if self.burst == self.count { Ok(()) } else { write!(f, " burst {}", self.burst) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_read_and_printed() {
        let check = |text: &str, expect: Option<(Rate, &str)>| {
            let rate = Rate::parse(text);
            assert_eq!(rate, expect.map(|(rate, _)| rate), "{text}");
            if let (Some(rate), Some((_, shown))) = (rate, expect) {
                assert_eq!(rate.to_string(), shown);
                assert_eq!(Rate::parse(shown), Some(rate));
            }
        };
        check("100/s burst 200", Some((Rate::new(100, 1, 200), "100/s burst 200")));
        check("20/S", Some((Rate::new(20, 1, 20), "20/s")));
        check(" 10 / min ", Some((Rate::new(10, 60, 10), "10/min")));
        check("10/m burst 10", Some((Rate::new(10, 60, 10), "10/min")));
        check("60/h", Some((Rate::new(60, 3_600, 60), "60/h")));
        check("1/d", Some((Rate::new(1, 86_400, 1), "1/d")));
        for bad in ["", "5", "0/s", "-1/s", "5/y", "/s", "5/s burst", "5/s burst 0", "2000000/s"] {
            check(bad, None);
        }
        assert_eq!(Rate::new(60, 3_600, 60).interval(), Duration::from_secs(60));
        assert_eq!(Rate::new(1_000_000, 1, 1).times(9), Rate::new(1_000_000, 1, 9));
        assert_eq!(Rate::new(20, 1, 30).times(5), Rate::new(100, 1, 150));
    }
}
