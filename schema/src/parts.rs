//! Turns the parts of a packed workbook into a yes or no before its parser sees them.
//! It exists because that parser holds strings and styles in memory and believes what they say of their number.
//! It never unpacks to memory or disk, and believes no size that an archive claims.

use std::fs::File;
use std::io::{BufReader, Read};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;

use memchr::memmem;

use crate::ahead::{Ahead, CheckedFile};
use crate::error::SchemaError;
use crate::options::Limits;
use crate::plan::WorkbookKind;
use crate::source::damaged_archive;

/// Bytes of parts that the parser holds in memory, unpacked.
const MAX_HELD_BYTES: u64 = 96 * 1024 * 1024;
/// Strings of a workbook, and cells of a sheet that cannot be streamed.
const MAX_HELD_ITEMS: u64 = 4_000_000;
/// A sheet is large from so many bytes on, unpacked.
const MIN_LARGE_BYTES: u64 = 1024 * 1024;
/// Packed bytes that are read at once.
const PACKED_BYTES: usize = 64 * 1024;
/// What is kept of a chunk, so that no mark is missed between two.
const OVERLAP: usize = 64;

/// What is known of a workbook before its parser sees it.
pub(crate) struct CheckedParts {
    pub(crate) has_merged_cells: bool,
    /// The part that is checked while it is read, if one is worth it.
    pub(crate) last: Option<LastPart>,
}

/// A part whose check is left.
pub(crate) struct LastPart {
    index: usize,
    n_unpacked_before: u64,
    pub(crate) ahead: Arc<Ahead>,
}

/// Walks through all parts but a large sheet, and tells whether one of them has merged cells.
///
/// # Errors
/// When a part is damaged or the workbook would cost too much memory.
pub(crate) fn check_parts(
    archive: &mut zip::ZipArchive<BufReader<File>>,
    kind: WorkbookKind,
    limits: &Limits,
) -> Result<CheckedParts, SchemaError> {
    let large = match kind {
        WorkbookKind::Xlsx => large_sheet(archive)?,
        _ => None,
    };
    let mut has_merged_cells = false;
    let (mut n_unpacked, mut n_held) = (0_u64, 0_u64);
    for index in 0..archive.len() {
        if large.as_ref().is_some_and(|(large, _)| *large == index) {
            continue;
        }
        let part = archive.by_index(index).map_err(damaged_part)?;
        let name = part.name().map_err(damaged_archive)?.to_ascii_lowercase().replace('\\', "/");
        let by_ratio = part.compressed_size().saturating_mul(limits.max_unpack_ratio);
        let role = role_of(&name, kind);
        let mut counts = Counts::default();
        let mut allowed = by_ratio.max(1024 * 1024).min(limits.max_unpacked_bytes - n_unpacked);
        if role != Role::Streamed {
            allowed = allowed.min(MAX_HELD_BYTES - n_held);
        }
        walk(part, role, allowed, &mut counts)?;
        n_unpacked += counts.n_bytes;
        if role != Role::Streamed {
            n_held += counts.n_bytes;
        }
        has_merged_cells |= counts.has_merged_cells;
    }
    let last = large.map(|(index, ahead)| LastPart {
        index,
        n_unpacked_before: n_unpacked,
        ahead: Arc::new(ahead),
    });
    Ok(CheckedParts { has_merged_cells: has_merged_cells && kind == WorkbookKind::Xlsx, last })
}

/// Finds the largest sheet, if unpacking it takes a while.
fn large_sheet(
    archive: &mut zip::ZipArchive<BufReader<File>>,
) -> Result<Option<(usize, Ahead)>, SchemaError> {
    let mut largest = None;
    let mut n_most = MIN_LARGE_BYTES;
    for index in 0..archive.len() {
        let part = archive.by_index_raw(index).map_err(damaged_archive)?;
        let name = part.name().map_err(damaged_archive)?.to_ascii_lowercase().replace('\\', "/");
        if part.size() > n_most
            && name.contains("worksheets/")
            && let Some(start) = part.data_start()
        {
            n_most = part.size();
            let end = start.saturating_add(part.compressed_size());
            largest = Some((index, Ahead::new(start..end)));
        }
    }
    Ok(largest)
}

