//! Turns a connection (`ordersConnection`) into one SELECT: the rows of a page gathered into one
//! value, their number when it is asked for, and the shape of edges, nodes and page info.
//!
//! Pages are found by the values of a cursor, not by counting ([`super::keyset`]). One row more
//! than asked for tells whether there are others. It reads no data.

use std::sync::Arc;

use async_graphql_parser::types::Field;
use sea_query::{Alias, Asterisk, Expr, ExprTrait, NullOrdering, Order, Query, SelectStatement};
use serde_json::Value as Json;
use sluice_schema::ColumnType;

use super::Dialect;
use super::aggregate::Expressions;
use super::columns::PageParts;
use super::cost::Cost;
use super::filter::postgres_type;
use super::input::TextAspect;
use super::keyset::{self, Position, Sorted};
use super::roots::{Aggregated, Compiler};
use super::select::{Columns, Fields, OrderKey, Rows, cell_kind, first_of_groups, typename_field};
use super::value::{Slot, SlotKind, open_cursor};
use crate::catalog::model::ROW_COLUMN;
use crate::error::{Error, Result};
use crate::store::connection::{EdgeCell, InfoCell, Page, PagePart, ROWS, SIZE, TOTAL};
use crate::store::cursor::CursorSeal;
use crate::store::json::{CellKind, OutCell, OutField, RowShape, key_bytes};

/// Which rows a connection is over, and in which order.
struct Source {
    condition: Option<Expr>,
    keys: Vec<OrderKey>,
    distinct: Vec<Expr>,
}

/// What a selection needs of the store.
struct Needs {
    rows: bool,
    total: bool,
}

/// The page that the arguments ask for.
struct Wanted {
    is_reversed: bool,
    after: Option<Position>,
    before: Option<Position>,
    /// Slot of the number of rows.
    size: usize,
    /// Slot of that number and one.
    limit: usize,
    /// A larger number for the statement's text; there is one where few rows are read.
    in_text: Option<u64>,
    /// Few rows are read, whatever the values are.
    is_cheap: bool,
}

impl<'d> Compiler<'d> {
    /// The SELECT of a connection over the rows that the arguments ask for, among those for which
    /// `within` holds.
    ///
    /// # Errors
    /// BAD_USER_INPUT for fields, arguments and cursors that do not fit, QUERY_TOO_COMPLEX and
    /// QUERY_TOO_DEEP beyond the limits.
    pub(super) fn connection(
        &mut self,
        rows: &Rows<'d>,
        field: &'d Field,
        fields: &Fields<'d>,
        within: Option<&Expr>,
    ) -> Result<Aggregated> {
        let condition = match (within.cloned(), self.filter(rows, field)?) {
            (Some(within), Some(filter)) => Some(within.and(filter)),
            (within, filter) => within.or(filter),
        };
        let order = self.argument(field, "orderBy");
        let mut keys = self.order_keys(rows, order.as_ref())?;
        complete(&mut keys, rows);
        let distinct_on = self.argument(field, "distinctOn");
        let columns = self.distinct_columns(rows.dataset, distinct_on.as_ref(), "distinctOn")?;
        let distinct = self.distinct_values(rows, distinct_on.as_ref())?;
        let seal = self.seal(rows, &keys, &columns);
        let is_cheap = self.is_cheap(rows, field, within.is_some())?;
        let wanted = self.wanted(rows, field, &keys, &seal, is_cheap)?;
        let mut columns = Columns::default();
        let sort_cells: Vec<(usize, CellKind)> = keys
            .iter()
            .enumerate()
            .map(|(n, key)| {
                let computed = computed_name(n);
                let name = key.physical.as_deref().unwrap_or(&computed);
                (columns.position(name), cell_kind(key.sort_type))
            })
            .collect();
        let page = Arc::new(Page {
            is_reversed: wanted.is_reversed,
            has_after: wanted.after.is_some(),
            has_before: wanted.before.is_some(),
            seal,
            sort_cells,
        });
        let mut each = Cost::default();
        let (shape, needs) = self.connection_shape(rows, fields, &page, &mut columns, &mut each)?;
        let is_first_in_file_order = order.is_none()
            && distinct.is_empty()
            && within.is_none()
            && !wanted.is_reversed
            && wanted.after.is_none()
            && wanted.before.is_none();
        let parts = is_first_in_file_order.then(|| PageParts {
            names: if needs.rows { columns.plain_names() } else { Some(Vec::new()) },
            size: wanted.size,
            limit: needs.rows.then_some(wanted.limit),
            has_total: needs.total,
        });
        let source = Source { condition, keys, distinct };
        let columns = needs.rows.then_some(columns);
        let (select, names) =
            self.gather_page(rows, field, &source, &wanted, columns, needs.total)?;
        let cost = Cost::of_list(Some(wanted.size), each);
        Ok(Aggregated { select, measured: Vec::new(), page: parts, names, shape, cost })
    }

