//! Tables in memory for tests, with chunks of every form.

use std::collections::BTreeSet;

use crate::chunk::{Chunk, Column, Floats, Offsets, Source, Texts, Values, Whole};
use crate::{Failure, Kind, Value};

/// A cell that owns its text.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Cell {
    Null,
    Whole(i64),
    Float(f64),
    Text(Vec<u8>),
}

pub(crate) fn text(text: &str) -> Cell {
    Cell::Text(text.as_bytes().to_vec())
}

impl From<Value<'_>> for Cell {
    fn from(value: Value<'_>) -> Cell {
        match value {
            Value::Null => Cell::Null,
            Value::Whole(number) => Cell::Whole(number),
            Value::Float(number) => Cell::Float(number),
            Value::Text(text) => Cell::Text(text.to_vec()),
        }
    }
}

/// Where a row of a table is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Fate {
    Here,
    Gone,
    Late,
    LateAndGone,
}

/// A table in memory.
pub(crate) struct Table {
    chunks: Vec<Stored>,
    n_late: usize,
    dictionaries: Vec<Heap>,
}

struct Stored {
    n_rows: usize,
    rows: Numbers,
    columns: Vec<(Vec<u64>, usize, StoredValues)>,
    gone: Option<Vec<u64>>,
}

enum StoredValues {
    Whole(Numbers),
    Float(Vec<f64>, f64, f64, bool),
    Coded(Numbers),
    Text(Heap),
}

struct Numbers {
    base: i64,
    offsets: Packed,
    min: i64,
    max: i64,
}

enum Packed {
    Zero,
    Steps,
    U8(Vec<u8>),
    U16(Vec<u16>),
    U32(Vec<u32>),
    U64(Vec<u64>),
}

#[derive(Default)]
struct Heap {
    ends: Vec<u32>,
    bytes: Vec<u8>,
}

impl Heap {
    fn of<'t>(texts: impl Iterator<Item = &'t [u8]>) -> Heap {
        let mut heap = Heap::default();
        for text in texts {
            heap.bytes.extend_from_slice(text);
            heap.ends.push(u32::try_from(heap.bytes.len()).unwrap());
        }
        heap
    }

    fn texts(&self) -> Texts<'_> {
        Texts { ends: &self.ends, bytes: &self.bytes, is_ascii: self.bytes.is_ascii() }
    }
}

impl Numbers {
    /// `taste` chooses among the forms that hold these values.
    fn of(values: &[Option<i64>], taste: u64) -> Numbers {
        let present = || values.iter().flatten().copied();
        let (min, max) = (present().min().unwrap_or(i64::MAX), present().max().unwrap_or(i64::MIN));
        let base = match taste % 3 {
            _ if min > max => 7,
            0 => 0,
            _ => min,
        };
        let offset = |value: i64| value.wrapping_sub(base).cast_unsigned();
        let offsets: Vec<u64> = values.iter().map(|value| value.map_or(0, offset)).collect();
        let largest = offsets.iter().max().copied().unwrap_or(0).max(match taste / 3 % 5 {
            0 => 1 << 8,
            1 => 1 << 16,
            2 => 1 << 32,
            3 => 1,
            _ => 0,
        });
        let steps: Vec<u64> = (0..).take(offsets.len()).collect();
        let offsets = match largest {
            0 => Packed::Zero,
            _ if taste.is_multiple_of(2) && offsets == steps => Packed::Steps,
            1..=0xff => Packed::U8(offsets.iter().map(|o| u8::try_from(*o).unwrap()).collect()),
            0x100..=0xffff => {
                Packed::U16(offsets.iter().map(|o| u16::try_from(*o).unwrap()).collect())
            }
            0x1_0000..=0xffff_ffff => {
                Packed::U32(offsets.iter().map(|o| u32::try_from(*o).unwrap()).collect())
            }
            _ => Packed::U64(offsets),
        };
        Numbers { base, offsets, min, max }
    }

    fn whole(&self) -> Whole<'_> {
        let offsets = match &self.offsets {
            Packed::Zero => Offsets::Zero,
            Packed::Steps => Offsets::Steps,
            Packed::U8(offsets) => Offsets::U8(offsets),
            Packed::U16(offsets) => Offsets::U16(offsets),
            Packed::U32(offsets) => Offsets::U32(offsets),
            Packed::U64(offsets) => Offsets::U64(offsets),
        };
        Whole { base: self.base, offsets, min: self.min, max: self.max }
    }
}

pub(crate) fn bits(flags: impl Iterator<Item = bool>) -> Vec<u64> {
    let flags: Vec<bool> = flags.collect();
    let word = |flags: &[bool]| {
        flags.iter().enumerate().fold(0, |word, (bit, flag)| word | u64::from(*flag) << bit)
    };
    flags.chunks(64).map(word).collect()
}

