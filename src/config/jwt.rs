//! What tokens of other issuers are trusted, and what their claims mean.

use std::time::Duration;

use super::Secret;
use crate::catalog::model::Scope;

/// The settings `jwt.*`; tokens are checked only where a secret or a set of keys is given.
#[derive(Clone)]
pub struct JwtSettings {
    /// What HS256 tokens are signed with.
    pub secret: Option<Secret>,
    /// A JSON Web Key Set (RFC 7517): a file's path, or an https address.
    pub jwks: Option<String>,
    /// The only algorithms that a token may name.
    pub algorithms: Vec<JwtAlgorithm>,
    /// What `iss` must be.
    pub issuer: Option<String>,
    /// What `aud` must have in it.
    pub audience: Option<String>,
    /// How far clocks may differ; 30 seconds at most.
    pub leeway: Duration,
    /// The claim that names the workspace; tokens are for the first one when not set.
    pub workspace_claim: Option<String>,
    /// The claim that holds the scope.
    pub scope_claim: String,
    /// The scope of tokens without that claim; none are refused.
    pub default_scope: Option<Scope>,
    /// The claim that holds the role whose policies hold.
    pub role_claim: String,
    /// The claim that lists the only datasets a token is for.
    pub datasets_claim: String,
}

/// How a token may be signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JwtAlgorithm {
    /// HMAC with SHA-256.
    Hs256,
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rs256,
    /// ECDSA over P-256 with SHA-256.
    Es256,
    /// Ed25519.
    EdDsa,
}

impl JwtAlgorithm {
    /// All of them, as settings and tokens write them.
    pub(super) const ALL: [(&'static str, JwtAlgorithm); 4] = [
        ("HS256", JwtAlgorithm::Hs256),
        ("RS256", JwtAlgorithm::Rs256),
        ("ES256", JwtAlgorithm::Es256),
        ("EdDSA", JwtAlgorithm::EdDsa),
    ];

    /// Those that a text names, separated by commas.
    pub(super) fn parse_list(text: &str) -> Option<Vec<JwtAlgorithm>> {
        text.split(',')
            .map(|name| {
                let is_meant = |known: &&(&str, _)| known.0.eq_ignore_ascii_case(name.trim());
                Self::ALL.iter().find(is_meant).map(|(_, algorithm)| *algorithm)
            })
            .collect()
    }

    /// The text that names them.
    pub(super) fn show_list(list: &[JwtAlgorithm]) -> String {
        let names = Self::ALL.iter().filter(|(_, known)| list.contains(known));
        names.map(|(name, _)| *name).collect::<Vec<_>>().join(",")
    }
}

impl Default for JwtSettings {
    fn default() -> JwtSettings {
        JwtSettings {
            secret: None,
            jwks: None,
            algorithms: JwtAlgorithm::ALL.iter().map(|(_, algorithm)| *algorithm).collect(),
            issuer: None,
            audience: None,
            leeway: Duration::from_secs(10),
            workspace_claim: None,
            scope_claim: "scope".to_owned(),
            default_scope: None,
            role_claim: "role".to_owned(),
            datasets_claim: "datasets".to_owned(),
        }
    }
}
