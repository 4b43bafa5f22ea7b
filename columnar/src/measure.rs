//! Adds up what is asked of the rows of each group. What several measures need is added up once.

use crate::Failure;
use crate::answer::Finished;
use crate::bits::Picks;
use crate::chain::Chain;
use crate::chunk::Chunk;
use crate::extreme::Extreme;
use crate::gather::gather_missing;
use crate::parts::{MISSING, NegativeZero, Parts};
use crate::question::{KeyBy, Measure};
use crate::sums::{Sums, merge_sums};

/// Rows of a chunk with the groups that they belong to.
#[derive(Clone, Copy)]
pub(crate) struct Batch<'b> {
    pub(crate) chunk: &'b Chunk<'b>,
    pub(crate) picks: Picks<'b>,
    /// The group of each of the picked rows.
    pub(crate) ids: &'b [u32],
    pub(crate) n_groups: usize,
}

/// All that is added up.
pub(crate) struct Tallies<'q> {
    /// The rows of each group.
    rows: Vec<u64>,
    missing: Vec<Missing>,
    sums: Vec<Sums>,
    extremes: Vec<Extreme>,
    distinct: Vec<Distinct<'q>>,
}

/// In how many rows one of these columns has no value.
struct Missing {
    columns: Vec<usize>,
    counts: Vec<u64>,
}

/// Different values of columns, in each group.
struct Distinct<'q> {
    columns: &'q [usize],
    chain: Chain<'q>,
    has_groups: bool,
    /// Counted at the end.
    counts: Vec<i64>,
}

/// Room for what is gathered, to be used again.
#[derive(Default)]
pub(crate) struct Room {
    pub(crate) missing: Vec<bool>,
    any_missing: Vec<bool>,
    ids: Vec<u32>,
    pub(crate) wholes: Vec<i64>,
    pub(crate) floats: Vec<f64>,
}

/// Makes room for all groups.
pub(crate) fn grow<T: Clone>(values: &mut Vec<T>, n_groups: usize, empty: T) {
    if values.len() < n_groups {
        values.resize(n_groups, empty);
    }
}

