//! Turns a source into loaded tables, and loaded tables into the versions to be published.
//!
//! The first half blocks its thread and may take minutes; the second is quick and may be repeated
//! when somebody else published meanwhile. Neither makes anything visible.

use std::path::Path;
use std::sync::Arc;

use sluice_schema::{Limits, Notice, NoticeCode, ReadOptions, SheetPlan};
use uuid::Uuid;

use super::columns::{NamedColumns, name_columns, table_of};
use super::failure::Failure;
use super::live::{LiveJob, Phase};
use crate::catalog::model::{Dataset, DatasetId, Index, LoadMode, StorageGuard, StorageId};
use crate::catalog::names::{Place, place};
use crate::catalog::snapshot::Snapshot;
use crate::catalog::{CatalogError, ClaimedJob, now_us};
use crate::store::{LoadedTable, SheetSource, Store};

/// The store's name of the key's index.
const KEY_INDEX: &str = "key";
/// Why the key has an index.
const KEY_REASON: &str = "KEY";
/// Threads that parse one file; more do not help, as one writes.
const MAX_WORKERS: usize = 4;

/// A sheet whose rows are in the store.
pub(super) struct LoadedSheet {
    plan: SheetPlan,
    storage: StorageId,
    table: LoadedTable,
}

/// A version to be published, and the indexes that it still lacks.
#[derive(Debug)]
pub(super) struct Draft {
    pub(super) dataset: Dataset,
    /// Index into the loaded sheets.
    pub(super) sheet: usize,
    /// Indexes of the version before, by physical columns, to be built on the new table.
    pub(super) missing: Vec<(Index, Vec<String>)>,
}

/// Understands a source and loads each of its sheets into a table of its own; blocks the thread.
pub(super) fn load_sheets(
    store: &Store,
    job: &ClaimedJob,
    path: &Path,
    limits: &Limits,
    live: &LiveJob,
) -> Result<Vec<LoadedSheet>, Failure> {
    let options: ReadOptions = serde_json::from_str(&job.options)
        .map_err(|error| Failure::from(CatalogError::Damaged(error.to_string())))?;
    live.begin(Phase::Understand);
    let plans = sluice_schema::understand(path, &job.source.file_name, &options, limits, live)?;
    live.begin(Phase::Load);
    let n_workers = std::thread::available_parallelism().map_or(1, usize::from).min(MAX_WORKERS);
    let mut loaded = Vec::with_capacity(plans.len());
    for plan in plans {
        let storage = live.new_table();
        let source = SheetSource { path, plan: &plan, limits, control: live, n_workers };
        let table = store.load_sheet(&storage, &table_of(&plan), &source)?;
        loaded.push(LoadedSheet { plan, storage, table });
    }
    Ok(loaded)
}

/// The versions that the loaded sheets become in a workspace as the snapshot shows it.
///
/// The first sheet takes the job's name, each other one that name and its own.
///
/// # Errors
/// NameTaken when a dataset is there that mode CREATE must not touch.
pub(super) fn draft(
    snapshot: &Arc<Snapshot>,
    job: &ClaimedJob,
    sheets: &[LoadedSheet],
) -> Result<Vec<Draft>, CatalogError> {
    let mut drafts: Vec<Draft> = Vec::with_capacity(sheets.len());
    let mut seen = Snapshot::clone(snapshot);
    for (index, sheet) in sheets.iter().enumerate() {
        let label = match &sheet.plan.name {
            Some(name) if index > 0 => format!("{} {name}", job.dataset_label),
            _ if index > 0 => format!("{} {}", job.dataset_label, index + 1),
            _ => job.dataset_label.clone(),
        };
        let mut draft = draft_one(&seen, job, sheet, &label)?;
        draft.sheet = index;
        let (revision, schema_revision) = (seen.revision, seen.schema_revision);
        let dataset = Arc::new(draft.dataset.clone());
        seen = seen.with_changes([dataset], &[], revision, schema_revision);
        drafts.push(draft);
    }
    Ok(drafts)
}

fn draft_one(
    snapshot: &Snapshot,
    job: &ClaimedJob,
    sheet: &LoadedSheet,
    label: &str,
) -> Result<Draft, CatalogError> {
    let before = match place(snapshot, label) {
        Place::Existing(dataset) if job.mode == LoadMode::Create => {
            return Err(CatalogError::NameTaken(dataset.name.clone()));
        }
        Place::Existing(dataset) => Ok(dataset),
        Place::New { name, type_name } => Err((name, type_name)),
    };
    let old_columns = before.as_ref().map_or(&[][..], |dataset| dataset.columns.as_slice());
    let LoadedTable { n_rows, size_bytes, has_key, .. } = sheet.table;
    let NamedColumns { columns, key, notices } =
        name_columns(&sheet.plan, has_key, n_rows, old_columns);
    let now_us = now_us();
    let mut dataset = Dataset {
        id: DatasetId(Uuid::now_v7()),
        name: String::new(),
        type_name: String::new(),
        label: label.to_owned(),
        description: None,
        version: 1,
        row_count: n_rows,
        size_bytes,
        columns,
        key,
        storage: sheet.storage.clone(),
        guard: StorageGuard::default(),
        indexes: Vec::new(),
        source: Some(job.source.clone()),
        notices: Arc::from([]),
        created_at_us: now_us,
        updated_at_us: now_us,
    };
    if has_key && let Some(key) = dataset.columns.get(dataset.key) {
        dataset.indexes.push(Index {
            name: KEY_INDEX.to_owned(),
            columns: vec![key.name.clone()],
            reason: KEY_REASON.to_owned(),
            built_at_us: now_us,
        });
    }
    let mut told = notices;
    let mut missing = Vec::new();
    match before {
        Ok(old) => {
            dataset.id = old.id;
            dataset.name.clone_from(&old.name);
            dataset.type_name.clone_from(&old.type_name);
            dataset.label.clone_from(&old.label);
            dataset.description.clone_from(&old.description);
            dataset.version = old.version + 1;
            dataset.created_at_us = old.created_at_us;
            missing = indexes_to_rebuild(&old, &dataset);
        }
        Err((name, type_name)) => {
            if !is_plainly(&name, label) {
                told.push(Notice::new(
                    NoticeCode::NameChanged,
                    format!("The name {label:?} became {name}: that is what GraphQL accepts and nothing else uses."),
                ));
            }
            dataset.name = name;
            dataset.type_name = type_name;
        }
    }
    dataset.notices =
        told.iter().chain(&sheet.plan.notices).chain(&sheet.table.notices).cloned().collect();
    Ok(Draft { dataset, sheet: 0, missing })
}

/// Indexes made by people whose columns are all still there.
fn indexes_to_rebuild(old: &Dataset, new: &Dataset) -> Vec<(Index, Vec<String>)> {
    let physical = |field: &String| {
        new.columns
            .iter()
            .find(|column| column.name == *field)
            .map(|column| column.physical.clone())
    };
    old.indexes
        .iter()
        .filter(|index| index.reason != KEY_REASON)
        .filter_map(|index| {
            let columns: Option<Vec<String>> = index.columns.iter().map(physical).collect();
            Some((index.clone(), columns?))
        })
        .collect()
}

/// Whether a name says the same as the label, but for case and separators.
fn is_plainly(name: &str, label: &str) -> bool {
    let plain = |text: &str| -> String {
        text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
    };
    let stem = label.rsplit_once('.').map_or(label, |(stem, _)| stem);
    plain(name) == plain(label) || plain(name) == plain(stem)
}

impl LoadedSheet {
    pub(super) fn rejects(&self) -> &[sluice_schema::Reject] {
        &self.table.rejects
    }
}
