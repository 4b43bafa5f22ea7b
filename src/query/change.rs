//! Compiles what a mutation needs of the planner: which rows it means, whether they fit a policy
//! afterwards, and what it answers of them.
//!
//! The numbers of the rows come with the variables, under a name that no document can use: they are
//! known only while the mutation runs. Nothing here changes a row.

use std::borrow::Cow;
use std::sync::{Arc, RwLock};

pub use async_graphql_parser::types::Field;
use async_graphql_value::Value as AstValue;
use sea_query::{Expr, ExprTrait, Func, Order, Query};
use serde_json::{Map, Value as Json};
use sluice_schema::ColumnType;

use super::Dialect;
use super::cost::Cost;
use super::document::Document;
use super::input::{Input, Observation, Origin, VariablePath, Variables};
use super::plan::{PlanSettings, RootStatement, compiler, has_indexes, indexes_of};
use super::roots::Compiler;
use super::select::{Columns, Fields, Rows};
use super::value::{Binder, Slot, SlotKind};
use crate::catalog::model::{Dataset, DatasetId, ROW_COLUMN, Wish};
use crate::catalog::snapshot::Snapshot;
use crate::error::{Code, Error, Result};
use crate::store::json::{CellKind, OutCell, OutField, RootShape, key_bytes};
use crate::store::run::Run;

/// The variable that holds the numbers of rows.
pub const ROWS: &str = "#rows";
/// The variable that holds how many they are.
pub const COUNT: &str = "#count";

/// Finds rows.
#[derive(Debug)]
pub struct Matched {
    /// What finds them.
    pub statement: RootStatement,
    /// Whether no condition narrows them.
    pub is_all: bool,
}

/// Statements that answer what mutations of one document have made, kept with the document: they
/// are the same each time, but for the rows.
#[derive(Debug, Default)]
pub struct Returnings(RwLock<Vec<Returning>>);

/// A statement and what it depends on.
#[derive(Debug)]
struct Returning {
    key: Box<str>,
    statement: Arc<RootStatement>,
    observations: Vec<Observation>,
    indexes: Vec<(DatasetId, Vec<String>)>,
}

/// Statements kept per document, for shapes of its variables.
const MAX_RETURNINGS: usize = 32;

impl Returnings {
    fn get(
        &self,
        key: &str,
        snapshot: &Snapshot,
        variables: &Variables,
    ) -> Option<Arc<RootStatement>> {
        let kept = self.0.read().ok()?;
        let fits = |it: &&Returning| {
            *it.key == *key
                && it.observations.iter().all(|observation| observation.holds(variables))
                && has_indexes(snapshot, &it.indexes)
        };
        kept.iter().find(fits).map(|it| Arc::clone(&it.statement))
    }

    fn put(&self, snapshot: &Snapshot, returning: Returning) {
        let Ok(mut kept) = self.0.write() else { return };
        kept.retain(|it| has_indexes(snapshot, &it.indexes));
        if kept.len() >= MAX_RETURNINGS {
            kept.remove(0);
        }
        kept.push(returning);
    }
}

/// Compiles parts of one mutation.
pub struct ChangePlanner<'d> {
    compiler: Compiler<'d>,
    variables: &'d Variables,
}

