//! Turns a dataset into one whose rows are made anew: of its source, or of the rows that are there.
//!
//! It exists so that a decision can be corrected after the upload with the guarantees of an upload.
//! Where rows came from several files they are written to a file of their own and read back.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::PathBuf;

use sluice_schema::{BooleanPair, ColumnOverride, Notation, ReadOptions};
use uuid::Uuid;

use super::Ingest;
use super::failure::Failure;
use super::fit::{missing, retyped};
use super::live::Phase;
use super::load::{LoadedSheet, Work, load_new};
use super::misfit::declared_type;
use super::prepare::{Prepared, admitting, recipe_of, target_of, understand};
use super::request::{Task, Wishes};
use crate::catalog::model::{
    Column, Dataset, JobId, JobKind, LoadMode, OnError, ROW_COLUMN, Recipe, Source, WorkspaceId,
};
use crate::catalog::{NewJob, disk_error};
use crate::error::{Code, Error, Result};
use crate::store::StoreError;
use crate::store::dump::{DumpColumn, ROW_HEADER};

/// How a dataset is to be made anew.
#[derive(Clone, Debug)]
pub struct Derivation {
    /// How the source is read, whole.
    pub options: ReadOptions,
    /// The header of the column that is the key; none for the usual one.
    pub key: Option<String>,
    /// Whether rows with values that do not fit any more may become rejects.
    pub allow_loss: bool,
    /// Whether the reading itself changes, so that the rows that are there are of no use.
    pub needs_source: bool,
}

impl Ingest {
    /// Queues the job that makes a dataset anew; acknowledged when this returns.
    ///
    /// # Errors
    /// CONFLICT when the source is not kept or does not hold all rows and is needed,
    /// STORAGE_UNAVAILABLE.
    pub async fn derive(
        &self,
        workspace: WorkspaceId,
        dataset: &Dataset,
        derivation: Derivation,
        actor: &str,
    ) -> Result<JobId> {
        let source = dataset.source.clone().unwrap_or_else(Source::none);
        let is_kept = source.is_there() && self.is_kept(&source).await;
        let is_changed = dataset.next_row.is_some();
        let from_rows = dataset.recipe.has_other_rows || is_changed || !is_kept;
        if from_rows && derivation.key.is_none() {
            refuse_gaps(dataset)?;
        }
        if from_rows && derivation.needs_source {
            return Err(no_source(dataset));
        }
        let wishes = Wishes {
            read: derivation.options,
            key: derivation.key,
            on_error: OnError::Reject,
            task: Task::Derive {
                dataset: dataset.id,
                allow_loss: derivation.allow_loss,
                from_rows,
            },
            ..Wishes::default()
        };
        let id = JobId(Uuid::now_v7());
        self.enqueue(&NewJob {
            id,
            workspace,
            kind: JobKind::Derive,
            dataset_name: dataset.name.clone(),
            dataset_label: dataset.label.clone(),
            mode: LoadMode::Replace,
            source,
            options: serde_json::to_string(&wishes).map_err(Error::internal)?,
            request_id: None,
            created_by: Some(actor.to_owned()),
        })
        .await?;
        Ok(id)
    }
}

/// Refuses to make rows anew whose numbers are their key and have gaps: they would get others.
fn refuse_gaps(dataset: &Dataset) -> Result<()> {
    let is_numbered = dataset.columns.get(dataset.key).is_some_and(|it| it.physical == ROW_COLUMN);
    let has_gaps = dataset.next_row.is_some_and(|next_row| next_row != dataset.row_count + 1);
    if !is_numbered || !has_gaps {
        return Ok(());
    }
    Err(Error::new(
        Code::Conflict,
        format!(
            "Rows of {:?} were removed, and its key is the row's number: making the rows anew would give them other keys. Choose a key with setKey first.",
            dataset.name
        ),
    ))
}

fn no_source(dataset: &Dataset) -> Error {
    let why = if dataset.next_row.is_some() {
        "its rows were changed since"
    } else if dataset.recipe.has_other_rows {
        "its rows came from several files"
    } else if dataset.source.is_none() {
        "it was not made of a file"
    } else {
        "its file is not kept here"
    };
    Error::new(
        Code::Conflict,
        format!(
            "{} cannot be read anew: {why}. Upload it with these options and mode REPLACE.",
            dataset.name
        ),
    )
}

