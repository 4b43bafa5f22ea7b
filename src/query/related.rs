//! Turns fields, filters and orders that go through relations into parts of the one statement.
//!
//! A related row or list is a subquery whose rows are gathered into one value, so that nesting
//! never asks the store twice. What a relation means is in the snapshot's links; this module only
//! writes them as SQL.

use async_graphql_parser::types::Field;
use sea_query::{Expr, ExprTrait, Order, Query, SelectStatement};
use sluice_schema::ColumnType;

use super::aggregate::{AggregateOrder, function_column};
use super::cost::Cost;
use super::input::Input;
use super::limit::limit_in_text;
use super::roots::Compiler;
use super::select::{Columns, OrderKey, Rows};
use crate::catalog::model::ROW_COLUMN;
use crate::catalog::snapshot::{AGGREGATE_SUFFIX, CONNECTION_SUFFIX, Link};
use crate::error::{Error, Result};
use crate::store::json::OutCell;

/// What a field that goes through a relation asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    /// The one related row.
    Row,
    /// The related rows.
    List,
    /// Their counts and sums.
    Aggregate,
    /// Pages of them.
    Connection,
}

impl<'d> Compiler<'d> {
    /// The link behind a name, and what of it is asked for.
    fn link(&self, rows: &Rows<'d>, name: &str) -> Option<(&'d Link, Part)> {
        self.snapshot.links(rows.dataset.id).iter().find_map(|link| match link.is_list {
            false if link.name == name => Some((link, Part::Row)),
            true if link.name == name => Some((link, Part::List)),
            true if link.has_aggregate
                && name.strip_suffix(AGGREGATE_SUFFIX) == Some(&link.name) =>
            {
                Some((link, Part::Aggregate))
            }
            true if name.strip_suffix(CONNECTION_SUFFIX) == Some(&link.name) => {
                Some((link, Part::Connection))
            }
            _ => None,
        })
    }

    /// The rows at the other end of a link, and the condition that makes them the row's own.
    fn follow_link(&mut self, rows: &Rows<'d>, link: &'d Link) -> Result<(Rows<'d>, Expr)> {
        let other = self.snapshot.dataset_by_id(link.other);
        let other = other.ok_or_else(|| Error::internal("a link to a dataset that is gone"))?;
        let related = self.rows_of(other)?;
        let within = related.column(&link.other_column).eq(rows.column(&link.column));
        Ok((related, within))
    }

