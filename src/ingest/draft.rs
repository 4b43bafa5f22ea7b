//! Turns loaded tables into the versions to be published.
//!
//! It is quick and may be repeated when somebody else published meanwhile. It makes nothing
//! visible.

use std::sync::Arc;

use sluice_schema::{Notice, NoticeCode};
use uuid::Uuid;

use super::columns::{NamedColumns, Naming, name_columns};
use super::load::{Loaded, LoadedSheet};
use super::request::{Task, Wishes};
use crate::catalog::model::{
    Column, Dataset, DatasetId, Drift, Index, IndexKind, IndexMethod, JobOutcome, LoadMode,
    ROW_COLUMN, RejectCell, RejectedRow, RejectsBefore, RowCounts, Source, StorageGuard,
};
use crate::catalog::names::{Place, place_for};
use crate::catalog::snapshot::{Link, Snapshot};
use crate::catalog::{CatalogError, ClaimedJob, now_us};
use crate::indexes::define;
use crate::store::IndexDefinition;

/// The store's name of the key's index.
const KEY_INDEX: &str = "key";

/// A version to be published, and the indexes that it still lacks.
#[derive(Debug)]
pub(super) struct Draft {
    pub(super) dataset: Dataset,
    pub(super) rejects: Vec<RejectedRow>,
    pub(super) rejects_before: RejectsBefore,
    /// Indexes to be built on the new table: those of the version before, and those that relations
    /// need.
    pub(super) missing: Vec<(Index, IndexDefinition)>,
    /// Those of the version before, by name.
    pub(super) indexes_before: Vec<String>,
}

/// What a job came to.
pub(super) fn outcome(loaded: &Loaded) -> JobOutcome {
    let mut counts = RowCounts::default();
    let mut drift: Vec<Drift> = Vec::new();
    for sheet in &loaded.sheets {
        counts.inserted += sheet.counts.inserted;
        counts.updated += sheet.counts.updated;
        counts.unchanged += sheet.counts.unchanged;
        counts.rejected += sheet.counts.rejected;
        drift.extend(sheet.prepared.fit.drift.iter().cloned());
    }
    for dataset in &loaded.unchanged {
        counts.unchanged += dataset.row_count;
    }
    let is_unchanged = loaded.sheets.is_empty();
    JobOutcome { counts, drift, is_unchanged, ..JobOutcome::default() }
}

/// The versions that the loaded sheets become in a workspace as the snapshot shows it.
///
/// # Errors
/// NameTaken when a dataset is there that mode CREATE must not touch; Changed when the rows that
/// were added to are not the present ones any more.
pub(super) fn draft(
    snapshot: &Arc<Snapshot>,
    job: &ClaimedJob,
    wishes: &Wishes,
    loaded: &Loaded,
) -> Result<Vec<Draft>, CatalogError> {
    let mut drafts: Vec<Draft> = Vec::with_capacity(loaded.sheets.len());
    let mut seen = Snapshot::clone(snapshot);
    for sheet in &loaded.sheets {
        let draft = draft_one(&seen, job, wishes, sheet)?;
        let (revision, schema_revision) = (seen.revision, seen.schema_revision);
        let dataset = Arc::new(draft.dataset.clone());
        seen = seen.with_changes([dataset], &[], revision, schema_revision);
        drafts.push(draft);
    }
    Ok(drafts)
}

/// The version that a sheet follows, or the names of a new dataset.
fn follow(
    snapshot: &Snapshot,
    job: &ClaimedJob,
    wishes: &Wishes,
    sheet: &LoadedSheet,
) -> Result<Result<Arc<Dataset>, (String, String)>, CatalogError> {
    let prepared = &sheet.prepared;
    let must_be_same = wishes.task != Task::Load || prepared.mode.keeps_rows();
    if let Some(before) = prepared.before.as_ref().filter(|_| must_be_same) {
        // Made of these very rows: anything else is stale.
        return match snapshot.dataset_by_id(before.id) {
            Some(present) if present.version == before.version => Ok(Ok(Arc::clone(present))),
            Some(_) => Err(CatalogError::Changed),
            None => Err(CatalogError::NotFound),
        };
    }
    match place_for(snapshot, &prepared.label, job.mode) {
        Place::Existing(dataset) if job.mode == LoadMode::Create => {
            Err(CatalogError::NameTaken(dataset.name.clone()))
        }
        Place::Existing(_) if prepared.mode.keeps_rows() => Err(CatalogError::Changed),
        Place::Existing(dataset) => Ok(Ok(dataset)),
        Place::New { name, type_name } => Ok(Err((name, type_name))),
    }
}

