//! `GET /export/jobs/{id}`: the file that an export has made, whole or in parts (RFC 9110, 14).
//!
//! It is for whoever asked for it and for admins, as long as they are shown what they were shown
//! when it was made.

use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use tower_http::services::ServeFile;

use super::{AppState, Asker, problem};
use crate::auth::visibility::{sees_job, sight_of};
use crate::catalog::model::{Job, JobId, JobKind, JobStatus};
use crate::catalog::now_us;
use crate::error::{Code, Error, Result};
use crate::export::Format;
use crate::http::gate::record;

/// What the audit log calls it.
const ACTION: &str = "export";

pub(super) async fn get(
    State(app): AppState,
    Path(id): Path<String>,
    request: Request,
) -> Response {
    let work = async {
        let headers = request.headers().clone();
        let asker = Asker::admit(&app, &headers).await?;
        let answered = asker.file(&id, request).await;
        let code = answered.as_ref().err().map(|error| error.code);
        record(&app, &headers, &asker.principal, ACTION, Some(&id), code);
        Ok(answered?)
    };
    work.await.unwrap_or_else(problem)
}

impl Asker<'_> {
    async fn file(&self, id: &str, request: Request) -> Result<Response> {
        let app = self.app;
        let unknown = || Error::not_found("There is no export with this id.");
        let id = uuid::Uuid::try_parse(id).map(JobId).map_err(|_| unknown())?;
        let job = app.ingest.job(self.principal.workspace, id).await?;
        let snapshot = app.auth.view(&self.principal);
        if job.kind != JobKind::Export || !sees_job(&self.principal, &snapshot, &job) {
            return Err(unknown());
        }
        let Some(file) = job.outcome.file.clone() else { return Err(not_there(&job)) };
        let gone = || {
            Error::not_found(
                "The file is gone: it was kept for the time of the setting export.keep, on the server that made it. Export again.",
            )
        };
        if file.expires_at_us <= now_us() {
            return Err(gone());
        }
        let dataset = snapshot.dataset(&job.dataset_name).ok_or_else(unknown)?;
        if !self.principal.is_admin()
            && sight_of(&self.principal, &snapshot, &file.reads) != file.sight
        {
            return Err(Error::new(
                Code::Forbidden,
                format!(
                    "What this key is shown of {:?} has changed since the file was made. Export again.",
                    dataset.name
                ),
            ));
        }
        let path = app.ingest.exported(id);
        if !tokio::fs::try_exists(&path).await.unwrap_or(false) {
            return Err(gone());
        }
        let content_type = Format::of_file(&file.name)
            .map_or("application/octet-stream", |(_, it)| it.content_type());
        let served = ServeFile::new(path).try_call(request).await.map_err(Error::unavailable)?;
        let mut response = served.map(Body::new).into_response();
        let headers = response.headers_mut();
        // It never changes.
        let tag = format!("\"{}\"", id.0.simple());
        let disposition = format!("attachment; filename=\"{}\"", file.name);
        for (name, value) in [
            (header::CONTENT_TYPE, content_type),
            (header::CACHE_CONTROL, "private, no-cache"),
            (header::ETAG, &tag),
            (header::CONTENT_DISPOSITION, &disposition),
        ] {
            headers.insert(name, HeaderValue::from_str(value).map_err(Error::internal)?);
        }
        Ok(response)
    }
}

/// Why an export has no file.
fn not_there(job: &Job) -> Error {
    match (job.status, &job.error) {
        (JobStatus::Failed, Some((code, message))) => {
            let code = Code::from_wire(code).unwrap_or(Code::Internal);
            Error::new(code, message.clone())
        }
        (JobStatus::Cancelled, _) => Error::new(Code::Conflict, "The export was cancelled."),
        _ => Error::new(
            Code::Conflict,
            "The file is not made yet. Look at the job, and come when it has SUCCEEDED.",
        ),
    }
}
