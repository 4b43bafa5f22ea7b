//! Runs requests: documents over datasets by plans, everything else by async-graphql.
//!
//! The way of a known document is short: complete its variables, take a plan, bind, run, write.
//! The way of a new one begins with the guards, then parsing, then validation against a small
//! schema. A panic or a failure of one request never reaches another.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use async_graphql::dynamic::Schema;
use bytes::Bytes;
use futures_util::future::join_all;
use moka::sync::Cache;
use serde_json::Value as Json;

use super::answer::{self, AnswerError, Data};
use super::catalog_json;
use super::documents::{Documents, KeyRef, KnownDocument};
use super::schema::{self, ValidateOnly};
use crate::auth::{Auth, Principal};
use crate::catalog::Catalog;
use crate::catalog::model::{Dataset, Job, WorkspaceId};
use crate::catalog::snapshot::Snapshot;
use crate::config::Settings;
use crate::error::{Code, Error, Result};
use crate::indexes::Indexer;
use crate::ingest::Ingest;
use crate::query::cache::AnswerCache;
use crate::query::document::Document;
use crate::query::guard;
use crate::query::input::Variables;
use crate::query::plan::{self, Plan, PlanSettings};
use crate::store::Store;

/// Small schemas kept; each costs about 300 KiB.
const SMALL_SCHEMAS: u64 = 64;
/// Time that a whole schema is kept after its last use: it may be large.
const WHOLE_SCHEMA_IDLE: Duration = Duration::from_secs(60);
/// Datasets that one document may name before the whole schema is used to validate it.
const NAMED_DATASETS: usize = 50;

/// One GraphQL request, as it came.
#[derive(Debug, Default)]
pub struct Request {
    /// The document.
    pub query: String,
    /// Which operation of it.
    pub operation_name: Option<String>,
    /// The variables, as JSON text; empty for none.
    pub variables: Box<str>,
    /// Files of a multipart request, already received.
    pub uploads: Vec<Upload>,
    /// Mutations are refused (the request came by GET).
    pub is_read_only: bool,
}

/// A file of a multipart request, already received into a spool file.
#[derive(Clone, Debug)]
pub struct Upload {
    /// Where it stands: `variables.file`, `variables.files.0`.
    pub variable_path: String,
    /// The file's name, a label.
    pub file_name: String,
    /// The spooled bytes.
    pub spooled: PathBuf,
}

/// An answer as bytes.
#[derive(Clone, Debug)]
pub struct Answer {
    /// `{"data":…}` or `{"errors":[…]}` or both, JSON.
    pub body: Bytes,
    /// Whether execution began (there is a `data` entry).
    pub is_executed: bool,
    /// The code of the first error, if any.
    pub first_error: Option<Code>,
    /// Nothing was run because a mutation came by a way that only takes queries.
    pub is_refused_mutation: bool,
}

/// The rooms that resolvers of the catalog's fields work with.
pub(super) struct Services {
    pub(super) catalog: Arc<Catalog>,
    pub(super) store: Arc<Store>,
    pub(super) ingest: Arc<Ingest>,
    pub(super) indexer: Arc<Indexer>,
    #[expect(dead_code, reason = "keys are managed through GraphQL by a later issue")]
    pub(super) auth: Arc<Auth>,
    pub(super) plan_settings: PlanSettings,
    pub(super) statement_timeout: Duration,
}

/// What resolvers of the catalog's fields know of their request.
pub(super) struct RequestContext {
    pub(super) services: Arc<Services>,
    pub(super) principal: Principal,
    uploads: Mutex<Vec<Option<Upload>>>,
}

/// Stands in a variable for the file with this number.
const UPLOAD_MARKER: &str = "#__sluice_upload:";

impl RequestContext {
    /// The file that a marker stands for; each can be taken once.
    pub(super) fn take_upload(&self, marker: &str) -> Option<Upload> {
        let number: usize = marker.strip_prefix(UPLOAD_MARKER)?.parse().ok()?;
        self.uploads.lock().ok()?.get_mut(number)?.take()
    }
}

