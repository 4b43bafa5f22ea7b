//! Turns uploaded bytes into a published dataset version, in the background.
//!
//! `receive` acknowledges once the source and the job are committed; a bounded runner understands,
//! loads and publishes. A crash at any instant leaves the old version or the new one.

mod admit;
mod arrival;
mod background;
mod columns;
mod copy;
mod define;
mod derive;
mod draft;
mod export;
mod failure;
mod figures;
mod fit;
mod inspect;
mod janitor;
mod key;
mod live;
mod load;
mod misfit;
mod prepare;
mod relations;
mod request;
mod retention;
mod runner;
mod similar;
mod spool;
mod widen;

use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures_util::Stream;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

pub use self::admit::{CellCorrection, Correction};
use self::arrival::Arrivals;
pub use self::define::{Definition, NewColumn};
pub use self::derive::Derivation;
pub use self::export::Exporter;
use self::figures::Counts;
pub use self::figures::IngestFigures;
pub use self::inspect::{InspectedSheet, inspect_file};
pub use self::request::{UploadRequest, option_of_text, read_options};
use self::runner::Shared;
use self::spool::Folders;
pub use self::spool::Spooled;
use crate::catalog::model::{Job, JobId, JobKind, JobStatus, LoadMode, Source, WorkspaceId};
use crate::catalog::names::{Place, place_for};
use crate::catalog::{Catalog, CatalogError, NewJob, disk_error};
use crate::config::Settings;
use crate::error::{Code, Error, Result};
use crate::store::Store;

/// How often a job that runs on another node is looked at while somebody waits for it.
const LOOK_AFAR_EVERY: Duration = Duration::from_millis(250);
/// How long a cancellation waits for the job's end before it answers.
const CANCEL_WAIT: Duration = Duration::from_secs(1);
/// How long interrupted jobs get to put themselves back into the queue.
const LEAVE_WAIT: Duration = Duration::from_secs(3);

/// Receives files, runs jobs.
pub struct Ingest {
    shared: Arc<Shared>,
    max_upload_bytes: u64,
    tasks: Mutex<JoinSet<()>>,
    /// Inspections at work at once, so that asking never keeps loads from the processor.
    inspections: tokio::sync::Semaphore,
    /// Held for reading from when a source is kept until a job names it.
    naming: tokio::sync::RwLock<()>,
}

impl Ingest {
    /// Recovers what a crash left (resumes or fails jobs, removes leftovers), starts the runner.
    ///
    /// # Errors
    /// When the data folder cannot be used or the database is away.
    pub async fn open(
        catalog: Arc<Catalog>,
        store: Arc<Store>,
        settings: &Settings,
    ) -> Result<Arc<Ingest>> {
        let data_dir = settings.data_dir.clone();
        let folders = tokio::task::spawn_blocking(move || Folders::open(&data_dir))
            .await
            .map_err(Error::internal)?
            .map_err(disk_error)?;
        let shared = Arc::new(Shared {
            catalog,
            store,
            folders,
            limits: settings.file_limits.clone(),
            concurrency: settings.load_concurrency.max(1),
            n_exports: settings.exports.concurrency,
            exporter: OnceLock::new(),
            live: Mutex::new(HashMap::new()),
            arrivals: Arrivals::default(),
            counts: Counts::default(),
            wake: Notify::new(),
            stop: CancellationToken::new(),
            is_leaving: AtomicBool::new(false),
        });
        for id in shared.catalog.recover_jobs().await? {
            shared.live_of(id);
        }
        janitor::sweep(&shared).await?;
        let mut tasks = JoinSet::new();
        if let Some(retired) = shared.catalog.take_janitor() {
            let timeout = settings.statement_timeout;
            tasks.spawn(janitor::run(Arc::clone(&shared), retired, timeout));
            let look_every = settings.history.look_every;
            let keep = settings.exports.keep;
            tasks.spawn(retention::run(Arc::clone(&shared), look_every, timeout, keep));
        }
        tasks.spawn(runner::run(Arc::clone(&shared)));
        let max_upload_bytes = settings.max_upload_bytes;
        let inspections = tokio::sync::Semaphore::new(settings.load_concurrency.max(1));
        let naming = tokio::sync::RwLock::default();
        Ok(Arc::new(Ingest {
            shared,
            max_upload_bytes,
            tasks: Mutex::new(tasks),
            inspections,
            naming,
        }))
    }

