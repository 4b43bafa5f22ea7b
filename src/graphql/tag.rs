//! Names the answer of a query before it is made, so that a client that has it need not get it
//! again.
//!
//! A tag is a hash of all that the bytes depend on: the program, who asks, the document, its
//! variables, what cursors are signed with, and table and version of everything that is read. It survives a restart and is the
//! same on every node. It never depends on time or on ids of the process.

use std::sync::OnceLock;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use crate::auth::Principal;
use crate::catalog::snapshot::Snapshot;
use crate::query::plan::Plan;
use crate::store::cursor::CursorKeys;

/// SHA-256 of a text or of a whole answer.
pub type Sha = [u8; 32];

/// Bytes of a hash that make a tag: enough that two answers never share one.
const TAG_BYTES: usize = 16;

/// The name of an answer's bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tag([u8; TAG_BYTES]);

impl Tag {
    /// Characters of its text.
    pub const CHARS: usize = 22;

    /// The text, of letters, digits, `-` and `_`.
    pub fn text(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }

    /// Reads such a text back.
    pub fn parse(text: &str) -> Option<Tag> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        Some(Tag(bytes.try_into().ok()?))
    }

    /// The tag of an answer that can be told from its bytes only.
    pub fn of_bytes(bytes: &[u8]) -> Tag {
        Tag::of(&Sha256::digest(bytes).into())
    }

    fn of(sha: &Sha) -> Tag {
        let mut tag = [0; TAG_BYTES];
        tag.iter_mut().zip(sha).for_each(|(to, from)| *to = *from);
        Tag(tag)
    }
}

/// The hash of a document.
pub(super) fn sha_of(text: &str) -> Sha {
    Sha256::digest(text.as_bytes()).into()
}

/// A hash as 64 hexadecimal digits.
pub(super) fn hex(sha: &Sha) -> String {
    use std::fmt::Write;
    sha.iter().fold(String::with_capacity(64), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// What is asked.
pub(super) struct Question<'q> {
    pub(super) principal: &'q Principal,
    pub(super) snapshot: &'q Snapshot,
    pub(super) document: &'q Sha,
    pub(super) operation_name: Option<&'q str>,
    /// As they came.
    pub(super) variables: &'q str,
    /// Tells apart what cursors in answers are signed with.
    pub(super) cursor_keys: &'q CursorKeys,
    /// Rows of a list that does not say how many: a setting that shows in answers.
    pub(super) default_limit: i64,
    /// Rows that a list may answer, beyond which it is refused.
    pub(super) max_limit: i64,
}

impl Question<'_> {
    /// The tag of the answer that this plan gives.
    pub(super) fn tag(&self, plan: &Plan) -> Tag {
        let mut hash = Sha256::new();
        hash.update(build());
        hash.update(self.default_limit.to_be_bytes());
        hash.update(self.max_limit.to_be_bytes());
        hash.update(self.cursor_keys.fingerprint());
        hash.update(self.principal.workspace.0.as_bytes());
        hash.update([self.principal.scope as u8]);
        if self.snapshot.view.is_some() {
            hash.update(self.principal.visibility().to_be_bytes());
            let claims = serde_json::to_string(&self.principal.claims).unwrap_or_default();
            hash.update(claims.len().to_be_bytes());
            hash.update(claims);
        }
        hash.update(self.snapshot.schema_revision.to_be_bytes());
        hash.update(self.document);
        for text in [self.operation_name.unwrap_or_default(), self.variables] {
            hash.update(text.len().to_be_bytes());
            hash.update(text);
        }
        // A policy's filter may lead to datasets that are not shown.
        let whole = self.snapshot.view.as_ref().map_or(self.snapshot, |view| &view.base);
        for (storage, version) in plan.roots.iter().flat_map(|root| root.reads(whole)) {
            hash.update(storage.as_str());
            hash.update(version.to_be_bytes());
        }
        Tag::of(&hash.finalize().into())
    }
}

/// Tells builds of the program apart: another one may write an answer in another way.
fn build() -> &'static Sha {
    static BUILD: OnceLock<Sha> = OnceLock::new();
    BUILD.get_or_init(|| {
        let mut hash = Sha256::new();
        hash.update(env!("CARGO_PKG_VERSION"));
        let program = std::env::current_exe().and_then(std::fs::metadata);
        if let Ok(program) = program {
            hash.update(program.len().to_be_bytes());
            let since_1970 = program
                .modified()
                .ok()
                .and_then(|time| time.duration_since(std::time::SystemTime::UNIX_EPOCH).ok());
            hash.update(since_1970.map_or(0, |time| time.as_secs()).to_be_bytes());
        }
        hash.finalize().into()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_read_back() {
        let tag = Tag::of_bytes(b"answer");
        let text = tag.text();
        assert_eq!(text.len(), Tag::CHARS);
        assert_eq!(Tag::parse(&text), Some(tag));
        assert_ne!(Tag::of_bytes(b"another"), tag);
        for wrong in ["", "x", &text[1..], &format!("{text}A"), "??????????????????????"] {
            assert_eq!(Tag::parse(wrong), None, "{wrong}");
        }
    }
}