/// Validates, plans and runs GraphQL operations.
pub struct Engine {
    services: Arc<Services>,
    documents: Documents,
    answers: AnswerCache,
    plan_settings: PlanSettings,
    statement_timeout: Duration,
    small_schemas: Cache<(WorkspaceId, i64, BTreeSet<String>), Schema>,
    whole_schemas: Cache<(WorkspaceId, i64), Schema>,
}

impl Engine {
    /// An engine over these rooms.
    pub fn new(
        catalog: Arc<Catalog>,
        store: Arc<Store>,
        ingest: Arc<Ingest>,
        auth: Arc<Auth>,
        settings: &Settings,
    ) -> Engine {
        let indexer = Indexer::new(Arc::clone(&catalog), Arc::clone(&store), settings);
        Engine {
            services: Arc::new(Services {
                catalog,
                store,
                ingest,
                indexer,
                auth,
                plan_settings: PlanSettings::new(settings),
                statement_timeout: settings.statement_timeout,
            }),
            documents: Documents::new(),
            answers: AnswerCache::new(settings.response_cache_bytes),
            plan_settings: PlanSettings::new(settings),
            statement_timeout: settings.statement_timeout,
            small_schemas: Cache::new(SMALL_SCHEMAS),
            whole_schemas: Cache::builder().max_capacity(8).time_to_idle(WHOLE_SCHEMA_IDLE).build(),
        }
    }

    /// What builds indexes; whoever serves starts it and ends it.
    pub fn indexer(&self) -> &Arc<Indexer> {
        &self.services.indexer
    }

    /// Answers a request. Failures are GraphQL errors in the answer.
    pub async fn execute(
        &self,
        principal: &Principal,
        request: Request,
        request_id: &str,
    ) -> Answer {
        match self.answer(principal, request, request_id).await {
            Ok(answer) => answer,
            Err(error) => answer::refusal(&error, request_id),
        }
    }

    async fn answer(
        &self,
        principal: &Principal,
        request: Request,
        request_id: &str,
    ) -> Result<Answer> {
        let snapshot = self.services.catalog.snapshot(principal.workspace);
        let mut variables = self.read_variables(&request)?;
        let key = KeyRef {
            workspace: principal.workspace,
            schema_revision: snapshot.schema_revision,
            scope: principal.scope,
            operation_name: request.operation_name.as_deref(),
            text: &request.query,
        };
        let (known, is_new) = match self.documents.get(key) {
            Some(known) => (known, false),
            None => {
                let limits = &self.plan_settings.limits;
                let name = request.operation_name.as_deref();
                let document = Document::parse(&request.query, name, limits)?;
                (Arc::new(KnownDocument::new(document)?), true)
            }
        };
        if request.is_read_only && known.document.is_mutation() {
            let error = Error::bad_input("Mutations must be sent by POST, not GET.");
            let answer = answer::refusal(&error, request_id);
            return Ok(Answer { is_refused_mutation: true, ..answer });
        }
        known.complete(&mut variables)?;
        if is_new {
            if let Some(errors) = self.validate(&snapshot, &known, &request, &variables).await? {
                let errors: Vec<_> = errors.iter().map(AnswerError::from_server).collect();
                return Ok(answer::write(Data::None, &errors, request_id));
            }
            self.documents.insert(key, Arc::clone(&known));
        }
        if known.document.is_mutation() {
            return self
                .run_ordinary(principal, &snapshot, &known, request, variables, request_id)
                .await;
        }
        let plan = known.plan(&snapshot, &variables, || {
            let plan = Plan::new(&known.document, &snapshot, &variables, self.plan_settings)?;
            for (dataset, wish, statement) in plan.wishes() {
                self.services.indexer.watch(snapshot.workspace, dataset, wish, statement);
            }
            Ok(plan)
        })?;
        let runs = plan.bind(&snapshot, &variables, Instant::now() + self.statement_timeout)?;
        let store = &self.services.store;
        let answers = match <[_; 1]>::try_from(runs) {
            // The usual case: one root field, no joining of futures.
            Ok([Some(run)]) => vec![Some(self.answers.run(store, run).await)],
            Ok([None]) => vec![None],
            Err(runs) => {
                join_all(runs.into_iter().map(|run| async {
                    match run {
                        Some(run) => Some(self.answers.run(store, run).await),
                        None => None,
                    }
                }))
                .await
            }
        };
        // Until here the snapshot kept the tables from being dropped.
        let ordinary = if plan.is_complete() {
            None
        } else {
            let response = self.respond(principal, &snapshot, &known, request, variables).await?;
            Some(response)
        };
        drop(snapshot);
        Ok(answer::assemble(&plan, answers, ordinary.as_ref(), request_id))
    }

