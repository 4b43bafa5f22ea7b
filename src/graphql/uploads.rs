//! The mutations that load: uploads, inspections, corrected rejects.
//!
//! Each checks its scope first, then hands over to ingest.

use std::sync::Arc;
use std::time::Duration;

use async_graphql::dynamic::{
    FieldFuture, FieldValue, InputValue, ResolverContext, SchemaBuilder, TypeRef,
};
use async_graphql::{Name, Value};
use serde_json::{Map, Value as Json, json};

use super::answer::to_field_error;
use super::catalog_json;
use super::catalog_types::type_ref;
use super::engine::{INSPECT_FIELD, RequestContext, Upload};
use super::mutations::{dataset_named, job_of_request, of_request, refuse_nul, required, text};
use super::root_field::RootField;
use super::schema;
use super::upload_types::{self, Payload};
use crate::catalog::model::{Dataset, JobId, LoadMode, Scope, WorkspaceId};
use crate::catalog::now_us;
use crate::catalog::snapshot::Snapshot;
use crate::error::{Error, Result};
use crate::ingest::{Correction, InspectedSheet, UploadRequest, read_options};

/// The longest that `wait` may ask for, seconds.
const MAX_WAIT_SECONDS: u64 = 600;
/// Rows that an inspection shows unless told otherwise.
const INSPECTED_ROWS: u64 = 20;

/// Registers the types of uploads.
pub(super) fn register(builder: SchemaBuilder) -> SchemaBuilder {
    upload_types::register(builder)
}

/// An argument without a default: name, type, description.
pub(super) fn argument(name: &str, sdl: &str, description: &str) -> InputValue {
    InputValue::new(name, type_ref(sdl)).description(description)
}

pub(super) fn wait_argument() -> InputValue {
    InputValue::new("wait", TypeRef::named(TypeRef::INT))
        .default_value(Value::from(0))
        .description("Seconds to wait for the job's end, up to 600.")
}

/// The mutations.
pub(super) fn fields() -> Vec<RootField> {
    vec![
        RootField::new("upload", type_ref("UploadPayload!"), |context| {
            FieldFuture::new(async move {
                let payload = upload(&context).await.map_err(to_field_error)?;
                Ok(Some(FieldValue::owned_any(payload)))
            })
        })
        .argument(argument("file", "Upload!", "A file, by the GraphQL multipart request specification."))
        .argument(argument("name", "String", "The dataset's name; from the file's name when not given. Of several sheets each gets its own name appended."))
        .argument(
            InputValue::new("mode", TypeRef::named("LoadMode"))
                .default_value(Value::Enum(Name::new("CREATE"))),
        )
        .argument(argument("options", "UploadOptions", "How to read the file."))
        .argument(argument("sheets", "[String!]", "Names of the sheets to load; hidden ones are loaded only when named."))
        .argument(argument("onDrift", "DriftPolicy", "What happens when columns differ from those of the dataset."))
        .argument(argument("onError", "OnError", "What happens to rows that do not fit; ABORT if not given."))
        .argument(argument("key", "String", "The header or field name of the column that is the key, or by which UPSERT finds rows."))
        .argument(argument("description", "String", "What the dataset is about."))
        .argument(argument("requestId", "String", "Names this request: however often it is sent, it is carried out once."))
        .argument(argument("dryRun", "Boolean", "Answers what would be made, in inspection, and stores nothing."))
        .argument(wait_argument())
        .description("Loads a file into a dataset."),
        RootField::new(INSPECT_FIELD, type_ref("Inspection!"), |context| {
            FieldFuture::new(async move {
                let inspection = inspect(&context).await.map_err(to_field_error)?;
                Ok(Some(FieldValue::owned_any(inspection)))
            })
        })
        .argument(argument("file", "Upload!", "A file, by the GraphQL multipart request specification."))
        .argument(argument("name", "String", "The dataset's name; from the file's name when not given."))
        .argument(
            InputValue::new("mode", TypeRef::named("LoadMode"))
                .default_value(Value::Enum(Name::new("REPLACE"))),
        )
        .argument(argument("options", "UploadOptions", "How to read the file."))
        .argument(argument("sheets", "[String!]", "Names of the sheets to read."))
        .argument(argument("onDrift", "DriftPolicy", "What would happen when columns differ."))
        .argument(argument("key", "String", "The column that would be the key."))
        .argument(argument("rows", "Int", "How many of the first rows to show; 20 if not given, at most 100."))
        .description("Tells what an upload of a file would make, and stores nothing."),
        RootField::new("admitRejects", type_ref("UploadPayload!"), |context| {
            FieldFuture::new(async move {
                let payload = admit(&context).await.map_err(to_field_error)?;
                Ok(Some(FieldValue::owned_any(payload)))
            })
        })
        .argument(argument("dataset", "String!", "The dataset's name."))
        .argument(argument("corrections", "[RejectCorrection!]!", "The rejects to admit; all fit, or none is admitted."))
        .argument(wait_argument())
        .description("Puts refused rows, corrected, below the rows of their dataset."),
        RootField::new("discardRejects", type_ref("Dataset!"), |context| {
            FieldFuture::new(async move {
                let dataset = discard(&context).await.map_err(to_field_error)?;
                Ok(Some(FieldValue::owned_any(dataset)))
            })
        })
        .argument(argument("dataset", "String!", "The dataset's name."))
        .argument(argument("ids", "[ID!]", "Which rejects; all of them if not given."))
        .description("Forgets refused rows."),
        RootField::new("retryJob", type_ref("Job!"), |context| {
            FieldFuture::new(async move {
                let job = retry(&context).await.map_err(to_field_error)?;
                Ok(Some(FieldValue::owned_any(Arc::new(job))))
            })
        })
        .argument(InputValue::new("id", TypeRef::named_nn(TypeRef::ID)))
        .description("Begins a job that failed or was cancelled again, as a new one."),
    ]
}

