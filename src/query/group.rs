//! Turns `ordersGroupBy` into one SELECT: rows filtered, put into groups, aggregated, sorted.
//!
//! The keys are computed in a subquery, so that what is bound in them stands in the statement once.
//! Groups come in the order of their keys, missing ones last, unless another order is asked for;
//! the keys are always its end, so that pages never overlap.

use async_graphql_parser::types::Field;
use sea_query::{Alias, Expr, ExprTrait, Func, NullOrdering, Order, Query, SelectStatement};
use sluice_schema::{ColumnType, naming};

use super::Dialect;
use super::aggregate::{AggregateOrder, Expressions, function_column};
use super::columns::{GroupKey, KeyBy, Measured, Question};
use super::cost::Cost;
use super::input::Input;
use super::roots::Compiler;
use super::select::{Columns, Fields, OrderKey, Rows, cell_kind, literal_field, typename_field};
use super::value::{Slot, SlotKind};
use crate::catalog::model::{Column, Dataset};
use crate::error::{Code, Error, Result};
use crate::store::bin;
use crate::store::json::{OutCell, OutField, RootShape, RowShape, key_bytes};
use crate::store::period::Period;
use crate::store::postgres::functions::DOUBLE;

/// What rows of a group have in common.
struct Key<'d> {
    column: &'d Column,
    /// What it is called in the subquery.
    name: String,
    /// What it is in there.
    value: Expr,
    /// The same for columns.
    by: KeyBy<'d>,
}

impl<'d> Compiler<'d> {
    /// The statement of a group-by.
    ///
    /// # Errors
    /// BAD_USER_INPUT for fields and arguments that do not fit, QUERY_TOO_COMPLEX and
    /// QUERY_TOO_DEEP beyond the limits.
    pub(super) fn group_by(
        &mut self,
        rows: &Rows<'d>,
        field: &'d Field,
        fields: &Fields<'d>,
    ) -> Result<(SelectStatement, RootShape, Cost, Option<Question>)> {
        let keys = self.group_keys(rows, field)?;
        let mut expressions = Expressions::default();
        let mut read = Columns::default();
        let mut each = Cost::default();
        let shape =
            self.group_shape(rows, &keys, fields, &mut expressions, &mut read, &mut each)?;
        let having = match self.argument(field, "having") {
            Some(input) => self.having(rows, &input, &mut read)?,
            None => None,
        };
        let order = self.group_order(rows, &keys, field, &mut read)?;

        let asked: Vec<GroupKey<'d>> =
            keys.iter().map(|key| GroupKey { column: key.column, by: key.by.clone() }).collect();
        let measured = expressions.measured();

        let mut inner = Query::select();
        let names: Vec<String> = keys.iter().map(|key| key.name.clone()).collect();
        for key in keys {
            inner.expr_as(key.value, Alias::new(key.name));
        }
        read.select_into_more(&mut inner, rows);
        rows.read_in(&mut inner);
        if let Some(condition) = self.filter(rows, field)? {
            inner.and_where(condition);
        }
        let mut select = Query::select();
        expressions.select_into(&mut select);
        select.from_subquery(inner, rows.alias.clone());
        select.add_group_by(names.iter().map(|name| rows.column(name)));
        if let Some(having) = having {
            select.and_having(having);
        }
        for key in order {
            select.order_by_expr_with_nulls(key.value, key.order, key.nulls);
        }
        for name in &names {
            select.order_by_expr_with_nulls(rows.column(name), Order::Asc, NullOrdering::Last);
        }
        let limit = self.argument(field, "limit");
        let origin = self.size_origin(rows.dataset, limit.as_ref(), "limit")?;
        let limit_slot = self.limit_slot(rows.dataset, origin);
        select.limit(u64::try_from(limit_slot).unwrap_or(u64::MAX));
        let mut offset_slot = None;
        if let Some(offset) = self.argument(field, "offset") {
            let origin = self.reader.origin(&offset, "offset")?;
            self.slots.push(Slot { origin, kind: SlotKind::Offset, place: Box::from("offset") });
            select.offset(u64::try_from(self.slots.len() - 1).unwrap_or(u64::MAX));
            offset_slot = Some(self.slots.len() - 1);
        }
        let question =
            self.ask_groups(rows, field, &asked, &measured, Some(limit_slot), offset_slot)?;
        let cost = Cost::of_list(Some(limit_slot), each);
        Ok((select, RootShape::List(shape), cost, question))
    }

