//! Accepts connections, bounds them in number and time, and stops without cutting anybody off.
//!
//! It knows nothing of routes.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;
use tokio_util::either::Either;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::linger::{Linger, LingeringStream};
use super::outer::Outer;
use super::pulse::{Crowd, Pulse};
use super::tls::Tls;
use super::{Api, metrics, redirect};
use crate::config::Settings;
use crate::ops::listening::Listening;

/// Bytes of a connection's read buffer: bounds the header, and the chunks of an upload.
const READ_BUFFER_BYTES: usize = 256 << 10;
const MAX_HEADERS: usize = 100;
/// Connections to what is served beside the API.
const MAX_SIDE_CONNECTIONS: usize = 64;
const MAX_HTTP2_STREAMS: u32 = 64;
/// Connections that are closed at once for one that waits, if they do nothing.
const SHED_AT_ONCE: usize = 16;
/// How long one waits before more are closed for it.
const SHED_EVERY: Duration = Duration::from_millis(100);
/// How long connections that say nothing are left at the stop, in case they are about to.
const LAST_WORD: Duration = Duration::from_millis(100);
/// Time to accept a connection that is there.
const A_MOMENT: Duration = Duration::from_millis(1);
/// How often buckets of rate limits that are full again are forgotten.
const SWEEP_EVERY: Duration = Duration::from_secs(5);

/// What is served where.
pub struct Sites {
    /// Where the API is.
    pub listening: Listening,
    /// Speaks TLS there.
    pub tls: Option<Arc<Tls>>,
    /// Where those who ask without TLS are sent on.
    pub redirect: Option<Listening>,
    /// Where the numbers are, for whoever reaches it.
    pub metrics: Option<Listening>,
}

/// Serves until `stop` ends, then lets running requests finish within the grace of the settings.
/// Gives the end of that grace, of which the other rooms have the rest.
pub async fn serve(api: Arc<Api>, sites: Sites, stop: impl Future<Output = ()>) -> Instant {
    let app = api.app();
    let settings = &app.settings;
    let crowd = Arc::clone(&app.live.crowd);
    let places = Places::new(settings.max_connections, crowd);
    let mut servers =
        vec![(sites.listening, Server::new(settings, sites.tls, Answers::Api(api), places))];
    if let Some(listening) = sites.redirect {
        let places = Places::new(MAX_SIDE_CONNECTIONS, Arc::default());
        let router = redirect::router(settings.listen.port());
        let outer = Outer::around(router, settings, Arc::clone(&app.metrics));
        let answers = Answers::Fixed(Arc::new(outer));
        servers.push((listening, Server::new(settings, None, answers, places)));
    }
    if let Some(listening) = sites.metrics {
        // Scrapers ask by address.
        let settings = Settings { allowed_hosts: vec!["*".to_owned()], ..settings.clone() };
        let places = Places::new(MAX_SIDE_CONNECTIONS, Arc::default());
        let router = metrics::router(Arc::clone(&app));
        let outer = Outer::around(router, &settings, Arc::clone(&app.metrics));
        let answers = Answers::Fixed(Arc::new(outer));
        servers.push((listening, Server::new(&settings, None, answers, places)));
    }
    let mut sweep = tokio::time::interval(SWEEP_EVERY);
    sweep.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let stopping = CancellationToken::new();
    let accepting = servers.into_iter().map(|(listening, server)| {
        let stopping = stopping.clone();
        async move {
            server.accept_until(listening, &stopping).await;
            server
        }
    });
    let accepting = join_all(accepting);
    tokio::pin!(accepting, stop);
    let servers = loop {
        tokio::select! {
            () = &mut stop, if !stopping.is_cancelled() => {
                app.readiness.set(false);
                stopping.cancel();
            }
            _ = sweep.tick() => app.rates.sweep(),
            servers = &mut accepting => break servers,
        }
    };
    let deadline = Instant::now() + app.settings.shutdown_grace;
    let n_connections: usize = servers.iter().map(|server| server.graceful.count()).sum();
    tracing::info!(n_connections, "stopping; running requests are finished first");
    let ended = async {
        // Who has just connected is about to ask, and would be cut off before that.
        tokio::time::sleep(LAST_WORD).await;
        tokio::join!(app.live.end(), join_all(servers.into_iter().map(Server::finish)));
    };
    if tokio::time::timeout_at(deadline, ended).await.is_err() {
        tracing::warn!("some requests did not end within the grace and are cut off");
    }
    deadline
}

/// What answers requests.
#[derive(Clone)]
enum Answers {
    /// The API, by the settings of the moment.
    Api(Arc<Api>),
    /// Always the same.
    Fixed(Arc<Outer>),
}

impl Answers {
    fn now(&self) -> Arc<Outer> {
        match self {
            Answers::Api(api) => api.outer.load_full(),
            Answers::Fixed(outer) => Arc::clone(outer),
        }
    }
}

