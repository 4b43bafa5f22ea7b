//! Turns blocks into data records: each with its place, blank and comment lines set apart.
//! It exists so that understanding and reading agree on what a row is and what its number is.
//! It never interprets a cell.

use crate::blocks::{BlockCutter, CutError};
use crate::error::SchemaError;
use crate::options::{Control, Limits};
use crate::pipeline::BlockSource;
use crate::plan::{Dialect, HeaderPlan};
use crate::scan::{CellSpan, Marks, Record, Scanner, cell_text};
use crate::summary::Tally;

/// A failure inside a block, with the record counted from the block's beginning.
#[derive(Debug)]
pub(crate) enum BlockError {
    NotUtf8 {
        record: u64,
    },
    Nul {
        record: u64,
    },
    Columns {
        record: u64,
        found: usize,
    },
    Cell {
        record: u64,
        found: usize,
    },
    OpenQuote {
        record: u64,
    },
    LongRecord {
        record: u64,
        found: u64,
    },
    /// A cell is not what it was when the file was understood.
    Changed {
        record: u64,
        found: String,
    },
    Source(SchemaError),
}

impl BlockError {
    /// Makes the error that callers see; `first_row` is the row number of the block's first record.
    pub(crate) fn at(self, first_row: u64, limits: &Limits) -> SchemaError {
        let size = |bytes: usize| u64::try_from(bytes).unwrap_or(u64::MAX);
        match self {
            Self::NotUtf8 { record } => SchemaError::Rejected {
                row: Some(first_row + record),
                found: "bytes that are not UTF-8".to_owned(),
                remedy: "save the file as UTF-8, or name its encoding".to_owned(),
            },
            Self::Nul { record } => SchemaError::Rejected {
                row: Some(first_row + record),
                found: "a NUL byte, which no text holds: the file is binary or damaged".to_owned(),
                remedy: "export the table as CSV or Excel again and send that".to_owned(),
            },
            Self::Columns { record, found } => SchemaError::Limit {
                name: "columns",
                limit: size(limits.max_columns),
                found: size(found),
                row: Some(first_row + record),
            },
            Self::Cell { record, found } => SchemaError::Limit {
                name: "bytes of a cell",
                limit: size(limits.max_cell_bytes),
                found: size(found),
                row: Some(first_row + record),
            },
            Self::LongRecord { record, found } => SchemaError::Limit {
                name: "bytes of a record",
                limit: size(limits.max_record_bytes),
                found,
                row: Some(first_row + record),
            },
            Self::OpenQuote { record } => SchemaError::Rejected {
                row: Some(first_row + record),
                found: "a quote opens here and is never closed".to_owned(),
                remedy: "close the quote, double it if it belongs to the text, or say that the file has no quotes"
                    .to_owned(),
            },
            Self::Changed { record, found } => SchemaError::Rejected {
                row: Some(first_row + record),
                found: format!("the file differs from what was understood before: {found}"),
                remedy: "send the file again".to_owned(),
            },
            Self::Source(error) => error,
        }
    }
}

/// A cutter that reports progress and can be stopped.
pub(crate) struct WatchedBlocks<'c, R> {
    cutter: BlockCutter<R>,
    control: &'c dyn Control,
}

impl<'c, R: std::io::Read> WatchedBlocks<'c, R> {
    pub(crate) fn new(
        source: R,
        dialect: &Dialect,
        header: &HeaderPlan,
        limits: &Limits,
        control: &'c dyn Control,
    ) -> Self {
        let length = header.data_end.map(|end| end.saturating_sub(header.data_start));
        Self { cutter: BlockCutter::new(source, Marks::of(dialect), limits, length), control }
    }
}

impl<R: std::io::Read + Send> BlockSource for WatchedBlocks<'_, R> {
    type Error = BlockError;

    fn next_block(&mut self, block: &mut Vec<u8>) -> Result<bool, BlockError> {
        if self.control.is_cancelled() {
            return Err(BlockError::Source(SchemaError::Cancelled));
        }
        let more = self.cutter.next_block(block).map_err(|error| match error {
            CutError::Source(error) => BlockError::Source(error),
            // The cutter counts from 1.
            CutError::OpenQuote { record } => {
                BlockError::OpenQuote { record: record.saturating_sub(1) }
            }
            CutError::Record { record, found } => {
                BlockError::LongRecord { record: record.saturating_sub(1), found }
            }
        })?;
        self.control.bytes_done(u64::try_from(block.len()).unwrap_or_default());
        Ok(more)
    }
}

