//! Turns a delimited text into a sheet plan: one pass over its head for the dialect, one over all rows for the types.
//! It exists because a value in the last row counts as much as one in the first.
//! It never keeps rows: blocks are summarised in parallel and merged in order.

use std::io::Read;
use std::sync::RwLock;

use crate::columns::{ColumnSource, plan_columns};
use crate::decode::PLAIN_UTF8;
use crate::error::SchemaError;
use crate::footer::cut_footer;
use crate::header::{find_header, json_header};
use crate::options::{Control, Limits, ReadOptions};
use crate::pipeline::run_in_order;
use crate::plan::{ColumnPlan, Dialect, HeaderPlan, Notice, NoticeCode, SheetPlan};
use crate::rows::{BlockCounts, BlockError, LeftOut, RowRules, WatchedBlocks};
use crate::scan::{CellSpan, Marks, cell_text};
use crate::sniff::sniff;
use crate::source::{HEAD_BYTES, Inner, TextPlace};
use crate::spool::KeptRows;
use crate::stream::inner_dialect;
use crate::summary::{CellRules, ColumnSummary, Tally};

/// Lines left out that are kept word for word; the rest is counted.
const MAX_KEPT_LINES: usize = 1_000;

/// What the caller wants, together.
#[derive(Clone, Copy)]
pub(crate) struct Wishes<'a> {
    pub(crate) options: &'a ReadOptions,
    pub(crate) limits: &'a Limits,
    pub(crate) control: &'a dyn Control,
}

/// Everything known about a table after all its rows were seen.
#[derive(Default)]
pub(crate) struct TableSummary {
    pub(crate) columns: Vec<ColumnSummary>,
    pub(crate) n_rows: u64,
    n_records: u64,
    blank: Tally,
    malformed: Tally,
    short: Tally,
    long: Tally,
    left_out: Vec<(u64, LeftOut, String)>,
    n_left_out: u64,
    /// Records and bytes of each block.
    blocks: Vec<(u64, u64)>,
}

struct BlockSummary {
    columns: Vec<ColumnSummary>,
    counts: BlockCounts,
    short: Tally,
    long: Tally,
    n_bytes: u64,
}

/// Understands a delimited text.
pub(crate) fn understand_delimited(
    place: TextPlace<'_>,
    wishes: Wishes<'_>,
) -> Result<SheetPlan, TableError> {
    let Wishes { options, limits, control } = wishes;
    let mut notices = Vec::new();
    let mut source = place.open(0)?;
    let head_bytes = crate::source::read_head(&mut source, HEAD_BYTES)?;
    let complete = head_bytes.len() < HEAD_BYTES;
    let Some(head) = text_head(&head_bytes, complete) else {
        return Err(TableError::NotUtf8);
    };
    if head.trim().is_empty() {
        return Err(empty_file().into());
    }
    let dialect = match place.inner_reason() {
        Some(reason) => inner_dialect(reason),
        None => sniff(head, complete, options),
    };
    let mut header = match place.inner {
        Inner::Json(_) | Inner::Parquet { .. } => json_header(head, &dialect),
        _ => find_header(head, &dialect, place.texts(), options, limits, &mut notices)?,
    };
    control.inferring();
    // Who left a row of a spreadsheet empty made a row; an empty line of a text is none.
    header.blank_is_row |= matches!(place.inner, Inner::Sheet { .. });
    let rules = CellRules {
        null_spellings: options.null_spellings.clone(),
        texts: place.texts(),
        seeks_replaced: place.is_typed() || place.encoding != PLAIN_UTF8,
    };
    let n_workers = if complete { 1 } else { crate::read::usual_workers() };
    // What was read of the rows is not read again: opening a packed source or a workbook costs.
    let at = usize::try_from(header.data_start).unwrap_or(usize::MAX);
    let begun = std::io::Cursor::new(head_bytes.get(at..).unwrap_or_default().to_vec());
    let source = begun.chain(source);
    let blocks = WatchedBlocks::new(source, &dialect, &header, limits, control);
    let mut table = summarise(blocks, &dialect, &header, &rules, wishes, n_workers)?;
    let found = match place.inner {
        Inner::Json(_) | Inner::Parquet { .. } => None,
        _ => {
            let unwatched = TextPlace { faults: None, ..place };
            cut_footer(unwatched, &table, &dialect, &mut header, options)?
        }
    };
    if let Some(footer) = found {
        notices.extend(footer);
        let source = TextPlace { faults: None, ..place }.open(header.data_start)?;
        let blocks = WatchedBlocks::new(source, &dialect, &header, limits, &());
        let quiet = Wishes { control: &(), ..wishes };
        table = summarise(blocks, &dialect, &header, &rules, quiet, n_workers)?;
    }
    notices.extend(table.notices(&header, place.is_typed()));
    let source = ColumnSource {
        comma_delimited: dialect.delimiter == ',',
        doubles: matches!(place.inner, Inner::Sheet { .. }),
        typed: place.is_typed(),
    };
    let columns = plan_columns(&table, source, &header, options, &mut notices)?;
    if place.faults.is_some_and(|faults| faults.any()) {
        notices.extend(table.replaced_notices(&header, &columns));
    }
    Ok(SheetPlan {
        name: None,
        format: place.format(),
        columns,
        n_rows: table.n_rows,
        notices,
        dialect,
        encoding: place.encoding.to_owned(),
        header,
        kept_rows: KeptRows(place.kept_rows()),
    })
}

