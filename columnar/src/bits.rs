//! Which rows of a chunk are selected: all, none, or a bit for each.

/// Rows of a chunk. Bits lie as in [`crate::chunk::Column::nulls`]; those beyond the rows are clear.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Selection {
    All,
    None,
    Some(Vec<u64>),
}

/// Rows that are worked on together: what is made of them stays in the processor's first caches.
/// Few in tests, so that their tables have several batches.
const BATCH: usize = if cfg!(test) { 64 } else { 4_096 };

/// Some of the selected rows, in their order.
#[derive(Clone, Copy)]
pub(crate) enum Picks<'p> {
    /// From the first row on, and before the second one.
    Run(usize, usize),
    /// These.
    Places(&'p [u16]),
}

impl Picks<'_> {
    pub(crate) fn len(&self) -> usize {
        match self {
            Picks::Run(begin, end) => end - begin,
            Picks::Places(places) => places.len(),
        }
    }
}

impl Selection {
    /// The rows whose values pass a test.
    pub(crate) fn of<T: Copy>(values: &[T], test: impl Fn(T) -> bool) -> Selection {
        let mut words = Vec::with_capacity(values.len().div_ceil(64));
        // Flags, not bits, are what the compiler makes vector code for.
        let mut flags = [0_u8; 64];
        let mut blocks = values.chunks_exact(64);
        for block in &mut blocks {
            flags.iter_mut().zip(block).for_each(|(flag, value)| *flag = u8::from(test(*value)));
            words.push(word(&flags));
        }
        if !blocks.remainder().is_empty() {
            flags = [0; 64];
            let rest = flags.iter_mut().zip(blocks.remainder());
            rest.for_each(|(flag, value)| *flag = u8::from(test(*value)));
            words.push(word(&flags));
        }
        Selection::Some(words)
    }

    /// The rows from one on and before another.
    pub(crate) fn run(begin: usize, end: usize, n_rows: usize) -> Selection {
        if begin == 0 && end >= n_rows {
            return Selection::All;
        }
        let mut words = vec![0; n_rows.div_ceil(64)];
        (begin..end.min(n_rows)).for_each(|row| set(&mut words, row));
        Selection::Some(words).tidied()
    }

    fn tidied(self) -> Selection {
        match self {
            Selection::Some(words) if words.iter().all(|word| *word == 0) => Selection::None,
            other => other,
        }
    }

    pub(crate) fn and(self, other: &Selection) -> Selection {
        match (self, other) {
            (Selection::None, _) | (_, Selection::None) => Selection::None,
            (Selection::All, other) => other.clone(),
            (own, Selection::All) => own,
            (Selection::Some(mut own), Selection::Some(other)) => {
                own.iter_mut().zip(other).for_each(|(own, other)| *own &= other);
                Selection::Some(own).tidied()
            }
        }
    }

    pub(crate) fn or(self, other: Selection) -> Selection {
        match (self, other) {
            (Selection::All, _) | (_, Selection::All) => Selection::All,
            (Selection::None, one) | (one, Selection::None) => one,
            (Selection::Some(mut own), Selection::Some(other)) => {
                own.iter_mut().zip(other).for_each(|(own, other)| *own |= other);
                Selection::Some(own)
            }
        }
    }

    pub(crate) fn not(self, n_rows: usize) -> Selection {
        match self {
            Selection::All => Selection::None,
            Selection::None => Selection::All,
            Selection::Some(mut words) => {
                words.iter_mut().for_each(|word| *word = !*word);
                if let (Some(last), 1..) = (words.get_mut(n_rows / 64), n_rows % 64) {
                    *last &= (1 << (n_rows % 64)) - 1;
                }
                Selection::Some(words)
            }
        }
    }

    /// Those that have no bit in `marked`.
    pub(crate) fn without(self, marked: Option<&[u64]>, n_rows: usize) -> Selection {
        match (self, marked) {
            (Selection::None, _) => Selection::None,
            (own, None) => own,
            (Selection::All, Some(marked)) => Selection::Some(marked.to_vec()).not(n_rows).tidied(),
            (Selection::Some(mut own), Some(marked)) => {
                own.iter_mut().zip(marked).for_each(|(own, marked)| *own &= !marked);
                Selection::Some(own).tidied()
            }
        }
    }

    pub(crate) fn count(&self, n_rows: usize) -> usize {
        match self {
            Selection::All => n_rows,
            Selection::None => 0,
            Selection::Some(words) => words.iter().map(|word| word.count_ones() as usize).sum(),
        }
    }

