//! Turns a sheet and the dataset that it meets into which column is which, and what differs.
//!
//! It exists as a pure function so that a dry run and the load that follows say the same. It knows
//! types, labels and evidence; it never reads a row.

use std::collections::{HashMap, VecDeque};

use sluice_schema::{ColumnPlan, ColumnType, SheetPlan};

use super::columns::KEY_NAME;
use super::similar::{alike_labels, alike_values};
use super::widen::join;
use crate::catalog::model::{
    Column, Dataset, Drift, DriftImpact, DriftKind, DriftPolicy, LoadMode,
};

/// How a sheet fits the dataset that it meets.
#[derive(Clone, Debug, Default)]
pub(super) struct Fit {
    /// For each column of the sheet, the dataset's column that it continues.
    pub(super) old_of: Vec<Option<usize>>,
    /// For each column of the sheet, the type that it is served as.
    pub(super) targets: Vec<ColumnType>,
    /// The dataset's columns that the sheet lacks and that stay.
    pub(super) kept: Vec<usize>,
    /// What differs.
    pub(super) drift: Vec<Drift>,
    /// Columns of the sheet whose values the dataset's type does not hold.
    pub(super) widened: Vec<usize>,
}

impl Fit {
    /// A sheet that becomes a new dataset.
    pub(super) fn new_dataset(plan: &SheetPlan) -> Fit {
        Fit {
            old_of: vec![None; plan.columns.len()],
            targets: plan.columns.iter().map(|column| column.column_type).collect(),
            ..Fit::default()
        }
    }

    /// The differences that clients would feel.
    pub(super) fn breaking(&self) -> impl Iterator<Item = &Drift> {
        self.drift.iter().filter(|drift| drift.impact == DriftImpact::Breaking)
    }
}

/// What the policy is when none was given: a replacement replaces, additions break nothing.
pub(super) fn policy_of(mode: LoadMode, given: Option<DriftPolicy>) -> DriftPolicy {
    given.unwrap_or(if mode.keeps_rows() { DriftPolicy::Fail } else { DriftPolicy::Replace })
}

/// Compares a sheet with the dataset that it meets.
pub(super) fn fit(plan: &SheetPlan, before: &Dataset, mode: LoadMode, policy: DriftPolicy) -> Fit {
    let keeps_types = mode.keeps_rows() || policy == DriftPolicy::Widen;
    let keeps_columns =
        policy == DriftPolicy::Widen || (mode.keeps_rows() && policy == DriftPolicy::Fail);
    let mut fit = Fit { old_of: match_columns(plan, before), ..Fit::default() };
    for (index, new) in plan.columns.iter().enumerate() {
        let old = fit.old_of.get(index).copied().flatten();
        let Some(old) = old.and_then(|old| before.columns.get(old)) else {
            fit.targets.push(new.column_type);
            fit.drift.push(added(before, new));
            continue;
        };
        let joined = joined_type(old, new, plan, before);
        let is_new_empty = new.n_nulls >= plan.n_rows;
        let target = match keeps_types || (is_new_empty && !new.declared) {
            true => joined,
            false => new.column_type,
        };
        fit.targets.push(target);
        if keeps_types && target != old.column_type {
            fit.widened.push(index);
        }
        fit.drift.extend(changes(before, old, (new, is_new_empty), joined, target));
    }
    for (index, old) in before.columns.iter().enumerate() {
        if old.generated || fit.old_of.contains(&Some(index)) {
            continue;
        }
        if keeps_columns {
            fit.kept.push(index);
        }
        fit.drift.push(missing(before, old, keeps_columns));
    }
    fit
}

/// The type that holds the values of both; a column without values fits any type.
fn joined_type(old: &Column, new: &ColumnPlan, plan: &SheetPlan, before: &Dataset) -> ColumnType {
    // Counted over the files, refused rows too: nothing was ever there.
    let is_old_empty = old.n_nulls >= before.row_count && old.evidence.n_distinct == 0;
    if new.n_nulls >= plan.n_rows {
        old.column_type
    } else if is_old_empty && !old.declared {
        new.column_type
    } else {
        join(old, before.next_row.is_some(), new)
    }
}

