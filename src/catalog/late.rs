//! Changes of rows that are seen and lasting, but not yet in the catalog's tables (the embedded
//! store).
//!
//! The data files of a commit tell what it did, and after a crash it is read there. So nobody waits
//! for the catalog's transaction: the picture is swapped at once, and the tables follow, many
//! changes in one transaction, a moment later or before anybody else reads or changes them.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Mutex as AsyncMutex, Notify, OwnedMutexGuard};
use tokio::task::JoinSet;

use super::access::Quotas;
use super::edits::{Edit, KeptAnswer};
use super::model::{Dataset, WorkspaceId};
use super::publish::grow_by;
use super::{Catalog, CatalogError, Core, bounded};

/// How long the tables may be behind.
const DELAY: Duration = Duration::from_millis(50);
/// The pause after the tables could not be written.
const PAUSE: Duration = Duration::from_secs(1);
/// Versions that the tables may be behind: fewer than a data file remembers.
const MAX_VERSIONS: usize = 500;

/// The changes, oldest first.
#[derive(Default)]
pub(super) struct Late {
    queue: Mutex<VecDeque<Arc<LateChange>>>,
    /// Of the queue.
    n_versions: AtomicUsize,
    /// Held by who writes them down. Those who publish more do not wait for it; who holds `change`
    /// may.
    writing: AsyncMutex<()>,
    /// Wakes who writes them down.
    wake: Notify,
}

/// What one commit of data files did.
struct LateChange {
    workspace: WorkspaceId,
    /// The workspace's revision with it, if no other process changes the catalog.
    revision: i64,
    edits: Vec<Edit>,
    answers: Vec<KeptAnswer>,
}

impl LateChange {
    /// Versions that it made; one that made none counts, too.
    fn n_versions(&self) -> usize {
        1 + self.edits.iter().map(|edit| edit.versions.len()).sum::<usize>()
    }
}

/// Changes of a workspace, each dataset once.
struct Merged {
    workspace: WorkspaceId,
    /// The workspace's revision before them.
    before: i64,
    /// How many they are.
    n: i64,
    edits: Vec<Edit>,
    answers: Vec<KeptAnswer>,
}

fn merge(changes: &[Arc<LateChange>]) -> Vec<Merged> {
    let mut merged: Vec<Merged> = Vec::new();
    for change in changes {
        let position = merged.iter().position(|it| it.workspace == change.workspace);
        let position = position.unwrap_or_else(|| {
            merged.push(Merged {
                workspace: change.workspace,
                before: change.revision - 1,
                n: 0,
                edits: Vec::new(),
                answers: Vec::new(),
            });
            merged.len() - 1
        });
        let Some(into) = merged.get_mut(position) else { continue };
        into.n += 1;
        into.answers.extend_from_slice(&change.answers);
        for edit in &change.edits {
            match into.edits.iter_mut().find(|it| it.dataset == edit.dataset) {
                // Nothing else comes between two changes that wait: they follow each other.
                Some(earlier) => {
                    earlier.versions.extend_from_slice(&edit.versions);
                    earlier.size_bytes = edit.size_bytes;
                }
                None => into.edits.push(edit.clone()),
            }
        }
    }
    merged
}

/// Room in a workspace for rows that are about to be committed, until they are published.
pub struct Room(Option<OwnedMutexGuard<()>>);

