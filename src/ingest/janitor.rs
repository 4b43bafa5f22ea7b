//! Turns replaced and forgotten tables into free space.
//!
//! It exists so that a query that began on a version ends on it, and nothing is kept longer. It
//! never drops a table that a dataset or a version that is kept names.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::UnboundedReceiver;
use uuid::Uuid;

use super::runner::Shared;
use crate::catalog::model::StorageId;
use crate::catalog::{CatalogError, now_us};
use crate::error::Error;

/// How often nodes give a sign of life for their jobs, and look for replaced tables.
const BEAT_EVERY: Duration = Duration::from_secs(5);
/// Time that other nodes get to hear of a new version, beyond the time that a statement may take.
const NEWS_DELAY: Duration = Duration::from_secs(15);
/// How far the clocks of nodes may differ.
const CLOCK_MARGIN_US: i64 = 60 * 1_000_000;

/// Removes, at the start, the tables and sources that a crash left.
pub(super) async fn sweep(shared: &Arc<Shared>) -> Result<(), Error> {
    let present = shared.store.list_tables().await.map_err(Error::unavailable)?;
    // Asked after the list: a table that is published meanwhile is named here.
    let oldest_running_us = shared.catalog.oldest_running_us().await?;
    let named = shared.catalog.named_tables().await?;
    let is_shared = shared.catalog.is_postgres();
    let retired = shared.catalog.retired_tables(i64::MAX).await?;
    for storage in present {
        if named.contains(&storage) {
            continue;
        }
        if is_shared {
            // Another node may be loading it, or still reading it.
            let limit_us = oldest_running_us.unwrap_or_else(now_us) - CLOCK_MARGIN_US;
            let is_old = made_at_us(&storage).is_some_and(|made_us| made_us < limit_us);
            if !is_old || retired.contains(&storage) {
                continue;
            }
        }
        remove(shared, &storage).await;
    }
    if !is_shared {
        for storage in &retired {
            shared.catalog.forget_table(storage).await?;
        }
    }
    let kept = shared.catalog.sources().await?;
    let folders = shared.folders.clone();
    let n_removed = tokio::task::spawn_blocking(move || folders.sweep(|name| kept.contains(name)))
        .await
        .map_err(Error::internal)?
        .map_err(CatalogError::Folder)?;
    if n_removed > 0 {
        tracing::info!(n_removed, "sources without an owner were removed");
    }
    Ok(())
}

/// When the table was named, microseconds since 1970 UTC.
fn made_at_us(storage: &StorageId) -> Option<i64> {
    let (seconds, nanoseconds) = Uuid::parse_str(storage.as_str()).ok()?.get_timestamp()?.to_unix();
    let whole_us = i64::try_from(seconds).ok()?.checked_mul(1_000_000)?;
    whole_us.checked_add(i64::from(nanoseconds / 1_000))
}

/// Drops replaced tables as their last reader ends, until told to stop.
pub(super) async fn run(
    shared: Arc<Shared>,
    mut retired: UnboundedReceiver<StorageId>,
    statement_timeout: Duration,
) {
    let grace = statement_timeout + NEWS_DELAY;
    let grace_us = i64::try_from(grace.as_micros()).unwrap_or(i64::MAX);
    let is_shared = shared.catalog.is_postgres();
    let mut beats = tokio::time::interval(BEAT_EVERY);
    beats.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = shared.stop.cancelled() => return,
            Some(storage) = retired.recv() => {
                // Other nodes may still read it: there, time decides.
                if !is_shared {
                    remove(&shared, &storage).await;
                }
            }
            _ = beats.tick(), if is_shared => {
                beat(&shared).await;
                if let Ok(due) = shared.catalog.retired_tables(now_us() - grace_us).await {
                    for storage in due {
                        remove(&shared, &storage).await;
                    }
                }
            }
        }
    }
}

/// A sign of life for this node's jobs; hears which of them somebody wants to end.
async fn beat(shared: &Shared) {
    match shared.catalog.beat().await {
        Ok(unwanted) => {
            for id in unwanted {
                if let Some(live) = shared.find_live(id) {
                    live.cancel();
                }
            }
        }
        Err(error) => tracing::debug!(error = ?error, "no sign of life could be given"),
    }
}

/// Removes a table, unless a dataset or a version that is kept names it.
pub(super) async fn remove(shared: &Shared, storage: &StorageId) {
    match shared.catalog.is_named(storage).await {
        Ok(false) => {}
        Ok(true) => return,
        Err(error) => {
            tracing::warn!(table = storage.as_str(), %error, "a table is left for later");
            return;
        }
    }
    let removed = match shared.store.drop_table(storage).await {
        Ok(()) => shared.catalog.forget_table(storage).await.map_err(Error::from),
        Err(error) => Err(Error::internal(error)),
    };
    if let Err(error) = removed {
        tracing::warn!(table = storage.as_str(), error = ?error, "a table could not be removed yet");
    }
}
