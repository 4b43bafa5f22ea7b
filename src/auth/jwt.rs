//! Turns JSON Web Tokens (RFC 7519) of the configured issuer into principals.
//!
//! A token's algorithm must be one of those that are configured and that its key is for: a secret
//! checks HS256 only, a key of the set (RFC 7517) the one algorithm of its type. A `kid` is looked
//! up in the set and nowhere else; a token brings no key and no address of one.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, JwkSet};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde_json::{Map, Value as Json};
use sha2::{Digest, Sha256};
use tokio::sync::Mutex;

use super::Principal;
use super::credential::refusal;
use super::new_key::check_role;
use crate::catalog::access::{ANONYMOUS_ROLE, EVERY_ROLE};
use crate::catalog::model::Scope;
use crate::catalog::{Catalog, CatalogError, now_us};
use crate::config::{JwtAlgorithm, JwtSettings};
use crate::error::{Error, Result};

/// The most bytes of a token.
const MAX_TOKEN_BYTES: usize = 8 << 10;
/// The most bytes of a set of keys.
const MAX_SET_BYTES: u64 = 1 << 20;
/// How long a set of keys is used before it is asked for again.
const SET_AGE: Duration = Duration::from_secs(600);
/// How soon it is asked for again for a `kid` that it lacks, or after a failure.
const SET_PAUSE: Duration = Duration::from_secs(10);
/// How long the server of the set may take.
const SET_PATIENCE: Duration = Duration::from_secs(5);
/// Tokens remembered at once.
const CACHE_TOKENS: u64 = 10_000;
/// How long a checked token is answered from memory; its end counts all the same.
const CACHE_AGE: Duration = Duration::from_secs(5);

/// The same sentence for every token that does not hold: which check failed is nobody's business.
const INVALID: &str = "This token is not valid here. It may be expired, of another issuer or audience, or signed by another key.";

/// Checks tokens.
pub(super) struct Jwt {
    catalog: Arc<Catalog>,
    settings: JwtSettings,
    secret: Option<DecodingKey>,
    set: Option<KeySet>,
    known: moka::sync::Cache<[u8; 32], (Arc<Principal>, i64)>,
}

/// Where a set of keys comes from, and what is known of it.
struct KeySet {
    source: Source,
    kept: Mutex<Kept>,
}

enum Source {
    File(PathBuf),
    Url(String),
}

#[derive(Default)]
struct Kept {
    keys: Arc<Vec<SetKey>>,
    read_at: Option<Instant>,
    tried_at: Option<Instant>,
}

struct SetKey {
    id: Option<String>,
    algorithm: Algorithm,
    key: DecodingKey,
}

/// Whether a credential has the form of a token: three parts.
pub(super) fn has_form_of_token(text: &str) -> bool {
    text.bytes().filter(|byte| *byte == b'.').count() == 2
}

impl Jwt {
    /// A checker by these settings; `None` where none is configured.
    ///
    /// # Errors
    /// BAD_USER_INPUT for settings that contradict each other.
    pub(super) fn new(catalog: Arc<Catalog>, settings: &JwtSettings) -> Result<Option<Jwt>> {
        let secret = settings.secret.as_ref();
        let secret = secret.map(|secret| DecodingKey::from_secret(secret.expose().as_bytes()));
        let set = settings.jwks.as_ref().map(|place| KeySet {
            source: match place.starts_with("https://") || place.starts_with("http://") {
                true => Source::Url(place.clone()),
                false => Source::File(PathBuf::from(place)),
            },
            kept: Mutex::default(),
        });
        if secret.is_none() && set.is_none() {
            return Ok(None);
        }
        if let Some(KeySet { source: Source::Url(url), .. }) = &set
            && url.starts_with("http://")
            && !is_of_this_machine(url)
        {
            return Err(Error::bad_input(
                "jwt.jwks must be an https:// address, or a file: keys that come over plain http could be anybody's.",
            ));
        }
        Ok(Some(Jwt {
            catalog,
            settings: settings.clone(),
            secret,
            set,
            known: moka::sync::Cache::builder()
                .max_capacity(CACHE_TOKENS)
                .time_to_live(CACHE_AGE)
                .build(),
        }))
    }

