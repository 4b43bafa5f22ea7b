//! Tests texts: those of a dictionary once for all rows, others a few hundred at a time.
//!
//! What a text must hold is searched in many texts at once, as they lie one after the other, also
//! where case is folded: then in a folded copy of a few hundred of them, which stays in the
//! processor's first caches.

use memchr::memmem::Finder;

use crate::Failure;
use crate::bits::{Selection, set};
use crate::chunk::{Texts, Values};
use crate::filter::{offsets_between, offsets_passing};
use crate::fold::fold_char;
use crate::question::Test;

/// Texts that are worked on together, at most. Few in tests, so that their tables have several
/// blocks.
const BLOCK_ROWS: usize = if cfg!(test) { 8 } else { 512 };

/// Their bytes, at most, but for a text that has more.
const BLOCK_BYTES: u32 = 65_536;

/// Finds the texts that pass a test, or that do not.
pub(crate) struct TextSearch<'q> {
    test: &'q Test,
    is_negated: bool,
    /// Of what a text must hold.
    finder: Option<Finder<'q>>,
    /// Which texts of the dictionary, once it was seen.
    places: Option<Places>,
    folded: Folded,
}

/// Texts of a dictionary.
enum Places {
    /// From the first on to the second.
    Between(u64, u64),
    /// All but those.
    Around(u64, u64),
    These(Vec<bool>),
    None,
}

/// A copy of some texts with their case folded.
#[derive(Default)]
struct Folded {
    bytes: Vec<u8>,
    ends: Vec<u32>,
    /// Where letters end that have another length when they are folded: there, and here.
    shifts: Vec<(usize, usize)>,
}

/// Some texts; `ends` count from `start`.
#[derive(Clone, Copy)]
struct Block<'b> {
    bytes: &'b [u8],
    ends: &'b [u32],
    start: u32,
}

