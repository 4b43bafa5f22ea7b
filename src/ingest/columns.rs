//! Turns the columns of a sheet into the columns of a dataset: names that stay, and a key.
//!
//! It exists as a pure function because the key is only known once the rows are loaded, and the
//! names once the version before is known. It never changes what was loaded: the store knows
//! columns as `c1`, `c2`, … alone.

use std::collections::{HashMap, HashSet};

use sluice_schema::naming::MAX_NAME_BYTES;
use sluice_schema::{ColumnPlan, ColumnType, Evidence, Notation, Notice, NoticeCode, SheetPlan};

use crate::catalog::model::{Column, ROW_COLUMN};
use crate::store::{KeyCandidate, PhysicalColumn, TableSpec};

/// The field that every type has.
const KEY_NAME: &str = "id";
/// What a file's own `id` is called when it cannot be the key.
const DEMOTED_KEY_NAME: &str = "originalId";

/// The columns as they are served.
#[derive(Clone, Debug)]
pub(super) struct NamedColumns {
    /// In file order; a generated key comes first.
    pub(super) columns: Vec<Column>,
    /// Index into `columns` of the key.
    pub(super) key: usize,
    /// What is worth telling about the names.
    pub(super) notices: Vec<Notice>,
}

/// The table that takes a sheet's rows.
pub(super) fn table_of(plan: &SheetPlan) -> TableSpec {
    let columns = plan.columns.iter().enumerate().map(|(index, column)| PhysicalColumn {
        name: physical_name(index),
        column_type: column.column_type,
    });
    TableSpec { columns: columns.collect(), key: key_candidate(plan) }
}

fn physical_name(index: usize) -> String {
    format!("c{}", index + 1)
}

/// The column called `id`, unless it is known to miss or repeat values or cannot name a row.
fn key_candidate(plan: &SheetPlan) -> Option<KeyCandidate> {
    let is_candidate = |column: &ColumnPlan| {
        column.name == KEY_NAME
            && column.n_nulls == 0
            && column.unique != Some(false)
            && !matches!(
                column.column_type,
                ColumnType::Boolean | ColumnType::Float | ColumnType::Json
            )
    };
    let (index, column) =
        plan.columns.iter().enumerate().find(|(_, column)| is_candidate(column))?;
    Some(KeyCandidate { column: index, is_increasing: column.increasing })
}

/// Names the columns of a loaded sheet; `has_key` tells whether the candidate became the key, and
/// `before` are the columns of the version that this one follows.
///
/// A column with the label of an earlier one keeps its field name and its description.
pub(super) fn name_columns(
    plan: &SheetPlan,
    has_key: bool,
    n_rows: i64,
    before: &[Column],
) -> NamedColumns {
    let key_index = if has_key { key_candidate(plan).map(|key| key.column) } else { None };
    let kept = match_labels(plan, before);
    let mut names: Vec<Option<String>> = vec![None; plan.columns.len()];
    let mut taken = HashSet::from([KEY_NAME.to_owned()]);
    for (index, name) in names.iter_mut().enumerate() {
        if Some(index) == key_index {
            *name = Some(KEY_NAME.to_owned());
        } else if let Some(old) = kept.get(&index)
            && old.name != KEY_NAME
        {
            taken.insert(old.name.to_ascii_lowercase());
            *name = Some(old.name.clone());
        }
    }
    let mut notices = Vec::new();
    let mut columns = Vec::with_capacity(plan.columns.len() + 1);
    if key_index.is_none() {
        columns.push(row_number(n_rows));
    }
    for (index, (column, name)) in plan.columns.iter().zip(names).enumerate() {
        let is_key = Some(index) == key_index;
        let name = name.unwrap_or_else(|| {
            let is_demoted = column.name == KEY_NAME;
            let wanted = if is_demoted { DEMOTED_KEY_NAME } else { &column.name };
            let name = free_name(wanted, &mut taken);
            if is_demoted {
                notices.push(demoted(column, &name));
            }
            name
        });
        columns.push(Column {
            name,
            physical: physical_name(index),
            label: column.label.clone(),
            column_type: column.column_type,
            notation: column.notation.clone(),
            nullable: !(is_key || column.required),
            unique: is_key || column.unique == Some(true),
            generated: false,
            description: kept.get(&index).and_then(|old| old.description.clone()),
            n_nulls: i64::try_from(column.n_nulls).unwrap_or(i64::MAX),
            evidence: column.evidence.clone(),
        });
    }
    NamedColumns { columns, key: key_index.unwrap_or(0), notices }
}