    /// Refuses at once what could only fail later.
    ///
    /// # Errors
    /// CONFLICT for a taken name in mode CREATE.
    pub fn check(&self, workspace: WorkspaceId, request: &UploadRequest) -> Result<()> {
        request.check()?;
        if request.request_id.is_some() {
            // The name may have been taken by this very request, sent before.
            return Ok(());
        }
        self.place(workspace, request).map(|_| ())
    }

    /// Streams a body to the spool; what is not accepted is removed when dropped.
    ///
    /// # Errors
    /// PAYLOAD_TOO_LARGE, BAD_USER_INPUT for a body that breaks off, STORAGE_UNAVAILABLE.
    pub async fn spool<S, E>(&self, body: S) -> Result<Spooled>
    where
        S: Stream<Item = std::result::Result<Bytes, E>> + Unpin + Send,
        E: std::error::Error + Send + Sync + 'static,
    {
        self.shared.folders.receive(self.max_upload_bytes, body).await
    }

    /// Queues the load of a spooled file; acknowledged when this returns.
    ///
    /// # Errors
    /// CONFLICT for a taken name in mode CREATE, STORAGE_UNAVAILABLE.
    pub async fn accept(
        &self,
        workspace: WorkspaceId,
        request: UploadRequest,
        spooled: Spooled,
    ) -> Result<JobId> {
        self.accept_as(JobId(Uuid::now_v7()), workspace, request, spooled).await
    }

    async fn accept_as(
        &self,
        id: JobId,
        workspace: WorkspaceId,
        request: UploadRequest,
        spooled: Spooled,
    ) -> Result<JobId> {
        let wishes = serde_json::to_string(&request.wishes()).map_err(Error::internal)?;
        let mut job = NewJob {
            id,
            workspace,
            kind: JobKind::Load,
            dataset_name: String::new(),
            dataset_label: request.label(),
            mode: request.mode,
            source: Source {
                sha256: spooled.sha256().to_owned(),
                file_name: String::new(),
                size_bytes: 0,
            },
            options: wishes,
            request_id: request.request_id.clone(),
            created_by: request.actor.clone(),
        };
        if let Some(id) = self.repeated(&job).await? {
            return Ok(id);
        }
        job.dataset_name = self.place(workspace, &request)?;
        let _naming = self.naming.read().await;
        job.source = self.shared.folders.keep(spooled, &request.file_name).await?;
        match self.enqueue(&job).await {
            // The same request came twice at once.
            Err(CatalogError::Changed) => {
                self.repeated(&job).await?.ok_or_else(|| CatalogError::Changed.into())
            }
            queued => queued.map(|()| id).map_err(Error::from),
        }
    }

