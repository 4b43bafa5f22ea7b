//! Answers questions within limits, on as many threads as they allow.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use crate::Failure;
use crate::answer::Answer;
use crate::chunk::{MAX_ROWS, Source};
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
    match found(source, asked, limits, n_threads) {
        // Each thread may know the same groups; one of them alone may have room for all.
        Err(Failure::TooLarge) if n_threads > 1 => found(source, asked, limits, 1)?.finish(),
        found => found?.finish(),
    }
}

/// The groups of all chunks, each of which is taken by the next thread that is free.
fn found<'q>(
    source: &dyn Source,
    asked: &'q Groups,
    limits: &Limits<'q>,
    n_threads: usize,
) -> Result<GroupWork<'q>, Failure> {
    /// With fewer rows in a group, putting the groups of threads together takes longer than finding
    /// them on one.
    const MIN_ROWS: usize = 4;
    let n_chunks = source.n_chunks();
    let next = AtomicUsize::new(0);
    // Whether there was one more.
    let add_next = |work: &mut GroupWork<'q>| -> Result<bool, Failure> {
        let number = next.fetch_add(1, Ordering::Relaxed);
        if number >= n_chunks {
            return Ok(false);
        }
        let chunk = source.chunk(number, &asked.question.columns)?;
        work.add(&chunk, source.gone(number))?;
        source.done(number, &asked.question.columns);
        Ok(true)
    };
    let add_all = |mut work: GroupWork<'q>| -> Result<GroupWork<'q>, Failure> {
        loop {
            match add_next(&mut work) {
                Ok(true) => {}
                Ok(false) => return Ok(work),
                Err(failure) => {
                    // The others need not go on.
                    next.store(n_chunks, Ordering::Relaxed);
                    return Err(failure);
                }
            }
        }
    };
    let mut own = GroupWork::new(asked, limits);
    if n_threads == 1 {
        return add_all(own);
    }
    add_next(&mut own)?;
    if own.n_found() > MAX_ROWS / MIN_ROWS {
        return add_all(own);
    }
    let share = Limits { max_bytes: limits.max_bytes / n_threads, ..*limits };
    own.may_use(share.max_bytes);
    thread::scope(|scope| {
        let work = || add_all(GroupWork::new(asked, &share));
        let spawn = |_| thread::Builder::new().spawn_scoped(scope, work);
        // Where the system has no more threads, this one does their work, too.
        let others: Vec<_> = (1..n_threads).flat_map(spawn).collect();
        let mut own = add_all(own)?;
        own.may_use(limits.max_bytes);
        for other in others {
            match other.join() {
                Ok(other) => own.merge(other?)?,
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        Ok(own)
    })
}
