//! Runs requests: documents over datasets by plans, everything else by async-graphql.
//!
//! The way of a known document is short: complete its variables, take a plan, bind, run, write.
//! The way of a new one begins with the guards, then parsing, then validation against a small
//! schema. A panic or a failure of one request never reaches another.

use std::cell::OnceCell;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use serde_json::Value as Json;

use super::answer;
use super::catalog_json;
use super::documents::{Documents, KnownDocument};
use super::ledger::{self, Ledger};
use super::persisted::{DocumentName, Persisted};
use super::prepare::{Prepared, Unprepared};
use super::saved_judge::Judge;
use super::schemas::Schemas;
use super::server::Facts;
use super::slow::{SlowLog, Stopwatch};
use super::subscriptions::{self, Subscriptions};
use super::tag::{Question, Tag};
use super::together::{Answers, Together};
use super::told::{tell_document, tell_reading};
use super::writes::{self, Asked};
use super::{manifest, trusted};
use crate::auth::visibility::sees_job;
use crate::auth::{Auth, Class, Principal, Rates};
use crate::catalog::Catalog;
use crate::catalog::model::{Dataset, Job, Scope, UploadBounds};
use crate::catalog::snapshot::Snapshot;
use crate::catalog::view::SeenRows;
use crate::config::{DocumentMode, Introspection, QueryLimits, Settings, WebhookSettings};
use crate::error::{Code, Error, Result, Standing};
use crate::indexes::Indexer;
use crate::ingest::Ingest;
use crate::ops::metrics::{Metrics, OperationClass};
use crate::query::cache::{AnswerCache, CacheFigures};
use crate::query::document::Document;
use crate::query::input::Variables;
use crate::query::plan::{self, Bound, Plan, PlanSettings};
use crate::store::Store;
use crate::write::Writer;

/// One GraphQL request, as it came.
#[derive(Debug, Default)]
pub struct Request {
    /// The document; empty when it is only named.
    pub query: String,
    /// How the document is named.
    pub document: Option<DocumentName>,
    /// Which operation of it.
    pub operation_name: Option<String>,
    /// The variables, as JSON text; empty for none.
    pub variables: Box<str>,
    /// Files of a multipart request, already received.
    pub uploads: Vec<Upload>,
    /// Mutations are refused (the request came by GET).
    pub is_read_only: bool,
    /// The answer shall tell what came from memory and what it cost.
    pub shows_cache: bool,
    /// Answers that the client has.
    pub known_tags: Vec<Tag>,
    /// Where it came from, for the audit log.
    pub address: Option<IpAddr>,
    /// It is a live query that is answered once more: who it is sent to is charged and written
    /// down elsewhere.
    pub is_live: bool,
    /// It is a saved query: an admin has let it be run.
    pub is_saved: bool,
    /// The plan is wanted with the answer.
    pub wants_plan: bool,
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
    /// Whether a client may keep it.
    pub keeping: Keeping,
    /// How the client stands with the limit that the operation itself met, if it met one.
    pub standing: Option<Standing>,
    /// What was run, if that was wanted.
    pub plan: Option<Arc<Plan>>,
    /// Cells that it may have.
    pub(super) cost: u64,
}

/// Whether a client may keep an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Keeping {
    /// It must not: it failed, changed something, or tells of this one request.
    #[default]
    Never,
    /// It may, and ask by this tag whether it still holds.
    Tagged(Tag),
    /// It has it already: this is the tag, the body is empty.
    Unchanged(Tag),
}

/// The rooms that resolvers of the catalog's fields work with.
pub(super) struct Services {
    pub(super) catalog: Arc<Catalog>,
    pub(super) store: Arc<Store>,
    pub(super) ingest: Arc<Ingest>,
    pub(super) indexer: Arc<Indexer>,
    pub(super) schemas: Schemas,
    pub(super) documents: Documents,
    pub(super) answers: AnswerCache,
    pub(super) auth: Arc<Auth>,
    pub(super) writer: Arc<Writer>,
    pub(super) is_one_transaction: bool,
    pub(super) plan_settings: PlanSettings,
    pub(super) statement_timeout: Duration,
    pub(super) query_limits: QueryLimits,
    pub(super) max_documents_bytes: usize,
    pub(super) webhooks: WebhookSettings,
    pub(super) facts: Facts,
    pub(super) slow: SlowLog,
}