impl Table {
    /// Puts rows into chunks of so many; their numbers in the table are three times their places.
    pub(crate) fn new(
        kinds: &[Kind],
        rows: &[(Vec<Cell>, Fate)],
        chunk_rows: usize,
        taste: u64,
    ) -> Table {
        let places = |is_late: bool| -> Vec<usize> {
            let is_here = |fate: Fate| matches!(fate, Fate::Late | Fate::LateAndGone) == is_late;
            (0..rows.len()).filter(|row| is_here(rows[*row].1)).collect()
        };
        let texts = |column: usize| -> Vec<&[u8]> {
            let texts = rows.iter().filter_map(|(cells, _)| match &cells[column] {
                Cell::Text(text) => Some(text.as_slice()),
                _ => None,
            });
            let mut texts: Vec<&[u8]> = texts.collect::<BTreeSet<_>>().into_iter().collect();
            if taste % 7 < 3 {
                texts.reverse();
            }
            texts
        };
        let dictionaries: Vec<Vec<&[u8]>> = (0..kinds.len()).map(texts).collect();
        let mut taste = taste;
        let mut stored = |rows_of: &[usize], is_late: bool| {
            let cells = |column: usize| rows_of.iter().map(move |row| &rows[*row].0[column]);
            let columns = kinds.iter().enumerate().map(|(column, kind)| {
                taste = taste.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1) >> 3;
                let nulls = bits(cells(column).map(|cell| *cell == Cell::Null));
                let n_nulls = cells(column).filter(|cell| **cell == Cell::Null).count();
                let dictionary = &dictionaries[column];
                let values = match kind {
                    Kind::Whole => {
                        let values: Vec<Option<i64>> = cells(column).map(whole).collect();
                        StoredValues::Whole(Numbers::of(&values, taste))
                    }
                    Kind::Float => {
                        let values: Vec<f64> =
                            cells(column).map(|c| float(c).unwrap_or(0.0)).collect();
                        let present = || cells(column).filter_map(float);
                        let min = present().fold(f64::INFINITY, f64::min);
                        let max = present().fold(f64::NEG_INFINITY, f64::max);
                        let zero = present().any(|v| v.to_bits() == (-0.0_f64).to_bits());
                        StoredValues::Float(values, min, max, zero)
                    }
                    Kind::Text if !is_late && taste.is_multiple_of(2) => {
                        let code = |cell: &Cell| match cell {
                            Cell::Text(text) => dictionary.iter().position(|one| one == text),
                            _ => None,
                        };
                        let codes: Vec<Option<i64>> = cells(column)
                            .map(|cell| code(cell).map(|code| i64::try_from(code).unwrap()))
                            .collect();
                        // Codes have no base.
                        StoredValues::Coded(Numbers::of(&codes, taste / 2 * 3))
                    }
                    Kind::Text => {
                        StoredValues::Text(Heap::of(cells(column).map(|cell| match cell {
                            Cell::Text(text) => text.as_slice(),
                            _ => b"",
                        })))
                    }
                };
                (nulls, n_nulls, values)
            });
            let columns = columns.collect();
            let numbers: Vec<Option<i64>> =
                rows_of.iter().map(|row| Some(3 * i64::try_from(*row).unwrap())).collect();
            let is_gone = |row: &usize| matches!(rows[*row].1, Fate::Gone | Fate::LateAndGone);
            let gone = rows_of.iter().any(is_gone).then(|| bits(rows_of.iter().map(is_gone)));
            Stored { n_rows: rows_of.len(), rows: Numbers::of(&numbers, taste), columns, gone }
        };
        let mut chunks: Vec<Stored> =
            places(false).chunks(chunk_rows).map(|rows| stored(rows, false)).collect();
        let n_ordered = chunks.len();
        chunks.extend(places(true).chunks(chunk_rows).map(|rows| stored(rows, true)));
        let n_late = chunks.len() - n_ordered;
        let dictionaries =
            dictionaries.iter().map(|texts| Heap::of(texts.iter().copied())).collect();
        Table { chunks, n_late, dictionaries }
    }
}

fn whole(cell: &Cell) -> Option<i64> {
    match cell {
        Cell::Whole(number) => Some(*number),
        _ => None,
    }
}

fn float(cell: &Cell) -> Option<f64> {
    match cell {
        Cell::Float(number) => Some(*number),
        _ => None,
    }
}

impl Source for Table {
    fn n_chunks(&self) -> usize {
        self.chunks.len()
    }

    fn chunk(&self, number: usize, columns: &[usize]) -> Result<Chunk<'_>, Failure> {
        let stored = &self.chunks[number];
        let column = |column: &usize| {
            let (nulls, n_nulls, values) = stored.columns.get(*column).ok_or(Failure::Mistaken)?;
            let values = match values {
                StoredValues::Whole(numbers) => Values::Whole(numbers.whole()),
                StoredValues::Float(values, min, max, has_negative_zero) => {
                    let has_negative_zero = *has_negative_zero;
                    Values::Float(Floats { values, min: *min, max: *max, has_negative_zero })
                }
                StoredValues::Coded(codes) => Values::Coded {
                    codes: codes.whole().offsets,
                    dictionary: self.dictionaries[*column].texts(),
                },
                StoredValues::Text(heap) => Values::Text(heap.texts()),
            };
            let nulls = (*n_nulls > 0).then_some(nulls.as_slice());
            Ok(Column { nulls, n_nulls: *n_nulls, values })
        };
        let columns = columns.iter().map(column).collect::<Result<_, Failure>>()?;
        Ok(Chunk { n_rows: stored.n_rows, rows: stored.rows.whole(), columns })
    }

    fn gone(&self, number: usize) -> Option<&[u64]> {
        self.chunks[number].gone.as_deref()
    }

    fn late(&self) -> usize {
        self.n_late
    }
}
