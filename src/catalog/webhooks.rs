//! Webhooks as rows: who is told about changes of a dataset.
//!
//! What is to be told is written down in [`super::events`] and kept in [`super::deliveries`];
//! [`crate::webhooks`] sends it. Nothing here holds a secret.

use std::collections::{BTreeSet, HashMap};

use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, DatabaseTransaction, DbBackend, EntityTrait,
    PaginatorTrait, QueryFilter, QueryOrder, QuerySelect,
};
use uuid::Uuid;

use super::convert::{clean, from_json, json as to_json, parse_uuid, word};
use super::deliveries::DeliveryStatus;
use super::entities::{webhook_deliveries, webhooks};
use super::events::EventKind;
use super::model::{DatasetId, WorkspaceId};
use super::{Catalog, CatalogError, bounded, now_us};

/// The id of a webhook (UUID v7).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct WebhookId(pub Uuid);

/// A webhook as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Webhook {
    /// The id.
    pub id: WebhookId,
    /// Whose it is.
    pub workspace: WorkspaceId,
    /// About which dataset.
    pub dataset: DatasetId,
    /// Where events are sent.
    pub url: String,
    /// Which events.
    pub events: Vec<EventKind>,
    /// What its owner says about it.
    pub description: Option<String>,
    /// Grows with each new secret.
    pub secret_number: i64,
    /// Whether it is told anything.
    pub is_enabled: bool,
    /// Why not.
    pub disabled_reason: Option<String>,
    /// Since when not, microseconds since 1970 UTC.
    pub disabled_at_us: Option<i64>,
    /// Deliveries in a row that were given up.
    pub n_failures: i64,
    /// Who made it.
    pub created_by: Option<String>,
    /// When it was made, microseconds since 1970 UTC.
    pub created_at_us: i64,
    /// When it was changed, microseconds since 1970 UTC.
    pub updated_at_us: i64,
}

/// What changes of a webhook.
#[derive(Clone, Debug, Default)]
pub struct WebhookChange {
    /// Another address.
    pub url: Option<String>,
    /// Other events.
    pub events: Option<Vec<EventKind>>,
    /// Another description; none for nothing.
    pub description: Option<Option<String>>,
    /// A new secret.
    pub has_new_secret: bool,
    /// Whether it is told anything from now on; if not, why.
    pub enabled: Option<Result<(), String>>,
}

pub(super) fn webhook(row: webhooks::Model) -> Result<Webhook, CatalogError> {
    Ok(Webhook {
        id: WebhookId(parse_uuid(&row.id)?),
        workspace: WorkspaceId(parse_uuid(&row.workspace_id)?),
        dataset: DatasetId(parse_uuid(&row.dataset_id)?),
        url: row.url,
        events: from_json(&row.events)?,
        description: row.description,
        secret_number: row.secret_number,
        is_enabled: row.is_enabled,
        disabled_reason: row.disabled_reason,
        disabled_at_us: row.disabled_at_us,
        n_failures: row.n_failures,
        created_by: row.created_by,
        created_at_us: row.created_at_us,
        updated_at_us: row.updated_at_us,
    })
}

impl Catalog {
    /// Keeps a new webhook.
    ///
    /// # Errors
    /// TooMany when the dataset has so many already; when the database is away.
    pub async fn add_webhook(&self, new: &Webhook, most: u64) -> Result<(), CatalogError> {
        self.change_access(new.workspace, async |transaction| {
            let of_dataset = webhooks::Column::DatasetId.eq(new.dataset.0.to_string());
            let n_webhooks = webhooks::Entity::find().filter(of_dataset).count(transaction).await?;
            if n_webhooks >= most {
                return Err(CatalogError::TooManyWebhooks(most));
            }
            let row = webhooks::ActiveModel {
                id: Set(new.id.0.to_string()),
                workspace_id: Set(new.workspace.0.to_string()),
                dataset_id: Set(new.dataset.0.to_string()),
                url: Set(new.url.clone()),
                events: Set(to_json(&new.events)?),
                description: Set(new.description.as_deref().map(clean)),
                secret_number: Set(new.secret_number),
                is_enabled: Set(new.is_enabled),
                disabled_reason: Set(None),
                disabled_at_us: Set(None),
                n_failures: Set(0),
                due_at_us: Set(None),
                leased_by: Set(None),
                created_by: Set(new.created_by.as_deref().map(clean)),
                created_at_us: Set(new.created_at_us),
                updated_at_us: Set(new.updated_at_us),
            };
            webhooks::Entity::insert(row).exec_without_returning(transaction).await?;
            Ok(())
        })
        .await
    }