/// What resolvers of the catalog's fields know of their request.
pub(super) struct RequestContext {
    pub(super) services: Arc<Services>,
    pub(super) principal: Arc<Principal>,
    uploads: Mutex<Vec<Option<Upload>>>,
}

/// The mutation that looks at a file.
pub(super) const INSPECT_FIELD: &str = "inspect";
/// What asking for the schema weighs, as cells of rows.
const INTROSPECTION_CELLS: u64 = 20_000;
/// Stands in a variable for the file with this number.
pub(super) const UPLOAD_MARKER: &str = "#__sluice_upload:";

impl RequestContext {
    /// What the principal sees of its workspace now.
    pub(super) fn snapshot(&self) -> Arc<Snapshot> {
        self.services.auth.view(&self.principal)
    }

    /// Whether the principal may see a job: what it makes, or made, must be shown whole.
    pub(super) fn sees_job(&self, job: &Job) -> bool {
        sees_job(&self.principal, &self.snapshot(), job)
    }

    /// Into which datasets the principal may load.
    pub(super) fn upload_bounds(&self) -> UploadBounds {
        self.services.auth.upload_bounds(&self.principal)
    }

    /// Rows of a dataset that the principal sees.
    ///
    /// # Errors
    /// When the store cannot count them.
    pub(super) async fn row_count(&self, dataset: &Dataset) -> Result<i64> {
        let snapshot = self.snapshot();
        let is_filtered =
            snapshot.part(dataset.id).is_some_and(|part| !matches!(part.rows, SeenRows::All));
        if !is_filtered {
            return Ok(dataset.row_count);
        }
        let variables: Variables = self.principal.claim_variables().collect();
        let settings = &self.services.plan_settings;
        let deadline = Instant::now() + self.services.statement_timeout;
        let run = plan::count(&snapshot, dataset.id, &variables, settings, deadline)?;
        let counted = self.services.store.run(run).await?;
        let counted: Json = serde_json::from_slice(&counted).map_err(Error::internal)?;
        let number = counted.pointer("/aggregate/count").and_then(Json::as_i64);
        number.ok_or_else(|| Error::internal("a count that is no number"))
    }

    /// The file that a marker stands for; each can be taken once.
    pub(super) fn take_upload(&self, marker: &str) -> Option<Upload> {
        let number: usize = marker.strip_prefix(UPLOAD_MARKER)?.parse().ok()?;
        self.uploads.lock().ok()?.get_mut(number)?.take()
    }
}

/// What was read for a query.
struct Read {
    plan: Arc<Plan>,
    /// What it was read of.
    snapshot: Arc<Snapshot>,
    answers: Answers,
    /// Cells that it may answer.
    cost: u64,
    standing: Option<Standing>,
    tag: Option<Tag>,
    known_tags: Vec<Tag>,
}

/// Validates, plans and runs GraphQL operations.
pub struct Engine {
    pub(super) services: Arc<Services>,
    pub(super) plan_settings: PlanSettings,
    pub(super) statement_timeout: Duration,
    pub(super) persisted: Persisted,
    pub(super) introspection: Introspection,
    pub(super) rates: Arc<Rates>,
    pub(super) metrics: Arc<Metrics>,
    pub(super) subscriptions: Subscriptions,
}

impl Engine {
    /// An engine over these rooms; must be made where tasks can be started.
    pub fn new(
        catalog: Arc<Catalog>,
        store: Arc<Store>,
        ingest: Arc<Ingest>,
        auth: Arc<Auth>,
        rates: Arc<Rates>,
        metrics: Arc<Metrics>,
        settings: &Settings,
    ) -> Engine {
        let indexer = Indexer::new(Arc::clone(&catalog), Arc::clone(&store), settings);
        let plan_settings = PlanSettings::new(settings, auth.cursor_keys(), auth.mask_key());
        let writer =
            Writer::new(Arc::clone(&catalog), Arc::clone(&store), plan_settings.clone(), settings);
        let store_of_slow = Arc::clone(&store);
        let engine = Engine {
            persisted: Persisted::new(Arc::clone(&catalog), settings),
            services: Arc::new(Services {
                catalog,
                store,
                ingest,
                indexer,
                schemas: Schemas::new(!settings.is_production()),
                documents: Documents::new(),
                answers: AnswerCache::new(settings.response_cache_bytes),
                auth,
                writer: Arc::new(writer),
                is_one_transaction: settings.mutation_transaction,
                plan_settings: plan_settings.clone(),
                statement_timeout: settings.statement_timeout,
                query_limits: settings.query_limits,
                max_documents_bytes: settings.max_documents_bytes,
                webhooks: settings.webhooks,
                facts: Facts::new(settings),
                slow: SlowLog::new(settings.slow_after, store_of_slow),
            }),
            plan_settings,
            statement_timeout: settings.statement_timeout,
            introspection: settings.introspection,
            rates,
            metrics,
            subscriptions: Subscriptions::new(settings),
        };
        let services = Arc::downgrade(&engine.services);
        engine.services.catalog.set_judge(Arc::new(Judge { services }));
        engine
    }

