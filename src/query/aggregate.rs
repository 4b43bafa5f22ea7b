//! Turns the selection of an aggregate into the expressions of one SELECT.
//!
//! Sums of whole numbers and decimals are exact: they are added as whole numbers and divided, for
//! averages, only when the answer is written. The rows beside an aggregate (`nodes`) are gathered
//! into one value of the same statement.

use sea_query::{Alias, Expr, ExprTrait, Func, Query, SelectStatement};
use sluice_schema::ColumnType;

use super::Dialect;
use super::input::Input;
use super::roots::Compiler;
use super::select::{Columns, Fields, Rows, cell_kind, typename_field};
use crate::catalog::model::Column;
use crate::error::{Code, Error, Result};
use crate::store::json::{CellKind, OutCell, OutField, RowShape, key_bytes};

/// Digits after the point that an average has beyond its column's.
pub const AVERAGE_EXTRA_DIGITS: u8 = 4;

/// A function over one column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Function {
    /// The total.
    Sum,
    /// The mean.
    Avg,
    /// The smallest value.
    Min,
    /// The largest value.
    Max,
}

/// The functions with their names in GraphQL.
pub const FUNCTIONS: [(&str, Function); 4] = [
    ("sum", Function::Sum),
    ("avg", Function::Avg),
    ("min", Function::Min),
    ("max", Function::Max),
];

/// The type that a function answers for a column; `None` where it has no meaning.
pub fn result_type(function: Function, column: &Column) -> Option<ColumnType> {
    let is_number = matches!(
        column.column_type,
        ColumnType::Int | ColumnType::BigInt | ColumnType::Decimal { .. } | ColumnType::Float
    );
    match function {
        Function::Sum | Function::Avg if !is_number || column.generated => None,
        Function::Sum => Some(match column.column_type {
            ColumnType::Int => ColumnType::BigInt,
            other => other,
        }),
        Function::Avg => Some(match column.column_type {
            decimal @ ColumnType::Decimal { .. } => decimal,
            _ => ColumnType::Float,
        }),
        Function::Min | Function::Max => match column.column_type {
            ColumnType::Boolean | ColumnType::Json | ColumnType::Uuid => None,
            other => Some(other),
        },
    }
}

/// The expressions of an aggregate's SELECT, each once.
#[derive(Default)]
pub(super) struct Expressions(Vec<(String, Expr)>);

/// The label of gathered rows, which are no aggregate of the SELECT they stand in.
const ROWS_LABEL: &str = "rows";

impl Expressions {
    /// Whether any of them runs over the rows of the SELECT.
    pub(super) fn has_aggregates(&self) -> bool {
        self.0.iter().any(|(label, _)| label != ROWS_LABEL)
    }

    /// Adds the gathered rows of another SELECT.
    pub(super) fn push_rows(&mut self, rows: Expr) -> usize {
        self.0.push((ROWS_LABEL.to_owned(), rows));
        self.0.len() - 1
    }

    /// The position of an expression; `label` tells equal ones apart.
    fn position(&mut self, label: String, make: impl FnOnce() -> Expr) -> usize {
        match self.0.iter().position(|(known, _)| *known == label) {
            Some(position) => position,
            None => {
                self.0.push((label, make()));
                self.0.len() - 1
            }
        }
    }

    /// Adds them to a SELECT, each under its [`expression_name`].
    pub(super) fn select_into(self, select: &mut SelectStatement) {
        if self.0.is_empty() {
            select.expr(Expr::cust("1"));
        }
        for (position, (_, expression)) in self.0.into_iter().enumerate() {
            select.expr_as(expression, Alias::new(expression_name(position)));
        }
    }

    /// The names of them all.
    pub(super) fn names(&self) -> Vec<String> {
        (0..self.0.len()).map(expression_name).collect()
    }

    /// Adds one that stands alone.
    pub(super) fn push(&mut self, expression: Expr) -> usize {
        self.0.push((format!("#{}", self.0.len()), expression));
        self.0.len() - 1
    }
}

fn expression_name(position: usize) -> String {
    format!("_a{position}")
}

