//! Writes rows as JSON: one list, or an object per line.
//!
//! The objects are those of a GraphQL answer, byte for byte.

use crate::error::{Error, Result};
use crate::store::StoreError;
use crate::store::json::{Cells, OutField, write_object};
use crate::store::stream::RowWriter;

/// Writes objects.
pub(super) struct JsonWriter<'s> {
    shape: &'s [OutField],
    is_list: bool,
    is_first: bool,
}

impl<'s> JsonWriter<'s> {
    /// Of objects of this shape, in one list or a line each.
    pub(super) fn new(shape: &'s [OutField], is_list: bool) -> JsonWriter<'s> {
        JsonWriter { shape, is_list, is_first: true }
    }

    /// What stands before the first row.
    pub(super) fn begin(&self, out: &mut Vec<u8>) {
        if self.is_list {
            out.push(b'[');
        }
    }

    /// What stands after the last row.
    pub(super) fn end(&self, out: &mut Vec<u8>) {
        if self.is_list {
            out.extend_from_slice(b"\n]\n");
        }
    }
}

impl RowWriter for JsonWriter<'_> {
    fn write<R: Cells>(&mut self, row: &R, out: &mut Vec<u8>) -> Result<()> {
        if self.is_list {
            out.extend_from_slice(if self.is_first { b"\n" } else { b",\n" });
            self.is_first = false;
        }
        write_object(row, self.shape, out).map_err(|error| Error::from(StoreError::from(error)))?;
        if !self.is_list {
            out.push(b'\n');
        }
        Ok(())
    }
}
