//! Waits for the signals that ask a server to stop, or to read its settings again.

/// Ends when the process is asked to stop: SIGTERM, or Ctrl-C.
///
/// # Errors
/// When the process may not listen to signals.
#[cfg(unix)]
pub fn stop_signal() -> std::io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

/// Ends when the process is asked to stop: Ctrl-C.
///
/// # Errors
/// When the process may not listen to signals.
#[cfg(not(unix))]
pub fn stop_signal() -> std::io::Result<impl Future<Output = ()>> {
    Ok(async {
        // Without the signal there is nothing to wait for but the end of the process.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    })
}

/// The signal that asks a server to read its settings again: SIGHUP.
#[cfg(unix)]
pub struct Reloads(tokio::signal::unix::Signal);

#[cfg(unix)]
impl Reloads {
    /// Listens from now on; until then, the signal ends the process.
    ///
    /// # Errors
    /// When the process may not listen to signals.
    pub fn listen() -> std::io::Result<Reloads> {
        tokio::signal::unix::signal(tokio::signal::unix::SignalKind::hangup()).map(Reloads)
    }

    /// Ends when it is asked.
    pub async fn next(&mut self) {
        if self.0.recv().await.is_none() {
            std::future::pending::<()>().await;
        }
    }
}
