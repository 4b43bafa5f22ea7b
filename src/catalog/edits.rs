//! Changes of rows in place, as the catalog knows them: versions, numbers of rows, answers.
//!
//! Rows are changed by others, who hold the lock of each dataset meanwhile. On PostgreSQL what is
//! written here is part of their transaction. On the embedded store it follows their commit, by
//! and by ([`super::late`]), and need not wait for the disk a second time.

use std::sync::Arc;

use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Alias, Func, OnConflict, Query};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DatabaseTransaction, EntityTrait, QueryFilter,
    SqliteTransactionMode, TransactionOptions, TransactionTrait,
};
use serde::{Deserialize, Serialize};
use tokio::sync::OwnedMutexGuard;

use super::access::check_quotas;
use super::convert::word;
use super::entities::{dataset_versions, datasets, write_answers};
use super::events::{Event, EventKind};
use super::model::{Dataset, DatasetId, StorageId, WorkspaceId};
use super::publish::grow;
use super::{Catalog, CatalogError, Core, bounded, now_us};

/// Rows of one INSERT.
const ROWS_PER_INSERT: usize = 500;

/// What made a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum VersionAction {
    /// A load made the dataset.
    Create,
    /// A load replaced all rows.
    Replace,
    /// A load added rows.
    Append,
    /// A load added and changed rows.
    Upsert,
    /// The rows were made anew, with other columns.
    Derive,
    /// Corrected rejects were added.
    Admit,
    /// Mutations changed rows.
    Write,
    /// All rows were removed.
    Truncate,
    /// An earlier version came back.
    Revert,
}

/// A version as it is remembered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VersionRecord {
    /// Its number.
    pub version: i64,
    /// Microseconds since 1970 UTC.
    pub at_us: i64,
    /// Who, as the audit log names him.
    pub actor: String,
    /// What.
    pub action: VersionAction,
    /// Rows that came.
    pub n_inserted: i64,
    /// Rows that changed.
    pub n_updated: i64,
    /// Rows that went.
    pub n_deleted: i64,
    /// Rows that it has.
    pub row_count: i64,
    /// The number of the next new row.
    pub next_row: i64,
}

/// New versions of a dataset whose rows were changed in place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Edit {
    /// Which.
    pub dataset: DatasetId,
    /// Where its rows are.
    pub storage: StorageId,
    /// The version before.
    pub before: i64,
    /// The number of the next new row before.
    pub next_row_before: i64,
    /// The versions, oldest first; the last is the present one.
    pub versions: Vec<VersionRecord>,
    /// Bytes that it takes.
    pub size_bytes: i64,
}

impl Edit {
    /// Whether any of the versions has more rows than the one before.
    pub(super) fn grows(&self) -> bool {
        self.versions.iter().any(|it| it.n_inserted > it.n_deleted)
    }
}

/// The answer of a write that may be sent again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KeptAnswer {
    /// Whose.
    pub actor: String,
    /// The id that was given for it.
    pub request_id: String,
    /// SHA-256 of what was asked, lower-case hexadecimal.
    pub sha256: String,
    /// The body.
    pub answer: String,
}

