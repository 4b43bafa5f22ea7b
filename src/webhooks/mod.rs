//! Turns events that the catalog has written down into signed requests to those who asked for them.
//!
//! At least once, and per webhook in the order of the events: the next one waits until the one
//! before was taken or given up. A few threads send; nobody who makes a change waits for them.

mod address;
mod deliver;
mod send;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

pub use self::address::check_url;
use crate::auth::Auth;
use crate::catalog::Catalog;
use crate::config::WebhookSettings;

/// Webhooks of one dataset.
pub const MAX_PER_DATASET: u64 = 10;

/// Sends what is to be told.
pub struct Webhooks {
    stop: CancellationToken,
    tasks: Mutex<JoinSet<()>>,
}

impl Webhooks {
    /// Starts to send; must be called where tasks can be started.
    pub fn start(catalog: Arc<Catalog>, auth: Arc<Auth>, settings: WebhookSettings) -> Webhooks {
        let stop = CancellationToken::new();
        let mut tasks = JoinSet::new();
        tasks.spawn(deliver::trim(Arc::clone(&catalog), settings, stop.clone()));
        tasks.spawn(deliver::run(deliver::Deliverer::new(catalog, auth, settings), stop.clone()));
        Webhooks { stop, tasks: Mutex::new(tasks) }
    }

    /// Begins nothing more and waits for what is being sent; what is not done by then is sent again
    /// after the next start.
    pub async fn shutdown(&self, grace: Duration) {
        self.stop.cancel();
        let mut tasks =
            std::mem::take(&mut *self.tasks.lock().unwrap_or_else(PoisonError::into_inner));
        let all_ended = async { while tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(grace, all_ended).await.is_err() {
            tracing::warn!("deliveries were left at work; they are sent again");
        }
    }
}
