//! Turns a source into tables: understood, compared with what is there, loaded, joined with it.
//!
//! It blocks its thread and may take minutes. It makes nothing visible; [`super::draft`] turns what
//! it made into versions to be published.

use std::path::Path;
use std::sync::Arc;

use sluice_schema::{ColumnOverride, ColumnPlan, Limits, ReadOptions, SheetPlan};

use super::columns::{
    KEY_NAME, KeyWork, TableColumn, continuing, key_candidate, key_column, physical_name, replacing,
};
use super::failure::Failure;
use super::fit::{Fit, fit, policy_of};
use super::key::{chosen_key, upsert_column};
use super::live::{LiveJob, Phase};
use super::misfit;
use super::relations::name_lost_fields;
use super::request::{Task, Wishes};
use crate::catalog::model::{
    Dataset, DriftPolicy, LoadMode, OnError, Recipe, RowCounts, StorageId,
};
use crate::catalog::names::{Place, place};
use crate::catalog::snapshot::Snapshot;
use crate::catalog::{CatalogError, ClaimedJob};
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

/// A sheet with what is to become of it.
pub(super) struct Prepared {
    pub(super) plan: SheetPlan,
    /// The dataset's name as given.
    pub(super) label: String,
    /// The dataset that it meets; held, so that its rows stay while they are read.
    pub(super) before: Option<Arc<Dataset>>,
    pub(super) fit: Fit,
    /// How the rows can be made again.
    pub(super) recipe: Recipe,
    /// What the load does with the dataset that it meets.
    pub(super) mode: LoadMode,
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
        && *before.recipe == *recipe
}

/// How rows are made: as asked, with what was declared before where nothing else is said.
pub(super) fn recipe_of(wishes: &Wishes, before: Option<&Dataset>) -> Recipe {
    let mut options = wishes.read.clone();
    let mut inherited = std::mem::take(&mut options.inherited);
    let mut key = wishes.key.clone();
    if let (Some(before), Task::Load) = (before, &wishes.task) {
        inherited.clone_from(&before.recipe.options.columns);
        key = key.or_else(|| before.recipe.key.clone());
    }
    for inherited in inherited {
        if !options.columns.iter().any(|column| column.label == inherited.label) {
            options.columns.push(inherited);
        }
    }
    Recipe { options, key, has_other_rows: false }
}

/// Understands the source and compares its sheets with what is there.
///
/// # Errors
/// When the source cannot be read, a name is taken, or columns differ in a way that the caller does
/// not accept.
pub(super) fn prepare(work: &Work<'_>) -> Result<Vec<Prepared>, Failure> {
    let target = target_of(work, None)?;
    let plans = match &work.wishes.task {
        // It says itself what it keeps of what was declared.
        Task::Derive { .. } => understand(work, &work.wishes.read)?,
        _ => understand(work, &inheriting(&work.wishes.read, target.as_deref()))?,
    };
    check_sheets(&work.wishes.read, &plans)?;
    let is_one = plans.len() == 1;
    let mut prepared = Vec::with_capacity(plans.len());
    for plan in plans {
        let (label, sheet) = match &plan.name {
            Some(name) if !is_one => {
                (format!("{} {name}", stem(&work.job.dataset_label)), Some(name.clone()))
            }
            _ => (work.job.dataset_label.clone(), None),
        };
        // A dataset that is made anew keeps the name of its sheet.
        let sheet = sheet.or_else(|| match &work.wishes.task {
            Task::Derive { .. } => work.wishes.read.sheets.as_ref()?.first().cloned(),
            _ => None,
        });
        prepared.push(prepare_sheet(work, plan, label, sheet)?);
    }
    Ok(prepared)
}

/// Refuses names of sheets that the file does not have.
fn check_sheets(options: &ReadOptions, plans: &[SheetPlan]) -> Result<(), Failure> {
    let known: Vec<&str> = plans.iter().filter_map(|plan| plan.name.as_deref()).collect();
    let wanted = options.sheets.iter().flatten();
    let Some(unknown) = wanted.into_iter().find(|name| !known.contains(&name.as_str())) else {
        return Ok(());
    };
    let there = match known.as_slice() {
        [] => "the file is one table; leave sheets out".to_owned(),
        names => format!("found of those named: {}", names.join(", ")),
    };
    Err(Error::bad_input(format!("There is no sheet {unknown:?}: {there}.")).into())
}

