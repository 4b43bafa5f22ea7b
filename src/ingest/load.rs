//! Turns a source into tables: understood, compared with what is there, loaded, joined with it.
//!
//! It blocks its thread and may take minutes. It makes nothing visible; [`super::draft`] turns what
//! it made into versions to be published.

use std::path::Path;
use std::sync::Arc;

use sluice_schema::Limits;

use super::columns::{
    KEY_NAME, KeyWork, TableColumn, continuing, key_candidate, key_column, physical_name, replacing,
};
use super::failure::Failure;
use super::fit::{Fit, policy_of};
use super::key::{chosen_key, rekeyed, upsert_column};
use super::live::{LiveJob, Phase};
use super::misfit;
use super::prepare::{Prepared, prepare, recipe_of};
use super::request::{Task, Wishes};
use crate::catalog::ClaimedJob;
use crate::catalog::model::{Dataset, DriftPolicy, LoadMode, Recipe, RowCounts, StorageId};
use crate::catalog::names::{Place, place};
use crate::catalog::snapshot::Snapshot;
use crate::error::Error;
use crate::store::merge::{MergeColumn, MergeSpec};
use crate::store::{KeyCandidate, LoadedTable, PhysicalColumn, SheetSource, Store, TableSpec};

/// Threads that parse one file; more do not help, as one writes.
const MAX_WORKERS: usize = 4;

/// What a job works with.
#[derive(Clone, Copy)]
pub(super) struct Work<'a> {
    /// None when nothing is to be stored.
    pub(super) store: Option<&'a Store>,
    pub(super) snapshot: &'a Snapshot,
    pub(super) job: &'a ClaimedJob,
    pub(super) wishes: &'a Wishes,
    pub(super) path: &'a Path,
    pub(super) limits: &'a Limits,
    pub(super) live: &'a LiveJob,
    /// Where files may be made that go with the job.
    pub(super) spool: Option<&'a Path>,
}

impl<'a> Work<'a> {
    pub(super) fn store(&self) -> Result<&'a Store, Failure> {
        self.store.ok_or_else(|| Error::internal("a load without a store").into())
    }
}

/// A sheet whose rows are in the store.
pub(super) struct LoadedSheet {
    pub(super) prepared: Prepared,
    /// The table to be published.
    pub(super) storage: StorageId,
    pub(super) columns: Vec<TableColumn>,
    pub(super) key: KeyWork,
    pub(super) table: LoadedTable,
    /// Missing values per column, where rows before are in the table too.
    pub(super) n_nulls: Option<Vec<i64>>,
    pub(super) counts: RowCounts,
}

/// What a job made of a source.
#[derive(Default)]
pub(super) struct Loaded {
    pub(super) sheets: Vec<LoadedSheet>,
    /// Datasets that are as the job would make them.
    pub(super) unchanged: Vec<Arc<Dataset>>,
}

/// Understands a source and loads each of its sheets into a table of its own; blocks the thread.
pub(super) fn load_sheets(work: &Work<'_>) -> Result<Loaded, Failure> {
    let mut loaded = Loaded::default();
    if let Some(same) = same_as_before(work) {
        loaded.unchanged.push(same);
        return Ok(loaded);
    }
    work.live.begin(Phase::Understand);
    if let Task::Derive { from_rows: true, .. } = work.wishes.task {
        loaded.sheets.push(super::derive::from_rows(work)?);
        return Ok(loaded);
    }
    if let Task::Copy { dataset } = &work.wishes.task {
        loaded.sheets.push(super::copy::copy(work, *dataset)?);
        return Ok(loaded);
    }
    let prepared = prepare(work)?;
    work.live.begin(Phase::Load);
    for sheet in prepared {
        match sheet.before.clone().filter(|before| is_same(work, before, &sheet.recipe)) {
            Some(before) => loaded.unchanged.push(before),
            None => loaded.sheets.push(load_one(work, sheet)?),
        }
    }
    Ok(loaded)
}

/// The dataset that the source was loaded into before, in the same way.
fn same_as_before(work: &Work<'_>) -> Option<Arc<Dataset>> {
    let Place::Existing(before) = place(work.snapshot, &work.job.dataset_label) else {
        return None;
    };
    let recipe = recipe_of(work.wishes, Some(&before));
    is_same(work, &before, &recipe).then_some(before)
}

fn is_same(work: &Work<'_>, before: &Dataset, recipe: &Recipe) -> bool {
    let is_same_source =
        before.source.as_ref().is_some_and(|source| source.sha256 == work.job.source.sha256);
    let says_nothing_new = match &work.wishes.description {
        Some(description) => before.description.as_ref() == Some(description),
        None => true,
    };
    work.wishes.task == Task::Load
        && work.job.mode == LoadMode::Replace
        && is_same_source
        && says_nothing_new
        && before.n_rejects == 0
        // Rows that were changed since are put back by loading the same again.
        && before.next_row.is_none()
        && *before.recipe == *recipe
}

fn load_one(work: &Work<'_>, prepared: Prepared) -> Result<LoadedSheet, Failure> {
    let before = prepared.before.as_deref();
    match before.filter(|_| prepared.mode.keeps_rows()) {
        Some(_) => add_to(work, prepared),
        None => load_new(work, prepared),
    }
}

