//! Turns the summaries of a table's columns into named, typed columns, with the caller's wishes applied.
//! It exists so that names, types, overrides and what is left out are settled in one place for every format.
//! It never reads a cell.

use crate::decide::{Context, decide};
use crate::delimited::TableSummary;
use crate::error::SchemaError;
use crate::naming::{MAX_NAME_BYTES, Taken, field_name};
use crate::options::ReadOptions;
use crate::plan::{ColumnPlan, HeaderPlan, Notice, NoticeCode};
use crate::summary::ColumnSummary;

/// What is known about where cells come from.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ColumnSource {
    /// Whether cells are divided by commas, so that who wrote the file does not use decimal commas.
    pub(crate) comma_delimited: bool,
    /// Whether all numbers of the source are doubles.
    pub(crate) doubles: bool,
    /// Whether the source tells numbers from text.
    pub(crate) typed: bool,
}

/// Names and types the columns of a table.
pub(crate) fn plan_columns(
    table: &TableSummary,
    source: ColumnSource,
    header: &HeaderPlan,
    options: &ReadOptions,
    notices: &mut Vec<Notice>,
) -> Result<Vec<ColumnPlan>, SchemaError> {
    let mut taken = Taken::default();
    let overrides = &options.columns;
    for wanted in overrides.iter().filter_map(|column| column.name.as_deref()) {
        check_name(wanted, &taken)?;
        taken.insert(wanted);
    }
    // A header may occur twice; a name given for it goes to the first.
    let mut given: Vec<&str> = Vec::new();
    let empty = ColumnSummary::default();
    let n_columns = table.columns.len().max(header.cells.len());
    let mut columns: Vec<ColumnPlan> = Vec::with_capacity(n_columns);
    let mut addresses: Vec<String> = Vec::with_capacity(n_columns);
    for index_in_file in 0..n_columns {
        let summary = table.columns.get(index_in_file).unwrap_or(&empty);
        let label = header.cells.get(index_in_file).map_or("", String::as_str);
        // A column without a header is addressed as `column3`.
        let address = if label.is_empty() {
            format!("column{}", index_in_file + 1)
        } else {
            label.to_owned()
        };
        addresses.push(address.clone());
        let all = overrides.iter().chain(&options.inherited);
        let wanted = all.clone().find(|column| column.label == address);
        if wanted.is_some_and(|column| column.skip) {
            notices.push(
                Notice::new(NoticeCode::SkippedColumn, "left out because the caller said so")
                    .in_column(label),
            );
            continue;
        }
        let given_name =
            wanted.and_then(|column| column.name.as_deref()).filter(|name| !given.contains(name));
        given.extend(given_name);
        let name = match given_name {
            Some(name) => name.to_owned(),
            None => name_column(label, index_in_file, header, &columns, &taken, notices),
        };
        let declared = wanted.and_then(|column| column.column_type);
        let context = Context {
            label: &address,
            n_rows: table.n_rows,
            first_row: header.first_data_row,
            declared,
            explicit_nulls: options.null_spellings.is_some(),
            date_order: options.date_order,
            decimal_mark: options.decimal_mark,
            source,
        };
        let decision = decide(summary, &context);
        taken.insert(&name);
        notices.extend(decision.notices);
        columns.push(ColumnPlan {
            index_in_file,
            label: label.to_owned(),
            name,
            column_type: decision.column_type,
            declared: declared.is_some(),
            required: wanted.is_some_and(|column| column.required),
            notation: decision.notation,
            evidence: decision.evidence,
            n_nulls: decision.n_nulls,
            unique: decision.unique,
            increasing: decision.increasing,
        });
    }
    drop_outer_columns(&mut columns, table.n_rows, header, notices);
    if let Some(unknown) = overrides.iter().find(|column| !addresses.contains(&column.label)) {
        return Err(SchemaError::BadOption {
            found: format!("there is no column {:?}", unknown.label),
            remedy: format!("the columns are: {}", addresses.join(", ")),
        });
    }
    Ok(columns)
}

/// A name from outside must be one that we could have given: letters and digits, a letter first.
fn check_name(name: &str, taken: &Taken) -> Result<(), SchemaError> {
    let is_legal = name.len() <= MAX_NAME_BYTES
        && name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.chars().all(|char| char.is_ascii_alphanumeric());
    if !is_legal {
        return Err(SchemaError::BadOption {
            found: format!("{name:?} is not a field name"),
            remedy: "use up to 63 letters and digits, beginning with a small letter".to_owned(),
        });
    }
    if taken.contains(name) {
        return Err(SchemaError::BadOption {
            found: format!("the field name {name:?} is given twice"),
            remedy: "give each column its own name".to_owned(),
        });
    }
    Ok(())
}

fn name_column(
    label: &str,
    index_in_file: usize,
    header: &HeaderPlan,
    before: &[ColumnPlan],
    taken: &Taken,
    notices: &mut Vec<Notice>,
) -> String {
    let name = field_name(label, index_in_file + 1, taken);
    let Some(row) = header.row else {
        return name.name;
    };
    if index_in_file >= header.cells.len() {
        return name.name;
    }
    let (code, message) = if label.trim().is_empty() {
        (
            NoticeCode::BlankHeader,
            format!("column {} has no header; it is named {}", index_in_file + 1, name.name),
        )
    } else if before.iter().any(|column| column.label == label) {
        (
            NoticeCode::DuplicateHeader,
            format!("the header {label:?} occurs again; this one is named {}", name.name),
        )
    } else if name.changed {
        (NoticeCode::NameChanged, format!("{label:?} is named {}", name.name))
    } else {
        return name.name;
    };
    let about = if label.trim().is_empty() { name.name.as_str() } else { label };
    notices.push(Notice::new(code, message).in_column(about).at(row, 1));
    name.name
}

/// Leaves out columns at either end that have neither a header nor a value; inside the table they are kept.
fn drop_outer_columns(
    columns: &mut Vec<ColumnPlan>,
    n_rows: u64,
    header: &HeaderPlan,
    notices: &mut Vec<Notice>,
) {
    if header.row.is_none() {
        return;
    }
    let is_hollow =
        |column: &ColumnPlan| column.label.trim().is_empty() && column.n_nulls == n_rows;
    let n_leading = columns.iter().take_while(|column| is_hollow(column)).count();
    if n_leading == columns.len() {
        return;
    }
    let n_trailing = columns.iter().rev().take_while(|column| is_hollow(column)).count();
    let n_kept = columns.len() - n_trailing;
    let dropped: Vec<ColumnPlan> = columns.drain(n_kept..).collect();
    let dropped: Vec<ColumnPlan> = columns.drain(..n_leading).chain(dropped).collect();
    if dropped.is_empty() {
        return;
    }
    let names: Vec<&str> = dropped.iter().map(|column| column.name.as_str()).collect();
    let message = format!(
        "columns beside the table without a header and values were left out: {}",
        names.join(", ")
    );
    let count = u64::try_from(dropped.len()).unwrap_or_default();
    notices.retain(|notice| {
        let about = notice.column.as_deref();
        notice.code != NoticeCode::BlankHeader || !about.is_some_and(|about| names.contains(&about))
    });
    notices.push(Notice { count, ..Notice::new(NoticeCode::BlankColumn, message) });
}