/// What the connections of one site are served with.
struct Server {
    tls: Option<Arc<Tls>>,
    http: Arc<auto::Builder<TokioExecutor>>,
    answers: Answers,
    places: Places,
    idle_limit: Duration,
    graceful: GracefulShutdown,
    tasks: TaskTracker,
}

impl Server {
    fn new(settings: &Settings, tls: Option<Arc<Tls>>, answers: Answers, places: Places) -> Server {
        Server {
            tls,
            http: Arc::new(connection_builder(settings)),
            answers,
            places,
            idle_limit: settings.header_timeout,
            graceful: GracefulShutdown::new(),
            tasks: TaskTracker::new(),
        }
    }

    /// Serves who connects until it is to stop, and listens no more then.
    async fn accept_until(&self, listening: Listening, stopping: &CancellationToken) {
        loop {
            let accepted = tokio::select! {
                accepted = accept(&listening) => accepted,
                () = stopping.cancelled() => break,
            };
            let Some((stream, peer)) = accepted else { continue };
            let place = tokio::select! {
                biased;
                place = self.places.take() => place,
                () = stopping.cancelled() => break,
            };
            self.begin(stream, peer, place);
        }
        if listening.loses_what_waits() {
            self.begin_what_waits(&listening).await;
        }
    }

    /// Serves a connection, in a task of its own.
    fn begin(&self, stream: TcpStream, peer: SocketAddr, place: OwnedSemaphorePermit) {
        let answers = self.answers.clone();
        let linger = Linger::default();
        let pulse = Arc::new(Pulse::default());
        // The place goes with the stream, which a WebSocket takes over.
        let stream = LingeringStream::new(stream, linger.clone(), Arc::clone(&pulse), place);
        let own_pulse = Arc::clone(&pulse);
        let service = service_fn(move |request| {
            let (outer, linger) = (answers.now(), linger.clone());
            let active = own_pulse.begin();
            async move { outer.answer(request, peer.ip(), &linger, active).await }
        });
        let (http, watcher) = (Arc::clone(&self.http), self.graceful.watcher());
        let (crowd, idle_limit) = (Arc::clone(&self.places.crowd), self.idle_limit);
        let tls = self.tls.clone();
        let served = async move {
            let stream = match tls {
                None => Either::Left(stream),
                // Below TLS, the stream lingers as it does without.
                Some(tls) => match tls.acceptor().accept(stream).await {
                    Ok(stream) => Either::Right(Box::new(stream)),
                    Err(error) => {
                        tracing::debug!(%error, "a client does not speak TLS as we do");
                        return;
                    }
                },
            };
            let connection = http.serve_connection_with_upgrades(TokioIo::new(stream), service);
            if let Err(error) = watcher.watch(connection.into_owned()).await {
                // These are clients that went away; who needs to know sees it as an answer.
                tracing::debug!(%error, "a connection ended early");
            }
        };
        self.tasks.spawn(async move {
            tokio::select! {
                () = served => {}
                () = pulse.dead(idle_limit, &crowd) => {
                    tracing::debug!("a connection that did nothing is closed");
                }
            }
        });
    }

    /// Serves the connections that the system has taken and nobody has accepted: they would be
    /// reset with the socket. Only as many as there are places for.
    async fn begin_what_waits(&self, listening: &Listening) {
        while let Ok(place) = Arc::clone(&self.places.free).try_acquire_owned() {
            let next = tokio::time::timeout(A_MOMENT, listening.accept()).await;
            let Ok(Ok((stream, peer))) = next else { return };
            let _ = stream.set_nodelay(true);
            self.begin(stream, peer, place);
        }
    }

    /// Ends when all that is served has ended.
    async fn finish(self) {
        self.tasks.close();
        self.graceful.shutdown().await;
        self.tasks.wait().await;
    }
}

/// The places of the connections that are served at once.
struct Places {
    free: Arc<Semaphore>,
    /// Told when somebody waits for a place.
    crowd: Arc<Crowd>,
}

impl Places {
    fn new(n_places: usize, crowd: Arc<Crowd>) -> Places {
        Places { free: Arc::new(Semaphore::new(n_places)), crowd }
    }

    /// A place; while there is none, connections that do nothing are asked to go.
    async fn take(&self) -> OwnedSemaphorePermit {
        loop {
            let place = Arc::clone(&self.free).acquire_owned();
            match tokio::time::timeout(SHED_EVERY, place).await {
                Ok(Ok(place)) => {
                    self.crowd.is_over();
                    return place;
                }
                // Nobody closes it.
                Ok(Err(_)) => std::future::pending().await,
                Err(_) => self.crowd.shed(SHED_AT_ONCE),
            }
        }
    }
}

/// One connection and its other end.
async fn accept(listening: &Listening) -> Option<(TcpStream, SocketAddr)> {
    match listening.accept().await {
        Ok((stream, peer)) => {
            let _ = stream.set_nodelay(true);
            Some((stream, peer))
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