    /// Reads the variables, with markers in the places of uploaded files.
    fn read_variables(&self, request: &Request) -> Result<Variables> {
        let mut variables = match request.variables.trim() {
            "" | "null" => Variables::new(),
            text => {
                guard::check_json(text, &self.plan_settings.limits)?;
                serde_json::from_str(text).map_err(|_| {
                    Error::bad_input(
                        "variables must be a JSON object of the operation's variables.",
                    )
                })?
            }
        };
        for (number, upload) in request.uploads.iter().enumerate() {
            place_upload(&mut variables, &upload.variable_path, number)?;
        }
        Ok(variables)
    }

    /// The validator's errors about a new document, if any.
    async fn validate(
        &self,
        snapshot: &Arc<Snapshot>,
        known: &KnownDocument,
        request: &Request,
        variables: &Variables,
    ) -> Result<Option<Vec<async_graphql::ServerError>>> {
        let schema = self.small_schema(snapshot, &known.document).await?;
        let wanted = graphql_request(known, request, variables.clone()).data(ValidateOnly);
        let response = schema.execute(wanted).await;
        Ok((!response.errors.is_empty()).then_some(response.errors))
    }

    async fn run_ordinary(
        &self,
        principal: &Principal,
        snapshot: &Arc<Snapshot>,
        known: &KnownDocument,
        request: Request,
        variables: Variables,
        request_id: &str,
    ) -> Result<Answer> {
        let response = self.respond(principal, snapshot, known, request, variables).await?;
        Ok(answer::ordinary(&response, request_id))
    }

    /// Lets async-graphql answer the fields of the catalog and introspection.
    async fn respond(
        &self,
        principal: &Principal,
        snapshot: &Arc<Snapshot>,
        known: &KnownDocument,
        mut request: Request,
        variables: Variables,
    ) -> Result<async_graphql::Response> {
        let needs_whole = known
            .document
            .mentioned_names()
            .iter()
            .any(|name| matches!(*name, "__schema" | "__type"));
        let schema = if needs_whole {
            self.whole_schema(snapshot).await?
        } else {
            self.small_schema(snapshot, &known.document).await?
        };
        let uploads = std::mem::take(&mut request.uploads);
        let context = RequestContext {
            services: Arc::clone(&self.services),
            principal: principal.clone(),
            uploads: Mutex::new(uploads.into_iter().map(Some).collect()),
        };
        let wanted = graphql_request(known, &request, variables).data(context);
        Ok(schema.execute(wanted).await)
    }

    /// A schema of the datasets that a document names.
    async fn small_schema(&self, snapshot: &Arc<Snapshot>, document: &Document) -> Result<Schema> {
        let named = named_datasets(snapshot, document);
        if named.len() > NAMED_DATASETS {
            return self.whole_schema(snapshot).await;
        }
        let key = (snapshot.workspace, snapshot.schema_revision, named);
        if let Some(schema) = self.small_schemas.get(&key) {
            return Ok(schema);
        }
        let datasets = key.2.iter().filter_map(|name| snapshot.dataset(name));
        let schema = schema::build(datasets, snapshot).map_err(Error::internal)?;
        self.small_schemas.insert(key, schema.clone());
        Ok(schema)
    }

    /// The schema of all datasets, built off the request path.
    async fn whole_schema(&self, snapshot: &Arc<Snapshot>) -> Result<Schema> {
        let key = (snapshot.workspace, snapshot.schema_revision);
        if let Some(schema) = self.whole_schemas.get(&key) {
            return Ok(schema);
        }
        let snapshot = Arc::clone(snapshot);
        let built =
            tokio::task::spawn_blocking(move || schema::build(snapshot.datasets(), &snapshot));
        let schema = built.await.map_err(Error::internal)?.map_err(Error::internal)?;
        self.whole_schemas.insert(key, schema.clone());
        Ok(schema)
    }