    /// The principal of a token.
    ///
    /// # Errors
    /// UNAUTHENTICATED; STORAGE_UNAVAILABLE when the catalog or the set of keys cannot be asked.
    pub(super) async fn authenticate(&self, token: &str) -> Result<Arc<Principal>> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(refusal(INVALID));
        }
        let hash: [u8; 32] = Sha256::digest(token.as_bytes()).into();
        if let Some((principal, ends_at_us)) = self.known.get(&hash)
            && now_us() < ends_at_us
        {
            return Ok(principal);
        }
        let header = decode_header(token).map_err(|_| refusal(INVALID))?;
        if header.crit.is_some() {
            // RFC 7515, section 4.1.11: it asks for something to be understood that is not.
            return Err(refusal(INVALID));
        }
        let claims = self.checked(token, header.alg, header.kid.as_deref()).await?;
        let ends_at_us = claims.get("exp").and_then(Json::as_f64).unwrap_or_default() * 1e6;
        #[expect(clippy::cast_possible_truncation, reason = "saturates, which is meant")]
        let ends_at_us = ends_at_us as i64;
        let principal = Arc::new(self.principal(claims).await?);
        self.known.insert(hash, (Arc::clone(&principal), ends_at_us));
        Ok(principal)
    }

    /// Forgets the tokens that were checked: the workspace of some is gone.
    pub(super) fn forget(&self) {
        self.known.invalidate_all();
    }

    /// The claims of a token whose signature and times hold.
    async fn checked(
        &self,
        token: &str,
        algorithm: Algorithm,
        kid: Option<&str>,
    ) -> Result<Map<String, Json>> {
        let settings = &self.settings;
        if !settings.algorithms.iter().any(|allowed| algorithm_of(*allowed) == algorithm) {
            return Err(refusal(INVALID));
        }
        let mut validation = Validation::new(algorithm);
        validation.leeway = settings.leeway.as_secs();
        validation.validate_nbf = true;
        let mut required = vec!["exp"];
        if let Some(issuer) = &settings.issuer {
            validation.set_issuer(&[issuer]);
            required.push("iss");
        }
        let needs_issuer = settings.issuer.is_some();
        if let Some(audience) = &settings.audience {
            validation.set_audience(&[audience]);
            required.push("aud");
        }
        validation.set_required_spec_claims(&required);
        let claims = |key: &DecodingKey| {
            decode::<Map<String, Json>>(token, key, &validation)
                .ok()
                .map(|data| data.claims)
                // One issuer, not one of several.
                .filter(|claims| !needs_issuer || claims.get("iss").is_some_and(Json::is_string))
                .ok_or_else(|| refusal(INVALID))
        };
        if algorithm == Algorithm::HS256 {
            let secret = self.secret.as_ref().ok_or_else(|| refusal(INVALID))?;
            return claims(secret);
        }
        let set = self.set.as_ref().ok_or_else(|| refusal(INVALID))?;
        let mut keys = set.keys(false).await?;
        if fitting(&keys, algorithm, kid).is_none() {
            keys = set.keys(true).await?;
        }
        let key = fitting(&keys, algorithm, kid).ok_or_else(|| refusal(INVALID))?;
        claims(&key.key)
    }

    /// Who the claims speak of.
    async fn principal(&self, claims: Map<String, Json>) -> Result<Principal> {
        let settings = &self.settings;
        let text = |name: &str| find(&claims, name).and_then(Json::as_str).map(str::to_owned);
        let workspace = match &settings.workspace_claim {
            None => self.catalog.default_workspace(),
            Some(name) => {
                let workspace = text(name).ok_or_else(|| refusal(INVALID))?;
                let found = self.catalog.workspace_named(&workspace).await;
                let found = found.map_err(|error: CatalogError| Error::from(error))?;
                // As for a token of another issuer: nobody learns which workspaces there are.
                found.ok_or_else(|| refusal(INVALID))?.id
            }
        };
        let scope = find(&claims, &settings.scope_claim).map_or(settings.default_scope, scope_of);
        let scope = scope.ok_or_else(|| {
            refusal("This token says nothing about what it may do here. It needs a scope: read, write, upload or admin.")
        })?;
        let role = text(&settings.role_claim);
        // A role that cannot be read is not no role: without one, more is seen.
        if role.is_none() && find(&claims, &settings.role_claim).is_some() {
            return Err(refusal(INVALID));
        }
        if role.as_deref().is_some_and(|role| {
            check_role(role).is_err() || role == EVERY_ROLE || role == ANONYMOUS_ROLE
        }) {
            return Err(refusal(INVALID));
        }
        let datasets = match find(&claims, &settings.datasets_claim) {
            None => None,
            Some(Json::Array(names)) => Some(
                names.iter().filter_map(Json::as_str).map(str::to_owned).collect::<Vec<String>>(),
            ),
            Some(_) => return Err(refusal(INVALID)),
        };
        let subject = text("sub").unwrap_or_else(|| "?".to_owned());
        let shown: String = subject.chars().filter(|c| !c.is_control()).take(64).collect();
        let flat = flattened(&claims);
        Ok(Principal::new(workspace, scope, format!("jwt:{shown}")).held_to(role, datasets, flat))
    }
}

