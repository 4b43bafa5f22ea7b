//! Turns mutations of rows into new versions of datasets: planned, carried out in one transaction,
//! logged, published.
//!
//! Writers of a dataset take turns. Who has the turn carries out everything that waits for it, so
//! that many small mutations share one commit; each is still its own version, all or nothing. On
//! PostgreSQL rows and catalog change in one transaction. On the embedded store the data files are
//! committed first and the catalog follows; what a crash leaves between the two is settled by
//! [`recover`].

mod apply;
mod batch;
pub mod columns;
pub mod fields;
mod json;
mod pace;
mod plan;
pub mod recover;
mod revert;
mod values;

#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;
use tokio_util::task::TaskTracker;

use self::pace::Pace;
use self::plan::{Action, Operation, Out, OutPart, WritePlan};
pub use self::revert::Revert;
use crate::catalog::model::{DatasetId, WorkspaceId};
use crate::catalog::snapshot::Snapshot;
use crate::catalog::{Catalog, CatalogError};
use crate::config::Settings;
use crate::error::{Code, Error, Result};
use crate::query::change::Returnings;
use crate::query::document::Document;
use crate::query::input::Variables;
use crate::query::plan::PlanSettings;
use crate::store::Store;
use crate::store::json::key_bytes;

/// Mutations that share a commit, at most.
const MAX_BATCH: usize = 64;
/// How often a mutation is planned anew because what it was planned for has changed.
const MAX_PLANS: usize = 5;

/// A mutation that failed: nothing of it was done.
#[derive(Debug)]
pub struct WriteError {
    /// The response key of the root field that it was, where it was one.
    pub key: Option<String>,
    /// Why.
    pub error: Error,
}

impl<E: Into<Error>> From<E> for WriteError {
    fn from(error: E) -> WriteError {
        WriteError { key: None, error: error.into() }
    }
}

/// A mutation of rows, as it was asked for.
pub struct WriteRequest<'r> {
    /// Whose rows.
    pub workspace: WorkspaceId,
    /// Who, as the audit log names him.
    pub actor: &'r str,
    /// The document, which was found valid.
    pub document: &'r Document,
    /// What was kept with the document.
    pub returnings: &'r Returnings,
    /// Its variables, and what stands for claims.
    pub variables: &'r Variables,
    /// Only the root field with this number.
    pub only: Option<usize>,
    /// SHA-256 of all that was asked, lower-case hexadecimal: tells a repeat from another mutation.
    pub sha256: &'r (dyn Fn() -> String + Sync),
}

/// Carries out mutations of rows.
pub struct Writer {
    catalog: Arc<Catalog>,
    store: Arc<Store>,
    settings: PlanSettings,
    timeout: Duration,
    max_rows: i64,
    waiting: Mutex<HashMap<DatasetId, VecDeque<Entry>>>,
    /// Mutations at work, whether or not somebody waits for them.
    tasks: TaskTracker,
    /// Datasets whose files may be ahead of the catalog: settled before anything else.
    unsettled: Mutex<HashSet<DatasetId>>,
    pace: Pace,
}

/// A planned mutation and who waits for it.
struct Entry {
    planned: Planned,
    reply: oneshot::Sender<Reply>,
}

/// What becomes of an entry.
enum Reply {
    Done(std::result::Result<Vec<u8>, WriteError>),
    /// What it was planned for has changed.
    Stale,
}

struct Planned {
    workspace: WorkspaceId,
    actor: String,
    /// Of a mutation with a request id.
    sha256: Option<String>,
    /// What the principal saw.
    snapshot: Arc<Snapshot>,
    plan: WritePlan,
    written: Vec<DatasetId>,
    read: Vec<DatasetId>,
    /// Whether it touches few rows of one dataset, whatever the data.
    is_small: bool,
    deadline: Instant,
}

