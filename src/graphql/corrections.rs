//! The mutations that correct a dataset after its upload, rename it or drop it.
//!
//! What changes rows is a job; what only changes words is done at once.

use std::sync::Arc;

use async_graphql::dynamic::{FieldFuture, FieldValue, ResolverContext};
use futures_util::future::BoxFuture;
use serde_json::{Map, Value as Json};
use sluice_schema::{ColumnOverride, DeclaredType, ReadOptions};

use super::answer::to_field_error;
use super::catalog_types::type_ref;
use super::engine::RequestContext;
use super::mutations::{dataset_named, of_request, required};
use super::root_field::RootField;
use super::upload_types::Payload;
use super::uploads::{argument, json_argument, read_argument, wait, wait_argument, waited};
use crate::catalog::model::{Column, Dataset, Relation};
use crate::catalog::now_us;
use crate::catalog::snapshot::Link;
use crate::error::{Error, Result};
use crate::ingest::{Derivation, read_options};

pub(super) const DATASET: (&str, &str, &str) = ("dataset", "String!", "The dataset's name.");
const ALLOW_LOSS: (&str, &str, &str) = (
    "allowLoss",
    "Boolean",
    "Whether rows with values that do not fit any more may become rejects; without it they are listed and nothing is changed.",
);

pub(super) fn with(field: RootField, arguments: &[(&str, &str, &str)]) -> RootField {
    arguments.iter().fold(field, |field, (name, sdl, description)| {
        field.argument(argument(name, sdl, description))
    })
}

type Answer<'c> = BoxFuture<'c, Result<Payload>>;

/// A mutation that answers a payload.
pub(super) fn payload_field(
    name: &'static str,
    resolve: for<'c> fn(&'c ResolverContext<'_>) -> Answer<'c>,
    arguments: &[(&str, &str, &str)],
) -> RootField {
    let field = RootField::new(name, type_ref("UploadPayload!"), move |context| {
        FieldFuture::new(async move {
            let payload = resolve(&context).await.map_err(to_field_error)?;
            Ok(Some(FieldValue::owned_any(payload)))
        })
    });
    with(field, arguments).argument(wait_argument())
}

/// The mutations.
pub(super) fn fields() -> Vec<RootField> {
    vec![
        payload_field(
            "alterColumn",
            |context| Box::pin(alter_column(context)),
            &[
                DATASET,
                ("column", "String!", "The field's name."),
                ("type", "ColumnType", "The type that every value must have from now on."),
                ("name", "String", "The field's new name."),
                ("description", "String", "What its values are; \"\" for nothing."),
                ("required", "Boolean", "Whether a row without a value is refused."),
                ALLOW_LOSS,
            ],
        )
        .description("Corrects a column, by reading the dataset's file anew, or of its rows where they came from several files. It holds for later uploads, too."),
        payload_field(
            "setKey",
            |context| Box::pin(set_key(context)),
            &[
                DATASET,
                ("column", "String", "The field whose values name the rows; none for a column id, or the row number."),
            ],
        )
        .description("Chooses the key; its values must be there and differ."),
        payload_field(
            "reparse",
            |context| Box::pin(reparse(context)),
            &[
                DATASET,
                ("options", "UploadOptions!", "What is to be read differently; the rest stays."),
                ALLOW_LOSS,
            ],
        )
        .description("Reads the dataset's file anew with other options."),
        with(
            RootField::new("renameDataset", type_ref("Dataset!"), |context| {
                FieldFuture::new(async move {
                    let dataset = rename(&context).await.map_err(to_field_error)?;
                    Ok(Some(FieldValue::owned_any(dataset)))
                })
            }),
            &[DATASET, ("name", "String!", "The new name.")],
        )
        .description("Renames a dataset: its types are called differently at once; its old root fields go on answering, deprecated, until dropOldName or until another dataset takes the name."),
        with(
            RootField::new("dropDataset", type_ref("Dataset!"), |context| {
                FieldFuture::new(async move {
                    let dataset = drop_dataset(&context).await.map_err(to_field_error)?;
                    Ok(Some(FieldValue::owned_any(dataset)))
                })
            }),
            &[DATASET],
        )
        .description("Removes a dataset and its rejects; answers it as it was."),
    ]
}

