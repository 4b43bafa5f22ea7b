//! Makes the GraphQL types of one dataset, named as Hasura's graphql-default convention names them.
//!
//! Field resolvers here answer nothing: data never passes through them. They exist so that
//! documents can be validated and introspected; [`crate::query::plan`] answers the fields.

use async_graphql::dynamic::{
    Enum, EnumItem, Field, FieldFuture, FieldValue, InputObject, InputValue, Object, Scalar,
    SchemaBuilder, TypeRef,
};
use sluice_schema::{ColumnType, naming};

use super::{connection_types, group_types, relation_types};
use crate::catalog::model::{Column, Dataset, ROW_COLUMN};
use crate::catalog::snapshot::{CONNECTION_SUFFIX, Snapshot};
use crate::query::aggregate::{FUNCTIONS, Function, result_type};
use crate::query::operators::{Operand, operators};
use crate::query::past::AS_OF;

/// The types that every schema has: scalars, comparisons, `OrderBy`.
pub fn register_shared(builder: SchemaBuilder) -> SchemaBuilder {
    let mut builder = builder.register(
        Enum::new("OrderBy")
            .description("A direction, and where missing values go.")
            .item(EnumItem::new("ASC").description("Ascending; missing values last."))
            .item(EnumItem::new("ASC_NULLS_FIRST").description("Ascending; missing values first."))
            .item(EnumItem::new("ASC_NULLS_LAST").description("Ascending; missing values last."))
            .item(EnumItem::new("DESC").description("Descending; missing values first."))
            .item(
                EnumItem::new("DESC_NULLS_FIRST").description("Descending; missing values first."),
            )
            .item(EnumItem::new("DESC_NULLS_LAST").description("Descending; missing values last.")),
    );
    builder = group_types::register_shared(builder);
    for (name, description) in SCALARS {
        builder = builder.register(Scalar::new(name).description(description));
    }
    for column_type in COLUMN_TYPES {
        builder = builder.register(comparison_type(column_type));
    }
    connection_types::register_shared(builder)
}

const SCALARS: [(&str, &str); 8] = [
    ("BigInt", "A whole number of 64 bits, written as a string so that no client rounds it."),
    ("Decimal", "An exact decimal, written as a string with the column's digits after the point."),
    ("Date", "A day: \"2024-01-31\" (ISO 8601)."),
    ("LocalTime", "A time of day without a zone: \"10:30:00\" (ISO 8601)."),
    ("LocalDateTime", "A day and time without a zone: \"2024-01-31T10:30:00\" (ISO 8601)."),
    ("DateTime", "An instant in UTC: \"2024-01-31T10:30:00Z\" (RFC 3339)."),
    ("UUID", "A universally unique identifier (RFC 9562)."),
    ("JSON", "Any JSON value."),
];

/// One of each type; the scale of decimals does not show in GraphQL.
const COLUMN_TYPES: [ColumnType; 12] = [
    ColumnType::Boolean,
    ColumnType::Int,
    ColumnType::BigInt,
    ColumnType::Decimal { precision: 18, scale: 0 },
    ColumnType::Float,
    ColumnType::Date,
    ColumnType::LocalTime,
    ColumnType::LocalDateTime,
    ColumnType::DateTime,
    ColumnType::Uuid,
    ColumnType::Json,
    ColumnType::String,
];

/// The GraphQL name of a column type.
pub fn graphql_type(column_type: ColumnType) -> &'static str {
    match column_type {
        ColumnType::Boolean => TypeRef::BOOLEAN,
        ColumnType::Int => TypeRef::INT,
        ColumnType::BigInt => "BigInt",
        ColumnType::Decimal { .. } => "Decimal",
        ColumnType::Float => TypeRef::FLOAT,
        ColumnType::Date => "Date",
        ColumnType::LocalTime => "LocalTime",
        ColumnType::LocalDateTime => "LocalDateTime",
        ColumnType::DateTime => "DateTime",
        ColumnType::Uuid => "UUID",
        ColumnType::Json => "JSON",
        ColumnType::String => TypeRef::STRING,
    }
}

/// The name of a column type's comparisons: `IntComparisonExp`.
pub fn comparison_name(column_type: ColumnType) -> String {
    format!("{}ComparisonExp", graphql_type(column_type))
}

fn comparison_type(column_type: ColumnType) -> InputObject {
    let operand = graphql_type(column_type);
    let mut object = InputObject::new(comparison_name(column_type))
        .description(format!("Comparisons of {operand} values; all that are given must hold."));
    for (name, operator, description) in operators(column_type) {
        let operand = match operator.operand() {
            Operand::Boolean => TypeRef::named(TypeRef::BOOLEAN),
            Operand::Values => TypeRef::named_nn_list(operand),
            Operand::Value => TypeRef::named(operand),
            Operand::Text => TypeRef::named(TypeRef::STRING),
            Operand::Texts => TypeRef::named_nn_list(TypeRef::STRING),
        };
        object = object.field(InputValue::new(*name, operand).description(*description));
    }
    object
}

