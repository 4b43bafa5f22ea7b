//! Turns definitions of columns into datasets without rows, and datasets with rows into such.
//!
//! It exists for users who start without a file. A table is made like a load's, of its own, and
//! published in one transaction; there is no job, because there is nothing to wait for.

use std::collections::HashSet;
use std::sync::Arc;

use serde::Deserialize;
use sluice_schema::{
    ColumnOverride, ColumnType, DeclaredType, DefinedColumn, Evidence, ReadOptions, SheetPlan,
};
use uuid::Uuid;

use super::Ingest;
use super::background;
use super::columns::{
    KEY_NAME, KeyWork, can_be_key, key_candidate, key_column, physical_name, replacing,
};
use super::draft::{Draft, draft, rebuilt_indexes};
use super::fit::Fit;
use super::load::{Loaded, LoadedSheet};
use super::prepare::Prepared;
use super::request::Wishes;
use super::spool::tidy;
use crate::catalog::edits::VersionAction;
use crate::catalog::events::{Event, EventKind};
use crate::catalog::history::Origin;
use crate::catalog::model::{
    Dataset, JobId, JobKind, LoadMode, Recipe, RejectsBefore, RowCounts, Source, StorageGuard,
    StorageId, UploadBounds, WorkspaceId,
};
use crate::catalog::names::{Place, place_for};
use crate::catalog::{CatalogError, ClaimedJob, NewVersion, now_us};
use crate::error::{Code, Error, Result};
use crate::store::{
    IndexDefinition, KeyCandidate, LoadedTable, PhysicalColumn, StoreError, TableSpec,
};

/// The longest name of a dataset or column as people write it, bytes.
const MAX_LABEL_BYTES: usize = 1_000;
/// The most digits of a decimal.
const MAX_PRECISION: u8 = sluice_schema::decimal::MAX_PRECISION;
/// How often a version is made anew because somebody else published meanwhile.
const MAX_TRIES: usize = 8;

/// A dataset to be made without a file.
#[derive(Clone, Debug, Default)]
pub struct Definition {
    /// The name as people write it.
    pub name: String,
    /// At least one.
    pub columns: Vec<NewColumn>,
    /// The column whose values name the rows, by name or field name.
    pub key: Option<String>,
    /// What the dataset is about.
    pub description: Option<String>,
    /// Into which datasets the caller may load.
    pub bounds: UploadBounds,
    /// Who makes it, as the audit log names him.
    pub actor: String,
}

/// A column of a definition.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewColumn {
    /// The name as people write it.
    pub name: String,
    /// The type of every value.
    #[serde(rename = "type")]
    pub column_type: DeclaredType,
    /// The digits of a decimal; 18 when not given.
    #[serde(default)]
    pub precision: Option<i64>,
    /// How many of them stand after the point.
    #[serde(default)]
    pub scale: Option<i64>,
    /// Whether no value may be missing.
    #[serde(default)]
    pub required: Option<bool>,
    /// What its values are.
    #[serde(default)]
    pub description: Option<String>,
}

impl Ingest {
    /// Makes a dataset without rows.
    ///
    /// # Errors
    /// BAD_USER_INPUT for columns that cannot be, CONFLICT for a taken name, FORBIDDEN for one that
    /// the caller may not load into, QUOTA_EXCEEDED, STORAGE_UNAVAILABLE.
    pub async fn create_dataset(
        &self,
        workspace: WorkspaceId,
        definition: Definition,
    ) -> Result<Arc<Dataset>> {
        let label = checked_label(&definition.name)?;
        let plan = plan_of(&definition.columns, self.shared.limits.max_columns)?;
        let key = key_of(&plan, definition.key.as_deref())?;
        let snapshot = self.shared.catalog.snapshot(workspace);
        let place = place_for(&snapshot, &label, LoadMode::Create);
        definition.bounds.check(match &place {
            Place::Existing(dataset) => &dataset.name,
            Place::New { name, .. } => name,
        })?;
        if let Place::Existing(dataset) = place {
            return Err(taken(&dataset.name));
        }
        let mut new = NewTable::begin(self);
        let spec = spec_of(plan.columns.iter().map(|column| column.column_type), key.column());
        let table = new.make(spec).await?;
        let sheet = sheet_of(plan, &label, &definition, key, (new.storage.clone(), table));
        let wishes = Wishes { description: definition.description.clone(), ..Wishes::default() };
        let loaded = Loaded { sheets: vec![sheet], unchanged: Vec::new() };
        for _ in 0..MAX_TRIES {
            let snapshot = self.shared.catalog.snapshot(workspace);
            let drafts = match draft(&snapshot, &no_job(workspace, &label), &wishes, &loaded) {
                Err(CatalogError::NameTaken(name)) => return Err(taken(&name)),
                drafts => drafts?,
            };
            let Some(mut made) = drafts.into_iter().next() else { break };
            describe(&mut made.dataset, &definition.columns);
            match self
                .shared
                .catalog
                .publish_version(workspace, version_of(made, &definition.actor), None)
                .await
            {
                Ok(dataset) => {
                    new.keep();
                    return Ok(dataset);
                }
                Err(CatalogError::Changed) => {
                    self.shared.catalog.refresh(workspace).await?;
                }
                Err(CatalogError::NameTaken(name)) => return Err(taken(&name)),
                Err(error) => return Err(new.failed(error).await),
            }
        }
        Err(new.failed(CatalogError::Changed).await)
    }

