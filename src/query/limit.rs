//! Writes how many rows a statement answers: as a bound value, and where it helps in its text.
//!
//! It exists because PostgreSQL plans by the text: see [`Compiler::size_in_text`]. It never decides
//! how many rows may be asked for; that is checked where values are bound.

use sea_query::{Alias, Asterisk, Order, Query, SelectStatement};

use super::Dialect;
use super::input::{Input, Origin};
use super::roots::Compiler;
use super::select::Rows;
use super::value::{Slot, SlotKind};
use crate::catalog::model::Dataset;
use crate::error::Result;

/// Marks a number of rows that is to stand in a statement's text while that is built.
const LIMIT_MARK: &str = "\u{2}";

/// Ends a SELECT that has an order with a limit in its text.
pub(super) fn limit_in_text(select: &mut SelectStatement, n_rows: u64) {
    select.order_by(Alias::new(format!("{LIMIT_MARK}{n_rows}")), Order::Asc);
}

/// Writes the limits where [`limit_in_text`] marked their places.
pub(super) fn write_limits(sql: &str) -> String {
    let mark = format!(", \"{LIMIT_MARK}");
    let mut parts = sql.split(&mark);
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        text.push_str(" LIMIT ");
        text.push_str(&part.replacen("\" ASC", "", 1));
    }
    text
}

/// Writes bound limits so that SQLite does not look at their values: it plans a statement with a
/// plain `LIMIT ?` anew each time that a value is bound to it.
pub(super) fn free_limits(sql: &str) -> String {
    sql.replace(" LIMIT ?", " LIMIT +?")
}

/// At most so many rows of a SELECT that is limited already, in its order.
pub(super) fn first_of(select: SelectStatement, rows: &Rows<'_>) -> SelectStatement {
    let mut first = Query::select();
    first.column(Asterisk).from_subquery(select, rows.alias.clone());
    first
}

impl Compiler<'_> {
    /// Where the number of rows comes from: an argument, or the default.
    ///
    /// # Errors
    /// BAD_USER_INPUT for null inside a list.
    pub(super) fn size_origin(
        &mut self,
        dataset: &Dataset,
        input: Option<&Input<'_>>,
        place: &str,
    ) -> Result<Origin> {
        let (_, default) = self.row_limits(dataset);
        match input {
            Some(input) => self.reader.origin(input, place),
            None => Ok(Origin::Constant(default.into())),
        }
    }

    /// The placeholder of a limit.
    pub(super) fn limit_slot(&mut self, dataset: &Dataset, origin: Origin) -> usize {
        let (most, _) = self.row_limits(dataset);
        let kind = SlotKind::Limit(most);
        self.slots.push(Slot { origin, kind, place: Box::from("limit") });
        self.slots.len() - 1
    }

    /// A number above that of the rows wanted, for the text of a statement that reads few rows
    /// whatever its values are; `None` where the text need not tell.
    ///
    /// PostgreSQL takes a limit that is bound for a tenth of all rows, finds the plan for any values
    /// dear, and makes a new one for each run. For other statements that is right: which plan is
    /// good depends on their values.
    pub(super) fn size_in_text(&mut self, is_cheap: bool, origin: &Origin) -> Option<u64> {
        let is_wanted = is_cheap && self.dialect == Dialect::Postgres;
        is_wanted.then(|| self.reader.size_class(origin))
    }
}