    /// The keys of an argument `by`.
    fn group_keys(&mut self, rows: &Rows<'d>, field: &'d Field) -> Result<Vec<Key<'d>>> {
        let mut keys: Vec<Key<'d>> = Vec::new();
        let items = match self.argument(field, "by") {
            Some(input) => self.reader.items(&input),
            None => Vec::new(),
        };
        for item in items {
            let name = format!("_k{}", keys.len());
            let key = self.group_key(rows, &item, name)?;
            let column = key.column;
            if keys.iter().any(|known| known.column.physical == column.physical) {
                let shown = naming::enum_name(&column.name);
                return Err(Error::bad_input(format!(
                    "by names {shown} twice. A column can be a key once: group by the finer one, or ask twice."
                )));
            }
            keys.push(key);
            if keys.len() > self.limits.max_sort_keys {
                return Err(Error::new(
                    Code::QueryTooComplex,
                    format!("by has more than {} keys, the limit.", self.limits.max_sort_keys),
                ));
            }
        }
        if keys.is_empty() {
            let name = &rows.dataset.name;
            return Err(Error::bad_input(format!(
                "by is empty; name at least one column. For one answer over all rows use {name}Aggregate."
            )));
        }
        Ok(keys)
    }

    fn group_key(&mut self, rows: &Rows<'d>, item: &Input<'d>, name: String) -> Result<Key<'d>> {
        const PLACE: &str = "by";
        let (mut column, mut truncate, mut bin) = (None, None, None);
        for (part, value) in self.reader.fields(item, PLACE)? {
            if self.reader.presence(&value) != Some(true) {
                continue;
            }
            match part.as_str() {
                "column" => column = Some(self.reader.enum_name(&value, "by.column")?),
                "truncate" => truncate = Some(self.reader.enum_name(&value, "by.truncate")?),
                "bin" => bin = Some(value),
                _ => return Err(Error::bad_input(format!("{PLACE} has no field {part:?}."))),
            }
        }
        let column = column.ok_or_else(|| Error::bad_input("by needs its column."))?;
        let column = column_named(rows.dataset, &column)?;
        let value = rows.column(&column.physical);
        let (value, by) = match (truncate, bin) {
            (None, None) => (value, KeyBy::Value),
            (Some(period), None) => {
                let period = Period::named(&period).ok_or_else(|| {
                    Error::bad_input(format!("by.truncate: {period} is no period."))
                })?;
                (self.truncated(value, column, period)?, KeyBy::Truncated(period))
            }
            (None, Some(width)) => (self.binned(value, column, &width)?, KeyBy::Binned(width)),
            (Some(_), Some(_)) => {
                return Err(Error::bad_input(
                    "by: a key is truncated (dates) or put in bins (numbers), not both.",
                ));
            }
        };
        Ok(Key { column, name, value, by })
    }

    /// The first day or instant of the period.
    fn truncated(&self, value: Expr, column: &Column, period: Period) -> Result<Expr> {
        let is_date = column.column_type == ColumnType::Date;
        let has_time =
            matches!(column.column_type, ColumnType::LocalDateTime | ColumnType::DateTime);
        if !(has_time || is_date && period != Period::Hour) {
            return Err(Error::bad_input(format!(
                "by.truncate: {} is of type {}; dates can be truncated to DAY and longer, date-times to HOUR, too.",
                naming::enum_name(&column.name),
                column.column_type.name()
            )));
        }
        let name = Expr::cust(format!("'{}'", period.name()));
        Ok(match self.dialect {
            Dialect::Sqlite => Func::cust("sluice_truncate").arg(value).arg(name).into(),
            Dialect::Postgres if is_date => {
                let moment = value.cast_as("timestamp");
                Expr::from(Func::cust("date_trunc").arg(name).arg(moment)).cast_as("date")
            }
            // The session's time zone is UTC.
            Dialect::Postgres => Func::cust("date_trunc").arg(name).arg(value).into(),
        })
    }

    /// The lower bound of the bin.
    fn binned(&mut self, value: Expr, column: &Column, width: &Input<'_>) -> Result<Expr> {
        let column_type = column.column_type;
        let lowest = match column_type {
            ColumnType::Int
            | ColumnType::BigInt
            | ColumnType::Decimal { .. }
            | ColumnType::Float => bin::lowest(column_type),
            other => {
                return Err(Error::bad_input(format!(
                    "by.bin: {} is of type {}; numbers can be put in bins.",
                    naming::enum_name(&column.name),
                    other.name()
                )));
            }
        };
        let width = self.slot(width, SlotKind::BinWidth(column_type), "by.bin")?;
        Ok(match (self.dialect, column_type) {
            (Dialect::Sqlite, ColumnType::Float) => {
                Func::cust("sluice_float_bin").arg(value).arg(width).into()
            }
            (Dialect::Sqlite, _) => {
                let lowest = Expr::cust(lowest.to_string());
                Func::cust("sluice_bin").arg(value).arg(width).arg(lowest).into()
            }
            (Dialect::Postgres, _) => {
                let number = match column_type {
                    ColumnType::Float => value.cast_as("text").cast_as("numeric"),
                    _ => value.cast_as("numeric"),
                };
                let bound =
                    Expr::cust_with_exprs("$1 - mod(mod($1, $2) + $2, $2)", [number, width]);
                let within = |bound: Expr| {
                    let template = format!("CASE WHEN $1 < {lowest} THEN {lowest} ELSE $1 END");
                    Expr::cust_with_exprs(template, [bound])
                };
                match column_type {
                    ColumnType::Float => Func::cust(DOUBLE).arg(bound).into(),
                    ColumnType::Int => within(bound).cast_as("integer"),
                    ColumnType::BigInt => within(bound).cast_as("bigint"),
                    _ => bound,
                }
            }
        })
    }

    fn group_shape(
        &mut self,
        rows: &Rows<'d>,
        keys: &[Key<'d>],
        fields: &Fields<'d>,
        expressions: &mut Expressions,
        read: &mut Columns,
        cost: &mut Cost,
    ) -> Result<RowShape> {
        let type_name = &rows.dataset.type_name;
        let mut shape = RowShape::with_capacity(fields.len());
        for (key, merged) in fields {
            let Some(field) = merged.first() else { continue };
            let cell = match field.name.node.as_str() {
                "__typename" => {
                    cost.n_cells += 1;
                    shape.push(typename_field(key, &format!("{type_name}Group")));
                    continue;
                }
                "keys" => {
                    let below = self.collect_below(merged)?;
                    OutCell::Object(keys_shape(rows, keys, &below, expressions)?)
                }
                "aggregate" => {
                    let below = self.collect_below(merged)?;
                    OutCell::Object(self.aggregate_shape(rows, &below, None, expressions, read)?)
                }
                other => {
                    return Err(Error::bad_input(format!("A group has no field {other:?}.")));
                }
            };
            cost.n_cells += n_cells(&cell);
            shape.push(OutField { key: key_bytes(key), cell });
        }
        Ok(shape)
    }

    /// The keys of an argument `orderBy`: `{ keys: {…}, aggregate: {…} }`.
    fn group_order(
        &mut self,
        rows: &Rows<'d>,
        keys: &[Key<'d>],
        field: &'d Field,
        read: &mut Columns,
    ) -> Result<Vec<OrderKey>> {
        const PLACE: &str = "orderBy";
        let mut order = Vec::new();
        let Some(input) = self.argument(field, PLACE) else { return Ok(order) };
        for item in self.reader.items(&input) {
            if self.reader.presence(&item) != Some(true) {
                continue;
            }
            for (part, value) in self.reader.fields(&item, PLACE)? {
                let place = format!("{PLACE}.{part}");
                if self.reader.presence(&value) != Some(true) {
                    continue;
                }
                match part.as_str() {
                    "keys" => self.order_by_keys(rows, keys, &value, &place, &mut order)?,
                    "aggregate" => {
                        self.order_by_aggregates(rows, &value, &place, read, &mut order)?;
                    }
                    _ => return Err(Error::bad_input(format!("{place}: there is no such order."))),
                }
            }
        }
        Ok(order)
    }

    fn order_by_keys(
        &mut self,
        rows: &Rows<'d>,
        keys: &[Key<'d>],
        value: &Input<'_>,
        place: &str,
        order: &mut Vec<OrderKey>,
    ) -> Result<()> {
        for (name, direction) in self.reader.fields(value, place)? {
            let place = format!("{place}.{name}");
            if self.reader.presence(&direction) != Some(true) {
                continue;
            }
            let key = keys.iter().find(|key| key.column.name == name).ok_or_else(|| {
                Error::bad_input(format!("{place}: {name} is no key; name it in by."))
            })?;
            let (direction, nulls) = self.direction(&direction, &place)?;
            let value = rows.column(&key.name);
            let key = group_order_key(place, (value, key.column.column_type), (direction, nulls));
            self.push_order_key(key, order)?;
        }
        Ok(())
    }

    fn order_by_aggregates(
        &mut self,
        rows: &Rows<'d>,
        value: &Input<'_>,
        place: &str,
        read: &mut Columns,
        order: &mut Vec<OrderKey>,
    ) -> Result<()> {
        for AggregateOrder { of, direction, place } in self.aggregate_orders(value, place)? {
            let value = match of {
                None => (Expr::cust("COUNT(*)"), ColumnType::BigInt),
                Some((function, field)) => {
                    let (column, _) = function_column(rows, function, &field)?;
                    read.position(&column.physical);
                    self.sortable_value(rows, function, column)?
                }
            };
            let direction = self.direction(&direction, &place)?;
            self.push_order_key(group_order_key(place, value, direction), order)?;
        }
        Ok(())
    }
}

/// A key of an order of groups.
fn group_order_key(
    field: String,
    (value, sort_type): (Expr, ColumnType),
    (order, nulls): (Order, NullOrdering),
) -> OrderKey {
    OrderKey { field, value, sort_type, physical: None, is_nullable: true, order, nulls }
}

/// A column by the value of the enum.
fn column_named<'d>(dataset: &'d Dataset, name: &str) -> Result<&'d Column> {
    let found = dataset.columns.iter().find(|column| naming::enum_name(&column.name) == name);
    let column = found.ok_or_else(|| {
        Error::bad_input(format!("by.column: {} has no column {name}.", dataset.name))
    })?;
    if column.column_type == ColumnType::Json {
        return Err(Error::bad_input(format!(
            "by.column: {name} is of type JSON, which has many spellings of one value; rows cannot be grouped by it."
        )));
    }
    Ok(column)
}