    /// Changes a webhook; gives it as it is then.
    ///
    /// # Errors
    /// NotFound, also for one of another workspace; when the database is away.
    pub async fn change_webhook(
        &self,
        workspace: WorkspaceId,
        id: WebhookId,
        change: &WebhookChange,
    ) -> Result<Webhook, CatalogError> {
        self.change_access(workspace, async |transaction| {
            let row = find_locked(transaction, workspace, id).await?;
            let mut new = webhooks::ActiveModel {
                id: Set(row.id.clone()),
                updated_at_us: Set(now_us()),
                ..Default::default()
            };
            if let Some(url) = &change.url {
                new.url = Set(url.clone());
            }
            if let Some(events) = &change.events {
                new.events = Set(to_json(events)?);
            }
            if let Some(description) = &change.description {
                new.description = Set(description.as_deref().map(clean));
            }
            if change.has_new_secret {
                new.secret_number = Set(row.secret_number + 1);
            }
            match &change.enabled {
                None => {}
                Some(Ok(())) => {
                    new.is_enabled = Set(true);
                    new.disabled_reason = Set(None);
                    new.disabled_at_us = Set(None);
                    new.n_failures = Set(0);
                    // What waited since is tried at once.
                    if !row.is_enabled {
                        let is_due = n_waiting(transaction, &row.id).await? > 0;
                        new.due_at_us = Set(is_due.then(now_us));
                        new.leased_by = Set(None);
                    }
                }
                Some(Err(reason)) => {
                    new.is_enabled = Set(false);
                    new.disabled_reason = Set(Some(clean(reason)));
                    new.disabled_at_us = Set(Some(now_us()));
                }
            }
            new.update(transaction).await?;
            Ok(())
        })
        .await?;
        self.core.wake.notify_one();
        self.webhook(workspace, id).await
    }

    /// Removes a webhook with its deliveries; gives it as it was.
    ///
    /// # Errors
    /// NotFound; when the database is away.
    pub async fn drop_webhook(
        &self,
        workspace: WorkspaceId,
        id: WebhookId,
    ) -> Result<Webhook, CatalogError> {
        let before = self.webhook(workspace, id).await?;
        self.change_access(workspace, async |transaction| {
            let row = find_locked(transaction, workspace, id).await?;
            webhooks::Entity::delete_by_id(row.id).exec(transaction).await?;
            Ok(())
        })
        .await?;
        Ok(before)
    }

    /// A webhook.
    ///
    /// # Errors
    /// NotFound, also for one of another workspace; when the database is away.
    pub async fn webhook(
        &self,
        workspace: WorkspaceId,
        id: WebhookId,
    ) -> Result<Webhook, CatalogError> {
        bounded(async { webhook(find(&self.core.write, workspace, id).await?) }).await
    }

