//! Turns any bytes into a check that files of columns keep their promises: no panic, and nothing is
//! read but what was written.
//!
//! It exists so that fuzzers and ordinary tests try the same things. It decides nothing, and is no
//! part of the interface.

use std::ops::Range;

use crate::block::Block;
use crate::chunk::{Source, Values};
use crate::chunker::{BOUNDS, Bounds};
use crate::file::ColumnFile;
use crate::format::{COLUMN_WORDS, ENTRY_WORDS, Entry, TRAILER_WORDS, Trailer};
use crate::map::bytes as bytes_of;
use crate::write::FileWriter;
use crate::{Failure, Kind, Value};

/// A table as it is written down here.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    pub(crate) kinds: Vec<Kind>,
    pub(crate) rows: Vec<Row>,
}

#[derive(Clone, Debug)]
pub(crate) struct Row {
    /// Its number, if it is told.
    pub(crate) number: Option<i64>,
    pub(crate) cells: Vec<Cell>,
}

#[derive(Clone, Debug)]
pub(crate) enum Cell {
    Null,
    Whole(i64),
    Float(f64),
    Text(Vec<u8>),
}

impl Cell {
    fn value(&self) -> Value<'_> {
        match self {
            Cell::Null => Value::Null,
            Cell::Whole(number) => Value::Whole(*number),
            Cell::Float(number) => Value::Float(*number),
            Cell::Text(text) => Value::Text(text),
        }
    }
}

/// Whether both are the same, down to the sign of zero.
fn is_same(one: Value<'_>, other: Value<'_>) -> bool {
    match (one, other) {
        (Value::Float(one), Value::Float(other)) => one.to_bits() == other.to_bits(),
        (one, other) => one == other,
    }
}

impl Table {
    /// The rows in blocks of so many.
    pub(crate) fn blocks(&self, n_rows: usize) -> Vec<Block> {
        let block = |rows: &[Row]| {
            let mut block = Block::new(&self.kinds);
            for row in rows {
                row.cells.iter().for_each(|cell| block.push(cell.value()));
                block.end_row(row.number);
            }
            block
        };
        self.rows.chunks(n_rows).map(block).collect()
    }

    /// The file of the table, with chunks of so many rows.
    pub(crate) fn file(&self, chunk_rows: usize) -> Vec<u8> {
        let bounds = Bounds { n_rows: chunk_rows, ..BOUNDS };
        let written = FileWriter::with_bounds(Vec::new(), &self.kinds, bounds).and_then(|writer| {
            let mut writer = writer;
            self.blocks(7).iter().try_for_each(|block| writer.push(block))?;
            writer.finish([7; 16], -3)
        });
        assert!(written.is_ok(), "rows of a table can be written: {:?}", written.err());
        written.map(|written| written.file).unwrap_or_default()
    }

    /// Whether the chunks hold this table and say the truth of it. Damage is accepted, if so told.
    pub(crate) fn check(&self, source: &impl Source, may_be_damaged: bool) {
        for column in 0..self.kinds.len() {
            let mut rows = self.rows.iter();
            let mut last = 0;
            for number in 0..source.n_chunks() {
                let chunk = match source.chunk(number, &[column]) {
                    Ok(chunk) => chunk,
                    Err(failure) => {
                        let is_damage = matches!(failure, Failure::Damaged(_));
                        assert!(may_be_damaged && is_damage, "{failure}");
                        return;
                    }
                };
                let [read] = chunk.columns.as_slice() else { return };
                for index in 0..chunk.n_rows {
                    let row = rows.next();
                    assert!(row.is_some(), "rows that nobody wrote");
                    let Some(row) = row else { return };
                    last = row.number.unwrap_or(last + 1);
                    assert_eq!(chunk.rows.get(index), last, "the row's number");
                    let written = row.cells.get(column).unwrap_or(&Cell::Null).value();
                    let value = read.value(index);
                    assert!(is_same(value, written), "{value:?} was {written:?}");
                    check_bounds(value, &read.values);
                }
            }
            assert!(rows.next().is_none(), "all rows are there");
        }
    }
}

