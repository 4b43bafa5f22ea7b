//! Writes a table's rows as a file that the reader of uploads reads back, value by value.
//!
//! It exists for rows that no single source makes again: they become a source of their own for as
//! long as a job needs it. Values stand in their canonical form in quotes, missing ones without;
//! a first column holds the row's number, so that no line is empty.

use std::io::Write;

use sluice_schema::{ColumnType, Control};

use super::{Store, StoreError};
use crate::catalog::model::StorageId;

/// A column to be written.
#[derive(Clone, Debug)]
pub struct DumpColumn {
    /// Its name in the store.
    pub physical: String,
    /// Its type.
    pub column_type: ColumnType,
    /// What the file calls it.
    pub header: String,
}

/// The header of the column of row numbers.
pub const ROW_HEADER: &str = "_row";

impl Store {
    /// Writes the header and all rows; blocks the calling thread (never an async one).
    ///
    /// # Errors
    /// When the file cannot be written, the database is away, or on cancellation.
    pub fn dump(
        &self,
        storage: &StorageId,
        columns: &[DumpColumn],
        out: &mut dyn Write,
        control: &dyn Control,
    ) -> Result<(), StoreError> {
        let mut header = ROW_HEADER.as_bytes().to_vec();
        for column in columns {
            header.push(b',');
            write_quoted(&mut header, column.header.as_bytes());
        }
        header.push(b'\n');
        out.write_all(&header)?;
        match self {
            Store::Sqlite(store) => store.dump(storage, columns, out, control),
            Store::Postgres(store) => store.dump(storage, columns, out, control),
        }
    }
}

/// Appends a cell in quotes.
pub(super) fn write_quoted(out: &mut Vec<u8>, text: &[u8]) {
    out.push(b'"');
    for &byte in text {
        if byte == b'"' {
            out.push(b'"');
        }
        out.push(byte);
    }
    out.push(b'"');
}
