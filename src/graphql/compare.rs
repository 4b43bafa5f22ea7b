//! Compares two schemas as clients feel the difference: what breaks them, and what does not.
//!
//! The rules are those of the GraphQL specification's type system: output may become more precise,
//! input more lenient, never the other way round.

use std::collections::BTreeMap;

use async_graphql_parser::parse_schema;
use async_graphql_parser::types::{
    FieldDefinition, InputValueDefinition, ServiceDocument, Type, TypeDefinition, TypeKind,
    TypeSystemDefinition,
};

/// A difference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Whether a client that worked may stop to work.
    pub is_breaking: bool,
    /// What it is, one sentence.
    pub text: String,
}

/// The differences from an old document to a new one, in the order of the types' names.
///
/// # Errors
/// A sentence when one of them is no schema.
pub fn compare(old: &str, new: &str) -> Result<Vec<Difference>, String> {
    let read = |text: &str, which: &str| {
        parse_schema(text).map_err(|error| format!("the {which} schema cannot be read: {error}"))
    };
    let (old, new) = (read(old, "old")?, read(new, "new")?);
    let (old, new) = (types(&old), types(&new));
    let mut found = Differences(Vec::new());
    for (name, before) in &old {
        match new.get(name) {
            None => found.breaks(format!("the type {name} is gone")),
            Some(now) => found.of_type(name, before, now),
        }
    }
    for name in new.keys().filter(|name| !old.contains_key(*name)) {
        found.adds(format!("the type {name} is new"));
    }
    Ok(found.0)
}

fn types(document: &ServiceDocument) -> BTreeMap<&str, &TypeDefinition> {
    let definitions = document.definitions.iter().filter_map(|definition| match definition {
        TypeSystemDefinition::Type(definition) => {
            Some((definition.node.name.node.as_str(), &definition.node))
        }
        _ => None,
    });
    definitions.collect()
}

struct Differences(Vec<Difference>);

impl Differences {
    fn breaks(&mut self, text: String) {
        self.0.push(Difference { is_breaking: true, text });
    }

    fn adds(&mut self, text: String) {
        self.0.push(Difference { is_breaking: false, text });
    }

    fn of_type(&mut self, name: &str, old: &TypeDefinition, new: &TypeDefinition) {
        match (&old.kind, &new.kind) {
            (TypeKind::Object(old), TypeKind::Object(new)) => {
                let fields = |list: &[_]| by_name(list, |it: &FieldDefinition| &it.name.node);
                self.of_fields(name, &fields(&inner(&old.fields)), &fields(&inner(&new.fields)));
            }
            (TypeKind::Interface(old), TypeKind::Interface(new)) => {
                let fields = |list: &[_]| by_name(list, |it: &FieldDefinition| &it.name.node);
                self.of_fields(name, &fields(&inner(&old.fields)), &fields(&inner(&new.fields)));
            }
            (TypeKind::InputObject(old), TypeKind::InputObject(new)) => {
                self.of_inputs(name, &inner(&old.fields), &inner(&new.fields));
            }
            (TypeKind::Enum(old), TypeKind::Enum(new)) => {
                let values = |list: &[async_graphql_parser::Positioned<
                    async_graphql_parser::types::EnumValueDefinition,
                >]| {
                    list.iter().map(|it| it.node.value.node.to_string()).collect::<Vec<String>>()
                };
                self.of_names(name, "value", &values(&old.values), &values(&new.values));
            }
            (TypeKind::Union(old), TypeKind::Union(new)) => {
                let members =
                    |list: &[async_graphql_parser::Positioned<async_graphql_value::Name>]| {
                        list.iter().map(|it| it.node.to_string()).collect::<Vec<String>>()
                    };
                self.of_names(name, "member", &members(&old.members), &members(&new.members));
            }
            (TypeKind::Scalar, TypeKind::Scalar) => {}
            _ => self.breaks(format!("{name} is another kind of type")),
        }
    }

    fn of_names(&mut self, name: &str, what: &str, old: &[String], new: &[String]) {
        for gone in old.iter().filter(|value| !new.contains(value)) {
            self.breaks(format!("{name} has lost the {what} {gone}"));
        }
        for added in new.iter().filter(|value| !old.contains(value)) {
            self.adds(format!("{name} has the new {what} {added}"));
        }
    }

