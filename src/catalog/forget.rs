//! Forgets versions that are beyond the bounds of number and age, and with them the tables that
//! nothing names any more.
//!
//! The present version always stays. What logs tell is trimmed by others, who ask here what is kept.

use std::collections::{BTreeSet, HashMap};

use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{
    ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
};

use super::convert;
use super::entities::{dataset_versions, datasets};
use super::history::is_named;
use super::model::{DatasetId, StorageId, WorkspaceId};
use super::publish::{grow, retire};
use super::{Catalog, CatalogError, bounded, now_us};

/// Datasets of which versions are forgotten in one go.
const FORGOTTEN_AT_ONCE: u64 = 1_000;

/// Forgets the versions of a dataset below one; gives the tables that they named.
pub(super) async fn forget_below(
    transaction: &DatabaseTransaction,
    dataset: &str,
    version: i64,
) -> Result<BTreeSet<String>, CatalogError> {
    let below = || {
        Expr::col(dataset_versions::Column::DatasetId)
            .eq(dataset)
            .and(Expr::col(dataset_versions::Column::Version).lt(version))
    };
    let named: Vec<String> = dataset_versions::Entity::find()
        .select_only()
        .distinct()
        .column(dataset_versions::Column::Storage)
        .filter(below())
        .into_tuple()
        .all(transaction)
        .await?;
    dataset_versions::Entity::delete_many().filter(below()).exec(transaction).await?;
    Ok(named.into_iter().collect())
}

/// Retires those of these tables that neither a dataset nor a version names.
pub(super) async fn retire_unnamed(
    transaction: &DatabaseTransaction,
    workspace: WorkspaceId,
    tables: impl IntoIterator<Item = String>,
) -> Result<(), CatalogError> {
    for table in tables {
        let Some(storage) = StorageId::parse(&table) else { continue };
        if !is_named(transaction, &storage).await? {
            retire(transaction, workspace, &storage).await?;
        }
    }
    Ok(())
}

impl Catalog {
    /// Forgets the versions beyond the bounds of number and age; tables that nothing names any more
    /// are retired.
    ///
    /// # Errors
    /// When the database is away; what was forgotten until then stays so.
    pub async fn forget_versions(&self) -> Result<(), CatalogError> {
        let core = &self.core;
        let oldest_us = now_us().saturating_sub(core.kept_age_us);
        let due: Vec<(String, String)> = bounded(async {
            let count = || Expr::col(dataset_versions::Column::Version).count();
            let kept = i64::try_from(core.kept_versions).unwrap_or(i64::MAX);
            let is_old = Expr::col(dataset_versions::Column::AtUs).min().lt(oldest_us);
            let rows = dataset_versions::Entity::find()
                .select_only()
                .column(dataset_versions::Column::WorkspaceId)
                .column(dataset_versions::Column::DatasetId)
                .group_by(dataset_versions::Column::WorkspaceId)
                .group_by(dataset_versions::Column::DatasetId)
                .having(count().gt(kept).or(count().gt(1).and(is_old)))
                .limit(FORGOTTEN_AT_ONCE)
                .into_tuple()
                .all(&core.read)
                .await?;
            Ok(rows)
        })
        .await?;
        let mut workspaces: HashMap<String, Vec<String>> = HashMap::new();
        for (workspace, dataset) in due {
            workspaces.entry(workspace).or_default().push(dataset);
        }
        for (workspace, datasets) in workspaces {
            let workspace = WorkspaceId(convert::parse_uuid(&workspace)?);
            for dataset in datasets {
                self.forget_versions_of(workspace, &dataset, oldest_us).await?;
            }
        }
        Ok(())
    }

    async fn forget_versions_of(
        &self,
        workspace: WorkspaceId,
        dataset: &str,
        oldest_us: i64,
    ) -> Result<(), CatalogError> {
        let core = &self.core;
        let _change = core.lock_change().await?;
        bounded(async {
            let transaction = core.begin().await?;
            let (revision, _) = grow(&transaction, workspace).await?;
            let newest = dataset_versions::Entity::find()
                .select_only()
                .column(dataset_versions::Column::Version)
                .column(dataset_versions::Column::AtUs)
                .filter(dataset_versions::Column::DatasetId.eq(dataset))
                .order_by_desc(dataset_versions::Column::Version)
                .limit(u64::try_from(core.kept_versions).unwrap_or(u64::MAX));
            let newest: Vec<(i64, i64)> = newest.into_tuple().all(&transaction).await?;
            let young = newest.iter().enumerate();
            let young = young.take_while(|(n, (_, at_us))| *n == 0 || *at_us >= oldest_us);
            let Some((_, (oldest, _))) = young.last() else { return Ok(()) };
            let gone = forget_below(&transaction, dataset, *oldest).await?;
            retire_unnamed(&transaction, workspace, gone).await?;
            datasets::Entity::update_many()
                .col_expr(datasets::Column::Revision, Expr::value(revision))
                .filter(datasets::Column::Id.eq(dataset))
                .exec(&transaction)
                .await?;
            core.tell(&transaction, workspace).await?;
            transaction.commit().await?;
            Ok(())
        })
        .await?;
        bounded(core.refresh(workspace)).await?;
        Ok(())
    }

    /// Of each table with a log the oldest version that is kept: what became of rows before it is
    /// not needed any more. As this node knows it.
    pub fn oldest_kept(&self) -> HashMap<StorageId, (DatasetId, i64)> {
        let mut oldest = HashMap::new();
        for workspace in self.known_workspaces() {
            for dataset in self.snapshot(workspace).datasets() {
                for kept in dataset.versions.iter().filter(|kept| dataset.past(kept).has_log) {
                    // Oldest first: the first one stays.
                    oldest.entry(kept.storage.clone()).or_insert((dataset.id, kept.version));
                }
            }
        }
        oldest
    }
}
