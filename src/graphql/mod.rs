//! Turns the catalog into a GraphQL schema, and requests into answers.

use std::sync::Arc;

use bytes::Bytes;

use crate::auth::{Auth, Principal};
use crate::catalog::Catalog;
use crate::config::Settings;
use crate::error::{Code, Result};
use crate::ingest::Ingest;
use crate::store::Store;

/// One GraphQL request, as it came.
#[derive(Debug, Default)]
pub struct Request {
    /// The document.
    pub query: String,
    /// Which operation of it.
    pub operation_name: Option<String>,
    /// The variables, as JSON text; empty for none.
    pub variables: Box<str>,
    /// Spooled files of a multipart request, by variable path (`variables.file`), set by the multipart extractor.
    pub uploads: Vec<Upload>,
    /// Mutations are refused (the request came by GET).
    pub is_read_only: bool,
}

/// A file of a multipart request, already received into a spool file.
#[derive(Debug)]
pub struct Upload {
    /// `variables.file`
    pub variable_path: String,
    /// The file's name, a label.
    pub file_name: String,
    /// The spooled bytes; removed when dropped unless taken.
    pub spooled: std::path::PathBuf,
}

/// An answer as bytes.
#[derive(Clone, Debug)]
pub struct Answer {
    /// `{"data":…}` or `{"errors":[…]}` or both, JSON.
    pub body: Bytes,
    /// Whether execution began (there is a `data` entry): decides the status under `application/graphql-response+json`.
    pub is_executed: bool,
    /// The code of the first error, if any.
    pub first_error: Option<Code>,
}

/// Validates, plans and runs GraphQL operations.
pub struct Engine {}

#[expect(missing_docs, reason = "stub")]
#[expect(unused_variables, reason = "stub")]
impl Engine {
    pub fn new(
        catalog: Arc<Catalog>,
        store: Arc<Store>,
        ingest: Arc<Ingest>,
        auth: Arc<Auth>,
        settings: &Settings,
    ) -> Engine {
        unimplemented!()
    }
    /// Never fails: failures are GraphQL errors in the answer.
    pub async fn execute(
        &self,
        principal: &Principal,
        request: Request,
        request_id: &str,
    ) -> Answer {
        unimplemented!()
    }
    /// The whole schema of a workspace as SDL.
    pub async fn sdl(&self, principal: &Principal) -> Result<String> {
        unimplemented!()
    }
    /// Job and dataset as the same JSON that GraphQL gives, for the raw upload route.
    pub async fn job_json(
        &self,
        principal: &Principal,
        job: &crate::catalog::model::Job,
    ) -> serde_json::Value {
        unimplemented!()
    }
}
