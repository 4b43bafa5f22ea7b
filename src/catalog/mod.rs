//! Holds what exists: workspaces, sources, datasets with their columns, jobs and keys.
//!
//! The catalog's tables are the truth; [`snapshot`] is an immutable picture of a workspace that
//! queries read without touching the database. Nothing here knows GraphQL or SQL text.

pub mod access;
mod audit;
mod connect;
mod convert;
mod define;
pub mod deliveries;
pub mod documents;
pub mod edits;
mod entities;
mod error;
pub mod events;
mod failures;
mod forget;
mod guard;
pub mod history;
pub mod index;
mod jobs;
mod keys;
mod late;
mod loading;
pub mod migrations;
pub mod model;
pub mod names;
mod old_names;
pub mod probe;
mod publish;
mod rejects;
pub mod saved_queries;
pub mod snapshot;
mod usage;
pub mod view;
mod watch;
pub mod webhooks;
mod words;
mod workspaces;

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::OnConflict;
use sea_orm::{
    AccessMode, ColumnTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr,
    EntityTrait, IsolationLevel, PaginatorTrait, QueryFilter, QuerySelect, SqliteTransactionMode,
    TransactionOptions, TransactionTrait,
};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::watch as watch_channel;
use tokio::task::JoinSet;
use uuid::Uuid;

pub use self::audit::AuditEntry;
pub(crate) use self::convert::hex;
use self::entities::{datasets, meta, workspaces as workspace_rows};
pub use self::error::CatalogError;
pub(crate) use self::error::{disk_full, from_io as disk_error};
use self::guard::StorageGuard;
pub use self::jobs::{ClaimedJob, MAX_ATTEMPTS, NewJob};
pub use self::keys::ApiKey;
pub use self::late::Room;
use self::model::{Dataset, DatasetId, StorageId, WorkspaceId};
pub use self::publish::{IndexEdit, NewVersion, Publication};
use self::snapshot::{Documents, Snapshot};
pub use self::usage::{DatasetDay, ReadCounter};
pub use self::workspaces::Workspace;
use crate::config::Settings;

/// The workspace that exists from the first start on.
const DEFAULT_WORKSPACE: &str = "default";
/// How long one question to the catalog may take in all; then the database counts as away.
const PATIENCE: Duration = Duration::from_secs(15);

/// Microseconds since 1970 UTC, now.
pub fn now_us() -> i64 {
    jiff::Timestamp::now().as_microsecond()
}

/// The catalog's tables and the snapshots made from them.
pub struct Catalog {
    core: Arc<Core>,
    janitor: Mutex<Option<UnboundedReceiver<StorageId>>>,
    /// Held while this process owns the data folder; `None` for a command line beside a server.
    owner: Option<File>,
    _tasks: Option<JoinSet<()>>,
}

/// What the catalog's functions and its watcher share.
struct Core {
    read: DatabaseConnection,
    write: DatabaseConnection,
    /// Names the data folder, so that a restarted process knows the jobs that it left.
    node: String,
    default_workspace: WorkspaceId,
    snapshots: ArcSwap<HashMap<WorkspaceId, Arc<ArcSwap<Snapshot>>>>,
    /// For changes of rows.
    rows: DatabaseConnection,
    /// Datasets whose files are being committed.
    committing: Mutex<HashSet<DatasetId>>,
    /// Who changes rows of a dataset now.
    row_locks: Mutex<HashMap<DatasetId, Arc<tokio::sync::Mutex<()>>>>,
    /// One change of a snapshot at a time in this process.
    change: Arc<tokio::sync::Mutex<()>>,
    /// What the tables are behind.
    late: late::Late,
    retired: UnboundedSender<StorageId>,
    /// Versions of a dataset that are kept, at most; the present one always is.
    kept_versions: usize,
    /// How long a version is kept, microseconds.
    kept_age_us: i64,
    /// Whether events were written down since those who send them were last woken.
    has_events: AtomicBool,
    /// Wakes them.
    wake: tokio::sync::Notify,
    /// How often datasets are read.
    usage: usage::UsageCounts,
    /// Told of each swap of a picture, whoever made the change.
    changes: watch_channel::Sender<()>,
    /// Who says which saved queries a change would break.
    judge: OnceLock<Arc<dyn saved_queries::SchemaJudge>>,
}

/// What all workspaces hold together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Held {
    /// Workspaces.
    pub n_workspaces: usize,
    /// Datasets.
    pub n_datasets: usize,
    /// Rows of all datasets.
    pub n_rows: i64,
    /// Bytes that they take in the store.
    pub n_bytes: i64,
}