impl KeySet {
    /// The keys; read anew when they are old, or when one was missing and some time has passed.
    async fn keys(&self, is_missing: bool) -> Result<Arc<Vec<SetKey>>> {
        let mut kept = self.kept.lock().await;
        let is_older = |at: Option<Instant>, age| at.is_none_or(|at| at.elapsed() >= age);
        let is_due = is_older(kept.read_at, SET_AGE) || is_missing;
        let is_too_soon = !is_older(kept.tried_at, SET_PAUSE);
        if kept.read_at.is_none() && is_too_soon {
            return Err(Error::unavailable(std::io::Error::other("the set of keys is away")));
        }
        if is_due && !is_too_soon {
            kept.tried_at = Some(Instant::now());
            match self.source.read().await {
                Ok(keys) => {
                    kept.keys = Arc::new(keys);
                    kept.read_at = Some(Instant::now());
                }
                Err(error) if kept.read_at.is_none() => return Err(Error::unavailable(error)),
                // The old ones go on: their server may be away for a while.
                Err(error) => tracing::warn!(%error, "the set of keys could not be read again"),
            }
        }
        Ok(Arc::clone(&kept.keys))
    }
}

impl Source {
    async fn read(&self) -> std::io::Result<Vec<SetKey>> {
        let text = match self {
            Source::File(path) => tokio::fs::read_to_string(path).await?,
            Source::Url(url) => {
                let url = url.clone();
                let asked = tokio::task::spawn_blocking(move || fetch(&url)).await;
                asked.map_err(std::io::Error::other)??
            }
        };
        let set: JwkSet = serde_json::from_str(&text)?;
        Ok(set.keys.iter().filter_map(set_key).collect())
    }
}

fn fetch(url: &str) -> std::io::Result<String> {
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .timeout_global(Some(SET_PATIENCE))
        .max_redirects(0)
        .build()
        .into();
    let mut answer = agent.get(url).call().map_err(std::io::Error::other)?;
    let body = answer.body_mut().with_config().limit(MAX_SET_BYTES);
    body.read_to_string().map_err(std::io::Error::other)
}

/// The key of a set that a token is to be checked with.
fn fitting<'k>(keys: &'k [SetKey], algorithm: Algorithm, kid: Option<&str>) -> Option<&'k SetKey> {
    let mut fitting = keys.iter().filter(|key| key.algorithm == algorithm);
    match kid {
        Some(kid) => fitting.find(|key| key.id.as_deref() == Some(kid)),
        // Without a name there must be no choice.
        None => fitting.next().filter(|_| fitting.next().is_none()),
    }
}

/// A key of the set that tokens can be checked with: others are passed over.
fn set_key(jwk: &jsonwebtoken::jwk::Jwk) -> Option<SetKey> {
    use jsonwebtoken::jwk::{KeyAlgorithm, PublicKeyUse};
    let (algorithm, named) = match &jwk.algorithm {
        AlgorithmParameters::RSA(_) => (Algorithm::RS256, KeyAlgorithm::RS256),
        AlgorithmParameters::EllipticCurve(curve) if curve.curve == EllipticCurve::P256 => {
            (Algorithm::ES256, KeyAlgorithm::ES256)
        }
        AlgorithmParameters::OctetKeyPair(pair) if pair.curve == EllipticCurve::Ed25519 => {
            (Algorithm::EdDSA, KeyAlgorithm::EdDSA)
        }
        _ => return None,
    };
    let is_meant = jwk.common.key_algorithm.is_none_or(|of_key| of_key == named)
        && !matches!(jwk.common.public_key_use, Some(PublicKeyUse::Encryption));
    let key = DecodingKey::from_jwk(jwk).ok().filter(|_| is_meant)?;
    Some(SetKey { id: jwk.common.key_id.clone(), algorithm, key })
}

