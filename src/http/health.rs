//! `GET /healthz` and `GET /readyz`: for supervisors and load balancers.
//!
//! Health is the process alone; readiness is the process, its database, whose tables the start has
//! brought to the present state, and its folder. Neither needs a key, and neither tells anything about
//! the data.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::App;

/// A database that takes longer than this is no use to anybody.
const PING_TIMEOUT: Duration = Duration::from_secs(2);

/// With less, SQLite soon refuses what is changed.
const MIN_FREE_BYTES: u64 = 1 << 20;

/// 200 as long as the process answers.
pub(super) async fn healthz() -> Response {
    answer(StatusCode::OK, "ok")
}

/// 200 when requests can be answered, 503 otherwise.
pub(super) async fn readyz(State(app): State<Arc<App>>) -> Response {
    if !app.readiness.get() {
        return answer(StatusCode::SERVICE_UNAVAILABLE, "starting or stopping");
    }
    if !has_database(&app).await {
        return answer(StatusCode::SERVICE_UNAVAILABLE, "database away");
    }
    match disk(&app).await {
        Disk::Good => answer(StatusCode::OK, "ready"),
        // Rows can be read all the same: another node would not do it better.
        Disk::Full => answer(StatusCode::OK, "ready, but the disk is full"),
        Disk::Away => answer(StatusCode::SERVICE_UNAVAILABLE, "data folder away"),
    }
}

/// How the folder of the data does.
enum Disk {
    Good,
    /// Nothing can be loaded or changed.
    Full,
    /// It cannot be written, or does not answer.
    Away,
}

async fn disk(app: &App) -> Disk {
    let folder = app.settings.data_dir.clone();
    let look = tokio::task::spawn_blocking(move || {
        let rights = rustix::fs::Access::WRITE_OK | rustix::fs::Access::EXEC_OK;
        if rustix::fs::access(&folder, rights).is_err() {
            return Disk::Away;
        }
        match rustix::fs::statvfs(&folder) {
            Ok(disk) if disk.f_bavail.saturating_mul(disk.f_frsize) < MIN_FREE_BYTES => Disk::Full,
            Ok(_) => Disk::Good,
            Err(_) => Disk::Away,
        }
    });
    match tokio::time::timeout(PING_TIMEOUT, look).await {
        Ok(Ok(found)) => found,
        _ => Disk::Away,
    }
}

/// Whether the database answers, soon enough to be of use.
pub(super) async fn has_database(app: &App) -> bool {
    let pings = async { app.catalog.ping().await.is_ok() && app.store.ping().await.is_ok() };
    tokio::time::timeout(PING_TIMEOUT, pings).await.unwrap_or(false)
}

fn answer(status: StatusCode, text: &'static str) -> Response {
    let body = serde_json::json!({ "status": text }).to_string();
    (status, [(header::CONTENT_TYPE, "application/json")], body).into_response()
}
