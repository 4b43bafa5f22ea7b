//! Makes the GraphQL types of the catalog: datasets, columns, notices, jobs.
//!
//! An object here is a table of fields over JSON made by [`super::catalog_json`]; only a dataset's
//! and a job's links to other things need resolvers of their own.

use std::sync::Arc;

use async_graphql::Value;
use async_graphql::dynamic::{
    Enum, Field, FieldFuture, FieldValue, InputValue, Object, SchemaBuilder, TypeRef,
};
use serde_json::Value as Json;

use super::catalog_filter;
use super::catalog_json;
use super::engine::RequestContext;
use super::mutations::job_of_request;
use super::root_field::RootField;
use super::{access_fields, explain, me, relations, server, trusted, workspaces};
use crate::auth::scopes;
use crate::catalog::model::{Dataset, Job, JobId, Scope};
use crate::error::Error;

/// How a field of an object is typed: its GraphQL type as SDL writes it.
pub(super) type FieldRow = (&'static str, &'static str, &'static str);

/// Reads a type as SDL writes it: `String`, `String!`, `[Column!]!`.
pub(super) fn type_ref(sdl: &str) -> TypeRef {
    let (inner, is_required) = match sdl.strip_suffix('!') {
        Some(inner) => (inner, true),
        None => (sdl, false),
    };
    let nullable = match inner.strip_prefix('[').and_then(|inner| inner.strip_suffix(']')) {
        Some(item) => TypeRef::List(Box::new(type_ref(item))),
        None => TypeRef::named(inner),
    };
    if is_required { TypeRef::NonNull(Box::new(nullable)) } else { nullable }
}

const SCALARS: [&str; 9] =
    ["String", "Int", "Float", "Boolean", "ID", "BigInt", "DateTime", "JSON", "Decimal"];
const ENUMS: [&str; 18] = [
    "StoreKind",
    "Scope",
    "Mask",
    "PolicyOperation",
    "DatasetStatus",
    "ColumnType",
    "JobKind",
    "JobStatus",
    "LoadMode",
    "DriftKind",
    "DriftImpact",
    "IndexMethod",
    "IndexKind",
    "DocumentMode",
    "WebhookDeliveryStatus",
    "WebhookEvent",
    "VersionAction",
    "DiffKind",
];

fn is_leaf(sdl: &str) -> bool {
    let name = sdl.trim_matches(|c| matches!(c, '[' | ']' | '!'));
    SCALARS.contains(&name) || ENUMS.contains(&name)
}

/// A JSON value as the field of this type shows it.
pub(super) fn field_value<'a>(value: Json, sdl: &str) -> Option<FieldValue<'a>> {
    match value {
        Json::Null => None,
        value if is_leaf(sdl) => Value::from_json(value).ok().map(FieldValue::value),
        Json::Array(items) => Some(FieldValue::list(items.into_iter().map(FieldValue::owned_any))),
        object => Some(FieldValue::owned_any(object)),
    }
}

/// An object whose fields are read from JSON.
pub(super) fn json_object(name: &str, description: &str, fields: &[FieldRow]) -> Object {
    let mut object = Object::new(name).description(description);
    for &(field, sdl, description) in fields {
        let field = Field::new(field, type_ref(sdl), move |context| {
            let parent = context.parent_value.downcast_ref::<Json>();
            let value = parent.and_then(|parent| parent.get(field)).cloned();
            FieldFuture::Value(value.and_then(|value| field_value(value, sdl)))
        });
        object = object.field(field.description(description));
    }
    object
}

const SOURCE: &str = "Where the rows came from.";

const DATASET: [FieldRow; 14] = [
    ("id", "ID!", "Stable across versions and renames."),
    ("name", "String!", "The name, which is also the list field's."),
    ("label", "String!", "The name as it was given."),
    ("description", "String", "What its owner says about it."),
    ("listField", "String!", "The root field that lists its rows."),
    ("typeName", "String!", "The object type of its rows."),
    ("status", "DatasetStatus!", "Whether it can be queried."),
    ("version", "Int!", "Grows by one with each published change."),
    ("rowCount", "BigInt!", "Rows in this version."),
    ("sizeBytes", "BigInt!", "Bytes that this version takes in the store."),
    ("rejectCount", "BigInt!", "Refused rows that are kept."),
    ("oldNames", "[String!]!", "Names that it had before and still answers to."),
    ("createdAt", "DateTime!", "When it was first published."),
    ("updatedAt", "DateTime!", "When this version was published."),
];

const COLUMN: [FieldRow; 12] = [
    ("name", "String!", "The field's name."),
    ("label", "String!", "The header as written."),
    ("type", "ColumnType!", "The type of every value."),
    ("graphqlType", "String!", "The type of the field."),
    ("nullable", "Boolean!", "Whether a value may be missing."),
    ("required", "Boolean!", "Whether its owner declared that no value may be missing."),
    ("declared", "Boolean!", "Whether its owner declared the type, which is then enforced."),
    ("unique", "Boolean!", "Whether all values differ and are enforced to."),
    ("generated", "Boolean!", "Whether Sluice made it."),
    ("description", "String", "What its owner says about it."),
    ("evidence", "Evidence!", "Why it has this type."),
    ("statistics", "ColumnStatistics!", "What its values are like."),
];

const JOB: [FieldRow; 16] = [
    ("id", "ID!", "Names the job."),
    ("kind", "JobKind!", "What it does."),
    ("status", "JobStatus!", "Where it stands."),
    (
        "phase",
        "String",
        "What it is doing now: RECEIVE (seen on the node that receives the file), UNDERSTAND, INFER, LOAD, INDEX, PUBLISH; EXPORT.",
    ),
    ("datasetName", "String!", "The dataset that it makes, or makes a file of."),
    ("progress", "JobProgress!", "How far it is."),
    ("error", "JobError", "Why it failed."),
    ("counts", "RowCounts!", "What became of the rows."),
    ("drift", "[Drift!]!", "How the upload's columns differed from the dataset's."),
    (
        "refused",
        "[Reject!]!",
        "The first rows that did not fit, where the job failed because of them.",
    ),
    ("unchanged", "Boolean!", "Whether there was nothing to do: it was loaded like this before."),
    ("notices", "[Notice!]!", "What was decided or normalised."),
    ("file", "ExportedFile", "The file that an export has made."),
    ("createdAt", "DateTime!", "When it was acknowledged."),
    ("startedAt", "DateTime", "When it began."),
    ("finishedAt", "DateTime", "When it ended."),
];

/// Registers the catalog's types.
pub fn register(builder: SchemaBuilder, scope: Scope) -> SchemaBuilder {
    let enums = [
        ("DatasetStatus", "Whether a dataset can be queried.", &["READY"][..]),
        (
            "ColumnType",
            "The type of a column.",
            &[
                "BOOLEAN",
                "INT",
                "BIGINT",
                "DECIMAL",
                "FLOAT",
                "DATE",
                "LOCAL_TIME",
                "LOCAL_DATE_TIME",
                "DATE_TIME",
                "UUID",
                "JSON",
                "STRING",
            ][..],
        ),
        (
            "IndexMethod",
            "What an index finds: ORDERED finds rows by values, and gives them in their order; SEARCH finds rows by words.",
            &["ORDERED", "SEARCH"][..],
        ),
        (
            "IndexKind",
            "Who wanted an index: the key, a relation, somebody (MANUAL), or what queries filter and sort by (AUTOMATIC).",
            &["KEY", "MANUAL", "RELATION", "AUTOMATIC"][..],
        ),
        ("JobKind", "What a job does.", &["LOAD", "DERIVE", "ADMIT", "COPY", "EXPORT"][..]),
        (
            "JobStatus",
            "Where a job stands.",
            &["QUEUED", "RUNNING", "SUCCEEDED", "FAILED", "CANCELLED"][..],
        ),
        (
            "LoadMode",
            "How an upload meets a dataset of its name: CREATE wants the name free, REPLACE takes its place, APPEND adds rows, UPSERT changes the rows whose key is there and adds the others.",
            &["CREATE", "REPLACE", "APPEND", "UPSERT"][..],
        ),
    ];
    let mut builder = builder;
    for (name, description, items) in enums {
        builder =
            builder.register(Enum::new(name).description(description).items(items.iter().copied()));
    }
    let objects = [
        json_object("Column", "A column of a dataset.", &COLUMN),
        json_object(
            "Evidence",
            "Why a column has its type.",
            &[
                ("reason", "String!", "In one sentence."),
                ("candidates", "[CandidateCount!]!", "Cells per form."),
                ("counterExample", "CounterExample", "The first cell against the likeliest type."),
                ("samples", "[String!]!", "Values as written, from the first rows."),
            ],
        ),
        json_object(
            "CandidateCount",
            "How many cells have a form.",
            &[("candidate", "String!", "The form."), ("count", "BigInt!", "Cells.")],
        ),
        json_object(
            "CounterExample",
            "A cell that decided against a type.",
            &[
                ("row", "BigInt!", "The row as a spreadsheet shows it."),
                ("text", "String!", "The cell."),
                ("against", "String!", "The type that it contradicts."),
            ],
        ),
        json_object(
            "ColumnStatistics",
            "What a column's values are like.",
            &[
                ("nullCount", "BigInt!", "Rows without a value."),
                ("distinctCount", "BigInt!", "Different values, estimated above 128."),
                ("min", "String", "The smallest value."),
                ("max", "String", "The largest value."),
                ("longestBytes", "BigInt!", "The longest cell, bytes."),
                ("categories", "[CategoryCount!]", "All values, where there are few."),
            ],
        ),
        json_object(
            "CategoryCount",
            "A value of a column with few.",
            &[("value", "String!", "The value."), ("count", "BigInt!", "Rows.")],
        ),
        json_object(
            "Notice",
            "A decision or normalisation worth telling.",
            &[
                ("code", "String!", "What kind of thing it is."),
                ("message", "String!", "What was found and what was done."),
                ("sheet", "String", "The sheet, where there are several."),
                ("row", "BigInt", "The row as a spreadsheet shows it; the first of several."),
                ("column", "String", "The column's label."),
                ("count", "BigInt!", "How many rows or cells it concerns."),
            ],
        ),
        json_object(
            "Index",
            "An index of a dataset.",
            &[
                ("name", "String!", "Names the index."),
                ("columns", "[String!]!", "Field names, in order."),
                ("descending", "[String!]!", "Those of them that are in descending order."),
                ("method", "IndexMethod!", "What it finds."),
                ("kind", "IndexKind!", "Who wanted it."),
                ("reason", "String!", "Why it exists, in words."),
                ("builtAt", "DateTime!", "When it was built."),
                (
                    "sizeBytes",
                    "BigInt!",
                    "Bytes that it took when it was built; 0 where it came with the rows.",
                ),
            ],
        ),
        json_object(
            "Source",
            "The uploaded bytes that a version came from.",
            &[
                ("fileName", "String!", "The file's name as given."),
                ("sha256", "String!", "SHA-256 of the bytes, hexadecimal."),
                ("sizeBytes", "BigInt!", "Bytes."),
            ],
        ),
        json_object(
            "JobProgress",
            "How far a job is.",
            &[
                ("bytesDone", "BigInt!", "Bytes of the source received or read in this phase."),
                (
                    "bytesTotal",
                    "BigInt",
                    "Bytes of the source; null while it is received and its sender did not say.",
                ),
                ("rowsDone", "BigInt!", "Rows written."),
                ("rowsPerSecond", "Float", "The rate since the job began."),
                ("remainingSeconds", "Float", "What is left at this rate."),
            ],
        ),
        json_object(
            "JobError",
            "Why a job failed.",
            &[("code", "String!", "A stable code."), ("message", "String!", "What to do.")],
        ),
        json_object(
            "Workspace",
            "The tenant that the key belongs to.",
            &[
                ("id", "ID!", "Names the workspace."),
                ("name", "String!", "What it is called."),
                ("datasetCount", "Int!", "Datasets."),
                ("rowCount", "BigInt!", "Rows of all datasets."),
                ("sizeBytes", "BigInt!", "Bytes of all datasets."),
                ("revision", "BigInt!", "Grows with each published change."),
                ("schemaRevision", "BigInt!", "Grows with each change of names or types."),
                ("publicRead", "Boolean!", "Whether everything is read without a key."),
                ("publicDatasets", "[String!]!", "Datasets that are read without a key."),
                ("maxDatasets", "Int", "The most datasets; no bound when there is none."),
                ("maxBytes", "BigInt", "The most bytes of all datasets."),
                ("maxRows", "BigInt", "The most rows of all datasets."),
            ],
        ),
    ];
    for object in objects {
        builder = builder.register(object);
    }
    builder = relations::register(builder);
    builder = server::register(me::register(explain::register(builder)), scope);
    builder = trusted::register(builder);
    catalog_filter::register(builder).register(dataset_object(scope)).register(job_object(scope))
}

/// A field of a dataset that is read from the dataset itself.
fn dataset_field(
    name: &'static str,
    sdl: &'static str,
    description: &'static str,
    read: fn(&Dataset) -> Json,
) -> Field {
    Field::new(name, type_ref(sdl), move |context| {
        let dataset = context.parent_value.downcast_ref::<Arc<Dataset>>();
        FieldFuture::Value(dataset.and_then(|dataset| field_value(read(dataset), sdl)))
    })
    .description(description)
}

fn dataset_object(scope: Scope) -> Object {
    let mut object = Object::new("Dataset").description("A named, typed table.");
    for (field, sdl, description) in DATASET {
        if field == "rowCount" {
            continue;
        }
        let field = Field::new(field, type_ref(sdl), move |context| {
            let dataset = context.parent_value.downcast_ref::<Arc<Dataset>>();
            let scalars = dataset.map(|dataset| catalog_json::dataset_scalars(dataset));
            let value = scalars.and_then(|scalars| scalars.get(field).cloned());
            FieldFuture::Value(value.and_then(|value| field_value(value, sdl)))
        });
        object = object.field(field.description(description));
    }
    if scopes::of_field("Dataset", "source") <= scope {
        let source = dataset_field("source", "Source", SOURCE, catalog_json::source);
        object = object.field(source);
    }
    if scopes::of_field("Dataset", "rejects") <= scope {
        object = object.field(super::upload_types::rejects_field());
    }
    object
        .field(dataset_field("key", "[String!]!", "Field names of the key.", catalog_json::key))
        .field(dataset_field("columns", "[Column!]!", "All columns, in file order.", |dataset| {
            dataset.columns.iter().map(catalog_json::column).collect()
        }))
        .field(dataset_field("indexes", "[Index!]!", "Indexes beside the key.", |dataset| {
            dataset.indexes.iter().map(catalog_json::index).collect()
        }))
        .field(
            Field::new("notices", type_ref("[Notice!]!"), |context| {
                let limit = context.args.try_get("limit").ok().and_then(|limit| limit.u64().ok());
                let limit = limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(100);
                let dataset = context.parent_value.downcast_ref::<Arc<Dataset>>();
                let notices = dataset.map(|dataset| {
                    dataset.notices.iter().take(limit).map(catalog_json::notice).collect()
                });
                FieldFuture::Value(notices.and_then(|notices| field_value(notices, "[Notice!]!")))
            })
            .argument(InputValue::new("limit", TypeRef::named(TypeRef::INT)))
            .description("What was decided or normalised during the load."),
        )
        .field(row_count_field())
        .field(relations::of_dataset())
}

/// `Dataset.rowCount`: those that the principal sees.
fn row_count_field() -> Field {
    Field::new("rowCount", type_ref("BigInt!"), |context| {
        FieldFuture::new(async move {
            let request = context.data::<RequestContext>()?;
            let Some(dataset) = context.parent_value.downcast_ref::<Arc<Dataset>>() else {
                return Ok(None);
            };
            let count = request.row_count(dataset).await.map_err(super::answer::to_field_error)?;
            Ok(field_value(Json::String(count.to_string()), "BigInt!"))
        })
    })
    .description("Rows in this version.")
}

fn job_object(scope: Scope) -> Object {
    let mut object = Object::new("Job").description("Background work.");
    for (field, sdl, description) in JOB {
        if scopes::of_field("Job", field) > scope {
            continue;
        }
        let field = Field::new(field, type_ref(sdl), move |context| {
            let job = context.parent_value.downcast_ref::<Arc<Job>>();
            let value = job.and_then(|job| catalog_json::job(job).get(field).cloned());
            FieldFuture::Value(value.and_then(|value| field_value(value, sdl)))
        });
        object = object.field(field.description(description));
    }
    object.field(
        Field::new("datasets", type_ref("[Dataset!]!"), |context| {
            FieldFuture::new(async move {
                let request = context.data::<RequestContext>()?;
                let job = context.parent_value.downcast_ref::<Arc<Job>>();
                let ids = job.map(|job| job.datasets.clone()).unwrap_or_default();
                let snapshot = request.snapshot();
                let found = ids.into_iter().filter_map(|id| snapshot.dataset_by_id(id).cloned());
                Ok(Some(FieldValue::list(found.map(FieldValue::owned_any).collect::<Vec<_>>())))
            })
        })
        .description("What it published."),
    )
}

/// The catalog's query fields.
pub(super) fn query_fields() -> Vec<RootField> {
    vec![
        RootField::new("datasets", type_ref("[Dataset!]!"), |context| {
            FieldFuture::new(async move {
                let request = context.data::<RequestContext>()?;
                let snapshot = request.snapshot();
                let rows: Vec<(Json, Arc<Dataset>)> = snapshot
                    .datasets()
                    .map(|dataset| (catalog_json::dataset_scalars(dataset), Arc::clone(dataset)))
                    .collect();
                let found = catalog_filter::apply(rows, &context.args, "Dataset")?;
                Ok(Some(FieldValue::list(found.into_iter().map(FieldValue::owned_any))))
            })
        })
        .argument(InputValue::new("where", TypeRef::named("DatasetBoolExp")))
        .argument(InputValue::new("orderBy", TypeRef::named_nn_list("DatasetOrderBy")))
        .argument(InputValue::new("limit", TypeRef::named(TypeRef::INT)))
        .argument(InputValue::new("offset", TypeRef::named(TypeRef::INT)))
        .description("All datasets, in the order of their names."),
        RootField::new("dataset", TypeRef::named("Dataset"), |context| {
            FieldFuture::new(async move {
                let request = context.data::<RequestContext>()?;
                let snapshot = request.snapshot();
                let name = context.args.try_get("name")?.string()?.to_owned();
                Ok(snapshot.dataset(&name).cloned().map(FieldValue::owned_any))
            })
        })
        .argument(InputValue::new("name", TypeRef::named_nn(TypeRef::STRING)))
        .description("The dataset of this name."),
        RootField::new("jobs", type_ref("[Job!]!"), |context| {
            FieldFuture::new(async move {
                /// Jobs that filters look at, newest first.
                const NEWEST: u64 = 1_000;
                let request = context.data::<RequestContext>()?;
                let workspace = request.principal.workspace;
                let jobs = request.services.ingest.jobs(workspace, NEWEST).await;
                let jobs = jobs.map_err(super::answer::to_field_error)?;
                let rows: Vec<(Json, Arc<Job>)> = jobs
                    .into_iter()
                    .filter(|job| request.sees_job(job))
                    .map(|job| (catalog_json::job(&job), Arc::new(job)))
                    .collect();
                let found = catalog_filter::apply(rows, &context.args, "Job")?;
                Ok(Some(FieldValue::list(found.into_iter().map(FieldValue::owned_any))))
            })
        })
        .argument(InputValue::new("where", TypeRef::named("JobBoolExp")))
        .argument(InputValue::new("orderBy", TypeRef::named_nn_list("JobOrderBy")))
        .argument(InputValue::new("limit", TypeRef::named(TypeRef::INT)))
        .argument(InputValue::new("offset", TypeRef::named(TypeRef::INT)))
        .description("The newest 1,000 jobs, newest first."),
        RootField::new("job", TypeRef::named("Job"), |context| {
            FieldFuture::new(async move {
                let request = context.data::<RequestContext>()?;
                let id = context.args.try_get("id")?.string()?.to_owned();
                match job_of_request(request, &id).await {
                    Ok(job) => Ok(Some(FieldValue::owned_any(Arc::new(job)))),
                    Err(Error { code: crate::error::Code::NotFound, .. }) => Ok(None),
                    Err(error) => Err(super::answer::to_field_error(error)),
                }
            })
        })
        .argument(InputValue::new("id", TypeRef::named_nn(TypeRef::ID)))
        .description("The job of this id."),
        RootField::new("workspace", TypeRef::named_nn("Workspace"), |context| {
            FieldFuture::new(async move {
                let request = context.data::<RequestContext>()?;
                let workspace = request.principal.workspace;
                let shown = workspaces::workspace_json(request, workspace);
                Ok(Some(FieldValue::owned_any(shown)))
            })
        })
        .description("The workspace that the key belongs to."),
        me::field(),
        relations::suggestions(),
        explain::field(),
        server::field(),
        trusted::query_field(),
    ]
    .into_iter()
    .chain(access_fields::queries())
    .chain(workspaces::queries())
    .chain(super::webhooks::queries())
    .chain(super::saved_queries::queries())
    .chain(super::history::queries())
    .collect()
}

/// The id of a job from its text; `None` if it is none.
pub(super) fn parse_job_id(text: &str) -> Option<JobId> {
    uuid::Uuid::try_parse(text).ok().map(JobId)
}
