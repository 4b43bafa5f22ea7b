//! Keys, policies, workspaces and the audit log as GraphQL shows and changes them.
//!
//! Who may do it was settled before ([`crate::auth::scopes`]); what each means is decided in
//! [`crate::auth`] and kept by the catalog.

use std::collections::BTreeMap;
use std::time::Duration;

use async_graphql::dynamic::{
    Enum, FieldFuture, FieldValue, InputObject, InputValue, ResolverContext, SchemaBuilder, TypeRef,
};
use futures_util::future::BoxFuture;
use serde::Deserialize;
use serde_json::{Map, Value as Json, json};

use super::answer::to_field_error;
use super::catalog_filter;
use super::catalog_json::{big, instant};
use super::catalog_types::{field_value, json_object, type_ref};
use super::engine::RequestContext;
use super::mutations::{of_request, required, text};
use super::root_field::RootField;
use super::uploads::{argument, read_argument};
use crate::auth::{NewKey, check_role, policy};
use crate::catalog::access::{Mask, Operation, Policy, PublicRead, Quotas, Rules, policy_now};
use crate::catalog::model::{Scope, WorkspaceId};
use crate::catalog::snapshot::Snapshot;
use crate::catalog::{ApiKey, AuditEntry, CatalogError, now_us};
use crate::error::{Error, Result};

/// How long a rotated key goes on unless told: an hour.
const OVERLAP_SECONDS: u64 = 3_600;
/// The longest that it may: thirty days.
const MAX_OVERLAP_SECONDS: u64 = 30 * 86_400;
const DAY_US: i64 = 86_400_000_000;
/// Lines of the audit log that filters look at, newest first.
const AUDIT_LINES: u64 = 10_000;

/// Registers the types.
pub(super) fn register(builder: SchemaBuilder) -> SchemaBuilder {
    builder
        .register(
            Enum::new("Scope")
                .description("What a key may do; each includes the ones before it.")
                .items(["READ", "WRITE", "UPLOAD", "ADMIN"]),
        )
        .register(
            Enum::new("Mask")
                .description("How values are shown: HIDE (there is no such field), NULL (as missing), PARTIAL (the first and the last character), HASH (a hash; equal values stay equal).")
                .items(["HIDE", "NULL", "PARTIAL", "HASH"]),
        )
        .register(
            Enum::new("PolicyOperation")
                .description("What may be done with rows.")
                .items(["SELECT", "AGGREGATE", "INSERT", "UPDATE", "DELETE"]),
        )
        .register(json_object(
            "ApiKey",
            "A key; its secret is not kept.",
            &[
                ("prefix", "String!", "The part that may be shown: it names the key."),
                ("name", "String!", "What its owner calls it."),
                ("scope", "Scope!", "What it may do."),
                ("role", "String", "The role whose policies hold for it."),
                ("datasets", "[String!]", "The only datasets that it is for."),
                ("claims", "JSON", "Values that policies speak of: $claims.NAME."),
                ("active", "Boolean!", "Whether it works now."),
                ("createdAt", "DateTime!", "When it was made."),
                ("createdBy", "String", "Who made it."),
                ("expiresAt", "DateTime", "When it stops to work."),
                ("revokedAt", "DateTime", "When it was revoked."),
                ("lastUsedAt", "DateTime", "When it was last seen, to the minute."),
            ],
        ))
        .register(json_object(
            "CreatedKey",
            "A new key, shown this once.",
            &[
                ("key", "String!", "The key itself. It is not kept and cannot be shown again."),
                ("apiKey", "ApiKey!", "What is kept of it."),
            ],
        ))
        .register(json_object(
            "Policy",
            "What a role may see and do in a dataset.",
            &[
                ("dataset", "String!", "The dataset."),
                ("role", "String!", "The role; \"*\" for everybody without a policy of their own."),
                ("filter", "JSON", "Which rows are seen, as the dataset's BoolExp."),
                ("check", "JSON", "What rows must fit once they were written."),
                ("columns", "[String!]", "The fields that are seen; all when there is no list."),
                ("masks", "[ColumnMask!]!", "Fields whose values are shown changed."),
                ("operations", "[PolicyOperation!]!", "What may be done."),
                ("maxRows", "Int", "The most rows that a list answers."),
                ("updatedBy", "String!", "Who decided it."),
                ("updatedAt", "DateTime!", "When."),
            ],
        ))
        .register(json_object(
            "ColumnMask",
            "How values of a field are shown.",
            &[("column", "String!", "The field."), ("mask", "Mask!", "How.")],
        ))
        .register(
            InputObject::new("ColumnMaskInput")
                .description("How values of a field are shown.")
                .field(argument("column", "String!", "The field."))
                .field(argument("mask", "Mask!", "How.")),
        )
        .register(json_object(
            "AuditEntry",
            "Who did what.",
            &[
                ("id", "ID!", "Grows with time."),
                ("at", "DateTime!", "When."),
                ("actor", "String!", "Who: a key's prefix, jwt: and a subject, anonymous, system."),
                ("address", "String", "From where."),
                ("requestId", "String", "The request."),
                ("action", "String!", "What: the field or the route."),
                ("target", "String", "To what."),
                ("outcome", "String!", "OK, or the code of the error."),
                ("details", "JSON", "More about it."),
            ],
        ))
}

