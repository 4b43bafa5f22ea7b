//! The mutations of indexes: made and dropped by hand.
//!
//! They hand over to [`crate::indexes`], which also makes some by itself.

use std::sync::Arc;

use async_graphql::dynamic::{FieldFuture, FieldValue, ResolverContext};
use serde_json::Value as Json;

use super::answer::to_field_error;
use super::catalog_types::type_ref;
use super::mutations::{dataset_named, of_request, required};
use super::root_field::RootField;
use super::uploads::argument;
use crate::catalog::model::{Dataset, IndexKind, IndexMethod};
use crate::error::{Error, Result};
use crate::indexes::NewIndex;

/// Columns of one index.
const MAX_COLUMNS: usize = 8;

/// The mutations.
pub(super) fn mutations() -> Vec<RootField> {
    vec![
        RootField::new("createIndex", type_ref("Dataset!"), |context| {
            FieldFuture::new(async move {
                let dataset = create(&context).await.map_err(to_field_error)?;
                Ok(Some(FieldValue::owned_any(dataset)))
            })
        })
        .argument(argument("dataset", "String!", "The dataset."))
        .argument(argument(
            "columns",
            "[String!]!",
            "Field names: those compared by _eq first, then those sorted by.",
        ))
        .argument(argument(
            "descending",
            "[String!]",
            "Those of the columns that are sorted by in descending order.",
        ))
        .description("Builds an index beside running queries; they use it at once. Later versions of the dataset have it, too."),
        RootField::new("createSearchIndex", type_ref("Dataset!"), |context| {
            FieldFuture::new(async move {
                let dataset = create_search(&context).await.map_err(to_field_error)?;
                Ok(Some(FieldValue::owned_any(dataset)))
            })
        })
        .argument(argument("dataset", "String!", "The dataset."))
        .description("Builds an index of the words in all text columns, for the argument search. Without it a search reads every row."),
        RootField::new("dropIndex", type_ref("Dataset!"), |context| {
            FieldFuture::new(async move {
                let dataset = drop_index(&context).await.map_err(to_field_error)?;
                Ok(Some(FieldValue::owned_any(dataset)))
            })
        })
        .argument(argument("dataset", "String!", "The dataset."))
        .argument(argument("name", "String!", "The index's name."))
        .description("Removes an index. One that was built automatically does not come back for a day."),
    ]
}

fn names(context: &ResolverContext<'_>, name: &str) -> Result<Vec<String>> {
    let wrong = || Error::bad_input(format!("{name} must be a list of field names."));
    let Some(value) = context.args.get(name).filter(|value| !value.is_null()) else {
        return Ok(Vec::new());
    };
    let names = value.deserialize::<Json>().map_err(|_| wrong())?;
    serde_json::from_value(names).map_err(|_| wrong())
}

async fn create(context: &ResolverContext<'_>) -> Result<Arc<Dataset>> {
    let request = of_request(context)?;
    let dataset = dataset_named(request, &required(context, "dataset")?)?;
    let (columns, descending) = (names(context, "columns")?, names(context, "descending")?);
    if columns.is_empty() || columns.len() > MAX_COLUMNS {
        return Err(Error::bad_input(format!("columns must name 1 to {MAX_COLUMNS} fields.")));
    }
    if let Some(other) = descending.iter().find(|field| !columns.contains(field)) {
        return Err(Error::bad_input(format!("descending names {other:?}, which columns lacks.")));
    }
    let new = NewIndex {
        columns,
        descending,
        method: IndexMethod::Ordered,
        kind: IndexKind::Manual,
        reason: "somebody asked for it".to_owned(),
    };
    request.services.indexer.create(request.principal.workspace, &dataset, new).await
}

async fn create_search(context: &ResolverContext<'_>) -> Result<Arc<Dataset>> {
    let request = of_request(context)?;
    let dataset = dataset_named(request, &required(context, "dataset")?)?;
    let new = NewIndex {
        columns: Vec::new(),
        descending: Vec::new(),
        method: IndexMethod::Search,
        kind: IndexKind::Manual,
        reason: "somebody asked for it".to_owned(),
    };
    request.services.indexer.create(request.principal.workspace, &dataset, new).await
}

async fn drop_index(context: &ResolverContext<'_>) -> Result<Arc<Dataset>> {
    let request = of_request(context)?;
    let dataset = dataset_named(request, &required(context, "dataset")?)?;
    let name = required(context, "name")?;
    request.services.indexer.drop_index(request.principal.workspace, &dataset, &name).await
}
