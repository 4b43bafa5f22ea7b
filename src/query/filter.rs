//! Turns a `where` argument into one SQL condition.
//!
//! [`operators`] is the one table of which operators a type has: the GraphQL types are made from
//! it and filters are compiled by it. Conditions follow SQL's three-valued logic on both stores: a
//! comparison with a missing value is neither true nor false, and `_not` leaves it so.

use sea_query::{BinOper, Expr, ExprTrait, Func};
use sluice_schema::ColumnType;

use super::Dialect;
use super::input::Input;
use super::roots::Compiler;
use super::select::Rows;
use super::value::{Side, Slot, SlotKind};
use crate::error::{Code, Error, Result};

/// A comparison of a column with a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// Equal.
    Eq,
    /// Not equal.
    Neq,
    /// Greater.
    Gt,
    /// Greater or equal.
    Gte,
    /// Less.
    Lt,
    /// Less or equal.
    Lte,
    /// Equal to one of a list.
    In,
    /// Equal to none of a list.
    Nin,
    /// Missing (`true`) or present (`false`).
    IsNull,
    /// Fits a pattern of `%` and `_`.
    Like {
        /// Whether case is ignored.
        is_insensitive: bool,
        /// Whether the answer is turned around.
        is_negated: bool,
    },
    /// Begins with.
    StartsWith {
        /// Whether case is ignored.
        is_insensitive: bool,
    },
    /// Ends with.
    EndsWith {
        /// Whether case is ignored.
        is_insensitive: bool,
    },
    /// Holds somewhere.
    Contains {
        /// Whether case is ignored.
        is_insensitive: bool,
    },
    /// Fits a regular expression somewhere.
    Regex {
        /// Whether case is ignored.
        is_insensitive: bool,
        /// Whether the answer is turned around.
        is_negated: bool,
    },
}

/// An operator with its name and what it says about itself.
type Named = (&'static str, Operator, &'static str);

const COMPARISONS: [Named; 9] = [
    ("_eq", Operator::Eq, "Equal to this value."),
    ("_neq", Operator::Neq, "Not equal to this value; rows without a value do not match."),
    ("_gt", Operator::Gt, "Greater than this value."),
    ("_gte", Operator::Gte, "Greater than or equal to this value."),
    ("_lt", Operator::Lt, "Less than this value."),
    ("_lte", Operator::Lte, "Less than or equal to this value."),
    ("_in", Operator::In, "Equal to one of these values; an empty list matches nothing."),
    ("_nin", Operator::Nin, "Equal to none of these values."),
    ("_isNull", Operator::IsNull, "true: the value is missing; false: it is there."),
];

const IGNORING: &str = "Case is ignored by comparing Unicode lower-case forms.";

const TEXT: [Named; 14] = {
    use Operator::{Contains, EndsWith, Like, Regex, StartsWith};
    [
        (
            "_like",
            Like { is_insensitive: false, is_negated: false },
            "Fits a pattern: % stands for any characters, _ for one, \\\\ takes the next as it is.",
        ),
        (
            "_nlike",
            Like { is_insensitive: false, is_negated: true },
            "Does not fit a pattern; see _like.",
        ),
        ("_ilike", Like { is_insensitive: true, is_negated: false }, IGNORING),
        ("_nilike", Like { is_insensitive: true, is_negated: true }, IGNORING),
        ("_startsWith", StartsWith { is_insensitive: false }, "Begins with exactly this text."),
        ("_endsWith", EndsWith { is_insensitive: false }, "Ends with exactly this text."),
        ("_contains", Contains { is_insensitive: false }, "Holds exactly this text somewhere."),
        ("_istartsWith", StartsWith { is_insensitive: true }, IGNORING),
        ("_iendsWith", EndsWith { is_insensitive: true }, IGNORING),
        ("_icontains", Contains { is_insensitive: true }, IGNORING),
        (
            "_regex",
            Regex { is_insensitive: false, is_negated: false },
            "Fits a regular expression somewhere (no look-around, no back-references).",
        ),
        (
            "_nregex",
            Regex { is_insensitive: false, is_negated: true },
            "Does not fit a regular expression.",
        ),
        (
            "_iregex",
            Regex { is_insensitive: true, is_negated: false },
            "Fits a regular expression somewhere, ignoring case.",
        ),
        (
            "_niregex",
            Regex { is_insensitive: true, is_negated: true },
            "Does not fit a regular expression, ignoring case.",
        ),
    ]
};

/// The operators of a column type, in the order of the schema.
pub fn operators(column_type: ColumnType) -> impl Iterator<Item = &'static Named> {
    let comparisons: &[Named] = match column_type {
        ColumnType::Json => COMPARISONS.get(8..).unwrap_or_default(),
        _ => &COMPARISONS,
    };
    let text: &[Named] = if column_type == ColumnType::String { &TEXT } else { &[] };
    comparisons.iter().chain(text)
}

