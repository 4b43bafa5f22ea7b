//! What can be asked: which rows count, what they are grouped by, what is made of them.
//!
//! Columns are named by their places in [`Question::columns`], and a question is finished: its
//! values are of the column's kind, its patterns are compiled. Conditions follow the three-valued
//! logic of SQL: a comparison with a missing value is neither true nor false, and so is its
//! negation; only rows for which all of it is true count.

use std::cmp::Ordering;
use std::sync::Arc;

use regex::Regex;

use crate::exact::Spread;

/// Which rows of which columns.
#[derive(Clone, Debug)]
pub struct Question {
    /// The columns that it reads, of the table.
    pub columns: Vec<usize>,
    /// Which rows count; all without one.
    pub filter: Option<Filter>,
}

/// A condition on a row.
#[derive(Clone, Debug)]
pub enum Filter {
    /// All of them; true of none.
    And(Vec<Filter>),
    /// At least one of them; false of none.
    Or(Vec<Filter>),
    /// The opposite.
    Not(Box<Filter>),
    /// Of the value of a column.
    Test {
        /// Which.
        column: usize,
        /// What it must be.
        test: Test,
    },
}

/// A condition on a value. All but [`Test::Null`] are neither true nor false of a missing one; but
/// nothing is one of no values, a missing one neither.
#[derive(Clone, Debug)]
pub enum Test {
    /// It is missing: true or false of every row.
    Null,
    /// Of whole numbers.
    Whole(Comparison, i64),
    /// One of these whole numbers, which are sorted.
    WholeIn(Vec<i64>),
    /// Of doubles, `-0.0` being zero.
    Float(Comparison, f64),
    /// One of these doubles.
    FloatIn(Vec<f64>),
    /// Of texts, byte by byte.
    Text(Comparison, Vec<u8>),
    /// One of these texts, which are sorted.
    TextIn(Vec<Vec<u8>>),
    /// From the first text on, and before the second one, unless that is empty; with the text's case
    /// folded, if wanted. Both are folded already.
    TextBetween {
        /// The first.
        from: Vec<u8>,
        /// The first one beyond.
        before: Vec<u8>,
        /// Whether case is folded.
        is_folded: bool,
    },
    /// The text holds this one, which is folded already if wanted; every text holds the empty one.
    Contains {
        /// What it holds.
        needle: Vec<u8>,
        /// Whether case is folded.
        is_folded: bool,
    },
    /// The text ends with this one, which is folded already if wanted.
    EndsWith {
        /// What it ends with.
        end: Vec<u8>,
        /// Whether case is folded.
        is_folded: bool,
    },
    /// The text, folded if wanted, has a part that fits.
    Matches {
        /// What fits.
        regex: Regex,
        /// Whether case is folded.
        is_folded: bool,
    },
    /// Whatever this says of the text; neither true nor false where it says nothing.
    Custom(TextTest),
}

/// A condition on a text that others know.
#[derive(Clone)]
pub struct TextTest(pub Arc<TextFn>);

/// What says of a text whether it passes.
pub type TextFn = dyn Fn(&[u8]) -> Option<bool> + Send + Sync;

impl std::fmt::Debug for TextTest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TextTest(…)")
    }
}

/// How two values are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// They are equal.
    Equal,
    /// They are not.
    NotEqual,
    /// The column's is smaller.
    Less,
    /// It is not larger.
    LessOrEqual,
    /// It is larger.
    Greater,
    /// It is not smaller.
    GreaterOrEqual,
}

impl Comparison {
    /// Whether what compares in this order compares so.
    pub fn holds(self, order: Ordering) -> bool {
        match self {
            Comparison::Equal => order.is_eq(),
            Comparison::NotEqual => order.is_ne(),
            Comparison::Less => order.is_lt(),
            Comparison::LessOrEqual => order.is_le(),
            Comparison::Greater => order.is_gt(),
            Comparison::GreaterOrEqual => order.is_ge(),
        }
    }
}

/// Rows put into groups, or all into one.
#[derive(Clone, Debug)]
pub struct Groups {
    /// Which rows.
    pub question: Question,
    /// What the rows of a group have in common. Without any there is one group, also of no rows.
    pub keys: Vec<Key>,
    /// What is made of the rows of a group.
    pub measures: Vec<Measure>,
    /// Which groups are answered; all without one.
    pub having: Option<Having>,
    /// The order of the groups; where these say nothing, that of their keys, missing ones last.
    pub order: Vec<GroupOrder>,
    /// Groups answered, at most.
    pub limit: u64,
    /// Groups passed over before.
    pub offset: u64,
}

