//! The type `Subscription`, and the inputs of its streams.
//!
//! Fields of datasets take what the queries of the same name take. Resolvers answer nothing: see
//! the module above.

use async_graphql::dynamic::{
    Enum, EnumItem, FieldValue, InputObject, InputValue, SchemaBuilder, Subscription,
    SubscriptionField, SubscriptionFieldFuture, TypeRef,
};
use futures_util::stream;

use super::super::types::{graphql_type, list_inputs, where_input};
use crate::auth::scopes;
use crate::catalog::model::{Column, Dataset, Scope};
use crate::catalog::snapshot::Snapshot;
use crate::query::operators::operators;
use crate::query::plan::STREAM_SUFFIX;

/// The name of the type.
pub(in crate::graphql) const ROOT: &str = "Subscription";

/// The type with the catalog's fields that this scope may use.
pub(in crate::graphql) fn root(scope: Scope) -> Subscription {
    let fields = [
        field("job", TypeRef::named_nn("Job"))
            .argument(InputValue::new("id", TypeRef::named_nn(TypeRef::ID)))
            .description("The job of this id: now, as it goes on, and when it has ended."),
        field("datasetChanged", TypeRef::named_nn("Dataset"))
            .argument(InputValue::new("name", TypeRef::named_nn(TypeRef::STRING)))
            .description(
                "The dataset of this name at each new version from now on, not at the start. Of versions that follow each other at once, only the last may be sent. Ends when the dataset does.",
            ),
    ];
    let root = Subscription::new(ROOT).description(
        "What can be waited for, one field at a time: over WebSocket (graphql-transport-ws) or as text/event-stream.",
    );
    fields
        .into_iter()
        .zip(["job", "datasetChanged"])
        .filter(|(_, name)| scopes::of_root(ROOT, name) <= scope)
        .fold(root, |root, (field, _)| root.field(field))
}

/// The types that streams of all datasets share.
pub(in crate::graphql) fn register_shared(builder: SchemaBuilder) -> SchemaBuilder {
    builder.register(
        Enum::new("CursorOrdering")
            .description("In which direction a stream goes.")
            .item(EnumItem::new("ASC").description("Towards greater values."))
            .item(EnumItem::new("DESC").description("Towards smaller values.")),
    )
}

/// Adds the fields of a dataset, also under the names that it had before, and registers what they
/// take.
pub(in crate::graphql) fn add_dataset(
    mut builder: SchemaBuilder,
    mut root: Subscription,
    dataset: &Dataset,
    snapshot: &Snapshot,
) -> (SchemaBuilder, Subscription) {
    let is_list_only = snapshot.is_list_only(dataset.id);
    root = fields(dataset, is_list_only).into_iter().fold(root, Subscription::field);
    for old_name in &dataset.old_names {
        let mut before = dataset.clone();
        before.name.clone_from(old_name);
        let reason = format!("renamed to {}", dataset.name);
        for field in fields(&before, is_list_only) {
            root = root.field(field.deprecation(Some(&reason)));
        }
    }
    let mut cursors = cursor_columns(dataset).peekable();
    if cursors.peek().is_some() {
        let (input, value) = cursor_inputs(dataset);
        let values =
            InputObject::new(&value).description("The column of a cursor; give one of them.");
        builder = builder.register(cursors.fold(values, |values, column| {
            let value_type = TypeRef::named(graphql_type(column.column_type));
            values.field(InputValue::new(&column.name, value_type))
        }));
        let initial = InputValue::new("initialValue", TypeRef::named_nn(&value))
            .description("The value behind which rows are sent; null for all that have one.");
        let ordering = InputValue::new("ordering", TypeRef::named("CursorOrdering"))
            .description("ASC if it is not given.");
        builder = builder.register(
            InputObject::new(&input)
                .description("Where a stream begins, and in which direction it goes.")
                .field(initial)
                .field(ordering),
        );
    }
    (builder, root)
}

/// The fields of a dataset.
fn fields(dataset: &Dataset, is_list_only: bool) -> Vec<SubscriptionField> {
    let (name, type_name, label) = (&dataset.name, &dataset.type_name, &dataset.label);
    let with_list_inputs =
        |field| list_inputs(dataset).into_iter().fold(field, SubscriptionField::argument);
    let mut fields =
        vec![with_list_inputs(field(name, TypeRef::named_nn_list_nn(type_name))).description(
            format!("Rows of \"{label}\": now, and again when a new version changes the answer."),
        )];
    if let Some(key) = dataset.columns.get(dataset.key) {
        let key_type = TypeRef::named_nn(graphql_type(key.column_type));
        let by_key = field(&format!("{name}ByPk"), TypeRef::named(type_name))
            .argument(InputValue::new(&key.name, key_type));
        fields.push(by_key.description(format!(
            "The row of \"{label}\" with this key: now, and again when it changes."
        )));
    }
    if !is_list_only {
        let aggregate = TypeRef::named_nn(format!("{type_name}Aggregate"));
        let aggregate = with_list_inputs(field(&format!("{name}Aggregate"), aggregate));
        fields.push(aggregate.description(format!(
            "Aggregates over rows of \"{label}\": now, and again when a new version changes them."
        )));
    }
    if cursor_columns(dataset).next().is_some() {
        let cursor = TypeRef::named_nn_list_nn(cursor_inputs(dataset).0);
        let cursor = InputValue::new("cursor", cursor).description("Where it begins: one column.");
        let batch_size = InputValue::new("batchSize", TypeRef::named_nn(TypeRef::INT))
            .description("At most so many rows at once; the server has a maximum.");
        let stream = field(&format!("{name}{STREAM_SUFFIX}"), TypeRef::named_nn_list_nn(type_name))
            .argument(cursor)
            .argument(batch_size)
            .argument(where_input(dataset));
        fields.push(stream.description(format!(
            "Rows of \"{label}\" behind the cursor, in batches, and those that come there with new versions. Rows without a value in the cursor's column are left out."
        )));
    }
    fields
}

/// The names of a stream's cursor and of its values.
fn cursor_inputs(dataset: &Dataset) -> (String, String) {
    let name = &dataset.type_name;
    (format!("{name}StreamCursorInput"), format!("{name}StreamCursorValueInput"))
}

/// The columns that have an order.
pub(super) fn cursor_columns(dataset: &Dataset) -> impl Iterator<Item = &Column> {
    dataset
        .columns
        .iter()
        .filter(|column| operators(column.column_type).any(|(name, ..)| *name == "_gt"))
}

fn field(name: &str, answer: TypeRef) -> SubscriptionField {
    SubscriptionField::new(name, answer, |_| {
        SubscriptionFieldFuture::new(async { Ok(stream::empty::<Result<FieldValue<'_>, _>>()) })
    })
}
