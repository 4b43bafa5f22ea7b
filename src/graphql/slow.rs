//! Remembers the requests that took long, for those who look after the server.
//!
//! The newest are kept in memory with their documents, which admins of their workspace may read;
//! the log gets a line without any text of the client's but the operation's name.

use std::cell::OnceCell;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::documents::KnownDocument;
use crate::auth::Principal;
use crate::catalog::model::WorkspaceId;
use crate::catalog::{hex, now_us};
use crate::ops::metrics::{Metrics, OperationClass};
use crate::query::plan::Plan;

/// Requests that are kept.
const MAX_KEPT: usize = 200;
/// Of the statements of each, characters.
const MAX_SQL_CHARS: usize = 8_192;
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
}

impl SlowLog {
    /// Of requests that take longer than this.
    pub(super) fn new(threshold: Duration) -> SlowLog {
        let log = SlowLog { threshold_us: AtomicU64::new(0), kept: Mutex::default() };
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
    pub(super) request_id: &'r str,
}

impl Drop for Stopwatch<'_> {
    fn drop(&mut self) {
        let took = self.began.elapsed();
        self.metrics.operated(self.class, took);
        if took < self.log.threshold() {
            return;
        }
        let Stopwatch { log, principal, known, request_id, .. } = &*self;
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
