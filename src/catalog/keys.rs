//! API keys as rows: only the keyed hash of a key is kept.
//!
//! It exists for [`crate::auth`], which makes and checks them. It never sees a key's text.

use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder};

use serde_json::{Map, Value as Json};

use super::convert::{self, clean, hex, word};
use super::entities::keys;
use super::model::{Scope, WorkspaceId};
use super::{Catalog, CatalogError, bounded, now_us};

/// An API key as it is listed; the secret is not kept.
#[derive(Clone, Debug)]
pub struct ApiKey {
    /// `slu_xxxxxxxx`, the part that may be shown; `env` for the key from the environment.
    pub prefix: String,
    /// What its owner calls it.
    pub name: String,
    /// What it may do.
    pub scope: Scope,
    /// Whose it is.
    pub workspace: WorkspaceId,
    /// Microseconds since 1970 UTC.
    pub created_at_us: i64,
    /// When it stops to work, microseconds since 1970 UTC.
    pub expires_at_us: Option<i64>,
    /// When it was revoked, microseconds since 1970 UTC.
    pub revoked_at_us: Option<i64>,
    /// When it was last seen, to the minute, microseconds since 1970 UTC.
    pub last_used_at_us: Option<i64>,
    /// The role whose policies hold for it.
    pub role: Option<String>,
    /// The only datasets that it is for, by name.
    pub datasets: Option<Vec<String>>,
    /// Values that policies speak of: `$claims.NAME`.
    pub claims: Map<String, Json>,
    /// Who made it, as the audit log names him.
    pub created_by: Option<String>,
    /// The only saved queries that it runs, by name.
    pub saved_queries: Option<Vec<String>>,
}

impl ApiKey {
    /// Whether it works at this time, microseconds since 1970 UTC.
    pub fn works_at(&self, now_us: i64) -> bool {
        self.revoked_at_us.is_none() && self.expires_at_us.is_none_or(|end_us| end_us > now_us)
    }
}

impl Catalog {
    /// Keeps a new key.
    ///
    /// # Errors
    /// NameTaken when the prefix exists; when the database is away.
    pub async fn add_key(&self, key: &ApiKey, hash: &[u8; 32]) -> Result<(), CatalogError> {
        bounded(async {
            let row = keys::ActiveModel {
                prefix: Set(key.prefix.clone()),
                hash: Set(hex(hash)),
                name: Set(clean(&key.name)),
                scope: Set(word(key.scope)?),
                workspace_id: Set(key.workspace.0.to_string()),
                created_at_us: Set(key.created_at_us),
                expires_at_us: Set(key.expires_at_us),
                revoked_at_us: Set(key.revoked_at_us),
                last_used_at_us: Set(None),
                role: Set(key.role.clone()),
                datasets: Set(key.datasets.as_ref().map(convert::json).transpose()?),
                claims: Set(match key.claims.is_empty() {
                    true => None,
                    false => Some(convert::json(&key.claims)?),
                }),
                created_by: Set(key.created_by.clone()),
                saved_queries: Set(key.saved_queries.as_ref().map(convert::json).transpose()?),
            };
            let made = keys::Entity::insert(row).exec_without_returning(&self.core.write).await;
            made.map_err(|error| match error.sql_err() {
                Some(sea_orm::SqlErr::UniqueConstraintViolation(_)) => {
                    CatalogError::NameTaken(key.prefix.clone())
                }
                _ => error.into(),
            })?;
            Ok(())
        })
        .await
    }

    /// The key with this hash, whatever its state.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn find_key(&self, hash: &[u8; 32]) -> Result<Option<ApiKey>, CatalogError> {
        bounded(async {
            let row = keys::Entity::find()
                .filter(keys::Column::Hash.eq(hex(hash)))
                .one(&self.core.read)
                .await?;
            row.map(convert::key).transpose()
        })
        .await
    }

    /// All keys of a workspace, oldest first.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn keys(&self, workspace: WorkspaceId) -> Result<Vec<ApiKey>, CatalogError> {
        bounded(async {
            let rows = keys::Entity::find()
                .filter(keys::Column::WorkspaceId.eq(workspace.0.to_string()))
                .order_by_asc(keys::Column::CreatedAtUs)
                .order_by_asc(keys::Column::Prefix)
                .all(&self.core.read)
                .await?;
            rows.into_iter().map(convert::key).collect()
        })
        .await
    }

    /// Whether no key was ever made.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn has_no_keys(&self) -> Result<bool, CatalogError> {
        bounded(async { Ok(keys::Entity::find().count(&self.core.read).await? == 0) }).await
    }

    /// Ends a key; one that was ended before keeps its time.
    ///
    /// # Errors
    /// NotFound; when the database is away.
    pub async fn revoke_key(
        &self,
        workspace: WorkspaceId,
        prefix: &str,
    ) -> Result<(), CatalogError> {
        bounded(async {
            let of_prefix = keys::Column::Prefix
                .eq(prefix)
                .and(keys::Column::WorkspaceId.eq(workspace.0.to_string()));
            let revoked = keys::Entity::update_many()
                .col_expr(keys::Column::RevokedAtUs, Expr::value(now_us()))
                .filter(of_prefix.clone())
                .filter(keys::Column::RevokedAtUs.is_null())
                .exec(&self.core.write)
                .await?;
            if revoked.rows_affected > 0 {
                return Ok(());
            }
            match keys::Entity::find().filter(of_prefix).one(&self.core.read).await? {
                Some(_) => Ok(()),
                None => Err(CatalogError::NotFound),
            }
        })
        .await
    }

    /// Lets a key end at a time, if it would work longer.
    ///
    /// # Errors
    /// NotFound when the workspace has no such key, or it was revoked; when the database is away.
    pub async fn expire_key(
        &self,
        workspace: WorkspaceId,
        prefix: &str,
        end_us: i64,
    ) -> Result<(), CatalogError> {
        bounded(async {
            let sooner =
                keys::Column::ExpiresAtUs.is_null().or(keys::Column::ExpiresAtUs.gt(end_us));
            let ended = keys::Entity::update_many()
                .col_expr(keys::Column::ExpiresAtUs, Expr::value(end_us))
                .filter(keys::Column::Prefix.eq(prefix))
                .filter(keys::Column::WorkspaceId.eq(workspace.0.to_string()))
                .filter(keys::Column::RevokedAtUs.is_null())
                .filter(sooner)
                .exec(&self.core.write)
                .await?;
            if ended.rows_affected == 0 { Err(CatalogError::NotFound) } else { Ok(()) }
        })
        .await
    }

    /// The key with this prefix, whatever its state.
    ///
    /// # Errors
    /// NotFound when the workspace has none; when the database is away.
    pub async fn key(&self, workspace: WorkspaceId, prefix: &str) -> Result<ApiKey, CatalogError> {
        bounded(async {
            let row = keys::Entity::find_by_id(prefix)
                .filter(keys::Column::WorkspaceId.eq(workspace.0.to_string()))
                .one(&self.core.read)
                .await?;
            row.map(convert::key).transpose()?.ok_or(CatalogError::NotFound)
        })
        .await
    }

    /// Remembers that a key was seen.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn touch_key(&self, prefix: &str, used_at_us: i64) -> Result<(), CatalogError> {
        bounded(async {
            keys::Entity::update_many()
                .col_expr(keys::Column::LastUsedAtUs, Expr::value(used_at_us))
                .filter(keys::Column::Prefix.eq(prefix))
                .exec(&self.core.write)
                .await?;
            Ok(())
        })
        .await
    }
}