impl Catalog {
    /// Connects, migrates under a lock, makes the default workspace, reads the snapshots.
    ///
    /// Takes the data folder for this process.
    ///
    /// # Errors
    /// When another process owns the data folder, or the database is away or refuses.
    pub async fn open(settings: &Settings) -> Result<Catalog, CatalogError> {
        let owner = connect::own_folder(&settings.data_dir)?;
        Self::open_with(settings, Some(owner)).await
    }

    /// The same beside a running server: for commands that change a row and end.
    ///
    /// # Errors
    /// When the database is away or refuses.
    pub async fn open_shared(settings: &Settings) -> Result<Catalog, CatalogError> {
        Self::open_with(settings, None).await
    }

    async fn open_with(settings: &Settings, owner: Option<File>) -> Result<Catalog, CatalogError> {
        let node = if owner.is_some() { node_of(&settings.data_dir)? } else { String::new() };
        let connections = connect::connect(settings).await?;
        let default_workspace = ensure_workspace(&connections.write, DEFAULT_WORKSPACE).await?;
        let (retired, janitor) = unbounded_channel();
        let core = Arc::new(Core {
            read: connections.read,
            write: connections.write,
            rows: connections.rows,
            committing: Mutex::default(),
            row_locks: Mutex::default(),
            node,
            default_workspace,
            snapshots: ArcSwap::default(),
            change: Arc::default(),
            late: late::Late::default(),
            retired,
            kept_versions: settings.history.versions.max(1),
            kept_age_us: i64::try_from(settings.history.age.as_micros()).unwrap_or(i64::MAX),
            has_events: AtomicBool::new(false),
            wake: tokio::sync::Notify::new(),
            usage: usage::UsageCounts::default(),
            changes: watch_channel::Sender::new(()),
            judge: OnceLock::new(),
        });
        core.refresh_all().await?;
        let mut tasks = match (&settings.database_url, &owner) {
            (Some(url), Some(_)) => Some(watch::start(&core, url)),
            (None, Some(_)) => Some(late::start(&core)),
            (_, None) => None,
        };
        if let Some(tasks) = &mut tasks {
            tasks.spawn(usage::run(Arc::downgrade(&core)));
        }
        Ok(Catalog { core, janitor: Mutex::new(Some(janitor)), owner, _tasks: tasks })
    }

    /// Whether this process owns the data folder, as a server does.
    pub fn is_owner(&self) -> bool {
        self.owner.is_some()
    }

    /// Whether other nodes may use the same catalog.
    pub fn is_postgres(&self) -> bool {
        self.core.is_postgres()
    }

    /// The workspace that exists from the first start on.
    pub fn default_workspace(&self) -> WorkspaceId {
        self.core.default_workspace
    }

    /// The present picture of a workspace, without a lock; empty for one that does not exist.
    pub fn snapshot(&self, workspace: WorkspaceId) -> Arc<Snapshot> {
        self.core.snapshot(workspace)
    }

    /// The workspaces that this process knows.
    pub fn known_workspaces(&self) -> Vec<WorkspaceId> {
        self.core.snapshots.load().keys().copied().collect()
    }

    /// What all workspaces hold.
    pub fn held(&self) -> Held {
        let mut held = Held::default();
        for workspace in self.known_workspaces() {
            held.n_workspaces += 1;
            for dataset in self.snapshot(workspace).datasets() {
                held.n_datasets += 1;
                held.n_rows = held.n_rows.saturating_add(dataset.row_count);
                held.n_bytes = held.n_bytes.saturating_add(dataset.size_bytes);
            }
        }
        held
    }

    /// Is told of each new picture of any workspace, whichever node made the change.
    pub fn changes(&self) -> watch_channel::Receiver<()> {
        self.core.changes.subscribe()
    }

    /// The workspace of this name, among those that this process knows.
    pub fn known_workspace(&self, name: &str) -> Option<WorkspaceId> {
        let snapshots = self.core.snapshots.load();
        let named = snapshots.iter().find(|(_, cell)| cell.load().access.name == name);
        named.map(|(id, _)| *id)
    }