async fn alter_column(context: &ResolverContext<'_>) -> Result<Payload> {
    let request = of_request(context)?;
    let dataset = dataset_named(request, &required(context, "dataset")?)?;
    let column = column_named(&dataset, &required(context, "column")?)?;
    let column_type: Option<DeclaredType> = read_argument(context, "type")?;
    let name: Option<String> = read_argument(context, "name")?;
    let is_required: Option<bool> = read_argument(context, "required")?;
    let description: Option<String> = read_argument(context, "description")?;
    let (wait, began_us) = (wait(context)?, now_us());
    let needs_job = column_type.is_some() || name.is_some() || is_required.is_some();
    if column.generated && needs_job {
        return Err(Error::bad_input(
            "The field id is given by Sluice; only its description can be changed. Another key is chosen by setKey.",
        ));
    }
    if let Some(name) = &name {
        let snapshot = request.services.catalog.snapshot(request.principal.workspace);
        if snapshot.links(dataset.id).iter().flat_map(Link::fields).any(|field| field == *name) {
            return Err(Error::new(
                crate::error::Code::Conflict,
                format!("A relation gives {} the field {name}. Choose another name.", dataset.name),
            ));
        }
        let taken = |other: &&Column| other.name.eq_ignore_ascii_case(name);
        if let Some(other) = dataset.columns.iter().find(taken).filter(|it| it.name != column.name)
        {
            return Err(Error::new(
                crate::error::Code::Conflict,
                format!(
                    "{} has a field {} already. Choose another name.",
                    dataset.name, other.name
                ),
            ));
        }
    }
    if name.as_ref().is_some_and(|name| *name != column.name) {
        refuse_related(request, &dataset, column)?;
    }
    let change = ColumnOverride {
        label: address_of(&dataset, column)?,
        column_type,
        name,
        required: false,
        skip: false,
    };
    let mut options = dataset.recipe.options.clone();
    let mut entry = take_override(&mut options, &change.label, column);
    entry.column_type = change.column_type.or(entry.column_type);
    entry.name = change.name.or(entry.name);
    entry.required = is_required.unwrap_or(entry.required);
    // The others hold where their columns are there.
    options.inherited = std::mem::replace(&mut options.columns, vec![entry]);
    if needs_job {
        // Refused before anything is changed.
        check(&options)?;
    }
    if let Some(description) = description {
        let text = Some(description).filter(|text| !text.is_empty());
        let catalog = &request.services.catalog;
        let workspace = request.principal.workspace;
        catalog.describe_column(workspace, &dataset, &column.name, text).await?;
    }
    if !needs_job {
        return Ok(Payload {
            job: None,
            is_unchanged: false,
            inspection: None,
            dataset: Some(dataset.id),
        });
    }
    let derivation = Derivation {
        options,
        key: dataset.recipe.key.clone(),
        allow_loss: read_argument(context, "allowLoss")?.unwrap_or_default(),
        needs_source: false,
    };
    start(request, &dataset, derivation, wait, began_us).await
}

fn check(options: &ReadOptions) -> Result<()> {
    let options = ReadOptions { inherited: Vec::new(), ..options.clone() };
    match serde_json::to_value(options) {
        Ok(Json::Object(map)) => read_options(map).map(|_| ()),
        _ => Err(Error::internal("options that are no object")),
    }
}

async fn set_key(context: &ResolverContext<'_>) -> Result<Payload> {
    let request = of_request(context)?;
    let dataset = dataset_named(request, &required(context, "dataset")?)?;
    let name: Option<String> = read_argument(context, "column")?;
    let (wait, began_us) = (wait(context)?, now_us());
    let key = match name {
        None => None,
        Some(name) => {
            let column = column_named(&dataset, &name)?;
            if column.generated {
                return Err(Error::bad_input(
                    "The field id is given by Sluice; name a column of the file, or leave column out.",
                ));
            }
            Some(match column.label.as_str() {
                "" => column.name.clone(),
                label => label.to_owned(),
            })
        }
    };
    let mut options = dataset.recipe.options.clone();
    options.inherited = std::mem::take(&mut options.columns);
    let derivation = Derivation { options, key, allow_loss: false, needs_source: false };
    start(request, &dataset, derivation, wait, began_us).await
}

