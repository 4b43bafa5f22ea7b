//! What a command ends with: nothing to say, or a sentence and an exit code that tells the truth.
//!
//! The codes are part of the interface: scripts rely on them, `--help` lists them.

use std::process::ExitCode;

use crate::error::{Code, Error};

/// The result of a command.
pub(super) type Outcome = Result<(), Failure>;

/// The exit codes besides 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Exit {
    /// Anything without a code of its own.
    Other = 1,
    /// The command line or the settings are wrong.
    Usage = 2,
    /// The file cannot be loaded as it is.
    Data = 3,
    /// The server or the database does not answer.
    Connection = 4,
    /// The server refuses: no key, not allowed, a taken name.
    Refused = 5,
    /// The time to wait is over and the work goes on.
    Unfinished = 6,
}

impl Exit {
    /// The code that the process ends with.
    pub(super) fn code(self) -> ExitCode {
        ExitCode::from(self as u8)
    }

    /// The exit code for an error of the closed list.
    pub(super) fn of(code: Code) -> Exit {
        match code {
            Code::FileRejected
            | Code::UnsupportedFile
            | Code::PayloadTooLarge
            | Code::SchemaDrift => Exit::Data,
            Code::StorageUnavailable | Code::Timeout => Exit::Connection,
            Code::Unauthenticated
            | Code::Forbidden
            | Code::NotFound
            | Code::Conflict
            | Code::RateLimited
            | Code::BadUserInput => Exit::Refused,
            _ => Exit::Other,
        }
    }
}

/// Why a command did not do what was asked.
#[derive(Debug)]
pub(super) struct Failure {
    exit: Exit,
    message: String,
}

impl Failure {
    /// A sentence and the code that the process ends with.
    pub(super) fn new(exit: Exit, message: impl Into<String>) -> Failure {
        Failure { exit, message: message.into() }
    }

    /// The command line or the settings are wrong.
    pub(super) fn usage(message: impl Into<String>) -> Failure {
        Failure::new(Exit::Usage, message)
    }

    /// Anything without a code of its own.
    pub(super) fn other(message: impl Into<String>) -> Failure {
        Failure::new(Exit::Other, message)
    }

    /// The same failure, with the file that it is about.
    pub(super) fn about(mut self, path: &std::path::Path) -> Failure {
        self.message = format!("{}: {}", path.display(), self.message);
        self
    }

    /// The sentence.
    pub(super) fn message(&self) -> &str {
        &self.message
    }

    /// Says it and gives the exit code.
    pub(super) fn report(&self) -> ExitCode {
        eprintln!("sluice: {}", self.message);
        self.exit.code()
    }
}

impl From<Error> for Failure {
    /// On the machine itself the cause may be shown: it is the operator who reads it.
    fn from(error: Error) -> Failure {
        let mut message = error.message.to_string();
        let mut cause = std::error::Error::source(&error);
        while let Some(inner) = cause {
            message = format!("{message}\n  because: {inner}");
            cause = inner.source();
        }
        Failure::new(Exit::of(error.code), message)
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Failure {
        Failure::other(error.to_string())
    }
}
