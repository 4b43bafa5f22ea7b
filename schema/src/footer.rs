//! Turns the end of a table into a decision: rows, or a footer of totals and notes that was never data.
//! It exists because one `Total` in the last line would make a column of numbers text.
//! It never takes a row that costs no column its type, and what it takes is kept word for word.

use std::io::Read;

use crate::delimited::TableSummary;
use crate::error::SchemaError;
use crate::form::Form;
use crate::options::ReadOptions;
use crate::plan::{Dialect, HeaderPlan, Notice, NoticeCode};
use crate::scan::{CellSpan, Marks, Scanner, cell_text};
use crate::source::TextPlace;

/// A footer has at most so many records.
const MAX_RECORDS: u64 = 5;
/// Bytes of a footer that are kept.
const MAX_BYTES: u64 = 64 * 1024;

/// Words with which rows of totals and notes begin.
const WORDS: &[&str] = &[
    "total",
    "sum",
    "subtotal",
    "gesamt",
    "insgesamt",
    "somme",
    "suma",
    "soma",
    "totaal",
    "totale",
    "итого",
    "всего",
    "合計",
    "合计",
    "总计",
    "quelle",
    "fuente",
    "fonte",
    "stand",
    "hinweis",
    "grand total",
    "average",
    "source",
    "note",
    "*",
    "#",
    "end of",
    "generated",
    "rows:",
];

/// Looks for a footer; when there is one, moves the end of the rows before it and tells what it says.
pub(crate) fn cut_footer(
    place: TextPlace<'_>,
    table: &TableSummary,
    dialect: &Dialect,
    header: &mut HeaderPlan,
    options: &ReadOptions,
) -> Result<Option<Vec<Notice>>, SchemaError> {
    let n_records = table.n_records();
    let first = match options.skip_footer {
        Some(0) => None,
        Some(n_rows) => Some(n_records.saturating_sub(n_rows)),
        None => first_suspect(table),
    };
    let Some(mut first) = first else { return Ok(None) };
    // Blank rows between table and footer belong to neither.
    while first > 0 && first + 2 * MAX_RECORDS > n_records && header.blank_is_row {
        let at = header.data_start + offset_of(place, table, dialect, header, first - 1)?;
        let begins = crate::source::read_head(&mut place.open(at)?, 1)?;
        if !matches!(begins.first(), Some(b'\n' | b'\r')) {
            break;
        }
        first -= 1;
    }
    let at = header.data_start + offset_of(place, table, dialect, header, first)?;
    let mut tail = Vec::new();
    place.open(at)?.take(MAX_BYTES).read_to_end(&mut tail)?;
    let Some(records) = records_of(&tail, dialect) else {
        return Ok(None);
    };
    if options.skip_footer.is_none()
        && !records.iter().all(|cells| looks_like_footer(cells, header.cells.len()))
    {
        return Ok(None);
    }
    header.data_end = Some(at);
    let joint = dialect.delimiter.to_string();
    let filled =
        records.iter().enumerate().filter(|(_, cells)| cells.iter().any(|cell| !cell.is_empty()));
    let told = filled.map(|(place, cells)| {
        let row = header.first_data_row + first + u64::try_from(place).unwrap_or_default();
        Notice::new(NoticeCode::Footer, format!("left out after the rows: {}", cells.join(&joint)))
            .at(row, 1)
    });
    Ok(Some(told.collect()))
}

/// The first record that, near the end, is the first text in a column of values.
fn first_suspect(table: &TableSummary) -> Option<u64> {
    let n_records = table.n_records();
    let suspects = table.columns.iter().filter_map(|column| {
        let n_typed: u64 = Form::ALL
            .into_iter()
            .filter(|form| form.is_typed())
            .map(|form| column.count(form))
            .sum();
        let n_texts = column.count(Form::Text);
        let first = column.first_of(Form::Text)?.row;
        let is_near_end = first + MAX_RECORDS >= n_records;
        (n_texts <= MAX_RECORDS && n_typed >= 2 && n_typed >= 2 * n_texts && is_near_end)
            .then_some(first)
    });
    suspects.min().filter(|first| *first > 0)
}

/// Finds the byte after the header at which a record begins.
fn offset_of(
    place: TextPlace<'_>,
    table: &TableSummary,
    dialect: &Dialect,
    header: &HeaderPlan,
    record: u64,
) -> Result<u64, SchemaError> {
    let (mut bytes_before, mut records_before) = (0, 0);
    for (n_records, n_bytes) in table.blocks() {
        if records_before + n_records <= record {
            records_before += n_records;
            bytes_before += n_bytes;
            continue;
        }
        let mut block = Vec::new();
        place.open(header.data_start + bytes_before)?.take(*n_bytes).read_to_end(&mut block)?;
        let mut scanner = Scanner::new(&block, Marks::of(dialect));
        let mut cells: Vec<CellSpan> = Vec::new();
        for _ in records_before..record {
            scanner.next_record(&mut cells);
        }
        return Ok(bytes_before + u64::try_from(scanner.position()).unwrap_or_default());
    }
    Ok(bytes_before)
}

fn records_of(tail: &[u8], dialect: &Dialect) -> Option<Vec<Vec<String>>> {
    let text = std::str::from_utf8(tail).ok()?;
    let marks = Marks::of(dialect);
    let mut scanner = Scanner::new(tail, marks);
    let mut spans: Vec<CellSpan> = Vec::new();
    let mut records = Vec::new();
    while scanner.next_record(&mut spans).is_some() {
        records.push(spans.iter().map(|span| cell_text(text, *span, marks).into_owned()).collect());
    }
    Some(records)
}

fn looks_like_footer(cells: &[String], width: usize) -> bool {
    let mut filled = cells.iter().map(|cell| cell.trim()).filter(|cell| !cell.is_empty());
    let Some(first) = filled.next() else {
        return true;
    };
    let first = first.to_lowercase();
    let is_word = WORDS.iter().any(|word| first.starts_with(word));
    is_word || (filled.count() + 1) * 3 <= width
}