/// `keys { … }`: columns that are no key are answered as missing, so that one document serves
/// whatever `by` is.
fn keys_shape<'d>(
    rows: &Rows<'d>,
    keys: &[Key<'d>],
    fields: &Fields<'d>,
    expressions: &mut Expressions,
) -> Result<RowShape> {
    let mut shape = RowShape::with_capacity(fields.len());
    for (key, merged) in fields {
        let Some(field) = merged.first() else { continue };
        let name = field.name.node.as_str();
        let found = keys.iter().enumerate().find(|(_, key)| key.column.name == name);
        let is_column = rows.dataset.columns.iter().any(|column| column.name == name);
        shape.push(match found {
            Some(group_key) => {
                let (place, group_key) = group_key;
                let value = rows.column(&group_key.name);
                let index = expressions.push(value, Some(Measured::Key(place)));
                let kind = cell_kind(group_key.column.column_type);
                OutField { key: key_bytes(key), cell: OutCell::Column { index, kind } }
            }
            None if name == "__typename" => {
                typename_field(key, &format!("{}GroupKeys", rows.dataset.type_name))
            }
            None if is_column => literal_field(key, "null"),
            None => {
                return Err(Error::bad_input(format!("The keys have no field {name:?}.")));
            }
        });
    }
    Ok(shape)
}

fn n_cells(cell: &OutCell) -> u64 {
    match cell {
        OutCell::Object(shape) => shape.iter().map(|field| n_cells(&field.cell)).sum(),
        _ => 1,
    }
}
