//! Takes the values of a sheet for the rows of a data file and, beside them, for its columns.
//!
//! It exists so that both are made in one pass: the threads that parse fill a record and a block of
//! columns at once, and the columns of finished blocks are written by a thread of their own. What
//! goes wrong with the columns never fails a load: they can be built later.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::JoinHandle;

use sluice_columnar::block::Block;
use sluice_columnar::write::FileWriter;
use sluice_columnar::{Kind, Value as Cell};
use sluice_schema::{RowEncoder, Value};

use super::super::record::{RecordEncoder, write_uuid};

/// What the name of a file in the making ends with.
pub(super) const NEW_EXTENSION: &str = "col-new";
/// Blocks that wait for the thread that writes columns.
const WAITING_BLOCKS: usize = 2;

/// A cell of a sheet as columns keep it; `buffer` is for what becomes text.
fn cell<'v>(value: Value<'v>, buffer: &'v mut Vec<u8>) -> Cell<'v> {
    match value {
        Value::Null => Cell::Null,
        Value::Boolean(value) => Cell::Whole(i64::from(value)),
        Value::Int(number) | Value::Decimal(number) => Cell::Whole(number),
        Value::Float(number) => Cell::Float(number),
        Value::Date(days) => Cell::Whole(i64::from(days)),
        Value::Time(micros) | Value::Timestamp(micros) => Cell::Whole(micros),
        Value::Uuid(bytes) => {
            buffer.clear();
            write_uuid(buffer, bytes);
            Cell::Text(buffer)
        }
        Value::Text(text) => Cell::Text(text.as_bytes()),
    }
}

/// Encodes rows as records and, if wanted, as columns.
pub(in crate::store::sqlite) struct BothEncoder {
    pub(in crate::store::sqlite) records: RecordEncoder,
    columns: Option<Block>,
    next_column: usize,
    buffer: Vec<u8>,
}

impl BothEncoder {
    /// An encoder of rows of these columns, if any, beside records.
    pub(in crate::store::sqlite) fn new(
        records: RecordEncoder,
        kinds: Option<&[Kind]>,
    ) -> BothEncoder {
        let columns = kinds.map(Block::new);
        BothEncoder { records, columns, next_column: 0, buffer: Vec::new() }
    }

    /// Forgets the rows and keeps the memory.
    pub(in crate::store::sqlite) fn clear(&mut self) {
        self.records.clear();
        if let Some(columns) = &mut self.columns {
            columns.clear();
        }
    }

    /// Gives the columns away for an empty block of the same kinds.
    fn swap_columns(&mut self, empty: Block) -> Option<Block> {
        self.columns.replace(empty)
    }
}

impl RowEncoder for BothEncoder {
    fn value(&mut self, column: usize, value: Value<'_>) {
        self.records.value(column, value);
        if let Some(columns) = &mut self.columns {
            while self.next_column < column {
                columns.push(Cell::Null);
                self.next_column += 1;
            }
            columns.push(cell(value, &mut self.buffer));
            self.next_column += 1;
        }
    }

    fn end_row(&mut self) {
        self.records.end_row();
        if let Some(columns) = &mut self.columns {
            columns.end_row(None);
            self.next_column = 0;
        }
    }
}

/// What the columns beside a load are to be.
#[derive(Clone, Copy)]
pub(in crate::store::sqlite) struct Beside {
    /// Whose they are.
    pub(in crate::store::sqlite) identity: [u8; 16],
    /// Rows below which there are to be none.
    pub(in crate::store::sqlite) min_rows: u64,
}

/// A file of columns in the making, beside a load.
pub(in crate::store::sqlite) struct ColumnsBeside {
    path: PathBuf,
    kinds: Vec<Kind>,
    beside: Beside,
    blocks: Option<SyncSender<Block>>,
    spare: crossbeam_channel::Receiver<Block>,
    thread: Option<JoinHandle<io::Result<FileWriter>>>,
}

impl ColumnsBeside {
    /// Begins a file that gets this name when it is finished.
    ///
    /// # Errors
    /// When it cannot be made, or there is no thread.
    pub(in crate::store::sqlite) fn begin(
        path: PathBuf,
        kinds: Vec<Kind>,
        beside: Beside,
    ) -> io::Result<ColumnsBeside> {
        let mut writer = FileWriter::create(new_file(&path)?, &kinds)?;
        let (blocks, waiting) = sync_channel::<Block>(WAITING_BLOCKS);
        let (used, spare) = crossbeam_channel::bounded(WAITING_BLOCKS + 2);
        let thread = std::thread::Builder::new().name("sluice-columns".to_owned());
        let thread = thread.spawn(move || {
            for mut block in waiting {
                writer.push(&block)?;
                block.clear();
                // Where there is no room it is let go.
                let _ = used.try_send(block);
            }
            Ok(writer)
        })?;
        Ok(ColumnsBeside { path, kinds, beside, blocks: Some(blocks), spare, thread: Some(thread) })
    }

    /// The kinds of its columns.
    pub(in crate::store::sqlite) fn kinds(&self) -> &[Kind] {
        &self.kinds
    }

    /// Takes the columns of a block of rows. A thread that failed takes none; the end tells why.
    pub(in crate::store::sqlite) fn push(&mut self, rows: &mut BothEncoder) {
        let empty = self.spare.try_recv().unwrap_or_else(|_| Block::new(&self.kinds));
        if let (Some(block), Some(blocks)) = (rows.swap_columns(empty), &self.blocks)
            && blocks.send(block).is_err()
        {
            self.blocks = None;
        }
    }

    /// Finishes the file, unless there are too few rows for it to be of use.
    ///
    /// # Errors
    /// When it could not be written; then nothing is left of it.
    pub(in crate::store::sqlite) fn finish(mut self, n_rows: u64) -> io::Result<()> {
        self.blocks = None;
        let ended = self.thread.take().map(JoinHandle::join);
        let Some(Ok(written)) = ended else {
            return Err(io::Error::other("a thread ended early"));
        };
        let writer = written?;
        if n_rows < self.beside.min_rows {
            return Ok(());
        }
        writer.finish(self.beside.identity, 0)?;
        fs::rename(new_path(&self.path), &self.path)
    }
}

impl Drop for ColumnsBeside {
    fn drop(&mut self) {
        self.blocks = None;
        if let Some(thread) = self.thread.take() {
            // Its end is waited for, so that it does not write any more.
            let _ = thread.join();
        }
        // What is not finished is of no use.
        let _ = fs::remove_file(new_path(&self.path));
    }
}

/// The name of a file in the making.
pub(super) fn new_path(path: &Path) -> PathBuf {
    path.with_extension(NEW_EXTENSION)
}

/// A file in the making; one that was left behind goes.
pub(super) fn new_file(path: &Path) -> io::Result<File> {
    let path = new_path(path);
    OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)
}
