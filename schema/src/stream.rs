//! Turns rows that a library pushes into bytes that a reader pulls: records of cells, as a delimited text of our own.
//! It exists so that workbooks and JSON take the same way as CSV from there on, and are parsed beside it.
//! It never loses the difference between text and values: text stands in quotes, values do not.

use std::io::Read;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use crate::decode::Faults;
use crate::error::SchemaError;
use crate::options::Limits;
use crate::plan::Dialect;
use crate::sniff::NO_DELIMITER;

const CHUNK_BYTES: usize = 128 * 1024;
const MAX_CHUNKS: usize = 4;

/// The dialect of the text in between.
pub(crate) fn inner_dialect(reason: &str) -> Dialect {
    Dialect {
        delimiter: NO_DELIMITER,
        quote: Some('"'),
        escape: None,
        comment: None,
        padded_quotes: false,
        reason: reason.to_owned(),
    }
}

/// Why pushing ended.
pub(crate) enum Stop {
    /// Nobody reads any more.
    Unread,
    /// The source is at fault.
    Failed(SchemaError),
}

impl From<SchemaError> for Stop {
    fn from(error: SchemaError) -> Self {
        Self::Failed(error)
    }
}

/// Takes cells in order of rows and columns.
pub(crate) struct RowSink {
    chunks: SyncSender<Result<Vec<u8>, SchemaError>>,
    chunk: Vec<u8>,
    n_cells: usize,
    n_nuls: u64,
    n_rows: u64,
    /// Where the row begins in the chunk.
    row_start: usize,
    /// The first cell of the row that is larger than a cell may be.
    oversized: Option<usize>,
    max_cell_bytes: usize,
    max_record_bytes: usize,
}

impl RowSink {
    /// Adds text.
    pub(crate) fn text(&mut self, text: &str) {
        self.separate();
        if text.len() > self.max_cell_bytes {
            self.oversized.get_or_insert(text.len());
            return;
        }
        self.chunk.push(b'"');
        let mut rest = text.as_bytes();
        while let Some(at) = memchr::memchr2(b'"', 0, rest) {
            let (before, after) = rest.split_at(at);
            self.chunk.extend_from_slice(before);
            if after.first() == Some(&b'"') {
                self.chunk.extend_from_slice(b"\"\"");
            } else {
                // No store takes NUL in a text.
                self.chunk.extend_from_slice("\u{FFFD}".as_bytes());
                self.n_nuls += 1;
            }
            rest = after.get(1..).unwrap_or_default();
        }
        self.chunk.extend_from_slice(rest);
        self.chunk.push(b'"');
    }

    /// Adds a value in its canonical form, or nothing.
    pub(crate) fn value(&mut self, value: &str) {
        self.separate();
        self.chunk.extend_from_slice(value.as_bytes());
    }

    /// Adds a value that is written where it belongs.
    pub(crate) fn written(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        self.separate();
        write(&mut self.chunk);
    }

    /// Adds a whole number.
    pub(crate) fn whole(&mut self, value: i64) {
        self.separate();
        self.chunk.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
    }

    /// Returns how many cells the row has so far.
    pub(crate) fn n_cells(&self) -> usize {
        self.n_cells
    }

    fn separate(&mut self) {
        if self.n_cells > 0 {
            self.chunk.push(0x1F);
        }
        self.n_cells += 1;
    }

    /// Ends the row; a row without cells is an empty line.
    pub(crate) fn end_row(&mut self) -> Result<(), Stop> {
        self.n_rows += 1;
        let n_bytes = self.chunk.len() - self.row_start;
        if let Some(found) = self.oversized {
            return Err(self.beyond("bytes of a cell", self.max_cell_bytes, found));
        }
        if n_bytes > self.max_record_bytes {
            return Err(self.beyond("bytes of a record", self.max_record_bytes, n_bytes));
        }
        self.chunk.push(b'\n');
        self.n_cells = 0;
        self.row_start = self.chunk.len();
        if self.chunk.len() >= CHUNK_BYTES {
            return self.flush();
        }
        Ok(())
    }

    fn beyond(&self, name: &'static str, limit: usize, found: usize) -> Stop {
        let number = |value: usize| u64::try_from(value).unwrap_or(u64::MAX);
        let (limit, found, row) = (number(limit), number(found), Some(self.n_rows));
        Stop::Failed(SchemaError::Limit { name, limit, found, row })
    }

    fn flush(&mut self) -> Result<(), Stop> {
        self.row_start = 0;
        let chunk = std::mem::replace(&mut self.chunk, Vec::with_capacity(CHUNK_BYTES + 4_096));
        self.chunks.send(Ok(chunk)).map_err(|_| Stop::Unread)
    }
}

/// Runs `push` on a thread of its own and returns what it pushes; the thread ends when the reader goes away.
/// `faults` hears of characters that no store takes, before the last row is read.
pub(crate) fn stream_rows(
    faults: Option<Arc<Faults>>,
    limits: &Limits,
    push: impl FnOnce(&mut RowSink) -> Result<(), Stop> + Send + 'static,
) -> Result<StreamReader, SchemaError> {
    let (chunks_out, chunks_in) = sync_channel(MAX_CHUNKS);
    let mut sink = RowSink {
        chunks: chunks_out,
        chunk: Vec::new(),
        n_cells: 0,
        n_nuls: 0,
        n_rows: 0,
        row_start: 0,
        oversized: None,
        max_cell_bytes: limits.max_cell_bytes,
        max_record_bytes: limits.max_record_bytes,
    };
    let run = move || {
        // A parser that panics must not look like the end of the rows.
        let pushed = catch_unwind(AssertUnwindSafe(|| push(&mut sink)))
            .unwrap_or_else(|_| Err(Stop::Failed(contradictory())));
        if let Some(faults) = faults {
            faults.add_nuls(sink.n_nuls);
        }
        if let Err(Stop::Failed(error)) = pushed.and_then(|()| sink.flush()) {
            // When nobody reads any more, nobody wants the error.
            let _ = sink.chunks.send(Err(error));
        }
    };
    std::thread::Builder::new().name("sheet".to_owned()).spawn(run)?;
    Ok(StreamReader { chunks: chunks_in, chunk: Vec::new(), at: 0 })
}

fn contradictory() -> SchemaError {
    SchemaError::Rejected {
        row: None,
        found: "the file is damaged (its parts contradict each other)".to_owned(),
        remedy: "open it in the program that wrote it, save it again and send that".to_owned(),
    }
}

/// Reads what another thread pushes.
pub(crate) struct StreamReader {
    chunks: Receiver<Result<Vec<u8>, SchemaError>>,
    chunk: Vec<u8>,
    at: usize,
}

impl Read for StreamReader {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        while self.at == self.chunk.len() {
            match self.chunks.recv() {
                Ok(Ok(chunk)) => {
                    self.chunk = chunk;
                    self.at = 0;
                }
                Ok(Err(error)) => return Err(std::io::Error::other(error)),
                Err(_) => return Ok(0),
            }
        }
        let ready = self.chunk.get(self.at..).unwrap_or_default();
        let n = ready.len().min(out.len());
        if let (Some(out), Some(ready)) = (out.get_mut(..n), ready.get(..n)) {
            out.copy_from_slice(ready);
        }
        self.at += n;
        Ok(n)
    }
}
