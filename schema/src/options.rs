//! Turns what a caller wants to decide, bound or watch into three small types.
//! It exists so that every decision made by evidence can be overridden and every limit is an argument.
//! It never decides anything by itself.

use serde::{Deserialize, Serialize};

/// What the caller decides about reading a file; everything left out is decided by evidence.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct ReadOptions {
    /// The byte between cells.
    pub delimiter: Option<char>,
    /// The quote around cells; `'\0'` means that nothing is quoted.
    pub quote: Option<char>,
    /// The character that takes the special meaning of the next mark, e.g. a backslash; `'\0'` means that none does.
    pub escape: Option<char>,
    /// Lines that begin with this character are comments; `'\0'` means that none are.
    pub comment: Option<char>,
    /// The text encoding by its WHATWG label, e.g. `windows-1252`.
    pub encoding: Option<String>,
    /// The row (1-based, as a spreadsheet shows it) of the last header line; 0 means that there is none.
    pub header_row: Option<u64>,
    /// How many stacked rows make up the header (1 or 2).
    pub header_rows: Option<u64>,
    /// Rows left out before the header.
    pub skip_rows: Option<u64>,
    /// Rows left out at the end.
    pub skip_footer: Option<u64>,
    /// Spellings read as null in typed columns, in place of the built-in ones; the empty cell always is.
    pub null_spellings: Option<Vec<String>>,
    /// Which comes first in dates like `03/04/2024`.
    pub date_order: Option<DateOrder>,
    /// The decimal mark, `.` or `,`.
    pub decimal_mark: Option<char>,
    /// Names of the sheets (or archive members) to read, in any order; hidden ones are read only when named.
    pub sheets: Option<Vec<String>>,
    /// Whether members of objects inside JSON rows become columns of their own, labelled `outer.inner`; one level only.
    pub flatten: bool,
    /// What is decided column by column.
    pub columns: Vec<ColumnOverride>,
    /// The same from an earlier file: what `columns` says counts more, and a column that is not there is no error.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub inherited: Vec<ColumnOverride>,
}

/// What the caller decides about one column.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ColumnOverride {
    /// The header as written in the file.
    pub label: String,
    /// The type that every cell must have; a cell that does not fit is a reject.
    #[serde(default, rename = "type")]
    pub column_type: Option<DeclaredType>,
    /// The GraphQL field name.
    #[serde(default)]
    pub name: Option<String>,
    /// Whether a null is a reject.
    #[serde(default)]
    pub required: bool,
    /// Whether the column is left out.
    #[serde(default)]
    pub skip: bool,
}

/// A type as a caller declares it; the scale of decimals may be left to the values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum DeclaredType {
    /// See [`crate::ColumnType::Boolean`].
    Boolean,
    /// See [`crate::ColumnType::Int`].
    Int,
    /// See [`crate::ColumnType::BigInt`].
    #[serde(rename = "BIGINT")]
    BigInt,
    /// See [`crate::ColumnType::Decimal`]; the scale is the largest in the column.
    Decimal,
    /// See [`crate::ColumnType::Float`].
    Float,
    /// See [`crate::ColumnType::Date`].
    Date,
    /// See [`crate::ColumnType::LocalTime`].
    LocalTime,
    /// See [`crate::ColumnType::LocalDateTime`].
    LocalDateTime,
    /// See [`crate::ColumnType::DateTime`].
    DateTime,
    /// See [`crate::ColumnType::Uuid`].
    Uuid,
    /// See [`crate::ColumnType::Json`].
    Json,
    /// See [`crate::ColumnType::String`].
    String,
}

/// Which part of a numeric date comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum DateOrder {
    /// Day, month, year.
    Dmy,
    /// Month, day, year.
    Mdy,
    /// Year, month, day.
    Ymd,
}

/// What a file may cost before it is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Columns of one sheet.
    pub max_columns: usize,
    /// Bytes of one cell, decoded.
    pub max_cell_bytes: usize,
    /// Bytes of one record, decoded.
    pub max_record_bytes: usize,
    /// Bytes of the header, decoded.
    pub max_header_bytes: usize,
    /// Bytes of one file after unpacking.
    pub max_unpacked_bytes: u64,
    /// How many times larger than its packed form a file may become.
    pub max_unpack_ratio: u64,
    /// Members of an archive.
    pub max_members: usize,
    /// Sheets of one source.
    pub max_sheets: usize,
    /// Rejects kept with their text; the rest is counted.
    pub max_rejects: usize,
}

impl Default for Limits {
    fn default() -> Self {
        const MIB: usize = 1024 * 1024;
        Self {
            max_columns: 2_000,
            max_cell_bytes: 10 * MIB,
            max_record_bytes: 32 * MIB,
            max_header_bytes: MIB,
            max_unpacked_bytes: 8 * 1024 * 1024 * 1024,
            max_unpack_ratio: 200,
            max_members: 1_000,
            max_sheets: 200,
            max_rejects: 1_000,
        }
    }
}

/// The caller's side of long work: it hears of progress and may stop it.
pub trait Control: Sync {
    /// Hears that `n` more bytes of the source have been read.
    fn bytes_done(&self, _n: u64) {}
    /// Hears that it is known what the file is, and that all its rows are read now to tell the types.
    fn inferring(&self) {}
    /// Hears that `n` more rows have been understood or read.
    fn rows_done(&self, _n: u64) {}
    /// Tells whether the work should stop; asked once per block.
    fn is_cancelled(&self) -> bool {
        false
    }
}

/// A [`Control`] that listens to nothing and never stops.
impl Control for () {}
