//! Settles whether an operation may be run at all, and writes down what was done or refused.
//!
//! Every mutation is a line of the audit log for each of its fields, whatever it is called: a new
//! one cannot be forgotten. Arguments are looked at for the name of what is changed, and for
//! nothing else.

use std::net::IpAddr;
use std::sync::Arc;

use async_graphql::{PathSegment, ServerError};
use async_graphql_parser::types::Field;
use async_graphql_value::Value as AstValue;
use serde_json::Value as Json;

use super::engine::{Request, Services};
use crate::auth::audit::Act;
use crate::auth::{Principal, scopes};
use crate::catalog::model::Scope;
use crate::catalog::snapshot::Snapshot;
use crate::error::{Code, Error, Result};
use crate::query::document::Document;
use crate::query::input::Variables;
use crate::query::plan;
use crate::write::fields::{any_write_field, write_field};

/// Arguments that name what a mutation changes, the most telling first.
const TARGETS: [&str; 6] = ["dataset", "prefix", "name", "from", "id", "mode"];

/// What is written down about a request.
pub(super) struct Ledger<'r> {
    services: &'r Arc<Services>,
    principal: &'r Principal,
    address: Option<IpAddr>,
    request_id: &'r str,
}

impl<'r> Ledger<'r> {
    /// About this request.
    pub(super) fn new(
        services: &'r Arc<Services>,
        principal: &'r Principal,
        request: &Request,
        request_id: &'r str,
    ) -> Ledger<'r> {
        Ledger { services, principal, address: request.address, request_id }
    }

    fn record(&self, action: &str, target: Option<&str>, error: Option<Code>) {
        self.services.auth.audit().record(
            self.principal,
            &Act {
                address: self.address.map(|address| address.to_string()),
                request_id: Some(self.request_id),
                action,
                target,
                error,
            },
        );
    }

    /// An operation was refused whole.
    pub(super) fn denied(&self, document: &Document, error: &Error) {
        if let Some(field) = document.root_fields().next() {
            self.record(&field.name.node, None, Some(error.code));
        }
    }

    /// A document was refused that is not trusted.
    pub(super) fn denied_document(&self, error: &Error) {
        if error.code == Code::DocumentNotTrusted {
            self.record("document", None, Some(error.code));
        }
    }

    /// A mutation was run, on these [`targets`].
    pub(super) fn done(
        &self,
        document: &Document,
        targets: &[Option<String>],
        errors: &[ServerError],
    ) {
        for (field, target) in document.root_fields().zip(targets) {
            let key = field.response_key().node.as_str();
            let is_of_field = |error: &&ServerError| match error.path.first() {
                Some(PathSegment::Field(first)) => first == key,
                _ => true,
            };
            let error = errors.iter().find(is_of_field).map(code_of);
            self.record(&field.name.node, target.as_deref(), error);
        }
    }

    /// Rows were changed, on these [`targets`]; or not, because of an error of one field.
    pub(super) fn wrote(
        &self,
        document: &Document,
        targets: &[Option<String>],
        error: Option<Code>,
    ) {
        for (field, target) in document.root_fields().zip(targets) {
            self.record(&field.name.node, target.as_deref(), error);
        }
    }

    /// A query is run.
    pub(super) fn read(&self, document: &Document, snapshot: &Snapshot) {
        if !self.services.auth.audit().has_reads() {
            return;
        }
        for field in document.root_fields() {
            let name = field.name.node.as_str();
            let dataset = plan::root_field(snapshot, name).map(|(dataset, _)| dataset);
            let dataset = dataset.or_else(|| plan::stream_field(snapshot, name));
            let dataset = dataset.map(|dataset| &dataset.name);
            self.record(name, dataset.map(String::as_str), None);
        }
    }
}

fn code_of(error: &ServerError) -> Code {
    let code = error.extensions.as_ref().and_then(|extensions| extensions.get("code"));
    match code {
        Some(async_graphql::Value::String(code)) => Code::from_wire(code).unwrap_or(Code::Internal),
        _ => Code::BadUserInput,
    }
}

/// The names of what the root fields of a mutation change.
pub(super) fn targets(
    document: &Document,
    variables: &Variables,
    snapshot: &Snapshot,
) -> Vec<Option<String>> {
    document
        .root_fields()
        .map(|field| match write_field(snapshot, &field.name.node) {
            Some((dataset, _)) => Some(dataset.name.clone()),
            None => target(field, variables),
        })
        .collect()
}

/// The name of what a field changes.
fn target(field: &Field, variables: &Variables) -> Option<String> {
    TARGETS.iter().find_map(|name| match &field.get_argument(name)?.node {
        AstValue::String(text) => Some(text.clone()),
        AstValue::Enum(word) => Some(word.to_string()),
        AstValue::Variable(name) => match variables.get(name.as_str())? {
            Json::String(text) => Some(text.clone()),
            _ => None,
        },
        _ => None,
    })
}

/// Refuses an operation before anything of it is run, unless the principal may do all of it.
///
/// # Errors
/// FORBIDDEN, naming the scope that is needed.
pub(super) fn require_fields(
    principal: &Principal,
    snapshot: &Snapshot,
    document: &Document,
) -> Result<()> {
    if principal.scope == Scope::Admin {
        let mut names = document.root_fields().map(|field| field.name.node.as_str());
        let is_of_workspace = names.any(scopes::is_of_workspace);
        return if is_of_workspace { principal.require_whole() } else { Ok(()) };
    }
    let is_mutation = document.is_mutation();
    let parent = if is_mutation {
        "Mutation"
    } else if document.is_subscription() {
        "Subscription"
    } else {
        "Query"
    };
    document.root_fields().map(|field| field.name.node.as_str()).try_for_each(|name| {
        if let Some((dataset, kind)) = any_write_field(snapshot, name).filter(|_| is_mutation) {
            principal.require(Scope::Write)?;
            return match snapshot.may(dataset.id, kind.right()) {
                true => Ok(()),
                false => Err(Error::new(
                    Code::Forbidden,
                    format!("A policy does not let this key use {name:?}. Ask an admin."),
                )),
            };
        }
        // What is not listed and no dataset's is unknown to the schema of a reader, too.
        let is_open = name.starts_with("__")
            || (!is_mutation
                && (plan::root_field(snapshot, name).is_some()
                    || scopes::listed(parent, name).is_none()));
        if is_open { Ok(()) } else { principal.require(scopes::of_root(parent, name)) }
    })
}