    fn of_fields(
        &mut self,
        name: &str,
        old: &BTreeMap<&str, &FieldDefinition>,
        new: &BTreeMap<&str, &FieldDefinition>,
    ) {
        for (field, before) in old {
            let Some(now) = new.get(field) else {
                self.breaks(format!("{name}.{field} is gone"));
                continue;
            };
            let (was, is) = (&before.ty.node, &now.ty.node);
            if was != is {
                let text = format!("{name}.{field} was {was} and is {is}");
                if is_output_fit(was, is) { self.adds(text) } else { self.breaks(text) }
            }
            let place = format!("{name}.{field}");
            self.of_inputs(&place, &inner(&before.arguments), &inner(&now.arguments));
        }
        for field in new.keys().filter(|field| !old.contains_key(*field)) {
            self.adds(format!("{name}.{field} is new"));
        }
    }

    fn of_inputs(
        &mut self,
        place: &str,
        old: &[&InputValueDefinition],
        new: &[&InputValueDefinition],
    ) {
        let old = by_name(old, |it| &it.name.node);
        let new = by_name(new, |it| &it.name.node);
        for (name, before) in &old {
            let Some(now) = new.get(name) else {
                self.breaks(format!("{place} takes {name} no more"));
                continue;
            };
            let (was, is) = (&before.ty.node, &now.ty.node);
            if was != is {
                let text = format!("{name} of {place} was {was} and is {is}");
                // What clients send has to fit still.
                if is_output_fit(is, was) { self.adds(text) } else { self.breaks(text) }
            }
        }
        for (name, now) in new.iter().filter(|(name, _)| !old.contains_key(*name)) {
            if !now.ty.node.nullable && now.default_value.is_none() {
                self.breaks(format!("{place} needs {name} now"));
            } else {
                self.adds(format!("{place} takes {name}"));
            }
        }
    }
}

fn inner<T>(list: &[async_graphql_parser::Positioned<T>]) -> Vec<&T> {
    list.iter().map(|it| &it.node).collect()
}

fn by_name<'t, T>(
    list: &[&'t T],
    name: impl Fn(&'t T) -> &'t async_graphql_value::Name,
) -> BTreeMap<&'t str, &'t T> {
    list.iter().map(|it| (name(it).as_str(), *it)).collect()
}

/// Whether who expects `was` can read `is`: the same type, or one that is null less often.
fn is_output_fit(was: &Type, is: &Type) -> bool {
    use async_graphql_parser::types::BaseType::{List, Named};
    let is_less_null = was.nullable || !is.nullable;
    is_less_null
        && match (&was.base, &is.base) {
            (Named(was), Named(is)) => was == is,
            (List(was), List(is)) => is_output_fit(was, is),
            _ => false,
        }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_break_when_they_get_less_or_must_give_more() {
        let old = "type Query { a(x: Int): Int! b: String c: [Int!] } enum E { ONE TWO } \
                   input I { p: Int q: Int! } type Gone { x: Int } union U = Query";
        let check = |from: &str, to: &str, is_breaking: bool, word: &str| {
            let new = old.replacen(from, to, 1);
            assert_ne!(new, old, "{from}");
            let found = compare(old, &new).unwrap_or_default();
            assert_eq!(found.len(), 1, "{from} -> {to}: {found:?}");
            let is_so =
                found.iter().all(|it| it.is_breaking == is_breaking && it.text.contains(word));
            assert!(is_so, "{from} -> {to}: {found:?}");
        };
        check("Int!", "Int", true, "Query.a was Int! and is Int");
        check("b: String", "b: String!", false, "Query.b");
        check("c: [Int!]", "c: [Int]", true, "Query.c");
        check("c: [Int!]", "c: [Int!]!", false, "Query.c");
        check("b: String", "b: Int", true, "Query.b");
        check("b: String ", "", true, "Query.b is gone");
        check("b: String", "b: String d: Int", false, "Query.d is new");
        check("(x: Int)", "(x: Int!)", true, "x of Query.a");
        check("(x: Int)", "(x: Int, y: Int)", false, "takes y");
        check("(x: Int)", "(x: Int, y: Int!)", true, "needs y");
        check("(x: Int)", "(x: Int, y: Int! = 1)", false, "takes y");
        check("TWO", "TWO THREE", false, "THREE");
        check(" TWO", "", true, "TWO");
        check("q: Int!", "q: Int", false, "q of I");
        check("p: Int ", "", true, "takes p no more");
        check("type Gone { x: Int }", "", true, "Gone");
        check("type Gone { x: Int }", "enum Gone { X }", true, "another kind");
        assert_eq!(compare(old, old), Ok(Vec::new()));
        assert!(compare("not a schema", old).is_err());
    }
}
