//! Turns rows of the catalog into the nouns of [`super::model`], and back.
//!
//! It exists so that texts and numbers are checked in one place on their way in. It never reads or
//! writes the database.

use std::sync::Arc;

use sea_orm::ActiveValue::Set;
use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use super::CatalogError;
use super::entities::{datasets, jobs, keys};
use super::guard::StorageGuard;
use super::model::{Dataset, DatasetId, Job, JobId, JobOutcome, Source, StorageId, WorkspaceId};
use super::{ApiKey, ClaimedJob};

pub(super) fn parse_uuid(text: &str) -> Result<Uuid, CatalogError> {
    Uuid::parse_str(text).map_err(|_| CatalogError::Damaged(format!("{text:?} is not a UUID")))
}

/// The text of an enum's value as serde names it (`QUEUED`).
pub(super) fn word(value: impl Serialize) -> Result<String, CatalogError> {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(text)) => Ok(text),
        other => Err(CatalogError::Damaged(format!("{other:?} is not a word"))),
    }
}

/// The value of an enum by the text that [`word`] gave.
pub(super) fn from_word<T: DeserializeOwned>(text: &str) -> Result<T, CatalogError> {
    serde_json::from_value(serde_json::Value::String(text.to_owned()))
        .map_err(|error| CatalogError::Damaged(error.to_string()))
}

pub(super) fn json(value: &(impl Serialize + ?Sized)) -> Result<String, CatalogError> {
    serde_json::to_string(value).map_err(|error| CatalogError::Damaged(error.to_string()))
}

pub(super) fn from_json<T: DeserializeOwned>(text: &str) -> Result<T, CatalogError> {
    serde_json::from_str(text).map_err(|error| CatalogError::Damaged(error.to_string()))
}

