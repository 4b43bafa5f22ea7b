//! Takes what is due out of the outbox, a few at a time, and writes down what came of it.
//!
//! It sleeps until something was written down or the next attempt is due; a slow look every half
//! minute finds what a node that died has left.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::send::{Outgoing, Sender, Sent};
use crate::auth::Auth;
use crate::auth::audit::Act;
use crate::catalog::deliveries::{Attempt, ClaimedDelivery};
use crate::catalog::model::WorkspaceId;
use crate::catalog::{Catalog, CatalogError, now_us};
use crate::config::WebhookSettings;
use crate::error::Code;

/// How often the outbox is looked at without being told.
const LOOK_EVERY: Duration = Duration::from_secs(30);
/// The shortest pause: what is due may be held by another node for a moment.
const LEAST_PAUSE: Duration = Duration::from_millis(5);
/// The pause after the catalog did not answer.
const PAUSE: Duration = Duration::from_secs(2);
/// How long a delivery is this node's beyond the time that an answer may take: a name may be looked
/// up for long.
const LEASE_MARGIN: Duration = Duration::from_secs(60);
/// How often old deliveries are looked for.
const TRIM_EVERY: Duration = Duration::from_secs(3_600);
/// The log of a webhook is cut after so many deliveries.
const TRIM_AFTER: i64 = 10;
/// How often it is tried to write down what came of an attempt.
const SETTLE_TRIES: usize = 5;

/// What sends what is due.
#[derive(Clone)]
pub(super) struct Deliverer {
    catalog: Arc<Catalog>,
    auth: Arc<Auth>,
    settings: WebhookSettings,
    sender: Sender,
}

impl Deliverer {
    pub(super) fn new(
        catalog: Arc<Catalog>,
        auth: Arc<Auth>,
        settings: WebhookSettings,
    ) -> Deliverer {
        Deliverer { catalog, auth, settings, sender: Sender::new(&settings) }
    }