impl<'d> ChangePlanner<'d> {
    /// For a document with these variables, of a principal that sees this.
    pub fn new(
        document: &'d Document,
        snapshot: &'d Snapshot,
        variables: &'d Variables,
        settings: &'d PlanSettings,
    ) -> ChangePlanner<'d> {
        ChangePlanner { compiler: compiler(document, snapshot, variables, settings), variables }
    }

    /// The root fields of the operation by response key, fragments spread and directives obeyed.
    ///
    /// # Errors
    /// BAD_USER_INPUT for a directive without its condition.
    pub fn root_fields(&mut self) -> Result<Vec<(String, Vec<&'d Field>)>> {
        let document = self.compiler.document;
        let fields: Fields<'d> =
            self.compiler.collect([&document.operation()?.selection_set.node])?;
        Ok(fields.into_iter().collect())
    }

    /// The fields below fields of one response key, in the same way.
    ///
    /// # Errors
    /// As [`ChangePlanner::root_fields`].
    pub fn below(&mut self, merged: &[&'d Field]) -> Result<Vec<(String, Vec<&'d Field>)>> {
        Ok(self.compiler.collect_below(merged)?.into_iter().collect())
    }

    /// The statement that finds the rows that fit a filter, `[{"row":1},…]`, at most so many; with
    /// `is_among`, only among the rows of [`ROWS`].
    ///
    /// # Errors
    /// BAD_USER_INPUT for a filter that does not fit, QUERY_TOO_COMPLEX and QUERY_TOO_DEEP beyond
    /// the limits.
    pub fn matched(
        &mut self,
        dataset: &'d Dataset,
        filter: Option<&Input<'_>>,
        place: &str,
        is_among: bool,
        at_most: i64,
    ) -> Result<Matched> {
        let compiler = &mut self.compiler;
        compiler.begin_statement();
        let rows = compiler.rows_of(dataset)?;
        let mut select = Query::select();
        select.column((rows.alias.clone(), ROW_COLUMN));
        rows.read_in(&mut select);
        let condition = match filter {
            Some(filter) => compiler.condition(&rows, filter, place, 0)?,
            None => None,
        };
        let is_all = condition.is_none();
        select.and_where_option(condition);
        if is_among {
            let among = compiler.among(&rows)?;
            select.and_where(among);
        }
        select.order_by((rows.alias.clone(), ROW_COLUMN), Order::Asc);
        let slot = compiler.push_slot(Slot {
            origin: Origin::Constant(at_most.into()),
            kind: SlotKind::Limit(at_most),
            place: Box::from("atMost"),
        });
        select.limit(slot);
        let cell = OutCell::Column { index: 0, kind: CellKind::Int };
        let shape = RootShape::List(vec![OutField { key: key_bytes("row"), cell }]);
        let statement =
            compiler.statement(&select, shape, Cost::default(), false, Wish::default())?;
        Ok(Matched { statement, is_all })
    }

    /// The statement that answers a selection of the rows of [`ROWS`] that are seen: a list in file
    /// order, or with `is_one` the first of them. It is kept under the key, which says where in the
    /// document it is.
    ///
    /// # Errors
    /// As those of a list's selection.
    pub fn returned(
        &mut self,
        kept: &Returnings,
        key: &str,
        dataset: &'d Dataset,
        merged: &[&'d Field],
        is_one: bool,
    ) -> Result<Arc<RootStatement>> {
        let snapshot = self.compiler.snapshot;
        if let Some(known) = kept.get(key, snapshot, self.variables) {
            return Ok(known);
        }
        let statement = Arc::new(self.compile_returned(dataset, merged, is_one)?);
        let returning = Returning {
            key: key.into(),
            statement: Arc::clone(&statement),
            observations: self.compiler.reader.observations().to_vec(),
            indexes: indexes_of(snapshot, &statement.datasets),
        };
        kept.put(snapshot, returning);
        Ok(statement)
    }

    fn compile_returned(
        &mut self,
        dataset: &'d Dataset,
        merged: &[&'d Field],
        is_one: bool,
    ) -> Result<RootStatement> {
        let compiler = &mut self.compiler;
        compiler.begin_statement();
        let fields = compiler.collect_row(merged, dataset)?;
        let rows = compiler.rows_of(dataset)?;
        let mut columns = Columns::default();
        let mut each = Cost::default();
        let shape = compiler.row_shape(&rows, &fields, &mut columns, &mut each)?;
        let mut select = Query::select();
        columns.select_into(&mut select, &rows);
        rows.read_in(&mut select);
        let among = compiler.among(&rows)?;
        select.and_where(among);
        select.order_by((rows.alias.clone(), ROW_COLUMN), Order::Asc);
        let count = variable(COUNT);
        let slot = compiler.push_slot(Slot {
            origin: Origin::Variable(count),
            kind: SlotKind::Limit(i64::MAX),
            place: Box::from("returning"),
        });
        select.limit(slot);
        let (shape, cost) = if is_one {
            (RootShape::Optional(shape), each)
        } else {
            let slot = usize::try_from(slot).ok();
            (RootShape::List(shape), Cost::of_list(slot, each))
        };
        compiler.statement(&select, shape, cost, false, Wish::default())
    }

    /// The statement that counts the rows of [`ROWS`] that do not fit a policy's filter:
    /// `{"count":0}`. It looks at all of them, seen or not.
    ///
    /// # Errors
    /// FORBIDDEN when the policy does not fit the dataset any more.
    pub fn unfit(&mut self, dataset: &'d Dataset, check: &'d Json) -> Result<RootStatement> {
        let compiler = &mut self.compiler;
        compiler.begin_statement();
        let shown = compiler.snapshot;
        let whole = shown.view.as_ref().map_or(shown, |view| &view.base);
        compiler.snapshot = whole;
        let made = unfit_in(compiler, dataset, check);
        compiler.snapshot = shown;
        made
    }
}

fn unfit_in<'d>(
    compiler: &mut Compiler<'d>,
    dataset: &'d Dataset,
    check: &'d Json,
) -> Result<RootStatement> {
    let rows = compiler.rows_of(dataset)?;
    let mut select = Query::select();
    select.expr(Expr::cust("COUNT(*)"));
    rows.read_in(&mut select);
    let among = compiler.among(&rows)?;
    select.and_where(among);
    let fits = compiler.condition(&rows, &Input::Policy(check), "the policy's check", 0);
    let fits = fits.map_err(|error| {
        let dataset = &dataset.name;
        tracing::warn!(%error, dataset, "a policy's check does not fit its dataset; nothing is written");
        Error::new(
            Code::Forbidden,
            "The policy for this dataset does not fit it any more, so that nothing of it is changed. Ask an admin to set it anew.",
        )
    })?;
    let fits = fits.unwrap_or_else(|| Expr::cust("1 = 1"));
    // What is neither true nor false does not fit.
    let fits = Expr::from(Func::coalesce([fits, Expr::cust("1 = 0")]));
    select.and_where(fits.not());
    let cell = OutCell::Column { index: 0, kind: CellKind::Int };
    let shape = RootShape::Single(vec![OutField { key: key_bytes("count"), cell }]);
    compiler.statement(&select, shape, Cost::default(), false, Wish::default())
}

/// An argument of a field with its variables filled in: one that is a variable is not copied.
pub fn argument<'v>(field: &Field, name: &str, variables: &'v Variables) -> Option<Cow<'v, Json>> {
    match &field.get_argument(name)?.node {
        AstValue::Variable(name) => variables.get(name.as_str()).map(Cow::Borrowed),
        value => filled_in(value, variables).map(Cow::Owned),
    }
}

