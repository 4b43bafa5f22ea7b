//! Says why rows, keys or columns are not what the dataset or its owner wants, and what to do.
//!
//! It exists so that every refusal of a load names a row, a column and the next step. It decides
//! nothing about rows that fit.

use sluice_schema::{ColumnType, DeclaredType, SheetPlan};

use super::failure::{Failure, sentence};
use super::load::Work;
use super::prepare::Prepared;
use super::request::Task;
use crate::catalog::model::{
    Dataset, Drift, DriftImpact, JobOutcome, LoadMode, OnError, RejectedRow, RowCounts, StorageId,
};
use crate::error::{Code, Error};
use crate::store::LoadedTable;

/// Refusals that one message names.
const MAX_NAMED: usize = 5;
/// Refusals that a failed job lists.
const MAX_LISTED: usize = 100;

/// A refused row as a failed job lists it.
fn listed(reject: &sluice_schema::Reject) -> RejectedRow {
    RejectedRow {
        row: reject.row,
        column: reject.column.clone(),
        value: reject.value.clone(),
        reason: reject.reason.clone(),
        cells: Vec::new(),
    }
}

/// The type as a caller would declare it.
pub(super) fn declared_type(column_type: ColumnType) -> Option<DeclaredType> {
    Some(match column_type {
        ColumnType::Boolean => DeclaredType::Boolean,
        ColumnType::Int => DeclaredType::Int,
        ColumnType::BigInt => DeclaredType::BigInt,
        ColumnType::Decimal { .. } => DeclaredType::Decimal,
        ColumnType::Float => DeclaredType::Float,
        ColumnType::Date => DeclaredType::Date,
        ColumnType::LocalTime => DeclaredType::LocalTime,
        ColumnType::LocalDateTime => DeclaredType::LocalDateTime,
        ColumnType::DateTime => DeclaredType::DateTime,
        ColumnType::Uuid => DeclaredType::Uuid,
        ColumnType::Json => DeclaredType::Json,
        ColumnType::String => DeclaredType::String,
    })
}

/// The columns differ, and the policy is to change nothing then.
pub(super) fn drifted(before: &Dataset, mode: LoadMode, drift: Vec<Drift>) -> Failure {
    let breaking: Vec<&Drift> =
        drift.iter().filter(|drift| drift.impact == DriftImpact::Breaking).collect();
    let mut named: Vec<&str> =
        breaking.iter().take(MAX_NAMED).map(|drift| drift.message.as_str()).collect();
    let more = format!("And {} more.", breaking.len().saturating_sub(MAX_NAMED));
    if breaking.len() > MAX_NAMED {
        named.push(&more);
    }
    let remedy = match mode.keeps_rows() {
        true => {
            "Correct the file, accept it with onDrift: WIDEN, or keep such rows aside with onError: REJECT."
        }
        false => "Correct the file, or accept it with onDrift: WIDEN or REPLACE.",
    };
    let message = format!(
        "The upload's columns differ from those of {} in a way that clients would feel. {} {remedy}",
        before.name,
        named.join(" ")
    );
    let outcome = JobOutcome { drift, ..JobOutcome::default() };
    Failure::Refused(Error::new(Code::SchemaDrift, message), Box::new(outcome))
}

