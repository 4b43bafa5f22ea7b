//! Keys, policies and the audit log as GraphQL shows and changes them; workspaces are in
//! [`super::workspaces`].
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
use super::catalog_json::instant;
use super::catalog_types::{field_value, json_object, type_ref};
use super::mutations::{of_request, required, text};
use super::root_field::RootField;
use super::uploads::{argument, read_argument};
use super::workspaces;
use crate::auth::{NewKey, check_role, policy};
use crate::catalog::access::{Mask, Operation, Policy, Rules};
use crate::catalog::model::Scope;
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
                .description("What a key may do; each includes the ones before it. QUERY runs saved queries and nothing else.")
                .items(["QUERY", "READ", "WRITE", "UPLOAD", "ADMIN"]),
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
                ("savedQueries", "[String!]", "The only saved queries that it runs."),
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

pub(super) type Answer<'c> = BoxFuture<'c, Result<Json>>;

/// A field that answers JSON.
pub(super) fn json_field(
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
    ]
}

/// The mutations.
pub(super) fn mutations() -> Vec<RootField> {
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
                ("savedQueries", "[String!]", "The only saved queries that a key of the scope QUERY runs, by name."),
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
    ]
}

/// A scope as its enum shows it.
pub(super) fn scope_word(scope: Scope) -> String {
    format!("{scope:?}").to_ascii_uppercase()
}

fn key_json(key: &ApiKey) -> Json {
    json!({
        "prefix": key.prefix,
        "name": key.name,
        "scope": scope_word(key.scope),
        "role": key.role,
        "datasets": key.datasets,
        "claims": key.claims,
        "savedQueries": key.saved_queries,
        "active": key.works_at(now_us()),
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
    let workspace = match text(context, "workspace")? {
        None => request.principal.workspace,
        Some(name) => workspaces::workspace_named(request, &name).await?,
    };
    let scope = match text_or_word(context, "scope")?.as_deref() {
        Some("QUERY") => Scope::Query,
        None | Some("READ") => Scope::Read,
        Some("WRITE") => Scope::Write,
        Some("UPLOAD") => Scope::Upload,
        Some("ADMIN") => Scope::Admin,
        Some(_) => {
            return Err(Error::bad_input("scope must be QUERY, READ, WRITE, UPLOAD or ADMIN."));
        }
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
        saved_queries: read_argument(context, "savedQueries")?,
    };
    let (secret, key) = request.services.auth.create_key(workspace, new).await?;
    Ok(json!({ "key": secret, "apiKey": key_json(&key) }))
}

/// An enum's value as its name, whether it was written or came in a variable.
pub(super) fn text_or_word(context: &ResolverContext<'_>, name: &str) -> Result<Option<String>> {
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
    policy::check(&rules, dataset, &snapshot, &request.services.plan_settings)?;
    let made = Policy::new(dataset.id, &role, rules, &request.principal.key_prefix);
    request.services.catalog.set_policy(request.principal.workspace, &made).await?;
    Ok(policy_json(&snapshot, &made))
}

async fn drop_policy(context: &ResolverContext<'_>) -> Result<Json> {
    let request = of_request(context)?;
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

async fn audit(context: &ResolverContext<'_>) -> Result<Json> {
    let request = of_request(context)?;
    let workspace = request.principal.workspace;
    request.services.auth.audit().flush().await;
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
