//! Turns a path into decoded text, read as a stream, after telling by content what the file is.
//! It exists so that nothing later cares about byte order marks, encodings or what the file was named.
//! It never trusts a name, and never holds the file in memory.

use std::fs::File;
use std::io::{BufReader, ErrorKind, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::{Arc, Mutex};

use crate::blocks::unwrap_schema_error;
use crate::decode::{DecodingReader, Faults, PLAIN_UTF8, encoding_named};
use crate::error::SchemaError;
use crate::json::{JsonRows, open_json};
use crate::options::Limits;
use crate::plan::{Container, Format};
use crate::rowgroups::{ParquetFacts, open_parquet};
use crate::spool::{SpoolSlot, open_kept};
use crate::summary::Texts;
use crate::workbook::SheetSource;

/// How much of a file is looked at before it is read as a whole.
pub(crate) const HEAD_BYTES: usize = 1024 * 1024;

/// Reads up to `limit` bytes.
pub(crate) fn read_head(source: &mut impl Read, limit: usize) -> Result<Vec<u8>, SchemaError> {
    let mut head = Vec::new();
    source
        .take(u64::try_from(limit).unwrap_or(u64::MAX))
        .read_to_end(&mut head)
        .map_err(crate::blocks::unwrap_schema_error)?;
    Ok(head)
}

/// What the text of a place is made from.
#[derive(Clone, Copy)]
pub(crate) enum Inner<'a> {
    /// The decoded bytes themselves.
    Text,
    /// A sheet of a workbook.
    Sheet { sheet: &'a SheetSource },
    /// The rows of a Parquet file.
    Parquet { facts: &'a Arc<Mutex<ParquetFacts>> },
    /// The rows of a JSON document.
    Json(JsonRows<'a>),
}

/// A text inside a file: where it is packed and how it is encoded.
#[derive(Clone, Copy)]
pub(crate) struct TextPlace<'a> {
    pub(crate) path: &'a Path,
    pub(crate) container: &'a Container,
    /// A name that [`crate::decode::encoding_named`] knows.
    pub(crate) encoding: &'a str,
    pub(crate) limits: &'a Limits,
    pub(crate) faults: Option<&'a Arc<Faults>>,
    pub(crate) inner: Inner<'a>,
}

impl<'a> TextPlace<'a> {
    /// Whether the source tells text from values.
    pub(crate) fn is_typed(&self) -> bool {
        !matches!(self.inner, Inner::Text)
    }

    /// Tells what cells in quotes may be.
    pub(crate) fn texts(&self) -> Texts {
        match self.inner {
            Inner::Text => Texts::Anything,
            Inner::Sheet { .. } => Texts::Text,
            Inner::Parquet { .. } => Texts::Plain,
            Inner::Json(_) => Texts::Dates,
        }
    }

    /// Says why the dialect is our own, if it is.
    pub(crate) fn inner_reason(&self) -> Option<&'static str> {
        match self.inner {
            Inner::Text => None,
            Inner::Sheet { .. } => Some("cells of a workbook"),
            Inner::Parquet { .. } => Some("values of Parquet columns"),
            Inner::Json(_) => Some("members of JSON objects"),
        }
    }

    /// Returns what a thread of its own needs to open the decoded text.
    pub(crate) fn owned_text(&self) -> OwnedText {
        OwnedText {
            path: self.path.to_owned(),
            container: self.container.clone(),
            encoding: self.encoding.to_owned(),
            limits: self.limits.clone(),
        }
    }

    /// Where the rows are kept, once all of them were parsed.
    pub(crate) fn kept_rows(&self) -> SpoolSlot {
        match self.inner {
            Inner::Sheet { sheet } => sheet.kept_rows().cloned().unwrap_or_default(),
            _ => SpoolSlot::default(),
        }
    }

    pub(crate) fn format(&self) -> Format {
        let container = self.container.clone();
        match self.inner {
            Inner::Text => Format::Delimited { container },
            Inner::Sheet { sheet } => {
                Format::Workbook { workbook: sheet.kind(), sheet: sheet.name().to_owned() }
            }
            Inner::Parquet { .. } => Format::Parquet,
            Inner::Json(rows) => Format::Json {
                container,
                lines: rows.lines,
                member: rows.member.map(str::to_owned),
                flatten: rows.flatten,
                keys: rows.keys.to_vec(),
            },
        }
    }

    /// Opens the text at a byte of it.
    pub(crate) fn open(&self, from: u64) -> Result<Box<dyn Read + Send>, SchemaError> {
        let mut text: Box<dyn Read + Send> = match self.inner {
            Inner::Text => return self.open_decoded(from),
            Inner::Sheet { sheet } => {
                if let Some(kept) = sheet.kept_rows().and_then(|kept| open_kept(kept, from)) {
                    return Ok(Box::new(kept));
                }
                sheet.open(self.limits, self.faults)?
            }
            Inner::Parquet { facts } => {
                Box::new(open_parquet(self.path, self.limits, facts, self.faults)?)
            }
            Inner::Json(rows) => Box::new(open_json(self, rows)?),
        };
        std::io::copy(&mut text.by_ref().take(from), &mut std::io::sink())
            .map_err(unwrap_schema_error)?;
        Ok(text)
    }

    /// Opens the decoded text at a byte of it.
    pub(crate) fn open_decoded(&self, from: u64) -> Result<Box<dyn Read + Send>, SchemaError> {
        if self.encoding == PLAIN_UTF8 && *self.container == Container::Plain {
            return open_plain(self.path, from);
        }
        let packed = open_bytes(self.path, self.container, self.limits)?;
        let encoding = encoding_named(self.encoding).ok_or_else(|| SchemaError::BadOption {
            found: format!("the encoding {:?} is not known", self.encoding),
            remedy: "give a WHATWG label such as utf-8, windows-1252 or shift_jis".to_owned(),
        })?;
        let mut text: Box<dyn Read + Send> = match self.encoding {
            PLAIN_UTF8 => Box::new(without_mark(packed)?),
            _ => Box::new(DecodingReader::new(packed, encoding, self.faults.cloned())),
        };
        std::io::copy(&mut text.by_ref().take(from), &mut std::io::sink())
            .map_err(unwrap_schema_error)?;
        Ok(text)
    }
}

/// A decoded text that can be opened anywhere.
pub(crate) struct OwnedText {
    path: std::path::PathBuf,
    container: Container,
    encoding: String,
    limits: Limits,
}

impl OwnedText {
    pub(crate) fn open(&self) -> Result<Box<dyn Read + Send>, SchemaError> {
        let Self { path, container, encoding, limits } = self;
        TextPlace { path, container, encoding, limits, faults: None, inner: Inner::Text }
            .open_decoded(0)
    }
}

fn open_plain(path: &Path, from: u64) -> Result<Box<dyn Read + Send>, SchemaError> {
    let mut file = File::open(path)?;
    let mut mark = [0; 3];
    let n_read = file.read(&mut mark)?;
    let n_mark = if n_read == 3 && mark == *MARK { 3 } else { 0 };
    file.seek(SeekFrom::Start(n_mark + from))?;
    Ok(Box::new(file))
}

const MARK: &[u8; 3] = b"\xEF\xBB\xBF";

fn without_mark(mut source: impl Read + Send + 'static) -> Result<impl Read + Send, SchemaError> {
    let head = read_head(&mut source, MARK.len())?;
    let head = if head == *MARK { Vec::new() } else { head };
    Ok(std::io::Cursor::new(head).chain(source))
}

/// Opens the bytes of a file, unpacked.
pub(crate) fn open_bytes(
    path: &Path,
    container: &Container,
    limits: &Limits,
) -> Result<Box<dyn Read + Send>, SchemaError> {
    let file = File::open(path)?;
    let n_packed = file.metadata()?.len();
    let bounded = |source: Box<dyn Read + Send>, n_packed: u64| -> Box<dyn Read + Send> {
        Box::new(UnpackGuard { source, n_packed, n_unpacked: 0, limits: limits.clone() })
    };
    Ok(match container {
        Container::Plain => Box::new(file),
        Container::Gzip => {
            bounded(Box::new(flate2::bufread::MultiGzDecoder::new(BufReader::new(file))), n_packed)
        }
        Container::Zstd => bounded(Box::new(zstd::stream::read::Decoder::new(file)?), n_packed),
        Container::Zip { index } => {
            let (source, n_packed) = open_member(file, *index)?;
            bounded(source, n_packed)
        }
    })
}

/// Opens a member of a zip archive as a stream that owns its file.
fn open_member(file: File, index: usize) -> Result<(Box<dyn Read + Send>, u64), SchemaError> {
    let mut archive = zip::ZipArchive::new(BufReader::new(file)).map_err(damaged_archive)?;
    let member = archive.by_index_raw(index).map_err(damaged_archive)?;
    let (start, length, method) =
        (member.data_start(), member.compressed_size(), member.compression());
    let (size, crc32) = (member.size(), member.crc32());
    drop(member);
    let mut file = archive.into_inner();
    let Some(start) = start else {
        return Err(damaged_archive("a member has no data"));
    };
    file.seek(SeekFrom::Start(start))?;
    let packed = file.take(length);
    let unpacked: Box<dyn Read + Send> = match method {
        zip::CompressionMethod::Stored => Box::new(packed),
        zip::CompressionMethod::Deflated => Box::new(flate2::bufread::DeflateDecoder::new(packed)),
        other => {
            return Err(SchemaError::Unsupported {
                what: format!("a zip archive packed with {other:?}"),
                remedy: "pack it with deflate, the usual method".to_owned(),
            });
        }
    };
    Ok((Box::new(Checked { source: unpacked, sum: flate2::Crc::new(), size, crc32 }), length))
}

/// Compares what was unpacked with what the archive says of it.
struct Checked {
    source: Box<dyn Read + Send>,
    sum: flate2::Crc,
    size: u64,
    crc32: u32,
}

impl Read for Checked {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        let n_read = self.source.read(out)?;
        self.sum.update(out.get(..n_read).unwrap_or_default());
        // The sum counts bytes in 32 bits.
        let is_whole = u64::from(self.sum.amount()) == self.size & u64::from(u32::MAX);
        if n_read == 0 && !out.is_empty() && (!is_whole || self.sum.sum() != self.crc32) {
            return Err(std::io::Error::new(
                ErrorKind::InvalidData,
                "a member is not what its checksum says",
            ));
        }
        Ok(n_read)
    }
}

