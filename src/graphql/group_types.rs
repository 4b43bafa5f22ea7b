//! Makes the GraphQL types of groups: `ordersGroupBy`, its keys, what groups must hold, their order.
//!
//! The aggregates of a group are of the types that the aggregate of a list has. Resolvers answer
//! nothing, as everywhere in the data's types.

use async_graphql::dynamic::{
    Enum, EnumItem, Field, FieldFuture, InputObject, InputValue, Object, ResolverContext,
    SchemaBuilder, TypeRef,
};
use sluice_schema::ColumnType;

use super::types::{comparison_name, graphql_type, no_rows, search_argument};
use crate::catalog::model::{Column, Dataset};
use crate::query::aggregate::{FUNCTIONS, Function, result_type};

/// The periods to which dates are truncated.
const PERIODS: [(&str, &str); 6] = [
    ("HOUR", "Of date-times only."),
    ("DAY", "Midnight."),
    ("WEEK", "Monday (ISO 8601)."),
    ("MONTH", "The first of the month."),
    ("QUARTER", "The first of January, April, July or October."),
    ("YEAR", "The first of January."),
];

/// The type that all datasets share.
pub(super) fn register_shared(builder: SchemaBuilder) -> SchemaBuilder {
    let mut periods = Enum::new("DateTruncate")
        .description("What a date is truncated to: the first day or instant of its period.");
    for (name, description) in PERIODS {
        periods = periods.item(EnumItem::new(name).description(description));
    }
    builder.register(periods)
}

/// `ordersGroupBy`
pub(super) fn query_field(dataset: &Dataset) -> Field {
    let name = &dataset.type_name;
    let field = Field::new(
        format!("{}GroupBy", dataset.name),
        TypeRef::named_nn_list_nn(format!("{name}Group")),
        |_| no_rows(),
    );
    search_argument(field, dataset, "It only filters.")
        .description(format!(
            "Rows of \"{}\" in groups, in the order of their keys unless told otherwise.",
            dataset.label
        ))
        .argument(
            InputValue::new("by", TypeRef::named_nn_list_nn(format!("{name}GroupKey")))
                .description(
                    "What rows of a group have in common; at least one, each column once.",
                ),
        )
        .argument(
            InputValue::new("where", TypeRef::named(format!("{name}BoolExp")))
                .description("Only rows for which this holds."),
        )
        .argument(
            InputValue::new("having", TypeRef::named(format!("{name}HavingExp")))
                .description("Only groups for which this holds."),
        )
        .argument(
            InputValue::new("orderBy", TypeRef::named_nn_list(format!("{name}GroupOrderBy")))
                .description(
                    "The order of groups, first key first; ties come in the order of the keys.",
                ),
        )
        .argument(
            InputValue::new("limit", TypeRef::named(TypeRef::INT))
                .description("At most so many groups; the server has a default and a maximum."),
        )
        .argument(
            InputValue::new("offset", TypeRef::named(TypeRef::INT))
                .description("So many groups are left out first."),
        )
}

fn nothing(_: ResolverContext<'_>) -> FieldFuture<'_> {
    FieldFuture::Value(None)
}

/// Registers the types of a dataset's groups.
pub(super) fn register(builder: SchemaBuilder, dataset: &Dataset) -> SchemaBuilder {
    let name = &dataset.type_name;
    let key = InputObject::new(format!("{name}GroupKey"))
        .description("A column whose values make groups.")
        .field(InputValue::new("column", TypeRef::named_nn(format!("{name}SelectColumn"))))
        .field(
            InputValue::new("truncate", TypeRef::named("DateTruncate"))
                .description("Dates: group by period. The key is its first day or instant."),
        )
        .field(InputValue::new("bin", TypeRef::named("Decimal")).description(
            "Numbers: group by bins of this width, from 0. The key is a bin's lower bound.",
        ));
    let group = Object::new(format!("{name}Group"))
        .description(format!("Rows of \"{}\" with the same keys.", dataset.label))
        .field(Field::new("keys", TypeRef::named_nn(format!("{name}GroupKeys")), nothing))
        .field(Field::new(
            "aggregate",
            TypeRef::named_nn(format!("{name}AggregateFields")),
            nothing,
        ));
    let mut keys = Object::new(format!("{name}GroupKeys")).description(
        "The keys of a group; null where the value is missing, and for columns that are no key.",
    );
    let mut keys_order = InputObject::new(format!("{name}GroupKeysOrderBy"))
        .description("Keys of an order; only those of the groups can be given.");
    let is_key = |column: &&Column| column.column_type != ColumnType::Json;
    for column in dataset.columns.iter().filter(is_key) {
        let output = TypeRef::named(graphql_type(column.column_type));
        keys = keys.field(Field::new(&column.name, output, nothing));
        keys_order = keys_order.field(InputValue::new(&column.name, TypeRef::named("OrderBy")));
    }
    let order = InputObject::new(format!("{name}GroupOrderBy"))
        .description("Keys of an order of groups; several of one object count in the order given.")
        .field(InputValue::new("keys", TypeRef::named(format!("{name}GroupKeysOrderBy"))))
        .field(InputValue::new("aggregate", TypeRef::named(format!("{name}AggregateOrderBy"))));
    let builder = builder.register(key).register(group).register(keys);
    register_having(builder.register(keys_order).register(order), dataset)
}

fn register_having(mut builder: SchemaBuilder, dataset: &Dataset) -> SchemaBuilder {
    let name = &dataset.type_name;
    let own = format!("{name}HavingExp");
    let mut having = InputObject::new(&own)
        .description("A condition on groups; all that is given must hold.")
        .field(InputValue::new("_and", TypeRef::named_nn_list(&own)))
        .field(InputValue::new("_or", TypeRef::named_nn_list(&own)))
        .field(InputValue::new("_not", TypeRef::named(&own)))
        .field(InputValue::new("count", TypeRef::named(format!("{name}HavingCount"))));
    builder = builder.register(
        InputObject::new(format!("{name}HavingCount"))
            .description("A condition on the number of a group's rows.")
            .field(
                InputValue::new("columns", TypeRef::named_nn_list(format!("{name}SelectColumn")))
                    .description("Count rows in which all of these have a value."),
            )
            .field(
                InputValue::new("distinct", TypeRef::named(TypeRef::BOOLEAN))
                    .description("Count different values only."),
            )
            .field(
                InputValue::new("predicate", TypeRef::named_nn(comparison_name(ColumnType::Int)))
                    .description("What must hold for the number."),
            ),
    );
    for function in Function::stems() {
        let stem = function.type_stem();
        let type_name = format!("{name}Having{stem}");
        let mut object = InputObject::new(&type_name);
        let mut is_empty = true;
        for column in dataset.columns.iter() {
            let Some(answer) = result_type(function, column) else { continue };
            is_empty = false;
            let operand = TypeRef::named(comparison_name(answer));
            object = object.field(InputValue::new(&column.name, operand));
        }
        if is_empty {
            continue;
        }
        builder = builder.register(object);
        for (function_name, _) in FUNCTIONS.iter().filter(|(_, of)| of.type_stem() == stem) {
            having = having.field(InputValue::new(*function_name, TypeRef::named(&type_name)));
        }
    }
    builder.register(having)
}
