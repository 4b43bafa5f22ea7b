//! Turns an aggregate or a group-by into what is made of columns: keys, measures, the condition on
//! groups and their order.

use std::sync::Arc;

use async_graphql_parser::types::Field;
use sea_query::{NullOrdering, Order};
use sluice_columnar::question::{self, Comparison, GroupOrder, Having, Key, Measure, Of, Operand};
use sluice_schema::ColumnType;

use super::condition::{Constant, Operation, item_of, value_of};
use super::tree::Tree;
use super::{Asking, Asks, Question, Unasked, Values, What, asked};
use crate::catalog::model::Column;
use crate::error::Result;
use crate::query::aggregate::{
    AVERAGE_EXTRA_DIGITS, AggregateOrder, FUNCTIONS, Function, function_column, is_wide,
};
use crate::query::input::Input;
use crate::query::roots::Compiler;
use crate::query::select::Rows;
use crate::query::value::SlotKind;
use crate::query::wide::unrank;
use crate::store::bin;
use crate::store::columns::Answered;
use crate::store::period::Period;
use crate::store::run::Bind;

/// What stands in a column of a result.
#[derive(Clone, Debug)]
pub(in crate::query) enum Measured {
    /// A key of the group, by its place.
    Key(usize),
    /// How many rows have a value in all of these columns, or how many different ones.
    Count { physical: Vec<String>, is_distinct: bool },
    /// A function over a column, by its field name.
    Function(Function, String),
    /// The value of a slot of the statement.
    Known(usize),
}

/// What rows of a group have in common.
pub(in crate::query) struct GroupKey<'d> {
    pub(in crate::query) column: &'d Column,
    pub(in crate::query) by: KeyBy<'d>,
}

/// What of a value is a key.
#[derive(Clone)]
pub(in crate::query) enum KeyBy<'d> {
    Value,
    Truncated(Period),
    Binned(Input<'d>),
}

/// Groups with slots in the place of values.
#[derive(Debug)]
pub(super) struct GroupParts {
    keys: Vec<BoundKey>,
    measures: Vec<Measure>,
    outputs: Vec<Output>,
    having: Option<Condition>,
    order: Vec<GroupOrder>,
    /// Slots of the rows wanted, and of those passed over.
    limit: Option<usize>,
    offset: Option<usize>,
}

#[derive(Debug)]
struct BoundKey {
    column: usize,
    column_type: ColumnType,
    by: BoundKeyBy,
}

#[derive(Debug)]
enum BoundKeyBy {
    Value,
    Truncated(Period),
    Binned(usize),
}

#[derive(Debug)]
enum Output {
    Of(Of),
    Known(usize),
}

/// A condition on groups whose values are slots.
type Condition = Tree<GroupTest>;

/// A test of something of a group.
#[derive(Debug)]
enum GroupTest {
    Null(Of),
    Compare(Of, Comparison, Right),
    In(Of, Right),
}

/// Where the values are that a group is compared with.
#[derive(Clone, Copy, Debug)]
enum Right {
    /// Of a type.
    Typed(usize, ColumnType),
    /// Numbers that may pass 64 bits, in the form in which texts sort like them.
    Wide(usize),
}

/// Gathers the measures of groups.
#[derive(Default)]
struct Measures(Vec<Measure>);

impl Measures {
    fn place(&mut self, measure: Measure) -> Of {
        let known = self.0.iter().position(|known| *known == measure);
        Of::Measure(known.unwrap_or_else(|| {
            self.0.push(measure);
            self.0.len() - 1
        }))
    }
}

impl<'d> Compiler<'d> {
    /// The question of an aggregate whose result has these columns; `None` where columns cannot
    /// answer it.
    ///
    /// # Errors
    /// As those of its arguments.
    pub(in crate::query) fn ask_aggregate(
        &mut self,
        rows: &Rows<'d>,
        field: &'d Field,
        measured: &[Option<Measured>],
    ) -> Result<Option<Question>> {
        let is_window = ["limit", "offset", "distinctOn"]
            .iter()
            .any(|name| self.argument(field, name).is_some());
        let is_known = measured.iter().all(|it| matches!(it, Some(Measured::Known(_))));
        if is_window || is_known {
            return Ok(None);
        }
        self.ask_groups(rows, field, &[], measured, None, None)
    }

