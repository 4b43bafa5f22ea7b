//! The mutation `export`: the rows of a dataset as a file that is made in the background.
//!
//! What is asked becomes a document as for every other export, is checked at once, and runs by the
//! policies of whoever asked it. [`crate::ingest`] keeps the queue and the files.

use std::path::Path;
use std::sync::{Arc, Weak};

use async_graphql::dynamic::{Enum, FieldFuture, FieldValue, ResolverContext, SchemaBuilder};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json, json};
use sluice_schema::Control;
use tokio::io::AsyncWriteExt;

use super::access_fields::text_or_word;
use super::answer::to_field_error;
use super::catalog_types::{json_object, type_ref};
use super::engine::Engine;
use super::export::ExportQuestion;
use super::mutations::{of_request, required, text};
use super::root_field::RootField;
use super::saved_judge::problems;
use super::uploads::{argument, read_argument};
use crate::auth::Principal;
use crate::auth::visibility::sight_of;
use crate::catalog::model::{Dataset, ExportedFile, Job, Scope, WorkspaceId};
use crate::catalog::{ClaimedJob, disk_error, now_us};
use crate::error::{Code, Error, Result};
use crate::export::{CsvOptions, Exports, Format, Header};
use crate::ingest::Exporter;

/// What a job of an export keeps.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Question {
    scope: Scope,
    role: Option<String>,
    datasets: Option<Vec<String>>,
    claims: Map<String, Json>,
    document: String,
    variables: Json,
    format: String,
    options: CsvOptions,
}

impl Question {
    /// Who asked it.
    fn principal(&self, workspace: WorkspaceId, actor: &str) -> Principal {
        Principal::new(workspace, self.scope, actor).held_to(
            self.role.clone(),
            self.datasets.clone(),
            self.claims.clone(),
        )
    }
}

/// Registers the types.
pub(super) fn register(builder: SchemaBuilder) -> SchemaBuilder {
    let formats = Format::ALL.iter().map(|format| format.extension().to_ascii_uppercase());
    builder
        .register(Enum::new("ExportFormat").description("What rows are written as.").items(formats))
        .register(
            Enum::new("ExportHeader")
                .description("The first line of a text file: names of fields, headers as the uploaded file had them, or none.")
                .items(["NAMES", "LABELS", "NONE"]),
        )
        .register(json_object(
            "ExportedFile",
            "The file that an export has made.",
            &[
                ("path", "String!", "Where it is fetched by GET, in parts by Range if need be."),
                ("name", "String!", "What it is called."),
                ("sizeBytes", "BigInt!", "Bytes."),
                ("expiresAt", "DateTime!", "When it is removed."),
            ],
        ))
}

/// The mutation.
pub(super) fn field() -> RootField {
    let field = RootField::new("export", type_ref("Job!"), |context| {
        FieldFuture::new(async move {
            let job = export(&context).await.map_err(to_field_error)?;
            Ok(Some(FieldValue::owned_any(Arc::new(job))))
        })
    });
    [
        ("dataset", "String!", "The dataset."),
        ("format", "ExportFormat!", "What rows are written as."),
        ("where", "JSON", "Only rows that fit: the dataset's BoolExp."),
        ("orderBy", "JSON", "Their order: the dataset's OrderBy, or a list of them."),
        ("columns", "[String!]", "Only these fields, in this order."),
        ("search", "String", "Only rows with these words."),
        ("limit", "Int", "At most so many."),
        ("offset", "Int", "So many are left out first."),
        ("delimiter", "String", "What stands between two values of CSV: one mark."),
        ("header", "ExportHeader", "The first line of a text file; NAMES when not given."),
        ("bom", "Boolean", "Whether a text file begins with a byte order mark."),
        ("guard", "Boolean", "Whether text that looks like a formula is made harmless; true when not given."),
        ("decimalComma", "Boolean", "Whether numbers of a text file have a comma."),
    ]
    .into_iter()
    .fold(field, |field, (name, sdl, text)| field.argument(argument(name, sdl, text)))
    .description("Makes a file of the rows of a dataset in the background, for files that are large or fetched in parts; GET /export/DATASET.csv sends one at once. The job's file tells where it is.")
}

