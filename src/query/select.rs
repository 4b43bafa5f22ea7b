//! Turns the selection of a list or a single row into a SELECT and the shape of its rows.
//!
//! Lists always end their order with the hidden row number, so that rows without an order of
//! their own come in file order and pages never overlap.

use async_graphql_parser::Positioned;
use async_graphql_parser::types::{Directive, Field, Selection, SelectionSet};
use indexmap::IndexMap;
use sea_query::{
    Alias, Asterisk, Expr, NullOrdering, Order, OverStatement, Query, SelectStatement,
    WindowStatement,
};
use sluice_schema::ColumnType;

use super::Dialect;
use super::cost::Cost;
use super::input::Input;
use super::node::{NODE_ID_FIELD, NODE_TYPE, node_id_cell};
use super::roots::Compiler;
use crate::catalog::model::{Column, Dataset, ROW_COLUMN};
use crate::error::{Code, Error, Result};
use crate::store::json::{CellKind, OutCell, OutField, RowShape, key_bytes};
use crate::store::run::table_marker;

/// Rows of a dataset under a name of their own inside a statement.
#[derive(Clone, Debug)]
pub(super) struct Rows<'d> {
    pub(super) dataset: &'d Dataset,
    /// Which of the statement's tables they are in.
    pub(super) table: usize,
    pub(super) alias: String,
    /// What stands for the table, where not all of it may be seen.
    pub(super) source: Option<SelectStatement>,
    /// Whether they are those of an earlier version: no index of words knows them.
    pub(super) is_past: bool,
}

impl Rows<'_> {
    /// A column of theirs by its physical name.
    pub(super) fn column(&self, physical: &str) -> Expr {
        Expr::col((self.alias.clone(), physical.to_owned()))
    }

    /// Reads them in a SELECT.
    pub(super) fn read_in(&self, select: &mut SelectStatement) {
        match &self.source {
            None => select.from_as(table_marker(self.table), self.alias.clone()),
            Some(seen) => select.from_subquery(seen.clone(), self.alias.clone()),
        };
    }
}

/// The fields of a selection by response key, fragments spread and directives obeyed; fields of
/// one key are to be merged.
pub(super) type Fields<'d> = IndexMap<String, Vec<&'d Field>>;

/// One key of an order: a value of the row and its direction.
#[derive(Clone, Debug)]
pub(super) struct OrderKey {
    /// The field, with a point before each field of a related row.
    pub(super) field: String,
    pub(super) value: Expr,
    /// The type of the value.
    pub(super) sort_type: ColumnType,
    /// The column, where the value is one of the row itself as it is.
    pub(super) physical: Option<String>,
    /// Whether a value may be missing.
    pub(super) is_nullable: bool,
    pub(super) order: Order,
    pub(super) nulls: NullOrdering,
}

/// What a SELECT answers: physical columns, each once, and computed values.
#[derive(Clone, Default)]
pub(super) struct Columns(Vec<(String, Option<Expr>)>);

impl Columns {
    /// The position of a column in the result.
    pub(super) fn position(&mut self, physical: &str) -> usize {
        match self.0.iter().position(|(known, _)| known == physical) {
            Some(position) => position,
            None => {
                self.0.push((physical.to_owned(), None));
                self.0.len() - 1
            }
        }
    }

    /// Adds a computed value; its position in the result.
    pub(super) fn push(&mut self, value: Expr) -> usize {
        self.0.push((format!("_x{}", self.0.len()), Some(value)));
        self.0.len() - 1
    }

    /// The names in the order of the result.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }

    /// The same, where all of them are columns of the rows.
    pub(super) fn plain_names(&self) -> Option<Vec<String>> {
        self.0.iter().map(|(name, value)| value.is_none().then(|| name.clone())).collect()
    }

    /// Selects them from these rows.
    pub(super) fn select_into(self, select: &mut SelectStatement, rows: &Rows<'_>) {
        if self.0.is_empty() {
            select.expr(Expr::cust("1"));
        }
        self.select_into_more(select, rows);
    }

    /// Selects what they are made of, in a SELECT that others read from by its name.
    pub(super) fn read_by(&self, select: &mut SelectStatement, rows: &Rows<'_>) {
        if self.0.iter().any(|(_, value)| value.is_some()) {
            select.column((rows.alias.clone(), Asterisk));
        } else {
            self.clone().select_into(select, rows);
        }
    }

