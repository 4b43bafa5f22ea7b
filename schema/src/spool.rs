//! Turns the rows of a workbook, once they were parsed, into a temporary file from which they are read again.
//! It exists because parsing a workbook costs more than everything that follows, and inferring needs two passes.
//! It never outlives its plan: the file has no name, so that nothing is left behind even by a crash.

use std::fs::File;
use std::io::{BufWriter, Read, Write};
use std::path::Path;
use std::sync::{Arc, OnceLock};

use crate::error::SchemaError;

/// The parsed rows of a sheet, as text of the inner dialect.
#[derive(Debug)]
pub(crate) struct Spool {
    file: File,
}

/// Where the rows of a sheet are put by the first pass over all of them.
pub(crate) type SpoolSlot = Arc<OnceLock<Spool>>;

/// The rows kept for a plan; no part of what a plan says, so that all are equal.
#[derive(Clone, Debug, Default)]
pub(crate) struct KeptRows(pub(crate) SpoolSlot);

impl PartialEq for KeptRows {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

/// Reads kept rows from a byte on; `None` when there are none.
pub(crate) fn open_kept(slot: &SpoolSlot, from: u64) -> Option<impl Read + Send + use<>> {
    slot.get()?;
    Some(SpoolReader { slot: Arc::clone(slot), at: from })
}

struct SpoolReader {
    slot: SpoolSlot,
    at: u64,
}

impl Read for SpoolReader {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        let Some(spool) = self.slot.get() else {
            return Ok(0);
        };
        let n_read = read_at(&spool.file, out, self.at)?;
        self.at += u64::try_from(n_read).unwrap_or_default();
        Ok(n_read)
    }
}

/// Reads without moving the place where others read.
#[cfg(unix)]
fn read_at(file: &File, out: &mut [u8], at: u64) -> std::io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, out, at)
}

/// Reads without minding the place where others read.
#[cfg(windows)]
fn read_at(file: &File, out: &mut [u8], at: u64) -> std::io::Result<usize> {
    std::os::windows::fs::FileExt::seek_read(file, out, at)
}

/// Keeps what is read beside the source; where that fails, rows are parsed again instead.
pub(crate) fn keep_rows<R: Read + Send>(
    source: R,
    beside: &Path,
    slot: &SpoolSlot,
    max_bytes: u64,
) -> impl Read + Send + use<R> {
    let file = beside.parent().and_then(|folder| tempfile::tempfile_in(folder).ok());
    let file = file.map(|file| BufWriter::with_capacity(256 * 1024, file));
    Keeping { source, file, slot: Arc::clone(slot), n_bytes: 0, max_bytes }
}

struct Keeping<R> {
    source: R,
    file: Option<BufWriter<File>>,
    slot: SpoolSlot,
    n_bytes: u64,
    max_bytes: u64,
}

impl<R: Read> Read for Keeping<R> {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        let n_read = self.source.read(out)?;
        self.n_bytes += u64::try_from(n_read).unwrap_or_default();
        // A shared string of a workbook may stand in any number of cells.
        if self.n_bytes > self.max_bytes {
            return Err(std::io::Error::other(SchemaError::Limit {
                name: "bytes of the cells of a sheet",
                limit: self.max_bytes,
                found: self.n_bytes,
                row: None,
            }));
        }
        if n_read == 0 && !out.is_empty() {
            if let Some(Ok(file)) = self.file.take().map(BufWriter::into_inner) {
                // Of two complete passes the first counts; both give the same rows.
                let _ = self.slot.set(Spool { file });
            }
        } else if let (Some(file), Some(bytes)) = (&mut self.file, out.get(..n_read))
            && file.write_all(bytes).is_err()
        {
            self.file = None;
        }
        Ok(n_read)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests may stop")]
mod tests {
    use super::*;

    #[test]
    fn rows_come_back_from_anywhere_once_all_were_read() {
        let slot = SpoolSlot::default();
        let beside = std::env::temp_dir().join("source");
        let mut reader = keep_rows(&b"0123456789"[..], &beside, &slot, 10);
        assert!(open_kept(&slot, 0).is_none());
        std::io::copy(&mut reader, &mut std::io::sink()).unwrap();
        let mut text = String::new();
        open_kept(&slot, 7).unwrap().read_to_string(&mut text).unwrap();
        assert_eq!(text, "789");
        let slot = SpoolSlot::default();
        let mut reader = keep_rows(&b"0123456789"[..], &beside, &slot, 9);
        assert!(std::io::copy(&mut reader, &mut std::io::sink()).is_err());
        assert!(open_kept(&slot, 0).is_none());
    }
}
