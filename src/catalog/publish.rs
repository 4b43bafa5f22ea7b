//! Changes of datasets: each is one transaction, and the snapshot is swapped after its commit.
//!
//! It exists so that a version is seen entirely or not at all, by every reader on every node. It
//! never loads or drops a table; what it replaces is written down in `retired_tables`.

use std::collections::HashSet;
use std::sync::Arc;

use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::sea_query::{Alias, Expr, ExprTrait, Func, OnConflict, Query};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, DatabaseTransaction, EntityTrait, QueryFilter,
    QuerySelect, SqlErr,
};
use sluice_schema::Notice;

use super::access::check_quotas;
use super::convert::{self, json, word};
use super::entities::{datasets, jobs, retired_tables, workspaces};
use super::events::Event;
use super::history::{self, Origin};
use super::model::{
    Dataset, DatasetId, Index, JobId, JobOutcome, JobStatus, RejectedRow, RejectsBefore, Relation,
    RowCounts, StorageId, WorkspaceId,
};
use super::{Catalog, CatalogError, Core, bounded, now_us, old_names, rejects};

/// The channel on which PostgreSQL tells nodes that a workspace changed.
pub(super) const CHANNEL: &str = "sluice_changed";

/// A dataset version to be published.
#[derive(Debug)]
pub struct NewVersion {
    /// The dataset as it shall be. `version` is 1 for a new one, else one more than the version
    /// that this one was made to follow; its `guard` is set by the catalog.
    pub dataset: Dataset,
    /// What the load refused.
    pub rejects: Vec<RejectedRow>,
    /// What becomes of what earlier loads refused.
    pub rejects_before: RejectsBefore,
    /// The indexes of the version before when this one was made: it has what became of them.
    pub indexes_before: Vec<String>,
    /// What became of the rows, for those who are told.
    pub counts: RowCounts,
    /// Who and what made it.
    pub origin: Origin,
}

/// All that a job made: published together or not at all.
#[derive(Debug)]
pub struct Publication {
    /// The job that made it; it SUCCEEDS in the same transaction.
    pub job: JobId,
    /// The job's beginning, as [`Catalog::claim`] gave it.
    pub attempt: i64,
    /// The versions, each of another dataset.
    pub versions: Vec<NewVersion>,
    /// Datasets that are as the job would make them, with their rows.
    pub unchanged: Vec<Arc<Dataset>>,
    /// What the job tells about the whole file.
    pub notices: Vec<Notice>,
    /// What became of the rows, and how columns differed.
    pub outcome: JobOutcome,
}

/// A relation to be put in the place of the one of this name.
pub(super) struct RelationChange {
    name: String,
    relation: Option<Relation>,
}

/// What became of an index.
#[derive(Debug)]
pub enum IndexEdit {
    /// It was built.
    Add(Index),
    /// It is no more.
    Remove(String),
    /// A query used it, at this time (microseconds since 1970 UTC).
    Used(String, i64),
}

impl IndexEdit {
    fn apply(self, indexes: &mut Vec<Index>) {
        match self {
            IndexEdit::Add(index) => {
                indexes.retain(|other| other.name != index.name);
                indexes.push(index);
            }
            IndexEdit::Remove(name) => indexes.retain(|index| index.name != name),
            IndexEdit::Used(name, at_us) => {
                for index in indexes.iter_mut().filter(|index| index.name == name) {
                    index.used_at_us = at_us;
                }
            }
        }
    }
}

/// What became of a version that was written.
pub(super) struct Written {
    /// Whether plans that were made before still hold.
    pub(super) is_same_schema: bool,
    /// Those that the dataset has now.
    pub(super) relations: Vec<Relation>,
}

impl Written {
    /// The dataset as it is then.
    pub(super) fn dataset(&self, version: &NewVersion) -> Dataset {
        Dataset { relations: self.relations.clone(), ..version.dataset.clone() }
    }
}

