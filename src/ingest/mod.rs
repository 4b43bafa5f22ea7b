//! Turns uploaded bytes into a published dataset version, in the background.
//!
//! `receive` acknowledges once the source and the job are committed; a bounded runner understands,
//! loads and publishes. A crash at any instant leaves the old version or the new one.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::Stream;

use crate::catalog::Catalog;
use crate::catalog::model::{Job, JobId, LoadMode, WorkspaceId};
use crate::config::Settings;
use crate::error::Result;
use crate::store::Store;

/// What an upload asks for.
#[derive(Clone, Debug)]
pub struct UploadRequest {
    /// The dataset's name; from the file's name when not given.
    pub name: Option<String>,
    /// The file's name, a label and a hint.
    pub file_name: String,
    /// How it meets a dataset of that name.
    pub mode: LoadMode,
    /// How to read the file.
    pub options: sluice_schema::ReadOptions,
}

/// Receives files, runs jobs.
pub struct Ingest {}

#[expect(missing_docs, reason = "stub")]
#[expect(unused_variables, reason = "stub")]
impl Ingest {
    /// Recovers what a crash left (resumes or fails jobs, removes leftovers), starts the runner.
    pub async fn open(
        catalog: Arc<Catalog>,
        store: Arc<Store>,
        settings: &Settings,
    ) -> Result<Arc<Ingest>> {
        unimplemented!()
    }
    /// Streams the body to the spool while hashing and counting; acknowledged when this returns.
    pub async fn receive<S, E>(
        &self,
        workspace: WorkspaceId,
        request: UploadRequest,
        body: S,
    ) -> Result<JobId>
    where
        S: Stream<Item = std::result::Result<Bytes, E>> + Unpin + Send,
        E: std::error::Error + Send + Sync + 'static,
    {
        unimplemented!()
    }
    /// The job, at once or when it ended or after `limit`, whichever is first.
    pub async fn wait(&self, workspace: WorkspaceId, id: JobId, limit: Duration) -> Result<Job> {
        unimplemented!()
    }
    /// With live progress while it runs.
    pub async fn job(&self, workspace: WorkspaceId, id: JobId) -> Result<Job> {
        unimplemented!()
    }
    /// Newest first.
    pub async fn jobs(&self, workspace: WorkspaceId, limit: u64, offset: u64) -> Result<Vec<Job>> {
        unimplemented!()
    }
    pub async fn cancel(&self, workspace: WorkspaceId, id: JobId) -> Result<Job> {
        unimplemented!()
    }
    /// Lets running jobs end within the limit, then leaves them to the next start.
    pub async fn shutdown(&self, grace: Duration) {
        unimplemented!()
    }
}
