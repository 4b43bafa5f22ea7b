//! The catalog's mutations: jobs here, others in files of their own.
//!
//! Each checks its scope first, then hands over to the room that does the work.

use std::sync::Arc;

use async_graphql::dynamic::{
    Field, FieldFuture, FieldValue, InputValue, Object, ResolverContext, SchemaBuilder, TypeRef,
};

use super::answer::to_field_error;
use super::catalog_types::{parse_job_id, type_ref};
use super::engine::RequestContext;
use super::{corrections, indexes, relations, trusted, uploads};
use crate::catalog::model::{Dataset, Job, Scope};
use crate::error::{Error, Result};

/// Registers `Mutation` and what belongs to it.
pub(super) fn register(builder: SchemaBuilder) -> SchemaBuilder {
    uploads::register(builder).register(mutation())
}

fn mutation() -> Object {
    let mut object = Object::new("Mutation").description("All that can be changed.");
    for field in uploads::fields()
        .into_iter()
        .chain(corrections::fields())
        .chain(relations::mutations())
        .chain(indexes::mutations())
        .chain(trusted::mutations())
    {
        object = object.field(field);
    }
    object.field(
        Field::new("cancelJob", type_ref("Job!"), |context| {
            FieldFuture::new(async move {
                let job = cancel(&context).await.map_err(to_field_error)?;
                Ok(Some(FieldValue::owned_any(Arc::new(job))))
            })
        })
        .argument(InputValue::new("id", TypeRef::named_nn(TypeRef::ID)))
        .description("Ends a job; what it has published stays."),
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
