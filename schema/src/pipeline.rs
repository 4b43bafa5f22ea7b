//! Turns a sequence of blocks into a sequence of results, worked on by several threads, in order.
//! It exists so that understanding and reading share one bounded, cancellable way to use all cores.
//! It never holds more blocks than twice the workers plus two, and leaves no thread behind.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

/// Something that fills buffers, one block at a time.
pub(crate) trait BlockSource: Send {
    /// Why there is no next block.
    type Error: Send;
    /// Fills the buffer; `false` at the end.
    fn next_block(&mut self, block: &mut Vec<u8>) -> Result<bool, Self::Error>;
}

/// Runs `work` over all blocks on `n_workers` threads and gives the results to `consume` in order.
///
/// `consume` stops the run by returning an error. A source's error reaches `consume_error` after all blocks before it.
pub(crate) fn run_in_order<S, T, X>(
    mut source: S,
    n_workers: usize,
    work: impl Fn(u64, &mut Vec<u8>) -> T + Sync,
    mut consume: impl FnMut(T) -> Result<(), X>,
    source_error: impl FnOnce(S::Error) -> X,
    lost_worker: impl FnOnce() -> X,
) -> Result<(), X>
where
    S: BlockSource,
    T: Send,
{
    if n_workers <= 1 {
        let mut block = Vec::new();
        let mut index = 0;
        loop {
            match source.next_block(&mut block) {
                Ok(true) => consume(work(index, &mut block))?,
                Ok(false) => return Ok(()),
                Err(error) => return Err(source_error(error)),
            }
            index += 1;
        }
    }
    let n_blocks = 2 * n_workers + 2;
    let (blocks_out, blocks_in) = sync_channel::<(u64, Vec<u8>)>(n_blocks);
    let blocks_in = Mutex::new(blocks_in);
    std::thread::scope(|scope| {
        let (buffers_out, buffers_in) = sync_channel::<Vec<u8>>(n_blocks);
        let (results_out, results_in) = sync_channel::<Message<T, S::Error>>(n_blocks + 1);
        for _ in 0..n_blocks {
            // The channel has room for each, and its receiver is alive.
            let _ = buffers_out.send(Vec::new());
        }
        let shared = &blocks_in;
        let work = &work;
        for _ in 0..n_workers {
            let results_out = results_out.clone();
            scope.spawn(move || work_until_closed(shared, &results_out, work));
        }
        scope.spawn(move || cut_until_done(&mut source, &buffers_in, &blocks_out, &results_out));
        collect_in_order(&results_in, &buffers_out, &mut consume, source_error, lost_worker)
        // Returning drops both ends held here: the cutter stops, then the workers.
    })
}

enum Message<T, E> {
    Done(u64, T, Vec<u8>),
    /// There are this many blocks, and why there are no more.
    End(u64, Option<E>),
}

fn work_until_closed<T, E>(
    blocks: &Mutex<Receiver<(u64, Vec<u8>)>>,
    results: &SyncSender<Message<T, E>>,
    work: &(impl Fn(u64, &mut Vec<u8>) -> T + Sync),
) {
    loop {
        let received = match blocks.lock() {
            Ok(blocks) => blocks.recv(),
            Err(_) => return,
        };
        let Ok((index, mut block)) = received else {
            return;
        };
        let result = work(index, &mut block);
        if results.send(Message::Done(index, result, block)).is_err() {
            return;
        }
    }
}

fn cut_until_done<S: BlockSource, T>(
    source: &mut S,
    buffers: &Receiver<Vec<u8>>,
    blocks: &SyncSender<(u64, Vec<u8>)>,
    results: &SyncSender<Message<T, S::Error>>,
) {
    let mut index = 0;
    // A missing buffer means that nobody collects any more.
    while let Ok(mut block) = buffers.recv() {
        match source.next_block(&mut block) {
            Ok(true) => {
                if blocks.send((index, block)).is_err() {
                    return;
                }
                index += 1;
            }
            Ok(false) => {
                let _ = results.send(Message::End(index, None));
                return;
            }
            Err(error) => {
                let _ = results.send(Message::End(index, Some(error)));
                return;
            }
        }
    }
}

fn collect_in_order<T, E, X>(
    results: &Receiver<Message<T, E>>,
    buffers: &SyncSender<Vec<u8>>,
    consume: &mut impl FnMut(T) -> Result<(), X>,
    source_error: impl FnOnce(E) -> X,
    lost_worker: impl FnOnce() -> X,
) -> Result<(), X> {
    let mut waiting: BTreeMap<u64, (T, Vec<u8>)> = BTreeMap::new();
    let mut next = 0_u64;
    let mut end: Option<(u64, Option<E>)> = None;
    loop {
        while let Some((result, block)) = waiting.remove(&next) {
            next += 1;
            consume(result)?;
            let _ = buffers.try_send(block);
        }
        if let Some((n_blocks, _)) = end.as_ref()
            && *n_blocks == next
        {
            return match end.and_then(|(_, error)| error) {
                Some(error) => Err(source_error(error)),
                None => Ok(()),
            };
        }
        match results.recv() {
            Ok(Message::Done(index, result, block)) => {
                waiting.insert(index, (result, block));
            }
            Ok(Message::End(n_blocks, error)) => end = Some((n_blocks, error)),
            // All threads are gone with blocks missing: one of them panicked.
            Err(_) => return Err(lost_worker()),
        }
    }
}