    /// The question of a group-by whose result has these columns; the slots are of the statement.
    ///
    /// # Errors
    /// As those of its arguments.
    pub(in crate::query) fn ask_groups(
        &mut self,
        rows: &Rows<'d>,
        field: &'d Field,
        keys: &[GroupKey<'d>],
        measured: &[Option<Measured>],
        limit: Option<usize>,
        offset: Option<usize>,
    ) -> Result<Option<Question>> {
        asked(self.ask_grouped(rows, field, keys, measured, (limit, offset)))
    }

    fn ask_grouped(
        &mut self,
        rows: &Rows<'d>,
        field: &'d Field,
        keys: &[GroupKey<'d>],
        measured: &[Option<Measured>],
        (limit, offset): (Option<usize>, Option<usize>),
    ) -> Asks<Question> {
        let mut asking = Asking::default();
        let filter = self.ask_filter(rows, field, &mut asking)?;
        let mut measures = Measures::default();
        let mut bound = Vec::with_capacity(keys.len());
        for key in keys {
            let physical = &self.asked_column(rows, &key.column.physical)?.physical;
            let by = match &key.by {
                KeyBy::Value => BoundKeyBy::Value,
                KeyBy::Truncated(period) => BoundKeyBy::Truncated(*period),
                KeyBy::Binned(width) => {
                    let kind = SlotKind::BinWidth(key.column.column_type);
                    BoundKeyBy::Binned(self.ask_slot(width, kind, "by.bin", &mut asking)?)
                }
            };
            let column_type = key.column.column_type;
            bound.push(BoundKey { column: asking.column(physical), column_type, by });
        }
        let mut outputs = Vec::with_capacity(measured.len());
        for it in measured {
            outputs.push(match it.as_ref().ok_or(Unasked::Untold)? {
                Measured::Key(place) => Output::Of(Of::Key(*place)),
                Measured::Known(slot) => Output::Known(self.copied_slot(&mut asking, *slot)?),
                Measured::Count { physical, is_distinct } => {
                    let measure = self.counted(rows, physical, *is_distinct, &mut asking)?;
                    Output::Of(measures.place(measure))
                }
                Measured::Function(function, field) => {
                    let measure = self.measure(rows, *function, field, &mut asking)?;
                    Output::Of(measures.place(measure))
                }
            });
        }
        let having = match self.argument(field, "having") {
            None => None,
            Some(input) => {
                Some(Tree::And(self.ask_having(rows, &input, &mut asking, &mut measures)?))
            }
        };
        let order = match self.argument(field, "orderBy") {
            None => Vec::new(),
            Some(input) => self.ask_order(rows, keys, &input, &mut asking, &mut measures)?,
        };
        let limit = limit.map(|limit| self.copied_slot(&mut asking, limit)).transpose()?;
        let offset = offset.map(|offset| self.copied_slot(&mut asking, offset)).transpose()?;
        let measures = measures.0;
        let parts = GroupParts { keys: bound, measures, outputs, having, order, limit, offset };
        self.question(rows, asking, filter, What::Groups(parts))
    }

    fn counted(
        &self,
        rows: &Rows<'d>,
        physical: &[String],
        is_distinct: bool,
        asking: &mut Asking,
    ) -> Asks<Measure> {
        let mut places = Vec::with_capacity(physical.len());
        for name in physical {
            let column = self.asked_column(rows, name)?;
            // Of several, zero and minus zero are told apart by the other way.
            if is_distinct && physical.len() > 1 && column.column_type == ColumnType::Float {
                return Err(Unasked::Untold);
            }
            places.push(asking.column(name));
        }
        Ok(match (places.is_empty(), is_distinct) {
            (true, _) => Measure::Rows,
            (false, true) => Measure::Distinct(places),
            (false, false) => Measure::Count(places),
        })
    }

    fn measure(
        &self,
        rows: &Rows<'d>,
        function: Function,
        field: &str,
        asking: &mut Asking,
    ) -> Asks<Measure> {
        let (column, _) = function_column(rows, function, field)?;
        let place = asking.column(&self.asked_column(rows, &column.physical)?.physical);
        Ok(match (function, column.column_type) {
            (Function::Sum, _) => Measure::Sum(place),
            (Function::Avg, ColumnType::Decimal { .. }) => {
                Measure::DecimalAverage { column: place, n_digits: u32::from(AVERAGE_EXTRA_DIGITS) }
            }
            (Function::Avg, _) => Measure::Average(place),
            (Function::Min, _) => Measure::Min(place),
            (Function::Max, _) => Measure::Max(place),
            (Function::Spread(spread), column_type) => {
                let scale = match column_type {
                    ColumnType::Decimal { scale, .. } => scale,
                    _ => 0,
                };
                Measure::Spread { column: place, spread, scale }
            }
        })
    }

    fn ask_having(
        &mut self,
        rows: &Rows<'d>,
        input: &Input<'_>,
        asking: &mut Asking,
        measures: &mut Measures,
    ) -> Asks<Vec<Condition>> {
        self.ask_joined(input, "having", &mut |compiler, name, value, place| {
            if name == "count" {
                let parts = compiler.having_count_parts(value, place)?;
                let counted = parts.counted.as_ref();
                let counted = compiler.distinct_columns(rows.dataset, counted, "count.columns")?;
                let is_distinct = match &parts.distinct {
                    Some(distinct) => compiler.reader.boolean(distinct, "count.distinct")?,
                    None => false,
                };
                let of = measures.place(compiler.counted(rows, &counted, is_distinct, asking)?);
                let (answer, place) = (ColumnType::Int, format!("{place}.predicate"));
                return compiler.ask_tests(of, answer, false, &parts.predicate, &place, asking);
            }
            let known = FUNCTIONS.iter().find(|(known, _)| *known == name);
            let (_, function) = known.ok_or(Unasked::Untold)?;
            let mut tests = Vec::new();
            for (field, operands) in compiler.reader.fields(value, place)? {
                let place = format!("{place}.{field}");
                let (column, answer) = function_column(rows, *function, &field)?;
                let of = measures.place(compiler.measure(rows, *function, &field, asking)?);
                let is_wide = is_wide(*function, column);
                tests.extend(compiler.ask_tests(of, answer, is_wide, &operands, &place, asking)?);
            }
            Ok(tests)
        })
    }

    /// The comparisons of something of a group with each operand of an object.
    fn ask_tests(
        &mut self,
        of: Of,
        answer: ColumnType,
        is_wide: bool,
        operands: &Input<'_>,
        place: &str,
        asking: &mut Asking,
    ) -> Asks<Vec<Condition>> {
        let scale = match answer {
            ColumnType::Decimal { scale, .. } => scale,
            _ => 0,
        };
        let mut tests = Vec::new();
        for (name, operand) in self.reader.fields(operands, place)? {
            let place = format!("{place}.{name}");
            let (operation, is_negated) = self.ask_test(answer, &name, &operand, &place, asking)?;
            let mut right = |slot| match is_wide {
                true => {
                    asking.widen(slot, scale);
                    Right::Wide(slot)
                }
                false => Right::Typed(slot, answer),
            };
            let test = match operation {
                Operation::Null => GroupTest::Null(of),
                Operation::Compare(comparison, slot) => {
                    GroupTest::Compare(of, comparison, right(slot))
                }
                Operation::In(slot) => GroupTest::In(of, right(slot)),
                _ => return Err(Unasked::Untold),
            };
            tests.push(Tree::leaf(test, is_negated));
        }
        Ok(tests)
    }

    fn ask_order(
        &mut self,
        rows: &Rows<'d>,
        keys: &[GroupKey<'d>],
        input: &Input<'_>,
        asking: &mut Asking,
        measures: &mut Measures,
    ) -> Asks<Vec<GroupOrder>> {
        const PLACE: &str = "orderBy";
        let sorted = |of, (order, nulls)| GroupOrder {
            of,
            is_descending: order == Order::Desc,
            is_null_first: matches!(nulls, NullOrdering::First),
        };
        let mut orders = Vec::new();
        for item in self.reader.items(input) {
            if self.reader.presence(&item) != Some(true) {
                continue;
            }
            for (part, value) in self.reader.fields(&item, PLACE)? {
                if self.reader.presence(&value) != Some(true) {
                    continue;
                }
                if part == "keys" {
                    for (name, direction) in self.reader.fields(&value, PLACE)? {
                        let place = keys.iter().position(|key| key.column.name == name);
                        if self.reader.presence(&direction) != Some(true) {
                            continue;
                        }
                        let of = Of::Key(place.ok_or(Unasked::Untold)?);
                        orders.push(sorted(of, self.direction(&direction, PLACE)?));
                    }
                    continue;
                }
                for AggregateOrder { of, direction, place } in
                    self.aggregate_orders(&value, PLACE)?
                {
                    let measure = match of {
                        None => Measure::Rows,
                        Some((function, field)) => self.measure(rows, function, &field, asking)?,
                    };
                    let of = measures.place(measure);
                    orders.push(sorted(of, self.direction(&direction, &place)?));
                }
            }
        }
        Ok(orders)
    }
}

impl GroupParts {
    /// The groups with their values, and what stands in each column of the result; `None` where a
    /// value is not what it must be.
    pub(super) fn bind(
        &self,
        asked: question::Question,
        values: &Values,
    ) -> Option<(question::Groups, Vec<Answered>)> {
        let keys = self.keys.iter().map(|key| key.bind(values)).collect::<Option<_>>()?;
        let having = match &self.having {
            Some(having) => Some(having.bind(&|test: &GroupTest| test.bind(values))?),
            None => None,
        };
        let outputs = self.outputs.iter().map(|output| {
            Some(match output {
                Output::Of(of) => Answered::Of(*of),
                Output::Known(slot) => Answered::Known(i64::try_from(values.number(*slot)?).ok()?),
            })
        });
        let groups = question::Groups {
            question: asked,
            keys,
            measures: self.measures.clone(),
            having,
            order: self.order.clone(),
            limit: self.limit.map_or(Some(u64::MAX), |slot| values.number(slot))?,
            offset: self.offset.map_or(Some(0), |slot| values.number(slot))?,
        };
        Some((groups, outputs.collect::<Option<_>>()?))
    }
}

impl BoundKey {
    fn bind(&self, values: &Values) -> Option<Key> {
        const DAY_US: i64 = 86_400_000_000;
        const HOUR_US: i64 = 3_600_000_000;
        let steps = |unit: i64, map: question::StepMap| question::KeyBy::Steps { unit, map };
        let by = match &self.by {
            BoundKeyBy::Value => question::KeyBy::Value,
            BoundKeyBy::Truncated(period) => {
                let period = *period;
                let first_day = move |days: i64| {
                    let first = i32::try_from(days).ok().and_then(|days| period.first_day(days));
                    first.map_or(days, i64::from)
                };
                match (self.column_type, period) {
                    (ColumnType::Date, _) => steps(1, Arc::new(first_day)),
                    (_, Period::Hour) => {
                        steps(HOUR_US, Arc::new(|hours| hours.saturating_mul(HOUR_US)))
                    }
                    _ => {
                        steps(DAY_US, Arc::new(move |days| first_day(days).saturating_mul(DAY_US)))
                    }
                }
            }
            BoundKeyBy::Binned(slot) => match (values.get(*slot)?, self.column_type) {
                (Bind::Text(width), _) => {
                    let width = width.clone();
                    question::KeyBy::Double(Arc::new(move |value| bin::double(value, &width)))
                }
                (Bind::Int(width), column_type) => {
                    let (width, lowest) = (*width, bin::lowest(column_type));
                    steps(
                        width,
                        Arc::new(move |n| bin::whole(n.saturating_mul(width), width, lowest)),
                    )
                }
                _ => return None,
            },
        };
        Some(Key { column: self.column, by })
    }
}

impl GroupTest {
    fn bind(&self, values: &Values) -> Option<Having> {
        Some(match self {
            GroupTest::Null(of) => Having::Null(*of),
            GroupTest::Compare(of, comparison, right) => {
                Having::Compare(*of, *comparison, right.bind(values)?)
            }
            GroupTest::In(of, right) => Having::In(*of, right.bind_list(values)?),
        })
    }
}

impl Right {
    fn bind(self, values: &Values) -> Option<Operand> {
        match self {
            Right::Typed(slot, column_type) => {
                Some(operand(value_of(values.get(slot)?, column_type)?))
            }
            Right::Wide(slot) => Some(unrank(values.text(slot)?)),
        }
    }

    fn bind_list(self, values: &Values) -> Option<Vec<Operand>> {
        let (Right::Typed(slot, _) | Right::Wide(slot)) = self;
        let items = values.items(slot)?;
        let operands = items.iter().map(|item| match self {
            Right::Typed(_, column_type) => Some(operand(item_of(item, column_type)?)),
            Right::Wide(_) => Some(unrank(item.as_str()?)),
        });
        operands.collect()
    }
}

fn operand(constant: Constant) -> Operand {
    match constant {
        Constant::Whole(number) => Operand::Whole(i128::from(number)),
        Constant::Float(number) => Operand::Float(number),
        Constant::Text(text) => Operand::Text(text),
    }
}
