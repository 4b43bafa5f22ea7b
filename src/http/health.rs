//! `GET /healthz` and `GET /readyz`: for supervisors and load balancers.
//!
//! Health is the process alone; readiness is the process and its database. Neither needs a key, and
//! neither tells anything about the data.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::App;

/// A database that takes longer than this is no use to anybody.
const PING_TIMEOUT: Duration = Duration::from_secs(2);

/// 200 as long as the process answers.
pub(super) async fn healthz() -> Response {
    answer(StatusCode::OK, "ok")
}

/// 200 when requests can be answered, 503 otherwise.
pub(super) async fn readyz(State(app): State<Arc<App>>) -> Response {
    if !app.readiness.get() {
        return answer(StatusCode::SERVICE_UNAVAILABLE, "starting or stopping");
    }
    match has_database(&app).await {
        true => answer(StatusCode::OK, "ready"),
        false => answer(StatusCode::SERVICE_UNAVAILABLE, "database away"),
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