/// A change of what is told about a dataset.
pub(super) enum Change {
    /// These fields of its row.
    Row(Box<datasets::ActiveModel>),
    /// The same, made from this version.
    RowOf {
        /// The version.
        version: i64,
        /// The fields.
        row: Box<datasets::ActiveModel>,
    },
    /// Another name, type name and label; the name before goes on answering.
    Rename(String, String, String),
    /// An old name answers no longer.
    DropOldName(String),
    /// Rejects go, all of them when none are named.
    DiscardRejects(Option<Vec<i64>>),
    /// Adds, removes or marks an index of this table.
    Indexes {
        /// The table.
        storage: StorageId,
        /// What became of it.
        edit: Box<IndexEdit>,
    },
    /// Adds, replaces or removes a relation, whatever others did meanwhile.
    Relations(Box<RelationChange>),
}

/// What two versions of a dataset differ in, as far as plans depend on it.
fn same_schema(old: &Dataset, new: &Dataset) -> bool {
    old.name == new.name
        && old.type_name == new.type_name
        && old.key == new.key
        && old.columns.len() == new.columns.len()
        && old.columns.iter().zip(new.columns.iter()).all(|(old, new)| {
            old.name == new.name
                && old.physical == new.physical
                && old.column_type == new.column_type
                && old.nullable == new.nullable
                && old.generated == new.generated
                && old.label == new.label
                && old.description == new.description
        })
}

impl Catalog {
    /// Publishes what a job made, in one transaction: datasets, rejects, the job's success, the
    /// revisions; then swaps the snapshot.
    ///
    /// # Errors
    /// NameTaken when a new dataset's name exists; Changed when a version to be followed is not the
    /// present one any more; Cancelled when somebody asked for the job's end; NotRunning when it
    /// ended or was given to another runner; OverQuota; when the database is away (then it is not
    /// known whether it was published: ask for the job).
    pub async fn publish(
        &self,
        workspace: WorkspaceId,
        publication: Publication,
    ) -> Result<Vec<Arc<Dataset>>, CatalogError> {
        let core = &self.core;
        // Not between a change of rows and its version.
        let followed = publication.versions.iter().filter(|it| it.dataset.version > 1);
        let _rows = self.lock_rows(followed.map(|it| it.dataset.id)).await;
        let _change = core.lock_change().await?;
        let mut published = Vec::with_capacity(publication.versions.len());
        let (revision, schema_revision, written) = bounded(async {
            let transaction = core.begin().await?;
            let (revision, mut schema_revision) = grow(&transaction, workspace).await?;
            succeed(core, &transaction, workspace, &publication).await?;
            let is_present = core.is_next(workspace, revision);
            let mut is_schema_changed = false;
            let mut all_written = Vec::with_capacity(publication.versions.len());
            for version in &publication.versions {
                let written =
                    write_version(core, &transaction, workspace, version, revision).await?;
                is_schema_changed |= !written.is_same_schema;
                all_written.push(written);
                let new = &version.dataset;
                let event = Event::loaded(new.version, &version.counts, publication.job);
                core.enqueue_event(&transaction, workspace, is_present, new, &event).await?;
            }
            for same in &publication.unchanged {
                let event = Event::loaded(same.version, &RowCounts::default(), publication.job);
                core.enqueue_event(&transaction, workspace, is_present, same, &event).await?;
            }
            // Here, where one comes after the other: two loads at once could pass together.
            check_quotas(&transaction, workspace).await?;
            if is_schema_changed {
                let written = publication.versions.iter().zip(&all_written);
                let changed = written.filter(|(_, written)| !written.is_same_schema);
                let changed = changed.map(|(version, written)| written.dataset(version));
                schema_revision += 1;
                core.change_schema(
                    &transaction,
                    workspace,
                    schema_revision,
                    (changed.collect(), &[]),
                )
                .await?;
            }
            core.tell(&transaction, workspace).await?;
            transaction.commit().await?;
            Ok((revision, schema_revision, all_written))
        })
        .await?;
        for (mut version, written) in publication.versions.into_iter().zip(written) {
            let dataset = &mut version.dataset;
            dataset.relations = written.relations;
            dataset.guard = core.guard(dataset.storage.clone());
            published.push(version.dataset);
        }
        let published = core.published(workspace, published).await;
        core.follow(workspace, &published, revision, schema_revision).await;
        Ok(published)
    }

