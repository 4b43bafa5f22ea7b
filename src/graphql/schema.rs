//! Puts types together into schemas: a small one for the datasets that a document names, the
//! whole one for introspection.
//!
//! Both are kept as long as the catalog's schema revision stands. Building costs about half a
//! millisecond per dataset, which is why validation never waits for the whole.

use std::sync::Arc;

use async_graphql::dynamic::{Object, Schema, SchemaError};
use async_graphql::extensions::{Extension, ExtensionContext, ExtensionFactory, NextExecute};
use async_graphql::{Response, Value};

use super::root_field::add_fields;
use super::{catalog_types, connection_types, mutations, subscriptions, types, write_types};
use crate::catalog::model::{Dataset, Scope};
use crate::catalog::snapshot::Snapshot;

/// In a request's data: validate, but run nothing.
pub struct ValidateOnly;

/// Ends requests after validation when they ask for no more.
struct StopAfterValidation;

impl ExtensionFactory for StopAfterValidation {
    fn create(&self) -> Arc<dyn Extension> {
        Arc::new(StopAfterValidation)
    }
}

#[async_graphql::async_trait::async_trait]
impl Extension for StopAfterValidation {
    async fn execute(
        &self,
        context: &ExtensionContext<'_>,
        operation_name: Option<&str>,
        next: NextExecute<'_>,
    ) -> Response {
        if context.data_opt::<ValidateOnly>().is_some() {
            return Response::new(Value::Null);
        }
        next.run(context, operation_name).await
    }
}

/// A schema of the catalog and these datasets, among which are all that they are linked with, for
/// principals of this scope.
/// With `suggests`, errors name what is near a wrong name.
///
/// # Errors
/// When names collide or are illegal, which the naming of datasets and columns excludes.
pub fn build<'d>(
    datasets: impl IntoIterator<Item = &'d Arc<Dataset>>,
    snapshot: &Snapshot,
    scope: Scope,
    suggests: bool,
) -> Result<Schema, SchemaError> {
    let mut query = Object::new("Query").description("All that can be read.");
    let datasets: Vec<&Arc<Dataset>> = datasets.into_iter().collect();
    let mut root = mutations::root(scope);
    if scope >= Scope::Write {
        let fields = datasets.iter().flat_map(|dataset| write_types::fields(dataset, snapshot));
        for field in fields {
            root = Some(root.unwrap_or_else(mutations::object).field(field));
        }
    }
    let mut subscription = subscriptions::types::root(scope);
    let mutation = root.as_ref().map(|_| "Mutation");
    let mut builder = Schema::build("Query", mutation, Some(subscriptions::types::ROOT))
        .enable_uploading()
        .limit_recursive_depth(256)
        .extension(StopAfterValidation);
    if !suggests {
        builder = builder.disable_suggestions();
    }
    builder = types::register_shared(builder);
    builder = subscriptions::types::register_shared(builder);
    builder = catalog_types::register(builder, scope);
    builder = mutations::register(builder, root);
    for dataset in datasets {
        builder = types::register_dataset(builder, dataset, snapshot);
        if scope >= Scope::Write {
            builder = write_types::register(builder, dataset, snapshot);
        }
        for field in types::query_fields(dataset, snapshot.is_list_only(dataset.id)) {
            query = query.field(field);
        }
        for field in types::old_query_fields(dataset, snapshot.is_list_only(dataset.id)) {
            query = query.field(field);
        }
        (builder, subscription) =
            subscriptions::types::add_dataset(builder, subscription, dataset, snapshot);
    }
    query = query.field(connection_types::node_field());
    (query, _) = add_fields("Query", query, catalog_types::query_fields(), scope);
    builder.register(query).register(subscription).finish()
}
