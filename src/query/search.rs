//! Turns the argument `search` into a condition and an order.
//!
//! All words must be there, the last one may go on. What a word is both stores agree about, see
//! [`crate::store::search`]; with an index of words or without one the rows are the same.

use async_graphql_parser::types::Field;
use sea_query::{Alias, Expr, ExprTrait, JoinType, NullOrdering, Order, Query, SelectStatement};

use sluice_schema::ColumnType;

use super::Dialect;
use super::input::Input;
use super::roots::Compiler;
use super::select::{OrderKey, Rows};
use super::value::SlotKind;
use crate::catalog::model::{IndexMethod, ROW_COLUMN};
use crate::error::{Error, Result};
use crate::store::run::{WORDS_OF, table_marker};
use crate::store::search::{joined_postgres, joined_sqlite, vector_sql};

/// How the words are bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SearchForm {
    /// For FTS5.
    Fts5,
    /// For PostgreSQL.
    Tsquery,
    /// For our own function.
    Plain,
}

impl<'d> Compiler<'d> {
    /// The argument `search`, unless there is nothing in it.
    fn searched(&mut self, field: &'d Field) -> Result<Option<Input<'d>>> {
        let Some(input) = self.argument(field, "search") else { return Ok(None) };
        Ok((!self.reader.is_blank(&input, "search")?).then_some(input))
    }

    /// The condition of a field's argument `search`.
    ///
    /// # Errors
    /// BAD_USER_INPUT for what is no text.
    pub(super) fn search_condition(
        &mut self,
        rows: &Rows<'d>,
        field: &'d Field,
    ) -> Result<Option<Expr>> {
        match self.searched(field)? {
            Some(input) => self.has_words(rows, &input, false).map(Some),
            None => Ok(None),
        }
    }

    /// The keys of the order of a search: rows that have all words as they were typed, then those
    /// with less text; and what must be joined for them.
    ///
    /// # Errors
    /// BAD_USER_INPUT for what is no text.
    pub(super) fn search_order(
        &mut self,
        rows: &Rows<'d>,
        field: &'d Field,
        is_distinct: bool,
    ) -> Result<(Vec<OrderKey>, Option<Join>)> {
        let Some(input) = self.searched(field)? else { return Ok((Vec::new(), None)) };
        let key = |value, sort_type| OrderKey {
            field: "search".to_owned(),
            value,
            sort_type,
            physical: None,
            is_nullable: false,
            order: Order::Asc,
            nulls: NullOrdering::Last,
        };
        let texts = texts(rows);
        let length = match self.dialect {
            Dialect::Sqlite => format!("length({})", joined_sqlite(&texts)),
            Dialect::Postgres => format!("char_length({})", joined_postgres(&texts)),
        };
        let (mut keys, mut join) = (Vec::new(), None);
        if self.dialect == Dialect::Postgres && is_indexed(rows) && !is_distinct {
            // Joined, because nothing else stays quick however many rows there are.
            let found = self.row_numbers(rows, &input, true)?;
            let alias = format!("{}x", rows.alias);
            let number = Expr::col((alias.clone(), ROW_COLUMN.to_owned()));
            keys.push(key(number.clone().is_null(), ColumnType::Boolean));
            let on = number.eq(rows.column(ROW_COLUMN));
            join = Some(Join { found, alias, on });
        } else {
            keys.push(key(self.has_words(rows, &input, true)?.not(), ColumnType::Boolean));
        }
        keys.push(key(Expr::cust(length), ColumnType::BigInt));
        Ok((keys, join))
    }

    /// Whether a row has the words; `is_whole` takes the last one as it is.
    fn has_words(&mut self, rows: &Rows<'d>, input: &Input<'_>, is_whole: bool) -> Result<Expr> {
        let texts = texts(rows);
        if texts.is_empty() {
            return Err(Error::bad_input(format!("{} has no texts.", rows.dataset.name)));
        }
        match self.dialect {
            Dialect::Sqlite if is_indexed(rows) => {
                let words = self.words(input, SearchForm::Fts5, is_whole)?;
                let table = table_marker(rows.table + WORDS_OF);
                let template = format!("? IN (SELECT rowid FROM \"{table}\" WHERE \"s\" MATCH ?)");
                Ok(Expr::cust_with_exprs(template, [rows.column(ROW_COLUMN), words]))
            }
            Dialect::Sqlite => {
                let words = self.words(input, SearchForm::Plain, is_whole)?;
                let text = joined_sqlite(&texts);
                Ok(Expr::cust_with_exprs(format!("sluice_search(?, {text})"), [words]))
            }
            Dialect::Postgres => self.matches(&texts, input, is_whole),
        }
    }

    fn matches(&mut self, texts: &[String], input: &Input<'_>, is_whole: bool) -> Result<Expr> {
        let words = self.words(input, SearchForm::Tsquery, is_whole)?;
        let words = words.cast_as("tsquery");
        // Not as a template, which would take signs of the expression for places of values.
        Ok(Expr::cust(vector_sql(texts)).binary(sea_query::BinOper::Custom("@@"), words))
    }

    /// The numbers of the rows that have the words.
    fn row_numbers(
        &mut self,
        rows: &Rows<'d>,
        input: &Input<'_>,
        is_whole: bool,
    ) -> Result<SelectStatement> {
        let inner = Rows { alias: format!("{}w", rows.alias), ..rows.clone() };
        let mut select = Query::select();
        inner.read_in(&mut select);
        select.expr_as(inner.column(ROW_COLUMN), Alias::new(ROW_COLUMN));
        select.and_where(self.matches(&texts(&inner), input, is_whole)?);
        Ok(select)
    }

    fn words(&mut self, input: &Input<'_>, form: SearchForm, is_whole: bool) -> Result<Expr> {
        self.slot(input, SlotKind::Search { form, is_whole }, "search")
    }
}

/// Rows to be joined for an order.
pub(super) struct Join {
    found: SelectStatement,
    alias: String,
    on: Expr,
}

impl Join {
    /// Joins them; rows without a partner stay.
    pub(super) fn add_to(self, select: &mut SelectStatement) {
        select.join_subquery(JoinType::LeftJoin, self.found, Alias::new(self.alias), self.on);
    }
}

/// The text columns of rows, ready for SQL.
fn texts(rows: &Rows<'_>) -> Vec<String> {
    let quoted = |name: &str| format!("\"{}\"", name.replace('"', "\"\""));
    rows.dataset
        .text_columns()
        .map(|column| format!("{}.{}", quoted(&rows.alias), quoted(&column.physical)))
        .collect()
}

fn is_indexed(rows: &Rows<'_>) -> bool {
    !rows.is_past && rows.dataset.indexes.iter().any(|index| index.method == IndexMethod::Search)
}
