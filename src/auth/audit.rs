//! Writes down who did what, without making anybody wait for it.
//!
//! Lines go through a bounded queue to one writer, which keeps many at once; a crash loses those of
//! the last moment, and a flood of refusals cannot fill the disk: the same refusal of the same
//! caller is a line every ten seconds, with the number of those left out. Nothing here sees a
//! secret or a cell.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::task::JoinSet;

use super::Principal;
use crate::catalog::model::WorkspaceId;
use crate::catalog::{AuditEntry, Catalog, now_us};
use crate::config::AuditSettings;
use crate::error::Code;

/// Lines that wait for the writer.
const QUEUE: usize = 8_192;
/// Lines written at once.
const BATCH: usize = 200;
/// How long a line waits for others, so that many share one commit.
const LINGER: Duration = Duration::from_millis(100);
/// How often the same refusal is a line.
const REPEAT_AFTER: Duration = Duration::from_secs(10);
/// Refusals told apart at once.
const MAX_REFUSALS: usize = 10_000;
/// How often lines that are too old are looked for.
const TRIM_EVERY: Duration = Duration::from_secs(3_600);
/// The longest text of a caller that a line holds, characters.
const MAX_TEXT_CHARS: usize = 200;
/// The actor of what nobody is known for.
const UNKNOWN: &str = "unknown";
/// The actor of what the server does by itself.
const SYSTEM: &str = "system";

/// What is done, by whom, from where.
#[derive(Clone, Debug, Default)]
pub struct Act<'a> {
    /// From where.
    pub address: Option<String>,
    /// The request's id.
    pub request_id: Option<&'a str>,
    /// What: the field or the route.
    pub action: &'a str,
    /// To what.
    pub target: Option<&'a str>,
    /// The code of the error, if it failed.
    pub error: Option<Code>,
}

enum Message {
    Line(AuditEntry),
    /// Answers when all lines before it are kept.
    Flush(oneshot::Sender<()>),
}

