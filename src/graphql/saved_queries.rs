//! Saved queries as GraphQL shows and changes them.
//!
//! A saved query is checked against the schema when it is saved, as whoever runs it would be:
//! by the scope READ. Running one is in [`super::saved_run`].

use std::sync::Arc;

use async_graphql::dynamic::{ResolverContext, SchemaBuilder};
use serde_json::{Value as Json, json};

use super::access_fields::json_field;
use super::catalog_json::instant;
use super::catalog_types::json_object;
use super::engine::RequestContext;
use super::mutations::{of_request, required, text};
use super::root_field::RootField;
use super::saved_judge::{problems, read};
use super::saved_run;
use super::uploads::read_argument;
use crate::catalog::CatalogError;
use crate::catalog::now_us;
use crate::catalog::saved_queries::SavedQuery;
use crate::error::{Error, Result};

/// The longest name, characters.
const MAX_NAME_CHARS: usize = 100;
/// The longest description, bytes.
const MAX_DESCRIPTION_BYTES: usize = 1_000;
/// The longest time that an answer is kept, seconds: a year.
const MAX_AGE_S: i64 = 31_536_000;
/// The most requests in a minute.
const MAX_PER_MINUTE: i64 = 1_000_000;

/// Registers the types.
pub(super) fn register(builder: SchemaBuilder) -> SchemaBuilder {
    builder
        .register(json_object(
            "SavedQuery",
            "A document that answers at an address of its own.",
            &[
                ("name", "String!", "Its name."),
                (
                    "path",
                    "String!",
                    "Where it answers JSON, by GET; with .csv or .xlsx behind it a table.",
                ),
                ("document", "String!", "The document."),
                ("description", "String", "What it is for."),
                (
                    "variables",
                    "[SavedQueryVariable!]!",
                    "What it can be asked with, as parameters of its address.",
                ),
                ("maxAge", "Int", "Seconds that clients may keep an answer without asking."),
                ("requestsPerMinute", "Int", "How often each who asks may ask it."),
                (
                    "protected",
                    "Boolean!",
                    "Whether changes of the schema that break it are refused.",
                ),
                ("problems", "[String!]!", "Why it cannot be run now; nothing when it can."),
                ("createdAt", "DateTime!", "When it was first saved."),
                ("updatedAt", "DateTime!", "When it was last saved."),
                ("updatedBy", "String!", "Who saved it last."),
            ],
        ))
        .register(json_object(
            "SavedQueryVariable",
            "A variable of a saved query.",
            &[
                ("name", "String!", "Its name."),
                ("type", "String!", "Its type, as the document writes it."),
                ("required", "Boolean!", "Whether it has to be given."),
                ("default", "JSON", "What it is when it is not given."),
            ],
        ))
}

/// The queries.
pub(super) fn queries() -> Vec<RootField> {
    vec![
        json_field(
            "savedQueries",
            "[SavedQuery!]!",
            |context| Box::pin(list(context)),
            &[("name", "String", "Only the one of this name.")],
        )
        .description("The saved queries that can be run with this key, by name."),
    ]
}

/// The mutations.
pub(super) fn mutations() -> Vec<RootField> {
    vec![
        json_field(
            "saveQuery",
            "SavedQuery!",
            |context| Box::pin(save(context)),
            &[
                ("name", "String!", "Its name: letters, digits, '_' and '-', a letter first."),
                ("document", "String!", "A document with one operation, a query."),
                ("description", "String", "What it is for."),
                ("maxAge", "Int", "Seconds that clients may keep an answer without asking; they ask each time when not given."),
                ("requestsPerMinute", "Int", "How often each who asks may ask it, beside the key's own rate."),
                ("protected", "Boolean", "Whether changes of the schema that break it are refused; true when not given."),
            ],
        )
        .description("Saves a query in the place of the one of this name: GET /q/NAME answers it, variables are parameters of the address."),
        json_field(
            "dropSavedQuery",
            "SavedQuery!",
            |context| Box::pin(remove(context)),
            &[("name", "String!", "Its name.")],
        )
        .description("Removes a saved query; answers it as it was."),
    ]
}

