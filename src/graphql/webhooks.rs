//! Webhooks as GraphQL shows and changes them.
//!
//! Who may do it was settled before ([`crate::auth::scopes`]); [`crate::webhooks`] sends. A secret is
//! answered when it is made, and never again.

use std::sync::Arc;

use async_graphql::dynamic::{Enum, ResolverContext, SchemaBuilder};
use serde_json::{Value as Json, json};
use uuid::Uuid;

use super::access_fields::json_field;
use super::catalog_json::instant;
use super::catalog_types::json_object;
use super::engine::RequestContext;
use super::mutations::{dataset_named, of_request, required, text};
use super::root_field::RootField;
use super::uploads::read_argument;
use crate::catalog::deliveries::Delivery;
use crate::catalog::events::EventKind;
use crate::catalog::model::Dataset;
use crate::catalog::webhooks::{Webhook, WebhookChange, WebhookId};
use crate::catalog::{CatalogError, now_us};
use crate::error::{Code, Error, Result};
use crate::webhooks::{MAX_PER_DATASET, check_url};

/// The longest description, bytes.
const MAX_DESCRIPTION_BYTES: usize = 1_000;
/// Deliveries that a list shows unless told otherwise, and at most.
const DELIVERIES: u64 = 50;
const MAX_DELIVERIES: u64 = 1_000;

const ID: (&str, &str, &str) = ("id", "ID!", "Names the webhook.");

/// Registers the types.
pub(super) fn register(builder: SchemaBuilder) -> SchemaBuilder {
    builder
        .register(
            Enum::new("WebhookEvent")
                .description("What a webhook can be told: rows were added, changed or removed by mutations (INSERT, UPDATE, DELETE); a job published a version of the dataset, or failed to (LOAD_FINISHED, LOAD_FAILED).")
                .items(["INSERT", "UPDATE", "DELETE", "LOAD_FINISHED", "LOAD_FAILED"]),
        )
        .register(
            Enum::new("WebhookDeliveryStatus")
                .description("Where a delivery stands: it waits for its turn or its next attempt, was taken, or was given up.")
                .items(["PENDING", "DELIVERED", "FAILED"]),
        )
        .register(json_object(
            "Webhook",
            "An address that is told when a dataset changes.",
            &[
                ("id", "ID!", "Names the webhook."),
                ("dataset", "String!", "The dataset."),
                ("url", "String!", "Where events are sent."),
                ("events", "[WebhookEvent!]!", "Which events."),
                ("description", "String", "What its owner says about it."),
                ("enabled", "Boolean!", "Whether it is told anything."),
                ("disabledReason", "String", "Why not."),
                ("disabledAt", "DateTime", "Since when not."),
                ("failureCount", "Int!", "Deliveries in a row that were given up."),
                ("pendingCount", "Int!", "Deliveries that wait."),
                ("createdAt", "DateTime!", "When it was made."),
                ("createdBy", "String", "Who made it."),
                ("updatedAt", "DateTime!", "When it was last changed."),
            ],
        ))
        .register(json_object(
            "CreatedWebhook",
            "A webhook with its secret, shown this once.",
            &[
                ("secret", "String!", "What deliveries are signed with. It cannot be shown again."),
                ("webhook", "Webhook!", "The webhook."),
            ],
        ))
        .register(json_object(
            "WebhookDelivery",
            "What a webhook was told, or is to be.",
            &[
                ("id", "ID!", "Names the delivery: x-sluice-delivery."),
                ("webhook", "ID!", "The webhook."),
                ("event", "WebhookEvent!", "What happened."),
                ("body", "JSON!", "What is sent. Its id names the event, in replays, too."),
                ("replayOf", "ID", "The delivery that it repeats."),
                ("status", "WebhookDeliveryStatus!", "Where it stands."),
                ("attempts", "Int!", "How often it was tried."),
                ("responseStatus", "Int", "The status of the last answer, if one came."),
                ("error", "String", "Why the last attempt failed."),
                ("createdAt", "DateTime!", "When it was written down."),
                ("lastAttemptAt", "DateTime", "When it was last tried."),
                ("nextTryAt", "DateTime", "When it is tried again."),
                ("finishedAt", "DateTime", "When it was taken or given up."),
            ],
        ))
}