impl<'d> Compiler<'d> {
    /// The shape of `aggregate { … }`; its expressions are added, and the physical columns they
    /// read.
    ///
    /// # Errors
    /// BAD_USER_INPUT for fields that the dataset does not have.
    pub(super) fn aggregate_shape(
        &mut self,
        rows: &Rows<'d>,
        fields: &Fields<'d>,
        expressions: &mut Expressions,
        columns: &mut Columns,
    ) -> Result<RowShape> {
        let mut shape = RowShape::with_capacity(fields.len());
        for (key, merged) in fields {
            let Some(field) = merged.first() else { continue };
            let name = field.name.node.as_str();
            if name == "__typename" {
                let type_name = format!("{}AggregateFields", rows.dataset.type_name);
                shape.push(typename_field(key, &type_name));
                continue;
            }
            let cell = if name == "count" {
                let counted = field.get_argument("columns").map(|value| &value.node);
                let distinct = field.get_argument("distinct").map(|value| &value.node);
                let expression = self.count(
                    rows,
                    counted.map(Input::Written).as_ref(),
                    distinct.map(Input::Written).as_ref(),
                    columns,
                )?;
                let index = expressions.push(expression);
                OutCell::Column { index, kind: CellKind::Int }
            } else {
                let Some((_, function)) = FUNCTIONS.iter().find(|(known, _)| *known == name) else {
                    return Err(Error::bad_input(format!("An aggregate has no field {name:?}.")));
                };
                let below = self.collect_below(merged)?;
                OutCell::Object(self.function_shape(
                    rows,
                    *function,
                    &below,
                    expressions,
                    columns,
                )?)
            };
            shape.push(OutField { key: key_bytes(key), cell });
        }
        Ok(shape)
    }

    fn function_shape(
        &mut self,
        rows: &Rows<'d>,
        function: Function,
        fields: &Fields<'d>,
        expressions: &mut Expressions,
        columns: &mut Columns,
    ) -> Result<RowShape> {
        let mut shape = RowShape::with_capacity(fields.len());
        for (key, merged) in fields {
            let Some(field) = merged.first() else { continue };
            let name = field.name.node.as_str();
            if name == "__typename" {
                let type_name = format!("{}{function:?}Fields", rows.dataset.type_name);
                shape.push(typename_field(key, &type_name));
                continue;
            }
            let found = rows.dataset.columns.iter().find(|column| column.name == name);
            let answer = found.and_then(|column| Some((column, result_type(function, column)?)));
            let Some((column, answer)) = answer else {
                return Err(Error::bad_input(format!(
                    "{function:?} is not defined for a field {name:?} of {}.",
                    rows.dataset.name
                )));
            };
            columns.position(&column.physical);
            let cell = self.function_cell(rows, function, column, answer, expressions);
            shape.push(OutField { key: key_bytes(key), cell });
        }
        Ok(shape)
    }

    fn function_cell(
        &self,
        rows: &Rows<'_>,
        function: Function,
        column: &Column,
        answer: ColumnType,
        expressions: &mut Expressions,
    ) -> OutCell {
        let physical = &column.physical;
        let value = || rows.column(physical);
        let mut sum = || {
            expressions.position(format!("sum {physical}"), || match self.dialect {
                Dialect::Sqlite if column.column_type == ColumnType::Float => {
                    Func::cust("sluice_float_sum").arg(value()).into()
                }
                Dialect::Sqlite => Func::cust("sluice_sum").arg(value()).into(),
                Dialect::Postgres if column.column_type == ColumnType::Float => value().sum(),
                Dialect::Postgres => value().sum().cast_as("numeric"),
            })
        };
        match function {
            Function::Sum => OutCell::Column { index: sum(), kind: cell_kind(answer) },
            Function::Avg if column.column_type == ColumnType::Float => {
                let index = expressions.position(format!("avg {physical}"), || {
                    let total: Expr = match self.dialect {
                        Dialect::Sqlite => Func::cust("sluice_float_sum").arg(value()).into(),
                        Dialect::Postgres => value().sum(),
                    };
                    total.div(value().count())
                });
                OutCell::Column { index, kind: CellKind::Float }
            }
            Function::Avg => {
                let sum = sum();
                let count = expressions.position(format!("count {physical}"), || value().count());
                let (scale, digits) = match column.column_type {
                    ColumnType::Decimal { scale, .. } => {
                        (scale, Some(scale.saturating_add(AVERAGE_EXTRA_DIGITS)))
                    }
                    _ => (0, None),
                };
                OutCell::Average { sum, count, scale, digits }
            }
            Function::Min | Function::Max => {
                let is_min = function == Function::Min;
                let index = expressions.position(format!("{is_min} {physical}"), || {
                    if is_min { value().min() } else { value().max() }
                });
                OutCell::Column { index, kind: cell_kind(answer) }
            }
        }
    }

