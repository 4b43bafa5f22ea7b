//! Turns a `where` argument into a condition on columns, beside the one in SQL.
//!
//! The connectives, the operators and the values are those of [`crate::query::filter`], which has
//! checked the argument before: what does not fit never comes here.

use regex::Regex;
use serde_json::Value as Json;
use sluice_columnar::question::{Comparison, Filter, Test};
use sluice_schema::{ColumnType, temporal};

use super::tree::Tree;
use super::{Asking, Asks, Unasked, Values};
use crate::catalog::model::Dataset;
use crate::query::input::Input;
use crate::query::operators::{Operator, operators};
use crate::query::roots::Compiler;
use crate::query::seen::PLACE;
use crate::query::value::{Side, Slot, SlotKind};
use crate::store::run::Bind;
use crate::store::sqlite::functions::compile_regex;

/// A condition on rows whose values are slots.
pub(super) type Condition = Tree<ColumnTest>;

/// A test of a column.
#[derive(Debug)]
pub(super) struct ColumnTest {
    column: usize,
    column_type: ColumnType,
    operation: Operation,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Operation {
    Null,
    Compare(Comparison, usize),
    In(usize),
    Between { from: usize, before: usize, is_folded: bool },
    Contains { needle: usize, is_folded: bool },
    EndsWith { end: usize, is_folded: bool },
    Like { pattern: usize, is_folded: bool },
    Regex { pattern: usize },
}

impl<'d> Compiler<'d> {
    /// The conditions of a `where` argument, all of which must hold.
    ///
    /// # Errors
    /// As those of the filter in SQL; Untold.
    pub(super) fn ask_condition(
        &mut self,
        dataset: &Dataset,
        input: &Input<'_>,
        place: &str,
        asking: &mut Asking,
    ) -> Asks<Vec<Condition>> {
        let is_policy = place == PLACE;
        self.ask_joined(input, place, &mut |compiler, name, value, place| {
            let column = dataset.columns.iter().find(|column| column.name == name);
            // A policy speaks of what is there, not of what is shown.
            let column = column
                .filter(|it| is_policy || compiler.is_shown_plainly(dataset, &it.physical))
                .ok_or(Unasked::Untold)?;
            let mut tests = Vec::new();
            for (operator, operand) in compiler.reader.fields(value, place)? {
                let place = format!("{place}.{operator}");
                let column_type = column.column_type;
                let (operation, is_negated) =
                    compiler.ask_test(column_type, &operator, &operand, &place, asking)?;
                let column = asking.column(&column.physical);
                tests.push(Tree::leaf(ColumnTest { column, column_type, operation }, is_negated));
            }
            Ok(tests)
        })
    }