impl Late {
    fn queue(&self) -> MutexGuard<'_, VecDeque<Arc<LateChange>>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_full(&self) -> bool {
        self.n_versions.load(Ordering::Relaxed) >= MAX_VERSIONS
    }

    fn push(&self, change: LateChange) {
        let mut queue = self.queue();
        self.n_versions.fetch_add(change.n_versions(), Ordering::Relaxed);
        queue.push_back(Arc::new(change));
        drop(queue);
        self.wake.notify_one();
    }

    /// Forgets the oldest ones, which are written down.
    fn forget(&self, n_changes: usize) {
        let mut queue = self.queue();
        let n_versions = queue.drain(..n_changes).map(|change| change.n_versions()).sum();
        self.n_versions.fetch_sub(n_versions, Ordering::Relaxed);
    }

    /// What was answered to a request, as [`Catalog::kept_answer`] tells it.
    pub(super) fn answer(
        &self,
        workspace: WorkspaceId,
        actor: &str,
        request_id: &str,
    ) -> Option<(String, String)> {
        let queue = self.queue();
        let answers = queue.iter().filter(|change| change.workspace == workspace);
        let mut answers = answers.flat_map(|change| &change.answers);
        let kept = answers.find(|it| it.actor == actor && it.request_id == request_id)?;
        Some((kept.sha256.clone(), kept.answer.clone()))
    }
}

/// Writes changes down as they come; ends when the set is dropped.
pub(super) fn start(core: &Arc<Core>) -> JoinSet<()> {
    let core = Arc::clone(core);
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        loop {
            core.late.wake.notified().await;
            tokio::time::sleep(DELAY).await;
            while let Err(error) = core.flush().await {
                tracing::warn!(error = ?error, "changes of rows wait to be written into the catalog");
                tokio::time::sleep(PAUSE).await;
            }
        }
    });
    tasks
}

impl Catalog {
    /// Writes into the catalog's tables what they are behind (the embedded store).
    ///
    /// # Errors
    /// When they cannot be written.
    pub async fn flush(&self) -> Result<(), CatalogError> {
        self.core.flush().await
    }

    /// The same as [`Catalog::make_room`], where nothing has to be waited for.
    pub fn room_at_once(&self, workspace: WorkspaceId, edits: &[Edit]) -> Option<Room> {
        let core = &self.core;
        let has_to_wait = core.late.is_full() || core.is_bounded(workspace, edits);
        (!has_to_wait).then_some(Room(None))
    }

    /// Makes sure that rows may be committed, before they are: the workspace has room for what it
    /// would hold, and the catalog's tables can follow. Nothing else is published before the value
    /// is dropped or given back, where there is a bound at all.
    ///
    /// # Errors
    /// OverQuota; when the tables are too far behind and cannot be written.
    pub async fn make_room(
        &self,
        workspace: WorkspaceId,
        edits: &[Edit],
    ) -> Result<Room, CatalogError> {
        let core = &self.core;
        if core.late.is_full() {
            core.flush().await?;
        }
        if !core.is_bounded(workspace, edits) {
            return Ok(Room(None));
        }
        let change = Arc::clone(&core.change).lock_owned().await;
        let snapshot = core.snapshot(workspace);
        let held = snapshot.datasets().map(|dataset| {
            let edit = edits.iter().find(|edit| edit.dataset == dataset.id);
            match edit.and_then(|edit| Some((edit.versions.last()?, edit.size_bytes))) {
                Some((last, size_bytes)) => (last.row_count, size_bytes),
                None => (dataset.row_count, dataset.size_bytes),
            }
        });
        snapshot.access.quotas.check(held)?;
        Ok(Room(Some(change)))
    }

    /// Publishes versions whose rows were changed in place and committed, and keeps answers; the
    /// catalog's tables follow. The caller holds the datasets' locks.
    ///
    /// # Errors
    /// Changed when a dataset has another version or table by now.
    pub async fn publish_committed(
        &self,
        workspace: WorkspaceId,
        room: Room,
        edits: Vec<Edit>,
        answers: Vec<KeptAnswer>,
    ) -> Result<(), CatalogError> {
        let core = &self.core;
        let _change = match room {
            Room(Some(change)) => change,
            Room(None) => Arc::clone(&core.change).lock_owned().await,
        };
        let snapshot = core.snapshot(workspace);
        let mut edited = Vec::with_capacity(edits.len());
        for edit in &edits {
            let dataset = snapshot.dataset_by_id(edit.dataset).ok_or(CatalogError::Changed)?;
            if dataset.version != edit.before || dataset.storage != edit.storage {
                return Err(CatalogError::Changed);
            }
            edited.extend(core.edited(dataset, edit));
        }
        let revision = snapshot.revision + 1;
        let next = snapshot.with_rows(edited, revision);
        core.swap(Arc::new(next));
        let change = LateChange { workspace, revision, edits, answers };
        core.late.push(change);
        Ok(())
    }
}