impl<'q> Tallies<'q> {
    /// What these measures need; `has_groups` where there is not one group for all rows.
    pub(crate) fn new(measures: &'q [Measure], has_groups: bool) -> Tallies<'q> {
        let mut tallies = Tallies {
            rows: Vec::new(),
            missing: Vec::new(),
            sums: Vec::new(),
            extremes: Vec::new(),
            distinct: Vec::new(),
        };
        for measure in measures {
            match measure {
                Measure::Rows => {}
                Measure::Count(columns) => tallies.add_missing(columns),
                Measure::Distinct(columns) => tallies.add_distinct(columns, has_groups),
                Measure::Sum(column)
                | Measure::Average(column)
                | Measure::DecimalAverage { column, .. } => tallies.add_sums(*column, false),
                Measure::Spread { column, .. } => tallies.add_sums(*column, true),
                Measure::Min(column) => tallies.add_extreme(*column, false),
                Measure::Max(column) => tallies.add_extreme(*column, true),
            }
        }
        tallies
    }

    fn add_missing(&mut self, columns: &[usize]) {
        if !self.missing.iter().any(|known| known.columns == columns) && !columns.is_empty() {
            self.missing.push(Missing { columns: columns.to_vec(), counts: Vec::new() });
        }
    }

    fn add_sums(&mut self, column: usize, has_squares: bool) {
        self.add_missing(&[column]);
        if let Some(known) = self.sums.iter_mut().find(|known| known.is_of(column)) {
            if has_squares {
                known.add_squares();
            }
            return;
        }
        self.sums.push(Sums::new(column, has_squares));
    }

    fn add_extreme(&mut self, column: usize, is_max: bool) {
        self.add_missing(&[column]);
        if !self.extremes.iter().any(|known| known.is_of(column, is_max)) {
            self.extremes.push(Extreme::new(column, is_max));
        }
    }

    fn add_distinct(&mut self, columns: &'q [usize], has_groups: bool) {
        let is_known = self.distinct.iter().any(|known| known.columns == columns);
        if is_known || columns.is_empty() {
            return;
        }
        // Of several columns together, a row store tells the zeros apart.
        let zero = if columns.len() > 1 { NegativeZero::Unfit } else { NegativeZero::Same };
        let parts = columns.iter().map(|column| Parts::new(*column, &KeyBy::Value, zero));
        let chain = Chain::new(parts.collect(), has_groups);
        self.distinct.push(Distinct { columns, chain, has_groups, counts: Vec::new() });
    }

    /// Whether nothing but the number of rows is asked for.
    pub(crate) fn are_only_rows(&self) -> bool {
        self.missing.is_empty() && self.distinct.is_empty()
    }

    /// Of different values that are counted, the most in one measure.
    pub(crate) fn n_different(&self) -> usize {
        self.distinct.iter().map(|distinct| distinct.chain.len()).max().unwrap_or(0)
    }

    /// The rows of a group.
    pub(crate) fn n_rows(&self, group: u32) -> u64 {
        self.rows.get(group as usize).copied().unwrap_or(0)
    }

    /// Adds rows to the first group, of which nothing else is asked.
    pub(crate) fn add_rows(&mut self, n_rows: usize) {
        grow(&mut self.rows, 1, 0);
        self.rows.iter_mut().take(1).for_each(|rows| *rows += n_rows as u64);
    }

    /// Adds rows.
    ///
    /// # Errors
    /// Mistaken, Unfit.
    pub(crate) fn add(&mut self, batch: Batch<'_>, room: &mut Room) -> Result<(), Failure> {
        grow(&mut self.rows, batch.n_groups, 0);
        if let ([rows], 1) = (self.rows.as_mut_slice(), batch.n_groups) {
            *rows += batch.ids.len() as u64;
        } else {
            count(&mut self.rows, batch.ids.iter());
        }
        for missing in &mut self.missing {
            missing.add(batch, room)?;
        }
        for sums in &mut self.sums {
            sums.add(batch, room)?;
        }
        for extreme in &mut self.extremes {
            extreme.add(batch, room)?;
        }
        for distinct in &mut self.distinct {
            room.ids.clear();
            if distinct.has_groups {
                room.ids.extend_from_slice(batch.ids);
            }
            distinct.chain.find(batch.chunk, batch.picks, &mut room.ids, batch.n_groups)?;
        }
        Ok(())
    }

    /// Adds what another thread added up, whose groups are `groups` here.
    ///
    /// # Errors
    /// Mistaken.
    pub(crate) fn merge(
        &mut self,
        other: Tallies<'q>,
        groups: &[u32],
        n_groups: usize,
    ) -> Result<(), Failure> {
        merge_sums(&mut self.rows, &other.rows, groups, n_groups);
        for (own, other) in self.missing.iter_mut().zip(&other.missing) {
            if !other.counts.is_empty() {
                merge_sums(&mut own.counts, &other.counts, groups, n_groups);
            }
        }
        for (own, other) in self.sums.iter_mut().zip(other.sums) {
            own.merge(other, groups, n_groups)?;
        }
        for (own, other) in self.extremes.iter_mut().zip(&other.extremes) {
            own.merge(other, groups, n_groups)?;
        }
        for (own, other) in self.distinct.iter_mut().zip(&other.distinct) {
            own.chain.merge(&other.chain, groups)?;
        }
        Ok(())
    }

    /// To be called once, before anything is finished.
    pub(crate) fn complete(&mut self, n_groups: usize) {
        self.distinct.iter_mut().for_each(|distinct| distinct.complete(n_groups));
    }

    /// The value of a measure of a group.
    ///
    /// # Errors
    /// Unfit for an average that 128 bits cannot hold, Mistaken for what has no meaning.
    pub(crate) fn finish(&self, group: u32, measure: &Measure) -> Result<Finished<'_>, Failure> {
        let n_present = |columns: &[usize]| {
            let missing = self.missing.iter().find(|known| known.columns == columns);
            let n_missing = missing.and_then(|known| known.counts.get(group as usize)).copied();
            self.n_rows(group) - n_missing.unwrap_or(0)
        };
        let sums = |column: &usize| {
            let sums = self.sums.iter().find(|known| known.is_of(*column));
            sums.map(|sums| (sums, n_present(&[*column]))).ok_or(Failure::Mistaken)
        };
        let count = |n_rows: u64| Finished::Whole(i64::try_from(n_rows).unwrap_or(i64::MAX));
        let extreme = |column: usize, is_max: bool| {
            let extreme = self.extremes.iter().find(|known| known.is_of(column, is_max));
            let n = n_present(&[column]);
            extreme.filter(|_| n > 0).map_or(Finished::Null, |extreme| extreme.finish(group))
        };
        Ok(match measure {
            Measure::Rows => count(self.n_rows(group)),
            Measure::Count(columns) => count(n_present(columns)),
            Measure::Distinct(columns) if columns.is_empty() => count(self.n_rows(group)),
            Measure::Distinct(columns) => {
                let known = self.distinct.iter().find(|known| known.columns == columns);
                let n = known.and_then(|known| known.counts.get(group as usize));
                Finished::Whole(n.copied().unwrap_or(0))
            }
            Measure::Min(column) => extreme(*column, false),
            Measure::Max(column) => extreme(*column, true),
            Measure::Sum(column) => sums(column)?.0.sum(group, sums(column)?.1),
            Measure::Average(column) => sums(column)?.0.average(group, sums(column)?.1),
            Measure::DecimalAverage { column, n_digits } => {
                let (sums, n) = sums(column)?;
                sums.decimal_average(group, n, *n_digits)?
            }
            Measure::Spread { column, spread, scale } => {
                let (sums, n) = sums(column)?;
                sums.spread(group, n, *spread, *scale)
            }
        })
    }