    /// Reads what other nodes changed since the snapshot was taken.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn refresh(&self, workspace: WorkspaceId) -> Result<Arc<Snapshot>, CatalogError> {
        let _change = self.core.lock_change().await?;
        bounded(self.core.refresh(workspace)).await
    }

    /// Where tables arrive that were replaced and have no reader left in this process.
    ///
    /// There is one janitor: the second call gives `None`.
    pub fn take_janitor(&self) -> Option<UnboundedReceiver<StorageId>> {
        self.janitor.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// The value of a fact that is the same on all nodes; the first one to come is kept.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn fact(&self, name: &str, if_missing: &str) -> Result<String, CatalogError> {
        bounded(async {
            let row =
                meta::ActiveModel { name: Set(name.to_owned()), value: Set(if_missing.to_owned()) };
            meta::Entity::insert(row)
                .on_conflict(OnConflict::column(meta::Column::Name).do_nothing().to_owned())
                .exec_without_returning(&self.core.write)
                .await?;
            let kept = meta::Entity::find_by_id(name).one(&self.core.write).await?;
            kept.map(|row| row.value).ok_or(CatalogError::NotFound)
        })
        .await
    }

    /// The value of a fact, if somebody has told it.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn find_fact(&self, name: &str) -> Result<Option<String>, CatalogError> {
        bounded(async {
            let kept = meta::Entity::find_by_id(name).one(&self.core.read).await?;
            Ok(kept.map(|row| row.value))
        })
        .await
    }

    /// Tells a fact anew.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn set_fact(&self, name: &str, value: &str) -> Result<(), CatalogError> {
        bounded(async {
            let row =
                meta::ActiveModel { name: Set(name.to_owned()), value: Set(value.to_owned()) };
            let conflict = OnConflict::column(meta::Column::Name)
                .update_column(meta::Column::Value)
                .to_owned();
            meta::Entity::insert(row)
                .on_conflict(conflict)
                .exec_without_returning(&self.core.write)
                .await?;
            Ok(())
        })
        .await
    }

    /// Tells a fact anew if its value, a number, is smaller; gives whether it was. Of all nodes
    /// that try the same, one succeeds.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn raise_fact(&self, name: &str, value: i64) -> Result<bool, CatalogError> {
        self.fact(name, "0").await?;
        bounded(async {
            let was = self.find_fact(name).await?.unwrap_or_default();
            if was.parse().unwrap_or(0_i64) >= value {
                return Ok(false);
            }
            let raised = meta::Entity::update_many()
                .col_expr(meta::Column::Value, value.to_string().into())
                .filter(meta::Column::Name.eq(name))
                .filter(meta::Column::Value.eq(was))
                .exec(&self.core.write)
                .await?;
            Ok(raised.rows_affected == 1)
        })
        .await
    }

    /// Asks the database for a sign of life.
    ///
    /// # Errors
    /// When it gives none.
    pub async fn ping(&self) -> Result<(), CatalogError> {
        bounded(async { Ok(self.core.read.ping().await?) }).await
    }
}

impl Core {
    fn is_postgres(&self) -> bool {
        self.write.get_database_backend() == DbBackend::Postgres
    }

    fn snapshot(&self, workspace: WorkspaceId) -> Arc<Snapshot> {
        match self.snapshots.load().get(&workspace) {
            Some(cell) => cell.load_full(),
            None => Arc::new(Snapshot::new(workspace, 0, 0, [])),
        }
    }

    /// Swaps the picture of a workspace; the caller holds `change`.
    fn swap(&self, snapshot: Arc<Snapshot>) {
        let all = self.snapshots.load();
        match all.get(&snapshot.workspace) {
            Some(cell) => cell.store(snapshot),
            None => {
                let mut more = HashMap::clone(&all);
                more.insert(snapshot.workspace, Arc::new(ArcSwap::new(snapshot)));
                self.snapshots.store(Arc::new(more));
            }
        }
        self.changes.send_replace(());
    }