    /// What an operator asks of a value, and whether the opposite is wanted.
    ///
    /// # Errors
    /// As those of the comparison in SQL; Untold.
    pub(super) fn ask_test(
        &mut self,
        column_type: ColumnType,
        name: &str,
        operand: &Input<'_>,
        place: &str,
        asking: &mut Asking,
    ) -> Asks<(Operation, bool)> {
        let known = operators(column_type).find(|(known, _, _)| *known == name);
        let (_, operator, _) = known.ok_or(Unasked::Untold)?;
        if column_type == ColumnType::Json && *operator != Operator::IsNull {
            return Err(Unasked::Untold);
        }
        let mut slot = |kind| self.ask_slot(operand, kind, place, asking);
        let text = |is_insensitive| match is_insensitive {
            true => SlotKind::FoldedText,
            false => SlotKind::Text,
        };
        let mut compare = |comparison, side| -> Asks<Operation> {
            Ok(Operation::Compare(comparison, slot(SlotKind::Scalar(column_type, side))?))
        };
        let operation = match *operator {
            Operator::Eq => compare(Comparison::Equal, Side::Exact)?,
            Operator::Neq => compare(Comparison::NotEqual, Side::Exact)?,
            Operator::Gt => compare(Comparison::Greater, Side::Floor)?,
            Operator::Gte => compare(Comparison::GreaterOrEqual, Side::Ceil)?,
            Operator::Lt => compare(Comparison::Less, Side::Ceil)?,
            Operator::Lte => compare(Comparison::LessOrEqual, Side::Floor)?,
            Operator::In => Operation::In(slot(SlotKind::List(column_type))?),
            Operator::Nin => {
                return Ok((Operation::In(slot(SlotKind::List(column_type))?), true));
            }
            Operator::IsNull => {
                let is_missing = self.reader.boolean(operand, place)?;
                return Ok((Operation::Null, !is_missing));
            }
            Operator::Like { is_insensitive, is_negated } => {
                let pattern = slot(SlotKind::Pattern { is_folded: is_insensitive })?;
                return Ok((Operation::Like { pattern, is_folded: is_insensitive }, is_negated));
            }
            Operator::StartsWith { is_insensitive } => Operation::Between {
                from: slot(text(is_insensitive))?,
                before: slot(SlotKind::AfterPrefix { is_folded: is_insensitive })?,
                is_folded: is_insensitive,
            },
            Operator::EndsWith { is_insensitive } => {
                Operation::EndsWith { end: slot(text(is_insensitive))?, is_folded: is_insensitive }
            }
            Operator::Contains { is_insensitive } => Operation::Contains {
                needle: slot(text(is_insensitive))?,
                is_folded: is_insensitive,
            },
            Operator::Regex { is_insensitive, is_negated } => {
                let pattern = slot(SlotKind::Regex { is_insensitive })?;
                return Ok((Operation::Regex { pattern }, is_negated));
            }
            Operator::Similar { is_negated } => {
                let pattern = slot(SlotKind::Similar)?;
                return Ok((Operation::Regex { pattern }, is_negated));
            }
            Operator::JsonContains
            | Operator::JsonContainedIn
            | Operator::HasKey
            | Operator::HasKeysAny
            | Operator::HasKeysAll => return Err(Unasked::Untold),
        };
        Ok((operation, false))
    }

