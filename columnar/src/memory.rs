//! Chunks in memory, of rows that changed or that a row store hands over.

use crate::block::{Block, Cells};
use crate::chunk::{Chunk, Column, Source};
use crate::chunker::{BOUNDS, Chunker};
use crate::encode::{Facts, Numbers};
use crate::{Failure, Kind};

/// Chunks in memory. Texts lie one after the other, never in a dictionary.
#[derive(Debug)]
pub struct MemoryChunks {
    kinds: Vec<Kind>,
    chunks: Vec<MemoryChunk>,
    n_bytes: usize,
}

#[derive(Debug)]
struct MemoryChunk {
    n_rows: usize,
    rows: Numbers,
    columns: Vec<MemoryColumn>,
}

#[derive(Debug)]
struct MemoryColumn {
    nulls: Option<Vec<u64>>,
    n_nulls: usize,
    /// Without the whole numbers, which are in the facts.
    cells: Cells,
    facts: Facts,
}

impl MemoryChunks {
    /// Chunks of the rows of these blocks, in order. Rows without number count on from the one
    /// before, the first of all being 1.
    ///
    /// # Errors
    /// Mistaken where a block is of other kinds, row numbers do not grow, or a block was given more
    /// than 4 GiB of text in a column.
    pub fn new(kinds: &[Kind], blocks: &[Block]) -> Result<MemoryChunks, Failure> {
        let mut chunks = Vec::new();
        let mut close = |block: &Block| -> Result<(), Failure> {
            chunks.push(MemoryChunk::of(block));
            Ok(())
        };
        let mut chunker = Chunker::new(kinds, BOUNDS);
        for block in blocks {
            chunker.push(block, &mut close)?;
        }
        chunker.finish(&mut close)?;
        let n_bytes = chunks.iter().map(MemoryChunk::n_bytes).sum();
        Ok(MemoryChunks { kinds: kinds.to_vec(), chunks, n_bytes })
    }

    /// How many rows there are.
    pub fn n_rows(&self) -> usize {
        self.chunks.iter().map(|chunk| chunk.n_rows).sum()
    }

    /// Memory that the rows take, in bytes.
    pub fn n_bytes(&self) -> usize {
        self.n_bytes
    }

    /// The kinds of the columns.
    pub fn kinds(&self) -> &[Kind] {
        &self.kinds
    }
}

impl MemoryChunk {
    fn of(block: &Block) -> MemoryChunk {
        let n_rows = block.n_rows();
        let columns = block.columns().iter().map(|column| {
            let nulls = column.nulls(n_rows);
            let facts = Facts::of(&column.cells, nulls.as_deref());
            let cells = match &column.cells {
                Cells::Whole(_) => Cells::Whole(Vec::new()),
                other => other.clone(),
            };
            MemoryColumn { nulls, n_nulls: column.n_nulls(), cells, facts }
        });
        let columns = columns.collect();
        MemoryChunk { n_rows, rows: Numbers::of(block.rows(), None), columns }
    }

    fn n_bytes(&self) -> usize {
        let columns: usize = self.columns.iter().map(MemoryColumn::n_bytes).sum();
        self.rows.n_bytes() + columns
    }
}

impl MemoryColumn {
    fn n_bytes(&self) -> usize {
        let nulls = self.nulls.as_deref().map_or(0, size_of_val);
        let cells = match (&self.facts, &self.cells) {
            (Facts::Whole(numbers), _) => numbers.n_bytes(),
            (_, Cells::Text { ends, bytes }) => size_of_val(ends.as_slice()) + bytes.len(),
            (_, Cells::Float(values)) => size_of_val(values.as_slice()),
            (_, Cells::Whole(_)) => 0,
        };
        size_of::<MemoryColumn>() + nulls + cells
    }
}

impl Source for MemoryChunks {
    fn n_chunks(&self) -> usize {
        self.chunks.len()
    }

    fn chunk(&self, number: usize, columns: &[usize]) -> Result<Chunk<'_>, Failure> {
        let chunk = self.chunks.get(number).ok_or(Failure::Mistaken)?;
        let columns = columns.iter().map(|column| {
            if *column == self.kinds.len() {
                return Ok(Column::of_numbers(chunk.rows.view()));
            }
            let column = chunk.columns.get(*column).ok_or(Failure::Mistaken)?;
            column.facts.view(&column.cells, column.nulls.as_deref(), column.n_nulls)
        });
        let columns = columns.collect::<Result<_, _>>()?;
        Ok(Chunk { n_rows: chunk.n_rows, rows: chunk.rows.view(), columns })
    }

    fn gone(&self, _: usize) -> Option<&[u64]> {
        None
    }

    fn late(&self) -> usize {
        0
    }
}
