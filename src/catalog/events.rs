//! What happened to datasets, written down for those who are to be told.
//!
//! An event is written by the transaction that makes the change, so that it is told if, and only
//! if, the change was made. Nothing here holds a cell.

use std::sync::atomic::Ordering;

use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter, QueryOrder,
    QuerySelect,
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use super::convert::{from_json, word};
use super::deliveries::DeliveryStatus;
use super::entities::{webhook_deliveries, webhooks};
use super::model::{Dataset, JobId, RowCounts, WorkspaceId};
use super::webhooks::{disable, n_waiting};
use super::{CatalogError, Core, now_us};

/// Deliveries that may wait for one webhook; one more disables it.
const MAX_WAITING: u64 = 10_000;

/// What a webhook can be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum EventKind {
    /// Rows were added.
    Insert,
    /// Rows were changed.
    Update,
    /// Rows were removed.
    Delete,
    /// A load, or what else makes a version by a job, was published.
    LoadFinished,
    /// Such a job failed.
    LoadFailed,
}

impl EventKind {
    /// All of them.
    pub const ALL: [EventKind; 5] = [
        EventKind::Insert,
        EventKind::Update,
        EventKind::Delete,
        EventKind::LoadFinished,
        EventKind::LoadFailed,
    ];
}

/// Something that happened to a dataset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// What.
    pub kind: EventKind,
    /// The dataset's version after it.
    pub version: i64,
    /// Rows that are new.
    pub n_inserted: i64,
    /// Rows that changed.
    pub n_updated: i64,
    /// Rows that are gone.
    pub n_deleted: i64,
    /// The job that did it, if one did.
    pub job: Option<JobId>,
    /// The code of what went wrong, if something did.
    pub error: Option<String>,
    /// When, microseconds since 1970 UTC.
    pub at_us: i64,
}

impl Event {
    /// An event now, with nothing counted.
    pub fn new(kind: EventKind, version: i64) -> Event {
        Event {
            kind,
            version,
            n_inserted: 0,
            n_updated: 0,
            n_deleted: 0,
            job: None,
            error: None,
            at_us: now_us(),
        }
    }

    /// What a job made.
    pub(super) fn loaded(version: i64, counts: &RowCounts, job: JobId) -> Event {
        Event {
            n_inserted: counts.inserted,
            n_updated: counts.updated,
            job: Some(job),
            ..Event::new(EventKind::LoadFinished, version)
        }
    }
}

impl Core {
    /// Whether the picture shows all that was committed before this revision of the workspace.
    pub(super) fn is_next(&self, workspace: WorkspaceId, revision: i64) -> bool {
        self.snapshot(workspace).revision + 1 == revision
    }

    /// Writes an event down for those who are to be told, within the transaction that makes the
    /// change; `is_present` tells whether the picture shows all that was committed before.
    ///
    /// Costs nothing where a dataset has no webhooks. [`Core::wake_webhooks`] belongs behind the
    /// commit.
    pub(super) async fn enqueue_event(
        &self,
        transaction: &DatabaseTransaction,
        workspace: WorkspaceId,
        is_present: bool,
        dataset: &Dataset,
        event: &Event,
    ) -> Result<(), CatalogError> {
        let snapshot = self.snapshot(workspace);
        if is_present && !snapshot.access.webhooked.contains(&dataset.id) {
            return Ok(());
        }
        let mut query = webhooks::Entity::find()
            .filter(webhooks::Column::DatasetId.eq(dataset.id.0.to_string()))
            .filter(webhooks::Column::WorkspaceId.eq(workspace.0.to_string()))
            .filter(webhooks::Column::IsEnabled.eq(true))
            .order_by_asc(webhooks::Column::Id);
        if self.is_postgres() {
            // One event after the other, so that they are numbered in their order.
            query = query.lock_exclusive();
        }
        let mut is_added = false;
        for row in query.all(transaction).await? {
            if !from_json::<Vec<EventKind>>(&row.events)?.contains(&event.kind) {
                continue;
            }
            if row.due_at_us.is_some() && n_waiting(transaction, &row.id).await? >= MAX_WAITING {
                let reason = format!("More than {MAX_WAITING} deliveries waited.");
                disable(transaction, &row.id, &reason).await?;
                continue;
            }
            let id = Uuid::now_v7();
            let body = json!({
                "id": id.to_string(),
                "event": word(event.kind)?,
                "workspace": snapshot.access.name,
                "dataset": dataset.name,
                "version": event.version,
                "counts": {
                    "inserted": event.n_inserted,
                    "updated": event.n_updated,
                    "deleted": event.n_deleted,
                },
                "job": event.job.map(|job| job.0.to_string()),
                "error": event.error,
                "at": instant(event.at_us),
            });
            let kind = word(event.kind)?;
            add_delivery(transaction, &row, id, (kind, body.to_string()), None).await?;
            is_added = true;
        }
        if is_added {
            self.has_events.store(true, Ordering::Release);
        }
        Ok(())
    }

    /// Lets what a committed transaction has written down be sent.
    pub(super) fn wake_webhooks(&self) {
        if self.has_events.swap(false, Ordering::AcqRel) {
            self.wake.notify_one();
        }
    }
}

/// Puts a delivery behind those that wait for a webhook, whose row is locked.
pub(super) async fn add_delivery(
    transaction: &DatabaseTransaction,
    row: &webhooks::Model,
    id: Uuid,
    (event, body): (String, String),
    replay_of: Option<String>,
) -> Result<webhook_deliveries::Model, CatalogError> {
    let now_us = now_us();
    let delivery = webhook_deliveries::ActiveModel {
        number: NotSet,
        id: Set(id.to_string()),
        workspace_id: Set(row.workspace_id.clone()),
        webhook_id: Set(row.id.clone()),
        event: Set(event),
        body: Set(body),
        replay_of: Set(replay_of),
        status: Set(word(DeliveryStatus::Pending)?),
        attempts: Set(0),
        response_status: Set(None),
        error: Set(None),
        created_at_us: Set(now_us),
        first_attempt_at_us: Set(None),
        last_attempt_at_us: Set(None),
        next_try_at_us: Set(None),
        finished_at_us: Set(None),
    };
    let delivery = delivery.insert(transaction).await?;
    webhooks::Entity::update_many()
        .col_expr(webhooks::Column::DueAtUs, Expr::value(now_us))
        .filter(webhooks::Column::Id.eq(&row.id))
        .filter(webhooks::Column::DueAtUs.is_null())
        .exec(transaction)
        .await?;
    Ok(delivery)
}

/// An instant as RFC 3339 text in UTC.
fn instant(micros: i64) -> String {
    jiff::Timestamp::from_microsecond(micros).map_or_else(|_| String::new(), |at| at.to_string())
}
