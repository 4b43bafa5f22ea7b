//! Answers questions within limits, on as many threads as they allow.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use crate::Failure;
use crate::answer::Answer;
use crate::chunk::Source;
use crate::groups::GroupWork;
use crate::question::Groups;

/// What a question may use, and when it is to stop.
#[derive(Clone, Copy)]
pub struct Limits<'l> {
    /// Threads, the asking one among them; at least one.
    pub n_threads: usize,
    /// Working memory in bytes, as nearly as it can be estimated.
    pub max_bytes: usize,
    /// Whether nobody wants the answer any more; asked every few milliseconds.
    pub is_stopped: &'l (dyn Fn() -> bool + Sync),
}

/// Answers a question over all rows.
///
/// # Errors
/// Every [`Failure`].
pub fn groups(source: &dyn Source, asked: &Groups, limits: &Limits<'_>) -> Result<Answer, Failure> {
    let n_threads = limits.n_threads.min(source.n_chunks()).max(1);
    let found = on_threads(source, asked, limits, n_threads);
    match found {
        // Each thread may know the same groups; one of them alone may have room for all.
        Err(Failure::TooLarge) if n_threads > 1 => on_threads(source, asked, limits, 1),
        found => found,
    }
}

fn on_threads(
    source: &dyn Source,
    asked: &Groups,
    limits: &Limits<'_>,
    n_threads: usize,
) -> Result<Answer, Failure> {
    let n_chunks = source.n_chunks();
    let next = AtomicUsize::new(0);
    let work = || {
        let share = Limits { max_bytes: limits.max_bytes / n_threads, ..*limits };
        let mut work = GroupWork::new(asked, &share);
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= n_chunks {
                return Ok(work);
            }
            let chunk = source.chunk(number, &asked.question.columns);
            let added = chunk.and_then(|chunk| work.add(&chunk, source.gone(number)));
            if let Err(failure) = added {
                // The others need not go on.
                next.store(n_chunks, Ordering::Relaxed);
                return Err(failure);
            }
        }
    };
    thread::scope(|scope| {
        let spawn = |_| thread::Builder::new().spawn_scoped(scope, work);
        // Where the system has no more threads, this one does their work, too.
        let others: Vec<_> = (1..n_threads).flat_map(spawn).collect();
        let mut own = work()?;
        own.may_use(limits.max_bytes);
        for other in others {
            match other.join() {
                Ok(other) => own.merge(other?)?,
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        own.finish()
    })
}
