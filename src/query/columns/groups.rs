//! Turns an aggregate or a group-by into what is made of columns: keys, measures, the condition on
//! groups and their order.

use std::sync::Arc;

use async_graphql_parser::types::Field;
use sea_query::{NullOrdering, Order};
use sluice_columnar::question::{self, Comparison, GroupOrder, Having, Key, Measure, Of, Operand};
use sluice_schema::ColumnType;

use super::condition::{Constant, Operation, value_of};
use super::{Asking, Question, Values, What};
use crate::catalog::model::Column;
use crate::error::Result;
use crate::query::aggregate::{
    AVERAGE_EXTRA_DIGITS, AggregateOrder, FUNCTIONS, Function, function_column, is_wide,
};
use crate::query::input::Input;
use crate::query::roots::Compiler;
use crate::query::select::Rows;
use crate::query::value::{Side, SlotKind};
use crate::query::wide::unrank;
use crate::store::bin;
use crate::store::columns::Answered;
use crate::store::period::Period;

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

/// A part of a group's order.
struct Sorted {
    of: Of,
    order: Order,
    nulls: NullOrdering,
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
#[derive(Debug)]
enum Condition {
    And(Vec<Condition>),
    Or(Vec<Condition>),
    Not(Box<Condition>),
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
        if !self.can_ask(rows) {
            return Ok(None);
        }
        let mut asking = Asking::default();
        let Some(filter) = self.ask_filter(rows, field, &mut asking)? else { return Ok(None) };
        let mut measures = Measures::default();
        let mut bound = Vec::with_capacity(keys.len());
        for key in keys {
            if self.asked_column(rows, &key.column.physical).is_none() {
                return Ok(None);
            }
            let by = match &key.by {
                KeyBy::Value => BoundKeyBy::Value,
                KeyBy::Truncated(period) => BoundKeyBy::Truncated(*period),
                KeyBy::Binned(width) => {
                    let kind = SlotKind::BinWidth(key.column.column_type);
                    BoundKeyBy::Binned(self.ask_slot(width, kind, "by.bin", &mut asking)?)
                }
            };
            let column_type = key.column.column_type;
            bound.push(BoundKey { column: asking.column(key.column), column_type, by });
        }
        let mut outputs = Vec::with_capacity(measured.len());
        for it in measured {
            let output = match it {
                None => return Ok(None),
                Some(Measured::Key(place)) => Output::Of(Of::Key(*place)),
                Some(Measured::Known(slot)) => match self.copied_slot(&mut asking, *slot) {
                    Some(slot) => Output::Known(slot),
                    None => return Ok(None),
                },
                Some(Measured::Count { physical, is_distinct }) => {
                    match self.counted(rows, physical, *is_distinct, &mut asking) {
                        Some(measure) => Output::Of(measures.place(measure)),
                        None => return Ok(None),
                    }
                }
                Some(Measured::Function(function, field)) => {
                    match self.measure(rows, *function, field, &mut asking)? {
                        Some(measure) => Output::Of(measures.place(measure)),
                        None => return Ok(None),
                    }
                }
            };
            outputs.push(output);
        }
        let having = match self.argument(field, "having") {
            None => None,
            Some(input) => {
                match self.ask_having(rows, &input, "having", &mut asking, &mut measures)? {
                    Some(parts) => Some(Condition::And(parts)),
                    None => return Ok(None),
                }
            }
        };
        let mut order = Vec::new();
        if let Some(input) = self.argument(field, "orderBy") {
            match self.ask_order(rows, keys, &input, &mut asking, &mut measures)? {
                Some(sorted) => order.extend(sorted.into_iter().map(|key| GroupOrder {
                    of: key.of,
                    is_descending: key.order == Order::Desc,
                    is_null_first: matches!(key.nulls, NullOrdering::First),
                })),
                None => return Ok(None),
            }
        }
        let limit = limit.and_then(|limit| self.copied_slot(&mut asking, limit));
        let offset = offset.and_then(|offset| self.copied_slot(&mut asking, offset));
        let measures = measures.0;
        let parts = GroupParts { keys: bound, measures, outputs, having, order, limit, offset };
        Ok(self.question(rows, asking, filter, What::Groups(parts)))
    }