/// A refusal: who, from where, what, which code.
type Refusal = (String, Option<String>, String, &'static str);

/// The audit log.
pub struct Audit {
    queue: mpsc::Sender<Message>,
    /// Somebody waits for lines to be kept.
    hurry: Arc<Notify>,
    refusals: Mutex<HashMap<Refusal, (Instant, u64)>>,
    n_lost: Arc<AtomicU64>,
    has_reads: bool,
    _writer: JoinSet<()>,
}

impl Audit {
    /// A log of this catalog; must be made where tasks can be started.
    pub(super) fn new(catalog: Arc<Catalog>, settings: AuditSettings) -> Audit {
        let (queue, lines) = mpsc::channel(QUEUE);
        let n_lost = Arc::new(AtomicU64::new(0));
        let mut writer = JoinSet::new();
        if catalog.is_owner() {
            writer.spawn(trim(Arc::clone(&catalog), settings.retention));
        }
        let hurry = Arc::new(Notify::new());
        writer.spawn(write(catalog, lines, Arc::clone(&hurry), Arc::clone(&n_lost)));
        Audit {
            queue,
            hurry,
            refusals: Mutex::default(),
            n_lost,
            has_reads: settings.has_reads,
            _writer: writer,
        }
    }

    /// Whether reads are written down, too.
    pub fn has_reads(&self) -> bool {
        self.has_reads
    }

    /// Writes down what somebody did or was refused.
    pub fn record(&self, principal: &Principal, act: &Act<'_>) {
        self.record_of(principal.workspace, &principal.key_prefix, act);
    }

    /// Writes down what somebody was refused whom nobody knows.
    pub fn record_unknown(&self, workspace: WorkspaceId, act: &Act<'_>) {
        self.record_of(workspace, UNKNOWN, act);
    }

    /// Writes down what the server did by itself.
    pub fn record_system(&self, workspace: WorkspaceId, act: &Act<'_>) {
        self.record_of(workspace, SYSTEM, act);
    }

    fn record_of(&self, workspace: WorkspaceId, actor: &str, act: &Act<'_>) {
        let outcome = act.error.map_or("OK", Code::wire);
        let mut n_more = 0;
        if matches!(
            act.error,
            Some(
                Code::Unauthenticated
                    | Code::Forbidden
                    | Code::RateLimited
                    | Code::DocumentNotTrusted
            )
        ) {
            match self.repeats(actor, act, outcome) {
                Some(n) => n_more = n,
                None => return,
            }
        }
        let line = AuditEntry {
            id: 0,
            workspace,
            at_us: now_us(),
            actor: actor.to_owned(),
            address: act.address.clone(),
            request_id: act.request_id.map(short),
            action: short(act.action),
            target: act.target.map(short),
            outcome: outcome.to_owned(),
            details: match n_more {
                0 => "{}".to_owned(),
                n => json!({ "repeated": n }).to_string(),
            },
        };
        if self.queue.try_send(Message::Line(line)).is_err() {
            self.n_lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// How many like it were left out since the last line; `None` when it is left out itself.
    fn repeats(&self, actor: &str, act: &Act<'_>, outcome: &'static str) -> Option<u64> {
        let key = (actor.to_owned(), act.address.clone(), act.action.to_owned(), outcome);
        let mut refusals = self.refusals.lock().unwrap_or_else(PoisonError::into_inner);
        if refusals.len() >= MAX_REFUSALS {
            refusals.retain(|_, (at, _)| at.elapsed() < REPEAT_AFTER);
        }
        let is_full = refusals.len() >= MAX_REFUSALS;
        match refusals.get_mut(&key) {
            Some((at, n_more)) if at.elapsed() < REPEAT_AFTER => {
                *n_more += 1;
                None
            }
            Some(known) => {
                let n_more = known.1;
                *known = (Instant::now(), 0);
                Some(n_more)
            }
            None if is_full => None,
            None => {
                refusals.insert(key, (Instant::now(), 0));
                Some(0)
            }
        }
    }

    /// Waits until all that was recorded before is kept.
    pub async fn flush(&self) {
        let (done, kept) = oneshot::channel();
        if self.queue.send(Message::Flush(done)).await.is_ok() {
            self.hurry.notify_one();
            let _ = kept.await;
        }
    }
}

fn short(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(MAX_TEXT_CHARS).collect()
}

async fn write(
    catalog: Arc<Catalog>,
    mut lines: mpsc::Receiver<Message>,
    hurry: Arc<Notify>,
    n_lost: Arc<AtomicU64>,
) {
    let mut batch = Vec::with_capacity(BATCH);
    while gather(&mut lines, &hurry, &mut batch).await {
        let mut entries = Vec::with_capacity(batch.len());
        let mut waiting = Vec::new();
        for message in batch.drain(..) {
            match message {
                Message::Line(entry) => entries.push(entry),
                Message::Flush(done) => waiting.push(done),
            }
        }
        if catalog.add_audit(&entries).await.is_err() {
            // One of them may be of a workspace that is gone: the others are kept.
            for entry in entries {
                if let Err(error) = catalog.add_audit(std::slice::from_ref(&entry)).await {
                    tracing::warn!(error = ?error, action = entry.action, "a line of the audit log was lost");
                }
            }
        }
        let n = n_lost.swap(0, Ordering::Relaxed);
        if n > 0 {
            tracing::warn!(n, "lines of the audit log were lost: too many at once");
        }
        // Whoever waits is answered; one who has left does not mind.
        for done in waiting {
            let _ = done.send(());
        }
    }
}

/// Gathers lines until there are many, somebody waits for them, or a moment has passed; false when no
/// more come. Lines that come in that moment wake nobody.
async fn gather(
    lines: &mut mpsc::Receiver<Message>,
    hurry: &Notify,
    batch: &mut Vec<Message>,
) -> bool {
    if lines.recv_many(batch, BATCH).await == 0 {
        return false;
    }
    let is_waited_for = batch.iter().any(|message| matches!(message, Message::Flush(_)));
    if batch.len() < BATCH && !is_waited_for {
        let _ = tokio::time::timeout(LINGER, hurry.notified()).await;
    }
    while batch.len() < BATCH
        && let Ok(message) = lines.try_recv()
    {
        batch.push(message);
    }
    true
}

async fn trim(catalog: Arc<Catalog>, retention: Duration) {
    let retention_us = i64::try_from(retention.as_micros()).unwrap_or(i64::MAX);
    let mut ticks = tokio::time::interval(TRIM_EVERY);
    loop {
        ticks.tick().await;
        if let Err(error) = catalog.trim_audit(now_us().saturating_sub(retention_us)).await {
            tracing::debug!(error = ?error, "the audit log could not be trimmed");
        }
    }
}