impl Groups {
    /// One group of which the rows are counted: its only measure.
    pub fn count(question: Question) -> Groups {
        Groups {
            question,
            keys: Vec::new(),
            measures: vec![Measure::Rows],
            having: None,
            order: Vec::new(),
            limit: 1,
            offset: 0,
        }
    }
}

/// What rows of a group have in common.
#[derive(Clone, Debug)]
pub struct Key {
    /// The column.
    pub column: usize,
    /// What of its value.
    pub by: KeyBy,
}

/// What of a value is a key.
#[derive(Clone)]
pub enum KeyBy {
    /// The value itself.
    Value,
    /// Of a whole number: how many times `unit` it is, cut towards minus infinity, and what `map`
    /// makes of that. `map` never falls, and is asked seldom more than once for a number.
    Steps {
        /// Above zero.
        unit: i64,
        /// The key of a step.
        map: StepMap,
    },
    /// Of a double; missing where it says nothing.
    Double(DoubleMap),
}

/// The key of a step of whole numbers.
pub type StepMap = Arc<dyn Fn(i64) -> i64 + Send + Sync>;

/// The key of a double.
pub type DoubleMap = Arc<dyn Fn(f64) -> Option<f64> + Send + Sync>;

impl std::fmt::Debug for KeyBy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            KeyBy::Value => f.write_str("Value"),
            KeyBy::Steps { unit, .. } => write!(f, "Steps({unit})"),
            KeyBy::Double(_) => f.write_str("Double"),
        }
    }
}

/// What is made of the rows of a group. Missing values count for nothing; of none, all but the
/// counts are missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Measure {
    /// How many rows.
    Rows,
    /// In how many rows all of these columns have a value.
    Count(Vec<usize>),
    /// How many different values these columns have together, in rows where all have one.
    Distinct(Vec<usize>),
    /// The sum: of whole numbers whole, of doubles the nearest double to the sum of their decimals.
    Sum(usize),
    /// The mean, as the nearest double.
    Average(usize),
    /// The mean of whole numbers times 10 to the power of `n_digits`, rounded half away from zero.
    DecimalAverage {
        /// The column.
        column: usize,
        /// Digits beyond those of the column.
        n_digits: u32,
    },
    /// The smallest value.
    Min(usize),
    /// The largest value.
    Max(usize),
    /// How far the values are from their mean, as the nearest double.
    Spread {
        /// The column.
        column: usize,
        /// Which.
        spread: Spread,
        /// Digits after the point of numbers that are kept as whole ones.
        scale: u8,
    },
}

/// What is known of a group: one of its keys, or a measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Of {
    /// A key, by its place.
    Key(usize),
    /// A measure, by its place.
    Measure(usize),
}

/// A condition on a group, in three-valued logic.
#[derive(Clone, Debug)]
pub enum Having {
    /// All of them.
    And(Vec<Having>),
    /// At least one of them.
    Or(Vec<Having>),
    /// The opposite.
    Not(Box<Having>),
    /// Whether something is missing.
    Null(Of),
    /// Compared with a value: neither true nor false where something is missing.
    Compare(Of, Comparison, Operand),
    /// One of these; false of no values, as of a [`Test`].
    In(Of, Vec<Operand>),
}

/// What a group is compared with.
#[derive(Clone, Debug, PartialEq)]
pub enum Operand {
    /// Equals nothing; smaller than everything.
    Nothing,
    /// For counts, whole numbers, decimals at the scale of what is compared.
    Whole(i128),
    /// For doubles.
    Float(f64),
    /// For texts.
    Text(Vec<u8>),
}

/// A part of an order of groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GroupOrder {
    /// By what.
    pub of: Of,
    /// Whether the largest comes first.
    pub is_descending: bool,
    /// Whether missing ones come first.
    pub is_null_first: bool,
}

/// The first rows in the order of their table.
#[derive(Clone, Debug)]
pub struct Rows {
    /// Which rows.
    pub question: Question,
    /// Rows answered, at most.
    pub limit: u64,
    /// Rows passed over before.
    pub offset: u64,
}
