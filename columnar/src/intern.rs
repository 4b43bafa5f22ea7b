//! Gives numbers, texts and pairs small numbers of their own, from zero on, in the order in which
//! they are first seen.

use std::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashTable};

/// The next number after so many. There are never 2^32: memory is bounded far below.
pub(crate) fn next_id(n_known: usize) -> u32 {
    u32::try_from(n_known).unwrap_or(u32::MAX)
}

/// Numbers of 64 bits.
#[derive(Default)]
pub(crate) struct Numbers {
    hasher: DefaultHashBuilder,
    known: HashTable<(u64, u32)>,
}

impl Numbers {
    /// The number's own, which is `next` if it is new.
    pub(crate) fn id(&mut self, number: u64, next: u32) -> u32 {
        let hasher = |known: &(u64, u32)| self.hasher.hash_one(known.0);
        let is_it = |known: &(u64, u32)| known.0 == number;
        let entry = self.known.entry(self.hasher.hash_one(number), is_it, hasher);
        entry.or_insert((number, next)).get().1
    }

    pub(crate) fn clear(&mut self) {
        self.known.clear();
    }

    pub(crate) fn bytes(&self) -> usize {
        self.known.allocation_size()
    }
}

/// Texts, kept one after the other.
#[derive(Default)]
pub(crate) struct Strings {
    hasher: DefaultHashBuilder,
    known: HashTable<u32>,
    ends: Vec<usize>,
    bytes: Vec<u8>,
}

impl Strings {
    pub(crate) fn id(&mut self, text: &[u8]) -> u32 {
        let Strings { hasher, known, ends, bytes } = self;
        let hash = |id: &u32| hasher.hash_one(text_of(ends, bytes, *id));
        let is_it = |id: &u32| text_of(ends, bytes, *id) == text;
        let next = next_id(ends.len());
        let id = *known.entry(hasher.hash_one(text), is_it, hash).or_insert(next).get();
        if id == next {
            bytes.extend_from_slice(text);
            ends.push(bytes.len());
        }
        id
    }

    pub(crate) fn get(&self, id: u32) -> &[u8] {
        text_of(&self.ends, &self.bytes, id)
    }

    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    pub(crate) fn bytes(&self) -> usize {
        self.known.allocation_size() + self.bytes.capacity() + self.ends.capacity() * 8
    }
}

fn text_of<'t>(ends: &[usize], bytes: &'t [u8], id: u32) -> &'t [u8] {
    let id = id as usize;
    let begin = id.checked_sub(1).and_then(|before| ends.get(before)).copied().unwrap_or(0);
    let end = ends.get(id).copied().unwrap_or(begin);
    bytes.get(begin..end).unwrap_or_default()
}

/// Pairs of small numbers: a table while there are few, then hashed.
#[derive(Default)]
pub(crate) struct Pairs {
    /// For each left one, for each of `width` right ones: one more than the pair's own number; zero
    /// where it is new.
    table: Vec<u32>,
    width: usize,
    is_hashed: bool,
    hashed: Numbers,
    pairs: Vec<(u32, u32)>,
}

impl Pairs {
    /// Pairs of a table, at most; few in tests, which are to meet both ways.
    const MAX_TABLE: usize = if cfg!(test) { 64 } else { 1 << 20 };

    /// Makes each of `left` the number of its pair with `right`; they are below `n_left` and
    /// `n_right`.
    pub(crate) fn join(&mut self, left: &mut [u32], right: &[u32], n_left: usize, n_right: usize) {
        self.make_room(n_left, n_right);
        for (left, right) in left.iter_mut().zip(right) {
            *left = self.id(*left, *right);
        }
    }

    /// The number of a pair for which there is room.
    #[inline]
    pub(crate) fn id(&mut self, left: u32, right: u32) -> u32 {
        let at = left as usize * self.width + right as usize;
        match self.table.get(at) {
            Some(known) if *known != 0 => *known - 1,
            _ => self.new_id(left, right, at),
        }
    }

    fn new_id(&mut self, left: u32, right: u32, at: usize) -> u32 {
        let next = next_id(self.pairs.len());
        let id = match self.table.get_mut(at) {
            Some(slot) => {
                *slot = next + 1;
                next
            }
            None => self.hashed.id(u64::from(left) << 32 | u64::from(right), next),
        };
        if id == next {
            self.pairs.push((left, right));
        }
        id
    }

    /// Before pairs are asked for: of how many left and right numbers there will be.
    pub(crate) fn make_room(&mut self, n_left: usize, n_right: usize) {
        let height = self.table.len().checked_div(self.width).unwrap_or(0);
        if self.is_hashed || (n_left <= height && n_right <= self.width) {
            return;
        }
        let width = n_right.next_power_of_two().max(self.width);
        let size = n_left.next_power_of_two().max(height).saturating_mul(width);
        self.table = Vec::new();
        if size > Pairs::MAX_TABLE {
            self.is_hashed = true;
            self.width = 0;
            for ((left, right), id) in self.pairs.iter().zip(0..) {
                self.hashed.id(u64::from(*left) << 32 | u64::from(*right), id);
            }
            return;
        }
        self.table = vec![0; size];
        self.width = width;
        for ((left, right), number) in self.pairs.iter().zip(1..) {
            if let Some(slot) = self.table.get_mut(*left as usize * width + *right as usize) {
                *slot = number;
            }
        }
    }

    pub(crate) fn pairs(&self) -> &[(u32, u32)] {
        &self.pairs
    }

    pub(crate) fn bytes(&self) -> usize {
        self.table.capacity() * 4 + self.pairs.capacity() * 8 + self.hashed.bytes()
    }
}
