//! A field of `Query` or `Mutation` that is shown to those who may use it.

use async_graphql::dynamic::{Field, FieldFuture, InputValue, Object, ResolverContext, TypeRef};

use crate::auth::scopes;
use crate::catalog::model::Scope;

/// A field of a root of the schema.
pub(super) struct RootField {
    name: &'static str,
    field: Field,
}

impl RootField {
    /// As [`Field::new`].
    pub(super) fn new(
        name: &'static str,
        field_type: impl Into<TypeRef>,
        resolve: impl for<'a> Fn(ResolverContext<'a>) -> FieldFuture<'a> + Send + Sync + 'static,
    ) -> RootField {
        RootField { name, field: Field::new(name, field_type, resolve) }
    }

    /// Adds an argument.
    pub(super) fn argument(self, argument: InputValue) -> RootField {
        RootField { field: self.field.argument(argument), ..self }
    }

    /// Says what it is for.
    pub(super) fn description(self, text: impl Into<String>) -> RootField {
        RootField { field: self.field.description(text), ..self }
    }
}

/// Adds those of the fields of a root that this scope may use; tells whether there is any.
pub(super) fn add_fields(
    parent: &str,
    mut object: Object,
    fields: impl IntoIterator<Item = RootField>,
    scope: Scope,
) -> (Object, bool) {
    let mut has_any = false;
    for root in fields {
        if scopes::of_root(parent, root.name) <= scope {
            object = object.field(root.field);
            has_any = true;
        }
    }
    (object, has_any)
}