fn draft_one(
    snapshot: &Snapshot,
    job: &ClaimedJob,
    wishes: &Wishes,
    sheet: &LoadedSheet,
) -> Result<Draft, CatalogError> {
    let prepared = &sheet.prepared;
    let follows = follow(snapshot, job, wishes, sheet)?;
    let given = given_names(wishes);
    let links = prepared.before.iter().flat_map(|before| snapshot.links(before.id));
    let related: Vec<String> = links.flat_map(Link::fields).collect();
    let NamedColumns { columns, key, notices } = name_columns(&Naming {
        related: &related,
        plan: &prepared.plan,
        // What the sheet was compared with: its columns are meant by their positions.
        before: prepared.before.as_deref(),
        table: &sheet.columns,
        given: &given,
        key: sheet.key,
        n_rows: sheet.table.n_rows,
        n_nulls: sheet.n_nulls.as_deref(),
    });
    let now_us = now_us();
    let mut dataset = Dataset {
        id: DatasetId(Uuid::now_v7()),
        name: String::new(),
        type_name: String::new(),
        label: prepared.label.clone(),
        description: wishes.description.clone(),
        version: 1,
        row_count: sheet.table.n_rows,
        size_bytes: sheet.table.size_bytes,
        columns: columns.into(),
        key,
        storage: sheet.storage.clone(),
        guard: StorageGuard::default(),
        indexes: Vec::new(),
        relations: Vec::new(),
        old_names: Vec::new(),
        source: Some(job.source.clone()).filter(Source::is_there),
        recipe: Arc::new(prepared.recipe.clone()),
        n_rejects: 0,
        notices: Arc::from([]),
        created_at_us: now_us,
        updated_at_us: now_us,
        next_row: sheet.table.next_row,
        versions: Arc::from([]),
    };
    if sheet.table.has_key
        && let Some(key) = dataset.columns.get(dataset.key)
    {
        dataset.indexes.push(Index {
            name: KEY_INDEX.to_owned(),
            columns: vec![key.name.clone()],
            kind: IndexKind::Key,
            reason: "it is the key".to_owned(),
            built_at_us: now_us,
            ..Index::default()
        });
    }
    if let Task::Copy { dataset: of } = &wishes.task {
        super::copy::describe(snapshot, *of, Arc::make_mut(&mut dataset.columns));
    }
    let rejects = rejected_rows(sheet, &dataset.columns);
    let rejects_before = match &wishes.task {
        Task::Admit { ids, .. } => RejectsBefore::KeepBut(ids.clone()),
        // Their rows are not among those that are there.
        Task::Derive { from_rows: true, .. } => RejectsBefore::Keep,
        _ if prepared.mode.keeps_rows() => RejectsBefore::Keep,
        _ => RejectsBefore::Drop,
    };
    dataset.n_rejects = i64::try_from(rejects.len()).unwrap_or(i64::MAX);
    let mut told = notices;
    let (mut missing, mut indexes_before) = (Vec::new(), Vec::new());
    match follows {
        Ok(old) => {
            dataset.id = old.id;
            dataset.name.clone_from(&old.name);
            dataset.type_name.clone_from(&old.type_name);
            dataset.label.clone_from(&old.label);
            if dataset.description.is_none() {
                dataset.description.clone_from(&old.description);
            }
            dataset.version = old.version + 1;
            dataset.created_at_us = old.created_at_us;
            dataset.old_names.clone_from(&old.old_names);
            if matches!(wishes.task, Task::Admit { .. } | Task::Derive { .. }) {
                dataset.source.clone_from(&old.source);
            }
            dataset.n_rejects += match &rejects_before {
                RejectsBefore::Drop => 0,
                RejectsBefore::Keep => old.n_rejects,
                RejectsBefore::KeepBut(ids) => {
                    (old.n_rejects - i64::try_from(ids.len()).unwrap_or_default()).max(0)
                }
            };
            missing = rebuilt_indexes(&old, &dataset);
            indexes_before = old.indexes.iter().map(|index| index.name.clone()).collect();
            add_indexes_of_relations(snapshot, &dataset, &mut missing);
        }
        Err((name, type_name)) => {
            if !is_plainly(&name, &prepared.label) {
                told.push(Notice::new(
                    NoticeCode::NameChanged,
                    format!("The name {:?} became {name}: that is what GraphQL accepts and nothing else uses.", prepared.label),
                ));
            }
            dataset.name = name;
            dataset.type_name = type_name;
        }
    }
    if matches!(wishes.task, Task::Derive { from_rows: true, .. }) {
        told.push(Notice::new(
            NoticeCode::MadeOfRows,
            "The rows were made of those that were there, because the file alone does not hold them all; rows are counted in this order.",
        ));
    }
    let of_sheet = |notice: &Notice| Notice {
        sheet: notice.sheet.clone().or_else(|| prepared.plan.name.clone()),
        ..notice.clone()
    };
    dataset.notices = told
        .iter()
        .chain(&prepared.plan.notices)
        .chain(&sheet.table.notices)
        .map(of_sheet)
        .collect();
    Ok(Draft { dataset, rejects, rejects_before, missing, indexes_before })
}

