//! Trusted documents: the fields that show and change a workspace's list, and which documents it
//! serves.
//!
//! Each text is checked as a request's is before it is listed. Whether it fits the schema is not:
//! that changes with the data, and is told to whoever runs it.

use async_graphql::dynamic::{
    Enum, FieldFuture, InputObject, InputValue, ResolverContext, SchemaBuilder, TypeRef,
};
use serde_json::{Value as Json, json};

use super::answer::to_field_error;
use super::catalog_json;
use super::catalog_types::{field_value, json_object, type_ref};
use super::engine::{RequestContext, Services};
use super::manifest;
use super::mutations::{of_request, required};
use super::root_field::RootField;
use crate::catalog::documents::{TrustedDocument, mode_of, mode_word};
use crate::catalog::model::WorkspaceId;
use crate::config::DocumentMode;
use crate::error::{Code, Error, Result};
use crate::query::document;

/// Documents shown when no limit is given, and at most.
const PAGE: (u64, u64) = (100, 1_000);

/// Registers the types.
pub(super) fn register(builder: SchemaBuilder) -> SchemaBuilder {
    builder
        .register(
            Enum::new("DocumentMode")
                .description("Which documents are served.")
                .item(mode_word(DocumentMode::Any))
                .item(mode_word(DocumentMode::Trusted)),
        )
        .register(json_object(
            "TrustedDocuments",
            "The workspace's list of trusted documents.",
            &[
                (
                    "mode",
                    "DocumentMode!",
                    "Which documents the workspace serves to all but admins.",
                ),
                ("count", "Int!", "Documents in the list."),
                ("sizeBytes", "BigInt!", "Bytes of their texts."),
                ("documents", "[TrustedDocument!]!", "The documents by id, a page of them."),
            ],
        ))
        .register(json_object(
            "TrustedDocument",
            "A document that clients name instead of sending it.",
            &[
                ("id", "String!", "Its name."),
                ("sha256", "String!", "The hash of its text, which is a name of it, too."),
                ("text", "String!", "The document."),
                ("createdAt", "DateTime!", "When it came into the list."),
            ],
        ))
        .register(
            InputObject::new("TrustedDocumentInput")
                .description("A document for the list.")
                .field(
                    InputValue::new("id", TypeRef::named(TypeRef::STRING))
                        .description("Its name; the hash of its text when left out."),
                )
                .field(InputValue::new("text", TypeRef::named_nn(TypeRef::STRING))),
        )
}

/// The root field that shows the list.
pub(super) fn query_field() -> RootField {
    RootField::new("trustedDocuments", type_ref("TrustedDocuments!"), |context| {
        FieldFuture::new(async move {
            let request = of_request(&context).map_err(to_field_error)?;
            let number = |name: &str| context.args.get(name).and_then(|value| value.u64().ok());
            let limit = number("limit").unwrap_or(PAGE.0).min(PAGE.1);
            let shown = show(request, limit, number("offset").unwrap_or(0)).await;
            Ok(field_value(shown.map_err(to_field_error)?, "TrustedDocuments!"))
        })
    })
    .argument(InputValue::new("limit", TypeRef::named(TypeRef::INT)))
    .argument(InputValue::new("offset", TypeRef::named(TypeRef::INT)))
    .description("The documents that clients may name, for admins.")
}

/// The mutations.
pub(super) fn mutations() -> Vec<RootField> {
    vec![
        RootField::new("setTrustedDocuments", type_ref("TrustedDocuments!"), |context| {
            FieldFuture::new(async move {
                let shown = set_list(&context).await.map_err(to_field_error)?;
                Ok(field_value(shown, "TrustedDocuments!"))
            })
        })
        .argument(InputValue::new("documents", type_ref("[TrustedDocumentInput!]!")))
        .argument(
            InputValue::new("keepOthers", TypeRef::named(TypeRef::BOOLEAN))
                .description("Adds to the list; else these are the list from now on."),
        )
        .description("Makes the list of trusted documents, or adds to it."),
        RootField::new("setDocumentMode", type_ref("TrustedDocuments!"), |context| {
            FieldFuture::new(async move {
                let shown = set_mode(&context).await.map_err(to_field_error)?;
                Ok(field_value(shown, "TrustedDocuments!"))
            })
        })
        .argument(InputValue::new("mode", type_ref("DocumentMode!")))
        .description("Serves every valid document, or, to all but admins, trusted ones only."),
    ]
}

