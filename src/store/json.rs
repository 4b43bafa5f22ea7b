//! Writes typed values as JSON bytes, the same bytes whichever store they come from.
//!
//! A [`RowShape`] says which fields an object has and from which result column each comes; walking
//! it over a row appends the finished JSON. Nothing here allocates per row or parses text.

use std::sync::Arc;

use super::connection::{self, Page, PagePart};
use super::cursor::write_base64;
use super::node::HEAD_BYTES;
use super::value::{Value, write_json};

/// How a result column becomes JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CellKind {
    /// `true` or `false`.
    Boolean,
    /// A number without quotes.
    Int,
    /// A whole number in quotes; also sums, which may pass 64 bits.
    BigInt,
    /// A scaled whole number as decimal text in quotes.
    Decimal {
        /// Digits after the point.
        scale: u8,
    },
    /// A double, in the shortest form that reads back the same.
    Float,
    /// `2024-01-31`
    Date,
    /// `10:00:00`
    LocalTime,
    /// `2024-01-31T10:00:00`
    LocalDateTime,
    /// `2024-01-31T10:00:00Z`
    DateTime,
    /// 36 characters, lower case.
    Uuid,
    /// JSON as it is kept.
    Json,
    /// Text.
    Text,
}

/// What stands behind a key of an object.
#[derive(Clone, Debug)]
pub enum OutCell {
    /// A result column.
    Column {
        /// Position in the result.
        index: usize,
        /// How to write it.
        kind: CellKind,
    },
    /// Finished JSON, the same for every row.
    Literal(Box<[u8]>),
    /// A nested object over the same row.
    Object(RowShape),
    /// The first of the rows gathered into one result column, or `null`.
    Row {
        /// Position in the result.
        index: usize,
        /// Its shape.
        shape: RowShape,
    },
    /// A nested list whose rows were gathered into one result column.
    Rows {
        /// Position in the result.
        index: usize,
        /// The shape of each.
        shape: RowShape,
    },
    /// A part of a connection's page, whose rows were gathered into one result column.
    Page {
        /// Position of the rows.
        rows: usize,
        /// Position of the number of rows asked for.
        size: usize,
        /// How they were read.
        page: Arc<Page>,
        /// Which part.
        part: PagePart,
    },
    /// What names the row among all rows of all datasets.
    NodeId {
        /// What it begins with.
        head: [u8; HEAD_BYTES],
        /// Position of the key.
        index: usize,
        /// How to write it.
        kind: CellKind,
    },
}

/// One key of an object.
#[derive(Clone, Debug)]
pub struct OutField {
    /// `"key":`, ready to be copied.
    pub key: Box<[u8]>,
    /// What follows.
    pub cell: OutCell,
}

/// The fields of an object in the order of the selection.
pub type RowShape = Vec<OutField>;

/// The shape of a root field's whole answer.
#[derive(Clone, Debug)]
pub enum RootShape {
    /// `[{…},…]`
    List(RowShape),
    /// `{…}` from the first row, or `null`.
    Optional(RowShape),
    /// `{…}` from the only row.
    Single(RowShape),
}

/// A row that can write its own columns; each store has one kind for its results and for the
/// rows gathered inside a column. Others gather no rows.
pub trait Cells {
    /// Column `index`, which is of this kind.
    fn value(&self, index: usize, kind: CellKind) -> Result<Value<'_>, BadCell>;

    /// Appends column `index` as JSON; `null` where it is null.
    fn write(&self, index: usize, kind: CellKind, out: &mut Vec<u8>) -> Result<(), BadCell> {
        write_json(self.value(index, kind)?, kind, out);
        Ok(())
    }

    /// A whole number of any size; `None` where it is null.
    fn integer(&self, index: usize) -> Result<Option<i128>, BadCell> {
        match self.value(index, CellKind::BigInt)? {
            Value::Null => Ok(None),
            value => value.integer().map(Some).ok_or(BadCell(index)),
        }
    }

    /// Appends the rows gathered in a column as a JSON list.
    fn write_rows(&self, index: usize, _: &RowShape, _: &mut Vec<u8>) -> Result<(), BadCell> {
        Err(BadCell(index))
    }

    /// Appends the first row gathered in a column as a JSON object, or `null`.
    fn write_row(&self, index: usize, _: &RowShape, _: &mut Vec<u8>) -> Result<(), BadCell> {
        Err(BadCell(index))
    }

    /// A row gathered in a column.
    type Gathered<'a>: Cells
    where
        Self: 'a;

