//! Remembers the requests that took long, for those who look after the server.
//!
//! The newest are kept in memory with their documents, which admins of their workspace may read;
//! the log gets a line without any text of the client's but the operation's name, and one with the
//! database's plan of what was read.

use std::cell::OnceCell;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio_util::task::TaskTracker;

use super::documents::KnownDocument;
use crate::auth::Principal;
use crate::catalog::model::WorkspaceId;
use crate::catalog::{hex, now_us};
use crate::ops::metrics::{Metrics, OperationClass};
use crate::query::plan::Plan;
use crate::store::Store;
use crate::store::run::Run;

/// Requests that are kept.
const MAX_KEPT: usize = 200;
/// Of the statements of each, characters.
const MAX_SQL_CHARS: usize = 8_192;
/// Statements of a request whose plans are told.
const MAX_PLANS: usize = 4;
/// How long a database may take to tell a plan.
const EXPLAIN_TIMEOUT: Duration = Duration::from_secs(2);
/// Of each document, characters.
const MAX_DOCUMENT_CHARS: usize = 4_096;

/// A request that took long.
#[derive(Clone, Debug)]
pub(super) struct SlowRequest {
    pub(super) workspace: WorkspaceId,
    /// When it was over.
    pub(super) at_us: i64,
    pub(super) took: Duration,
    /// Whose it was, as the audit log names him.
    pub(super) actor: String,
    pub(super) request_id: String,
    pub(super) operation_name: Option<String>,
    /// The names of its root fields.
    pub(super) fields: Vec<String>,
    /// The beginning of the document.
    pub(super) document: String,
    /// SHA-256 of the whole document, lower-case hexadecimal.
    pub(super) sha256: String,
    /// The statements of its plan, with places for values.
    pub(super) sql: String,
}

/// The newest slow requests.
pub(super) struct SlowLog {
    /// How long a request may take without being one, microseconds.
    threshold_us: AtomicU64,
    kept: Mutex<VecDeque<Arc<SlowRequest>>>,
    store: Arc<Store>,
    /// Plans are asked for after the answer, one request at a time.
    explaining: TaskTracker,
    is_explaining: Arc<AtomicBool>,
}

impl SlowLog {
    /// Of requests that take longer than this.
    pub(super) fn new(threshold: Duration, store: Arc<Store>) -> SlowLog {
        let log = SlowLog {
            threshold_us: AtomicU64::new(0),
            kept: Mutex::default(),
            store,
            explaining: TaskTracker::new(),
            is_explaining: Arc::default(),
        };
        log.set_threshold(threshold);
        log
    }

    /// How long a request may take without being one.
    pub(super) fn threshold(&self) -> Duration {
        Duration::from_micros(self.threshold_us.load(Ordering::Relaxed))
    }

    /// From now on.
    pub(super) fn set_threshold(&self, threshold: Duration) {
        let threshold_us = u64::try_from(threshold.as_micros()).unwrap_or(u64::MAX);
        self.threshold_us.store(threshold_us, Ordering::Relaxed);
    }

    /// Those of a workspace, newest first; of one actor, if one is given.
    pub(super) fn of(&self, workspace: WorkspaceId, actor: Option<&str>) -> Vec<Arc<SlowRequest>> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let is_meant = |it: &&Arc<SlowRequest>| {
            it.workspace == workspace && actor.is_none_or(|actor| it.actor == actor)
        };
        kept.iter().rev().filter(is_meant).cloned().collect()
    }

    fn keep(&self, slow: SlowRequest) {
        tracing::warn!(
            actor = slow.actor,
            operation = slow.operation_name,
            fields = slow.fields.join(","),
            document = slow.sha256,
            sql = slow.sql,
            took_ms = slow.took.as_secs_f64() * 1e3,
            "a request took long"
        );
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= MAX_KEPT {
            kept.pop_front();
        }
        kept.push_back(Arc::new(slow));
    }
}

impl SlowLog {
    /// Logs how the database carries these out; not while it tells of others.
    fn explain(&self, request_id: &str, runs: Vec<Run>) {
        if runs.is_empty() || self.is_explaining.swap(true, Ordering::AcqRel) {
            return;
        }
        let (store, is_explaining) = (Arc::clone(&self.store), Arc::clone(&self.is_explaining));
        let request_id = request_id.to_owned();
        self.explaining.spawn(async move {
            let mut plans = Vec::new();
            for mut run in runs {
                run.deadline = Instant::now() + EXPLAIN_TIMEOUT;
                match store.explain(run).await {
                    Ok(explained) => plans.push(without_values(&explained.steps)),
                    Err(error) => tracing::debug!(error = ?error, "a plan could not be told"),
                }
            }
            if !plans.is_empty() {
                let plan = plans.join("; ");
                tracing::warn!(request_id, plan, "the plan of a request that took long");
            }
            is_explaining.store(false, Ordering::Release);
        });
    }
}

/// The steps of a plan without the lines that hold conditions, whose values are those of cells.
fn without_values(steps: &[String]) -> String {
    let kept = steps.iter().map(|step| step.trim()).filter(|step| !step.contains(": "));
    kept.collect::<Vec<_>>().join(" | ").chars().take(MAX_SQL_CHARS).collect()
}

/// The SQL of a plan, with places for values.
fn statements(plan: &Plan) -> String {
    let all: Vec<&str> = plan.wishes().map(|(_, _, statement)| &*statement.sqlite_sql).collect();
    all.join("; ").chars().take(MAX_SQL_CHARS).collect()
}

/// Looks at the clock when a request is over, however it ends.
pub(super) struct Stopwatch<'r> {
    pub(super) log: &'r SlowLog,
    pub(super) metrics: &'r Metrics,
    pub(super) class: OperationClass,
    pub(super) began: Instant,
    pub(super) principal: &'r Principal,
    pub(super) known: Arc<KnownDocument>,
    /// What was made of it, once it is.
    pub(super) plan: OnceCell<Arc<Plan>>,
    /// What was read for it.
    pub(super) runs: OnceCell<Vec<Run>>,
    pub(super) request_id: &'r str,
}

impl Stopwatch<'_> {
    /// Remembers what is read, for the case that it takes long.
    pub(super) fn note_runs(&self, runs: &[Option<Run>]) {
        let noted = runs.iter().flatten().take(MAX_PLANS).cloned().collect();
        let _ = self.runs.set(noted);
    }
}

impl Drop for Stopwatch<'_> {
    fn drop(&mut self) {
        let took = self.began.elapsed();
        self.metrics.operated(self.class, took);
        if took < self.log.threshold() {
            return;
        }
        let runs = self.runs.take().unwrap_or_default();
        let Stopwatch { log, principal, known, request_id, .. } = &*self;
        log.explain(request_id, runs);
        let fields = known.document.root_fields().map(|field| field.name.node.to_string());
        log.keep(SlowRequest {
            workspace: principal.workspace,
            at_us: now_us(),
            took,
            actor: principal.key_prefix.clone(),
            request_id: (*request_id).to_owned(),
            operation_name: known.document.name().map(str::to_owned),
            fields: fields.collect(),
            document: known.text.chars().take(MAX_DOCUMENT_CHARS).collect(),
            sha256: hex(&known.sha),
            sql: self.plan.get().map_or_else(String::new, |plan| statements(plan)),
        });
    }
}