    /// Puts a relation in the place of the one of this name, or takes that away.
    ///
    /// # Errors
    /// NotFound; when the database is away.
    pub async fn set_relation(
        &self,
        workspace: WorkspaceId,
        dataset: DatasetId,
        name: &str,
        relation: Option<Relation>,
    ) -> Result<Arc<Dataset>, CatalogError> {
        let change = RelationChange { name: name.to_owned(), relation };
        self.change_dataset(workspace, dataset, Change::Relations(Box::new(change))).await
    }

    /// Writes down what became of an index of a table, whatever others did meanwhile; the schema
    /// revision and the version stay.
    ///
    /// # Errors
    /// Changed when the dataset has another table by now; NotFound; when the database is away.
    pub async fn change_index(
        &self,
        workspace: WorkspaceId,
        dataset: DatasetId,
        storage: &StorageId,
        edit: IndexEdit,
    ) -> Result<Arc<Dataset>, CatalogError> {
        let change = Change::Indexes { storage: storage.clone(), edit: Box::new(edit) };
        self.change_dataset(workspace, dataset, change).await
    }

    /// Changes what is told about a dataset, in one transaction; the version stays.
    ///
    /// # Errors
    /// NotFound; NameTaken when a unique name is taken; when the database is away.
    pub(super) async fn change_dataset(
        &self,
        workspace: WorkspaceId,
        dataset: DatasetId,
        change: Change,
    ) -> Result<Arc<Dataset>, CatalogError> {
        let core = &self.core;
        let _change = core.lock_change().await?;
        bounded(async {
            let transaction = core.begin().await?;
            let (revision, schema_revision) = grow(&transaction, workspace).await?;
            let mut of_version = None;
            let mut row = match change {
                Change::Row(row) => *row,
                Change::RowOf { version, row } => {
                    of_version = Some(version);
                    *row
                }
                Change::Indexes { storage, edit } => {
                    let row = row_of(&transaction, workspace, dataset).await?;
                    if row.storage != storage.as_str() {
                        return Err(CatalogError::Changed);
                    }
                    let mut indexes: Vec<Index> = convert::from_json(&row.indexes)?;
                    edit.apply(&mut indexes);
                    datasets::ActiveModel { indexes: Set(json(&indexes)?), ..Default::default() }
                }
                Change::Relations(change) => {
                    let row = row_of(&transaction, workspace, dataset).await?;
                    let mut relations: Vec<Relation> = convert::from_json(&row.relations)?;
                    relations.retain(|relation| relation.name != change.name);
                    relations.extend(change.relation);
                    datasets::ActiveModel {
                        relations: Set(json(&relations)?),
                        ..Default::default()
                    }
                }
                Change::Rename(name, type_name, label) => {
                    let row = row_of(&transaction, workspace, dataset).await?;
                    old_names::release(&transaction, workspace, &name, revision).await?;
                    old_names::renamed(&row, (name, type_name, &label))?
                }
                Change::DropOldName(name) => {
                    let row = row_of(&transaction, workspace, dataset).await?;
                    let mut names: Vec<String> = convert::from_json(&row.old_names)?;
                    names.retain(|old| *old != name);
                    datasets::ActiveModel { old_names: Set(json(&names)?), ..Default::default() }
                }
                Change::DiscardRejects(ids) => {
                    let n_rejects = rejects::discard(&transaction, dataset, ids.as_deref()).await?;
                    datasets::ActiveModel { n_rejects: Set(n_rejects), ..Default::default() }
                }
            };
            row.revision = Set(revision);
            let is_schema_changed = row.description.is_set()
                || row.columns.is_set()
                || row.label.is_set()
                || row.relations.is_set()
                || row.old_names.is_set()
                || row.name.is_set();
            let mut update = datasets::Entity::update_many()
                .set(row)
                .filter(datasets::Column::Id.eq(dataset.0.to_string()))
                .filter(datasets::Column::WorkspaceId.eq(workspace.0.to_string()));
            if let Some(version) = of_version {
                update = update.filter(datasets::Column::Version.eq(version));
            }
            let changed =
                update.exec(&transaction).await.map_err(|error| match error.sql_err() {
                    Some(SqlErr::UniqueConstraintViolation(name)) => CatalogError::NameTaken(name),
                    _ => error.into(),
                })?;
            if changed.rows_affected == 0 {
                return Err(match of_version {
                    Some(_) => CatalogError::Changed,
                    None => CatalogError::NotFound,
                });
            }
            if is_schema_changed {
                let row = row_of(&transaction, workspace, dataset).await?;
                let changed = convert::dataset(row, |_| Default::default())?;
                core.change_schema(
                    &transaction,
                    workspace,
                    schema_revision + 1,
                    (vec![changed], &[]),
                )
                .await?;
            }
            core.tell(&transaction, workspace).await?;
            transaction.commit().await?;
            Ok(())
        })
        .await?;
        let snapshot = bounded(core.refresh(workspace)).await?;
        snapshot.dataset_by_id(dataset).cloned().ok_or(CatalogError::NotFound)
    }

