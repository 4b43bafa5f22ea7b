//! Counts what loads do, for those who watch the server.

use std::sync::PoisonError;
use std::sync::atomic::{AtomicU64, Ordering};

use super::Ingest;
use super::live::{Phase, shown};
use super::load::LoadedSheet;

/// The phase of an upload whose bytes arrive.
const RECEIVE: &str = "receive";

/// What was done since the process began.
#[derive(Debug, Default)]
pub(super) struct Counts {
    n_bytes: AtomicU64,
    n_rows: AtomicU64,
    n_rejects: AtomicU64,
}

impl Counts {
    /// Bytes of an upload arrived.
    pub(super) fn received(&self, n_bytes: usize) {
        self.n_bytes.fetch_add(u64::try_from(n_bytes).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// These sheets were published.
    pub(super) fn loaded(&self, sheets: &[LoadedSheet]) {
        let count = |n: i64| u64::try_from(n).unwrap_or_default();
        for counts in sheets.iter().map(|sheet| &sheet.counts) {
            let n_rows = count(counts.inserted).saturating_add(count(counts.updated));
            self.n_rows.fetch_add(n_rows, Ordering::Relaxed);
            self.n_rejects.fetch_add(count(counts.rejected), Ordering::Relaxed);
        }
    }
}

/// What was loaded since the process began, and what is being loaded.
#[derive(Clone, Debug)]
pub struct IngestFigures {
    /// Bytes of files that were received.
    pub n_bytes: i64,
    /// Rows that were added or changed by loads.
    pub n_rows: i64,
    /// Rows that did not fit.
    pub n_rejects: i64,
    /// Jobs of this process that have not ended, by phase, lower-case; all phases.
    pub jobs: Vec<(String, usize)>,
}

impl Ingest {
    /// How much was loaded, and what is at work.
    pub fn figures(&self) -> IngestFigures {
        let counts = &self.shared.counts;
        let read = |counter: &AtomicU64| shown(counter.load(Ordering::Relaxed));
        let mut jobs = vec![(RECEIVE.to_owned(), self.shared.arrivals.len())];
        let live = self.shared.live.lock().unwrap_or_else(PoisonError::into_inner);
        for phase in Phase::ALL {
            let n_jobs = live.values().filter(|job| job.phase() == phase).count();
            jobs.push((phase.name().unwrap_or("QUEUED").to_ascii_lowercase(), n_jobs));
        }
        IngestFigures {
            n_bytes: read(&counts.n_bytes),
            n_rows: read(&counts.n_rows),
            n_rejects: read(&counts.n_rejects),
            jobs,
        }
    }
}
