//! Some rows of a table, column by column, as they lie in memory or in a file that is mapped.
//!
//! Everything here is borrowed and never changes. What a chunk says of itself (smallest, largest)
//! is true of its values, so that a question may pass a whole chunk by.

use crate::{Failure, Value};

/// Rows of a chunk, at most.
pub const MAX_ROWS: usize = 65_536;

/// Some rows, with the columns that were asked for.
#[derive(Clone, Debug)]
pub struct Chunk<'a> {
    /// How many, at least one and at most [`MAX_ROWS`].
    pub n_rows: usize,
    /// The number of each row in its table; they grow from row to row.
    pub rows: Whole<'a>,
    /// The columns, in the order in which they were asked for.
    pub columns: Vec<Column<'a>>,
}

/// A column of a chunk.
#[derive(Clone, Debug)]
pub struct Column<'a> {
    /// A bit for each row, the lowest of the first word first: set where the value is missing. Bits
    /// beyond the rows are clear. `None` where nothing is missing.
    pub nulls: Option<&'a [u64]>,
    /// How many values are missing.
    pub n_nulls: usize,
    /// The values; where one is missing, any.
    pub values: Values<'a>,
}

/// The values of a column.
#[derive(Clone, Debug)]
pub enum Values<'a> {
    /// Whole numbers.
    Whole(Whole<'a>),
    /// Doubles.
    Float(Floats<'a>),
    /// Texts by their places in the file's dictionary of this column.
    Coded {
        /// Places.
        codes: Offsets<'a>,
        /// All texts of the column in chunks of this form.
        dictionary: Texts<'a>,
    },
    /// Texts, one after the other.
    Text(Texts<'a>),
}

/// Whole numbers: a base and how far above it each is.
#[derive(Clone, Copy, Debug)]
pub struct Whole<'a> {
    /// What an offset of zero stands for.
    pub base: i64,
    /// How far above, wrapping at 64 bits.
    pub offsets: Offsets<'a>,
    /// The smallest value that is not missing; `i64::MAX` where all are.
    pub min: i64,
    /// The largest value that is not missing; `i64::MIN` where all are.
    pub max: i64,
}

/// Numbers without sign in as many bytes as the largest takes.
#[derive(Clone, Copy, Debug)]
pub enum Offsets<'a> {
    /// Zero in every row.
    Zero,
    /// Zero, one, two and so on.
    Steps,
    /// One byte each.
    U8(&'a [u8]),
    /// Two bytes.
    U16(&'a [u16]),
    /// Four bytes.
    U32(&'a [u32]),
    /// Eight bytes.
    U64(&'a [u64]),
}

/// Doubles.
#[derive(Clone, Copy, Debug)]
pub struct Floats<'a> {
    /// One for each row; zero where it is missing.
    pub values: &'a [f64],
    /// The smallest that is not missing; infinite where all are.
    pub min: f64,
    /// The largest that is not missing; minus infinite where all are.
    pub max: f64,
    /// Whether one of them is `-0.0`, which equals zero and prints otherwise.
    pub has_negative_zero: bool,
}

/// Texts, one after the other.
#[derive(Clone, Copy, Debug)]
pub struct Texts<'a> {
    /// Where each ends in `bytes`; it begins where the one before ends. They never fall.
    pub ends: &'a [u32],
    /// UTF-8.
    pub bytes: &'a [u8],
    /// Whether all of it is ASCII.
    pub is_ascii: bool,
}

impl Offsets<'_> {
    /// The number of a row; zero beyond the rows.
    #[inline]
    pub fn get(&self, row: usize) -> u64 {
        match self {
            Offsets::Zero => 0,
            Offsets::Steps => row as u64,
            Offsets::U8(numbers) => numbers.get(row).map_or(0, |number| u64::from(*number)),
            Offsets::U16(numbers) => numbers.get(row).map_or(0, |number| u64::from(*number)),
            Offsets::U32(numbers) => numbers.get(row).map_or(0, |number| u64::from(*number)),
            Offsets::U64(numbers) => numbers.get(row).copied().unwrap_or(0),
        }
    }
}

impl Whole<'_> {
    /// The value of a row.
    #[inline]
    pub fn get(&self, row: usize) -> i64 {
        self.base.wrapping_add(self.offsets.get(row).cast_signed())
    }
}

impl<'a> Texts<'a> {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// A text; empty beyond the last.
    #[inline]
    pub fn get(&self, place: usize) -> &'a [u8] {
        let begin = match place.checked_sub(1) {
            Some(before) => self.ends.get(before).copied().unwrap_or(0),
            None => 0,
        };
        let end = self.ends.get(place).copied().unwrap_or(begin);
        self.bytes.get(begin as usize..end as usize).unwrap_or_default()
    }
}

impl<'a> Column<'a> {
    /// The numbers of the rows as a column.
    pub(crate) fn of_numbers(rows: Whole<'a>) -> Column<'a> {
        Column { nulls: None, n_nulls: 0, values: Values::Whole(rows) }
    }

    /// Whether the value of a row is missing.
    #[inline]
    pub fn is_null(&self, row: usize) -> bool {
        let word = self.nulls.and_then(|nulls| nulls.get(row / 64));
        word.is_some_and(|word| word >> (row % 64) & 1 == 1)
    }

    /// The value of a row.
    #[inline]
    pub fn value(&self, row: usize) -> Value<'a> {
        if self.is_null(row) {
            return Value::Null;
        }
        match &self.values {
            Values::Whole(numbers) => Value::Whole(numbers.get(row)),
            Values::Float(numbers) => {
                Value::Float(numbers.values.get(row).copied().unwrap_or_default())
            }
            Values::Coded { codes, dictionary } => {
                let place = usize::try_from(codes.get(row)).unwrap_or(usize::MAX);
                Value::Text(dictionary.get(place))
            }
            Values::Text(texts) => Value::Text(texts.get(row)),
        }
    }
}

/// Where chunks come from: a file, rows in memory, or both. It can be read by several threads.
pub trait Source: Sync {
    /// How many chunks there are. Their rows follow one another in the order of the table, but for
    /// those of [`Source::late`].
    fn n_chunks(&self) -> usize;

    /// A chunk with these columns, each a column of the table; one after the last is the numbers of
    /// the rows.
    ///
    /// # Errors
    /// Damaged, or Mistaken for a column that is not there.
    fn chunk(&self, number: usize, columns: &[usize]) -> Result<Chunk<'_>, Failure>;

    /// The rows of a chunk that count no more: a bit for each, the lowest of the first word first;
    /// `None` where all count.
    fn gone(&self, number: usize) -> Option<&[u64]>;

    /// How many chunks at the end hold rows that stand anywhere between those of the others:
    /// changed rows and new ones, by their numbers.
    fn late(&self) -> usize;

    /// Hears that a question has read a chunk with these columns, and will not again.
    fn done(&self, _number: usize, _columns: &[usize]) {}
}