async fn reparse(context: &ResolverContext<'_>) -> Result<Payload> {
    let request = of_request(context)?;
    let dataset = dataset_named(request, &required(context, "dataset")?)?;
    let (wait, began_us) = (wait(context)?, now_us());
    let given = match json_argument(context, "options")? {
        Some(Json::Object(map)) => map,
        _ => Map::new(),
    };
    let says_flatten = given.get("flatten").is_some_and(|value| !value.is_null());
    let mut wanted = read_options(given)?;
    let old = &dataset.recipe.options;
    wanted.delimiter = wanted.delimiter.or(old.delimiter);
    wanted.quote = wanted.quote.or(old.quote);
    wanted.escape = wanted.escape.or(old.escape);
    wanted.comment = wanted.comment.or(old.comment);
    wanted.encoding = wanted.encoding.or_else(|| old.encoding.clone());
    wanted.header_row = wanted.header_row.or(old.header_row);
    wanted.header_rows = wanted.header_rows.or(old.header_rows);
    wanted.skip_rows = wanted.skip_rows.or(old.skip_rows);
    wanted.skip_footer = wanted.skip_footer.or(old.skip_footer);
    wanted.null_spellings = wanted.null_spellings.or_else(|| old.null_spellings.clone());
    wanted.date_order = wanted.date_order.or(old.date_order);
    wanted.decimal_mark = wanted.decimal_mark.or(old.decimal_mark);
    wanted.sheets.clone_from(&old.sheets);
    if !says_flatten {
        wanted.flatten = old.flatten;
    }
    for column in &old.columns {
        if !wanted.columns.iter().any(|other| other.label == column.label) {
            // The header may be another one now.
            wanted.inherited.push(column.clone());
        }
    }
    let derivation = Derivation {
        options: wanted,
        key: dataset.recipe.key.clone(),
        allow_loss: read_argument(context, "allowLoss")?.unwrap_or_default(),
        needs_source: true,
    };
    start(request, &dataset, derivation, wait, began_us).await
}

async fn start(
    request: &RequestContext,
    dataset: &Dataset,
    derivation: Derivation,
    wait: std::time::Duration,
    began_us: i64,
) -> Result<Payload> {
    let workspace = request.principal.workspace;
    let id = request
        .services
        .ingest
        .derive(workspace, dataset, derivation, &request.principal.key_prefix)
        .await?;
    waited(request, id, wait, began_us).await
}

fn column_named<'d>(dataset: &'d Dataset, name: &str) -> Result<&'d Column> {
    let found = dataset.columns.iter().find(|column| column.name == name);
    found.ok_or_else(|| Error::bad_input(format!("{} has no column {name:?}.", dataset.name)))
}

/// Relations know their columns by name.
fn refuse_related(request: &RequestContext, dataset: &Dataset, column: &Column) -> Result<()> {
    let snapshot = request.services.catalog.snapshot(request.principal.workspace);
    for other in snapshot.datasets() {
        let uses = |it: &&Relation| {
            other.id == dataset.id && it.column == column.name
                || it.to == dataset.id && it.to_column == column.name
        };
        if let Some(relation) = other.relations.iter().find(uses) {
            let which = match request.snapshot().dataset_by_id(other.id) {
                Some(_) => format!("The relation {} of {}", relation.name, other.name),
                None => "A relation that this key does not see".to_owned(),
            };
            return Err(Error::new(
                crate::error::Code::Conflict,
                format!(
                    "{which} uses this column. Drop it first, and add it again under the column's new name."
                ),
            ));
        }
    }
    Ok(())
}

/// How reading options name a column.
fn address_of(dataset: &Dataset, column: &Column) -> Result<String> {
    let is_alone = |label: &str| {
        dataset.columns.iter().filter(|other| !other.generated && other.label == label).count() == 1
    };
    match column.label.as_str() {
        _ if column.generated => Ok(String::new()),
        "" => Err(Error::bad_input(format!(
            "The column {} has no header to be found by. Use reparse, whose options name it by its place, like column3.",
            column.name
        ))),
        label if is_alone(label) => Ok(label.to_owned()),
        label => Err(Error::bad_input(format!(
            "The header {label:?} stands over several columns, so that one of them cannot be named. Correct the file."
        ))),
    }
}

/// Takes what was decided about a column out of the options.
fn take_override(options: &mut ReadOptions, label: &str, column: &Column) -> ColumnOverride {
    let place = options.columns.iter().position(|other| other.label == label);
    match place {
        Some(place) => options.columns.remove(place),
        None => ColumnOverride {
            label: label.to_owned(),
            column_type: None,
            name: None,
            required: column.required,
            skip: false,
        },
    }
}

async fn rename(context: &ResolverContext<'_>) -> Result<Arc<Dataset>> {
    let request = of_request(context)?;
    let dataset = dataset_named(request, &required(context, "dataset")?)?;
    let name = required(context, "name")?;
    request.principal.require_dataset(&name)?;
    let workspace = request.principal.workspace;
    Ok(request.services.catalog.rename_dataset(workspace, dataset.id, &name).await?)
}

async fn drop_dataset(context: &ResolverContext<'_>) -> Result<Arc<Dataset>> {
    let request = of_request(context)?;
    let dataset = dataset_named(request, &required(context, "dataset")?)?;
    let workspace = request.principal.workspace;
    request.services.catalog.drop_dataset(workspace, dataset.id).await?;
    Ok(dataset)
}
