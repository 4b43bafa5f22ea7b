//! Turns what a running job reports into progress that callers see, and their wish to stop into a flag.
//!
//! It exists so that progress costs the loading thread a few atomic additions and nobody else a
//! question to the database. It never outlives the job.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU8, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use sluice_schema::Control;
use tokio::sync::watch;

use crate::catalog::model::{Job, StorageId};
use crate::catalog::now_us;

/// How long loading takes, as a multiple of understanding: for the estimate of what is left.
const LOAD_PER_UNDERSTAND: f64 = 1.5;
/// Rates are told after this time, when they mean something.
pub(super) const RATE_AFTER_US: i64 = 200_000;

/// What a job is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Phase {
    /// Waits in the queue.
    Queued,
    /// Looks into the file to find out what it is.
    Understand,
    /// Reads all rows to find out their types.
    Infer,
    /// Writes the rows.
    Load,
    /// Builds the indexes that the version before had.
    Index,
    /// Makes the version visible.
    Publish,
    /// Writes rows into a file.
    Export,
}

impl Phase {
    pub(super) const ALL: [Phase; 7] = [
        Phase::Queued,
        Phase::Understand,
        Phase::Infer,
        Phase::Load,
        Phase::Index,
        Phase::Publish,
        Phase::Export,
    ];

    /// Whether rows and bytes are counted.
    fn reads(self) -> bool {
        matches!(self, Phase::Understand | Phase::Infer | Phase::Load)
    }

    pub(super) fn name(self) -> Option<&'static str> {
        match self {
            Phase::Queued => None,
            Phase::Understand => Some("UNDERSTAND"),
            Phase::Infer => Some("INFER"),
            Phase::Load => Some("LOAD"),
            Phase::Index => Some("INDEX"),
            Phase::Publish => Some("PUBLISH"),
            Phase::Export => Some("EXPORT"),
        }
    }
}

/// A job that has not ended, in this process.
pub(super) struct LiveJob {
    phase: AtomicU8,
    phase_began_us: AtomicI64,
    bytes_done: AtomicU64,
    rows_done: AtomicU64,
    is_cancelled: AtomicBool,
    has_ended: watch::Sender<bool>,
    /// Tables begun; whatever of them is not published is dropped at the end.
    tables: Mutex<Vec<StorageId>>,
}

impl LiveJob {
    pub(super) fn new() -> LiveJob {
        LiveJob {
            phase: AtomicU8::new(Phase::Queued as u8),
            phase_began_us: AtomicI64::new(now_us()),
            bytes_done: AtomicU64::new(0),
            rows_done: AtomicU64::new(0),
            is_cancelled: AtomicBool::new(false),
            has_ended: watch::Sender::new(false),
            tables: Mutex::default(),
        }
    }

    pub(super) fn begin(&self, phase: Phase) {
        // Indexing and publishing read nothing: the counts of the load stay.
        if phase.reads() {
            self.bytes_done.store(0, Ordering::Relaxed);
            self.rows_done.store(0, Ordering::Relaxed);
        }
        self.phase_began_us.store(now_us(), Ordering::Relaxed);
        self.phase.store(phase as u8, Ordering::Release);
    }

    pub(super) fn cancel(&self) {
        self.is_cancelled.store(true, Ordering::Release);
    }

    pub(super) fn end(&self) {
        self.has_ended.send_replace(true);
    }

    /// Changes to true when the job has ended and the catalog says so.
    pub(super) fn ended(&self) -> watch::Receiver<bool> {
        self.has_ended.subscribe()
    }

    /// A new table's name, remembered until the job ends.
    pub(super) fn new_table(&self) -> StorageId {
        let storage = StorageId::new();
        let mut tables = self.tables.lock().unwrap_or_else(PoisonError::into_inner);
        tables.push(storage.clone());
        storage
    }

    /// These tables are named by the catalog now: they are not dropped at the end.
    pub(super) fn keep_tables<'s>(&self, kept: impl Iterator<Item = &'s StorageId>) {
        let kept: Vec<&StorageId> = kept.collect();
        let mut tables = self.tables.lock().unwrap_or_else(PoisonError::into_inner);
        tables.retain(|table| !kept.contains(&table));
    }

    pub(super) fn take_tables(&self) -> Vec<StorageId> {
        std::mem::take(&mut self.tables.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// What it is doing.
    pub(super) fn phase(&self) -> Phase {
        let number = self.phase.load(Ordering::Acquire);
        let phase = Phase::ALL.into_iter().find(|phase| *phase as u8 == number);
        phase.unwrap_or(Phase::Queued)
    }

    /// Writes the present progress into a job that has not ended.
    pub(super) fn show_in(&self, job: &mut Job) {
        let phase = self.phase();
        let elapsed_us = now_us() - self.phase_began_us.load(Ordering::Relaxed);
        job.phase = phase.name();
        if phase == Phase::Export {
            // How large the file will be is known at its end.
            job.bytes_total = None;
        }
        let bytes_total = job.bytes_total.unwrap_or(i64::MAX);
        job.bytes_done = shown(self.bytes_done.load(Ordering::Relaxed)).min(bytes_total);
        job.rows_done = shown(self.rows_done.load(Ordering::Relaxed));
        if !phase.reads() || elapsed_us < RATE_AFTER_US {
            return;
        }
        let elapsed_s = to_float(elapsed_us) / 1e6;
        job.rows_per_second = Some(to_float(job.rows_done) / elapsed_s);
        if job.bytes_done > 0 {
            let bytes_per_second = to_float(job.bytes_done) / elapsed_s;
            let of_phase = to_float(bytes_total - job.bytes_done) / bytes_per_second;
            let of_load = if phase != Phase::Load {
                LOAD_PER_UNDERSTAND * to_float(bytes_total) / bytes_per_second
            } else {
                0.0
            };
            job.remaining_seconds = Some(of_phase + of_load);
        }
    }
}

impl Control for LiveJob {
    fn inferring(&self) {
        if self.phase.load(Ordering::Acquire) == Phase::Understand as u8 {
            self.begin(Phase::Infer);
        }
    }

    fn bytes_done(&self, n: u64) {
        self.bytes_done.fetch_add(n, Ordering::Relaxed);
    }

    fn rows_done(&self, n: u64) {
        self.rows_done.fetch_add(n, Ordering::Relaxed);
    }

    fn is_cancelled(&self) -> bool {
        self.is_cancelled.load(Ordering::Acquire)
    }
}

pub(super) fn shown(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// For rates: exact below 2^53, near enough above.
pub(super) fn to_float(count: i64) -> f64 {
    count as f64
}
