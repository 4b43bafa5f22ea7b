//! Turns files into typed tables: what stands in them, which type each column has, and every value exactly.
//!
//! Where to begin: [`understand`] reads a file once and returns a [`SheetPlan`] for each table in it, with the
//! evidence for every decision; [`read_rows`] reads it again by that plan and gives typed [`Value`]s to encoders.
//! The rule above all: no cell is silently lost or changed. This crate knows no network, database or async.
//!
//! Modules in reading order: what callers say (`options`), what they get (`types`, `plan`, `error`); how bytes become
//! cells (`source`, `sniff`, `header`, `blocks`, `scan`, `rows`, `pipeline`); how cells become a type (`form`,
//! `summary`, `sketch`, `decide`); how text becomes values (`coerce`, `temporal`, `decimal`); names (`naming`); and the
//! two ways through (`delimited`, `read`).

mod blocks;
mod coerce;
mod decide;
pub mod decimal;
mod delimited;
mod error;
mod form;
mod header;
pub mod naming;
mod options;
mod pipeline;
mod plan;
mod read;
mod rows;
mod scan;
mod sketch;
mod sniff;
mod source;
mod summary;
pub mod temporal;
mod types;

use std::fs::File;
use std::io::Read;
use std::path::Path;

pub use coerce::parse_value;
pub use error::{CoerceError, ReadError, SchemaError};
pub use options::{ColumnOverride, Control, DateOrder, DeclaredType, Limits, ReadOptions};
pub use plan::{
    BooleanPair, CandidateCount, CategoryCount, ColumnPlan, Container, CounterExample, Dialect,
    Evidence, Format, HeaderPlan, Notation, Notice, NoticeCode, NumberNotation, ReadReport, Reject,
    SheetPlan, TemporalNotation,
};
pub use read::{RowEncoder, read_rows};
pub use types::{ColumnType, OwnedValue, Value};

use crate::delimited::{Wishes, empty_file, understand_delimited};
use crate::source::{HEAD_BYTES, Kind, kind_of, open_text, read_head};

/// Understands a file: which tables it holds, where, of which columns and types, judged by all rows.
///
/// `file_name` is a hint for messages; the content decides what the file is.
///
/// # Errors
/// When the file is of a kind that is not read, is damaged or empty, exceeds a limit, contradicts an option, cannot be
/// read, or when `control` cancels.
pub fn understand(
    path: &Path,
    file_name: &str,
    options: &ReadOptions,
    limits: &Limits,
    control: &dyn Control,
) -> Result<Vec<SheetPlan>, SchemaError> {
    let mut head = read_head(&mut File::open(path)?, HEAD_BYTES)?;
    head.truncate(4_096);
    let unsupported = |what: &str, remedy: &str| SchemaError::Unsupported {
        what: what.to_owned(),
        remedy: format!("{remedy} (file {file_name:?})"),
    };
    match kind_of(&head) {
        Kind::Empty => return Err(empty_file()),
        Kind::Other { what, remedy } => return Err(unsupported(what, remedy)),
        Kind::Gzip => {
            return Err(unsupported("a gzip file, which is not read yet", "unpack it first"));
        }
        Kind::Zstd => {
            return Err(unsupported("a zstd file, which is not read yet", "unpack it first"));
        }
        Kind::Zip => {
            return Err(unsupported(
                "a zip archive or a workbook, which are not read yet",
                "export the table as CSV",
            ));
        }
        Kind::Compound => {
            return Err(unsupported(
                "an old workbook, which is not read yet",
                "export the table as CSV",
            ));
        }
        Kind::Parquet => {
            return Err(unsupported(
                "a Parquet file, which is not read yet",
                "export the table as CSV",
            ));
        }
        Kind::Text => {}
    }
    if memchr::memchr(0, &head).is_some() {
        return Err(unsupported(
            "binary data, or text in UTF-16 without a mark",
            "export the table as CSV in UTF-8",
        ));
    }
    let wishes = Wishes { options, limits, control };
    let mut sheet =
        understand_delimited(&|from| open_text(path, from), Container::Plain, "UTF-8", wishes)?;
    if head.starts_with(b"\xEF\xBB\xBF") {
        sheet
            .notices
            .push(Notice::new(NoticeCode::ByteOrderMark, "a byte order mark was taken off"));
    }
    Ok(vec![sheet])
}

/// Opens the decoded text of a sheet at a byte of it.
fn open_sheet_text(
    path: &Path,
    _sheet: &SheetPlan,
    _limits: &Limits,
    from: u64,
) -> Result<Box<dyn Read + Send>, SchemaError> {
    open_text(path, from)
}
