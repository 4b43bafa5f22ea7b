//! Turns what rows have in a column into small numbers.

use crate::bits::Picks;
use crate::chunk::{Chunk, Column, Offsets, Texts, Values, Whole};
use crate::gather::{each_row, gather, gather_missing, gather_offsets, gather_whole};
use crate::intern::{Numbers, Strings, next_id};
use crate::question::KeyBy;
use crate::steps::{Memo, StepTable};
use crate::{Failure, Kind, Value};

/// What stands for a missing value.
pub(crate) const MISSING: u32 = 0;

/// What to do with `-0.0`, which equals zero and prints otherwise.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum NegativeZero {
    /// It is zero.
    Same,
    /// A row store shows the first it meets, or tells them apart: not to be answered here.
    Unfit,
}

/// The different values of a column, or what is made of them, numbered from one on.
pub(crate) struct Parts<'q> {
    column: usize,
    by: &'q KeyBy,
    negative_zero: NegativeZero,
    kind: Option<Kind>,
    /// Whole numbers, and the bits of doubles, by their parts; the first stands for nothing.
    numbers: Vec<u64>,
    known: Numbers,
    /// Texts; their parts are one more than their numbers.
    strings: Strings,
    steps: StepTable,
    memo: Memo,
    /// The parts of the dictionary's texts; zero of those not seen yet.
    codes: Vec<u32>,
    /// What was gathered, to be used again.
    wholes: Vec<i64>,
    floats: Vec<f64>,
    places: Vec<u64>,
    missing: Vec<bool>,
}

impl<'q> Parts<'q> {
    pub(crate) fn new(column: usize, by: &'q KeyBy, negative_zero: NegativeZero) -> Parts<'q> {
        Parts {
            column,
            by,
            negative_zero,
            kind: None,
            numbers: vec![0],
            known: Numbers::default(),
            strings: Strings::default(),
            steps: StepTable::default(),
            memo: Memo::default(),
            codes: Vec::new(),
            wholes: Vec::new(),
            floats: Vec::new(),
            places: Vec::new(),
            missing: Vec::new(),
        }
    }

    /// How many parts there are, that of a missing value among them.
    pub(crate) fn len(&self) -> usize {
        match self.kind {
            Some(Kind::Text) => self.strings.len() + 1,
            _ => self.numbers.len(),
        }
    }

    /// The value of a part.
    pub(crate) fn value(&self, part: u32) -> Value<'_> {
        let number = self.numbers.get(part as usize).copied().unwrap_or(0);
        match self.kind {
            _ if part == MISSING => Value::Null,
            Some(Kind::Whole) => Value::Whole(number.cast_signed()),
            Some(Kind::Float) => Value::Float(f64::from_bits(number)),
            Some(Kind::Text) => Value::Text(self.strings.get(part - 1)),
            None => Value::Null,
        }
    }

    /// Makes `out` the parts of the picked rows.
    ///
    /// # Errors
    /// Mistaken, Unfit.
    pub(crate) fn find(
        &mut self,
        chunk: &Chunk<'_>,
        picks: Picks<'_>,
        out: &mut Vec<u32>,
    ) -> Result<(), Failure> {
        out.clear();
        let column = chunk.columns.get(self.column).ok_or(Failure::Mistaken)?;
        let (kind, fits) = match (&column.values, self.by) {
            (Values::Whole(_), by) => (Kind::Whole, !matches!(by, KeyBy::Double(_))),
            (Values::Float(_), by) => (Kind::Float, !matches!(by, KeyBy::Steps { .. })),
            (_, by) => (Kind::Text, matches!(by, KeyBy::Value)),
        };
        if !fits || *self.kind.get_or_insert(kind) != kind {
            return Err(Failure::Mistaken);
        }
        let mut missing = std::mem::take(&mut self.missing);
        gather_missing(column, picks, &mut missing);
        let found = match &column.values {
            Values::Whole(numbers) => {
                self.find_wholes(numbers, column, chunk.n_rows, picks, &missing, out);
                Ok(())
            }
            Values::Float(numbers) => self.find_floats(numbers.values, picks, &missing, out),
            Values::Coded { codes, dictionary } => {
                self.find_codes(codes, dictionary, picks, &missing, out);
                Ok(())
            }
            Values::Text(texts) => {
                let mut missing = missing.iter();
                each_row(picks, |row| {
                    let is_missing = missing.next().is_some_and(|is| *is);
                    out.push(if is_missing {
                        MISSING
                    } else {
                        self.strings.id(texts.get(row)) + 1
                    });
                });
                Ok(())
            }
        };
        self.missing = missing;
        found
    }

    fn find_wholes(
        &mut self,
        numbers: &Whole<'_>,
        column: &Column<'_>,
        n_rows: usize,
        picks: Picks<'_>,
        missing: &[bool],
        out: &mut Vec<u32>,
    ) {
        let mut steps = std::mem::take(&mut self.wholes);
        gather_whole(numbers, picks, &mut steps);
        let unit = match self.by {
            KeyBy::Steps { unit, .. } => (*unit).max(1),
            _ => 1,
        };
        if unit > 1 {
            steps.iter_mut().for_each(|value| *value = value.div_euclid(unit));
        }
        if column.n_nulls < n_rows {
            self.steps.cover(numbers.min.div_euclid(unit), numbers.max.div_euclid(unit));
        }
        parts(&steps, missing, out, |step| {
            let at = self.steps.place(step);
            match self.steps.parts.get(at) {
                Some(part) if *part != 0 => *part,
                _ => self.new_step(step, at),
            }
        });
        self.wholes = steps;
    }