type Answer<'c> = BoxFuture<'c, Result<Json>>;

/// A field that answers JSON.
fn json_field(
    name: &'static str,
    sdl: &'static str,
    resolve: for<'c> fn(&'c ResolverContext<'_>) -> Answer<'c>,
    arguments: &[(&str, &str, &str)],
) -> RootField {
    let field = RootField::new(name, type_ref(sdl), move |context| {
        FieldFuture::new(async move {
            let answer = resolve(&context).await.map_err(to_field_error)?;
            Ok(field_value(answer, sdl))
        })
    });
    arguments
        .iter()
        .fold(field, |field, (name, sdl, text)| field.argument(argument(name, sdl, text)))
}

/// A list of the catalog with its filter and order.
fn list_field(
    name: &'static str,
    sdl: &'static str,
    item: &'static str,
    read: for<'c> fn(&'c ResolverContext<'_>) -> Answer<'c>,
) -> RootField {
    RootField::new(name, type_ref(sdl), move |context| {
        FieldFuture::new(async move {
            let rows = match read(&context).await.map_err(to_field_error)? {
                Json::Array(rows) => rows,
                _ => Vec::new(),
            };
            let rows = rows.into_iter().map(|row| (row.clone(), row)).collect();
            let found = catalog_filter::apply(rows, &context.args, item)?;
            Ok(Some(FieldValue::list(found.into_iter().map(FieldValue::owned_any))))
        })
    })
    .argument(InputValue::new("where", TypeRef::named(format!("{item}BoolExp"))))
    .argument(InputValue::new("orderBy", TypeRef::named_nn_list(format!("{item}OrderBy"))))
    .argument(InputValue::new("limit", TypeRef::named(TypeRef::INT)))
    .argument(InputValue::new("offset", TypeRef::named(TypeRef::INT)))
}

