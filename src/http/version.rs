//! `GET /version`: which program answers; in production, to admins only.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};

use super::App;
use super::gate::admit;
use super::refusal::Refusal;
use crate::auth::Class;
use crate::catalog::model::Scope;

/// Set by those who build it.
const COMMIT: Option<&str> = option_env!("SLUICE_COMMIT");

/// The version, and the commit that it was built of where it is known.
pub(super) async fn get(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    // Strangers need not know what they could try.
    if app.settings.is_production() {
        admit(&app, &headers, Scope::Admin, Class::Read).await?;
    }
    let version = serde_json::json!({ "version": env!("CARGO_PKG_VERSION"), "commit": COMMIT });
    Ok(([(header::CONTENT_TYPE, "application/json")], version.to_string()).into_response())
}