/// The root query fields of a dataset.
pub fn query_fields(dataset: &Dataset, is_list_only: bool) -> Vec<Field> {
    let mut fields = vec![
        list_arguments(
            Field::new(&dataset.name, TypeRef::named_nn_list_nn(&dataset.type_name), |_| no_rows()),
            dataset,
        )
        .argument(as_of())
        .description(format!("Rows of \"{}\".", dataset.label)),
    ];
    if let Some(key) = dataset.columns.get(dataset.key) {
        let key_type = TypeRef::named_nn(graphql_type(key.column_type));
        let field =
            Field::new(format!("{}ByPk", dataset.name), TypeRef::named(&dataset.type_name), |_| {
                FieldFuture::Value(None)
            })
            .argument(InputValue::new(&key.name, key_type))
            .description(format!("The row of \"{}\" with this key.", dataset.label));
        fields.push(if key.name == AS_OF { field } else { field.argument(as_of()) });
    }
    if !is_list_only {
        fields.push(
        list_arguments(
            Field::new(
                format!("{}Aggregate", dataset.name),
                TypeRef::named_nn(format!("{}Aggregate", dataset.type_name)),
                |_| FieldFuture::Value(Some(FieldValue::owned_any(()))),
            ),
            dataset,
        )
        .argument(as_of())
        .description(format!(
            "Counts, sums and other aggregates over rows of \"{}\"; over all rows unless limit is given.",
            dataset.label
        )),
    );
        fields.push(group_types::query_field(dataset).argument(as_of()));
    }
    fields.push(
        connection_types::field(&format!("{}{CONNECTION_SUFFIX}", dataset.name), dataset)
            .argument(as_of())
            .description(format!(
                "Rows of \"{}\" page by page, by cursors (Relay).",
                dataset.label
            )),
    );
    fields
}

/// The argument that asks for an earlier version.
fn as_of() -> InputValue {
    InputValue::new(AS_OF, TypeRef::named(TypeRef::INT)).description(
        "Rows as they were in this version of the dataset, see datasetVersions; related rows are those of now.",
    )
}

/// The same under the names that the dataset had before.
pub fn old_query_fields(dataset: &Dataset, is_list_only: bool) -> Vec<Field> {
    let mut fields = Vec::new();
    for old_name in &dataset.old_names {
        let mut before = dataset.clone();
        before.name.clone_from(old_name);
        let reason = format!("renamed to {}", dataset.name);
        let of_name = query_fields(&before, is_list_only);
        fields.extend(of_name.into_iter().map(|field| field.deprecation(Some(&reason))));
    }
    fields
}

