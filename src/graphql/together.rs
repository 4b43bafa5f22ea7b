//! Runs the statements of an operation so that they all see the same state.
//!
//! Where rows are changed in place, statements that run side by side, or read several files, could
//! see some of a mutation. On PostgreSQL they run in one transaction. On the embedded store it is
//! looked afterwards whether a commit came in between; then they run again.

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use futures_util::future::join_all;

use super::engine::Services;
use crate::auth::Principal;
use crate::catalog::model::DatasetId;
use crate::catalog::snapshot::Snapshot;
use crate::error::{Code, Error, Result};
use crate::query::cache::Found;
use crate::query::input::Variables;
use crate::query::plan::{Plan, Root};
use crate::store::StoreError;
use crate::store::run::Run;

/// Times that an operation runs beside mutations before they wait for it.
const MAX_TRIES: usize = 3;

/// What was answered for each root field: none for those without a statement.
pub(super) type Answers = Vec<Option<std::result::Result<Found, Arc<StoreError>>>>;

/// An operation to be run.
pub(super) struct Together<'r> {
    pub(super) services: &'r Services,
    pub(super) principal: &'r Principal,
    pub(super) plan: &'r Plan,
    pub(super) variables: &'r Variables,
    pub(super) deadline: Instant,
}

impl Together<'_> {
    /// Whether the statements need to be kept together. Also where nobody has changed the rows in
    /// place yet: somebody may begin to.
    pub(super) fn is_needed(&self, runs: &[Option<Run>]) -> bool {
        let runs = runs.iter().flatten();
        if self.services.catalog.is_postgres() {
            // One statement sees one state.
            runs.count() > 1
        } else {
            runs.map(|run| run.tables.len()).sum::<usize>() > 1
        }
    }

    /// Runs them; gives the snapshot whose versions were answered, too.
    ///
    /// # Errors
    /// CONFLICT when the schema changed meanwhile; as binding.
    pub(super) async fn run(
        &self,
        snapshot: Arc<Snapshot>,
        runs: Vec<Option<Run>>,
    ) -> Result<(Arc<Snapshot>, Answers)> {
        if self.services.catalog.is_postgres() {
            return Ok((snapshot, self.run_in_transaction(runs).await));
        }
        let (mut snapshot, mut runs) = (snapshot, runs);
        let read: Vec<DatasetId> =
            self.plan.roots.iter().flat_map(Root::datasets).copied().collect();
        let catalog = &self.services.catalog;
        for _ in 0..MAX_TRIES {
            if !catalog.is_committing(&read) {
                let answers = self.run_each(runs).await;
                let present = self.services.auth.view(self.principal);
                if !catalog.is_committing(&read) && has_same_versions(&snapshot, &present, &read) {
                    return Ok((snapshot, answers));
                }
            }
            // A turn among those who write: what was being committed is published then.
            drop(catalog.lock_rows(read.iter().copied()).await);
            (snapshot, runs) = self.begin_again(&snapshot)?;
        }
        let _no_writers = catalog.lock_rows(read.iter().copied()).await;
        let (snapshot, runs) = self.begin_again(&snapshot)?;
        Ok((snapshot, self.run_each(runs).await))
    }

    /// The statements for what there is now.
    fn begin_again(&self, before: &Snapshot) -> Result<(Arc<Snapshot>, Vec<Option<Run>>)> {
        let snapshot = self.services.auth.view(self.principal);
        if snapshot.schema_revision != before.schema_revision {
            return Err(Error::new(
                Code::Conflict,
                "The schema was changed while the query ran. Send it again.",
            ));
        }
        if !self.plan.has_its_versions(&snapshot) {
            return Err(Error::new(
                Code::Conflict,
                "The dataset was changed while an earlier version of it was read. Send the query again.",
            ));
        }
        let bound = self.plan.bind(&snapshot, self.variables, self.deadline)?;
        Ok((snapshot, bound.runs))
    }

    /// Runs them side by side.
    pub(super) async fn run_each(&self, runs: Vec<Option<Run>>) -> Answers {
        let Services { store, answers, .. } = self.services;
        join_all(runs.into_iter().map(|run| async {
            match run {
                Some(run) => Some(answers.run(store, run).await),
                None => None,
            }
        }))
        .await
    }

    async fn run_in_transaction(&self, runs: Vec<Option<Run>>) -> Answers {
        let Services { store, answers, .. } = self.services;
        let wanted: Vec<Run> = runs.iter().flatten().cloned().collect();
        let mut kept = Vec::with_capacity(wanted.len());
        for run in &wanted {
            match answers.kept_of_one_state(run).await {
                Some(json) => kept.push(Found { json, is_hit: true }),
                None => break,
            }
        }
        let found = if kept.len() == wanted.len() {
            Ok(kept)
        } else {
            match store.run_together(&wanted).await {
                Ok(together) => {
                    let found = together.answers.into_iter().map(Bytes::from);
                    let found: Vec<Bytes> = found.collect();
                    if together.is_of_versions {
                        for (run, json) in wanted.iter().zip(&found) {
                            answers.keep_of_one_state(run, json).await;
                        }
                    }
                    Ok(found.into_iter().map(|json| Found { json, is_hit: false }).collect())
                }
                Err(error) => Err(error),
            }
        };
        match found {
            Ok(found) => {
                let mut found = found.into_iter();
                runs.iter().map(|run| run.as_ref().and_then(|_| found.next().map(Ok))).collect()
            }
            Err(error) => {
                let error = Arc::new(error);
                runs.iter().map(|run| run.as_ref().map(|_| Err(Arc::clone(&error)))).collect()
            }
        }
    }
}

pub(super) fn has_same_versions(before: &Snapshot, present: &Snapshot, ids: &[DatasetId]) -> bool {
    let version = |snapshot: &Snapshot, id| {
        let whole = snapshot.view.as_ref().map_or(snapshot, |view| &view.base);
        whole.dataset_by_id(id).map(|dataset| dataset.version)
    };
    ids.iter().all(|id| version(before, *id) == version(present, *id))
}