    /// Takes all rows out of a dataset, as a new version; its columns, key, policies and relations
    /// stay, what was refused goes.
    ///
    /// # Errors
    /// NOT_FOUND; CONFLICT while others change it again and again; STORAGE_UNAVAILABLE.
    pub async fn truncate_dataset(
        &self,
        workspace: WorkspaceId,
        dataset: &Dataset,
        actor: &str,
    ) -> Result<Arc<Dataset>> {
        let mut present = self.shared.catalog.snapshot(workspace);
        for _ in 0..MAX_TRIES {
            let before = present.dataset_by_id(dataset.id).cloned();
            let before = before.ok_or(CatalogError::NotFound)?;
            let mut new = NewTable::begin(self);
            let data: Vec<_> = before.columns.iter().filter(|it| !it.generated).collect();
            let key = key_column(&before).and_then(|key| before.columns.get(key));
            let key = key.and_then(|key| data.iter().position(|it| it.physical == key.physical));
            let table = new.make(spec_of(data.iter().map(|it| it.column_type), key)).await?;
            let (emptied, missing) = emptied(&before, &new.storage, &table);
            let mut version = NewVersion {
                dataset: emptied,
                rejects: Vec::new(),
                rejects_before: RejectsBefore::Drop,
                indexes_before: before.indexes.iter().map(|index| index.name.clone()).collect(),
                counts: RowCounts::default(),
                origin: Origin::new(actor, VersionAction::Truncate),
            };
            for (mut index, definition) in missing {
                let store = &self.shared.store;
                index.size_bytes =
                    store.create_index(&new.storage, &index.name, &definition).await?;
                index.built_at_us = now_us();
                version.dataset.indexes.push(index);
            }
            let event = Event {
                n_deleted: before.row_count,
                ..Event::new(EventKind::Delete, version.dataset.version)
            };
            match self.shared.catalog.publish_version(workspace, version, Some(event)).await {
                Ok(dataset) => {
                    new.keep();
                    return Ok(dataset);
                }
                Err(CatalogError::Changed) => {
                    present = self.shared.catalog.refresh(workspace).await?;
                }
                Err(error) => return Err(new.failed(error).await),
            }
        }
        Err(CatalogError::Changed.into())
    }
}

/// The name of a dataset to be made is another's.
pub(super) fn taken(name: &str) -> Error {
    Error::new(
        Code::Conflict,
        format!("A dataset named {name:?} exists. Give another name, or drop that one first."),
    )
}

/// A name as people write it, of a dataset to be made.
pub(super) fn checked_label(given: &str) -> Result<String> {
    if given.chars().all(|c| c.is_control() || c.is_whitespace()) {
        return Err(Error::bad_input("The dataset has no name; give it one."));
    }
    if given.len() > MAX_LABEL_BYTES {
        return Err(Error::bad_input(format!(
            "The dataset's name has {} bytes; expected at most {MAX_LABEL_BYTES}.",
            given.len()
        )));
    }
    Ok(tidy(given))
}

/// The columns as a sheet without rows would have them.
fn plan_of(columns: &[NewColumn], max_columns: usize) -> Result<SheetPlan> {
    if columns.is_empty() {
        return Err(Error::bad_input("A dataset has at least one column; give some."));
    }
    if columns.len() > max_columns {
        return Err(Error::bad_input(format!(
            "There are {} columns; expected at most {max_columns}.",
            columns.len()
        )));
    }
    let mut labels = HashSet::new();
    let mut defined = Vec::with_capacity(columns.len());
    for (index, column) in columns.iter().enumerate() {
        let label = column.name.trim();
        if label.is_empty() {
            return Err(Error::bad_input(format!(
                "Column {} has no name; give it one.",
                index + 1
            )));
        }
        if label.len() > MAX_LABEL_BYTES {
            return Err(Error::bad_input(format!(
                "The name of column {} has {} bytes; expected at most {MAX_LABEL_BYTES}.",
                index + 1,
                label.len()
            )));
        }
        if !labels.insert(label) {
            return Err(Error::bad_input(format!(
                "There are two columns named {label:?}; give each a name of its own."
            )));
        }
        defined.push(DefinedColumn {
            label: label.to_owned(),
            column_type: type_of(label, column)?,
            is_required: column.required.unwrap_or_default(),
        });
    }
    Ok(SheetPlan::defined(&defined))
}

