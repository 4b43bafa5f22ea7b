//! Adds to SQLite exact sums, averages and spreads, and what groups are made by: bins of numbers,
//! periods of time.
//!
//! Every function is pure. What has no place in a double or in 64 bits is answered as missing or as
//! digits, never wrapped around and never raised.

use num_bigint::BigInt;
use rusqlite::functions::{Aggregate, Context};
use rusqlite::types::{Value, ValueRef};
use rusqlite::{Connection, Result};

use super::functions::PURE;
use crate::store::bin;
use crate::store::period::{Period, truncate};
use sluice_columnar::exact::{Moments, Spread, rank};

/// Registers them with a connection.
pub(super) fn register(connection: &Connection) -> Result<()> {
    connection.create_aggregate_function("sluice_sum", 1, PURE, WholeSum)?;
    for (name, n_arguments, answer) in ANSWERS {
        connection.create_aggregate_function(name, n_arguments, PURE, answer)?;
    }
    connection.create_scalar_function("sluice_rank", 1, PURE, |context| {
        Ok(whole_number(context.get_raw(0)).map(|number| rank(&number)))
    })?;
    connection.create_scalar_function("sluice_double", 1, PURE, |context| {
        Ok(text(context, 0).and_then(|text| text.parse::<f64>().ok()))
    })?;
    connection.create_scalar_function("sluice_bin", 3, PURE, |context| {
        Ok(match (context.get_raw(0), context.get_raw(1), context.get_raw(2)) {
            (ValueRef::Integer(value), ValueRef::Integer(width), ValueRef::Integer(lowest)) => {
                Some(bin::whole(value, width, lowest))
            }
            _ => None,
        })
    })?;
    connection.create_scalar_function("sluice_float_bin", 2, PURE, |context| {
        Ok(match (double(context.get_raw(0)), text(context, 1)) {
            (Some(value), Some(width)) => bin::double(value, width),
            _ => None,
        })
    })?;
    connection.create_scalar_function("sluice_truncate", 2, PURE, |context| {
        let period = text(context, 1).and_then(Period::named);
        Ok(match (text(context, 0), period) {
            (Some(moment), Some(period)) => truncate(moment, period),
            _ => None,
        })
    })
}

fn text<'c>(context: &'c Context<'_>, index: usize) -> Option<&'c str> {
    match context.get_raw(index) {
        ValueRef::Text(text) => std::str::from_utf8(text).ok(),
        _ => None,
    }
}

fn whole_number(value: ValueRef<'_>) -> Option<BigInt> {
    match value {
        ValueRef::Integer(value) => Some(BigInt::from(value)),
        ValueRef::Text(digits) => BigInt::parse_bytes(digits, 10),
        _ => None,
    }
}

fn double(value: ValueRef<'_>) -> Option<f64> {
    match value {
        ValueRef::Real(value) => Some(value),
        #[expect(clippy::cast_precision_loss, reason = "SQLite keeps whole doubles as integers")]
        ValueRef::Integer(value) => Some(value as f64),
        _ => None,
    }
}

/// An INTEGER while it fits, else TEXT digits.
fn whole_value(number: &BigInt) -> Value {
    i64::try_from(number).map_or_else(|_| Value::Text(number.to_string()), Value::Integer)
}

/// The sum of whole numbers, in 128 bits: of 64 bits each, there are never so many.
struct WholeSum;

impl Aggregate<Option<i128>, Value> for WholeSum {
    fn init(&self, _: &mut Context<'_>) -> Result<Option<i128>> {
        Ok(None)
    }

    fn step(&self, context: &mut Context<'_>, sum: &mut Option<i128>) -> Result<()> {
        if let ValueRef::Integer(value) = context.get_raw(0) {
            *sum = Some(sum.unwrap_or(0) + i128::from(value));
        }
        Ok(())
    }

    fn finalize(&self, _: &mut Context<'_>, sum: Option<Option<i128>>) -> Result<Value> {
        Ok(sum.flatten().map_or(Value::Null, |sum| whole_value(&BigInt::from(sum))))
    }
}

/// What is made of numbers added up.
#[derive(Clone, Copy)]
enum Answer {
    DoubleSum,
    DoubleAverage,
    /// The second argument: digits that the average has beyond its numbers.
    DecimalAverage,
    /// The second argument: digits after the point of numbers that are kept as whole ones.
    Spread(Spread),
}

const fn spread(is_sample: bool, is_root: bool) -> Answer {
    Answer::Spread(Spread { is_sample, is_root })
}

const ANSWERS: [(&str, i32, Answer); 7] = [
    ("sluice_float_sum", 1, Answer::DoubleSum),
    ("sluice_avg", 1, Answer::DoubleAverage),
    ("sluice_decimal_avg", 2, Answer::DecimalAverage),
    ("sluice_var_samp", 2, spread(true, false)),
    ("sluice_var_pop", 2, spread(false, false)),
    ("sluice_stddev_samp", 2, spread(true, true)),
    ("sluice_stddev_pop", 2, spread(false, true)),
];

/// Numbers added up, and the second argument.
#[derive(Default)]
struct Added {
    moments: Moments,
    digits: i64,
}

impl Aggregate<Added, Value> for Answer {
    fn init(&self, _: &mut Context<'_>) -> Result<Added> {
        Ok(Added::default())
    }

    fn step(&self, context: &mut Context<'_>, added: &mut Added) -> Result<()> {
        match context.get_raw(0) {
            ValueRef::Integer(value) => added.moments.add(value, 0),
            ValueRef::Real(value) => added.moments.add_double(value),
            _ => return Ok(()),
        }
        if context.len() > 1 {
            added.digits = context.get(1)?;
        }
        Ok(())
    }

    fn finalize(&self, _: &mut Context<'_>, added: Option<Added>) -> Result<Value> {
        let Added { moments, digits } = added.unwrap_or_default();
        let answer = match self {
            Answer::DoubleSum => moments.double_sum().map(Value::Real),
            Answer::DoubleAverage => moments.double_average().map(Value::Real),
            Answer::DecimalAverage => moments
                .decimal_average(u32::try_from(digits).unwrap_or(0))
                .map(|average| whole_value(&average)),
            Answer::Spread(spread) => {
                moments.spread(*spread, i32::try_from(digits).unwrap_or(0)).map(Value::Real)
            }
        };
        Ok(answer.unwrap_or(Value::Null))
    }
}
