//! The mutations for datasets without a file: defined, emptied, copied, described; and old names.
//!
//! What copies rows is a job; everything else is done at once.

use std::sync::Arc;

use async_graphql::dynamic::{
    FieldFuture, FieldValue, InputObject, InputValue, ResolverContext, SchemaBuilder,
};
use futures_util::future::BoxFuture;

use super::answer::to_field_error;
use super::catalog_types::type_ref;
use super::corrections::{DATASET, payload_field, with};
use super::mutations::{dataset_named, of_request, required, text};
use super::root_field::RootField;
use super::upload_types::Payload;
use super::uploads::{read_argument, wait, waited};
use crate::catalog::model::Dataset;
use crate::catalog::now_us;
use crate::error::{Error, Result};
use crate::ingest::{Definition, NewColumn};

/// The longest description, bytes.
const MAX_DESCRIPTION_BYTES: usize = 10_000;

const NEW_COLUMN: [(&str, &str, &str); 6] = [
    (
        "name",
        "String!",
        "The name as people write it; the field's name is made of it as of a header.",
    ),
    ("type", "ColumnType!", "The type of every value, from now on and in uploads."),
    ("precision", "Int", "The digits of a DECIMAL, 1 to 18; 18 if not given."),
    ("scale", "Int", "How many of them stand after the point; a DECIMAL needs it."),
    ("required", "Boolean", "Whether a row without a value is refused."),
    ("description", "String", "What its values are."),
];

/// Registers the inputs.
pub(super) fn register(builder: SchemaBuilder) -> SchemaBuilder {
    let mut input =
        InputObject::new("NewColumnInput").description("A column of a dataset to be made.");
    for (field, sdl, description) in NEW_COLUMN {
        input = input.field(InputValue::new(field, type_ref(sdl)).description(description));
    }
    builder.register(input)
}

type Answer<'c> = BoxFuture<'c, Result<Arc<Dataset>>>;

/// A mutation that answers a dataset at once.
fn dataset_field(
    name: &'static str,
    resolve: for<'c> fn(&'c ResolverContext<'_>) -> Answer<'c>,
    arguments: &[(&str, &str, &str)],
) -> RootField {
    let field = RootField::new(name, type_ref("Dataset!"), move |context| {
        FieldFuture::new(async move {
            let dataset = resolve(&context).await.map_err(to_field_error)?;
            Ok(Some(FieldValue::owned_any(dataset)))
        })
    });
    with(field, arguments)
}

/// The mutations.
pub(super) fn fields() -> Vec<RootField> {
    vec![
        dataset_field(
            "createDataset",
            |context| Box::pin(create(context)),
            &[
                ("name", "String!", "The dataset's name."),
                ("columns", "[NewColumnInput!]!", "Its columns, at least one."),
                ("key", "String", "The column whose values name the rows, by name: they must be there and differ. None for a column id, or the row number."),
                ("description", "String", "What the dataset is about."),
            ],
        )
        .description("Makes a dataset without rows, for those who start without a file."),
        dataset_field(
            "truncateDataset",
            |context| Box::pin(truncate(context)),
            &[("name", "String!", "The dataset's name.")],
        )
        .description("Removes all rows of a dataset, and what was refused, as a new version; columns, key, relations and policies stay."),
        payload_field(
            "copyDataset",
            |context| Box::pin(copy(context)),
            &[
                ("from", "String!", "The dataset's name."),
                ("to", "String!", "The name of the copy."),
            ],
        )
        .description("Makes a dataset of the same columns, rows and key. Policies, relations, webhooks and indexes beside the key are the original's alone."),
        dataset_field(
            "setDescription",
            |context| Box::pin(describe(context)),
            &[
                DATASET,
                ("column", "String", "The field's name; none for the dataset as a whole."),
                ("description", "String", "What it is about; null for nothing."),
            ],
        )
        .description("Says what a dataset, or a column of it, is about."),
        dataset_field(
            "dropOldName",
            |context| Box::pin(drop_old_name(context)),
            &[("name", "String!", "The name that a dataset had before.")],
        )
        .description("Makes a renamed dataset answer to a name that it had before no longer."),
    ]
}

