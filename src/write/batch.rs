//! Carries out the mutations whose turn it is, in one transaction, and publishes what they did.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::runtime::Handle;
use uuid::Uuid;

use super::apply::{Applying, Counts, State, States};
use super::columns::stored_columns;
use super::recover::{self, CommitRecord};
use super::{Entry, Planned, Reply, WriteError, Writer, body};
use crate::catalog::edits::{Committing, Edit, KeptAnswer, VersionAction, VersionRecord};
use crate::catalog::index::IndexMethod;
use crate::catalog::model::{Dataset, DatasetId, StorageId, WorkspaceId};
use crate::catalog::snapshot::Snapshot;
use crate::catalog::{CatalogError, Room, now_us};
use crate::error::{Code, Error, Result};
use crate::store::write::{RowTransaction, Session, WriteTable};
use crate::store::{PhysicalColumn, StoreError};

/// Bytes of an answer that is kept for a request that may come again.
const MAX_KEPT_ANSWER: usize = 1 << 20;

/// What a batch did.
struct Applied {
    /// The body of each entry, or why it failed.
    answers: Vec<std::result::Result<Vec<u8>, WriteError>>,
    /// None where there is nothing to publish.
    committed: Option<Committed>,
}

/// Mutations whose turn it is.
struct Turn<'t> {
    /// What they change.
    datasets: &'t [Arc<Dataset>],
    /// Version, rows and next row of each, before.
    before: &'t [(i64, i64, Option<i64>)],
    present: &'t Snapshot,
    batch: &'t [Entry],
}

/// What was done and is to be published: on the embedded store it is committed, on PostgreSQL the
/// transaction goes on.
pub(super) struct Committed {
    edits: Vec<Edit>,
    answers: Vec<KeptAnswer>,
    place: Place,
}

enum Place {
    Files {
        room: Room,
        /// Until it is published or undone.
        _committing: Committing,
    },
    Transaction(RowTransaction),
}

/// A transaction, and what the datasets are in it: version, rows, the next row's number.
pub(super) struct Begun {
    pub(super) transaction: Option<RowTransaction>,
    pub(super) present: Vec<(i64, i64, Option<i64>)>,
}

impl State {
    /// The version that a mutation made, if it did anything; the next one begins after it.
    fn publish(&mut self, actor: &str) -> Option<VersionRecord> {
        let counts = std::mem::take(&mut self.counts);
        if !counts.is_some() {
            return None;
        }
        self.version += 1;
        Some(VersionRecord {
            version: self.version,
            at_us: now_us(),
            actor: actor.to_owned(),
            action: VersionAction::Write,
            n_inserted: counts.inserted,
            n_updated: counts.updated,
            n_deleted: counts.deleted,
            row_count: self.row_count,
            next_row: self.next_row,
        })
    }
}

fn fail_all(batch: Vec<Entry>, error: &Error) {
    crate::graphql::answer::log(error);
    for entry in batch {
        let error = Error { source: None, ..Error::new(error.code, error.message.clone()) };
        let _ = entry.reply.send(Reply::Done(Err(error.into())));
    }
}

impl Writer {
    /// Carries out mutations of the same datasets in one transaction and publishes them; the
    /// caller holds the locks.
    pub(super) async fn carry_out(&self, ids: &[DatasetId], batch: Vec<Entry>) {
        let Some(workspace) = batch.first().map(|entry| entry.planned.workspace) else { return };
        if let Err(error) = self.settle(workspace, ids) {
            return fail_all(batch, &error);
        }
        let present = self.catalog.snapshot(workspace);
        let mut fresh = Vec::with_capacity(batch.len());
        for entry in batch {
            if is_stale(&entry.planned, &present) {
                let _ = entry.reply.send(Reply::Stale);
            } else if let Some(entry) = self.answer_repeat(entry).await {
                fresh.push(entry);
            }
        }
        if fresh.is_empty() {
            return;
        }
        let datasets: Vec<Arc<Dataset>> =
            ids.iter().filter_map(|id| present.dataset_by_id(*id).cloned()).collect();
        let begun = match self.begin(workspace, &datasets).await {
            Ok(begun) => begun,
            Err(CatalogError::Changed | CatalogError::NotFound) => {
                // Another node was first: what it did is seen before the mutation is planned anew.
                let _ = self.catalog.refresh(workspace).await;
                return fresh.into_iter().for_each(|entry| {
                    let _ = entry.reply.send(Reply::Stale);
                });
            }
            Err(error) => return fail_all(fresh, &error.into()),
        };
        let Begun { transaction, present: before } = begun;
        let turn = Turn { datasets: &datasets, before: &before, present: &present, batch: &fresh };
        let applied = self.work(&turn, transaction);
        let applied = match applied {
            Ok(applied) => applied,
            Err(error) => return fail_all(fresh, &error),
        };
        let Applied { answers, committed } = applied;
        let published = match committed {
            Some(committed) => self.publish(workspace, committed).await,
            None => Ok(()),
        };
        match published {
            Ok(()) => {
                for (entry, answer) in fresh.into_iter().zip(answers) {
                    // Nobody may be waiting any more; it is done all the same.
                    let _ = entry.reply.send(Reply::Done(answer));
                }
            }
            Err(error) => fail_all(fresh, &error),
        }
    }