pub(crate) fn damaged_archive(error: impl std::fmt::Display) -> SchemaError {
    SchemaError::Rejected {
        row: None,
        found: format!("the archive is damaged ({error})"),
        remedy: "pack the file again and send that".to_owned(),
    }
}

/// Stops unpacking before it fills the world.
struct UnpackGuard {
    source: Box<dyn Read + Send>,
    n_packed: u64,
    n_unpacked: u64,
    limits: Limits,
}

impl Read for UnpackGuard {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        let n_read = self.source.read(out).map_err(|error| match error.kind() {
            ErrorKind::InvalidData | ErrorKind::InvalidInput | ErrorKind::UnexpectedEof => {
                std::io::Error::other(damaged_archive(error))
            }
            _ => error,
        })?;
        self.n_unpacked += u64::try_from(n_read).unwrap_or_default();
        // Small files may shrink to nothing: a ratio says something only above a mebibyte.
        let by_ratio = self.n_packed.saturating_mul(self.limits.max_unpack_ratio).max(1024 * 1024);
        let (name, limit) = match self.limits.max_unpacked_bytes < by_ratio {
            true => ("unpacked bytes", self.limits.max_unpacked_bytes),
            false => ("unpacked bytes, by the ratio to the packed file", by_ratio),
        };
        if self.n_unpacked > limit {
            let error = SchemaError::Limit { name, limit, found: self.n_unpacked, row: None };
            return Err(std::io::Error::other(error));
        }
        Ok(n_read)
    }
}
