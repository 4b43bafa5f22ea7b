//! Answers a live query once for all who wait for the same.
//!
//! Those who ask the same document with the same variables, and see the same, are one group. Its
//! task sleeps until a picture of the catalog is swapped; then it names the answer by table and
//! version of all that it reads, and only if that name is new the statement runs, and only if the
//! bytes are new they are sent. Of answers that follow each other faster than somebody takes them,
//! the newest is kept.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use sha2::{Digest, Sha256};
use tokio::sync::{Notify, watch};
use tokio::time::Instant;
use tokio_util::task::TaskTracker;

use super::{Asker, End, Step};
use crate::auth::Principal;
use crate::error::Error;
use crate::graphql::engine::{Answer, Engine, Keeping, Request};
use crate::graphql::tag::{Sha, Tag};
use crate::graphql::{DocumentName, answer};

/// Answers larger than this are let go once they had time to be taken, and made again for those
/// who come later: most groups wait for a long time.
const KEPT_BYTES: usize = 16 << 10;
/// The time that a large answer is held after it was told.
const HELD_FOR: Duration = Duration::from_secs(2);
/// How soon an answer that could not be made is tried again; twice as long each time.
const SOONEST: Duration = Duration::from_secs(1);
const LATEST: Duration = Duration::from_secs(30);

/// All groups.
#[derive(Default)]
pub(super) struct Hub {
    groups: Mutex<HashMap<Sha, Arc<Group>>>,
    tasks: TaskTracker,
}

/// Those who wait for the same answer.
struct Group {
    key: Sha,
    /// The first of them: they all see the same.
    principal: Arc<Principal>,
    query: String,
    document: Option<DocumentName>,
    operation_name: Option<String>,
    variables: Box<str>,
    request_id: String,
    current: watch::Sender<Current>,
    /// Somebody needs an answer that was let go.
    wanted: Notify,
}

/// What a group was answered last.
#[derive(Clone, Default)]
struct Current {
    /// Grows with each answer that differs from the one before.
    number: u64,
    /// `None` before the first, and once it was let go.
    outcome: Option<Outcome>,
}

#[derive(Clone)]
struct Outcome {
    body: Bytes,
    cost: u64,
    is_last: bool,
}

impl Hub {
    fn groups(&self) -> MutexGuard<'_, HashMap<Sha, Arc<Group>>> {
        self.groups.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets a group that nobody is in any more; false when somebody came meanwhile.
    fn dissolve(&self, group: &Group) -> bool {
        let mut groups = self.groups();
        let is_empty = group.current.receiver_count() == 0;
        if is_empty {
            groups.remove(&group.key);
        }
        is_empty
    }

    /// Takes in nobody any more.
    fn close(&self, group: &Group) {
        self.groups().remove(&group.key);
    }
}

impl Engine {
    /// A place in the group of those who wait for the same.
    pub(super) fn join(
        self: &Arc<Engine>,
        principal: &Arc<Principal>,
        request: Request,
        document: &Sha,
        request_id: &str,
    ) -> LiveQuery {
        let key = key(principal, &request, document);
        let hub = &self.subscriptions.hub;
        let mut groups = hub.groups();
        let group = match groups.get(&key) {
            Some(group) => Arc::clone(group),
            None => {
                let Request { query, document, operation_name, variables, .. } = request;
                let group = Arc::new(Group {
                    key,
                    principal: Arc::clone(principal),
                    query,
                    document,
                    operation_name,
                    variables,
                    request_id: request_id.to_owned(),
                    current: watch::Sender::default(),
                    wanted: Notify::new(),
                });
                groups.insert(key, Arc::clone(&group));
                hub.tasks.spawn(run(Arc::clone(self), Arc::clone(&group)));
                group
            }
        };
        // While nobody can dissolve it.
        let news = group.current.subscribe();
        LiveQuery { group, news, number: 0, is_over: false }
    }
}

/// Everything that an answer depends on, but for the data and the rules of the workspace.
fn key(principal: &Principal, request: &Request, document: &Sha) -> Sha {
    let mut hash = Sha256::new();
    hash.update(principal.workspace.0.as_bytes());
    hash.update([principal.scope as u8]);
    // Also of those who are shown everything: tomorrow a policy may tell them apart.
    hash.update(principal.visibility().to_be_bytes());
    hash.update(document);
    let claims = serde_json::to_string(&principal.claims).unwrap_or_default();
    let name = format!("{:?}", request.document);
    let operation_name = request.operation_name.as_deref().unwrap_or_default();
    for text in [claims.as_str(), &name, operation_name, &request.variables] {
        hash.update(text.len().to_be_bytes());
        hash.update(text);
    }
    hash.finalize().into()
}

impl Group {
    fn request(&self, known_tag: Option<Tag>) -> Request {
        Request {
            query: self.query.clone(),
            document: self.document.clone(),
            operation_name: self.operation_name.clone(),
            variables: self.variables.clone(),
            known_tags: known_tag.into_iter().collect(),
            is_live: true,
            ..Request::default()
        }
    }

    /// Lets an answer go that is large.
    fn let_go(&self) {
        self.current.send_if_modified(|current| {
            if current.outcome.as_ref().is_some_and(|outcome| outcome.body.len() > KEPT_BYTES) {
                current.outcome = None;
            }
            false
        });
    }
}

/// Tells a group when the task that answers it comes to grief.
struct Guard {
    engine: Arc<Engine>,
    group: Arc<Group>,
}