impl<'q> TextSearch<'q> {
    pub(crate) fn new(test: &'q Test, is_negated: bool) -> TextSearch<'q> {
        let finder = match test {
            Test::Contains { needle, .. } => Some(Finder::new(needle)),
            _ => None,
        };
        TextSearch { test, is_negated, finder, places: None, folded: Folded::default() }
    }

    pub(crate) fn cost(&self) -> u32 {
        let cost = match self.test {
            Test::Matches { .. } | Test::Custom(_) => 64,
            _ => 16,
        };
        if self.is_folded() { 2 * cost } else { cost }
    }

    fn is_folded(&self) -> bool {
        match self.test {
            Test::TextBetween { is_folded, .. }
            | Test::Contains { is_folded, .. }
            | Test::EndsWith { is_folded, .. }
            | Test::Matches { is_folded, .. } => *is_folded,
            _ => false,
        }
    }

    /// The rows whose texts pass, or do not. Wrong of missing ones, and of rows out of `within`.
    ///
    /// # Errors
    /// Stopped, Damaged, Mistaken for what is no text.
    pub(crate) fn select(
        &mut self,
        values: &Values<'_>,
        n_rows: usize,
        within: &Selection,
        is_stopped: &dyn Fn() -> bool,
    ) -> Result<Selection, Failure> {
        if self.finder.as_ref().is_some_and(|finder| finder.needle().is_empty()) {
            // Every text holds the empty one, and searching it would find no end.
            return Ok(if self.is_negated { Selection::None } else { Selection::All });
        }
        let (codes, dictionary) = match values {
            Values::Text(texts) => return self.select_texts(texts, n_rows, within, is_stopped),
            Values::Coded { codes, dictionary } => (codes, dictionary),
            _ => return Err(Failure::Mistaken),
        };
        let places = match self.places.take() {
            Some(places) => places,
            None => {
                let n = dictionary.len();
                Places::of(&self.select_texts(dictionary, n, &Selection::All, is_stopped)?, n)
            }
        };
        let found = match &places {
            Places::None => Selection::None,
            Places::Between(low, high) => offsets_between(codes, *low, *high, n_rows),
            Places::Around(low, high) => offsets_between(codes, *low, *high, n_rows).not(n_rows),
            Places::These(flags) => offsets_passing(codes, n_rows, |code| {
                usize::try_from(code)
                    .ok()
                    .and_then(|code| flags.get(code))
                    .is_some_and(|flag| *flag)
            }),
        };
        self.places = Some(places);
        Ok(found)
    }

    fn select_texts(
        &mut self,
        texts: &Texts<'_>,
        n_rows: usize,
        within: &Selection,
        is_stopped: &dyn Fn() -> bool,
    ) -> Result<Selection, Failure> {
        /// Where one row in so many is wanted, only those are looked at.
        const FEW: usize = 16;
        let mut words = vec![0; n_rows.div_ceil(64)];
        let is_few = within.count(n_rows) < n_rows / FEW;
        let mut begin = 0;
        while begin < n_rows {
            if is_stopped() {
                return Err(Failure::Stopped);
            }
            let (block, n_texts) = block_at(texts, begin, n_rows);
            if is_few {
                for row in (begin..begin + n_texts).filter(|row| within.has(*row)) {
                    let (one, _) = block_at(texts, row, row + 1);
                    self.search(one, row, within, &mut words)?;
                }
            } else {
                self.search(block, begin, within, &mut words)?;
            }
            begin += n_texts;
        }
        Ok(Selection::Some(words))
    }

    /// Sets the bits of the texts of a block that pass; `begin` is the row of the first.
    fn search(
        &mut self,
        block: Block<'_>,
        begin: usize,
        within: &Selection,
        words: &mut [u64],
    ) -> Result<(), Failure> {
        let mut folded = std::mem::take(&mut self.folded);
        let block = if self.is_folded() { folded.fold(block)? } else { block };
        if let Some(finder) = &self.finder {
            let mut wanted = begin;
            each_holding(finder, block, &mut |place| {
                if self.is_negated {
                    (wanted..begin + place).for_each(|row| set(words, row));
                    wanted = begin + place + 1;
                } else {
                    set(words, begin + place);
                }
            });
            if self.is_negated {
                (wanted..begin + block.ends.len()).for_each(|row| set(words, row));
            }
        } else {
            for (place, text) in block.texts().enumerate() {
                if within.has(begin + place) && self.says(text)? == Some(!self.is_negated) {
                    set(words, begin + place);
                }
            }
        }
        self.folded = folded;
        Ok(())
    }

    /// What the test says of a text, which is folded if need be.
    fn says(&self, text: &[u8]) -> Result<Option<bool>, Failure> {
        Ok(Some(match self.test {
            Test::Text(comparison, operand) => comparison.holds(text.cmp(operand)),
            Test::TextIn(list) => list.binary_search_by(|one| one.as_slice().cmp(text)).is_ok(),
            Test::TextBetween { from, before, .. } => {
                text >= from.as_slice() && (before.is_empty() || text < before.as_slice())
            }
            Test::EndsWith { end, .. } => text.ends_with(end),
            Test::Matches { regex, .. } => regex.is_match(utf8(text)?),
            Test::Custom(custom) => return Ok((custom.0)(text)),
            _ => return Err(Failure::Mistaken),
        }))
    }
}

fn utf8(text: &[u8]) -> Result<&str, Failure> {
    std::str::from_utf8(text).map_err(|_| Failure::Damaged("a text is not UTF-8"))
}

impl Places {
    fn of(selected: &Selection, n_texts: usize) -> Places {
        let flags: Vec<bool> = (0..n_texts).map(|place| selected.has(place)).collect();
        let run = |flag: bool| -> Option<(u64, u64)> {
            let first = flags.iter().position(|one| *one == flag)?;
            let last = flags.iter().rposition(|one| *one == flag)?;
            let is_run = flags.get(first..=last)?.iter().all(|one| *one == flag);
            is_run.then_some((first as u64, last as u64))
        };
        match (run(true), run(false)) {
            (Some((first, last)), _) => Places::Between(first, last),
            (None, Some((first, last))) if flags.contains(&true) => Places::Around(first, last),
            (None, _) if flags.contains(&true) => Places::These(flags),
            _ => Places::None,
        }
    }
}

impl<'b> Block<'b> {
    /// Where in the bytes a text ends.
    #[inline]
    fn offset(self, end: u32) -> usize {
        end.saturating_sub(self.start) as usize
    }

    fn texts(self) -> impl Iterator<Item = &'b [u8]> {
        let mut begin = 0;
        self.ends.iter().map(move |end| {
            let end = self.offset(*end);
            self.bytes.get(std::mem::replace(&mut begin, end)..end).unwrap_or_default()
        })
    }
}

