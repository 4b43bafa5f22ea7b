//! Finds the column that is the key, and the one by which rows are found again.
//!
//! It exists so that a key is named by header or field, and a wrong one is refused with the next
//! step. Whether values repeat is for the store to say.

use sluice_schema::ColumnType;

use super::columns::{KEY_NAME, KeyWork, TableColumn, can_be_key, key_column};
use super::failure::Failure;
use super::load::Work;
use super::misfit;
use super::prepare::Prepared;
use super::request::Task;
use crate::catalog::model::{Dataset, Drift, DriftImpact, DriftKind, JobOutcome};
use crate::error::{Code, Error};

/// The column that the owner chose as the key, by label or field name.
pub(super) fn chosen_key(work: &Work<'_>, prepared: &Prepared) -> Result<Option<usize>, Failure> {
    let wanted = prepared.recipe.key.as_deref();
    let Some(wanted) = wanted.filter(|key| !key.is_empty()) else { return Ok(None) };
    let found = find_column(prepared, wanted);
    let is_explicit = work.wishes.key.is_some() || matches!(work.wishes.task, Task::Derive { .. });
    match found {
        None if !is_explicit => Ok(None),
        None => Err(misfit::unknown_column(&prepared.plan, wanted).into()),
        Some(index) => match prepared.fit.targets.get(index) {
            Some(column_type) if can_be_key(*column_type) => Ok(Some(index)),
            _ => Err(Error::bad_input(format!(
                "The column {wanted:?} cannot be the key: its values are truth values, doubles or JSON. Choose another column."
            ))
            .into()),
        },
    }
}

/// The difference that clients feel when `id` holds the values of another column than before.
pub(super) fn rekeyed(before: &Dataset, columns: &[TableColumn], key: KeyWork) -> Option<Drift> {
    let old = key_column(before);
    let new = key.column().and_then(|index| columns.get(index));
    if old == new.and_then(|column| column.old) && old.is_some() == new.is_some() {
        return None;
    }
    let served = before.columns.get(before.key);
    let is_demoted = columns.iter().any(|column| column.old == old) && old.is_some();
    let holds = match (new, served) {
        (Some(_), _) => "the values of the column that is the key now",
        (None, Some(old)) if is_demoted && old.name == KEY_NAME && !old.generated => {
            "the number of the row in file order, because the column's values are missing or occur twice; they are served as originalId"
        }
        (None, _) => "the number of the row in file order",
    };
    let held = match (old, served) {
        (Some(_), Some(served)) => format!("the values of {:?}", served.label),
        _ => "the number of the row".to_owned(),
    };
    Some(Drift {
        dataset: before.name.clone(),
        kind: DriftKind::Rekeyed,
        impact: DriftImpact::Breaking,
        column: KEY_NAME.to_owned(),
        label_before: served.map(|column| column.label.clone()),
        label_after: None,
        type_before: served.map(|column| column.column_type),
        type_after: Some(new.map_or(ColumnType::Int, |column| column.column_type)),
        message: format!("The field id was {held}; it becomes {holds}."),
    })
}

/// The sheet's column of this label or field name.
fn find_column(prepared: &Prepared, wanted: &str) -> Option<usize> {
    let columns = &prepared.plan.columns;
    let by_label = columns.iter().position(|column| column.label == wanted);
    let by_name = || columns.iter().position(|column| column.name == wanted);
    let by_old_name = || {
        let before = prepared.before.as_deref()?;
        let named = |old: &&Option<usize>| {
            old.and_then(|old| before.columns.get(old)).is_some_and(|old| old.name == wanted)
        };
        prepared.fit.old_of.iter().position(|old| named(&old))
    };
    by_label.or_else(by_old_name).or_else(by_name)
}

/// The column by which rows are found again.
pub(super) fn upsert_column(
    work: &Work<'_>,
    prepared: &Prepared,
    before: &Dataset,
    columns: &[TableColumn],
) -> Result<usize, Failure> {
    let key = match &work.wishes.key {
        Some(wanted) => {
            let sheet = find_column(prepared, wanted)
                .ok_or_else(|| misfit::unknown_column(&prepared.plan, wanted))?;
            columns.iter().position(|column| column.sheet == Some(sheet))
        }
        None => key_column(before)
            .and_then(|key| columns.iter().position(|column| column.old == Some(key))),
    };
    let column = key.and_then(|key| columns.get(key));
    let Some((key, column)) = key.zip(column) else {
        return Err(Error::bad_input(format!(
            "{} has no key to find rows by: its id numbers the rows. Name the column as key, or choose one by setKey.",
            before.name
        ))
        .into());
    };
    let old = column.old.and_then(|old| before.columns.get(old));
    let Some(old) = old.filter(|_| column.sheet.is_some()) else {
        return Err(Error::new(
            Code::FileRejected,
            "The key is not among the columns of both the upload and the dataset. Add the column to the file, or name another key.",
        )
        .into());
    };
    if old.column_type != column.column_type || !can_be_key(column.column_type) {
        let drift = prepared.fit.drift.clone();
        return Err(Failure::Refused(
            Error::new(
                Code::SchemaDrift,
                format!(
                    "Rows cannot be found by {:?}: its type would change from {} to {}. Correct the file, or use mode REPLACE.",
                    old.label,
                    old.column_type.name(),
                    column.column_type.name()
                ),
            ),
            Box::new(JobOutcome { drift, ..JobOutcome::default() }),
        ));
    }
    Ok(key)
}
