//! Reads a file of columns, which is mapped and never changes.
//!
//! Opening one reads its directory. A block is checked when it is first used: against its checksum,
//! and for what a reader counts on. What it then says is trusted, also that texts are UTF-8: they
//! are the bytes that were written.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::chunk::{Chunk, Column, Floats, Offsets, Source, Texts, Values, Whole};
use crate::encode::base;
use crate::format::{
    ALIGNMENT, BYTE_ORDER, Directory, Entry, FORMAT, Form, HEAD_BYTES, MAGIC, TRAILER_BYTES,
    TRAILER_WORDS, Trailer, Width,
};
use crate::map::{Bytes, numbers};
use crate::{Failure, Kind};

/// Why a file was not opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// It is not there, or cannot be read.
    #[error("the file of columns cannot be read")]
    Io(#[from] io::Error),
    /// It is something else, of another format, or of a machine with another byte order.
    #[error("the file is no file of columns that this version reads")]
    Foreign,
    /// It is not what was written, or was never finished.
    #[error("the file is damaged: {0}")]
    Damaged(&'static str),
}

/// Bytes that a question may leave in memory, which the system may take at any time.
const KEPT_BYTES: u64 = 48 << 20;

/// The same of all questions to a file.
const KEPT_FILE_BYTES: u64 = 256 << 20;

/// A file of columns.
#[derive(Debug)]
pub struct ColumnFile {
    bytes: Bytes,
    trailer: Trailer,
    directory: Directory,
    /// Bytes of each column.
    column_bytes: Vec<u64>,
    /// Which blocks were checked: of chunks as the directory has them, then of dictionaries.
    checked: Vec<AtomicBool>,
}

impl ColumnFile {
    /// Opens a file that nobody changes as long as it is open; it may be removed.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn open(path: &Path) -> Result<ColumnFile, OpenError> {
        let file = File::open(path)?;
        if file.metadata()?.len() < HEAD_BYTES {
            return Err(OpenError::Foreign);
        }
        ColumnFile::read(Bytes::map(&file)?)
    }

    /// Reads a file that is in memory.
    ///
    /// # Errors
    /// Foreign or Damaged.
    pub fn from_bytes(bytes: &[u8]) -> Result<ColumnFile, OpenError> {
        ColumnFile::read(Bytes::copy(bytes))
    }

    fn read(bytes: Bytes) -> Result<ColumnFile, OpenError> {
        const HEAD: [u64; 3] = [MAGIC, BYTE_ORDER, FORMAT];
        const TRAILER: usize = TRAILER_WORDS * size_of::<u64>();
        let head = bytes.get(0, size_of_val(&HEAD)).and_then(numbers::<u64>);
        if head != Some(&HEAD) {
            return Err(OpenError::Foreign);
        }
        let size_bytes = bytes.all().len() as u64;
        let end = size_bytes.checked_sub(TRAILER_BYTES).filter(|end| *end >= HEAD_BYTES);
        let end = end.ok_or(OpenError::Damaged("it ends too early"))?;
        let trailer = bytes.get(end, TRAILER).and_then(numbers).and_then(Trailer::from_words);
        let trailer = trailer.ok_or(OpenError::Damaged("it has no sound end"))?;

        let place = trailer.directory_place;
        let directory_end = place.checked_add(trailer.directory_bytes);
        let is_last = directory_end
            .and_then(|end| end.checked_next_multiple_of(ALIGNMENT))
            .is_some_and(|directory_end| directory_end == end);
        let words = usize::try_from(trailer.directory_bytes).ok();
        let words = words.filter(|_| is_last).and_then(|n_bytes| bytes.get(place, n_bytes));
        let words = words.ok_or(OpenError::Damaged("its directory is not where it should be"))?;
        if crc32fast::hash(words) != trailer.directory_crc {
            return Err(OpenError::Damaged("its directory's checksum is wrong"));
        }
        let directory = numbers(words).and_then(|words| Directory::from_words(words, &trailer));
        let directory = directory.ok_or(OpenError::Damaged("its directory contradicts itself"))?;

        let n_blocks = directory.entries.len() + directory.kinds.len();
        let checked = (0..n_blocks).map(|_| AtomicBool::new(false)).collect();
        let column_bytes = (0..directory.kinds.len()).map(|column| {
            let entries = directory.entries.chunks_exact(directory.kinds.len() + 1);
            entries.filter_map(|entries| entries.get(column + 1)).map(|entry| entry.n_bytes).sum()
        });
        let column_bytes = column_bytes.collect();
        Ok(ColumnFile { bytes, trailer, directory, column_bytes, checked })
    }

    /// What the file belongs to, as its writer was told.
    pub fn identity(&self) -> [u8; 16] {
        self.trailer.identity
    }

    /// Which rows it holds, as its writer was told.
    pub fn version(&self) -> i64 {
        self.trailer.version
    }

    /// How many rows it holds.
    pub fn n_rows(&self) -> u64 {
        self.trailer.n_rows
    }

    /// The kinds of its columns.
    pub fn kinds(&self) -> &[Kind] {
        &self.directory.kinds
    }

    /// Its length in bytes.
    pub fn size_bytes(&self) -> u64 {
        self.bytes.all().len() as u64
    }

    /// How many rows a chunk has; zero beyond the last.
    pub fn n_rows_of(&self, chunk: usize) -> usize {
        self.directory.chunks.get(chunk).copied().unwrap_or(0)
    }

    /// The number of the last row; zero without rows.
    pub fn last_row(&self) -> i64 {
        let n_blocks = self.directory.kinds.len() + 1;
        let last = self.directory.chunks.len().checked_sub(1);
        let rows = last.and_then(|chunk| self.directory.entries.get(chunk * n_blocks));
        rows.map_or(0, |rows| rows.max.cast_signed())
    }

    /// Where a row is, by its number: the chunk, and the place in it.
    ///
    /// # Errors
    /// Damaged.
    pub fn find(&self, row: i64) -> Result<Option<(usize, usize)>, Failure> {
        let n_blocks = self.directory.kinds.len() + 1;
        let chunks: &[usize] = &self.directory.chunks;
        let last_of = |chunk: usize| {
            let rows = self.directory.entries.get(chunk * n_blocks);
            rows.map_or(i64::MAX, |rows| rows.max.cast_signed())
        };
        let chunk = partition_point(chunks.len(), |chunk| last_of(chunk) < row);
        if chunk == chunks.len() {
            return Ok(None);
        }
        let rows = self.chunk(chunk, &[])?.rows;
        let n_rows = self.n_rows_of(chunk);
        let index = partition_point(n_rows, |index| rows.get(index) < row);
        Ok((index < n_rows && rows.get(index) == row).then_some((chunk, index)))
    }

    fn dictionary(&self, column: usize) -> Result<Texts<'_>, Failure> {
        let known = self.directory.dictionaries.get(column);
        let (n_texts, entry) = known.ok_or(Failure::Mistaken)?;
        let block = self.directory.entries.len() + column;
        match self.block(block, entry, *n_texts, None)?.values {
            Values::Text(texts) => Ok(texts),
            _ => Err(Failure::Damaged("a dictionary is none")),
        }
    }

    /// A block, checked. Its place among all is `number`.
    fn block<'a>(
        &'a self,
        number: usize,
        entry: &Entry,
        n_rows: usize,
        dictionary: Option<Texts<'a>>,
    ) -> Result<Column<'a>, Failure> {
        const OUTSIDE: Failure = Failure::Damaged("a block is not where it should be");
        let parts = entry.parts(n_rows).ok_or(OUTSIDE)?;
        let n_bytes = parts.nulls + parts.numbers + parts.texts;
        let bytes = self.bytes.get(entry.place, n_bytes).ok_or(OUTSIDE)?;
        let checked = self.checked.get(number).ok_or(OUTSIDE)?;
        let is_checked = checked.load(Ordering::Relaxed);
        if !is_checked {
            self.bytes.will_need(entry.place, n_bytes);
            if crc32fast::hash(bytes) != entry.crc {
                return Err(Failure::Damaged("a block's checksum is wrong"));
            }
        }
        let (nulls, bytes) = bytes.split_at_checked(parts.nulls).ok_or(OUTSIDE)?;
        let (places, texts) = bytes.split_at_checked(parts.numbers).ok_or(OUTSIDE)?;
        let nulls = if parts.nulls == 0 { None } else { Some(numbers(nulls).ok_or(OUTSIDE)?) };
        let values = values(entry, places, texts, dictionary).ok_or(OUTSIDE)?;
        let column = Column { nulls, n_nulls: entry.n_nulls as usize, values };
        if !is_checked {
            check(&column, n_rows)?;
            checked.store(true, Ordering::Relaxed);
        }
        Ok(column)
    }
}

