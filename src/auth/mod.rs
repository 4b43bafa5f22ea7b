//! Turns request headers into a principal, or into a refusal.
//!
//! Keys are random; only HMAC-SHA-256 of a key with the server's pepper is kept. Looking a key up
//! by its hash takes the same time whether it exists or not.

use std::sync::Arc;

use crate::catalog::model::{Scope, WorkspaceId};
use crate::catalog::{ApiKey, Catalog};
use crate::config::Settings;
use crate::error::Result;

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    /// The tenant.
    pub workspace: WorkspaceId,
    /// What it may do.
    pub scope: Scope,
    /// The part of its key that may be shown, for logs.
    pub key_prefix: String,
}

/// Checks and makes keys.
pub struct Auth {}

#[expect(missing_docs, reason = "stub")]
#[expect(unused_variables, reason = "stub")]
impl Auth {
    /// Reads or makes the pepper (`<data_dir>/secrets/…`, mode 0600), takes `SLUICE_ADMIN_KEY`.
    pub async fn open(catalog: Arc<Catalog>, settings: &Settings) -> Result<Auth> {
        unimplemented!()
    }
    /// `Authorization: Bearer …`, `Authorization: Api-Key …` or `X-API-Key`. Known keys are answered from a
    /// bounded cache of at most one second of age; UNAUTHENTICATED otherwise.
    pub async fn authenticate(&self, headers: &axum::http::HeaderMap) -> Result<Principal> {
        unimplemented!()
    }
    /// Makes a key; the returned text is shown once and not kept.
    pub async fn create_key(
        &self,
        workspace: WorkspaceId,
        name: &str,
        scope: Scope,
        expires_at_us: Option<i64>,
    ) -> Result<(String, ApiKey)> {
        unimplemented!()
    }
    /// A one-time sign-in token (15 minutes) for the playground's link.
    pub fn issue_sign_in_token(&self) -> String {
        unimplemented!()
    }
    /// Takes a one-time token for a key of 12 hours; returns the key and its end in µs since 1970.
    pub async fn sign_in(&self, token: &str) -> Result<(String, i64)> {
        unimplemented!()
    }
}

impl Principal {
    /// Refuses with FORBIDDEN unless the scope is at least `needed`.
    ///
    /// # Errors
    /// FORBIDDEN, naming the scope that is needed.
    pub fn require(&self, needed: Scope) -> Result<()> {
        if self.scope >= needed {
            return Ok(());
        }
        Err(crate::error::Error::new(
            crate::error::Code::Forbidden,
            format!(
                "This key has the scope {:?}; {needed:?} is needed. Ask an admin for a key with that scope.",
                self.scope
            )
            .to_lowercase()
            .replacen("this", "This", 1),
        ))
    }
}