    fn connection_shape(
        &mut self,
        rows: &Rows<'d>,
        fields: &Fields<'d>,
        page: &Arc<Page>,
        columns: &mut Columns,
        each: &mut Cost,
    ) -> Result<(RowShape, Needs)> {
        // A cursor is looked at even where no row is asked for.
        let mut needs = Needs { rows: page.has_after || page.has_before, total: false };
        let mut shape = RowShape::with_capacity(fields.len());
        let type_name = &rows.dataset.type_name;
        for (key, merged) in fields {
            let Some(selected) = merged.first() else { continue };
            let part = match selected.name.node.as_str() {
                "__typename" => {
                    shape.push(typename_field(key, &format!("{type_name}Connection")));
                    continue;
                }
                "totalCount" if !self.snapshot.is_list_only(rows.dataset.id) => {
                    needs.total = true;
                    let cell = OutCell::Column { index: TOTAL, kind: CellKind::Int };
                    shape.push(OutField { key: key_bytes(key), cell });
                    continue;
                }
                "edges" => {
                    let below = self.collect_below(merged)?;
                    PagePart::Edges(self.edge_fields(rows, &below, columns, each)?)
                }
                "nodes" => {
                    let below = self.collect_row(merged, rows.dataset)?;
                    PagePart::Nodes(self.row_shape(rows, &below, columns, each)?)
                }
                "pageInfo" => PagePart::Info(info_fields(&self.collect_below(merged)?)?),
                other => {
                    return Err(Error::bad_input(format!("A connection has no field {other:?}.")));
                }
            };
            needs.rows = true;
            let cell = OutCell::Page { rows: ROWS, size: SIZE, page: Arc::clone(page), part };
            shape.push(OutField { key: key_bytes(key), cell });
        }
        Ok((shape, needs))
    }

    fn edge_fields(
        &mut self,
        rows: &Rows<'d>,
        fields: &Fields<'d>,
        columns: &mut Columns,
        cost: &mut Cost,
    ) -> Result<Vec<(Box<[u8]>, EdgeCell)>> {
        let mut cells = Vec::with_capacity(fields.len());
        for (key, merged) in fields {
            let Some(field) = merged.first() else { continue };
            cost.n_cells += 1;
            let cell = match field.name.node.as_str() {
                "cursor" => EdgeCell::Cursor,
                "node" => {
                    let below = self.collect_row(merged, rows.dataset)?;
                    EdgeCell::Node(self.row_shape(rows, &below, columns, cost)?)
                }
                "__typename" => {
                    EdgeCell::Literal(quoted(&format!("{}Edge", rows.dataset.type_name)))
                }
                other => return Err(Error::bad_input(format!("An edge has no field {other:?}."))),
            };
            cells.push((key_bytes(key), cell));
        }
        Ok(cells)
    }

    /// What signs the cursors of these rows in this order.
    fn seal(&self, rows: &Rows<'d>, keys: &[OrderKey], distinct: &[String]) -> CursorSeal {
        let mut order = String::new();
        let mut types = String::new();
        for key in keys {
            order.push_str(&format!("{} {:?} {:?}\n", key.field, key.order, key.nulls));
            let scale = match key.sort_type {
                ColumnType::Decimal { scale, .. } => scale,
                _ => 0,
            };
            types.push_str(&format!("{} {scale}\n", key.sort_type.name()));
        }
        for physical in distinct {
            let column = rows.dataset.columns.iter().find(|column| column.physical == *physical);
            order.push_str(&format!("distinct {}\n", column.map_or("", |column| &column.name)));
        }
        let (workspace, dataset) = (self.snapshot.workspace.0, rows.dataset.id.0);
        CursorSeal::new(
            self.cursor_keys,
            workspace.as_bytes(),
            dataset.as_bytes(),
            &order,
            &types,
            keys.len(),
        )
    }

    fn wanted(
        &mut self,
        rows: &Rows<'d>,
        field: &'d Field,
        keys: &[OrderKey],
        seal: &CursorSeal,
        is_cheap: bool,
    ) -> Result<Wanted> {
        let (most, _) = self.row_limits(rows.dataset);
        let (first, last) = (self.argument(field, "first"), self.argument(field, "last"));
        if first.is_some() && last.is_some() {
            return Err(Error::bad_input(
                "first and last cannot be given together. Page forwards with first and after, backwards with last and before.",
            ));
        }
        let is_reversed = last.is_some();
        let place = if is_reversed { "last" } else { "first" };
        let origin = self.size_origin(rows.dataset, first.or(last).as_ref(), place)?;
        let in_text = self.size_in_text(is_cheap, &origin);
        let mut push = |kind| {
            self.slots.push(Slot { origin: origin.clone(), kind, place: Box::from(place) });
            self.slots.len() - 1
        };
        let size = push(SlotKind::Limit(most));
        let limit = push(SlotKind::PageAndOne(most));
        let after = self.position(field, "after", keys, seal)?;
        let before = self.position(field, "before", keys, seal)?;
        Ok(Wanted { is_reversed, after, before, size, limit, in_text, is_cheap })
    }

