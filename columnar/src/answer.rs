//! The groups that are answered, in their order.

use crate::question::Of;

/// What is known of a group.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Finished<'a> {
    /// Missing.
    Null,
    /// A whole number of 64 bits.
    Whole(i64),
    /// A whole number that 64 bits cannot hold.
    Wide(i128),
    /// A double.
    Float(f64),
    /// A text.
    Text(&'a [u8]),
}

/// The groups that are answered, in their order.
#[derive(Debug)]
pub struct Answer {}

impl Answer {
    /// How many groups there are.
    pub fn n_rows(&self) -> usize {
        0
    }

    /// What is known of a group; missing beyond the last.
    pub fn value(&self, _row: usize, _of: Of) -> Finished<'_> {
        Finished::Null
    }
}