impl<'d> Compiler<'d> {
    /// The condition of a `where` argument; `None` when it asks for nothing.
    ///
    /// # Errors
    /// BAD_USER_INPUT for what does not fit the dataset, QUERY_TOO_COMPLEX beyond the limits.
    pub(super) fn condition(
        &mut self,
        rows: &Rows<'d>,
        input: &Input<'_>,
        place: &str,
        depth: usize,
    ) -> Result<Option<Expr>> {
        if depth > self.limits.max_filter_depth {
            return Err(Error::new(
                Code::QueryTooDeep,
                format!(
                    "{place}: the filter is nested more than {} deep, the limit.",
                    self.limits.max_filter_depth
                ),
            ));
        }
        let mut parts = Vec::new();
        for (name, value) in self.reader.fields(input, place)? {
            let place = format!("{place}.{name}");
            if self.reader.presence(&value) != Some(true) {
                return Err(Error::bad_input(format!(
                    "{place} is null. To look for missing values use _isNull; to leave a condition out, omit it."
                )));
            }
            match name.as_str() {
                "_and" => {
                    for item in self.reader.items(&value) {
                        parts.extend(self.condition(rows, &item, &place, depth + 1)?);
                    }
                }
                "_or" => {
                    let mut alternatives = Vec::new();
                    let mut is_always_true = false;
                    for item in self.reader.items(&value) {
                        match self.condition(rows, &item, &place, depth + 1)? {
                            Some(alternative) => alternatives.push(alternative),
                            None => is_always_true = true,
                        }
                    }
                    if !is_always_true {
                        parts.push(
                            alternatives.into_iter().reduce(|a, b| a.or(b)).unwrap_or_else(never),
                        );
                    }
                }
                "_not" => {
                    let inner = self.condition(rows, &value, &place, depth + 1)?;
                    parts.push(inner.map_or_else(never, |inner| inner.not()));
                }
                _ => {
                    let columns = &rows.dataset.columns;
                    let Some(column) = columns.iter().find(|column| column.name == name) else {
                        let related = self.related_condition(rows, &name, &value, &place, depth)?;
                        parts.push(related.ok_or_else(|| {
                            Error::bad_input(format!(
                                "{place}: {} has no column {name:?}.",
                                rows.dataset.name
                            ))
                        })?);
                        continue;
                    };
                    for (operator, operand) in self.reader.fields(&value, &place)? {
                        let place = format!("{place}.{operator}");
                        let left = rows.column(&column.physical);
                        let column_type = column.column_type;
                        parts.push(self.comparison(
                            left,
                            column_type,
                            &operator,
                            &operand,
                            &place,
                        )?);
                    }
                }
            }
        }
        Ok(parts.into_iter().reduce(|a, b| a.and(b)))
    }

    /// The comparison of a value with an operand.
    ///
    /// # Errors
    /// As [`Compiler::condition`].
    pub(super) fn comparison(
        &mut self,
        left: Expr,
        column_type: ColumnType,
        operator: &str,
        operand: &Input<'_>,
        place: &str,
    ) -> Result<Expr> {
        self.n_predicates += 1;
        if self.n_predicates > self.limits.max_predicates {
            return Err(Error::new(
                Code::QueryTooComplex,
                format!("The filter has more than {} comparisons.", self.limits.max_predicates),
            ));
        }
        let Some((_, operator, _)) = operators(column_type).find(|(name, _, _)| *name == operator)
        else {
            return Err(Error::bad_input(format!(
                "{place}: a column of type {} has no operator {operator:?}.",
                column_type.name()
            )));
        };
        if self.reader.presence(operand) != Some(true) {
            return Err(Error::bad_input(format!(
                "{place} is null. To look for missing values use _isNull; to leave a condition out, omit it."
            )));
        }
        let mut compare = |side, binary: BinOper| {
            let kind = SlotKind::Scalar(column_type, side);
            Ok(left.clone().binary(binary, self.slot(operand, kind, place)?))
        };
        match *operator {
            Operator::Eq => compare(Side::Exact, BinOper::Equal),
            Operator::Neq => compare(Side::Exact, BinOper::NotEqual),
            Operator::Gt => compare(Side::Floor, BinOper::GreaterThan),
            Operator::Gte => compare(Side::Ceil, BinOper::GreaterThanOrEqual),
            Operator::Lt => compare(Side::Ceil, BinOper::SmallerThan),
            Operator::Lte => compare(Side::Floor, BinOper::SmallerThanOrEqual),
            Operator::In => self.in_list(left, column_type, operand, place),
            Operator::Nin => Ok(self.in_list(left, column_type, operand, place)?.not()),
            Operator::IsNull => Ok(match self.reader.boolean(operand, place)? {
                true => left.is_null(),
                false => left.is_not_null(),
            }),
            Operator::Like { is_insensitive, is_negated } => {
                let pattern =
                    self.slot(operand, SlotKind::Pattern { is_lower: is_insensitive }, place)?;
                let text = self.folded(left, is_insensitive);
                let fits = match self.dialect {
                    Dialect::Sqlite => {
                        Func::cust("like").arg(pattern).arg(text).arg(Expr::cust("'\\'")).into()
                    }
                    Dialect::Postgres => text.binary(BinOper::Custom("LIKE"), pattern),
                };
                Ok(if is_negated { fits.not() } else { fits })
            }
            Operator::StartsWith { is_insensitive } => {
                let kind = if is_insensitive { SlotKind::LowerText } else { SlotKind::Text };
                let prefix = self.slot(operand, kind, place)?;
                let kind = SlotKind::AfterPrefix { is_lower: is_insensitive };
                let after = self.slot(operand, kind, place)?;
                let text = self.folded(left, is_insensitive);
                Ok(text.clone().gte(prefix).and(text.lt(after)))
            }
            Operator::EndsWith { is_insensitive } => {
                let kind = if is_insensitive { SlotKind::LowerText } else { SlotKind::Text };
                let text = self.folded(left, is_insensitive);
                match self.dialect {
                    Dialect::Sqlite => {
                        let end = self.slot(operand, kind, place)?;
                        Ok(Func::cust("sluice_ends_with").arg(text).arg(end).into())
                    }
                    Dialect::Postgres => {
                        let length = self.slot(operand, kind.clone(), place)?;
                        let length = Expr::from(Func::char_length(length));
                        let end = self.slot(operand, kind, place)?;
                        Ok(Expr::from(Func::cust("right").arg(text).arg(length)).eq(end))
                    }
                }
            }
            Operator::Contains { is_insensitive } => {
                let kind = if is_insensitive { SlotKind::LowerText } else { SlotKind::Text };
                let text = self.folded(left, is_insensitive);
                let needle = self.slot(operand, kind, place)?;
                let function = match self.dialect {
                    Dialect::Sqlite => "instr",
                    Dialect::Postgres => "strpos",
                };
                let position: Expr = Func::cust(function).arg(text).arg(needle).into();
                Ok(position.gt(Expr::cust("0")))
            }
            Operator::Regex { is_insensitive, is_negated } => {
                let pattern = self.slot(operand, SlotKind::Regex { is_insensitive }, place)?;
                let fits = match self.dialect {
                    Dialect::Sqlite => Func::cust("sluice_regex").arg(left).arg(pattern).into(),
                    Dialect::Postgres => left.binary(BinOper::Custom("~"), pattern),
                };
                Ok(if is_negated { fits.not() } else { fits })
            }
        }
    }