/// The queries.
pub(super) fn queries() -> Vec<RootField> {
    vec![
        json_field(
            "webhooks",
            "[Webhook!]!",
            |context| Box::pin(list(context)),
            &[("dataset", "String", "Only those of this dataset.")],
        )
        .description("Who is told when datasets change, oldest first. For admins."),
        json_field(
            "webhookDeliveries",
            "[WebhookDelivery!]!",
            |context| Box::pin(deliveries(context)),
            &[
                ("webhook", "ID!", "The webhook."),
                ("limit", "Int", "At most so many; 50 if not given, at most 1000."),
                ("offset", "Int", "So many are left out first."),
            ],
        )
        .description("What a webhook was told and is to be told, newest first. For admins."),
    ]
}

/// The mutations.
pub(super) fn mutations() -> Vec<RootField> {
    const URL: &str = "Where events are sent by POST: http or https, of the public internet.";
    vec![
        json_field(
            "createWebhook",
            "CreatedWebhook!",
            |context| Box::pin(create(context)),
            &[
                ("dataset", "String!", "The dataset."),
                ("url", "String!", URL),
                ("events", "[WebhookEvent!]!", "Which events, at least one."),
                ("description", "String", "What it is for."),
            ],
        )
        .description("Tells an address when a dataset changes. The secret is shown this once."),
        json_field(
            "updateWebhook",
            "Webhook!",
            |context| Box::pin(update(context)),
            &[
                ID,
                ("url", "String", URL),
                ("events", "[WebhookEvent!]", "Which events, at least one."),
                ("description", "String", "What it is for; \"\" for nothing."),
            ],
        )
        .description("Changes a webhook; what is not given stays. Deliveries that wait are sent to the new url."),
        json_field("dropWebhook", "Webhook!", |context| Box::pin(remove(context)), &[ID])
            .description("Removes a webhook with its deliveries; answers it as it was."),
        json_field(
            "rotateWebhookSecret",
            "CreatedWebhook!",
            |context| Box::pin(rotate(context)),
            &[ID],
        )
        .description("Makes a new secret, which signs from the next attempt on. It is shown this once."),
        json_field(
            "enableWebhook",
            "Webhook!",
            |context| Box::pin(enable(context)),
            &[ID, ("enabled", "Boolean", "Whether it is told anything from now on; true if not given.")],
        )
        .description("Lets a webhook that was disabled go on with the deliveries that wait, or disables it. What happens while it is disabled is not told."),
        json_field(
            "replayDelivery",
            "WebhookDelivery!",
            |context| Box::pin(replay(context)),
            &[("id", "ID!", "Names the delivery.")],
        )
        .description("Sends what was taken or given up once more, behind all that waits."),
    ]
}

fn webhook_json(webhook: &Webhook, dataset: &Dataset, n_waiting: i64) -> Json {
    json!({
        "id": webhook.id.0.to_string(),
        "dataset": dataset.name,
        "url": webhook.url,
        "events": webhook.events,
        "description": webhook.description,
        "enabled": webhook.is_enabled,
        "disabledReason": webhook.disabled_reason,
        "disabledAt": webhook.disabled_at_us.map(instant),
        "failureCount": webhook.n_failures,
        "pendingCount": n_waiting,
        "createdAt": instant(webhook.created_at_us),
        "createdBy": webhook.created_by,
        "updatedAt": instant(webhook.updated_at_us),
    })
}

fn delivery_json(delivery: &Delivery) -> Json {
    json!({
        "id": delivery.id.to_string(),
        "webhook": delivery.webhook.0.to_string(),
        "event": delivery.event,
        "body": serde_json::from_str::<Json>(&delivery.body).unwrap_or_default(),
        "replayOf": delivery.replay_of,
        "status": delivery.status,
        "attempts": delivery.attempts,
        "responseStatus": delivery.response_status,
        "error": delivery.error,
        "createdAt": instant(delivery.created_at_us),
        "lastAttemptAt": delivery.last_attempt_at_us.map(instant),
        "nextTryAt": delivery.next_try_at_us.map(instant),
        "finishedAt": delivery.finished_at_us.map(instant),
    })
}

fn unknown(id: &str) -> Error {
    Error::not_found(format!("There is no webhook with the id {id:?}."))
}