pub(super) fn no_rows<'a>() -> FieldFuture<'a> {
    FieldFuture::Value(Some(FieldValue::list(Vec::<FieldValue<'_>>::new())))
}

/// The argument `search`, where there are texts.
pub(super) fn search_argument(field: Field, dataset: &Dataset, order: &str) -> Field {
    search_input(dataset, order).into_iter().fold(field, Field::argument)
}

fn search_input(dataset: &Dataset, order: &str) -> Option<InputValue> {
    dataset.text_columns().next()?;
    Some(InputValue::new("search", TypeRef::named(TypeRef::STRING)).description(format!(
        "Only rows that have all these words in their texts, whatever the case and the accents; the last word may go on. {order}"
    )))
}

/// The arguments of a list, on a field that leads to rows of a dataset.
pub(super) fn list_arguments(field: Field, dataset: &Dataset) -> Field {
    list_inputs(dataset).into_iter().fold(field, Field::argument)
}

/// The argument `where` of a dataset.
pub(super) fn where_input(dataset: &Dataset) -> InputValue {
    InputValue::new("where", TypeRef::named(format!("{}BoolExp", dataset.type_name)))
        .description("Only rows for which this holds.")
}

/// The arguments of a list of a dataset.
pub(super) fn list_inputs(dataset: &Dataset) -> Vec<InputValue> {
    let name = &dataset.type_name;
    let search = search_input(dataset, "Without orderBy the best come first.");
    let others = [
        where_input(dataset),
        InputValue::new("orderBy", TypeRef::named_nn_list(format!("{name}OrderBy")))
            .description("The order, first key first; ties come in file order."),
        InputValue::new("distinctOn", TypeRef::named_nn_list(format!("{name}SelectColumn")))
            .description("Of rows that agree in these columns, only the first."),
        InputValue::new("limit", TypeRef::named(TypeRef::INT))
            .description("At most so many rows; the server has a default and a maximum."),
        InputValue::new("offset", TypeRef::named(TypeRef::INT))
            .description("So many rows are left out first."),
    ];
    search.into_iter().chain(others).collect()
}

/// Registers the types of a dataset; those of the datasets that it is linked with must be
/// registered, too.
pub fn register_dataset(
    mut builder: SchemaBuilder,
    dataset: &Dataset,
    snapshot: &Snapshot,
) -> SchemaBuilder {
    let name = &dataset.type_name;
    let mut object = Object::new(name).description(object_description(dataset));
    let mut filter = InputObject::new(format!("{name}BoolExp"))
        .description(format!(
            "A condition on rows of \"{}\"; all that is given must hold. Comparisons follow SQL: a missing value fits none but _isNull.",
            dataset.label
        ))
        .field(InputValue::new("_and", TypeRef::named_nn_list(format!("{name}BoolExp"))))
        .field(InputValue::new("_or", TypeRef::named_nn_list(format!("{name}BoolExp"))))
        .field(InputValue::new("_not", TypeRef::named(format!("{name}BoolExp"))));
    let mut order = InputObject::new(format!("{name}OrderBy"))
        .description("Keys of an order; several keys of one object count in the order given.");
    let mut columns =
        Enum::new(format!("{name}SelectColumn")).description("The columns, to be named.");
    for (position, column) in dataset.columns.iter().enumerate() {
        let type_name = graphql_type(column.column_type);
        let output = if position == dataset.key || !column.nullable {
            TypeRef::named_nn(type_name)
        } else {
            TypeRef::named(type_name)
        };
        object = object.field(
            Field::new(&column.name, output, |_| FieldFuture::Value(None))
                .description(column_description(column)),
        );
        filter = filter.field(InputValue::new(
            &column.name,
            TypeRef::named(comparison_name(column.column_type)),
        ));
        order = order.field(InputValue::new(&column.name, TypeRef::named("OrderBy")));
        columns = columns.item(EnumItem::new(naming::enum_name(&column.name)));
    }
    object = connection_types::implement_node(object);
    for link in snapshot.links(dataset.id) {
        let Some(other) = snapshot.dataset_by_id(link.other) else { continue };
        (object, filter, order) = relation_types::extend((object, filter, order), link, other);
    }
    builder = builder.register(object).register(filter).register(order).register(columns);
    builder = relation_types::register(builder, dataset);
    builder = group_types::register(builder, dataset);
    let is_list_only = snapshot.is_list_only(dataset.id);
    builder = connection_types::register(builder, dataset, is_list_only);
    register_aggregate(builder, dataset)
}

fn register_aggregate(mut builder: SchemaBuilder, dataset: &Dataset) -> SchemaBuilder {
    let name = &dataset.type_name;
    let mut fields = Object::new(format!("{name}AggregateFields")).field(
        Field::new("count", TypeRef::named_nn(TypeRef::INT), |_| {
            FieldFuture::from_value(Some(0.into()))
        })
        .argument(
            InputValue::new("columns", TypeRef::named_nn_list(format!("{name}SelectColumn")))
                .description("Count rows in which all of these have a value."),
        )
        .argument(
            InputValue::new("distinct", TypeRef::named(TypeRef::BOOLEAN))
                .description("Count different values only."),
        ),
    );
    for function in Function::stems() {
        let stem = function.type_stem();
        let type_name = format!("{name}{stem}Fields");
        let mut object = Object::new(&type_name);
        let mut is_empty = true;
        for column in dataset.columns.iter() {
            let Some(answer) = result_type(function, column) else { continue };
            is_empty = false;
            object = object.field(Field::new(
                &column.name,
                TypeRef::named(graphql_type(answer)),
                |_| FieldFuture::Value(None),
            ));
        }
        if is_empty {
            continue;
        }
        builder = builder.register(object);
        for (function_name, _) in FUNCTIONS.iter().filter(|(_, of)| of.type_stem() == stem) {
            fields = fields.field(Field::new(*function_name, TypeRef::named(&type_name), |_| {
                FieldFuture::Value(None)
            }));
        }
    }
    builder.register(fields).register(
        Object::new(format!("{name}Aggregate"))
            .field(Field::new(
                "aggregate",
                TypeRef::named(format!("{name}AggregateFields")),
                |_| FieldFuture::Value(None),
            ))
            .field(Field::new("nodes", TypeRef::named_nn_list_nn(name), |_| no_rows())),
    )
}

fn object_description(dataset: &Dataset) -> String {
    match &dataset.description {
        Some(description) => description.clone(),
        None => format!("A row of \"{}\".", dataset.label),
    }
}

fn column_description(column: &Column) -> String {
    if column.generated && column.physical != ROW_COLUMN {
        return column.evidence.reason.clone();
    }
    if column.generated {
        return "The row's number in file order, given by Sluice.".to_owned();
    }
    let mut text = match &column.description {
        Some(description) => format!("{description}\n\n"),
        None => String::new(),
    };
    text.push_str(&format!("\"{}\" ({}).", column.label, column.column_type.name()));
    if !column.evidence.reason.is_empty() {
        text.push(' ');
        text.push_str(&column.evidence.reason);
    }
    text
}