async fn export(context: &ResolverContext<'_>) -> Result<Job> {
    let request = of_request(context)?;
    let (services, principal) = (&request.services, &request.principal);
    let name = required(context, "dataset")?;
    let snapshot = request.snapshot();
    let dataset = snapshot.dataset(&name).cloned();
    let dataset =
        dataset.ok_or_else(|| Error::not_found(format!("There is no dataset named {name:?}.")))?;
    if principal.is_anonymous {
        return Err(Error::new(
            Code::Unauthenticated,
            "A file is kept for whoever asked for it: this needs a key. GET /export/DATASET.csv sends one at once.",
        ));
    }
    let format = text_or_word(context, "format")?.unwrap_or_default().to_ascii_lowercase();
    let known = Format::of_extension(&format)
        .ok_or_else(|| Error::bad_input("format is none that is written."))?;
    let (document, variables) = document(context, &dataset)?;
    // What does not fit is told now, not by the job.
    if let Some(problem) = problems(services, &snapshot, &document).await?.into_iter().next() {
        return Err(Error::bad_input(problem));
    }
    let question = Question {
        scope: principal.scope,
        role: principal.role.clone(),
        datasets: principal.datasets.clone(),
        claims: principal.claims.clone(),
        document,
        variables,
        format,
        options: options(context, known)?,
    };
    let question = serde_json::to_string(&question).map_err(Error::internal)?;
    let (workspace, actor) = (principal.workspace, &principal.key_prefix);
    let id = services.ingest.export(workspace, &dataset, question, actor).await?;
    services.ingest.job(workspace, id).await
}

/// A document of one list, and its variables.
fn document(context: &ResolverContext<'_>, dataset: &Dataset) -> Result<(String, Json)> {
    let of_type = &dataset.type_name;
    let (mut head, mut call, mut variables) = (Vec::new(), Vec::new(), Map::new());
    let wanted = [
        ("where", format!("{of_type}BoolExp"), read_argument::<Json>(context, "where")?),
        ("orderBy", format!("[{of_type}OrderBy!]"), read_argument(context, "orderBy")?),
        ("search", "String".to_owned(), text(context, "search")?.map(Json::from)),
        ("limit", "Int".to_owned(), read_argument(context, "limit")?),
        ("offset", "Int".to_owned(), read_argument(context, "offset")?),
    ];
    for (name, declared, value) in wanted {
        if let Some(value) = value.filter(|value| !value.is_null()) {
            head.push(format!("${name}: {declared}"));
            call.push(format!("{name}: ${name}"));
            variables.insert(name.to_owned(), value);
        }
    }
    let columns: Option<Vec<String>> = read_argument(context, "columns")?;
    let columns = match columns {
        None => dataset.columns.iter().map(|column| column.name.clone()).collect(),
        Some(columns) => {
            for name in &columns {
                if dataset.column(name).is_none() {
                    return Err(Error::bad_input(format!(
                        "{} has no column {name:?}.",
                        dataset.name
                    )));
                }
            }
            columns
        }
    };
    if columns.is_empty() {
        return Err(Error::bad_input("columns names at least one column."));
    }
    let within = |parts: &[String]| match parts {
        [] => String::new(),
        parts => format!("({})", parts.join(", ")),
    };
    let document = format!(
        "query{} {{ {}{} {{ {} }} }}",
        within(&head),
        dataset.name,
        within(&call),
        columns.join(" ")
    );
    Ok((document, Json::Object(variables)))
}

fn options(context: &ResolverContext<'_>, format: Format) -> Result<CsvOptions> {
    let mut options = CsvOptions::default();
    let flag = |name: &str| read_argument::<bool>(context, name);
    options.has_bom = flag("bom")?.unwrap_or(options.has_bom);
    options.is_guarded = flag("guard")?.unwrap_or(options.is_guarded);
    options.has_decimal_comma = flag("decimalComma")?.unwrap_or(options.has_decimal_comma);
    options.header = match text_or_word(context, "header")?.as_deref() {
        Some("LABELS") => Header::Labels,
        Some("NONE") => Header::None,
        _ => Header::Names,
    };
    options.delimiter = match (text(context, "delimiter")?, format) {
        (_, Format::Tsv) => b'\t',
        (Some(mark), _) => CsvOptions::delimiter_of(&mark)
            .ok_or_else(|| Error::bad_input("delimiter must be one mark like , ; | or a tab."))?,
        // Where numbers have commas, lists are separated by semicolons.
        (None, _) if options.has_decimal_comma => b';',
        (None, _) => options.delimiter,
    };
    Ok(options)
}