    /// Answers a mutation that was carried out before; gives back one that was not.
    async fn answer_repeat(&self, entry: Entry) -> Option<Entry> {
        let planned = &entry.planned;
        let Some(request_id) = &planned.plan.request_id else { return Some(entry) };
        let kept = self.catalog.kept_answer(planned.workspace, &planned.actor, request_id).await;
        let reply = match kept {
            Ok(None) => return Some(entry),
            Ok(Some((sha256, answer))) if Some(&sha256) == planned.sha256.as_ref() => {
                Ok(answer.into_bytes())
            }
            Ok(Some(_)) => Err(WriteError::from(Error::new(
                Code::Conflict,
                "Another mutation was sent with this requestId before. Give each its own.",
            ))),
            Err(error) => Err(error.into()),
        };
        let _ = entry.reply.send(Reply::Done(reply));
        None
    }

    /// On PostgreSQL begins the transaction, with what the datasets are in it; on the embedded
    /// store makes sure that a crash will be noticed.
    pub(super) async fn begin(
        &self,
        workspace: WorkspaceId,
        datasets: &[Arc<Dataset>],
    ) -> std::result::Result<Begun, CatalogError> {
        if self.catalog.is_postgres() {
            let (transaction, present) = self.catalog.begin_edits(workspace, datasets).await?;
            return Ok(Begun { transaction: Some(transaction), present });
        }
        let mut present = Vec::with_capacity(datasets.len());
        for dataset in datasets {
            if dataset.next_row.is_none() {
                self.catalog.expect_edits(workspace, dataset).await?;
            }
            present.push((dataset.version, dataset.row_count, dataset.next_row));
        }
        Ok(Begun { transaction: None, present })
    }

    /// Carries out the mutations on this very thread: waking another one costs more than a small
    /// change. Its other work is handed over first, unless the change is likely to be over before
    /// (the embedded store).
    fn work(&self, turn: &Turn<'_>, transaction: Option<RowTransaction>) -> Result<Applied> {
        let is_small =
            !self.catalog.is_postgres() && matches!(turn.batch, [entry] if entry.planned.is_small);
        let began = Instant::now();
        let quick = match is_small && self.pace.is_quick() {
            // Not while somebody else writes the file; another failure is told by the next attempt.
            true => self.open(turn, None, false).ok(),
            false => None,
        };
        let applied = match quick {
            Some(session) => self.apply(session, turn),
            None => tokio::task::block_in_place(|| {
                let session = self.open(turn, transaction, true)?;
                self.apply(session, turn)
            }),
        };
        if is_small {
            self.pace.note(began.elapsed());
        }
        applied
    }

    /// A session over the tables of these mutations; with `waits`, after whoever else writes them.
    /// Blocks the calling thread.
    fn open(
        &self,
        turn: &Turn<'_>,
        transaction: Option<RowTransaction>,
        waits: bool,
    ) -> std::result::Result<Session, StoreError> {
        let deadline = turn.batch.iter().map(|entry| entry.planned.deadline).max();
        let deadline = deadline.unwrap_or_else(Instant::now);
        let written: Vec<WriteTable> = turn.datasets.iter().map(|it| table_of(it)).collect();
        if let Some(transaction) = transaction {
            return self.store.write_within(transaction, written, deadline);
        }
        let mut read: Vec<StorageId> = turn
            .batch
            .iter()
            .flat_map(|entry| &entry.planned.read)
            .filter_map(|id| turn.present.dataset_by_id(*id))
            .map(|dataset| dataset.storage.clone())
            .collect();
        read.sort();
        read.dedup();
        self.store.begin_write(written, read, deadline, waits)
    }

