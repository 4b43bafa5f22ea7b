//! Rows being collected, column by column, by one thread.
//!
//! A block is what a load, a change or a row store hands over: it takes values one after the other
//! and keeps them as plain numbers and texts. Nothing is encoded here, and nothing is refused but
//! what no column can hold.

use std::ops::Range;

use crate::{Failure, Kind, Value};

/// Stands for "no number yet": whoever takes the block counts on.
const UNNUMBERED: i64 = i64::MIN;

/// Rows being collected. In one column it holds less than 4 GiB of text.
#[derive(Clone, Debug)]
pub struct Block {
    columns: Vec<Gathered>,
    /// The column of the next value.
    next: usize,
    rows: Vec<i64>,
    is_overfull: bool,
}

/// The values of a column of a block.
#[derive(Clone, Debug)]
pub(crate) struct Gathered {
    /// A bit for each row, set where the value is missing; as many words as it takes to reach the
    /// last one that is.
    nulls: Vec<u64>,
    n_nulls: usize,
    pub(crate) cells: Cells,
}

/// A value for each row; where one is missing, zero or the empty text.
#[derive(Clone, Debug)]
pub(crate) enum Cells {
    Whole(Vec<i64>),
    Float(Vec<f64>),
    Text { ends: Vec<u32>, bytes: Vec<u8> },
}

impl Block {
    /// An empty block for columns of these kinds.
    pub fn new(kinds: &[Kind]) -> Block {
        let columns = kinds.iter().map(|kind| Gathered::new(*kind)).collect();
        Block { columns, next: 0, rows: Vec::new(), is_overfull: false }
    }

    /// Takes the value of the next column of the row. One of another kind than the column's, and a
    /// double that is no number or infinite, is missing; values beyond the last column are passed
    /// over.
    #[inline]
    pub fn push(&mut self, value: Value<'_>) {
        let Some(column) = self.columns.get_mut(self.next) else { return };
        self.next += 1;
        match (&mut column.cells, value) {
            (Cells::Whole(numbers), Value::Whole(number)) => numbers.push(number),
            (Cells::Float(numbers), Value::Float(number)) if number.is_finite() => {
                numbers.push(number);
            }
            (Cells::Text { ends, bytes }, Value::Text(text)) => {
                if let Ok(end) = u32::try_from(bytes.len() + text.len()) {
                    bytes.extend_from_slice(text);
                    ends.push(end);
                } else {
                    self.is_overfull = true;
                    column.push_missing(self.rows.len());
                }
            }
            _ => column.push_missing(self.rows.len()),
        }
    }

    /// Ends the row; columns without a value are missing. `row` is its number in the table, above
    /// `i64::MIN`. Without one it is the number after that of the row before, and where that has
    /// none either, whoever takes the block counts on.
    pub fn end_row(&mut self, row: Option<i64>) {
        let n_rows = self.rows.len();
        for column in self.columns.iter_mut().skip(self.next) {
            column.push_missing(n_rows);
        }
        self.next = 0;
        let follow = || match self.rows.last() {
            Some(before) if *before != UNNUMBERED => before.saturating_add(1),
            _ => UNNUMBERED,
        };
        let row = row.unwrap_or_else(follow);
        self.rows.push(row);
    }

    /// How many rows ended.
    pub fn n_rows(&self) -> usize {
        self.rows.len()
    }

    /// Memory that its rows take, in bytes.
    pub fn n_bytes(&self) -> usize {
        let columns: usize =
            self.columns.iter().map(|column| column.n_bytes(self.rows.len())).sum();
        columns + size_of::<i64>() * self.rows.len()
    }

    /// Forgets the rows and keeps the memory.
    pub fn clear(&mut self) {
        self.columns.iter_mut().for_each(Gathered::clear);
        self.next = 0;
        self.rows.clear();
        self.is_overfull = false;
    }

    pub(crate) fn kinds(&self) -> impl Iterator<Item = Kind> {
        self.columns.iter().map(Gathered::kind)
    }

    pub(crate) fn columns(&self) -> &[Gathered] {
        &self.columns
    }

    pub(crate) fn rows(&self) -> &[i64] {
        &self.rows
    }

    /// Whether a text was too much for it.
    pub(crate) fn is_overfull(&self) -> bool {
        self.is_overfull
    }

    /// Memory that some of its rows take, in bytes.
    pub(crate) fn n_bytes_of(&self, rows: &Range<usize>) -> usize {
        let upto = |row| -> usize { self.columns.iter().map(|column| column.n_bytes(row)).sum() };
        upto(rows.end) - upto(rows.start) + size_of::<i64>() * rows.len()
    }

    /// Appends rows of another block of the same kinds. Rows without number get the one after
    /// `last_row`, the first of all 1; `last_row` becomes the number of the last one.
    ///
    /// # Errors
    /// Mistaken where numbers do not grow, or a text column would pass 4 GiB.
    pub(crate) fn append(
        &mut self,
        other: &Block,
        rows: Range<usize>,
        last_row: &mut Option<i64>,
    ) -> Result<(), Failure> {
        for number in other.rows.get(rows.clone()).unwrap_or_default() {
            let follow = || last_row.map_or(1, |before| before.saturating_add(1));
            let number = if *number == UNNUMBERED { follow() } else { *number };
            if last_row.is_some_and(|before| before >= number) {
                return Err(Failure::Mistaken);
            }
            *last_row = Some(number);
            self.rows.push(number);
        }
        let n_before = self.rows.len() - rows.len();
        for (column, from) in self.columns.iter_mut().zip(&other.columns) {
            column.append(n_before, from, &rows)?;
        }
        Ok(())
    }
}