/// An argument as JSON; none when it is null or not given.
pub(super) fn json_argument(context: &ResolverContext<'_>, name: &str) -> Result<Option<Json>> {
    let Some(value) = context.args.get(name).filter(|value| !value.is_null()) else {
        return Ok(None);
    };
    let json = value.as_value().clone().into_json().ok();
    let json = json.ok_or_else(|| Error::bad_input(format!("{name} is not as expected.")))?;
    refuse_nul_within(name, &json)?;
    Ok(Some(json))
}

fn refuse_nul_within(name: &str, json: &Json) -> Result<()> {
    match json {
        Json::String(text) => refuse_nul(name, text),
        Json::Array(items) => items.iter().try_for_each(|item| refuse_nul_within(name, item)),
        Json::Object(map) => map.iter().try_for_each(|(key, item)| {
            refuse_nul(name, key)?;
            refuse_nul_within(name, item)
        }),
        _ => Ok(()),
    }
}

/// An argument that serde reads.
pub(super) fn read_argument<T: serde::de::DeserializeOwned>(
    context: &ResolverContext<'_>,
    name: &str,
) -> Result<Option<T>> {
    match json_argument(context, name)? {
        None => Ok(None),
        Some(json) => serde_json::from_value(json)
            .map(Some)
            .map_err(|error| Error::bad_input(format!("{name} is not as expected: {error}."))),
    }
}

fn taken_file(context: &ResolverContext<'_>, request: &RequestContext) -> Result<Upload> {
    let marker = required(context, "file")?;
    request.take_upload(&marker).ok_or_else(|| {
        Error::bad_input(
            "file must be a part of a multipart request; see the GraphQL multipart request specification.",
        )
    })
}

pub(super) fn wait(context: &ResolverContext<'_>) -> Result<Duration> {
    match read_argument::<i64>(context, "wait")?.map_or(Ok(0), u64::try_from) {
        Ok(seconds) if seconds <= MAX_WAIT_SECONDS => Ok(Duration::from_secs(seconds)),
        _ => Err(Error::bad_input(format!("wait must be from 0 to {MAX_WAIT_SECONDS}."))),
    }
}

