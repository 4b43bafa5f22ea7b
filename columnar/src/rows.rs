//! The rows of a filter in the order of their table.
//!
//! Late rows are few: those that count are found first, and then put between the others by their
//! numbers.

use std::iter::Peekable;
use std::ops::ControlFlow;
use std::vec::IntoIter;

use crate::bits::{Picks, Selection};
use crate::chunk::{Chunk, Source};
use crate::filter::Selector;
use crate::gather::each_row;
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
    source: &dyn Source,
    rows: &Rows,
    limits: &Limits<'_>,
    each: &mut dyn FnMut(RowRef<'_>) -> Result<(), E>,
) -> Result<(), E> {
    let (mut n_before, mut n_left) = (rows.offset, rows.limit);
    if n_left == 0 {
        return Ok(());
    }
    runs(source, &rows.question, limits, &mut |chunk, places| {
        let skipped = n_before.min(places.len() as u64);
        n_before -= skipped;
        for place in places.iter().skip(usize::try_from(skipped).unwrap_or(usize::MAX)) {
            each(RowRef { chunk, place: usize::from(*place) })?;
            n_left -= 1;
            if n_left == 0 {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    })
}

/// What takes rows of a chunk, by the places of some of them, and breaks off when it wants no more.
type TakeSome<'t, E> = dyn FnMut(&Chunk<'_>, &[u16]) -> Result<ControlFlow<()>, E> + 't;

/// Hands the rows that a question selects to `each`, in the order of the table. A chunk may come more than once.
fn runs<E: From<Failure>>(
    source: &dyn Source,
    question: &Question,
    limits: &Limits<'_>,
    each: &mut TakeSome<'_, E>,
) -> Result<(), E> {
    let mut selector = Selector::new(question);
    let n_ordered = source.n_chunks().saturating_sub(source.late());
    let mut late = LateRows::find(source, n_ordered, question, limits, &mut selector)?;
    let mut places = Vec::new();
    for number in 0..n_ordered {
        let (chunk, selection) = select(source, number, question, limits, &mut selector)?;
        places.clear();
        selection.batches(chunk.n_rows, &mut |picks| {
            each_place(picks, |place| places.push(place));
            Ok::<_, Failure>(())
        })?;
        let mut rest = places.as_slice();
        while let Some(first) = rest.first() {
            if late.hand_those_before(chunk.rows.get(usize::from(*first)), each)?.is_break() {
                return Ok(());
            }
            let next = late.next_number();
            let is_before = |place: &u16| chunk.rows.get(usize::from(*place)) <= next;
            let (run, others) = rest.split_at(rest.partition_point(is_before).max(1));
            if each(&chunk, run)?.is_break() {
                return Ok(());
            }
            rest = others;
        }
        source.done(number, &question.columns);
    }
    // Nothing is left that could be broken off.
    late.hand_those_before(i64::MAX, each).map(|_| ())
}

/// A chunk and its rows that count.
fn select<'s>(
    source: &'s dyn Source,
    number: usize,
    question: &Question,
    limits: &Limits<'_>,
    selector: &mut Selector<'_>,
) -> Result<(Chunk<'s>, Selection), Failure> {
    if (limits.is_stopped)() {
        return Err(Failure::Stopped);
    }
    let chunk = source.chunk(number, &question.columns)?;
    let selection = selector.select(&chunk, source.gone(number), limits.is_stopped)?;
    Ok((chunk, selection))
}

fn each_place(picks: Picks<'_>, mut each: impl FnMut(u16)) {
    each_row(picks, |row| each(u16::try_from(row).unwrap_or(u16::MAX)));
}

/// Rows that stand anywhere between others, in their order.
struct LateRows<'s> {
    chunks: Vec<Chunk<'s>>,
    rows: Peekable<IntoIter<LateRow>>,
}

struct LateRow {
    number: i64,
    chunk: usize,
    place: u16,
}

impl<'s> LateRows<'s> {
    /// Those of the chunks from `begin` on.
    fn find(
        source: &'s dyn Source,
        begin: usize,
        question: &Question,
        limits: &Limits<'_>,
        selector: &mut Selector<'_>,
    ) -> Result<LateRows<'s>, Failure> {
        let (mut chunks, mut rows) = (Vec::new(), Vec::new());
        for number in begin..source.n_chunks() {
            let (chunk, selection) = select(source, number, question, limits, selector)?;
            selection.batches(chunk.n_rows, &mut |picks| {
                each_place(picks, |place| {
                    let number = chunk.rows.get(usize::from(place));
                    rows.push(LateRow { number, chunk: chunks.len(), place });
                });
                let n_bytes = rows.capacity() * size_of::<LateRow>();
                if n_bytes > limits.max_bytes { Err(Failure::TooLarge) } else { Ok(()) }
            })?;
            chunks.push(chunk);
        }
        rows.sort_unstable_by_key(|row| row.number);
        Ok(LateRows { chunks, rows: rows.into_iter().peekable() })
    }

    /// The number of the next one; the largest of all if there is none.
    fn next_number(&mut self) -> i64 {
        self.rows.peek().map_or(i64::MAX, |row| row.number)
    }

    fn hand_those_before<E>(
        &mut self,
        number: i64,
        each: &mut TakeSome<'_, E>,
    ) -> Result<ControlFlow<()>, E> {
        while let Some(row) = self.rows.next_if(|row| row.number < number) {
            if let Some(chunk) = self.chunks.get(row.chunk)
                && each(chunk, &[row.place])?.is_break()
            {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }
}
