//! Policies, quotas and openness of a workspace: what [`crate::auth`] decides by.
//!
//! All of it is part of the snapshot, so that a decision needs no database, and a change of any of
//! it is a change of the workspace's schema: plans, schemas and answers made before it are not
//! found any more. Nothing here decides.

use std::collections::{BTreeMap, BTreeSet};

use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::convert::{from_json, json, parse_uuid};
use super::entities::{datasets, policies, workspaces};
use super::model::{DatasetId, WorkspaceId};
use super::publish::{grow, set_schema_revision};
use super::{Catalog, CatalogError, Core, bounded, now_us, webhooks};

/// The role of policies for everybody who has no policy of a role of his own.
pub const EVERY_ROLE: &str = "*";
/// What texts of a policy's filter begin with that stand for a claim of the principal.
pub const CLAIM_MARK: &str = "$claims.";
/// The role of those who come without a key.
pub const ANONYMOUS_ROLE: &str = "anonymous";

/// What a role may see and do in a dataset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Where.
    pub dataset: DatasetId,
    /// Who: a role, or [`EVERY_ROLE`].
    pub role: String,
    /// What.
    pub rules: Rules,
    /// Who decided it, as the audit log names him.
    pub updated_by: String,
    /// Microseconds since 1970 UTC.
    pub updated_at_us: i64,
}

impl Policy {
    /// What is decided now.
    pub fn new(dataset: DatasetId, role: &str, rules: Rules, updated_by: &str) -> Policy {
        Policy {
            dataset,
            role: role.to_owned(),
            rules,
            updated_by: updated_by.to_owned(),
            updated_at_us: now_us(),
        }
    }
}

/// The rules of a policy.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Rules {
    /// A filter (`OrdersBoolExp`) that rows must fit to be seen; all of them when there is none.
    /// A text `$claims.NAME` stands for a claim of the principal.
    pub filter: Option<Json>,
    /// A filter that rows must fit after they were written.
    pub check: Option<Json>,
    /// Field names that may be seen; all of them when there is no list.
    pub columns: Option<Vec<String>>,
    /// Field names whose values are shown changed.
    pub masks: BTreeMap<String, Mask>,
    /// What may be done.
    pub operations: Vec<Operation>,
    /// The most rows that a list answers.
    pub max_rows: Option<i64>,
}

/// How values of a column are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Mask {
    /// Not at all: there is no such field.
    Hide,
    /// As missing.
    Null,
    /// The first and the last character, and stars between; short ones all stars.
    Partial,
    /// As a hash under a secret of the workspace: equal values stay equal.
    Hash,
}

/// What may be done with a dataset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Operation {
    /// Rows can be read.
    Select,
    /// Rows can be counted and aggregated.
    Aggregate,
    /// Rows can be added.
    Insert,
    /// Rows can be changed.
    Update,
    /// Rows can be removed.
    Delete,
}

/// Which datasets are read without a key.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum PublicRead {
    /// None.
    #[default]
    Nothing,
    /// All of the workspace.
    All,
    /// Those of these names.
    Datasets(Vec<String>),
}

/// The most that a workspace may hold; no bound where there is no number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Quotas {
    /// Datasets.
    pub max_datasets: Option<i64>,
    /// Bytes of all datasets in the store.
    pub max_bytes: Option<i64>,
    /// Rows of all datasets.
    pub max_rows: Option<i64>,
}

impl Quotas {
    /// Refuses datasets, given as rows and bytes of each, that are more than these.
    ///
    /// # Errors
    /// OverQuota.
    pub fn check(&self, held: impl Iterator<Item = (i64, i64)>) -> Result<(), CatalogError> {
        let (mut n_datasets, mut n_rows, mut size_bytes) = (0_i64, 0_i64, 0_i64);
        for (rows, bytes) in held {
            n_datasets = n_datasets.saturating_add(1);
            n_rows = n_rows.saturating_add(rows);
            size_bytes = size_bytes.saturating_add(bytes);
        }
        for (what, most, wanted) in [
            ("datasets", self.max_datasets, n_datasets),
            ("bytes", self.max_bytes, size_bytes),
            ("rows", self.max_rows, n_rows),
        ] {
            if let Some(most) = most.filter(|most| wanted > *most) {
                return Err(CatalogError::OverQuota { what, wanted, most });
            }
        }
        Ok(())
    }
}