impl Core {
    /// The right to change the catalog, whose tables are up to date then.
    ///
    /// # Errors
    /// When they could not be brought up to date.
    pub(super) async fn lock_change(&self) -> Result<OwnedMutexGuard<()>, CatalogError> {
        let change = Arc::clone(&self.change).lock_owned().await;
        let overtaken = self.write_late().await?;
        self.catch_up(overtaken).await?;
        Ok(change)
    }

    /// Brings the catalog's tables up to date, where somebody is about to read them.
    pub(super) async fn flush(&self) -> Result<(), CatalogError> {
        if self.late.queue().is_empty() {
            return Ok(());
        }
        let overtaken = self.write_late().await?;
        if !overtaken.is_empty() {
            let _change = self.lock_change().await?;
            self.catch_up(overtaken).await?;
        }
        Ok(())
    }

    /// Whether a bound of the workspace holds for these changes.
    fn is_bounded(&self, workspace: WorkspaceId, edits: &[Edit]) -> bool {
        let snapshot = self.snapshot(workspace);
        snapshot.access.quotas != Quotas::default() && edits.iter().any(Edit::grows)
    }

    /// A dataset as an edit leaves it.
    pub(super) fn edited(&self, dataset: &Dataset, edit: &Edit) -> Option<Arc<Dataset>> {
        let last = edit.versions.last()?;
        Some(Arc::new(Dataset {
            version: last.version,
            row_count: last.row_count,
            next_row: Some(last.next_row),
            versions: self.with_edits(dataset, &edit.versions),
            size_bytes: edit.size_bytes,
            updated_at_us: last.at_us,
            ..Dataset::clone(dataset)
        }))
    }

    /// Writes down what the tables are behind, in one transaction. Tells the revisions before the
    /// first change, where another process has made some of its own.
    async fn write_late(&self) -> Result<HashMap<WorkspaceId, i64>, CatalogError> {
        let _writing = self.late.writing.lock().await;
        let mut overtaken: HashMap<WorkspaceId, i64> = HashMap::new();
        let changes: Vec<Arc<LateChange>> = self.late.queue().iter().cloned().collect();
        if changes.is_empty() {
            return Ok(overtaken);
        }
        let merged = merge(&changes);
        let written = bounded(async {
            let transaction = self.begin_relaxed().await?;
            for of_workspace in &merged {
                let Merged { workspace, before, n, edits, answers } = of_workspace;
                let (revision, _) = grow_by(&transaction, *workspace, *n).await?;
                let is_present = revision == before + n;
                if !is_present {
                    overtaken.insert(*workspace, *before);
                }
                self.write_edits(&transaction, *workspace, edits, answers, (revision, is_present))
                    .await?;
            }
            transaction.commit().await?;
            Ok(())
        })
        .await;
        match written {
            Err(error @ (CatalogError::Changed | CatalogError::NotFound)) => {
                // Never, as long as this process alone changes datasets. The files have what was
                // acknowledged: the next start looks at them.
                tracing::error!(error = ?error, "changes of rows cannot be written into the catalog");
                overtaken.extend(changes.iter().map(|change| (change.workspace, -1)));
            }
            written => written?,
        }
        self.late.forget(changes.len());
        self.wake_webhooks();
        Ok(overtaken)
    }

    /// Reads what another process has changed since these revisions; the caller holds `change`,
    /// and the tables are up to date.
    async fn catch_up(&self, overtaken: HashMap<WorkspaceId, i64>) -> Result<(), CatalogError> {
        for (workspace, revision) in overtaken {
            bounded(self.refresh_since(workspace, revision)).await?;
        }
        Ok(())
    }
}