fn type_of(label: &str, column: &NewColumn) -> Result<ColumnType> {
    let declared = column.column_type;
    if declared != DeclaredType::Decimal && (column.precision, column.scale) != (None, None) {
        return Err(Error::bad_input(format!(
            "The column {label:?} has a precision or a scale, which only DECIMAL has; leave it out."
        )));
    }
    Ok(match declared {
        DeclaredType::Boolean => ColumnType::Boolean,
        DeclaredType::Int => ColumnType::Int,
        DeclaredType::BigInt => ColumnType::BigInt,
        DeclaredType::Decimal => decimal_of(label, column)?,
        DeclaredType::Float => ColumnType::Float,
        DeclaredType::Date => ColumnType::Date,
        DeclaredType::LocalTime => ColumnType::LocalTime,
        DeclaredType::LocalDateTime => ColumnType::LocalDateTime,
        DeclaredType::DateTime => ColumnType::DateTime,
        DeclaredType::Uuid => ColumnType::Uuid,
        DeclaredType::Json => ColumnType::Json,
        DeclaredType::String => ColumnType::String,
    })
}

fn decimal_of(label: &str, column: &NewColumn) -> Result<ColumnType> {
    let precision = match column.precision {
        None => Some(MAX_PRECISION),
        Some(given) => u8::try_from(given).ok().filter(|it| (1..=MAX_PRECISION).contains(it)),
    };
    let precision = precision.ok_or_else(|| {
        Error::bad_input(format!(
            "The precision of the column {label:?} must be from 1 to {MAX_PRECISION}."
        ))
    })?;
    let scale = column.scale.ok_or_else(|| {
        Error::bad_input(format!(
            "The column {label:?} is DECIMAL and has no scale; say how many digits stand after the point."
        ))
    })?;
    match u8::try_from(scale).ok().filter(|scale| *scale <= precision) {
        Some(scale) => Ok(ColumnType::Decimal { precision, scale }),
        None => Err(Error::bad_input(format!(
            "The scale of the column {label:?} must be from 0 to its precision, {precision}."
        ))),
    }
}

/// What becomes the key: the column that was named, else a column called `id`, else row numbers.
fn key_of(plan: &SheetPlan, wanted: Option<&str>) -> Result<KeyWork> {
    let Some(wanted) = wanted else {
        return Ok(key_candidate(plan).map_or(KeyWork::RowNumber, KeyWork::Candidate));
    };
    let wanted = wanted.trim();
    let by_label = plan.columns.iter().position(|column| column.label == wanted);
    let found = by_label.or_else(|| plan.columns.iter().position(|column| column.name == wanted));
    let column = found.and_then(|index| Some((index, plan.columns.get(index)?)));
    match column {
        None => Err(Error::bad_input(format!(
            "There is no column {wanted:?} to be the key; name one of the columns."
        ))),
        Some((_, column)) if !can_be_key(column.column_type) => Err(Error::bad_input(format!(
            "The column {wanted:?} cannot be the key: its values are truth values, doubles or JSON. Choose another column."
        ))),
        Some((index, column)) if column.name == KEY_NAME => Ok(KeyWork::Candidate(index)),
        Some((index, _)) => Ok(KeyWork::Chosen(index)),
    }
}

fn spec_of(types: impl Iterator<Item = ColumnType>, key: Option<usize>) -> TableSpec {
    let columns = types
        .enumerate()
        .map(|(index, column_type)| PhysicalColumn { name: physical_name(index), column_type });
    TableSpec {
        columns: columns.collect(),
        key: key.map(|column| KeyCandidate { column, is_increasing: false }),
    }
}

/// A table without rows as a load would have made it.
fn sheet_of(
    mut plan: SheetPlan,
    label: &str,
    definition: &Definition,
    key: KeyWork,
    (storage, table): (StorageId, LoadedTable),
) -> LoadedSheet {
    let key_label = key.column().and_then(|index| {
        let column = plan.columns.get_mut(index)?;
        column.required = true;
        Some(column.label.clone())
    });
    let columns = plan.columns.iter().zip(&definition.columns);
    let options = ReadOptions {
        // What was declared holds for uploads into it.
        columns: columns
            .map(|(planned, defined)| ColumnOverride {
                label: planned.label.clone(),
                column_type: Some(defined.column_type),
                name: None,
                required: planned.required,
                skip: false,
            })
            .collect(),
        ..ReadOptions::default()
    };
    let fit = Fit::new_dataset(&plan);
    LoadedSheet {
        columns: replacing(&fit, None),
        prepared: Prepared {
            plan,
            label: label.to_owned(),
            before: None,
            fit,
            recipe: Recipe {
                options,
                key: key_label.filter(|_| definition.key.is_some()),
                has_other_rows: false,
            },
            mode: LoadMode::Create,
        },
        storage,
        key,
        table,
        n_nulls: None,
        counts: RowCounts::default(),
    }
}