    /// Carries out the mutations, and commits them; blocks the calling thread.
    fn apply(&self, mut session: Session, turn: &Turn<'_>) -> Result<Applied> {
        let Turn { datasets, batch, .. } = *turn;
        let mut states = States::new();
        for (table, (dataset, now)) in datasets.iter().zip(turn.before).enumerate() {
            let (version, row_count, next_row) = *now;
            let state = State {
                table,
                dataset: Arc::clone(dataset),
                version,
                row_count,
                next_row: next_row.unwrap_or(row_count + 1),
                counts: Counts::default(),
            };
            states.insert(dataset.id, state);
        }
        let before = states.clone();
        let mut versions: HashMap<DatasetId, Vec<VersionRecord>> = HashMap::new();
        let mut answers = Vec::with_capacity(batch.len());
        // One alone is taken back with the whole transaction.
        let has_parts = batch.len() > 1;
        for entry in batch {
            if has_parts {
                session.begin_part()?;
            }
            let kept = has_parts.then(|| states.clone());
            let Planned { snapshot, plan, deadline, actor, .. } = &entry.planned;
            let applying =
                Applying::new(&mut session, &mut states, snapshot, &self.settings, *deadline);
            match applying.run(plan) {
                Ok(fields) => {
                    if has_parts {
                        session.keep_part()?;
                    }
                    for (id, state) in &mut states {
                        if let Some(record) = state.publish(actor) {
                            versions.entry(*id).or_default().push(record);
                        }
                    }
                    answers.push(Ok(body(plan, &fields)));
                }
                Err((key, error)) => {
                    if let Some(kept) = kept {
                        session.undo_part()?;
                        states = kept;
                    }
                    answers.push(Err(WriteError { key: Some(key), error }));
                }
            }
        }
        let mut edits = Vec::new();
        for dataset in datasets {
            let (Some(versions), Some(was)) =
                (versions.remove(&dataset.id), before.get(&dataset.id))
            else {
                continue;
            };
            edits.push(Edit {
                dataset: dataset.id,
                storage: dataset.storage.clone(),
                before: was.version,
                next_row_before: was.next_row,
                versions,
                size_bytes: session.size_bytes(was.table)?,
            });
        }
        let kept: Vec<KeptAnswer> = batch
            .iter()
            .zip(&answers)
            .filter_map(|(entry, answer)| kept_answer(&entry.planned, answer.as_deref().ok()?))
            .collect();
        let committed = match batch.first() {
            Some(first) if !edits.is_empty() || !kept.is_empty() => {
                Some(self.commit(first.planned.workspace, session, edits, kept)?)
            }
            _ => {
                session.abandon();
                None
            }
        };
        Ok(Applied { answers, committed })
    }

    /// Makes what was done last; blocks the calling thread.
    ///
    /// # Errors
    /// CONFLICT for more than the workspace may hold; when the files cannot be written. Nothing
    /// was done then.
    pub(super) fn commit(
        &self,
        workspace: WorkspaceId,
        mut session: Session,
        edits: Vec<Edit>,
        answers: Vec<KeptAnswer>,
    ) -> Result<Committed> {
        if self.catalog.is_postgres() {
            let transaction = session.finish()?;
            let transaction = transaction.ok_or_else(|| Error::internal("no transaction"))?;
            return Ok(Committed { edits, answers, place: Place::Transaction(transaction) });
        }
        let room = match self.catalog.room_at_once(workspace, &edits) {
            Some(room) => room,
            None => tokio::task::block_in_place(|| {
                Handle::current().block_on(self.catalog.make_room(workspace, &edits))
            })?,
        };
        let tables = edits.iter().map(|edit| edit.storage.clone()).collect();
        let record = CommitRecord { id: Uuid::new_v4(), tables, edits, answers };
        recover::put(&mut session, &record)?;
        let ids: Vec<DatasetId> = record.edits.iter().map(|edit| edit.dataset).collect();
        let committing = self.catalog.begin_commit(ids.iter().copied());
        if let Err(error) = session.finish() {
            // All, some or none of the files have it.
            self.undo_failed(workspace, &ids);
            return Err(error.into());
        }
        let CommitRecord { edits, answers, .. } = record;
        Ok(Committed { edits, answers, place: Place::Files { room, _committing: committing } })
    }