/// The right to change rows of datasets, until it is dropped.
#[derive(Debug)]
pub struct RowLocks(#[allow(dead_code, reason = "held, not looked at")] Vec<OwnedMutexGuard<()>>);

/// A commit of files that is under way.
pub struct Committing {
    core: Arc<Core>,
    datasets: Vec<DatasetId>,
}

impl Drop for Committing {
    fn drop(&mut self) {
        let mut committing = self.core.committing();
        for id in &self.datasets {
            committing.remove(id);
        }
    }
}

impl Catalog {
    /// Waits for the right to change rows of these datasets, in turn with others of this process.
    pub async fn lock_rows(&self, datasets: impl IntoIterator<Item = DatasetId>) -> RowLocks {
        let mut ids: Vec<DatasetId> = datasets.into_iter().collect();
        // The same order for all, so that no two wait for each other.
        ids.sort_unstable();
        ids.dedup();
        let mut locks = Vec::with_capacity(ids.len());
        for id in ids {
            let lock = self.core.row_lock(id);
            locks.push(lock.lock_owned().await);
        }
        RowLocks(locks)
    }

    /// Says that files of these datasets are being committed, until the value is dropped: what is read
    /// of several of them meanwhile may be of different versions (the embedded store).
    pub fn begin_commit(&self, datasets: impl IntoIterator<Item = DatasetId>) -> Committing {
        let datasets: Vec<DatasetId> = datasets.into_iter().collect();
        self.core.committing().extend(datasets.iter().copied());
        Committing { core: Arc::clone(&self.core), datasets }
    }

    /// Whether files of any of these datasets are being committed now.
    pub fn is_committing(&self, datasets: &[DatasetId]) -> bool {
        let committing = self.core.committing();
        datasets.iter().any(|id| committing.contains(id))
    }

    /// Makes known, and lasting, that rows of a dataset will be changed in place: after a crash its
    /// file is looked at (the embedded store). The caller holds its lock.
    ///
    /// # Errors
    /// Changed when it has other rows by now; when the database is away.
    pub async fn expect_edits(
        &self,
        workspace: WorkspaceId,
        dataset: &Dataset,
    ) -> Result<(), CatalogError> {
        let core = &self.core;
        let _change = core.lock_change().await?;
        let next_row = dataset.row_count + 1;
        let (revision, schema_revision) = bounded(async {
            let transaction = core.begin().await?;
            let (revision, schema_revision) = grow(&transaction, workspace).await?;
            let row = datasets::ActiveModel {
                next_row: Set(Some(next_row)),
                revision: Set(revision),
                ..Default::default()
            };
            let changed = datasets::Entity::update_many()
                .set(row)
                .filter(datasets::Column::Id.eq(dataset.id.0.to_string()))
                .filter(datasets::Column::Version.eq(dataset.version))
                .filter(datasets::Column::Storage.eq(dataset.storage.as_str()))
                .exec(&transaction)
                .await?;
            if changed.rows_affected == 0 {
                return Err(CatalogError::Changed);
            }
            core.tell(&transaction, workspace).await?;
            transaction.commit().await?;
            Ok((revision, schema_revision))
        })
        .await?;
        let next = Dataset { next_row: Some(next_row), ..dataset.clone() };
        core.follow(workspace, &[Arc::new(next)], revision, schema_revision).await;
        Ok(())
    }

    /// Begins a transaction of PostgreSQL that will change rows of these datasets, in turn with
    /// other nodes; tells of each the version, the rows and the next row's number in it.
    ///
    /// # Errors
    /// Changed when one of them has another table than the snapshot shows: refresh, and look again;
    /// when the database is away.
    pub async fn begin_edits(
        &self,
        workspace: WorkspaceId,
        datasets: &[Arc<Dataset>],
    ) -> Result<(DatabaseTransaction, Vec<(i64, i64, Option<i64>)>), CatalogError> {
        bounded(async {
            let transaction = self.core.rows.begin().await?;
            let mut ids: Vec<String> = datasets.iter().map(|it| it.id.0.to_string()).collect();
            ids.sort_unstable();
            for id in &ids {
                let key = Func::cust(Alias::new("hashtextextended")).arg(id.as_str()).arg(0_i64);
                let lock = Func::cust(Alias::new("pg_advisory_xact_lock")).arg(key);
                transaction.query_one(Query::select().expr(lock)).await?;
            }
            let mut present = Vec::with_capacity(datasets.len());
            for dataset in datasets {
                let row = datasets::Entity::find_by_id(dataset.id.0.to_string())
                    .filter(datasets::Column::WorkspaceId.eq(workspace.0.to_string()))
                    .one(&transaction)
                    .await?
                    .ok_or(CatalogError::NotFound)?;
                if row.storage != dataset.storage.as_str() {
                    return Err(CatalogError::Changed);
                }
                present.push((row.version, row.row_count, row.next_row));
            }
            Ok((transaction, present))
        })
        .await
    }

    /// Publishes versions whose rows were changed in place, and keeps answers, by the transaction
    /// in which they were changed (PostgreSQL). The caller holds the datasets' locks.
    ///
    /// # Errors
    /// Changed when a dataset has another version or table by now; OverQuota; when the database is
    /// away (it is not known then whether they were published).
    pub async fn publish_edits(
        &self,
        workspace: WorkspaceId,
        transaction: DatabaseTransaction,
        edits: &[Edit],
        answers: &[KeptAnswer],
    ) -> Result<(), CatalogError> {
        let core = &self.core;
        let _change = core.lock_change().await?;
        let (revision, schema_revision) = bounded(async {
            let (revision, schema_revision) = grow(&transaction, workspace).await?;
            let is_present = core.is_next(workspace, revision);
            core.write_edits(&transaction, workspace, edits, answers, (revision, is_present))
                .await?;
            if edits.iter().any(Edit::grows) {
                check_quotas(&transaction, workspace).await?;
            }
            core.tell(&transaction, workspace).await?;
            transaction.commit().await?;
            Ok((revision, schema_revision))
        })
        .await?;
        let snapshot = core.snapshot(workspace);
        let edited = edits
            .iter()
            .filter_map(|edit| core.edited(snapshot.dataset_by_id(edit.dataset)?, edit))
            .collect::<Vec<_>>();
        core.follow(workspace, &edited, revision, schema_revision).await;
        Ok(())
    }

    /// What was answered to a write with this id: the hash of what was asked, and the body.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn kept_answer(
        &self,
        workspace: WorkspaceId,
        actor: &str,
        request_id: &str,
    ) -> Result<Option<(String, String)>, CatalogError> {
        if let Some(kept) = self.core.late.answer(workspace, actor, request_id) {
            return Ok(Some(kept));
        }
        bounded(async {
            let key = (workspace.0.to_string(), actor.to_owned(), request_id.to_owned());
            let row = write_answers::Entity::find_by_id(key).one(&self.core.write).await?;
            Ok(row.map(|row| (row.sha256, row.answer)))
        })
        .await
    }

    /// Forgets answers that were kept before this time.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn forget_answers(&self, before_us: i64) -> Result<(), CatalogError> {
        bounded(async {
            write_answers::Entity::delete_many()
                .filter(write_answers::Column::AtUs.lt(before_us))
                .exec(&self.core.write)
                .await?;
            Ok(())
        })
        .await
    }
}

