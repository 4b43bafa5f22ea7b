//! Names the mutations of datasets: `insertOrders`, `updateOrdersByPk`, …

use std::sync::Arc;

use crate::catalog::access::Operation as Right;
use crate::catalog::model::Dataset;
use crate::catalog::snapshot::Snapshot;

/// What a root field does to a dataset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WriteKind {
    /// `insertOrders`
    Insert,
    /// `insertOrdersOne`
    InsertOne,
    /// `updateOrders`
    Update,
    /// `updateOrdersByPk`
    UpdateByPk,
    /// `updateOrdersMany`
    UpdateMany,
    /// `deleteOrders`
    Delete,
    /// `deleteOrdersByPk`
    DeleteByPk,
}

/// The mutations of a dataset: what stands before and after the type's name, kind.
pub const WRITE_FIELDS: [(&str, &str, WriteKind); 7] = [
    ("insert", "", WriteKind::Insert),
    ("insert", "One", WriteKind::InsertOne),
    ("update", "", WriteKind::Update),
    ("update", "ByPk", WriteKind::UpdateByPk),
    ("update", "Many", WriteKind::UpdateMany),
    ("delete", "", WriteKind::Delete),
    ("delete", "ByPk", WriteKind::DeleteByPk),
];

impl WriteKind {
    /// The right that it needs.
    pub const fn right(self) -> Right {
        match self {
            WriteKind::Insert | WriteKind::InsertOne => Right::Insert,
            WriteKind::Update | WriteKind::UpdateByPk | WriteKind::UpdateMany => Right::Update,
            WriteKind::Delete | WriteKind::DeleteByPk => Right::Delete,
        }
    }
}

/// The dataset and the kind of a mutation's root field; `None` for those of the catalog, and for
/// what the principal may not do.
pub fn write_field<'s>(
    snapshot: &'s Snapshot,
    name: &str,
) -> Option<(&'s Arc<Dataset>, WriteKind)> {
    any_write_field(snapshot, name).filter(|(dataset, kind)| snapshot.may(dataset.id, kind.right()))
}

/// The same, whatever policies say.
pub fn any_write_field<'s>(
    snapshot: &'s Snapshot,
    name: &str,
) -> Option<(&'s Arc<Dataset>, WriteKind)> {
    WRITE_FIELDS.iter().find_map(|(before, after, kind)| {
        let type_name = name.strip_prefix(before)?.strip_suffix(after)?;
        Some((snapshot.dataset_of_type(type_name)?, *kind))
    })
}