impl Source for ColumnFile {
    fn n_chunks(&self) -> usize {
        self.directory.chunks.len()
    }

    fn chunk(&self, number: usize, columns: &[usize]) -> Result<Chunk<'_>, Failure> {
        let n_rows = *self.directory.chunks.get(number).ok_or(Failure::Mistaken)?;
        let n_columns = self.directory.kinds.len();
        let first = number * (n_columns + 1);
        let entry = |block: usize| self.directory.entries.get(block).ok_or(Failure::Mistaken);
        let Values::Whole(rows) = self.block(first, entry(first)?, n_rows, None)?.values else {
            return Err(Failure::Damaged("row numbers are none"));
        };
        let mut read = Vec::with_capacity(columns.len());
        for column in columns {
            if *column == n_columns {
                read.push(Column::of_numbers(rows));
                continue;
            }
            if *column > n_columns {
                return Err(Failure::Mistaken);
            }
            let block = first + 1 + column;
            let entry = entry(block)?;
            let is_coded = matches!(entry.form, Form::Coded(_));
            let dictionary = if is_coded { Some(self.dictionary(*column)?) } else { None };
            read.push(self.block(block, entry, n_rows, dictionary)?);
        }
        Ok(Chunk { n_rows, rows, columns: read })
    }

    fn gone(&self, _: usize) -> Option<&[u64]> {
        None
    }

    fn late(&self) -> usize {
        0
    }

    /// A question that reads much of a file leaves nothing of it in memory; what many ask for stays.
    fn done(&self, number: usize, columns: &[usize]) {
        let n_bytes: u64 = columns.iter().filter_map(|it| self.column_bytes.get(*it)).sum();
        if n_bytes <= KEPT_BYTES && self.size_bytes() <= KEPT_FILE_BYTES {
            return;
        }
        // With all that lies between: the system maps what is near, too.
        let n_blocks = self.directory.kinds.len() + 1;
        let entries = self.directory.entries.get(number * n_blocks..(number + 1) * n_blocks);
        let entries = entries.unwrap_or_default();
        let begin = entries.iter().map(|entry| entry.place).min().unwrap_or(0);
        let end = entries.iter().map(|entry| entry.place + entry.n_bytes).max().unwrap_or(0);
        self.bytes.forget(begin, usize::try_from(end.saturating_sub(begin)).unwrap_or(0));
    }
}