/// For each column of the sheet the earlier column of the same label; of equal labels the first
/// belongs to the first.
fn match_labels<'a>(plan: &SheetPlan, before: &'a [Column]) -> HashMap<usize, &'a Column> {
    let mut by_label: HashMap<&str, std::collections::VecDeque<&Column>> = HashMap::new();
    for column in before.iter().filter(|column| !column.generated) {
        by_label.entry(&column.label).or_default().push_back(column);
    }
    let mut kept = HashMap::new();
    for (index, column) in plan.columns.iter().enumerate() {
        let same = by_label.get_mut(column.label.as_str());
        if let Some(old) = same.and_then(std::collections::VecDeque::pop_front) {
            kept.insert(index, old);
        }
    }
    kept
}

/// The wanted name, or with the first free number; compared ignoring case, as SQL's columns are.
fn free_name(wanted: &str, taken: &mut HashSet<String>) -> String {
    let mut name = wanted.to_owned();
    let mut number = 2_u64;
    while !taken.insert(name.to_ascii_lowercase()) {
        let suffix = number.to_string();
        let room = MAX_NAME_BYTES.saturating_sub(suffix.len()).min(wanted.len());
        name = format!("{}{suffix}", wanted.get(..room).unwrap_or(wanted));
        number += 1;
    }
    name
}

/// The key that Sluice gives where the file has none.
fn row_number(n_rows: i64) -> Column {
    let column_type =
        if i32::try_from(n_rows).is_ok() { ColumnType::Int } else { ColumnType::BigInt };
    Column {
        name: KEY_NAME.to_owned(),
        physical: ROW_COLUMN.to_owned(),
        label: "Row number".to_owned(),
        column_type,
        notation: Notation::default(),
        nullable: false,
        unique: true,
        generated: true,
        description: None,
        n_nulls: 0,
        evidence: Evidence {
            reason: "The file has no column named id whose values are all there and all differ, so rows are numbered in file order."
                .to_owned(),
            ..Evidence::default()
        },
    }
}

fn demoted(column: &ColumnPlan, name: &str) -> Notice {
    let label = if column.label.is_empty() { &column.name } else { &column.label };
    Notice::new(
        NoticeCode::NameChanged,
        format!(
            "The column {label:?} cannot be the key, because values are missing or occur twice: it is served as {name}, and id numbers the rows in file order."
        ),
    )
    .in_column(label)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    /// The plan that the real reader makes of a text.
    fn plan(csv: &str) -> SheetPlan {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.csv");
        std::fs::write(&path, csv).unwrap();
        sluice_schema::understand(&path, "t.csv", &Default::default(), &Default::default(), &())
            .unwrap()
            .remove(0)
    }

    fn check(csv: &str, before: &[Column], expect: &[&str]) -> NamedColumns {
        let plan = plan(csv);
        let has_key = key_candidate(&plan).is_some();
        let named = name_columns(&plan, has_key, 1, before);
        let names: Vec<&str> = named.columns.iter().map(|column| column.name.as_str()).collect();
        assert_eq!(names, expect, "{csv:?}");
        assert_eq!(named.columns.iter().filter(|column| column.name == "id").count(), 1);
        named
    }

    #[test]
    fn an_id_that_is_whole_and_unique_is_the_key() {
        let named = check("Name,ID\na,1\nb,2\n", &[], &["name", "id"]);
        assert_eq!(named.key, 1);
        assert!(named.notices.is_empty());
    }

    #[test]
    fn without_such_an_id_rows_are_numbered() {
        let named = check("name\na\nb\n", &[], &["id", "name"]);
        assert_eq!((named.key, named.columns.first().unwrap().physical.as_str()), (0, "_row"));
        let named = check("id,name\n1,a\n,b\n", &[], &["id", "originalId", "name"]);
        assert_eq!(named.notices.len(), 1);
        assert_eq!(named.columns.get(1).unwrap().physical, "c1");
    }

    #[test]
    fn the_load_has_the_last_word_on_the_key() {
        let plan = plan("id,originalId\n1,x\n2,y\n");
        let named = name_columns(&plan, false, 2, &[]);
        let names: Vec<&str> = named.columns.iter().map(|column| column.name.as_str()).collect();
        assert_eq!(names, ["id", "originalId", "originalId2"]);
    }

    #[test]
    fn names_stay_across_uploads() {
        let first = check("Total,Amount\n1,2\n", &[], &["id", "total", "amount"]);
        let mut before = first.columns;
        for column in &mut before {
            if column.label == "Amount" {
                column.name = "total2".to_owned();
                column.description = Some("net".to_owned());
            }
        }
        // In another order, with a new column that would like a kept name.
        let second =
            check("Amount,total_2,Total\n1,2,3\n", &before, &["id", "total2", "total22", "total"]);
        assert_eq!(second.columns.get(1).unwrap().description.as_deref(), Some("net"));
    }

    #[test]
    fn the_key_may_come_and_go() {
        let keyed = check("id,v\n1,a\n2,b\n", &[], &["id", "v"]);
        let numbered = check("id,v\n1,a\n1,b\n1,c\n", &keyed.columns, &["id", "originalId", "v"]);
        check("id,v\n1,a\n2,b\n", &numbered.columns, &["id", "v"]);
    }
}
