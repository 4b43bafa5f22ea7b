//! Turns typed values into rows of PostgreSQL's binary COPY format.
//!
//! It exists so that the threads that parse a sheet also do the encoding, and the server neither
//! parses text nor guesses. It never does I/O.
//!
//! The format: <https://www.postgresql.org/docs/15/sql-copy.html#id-1.9.3.55.9.4>; the values are
//! what each type's `…_recv` function of the server reads.

use std::sync::Arc;

use sluice_schema::{ColumnType, RowEncoder, Value};

/// What a COPY stream begins with: signature, flags, length of the extension.
pub(super) const HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";

/// What it ends with.
pub(super) const TRAILER: &[u8] = &(-1_i16).to_be_bytes();

/// Days from 1970-01-01 to 2000-01-01, where PostgreSQL counts from.
const EPOCH_DAYS: i32 = 10_957;
/// The same in microseconds.
const EPOCH_US: i64 = EPOCH_DAYS as i64 * 86_400_000_000;

/// A length that means NULL.
const NULL: [u8; 4] = (-1_i32).to_be_bytes();

/// Why a row cannot be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unfit {
    /// A text holds U+0000, which no text type of PostgreSQL can.
    Nul,
    /// A value is not of its column's type.
    Type,
}

/// The first cell that cannot be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct UnfitCell {
    /// Counted from 0 within the block.
    pub(super) row_in_block: usize,
    pub(super) column: usize,
    pub(super) why: Unfit,
}

/// Encodes a block of rows; row numbers are filled in when the block's place is known.
#[derive(Debug)]
pub(crate) struct CopyEncoder {
    columns: Arc<[ColumnType]>,
    key_column: Option<usize>,
    rows: Vec<u8>,
    /// Where in `rows` each row starts.
    row_starts: Vec<usize>,
    next_column: usize,
    is_in_row: bool,
    n_null_keys: u64,
    unfit: Option<UnfitCell>,
}

impl CopyEncoder {
    /// An encoder of rows of these columns, of which `key_column` is watched.
    pub(crate) fn new(columns: Arc<[ColumnType]>, key_column: Option<usize>) -> CopyEncoder {
        CopyEncoder {
            columns,
            key_column,
            rows: Vec::new(),
            row_starts: Vec::new(),
            next_column: 0,
            is_in_row: false,
            n_null_keys: 0,
            unfit: None,
        }
    }

    /// Forgets the rows and keeps the memory.
    pub(super) fn clear(&mut self) {
        self.rows.clear();
        self.row_starts.clear();
        self.n_null_keys = 0;
        self.unfit = None;
    }

    /// Missing values met in the key column.
    pub(super) fn n_null_keys(&self) -> u64 {
        self.n_null_keys
    }

    /// The first cell that cannot be written.
    pub(super) fn unfit(&self) -> Option<UnfitCell> {
        self.unfit
    }

    /// Rows in the block.
    pub(super) fn n_rows(&self) -> usize {
        self.row_starts.len()
    }

    /// Gives the rows their numbers, from `first` on, and returns them as they go to the server.
    pub(super) fn numbered(&mut self, first: i64) -> &[u8] {
        for (number, &start) in (first..).zip(&self.row_starts) {
            if let Some(place) = self.rows.get_mut(start + 6..start + 14) {
                place.copy_from_slice(&number.to_be_bytes());
            }
        }
        &self.rows
    }

    /// Begins a row: the number of fields, then `_row` (bigint) with its number left open.
    fn begin_row(&mut self) {
        self.row_starts.push(self.rows.len());
        // The store refuses sheets with more columns than PostgreSQL has room for, 1,600.
        let n_fields = i16::try_from(self.columns.len() + 1).unwrap_or(i16::MAX);
        self.rows.extend_from_slice(&n_fields.to_be_bytes());
        self.put(&[0; 8]);
        self.is_in_row = true;
    }

    fn refuse(&mut self, column: usize, why: Unfit) {
        let row_in_block = self.row_starts.len().saturating_sub(1);
        self.unfit.get_or_insert(UnfitCell { row_in_block, column, why });
        self.rows.extend_from_slice(&NULL);
    }

    /// Appends a field of a known, small size.
    fn put<const N: usize>(&mut self, bytes: &[u8; N]) {
        self.put_length(N);
        self.rows.extend_from_slice(bytes);
    }

