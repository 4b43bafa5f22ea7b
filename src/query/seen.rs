//! Restricts rows and values where a table enters a statement, to what the principal may see.
//!
//! A policy's filter and masks become a SELECT that stands in the place of the table. Everything
//! else of a statement (lists, keys, aggregates, relations, searches, counts) is built upon it and
//! cannot go around it.

use sea_query::{Alias, Asterisk, Expr, ExprTrait, Func, Query, SelectStatement};
use serde_json::Value as Json;
use sluice_schema::ColumnType;

use super::Dialect;
use super::filter::column_sql_type;
use super::input::{Input, Origin};
use super::roots::Compiler;
use super::select::Rows;
use super::value::{Slot, SlotKind};
use crate::catalog::access::Mask;
use crate::catalog::history::Past;
use crate::catalog::model::{Column, Dataset, ROW_COLUMN};
use crate::catalog::view::{NEW_POLICY, Part, SeenRows, View};
use crate::error::{Code, Error, Result};

/// Where values of a policy stand, for messages; no argument of a document is called so.
pub(super) const PLACE: &str = "the policy's filter";
/// Hexadecimal digits of a hash that is shown.
const HASH_DIGITS: u32 = 32;

impl<'d> Compiler<'d> {
    /// The SELECT that stands for a dataset's table; `None` where all of it is shown.
    ///
    /// # Errors
    /// FORBIDDEN when the policy does not fit the dataset any more.
    pub(super) fn seen(
        &mut self,
        dataset: &'d Dataset,
        table: usize,
        past: Option<&Past>,
    ) -> Result<Option<SelectStatement>> {
        let Some(view) = self.snapshot.view.as_deref() else {
            return Ok(past.map(|past| self.past_rows(dataset, table, past)));
        };
        let whole = view.base.dataset_by_id(dataset.id).ok_or_else(unfit)?;
        let past_rows = past.map(|past| self.past_rows(whole, table, past));
        let Some(part) = view.parts.get(&dataset.id).filter(|part| part.is_partial()) else {
            return Ok(past_rows);
        };
        let alias = format!("p{}", self.n_aliases);
        self.n_aliases += 1;
        let is_past = past.is_some();
        let rows = Rows { dataset: whole.as_ref(), table, alias, source: past_rows, is_past };
        let mut select = Query::select();
        rows.read_in(&mut select);
        if part.masks.is_empty() {
            select.column((rows.alias.clone(), Asterisk));
        } else {
            self.select_masked(&rows, part, &mut select);
        }
        match &part.rows {
            SeenRows::All => {}
            SeenRows::Nothing => {
                select.and_where(Expr::cust("1 = 0"));
            }
            SeenRows::Fitting(filter) => {
                let fits = self.policy_condition(view, &rows, filter)?;
                select.and_where_option(fits);
            }
        }
        Ok(Some(select))
    }

    /// A policy's filter, over the whole workspace.
    fn policy_condition(
        &mut self,
        view: &'d View,
        rows: &Rows<'d>,
        filter: &'d Json,
    ) -> Result<Option<Expr>> {
        let (seen, n_predicates) = (self.snapshot, self.n_predicates);
        self.snapshot = &view.base;
        self.n_predicates = 0;
        let fits = self.condition(rows, &Input::Policy(filter), PLACE, 0);
        self.snapshot = seen;
        self.n_predicates = n_predicates;
        if view.id == NEW_POLICY {
            return fits;
        }
        fits.map_err(|error| {
            let dataset = &rows.dataset.name;
            tracing::warn!(%error, dataset, "a policy does not fit its dataset; nothing is shown");
            unfit()
        })
    }

    fn select_masked(&mut self, rows: &Rows<'d>, part: &Part, select: &mut SelectStatement) {
        let has_row_number = rows.dataset.columns.iter().any(|it| it.physical == ROW_COLUMN);
        if !has_row_number {
            select.column((rows.alias.clone(), ROW_COLUMN));
        }
        for column in rows.dataset.columns.iter() {
            if part.hidden.contains(&column.physical) {
                continue;
            }
            let mask = part.masks.iter().find(|(physical, _)| *physical == column.physical);
            match mask {
                None => {
                    select.column((rows.alias.clone(), column.physical.clone()));
                }
                Some((physical, mask)) => {
                    let shown = self.masked(&rows.column(physical), column, *mask);
                    select.expr_as(shown, Alias::new(physical));
                }
            }
        }
    }

    fn masked(&mut self, value: &Expr, column: &Column, mask: Mask) -> Expr {
        let text = value.clone().cast_as("text");
        match mask {
            Mask::Hide | Mask::Null => {
                let nothing = Expr::cust("NULL");
                match self.dialect {
                    Dialect::Sqlite => nothing,
                    Dialect::Postgres => match column.column_type {
                        // As it is kept, not as it is compared.
                        ColumnType::Json => nothing.cast_as("json"),
                        ColumnType::String => Expr::cust(r#"NULL::text COLLATE "C""#),
                        other => nothing.cast_as(column_sql_type(other)),
                    },
                }
            }
            Mask::Partial => match self.dialect {
                Dialect::Sqlite => Func::cust("sluice_part").arg(text).into(),
                Dialect::Postgres => Expr::cust_with_exprs(
                    r#"(CASE WHEN char_length($1) < 5 THEN '***' ELSE left($1, 1) || '***' || right($1, 1) END) COLLATE "C""#,
                    [text],
                ),
            },
            Mask::Hash => {
                let secret = Json::String(self.mask_secret());
                let slot = Slot {
                    origin: Origin::Constant(secret),
                    kind: SlotKind::Text,
                    place: Box::from(PLACE),
                };
                let secret = self.placeholder(slot);
                match self.dialect {
                    Dialect::Sqlite => Func::cust("sluice_hash").arg(secret).arg(text).into(),
                    Dialect::Postgres => Expr::cust_with_exprs(
                        format!(
                            r#"left(encode(sha256(convert_to($1 || $2, 'UTF8')), 'hex'), {HASH_DIGITS}) COLLATE "C""#
                        ),
                        [secret.cast_as("text"), text],
                    ),
                }
            }
        }
    }

    /// What values of this workspace are hashed with.
    fn mask_secret(&self) -> String {
        self.mask_key.of(self.snapshot.workspace.0.as_bytes())
    }

    /// The most rows that a list of a dataset answers, and how many it answers unless told.
    pub(super) fn row_limits(&self, dataset: &Dataset) -> (i64, i64) {
        let of_policy = self.snapshot.part(dataset.id).and_then(|part| part.max_rows);
        let most = of_policy.map_or(self.max_limit, |most| most.clamp(0, self.max_limit));
        (most, Ord::min(self.default_limit, most))
    }
}

/// What is told of a value that could not be bound: of a policy's filter, only that a claim is not
/// what it must be.
pub(super) fn told(error: Error, place: &str) -> Error {
    if !place.starts_with(PLACE) {
        return error;
    }
    tracing::warn!(%error, "a claim does not fit a policy; nothing is shown");
    Error::new(
        Code::Forbidden,
        "A claim of this key does not fit the policy for this dataset, so that nothing of it is shown. Ask an admin.",
    )
}

fn unfit() -> Error {
    Error::new(
        Code::Forbidden,
        "The policy for this dataset does not fit it any more, so that nothing of it is shown. Ask an admin to set it anew.",
    )
}
