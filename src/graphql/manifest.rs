//! Reads lists of documents as build tools write them.
//!
//! Two forms are known: a map from ids to documents, which Relay, graphql-codegen and others write,
//! and Apollo's `apollo-persisted-query-manifest`. Nothing here parses a document.

use std::collections::HashSet;

use serde::Deserialize;
use serde_json::Value as Json;

use crate::catalog::documents::TrustedDocument;
use crate::error::{Error, Result};

/// Characters of an id.
const MAX_ID_CHARS: usize = 200;
/// Documents of one list.
pub const MAX_DOCUMENTS: usize = 10_000;

#[derive(Deserialize)]
struct Manifest {
    format: String,
    version: u64,
    operations: Vec<Operation>,
}

#[derive(Deserialize)]
struct Operation {
    id: String,
    body: String,
}

/// The documents of a manifest.
///
/// # Errors
/// BAD_USER_INPUT, saying what was found and which forms are known.
pub fn parse(text: &[u8]) -> Result<Vec<TrustedDocument>> {
    let json: Json = serde_json::from_slice(text).map_err(|error| {
        Error::bad_input(format!(
            "The manifest is not JSON (line {}, column {}).",
            error.line(),
            error.column()
        ))
    })?;
    let unknown = || {
        Error::bad_input(
            "The manifest must be a map from ids to documents, {\"ID\": \"query …\"}, or an apollo-persisted-query-manifest of version 1.",
        )
    };
    let Json::Object(map) = &json else { return Err(unknown()) };
    let pairs: Vec<(String, String)> = if map.contains_key("operations") {
        let manifest: Manifest = serde_json::from_value(json).map_err(|_| unknown())?;
        if manifest.format != "apollo-persisted-query-manifest" || manifest.version != 1 {
            return Err(unknown());
        }
        manifest.operations.into_iter().map(|operation| (operation.id, operation.body)).collect()
    } else {
        let text_of = |(id, text): (&String, &Json)| Some((id.clone(), text.as_str()?.to_owned()));
        map.iter().map(text_of).collect::<Option<_>>().ok_or_else(unknown)?
    };
    documents(pairs.iter().map(|(id, text)| (Some(id.as_str()), text.as_str())))
}

/// Documents by id and text; one without an id has its hash for one.
///
/// # Errors
/// BAD_USER_INPUT for ids that are empty, too long, given twice, or hashes of something else.
pub fn documents<'d>(
    pairs: impl Iterator<Item = (Option<&'d str>, &'d str)>,
) -> Result<Vec<TrustedDocument>> {
    let mut found = Vec::new();
    let mut ids = HashSet::new();
    for (id, text) in pairs {
        let mut document = TrustedDocument::new(id.unwrap_or_default(), text);
        if let Some(digits) = document.id.strip_prefix("sha256:") {
            document.id = digits.to_owned();
        }
        if id.is_none() {
            document.id.clone_from(&document.sha256);
        }
        let id = &document.id;
        if id.is_empty() || id.chars().count() > MAX_ID_CHARS || id.chars().any(char::is_control) {
            return Err(Error::bad_input(format!(
                "The id {id:?} does not fit; ids have 1 to {MAX_ID_CHARS} characters."
            )));
        }
        let is_hash = id.len() == 64 && id.bytes().all(|b| b.is_ascii_hexdigit());
        if is_hash && !id.eq_ignore_ascii_case(&document.sha256) {
            return Err(Error::bad_input(format!(
                "The id {id} looks like a SHA-256, but that of its document is {}. Was the document changed after it was hashed?",
                document.sha256
            )));
        }
        if is_hash {
            document.id.make_ascii_lowercase();
        }
        if !ids.insert(document.id.clone()) {
            return Err(Error::bad_input(format!("The id {:?} was given twice.", document.id)));
        }
        if found.len() == MAX_DOCUMENTS {
            return Err(Error::bad_input(format!(
                "The list has more than {MAX_DOCUMENTS} documents, the limit."
            )));
        }
        found.push(document);
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHA: &str = "e3de1a3a4cd34e2b8a9b4b5dd4e8e3f9d7a8c0f1b2a3948576655443322110ff";

    fn ids(text: &str) -> Result<Vec<(String, String)>, String> {
        let found = parse(text.as_bytes()).map_err(|error| error.message.into_owned())?;
        Ok(found.into_iter().map(|document| (document.id, document.text)).collect())
    }

    #[test]
    fn both_forms_are_read() {
        let pair = |id: &str| Ok(vec![(id.to_owned(), "{a}".to_owned())]);
        assert_eq!(ids(r#"{"x": "{a}"}"#), pair("x"));
        assert_eq!(ids("{}"), Ok(vec![]));
        let apollo = r#"{"format":"apollo-persisted-query-manifest","version":1,
            "operations":[{"id":"x","name":"A","type":"query","body":"{a}"}]}"#;
        assert_eq!(ids(apollo), pair("x"));
        let sha = TrustedDocument::new("", "{a}").sha256;
        assert_eq!(ids(&format!(r#"{{"sha256:{sha}": "{{a}}"}}"#)), pair(&sha));
        assert_eq!(ids(&format!(r#"{{"{}": "{{a}}"}}"#, sha.to_uppercase())), pair(&sha));
    }

    #[test]
    fn a_manifest_that_does_not_fit_is_told_why() {
        let check = |text: &str, expect: &str| {
            let found = ids(text).unwrap_err();
            assert!(found.contains(expect), "{text}: {found}");
        };
        check("", "not JSON (line 1, column 0)");
        check("[]", "must be a map");
        check(r#"{"x": 1}"#, "must be a map");
        check(r#"{"operations": []}"#, "must be a map");
        check(r#"{"format":"other","version":1,"operations":[]}"#, "must be a map");
        check(r#"{"": "{a}"}"#, "does not fit");
        check(&format!(r#"{{"{SHA}": "{{a}}"}}"#), "looks like a SHA-256");
        let twice = r#"{"format":"apollo-persisted-query-manifest","version":1,
            "operations":[{"id":"x","body":"{a}"},{"id":"x","body":"{b}"}]}"#;
        check(twice, "twice");
    }
}