    /// The sort values of a cursor: which are missing is part of the plan.
    fn position(
        &mut self,
        field: &'d Field,
        place: &str,
        keys: &[OrderKey],
        seal: &CursorSeal,
    ) -> Result<Option<Position>> {
        let Some(input) = self.argument(field, place) else { return Ok(None) };
        let cursor = self.reader.opaque(&input, place, TextAspect::CursorNulls)?;
        let found = open_cursor(seal, &cursor, place)?;
        let seal = Arc::new(seal.clone());
        let origin = self.reader.origin(&input, place)?;
        let mut values = Vec::with_capacity(keys.len());
        for (index, (key, value)) in keys.iter().zip(found).enumerate() {
            if value == Json::Null {
                values.push(None);
                continue;
            }
            let column_type = key.sort_type;
            let kind = SlotKind::Cursor { seal: Arc::clone(&seal), index, column_type };
            let slot = Slot { origin: origin.clone(), kind, place: Box::from(place) };
            let value = self.placeholder(slot);
            values.push(Some(match (self.dialect, postgres_type(column_type)) {
                (Dialect::Postgres, Some(name)) => value.cast_as(name),
                _ => value,
            }));
        }
        Ok(Some(values))
    }

    /// The SELECT of one row: gathered rows, their wanted number, the total; what these are called.
    fn gather_page(
        &mut self,
        rows: &Rows<'d>,
        field: &'d Field,
        source: &Source,
        wanted: &Wanted,
        columns: Option<Columns>,
        needs_total: bool,
    ) -> Result<(SelectStatement, Vec<String>)> {
        let mut expressions = Expressions::default();
        let page = match columns {
            Some(columns) => {
                let names: Vec<String> = columns.names().map(str::to_owned).collect();
                let page = self.page(rows, field, source, wanted, columns)?;
                self.gather(page, &names)?
            }
            None => Expr::cust("NULL"),
        };
        expressions.push_known(page, None);
        let size = slot_number(wanted.size);
        let size = match self.dialect {
            Dialect::Sqlite => size,
            Dialect::Postgres => size.cast_as("bigint"),
        };
        expressions.push(size, None);
        if needs_total {
            let is_whole =
                source.condition.is_none() && source.distinct.is_empty() && rows.source.is_none();
            let total = if is_whole {
                self.row_count(rows.dataset).0
            } else {
                let mut total = source.rows(rows, false);
                total.expr(Expr::cust("COUNT(*)"));
                Expr::SubQuery(None, Box::new(total.into()))
            };
            expressions.push(total, None);
        }
        let names = expressions.names();
        let mut select = Query::select();
        expressions.select_into(&mut select);
        Ok((select, names))
    }

    /// The SELECT of the rows of a page, and one more.
    fn page(
        &mut self,
        rows: &Rows<'d>,
        field: &'d Field,
        source: &Source,
        wanted: &Wanted,
        columns: Columns,
    ) -> Result<SelectStatement> {
        let forwards = source.sorted(rows);
        let backwards: Vec<Sorted> = forwards.iter().map(Sorted::reversed).collect();
        let limit = u64::try_from(wanted.limit).unwrap_or(u64::MAX);
        let (order, from, opposite, to) = match wanted.is_reversed {
            false => (&forwards, &wanted.after, &backwards, &wanted.before),
            true => (&backwards, &wanted.before, &forwards, &wanted.after),
        };
        let mut found = source.rows(rows, true);
        if let Some(to) = to {
            found.and_where(keyset::beyond(opposite, to));
        }
        let page = keyset::Page {
            rows,
            columns,
            order,
            limit,
            in_text: wanted.in_text,
            is_cheap: wanted.is_cheap,
            dialect: self.dialect,
        };
        Ok(match from {
            None => page.first(found),
            Some(from) if self.has_fitting_index(rows, field, source)? => {
                page.by_ranges(&found, from)
            }
            Some(from) => page.first(found.and_where(keyset::beyond(order, from)).take()),
        })
    }

