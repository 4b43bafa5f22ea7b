//! Remembers what numbers were made into, so that each is asked for once or seldom.

use crate::intern::{Numbers, next_id};

/// The parts of neighbouring steps; zero of those not seen yet.
#[derive(Default)]
pub(crate) struct StepTable {
    first: i64,
    pub(crate) parts: Vec<u32>,
    /// Whether it grows no more: then other steps are known otherwise.
    pub(crate) is_full: bool,
}

/// The parts of numbers that were asked for lately.
#[derive(Default)]
pub(crate) struct Memo {
    known: Numbers,
    parts: Vec<u32>,
}

impl StepTable {
    /// Steps of a table, at most; few in tests, which are to meet both ways.
    const MAX_STEPS: u64 = if cfg!(test) { 256 } else { 1 << 21 };

    #[inline]
    pub(crate) fn place(&self, step: i64) -> usize {
        let above = step.wrapping_sub(self.first).cast_unsigned();
        usize::try_from(above).unwrap_or(usize::MAX)
    }

    /// Makes room for the steps from one to another, if they are near enough to those it has.
    pub(crate) fn cover(&mut self, low: i64, high: i64) {
        let n_steps = self.parts.len();
        if self.is_full || (self.place(low) < n_steps && self.place(high) < n_steps) {
            return;
        }
        let (mut first, mut last) = (low, high);
        if let Some(n) = n_steps.checked_sub(1) {
            let last_one = self.first.saturating_add_unsigned(n as u64);
            (first, last) = (low.min(self.first), high.max(last_one));
            // Grown by half of what is there, it need not grow with each chunk.
            let more = (n / 2) as u64;
            if last.abs_diff(first).saturating_add(2 * more) < StepTable::MAX_STEPS {
                if high > last_one {
                    last = last.saturating_add_unsigned(more);
                }
                if low < self.first {
                    first = first.saturating_sub_unsigned(more);
                }
            }
        }
        let span = last.abs_diff(first);
        if span >= StepTable::MAX_STEPS {
            self.is_full = true;
            return;
        }
        let mut parts = vec![0; usize::try_from(span).unwrap_or(0) + 1];
        let begin = usize::try_from(self.first.abs_diff(first)).unwrap_or(0);
        parts.iter_mut().skip(begin).zip(&self.parts).for_each(|(to, from)| *to = *from);
        *self = StepTable { first, parts, is_full: false };
    }
}

impl Memo {
    /// Numbers that are remembered; then all are forgotten.
    const MAX: usize = if cfg!(test) { 4 } else { 65_536 };

    /// The part of a number; where it is not known, [`Memo::add`] must follow.
    pub(crate) fn part(&mut self, number: u64) -> Option<u32> {
        if self.parts.len() >= Memo::MAX {
            self.known.clear();
            self.parts.clear();
        }
        let place = self.known.id(number, next_id(self.parts.len()));
        self.parts.get(place as usize).copied()
    }

    pub(crate) fn add(&mut self, part: u32) {
        self.parts.push(part);
    }
    pub(crate) fn bytes(&self) -> usize {
        self.known.bytes() + self.parts.capacity() * 4
    }
}
