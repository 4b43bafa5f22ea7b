//! Names every way in which a backup or a restore can fail, each with what to do.

use std::io;

use crate::catalog::CatalogError;

/// Why there is no archive, or none could be put back.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// An address of archives that cannot be read.
    #[error("{0}: expected a folder, or s3://bucket/prefix")]
    BadPlace(String),
    /// The place of archives refused or is away.
    #[error("{place} does not answer or refuses")]
    Away {
        /// The place.
        place: String,
        /// What it said.
        #[source]
        source: object_store::Error,
    },
    /// A file could not be read or written.
    #[error("{doing}")]
    Io {
        /// What was being done.
        doing: String,
        /// Why it could not be.
        #[source]
        source: io::Error,
    },
    /// There is no archive.
    #[error("{0} holds no archive; `sluice backup --to` makes one")]
    NoArchive(String),
    /// There is no store to copy.
    #[error("{0} holds no data; give the server's by --data-dir")]
    NoStore(String),
    /// An archive that must not be trusted.
    #[error("the archive is damaged: {0}. Nothing was changed; take another one")]
    Damaged(String),
    /// An archive of a newer release.
    #[error("{0}; use the release that made it, or a newer one")]
    TooNew(String),
    /// An archive of the other kind of store.
    #[error(
        "the archive is of {found}, and this store is {wanted}; `sluice export` and `sluice upload` move datasets between the two"
    )]
    OtherStore {
        /// What the archive is of.
        found: &'static str,
        /// What it was to become.
        wanted: &'static str,
    },
    /// The target is in use.
    #[error("{0} holds data; restore into an empty one, or move them away first")]
    NotEmpty(String),
    /// The store changes too fast for a picture of one moment.
    #[error("the store changed too fast to be copied; try again")]
    TooBusy,
    /// Encryption of secrets went wrong.
    #[error("{0}")]
    Secrets(String),
    /// A program of PostgreSQL is missing, too old, or failed.
    #[error("{0}")]
    Tool(String),
    /// The embedded store refused.
    #[error("the embedded store refused")]
    Sqlite(#[from] rusqlite::Error),
    /// PostgreSQL refused or is away.
    #[error("PostgreSQL does not answer or refuses")]
    Postgres(#[from] sqlx::Error),
    /// The catalog refused or is away.
    #[error("the catalog does not answer or refuses")]
    Catalog(#[from] CatalogError),
    /// It was given up.
    #[error("the backup was given up, since the server stops")]
    Stopped,
    /// An invariant did not hold.
    #[error("{0}")]
    Defect(&'static str),
}

impl BackupError {
    /// What was being done when the system refused.
    pub(super) fn io(doing: impl Into<String>) -> impl FnOnce(io::Error) -> BackupError {
        let doing = doing.into();
        move |source| BackupError::Io { doing, source }
    }
}
