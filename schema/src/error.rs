//! Turns every way in which a file can be bad into one variant with a position and a next step.
//! It exists so that a person who dropped a file learns what to do, and a program gets a stable code.
//! It never carries what a library printed for programmers, except as a source.

use thiserror::Error;

/// Why a source cannot be understood or read.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SchemaError {
    /// The content is of a kind that is not read.
    #[error("the file is {what}; {remedy}")]
    Unsupported {
        /// What the file is, with its article.
        what: String,
        /// What the sender can do.
        remedy: String,
    },
    /// The content is of a kind that is read, and is broken.
    #[error("{}{found}; {remedy}", at_row(*row))]
    Rejected {
        /// The row as a spreadsheet shows it, 1-based.
        row: Option<u64>,
        /// What was found there and what was expected.
        found: String,
        /// What the sender can do.
        remedy: String,
    },
    /// An option contradicts the file.
    #[error("{found}; {remedy}")]
    BadOption {
        /// Which option, its value, and why it does not fit.
        found: String,
        /// What the caller can do.
        remedy: String,
    },
    /// The file goes beyond a limit.
    #[error("{}{name}: found {found}, the limit is {limit}; raise the limit or split the file", at_row(*row))]
    Limit {
        /// Which limit, in words with the unit.
        name: &'static str,
        /// The limit.
        limit: u64,
        /// What was found, at least.
        found: u64,
        /// The row as a spreadsheet shows it, 1-based.
        row: Option<u64>,
    },
    /// The source could not be read.
    #[error("the source could not be read: {0}")]
    Io(#[from] std::io::Error),
    /// The caller stopped the work.
    #[error("the work was cancelled")]
    Cancelled,
    /// A worker ended without a result, which is a defect of Sluice.
    #[error("a worker ended without a result; report this as a defect")]
    Worker,
}

fn at_row(row: Option<u64>) -> String {
    row.map_or_else(String::new, |row| format!("row {row}: "))
}

impl SchemaError {
    /// Returns the wire code of DESIGN section 5.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unsupported { .. } => "UNSUPPORTED_FILE",
            Self::Rejected { .. } => "FILE_REJECTED",
            Self::BadOption { .. } => "BAD_USER_INPUT",
            Self::Limit { .. } => "PAYLOAD_TOO_LARGE",
            Self::Io(_) => "STORAGE_UNAVAILABLE",
            Self::Cancelled => "CONFLICT",
            Self::Worker => "INTERNAL",
        }
    }
}

/// Why reading rows ended early.
#[derive(Debug, Error)]
pub enum ReadError<X> {
    /// The source is at fault.
    #[error(transparent)]
    Schema(#[from] SchemaError),
    /// The caller's sink refused.
    #[error("the rows could not be stored")]
    Sink(X),
}

/// Why one text is not a value of a type.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{found:?} is not {expected}")]
pub struct CoerceError {
    /// The text, cut to 100 characters.
    pub found: String,
    /// What was expected, with its article.
    pub expected: String,
}
