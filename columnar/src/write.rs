//! Writes a file of columns, from its beginning to its end, in bounded memory.

use std::fs::File;
use std::io::{self, BufWriter, Write};

use crate::block::{Block, Cells};
use crate::chunk::{Column, Offsets, Texts, Values};
use crate::chunker::{BOUNDS, Bounds, Chunker};
use crate::dictionary::Dictionary;
use crate::encode::{Facts, Numbers, Packed};
use crate::format::{
    ALIGNMENT, BYTE_ORDER, Entry, FORMAT, Form, MAGIC, Trailer, Width, kind_to_word,
};
use crate::map::bytes;
use crate::{Failure, Kind};

/// Memory of all dictionaries together.
const DICTIONARY_BYTES: usize = 32 << 20;

/// What is written at once.
const BUFFER_BYTES: usize = 1 << 20;

/// Writes a file of columns. A file that was not finished is none.
pub struct FileWriter<W: Write = File> {
    chunker: Chunker,
    output: Output<W>,
}

/// A file that was written.
#[derive(Debug)]
pub struct Written<W = File> {
    /// The file; not synchronised with the disk.
    pub file: W,
    /// Its length.
    pub size_bytes: u64,
    /// Rows in it.
    pub n_rows: u64,
}

struct Output<W: Write> {
    file: BufWriter<W>,
    place: u64,
    kinds: Vec<Kind>,
    dictionaries: Vec<Dictionary>,
    /// Bytes that dictionaries may still take.
    budget: usize,
    n_rows: u64,
    n_chunks: u64,
    /// What the directory says of chunks.
    directory: Vec<u64>,
}

impl From<Failure> for io::Error {
    fn from(failure: Failure) -> io::Error {
        io::Error::new(io::ErrorKind::InvalidInput, failure)
    }
}

impl<W: Write> FileWriter<W> {
    /// Begins a file for columns of these kinds. `file` is empty.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn create(file: W, kinds: &[Kind]) -> io::Result<FileWriter<W>> {
        FileWriter::with_bounds(file, kinds, BOUNDS)
    }

    pub(crate) fn with_bounds(
        file: W,
        kinds: &[Kind],
        bounds: Bounds,
    ) -> io::Result<FileWriter<W>> {
        let mut output = Output {
            file: BufWriter::with_capacity(BUFFER_BYTES, file),
            place: 0,
            kinds: kinds.to_vec(),
            dictionaries: kinds.iter().map(|_| Dictionary::default()).collect(),
            budget: DICTIONARY_BYTES,
            n_rows: 0,
            n_chunks: 0,
            directory: Vec::new(),
        };
        output.write(bytes(&[MAGIC, BYTE_ORDER, FORMAT]))?;
        output.align()?;
        Ok(FileWriter { chunker: Chunker::new(kinds, bounds), output })
    }

    /// Appends the rows of a block. Rows with numbers keep them; those without count on from the
    /// row before, the first of all being 1.
    ///
    /// # Errors
    /// When the file cannot be written. `InvalidInput` where the block is of other kinds, row
    /// numbers do not grow, or it was given more than 4 GiB of text in a column. The writer is of
    /// no use then.
    pub fn push(&mut self, block: &Block) -> io::Result<()> {
        self.chunker.push(block, |chunk| self.output.chunk(chunk))
    }

    /// Ends the file. `identity` says what it belongs to and `version` which rows it holds; both
    /// are for who opens it.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn finish(mut self, identity: [u8; 16], version: i64) -> io::Result<Written<W>> {
        self.chunker.finish(|chunk| self.output.chunk(chunk))?;
        self.output.finish(identity, version)
    }
}

