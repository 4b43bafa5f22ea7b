//! Turns "nobody reads this table any more" into a message to the janitor.
//!
//! It exists because a replaced version must stay until the last query that began on it has ended.
//! It never removes anything itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::mpsc::UnboundedSender;

use super::model::StorageId;

/// A counted claim on a dataset version's table, carried by every copy of its `Dataset`.
///
/// Whoever reads the table holds the `Arc<Dataset>` (or the snapshot) for as long as it reads and
/// no longer: a cache that keeps one also keeps the replaced table on the disk. The default guards
/// nothing.
#[derive(Clone, Debug, Default)]
pub struct StorageGuard(Option<Arc<Claim>>);

#[derive(Debug)]
struct Claim {
    storage: StorageId,
    is_retired: AtomicBool,
    // Unbounded, but never longer than the number of versions published and not yet removed.
    janitor: UnboundedSender<StorageId>,
}

impl StorageGuard {
    /// Guards a table; the janitor hears of it when it is retired and the last copy is dropped.
    pub(super) fn new(storage: StorageId, janitor: UnboundedSender<StorageId>) -> StorageGuard {
        StorageGuard(Some(Arc::new(Claim { storage, is_retired: AtomicBool::new(false), janitor })))
    }

    /// Whether it guards anything.
    pub(super) fn is_some(&self) -> bool {
        self.0.is_some()
    }

    /// Takes the mark back: the table is the present one again.
    pub(super) fn revive(&self) {
        if let Some(claim) = &self.0 {
            claim.is_retired.store(false, Ordering::Release);
        }
    }

    /// Marks the table as replaced: nobody new will read it.
    pub(super) fn retire(&self) {
        if let Some(claim) = &self.0 {
            claim.is_retired.store(true, Ordering::Release);
        }
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        if self.is_retired.load(Ordering::Acquire) {
            // Without a janitor the process is ending; the next start removes the table.
            let _ = self.janitor.send(self.storage.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_janitor_hears_of_a_retired_table_when_the_last_copy_goes() {
        let (sender, mut janitor) = tokio::sync::mpsc::unbounded_channel();
        let storage = StorageId::new();
        let guard = StorageGuard::new(storage.clone(), sender.clone());
        let reader = guard.clone();
        guard.retire();
        drop(guard);
        assert!(janitor.try_recv().is_err());
        drop(reader);
        assert_eq!(janitor.try_recv().ok(), Some(storage));

        drop(StorageGuard::new(StorageId::new(), sender));
        assert!(janitor.try_recv().is_err(), "a table in use is not removed");
    }
}