    /// Every table that a dataset of any workspace names, now or in a version that is kept.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn named_tables(&self) -> Result<HashSet<StorageId>, CatalogError> {
        bounded(async {
            let all: Vec<String> = datasets::Entity::find()
                .select_only()
                .column(datasets::Column::Storage)
                .into_tuple()
                .all(&self.core.read)
                .await?;
            let mut named: HashSet<StorageId> =
                all.iter().filter_map(|storage| StorageId::parse(storage)).collect();
            named.extend(history::tables_of(&self.core.read, None).await?);
            Ok(named)
        })
        .await
    }

    /// Whether a dataset of any workspace names this table, now or in a version that is kept.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn is_named(&self, storage: &StorageId) -> Result<bool, CatalogError> {
        bounded(history::is_named(&self.core.write, storage)).await
    }

    /// Replaced tables that were retired before this time and have not been removed yet.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn retired_tables(&self, before_us: i64) -> Result<Vec<StorageId>, CatalogError> {
        bounded(async {
            let rows = retired_tables::Entity::find()
                .filter(retired_tables::Column::RetiredAtUs.lt(before_us))
                .all(&self.core.read)
                .await?;
            Ok(rows.iter().filter_map(|row| StorageId::parse(&row.storage)).collect())
        })
        .await
    }

    /// Strikes a replaced table off the list: it was removed.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn forget_table(&self, storage: &StorageId) -> Result<(), CatalogError> {
        bounded(async {
            retired_tables::Entity::delete_by_id(storage.as_str()).exec(&self.core.write).await?;
            Ok(())
        })
        .await
    }
}

impl Core {
    /// Datasets that were just published, with the versions that are kept; on a failure they are
    /// found by the next refresh.
    pub(super) async fn published(
        &self,
        workspace: WorkspaceId,
        mut datasets: Vec<Dataset>,
    ) -> Vec<Arc<Dataset>> {
        let snapshot = self.snapshot(workspace);
        let before = |id| snapshot.dataset_by_id(id).cloned();
        let read = self.read_versions(&self.write, workspace, &mut datasets, before);
        if let Err(error) = bounded(read).await {
            tracing::warn!(%error, "the versions of a dataset could not be read; they are with the next change");
        }
        datasets.into_iter().map(Arc::new).collect()
    }

    /// Tells other nodes, once the transaction is committed.
    pub(super) async fn tell(
        &self,
        transaction: &DatabaseTransaction,
        workspace: WorkspaceId,
    ) -> Result<(), CatalogError> {
        if self.is_postgres() {
            let call =
                Func::cust(Alias::new("pg_notify")).arg(CHANNEL).arg(workspace.0.to_string());
            transaction.query_one(Query::select().expr(call)).await?;
        }
        Ok(())
    }

