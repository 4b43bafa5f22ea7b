//! Hands mutations of rows to the writer, and writes what comes of them as answers.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::Value as Json;
use sha2::{Digest, Sha256};

use super::answer::{self, AnswerError, Data};
use super::documents::KnownDocument;
use super::engine::{Answer, Keeping, Request, Services};
use super::tag::Sha;
use crate::auth::Principal;
use crate::catalog::hex;
use crate::catalog::snapshot::Snapshot;
use crate::error::{Error, Result};
use crate::query::document::Document;
use crate::query::input::Variables;
use crate::write::fields::write_field;
use crate::write::{WriteError, WriteRequest, fields_of_body};

/// Whether a mutation changes rows.
///
/// # Errors
/// BAD_USER_INPUT when it changes rows and other things: they cannot be one transaction.
pub(super) fn is_of_rows(document: &Document, snapshot: &Snapshot) -> Result<bool> {
    let names = document.root_fields().map(|field| field.name.node.as_str());
    let (mut n_writes, mut n_others) = (0, 0);
    for name in names.filter(|name| *name != "__typename") {
        match write_field(snapshot, name) {
            Some(_) => n_writes += 1,
            None => n_others += 1,
        }
    }
    if n_writes > 0 && n_others > 0 {
        return Err(Error::bad_input(
            "Mutations of rows are one transaction, which others cannot be part of. Send them in requests of their own.",
        ));
    }
    Ok(n_writes > 0)
}

/// A mutation of rows as it was asked for.
pub(super) struct Asked<'r> {
    pub(super) services: &'r Arc<Services>,
    pub(super) principal: &'r Arc<Principal>,
    pub(super) request: &'r Request,
    pub(super) sha: Sha,
}

impl Asked<'_> {
    /// Carries it out; failures are errors in the answer.
    pub(super) async fn write(
        &self,
        known: &KnownDocument,
        mut variables: Variables,
        request_id: &str,
    ) -> Answer {
        variables.extend(self.principal.claim_variables());
        if self.services.is_one_transaction {
            return match self.write_part(known, &variables, None).await {
                Ok(body) => written(body),
                Err(error) => refused(&error, request_id),
            };
        }
        self.write_each(known, &variables, request_id).await
    }

    /// Each root field as a transaction of its own, one after the other; one that fails is null and
    /// does not keep the next from being done.
    async fn write_each(
        &self,
        known: &KnownDocument,
        variables: &Variables,
        request_id: &str,
    ) -> Answer {
        let mut body = b"{\"data\":{".to_vec();
        let mut failures = Vec::new();
        let mut keys: Vec<&str> = Vec::new();
        for field in known.document.root_fields() {
            let key = field.response_key().node.as_str();
            if !keys.contains(&key) {
                keys.push(key);
            }
        }
        for (number, key) in keys.iter().enumerate() {
            let done = self.write_part(known, variables, Some(number)).await;
            let (json, failure) = match done {
                Ok(part) => (fields_of_body(&part).to_vec(), None),
                Err(error) => (format!("{}:null", Json::from(*key)).into_bytes(), Some(error)),
            };
            if json.is_empty() {
                continue;
            }
            if !body.ends_with(b"{") {
                body.push(b',');
            }
            body.extend_from_slice(&json);
            failures.extend(failure.map(|failure| (*key, failure)));
        }
        body.extend_from_slice(b"}}");
        if failures.is_empty() {
            return written(body);
        }
        for (_, failure) in &failures {
            answer::log(&failure.error);
        }
        let errors: Vec<AnswerError<'_>> = failures
            .iter()
            .map(|(key, failure)| AnswerError::new(&failure.error, Some(key)))
            .collect();
        let fields = fields_of_body(&body).to_vec();
        answer::write_fields(&fields, &errors, request_id)
    }

    async fn write_part(
        &self,
        known: &KnownDocument,
        variables: &Variables,
        only: Option<usize>,
    ) -> std::result::Result<Vec<u8>, WriteError> {
        let Asked { services, principal, .. } = self;
        let asked = WriteRequest {
            workspace: principal.workspace,
            actor: &principal.key_prefix,
            document: &known.document,
            returnings: &known.returnings,
            variables,
            only,
            sha256: &|| self.sha256(),
        };
        services.writer.write(&asked, || services.auth.view(principal)).await
    }

    /// Of all that was asked.
    fn sha256(&self) -> String {
        let mut hash = Sha256::new();
        hash.update(self.sha);
        for text in
            [self.request.operation_name.as_deref().unwrap_or_default(), &self.request.variables]
        {
            hash.update(text.len().to_be_bytes());
            hash.update(text);
        }
        hex(&hash.finalize())
    }
}

fn written(body: Vec<u8>) -> Answer {
    Answer {
        body: Bytes::from(body),
        is_executed: true,
        first_error: None,
        is_refused_mutation: false,
        keeping: Keeping::Never,
        standing: None,
        plan: None,
        cost: 0,
    }
}

fn refused(failure: &WriteError, request_id: &str) -> Answer {
    let Some(key) = &failure.key else { return answer::refusal(&failure.error, request_id) };
    answer::log(&failure.error);
    let error = AnswerError::new(&failure.error, Some(key));
    answer::write(Data::Null, &[error], None, request_id)
}
