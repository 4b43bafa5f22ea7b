//! Turns the rows of a dataset into a new dataset of the same columns and key.
//!
//! It exists as a job because a copy takes as long as its rows are many. Policies and relations are
//! the original's alone; the original is only read.

use sluice_schema::{ColumnPlan, SheetPlan};
use uuid::Uuid;

use super::Ingest;
use super::columns::{KeyWork, key_column, physical_name, replacing};
use super::failure::Failure;
use super::fit::Fit;
use super::live::Phase;
use super::load::{LoadedSheet, Work};
use super::prepare::Prepared;
use super::request::{Task, Wishes};
use crate::catalog::NewJob;
use crate::catalog::model::{
    Column, Dataset, DatasetId, JobId, JobKind, LoadMode, RowCounts, Source, UploadBounds,
    WorkspaceId,
};
use crate::catalog::names::{Place, place_for};
use crate::catalog::snapshot::Snapshot;
use crate::error::{Error, Result};
use crate::store::LoadedTable;
use crate::store::merge::{MergeColumn, MergeSpec};

impl Ingest {
    /// Queues the copy of a dataset; acknowledged when this returns.
    ///
    /// # Errors
    /// CONFLICT for a taken name, FORBIDDEN for one that the caller may not load into,
    /// STORAGE_UNAVAILABLE.
    pub async fn copy(
        &self,
        workspace: WorkspaceId,
        dataset: &Dataset,
        label: &str,
        bounds: &UploadBounds,
        actor: &str,
    ) -> Result<JobId> {
        let label = super::define::checked_label(label)?;
        let snapshot = self.shared.catalog.snapshot(workspace);
        let place = place_for(&snapshot, &label, LoadMode::Create);
        let name = match &place {
            Place::Existing(dataset) => &dataset.name,
            Place::New { name, .. } => name,
        };
        bounds.check(name)?;
        if let Place::Existing(other) = &place {
            return Err(super::define::taken(&other.name));
        }
        let wishes = Wishes {
            description: dataset.description.clone(),
            task: Task::Copy { dataset: dataset.id },
            bounds: bounds.clone(),
            ..Wishes::default()
        };
        let id = JobId(Uuid::now_v7());
        let job = NewJob {
            id,
            workspace,
            kind: JobKind::Copy,
            dataset_name: name.clone(),
            dataset_label: label,
            mode: LoadMode::Create,
            source: dataset.source.clone().unwrap_or_else(Source::none),
            options: serde_json::to_string(&wishes).map_err(Error::internal)?,
            request_id: None,
            created_by: Some(actor.to_owned()),
        };
        self.enqueue(&job).await?;
        Ok(id)
    }
}

/// Copies the rows that are there into a table of its own; blocks the thread.
pub(super) fn copy(
    work: &Work<'_>,
    dataset: DatasetId,
) -> std::result::Result<LoadedSheet, Failure> {
    let gone = || Error::not_found("The dataset to copy is gone; nothing was made.");
    let from = work.snapshot.dataset_by_id(dataset).cloned().ok_or_else(gone)?;
    work.live.begin(Phase::Load);
    let data: Vec<&Column> = from.columns.iter().filter(|column| !column.generated).collect();
    let key = key_column(&from).and_then(|key| from.columns.get(key));
    let key = key.and_then(|key| data.iter().position(|column| column.physical == key.physical));
    let spec = MergeSpec {
        old: &from.storage,
        new: None,
        columns: data
            .iter()
            .enumerate()
            .map(|(index, column)| MergeColumn {
                name: physical_name(index),
                column_type: column.column_type,
                old: Some((column.physical.clone(), column.column_type)),
                new: None,
            })
            .collect(),
        key,
        upsert_by: None,
        next_row: from.next_row,
    };
    let storage = work.live.new_table();
    let merged = work.store()?.merge(&storage, &spec, work.live)?;
    if key.is_some() && !merged.has_key {
        return Err(Error::internal("a copied key that is none").into());
    }
    let is_chosen = from.columns.get(from.key).is_some_and(|column| column.generated);
    let key = match key {
        None => KeyWork::RowNumber,
        Some(index) if is_chosen => KeyWork::Chosen(index),
        Some(index) => KeyWork::Candidate(index),
    };
    let planned = data.iter().zip(&merged.n_nulls).enumerate();
    let plan = SheetPlan::of_columns(
        planned.map(|(index, (column, n_nulls))| planned_column(index, column, *n_nulls)).collect(),
        Vec::new(),
    );
    let fit = Fit::new_dataset(&plan);
    let columns = replacing(&fit, None);
    let prepared = Prepared {
        plan,
        label: work.job.dataset_label.clone(),
        before: None,
        fit,
        recipe: (*from.recipe).clone(),
        mode: LoadMode::Create,
    };
    let table = LoadedTable {
        n_rows: merged.n_rows,
        size_bytes: merged.size_bytes,
        has_key: merged.has_key,
        notices: Vec::new(),
        rejects: Vec::new(),
        n_rejects: 0,
        next_row: from.next_row,
    };
    let counts = RowCounts { inserted: merged.n_rows, ..RowCounts::default() };
    Ok(LoadedSheet { prepared, storage, columns, key, table, n_nulls: None, counts })
}

fn planned_column(index: usize, column: &Column, n_nulls: i64) -> ColumnPlan {
    ColumnPlan {
        index_in_file: index,
        label: column.label.clone(),
        name: column.name.clone(),
        column_type: column.column_type,
        declared: column.declared,
        required: column.required,
        notation: column.notation.clone(),
        evidence: column.evidence.clone(),
        n_nulls: u64::try_from(n_nulls).unwrap_or_default(),
        unique: Some(column.unique),
        increasing: false,
    }
}

/// Gives the columns of a copy what is said about the original's.
pub(super) fn describe(snapshot: &Snapshot, of: DatasetId, columns: &mut [Column]) {
    let Some(original) = snapshot.dataset_by_id(of) else { return };
    for column in columns {
        if let Some(same) = original.column(&column.name) {
            column.description.clone_from(&same.description);
        }
    }
}