/// Refuses what is more than a workspace may hold, as the transaction would leave it.
///
/// # Errors
/// OverQuota; when the database is away.
pub(super) async fn check_quotas(
    transaction: &impl ConnectionTrait,
    workspace: WorkspaceId,
) -> Result<(), CatalogError> {
    let id = workspace.0.to_string();
    let row = workspaces::Entity::find_by_id(&id).one(transaction).await?;
    let quotas = quotas_of(&row.ok_or(CatalogError::NotFound)?);
    if quotas == Quotas::default() {
        return Ok(());
    }
    let held: Vec<(i64, i64)> = datasets::Entity::find()
        .filter(datasets::Column::WorkspaceId.eq(&id))
        .select_only()
        .column(datasets::Column::RowCount)
        .column(datasets::Column::SizeBytes)
        .into_tuple()
        .all(transaction)
        .await?;
    quotas.check(held.into_iter())
}

fn quotas_of(row: &workspaces::Model) -> Quotas {
    Quotas { max_datasets: row.max_datasets, max_bytes: row.max_bytes, max_rows: row.max_rows }
}

/// All that decides who may do what in a workspace.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Access {
    /// The workspace's name.
    pub name: String,
    /// What is read without a key.
    pub public_read: PublicRead,
    /// The most that it may hold.
    pub quotas: Quotas,
    /// Its policies, by dataset and role.
    pub policies: Vec<Policy>,
    /// The datasets that somebody is told about by a webhook.
    pub webhooked: BTreeSet<DatasetId>,
}

impl Access {
    /// The policy of a dataset for a role: its own, else the one for everybody.
    pub fn policy(&self, dataset: DatasetId, role: Option<&str>) -> Option<&Policy> {
        let of = |wanted: &str| {
            self.policies.iter().find(|it| it.dataset == dataset && it.role == wanted)
        };
        role.and_then(of).or_else(|| of(EVERY_ROLE))
    }
}

impl Catalog {
    /// Keeps a policy in the place of the one of its dataset and role.
    ///
    /// # Errors
    /// NotFound for a dataset that is not the workspace's; when the database is away.
    pub async fn set_policy(
        &self,
        workspace: WorkspaceId,
        policy: &Policy,
    ) -> Result<(), CatalogError> {
        self.change_access(workspace, async |transaction| {
            let dataset = policy.dataset.0.to_string();
            let of_workspace = datasets::Entity::find_by_id(&dataset)
                .filter(datasets::Column::WorkspaceId.eq(workspace.0.to_string()));
            if of_workspace.one(transaction).await?.is_none() {
                return Err(CatalogError::NotFound);
            }
            let row = policies::ActiveModel {
                dataset_id: Set(dataset),
                role: Set(policy.role.clone()),
                workspace_id: Set(workspace.0.to_string()),
                rules: Set(json(&policy.rules)?),
                updated_by: Set(policy.updated_by.clone()),
                updated_at_us: Set(policy.updated_at_us),
            };
            let key = [policies::Column::DatasetId, policies::Column::Role];
            let value = [
                policies::Column::Rules,
                policies::Column::UpdatedBy,
                policies::Column::UpdatedAtUs,
            ];
            policies::Entity::insert(row)
                .on_conflict(OnConflict::columns(key).update_columns(value).to_owned())
                .exec_without_returning(transaction)
                .await?;
            Ok(())
        })
        .await
    }

