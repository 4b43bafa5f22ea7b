//! Who asks: a workspace, a scope, and what policies need to know.

use std::net::IpAddr;

use serde_json::{Map, Value as Json};
use sha2::{Digest, Sha256};

use crate::catalog::access::{ANONYMOUS_ROLE, CLAIM_MARK};
use crate::catalog::model::{Scope, WorkspaceId};
use crate::error::{Code, Error, Result};

/// Who asks.
#[derive(Clone, Debug, PartialEq)]
pub struct Principal {
    /// The tenant.
    pub workspace: WorkspaceId,
    /// What it may do.
    pub scope: Scope,
    /// Its name in logs: a key's part that may be shown, `jwt:` and the subject, `anonymous`.
    pub key_prefix: String,
    /// The role whose policies hold for it.
    pub role: Option<String>,
    /// The only datasets that it may see and make, by name.
    pub datasets: Option<Vec<String>>,
    /// Values that policies speak of: `$claims.NAME`.
    pub claims: Map<String, Json>,
    /// The only saved queries that it runs, by name.
    pub saved_queries: Option<Vec<String>>,
    /// Whether it came without a key.
    pub is_anonymous: bool,
    /// Where it came from, if it has no key.
    pub address: Option<IpAddr>,
    /// Principals with the same one see the same of a workspace, but for the values of claims.
    visibility: u128,
}

impl Principal {
    /// Somebody of a workspace, who sees all of it.
    pub fn new(workspace: WorkspaceId, scope: Scope, key_prefix: impl Into<String>) -> Principal {
        let key_prefix = key_prefix.into();
        let mut made = Principal {
            workspace,
            scope,
            key_prefix,
            role: None,
            datasets: None,
            claims: Map::new(),
            saved_queries: None,
            is_anonymous: false,
            address: None,
            visibility: 0,
        };
        made.visibility = made.hash();
        made
    }

    /// Somebody without a key.
    pub fn anonymous(workspace: WorkspaceId) -> Principal {
        let mut made = Principal::new(workspace, Scope::Read, ANONYMOUS_ROLE);
        made.role = Some(ANONYMOUS_ROLE.to_owned());
        made.is_anonymous = true;
        made.visibility = made.hash();
        made
    }

    /// The same from an address, for those who have no key: limits tell them apart by it.
    #[must_use]
    pub fn at(&self, address: IpAddr) -> Principal {
        Principal { address: Some(address), ..self.clone() }
    }

    /// The same, held to a role, to datasets and to claims.
    #[must_use]
    pub fn held_to(
        mut self,
        role: Option<String>,
        datasets: Option<Vec<String>>,
        claims: Map<String, Json>,
    ) -> Principal {
        (self.role, self.datasets, self.claims) = (role, datasets, claims);
        self.visibility = self.hash();
        self
    }

    /// The same, held to saved queries of these names.
    #[must_use]
    pub fn held_to_saved(mut self, names: Option<Vec<String>>) -> Principal {
        self.saved_queries = names;
        self
    }

    /// Whether it may run the saved query of this name.
    pub fn may_run(&self, name: &str) -> bool {
        self.saved_queries.as_ref().is_none_or(|names| names.iter().any(|known| known == name))
    }

    /// Who runs a saved query: the same, who may do what it takes to read, whatever the key is for.
    #[must_use]
    pub fn as_reader(&self) -> Principal {
        Principal { scope: self.reading_scope(), ..self.clone() }
    }

    /// The scope of [`Principal::as_reader`].
    pub fn reading_scope(&self) -> Scope {
        self.scope.max(Scope::Read)
    }

    /// Refuses with FORBIDDEN unless the scope is at least `needed`.
    ///
    /// # Errors
    /// FORBIDDEN, naming the scope that is needed.
    pub fn require(&self, needed: Scope) -> Result<()> {
        if self.scope >= needed {
            return Ok(());
        }
        if self.is_anonymous {
            return Err(super::credential::refusal(
                "This needs a key. Send one as \"Authorization: Bearer <key>\" or \"X-API-Key: <key>\".",
            ));
        }
        let word = |scope: Scope| format!("{scope:?}").to_lowercase();
        Err(Error::new(
            Code::Forbidden,
            format!(
                "This key has the scope {}; {} is needed. Ask an admin for a key with that scope.",
                word(self.scope),
                word(needed),
            ),
        ))
    }

    /// Refuses names of datasets that it is not for.
    ///
    /// # Errors
    /// FORBIDDEN, naming those that it is for.
    pub fn require_dataset(&self, name: &str) -> Result<()> {
        match &self.datasets {
            Some(datasets) if !datasets.iter().any(|known| known == name) => Err(Error::new(
                Code::Forbidden,
                format!(
                    "This key is only for: {}. Ask an admin for one that may use {name:?}.",
                    datasets.join(", ")
                ),
            )),
            _ => Ok(()),
        }
    }

    /// Refuses an admin of some datasets only.
    ///
    /// # Errors
    /// FORBIDDEN.
    pub fn require_whole(&self) -> Result<()> {
        if self.datasets.is_none() {
            return Ok(());
        }
        Err(Error::new(
            Code::Forbidden,
            "This key is for some datasets only; this concerns the whole workspace.",
        ))
    }

    /// Refuses everybody but admins of the workspace that exists from the first start on.
    ///
    /// # Errors
    /// FORBIDDEN.
    pub fn require_operator(&self, default_workspace: WorkspaceId) -> Result<()> {
        if self.is_admin() && self.workspace == default_workspace {
            return Ok(());
        }
        Err(Error::new(
            Code::Forbidden,
            "Only admins of the server's first workspace may do this. Ask the operator.",
        ))
    }

    /// Its claims as the variables that stand for them in filters of policies.
    pub fn claim_variables(&self) -> impl Iterator<Item = (String, Json)> {
        self.claims.iter().map(|(name, value)| (format!("{CLAIM_MARK}{name}"), value.clone()))
    }

    /// Whether it may do everything in its workspace.
    pub fn is_admin(&self) -> bool {
        self.scope == Scope::Admin && self.datasets.is_none()
    }

    /// Tells apart what principals of a workspace see.
    pub fn visibility(&self) -> u128 {
        self.visibility
    }

    fn hash(&self) -> u128 {
        let mut hash = Sha256::new();
        // An admin of some datasets sees them whole: no policy holds for it.
        hash.update([u8::from(self.scope == Scope::Admin), u8::from(self.is_anonymous)]);
        let mut add = |text: &str| {
            hash.update(text.len().to_be_bytes());
            hash.update(text);
        };
        match &self.role {
            None => add(""),
            Some(role) => {
                add("role");
                add(role);
            }
        }
        // With their number: a dataset may be called like what follows it.
        match &self.datasets {
            None => add(""),
            Some(datasets) => {
                add(&datasets.len().to_string());
                datasets.iter().for_each(|name| add(name));
            }
        }
        let mut names: Vec<&String> = self
            .claims
            .iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(name, _)| name)
            .collect();
        names.sort();
        names.into_iter().for_each(|name| add(name));
        let hash = hash.finalize();
        hash.iter().take(16).fold(0, |sum, byte| sum << 8 | u128::from(*byte))
    }
}
