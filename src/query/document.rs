//! Turns a document's text into its operation, measured before anything walks it as a tree.
//!
//! Fragments are sized with memory, each once, so that a small document that spreads itself a
//! million times is refused in linear time. What passes here is safe to expand.

use std::collections::HashMap;

use async_graphql_parser::types::{
    ExecutableDocument, Field, FragmentDefinition, OperationDefinition, OperationType, Selection,
    SelectionSet,
};
use async_graphql_parser::{Positioned, parse_query};

use super::guard;
use crate::config::QueryLimits;
use crate::error::{Code, Error, Result};

/// Selections of one operation once its fragments are spread; far above any real document.
const MAX_EXPANDED_FIELDS: u64 = 20_000;
/// Nesting of selections, inline fragments and spreads together: bounds every later recursion.
const MAX_NESTING: usize = 100;
/// Nesting allowed below `__schema` and `__type`: the standard introspection query needs 15.
const INTROSPECTION_DEPTH: usize = 25;
/// Lists that hold each other below `__schema` and `__type`: each multiplies the answer by the
/// number of fields of a type. The standard introspection query needs 1.
const INTROSPECTION_LISTS: u64 = 2;
/// Times that one operation may ask for the schema: its answer may be large.
const MAX_SCHEMAS: u64 = 2;

/// A parsed document and the name of the operation to run.
#[derive(Debug)]
pub struct Document {
    /// The whole document.
    pub parsed: ExecutableDocument,
    operation_name: Option<String>,
}

impl Document {
    /// Guards, parses and measures a document.
    ///
    /// # Errors
    /// BAD_USER_INPUT for syntax and a wrong operation name, QUERY_TOO_DEEP and QUERY_TOO_COMPLEX
    /// for size.
    pub fn parse(
        text: &str,
        operation_name: Option<&str>,
        limits: &QueryLimits,
    ) -> Result<Document> {
        let parsed = parse_text(text, limits)?;
        let document = Document { parsed, operation_name: operation_name.map(str::to_owned) };
        let operation = document.operation()?;
        Measure { fragments: &document.parsed.fragments, limits, known: HashMap::new() }
            .check(operation)?;
        Ok(document)
    }

    /// The operation to run.
    ///
    /// # Errors
    /// BAD_USER_INPUT when the name fits none, or none was given and there are several.
    pub fn operation(&self) -> Result<&OperationDefinition> {
        let mut operations = self.parsed.operations.iter();
        let found = match &self.operation_name {
            Some(wanted) => operations
                .find(|(name, _)| name.is_some_and(|name| name.as_str() == wanted))
                .or_else(|| self.only_operation()),
            None => self.only_operation(),
        };
        found.map(|(_, operation)| &operation.node).ok_or_else(|| match &self.operation_name {
            Some(name) => {
                Error::bad_input(format!("The document has no operation named {name:?}."))
            }
            None => Error::bad_input(
                "The document has several operations: say which to run in operationName.",
            ),
        })
    }

    /// The operation of a document that has one. A single named operation is stored by the
    /// parser under its name, an anonymous one without; a name given for it is checked later.
    fn only_operation(
        &self,
    ) -> Option<(Option<&async_graphql_value::Name>, &Positioned<OperationDefinition>)> {
        let mut operations = self.parsed.operations.iter();
        let first = operations.next()?;
        let is_wanted = match (&self.operation_name, first.0) {
            (Some(wanted), Some(name)) => name.as_str() == wanted,
            (Some(_), None) => false,
            (None, _) => true,
        };
        (operations.next().is_none() && is_wanted).then_some(first)
    }

    /// The operation's name, if it has one.
    pub fn name(&self) -> Option<&str> {
        match &self.operation_name {
            Some(name) => Some(name),
            None => self.only_operation()?.0.map(|name| name.as_str()),
        }
    }

    /// Whether the operation changes something.
    pub fn is_mutation(&self) -> bool {
        self.operation().is_ok_and(|operation| operation.ty == OperationType::Mutation)
    }

    /// Whether the operation waits for news.
    pub fn is_subscription(&self) -> bool {
        self.operation().is_ok_and(|operation| operation.ty == OperationType::Subscription)
    }

