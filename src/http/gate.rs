//! Lets a request in: who asks, whether that suffices, and whether it asks too often.
//!
//! Every route that needs a key begins here, before it reads a body.

use std::net::IpAddr;

use axum::http::HeaderMap;

use super::App;
use super::context::{note, peer};
use super::forwarded::client_address;
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
) -> Result<Principal> {
    let principal = match app.auth.authenticate(headers).await {
        Ok(principal) => principal,
        Err(error) => return Err(count_failure(app, headers, error)),
    };
    charge(app, &principal, class, 1)?;
    principal.require(scope)?;
    Ok(principal)
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
    match app.rates.fail(address(app, headers)) {
        Ok(standing) => {
            note(standing);
            error
        }
        Err(limited) => {
            note(limited.standing);
            limited
        }
    }
}
