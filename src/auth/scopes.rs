//! The scope that each field and route needs, on one page.
//!
//! A field that is not listed needs admin: a new one is closed until somebody opens it here. A test
//! walks the whole schema and fails on a field that is not listed.

use crate::catalog::model::Scope::{self, Admin, Read, Upload};

/// Root fields and mutations.
const ROOTS: [(&str, &[(&str, Scope)]); 3] = [
    ("Subscription", &[("job", Read), ("datasetChanged", Read)]),
    (
        "Query",
        &[
            ("datasets", Read),
            ("dataset", Read),
            ("jobs", Read),
            ("job", Read),
            ("workspace", Read),
            ("me", Read),
            ("server", Read),
            ("node", Read),
            ("savedQueries", Read),
            ("datasetVersions", Read),
            ("datasetDiff", Read),
            ("relationSuggestions", Upload),
            ("explain", Admin),
            ("trustedDocuments", Admin),
            ("keys", Admin),
            ("policies", Admin),
            ("auditLog", Admin),
            ("workspaces", Admin),
            ("webhooks", Admin),
            ("webhookDeliveries", Admin),
        ],
    ),
    (
        "Mutation",
        &[
            ("upload", Upload),
            ("inspect", Upload),
            ("admitRejects", Upload),
            ("discardRejects", Upload),
            ("export", Read),
            ("cancelJob", Upload),
            ("retryJob", Upload),
            ("alterColumn", Upload),
            ("setKey", Upload),
            ("reparse", Upload),
            ("createDataset", Upload),
            ("truncateDataset", Upload),
            ("copyDataset", Upload),
            ("revertDataset", Upload),
            ("setDescription", Upload),
            ("addRelation", Upload),
            ("dropRelation", Upload),
            ("renameDataset", Admin),
            ("dropOldName", Admin),
            ("dropDataset", Admin),
            ("createIndex", Admin),
            ("createSearchIndex", Admin),
            ("dropIndex", Admin),
            ("setTrustedDocuments", Admin),
            ("saveQuery", Admin),
            ("dropSavedQuery", Admin),
            ("setDocumentMode", Admin),
            ("createKey", Admin),
            ("rotateKey", Admin),
            ("revokeKey", Admin),
            ("setPolicy", Admin),
            ("dropPolicy", Admin),
            ("setPublicRead", Admin),
            ("createWorkspace", Admin),
            ("renameWorkspace", Admin),
            ("deleteWorkspace", Admin),
            ("setQuotas", Admin),
            ("createWebhook", Admin),
            ("updateWebhook", Admin),
            ("dropWebhook", Admin),
            ("rotateWebhookSecret", Admin),
            ("enableWebhook", Admin),
            ("replayDelivery", Admin),
        ],
    ),
];

/// Fields that concern a workspace as a whole: an admin of some of its datasets may not use them.
const OF_WORKSPACE: [&str; 19] = [
    "trustedDocuments",
    "keys",
    "policies",
    "auditLog",
    "workspaces",
    "setTrustedDocuments",
    "setDocumentMode",
    "saveQuery",
    "dropSavedQuery",
    "createKey",
    "rotateKey",
    "revokeKey",
    "setPolicy",
    "dropPolicy",
    "setPublicRead",
    "createWorkspace",
    "renameWorkspace",
    "deleteWorkspace",
    "setQuotas",
];

/// Whether a root field concerns a workspace as a whole.
pub fn is_of_workspace(field: &str) -> bool {
    OF_WORKSPACE.contains(&field)
}

/// Fields of the catalog's objects that need more than their objects do.
const INNER: [(&str, &str, Scope); 4] = [
    // What others asked, and how much.
    ("Server", "status", Admin),
    // Cells that loads refused.
    ("Dataset", "rejects", Upload),
    ("Job", "refused", Upload),
    ("Dataset", "source", Upload),
];

/// The scope that a root field of the catalog needs; `None` for one that is not listed.
pub fn listed(parent: &str, field: &str) -> Option<Scope> {
    let (_, fields) = ROOTS.iter().find(|(name, _)| *name == parent)?;
    fields.iter().find(|(name, _)| *name == field).map(|(_, scope)| *scope)
}

/// How many root fields are listed: a test compares it with the schema.
pub fn n_listed() -> usize {
    ROOTS.iter().map(|(_, fields)| fields.len()).sum()
}

/// The scope that a root field of the catalog needs.
pub fn of_root(parent: &str, field: &str) -> Scope {
    listed(parent, field).unwrap_or(Admin)
}

/// The scope that a field of an object of the catalog needs, beyond that of the root field.
pub fn of_field(object: &str, field: &str) -> Scope {
    let found = INNER.iter().find(|(of, name, _)| *of == object && *name == field);
    found.map_or(Read, |(_, _, scope)| *scope)
}
