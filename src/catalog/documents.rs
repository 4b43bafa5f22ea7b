//! A workspace's list of trusted documents, and whether only those are served.
//!
//! A change of either is a change of the workspace, so that every node hears of it. Texts are
//! looked up one by one: a list may be long. Nothing here knows GraphQL.

use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{
    ColumnTrait, Condition, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect,
};
use sha2::{Digest, Sha256};

use super::convert::hex;
use super::entities::{documents, workspaces};
use super::model::WorkspaceId;
use super::publish::grow;
use super::{Catalog, CatalogError, bounded, now_us};
use crate::config::DocumentMode;

/// Rows of one INSERT: both databases bound the values of a statement.
const ROWS_PER_INSERT: usize = 500;

/// A document that clients may name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustedDocument {
    /// What its owner calls it; a build tool's hash, as a rule.
    pub id: String,
    /// The document.
    pub text: String,
    /// SHA-256 of the text, 64 hexadecimal digits.
    pub sha256: String,
    /// Microseconds since 1970 UTC.
    pub created_at_us: i64,
}

/// A workspace's list in numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DocumentCounts {
    /// Documents.
    pub n_documents: u64,
    /// Bytes of their texts.
    pub size_bytes: u64,
}

impl TrustedDocument {
    /// A document as it comes.
    pub fn new(id: &str, text: &str) -> TrustedDocument {
        let sha256 = hex(&Sha256::digest(text.as_bytes()));
        TrustedDocument {
            id: id.to_owned(),
            text: text.to_owned(),
            sha256,
            created_at_us: now_us(),
        }
    }
}

impl Catalog {
    /// The document with this hash, else the one with this id.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn find_document(
        &self,
        workspace: WorkspaceId,
        name: &str,
    ) -> Result<Option<TrustedDocument>, CatalogError> {
        bounded(async {
            let either = Condition::any()
                .add(documents::Column::Sha256.eq(name))
                .add(documents::Column::Id.eq(name));
            let rows = documents::Entity::find()
                .filter(documents::Column::WorkspaceId.eq(workspace.0.to_string()))
                .filter(either)
                .order_by_asc(documents::Column::Id)
                .all(&self.core.read)
                .await?;
            let by_hash = rows.iter().position(|row| row.sha256 == name).unwrap_or(0);
            Ok(rows.into_iter().nth(by_hash).map(from_row))
        })
        .await
    }

    /// Documents of the list in the order of their ids.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn documents(
        &self,
        workspace: WorkspaceId,
        limit: u64,
        offset: u64,
    ) -> Result<Vec<TrustedDocument>, CatalogError> {
        bounded(async {
            let rows = documents::Entity::find()
                .filter(documents::Column::WorkspaceId.eq(workspace.0.to_string()))
                .order_by_asc(documents::Column::Id)
                .limit(limit)
                .offset(offset)
                .all(&self.core.read)
                .await?;
            Ok(rows.into_iter().map(from_row).collect())
        })
        .await
    }

    /// How many documents the list has, and their size.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn count_documents(
        &self,
        workspace: WorkspaceId,
    ) -> Result<DocumentCounts, CatalogError> {
        bounded(async {
            let of_workspace = documents::Entity::find()
                .filter(documents::Column::WorkspaceId.eq(workspace.0.to_string()));
            let n_documents = of_workspace.clone().count(&self.core.read).await?;
            let sizes: Vec<i64> = of_workspace
                .select_only()
                .column(documents::Column::SizeBytes)
                .into_tuple()
                .all(&self.core.read)
                .await?;
            let size_bytes = sizes.into_iter().filter_map(|size| u64::try_from(size).ok()).sum();
            Ok(DocumentCounts { n_documents, size_bytes })
        })
        .await
    }

    /// Makes these the list, or adds them to it; one that has the id of another takes its place.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn put_documents(
        &self,
        workspace: WorkspaceId,
        list: &[TrustedDocument],
        keeps_others: bool,
    ) -> Result<(), CatalogError> {
        let core = &self.core;
        let _change = core.lock_change().await?;
        bounded(async {
            let transaction = core.begin().await?;
            let (revision, _) = grow(&transaction, workspace).await?;
            let id = workspace.0.to_string();
            if !keeps_others {
                documents::Entity::delete_many()
                    .filter(documents::Column::WorkspaceId.eq(&id))
                    .exec(&transaction)
                    .await?;
            }
            for rows in list.chunks(ROWS_PER_INSERT) {
                let rows = rows.iter().map(|document| documents::ActiveModel {
                    workspace_id: Set(id.clone()),
                    id: Set(document.id.clone()),
                    sha256: Set(document.sha256.clone()),
                    text: Set(document.text.clone()),
                    size_bytes: Set(i64::try_from(document.text.len()).unwrap_or(i64::MAX)),
                    created_at_us: Set(document.created_at_us),
                });
                let key = [documents::Column::WorkspaceId, documents::Column::Id];
                let value = [
                    documents::Column::Sha256,
                    documents::Column::Text,
                    documents::Column::SizeBytes,
                ];
                documents::Entity::insert_many(rows)
                    .on_conflict(OnConflict::columns(key).update_columns(value).to_owned())
                    .exec_without_returning(&transaction)
                    .await?;
            }
            workspaces::Entity::update_many()
                .col_expr(workspaces::Column::DocumentsRevision, Expr::value(revision))
                .filter(workspaces::Column::Id.eq(&id))
                .exec(&transaction)
                .await?;
            core.tell(&transaction, workspace).await?;
            transaction.commit().await?;
            Ok(())
        })
        .await?;
        bounded(core.refresh(workspace)).await.map(drop)
    }

    /// Says which documents the workspace serves.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn set_document_mode(
        &self,
        workspace: WorkspaceId,
        mode: DocumentMode,
    ) -> Result<(), CatalogError> {
        let core = &self.core;
        let _change = core.lock_change().await?;
        bounded(async {
            let transaction = core.begin().await?;
            grow(&transaction, workspace).await?;
            workspaces::Entity::update_many()
                .col_expr(workspaces::Column::DocumentMode, Expr::value(mode_word(mode)))
                .filter(workspaces::Column::Id.eq(workspace.0.to_string()))
                .exec(&transaction)
                .await?;
            core.tell(&transaction, workspace).await?;
            transaction.commit().await?;
            Ok(())
        })
        .await?;
        bounded(core.refresh(workspace)).await.map(drop)
    }
}

/// The mode as the catalog and GraphQL write it.
pub fn mode_word(mode: DocumentMode) -> &'static str {
    match mode {
        DocumentMode::Any => "ANY",
        DocumentMode::Trusted => "TRUSTED",
    }
}

/// Reads such a word.
pub fn mode_of(word: &str) -> Option<DocumentMode> {
    [DocumentMode::Any, DocumentMode::Trusted].into_iter().find(|mode| mode_word(*mode) == word)
}

fn from_row(row: documents::Model) -> TrustedDocument {
    TrustedDocument {
        id: row.id,
        text: row.text,
        sha256: row.sha256,
        created_at_us: row.created_at_us,
    }
}