    /// The same operation put differently, of a document that was measured.
    #[must_use]
    pub fn with_parsed(&self, parsed: ExecutableDocument) -> Document {
        Document { parsed, operation_name: self.operation_name.clone() }
    }

    /// All root fields of the operation, those in fragments among them.
    pub fn root_fields(&self) -> impl Iterator<Item = &Field> {
        let mut fields = Vec::new();
        if let Ok(operation) = self.operation() {
            // Guarded: a document's fragments do not lead back to themselves.
            self.root_fields_into(&operation.selection_set.node, &mut fields);
        }
        fields.into_iter()
    }

    fn root_fields_into<'s>(&'s self, selection: &'s SelectionSet, fields: &mut Vec<&'s Field>) {
        for item in &selection.items {
            match &item.node {
                Selection::Field(field) => fields.push(&field.node),
                Selection::InlineFragment(inline) => {
                    self.root_fields_into(&inline.node.selection_set.node, fields);
                }
                Selection::FragmentSpread(spread) => {
                    let fragment = self.parsed.fragments.get(&spread.node.fragment_name.node);
                    if let Some(fragment) = fragment {
                        self.root_fields_into(&fragment.node.selection_set.node, fields);
                    }
                }
            }
        }
    }

    /// Whether any operation of the document asks what the schema has.
    pub fn introspects(&self) -> bool {
        let operations = self.parsed.operations.iter().map(|(_, it)| &it.node.selection_set.node);
        let fragments = self.parsed.fragments.values().map(|it| &it.node.selection_set.node);
        operations.chain(fragments).any(introspects)
    }
}

/// Guards and parses a document whose operations are run some other time.
///
/// # Errors
/// As [`Document::parse`], but for its operations.
pub fn check_text(text: &str, limits: &QueryLimits) -> Result<()> {
    parse_text(text, limits).map(drop)
}

fn parse_text(text: &str, limits: &QueryLimits) -> Result<ExecutableDocument> {
    guard::check_document(text, limits)?;
    parse_query(text).map_err(|error| {
        let position = error.positions().next();
        let at = position.map_or_else(String::new, |position| {
            format!(" at line {}, column {}", position.line, position.column)
        });
        let text = error.to_string();
        let expected = text.rsplit("= ").next().unwrap_or_default().trim().to_owned();
        Error::bad_input(format!("The document is not valid GraphQL{at}: {expected}."))
    })
}

fn introspects(selection: &SelectionSet) -> bool {
    selection.items.iter().any(|item| match &item.node {
        Selection::Field(field) => matches!(field.node.name.node.as_str(), "__schema" | "__type"),
        Selection::InlineFragment(inline) => introspects(&inline.node.selection_set.node),
        Selection::FragmentSpread(_) => false,
    })
}

/// What a selection amounts to once its fragments are spread.
#[derive(Clone, Copy, Default)]
struct Size {
    n_fields: u64,
    n_root_fields: u64,
    n_aliases: u64,
    n_directives: u64,
    /// Times that it asks for `__schema`.
    n_schemas: u64,
    /// Nesting of those lists of introspection that lead from types to types.
    n_lists: u64,
    depth: usize,
    /// Nesting of selections, inline fragments and spreads: how deep a walk recurses.
    nesting: usize,
}

/// Sizes selections; each fragment once.
struct Measure<'a> {
    fragments: &'a HashMap<async_graphql_value::Name, Positioned<FragmentDefinition>>,
    limits: &'a QueryLimits,
    /// `None` while a fragment is being sized: meeting it again means a cycle.
    known: HashMap<&'a str, Option<Size>>,
}

