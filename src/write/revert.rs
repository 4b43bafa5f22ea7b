//! Brings an earlier version of a dataset back, as a new version.
//!
//! Within one table the log tells what the rows were, and the revert is a change of rows like any
//! other: logged, recorded, undone after a crash. A version that had another table gets that table
//! back, with its columns and its key. Its rows are brought to what they were first: until the
//! catalog names the table this changes no version, because what every version was is in the log.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::batch::table_of;
use super::{MAX_PLANS, Writer, check_version};
use crate::catalog::edits::{Edit, VersionAction, VersionRecord};
use crate::catalog::events::{Event, EventKind};
use crate::catalog::history::{KeptVersion, Origin};
use crate::catalog::model::{Dataset, DatasetId, RejectsBefore, RowCounts, WorkspaceId};
use crate::catalog::{CatalogError, NewVersion, now_us};
use crate::error::{Error, Result};
use crate::query::past::unknown;
use crate::store::write::{Reverted, RowTransaction, Session};

/// How long bringing rows back may take: it is about whole datasets.
const PATIENCE: Duration = Duration::from_secs(600);

/// What is to be brought back.
#[derive(Clone, Debug)]
pub struct Revert {
    /// Whose.
    pub workspace: WorkspaceId,
    /// Who asks, as the audit log names him.
    pub actor: String,
    /// Of which dataset.
    pub dataset: DatasetId,
    /// Which version.
    pub version: i64,
    /// The version that was looked at: with another one nothing is done.
    pub if_version: Option<i64>,
}

/// A failure, or that it is to be tried again because something has changed.
enum Failure {
    Changed,
    Final(Error),
}

impl<E: Into<Error>> From<E> for Failure {
    fn from(error: E) -> Failure {
        Failure::Final(error.into())
    }
}

/// A failure of the catalog.
fn of_catalog(error: CatalogError) -> Failure {
    match error {
        CatalogError::Changed => Failure::Changed,
        error => Failure::Final(error.into()),
    }
}

impl Writer {
    /// Makes a new version whose rows, columns and key are those of an earlier one; gives the
    /// dataset as it is then. The present version is answered as it is.
    ///
    /// # Errors
    /// NOT_FOUND for a version that is not kept; CONFLICT for another version than the one that was
    /// looked at; STORAGE_UNAVAILABLE.
    pub async fn revert(self: &Arc<Writer>, revert: Revert) -> Result<Arc<Dataset>> {
        let (reply, answer) = oneshot::channel();
        let writer = Arc::clone(self);
        // It goes on when nobody waits any more.
        self.tasks.spawn(async move {
            let _ = reply.send(writer.revert_in_turn(&revert).await);
        });
        answer.await.map_err(|_| Error::internal("a revert was given up"))?
    }

    async fn revert_in_turn(&self, revert: &Revert) -> Result<Arc<Dataset>> {
        let Revert { workspace, dataset, version, if_version, .. } = *revert;
        let gone = || Error::not_found("The dataset is gone.");
        let _locks = self.catalog.lock_rows([dataset]).await;
        self.settle(workspace, &[dataset])?;
        for _ in 0..MAX_PLANS {
            let snapshot = self.catalog.snapshot(workspace);
            let present = snapshot.dataset_by_id(dataset).cloned().ok_or_else(gone)?;
            check_version(&present.name, present.version, if_version)?;
            let kept = present.kept(version).cloned().ok_or_else(|| unknown(&present, version))?;
            if kept.version == present.version {
                return Ok(present);
            }
            let done = if kept.storage == present.storage {
                self.revert_rows(revert, &present, &kept).await
            } else {
                self.revert_table(revert, &present, &kept).await
            };
            match done {
                Ok(()) => {
                    let snapshot = self.catalog.snapshot(workspace);
                    return snapshot.dataset_by_id(dataset).cloned().ok_or_else(gone);
                }
                Err(Failure::Changed) => {
                    self.catalog.refresh(workspace).await?;
                }
                Err(Failure::Final(error)) => return Err(error),
            }
        }
        Err(CatalogError::Changed.into())
    }

