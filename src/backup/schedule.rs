//! Makes archives by itself, at the times that a cron expression tells.
//!
//! Of several nodes on one catalog, one does it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::{BackupError, Options, Place, make};
use crate::catalog::{Catalog, now_us};
use crate::config::{Schedule, Settings};
use crate::error::chain;

/// The fact that tells up to when a node has taken it upon itself.
const CLAIMED: &str = "backup_claimed";
/// The longest sleep: clocks are set, machines wake up.
const MAX_SLEEP: Duration = Duration::from_secs(60);

/// The task that makes archives.
pub struct Scheduler {
    stop: CancellationToken,
    /// For the thread that writes the archive.
    is_stopping: Arc<AtomicBool>,
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
        let is_stopping = Arc::new(AtomicBool::new(false));
        let backup = &settings.backup;
        if let (Some(schedule), Some(to)) = (backup.schedule.clone(), backup.to.clone()) {
            let (settings, stop) = (settings.clone(), stop.clone());
            let work = Work { catalog, settings, shown, to, is_stopping: Arc::clone(&is_stopping) };
            tasks.spawn(async move {
                // Boxed: it lives as long as the process, and is large.
                let work = Box::pin(work.run(schedule));
                tokio::select! {
                    () = stop.cancelled() => {}
                    () = work => {}
                }
            });
        }
        tasks.close();
        Scheduler { stop, is_stopping, tasks }
    }

    /// Ends it; an archive that is not complete is given up.
    pub async fn shutdown(&self) {
        self.is_stopping.store(true, Ordering::Relaxed);
        self.stop.cancel();
        self.tasks.wait().await;
    }
}

/// What is done each time.
struct Work {
    catalog: Arc<Catalog>,
    settings: Settings,
    /// For people, in the archive.
    shown: Vec<(String, String)>,
    to: String,
    is_stopping: Arc<AtomicBool>,
}

impl Work {
    async fn run(self, schedule: Schedule) {
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
            match self.catalog.raise_fact(CLAIMED, next_us).await {
                Ok(true) => self.once().await,
                Ok(false) => {}
                Err(error) => tracing::error!(error = ?error, "no backup could be made"),
            }
        }
    }

    async fn once(&self) {
        let options = Options {
            settings: self.shown.clone(),
            stop: Arc::clone(&self.is_stopping),
            ..Options::default()
        };
        let began = std::time::Instant::now();
        let outcome = async {
            let place = Place::parse(&self.to)?;
            let made = make(&self.settings, &place, options).await?;
            let removed = match self.settings.backup.keep {
                Some(keep) => place.forget_older(keep).await?,
                None => Vec::new(),
            };
            Ok::<_, BackupError>((made, removed.len()))
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
                tracing::error!(error = chain(&error), "no backup could be made");
            }
        }
    }
}