/// What an empty file is told.
pub(crate) const EMPTY: &str = "the file is empty";

pub(crate) fn empty_file() -> SchemaError {
    SchemaError::Rejected {
        row: None,
        found: EMPTY.to_owned(),
        remedy: "send a file with at least a header line".to_owned(),
    }
}

/// Why a table was not understood.
pub(crate) enum TableError {
    /// The text is not UTF-8: its encoding must be found first.
    NotUtf8,
    /// Anything else.
    Schema(SchemaError),
}

impl TableError {
    pub(crate) fn into_schema(self) -> SchemaError {
        match self {
            Self::Schema(error) => error,
            // Decoders and our own streams give nothing but UTF-8.
            Self::NotUtf8 => SchemaError::Worker,
        }
    }
}

impl From<SchemaError> for TableError {
    fn from(error: SchemaError) -> Self {
        Self::Schema(error)
    }
}

/// Returns the text of a head, which may end inside a character; `None` when it is not UTF-8.
fn text_head(bytes: &[u8], complete: bool) -> Option<&str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Some(text),
        Err(error) if error.error_len().is_none() && !complete => {
            std::str::from_utf8(bytes.get(..error.valid_up_to())?).ok()
        }
        Err(_) => None,
    }
}

fn summarise<R: std::io::Read + Send>(
    blocks: WatchedBlocks<'_, R>,
    dialect: &Dialect,
    header: &HeaderPlan,
    cell_rules: &CellRules,
    wishes: Wishes<'_>,
    n_workers: usize,
) -> Result<TableSummary, TableError> {
    let Wishes { limits, control, .. } = wishes;
    let row_rules = RowRules { marks: Marks::of(dialect), header, limits };
    // Which columns have too many values for categories, told to workers as it becomes known.
    let many_values: RwLock<Vec<bool>> = RwLock::new(Vec::new());
    let mut table = TableSummary::default();
    let work = |_, block: &mut Vec<u8>| {
        let hint = many_values.read().map(|hint| hint.clone()).unwrap_or_default();
        summarise_block(block, &row_rules, cell_rules, &hint)
    };
    // Rows before a failing block have been consumed: `rows_seen` is their number.
    let rows_seen = std::cell::Cell::new(header.first_data_row);
    let consume = |result: Result<BlockSummary, BlockError>| {
        let block = result.map_err(|error| match error {
            BlockError::NotUtf8 { .. } => TableError::NotUtf8,
            error => TableError::Schema(error.at(rows_seen.get(), limits)),
        })?;
        control.rows_done(block.counts.n_rows);
        table.merge(block);
        if table.columns.len() > limits.max_columns {
            let error = BlockError::Columns { record: 0, found: table.columns.len() };
            return Err(TableError::Schema(error.at(rows_seen.get(), limits)));
        }
        rows_seen.set(header.first_data_row + table.n_records);
        if let Ok(mut hint) = many_values.try_write() {
            *hint = table.columns.iter().map(|column| column.categories.is_overflowed()).collect();
        }
        Ok(())
    };
    run_in_order(
        blocks,
        n_workers,
        work,
        consume,
        |error| error.at(rows_seen.get(), limits).into(),
        || SchemaError::Worker.into(),
    )?;
    Ok(table)
}

fn summarise_block(
    block: &[u8],
    row_rules: &RowRules<'_>,
    cell_rules: &CellRules,
    many_values: &[bool],
) -> Result<BlockSummary, BlockError> {
    let n_labels = row_rules.header.cells.len();
    let new_column =
        |place: usize| ColumnSummary::new(many_values.get(place).copied().unwrap_or_default());
    let mut columns: Vec<ColumnSummary> = (0..n_labels).map(new_column).collect();
    let (mut short, mut long) = (Tally::default(), Tally::default());
    let counts = row_rules.each_row(block, |row, text, cells| {
        if cells.len() != columns.len() {
            if cells.len() < n_labels {
                short.add(row);
            } else if n_labels > 0 && has_surplus(cells, n_labels) {
                long.add(row);
            }
            for place in columns.len()..cells.len() {
                columns.push(new_column(place));
            }
        }
        for (column, cell) in columns.iter_mut().zip(cells) {
            add_cell(column, text, cell, row, row_rules.marks, cell_rules);
        }
        Ok(())
    })?;
    Ok(BlockSummary {
        columns,
        counts,
        short,
        long,
        n_bytes: u64::try_from(block.len()).unwrap_or_default(),
    })
}

