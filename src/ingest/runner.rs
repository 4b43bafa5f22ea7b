//! Turns queued jobs into published versions, a few at a time.
//!
//! It exists to hold the life of a job in one place: claim, load on a thread, name, index, publish,
//! settle, clean up. It never drops a table that the catalog may name.

use std::collections::HashMap;
use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use sluice_schema::Limits;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::arrival::Arrivals;
use super::background;
use super::draft::{self, Draft};
use super::export::{self, Exporter};
use super::failure::Failure;
use super::figures::Counts;
use super::live::{LiveJob, Phase};
use super::load::{self, Loaded, Work};
use super::request::Wishes;
use super::spool::Folders;
use crate::catalog::edits::VersionAction;
use crate::catalog::history::Origin;
use crate::catalog::model::{JobId, JobKind, JobOutcome, JobStatus, LoadMode, StorageId};
use crate::catalog::names::{Place, place_for};
use crate::catalog::snapshot::Snapshot;
use crate::catalog::{
    Catalog, CatalogError, ClaimedJob, MAX_ATTEMPTS, NewVersion, Publication, now_us,
};
use crate::error::Error;
use crate::store::{Store, StoreError};

/// How often the queue is looked at without being told: for jobs that waited for another node's.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// The first pause before the catalog is asked again; it doubles.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
/// The longest such pause.
const MAX_PAUSE: Duration = Duration::from_secs(5);
/// How often it is tried to remove what a failed job made.
const DROP_TRIES: usize = 20;
/// How often a publication is named anew because somebody else was first.
const MAX_PUBLISHES: usize = 8;

/// The dataset whose load panics, in tests.
#[cfg(test)]
pub(super) const PANICS: &str = "panics";

/// What the runner, the janitor and callers share.
pub(super) struct Shared {
    pub(super) catalog: Arc<Catalog>,
    pub(super) store: Arc<Store>,
    pub(super) folders: Folders,
    pub(super) limits: Limits,
    pub(super) concurrency: usize,
    /// Exports at work at once.
    pub(super) n_exports: usize,
    /// Who makes their files.
    pub(super) exporter: OnceLock<Arc<dyn Exporter>>,
    pub(super) live: Mutex<HashMap<JobId, Arc<LiveJob>>>,
    pub(super) arrivals: Arrivals,
    pub(super) counts: Counts,
    /// A job was queued, or one ended.
    pub(super) wake: Notify,
    /// Nothing new begins.
    pub(super) stop: CancellationToken,
    /// Running jobs are left to the next start.
    pub(super) is_leaving: AtomicBool,
}

impl Shared {
    /// The live side of a job, made if it is missing.
    pub(super) fn live_of(&self, id: JobId) -> Arc<LiveJob> {
        let mut live = self.live.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(live.entry(id).or_insert_with(|| Arc::new(LiveJob::new())))
    }

    pub(super) fn find_live(&self, id: JobId) -> Option<Arc<LiveJob>> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner).get(&id).cloned()
    }

    /// The job has ended in the catalog: whoever waits for it hears it.
    pub(super) fn forget_live(&self, id: JobId) {
        let ended = self.live.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
        if let Some(live) = ended {
            live.end();
        }
    }

    /// Asks the catalog until it answers; `None` when the process ends first.
    async fn insist<T, F>(&self, mut question: impl FnMut() -> F) -> Option<T>
    where
        F: Future<Output = Result<T, CatalogError>>,
    {
        let mut pause = FIRST_PAUSE;
        loop {
            match question().await {
                Ok(answer) => return Some(answer),
                Err(error) => {
                    tracing::warn!(error = ?error, "the catalog does not answer the runner");
                }
            }
            if self.is_leaving.load(Ordering::Acquire) {
                return None;
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(MAX_PAUSE);
        }
    }
}

