//! Measures how well a column refers to another: what a relation between them would find.
//!
//! One statement reads both columns; nothing is kept.

use sea_query::{
    Alias, Expr, ExprTrait, PostgresQueryBuilder, Query, SelectStatement, SqliteQueryBuilder,
};
use serde::Deserialize;

use super::Dialect;
use crate::store::json::{CellKind, OutCell, OutField, RootShape, key_bytes};
use crate::store::run::{Statement, table_marker};

/// What a column has in common with another that it may refer to.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Overlap {
    /// Rows with a value.
    pub n_present: u64,
    /// Rows with a value that the other column does not have.
    pub n_orphans: u64,
    /// Different values.
    pub n_distinct: u64,
    /// How often the other column repeats a value.
    pub n_repeats: u64,
}

impl Overlap {
    /// The share of present values that the other column has, from 0 to 1.
    #[expect(clippy::cast_precision_loss, reason = "a share that is shown")]
    pub fn coverage(&self) -> f64 {
        if self.n_present == 0 {
            return 0.0;
        }
        self.n_present.saturating_sub(self.n_orphans) as f64 / self.n_present as f64
    }
}

/// The statement whose answer is an [`Overlap`] of a column of table 0 with one of the last table.
///
/// `is_same` tells that both are in table 0.
pub fn statement(dialect: Dialect, column: &str, other_column: &str, is_same: bool) -> Statement {
    let other_table = usize::from(!is_same);
    let from = |table: usize, alias: &str| {
        let mut select = Query::select();
        select.from_as(table_marker(table), Alias::new(alias));
        select
    };
    let own = || Expr::col(("a", column.to_owned()));
    let other = || Expr::col(("b", other_column.to_owned()));
    let value = |select: SelectStatement| Expr::SubQuery(None, Box::new(select.into()));
    let mut present = from(0, "a");
    present.expr(own().count());
    let mut values = from(other_table, "b");
    values.expr(other()).and_where(other().is_not_null());
    let mut orphans = from(0, "a");
    orphans
        .expr(Expr::cust("COUNT(*)"))
        .and_where(own().is_not_null())
        .and_where(own().not_in_subquery(values));
    let mut distinct = from(0, "a");
    distinct.expr(own().count_distinct());
    let mut repeats = from(other_table, "b");
    repeats.expr(other().count().sub(other().count_distinct()));
    let mut select = Query::select();
    let mut shape = Vec::new();
    let parts = [
        ("nPresent", present),
        ("nOrphans", orphans),
        ("nDistinct", distinct),
        ("nRepeats", repeats),
    ];
    for (index, (key, part)) in parts.into_iter().enumerate() {
        select.expr(value(part));
        let cell = OutCell::Column { index, kind: CellKind::Int };
        shape.push(OutField { key: key_bytes(key), cell });
    }
    let sql = match dialect {
        Dialect::Sqlite => select.to_string(SqliteQueryBuilder),
        Dialect::Postgres => select.to_string(PostgresQueryBuilder),
    };
    Statement::new(&sql, RootShape::Single(shape), false)
}