impl Drop for Guard {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            return;
        }
        self.engine.subscriptions.hub.close(&self.group);
        // It was logged where it happened.
        let error = Error { source: None, ..Error::internal("a panic") };
        let body = answer::refusal(&error, &self.group.request_id).body;
        self.group.current.send_modify(|current| {
            current.number += 1;
            current.outcome = Some(Outcome { body, cost: 0, is_last: true });
        });
    }
}

/// Answers a group until nobody is in it any more.
async fn run(engine: Arc<Engine>, group: Arc<Group>) {
    let _guard = Guard { engine: Arc::clone(&engine), group: Arc::clone(&group) };
    let (hub, interval) = (&engine.subscriptions.hub, engine.subscriptions.settings.interval);
    let catalog = &engine.services.catalog;
    let mut changes = catalog.changes();
    let mut state = State::default();
    loop {
        let turn = engine.subscriptions.turn().await;
        changes.borrow_and_update();
        let revision = catalog.snapshot(group.principal.workspace).revision;
        let began = Instant::now();
        // Boxed: it is over soon, and then the task waits for long.
        if Box::pin(state.answer(&engine, &group)).await {
            hub.close(&group);
            return;
        }
        drop(turn);
        // However long it took to make it: it is held for those who are about to take it.
        let told = Instant::now();
        tokio::select! {
            () = tokio::time::sleep_until(began + interval) => {}
            () = group.current.closed() => {}
        }
        let retry_at = state.failing_for.map(|pause| told + pause);
        let mut is_held = true;
        loop {
            tokio::select! {
                () = tokio::time::sleep_until(told + HELD_FOR), if is_held => {
                    group.let_go();
                    is_held = false;
                }
                changed = changes.changed() => {
                    if changed.is_err() {
                        return;
                    }
                    // Of all workspaces' changes, those of its own.
                    if catalog.snapshot(group.principal.workspace).revision != revision {
                        break;
                    }
                }
                () = group.wanted.notified() => {
                    state.tag = None;
                    break;
                }
                () = tokio::time::sleep_until(retry_at.unwrap_or(told)), if retry_at.is_some() => {
                    break;
                }
                () = group.current.closed() => {
                    if hub.dissolve(&group) {
                        return;
                    }
                }
            }
        }
    }
}

/// What a group's task knows of its last answer.
#[derive(Default)]
struct State {
    /// Its name, if it is still true.
    tag: Option<Tag>,
    /// Its bytes.
    sha: Option<Sha>,
    /// How long to wait before what failed is tried again.
    failing_for: Option<Duration>,
}

impl State {
    /// Makes the answer if it may have changed, and tells it if it has; true if it was the last.
    async fn answer(&mut self, engine: &Arc<Engine>, group: &Group) -> bool {
        let request = group.request(self.tag);
        let answered = engine.answer(&group.principal, request, &group.request_id).await;
        let answer = answered.unwrap_or_else(|error| answer::refusal(&error, &group.request_id));
        let Answer { body, first_error, keeping, cost, .. } = answer;
        let is_first = group.current.borrow().number == 0;
        let tell = |is_new: bool, is_last: bool| {
            group.current.send_modify(|current| {
                current.number += u64::from(is_new);
                current.outcome = Some(Outcome { body: body.clone(), cost, is_last });
            });
        };
        let Some(code) = first_error else {
            self.failing_for = None;
            match keeping {
                Keeping::Unchanged(_) => return false,
                Keeping::Tagged(tag) => self.tag = Some(tag),
                Keeping::Never => self.tag = None,
            }
            let sha: Sha = Sha256::digest(&body).into();
            let is_new = self.sha.replace(sha) != Some(sha);
            let n_subscribers = group.current.receiver_count();
            tracing::debug!(n_subscribers, is_new, "a live query ran");
            // One that is not new may have been let go, and be wanted.
            tell(is_new, false);
            return false;
        };
        if is_first || !code.is_retryable() {
            tell(true, true);
            return true;
        }
        // It may be well again soon: it is told once, and what comes after it is sent in any case.
        (self.tag, self.sha) = (None, None);
        match &mut self.failing_for {
            None => {
                self.failing_for = Some(SOONEST);
                tell(true, false);
            }
            Some(pause) => *pause = (*pause * 2).min(LATEST),
        }
        false
    }
}

/// A place in a group.
pub(super) struct LiveQuery {
    group: Arc<Group>,
    news: watch::Receiver<Current>,
    /// That of the last answer that was taken.
    number: u64,
    is_over: bool,
}

impl LiveQuery {
    /// The next answer that differs from the last.
    pub(super) async fn next(&mut self, asker: &Asker) -> Step {
        if self.is_over {
            return Ok(None);
        }
        loop {
            if let Some((number, outcome)) = self.untaken() {
                asker.admit(outcome.cost, self.number == 0).await?;
                // There may be a newer one by now.
                let newest = self.news.borrow_and_update().clone();
                let newest = newest.outcome.map(|outcome| (newest.number, outcome));
                let (number, outcome) = newest.unwrap_or((number, outcome));
                self.number = number;
                if outcome.is_last {
                    return Err(End::Answer(outcome.body));
                }
                return Ok(Some(outcome.body));
            }
            if self.news.changed().await.is_err() {
                return Ok(None);
            }
        }
    }

    /// The present answer if it was not taken yet; one that was let go is made again.
    fn untaken(&mut self) -> Option<(u64, Outcome)> {
        let current = self.news.borrow_and_update();
        if current.number == self.number {
            return None;
        }
        if current.outcome.is_none() {
            self.group.wanted.notify_one();
        }
        Some((current.number, current.outcome.clone()?))
    }
}
