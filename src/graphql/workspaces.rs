//! Workspaces as GraphQL shows and changes them.
//!
//! All but opening one's own for reading is for the server's operator: admins of the workspace that
//! exists from the first start on.

use async_graphql::dynamic::ResolverContext;
use serde_json::{Value as Json, json};

use super::access_fields::json_field;
use super::catalog_json::big;
use super::engine::RequestContext;
use super::mutations::{of_request, required};
use super::root_field::RootField;
use super::uploads::read_argument;
use crate::auth::policy;
use crate::catalog::CatalogError;
use crate::catalog::access::{PublicRead, Quotas};
use crate::catalog::model::WorkspaceId;
use crate::error::{Error, Result};

/// The queries.
pub(super) fn queries() -> Vec<RootField> {
    vec![
        json_field("workspaces", "[Workspace!]!", |context| Box::pin(workspaces(context)), &[])
            .description(
                "All workspaces of the server. For its operator: admins of the first workspace.",
            ),
    ]
}

/// The mutations.
pub(super) fn mutations() -> Vec<RootField> {
    const NAME: (&str, &str, &str) = ("name", "String!", "The workspace's name.");
    vec![
        json_field(
            "setPublicRead",
            "Workspace!",
            |context| Box::pin(set_public_read(context)),
            &[
                ("all", "Boolean", "Whether everything is read without a key."),
                ("datasets", "[String!]", "The datasets that are; none for an empty list."),
            ],
        )
        .description("Says what may be read without a key: nothing, some datasets, or all."),
        json_field("createWorkspace", "Workspace!", |context| Box::pin(create(context)), &[NAME])
            .description(
                "Makes a workspace; its first key is made by createKey. For the operator.",
            ),
        json_field(
            "renameWorkspace",
            "Workspace!",
            |context| Box::pin(rename(context)),
            &[NAME, ("newName", "String!", "The new name.")],
        )
        .description("Gives a workspace another name. For the operator."),
        json_field(
            "deleteWorkspace",
            "Workspace!",
            |context| Box::pin(delete(context)),
            &[NAME, ("confirm", "String!", "The name once more: all datasets, keys and files go.")],
        )
        .description(
            "Removes a workspace with all that it holds; answers it as it was. For the operator.",
        ),
        json_field(
            "setQuotas",
            "Workspace!",
            |context| Box::pin(set_quotas(context)),
            &[
                NAME,
                ("maxDatasets", "Int", "The most datasets; no bound when not given."),
                ("maxBytes", "BigInt", "The most bytes of all datasets in the store."),
                ("maxRows", "BigInt", "The most rows of all datasets."),
            ],
        )
        .description(
            "Bounds what a workspace may hold, in the place of earlier bounds. For the operator.",
        ),
    ]
}

async fn set_public_read(context: &ResolverContext<'_>) -> Result<Json> {
    let request = of_request(context)?;
    let all: Option<bool> = read_argument(context, "all")?;
    let datasets: Option<Vec<String>> = read_argument(context, "datasets")?;
    let snapshot = request.snapshot();
    let public_read = match (all, datasets) {
        (Some(true), None) => PublicRead::All,
        (Some(false), None) => PublicRead::Nothing,
        (None | Some(false), Some(datasets)) => {
            if let Some(name) = datasets.iter().find(|name| snapshot.dataset(name).is_none()) {
                return Err(Error::not_found(format!("There is no dataset named {name:?}.")));
            }
            match datasets.is_empty() {
                true => PublicRead::Nothing,
                false => PublicRead::Datasets(datasets),
            }
        }
        _ => return Err(Error::bad_input("Give all or datasets.")),
    };
    let workspace = request.principal.workspace;
    request.services.catalog.set_public_read(workspace, &public_read).await?;
    Ok(workspace_json(request, workspace))
}

