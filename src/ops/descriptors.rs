//! Raises the number of files and connections that the process may have open.
//!
//! Shells start programs with 1,024, of which connections and files of datasets would soon run out;
//! the system allows more to programs that ask.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// More are of no use.
const ENOUGH: u64 = 1 << 20;

/// Asks for as many as the system gives; without them, the process goes on with what it has.
pub fn raise() {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let wanted = maximum.map_or(ENOUGH, |maximum| maximum.min(ENOUGH));
    if current.is_none_or(|current| current >= wanted) {
        return;
    }
    if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum }) {
        tracing::warn!(%error, "the limit of open files could not be raised");
    }
}
