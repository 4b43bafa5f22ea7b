//! Turns typed values into SQLite records: the byte strings that cells of a b-tree carry.
//!
//! It exists so that the threads that parse a sheet also do the encoding, and the one thread that
//! packs pages only copies. It knows nothing of pages and never does I/O.
//!
//! The format is section 2 of <https://www.sqlite.org/fileformat2.html>: a header of varints (its
//! own length, then a serial type per column) and the values end to end.

#![expect(
    clippy::cast_possible_truncation,
    reason = "a format of bytes: values are cut to the width that their serial type states"
)]

use sluice_schema::{RowEncoder, Value, temporal};

/// The longest form of a varint.
pub(super) const MAX_VARINT_BYTES: usize = 9;

const SERIAL_NULL: u8 = 0;
const SERIAL_FLOAT: u8 = 7;
const SERIAL_ZERO: u8 = 8;
const SERIAL_ONE: u8 = 9;
/// Text of `n` bytes has serial type `2n + 13`.
const SERIAL_TEXT: u64 = 13;

/// Appends a varint: seven bits a byte, the high groups first, all eight bits of a ninth byte.
pub(super) fn push_varint(out: &mut Vec<u8>, value: u64) {
    if value < 1 << 7 {
        out.push(value as u8);
    } else if value < 1 << 14 {
        out.extend_from_slice(&[(value >> 7) as u8 | 0x80, (value & 0x7f) as u8]);
    } else {
        push_long_varint(out, value);
    }
}

fn push_long_varint(out: &mut Vec<u8>, value: u64) {
    let n_bits = u64::BITS - value.leading_zeros();
    if n_bits > 56 {
        for shift in [57, 50, 43, 36, 29, 22, 15, 8] {
            out.push((value >> shift) as u8 | 0x80);
        }
        out.push(value as u8);
        return;
    }
    let n_groups = n_bits.div_ceil(7).max(1);
    for group in (1..n_groups).rev() {
        out.push((value >> (7 * group)) as u8 | 0x80);
    }
    out.push((value & 0x7f) as u8);
}

/// Appends a whole number's bytes to `body` and returns its serial type.
pub(super) fn push_integer(body: &mut Vec<u8>, value: i64) -> u8 {
    let bytes = value.to_be_bytes();
    let [_, _, b2, _, b4, b5, b6, b7] = bytes;
    match value {
        0 => SERIAL_ZERO,
        1 => SERIAL_ONE,
        -0x80..=0x7f => {
            body.push(b7);
            1
        }
        -0x8000..=0x7fff => {
            body.extend_from_slice(&[b6, b7]);
            2
        }
        -0x80_0000..=0x7f_ffff => {
            body.extend_from_slice(&[b5, b6, b7]);
            3
        }
        -0x8000_0000..=0x7fff_ffff => {
            body.extend_from_slice(&[b4, b5, b6, b7]);
            4
        }
        -0x8000_0000_0000..=0x7fff_ffff_ffff => {
            let [_, _, _, b3, ..] = bytes;
            body.extend_from_slice(&[b2, b3, b4, b5, b6, b7]);
            5
        }
        _ => {
            body.extend_from_slice(&bytes);
            6
        }
    }
}

/// Appends a record's header and body to `out`.
///
/// `serial_types` is the header without its own length, which counts itself.
pub(super) fn push_record(out: &mut Vec<u8>, serial_types: &[u8], body: &[u8]) {
    let n = serial_types.len() as u64;
    let header_bytes = if n + 1 < 1 << 7 {
        n + 1
    } else if n + 2 < 1 << 14 {
        n + 2
    } else {
        n + 3
    };
    push_varint(out, header_bytes);
    out.extend_from_slice(serial_types);
    out.extend_from_slice(body);
}

/// Serial type and bytes of a text, for records made by hand.
pub(super) fn push_text(serial_types: &mut Vec<u8>, body: &mut Vec<u8>, text: &[u8]) {
    push_varint(serial_types, 2 * text.len() as u64 + SERIAL_TEXT);
    body.extend_from_slice(text);
}

/// Encodes a block of rows as records, end to end in one buffer.
///
/// The first field of each record is NULL: it stands for `_row`, whose value is the cell's rowid.
#[derive(Debug)]
pub(crate) struct RecordEncoder {
    records: Vec<u8>,
    /// Where each record ends in `records`.
    ends: Vec<usize>,
    /// Values of the key column, where it is one of whole numbers to be indexed on the way.
    keys: Vec<i64>,
    n_null_keys: u64,
    key_column: Option<usize>,
    n_columns: usize,
    next_column: usize,
    serial_types: Vec<u8>,
    body: Vec<u8>,
}

