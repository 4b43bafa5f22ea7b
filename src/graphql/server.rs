//! The query `server`: what runs here, what it allows, and, for admins, how it is doing.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use async_graphql::dynamic::{Field, FieldFuture, SchemaBuilder};
use serde_json::{Value as Json, json};

use super::answer::to_field_error;
use super::catalog_json::{big, instant};
use super::catalog_types::{FieldRow, field_value, json_object, type_ref};
use super::engine::RequestContext;
use super::mutations::of_request;
use super::root_field::RootField;
use super::slow::SlowRequest;
use crate::auth::scopes;
use crate::catalog::model::Scope;
use crate::config::Settings;
use crate::error::Result;

/// Facts about the process.
pub(super) struct Facts {
    /// When it began.
    pub(super) started_at_us: i64,
    /// The answer of `Server.limits`.
    limits: ArcSwap<Json>,
    /// Memory for answers, bytes.
    max_cache_bytes: u64,
}

const SERVER: [FieldRow; 3] = [
    ("version", "String!", "The version of the program."),
    ("startedAt", "DateTime!", "Since when this process serves."),
    ("limits", "ServerLimits!", "What requests may ask for."),
];

const LIMITS: [FieldRow; 17] = [
    ("maxUploadBytes", "BigInt!", "Largest uploaded file."),
    ("maxBodyBytes", "BigInt!", "Largest other request."),
    ("defaultLimit", "Int!", "Rows that a list answers when limit is not given."),
    ("maxLimit", "Int!", "Largest limit."),
    ("maxWriteRows", "Int!", "Most rows that one mutation adds, changes or removes."),
    ("statementTimeoutMs", "BigInt!", "Time that one statement may take, milliseconds."),
    ("maxCost", "BigInt!", "Fields times the rows that they may answer."),
    ("maxDepth", "Int!", "Nesting of selections."),
    ("maxRootFields", "Int!", "Root fields of an operation."),
    ("maxAliases", "Int!", "Aliases in a document."),
    ("maxFilterDepth", "Int!", "Nesting of _and, _or and _not in a filter."),
    ("maxPredicates", "Int!", "Comparisons in a filter."),
    ("maxInValues", "Int!", "Values of one _in or _nin."),
    ("maxSortKeys", "Int!", "Keys of one orderBy."),
    ("maxSubscriptions", "Int!", "Subscriptions that one key may have."),
    ("cellsPerRead", "BigInt!", "Cells of a query that count as one read more."),
    ("rates", "[ServerRate!]!", "How often one key may ask; none where nobody has to wait."),
];

const RATE: [FieldRow; 4] = [
    ("name", "String!", "Whose setting it is: rate. and this name."),
    ("rate", "String!", "So many in a period, as the setting is written."),
    ("burst", "Int!", "So many at once after a rest."),
    ("refillMs", "Float!", "The time after which one more is allowed, milliseconds."),
];

const STATUS: [FieldRow; 11] = [
    ("store", "StoreKind!", "Where datasets are kept."),
    ("storeVersion", "String!", "The version of the database."),
    ("storeBytes", "BigInt", "Bytes of all datasets of all workspaces; for the operator."),
    ("cacheHits", "BigInt!", "Answers that came from memory since the start."),
    ("cacheMisses", "BigInt!", "Answers that had to be read."),
    ("cacheEntries", "BigInt!", "Answers in memory."),
    ("cacheBytes", "BigInt!", "Bytes that they take."),
    ("maxCacheBytes", "BigInt!", "Bytes that they may take."),
    ("knownDocuments", "BigInt!", "Documents whose plans are in memory."),
    ("slowAfterMs", "BigInt!", "Requests that take longer are slow, milliseconds."),
    ("slowRequests", "[SlowRequest!]!", "The newest slow requests, newest first."),
];

const SLOW: [FieldRow; 8] = [
    ("at", "DateTime!", "When it was over."),
    ("milliseconds", "Float!", "How long it took."),
    ("actor", "String!", "Whose it was: a key's prefix, jwt: and a subject, anonymous."),
    ("requestId", "String!", "The request."),
    ("operationName", "String", "What its owner calls it."),
    ("fields", "[String!]!", "Its root fields."),
    ("document", "String!", "The document, or its beginning."),
    ("sha256", "String!", "SHA-256 of the whole document."),
];

/// Registers the types that this scope may see.
pub(super) fn register(builder: SchemaBuilder, scope: Scope) -> SchemaBuilder {
    let builder = builder
        .register(json_object("ServerLimits", "What requests may ask for.", &LIMITS))
        .register(json_object("ServerRate", "How often one key may do something.", &RATE));
    let server = json_object("Server", "What runs here.", &SERVER);
    if scopes::of_field("Server", "status") > scope {
        return builder.register(server);
    }
    builder
        .register(server.field(status_field()))
        .register(json_object("ServerStatus", "How the server is doing.", &STATUS))
        .register(json_object("SlowRequest", "A request that took long.", &SLOW))
        .register(
            async_graphql::dynamic::Enum::new("StoreKind")
                .description("Where datasets are kept: in files beside the server (SQLITE), or in PostgreSQL.")
                .items(["SQLITE", "POSTGRESQL"]),
        )
}

