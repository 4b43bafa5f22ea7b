//! Turns request headers into a principal, or into a refusal.
//!
//! Keys are random; only HMAC-SHA-256 of a key with the server's pepper is kept. Looking a key up
//! by its hash takes the same time whether it exists or not.

pub mod audit;
mod credential;
mod jwt;
mod new_key;
pub mod policy;
mod principal;
mod rates;
pub mod scopes;
mod secrets;
mod session;
pub mod visibility;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;
use tokio::sync::watch;

use self::audit::Audit;
use self::credential::{credential, refusal};
use self::jwt::Jwt;
pub use self::new_key::{NewKey, check_role};
pub use self::principal::Principal;
pub use self::rates::{Class, Rates};
use self::secrets::{Secrets, random};
pub(crate) use self::secrets::{kept_secret, put_kept_secret};
pub use self::secrets::{rotate_api_key_salt, rotate_secret_key};
pub use self::session::{Session, has_credential};
use self::visibility::Views;
use crate::catalog::access::PublicRead;
use crate::catalog::model::{Scope, UploadBounds, WorkspaceId};
use crate::catalog::snapshot::Snapshot;
use crate::catalog::webhooks::WebhookId;
use crate::catalog::{ApiKey, Catalog, CatalogError, now_us};
use crate::config::{AuditSettings, Secret, Settings};
use crate::error::{Code, Error, Result};
use crate::query::plan::MaskKey;
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
/// What every secret of a webhook begins with.
const WEBHOOK_MARK: &str = "whsec_";
/// Characters of a key: mark, 8 of the prefix, `_`, 43 of the secret.
const KEY_CHARS: usize = 4 + 8 + 1 + 43;

/// The same sentence for a key that is unknown, has expired or was revoked.
const UNKNOWN: &str = "This key is not valid here. It may be mistyped, expired or revoked.";

/// The sentence for a request without a key.
const NO_KEY: &str = "No key came with the request. Send one as \"Authorization: Bearer <key>\" or \"X-API-Key: <key>\".";
/// Names the workspace that is read without a key; the server's first one when it is not sent.
const WORKSPACE_HEADER: &str = "x-workspace";

type Hash = [u8; 32];

/// Checks and makes keys.
pub struct Auth {
    catalog: Arc<Catalog>,
    /// HMAC with the pepper already taken in; cloned for each key.
    hmac: Hmac<Sha256>,
    cursor_keys: Arc<CursorKeys>,
    admin: Option<(Hash, Arc<Principal>)>,
    views: Views,
    jwt: Option<Jwt>,
    audit: Audit,
    known: moka::future::Cache<Hash, Option<Arc<Known>>>,
    sign_in_tokens: Mutex<HashMap<Hash, Instant>>,
    first_key: Mutex<Option<String>>,
    /// Told when keys end, for those who work on with what they looked up.
    ended_keys: watch::Sender<()>,
}