    /// Takes a policy away.
    ///
    /// # Errors
    /// NotFound when there is none; when the database is away.
    pub async fn drop_policy(
        &self,
        workspace: WorkspaceId,
        dataset: DatasetId,
        role: &str,
    ) -> Result<(), CatalogError> {
        self.change_access(workspace, async |transaction| {
            let gone = policies::Entity::delete_many()
                .filter(policies::Column::DatasetId.eq(dataset.0.to_string()))
                .filter(policies::Column::WorkspaceId.eq(workspace.0.to_string()))
                .filter(policies::Column::Role.eq(role))
                .exec(transaction)
                .await?;
            if gone.rows_affected == 0 { Err(CatalogError::NotFound) } else { Ok(()) }
        })
        .await
    }

    /// Says which datasets are read without a key.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn set_public_read(
        &self,
        workspace: WorkspaceId,
        public_read: &PublicRead,
    ) -> Result<(), CatalogError> {
        let text = json(public_read)?;
        self.change_access(workspace, async |transaction| {
            workspaces::Entity::update_many()
                .col_expr(workspaces::Column::PublicRead, Expr::value(text.clone()))
                .filter(workspaces::Column::Id.eq(workspace.0.to_string()))
                .exec(transaction)
                .await?;
            Ok(())
        })
        .await
    }

    /// Says how much a workspace may hold.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn set_quotas(
        &self,
        workspace: WorkspaceId,
        quotas: Quotas,
    ) -> Result<(), CatalogError> {
        self.change_access(workspace, async |transaction| {
            workspaces::Entity::update_many()
                .col_expr(workspaces::Column::MaxDatasets, Expr::value(quotas.max_datasets))
                .col_expr(workspaces::Column::MaxBytes, Expr::value(quotas.max_bytes))
                .col_expr(workspaces::Column::MaxRows, Expr::value(quotas.max_rows))
                .filter(workspaces::Column::Id.eq(workspace.0.to_string()))
                .exec(transaction)
                .await?;
            Ok(())
        })
        .await
    }

    /// One change of who may do what: a new revision of the schema, told to all nodes.
    pub(super) async fn change_access(
        &self,
        workspace: WorkspaceId,
        change: impl AsyncFnOnce(&sea_orm::DatabaseTransaction) -> Result<(), CatalogError>,
    ) -> Result<(), CatalogError> {
        let core = &self.core;
        let _change = core.lock_change().await?;
        bounded(async {
            let transaction = core.begin().await?;
            let (_, schema_revision) = grow(&transaction, workspace).await?;
            change(&transaction).await?;
            set_schema_revision(&transaction, workspace, schema_revision + 1).await?;
            core.tell(&transaction, workspace).await?;
            transaction.commit().await?;
            Ok(())
        })
        .await?;
        bounded(core.refresh(workspace)).await.map(drop)
    }
}

impl Core {
    /// What decides in a workspace, as its row and its policies tell it.
    pub(super) async fn access(
        &self,
        db: &impl ConnectionTrait,
        row: &workspaces::Model,
    ) -> Result<Access, CatalogError> {
        let rows = policies::Entity::find()
            .filter(policies::Column::WorkspaceId.eq(&row.id))
            .order_by_asc(policies::Column::DatasetId)
            .order_by_asc(policies::Column::Role)
            .all(db)
            .await?;
        let policies = rows.into_iter().map(|row| {
            Ok(Policy {
                dataset: DatasetId(parse_uuid(&row.dataset_id)?),
                role: row.role,
                rules: from_json(&row.rules)?,
                updated_by: row.updated_by,
                updated_at_us: row.updated_at_us,
            })
        });
        Ok(Access {
            name: row.name.clone(),
            public_read: row.public_read.as_deref().map(from_json).transpose()?.unwrap_or_default(),
            quotas: quotas_of(row),
            policies: policies.collect::<Result<_, CatalogError>>()?,
            webhooked: webhooks::webhooked(db, &row.id).await?,
        })
    }
}
