//! Turns a `having` argument into one SQL condition on groups.
//!
//! Compared is what would be answered: a sum or an average with its digits, a double as it is
//! printed. The connectives and the three-valued logic are those of filters.

use sea_query::{BinOper, Expr, ExprTrait, Func};
use sluice_schema::ColumnType;

use super::Dialect;
use super::aggregate::{FUNCTIONS, function_column, is_wide};
use super::input::Input;
use super::operators::Operator;
use super::roots::Compiler;
use super::select::{Columns, Rows};
use super::value::{Side, SlotKind};
use crate::error::{Error, Result};

/// `{ columns: […], distinct: true, predicate: {_gt: 3} }`
pub(super) struct CountParts<'i> {
    pub(super) counted: Option<Input<'i>>,
    pub(super) distinct: Option<Input<'i>>,
    pub(super) predicate: Input<'i>,
}

impl<'d> Compiler<'d> {
    /// The condition; `None` when it asks for nothing. The columns that it reads are added.
    ///
    /// # Errors
    /// As [`Compiler::condition`].
    pub(super) fn having(
        &mut self,
        rows: &Rows<'d>,
        input: &Input<'_>,
        read: &mut Columns,
    ) -> Result<Option<Expr>> {
        self.connected(input, "having", 0, &mut |compiler, name, value, place, _| {
            if name == "count" {
                return compiler.having_count(rows, value, place, read);
            }
            let Some((_, function)) = FUNCTIONS.iter().find(|(known, _)| *known == name) else {
                return Err(Error::bad_input(format!("{place}: there is no such condition.")));
            };
            let mut parts = Vec::new();
            for (field, operands) in compiler.reader.fields(value, place)? {
                let place = format!("{place}.{field}");
                let (column, answer) = function_column(rows, *function, &field)?;
                read.position(&column.physical);
                let (left, _) = compiler.sortable_value(rows, *function, column)?;
                if is_wide(*function, column) {
                    parts.extend(compiler.wide_comparisons(&left, answer, &operands, &place)?);
                } else {
                    parts.extend(compiler.comparisons(&left, answer, &operands, &place)?);
                }
            }
            Ok(parts)
        })
    }

    fn having_count(
        &mut self,
        rows: &Rows<'d>,
        input: &Input<'_>,
        place: &str,
        read: &mut Columns,
    ) -> Result<Vec<Expr>> {
        let parts = self.having_count_parts(input, place)?;
        let (counted, distinct) = (parts.counted.as_ref(), parts.distinct.as_ref());
        let (number, _) = self.count(rows, counted, distinct, read)?;
        self.comparisons(&number, ColumnType::Int, &parts.predicate, &format!("{place}.predicate"))
    }

    /// What stands in the condition on a count.
    ///
    /// # Errors
    /// BAD_USER_INPUT for other fields, or without its predicate.
    pub(super) fn having_count_parts<'i>(
        &mut self,
        input: &Input<'i>,
        place: &str,
    ) -> Result<CountParts<'i>> {
        let (mut counted, mut distinct, mut predicate) = (None, None, None);
        for (name, part) in self.reader.fields(input, place)? {
            if self.reader.presence(&part) != Some(true) {
                continue;
            }
            match name.as_str() {
                "columns" => counted = Some(part),
                "distinct" => distinct = Some(part),
                "predicate" => predicate = Some(part),
                _ => return Err(Error::bad_input(format!("{place} has no field {name:?}."))),
            }
        }
        let predicate =
            predicate.ok_or_else(|| Error::bad_input(format!("{place} needs its predicate.")))?;
        Ok(CountParts { counted, distinct, predicate })
    }

    /// Comparisons of a sum or an average that may pass 64 bits.
    fn wide_comparisons(
        &mut self,
        left: &Expr,
        answer: ColumnType,
        operands: &Input<'_>,
        place: &str,
    ) -> Result<Vec<Expr>> {
        let scale = match answer {
            ColumnType::Decimal { scale, .. } => scale,
            _ => 0,
        };
        let mut parts = Vec::new();
        for (name, operand) in self.reader.fields(operands, place)? {
            let place = format!("{place}.{name}");
            let (side, binary) = match self.operator(answer, &name, &operand, &place)? {
                Operator::IsNull => {
                    parts.push(match self.reader.boolean(&operand, &place)? {
                        true => left.clone().is_null(),
                        false => left.clone().is_not_null(),
                    });
                    continue;
                }
                operator @ (Operator::In | Operator::Nin) => {
                    let list = self.slot(&operand, SlotKind::WideList { scale }, &place)?;
                    let is_in = match self.dialect {
                        Dialect::Sqlite => Expr::cust_with_exprs(
                            "? IN (SELECT value FROM json_each(?))",
                            [left.clone(), list],
                        ),
                        Dialect::Postgres => {
                            left.clone().eq(Func::cust("ANY").arg(list.cast_as("numeric[]")))
                        }
                    };
                    parts.push(if operator == Operator::In { is_in } else { is_in.not() });
                    continue;
                }
                Operator::Eq => (Side::Exact, BinOper::Equal),
                Operator::Neq => (Side::Exact, BinOper::NotEqual),
                Operator::Gt => (Side::Floor, BinOper::GreaterThan),
                Operator::Gte => (Side::Ceil, BinOper::GreaterThanOrEqual),
                Operator::Lt => (Side::Ceil, BinOper::SmallerThan),
                Operator::Lte => (Side::Floor, BinOper::SmallerThanOrEqual),
                _ => return Err(Error::internal("an operator that no number has")),
            };
            let right = self.slot(&operand, SlotKind::Wide { scale, side }, &place)?;
            parts.push(left.clone().binary(binary, right));
        }
        Ok(parts)
    }
}
