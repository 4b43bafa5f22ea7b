//! Workspaces as rows: made, listed, renamed, removed with all that they hold.
//!
//! A name is unique on the server. Nothing here says who may do it.

use std::collections::HashMap;

use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, DbErr, EntityTrait, QueryFilter, QueryOrder, SqlErr};
use uuid::Uuid;

use super::entities::{datasets, retired_tables, workspaces};
use super::model::{StorageId, WorkspaceId};
use super::publish::retire;
use super::{Catalog, CatalogError, bounded, convert, documents, history, now_us};
use crate::config::DocumentMode;

/// A workspace as it is listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Workspace {
    /// The id.
    pub id: WorkspaceId,
    /// The name, unique on the server.
    pub name: String,
    /// Microseconds since 1970 UTC.
    pub created_at_us: i64,
}

impl Catalog {
    /// All workspaces, oldest first.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn workspaces(&self) -> Result<Vec<Workspace>, CatalogError> {
        bounded(async {
            let rows = workspaces::Entity::find()
                .order_by_asc(workspaces::Column::CreatedAtUs)
                .order_by_asc(workspaces::Column::Name)
                .all(&self.core.read)
                .await?;
            rows.into_iter().map(from_row).collect()
        })
        .await
    }

    /// The workspace of this name.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn workspace_named(&self, name: &str) -> Result<Option<Workspace>, CatalogError> {
        if name.contains('\0') {
            // No name has it, and PostgreSQL cannot be asked for it.
            return Ok(None);
        }
        bounded(async {
            let row = workspaces::Entity::find()
                .filter(workspaces::Column::Name.eq(name))
                .one(&self.core.read)
                .await?;
            row.map(from_row).transpose()
        })
        .await
    }

    /// Makes a workspace.
    ///
    /// # Errors
    /// NameTaken; when the database is away.
    pub async fn create_workspace(&self, name: &str) -> Result<Workspace, CatalogError> {
        let _change = self.core.lock_change().await?;
        let made = bounded(async {
            let row = new_row(name);
            let id = WorkspaceId(convert::parse_uuid(row.id.as_ref())?);
            let created_at_us = *row.created_at_us.as_ref();
            let made = workspaces::Entity::insert(row).exec_without_returning(&self.core.write);
            made.await.map_err(|error| taken(name, error))?;
            Ok(Workspace { id, name: name.to_owned(), created_at_us })
        })
        .await?;
        bounded(self.core.refresh(made.id)).await?;
        Ok(made)
    }

    /// Gives a workspace another name.
    ///
    /// # Errors
    /// NotFound, NameTaken; when the database is away.
    pub async fn rename_workspace(
        &self,
        workspace: WorkspaceId,
        name: &str,
    ) -> Result<(), CatalogError> {
        self.change_access(workspace, async |transaction| {
            let renamed = workspaces::Entity::update_many()
                .col_expr(workspaces::Column::Name, Expr::value(name))
                .filter(workspaces::Column::Id.eq(workspace.0.to_string()))
                .exec(transaction)
                .await;
            renamed.map(drop).map_err(|error| taken(name, error))
        })
        .await
    }

    /// Removes a workspace with its datasets, jobs, keys, policies, documents and log.
    ///
    /// Its tables are dropped when nothing reads them any more; uploaded files are the caller's.
    ///
    /// # Errors
    /// NotFound; when the database is away.
    pub async fn delete_workspace(&self, workspace: WorkspaceId) -> Result<(), CatalogError> {
        let core = &self.core;
        let _change = core.lock_change().await?;
        bounded(async {
            let id = workspace.0.to_string();
            let transaction = core.begin().await?;
            let rows = datasets::Entity::find()
                .filter(datasets::Column::WorkspaceId.eq(&id))
                .all(&transaction)
                .await?;
            // Tables outlive the row of their workspace: another one's row speaks for them.
            let heir = core.default_workspace.0.to_string();
            retired_tables::Entity::update_many()
                .col_expr(retired_tables::Column::WorkspaceId, Expr::value(heir))
                .filter(retired_tables::Column::WorkspaceId.eq(&id))
                .exec(&transaction)
                .await?;
            for row in rows {
                let mut tables = history::tables_of(&transaction, Some(&row.id)).await?;
                tables.extend(StorageId::parse(&row.storage));
                for storage in tables {
                    retire(&transaction, core.default_workspace, &storage).await?;
                }
            }
            let gone = workspaces::Entity::delete_by_id(&id).exec(&transaction).await?;
            if gone.rows_affected == 0 {
                return Err(CatalogError::NotFound);
            }
            core.tell(&transaction, workspace).await?;
            transaction.commit().await?;
            Ok(())
        })
        .await?;
        core.forget(workspace);
        Ok(())
    }
}

impl super::Core {
    /// Lets a workspace's picture go: it was removed, here or on another node.
    pub(super) fn forget(&self, workspace: WorkspaceId) {
        let all = self.snapshots.load();
        let Some(cell) = all.get(&workspace) else { return };
        for dataset in cell.load().datasets() {
            dataset.guard.retire();
        }
        let mut fewer = HashMap::clone(&all);
        fewer.remove(&workspace);
        self.snapshots.store(std::sync::Arc::new(fewer));
        self.changes.send_replace(());
    }
}

/// The row of a new workspace.
pub(super) fn new_row(name: &str) -> workspaces::ActiveModel {
    workspaces::ActiveModel {
        id: Set(Uuid::now_v7().to_string()),
        name: Set(name.to_owned()),
        revision: Set(1),
        schema_revision: Set(1),
        last_job_number: Set(0),
        created_at_us: Set(now_us()),
        document_mode: Set(documents::mode_word(DocumentMode::Any).to_owned()),
        documents_revision: Set(0),
        saved_revision: Set(0),
        public_read: Set(None),
        max_datasets: Set(None),
        max_bytes: Set(None),
        max_rows: Set(None),
    }
}

fn from_row(row: workspaces::Model) -> Result<Workspace, CatalogError> {
    Ok(Workspace {
        id: WorkspaceId(convert::parse_uuid(&row.id)?),
        name: row.name,
        created_at_us: row.created_at_us,
    })
}

fn taken(name: &str, error: DbErr) -> CatalogError {
    match error.sql_err() {
        Some(SqlErr::UniqueConstraintViolation(_)) => CatalogError::NameTaken(name.to_owned()),
        _ => error.into(),
    }
}
