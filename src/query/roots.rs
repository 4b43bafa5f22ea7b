//! Turns one root field over a dataset into its statement and the slots of its values.
//!
//! It is the compiler behind [`super::plan`]: what a list, a key and an aggregate have in common is
//! here, what they select is in [`super::select`] and [`super::aggregate`]. It reads no data.

use std::collections::HashMap;
use std::sync::Arc;

use async_graphql_parser::types::Field;
use sea_query::{
    Expr, ExprTrait, PostgresQueryBuilder, Query, SelectStatement, SqliteQueryBuilder, Value,
    Values,
};
use sluice_schema::ColumnType;

use super::Dialect;
use super::aggregate::Expressions;
use super::columns::{Measured, PageParts, Question};
use super::cost::Cost;
use super::document::Document;
use super::input::{Input, InputReader, Origin};
use super::limit::{first_of, free_limits, limit_in_text, write_limits};
use super::node::NODE_ID_FIELD;
use super::plan::MaskKey;
use super::plan::{RootKind, RootStatement};
use super::select::{Columns, Fields, ListParts, Rows, typename_field};
use super::value::{Side, Slot, SlotKind};
use super::wish::Read;
use crate::catalog::history::Past;
use crate::catalog::model::{Dataset, DatasetId, Wish};
use crate::catalog::snapshot::Snapshot;
use crate::config::QueryLimits;
use crate::error::{Code, Error, Result};
use crate::store::cursor::CursorKeys;
use crate::store::json::{OutCell, OutField, RootShape, RowShape, key_bytes};
use crate::store::run::Statement;

/// Datasets that one root field may touch: SQLite is built to join no more files
/// (`.cargo/config.toml`).
const MAX_DATASETS: usize = 30;

/// A SELECT that answers one row of aggregates.
pub(super) struct Aggregated {
    pub(super) select: SelectStatement,
    /// What its values are for columns.
    pub(super) measured: Vec<Option<Measured>>,
    /// Where it is the first page of a connection in file order: what of it is wanted.
    pub(super) page: Option<PageParts>,
    /// What its values are called.
    pub(super) names: Vec<String>,
    pub(super) shape: RowShape,
    pub(super) cost: Cost,
}

/// Makes one plan.
pub struct Compiler<'d> {
    pub(super) document: &'d Document,
    pub(super) snapshot: &'d Snapshot,
    pub(super) reader: InputReader<'d>,
    pub(super) limits: QueryLimits,
    pub(super) default_limit: i64,
    pub(super) max_limit: i64,
    pub(super) dialect: Dialect,
    pub(super) cursor_keys: &'d CursorKeys,
    pub(super) mask_key: MaskKey,
    /// Whether lists answer all rows unless told how many.
    pub(super) is_unlimited: bool,
    pub(super) slots: Vec<Slot>,
    pub(super) n_predicates: usize,
    /// The datasets of the statement in the order of its table markers.
    pub(super) tables: Vec<DatasetId>,
    /// The version of each, where it is not the present one.
    pub(super) pasts: Vec<Option<Past>>,
    /// Names given to rows of the statement so far.
    pub(super) n_aliases: usize,
}

impl<'d> Compiler<'d> {
    /// A placeholder for a slot: its number travels as a bound value until the text is built.
    pub(super) fn placeholder(&mut self, slot: Slot) -> Expr {
        self.slots.push(slot);
        Expr::val(i64::try_from(self.slots.len() - 1).unwrap_or(i64::MAX))
    }

    /// The number of all rows of a dataset, which is known: a version never changes. It stands for
    /// a count that no condition narrows.
    ///
    /// With the number comes its slot.
    pub(super) fn row_count(&mut self, dataset: &Dataset) -> (Expr, usize) {
        let origin = Origin::RowCount(dataset.id);
        let kind = SlotKind::Scalar(ColumnType::BigInt, Side::Exact);
        let number = self.placeholder(Slot { origin, kind, place: Box::from("count") });
        let number = match self.dialect {
            Dialect::Sqlite => number,
            Dialect::Postgres => number.cast_as("bigint"),
        };
        (number, self.slots.len() - 1)
    }

