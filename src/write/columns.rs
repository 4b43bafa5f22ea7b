//! Says which columns of a dataset are written, and makes rows of objects.

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
    snapshot: &'d Snapshot,
    shown: &'d Dataset,
    pub(super) whole: &'d Dataset,
    settings: &'d PlanSettings,
}

impl<'d> Columns<'d> {
    pub(super) fn of(
        snapshot: &'d Snapshot,
        shown: &'d Dataset,
        settings: &'d PlanSettings,
    ) -> Result<Columns<'d>> {
        let base = snapshot.view.as_ref().map_or(snapshot, |view| &view.base);
        let whole = base.dataset_by_id(shown.id);
        let whole = whole.ok_or_else(|| Error::not_found("The dataset is gone."))?;
        Ok(Columns { snapshot, shown, whole, settings })
    }

    /// The position of a column in the table; `None` for those that are not written.
    pub(super) fn position(&self, column: &Column) -> Option<usize> {
        if !is_written(self.snapshot, self.shown, column) {
            return None;
        }
        stored_columns(self.whole).position(|stored| stored.physical == column.physical)
    }

    /// Whether it is the key.
    pub(super) fn is_key(&self, column: &Column) -> bool {
        let key = self.whole.columns.get(self.whole.key);
        key.is_some_and(|key| key.physical == column.physical)
    }

    /// A column that a document writes.
    pub(super) fn written(&self, field: &str, place: &str) -> Result<(usize, &'d Column)> {
        let column = self.shown.column(field);
        let found = column.and_then(|column| Some((self.position(column)?, column)));
        found.ok_or_else(|| {
            Error::bad_input(format!(
                "{place}: {} has no column {field:?} that can be written.",
                self.shown.name
            ))
        })
    }

    /// A row of the values of an object.
    pub(super) fn new_row(&self, object: &Json, place: &str) -> Result<NewRow> {
        let object = object
            .as_object()
            .ok_or_else(|| Error::bad_input(format!("{place} must be an object.")))?;
        let mut cells: Vec<Option<Bind>> = vec![None; stored_columns(self.whole).count()];
        for (field, value) in object {
            let place = format!("{place}.{field}");
            let (position, column) = self.written(field, &place)?;
            if value.is_null() && self.is_key(column) {
                return Err(missing(&place));
            }
            let bind = cell(value, column, self.settings.dialect, &place)?;
            if let Some(cell) = cells.get_mut(position)
                && cell.replace(bind).is_some()
            {
                return Err(Error::bad_input(format!(
                    "{place} is given twice: id and the column that was chosen as the key are the same. Give one of them."
                )));
            }
        }
        let mut row = Vec::with_capacity(cells.len());
        for (column, cell) in stored_columns(self.whole).zip(cells) {
            let needs_value = self.is_key(column) || column.required || !column.nullable;
            row.push(match cell {
                Some(bind) => bind,
                None if !needs_value => Bind::Null,
                None if self.shown.column(&column.name).is_some() => {
                    return Err(missing(&format!("{place}.{}", column.name)));
                }
                None => {
                    return Err(Error::new(
                        Code::Forbidden,
                        "A column that this key does not see needs a value, so that it cannot add rows. Ask an admin.",
                    ));
                }
            });
        }
        Ok(NewRow { cells: row })
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