impl<'a> Measure<'a> {
    fn check(&mut self, operation: &'a OperationDefinition) -> Result<()> {
        let size = self.size(&operation.selection_set.node, 0)?;
        if size.depth > self.limits.max_depth {
            return Err(too_deep(self.limits.max_depth));
        }
        let too_complex = |what: &str, limit: u64| {
            Err(Error::new(
                Code::QueryTooComplex,
                format!("The operation has more than {limit} {what}, the limit. Split it."),
            ))
        };
        let limits = self.limits;
        let bound = |limit: usize| u64::try_from(limit).unwrap_or(u64::MAX);
        if size.n_root_fields > bound(limits.max_root_fields) {
            return too_complex("root fields", bound(limits.max_root_fields));
        }
        if size.n_aliases > bound(limits.max_aliases) {
            return too_complex("aliases", bound(limits.max_aliases));
        }
        if size.n_directives + count(&operation.directives) > bound(limits.max_directives) {
            return too_complex("directives", bound(limits.max_directives));
        }
        if size.n_schemas > MAX_SCHEMAS {
            return too_complex("times __schema", MAX_SCHEMAS);
        }
        if size.n_fields > MAX_EXPANDED_FIELDS {
            return too_complex("fields with its fragments spread", MAX_EXPANDED_FIELDS);
        }
        Ok(())
    }

    /// The size of a selection at this nesting; refused before it is walked too deep.
    fn size(&mut self, selection: &'a SelectionSet, nesting: usize) -> Result<Size> {
        if nesting > MAX_NESTING {
            return Err(too_deep(MAX_NESTING));
        }
        let mut total = Size::default();
        for item in &selection.items {
            let own_directives = count(item.node.directives());
            let size = match &item.node {
                Selection::Field(field) => {
                    let below = self.size(&field.node.selection_set.node, nesting + 1)?;
                    let name = field.node.name.node.as_str();
                    let is_introspection = name.starts_with("__");
                    let depth = below.depth + 1;
                    if is_introspection && depth > INTROSPECTION_DEPTH {
                        return Err(too_deep(INTROSPECTION_DEPTH));
                    }
                    if is_introspection && below.n_lists > INTROSPECTION_LISTS {
                        return Err(nested_introspection());
                    }
                    let is_list =
                        matches!(name, "fields" | "inputFields" | "interfaces" | "possibleTypes");
                    Size {
                        n_fields: below.n_fields.saturating_add(1),
                        n_root_fields: 1,
                        n_aliases: below.n_aliases + u64::from(field.node.alias.is_some()),
                        n_directives: below.n_directives,
                        n_schemas: below.n_schemas + u64::from(name == "__schema"),
                        n_lists: below.n_lists + u64::from(is_list),
                        depth: if is_introspection { 1 } else { depth },
                        nesting: below.nesting,
                    }
                }
                Selection::InlineFragment(inline) => {
                    self.size(&inline.node.selection_set.node, nesting + 1)?
                }
                Selection::FragmentSpread(spread) => {
                    self.fragment(spread.node.fragment_name.node.as_str(), nesting + 1)?
                }
            };
            total.n_fields = total.n_fields.saturating_add(size.n_fields);
            total.n_root_fields = total.n_root_fields.saturating_add(size.n_root_fields);
            total.n_aliases = total.n_aliases.saturating_add(size.n_aliases);
            total.n_directives =
                total.n_directives.saturating_add(size.n_directives).saturating_add(own_directives);
            total.n_schemas = total.n_schemas.saturating_add(size.n_schemas);
            total.n_lists = total.n_lists.max(size.n_lists);
            total.depth = total.depth.max(size.depth);
            total.nesting = total.nesting.max(size.nesting + 1);
            if total.nesting > MAX_NESTING {
                return Err(too_deep(MAX_NESTING));
            }
        }
        Ok(total)
    }

    fn fragment(&mut self, name: &'a str, nesting: usize) -> Result<Size> {
        match self.known.get(name) {
            Some(Some(size)) => return Ok(*size),
            Some(None) => {
                return Err(Error::bad_input(format!("The fragment {name:?} spreads itself.")));
            }
            None => {}
        }
        let Some(fragment) = self.fragments.get(name) else {
            return Err(Error::bad_input(format!("There is no fragment named {name:?}.")));
        };
        self.known.insert(name, None);
        let size = self.size(&fragment.node.selection_set.node, nesting)?;
        self.known.insert(name, Some(size));
        Ok(size)
    }
}

fn count<T>(items: &[T]) -> u64 {
    u64::try_from(items.len()).unwrap_or(u64::MAX)
}

