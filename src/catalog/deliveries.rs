//! The outbox of webhooks: what waits to be sent, what was sent, and what came of it.
//!
//! One webhook is served by one node at a time, one delivery after the other: that is how order is
//! kept. A delivery is taken with a lease, so that one whose node died is tried again by another.

use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Expr, LockBehavior, LockType};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, DatabaseTransaction, EntityTrait, PaginatorTrait, QueryFilter,
    QueryOrder, QuerySelect, QueryTrait,
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::convert::{from_word, parse_uuid, word};
use super::entities::{webhook_deliveries, webhooks};
use super::events::{EventKind, add_delivery};
use super::model::WorkspaceId;
use super::webhooks::{Webhook, WebhookId, disable, find_locked, webhook};
use super::{Catalog, CatalogError, bounded, now_us};

/// Where a delivery stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum DeliveryStatus {
    /// It waits, for its turn or for the next attempt.
    Pending,
    /// It was taken.
    Delivered,
    /// It was given up.
    Failed,
}

/// A delivery as it is kept.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// The id.
    pub id: Uuid,
    /// To whom.
    pub webhook: WebhookId,
    /// What.
    pub event: EventKind,
    /// What is sent, JSON.
    pub body: String,
    /// The delivery that it repeats.
    pub replay_of: Option<String>,
    /// Where it stands.
    pub status: DeliveryStatus,
    /// How often it was tried.
    pub attempts: i64,
    /// The status of the last answer, if one came.
    pub response_status: Option<i64>,
    /// Why the last attempt failed.
    pub error: Option<String>,
    /// When it was written down, microseconds since 1970 UTC.
    pub created_at_us: i64,
    /// When it was first tried.
    pub first_attempt_at_us: Option<i64>,
    /// When it was last tried.
    pub last_attempt_at_us: Option<i64>,
    /// When it is tried again.
    pub next_try_at_us: Option<i64>,
    /// When it was taken or given up.
    pub finished_at_us: Option<i64>,
}

/// A delivery that this process is to send now.
#[derive(Clone, Debug)]
pub struct ClaimedDelivery {
    /// The delivery; `attempts` counts this one.
    pub delivery: Delivery,
    /// To whom.
    pub webhook: Webhook,
    number: i64,
}

/// What came of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// The status of the answer, if one came.
    pub response_status: Option<u16>,
    /// Why it failed, if it did.
    pub error: Option<String>,
    /// When it is tried again; if never, it is given up.
    pub next_try_at_us: Option<i64>,
}

impl ClaimedDelivery {
    /// Its place in the order of all deliveries.
    pub fn number(&self) -> i64 {
        self.number
    }
}

fn delivery(row: webhook_deliveries::Model) -> Result<Delivery, CatalogError> {
    Ok(Delivery {
        id: parse_uuid(&row.id)?,
        webhook: WebhookId(parse_uuid(&row.webhook_id)?),
        event: from_word(&row.event)?,
        body: row.body,
        replay_of: row.replay_of,
        status: from_word(&row.status)?,
        attempts: row.attempts,
        response_status: row.response_status,
        error: row.error,
        created_at_us: row.created_at_us,
        first_attempt_at_us: row.first_attempt_at_us,
        last_attempt_at_us: row.last_attempt_at_us,
        next_try_at_us: row.next_try_at_us,
        finished_at_us: row.finished_at_us,
    })
}