    /// Brings the snapshot after a commit; the caller holds `change`.
    pub(super) async fn follow(
        &self,
        workspace: WorkspaceId,
        published: &[Arc<Dataset>],
        revision: i64,
        schema_revision: i64,
    ) {
        self.wake_webhooks();
        let old = self.snapshot(workspace);
        for dataset in published {
            if let Some(before) = old.dataset_by_id(dataset.id)
                && before.storage != dataset.storage
            {
                before.guard.retire();
            }
        }
        if old.revision + 1 == revision {
            let next = old.with_changes(published.iter().cloned(), &[], revision, schema_revision);
            self.swap(Arc::new(next));
        } else if let Err(error) = bounded(self.refresh(workspace)).await {
            // Another node published in between. The watcher asks again within seconds.
            tracing::warn!(%error, "the snapshot could not be refreshed after a change");
        }
    }
}

/// The present row of a dataset.
async fn row_of(
    transaction: &DatabaseTransaction,
    workspace: WorkspaceId,
    dataset: DatasetId,
) -> Result<datasets::Model, CatalogError> {
    datasets::Entity::find_by_id(dataset.0.to_string())
        .filter(datasets::Column::WorkspaceId.eq(workspace.0.to_string()))
        .one(transaction)
        .await?
        .ok_or(CatalogError::NotFound)
}

/// Locks the workspace's row and lets its revision grow; gives the new one and the schema's.
pub(super) async fn grow(
    transaction: &DatabaseTransaction,
    workspace: WorkspaceId,
) -> Result<(i64, i64), CatalogError> {
    grow_by(transaction, workspace, 1).await
}

/// The same by so many changes at once.
pub(super) async fn grow_by(
    transaction: &DatabaseTransaction,
    workspace: WorkspaceId,
    n: i64,
) -> Result<(i64, i64), CatalogError> {
    let id = workspace.0.to_string();
    workspaces::Entity::update_many()
        .col_expr(workspaces::Column::Revision, Expr::col(workspaces::Column::Revision).add(n))
        .filter(workspaces::Column::Id.eq(&id))
        .exec(transaction)
        .await?;
    let row = workspaces::Entity::find_by_id(&id).one(transaction).await?;
    let row = row.ok_or(CatalogError::NotFound)?;
    Ok((row.revision, row.schema_revision))
}

pub(super) async fn set_schema_revision(
    transaction: &DatabaseTransaction,
    workspace: WorkspaceId,
    schema_revision: i64,
) -> Result<(), CatalogError> {
    workspaces::Entity::update_many()
        .col_expr(workspaces::Column::SchemaRevision, Expr::value(schema_revision))
        .filter(workspaces::Column::Id.eq(workspace.0.to_string()))
        .exec(transaction)
        .await?;
    Ok(())
}

/// Marks the job SUCCEEDED if it is still run by this node at this beginning.
async fn succeed(
    core: &Core,
    transaction: &DatabaseTransaction,
    workspace: WorkspaceId,
    publication: &Publication,
) -> Result<(), CatalogError> {
    let made = publication.versions.iter().map(|version| &version.dataset);
    let all = made.chain(publication.unchanged.iter().map(AsRef::as_ref));
    let ids: Vec<DatasetId> = all.clone().map(|dataset| dataset.id).collect();
    let row_count = all.map(|dataset| dataset.row_count).sum();
    let job = jobs::ActiveModel {
        status: Set(word(JobStatus::Succeeded)?),
        datasets: Set(json(&ids)?),
        notices: Set(json(&publication.notices)?),
        outcome: Set(json(&publication.outcome)?),
        row_count: Set(row_count),
        finished_at_us: Set(Some(now_us())),
        ..Default::default()
    };
    let ended = jobs::Entity::update_many()
        .set(job)
        .filter(jobs::Column::Id.eq(publication.job.0.to_string()))
        .filter(jobs::Column::WorkspaceId.eq(workspace.0.to_string()))
        .filter(jobs::Column::Status.eq(word(JobStatus::Running)?))
        .filter(jobs::Column::Node.eq(&core.node))
        .filter(jobs::Column::Attempts.eq(publication.attempt))
        .filter(jobs::Column::IsCancelAsked.eq(false))
        .exec(transaction)
        .await?;
    if ended.rows_affected > 0 {
        return Ok(());
    }
    let row = jobs::Entity::find_by_id(publication.job.0.to_string()).one(transaction).await?;
    match row {
        Some(row) if row.is_cancel_asked => Err(CatalogError::Cancelled),
        _ => Err(CatalogError::NotRunning),
    }
}

