//! Names every way in which the catalog can refuse, and turns it into an answer for callers.
//!
//! It exists so that a full disk, a database that is away and a defect are told apart once. It
//! never shows what a driver said.

use sea_orm::{DbErr, RuntimeErr};

use super::saved_queries::MAX_SAVED_QUERIES;
use crate::error::{Code, Error};
use sluice_migration::MigrateError;

/// Why the catalog did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum CatalogError {
    /// The database refused or is away.
    #[error("the catalog's database refused")]
    Database(#[from] sea_orm::DbErr),
    /// The database did not answer in time.
    #[error("the catalog's database does not answer")]
    Silent,
    /// The data folder could not be read or written.
    #[error("the data folder could not be used")]
    Folder(#[from] std::io::Error),
    /// A unique name is taken.
    #[error("the name {0:?} is taken")]
    NameTaken(String),
    /// Somebody else changed the dataset meanwhile.
    #[error("the dataset was changed meanwhile")]
    Changed,
    /// Rejects that were to be admitted are not there any more.
    #[error("rejects were admitted or discarded meanwhile")]
    RejectsGone,
    /// Somebody asked for the job's end.
    #[error("the job was cancelled")]
    Cancelled,
    /// The job is no longer this runner's: it ended, or was given to another.
    #[error("the job is not running here any more")]
    NotRunning,
    /// The workspace would hold more than it may.
    #[error("the workspace would hold {wanted} {what} of {most}")]
    OverQuota {
        /// Of what.
        what: &'static str,
        /// How much it would be.
        wanted: i64,
        /// The quota.
        most: i64,
    },
    /// A dataset has as many webhooks as it may.
    #[error("the dataset has {0} webhooks")]
    TooManyWebhooks(u64),
    /// The workspace has as many saved queries as it may.
    #[error("the workspace has too many saved queries")]
    TooManySavedQueries,
    /// Saved queries would not be valid any more.
    #[error("saved queries would break: {0:?}")]
    BreaksSavedQueries(Vec<String>),
    /// Something named does not exist.
    #[error("not found")]
    NotFound,
    /// Another process owns the data folder.
    #[error("another Sluice uses this data folder")]
    Locked,
    /// A newer release has migrated the catalog.
    #[error("the catalog has seen {0}, which this release does not know")]
    Newer(String),
    /// A row of the catalog could not be understood.
    #[error("a row of the catalog is damaged: {0}")]
    Damaged(String),
}

/// What a failure of the database means for the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cause {
    Away,
    DiskFull,
    Defect,
}

impl From<MigrateError> for CatalogError {
    fn from(error: MigrateError) -> CatalogError {
        match error {
            MigrateError::Database(inner) => CatalogError::Database(inner),
            MigrateError::Newer(name) => CatalogError::Newer(name),
            MigrateError::Unknown(_) => CatalogError::NotFound,
        }
    }
}

impl From<sqlx::Error> for CatalogError {
    fn from(error: sqlx::Error) -> CatalogError {
        CatalogError::Database(DbErr::Query(RuntimeErr::SqlxError(std::sync::Arc::new(error))))
    }
}

impl CatalogError {
    /// Whether there is no room left: to try again at once is of no use.
    pub(crate) fn is_disk_full(&self) -> bool {
        matches!(self, CatalogError::Database(error) if cause(error) == Cause::DiskFull)
    }

    /// Whether the same may succeed once the database is back.
    pub fn is_unavailable(&self) -> bool {
        match self {
            CatalogError::Database(error) => cause(error) != Cause::Defect,
            CatalogError::Silent | CatalogError::Folder(_) => true,
            _ => false,
        }
    }
}