pub(super) fn understand(
    work: &Work<'_>,
    options: &ReadOptions,
) -> Result<Vec<SheetPlan>, Failure> {
    let Work { path, job, limits, live, .. } = work;
    Ok(sluice_schema::understand(path, &job.source.file_name, options, limits, *live)?)
}

/// The name of a file without its last extension.
fn stem(label: &str) -> &str {
    match label.rsplit_once('.') {
        Some((stem, extension)) if !stem.is_empty() && extension.len() <= 5 => stem,
        _ => label,
    }
}

/// The dataset that the job, or one of its sheets, is about.
pub(super) fn target_of(
    work: &Work<'_>,
    label: Option<&str>,
) -> Result<Option<Arc<Dataset>>, Failure> {
    let id = match &work.wishes.task {
        Task::Load => {
            let label = label.unwrap_or(&work.job.dataset_label);
            return match place(work.snapshot, label) {
                Place::Existing(dataset) if work.job.mode == LoadMode::Create => {
                    Err(CatalogError::NameTaken(dataset.name.clone()).into())
                }
                Place::Existing(dataset) => Ok(Some(dataset)),
                Place::New { .. } => Ok(None),
            };
        }
        Task::Admit { dataset, .. } | Task::Derive { dataset, .. } => *dataset,
    };
    match work.snapshot.dataset_by_id(id) {
        Some(dataset) => Ok(Some(Arc::clone(dataset))),
        None => Err(Error::not_found("The dataset is gone; nothing was changed.").into()),
    }
}

/// The options with what was declared for the dataset before.
fn inheriting(options: &ReadOptions, before: Option<&Dataset>) -> ReadOptions {
    let mut options = options.clone();
    if let Some(before) = before {
        options.inherited.clone_from(&before.recipe.options.columns);
    }
    options
}

fn prepare_sheet(
    work: &Work<'_>,
    mut plan: SheetPlan,
    label: String,
    sheet: Option<String>,
) -> Result<Prepared, Failure> {
    let before = target_of(work, Some(&label))?;
    let mut recipe = recipe_of(work.wishes, before.as_deref());
    let mut mode = work.job.mode;
    if let Some(sheet) = sheet {
        recipe.options.sheets = Some(vec![sheet]);
        if let Some(before) = before.as_ref().filter(|old| !old.recipe.options.columns.is_empty()) {
            // What was declared for this dataset was not known before its name was.
            let options = inheriting(&recipe.options, Some(before));
            plan = understand(work, &options)?.into_iter().next().unwrap_or(plan);
        }
    }
    let Some(dataset) = &before else {
        let fit = Fit::new_dataset(&plan);
        return Ok(Prepared { plan, label, before, fit, recipe, mode });
    };
    let fit = match &work.wishes.task {
        Task::Admit { .. } => {
            mode = LoadMode::Append;
            admitting(&mut plan, dataset)
        }
        Task::Load | Task::Derive { .. } => fit_to(work, &mut plan, &recipe, dataset, mode)?,
    };
    if mode.keeps_rows() {
        recipe = Recipe { has_other_rows: true, ..(*dataset.recipe).clone() };
    }
    apply_targets(&mut plan, &fit);
    Ok(Prepared { plan, label, before, fit, recipe, mode })
}

/// Compares a sheet with its dataset and lets the policy judge.
fn fit_to(
    work: &Work<'_>,
    plan: &mut SheetPlan,
    recipe: &Recipe,
    before: &Dataset,
    mode: LoadMode,
) -> Result<Fit, Failure> {
    let policy = policy_of(mode, work.wishes.on_drift);
    let mut found = fit(plan, before, mode, policy);
    let holds_types =
        mode.keeps_rows() && policy == DriftPolicy::Fail && work.wishes.on_error == OnError::Reject;
    if holds_types && !found.widened.is_empty() {
        // The dataset's types stand; what does not fit them becomes a reject.
        *plan = pinned(work, plan, recipe, before, &found)?;
        found = fit(plan, before, mode, policy);
    }
    name_lost_fields(work.snapshot, before, &mut found.drift);
    // A dry run tells what would be refused instead.
    let is_dry = work.store.is_none();
    if !is_dry && policy == DriftPolicy::Fail && found.breaking().next().is_some() {
        return Err(misfit::drifted(before, mode, found.drift));
    }
    Ok(found)
}