    fn put_length(&mut self, n_bytes: usize) {
        // A cell of 2 GiB is refused long before; the server would refuse this length, too.
        let length = i32::try_from(n_bytes).unwrap_or(i32::MAX);
        self.rows.extend_from_slice(&length.to_be_bytes());
    }

    fn put_text(&mut self, column: usize, text: &str) {
        if memchr::memchr(0, text.as_bytes()).is_some() {
            return self.refuse(column, Unfit::Nul);
        }
        self.put_length(text.len());
        self.rows.extend_from_slice(text.as_bytes());
    }

    fn put_null(&mut self, column: usize) {
        if self.key_column == Some(column) {
            self.n_null_keys += 1;
        }
        self.rows.extend_from_slice(&NULL);
    }

    fn fill_up_to(&mut self, column: usize) {
        while self.next_column < column {
            self.put_null(self.next_column);
            self.next_column += 1;
        }
    }
}

impl RowEncoder for CopyEncoder {
    fn value(&mut self, column: usize, value: Value<'_>) {
        if !self.is_in_row {
            self.begin_row();
        }
        self.fill_up_to(column.min(self.columns.len()));
        self.next_column += 1;
        let Some(&column_type) = self.columns.get(column) else {
            return self.refuse(column, Unfit::Type);
        };
        match (column_type, value) {
            (_, Value::Null) => self.put_null(column),
            (ColumnType::Boolean, Value::Boolean(value)) => self.put(&[u8::from(value)]),
            (ColumnType::Int, Value::Int(value)) => match i32::try_from(value) {
                Ok(value) => self.put(&value.to_be_bytes()),
                Err(_) => self.refuse(column, Unfit::Type),
            },
            (ColumnType::BigInt, Value::Int(value)) => self.put(&value.to_be_bytes()),
            (ColumnType::Decimal { scale, .. }, Value::Decimal(value)) => {
                push_numeric(&mut self.rows, value, scale);
            }
            (ColumnType::Float, Value::Float(value)) => self.put(&value.to_bits().to_be_bytes()),
            (ColumnType::Date, Value::Date(days)) => {
                self.put(&(days.saturating_sub(EPOCH_DAYS)).to_be_bytes());
            }
            (ColumnType::LocalTime, Value::Time(us)) => self.put(&us.to_be_bytes()),
            (ColumnType::LocalDateTime | ColumnType::DateTime, Value::Timestamp(us)) => {
                self.put(&us.saturating_sub(EPOCH_US).to_be_bytes());
            }
            (ColumnType::Uuid, Value::Uuid(bytes)) => self.put(&bytes),
            (ColumnType::Json, Value::Text(text)) => self.put_text(column, text),
            (ColumnType::String, Value::Text(text)) => self.put_text(column, text),
            _ => self.refuse(column, Unfit::Type),
        }
    }

    fn end_row(&mut self) {
        if !self.is_in_row {
            self.begin_row();
        }
        self.fill_up_to(self.columns.len());
        self.next_column = 0;
        self.is_in_row = false;
    }
}

/// Decimal digits in one digit of `numeric`.
const GROUP: u32 = 4;
/// The base of `numeric`.
const BASE: u128 = 10_000;
/// 19 digits before and 18 after the point, each rounded up to groups.
const MAX_GROUPS: usize = 12;

