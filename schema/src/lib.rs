//! Turns files into typed tables: what stands in them, which type each column has, and every value exactly.
//!
//! Where to begin: [`understand`] reads a file once and returns a [`SheetPlan`] for each table in it, with the
//! evidence for every decision; [`read_rows`] reads it again by that plan and gives typed [`Value`]s to encoders.
//! The rule above all: no cell is silently lost or changed. This crate knows no network, database or async.
//!
//! Modules in reading order: what callers say (`options`), what they get (`types`, `plan`, `error`); how bytes become
//! cells (`kind`, `source`, `archive`, `parts`, `ahead`, `workbook`, `batches`, `grid`, `shown`, `rowgroups`, `physical`, `nested`, `json`, `stream`, `spool`, `sniff`, `header`, `blocks`, `scan`, `rows`, `pipeline`); how cells become a type (`form`, `written`, `notation`, `calendar`, `ways`,
//! `summary`, `sketch`, `decide`, `evidence`); how text becomes values (`coerce`, `temporal`, `decimal`); names (`naming`); tables without a file (`defined`); and the
//! two ways through (`delimited`, `read`).

mod ahead;
mod archive;
mod batches;
mod blocks;
mod calendar;
mod coerce;
mod columns;
mod decide;
pub mod decimal;
mod decode;
mod defined;
mod delimited;
mod error;
mod evidence;
mod footer;
mod form;
mod grid;
mod header;
mod json;
mod kind;
pub mod naming;
mod nested;
mod notation;
mod objects;
mod options;
mod parts;
mod physical;
mod pipeline;
mod plan;
#[doc(hidden)]
pub mod probe;
mod read;
mod rowgroups;
mod rows;
mod scan;
mod shown;
mod sketch;
mod sniff;
mod source;
mod spool;
mod stream;
mod summary;
pub mod temporal;
mod types;
mod ways;
mod workbook;
mod written;

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

pub use coerce::parse_value;
pub use defined::DefinedColumn;
pub use error::{CoerceError, ReadError, SchemaError};
pub use options::{ColumnOverride, Control, DateOrder, DeclaredType, Limits, ReadOptions};
pub use plan::{
    BooleanPair, CandidateCount, CategoryCount, ColumnPlan, Container, CounterExample, Dialect,
    Evidence, Format, HeaderPlan, Notation, Notice, NoticeCode, NumberNotation, ReadReport, Reject,
    SheetPlan, ShownAs, TemporalNotation, WorkbookKind,
};
pub use read::{RowEncoder, read_rows};
pub use types::{ColumnType, OwnedValue, Value};

use crate::blocks::unwrap_schema_error;
use crate::decode::{BROKEN_UTF8, Faults, PLAIN_UTF8, detect, encoding_named, encoding_of_head};
use crate::delimited::{TableError, Wishes, empty_file, understand_delimited};
use crate::json::{JsonRows, find_tables, looks_like_json};
use crate::kind::{Kind, inner_kind, kind_of};
use crate::source::{HEAD_BYTES, Inner, TextPlace, open_bytes, read_head};
use crate::workbook::Merged;

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
    check_marks(options)?;
    let wishes = Wishes { options, limits, control };
    head.truncate(4_096);
    let unsupported = |what: &str, remedy: &str| SchemaError::Unsupported {
        what: what.to_owned(),
        remedy: format!("{remedy} (file {file_name:?})"),
    };
    match kind_of(&head) {
        Kind::Empty => Err(empty_file()),
        Kind::Other { what, remedy } => Err(unsupported(what, remedy)),
        Kind::Gzip => understand_text(path, &Container::Gzip, wishes),
        Kind::Zstd => understand_text(path, &Container::Zstd, wishes),
        Kind::Zip => archive::understand_zip(path, wishes),
        Kind::Compound => {
            archive::understand_workbook(path, WorkbookKind::Xls, Merged::default(), wishes)
        }
        Kind::Parquet => rowgroups::understand_parquet(path, wishes),
        Kind::Text => understand_text(path, &Container::Plain, wishes),
    }
}

/// Refuses line ends as marks, and quotes, escapes and comment marks that are no single byte.
fn check_marks(options: &ReadOptions) -> Result<(), SchemaError> {
    let is_line_end = |mark: &char| matches!(mark, '\n' | '\r');
    let marks = [options.quote, options.escape, options.comment];
    let bad = marks.into_iter().flatten().find(|mark| !mark.is_ascii() || is_line_end(mark));
    match bad.or(options.delimiter.filter(|mark| is_line_end(mark) || *mark == '\0')) {
        None => Ok(()),
        Some(mark) => Err(SchemaError::BadOption {
            found: format!("{mark:?} cannot be a delimiter, quote, escape or comment mark"),
            remedy: "give a character that is no line end; only a delimiter may be beyond ASCII"
                .to_owned(),
        }),
    }
}

