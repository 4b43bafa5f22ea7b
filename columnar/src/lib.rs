//! Answers questions over all rows of a table from columns: a file beside a dataset's version, or
//! rows as they come from elsewhere.
//!
//! Where to begin: a [`chunk::Chunk`] is up to 65,536 rows, column by column. It lies in a file
//! that a writer wrote and a reader maps, or in memory. A
//! [`question`] says which rows count and what is made of them; it is answered,
//! chunk by chunk, on as many threads as they may use. Answers are exact: whole numbers and
//! decimals are added in 128 bits, doubles as the decimals that they print as, so that they are
//! those of a row store to the last digit. This crate knows no SQL, network or async.
//!
//! Modules in reading order: what is asked (`question`), what is read (`chunk`), numbers and
//! letters (`exact`, `shortest`, `fold`). How chunks come to be: rows are collected (`block`), put together
//! (`chunker`), encoded (`encode`, `dictionary`) and kept in memory (`memory`) or in a file: how it
//! lies on the disk (`format`), who writes it (`write`), maps it (`map`) and reads it (`file`); a
//! file with changed rows on top (`marked`). How questions are answered: which rows count (`bits`,
//! `filter`, `text`), which values they have (`gather`, `intern`, `steps`, `parts`, `chain`), what is
//! made of them (`sums`, `extreme`, `measure`, `groups`, `order`, `answer`), on several threads
//! (`run`), and the rows themselves (`rows`). What fuzzers and tests try of all this (`probe`).

pub mod answer;
mod bits;
pub mod block;
mod chain;
pub mod chunk;
mod chunker;
mod dictionary;
mod encode;
pub mod exact;
mod extreme;
pub mod file;
#[cfg(test)]
mod file_tests;
mod filter;
pub mod fold;
mod format;
mod gather;
pub mod groups;
mod intern;
mod map;
pub mod marked;
mod measure;
pub mod memory;
mod order;
mod parts;
pub mod probe;
pub mod question;
pub mod rows;
pub mod run;
pub mod shortest;
mod steps;
mod sums;
#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::float_cmp, reason = "tests may stop, and want exact doubles")]
mod testing;
#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::float_cmp, reason = "tests may stop, and want exact doubles")]
mod tests;
mod text;
pub mod write;

/// What a column keeps its values as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Whole numbers of 64 bits; also decimals at their scale, dates, times, truth values.
    Whole,
    /// Doubles that are numbers.
    Float,
    /// Text, and what is compared as text.
    Text,
}

/// A cell.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value<'a> {
    /// Missing.
    Null,
    /// Of a column of whole numbers.
    Whole(i64),
    /// Of a column of doubles; always a number, never infinite.
    Float(f64),
    /// Of a column of text.
    Text(&'a [u8]),
}

/// Why a question was not answered.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// Whoever asked wants no answer any more, or its time is over.
    #[error("stopped")]
    Stopped,
    /// It would need more memory than it may have.
    #[error("the question needs more memory than it may have")]
    TooLarge,
    /// The columns do not tell enough to answer as a row store does.
    #[error("the question cannot be answered from columns")]
    Unfit,
    /// A file is not what was written.
    #[error("the file is damaged: {0}")]
    Damaged(&'static str),
    /// The question names a column that is not there, or one of another kind.
    #[error("the question does not fit the columns")]
    Mistaken,
}
