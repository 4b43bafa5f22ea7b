//! The queue of background work: acknowledged, claimed by a runner, ended, shown.
//!
//! It exists in the catalog so that work survives the process. A job is run by the node whose disk
//! holds its source; jobs of one dataset run one after the other, in the order of acknowledgement.
//! Nothing here reads a file or loads a row.

use std::collections::HashSet;

use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Alias, Expr, ExprTrait, LockBehavior, LockType, OnConflict, Query};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, DatabaseTransaction, EntityTrait, IntoActiveModel, QueryFilter,
    QueryOrder, QuerySelect, QueryTrait, SqlErr,
};

use super::convert::{self, clean, word};
use super::entities::{jobs, sources, workspaces};
use super::model::{Job, JobId, JobKind, JobOutcome, JobStatus, LoadMode, Source, WorkspaceId};
use super::{Catalog, CatalogError, bounded, now_us};

/// How often a job is begun before it counts as the cause of the crashes.
pub const MAX_ATTEMPTS: i64 = 3;
/// A job whose node has not given a sign of life for so long is lost with it.
const LOST_AFTER_US: i64 = 5 * 60 * 1_000_000;

/// A load to be queued.
#[derive(Clone, Debug)]
pub struct NewJob {
    /// Chosen by the caller, so that the spool file can carry it.
    pub id: JobId,
    /// Whose it is.
    pub workspace: WorkspaceId,
    /// What it does.
    pub kind: JobKind,
    /// The name wanted; made legal from the file's name when not given.
    pub dataset_name: String,
    /// The name as given.
    pub dataset_label: String,
    /// How it meets a dataset of that name.
    pub mode: LoadMode,
    /// The bytes.
    pub source: Source,
    /// What the load was asked to do beside its mode, JSON.
    pub options: String,
    /// Given by the caller, so that the same request is carried out once.
    pub request_id: Option<String>,
    /// Who asked for it, as the audit log names him; none for a file of the command line.
    pub created_by: Option<String>,
}

/// A job that this process runs now.
#[derive(Clone, Debug)]
pub struct ClaimedJob {
    /// The id.
    pub id: JobId,
    /// Whose it is.
    pub workspace: WorkspaceId,
    /// What it does.
    pub kind: JobKind,
    /// The how-manieth beginning this is, from 1; proves at the end that it is still ours.
    pub attempt: i64,
    /// The name wanted, legal.
    pub dataset_name: String,
    /// The name as given.
    pub dataset_label: String,
    /// How it meets a dataset of that name.
    pub mode: LoadMode,
    /// The bytes.
    pub source: Source,
    /// What the load was asked to do beside its mode, JSON.
    pub options: String,
    /// Who asked for it.
    pub created_by: Option<String>,
}

impl Catalog {
    /// Acknowledges a load: in one transaction the source's row, if new, and the job's, QUEUED.
    ///
    /// # Errors
    /// When the workspace does not exist or the database is away.
    pub async fn enqueue(&self, job: &NewJob) -> Result<(), CatalogError> {
        bounded(async {
            let transaction = self.core.begin().await?;
            let now_us = now_us();
            let workspace_id = job.workspace.0.to_string();
            let number = next_number(&transaction, &workspace_id).await?;
            let source = sources::ActiveModel {
                workspace_id: Set(workspace_id.clone()),
                sha256: Set(job.source.sha256.clone()),
                file_name: Set(clean(&job.source.file_name)),
                size_bytes: Set(job.source.size_bytes),
                created_at_us: Set(now_us),
            };
            if job.source.is_there() {
                let is_known =
                    OnConflict::columns([sources::Column::WorkspaceId, sources::Column::Sha256])
                        .do_nothing()
                        .to_owned();
                let insert = sources::Entity::insert(source).on_conflict(is_known);
                insert.exec_without_returning(&transaction).await?;
            }
            let row = jobs::ActiveModel {
                id: Set(job.id.0.to_string()),
                workspace_id: Set(workspace_id),
                number: Set(number),
                kind: Set(word(job.kind)?),
                status: Set(word(JobStatus::Queued)?),
                phase: Set(None),
                dataset_name: Set(clean(&job.dataset_name)),
                dataset_label: Set(clean(&job.dataset_label)),
                mode: Set(word(job.mode)?),
                source_sha256: Set(job.source.sha256.clone()),
                source_file_name: Set(clean(&job.source.file_name)),
                source_size_bytes: Set(job.source.size_bytes),
                options: Set(clean(&job.options)),
                error_code: Set(None),
                error_message: Set(None),
                datasets: Set("[]".to_owned()),
                notices: Set("[]".to_owned()),
                row_count: Set(0),
                outcome: Set("{}".to_owned()),
                request_id: Set(job.request_id.as_deref().map(clean)),
                node: Set(self.core.node.clone()),
                heartbeat_at_us: Set(now_us),
                attempts: Set(0),
                is_cancel_asked: Set(false),
                created_at_us: Set(now_us),
                started_at_us: Set(None),
                finished_at_us: Set(None),
                created_by: Set(job.created_by.clone()),
            };
            let made = jobs::Entity::insert(row).exec_without_returning(&transaction).await;
            made.map_err(|error| match error.sql_err() {
                Some(SqlErr::UniqueConstraintViolation(_)) => CatalogError::Changed,
                _ => error.into(),
            })?;
            transaction.commit().await?;
            Ok(())
        })
        .await
    }

