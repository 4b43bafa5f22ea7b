//! Settles what a subscription waits for.

use std::sync::Arc;

use async_graphql_parser::types::{Selection, SelectionSet};

use crate::catalog::model::Dataset;
use crate::catalog::snapshot::Snapshot;
use crate::error::{Error, Result};
use crate::query::document::Document;
use crate::query::plan;

/// What a subscription waits for.
pub(super) enum Kind {
    /// A query's answer to change.
    Live,
    /// A job to go on.
    Job,
    /// A dataset to have a new version.
    DatasetChanged,
    /// Rows of a dataset to come.
    Rows(Arc<Dataset>),
}

impl Kind {
    /// What a validated subscription waits for.
    ///
    /// # Errors
    /// BAD_USER_INPUT unless it has one root field (section 5.2.4.1 of the specification).
    pub(super) fn of(document: &Document, snapshot: &Snapshot) -> Result<Kind> {
        let mut fields = document.root_fields();
        let first = fields.next().ok_or_else(one_field)?;
        let key = &first.response_key().node;
        let is_alone = fields.all(|field| field.response_key().node == *key);
        let selection = &document.operation()?.selection_set.node;
        if !is_alone || has_conditions(document, selection) {
            return Err(one_field());
        }
        let name = first.name.node.as_str();
        Ok(match name {
            "job" => Kind::Job,
            "datasetChanged" => Kind::DatasetChanged,
            _ if name.starts_with("__") => return Err(one_field()),
            _ if plan::root_field(snapshot, name).is_some() => Kind::Live,
            _ => match plan::stream_field(snapshot, name) {
                Some(dataset) => Kind::Rows(Arc::clone(dataset)),
                None => return Err(one_field()),
            },
        })
    }
}

fn one_field() -> Error {
    Error::bad_input(
        "A subscription has one root field, without @skip and @include, that is none of introspection. Send one operation for each.",
    )
}

/// Whether directives stand anywhere at the root.
fn has_conditions(document: &Document, selection: &SelectionSet) -> bool {
    selection.items.iter().any(|item| match &item.node {
        Selection::Field(field) => !field.node.directives.is_empty(),
        Selection::InlineFragment(inline) => {
            !inline.node.directives.is_empty()
                || has_conditions(document, &inline.node.selection_set.node)
        }
        Selection::FragmentSpread(spread) => {
            let fragment = document.parsed.fragments.get(&spread.node.fragment_name.node);
            !spread.node.directives.is_empty()
                || fragment.is_some_and(|fragment| {
                    has_conditions(document, &fragment.node.selection_set.node)
                })
        }
    })
}