    pub(crate) fn bytes(&self) -> usize {
        let missing: usize = self.missing.iter().map(|missing| missing.counts.capacity() * 8).sum();
        let sums: usize = self.sums.iter().map(Sums::bytes).sum();
        let extremes: usize = self.extremes.iter().map(Extreme::bytes).sum();
        let distinct: usize = self.distinct.iter().map(|distinct| distinct.chain.bytes()).sum();
        self.rows.capacity() * 8 + missing + sums + extremes + distinct
    }
}

fn count<'i>(counts: &mut [u64], ids: impl Iterator<Item = &'i u32>) {
    for id in ids {
        if let Some(count) = counts.get_mut(*id as usize) {
            *count += 1;
        }
    }
}

impl Missing {
    fn add(&mut self, batch: Batch<'_>, room: &mut Room) -> Result<(), Failure> {
        room.any_missing.clear();
        for column in &self.columns {
            let column = batch.chunk.columns.get(*column).ok_or(Failure::Mistaken)?;
            gather_missing(column, batch.picks, &mut room.missing);
            if room.any_missing.is_empty() {
                std::mem::swap(&mut room.any_missing, &mut room.missing);
            } else {
                let both = room.any_missing.iter_mut().zip(&room.missing);
                both.for_each(|(any, missing)| *any |= missing);
            }
        }
        if !room.any_missing.is_empty() {
            grow(&mut self.counts, batch.n_groups, 0);
            let missing = batch.ids.iter().zip(&room.any_missing);
            count(&mut self.counts, missing.filter(|(_, is)| **is).map(|(id, _)| id));
        }
        Ok(())
    }
}

impl Distinct<'_> {
    /// Counts, for each group, what has a value in every column.
    fn complete(&mut self, n_groups: usize) {
        self.counts = vec![0; n_groups];
        for id in 0..crate::intern::next_id(self.chain.len()) {
            let mut path = self.chain.path(id);
            let is_there = path.by_ref().take(self.columns.len()).all(|part| part != MISSING);
            let group = if self.has_groups { path.next() } else { Some(0) };
            let count = group.and_then(|group| self.counts.get_mut(group as usize));
            if let (true, Some(count)) = (is_there, count) {
                *count += 1;
            }
        }
    }
}
