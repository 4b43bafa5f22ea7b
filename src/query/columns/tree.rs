//! Conditions joined by `_and`, `_or` and `_not`, whatever they speak of: rows or groups.

use sluice_columnar::question::{Filter, Having};

use super::Asks;
use crate::query::input::Input;
use crate::query::roots::Compiler;

/// Conditions whose values are slots.
#[derive(Debug)]
pub(super) enum Tree<L> {
    And(Vec<Tree<L>>),
    Or(Vec<Tree<L>>),
    Not(Box<Tree<L>>),
    Leaf(L),
}

/// What they become with their values.
pub(super) trait Joined: Sized {
    fn and(parts: Vec<Self>) -> Self;
    fn or(parts: Vec<Self>) -> Self;
    fn not(part: Self) -> Self;
}

impl Joined for Filter {
    fn and(parts: Vec<Filter>) -> Filter {
        Filter::And(parts)
    }

    fn or(parts: Vec<Filter>) -> Filter {
        Filter::Or(parts)
    }

    fn not(part: Filter) -> Filter {
        Filter::Not(Box::new(part))
    }
}

impl Joined for Having {
    fn and(parts: Vec<Having>) -> Having {
        Having::And(parts)
    }

    fn or(parts: Vec<Having>) -> Having {
        Having::Or(parts)
    }

    fn not(part: Having) -> Having {
        Having::Not(Box::new(part))
    }
}

impl<L> Tree<L> {
    /// A leaf, or its opposite.
    pub(super) fn leaf(leaf: L, is_negated: bool) -> Tree<L> {
        match is_negated {
            true => Tree::Not(Box::new(Tree::Leaf(leaf))),
            false => Tree::Leaf(leaf),
        }
    }

    /// The conditions with their values; `None` where a leaf has none.
    pub(super) fn bind<T: Joined>(&self, leaf: &dyn Fn(&L) -> Option<T>) -> Option<T> {
        let all = |parts: &[Tree<L>]| -> Option<Vec<T>> {
            parts.iter().map(|part| part.bind(leaf)).collect()
        };
        Some(match self {
            Tree::And(parts) => T::and(all(parts)?),
            Tree::Or(parts) => T::or(all(parts)?),
            Tree::Not(part) => T::not(part.bind(leaf)?),
            Tree::Leaf(of) => leaf(of)?,
        })
    }
}

/// Reads what stands behind a name that is no connective.
type Leaf<'l, 'd, L> =
    &'l mut dyn FnMut(&mut Compiler<'d>, &str, &Input<'_>, &str) -> Asks<Vec<Tree<L>>>;

impl<'d> Compiler<'d> {
    /// The conditions of an argument, all of which must hold.
    ///
    /// # Errors
    /// As those of the condition in SQL; Untold.
    pub(super) fn ask_joined<L>(
        &mut self,
        input: &Input<'_>,
        place: &str,
        leaf: Leaf<'_, 'd, L>,
    ) -> Asks<Vec<Tree<L>>> {
        let mut parts = Vec::new();
        for (name, value) in self.reader.fields(input, place)? {
            let place = format!("{place}.{name}");
            match name.as_str() {
                "_and" => {
                    for item in self.reader.items(&value) {
                        parts.extend(self.ask_joined(&item, &place, leaf)?);
                    }
                }
                "_or" => {
                    let mut alternatives = Vec::new();
                    let mut is_always_true = false;
                    for item in self.reader.items(&value) {
                        let conditions = self.ask_joined(&item, &place, leaf)?;
                        is_always_true |= conditions.is_empty();
                        alternatives.push(Tree::And(conditions));
                    }
                    if !is_always_true {
                        parts.push(Tree::Or(alternatives));
                    }
                }
                "_not" => {
                    let conditions = self.ask_joined(&value, &place, leaf)?;
                    parts.push(Tree::Not(Box::new(Tree::And(conditions))));
                }
                _ => parts.extend(leaf(self, &name, &value, &place)?),
            }
        }
        Ok(parts)
    }
}
