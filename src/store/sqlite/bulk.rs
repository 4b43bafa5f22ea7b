//! Turns rows in order into a whole SQLite database file, written once from front to back.
//!
//! It exists because a sorted bulk load needs none of what an INSERT pays for: each b-tree is built
//! from its leaves upward with one page per level in memory. It never goes back to a page, except
//! to page 1 at the end, so that a file cut off half-way is not a database at all.
//!
//! The format is <https://www.sqlite.org/fileformat2.html>. The trees of a table and of its key
//! grow side by side, their pages interleaved in the file.

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::FileExt;

use super::page::{PageBuilder, PageKind, local_payload_bytes};
use super::record::{MAX_VARINT_BYTES, push_integer, push_record, push_text, push_varint};

/// Bytes written with one call.
const WRITE_BUFFER_BYTES: usize = 1 << 20;

/// SQLite takes its locks on this byte: the page that holds it is never used.
const LOCK_BYTE: u64 = 0x4000_0000;

/// `Sluc`, so that `file` and we know a data file from other databases.
const APPLICATION_ID: u32 = 0x536c_7563;

/// Which journal a database uses, as its header says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum JournalMode {
    /// A rollback journal (or none).
    Rollback,
    /// A write-ahead log.
    Wal,
}

impl JournalMode {
    /// The read and write versions at offset 18 of the header.
    pub(super) const fn versions(self) -> [u8; 2] {
        match self {
            JournalMode::Rollback => [1, 1],
            JournalMode::Wal => [2, 2],
        }
    }

    /// Where the versions are.
    pub(super) const OFFSET: u64 = 18;
}

/// The pages of a database, appended in the order of their numbers.
struct PageFile {
    file: File,
    buffer: Vec<u8>,
    page_bytes: usize,
    n_pages: u32,
    lock_page: u32,
}

impl PageFile {
    /// Starts a file with an empty page 1, which is written last.
    fn create(file: File, page_bytes: usize) -> io::Result<PageFile> {
        let lock_page = u32::try_from(LOCK_BYTE / page_bytes as u64 + 1).map_err(too_large)?;
        let buffer = Vec::with_capacity(WRITE_BUFFER_BYTES + page_bytes);
        let mut out = PageFile { file, buffer, page_bytes, n_pages: 0, lock_page };
        out.append(&vec![0; page_bytes])?;
        Ok(out)
    }

    /// The number of the page that is appended after page `number`.
    fn number_after(&self, number: u32) -> io::Result<u32> {
        let next = number.checked_add(1).ok_or_else(|| too_large(number))?;
        if next == self.lock_page {
            return next.checked_add(1).ok_or_else(|| too_large(number));
        }
        Ok(next)
    }

    /// Appends a page and returns its number.
    fn append(&mut self, page: &[u8]) -> io::Result<u32> {
        let number = self.number_after(self.n_pages)?;
        if number - self.n_pages == 2 {
            self.put(&vec![0; self.page_bytes])?;
        }
        self.put(page)?;
        self.n_pages = number;
        Ok(number)
    }

    fn put(&mut self, page: &[u8]) -> io::Result<()> {
        self.buffer.extend_from_slice(page);
        if self.buffer.len() >= WRITE_BUFFER_BYTES {
            self.flush()?;
        }
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.write_all(&self.buffer)?;
        self.buffer.clear();
        Ok(())
    }

    /// Appends the chain of overflow pages for `rest` and returns the first one's number.
    fn append_overflow(&mut self, rest: &[u8]) -> io::Result<u32> {
        let first = self.number_after(self.n_pages)?;
        let mut page = Vec::with_capacity(self.page_bytes);
        let mut chunks = rest.chunks(self.page_bytes - 4).peekable();
        while let Some(chunk) = chunks.next() {
            let number = self.number_after(self.n_pages)?;
            let next = if chunks.peek().is_some() { self.number_after(number)? } else { 0 };
            page.clear();
            page.extend_from_slice(&next.to_be_bytes());
            page.extend_from_slice(chunk);
            page.resize(self.page_bytes, 0);
            self.append(&page)?;
        }
        Ok(first)
    }
}

fn too_large<E>(_: E) -> io::Error {
    io::Error::new(io::ErrorKind::FileTooLarge, "more pages than a database file can have")
}

