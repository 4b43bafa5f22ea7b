//! The query `explain`: what an operation would cost and how the store would run it.
//!
//! The operation is guarded, validated and planned as if it were asked, and never run. It is for
//! admins: plans tell about data that a reader may not see.

use std::sync::Arc;
use std::time::Instant;

use async_graphql::dynamic::{FieldFuture, ResolverContext, SchemaBuilder};
use serde_json::{Value as Json, json};

use super::answer::to_field_error;
use super::catalog_types::{field_value, json_object, type_ref};
use super::documents::{KeyRef, KnownDocument};
use super::engine::RequestContext;
use super::mutations::{of_request, required, text};
use super::root_field::RootField;
use super::schema::ValidateOnly;
use super::schemas::Sight;
use super::tag::sha_of;
use super::uploads::argument;
use crate::catalog::snapshot::Snapshot;
use crate::error::{Error, Result};
use crate::query::document::Document;
use crate::query::input::Variables;
use crate::query::plan::{Bound, Plan, Root, RootBody};
use crate::store::run::Run;

/// Registers the types.
pub(super) fn register(builder: SchemaBuilder) -> SchemaBuilder {
    builder
        .register(json_object(
            "Explanation",
            "What an operation would cost and how it would be run.",
            &[
                ("cost", "BigInt!", "Fields times rows that it may answer."),
                ("maxCost", "BigInt!", "The limit of that."),
                ("fields", "[ExplainedField!]!", "Its root fields, in the order of the answer."),
            ],
        ))
        .register(json_object(
            "ExplainedField",
            "How a root field would be answered.",
            &[
                ("key", "String!", "Its key in the answer."),
                ("datasets", "[String!]!", "The datasets that it reads; none for the catalog."),
                ("cost", "BigInt!", "Fields times rows that it may answer."),
                (
                    "cheap",
                    "Boolean!",
                    "Whether it reads few rows whatever the values are: by key, in file order, or by an index that fits.",
                ),
                (
                    "cached",
                    "Boolean!",
                    "Whether its answer is in memory: asked now by the same key, nothing would be run.",
                ),
                ("index", "String", "The index that fits its filter and its order, if there is one."),
                ("wish", "String", "What an index could help with, in words."),
                (
                    "path",
                    "String!",
                    "What answers it: COLUMNAR (the columns beside the rows), ROW_STORE, or CATALOG.",
                ),
                ("sql", "String", "The statement, with places for values."),
                ("databasePlan", "[String!]!", "How it would be run, a line per step."),
            ],
        ))
}

/// The query.
pub(super) fn field() -> RootField {
    RootField::new("explain", type_ref("Explanation!"), |context| {
        FieldFuture::new(async move {
            let explanation = explain(&context).await.map_err(to_field_error)?;
            Ok(field_value(explanation, "Explanation!"))
        })
    })
    .argument(argument("query", "String!", "The document of a query."))
    .argument(argument("variables", "JSON", "Its variables."))
    .argument(argument("operationName", "String", "Which operation of it."))
    .description(
        "What a query would cost and how the store would run it; it is not run. For admins.",
    )
}