/// Writes a dataset's row, retires the table before it, and keeps what was refused; tells whether
/// the schema stays the same.
pub(super) async fn write_version(
    core: &Core,
    transaction: &DatabaseTransaction,
    workspace: WorkspaceId,
    version: &NewVersion,
    revision: i64,
) -> Result<Written, CatalogError> {
    let new = &version.dataset;
    let mut row = convert::dataset_row(workspace, new, revision)?;
    let written = if new.version == 1 {
        let made = datasets::Entity::insert(row).exec_without_returning(transaction).await;
        made.map_err(|error| match error.sql_err() {
            Some(SqlErr::UniqueConstraintViolation(_)) => CatalogError::NameTaken(new.name.clone()),
            _ => error.into(),
        })?;
        old_names::release(transaction, workspace, &new.name, revision).await?;
        core.write_history(transaction, workspace, version, None).await?;
        Written { is_same_schema: false, relations: new.relations.clone() }
    } else {
        let old = datasets::Entity::find_by_id(new.id.0.to_string())
            .filter(datasets::Column::WorkspaceId.eq(workspace.0.to_string()))
            .one(transaction)
            .await?
            .ok_or(CatalogError::Changed)?;
        let old = convert::dataset(old, |_| Default::default())?;
        let indexes = old.indexes.iter().map(|index| &index.name);
        let is_renamed = old.name != new.name || old.old_names != new.old_names;
        if is_renamed || old.version + 1 != new.version || !indexes.eq(&version.indexes_before) {
            return Err(CatalogError::Changed);
        }
        // They may have changed since the load began.
        row.relations = NotSet;
        row.update(transaction).await?;
        core.write_history(transaction, workspace, version, Some(&old)).await?;
        Written { is_same_schema: same_schema(&old, new), relations: old.relations }
    };
    rejects::keep(transaction, workspace, version).await?;
    Ok(written)
}

/// Removes a dataset's row and its versions, and retires their tables; gives the present one.
pub(super) async fn remove(
    core: &Core,
    transaction: &DatabaseTransaction,
    workspace: WorkspaceId,
    row: datasets::Model,
) -> Result<StorageId, CatalogError> {
    let (_, schema_revision) = grow(transaction, workspace).await?;
    let id = DatasetId(convert::parse_uuid(&row.id)?);
    core.change_schema(transaction, workspace, schema_revision + 1, (Vec::new(), &[id])).await?;
    let storage = StorageId::parse(&row.storage)
        .ok_or_else(|| CatalogError::Damaged(format!("{:?} is not a table", row.storage)))?;
    rejects::forget_all(transaction, &row.id).await?;
    let mut tables: HashSet<StorageId> =
        history::tables_of(transaction, Some(&row.id)).await?.into_iter().collect();
    tables.insert(storage.clone());
    datasets::Entity::delete_by_id(row.id).exec(transaction).await?;
    for table in &tables {
        retire(transaction, workspace, table).await?;
    }
    core.tell(transaction, workspace).await?;
    Ok(storage)
}

pub(super) async fn retire(
    transaction: &DatabaseTransaction,
    workspace: WorkspaceId,
    storage: &StorageId,
) -> Result<(), CatalogError> {
    let row = retired_tables::ActiveModel {
        storage: Set(storage.as_str().to_owned()),
        workspace_id: Set(workspace.0.to_string()),
        retired_at_us: Set(now_us()),
    };
    retired_tables::Entity::insert(row)
        .on_conflict(
            OnConflict::column(retired_tables::Column::Storage)
                .update_column(retired_tables::Column::RetiredAtUs)
                .to_owned(),
        )
        .exec_without_returning(transaction)
        .await?;
    Ok(())
}