    /// What became of questions, and what is kept of their answers.
    pub async fn cache_figures(&self) -> CacheFigures {
        self.services.answers.figures().await
    }

    /// Documents whose plans are kept.
    pub fn n_documents(&self) -> u64 {
        self.services.documents.len()
    }

    /// Subscriptions that are served now.
    pub fn n_subscriptions(&self) -> usize {
        self.subscriptions.n_taken()
    }

    /// Mutations of rows that are at work, and those among them that wait for others.
    pub fn n_mutations(&self) -> (usize, usize) {
        (self.services.writer.n_at_work(), self.services.writer.n_waiting())
    }

    /// What builds indexes; whoever serves starts it and ends it.
    pub fn indexer(&self) -> &Arc<Indexer> {
        &self.services.indexer
    }

    /// Takes what a running server can of new settings.
    pub fn reload(&self, settings: &Settings) {
        self.services.slow.set_threshold(settings.slow_after);
        self.services.facts.set(settings);
    }

    /// Waits for mutations whose client has left, once no more requests come.
    pub async fn finish(&self) {
        self.services.writer.finish().await;
    }

    /// Answers a request. Failures are GraphQL errors in the answer.
    pub async fn execute(
        &self,
        principal: &Arc<Principal>,
        request: Request,
        request_id: &str,
    ) -> Answer {
        let answer = match self.answer(principal, request, request_id).await {
            Ok(answer) => answer,
            Err(error) => answer::refusal(&error, request_id),
        };
        if let Some(code) = answer.first_error {
            self.metrics.failed(code);
        }
        answer
    }

