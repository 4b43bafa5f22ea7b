//! Turns a GraphQL operation into one SQL statement per root field, and its rows into JSON bytes.
//!
//! A document is guarded, parsed and validated once; the plans made from it are kept and run with
//! new variables. This room knows GraphQL documents and SQL, but neither HTTP nor which database
//! is behind the store, except for its dialect.

pub mod aggregate;
pub mod cache;
pub mod change;
mod columns;
mod connection;
mod cost;
pub mod diff;
pub mod document;
pub mod filter;
mod group;
pub mod guard;
mod having;
pub mod input;
mod keyset;
mod limit;
pub mod node;
pub mod operators;
pub mod overlap;
pub mod past;
pub mod plan;
pub mod regex;
pub mod related;
pub mod roots;
pub mod search;
pub mod seen;
pub mod select;
#[cfg(test)]
pub(crate) mod tests;
pub mod value;
mod wide;
mod wish;

/// Which SQL is spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// SQLite, with the functions that the store adds to it.
    Sqlite,
    /// PostgreSQL 15 or later.
    Postgres,
}