/// What a block holds besides its rows.
#[derive(Clone, Debug, Default)]
pub(crate) struct BlockCounts {
    /// All records, whatever they are.
    pub(crate) n_records: u64,
    /// Data rows.
    pub(crate) n_rows: u64,
    pub(crate) blank: Tally,
    pub(crate) malformed: Tally,
    /// Left out word for word.
    pub(crate) left_out: Vec<(u64, LeftOut, String)>,
}

/// Why a record is no row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LeftOut {
    Comment,
    RepeatedHeader,
}

/// How the records of a sheet are told apart.
pub(crate) struct RowRules<'a> {
    pub(crate) marks: Marks,
    pub(crate) header: &'a HeaderPlan,
    pub(crate) limits: &'a Limits,
}

impl RowRules<'_> {
    /// Gives each data record of a block to `each`, with its position among all records of the block.
    pub(crate) fn each_row(
        &self,
        block: &[u8],
        mut each: impl FnMut(u64, &str, &[CellSpan]) -> Result<(), BlockError>,
    ) -> Result<BlockCounts, BlockError> {
        let text = self.valid_text(block)?;
        let mut counts = BlockCounts::default();
        let mut scanner = Scanner::new(block, self.marks);
        let mut cells: Vec<CellSpan> = Vec::new();
        while let Some(record) = scanner.next_record(&mut cells) {
            let at = counts.n_records;
            counts.n_records += 1;
            match record {
                Record::Blank if !self.header.blank_is_row => {
                    counts.blank.add(at);
                    continue;
                }
                Record::Comment => {
                    let cell = cells.first().copied().unwrap_or_default();
                    counts.left_out.push((
                        at,
                        LeftOut::Comment,
                        cell_text(text, cell, self.marks).into_owned(),
                    ));
                    continue;
                }
                _ => {}
            }
            if self.header.skip_repeats && self.repeats_header(text, &cells) {
                counts.left_out.push((at, LeftOut::RepeatedHeader, self.header.cells.join(", ")));
                continue;
            }
            self.check_sizes(at, &cells)?;
            if cells.iter().any(|cell| cell.malformed) {
                counts.malformed.add(at);
            }
            each(at, text, &cells)?;
            counts.n_rows += 1;
        }
        Ok(counts)
    }

    fn valid_text<'b>(&self, block: &'b [u8]) -> Result<&'b str, BlockError> {
        if let Some(at) = memchr::memchr(0, block) {
            return Err(BlockError::Nul { record: self.records_before(block, at) });
        }
        std::str::from_utf8(block).map_err(|error| BlockError::NotUtf8 {
            record: self.records_before(block, error.valid_up_to()),
        })
    }

    fn records_before(&self, block: &[u8], at: usize) -> u64 {
        let mut scanner = Scanner::new(block, self.marks);
        let mut cells = Vec::new();
        let mut n_before = 0;
        while scanner.next_record(&mut cells).is_some() && scanner.position() <= at {
            n_before += 1;
        }
        n_before
    }

    fn check_sizes(&self, record: u64, cells: &[CellSpan]) -> Result<(), BlockError> {
        if cells.len() > self.limits.max_columns {
            return Err(BlockError::Columns { record, found: cells.len() });
        }
        let bytes = match (cells.first(), cells.last()) {
            (Some(first), Some(last)) => last.end.saturating_sub(first.start),
            _ => 0,
        };
        if bytes <= self.limits.max_cell_bytes {
            return Ok(());
        }
        let largest = cells.iter().map(|cell| cell.end - cell.start).max().unwrap_or(0);
        if largest > self.limits.max_cell_bytes {
            return Err(BlockError::Cell { record, found: largest });
        }
        if bytes > self.limits.max_record_bytes {
            return Err(BlockError::LongRecord {
                record,
                found: u64::try_from(bytes).unwrap_or(u64::MAX),
            });
        }
        Ok(())
    }

    fn repeats_header(&self, text: &str, cells: &[CellSpan]) -> bool {
        cells.len() == self.header.cells.len()
            && cells
                .iter()
                .zip(&self.header.cells)
                .all(|(cell, label)| cell_text(text, *cell, self.marks) == **label)
    }
}
