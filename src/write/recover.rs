//! Settles what a crash left between a commit of data files and the catalog (the embedded store).
//!
//! Each file of a commit has a record of the whole commit in it. What all its files have is
//! published; what only some have, because the crash was between two of them, is undone by the
//! logs. Until then nothing of it was acknowledged, so that either is right.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::batch::table_of;
use crate::catalog::Catalog;
use crate::catalog::edits::{Edit, KeptAnswer};
use crate::catalog::model::{Dataset, StorageId, WorkspaceId};
use crate::error::{Error, Result};
use crate::store::Store;
use crate::store::write::Session;

/// How long undoing may take.
const PATIENCE: Duration = Duration::from_secs(600);

/// A commit, as each of its files remembers it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CommitRecord {
    /// Tells commits apart.
    pub(super) id: Uuid,
    /// All its files.
    pub(super) tables: Vec<StorageId>,
    /// What it did, in the order of the files.
    pub(super) edits: Vec<Edit>,
    /// Answers that came of it.
    pub(super) answers: Vec<KeptAnswer>,
}

/// Writes a commit's record into each file that it changes, as a part of it.
pub(super) fn put(session: &mut Session, record: &CommitRecord) -> Result<()> {
    let text = serde_json::to_string(record).map_err(Error::internal)?;
    for edit in &record.edits {
        let n = session.table_number(&edit.storage)?;
        if let Some(last) = edit.versions.last() {
            session.put_record(n, last.version, &text)?;
        }
    }
    Ok(())
}

/// Settles every dataset whose rows were changed in place; to be called at the start, before
/// anything is served.
///
/// # Errors
/// When the store or the catalog cannot be read or written.
pub async fn recover(catalog: &Catalog, store: &Arc<Store>) -> Result<()> {
    if catalog.is_postgres() {
        return Ok(());
    }
    for workspace in catalog.known_workspaces() {
        let snapshot = catalog.snapshot(workspace);
        let edited: Vec<Arc<Dataset>> =
            snapshot.datasets().filter(|it| it.next_row.is_some()).cloned().collect();
        if edited.is_empty() {
            continue;
        }
        let store = Arc::clone(store);
        let (unpublished, leftover) = {
            let (store, edited) = (Arc::clone(&store), edited.clone());
            let look = move || look(&store, &edited);
            tokio::task::spawn_blocking(look).await.map_err(Error::internal)??
        };
        for record in unpublished {
            publish(catalog, workspace, record).await?;
        }
        if leftover {
            let snapshot = catalog.snapshot(workspace);
            let undo = move || {
                let mut still = edited.iter().filter_map(|it| snapshot.dataset_by_id(it.id));
                still.try_for_each(|dataset| undo_after(&store, dataset))
            };
            tokio::task::spawn_blocking(undo).await.map_err(Error::internal)??;
        }
    }
    Ok(())
}

async fn publish(catalog: &Catalog, workspace: WorkspaceId, record: CommitRecord) -> Result<()> {
    let n_versions: usize = record.edits.iter().map(|edit| edit.versions.len()).sum();
    tracing::warn!(n_versions, "versions that were committed before a crash are published now");
    let room = catalog.make_room(workspace, &[]).await?;
    catalog.publish_committed(workspace, room, record.edits, record.answers).await?;
    Ok(())
}

/// The commits that the catalog does not know and all files have, oldest first; whether there are
/// others.
fn look(store: &Store, edited: &[Arc<Dataset>]) -> Result<(Vec<CommitRecord>, bool)> {
    let mut found: HashMap<Uuid, (CommitRecord, usize)> = HashMap::new();
    let mut order = Vec::new();
    for dataset in edited {
        for (_, text) in store.records_after(&dataset.storage, dataset.version)? {
            let record: CommitRecord = serde_json::from_str(&text).map_err(Error::internal)?;
            let id = record.id;
            let at_us = record.edits.iter().flat_map(|it| &it.versions).map(|it| it.at_us).max();
            let known = found.entry(id).or_insert_with(|| {
                order.push((at_us, id));
                (record, 0)
            });
            known.1 += 1;
        }
    }
    // Commits of one dataset follow each other in time, and so do those of several.
    order.sort_unstable();
    let mut whole = Vec::new();
    let mut has_others = false;
    for (_, id) in order {
        match found.remove(&id) {
            Some((record, n_files)) if n_files == record.tables.len() => whole.push(record),
            _ => has_others = true,
        }
    }
    Ok((whole, has_others))
}

/// Undoes what a file has beyond its dataset's version.
///
/// # Errors
/// When the store cannot be read or written.
pub(super) fn undo_after(store: &Store, dataset: &Dataset) -> Result<()> {
    let records = store.records_after(&dataset.storage, dataset.version)?;
    if records.is_empty() {
        return Ok(());
    }
    tracing::warn!(dataset = dataset.name, "a change that was not finished is undone");
    let deadline = Instant::now() + PATIENCE;
    let mut session = store.begin_write(vec![table_of(dataset)], Vec::new(), deadline, true)?;
    for (last, text) in records.into_iter().rev() {
        let record: CommitRecord = serde_json::from_str(&text).map_err(Error::internal)?;
        let edit = record.edits.iter().find(|edit| edit.storage == dataset.storage);
        let Some(edit) = edit else { continue };
        let befores = edit.versions.iter().map(|it| it.next_row);
        let befores = std::iter::once(edit.next_row_before).chain(befores);
        let steps: Vec<(i64, i64)> =
            edit.versions.iter().map(|it| it.version).zip(befores).collect();
        for (version, first_row) in steps.into_iter().rev() {
            session.undo(0, version, first_row)?;
        }
        session.forget_record(0, last)?;
    }
    session.finish()?;
    Ok(())
}