async fn shown(request: &RequestContext, query: &SavedQuery) -> Result<Json> {
    let services = &request.services;
    let problems = problems(services, &request.snapshot(), &query.document).await?;
    let variables = match read(services, &query.document) {
        Ok(known) => known.variables().map(|it| json!({
            "name": it.name, "type": it.declared, "required": it.is_needed(), "default": it.default,
        })).collect(),
        Err(_) => Vec::new(),
    };
    Ok(json!({
        "name": query.name,
        "path": format!("/q/{}", query.name),
        "document": query.document,
        "description": query.description,
        "variables": variables,
        "maxAge": query.max_age_s,
        "requestsPerMinute": query.requests_per_minute,
        "protected": query.is_protected,
        "problems": problems,
        "createdAt": instant(query.created_at_us),
        "updatedAt": instant(query.updated_at_us),
        "updatedBy": query.updated_by,
    }))
}

async fn list(context: &ResolverContext<'_>) -> Result<Json> {
    let request = of_request(context)?;
    let name = text(context, "name")?;
    let mut found = Vec::new();
    for query in saved_run::seen(&request.services, &request.principal).await? {
        if name.as_ref().is_none_or(|name| *name == query.name) {
            found.push(shown(request, &query).await?);
        }
    }
    Ok(Json::Array(found))
}

async fn save(context: &ResolverContext<'_>) -> Result<Json> {
    let request = of_request(context)?;
    let services = &request.services;
    let name = required(context, "name")?;
    check_name(&name)?;
    let document = required(context, "document")?;
    let known = read(services, &document)?;
    if known.document.is_mutation() || known.document.is_subscription() {
        return Err(Error::bad_input("Only a query can be saved, no mutation or subscription."));
    }
    let found = problems(services, &request.snapshot(), &document).await?;
    if let Some(problem) = found.first() {
        return Err(Error::bad_input(format!("The document cannot be run: {problem}")));
    }
    let number = |name: &str, least: i64, most: i64| -> Result<Option<u32>> {
        let Some(value) = read_argument::<i64>(context, name)? else { return Ok(None) };
        if !(least..=most).contains(&value) {
            return Err(Error::bad_input(format!("{name} must be from {least} to {most}.")));
        }
        Ok(u32::try_from(value).ok())
    };
    let description = text(context, "description")?.filter(|text| !text.trim().is_empty());
    if description.as_ref().is_some_and(|text| text.len() > MAX_DESCRIPTION_BYTES) {
        return Err(Error::bad_input(format!(
            "The description has more than {MAX_DESCRIPTION_BYTES} bytes, the limit."
        )));
    }
    let workspace = request.principal.workspace;
    let before = services.catalog.snapshot(workspace).saved_queries.by_name.get(&name).cloned();
    let now_us = now_us();
    let query = SavedQuery {
        name,
        document,
        description,
        max_age_s: number("maxAge", 0, MAX_AGE_S)?,
        requests_per_minute: number("requestsPerMinute", 1, MAX_PER_MINUTE)?,
        is_protected: read_argument(context, "protected")?.unwrap_or(true),
        updated_by: request.principal.key_prefix.clone(),
        created_at_us: before.map_or(now_us, |before| before.created_at_us),
        updated_at_us: now_us,
    };
    services.catalog.save_query(workspace, &query).await?;
    shown(request, &query).await
}

async fn remove(context: &ResolverContext<'_>) -> Result<Json> {
    let request = of_request(context)?;
    let name = required(context, "name")?;
    let (catalog, workspace) = (&request.services.catalog, request.principal.workspace);
    let unknown = || saved_run::unknown(&name);
    let query: Arc<SavedQuery> = catalog
        .snapshot(workspace)
        .saved_queries
        .by_name
        .get(&name)
        .cloned()
        .ok_or_else(unknown)?;
    let before = shown(request, &query).await?;
    match catalog.drop_saved_query(workspace, &name).await {
        Err(CatalogError::NotFound) => Err(unknown()),
        gone => gone.map(|()| before).map_err(Error::from),
    }
}

fn check_name(name: &str) -> Result<()> {
    let is_fit = name.starts_with(|first: char| first.is_ascii_alphabetic())
        && name.len() <= MAX_NAME_CHARS
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    if is_fit {
        return Ok(());
    }
    Err(Error::bad_input(format!(
        "A saved query's name has 1 to {MAX_NAME_CHARS} letters, digits, '_' and '-', a letter first."
    )))
}
