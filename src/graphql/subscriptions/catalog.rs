//! Tells of jobs and datasets, by the queries of the catalog that answer the same.

use std::time::Duration;

use async_graphql_value::Name;
use bytes::Bytes;
use serde_json::Value as Json;
use tokio::sync::watch;

use super::rewrite::{argument, as_query};
use super::{Asker, Engine, Step};
use crate::auth::visibility::sees_job;
use crate::catalog::model::{DatasetId, JobId};
use crate::catalog::snapshot::Snapshot;
use crate::error::{Error, Result};
use crate::graphql::answer;
use crate::graphql::catalog_types::parse_job_id;
use crate::graphql::documents::KnownDocument;
use crate::graphql::engine::Request;
use crate::graphql::tag::{Sha, sha_of};
use crate::query::document::Document;
use crate::query::input::Variables;

/// How soon a job that goes on is looked at again; twice as long each time that nothing is new.
const SOONEST: Duration = Duration::from_millis(250);
const LATEST: Duration = Duration::from_secs(2);

/// A query of the catalog that is asked again and again.
struct CatalogQuery {
    known: KnownDocument,
    request: Request,
    variables: Variables,
}

impl CatalogQuery {
    fn new(
        subscription: &Document,
        field: &str,
        request: Request,
        variables: Variables,
    ) -> Result<CatalogQuery> {
        let document = as_query(subscription, |root| root.name.node = Name::new(field))?;
        let known = KnownDocument::new(document, &request.query, sha_of(&request.query))?;
        Ok(CatalogQuery { known, request, variables })
    }

    async fn ask(&self, asker: &Asker) -> Result<Bytes> {
        let Asker { engine, request_id, .. } = asker;
        let principal = asker.principal();
        let snapshot = engine.services.auth.view(principal);
        let request = Request {
            query: self.request.query.clone(),
            operation_name: self.request.operation_name.clone(),
            ..Request::default()
        };
        let variables = self.variables.clone();
        let response = engine.respond(principal, &snapshot, &self.known, request, variables);
        let response = Box::pin(response).await?;
        Ok(answer::ordinary(&response, request_id).body)
    }
}

/// The text of an argument of a subscription's root field.
fn text_argument(document: &Document, name: &str, variables: &Variables) -> String {
    match argument(document, name, variables) {
        Json::String(text) => text,
        Json::Number(number) => number.to_string(),
        _ => String::new(),
    }
}

/// `job(id)`.
pub(super) struct JobNews {
    query: CatalogQuery,
    id: Option<JobId>,
    last: Option<Sha>,
    is_over: bool,
}

impl JobNews {
    pub(super) fn new(
        document: &Document,
        request: Request,
        variables: Variables,
    ) -> Result<JobNews> {
        let id = parse_job_id(&text_argument(document, "id", &variables));
        let query = CatalogQuery::new(document, "job", request, variables)?;
        Ok(JobNews { query, id, last: None, is_over: false })
    }

    /// The job as soon as there is something new of it; nothing once it has ended.
    pub(super) async fn next(&mut self, asker: &Asker) -> Step {
        if self.is_over {
            return Ok(None);
        }
        let unknown = || Error::not_found("There is no job with this id.");
        let id = self.id.ok_or_else(unknown)?;
        let principal = asker.principal();
        let services = &asker.engine.services;
        let mut pause = if self.last.is_none() { Duration::ZERO } else { SOONEST };
        loop {
            // Before it is told: what it is told to be then, it is.
            let job = Box::pin(services.ingest.wait(principal.workspace, id, pause)).await?;
            if !sees_job(principal, &services.auth.view(principal), &job) {
                return Err(unknown().into());
            }
            self.is_over = job.status.is_final();
            let body = self.query.ask(asker).await?;
            let sha = sha_of_bytes(&body);
            if self.last != Some(sha) {
                asker.admit(0, self.last.is_none()).await?;
                self.last = Some(sha);
                return Ok(Some(body));
            }
            if self.is_over {
                return Ok(None);
            }
            pause = (pause * 2).clamp(SOONEST, LATEST);
        }
    }
}

fn sha_of_bytes(bytes: &[u8]) -> Sha {
    use sha2::{Digest, Sha256};
    Sha256::digest(bytes).into()
}

/// `datasetChanged(name)`.
pub(super) struct Changes {
    query: CatalogQuery,
    name: String,
    /// The version that was there last.
    last: Option<(DatasetId, i64)>,
    last_sent: Option<Sha>,
    news: watch::Receiver<()>,
}

impl Changes {
    /// Of the dataset that the subscription names.
    ///
    /// # Errors
    /// NOT_FOUND when the asker sees none of this name.
    pub(super) fn new(
        engine: &Engine,
        snapshot: &Snapshot,
        document: &Document,
        request: Request,
        variables: Variables,
    ) -> Result<Changes> {
        let news = engine.services.catalog.changes();
        let name = text_argument(document, "name", &variables);
        let last = version_of(snapshot, &name);
        if last.is_none() {
            return Err(Error::not_found(format!("There is no dataset named {name:?}.")));
        }
        let query = CatalogQuery::new(document, "dataset", request, variables)?;
        Ok(Changes { query, name, last, last_sent: None, news })
    }

    /// The dataset at its next version; nothing once it is gone.
    pub(super) async fn next(&mut self, asker: &Asker) -> Step {
        let auth = &asker.engine.services.auth;
        loop {
            self.news.borrow_and_update();
            let snapshot = auth.view(asker.principal());
            let now = version_of(&snapshot, &self.name);
            drop(snapshot);
            if now.is_none() {
                return Ok(None);
            }
            if now != self.last {
                asker.admit(0, false).await?;
                let body = self.query.ask(asker).await?;
                self.last = now;
                let sha = sha_of_bytes(&body);
                // It may have been answered with the next version already.
                if self.last_sent.replace(sha) != Some(sha) {
                    return Ok(Some(body));
                }
            }
            if self.news.changed().await.is_err() {
                return Ok(None);
            }
        }
    }
}

fn version_of(snapshot: &Snapshot, name: &str) -> Option<(DatasetId, i64)> {
    let dataset = snapshot.dataset(name)?;
    Some((dataset.id, dataset.version))
}
