//! Runs exports as jobs: a file that lies here until it is fetched, in parts if need be, or too old.
//!
//! It exists beside loads because the queue, progress and cancelling are the same. Exports wait for
//! no load and no load for them. What is read, and how it is written, is for an [`Exporter`] to say.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use futures_util::future::BoxFuture;
use sluice_schema::Control;
use uuid::Uuid;

use super::Ingest;
use super::failure::Failure;
use super::live::{LiveJob, Phase};
use super::runner::Shared;
use crate::catalog::model::{
    Dataset, ExportedFile, JobId, JobKind, JobOutcome, JobStatus, LoadMode, Source, WorkspaceId,
};
use crate::catalog::{ClaimedJob, NewJob};
use crate::error::{Code, Error, Result};

/// What a file is called while it is written.
const UNFINISHED: &str = "part";

/// Makes the file of a job.
pub trait Exporter: Send + Sync {
    /// Writes the file that a job asks for to `path`, reports bytes, and stops when it is cancelled.
    fn export<'a>(
        &'a self,
        job: &'a ClaimedJob,
        progress: &'a (dyn Control + Sync),
        path: &'a Path,
    ) -> BoxFuture<'a, Result<ExportedFile>>;
}

impl Ingest {
    /// Who makes the files of exports from now on; the first one stays. Until then they wait.
    pub fn set_exporter(&self, exporter: Arc<dyn Exporter>) {
        // A second one would make the same files.
        let _ = self.shared.exporter.set(exporter);
        self.shared.wake.notify_one();
    }

    /// Queues an export, asked as `question` says to the [`Exporter`]; acknowledged when this returns.
    ///
    /// # Errors
    /// STORAGE_UNAVAILABLE.
    pub async fn export(
        &self,
        workspace: WorkspaceId,
        dataset: &Dataset,
        question: String,
        actor: &str,
    ) -> Result<JobId> {
        let id = JobId(Uuid::now_v7());
        let job = NewJob {
            id,
            workspace,
            kind: JobKind::Export,
            dataset_name: dataset.name.clone(),
            dataset_label: dataset.label.clone(),
            mode: LoadMode::Create,
            source: Source::none(),
            options: question,
            request_id: None,
            created_by: Some(actor.to_owned()),
        };
        self.enqueue(&job).await?;
        Ok(id)
    }

    /// Where the file of an export is, if it is on this node.
    pub fn exported(&self, id: JobId) -> PathBuf {
        self.shared.folders.exports().join(id.0.to_string())
    }
}

/// Makes the file of a job, once.
pub(super) async fn run(
    shared: &Shared,
    job: &ClaimedJob,
    live: &LiveJob,
) -> std::result::Result<(), Failure> {
    let Some(exporter) = shared.exporter.get() else {
        return Err(Failure::Final(Error::internal("an export without an exporter")));
    };
    live.begin(Phase::Export);
    let path = shared.folders.exports().join(job.id.0.to_string());
    let unfinished = path.with_extension(UNFINISHED);
    let made = exporter.export(job, live, &unfinished).await;
    let made = match made {
        Ok(file) => match tokio::fs::rename(&unfinished, &path).await {
            Ok(()) => Ok(file),
            Err(error) => Err(crate::catalog::disk_error(error)),
        },
        Err(error) => Err(error),
    };
    match made {
        Ok(file) => {
            let outcome = JobOutcome { file: Some(file), ..JobOutcome::default() };
            shared.catalog.finish_job(job.id, JobStatus::Succeeded, None, &outcome).await?;
            Ok(())
        }
        Err(error) => {
            // It may not have been made.
            let _ = tokio::fs::remove_file(&unfinished).await;
            Err(match error.code {
                _ if live.is_cancelled() => Failure::Cancelled,
                // The rows were changed as the reading began, or the database was away.
                Code::Conflict | Code::StorageUnavailable => Failure::Passing(error),
                _ => Failure::Final(error),
            })
        }
    }
}

/// Removes files that are older than they are kept, and what a crash left unfinished.
pub(super) fn sweep(folder: &Path, keep: Duration) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let age = SystemTime::now().duration_since(entry.metadata()?.modified()?);
        if age.is_ok_and(|age| age > keep) {
            std::fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}