/// Field names that the caller gives, by label.
pub(super) fn given_names(wishes: &Wishes) -> Vec<(String, String)> {
    let mut given: Vec<(String, String)> = Vec::new();
    for column in &wishes.read.columns {
        if let Some(name) = &column.name
            && !given.iter().any(|(label, _)| *label == column.label)
        {
            given.push((column.label.clone(), name.clone()));
        }
    }
    given
}

/// The refused rows, cell by cell under the fields that they were meant for.
fn rejected_rows(sheet: &LoadedSheet, columns: &[Column]) -> Vec<RejectedRow> {
    let plan = &sheet.prepared.plan;
    let data: Vec<&Column> = columns.iter().filter(|column| !column.generated).collect();
    let mut places = Vec::with_capacity(plan.columns.len());
    for (position, column) in sheet.columns.iter().enumerate() {
        let new = column.sheet.and_then(|index| plan.columns.get(index));
        if let (Some(new), Some(named)) = (new, data.get(position)) {
            places.push((new.index_in_file, *named));
        }
    }
    let row = |reject: &sluice_schema::Reject| RejectedRow {
        row: reject.row,
        column: reject.column.clone(),
        value: reject.value.clone(),
        reason: reject.reason.clone(),
        cells: places
            .iter()
            .map(|(index, column)| RejectCell {
                name: column.name.clone(),
                label: column.label.clone(),
                value: reject.cells.get(*index).cloned(),
            })
            .collect(),
    };
    sheet.table.rejects.iter().map(row).collect()
}

/// Indexes beside the key's whose columns are all still there.
pub(super) fn rebuilt_indexes(old: &Dataset, new: &Dataset) -> Vec<(Index, IndexDefinition)> {
    // A field that was renamed is found by its header.
    let continued = |field: &String| {
        new.column(field).map(|column| column.name.clone()).or_else(|| {
            let label = &old.column(field)?.label;
            let found = new.columns.iter().find(|column| column.label == *label);
            found.map(|column| column.name.clone())
        })
    };
    let rebuilt = |index: &Index| {
        let mut next = index.clone();
        next.columns = index.columns.iter().map(continued).collect::<Option<_>>()?;
        next.descending = index.descending.iter().map(continued).collect::<Option<_>>()?;
        let definition = define(&mut next, new).ok()?;
        Some((next, definition))
    };
    let search = |index: &Index| {
        // It is over the texts that there are, whatever they were.
        let mut next = index.clone();
        let definition = define(&mut next, new).ok()?;
        Some((next, definition))
    };
    old.indexes
        .iter()
        .filter_map(|index| match (index.kind, index.method) {
            (IndexKind::Key, _) => None,
            (_, IndexMethod::Search) => search(index),
            (_, IndexMethod::Ordered) => rebuilt(index),
        })
        .collect()
}

/// Adds what relations look rows up by and nothing else provides, such as a key that is none any
/// more.
fn add_indexes_of_relations(
    snapshot: &Snapshot,
    new: &Dataset,
    missing: &mut Vec<(Index, IndexDefinition)>,
) {
    let from_others = snapshot
        .datasets()
        .flat_map(|other| &other.relations)
        .filter(|relation| relation.to == new.id)
        .map(|relation| (&relation.to_column, &relation.inverse_name));
    let own = snapshot.dataset_by_id(new.id).into_iter().flat_map(|old| &old.relations);
    let own = own.map(|relation| (&relation.column, &relation.name));
    for (field, relation) in own.chain(from_others) {
        let leads = |index: &Index| index.columns.first() == Some(field);
        let is_row_number = new.column(field).is_none_or(|it| it.physical == ROW_COLUMN);
        if is_row_number
            || new.indexes.iter().any(leads)
            || missing.iter().any(|(index, _)| leads(index))
        {
            continue;
        }
        let mut index = Index::of_relation(field, relation);
        if let Ok(definition) = define(&mut index, new) {
            missing.push((index, definition));
        }
    }
}

/// Whether a name says the same as the label, but for case and separators.
fn is_plainly(name: &str, label: &str) -> bool {
    let plain = |text: &str| -> String {
        text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
    };
    let stem = label.rsplit_once('.').map_or(label, |(stem, _)| stem);
    plain(name) == plain(label) || plain(name) == plain(stem)
}
