//! Makes the GraphQL types of Relay: `Node`, `PageInfo`, and a dataset's connection and edge.
//!
//! Resolvers answer nothing, as everywhere in the data's types. Cursors and node ids are opaque:
//! what they hold is the business of [`crate::store`].

use async_graphql::dynamic::{
    Field, FieldFuture, FieldValue, InputValue, Interface, InterfaceField, Object, SchemaBuilder,
    TypeRef,
};

use super::types::{no_rows, search_argument};
use crate::catalog::model::Dataset;
use crate::query::node::{NODE_FIELD, NODE_ID_FIELD, NODE_TYPE};

/// The types that every schema has.
pub(super) fn register_shared(builder: SchemaBuilder) -> SchemaBuilder {
    let truth = |name: &str, description: &str| {
        Field::new(name, TypeRef::named_nn(TypeRef::BOOLEAN), |_| {
            FieldFuture::from_value(Some(false.into()))
        })
        .description(description)
    };
    let cursor = |name: &str, description: &str| {
        Field::new(name, TypeRef::named(TypeRef::STRING), |_| FieldFuture::Value(None))
            .description(description)
    };
    builder
        .register(Interface::new(NODE_TYPE).description("A row of any dataset.").field(
            InterfaceField::new(NODE_ID_FIELD, TypeRef::named_nn(TypeRef::ID)).description(NODE_ID),
        ))
        .register(
            Object::new("PageInfo")
                .description("Where a page stands among its rows.")
                .field(truth(
                    "hasNextPage",
                    "Whether rows follow; true where the page ends before a cursor.",
                ))
                .field(truth(
                    "hasPreviousPage",
                    "Whether rows come before; true where the page begins after a cursor.",
                ))
                .field(cursor("startCursor", "The cursor of the page's first row, if it has any."))
                .field(cursor("endCursor", "The cursor of the page's last row, if it has any.")),
        )
}

const NODE_ID: &str =
    "What names the row among all rows of all datasets; the same from version to version.";

/// The root field that finds a row of any dataset.
pub(super) fn node_field() -> Field {
    Field::new(NODE_FIELD, TypeRef::named(NODE_TYPE), |_| FieldFuture::Value(None))
        .argument(InputValue::new(NODE_ID_FIELD, TypeRef::named_nn(TypeRef::ID)))
        .description("The row with this nodeId; null if there is none.")
}

/// Makes a dataset's type a `Node`.
pub(super) fn implement_node(object: Object) -> Object {
    object
        .field(
            Field::new(NODE_ID_FIELD, TypeRef::named_nn(TypeRef::ID), |_| FieldFuture::Value(None))
                .description(NODE_ID),
        )
        .implement(NODE_TYPE)
}

/// Registers the connection and the edge of a dataset.
pub(super) fn register(
    builder: SchemaBuilder,
    dataset: &Dataset,
    is_list_only: bool,
) -> SchemaBuilder {
    let name = &dataset.type_name;
    let edge = Object::new(format!("{name}Edge"))
        .description(format!("A row of \"{}\" in a connection.", dataset.label))
        .field(
            Field::new("cursor", TypeRef::named_nn(TypeRef::STRING), |_| FieldFuture::Value(None))
                .description("Where the row stands in the order; for after and before."),
        )
        .field(Field::new("node", TypeRef::named_nn(name), |_| FieldFuture::Value(None)));
    let connection = Object::new(format!("{name}Connection"))
        .description(format!("A page of rows of \"{}\".", dataset.label))
        .field(Field::new("edges", TypeRef::named_nn_list_nn(format!("{name}Edge")), |_| no_rows()))
        .field(Field::new("nodes", TypeRef::named_nn_list_nn(name), |_| no_rows()))
        .field(Field::new("pageInfo", TypeRef::named_nn("PageInfo"), |_| {
            FieldFuture::Value(Some(FieldValue::owned_any(())))
        }));
    let total = Field::new("totalCount", TypeRef::named_nn(TypeRef::INT), |_| {
        FieldFuture::from_value(Some(0.into()))
    })
    .description("All rows that fit, on whichever page; counted only when asked for.");
    let connection = if is_list_only { connection } else { connection.field(total) };
    builder.register(edge).register(connection)
}

/// A field that leads to a connection of a dataset.
pub(super) fn field(name: &str, dataset: &Dataset) -> Field {
    let type_name = &dataset.type_name;
    let number = |name: &str, description: &str| {
        InputValue::new(name, TypeRef::named(TypeRef::INT)).description(description)
    };
    let cursor = |name: &str, description: &str| {
        InputValue::new(name, TypeRef::named(TypeRef::STRING)).description(description)
    };
    let field = Field::new(name, TypeRef::named_nn(format!("{type_name}Connection")), |_| {
        FieldFuture::Value(Some(FieldValue::owned_any(())))
    });
    search_argument(field, dataset, "They come in the order of orderBy.")
        .argument(number(
            "first",
            "At most so many rows from the start; the server has a default and a maximum.",
        ))
        .argument(cursor("after", "Only rows behind the one with this cursor."))
        .argument(number("last", "At most so many rows from the end; not together with first."))
        .argument(cursor("before", "Only rows before the one with this cursor."))
        .argument(
            InputValue::new("where", TypeRef::named(format!("{type_name}BoolExp")))
                .description("Only rows for which this holds."),
        )
        .argument(
            InputValue::new("orderBy", TypeRef::named_nn_list(format!("{type_name}OrderBy")))
                .description("The order, first key first; ties come in file order."),
        )
        .argument(
            InputValue::new(
                "distinctOn",
                TypeRef::named_nn_list(format!("{type_name}SelectColumn")),
            )
            .description("Of rows that agree in these columns, only the first."),
        )
}