    fn counted(
        &self,
        rows: &Rows<'d>,
        physical: &[String],
        is_distinct: bool,
        asking: &mut Asking,
    ) -> Option<Measure> {
        let mut places = Vec::with_capacity(physical.len());
        for name in physical {
            let column = self.asked_column(rows, name)?;
            // Of several, zero and minus zero are told apart by the other way.
            if is_distinct && physical.len() > 1 && column.column_type == ColumnType::Float {
                return None;
            }
            places.push(asking.column(column));
        }
        Some(match (places.is_empty(), is_distinct) {
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
    ) -> Result<Option<Measure>> {
        let (column, _) = function_column(rows, function, field)?;
        if self.asked_column(rows, &column.physical).is_none() {
            return Ok(None);
        }
        let place = asking.column(column);
        Ok(Some(match (function, column.column_type) {
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
        }))
    }

    fn ask_having(
        &mut self,
        rows: &Rows<'d>,
        input: &Input<'_>,
        place: &str,
        asking: &mut Asking,
        measures: &mut Measures,
    ) -> Result<Option<Vec<Condition>>> {
        let mut parts = Vec::new();
        for (name, value) in self.reader.fields(input, place)? {
            let place = format!("{place}.{name}");
            match name.as_str() {
                "_and" | "_or" => {
                    let mut items = Vec::new();
                    for item in self.reader.items(&value) {
                        match self.ask_having(rows, &item, &place, asking, measures)? {
                            Some(conditions) => items.push(Condition::And(conditions)),
                            None => return Ok(None),
                        }
                    }
                    parts.push(match name.as_str() {
                        "_and" => Condition::And(items),
                        _ => Condition::Or(items),
                    });
                }
                "_not" => match self.ask_having(rows, &value, &place, asking, measures)? {
                    Some(conditions) => {
                        parts.push(Condition::Not(Box::new(Condition::And(conditions))));
                    }
                    None => return Ok(None),
                },
                "count" => {
                    let Some(conditions) =
                        self.ask_having_count(rows, &value, &place, asking, measures)?
                    else {
                        return Ok(None);
                    };
                    parts.extend(conditions);
                }
                _ => {
                    let Some((_, function)) = FUNCTIONS.iter().find(|(known, _)| *known == name)
                    else {
                        return Ok(None);
                    };
                    for (field, operands) in self.reader.fields(&value, &place)? {
                        let place = format!("{place}.{field}");
                        let (column, answer) = function_column(rows, *function, &field)?;
                        let Some(measure) = self.measure(rows, *function, &field, asking)? else {
                            return Ok(None);
                        };
                        let of = measures.place(measure);
                        let is_wide = is_wide(*function, column);
                        let conditions =
                            self.ask_comparisons(of, answer, is_wide, &operands, &place, asking)?;
                        let Some(conditions) = conditions else { return Ok(None) };
                        parts.extend(conditions);
                    }
                }
            }
        }
        Ok(Some(parts))
    }

    fn ask_having_count(
        &mut self,
        rows: &Rows<'d>,
        input: &Input<'_>,
        place: &str,
        asking: &mut Asking,
        measures: &mut Measures,
    ) -> Result<Option<Vec<Condition>>> {
        let (mut counted, mut is_distinct, mut predicate) = (Vec::new(), false, None);
        for (name, part) in self.reader.fields(input, place)? {
            if self.reader.presence(&part) != Some(true) {
                continue;
            }
            match name.as_str() {
                "columns" => {
                    counted = self.distinct_columns(rows.dataset, Some(&part), "count.columns")?;
                }
                "distinct" => is_distinct = self.reader.boolean(&part, "count.distinct")?,
                _ => predicate = Some(part),
            }
        }
        let measure = self.counted(rows, &counted, is_distinct, asking);
        let (Some(measure), Some(predicate)) = (measure, predicate) else { return Ok(None) };
        let of = measures.place(measure);
        let place = format!("{place}.predicate");
        self.ask_comparisons(of, ColumnType::Int, false, &predicate, &place, asking)
    }

    /// The comparisons of something of a group with each operand of an object.
    fn ask_comparisons(
        &mut self,
        of: Of,
        answer: ColumnType,
        is_wide: bool,
        operands: &Input<'_>,
        place: &str,
        asking: &mut Asking,
    ) -> Result<Option<Vec<Condition>>> {
        let scale = match answer {
            ColumnType::Decimal { scale, .. } => scale,
            _ => 0,
        };
        let mut parts = Vec::new();
        for (name, operand) in self.reader.fields(operands, place)? {
            let place = format!("{place}.{name}");
            // What is asked of a value, with the sides that decimals between two need.
            let Some((operation, is_negated)) =
                self.ask_test(answer, &name, &operand, &place, asking)?
            else {
                return Ok(None);
            };
            let wide = |comparison| {
                let side = match comparison {
                    Comparison::Equal | Comparison::NotEqual => Side::Exact,
                    Comparison::Greater | Comparison::LessOrEqual => Side::Floor,
                    Comparison::GreaterOrEqual | Comparison::Less => Side::Ceil,
                };
                SlotKind::Wide { scale, side }
            };
            let mut right = |slot, kind: Option<SlotKind>| match kind {
                Some(kind) => asking.set_kind(slot, kind).map(Right::Wide),
                None => Some(Right::Typed(slot, answer)),
            };
            let condition = match operation {
                Operation::Null => Some(Condition::Null(of)),
                Operation::Compare(comparison, slot) => {
                    right(slot, is_wide.then(|| wide(comparison)))
                        .map(|right| Condition::Compare(of, comparison, right))
                }
                Operation::In(slot) => right(slot, is_wide.then_some(SlotKind::WideList { scale }))
                    .map(|right| Condition::In(of, right)),
                _ => None,
            };
            let Some(condition) = condition else { return Ok(None) };
            parts.push(match is_negated {
                true => Condition::Not(Box::new(condition)),
                false => condition,
            });
        }
        Ok(Some(parts))
    }

    fn ask_order(
        &mut self,
        rows: &Rows<'d>,
        keys: &[GroupKey<'d>],
        input: &Input<'_>,
        asking: &mut Asking,
        measures: &mut Measures,
    ) -> Result<Option<Vec<Sorted>>> {
        const PLACE: &str = "orderBy";
        let mut sorted = Vec::new();
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
                        let Some(place) = place else { return Ok(None) };
                        let (order, nulls) = self.direction(&direction, PLACE)?;
                        sorted.push(Sorted { of: Of::Key(place), order, nulls });
                    }
                    continue;
                }
                for AggregateOrder { of, direction, place } in
                    self.aggregate_orders(&value, PLACE)?
                {
                    let measure = match of {
                        None => Some(Measure::Rows),
                        Some((function, field)) => self.measure(rows, function, &field, asking)?,
                    };
                    let Some(measure) = measure else { return Ok(None) };
                    let (order, nulls) = self.direction(&direction, &place)?;
                    sorted.push(Sorted { of: measures.place(measure), order, nulls });
                }
            }
        }
        Ok(Some(sorted))
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
            Some(having) => Some(having.bind(values)?),
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
                (crate::store::run::Bind::Text(width), _) => {
                    let width = width.clone();
                    question::KeyBy::Double(Arc::new(move |value| bin::double(value, &width)))
                }
                (crate::store::run::Bind::Int(width), column_type) => {
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

impl Condition {
    fn bind(&self, values: &Values) -> Option<Having> {
        let all = |parts: &[Condition]| -> Option<Vec<Having>> {
            parts.iter().map(|part| part.bind(values)).collect()
        };
        Some(match self {
            Condition::And(parts) => Having::And(all(parts)?),
            Condition::Or(parts) => Having::Or(all(parts)?),
            Condition::Not(part) => Having::Not(Box::new(part.bind(values)?)),
            Condition::Null(of) => Having::Null(*of),
            Condition::Compare(of, comparison, right) => {
                Having::Compare(*of, *comparison, right.bind(values)?)
            }
            Condition::In(of, right) => Having::In(*of, right.bind_list(values)?),
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
        let operands = items.iter().map(|item| {
            let bind = match (self, item) {
                (Right::Wide(_), item) => return Some(unrank(item.as_str()?)),
                (Right::Typed(_, ColumnType::Float), item) => {
                    return Some(Operand::Float(item.as_str()?.parse().ok()?));
                }
                (_, serde_json::Value::Number(number)) => {
                    crate::store::run::Bind::Int(number.as_i64()?)
                }
                (_, item) => crate::store::run::Bind::Text(item.as_str()?.to_owned()),
            };
            let Right::Typed(_, column_type) = self else { return None };
            Some(operand(value_of(&bind, column_type)?))
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
