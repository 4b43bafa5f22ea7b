//! Starts servers, speaks to them, and cleans up after them.
//!
//! `both_stores` runs a story on the embedded store and on PostgreSQL. Every wait is bounded, and
//! every process is ended by its own id when its owner is dropped.

pub(crate) mod client;
pub(crate) mod fixtures;
pub(crate) mod folder;
pub(crate) mod live;
pub(crate) mod place;
pub(crate) mod postgres;
pub(crate) mod server;
pub(crate) mod tokens;

pub(crate) use self::client::{Answer, Client, raw};
pub(crate) use self::folder::Folder;
pub(crate) use self::server::{Server, StoreKind, run_sluice};

use std::time::{Duration, Instant};

/// Runs a story on a fresh server of each store.
pub(crate) fn both_stores(story: impl Fn(&Server)) {
    for kind in [StoreKind::Sqlite, StoreKind::Postgres] {
        eprintln!("story on {kind:?}");
        story(&Server::start(kind));
    }
}

/// Asks again until the answer is there; fails after the limit, naming what was waited for.
pub(crate) fn eventually<T>(
    what: &str,
    limit: Duration,
    mut question: impl FnMut() -> Option<T>,
) -> T {
    let started = Instant::now();
    loop {
        if let Some(answer) = question() {
            return answer;
        }
        assert!(started.elapsed() < limit, "after {limit:?}: still waiting for {what}");
        pause(Duration::from_millis(20));
    }
}

/// Lets a moment pass between two questions of a bounded wait; never used to order events.
#[expect(clippy::disallowed_methods, reason = "the pause inside bounded waits, and only there")]
pub(crate) fn pause(time: Duration) {
    std::thread::sleep(time);
}
