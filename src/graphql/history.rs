//! What datasets were: their versions, what differs between two, and the way back.
//!
//! All of it is about whole datasets, for those who see them whole; rows of an earlier version are
//! asked for by the argument `asOf` of a dataset's own fields, see [`crate::query::past`].

use std::sync::Arc;
use std::time::Instant;

use async_graphql::dynamic::{Enum, FieldFuture, FieldValue, ResolverContext, SchemaBuilder};
use serde_json::{Value as Json, json};

use super::access_fields::json_field;
use super::answer::to_field_error;
use super::catalog_json::instant;
use super::catalog_types::{json_object, type_ref};
use super::corrections::with;
use super::engine::RequestContext;
use super::mutations::{dataset_named, of_request, required};
use super::root_field::RootField;
use super::uploads::read_argument;
use crate::catalog::history::{KeptVersion, VersionLine};
use crate::catalog::model::Dataset;
use crate::error::{Error, Result};
use crate::query::diff::{Side, diff};
use crate::query::past::unknown;
use crate::write::Revert;

/// Versions and rows of a list unless the caller says how many.
const LINES: i64 = 50;
/// The most of them.
const MAX_LINES: i64 = 1_000;

const NAME: (&str, &str, &str) = ("name", "String!", "The dataset's name.");
const LIMIT: (&str, &str, &str) =
    ("limit", "Int", "At most so many; 50 if not given, at most 1000.");
const OFFSET: (&str, &str, &str) = ("offset", "Int", "So many are left out first.");

/// Registers the types.
pub(super) fn register(builder: SchemaBuilder) -> SchemaBuilder {
    let actions =
        ["CREATE", "REPLACE", "APPEND", "UPSERT", "DERIVE", "ADMIT", "WRITE", "TRUNCATE", "REVERT"];
    builder
        .register(Enum::new("VersionAction").description("What made a version.").items(actions))
        .register(
            Enum::new("DiffKind")
                .description("What became of a row.")
                .items(["INSERTED", "UPDATED", "DELETED"]),
        )
        .register(json_object(
            "DatasetVersion",
            "What a dataset was.",
            &[
                ("version", "Int!", "Its number."),
                ("at", "DateTime!", "When it was published."),
                ("actor", "String!", "The prefix of the key that made it; empty for the command line and for versions of earlier programs."),
                ("action", "VersionAction!", "What made it."),
                ("insertedCount", "BigInt!", "Rows that came."),
                ("updatedCount", "BigInt!", "Rows that changed."),
                ("deletedCount", "BigInt!", "Rows that went."),
                ("rowCount", "BigInt!", "Rows that it has."),
                ("jobId", "ID", "The job that made it."),
                ("fileName", "String", "The file that it was made of."),
                ("isKept", "Boolean!", "Whether it can be asked for by datasetDiff, and by asOf as long as the columns are the same."),
                ("canRevert", "Boolean!", "Whether revertDataset brings it back."),
            ],
        ))
        .register(json_object(
            "DiffRow",
            "A row that two versions differ in.",
            &[
                ("kind", "DiffKind!", "What became of it."),
                ("key", "JSON!", "Its key."),
                ("old", "JSON", "As it was; null for a row that came."),
                ("new", "JSON", "As it became; null for a row that went."),
            ],
        ))
        .register(json_object(
            "DatasetDiff",
            "What differs between two versions of a dataset.",
            &[
                ("insertedCount", "BigInt!", "Rows that came."),
                ("updatedCount", "BigInt!", "Rows that have other values."),
                ("deletedCount", "BigInt!", "Rows that went."),
                ("rows", "[DiffRow!]!", "Some of them, in the order of their keys."),
            ],
        ))
}

/// The queries.
pub(super) fn queries() -> Vec<RootField> {
    vec![
        json_field(
            "datasetVersions",
            "[DatasetVersion!]!",
            |context| Box::pin(versions(context)),
            &[NAME, LIMIT, OFFSET],
        )
        .description("What a dataset was, newest first."),
        json_field(
            "datasetDiff",
            "DatasetDiff!",
            |context| Box::pin(difference(context)),
            &[
                NAME,
                ("from", "Int!", "The version that is compared."),
                ("to", "Int!", "The version that it is compared with."),
                LIMIT,
                OFFSET,
            ],
        )
        .description("What became of the rows of a dataset from one version to another, by their keys; columns are matched by name."),
    ]
}

