//! Makes the GraphQL types of a dataset's mutations, named as Hasura's graphql-default convention
//! names them.
//!
//! As with queries, resolvers here answer nothing: the writer carries the fields out. What a
//! principal may not do, or not write, is not there.

use async_graphql::dynamic::{
    Enum, EnumItem, Field, FieldFuture, FieldValue, InputObject, InputValue, Object, SchemaBuilder,
    TypeRef,
};
use sluice_schema::{ColumnType, naming};

use super::types::{graphql_type, no_rows};
use crate::catalog::access::Operation;
use crate::catalog::model::{Column, Dataset};
use crate::catalog::snapshot::Snapshot;
use crate::write::columns::{constraint_name, is_number, is_written};

/// The mutations of a dataset that the snapshot lets its principal use, under the names that it
/// had before, too.
pub(super) fn fields(dataset: &Dataset, snapshot: &Snapshot) -> Vec<Field> {
    let mut fields = fields_called(&dataset.type_name, dataset, snapshot);
    for old_name in &dataset.old_names {
        let reason = format!("renamed to {}", dataset.name);
        let old = fields_called(&naming::type_name(old_name), dataset, snapshot);
        fields.extend(old.into_iter().map(|field| field.deprecation(Some(&reason))));
    }
    fields
}

/// The mutations with this in the place of the type's name.
fn fields_called(called: &str, dataset: &Dataset, snapshot: &Snapshot) -> Vec<Field> {
    let name = &dataset.type_name;
    let label = &dataset.label;
    let has = Inputs::of(dataset, snapshot);
    let response = || TypeRef::named(format!("{name}MutationResponse"));
    let mut fields = Vec::new();
    if has.insert {
        let insert = TypeRef::named_nn(format!("{name}InsertInput"));
        let many = TypeRef::named_nn_list_nn(format!("{name}InsertInput"));
        for (field_name, returned, argument, argument_type, what) in [
            (format!("insert{called}"), response(), "objects", many, "Adds rows to"),
            (format!("insert{called}One"), TypeRef::named(name), "object", insert, "Adds a row to"),
        ] {
            let mut field = guarded(Field::new(field_name, returned, nothing))
                .argument(InputValue::new(argument, argument_type))
                .description(format!("{what} \"{label}\", all or none."));
            if constraint_name(dataset).is_some() {
                field = field.argument(
                    InputValue::new("onConflict", TypeRef::named(format!("{name}OnConflict")))
                        .description(
                            "What to do where the key is there already; else that is an error.",
                        ),
                );
            }
            fields.push(field);
        }
    }
    if has.update {
        let update = bounded(guarded(Field::new(format!("update{called}"), response(), nothing)))
            .argument(filter(name))
            .description(format!("Changes the rows of \"{label}\" that fit, all or none."));
        fields.push(has.changes(name, update));
        let by_key =
            guarded(Field::new(format!("update{called}ByPk"), TypeRef::named(name), nothing))
                .argument(InputValue::new(
                    "pkColumns",
                    TypeRef::named_nn(format!("{name}PkColumnsInput")),
                ))
                .description(format!("Changes the row of \"{label}\" with this key."));
        fields.push(has.changes(name, by_key));
        let list = TypeRef::named_list(format!("{name}MutationResponse"));
        fields.push(
            guarded(Field::new(format!("update{called}Many"), list, nothing))
                .argument(InputValue::new(
                    "updates",
                    TypeRef::named_nn_list_nn(format!("{name}Updates")),
                ))
                .description(format!(
                    "Changes rows of \"{label}\", one update after the other, all or none."
                )),
        );
    }
    if has.delete {
        fields.push(
            bounded(guarded(Field::new(format!("delete{called}"), response(), nothing)))
                .argument(filter(name))
                .description(format!("Removes the rows of \"{label}\" that fit, all or none.")),
        );
        if let Some(key) = dataset.columns.get(dataset.key) {
            let key_type = TypeRef::named_nn(graphql_type(key.column_type));
            let field = Field::new(format!("delete{called}ByPk"), TypeRef::named(name), nothing);
            fields.push(
                guarded(field)
                    .argument(InputValue::new(&key.name, key_type))
                    .description(format!("Removes the row of \"{label}\" with this key.")),
            );
        }
    }
    fields
}

