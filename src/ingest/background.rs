//! Gives a load a thread of its own that steps aside for queries.
//!
//! A load keeps every core busy for seconds. On Linux its threads ask the scheduler for less, so
//! that a query beside it hardly notices; alone on the machine it is as fast as ever. Nothing here
//! knows what the work is.

use tokio::sync::oneshot;

use crate::store::aside::step_aside;

/// How much a load's threads step aside: 0 is everybody's share, 19 the least.
const NICENESS: i32 = 15;

/// The work ended by a panic; the process lives on.
#[derive(Debug, thiserror::Error)]
#[error("the work ended by a panic")]
pub(super) struct Panicked;

/// Runs work on a thread of its own, with the threads that it starts, behind everybody else.
///
/// # Errors
/// [`Panicked`] when the work did, or the system gives no thread.
pub(super) async fn run<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Panicked> {
    let (answer, answered) = oneshot::channel();
    let thread = std::thread::Builder::new().name("sluice-load".to_owned()).spawn(move || {
        step_aside(NICENESS);
        // Whoever asked may have left; a panic drops the sender.
        let _ = answer.send(work());
    });
    thread.map_err(|_| Panicked)?;
    answered.await.map_err(|_| Panicked)
}
