//! Turns the columns of a sheet into the columns of a dataset: names that stay, and a key.
//!
//! It exists as pure functions because the key is only known once the rows are loaded, and the
//! names once the version before is known. It never changes what was loaded: the store knows
//! columns as `c1`, `c2`, … alone.

use std::collections::HashSet;

use sluice_schema::naming::MAX_NAME_BYTES;
use sluice_schema::{ColumnPlan, ColumnType, Evidence, Notation, Notice, NoticeCode, SheetPlan};

use super::fit::Fit;
use crate::catalog::model::{Column, Dataset, ROW_COLUMN};

/// The field that every type has.
pub(super) const KEY_NAME: &str = "id";
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

/// A column of the table to be published, before it has a name.
#[derive(Clone, Debug)]
pub(super) struct TableColumn {
    /// The sheet's column that it is, if any.
    pub(super) sheet: Option<usize>,
    /// The column of the version before that it continues, if any.
    pub(super) old: Option<usize>,
    /// The type in the table.
    pub(super) column_type: ColumnType,
}

/// What becomes the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum KeyWork {
    /// Rows are numbered.
    RowNumber,
    /// This column of the table, if its values allow it.
    Candidate(usize),
    /// This column of the table, because its owner said so.
    Chosen(usize),
}

impl KeyWork {
    /// The column that gets a unique index.
    pub(super) fn column(self) -> Option<usize> {
        match self {
            KeyWork::RowNumber => None,
            KeyWork::Candidate(column) | KeyWork::Chosen(column) => Some(column),
        }
    }
}

/// The store's name of a table's column.
pub(super) fn physical_name(index: usize) -> String {
    format!("c{}", index + 1)
}

/// The columns of a table that takes the place of the one before.
pub(super) fn replacing(fit: &Fit, before: Option<&Dataset>) -> Vec<TableColumn> {
    let of_sheet = fit.targets.iter().enumerate().map(|(index, target)| TableColumn {
        sheet: Some(index),
        old: fit.old_of.get(index).copied().flatten(),
        column_type: *target,
    });
    let kept = fit.kept.iter().filter_map(|index| {
        let column_type = before?.columns.get(*index)?.column_type;
        Some(TableColumn { sheet: None, old: Some(*index), column_type })
    });
    of_sheet.chain(kept).collect()
}

/// The columns of a table that holds the rows before too: those that stay in their order, then new
/// ones.
pub(super) fn continuing(fit: &Fit, before: &Dataset) -> Vec<TableColumn> {
    let mut columns = Vec::new();
    for (index, old) in before.columns.iter().enumerate().filter(|(_, old)| !old.generated) {
        let sheet = fit.old_of.iter().position(|of| *of == Some(index));
        let target = sheet.and_then(|sheet| fit.targets.get(sheet).copied());
        if sheet.is_some() || fit.kept.contains(&index) {
            let column_type = target.unwrap_or(old.column_type);
            columns.push(TableColumn { sheet, old: Some(index), column_type });
        }
    }
    for (index, target) in fit.targets.iter().enumerate() {
        if fit.old_of.get(index).copied().flatten().is_none() {
            columns.push(TableColumn { sheet: Some(index), old: None, column_type: *target });
        }
    }
    columns
}

/// The column called `id`, unless it is known to miss or repeat values or cannot name a row.
pub(super) fn key_candidate(plan: &SheetPlan) -> Option<usize> {
    let is_candidate = |column: &ColumnPlan| {
        column.name == KEY_NAME
            && column.n_nulls == 0
            && column.unique != Some(false)
            && can_be_key(column.column_type)
    };
    plan.columns.iter().position(is_candidate)
}

/// Whether values of a type can name a row.
pub(super) fn can_be_key(column_type: ColumnType) -> bool {
    !matches!(column_type, ColumnType::Boolean | ColumnType::Float | ColumnType::Json)
}

/// The column of a dataset that holds its key's values; none when rows are numbered.
pub(super) fn key_column(dataset: &Dataset) -> Option<usize> {
    let key = dataset.columns.get(dataset.key)?;
    let holds = |column: &Column| !column.generated && column.physical == key.physical;
    dataset.columns.iter().position(holds)
}

/// What naming needs to know.
pub(super) struct Naming<'a> {
    pub(super) plan: &'a SheetPlan,
    pub(super) before: Option<&'a Dataset>,
    /// Columns of the table, in order.
    pub(super) table: &'a [TableColumn],
    /// Field names that the caller gives, by label.
    pub(super) given: &'a [(String, String)],
    /// What becomes the key, once the table has its index.
    pub(super) key: KeyWork,
    pub(super) n_rows: i64,
    /// Fields that relations give the dataset.
    pub(super) related: &'a [String],
    /// Missing values per column of the table, where rows before are in it too.
    pub(super) n_nulls: Option<&'a [i64]>,
}

