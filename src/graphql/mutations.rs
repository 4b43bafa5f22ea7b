//! The catalog's mutations: jobs here, others in files of their own.
//!
//! Who may do it was settled before ([`crate::auth::scopes`]); each hands over to the room that does
//! the work.

use std::sync::Arc;

use async_graphql::dynamic::{
    FieldFuture, FieldValue, InputValue, Object, ResolverContext, SchemaBuilder, TypeRef,
};

use super::answer::to_field_error;
use super::catalog_types::{parse_job_id, type_ref};
use super::engine::RequestContext;
use super::root_field::{RootField, add_fields};
use super::{
    access_fields, corrections, definitions, export_job, history, indexes, relations,
    saved_queries, trusted, uploads, webhooks, workspaces,
};
use crate::catalog::model::{Dataset, Job, Scope};
use crate::error::{Code, Error, Result};

/// What this scope may change; `None` for nothing.
pub(super) fn root(scope: Scope) -> Option<Object> {
    let fields = uploads::fields()
        .into_iter()
        .chain(corrections::fields())
        .chain(definitions::fields())
        .chain(relations::mutations())
        .chain(indexes::mutations())
        .chain(trusted::mutations())
        .chain(access_fields::mutations())
        .chain(workspaces::mutations())
        .chain(webhooks::mutations())
        .chain(saved_queries::mutations())
        .chain(history::mutations())
        .chain([cancel_field(), export_job::field()]);
    let (object, has_any) = add_fields("Mutation", object(), fields, scope);
    has_any.then_some(object)
}

/// `Mutation`, with nothing in it yet.
pub(super) fn object() -> Object {
    Object::new("Mutation").description("All that can be changed.")
}

/// Registers `Mutation` and what belongs to it.
pub(super) fn register(builder: SchemaBuilder, root: Option<Object>) -> SchemaBuilder {
    let builder = definitions::register(access_fields::register(uploads::register(builder)));
    let builder = export_job::register(builder);
    let builder = history::register(webhooks::register(saved_queries::register(builder)));
    match root {
        Some(root) => builder.register(root),
        None => builder,
    }
}

fn cancel_field() -> RootField {
    RootField::new("cancelJob", type_ref("Job!"), |context| {
        FieldFuture::new(async move {
            let job = cancel(&context).await.map_err(to_field_error)?;
            Ok(Some(FieldValue::owned_any(Arc::new(job))))
        })
    })
    .argument(InputValue::new("id", TypeRef::named_nn(TypeRef::ID)))
    .description("Ends a job; what it has published stays.")
}

/// The request that a field is resolved for.
pub(super) fn of_request<'c>(context: &'c ResolverContext<'_>) -> Result<&'c RequestContext> {
    context.data::<RequestContext>().map_err(|_| Error::internal("a request without its context"))
}

pub(super) fn text(context: &ResolverContext<'_>, name: &str) -> Result<Option<String>> {
    match context.args.get(name).filter(|value| !value.is_null()) {
        Some(value) => {
            let text = value.string();
            let text = text.map_err(|_| Error::bad_input(format!("{name} must be a String.")))?;
            refuse_nul(name, text)?;
            Ok(Some(text.to_owned()))
        }
        None => Ok(None),
    }
}

/// Refuses what PostgreSQL has no place for in a text; the embedded store answers the same.
pub(super) fn refuse_nul(name: &str, text: &str) -> Result<()> {
    if text.contains('\0') {
        return Err(Error::bad_input(format!(
            "{name} has the character U+0000 in it; leave it out."
        )));
    }
    Ok(())
}

pub(super) fn required(context: &ResolverContext<'_>, name: &str) -> Result<String> {
    text(context, name)?.ok_or_else(|| Error::bad_input(format!("{name} is missing.")))
}

async fn cancel(context: &ResolverContext<'_>) -> Result<Job> {
    let request = of_request(context)?;
    let id = job_of_request(request, &required(context, "id")?).await?.id;
    request.services.ingest.cancel(request.principal.workspace, id).await
}

/// A job that the principal may see.
pub(super) async fn job_of_request(request: &RequestContext, id: &str) -> Result<Job> {
    let unknown = || Error::not_found("There is no job with this id.");
    let id = parse_job_id(id).ok_or_else(unknown)?;
    let job = request.services.ingest.job(request.principal.workspace, id).await?;
    if request.sees_job(&job) { Ok(job) } else { Err(unknown()) }
}

/// A dataset that the principal sees whole: one of which it sees a part cannot be changed as a
/// whole.
pub(super) fn dataset_named(request: &RequestContext, name: &str) -> Result<Arc<Dataset>> {
    let snapshot = request.snapshot();
    let found = snapshot.dataset(name).cloned();
    let found =
        found.ok_or_else(|| Error::not_found(format!("There is no dataset named {name:?}.")))?;
    if snapshot.is_partial(found.id) {
        return Err(Error::new(
            Code::Forbidden,
            format!(
                "A policy shows only a part of {name:?} to this key, so that it cannot change the whole. Ask an admin."
            ),
        ));
    }
    Ok(found)
}
