//! Turns every failure into one answer: a stable code, a sentence that says what to do, a status.
//!
//! Rooms keep their own typed errors; this is the closed list that leaves the process. It never
//! carries SQL, paths or driver names: those go to the log, once, with the request id.

use std::borrow::Cow;

/// The closed list of error codes, as clients see them in `extensions.code`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Code {
    /// No valid key came with the request.
    Unauthenticated,
    /// The key is valid, but may not do this.
    Forbidden,
    /// What was named does not exist (or belongs to another workspace).
    NotFound,
    /// The request itself is wrong and must be changed.
    BadUserInput,
    /// The request contradicts the present state.
    Conflict,
    /// A new file's columns do not fit the dataset's.
    SchemaDrift,
    /// The file is of a known kind, but cannot be loaded.
    FileRejected,
    /// The file is of a kind that Sluice does not read.
    UnsupportedFile,
    /// More bytes, rows or columns than allowed.
    PayloadTooLarge,
    /// The document or its values are nested too deeply.
    QueryTooDeep,
    /// The document asks for too much at once.
    QueryTooComplex,
    /// No document of this hash is known; the client sends its text next (Apollo's protocol).
    PersistedQueryNotFound,
    /// Documents are not remembered here; the client sends texts only (Apollo's protocol).
    PersistedQueryNotSupported,
    /// Only listed documents are served, and this is none.
    DocumentNotTrusted,
    /// Too many requests.
    RateLimited,
    /// The statement or request took too long and was cancelled.
    Timeout,
    /// The database or the disk does not answer; try again.
    StorageUnavailable,
    /// A defect of the server; the request id finds it in the log.
    Internal,
}

impl Code {
    /// Every code, in the order of the documentation.
    pub const ALL: [Code; 18] = [
        Code::Unauthenticated,
        Code::Forbidden,
        Code::NotFound,
        Code::BadUserInput,
        Code::Conflict,
        Code::SchemaDrift,
        Code::FileRejected,
        Code::UnsupportedFile,
        Code::PayloadTooLarge,
        Code::QueryTooDeep,
        Code::QueryTooComplex,
        Code::PersistedQueryNotFound,
        Code::PersistedQueryNotSupported,
        Code::DocumentNotTrusted,
        Code::RateLimited,
        Code::Timeout,
        Code::StorageUnavailable,
        Code::Internal,
    ];

    /// The name in `extensions.code`.
    pub const fn wire(self) -> &'static str {
        match self {
            Code::Unauthenticated => "UNAUTHENTICATED",
            Code::Forbidden => "FORBIDDEN",
            Code::NotFound => "NOT_FOUND",
            Code::BadUserInput => "BAD_USER_INPUT",
            Code::Conflict => "CONFLICT",
            Code::SchemaDrift => "SCHEMA_DRIFT",
            Code::FileRejected => "FILE_REJECTED",
            Code::UnsupportedFile => "UNSUPPORTED_FILE",
            Code::PayloadTooLarge => "PAYLOAD_TOO_LARGE",
            Code::QueryTooDeep => "QUERY_TOO_DEEP",
            Code::QueryTooComplex => "QUERY_TOO_COMPLEX",
            Code::PersistedQueryNotFound => "PERSISTED_QUERY_NOT_FOUND",
            Code::PersistedQueryNotSupported => "PERSISTED_QUERY_NOT_SUPPORTED",
            Code::DocumentNotTrusted => "DOCUMENT_NOT_TRUSTED",
            Code::RateLimited => "RATE_LIMITED",
            Code::Timeout => "TIMEOUT",
            Code::StorageUnavailable => "STORAGE_UNAVAILABLE",
            Code::Internal => "INTERNAL",
        }
    }

    /// The HTTP status of an answer that consists of this error alone.
    pub const fn http_status(self) -> u16 {
        match self {
            Code::Unauthenticated => 401,
            Code::Forbidden | Code::DocumentNotTrusted => 403,
            Code::NotFound | Code::PersistedQueryNotFound => 404,
            Code::BadUserInput
            | Code::QueryTooDeep
            | Code::QueryTooComplex
            | Code::PersistedQueryNotSupported => 400,
            Code::Conflict | Code::SchemaDrift => 409,
            Code::FileRejected => 422,
            Code::UnsupportedFile => 415,
            Code::PayloadTooLarge => 413,
            Code::RateLimited => 429,
            Code::Timeout => 504,
            Code::StorageUnavailable => 503,
            Code::Internal => 500,
        }
    }

    /// Whether the same request may succeed later without being changed.
    pub const fn is_retryable(self) -> bool {
        matches!(self, Code::RateLimited | Code::Timeout | Code::StorageUnavailable)
    }

    /// The code of a wire name, if it is one of ours.
    pub fn from_wire(name: &str) -> Option<Code> {
        Code::ALL.into_iter().find(|code| code.wire() == name)
    }
}

/// A failure as it leaves the process, with the inner cause kept for the log.
#[derive(Debug)]
pub struct Error {
    /// The stable code.
    pub code: Code,
    /// What was found, where, what was expected, and the next step; shown to the caller.
    pub message: Cow<'static, str>,
    /// The inner cause; logged once, never shown.
    pub source: Option<Box<dyn std::error::Error + Send + Sync>>,
    /// How the caller stands with the limit that it met.
    pub standing: Option<Standing>,
}

/// How somebody stands with a rate limit, as answers tell it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Requests that are allowed at once.
    pub limit: u32,
    /// How many of them are left.
    pub remaining: u32,
    /// Seconds until all of them are there again.
    pub reset_s: u32,
    /// Seconds after which the refused request may come again; 0 when it was not refused.
    pub retry_after_s: u32,
}

impl Error {
    /// An error with a code and a sentence for the caller.
    pub fn new(code: Code, message: impl Into<Cow<'static, str>>) -> Error {
        Error { code, message: message.into(), source: None, standing: None }
    }

    /// The request must be changed: `message` says how.
    pub fn bad_input(message: impl Into<Cow<'static, str>>) -> Error {
        Error::new(Code::BadUserInput, message)
    }

    /// What was named does not exist.
    pub fn not_found(message: impl Into<Cow<'static, str>>) -> Error {
        Error::new(Code::NotFound, message)
    }

    /// A defect: `source` goes to the log, the caller sees a fixed sentence.
    pub fn internal(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
        Error {
            code: Code::Internal,
            message: Cow::Borrowed(
                "Something went wrong inside Sluice. Give the request id to your operator.",
            ),
            source: Some(source.into()),
            standing: None,
        }
    }

    /// The store does not answer: `source` goes to the log.
    pub fn unavailable(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
        Error {
            code: Code::StorageUnavailable,
            message: Cow::Borrowed("The database does not answer right now. Try again shortly."),
            source: Some(source.into()),
            standing: None,
        }
    }

    /// The same error with an inner cause for the log.
    #[must_use]
    pub fn caused_by(
        mut self,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Error {
        self.source = Some(source.into());
        self
    }
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.code.wire(), self.message)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|source| source as &(dyn std::error::Error + 'static))
    }
}

/// The result type of everything that can answer a caller.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// All causes of an error in one line.
pub fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let cause_text = cause.to_string();
        if !text.ends_with(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        next = cause.source();
    }
    text
}
