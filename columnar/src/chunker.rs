//! Puts rows of blocks together until they make a chunk.

use crate::block::Block;
use crate::chunk::MAX_ROWS;
use crate::{Failure, Kind};

/// Rows put together until they make a chunk.
#[derive(Debug)]
pub(crate) struct Chunker {
    open: Block,
    last_row: Option<i64>,
    bounds: Bounds,
}

/// When a chunk is full.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    pub(crate) n_rows: usize,
    pub(crate) n_bytes: usize,
}

/// Bounds of chunks: 64 MiB, so that thousands of columns need no more memory than a few.
pub(crate) const BOUNDS: Bounds = Bounds { n_rows: MAX_ROWS, n_bytes: 64 << 20 };

/// Rows that are taken at once; fewer where they are more than a chunk.
const PIECE: usize = 1024;

impl Chunker {
    pub(crate) fn new(kinds: &[Kind], bounds: Bounds) -> Chunker {
        Chunker { open: Block::new(kinds), last_row: None, bounds }
    }

    /// Takes the rows of a block; each chunk that is full is closed.
    ///
    /// # Errors
    /// Those of `close`; Mistaken where kinds differ, row numbers do not grow or the block had more
    /// text than it could hold. No more rows must be pushed then.
    pub(crate) fn push<E: From<Failure>>(
        &mut self,
        block: &Block,
        mut close: impl FnMut(&Block) -> Result<(), E>,
    ) -> Result<(), E> {
        if block.is_overfull() || !block.kinds().eq(self.open.kinds()) {
            return Err(Failure::Mistaken.into());
        }
        let mut first = 0;
        while first < block.n_rows() {
            if self.open.n_rows() >= self.bounds.n_rows {
                self.finish(&mut close)?;
            }
            let n_rows = PIECE.min(self.bounds.n_rows - self.open.n_rows());
            let mut rows = first..block.n_rows().min(first + n_rows);
            while rows.len() > 1 && block.n_bytes_of(&rows) > self.bounds.n_bytes {
                rows.end = first + rows.len() / 2;
            }
            if self.open.n_bytes() + block.n_bytes_of(&rows) > self.bounds.n_bytes {
                self.finish(&mut close)?;
            }
            self.open.append(block, rows.clone(), &mut self.last_row)?;
            first = rows.end;
        }
        Ok(())
    }

    /// Closes the chunk that is open, if it has rows.
    pub(crate) fn finish<E>(
        &mut self,
        mut close: impl FnMut(&Block) -> Result<(), E>,
    ) -> Result<(), E> {
        if self.open.n_rows() > 0 {
            close(&self.open)?;
            self.open.clear();
        }
        Ok(())
    }
}
