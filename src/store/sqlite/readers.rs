//! The threads that read the embedded store, and who waits for them.
//!
//! Cheap statements run where the request stands; the others go to a few dedicated threads, and
//! questions over all rows to others still, which step aside for everybody.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crossbeam_channel::{Receiver, Sender, bounded};
use tokio::sync::oneshot;

use super::columns::{Asker, Columns};
use super::read::{run_here, watch_job};
use crate::store::aside::step_aside;
use crate::store::columns::Ask;
use crate::store::run::Run;
use crate::store::{ReaderUsage, StoreError};

/// Statements waiting for a thread before new ones are refused.
const QUEUE_LENGTH: usize = 4_096;
/// How much threads that answer questions over all rows step aside: less than loads do.
const NICENESS: i32 = 10;

/// The threads that read.
///
/// There are two kinds: those that run statements, and those that answer questions over all rows.
/// The latter step aside for all others, so that a list is not kept waiting by many of these.
#[derive(Debug)]
pub struct Readers {
    folder: Arc<Path>,
    queue: Sender<Job>,
    /// Questions that answer rows go before those that answer groups.
    row_questions: Sender<Job>,
    group_questions: Sender<Job>,
    n_threads: usize,
    n_busy: Arc<AtomicUsize>,
}

/// Where the jobs of a thread arrive; the first ones go first.
struct Lanes([Receiver<Job>; 2]);

impl Lanes {
    /// The next job; `None` when there will be none.
    fn next(&self) -> Option<Job> {
        let [first, second] = &self.0;
        first.try_recv().ok().or_else(|| {
            crossbeam_channel::select! {
                recv(first) -> job => job.ok(),
                recv(second) -> job => job.ok(),
            }
        })
    }

    fn is_empty(&self) -> bool {
        self.0.iter().all(Receiver::is_empty)
    }
}

/// A thread that answers questions.
struct Answerer {
    folder: Arc<Path>,
    columns: Arc<Columns>,
    lanes: Lanes,
    /// Of this kind.
    n_busy: Arc<AtomicUsize>,
    /// Of the other kind.
    n_reading: Arc<AtomicUsize>,
}

impl Answerer {
    fn work(&self) {
        step_aside(NICENESS);
        while let Some(job) = self.lanes.next() {
            if job.is_abandoned.load(Ordering::Relaxed) {
                continue;
            }
            let n_others = self.n_busy.fetch_add(1, Ordering::Relaxed);
            let asker = Asker {
                is_idle: n_others == 0
                    && self.lanes.is_empty()
                    && self.n_reading.load(Ordering::Relaxed) == 0,
                is_abandoned: Some(&job.is_abandoned),
                deadline: job.run.deadline,
            };
            let answer = run_job(&self.folder, &self.columns, &job, &asker);
            self.n_busy.fetch_sub(1, Ordering::Relaxed);
            // Nobody may be waiting any more; then the answer is not needed.
            let _ = job.reply.send(answer);
        }
    }
}

#[derive(Debug)]
struct Job {
    run: Run,
    is_abandoned: Arc<AtomicBool>,
    reply: oneshot::Sender<Result<Vec<u8>, StoreError>>,
}

/// Tells the reader that nobody waits for the answer any more.
struct AbandonOnDrop(Arc<AtomicBool>);

impl Drop for AbandonOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Readers {
    /// Starts `n_threads` threads that read files of this folder; they end with the value.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub(super) fn start(
        folder: &Path,
        columns: &Arc<Columns>,
        n_threads: usize,
    ) -> Result<Readers, StoreError> {
        let (queue, jobs) = bounded::<Job>(QUEUE_LENGTH);
        let (row_questions, row_jobs) = bounded::<Job>(QUEUE_LENGTH);
        let (group_questions, group_jobs) = bounded::<Job>(QUEUE_LENGTH);
        let folder: Arc<Path> = Arc::from(folder);
        let (n_threads, n_busy) = (n_threads.max(1), Arc::<AtomicUsize>::default());
        let n_answering = Arc::<AtomicUsize>::default();
        for number in 0..n_threads {
            let answerer = Answerer {
                folder: Arc::clone(&folder),
                columns: Arc::clone(columns),
                lanes: Lanes([row_jobs.clone(), group_jobs.clone()]),
                n_busy: Arc::clone(&n_answering),
                n_reading: Arc::clone(&n_busy),
            };
            let thread = std::thread::Builder::new().name(format!("sluice-ask-{number}"));
            thread.spawn(move || answerer.work())?;
            let (jobs, folder, n_busy) = (jobs.clone(), Arc::clone(&folder), Arc::clone(&n_busy));
            let thread = std::thread::Builder::new().name(format!("sluice-read-{number}"));
            thread.spawn(move || {
                for job in jobs {
                    if job.is_abandoned.load(Ordering::Relaxed) {
                        continue;
                    }
                    n_busy.fetch_add(1, Ordering::Relaxed);
                    let answer = run_here(&folder, None, &job.run, Some(&job.is_abandoned));
                    n_busy.fetch_sub(1, Ordering::Relaxed);
                    // Nobody may be waiting any more; then the answer is not needed.
                    let _ = job.reply.send(answer);
                }
            })?;
        }
        Ok(Readers { folder, queue, row_questions, group_questions, n_threads, n_busy })
    }

    /// How the threads are used.
    pub fn usage(&self) -> ReaderUsage {
        let n_busy = self.n_busy.load(Ordering::Relaxed).min(self.n_threads);
        let n_idle = self.n_threads - n_busy;
        let queues = [&self.queue, &self.row_questions, &self.group_questions];
        let n_waiting = queues.into_iter().map(Sender::len).sum();
        ReaderUsage { n_most: self.n_threads, n_busy, n_idle, n_waiting }
    }

    /// Runs a statement and returns its answer as JSON bytes.
    ///
    /// # Errors
    /// As [`crate::store::Store::run`].
    pub async fn run(&self, run: Run) -> Result<Vec<u8>, StoreError> {
        if run.statement.is_cheap {
            return run_here(&self.folder, None, &run, None);
        }
        let is_abandoned = Arc::new(AtomicBool::new(false));
        let _guard = AbandonOnDrop(Arc::clone(&is_abandoned));
        let (reply, answer) = oneshot::channel();
        let queue = match run.question.as_deref().map(|question| &question.ask) {
            None => &self.queue,
            Some(Ask::Groups { .. }) => &self.group_questions,
            Some(Ask::Rows { .. } | Ask::Page { .. }) => &self.row_questions,
        };
        if queue.try_send(Job { run, is_abandoned, reply }).is_err() {
            return Err(StoreError::Busy);
        }
        answer.await.map_err(|_| StoreError::Defect("a reader thread ended"))?
    }
}

/// Answers from columns where they can tell, else from rows.
fn run_job(
    folder: &Path,
    columns: &Columns,
    job: &Job,
    asker: &Asker<'_>,
) -> Result<Vec<u8>, StoreError> {
    watch_job(asker.deadline, &job.is_abandoned);
    match columns.answer(&job.run, asker)? {
        Some(answer) => Ok(answer),
        None => run_here(folder, Some(columns), &job.run, Some(&job.is_abandoned)),
    }
}