    /// Starts a small task that the end of the process waits for.
    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        if tokio::runtime::Handle::try_current().is_ok() {
            let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
            while tasks.try_join_next().is_some() {}
            tasks.spawn(task);
        }
    }

    /// Whether the bytes of a source are still on this node's disk.
    async fn is_kept(&self, source: &Source) -> bool {
        let path = self.shared.folders.source_path(&source.sha256);
        tokio::fs::try_exists(path).await.unwrap_or(false)
    }

    async fn enqueue(&self, job: &NewJob) -> std::result::Result<(), CatalogError> {
        // Before the row: whoever finds the job can wait for it.
        self.shared.live_of(job.id);
        if let Err(error) = self.shared.catalog.enqueue(job).await {
            self.shared.forget_live(job.id);
            return Err(error);
        }
        self.shared.wake.notify_one();
        Ok(())
    }

    /// The job of an earlier request of the same id.
    async fn repeated(&self, job: &NewJob) -> Result<Option<JobId>> {
        let Some(request_id) = &job.request_id else { return Ok(None) };
        let Some(earlier) = self.shared.catalog.job_of_request(job.workspace, request_id).await?
        else {
            return Ok(None);
        };
        let what = if earlier.source.sha256 != job.source.sha256 {
            "another file"
        } else if earlier.dataset_label != job.dataset_label {
            "another dataset's name"
        } else if earlier.mode != job.mode {
            "another mode"
        } else if earlier.options != job.options {
            "other options"
        } else {
            return Ok(Some(earlier.id));
        };
        Err(Error::new(
            Code::Conflict,
            format!(
                "The requestId {request_id:?} was given with {what}. Give each request an id of its own."
            ),
        ))
    }

    /// Receives a file of this machine, for `sluice serve FILES` and for files that came into the
    /// spool with a multipart request; the file stays as it is.
    ///
    /// # Errors
    /// NOT_FOUND when it cannot be read; else as [`Ingest::receive`].
    pub async fn receive_file(
        &self,
        workspace: WorkspaceId,
        request: UploadRequest,
        path: &Path,
    ) -> Result<JobId> {
        self.check(workspace, &request)?;
        let spooled = self.shared.folders.take_file(self.max_upload_bytes, path).await?;
        self.accept(workspace, request, spooled).await
    }

    /// The name of the dataset that a request is about.
    fn place(&self, workspace: WorkspaceId, request: &UploadRequest) -> Result<String> {
        let snapshot = self.shared.catalog.snapshot(workspace);
        let place = place_for(&snapshot, &request.label(), request.mode);
        request.bounds.check(match &place {
            Place::Existing(dataset) => &dataset.name,
            Place::New { name, .. } => name,
        })?;
        match place {
            Place::Existing(dataset) if request.mode == LoadMode::Create => {
                Err(CatalogError::NameTaken(dataset.name.clone()).into())
            }
            Place::Existing(dataset) => Ok(dataset.name.clone()),
            Place::New { name, .. } => Ok(name),
        }
    }

    /// The same, whether it is taken or not.
    fn name_of(&self, workspace: WorkspaceId, request: &UploadRequest) -> String {
        let snapshot = self.shared.catalog.snapshot(workspace);
        match place_for(&snapshot, &request.label(), request.mode) {
            Place::Existing(dataset) => dataset.name.clone(),
            Place::New { name, .. } => name,
        }
    }

    /// The job, at once or when it ended or after `limit`, whichever is first.
    ///
    /// # Errors
    /// NOT_FOUND; STORAGE_UNAVAILABLE.
    pub async fn wait(&self, workspace: WorkspaceId, id: JobId, limit: Duration) -> Result<Job> {
        let end = tokio::time::Instant::now() + limit;
        loop {
            // Subscribed before the row is read, so that an end in between is not missed.
            let ended = self.shared.find_live(id).map(|live| live.ended());
            let job = self.job(workspace, id).await?;
            let now = tokio::time::Instant::now();
            if job.status.is_final() || now >= end {
                return Ok(job);
            }
            match ended {
                Some(mut ended) => {
                    // A closed channel means that it ended, too.
                    let _ = tokio::time::timeout_at(end, ended.wait_for(|ended| *ended)).await;
                }
                None => tokio::time::sleep((end - now).min(LOOK_AFAR_EVERY)).await,
            }
        }
    }

    /// The job, with live progress while it runs; one whose bytes still arrive only on the node that
    /// receives them.
    ///
    /// # Errors
    /// NOT_FOUND, also for a job of another workspace; STORAGE_UNAVAILABLE.
    pub async fn job(&self, workspace: WorkspaceId, id: JobId) -> Result<Job> {
        // Looked for before the row: it is forgotten once there is one.
        let arrival = self.shared.arrivals.find(workspace, id);
        let found = self.shared.catalog.job(workspace, id).await;
        let mut job = match (found, arrival) {
            (Ok(job), _) => job,
            (Err(CatalogError::NotFound), Some(arrival)) => return Ok(arrival.job()),
            (Err(CatalogError::NotFound), None) => {
                return Err(Error::not_found("There is no job with this id."));
            }
            (Err(error), _) => return Err(error.into()),
        };
        self.show_progress(&mut job);
        Ok(job)
    }

    /// The newest, those first whose bytes still arrive at this node.
    ///
    /// # Errors
    /// STORAGE_UNAVAILABLE.
    pub async fn jobs(&self, workspace: WorkspaceId, limit: u64) -> Result<Vec<Job>> {
        let mut jobs = self.shared.arrivals.jobs(workspace);
        let mut queued = self.shared.catalog.jobs(workspace, limit, 0).await?;
        jobs.retain(|arriving| queued.iter().all(|job| job.id != arriving.id));
        for job in &mut queued {
            self.show_progress(job);
        }
        jobs.append(&mut queued);
        jobs.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        Ok(jobs)
    }

    fn show_progress(&self, job: &mut Job) {
        let Some(live) = self.shared.find_live(job.id) else { return };
        if job.status == JobStatus::Succeeded {
            // Its row says so a moment before the snapshot shows what it made: whoever reads
            // SUCCEEDED must be able to query it.
            job.status = JobStatus::Running;
            job.finished_at_us = None;
            job.datasets.clear();
        }
        if !job.status.is_final() {
            live.show_in(job);
        }
    }

    /// Removes a workspace with all that it holds: its jobs are ended, its rows and those of the
    /// catalog go, and the files that no other workspace has. On other nodes those go at their next
    /// start.
    ///
    /// # Errors
    /// NOT_FOUND; STORAGE_UNAVAILABLE.
    pub async fn delete_workspace(&self, workspace: WorkspaceId) -> Result<()> {
        const NEWEST: u64 = 10_000;
        let catalog = &self.shared.catalog;
        for job in catalog.jobs(workspace, NEWEST, 0).await? {
            if !job.status.is_final() {
                self.cancel(workspace, job.id).await?;
            }
        }
        let held = catalog.sources_of(workspace).await?;
        catalog.delete_workspace(workspace).await?;
        // Nobody is between keeping a file and naming it.
        let _naming = self.naming.write().await;
        let kept = catalog.sources().await?;
        for sha256 in held.difference(&kept) {
            let path = self.shared.folders.source_path(sha256);
            if let Err(error) = tokio::fs::remove_file(path).await {
                tracing::warn!(%error, "a file of a deleted workspace stays until the next start");
            }
        }
        Ok(())
    }

    /// Ends a job: a queued one at once, a running one at its next block, an upload with its
    /// connection. A job that has ended stays as it is.
    ///
    /// # Errors
    /// NOT_FOUND; STORAGE_UNAVAILABLE.
    pub async fn cancel(&self, workspace: WorkspaceId, id: JobId) -> Result<Job> {
        let arrival = self.shared.arrivals.find(workspace, id);
        let ended = match arrival {
            Some(arrival) => Some(arrival.cancel().await),
            None => None,
        };
        let job = match (self.job(workspace, id).await, ended) {
            // It is gone, and was never acknowledged.
            (Err(Error { code: Code::NotFound, .. }), Some(ended)) => return Ok(ended),
            (job, _) => job?,
        };
        if job.status.is_final() {
            return Ok(job);
        }
        self.shared.catalog.cancel_job(workspace, id).await?;
        if let Some(live) = self.shared.find_live(id) {
            live.cancel();
        }
        if self.job(workspace, id).await?.status.is_final() {
            // It was still queued: nobody else would tell those who wait.
            self.shared.forget_live(id);
            self.shared.wake.notify_one();
        }
        self.wait(workspace, id, CANCEL_WAIT).await
    }

    /// Lets running jobs end within the limit, then leaves them to the next start.
    pub async fn shutdown(&self, grace: Duration) {
        self.shared.stop.cancel();
        let mut tasks =
            std::mem::take(&mut *self.tasks.lock().unwrap_or_else(PoisonError::into_inner));
        let all_ended = async { while tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(grace, all_ended).await.is_ok() {
            return;
        }
        self.shared.is_leaving.store(true, Ordering::Release);
        for live in self.shared.live.lock().unwrap_or_else(PoisonError::into_inner).values() {
            live.cancel();
        }
        let all_left = async { while tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(LEAVE_WAIT, all_left).await.is_err() {
            tracing::warn!("jobs were left at work; the next start takes them up again");
            tasks.shutdown().await;
        }
    }
}

#[cfg(test)]
mod tests;