/// Appends a `numeric`, with its length, from unscaled digits.
///
/// It is a header of four 16-bit numbers (how many digits, the power of 10,000 of the first, the
/// sign, decimal digits after the point) and the digits in base 10,000, without zeros around them.
fn push_numeric(out: &mut Vec<u8>, unscaled: i64, scale: u8) {
    // Fill the fraction up to whole groups, then cut groups off from the right.
    let n_fraction_groups = u32::from(scale).div_ceil(GROUP);
    let padding = n_fraction_groups * GROUP - u32::from(scale);
    let mut rest = u128::from(unscaled.unsigned_abs()) * 10_u128.pow(padding);
    let mut groups = [0_u16; MAX_GROUPS];
    let mut n_groups: usize = 0;
    let mut n_skipped: i16 = 0;
    while rest != 0 {
        let (higher, group) = split_group(rest);
        rest = higher;
        if n_groups == 0 && group == 0 {
            n_skipped += 1;
        } else if let Some(place) = groups.get_mut(n_groups) {
            *place = group;
            n_groups += 1;
        }
    }
    let digits = groups.get(..n_groups).unwrap_or_default();
    let n_digits = i16::try_from(n_groups).unwrap_or_default();
    let fraction_groups = i16::try_from(n_fraction_groups).unwrap_or_default();
    let weight = if n_groups == 0 { 0 } else { n_digits + n_skipped - fraction_groups - 1 };
    let sign: u16 = if unscaled < 0 { 0x4000 } else { 0 };
    let n_bytes = i32::from(8 + 2 * n_digits);
    out.extend_from_slice(&n_bytes.to_be_bytes());
    out.extend_from_slice(&n_digits.to_be_bytes());
    out.extend_from_slice(&weight.to_be_bytes());
    out.extend_from_slice(&sign.to_be_bytes());
    out.extend_from_slice(&u16::from(scale).to_be_bytes());
    for group in digits.iter().rev() {
        out.extend_from_slice(&group.to_be_bytes());
    }
}

/// Divides by the base; 128-bit division is slow and hardly ever needed.
fn split_group(value: u128) -> (u128, u16) {
    let (higher, group) = match u64::try_from(value) {
        Ok(value) => (u128::from(value / 10_000), u128::from(value % 10_000)),
        Err(_) => (value / BASE, value % BASE),
    };
    (higher, u16::try_from(group).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_numeric(unscaled: i64, scale: u8, expect: &[i16]) {
        let mut out = Vec::new();
        push_numeric(&mut out, unscaled, scale);
        let mut wanted = i32::try_from(expect.len() * 2).unwrap_or(0).to_be_bytes().to_vec();
        wanted.extend(expect.iter().flat_map(|number| number.to_be_bytes()));
        assert_eq!(out, wanted, "{unscaled} at scale {scale}");
    }

    #[test]
    fn numerics() {
        check_numeric(0, 2, &[0, 0, 0, 2]);
        check_numeric(123_450, 2, &[2, 0, 0, 2, 1_234, 5_000]);
        check_numeric(-5, 1, &[1, -1, 0x4000, 1, 5_000]);
        check_numeric(10_000, 0, &[1, 1, 0, 0, 1]);
        check_numeric(1, 5, &[1, -2, 0, 5, 1_000]);
        check_numeric(
            999_999_999_999_999_999,
            17,
            &[6, 0, 0, 17, 9, 9_999, 9_999, 9_999, 9_999, 9_000],
        );
        check_numeric(i64::MIN, 0, &[5, 4, 0x4000, 0, 922, 3_372, 368, 5_477, 5_808]);
    }

    #[test]
    fn rows_get_numbers() {
        let columns: Arc<[ColumnType]> = Arc::from([ColumnType::Int, ColumnType::String]);
        let mut block = CopyEncoder::new(columns, Some(0));
        block.value(0, Value::Int(5));
        block.end_row();
        block.value(1, Value::Text("é"));
        block.end_row();
        assert_eq!((block.n_rows(), block.n_null_keys(), block.unfit()), (2, 1, None));
        let mut expect: Vec<u8> = vec![0, 3, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 41];
        expect.extend([0, 0, 0, 4, 0, 0, 0, 5, 255, 255, 255, 255]);
        expect.extend([0, 3, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 42]);
        expect.extend([255, 255, 255, 255, 0, 0, 0, 2, 0xc3, 0xa9]);
        assert_eq!(block.numbered(41), expect);
    }

    #[test]
    fn what_cannot_be_written_is_named() {
        let columns: Arc<[ColumnType]> = Arc::from([ColumnType::Int, ColumnType::String]);
        let mut block = CopyEncoder::new(columns, None);
        block.value(0, Value::Int(5));
        block.end_row();
        block.value(0, Value::Int(5));
        block.value(1, Value::Text("a\0"));
        block.end_row();
        let nul = UnfitCell { row_in_block: 1, column: 1, why: Unfit::Nul };
        assert_eq!(block.unfit(), Some(nul));
        block.clear();
        block.value(0, Value::Int(1 << 31));
        let wide = UnfitCell { row_in_block: 0, column: 0, why: Unfit::Type };
        assert_eq!(block.unfit(), Some(wide));
    }
}
