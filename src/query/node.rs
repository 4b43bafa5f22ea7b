//! Turns node ids into the rows that they name, and rows into their node ids.
//!
//! The id says which dataset a row is of, so `node` becomes one statement over that dataset alone.
//! What names no row is null, as Relay asks.

use async_graphql_parser::types::Field;

use super::input::TextAspect;
use super::roots::Compiler;
use super::select::{Columns, cell_kind};
use crate::catalog::model::{Dataset, DatasetId};
use crate::error::{Error, Result};
use crate::store::json::OutCell;
use crate::store::node;

/// The root field that finds a row of any dataset.
pub const NODE_FIELD: &str = "node";
/// The interface that every dataset's type implements.
pub const NODE_TYPE: &str = "Node";
/// Its field.
pub const NODE_ID_FIELD: &str = "nodeId";

/// The cell of a row's `nodeId`.
///
/// # Errors
/// When the dataset has no key, which none is without.
pub(super) fn node_id_cell(dataset: &Dataset, columns: &mut Columns) -> Result<OutCell> {
    let key = dataset.columns.get(dataset.key);
    let key = key.ok_or_else(|| Error::internal("a dataset without its key"))?;
    Ok(OutCell::NodeId {
        head: node::head(dataset.id.0, &key.name),
        index: columns.position(&key.physical),
        kind: cell_kind(key.column_type),
    })
}

impl<'d> Compiler<'d> {
    /// The dataset that a node id names; `None` when there is none, or none with such a key.
    ///
    /// # Errors
    /// BAD_USER_INPUT without the argument.
    pub(super) fn node_dataset(&mut self, field: &'d Field) -> Result<Option<&'d Dataset>> {
        let argument = self.argument(field, NODE_ID_FIELD).ok_or_else(|| {
            Error::bad_input(format!("{} needs the argument {NODE_ID_FIELD:?}.", field.name.node))
        })?;
        let text = self.reader.opaque(&argument, NODE_ID_FIELD, TextAspect::NodeHead)?;
        let Some(head) = node::read_head(&text) else { return Ok(None) };
        let id = node::dataset_of(&head).map(DatasetId);
        let dataset = id.and_then(|id| self.snapshot.dataset_by_id(id));
        Ok(dataset.map(|dataset| &**dataset).filter(|dataset| {
            let key = dataset.columns.get(dataset.key);
            key.is_some_and(|key| node::head(dataset.id.0, &key.name) == head)
        }))
    }
}