/// Checks the part that was left, and tells those who read it how far that is.
///
/// # Errors
/// When it is damaged, or the workbook would be too large with it.
pub(crate) fn check_last(path: &Path, last: &LastPart, limits: &Limits) -> Result<(), SchemaError> {
    let mut counts = Counts::default();
    let mut check = || {
        let file = CheckedFile { file: File::open(path)?, ahead: &last.ahead };
        let mut archive = zip::ZipArchive::new(BufReader::with_capacity(PACKED_BYTES, file))
            .map_err(damaged_archive)?;
        let part = archive.by_index(last.index).map_err(damaged_part)?;
        last.ahead.begin();
        let by_ratio = part.compressed_size().saturating_mul(limits.max_unpack_ratio);
        let allowed =
            by_ratio.max(1024 * 1024).min(limits.max_unpacked_bytes - last.n_unpacked_before);
        walk(part, Role::Streamed, allowed, &mut counts)
    };
    // Whoever waits must hear of the end even if there is a panic.
    let checked = catch_unwind(AssertUnwindSafe(&mut check)).unwrap_or(Err(SchemaError::Worker));
    last.ahead.end(checked.is_ok().then_some(counts.has_merged_cells));
    checked
}

/// What the parser does with a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    /// Read as a stream, or not at all.
    Streamed,
    /// Held in memory.
    Held,
    /// Held in memory, cell by cell and each as often as it says.
    HeldCells,
}

fn role_of(name: &str, kind: WorkbookKind) -> Role {
    match (kind, name) {
        (WorkbookKind::Ods, "content.xml") => Role::HeldCells,
        (WorkbookKind::Ods, _) => Role::Streamed,
        (_, name) if name.contains("worksheets/") || name.contains("/media/") => Role::Streamed,
        (_, name) if name.contains("/drawings/") || name.contains("pivotcache") => Role::Streamed,
        _ => Role::Held,
    }
}

#[derive(Default)]
struct Counts {
    n_bytes: u64,
    n_items: u64,
    has_merged_cells: bool,
}

fn walk(
    mut part: impl Read,
    role: Role,
    allowed: u64,
    counts: &mut Counts,
) -> Result<(), SchemaError> {
    let merged = memmem::Finder::new("mergeCell ");
    let mut repeats = Repeats::default();
    let mut chunk = vec![0; 256 * 1024];
    let mut kept = 0;
    loop {
        let Some(room) = chunk.get_mut(kept..) else { return Ok(()) };
        let n_read = part.read(room).map_err(damaged_part)?;
        if n_read == 0 {
            return Ok(());
        }
        counts.n_bytes += u64::try_from(n_read).unwrap_or_default();
        if counts.n_bytes > allowed {
            return Err(too_large(
                "unpacked bytes of a part of a workbook",
                allowed,
                counts.n_bytes,
            ));
        }
        let text = chunk.get(..kept + n_read).unwrap_or_default();
        let is_first = counts.n_bytes == u64::try_from(n_read).unwrap_or_default();
        match role {
            Role::Streamed => counts.has_merged_cells |= merged.find(text).is_some(),
            Role::Held => {
                if is_first {
                    check_claim(text)?;
                }
                let new = text.get(kept.saturating_sub(2)..).unwrap_or_default();
                let n_strings = memmem::find_iter(new, "<si").count();
                counts.n_items += u64::try_from(n_strings).unwrap_or_default();
            }
            Role::HeldCells => {
                let new = text.get(kept..).unwrap_or_default();
                new.iter().for_each(|byte| repeats.take(*byte));
                counts.n_items = repeats.n_cells;
            }
        }
        if counts.n_items > MAX_HELD_ITEMS {
            let name = match role {
                Role::HeldCells => "cells of a workbook of this kind",
                _ => "strings of a workbook",
            };
            return Err(too_large(name, MAX_HELD_ITEMS, counts.n_items));
        }
        let end = kept + n_read;
        kept = end.min(OVERLAP);
        chunk.copy_within(end - kept..end, 0);
    }
}

fn too_large(name: &'static str, limit: u64, found: u64) -> SchemaError {
    SchemaError::Limit { name, limit, found, row: None }
}

fn damaged_part(error: impl std::fmt::Display) -> SchemaError {
    SchemaError::Rejected {
        row: None,
        found: format!("the workbook is damaged ({error})"),
        remedy: "open it in a spreadsheet program, save it again as .xlsx and send that".to_owned(),
    }
}

