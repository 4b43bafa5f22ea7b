//! The audit log as rows: who did what, when, from where, and with which outcome.
//!
//! It exists for [`crate::auth::audit`], which decides what is worth a row. It never holds a secret
//! or a cell.

use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use super::convert::clean;
use super::entities::audit;
use super::model::WorkspaceId;
use super::{Catalog, CatalogError, bounded};

/// Rows of one INSERT.
const ROWS_PER_INSERT: usize = 200;

/// One line of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEntry {
    /// Grows with time; 0 before it is kept.
    pub id: i64,
    /// Whose log.
    pub workspace: WorkspaceId,
    /// Microseconds since 1970 UTC.
    pub at_us: i64,
    /// Who: a key's prefix, `jwt:` and the subject, `anonymous`, `system`.
    pub actor: String,
    /// From where, if it came over the network.
    pub address: Option<String>,
    /// The request's id.
    pub request_id: Option<String>,
    /// What: the field, route or act.
    pub action: String,
    /// To what: a dataset, a key's prefix, a role.
    pub target: Option<String>,
    /// `OK`, or the code of the error.
    pub outcome: String,
    /// More about it, a JSON object.
    pub details: String,
}

impl Catalog {
    /// Adds lines to the logs of workspaces.
    ///
    /// # Errors
    /// When the database is away, or one of the workspaces is gone.
    pub async fn add_audit(&self, entries: &[AuditEntry]) -> Result<(), CatalogError> {
        bounded(async {
            for entries in entries.chunks(ROWS_PER_INSERT) {
                let rows = entries.iter().map(|entry| audit::ActiveModel {
                    id: NotSet,
                    workspace_id: Set(entry.workspace.0.to_string()),
                    at_us: Set(entry.at_us),
                    actor: Set(clean(&entry.actor)),
                    address: Set(entry.address.clone()),
                    request_id: Set(entry.request_id.clone()),
                    action: Set(clean(&entry.action)),
                    target: Set(entry.target.as_deref().map(clean)),
                    outcome: Set(entry.outcome.clone()),
                    details: Set(clean(&entry.details)),
                });
                audit::Entity::insert_many(rows).exec_without_returning(&self.core.write).await?;
            }
            Ok(())
        })
        .await
    }

    /// Lines of a workspace's log, newest first, before this id if one is given.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn audit(
        &self,
        workspace: WorkspaceId,
        limit: u64,
        offset: u64,
    ) -> Result<Vec<AuditEntry>, CatalogError> {
        bounded(async {
            let rows = audit::Entity::find()
                .filter(audit::Column::WorkspaceId.eq(workspace.0.to_string()))
                .order_by_desc(audit::Column::Id)
                .limit(limit)
                .offset(offset)
                .all(&self.core.read)
                .await?;
            Ok(rows.into_iter().map(|row| from_row(row, workspace)).collect())
        })
        .await
    }

    /// Removes lines from before this time, microseconds since 1970 UTC.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn trim_audit(&self, before_us: i64) -> Result<u64, CatalogError> {
        bounded(async {
            let gone = audit::Entity::delete_many()
                .filter(audit::Column::AtUs.lt(before_us))
                .exec(&self.core.write)
                .await?;
            Ok(gone.rows_affected)
        })
        .await
    }
}

fn from_row(row: audit::Model, workspace: WorkspaceId) -> AuditEntry {
    AuditEntry {
        id: row.id,
        workspace,
        at_us: row.at_us,
        actor: row.actor,
        address: row.address,
        request_id: row.request_id,
        action: row.action,
        target: row.target,
        outcome: row.outcome,
        details: row.details,
    }
}
