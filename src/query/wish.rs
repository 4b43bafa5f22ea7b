//! Reads off a root field what an index could help with.
//!
//! Only what every row found must fulfil counts: conditions within `_or` and `_not`, orders through
//! relations and unusual places of missing values are left out.

use sea_query::{NullOrdering, Order};

use super::roots::Compiler;
use super::select::{OrderKey, Rows};
use crate::catalog::model::Wish;
use crate::error::Result;
use async_graphql_parser::types::Field;

/// A wish, and whether it is all that the field asks for.
pub(super) struct Read {
    pub(super) wish: Wish,
    pub(super) is_whole: bool,
}

impl<'d> Compiler<'d> {
    /// What a root field over these rows filters and sorts by; groups are not sorted by columns.
    ///
    /// # Errors
    /// As those of its filter and its order.
    pub(super) fn read_wish(
        &mut self,
        rows: &Rows<'d>,
        field: &'d Field,
        answers_rows: bool,
    ) -> Result<Read> {
        let mut read = Read { wish: Wish::default(), is_whole: true };
        if self.argument(field, "search").is_some() {
            read.wish.is_search = true;
            read.is_whole = false;
            return Ok(read);
        }
        if let Some(input) = self.argument(field, "where") {
            for (name, operators) in self.reader.fields(&input, "where")? {
                let column = rows.dataset.column(&name);
                let Some(column) =
                    column.filter(|_| self.reader.presence(&operators) == Some(true))
                else {
                    read.is_whole = false;
                    continue;
                };
                for (operator, _) in self.reader.fields(&operators, "where")? {
                    match operator.as_str() {
                        "_eq" => {
                            read.wish.equal.insert(column.name.clone());
                        }
                        "_gt" | "_gte" | "_lt" | "_lte" | "_startsWith" | "_in" => {
                            read.wish.range.get_or_insert_with(|| column.name.clone());
                            read.is_whole = false;
                        }
                        _ => read.is_whole = false,
                    }
                }
            }
        }
        if !answers_rows {
            read.is_whole = false;
            return Ok(read);
        }
        let order = self.argument(field, "orderBy");
        let keys = self.order_keys(rows, order.as_ref())?;
        let is_distinct = self.argument(field, "distinctOn").is_some();
        match indexable(rows, &keys).filter(|_| !is_distinct) {
            Some(order) => read.wish.order = order,
            None => read.is_whole = false,
        }
        Ok(read)
    }
}

/// The order as an index can have it; `None` if none can.
fn indexable(rows: &Rows<'_>, keys: &[OrderKey]) -> Option<Vec<(String, bool)>> {
    let mut order: Vec<(String, bool)> = Vec::with_capacity(keys.len());
    for key in keys {
        rows.dataset.column(&key.field).filter(|_| key.physical.is_some())?;
        let is_descending = match (&key.order, key.nulls) {
            (Order::Asc, NullOrdering::Last) => false,
            (Order::Desc, NullOrdering::First) => true,
            _ => return None,
        };
        // Sorting by a field again changes nothing.
        if !order.iter().any(|(field, _)| *field == key.field) {
            order.push((key.field.clone(), is_descending));
        }
    }
    Some(order)
}