async fn set_list(context: &ResolverContext<'_>) -> Result<Json> {
    let request = of_request(context)?;
    let given = context.args.try_get("documents").and_then(|list| list.deserialize::<Json>());
    let given = given.map_err(|_| Error::bad_input("documents must be a list."))?;
    let pairs = given.as_array().into_iter().flatten().map(|item| {
        let text = item.get("text").and_then(Json::as_str).unwrap_or_default();
        (item.get("id").and_then(Json::as_str), text)
    });
    let list = manifest::documents(pairs)?;
    let keeps_others =
        context.args.get("keepOthers").and_then(|value| value.boolean().ok()).unwrap_or(false);
    put(&request.services, request.principal.workspace, &list, keeps_others).await?;
    show(request, PAGE.0, 0).await
}

async fn set_mode(context: &ResolverContext<'_>) -> Result<Json> {
    let request = of_request(context)?;
    let word =
        match context.args.try_get("mode").and_then(|mode| mode.enum_name().map(str::to_owned)) {
            Ok(word) => word,
            Err(_) => required(context, "mode")?,
        };
    let mode = mode_of(&word).ok_or_else(|| Error::bad_input("mode must be ANY or TRUSTED."))?;
    request.services.catalog.set_document_mode(request.principal.workspace, mode).await?;
    show(request, PAGE.0, 0).await
}

/// Makes these the list, or adds them.
///
/// # Errors
/// BAD_USER_INPUT for texts that are no documents, PAYLOAD_TOO_LARGE for more bytes than a list
/// may have.
pub(super) async fn put(
    services: &Services,
    workspace: WorkspaceId,
    list: &[TrustedDocument],
    keeps_others: bool,
) -> Result<()> {
    for document in list {
        document::check_text(&document.text, &services.query_limits).map_err(|error| {
            Error::new(error.code, format!("Document {:?}: {}", document.id, error.message))
        })?;
    }
    let mut n_documents = list.len();
    let mut size_bytes: usize = list.iter().map(|document| document.text.len()).sum();
    if keeps_others {
        let there = services.catalog.count_documents(workspace).await?;
        n_documents += usize::try_from(there.n_documents).unwrap_or(usize::MAX);
        size_bytes =
            size_bytes.saturating_add(usize::try_from(there.size_bytes).unwrap_or(usize::MAX));
    }
    if size_bytes > services.max_documents_bytes || n_documents > manifest::MAX_DOCUMENTS {
        return Err(Error::new(
            Code::PayloadTooLarge,
            format!(
                "The list would have {n_documents} documents of {size_bytes} bytes; {} documents of {} bytes are allowed. Push without keeping the others, or raise the setting max_documents_size.",
                manifest::MAX_DOCUMENTS,
                services.max_documents_bytes
            ),
        ));
    }
    Ok(services.catalog.put_documents(workspace, list, keeps_others).await?)
}

/// The list in numbers, as the route `/documents` answers it.
pub(super) async fn counts(services: &Services, workspace: WorkspaceId) -> Result<Json> {
    let counts = services.catalog.count_documents(workspace).await?;
    let mode = services.catalog.snapshot(workspace).documents.mode;
    Ok(json!({
        "mode": mode_word(mode),
        "count": counts.n_documents,
        "sizeBytes": counts.size_bytes.to_string(),
    }))
}

async fn show(request: &RequestContext, limit: u64, offset: u64) -> Result<Json> {
    let (services, workspace) = (&request.services, request.principal.workspace);
    let mut shown = counts(services, workspace).await?;
    let documents = services.catalog.documents(workspace, limit, offset).await?;
    let documents: Vec<Json> = documents
        .into_iter()
        .map(|document| {
            json!({
                "id": document.id,
                "sha256": document.sha256,
                "text": document.text,
                "createdAt": catalog_json::instant(document.created_at_us),
            })
        })
        .collect();
    if let Some(map) = shown.as_object_mut() {
        map.insert("documents".to_owned(), Json::Array(documents));
    }
    Ok(shown)
}
