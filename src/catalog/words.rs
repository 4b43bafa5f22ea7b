//! Changes of what is said about a dataset: descriptions, its name, its end.
//!
//! Rows stay as they are. Nothing here makes or drops a table: a dropped dataset's table is retired
//! and goes with its last reader.

use std::sync::Arc;

use sea_orm::ActiveValue::Set;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

use super::convert::{clean, json};
use super::entities::datasets;
use super::model::{Dataset, DatasetId, LoadMode, WorkspaceId};
use super::names::{Place, place_for};
use super::publish::{self, Change};
use super::{Catalog, CatalogError, bounded};

impl Catalog {
    /// Says something else about a column; the version stays.
    ///
    /// # Errors
    /// NotFound; Changed when the columns are not those of `dataset` any more; when the database is
    /// away.
    pub async fn describe_column(
        &self,
        workspace: WorkspaceId,
        dataset: &Dataset,
        name: &str,
        description: Option<String>,
    ) -> Result<Arc<Dataset>, CatalogError> {
        let snapshot = self.snapshot(workspace);
        let present = snapshot.dataset_by_id(dataset.id).ok_or(CatalogError::NotFound)?;
        let mut columns = present.columns.to_vec();
        let column = columns.iter_mut().find(|column| column.name == name);
        column.ok_or(CatalogError::Changed)?.description = description;
        let row = datasets::ActiveModel { columns: Set(json(&columns)?), ..Default::default() };
        let change = Change::RowOf { version: present.version, row: Box::new(row) };
        self.change_dataset(workspace, dataset.id, change).await
    }

    /// Gives a dataset another name, with the names of its types; the old one goes on answering.
    ///
    /// # Errors
    /// NameTaken; NotFound; when the database is away.
    pub async fn rename_dataset(
        &self,
        workspace: WorkspaceId,
        dataset: DatasetId,
        label: &str,
    ) -> Result<Arc<Dataset>, CatalogError> {
        let snapshot = self.snapshot(workspace);
        let this = snapshot.dataset_by_id(dataset).ok_or(CatalogError::NotFound)?;
        // Its own names are free for it.
        let others = snapshot.with_changes([], &[dataset], 0, 0);
        let (name, type_name) = match place_for(&others, label, LoadMode::Create) {
            Place::Existing(other) => return Err(CatalogError::NameTaken(other.name.clone())),
            Place::New { name, type_name } => (name, type_name),
        };
        let change = Change::Rename(name, type_name, label.to_owned());
        self.change_dataset(workspace, this.id, change).await
    }

    /// Says something else about a dataset; the version stays.
    ///
    /// # Errors
    /// NotFound; when the database is away.
    pub async fn describe_dataset(
        &self,
        workspace: WorkspaceId,
        dataset: DatasetId,
        description: Option<&str>,
    ) -> Result<Arc<Dataset>, CatalogError> {
        let row = datasets::ActiveModel {
            description: Set(description.map(clean)),
            ..Default::default()
        };
        self.change_dataset(workspace, dataset, Change::Row(Box::new(row))).await
    }

    /// Removes a dataset with its rejects; its table goes with its last reader.
    ///
    /// # Errors
    /// NotFound; when the database is away.
    pub async fn drop_dataset(
        &self,
        workspace: WorkspaceId,
        dataset: DatasetId,
    ) -> Result<(), CatalogError> {
        let core = &self.core;
        let _change = core.lock_change().await?;
        let storage = bounded(async {
            let transaction = core.begin().await?;
            let row = datasets::Entity::find_by_id(dataset.0.to_string())
                .filter(datasets::Column::WorkspaceId.eq(workspace.0.to_string()))
                .one(&transaction)
                .await?
                .ok_or(CatalogError::NotFound)?;
            let storage = publish::remove(core, &transaction, workspace, row).await?;
            transaction.commit().await?;
            Ok(storage)
        })
        .await?;
        if let Some(before) = core.snapshot(workspace).dataset_by_id(dataset)
            && before.storage == storage
        {
            before.guard.retire();
        }
        bounded(core.refresh(workspace)).await?;
        Ok(())
    }
}
