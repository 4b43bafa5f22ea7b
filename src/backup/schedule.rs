//! Makes archives by itself, at the times that a cron expression tells.
//!
//! Of several nodes on one catalog, one does it.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::{Options, Place, make};
use crate::catalog::{Catalog, now_us};
use crate::config::{Schedule, Settings};

/// The fact that tells up to when a node has taken it upon itself.
const CLAIMED: &str = "backup_claimed";
/// The longest sleep: clocks are set, machines wake up.
const MAX_SLEEP: Duration = Duration::from_secs(60);

/// The task that makes archives.
pub struct Scheduler {
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl Scheduler {
    /// Starts it, if the settings name times and a place.
    pub fn start(
        catalog: Arc<Catalog>,
        settings: &Settings,
        shown: Vec<(String, String)>,
    ) -> Scheduler {
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        let backup = &settings.backup;
        if let (Some(schedule), Some(to)) = (backup.schedule.clone(), backup.to.clone()) {
            let (settings, stop) = (settings.clone(), stop.clone());
            tasks.spawn(async move {
                // Boxed: it lives as long as the process, and is large.
                let work = Box::pin(run(catalog, settings, shown, schedule, to));
                tokio::select! {
                    () = stop.cancelled() => {}
                    () = work => {}
                }
            });
        }
        tasks.close();
        Scheduler { stop, tasks }
    }

    /// Ends it; an archive that is not complete is given up.
    pub async fn shutdown(&self) {
        self.stop.cancel();
        self.tasks.wait().await;
    }
}

async fn run(
    catalog: Arc<Catalog>,
    settings: Settings,
    shown: Vec<(String, String)>,
    schedule: Schedule,
    to: String,
) {
    let mut last_us = now_us();
    while let Some(next_us) = schedule.next_after(last_us) {
        loop {
            let left_us = u64::try_from(next_us.saturating_sub(now_us())).unwrap_or(0);
            if left_us == 0 {
                break;
            }
            tokio::time::sleep(Duration::from_micros(left_us).min(MAX_SLEEP)).await;
        }
        // After a long sleep of the machine what was missed is done once.
        last_us = next_us.max(now_us());
        match catalog.raise_fact(CLAIMED, next_us).await {
            Ok(true) => once(&settings, &shown, &to).await,
            Ok(false) => {}
            Err(error) => tracing::error!(error = ?error, "no backup could be made"),
        }
    }
}

async fn once(settings: &Settings, shown: &[(String, String)], to: &str) {
    let options = Options { settings: shown.to_vec(), ..Options::default() };
    let began = std::time::Instant::now();
    let outcome = async {
        let place = Place::parse(to)?;
        let made = make(settings, &place, options).await?;
        let removed = match settings.backup.keep {
            Some(keep) => place.forget_older(keep).await?,
            None => Vec::new(),
        };
        Ok::<_, super::BackupError>((made, removed.len()))
    };
    match outcome.await {
        Ok((made, n_removed)) => tracing::info!(
            archive = made.archive,
            size_bytes = made.size_bytes,
            n_removed,
            ms = began.elapsed().as_millis(),
            "a backup was made"
        ),
        Err(error) => {
            let because = std::error::Error::source(&error).map(ToString::to_string);
            tracing::error!(%error, because, "no backup could be made");
        }
    }
}
