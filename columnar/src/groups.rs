//! Puts rows into groups and makes of them what is asked, chunk by chunk.
//!
//! Each row that counts gets the number of its group, from a number for what it has in each key;
//! then every measure adds the values of a few thousand rows to those of their groups. Nothing of
//! a chunk is kept.

use std::cell::Cell;

use crate::Failure;
use crate::answer::{Answer, Finished};
use crate::bits::Picks;
use crate::chain::Chain;
use crate::chunk::Chunk;
use crate::filter::Selector;
use crate::intern::next_id;
use crate::measure::{Batch, Room, Tallies};
use crate::order::{arrange, having};
use crate::parts::{NegativeZero, Parts};
use crate::question::{Groups, Of};
use crate::run::Limits;

/// The groups found so far.
pub struct GroupWork<'q> {
    asked: &'q Groups,
    limits: Limits<'q>,
    selector: Selector<'q>,
    keys: Chain<'q>,
    tallies: Tallies<'q>,
    ids: Vec<u32>,
    room: Room,
}

impl<'q> GroupWork<'q> {
    /// Groups of no rows yet.
    pub fn new(asked: &'q Groups, limits: &Limits<'q>) -> GroupWork<'q> {
        let keys = asked.keys.iter();
        let keys = keys.map(|key| Parts::new(key.column, &key.by, NegativeZero::Unfit));
        GroupWork {
            asked,
            limits: *limits,
            selector: Selector::new(&asked.question),
            keys: Chain::new(keys.collect(), false),
            tallies: Tallies::new(&asked.measures, !asked.keys.is_empty()),
            ids: Vec::new(),
            room: Room::default(),
        }
    }

    /// Adds the rows of a chunk that has the columns of the question, but for those that are gone:
    /// a bit for each, as in [`crate::chunk::Source::gone`]. A column that has a dictionary has the
    /// same one in all chunks that have any.
    ///
    /// # Errors
    /// Every [`Failure`].
    pub fn add(&mut self, chunk: &Chunk<'_>, gone: Option<&[u64]>) -> Result<(), Failure> {
        if (self.limits.is_stopped)() {
            return Err(Failure::Stopped);
        }
        let selection = self.selector.select(chunk, gone, self.limits.is_stopped)?;
        if self.asked.keys.is_empty() && self.tallies.are_only_rows() {
            self.tallies.add_rows(selection.count(chunk.n_rows));
            return Ok(());
        }
        selection.batches(chunk.n_rows, &mut |picks| self.add_rows(chunk, picks))?;
        self.keep_within_limits(0)
    }

    fn add_rows(&mut self, chunk: &Chunk<'_>, picks: Picks<'_>) -> Result<(), Failure> {
        if self.asked.keys.is_empty() {
            self.ids.clear();
            self.ids.resize(picks.len(), 0);
        } else {
            self.keys.find(chunk, picks, &mut self.ids, 1)?;
        }
        let batch = Batch { chunk, picks, ids: &self.ids, n_groups: self.keys.len() };
        self.tallies.add(batch, &mut self.room)
    }

    /// How many groups there are, or different values in them.
    pub(crate) fn n_found(&self) -> usize {
        self.keys.len().max(self.tallies.n_different())
    }

    /// Changes how much memory it may use.
    pub(crate) fn may_use(&mut self, max_bytes: usize) {
        self.limits.max_bytes = max_bytes;
    }

    /// Whether there is room for so many bytes more.
    fn keep_within_limits(&self, more: usize) -> Result<(), Failure> {
        let n_bytes = self.keys.bytes() + self.tallies.bytes() + more;
        if n_bytes > self.limits.max_bytes { Err(Failure::TooLarge) } else { Ok(()) }
    }

    /// Adds what another thread found for the same question.
    ///
    /// # Errors
    /// TooLarge, Mistaken.
    pub fn merge(&mut self, other: GroupWork<'q>) -> Result<(), Failure> {
        let groups = self.keys.merge(&other.keys, &[0])?;
        self.tallies.merge(other.tallies, &groups, self.keys.len())?;
        self.keep_within_limits(0)
    }

    /// The answer.
    ///
    /// # Errors
    /// Every [`Failure`].
    pub fn finish(mut self) -> Result<Answer, Failure> {
        /// Measures that even where they are slow take no more than a few milliseconds.
        const STOP_EVERY: u32 = 1_024;
        let (n_groups, n_keys) = (self.keys.len(), self.asked.keys.len());
        let n_ordering =
            self.asked.order.iter().filter(|order| matches!(order.of, Of::Measure(_))).count();
        self.keep_within_limits(n_groups * (4 + n_ordering * size_of::<Finished<'_>>()))?;
        self.tallies.complete(n_groups);
        let n_finished = Cell::new(0_u32);
        let known = |group: u32, of: Of| -> Result<Finished<'_>, Failure> {
            match of {
                Of::Key(key) => Ok(self.keys.value(group, key).into()),
                Of::Measure(measure) => {
                    n_finished.set(n_finished.get().wrapping_add(1));
                    if n_finished.get().is_multiple_of(STOP_EVERY) && (self.limits.is_stopped)() {
                        return Err(Failure::Stopped);
                    }
                    let measure = self.asked.measures.get(measure).ok_or(Failure::Mistaken)?;
                    self.tallies.finish(group, measure)
                }
            }
        };
        let mut groups = Vec::new();
        for group in 0..next_id(n_groups) {
            // Of a key's values that no row has there is no group; without keys there is one.
            let is_there = n_keys == 0 || self.tallies.n_rows(group) > 0;
            let is_answered = is_there
                && match &self.asked.having {
                    Some(condition) => having(condition, group, &known)? == Some(true),
                    None => true,
                };
            if is_answered {
                groups.push(group);
            }
        }
        arrange(&mut groups, self.asked, n_groups, &known)?;
        let n_measures = self.asked.measures.len();
        Answer::new(&groups, n_keys, n_measures, self.limits.max_bytes, &known)
    }
}