    fn in_list(
        &mut self,
        left: Expr,
        column_type: ColumnType,
        operand: &Input<'_>,
        place: &str,
    ) -> Result<Expr> {
        let list = self.slot(operand, SlotKind::List(column_type), place)?;
        Ok(match self.dialect {
            Dialect::Sqlite => {
                Expr::cust_with_exprs("? IN (SELECT value FROM json_each(?))", [left, list])
            }
            Dialect::Postgres => {
                let element = match column_type {
                    ColumnType::Int | ColumnType::BigInt => "bigint",
                    ColumnType::Float => "float8",
                    ColumnType::Boolean => "boolean",
                    other => postgres_type(other).unwrap_or("text"),
                };
                let array = list.cast_as(format!("{element}[]"));
                left.eq(Func::cust("ANY").arg(array))
            }
        })
    }

    /// The text itself, or its Unicode lower-case form.
    fn folded(&self, text: Expr, is_lower: bool) -> Expr {
        match (is_lower, self.dialect) {
            (false, _) => text,
            (true, Dialect::Sqlite) => Func::cust("sluice_lower").arg(text).into(),
            (true, Dialect::Postgres) => {
                Expr::cust_with_exprs(r#"lower($1 COLLATE "und-x-icu") COLLATE "C""#, [text])
            }
        }
    }

    /// A placeholder for a value that each run supplies.
    pub(super) fn slot(
        &mut self,
        operand: &Input<'_>,
        kind: SlotKind,
        place: &str,
    ) -> Result<Expr> {
        let origin = self.reader.origin(operand, place)?;
        let cast = match (&kind, self.dialect) {
            (
                SlotKind::Scalar(column_type, _) | SlotKind::NodeKey(column_type),
                Dialect::Postgres,
            ) => postgres_type(*column_type),
            _ => None,
        };
        let placeholder = self.placeholder(Slot { origin, kind, place: Box::from(place) });
        Ok(match cast {
            Some(name) => placeholder.cast_as(name),
            None => placeholder,
        })
    }
}

fn never() -> Expr {
    Expr::cust("1 = 0")
}

/// The type that a bound text is cast to; `None` where it is bound as what it is.
pub(super) fn postgres_type(column_type: ColumnType) -> Option<&'static str> {
    match column_type {
        ColumnType::Decimal { .. } => Some("numeric"),
        ColumnType::Date => Some("date"),
        ColumnType::LocalTime => Some("time"),
        ColumnType::LocalDateTime => Some("timestamp"),
        ColumnType::DateTime => Some("timestamptz"),
        ColumnType::Uuid => Some("uuid"),
        ColumnType::Json => Some("json"),
        ColumnType::Boolean
        | ColumnType::Int
        | ColumnType::BigInt
        | ColumnType::Float
        | ColumnType::String => None,
    }
}