/// Registers the types of a dataset's mutations.
pub(super) fn register(
    mut builder: SchemaBuilder,
    dataset: &Dataset,
    snapshot: &Snapshot,
) -> SchemaBuilder {
    let name = &dataset.type_name;
    let has = Inputs::of(dataset, snapshot);
    let written = || dataset.columns.iter().filter(|it| is_written(snapshot, dataset, it));
    if !(has.insert || has.update || has.delete) {
        return builder;
    }
    builder = builder.register(
        Object::new(format!("{name}MutationResponse"))
            .description("What a mutation did.")
            .field(
                Field::new("affectedRows", TypeRef::named_nn(TypeRef::INT), |_| {
                    FieldFuture::from_value(Some(0.into()))
                })
                .description("Rows that were added, changed or removed."),
            )
            .field(
                Field::new("returning", TypeRef::named_nn_list_nn(name), |_| no_rows())
                    .description("Those of them that may be seen, as they are then; removed ones as they were."),
            ),
    );
    if has.insert {
        let mut insert = InputObject::new(format!("{name}InsertInput"))
            .description(format!("A row to be added to \"{}\".", dataset.label));
        for column in written() {
            insert = insert.field(value(column));
        }
        builder = builder.register(insert);
        if let Some(constraint) = constraint_name(dataset) {
            let update_columns = TypeRef::named_nn_list(format!("{name}UpdateColumn"));
            builder = builder
                .register(
                    Enum::new(format!("{name}Constraint"))
                        .description("What rows may not share.")
                        .item(EnumItem::new(constraint).description("The key.")),
                )
                .register(
                    InputObject::new(format!("{name}OnConflict"))
                        .description("What to do with a new row whose key is there already.")
                        .field(InputValue::new(
                            "constraint",
                            TypeRef::named_nn(format!("{name}Constraint")),
                        ))
                        .field(
                            InputValue::new("updateColumns", non_null(update_columns)).description(
                                "Columns that get the new values; none leaves the row as it is.",
                            ),
                        )
                        .field(
                            InputValue::new("where", TypeRef::named(format!("{name}BoolExp")))
                                .description("Rows that do not fit are left as they are."),
                        ),
                );
            let mut columns = Enum::new(format!("{name}UpdateColumn"))
                .description("The columns that can be written.");
            for column in written() {
                columns = columns.item(EnumItem::new(naming::enum_name(&column.name)));
            }
            builder = builder.register(columns);
        }
    }
    if has.update {
        builder = register_update(builder, dataset, &has, &written().collect::<Vec<_>>());
    }
    builder
}

fn register_update(
    mut builder: SchemaBuilder,
    dataset: &Dataset,
    has: &Inputs,
    written: &[&Column],
) -> SchemaBuilder {
    let name = &dataset.type_name;
    let mut set = InputObject::new(format!("{name}SetInput")).description("New values.");
    let mut inc = InputObject::new(format!("{name}IncInput"))
        .description("Numbers that are added to those that are there.");
    for column in written {
        set = set.field(value(column));
        if is_number(column.column_type) {
            inc = inc.field(value(column));
        }
    }
    builder = builder.register(set);
    if has.numbers {
        builder = builder.register(inc);
    }
    if has.json {
        for (stem, value_type, what) in [
            ("AppendInput", "JSON", "JSON that is put behind, or into, what is there."),
            ("PrependInput", "JSON", "JSON that is put before, or into, what is there."),
            ("DeleteKeyInput", TypeRef::STRING, "Keys that are taken out of objects."),
        ] {
            let mut input = InputObject::new(format!("{name}{stem}")).description(what);
            for column in written.iter().filter(|it| it.column_type == ColumnType::Json) {
                input = input.field(InputValue::new(&column.name, TypeRef::named(value_type)));
            }
            builder = builder.register(input);
        }
    }
    if let Some(key) = dataset.columns.get(dataset.key) {
        builder = builder.register(
            InputObject::new(format!("{name}PkColumnsInput"))
                .description("The key of a row.")
                .field(InputValue::new(
                    &key.name,
                    TypeRef::named_nn(graphql_type(key.column_type)),
                )),
        );
    }
    let mut updates = InputObject::new(format!("{name}Updates"))
        .description("A change, and the rows that it is for.")
        .field(filter(name))
        .field(all())
        .field(at_most());
    for (argument, input) in has.change_inputs() {
        updates =
            updates.field(InputValue::new(argument, TypeRef::named(format!("{name}{input}"))));
    }
    builder.register(updates)
}