/// A file that goes with the value.
struct Temporary(PathBuf);

impl Drop for Temporary {
    fn drop(&mut self) {
        // Whatever is left is removed by the next start.
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Makes the dataset of the rows that are there; blocks the thread.
pub(super) fn from_rows(work: &Work<'_>) -> std::result::Result<LoadedSheet, Failure> {
    let before = target_of(work, None)?.ok_or_else(|| Error::not_found("The dataset is gone."))?;
    let data: Vec<&Column> = before.columns.iter().filter(|column| !column.generated).collect();
    let columns: Vec<DumpColumn> = data
        .iter()
        .map(|column| DumpColumn {
            physical: column.physical.clone(),
            column_type: column.column_type,
            header: column.name.clone(),
        })
        .collect();
    let spool = work.spool.ok_or_else(|| Error::internal("a job without a spool"))?;
    let file = Temporary(spool.join(Uuid::now_v7().simple().to_string()));
    let mut out = BufWriter::new(File::create_new(&file.0).map_err(disk_error)?);
    work.store()?.dump(&before.storage, &columns, &mut out, work.live)?;
    out.flush().map_err(StoreError::from)?;
    drop(out);
    let work = Work { path: &file.0, ..*work };
    let mut options = ReadOptions {
        delimiter: Some(','),
        quote: Some('"'),
        escape: Some('\0'),
        comment: Some('\0'),
        encoding: Some("utf-8".to_owned()),
        header_row: Some(1),
        skip_footer: Some(0),
        date_order: work.wishes.read.date_order,
        decimal_mark: work.wishes.read.decimal_mark,
        ..ReadOptions::default()
    };
    options.columns.push(ColumnOverride {
        label: ROW_HEADER.to_owned(),
        column_type: None,
        name: None,
        required: false,
        skip: true,
    });
    let mut changed = Vec::new();
    let recipe = Recipe { has_other_rows: true, ..recipe_of(work.wishes, Some(&before)) };
    for wanted in &recipe.options.columns {
        let Some(column) = data.iter().find(|column| column.label == wanted.label) else {
            continue;
        };
        let is_same_type = wanted.column_type == declared_type(column.column_type);
        if !is_same_type && wanted.column_type.is_some() {
            changed.push(column.name.clone());
        }
        options.columns.push(ColumnOverride {
            label: column.name.clone(),
            column_type: wanted.column_type.filter(|_| !is_same_type),
            name: None,
            required: wanted.required,
            skip: wanted.skip,
        });
    }
    let plans = understand(&work, &options)?;
    let Some(mut plan) = plans.into_iter().next() else {
        return Err(Error::internal("a dump without a table").into());
    };
    let understood = plan.clone();
    let mut fit = admitting(&mut plan, &before);
    for ((column, asked), target) in
        plan.columns.iter_mut().zip(&understood.columns).zip(&mut fit.targets)
    {
        column.required = asked.required;
        // `admitting` gave back the header as the file wrote it; asked for is the field.
        if changed.contains(&asked.label) {
            (column.column_type, column.notation) = (asked.column_type, asked.notation.clone());
            *target = asked.column_type;
        } else {
            // The file is ours: its values are in their canonical form.
            column.notation =
                Notation { boolean: Some(BooleanPair::TrueFalse), ..Notation::default() };
            column.declared = recipe
                .options
                .columns
                .iter()
                .any(|wanted| wanted.label == column.label && wanted.column_type.is_some());
        }
    }
    for (old, target) in fit.old_of.iter().zip(&fit.targets) {
        if let Some(old) = old.and_then(|old| before.columns.get(old)) {
            fit.drift.extend(retyped(&before, old, *target));
        }
    }
    // A column that is left out goes away.
    for index in std::mem::take(&mut fit.kept) {
        if let Some(old) = before.columns.get(index) {
            fit.drift.push(missing(&before, old, false));
        }
    }
    plan.notices.clear();
    work.live.begin(Phase::Load);
    let prepared = Prepared {
        plan,
        label: before.label.clone(),
        before: Some(before.clone()),
        fit,
        recipe,
        mode: LoadMode::Replace,
    };
    load_new(&work, prepared)
}