    /// Sends one delivery and settles it; tells whose it was.
    async fn deliver(self, claimed: ClaimedDelivery) -> WorkspaceId {
        let webhook = &claimed.webhook;
        let request = Outgoing {
            url: webhook.url.clone(),
            id: claimed.delivery.id.to_string(),
            event: word(&claimed),
            timestamp: now_us() / 1_000_000,
            secret: self.auth.webhook_secret(webhook.id, webhook.secret_number),
            body: claimed.delivery.body.clone(),
        };
        let sender = self.sender.clone();
        let sent = tokio::task::spawn_blocking(move || sender.send(&request)).await;
        // A panic is a defect of ours; the delivery is tried again.
        let sent = sent.unwrap_or_else(|_| Sent {
            status: None,
            error: Some("the request could not be made".to_owned()),
        });
        let attempt = self.judge(&claimed, sent);
        let disable_after = i64::try_from(self.settings.disable_after).unwrap_or(i64::MAX);
        for _ in 0..SETTLE_TRIES {
            match self.catalog.settle_delivery(&claimed, &attempt, disable_after).await {
                Ok(is_disabled) => {
                    if is_disabled {
                        self.tell_disabled(&claimed);
                    }
                    break;
                }
                // Once the lease is over it is sent again.
                Err(error) => {
                    tracing::warn!(error = ?error, "what came of a delivery could not be kept yet");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
        if claimed.number() % TRIM_AFTER == 0 {
            let n_kept = u64::try_from(self.settings.log_deliveries).unwrap_or(u64::MAX);
            if let Err(error) = self.catalog.trim_deliveries_of(webhook.id, n_kept).await {
                tracing::debug!(error = ?error, "the log of a webhook could not be cut");
            }
        }
        webhook.workspace
    }

    /// What an attempt means: taken, to be tried again, or given up.
    fn judge(&self, claimed: &ClaimedDelivery, sent: Sent) -> Attempt {
        let delivery = &claimed.delivery;
        let now_us = now_us();
        let max_attempts = i64::try_from(self.settings.max_attempts).unwrap_or(i64::MAX);
        let give_up_us = delivery
            .first_attempt_at_us
            .unwrap_or(now_us)
            .saturating_add(micros(self.settings.give_up_after));
        let is_over = delivery.attempts >= max_attempts || now_us >= give_up_us;
        let next_try_at_us = sent
            .error
            .as_ref()
            .filter(|_| !is_over)
            .map(|_| now_us.saturating_add(micros(self.pause_after(delivery.attempts))));
        Attempt { response_status: sent.status, error: sent.error, next_try_at_us }
    }

    /// Twice as long after each attempt, and between half of it and all of it, so that those who
    /// failed together do not come back together.
    fn pause_after(&self, n_attempts: i64) -> Duration {
        let doublings = u32::try_from(n_attempts.saturating_sub(1).clamp(0, 30)).unwrap_or(30);
        let longest = self.settings.max_retry.max(self.settings.first_retry);
        let pause = self.settings.first_retry.saturating_mul(1 << doublings).min(longest);
        let mut byte = [0; 1];
        // Without randomness the pause is the shortest.
        let _ = getrandom::fill(&mut byte);
        let [jitter] = byte;
        pause / 2 + pause / 2 * u32::from(jitter) / u32::from(u8::MAX)
    }

    fn tell_disabled(&self, claimed: &ClaimedDelivery) {
        let id = claimed.webhook.id.0.to_string();
        tracing::warn!(webhook = id, "a webhook was disabled after repeated failure");
        let act = Act { action: "disableWebhook", target: Some(&id), ..Act::default() };
        self.auth.audit().record_system(claimed.webhook.workspace, &act);
    }
}

fn word(claimed: &ClaimedDelivery) -> String {
    match serde_json::to_value(claimed.delivery.event) {
        Ok(serde_json::Value::String(word)) => word,
        _ => Code::Internal.wire().to_owned(),
    }
}

fn micros(time: Duration) -> i64 {
    i64::try_from(time.as_micros()).unwrap_or(i64::MAX)
}

/// Sends what is due until told to stop, then waits for what is being sent.
pub(super) async fn run(deliverer: Deliverer, stop: CancellationToken) {
    let catalog = Arc::clone(&deliverer.catalog);
    let lease_us = micros(deliverer.settings.timeout + LEASE_MARGIN);
    let most = deliverer.settings.concurrency.max(1);
    let mut at_work = AtWork { tasks: JoinSet::new(), of: HashMap::new(), most };
    let mut is_away = false;
    let mut is_released = false;
    while !stop.is_cancelled() {
        let outcome = async {
            if !is_released {
                catalog.release_deliveries().await?;
                is_released = true;
            }
            while !at_work.is_full() {
                match catalog.claim_delivery(lease_us, &at_work.served()).await? {
                    Some(claimed) => at_work.begin(&deliverer, claimed),
                    None => break,
                }
            }
            let next_us = catalog.next_delivery_us(&at_work.served()).await?;
            let left_us = next_us.map_or(i64::MAX, |next_us| next_us.saturating_sub(now_us()));
            Ok::<_, CatalogError>(Duration::from_micros(u64::try_from(left_us).unwrap_or(0)))
        };
        let pause = match outcome.await {
            Ok(pause) => {
                is_away = false;
                pause.clamp(LEAST_PAUSE, LOOK_EVERY)
            }
            Err(error) => {
                // Told once per outage.
                if !is_away {
                    tracing::warn!(error = ?error, "the outbox of webhooks cannot be read");
                }
                is_away = true;
                PAUSE
            }
        };
        let is_full = at_work.is_full();
        tokio::select! {
            () = stop.cancelled() => {}
            () = catalog.webhooks_woken(), if !is_full => {}
            Some(ended) = at_work.tasks.join_next() => at_work.end(ended.ok()),
            () = tokio::time::sleep(pause), if !is_full => {}
        }
    }
    while at_work.tasks.join_next().await.is_some() {}
}

/// What is being sent.
struct AtWork {
    tasks: JoinSet<WorkspaceId>,
    of: HashMap<WorkspaceId, usize>,
    most: usize,
}

impl AtWork {
    fn is_full(&self) -> bool {
        self.tasks.len() >= self.most
    }

    fn begin(&mut self, deliverer: &Deliverer, claimed: ClaimedDelivery) {
        *self.of.entry(claimed.webhook.workspace).or_default() += 1;
        self.tasks.spawn(deliverer.clone().deliver(claimed));
    }

    fn end(&mut self, workspace: Option<WorkspaceId>) {
        match workspace.and_then(|workspace| self.of.get_mut(&workspace)) {
            Some(n) => *n = n.saturating_sub(1),
            // It panicked: whose it was is not known any more.
            None => self.of.clear(),
        }
        self.of.retain(|_, n| *n > 0);
    }

    /// The workspaces that have their share: half of all, so that one whose receivers are slow does
    /// not hold up all others.
    fn served(&self) -> Vec<WorkspaceId> {
        let share = self.most.div_ceil(2);
        self.of.iter().filter(|(_, n)| **n >= share).map(|(workspace, _)| *workspace).collect()
    }
}

/// Removes deliveries that are too old, now and then.
pub(super) async fn trim(
    catalog: Arc<Catalog>,
    settings: WebhookSettings,
    stop: CancellationToken,
) {
    let mut ticks = tokio::time::interval(TRIM_EVERY);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = ticks.tick() => {}
        }
        let before_us = now_us().saturating_sub(micros(settings.log_retention));
        if let Err(error) = catalog.trim_deliveries(before_us).await {
            tracing::debug!(error = ?error, "the log of webhooks could not be cut");
        }
    }
}
