//! Turns a definition of columns into the plan of a table without rows.
//! It exists so that a table that nobody has a file for gets its names by the rules of headers.
//! It never reads anything.

use crate::naming::{Taken, field_name};
use crate::plan::{
    ColumnPlan, Container, Dialect, Evidence, Format, HeaderPlan, Notation, Notice, NoticeCode,
    SheetPlan,
};
use crate::types::ColumnType;

/// A column as its owner defines it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DefinedColumn {
    /// The name as people write it.
    pub label: String,
    /// The type that every value must have.
    pub column_type: ColumnType,
    /// Whether no value may be missing.
    pub is_required: bool,
}

impl SheetPlan {
    /// The plan of a table of these columns without a row.
    pub fn defined(columns: &[DefinedColumn]) -> SheetPlan {
        let mut taken = Taken::default();
        let mut notices = Vec::new();
        let mut planned = Vec::with_capacity(columns.len());
        for (index_in_file, column) in columns.iter().enumerate() {
            let named = field_name(&column.label, index_in_file + 1, &taken);
            taken.insert(&named.name);
            if named.changed {
                let text = format!("the name {:?} became {}", column.label, named.name);
                let notice = Notice::new(NoticeCode::NameChanged, text);
                notices.push(notice.in_column(&column.label));
            }
            planned.push(ColumnPlan {
                index_in_file,
                label: column.label.clone(),
                name: named.name,
                column_type: column.column_type,
                declared: true,
                required: column.is_required,
                notation: Notation::default(),
                evidence: Evidence {
                    reason: "declared by its owner, before there were values".to_owned(),
                    ..Evidence::default()
                },
                n_nulls: 0,
                unique: None,
                increasing: false,
            });
        }
        SheetPlan::of_columns(planned, notices)
    }

    /// A plan of columns that are known already, of a table that is no file's.
    pub fn of_columns(columns: Vec<ColumnPlan>, notices: Vec<Notice>) -> SheetPlan {
        SheetPlan {
            name: None,
            format: Format::Delimited { container: Container::Plain },
            columns,
            n_rows: 0,
            notices,
            dialect: Dialect::default(),
            encoding: "UTF-8".to_owned(),
            header: HeaderPlan::default(),
            kept_rows: Default::default(),
        }
    }
}