/// The queries.
pub(super) fn queries() -> Vec<RootField> {
    vec![
        list_field("keys", "[ApiKey!]!", "ApiKey", |context| Box::pin(keys(context)))
            .description("The workspace's keys, oldest first. For admins."),
        list_field("auditLog", "[AuditEntry!]!", "AuditEntry", |context| Box::pin(audit(context)))
            .description("The newest 10,000 lines of the audit log, newest first. For admins."),
        json_field(
            "policies",
            "[Policy!]!",
            |context| Box::pin(policies(context)),
            &[("dataset", "String", "Only those of this dataset.")],
        )
        .description("What roles may see and do. For admins."),
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
            "createKey",
            "CreatedKey!",
            |context| Box::pin(create_key(context)),
            &[
                ("name", "String!", "What the key is for."),
                ("scope", "Scope", "What it may do; READ when not given."),
                ("role", "String", "The role whose policies hold for it: it sees only datasets with a policy for that role."),
                ("datasets", "[String!]", "The only datasets that it is for, by name."),
                ("claims", "JSON", "An object of values that policies speak of: $claims.NAME."),
                ("days", "Int", "How many days it works; for ever when neither this nor expiresAt is given."),
                ("expiresAt", "DateTime", "When it stops to work."),
                ("workspace", "String", "Another workspace, by name; for the server's operator."),
            ],
        )
        .description("Makes a key. It is shown this once."),
        json_field(
            "rotateKey",
            "CreatedKey!",
            |context| Box::pin(rotate_key(context)),
            &[
                ("prefix", "String!", "Names the key."),
                ("overlapSeconds", "Int", "How long the old key goes on beside the new one; an hour when not given, 0 for not at all."),
            ],
        )
        .description("Makes a key like another one, which ends after a while."),
        json_field(
            "revokeKey",
            "ApiKey!",
            |context| Box::pin(revoke_key(context)),
            &[("prefix", "String!", "Names the key.")],
        )
        .description("Ends a key, within a second on every node."),
        json_field(
            "setPolicy",
            "Policy!",
            |context| Box::pin(set_policy(context)),
            &[
                ("dataset", "String!", "The dataset."),
                ("role", "String", "The role; \"*\", which is meant when there is none, is everybody without a policy of their own, \"anonymous\" those without a key."),
                ("filter", "JSON", "Only rows that fit are seen: the dataset's BoolExp, in which the text \"$claims.NAME\" stands for a claim. Without that claim no row is seen."),
                ("check", "JSON", "Rows must fit once they were written: the same form."),
                ("columns", "[String!]", "The fields that are seen, the key among them; all when there is no list."),
                ("masks", "[ColumnMaskInput!]", "Fields whose values are shown changed."),
                ("operations", "[PolicyOperation!]", "What may be done; SELECT and AGGREGATE when not given."),
                ("maxRows", "Int", "The most rows that a list answers."),
            ],
        )
        .description("Says what a role may see and do in a dataset, in the place of what was said before. It holds at once, for everything that is read."),
        json_field(
            "dropPolicy",
            "Policy!",
            |context| Box::pin(drop_policy(context)),
            &[("dataset", "String!", "The dataset."), ("role", "String!", "The role.")],
        )
        .description("Takes a policy away; answers it as it was."),
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
            .description("Makes a workspace; its first key is made by createKey. For the operator."),
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
        .description("Removes a workspace with all that it holds; answers it as it was. For the operator."),
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
        .description("Bounds what a workspace may hold, in the place of earlier bounds. For the operator."),
    ]
}

fn key_json(key: &ApiKey) -> Json {
    let now_us = now_us();
    let is_active =
        key.revoked_at_us.is_none() && key.expires_at_us.is_none_or(|end_us| end_us > now_us);
    json!({
        "prefix": key.prefix,
        "name": key.name,
        "scope": format!("{:?}", key.scope).to_ascii_uppercase(),
        "role": key.role,
        "datasets": key.datasets,
        "claims": key.claims,
        "active": is_active,
        "createdAt": instant(key.created_at_us),
        "createdBy": key.created_by,
        "expiresAt": key.expires_at_us.map(instant),
        "revokedAt": key.revoked_at_us.map(instant),
        "lastUsedAt": key.last_used_at_us.map(instant),
    })
}

async fn keys(context: &ResolverContext<'_>) -> Result<Json> {
    let request = of_request(context)?;
    let keys = request.services.catalog.keys(request.principal.workspace).await?;
    Ok(keys.iter().map(key_json).collect())
}

