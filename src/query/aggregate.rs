//! Turns the selection of an aggregate into the expressions of one SELECT.
//!
//! Numbers are added exactly and rounded once, so that both stores answer the same digits: whole
//! numbers and decimals as they are, doubles as the shortest decimals that they print as. The rows
//! beside an aggregate (`nodes`) are gathered into one value of the same statement.

use sea_query::{Alias, Expr, ExprTrait, Func, Query, SelectStatement};
use sluice_schema::ColumnType;

use super::Dialect;
use super::columns::Measured;
use super::input::Input;
use super::roots::Compiler;
use super::select::{Columns, Fields, Rows, cell_kind, typename_field};
use crate::catalog::model::Column;
use crate::error::{Code, Error, Result};
use crate::store::json::{CellKind, OutCell, OutField, RowShape, key_bytes};
use crate::store::postgres::functions::DOUBLE;
use sluice_columnar::exact::Spread;

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
    /// How far values are from their mean.
    Spread(Spread),
}

const fn spread(is_sample: bool, is_root: bool) -> Function {
    Function::Spread(Spread { is_sample, is_root })
}

/// The functions with their names in GraphQL.
pub const FUNCTIONS: [(&str, Function); 10] = [
    ("sum", Function::Sum),
    ("avg", Function::Avg),
    ("min", Function::Min),
    ("max", Function::Max),
    ("stddev", spread(true, true)),
    ("stddevPop", spread(false, true)),
    ("stddevSamp", spread(true, true)),
    ("variance", spread(true, false)),
    ("varPop", spread(false, false)),
    ("varSamp", spread(true, false)),
];

impl Function {
    /// What the types made for it are called: `OrdersSumFields`; all spreads share one.
    pub fn type_stem(self) -> &'static str {
        match self {
            Function::Sum => "Sum",
            Function::Avg => "Avg",
            Function::Min => "Min",
            Function::Max => "Max",
            Function::Spread(_) => "Spread",
        }
    }

    /// The functions whose types differ: one for each stem.
    pub fn stems() -> impl Iterator<Item = Function> {
        FUNCTIONS.iter().take(5).map(|(_, function)| *function)
    }
}

/// The type that a function answers for a column; `None` where it has no meaning.
pub fn result_type(function: Function, column: &Column) -> Option<ColumnType> {
    let is_number = matches!(
        column.column_type,
        ColumnType::Int | ColumnType::BigInt | ColumnType::Decimal { .. } | ColumnType::Float
    );
    match function {
        Function::Sum | Function::Avg | Function::Spread(_) if !is_number || column.generated => {
            None
        }
        Function::Sum => Some(match column.column_type {
            ColumnType::Int => ColumnType::BigInt,
            other => other,
        }),
        Function::Avg => Some(match column.column_type {
            ColumnType::Decimal { precision, scale } => {
                ColumnType::Decimal { precision, scale: scale.saturating_add(AVERAGE_EXTRA_DIGITS) }
            }
            _ => ColumnType::Float,
        }),
        Function::Spread(_) => Some(ColumnType::Float),
        Function::Min | Function::Max => match column.column_type {
            ColumnType::Boolean | ColumnType::Json | ColumnType::Uuid => None,
            other => Some(other),
        },
    }
}

/// The expressions of an aggregate's SELECT, each once.
#[derive(Default)]
pub(super) struct Expressions(Vec<Made>);

/// One of them: its label, and what it is where columns can tell it.
struct Made {
    label: String,
    value: Expr,
    measured: Option<Measured>,
}

/// The label of what is no aggregate of the SELECT it stands in: gathered rows, known values.
const KNOWN_LABEL: &str = "known";

impl Expressions {
    /// Whether any of them runs over the rows of the SELECT.
    pub(super) fn has_aggregates(&self) -> bool {
        self.0.iter().any(|made| made.label != KNOWN_LABEL)
    }

    /// What they are for columns, in their order.
    pub(super) fn measured(&self) -> Vec<Option<Measured>> {
        self.0.iter().map(|made| made.measured.clone()).collect()
    }

    /// Adds what does not run over the rows of the SELECT: the gathered rows of another, a value.
    pub(super) fn push_known(&mut self, value: Expr, measured: Option<Measured>) -> usize {
        self.0.push(Made { label: KNOWN_LABEL.to_owned(), value, measured });
        self.0.len() - 1
    }

    /// The position of an expression; `label` tells equal ones apart.
    fn position(
        &mut self,
        label: String,
        measured: Measured,
        make: impl FnOnce() -> Expr,
    ) -> usize {
        match self.0.iter().position(|made| made.label == label) {
            Some(position) => position,
            None => {
                self.0.push(Made { label, value: make(), measured: Some(measured) });
                self.0.len() - 1
            }
        }
    }

    /// Adds them to a SELECT, each under its [`expression_name`].
    pub(super) fn select_into(self, select: &mut SelectStatement) {
        if self.0.is_empty() {
            select.expr(Expr::cust("1"));
        }
        for (position, made) in self.0.into_iter().enumerate() {
            select.expr_as(made.value, Alias::new(expression_name(position)));
        }
    }

