//! Turns a path into decoded text, read as a stream, after telling by content what the file is.
//! It exists so that nothing later cares about byte order marks, encodings or what the file was named.
//! It never trusts a name, and never holds the file in memory.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use crate::error::SchemaError;

/// How much of a file is looked at before it is read as a whole.
pub(crate) const HEAD_BYTES: usize = 1024 * 1024;

/// What a file is, by its first bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    Empty,
    Gzip,
    Zstd,
    Zip,
    /// The container of .xls, and of workbooks with a password.
    Compound,
    Parquet,
    Other {
        what: &'static str,
        remedy: &'static str,
    },
}

const EXPORT: &str = "export the table as CSV or Excel and send that";

/// Tells what a file is.
pub(crate) fn kind_of(head: &[u8]) -> Kind {
    const OTHERS: &[(&[u8], &str, &str)] = &[
        (b"%PDF", "a PDF document", EXPORT),
        (b"\x89PNG", "a PNG image", EXPORT),
        (b"\xFF\xD8\xFF", "a JPEG image", EXPORT),
        (b"GIF8", "a GIF image", EXPORT),
        (b"BM\0", "a bitmap image", EXPORT),
        (b"\x7FELF", "an executable", EXPORT),
        (b"MZ\x90", "an executable", EXPORT),
        (b"\xCA\xFE\xBA\xBE", "an executable", EXPORT),
        (b"SQLite format 3\0", "an SQLite database", "export its tables as CSV, one file each"),
        (b"7z\xBC\xAF\x27\x1C", "a 7z archive", "send it as zip or gzip, or the files themselves"),
        (b"Rar!", "a RAR archive", "send it as zip or gzip, or the files themselves"),
        (b"BZh", "a bzip2 file", "send it as gzip or zstd, or the file itself"),
        (b"\xFD7zXZ\0", "an xz file", "send it as gzip or zstd, or the file itself"),
        (b"ARROW1", "an Arrow file", "write it as Parquet or CSV"),
        (b"{\\rtf", "a rich text document", EXPORT),
        (
            b"<!DOCTYPE",
            "a web page",
            "download the data itself; the link may have asked for a login",
        ),
        (
            b"<!doctype",
            "a web page",
            "download the data itself; the link may have asked for a login",
        ),
        (b"<html", "a web page", "download the data itself; the link may have asked for a login"),
        (b"<?xml", "an XML document", EXPORT),
    ];
    if head.is_empty() {
        return Kind::Empty;
    }
    if head.starts_with(b"\x1F\x8B") {
        return Kind::Gzip;
    }
    if head.starts_with(b"\x28\xB5\x2F\xFD") {
        return Kind::Zstd;
    }
    if head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06") {
        return Kind::Zip;
    }
    if head.starts_with(b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1") {
        return Kind::Compound;
    }
    if head.starts_with(b"PAR1") {
        return Kind::Parquet;
    }
    OTHERS
        .iter()
        .find(|(magic, ..)| head.starts_with(magic))
        .map_or(Kind::Text, |(_, what, remedy)| Kind::Other { what, remedy })
}

/// Reads up to `limit` bytes.
pub(crate) fn read_head(source: &mut impl Read, limit: usize) -> Result<Vec<u8>, SchemaError> {
    let mut head = Vec::new();
    source
        .take(u64::try_from(limit).unwrap_or(u64::MAX))
        .read_to_end(&mut head)
        .map_err(crate::blocks::unwrap_schema_error)?;
    Ok(head)
}

/// Opens decoded text at a byte of the decoded text.
pub(crate) fn open_text(path: &Path, from: u64) -> Result<Box<dyn Read + Send>, SchemaError> {
    let mut file = File::open(path)?;
    let mut mark = [0; 3];
    let n = file.read(&mut mark)?;
    let bom = if n == 3 && mark == *b"\xEF\xBB\xBF" { 3 } else { 0 };
    file.seek(SeekFrom::Start(bom + from))?;
    Ok(Box::new(file))
}
