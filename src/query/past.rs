//! Puts an earlier version in the place of a dataset's table, where the argument `asOf` asks for it.
//!
//! The rows of a version are those of its table that no later version touched, and for each row that
//! one did the first image in the log since. The SELECT stands below a policy's filter and masks, so
//! that what was is shown as what is.

use async_graphql_parser::types::Field;
use sea_query::{Expr, Query, SelectStatement, UnionType};

use super::Dialect;
use super::plan::RootKind;
use super::roots::Compiler;
use crate::catalog::history::Past;
use crate::catalog::model::{Dataset, ROW_COLUMN};
use crate::error::{Code, Error, Result};
use crate::store::run::{LOG_OF, table_marker};

/// The argument.
pub const AS_OF: &str = "asOf";

/// Where the rows of a version of a dataset are.
///
/// # Errors
/// NOT_FOUND, with the versions that are kept; CONFLICT for one that had other columns.
pub fn past_of(dataset: &Dataset, version: i64) -> Result<Past> {
    let kept = dataset.kept(version).ok_or_else(|| unknown(dataset, version))?;
    if !kept.has_same_columns {
        return Err(Error::new(
            Code::Conflict,
            format!(
                "Version {version} of {:?} had other columns than the dataset has now. See datasetDiff for what differs, or bring it back by revertDataset.",
                dataset.name
            ),
        ));
    }
    Ok(dataset.past(kept))
}

/// A version that is not kept.
pub fn unknown(dataset: &Dataset, version: i64) -> Error {
    let (first, last) = dataset.kept_range();
    Error::not_found(format!(
        "{:?} has no version {version} that is kept; kept are {first} to {last}.",
        dataset.name
    ))
}

impl<'d> Compiler<'d> {
    /// The version that a root field asks for; `None` for the present one.
    ///
    /// # Errors
    /// As [`past_of`]; BAD_USER_INPUT for what is no number.
    pub(super) fn as_of(
        &mut self,
        dataset: &'d Dataset,
        field: &'d Field,
        kind: RootKind,
    ) -> Result<Option<Past>> {
        let key = dataset.columns.get(dataset.key).map(|key| key.name.as_str());
        // A key of this name is meant then.
        if kind == RootKind::Node || (kind == RootKind::ByPk && key == Some(AS_OF)) {
            return Ok(None);
        }
        let Some(input) = self.argument(field, AS_OF) else { return Ok(None) };
        let version = self.reader.whole_number(&input, AS_OF)?;
        past_of(dataset, version).map(Some)
    }

    /// The SELECT of all rows of a version.
    pub(super) fn past_rows(
        &mut self,
        dataset: &Dataset,
        table: usize,
        past: &Past,
    ) -> SelectStatement {
        let name = format!("v{}", self.n_aliases);
        self.n_aliases += 1;
        let physical = dataset.columns.iter().map(|column| column.physical.as_str());
        past_select(self.dialect, (table, &name), past, physical)
    }
}

/// The SELECT of the columns of these names of all rows of a version, and of the row's number.
pub(super) fn past_select<'c>(
    dialect: Dialect,
    (table, name): (usize, &str),
    past: &Past,
    physical: impl Iterator<Item = &'c str>,
) -> SelectStatement {
    let mut names = vec![ROW_COLUMN];
    names.extend(physical.filter(|name| *name != ROW_COLUMN));
    let select = |table: usize| {
        let mut select = Query::select();
        for column in &names {
            select.column((name.to_owned(), (*column).to_owned()));
        }
        select.from_as(table_marker(table), name.to_owned());
        select
    };
    let mut rows = select(table);
    if !past.has_log {
        return rows;
    }
    let Past { version, next_row, .. } = *past;
    let log = table_marker(table + LOG_OF);
    let was_there = format!("\"{name}\".\"_row\" < {next_row}");
    rows.and_where(Expr::cust(was_there.clone()));
    rows.and_where(Expr::cust(match dialect {
        // Each answers its own form at once, by a list of the rows that were touched.
        Dialect::Sqlite => format!(
            "\"{name}\".\"_row\" NOT IN (SELECT \"_row\" FROM \"{log}\" WHERE \"version\" > {version})"
        ),
        Dialect::Postgres => format!(
            "NOT EXISTS (SELECT 1 FROM \"{log}\" AS \"{name}l\" WHERE \"{name}l\".\"_row\" = \"{name}\".\"_row\" AND \"{name}l\".\"version\" > {version})"
        ),
    }));
    let mut images = select(table + LOG_OF);
    images.and_where(Expr::cust(was_there));
    images.and_where(Expr::cust(format!("\"{name}\".\"op\" <> 'I'")));
    images.and_where(Expr::cust(format!(
        "(\"{name}\".\"_row\", \"{name}\".\"version\") IN (SELECT \"_row\", MIN(\"version\") FROM \"{log}\" WHERE \"version\" > {version} GROUP BY \"_row\")"
    )));
    rows.union(UnionType::All, images);
    rows
}