/// For each column of the sheet the earlier one: of the same label, else the one that it evidently
/// was before it was renamed. Of equal labels the first belongs to the first.
fn match_columns(plan: &SheetPlan, before: &Dataset) -> Vec<Option<usize>> {
    let mut by_label: HashMap<&str, VecDeque<usize>> = HashMap::new();
    for (index, column) in before.columns.iter().enumerate().filter(|(_, old)| !old.generated) {
        by_label.entry(&column.label).or_default().push_back(index);
    }
    let mut old_of: Vec<Option<usize>> = plan
        .columns
        .iter()
        .map(|column| by_label.get_mut(column.label.as_str()).and_then(VecDeque::pop_front))
        .collect();
    for is_alike in [alike_labels, alike_values] {
        let left: Vec<usize> = (0..before.columns.len())
            .filter(|index| {
                let is_data = before.columns.get(*index).is_some_and(|old| !old.generated);
                is_data && !old_of.contains(&Some(*index))
            })
            .collect();
        let open: Vec<usize> =
            (0..old_of.len()).filter(|index| old_of.get(*index) == Some(&None)).collect();
        let pairs: Vec<(usize, usize)> = open
            .iter()
            .flat_map(|new| left.iter().map(move |old| (*new, *old)))
            .filter(|(new, old)| match (plan.columns.get(*new), before.columns.get(*old)) {
                (Some(new), Some(old)) => is_alike(old, new),
                _ => false,
            })
            .collect();
        for &(new, old) in &pairs {
            // Evident means that no other pair competes.
            let n_rivals = pairs.iter().filter(|pair| pair.0 == new || pair.1 == old).count();
            if let (1, Some(place)) = (n_rivals, old_of.get_mut(new)) {
                *place = Some(old);
            }
        }
    }
    old_of
}

fn changes(
    before: &Dataset,
    old: &Column,
    (new, is_new_empty): (&ColumnPlan, bool),
    joined: ColumnType,
    target: ColumnType,
) -> Vec<Drift> {
    let mut found = Vec::new();
    let base = |kind, impact, message| Drift {
        dataset: before.name.clone(),
        kind,
        impact,
        column: old.name.clone(),
        label_before: Some(old.label.clone()),
        label_after: Some(new.label.clone()),
        type_before: Some(old.column_type),
        type_after: Some(target),
        message,
    };
    if old.label != new.label {
        let message = format!(
            "The header {:?} is {:?} in the upload; the field is still called {}.",
            old.label, new.label, old.name
        );
        found.push(base(DriftKind::Renamed, DriftImpact::Safe, message));
    }
    let (was, is) = (old.column_type.name(), new.column_type.name());
    // Clients see the name of the type; precision and scale do not show.
    let impact = match target.name() == was {
        true => DriftImpact::Safe,
        false => DriftImpact::Breaking,
    };
    if target != old.column_type {
        let is_narrower = joined == old.column_type;
        let kind = if is_narrower { DriftKind::Narrowed } else { DriftKind::Widened };
        let example = new.evidence.counter_example.as_ref();
        let because = match example {
            Some(example) if !is_narrower => {
                format!(" (row {}: {:?})", example.row, example.text)
            }
            _ => String::new(),
        };
        let message = format!(
            "{:?} was {was}, the upload's values are {is}{because}: it becomes {}.",
            old.label,
            target.name()
        );
        found.push(base(kind, impact, message));
    } else if !is_new_empty && new.column_type.name() != was {
        let message =
            format!("{:?} stays {was}; the upload's values alone would be {is}.", old.label);
        found.push(base(DriftKind::Narrowed, DriftImpact::Safe, message));
    }
    found
}

fn added(before: &Dataset, new: &ColumnPlan) -> Drift {
    Drift {
        dataset: before.name.clone(),
        kind: DriftKind::Added,
        impact: DriftImpact::Safe,
        column: new.name.clone(),
        label_before: None,
        label_after: Some(new.label.clone()),
        type_before: None,
        type_after: Some(new.column_type),
        message: format!("{:?} is new.", new.label),
    }
}

/// A column whose values are read in another type than before.
pub(super) fn retyped(before: &Dataset, old: &Column, target: ColumnType) -> Option<Drift> {
    let (was, is) = (old.column_type.name(), target.name());
    (was != is).then(|| Drift {
        dataset: before.name.clone(),
        kind: if target.is_text() { DriftKind::Widened } else { DriftKind::Narrowed },
        impact: DriftImpact::Breaking,
        column: old.name.clone(),
        label_before: Some(old.label.clone()),
        label_after: Some(old.label.clone()),
        type_before: Some(old.column_type),
        type_after: Some(target),
        message: format!("{:?} was {was}: it becomes {is}.", old.label),
    })
}

pub(super) fn missing(before: &Dataset, old: &Column, stays: bool) -> Drift {
    let is_safe = stays && !old.required;
    let message = match (stays, old.required) {
        (false, _) if old.name == KEY_NAME => {
            format!("{:?} is not in the upload: its values go away.", old.label)
        }
        (false, _) => format!("{:?} is not in the upload: the field goes away.", old.label),
        (true, false) => {
            format!("{:?} is not in the upload: the field stays, without new values.", old.label)
        }
        (true, true) => {
            format!("{:?} is not in the upload, but its values are required.", old.label)
        }
    };
    Drift {
        dataset: before.name.clone(),
        kind: DriftKind::Missing,
        impact: if is_safe { DriftImpact::Safe } else { DriftImpact::Breaking },
        column: old.name.clone(),
        label_before: Some(old.label.clone()),
        label_after: None,
        type_before: Some(old.column_type),
        type_after: stays.then_some(old.column_type),
        message,
    }
}