fn upload_request(
    context: &ResolverContext<'_>,
    file_name: String,
    default_mode: LoadMode,
) -> Result<UploadRequest> {
    let options = match json_argument(context, "options")? {
        Some(Json::Object(map)) => map,
        _ => Map::new(),
    };
    let mut options = read_options(options)?;
    options.sheets = read_argument(context, "sheets")?;
    let has = |name: &str| context.args.get(name).is_some();
    Ok(UploadRequest {
        name: text(context, "name")?,
        file_name,
        mode: read_argument(context, "mode")?.unwrap_or(default_mode),
        options,
        on_drift: read_argument(context, "onDrift")?,
        on_error: if has("onError") { read_argument(context, "onError")? } else { None }
            .unwrap_or_default(),
        key: text(context, "key")?,
        description: if has("description") { text(context, "description")? } else { None },
        request_id: if has("requestId") { text(context, "requestId")? } else { None },
        bounds: of_request(context)?.upload_bounds(),
        actor: Some(of_request(context)?.principal.key_prefix.clone()),
    })
}

async fn upload(context: &ResolverContext<'_>) -> Result<Payload> {
    let request = of_request(context)?;
    let upload = taken_file(context, request)?;
    let wanted = upload_request(context, upload.file_name.clone(), LoadMode::Create)?;
    let wait = wait(context)?;
    if read_argument::<bool>(context, "dryRun")?.unwrap_or_default() {
        let inspection = inspect_upload(request, wanted, &upload, INSPECTED_ROWS).await?;
        return Ok(Payload {
            job: None,
            is_unchanged: false,
            inspection: Some(inspection),
            dataset: None,
        });
    }
    let began_us = now_us();
    let ingest = &request.services.ingest;
    let id = ingest.receive_file(request.principal.workspace, wanted, &upload.spooled).await?;
    waited(request, id, wait, began_us).await
}

/// The job once it has ended, or as it is when the time is over.
pub(super) async fn waited(
    request: &RequestContext,
    id: JobId,
    wait: Duration,
    began_us: i64,
) -> Result<Payload> {
    let (ingest, workspace) = (&request.services.ingest, request.principal.workspace);
    let job = match wait.is_zero() {
        true => ingest.job(workspace, id).await?,
        false => ingest.wait(workspace, id, wait).await?,
    };
    // An older job was found by its request id.
    let is_unchanged = job.outcome.is_unchanged || job.created_at_us < began_us;
    Ok(Payload { job: Some(Arc::new(job)), is_unchanged, inspection: None, dataset: None })
}

async fn inspect(context: &ResolverContext<'_>) -> Result<Json> {
    let request = of_request(context)?;
    let upload = taken_file(context, request)?;
    let wanted = upload_request(context, upload.file_name.clone(), LoadMode::Replace)?;
    let n_rows = read_argument::<u64>(context, "rows")?.unwrap_or(INSPECTED_ROWS);
    inspect_upload(request, wanted, &upload, n_rows).await
}

async fn inspect_upload(
    request: &RequestContext,
    wanted: UploadRequest,
    upload: &Upload,
    n_rows: u64,
) -> Result<Json> {
    let workspace = request.principal.workspace;
    let n_rows = usize::try_from(n_rows).unwrap_or(usize::MAX);
    let ingest = &request.services.ingest;
    let sheets = ingest.inspect_spooled(workspace, wanted, &upload.spooled, n_rows).await?;
    inspection_json(&sheets)
}

/// An inspection as GraphQL, the route and the command line show it.
///
/// # Errors
/// INTERNAL when a type cannot be made, which naming excludes.
pub fn inspection_json(sheets: &[InspectedSheet]) -> Result<Json> {
    let mut shown = Vec::with_capacity(sheets.len());
    for sheet in sheets {
        let sdl = type_sdl(&sheet.dataset)?;
        let diff = match &sheet.before {
            None => None,
            Some(before) => Some(sdl_diff(&type_sdl(before)?, &sdl)),
        };
        shown.push(catalog_json::inspected_sheet(sheet, &sdl, diff.as_deref()));
    }
    Ok(json!({ "sheets": shown }))
}

