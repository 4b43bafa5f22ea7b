//! Finds the rows beyond a position in an order, by the values there instead of by counting.
//!
//! The condition is written twice: as one expression, for orders that no index helps, and as ranges
//! of which an index gives each without reading what lies before. Both hold for any mix of
//! directions and places of missing values.

use sea_query::{
    Asterisk, CommonTableExpression, Expr, ExprTrait, NullOrdering, Order, Query, SelectStatement,
    UnionType, WithClause,
};

use super::Dialect;
use super::limit::{first_of, limit_in_text};
use super::select::{Columns, Rows};

/// One key of the order in which rows are read.
#[derive(Clone, Debug)]
pub(super) struct Sorted {
    /// What it is called among the columns of a page.
    pub(super) name: String,
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

    /// The same key of a union of SELECTs, which knows its columns only.
    fn in_union(&self) -> Sorted {
        Sorted { value: Expr::col(self.name.clone()), ..self.clone() }
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

/// A page of rows in an order.
pub(super) struct Page<'p, 'd> {
    pub(super) rows: &'p Rows<'d>,
    pub(super) columns: Columns,
    pub(super) order: &'p [Sorted],
    /// Slot of the number of rows.
    pub(super) limit: u64,
    /// A larger number for the statement's text, where few rows are read.
    pub(super) in_text: Option<u64>,
    /// An index has the whole order: few rows are read, whatever the values are.
    pub(super) is_cheap: bool,
    pub(super) dialect: Dialect,
}

impl Page<'_, '_> {
    /// The first rows of those found.
    pub(super) fn first(&self, mut rows_found: SelectStatement) -> SelectStatement {
        self.columns.clone().select_into(&mut rows_found, self.rows);
        sort(&mut rows_found, self.order);
        if let Some(n_rows) = self.in_text {
            limit_in_text(&mut rows_found, n_rows);
            rows_found = first_of(rows_found, self.rows);
        }
        rows_found.limit(self.limit);
        rows_found
    }

    /// The first rows beyond a position, range by range of an index: those that agree with all keys
    /// but the last, then with one key less, and so on.
    pub(super) fn by_ranges(
        &self,
        rows_found: &SelectStatement,
        position: &[Option<Expr>],
    ) -> SelectStatement {
        let ranges = ranges(self.order, position);
        let rows_of = |range: &Range, is_wanted: Option<Expr>| {
            let mut select = rows_found.clone();
            for (key, value) in self.order.iter().zip(position).take(range.n_equal) {
                select.and_where(key.is_at(value));
            }
            for condition in range.end.conditions(is_wanted, self.dialect) {
                select.and_where(condition);
            }
            select
        };
        match ranges.as_slice() {
            [] => {
                let none = rows_found.clone().and_where(Expr::cust("1 = 0")).take();
                self.first(none)
            }
            [only] => {
                let found = rows_of(only, None);
                self.first(found)
            }
            several if self.is_cheap => self.merged(several, |range| rows_of(range, None)),
            several => self.counted(several, rows_of),
        }
    }

    /// Ranges that an index gives in their order are merged: of each no more rows are read than are
    /// taken.
    fn merged(
        &self,
        ranges: &[Range],
        rows_of: impl Fn(&Range) -> SelectStatement,
    ) -> SelectStatement {
        let mut together: Option<SelectStatement> = None;
        for range in ranges {
            let mut select = rows_of(range);
            self.columns.clone().select_into(&mut select, self.rows);
            // PostgreSQL reads a part of a union in an order only if it is told so.
            if let Some(n_rows) = self.in_text {
                sort(&mut select, range.unsorted(self.order));
                limit_in_text(&mut select, n_rows);
                select = first_of(select, self.rows);
            }
            together = Some(match together {
                Some(mut before) => before.union(UnionType::All, select).take(),
                None => select,
            });
        }
        let mut together = together.unwrap_or_default();
        let own: Vec<Sorted> = self.order.iter().map(Sorted::in_union).collect();
        sort(&mut together, &own);
        together.limit(self.limit);
        together
    }

    /// Ranges that may have to be sorted: each gives at most as many rows as the page has, and is
    /// read only if those before it gave fewer together.
    fn counted(
        &self,
        ranges: &[Range],
        rows_of: impl Fn(&Range, Option<Expr>) -> SelectStatement,
    ) -> SelectStatement {
        let mut named = WithClause::new();
        let mut together: Option<SelectStatement> = None;
        let mut n_found: Option<Expr> = None;
        for (number, range) in ranges.iter().enumerate() {
            let is_wanted = n_found.as_ref().map(|n_found| n_found.clone().lt(self.limit));
            let mut select = rows_of(range, is_wanted);
            self.columns.read_by(&mut select, self.rows);
            sort(&mut select, range.unsorted(self.order));
            select.limit(self.limit);
            let name = format!("b{number}");
            let mut counted = Query::select();
            counted.expr(Expr::cust("COUNT(*)")).from(name.clone());
            let counted = Expr::SubQuery(None, Box::new(counted.into()));
            n_found = Some(match n_found {
                Some(before) => before.add(counted),
                None => counted,
            });
            let mut all_of_it = Query::select();
            all_of_it.column(Asterisk).from(name.clone());
            together = Some(match together {
                Some(mut before) => before.union(UnionType::All, all_of_it).take(),
                None => all_of_it,
            });
            let mut range = CommonTableExpression::new();
            range.query(select).table_name(name);
            named.cte(range);
        }
        let mut all = Query::select();
        let together = together.unwrap_or_default();
        all.with_cte(named).from_subquery(together, self.rows.alias.clone());
        self.first(all)
    }
}

/// Rows that agree with the first keys of a position and lie beyond it by the next.
struct Range {
    n_equal: usize,
    end: End,
}

impl Range {
    /// The keys in which its rows differ: what is equal in it need not be sorted.
    fn unsorted<'o>(&self, order: &'o [Sorted]) -> &'o [Sorted] {
        let n_fixed = self.n_equal + usize::from(matches!(self.end, End::Missing(_)));
        order.get(n_fixed..).unwrap_or_default()
    }
}

