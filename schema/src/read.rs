//! Turns the rows of a sheet into typed values, given to encoders by several threads and to a sink in file order.
//! It exists so that a load parses, coerces and encodes on all cores while the store writes on one.
//! It never holds more than a few blocks, and never gives a sink a row that does not fit its columns.

use std::path::Path;

use crate::coerce::CellReader;
use crate::error::{ReadError, SchemaError};
use crate::naming::cut;
use crate::options::{Control, Limits};
use crate::pipeline::run_in_order;
use crate::plan::{ReadReport, Reject, SheetPlan};
use crate::rows::{BlockError, RowRules, WatchedBlocks};
use crate::scan::{CellSpan, Marks, cell_text};
use crate::types::{ColumnType, Value};

/// Takes the values of a block of rows, in any form that its sink understands.
pub trait RowEncoder: Send {
    /// Takes the value of a column (its position in [`SheetPlan::columns`]); columns come in order, each once a row.
    fn value(&mut self, column: usize, value: Value<'_>);
    /// Hears that the row is complete.
    fn end_row(&mut self);
}

/// How many threads are usual: one for each core, eight at most.
pub(crate) fn usual_workers() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from).min(8)
}

/// The rows of a block, encoded.
pub(crate) struct BlockRows<E> {
    pub(crate) encoder: E,
    pub(crate) n_rows: u64,
    pub(crate) n_records: u64,
    /// With rows counted from the block's beginning.
    pub(crate) rejects: Vec<Reject>,
    pub(crate) n_rejects: u64,
}

/// Reads all rows of a sheet: workers parse, coerce and encode blocks; `sink` gets the encoders in file order,
/// on the calling thread, with the number of rows in each.
///
/// # Errors
/// [`ReadError::Sink`] with what the sink returned, else [`ReadError::Schema`] when the source cannot be read, was
/// cancelled, or is no longer what the plan was made from.
pub fn read_rows<E: RowEncoder, X>(
    path: &Path,
    sheet: &SheetPlan,
    limits: &Limits,
    control: &dyn Control,
    n_workers: usize,
    make: impl Fn() -> E + Sync,
    mut sink: impl FnMut(E, u64) -> Result<(), X>,
) -> Result<ReadReport, ReadError<X>> {
    let mut report = ReadReport::default();
    let header = &sheet.header;
    let source = crate::open_sheet_text(path, sheet, limits, header.data_start)?;
    let blocks = WatchedBlocks::new(source, &sheet.dialect, header, limits, control);
    let rules = RowRules { marks: Marks::of(&sheet.dialect), header, limits };
    let readers = SheetReader::new(sheet, limits);
    let rows_seen = std::cell::Cell::new(header.first_data_row);
    let work = |_, block: &mut Vec<u8>| readers.encode_block(block, &rules, make());
    let consume = |result: Result<BlockRows<E>, BlockError>| {
        let block = result.map_err(|error| error.at(rows_seen.get(), limits))?;
        control.rows_done(block.n_rows);
        report.n_rows += block.n_rows;
        report.n_rejects += block.n_rejects;
        for reject in block.rejects {
            if report.rejects.len() < limits.max_rejects {
                report.rejects.push(Reject { row: rows_seen.get() + reject.row, ..reject });
            }
        }
        rows_seen.set(rows_seen.get() + block.n_records);
        sink(block.encoder, block.n_rows).map_err(ReadError::Sink)
    };
    run_in_order(
        blocks,
        n_workers,
        work,
        consume,
        |error| ReadError::Schema(error.at(rows_seen.get(), limits)),
        || ReadError::Schema(SchemaError::Worker),
    )?;
    Ok(report)
}

/// Reads the cells of a sheet's rows.
pub(crate) struct SheetReader<'s> {
    sheet: &'s SheetPlan,
    readers: Vec<(usize, CellReader<'s>)>,
    marks: Marks,
    /// Whether a cell may be refused, so that a row is checked before any of it is encoded.
    checks_first: bool,
    max_rejects: usize,
}

impl<'s> SheetReader<'s> {
    pub(crate) fn new(sheet: &'s SheetPlan, limits: &Limits) -> Self {
        let readers = sheet
            .columns
            .iter()
            .map(|column| {
                (column.index_in_file, CellReader::new(column.column_type, &column.notation))
            })
            .collect();
        let checks_first = sheet.columns.iter().any(|column| {
            column.required || column.declared && column.column_type != ColumnType::String
        });
        Self {
            sheet,
            readers,
            marks: Marks::of(&sheet.dialect),
            checks_first,
            max_rejects: limits.max_rejects,
        }
    }

    fn encode_block<E: RowEncoder>(
        &self,
        block: &[u8],
        rules: &RowRules<'_>,
        mut encoder: E,
    ) -> Result<BlockRows<E>, BlockError> {
        let mut rejects: Vec<Reject> = Vec::new();
        let mut n_rejects = 0;
        let counts = rules.each_row(block, |record, text, cells| {
            if self.checks_first
                && let Some(reject) = self.reject_row(record, text, cells)
            {
                n_rejects += 1;
                if rejects.len() < self.max_rejects {
                    rejects.push(reject);
                }
                return Ok(());
            }
            for (column, (index_in_file, reader)) in self.readers.iter().enumerate() {
                let Some(cell) = cells.get(*index_in_file) else {
                    encoder.value(column, Value::Null);
                    continue;
                };
                let result = if cell.escaped || cell.malformed {
                    let owned = cell_text(text, *cell, self.marks);
                    reader.read(&owned, cell.quoted).map(|value| encoder.value(column, value))
                } else {
                    let plain = text.get(cell.start..cell.end).unwrap_or_default();
                    reader.read(plain, cell.quoted).map(|value| encoder.value(column, value))
                };
                result.map_err(|error| BlockError::Changed { record, found: error.to_string() })?;
            }
            encoder.end_row();
            Ok(())
        })?;
        Ok(BlockRows {
            encoder,
            n_rows: counts.n_rows - n_rejects,
            n_records: counts.n_records,
            rejects,
            n_rejects,
        })
    }

    fn reject_row(&self, record: u64, text: &str, cells: &[CellSpan]) -> Option<Reject> {
        let (column, value, reason) =
            self.readers.iter().zip(&self.sheet.columns).find_map(|((index, reader), plan)| {
                let cell = cells.get(*index).copied().unwrap_or_default();
                let value = cell_text(text, cell, self.marks);
                let reason = match reader.read(&value, cell.quoted) {
                    Err(error) => {
                        format!("{error}; correct the cell or set the column to text")
                    }
                    Ok(Value::Null) if plan.required => {
                        "the column is required and the cell is empty".to_owned()
                    }
                    Ok(_) => return None,
                };
                Some((plan.label.clone(), cut(&value, 1_000).to_owned(), reason))
            })?;
        let cells =
            cells.iter().map(|cell| cell_text(text, *cell, self.marks).into_owned()).collect();
        Some(Reject { row: record, column, value, reason, cells })
    }
}
