//! Holds what exists: workspaces, sources, datasets with their columns, jobs and keys.
//!
//! The catalog's tables are the truth; [`snapshot`] is an immutable picture of a workspace that
//! queries read without touching the database. Nothing here knows GraphQL or SQL text.

pub mod model;
pub mod snapshot;

use std::sync::Arc;

use self::model::{
    Dataset, DatasetId, Job, JobId, JobKind, JobStatus, LoadMode, Scope, Source, WorkspaceId,
};
use self::snapshot::Snapshot;
use crate::config::Settings;

/// Why the catalog did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum CatalogError {
    /// The database refused or is away.
    #[error("the catalog's database refused")]
    Database(#[from] sea_orm::DbErr),
    /// A unique name is taken.
    #[error("the name {0:?} is taken")]
    NameTaken(String),
    /// Something named does not exist.
    #[error("not found")]
    NotFound,
    /// Another process owns the data folder.
    #[error("another Sluice uses this data folder")]
    Locked,
    /// A row of the catalog could not be understood.
    #[error("a row of the catalog is damaged: {0}")]
    Damaged(String),
}

/// An API key as it is listed; the secret is not kept.
#[derive(Clone, Debug)]
pub struct ApiKey {
    /// `slu_xxxxxxxx`, the part that may be shown; `env` for the key from the environment.
    pub prefix: String,
    /// What its owner calls it.
    pub name: String,
    /// What it may do.
    pub scope: Scope,
    /// Whose it is.
    pub workspace: WorkspaceId,
    /// Microseconds since 1970 UTC.
    pub created_at_us: i64,
    /// When it stops to work, microseconds since 1970 UTC.
    pub expires_at_us: Option<i64>,
    /// When it was revoked, microseconds since 1970 UTC.
    pub revoked_at_us: Option<i64>,
}

/// The catalog's tables and the snapshot made from them.
pub struct Catalog {}

/// A load to be queued.
#[derive(Clone, Debug)]
pub struct NewJob {
    /// Chosen by the caller, so that the spool file can carry it.
    pub id: JobId,
    /// Whose it is.
    pub workspace: WorkspaceId,
    /// What it does.
    pub kind: JobKind,
    /// The name wanted; made legal from the file's name when not given.
    pub dataset_name: String,
    /// The name as given.
    pub dataset_label: String,
    /// How it meets a dataset of that name.
    pub mode: LoadMode,
    /// The bytes.
    pub source: Source,
    /// Options of the reader, JSON of `sluice_schema::ReadOptions`.
    pub options: String,
}

#[expect(missing_docs, reason = "stub")]
#[expect(unused_variables, reason = "stub")]
impl Catalog {
    /// Connects, migrates under a lock, makes the default workspace, reads the snapshot.
    pub async fn open(settings: &Settings) -> Result<Catalog, CatalogError> {
        unimplemented!()
    }
    pub fn default_workspace(&self) -> WorkspaceId {
        unimplemented!()
    }
    /// Lock-free.
    pub fn snapshot(&self, workspace: WorkspaceId) -> Arc<Snapshot> {
        unimplemented!()
    }
    /// One transaction: the source row (if new) and the job row, QUEUED.
    pub async fn enqueue(&self, job: &NewJob) -> Result<(), CatalogError> {
        unimplemented!()
    }
    /// Newest first.
    pub async fn jobs(
        &self,
        workspace: WorkspaceId,
        limit: u64,
        offset: u64,
    ) -> Result<Vec<Job>, CatalogError> {
        unimplemented!()
    }
    pub async fn job(&self, workspace: WorkspaceId, id: JobId) -> Result<Job, CatalogError> {
        unimplemented!()
    }
    /// One transaction: dataset, columns, version, job SUCCEEDED, revisions; then the snapshot is swapped.
    pub async fn publish(
        &self,
        workspace: WorkspaceId,
        job: JobId,
        dataset: Dataset,
    ) -> Result<Arc<Dataset>, CatalogError> {
        unimplemented!()
    }
    pub async fn finish_job(
        &self,
        id: JobId,
        status: JobStatus,
        error: Option<(&str, &str)>,
    ) -> Result<(), CatalogError> {
        unimplemented!()
    }
    /// Replaces the indexes of a dataset; the schema revision stays.
    pub async fn set_indexes(
        &self,
        workspace: WorkspaceId,
        dataset: DatasetId,
        indexes: Vec<model::Index>,
    ) -> Result<Arc<Dataset>, CatalogError> {
        unimplemented!()
    }
    pub async fn add_key(&self, key: &ApiKey, hash: &[u8; 32]) -> Result<(), CatalogError> {
        unimplemented!()
    }
    pub async fn find_key(&self, hash: &[u8; 32]) -> Result<Option<ApiKey>, CatalogError> {
        unimplemented!()
    }
    pub async fn keys(&self, workspace: WorkspaceId) -> Result<Vec<ApiKey>, CatalogError> {
        unimplemented!()
    }
    pub async fn revoke_key(
        &self,
        workspace: WorkspaceId,
        prefix: &str,
    ) -> Result<(), CatalogError> {
        unimplemented!()
    }
    pub async fn ping(&self) -> Result<(), CatalogError> {
        unimplemented!()
    }
}