    pub(super) fn ask_slot(
        &mut self,
        operand: &Input<'_>,
        kind: SlotKind,
        place: &str,
        asking: &mut Asking,
    ) -> Asks<usize> {
        let origin = self.reader.origin(operand, place)?;
        Ok(asking.slot(Slot { origin, kind, place: Box::from(place) }))
    }
}

/// A condition with its values; `None` where one of them is not what it must be.
pub(super) fn bind_filter(condition: &Condition, values: &Values) -> Option<Filter> {
    condition.bind(&|test: &ColumnTest| {
        let ColumnTest { column, column_type, operation } = test;
        Some(Filter::Test { column: *column, test: operation.bind(*column_type, values)? })
    })
}

impl Operation {
    fn bind(self, column_type: ColumnType, values: &Values) -> Option<Test> {
        let bytes = |slot: usize| Some(values.text(slot)?.as_bytes().to_vec());
        Some(match self {
            Operation::Null => Test::Null,
            Operation::Compare(comparison, slot) => {
                match value_of(values.get(slot)?, column_type)? {
                    Constant::Whole(number) => Test::Whole(comparison, number),
                    Constant::Float(number) => Test::Float(comparison, number),
                    Constant::Text(text) => Test::Text(comparison, text),
                }
            }
            Operation::In(slot) => list(&values.items(slot)?, column_type)?,
            Operation::Between { from, before, is_folded } => {
                Test::TextBetween { from: bytes(from)?, before: bytes(before)?, is_folded }
            }
            Operation::Contains { needle, is_folded } => {
                Test::Contains { needle: bytes(needle)?, is_folded }
            }
            Operation::EndsWith { end, is_folded } => {
                Test::EndsWith { end: bytes(end)?, is_folded }
            }
            Operation::Like { pattern, is_folded } => {
                Test::Matches { regex: like(values.text(pattern)?)?, is_folded }
            }
            Operation::Regex { pattern } => Test::Matches {
                regex: compile_regex(values.text(pattern)?).ok()?,
                is_folded: false,
            },
        })
    }
}

/// A value in the form in which columns keep it.
pub(super) enum Constant {
    Whole(i64),
    Float(f64),
    Text(Vec<u8>),
}

/// A bound value of a column's type.
pub(super) fn value_of(bind: &Bind, column_type: ColumnType) -> Option<Constant> {
    Some(match (bind, column_type) {
        (Bind::Int(number), _) => Constant::Whole(*number),
        (Bind::Boolean(truth), _) => Constant::Whole(i64::from(*truth)),
        (Bind::Float(number), _) => Constant::Float(*number),
        (Bind::Text(text), ColumnType::Date) => {
            Constant::Whole(i64::from(temporal::parse_iso_date(text)?))
        }
        (Bind::Text(text), ColumnType::LocalTime) => {
            Constant::Whole(temporal::parse_iso_time(text)?)
        }
        (Bind::Text(text), ColumnType::LocalDateTime | ColumnType::DateTime) => {
            Constant::Whole(temporal::parse_iso_local_date_time(text)?)
        }
        (Bind::Text(text), _) => Constant::Text(text.as_bytes().to_vec()),
        (Bind::Null | Bind::TextList(_), _) => return None,
    })
}

/// An item of a bound list of a column's type.
pub(super) fn item_of(item: &Json, column_type: ColumnType) -> Option<Constant> {
    let bind = match (item, column_type) {
        // As texts, so that they are read exactly.
        (Json::String(text), ColumnType::Float) => Bind::Float(text.parse().ok()?),
        (Json::String(text), _) => Bind::Text(text.clone()),
        (Json::Number(number), _) => Bind::Int(number.as_i64()?),
        _ => return None,
    };
    value_of(&bind, column_type)
}

/// The items of a bound list, sorted.
fn list(items: &[Json], column_type: ColumnType) -> Option<Test> {
    let (mut numbers, mut floats, mut texts) = (Vec::new(), Vec::new(), Vec::new());
    for item in items {
        match item_of(item, column_type)? {
            Constant::Whole(number) => numbers.push(number),
            Constant::Text(text) => texts.push(text),
            Constant::Float(number) => floats.push(number),
        }
    }
    Some(match column_type {
        ColumnType::Float => Test::FloatIn(floats),
        ColumnType::String | ColumnType::Uuid | ColumnType::Json => {
            texts.sort_unstable();
            texts.dedup();
            Test::TextIn(texts)
        }
        _ => {
            numbers.sort_unstable();
            numbers.dedup();
            Test::WholeIn(numbers)
        }
    })
}

/// A pattern of `_like` as a regular expression: `%` stands for any characters, `_` for one, a
/// backslash takes the next as it is.
fn like(pattern: &str) -> Option<Regex> {
    let mut out = String::from(r"(?s)\A");
    let mut rest = pattern.chars();
    while let Some(character) = rest.next() {
        match character {
            '%' => out.push_str(".*"),
            '_' => out.push('.'),
            '\\' => out.push_str(&regex_syntax::escape(rest.next()?.encode_utf8(&mut [0; 4]))),
            other => out.push_str(&regex_syntax::escape(other.encode_utf8(&mut [0; 4]))),
        }
    }
    out.push_str(r"\z");
    compile_regex(&out).ok()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests may stop")]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_read_as_sql_reads_them() {
        for (pattern, text, fits) in [
            ("a%", "abc", true),
            ("a%", "ba", false),
            ("a_c", "a\nc", true),
            ("a_c", "aéc", true),
            ("a_c", "ac", false),
            ("100\\%", "100%", true),
            ("100\\%", "1000", false),
            ("a.c", "abc", false),
            ("%", "", true),
            ("", "a", false),
            ("\\\\", "\\", true),
        ] {
            assert_eq!(like(pattern).unwrap().is_match(text), fits, "{pattern} {text}");
        }
    }
}