/// The object type of a dataset's rows as SDL.
fn type_sdl(dataset: &Dataset) -> Result<String> {
    let dataset = Arc::new(dataset.clone());
    // Alone: relations are not made by a file.
    let alone = Snapshot::new(WorkspaceId(uuid::Uuid::nil()), 0, 0, [Arc::clone(&dataset)]);
    let sdl = schema::build([&dataset], &alone, Scope::Read, false).map_err(Error::internal)?.sdl();
    // It may implement an interface: only the name's end is known.
    let begin = format!("\ntype {} ", dataset.type_name);
    let from = sdl.find(&begin).map_or(0, |line_end| line_end + 1);
    let text = sdl.get(from..).unwrap_or_default();
    let to = text.find("\n}").map_or(text.len(), |end| end + 2);
    Ok(text.get(..to).unwrap_or_default().to_owned())
}

/// What changes between two object types, line by line, without their descriptions; empty if
/// nothing does.
fn sdl_diff(before: &str, after: &str) -> String {
    let (was, is) = (sdl_fields(before), sdl_fields(after));
    let name_of = |line: &str| line.split_once(':').map_or(line, |(name, _)| name).to_owned();
    let find =
        |lines: &[String], name: &str| lines.iter().find(|line| name_of(line) == name).cloned();
    let mut changes = Vec::new();
    for line in &was {
        match find(&is, &name_of(line)) {
            Some(new) if new == *line => {}
            Some(new) => changes.extend([format!("-  {line}"), format!("+  {new}")]),
            None => changes.push(format!("-  {line}")),
        }
    }
    let added = is.iter().filter(|line| find(&was, &name_of(line)).is_none());
    changes.extend(added.map(|line| format!("+  {line}")));
    if changes.is_empty() {
        return String::new();
    }
    let head = after.lines().next().unwrap_or_default();
    format!(" {head}\n{}\n }}", changes.join("\n"))
}

/// The lines of an object type that are fields.
fn sdl_fields(sdl: &str) -> Vec<String> {
    let mut fields = Vec::new();
    let mut is_description = false;
    for line in sdl.lines().skip(1).map(str::trim) {
        if line == "\"\"\"" {
            is_description = !is_description;
        } else if !is_description && line != "}" {
            fields.push(line.to_owned());
        }
    }
    fields
}

async fn admit(context: &ResolverContext<'_>) -> Result<Payload> {
    let request = of_request(context)?;
    let dataset = dataset_named(request, &required(context, "dataset")?)?;
    let corrections: Vec<Correction> = read_argument(context, "corrections")?.unwrap_or_default();
    let (wait, began_us) = (wait(context)?, now_us());
    let workspace = request.principal.workspace;
    let ingest = &request.services.ingest;
    let id = ingest
        .admit_rejects(workspace, &dataset, &corrections, &request.principal.key_prefix)
        .await?;
    waited(request, id, wait, began_us).await
}

async fn discard(context: &ResolverContext<'_>) -> Result<Arc<Dataset>> {
    let request = of_request(context)?;
    let dataset = dataset_named(request, &required(context, "dataset")?)?;
    let ids: Option<Vec<String>> = read_argument(context, "ids")?;
    let ids = match ids {
        None => None,
        Some(ids) => Some(ids.iter().map(|id| parse_reject_id(id)).collect::<Result<Vec<i64>>>()?),
    };
    let workspace = request.principal.workspace;
    Ok(request.services.catalog.discard_rejects(workspace, dataset.id, ids).await?)
}

fn parse_reject_id(id: &str) -> Result<i64> {
    id.parse().map_err(|_| Error::not_found(format!("There is no reject with the id {id:?}.")))
}

async fn retry(context: &ResolverContext<'_>) -> Result<crate::catalog::model::Job> {
    let request = of_request(context)?;
    let id = job_of_request(request, &required(context, "id")?).await?.id;
    let bounds = request.upload_bounds();
    let principal = &request.principal;
    request.services.ingest.retry(principal.workspace, id, bounds, &principal.key_prefix).await
}