fn nested_introspection() -> Error {
    Error::new(
        Code::QueryTooDeep,
        format!(
            "Introspection nests lists like fields and inputFields more than {INTROSPECTION_LISTS} deep, the limit. Ask for types by name in several requests."
        ),
    )
}

fn too_deep(limit: usize) -> Error {
    Error::new(
        Code::QueryTooDeep,
        format!(
            "Selections are nested more than {limit} deep, the limit. Ask in several requests."
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(text: &str) -> Option<Code> {
        Document::parse(text, None, &QueryLimits::default()).err().map(|error| error.code)
    }

    /// `n` fragments, each of which spreads the next `n_spreads` times.
    fn fragments(n: usize, n_spreads: usize) -> String {
        let mut text = String::from("{ ...F0 }");
        for fragment in 0..n {
            let spread = format!(" ...F{}", fragment + 1).repeat(n_spreads);
            text.push_str(&format!(" fragment F{fragment} on Query {{{spread} }}"));
        }
        text.push_str(&format!(" fragment F{n} on Query {{ __typename }}"));
        text
    }

    #[test]
    fn fragments_cannot_explode_loop_or_nest_without_end() {
        assert_eq!(refusal(&fragments(3, 2)), None);
        assert_eq!(refusal(&fragments(10, 10)), Some(Code::QueryTooComplex));
        assert_eq!(refusal(&fragments(30, 2)), Some(Code::QueryTooComplex));
        assert_eq!(refusal(&fragments(90, 1)), None);
        assert_eq!(refusal(&fragments(900, 1)), Some(Code::QueryTooDeep));
        let cycle = "{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }";
        assert_eq!(refusal(cycle), Some(Code::BadUserInput));
    }

    #[test]
    fn selections_are_bounded() {
        let nested = |depth: usize| {
            let fields = "{ a ".repeat(depth);
            format!("{fields}{}", "}".repeat(depth))
        };
        assert_eq!(refusal(&nested(15)), None);
        assert_eq!(refusal(&nested(16)), Some(Code::QueryTooDeep));
        let roots = |n: usize| format!("{{ {} }}", "a: b ".repeat(n));
        assert_eq!(refusal(&roots(50)), None);
        assert_eq!(refusal(&roots(51)), Some(Code::QueryTooComplex));
        assert_eq!(
            refusal(&format!("{{ a {{ {} }} }}", "x: b ".repeat(101))),
            Some(Code::QueryTooComplex)
        );
        assert_eq!(
            refusal(&format!("{{ a {} }}", "@skip(if: true) ".repeat(51))),
            Some(Code::QueryTooComplex)
        );
    }

    #[test]
    fn introspection_is_counted() {
        let lists = |n: usize| {
            let fields = "fields { type { ".repeat(n);
            format!("{{ __type(name: \"Query\") {{ {fields} name {} }} }}", "} }".repeat(n))
        };
        assert_eq!(refusal(&lists(2)), None);
        assert_eq!(refusal(&lists(3)), Some(Code::QueryTooDeep));
        let schemas = |n: usize| {
            let all: String = (0..n).map(|n| format!("s{n}: __schema {{ __typename }} ")).collect();
            format!("{{ {all} }}")
        };
        assert_eq!(refusal(&schemas(2)), None);
        assert_eq!(refusal(&schemas(3)), Some(Code::QueryTooComplex));
        let asks = |text: &str| {
            Document::parse(text, None, &QueryLimits::default()).unwrap().introspects()
        };
        assert!(asks("{ ... { ...F } } fragment F on Query { a: __schema { __typename } }"));
        assert!(!asks("{ __typename a { __typename } }"));
    }

    #[test]
    fn operations_are_found_by_name() {
        let limits = QueryLimits::default();
        let two = "query A { a } mutation B { b }";
        let is_mutation =
            |name| Document::parse(two, name, &limits).map(|document| document.is_mutation()).ok();
        assert_eq!(is_mutation(Some("A")), Some(false));
        assert_eq!(is_mutation(Some("B")), Some(true));
        assert_eq!(is_mutation(Some("C")), None);
        assert_eq!(is_mutation(None), None);
    }
}