/// A webhook of a dataset that the principal sees.
async fn find(request: &RequestContext, id: &str) -> Result<(Webhook, Arc<Dataset>)> {
    let parsed = Uuid::try_parse(id).map_err(|_| unknown(id))?;
    let (catalog, workspace) = (&request.services.catalog, request.principal.workspace);
    let webhook = match catalog.webhook(workspace, WebhookId(parsed)).await {
        Err(CatalogError::NotFound) => return Err(unknown(id)),
        found => found?,
    };
    let dataset = request.snapshot().dataset_by_id(webhook.dataset).cloned();
    Ok((webhook, dataset.ok_or_else(|| unknown(id))?))
}

/// The webhook with how many deliveries wait for it.
async fn shown(request: &RequestContext, webhook: &Webhook, dataset: &Dataset) -> Result<Json> {
    let (catalog, workspace) = (&request.services.catalog, request.principal.workspace);
    let all = catalog.webhooks(workspace, Some(dataset.id)).await?;
    let n_waiting = all.iter().find(|(other, _)| other.id == webhook.id).map_or(0, |(_, n)| *n);
    Ok(webhook_json(webhook, dataset, n_waiting))
}

async fn list(context: &ResolverContext<'_>) -> Result<Json> {
    let request = of_request(context)?;
    let (catalog, workspace) = (&request.services.catalog, request.principal.workspace);
    let dataset = match text(context, "dataset")? {
        None => None,
        Some(name) => Some(dataset_named(request, &name)?.id),
    };
    let snapshot = request.snapshot();
    let all = catalog.webhooks(workspace, dataset).await?;
    let shown = all.iter().filter_map(|(webhook, n_waiting)| {
        let dataset = snapshot.dataset_by_id(webhook.dataset)?;
        Some(webhook_json(webhook, dataset, *n_waiting))
    });
    Ok(shown.collect())
}

async fn deliveries(context: &ResolverContext<'_>) -> Result<Json> {
    let request = of_request(context)?;
    let (webhook, _) = find(request, &required(context, "webhook")?).await?;
    let bound = |name: &str, most: u64, if_missing: u64| -> Result<u64> {
        match read_argument::<i64>(context, name)?.map(u64::try_from) {
            None => Ok(if_missing),
            Some(Ok(n)) if n <= most => Ok(n),
            Some(_) => Err(Error::bad_input(format!("{name} must be from 0 to {most}."))),
        }
    };
    let limit = bound("limit", MAX_DELIVERIES, DELIVERIES)?;
    let offset = bound("offset", u64::from(u32::MAX), 0)?;
    let (catalog, workspace) = (&request.services.catalog, request.principal.workspace);
    let found = catalog.deliveries(workspace, webhook.id, limit, offset).await?;
    Ok(found.iter().map(delivery_json).collect())
}

fn checked_url(request: &RequestContext, url: String) -> Result<String> {
    check_url(&url, request.services.webhooks.allow_private)?;
    Ok(url)
}

fn checked_events(mut events: Vec<EventKind>) -> Result<Vec<EventKind>> {
    events.sort_unstable();
    events.dedup();
    if events.is_empty() {
        return Err(Error::bad_input("A webhook is told at least one event; name some."));
    }
    Ok(events)
}

fn checked_description(text: Option<String>) -> Result<Option<String>> {
    match text.filter(|text| !text.trim().is_empty()) {
        Some(text) if text.len() > MAX_DESCRIPTION_BYTES => Err(Error::bad_input(format!(
            "The description has {} bytes; expected at most {MAX_DESCRIPTION_BYTES}.",
            text.len()
        ))),
        text => Ok(text),
    }
}

async fn create(context: &ResolverContext<'_>) -> Result<Json> {
    let request = of_request(context)?;
    let dataset = dataset_named(request, &required(context, "dataset")?)?;
    let now_us = now_us();
    let webhook = Webhook {
        id: WebhookId(Uuid::now_v7()),
        workspace: request.principal.workspace,
        dataset: dataset.id,
        url: checked_url(request, required(context, "url")?)?,
        events: checked_events(read_argument(context, "events")?.unwrap_or_default())?,
        description: checked_description(text(context, "description")?)?,
        secret_number: 1,
        is_enabled: true,
        disabled_reason: None,
        disabled_at_us: None,
        n_failures: 0,
        created_by: Some(request.principal.key_prefix.clone()),
        created_at_us: now_us,
        updated_at_us: now_us,
    };
    request.services.catalog.add_webhook(&webhook, MAX_PER_DATASET).await?;
    let secret = request.services.auth.webhook_secret(webhook.id, webhook.secret_number);
    Ok(json!({ "secret": secret.expose(), "webhook": webhook_json(&webhook, &dataset, 0) }))
}