    /// The job that a request id was given for, as it was queued.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn job_of_request(
        &self,
        workspace: WorkspaceId,
        request_id: &str,
    ) -> Result<Option<NewJob>, CatalogError> {
        bounded(async {
            let row = jobs::Entity::find()
                .filter(jobs::Column::WorkspaceId.eq(workspace.0.to_string()))
                .filter(jobs::Column::RequestId.eq(clean(request_id)))
                .one(&self.core.read)
                .await?;
            row.map(|row| as_queued(workspace, row)).transpose()
        })
        .await
    }

    /// A job as it was queued, so that it can be queued again.
    ///
    /// # Errors
    /// NotFound; when the database is away.
    pub async fn job_to_repeat(
        &self,
        workspace: WorkspaceId,
        id: JobId,
    ) -> Result<NewJob, CatalogError> {
        bounded(async {
            let row = jobs::Entity::find_by_id(id.0.to_string())
                .filter(jobs::Column::WorkspaceId.eq(workspace.0.to_string()))
                .one(&self.core.read)
                .await?;
            as_queued(workspace, row.ok_or(CatalogError::NotFound)?)
        })
        .await
    }

    /// How many jobs of all workspaces are known in each state.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn job_counts(&self) -> Result<Vec<(JobStatus, i64)>, CatalogError> {
        bounded(async {
            let counted: Vec<(String, i64)> = jobs::Entity::find()
                .select_only()
                .column(jobs::Column::Status)
                .column_as(jobs::Column::Id.count(), "n")
                .group_by(jobs::Column::Status)
                .into_tuple()
                .all(&self.core.read)
                .await?;
            counted.into_iter().map(|(word, n)| Ok((convert::from_word(&word)?, n))).collect()
        })
        .await
    }

    /// Jobs of a workspace, newest first.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn jobs(
        &self,
        workspace: WorkspaceId,
        limit: u64,
        offset: u64,
    ) -> Result<Vec<Job>, CatalogError> {
        bounded(async {
            let rows = jobs::Entity::find()
                .filter(jobs::Column::WorkspaceId.eq(workspace.0.to_string()))
                .order_by_desc(jobs::Column::Number)
                .limit(limit)
                .offset(offset)
                .all(&self.core.read)
                .await?;
            rows.into_iter().map(convert::job).collect()
        })
        .await
    }

    /// One job.
    ///
    /// # Errors
    /// NotFound for one of another workspace too; when the database is away.
    pub async fn job(&self, workspace: WorkspaceId, id: JobId) -> Result<Job, CatalogError> {
        bounded(async {
            let row = jobs::Entity::find_by_id(id.0.to_string())
                .filter(jobs::Column::WorkspaceId.eq(workspace.0.to_string()))
                .one(&self.core.read)
                .await?;
            convert::job(row.ok_or(CatalogError::NotFound)?)
        })
        .await
    }

    /// Takes the oldest job of this node that may begin, an export or another, and marks it RUNNING.
    ///
    /// A job waits while an older one for the same dataset has not ended, but for exports, for which
    /// nobody waits; of several workspaces
    /// the one with the fewest jobs at work is next, so that none waits behind another's pile.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn claim(&self, is_export: bool) -> Result<Option<ClaimedJob>, CatalogError> {
        bounded(async {
            let export = word(JobKind::Export)?;
            let of_kind = match is_export {
                true => jobs::Column::Kind.eq(export),
                false => jobs::Column::Kind.ne(export).and(has_no_older_job()?),
            };
            let transaction = self.core.begin().await?;
            let mut oldest = jobs::Entity::find()
                .filter(jobs::Column::Status.eq(word(JobStatus::Queued)?))
                .filter(jobs::Column::Node.eq(&self.core.node))
                .filter(of_kind)
                .order_by_asc(jobs_at_work()?)
                .order_by_asc(jobs::Column::CreatedAtUs)
                .order_by_asc(jobs::Column::Number)
                .limit(1);
            if self.is_postgres() {
                QueryTrait::query(&mut oldest)
                    .lock_with_behavior(LockType::Update, LockBehavior::SkipLocked);
            }
            let Some(row) = oldest.one(&transaction).await? else {
                return Ok(None);
            };
            let now_us = now_us();
            let attempts = row.attempts + 1;
            let started_at_us = row.started_at_us.or(Some(now_us));
            let mut claimed = row.into_active_model();
            claimed.status = Set(word(JobStatus::Running)?);
            claimed.attempts = Set(attempts);
            claimed.heartbeat_at_us = Set(now_us);
            claimed.started_at_us = Set(started_at_us);
            let row = claimed.update(&transaction).await?;
            transaction.commit().await?;
            Ok(Some(convert::claimed_job(row)?))
        })
        .await
    }

    /// Ends a job that has not ended yet; `error` is its code and a sentence.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn finish_job(
        &self,
        id: JobId,
        status: JobStatus,
        error: Option<(&str, &str)>,
        outcome: &JobOutcome,
    ) -> Result<(), CatalogError> {
        if status == JobStatus::Failed {
            // What is told of rows that were changed before comes first.
            self.core.flush().await?;
        }
        bounded(async {
            let transaction = self.core.begin().await?;
            let ended = jobs::Entity::update_many()
                .set(jobs::ActiveModel {
                    status: Set(word(status)?),
                    outcome: Set(convert::json(outcome)?),
                    error_code: Set(error.map(|(code, _)| code.to_owned())),
                    error_message: Set(error.map(|(_, message)| clean(message))),
                    finished_at_us: Set(Some(now_us())),
                    ..Default::default()
                })
                .filter(jobs::Column::Id.eq(id.0.to_string()))
                .filter(jobs::Column::Status.is_in(open_words()?))
                .exec(&transaction)
                .await?;
            if let (JobStatus::Failed, Some((code, _)), 1) = (status, error, ended.rows_affected) {
                let row = jobs::Entity::find_by_id(id.0.to_string()).one(&transaction).await?;
                if let Some(row) = row {
                    self.core.tell_failure(&transaction, &row, code).await?;
                }
            }
            transaction.commit().await?;
            Ok(())
        })
        .await?;
        self.core.wake_webhooks();
        Ok(())
    }

    /// Puts a running job of this node back into the queue, to be begun again, unless somebody
    /// asked for its end; `counts` tells whether this beginning is one of the [`MAX_ATTEMPTS`].
    ///
    /// # Errors
    /// When the database is away.
    pub async fn requeue(&self, id: JobId, counts: bool) -> Result<(), CatalogError> {
        bounded(async {
            jobs::Entity::update_many()
                .col_expr(jobs::Column::Status, Expr::value(word(JobStatus::Queued)?))
                .col_expr(
                    jobs::Column::Attempts,
                    Expr::col(jobs::Column::Attempts).sub(i64::from(!counts)),
                )
                .filter(jobs::Column::Id.eq(id.0.to_string()))
                .filter(jobs::Column::Node.eq(&self.core.node))
                .filter(jobs::Column::Status.eq(word(JobStatus::Running)?))
                .filter(jobs::Column::IsCancelAsked.eq(false))
                .exec(&self.core.write)
                .await?;
            Ok(())
        })
        .await
    }

    /// Takes up what a crash of this node left RUNNING: back into the queue, FAILED after too many
    /// beginnings, or CANCELLED if that was asked. Gives the ids of the jobs that wait now.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn recover_jobs(&self) -> Result<Vec<JobId>, CatalogError> {
        bounded(async {
            let transaction = self.core.begin().await?;
            let left = jobs::Entity::update_many()
                .filter(jobs::Column::Node.eq(&self.core.node))
                .filter(jobs::Column::Status.eq(word(JobStatus::Running)?));
            left.clone()
                .set(jobs::ActiveModel {
                    status: Set(word(JobStatus::Cancelled)?),
                    finished_at_us: Set(Some(now_us())),
                    ..Default::default()
                })
                .filter(jobs::Column::IsCancelAsked.eq(true))
                .exec(&transaction)
                .await?;
            let message = format!(
                "Sluice ended {MAX_ATTEMPTS} times while it loaded this file. Give the job's id to your operator."
            );
            let is_lost = jobs::Column::Node
                .eq(&self.core.node)
                .and(jobs::Column::Status.eq(word(JobStatus::Running)?))
                .and(jobs::Column::Attempts.gte(MAX_ATTEMPTS));
            self.core.fail_jobs(&transaction, is_lost, ("INTERNAL", &message)).await?;
            left.col_expr(jobs::Column::Status, Expr::value(word(JobStatus::Queued)?))
                .exec(&transaction)
                .await?;
            let waiting: Vec<String> = jobs::Entity::find()
                .select_only()
                .column(jobs::Column::Id)
                .filter(jobs::Column::Node.eq(&self.core.node))
                .filter(jobs::Column::Status.eq(word(JobStatus::Queued)?))
                .into_tuple()
                .all(&transaction)
                .await?;
            transaction.commit().await?;
            waiting.iter().map(|id| Ok(JobId(convert::parse_uuid(id)?))).collect()
        })
        .await
    }

    /// Gives a sign of life for this node's jobs and fails those of nodes that are gone; tells
    /// which running jobs of this node somebody wants to end.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn beat(&self) -> Result<Vec<JobId>, CatalogError> {
        bounded(async {
            let now_us = now_us();
            jobs::Entity::update_many()
                .col_expr(jobs::Column::HeartbeatAtUs, Expr::value(now_us))
                .filter(jobs::Column::Node.eq(&self.core.node))
                .filter(jobs::Column::Status.is_in(open_words()?))
                .exec(&self.core.write)
                .await?;
            let is_lost = jobs::Column::Node
                .ne(&self.core.node)
                .and(jobs::Column::Status.is_in(open_words()?))
                .and(jobs::Column::HeartbeatAtUs.lt(now_us - LOST_AFTER_US));
            let message = "The server that received this file is gone. Send the file again.";
            let transaction = self.core.begin().await?;
            self.core.fail_jobs(&transaction, is_lost, ("STORAGE_UNAVAILABLE", message)).await?;
            transaction.commit().await?;
            self.core.wake_webhooks();
            let asked: Vec<String> = jobs::Entity::find()
                .select_only()
                .column(jobs::Column::Id)
                .filter(jobs::Column::Node.eq(&self.core.node))
                .filter(jobs::Column::Status.eq(word(JobStatus::Running)?))
                .filter(jobs::Column::IsCancelAsked.eq(true))
                .into_tuple()
                .all(&self.core.read)
                .await?;
            asked.iter().map(|id| Ok(JobId(convert::parse_uuid(id)?))).collect()
        })
        .await
    }

    /// Ends a queued job at once, and asks the runner to end a running one.
    ///
    /// # Errors
    /// NotFound; when the database is away.
    pub async fn cancel_job(&self, workspace: WorkspaceId, id: JobId) -> Result<(), CatalogError> {
        bounded(async {
            let transaction = self.core.begin().await?;
            let this = jobs::Entity::update_many()
                .filter(jobs::Column::Id.eq(id.0.to_string()))
                .filter(jobs::Column::WorkspaceId.eq(workspace.0.to_string()));
            this.clone()
                .set(jobs::ActiveModel {
                    status: Set(word(JobStatus::Cancelled)?),
                    finished_at_us: Set(Some(now_us())),
                    ..Default::default()
                })
                .filter(jobs::Column::Status.eq(word(JobStatus::Queued)?))
                .exec(&transaction)
                .await?;
            let known = this
                .col_expr(jobs::Column::IsCancelAsked, Expr::value(true))
                .exec(&transaction)
                .await?;
            transaction.commit().await?;
            if known.rows_affected == 0 { Err(CatalogError::NotFound) } else { Ok(()) }
        })
        .await
    }

    /// When the oldest job that runs on any node began, microseconds since 1970 UTC.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn oldest_running_us(&self) -> Result<Option<i64>, CatalogError> {
        bounded(async {
            let oldest = jobs::Entity::find()
                .filter(jobs::Column::Status.eq(word(JobStatus::Running)?))
                .order_by_asc(jobs::Column::StartedAtUs)
                .one(&self.core.read)
                .await?;
            Ok(oldest.and_then(|job| job.started_at_us))
        })
        .await
    }

    /// SHA-256 of every source that a workspace keeps.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn sources(&self) -> Result<HashSet<String>, CatalogError> {
        self.find_sources(None).await
    }

    /// Names of the sources that a workspace keeps.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn sources_of(
        &self,
        workspace: WorkspaceId,
    ) -> Result<HashSet<String>, CatalogError> {
        self.find_sources(Some(workspace)).await
    }

    async fn find_sources(
        &self,
        workspace: Option<WorkspaceId>,
    ) -> Result<HashSet<String>, CatalogError> {
        bounded(async {
            let mut found = sources::Entity::find();
            if let Some(workspace) = workspace {
                found = found.filter(sources::Column::WorkspaceId.eq(workspace.0.to_string()));
            }
            let all: Vec<String> = found
                .select_only()
                .column(sources::Column::Sha256)
                .into_tuple()
                .all(&self.core.read)
                .await?;
            Ok(all.into_iter().collect())
        })
        .await
    }
}