/// The interior pages above a row of leaves: the rightmost one of each level.
///
/// A cell is a child's number and a key: the largest rowid below the child, or, in an index, the
/// record between this child and the next. A full page gives its last cell away: the child becomes
/// its right child, the key goes up. So no page ever ends up without a cell.
struct InteriorLevels {
    kind: PageKind,
    levels: Vec<PageBuilder>,
}

impl InteriorLevels {
    fn new(kind: PageKind) -> InteriorLevels {
        InteriorLevels { kind, levels: Vec::new() }
    }

    fn add(&mut self, out: &mut PageFile, child: u32, key: Vec<u8>) -> io::Result<()> {
        let (mut child, mut key) = (child, key);
        for page in &mut self.levels {
            if page.fits(4 + key.len()) {
                page.push(&child.to_be_bytes(), &key);
                return Ok(());
            }
            let last = page.pop();
            let (right, up) = last.split_first_chunk::<4>().ok_or_else(no_cell)?;
            let number = out.append(page.finish(Some(u32::from_be_bytes(*right))))?;
            page.reset();
            page.push(&child.to_be_bytes(), &key);
            (child, key) = (number, up.to_vec());
        }
        let mut top = PageBuilder::new(self.kind, out.page_bytes);
        top.push(&child.to_be_bytes(), &key);
        self.levels.push(top);
        Ok(())
    }

    /// Writes what is left, with `last_child` as the rightmost one, and returns the root's number.
    fn finish(self, out: &mut PageFile, last_child: u32) -> io::Result<u32> {
        let mut child = last_child;
        for mut page in self.levels {
            child = out.append(page.finish(Some(child)))?;
        }
        Ok(child)
    }
}

fn no_cell() -> io::Error {
    io::Error::other("a full page without a cell")
}

/// The b-tree of a table, built from rows with growing rowids.
struct TableTree {
    leaf: PageBuilder,
    last_rowid: u64,
    upper: InteriorLevels,
    head: Vec<u8>,
}

impl TableTree {
    fn new(page_bytes: usize) -> TableTree {
        TableTree {
            leaf: PageBuilder::new(PageKind::TableLeaf, page_bytes),
            last_rowid: 0,
            upper: InteriorLevels::new(PageKind::TableInterior),
            head: Vec::with_capacity(2 * MAX_VARINT_BYTES),
        }
    }

    fn push(&mut self, out: &mut PageFile, rowid: u64, payload: &[u8]) -> io::Result<()> {
        self.head.clear();
        push_varint(&mut self.head, payload.len() as u64);
        push_varint(&mut self.head, rowid);
        let n_local = local_payload_bytes(out.page_bytes, payload.len());
        if n_local == payload.len() {
            self.push_cell(out, payload)?;
        } else {
            let (local, rest) = payload.split_at(n_local);
            let first = out.append_overflow(rest)?;
            let mut tail = local.to_vec();
            tail.extend_from_slice(&first.to_be_bytes());
            self.push_cell(out, &tail)?;
        }
        self.last_rowid = rowid;
        Ok(())
    }

    fn push_cell(&mut self, out: &mut PageFile, tail: &[u8]) -> io::Result<()> {
        if !self.leaf.fits(self.head.len() + tail.len()) {
            let number = out.append(self.leaf.finish(None))?;
            let mut key = Vec::with_capacity(MAX_VARINT_BYTES);
            push_varint(&mut key, self.last_rowid);
            self.upper.add(out, number, key)?;
            self.leaf.reset();
        }
        self.leaf.push(&self.head, tail);
        Ok(())
    }

    fn finish(mut self, out: &mut PageFile) -> io::Result<u32> {
        let last = out.append(self.leaf.finish(None))?;
        self.upper.finish(out, last)
    }
}

/// The b-tree of an index over one column of whole numbers, built from growing values.
///
/// The records of an index are in its interior pages too: the one that does not fit on a leaf any
/// more pushes the leaf's last one up, so that the next leaf starts with at least one.
struct IndexTree {
    leaf: PageBuilder,
    upper: InteriorLevels,
    serial_types: Vec<u8>,
    body: Vec<u8>,
    record: Vec<u8>,
    cell: Vec<u8>,
}

impl IndexTree {
    fn new(page_bytes: usize) -> IndexTree {
        IndexTree {
            leaf: PageBuilder::new(PageKind::IndexLeaf, page_bytes),
            upper: InteriorLevels::new(PageKind::IndexInterior),
            serial_types: Vec::new(),
            body: Vec::new(),
            record: Vec::new(),
            cell: Vec::new(),
        }
    }

