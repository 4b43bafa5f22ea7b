//! Turns what a root field asks for into a question over columns, beside its SQL.
//!
//! The embedded store answers such questions quicker where it has the columns; the answer is the
//! same to the byte, so that nobody but it decides which way is taken. What columns cannot answer
//! (relations, searches, words, JSON, orders of rows, earlier versions) makes no question: then
//! there is only the SQL. A question has slots like a statement, and reads no data.

mod condition;
mod groups;
mod tree;

use std::sync::Arc;

use async_graphql_parser::types::Field;
use serde_json::Value as Json;
use sluice_columnar::question;

use self::condition::{Condition, bind_filter};
use self::groups::GroupParts;
use self::tree::Tree;
use super::Dialect;
use super::input::Input;
use super::roots::Compiler;
use super::select::Rows;
use super::value::{Binder, Slot, SlotKind};
use crate::catalog::model::{Column, Dataset, ROW_COLUMN, Wish};
use crate::catalog::view::SeenRows;
use crate::error::{Error, Result};
use crate::store::columns::{Ask, ColumnQuestion, TableColumns};
use crate::store::run::Bind;

pub(super) use self::groups::{GroupKey, KeyBy, Measured};

/// Rows that an index finds so much sooner than a scan of columns reads all: one in so many.
const SELECTIVE: u64 = 500;

/// A question with slots in the place of values.
#[derive(Debug)]
pub(super) struct Question {
    table: Arc<TableColumns>,
    columns: Vec<String>,
    filter: Option<Condition>,
    what: What,
    slots: Vec<Slot>,
}

#[derive(Debug)]
enum What {
    Groups(GroupParts),
    /// Without a limit, all.
    Rows {
        outputs: Vec<usize>,
        limit: Option<usize>,
        offset: Option<usize>,
    },
    Page {
        outputs: Vec<usize>,
        size: usize,
        limit: Option<usize>,
        has_total: bool,
    },
}

/// What is wanted of the first page of a connection in file order; slots are of the statement.
pub(super) struct PageParts {
    /// The physical names of what is read of a row; `None` where that is more than columns.
    pub(super) names: Option<Vec<String>>,
    /// The number of rows asked for.
    pub(super) size: usize,
    /// The number of rows read; `None` where none is.
    pub(super) limit: Option<usize>,
    /// Whether all rows are counted.
    pub(super) has_total: bool,
}

/// Why there is no question.
pub(super) enum Unasked {
    /// Columns cannot tell.
    Untold,
    /// The request is at fault.
    Wrong(Error),
}

impl From<Error> for Unasked {
    fn from(error: Error) -> Unasked {
        Unasked::Wrong(error)
    }
}

/// What is read of a request for a question.
type Asks<T> = std::result::Result<T, Unasked>;

/// The question, if there is one.
fn asked(question: Asks<Question>) -> Result<Option<Question>> {
    match question {
        Ok(question) => Ok(Some(question)),
        Err(Unasked::Untold) => Ok(None),
        Err(Unasked::Wrong(error)) => Err(error),
    }
}

/// Makes one question.
#[derive(Default)]
pub(super) struct Asking {
    columns: Vec<String>,
    slots: Vec<Slot>,
}

impl Asking {
    /// The place of a column among those that are read.
    fn column(&mut self, physical: &str) -> usize {
        let known = self.columns.iter().position(|known| known == physical);
        known.unwrap_or_else(|| {
            self.columns.push(physical.to_owned());
            self.columns.len() - 1
        })
    }

    fn slot(&mut self, slot: Slot) -> usize {
        self.slots.push(slot);
        self.slots.len() - 1
    }

    /// Makes the value of a slot, or each of a list, a number at this scale that may pass 64 bits.
    fn widen(&mut self, number: usize, scale: u8) {
        if let Some(slot) = self.slots.get_mut(number) {
            slot.kind = match slot.kind {
                SlotKind::Scalar(_, side) => SlotKind::Wide { scale, side },
                _ => SlotKind::WideList { scale },
            };
        }
    }
}

impl<'d> Compiler<'d> {
    /// The question of a list in the order of its file, whose result has these columns; `None`
    /// where columns cannot answer it, or need not: without a filter it is quick anyway.
    ///
    /// # Errors
    /// As those of its filter.
    pub(super) fn ask_rows(
        &mut self,
        rows: &Rows<'d>,
        field: &'d Field,
        physical: &[String],
        limit: Option<usize>,
    ) -> Result<Option<Question>> {
        let is_plain =
            ["orderBy", "distinctOn"].iter().all(|name| self.argument(field, name).is_none());
        if !is_plain {
            return Ok(None);
        }
        asked(self.ask_list(rows, field, physical, limit))
    }