    /// The webhooks of a workspace, or of one of its datasets, oldest first, with how many
    /// deliveries wait for each.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn webhooks(
        &self,
        workspace: WorkspaceId,
        dataset: Option<DatasetId>,
    ) -> Result<Vec<(Webhook, i64)>, CatalogError> {
        self.core.flush().await?;
        bounded(async {
            let mut query = webhooks::Entity::find()
                .filter(webhooks::Column::WorkspaceId.eq(workspace.0.to_string()));
            if let Some(dataset) = dataset {
                query = query.filter(webhooks::Column::DatasetId.eq(dataset.0.to_string()));
            }
            let rows = query.order_by_asc(webhooks::Column::Id).all(&self.core.read).await?;
            let pending = word(DeliveryStatus::Pending)?;
            let waiting: Vec<(String, i64)> = webhook_deliveries::Entity::find()
                .select_only()
                .column(webhook_deliveries::Column::WebhookId)
                .column_as(webhook_deliveries::Column::Number.count(), "n")
                .filter(webhook_deliveries::Column::WorkspaceId.eq(workspace.0.to_string()))
                .filter(webhook_deliveries::Column::Status.eq(pending))
                .group_by(webhook_deliveries::Column::WebhookId)
                .into_tuple()
                .all(&self.core.read)
                .await?;
            let waiting: HashMap<String, i64> = waiting.into_iter().collect();
            let mut found = Vec::with_capacity(rows.len());
            for row in rows {
                let n_waiting = waiting.get(&row.id).copied().unwrap_or_default();
                found.push((webhook(row)?, n_waiting));
            }
            Ok(found)
        })
        .await
    }

    /// Waits until something was written down that can be sent.
    pub async fn webhooks_woken(&self) {
        self.core.wake.notified().await;
    }
}

/// The row of a webhook.
async fn find(
    db: &impl ConnectionTrait,
    workspace: WorkspaceId,
    id: WebhookId,
) -> Result<webhooks::Model, CatalogError> {
    webhooks::Entity::find_by_id(id.0.to_string())
        .filter(webhooks::Column::WorkspaceId.eq(workspace.0.to_string()))
        .one(db)
        .await?
        .ok_or(CatalogError::NotFound)
}

/// The same, locked: nobody adds, sends or settles deliveries to it meanwhile.
pub(super) async fn find_locked(
    transaction: &DatabaseTransaction,
    workspace: WorkspaceId,
    id: WebhookId,
) -> Result<webhooks::Model, CatalogError> {
    let mut query = webhooks::Entity::find_by_id(id.0.to_string())
        .filter(webhooks::Column::WorkspaceId.eq(workspace.0.to_string()));
    // The embedded store has one writer.
    if transaction.get_database_backend() == DbBackend::Postgres {
        query = query.lock_exclusive();
    }
    query.one(transaction).await?.ok_or(CatalogError::NotFound)
}

/// Tells a webhook nothing more; what waits goes on waiting.
pub(super) async fn disable(
    transaction: &DatabaseTransaction,
    id: &str,
    reason: &str,
) -> Result<(), CatalogError> {
    let now_us = now_us();
    webhooks::Entity::update_many()
        .col_expr(webhooks::Column::IsEnabled, Expr::value(false))
        .col_expr(webhooks::Column::DisabledReason, Expr::value(reason))
        .col_expr(webhooks::Column::DisabledAtUs, Expr::value(now_us))
        .col_expr(webhooks::Column::UpdatedAtUs, Expr::value(now_us))
        .filter(webhooks::Column::Id.eq(id))
        .exec(transaction)
        .await?;
    Ok(())
}

pub(super) async fn n_waiting(db: &impl ConnectionTrait, id: &str) -> Result<u64, CatalogError> {
    let pending = word(DeliveryStatus::Pending)?;
    let n_waiting = webhook_deliveries::Entity::find()
        .filter(webhook_deliveries::Column::WebhookId.eq(id))
        .filter(webhook_deliveries::Column::Status.eq(pending))
        .count(db)
        .await?;
    Ok(n_waiting)
}

/// The datasets of a workspace that somebody is told about.
pub(super) async fn webhooked(
    db: &impl ConnectionTrait,
    workspace_id: &str,
) -> Result<BTreeSet<DatasetId>, CatalogError> {
    let ids: Vec<String> = webhooks::Entity::find()
        .filter(webhooks::Column::WorkspaceId.eq(workspace_id))
        .filter(webhooks::Column::IsEnabled.eq(true))
        .select_only()
        .column(webhooks::Column::DatasetId)
        .into_tuple()
        .all(db)
        .await?;
    ids.iter().map(|id| Ok(DatasetId(parse_uuid(id)?))).collect()
}