    /// A transaction that writes: it waits for its turn at the start, so that it never fails later
    /// because another one was first.
    async fn begin(&self) -> Result<DatabaseTransaction, DbErr> {
        let options = TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        };
        self.write.begin_with_options(options).await
    }

    /// A transaction whose statements all see the same state.
    async fn begin_reading(&self) -> Result<DatabaseTransaction, DbErr> {
        if self.is_postgres() {
            let level = Some(IsolationLevel::RepeatableRead);
            self.read.begin_with_config(level, Some(AccessMode::ReadOnly)).await
        } else {
            self.read.begin().await
        }
    }

    async fn refresh_all(&self) -> Result<(), CatalogError> {
        let _change = self.lock_change().await?;
        bounded(async {
            let mut present = HashSet::new();
            for row in workspace_rows::Entity::find().all(&self.read).await? {
                let workspace = WorkspaceId(convert::parse_uuid(&row.id)?);
                present.insert(workspace);
                match self.refresh(workspace).await {
                    // Removed since the list was read.
                    Err(CatalogError::NotFound) => {}
                    other => other.map(drop)?,
                }
            }
            let known: Vec<WorkspaceId> = self.snapshots.load().keys().copied().collect();
            known.iter().filter(|id| !present.contains(id)).for_each(|id| self.forget(*id));
            Ok(())
        })
        .await
    }

    /// Brings a snapshot to the catalog's revision by reading the rows that changed since; the
    /// caller holds `change`.
    async fn refresh(&self, workspace: WorkspaceId) -> Result<Arc<Snapshot>, CatalogError> {
        let old = self.snapshot(workspace);
        let is_known = self.snapshots.load().contains_key(&workspace);
        self.refresh_since(workspace, if is_known { old.revision } else { -1 }).await
    }

    /// The same, by reading the rows that changed since a revision.
    async fn refresh_since(
        &self,
        workspace: WorkspaceId,
        since: i64,
    ) -> Result<Arc<Snapshot>, CatalogError> {
        let old = self.snapshot(workspace);
        let id = workspace.0.to_string();
        let reading = self.begin_reading().await?;
        let Some(present) = workspace_rows::Entity::find_by_id(&id).one(&reading).await? else {
            self.forget(workspace);
            return Err(CatalogError::NotFound);
        };
        if present.revision == since {
            return Ok(old);
        }
        let of_workspace = datasets::Entity::find().filter(datasets::Column::WorkspaceId.eq(&id));
        let changed_rows =
            of_workspace.clone().filter(datasets::Column::Revision.gt(since)).all(&reading).await?;
        let n_present = of_workspace.clone().count(&reading).await?;
        let mut changed = Vec::with_capacity(changed_rows.len());
        for row in changed_rows {
            changed.push(self.dataset(row, &old)?);
        }
        let before = |id| old.dataset_by_id(id).cloned();
        self.read_versions(&reading, workspace, &mut changed, before).await?;
        let changed = changed.into_iter().map(Arc::new);
        let mut next = old.with_changes(changed, &[], present.revision, present.schema_revision);
        if u64::try_from(next.datasets().len()).ok() != Some(n_present) {
            let ids: Vec<String> = of_workspace
                .select_only()
                .column(datasets::Column::Id)
                .into_tuple()
                .all(&reading)
                .await?;
            let ids: HashSet<String> = ids.into_iter().collect();
            let removed: Vec<DatasetId> = next
                .datasets()
                .map(|dataset| dataset.id)
                .filter(|id| !ids.contains(&id.0.to_string()))
                .collect();
            next = next.with_changes([], &removed, present.revision, present.schema_revision);
        }
        next.access = Arc::new(self.access(&reading, &present).await?);
        next.saved_queries = self.saved_queries(&reading, &present, &old.saved_queries).await?;
        reading.commit().await?;
        next.documents = Documents {
            mode: documents::mode_of(&present.document_mode).unwrap_or_default(),
            revision: present.documents_revision,
        };
        let next = Arc::new(next);
        self.swap(Arc::clone(&next));
        Ok(next)
    }

    /// A dataset's row with the guard that its table already has, if it has one.
    fn dataset(&self, row: datasets::Model, old: &Snapshot) -> Result<Dataset, CatalogError> {
        let before = old.dataset_by_id(DatasetId(convert::parse_uuid(&row.id)?));
        convert::dataset(row, |storage| match before {
            Some(before) if before.storage == storage => before.guard.clone(),
            // An earlier table may have come back.
            Some(before) => match before.versions.iter().find(|it| it.storage == storage) {
                Some(kept) => {
                    kept.guard.revive();
                    kept.guard.clone()
                }
                None => self.guard(storage),
            },
            None => self.guard(storage),
        })
    }

    fn guard(&self, storage: StorageId) -> StorageGuard {
        StorageGuard::new(storage, self.retired.clone())
    }
}

/// Ends a question that the database does not answer in time.
async fn bounded<T>(
    question: impl Future<Output = Result<T, CatalogError>>,
) -> Result<T, CatalogError> {
    match tokio::time::timeout(PATIENCE, question).await {
        Ok(answer) => answer,
        Err(_) => Err(CatalogError::Silent),
    }
}

/// The id of this data folder, made at the first start.
fn node_of(data_dir: &Path) -> Result<String, CatalogError> {
    let path = data_dir.join("node");
    match std::fs::read_to_string(&path) {
        Ok(text) if Uuid::parse_str(text.trim()).is_ok() => Ok(text.trim().to_owned()),
        Ok(_) => Err(CatalogError::Damaged("the file `node` of the data folder".to_owned())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let node = Uuid::new_v4().to_string();
            std::fs::write(&path, &node)?;
            Ok(node)
        }
        Err(error) => Err(error.into()),
    }
}

/// The workspace of this name, made if it is missing.
async fn ensure_workspace(
    db: &DatabaseConnection,
    name: &str,
) -> Result<WorkspaceId, CatalogError> {
    let row = workspaces::new_row(name);
    workspace_rows::Entity::insert(row)
        .on_conflict(OnConflict::column(workspace_rows::Column::Name).do_nothing().to_owned())
        .exec_without_returning(db)
        .await?;
    let row = workspace_rows::Entity::find()
        .filter(workspace_rows::Column::Name.eq(name))
        .one(db)
        .await?
        .ok_or(CatalogError::NotFound)?;
    Ok(WorkspaceId(convert::parse_uuid(&row.id)?))
}

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