    fn ask_list(
        &mut self,
        rows: &Rows<'d>,
        field: &'d Field,
        physical: &[String],
        limit: Option<usize>,
    ) -> Asks<Question> {
        let mut asking = Asking::default();
        let filter = self.ask_filter(rows, field, &mut asking)?;
        if filter.is_none() && !self.is_unlimited {
            return Err(Unasked::Untold);
        }
        let outputs = self.ask_columns(rows, physical, &mut asking)?;
        let limit = limit.map(|limit| self.copied_slot(&mut asking, limit)).transpose()?;
        let offset = match self.argument(field, "offset") {
            Some(offset) => {
                Some(self.ask_slot(&offset, SlotKind::Offset, "offset", &mut asking)?)
            }
            None => None,
        };
        self.question(rows, asking, filter, What::Rows { outputs, limit, offset })
    }

    /// The question of the first page of a connection; `None` where columns cannot answer it, or
    /// need not.
    ///
    /// # Errors
    /// As those of its filter.
    pub(super) fn ask_page(
        &mut self,
        rows: &Rows<'d>,
        field: &'d Field,
        page: &PageParts,
    ) -> Result<Option<Question>> {
        asked(self.ask_first_page(rows, field, page))
    }

    fn ask_first_page(
        &mut self,
        rows: &Rows<'d>,
        field: &'d Field,
        page: &PageParts,
    ) -> Asks<Question> {
        let names = page.names.as_ref().ok_or(Unasked::Untold)?;
        let mut asking = Asking::default();
        let filter = self.ask_filter(rows, field, &mut asking)?.ok_or(Unasked::Untold)?;
        let outputs = self.ask_columns(rows, names, &mut asking)?;
        let size = self.copied_slot(&mut asking, page.size)?;
        let limit = page.limit.map(|limit| self.copied_slot(&mut asking, limit)).transpose()?;
        let what = What::Page { outputs, size, limit, has_total: page.has_total };
        self.question(rows, asking, Some(filter), what)
    }

    /// The places of columns of these names, all shown as they are.
    fn ask_columns(
        &self,
        rows: &Rows<'d>,
        physical: &[String],
        asking: &mut Asking,
    ) -> Asks<Vec<usize>> {
        let mut places = Vec::with_capacity(physical.len());
        for name in physical {
            if name != ROW_COLUMN {
                self.asked_column(rows, name)?;
            }
            places.push(asking.column(name));
        }
        Ok(places)
    }