/// Refuses a load whose rows do not fit, unless the caller wants them kept aside.
pub(super) fn judge(
    work: &Work<'_>,
    prepared: &Prepared,
    table: &LoadedTable,
) -> Result<(), Failure> {
    let Some(first) = table.rejects.first() else { return Ok(()) };
    let n_rejects = table.n_rejects;
    let counts = RowCounts {
        rejected: i64::try_from(n_rejects).unwrap_or(i64::MAX),
        ..RowCounts::default()
    };
    let outcome = JobOutcome {
        counts,
        drift: prepared.fit.drift.clone(),
        refused: table.rejects.iter().take(MAX_LISTED).map(listed).collect(),
        ..JobOutcome::default()
    };
    let refuse = |message: String| {
        let error = Error::new(Code::FileRejected, message);
        Err(Failure::Refused(error, Box::new(outcome.clone())))
    };
    let one = |reject: &sluice_schema::Reject| {
        format!("row {}, column {:?}: {}", reject.row, reject.column, reject.reason)
    };
    match (&work.wishes.task, work.wishes.on_error) {
        (Task::Derive { allow_loss: false, .. }, _) => {
            let named: Vec<String> = table.rejects.iter().take(MAX_NAMED).map(one).collect();
            return refuse(format!(
                "{n_rejects} rows have values that would be lost: {}. Choose another type, or repeat with allowLoss: true; these rows then become rejects, which can be corrected and admitted.",
                named.join("; ")
            ));
        }
        (Task::Derive { .. }, _) | (Task::Copy { .. }, _) | (Task::Load, OnError::Reject) => {}
        (Task::Load, OnError::Abort) => {
            let others = match n_rejects {
                1 => String::new(),
                n => format!(" {} more rows do not fit.", n - 1),
            };
            return refuse(format!(
                "{}.{others} Nothing was loaded; onError: REJECT loads the other rows and keeps these aside.",
                sentence(&one(first)).trim_end_matches('.')
            ));
        }
        (Task::Admit { .. }, _) => {
            return refuse(format!(
                "Of the corrected rows, number {} still does not fit: column {:?}: {}. Nothing was admitted.",
                first.row.saturating_sub(1),
                first.column,
                first.reason
            ));
        }
    }
    let n_kept = prepared
        .before
        .as_ref()
        .filter(|_| prepared.mode.keeps_rows())
        .map_or(0, |before| u64::try_from(before.n_rejects).unwrap_or_default());
    let limit = u64::try_from(work.limits.max_rejects).unwrap_or(u64::MAX);
    if n_kept + n_rejects > limit {
        return refuse(format!(
            "{} rows would be kept aside, the limit is {limit}; the first is {}. Correct the file or the column's type, or raise the setting max_rejects.",
            n_kept + n_rejects,
            one(first)
        ));
    }
    Ok(())
}

/// No column has this label or name.
pub(super) fn unknown_column(plan: &SheetPlan, wanted: &str) -> Error {
    const MAX_COLUMNS: usize = 30;
    let known: Vec<&str> = plan
        .columns
        .iter()
        .take(MAX_COLUMNS)
        .map(|column| match column.label.as_str() {
            "" => column.name.as_str(),
            label => label,
        })
        .collect();
    Error::bad_input(format!(
        "There is no column {wanted:?} to be the key; the columns are {}.",
        known.join(", ")
    ))
}

/// A key's values are missing or repeat in the upload.
pub(super) fn no_key(
    work: &Work<'_>,
    storage: &StorageId,
    plan: &SheetPlan,
    index: usize,
) -> Failure {
    let label = plan.columns.get(index).map_or("", |column| &column.label);
    let physical = super::columns::physical_name(index);
    let found = match work.store().and_then(|store| Ok(store.first_repeat(storage, &physical)?)) {
        Ok(Some((first, second))) => {
            format!("data row {second} has the same value as data row {first}")
        }
        Ok(None) => "values are missing".to_owned(),
        Err(failure) => return failure,
    };
    Failure::Final(Error::new(
        Code::FileRejected,
        format!(
            "The column {label:?} cannot be the key: {found}. Correct the file, or choose another key."
        ),
    ))
}

/// Rows that were added have a key that is there already.
pub(super) fn repeats_key(
    work: &Work<'_>,
    storage: &StorageId,
    label: &str,
    physical: &str,
    n_rows_before: i64,
) -> Failure {
    let found = match work.store().and_then(|store| Ok(store.first_repeat(storage, physical)?)) {
        Ok(Some((first, second))) => format!(
            "data row {} of the upload has the key of row {first}{}",
            (second - n_rows_before).max(1),
            if first > n_rows_before { " of the new table" } else { ", which is there" }
        ),
        Ok(None) => "a row of the upload has no value there".to_owned(),
        Err(failure) => return failure,
    };
    Failure::Final(Error::new(
        Code::Conflict,
        format!(
            "The rows cannot be added by the key {label:?}: {found}. Use mode UPSERT to change rows that are there."
        ),
    ))
}