enum End {
    /// The values of two keys, compared together, lie behind those of the position.
    BehindBoth(Box<[Expr; 2]>, Box<[Expr; 2]>, Order),
    /// The value lies behind the position's.
    Behind(Expr, Expr, Order),
    /// There is a value, and the position has none.
    Present(Expr),
    /// There is no value, and the position has one.
    Missing(Expr),
}

/// The ranges in the order of their rows.
fn ranges(order: &[Sorted], position: &[Option<Expr>]) -> Vec<Range> {
    let mut ranges = Vec::new();
    let keys: Vec<(&Sorted, &Option<Expr>)> = order.iter().zip(position).collect();
    let mut n_left = keys.len();
    // The last key, which every row has, and the one before it make one range of an index that
    // holds both in one direction.
    if let [.., (before, Some(before_value)), (last, Some(last_value))] = keys.as_slice()
        && before.order == last.order
    {
        n_left -= 1;
        let own = Box::new([before.value.clone(), last.value.clone()]);
        let values = Box::new([before_value.clone(), last_value.clone()]);
        let end = End::BehindBoth(own, values, last.order.clone());
        ranges.push(Range { n_equal: n_left - 1, end });
    }
    let has_both = !ranges.is_empty();
    for (n_equal, (key, value)) in keys.iter().enumerate().take(n_left).rev() {
        let own = key.value.clone();
        let is_done = has_both && n_equal + 1 == n_left;
        match value {
            Some(value) if !is_done => {
                let end = End::Behind(own.clone(), value.clone(), key.order.clone());
                ranges.push(Range { n_equal, end });
            }
            None if matches!(key.nulls, NullOrdering::First) => {
                ranges.push(Range { n_equal, end: End::Present(own.clone()) });
            }
            _ => {}
        }
        if key.is_missing_behind(value).is_some() {
            ranges.push(Range { n_equal, end: End::Missing(own) });
        }
    }
    ranges
}

impl End {
    /// The conditions of the range; where it is not wanted, none of its rows is looked at.
    ///
    /// PostgreSQL asks first whether rows are wanted. SQLite would ask for each row, so there the
    /// answer becomes part of what the index is searched for: nothing is greater than null, and no
    /// column holds a blob.
    fn conditions(&self, is_wanted: Option<Expr>, dialect: Dialect) -> Vec<Expr> {
        let compare = |order: &Order| if *order == Order::Desc { "<" } else { ">" };
        match (self, is_wanted, dialect) {
            (End::Behind(own, value, order), Some(is_wanted), Dialect::Sqlite) => {
                let template = format!("? {} CASE WHEN ? THEN ? END", compare(order));
                vec![Expr::cust_with_exprs(template, [own.clone(), is_wanted, value.clone()])]
            }
            (End::Missing(own), Some(is_wanted), Dialect::Sqlite) => vec![Expr::cust_with_exprs(
                "? IS CASE WHEN ? THEN NULL ELSE x'00' END",
                [own.clone(), is_wanted],
            )],
            (_, is_wanted, _) => {
                let condition = match self {
                    End::BehindBoth(own, values, order) => {
                        let own = Expr::tuple(own.iter().cloned());
                        let values = Expr::tuple(values.iter().cloned());
                        if *order == Order::Desc { own.lt(values) } else { own.gt(values) }
                    }
                    End::Behind(own, value, Order::Desc) => own.clone().lt(value.clone()),
                    End::Behind(own, value, _) => own.clone().gt(value.clone()),
                    End::Present(own) => own.clone().is_not_null(),
                    End::Missing(own) => own.clone().is_null(),
                };
                is_wanted.into_iter().chain([condition]).collect()
            }
        }
    }
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