/// What a block's numbers and texts are.
fn values<'a>(
    entry: &Entry,
    places: &'a [u8],
    texts: &'a [u8],
    dictionary: Option<Texts<'a>>,
) -> Option<Values<'a>> {
    Some(match entry.form {
        Form::Whole(width) => {
            let (min, max) = (entry.min.cast_signed(), entry.max.cast_signed());
            let offsets = offsets(width, places)?;
            Values::Whole(Whole { base: base(min, max), offsets, min, max })
        }
        Form::Float => Values::Float(Floats {
            values: numbers(places)?,
            min: f64::from_bits(entry.min),
            max: f64::from_bits(entry.max),
            has_negative_zero: entry.flag,
        }),
        Form::Coded(width) => {
            Values::Coded { codes: offsets(width, places)?, dictionary: dictionary? }
        }
        Form::Text => {
            Values::Text(Texts { ends: numbers(places)?, bytes: texts, is_ascii: entry.flag })
        }
    })
}

fn offsets(width: Width, bytes: &[u8]) -> Option<Offsets<'_>> {
    Some(match width {
        Width::Zero => Offsets::Zero,
        Width::Steps => Offsets::Steps,
        Width::One => Offsets::U8(bytes),
        Width::Two => Offsets::U16(numbers(bytes)?),
        Width::Four => Offsets::U32(numbers(bytes)?),
        Width::Eight => Offsets::U64(numbers(bytes)?),
    })
}

/// Checks what readers count on.
fn check(column: &Column<'_>, n_rows: usize) -> Result<(), Failure> {
    if let Some(nulls) = column.nulls {
        let n_nulls: usize = nulls.iter().map(|word| word.count_ones() as usize).sum();
        let beyond = nulls.last().map_or(0, |last| match n_rows % 64 {
            0 => 0,
            n_bits => last >> n_bits,
        });
        if n_nulls != column.n_nulls || beyond != 0 {
            return Err(Failure::Damaged("missing values are miscounted"));
        }
    }
    let is_sound = match &column.values {
        Values::Whole(_) | Values::Float(_) => true,
        Values::Coded { codes, dictionary } => largest(codes) < dictionary.len() as u64,
        Values::Text(texts) => {
            let last = texts.ends.last().copied().unwrap_or(0) as usize;
            texts.ends.is_sorted() && last == texts.bytes.len()
        }
    };
    is_sound.then_some(()).ok_or(Failure::Damaged("texts are not where they should be"))
}

fn largest(codes: &Offsets<'_>) -> u64 {
    match codes {
        Offsets::Zero => 0,
        Offsets::U8(codes) => codes.iter().max().copied().map_or(0, u64::from),
        Offsets::U16(codes) => codes.iter().max().copied().map_or(0, u64::from),
        Offsets::U32(codes) => codes.iter().max().copied().map_or(0, u64::from),
        Offsets::Steps | Offsets::U64(_) => u64::MAX,
    }
}

/// The first number below `n` of which `is_before` is not true.
fn partition_point(n: usize, is_before: impl Fn(usize) -> bool) -> usize {
    let (mut low, mut high) = (0, n);
    while low < high {
        let middle = low.midpoint(high);
        if is_before(middle) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    low
}