impl<W: Write> Output<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)?;
        self.place += bytes.len() as u64;
        Ok(())
    }

    /// Goes on at a multiple of [`ALIGNMENT`].
    fn align(&mut self) -> io::Result<()> {
        const ZEROS: [u8; 64] = [0; 64];
        let n_bytes = self.place.next_multiple_of(ALIGNMENT) - self.place;
        let n_bytes = usize::try_from(n_bytes).unwrap_or_default();
        self.write(ZEROS.get(..n_bytes).unwrap_or_default())
    }

    fn chunk(&mut self, block: &Block) -> io::Result<()> {
        let n_rows = block.n_rows();
        self.directory.push(n_rows as u64);
        let rows = Numbers::of(block.rows(), None);
        let rows = Column { nulls: None, n_nulls: 0, values: Values::Whole(rows.view()) };
        self.column(&rows)?;

        let mut dictionaries = std::mem::take(&mut self.dictionaries);
        for (column, dictionary) in block.columns().iter().zip(&mut dictionaries) {
            let nulls = column.nulls(n_rows);
            let (nulls, n_nulls) = (nulls.as_deref(), column.n_nulls());
            let codes = match &column.cells {
                Cells::Text { ends, bytes } => {
                    let texts = Texts { ends, bytes, is_ascii: false };
                    dictionary.code(&texts, nulls, &mut self.budget)
                }
                _ => None,
            };
            if let Some(codes) = codes {
                let codes = Packed::of_codes(&codes);
                let values = Values::Coded { codes: codes.view(), dictionary: dictionary.texts() };
                self.column(&Column { nulls, n_nulls, values })?;
            } else {
                let facts = Facts::of(&column.cells, nulls);
                self.column(&facts.view(&column.cells, nulls, n_nulls)?)?;
            }
        }
        self.dictionaries = dictionaries;
        self.n_rows += n_rows as u64;
        self.n_chunks += 1;
        Ok(())
    }

    /// Writes a column of a chunk and what the directory says of it.
    fn column(&mut self, column: &Column<'_>) -> io::Result<()> {
        let entry = self.block(column)?;
        self.directory.extend(entry.to_words());
        Ok(())
    }

    fn block(&mut self, column: &Column<'_>) -> io::Result<Entry> {
        let (mut min, mut max, mut flag, mut texts) = (0, 0, false, [].as_slice());
        let (form, numbers) = match &column.values {
            Values::Whole(whole) => {
                (min, max) = (whole.min.cast_unsigned(), whole.max.cast_unsigned());
                let (width, numbers) = offsets(&whole.offsets);
                (Form::Whole(width), numbers)
            }
            Values::Float(floats) => {
                (min, max) = (floats.min.to_bits(), floats.max.to_bits());
                flag = floats.has_negative_zero;
                (Form::Float, bytes(floats.values))
            }
            Values::Coded { codes, .. } => {
                let (width, numbers) = offsets(codes);
                (Form::Coded(width), numbers)
            }
            Values::Text(heap) => {
                flag = heap.is_ascii;
                texts = heap.bytes;
                (Form::Text, bytes(heap.ends))
            }
        };
        let place = self.place;
        let mut hasher = crc32fast::Hasher::new();
        for part in [bytes(column.nulls.unwrap_or_default()), numbers, texts] {
            hasher.update(part);
            self.write(part)?;
        }
        self.align()?;
        let n_nulls = u32::try_from(column.n_nulls).map_err(|_| Failure::Mistaken)?;
        let (n_bytes, crc) = (texts.len() as u64, hasher.finalize());
        Ok(Entry { form, flag, n_nulls, place, n_bytes, min, max, crc })
    }

    fn finish(mut self, identity: [u8; 16], version: i64) -> io::Result<Written<W>> {
        let mut directory = Vec::new();
        let dictionaries = std::mem::take(&mut self.dictionaries);
        for (kind, dictionary) in self.kinds.clone().into_iter().zip(&dictionaries) {
            let texts = dictionary.texts();
            let values = Values::Text(texts);
            let entry = self.block(&Column { nulls: None, n_nulls: 0, values })?;
            directory.extend([kind_to_word(kind), texts.len() as u64]);
            directory.extend(entry.to_words());
        }

        let directory_place = self.place;
        let mut hasher = crc32fast::Hasher::new();
        for words in [directory, std::mem::take(&mut self.directory)] {
            hasher.update(bytes(&words));
            self.write(bytes(&words))?;
        }
        let directory_bytes = self.place - directory_place;
        self.align()?;
        let trailer = Trailer {
            identity,
            version,
            n_rows: self.n_rows,
            n_columns: self.kinds.len() as u64,
            n_chunks: self.n_chunks,
            directory_place,
            directory_bytes,
            directory_crc: hasher.finalize(),
        };
        self.write(bytes(&trailer.to_words()))?;
        let file = self.file.into_inner().map_err(io::IntoInnerError::into_error)?;
        Ok(Written { file, size_bytes: self.place, n_rows: self.n_rows })
    }
}

fn offsets<'a>(offsets: &Offsets<'a>) -> (Width, &'a [u8]) {
    match offsets {
        Offsets::Zero => (Width::Zero, &[]),
        Offsets::Steps => (Width::Steps, &[]),
        Offsets::U8(numbers) => (Width::One, numbers),
        Offsets::U16(numbers) => (Width::Two, bytes(numbers)),
        Offsets::U32(numbers) => (Width::Four, bytes(numbers)),
        Offsets::U64(numbers) => (Width::Eight, bytes(numbers)),
    }
}