    /// The whole schema of a workspace as SDL.
    ///
    /// # Errors
    /// INTERNAL when the schema cannot be built, which naming excludes.
    pub async fn sdl(&self, principal: &Principal) -> Result<String> {
        let snapshot = self.services.catalog.snapshot(principal.workspace);
        Ok(self.whole_schema(&snapshot).await?.sdl())
    }

    /// A job and what it published, as the upload route shows them.
    pub async fn job_json(&self, principal: &Principal, job: &Job) -> Json {
        let snapshot = self.services.catalog.snapshot(principal.workspace);
        let datasets: Vec<Json> = job
            .datasets
            .iter()
            .filter_map(|id| snapshot.dataset_by_id(*id))
            .map(|dataset| catalog_json::dataset(dataset))
            .collect();
        serde_json::json!({
            "job": catalog_json::job(job),
            "dataset": datasets.first(),
            "datasets": datasets,
            "drift": job.outcome.drift.iter().map(catalog_json::drift).collect::<Json>(),
            "unchanged": job.outcome.is_unchanged,
        })
    }
}

/// A request to async-graphql for a parsed document.
fn graphql_request(
    known: &KnownDocument,
    request: &Request,
    variables: Variables,
) -> async_graphql::Request {
    let mut wanted = async_graphql::Request::new(request.query.as_str())
        .variables(async_graphql::Variables::from_json(Json::Object(variables)));
    if let Some(name) = &request.operation_name {
        wanted = wanted.operation_name(name);
    }
    wanted.set_parsed_query(known.document.parsed.clone());
    wanted
}

/// The datasets whose root fields or types a document mentions.
pub(super) fn named_datasets(snapshot: &Snapshot, document: &Document) -> BTreeSet<String> {
    let mut named = BTreeSet::new();
    for name in document.mentioned_names() {
        if let Some((dataset, _)) = plan::root_field(snapshot, name) {
            named.insert(dataset.name.clone());
        } else if name.starts_with(|first: char| first.is_ascii_uppercase()) {
            // Type names end in known words; the longest dataset whose type begins it is meant.
            let of_type = |dataset: &&Arc<Dataset>| name.starts_with(dataset.type_name.as_str());
            named.extend(snapshot.datasets().filter(of_type).map(|dataset| dataset.name.clone()));
        }
    }
    // Their types speak of those that they are linked with.
    let mut unvisited: Vec<String> = named.iter().cloned().collect();
    while let Some(name) = unvisited.pop() {
        let Some(dataset) = snapshot.dataset(&name) else { continue };
        for link in snapshot.links(dataset.id) {
            let other = snapshot.dataset_by_id(link.other);
            if let Some(other) = other.filter(|other| !named.contains(&other.name)) {
                named.insert(other.name.clone());
                unvisited.push(other.name.clone());
            }
        }
    }
    named
}

/// Puts a marker at a path such as `variables.file` or `variables.files.0`.
fn place_upload(variables: &mut Variables, path: &str, number: usize) -> Result<()> {
    let wrong = || {
        Error::bad_input(format!(
            "The part's path {path:?} must name a variable that is null, such as \"variables.file\"."
        ))
    };
    let mut steps = path.split('.');
    if steps.next() != Some("variables") {
        return Err(wrong());
    }
    let first = steps.next().ok_or_else(wrong)?;
    let mut place = variables.get_mut(first).ok_or_else(wrong)?;
    for step in steps {
        place = match place {
            Json::Object(map) => map.get_mut(step),
            Json::Array(items) => step.parse::<usize>().ok().and_then(|n| items.get_mut(n)),
            _ => None,
        }
        .ok_or_else(wrong)?;
    }
    if !place.is_null() {
        return Err(wrong());
    }
    *place = Json::String(format!("{UPLOAD_MARKER}{number}"));
    Ok(())
}
