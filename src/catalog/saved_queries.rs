//! Saved queries: documents that answer at an address of their own.
//!
//! They are part of the picture of a workspace, so that asking one costs nothing more. What a
//! document means, and whether a change of datasets would break it, is for a [`SchemaJudge`] to say:
//! nothing here knows GraphQL.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DatabaseTransaction, EntityTrait, PaginatorTrait, QueryFilter,
};

use super::convert::clean;
use super::entities::{saved_queries, workspaces};
use super::model::{Dataset, DatasetId, WorkspaceId};
use super::publish::set_schema_revision;
use super::snapshot::Snapshot;
use super::{Catalog, CatalogError, Core};

/// Saved queries of one workspace.
pub const MAX_SAVED_QUERIES: u64 = 1_000;

/// A document that answers at an address of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SavedQuery {
    /// Its name, the last part of its address.
    pub name: String,
    /// The document, with one operation, a query.
    pub document: String,
    /// What it is for.
    pub description: Option<String>,
    /// Seconds that clients may keep an answer without asking.
    pub max_age_s: Option<u32>,
    /// How often each who asks may ask it.
    pub requests_per_minute: Option<u32>,
    /// Whether changes of the schema that break it are refused.
    pub is_protected: bool,
    /// Who saved it last, as the audit log names him.
    pub updated_by: String,
    /// Microseconds since 1970 UTC.
    pub created_at_us: i64,
    /// Microseconds since 1970 UTC.
    pub updated_at_us: i64,
}

/// The saved queries of a workspace, by name, as they were at a revision of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SavedQueries {
    /// The revision of their last change.
    pub(super) revision: i64,
    /// By name.
    pub by_name: BTreeMap<String, Arc<SavedQuery>>,
}

/// Says which saved queries would not be valid any more.
pub trait SchemaJudge: Send + Sync {
    /// The names of those among `queries` that are valid before a change of the schema and not
    /// after it. `changed` are the datasets that it is about.
    fn broken<'a>(
        &'a self,
        before: &'a Arc<Snapshot>,
        after: &'a Arc<Snapshot>,
        changed: &'a [DatasetId],
        queries: Vec<Arc<SavedQuery>>,
    ) -> BoxFuture<'a, Vec<String>>;
}

impl Catalog {
    /// Who says from now on which saved queries a change would break; the first one stays.
    pub fn set_judge(&self, judge: Arc<dyn SchemaJudge>) {
        // A second engine over the same catalog would say the same.
        let _ = self.core.judge.set(judge);
    }

    /// Keeps a saved query in the place of the one of its name.
    ///
    /// # Errors
    /// TooManySavedQueries; when the database is away.
    pub async fn save_query(
        &self,
        workspace: WorkspaceId,
        query: &SavedQuery,
    ) -> Result<(), CatalogError> {
        let id = workspace.0.to_string();
        self.change_saved(workspace, async |transaction| {
            let row = saved_queries::ActiveModel {
                workspace_id: Set(id.clone()),
                name: Set(query.name.clone()),
                document: Set(clean(&query.document)),
                description: Set(query.description.as_deref().map(clean)),
                max_age_s: Set(query.max_age_s.map(i64::from)),
                requests_per_minute: Set(query.requests_per_minute.map(i64::from)),
                is_protected: Set(query.is_protected),
                updated_by: Set(query.updated_by.clone()),
                created_at_us: Set(query.created_at_us),
                updated_at_us: Set(query.updated_at_us),
            };
            use saved_queries::Column;
            let changing = [
                Column::Document,
                Column::Description,
                Column::MaxAgeS,
                Column::RequestsPerMinute,
                Column::IsProtected,
                Column::UpdatedBy,
                Column::UpdatedAtUs,
            ];
            let conflict = OnConflict::columns([Column::WorkspaceId, Column::Name])
                .update_columns(changing)
                .to_owned();
            saved_queries::Entity::insert(row)
                .on_conflict(conflict)
                .exec_without_returning(transaction)
                .await?;
            let of_workspace = Column::WorkspaceId.eq(&id);
            let n = saved_queries::Entity::find().filter(of_workspace).count(transaction).await?;
            if n > MAX_SAVED_QUERIES { Err(CatalogError::TooManySavedQueries) } else { Ok(()) }
        })
        .await
    }