    /// Makes what was committed known.
    pub(super) async fn publish(&self, workspace: WorkspaceId, committed: Committed) -> Result<()> {
        let Committed { edits, answers, place } = committed;
        let ids: Vec<DatasetId> = edits.iter().map(|edit| edit.dataset).collect();
        let (room, _committing) = match place {
            Place::Files { room, _committing } => (room, _committing),
            Place::Transaction(transaction) => {
                let done = self.catalog.publish_edits(workspace, transaction, &edits, &answers);
                return Ok(done.await?);
            }
        };
        let published = self.catalog.publish_committed(workspace, room, edits, answers).await;
        if published.is_err() {
            tokio::task::block_in_place(|| self.undo_failed(workspace, &ids));
        }
        Ok(published?)
    }

    fn unsettled(&self) -> MutexGuard<'_, HashSet<DatasetId>> {
        self.unsettled.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Settles what an earlier failure left, before anything is added.
    pub(super) fn settle(&self, workspace: WorkspaceId, ids: &[DatasetId]) -> Result<()> {
        let is_unsettled = {
            let unsettled = self.unsettled();
            ids.iter().any(|id| unsettled.contains(id))
        };
        if !is_unsettled {
            return Ok(());
        }
        tokio::task::block_in_place(|| self.undo(workspace, ids))
    }

    /// Undoes what files have beyond the catalog's versions.
    fn undo(&self, workspace: WorkspaceId, ids: &[DatasetId]) -> Result<()> {
        let snapshot = self.catalog.snapshot(workspace);
        for id in ids {
            if let Some(dataset) = snapshot.dataset_by_id(*id) {
                recover::undo_after(&self.store, dataset)?;
            }
            self.unsettled().remove(id);
        }
        Ok(())
    }

    /// Undoes a commit that failed, of which nothing is acknowledged: now, or before the next one.
    fn undo_failed(&self, workspace: WorkspaceId, ids: &[DatasetId]) {
        self.unsettled().extend(ids);
        if let Err(error) = self.undo(workspace, ids) {
            tracing::error!(error = ?error, "a mutation that failed could not be undone yet; it is tried again");
        }
    }
}

/// Whether what a mutation was planned for has changed.
fn is_stale(planned: &Planned, present: &Snapshot) -> bool {
    let seen = planned.snapshot.view.as_ref().map_or(&planned.snapshot, |view| &view.base);
    let storage = |snapshot: &Snapshot, id| snapshot.dataset_by_id(id).map(|it| it.storage.clone());
    let mut ids = planned.written.iter().chain(&planned.read);
    seen.schema_revision != present.schema_revision
        || ids.any(|id| {
            let now = storage(present, *id);
            now.is_none() || now != storage(seen, *id)
        })
}

/// The table of a dataset, to be changed.
pub(super) fn table_of(dataset: &Dataset) -> WriteTable {
    let columns = stored_columns(dataset).map(|column| PhysicalColumn {
        name: column.physical.clone(),
        column_type: column.column_type,
    });
    let has_words = dataset.indexes.iter().any(|index| index.method == IndexMethod::Search);
    let words = || dataset.text_columns().map(|column| column.physical.clone()).collect();
    WriteTable {
        storage: dataset.storage.clone(),
        columns: columns.collect(),
        words: has_words.then(words),
    }
}

/// An answer to be kept, where the caller gave an id for it.
fn kept_answer(planned: &Planned, answer: &[u8]) -> Option<KeptAnswer> {
    let request_id = planned.plan.request_id.clone()?;
    if answer.len() > MAX_KEPT_ANSWER {
        return None;
    }
    Some(KeptAnswer {
        actor: planned.actor.clone(),
        request_id,
        sha256: planned.sha256.clone()?,
        answer: String::from_utf8(answer.to_vec()).ok()?,
    })
}
