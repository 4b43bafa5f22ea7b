//! Turns a stream of decoded bytes into blocks of whole records.
//! It exists so that workers can parse blocks in any order: the only sequential work is finding where records end.
//! It never looks at more than quotes and line ends, and never holds more than one record beyond a block.

use std::io::{ErrorKind, Read};

use memchr::{memchr, memchr2, memrchr2};

use crate::error::SchemaError;
use crate::options::Limits;
use crate::scan::{CellSpan, Marks, Scanner, is_escaped};

/// The size of a block: large enough to amortise the hand-over, small enough to stay in the cache.
pub(crate) const BLOCK_BYTES: usize = 1024 * 1024;

/// Cuts a stream into blocks.
pub(crate) struct BlockCutter<R> {
    source: R,
    marks: Marks,
    max_record_bytes: usize,
    carry: Vec<u8>,
    ended: bool,
    /// Bytes of the stream that may still be read (rows end before a footer).
    left: u64,
}

/// Why cutting ended: with the record (from 1) inside the bytes that had no end yet.
pub(crate) enum CutError {
    /// Reading failed.
    Source(SchemaError),
    /// A quote opens in this record and never closes.
    OpenQuote { record: u64 },
    /// A record is larger than the limit.
    Record { record: u64, found: u64 },
}

impl<R: Read> BlockCutter<R> {
    pub(crate) fn new(source: R, marks: Marks, limits: &Limits, length: Option<u64>) -> Self {
        Self {
            source,
            marks,
            max_record_bytes: limits.max_record_bytes,
            carry: Vec::new(),
            ended: false,
            left: length.unwrap_or(u64::MAX),
        }
    }

    /// Fills `block` with whole records; `false` when there are none left.
    pub(crate) fn next_block(&mut self, block: &mut Vec<u8>) -> Result<bool, CutError> {
        block.clear();
        block.append(&mut self.carry);
        let mut target = BLOCK_BYTES.max(block.len() + BLOCK_BYTES / 4);
        loop {
            self.fill(block, target).map_err(CutError::Source)?;
            match self.last_record_end(block) {
                Ends::At(end) => {
                    self.carry.extend_from_slice(block.get(end..).unwrap_or_default());
                    block.truncate(end);
                    return Ok(true);
                }
                Ends::Nowhere if self.ended => return Ok(!block.is_empty()),
                Ends::OpenQuote if self.ended => {
                    return Err(CutError::OpenQuote { record: self.record_of_open_quote(block) });
                }
                Ends::OpenQuote if block.len() > self.max_record_bytes => {
                    return Err(CutError::OpenQuote { record: 1 });
                }
                Ends::Nowhere | Ends::OpenQuote => {}
            }
            if block.len() > self.max_record_bytes {
                let found = u64::try_from(block.len()).unwrap_or(u64::MAX);
                return Err(CutError::Record { record: 1, found });
            }
            target = block.len() * 2;
        }
    }

    fn fill(&mut self, block: &mut Vec<u8>, target: usize) -> Result<(), SchemaError> {
        while block.len() < target && !self.ended {
            let from = block.len();
            let want = u64::try_from(target - from).unwrap_or(u64::MAX).min(self.left);
            let want = usize::try_from(want).unwrap_or(usize::MAX);
            if want == 0 {
                self.ended = true;
                break;
            }
            block.resize(from + want, 0);
            let read = match self.source.read(block.get_mut(from..).unwrap_or_default()) {
                Ok(read) => read,
                Err(error) if error.kind() == ErrorKind::Interrupted => 0,
                Err(error) => {
                    block.truncate(from);
                    return Err(unwrap_schema_error(error));
                }
            };
            block.truncate(from + read);
            self.left -= u64::try_from(read).unwrap_or(0);
            if read == 0 {
                self.ended = true;
            }
        }
        Ok(())
    }

    /// Finds the last line end outside quotes, in one walk from quote to quote.
    fn last_record_end(&self, block: &[u8]) -> Ends {
        let Some(quote) = self.marks.quote else {
            return self.last_line_end(block, 0, block.len()).map_or(Ends::Nowhere, Ends::At);
        };
        let mut best = None;
        let mut outside_from = 0;
        let mut at = 0;
        // Regions outside quotes, the last ones of which hold the last line end.
        let mut regions: Vec<(usize, usize)> = Vec::new();
        let mut open = false;
        while let Some(found) = memchr(quote, block.get(at..).unwrap_or_default()) {
            let hit = at + found;
            let Some(start) = self.opened_cell(block, outside_from, hit) else {
                at = hit + 1;
                continue;
            };
            let close = self.closing_quote(block, hit + 1, quote);
            if start < hit && self.is_text(block, close) {
                at = hit + 1;
                continue;
            }
            if regions.len() >= 4_096 {
                best = self.last_of(block, &regions).or(best);
                regions.clear();
            }
            regions.push((outside_from, hit));
            let Some(close) = close else {
                open = true;
                break;
            };
            outside_from = close + 1;
            at = close + 1;
        }
        if !open {
            regions.push((outside_from, block.len()));
        }
        match self.last_of(block, &regions).or(best) {
            Some(end) => Ends::At(end),
            None if open => Ends::OpenQuote,
            None => Ends::Nowhere,
        }
    }