impl Gathered {
    fn new(kind: Kind) -> Gathered {
        let cells = match kind {
            Kind::Whole => Cells::Whole(Vec::new()),
            Kind::Float => Cells::Float(Vec::new()),
            Kind::Text => Cells::Text { ends: Vec::new(), bytes: Vec::new() },
        };
        Gathered { nulls: Vec::new(), n_nulls: 0, cells }
    }

    fn kind(&self) -> Kind {
        match self.cells {
            Cells::Whole(_) => Kind::Whole,
            Cells::Float(_) => Kind::Float,
            Cells::Text { .. } => Kind::Text,
        }
    }

    pub(crate) fn n_nulls(&self) -> usize {
        self.n_nulls
    }

    /// A bit for each row, in as many words as the rows take; `None` where nothing is missing.
    pub(crate) fn nulls(&self, n_rows: usize) -> Option<Vec<u64>> {
        if self.n_nulls == 0 {
            return None;
        }
        let mut nulls = self.nulls.clone();
        nulls.resize(n_rows.div_ceil(64), 0);
        Some(nulls)
    }

    fn push_missing(&mut self, row: usize) {
        self.nulls.resize(row / 64 + 1, 0);
        if let Some(word) = self.nulls.last_mut() {
            *word |= 1 << (row % 64);
        }
        self.n_nulls += 1;
        match &mut self.cells {
            Cells::Whole(numbers) => numbers.push(0),
            Cells::Float(numbers) => numbers.push(0.0),
            Cells::Text { ends, .. } => ends.push(ends.last().copied().unwrap_or(0)),
        }
    }

    fn n_bytes(&self, n_rows: usize) -> usize {
        let nulls = if self.n_nulls == 0 { 0 } else { n_rows.div_ceil(64) * size_of::<u64>() };
        nulls
            + match &self.cells {
                Cells::Whole(_) | Cells::Float(_) => n_rows * size_of::<u64>(),
                Cells::Text { ends, .. } => {
                    n_rows * size_of::<u32>() + begin(ends, n_rows) as usize
                }
            }
    }

    fn clear(&mut self) {
        self.nulls.clear();
        self.n_nulls = 0;
        match &mut self.cells {
            Cells::Whole(numbers) => numbers.clear(),
            Cells::Float(numbers) => numbers.clear(),
            Cells::Text { ends, bytes } => {
                ends.clear();
                bytes.clear();
            }
        }
    }

    /// Appends rows of another column to the `n_rows` that are here.
    fn append(
        &mut self,
        n_rows: usize,
        from: &Gathered,
        rows: &Range<usize>,
    ) -> Result<(), Failure> {
        match (&mut self.cells, &from.cells) {
            (Cells::Whole(here), Cells::Whole(there)) => {
                here.extend_from_slice(there.get(rows.clone()).unwrap_or_default());
            }
            (Cells::Float(here), Cells::Float(there)) => {
                here.extend_from_slice(there.get(rows.clone()).unwrap_or_default());
            }
            (Cells::Text { ends, bytes }, Cells::Text { ends: other_ends, bytes: other_bytes }) => {
                let (first, last) = (begin(other_ends, rows.start), begin(other_ends, rows.end));
                let begin = u32::try_from(bytes.len()).map_err(|_| Failure::Mistaken)?;
                begin.checked_add(last - first).ok_or(Failure::Mistaken)?;
                let there = other_ends.get(rows.clone()).unwrap_or_default();
                ends.extend(there.iter().map(|end| end - first + begin));
                let text = other_bytes.get(first as usize..last as usize);
                bytes.extend_from_slice(text.unwrap_or_default());
            }
            _ => return Err(Failure::Mistaken),
        }
        if from.n_nulls > 0 {
            self.append_nulls(n_rows, &from.nulls, rows);
        }
        Ok(())
    }

    fn append_nulls(&mut self, n_rows: usize, from: &[u64], rows: &Range<usize>) {
        self.nulls.resize((n_rows + rows.len()).div_ceil(64), 0);
        let word_at = |at: usize| from.get(at).copied().unwrap_or(0);
        for done in (0..rows.len()).step_by(64) {
            let (at, shift) = ((rows.start + done) / 64, (rows.start + done) % 64);
            // The word's second half, shifted in two steps: a shift by 64 is none.
            let mut word = word_at(at) >> shift | word_at(at + 1) << 1 << (63 - shift);
            if rows.len() - done < 64 {
                word &= (1 << (rows.len() - done)) - 1;
            }
            self.n_nulls += word.count_ones() as usize;
            let (at, shift) = ((n_rows + done) / 64, (n_rows + done) % 64);
            if let Some(here) = self.nulls.get_mut(at) {
                *here |= word << shift;
            }
            if let Some(here) = self.nulls.get_mut(at + 1) {
                *here |= word >> 1 >> (63 - shift);
            }
        }
    }
}

/// Where the text of a row begins.
fn begin(ends: &[u32], row: usize) -> u32 {
    row.checked_sub(1).and_then(|before| ends.get(before)).copied().unwrap_or(0)
}
