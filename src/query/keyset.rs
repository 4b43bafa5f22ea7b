//! Finds the rows beyond a position in an order, by the values there instead of by counting.
//!
//! The condition is written twice: as one expression, for orders that no index helps, and as ranges
//! of which an index gives each without reading what lies before. Both hold for any mix of
//! directions and places of missing values.

use sea_query::{
    Asterisk, Expr, ExprTrait, NullOrdering, Order, Query, SelectStatement, UnionType,
};

use super::select::Rows;

/// One key of the order in which rows are read.
#[derive(Clone, Debug)]
pub(super) struct Sorted {
    pub(super) value: Expr,
    pub(super) order: Order,
    pub(super) nulls: NullOrdering,
    pub(super) is_nullable: bool,
}

/// The sort values of a row, key by key; `None` for a missing one.
pub(super) type Position = Vec<Option<Expr>>;

impl Sorted {
    /// The same key read from the other end.
    pub(super) fn reversed(&self) -> Sorted {
        Sorted {
            order: match self.order {
                Order::Desc => Order::Asc,
                _ => Order::Desc,
            },
            nulls: match self.nulls {
                NullOrdering::First => NullOrdering::Last,
                NullOrdering::Last => NullOrdering::First,
            },
            ..self.clone()
        }
    }

    fn is_at(&self, value: &Option<Expr>) -> Expr {
        match value {
            Some(value) => self.value.clone().eq(value.clone()),
            None => self.value.clone().is_null(),
        }
    }

    /// Has a value behind this one.
    fn is_behind(&self, value: &Option<Expr>) -> Option<Expr> {
        let own = self.value.clone();
        match (value, &self.order) {
            (Some(value), Order::Desc) => Some(own.lt(value.clone())),
            (Some(value), _) => Some(own.gt(value.clone())),
            (None, _) => matches!(self.nulls, NullOrdering::First).then(|| own.is_not_null()),
        }
    }

    /// Has no value, where that is behind this one.
    fn is_missing_behind(&self, value: &Option<Expr>) -> Option<Expr> {
        let is_behind =
            self.is_nullable && value.is_some() && matches!(self.nulls, NullOrdering::Last);
        is_behind.then(|| self.value.clone().is_null())
    }
}

/// The condition that a row lies beyond a position, as one expression.
pub(super) fn beyond(order: &[Sorted], position: &[Option<Expr>]) -> Expr {
    let Some(((key, value), (order, position))) = order
        .split_first()
        .zip(position.split_first())
        .map(|((key, order), (value, position))| ((key, value), (order, position)))
    else {
        return Expr::cust("1 = 0");
    };
    let is_missing = key.is_missing_behind(value);
    let is_bounded = is_missing.is_none();
    let mut alternatives: Vec<Expr> =
        [key.is_behind(value), is_missing].into_iter().flatten().collect();
    if !order.is_empty() {
        alternatives.push(key.is_at(value).and(beyond(order, position)));
    }
    let condition = alternatives.into_iter().reduce(|a, b| a.or(b));
    let condition = condition.unwrap_or_else(|| Expr::cust("1 = 0"));
    match value {
        // Says nothing new, but an index can begin with it.
        Some(value) if is_bounded && !order.is_empty() => {
            let own = key.value.clone();
            let bound = match key.order {
                Order::Desc => own.lte(value.clone()),
                _ => own.gte(value.clone()),
            };
            bound.and(condition)
        }
        _ => condition,
    }
}

/// The rows beyond a position, range by range of an index: those that agree with all keys but the
/// last, then with one key less, and so on. Each range gives at most `limit` rows.
pub(super) fn by_ranges(
    rows_found: &SelectStatement,
    rows: &Rows<'_>,
    order: &[Sorted],
    position: &[Option<Expr>],
    limit: u64,
) -> SelectStatement {
    let mut ranges: Vec<SelectStatement> = Vec::new();
    for n_equal in (0..order.len().min(position.len())).rev() {
        let (Some(key), Some(value)) = (order.get(n_equal), position.get(n_equal)) else {
            continue;
        };
        let equal: Vec<Expr> =
            order.iter().zip(position).take(n_equal).map(|(key, value)| key.is_at(value)).collect();
        // What is equal in a range need not be sorted in it.
        let of_values = key.is_behind(value).map(|behind| (behind, n_equal));
        let of_missing = key.is_missing_behind(value).map(|missing| (missing, n_equal + 1));
        for (end, n_fixed) in of_values.into_iter().chain(of_missing) {
            let mut range = rows_found.clone();
            range.column((rows.alias.clone(), Asterisk));
            for condition in equal.iter().cloned().chain([end]) {
                range.and_where(condition);
            }
            sort(&mut range, order.get(n_fixed..).unwrap_or_default());
            range.limit(limit);
            let mut wrapped = Query::select();
            wrapped.column(Asterisk).from_subquery(range, format!("b{}", ranges.len()));
            ranges.push(wrapped);
        }
    }
    let mut all = Query::select();
    match ranges.split_first() {
        Some((first, others)) => {
            let mut together = first.clone();
            together.unions(others.iter().map(|range| (UnionType::All, range.clone())));
            all.from_subquery(together, rows.alias.clone());
        }
        None => {
            all = rows_found.clone();
            all.and_where(Expr::cust("1 = 0"));
        }
    }
    all
}

/// Sorts a SELECT.
pub(super) fn sort(select: &mut SelectStatement, order: &[Sorted]) {
    for key in order {
        if key.is_nullable {
            select.order_by_expr_with_nulls(key.value.clone(), key.order.clone(), key.nulls);
        } else {
            select.order_by_expr(key.value.clone(), key.order.clone());
        }
    }
}