async fn changed(
    request: &RequestContext,
    id: &str,
    change: &WebhookChange,
) -> Result<(Webhook, Arc<Dataset>)> {
    let (webhook, dataset) = find(request, id).await?;
    let workspace = request.principal.workspace;
    match request.services.catalog.change_webhook(workspace, webhook.id, change).await {
        Err(CatalogError::NotFound) => Err(unknown(id)),
        webhook => Ok((webhook?, dataset)),
    }
}

async fn update(context: &ResolverContext<'_>) -> Result<Json> {
    let request = of_request(context)?;
    let url = text(context, "url")?;
    let events: Option<Vec<EventKind>> = read_argument(context, "events")?;
    let description = text(context, "description")?;
    let change = WebhookChange {
        url: url.map(|url| checked_url(request, url)).transpose()?,
        events: events.map(checked_events).transpose()?,
        description: description.map(|text| checked_description(Some(text))).transpose()?,
        ..WebhookChange::default()
    };
    let (webhook, dataset) = changed(request, &required(context, "id")?, &change).await?;
    shown(request, &webhook, &dataset).await
}

async fn remove(context: &ResolverContext<'_>) -> Result<Json> {
    let request = of_request(context)?;
    let id = required(context, "id")?;
    let (webhook, dataset) = find(request, &id).await?;
    let before = shown(request, &webhook, &dataset).await?;
    match request.services.catalog.drop_webhook(request.principal.workspace, webhook.id).await {
        Err(CatalogError::NotFound) => Err(unknown(&id)),
        gone => gone.map(|_| before).map_err(Error::from),
    }
}

async fn rotate(context: &ResolverContext<'_>) -> Result<Json> {
    let request = of_request(context)?;
    let change = WebhookChange { has_new_secret: true, ..WebhookChange::default() };
    let (webhook, dataset) = changed(request, &required(context, "id")?, &change).await?;
    let secret = request.services.auth.webhook_secret(webhook.id, webhook.secret_number);
    let shown = shown(request, &webhook, &dataset).await?;
    Ok(json!({ "secret": secret.expose(), "webhook": shown }))
}

async fn enable(context: &ResolverContext<'_>) -> Result<Json> {
    let request = of_request(context)?;
    let is_enabled = read_argument::<bool>(context, "enabled")?.unwrap_or(true);
    let enabled = match is_enabled {
        true => Ok(()),
        false => Err(format!("{} disabled it.", request.principal.key_prefix)),
    };
    let change = WebhookChange { enabled: Some(enabled), ..WebhookChange::default() };
    let (webhook, dataset) = changed(request, &required(context, "id")?, &change).await?;
    shown(request, &webhook, &dataset).await
}

async fn replay(context: &ResolverContext<'_>) -> Result<Json> {
    let request = of_request(context)?;
    let id = required(context, "id")?;
    let none = || Error::not_found(format!("There is no delivery with the id {id:?}."));
    let parsed = Uuid::try_parse(&id).map_err(|_| none())?;
    let (catalog, workspace) = (&request.services.catalog, request.principal.workspace);
    let delivery = match catalog.delivery(workspace, parsed).await {
        Err(CatalogError::NotFound) => return Err(none()),
        found => found?,
    };
    // Of a dataset that the principal sees.
    find(request, &delivery.webhook.0.to_string()).await.map_err(|_| none())?;
    match catalog.replay_delivery(workspace, parsed).await {
        Err(CatalogError::NotFound) => Err(none()),
        Err(CatalogError::Changed) => Err(Error::new(
            Code::Conflict,
            "This delivery waits to be sent, or its webhook is disabled. Wait for it, or enable the webhook first.",
        )),
        made => Ok(delivery_json(&made?)),
    }
}
