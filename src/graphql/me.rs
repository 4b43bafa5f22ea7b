//! The query `me`: who asks, and what he may do.

use async_graphql::dynamic::{FieldFuture, SchemaBuilder};
use serde_json::{Value as Json, json};

use super::access_fields::scope_word;
use super::answer::to_field_error;
use super::catalog_json::instant;
use super::catalog_types::{FieldRow, field_value, json_object, type_ref};
use super::engine::RequestContext;
use super::mutations::of_request;
use super::root_field::RootField;
use crate::error::Result;

const ME: [FieldRow; 10] = [
    ("keyPrefix", "String!", "The part of the key that may be shown."),
    ("name", "String", "What the key's owner calls it; none for those without a kept key."),
    ("scope", "Scope!", "What the key may do."),
    ("role", "String", "The role whose policies hold for it."),
    ("datasets", "[String!]", "The only datasets that it is for."),
    ("claims", "JSON!", "Values that policies speak of: $claims.NAME."),
    ("expiresAt", "DateTime", "When the key stops to work."),
    ("isAnonymous", "Boolean!", "Whether no key was sent."),
    ("isOperator", "Boolean!", "Whether it may do what concerns all workspaces."),
    ("workspaceId", "ID!", "Whose data it sees."),
];

/// Registers the type.
pub(super) fn register(builder: SchemaBuilder) -> SchemaBuilder {
    builder.register(json_object("Me", "Who asks.", &ME))
}

/// The query.
pub(super) fn field() -> RootField {
    RootField::new("me", type_ref("Me!"), |context| {
        FieldFuture::new(async move {
            let request = of_request(&context).map_err(to_field_error)?;
            let wants_key = |name| context.look_ahead().field(name).exists();
            let wants_key = wants_key("name") || wants_key("expiresAt");
            let me = me(request, wants_key).await.map_err(to_field_error)?;
            Ok(field_value(me, "Me!"))
        })
    })
    .description("Who asks.")
}

async fn me(request: &RequestContext, wants_key: bool) -> Result<Json> {
    let RequestContext { services, principal, .. } = request;
    let key = match wants_key && !principal.is_anonymous {
        true => {
            let keys = services.catalog.keys(principal.workspace).await?;
            keys.into_iter().find(|key| key.prefix == principal.key_prefix)
        }
        false => None,
    };
    let is_operator = principal.require_operator(services.catalog.default_workspace()).is_ok();
    Ok(json!({
        "keyPrefix": principal.key_prefix,
        "name": key.as_ref().map(|key| key.name.as_str()),
        "scope": scope_word(principal.scope),
        "role": principal.role,
        "datasets": principal.datasets,
        "claims": principal.claims,
        "expiresAt": key.and_then(|key| key.expires_at_us).map(instant),
        "isAnonymous": principal.is_anonymous,
        "isOperator": is_operator,
        "workspaceId": principal.workspace.0.to_string(),
    }))
}