/// Loads a sheet into a table that stands for itself.
pub(super) fn load_new(work: &Work<'_>, mut prepared: Prepared) -> Result<LoadedSheet, Failure> {
    let before = prepared.before.clone();
    let columns = replacing(&prepared.fit, before.as_deref());
    let key = match chosen_key(work, &prepared)? {
        Some(index) if prepared.plan.columns.get(index).is_some_and(|c| c.name == KEY_NAME) => {
            KeyWork::Candidate(index)
        }
        Some(index) => KeyWork::Chosen(index),
        None => key_candidate(&prepared.plan).map_or(KeyWork::RowNumber, KeyWork::Candidate),
    };
    let is_asked = prepared.recipe.key.as_deref().is_some_and(|key| !key.is_empty());
    let (storage, table) = stage(work, &prepared, &columns, key.column())?;
    let key = match key {
        KeyWork::Candidate(_) if !table.has_key && !is_asked => KeyWork::RowNumber,
        KeyWork::Candidate(index) | KeyWork::Chosen(index) if !table.has_key => {
            return Err(misfit::no_key(work, &storage, &prepared.plan, index));
        }
        key => key,
    };
    if let Some(before) = &before
        && let Some(rekeyed) = rekeyed(before, &columns, key)
    {
        prepared.fit.drift.push(rekeyed);
        let policy = policy_of(prepared.mode, work.wishes.on_drift);
        if work.wishes.task == Task::Load && policy == DriftPolicy::Fail {
            return Err(misfit::drifted(before, prepared.mode, prepared.fit.drift));
        }
    }
    let counts = RowCounts {
        inserted: table.n_rows,
        rejected: i64::try_from(table.n_rejects).unwrap_or(i64::MAX),
        ..RowCounts::default()
    };
    Ok(LoadedSheet { prepared, storage, columns, key, table, n_nulls: None, counts })
}

/// Loads the sheet's rows into a new table, and refuses those that do not fit.
fn stage(
    work: &Work<'_>,
    prepared: &Prepared,
    columns: &[TableColumn],
    key: Option<usize>,
) -> Result<(StorageId, LoadedTable), Failure> {
    let plan = &prepared.plan;
    let physical = columns.iter().enumerate().map(|(index, column)| PhysicalColumn {
        name: physical_name(index),
        column_type: column.column_type,
    });
    let key = key.map(|column| KeyCandidate {
        column,
        is_increasing: plan.columns.get(column).is_some_and(|column| {
            column.increasing && !plan.columns.iter().any(|other| other.declared || other.required)
        }),
    });
    let spec = TableSpec { columns: physical.collect(), key };
    let n_workers = std::thread::available_parallelism().map_or(1, usize::from).min(MAX_WORKERS);
    let source =
        SheetSource { path: work.path, plan, limits: work.limits, control: work.live, n_workers };
    let storage = work.live.new_table();
    let table = work.store()?.load_sheet(&storage, &spec, &source)?;
    misfit::judge(work, prepared, &table)?;
    Ok((storage, table))
}

/// Loads a sheet beside the rows that are there and joins both in a new table.
fn add_to(work: &Work<'_>, prepared: Prepared) -> Result<LoadedSheet, Failure> {
    let Some(before) = prepared.before.clone() else {
        return Err(Error::internal("an addition without a dataset").into());
    };
    let columns = continuing(&prepared.fit, &before);
    let upsert_by = match prepared.mode {
        LoadMode::Upsert => Some(upsert_column(work, &prepared, &before, &columns)?),
        _ => None,
    };
    let sheet_columns =
        replacing(&Fit { kept: Vec::new(), ..prepared.fit.clone() }, prepared.before.as_deref());
    let sheet_key = upsert_by.and_then(|index| columns.get(index)?.sheet);
    let (staged, staged_table) = stage(work, &prepared, &sheet_columns, sheet_key)?;
    if let Some(index) = sheet_key.filter(|_| !staged_table.has_key) {
        return Err(misfit::no_key(work, &staged, &prepared.plan, index));
    }
    let key = key_column(&before)
        .and_then(|key| columns.iter().position(|column| column.old == Some(key)));
    let spec = MergeSpec {
        old: &before.storage,
        new: Some(&staged),
        columns: columns
            .iter()
            .enumerate()
            .map(|(index, column)| MergeColumn {
                name: physical_name(index),
                column_type: column.column_type,
                old: column.old.and_then(|old| {
                    let old = before.columns.get(old)?;
                    Some((old.physical.clone(), old.column_type))
                }),
                new: column.sheet.map(physical_name),
            })
            .collect(),
        key,
        upsert_by,
        next_row: before.next_row,
    };
    let storage = work.live.new_table();
    let merged = work.store()?.merge(&storage, &spec, work.live)?;
    if let Some(index) = key.filter(|_| !merged.has_key) {
        let label = before.columns.get(columns.get(index).and_then(|c| c.old).unwrap_or_default());
        return Err(misfit::repeats_key(
            work,
            &storage,
            label.map_or("", |column| &column.label),
            &physical_name(index),
            before.row_count,
        ));
    }
    let key = match key {
        None => KeyWork::RowNumber,
        Some(index) if before.columns.get(before.key).is_some_and(|key| key.generated) => {
            KeyWork::Chosen(index)
        }
        Some(index) => KeyWork::Candidate(index),
    };
    let counts = RowCounts {
        inserted: merged.n_inserted,
        updated: merged.n_updated,
        unchanged: merged.n_unchanged,
        rejected: i64::try_from(staged_table.n_rejects).unwrap_or(i64::MAX),
    };
    let table = LoadedTable {
        n_rows: merged.n_rows,
        size_bytes: merged.size_bytes,
        has_key: merged.has_key,
        next_row: before.next_row.map(|next_row| next_row + merged.n_inserted),
        ..staged_table
    };
    let n_nulls = Some(merged.n_nulls);
    Ok(LoadedSheet { prepared, storage, columns, key, table, n_nulls, counts })
}
