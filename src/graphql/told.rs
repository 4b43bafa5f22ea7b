//! Tells the line that is logged of a request what was asked and where the answer came from.
//!
//! Names and hashes, never values: documents may hold some.

use tracing::Span;

use super::documents::KnownDocument;
use super::together::Answers;
use crate::catalog::hex;
use crate::ops::logs::tells_requests;

/// Of the hash of a document, bytes.
const HASH_BYTES: usize = 8;

/// Which document it is.
pub(super) fn tell_document(known: &KnownDocument) {
    if tells_requests() {
        let span = Span::current();
        if let Some(name) = known.document.name() {
            span.record("operation", name);
        }
        span.record("document", hex(known.sha.get(..HASH_BYTES).unwrap_or_default()).as_str());
    }
}

/// What it weighs, and whether all that it reads came from memory.
pub(super) fn tell_reading(cost: u64, answers: &Answers) {
    if tells_requests() {
        let span = Span::current();
        span.record("cost", cost);
        let mut found = answers.iter().flatten().flatten().peekable();
        if found.peek().is_some() {
            span.record("cache", if found.all(|found| found.is_hit) { "hit" } else { "miss" });
        }
    }
}
