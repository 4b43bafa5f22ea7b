//! Turns a source into sheets that know what is to become of them: understood, named, compared with
//! the datasets that they meet.
//!
//! It exists so that a load, an inspection and a derivation decide the same. It reads the source and
//! makes nothing.

use std::collections::HashSet;
use std::sync::Arc;

use sluice_schema::{ColumnOverride, ColumnPlan, ColumnType, ReadOptions, SheetPlan};

use super::failure::Failure;
use super::fit::{Fit, fit, policy_of};
use super::load::Work;
use super::misfit;
use super::relations::name_lost_fields;
use super::request::{Task, Wishes};
use super::widen::join;
use crate::catalog::CatalogError;
use crate::catalog::model::{Dataset, DriftPolicy, LoadMode, OnError, Recipe};
use crate::catalog::names::{Place, place_for};
use crate::error::Error;

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
    let mut taken = HashSet::new();
    let mut prepared = Vec::with_capacity(plans.len());
    for plan in plans {
        let (label, sheet) = match &plan.name {
            Some(name) if !is_one => (label_of_sheet(work, name, &mut taken), Some(name.clone())),
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

/// What the dataset of one sheet of several is called: no two sheets become one dataset, however
/// alike their names are.
fn label_of_sheet(work: &Work<'_>, sheet: &str, taken: &mut HashSet<String>) -> String {
    // A member of an archive may stand in a folder, which is part of its name.
    let sheet = sheet.replace(['/', '\\'], " ");
    let base = format!("{} {sheet}", stem(&work.job.dataset_label));
    let mut label = base.clone();
    let mut number = 2_u64;
    loop {
        if taken.insert(name_of(work, &label)) {
            return label;
        }
        label = format!("{} {number}", stem(&base));
        number += 1;
    }
}

/// The name of the dataset that a label stands for.
fn name_of(work: &Work<'_>, label: &str) -> String {
    match place_for(work.snapshot, label, work.job.mode) {
        Place::Existing(dataset) => dataset.name.clone(),
        Place::New { name, .. } => name,
    }
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
        Task::Load | Task::Copy { .. } => {
            let label = label.unwrap_or(&work.job.dataset_label);
            return match place_for(work.snapshot, label, work.job.mode) {
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
    if let Task::Load = &work.wishes.task {
        // Before anything is compared: what differs tells of what is there.
        work.wishes.bounds.check(&name_of(work, &label))?;
    }
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
        Task::Load | Task::Copy { .. } | Task::Derive { .. } => {
            fit_to(work, &mut plan, &recipe, dataset, mode)?
        }
    };
    if mode.keeps_rows() {
        let declared = std::mem::take(&mut recipe.options.columns);
        recipe = Recipe { has_other_rows: true, ..(*dataset.recipe).clone() };
        // What was declared of columns that are new holds from now on, too.
        let is_new = |declared: &ColumnOverride| {
            plan.columns
                .iter()
                .zip(&fit.old_of)
                .any(|(column, old)| old.is_none() && address_of(column) == declared.label)
        };
        recipe.options.columns.extend(declared.into_iter().filter(is_new));
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
    name_lost_fields(work.snapshot, &work.wishes.bounds, before, &mut found.drift);
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
            // More digits after the point are no other type.
            let joined = join(old, before.next_row.is_some(), column);
            column.label.clone_from(&old.label);
            column.column_type = match (old.column_type, joined) {
                (ColumnType::Decimal { .. }, ColumnType::Decimal { .. }) => joined,
                (old, _) => old,
            };
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
