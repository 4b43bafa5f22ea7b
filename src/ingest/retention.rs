//! Forgets what datasets were, beyond the bounds: versions, then what logs tell of them, then the
//! tables that nothing names any more.
//!
//! Logs are trimmed by what was kept at the look before: a query that began on a version which has
//! been forgotten since still finds it whole.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use super::export;
use super::janitor;
use super::runner::Shared;
use crate::catalog::model::{DatasetId, StorageId};
use crate::catalog::now_us;
use crate::error::Error;

/// Rows of a log that go in one transaction.
const ROWS_AT_ONCE: usize = 10_000;
/// Such transactions in one look.
const MAX_TRIMS: usize = 50;
/// How long answers of mutations with an id are kept.
const ANSWERS_KEPT_US: i64 = 24 * 3_600 * 1_000_000;

/// Looks now and then, until told to stop.
pub(super) async fn run(
    shared: Arc<Shared>,
    look_every: Duration,
    statement_timeout: Duration,
    exports_kept: Duration,
) {
    let grace_us = i64::try_from(statement_timeout.as_micros()).unwrap_or(i64::MAX);
    let mut looks = tokio::time::interval(look_every);
    looks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut before = HashMap::new();
    let mut trimmed = HashMap::new();
    loop {
        tokio::select! {
            () = shared.stop.cancelled() => return,
            _ = looks.tick() => {
                if let Err(error) = look(&shared, &mut before, &mut trimmed, grace_us).await {
                    tracing::debug!(error = ?error, "old versions could not be forgotten yet");
                }
                let folder = shared.folders.exports().to_owned();
                let swept =
                    tokio::task::spawn_blocking(move || export::sweep(&folder, exports_kept));
                if let Ok(Err(error)) = swept.await {
                    tracing::warn!(%error, "old files of exports could not be removed");
                }
            }
        }
    }
}

type Oldest = HashMap<StorageId, (DatasetId, i64)>;

async fn look(
    shared: &Arc<Shared>,
    before: &mut Oldest,
    trimmed: &mut HashMap<StorageId, i64>,
    grace_us: i64,
) -> Result<(), Error> {
    let catalog = &shared.catalog;
    // The logs keep what the catalog is to be told yet.
    catalog.flush().await?;
    let mut n_trims = 0;
    for (storage, (dataset, oldest)) in before.iter() {
        if trimmed.get(storage).is_some_and(|done| done >= oldest) {
            continue;
        }
        loop {
            n_trims += 1;
            if n_trims > MAX_TRIMS {
                break;
            }
            // In turn with those who change rows: each trim is short.
            let lock = catalog.lock_rows([*dataset]).await;
            let gone = shared.store.trim_log(storage, *oldest, ROWS_AT_ONCE).await;
            drop(lock);
            match gone {
                Ok(n_gone) if n_gone >= ROWS_AT_ONCE => {}
                Ok(_) => {
                    trimmed.insert(storage.clone(), *oldest);
                    break;
                }
                Err(error) => {
                    // It may have been dropped meanwhile.
                    tracing::debug!(table = storage.as_str(), %error, "a log is left as it is");
                    break;
                }
            }
        }
    }
    catalog.forget_versions().await?;
    *before = catalog.oldest_kept();
    trimmed.retain(|storage, _| before.contains_key(storage));
    if !catalog.is_postgres() {
        for storage in catalog.retired_tables(now_us().saturating_sub(grace_us)).await? {
            janitor::remove(shared, &storage).await;
        }
    }
    catalog.forget_answers(now_us().saturating_sub(ANSWERS_KEPT_US)).await?;
    Ok(())
}
