//! Versions that no job made: tables defined, or emptied, while somebody waits.
//!
//! It exists beside [`super::publish`] because there is no job whose success goes with the version.
//! Everything else holds as for a load: one transaction, then the snapshot.

use std::sync::Arc;

use sea_orm::DatabaseTransaction;

use super::access::check_quotas;
use super::events::Event;
use super::model::{Dataset, WorkspaceId};
use super::publish::{grow, write_version};
use super::{Catalog, CatalogError, NewVersion, bounded};

impl Catalog {
    /// Publishes a version that was made while somebody waits; `event` is told to webhooks.
    ///
    /// # Errors
    /// NameTaken when a new dataset's name exists; Changed when the version to be followed is not
    /// the present one any more; OverQuota; when the database is away (then it is not known whether
    /// it was published).
    pub async fn publish_version(
        &self,
        workspace: WorkspaceId,
        version: NewVersion,
        event: Option<Event>,
    ) -> Result<Arc<Dataset>, CatalogError> {
        // Not between a change of rows and its version.
        let followed = Some(version.dataset.id).filter(|_| version.dataset.version > 1);
        let _rows = self.lock_rows(followed).await;
        Box::pin(self.publish_one(workspace, None, version, event)).await
    }

    /// Publishes a version that an earlier table comes back with; `transaction` is the one in which
    /// its rows were changed (PostgreSQL). The caller holds the dataset's lock.
    ///
    /// # Errors
    /// As [`Catalog::publish_version`].
    pub async fn publish_revert(
        &self,
        workspace: WorkspaceId,
        transaction: Option<DatabaseTransaction>,
        version: NewVersion,
        event: Event,
    ) -> Result<(), CatalogError> {
        let published = self.publish_one(workspace, transaction, version, Some(event));
        Box::pin(published).await.map(drop)
    }

    async fn publish_one(
        &self,
        workspace: WorkspaceId,
        transaction: Option<DatabaseTransaction>,
        version: NewVersion,
        event: Option<Event>,
    ) -> Result<Arc<Dataset>, CatalogError> {
        let core = &self.core;
        let _change = core.lock_change().await?;
        let (revision, schema_revision, relations) = bounded(async {
            let transaction = match transaction {
                Some(transaction) => transaction,
                None => core.begin().await?,
            };
            let (revision, mut schema_revision) = grow(&transaction, workspace).await?;
            let written = write_version(core, &transaction, workspace, &version, revision).await?;
            if let Some(event) = &event {
                let new = &version.dataset;
                let is_present = core.is_next(workspace, revision);
                core.enqueue_event(&transaction, workspace, is_present, new, event).await?;
            }
            check_quotas(&transaction, workspace).await?;
            if !written.is_same_schema {
                let changed = written.dataset(&version);
                schema_revision += 1;
                core.change_schema(&transaction, workspace, schema_revision, (vec![changed], &[]))
                    .await?;
            }
            core.tell(&transaction, workspace).await?;
            transaction.commit().await?;
            Ok((revision, schema_revision, written.relations))
        })
        .await?;
        let mut dataset = version.dataset;
        dataset.relations = relations;
        if dataset.guard.is_some() {
            // The table was kept.
            dataset.guard.revive();
        } else {
            dataset.guard = core.guard(dataset.storage.clone());
        }
        let published = core.published(workspace, vec![dataset]).await;
        core.follow(workspace, &published, revision, schema_revision).await;
        published.into_iter().next().ok_or(CatalogError::NotFound)
    }
}
