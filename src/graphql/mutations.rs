//! The catalog's mutations: jobs and indexes here, uploads in [`super::uploads`].
//!
//! Each checks its scope first, then hands over to the room that does the work.

use std::sync::Arc;

use async_graphql::dynamic::{
    Field, FieldFuture, FieldValue, InputValue, Object, ResolverContext, SchemaBuilder, TypeRef,
};
use serde_json::Value as Json;

use super::answer::to_field_error;
use super::catalog_types::{parse_job_id, type_ref};
use super::engine::RequestContext;
use super::{corrections, relations, trusted, uploads};
use crate::catalog::model::{Dataset, Index, Job, Scope};
use crate::error::{Code, Error, Result};

/// Registers `Mutation` and what belongs to it.
pub fn register(builder: SchemaBuilder) -> SchemaBuilder {
    uploads::register(builder).register(mutation())
}

fn mutation() -> Object {
    let mut object = Object::new("Mutation").description("All that can be changed.");
    for field in uploads::fields()
        .into_iter()
        .chain(corrections::fields())
        .chain(relations::mutations())
        .chain(trusted::mutations())
    {
        object = object.field(field);
    }
    object
        .field(
            Field::new("cancelJob", type_ref("Job!"), |context| {
                FieldFuture::new(async move {
                    let job = cancel(&context).await.map_err(to_field_error)?;
                    Ok(Some(FieldValue::owned_any(Arc::new(job))))
                })
            })
            .argument(InputValue::new("id", TypeRef::named_nn(TypeRef::ID)))
            .description("Ends a job; what it has published stays."),
        )
        .field(
            Field::new("createIndex", type_ref("Dataset!"), |context| {
                FieldFuture::new(async move {
                    let dataset = create_index(&context).await.map_err(to_field_error)?;
                    Ok(Some(FieldValue::owned_any(dataset)))
                })
            })
            .argument(InputValue::new("dataset", TypeRef::named_nn(TypeRef::STRING)))
            .argument(
                InputValue::new("columns", type_ref("[String!]!"))
                    .description("Field names: those compared by _eq first, then those sorted by."),
            )
            .description("Builds an index beside running queries; they use it at once."),
        )
        .field(
            Field::new("dropIndex", type_ref("Dataset!"), |context| {
                FieldFuture::new(async move {
                    let dataset = drop_index(&context).await.map_err(to_field_error)?;
                    Ok(Some(FieldValue::owned_any(dataset)))
                })
            })
            .argument(InputValue::new("dataset", TypeRef::named_nn(TypeRef::STRING)))
            .argument(InputValue::new("name", TypeRef::named_nn(TypeRef::STRING)))
            .description("Removes an index."),
        )
}

/// The request's context, once the principal has the scope.
pub(super) fn allowed<'c>(
    context: &'c ResolverContext<'_>,
    scope: Scope,
) -> Result<&'c RequestContext> {
    let request = context
        .data::<RequestContext>()
        .map_err(|_| Error::internal("a request without its context"))?;
    request.principal.require(scope)?;
    Ok(request)
}

pub(super) fn text(context: &ResolverContext<'_>, name: &str) -> Result<Option<String>> {
    match context.args.get(name).filter(|value| !value.is_null()) {
        Some(value) => value
            .string()
            .map(|text| Some(text.to_owned()))
            .map_err(|_| Error::bad_input(format!("{name} must be a String."))),
        None => Ok(None),
    }
}

pub(super) fn required(context: &ResolverContext<'_>, name: &str) -> Result<String> {
    text(context, name)?.ok_or_else(|| Error::bad_input(format!("{name} is missing.")))
}

async fn cancel(context: &ResolverContext<'_>) -> Result<Job> {
    let request = allowed(context, Scope::Upload)?;
    let id = required(context, "id")?;
    let id = parse_job_id(&id).ok_or_else(|| Error::not_found("There is no such job."))?;
    request.services.ingest.cancel(request.principal.workspace, id).await
}

pub(super) fn dataset_named(request: &RequestContext, name: &str) -> Result<Arc<Dataset>> {
    let snapshot = request.services.catalog.snapshot(request.principal.workspace);
    let found = snapshot.dataset(name).cloned();
    found.ok_or_else(|| Error::not_found(format!("There is no dataset named {name:?}.")))
}

async fn create_index(context: &ResolverContext<'_>) -> Result<Arc<Dataset>> {
    /// Columns of one index.
    const MAX_COLUMNS: usize = 8;
    let request = allowed(context, Scope::Admin)?;
    let dataset = dataset_named(request, &required(context, "dataset")?)?;
    let columns = context.args.try_get("columns").and_then(|columns| columns.deserialize::<Json>());
    let columns: Vec<String> = columns
        .ok()
        .and_then(|columns| serde_json::from_value(columns).ok())
        .ok_or_else(|| Error::bad_input("columns must be a list of field names."))?;
    if columns.is_empty() || columns.len() > MAX_COLUMNS {
        return Err(Error::bad_input(format!("columns must name 1 to {MAX_COLUMNS} fields.")));
    }
    if dataset.indexes.iter().any(|index| index.columns == columns) {
        return Err(Error::new(Code::Conflict, "There is an index over these columns already."));
    }
    build_index(request, &dataset, columns, "MANUAL").await
}

/// Builds an index over these fields and writes it down.
pub(super) async fn build_index(
    request: &RequestContext,
    dataset: &Dataset,
    columns: Vec<String>,
    reason: &str,
) -> Result<Arc<Dataset>> {
    /// Indexes of one dataset.
    const MAX_INDEXES: usize = 16;
    if dataset.indexes.len() >= MAX_INDEXES {
        return Err(Error::new(
            Code::Conflict,
            format!("The dataset has {MAX_INDEXES} indexes, the limit. Drop one first."),
        ));
    }
    let mut physical = Vec::with_capacity(columns.len());
    for name in &columns {
        let column = dataset
            .column(name)
            .ok_or_else(|| Error::bad_input(format!("{} has no column {name:?}.", dataset.name)))?;
        physical.push(column.physical.clone());
    }
    let name = format!("i_{}", physical.join("_").trim_start_matches('_'));
    request
        .services
        .store
        .create_index(&dataset.storage, &name, &physical)
        .await
        .map_err(Error::from)?;
    let mut indexes = dataset.indexes.clone();
    indexes.push(Index {
        name,
        columns,
        reason: reason.to_owned(),
        built_at_us: crate::catalog::now_us(),
    });
    let workspace = request.principal.workspace;
    Ok(request.services.catalog.set_indexes(workspace, dataset.id, indexes).await?)
}

async fn drop_index(context: &ResolverContext<'_>) -> Result<Arc<Dataset>> {
    let request = allowed(context, Scope::Admin)?;
    let dataset = dataset_named(request, &required(context, "dataset")?)?;
    let name = required(context, "name")?;
    if !dataset.indexes.iter().any(|index| index.name == name) {
        return Err(Error::not_found(format!("{} has no index named {name:?}.", dataset.name)));
    }
    request.services.store.drop_index(&dataset.storage, &name).await.map_err(Error::from)?;
    let indexes = dataset.indexes.iter().filter(|index| index.name != name).cloned().collect();
    let workspace = request.principal.workspace;
    Ok(request.services.catalog.set_indexes(workspace, dataset.id, indexes).await?)
}