    pub(crate) fn has(&self, row: usize) -> bool {
        match self {
            Selection::All => true,
            Selection::None => false,
            Selection::Some(words) => {
                words.get(row / 64).is_some_and(|word| word >> (row % 64) & 1 == 1)
            }
        }
    }

    /// Hands the rows to `each` in batches, in their order.
    pub(crate) fn batches<E>(
        &self,
        n_rows: usize,
        each: &mut dyn FnMut(Picks<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        match self {
            Selection::None => Ok(()),
            Selection::All => (0..n_rows)
                .step_by(BATCH)
                .try_for_each(|begin| each(Picks::Run(begin, (begin + BATCH).min(n_rows)))),
            Selection::Some(words) => {
                let mut places = Vec::with_capacity(BATCH + 64);
                for (begin, word) in (0..=u16::MAX).step_by(64).zip(words) {
                    push_places(*word, begin, &mut places);
                    if places.len() >= BATCH {
                        each(Picks::Places(&places))?;
                        places.clear();
                    }
                }
                if places.is_empty() { Ok(()) } else { each(Picks::Places(&places)) }
            }
        }
    }
}

/// Sets the bit of a row.
pub(crate) fn set(words: &mut [u64], row: usize) {
    if let Some(word) = words.get_mut(row / 64) {
        *word |= 1 << (row % 64);
    }
}

/// The bits of 64 flags, each zero or one.
fn word(flags: &[u8; 64]) -> u64 {
    /// Brings the lowest bits of eight bytes together in the highest byte.
    const GATHER: u64 = 0x0102_0408_1020_4080;
    let (eights, _) = flags.as_chunks::<8>();
    eights
        .iter()
        .rev()
        .fold(0, |word, eight| word << 8 | u64::from_le_bytes(*eight).wrapping_mul(GATHER) >> 56)
}

fn push_places(word: u64, begin: u16, places: &mut Vec<u16>) {
    if word == u64::MAX {
        places.extend((0..64).map(|bit| begin + bit));
        return;
    }
    let mut rest = word;
    while rest != 0 {
        places.push(begin + bit_place(rest));
        rest &= rest - 1;
    }
}

#[expect(clippy::cast_possible_truncation, reason = "a place among 64 bits")]
fn bit_place(word: u64) -> u16 {
    word.trailing_zeros() as u16
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rows(selection: &Selection, n_rows: usize) -> Vec<usize> {
        let mut found = Vec::new();
        let mut each = |picks: Picks<'_>| -> Result<(), ()> {
            match picks {
                Picks::Run(begin, end) => found.extend(begin..end),
                Picks::Places(places) => found.extend(places.iter().map(|p| usize::from(*p))),
            }
            Ok(())
        };
        selection.batches(n_rows, &mut each).unwrap();
        found
    }

    fn expect(n_rows: usize, test: impl Fn(usize) -> bool) -> Vec<usize> {
        (0..n_rows).filter(|row| test(*row)).collect()
    }

    proptest! {
        #[test]
        fn rows_are_those_of_their_flags(
            flags in proptest::collection::vec((any::<bool>(), any::<bool>()), 1..300)
        ) {
            let n = flags.len();
            let a = Selection::of(&flags, |(a, _)| a);
            let b = Selection::of(&flags, |(_, b)| b);
            let Selection::Some(marked) = b.clone() else { unreachable!() };
            prop_assert_eq!(rows(&a, n), expect(n, |row| flags[row].0));
            let not = a.clone().not(n);
            prop_assert_eq!(rows(&not, n), expect(n, |row| !flags[row].0));
            prop_assert_eq!(rows(&not.not(n), n), rows(&a, n));
            prop_assert_eq!(rows(&a.clone().and(&b), n), expect(n, |r| flags[r].0 && flags[r].1));
            prop_assert_eq!(rows(&a.clone().or(b), n), expect(n, |r| flags[r].0 || flags[r].1));
            let without = a.clone().without(Some(&marked), n);
            prop_assert_eq!(rows(&without, n), expect(n, |r| flags[r].0 && !flags[r].1));
            let rest = Selection::All.without(Some(&marked), n);
            prop_assert_eq!(rows(&rest, n), expect(n, |r| !flags[r].1));
            prop_assert_eq!(a.count(n), rows(&a, n).len());
            prop_assert!((0..n).all(|row| a.has(row) == flags[row].0));
        }
    }

    #[test]
    fn whole_chunks_come_in_batches() {
        let n = crate::chunk::MAX_ROWS;
        assert_eq!(rows(&Selection::All, n), expect(n, |_| true));
        assert_eq!(rows(&Selection::run(60, n - 3, n), n), expect(n, |r| r >= 60 && r < n - 3));
        assert_eq!(Selection::run(5, 5, n), Selection::None);
    }
}