    /// The part of a step that the table does not tell.
    fn new_step(&mut self, step: i64, at: usize) -> u32 {
        let is_in_table = at < self.steps.parts.len();
        let part = match self.by {
            // Nobody but the table knows it.
            KeyBy::Value if is_in_table => {
                self.numbers.push(step.cast_unsigned());
                next_id(self.numbers.len() - 1)
            }
            KeyBy::Steps { map, .. } if is_in_table => self.number(map(step).cast_unsigned()),
            KeyBy::Steps { map, .. } => match self.memo.part(step.cast_unsigned()) {
                Some(part) => part,
                None => {
                    let part = self.number(map(step).cast_unsigned());
                    self.memo.add(part);
                    part
                }
            },
            _ => self.number(step.cast_unsigned()),
        };
        if let Some(slot) = self.steps.parts.get_mut(at) {
            *slot = part;
        }
        part
    }

    /// The part of a number that no table has.
    fn number(&mut self, number: u64) -> u32 {
        let next = next_id(self.numbers.len());
        let part = self.known.id(number, next);
        if part == next {
            self.numbers.push(number);
        }
        part
    }

    fn find_floats(
        &mut self,
        values: &[f64],
        picks: Picks<'_>,
        missing: &[bool],
        out: &mut Vec<u32>,
    ) -> Result<(), Failure> {
        let mut floats = std::mem::take(&mut self.floats);
        gather(values, picks, &mut floats, |value| value);
        let mut is_unfit = false;
        parts(&floats, missing, out, |value| match self.by {
            KeyBy::Double(map) => match self.memo.part(value.to_bits()) {
                Some(part) => part,
                None => {
                    let part = match map(value) {
                        Some(key) => self.float(key, &mut is_unfit),
                        None => MISSING,
                    };
                    self.memo.add(part);
                    part
                }
            },
            _ => self.float(value, &mut is_unfit),
        });
        self.floats = floats;
        if is_unfit { Err(Failure::Unfit) } else { Ok(()) }
    }

    fn float(&mut self, value: f64, is_unfit: &mut bool) -> u32 {
        let is_negative_zero = value.to_bits() == (-0.0_f64).to_bits();
        *is_unfit |= is_negative_zero && self.negative_zero == NegativeZero::Unfit;
        self.number(if is_negative_zero { 0 } else { value.to_bits() })
    }

    fn find_codes(
        &mut self,
        codes: &Offsets<'_>,
        dictionary: &Texts<'_>,
        picks: Picks<'_>,
        missing: &[bool],
        out: &mut Vec<u32>,
    ) {
        if self.codes.len() < dictionary.len() {
            self.codes.resize(dictionary.len(), 0);
        }
        let mut places = std::mem::take(&mut self.places);
        gather_offsets(codes, picks, &mut places, |code| code);
        parts(&places, missing, out, |code| {
            let code = usize::try_from(code).unwrap_or(usize::MAX);
            match self.codes.get_mut(code) {
                Some(part) if *part != 0 => *part,
                Some(part) => {
                    *part = self.strings.id(dictionary.get(code)) + 1;
                    *part
                }
                None => MISSING,
            }
        });
        self.places = places;
    }

    /// Adds the parts that another thread found; answers what each of them is here.
    ///
    /// # Errors
    /// Mistaken for values of another kind.
    pub(crate) fn merge(&mut self, other: &Parts<'q>) -> Result<Vec<u32>, Failure> {
        let Some(kind) = other.kind else { return Ok(vec![MISSING]) };
        if *self.kind.get_or_insert(kind) != kind {
            return Err(Failure::Mistaken);
        }
        let n_parts = next_id(other.len());
        Ok((0..n_parts)
            .map(|part| match other.value(part) {
                Value::Null => MISSING,
                Value::Text(text) => self.strings.id(text) + 1,
                Value::Float(number) => self.number(number.to_bits()),
                Value::Whole(number) if matches!(self.by, KeyBy::Value) => {
                    let at = self.steps.place(number);
                    match self.steps.parts.get(at) {
                        Some(part) if *part != 0 => *part,
                        // What lies out of the table now must never come to lie in it.
                        found => {
                            self.steps.is_full |= found.is_none();
                            self.new_step(number, at)
                        }
                    }
                }
                Value::Whole(number) => self.number(number.cast_unsigned()),
            })
            .collect())
    }

    pub(crate) fn bytes(&self) -> usize {
        (self.numbers.capacity() + self.places.capacity()) * 8
            + (self.wholes.capacity() + self.floats.capacity()) * 8
            + (self.steps.parts.capacity() + self.codes.capacity()) * 4
            + self.known.bytes()
            + self.strings.bytes()
            + self.memo.bytes()
    }
}

/// Makes `out` the parts of the values that are not missing; `missing` is empty if none is.
fn parts<T: Copy>(
    values: &[T],
    missing: &[bool],
    out: &mut Vec<u32>,
    mut part: impl FnMut(T) -> u32,
) {
    if missing.is_empty() {
        out.extend(values.iter().map(|value| part(*value)));
    } else {
        let values = values.iter().zip(missing);
        out.extend(values.map(|(value, is_missing)| match is_missing {
            true => MISSING,
            false => part(*value),
        }));
    }
}