/// The texts from a row on, at least one and at most [`BLOCK_ROWS`], and how many they are.
fn block_at<'t>(texts: &Texts<'t>, begin: usize, n_rows: usize) -> (Block<'t>, usize) {
    let end = n_rows.min(begin + BLOCK_ROWS);
    let ends = texts.ends.get(begin..end).unwrap_or_default();
    let start = match begin.checked_sub(1) {
        Some(before) => texts.ends.get(before).copied().unwrap_or(0),
        None => 0,
    };
    let limit = start.saturating_add(BLOCK_BYTES);
    let n_texts = ends.partition_point(|end| *end <= limit).max(1);
    let ends = ends.get(..n_texts).unwrap_or(ends);
    let last = ends.last().copied().unwrap_or(start);
    let bytes = texts.bytes.get(start as usize..last as usize).unwrap_or_default();
    (Block { bytes, ends, start }, n_texts)
}

/// Hands over the places of the texts of a block that hold what is searched, which is not empty.
fn each_holding(finder: &Finder<'_>, block: Block<'_>, each: &mut dyn FnMut(usize)) {
    let (mut place, mut from) = (0, 0);
    while let Some(found) = block.bytes.get(from..).and_then(|rest| finder.find(rest)) {
        let hit = from + found;
        let ends = block.ends.get(place..).unwrap_or_default();
        place += ends.iter().take_while(|end| block.offset(**end) <= hit).count();
        let Some(end) = block.ends.get(place).map(|end| block.offset(*end)) else { return };
        // Else it begins in one text and ends in another.
        if hit + finder.needle().len() <= end {
            each(place);
        }
        place += 1;
        from = end;
    }
}

impl Folded {
    /// A folded copy of some texts.
    ///
    /// # Errors
    /// Damaged for what is not UTF-8.
    fn fold<'f>(&'f mut self, block: Block<'f>) -> Result<Block<'f>, Failure> {
        self.bytes.clear();
        self.shifts.clear();
        let mut from = 0;
        while let Some(at) = next_beyond_ascii(block.bytes, from) {
            let length = length_of_letter(block.bytes.get(at).copied().unwrap_or(0));
            let letter = utf8(block.bytes.get(at..at + length).unwrap_or_default())?;
            let folded = fold_char(letter.chars().next().unwrap_or_default());
            self.push_ascii(block.bytes.get(from..at).unwrap_or_default());
            self.bytes.extend_from_slice(folded.encode_utf8(&mut [0; 4]).as_bytes());
            from = at + length;
            if folded.len_utf8() != length {
                self.shifts.push((from, self.bytes.len()));
            }
        }
        self.push_ascii(block.bytes.get(from..).unwrap_or_default());
        if self.shifts.is_empty() {
            return Ok(Block { bytes: &self.bytes, ..block });
        }
        let mut shifts = self.shifts.iter().peekable();
        let (mut before, mut after) = (0, 0);
        self.ends.clear();
        self.ends.extend(block.ends.iter().map(|end| {
            let end = block.offset(*end);
            while let Some(shift) = shifts.next_if(|(from, _)| *from <= end) {
                (before, after) = *shift;
            }
            u32::try_from(after + (end - before)).unwrap_or(u32::MAX)
        }));
        Ok(Block { bytes: &self.bytes, ends: &self.ends, start: 0 })
    }

    fn push_ascii(&mut self, bytes: &[u8]) {
        self.bytes.extend(bytes.iter().map(u8::to_ascii_lowercase));
    }
}

/// Where the next letter is that is not ASCII.
fn next_beyond_ascii(bytes: &[u8], from: usize) -> Option<usize> {
    /// Bytes that are looked at together.
    const STEP: usize = 128;
    let steps = bytes.get(from..)?.chunks(STEP);
    let (step, place) = steps.enumerate().find(|(_, step)| !step.is_ascii())?;
    Some(from + step * STEP + place.iter().position(|byte| !byte.is_ascii())?)
}

/// Bytes of a letter that begins with this one, which is not ASCII.
fn length_of_letter(first: u8) -> usize {
    match first {
        0xf0.. => 4,
        0xe0.. => 3,
        _ => 2,
    }
}
