//! Settles whether a request may be run, and with what: its document and its variables.
//!
//! Every way in goes through here, before anything is planned: a trusted list, the guards, scopes
//! and the validator stand in this order.

use std::sync::Arc;

use serde_json::Value as Json;

use super::answer::{self, AnswerError, Data};
use super::documents::{KeyRef, KnownDocument};
use super::engine::{
    Answer, Engine, Request, UPLOAD_MARKER, graphql_request, introspection_is_off,
};
use super::ledger::{self, Ledger};
use super::persisted::DocumentName;
use super::schema::ValidateOnly;
use super::schemas::Sight;
use super::tag::{Sha, sha_of};
use crate::auth::Principal;
use crate::catalog::model::Scope;
use crate::catalog::snapshot::Snapshot;
use crate::config::Introspection;
use crate::error::{Error, Result};
use crate::query::document::Document;
use crate::query::guard;
use crate::query::input::Variables;

/// A request that may be run.
pub(super) struct Prepared {
    pub(super) known: Arc<KnownDocument>,
    /// Those of the request, with defaults.
    pub(super) variables: Variables,
    pub(super) sha: Sha,
}

/// Why a request may not be run.
pub(super) enum Unprepared {
    /// For one reason.
    Error(Error),
    /// For all that the validator found.
    Answered(Box<Answer>),
}

impl From<Error> for Unprepared {
    fn from(error: Error) -> Unprepared {
        Unprepared::Error(error)
    }
}

impl Engine {
    /// Finds or reads the document, and settles whether this principal may run it with these
    /// variables. Of a mutation where none is taken, nothing is settled.
    pub(super) async fn prepare(
        &self,
        principal: &Arc<Principal>,
        snapshot: &Arc<Snapshot>,
        request: &mut Request,
        request_id: &str,
    ) -> std::result::Result<Prepared, Unprepared> {
        let mut variables = self.read_variables(request)?;
        let is_found_by_name = request.query.is_empty();
        if let (true, Some(name)) = (is_found_by_name, &request.document) {
            // What is rare is boxed, here and below: the future of every request has room for it.
            let found = Box::pin(self.persisted.find(snapshot, name)).await?;
            request.query = found.as_ref().to_owned();
        }
        let key = KeyRef {
            sight: Sight::new(snapshot, principal.scope),
            operation_name: request.operation_name.as_deref(),
            text: &request.query,
        };
        let known = self.services.documents.get(key);
        let sha = known.as_ref().map_or_else(|| sha_of(&request.query), |known| known.sha);
        let act = Ledger::new(&self.services, principal, request, request_id);
        let is_asked = self.persisted.is_asked(principal, snapshot, request.document.as_ref());
        if is_asked && !request.is_saved {
            let admitted =
                self.persisted.admit(principal, snapshot, request.document.as_ref(), &sha);
            Box::pin(admitted).await.inspect_err(|error| act.denied_document(error))?;
        }
        let (known, is_new) = match known {
            Some(known) => (known, false),
            None => {
                let limits = &self.plan_settings.limits;
                let name = request.operation_name.as_deref();
                let document = Document::parse(&request.query, name, limits)?;
                if document.introspects() && !self.tells_schema(principal) {
                    return Err(introspection_is_off().into());
                }
                (Arc::new(KnownDocument::new(document, &request.query, sha)?), true)
            }
        };
        if request.is_read_only && known.document.is_mutation() {
            return Ok(Prepared { known, variables, sha });
        }
        if is_new {
            ledger::require_fields(principal, snapshot, &known.document)
                .inspect_err(|error| act.denied(&known.document, error))?;
        }
        known.complete(&mut variables)?;
        if is_new {
            let errors = self.validate(snapshot, principal.scope, &known, request, &variables);
            if let Some(errors) = Box::pin(errors).await? {
                let errors: Vec<_> = errors.iter().map(AnswerError::from_server).collect();
                let answer = answer::write(Data::None, &errors, None, request_id);
                return Err(Unprepared::Answered(Box::new(answer)));
            }
            self.services.documents.insert(key, Arc::clone(&known));
        }
        if let (false, Some(DocumentName::Hash(_))) = (is_found_by_name, &request.document) {
            self.persisted.remember(principal.workspace, sha, &request.query);
        }
        Ok(Prepared { known, variables, sha })
    }

    /// Whether `__schema` and `__type` are answered to this principal.
    fn tells_schema(&self, principal: &Principal) -> bool {
        match self.introspection {
            Introspection::On => true,
            Introspection::Admins => principal.scope >= Scope::Admin,
            Introspection::Off => false,
        }
    }

    /// Reads the variables, with markers in the places of uploaded files.
    pub(super) fn read_variables(&self, request: &Request) -> Result<Variables> {
        let mut variables = match request.variables.trim() {
            "" | "null" => Variables::new(),
            text => {
                guard::check_json(text, &self.plan_settings.limits)?;
                serde_json::from_str(text).map_err(|_| {
                    Error::bad_input(
                        "variables must be a JSON object of the operation's variables.",
                    )
                })?
            }
        };
        for (number, upload) in request.uploads.iter().enumerate() {
            place_upload(&mut variables, &upload.variable_path, number)?;
        }
        Ok(variables)
    }

    /// The validator's errors about a new document, if any.
    pub(super) async fn validate(
        &self,
        snapshot: &Arc<Snapshot>,
        scope: Scope,
        known: &KnownDocument,
        request: &Request,
        variables: &Variables,
    ) -> Result<Option<Vec<async_graphql::ServerError>>> {
        let schema =
            self.services.schemas.small(snapshot, scope, &request.query, variables).await?;
        let errors = validate_against(&schema, known, request, variables.clone()).await;
        Ok((!errors.is_empty()).then_some(errors))
    }
}

/// The validator's errors about a document, of a schema of the datasets that it reaches.
pub(super) async fn validate_against(
    schema: &async_graphql::dynamic::Schema,
    known: &KnownDocument,
    request: &Request,
    variables: Variables,
) -> Vec<async_graphql::ServerError> {
    let wanted = graphql_request(known, request, variables).data(ValidateOnly);
    schema.execute(wanted).await.errors
}

/// Puts a marker at a path such as `variables.file` or `variables.files.0`.
fn place_upload(variables: &mut Variables, path: &str, number: usize) -> Result<()> {
    let wrong = || {
        Error::bad_input(format!(
            "The part's path {path:?} must name a variable that is null, such as \"variables.file\"."
        ))
    };
    let mut steps = path.split('.');
    if steps.next() != Some("variables") {
        return Err(wrong());
    }
    let first = steps.next().ok_or_else(wrong)?;
    let mut place = variables.get_mut(first).ok_or_else(wrong)?;
    for step in steps {
        place = match place {
            Json::Object(map) => map.get_mut(step),
            Json::Array(items) => step.parse::<usize>().ok().and_then(|n| items.get_mut(n)),
            _ => None,
        }
        .ok_or_else(wrong)?;
    }
    if !place.is_null() {
        return Err(wrong());
    }
    *place = Json::String(format!("{UPLOAD_MARKER}{number}"));
    Ok(())
}