    pub(super) async fn answer(
        &self,
        principal: &Arc<Principal>,
        mut request: Request,
        request_id: &str,
    ) -> Result<Answer> {
        let began = Instant::now();
        let snapshot = self.services.auth.view(principal);
        let prepared = self.prepare(principal, &snapshot, &mut request, request_id).await;
        let Prepared { known, mut variables, sha } = match prepared {
            Ok(prepared) => prepared,
            Err(Unprepared::Error(error)) => return Err(error),
            Err(Unprepared::Answered(answer)) => return Ok(*answer),
        };
        tell_document(&known);
        let stopwatch = Stopwatch {
            log: &self.services.slow,
            metrics: &self.metrics,
            class: match (request.is_live, known.document.is_mutation()) {
                (true, _) => OperationClass::Live,
                (false, true) => OperationClass::Mutation,
                (false, false) => OperationClass::Query,
            },
            began,
            principal,
            known: Arc::clone(&known),
            plan: OnceCell::new(),
            runs: OnceCell::new(),
            request_id,
        };
        if request.is_read_only && known.document.is_mutation() {
            let error = Error::bad_input("Mutations must be sent by POST, not GET.");
            let answer = answer::refusal(&error, request_id);
            return Ok(Answer { is_refused_mutation: true, ..answer });
        }
        if known.document.is_subscription() && !request.is_live {
            return Err(subscriptions::needs_a_stream());
        }
        let act = Ledger::new(&self.services, principal, &request, request_id);
        if known.document.is_mutation() {
            let n_fields = u32::try_from(known.document.root_fields().count()).unwrap_or(u32::MAX);
            let standing = self.rates.charge(principal, Class::Write, n_fields)?;
            let targets = ledger::targets(&known.document, &variables, &snapshot);
            if writes::is_of_rows(&known.document, &snapshot)? {
                let asked = Asked { services: &self.services, principal, request: &request, sha };
                let written = Box::pin(asked.write(&known, variables, request_id)).await;
                act.wrote(&known.document, &targets, written.first_error);
                return Ok(Answer { standing, ..written });
            }
            let response =
                Box::pin(self.respond(principal, &snapshot, &known, request, variables)).await?;
            act.done(&known.document, &targets, &response.errors);
            return Ok(Answer { standing, ..answer::ordinary(&response, request_id) });
        }
        let is_live = request.is_live;
        if !is_live {
            act.read(&known.document, &snapshot);
        }
        if snapshot.view.is_some() {
            // Last, so that none of these can be given from outside.
            variables.extend(principal.claim_variables());
        }
        let plan = known.plan(&snapshot, &variables, || {
            let settings = self.plan_settings.clone();
            let mut plan = Plan::new(&known.document, &snapshot, &variables, settings)?;
            let read = plan.datasets().map(|id| self.services.catalog.read_counter(id));
            plan.counters = read.collect();
            // Values that are shown changed are in no index.
            let is_masked = |id| snapshot.part(id).is_some_and(|part| !part.masks.is_empty());
            for (dataset, wish, statement) in plan.wishes().filter(|(id, ..)| !is_masked(*id)) {
                self.services.indexer.watch(snapshot.workspace, dataset, wish, statement);
            }
            Ok(plan)
        })?;
        for counter in &plan.counters {
            counter.fetch_add(1, Ordering::Relaxed);
        }
        // Told if it takes long.
        let _ = stopwatch.plan.set(Arc::clone(&plan));
        let known_tags = std::mem::take(&mut request.known_tags);
        let mut tag = None;
        if plan.is_complete() && !request.shows_cache {
            let question = Question {
                principal,
                snapshot: &snapshot,
                document: &sha,
                operation_name: request.operation_name.as_deref(),
                variables: &request.variables,
                cursor_keys: &self.plan_settings.cursor_keys,
                default_limit: self.plan_settings.default_limit,
                max_limit: self.plan_settings.max_limit,
            };
            // Before values are looked at: only an answer to the same ones had this tag.
            let made = question.tag(&plan);
            if known_tags.contains(&made) {
                return Ok(Answer::unchanged(made));
            }
            tag = Some(made);
        }
        let deadline = Instant::now() + self.statement_timeout;
        let Bound { runs, cost } = plan.bind(&snapshot, &variables, deadline)?;
        stopwatch.note_runs(&runs);
        // What a query weighs is known before anything runs.
        let is_told = known.document.introspects();
        let n_cells = if is_told { cost.saturating_add(INTROSPECTION_CELLS) } else { cost };
        let standing = match is_live {
            false => self.rates.charge_cells(principal, n_cells)?,
            true => None,
        };
        let Services { store, answers, .. } = &*self.services;
        let together = Together {
            services: &self.services,
            principal,
            plan: &plan,
            variables: &variables,
            deadline,
        };
        let is_one_table = matches!(runs.as_slice(), [Some(run)] if run.tables.len() == 1);
        if !is_one_table && together.is_needed(&runs) {
            let run = Box::pin(together.run(Arc::clone(&snapshot), runs));
            let (present, found) = run.await?;
            // The tag names the versions that were answered.
            tag = tag.filter(|_| Arc::ptr_eq(&present, &snapshot));
            let read =
                Read { plan, snapshot: present, answers: found, cost, standing, tag, known_tags };
            return self.tell(principal, &known, request, variables, read, request_id).await;
        }
        let answers = match <[_; 1]>::try_from(runs) {
            // The usual case: one root field, no joining of futures.
            Ok([Some(run)]) => vec![Some(answers.run(store, run).await)],
            Ok([None]) => vec![None],
            Err(runs) => Box::pin(together.run_each(runs)).await,
        };
        let read = Read { plan, snapshot, answers, cost, standing, tag, known_tags };
        self.tell(principal, &known, request, variables, read, request_id).await
    }

    /// Puts the answer of a query together from what was read.
    async fn tell(
        &self,
        principal: &Arc<Principal>,
        known: &KnownDocument,
        request: Request,
        variables: Variables,
        read: Read,
        request_id: &str,
    ) -> Result<Answer> {
        let Read { plan, snapshot, answers, cost, standing, tag, known_tags } = read;
        tell_reading(cost, &answers);
        let shows_cache = request.shows_cache;
        let wanted = request.wants_plan.then(|| Arc::clone(&plan));
        // Until here the snapshot kept the tables from being dropped.
        let ordinary = if plan.is_complete() {
            None
        } else {
            let response =
                Box::pin(self.respond(principal, &snapshot, known, request, variables)).await?;
            Some(response)
        };
        drop(snapshot);
        let shown = shows_cache.then(|| answer::shown(&plan, &answers, cost));
        let answer =
            answer::assemble(&plan, answers, ordinary.as_ref(), shown.as_deref(), request_id);
        let answer = Answer { standing, cost, plan: wanted, ..answer };
        if shows_cache || answer.first_error.is_some() {
            return Ok(answer);
        }
        // The catalog's own fields change without a version: their answers are told by their bytes.
        let tag = tag.unwrap_or_else(|| Tag::of_bytes(&answer.body));
        if known_tags.contains(&tag) {
            return Ok(Answer::unchanged(tag));
        }
        Ok(Answer { keeping: Keeping::Tagged(tag), ..answer })
    }