async fn create(context: &ResolverContext<'_>) -> Result<Arc<Dataset>> {
    let request = of_request(context)?;
    let columns: Vec<NewColumn> = read_argument(context, "columns")?.unwrap_or_default();
    for column in &columns {
        checked_description(column.description.as_deref())?;
    }
    let description = text(context, "description")?;
    let definition = Definition {
        name: required(context, "name")?,
        columns,
        key: text(context, "key")?,
        description: checked_description(description.as_deref())?.map(str::to_owned),
        bounds: request.upload_bounds(),
        actor: request.principal.key_prefix.clone(),
    };
    let workspace = request.principal.workspace;
    request.services.ingest.create_dataset(workspace, definition).await
}

async fn truncate(context: &ResolverContext<'_>) -> Result<Arc<Dataset>> {
    let request = of_request(context)?;
    let dataset = dataset_named(request, &required(context, "name")?)?;
    request.upload_bounds().check(&dataset.name)?;
    let principal = &request.principal;
    let ingest = &request.services.ingest;
    ingest.truncate_dataset(principal.workspace, &dataset, &principal.key_prefix).await
}

async fn copy(context: &ResolverContext<'_>) -> Result<Payload> {
    let request = of_request(context)?;
    let dataset = dataset_named(request, &required(context, "from")?)?;
    let to = required(context, "to")?;
    let (wait, began_us) = (wait(context)?, now_us());
    let (workspace, bounds) = (request.principal.workspace, request.upload_bounds());
    let id = request
        .services
        .ingest
        .copy(workspace, &dataset, &to, &bounds, &request.principal.key_prefix)
        .await?;
    waited(request, id, wait, began_us).await
}

async fn describe(context: &ResolverContext<'_>) -> Result<Arc<Dataset>> {
    let request = of_request(context)?;
    let dataset = dataset_named(request, &required(context, "dataset")?)?;
    request.upload_bounds().check(&dataset.name)?;
    let (column, description) = (text(context, "column")?, text(context, "description")?);
    let description = checked_description(description.as_deref())?;
    let (workspace, catalog) = (request.principal.workspace, &request.services.catalog);
    match column {
        None => Ok(catalog.describe_dataset(workspace, dataset.id, description).await?),
        Some(column) => {
            let unknown =
                || Error::bad_input(format!("{} has no column {column:?}.", dataset.name));
            let column = dataset.column(&column).ok_or_else(unknown)?;
            let description = description.map(str::to_owned);
            Ok(catalog.describe_column(workspace, &dataset, &column.name, description).await?)
        }
    }
}

async fn drop_old_name(context: &ResolverContext<'_>) -> Result<Arc<Dataset>> {
    let request = of_request(context)?;
    let name = required(context, "name")?;
    let snapshot = request.snapshot();
    let found = snapshot.dataset(&name).filter(|dataset| dataset.name != name);
    let found = found.ok_or_else(|| {
        Error::not_found(format!(
            "No dataset had the name {name:?} before and still answers to it."
        ))
    })?;
    let dataset = dataset_named(request, &found.name)?;
    let workspace = request.principal.workspace;
    Ok(request.services.catalog.drop_old_name(workspace, dataset.id, &name).await?)
}

/// A description that is not too long; none when it says nothing.
fn checked_description(text: Option<&str>) -> Result<Option<&str>> {
    let text = text.filter(|text| !text.trim().is_empty());
    match text {
        Some(text) if text.len() > MAX_DESCRIPTION_BYTES => Err(Error::bad_input(format!(
            "The description has {} bytes; expected at most {MAX_DESCRIPTION_BYTES}.",
            text.len()
        ))),
        text => Ok(text),
    }
}