    /// The rows gathered in a column.
    fn gathered(&self, index: usize) -> Result<Vec<Self::Gathered<'_>>, BadCell> {
        Err(BadCell(index))
    }
}

/// A result that is not what the plan said: a defect.
#[derive(Debug, thiserror::Error)]
#[error("result column {0} does not hold what the plan said")]
pub struct BadCell(pub usize);

/// Appends an object.
///
/// # Errors
/// When the row does not fit the shape.
pub fn write_object<R: Cells>(
    row: &R,
    shape: &[OutField],
    out: &mut Vec<u8>,
) -> Result<(), BadCell> {
    out.push(b'{');
    for (position, field) in shape.iter().enumerate() {
        if position > 0 {
            out.push(b',');
        }
        out.extend_from_slice(&field.key);
        match &field.cell {
            OutCell::Column { index, kind } => row.write(*index, *kind, out)?,
            OutCell::Literal(bytes) => out.extend_from_slice(bytes),
            OutCell::Object(nested) => write_object(row, nested, out)?,
            OutCell::Row { index, shape } => row.write_row(*index, shape, out)?,
            OutCell::Rows { index, shape } => row.write_rows(*index, shape, out)?,
            OutCell::Page { rows, size, page, part } => {
                let n_rows = row.integer(*size)?.and_then(|n| usize::try_from(n).ok());
                let n_rows = n_rows.ok_or(BadCell(*size))?;
                connection::write_part(page, part, &row.gathered(*rows)?, n_rows, out)?;
            }
            OutCell::NodeId { head, index, kind } => {
                let mut bytes = head.to_vec();
                row.write(*index, *kind, &mut bytes)?;
                out.push(b'"');
                write_base64(&bytes, out);
                out.push(b'"');
            }
        }
    }
    out.push(b'}');
    Ok(())
}

/// `"key":`
pub fn key_bytes(key: &str) -> Box<[u8]> {
    let mut bytes = Vec::with_capacity(key.len() + 3);
    write_text(key.as_bytes(), &mut bytes);
    bytes.push(b':');
    bytes.into_boxed_slice()
}

/// Appends text in quotes, escaped as RFC 8259 asks.
pub fn write_text(text: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    let mut rest = text;
    while let Some(position) = rest.iter().position(|&byte| ESCAPE.contains(byte)) {
        let (plain, tail) = rest.split_at(position);
        out.extend_from_slice(plain);
        let Some((&byte, after)) = tail.split_first() else { break };
        match byte {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            0x08 => out.extend_from_slice(b"\\b"),
            0x0c => out.extend_from_slice(b"\\f"),
            other => {
                const HEX: &[u8; 16] = b"0123456789abcdef";
                out.extend_from_slice(b"\\u00");
                for nibble in [other >> 4, other & 15] {
                    out.extend(HEX.get(usize::from(nibble)));
                }
            }
        }
        rest = after;
    }
    out.extend_from_slice(rest);
    out.push(b'"');
}

/// The bytes that JSON text must escape.
struct EscapeSet([bool; 256]);

impl EscapeSet {
    fn contains(&self, byte: u8) -> bool {
        self.0.get(usize::from(byte)).copied().unwrap_or(false)
    }
}

#[expect(
    clippy::indexing_slicing,
    reason = "constant positions below 256, checked by the compiler"
)]
static ESCAPE: EscapeSet = {
    let mut set = [false; 256];
    let mut byte = 0;
    while byte < 0x20 {
        set[byte] = true;
        byte += 1;
    }
    set[b'"' as usize] = true;
    set[b'\\' as usize] = true;
    EscapeSet(set)
};

/// Appends a whole number.
pub fn write_integer(value: i64, out: &mut Vec<u8>) {
    out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}

/// Appends a double in the shortest form that reads back the same; `null` if it is not finite.
pub fn write_float(value: f64, out: &mut Vec<u8>) {
    if value.is_finite() {
        out.extend_from_slice(ryu::Buffer::new().format_finite(value).as_bytes());
    } else {
        out.extend_from_slice(b"null");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_escaped_like_serde_json() {
        for text in ["", "plain", "a\"b\\c\nd\re\tf\u{8}\u{c}\u{0}\u{1f}", "é😀\u{2028}", "end\""]
        {
            let mut out = Vec::new();
            write_text(text.as_bytes(), &mut out);
            assert_eq!(String::from_utf8(out).ok(), serde_json::to_string(text).ok());
        }
    }
}
