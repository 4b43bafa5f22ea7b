//! Remembers what addresses of rows ask, so that one that comes again is not read anew.
//!
//! What an address asks depends on the schema that its asker sees, and on nothing else: the same
//! address under the same sight is the same document with the same variables.

use axum::http::Uri;
use moka::sync::Cache;
use std::sync::Arc;

use super::parameters::Parameters;
use super::question::Question;
use crate::catalog::model::WorkspaceId;
use crate::catalog::snapshot::Snapshot;
use crate::error::Result;

/// Bytes that are remembered, at most.
const MAX_BYTES: u64 = 4 << 20;
/// Longest address that is, bytes.
const MAX_ADDRESS: usize = 2_048;

/// What an address asks.
pub(super) struct Asked {
    pub(super) parameters: Parameters,
    pub(super) question: Question,
    /// Its query string without the page, encoded.
    pub(super) kept: String,
}

/// Workspace, revision of the schema, view, address.
type Key = (WorkspaceId, i64, u128, Box<str>);

/// What was asked lately; copies share it.
#[derive(Clone)]
pub struct Addresses(Cache<Key, Arc<Asked>>);

impl Default for Addresses {
    fn default() -> Addresses {
        let weigh = |key: &Key, asked: &Arc<Asked>| {
            let Question { document, variables, .. } = &asked.question;
            let n_bytes = key.3.len() * 3 + document.len() + variables.len() + 512;
            u32::try_from(n_bytes).unwrap_or(u32::MAX)
        };
        Addresses(Cache::builder().max_capacity(MAX_BYTES).weigher(weigh).build())
    }
}

impl Addresses {
    /// What an address asks of a snapshot; `make` reads its query string where that is not known.
    ///
    /// # Errors
    /// Those of `make`.
    pub(super) fn asked(
        &self,
        snapshot: &Snapshot,
        address: &Uri,
        make: impl FnOnce(&Parameters) -> Result<Question>,
    ) -> Result<Arc<Asked>> {
        let query = address.query().unwrap_or_default();
        let text = address.path_and_query().map_or("", |text| text.as_str());
        let key = (snapshot.workspace, snapshot.schema_revision, snapshot.view_id(), text.into());
        if let Some(asked) = self.0.get(&key) {
            return Ok(asked);
        }
        let parameters = Parameters::parse(query)?;
        let question = make(&parameters)?;
        let asked = Arc::new(Asked { parameters, question, kept: without_page(query) });
        if text.len() <= MAX_ADDRESS {
            self.0.insert(key, Arc::clone(&asked));
        }
        Ok(asked)
    }
}

/// A query string without what names a page.
fn without_page(query: &str) -> String {
    let kept = form_urlencoded::parse(query.as_bytes())
        .filter(|(name, _)| !name.starts_with("page[") && name != "limit" && name != "offset");
    form_urlencoded::Serializer::new(String::new()).extend_pairs(kept).finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_taken_out() {
        let query = "filter[a]=b c&page[limit]=3&limit=4&sort=-x&page%5Boffset%5D=9";
        assert_eq!(without_page(query), "filter%5Ba%5D=b+c&sort=-x");
    }
}
