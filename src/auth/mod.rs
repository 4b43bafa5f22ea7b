//! Turns request headers into a principal, or into a refusal.
//!
//! Keys are random; only HMAC-SHA-256 of a key with the server's pepper is kept. Looking a key up
//! by its hash takes the same time whether it exists or not.

mod credential;
mod rates;
mod secrets;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;

use self::credential::{credential, refusal};
pub use self::rates::{Class, Rates};
use self::secrets::{Secrets, random};
use crate::catalog::model::{Scope, WorkspaceId};
use crate::catalog::{ApiKey, Catalog, CatalogError, now_us};
use crate::config::{Secret, Settings};
use crate::error::{Error, Result};
use crate::store::cursor::{CursorKey, CursorKeys};

/// How long a looked-up key may be answered from memory: a revoked one ends within it.
const CACHE_AGE: Duration = Duration::from_secs(1);
/// Keys remembered at once, known and unknown.
const CACHE_KEYS: u64 = 10_000;
/// How long the playground's link can be used.
const SIGN_IN_AGE: Duration = Duration::from_secs(15 * 60);
/// How long the key works that a link is taken for.
const SESSION_US: i64 = 12 * 60 * 60 * 1_000_000;
/// Links that can be open at once; the oldest gives way.
const MAX_SIGN_IN_TOKENS: usize = 32;
/// A key's last use is kept to this precision.
const TOUCH_AFTER_US: i64 = 60 * 1_000_000;
/// The prefix shown for the admin key from the environment.
const ENV_PREFIX: &str = "env";
/// What every key begins with.
const KEY_MARK: &str = "slu_";
/// Characters of a key: mark, 8 of the prefix, `_`, 43 of the secret.
const KEY_CHARS: usize = 4 + 8 + 1 + 43;

/// The same sentence for a key that is unknown, has expired or was revoked.
const UNKNOWN: &str = "This key is not valid here. It may be mistyped, expired or revoked.";

type Hash = [u8; 32];

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
pub struct Auth {
    catalog: Arc<Catalog>,
    /// HMAC with the pepper already taken in; cloned for each key.
    hmac: Hmac<Sha256>,
    cursor_keys: Arc<CursorKeys>,
    admin: Option<(Hash, Principal)>,
    known: moka::future::Cache<Hash, Option<Arc<Known>>>,
    sign_in_tokens: Mutex<HashMap<Hash, Instant>>,
    first_key: Mutex<Option<String>>,
}

/// A key that was looked up.
struct Known {
    principal: Principal,
    expires_at_us: i64,
}

impl Auth {
    /// Reads or makes the pepper, takes `SLUICE_ADMIN_KEY`; at the first start of a server without
    /// that variable, makes the first admin key, which [`Auth::take_first_key`] gives once.
    ///
    /// # Errors
    /// When a secret is too short, the folder of secrets cannot be used, or the database is away.
    pub async fn open(catalog: Arc<Catalog>, settings: &Settings) -> Result<Auth> {
        let secrets = Secrets::read(&catalog, settings).await?;
        Self::with_secrets(catalog, &secrets).await
    }

    async fn with_secrets(catalog: Arc<Catalog>, secrets: &Secrets) -> Result<Auth> {
        let hmac = Hmac::new_from_slice(secrets.pepper.expose().as_bytes())
            .map_err(|error| Error::internal(error.to_string()))?;
        let workspace = catalog.default_workspace();
        let cursor_keys = secrets.secret_keys.iter().map(cursor_key).collect::<Result<_>>()?;
        let cursor_keys = Arc::new(CursorKeys::new(cursor_keys));
        let mut auth = Auth {
            catalog,
            hmac,
            cursor_keys,
            admin: None,
            known: moka::future::Cache::builder()
                .max_capacity(CACHE_KEYS)
                .time_to_live(CACHE_AGE)
                .build(),
            sign_in_tokens: Mutex::default(),
            first_key: Mutex::default(),
        };
        if let Some(key) = &secrets.admin_key {
            let key_prefix = ENV_PREFIX.to_owned();
            let principal = Principal { workspace, scope: Scope::Admin, key_prefix };
            auth.admin = Some((auth.hash(key.expose()), principal));
        } else if auth.catalog.is_owner() && auth.catalog.has_no_keys().await? {
            let (key, _) = auth.create_key(workspace, "first admin", Scope::Admin, None).await?;
            auth.first_key = Mutex::new(Some(key));
        }
        Ok(auth)
    }

