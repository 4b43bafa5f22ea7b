//! What the catalog answers by REST, in tables: each row is a route and the GraphQL document behind it.

use axum::http::Method;

use crate::auth::scopes;
use crate::catalog::model::Scope;

/// A route of the catalog.
pub(super) struct Operation {
    pub(super) method: Method,
    /// As axum and OpenAPI write it.
    pub(super) path: &'static str,
    /// Names it in generated clients.
    pub(super) id: &'static str,
    pub(super) summary: &'static str,
    /// Its root field is called `data`.
    pub(super) document: &'static str,
    /// Its variables.
    pub(super) inputs: &'static [Input],
    pub(super) status: u16,
}

impl Operation {
    /// The scope that its root field needs.
    pub(super) fn scope(&self) -> Scope {
        let root = if self.document.starts_with("mutation") { "Mutation" } else { "Query" };
        let field = self.document.split("data: ").nth(1).unwrap_or_default();
        scopes::of_root(root, field.split(['(', ' ']).next().unwrap_or_default())
    }
}

/// A variable of an operation's document.
pub(super) struct Input {
    pub(super) name: &'static str,
    pub(super) place: Place,
    pub(super) kind: Kind,
    pub(super) is_required: bool,
}

/// Where a variable stands in a request.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Path,
    Query,
    Body,
}

/// What a variable is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Number,
    Texts,
    Any,
}

const fn path(name: &'static str) -> Input {
    Input { name, place: Place::Path, kind: Kind::Text, is_required: true }
}

const fn query(name: &'static str, kind: Kind) -> Input {
    Input { name, place: Place::Query, kind, is_required: false }
}

/// In the query, and not to be left out.
const fn wanted(name: &'static str, kind: Kind) -> Input {
    Input { name, place: Place::Query, kind, is_required: true }
}

const fn needed(name: &'static str, kind: Kind) -> Input {
    Input { name, place: Place::Body, kind, is_required: true }
}

const fn may(name: &'static str, kind: Kind) -> Input {
    Input { name, place: Place::Body, kind, is_required: false }
}

macro_rules! dataset_fields {
    () => {
        "id name label description typeName status version rowCount sizeBytes rejectCount oldNames createdAt updatedAt columns { name label type graphqlType nullable required declared unique generated description }"
    };
}

macro_rules! job_fields {
    () => {
        "id kind status phase datasetName progress { bytesDone bytesTotal rowsDone rowsPerSecond remainingSeconds } counts { inserted updated unchanged rejected } unchanged file { path name sizeBytes expiresAt } createdAt startedAt finishedAt error { code message }"
    };
}

macro_rules! key_fields {
    () => {
        "prefix name scope role datasets claims savedQueries active createdAt createdBy expiresAt revokedAt lastUsedAt"
    };
}

macro_rules! policy_fields {
    () => {
        "dataset role filter check columns masks { column mask } operations maxRows updatedBy updatedAt"
    };
}

macro_rules! saved_fields {
    () => {
        "name path document description variables { name type required default } maxAge requestsPerMinute protected problems createdAt updatedAt updatedBy"
    };
}

macro_rules! webhook_fields {
    () => {
        "id dataset url events description enabled disabledReason disabledAt failureCount pendingCount createdAt createdBy updatedAt"
    };
}

macro_rules! workspace_fields {
    () => {
        "id name datasetCount rowCount sizeBytes publicRead publicDatasets maxDatasets maxBytes maxRows"
    };
}

// Below the fields that they name.
mod access;
mod datasets;
mod work;

const PAGE: [Input; 2] = [query("limit", Kind::Number), query("offset", Kind::Number)];

/// All of them; the upload is a route of its own.
pub(super) fn operations() -> impl Iterator<Item = &'static Operation> {
    datasets::OPERATIONS.iter().chain(work::OPERATIONS).chain(access::OPERATIONS)
}