async fn create_key(context: &ResolverContext<'_>) -> Result<Json> {
    let request = of_request(context)?;
    request.principal.require_whole()?;
    let workspace = match text(context, "workspace")? {
        None => request.principal.workspace,
        Some(name) => workspace_named(request, &name).await?,
    };
    let scope = match text_or_word(context, "scope")?.as_deref() {
        None | Some("READ") => Scope::Read,
        Some("WRITE") => Scope::Write,
        Some("UPLOAD") => Scope::Upload,
        Some("ADMIN") => Scope::Admin,
        Some(_) => return Err(Error::bad_input("scope must be READ, WRITE, UPLOAD or ADMIN.")),
    };
    let days: Option<i64> = read_argument(context, "days")?;
    let at = text(context, "expiresAt")?;
    let expires_at_us = match (days, at) {
        (Some(_), Some(_)) => {
            return Err(Error::bad_input("Give days or expiresAt, not both."));
        }
        (Some(days), None) if !(1..=36_500).contains(&days) => {
            return Err(Error::bad_input("days must be from 1 to 36500."));
        }
        (Some(days), None) => Some(now_us() + days * DAY_US),
        (None, Some(at)) => {
            Some(sluice_schema::temporal::parse_iso_date_time(&at).ok_or_else(|| {
                Error::bad_input("expiresAt must be a DateTime, such as \"2030-01-31T10:30:00Z\".")
            })?)
        }
        (None, None) => None,
    };
    let new = NewKey {
        name: required(context, "name")?,
        scope,
        expires_at_us,
        role: text(context, "role")?,
        datasets: read_argument(context, "datasets")?,
        claims: read_argument::<Map<String, Json>>(context, "claims")?.unwrap_or_default(),
        created_by: Some(request.principal.key_prefix.clone()),
    };
    let (secret, key) = request.services.auth.create_key(workspace, new).await?;
    Ok(json!({ "key": secret, "apiKey": key_json(&key) }))
}

/// An enum's value as its name, whether it was written or came in a variable.
fn text_or_word(context: &ResolverContext<'_>, name: &str) -> Result<Option<String>> {
    match context.args.get(name).filter(|value| !value.is_null()) {
        None => Ok(None),
        Some(value) => match value.enum_name() {
            Ok(word) => Ok(Some(word.to_owned())),
            Err(_) => text(context, name),
        },
    }
}

async fn rotate_key(context: &ResolverContext<'_>) -> Result<Json> {
    let request = of_request(context)?;
    request.principal.require_whole()?;
    let overlap = read_argument::<i64>(context, "overlapSeconds")?;
    let overlap = overlap.map_or(Ok(OVERLAP_SECONDS), u64::try_from);
    let overlap = overlap.ok().filter(|seconds| *seconds <= MAX_OVERLAP_SECONDS);
    let overlap = overlap.ok_or_else(|| {
        Error::bad_input(format!("overlapSeconds must be from 0 to {MAX_OVERLAP_SECONDS}."))
    })?;
    let (secret, key) = request
        .services
        .auth
        .rotate_key(
            request.principal.workspace,
            &required(context, "prefix")?,
            Duration::from_secs(overlap),
            &request.principal.key_prefix,
        )
        .await?;
    Ok(json!({ "key": secret, "apiKey": key_json(&key) }))
}

async fn revoke_key(context: &ResolverContext<'_>) -> Result<Json> {
    let request = of_request(context)?;
    request.principal.require_whole()?;
    let (services, workspace) = (&request.services, request.principal.workspace);
    let prefix = required(context, "prefix")?;
    services.auth.revoke_key(workspace, &prefix).await?;
    Ok(key_json(&services.catalog.key(workspace, &prefix).await?))
}

fn policy_json(snapshot: &Snapshot, policy: &Policy) -> Json {
    let rules = &policy.rules;
    let masks: Vec<Json> = rules
        .masks
        .iter()
        .map(|(column, mask)| json!({ "column": column, "mask": mask }))
        .collect();
    json!({
        "dataset": snapshot.dataset_by_id(policy.dataset).map(|dataset| dataset.name.clone()),
        "role": policy.role,
        "filter": rules.filter,
        "check": rules.check,
        "columns": rules.columns,
        "masks": masks,
        "operations": rules.operations,
        "maxRows": rules.max_rows,
        "updatedBy": policy.updated_by,
        "updatedAt": instant(policy.updated_at_us),
    })
}