impl Writer {
    /// A writer over these rooms.
    pub fn new(
        catalog: Arc<Catalog>,
        store: Arc<Store>,
        plan_settings: PlanSettings,
        settings: &Settings,
    ) -> Writer {
        Writer {
            catalog,
            store,
            settings: plan_settings,
            timeout: settings.statement_timeout,
            max_rows: settings.max_write_rows,
            waiting: Mutex::default(),
            tasks: TaskTracker::new(),
            unsettled: Mutex::default(),
            pace: Pace::new(),
        }
    }

    /// Waits for the mutations at work, once no more come.
    pub async fn finish(&self) {
        self.tasks.close();
        self.tasks.wait().await;
        if let Err(error) = self.catalog.flush().await {
            tracing::warn!(error = ?error, "the catalog is brought up to date at the next start");
        }
    }

    /// Carries out a mutation whose root fields all change rows; gives the whole body of the
    /// answer. `see` gives what the principal sees now.
    ///
    /// # Errors
    /// As its root fields: BAD_USER_INPUT, CONFLICT, FORBIDDEN, QUERY_TOO_COMPLEX, TIMEOUT;
    /// STORAGE_UNAVAILABLE when the database is away. Nothing was done then.
    pub async fn write(
        self: &Arc<Writer>,
        request: &WriteRequest<'_>,
        see: impl Fn() -> Arc<Snapshot>,
    ) -> std::result::Result<Vec<u8>, WriteError> {
        let deadline = Instant::now() + self.timeout;
        for _ in 0..MAX_PLANS {
            let planned = self.plan(request, see(), deadline)?;
            if planned.written.is_empty() {
                // Nothing but `__typename`.
                let fields = vec![b"\"Mutation\"".to_vec(); planned.plan.operations.len()];
                return Ok(body(&planned.plan, &fields));
            }
            match self.submit(planned).await? {
                Reply::Done(done) => return done,
                Reply::Stale => {}
            }
        }
        Err(CatalogError::Changed.into())
    }

    fn plan(
        &self,
        request: &WriteRequest<'_>,
        snapshot: Arc<Snapshot>,
        deadline: Instant,
    ) -> Result<Planned> {
        let WriteRequest { document, returnings, variables, only, .. } = *request;
        let (document, settings) = ((document, returnings), &self.settings);
        let plan = plan::plan(document, &snapshot, variables, settings, self.max_rows, only)?;
        let mut written = Vec::new();
        let mut read = Vec::new();
        for operation in &plan.operations {
            if !matches!(operation.action, Action::Nothing) && !written.contains(&operation.dataset)
            {
                written.push(operation.dataset);
            }
            read.extend(datasets_read(operation));
        }
        written.sort_unstable();
        read.sort_unstable();
        read.dedup();
        read.retain(|id| !written.contains(id));
        let is_small = match written.as_slice() {
            [only] => {
                // Relations to itself may lead to many rows without another dataset being read.
                let mut links = snapshot.links(*only).iter();
                read.is_empty()
                    && links.all(|link| link.other != *only)
                    && plan.operations.iter().all(Operation::is_small)
            }
            _ => false,
        };
        Ok(Planned {
            workspace: request.workspace,
            actor: request.actor.to_owned(),
            sha256: plan.request_id.is_some().then(request.sha256),
            snapshot,
            plan,
            written,
            read,
            is_small,
            deadline,
        })
    }

    /// Waits for the turn and carries the mutation out; goes on when nobody waits any more.
    async fn submit(self: &Arc<Writer>, planned: Planned) -> Result<Reply> {
        let (reply, answer) = oneshot::channel();
        let ids = planned.written.clone();
        let entry = Entry { planned, reply };
        let own = match ids.as_slice() {
            [id] => {
                self.waiting().entry(*id).or_default().push_back(entry);
                None
            }
            _ => Some(entry),
        };
        let writer = Arc::clone(self);
        let token = self.tasks.token();
        let mut turn = Box::pin(async move {
            let locks = writer.catalog.lock_rows(ids.iter().copied()).await;
            let batch = match own {
                Some(entry) => vec![entry],
                None => ids.first().map(|id| writer.drain(*id)).unwrap_or_default(),
            };
            if !batch.is_empty() {
                writer.carry_out(&ids, batch).await;
            }
            drop(locks);
        });
        // Most are done at the first touch, with no other task to wake and wait for. What has to
        // wait goes on by itself.
        if futures_util::poll!(turn.as_mut()).is_pending() {
            self.tasks.spawn(turn);
        }
        drop(token);
        answer.await.map_err(|_| Error::internal("a mutation was given up"))
    }

