//! Turns one root field over a dataset into its statement and the slots of its values.
//!
//! It is the compiler behind [`super::plan`]: what a list, a key and an aggregate have in common is
//! here, what they select is in [`super::select`] and [`super::aggregate`]. It reads no data.

use std::sync::Arc;

use async_graphql_parser::types::Field;
use sea_query::{
    Expr, ExprTrait, PostgresQueryBuilder, Query, SelectStatement, SqliteQueryBuilder, Value,
    Values,
};

use super::Dialect;
use super::aggregate::Expressions;
use super::document::Document;
use super::input::{Input, InputReader, Origin};
use super::plan::{RootKind, RootStatement};
use super::select::{Columns, Fields, ListParts, ROWS, typename_field};
use super::value::{Side, Slot, SlotKind};
use crate::catalog::model::Dataset;
use crate::config::QueryLimits;
use crate::error::{Error, Result};
use crate::store::json::{OutCell, OutField, RootShape, RowShape, key_bytes};
use crate::store::run::{Statement, table_marker};

/// Makes one plan.
pub struct Compiler<'d> {
    pub(super) document: &'d Document,
    pub(super) reader: InputReader<'d>,
    pub(super) limits: QueryLimits,
    pub(super) default_limit: i64,
    pub(super) max_limit: i64,
    pub(super) dialect: Dialect,
    pub(super) slots: Vec<Slot>,
    pub(super) n_predicates: usize,
}

impl<'d> Compiler<'d> {
    /// A placeholder for a slot: its number travels as a bound value until the text is built.
    pub(super) fn placeholder(&mut self, slot: Slot) -> Expr {
        self.slots.push(slot);
        Expr::val(i64::try_from(self.slots.len() - 1).unwrap_or(i64::MAX))
    }

