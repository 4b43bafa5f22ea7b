//! Finds documents that clients name instead of sending them, and says which are served at all.
//!
//! Two kinds are known by name: those that a client of the workspace sent once with their hash
//! (automatic persisted queries), kept in memory as long as there is room, and the workspace's list
//! of trusted documents, kept in the catalog. Nothing here parses a document.

use std::sync::Arc;

use moka::sync::Cache;

use super::tag::{Sha, hex};
use crate::auth::Principal;
use crate::catalog::Catalog;
use crate::catalog::model::{Scope, WorkspaceId};
use crate::catalog::snapshot::Snapshot;
use crate::config::{DocumentMode, Settings};
use crate::error::{Code, Error, Result};

/// Workspaces whose automatic documents are kept at once.
const WORKSPACES: u64 = 256;
/// What an entry costs beside its text, bytes.
const ENTRY_BYTES: usize = 128;
/// Bytes of trusted documents, and of names that are none, kept in memory.
const TRUSTED_BYTES: u64 = 8 << 20;

/// How a client names a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DocumentName {
    /// By SHA-256 of its text, in Apollo's protocol; the text may come with it.
    Hash(Sha),
    /// By an id of the list of trusted documents, or `sha256:…`.
    Id(Box<str>),
}

/// Which list, and which of its documents: a hash in hexadecimal digits, or an id.
type TrustedKey = (WorkspaceId, i64, Box<str>);

/// The documents that are known by name.
pub(super) struct Persisted {
    catalog: Arc<Catalog>,
    mode: DocumentMode,
    capacity_bytes: u64,
    automatic: Cache<WorkspaceId, Cache<Sha, Arc<str>>>,
    trusted: Cache<TrustedKey, Option<Arc<str>>>,
}

impl Persisted {
    /// None yet.
    pub(super) fn new(catalog: Arc<Catalog>, settings: &Settings) -> Persisted {
        let trusted = Cache::builder()
            .max_capacity(TRUSTED_BYTES)
            .weigher(|key: &TrustedKey, text: &Option<Arc<str>>| {
                let n_bytes = key.2.len() + text.as_ref().map_or(0, |text| text.len());
                u32::try_from(ENTRY_BYTES + n_bytes).unwrap_or(u32::MAX)
            })
            .build();
        Persisted {
            catalog,
            mode: settings.documents,
            capacity_bytes: settings.persisted_documents_bytes,
            automatic: Cache::new(WORKSPACES),
            trusted,
        }
    }

    /// The text of a document that was only named.
    ///
    /// # Errors
    /// PERSISTED_QUERY_NOT_FOUND in the words of Apollo's protocol, NOT_FOUND for an id, and when
    /// the catalog cannot be asked.
    pub(super) async fn find(&self, snapshot: &Snapshot, name: &DocumentName) -> Result<Arc<str>> {
        let (name, sha) = match name {
            DocumentName::Hash(sha) => (hex(sha), Some(*sha)),
            DocumentName::Id(id) => {
                let digits = id.strip_prefix("sha256:");
                (digits.unwrap_or(id).to_owned(), None)
            }
        };
        if let Some(text) = self.trusted(snapshot, &name).await? {
            return Ok(text);
        }
        let Some(sha) = sha else {
            return Err(Error::not_found(format!(
                "There is no trusted document {name:?}. Push it first: PUT /documents."
            )));
        };
        if self.capacity_bytes == 0 {
            return Err(Error::new(Code::PersistedQueryNotSupported, "PersistedQueryNotSupported"));
        }
        let kept = self.automatic.get(&snapshot.workspace).and_then(|kept| kept.get(&sha));
        // The words that clients of the protocol look for.
        kept.ok_or_else(|| Error::new(Code::PersistedQueryNotFound, "PersistedQueryNotFound"))
    }

    /// Whether [`Persisted::admit`] has anything to check.
    pub(super) fn is_asked(
        &self,
        principal: &Principal,
        snapshot: &Snapshot,
        name: Option<&DocumentName>,
    ) -> bool {
        name.is_some() || self.is_trusted_only(principal, snapshot)
    }

    /// Whether this principal is served the documents of the list and no others.
    pub(super) fn is_trusted_only(&self, principal: &Principal, snapshot: &Snapshot) -> bool {
        let is_trusted_only =
            self.mode == DocumentMode::Trusted || snapshot.documents.mode == DocumentMode::Trusted;
        is_trusted_only && principal.scope < Scope::Admin
    }

    /// Checks that a document is what its name says, and that it may be served.
    ///
    /// # Errors
    /// BAD_USER_INPUT when the hash is another one; DOCUMENT_NOT_TRUSTED where only trusted
    /// documents are served, to all but admins.
    pub(super) async fn admit(
        &self,
        principal: &Principal,
        snapshot: &Snapshot,
        name: Option<&DocumentName>,
        sha: &Sha,
    ) -> Result<()> {
        if let Some(DocumentName::Hash(said)) = name
            && said != sha
        {
            return Err(Error::bad_input(
                "provided sha does not match query: sha256Hash must be the SHA-256 of the query's text in UTF-8.",
            ));
        }
        if !self.is_trusted_only(principal, snapshot) {
            return Ok(());
        }
        if self.trusted(snapshot, &hex(sha)).await?.is_some() {
            return Ok(());
        }
        Err(Error::new(
            Code::DocumentNotTrusted,
            "Only trusted documents are served here, and this is none. Ask an admin to add it to the list: PUT /documents.",
        ))
    }

    /// Remembers a valid document that came with its hash.
    pub(super) fn remember(&self, workspace: WorkspaceId, sha: Sha, text: &str) {
        let size_bytes = ENTRY_BYTES + text.len();
        if u64::try_from(size_bytes).unwrap_or(u64::MAX) > self.capacity_bytes {
            return;
        }
        let kept = self.automatic.get_with(workspace, || {
            Cache::builder()
                .max_capacity(self.capacity_bytes)
                .weigher(|_, text: &Arc<str>| {
                    u32::try_from(ENTRY_BYTES + text.len()).unwrap_or(u32::MAX)
                })
                .build()
        });
        if !kept.contains_key(&sha) {
            kept.insert(sha, Arc::from(text));
        }
    }

    /// The trusted document of a hash or an id.
    async fn trusted(&self, snapshot: &Snapshot, name: &str) -> Result<Option<Arc<str>>> {
        let revision = snapshot.documents.revision;
        if revision == 0 || name.contains('\0') {
            // There never was a list, or none could have it.
            return Ok(None);
        }
        let key = (snapshot.workspace, revision, Box::from(name));
        if let Some(found) = self.trusted.get(&key) {
            return Ok(found);
        }
        let found = self.catalog.find_document(snapshot.workspace, name).await?;
        let found = found.map(|document| Arc::from(document.text));
        self.trusted.insert(key, found.clone());
        Ok(found)
    }
}