/// A job as it was queued, without its request id.
fn as_queued(workspace: WorkspaceId, row: jobs::Model) -> Result<NewJob, CatalogError> {
    let job = convert::claimed_job(row)?;
    Ok(NewJob {
        id: job.id,
        workspace,
        kind: job.kind,
        dataset_name: job.dataset_name,
        dataset_label: job.dataset_label,
        mode: job.mode,
        source: job.source,
        options: job.options,
        request_id: None,
        created_by: job.created_by,
    })
}

pub(super) fn open_words() -> Result<[String; 2], CatalogError> {
    Ok([word(JobStatus::Queued)?, word(JobStatus::Running)?])
}

/// No older job for the same dataset waits or runs.
fn has_no_older_job() -> Result<Expr, CatalogError> {
    let older = Alias::new("older");
    let same =
        |column: jobs::Column| Expr::col((older.clone(), column)).equals((jobs::Entity, column));
    let olders = Query::select()
        .expr(Expr::value(1))
        .from_as(jobs::Entity, older.clone())
        .and_where(same(jobs::Column::WorkspaceId))
        .and_where(same(jobs::Column::DatasetName))
        .and_where(Expr::col((older.clone(), jobs::Column::Status)).is_in(open_words()?))
        .and_where(Expr::col((older.clone(), jobs::Column::Kind)).ne(word(JobKind::Export)?))
        .and_where(
            Expr::col((older.clone(), jobs::Column::Number))
                .lt(Expr::col((jobs::Entity, jobs::Column::Number))),
        )
        .to_owned();
    Ok(Expr::exists(olders).not())
}