async fn explain(context: &ResolverContext<'_>) -> Result<Json> {
    let request = of_request(context)?;
    let settings = request.services.plan_settings.clone();
    let snapshot = request.snapshot();
    let (query, name) = (required(context, "query")?, text(context, "operationName")?);
    let mut variables = variables(context)?;
    // The plan that runs, if there is one: only its own answers are kept.
    let key = KeyRef {
        sight: Sight::new(&snapshot, request.principal.scope),
        operation_name: name.as_deref(),
        text: &query,
    };
    let known = match request.services.documents.get(key) {
        Some(known) => known,
        None => {
            let document = Document::parse(&query, name.as_deref(), &settings.limits)?;
            Arc::new(KnownDocument::new(document, &query, sha_of(&query))?)
        }
    };
    if known.document.is_mutation() {
        return Err(Error::bad_input("Only queries can be explained."));
    }
    known.complete(&mut variables)?;
    let validated = &known.document;
    validate(request, &snapshot, validated, &query, name.as_deref(), &variables).await?;
    let plan = match known.ready_plan(&snapshot, &variables) {
        Some(plan) => plan,
        None => Arc::new(Plan::new(&known.document, &snapshot, &variables, settings.clone())?),
    };
    let deadline = Instant::now() + request.services.statement_timeout;
    let Bound { runs, cost } = plan.bind(&snapshot, &variables, deadline)?;
    let mut fields = Vec::with_capacity(plan.roots.len());
    for (root, run) in plan.roots.iter().zip(runs) {
        fields.push(explain_field(request, &snapshot, root, run).await?);
    }
    Ok(json!({
        "cost": cost.to_string(),
        "maxCost": settings.limits.max_cost.to_string(),
        "fields": fields,
    }))
}

fn variables(context: &ResolverContext<'_>) -> Result<Variables> {
    let wrong = || Error::bad_input("variables must be a JSON object.");
    match context.args.get("variables").filter(|value| !value.is_null()) {
        None => Ok(Variables::new()),
        Some(value) => match value.deserialize::<Json>().map_err(|_| wrong())? {
            Json::Object(map) => Ok(map),
            _ => Err(wrong()),
        },
    }
}

async fn validate(
    request: &RequestContext,
    snapshot: &Arc<Snapshot>,
    document: &Document,
    query: &str,
    operation_name: Option<&str>,
    variables: &Variables,
) -> Result<()> {
    let schema =
        request.services.schemas.small(snapshot, request.principal.scope, query, variables).await?;
    let variables = async_graphql::Variables::from_json(Json::Object(variables.clone()));
    let mut wanted = async_graphql::Request::new(query).variables(variables).data(ValidateOnly);
    if let Some(name) = operation_name {
        wanted = wanted.operation_name(name);
    }
    wanted.set_parsed_query(document.parsed.clone());
    match schema.execute(wanted).await.errors.into_iter().next() {
        None => Ok(()),
        Some(error) => Err(Error::bad_input(error.message)),
    }
}

/// A root field explained.
async fn explain_field(
    request: &RequestContext,
    snapshot: &Snapshot,
    root: &Root,
    run: Option<Run>,
) -> Result<Json> {
    let (RootBody::Statement(body), Some(run)) = (&root.body, run) else {
        return Ok(json!({
            "key": root.key,
            "datasets": [],
            "cost": "0",
            "cheap": true,
            "cached": false,
            "path": "CATALOG",
            "databasePlan": [],
        }));
    };
    let datasets: Vec<_> =
        root.datasets().iter().filter_map(|id| snapshot.dataset_by_id(*id)).collect();
    let wish = body.wish();
    let indexes = datasets.first().map_or(&[][..], |dataset| &dataset.indexes);
    let index = match wish.is_empty() {
        true => None,
        false => indexes
            .iter()
            .find(|index| index.serves(wish))
            .or_else(|| indexes.iter().find(|index| index.nearly_serves(wish))),
    };
    let n_cells = body.cells(&run);
    let (sql, is_cheap) = (request.services.store.sql_of(&run), run.statement.is_cheap);
    let is_cached = request.services.answers.holds(&run);
    let explained = request.services.store.explain(run).await.map_err(Error::from)?;
    Ok(json!({
        "key": root.key,
        "datasets": datasets.iter().map(|dataset| &dataset.name).collect::<Vec<_>>(),
        "cost": n_cells.to_string(),
        "cheap": is_cheap,
        "cached": is_cached,
        "index": index.map(|index| &index.name),
        "wish": (!wish.is_empty()).then(|| wish.in_words()),
        "sql": sql,
        "path": explained.path.name(),
        "databasePlan": explained.steps,
    }))
}
