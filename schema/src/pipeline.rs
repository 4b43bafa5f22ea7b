//! Turns a sequence of blocks into a sequence of results, worked on by several threads, in order.
//! It exists so that understanding and reading share one bounded, cancellable way to use all cores.
//! It never holds more blocks than twice the workers plus two, and leaves no thread behind.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
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
    /// A worker panicked.
    Lost,
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
        // A block that is lost would be waited for without end: a panic is told instead.
        let result = catch_unwind(AssertUnwindSafe(|| work(index, &mut block)));
        let message = match result {
            Ok(result) => Message::Done(index, result, block),
            Err(_) => Message::Lost,
        };
        if results.send(message).is_err() {
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
            Ok(Message::Lost) | Err(_) => return Err(lost_worker()),
        }
    }
}

#[cfg(test)]
#[allow(clippy::panic, clippy::unwrap_used, reason = "tests may stop")]
mod tests {
    use super::*;

    struct Count(u64);

    impl BlockSource for Count {
        type Error = &'static str;

        fn next_block(&mut self, block: &mut Vec<u8>) -> Result<bool, Self::Error> {
            block.clear();
            self.0 += 1;
            if self.0 == 1_000 { Err("the end") } else { Ok(true) }
        }
    }

    fn run(n_workers: usize, panics_at: u64, stops_at: u64) -> (u64, Result<(), String>) {
        let mut n_seen = 0;
        let work = |index: u64, _: &mut Vec<u8>| {
            assert!(index != panics_at, "a worker panics, as the test wants");
            index
        };
        let consume = |index: u64| {
            assert_eq!(index, n_seen);
            n_seen += 1;
            if index == stops_at { Err("stopped".to_owned()) } else { Ok(()) }
        };
        let result =
            run_in_order(Count(0), n_workers, work, consume, str::to_owned, || "lost".to_owned());
        (n_seen, result)
    }

    #[test]
    fn results_come_in_order_and_ends_are_told() {
        for n_workers in [1, 2, 5] {
            assert_eq!(run(n_workers, u64::MAX, u64::MAX), (999, Err("the end".to_owned())));
            assert_eq!(run(n_workers, u64::MAX, 7), (8, Err("stopped".to_owned())));
        }
        let (n_seen, result) = run(3, 20, u64::MAX);
        assert!(n_seen <= 20);
        assert_eq!(result, Err("lost".to_owned()));
    }
}
