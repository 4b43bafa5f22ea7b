//! Reads and prints sizes and times as people write them: `1GiB`, `30s`.
//!
//! What is printed can be read again. There is no I/O here.

use std::time::Duration;

const SIZES: [(&str, u64); 9] = [
    ("tib", 1 << 40),
    ("gib", 1 << 30),
    ("mib", 1 << 20),
    ("kib", 1 << 10),
    ("tb", 1_000_000_000_000),
    ("gb", 1_000_000_000),
    ("mb", 1_000_000),
    ("kb", 1_000),
    ("b", 1),
];

const TIMES_MS: [(&str, u64); 5] =
    [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];

/// Bytes of `1GiB`, `512 KB` or `1048576`.
pub(super) fn parse_size(text: &str) -> Option<u64> {
    let lower = text.trim().to_ascii_lowercase();
    for (unit, n_bytes) in SIZES {
        if let Some(number) = lower.strip_suffix(unit) {
            return parse_whole(number)?.checked_mul(n_bytes);
        }
    }
    parse_whole(&lower)
}

/// The shortest exact form: `1GiB`, `1500B`.
pub(super) fn show_size(n_bytes: u64) -> String {
    for (unit, size) in [("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)] {
        if n_bytes >= size && n_bytes.is_multiple_of(size) {
            return format!("{}{unit}", n_bytes / size);
        }
    }
    format!("{n_bytes}B")
}

/// The time of `30s`, `500ms` or `2m`; a number without unit is refused, it could be either.
pub fn parse_time(text: &str) -> Option<Duration> {
    let lower = text.trim().to_ascii_lowercase();
    for (unit, n_ms) in TIMES_MS {
        if let Some(number) = lower.strip_suffix(unit)
            && let Some(number) = parse_whole(number)
        {
            return number.checked_mul(n_ms).map(Duration::from_millis);
        }
    }
    None
}

/// The shortest exact form: `30s`, `1500ms`.
pub(super) fn show_time(time: Duration) -> String {
    let n_ms = time.as_millis();
    for (unit, size) in [("h", 3_600_000), ("m", 60_000), ("s", 1_000)] {
        if n_ms >= size && n_ms.is_multiple_of(size) {
            return format!("{}{unit}", n_ms / size);
        }
    }
    format!("{n_ms}ms")
}

/// A whole number without sign; underscores may group its digits.
pub(super) fn parse_whole(text: &str) -> Option<u64> {
    let digits: String = text.trim().chars().filter(|c| *c != '_').collect();
    (!digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())).then_some(())?;
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_and_printed() {
        let check =
            |text: &str, expect: Option<u64>| assert_eq!(parse_size(text), expect, "{text}");
        check("0", Some(0));
        check("1048576", Some(1 << 20));
        check("1_048_576", Some(1 << 20));
        check("1GiB", Some(1 << 30));
        check(" 2 gib ", Some(2 << 30));
        check("5MB", Some(5_000_000));
        check("12B", Some(12));
        check("", None);
        check("GiB", None);
        check("-1", None);
        check("1.5GiB", None);
        check("99999999999TiB", None);
        for n_bytes in [0, 1, 1023, 1024, 1 << 20, (1 << 30) + 1, u64::MAX] {
            assert_eq!(parse_size(&show_size(n_bytes)), Some(n_bytes));
        }
    }

    #[test]
    fn times_are_read_and_printed() {
        let check = |text: &str, expect: Option<u64>| {
            assert_eq!(parse_time(text), expect.map(Duration::from_millis), "{text}");
        };
        check("30s", Some(30_000));
        check("500ms", Some(500));
        check("2m", Some(120_000));
        check("1h", Some(3_600_000));
        check("30", None);
        check("s", None);
        check("-3s", None);
        check("99999999999999999d", None);
        for n_ms in [0, 1, 999, 1_000, 1_500, 60_000, 3_600_000] {
            let time = Duration::from_millis(n_ms);
            assert_eq!(parse_time(&show_time(time)), Some(time));
        }
    }
}