    /// Removes a saved query.
    ///
    /// # Errors
    /// NotFound when there is none; when the database is away.
    pub async fn drop_saved_query(
        &self,
        workspace: WorkspaceId,
        name: &str,
    ) -> Result<(), CatalogError> {
        self.change_saved(workspace, async |transaction| {
            let key = (workspace.0.to_string(), name.to_owned());
            let gone = saved_queries::Entity::delete_by_id(key).exec(transaction).await?;
            if gone.rows_affected == 0 { Err(CatalogError::NotFound) } else { Ok(()) }
        })
        .await
    }

    async fn change_saved(
        &self,
        workspace: WorkspaceId,
        change: impl AsyncFnOnce(&DatabaseTransaction) -> Result<(), CatalogError>,
    ) -> Result<(), CatalogError> {
        self.change_access(workspace, async |transaction| {
            change(transaction).await?;
            workspaces::Entity::update_many()
                .col_expr(
                    workspaces::Column::SavedRevision,
                    Expr::col(workspaces::Column::Revision),
                )
                .filter(workspaces::Column::Id.eq(workspace.0.to_string()))
                .exec(transaction)
                .await?;
            Ok(())
        })
        .await
    }
}

impl Core {
    /// Those of a workspace; the ones that are known, where none was changed since.
    pub(super) async fn saved_queries(
        &self,
        db: &impl ConnectionTrait,
        row: &workspaces::Model,
        known: &Arc<SavedQueries>,
    ) -> Result<Arc<SavedQueries>, CatalogError> {
        if row.saved_revision == known.revision {
            return Ok(Arc::clone(known));
        }
        let rows = saved_queries::Entity::find()
            .filter(saved_queries::Column::WorkspaceId.eq(&row.id))
            .all(db)
            .await?;
        let number = |value: Option<i64>| value.and_then(|value| u32::try_from(value).ok());
        let by_name = rows.into_iter().map(|row| {
            let query = SavedQuery {
                name: row.name,
                document: row.document,
                description: row.description,
                max_age_s: number(row.max_age_s),
                requests_per_minute: number(row.requests_per_minute),
                is_protected: row.is_protected,
                updated_by: row.updated_by,
                created_at_us: row.created_at_us,
                updated_at_us: row.updated_at_us,
            };
            (query.name.clone(), Arc::new(query))
        });
        Ok(Arc::new(SavedQueries { revision: row.saved_revision, by_name: by_name.collect() }))
    }

    /// Another revision of the schema, in which datasets are changed or gone; the caller holds
    /// `change` and has not committed.
    ///
    /// # Errors
    /// BreaksSavedQueries, naming those that would not be valid any more; when the database is away.
    pub(super) async fn change_schema(
        &self,
        transaction: &DatabaseTransaction,
        workspace: WorkspaceId,
        schema_revision: i64,
        (changed, removed): (Vec<Dataset>, &[DatasetId]),
    ) -> Result<(), CatalogError> {
        self.spare_saved_queries(workspace, changed, removed).await?;
        set_schema_revision(transaction, workspace, schema_revision).await
    }

    async fn spare_saved_queries(
        &self,
        workspace: WorkspaceId,
        changed: Vec<Dataset>,
        removed: &[DatasetId],
    ) -> Result<(), CatalogError> {
        let before = self.snapshot(workspace);
        let queries = before.saved_queries.by_name.values();
        let queries: Vec<_> = queries.filter(|query| query.is_protected).cloned().collect();
        let Some(judge) = self.judge.get().filter(|_| !queries.is_empty()) else { return Ok(()) };
        let mut ids: Vec<DatasetId> = changed.iter().map(|dataset| dataset.id).collect();
        ids.extend(removed);
        let changed = changed.into_iter().map(Arc::new);
        let (revision, schema_revision) = (before.revision, before.schema_revision);
        let after = before.with_changes(changed, removed, revision, schema_revision);
        match judge.broken(&before, &Arc::new(after), &ids, queries).await {
            broken if broken.is_empty() => Ok(()),
            broken => Err(CatalogError::BreaksSavedQueries(broken)),
        }
    }
}