impl RecordEncoder {
    /// An encoder of rows of `n_columns` values, of which `key_column` is watched.
    pub(crate) fn new(n_columns: usize, key_column: Option<usize>) -> RecordEncoder {
        RecordEncoder {
            records: Vec::new(),
            ends: Vec::new(),
            keys: Vec::new(),
            n_null_keys: 0,
            key_column,
            n_columns,
            next_column: 0,
            serial_types: vec![SERIAL_NULL],
            body: Vec::new(),
        }
    }

    /// Forgets the rows and keeps the memory.
    pub(crate) fn clear(&mut self) {
        self.records.clear();
        self.ends.clear();
        self.keys.clear();
        self.n_null_keys = 0;
    }

    /// Missing values met in the key column.
    pub(crate) fn n_null_keys(&self) -> u64 {
        self.n_null_keys
    }

    /// Whole numbers of the key column, one per row unless some are missing.
    pub(crate) fn keys(&self) -> &[i64] {
        &self.keys
    }

    /// The records in row order.
    pub(crate) fn records(&self) -> impl Iterator<Item = &[u8]> {
        let mut start = 0;
        self.ends.iter().map(move |&end| {
            let record = self.records.get(start..end).unwrap_or_default();
            start = end;
            record
        })
    }

    fn put_null(&mut self, column: usize) {
        if self.key_column == Some(column) {
            self.n_null_keys += 1;
        }
        self.serial_types.push(SERIAL_NULL);
    }

    fn fill_up_to(&mut self, column: usize) {
        while self.next_column < column {
            self.put_null(self.next_column);
            self.next_column += 1;
        }
    }

    fn put_text(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        let start = self.body.len();
        write(&mut self.body);
        let n_bytes = (self.body.len() - start) as u64;
        push_varint(&mut self.serial_types, 2 * n_bytes + SERIAL_TEXT);
    }

    fn put_integer(&mut self, value: i64) {
        let serial_type = push_integer(&mut self.body, value);
        self.serial_types.push(serial_type);
    }

    fn put_float(&mut self, value: f64) {
        if value.is_nan() {
            // SQLite has no NaN: it stores NULL.
            self.serial_types.push(SERIAL_NULL);
            return;
        }
        // Always eight bytes. SQLite itself saves integral values of REAL columns as integers and
        // turns them back on reading; the long form reads the same everywhere.
        self.serial_types.push(SERIAL_FLOAT);
        self.body.extend_from_slice(&value.to_bits().to_be_bytes());
    }
}

impl RowEncoder for RecordEncoder {
    fn value(&mut self, column: usize, value: Value<'_>) {
        self.fill_up_to(column.min(self.n_columns));
        self.next_column += 1;
        if let (Some(key_column), Value::Int(key)) = (self.key_column, value)
            && key_column == column
        {
            self.keys.push(key);
        }
        match value {
            Value::Null => self.put_null(column),
            Value::Boolean(value) => {
                self.serial_types.push(if value { SERIAL_ONE } else { SERIAL_ZERO });
            }
            Value::Int(value) | Value::Decimal(value) => self.put_integer(value),
            Value::Float(value) => self.put_float(value),
            Value::Date(days) => self.put_text(|out| temporal::write_date(out, days)),
            Value::Time(us) => self.put_text(|out| temporal::write_time(out, us)),
            Value::Timestamp(us) => self.put_text(|out| temporal::write_timestamp(out, us)),
            Value::Uuid(bytes) => self.put_text(|out| write_uuid(out, bytes)),
            Value::Text(text) => self.put_text(|out| out.extend_from_slice(text.as_bytes())),
        }
    }

    fn end_row(&mut self) {
        self.fill_up_to(self.n_columns);
        push_record(&mut self.records, &self.serial_types, &self.body);
        self.ends.push(self.records.len());
        self.serial_types.truncate(1);
        self.body.clear();
        self.next_column = 0;
    }
}

/// Appends a UUID in its lower-case hyphenated form.
pub(super) fn write_uuid(out: &mut Vec<u8>, bytes: [u8; 16]) {
    let mut buffer = uuid::Uuid::encode_buffer();
    let text = uuid::Uuid::from_bytes(bytes).hyphenated().encode_lower(&mut buffer);
    out.extend_from_slice(text.as_bytes());
}