    fn push(&mut self, out: &mut PageFile, key: i64, rowid: u64) -> io::Result<()> {
        self.serial_types.clear();
        self.body.clear();
        self.record.clear();
        self.cell.clear();
        self.serial_types.push(push_integer(&mut self.body, key));
        self.serial_types.push(push_integer(&mut self.body, rowid.cast_signed()));
        push_record(&mut self.record, &self.serial_types, &self.body);
        push_varint(&mut self.cell, self.record.len() as u64);
        self.cell.extend_from_slice(&self.record);
        if !self.leaf.fits(self.cell.len()) {
            let divider = self.leaf.pop();
            let number = out.append(self.leaf.finish(None))?;
            self.upper.add(out, number, divider)?;
            self.leaf.reset();
        }
        self.leaf.push(&self.cell, &[]);
        Ok(())
    }

    fn finish(mut self, out: &mut PageFile) -> io::Result<u32> {
        let last = out.append(self.leaf.finish(None))?;
        self.upper.finish(out, last)
    }
}

/// The statements that the finished file says it was made by.
pub(super) struct SchemaText {
    /// `CREATE TABLE t(…)`.
    pub(super) table: String,
    /// `CREATE UNIQUE INDEX "key" ON t(…)`, if keys are pushed with the rows.
    pub(super) key: Option<String>,
}

/// A database file in the making: table `t` and, if asked for, its unique index `key`.
pub(super) struct BulkWriter {
    out: PageFile,
    table: TableTree,
    key: Option<IndexTree>,
    schema: SchemaText,
    n_rows: u64,
    first_row: Option<u64>,
    last_row: u64,
}

/// What was written.
#[derive(Debug)]
pub(super) struct BulkFile {
    /// The file, not yet synced.
    pub(super) file: File,
    pub(super) n_rows: u64,
    /// The numbers of the first and of the last row; 1 and 0 without rows.
    pub(super) ends: (u64, u64),
    pub(super) size_bytes: u64,
}

impl BulkWriter {
    /// Starts a database in an empty file; `page_bytes` is a power of two from 512 to 65,536.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub(super) fn create(file: File, page_bytes: usize, schema: SchemaText) -> io::Result<Self> {
        Ok(BulkWriter {
            out: PageFile::create(file, page_bytes)?,
            table: TableTree::new(page_bytes),
            key: schema.key.is_some().then(|| IndexTree::new(page_bytes)),
            schema,
            n_rows: 0,
            first_row: None,
            last_row: 0,
        })
    }

    /// Appends a row, whose `_row` is one more than that of the row before.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub(super) fn push_row(&mut self, record: &[u8]) -> io::Result<()> {
        self.push_row_as(self.last_row + 1, record)
    }

    /// Appends a row with this `_row`, which must be larger than that of the row before.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub(super) fn push_row_as(&mut self, row: u64, record: &[u8]) -> io::Result<()> {
        self.n_rows += 1;
        self.first_row.get_or_insert(row);
        self.last_row = row;
        self.table.push(&mut self.out, row, record)
    }

    /// Appends the key of the row appended last; keys must grow from row to row.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub(super) fn push_key(&mut self, key: i64) -> io::Result<()> {
        match &mut self.key {
            Some(tree) => tree.push(&mut self.out, key, self.last_row),
            None => Ok(()),
        }
    }

    /// Leaves a hole in the file, up to a few pages before the one that SQLite locks.
    #[cfg(test)]
    pub(super) fn skip_towards_lock_page(&mut self, n_pages_before: u32) -> io::Result<()> {
        use std::io::{Seek, SeekFrom};
        self.out.flush()?;
        self.out.n_pages = self.out.lock_page - n_pages_before;
        let end = u64::from(self.out.n_pages) * self.out.page_bytes as u64;
        self.out.file.seek(SeekFrom::Start(end)).map(|_| ())
    }

    /// Writes what is left, then page 1: from now on the file is a database.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub(super) fn finish(self, journal_mode: JournalMode) -> io::Result<BulkFile> {
        let BulkWriter { mut out, table, key, schema, n_rows, first_row, last_row } = self;
        let mut objects = vec![schema_record("table", "t", table.finish(&mut out)?, &schema.table)];
        if let (Some(tree), Some(sql)) = (key, &schema.key) {
            objects.push(schema_record("index", "key", tree.finish(&mut out)?, sql));
        }
        let (mut first_page, right_child) = schema_page(&mut out, &objects)?;
        out.flush()?;
        let bytes = first_page.finish(right_child);
        write_file_header(bytes, out.page_bytes, out.n_pages, journal_mode);
        out.file.write_all_at(bytes, 0)?;
        let size_bytes = u64::from(out.n_pages) * out.page_bytes as u64;
        let ends = (first_row.unwrap_or(1), last_row);
        Ok(BulkFile { file: out.file, n_rows, ends, size_bytes })
    }
}