/// The query.
pub(super) fn field() -> RootField {
    RootField::new("server", type_ref("Server!"), |context| {
        FieldFuture::new(async move {
            let request = of_request(&context).map_err(to_field_error)?;
            let Facts { started_at_us, limits, .. } = &request.services.facts;
            let server = json!({
                "version": env!("CARGO_PKG_VERSION"),
                "startedAt": instant(*started_at_us),
                "limits": **limits.load(),
            });
            Ok(field_value(server, "Server!"))
        })
    })
    .description("What runs here and what it allows.")
}

fn status_field() -> Field {
    Field::new("status", type_ref("ServerStatus!"), |context| {
        FieldFuture::new(async move {
            let request = of_request(&context).map_err(to_field_error)?;
            let status = status(request).await.map_err(to_field_error)?;
            Ok(field_value(status, "ServerStatus!"))
        })
    })
    .description("How it is doing. For admins.")
}

async fn status(request: &RequestContext) -> Result<Json> {
    let RequestContext { services, principal, .. } = request;
    let catalog = &services.catalog;
    let kind = if catalog.is_postgres() { "POSTGRESQL" } else { "SQLITE" };
    let is_operator = principal.require_operator(catalog.default_workspace()).is_ok();
    let store_bytes = is_operator.then(|| big(catalog.held().n_bytes));
    let figures = services.answers.figures().await;
    // Who sees only some of the datasets is told of his own requests.
    let actor = principal.datasets.is_some().then_some(principal.key_prefix.as_str());
    let slow = services.slow.of(principal.workspace, actor);
    Ok(json!({
        "store": kind,
        "storeVersion": services.store.version().await?,
        "storeBytes": store_bytes,
        "cacheHits": big(figures.n_hits),
        "cacheMisses": big(figures.n_misses),
        "cacheEntries": big(figures.n_entries),
        "cacheBytes": big(figures.size_bytes),
        "maxCacheBytes": big(services.facts.max_cache_bytes),
        "knownDocuments": big(services.documents.len()),
        "slowAfterMs": big(services.slow.threshold().as_millis()),
        "slowRequests": slow.iter().map(|slow| slow_json(slow)).collect::<Vec<_>>(),
    }))
}

fn slow_json(slow: &SlowRequest) -> Json {
    json!({
        "at": instant(slow.at_us),
        "milliseconds": milliseconds(slow.took),
        "actor": slow.actor,
        "requestId": slow.request_id,
        "operationName": slow.operation_name,
        "fields": slow.fields,
        "document": slow.document,
        "sha256": slow.sha256,
    })
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

impl Facts {
    /// Of a server that begins now with these settings.
    pub(super) fn new(settings: &Settings) -> Facts {
        Facts {
            started_at_us: crate::catalog::now_us(),
            limits: ArcSwap::from_pointee(limits(settings)),
            max_cache_bytes: settings.response_cache_bytes,
        }
    }

    /// From now on with these settings.
    pub(super) fn set(&self, settings: &Settings) {
        self.limits.store(Arc::new(limits(settings)));
    }
}

fn limits(settings: &Settings) -> Json {
    let limits = &settings.query_limits;
    let rates = &settings.rates;
    let rate = |(name, rate): (&str, crate::config::Rate)| {
        json!({
            "name": name,
            "rate": rate.to_string(),
            "burst": rate.burst(),
            "refillMs": milliseconds(rate.interval()),
        })
    };
    let all = [
        ("reads", rates.reads),
        ("writes", rates.writes),
        ("uploads", rates.uploads),
        ("inspections", rates.inspections),
    ];
    json!({
        "maxUploadBytes": big(settings.max_upload_bytes),
        "maxBodyBytes": big(settings.max_body_bytes),
        "defaultLimit": settings.default_limit,
        "maxLimit": settings.max_limit,
        "maxWriteRows": settings.max_write_rows,
        "statementTimeoutMs": big(settings.statement_timeout.as_millis()),
        "maxCost": big(limits.max_cost),
        "maxDepth": limits.max_depth,
        "maxRootFields": limits.max_root_fields,
        "maxAliases": limits.max_aliases,
        "maxFilterDepth": limits.max_filter_depth,
        "maxPredicates": limits.max_predicates,
        "maxInValues": limits.max_in_values,
        "maxSortKeys": limits.max_sort_keys,
        "maxSubscriptions": settings.live.max_per_key,
        "cellsPerRead": big(rates.cells_per_read),
        "rates": if rates.is_on { all.map(rate).to_vec() } else { Vec::new() },
    })
}
