//! Turns files into typed tables: what stands in them, which type each column has, and every value exactly.
//!
//! Where to begin: [`understand`] reads a file once and returns a [`SheetPlan`] for each table in it, with the
//! evidence for every decision; [`read_rows`] reads it again by that plan and gives typed [`Value`]s to encoders.
//! The rule above all: no cell is silently lost or changed. This crate knows no network, database or async.
//!
//! Modules in reading order: what callers say (`options`), what they get (`types`, `plan`, `error`); how bytes become
//! cells (`source`, `sniff`, `header`, `blocks`, `scan`, `rows`, `pipeline`); how cells become a type (`form`, `written`, `notation`, `calendar`, `ways`,
//! `summary`, `sketch`, `decide`); how text becomes values (`coerce`, `temporal`, `decimal`); names (`naming`); and the
//! two ways through (`delimited`, `read`).

mod blocks;
mod calendar;
mod coerce;
mod decide;
pub mod decimal;
mod decode;
mod delimited;
mod error;
mod form;
mod header;
pub mod naming;
mod notation;
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
mod ways;
mod written;

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

use crate::decode::{BROKEN_UTF8, Faults, PLAIN_UTF8, detect, encoding_named, encoding_of_head};
use crate::delimited::{TableError, Wishes, empty_file, understand_delimited};
use crate::source::{HEAD_BYTES, Kind, TextPlace, kind_of, open_bytes, read_head};

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
    let wishes = Wishes { options, limits, control };
    let text = |container: Container| {
        let mut plan = understand_text(path, container, wishes)?;
        plan.name = None;
        Ok(vec![plan])
    };
    head.truncate(4_096);
    let unsupported = |what: &str, remedy: &str| SchemaError::Unsupported {
        what: what.to_owned(),
        remedy: format!("{remedy} (file {file_name:?})"),
    };
    match kind_of(&head) {
        Kind::Empty => Err(empty_file()),
        Kind::Other { what, remedy } => Err(unsupported(what, remedy)),
        Kind::Gzip => text(Container::Gzip),
        Kind::Zstd => text(Container::Zstd),
        Kind::Zip => Err(unsupported(
            "a zip archive or a workbook, which are not read yet",
            "export the table as CSV",
        )),
        Kind::Compound => {
            Err(unsupported("an old workbook, which is not read yet", "export the table as CSV"))
        }
        Kind::Parquet => {
            Err(unsupported("a Parquet file, which is not read yet", "export the table as CSV"))
        }
        Kind::Text => text(Container::Plain),
    }
}

/// Understands a text, once its encoding is known.
fn understand_text(
    path: &Path,
    container: Container,
    wishes: Wishes<'_>,
) -> Result<SheetPlan, SchemaError> {
    let limits = wishes.limits;
    let head = read_head(&mut open_bytes(path, &container, limits)?, HEAD_BYTES)?;
    if let Kind::Other { what, remedy } = kind_of(&head) {
        return Err(SchemaError::Unsupported { what: what.to_owned(), remedy: remedy.to_owned() });
    }
    let given = wishes.options.encoding.as_deref().map(|label| {
        encoding_named(label).ok_or_else(|| SchemaError::BadOption {
            found: format!("the encoding {label:?} is not known"),
            remedy: "give a WHATWG label such as utf-8, windows-1252 or shift_jis".to_owned(),
        })
    });
    let proved = match given {
        Some(given) => Some(given?),
        None => encoding_of_head(&head),
    };
    if proved.is_none() && memchr::memchr(0, &head).is_some() {
        return Err(SchemaError::Unsupported {
            what: "binary data (it holds NUL bytes)".to_owned(),
            remedy: "export the table as CSV or Excel and send that".to_owned(),
        });
    }
    let faults = Faults::default();
    let mut encoding = match proved {
        Some(encoding) if encoding.name() == PLAIN_UTF8 => PLAIN_UTF8,
        Some(encoding) => encoding.name(),
        None => PLAIN_UTF8,
    };
    let place = |encoding| TextPlace {
        path,
        container: &container,
        encoding,
        limits,
        faults: Some(&faults),
    };
    let mut result = understand_delimited(place(encoding), wishes);
    if matches!(result, Err(TableError::NotUtf8)) {
        encoding = match wishes.options.encoding {
            Some(_) => BROKEN_UTF8,
            None => detect(open_bytes(path, &container, limits)?)?,
        };
        result = understand_delimited(place(encoding), wishes);
    }
    let mut plan = result.map_err(|error| match error {
        TableError::Schema(error) => error,
        // A decoder gives nothing but UTF-8.
        TableError::NotUtf8 => SchemaError::Worker,
    })?;
    plan.notices.extend(encoding_notices(&head, encoding, &faults));
    Ok(plan)
}

fn encoding_notices(head: &[u8], encoding: &str, faults: &Faults) -> Vec<Notice> {
    let mut notices = Vec::new();
    if head.starts_with(b"\xEF\xBB\xBF") {
        notices.push(Notice::new(NoticeCode::ByteOrderMark, "a byte order mark was taken off"));
    }
    if encoding != PLAIN_UTF8 && encoding != BROKEN_UTF8 {
        notices.push(Notice::new(
            NoticeCode::Encoding,
            format!("the text was decoded from {encoding}"),
        ));
    }
    if let Some((count, first)) = faults.get() {
        let message = format!(
            "{count} places could not be decoded, the first at byte {first}; each became U+FFFD; name the file's encoding \
             if {encoding} is wrong"
        );
        notices.push(Notice { count, ..Notice::new(NoticeCode::UndecodableByte, message) });
    }
    notices
}

/// Opens the decoded text of a sheet at a byte of it.
fn open_sheet_text<'a>(
    path: &'a Path,
    sheet: &'a SheetPlan,
    limits: &'a Limits,
    from: u64,
) -> Result<Box<dyn Read + Send + 'a>, SchemaError> {
    let container = match &sheet.format {
        Format::Delimited { container } | Format::Json { container, .. } => container,
        Format::Workbook { .. } => &Container::Plain,
    };
    TextPlace { path, container, encoding: &sheet.encoding, limits, faults: None }.open(from)
}