/// The plan with the dataset's types declared where the sheet's own would be wider.
fn pinned(
    work: &Work<'_>,
    plan: &SheetPlan,
    recipe: &Recipe,
    before: &Dataset,
    found: &Fit,
) -> Result<SheetPlan, Failure> {
    let mut options = inheriting(&recipe.options, Some(before));
    let mut pins = Vec::new();
    for index in &found.widened {
        let old = found.old_of.get(*index).copied().flatten();
        let old = old.and_then(|old| before.columns.get(old));
        let (Some(new), Some(old)) = (plan.columns.get(*index), old) else { continue };
        let address = address_of(new);
        options.columns.retain(|column| column.label != address);
        options.columns.push(ColumnOverride {
            label: address,
            column_type: misfit::declared_type(old.column_type),
            name: None,
            required: old.required,
            skip: false,
        });
        pins.push((new.index_in_file, old.column_type));
    }
    if plan.name.is_some() && options.sheets.is_none() {
        options.sheets = plan.name.clone().map(|name| vec![name]);
    }
    let mut pinned = understand(work, &options)?.into_iter().next().unwrap_or_else(|| plan.clone());
    for (index_in_file, column_type) in pins {
        let same = |column: &&mut ColumnPlan| column.index_in_file == index_in_file;
        if let Some(column) = pinned.columns.iter_mut().find(same) {
            column.column_type = column_type;
        }
    }
    Ok(pinned)
}

/// How options name a column.
pub(super) fn address_of(column: &ColumnPlan) -> String {
    match column.label.as_str() {
        "" => format!("column{}", column.index_in_file + 1),
        label => label.to_owned(),
    }
}

/// Makes the reader give each column's values in the type that it is served as.
fn apply_targets(plan: &mut SheetPlan, fit: &Fit) {
    for (column, target) in plan.columns.iter_mut().zip(&fit.targets) {
        if column.column_type == *target {
            continue;
        }
        if target.is_text() && !column.column_type.is_text() {
            // Cells come as they were written, byte for byte.
            column.notation = Default::default();
        }
        column.column_type = *target;
        column.increasing = false;
    }
}

/// The plan of corrected rejects: a file of ours whose headers are the dataset's field names.
pub(super) fn admitting(plan: &mut SheetPlan, before: &Dataset) -> Fit {
    let mut found = Fit::default();
    for column in &mut plan.columns {
        let of_name =
            |old: &crate::catalog::model::Column| !old.generated && old.name == column.label;
        let old = before.columns.iter().position(of_name);
        if let Some(old) = old.and_then(|old| before.columns.get(old)) {
            column.label.clone_from(&old.label);
            column.column_type = old.column_type;
            column.notation = old.notation.clone();
            column.declared = true;
            column.required = old.required;
            column.increasing = false;
        }
        found.old_of.push(old);
        found.targets.push(column.column_type);
    }
    let is_left = |index: &usize| {
        before.columns.get(*index).is_some_and(|old| !old.generated)
            && !found.old_of.contains(&Some(*index))
    };
    found.kept = (0..before.columns.len()).filter(is_left).collect();
    found
}

fn load_one(work: &Work<'_>, prepared: Prepared) -> Result<LoadedSheet, Failure> {
    let before = prepared.before.as_deref();
    match before.filter(|_| prepared.mode.keeps_rows()) {
        Some(_) => add_to(work, prepared),
        None => load_new(work, prepared),
    }
}

/// Loads a sheet into a table that stands for itself.
pub(super) fn load_new(work: &Work<'_>, prepared: Prepared) -> Result<LoadedSheet, Failure> {
    let before = prepared.before.as_deref();
    let columns = replacing(&prepared.fit, before);
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
        ..staged_table
    };
    let n_nulls = Some(merged.n_nulls);
    Ok(LoadedSheet { prepared, storage, columns, key, table, n_nulls, counts })
}
