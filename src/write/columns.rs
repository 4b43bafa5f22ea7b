//! Says which columns of a dataset are written, and makes rows of objects.

use std::collections::HashMap;

use serde_json::Value as Json;
use sluice_schema::ColumnType;
use sluice_schema::naming::enum_name;

use super::plan::NewRow;
use super::values::{cell, missing};
use crate::catalog::model::{Column, Dataset, ROW_COLUMN};
use crate::catalog::snapshot::Snapshot;
use crate::error::{Code, Error, Result};
use crate::query::plan::PlanSettings;
use crate::store::run::Bind;

/// What `onConflict.constraint` is called; `None` where the key is given by Sluice.
pub fn constraint_name(dataset: &Dataset) -> Option<String> {
    let key = dataset.columns.get(dataset.key)?;
    (key.physical != ROW_COLUMN).then(|| format!("{}_PKEY", enum_name(&dataset.name)))
}

/// The columns of a dataset as they are written: those that are seen unchanged, in the table's
/// order.
pub(super) struct Columns<'d> {
    shown: &'d Dataset,
    pub(super) whole: &'d Dataset,
    settings: &'d PlanSettings,
    /// Those that are written by the names of their fields, with their positions in the table.
    written: HashMap<&'d str, (usize, &'d Column)>,
    /// Positions of the columns that must have a value, and how many columns there are.
    required: Vec<usize>,
    n_stored: usize,
}

impl<'d> Columns<'d> {
    pub(super) fn of(
        snapshot: &'d Snapshot,
        shown: &'d Dataset,
        settings: &'d PlanSettings,
    ) -> Result<Columns<'d>> {
        let base = snapshot.view.as_ref().map_or(snapshot, |view| &view.base);
        let whole = base.dataset_by_id(shown.id);
        let whole: &'d Dataset = whole.ok_or_else(|| Error::not_found("The dataset is gone."))?;
        let positions: HashMap<&str, usize> = stored_columns(whole)
            .enumerate()
            .map(|(position, column)| (column.physical.as_str(), position))
            .collect();
        let written = shown.columns.iter().filter(|it| is_written(snapshot, shown, it));
        let written = written.filter_map(|column| {
            let position = positions.get(column.physical.as_str())?;
            Some((column.name.as_str(), (*position, column)))
        });
        let mut columns = Columns {
            shown,
            whole,
            settings,
            written: written.collect(),
            required: Vec::new(),
            n_stored: positions.len(),
        };
        let is_required = |(_, column): &(usize, &Column)| {
            columns.is_key(column) || column.required || !column.nullable
        };
        let required = stored_columns(whole).enumerate().filter(is_required);
        columns.required = required.map(|(position, _)| position).collect();
        Ok(columns)
    }

    /// The position of a column in the table; `None` for those that are not written.
    pub(super) fn position(&self, column: &Column) -> Option<usize> {
        self.written.get(column.name.as_str()).map(|(position, _)| *position)
    }

    /// Whether it is the key.
    pub(super) fn is_key(&self, column: &Column) -> bool {
        let key = self.whole.columns.get(self.whole.key);
        key.is_some_and(|key| key.physical == column.physical)
    }

    /// A column that a document writes.
    pub(super) fn written(&self, field: &str, place: &str) -> Result<(usize, &'d Column)> {
        self.written.get(field).copied().ok_or_else(|| {
            Error::bad_input(format!(
                "{place}: {} has no column {field:?} that can be written.",
                self.shown.name
            ))
        })
    }

    /// A row of the values of an object; what it is called is asked for where something is wrong.
    pub(super) fn new_row(&self, object: &Json, place: &dyn Fn() -> String) -> Result<NewRow> {
        let object = object
            .as_object()
            .ok_or_else(|| Error::bad_input(format!("{} must be an object.", place())))?;
        let mut cells = vec![Bind::Null; self.n_stored];
        let mut given = vec![false; self.n_stored];
        for (field, value) in object {
            let of_field = || format!("{}.{field}", place());
            let found = self.written.get(field.as_str()).copied();
            let (position, column) = match found {
                Some(found) => found,
                None => self.written(field, &of_field())?,
            };
            if value.is_null() && self.is_key(column) {
                return Err(missing(&of_field()));
            }
            let dialect = self.settings.dialect;
            let bind = match cell(value, column, dialect, "") {
                Ok(bind) => bind,
                // Once more, to be told where it is.
                Err(_) => cell(value, column, dialect, &of_field())?,
            };
            let (Some(cell), Some(is_given)) = (cells.get_mut(position), given.get_mut(position))
            else {
                return Err(Error::internal("a column beyond its table"));
            };
            if std::mem::replace(is_given, true) {
                return Err(Error::bad_input(format!(
                    "{} is given twice: id and the column that was chosen as the key are the same. Give one of them.",
                    of_field()
                )));
            }
            *cell = bind;
        }
        let lacks = |position: &&usize| given.get(**position) != Some(&true);
        let Some(lacking) = self.required.iter().find(lacks) else { return Ok(NewRow { cells }) };
        let column = stored_columns(self.whole).nth(*lacking);
        Err(match column.filter(|column| self.shown.column(&column.name).is_some()) {
            Some(column) => missing(&format!("{}.{}", place(), column.name)),
            None => Error::new(
                Code::Forbidden,
                "A column that this key does not see needs a value, so that it cannot add rows. Ask an admin.",
            ),
        })
    }
}

/// Whether values of a type can be added to each other.
pub fn is_number(column_type: ColumnType) -> bool {
    use ColumnType::{BigInt, Decimal, Float, Int};
    matches!(column_type, Int | BigInt | Float | Decimal { .. })
}

/// The columns of a dataset's table beside the row number; a key that was chosen is there once,
/// though it is served as `id`, too.
pub(super) fn stored_columns(dataset: &Dataset) -> impl Iterator<Item = &Column> {
    dataset.columns.iter().filter(|column| !column.generated)
}

/// Whether values of a column that is seen can be written.
pub fn is_written(snapshot: &Snapshot, dataset: &Dataset, column: &Column) -> bool {
    let part = snapshot.part(dataset.id);
    column.physical != ROW_COLUMN && part.is_none_or(|part| part.mask(&column.physical).is_none())
}