    /// Selects them beside what a SELECT has already.
    pub(super) fn select_into_more(self, select: &mut SelectStatement, rows: &Rows<'_>) {
        for (name, value) in self.0 {
            match value {
                Some(value) => select.expr_as(value, Alias::new(name)),
                None => select.column((rows.alias.clone(), name)),
            };
        }
    }
}

/// How values of a column become JSON.
pub(super) fn cell_kind(column_type: ColumnType) -> CellKind {
    match column_type {
        ColumnType::Boolean => CellKind::Boolean,
        ColumnType::Int => CellKind::Int,
        ColumnType::BigInt => CellKind::BigInt,
        ColumnType::Decimal { scale, .. } => CellKind::Decimal { scale },
        ColumnType::Float => CellKind::Float,
        ColumnType::Date => CellKind::Date,
        ColumnType::LocalTime => CellKind::LocalTime,
        ColumnType::LocalDateTime => CellKind::LocalDateTime,
        ColumnType::DateTime => CellKind::DateTime,
        ColumnType::Uuid => CellKind::Uuid,
        ColumnType::Json => CellKind::Json,
        ColumnType::String => CellKind::Text,
    }
}

/// A key with finished JSON behind it.
pub(super) fn literal_field(key: &str, json: &str) -> OutField {
    OutField { key: key_bytes(key), cell: OutCell::Literal(json.as_bytes().into()) }
}

/// A key with the type's name behind it.
pub(super) fn typename_field(key: &str, type_name: &str) -> OutField {
    literal_field(key, &format!("\"{type_name}\""))
}

impl<'d> Compiler<'d> {
    /// A column in a form that both stores can compare: JSON by its text.
    pub(super) fn comparable(&self, rows: &Rows<'_>, column: &Column) -> Expr {
        let value = rows.column(&column.physical);
        match (column.column_type, self.dialect) {
            (ColumnType::Json, Dialect::Postgres) => {
                Expr::cust_with_exprs(r#"$1::text COLLATE "C""#, [value])
            }
            _ => value,
        }
    }

    /// Spreads fragments and obeys `@skip` and `@include`.
    ///
    /// # Errors
    /// BAD_USER_INPUT for a directive without its condition.
    pub(super) fn collect(
        &mut self,
        selections: impl IntoIterator<Item = &'d SelectionSet>,
    ) -> Result<Fields<'d>> {
        let mut fields = Fields::new();
        for selection in selections {
            self.collect_into(selection, None, &mut fields)?;
        }
        Ok(fields)
    }

    /// The fields selected below fields that answer rows of a dataset: fragments on other types,
    /// which may stand inside one on `Node`, are left out.
    ///
    /// # Errors
    /// As [`Compiler::collect`].
    pub(super) fn collect_row(
        &mut self,
        merged: &[&'d Field],
        dataset: &Dataset,
    ) -> Result<Fields<'d>> {
        let mut fields = Fields::new();
        for field in merged {
            let selection = &field.selection_set.node;
            self.collect_into(selection, Some(&dataset.type_name), &mut fields)?;
        }
        Ok(fields)
    }