impl Catalog {
    /// Takes the delivery that is due for longest, until `lease_us` from now; of none of these
    /// workspaces.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn claim_delivery(
        &self,
        lease_us: i64,
        but_of: &[WorkspaceId],
    ) -> Result<Option<ClaimedDelivery>, CatalogError> {
        bounded(async {
            let transaction = self.core.begin().await?;
            loop {
                let now_us = now_us();
                let mut due = webhooks::Entity::find()
                    .filter(webhooks::Column::IsEnabled.eq(true))
                    .filter(webhooks::Column::DueAtUs.lte(now_us))
                    .filter(webhooks::Column::WorkspaceId.is_not_in(ids(but_of)))
                    .order_by_asc(webhooks::Column::DueAtUs)
                    .limit(1);
                if self.is_postgres() {
                    QueryTrait::query(&mut due)
                        .lock_with_behavior(LockType::Update, LockBehavior::SkipLocked);
                }
                let Some(row) = due.one(&transaction).await? else {
                    transaction.commit().await?;
                    return Ok(None);
                };
                let first = first_waiting(&transaction, &row.id).await?;
                let mut taken = webhooks::ActiveModel {
                    id: Set(row.id.clone()),
                    due_at_us: Set(None),
                    leased_by: Set(None),
                    ..Default::default()
                };
                let Some(first) = first else {
                    taken.update(&transaction).await?;
                    continue;
                };
                taken.due_at_us = Set(Some(now_us.saturating_add(lease_us)));
                taken.leased_by = Set(Some(self.core.node.clone()));
                taken.update(&transaction).await?;
                let number = first.number;
                let tried = webhook_deliveries::ActiveModel {
                    number: Set(number),
                    attempts: Set(first.attempts + 1),
                    first_attempt_at_us: Set(first.first_attempt_at_us.or(Some(now_us))),
                    last_attempt_at_us: Set(Some(now_us)),
                    next_try_at_us: Set(None),
                    ..Default::default()
                };
                let tried = tried.update(&transaction).await?;
                transaction.commit().await?;
                return Ok(Some(ClaimedDelivery {
                    delivery: delivery(tried)?,
                    webhook: webhook(row)?,
                    number,
                }));
            }
        })
        .await
    }

    /// When the next delivery is due, microseconds since 1970 UTC; of none of these workspaces.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn next_delivery_us(
        &self,
        but_of: &[WorkspaceId],
    ) -> Result<Option<i64>, CatalogError> {
        bounded(async {
            let next = webhooks::Entity::find()
                .filter(webhooks::Column::IsEnabled.eq(true))
                .filter(webhooks::Column::DueAtUs.is_not_null())
                .filter(webhooks::Column::WorkspaceId.is_not_in(ids(but_of)))
                .order_by_asc(webhooks::Column::DueAtUs)
                .one(&self.core.read)
                .await?;
            Ok(next.and_then(|row| row.due_at_us))
        })
        .await
    }

    /// Writes down what came of an attempt, unless somebody else has tried it since; tells whether
    /// the webhook was disabled because `disable_after` deliveries in a row were given up.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn settle_delivery(
        &self,
        claimed: &ClaimedDelivery,
        attempt: &Attempt,
        disable_after: i64,
    ) -> Result<bool, CatalogError> {
        bounded(async {
            let transaction = self.core.begin().await?;
            let id = claimed.webhook.id.0.to_string();
            let mut query = webhooks::Entity::find_by_id(&id);
            if self.is_postgres() {
                query = query.lock_exclusive();
            }
            // It may have been dropped meanwhile.
            let Some(row) = query.one(&transaction).await? else { return Ok(false) };
            let now_us = now_us();
            let (status, finished_at_us) = match attempt {
                Attempt { error: None, .. } => (DeliveryStatus::Delivered, Some(now_us)),
                Attempt { next_try_at_us: Some(_), .. } => (DeliveryStatus::Pending, None),
                _ => (DeliveryStatus::Failed, Some(now_us)),
            };
            let settled = webhook_deliveries::Entity::update_many()
                .set(webhook_deliveries::ActiveModel {
                    status: Set(word(status)?),
                    response_status: Set(attempt.response_status.map(i64::from)),
                    error: Set(attempt.error.clone()),
                    next_try_at_us: Set(attempt.next_try_at_us),
                    finished_at_us: Set(finished_at_us),
                    ..Default::default()
                })
                .filter(webhook_deliveries::Column::Number.eq(claimed.number))
                .filter(webhook_deliveries::Column::Attempts.eq(claimed.delivery.attempts))
                .filter(webhook_deliveries::Column::Status.eq(word(DeliveryStatus::Pending)?))
                .exec(&transaction)
                .await?;
            if settled.rows_affected == 0 {
                return Ok(false);
            }
            let next_us = match attempt.next_try_at_us {
                Some(next_us) if status == DeliveryStatus::Pending => Some(next_us),
                _ => first_waiting(&transaction, &id).await?.map(|_| now_us),
            };
            let n_failures = match status {
                DeliveryStatus::Delivered => 0,
                DeliveryStatus::Pending => row.n_failures,
                DeliveryStatus::Failed => row.n_failures + 1,
            };
            let is_over =
                status == DeliveryStatus::Failed && row.is_enabled && n_failures >= disable_after;
            let free = webhooks::ActiveModel {
                id: Set(id.clone()),
                due_at_us: Set(next_us),
                leased_by: Set(None),
                n_failures: Set(n_failures),
                ..Default::default()
            };
            free.update(&transaction).await?;
            if is_over {
                let why = attempt.error.as_deref().unwrap_or_default();
                let reason =
                    format!("{n_failures} deliveries in a row were given up. The last one: {why}");
                disable(&transaction, &id, &reason).await?;
            }
            transaction.commit().await?;
            Ok(is_over)
        })
        .await
    }

    /// Makes what this node was sending when it ended due at once.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn release_deliveries(&self) -> Result<(), CatalogError> {
        bounded(async {
            webhooks::Entity::update_many()
                .col_expr(webhooks::Column::DueAtUs, Expr::value(now_us()))
                .col_expr(webhooks::Column::LeasedBy, Expr::value(Option::<String>::None))
                .filter(webhooks::Column::LeasedBy.eq(&self.core.node))
                .exec(&self.core.write)
                .await?;
            Ok(())
        })
        .await
    }

    /// Deliveries to a webhook, newest first.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn deliveries(
        &self,
        workspace: WorkspaceId,
        webhook: WebhookId,
        limit: u64,
        offset: u64,
    ) -> Result<Vec<Delivery>, CatalogError> {
        self.core.flush().await?;
        bounded(async {
            let rows = webhook_deliveries::Entity::find()
                .filter(webhook_deliveries::Column::WorkspaceId.eq(workspace.0.to_string()))
                .filter(webhook_deliveries::Column::WebhookId.eq(webhook.0.to_string()))
                .order_by_desc(webhook_deliveries::Column::Number)
                .limit(limit)
                .offset(offset)
                .all(&self.core.read)
                .await?;
            rows.into_iter().map(delivery).collect()
        })
        .await
    }

    /// One delivery.
    ///
    /// # Errors
    /// NotFound, also for one of another workspace; when the database is away.
    pub async fn delivery(
        &self,
        workspace: WorkspaceId,
        id: Uuid,
    ) -> Result<Delivery, CatalogError> {
        bounded(async { delivery(delivery_row(&self.core.write, workspace, id).await?) }).await
    }

    /// Puts the body of a delivery behind those that wait, as a delivery of its own.
    ///
    /// # Errors
    /// NotFound; Changed when it waits itself, or its webhook is disabled; when the database is
    /// away.
    pub async fn replay_delivery(
        &self,
        workspace: WorkspaceId,
        id: Uuid,
    ) -> Result<Delivery, CatalogError> {
        let made = bounded(async {
            let transaction = self.core.begin().await?;
            let old = delivery_row(&transaction, workspace, id).await?;
            let webhook = WebhookId(parse_uuid(&old.webhook_id)?);
            let row = find_locked(&transaction, workspace, webhook).await?;
            if !row.is_enabled || old.status == word(DeliveryStatus::Pending)? {
                return Err(CatalogError::Changed);
            }
            let of = Some(old.id.clone());
            let what = (old.event, old.body);
            let made = add_delivery(&transaction, &row, Uuid::now_v7(), what, of).await?;
            transaction.commit().await?;
            delivery(made)
        })
        .await?;
        self.core.wake.notify_one();
        Ok(made)
    }

    /// How many deliveries wait, of all webhooks.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn pending_deliveries(&self) -> Result<u64, CatalogError> {
        bounded(async {
            let pending = word(DeliveryStatus::Pending)?;
            let waiting = webhook_deliveries::Entity::find()
                .filter(webhook_deliveries::Column::Status.eq(pending));
            Ok(waiting.count(&self.core.read).await?)
        })
        .await
    }

    /// Removes finished deliveries from before this time, microseconds since 1970 UTC.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn trim_deliveries(&self, before_us: i64) -> Result<(), CatalogError> {
        bounded(async {
            webhook_deliveries::Entity::delete_many()
                .filter(webhook_deliveries::Column::FinishedAtUs.lt(before_us))
                .exec(&self.core.write)
                .await?;
            Ok(())
        })
        .await
    }

    /// Removes the oldest finished deliveries to a webhook beyond the newest `n_kept` of all.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn trim_deliveries_of(
        &self,
        webhook: WebhookId,
        n_kept: u64,
    ) -> Result<(), CatalogError> {
        bounded(async {
            let id = webhook.0.to_string();
            let last: Option<i64> = webhook_deliveries::Entity::find()
                .select_only()
                .column(webhook_deliveries::Column::Number)
                .filter(webhook_deliveries::Column::WebhookId.eq(&id))
                .order_by_desc(webhook_deliveries::Column::Number)
                .offset(n_kept)
                .limit(1)
                .into_tuple()
                .one(&self.core.read)
                .await?;
            if let Some(last) = last {
                webhook_deliveries::Entity::delete_many()
                    .filter(webhook_deliveries::Column::WebhookId.eq(&id))
                    .filter(webhook_deliveries::Column::Number.lte(last))
                    .filter(webhook_deliveries::Column::FinishedAtUs.is_not_null())
                    .exec(&self.core.write)
                    .await?;
            }
            Ok(())
        })
        .await
    }
}

fn ids(workspaces: &[WorkspaceId]) -> Vec<String> {
    workspaces.iter().map(|workspace| workspace.0.to_string()).collect()
}

async fn first_waiting(
    transaction: &DatabaseTransaction,
    webhook_id: &str,
) -> Result<Option<webhook_deliveries::Model>, CatalogError> {
    let first = webhook_deliveries::Entity::find()
        .filter(webhook_deliveries::Column::WebhookId.eq(webhook_id))
        .filter(webhook_deliveries::Column::Status.eq(word(DeliveryStatus::Pending)?))
        .order_by_asc(webhook_deliveries::Column::Number)
        .limit(1)
        .one(transaction)
        .await?;
    Ok(first)
}

async fn delivery_row(
    db: &impl sea_orm::ConnectionTrait,
    workspace: WorkspaceId,
    id: Uuid,
) -> Result<webhook_deliveries::Model, CatalogError> {
    webhook_deliveries::Entity::find()
        .filter(webhook_deliveries::Column::Id.eq(id.to_string()))
        .filter(webhook_deliveries::Column::WorkspaceId.eq(workspace.0.to_string()))
        .one(db)
        .await?
        .ok_or(CatalogError::NotFound)
}