impl Core {
    /// Writes down edits, what webhooks are told of them, and answers. The revision is the one
    /// that the workspace has now; with it comes whether the picture shows all that led to it.
    pub(super) async fn write_edits(
        &self,
        transaction: &DatabaseTransaction,
        workspace: WorkspaceId,
        edits: &[Edit],
        answers: &[KeptAnswer],
        (revision, is_present): (i64, bool),
    ) -> Result<(), CatalogError> {
        for edit in edits {
            write_edit(transaction, workspace, edit, revision).await?;
            self.enqueue_edit(transaction, workspace, edit, is_present).await?;
        }
        for answer in answers {
            keep_answer(transaction, workspace, answer).await?;
        }
        Ok(())
    }

    /// Writes down what webhooks are told of an edit.
    async fn enqueue_edit(
        &self,
        transaction: &DatabaseTransaction,
        workspace: WorkspaceId,
        edit: &Edit,
        is_present: bool,
    ) -> Result<(), CatalogError> {
        let snapshot = self.snapshot(workspace);
        let Some(dataset) = snapshot.dataset_by_id(edit.dataset) else { return Ok(()) };
        for record in &edit.versions {
            for (kind, n_rows) in [
                (EventKind::Insert, record.n_inserted),
                (EventKind::Update, record.n_updated),
                (EventKind::Delete, record.n_deleted),
            ] {
                if n_rows == 0 {
                    continue;
                }
                let mut event = Event::new(kind, record.version);
                event.at_us = record.at_us;
                match kind {
                    EventKind::Insert => event.n_inserted = n_rows,
                    EventKind::Update => event.n_updated = n_rows,
                    _ => event.n_deleted = n_rows,
                }
                self.enqueue_event(transaction, workspace, is_present, dataset, &event).await?;
            }
        }
        Ok(())
    }