    /// A column that is shown as it is.
    fn asked_column(&self, rows: &Rows<'d>, physical: &str) -> Asks<&'d Column> {
        let dataset = rows.dataset;
        let column = dataset.columns.iter().find(|column| column.physical == physical);
        column.filter(|_| self.is_shown_plainly(dataset, physical)).ok_or(Unasked::Untold)
    }

    /// Whether values of a column are shown as they are.
    fn is_shown_plainly(&self, dataset: &Dataset, physical: &str) -> bool {
        let part = self.snapshot.part(dataset.id);
        !part.is_some_and(|part| part.masks.iter().any(|(masked, _)| masked == physical))
    }

    /// The condition of a root field and of the policy behind it, if there is any; Untold also where
    /// rows cannot be asked of columns at all.
    fn ask_filter(
        &mut self,
        rows: &Rows<'d>,
        field: &'d Field,
        asking: &mut Asking,
    ) -> Asks<Option<Condition>> {
        let can_ask = self.dialect == Dialect::Sqlite && !rows.is_past;
        if !can_ask || self.argument(field, "search").is_some() {
            return Err(Unasked::Untold);
        }
        let mut parts = Vec::new();
        if let Some(view) = self.snapshot.view.as_deref() {
            match view.parts.get(&rows.dataset.id).map(|part| &part.rows) {
                None | Some(SeenRows::All) => {}
                Some(SeenRows::Nothing) => return Err(Unasked::Untold),
                Some(SeenRows::Fitting(filter)) => {
                    let whole = view.base.dataset_by_id(rows.dataset.id);
                    let whole = whole.ok_or(Unasked::Untold)?;
                    let seen = std::mem::replace(&mut self.snapshot, &view.base);
                    let input = Input::Policy(filter);
                    let condition = self.ask_condition(whole, &input, super::seen::PLACE, asking);
                    self.snapshot = seen;
                    parts.extend(condition?);
                }
            }
        }
        if let Some(input) = self.argument(field, "where") {
            parts.extend(self.ask_condition(rows.dataset, &input, "where", asking)?);
        }
        Ok((!parts.is_empty()).then_some(Tree::And(parts)))
    }

    /// The slot of a statement, for the question, too.
    fn copied_slot(&self, asking: &mut Asking, number: usize) -> Asks<usize> {
        Ok(asking.slot(self.slots.get(number).ok_or(Unasked::Untold)?.clone()))
    }

    fn question(
        &mut self,
        rows: &Rows<'d>,
        asking: Asking,
        filter: Option<Condition>,
        what: What,
    ) -> Asks<Question> {
        let whole = match self.snapshot.view.as_deref() {
            Some(view) => view.base.dataset_by_id(rows.dataset.id).ok_or(Unasked::Untold)?,
            None => rows.dataset,
        };
        let columns = whole.columns.iter().filter(|column| column.physical != ROW_COLUMN);
        let columns = columns.map(|column| (column.physical.clone(), column.column_type));
        let table = Arc::new(TableColumns(columns.collect()));
        let Asking { columns, slots } = asking;
        Ok(Question { table, columns, filter, what, slots })
    }

    /// Whether an index finds the rows that a filter asks for sooner than all of them are read.
    pub(super) fn has_selective_index(&self, rows: &Rows<'d>, wish: &Wish) -> bool {
        let n_rows = u64::try_from(rows.dataset.row_count).unwrap_or(0);
        let is_indexed = |field: &String| {
            let mut indexes = rows.dataset.indexes.iter();
            let is_key =
                rows.dataset.columns.get(rows.dataset.key).is_some_and(|key| key.name == *field);
            is_key || indexes.any(|index| index.columns.first().is_some_and(|first| first == field))
        };
        wish.equal.iter().any(|field| {
            let column = rows.dataset.column(field);
            let n_distinct = column.map_or(0, |column| match column.unique {
                true => n_rows,
                false => column.evidence.n_distinct,
            });
            is_indexed(field) && n_distinct >= SELECTIVE
        })
    }
}

impl Question {
    /// The question with the values of a run.
    ///
    /// # Errors
    /// As those of a statement's values.
    pub(super) fn bind<'b>(
        &'b self,
        binder: &mut Binder<'b>,
        n_rows: i64,
    ) -> Result<Option<ColumnQuestion>> {
        let mut binds = Vec::with_capacity(self.slots.len());
        for slot in &self.slots {
            binds.push(binder.bind(slot)?);
        }
        let values = Values(binds);
        let filter = match &self.filter {
            Some(filter) => match bind_filter(filter, &values) {
                Some(filter) => Some(filter),
                None => return Ok(None),
            },
            None => None,
        };
        let asked = question::Question { columns: Vec::new(), filter };
        let ask = match &self.what {
            What::Groups(parts) => match parts.bind(asked, &values) {
                Some((groups, outputs)) => Ask::Groups { groups, outputs },
                None => return Ok(None),
            },
            What::Rows { outputs, limit, offset } => {
                let rows = question::Rows {
                    question: asked,
                    limit: limit.map_or(Some(u64::MAX), |slot| values.number(slot)).unwrap_or(0),
                    offset: offset.and_then(|offset| values.number(offset)).unwrap_or(0),
                };
                Ask::Rows { rows, outputs: outputs.clone() }
            }
            What::Page { outputs, size, limit, has_total } => {
                Ask::Page {
                    rows: limit
                        .and_then(|limit| values.number(limit))
                        .map(|limit| question::Rows { question: asked.clone(), limit, offset: 0 }),
                    outputs: outputs.clone(),
                    size: values.number(*size).unwrap_or(0),
                    total: has_total.then(|| question::Groups::count(asked)),
                }
            }
        };
        let table = Arc::clone(&self.table);
        Ok(Some(ColumnQuestion { table, columns: self.columns.clone(), ask, n_rows }))
    }
}

/// The values of a run, in the order of the question's slots.
struct Values(Vec<Bind>);

impl Values {
    fn get(&self, slot: usize) -> Option<&Bind> {
        self.0.get(slot)
    }

    fn text(&self, slot: usize) -> Option<&str> {
        match self.get(slot) {
            Some(Bind::Text(text)) => Some(text),
            _ => None,
        }
    }

    fn number(&self, slot: usize) -> Option<u64> {
        match self.get(slot) {
            Some(Bind::Int(number)) => u64::try_from(*number).ok(),
            _ => None,
        }
    }

    /// The items of a list, as the embedded store takes it.
    fn items(&self, slot: usize) -> Option<Vec<Json>> {
        serde_json::from_str(self.text(slot)?).ok()
    }
}