    /// The names of them all.
    pub(super) fn names(&self) -> Vec<String> {
        (0..self.0.len()).map(expression_name).collect()
    }

    /// Adds one that stands alone.
    pub(super) fn push(&mut self, value: Expr, measured: Option<Measured>) -> usize {
        let label = format!("#{}", self.0.len());
        self.0.push(Made { label, value, measured });
        self.0.len() - 1
    }
}

/// One key of an order by aggregates.
pub(super) struct AggregateOrder<'i> {
    /// The function and its field; `None` for the number of rows.
    pub(super) of: Option<(Function, String)>,
    pub(super) direction: Input<'i>,
    pub(super) place: String,
}

fn expression_name(position: usize) -> String {
    format!("_a{position}")
}

impl<'d> Compiler<'d> {
    /// The shape of `aggregate { … }`; its expressions are added, and the physical columns they
    /// read. `n_rows` stands for the number of rows where that is known.
    ///
    /// # Errors
    /// BAD_USER_INPUT for fields that the dataset does not have.
    pub(super) fn aggregate_shape(
        &mut self,
        rows: &Rows<'d>,
        fields: &Fields<'d>,
        n_rows: Option<&(Expr, usize)>,
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
                let index = match n_rows {
                    Some((n_rows, slot)) if counted.is_none() => {
                        expressions.push_known(n_rows.clone(), Some(Measured::Known(*slot)))
                    }
                    _ => {
                        let counted = counted.map(Input::Written);
                        let distinct = distinct.map(Input::Written);
                        let (count, measured) =
                            self.count(rows, counted.as_ref(), distinct.as_ref(), columns)?;
                        expressions.push(count, Some(measured))
                    }
                };
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
                let stem = function.type_stem();
                let type_name = format!("{}{stem}Fields", rows.dataset.type_name);
                shape.push(typename_field(key, &type_name));
                continue;
            }
            let (column, answer) = function_column(rows, function, name)?;
            columns.position(&column.physical);
            let label = format!("{function:?} {}", column.physical);
            let measured = Measured::Function(function, name.to_owned());
            let value = || self.function_value(rows, function, column);
            let index = expressions.position(label, measured, value);
            let cell = OutCell::Column { index, kind: cell_kind(answer) };
            shape.push(OutField { key: key_bytes(key), cell });
        }
        Ok(shape)
    }

    /// What a function answers for a column, exact until one last rounding, the same on both stores:
    /// sums and averages of whole numbers and decimals as [`result_type`] says, the others as the
    /// nearest double.
    pub(super) fn function_value(
        &self,
        rows: &Rows<'_>,
        function: Function,
        column: &Column,
    ) -> Expr {
        let value = rows.column(&column.physical);
        match (function, self.dialect) {
            (Function::Min, _) => value.min(),
            (Function::Max, _) => value.max(),
            (_, Dialect::Sqlite) => sqlite_value(function, column.column_type, value),
            (_, Dialect::Postgres) => postgres_value(function, column.column_type, value),
        }
    }

    /// The same in a form that sorts, and is compared, as the numbers do, and its type.
    ///
    /// # Errors
    /// When the function is not defined for the column.
    pub(super) fn sortable_value(
        &self,
        rows: &Rows<'_>,
        function: Function,
        column: &Column,
    ) -> Result<(Expr, ColumnType)> {
        /// Digits of the widest decimal that is compared.
        const MAX_DIGITS: u8 = 38;
        let answer = result_type(function, column).ok_or_else(|| {
            Error::internal("a function over a column that it has no meaning for")
        })?;
        let value = self.function_value(rows, function, column);
        if !is_wide(function, column) {
            return Ok((value, answer));
        }
        let scale = match answer {
            ColumnType::Decimal { scale, .. } => scale,
            _ => 0,
        };
        Ok(match self.dialect {
            Dialect::Sqlite => (Func::cust("sluice_rank").arg(value).into(), ColumnType::String),
            Dialect::Postgres => (value, ColumnType::Decimal { precision: MAX_DIGITS, scale }),
        })
    }

    /// `count(columns, distinct)`: rows in which all the columns have a value.
    pub(super) fn count(
        &mut self,
        rows: &Rows<'_>,
        counted: Option<&Input<'_>>,
        distinct: Option<&Input<'_>>,
        columns: &mut Columns,
    ) -> Result<(Expr, Measured)> {
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
        let all_columns = rows.dataset.columns.iter();
        let values: Vec<Expr> = physical
            .iter()
            .filter_map(|name| all_columns.clone().find(|column| column.physical == *name))
            .map(|column| self.comparable(rows, column))
            .collect();
        let all_present =
            values.iter().cloned().map(ExprTrait::is_not_null).reduce(|a, b| a.and(b));
        let value = match (values.as_slice(), is_distinct) {
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
        };
        Ok((value, Measured::Count { physical, is_distinct }))
    }

    /// The keys of an order by aggregates: `{ count: DESC, max: { total: ASC } }`.
    ///
    /// # Errors
    /// BAD_USER_INPUT for what is no function.
    pub(super) fn aggregate_orders<'i>(
        &mut self,
        input: &Input<'i>,
        place: &str,
    ) -> Result<Vec<AggregateOrder<'i>>> {
        let mut orders = Vec::new();
        for (name, value) in self.reader.fields(input, place)? {
            let place = format!("{place}.{name}");
            if self.reader.presence(&value) != Some(true) {
                continue;
            }
            if name == "count" {
                orders.push(AggregateOrder { of: None, direction: value, place });
                continue;
            }
            let function = FUNCTIONS.iter().find(|(known, _)| *known == name);
            let Some((_, function)) = function else {
                return Err(Error::bad_input(format!("{place}: there is no such order.")));
            };
            for (field, direction) in self.reader.fields(&value, &place)? {
                let place = format!("{place}.{field}");
                if self.reader.presence(&direction) == Some(true) {
                    orders.push(AggregateOrder { of: Some((*function, field)), direction, place });
                }
            }
        }
        Ok(orders)
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