/// Refuses a number of strings that no workbook has: the parser makes room for as many as it is told.
fn check_claim(head: &[u8]) -> Result<(), SchemaError> {
    let is_wide = head.starts_with(b"\xFF\xFE") || head.starts_with(b"\xFE\xFF");
    let is_xml = head.trim_ascii_start().starts_with(b"<") || head.starts_with(b"\xEF\xBB\xBF");
    if is_wide || (is_xml && memchr::memchr(0, head).is_some()) {
        return Err(damaged_part("a part is XML in UTF-16"));
    }
    let Some(at) = memmem::find(head, b"uniqueCount") else {
        return Ok(());
    };
    let after = head.get(at..).unwrap_or_default();
    let digits = after.iter().skip_while(|byte| !byte.is_ascii_digit() && **byte != b'>');
    let claimed = digits
        .take_while(|byte| byte.is_ascii_digit())
        .fold(0_u64, |sum, digit| sum.saturating_mul(10).saturating_add(u64::from(digit - b'0')));
    if claimed > MAX_HELD_ITEMS {
        return Err(too_large("strings of a workbook", MAX_HELD_ITEMS, claimed));
    }
    Ok(())
}

/// Counts cells of OpenDocument with their repetitions, byte by byte.
#[derive(Default)]
struct Repeats {
    tag: Vec<u8>,
    in_tag: bool,
    row_repeats: u64,
    /// Cells of the row up to the last filled one, and empty ones after it.
    in_row: u64,
    n_empty: u64,
    n_cells: u64,
    /// Empty rows since the last filled one.
    empty_rows: u64,
    widest: u64,
}

impl Repeats {
    fn take(&mut self, byte: u8) {
        match byte {
            b'<' => {
                self.tag.clear();
                self.in_tag = true;
            }
            b'>' if self.in_tag => {
                self.in_tag = false;
                self.end_tag();
            }
            // No more of a tag is needed than its first kilobytes.
            byte if self.in_tag && self.tag.len() < 8_192 => self.tag.push(byte),
            _ => {}
        }
    }

    fn end_tag(&mut self) {
        let tag = std::mem::take(&mut self.tag);
        let name = tag.split(|byte| byte.is_ascii_whitespace()).next().unwrap_or_default();
        let is_closed = tag.ends_with(b"/");
        match name.strip_suffix(b"/").unwrap_or(name) {
            b"table:table" => (self.widest, self.empty_rows) = (0, 0),
            b"table:table-row" => {
                self.row_repeats = repeats_of(&tag, b"table:number-rows-repeated", 1_048_576);
                (self.in_row, self.n_empty) = (0, 0);
                if is_closed {
                    self.end_row();
                }
            }
            b"/table:table-row" => self.end_row(),
            b"table:table-cell" | b"table:covered-table-cell" => {
                let repeats = repeats_of(&tag, b"table:number-columns-repeated", 16_384);
                let is_filled = memmem::find(&tag, b"office:").is_some()
                    || memmem::find(&tag, b"table:formula").is_some();
                if is_filled {
                    self.in_row = (self.in_row + self.n_empty + repeats).min(16_384);
                    self.n_empty = 0;
                } else {
                    self.n_empty += repeats;
                }
            }
            _ => {}
        }
        self.tag = tag;
    }

    fn end_row(&mut self) {
        if self.in_row == 0 {
            self.empty_rows = self.empty_rows.saturating_add(self.row_repeats);
            return;
        }
        self.widest = self.widest.max(self.in_row);
        // The parser gives every row the width of the widest.
        let n_rows = self.row_repeats.saturating_add(self.empty_rows);
        self.n_cells = self.n_cells.saturating_add(n_rows.saturating_mul(self.widest));
        self.empty_rows = 0;
    }
}

fn repeats_of(tag: &[u8], attribute: &[u8], most: u64) -> u64 {
    let Some(at) = memmem::find(tag, attribute) else {
        return 1;
    };
    let after = tag.get(at + attribute.len()..).unwrap_or_default();
    let digits = after.iter().skip_while(|byte| !byte.is_ascii_digit());
    let digits = digits.take_while(|byte| byte.is_ascii_digit());
    let number = digits
        .fold(0_u64, |sum, digit| sum.saturating_mul(10).saturating_add(u64::from(digit - b'0')));
    number.clamp(1, most)
}
