//! Adds up the numbers of a column in each group, exactly.

use std::collections::BTreeMap;

use num_bigint::BigInt;

use crate::answer::Finished;
use crate::chunk::Values;
use crate::exact::{Moments, Spread, small_quotient};
use crate::gather::{gather, gather_missing, gather_whole};
use crate::measure::{Batch, Room, grow};
use crate::shortest::{FINE_UNIT, TEN_THOUSANDTH, fine_units, ten_thousandths};
use crate::{Failure, Kind};

/// Sums of a column: of whole numbers, or of the ten-thousandths that doubles are.
pub(crate) struct Sums {
    column: usize,
    kind: Option<Kind>,
    sums: Vec<i128>,
    has_squares: bool,
    squares: Vec<i128>,
    /// What of the squares has no room there.
    far: BTreeMap<u32, BigInt>,
    /// Of doubles that are no ten-thousandths, while no squares are wanted: how many 10^-24.
    fine: Vec<i128>,
    /// Other doubles, and what of `fine` has no room there.
    slow: BTreeMap<u32, Moments>,
}

impl Sums {
    pub(crate) fn new(column: usize, has_squares: bool) -> Sums {
        Sums {
            column,
            kind: None,
            sums: Vec::new(),
            has_squares,
            squares: Vec::new(),
            far: BTreeMap::new(),
            fine: Vec::new(),
            slow: BTreeMap::new(),
        }
    }

    pub(crate) fn is_of(&self, column: usize) -> bool {
        self.column == column
    }

    /// From the first row on, squares are added, too.
    pub(crate) fn add_squares(&mut self) {
        self.has_squares = true;
    }

    /// Adds rows.
    ///
    /// # Errors
    /// Mistaken for what is no number.
    pub(crate) fn add(&mut self, batch: Batch<'_>, room: &mut Room) -> Result<(), Failure> {
        let column = batch.chunk.columns.get(self.column).ok_or(Failure::Mistaken)?;
        let kind = match &column.values {
            Values::Whole(numbers) => {
                gather_whole(numbers, batch.picks, &mut room.wholes);
                Kind::Whole
            }
            Values::Float(numbers) => {
                gather(numbers.values, batch.picks, &mut room.floats, |value| value);
                Kind::Float
            }
            _ => return Err(Failure::Mistaken),
        };
        if *self.kind.get_or_insert(kind) != kind {
            return Err(Failure::Mistaken);
        }
        gather_missing(column, batch.picks, &mut room.missing);
        if kind == Kind::Float {
            self.take_ten_thousandths(batch.ids, batch.n_groups, room);
        }
        // Missing values count as zero: nothing is added.
        let values = room.wholes.iter_mut().zip(&room.missing);
        values.filter(|(_, is)| **is).for_each(|(value, _)| *value = 0);
        grow(&mut self.sums, batch.n_groups, 0);
        if let ([sum], 1) = (self.sums.as_mut_slice(), batch.n_groups) {
            *sum += room.wholes.iter().map(|value| i128::from(*value)).sum::<i128>();
        } else {
            for (id, value) in batch.ids.iter().zip(&room.wholes) {
                if let Some(sum) = self.sums.get_mut(*id as usize) {
                    *sum += i128::from(*value);
                }
            }
        }
        if self.has_squares {
            grow(&mut self.squares, batch.n_groups, 0);
            for (id, value) in batch.ids.iter().zip(&room.wholes) {
                self.add_square(*id, i128::from(*value) * i128::from(*value));
            }
        }
        Ok(())
    }

    /// Makes whole numbers of doubles; those that are no ten-thousandths are added elsewhere.
    fn take_ten_thousandths(&mut self, ids: &[u32], n_groups: usize, room: &mut Room) {
        room.wholes.clear();
        room.wholes.extend(room.floats.iter().map(|v| ten_thousandths(*v).unwrap_or(i64::MIN)));
        if !room.wholes.contains(&i64::MIN) {
            return;
        }
        if !self.has_squares {
            grow(&mut self.fine, n_groups, 0);
        }
        let mut is_missing = room.missing.iter();
        for ((id, value), whole) in ids.iter().zip(&room.floats).zip(&mut room.wholes) {
            let is_missing = is_missing.next().is_some_and(|is| *is);
            if *whole == i64::MIN {
                *whole = 0;
                if !is_missing {
                    self.add_finer(*id, *value);
                }
            }
        }
    }

    /// Adds a double that is no ten-thousandths.
    fn add_finer(&mut self, id: u32, value: f64) {
        if !self.has_squares
            && let Some(units) = fine_units(value)
        {
            return self.add_fine(id, units);
        }
        self.slow.entry(id).or_default().add_double(value);
    }

    fn add_fine(&mut self, id: u32, units: i128) {
        let Some(fine) = self.fine.get_mut(id as usize) else { return };
        match fine.checked_add(units) {
            Some(sum) => *fine = sum,
            None => {
                let full = std::mem::replace(fine, units);
                self.slow.entry(id).or_default().add_sums(0, full, &BigInt::ZERO, FINE_UNIT);
            }
        }
    }

    fn add_square(&mut self, id: u32, square: i128) {
        let Some(squares) = self.squares.get_mut(id as usize) else { return };
        match squares.checked_add(square) {
            Some(sum) => *squares = sum,
            None => *self.far.entry(id).or_default() += std::mem::replace(squares, square),
        }
    }