/// How many jobs of the same workspace run.
fn jobs_at_work() -> Result<Expr, CatalogError> {
    let at_work = Alias::new("at_work");
    let workspace = Expr::col((at_work.clone(), jobs::Column::WorkspaceId));
    let count = Query::select()
        .expr(Expr::col((at_work.clone(), jobs::Column::Id)).count())
        .from_as(jobs::Entity, at_work.clone())
        .and_where(workspace.equals((jobs::Entity, jobs::Column::WorkspaceId)))
        .and_where(Expr::col((at_work, jobs::Column::Status)).eq(word(JobStatus::Running)?))
        .to_owned();
    Ok(Expr::SubQuery(None, Box::new(count.into())))
}

/// The next number in the workspace's order of acknowledgement; locks the workspace's row.
async fn next_number(
    transaction: &DatabaseTransaction,
    workspace_id: &str,
) -> Result<i64, CatalogError> {
    workspaces::Entity::update_many()
        .col_expr(
            workspaces::Column::LastJobNumber,
            Expr::col(workspaces::Column::LastJobNumber).add(1),
        )
        .filter(workspaces::Column::Id.eq(workspace_id))
        .exec(transaction)
        .await?;
    let workspace = workspaces::Entity::find_by_id(workspace_id).one(transaction).await?;
    Ok(workspace.ok_or(CatalogError::NotFound)?.last_job_number)
}
