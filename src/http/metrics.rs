//! `GET /metrics`: the numbers of this process and of what it holds, for Prometheus and its kin.
//!
//! They tell of all workspaces, so they are for the server's operator; a scraper sends an admin key
//! of the first workspace as its bearer token. At an address of its own (`metrics_listen`) whoever
//! reaches it may have them.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use axum::{Router, routing};

use super::App;
use super::gate::admit;
use super::health::has_database;
use super::refusal::Refusal;
use crate::auth::Class;
use crate::backup::{LAST_BACKUP, LAST_FAILURE, LastBackup, LastFailure};
use crate::catalog::model::Scope;
use crate::error::{Error, Result};
use crate::ops::metrics::{Figure, MEDIA_TYPE, of_process};

/// All numbers, as OpenMetrics text.
pub(super) async fn get(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let principal = admit(&app, &headers, Scope::Admin, Class::Read).await?;
    principal.require_operator(app.catalog.default_workspace())?;
    answer(&app).await
}

/// What is served where nothing but the numbers is.
pub(super) fn router(app: Arc<App>) -> Router {
    Router::new()
        .route(
            "/metrics",
            routing::get(async move |State(app): State<Arc<App>>| answer(&app).await),
        )
        .with_state(app)
}

async fn answer(app: &App) -> Result<Response, Refusal> {
    let text = text(app).await?;
    Ok(([(header::CONTENT_TYPE, MEDIA_TYPE)], text).into_response())
}

/// All numbers, as OpenMetrics text.
pub(super) async fn text(app: &App) -> Result<String> {
    let mut figures = of_what_is_held(app).await;
    figures.extend(of_backups(app).await);
    figures.extend(of_process(&app.settings.data_dir));
    app.metrics.text(&figures).map_err(Error::internal)
}

fn figure(name: &'static str, help: &'static str, value: f64) -> Figure {
    Figure { name, help, is_counter: false, label: None, value }
}

fn counter(name: &'static str, help: &'static str, value: f64) -> Figure {
    Figure { is_counter: true, ..figure(name, help, value) }
}

async fn of_what_is_held(app: &App) -> Vec<Figure> {
    let version = ("version", env!("CARGO_PKG_VERSION").to_owned());
    let build = figure("build_info", "The program; always 1", 1.0);
    let is_ready = app.readiness.get() && has_database(app).await;
    let mut figures = vec![
        Figure { label: Some(version), ..build },
        figure(
            "ready",
            "Whether the server and its database answer",
            f64::from(u8::from(is_ready)),
        ),
    ];
    let held = app.catalog.held();
    let cache = app.engine.cache_figures().await;
    figures.extend([
        figure("workspaces", "Workspaces", held.n_workspaces as f64),
        figure("datasets", "Datasets of all workspaces", held.n_datasets as f64),
        figure("dataset_rows", "Rows of all datasets", held.n_rows as f64),
        figure("dataset_bytes", "Bytes of all datasets in the store", held.n_bytes as f64),
        counter("cache_hits", "Answers that came from memory", cache.n_hits as f64),
        counter("cache_misses", "Answers that had to be read", cache.n_misses as f64),
        figure("cache_entries", "Answers in memory", cache.n_entries as f64),
        figure("cache_bytes", "Bytes of the answers in memory", cache.size_bytes as f64),
        figure(
            "known_documents",
            "Documents whose plans are kept",
            app.engine.n_documents() as f64,
        ),
        figure(
            "subscriptions",
            "Subscriptions that are served",
            app.engine.n_subscriptions() as f64,
        ),
    ]);
    figures.extend(of_what_is_at_work(app));
    // Without its database a server still tells the rest.
    if let Ok(n) = app.catalog.pending_deliveries().await {
        let help = "Deliveries of webhooks that wait";
        figures.push(figure("webhook_deliveries_waiting", help, n as f64));
    }
    for (status, n) in app.catalog.job_counts().await.unwrap_or_default() {
        let label = Some(("status", format!("{status:?}").to_ascii_lowercase()));
        figures.push(Figure { label, ..figure("jobs", "Jobs that are known, by state", n as f64) });
    }
    figures
}

/// Queues, and what was done since the start.
fn of_what_is_at_work(app: &App) -> Vec<Figure> {
    let (usage, loads) = (app.store.reader_usage(), app.ingest.figures());
    let (n_mutations, n_waiting) = app.engine.n_mutations();
    let readers = |state: &str, n: usize| {
        let help = "Connections to PostgreSQL that read, or threads of the embedded store";
        Figure { label: Some(("state", state.to_owned())), ..figure("readers", help, n as f64) }
    };
    let mut figures = vec![
        readers("busy", usage.n_busy),
        readers("idle", usage.n_idle),
        figure("readers_max", "Readers that there can be", usage.n_most as f64),
        figure("statements_waiting", "Statements that wait for a thread", usage.n_waiting as f64),
        figure("mutations_running", "Mutations of rows at work", n_mutations as f64),
        figure("mutations_waiting", "Those that wait for their turn", n_waiting as f64),
        counter("rate_limited", "Requests that were asked to wait", app.rates.n_refused() as f64),
        counter("received_bytes", "Bytes of uploaded files", loads.n_bytes as f64),
        counter("loaded_rows", "Rows that loads added or changed", loads.n_rows as f64),
        counter("rejected_rows", "Rows of loads that did not fit", loads.n_rejects as f64),
    ];
    for (phase, n) in loads.jobs {
        let help = "Jobs of this process that have not ended, by phase";
        let label = Some(("phase", phase));
        figures.push(Figure { label, ..figure("jobs_at_work", help, n as f64) });
    }
    figures
}

/// When backups were made and failed last; what never was is left out.
async fn of_backups(app: &App) -> Vec<Figure> {
    let seconds = |at_us: i64| at_us as f64 / 1e6;
    let mut figures = Vec::new();
    if let Some(last) = app.catalog.find_fact(LAST_BACKUP).await.ok().flatten()
        && let Ok(LastBackup { at_us, size_bytes, .. }) = serde_json::from_str(&last)
    {
        let (name, help) = ("backup_last_success_timestamp_seconds", "When a backup was made last");
        figures.push(figure(name, help, seconds(at_us)));
        figures.push(figure("backup_last_size_bytes", "Its size", size_bytes as f64));
    }
    if let Some(last) = app.catalog.find_fact(LAST_FAILURE).await.ok().flatten()
        && let Ok(LastFailure { at_us, .. }) = serde_json::from_str(&last)
    {
        let (name, help) =
            ("backup_last_failure_timestamp_seconds", "When none could be made last");
        figures.push(figure(name, help, seconds(at_us)));
    }
    figures
}