    pub(crate) fn merge(
        &mut self,
        other: Sums,
        groups: &[u32],
        n_groups: usize,
    ) -> Result<(), Failure> {
        let Some(kind) = other.kind else { return Ok(()) };
        if *self.kind.get_or_insert(kind) != kind {
            return Err(Failure::Mistaken);
        }
        merge_sums(&mut self.sums, &other.sums, groups, n_groups);
        if self.has_squares {
            grow(&mut self.squares, n_groups, 0);
            for (square, group) in other.squares.iter().zip(groups) {
                self.add_square(*group, *square);
            }
        }
        if !other.fine.is_empty() {
            grow(&mut self.fine, n_groups, 0);
            for (units, group) in other.fine.iter().zip(groups) {
                self.add_fine(*group, *units);
            }
        }
        for (group, far) in other.far {
            if let Some(group) = groups.get(group as usize) {
                *self.far.entry(*group).or_default() += far;
            }
        }
        for (group, slow) in other.slow {
            if let Some(group) = groups.get(group as usize) {
                self.slow.entry(*group).or_default().merge(&slow);
            }
        }
        Ok(())
    }

    /// The sum of a group where it is a whole number of units: of one, or of a ten-thousandth.
    fn whole_sum(&self, group: u32) -> Option<i128> {
        let is_whole =
            self.fine_sum(group) == 0 && (self.slow.is_empty() || !self.slow.contains_key(&group));
        is_whole.then(|| self.sums.get(group as usize).copied().unwrap_or(0))
    }

    fn fine_sum(&self, group: u32) -> i128 {
        self.fine.get(group as usize).copied().unwrap_or(0)
    }

    fn units_of_one(&self) -> i128 {
        if self.kind == Some(Kind::Float) { 10_000 } else { 1 }
    }

    fn moments(&self, group: u32, n: u64) -> Moments {
        let mut moments = Moments::default();
        let sum = self.sums.get(group as usize).copied().unwrap_or(0);
        let squares = self.squares.get(group as usize).copied().unwrap_or(0);
        let squares = self.far.get(&group).cloned().unwrap_or_default() + squares;
        let exponent = if self.kind == Some(Kind::Float) { TEN_THOUSANDTH } else { 0 };
        match self.slow.get(&group) {
            Some(slow) => {
                moments.merge(slow);
                moments.add_sums(n - slow.n_values(), sum, &squares, exponent);
            }
            None => moments.add_sums(n, sum, &squares, exponent),
        }
        match self.fine_sum(group) {
            0 => {}
            fine => moments.add_sums(0, fine, &BigInt::ZERO, FINE_UNIT),
        }
        moments
    }

    pub(crate) fn sum(&self, group: u32, n: u64) -> Finished<'_> {
        match (self.kind, self.whole_sum(group)) {
            _ if n == 0 => Finished::Null,
            (Some(Kind::Whole), Some(sum)) => Finished::of_whole(sum),
            (_, sum) => {
                let quick = sum.and_then(|sum| small_quotient(sum, self.units_of_one()));
                let sum = quick.or_else(|| self.moments(group, n).double_sum());
                sum.map_or(Finished::Null, Finished::Float)
            }
        }
    }

    pub(crate) fn average(&self, group: u32, n: u64) -> Finished<'_> {
        if n == 0 {
            return Finished::Null;
        }
        let divisor = i128::from(n) * self.units_of_one();
        let quick = self.whole_sum(group).and_then(|sum| small_quotient(sum, divisor));
        let average = quick.or_else(|| self.moments(group, n).double_average());
        average.map_or(Finished::Null, Finished::Float)
    }

    pub(crate) fn decimal_average(
        &self,
        group: u32,
        n: u64,
        digits: u32,
    ) -> Result<Finished<'_>, Failure> {
        if n == 0 {
            return Ok(Finished::Null);
        }
        if self.kind != Some(Kind::Whole) {
            return Err(Failure::Mistaken);
        }
        let quick = || {
            let twice = 2_i128.checked_mul(10_i128.checked_pow(digits)?)?;
            let scaled = self.whole_sum(group)?.checked_mul(twice)?;
            let n = i128::from(n);
            // Division of whole numbers cuts towards zero.
            Some(scaled.checked_add(n * scaled.signum())? / (n * 2))
        };
        let average = match quick() {
            Some(average) => average,
            None => {
                let average = self.moments(group, n).decimal_average(digits);
                let average = average.and_then(|average| i128::try_from(average).ok());
                average.ok_or(Failure::Unfit)?
            }
        };
        Ok(Finished::of_whole(average))
    }

    pub(crate) fn spread(&self, group: u32, n: u64, spread: Spread, scale: u8) -> Finished<'_> {
        if n == 0 {
            return Finished::Null;
        }
        let spread = self.moments(group, n).spread(spread, i32::from(scale));
        spread.map_or(Finished::Null, Finished::Float)
    }

    pub(crate) fn bytes(&self) -> usize {
        /// What a group's exact sums take, more or less.
        const SLOW: usize = 512;
        (self.sums.capacity() + self.squares.capacity() + self.fine.capacity()) * 16
            + (self.far.len() + self.slow.len()) * SLOW
    }
}

/// Adds the sums of groups to those of the groups that they are here.
pub(crate) fn merge_sums<T: Copy + Default + std::ops::AddAssign>(
    own: &mut Vec<T>,
    other: &[T],
    groups: &[u32],
    n_groups: usize,
) {
    grow(own, n_groups, T::default());
    for (value, group) in other.iter().zip(groups) {
        if let Some(sum) = own.get_mut(*group as usize) {
            *sum += *value;
        }
    }
}
