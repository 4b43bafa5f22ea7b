//! Counts how many subscriptions each principal has, and holds them to the limit.
//!
//! Counts are those of this process, as rate limits are. A seat is given back by being dropped.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use crate::auth::Principal;
use crate::catalog::model::WorkspaceId;
use crate::error::{Code, Error, Result};

type Sitter = (WorkspaceId, String, Option<IpAddr>);
type Taken = Arc<Mutex<HashMap<Arc<Sitter>, usize>>>;

/// The seats of all.
pub(super) struct Seats {
    taken: Taken,
    max_per_key: usize,
}

/// One that is taken.
pub(super) struct Seat {
    taken: Taken,
    sitter: Arc<Sitter>,
}

impl Seats {
    /// So many for each principal.
    pub(super) fn new(max_per_key: usize) -> Seats {
        Seats { taken: Taken::default(), max_per_key }
    }

    /// How many are taken.
    pub(super) fn n_taken(&self) -> usize {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner).values().sum()
    }

    /// One more for this principal.
    ///
    /// # Errors
    /// RATE_LIMITED when it has all that it may have.
    pub(super) fn take(&self, principal: &Principal) -> Result<Seat> {
        let sitter = (principal.workspace, principal.key_prefix.clone(), principal.address);
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let sitter = match taken.get_key_value(&sitter) {
            Some((known, _)) => Arc::clone(known),
            None => Arc::new(sitter),
        };
        let n_taken = taken.entry(Arc::clone(&sitter)).or_default();
        if *n_taken >= self.max_per_key {
            let most = self.max_per_key;
            return Err(Error::new(
                Code::RateLimited,
                format!(
                    "This key has {most} subscriptions, the limit. End some of them, or ask the operator to raise live.max_per_key."
                ),
            ));
        }
        *n_taken += 1;
        Ok(Seat { taken: Arc::clone(&self.taken), sitter })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(n_taken) = taken.get_mut(&self.sitter) {
            *n_taken -= 1;
            if *n_taken == 0 {
                taken.remove(&self.sitter);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::catalog::model::Scope;

    #[test]
    fn seats_are_counted_and_given_back() {
        let seats = Seats::new(2);
        let key = |prefix: &str| Principal::new(WorkspaceId(Uuid::nil()), Scope::Read, prefix);
        let first = seats.take(&key("a")).unwrap();
        let _second = seats.take(&key("a")).unwrap();
        assert_eq!(seats.take(&key("a")).err().unwrap().code, Code::RateLimited);
        let other = seats.take(&key("b")).unwrap();
        drop(first);
        let _third = seats.take(&key("a")).unwrap();
        drop(other);
        assert_eq!(seats.taken.lock().unwrap().len(), 1, "who has none is forgotten");
    }
}
