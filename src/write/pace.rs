//! Tells whether a small change is over so soon that it may be carried out where it stands.
//!
//! To hand a thread's other work over costs as much as a small change itself. But whoever carries
//! requests must not wait for a slow disk: how long small changes take is measured, all the time.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// What others may be made to wait, at most.
const QUICK: Duration = Duration::from_millis(1);
/// The newest one counts for this share of the average.
const SHARE: u64 = 8;

/// How long small changes take, as an average in microseconds.
pub(super) struct Pace(AtomicU64);

impl Pace {
    /// Nothing is known yet, so that it counts as slow.
    pub(super) fn new() -> Pace {
        Pace(AtomicU64::new(u64::try_from(4 * QUICK.as_micros()).unwrap_or(u64::MAX)))
    }

    /// Whether the next one is likely to be quick.
    pub(super) fn is_quick(&self) -> bool {
        u128::from(self.0.load(Ordering::Relaxed)) < QUICK.as_micros()
    }

    /// Remembers how long one took. Two at once may count as one.
    pub(super) fn note(&self, took: Duration) {
        let took_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let average = self.0.load(Ordering::Relaxed);
        self.0.store(average - average / SHARE + took_us / SHARE, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quick_disk_is_found_out_and_a_stall_is_not_forgotten_at_once() {
        let pace = Pace::new();
        assert!(!pace.is_quick());
        for _ in 0..20 {
            pace.note(Duration::from_micros(200));
        }
        assert!(pace.is_quick());
        pace.note(Duration::from_millis(100));
        assert!(!pace.is_quick());
        pace.note(Duration::from_micros(200));
        assert!(!pace.is_quick());
        pace.note(Duration::MAX);
        assert!(!pace.is_quick());
    }
}
