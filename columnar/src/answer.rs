//! The groups that are answered, in their order.

use std::cmp::Ordering;

use crate::question::Of;
use crate::{Failure, Value};

/// What is known of a group.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Finished<'a> {
    /// Missing.
    Null,
    /// A whole number of 64 bits.
    Whole(i64),
    /// A whole number that 64 bits cannot hold.
    Wide(i128),
    /// A double.
    Float(f64),
    /// A text.
    Text(&'a [u8]),
}

impl<'a> Finished<'a> {
    /// A whole number, wide only if it must be.
    pub(crate) fn of_whole(number: i128) -> Finished<'a> {
        i64::try_from(number).map_or(Finished::Wide(number), Finished::Whole)
    }

    /// The order of two that are there and of the same kind.
    pub(crate) fn order(self, other: Finished<'_>) -> Option<Ordering> {
        match (self, other) {
            (Finished::Float(a), Finished::Float(b)) => a.partial_cmp(&b),
            (Finished::Text(a), Finished::Text(b)) => Some(a.cmp(b)),
            (a, b) => Some(a.whole()?.cmp(&b.whole()?)),
        }
    }

    fn whole(self) -> Option<i128> {
        match self {
            Finished::Whole(number) => Some(i128::from(number)),
            Finished::Wide(number) => Some(number),
            _ => None,
        }
    }
}

impl<'a> From<Value<'a>> for Finished<'a> {
    fn from(value: Value<'a>) -> Finished<'a> {
        match value {
            Value::Null => Finished::Null,
            Value::Whole(number) => Finished::Whole(number),
            Value::Float(number) => Finished::Float(number),
            Value::Text(text) => Finished::Text(text),
        }
    }
}

/// The groups that are answered, in their order.
#[derive(Debug)]
pub struct Answer {
    n_keys: usize,
    /// Keys and measures of a group.
    n_cells: usize,
    n_rows: usize,
    cells: Vec<Cell>,
}

/// What is known of a group, with texts of its own.
#[derive(Debug)]
enum Cell {
    Number(Finished<'static>),
    Text(Box<[u8]>),
}

impl Answer {
    /// Makes it of groups in their order.
    ///
    /// # Errors
    /// Those of `value`, TooLarge.
    pub(crate) fn new<'w>(
        groups: &[u32],
        n_keys: usize,
        n_measures: usize,
        max_bytes: usize,
        value: &dyn Fn(u32, Of) -> Result<Finished<'w>, Failure>,
    ) -> Result<Answer, Failure> {
        let n_cells = n_keys + n_measures;
        let mut free = max_bytes;
        let mut take = |n_bytes: usize| {
            free = free.checked_sub(n_bytes).ok_or(Failure::TooLarge)?;
            Ok::<_, Failure>(())
        };
        take(groups.len().saturating_mul(n_cells).saturating_mul(size_of::<Cell>()))?;
        let mut cells = Vec::with_capacity(groups.len() * n_cells);
        let all = (0..n_keys).map(Of::Key).chain((0..n_measures).map(Of::Measure));
        for group in groups {
            for of in all.clone() {
                cells.push(match value(*group, of)? {
                    Finished::Text(text) => {
                        take(text.len())?;
                        Cell::Text(text.into())
                    }
                    Finished::Null => Cell::Number(Finished::Null),
                    Finished::Whole(number) => Cell::Number(Finished::Whole(number)),
                    Finished::Wide(number) => Cell::Number(Finished::Wide(number)),
                    Finished::Float(number) => Cell::Number(Finished::Float(number)),
                });
            }
        }
        Ok(Answer { n_keys, n_cells, n_rows: groups.len(), cells })
    }

    /// How many groups there are.
    pub fn n_rows(&self) -> usize {
        self.n_rows
    }

    /// What is known of a group; missing for what is not there.
    pub fn value(&self, row: usize, of: Of) -> Finished<'_> {
        let place = match of {
            Of::Key(key) => key,
            Of::Measure(measure) => self.n_keys + measure,
        };
        let cell = self.cells.get(row * self.n_cells + place);
        match cell.filter(|_| place < self.n_cells) {
            Some(Cell::Number(number)) => *number,
            Some(Cell::Text(text)) => Finished::Text(text),
            None => Finished::Null,
        }
    }
}
