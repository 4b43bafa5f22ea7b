//! Accepts connections, bounds them in number and time, and stops without cutting anybody off.
//!
//! It knows nothing of routes.

use std::sync::Arc;
use std::time::Duration;

use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::task::TaskTracker;

use super::App;
use super::linger::{Linger, LingeringStream};
use super::outer::Outer;
use crate::config::Settings;

/// Bytes of a connection's read buffer: bounds the header, and the chunks of an upload.
const READ_BUFFER_BYTES: usize = 256 << 10;
const MAX_HEADERS: usize = 100;
const MAX_HTTP2_STREAMS: u32 = 64;

/// Serves until `stop` ends, then lets running requests finish within the grace of the settings.
pub async fn serve(app: Arc<App>, listener: TcpListener, stop: impl Future<Output = ()>) {
    let settings = app.settings.clone();
    let http = Arc::new(connection_builder(&settings));
    let places = Arc::new(Semaphore::new(settings.max_connections));
    let outer = Arc::new(Outer::new(Arc::clone(&app)));
    let graceful = GracefulShutdown::new();
    let tasks = TaskTracker::new();
    tokio::pin!(stop);
    loop {
        let accepted = tokio::select! {
            accepted = accept(&listener, &places) => accepted,
            () = &mut stop => break,
        };
        let Some((stream, place)) = accepted else { continue };
        let outer = Arc::clone(&outer);
        let linger = Linger::default();
        let stream = LingeringStream::new(stream, linger.clone());
        let service = service_fn(move |request| {
            let (outer, linger) = (Arc::clone(&outer), linger.clone());
            async move { outer.answer(request, &linger).await }
        });
        let connection = http.serve_connection(TokioIo::new(stream), service).into_owned();
        let watched = graceful.watch(connection);
        tasks.spawn(async move {
            // Errors here are clients that went away; whoever needs to know sees them as answers.
            if let Err(e) = watched.await {
                tracing::debug!(error = %e, "a connection ended early");
            }
            drop(place);
        });
    }
    app.readiness.set(false);
    drop(listener);
    let n_connections = graceful.count();
    tracing::info!(n_connections, "stopping; running requests are finished first");
    tasks.close();
    let ended = async {
        graceful.shutdown().await;
        tasks.wait().await;
    };
    if tokio::time::timeout(settings.shutdown_grace, ended).await.is_err() {
        tracing::warn!("some requests did not end within the grace and are cut off");
    }
}

/// One connection and its place among those served at once.
async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> Option<(TcpStream, OwnedSemaphorePermit)> {
    let place = Arc::clone(places).acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, _)) => {
            let _ = stream.set_nodelay(true);
            Some((stream, place))
        }
        Err(e) => {
            // Out of file descriptors, most likely: trying again at once would only burn time.
            tracing::warn!(error = %e, "a connection could not be accepted");
            tokio::time::sleep(Duration::from_millis(50)).await;
            None
        }
    }
}

fn connection_builder(settings: &Settings) -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(settings.header_timeout)
        .max_headers(MAX_HEADERS)
        .max_buf_size(READ_BUFFER_BYTES);
    let max_header_bytes = u32::try_from(settings.max_header_bytes).unwrap_or(u32::MAX);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(MAX_HTTP2_STREAMS)
        .max_header_list_size(max_header_bytes)
        .keep_alive_interval(settings.header_timeout)
        .keep_alive_timeout(settings.header_timeout);
    builder
}