/// A column by its field's name, and what a function answers for it.
///
/// # Errors
/// BAD_USER_INPUT where the function is not defined.
pub(super) fn function_column<'d>(
    rows: &Rows<'d>,
    function: Function,
    name: &str,
) -> Result<(&'d Column, ColumnType)> {
    let found = rows.dataset.columns.iter().find(|column| column.name == name);
    let answer = found.and_then(|column| Some((column, result_type(function, column)?)));
    answer.ok_or_else(|| {
        Error::bad_input(format!(
            "{} is not defined for a field {name:?} of {}.",
            function.type_stem(),
            rows.dataset.name
        ))
    })
}

/// Whether what a function answers is a whole number or a decimal that may pass 64 bits.
pub(super) fn is_wide(function: Function, column: &Column) -> bool {
    let is_double = result_type(function, column) == Some(ColumnType::Float);
    matches!(function, Function::Sum | Function::Avg) && !is_double
}

fn sqlite_value(function: Function, column_type: ColumnType, value: Expr) -> Expr {
    let (name, digits) = match (function, column_type) {
        (Function::Sum, ColumnType::Float) => ("sluice_float_sum", None),
        (Function::Avg, ColumnType::Decimal { .. }) => {
            ("sluice_decimal_avg", Some(AVERAGE_EXTRA_DIGITS))
        }
        (Function::Avg, _) => ("sluice_avg", None),
        (Function::Spread(spread), column_type) => {
            let name = match (spread.is_sample, spread.is_root) {
                (true, true) => "sluice_stddev_samp",
                (true, false) => "sluice_var_samp",
                (false, true) => "sluice_stddev_pop",
                (false, false) => "sluice_var_pop",
            };
            match column_type {
                ColumnType::Decimal { scale, .. } => (name, Some(scale)),
                _ => (name, Some(0)),
            }
        }
        _ => ("sluice_sum", None),
    };
    let call = Func::cust(name).arg(value);
    match digits {
        Some(digits) => call.arg(Expr::cust(digits.to_string())).into(),
        None => call.into(),
    }
}

/// Quotients are cut after so many digits that the nearest double, found from what is left, is that
/// of the quotient itself: two doubles lie further apart than what was cut off.
fn postgres_value(function: Function, column_type: ColumnType, value: Expr) -> Expr {
    let is_float = column_type == ColumnType::Float;
    let count = value.clone().count();
    // A double counts as its shortest decimal, as on the other store.
    let number = if is_float { value.cast_as("text").cast_as("numeric") } else { value };
    let sum = number.clone().sum().cast_as("numeric");
    let double = |template: &str, parts: Vec<Expr>| {
        Expr::cust_with_exprs(format!("{DOUBLE}({template})"), parts)
    };
    let n_digits = if is_float { 1_500 } else { 300 };
    match (function, column_type) {
        (Function::Avg, ColumnType::Decimal { scale, .. }) => {
            let digits = scale.saturating_add(AVERAGE_EXTRA_DIGITS);
            // Half away from zero.
            let template =
                format!("sign($1) * div(2 * abs($1) * 1e{digits} + $2, 2 * $2) * 1e-{digits}");
            Expr::cust_with_exprs(template, [sum, count])
        }
        (Function::Avg, _) => {
            double(&format!("div($1 * 1e{n_digits}, $2) * 1e-{n_digits}"), vec![sum, count])
        }
        (Function::Spread(Spread { is_sample, is_root }), _) => {
            let squares = number.clone().cast_as("numeric").mul(number).sum();
            let divisor = if is_sample { "NULLIF($1 - 1, 0)" } else { "$1" };
            let variance =
                format!("div(($1 * $3 - $2 * $2) * 1e{n_digits}, $1 * {divisor}) * 1e-{n_digits}");
            let template = if is_root { format!("sqrt({variance})") } else { variance };
            double(&template, vec![count.cast_as("numeric"), sum, squares])
        }
        (_, ColumnType::Float) => double("$1", vec![sum]),
        _ => sum,
    }
}
