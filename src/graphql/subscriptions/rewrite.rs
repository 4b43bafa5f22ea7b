//! Puts a subscription as the query that answers it now.

use std::collections::HashMap;

use async_graphql_parser::Positioned;
use async_graphql_parser::types::{
    DocumentOperations, ExecutableDocument, Field, FragmentDefinition, OperationDefinition,
    OperationType, Selection, SelectionSet,
};
use async_graphql_value::{ConstValue, Name, Value as AstValue};
use serde_json::Value as Json;

use crate::error::Result;
use crate::query::document::Document;
use crate::query::input::Variables;

/// The query with the root fields of a subscription, each changed by `change`. Of fragments it has
/// those that its fields use.
///
/// # Errors
/// When the document has no such operation, which was checked before.
pub(super) fn as_query(document: &Document, change: impl Fn(&mut Field)) -> Result<Document> {
    let operation = document.operation()?;
    let at = operation.selection_set.pos;
    let mut items = Vec::new();
    for field in document.root_fields() {
        let mut field = field.clone();
        let key = field.response_key().node.clone();
        change(&mut field);
        field.alias = Some(Positioned::new(key, at));
        items.push(Positioned::new(Selection::Field(Positioned::new(field, at)), at));
    }
    let selection = SelectionSet { items };
    let mut fragments = HashMap::new();
    keep_fragments(&document.parsed, &selection, &mut fragments);
    let query = OperationDefinition {
        ty: OperationType::Query,
        variable_definitions: operation.variable_definitions.clone(),
        directives: Vec::new(),
        selection_set: Positioned::new(selection, at),
    };
    let query = Positioned::new(query, at);
    let found = document.parsed.operations.iter().find(|(_, it)| std::ptr::eq(&it.node, operation));
    let operations = match found.and_then(|(name, _)| name) {
        Some(name) => DocumentOperations::Multiple(HashMap::from([(name.clone(), query)])),
        None => DocumentOperations::Single(query),
    };
    Ok(document.with_parsed(ExecutableDocument { operations, fragments }))
}

/// Keeps the fragments that a selection leads to. Documents were measured: no fragment leads back
/// to itself.
fn keep_fragments(
    from: &ExecutableDocument,
    selection: &SelectionSet,
    kept: &mut HashMap<Name, Positioned<FragmentDefinition>>,
) {
    for item in &selection.items {
        let below = match &item.node {
            Selection::Field(field) => &field.node.selection_set.node,
            Selection::InlineFragment(inline) => &inline.node.selection_set.node,
            Selection::FragmentSpread(spread) => {
                let name = &spread.node.fragment_name.node;
                let Some(fragment) = from.fragments.get(name) else { continue };
                if kept.insert(name.clone(), fragment.clone()).is_some() {
                    continue;
                }
                &fragment.node.selection_set.node
            }
        };
        keep_fragments(from, below, kept);
    }
}

/// An argument of a subscription's root field as JSON; null where there is none.
pub(super) fn argument(document: &Document, name: &str, variables: &Variables) -> Json {
    let value = document.root_fields().next().and_then(|field| field.get_argument(name));
    value.map_or(Json::Null, |value| to_json(&value.node, variables))
}

/// A value as JSON; what a variable stands for that was not given is null.
pub(super) fn to_json(value: &AstValue, variables: &Variables) -> Json {
    let of_variable = |name: Name| match variables.get(name.as_str()) {
        Some(value) => Ok(ConstValue::from_json(value.clone()).unwrap_or(ConstValue::Null)),
        None => Ok::<_, std::convert::Infallible>(ConstValue::Null),
    };
    let value = value.clone().into_const_with(of_variable);
    value.ok().and_then(|value| value.into_json().ok()).unwrap_or(Json::Null)
}