/// A text that both databases take: PostgreSQL refuses NUL.
pub(super) fn clean(text: &str) -> String {
    text.replace('\0', "\u{FFFD}")
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// A dataset as its row tells it; `guard` is made for its table.
pub(super) fn dataset(
    row: datasets::Model,
    guard: impl FnOnce(StorageId) -> StorageGuard,
) -> Result<Dataset, CatalogError> {
    let storage = StorageId::parse(&row.storage)
        .ok_or_else(|| CatalogError::Damaged(format!("{:?} is not a table", row.storage)))?;
    let columns: Vec<super::model::Column> = from_json(&row.columns)?;
    let key = usize::try_from(row.key_index)
        .ok()
        .filter(|key| *key < columns.len())
        .ok_or_else(|| CatalogError::Damaged(format!("dataset {:?} has no key", row.name)))?;
    let source = match (row.source_sha256, row.source_file_name, row.source_size_bytes) {
        (Some(sha256), Some(file_name), Some(size_bytes)) => {
            Some(Source { sha256, file_name, size_bytes })
        }
        _ => None,
    };
    Ok(Dataset {
        id: DatasetId(parse_uuid(&row.id)?),
        name: row.name,
        type_name: row.type_name,
        label: row.label,
        description: row.description,
        version: row.version,
        row_count: row.row_count,
        size_bytes: row.size_bytes,
        columns: columns.into(),
        key,
        guard: guard(storage.clone()),
        storage,
        indexes: from_json(&row.indexes)?,
        relations: from_json(&row.relations)?,
        old_names: from_json(&row.old_names)?,
        source,
        recipe: Arc::new(from_json(&row.recipe)?),
        n_rejects: row.n_rejects,
        notices: Arc::from(from_json::<Vec<sluice_schema::Notice>>(&row.notices)?),
        created_at_us: row.created_at_us,
        updated_at_us: row.updated_at_us,
        next_row: row.next_row,
        versions: Arc::from([]),
    })
}

/// All values of a dataset's row.
pub(super) fn dataset_row(
    workspace: WorkspaceId,
    dataset: &Dataset,
    revision: i64,
) -> Result<datasets::ActiveModel, CatalogError> {
    let key_index = i64::try_from(dataset.key)
        .map_err(|_| CatalogError::Damaged("the key's position is too large".to_owned()))?;
    Ok(datasets::ActiveModel {
        id: Set(dataset.id.0.to_string()),
        workspace_id: Set(workspace.0.to_string()),
        name: Set(dataset.name.clone()),
        type_name: Set(dataset.type_name.clone()),
        label: Set(clean(&dataset.label)),
        description: Set(dataset.description.as_deref().map(clean)),
        version: Set(dataset.version),
        revision: Set(revision),
        row_count: Set(dataset.row_count),
        size_bytes: Set(dataset.size_bytes),
        key_index: Set(key_index),
        storage: Set(dataset.storage.as_str().to_owned()),
        columns: Set(json(&dataset.columns)?),
        indexes: Set(json(&dataset.indexes)?),
        relations: Set(json(&dataset.relations)?),
        old_names: Set(json(&dataset.old_names)?),
        notices: Set(json(dataset.notices.as_ref())?),
        source_sha256: Set(dataset.source.as_ref().map(|source| source.sha256.clone())),
        source_file_name: Set(dataset.source.as_ref().map(|source| clean(&source.file_name))),
        source_size_bytes: Set(dataset.source.as_ref().map(|source| source.size_bytes)),
        recipe: Set(json(dataset.recipe.as_ref())?),
        n_rejects: Set(dataset.n_rejects),
        created_at_us: Set(dataset.created_at_us),
        updated_at_us: Set(dataset.updated_at_us),
        next_row: Set(dataset.next_row),
    })
}

/// A job as its row tells it, without live progress.
pub(super) fn job(row: jobs::Model) -> Result<Job, CatalogError> {
    let status: super::model::JobStatus = from_word(&row.status)?;
    let is_read = status == super::model::JobStatus::Succeeded;
    let outcome: JobOutcome = from_json(&row.outcome)?;
    // Of an export it is the file that it has made.
    let n_bytes = outcome.file.as_ref().map_or(row.source_size_bytes, |file| file.size_bytes);
    Ok(Job {
        id: JobId(parse_uuid(&row.id)?),
        kind: from_word(&row.kind)?,
        status,
        phase: None,
        dataset_name: row.dataset_name,
        bytes_done: if is_read { n_bytes } else { 0 },
        bytes_total: Some(n_bytes),
        rows_done: row.row_count,
        rows_per_second: None,
        remaining_seconds: None,
        error: row.error_code.map(|code| (code, row.error_message.unwrap_or_default())),
        datasets: from_json(&row.datasets)?,
        outcome: Arc::new(outcome),
        notices: Arc::from(from_json::<Vec<sluice_schema::Notice>>(&row.notices)?),
        created_at_us: row.created_at_us,
        started_at_us: row.started_at_us,
        finished_at_us: row.finished_at_us,
        created_by: row.created_by,
    })
}

/// What a runner needs to know of a job.
pub(super) fn claimed_job(row: jobs::Model) -> Result<ClaimedJob, CatalogError> {
    Ok(ClaimedJob {
        id: JobId(parse_uuid(&row.id)?),
        workspace: WorkspaceId(parse_uuid(&row.workspace_id)?),
        kind: from_word(&row.kind)?,
        attempt: row.attempts,
        dataset_name: row.dataset_name,
        dataset_label: row.dataset_label,
        mode: from_word(&row.mode)?,
        source: Source {
            sha256: row.source_sha256,
            file_name: row.source_file_name,
            size_bytes: row.source_size_bytes,
        },
        options: row.options,
        created_by: row.created_by,
    })
}

/// A key as its row tells it.
pub(super) fn key(row: keys::Model) -> Result<ApiKey, CatalogError> {
    Ok(ApiKey {
        prefix: row.prefix,
        name: row.name,
        scope: from_word(&row.scope)?,
        workspace: WorkspaceId(parse_uuid(&row.workspace_id)?),
        created_at_us: row.created_at_us,
        expires_at_us: row.expires_at_us,
        revoked_at_us: row.revoked_at_us,
        last_used_at_us: row.last_used_at_us,
        role: row.role,
        datasets: row.datasets.as_deref().map(from_json).transpose()?,
        claims: row.claims.as_deref().map(from_json).transpose()?.unwrap_or_default(),
        created_by: row.created_by,
        saved_queries: row.saved_queries.as_deref().map(from_json).transpose()?,
    })
}