/// A row of `sqlite_schema`: `(type, name, tbl_name, rootpage, sql)`.
fn schema_record(kind: &str, name: &str, root: u32, sql: &str) -> Vec<u8> {
    let (mut serial_types, mut body, mut record) = (Vec::new(), Vec::new(), Vec::new());
    push_text(&mut serial_types, &mut body, kind.as_bytes());
    push_text(&mut serial_types, &mut body, name.as_bytes());
    push_text(&mut serial_types, &mut body, b"t");
    serial_types.push(push_integer(&mut body, i64::from(root)));
    push_text(&mut serial_types, &mut body, sql.as_bytes());
    push_record(&mut record, &serial_types, &body);
    record
}

/// Page 1, the root of `sqlite_schema`, and its right child.
///
/// It is a leaf, or, as it is 100 bytes shorter than other pages, stands above a leaf per row.
fn schema_page(out: &mut PageFile, records: &[Vec<u8>]) -> io::Result<(PageBuilder, Option<u32>)> {
    let mut cells = Vec::with_capacity(records.len());
    for (rowid, record) in (1_u64..).zip(records) {
        let mut cell = Vec::new();
        push_varint(&mut cell, record.len() as u64);
        push_varint(&mut cell, rowid);
        let (local, rest) = record.split_at(local_payload_bytes(out.page_bytes, record.len()));
        cell.extend_from_slice(local);
        if !rest.is_empty() {
            cell.extend_from_slice(&out.append_overflow(rest)?.to_be_bytes());
        }
        cells.push((rowid, cell));
    }
    let mut page = PageBuilder::first_page(PageKind::TableLeaf, out.page_bytes);
    let fits = cells.iter().all(|(_, cell)| {
        let fits = page.fits(cell.len());
        if fits {
            page.push(cell, &[]);
        }
        fits
    });
    if fits {
        return Ok((page, None));
    }
    let mut page = PageBuilder::first_page(PageKind::TableInterior, out.page_bytes);
    let mut left: Option<(u64, u32)> = None;
    for (rowid, cell) in &cells {
        if let Some((left_rowid, number)) = left {
            let mut key = Vec::new();
            push_varint(&mut key, left_rowid);
            page.push(&number.to_be_bytes(), &key);
        }
        let mut leaf = PageBuilder::new(PageKind::TableLeaf, out.page_bytes);
        leaf.push(cell, &[]);
        left = Some((*rowid, out.append(leaf.finish(None))?));
    }
    Ok((page, left.map(|(_, number)| number)))
}

/// Fills in the first 100 bytes of the file (section 1.3 of the format).
fn write_file_header(page: &mut [u8], page_bytes: usize, n_pages: u32, mode: JournalMode) {
    // 65,536 is written as 1.
    let page_size = u16::try_from(page_bytes).unwrap_or(1);
    let sqlite_version = rusqlite::version_number().cast_unsigned();
    let mut header = Vec::with_capacity(100);
    header.extend_from_slice(b"SQLite format 3\0");
    header.extend_from_slice(&page_size.to_be_bytes());
    header.extend_from_slice(&mode.versions());
    // No reserved bytes; payload fractions that the format fixes.
    header.extend_from_slice(&[0, 64, 32, 32]);
    let fields = [
        1,       // file change counter
        n_pages, // size of the file
        0,       // first page of the free list
        0,       // pages on the free list
        1,       // schema cookie
        4,       // schema format: integers 0 and 1 take no bytes
        0,       // suggested cache size
        0,       // no auto-vacuum
        1,       // UTF-8
        0,       // user version
        0,       // no incremental vacuum
        APPLICATION_ID,
        0, // 20 bytes for expansion
        0,
        0,
        0,
        0,
        1, // the change counter for which the two fields that follow and the size are valid
        sqlite_version,
    ];
    for field in fields {
        header.extend_from_slice(&field.to_be_bytes());
    }
    for (to, from) in page.iter_mut().zip(header) {
        *to = from;
    }
}
