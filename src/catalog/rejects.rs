//! Rows that loads refused: kept with their dataset, shown, struck off once they are corrected.
//!
//! They exist in the catalog so that a refused row is as safe as one that was loaded. A version's
//! publication decides which stay; nothing here looks into a value.

use std::sync::Arc;

use sea_orm::ActiveValue::Set;
use sea_orm::{
    ColumnTrait, DatabaseTransaction, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder,
    QuerySelect,
};

use super::convert::{self, clean, json};
use super::entities::rejects;
use super::model::{Dataset, DatasetId, KeptReject, RejectsBefore, WorkspaceId};
use super::publish::{Change, NewVersion};
use super::{Catalog, CatalogError, bounded};

/// Rejects written by one statement.
const PER_STATEMENT: usize = 500;

impl Catalog {
    /// What loads of a dataset refused, in the order in which it was refused.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn rejects(
        &self,
        workspace: WorkspaceId,
        dataset: DatasetId,
        limit: u64,
        offset: u64,
    ) -> Result<Vec<KeptReject>, CatalogError> {
        bounded(async {
            let rows = of_dataset(workspace, dataset)
                .order_by_asc(rejects::Column::Id)
                .limit(limit)
                .offset(offset)
                .all(&self.core.read)
                .await?;
            rows.iter().map(kept).collect()
        })
        .await
    }

    /// Those of them that these numbers name; what is not there is left out.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn rejects_named(
        &self,
        workspace: WorkspaceId,
        dataset: DatasetId,
        ids: &[i64],
    ) -> Result<Vec<KeptReject>, CatalogError> {
        bounded(async {
            let mut found = Vec::with_capacity(ids.len());
            for ids in ids.chunks(PER_STATEMENT) {
                let rows = of_dataset(workspace, dataset)
                    .filter(rejects::Column::Id.is_in(ids.iter().copied()))
                    .order_by_asc(rejects::Column::Id)
                    .all(&self.core.read)
                    .await?;
                for row in &rows {
                    found.push(kept(row)?);
                }
            }
            Ok(found)
        })
        .await
    }

    /// Forgets rejects, all of them when `ids` is none; the dataset stays as it is.
    ///
    /// # Errors
    /// NotFound when the dataset is gone; when the database is away.
    pub async fn discard_rejects(
        &self,
        workspace: WorkspaceId,
        dataset: DatasetId,
        ids: Option<Vec<i64>>,
    ) -> Result<Arc<Dataset>, CatalogError> {
        self.change_dataset(workspace, dataset, Change::DiscardRejects(ids)).await
    }
}

/// Forgets rejects; gives how many are left.
pub(super) async fn discard(
    transaction: &DatabaseTransaction,
    dataset: DatasetId,
    ids: Option<&[i64]>,
) -> Result<i64, CatalogError> {
    delete(transaction, dataset, ids).await?;
    count(transaction, dataset).await
}

fn of_dataset(workspace: WorkspaceId, dataset: DatasetId) -> sea_orm::Select<rejects::Entity> {
    rejects::Entity::find()
        .filter(rejects::Column::WorkspaceId.eq(workspace.0.to_string()))
        .filter(rejects::Column::DatasetId.eq(dataset.0.to_string()))
}

fn kept(row: &rejects::Model) -> Result<KeptReject, CatalogError> {
    Ok(KeptReject { id: row.id, row: convert::from_json(&row.reject)? })
}

/// Forgets all rejects of a dataset that is removed.
pub(super) async fn forget_all(
    transaction: &DatabaseTransaction,
    dataset: &str,
) -> Result<(), CatalogError> {
    let all = rejects::Entity::delete_many().filter(rejects::Column::DatasetId.eq(dataset));
    all.exec(transaction).await?;
    Ok(())
}

/// Forgets rejects; gives how many were there.
async fn delete(
    transaction: &DatabaseTransaction,
    dataset: DatasetId,
    ids: Option<&[i64]>,
) -> Result<u64, CatalogError> {
    let all = || {
        rejects::Entity::delete_many().filter(rejects::Column::DatasetId.eq(dataset.0.to_string()))
    };
    let Some(ids) = ids else {
        return Ok(all().exec(transaction).await?.rows_affected);
    };
    let mut n_deleted = 0;
    for ids in ids.chunks(PER_STATEMENT) {
        let named = all().filter(rejects::Column::Id.is_in(ids.iter().copied()));
        n_deleted += named.exec(transaction).await?.rows_affected;
    }
    Ok(n_deleted)
}

async fn count(transaction: &DatabaseTransaction, dataset: DatasetId) -> Result<i64, CatalogError> {
    let n_rejects = rejects::Entity::find()
        .filter(rejects::Column::DatasetId.eq(dataset.0.to_string()))
        .count(transaction)
        .await?;
    Ok(i64::try_from(n_rejects).unwrap_or(i64::MAX))
}

/// Keeps what a load refused, beside what of earlier rejects stays.
pub(super) async fn keep(
    transaction: &DatabaseTransaction,
    workspace: WorkspaceId,
    version: &NewVersion,
) -> Result<(), CatalogError> {
    let dataset = &version.dataset;
    if dataset.version > 1 {
        match &version.rejects_before {
            RejectsBefore::Drop => {
                delete(transaction, dataset.id, None).await?;
            }
            RejectsBefore::Keep => {}
            RejectsBefore::KeepBut(ids) => {
                let n_deleted = delete(transaction, dataset.id, Some(ids)).await?;
                // Each is admitted once, whoever asks how often.
                if usize::try_from(n_deleted) != Ok(ids.len()) {
                    return Err(CatalogError::RejectsGone);
                }
            }
        }
    }
    for chunk in version.rejects.chunks(PER_STATEMENT) {
        let mut rows = Vec::with_capacity(chunk.len());
        for reject in chunk {
            rows.push(rejects::ActiveModel {
                workspace_id: Set(workspace.0.to_string()),
                dataset_id: Set(dataset.id.0.to_string()),
                version: Set(dataset.version),
                row: Set(i64::try_from(reject.row).unwrap_or(i64::MAX)),
                column: Set(clean(&reject.column)),
                reject: Set(json(reject)?),
                ..Default::default()
            });
        }
        rejects::Entity::insert_many(rows).exec_without_returning(transaction).await?;
    }
    Ok(())
}
