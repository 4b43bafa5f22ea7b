//! Gives the texts of a column numbers, as long as there are few.

use std::hash::{BuildHasher, Hasher};

use foldhash::fast::RandomState;
use hashbrown::HashTable;

use crate::chunk::Texts;

/// Texts of a dictionary, at most: their places fit two bytes.
const MAX_TEXTS: usize = 65_536;

/// Bytes of the texts of a dictionary, at most.
const MAX_BYTES: usize = 1 << 20;

/// What a text costs beside its bytes: its end and its place in the index.
const TEXT_BYTES: usize = 12;

/// The different texts of a column, each with its place, over all chunks of a file.
#[derive(Default)]
pub(crate) struct Dictionary {
    ends: Vec<u32>,
    bytes: Vec<u8>,
    /// Places by the hashes of their texts. The hashes are seeded, so that no file can be made to
    /// have all of them collide.
    index: HashTable<u32>,
    state: RandomState,
    /// Once there were too many, later chunks do without.
    is_over: bool,
}

impl Dictionary {
    /// The places of a chunk's texts, which are added if need be; of a missing one, any. `None`
    /// where that would not pay: a chunk may add a quarter of its rows, and all dictionaries of a
    /// file together `budget` more bytes.
    pub(crate) fn code(
        &mut self,
        texts: &Texts<'_>,
        nulls: Option<&[u64]>,
        budget: &mut usize,
    ) -> Option<Vec<u32>> {
        if self.is_over {
            return None;
        }
        let (n_before, budget_before) = (self.ends.len(), *budget);
        let codes = self.try_code(texts, nulls, budget);
        if codes.is_none() {
            self.is_over = true;
            self.index = HashTable::new();
            self.ends.truncate(n_before);
            self.bytes.truncate(self.ends.last().copied().unwrap_or(0) as usize);
            *budget = budget_before;
        }
        codes
    }

    fn try_code(
        &mut self,
        texts: &Texts<'_>,
        nulls: Option<&[u64]>,
        budget: &mut usize,
    ) -> Option<Vec<u32>> {
        let most = MAX_TEXTS.min(self.ends.len() + texts.len() / 4);
        let mut codes = Vec::with_capacity(texts.len());
        for row in 0..texts.len() {
            let is_null = nulls.and_then(|nulls| nulls.get(row / 64));
            if is_null.is_some_and(|word| word >> (row % 64) & 1 == 1) {
                codes.push(0);
                continue;
            }
            let text = texts.get(row);
            let hash = hash(&self.state, text);
            let known = Texts { ends: &self.ends, bytes: &self.bytes, is_ascii: false };
            let is_same = |code: &u32| known.get(*code as usize) == text;
            if let Some(code) = self.index.find(hash, is_same) {
                codes.push(*code);
                continue;
            }
            if self.ends.len() >= most || self.bytes.len() + text.len() > MAX_BYTES {
                return None;
            }
            *budget = budget.checked_sub(text.len() + TEXT_BYTES)?;
            codes.push(self.add(text, hash)?);
        }
        // Every place of a code is one of a text, also where all are missing.
        if self.ends.is_empty() {
            self.add(b"", hash(&self.state, b""))?;
        }
        Some(codes)
    }

    fn add(&mut self, text: &[u8], hash_of_text: u64) -> Option<u32> {
        let code = u32::try_from(self.ends.len()).ok()?;
        self.bytes.extend_from_slice(text);
        self.ends.push(u32::try_from(self.bytes.len()).ok()?);
        let known = Texts { ends: &self.ends, bytes: &self.bytes, is_ascii: false };
        let hash_of = |code: &u32| hash(&self.state, known.get(*code as usize));
        self.index.insert_unique(hash_of_text, code, hash_of);
        Some(code)
    }

    /// All texts.
    pub(crate) fn texts(&self) -> Texts<'_> {
        Texts { ends: &self.ends, bytes: &self.bytes, is_ascii: self.bytes.is_ascii() }
    }
}

#[inline]
fn hash(state: &RandomState, text: &[u8]) -> u64 {
    let mut hasher = state.build_hasher();
    hasher.write(text);
    hasher.finish()
}
