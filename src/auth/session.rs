//! Who asks, for longer than one request: what it showed is looked at again.
//!
//! A subscription outlives the second for which a key is remembered. Before anything is sent, and
//! now and then, its key is checked as at the start, so that one that was revoked, has expired or
//! gave way to another ends what it had begun. Nothing but its credential is kept.

use std::net::IpAddr;
use std::sync::Arc;

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use tokio::sync::watch;

use super::credential::refusal;
use super::{Auth, Principal, WORKSPACE_HEADER};
use crate::error::Result;

/// The headers that say who asks.
const KEPT: [&str; 3] = ["authorization", "x-api-key", WORKSPACE_HEADER];

/// Who asks, and by what right.
#[derive(Debug)]
pub struct Session {
    headers: HeaderMap,
    /// As the headers alone tell.
    known: Arc<Principal>,
    /// The same, with its address where it has no key.
    principal: Arc<Principal>,
}

impl Session {
    /// Who asks.
    pub fn principal(&self) -> &Arc<Principal> {
        &self.principal
    }

    /// Where who came without a key came from.
    #[must_use]
    pub fn at(mut self, address: IpAddr) -> Session {
        if self.known.is_anonymous {
            self.principal = Arc::new(self.known.at(address));
        }
        self
    }
}

/// Whether headers hold what a key may come in.
pub fn has_credential(headers: &HeaderMap) -> bool {
    headers.contains_key(AUTHORIZATION) || headers.contains_key("x-api-key")
}

impl Auth {
    /// As [`Auth::authenticate`], for longer than one request.
    ///
    /// # Errors
    /// As [`Auth::authenticate`].
    pub async fn begin_session(&self, headers: &HeaderMap) -> Result<Session> {
        let mut kept = HeaderMap::with_capacity(KEPT.len());
        for name in KEPT {
            for value in headers.get_all(name) {
                kept.append(name, value.clone());
            }
        }
        let known = self.authenticate(&kept).await?;
        Ok(Session { headers: kept, principal: Arc::clone(&known), known })
    }

    /// Checks that who began a session may still ask, and is who it was.
    ///
    /// # Errors
    /// As [`Auth::authenticate`]; UNAUTHENTICATED, too, when the key stands for somebody else now.
    pub async fn check_session(&self, session: &Session) -> Result<()> {
        let now = self.authenticate(&session.headers).await?;
        if Arc::ptr_eq(&now, &session.known) || *now == *session.known {
            return Ok(());
        }
        Err(refusal("What this key may do has changed. Connect again."))
    }

    /// Is told when keys have ended.
    pub fn ended_keys(&self) -> watch::Receiver<()> {
        self.ended_keys.subscribe()
    }
}
