//! Turns the first records of a delimited text into the place and the cells of its header.
//! It exists because a header is a guess: names for columns, or already the first row.
//! It never takes a row for a header without a reason, and says which.

use crate::error::SchemaError;
use crate::form::{Form, form_of};
use crate::options::{Limits, ReadOptions};
use crate::plan::{Dialect, HeaderPlan, Notice, NoticeCode};
use crate::scan::{CellSpan, Marks, Record, Scanner, cell_text};
use crate::summary::trim;

/// Records that are compared with the first one.
const MAX_RECORDS: usize = 200;

/// A record of the head.
struct HeadRecord {
    /// 1-based, blank lines included.
    row: u64,
    end: usize,
    cells: Vec<String>,
}

/// Finds the header in the head of a text.
pub(crate) fn find_header(
    head: &str,
    dialect: &Dialect,
    options: &ReadOptions,
    limits: &Limits,
    notices: &mut Vec<Notice>,
) -> Result<HeaderPlan, SchemaError> {
    let marks = Marks::of(dialect);
    let records = head_records(head, marks);
    let Some(first) = records.first() else {
        return Err(SchemaError::Rejected {
            row: None,
            found: "the file holds no rows".to_owned(),
            remedy: "send a file with at least a header line".to_owned(),
        });
    };
    if first.end > limits.max_header_bytes {
        return Err(SchemaError::Limit {
            name: "header bytes",
            limit: u64::try_from(limits.max_header_bytes).unwrap_or(u64::MAX),
            found: u64::try_from(first.end).unwrap_or(u64::MAX),
            row: Some(first.row),
        });
    }
    let wanted = options.header_row;
    if wanted == Some(0) || (wanted.is_none() && looks_like_data(&records)) {
        let reason = match wanted {
            Some(_) => "the caller says that there is no header",
            None => "every cell of the first row is a value of the type of its column",
        };
        notices.push(
            Notice::new(
                NoticeCode::NoHeader,
                format!("{reason}; columns are named column1, column2, …"),
            )
            .at(first.row, 1),
        );
        return Ok(HeaderPlan {
            first_data_row: 1,
            reason: reason.to_owned(),
            ..HeaderPlan::default()
        });
    }
    let (header, reason) = match wanted {
        None => (first, "the first row"),
        Some(row) => match records.iter().find(|record| record.row == row) {
            Some(record) => (record, "given by the caller"),
            None => {
                return Err(SchemaError::BadOption {
                    found: format!("header row {row} is not among the first {} rows", records.len()),
                    remedy: "give the number of the header's row as a spreadsheet shows it, or leave it out".to_owned(),
                });
            }
        },
    };
    for before in records.iter().take_while(|record| record.row < header.row) {
        let words = before.cells.join(&dialect.delimiter.to_string());
        notices.push(
            Notice::new(NoticeCode::Preamble, format!("left out before the header: {words}"))
                .at(before.row, 1),
        );
    }
    Ok(HeaderPlan {
        row: Some(header.row),
        n_rows: 1,
        cells: header.cells.clone(),
        first_data_row: header.row + 1,
        data_start: u64::try_from(header.end).unwrap_or_default(),
        data_end: None,
        one_column: false,
        skip_repeats: false,
        reason: reason.to_owned(),
    })
}

fn head_records(head: &str, marks: Marks) -> Vec<HeadRecord> {
    let mut scanner = Scanner::new(head.as_bytes(), marks);
    let mut spans: Vec<CellSpan> = Vec::new();
    let mut records = Vec::new();
    let mut row = 0;
    while records.len() < MAX_RECORDS {
        let Some(record) = scanner.next_record(&mut spans) else {
            break;
        };
        row += 1;
        if record != Record::Cells {
            continue;
        }
        let cells = spans.iter().map(|cell| cell_text(head, *cell, marks).into_owned()).collect();
        records.push(HeadRecord { row, end: scanner.position(), cells });
    }
    records
}

/// Whether the first record is data: each of its cells is a value of the one type that the rest of its column has.
fn looks_like_data(records: &[HeadRecord]) -> bool {
    let Some((first, rest)) = records.split_first() else {
        return false;
    };
    if rest.is_empty() {
        return false;
    }
    first.cells.iter().enumerate().all(|(column, cell)| {
        let form = form_of(trim(cell)).form();
        let mut below = rest
            .iter()
            .filter_map(|record| record.cells.get(column))
            .filter(|cell| !cell.is_empty())
            .peekable();
        let is_number = |form| matches!(form, Form::Int | Form::Decimal | Form::Scientific);
        form.is_typed()
            && below.peek().is_some()
            && below.all(|cell| {
                let below = form_of(trim(cell)).form();
                below == form || (is_number(below) && is_number(form)) || below == Form::NullWord
            })
    })
}
