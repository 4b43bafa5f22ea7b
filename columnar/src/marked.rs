//! A file of columns with later changes on top: rows that are gone or changed are marked in the
//! file's chunks, and rows as they are now follow in memory.
//!
//! The file stays as it is. What changed since is a [`Delta`], made anew with every change; its
//! cost grows with the changed rows and the chunks that they are in, not with the file.

use std::collections::BTreeMap;

use crate::Failure;
use crate::block::Block;
use crate::chunk::{Chunk, Source};
use crate::file::ColumnFile;
use crate::memory::MemoryChunks;

/// What changed since a file was written.
#[derive(Debug)]
pub struct Delta {
    /// Of each chunk with marked rows, a bit for each row.
    gone: BTreeMap<usize, Vec<u64>>,
    n_gone: u64,
    now: MemoryChunks,
}

/// A file with a delta on top of it.
#[derive(Clone, Copy, Debug)]
pub struct Marked<'a> {
    base: &'a ColumnFile,
    delta: &'a Delta,
}

impl Delta {
    /// What changed: the numbers of all rows that are no more as the file has them, in any order
    /// (those that it does not have are passed over), and the rows that changed or are new as they
    /// are now, by their numbers, which grow from block to block.
    ///
    /// # Errors
    /// Damaged where the file is. Mistaken where a block is of other kinds than the file, or its
    /// row numbers do not grow.
    pub fn new(base: &ColumnFile, changed: &[i64], now: &[Block]) -> Result<Delta, Failure> {
        let now = MemoryChunks::new(base.kinds(), now)?;
        let mut gone: BTreeMap<usize, Vec<u64>> = BTreeMap::new();
        let mut n_gone = 0;
        for row in changed {
            let Some((chunk, index)) = base.find(*row)? else { continue };
            let n_words = base.n_rows_of(chunk).div_ceil(64);
            let words = gone.entry(chunk).or_insert_with(|| vec![0; n_words]);
            let bit = 1 << (index % 64);
            if let Some(word) = words.get_mut(index / 64).filter(|word| **word & bit == 0) {
                *word |= bit;
                n_gone += 1;
            }
        }
        Ok(Delta { gone, n_gone, now })
    }

    /// How many rows of the file are marked.
    pub fn n_gone(&self) -> u64 {
        self.n_gone
    }

    /// How many rows changed or are new.
    pub fn n_now(&self) -> usize {
        self.now.n_rows()
    }

    /// Memory that it takes, in bytes.
    pub fn n_bytes(&self) -> usize {
        let gone: usize = self.gone.values().map(|words| size_of_val(words.as_slice())).sum();
        gone + self.now.n_bytes()
    }
}

impl<'a> Marked<'a> {
    /// The file with what changed since. `delta` was made of this file.
    pub fn new(base: &'a ColumnFile, delta: &'a Delta) -> Marked<'a> {
        Marked { base, delta }
    }
}

impl Source for Marked<'_> {
    fn n_chunks(&self) -> usize {
        self.base.n_chunks() + self.delta.now.n_chunks()
    }

    fn chunk(&self, number: usize, columns: &[usize]) -> Result<Chunk<'_>, Failure> {
        match number.checked_sub(self.base.n_chunks()) {
            None => self.base.chunk(number, columns),
            Some(number) => self.delta.now.chunk(number, columns),
        }
    }

    fn gone(&self, number: usize) -> Option<&[u64]> {
        self.delta.gone.get(&number).map(Vec::as_slice)
    }

    fn late(&self) -> usize {
        self.delta.now.n_chunks()
    }

    fn done(&self, number: usize, columns: &[usize]) {
        if number < self.base.n_chunks() {
            self.base.done(number, columns);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::probe::{Cell, Row, Table};
    use crate::{Kind, Value};

    const N_ROWS: usize = if cfg!(miri) { 30 } else { 250 };

    fn table(rows: &BTreeMap<i64, i64>) -> Table {
        let row = |(number, value): (&i64, &i64)| {
            let text = value.to_string().into_bytes();
            Row { number: Some(*number), cells: vec![Cell::Whole(*value), Cell::Text(text)] }
        };
        Table { kinds: vec![Kind::Whole, Kind::Text], rows: rows.iter().map(row).collect() }
    }

    /// The rows that count, and where they lie: before all late ones or not.
    fn read(source: &Marked<'_>) -> BTreeMap<i64, i64> {
        let mut rows = BTreeMap::new();
        for number in 0..source.n_chunks() {
            let chunk = source.chunk(number, &[0, 1]).unwrap();
            for index in 0..chunk.n_rows {
                let gone = source.gone(number);
                if gone.is_some_and(|gone| gone[index / 64] >> (index % 64) & 1 == 1) {
                    continue;
                }
                let (value, text) = (chunk.columns[0].value(index), chunk.columns[1].value(index));
                let Value::Whole(value) = value else { panic!("a number") };
                assert_eq!(text, Value::Text(value.to_string().as_bytes()));
                assert_eq!(rows.insert(chunk.rows.get(index), value), None, "each row once");
            }
        }
        rows
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 3 } else { 128 }))]

        #[test]
        fn changes_are_seen(
            base in prop::collection::btree_map(0..300_i64, 0..9_i64, 0..N_ROWS),
            changes in prop::collection::btree_map(0..320_i64, prop::option::of(-5..500_i64), 0..N_ROWS / 3),
            chunk_rows in 1..100_usize,
        ) {
            let file = ColumnFile::from_bytes(&table(&base).file(chunk_rows)).unwrap();
            let mut expected = base.clone();
            let mut now = BTreeMap::new();
            for (row, value) in &changes {
                expected.remove(row);
                if let Some(value) = value {
                    expected.insert(*row, *value);
                    now.insert(*row, *value);
                }
            }
            let changed: Vec<i64> = changes.keys().copied().collect();
            let delta = Delta::new(&file, &changed, &table(&now).blocks(30)).unwrap();
            let marked = Marked::new(&file, &delta);
            prop_assert_eq!(read(&marked), expected);
            prop_assert_eq!(delta.n_now(), now.len());
            let n_gone = changes.keys().filter(|row| base.contains_key(row)).count();
            prop_assert_eq!(delta.n_gone(), n_gone as u64);
            prop_assert_eq!(marked.late(), usize::from(!now.is_empty()));
        }
    }
}