    /// `count(columns, distinct)`: rows in which all the columns have a value.
    pub(super) fn count(
        &mut self,
        rows: &Rows<'_>,
        counted: Option<&Input<'_>>,
        distinct: Option<&Input<'_>>,
        columns: &mut Columns,
    ) -> Result<Expr> {
        let is_distinct = match distinct {
            Some(input) if self.reader.presence(input) == Some(true) => {
                self.reader.boolean(input, "count.distinct")?
            }
            _ => false,
        };
        let counted = counted.filter(|input| self.reader.presence(input) == Some(true));
        let physical = self.distinct_columns(rows.dataset, counted, "count.columns")?;
        for column in &physical {
            columns.position(column);
        }
        let values: Vec<Expr> = physical.iter().map(|column| rows.column(column)).collect();
        let all_present =
            values.iter().cloned().map(ExprTrait::is_not_null).reduce(|a, b| a.and(b));
        Ok(match (values.as_slice(), is_distinct) {
            ([], _) => Expr::cust("COUNT(*)"),
            ([one], false) => one.clone().count(),
            ([one], true) => one.clone().count_distinct(),
            (several, _) => {
                let condition = all_present.unwrap_or_else(|| Expr::cust("1 = 1"));
                if is_distinct {
                    let together: Expr = match self.dialect {
                        Dialect::Sqlite => {
                            Func::cust("json_array").args(several.iter().cloned()).into()
                        }
                        Dialect::Postgres => Func::cust("ROW").args(several.iter().cloned()).into(),
                    };
                    let template = match self.dialect {
                        Dialect::Sqlite => "COUNT(DISTINCT ?) FILTER (WHERE ?)",
                        Dialect::Postgres => "COUNT(DISTINCT $1) FILTER (WHERE $2)",
                    };
                    Expr::cust_with_exprs(template, [together, condition])
                } else {
                    let template = match self.dialect {
                        Dialect::Sqlite => "COUNT(*) FILTER (WHERE ?)",
                        Dialect::Postgres => "COUNT(*) FILTER (WHERE $1)",
                    };
                    Expr::cust_with_exprs(template, [condition])
                }
            }
        })
    }

    /// Gathers the rows of a SELECT into one value, in their order; `names` are what it answers.
    ///
    /// # Errors
    /// QUERY_TOO_COMPLEX for more fields than a gathered row may have.
    pub(super) fn gather(&self, rows: SelectStatement, names: &[String]) -> Result<Expr> {
        const GATHERED: &str = "n";
        /// What both stores take as arguments of one function or fields of one record.
        const MAX_FIELDS: usize = 1_000;
        if names.len() > MAX_FIELDS {
            return Err(Error::new(
                Code::QueryTooComplex,
                format!("A nested selection has more than {MAX_FIELDS} fields, the limit."),
            ));
        }
        let cells: Vec<Expr> =
            names.iter().map(|name| Expr::col((GATHERED, name.clone()))).collect();
        let cells = if cells.is_empty() { vec![Expr::cust("1")] } else { cells };
        let all: Expr = match self.dialect {
            Dialect::Sqlite => Func::cust("sluice_rows").args(cells).into(),
            Dialect::Postgres => Func::cust("array_agg").arg(Func::cust("ROW").args(cells)).into(),
        };
        let mut select = Query::select();
        select.expr(all).from_subquery(rows, GATHERED);
        Ok(Expr::SubQuery(None, Box::new(select.into())))
    }
}
