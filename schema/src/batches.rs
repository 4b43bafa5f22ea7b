//! Turns the cells that a parser gives one by one into the same calls, made on a second thread.
//! It exists because parsing a workbook keeps a processor busy alone: what becomes of the cells is done by another.
//! It never holds more than a few batches, of so many cells and bytes, whatever the workbook claims.

use std::panic::resume_unwind;
use std::sync::mpsc::{SyncSender, sync_channel};

use calamine::{Cell, DataRef};

use crate::stream::Stop;

/// Cells of a batch: many enough that handing it over costs nothing, few enough to stay in the cache.
const MAX_CELLS: usize = 1_024;
/// Bytes of text that belongs to the cells of a batch; shared strings belong to the workbook.
const MAX_TEXT_BYTES: usize = 256 * 1024;
/// Batches that wait.
const MAX_BATCHES: usize = 4;

/// A cell and the number of its style, where that matters.
pub(crate) type StyledCell<'b> = (Cell<DataRef<'b>>, Option<usize>);

/// Cells in order; what waits for their end hears of it when they are dropped.
struct Batch<'b> {
    cells: Vec<StyledCell<'b>>,
    _ended: Option<SyncSender<()>>,
}

/// Takes cells in the order in which they stand in the sheet.
pub(crate) struct CellSender<'b> {
    batches: SyncSender<Batch<'b>>,
    cells: Vec<StyledCell<'b>>,
    n_text_bytes: usize,
}

impl<'b> CellSender<'b> {
    /// Hands a cell over.
    pub(crate) fn put(
        &mut self,
        cell: Cell<DataRef<'b>>,
        style: Option<usize>,
    ) -> Result<(), Stop> {
        if let DataRef::String(text) | DataRef::DateTimeIso(text) | DataRef::DurationIso(text) =
            cell.get_value()
        {
            self.n_text_bytes += text.len();
        }
        self.cells.push((cell, style));
        if self.cells.len() < MAX_CELLS && self.n_text_bytes <= MAX_TEXT_BYTES {
            return Ok(());
        }
        self.flush()
    }

    fn flush(&mut self) -> Result<(), Stop> {
        let cells = std::mem::replace(&mut self.cells, Vec::with_capacity(MAX_CELLS));
        if std::mem::take(&mut self.n_text_bytes) <= MAX_TEXT_BYTES {
            let batch = Batch { cells, _ended: None };
            return self.batches.send(batch).map_err(|_| Stop::Unread);
        }
        // A cell may be as large as the sheet: the next one is parsed when this one is gone.
        let (ended_out, ended_in) = sync_channel(1);
        let batch = Batch { cells, _ended: Some(ended_out) };
        self.batches.send(batch).map_err(|_| Stop::Unread)?;
        let _ = ended_in.recv();
        Ok(())
    }
}

/// Runs `parse` here and gives the cells that it puts to `take` on another thread.
///
/// The first of them that stops ends both, and a cell that was put before `parse` stopped is taken before.
pub(crate) fn hand_over<'b>(
    parse: impl FnOnce(&mut CellSender<'b>) -> Result<(), Stop>,
    mut take: impl FnMut(&StyledCell<'b>) -> Result<(), Stop> + Send,
) -> Result<(), Stop> {
    let (batches_out, batches_in) = sync_channel::<Batch<'b>>(MAX_BATCHES);
    std::thread::scope(|scope| {
        let taking = move || {
            for batch in batches_in {
                batch.cells.iter().try_for_each(&mut take)?;
            }
            Ok(())
        };
        let builder = std::thread::Builder::new().name("cells".to_owned());
        let taking = builder.spawn_scoped(scope, taking).map_err(crate::SchemaError::from)?;
        let cells = Vec::with_capacity(MAX_CELLS);
        let mut sender = CellSender { batches: batches_out, cells, n_text_bytes: 0 };
        let parsed = parse(&mut sender);
        let flushed = sender.flush();
        drop(sender);
        let taken: Result<(), Stop> = taking.join().unwrap_or_else(|panic| resume_unwind(panic));
        taken.and(parsed).and(flushed)
    })
}

#[cfg(test)]
#[allow(clippy::panic, clippy::unwrap_used, reason = "tests may stop")]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::SchemaError;

    fn cell(row: u32, data: DataRef<'_>) -> StyledCell<'_> {
        (Cell::new((row, 0), data), None)
    }

    #[test]
    fn all_cells_come_in_order_and_both_ends_are_told() {
        // How many cells are put, whether parsing ends with an error, and at which cell taking ends.
        for (n_cells, fails, stops_at) in [
            (0, false, None),
            (1, false, None),
            (5_000, false, None),
            (5_000, true, None),
            (5_000, true, Some(4_999)),
            (1_000_000, false, Some(0)),
        ] {
            let mut n_taken = 0;
            let result = hand_over(
                |cells| {
                    for row in 0..n_cells {
                        let (cell, style) = cell(row, DataRef::Int(i64::from(row)));
                        cells.put(cell, style)?;
                    }
                    if fails { Err(Stop::Failed(SchemaError::Cancelled)) } else { Ok(()) }
                },
                |(cell, _)| {
                    assert_eq!(cell.get_position(), (n_taken, 0));
                    n_taken += 1;
                    let stops = Some(n_taken - 1) == stops_at;
                    if stops { Err(Stop::Failed(SchemaError::Worker)) } else { Ok(()) }
                },
            );
            assert_eq!(n_taken, stops_at.map_or(n_cells, |at| at + 1));
            match result {
                Err(Stop::Failed(SchemaError::Worker)) => assert!(stops_at.is_some()),
                Err(Stop::Failed(SchemaError::Cancelled)) => assert!(fails && stops_at.is_none()),
                Ok(()) => assert!(!fails && stops_at.is_none()),
                _ => panic!("another end"),
            }
        }
    }

    #[test]
    fn large_texts_are_held_one_at_a_time() {
        let (n_put, n_taken) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let result = hand_over(
            |cells| {
                for row in 0..50 {
                    let n_held =
                        n_put.fetch_add(1, Ordering::SeqCst) - n_taken.load(Ordering::SeqCst);
                    assert_eq!(n_held, 0, "{row}");
                    let text = "x".repeat(MAX_TEXT_BYTES + 1);
                    cells.put(Cell::new((row, 0), DataRef::String(text)), None)?;
                }
                Ok(())
            },
            |_| {
                n_taken.fetch_add(1, Ordering::SeqCst);
                Ok(())
            },
        );
        assert!(result.is_ok());
        assert_eq!(n_taken.into_inner(), 50);
    }
}
