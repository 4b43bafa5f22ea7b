//! The end of jobs that failed: those that nobody runs any more, and who is told.
//!
//! It exists beside [`super::jobs`] so that every failure, wherever it is written down, is told to
//! the webhooks of the dataset that it was about, by the same transaction.

use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter};

use super::convert::{self, word};
use super::entities::jobs;
use super::events::{Event, EventKind};
use super::jobs::open_words;
use super::model::{JobId, JobKind, JobStatus, WorkspaceId};
use super::{CatalogError, Core, now_us};

impl Core {
    /// Fails jobs that nobody runs any more.
    pub(super) async fn fail_jobs(
        &self,
        transaction: &DatabaseTransaction,
        condition: Expr,
        (code, message): (&str, &str),
    ) -> Result<(), CatalogError> {
        for row in jobs::Entity::find().filter(condition).all(transaction).await? {
            let failed = jobs::Entity::update_many()
                .set(jobs::ActiveModel {
                    status: Set(word(JobStatus::Failed)?),
                    error_code: Set(Some(code.to_owned())),
                    error_message: Set(Some(message.to_owned())),
                    finished_at_us: Set(Some(now_us())),
                    ..Default::default()
                })
                .filter(jobs::Column::Id.eq(&row.id))
                .filter(jobs::Column::Status.is_in(open_words()?))
                .exec(transaction)
                .await?;
            if failed.rows_affected > 0 {
                self.tell_failure(transaction, &row, code).await?;
            }
        }
        Ok(())
    }

    /// Writes down, for webhooks of the dataset that it was about, that a job failed.
    pub(super) async fn tell_failure(
        &self,
        transaction: &DatabaseTransaction,
        row: &jobs::Model,
        code: &str,
    ) -> Result<(), CatalogError> {
        if row.kind == word(JobKind::Export)? {
            // It was no load.
            return Ok(());
        }
        let workspace = WorkspaceId(convert::parse_uuid(&row.workspace_id)?);
        let snapshot = self.snapshot(workspace);
        let Some(dataset) = snapshot.dataset(&row.dataset_name) else { return Ok(()) };
        let event = Event {
            job: Some(JobId(convert::parse_uuid(&row.id)?)),
            error: Some(code.to_owned()),
            ..Event::new(EventKind::LoadFailed, dataset.version)
        };
        self.enqueue_event(transaction, workspace, false, dataset, &event).await
    }
}