/// Whether a value is in the bounds that its chunk has.
fn check_bounds(value: Value<'_>, values: &Values<'_>) {
    match (value, values) {
        (Value::Whole(value), Values::Whole(numbers)) => {
            assert!((numbers.min..=numbers.max).contains(&value), "{value} of {numbers:?}");
        }
        (Value::Float(value), Values::Float(numbers)) => {
            assert!((numbers.min..=numbers.max).contains(&value), "{value} is out of bounds");
            let is_negative_zero = value.to_bits() == (-0.0_f64).to_bits();
            assert!(!is_negative_zero || numbers.has_negative_zero, "a negative zero is told");
        }
        (Value::Text(text), Values::Text(texts)) => {
            assert!(text.is_ascii() || !texts.is_ascii, "{text:?} is not ASCII");
        }
        (Value::Text(text), Values::Coded { dictionary, .. }) => {
            assert!(text.is_ascii() || !dictionary.is_ascii, "{text:?} is not ASCII");
        }
        _ => {}
    }
}

/// Reads any bytes as a file: all that it says can be read, or an error is told.
pub fn file(bytes: &[u8]) {
    let Ok(file) = ColumnFile::from_bytes(bytes) else { return };
    for number in 0..file.n_chunks() {
        for column in 0..file.kinds().len() {
            let Ok(chunk) = file.chunk(number, &[column]) else { continue };
            for row in 0..chunk.n_rows {
                let _ = file.find(chunk.rows.get(row));
                let _ = chunk.columns.first().map(|column| column.value(row));
            }
        }
    }
}

/// Makes a table of bytes, writes it and reads it back; then damages the file as the bytes say, at
/// some places, and reads it again: what is read is what was written.
pub fn table(bytes: &[u8]) {
    let mut tape = Tape(bytes);
    let chunk_rows = 1 + usize::from(tape.next() % 40);
    let damage: Vec<[u8; 4]> = (0..tape.next() % 8).map(|_| tape.array()).collect();
    let table = tape.table();
    let written = table.file(chunk_rows);
    let read = ColumnFile::from_bytes(&written);
    assert!(read.is_ok(), "a file can be opened: {:?}", read.err());
    if let Ok(read) = read {
        table.check(&read, false);
    }
    for [a, b, c, mask] in damage {
        let at = u32::from_le_bytes([a, b, c, 0]) as usize % written.len();
        let mut damaged = written.clone();
        match damaged.get_mut(at) {
            Some(byte) if mask > 0 => *byte ^= mask,
            _ => damaged.truncate(at),
        }
        if let Ok(read) = ColumnFile::from_bytes(&damaged) {
            table.check(&read, true);
        }
    }
}

/// Makes a file of bytes and changes words of it as the bytes say, with checksums that fit: what it
/// then says may be anything, but it is read or refused.
pub fn forgery(bytes: &[u8]) {
    let mut tape = Tape(bytes);
    let chunk_rows = 1 + usize::from(tape.next() % 40);
    let changes: Vec<[u8; 3]> = (0..1 + tape.next() % 4).map(|_| tape.array()).collect();
    let written = tape.table().file(chunk_rows);
    let mut words: Vec<u64> = written.chunks_exact(8).map(word).collect();
    let Some(seals) = Seals::of(&words) else { return };
    for [area, at, bit] in changes {
        // Mostly in the directory and the trailer: they hold what a reader might trust.
        let begin = if area.is_multiple_of(4) { 8 } else { seals.directory.start };
        let at = begin + (usize::from(area / 4) * 256 + usize::from(at)) % (words.len() - begin);
        words.iter_mut().skip(at).take(1).for_each(|word| *word ^= 1 << (bit % 64));
    }
    seals.renew(&mut words);
    file(bytes_of(&words));
}

fn word(bytes: &[u8]) -> u64 {
    bytes.try_into().map_or(0, u64::from_ne_bytes)
}

/// Where the checksums of a file are, in words.
struct Seals {
    directory: Range<usize>,
    /// For each block, where the number of its rows and where its entry is.
    blocks: Vec<(usize, usize)>,
}