    /// The admin key that this start made, if it made one; given once.
    pub fn take_first_key(&self) -> Option<String> {
        self.first_key.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// `Authorization: Bearer …`, `Authorization: Api-Key …` or `X-API-Key`. Known keys are
    /// answered from a bounded cache of at most one second of age.
    ///
    /// # Errors
    /// UNAUTHENTICATED; STORAGE_UNAVAILABLE when the catalog cannot be asked.
    pub async fn authenticate(&self, headers: &axum::http::HeaderMap) -> Result<Principal> {
        let key = credential(headers)?;
        let hash = self.hash(key);
        if let Some((admin_hash, admin)) = &self.admin
            && bool::from(admin_hash.ct_eq(&hash))
        {
            return Ok(admin.clone());
        }
        if !has_form_of_key(key) {
            return Err(refusal(UNKNOWN));
        }
        let known = match self.known.get(&hash).await {
            Some(known) => known,
            // Many requests with one key ask the catalog once.
            None => self
                .known
                .try_get_with(hash, self.look_up(&hash))
                .await
                .map_err(|error| again(&error))?,
        };
        match known {
            Some(known) if now_us() < known.expires_at_us => Ok(known.principal.clone()),
            _ => Err(refusal(UNKNOWN)),
        }
    }

    async fn look_up(&self, hash: &Hash) -> Result<Option<Arc<Known>>, CatalogError> {
        let Some(key) = self.catalog.find_key(hash).await? else {
            return Ok(None);
        };
        if key.revoked_at_us.is_some() {
            return Ok(None);
        }
        let now_us = now_us();
        if key.last_used_at_us.is_none_or(|used_at_us| used_at_us + TOUCH_AFTER_US < now_us)
            && let Err(error) = self.catalog.touch_key(&key.prefix, now_us).await
        {
            // The key is good all the same.
            tracing::warn!(error = ?error, "a key's last use could not be kept");
        }
        Ok(Some(Arc::new(Known {
            principal: Principal {
                workspace: key.workspace,
                scope: key.scope,
                key_prefix: key.prefix,
            },
            expires_at_us: key.expires_at_us.unwrap_or(i64::MAX),
        })))
    }

    /// Makes a key; the returned text is shown once and not kept.
    ///
    /// # Errors
    /// BAD_USER_INPUT for a name that is empty or too long, or an end in the past.
    pub async fn create_key(
        &self,
        workspace: WorkspaceId,
        name: &str,
        scope: Scope,
        expires_at_us: Option<i64>,
    ) -> Result<(String, ApiKey)> {
        let name = name.trim();
        if name.is_empty() || name.chars().count() > 100 {
            return Err(Error::bad_input("A key's name has 1 to 100 characters."));
        }
        let created_at_us = now_us();
        if expires_at_us.is_some_and(|end_us| end_us <= created_at_us) {
            return Err(Error::bad_input("The key's end lies in the past. Give a later time."));
        }
        let prefix = format!("{KEY_MARK}{}", random_prefix()?);
        let text = format!("{prefix}_{}", random_secret()?);
        let key = ApiKey {
            prefix,
            name: name.to_owned(),
            scope,
            workspace,
            created_at_us,
            expires_at_us,
            revoked_at_us: None,
            last_used_at_us: None,
        };
        let hash = self.hash(&text);
        self.catalog.add_key(&key, &hash).await?;
        // Somebody may have tried it before it existed; unlikely, but then it would be unknown for
        // a second.
        self.known.invalidate(&hash).await;
        Ok((text, key))
    }

    /// Ends a key; this process refuses it at once, other nodes within a second.
    ///
    /// # Errors
    /// NOT_FOUND when the workspace has no key of this prefix.
    pub async fn revoke_key(&self, workspace: WorkspaceId, prefix: &str) -> Result<()> {
        match self.catalog.revoke_key(workspace, prefix).await {
            Err(CatalogError::NotFound) => {
                Err(Error::not_found(format!("There is no key with the prefix {prefix:?}.")))
            }
            other => Ok(other?),
        }?;
        self.known.invalidate_all();
        Ok(())
    }

    /// A one-time sign-in token (15 minutes) for the playground's link.
    pub fn issue_sign_in_token(&self) -> String {
        let Ok(token) = random_secret() else {
            // An empty token is never accepted.
            return String::new();
        };
        let now = Instant::now();
        let mut tokens = self.sign_in_tokens.lock().unwrap_or_else(PoisonError::into_inner);
        tokens.retain(|_, issued| now.duration_since(*issued) < SIGN_IN_AGE);
        if tokens.len() >= MAX_SIGN_IN_TOKENS
            && let Some(oldest) = tokens.iter().min_by_key(|(_, issued)| **issued)
        {
            let oldest = *oldest.0;
            tokens.remove(&oldest);
        }
        tokens.insert(self.hash(&token), now);
        token
    }

    /// Takes a one-time token for a key of 12 hours; returns the key and its end in µs since 1970.
    ///
    /// # Errors
    /// UNAUTHENTICATED when the token was used, is too old or was never issued.
    pub async fn sign_in(&self, token: &str) -> Result<(String, i64)> {
        let hash = self.hash(token);
        let issued = {
            let mut tokens = self.sign_in_tokens.lock().unwrap_or_else(PoisonError::into_inner);
            tokens.remove(&hash)
        };
        if issued.is_none_or(|issued| issued.elapsed() >= SIGN_IN_AGE) {
            return Err(refusal(
                "This sign-in link was used before or is too old. Restart Sluice for a new one, or sign in with a key.",
            ));
        }
        let expires_at_us = now_us() + SESSION_US;
        let workspace = self.catalog.default_workspace();
        let (key, _) = self
            .create_key(workspace, "playground sign-in", Scope::Admin, Some(expires_at_us))
            .await?;
        Ok((key, expires_at_us))
    }

    /// What cursors are signed with: the same at each start and on each node, as the secret key is.
    pub fn cursor_keys(&self) -> &Arc<CursorKeys> {
        &self.cursor_keys
    }

    fn hash(&self, text: &str) -> Hash {
        let mut hmac = self.hmac.clone();
        hmac.update(text.as_bytes());
        hmac.finalize().into_bytes().into()
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

/// The key of cursors that follows from a secret key; nothing else is ever made so from it.
fn cursor_key(secret: &Secret) -> Result<CursorKey> {
    let mut hmac = Hmac::<Sha256>::new_from_slice(secret.expose().as_bytes())
        .map_err(|error| Error::internal(error.to_string()))?;
    hmac.update(b"cursors");
    Ok(CursorKey::new(hmac.finalize().into_bytes().into()))
}

/// Whether a text can be a key of ours at all, so that nothing else reaches the catalog.
fn has_form_of_key(text: &str) -> bool {
    text.len() == KEY_CHARS
        && text.starts_with(KEY_MARK)
        && text.as_bytes().get(KEY_MARK.len() + 8) == Some(&b'_')
}

/// An error shared by all requests that waited for one answer of the catalog.
fn again(error: &Arc<CatalogError>) -> Error {
    let shared = CatalogErrorOf(Arc::clone(error));
    if error.is_unavailable() { Error::unavailable(shared) } else { Error::internal(shared) }
}

/// Carries a shared error as the cause of several.
#[derive(Debug, thiserror::Error)]
#[error("a key could not be looked up")]
struct CatalogErrorOf(#[source] Arc<CatalogError>);

/// 32 random bytes as 43 characters.
fn random_secret() -> Result<String> {
    Ok(URL_SAFE_NO_PAD.encode(random::<32>()?))
}

/// 8 characters of `a`–`z` and `0`–`9`, each equally likely.
fn random_prefix() -> Result<String> {
    let mut prefix = String::with_capacity(8);
    while prefix.len() < 8 {
        for byte in random::<16>()? {
            // 252 is the largest multiple of 36 in a byte: above it, some characters would be
            // likelier.
            if byte < 252
                && prefix.len() < 8
                && let Some(character) = char::from_digit(u32::from(byte % 36), 36)
            {
                prefix.push(character);
            }
        }
    }
    Ok(prefix)
}

#[cfg(test)]
mod tests;
