//! Turns encoders that are done into encoders that are wanted, so that their memory is used again.
//!
//! A load fills thousands of blocks; without this each would grow its buffers anew. It never holds
//! more encoders than were in use at once.

use std::sync::{Mutex, PoisonError};

/// Encoders that wait for a block.
pub(super) struct Spare<E> {
    free: Mutex<Vec<E>>,
}

impl<E> Spare<E> {
    pub(super) fn new() -> Spare<E> {
        Spare { free: Mutex::new(Vec::new()) }
    }

    /// One that was given back, or a new one.
    pub(super) fn take(&self, make: impl FnOnce() -> E) -> E {
        let used = self.free.lock().unwrap_or_else(PoisonError::into_inner).pop();
        used.unwrap_or_else(make)
    }

    /// Takes one that the caller has emptied.
    pub(super) fn give_back(&self, encoder: E) {
        self.free.lock().unwrap_or_else(PoisonError::into_inner).push(encoder);
    }
}
