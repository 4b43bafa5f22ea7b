//! `GET /schema.graphql`: the schema as a document, for code generators.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};

use super::App;
use super::gate::admit;
use super::refusal::Refusal;
use crate::auth::Class;
use crate::catalog::model::Scope;

/// Answers the SDL of what the principal may see.
pub(super) async fn get(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let principal = admit(&app, &headers, Scope::Read, Class::Read).await?;
    let sdl = app.engine.sdl(&principal).await?;
    Ok(([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], sdl).into_response())
}
