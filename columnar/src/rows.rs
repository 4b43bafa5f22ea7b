//! The rows of a filter in the order of their table.

use crate::chunk::{Chunk, Source};
use crate::question::{Question, Rows};
use crate::run::Limits;
use crate::{Failure, Value};

/// A row of a chunk.
#[derive(Clone, Copy)]
pub struct RowRef<'c> {
    chunk: &'c Chunk<'c>,
    place: usize,
}

impl<'c> RowRef<'c> {
    /// Its number in the table.
    pub fn number(&self) -> i64 {
        self.chunk.rows.get(self.place)
    }

    /// The value of a column, by its place in the question; missing beyond the last.
    pub fn value(&self, column: usize) -> Value<'c> {
        self.chunk.columns.get(column).map_or(Value::Null, |column| column.value(self.place))
    }
}

/// Hands the rows that are asked for to `each`, in the order of the table.
///
/// # Errors
/// Every [`Failure`], and those of `each`, which end it.
pub fn rows<E: From<Failure>>(
    _source: &dyn Source,
    _rows: &Rows,
    _limits: &Limits<'_>,
    _each: &mut dyn FnMut(RowRef<'_>) -> Result<(), E>,
) -> Result<(), E> {
    Err(Failure::Unfit.into())
}

/// Hands the rows that a question selects to `each`, in the order of the table: a chunk, and the
/// places of some of its rows, at least one. A chunk may come more than once.
///
/// # Errors
/// Every [`Failure`], and those of `each`, which end it.
pub fn batches<E: From<Failure>>(
    _source: &dyn Source,
    _question: &Question,
    _limits: &Limits<'_>,
    _each: &mut dyn FnMut(&Chunk<'_>, &[u16]) -> Result<(), E>,
) -> Result<(), E> {
    Err(Failure::Unfit.into())
}