/// The mutations.
pub(super) fn mutations() -> Vec<RootField> {
    let field = RootField::new("revertDataset", type_ref("Dataset!"), |context| {
        FieldFuture::new(async move {
            let dataset = revert(&context).await.map_err(to_field_error)?;
            Ok(Some(FieldValue::owned_any(dataset)))
        })
    });
    let arguments = [
        NAME,
        ("version", "Int!", "The version that is to come back."),
        (
            "ifVersion",
            "Int",
            "The version that was looked at: if there is another by now, nothing is done.",
        ),
    ];
    vec![with(field, &arguments).description(
        "Makes a new version of a dataset with the rows, columns and key of an earlier one. Names, relations, policies and rejects stay.",
    )]
}

/// How many of a list are meant, and how many are left out first.
fn window(context: &ResolverContext<'_>) -> Result<(i64, i64)> {
    let bound = |name: &str, most: i64, if_missing: i64| -> Result<i64> {
        match read_argument::<i64>(context, name)? {
            None => Ok(if_missing),
            Some(n) if (0..=most).contains(&n) => Ok(n),
            Some(_) => Err(Error::bad_input(format!("{name} must be from 0 to {most}."))),
        }
    };
    Ok((bound("limit", MAX_LINES, LINES)?, bound("offset", i64::from(i32::MAX), 0)?))
}

fn number(context: &ResolverContext<'_>, name: &str) -> Result<i64> {
    let number: Option<i64> = read_argument(context, name)?;
    number.ok_or_else(|| Error::bad_input(format!("{name} is missing.")))
}

fn version_json(line: &VersionLine, dataset: &Dataset) -> Json {
    let record = &line.record;
    let is_kept = dataset.kept(record.version).is_some();
    json!({
        "version": record.version,
        "at": instant(record.at_us),
        "actor": record.actor,
        "action": record.action,
        "insertedCount": record.n_inserted.to_string(),
        "updatedCount": record.n_updated.to_string(),
        "deletedCount": record.n_deleted.to_string(),
        "rowCount": record.row_count.to_string(),
        "jobId": line.job,
        "fileName": line.file_name,
        "isKept": is_kept,
        "canRevert": is_kept && record.version != dataset.version,
    })
}

async fn versions(context: &ResolverContext<'_>) -> Result<Json> {
    let request = of_request(context)?;
    let dataset = dataset_named(request, &required(context, "name")?)?;
    let (limit, offset) = window(context)?;
    let (limit, offset) = (limit.unsigned_abs(), offset.unsigned_abs());
    let (catalog, workspace) = (&request.services.catalog, request.principal.workspace);
    let lines = catalog.versions(workspace, dataset.id, limit, offset).await?;
    Ok(lines.iter().map(|line| version_json(line, &dataset)).collect())
}

/// A version with the columns that it had.
async fn side(request: &RequestContext, dataset: &Dataset, kept: &KeptVersion) -> Result<Side> {
    let past = dataset.past(kept);
    if kept.storage == dataset.storage {
        return Ok(Side { past, columns: dataset.columns.to_vec(), key: dataset.key });
    }
    let was = request.services.catalog.with_table_of(dataset, kept).await?;
    Ok(Side { past, columns: was.columns.to_vec(), key: was.key })
}

async fn difference(context: &ResolverContext<'_>) -> Result<Json> {
    let request = of_request(context)?;
    let dataset = dataset_named(request, &required(context, "name")?)?;
    let kept = |name: &str| -> Result<Arc<KeptVersion>> {
        let version = number(context, name)?;
        dataset.kept(version).cloned().ok_or_else(|| unknown(&dataset, version))
    };
    let (from, to) = (kept("from")?, kept("to")?);
    let (from, to) = (side(request, &dataset, &from).await?, side(request, &dataset, &to).await?);
    let services = &request.services;
    let deadline = Instant::now() + services.statement_timeout;
    let diff = diff(&from, &to, window(context)?, services.plan_settings.dialect, deadline)?;
    let counts = services.store.run(diff.counts.clone()).await?;
    let counts: Json = serde_json::from_slice(&counts).map_err(Error::internal)?;
    let rows = services.store.run(diff.rows.clone()).await?;
    Ok(json!({
        "insertedCount": counts.get("inserted"),
        "updatedCount": counts.get("updated"),
        "deletedCount": counts.get("deleted"),
        "rows": diff.shown(&rows)?,
    }))
}

async fn revert(context: &ResolverContext<'_>) -> Result<Arc<Dataset>> {
    let request = of_request(context)?;
    let dataset = dataset_named(request, &required(context, "name")?)?;
    request.upload_bounds().check(&dataset.name)?;
    let revert = Revert {
        workspace: request.principal.workspace,
        actor: request.principal.key_prefix.clone(),
        dataset: dataset.id,
        version: number(context, "version")?,
        if_version: read_argument(context, "ifVersion")?,
    };
    request.services.writer.revert(revert).await
}
