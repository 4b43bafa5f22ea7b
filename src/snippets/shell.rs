//! For shells: GraphQL, REST and CSV by curl.
//!
//! Comments are plain words, and no name stands in one: there are shells that run what is typed
//! behind a `#`.

use serde_json::json;

use super::quote::{json_text, shell};
use super::{Address, Place, RowSource};

/// Requests that each stand alone.
pub(super) fn curl(source: &RowSource, place: &Place) -> String {
    let base = &place.base;
    let key = place.with_key(" -H \"X-API-Key: $SLUICE_KEY\"");
    let body = json!({ "query": source.document, "variables": source.variables });
    let body = shell(&json_text(&body.to_string()));
    let graphql = shell(&format!("{base}/graphql"));
    let graphql = format!(
        "# GraphQL\n\
         curl -sS -w '\\n' {graphql}{key} \\\n  \
         -H 'content-type: application/json' \\\n  \
         -d {body}\n\n"
    );
    let (graphql, json) = match source.is_saved {
        true => ("", "JSON"),
        false => (graphql.as_str(), "REST"),
    };
    let get = |address: &Address| {
        let address = shell(&address.whole(base));
        format!("curl -sS -w '\\n' {address}{key}\n")
    };
    format!("{graphql}# {json}\n{}\n# CSV\n{}", get(&source.json), get(&source.csv))
}
