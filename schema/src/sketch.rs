//! Turns the values of a column into an estimate of how many differ, and their counts while they are few.
//! It exists because a load cannot keep all values, and a category column is worth knowing.
//! It never costs more than one hash and one small table look-up a cell.

/// Columns with more different values are no categories.
pub(crate) const MAX_CATEGORIES: usize = 128;
/// Longer values are no categories.
const MAX_CATEGORY_BYTES: usize = 200;
const N_SLOTS: usize = 512;
const N_REGISTERS: usize = 1_024;
const REGISTER_BITS: u32 = 10;

/// Hashes text fast; not against adversaries, who could only spoil an estimate.
pub(crate) fn hash(text: &[u8]) -> u64 {
    const SEED: u64 = 0x9E37_79B9_7F4A_7C15;
    const MULTIPLIER: u64 = 0xD6E8_FEB8_6659_FD93;
    let fold = |a: u64, b: u64| {
        let product = u128::from(a) * u128::from(b);
        let high = u64::try_from(product >> 64).unwrap_or_default();
        let low = u64::try_from(product & u128::from(u64::MAX)).unwrap_or_default();
        high ^ low
    };
    let mut state = SEED ^ u64::try_from(text.len()).unwrap_or_default();
    let (chunks, rest) = text.as_chunks::<8>();
    for chunk in chunks {
        state = fold(state ^ u64::from_le_bytes(*chunk), MULTIPLIER);
    }
    let mut last = 0_u64;
    for &byte in rest {
        last = last << 8 | u64::from(byte);
    }
    fold(fold(state ^ last, MULTIPLIER) ^ SEED, MULTIPLIER)
}

/// A HyperLogLog of 1,024 registers: within about 3 %.
#[derive(Clone, Debug, Default)]
pub(crate) struct Distinct {
    registers: Vec<u8>,
}

impl Distinct {
    pub(crate) fn add(&mut self, hash: u64) {
        if self.registers.is_empty() {
            self.registers = vec![0; N_REGISTERS];
        }
        let place = usize::try_from(hash >> (64 - REGISTER_BITS)).unwrap_or_default();
        let rank =
            u8::try_from((hash << REGISTER_BITS | 1 << (REGISTER_BITS - 1)).leading_zeros() + 1)
                .unwrap_or(u8::MAX);
        if let Some(register) = self.registers.get_mut(place) {
            *register = rank.max(*register);
        }
    }

    pub(crate) fn merge(&mut self, other: Self) {
        if self.registers.is_empty() {
            self.registers = other.registers;
            return;
        }
        for (mine, theirs) in self.registers.iter_mut().zip(other.registers) {
            *mine = theirs.max(*mine);
        }
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a rounded, positive estimate far below 2^53"
    )]
    pub(crate) fn estimate(&self) -> u64 {
        if self.registers.is_empty() {
            return 0;
        }
        let m = N_REGISTERS as f64;
        let sum: f64 = self.registers.iter().map(|rank| 0.5_f64.powi(i32::from(*rank))).sum();
        let n_zero = self.registers.iter().filter(|rank| **rank == 0).count();
        let raw = 0.7213 / (1.0 + 1.079 / m) * m * m / sum;
        let estimate =
            if raw <= 2.5 * m && n_zero > 0 { m * (m / n_zero as f64).ln() } else { raw };
        estimate.round() as u64
    }
}

/// The counts of all values, while they are few.
#[derive(Clone, Debug, Default)]
pub(crate) struct Categories {
    slots: Vec<u16>,
    entries: Vec<Entry>,
    overflowed: bool,
}

#[derive(Clone, Debug)]
struct Entry {
    hash: u64,
    value: Box<str>,
    count: u64,
}

impl Categories {
    /// Starts without counting, because earlier rows have shown too many values.
    pub(crate) fn overflowed() -> Self {
        Self { overflowed: true, ..Self::default() }
    }

    pub(crate) fn is_overflowed(&self) -> bool {
        self.overflowed
    }

    pub(crate) fn add(&mut self, hash: u64, value: &str, count: u64) {
        if self.overflowed {
            return;
        }
        if self.slots.is_empty() {
            self.slots = vec![0; N_SLOTS];
        }
        let mut place = usize::try_from(hash % (N_SLOTS as u64)).unwrap_or_default();
        while let Some(slot) = self.slots.get_mut(place) {
            if *slot == 0 {
                if self.entries.len() >= MAX_CATEGORIES || value.len() > MAX_CATEGORY_BYTES {
                    *self = Self::overflowed();
                    return;
                }
                self.entries.push(Entry { hash, value: value.into(), count });
                *slot = u16::try_from(self.entries.len()).unwrap_or_default();
                return;
            }
            if let Some(entry) = self.entries.get_mut(usize::from(*slot) - 1)
                && entry.hash == hash
                && *entry.value == *value
            {
                entry.count += count;
                return;
            }
            place = (place + 1) % N_SLOTS;
        }
    }

    pub(crate) fn merge(&mut self, other: Self) {
        if other.overflowed {
            *self = Self::overflowed();
        }
        for entry in other.entries {
            self.add(entry.hash, &entry.value, entry.count);
        }
    }

    /// Returns how many values differ, exactly; `None` when they are many.
    pub(crate) fn n_distinct(&self) -> Option<usize> {
        (!self.overflowed).then_some(self.entries.len())
    }

    /// Returns values with counts, most frequent first, ties in order of the values.
    pub(crate) fn counts(&self) -> Vec<(String, u64)> {
        let mut counts: Vec<_> =
            self.entries.iter().map(|entry| (entry.value.to_string(), entry.count)).collect();
        counts.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        counts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn estimates_are_close() {
        for n in [0_u64, 1, 100, 5_000, 200_000] {
            let mut distinct = Distinct::default();
            for value in 0..n {
                distinct.add(hash(format!("value {value}").as_bytes()));
                distinct.add(hash(format!("value {value}").as_bytes()));
            }
            let estimate = distinct.estimate();
            assert!(estimate.abs_diff(n) * 100 <= n * 8, "{n}: {estimate}");
        }
    }

    #[test]
    fn few_values_are_counted() {
        let mut first = Categories::default();
        let mut second = Categories::default();
        for (place, value) in ["a", "b", "a", "c", "a", "b"].into_iter().enumerate() {
            let half = if place < 3 { &mut first } else { &mut second };
            half.add(hash(value.as_bytes()), value, 1);
        }
        first.merge(second);
        let counts = first.counts();
        assert_eq!(counts, [("a".to_owned(), 3), ("b".to_owned(), 2), ("c".to_owned(), 1)]);
        for value in 0..200 {
            let value = value.to_string();
            first.add(hash(value.as_bytes()), &value, 1);
        }
        assert_eq!(first.n_distinct(), None);
    }
}