/// Names the columns of a loaded table.
///
/// A column that continues an earlier one keeps its field name and its description.
pub(super) fn name_columns(naming: &Naming<'_>) -> NamedColumns {
    let old_of = |column: &TableColumn| naming.before?.columns.get(column.old?);
    let new_of = |column: &TableColumn| naming.plan.columns.get(column.sheet?);
    let adds_rows = naming.n_nulls.is_some();
    let label_of = |column: &TableColumn| match (new_of(column), old_of(column)) {
        // Rows that are added do not rename what is there.
        (_, Some(old)) if adds_rows => old.label.clone(),
        (Some(new), _) => new.label.clone(),
        (None, Some(old)) => old.label.clone(),
        (None, None) => String::new(),
    };
    let given = |column: &TableColumn| {
        let label = label_of(column);
        let is_it = |(of, _): &&(String, String)| {
            let address = || new_of(column).map(|new| format!("column{}", new.index_in_file + 1));
            *of == label || label.is_empty() && Some(of) == address().as_ref()
        };
        naming.given.iter().find(is_it).map(|(_, name)| name.clone())
    };
    let mut taken = HashSet::from([KEY_NAME.to_owned()]);
    taken.extend(naming.related.iter().map(|name| name.to_ascii_lowercase()));
    let mut names: Vec<Option<String>> = vec![None; naming.table.len()];
    let is_id = |index| naming.key == KeyWork::Candidate(index);
    for (index, (column, name)) in naming.table.iter().zip(&mut names).enumerate() {
        *name = match given(column) {
            _ if is_id(index) => Some(KEY_NAME.to_owned()),
            Some(given) if given != KEY_NAME => {
                taken.insert(given.to_ascii_lowercase()).then_some(given)
            }
            _ => None,
        };
    }
    for (column, name) in naming.table.iter().zip(&mut names) {
        if name.is_none()
            && let Some(old) = old_of(column)
            && old.name != KEY_NAME
            && taken.insert(old.name.to_ascii_lowercase())
        {
            *name = Some(old.name.clone());
        }
    }
    let mut notices = Vec::new();
    let mut columns = Vec::with_capacity(naming.table.len() + 1);
    for (index, (column, name)) in naming.table.iter().zip(names).enumerate() {
        let (old, new) = (old_of(column), new_of(column));
        let is_key = naming.key.column() == Some(index);
        let name = name.unwrap_or_else(|| {
            let wanted = new.map(|new| &new.name).or(old.map(|old| &old.name));
            let wanted = wanted.map_or(DEMOTED_KEY_NAME, String::as_str);
            let is_demoted = wanted == KEY_NAME;
            let name = free_name(if is_demoted { DEMOTED_KEY_NAME } else { wanted }, &mut taken);
            if is_demoted && naming.key == KeyWork::RowNumber {
                notices.push(demoted(&label_of(column), wanted, &name));
            }
            name
        });
        let n_nulls = naming.n_nulls.and_then(|n_nulls| n_nulls.get(index)).copied();
        let is_required = new.map_or(old.is_some_and(|old| old.required), |new| new.required);
        columns.push(Column {
            name,
            physical: physical_name(index),
            label: label_of(column),
            column_type: column.column_type,
            notation: new
                .map(|new| &new.notation)
                .or(old.map(|old| &old.notation))
                .cloned()
                .unwrap_or_default(),
            nullable: !(is_key || is_required),
            declared: match (old, new) {
                // Rows that are added declare nothing about what is there.
                (Some(old), _) if adds_rows => old.declared,
                (_, Some(new)) => new.declared,
                (old, None) => old.is_some_and(|old| old.declared),
            },
            required: is_required,
            unique: is_key || !adds_rows && new.is_some_and(|new| new.unique == Some(true)),
            generated: false,
            description: old.and_then(|old| old.description.clone()),
            n_nulls: match (n_nulls, new) {
                (Some(n_nulls), _) => n_nulls,
                (None, Some(new)) => i64::try_from(new.n_nulls).unwrap_or(i64::MAX),
                (None, None) => naming.n_rows,
            },
            evidence: match (adds_rows, old, new) {
                (true, Some(old), Some(new)) => joined(&old.evidence, new, column.column_type),
                (_, _, Some(new)) => new.evidence.clone(),
                (_, Some(old), None) => old.evidence.clone(),
                (_, None, None) => Evidence::default(),
            },
        });
    }
    let key = match naming.key {
        KeyWork::RowNumber => {
            columns.insert(0, row_number(naming.n_rows));
            0
        }
        KeyWork::Candidate(index) => index,
        KeyWork::Chosen(index) => {
            if let Some(id) = columns.get(index).map(chosen_key) {
                columns.insert(0, id);
            }
            0
        }
    };
    NamedColumns { columns, key, notices }
}

