//! Lays cells out on the pages of a SQLite b-tree, one page at a time.
//!
//! It exists so that the bulk writer can build whole trees from sorted input with one page per
//! level in memory. It never does I/O and never changes a page that is finished.
//!
//! The format is section 1.6 of <https://www.sqlite.org/fileformat2.html>: a header, an array of
//! pointers that grows forward, and cells that grow backward from the end of the page.

#![expect(
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "offsets within one page of at most 65,536 bytes; `push` checks that the cell fits"
)]

/// Bytes of the database header in front of the b-tree header of page 1.
pub(super) const FILE_HEADER_BYTES: usize = 100;

/// What a page is in its tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PageKind {
    TableLeaf,
    TableInterior,
    IndexLeaf,
    IndexInterior,
}

impl PageKind {
    const fn flag(self) -> u8 {
        match self {
            PageKind::IndexInterior => 0x02,
            PageKind::TableInterior => 0x05,
            PageKind::IndexLeaf => 0x0a,
            PageKind::TableLeaf => 0x0d,
        }
    }

    const fn header_bytes(self) -> usize {
        match self {
            PageKind::TableLeaf | PageKind::IndexLeaf => 8,
            PageKind::TableInterior | PageKind::IndexInterior => 12,
        }
    }
}

/// How many bytes of a table row's payload stay on its leaf; the rest goes to overflow pages.
pub(super) fn local_payload_bytes(page_bytes: usize, payload_bytes: usize) -> usize {
    let max_local = page_bytes - 35;
    if payload_bytes <= max_local {
        return payload_bytes;
    }
    let min_local = (page_bytes - 12) * 32 / 255 - 23;
    let fitted = min_local + (payload_bytes - min_local) % (page_bytes - 4);
    if fitted <= max_local { fitted } else { min_local }
}

/// A page that is being filled.
pub(super) struct PageBuilder {
    bytes: Vec<u8>,
    kind: PageKind,
    /// Where the b-tree header starts: 100 on page 1, else 0.
    header: usize,
    n_cells: usize,
    /// Where the pointer array ends.
    pointers_end: usize,
    /// Where the lowest cell starts.
    content_start: usize,
}

impl PageBuilder {
    pub(super) fn new(kind: PageKind, page_bytes: usize) -> PageBuilder {
        PageBuilder::at(kind, page_bytes, 0)
    }

    /// A builder of page 1, whose first 100 bytes are left to the database header.
    pub(super) fn first_page(kind: PageKind, page_bytes: usize) -> PageBuilder {
        PageBuilder::at(kind, page_bytes, FILE_HEADER_BYTES)
    }

    fn at(kind: PageKind, page_bytes: usize, header: usize) -> PageBuilder {
        PageBuilder {
            bytes: vec![0; page_bytes],
            kind,
            header,
            n_cells: 0,
            pointers_end: header + kind.header_bytes(),
            content_start: page_bytes,
        }
    }

    /// Whether a cell of so many bytes has room, with its pointer.
    pub(super) fn fits(&self, cell_bytes: usize) -> bool {
        self.pointers_end + 2 + cell_bytes <= self.content_start
    }

    /// Appends a cell made of a head and a tail, which must fit.
    pub(super) fn push(&mut self, head: &[u8], tail: &[u8]) {
        let start = self.content_start - head.len() - tail.len();
        let (head_end, tail_end) = (start + head.len(), self.content_start);
        self.bytes[start..head_end].copy_from_slice(head);
        self.bytes[head_end..tail_end].copy_from_slice(tail);
        let pointer = (start as u16).to_be_bytes();
        self.bytes[self.pointers_end..self.pointers_end + 2].copy_from_slice(&pointer);
        self.pointers_end += 2;
        self.content_start = start;
        self.n_cells += 1;
    }

    /// Takes back the newest cell; nothing when there is none.
    pub(super) fn pop(&mut self) -> Vec<u8> {
        if self.n_cells == 0 {
            return Vec::new();
        }
        let end = match self.n_cells {
            1 => self.bytes.len(),
            _ => {
                let at = self.pointers_end - 4;
                usize::from(u16::from_be_bytes([self.bytes[at], self.bytes[at + 1]]))
            }
        };
        let cell = self.bytes[self.content_start..end].to_vec();
        self.content_start = end;
        self.pointers_end -= 2;
        self.n_cells -= 1;
        cell
    }

    /// Writes the header and clears what no cell uses; the page is then ready to be written.
    ///
    /// Interior pages name the child to the right of their last cell.
    pub(super) fn finish(&mut self, right_child: Option<u32>) -> &mut [u8] {
        self.bytes[self.pointers_end..self.content_start].fill(0);
        let n_cells = (self.n_cells as u16).to_be_bytes();
        // 65,536 is written as 0, which is what cutting to 16 bits makes of it.
        let content_start = (self.content_start as u16).to_be_bytes();
        let header = &mut self.bytes[self.header..];
        header[0] = self.kind.flag();
        header[1..3].fill(0);
        header[3..5].copy_from_slice(&n_cells);
        header[5..7].copy_from_slice(&content_start);
        header[7] = 0;
        if let Some(child) = right_child {
            header[8..12].copy_from_slice(&child.to_be_bytes());
        }
        &mut self.bytes
    }

    /// Forgets the cells.
    pub(super) fn reset(&mut self) {
        self.n_cells = 0;
        self.pointers_end = self.header + self.kind.header_bytes();
        self.content_start = self.bytes.len();
    }
}