    /// Brings the rows of the present table back.
    async fn revert_rows(
        &self,
        revert: &Revert,
        present: &Arc<Dataset>,
        kept: &KeptVersion,
    ) -> std::result::Result<(), Failure> {
        let workspace = revert.workspace;
        let begun = self.begin(workspace, std::slice::from_ref(present)).await;
        let begun = begun.map_err(of_catalog)?;
        let now = begun.present.first().copied().ok_or(Failure::Changed)?;
        let (version, row_count, next_row) = now;
        if version != present.version {
            return Err(Failure::Changed);
        }
        let next_row = next_row.unwrap_or(row_count + 1);
        let (session, size_bytes, done) =
            self.bring_back(begun.transaction, present, (kept, present)).await?;
        let record = VersionRecord {
            version: version + 1,
            at_us: now_us(),
            actor: revert.actor.clone(),
            action: VersionAction::Revert,
            n_inserted: done.inserted,
            n_updated: done.updated,
            n_deleted: done.deleted,
            row_count: row_count + done.inserted - done.deleted,
            next_row,
        };
        let edit = Edit {
            dataset: present.id,
            storage: present.storage.clone(),
            before: version,
            next_row_before: next_row,
            versions: vec![record],
            size_bytes,
        };
        let commit = || self.commit(workspace, session, vec![edit], Vec::new());
        let committed = tokio::task::block_in_place(commit)?;
        Ok(self.publish(workspace, committed).await?)
    }

    /// Brings an earlier table back.
    async fn revert_table(
        &self,
        revert: &Revert,
        present: &Arc<Dataset>,
        kept: &KeptVersion,
    ) -> std::result::Result<(), Failure> {
        let workspace = revert.workspace;
        let catalog = &self.catalog;
        let mut next = match catalog.with_table_of(present, kept).await {
            Err(CatalogError::NotFound) => {
                return Err(unknown(present, revert.version).into());
            }
            next => next.map_err(of_catalog)?,
        };
        let mut transaction = None;
        if catalog.is_postgres() {
            let begun = catalog.begin_edits(workspace, std::slice::from_ref(present)).await;
            let (begun, now) = begun.map_err(of_catalog)?;
            if now.first().is_none_or(|now| now.0 != present.version) {
                return Err(Failure::Changed);
            }
            transaction = Some(begun);
        }
        let mut of_table = present.versions.iter().rev().filter(|it| it.storage == kept.storage);
        let is_last = of_table.next().is_some_and(|last| last.version == kept.version);
        if !is_last && present.past(kept).has_log {
            let (session, size_bytes, _) =
                self.bring_back(transaction, &next, (kept, present)).await?;
            next.size_bytes = size_bytes;
            let committed = tokio::task::spawn_blocking(move || session.finish());
            transaction = committed.await.map_err(Error::internal)??;
        }
        next.row_count = kept.row_count;
        let event = Event {
            n_inserted: next.row_count,
            n_deleted: present.row_count,
            ..Event::new(EventKind::Update, next.version)
        };
        let version = NewVersion {
            counts: RowCounts { inserted: next.row_count, ..RowCounts::default() },
            dataset: next,
            rejects: Vec::new(),
            rejects_before: RejectsBefore::Keep,
            indexes_before: present.indexes.iter().map(|index| index.name.clone()).collect(),
            origin: Origin {
                has_log: present.past(kept).has_log,
                ..Origin::new(&revert.actor, VersionAction::Revert)
            },
        };
        catalog.publish_revert(workspace, transaction, version, event).await.map_err(of_catalog)
    }

    /// Brings the rows of a table to what they were at a version, in a transaction that is not
    /// committed yet; gives the bytes that it takes then and what was done.
    async fn bring_back(
        &self,
        transaction: Option<RowTransaction>,
        table: &Dataset,
        (kept, present): (&KeptVersion, &Dataset),
    ) -> std::result::Result<(Session, i64, Reverted), Failure> {
        let (store, table) = (Arc::clone(&self.store), table_of(table));
        let (past, new_version) = (present.past(kept), present.version + 1);
        let work = tokio::task::spawn_blocking(move || {
            let deadline = Instant::now() + PATIENCE;
            let mut session = match transaction {
                Some(transaction) => store.write_within(transaction, vec![table], deadline)?,
                None => store.begin_write(vec![table], Vec::new(), deadline, true)?,
            };
            let done = session.revert(0, new_version, past.version, past.next_row)?;
            let size_bytes = session.size_bytes(0)?;
            Ok::<_, Error>((session, size_bytes, done))
        });
        Ok(work.await.map_err(Error::internal)??)
    }
}
