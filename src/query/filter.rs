//! Turns a `where` argument into one SQL condition.
//!
//! Which operators a type has is in [`super::operators`]. Conditions follow SQL's three-valued logic on both stores: a
//! comparison with a missing value is neither true nor false, and `_not` leaves it so. An empty
//! object asks for nothing, `_and: []` holds, `_or: []` and `_not: {}` do not.

use sea_query::{BinOper, Expr, ExprTrait, Func};
use sluice_schema::ColumnType;

use super::Dialect;
use super::input::Input;
use super::operators::{Operand, Operator, operators};
use super::roots::Compiler;
use super::select::Rows;
use super::value::{Side, Slot, SlotKind};
use crate::error::{Code, Error, Result};
use crate::store::postgres::functions::{FOLD, JSONB};

/// Compiles what stands behind a name of a condition that is no connective.
type Leaf<'l, 'd> =
    &'l mut dyn FnMut(&mut Compiler<'d>, &str, &Input<'_>, &str, usize) -> Result<Vec<Expr>>;

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
        self.connected(input, place, depth, &mut |compiler, name, value, place, depth| {
            compiler.column_conditions(rows, name, value, place, depth)
        })
    }

    /// Conditions joined by `_and`, `_or` and `_not`; `leaf` compiles the others.
    ///
    /// # Errors
    /// As [`Compiler::condition`].
    pub(super) fn connected(
        &mut self,
        input: &Input<'_>,
        place: &str,
        depth: usize,
        leaf: Leaf<'_, 'd>,
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
                        parts.extend(self.connected(&item, &place, depth + 1, leaf)?);
                    }
                }
                "_or" => {
                    let mut alternatives = Vec::new();
                    let mut is_always_true = false;
                    for item in self.reader.items(&value) {
                        match self.connected(&item, &place, depth + 1, leaf)? {
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
                    let inner = self.connected(&value, &place, depth + 1, leaf)?;
                    parts.push(inner.map_or_else(never, |inner| inner.not()));
                }
                _ => parts.extend(leaf(self, &name, &value, &place, depth)?),
            }
        }
        Ok(parts.into_iter().reduce(|a, b| a.and(b)))
    }

    /// The conditions on a column, or on what a relation leads to.
    fn column_conditions(
        &mut self,
        rows: &Rows<'d>,
        name: &str,
        value: &Input<'_>,
        place: &str,
        depth: usize,
    ) -> Result<Vec<Expr>> {
        let columns = &rows.dataset.columns;
        let Some(column) = columns.iter().find(|column| column.name == name) else {
            let related = self.related_condition(rows, name, value, place, depth)?;
            let related = related.ok_or_else(|| {
                Error::bad_input(format!("{place}: {} has no column {name:?}.", rows.dataset.name))
            })?;
            return Ok(vec![related]);
        };
        let left = rows.column(&column.physical);
        self.comparisons(&left, column.column_type, value, place)
    }

    /// The comparisons of a value with each operand of an object.
    ///
    /// # Errors
    /// As [`Compiler::condition`].
    pub(super) fn comparisons(
        &mut self,
        left: &Expr,
        column_type: ColumnType,
        operands: &Input<'_>,
        place: &str,
    ) -> Result<Vec<Expr>> {
        let mut parts = Vec::new();
        for (operator, operand) in self.reader.fields(operands, place)? {
            let place = format!("{place}.{operator}");
            parts.push(self.comparison(left.clone(), column_type, &operator, &operand, &place)?);
        }
        Ok(parts)
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
        let operator = self.operator(column_type, operator, operand, place)?;
        if column_type == ColumnType::Json && operator != Operator::IsNull {
            return self.json_comparison(left, operator, operand, place);
        }
        let mut compare = |side, binary: BinOper| {
            let kind = SlotKind::Scalar(column_type, side);
            Ok(left.clone().binary(binary, self.slot(operand, kind, place)?))
        };
        match operator {
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
                    self.slot(operand, SlotKind::Pattern { is_folded: is_insensitive }, place)?;
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
                let kind = if is_insensitive { SlotKind::FoldedText } else { SlotKind::Text };
                let prefix = self.slot(operand, kind, place)?;
                let kind = SlotKind::AfterPrefix { is_folded: is_insensitive };
                let after = self.slot(operand, kind, place)?;
                let text = self.folded(left, is_insensitive);
                Ok(text.clone().gte(prefix).and(text.lt(after)))
            }
            Operator::EndsWith { is_insensitive } => {
                let kind = if is_insensitive { SlotKind::FoldedText } else { SlotKind::Text };
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
                let kind = if is_insensitive { SlotKind::FoldedText } else { SlotKind::Text };
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
                Ok(self.matched(left, pattern, is_negated))
            }
            Operator::Similar { is_negated } => {
                let pattern = self.slot(operand, SlotKind::Similar, place)?;
                Ok(self.matched(left, pattern, is_negated))
            }
            Operator::JsonContains
            | Operator::JsonContainedIn
            | Operator::HasKey
            | Operator::HasKeysAny
            | Operator::HasKeysAll => Err(Error::internal("a JSON operator on another type")),
        }
    }

    /// The operator of a name, once its operand is found to be there and the limit is kept.
    ///
    /// # Errors
    /// As [`Compiler::condition`].
    pub(super) fn operator(
        &mut self,
        column_type: ColumnType,
        name: &str,
        operand: &Input<'_>,
        place: &str,
    ) -> Result<Operator> {
        self.n_predicates += 1;
        if self.n_predicates > self.limits.max_predicates {
            return Err(Error::new(
                Code::QueryTooComplex,
                format!("The filter has more than {} comparisons.", self.limits.max_predicates),
            ));
        }
        let Some((_, operator, _)) = operators(column_type).find(|(known, _, _)| *known == name)
        else {
            return Err(Error::bad_input(format!(
                "{place}: a column of type {} has no operator {name:?}.",
                column_type.name()
            )));
        };
        if self.reader.presence(operand) != Some(true) {
            return Err(Error::bad_input(format!(
                "{place} is null. To look for missing values use _isNull; to leave a condition out, omit it."
            )));
        }
        Ok(*operator)
    }

    /// Whether a text fits a pattern of the store's engine.
    fn matched(&self, text: Expr, pattern: Expr, is_negated: bool) -> Expr {
        let fits = match self.dialect {
            Dialect::Sqlite => Func::cust("sluice_regex").arg(text).arg(pattern).into(),
            Dialect::Postgres => text.binary(BinOper::Custom("~"), pattern),
        };
        if is_negated { fits.not() } else { fits }
    }

    /// Text that `jsonb` cannot hold is neither equal to anything nor different.
    fn json_comparison(
        &mut self,
        left: Expr,
        operator: Operator,
        operand: &Input<'_>,
        place: &str,
    ) -> Result<Expr> {
        let kind = match operator.operand() {
            Operand::Text | Operand::Texts => SlotKind::Keys,
            _ => SlotKind::Scalar(ColumnType::Json, Side::Exact),
        };
        let right = self.slot(operand, kind, place)?;
        let (sqlite, postgres) = match operator {
            Operator::JsonContains => ("sluice_json_contains", "jsonb_contains"),
            Operator::JsonContainedIn => ("sluice_json_contained", "jsonb_contained"),
            Operator::HasKeysAny => ("sluice_json_has_any", "jsonb_exists_any"),
            Operator::HasKey | Operator::HasKeysAll => ("sluice_json_has_all", "jsonb_exists_all"),
            _ => ("sluice_json_equals", "jsonb_eq"),
        };
        let holds: Expr = match self.dialect {
            Dialect::Sqlite => Func::cust(sqlite).arg(left).arg(right).into(),
            Dialect::Postgres => {
                Func::cust(postgres).arg(Func::cust(JSONB).arg(left)).arg(right).into()
            }
        };
        Ok(if operator == Operator::Neq { holds.not() } else { holds })
    }

    pub(super) fn in_list(
        &mut self,
        left: Expr,
        column_type: ColumnType,
        operand: &Input<'_>,
        place: &str,
    ) -> Result<Expr> {
        let list = self.slot(operand, SlotKind::List(column_type), place)?;
        Ok(match self.dialect {
            Dialect::Sqlite if column_type == ColumnType::Float => Expr::cust_with_exprs(
                "? IN (SELECT sluice_double(value) FROM json_each(?))",
                [left, list],
            ),
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

    /// The text itself, or with its case folded.
    fn folded(&self, text: Expr, is_folded: bool) -> Expr {
        match (is_folded, self.dialect) {
            (false, _) => text,
            (true, Dialect::Sqlite) => Func::cust("sluice_fold").arg(text).into(),
            (true, Dialect::Postgres) => Func::cust(FOLD).arg(text).into(),
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
            (SlotKind::Wide { .. } | SlotKind::BinWidth(_), Dialect::Postgres) => Some("numeric"),
            (SlotKind::Keys, Dialect::Postgres) => Some("text[]"),
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
        ColumnType::Json => Some("jsonb"),
        ColumnType::Boolean
        | ColumnType::Int
        | ColumnType::BigInt
        | ColumnType::Float
        | ColumnType::String => None,
    }
}

/// The type of a column in PostgreSQL.
pub(super) fn column_sql_type(column_type: ColumnType) -> &'static str {
    postgres_type(column_type).unwrap_or(match column_type {
        ColumnType::Boolean => "boolean",
        ColumnType::Int => "integer",
        ColumnType::BigInt => "bigint",
        ColumnType::Float => "double precision",
        _ => "text",
    })
}
