//! Answers operations by events: over a WebSocket, or as text/event-stream.
//!
//! [`socket`] speaks graphql-transport-ws, [`events`] the distinct connections of GraphQL over SSE.
//! Both only carry what the engine says; they know who asks, when a key ends, and when the server
//! stops. What a client does not take in time is not kept for it: its connection ends.

mod events;
mod handshake;
mod message;
mod origin;
mod socket;

use std::net::IpAddr;
use std::sync::Arc;

use axum::http::HeaderMap;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub(super) use self::events::{get, post};
pub(super) use self::handshake::is_upgrade;
pub(super) use self::socket::upgrade;
use super::App;
use super::gate::count_failure;
use super::pulse::Crowd;
use crate::auth::Session;
use crate::error::Result;

/// Connections that stay open, and how they are asked to end.
#[derive(Default)]
pub struct Live {
    stop: CancellationToken,
    sockets: TaskTracker,
    /// Told when places for connections are short.
    pub(super) crowd: Arc<Crowd>,
}

impl Live {
    /// Tells all that the server stops, and waits until they have told their clients.
    pub(super) async fn end(&self) {
        self.stop.cancel();
        self.sockets.close();
        self.sockets.wait().await;
    }
}

/// Who asks by these credentials, for as long as the connection lasts.
async fn begin_session(
    app: &App,
    credentials: &HeaderMap,
    headers: &HeaderMap,
    address: IpAddr,
) -> Result<Session> {
    match app.auth.begin_session(credentials).await {
        Ok(session) => Ok(session.at(address)),
        Err(error) => Err(count_failure(app, headers, error)),
    }
}