    /// Rows of a dataset for one place of the statement, under a new name.
    ///
    /// # Errors
    /// QUERY_TOO_COMPLEX when the statement would touch too many datasets.
    pub(super) fn rows_of(&mut self, dataset: &'d Dataset) -> Result<Rows<'d>> {
        self.rows_at(dataset, None)
    }

    /// The same as they were in an earlier version.
    ///
    /// # Errors
    /// As [`Compiler::rows_of`].
    pub(super) fn rows_at(
        &mut self,
        dataset: &'d Dataset,
        past: Option<&Past>,
    ) -> Result<Rows<'d>> {
        let mut known = self.tables.iter().zip(&self.pasts);
        let known = known.position(|(id, known)| *id == dataset.id && known.as_ref() == past);
        let table = match known {
            Some(table) => table,
            None => {
                self.tables.push(dataset.id);
                self.pasts.push(past.cloned());
                self.tables.len() - 1
            }
        };
        if self.tables.len() > MAX_DATASETS {
            return Err(Error::new(
                Code::QueryTooComplex,
                format!(
                    "A root field touches more than {MAX_DATASETS} datasets, the limit. Ask for some of them in root fields of their own."
                ),
            ));
        }
        let alias = match self.n_aliases {
            0 => "r".to_owned(),
            n => format!("r{n}"),
        };
        self.n_aliases += 1;
        let source = self.seen(dataset, table, past)?;
        Ok(Rows { dataset, table, alias, source, is_past: past.is_some() })
    }