async fn policies(context: &ResolverContext<'_>) -> Result<Json> {
    let request = of_request(context)?;
    let snapshot = request.snapshot();
    let only = text(context, "dataset")?;
    let is_wanted = |policy: &&Policy| {
        let dataset = snapshot.dataset_by_id(policy.dataset);
        dataset.is_some_and(|dataset| only.as_ref().is_none_or(|only| *only == dataset.name))
    };
    let found = snapshot.access.policies.iter().filter(is_wanted);
    Ok(found.map(|policy| policy_json(&snapshot, policy)).collect())
}

#[derive(Deserialize)]
struct ColumnMask {
    column: String,
    mask: Mask,
}

async fn set_policy(context: &ResolverContext<'_>) -> Result<Json> {
    let request = of_request(context)?;
    request.principal.require_whole()?;
    let snapshot = request.snapshot();
    let name = required(context, "dataset")?;
    let dataset = snapshot.dataset(&name);
    let dataset =
        dataset.ok_or_else(|| Error::not_found(format!("There is no dataset named {name:?}.")))?;
    let role = text(context, "role")?.unwrap_or_else(|| "*".to_owned());
    check_role(&role)?;
    let masks: Vec<ColumnMask> = read_argument(context, "masks")?.unwrap_or_default();
    for (position, mask) in masks.iter().enumerate() {
        if masks.iter().take(position).any(|other| other.column == mask.column) {
            return Err(Error::bad_input(format!("masks names {} twice.", mask.column)));
        }
    }
    let rules = Rules {
        filter: read_argument(context, "filter")?,
        check: read_argument(context, "check")?,
        columns: read_argument(context, "columns")?,
        masks: masks.into_iter().map(|it| (it.column, it.mask)).collect::<BTreeMap<_, _>>(),
        operations: read_argument(context, "operations")?
            .unwrap_or_else(|| vec![Operation::Select, Operation::Aggregate]),
        max_rows: read_argument(context, "maxRows")?,
    };
    policy::check(&rules, dataset, &snapshot, request.services.plan_settings)?;
    let made = policy_now(dataset.id, &role, rules, &request.principal.key_prefix);
    request.services.catalog.set_policy(request.principal.workspace, &made).await?;
    Ok(policy_json(&snapshot, &made))
}

async fn drop_policy(context: &ResolverContext<'_>) -> Result<Json> {
    let request = of_request(context)?;
    request.principal.require_whole()?;
    let snapshot = request.snapshot();
    let (name, role) = (required(context, "dataset")?, required(context, "role")?);
    let none = || Error::not_found(format!("There is no policy of {name:?} for {role:?}."));
    let dataset = snapshot.dataset(&name).ok_or_else(none)?;
    let of_role = |it: &&Policy| it.dataset == dataset.id && it.role == role;
    let policy = snapshot.access.policies.iter().find(of_role).ok_or_else(none)?;
    let workspace = request.principal.workspace;
    match request.services.catalog.drop_policy(workspace, dataset.id, &role).await {
        Err(CatalogError::NotFound) => Err(none()),
        other => Ok(other.map(|()| policy_json(&snapshot, policy))?),
    }
}

async fn set_public_read(context: &ResolverContext<'_>) -> Result<Json> {
    let request = of_request(context)?;
    request.principal.require_whole()?;
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
async fn workspace_named(request: &RequestContext, name: &str) -> Result<WorkspaceId> {
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
    services.ingest.cancel_all(workspace).await?;
    services.catalog.delete_workspace(workspace).await?;
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

async fn audit(context: &ResolverContext<'_>) -> Result<Json> {
    let request = of_request(context)?;
    request.principal.require_whole()?;
    let workspace = request.principal.workspace;
    let lines = request.services.catalog.audit(workspace, AUDIT_LINES, 0).await?;
    Ok(lines.iter().map(audit_json).collect())
}

fn audit_json(entry: &AuditEntry) -> Json {
    json!({
        "id": entry.id.to_string(),
        "at": instant(entry.at_us),
        "actor": entry.actor,
        "address": entry.address,
        "requestId": entry.request_id,
        "action": entry.action,
        "target": entry.target,
        "outcome": entry.outcome,
        "details": serde_json::from_str::<Json>(&entry.details).unwrap_or(Json::Null),
    })
}