impl From<CatalogError> for Error {
    fn from(error: CatalogError) -> Error {
        match error {
            CatalogError::Database(inner) => match cause(&inner) {
                Cause::Away => Error::unavailable(inner),
                Cause::DiskFull => disk_full().caused_by(inner),
                Cause::Defect => Error::internal(inner),
            },
            CatalogError::Silent => Error::unavailable(CatalogError::Silent),
            CatalogError::Folder(inner) => from_io(inner),
            CatalogError::NameTaken(name) => Error::new(
                Code::Conflict,
                format!(
                    "A dataset named {name:?} exists. Use mode REPLACE to put this file in its place, or give another name."
                ),
            ),
            CatalogError::Changed => Error::new(
                Code::Conflict,
                "The dataset was changed by somebody else meanwhile. Look at it and try again.",
            ),
            CatalogError::RejectsGone => Error::new(
                Code::Conflict,
                "Some of these rejects were admitted or discarded meanwhile; nothing was admitted. Look at those that are left and try again.",
            ),
            CatalogError::OverQuota { what, wanted, most } => Error::new(
                Code::PayloadTooLarge,
                format!(
                    "The workspace would hold {wanted} {what}; its quota is {most}. Drop something, or ask the operator for a larger quota."
                ),
            ),
            CatalogError::TooManyWebhooks(most) => Error::new(
                Code::Conflict,
                format!(
                    "A dataset has at most {most} webhooks. Drop one, or change one by updateWebhook."
                ),
            ),
            CatalogError::TooManySavedQueries => Error::new(
                Code::Conflict,
                format!(
                    "A workspace has at most {MAX_SAVED_QUERIES} saved queries. Drop one first: dropSavedQuery."
                ),
            ),
            CatalogError::BreaksSavedQueries(names) => Error::new(
                Code::Conflict,
                format!(
                    "This would break saved queries: {}. Nothing was changed. Save them anew without what goes (saveQuery), let them break (protected: false), or drop them (dropSavedQuery); then try again.",
                    names.join(", ")
                ),
            ),
            CatalogError::Cancelled => Error::new(Code::Conflict, "The job was cancelled."),
            CatalogError::NotRunning => Error::new(Code::Conflict, "The job has ended."),
            CatalogError::NotFound => Error::not_found("Nothing of this name or id exists here."),
            CatalogError::Locked => Error::new(
                Code::Conflict,
                "Another Sluice uses this data folder. Stop it, or give another folder with --data-dir.",
            ),
            CatalogError::Newer(name) => Error::new(
                Code::Conflict,
                format!(
                    "A newer release of Sluice has used these data ({name}). Start that release, or go back with it first: `sluice migrate down` of the newer one, or a backup from before."
                ),
            ),
            CatalogError::Damaged(_) => Error::internal(error),
        }
    }
}

/// The sentence for a device without room.
pub(crate) fn disk_full() -> Error {
    Error::new(
        Code::StorageUnavailable,
        "The disk is full. Nothing was changed; make room and try again.",
    )
}

/// A failure of the data folder as an answer.
pub(crate) fn from_io(error: std::io::Error) -> Error {
    use std::io::ErrorKind;
    let is_full = matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded);
    let answer = if is_full {
        disk_full()
    } else {
        Error::new(
            Code::StorageUnavailable,
            "The data folder cannot be written or read right now. Try again shortly.",
        )
    };
    answer.caused_by(error)
}

fn cause(error: &DbErr) -> Cause {
    use sea_orm::sqlx::Error as Sqlx;
    let inner = match error {
        DbErr::ConnectionAcquire(_) | DbErr::Conn(RuntimeErr::Internal(_)) => return Cause::Away,
        DbErr::Conn(RuntimeErr::SqlxError(inner))
        | DbErr::Exec(RuntimeErr::SqlxError(inner))
        | DbErr::Query(RuntimeErr::SqlxError(inner)) => inner,
        _ => return Cause::Defect,
    };
    match inner.as_ref() {
        Sqlx::Io(_)
        | Sqlx::Tls(_)
        | Sqlx::Protocol(_)
        | Sqlx::PoolTimedOut
        | Sqlx::PoolClosed
        | Sqlx::WorkerCrashed => Cause::Away,
        Sqlx::Database(refusal) => cause_of_code(&refusal.code().unwrap_or_default()),
        _ => Cause::Defect,
    }
}

/// SQLSTATE of PostgreSQL (five characters) or the extended result code of SQLite (a number).
fn cause_of_code(code: &str) -> Cause {
    if let (true, Ok(number)) = (code.len() < 5, code.parse::<u32>()) {
        // The low byte is the primary code.
        return match number & 0xff {
            13 => Cause::DiskFull,
            // BUSY, LOCKED, IOERR, CANTOPEN, PROTOCOL
            5 | 6 | 10 | 14 | 15 => Cause::Away,
            _ => Cause::Defect,
        };
    }
    match code {
        "53100" => Cause::DiskFull,
        // A standby after a switch, a deadlock or a serialisation failure, a statement cancelled.
        "25006" | "40001" | "40P01" | "57014" => Cause::Away,
        // Connection exception, insufficient resources, operator intervention, system error;
        // authentication can fail while the server is moved.
        _ if ["08", "53", "57", "58", "28"].iter().any(|class| code.starts_with(class)) => {
            Cause::Away
        }
        _ => Cause::Defect,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_of_both_databases_tell_their_cause() {
        for (code, expect) in [
            ("13", Cause::DiskFull),
            ("5", Cause::Away),
            ("517", Cause::Away),
            ("2067", Cause::Defect),
            ("1", Cause::Defect),
            ("53100", Cause::DiskFull),
            ("53300", Cause::Away),
            ("57P01", Cause::Away),
            ("08006", Cause::Away),
            ("23505", Cause::Defect),
            ("42P01", Cause::Defect),
        ] {
            assert_eq!(cause_of_code(code), expect, "{code}");
        }
    }

    #[test]
    fn a_taken_name_says_what_to_do() {
        let error = Error::from(CatalogError::NameTaken("orders".to_owned()));
        assert_eq!(error.code, Code::Conflict);
        assert!(error.message.contains("REPLACE"), "{}", error.message);
    }
}