/// What is known of a column whose values came by several loads.
fn joined(old: &Evidence, new: &ColumnPlan, column_type: ColumnType) -> Evidence {
    let came = &new.evidence;
    let mut evidence = old.clone();
    evidence.n_distinct = old.n_distinct.max(came.n_distinct);
    evidence.longest_bytes = old.longest_bytes.max(came.longest_bytes);
    evidence.categories = None;
    for candidate in &came.candidates {
        let same = evidence.candidates.iter_mut().find(|old| old.candidate == candidate.candidate);
        match same {
            Some(old) => old.count += candidate.count,
            None => evidence.candidates.push(candidate.clone()),
        }
    }
    evidence.n_nulls += came.n_nulls;
    evidence.exact_doubles &= came.exact_doubles;
    if evidence.samples.is_empty() {
        evidence.samples.clone_from(&came.samples);
    }
    let is_number = matches!(
        column_type,
        ColumnType::Int | ColumnType::BigInt | ColumnType::Decimal { .. } | ColumnType::Float
    );
    let less = |a: &str, b: &str| match is_number {
        // Good enough for what is shown; ties of more than 15 digits may fall either way.
        true => a.parse::<f64>().unwrap_or(f64::NAN) < b.parse::<f64>().unwrap_or(f64::NAN),
        false => a < b,
    };
    if column_type == ColumnType::String {
        (evidence.min, evidence.max) = (None, None);
    } else {
        if let Some(min) = &came.min
            && evidence.min.as_deref().is_none_or(|old| less(min, old))
        {
            evidence.min = Some(min.clone());
        }
        if let Some(max) = &came.max
            && evidence.max.as_deref().is_none_or(|old| less(old, max))
        {
            evidence.max = Some(max.clone());
        }
    }
    evidence
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
        declared: false,
        required: false,
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

/// The field `id` of a dataset whose owner chose the key: the same values.
fn chosen_key(column: &Column) -> Column {
    Column {
        name: KEY_NAME.to_owned(),
        generated: true,
        nullable: false,
        description: None,
        evidence: Evidence {
            reason: format!("The key that was chosen: the same as {}.", column.name),
            ..column.evidence.clone()
        },
        ..column.clone()
    }
}

fn demoted(label: &str, wanted: &str, name: &str) -> Notice {
    let label = if label.is_empty() { wanted } else { label };
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
    use crate::catalog::model::{DatasetId, DriftPolicy, LoadMode, StorageId};
    use crate::ingest::fit::fit;

    /// The plan that the real reader makes of a text.
    fn plan(csv: &str) -> SheetPlan {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.csv");
        std::fs::write(&path, csv).unwrap();
        sluice_schema::understand(&path, "t.csv", &Default::default(), &Default::default(), &())
            .unwrap()
            .remove(0)
    }

    fn dataset(columns: Vec<Column>) -> Dataset {
        Dataset {
            id: DatasetId(uuid::Uuid::nil()),
            name: "t".to_owned(),
            type_name: "T".to_owned(),
            label: "t".to_owned(),
            description: None,
            version: 1,
            row_count: 1,
            size_bytes: 1,
            columns: columns.into(),
            key: 0,
            storage: StorageId::default(),
            guard: Default::default(),
            indexes: Vec::new(),
            relations: Vec::new(),
            old_names: Vec::new(),
            source: None,
            recipe: Default::default(),
            n_rejects: 0,
            notices: Default::default(),
            created_at_us: 0,
            updated_at_us: 0,
            next_row: None,
            versions: Default::default(),
        }
    }

    fn named(csv: &str, before: &[Column], key: impl Fn(&SheetPlan) -> KeyWork) -> NamedColumns {
        let plan = plan(csv);
        let before = dataset(before.to_vec());
        let fit = fit(&plan, &before, LoadMode::Replace, DriftPolicy::Replace);
        let table = replacing(&fit, Some(&before));
        name_columns(&Naming {
            related: &[],
            plan: &plan,
            before: Some(&before),
            table: &table,
            given: &[],
            key: key(&plan),
            n_rows: 1,
            n_nulls: None,
        })
    }

    fn check(csv: &str, before: &[Column], expect: &[&str]) -> NamedColumns {
        let named = named(csv, before, |plan| {
            key_candidate(plan).map_or(KeyWork::RowNumber, KeyWork::Candidate)
        });
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
        let named = named("id,originalId\n1,x\n2,y\n", &[], |_| KeyWork::RowNumber);
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

    #[test]
    fn a_chosen_key_is_served_twice() {
        let named = named("sku,v\na,1\nb,2\n", &[], |_| KeyWork::Chosen(0));
        let physical: Vec<(&str, &str, bool)> = named
            .columns
            .iter()
            .map(|column| (column.name.as_str(), column.physical.as_str(), column.generated))
            .collect();
        assert_eq!(physical, [("id", "c1", true), ("sku", "c1", false), ("v", "c2", false)]);
        assert_eq!(named.key, 0);
    }
}