    /// Whether an operation does nothing with its files but look at them.
    pub fn only_inspects(&self, request: &Request) -> bool {
        let (name, limits) = (request.operation_name.as_deref(), &self.plan_settings.limits);
        Document::parse(&request.query, name, limits).is_ok_and(|document| {
            let mut fields = document.root_fields().map(|field| field.name.node.as_str());
            document.is_mutation() && fields.all(|name| name == INSPECT_FIELD)
        })
    }

    /// Lets async-graphql answer the fields of the catalog and introspection.
    pub(super) async fn respond(
        &self,
        principal: &Arc<Principal>,
        snapshot: &Arc<Snapshot>,
        known: &KnownDocument,
        mut request: Request,
        variables: Variables,
    ) -> Result<async_graphql::Response> {
        let introspects = known.document.introspects();
        let schema = if introspects {
            self.services.schemas.whole(snapshot, principal.scope).await?
        } else {
            let schemas = &self.services.schemas;
            schemas.small(snapshot, principal.scope, &request.query, &variables).await?
        };
        let uploads = std::mem::take(&mut request.uploads);
        let context = RequestContext {
            services: Arc::clone(&self.services),
            principal: Arc::clone(principal),
            uploads: Mutex::new(uploads.into_iter().map(Some).collect()),
        };
        let wanted = graphql_request(known, &request, variables).data(context);
        if !introspects {
            return Ok(schema.execute(wanted).await);
        }
        // Many types take long to tell; others are answered meanwhile.
        let runtime = tokio::runtime::Handle::current();
        let telling = tokio::task::spawn_blocking(move || runtime.block_on(schema.execute(wanted)));
        telling.await.map_err(Error::internal)
    }

    /// The whole schema of a workspace as SDL.
    ///
    /// # Errors
    /// FORBIDDEN to all but admins where introspection is off; INTERNAL when the schema cannot be
    /// built, which naming excludes.
    pub async fn sdl(&self, principal: &Principal) -> Result<String> {
        if self.introspection != Introspection::On && principal.scope < Scope::Admin {
            return Err(introspection_is_off());
        }
        let snapshot = self.services.auth.view(principal);
        let schema = self.services.schemas.whole(&snapshot, principal.scope).await?;
        tokio::task::spawn_blocking(move || schema.sdl()).await.map_err(Error::internal)
    }

    /// Takes a manifest of trusted documents, and a mode if one is given; tells the list in numbers.
    ///
    /// # Errors
    /// BAD_USER_INPUT for what is no manifest or no document, PAYLOAD_TOO_LARGE for too much.
    pub async fn put_documents(
        &self,
        principal: &Arc<Principal>,
        manifest: &[u8],
        keeps_others: bool,
        mode: Option<DocumentMode>,
    ) -> Result<Json> {
        let (services, workspace) = (&self.services, principal.workspace);
        let list = manifest::parse(manifest)?;
        trusted::put(services, workspace, &list, keeps_others).await?;
        if let Some(mode) = mode {
            services.catalog.set_document_mode(workspace, mode).await?;
        }
        trusted::counts(services, workspace).await
    }

    /// A job and what it published, as the upload route shows them.
    pub async fn job_json(&self, principal: &Arc<Principal>, job: &Job) -> Json {
        let snapshot = self.services.auth.view(principal);
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

impl Answer {
    /// The client has the answer with this tag.
    fn unchanged(tag: Tag) -> Answer {
        Answer {
            body: Bytes::new(),
            is_executed: true,
            first_error: None,
            is_refused_mutation: false,
            keeping: Keeping::Unchanged(tag),
            standing: None,
            plan: None,
            cost: 0,
        }
    }
}

pub(super) fn introspection_is_off() -> Error {
    Error::new(
        Code::Forbidden,
        "Introspection is switched off here. Ask an admin for the schema's document, or set introspection = on.",
    )
}

/// A request to async-graphql for a parsed document.
pub(super) fn graphql_request(
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