    pub(super) fn root(
        &mut self,
        dataset: &Dataset,
        kind: RootKind,
        merged: &[&'d Field],
    ) -> Result<RootStatement> {
        self.slots.clear();
        let fields = self.collect_below(merged)?;
        let Some(field) = merged.first() else {
            return Err(Error::internal("a root field without fields"));
        };
        let (select, shape, limit_slot, n_cells) = match kind {
            RootKind::List => self.list(dataset, field, &fields)?,
            RootKind::ByPk => self.by_pk(dataset, field, &fields)?,
            RootKind::Aggregate => self.aggregate(dataset, field, &fields)?,
        };
        let is_cheap = match kind {
            RootKind::ByPk => true,
            RootKind::List => self.is_cheap_list(dataset, field)?,
            RootKind::Aggregate => false,
        };
        let (sql, values) = match self.dialect {
            Dialect::Sqlite => select.build(SqliteQueryBuilder),
            Dialect::Postgres => select.build(PostgresQueryBuilder),
        };
        let all = std::mem::take(&mut self.slots);
        let mut limit_position = None;
        let mut slots = Vec::with_capacity(all.len());
        for number in slot_numbers(&values)? {
            if Some(number) == limit_slot {
                limit_position = Some(slots.len());
            }
            let slot = all.get(number).cloned();
            slots.push(slot.ok_or_else(|| Error::internal("a placeholder without a slot"))?);
        }
        Ok(RootStatement {
            statement: Arc::new(Statement::new(&sql, shape, is_cheap)),
            slots,
            dataset: dataset.id,
            n_cells,
            limit_slot: limit_position,
        })
    }

    fn list(
        &mut self,
        dataset: &Dataset,
        field: &'d Field,
        fields: &Fields<'d>,
    ) -> Result<(SelectStatement, RootShape, Option<usize>, u64)> {
        let mut columns = Columns::default();
        let shape = self.row_shape(dataset, fields, &mut columns)?;
        let n_cells = count_cells(&shape);
        let (select, limit_slot) = self.rows(dataset, field, &columns, true)?;
        Ok((select, RootShape::List(shape), limit_slot, n_cells))
    }

    fn by_pk(
        &mut self,
        dataset: &Dataset,
        field: &'d Field,
        fields: &Fields<'d>,
    ) -> Result<(SelectStatement, RootShape, Option<usize>, u64)> {
        let mut columns = Columns::default();
        let shape = self.row_shape(dataset, fields, &mut columns)?;
        let n_cells = count_cells(&shape);
        let key = dataset.columns.get(dataset.key);
        let key = key.ok_or_else(|| Error::internal("a dataset without its key"))?;
        let argument = self.argument(field, &key.name).ok_or_else(|| {
            Error::bad_input(format!("{} needs the argument {:?}.", field.name.node, key.name))
        })?;
        let kind = SlotKind::Scalar(key.column_type, Side::Exact);
        let value = self.slot(&argument, kind, &key.name)?;
        let mut select = Query::select();
        select_columns(&mut select, &columns);
        select
            .from_as(table_marker(0), ROWS)
            .and_where(Expr::col((ROWS, key.physical.clone())).eq(value));
        Ok((select, RootShape::Optional(shape), None, n_cells))
    }

    fn aggregate(
        &mut self,
        dataset: &Dataset,
        field: &'d Field,
        fields: &Fields<'d>,
    ) -> Result<(SelectStatement, RootShape, Option<usize>, u64)> {
        let mut shape = RowShape::new();
        let mut expressions = Expressions::default();
        let mut read = Columns::default();
        let mut limit_slot = None;
        let mut n_cells = 0;
        for (key, merged) in fields {
            let Some(selected) = merged.first() else { continue };
            let cell = match selected.name.node.as_str() {
                "__typename" => {
                    let type_name = format!("{}Aggregate", dataset.type_name);
                    shape.push(typename_field(key, &type_name));
                    continue;
                }
                "aggregate" => {
                    let below = self.collect_below(merged)?;
                    let shape =
                        self.aggregate_shape(dataset, &below, &mut expressions, &mut read)?;
                    OutCell::Object(shape)
                }
                "nodes" => {
                    let below = self.collect_below(merged)?;
                    let mut columns = Columns::default();
                    let shape = self.row_shape(dataset, &below, &mut columns)?;
                    n_cells += count_cells(&shape);
                    let (rows, slot) = self.rows(dataset, field, &columns, true)?;
                    limit_slot = slot;
                    let index = expressions.push_rows(self.gather(rows, &columns));
                    OutCell::Rows { index, shape }
                }
                other => {
                    return Err(Error::bad_input(format!("An aggregate has no field {other:?}.")));
                }
            };
            shape.push(OutField { key: key_bytes(key), cell });
        }
        let has_aggregates = expressions.has_aggregates();
        let has_window = ["limit", "offset", "distinctOn"]
            .iter()
            .any(|name| self.argument(field, name).is_some());
        let mut select = Query::select();
        expressions.select_into(&mut select);
        if !has_aggregates {
            // Only nodes, which stand in a subquery of their own: one row, whatever matches.
        } else if has_window {
            let (rows, _) = self.rows(dataset, field, &read, false)?;
            select.from_subquery(rows, ROWS);
        } else {
            select.from_as(table_marker(0), ROWS);
            let condition = self.argument(field, "where");
            let condition = condition
                .map(|input| self.condition(dataset, ROWS, &input, "where", 0))
                .transpose()?
                .flatten();
            if let Some(condition) = condition {
                select.and_where(condition);
            }
        }
        Ok((select, RootShape::Single(shape), limit_slot, n_cells))
    }

    /// The SELECT of the rows that a list's arguments ask for.
    fn rows(
        &mut self,
        dataset: &Dataset,
        field: &'d Field,
        columns: &Columns,
        has_default_limit: bool,
    ) -> Result<(SelectStatement, Option<usize>)> {
        let condition = match self.argument(field, "where") {
            Some(input) => self.condition(dataset, ROWS, &input, "where", 0)?,
            None => None,
        };
        let order = self.argument(field, "orderBy");
        let order = self.order_keys(dataset, order.as_ref())?;
        let distinct = self.argument(field, "distinctOn");
        let distinct = self.distinct_columns(dataset, distinct.as_ref(), "distinctOn")?;
        let mut select = ListParts { condition, order, distinct }.select(table_marker(0));
        select_columns(&mut select, columns);
        let limit = self.argument(field, "limit");
        let mut limit_slot = None;
        if limit.is_some() || has_default_limit {
            let slot = self.limit_slot(limit.as_ref())?;
            select.limit(u64::try_from(slot).unwrap_or(u64::MAX));
            limit_slot = Some(slot);
        }
        if let Some(offset) = self.argument(field, "offset") {
            let origin = self.reader.origin(&offset, "offset")?;
            self.slots.push(Slot { origin, kind: SlotKind::Offset, place: Box::from("offset") });
            if limit_slot.is_none() && self.dialect == Dialect::Sqlite {
                // SQLite has no OFFSET without LIMIT.
                let everything = Origin::Constant(i64::MAX.into());
                let kind = SlotKind::Limit(i64::MAX);
                self.slots.push(Slot { origin: everything, kind, place: Box::from("limit") });
                select.limit(u64::try_from(self.slots.len() - 1).unwrap_or(u64::MAX));
                select.offset(u64::try_from(self.slots.len() - 2).unwrap_or(u64::MAX));
            } else {
                select.offset(u64::try_from(self.slots.len() - 1).unwrap_or(u64::MAX));
            }
        }
        Ok((select, limit_slot))
    }

    /// An argument that has a value.
    pub(super) fn argument(&mut self, field: &'d Field, name: &str) -> Option<Input<'d>> {
        let input = Input::Written(&field.get_argument(name)?.node);
        let input = self.reader.follow(input);
        (self.reader.presence(&input) == Some(true)).then_some(input)
    }

    /// Whether a list touches few rows whatever its values are: rows in file order, or an index
    /// that fits the filter and the order.
    fn is_cheap_list(&mut self, dataset: &Dataset, field: &'d Field) -> Result<bool> {
        if ["offset", "distinctOn"].iter().any(|name| self.argument(field, name).is_some()) {
            return Ok(false);
        }
        let mut equal = Vec::new();
        if let Some(input) = self.argument(field, "where") {
            for (column, operators) in self.reader.fields(&input, "where")? {
                if column.starts_with('_') {
                    return Ok(false);
                }
                let operators = self.reader.fields(&operators, "where")?;
                if !matches!(operators.as_slice(), [(name, _)] if name == "_eq") {
                    return Ok(false);
                }
                equal.push(column);
            }
        }
        let order = self.argument(field, "orderBy");
        let order = self.order_keys(dataset, order.as_ref())?;
        if equal.is_empty() && order.is_empty() {
            return Ok(true);
        }
        let fits = |columns: &[String]| {
            let (filtered, sorted) = columns.split_at(equal.len().min(columns.len()));
            filtered.len() == equal.len()
                && filtered.iter().all(|column| equal.contains(column))
                && order.len() <= sorted.len()
                && order.iter().zip(sorted).all(|(key, column)| key.field == *column)
        };
        Ok(dataset.indexes.iter().any(|index| fits(&index.columns)))
    }
}

fn select_columns(select: &mut SelectStatement, columns: &Columns) {
    if columns.names().is_empty() {
        select.expr(Expr::cust("1"));
    }
    for column in columns.names() {
        select.column((ROWS, column.clone()));
    }
}

/// Cells that one object answers.
fn count_cells(shape: &RowShape) -> u64 {
    u64::try_from(shape.len()).unwrap_or(u64::MAX)
}

/// The numbers of the slots behind a statement's placeholders.
fn slot_numbers(values: &Values) -> Result<Vec<usize>> {
    values
        .iter()
        .map(|value| match value {
            Value::BigInt(Some(number)) => usize::try_from(*number).ok(),
            Value::BigUnsigned(Some(number)) => usize::try_from(*number).ok(),
            _ => None,
        })
        .map(|number| number.ok_or_else(|| Error::internal("a placeholder that is no slot")))
        .collect()
}