/// Runs jobs until told to stop, then waits for those at work.
pub(super) async fn run(shared: Arc<Shared>) {
    let (mut loads, mut exports) = (JoinSet::new(), JoinSet::new());
    let mut is_away = false;
    while !shared.stop.is_cancelled() {
        let n_exports = shared.exporter.get().map_or(0, |_| shared.n_exports);
        let mut begun = begin(&shared, &mut loads, shared.concurrency, false).await;
        if begun.is_ok() {
            begun = begin(&shared, &mut exports, n_exports, true).await;
        }
        // Told once per outage.
        if let (Err(error), false) = (&begun, is_away) {
            tracing::warn!(error = ?error, "the queue cannot be read");
        }
        is_away = begun.is_err();
        tokio::select! {
            () = shared.stop.cancelled() => {}
            () = shared.wake.notified() => {}
            Some(_) = loads.join_next() => {}
            Some(_) = exports.join_next() => {}
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
    }
    while loads.join_next().await.is_some() {}
    while exports.join_next().await.is_some() {}
}

/// Begins jobs while fewer than so many are at work.
async fn begin(
    shared: &Arc<Shared>,
    at_work: &mut JoinSet<()>,
    most: usize,
    is_export: bool,
) -> Result<(), CatalogError> {
    while at_work.len() < most {
        let Some(job) = shared.catalog.claim(is_export).await? else { break };
        at_work.spawn(run_job(Arc::clone(shared), job));
    }
    Ok(())
}

async fn run_job(shared: Arc<Shared>, job: ClaimedJob) {
    let live = shared.live_of(job.id);
    let outcome = attempt(&shared, &job, &live).await;
    clean_up(&shared, &live).await;
    let has_ended = match outcome {
        Ok(()) => true,
        Err(failure) => settle(&shared, &job, failure).await,
    };
    if has_ended {
        shared.forget_live(job.id);
    } else {
        live.begin(Phase::Queued);
    }
    shared.wake.notify_one();
}

/// Loads and publishes once.
async fn attempt(
    shared: &Arc<Shared>,
    job: &ClaimedJob,
    live: &Arc<LiveJob>,
) -> Result<(), Failure> {
    if job.kind == JobKind::Export {
        return export::run(shared, job, live).await;
    }
    let wishes: Wishes = serde_json::from_str(&job.options)
        .map_err(|error| Failure::from(CatalogError::Damaged(error.to_string())))?;
    refuse_taken_name(shared, job)?;
    let loaded = {
        let (shared, job, live) = (Arc::clone(shared), job.clone(), Arc::clone(live));
        let wishes = wishes.clone();
        background::run(move || {
            #[cfg(test)]
            if job.dataset_name == PANICS {
                live.new_table();
                panic!("a table of a job that a test makes panic");
            }
            load::load_sheets(&Work {
                store: Some(&shared.store),
                snapshot: &shared.catalog.snapshot(job.workspace),
                path: &shared.folders.source_path(&job.source.sha256),
                limits: &shared.limits,
                wishes: &wishes,
                job: &job,
                live: &live,
                spool: Some(shared.folders.spool()),
            })
        })
        .await
        // A panic is a defect of ours; the process lives on.
        .unwrap_or_else(|panic| Err(Failure::Final(Error::internal(panic))))?
    };
    for _ in 0..MAX_PUBLISHES {
        let snapshot = shared.catalog.snapshot(job.workspace);
        let mut drafts = match draft::draft(&snapshot, job, &wishes, &loaded) {
            // The rows that were added to are not the present ones: the job begins again.
            Err(CatalogError::Changed) => {
                return Err(Failure::Passing(CatalogError::Changed.into()));
            }
            drafts => drafts?,
        };
        check_bounds(&snapshot, &wishes, &drafts).map_err(Failure::Final)?;
        build_indexes(shared, live, &mut drafts).await?;
        live.begin(Phase::Publish);
        match shared.catalog.publish(job.workspace, publication(job, &loaded, drafts)).await {
            Ok(published) => {
                live.keep_tables(published.iter().map(|dataset| &dataset.storage));
                shared.counts.loaded(&loaded.sheets);
                return Ok(());
            }
            // Somebody was first: the names are chosen anew in what is there now.
            Err(CatalogError::Changed) => {}
            Err(CatalogError::NameTaken(_)) if job.mode != LoadMode::Create => {}
            Err(error) if error.is_unavailable() => {
                find_out(shared, job, error).await?;
                live.keep_tables(loaded.sheets.iter().map(|sheet| &sheet.storage));
                shared.counts.loaded(&loaded.sheets);
                return Ok(());
            }
            Err(error) => return Err(error.into()),
        }
        shared.catalog.refresh(job.workspace).await?;
    }
    Err(CatalogError::Changed.into())
}

/// Mode CREATE ends before the work if the name was taken since the job was queued.
fn refuse_taken_name(shared: &Shared, job: &ClaimedJob) -> Result<(), Failure> {
    if job.mode != LoadMode::Create {
        return Ok(());
    }
    let snapshot = shared.catalog.snapshot(job.workspace);
    match place_for(&snapshot, &job.dataset_label, job.mode) {
        Place::Existing(dataset) => Err(CatalogError::NameTaken(dataset.name.clone()).into()),
        Place::New { .. } => Ok(()),
    }
}

/// Refuses what goes into datasets that the uploader may not load into, and what is more than the
/// workspace may hold.
fn check_bounds(snapshot: &Snapshot, wishes: &Wishes, drafts: &[Draft]) -> Result<(), Error> {
    for draft in drafts {
        wishes.bounds.check(&draft.dataset.name)?;
    }
    let others =
        snapshot.datasets().filter(|it| !drafts.iter().any(|draft| draft.dataset.id == it.id));
    let drafted = drafts.iter().map(|draft| &draft.dataset);
    let held = others.map(|it| it.as_ref()).chain(drafted);
    // Early, before indexes are built; it is settled when the load is published.
    Ok(snapshot.access.quotas.check(held.map(|it| (it.row_count, it.size_bytes)))?)
}

/// Builds what the version before had, as far as the new values allow: an index is no reason to
/// refuse a load.
async fn build_indexes(
    shared: &Shared,
    live: &LiveJob,
    drafts: &mut [Draft],
) -> Result<(), Failure> {
    for draft in drafts {
        for (mut index, definition) in std::mem::take(&mut draft.missing) {
            live.begin(Phase::Index);
            let storage = &draft.dataset.storage;
            match shared.store.create_index(storage, &index.name, &definition).await {
                Ok(size_bytes) => index.size_bytes = size_bytes,
                Err(StoreError::Unindexable) => continue,
                Err(error) => return Err(error.into()),
            }
            index.built_at_us = now_us();
            draft.dataset.indexes.push(index);
        }
    }
    Ok(())
}

fn publication(job: &ClaimedJob, loaded: &Loaded, drafts: Vec<Draft>) -> Publication {
    let notices = drafts.iter().flat_map(|draft| draft.dataset.notices.iter().cloned()).collect();
    let action = match job.kind {
        JobKind::Load => job.mode.into(),
        JobKind::Derive => VersionAction::Derive,
        JobKind::Admit => VersionAction::Admit,
        JobKind::Copy | JobKind::Export => VersionAction::Create,
    };
    let versions = drafts
        .into_iter()
        .zip(&loaded.sheets)
        .map(|(draft, sheet)| NewVersion {
            counts: sheet.counts,
            origin: Origin::of_job(job, action),
            rejects: draft.rejects,
            rejects_before: draft.rejects_before,
            indexes_before: draft.indexes_before,
            dataset: draft.dataset,
        })
        .collect();
    Publication {
        job: job.id,
        attempt: job.attempt,
        versions,
        unchanged: loaded.unchanged.clone(),
        notices,
        outcome: draft::outcome(loaded),
    }
}

/// The connection was lost while publishing: only the catalog knows whether it happened.
async fn find_out(shared: &Shared, job: &ClaimedJob, error: CatalogError) -> Result<(), Failure> {
    let row = shared.insist(|| shared.catalog.job(job.workspace, job.id)).await;
    match row.map(|row| row.status) {
        Some(JobStatus::Succeeded) => {
            // The watcher would find it too, within seconds.
            let _ = shared.insist(|| shared.catalog.refresh(job.workspace)).await;
            Ok(())
        }
        Some(JobStatus::Running) => Err(error.into()),
        _ => Err(Failure::Lost),
    }
}

/// Drops the tables that were begun and are not named by the catalog.
async fn clean_up(shared: &Shared, live: &LiveJob) {
    for storage in live.take_tables() {
        let mut n_tries = 0;
        while let Err(error) = drop_unnamed(shared, &storage).await {
            n_tries += 1;
            if n_tries == DROP_TRIES || shared.is_leaving.load(Ordering::Acquire) {
                tracing::warn!(table = storage.as_str(), error = ?error, "a table is left for the next start to remove");
                break;
            }
            tokio::time::sleep(FIRST_PAUSE).await;
        }
    }
}

async fn drop_unnamed(shared: &Shared, storage: &StorageId) -> Result<(), Error> {
    if !shared.catalog.is_named(storage).await? {
        // After an outage each of the pool's connections may fail once.
        shared.store.drop_table(storage).await.map_err(Error::unavailable)?;
    }
    Ok(())
}

/// Writes down how a job ended that did not publish; `false` when it will be begun again.
async fn settle(shared: &Shared, job: &ClaimedJob, failure: Failure) -> bool {
    let is_leaving = shared.is_leaving.load(Ordering::Acquire);
    let mut outcome = JobOutcome::default();
    let (status, error) = match failure {
        Failure::Refused(error, told) => {
            outcome = *told;
            (JobStatus::Failed, Some(error))
        }
        Failure::Lost => return true,
        Failure::Cancelled if is_leaving => {
            // Not its fault: the beginning does not count.
            let _ = shared.insist(|| shared.catalog.requeue(job.id, false)).await;
            return false;
        }
        Failure::Cancelled => (JobStatus::Cancelled, None),
        Failure::Passing(error) if job.attempt < MAX_ATTEMPTS => {
            tracing::warn!(job = %job.id.0, attempt = job.attempt, error = ?error, "the job will be tried again");
            let requeued = shared.insist(|| shared.catalog.requeue(job.id, true)).await;
            return requeued.is_none();
        }
        Failure::Passing(error) | Failure::Final(error) => (JobStatus::Failed, Some(error)),
    };
    if let Some(error) = &error {
        tracing::info!(job = %job.id.0, code = error.code.wire(), error = ?error, "a job failed");
    }
    let told = error.as_ref().map(|error| (error.code.wire(), error.message.as_ref()));
    shared.insist(|| shared.catalog.finish_job(job.id, status, told, &outcome)).await;
    true
}