/// What a draft wants to know of the job, where there is none.
fn no_job(workspace: WorkspaceId, label: &str) -> ClaimedJob {
    ClaimedJob {
        id: JobId(Uuid::nil()),
        workspace,
        kind: JobKind::Load,
        attempt: 0,
        dataset_name: String::new(),
        dataset_label: label.to_owned(),
        mode: LoadMode::Create,
        source: Source::none(),
        options: String::new(),
        created_by: None,
    }
}

fn version_of(draft: Draft, actor: &str) -> NewVersion {
    NewVersion {
        dataset: draft.dataset,
        rejects: draft.rejects,
        rejects_before: draft.rejects_before,
        indexes_before: draft.indexes_before,
        counts: RowCounts::default(),
        origin: Origin::new(actor, VersionAction::Create),
    }
}

/// Gives columns what their owner said about them.
fn describe(dataset: &mut Dataset, columns: &[NewColumn]) {
    let data = Arc::make_mut(&mut dataset.columns).iter_mut().filter(|column| !column.generated);
    for (column, defined) in data.zip(columns) {
        column.description = defined.description.clone().filter(|text| !text.is_empty());
    }
}

/// The dataset without its rows, and the indexes that the table still lacks.
fn emptied(
    before: &Arc<Dataset>,
    storage: &StorageId,
    table: &LoadedTable,
) -> (Dataset, Vec<(crate::catalog::model::Index, IndexDefinition)>) {
    let mut empty = Dataset::clone(before);
    empty.guard = StorageGuard::default();
    empty.storage = storage.clone();
    empty.version += 1;
    // Numbers that were given are not given again.
    empty.next_row = Some(before.next_row.unwrap_or(before.row_count + 1));
    empty.row_count = 0;
    empty.size_bytes = table.size_bytes;
    empty.n_rejects = 0;
    empty.source = None;
    empty.notices = Arc::from([]);
    empty.updated_at_us = now_us();
    let recipe = Arc::make_mut(&mut empty.recipe);
    recipe.has_other_rows = false;
    let mut number = 0;
    let columns = Arc::make_mut(&mut empty.columns);
    for column in columns.iter_mut() {
        column.n_nulls = 0;
        column.evidence =
            Evidence { reason: column.evidence.reason.clone(), ..Evidence::default() };
        if !column.generated {
            column.physical = physical_name(number);
            number += 1;
        }
    }
    let key = key_column(before).and_then(|key| columns.get(key)?.physical.clone().into());
    if let (Some(physical), Some(served)) = (key, columns.get_mut(empty.key)) {
        served.physical = physical;
    }
    empty.indexes.retain(|index| index.kind == crate::catalog::model::IndexKind::Key);
    let missing = rebuilt_indexes(before, &empty);
    (empty, missing)
}

/// A table that goes again unless it is published.
struct NewTable<'i> {
    ingest: &'i Ingest,
    storage: StorageId,
    is_kept: bool,
}

impl<'i> NewTable<'i> {
    fn begin(ingest: &'i Ingest) -> NewTable<'i> {
        NewTable { ingest, storage: StorageId::new(), is_kept: false }
    }

    async fn make(&mut self, spec: TableSpec) -> Result<LoadedTable> {
        let (store, storage) = (Arc::clone(&self.ingest.shared.store), self.storage.clone());
        let made = background::run(move || store.create_table(&storage, &spec)).await;
        match made.map_err(Error::internal)? {
            Ok(table) => Ok(table),
            Err(StoreError::Sheet(error)) => {
                Err(Error::new(Code::BadUserInput, format!("The dataset cannot be made: {error}.")))
            }
            Err(error) => Err(error.into()),
        }
    }

    fn keep(&mut self) {
        self.is_kept = true;
    }

    /// Why it was not published; what is not known to be unpublished stays.
    async fn failed(&mut self, error: CatalogError) -> Error {
        if error.is_unavailable() {
            // The next start removes it, if no dataset names it.
            self.is_kept = true;
        }
        error.into()
    }
}

impl Drop for NewTable<'_> {
    fn drop(&mut self) {
        if self.is_kept {
            return;
        }
        let (shared, storage) = (Arc::clone(&self.ingest.shared), self.storage.clone());
        // It may be dropped with the request; what is left is removed at the next start.
        self.ingest.spawn(async move {
            if let Ok(false) = shared.catalog.is_named(&storage).await
                && let Err(error) = shared.store.drop_table(&storage).await
            {
                tracing::warn!(table = storage.as_str(), %error, "a table is left for the next start to remove");
            }
        });
    }
}