    /// Whether an index leads to the first key of the order, so that ranges of it are worth asking
    /// for one by one; without one each would read all rows.
    fn has_fitting_index(
        &mut self,
        rows: &Rows<'d>,
        field: &'d Field,
        source: &Source,
    ) -> Result<bool> {
        let is_plain = source.keys.iter().all(|key| key.physical.is_some());
        let Some(first) = source.keys.first().filter(|_| is_plain && source.distinct.is_empty())
        else {
            return Ok(false);
        };
        let mut equal = Vec::new();
        if let Some(input) = self.argument(field, "where") {
            for (column, operators) in self.reader.fields(&input, "where")? {
                if rows.dataset.column(&column).is_some()
                    && self
                        .reader
                        .fields(&operators, "where")?
                        .iter()
                        .any(|(name, _)| name == "_eq")
                {
                    equal.push(column);
                }
            }
        }
        Ok(rows.dataset.indexes.iter().any(|index| {
            index.columns.iter().find(|column| !equal.contains(column)) == Some(&first.field)
        }))
    }
}

impl Source {
    /// A SELECT from the rows, without columns; computed sort values have names there if wanted.
    fn rows(&self, rows: &Rows<'_>, has_sort_values: bool) -> SelectStatement {
        let mut select = Query::select();
        let computed: Vec<(usize, &OrderKey)> = self
            .keys
            .iter()
            .enumerate()
            .filter(|(_, key)| has_sort_values && key.physical.is_none())
            .collect();
        if self.distinct.is_empty() && computed.is_empty() {
            rows.read_in(&mut select);
            select.and_where_option(self.condition.clone());
            return select;
        }
        let mut inner = Query::select();
        inner.column((rows.alias.clone(), Asterisk));
        for (n, key) in computed {
            inner.expr_as(key.value.clone(), Alias::new(computed_name(n)));
        }
        rows.read_in(&mut inner);
        inner.and_where_option(self.condition.clone());
        if !self.distinct.is_empty() {
            let window = first_of_groups(rows, &self.keys, &self.distinct);
            inner.expr_window_as(Expr::cust("ROW_NUMBER()"), window, "_place");
            select.and_where(Expr::cust("\"_place\" = 1"));
        }
        select.from_subquery(inner, rows.alias.clone());
        select
    }

    /// The order of those rows.
    fn sorted(&self, rows: &Rows<'_>) -> Vec<Sorted> {
        self.keys
            .iter()
            .enumerate()
            .map(|(n, key)| (key, key.physical.clone().unwrap_or_else(|| computed_name(n))))
            .map(|(key, name)| Sorted {
                value: rows.column(&name),
                name,
                order: key.order.clone(),
                nulls: key.nulls,
                is_nullable: key.is_nullable,
            })
            .collect()
    }
}

/// Ends an order where it tells all rows apart: with a column in which all values differ, or else
/// the hidden row number.
fn complete(keys: &mut Vec<OrderKey>, rows: &Rows<'_>) {
    let key_column = rows.dataset.columns.get(rows.dataset.key).map(|key| key.physical.as_str());
    let tells_all_apart =
        |key: &OrderKey| key.physical.is_some() && key.physical.as_deref() == key_column;
    if let Some(last) = keys.iter().position(tells_all_apart) {
        keys.truncate(last + 1);
        return;
    }
    keys.push(OrderKey {
        field: ROW_COLUMN.to_owned(),
        value: rows.column(ROW_COLUMN),
        sort_type: ColumnType::BigInt,
        physical: Some(ROW_COLUMN.to_owned()),
        is_nullable: false,
        order: Order::Asc,
        nulls: NullOrdering::Last,
    });
}

/// What a computed sort value is called.
fn computed_name(n: usize) -> String {
    format!("_k{n}")
}

fn slot_number(slot: usize) -> Expr {
    Expr::val(i64::try_from(slot).unwrap_or(i64::MAX))
}

fn quoted(name: &str) -> Box<[u8]> {
    format!("\"{name}\"").into_bytes().into_boxed_slice()
}

fn info_fields(fields: &Fields<'_>) -> Result<Vec<(Box<[u8]>, InfoCell)>> {
    let mut cells = Vec::with_capacity(fields.len());
    for (key, merged) in fields {
        let Some(field) = merged.first() else { continue };
        let cell = match field.name.node.as_str() {
            "hasNextPage" => InfoCell::HasNextPage,
            "hasPreviousPage" => InfoCell::HasPreviousPage,
            "startCursor" => InfoCell::StartCursor,
            "endCursor" => InfoCell::EndCursor,
            "__typename" => InfoCell::Literal(quoted("PageInfo")),
            other => return Err(Error::bad_input(format!("PageInfo has no field {other:?}."))),
        };
        cells.push((key_bytes(key), cell));
    }
    Ok(cells)
}
