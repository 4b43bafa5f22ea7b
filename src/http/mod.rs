//! Turns requests into answers: routes, extractors, limits, headers.
//!
//! The whole API is on this page. Who asks is settled before any body is read, and every limit acts
//! before the bytes that it forbids. Nothing here knows a dataset, a statement or a file format.

mod accept;
mod assets;
mod body;
mod context;
mod documents;
mod forwarded;
mod gate;
mod graphql;
mod health;
mod hosts;
mod line;
mod linger;
mod live;
mod metrics;
mod multipart;
mod outer;
mod parameters;
mod protection;
mod pulse;
mod redirect;
mod refusal;
mod rejects;
mod rest;
mod schema;
mod server;
mod sign_in;
mod tls;
mod upload;
mod validators;
mod version;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arc_swap::ArcSwap;
use axum::Router;
use axum::routing::{get, post, put};

pub use self::live::Live;
use self::outer::Outer;
pub use self::rest::Addresses;
pub use self::server::{Sites, serve};
pub use self::tls::{Tls, TlsError};
use crate::auth::{Auth, Rates};
use crate::catalog::Catalog;
use crate::config::Settings;
use crate::error::Error;
use crate::export::Exports;
use crate::graphql::Engine;
use crate::ingest::Ingest;
use crate::ops::metrics::Metrics;
use crate::store::Store;

/// What the routes work with.
#[derive(Clone)]
pub struct App {
    /// The settings in force.
    pub settings: Settings,
    /// What exists.
    pub catalog: Arc<Catalog>,
    /// The database behind the datasets.
    pub store: Arc<Store>,
    /// Who may ask.
    pub auth: Arc<Auth>,
    /// How often.
    pub rates: Arc<Rates>,
    /// Receives files, runs jobs.
    pub ingest: Arc<Ingest>,
    /// Answers GraphQL.
    pub engine: Arc<Engine>,
    /// What addresses of rows ask.
    pub addresses: Addresses,
    /// Makes files of rows.
    pub exports: Arc<Exports>,
    /// Whether start-up, with the files of the command line, is done.
    pub readiness: Arc<Readiness>,
    /// WebSockets and streams of events that are open.
    pub live: Arc<Live>,
    /// What is counted.
    pub metrics: Arc<Metrics>,
}

/// Whether the server wants traffic: not before it is ready, nor once it stops.
#[derive(Debug, Default)]
pub struct Readiness(AtomicBool);

impl Readiness {
    /// Says whether `/readyz` may answer 200.
    pub fn set(&self, is_ready: bool) {
        self.0.store(is_ready, Ordering::Release);
    }

    /// Whether `/readyz` may answer 200.
    pub fn get(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// The API as it is served now.
pub struct Api {
    app: ArcSwap<App>,
    outer: ArcSwap<Outer>,
}

impl Api {
    /// Of these rooms and settings.
    pub fn new(app: App) -> Api {
        let app = Arc::new(app);
        let outer = ArcSwap::from_pointee(Outer::new(Arc::clone(&app)));
        Api { app: ArcSwap::new(app), outer }
    }

    /// What the next request is answered with.
    pub fn app(&self) -> Arc<App> {
        self.app.load_full()
    }

    /// The numbers of `/metrics`, as OpenMetrics text.
    ///
    /// # Errors
    /// Never, as text is always taken.
    pub async fn numbers(&self) -> Result<String, Error> {
        metrics::text(&self.app()).await
    }

    /// Answers by these settings from the next request on.
    pub fn set(&self, settings: Settings) {
        let app = Arc::new(App { settings, ..App::clone(&self.app.load()) });
        self.outer.store(Arc::new(Outer::new(Arc::clone(&app))));
        self.app.store(app);
    }
}

/// The API, whole.
fn router(app: Arc<App>) -> Router {
    Router::new()
        .merge(rest::routes())
        .route("/graphql", post(graphql::post).get(graphql::get))
        .route("/upload", put(upload::unnamed).post(upload::unnamed))
        .route("/upload/", put(upload::unnamed).post(upload::unnamed))
        .route("/upload/{name}", put(upload::named).post(upload::named))
        .route("/inspect", post(upload::inspect).put(upload::inspect))
        .route("/rejects/{file}", get(rejects::get))
        .route("/schema.graphql", get(schema::get))
        .route("/documents", put(documents::put).post(documents::post))
        .route("/sign-in", post(sign_in::post))
        .route("/healthz", get(health::healthz))
        .route("/readyz", get(health::readyz))
        .route("/metrics", get(metrics::get))
        .route("/version", get(version::get))
        .method_not_allowed_fallback(refusal::other_method)
        .fallback(assets::get)
        .with_state(app)
}
