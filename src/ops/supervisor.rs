//! Tells the supervisor that started the process how it is doing, by systemd's protocol.
//!
//! Without a supervisor that asks for it, nothing is told. That the process is alive is only told
//! when somebody who would notice says so: a process that hangs is then ended and started again.

use std::time::Duration;

use sd_notify::NotifyState;

/// Whatever was to be loaded is loaded, and requests are answered.
pub fn ready() {
    tell(&[NotifyState::Ready]);
}

/// Settings are read again; [`ready`] follows.
pub fn reloading() {
    let mut states = vec![NotifyState::Reloading];
    // Units of Type=notify-reload expect the time, to tell one reload from another.
    states.extend(NotifyState::monotonic_usec_now().ok());
    tell(&states);
}

/// No new requests are taken.
pub fn stopping() {
    tell(&[NotifyState::Stopping]);
}

/// Says for ever that the process is alive, twice in the time that the supervisor allows, as long
/// as `is_alive` says so within half of it. Does nothing where no supervisor waits for it.
pub async fn watchdog<F: Future<Output = bool>>(is_alive: impl Fn() -> F) {
    let Some(allowed) = sd_notify::watchdog_enabled() else { return };
    beat(allowed / 2, is_alive, || tell(&[NotifyState::Watchdog])).await;
}

async fn beat<F>(every: Duration, is_alive: impl Fn() -> F, tell: impl Fn())
where
    F: Future<Output = bool>,
{
    let mut ticks = tokio::time::interval(every.max(Duration::from_millis(1)));
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        match tokio::time::timeout(every, is_alive()).await {
            Ok(true) => tell(),
            Ok(false) => tracing::error!("the store does not answer; the supervisor is not told"),
            Err(_) => {
                tracing::error!("the store does not answer in time; the supervisor is not told");
            }
        }
    }
}

fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::warn!(%error, "the supervisor could not be told");
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[tokio::test]
    async fn only_what_answers_in_time_is_alive() {
        const EVERY: Duration = Duration::from_millis(40);
        let check = async |answers_after: Duration, is_alive: bool| {
            let n_told = AtomicU32::new(0);
            let alive = || async move {
                tokio::time::sleep(answers_after).await;
                is_alive
            };
            let beats = beat(EVERY, alive, || {
                n_told.fetch_add(1, Ordering::Relaxed);
            });
            let _ = tokio::time::timeout(EVERY * 6, beats).await;
            n_told.load(Ordering::Relaxed)
        };
        assert!((2..=7).contains(&check(Duration::ZERO, true).await));
        assert_eq!(check(Duration::ZERO, false).await, 0);
        assert_eq!(check(EVERY * 2, true).await, 0);
    }
}