/// Which inputs a dataset has.
struct Inputs {
    insert: bool,
    update: bool,
    delete: bool,
    numbers: bool,
    json: bool,
}

impl Inputs {
    fn of(dataset: &Dataset, snapshot: &Snapshot) -> Inputs {
        let written = || dataset.columns.iter().filter(|it| is_written(snapshot, dataset, it));
        let has_any = written().next().is_some();
        Inputs {
            insert: has_any && snapshot.may(dataset.id, Operation::Insert),
            update: has_any && snapshot.may(dataset.id, Operation::Update),
            delete: snapshot.may(dataset.id, Operation::Delete),
            numbers: written().any(|it| is_number(it.column_type)),
            json: written().any(|it| it.column_type == ColumnType::Json),
        }
    }

    /// The arguments that change columns, and what their types end in.
    fn change_inputs(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        let (numbers, json) = (self.numbers, self.json);
        [
            ("_set", "SetInput", true),
            ("_inc", "IncInput", numbers),
            ("_append", "AppendInput", json),
            ("_prepend", "PrependInput", json),
            ("_deleteKey", "DeleteKeyInput", json),
        ]
        .into_iter()
        .filter(|(.., is_there)| *is_there)
        .map(|(argument, input, _)| (argument, input))
    }

    fn changes(&self, name: &str, mut field: Field) -> Field {
        for (argument, input) in self.change_inputs() {
            field =
                field.argument(InputValue::new(argument, TypeRef::named(format!("{name}{input}"))));
        }
        field
    }
}

fn nothing<'a>(_: async_graphql::dynamic::ResolverContext<'a>) -> FieldFuture<'a> {
    FieldFuture::Value(None::<FieldValue<'a>>)
}

fn value(column: &Column) -> InputValue {
    let input = InputValue::new(&column.name, TypeRef::named(graphql_type(column.column_type)));
    match &column.description {
        Some(description) => input.description(description),
        None => input,
    }
}

fn filter(name: &str) -> InputValue {
    InputValue::new("where", TypeRef::named_nn(format!("{name}BoolExp")))
        .description("The rows that are meant.")
}

fn all() -> InputValue {
    InputValue::new("all", TypeRef::named(TypeRef::BOOLEAN))
        .description("Says that a filter which asks for nothing means all rows.")
}

fn at_most() -> InputValue {
    InputValue::new("atMost", TypeRef::named(TypeRef::INT)).description(
        "If more rows are meant, nothing is done; the server has a default and a maximum.",
    )
}

fn bounded(field: Field) -> Field {
    field.argument(all()).argument(at_most())
}

/// Adds what makes a mutation safe beside others, and to send again.
fn guarded(field: Field) -> Field {
    field
        .argument(
            InputValue::new("ifVersion", TypeRef::named(TypeRef::INT)).description(
                "The dataset's version that was looked at: if there is another by now, nothing is done.",
            ),
        )
        .argument(
            InputValue::new("requestId", TypeRef::named(TypeRef::STRING)).description(
                "An id of the caller's for the whole mutation: sent again within a day, it is answered as before and not carried out twice.",
            ),
        )
}

fn non_null(list: TypeRef) -> TypeRef {
    TypeRef::NonNull(Box::new(list))
}