    /// Mutations of rows that were begun and are not over.
    pub fn n_at_work(&self) -> usize {
        self.tasks.len()
    }

    /// Those among them that wait for the turn of their dataset.
    pub fn n_waiting(&self) -> usize {
        self.waiting().values().map(VecDeque::len).sum()
    }

    fn waiting(&self) -> MutexGuard<'_, HashMap<DatasetId, VecDeque<Entry>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What waits for a dataset's turn, in order. One that may be a repeat of another waits on.
    fn drain(&self, dataset: DatasetId) -> Vec<Entry> {
        let mut waiting = self.waiting();
        let Some(queue) = waiting.get_mut(&dataset) else { return Vec::new() };
        let mut batch: Vec<Entry> = Vec::new();
        while batch.len() < MAX_BATCH {
            let is_repeat = queue.front().is_some_and(|next| {
                next.planned.plan.request_id.is_some()
                    && batch
                        .iter()
                        .any(|entry| entry.planned.plan.request_id == next.planned.plan.request_id)
            });
            match queue.pop_front() {
                Some(entry) if !is_repeat => batch.push(entry),
                Some(entry) => {
                    queue.push_front(entry);
                    break;
                }
                None => break,
            }
        }
        if queue.is_empty() {
            waiting.remove(&dataset);
        }
        batch
    }
}

/// The datasets that statements of an operation read.
fn datasets_read(operation: &Operation) -> Vec<DatasetId> {
    let mut read = Vec::new();
    let mut add = |statement: &crate::query::plan::RootStatement| {
        read.extend_from_slice(statement.datasets());
    };
    match &operation.action {
        Action::Insert { conflict, .. } => conflict.iter().for_each(|it| add(&it.matched)),
        Action::Update(updates) => updates.iter().for_each(|it| add(&it.target.statement)),
        Action::Delete(target) => add(&target.statement),
        Action::Nothing => {}
    }
    operation.check.iter().for_each(&mut add);
    match &operation.out {
        Out::One(statement) => add(statement),
        Out::Response { parts, .. } => {
            for (_, part) in parts {
                if let OutPart::Returning(statement) = part {
                    add(statement);
                }
            }
        }
        Out::Literal(_) => {}
    }
    read
}

/// Refuses a dataset that has another version than the one that was looked at.
fn check_version(name: &str, present: i64, wanted: Option<i64>) -> Result<()> {
    match wanted.filter(|wanted| *wanted != present) {
        None => Ok(()),
        Some(wanted) => Err(Error::new(
            Code::Conflict,
            format!(
                "{name:?} is at version {present}, no longer at {wanted} (ifVersion). Look at it again."
            ),
        )),
    }
}

/// What of [`body`] is between its braces.
pub fn fields_of_body(body: &[u8]) -> &[u8] {
    let inner = body.strip_prefix(BODY_START).and_then(|rest| rest.strip_suffix(b"}}"));
    inner.unwrap_or_default()
}

/// How a body begins.
const BODY_START: &[u8] = b"{\"data\":{";

/// `{"data":{…}}`
fn body(plan: &WritePlan, fields: &[Vec<u8>]) -> Vec<u8> {
    let mut out = BODY_START.to_vec();
    for (number, (operation, json)) in plan.operations.iter().zip(fields).enumerate() {
        if number > 0 {
            out.push(b',');
        }
        out.extend_from_slice(&key_bytes(&operation.key));
        out.extend_from_slice(json);
    }
    out.extend_from_slice(b"}}");
    out
}