fn algorithm_of(allowed: JwtAlgorithm) -> Algorithm {
    match allowed {
        JwtAlgorithm::Hs256 => Algorithm::HS256,
        JwtAlgorithm::Rs256 => Algorithm::RS256,
        JwtAlgorithm::Es256 => Algorithm::ES256,
        JwtAlgorithm::EdDsa => Algorithm::EdDSA,
    }
}

fn is_of_this_machine(url: &str) -> bool {
    let host = url.trim_start_matches("http://").split(['/', '?']).next().unwrap_or_default();
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    matches!(name, "localhost" | "127.0.0.1" | "[::1]")
}

/// A claim by its name, which may be the whole name of one (an address, as some issuers use) or
/// lead into an object by points.
fn find<'c>(claims: &'c Map<String, Json>, name: &str) -> Option<&'c Json> {
    if let Some(value) = claims.get(name) {
        return Some(value).filter(|value| !value.is_null());
    }
    let (first, rest) = name.split_once('.')?;
    rest.split('.')
        .try_fold(claims.get(first)?, |value, step| value.get(step))
        .filter(|value| !value.is_null())
}

/// The highest scope of ours among those that a claim names; `None` for no one.
fn scope_of(claim: &Json) -> Option<Scope> {
    let words: Vec<&str> = match claim {
        Json::String(text) => text.split([' ', ',']).collect(),
        Json::Array(items) => items.iter().filter_map(Json::as_str).collect(),
        _ => Vec::new(),
    };
    let known = |word: &str| match word.strip_prefix("sluice:").unwrap_or(word) {
        "query" => Some(Scope::Query),
        "read" => Some(Scope::Read),
        "write" => Some(Scope::Write),
        "upload" => Some(Scope::Upload),
        "admin" => Some(Scope::Admin),
        _ => None,
    };
    words.into_iter().filter_map(known).max()
}

/// Claims as policies name them: objects by points, one level after the other.
fn flattened(claims: &Map<String, Json>) -> Map<String, Json> {
    const MAX_DEPTH: usize = 4;
    fn add(prefix: &str, value: &Json, depth: usize, flat: &mut Map<String, Json>) {
        if let (Json::Object(map), true) = (value, depth < MAX_DEPTH) {
            for (name, item) in map {
                add(&format!("{prefix}.{name}"), item, depth + 1, flat);
            }
        }
        flat.insert(prefix.to_owned(), value.clone());
    }
    let mut flat = Map::new();
    claims.iter().for_each(|(name, value)| add(name, value, 0, &mut flat));
    flat
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use serde_json::json;

    use super::*;

    #[test]
    fn scopes_are_read_from_words_and_lists() {
        assert_eq!(scope_of(&json!("openid read profile")), Some(Scope::Read));
        assert_eq!(scope_of(&json!(["sluice:upload", "read"])), Some(Scope::Upload));
        for none in [json!("openid"), json!(""), json!(null), json!(7), json!(["READ"])] {
            assert_eq!(scope_of(&none), None, "{none}");
        }
    }

    #[test]
    fn claims_are_found_by_name_and_by_points() {
        let claims =
            json!({"https://x.y/role": "a", "app": {"role": "b", "org": {"id": 7}}, "n": null});
        let claims = claims.as_object().unwrap();
        let found = |name| find(claims, name).cloned();
        assert_eq!(found("https://x.y/role"), Some(json!("a")));
        assert_eq!(found("app.role"), Some(json!("b")));
        assert_eq!(found("app.org.id"), Some(json!(7)));
        for none in ["n", "app.none", "role", "app.role.x"] {
            assert_eq!(found(none), None, "{none}");
        }
        assert_eq!(flattened(claims).get("app.org.id"), Some(&json!(7)));
    }

    #[test]
    fn only_loopback_serves_keys_in_clear() {
        assert!(is_of_this_machine("http://127.0.0.1:80/x"));
        assert!(is_of_this_machine("http://localhost/x"));
        assert!(!is_of_this_machine("http://localhost.example.com/x"));
        assert!(!is_of_this_machine("http://10.0.0.1/127.0.0.1"));
    }
}