impl Seals {
    fn of(words: &[u64]) -> Option<Seals> {
        let trailer = Trailer::from_words(words.get(words.len().checked_sub(TRAILER_WORDS)?..)?)?;
        let number = |number: u64| usize::try_from(number).ok();
        let (n_columns, n_chunks) = (number(trailer.n_columns)?, number(trailer.n_chunks)?);
        let start = number(trailer.directory_place)? / 8;
        let end = start + number(trailer.directory_bytes)? / 8;
        let columns = (0..n_columns).map(|column| start + column * COLUMN_WORDS);
        let mut blocks: Vec<_> = columns.map(|column| (column + 1, column + 2)).collect();
        let chunk_words = 1 + (n_columns + 1) * ENTRY_WORDS;
        for chunk in (0..n_chunks).map(|n| start + n_columns * COLUMN_WORDS + n * chunk_words) {
            blocks.extend((0..=n_columns).map(|place| (chunk, chunk + 1 + place * ENTRY_WORDS)));
        }
        Some(Seals { directory: start..end, blocks })
    }

    /// Writes checksums of what is there now.
    fn renew(&self, words: &mut [u64]) {
        for (n_rows, at) in &self.blocks {
            let crc = block_crc(words, *n_rows, *at);
            if let (Some(word), Some(crc)) = (words.get_mut(at + ENTRY_WORDS - 1), crc) {
                *word = u64::from(crc);
            }
        }
        let crc = words.get(self.directory.clone()).map(bytes_of).map(crc32fast::hash);
        let Some((_, trailer)) = words.split_last_chunk_mut::<TRAILER_WORDS>() else { return };
        let [.., directory_crc, _, _, _] = trailer;
        *directory_crc = crc.map_or(0, u64::from);
        let crc = Trailer::crc(trailer);
        let [.., trailer_crc, _] = trailer;
        *trailer_crc = u64::from(crc);
    }
}

/// The checksum of the block that an entry tells of, if there is one.
fn block_crc(words: &[u64], n_rows: usize, at: usize) -> Option<u32> {
    let entry = Entry::from_words(words.get(at..at + ENTRY_WORDS)?)?;
    let parts = entry.parts(usize::try_from(*words.get(n_rows)?).ok()?)?;
    let n_bytes = parts.nulls.checked_add(parts.numbers)?.checked_add(parts.texts)?;
    let place = usize::try_from(entry.place).ok()?;
    let block = bytes_of(words).get(place..place.checked_add(n_bytes)?)?;
    Some(crc32fast::hash(block))
}

/// Bytes that are read one after the other; zero after the last.
struct Tape<'a>(&'a [u8]);

impl Tape<'_> {
    fn next(&mut self) -> u8 {
        let (first, rest) = self.0.split_first().unwrap_or((&0, &[]));
        self.0 = rest;
        *first
    }

    fn array<const N: usize>(&mut self) -> [u8; N] {
        std::array::from_fn(|_| self.next())
    }

    fn table(&mut self) -> Table {
        const KINDS: [Kind; 3] = [Kind::Whole, Kind::Float, Kind::Text];
        let n_columns = usize::from(self.next() % 6);
        let kinds = (0..n_columns).map(|_| KINDS.into_iter().nth(usize::from(self.next() % 3)));
        let kinds: Vec<Kind> = kinds.map(|kind| kind.unwrap_or(Kind::Whole)).collect();
        let mut rows = Vec::new();
        let mut last = 0_i64;
        while !self.0.is_empty() {
            let gap = self.next();
            let number = (gap >= 128).then(|| last + i64::from(gap - 127));
            last = number.unwrap_or(last + 1);
            rows.push(Row { number, cells: kinds.iter().map(|kind| self.cell(*kind)).collect() });
        }
        Table { kinds, rows }
    }

    fn cell(&mut self, kind: Kind) -> Cell {
        let form = self.next();
        match kind {
            _ if form.is_multiple_of(8) => Cell::Null,
            Kind::Whole => Cell::Whole(match form % 5 {
                0 => i64::from(self.next()),
                1 => i64::from(i16::from_le_bytes(self.array())),
                2 => i64::from(i32::from_le_bytes(self.array())),
                3 => i64::from_le_bytes(self.array()),
                _ => 7,
            }),
            Kind::Float => {
                let number = f64::from_le_bytes(self.array());
                if number.is_finite() { Cell::Float(number) } else { Cell::Float(-0.0) }
            }
            Kind::Text => {
                let n_bytes = if form % 4 == 1 { 1 } else { form / 8 };
                Cell::Text((0..n_bytes).map(|_| self.next()).collect())
            }
        }
    }
}
