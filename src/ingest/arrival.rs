//! Turns an upload whose bytes still arrive into a job that callers see, and their wish to stop into an end.
//!
//! It exists so that a slow upload is no silence. It promises nothing: it stands in the memory of the
//! node that receives, no other shows it, and it goes away with an upload that is cut off or refused.
//! What is acknowledged is the catalog's job, which has the same id.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::live::{RATE_AFTER_US, shown, to_float};
use super::{Ingest, UploadRequest};
use crate::catalog::model::{Job, JobId, JobKind, JobStatus, WorkspaceId};
use crate::catalog::now_us;
use crate::error::{Code, Error, Result};

/// What the job is doing.
const PHASE: &str = "RECEIVE";

/// The uploads that arrive at this node.
#[derive(Default)]
pub(super) struct Arrivals(Mutex<HashMap<JobId, Arc<Arrival>>>);

impl Arrivals {
    fn begin(&self, workspace: WorkspaceId, name: String, size_bytes: Option<u64>) -> Arriving<'_> {
        let now_us = now_us();
        let job = Job {
            id: JobId(Uuid::now_v7()),
            kind: JobKind::Load,
            status: JobStatus::Running,
            phase: Some(PHASE),
            dataset_name: name,
            bytes_done: 0,
            bytes_total: size_bytes.map(shown),
            rows_done: 0,
            rows_per_second: None,
            remaining_seconds: None,
            error: None,
            datasets: Vec::new(),
            outcome: Arc::default(),
            notices: Arc::default(),
            created_at_us: now_us,
            started_at_us: Some(now_us),
            finished_at_us: None,
            created_by: None,
        };
        let arrival = Arc::new(Arrival {
            workspace,
            job,
            bytes_done: AtomicU64::new(0),
            cancelled: CancellationToken::new(),
            ended: CancellationToken::new(),
        });
        self.lock().insert(arrival.job.id, Arc::clone(&arrival));
        Arriving { arrivals: self, arrival }
    }

    pub(super) fn find(&self, workspace: WorkspaceId, id: JobId) -> Option<Arc<Arrival>> {
        self.lock().get(&id).filter(|arrival| arrival.workspace == workspace).cloned()
    }

    /// Newest first.
    pub(super) fn jobs(&self, workspace: WorkspaceId) -> Vec<Job> {
        let arrivals = self.lock();
        let ours = arrivals.values().filter(|arrival| arrival.workspace == workspace);
        let mut jobs: Vec<Job> = ours.map(|arrival| arrival.job()).collect();
        drop(arrivals);
        jobs.sort_by_key(|job| std::cmp::Reverse(job.id.0));
        jobs
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.lock().len()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<JobId, Arc<Arrival>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An upload whose bytes arrive.
pub(super) struct Arrival {
    workspace: WorkspaceId,
    /// As it was at its beginning.
    job: Job,
    bytes_done: AtomicU64,
    cancelled: CancellationToken,
    ended: CancellationToken,
}

impl Arrival {
    /// The job as it stands.
    pub(super) fn job(&self) -> Job {
        let mut job = self.job.clone();
        job.bytes_done = shown(self.bytes_done.load(Ordering::Relaxed));
        let elapsed_us = now_us() - job.created_at_us;
        if let Some(bytes_total) = job.bytes_total
            && job.bytes_done > 0
            && elapsed_us >= RATE_AFTER_US
        {
            let bytes_per_us = to_float(job.bytes_done) / to_float(elapsed_us);
            let left = to_float(bytes_total.saturating_sub(job.bytes_done).max(0));
            job.remaining_seconds = Some(left / bytes_per_us / 1e6);
        }
        job
    }

    /// Ends the upload unless all of it has arrived; gives what was ended, once it has.
    pub(super) async fn cancel(&self) -> Job {
        self.cancelled.cancel();
        self.ended.cancelled().await;
        Job {
            status: JobStatus::Cancelled,
            phase: None,
            finished_at_us: Some(now_us()),
            ..self.job()
        }
    }
}

/// Shows an upload as long as it is held.
struct Arriving<'a> {
    arrivals: &'a Arrivals,
    arrival: Arc<Arrival>,
}

impl Drop for Arriving<'_> {
    fn drop(&mut self) {
        self.arrivals.lock().remove(&self.arrival.job.id);
        self.arrival.ended.cancel();
    }
}

impl Ingest {
    /// Streams the body to the spool while hashing and counting; acknowledged when this returns.
    ///
    /// Until then it is a job in the phase `RECEIVE`, on this node only; `size_bytes` is what the
    /// sender announced.
    ///
    /// # Errors
    /// CONFLICT for a taken name in mode CREATE, before the body is read, and for an upload that is
    /// cancelled; PAYLOAD_TOO_LARGE, BAD_USER_INPUT for a body that breaks off, STORAGE_UNAVAILABLE.
    pub async fn receive<S, E>(
        &self,
        workspace: WorkspaceId,
        request: UploadRequest,
        size_bytes: Option<u64>,
        body: S,
    ) -> Result<JobId>
    where
        S: Stream<Item = std::result::Result<Bytes, E>> + Unpin + Send,
        E: std::error::Error + Send + Sync + 'static,
    {
        self.check(workspace, &request)?;
        let name = self.name_of(workspace, &request);
        let arriving = self.shared.arrivals.begin(workspace, name, size_bytes);
        let arrival = &arriving.arrival;
        let body = body.inspect(|chunk| {
            if let Ok(chunk) = chunk {
                let n_bytes = u64::try_from(chunk.len()).unwrap_or(u64::MAX);
                arrival.bytes_done.fetch_add(n_bytes, Ordering::Relaxed);
                self.shared.counts.received(chunk.len());
            }
        });
        let spooled = tokio::select! {
            spooled = self.spool(body) => spooled?,
            () = arrival.cancelled.cancelled() => return Err(cancelled()),
        };
        // The catalog has the job when its arrival is forgotten: at no instant there is none.
        self.accept_as(arrival.job.id, workspace, request, spooled).await
    }
}

fn cancelled() -> Error {
    Error::new(Code::Conflict, "The upload was cancelled before all of it had arrived.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arrival_is_seen_by_its_workspace_as_long_as_it_is_held() {
        let arrivals = Arrivals::default();
        let (ours, theirs) = (WorkspaceId(Uuid::now_v7()), WorkspaceId(Uuid::now_v7()));
        let begin = |name: &str| arrivals.begin(ours, name.to_owned(), None);
        let (first, second) = (begin("first"), begin("second"));
        let names = |workspace| -> Vec<String> {
            arrivals.jobs(workspace).into_iter().map(|job| job.dataset_name).collect()
        };
        assert_eq!(names(ours), ["second", "first"]);
        assert!(names(theirs).is_empty());
        let id = first.arrival.job.id;
        assert!(arrivals.find(ours, id).is_some());
        assert!(arrivals.find(theirs, id).is_none());
        drop(first);
        assert!(arrivals.find(ours, id).is_none());
        drop(second);
        assert!(names(ours).is_empty());
    }
}