    fn last_of(&self, block: &[u8], regions: &[(usize, usize)]) -> Option<usize> {
        regions.iter().rev().find_map(|&(from, to)| self.last_line_end(block, from, to))
    }

    /// Whether a quote after blanks is a character, not the first of a quoted cell: it closes before other text,
    /// or never.
    fn is_text(&self, block: &[u8], close: Option<usize>) -> bool {
        let Some(close) = close else { return self.ended };
        let after = self.marks.pass_blanks(block, close + 1);
        // What follows the blanks is not yet known at the very end; until then the cell is open.
        (after < block.len() || self.ended) && !self.marks.ends_quoted(block, close + 1)
    }

    /// Returns where the cell begins that a quote opens: at the beginning of a record or after a delimiter, with
    /// blanks between where they may stand; elsewhere the quote is a character.
    fn opened_cell(&self, block: &[u8], outside_from: usize, hit: usize) -> Option<usize> {
        let mut start = hit;
        if self.marks.padded {
            let before = block.get(outside_from..hit).unwrap_or_default();
            start -= before.iter().rev().take_while(|byte| **byte == b' ').count();
        }
        let Some(before) = start.checked_sub(1) else {
            return Some(start);
        };
        if before < outside_from {
            return None;
        }
        let in_comment = self.marks.comment.is_some_and(|comment| {
            let line = memrchr2(b'\n', b'\r', block.get(..hit).unwrap_or_default())
                .map_or(0, |end| end + 1);
            line >= outside_from && block.get(line) == Some(&comment)
        });
        let n_delimiter = self.marks.wide.map_or(1, char::len_utf8);
        let delimiter = start.saturating_sub(n_delimiter);
        let starts = matches!(block.get(before), Some(b'\n' | b'\r'))
            || self.marks.delimiter_at(block, delimiter) > 0;
        let is_escaped = self
            .marks
            .escape
            .is_some_and(|escape| is_escaped(block, outside_from, delimiter, escape));
        (starts && !in_comment && !is_escaped).then_some(start)
    }

    fn closing_quote(&self, block: &[u8], from: usize, quote: u8) -> Option<usize> {
        let mut at = from;
        loop {
            let rest = block.get(at..).unwrap_or_default();
            let hit = at
                + match self.marks.escape {
                    None => memchr(quote, rest)?,
                    Some(escape) => memchr2(quote, escape, rest)?,
                };
            let is_escape =
                self.marks.escape.is_some() && block.get(hit).copied() == self.marks.escape;
            if is_escape || block.get(hit + 1) == Some(&quote) {
                at = hit + 2;
                continue;
            }
            // At the very end a quote may be the first half of a doubled one: not yet known.
            if hit + 1 == block.len() && !self.ended {
                return None;
            }
            return Some(hit);
        }
    }

    fn last_line_end(&self, block: &[u8], from: usize, to: usize) -> Option<usize> {
        let region = block.get(from..to).unwrap_or_default();
        let hit = from + memrchr2(b'\n', b'\r', region)?;
        // A carriage return at the very end may be the first half of CRLF: not yet known.
        if hit + 1 == block.len() && block.get(hit) == Some(&b'\r') && !self.ended {
            let region = block.get(from..hit).unwrap_or_default();
            return memrchr2(b'\n', b'\r', region).map(|hit| from + hit + 1);
        }
        Some(hit + 1)
    }

    fn record_of_open_quote(&self, block: &[u8]) -> u64 {
        let mut scanner = Scanner::new(block, self.marks);
        let mut cells: Vec<CellSpan> = Vec::new();
        let mut record = 0;
        while scanner.next_record(&mut cells).is_some() {
            record += 1;
        }
        record
    }
}

enum Ends {
    At(usize),
    Nowhere,
    OpenQuote,
}

/// Takes our own error out of the I/O error that carried it through a [`Read`].
pub(crate) fn unwrap_schema_error(error: std::io::Error) -> SchemaError {
    match error.downcast::<SchemaError>() {
        Ok(inner) => inner,
        Err(error) => SchemaError::Io(error),
    }
}