#[inline]
fn add_cell(
    column: &mut ColumnSummary,
    text: &str,
    cell: &CellSpan,
    row: u64,
    marks: Marks,
    rules: &CellRules,
) {
    if cell.escaped || cell.malformed {
        column.add(&cell_text(text, *cell, marks), cell.quoted, row, rules);
    } else {
        column.add(text.get(cell.start..cell.end).unwrap_or_default(), cell.quoted, row, rules);
    }
}

/// Whether cells beyond the header hold anything: trailing delimiters do not make a row long.
fn has_surplus(cells: &[CellSpan], n_labels: usize) -> bool {
    cells.iter().skip(n_labels).any(|cell| cell.start != cell.end)
}

impl TableSummary {
    pub(crate) fn n_records(&self) -> u64 {
        self.n_records
    }

    /// Returns records and bytes of each block, in order.
    pub(crate) fn blocks(&self) -> &[(u64, u64)] {
        &self.blocks
    }

    fn merge(&mut self, block: BlockSummary) {
        let before = self.n_records;
        self.blank.merge(block.counts.blank, before);
        self.malformed.merge(block.counts.malformed, before);
        self.short.merge(block.short, before);
        self.long.merge(block.long, before);
        self.n_left_out += u64::try_from(block.counts.left_out.len()).unwrap_or_default();
        for (row, why, words) in block.counts.left_out {
            if self.left_out.len() < MAX_KEPT_LINES {
                self.left_out.push((row + before, why, words));
            }
        }
        for (place, column) in block.columns.into_iter().enumerate() {
            match self.columns.get_mut(place) {
                Some(mine) => mine.merge(column, before),
                None => {
                    let mut mine = ColumnSummary::default();
                    mine.merge(column, before);
                    self.columns.push(mine);
                }
            }
        }
        self.blocks.push((block.counts.n_records, block.n_bytes));
        self.n_records += block.counts.n_records;
        self.n_rows += block.counts.n_rows;
    }

    /// Tells which cells hold U+FFFD, by column.
    fn replaced_notices(&self, header: &HeaderPlan, columns: &[ColumnPlan]) -> Vec<Notice> {
        let message = "cells hold U+FFFD in place of bytes that could not be decoded, or of NUL";
        let told = columns.iter().filter_map(|column| {
            let Tally { count, first_row } = self.columns.get(column.index_in_file)?.replaced;
            let label = if column.label.is_empty() { &column.name } else { &column.label };
            let notice = Notice::new(NoticeCode::UndecodableByte, message)
                .in_column(label.as_str())
                .at(header.first_data_row + first_row, count);
            (count > 0).then_some(notice)
        });
        let mut told: Vec<Notice> = told.collect();
        if header.cells.iter().any(|cell| cell.contains('\u{FFFD}')) {
            let message =
                "the header holds U+FFFD in place of bytes that could not be decoded, or of NUL";
            told.push(Notice::new(NoticeCode::UndecodableByte, message));
        }
        told
    }

    fn notices(&self, header: &HeaderPlan, is_typed: bool) -> Vec<Notice> {
        let mut notices = Vec::new();
        let n_labels = header.cells.len();
        let mut tell = |code, message: String, tally: Tally| {
            if tally.count > 0 {
                notices.push(
                    Notice::new(code, message)
                        .at(header.first_data_row + tally.first_row, tally.count),
                );
            }
        };
        tell(
            NoticeCode::ShortRows,
            format!(
                "rows have fewer cells than the {n_labels} of the header; the missing ones are null"
            ),
            // Spreadsheets and JSON do not write what is empty.
            if is_typed { Tally::default() } else { self.short },
        );
        tell(
            NoticeCode::LongRows,
            format!(
                "rows have more cells than the {n_labels} of the header; columns were added for them"
            ),
            self.long,
        );
        tell(NoticeCode::BlankLines, "empty lines were left out".to_owned(), self.blank);
        tell(
            NoticeCode::MalformedQuote,
            "text stands after a closing quote; it was kept and the quotes were taken off"
                .to_owned(),
            self.malformed,
        );
        for (row, why, words) in &self.left_out {
            let (code, what) = match why {
                LeftOut::Comment => (NoticeCode::Comment, "a comment was left out"),
                LeftOut::RepeatedHeader => {
                    (NoticeCode::RepeatedHeader, "a repetition of the header was left out")
                }
            };
            notices.push(
                Notice::new(code, format!("{what}: {words}")).at(header.first_data_row + row, 1),
            );
        }
        let kept = u64::try_from(self.left_out.len()).unwrap_or_default();
        if self.n_left_out > kept {
            let message = format!(
                "{} more comments or repeated headers were left out",
                self.n_left_out - kept
            );
            notices.push(Notice {
                count: self.n_left_out - kept,
                ..Notice::new(NoticeCode::Comment, message)
            });
        }
        notices
    }
}