/// Understands a text, once its encoding is known.
pub(crate) fn understand_text(
    path: &Path,
    container: &Container,
    wishes: Wishes<'_>,
) -> Result<Vec<SheetPlan>, SchemaError> {
    let limits = wishes.limits;
    let head = read_head(&mut open_bytes(path, container, limits)?, HEAD_BYTES)?;
    let unsupported = |(what, remedy): (&str, &str)| {
        Err(SchemaError::Unsupported { what: what.to_owned(), remedy: remedy.to_owned() })
    };
    if let Some(other) = inner_kind(&head) {
        return unsupported(other);
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
    let faults = Arc::new(Faults::default());
    let mut encoding = match proved {
        Some(encoding) if encoding.name() == PLAIN_UTF8 => PLAIN_UTF8,
        Some(encoding) => encoding.name(),
        None => PLAIN_UTF8,
    };
    let place = |encoding| TextPlace {
        path,
        container,
        encoding,
        limits,
        faults: Some(&faults),
        inner: Inner::Text,
    };
    let start = read_head(&mut TextPlace { faults: None, ..place(encoding) }.open(0)?, 4_096)?;
    if let Some(other) = inner_kind(&start) {
        return unsupported(other);
    }
    if wishes.options.delimiter.is_none() && looks_like_json(&String::from_utf8_lossy(&start)) {
        if encoding != PLAIN_UTF8 {
            std::io::copy(&mut place(encoding).open(0)?, &mut std::io::sink())
                .map_err(unwrap_schema_error)?;
        }
        let mut plans = understand_json(place(encoding), wishes)?;
        if let Some(first) = plans.first_mut() {
            first.notices.extend(encoding_notices(&head, encoding, &faults));
        }
        return Ok(plans);
    }
    let mut result = understand_delimited(place(encoding), wishes);
    if matches!(result, Err(TableError::NotUtf8)) {
        encoding = match wishes.options.encoding {
            Some(_) => BROKEN_UTF8,
            None => detect(open_bytes(path, container, limits)?)?,
        };
        result = understand_delimited(place(encoding), wishes);
    }
    let mut plan = result.map_err(TableError::into_schema)?;
    plan.notices.splice(0..0, encoding_notices(&head, encoding, &faults));
    Ok(vec![plan])
}

/// Understands the tables of a JSON document.
fn understand_json(
    place: TextPlace<'_>,
    wishes: Wishes<'_>,
) -> Result<Vec<SheetPlan>, SchemaError> {
    let place = TextPlace { faults: Some(&Arc::default()), ..place };
    let flatten = wishes.options.flatten;
    let found = find_tables(&place, flatten)?;
    let is_one = found.tables.len() == 1;
    let mut plans = Vec::new();
    for table in &found.tables {
        if table.keys.is_empty() {
            return Err(empty_file());
        }
        let (lines, member, keys) = (found.lines, table.member.as_deref(), table.keys.as_slice());
        let inner = Inner::Json(JsonRows { lines, flatten, member, keys });
        let mut plan = understand_delimited(TextPlace { inner, ..place }, wishes)
            .map_err(TableError::into_schema)?;
        plan.name = table.member.clone().filter(|_| !is_one);
        plans.push(plan);
    }
    if let Some(first) = plans.first_mut() {
        for (member, text) in &found.others {
            first.notices.push(Notice::new(
                NoticeCode::Preamble,
                format!("left out beside the rows: {member}: {text}"),
            ));
        }
    }
    Ok(plans)
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
fn open_sheet_text(
    path: &Path,
    sheet: &SheetPlan,
    limits: &Limits,
    from: u64,
) -> Result<Box<dyn Read + Send>, SchemaError> {
    if let Some(kept) = spool::open_kept(&sheet.kept_rows.0, from) {
        return Ok(Box::new(kept));
    }
    let plain = Container::Plain;
    let workbook_sheet;
    let facts = Arc::default();
    let (container, inner) = match &sheet.format {
        Format::Delimited { container } => (container, Inner::Text),
        Format::Json { container, lines, member, flatten, keys } => {
            let (lines, flatten, member) = (*lines, *flatten, member.as_deref());
            (container, Inner::Json(JsonRows { lines, flatten, member, keys }))
        }
        Format::Parquet => (&plain, Inner::Parquet { facts: &facts }),
        Format::Workbook { workbook, sheet: name } => {
            workbook_sheet = workbook::SheetSource::new(path, *workbook, name);
            (&plain, Inner::Sheet { sheet: &workbook_sheet })
        }
    };
    let place =
        TextPlace { path, container, encoding: &sheet.encoding, limits, faults: None, inner };
    place.open(from)
}
