//! Adds to a dataset's types what its relations bring: fields, filters and orders that lead to
//! other datasets.
//!
//! Named as Hasura names them: a list `orders` comes with `ordersAggregate`, in the object, the
//! filter (counts) and the order. Resolvers answer nothing, as everywhere in the data's types.

use async_graphql::dynamic::{
    Field, FieldFuture, InputObject, InputValue, Object, SchemaBuilder, TypeRef,
};

use super::connection_types;
use super::types::{comparison_name, list_arguments, no_rows};
use crate::catalog::model::Dataset;
use crate::catalog::snapshot::{AGGREGATE_SUFFIX, CONNECTION_SUFFIX, Link};
use crate::query::aggregate::{FUNCTIONS, Function, result_type};
use sluice_schema::ColumnType;

/// The object, the filter and the order of a dataset.
type Types = (Object, InputObject, InputObject);

/// Adds one link to the types of the dataset that it begins at.
pub(super) fn extend((object, filter, order): Types, link: &Link, other: &Dataset) -> Types {
    let (name, type_name) = (&link.name, &other.type_name);
    let condition = InputValue::new(name, TypeRef::named(format!("{type_name}BoolExp")));
    if !link.is_list {
        let field = Field::new(name, TypeRef::named(type_name), |_| FieldFuture::Value(None))
            .description(format!("The row of \"{}\" that it belongs to.", other.label));
        return (
            object.field(field),
            filter.field(condition.description(format!(
                "There is such a row of \"{}\", and this holds for it.",
                other.label
            ))),
            order.field(InputValue::new(name, TypeRef::named(format!("{type_name}OrderBy")))),
        );
    }
    let list = Field::new(name, TypeRef::named_nn_list_nn(type_name), |_| no_rows());
    let aggregate_name = format!("{name}{AGGREGATE_SUFFIX}");
    let aggregate =
        Field::new(&aggregate_name, TypeRef::named_nn(format!("{type_name}Aggregate")), |_| {
            FieldFuture::Value(None)
        });
    let object = object
        .field(
            list_arguments(list, other)
                .description(format!("The rows of \"{}\" that belong to it.", other.label)),
        )
        .field(connection_types::field(&format!("{name}{CONNECTION_SUFFIX}"), other).description(
            format!("The rows of \"{}\" that belong to it, page by page.", other.label),
        ));
    let filter = filter.field(condition.description(format!(
        "This holds for any of the rows of \"{}\" that belong to it.",
        other.label
    )));
    if !link.has_aggregate {
        return (object, filter, order);
    }
    let object = object.field(list_arguments(aggregate, other).description(format!(
        "Counts, sums and other aggregates over the rows of \"{}\" that belong to it.",
        other.label
    )));
    let filter = filter.field(InputValue::new(
        &aggregate_name,
        TypeRef::named(format!("{type_name}AggregateBoolExp")),
    ));
    let order = order.field(InputValue::new(
        &aggregate_name,
        TypeRef::named(format!("{type_name}AggregateOrderBy")),
    ));
    (object, filter, order)
}

/// Registers what links that lead to lists of a dataset's rows need.
pub(super) fn register(mut builder: SchemaBuilder, dataset: &Dataset) -> SchemaBuilder {
    let name = &dataset.type_name;
    let count = format!("{name}AggregateBoolExpCount");
    builder = builder
        .register(
            InputObject::new(format!("{name}AggregateBoolExp"))
                .description(format!("A condition on related rows of \"{}\".", dataset.label))
                .field(InputValue::new("count", TypeRef::named(&count))),
        )
        .register(
            InputObject::new(count)
                .description("A condition on the number of related rows.")
                .field(
                    InputValue::new(
                        "arguments",
                        TypeRef::named_nn_list(format!("{name}SelectColumn")),
                    )
                    .description("Count rows in which all of these have a value."),
                )
                .field(
                    InputValue::new("distinct", TypeRef::named(TypeRef::BOOLEAN))
                        .description("Count different values only."),
                )
                .field(
                    InputValue::new("filter", TypeRef::named(format!("{name}BoolExp")))
                        .description("Count only rows for which this holds."),
                )
                .field(
                    InputValue::new(
                        "predicate",
                        TypeRef::named_nn(comparison_name(ColumnType::Int)),
                    )
                    .description("What must hold for the number."),
                ),
        );
    let mut order = InputObject::new(format!("{name}AggregateOrderBy"))
        .description(format!("Keys of an order by several rows of \"{}\".", dataset.label))
        .field(InputValue::new("count", TypeRef::named("OrderBy")));
    for function in Function::stems() {
        let stem = function.type_stem();
        let type_name = format!("{name}{stem}OrderBy");
        let mut keys = InputObject::new(&type_name);
        let mut is_empty = true;
        for column in
            dataset.columns.iter().filter(|column| result_type(function, column).is_some())
        {
            is_empty = false;
            keys = keys.field(InputValue::new(&column.name, TypeRef::named("OrderBy")));
        }
        if is_empty {
            continue;
        }
        builder = builder.register(keys);
        for (function_name, _) in FUNCTIONS.iter().filter(|(_, of)| of.type_stem() == stem) {
            order = order.field(InputValue::new(*function_name, TypeRef::named(&type_name)));
        }
    }
    builder.register(order)
}