    pub(super) fn root(
        &mut self,
        dataset: &'d Dataset,
        kind: RootKind,
        merged: &[&'d Field],
    ) -> Result<RootStatement> {
        self.begin_statement();
        let fields = match kind {
            RootKind::Aggregate | RootKind::Connection | RootKind::GroupBy => {
                self.collect_below(merged)?
            }
            RootKind::List | RootKind::ByPk | RootKind::Node => {
                self.collect_row(merged, dataset)?
            }
        };
        let Some(field) = merged.first() else {
            return Err(Error::internal("a root field without fields"));
        };
        let past = self.as_of(dataset, field, kind)?;
        let is_past = past.is_some();
        let rows = self.rows_at(dataset, past.as_ref())?;
        let (select, shape, cost, question) = match kind {
            RootKind::List => self.list(&rows, field, &fields)?,
            RootKind::ByPk | RootKind::Node => {
                let (select, shape, cost) = self.by_pk(&rows, field, &fields, kind)?;
                (select, shape, cost, None)
            }
            RootKind::Aggregate => {
                let made = self.aggregate(&rows, field, &fields, None)?;
                let question = self.ask_aggregate(&rows, field, &made.measured)?;
                (made.select, RootShape::Single(made.shape), made.cost, question)
            }
            RootKind::Connection => {
                let made = self.connection(&rows, field, &fields, None)?;
                let question = match &made.page {
                    Some(page) => self.ask_page(&rows, field, page)?,
                    None => None,
                };
                (made.select, RootShape::Single(made.shape), made.cost, question)
            }
            RootKind::GroupBy => self.group_by(&rows, field, &fields)?,
        };
        let n_rows_read = self.n_aliases;
        let wish = match kind {
            // What was is in no index.
            _ if is_past => Read { wish: Wish::default(), is_whole: false },
            RootKind::ByPk | RootKind::Node => Read { wish: Wish::default(), is_whole: true },
            RootKind::List | RootKind::Aggregate | RootKind::Connection => {
                self.read_wish(&rows, field, true)?
            }
            RootKind::GroupBy => self.read_wish(&rows, field, false)?,
        };
        let is_cheap = n_rows_read == 1
            && !is_past
            && match kind {
                RootKind::ByPk | RootKind::Node => true,
                RootKind::List => self.is_cheap_list(&rows, field, &wish),
                RootKind::Connection => {
                    let counts = |field: &&Field| field.name.node == "totalCount";
                    let is_known = wish.wish.equal.is_empty();
                    (is_known || !fields.values().filter_map(|merged| merged.first()).any(counts))
                        && self.is_cheap_list(&rows, field, &wish)
                }
                RootKind::Aggregate | RootKind::GroupBy => false,
            };
        let has_better_index = self.has_selective_index(&rows, &wish.wish);
        // All rows are read sooner from columns, whatever is quick about some.
        let is_quick = has_better_index || (is_cheap && !self.is_unlimited);
        let question = question.filter(|_| !is_quick).map(Box::new);
        let statement = self.statement(&select, shape, cost, is_cheap, wish.wish)?;
        Ok(RootStatement { question, ..statement })
    }

    /// Forgets what the statement before needed.
    pub(super) fn begin_statement(&mut self) {
        self.slots.clear();
        self.tables.clear();
        self.pasts.clear();
        self.n_aliases = 0;
    }

    /// A SELECT as a statement with the slots of its values.
    ///
    /// # Errors
    /// INTERNAL for a placeholder that is none of ours.
    pub(super) fn statement(
        &mut self,
        select: &SelectStatement,
        shape: RootShape,
        mut cost: Cost,
        is_cheap: bool,
        wish: Wish,
    ) -> Result<RootStatement> {
        let (sql, values) = match self.dialect {
            Dialect::Sqlite => {
                let (sql, values) = select.build(SqliteQueryBuilder);
                (free_limits(&sql), values)
            }
            Dialect::Postgres => {
                let (sql, values) = select.build(PostgresQueryBuilder);
                (write_limits(&sql), values)
            }
        };
        let all = std::mem::take(&mut self.slots);
        let mut positions = HashMap::new();
        let mut slots = Vec::with_capacity(all.len());
        for number in slot_numbers(&values)? {
            positions.insert(number, slots.len());
            let slot = all.get(number).cloned();
            slots.push(slot.ok_or_else(|| Error::internal("a placeholder without a slot"))?);
        }
        cost.locate(&positions);
        Ok(RootStatement {
            statement: Arc::new(Statement::new(&sql, shape, is_cheap)),
            slots,
            datasets: std::mem::take(&mut self.tables),
            pasts: std::mem::take(&mut self.pasts),
            cost,
            wish,
            question: None,
        })
    }

    fn list(
        &mut self,
        rows: &Rows<'d>,
        field: &'d Field,
        fields: &Fields<'d>,
    ) -> Result<(SelectStatement, RootShape, Cost, Option<Question>)> {
        let mut columns = Columns::default();
        let mut each = Cost::default();
        let shape = self.row_shape(rows, fields, &mut columns, &mut each)?;
        let physical = columns.plain_names();
        let part = self.snapshot.part(rows.dataset.id);
        let is_bounded = !self.is_unlimited || part.is_some_and(|part| part.max_rows.is_some());
        let (select, limit_slot) = self.select_rows(rows, field, columns, None, is_bounded)?;
        let question = match physical {
            Some(physical) => self.ask_rows(rows, field, &physical, limit_slot)?,
            None => None,
        };
        Ok((select, RootShape::List(shape), Cost::of_list(limit_slot, each), question))
    }

    fn by_pk(
        &mut self,
        rows: &Rows<'d>,
        field: &'d Field,
        fields: &Fields<'d>,
        kind: RootKind,
    ) -> Result<(SelectStatement, RootShape, Cost)> {
        let mut columns = Columns::default();
        let mut cost = Cost::default();
        let shape = self.row_shape(rows, fields, &mut columns, &mut cost)?;
        let key = rows.dataset.columns.get(rows.dataset.key);
        let key = key.ok_or_else(|| Error::internal("a dataset without its key"))?;
        let (name, kind) = match kind {
            RootKind::Node => (NODE_ID_FIELD, SlotKind::NodeKey(key.column_type)),
            _ => (key.name.as_str(), SlotKind::Scalar(key.column_type, Side::Exact)),
        };
        let argument = self.argument(field, name).ok_or_else(|| {
            Error::bad_input(format!("{} needs the argument {name:?}.", field.name.node))
        })?;
        let value = self.slot(&argument, kind, name)?;
        let mut select = Query::select();
        columns.select_into(&mut select, rows);
        rows.read_in(&mut select);
        select.and_where(rows.column(&key.physical).eq(value));
        Ok((select, RootShape::Optional(shape), cost))
    }

    /// The SELECT of an aggregate over the rows that the arguments ask for, among those for which
    /// `within` holds.
    ///
    /// # Errors
    /// BAD_USER_INPUT for fields and arguments that do not fit, QUERY_TOO_COMPLEX and
    /// QUERY_TOO_DEEP beyond the limits.
    pub(super) fn aggregate(
        &mut self,
        rows: &Rows<'d>,
        field: &'d Field,
        fields: &Fields<'d>,
        within: Option<&Expr>,
    ) -> Result<Aggregated> {
        let dataset = rows.dataset;
        let mut shape = RowShape::new();
        let mut expressions = Expressions::default();
        let mut read = Columns::default();
        let mut cost = Cost::default();
        let has_window = ["limit", "offset", "distinctOn"]
            .iter()
            .any(|name| self.argument(field, name).is_some());
        let has_filter =
            ["where", "search"].iter().any(|name| self.argument(field, name).is_some());
        let is_whole = within.is_none() && !has_window && !has_filter && rows.source.is_none();
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
                    let count = is_whole.then(|| self.row_count(dataset));
                    let shape = self.aggregate_shape(
                        rows,
                        &below,
                        count.as_ref(),
                        &mut expressions,
                        &mut read,
                    )?;
                    OutCell::Object(shape)
                }
                "nodes" => {
                    let below = self.collect_row(merged, dataset)?;
                    let mut columns = Columns::default();
                    let mut each = Cost::default();
                    // Rows of their own, read once more: `within` speaks of the others.
                    let shape = self.row_shape(rows, &below, &mut columns, &mut each)?;
                    let names: Vec<String> = columns.names().map(str::to_owned).collect();
                    let (nodes, limit_slot) =
                        self.select_rows(rows, field, columns, within, true)?;
                    cost.add(Cost::of_list(limit_slot, each));
                    let index = expressions.push_known(self.gather(nodes, &names)?, None);
                    OutCell::Rows { index, shape }
                }
                other => {
                    return Err(Error::bad_input(format!("An aggregate has no field {other:?}.")));
                }
            };
            shape.push(OutField { key: key_bytes(key), cell });
        }
        let has_aggregates = expressions.has_aggregates();
        let measured = expressions.measured();
        let mut select = Query::select();
        let names = expressions.names();
        expressions.select_into(&mut select);
        if !has_aggregates {
            // Nodes, which stand in a subquery of their own, and what is known: one row, whatever
            // matches.
        } else if has_window {
            let (window, _) = self.select_rows(rows, field, read, within, false)?;
            select.from_subquery(window, rows.alias.clone());
        } else {
            rows.read_in(&mut select);
            for condition in [within.cloned(), self.filter(rows, field)?].into_iter().flatten() {
                select.and_where(condition);
            }
        }
        Ok(Aggregated { select, measured, page: None, names, shape, cost })
    }

    /// The condition of a field's arguments `where` and `search`.
    ///
    /// # Errors
    /// As [`Compiler::condition`].
    pub(super) fn filter(&mut self, rows: &Rows<'d>, field: &'d Field) -> Result<Option<Expr>> {
        let filter = match self.argument(field, "where") {
            Some(input) => self.condition(rows, &input, "where", 0)?,
            None => None,
        };
        let search = self.search_condition(rows, field)?;
        Ok(match (filter, search) {
            (Some(filter), Some(search)) => Some(search.and(filter)),
            (filter, search) => filter.or(search),
        })
    }

    /// The SELECT of the rows that a list's arguments ask for, among those for which `within`
    /// holds; the slot of its limit.
    ///
    /// # Errors
    /// BAD_USER_INPUT for arguments that do not fit, QUERY_TOO_COMPLEX and QUERY_TOO_DEEP beyond
    /// the limits.
    pub(super) fn select_rows(
        &mut self,
        rows: &Rows<'d>,
        field: &'d Field,
        columns: Columns,
        within: Option<&Expr>,
        has_default_limit: bool,
    ) -> Result<(SelectStatement, Option<usize>)> {
        let filter = self.filter(rows, field)?;
        let condition = match (within.cloned(), filter) {
            (Some(within), Some(filter)) => Some(within.and(filter)),
            (within, filter) => within.or(filter),
        };
        let order = self.argument(field, "orderBy");
        let mut order = self.order_keys(rows, order.as_ref())?;
        let distinct = self.argument(field, "distinctOn");
        let distinct = self.distinct_values(rows, distinct.as_ref())?;
        let mut join = None;
        if order.is_empty() {
            (order, join) = self.search_order(rows, field, !distinct.is_empty())?;
        }
        let mut select = ListParts { condition, order, distinct }.select(rows);
        if let Some(join) = join {
            join.add_to(&mut select);
        }
        columns.select_into(&mut select, rows);
        let limit = self.argument(field, "limit");
        let mut limit_slot = None;
        if limit.is_some() || has_default_limit {
            let origin = self.size_origin(rows.dataset, limit.as_ref(), "limit")?;
            let is_cheap = has_default_limit && self.is_cheap(rows, field, within.is_some())?;
            if let Some(n_rows) = self.size_in_text(is_cheap, &origin) {
                limit_in_text(&mut select, n_rows);
                select = first_of(select, rows);
            }
            let slot = self.limit_slot(rows.dataset, origin);
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

    /// Whether a list or a connection touches few rows whatever its values are. Of related rows
    /// only those in file order: which index leads to others depends on the values.
    ///
    /// # Errors
    /// As those of its filter and its order.
    pub(super) fn is_cheap(
        &mut self,
        rows: &Rows<'d>,
        field: &'d Field,
        is_related: bool,
    ) -> Result<bool> {
        let read = self.read_wish(rows, field, true)?;
        Ok((!is_related || read.wish.is_empty()) && self.is_cheap_list(rows, field, &read))
    }

    /// The same by what is read: rows in file order, or an index that fits the filter and the order.
    fn is_cheap_list(&mut self, rows: &Rows<'d>, field: &'d Field, read: &Read) -> bool {
        /// Rows, at most, that agree in a column, for them to be sorted again in no time.
        const FEW_ROWS: u64 = 100;
        // A policy's filter is none of the wishes that an index may serve.
        if !read.is_whole
            || rows.source.is_some()
            || ["offset", "distinctOn"].iter().any(|name| self.argument(field, name).is_some())
        {
            return false;
        }
        let wish = &read.wish;
        let n_rows = u64::try_from(rows.dataset.row_count).unwrap_or(0);
        let has_few_ties = wish.order.first().is_some_and(|(field, _)| {
            let column = rows.dataset.column(field);
            column.is_some_and(|it| it.unique || n_rows / FEW_ROWS <= it.evidence.n_distinct)
        });
        wish.is_empty()
            || rows
                .dataset
                .indexes
                .iter()
                .any(|index| index.serves(wish) || (has_few_ties && index.nearly_serves(wish)))
    }
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