/// The file of a job as it is shown.
pub(super) fn file_json(job: &Job) -> Option<Json> {
    let file = job.outcome.file.as_ref()?;
    Some(json!({
        "path": format!("/export/jobs/{}", job.id.0),
        "name": file.name,
        "sizeBytes": file.size_bytes.to_string(),
        "expiresAt": super::catalog_json::instant(file.expires_at_us),
    }))
}

/// Makes the files of jobs.
pub struct ExportRunner {
    /// The engine holds the rooms that hold this.
    engine: Weak<Engine>,
    exports: Arc<Exports>,
    keep_us: i64,
}

impl ExportRunner {
    /// By this engine; files are kept so long.
    pub fn new(
        engine: &Arc<Engine>,
        exports: Arc<Exports>,
        keep: std::time::Duration,
    ) -> ExportRunner {
        let keep_us = i64::try_from(keep.as_micros()).unwrap_or(i64::MAX);
        ExportRunner { engine: Arc::downgrade(engine), exports, keep_us }
    }

    async fn make(
        &self,
        job: &ClaimedJob,
        progress: &(dyn Control + Sync),
        path: &Path,
    ) -> Result<ExportedFile> {
        let leaving = || Error::unavailable("the server is leaving");
        let engine = self.engine.upgrade().ok_or_else(leaving)?;
        let question: Question = serde_json::from_str(&job.options).map_err(Error::internal)?;
        let actor = job.created_by.as_deref().unwrap_or_default();
        let principal = Arc::new(question.principal(job.workspace, actor));
        let snapshot = engine.services.auth.view(&principal);
        let format = Format::of_extension(&question.format)
            .ok_or_else(|| Error::internal("a format that is none"))?;
        let asked = ExportQuestion {
            document: question.document,
            variables: question.variables.to_string(),
            form: "",
            snapshot,
        };
        let place = self.exports.place_in_turn().await?;
        let plan = engine.plan_export(&principal, asked, self.exports.deadline()).await?;
        let dataset = plan.snapshot.dataset(&job.dataset_name).cloned();
        let dataset = dataset.ok_or_else(|| Error::not_found("The dataset is gone."))?;
        let wanted = plan.wanted(&dataset, format, question.options)?;
        let mut blocks = self.exports.start(wanted, place)?;
        let mut block = blocks.next().await?;
        engine.require_one_state(&principal, &plan)?;
        let mut file = tokio::fs::File::create(path).await.map_err(disk_error)?;
        let mut size_bytes = 0;
        while let Some(bytes) = block {
            if progress.is_cancelled() {
                return Err(Error::new(Code::Conflict, "The job was cancelled."));
            }
            file.write_all(&bytes).await.map_err(disk_error)?;
            let n_bytes = u64::try_from(bytes.len()).unwrap_or_default();
            progress.bytes_done(n_bytes);
            size_bytes += i64::try_from(n_bytes).unwrap_or_default();
            block = blocks.next().await?;
        }
        file.sync_all().await.map_err(disk_error)?;
        Ok(ExportedFile {
            name: format!("{}.{}", dataset.name, format.extension()),
            size_bytes,
            expires_at_us: now_us().saturating_add(self.keep_us),
            sight: sight_of(&principal, &plan.snapshot, plan.reads()),
            reads: plan.reads().to_vec(),
        })
    }
}

impl Exporter for ExportRunner {
    fn export<'a>(
        &'a self,
        job: &'a ClaimedJob,
        progress: &'a (dyn Control + Sync),
        path: &'a Path,
    ) -> BoxFuture<'a, Result<ExportedFile>> {
        self.make(job, progress, path).boxed()
    }
}