    fn committing(&self) -> std::sync::MutexGuard<'_, std::collections::HashSet<DatasetId>> {
        self.committing.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// The lock of a dataset's rows.
    pub(super) fn row_lock(&self, dataset: DatasetId) -> Arc<tokio::sync::Mutex<()>> {
        let mut locks = self.row_locks.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        // Those that nobody holds or waits for are not needed.
        if locks.len() > 1_000 {
            locks.retain(|_, lock| Arc::strong_count(lock) > 1);
        }
        Arc::clone(locks.entry(dataset).or_default())
    }

    /// A transaction that is not synced at its commit (the embedded store).
    pub(super) async fn begin_relaxed(&self) -> Result<DatabaseTransaction, sea_orm::DbErr> {
        let options = TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        };
        self.rows.begin_with_options(options).await
    }
}

async fn write_edit(
    transaction: &DatabaseTransaction,
    workspace: WorkspaceId,
    edit: &Edit,
    revision: i64,
) -> Result<(), CatalogError> {
    let Some(last) = edit.versions.last() else { return Ok(()) };
    let row = datasets::ActiveModel {
        version: Set(last.version),
        revision: Set(revision),
        row_count: Set(last.row_count),
        size_bytes: Set(edit.size_bytes),
        next_row: Set(Some(last.next_row)),
        updated_at_us: Set(last.at_us),
        ..Default::default()
    };
    let changed = datasets::Entity::update_many()
        .set(row)
        .filter(datasets::Column::Id.eq(edit.dataset.0.to_string()))
        .filter(datasets::Column::WorkspaceId.eq(workspace.0.to_string()))
        .filter(datasets::Column::Version.eq(edit.before))
        .filter(datasets::Column::Storage.eq(edit.storage.as_str()))
        .exec(transaction)
        .await?;
    if changed.rows_affected == 0 {
        return Err(CatalogError::Changed);
    }
    for records in edit.versions.chunks(ROWS_PER_INSERT) {
        let rows = records
            .iter()
            .map(|record| version_row(workspace, edit.dataset, &edit.storage, record))
            .collect::<Result<Vec<_>, _>>()?;
        dataset_versions::Entity::insert_many(rows).exec_without_returning(transaction).await?;
    }
    Ok(())
}

/// A version's row.
pub(super) fn version_row(
    workspace: WorkspaceId,
    dataset: DatasetId,
    storage: &StorageId,
    record: &VersionRecord,
) -> Result<dataset_versions::ActiveModel, CatalogError> {
    Ok(dataset_versions::ActiveModel {
        dataset_id: Set(dataset.0.to_string()),
        version: Set(record.version),
        workspace_id: Set(workspace.0.to_string()),
        at_us: Set(record.at_us),
        actor: Set(record.actor.clone()),
        action: Set(word(record.action)?),
        storage: Set(storage.as_str().to_owned()),
        n_inserted: Set(record.n_inserted),
        n_updated: Set(record.n_updated),
        n_deleted: Set(record.n_deleted),
        row_count: Set(record.row_count),
        next_row: Set(Some(record.next_row)),
        shape: Set(None),
        job_id: Set(None),
        file_name: Set(None),
        fingerprint: Set(None),
        has_log: Set(Some(true)),
    })
}

async fn keep_answer(
    transaction: &DatabaseTransaction,
    workspace: WorkspaceId,
    kept: &KeptAnswer,
) -> Result<(), CatalogError> {
    let row = write_answers::ActiveModel {
        workspace_id: Set(workspace.0.to_string()),
        actor: Set(kept.actor.clone()),
        request_id: Set(kept.request_id.clone()),
        sha256: Set(kept.sha256.clone()),
        answer: Set(kept.answer.clone()),
        at_us: Set(now_us()),
    };
    let key = [
        write_answers::Column::WorkspaceId,
        write_answers::Column::Actor,
        write_answers::Column::RequestId,
    ];
    write_answers::Entity::insert(row)
        .on_conflict(OnConflict::columns(key).do_nothing().to_owned())
        .exec_without_returning(transaction)
        .await?;
    Ok(())
}