/// A workspace as it is shown.
pub(super) fn workspace_json(request: &RequestContext, workspace: WorkspaceId) -> Json {
    let snapshot = match workspace == request.principal.workspace {
        true => request.snapshot(),
        false => request.services.catalog.snapshot(workspace),
    };
    let sum = |of: fn(&crate::catalog::model::Dataset) -> i64| -> i64 {
        snapshot.datasets().map(|dataset| of(dataset)).fold(0, i64::saturating_add)
    };
    let access = &snapshot.access;
    let (is_public, public_datasets) = match &access.public_read {
        PublicRead::Nothing => (false, Vec::new()),
        PublicRead::All => (true, Vec::new()),
        PublicRead::Datasets(names) => (false, names.clone()),
    };
    json!({
        "id": workspace.0.to_string(),
        "name": access.name,
        "datasetCount": snapshot.datasets().len(),
        "rowCount": big(sum(|dataset| dataset.row_count)),
        "sizeBytes": big(sum(|dataset| dataset.size_bytes)),
        "revision": big(snapshot.revision),
        "schemaRevision": big(snapshot.schema_revision),
        "publicRead": is_public,
        "publicDatasets": public_datasets
            .into_iter()
            .filter(|name| snapshot.dataset(name).is_some())
            .collect::<Vec<_>>(),
        "maxDatasets": access.quotas.max_datasets,
        "maxBytes": access.quotas.max_bytes.map(big),
        "maxRows": access.quotas.max_rows.map(big),
    })
}

fn require_operator(request: &RequestContext) -> Result<()> {
    request.principal.require_operator(request.services.catalog.default_workspace())
}

/// The workspace of this name, for the operator.
pub(super) async fn workspace_named(request: &RequestContext, name: &str) -> Result<WorkspaceId> {
    require_operator(request)?;
    let found = request.services.catalog.workspace_named(name).await?;
    let found =
        found.ok_or_else(|| Error::not_found(format!("There is no workspace named {name:?}.")))?;
    Ok(found.id)
}

async fn workspaces(context: &ResolverContext<'_>) -> Result<Json> {
    let request = of_request(context)?;
    require_operator(request)?;
    let all = request.services.catalog.workspaces().await?;
    Ok(all.iter().map(|workspace| workspace_json(request, workspace.id)).collect())
}

async fn create(context: &ResolverContext<'_>) -> Result<Json> {
    let request = of_request(context)?;
    require_operator(request)?;
    let name = required(context, "name")?;
    policy::check_workspace_name(&name)?;
    let made = request.services.catalog.create_workspace(&name).await;
    let made = made.map_err(taken)?;
    Ok(workspace_json(request, made.id))
}

async fn rename(context: &ResolverContext<'_>) -> Result<Json> {
    let request = of_request(context)?;
    let workspace = workspace_named(request, &required(context, "name")?).await?;
    let name = required(context, "newName")?;
    policy::check_workspace_name(&name)?;
    refuse_default(request, workspace)?;
    request.services.catalog.rename_workspace(workspace, &name).await.map_err(taken)?;
    Ok(workspace_json(request, workspace))
}

async fn delete(context: &ResolverContext<'_>) -> Result<Json> {
    let request = of_request(context)?;
    let name = required(context, "name")?;
    let workspace = workspace_named(request, &name).await?;
    refuse_default(request, workspace)?;
    if required(context, "confirm")? != name {
        return Err(Error::bad_input(
            "confirm must be the workspace's name once more: all that it holds goes.",
        ));
    }
    let shown = workspace_json(request, workspace);
    let services = &request.services;
    services.ingest.delete_workspace(workspace).await?;
    services.auth.forget_keys();
    Ok(shown)
}

async fn set_quotas(context: &ResolverContext<'_>) -> Result<Json> {
    let request = of_request(context)?;
    let workspace = workspace_named(request, &required(context, "name")?).await?;
    let number = |name: &str| -> Result<Option<i64>> {
        let wrong = || Error::bad_input(format!("{name} must be a whole number, 0 or more."));
        let given: Option<Json> = read_argument(context, name)?;
        let read = |value: Json| match value {
            Json::String(text) => text.parse().ok(),
            other => other.as_i64(),
        };
        given.map(|value| read(value).filter(|n: &i64| *n >= 0).ok_or_else(wrong)).transpose()
    };
    let quotas = Quotas {
        max_datasets: number("maxDatasets")?,
        max_bytes: number("maxBytes")?,
        max_rows: number("maxRows")?,
    };
    request.services.catalog.set_quotas(workspace, quotas).await?;
    Ok(workspace_json(request, workspace))
}

/// It is the one that a server begins with, and is found by its name.
fn refuse_default(request: &RequestContext, workspace: WorkspaceId) -> Result<()> {
    if workspace != request.services.catalog.default_workspace() {
        return Ok(());
    }
    Err(Error::bad_input("The server's first workspace keeps its name and stays."))
}

fn taken(error: CatalogError) -> Error {
    match error {
        CatalogError::NameTaken(name) => Error::new(
            crate::error::Code::Conflict,
            format!("A workspace named {name:?} exists. Give another name."),
        ),
        error => error.into(),
    }
}
