//! Lets a request in: who asks, whether that suffices, and whether it asks too often.
//!
//! Every route that needs a key begins here, before it reads a body.

use std::net::IpAddr;
use std::sync::Arc;

use axum::http::HeaderMap;

use super::App;
use super::context::{note, peer, request_id};
use super::forwarded::client_address;
use super::line::note_principal;
use crate::auth::audit::Act;
use crate::auth::{Class, Principal};
use crate::catalog::model::Scope;
use crate::error::{Code, Error, Result};

/// The principal of a request that needs a scope and counts as one of a class.
///
/// # Errors
/// UNAUTHENTICATED, FORBIDDEN, RATE_LIMITED; STORAGE_UNAVAILABLE when keys cannot be looked up.
pub(super) async fn admit(
    app: &App,
    headers: &HeaderMap,
    scope: Scope,
    class: Class,
) -> Result<Arc<Principal>> {
    let principal = match app.auth.authenticate(headers).await {
        Ok(principal) => principal,
        Err(error) => return Err(count_failure(app, headers, error)),
    };
    // Those without a key have nothing in common but that: each address has a share.
    let principal = match principal.is_anonymous {
        true => Arc::new(principal.at(address(app, headers))),
        false => principal,
    };
    note_principal(&principal);
    charge(app, &principal, class, 1)?;
    principal.require(scope).inspect_err(|error| {
        let action = format!("{class:?}").to_ascii_lowercase();
        record(app, headers, &principal, &action, None, Some(error.code));
    })?;
    Ok(principal)
}

/// Writes down what somebody did by a route of its own, or was refused.
pub(super) fn record(
    app: &App,
    headers: &HeaderMap,
    principal: &Principal,
    action: &str,
    target: Option<&str>,
    error: Option<Code>,
) {
    let address = Some(address(app, headers).to_string());
    let id = request_id();
    let request_id = Some(id.as_str());
    app.auth.audit().record(principal, &Act { address, request_id, action, target, error });
}

/// Takes a share of a principal's limit and notes how it stands.
pub(super) fn charge(app: &App, principal: &Principal, class: Class, n_units: u32) -> Result<()> {
    match app.rates.charge(principal, class, n_units) {
        Ok(standing) => {
            note(standing);
            Ok(())
        }
        Err(error) => {
            note(error.standing);
            Err(error)
        }
    }
}

/// Who asks, as an address: that of the connection, or what a trusted proxy says.
pub(super) fn address(app: &App, headers: &HeaderMap) -> IpAddr {
    client_address(peer(), headers, &app.settings.trusted_proxies)
}

/// The same refusal of a sign-in, or RATE_LIMITED when the address has had too many.
pub(super) fn count_failure(app: &App, headers: &HeaderMap, error: Error) -> Error {
    if error.code != Code::Unauthenticated {
        return error;
    }
    let (id, address) = (request_id(), address(app, headers));
    app.auth.audit().record_unknown(
        app.catalog.default_workspace(),
        &Act {
            address: Some(address.to_string()),
            request_id: Some(id.as_str()),
            action: "signIn",
            target: None,
            error: Some(error.code),
        },
    );
    match app.rates.fail(address) {
        Ok(standing) => {
            note(standing);
            // Whoever bans addresses reads this. A flood is cut off by the limit.
            tracing::warn!(%address, code = error.code.wire(), request_id = id.as_str(), "a key was refused");
            error
        }
        Err(limited) => {
            note(limited.standing);
            limited
        }
    }
}