/// A key that was looked up.
struct Known {
    principal: Arc<Principal>,
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
        let jwt = Jwt::new(Arc::clone(&catalog), &settings.jwt)?;
        let auth = Self::with_secrets(catalog, &secrets, settings.audit).await?;
        Ok(Auth { jwt, ..auth })
    }

    async fn with_secrets(
        catalog: Arc<Catalog>,
        secrets: &Secrets,
        audit: AuditSettings,
    ) -> Result<Auth> {
        let hmac = Hmac::new_from_slice(secrets.pepper.expose().as_bytes())
            .map_err(|error| Error::internal(error.to_string()))?;
        let workspace = catalog.default_workspace();
        let views = Views::new(&catalog);
        let audit = Audit::new(Arc::clone(&catalog), audit);
        let cursor_keys = secrets.secret_keys.iter().map(cursor_key).collect::<Result<_>>()?;
        let cursor_keys = Arc::new(CursorKeys::new(cursor_keys));
        let mut auth = Auth {
            catalog,
            views,
            jwt: None,
            audit,
            hmac,
            cursor_keys,
            admin: None,
            known: moka::future::Cache::builder()
                .max_capacity(CACHE_KEYS)
                .time_to_live(CACHE_AGE)
                .build(),
            sign_in_tokens: Mutex::default(),
            first_key: Mutex::default(),
            ended_keys: watch::Sender::new(()),
        };
        if let Some(key) = &secrets.admin_key {
            let principal = Principal::new(workspace, Scope::Admin, ENV_PREFIX);
            auth.admin = Some((auth.hash(key.expose()), Arc::new(principal)));
        } else if auth.catalog.is_owner() && auth.catalog.has_no_keys().await? {
            let new = NewKey::new("first admin", Scope::Admin, "system");
            let (key, _) = auth.create_key(workspace, new).await?;
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
    pub async fn authenticate(&self, headers: &axum::http::HeaderMap) -> Result<Arc<Principal>> {
        let Some(key) = credential(headers)? else { return self.anonymous(headers) };
        let hash = self.hash(key);
        if let Some((admin_hash, admin)) = &self.admin
            && bool::from(admin_hash.ct_eq(&hash))
        {
            return Ok(Arc::clone(admin));
        }
        if let Some(jwt) = &self.jwt
            && jwt::has_form_of_token(key)
        {
            return Box::pin(jwt.authenticate(key)).await;
        }
        if !has_form_of_key(key) {
            return Err(refusal(UNKNOWN));
        }
        let known = match self.known.get(&hash).await {
            Some(known) => known,
            // Many requests with one key ask the catalog once.
            // Boxed: rare, and large.
            None => Box::pin(self.known.try_get_with(hash, self.look_up(&hash)))
                .await
                .map_err(|error| again(&error))?,
        };
        match known {
            Some(known) if now_us() < known.expires_at_us => Ok(Arc::clone(&known.principal)),
            _ => Err(refusal(UNKNOWN)),
        }
    }

    /// Who comes without a key, to a workspace that is open for reading.
    fn anonymous(&self, headers: &axum::http::HeaderMap) -> Result<Arc<Principal>> {
        let name = headers.get(WORKSPACE_HEADER);
        let workspace = match name.map(|name| name.to_str().unwrap_or_default()) {
            None => Some(self.catalog.default_workspace()),
            Some(name) => self.catalog.known_workspace(name),
        };
        let is_open = |workspace: &WorkspaceId| {
            self.catalog.snapshot(*workspace).access.public_read != PublicRead::Nothing
        };
        match workspace.filter(is_open) {
            Some(workspace) => Ok(Arc::new(Principal::anonymous(workspace))),
            // In the same words for a closed workspace and for one that does not exist.
            None => Err(refusal(NO_KEY)),
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
            principal: Arc::new(
                Principal::new(key.workspace, key.scope, key.prefix)
                    .held_to(key.role, key.datasets, key.claims)
                    .held_to_saved(key.saved_queries),
            ),
            expires_at_us: key.expires_at_us.unwrap_or(i64::MAX),
        })))
    }

    /// Makes a key; the returned text is shown once and not kept.
    ///
    /// # Errors
    /// BAD_USER_INPUT for a name, a role or claims that cannot be, or an end in the past.
    pub async fn create_key(
        &self,
        workspace: WorkspaceId,
        new: NewKey,
    ) -> Result<(String, ApiKey)> {
        let new = new.checked()?;
        let prefix = format!("{KEY_MARK}{}", random_prefix()?);
        let text = format!("{prefix}_{}", random_secret()?);
        let key = ApiKey {
            prefix,
            name: new.name,
            scope: new.scope,
            workspace,
            created_at_us: now_us(),
            expires_at_us: new.expires_at_us,
            revoked_at_us: None,
            last_used_at_us: None,
            role: new.role,
            datasets: new.datasets,
            claims: new.claims,
            created_by: new.created_by,
            saved_queries: new.saved_queries,
        };
        let hash = self.hash(&text);
        self.catalog.add_key(&key, &hash).await?;
        // Somebody may have tried it before it existed; unlikely, but then it would be unknown for
        // a second.
        self.known.invalidate(&hash).await;
        Ok((text, key))
    }

    /// Makes a key like another one, which ends after `overlap`: time to put the new one in place.
    ///
    /// # Errors
    /// NOT_FOUND when the workspace has no such key, CONFLICT when it has ended.
    pub async fn rotate_key(
        &self,
        workspace: WorkspaceId,
        prefix: &str,
        overlap: Duration,
        created_by: &str,
    ) -> Result<(String, ApiKey)> {
        let old = match self.catalog.key(workspace, prefix).await {
            Err(CatalogError::NotFound) => return Err(no_such_key(prefix)),
            other => other?,
        };
        let now_us = now_us();
        if !old.works_at(now_us) {
            return Err(Error::new(
                Code::Conflict,
                format!("The key {prefix} has ended already. Make a new one by createKey."),
            ));
        }
        let new = NewKey {
            name: old.name,
            scope: old.scope,
            expires_at_us: old.expires_at_us,
            role: old.role,
            datasets: old.datasets,
            claims: old.claims,
            created_by: Some(created_by.to_owned()),
            saved_queries: old.saved_queries,
        };
        let made = self.create_key(workspace, new).await?;
        let overlap_us = i64::try_from(overlap.as_micros()).unwrap_or(i64::MAX);
        let end_us = now_us.saturating_add(overlap_us);
        match self.catalog.expire_key(workspace, prefix, end_us).await {
            // It ends sooner than that by itself.
            Ok(()) | Err(CatalogError::NotFound) => {}
            Err(error) => return Err(error.into()),
        }
        self.forget_known();
        Ok(made)
    }

    /// Ends a key; this process refuses it at once, other nodes within a second.
    ///
    /// # Errors
    /// NOT_FOUND when the workspace has no key of this prefix.
    pub async fn revoke_key(&self, workspace: WorkspaceId, prefix: &str) -> Result<()> {
        match self.catalog.revoke_key(workspace, prefix).await {
            Err(CatalogError::NotFound) => Err(no_such_key(prefix)),
            other => Ok(other?),
        }?;
        self.forget_known();
        Ok(())
    }

    /// Forgets what is remembered of keys and tokens: some ended together.
    pub fn forget_keys(&self) {
        if let Some(jwt) = &self.jwt {
            jwt.forget();
        }
        self.forget_known();
    }

    fn forget_known(&self) {
        self.known.invalidate_all();
        self.ended_keys.send_replace(());
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
        let new = NewKey {
            expires_at_us: Some(expires_at_us),
            ..NewKey::new("playground sign-in", Scope::Admin, "system")
        };
        let (key, _) = self.create_key(workspace, new).await?;
        Ok((key, expires_at_us))
    }

    /// Where it is written down who did what.
    pub fn audit(&self) -> &Audit {
        &self.audit
    }

    /// What a principal sees of its workspace now.
    pub fn view(&self, principal: &Principal) -> Arc<Snapshot> {
        self.views.of(principal, self.catalog.snapshot(principal.workspace))
    }

    /// Into which datasets a principal may load.
    pub fn upload_bounds(&self, principal: &Principal) -> UploadBounds {
        visibility::upload_bounds(principal, &self.view(principal))
    }

    /// What masked values are hashed with: the same at each start and on each node.
    pub fn mask_key(&self) -> MaskKey {
        MaskKey::new(self.hash("masks"))
    }

    /// What cursors are signed with: the same at each start and on each node, as the secret key is.
    pub fn cursor_keys(&self) -> &Arc<CursorKeys> {
        &self.cursor_keys
    }

    /// What deliveries to a webhook are signed with. It follows from the server's salt, so that it
    /// is kept nowhere; a new number makes a new one.
    pub fn webhook_secret(&self, webhook: WebhookId, number: i64) -> Secret {
        let hash = self.hash(&format!("webhook:{}:{number}", webhook.0));
        Secret::new(format!("{WEBHOOK_MARK}{}", URL_SAFE_NO_PAD.encode(hash)))
    }

    fn hash(&self, text: &str) -> Hash {
        let mut hmac = self.hmac.clone();
        hmac.update(text.as_bytes());
        hmac.finalize().into_bytes().into()
    }
}

fn no_such_key(prefix: &str) -> Error {
    Error::not_found(format!("There is no key with the prefix {prefix:?}."))
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
