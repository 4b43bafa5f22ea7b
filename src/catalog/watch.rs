//! Turns changes made by other nodes into fresh snapshots of this one.
//!
//! It exists for PostgreSQL, where several nodes share a catalog: a notification wakes it at once,
//! and a cheap look at the revisions every few seconds finds what a lost connection missed. It
//! never ends before the catalog does, and never fails a query.

use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::PgListener;
use tokio::task::JoinSet;

use super::Core;
use super::publish::CHANNEL;

/// How often the revisions are looked at, notifications or not.
const LOOK_EVERY: Duration = Duration::from_secs(3);
/// The first pause after a lost connection; it doubles up to [`LOOK_EVERY`] × 5.
const FIRST_PAUSE: Duration = Duration::from_millis(200);

/// Starts to watch; ends when the set is dropped.
pub(super) fn start(core: &Arc<Core>, url: &str) -> JoinSet<()> {
    let core = Arc::clone(core);
    let url = url.to_owned();
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        tokio::join!(listen_forever(&core, &url), look_forever(&core));
    });
    tasks
}

async fn look_forever(core: &Core) {
    let mut ticks = tokio::time::interval(LOOK_EVERY);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut is_away = false;
    loop {
        ticks.tick().await;
        match core.refresh_all().await {
            Ok(()) => is_away = false,
            Err(error) => {
                // Told once per outage.
                if !is_away {
                    tracing::warn!(error = ?error, "the catalog cannot be watched");
                }
                is_away = true;
            }
        }
    }
}

async fn listen_forever(core: &Core, url: &str) {
    let mut pause = FIRST_PAUSE;
    loop {
        if let Ok(mut listener) = PgListener::connect(url).await
            && listener.listen(CHANNEL).await.is_ok()
        {
            pause = FIRST_PAUSE;
            // Gives None or an error when the connection is lost.
            while let Ok(Some(_)) = listener.try_recv().await {
                if let Err(error) = core.refresh_all().await {
                    tracing::warn!(error = ?error, "a change of the catalog could not be read");
                }
            }
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LOOK_EVERY * 5);
    }
}
