//! Turns whatever ended a job into what happens to it: another try, an end, a code and a sentence.
//!
//! It exists so that the fate of a job is decided in one place. It never shows what a driver said.

use sluice_schema::SchemaError;

use crate::catalog::model::JobOutcome;
use crate::catalog::{CatalogError, disk_error, disk_full};
use crate::error::{Code, Error};
use crate::store::StoreError;

/// Why a job did not publish.
#[derive(Debug)]
pub(super) enum Failure {
    /// Somebody asked for its end.
    Cancelled,
    /// It is not this runner's any more; what the catalog says holds.
    Lost,
    /// The same would happen again.
    Final(Error),
    /// The columns or rows are not what the caller accepts; how they differ is told.
    Refused(Error, Box<JobOutcome>),
    /// The database was away: it may well succeed later.
    Passing(Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        Failure::Final(error)
    }
}

impl From<CatalogError> for Failure {
    fn from(error: CatalogError) -> Failure {
        match error {
            CatalogError::NotRunning => Failure::Lost,
            CatalogError::Cancelled => Failure::Cancelled,
            error if error.is_unavailable() && !error.is_disk_full() => {
                Failure::Passing(error.into())
            }
            error => Failure::Final(error.into()),
        }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Failure {
        match error {
            StoreError::Cancelled => Failure::Cancelled,
            StoreError::DiskFull(inner) => Failure::Final(disk_full().caused_by(inner)),
            StoreError::Io(inner) => Failure::Final(disk_error(inner)),
            StoreError::Sheet(inner) => inner.into(),
            StoreError::Postgres(inner) => CatalogError::from(inner).into(),
            StoreError::Orm(inner) => CatalogError::from(inner).into(),
            StoreError::Timeout | StoreError::Busy => Failure::Passing(Error::unavailable(error)),
            error => Failure::Final(Error::internal(error)),
        }
    }
}

impl From<SchemaError> for Failure {
    fn from(error: SchemaError) -> Failure {
        match error {
            SchemaError::Cancelled => Failure::Cancelled,
            SchemaError::Io(inner) => Failure::Final(disk_error(inner)),
            error => match Code::from_wire(error.code()) {
                Some(Code::Internal) | None => Failure::Final(Error::internal(error)),
                Some(code) => Failure::Final(Error::new(code, sentence(&error.to_string()))),
            },
        }
    }
}

/// The text with a capital at its beginning and a full stop at its end.
pub(super) fn sentence(text: &str) -> String {
    let mut characters = text.chars();
    let mut sentence: String = match characters.next() {
        Some(first) => first.to_uppercase().chain(characters).collect(),
        None => String::new(),
    };
    if !sentence.ends_with(['.', '!', '?']) {
        sentence.push('.');
    }
    sentence
}
