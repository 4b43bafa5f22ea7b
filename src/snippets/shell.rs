//! For shells: GraphQL, REST and CSV by curl.
//!
//! Comments are plain words, and no name stands in one: there are shells that run what is typed
//! behind a `#`.

use serde_json::json;

use super::quote::{json_text, shell};
use super::{Address, RowSource};

/// Requests that each stand alone.
pub(super) fn curl(source: &RowSource, base: &str) -> String {
    let body = json!({ "query": source.document, "variables": source.variables });
    let body = shell(&json_text(&body.to_string()));
    let graphql = shell(&format!("{base}/graphql"));
    let graphql = format!(
        "# GraphQL\n\
         curl -sS -w '\\n' {graphql} \\\n  \
         -H \"X-API-Key: $SLUICE_KEY\" -H 'content-type: application/json' \\\n  \
         -d {body}\n\n"
    );
    let (graphql, json) = match source.is_saved {
        true => ("", "JSON"),
        false => (graphql.as_str(), "REST"),
    };
    let get = |address: &Address| {
        let address = shell(&address.whole(base));
        format!("curl -sS -w '\\n' {address} -H \"X-API-Key: $SLUICE_KEY\"\n")
    };
    format!("{graphql}# {json}\n{}\n# CSV\n{}", get(&source.json), get(&source.csv))
}