    /// What a field answers that goes through a relation; `None` if it is none.
    ///
    /// # Errors
    /// BAD_USER_INPUT for fields and arguments that do not fit, QUERY_TOO_COMPLEX and
    /// QUERY_TOO_DEEP beyond the limits.
    pub(super) fn related_cell(
        &mut self,
        rows: &Rows<'d>,
        name: &str,
        merged: &[&'d Field],
        columns: &mut Columns,
        cost: &mut Cost,
    ) -> Result<Option<OutCell>> {
        let (Some((link, part)), Some(field)) = (self.link(rows, name), merged.first()) else {
            return Ok(None);
        };
        let (related, within) = self.follow_link(rows, link)?;
        if matches!(part, Part::Aggregate | Part::Connection) {
            let below = self.collect_below(merged)?;
            let aggregated = match part {
                Part::Aggregate => self.aggregate(&related, field, &below, Some(&within))?,
                _ => self.connection(&related, field, &below, Some(&within))?,
            };
            cost.add(aggregated.cost);
            let value = self.gather(aggregated.select, &aggregated.names)?;
            let index = columns.push(value);
            return Ok(Some(OutCell::Row { index, shape: aggregated.shape }));
        }
        let below = self.collect_row(merged, related.dataset)?;
        let mut selected = Columns::default();
        let mut each = Cost::default();
        let shape = self.row_shape(&related, &below, &mut selected, &mut each)?;
        let names: Vec<String> = selected.names().map(str::to_owned).collect();
        if part == Part::Row {
            let mut select = self.first_related(&related, within);
            selected.select_into(&mut select, &related);
            cost.add(each);
            let index = columns.push(self.gather(select, &names)?);
            return Ok(Some(OutCell::Row { index, shape }));
        }
        let (select, limit_slot) =
            self.select_rows(&related, field, selected, Some(&within), true)?;
        cost.add(Cost::of_list(limit_slot, each));
        let index = columns.push(self.gather(select, &names)?);
        Ok(Some(OutCell::Rows { index, shape }))
    }

    /// A SELECT, without columns, of the one related row: of several, should the other column
    /// repeat a value since the relation was declared, the first in file order.
    fn first_related(&mut self, related: &Rows<'d>, within: Expr) -> SelectStatement {
        let mut select = Query::select();
        related.read_in(&mut select);
        select.and_where(within).order_by((related.alias.clone(), ROW_COLUMN), Order::Asc);
        limit_in_text(&mut select, 1);
        select
    }

    /// The condition of a filter's key that goes through a relation; `None` if it is none.
    ///
    /// A related row must exist and fit; of a list, any one.
    ///
    /// # Errors
    /// As [`Compiler::condition`].
    pub(super) fn related_condition(
        &mut self,
        rows: &Rows<'d>,
        name: &str,
        value: &Input<'_>,
        place: &str,
        depth: usize,
    ) -> Result<Option<Expr>> {
        let Some((link, part)) = self.link(rows, name) else { return Ok(None) };
        match part {
            Part::Aggregate => {
                return self.count_condition(rows, link, value, place, depth).map(Some);
            }
            Part::Connection => return Ok(None),
            Part::Row | Part::List => {}
        }
        let (related, within) = self.follow_link(rows, link)?;
        let fits = self.condition(&related, value, place, depth + 1)?;
        let mut select = Query::select();
        related.read_in(&mut select);
        let is_there = match part {
            // Neither side is ever missing, so that a negation is the exact opposite.
            Part::Row => {
                let other = related.column(&link.other_column);
                select.expr(other.clone()).and_where(other.is_not_null());
                let own = rows.column(&link.column);
                select.and_where_option(fits);
                own.clone().is_not_null().and(own.in_subquery(select))
            }
            _ => {
                select.expr(Expr::cust("1")).and_where(within);
                select.and_where_option(fits);
                Expr::exists(select)
            }
        };
        Ok(Some(is_there))
    }

    /// `{ count: { predicate: {_gt: 3}, filter: {…}, arguments: […], distinct: true } }`
    fn count_condition(
        &mut self,
        rows: &Rows<'d>,
        link: &'d Link,
        value: &Input<'_>,
        place: &str,
        depth: usize,
    ) -> Result<Expr> {
        let mut parts = Vec::new();
        for (name, count) in self.reader.fields(value, place)? {
            let place = format!("{place}.{name}");
            if name != "count" || self.reader.presence(&count) != Some(true) {
                return Err(Error::bad_input(format!("{place}: give count a predicate.")));
            }
            let (related, within) = self.follow_link(rows, link)?;
            let (mut counted, mut distinct, mut filter, mut predicate) = (None, None, None, None);
            for (name, part) in self.reader.fields(&count, &place)? {
                if self.reader.presence(&part) != Some(true) {
                    continue;
                }
                match name.as_str() {
                    "arguments" => counted = Some(part),
                    "distinct" => distinct = Some(part),
                    "filter" => filter = Some(part),
                    "predicate" => predicate = Some(part),
                    _ => {
                        return Err(Error::bad_input(format!("{place} has no field {name:?}.")));
                    }
                }
            }
            let Some(predicate) = predicate else {
                return Err(Error::bad_input(format!("{place} needs its predicate.")));
            };
            let mut read = Columns::default();
            let (number, _) =
                self.count(&related, counted.as_ref(), distinct.as_ref(), &mut read)?;
            let fits = match filter {
                Some(filter) => {
                    self.condition(&related, &filter, &format!("{place}.filter"), depth + 1)?
                }
                None => None,
            };
            let mut select = Query::select();
            related.read_in(&mut select);
            select.expr(number).and_where(within).and_where_option(fits);
            let number = Expr::SubQuery(None, Box::new(select.into()));
            for (operator, operand) in self.reader.fields(&predicate, &place)? {
                let place = format!("{place}.predicate.{operator}");
                let left = number.clone();
                parts.push(self.comparison(left, ColumnType::Int, &operator, &operand, &place)?);
            }
        }
        Ok(parts.into_iter().reduce(|a, b| a.and(b)).unwrap_or_else(|| Expr::cust("1 = 1")))
    }

    /// Adds the keys of an order that go through a relation; `false` if the name is none.
    ///
    /// # Errors
    /// As [`Compiler::order_keys`].
    pub(super) fn related_order(
        &mut self,
        rows: &Rows<'d>,
        name: &str,
        value: &Input<'_>,
        place: &str,
        keys: &mut Vec<OrderKey>,
    ) -> Result<bool> {
        let Some((link, part)) = self.link(rows, name) else { return Ok(false) };
        match part {
            Part::List | Part::Connection => return Ok(false),
            Part::Row => {
                let n_before = keys.len();
                let (related, within) = self.follow_link(rows, link)?;
                self.order_keys_into(&related, value, place, keys)?;
                for key in keys.iter_mut().skip(n_before) {
                    let mut select = self.first_related(&related, within.clone());
                    select.expr(key.value.clone());
                    key.value = Expr::SubQuery(None, Box::new(select.into()));
                    key.field = format!("{name}.{}", key.field);
                    key.physical = None;
                    key.is_nullable = true;
                }
            }
            Part::Aggregate => self.aggregate_order(rows, link, value, place, keys)?,
        }
        Ok(true)
    }

    /// `{ count: DESC, max: { total: ASC } }` over the related rows.
    fn aggregate_order(
        &mut self,
        rows: &Rows<'d>,
        link: &'d Link,
        value: &Input<'_>,
        place: &str,
        keys: &mut Vec<OrderKey>,
    ) -> Result<()> {
        for AggregateOrder { of, direction, place } in self.aggregate_orders(value, place)? {
            let (related, within) = self.follow_link(rows, link)?;
            let (number, sort_type) = match of {
                None => (Expr::cust("COUNT(*)"), ColumnType::BigInt),
                Some((function, field)) => {
                    let (column, _) = function_column(&related, function, &field)?;
                    self.sortable_value(&related, function, column)?
                }
            };
            let (order, nulls) = self.direction(&direction, &place)?;
            let mut select = Query::select();
            related.read_in(&mut select);
            select.expr(number).and_where(within);
            let key = OrderKey {
                field: place,
                value: Expr::SubQuery(None, Box::new(select.into())),
                sort_type,
                physical: None,
                is_nullable: true,
                order,
                nulls,
            };
            self.push_order_key(key, keys)?;
        }
        Ok(())
    }
}