/// The name of the variable that an argument is.
pub fn variable_of<'f>(field: &'f Field, name: &str) -> Option<&'f str> {
    match &field.get_argument(name)?.node {
        AstValue::Variable(name) => Some(name.as_str()),
        _ => None,
    }
}

/// The arguments of a field but these, with their variables filled in; what stands for a variable
/// that was not given is left out.
pub fn arguments_but(field: &Field, left_out: &[&str], variables: &Variables) -> Map<String, Json> {
    let arguments = field.arguments.iter();
    arguments
        .filter(|(name, _)| !left_out.contains(&name.node.as_str()))
        .filter_map(|(name, value)| {
            Some((name.node.to_string(), filled_in(&value.node, variables)?))
        })
        .collect()
}

fn filled_in(value: &AstValue, variables: &Variables) -> Option<Json> {
    Some(match value {
        AstValue::Variable(name) => variables.get(name.as_str())?.clone(),
        AstValue::List(items) => {
            items.iter().map(|item| filled_in(item, variables).unwrap_or(Json::Null)).collect()
        }
        AstValue::Object(map) => Json::Object(
            map.iter()
                .filter_map(|(name, item)| Some((name.to_string(), filled_in(item, variables)?)))
                .collect(),
        ),
        AstValue::Null | AstValue::Binary(_) => Json::Null,
        AstValue::Number(number) => Json::Number(number.clone()),
        AstValue::String(text) => Json::String(text.clone()),
        AstValue::Boolean(truth) => Json::Bool(*truth),
        AstValue::Enum(name) => Json::String(name.to_string()),
    })
}

/// A whole variable.
pub fn variable(name: &str) -> VariablePath {
    VariablePath { name: Box::from(name), steps: Vec::new() }
}

impl<'d> Compiler<'d> {
    /// That a row is one of [`ROWS`].
    fn among(&mut self, rows: &Rows<'d>) -> Result<Expr> {
        let list = Input::Variable(variable(ROWS));
        let row = rows.column(ROW_COLUMN);
        if self.dialect == Dialect::Sqlite {
            return self.in_list(row, ColumnType::BigInt, &list, ROWS);
        }
        // Not `= ANY`, which reads a long list anew for each row that is looked at.
        let list = self.slot(&list, SlotKind::List(ColumnType::BigInt), ROWS)?;
        Ok(Expr::cust_with_exprs("$1 IN (SELECT unnest($2))", [row, list.cast_as("bigint[]")]))
    }

    /// Adds a slot; its number, as limits take it.
    fn push_slot(&mut self, slot: Slot) -> u64 {
        self.slots.push(slot);
        u64::try_from(self.slots.len() - 1).unwrap_or(u64::MAX)
    }
}

impl RootStatement {
    /// The datasets that it reads.
    pub fn datasets(&self) -> &[DatasetId] {
        &self.datasets
    }

    /// The statement with these values, among them the rows.
    ///
    /// # Errors
    /// BAD_USER_INPUT for values that do not fit, QUERY_TOO_COMPLEX when it answers too many cells.
    pub fn run(
        &self,
        snapshot: &Snapshot,
        variables: &Variables,
        settings: &PlanSettings,
        deadline: std::time::Instant,
    ) -> Result<Run> {
        // The rows of a mutation are bounded by themselves.
        let n_rows = variables.get(ROWS).and_then(Json::as_array).map_or(0, Vec::len);
        let max_in_values = settings.limits.max_in_values.max(n_rows);
        let mut binder = Binder::new(variables, snapshot, settings.dialect, max_in_values);
        let run = self.bind(&mut binder, deadline)?;
        let (cells, max_cost) = (self.cells(&run), settings.limits.max_cost);
        if cells > max_cost {
            return Err(Error::new(
                Code::QueryTooComplex,
                format!(
                    "The mutation would answer {cells} cells (fields × rows); the limit is {max_cost}. Ask for fewer fields in returning, or send fewer rows."
                ),
            ));
        }
        Ok(run)
    }
}