    /// The fields selected below fields of one response key.
    ///
    /// # Errors
    /// As [`Compiler::collect`].
    pub(super) fn collect_below(&mut self, merged: &[&'d Field]) -> Result<Fields<'d>> {
        self.collect(merged.iter().map(|field| &field.selection_set.node))
    }

    fn collect_into(
        &mut self,
        selection: &'d SelectionSet,
        type_name: Option<&str>,
        fields: &mut Fields<'d>,
    ) -> Result<()> {
        let is_meant = |condition: &str| {
            type_name.is_none_or(|name| condition == name || condition == NODE_TYPE)
        };
        for item in &selection.items {
            if !self.is_included(item.node.directives())? {
                continue;
            }
            match &item.node {
                Selection::Field(field) => {
                    let key = field.node.response_key().node.to_string();
                    fields.entry(key).or_default().push(&field.node);
                }
                Selection::InlineFragment(inline) => {
                    let condition = inline.node.type_condition.as_ref();
                    if condition.is_none_or(|on| is_meant(&on.node.on.node)) {
                        self.collect_into(&inline.node.selection_set.node, type_name, fields)?;
                    }
                }
                Selection::FragmentSpread(spread) => {
                    let name = &spread.node.fragment_name.node;
                    let fragment = self.document.parsed.fragments.get(name).ok_or_else(|| {
                        Error::bad_input(format!("There is no fragment named {name:?}."))
                    })?;
                    if is_meant(&fragment.node.type_condition.node.on.node) {
                        self.collect_into(&fragment.node.selection_set.node, type_name, fields)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn is_included(&mut self, directives: &'d [Positioned<Directive>]) -> Result<bool> {
        for directive in directives {
            let name = directive.node.name.node.as_str();
            let wanted = match name {
                "include" => true,
                "skip" => false,
                _ => continue,
            };
            let place = format!("@{name}");
            let condition = directive
                .node
                .get_argument("if")
                .ok_or_else(|| Error::bad_input(format!("{place} needs its argument \"if\".")))?;
            let input = self.reader.follow(Input::Written(&condition.node));
            if self.reader.boolean(&input, &place)? != wanted {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The shape of a dataset's rows for this selection; the columns it needs are added, and what
    /// it costs.
    ///
    /// # Errors
    /// BAD_USER_INPUT for a field that the dataset does not have.
    pub(super) fn row_shape(
        &mut self,
        rows: &Rows<'d>,
        fields: &Fields<'d>,
        columns: &mut Columns,
        cost: &mut Cost,
    ) -> Result<RowShape> {
        let dataset = rows.dataset;
        let mut shape = RowShape::with_capacity(fields.len());
        for (key, merged) in fields {
            let Some(field) = merged.first() else { continue };
            cost.n_cells += 1;
            let name = field.name.node.as_str();
            if name == "__typename" {
                shape.push(typename_field(key, &dataset.type_name));
                continue;
            }
            let cell = match dataset.columns.iter().find(|column| column.name == name) {
                Some(column) => OutCell::Column {
                    index: columns.position(&column.physical),
                    kind: cell_kind(column.column_type),
                },
                None if name == NODE_ID_FIELD => node_id_cell(dataset, columns)?,
                None => self.related_cell(rows, name, merged, columns, cost)?.ok_or_else(|| {
                    Error::bad_input(format!("{} has no field {name:?}.", dataset.type_name))
                })?,
            };
            shape.push(OutField { key: key_bytes(key), cell });
        }
        Ok(shape)
    }

    /// The keys of an `orderBy` argument.
    ///
    /// # Errors
    /// BAD_USER_INPUT for unknown columns, QUERY_TOO_COMPLEX for too many.
    pub(super) fn order_keys(
        &mut self,
        rows: &Rows<'d>,
        input: Option<&Input<'_>>,
    ) -> Result<Vec<OrderKey>> {
        let mut keys = Vec::new();
        let Some(input) = input else { return Ok(keys) };
        for item in self.reader.items(input) {
            if self.reader.presence(&item) == Some(true) {
                self.order_keys_into(rows, &item, "orderBy", &mut keys)?;
            }
        }
        Ok(keys)
    }

    /// Adds the keys of one object of an order.
    ///
    /// # Errors
    /// As [`Compiler::order_keys`].
    pub(super) fn order_keys_into(
        &mut self,
        rows: &Rows<'d>,
        input: &Input<'_>,
        place: &str,
        keys: &mut Vec<OrderKey>,
    ) -> Result<()> {
        for (field, value) in self.reader.fields(input, place)? {
            let place = format!("{place}.{field}");
            if self.reader.presence(&value) != Some(true) {
                continue;
            }
            match rows.dataset.columns.iter().find(|column| column.name == field) {
                Some(column) => {
                    let (order, nulls) = self.direction(&value, &place)?;
                    let is_key = rows
                        .dataset
                        .columns
                        .get(rows.dataset.key)
                        .is_some_and(|key| key.physical == column.physical);
                    let key = OrderKey {
                        field,
                        value: self.comparable(rows, column),
                        sort_type: match column.column_type {
                            ColumnType::Json => ColumnType::String,
                            other => other,
                        },
                        physical: (column.column_type != ColumnType::Json)
                            .then(|| column.physical.clone()),
                        is_nullable: column.nullable && !is_key,
                        order,
                        nulls,
                    };
                    self.push_order_key(key, keys)?;
                }
                None if self.related_order(rows, &field, &value, &place, keys)? => {}
                None => {
                    return Err(Error::bad_input(format!(
                        "{place}: {} has no such column.",
                        rows.dataset.name
                    )));
                }
            }
        }
        Ok(())
    }

    /// A direction and where missing values go.
    ///
    /// # Errors
    /// BAD_USER_INPUT for what is no direction.
    pub(super) fn direction(
        &mut self,
        input: &Input<'_>,
        place: &str,
    ) -> Result<(Order, NullOrdering)> {
        let direction = self.reader.enum_name(input, place)?;
        direction_of(&direction)
            .ok_or_else(|| Error::bad_input(format!("{place}: {direction:?} is no OrderBy.")))
    }

    /// Adds a key within the limit.
    ///
    /// # Errors
    /// QUERY_TOO_COMPLEX for one too many.
    pub(super) fn push_order_key(&self, key: OrderKey, keys: &mut Vec<OrderKey>) -> Result<()> {
        keys.push(key);
        if keys.len() > self.limits.max_sort_keys {
            return Err(Error::new(
                Code::QueryTooComplex,
                format!("orderBy has more than {} keys, the limit.", self.limits.max_sort_keys),
            ));
        }
        Ok(())
    }

    /// The columns of a `distinctOn` argument, physical names.
    ///
    /// # Errors
    /// BAD_USER_INPUT for unknown columns.
    pub(super) fn distinct_columns(
        &mut self,
        dataset: &Dataset,
        input: Option<&Input<'_>>,
        place: &str,
    ) -> Result<Vec<String>> {
        let mut columns = Vec::new();
        let Some(input) = input else { return Ok(columns) };
        for item in self.reader.items(input) {
            let name = self.reader.enum_name(&item, place)?;
            let found = dataset
                .columns
                .iter()
                .find(|column| sluice_schema::naming::enum_name(&column.name) == name);
            let column = found.ok_or_else(|| {
                Error::bad_input(format!("{place}: {} has no column {name}.", dataset.name))
            })?;
            if !columns.contains(&column.physical) {
                columns.push(column.physical.clone());
            }
        }
        Ok(columns)
    }

    /// The values of a `distinctOn` argument.
    ///
    /// # Errors
    /// BAD_USER_INPUT for unknown columns.
    pub(super) fn distinct_values(
        &mut self,
        rows: &Rows<'d>,
        input: Option<&Input<'_>>,
    ) -> Result<Vec<Expr>> {
        let physical = self.distinct_columns(rows.dataset, input, "distinctOn")?;
        let columns = rows.dataset.columns.iter();
        Ok(physical
            .iter()
            .filter_map(|name| columns.clone().find(|column| column.physical == *name))
            .map(|column| self.comparable(rows, column))
            .collect())
    }
}

fn direction_of(name: &str) -> Option<(Order, NullOrdering)> {
    Some(match name {
        "ASC" | "ASC_NULLS_LAST" => (Order::Asc, NullOrdering::Last),
        "ASC_NULLS_FIRST" => (Order::Asc, NullOrdering::First),
        "DESC" | "DESC_NULLS_FIRST" => (Order::Desc, NullOrdering::First),
        "DESC_NULLS_LAST" => (Order::Desc, NullOrdering::Last),
        _ => return None,
    })
}

/// What a list asks for besides its columns.
pub(super) struct ListParts {
    pub(super) condition: Option<Expr>,
    pub(super) order: Vec<OrderKey>,
    /// What rows are told apart by.
    pub(super) distinct: Vec<Expr>,
}

impl ListParts {
    /// A SELECT over the rows wanted, without columns and limits.
    pub(super) fn select(self, rows: &Rows<'_>) -> SelectStatement {
        let mut select = Query::select();
        if self.distinct.is_empty() {
            rows.read_in(&mut select);
            if let Some(condition) = self.condition {
                select.and_where(condition);
            }
        } else {
            let window = first_of_groups(rows, &self.order, &self.distinct);
            let mut inner = Query::select();
            inner.column((rows.alias.clone(), Asterisk));
            rows.read_in(&mut inner);
            inner.expr_window_as(Expr::cust("ROW_NUMBER()"), window, "_place");
            if let Some(condition) = self.condition {
                inner.and_where(condition);
            }
            select.from_subquery(inner, rows.alias.clone());
            select.and_where(Expr::cust("\"_place\" = 1"));
        }
        for key in self.order {
            select.order_by_expr_with_nulls(key.value, key.order, key.nulls);
        }
        select.order_by((rows.alias.clone(), ROW_COLUMN), Order::Asc);
        select
    }
}

/// Numbers the rows of each group in the order wanted; the same on both stores.
pub(super) fn first_of_groups(
    rows: &Rows<'_>,
    order: &[OrderKey],
    distinct: &[Expr],
) -> WindowStatement {
    let mut window = WindowStatement::new();
    for value in distinct {
        window.add_partition_by(value.clone());
    }
    for key in order {
        window.order_by_expr_with_nulls(key.value.clone(), key.order.clone(), key.nulls);
    }
    window.order_by((rows.alias.clone(), ROW_COLUMN), Order::Asc);
    window
}
