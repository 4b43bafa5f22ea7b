//! Plans a list whose rows leave as a file: the same schema, policies, names and limits as a query,
//! without the bound on how many there are.
//!
//! Documents of exports are made by the server and are not kept. Where documents have to be trusted,
//! exports are for admins: whoever is held to a list shall not ask what he likes by another door.
//! Nothing is read here.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use super::documents::KnownDocument;
use super::engine::{Engine, Request};
use super::ledger;
use super::tag::{Question, Tag, sha_of};
use super::together::has_same_versions;
use crate::auth::Principal;
use crate::catalog::model::{Dataset, DatasetId};
use crate::catalog::snapshot::Snapshot;
use crate::error::{Code, Error, Result};
use crate::export::{CsvOptions, Format, Header, Wanted};
use crate::query::document::Document;
use crate::query::plan::{Bound, Plan, Root, RootBody};
use crate::store::json::{RootShape, RowShape};
use crate::store::run::Run;

/// A list whose rows are to leave as a file.
pub struct ExportQuestion<'q> {
    /// With one root field, a list.
    pub document: String,
    /// JSON.
    pub variables: String,
    /// What else tells the file from others of the same rows.
    pub form: &'q str,
    /// What somebody sees, and the document was made for.
    pub snapshot: Arc<Snapshot>,
}

/// A list that is ready to be read.
pub struct ExportPlan {
    /// What is read.
    pub run: Run,
    /// What each row answers.
    pub shape: RowShape,
    /// Names the file, if the rows are those of the snapshot.
    pub tag: Tag,
    /// What is read is kept as long as this is.
    pub snapshot: Arc<Snapshot>,
    reads: Vec<DatasetId>,
}

impl ExportPlan {
    /// The datasets that are read.
    pub fn reads(&self) -> &[DatasetId] {
        &self.reads
    }

    /// What is to be written of it.
    ///
    /// # Errors
    /// INTERNAL for a shape of more than columns.
    pub fn wanted(&self, dataset: &Dataset, format: Format, options: CsvOptions) -> Result<Wanted> {
        Ok(Wanted {
            run: self.run.clone(),
            names: self.names(dataset, options.header)?,
            shape: self.shape.clone(),
            held: Arc::clone(&self.snapshot),
            format,
            options,
        })
    }

    /// What the columns are called, in their order.
    fn names(&self, dataset: &Dataset, header: Header) -> Result<Vec<String>> {
        let name = |key: &[u8]| {
            // `"name":`
            let name = key.strip_prefix(b"\"").and_then(|rest| rest.strip_suffix(b"\":"));
            let name = name.and_then(|name| std::str::from_utf8(name).ok());
            let name = name.ok_or_else(|| Error::internal("a key that is no name"))?;
            let column = dataset.column(name).filter(|_| header == Header::Labels);
            Ok(column.map_or(name, |column| column.label.as_str()).to_owned())
        };
        self.shape.iter().map(|field| name(&field.key)).collect()
    }
}

impl Engine {
    /// Plans an export.
    ///
    /// # Errors
    /// As a query: BAD_USER_INPUT for what does not fit, FORBIDDEN by policies; DOCUMENT_NOT_TRUSTED
    /// for all but admins where documents have to be trusted.
    pub async fn plan_export(
        &self,
        principal: &Arc<Principal>,
        question: ExportQuestion<'_>,
        deadline: Instant,
    ) -> Result<ExportPlan> {
        let ExportQuestion { document: text, variables: given, form, snapshot } = question;
        if self.persisted.is_trusted_only(principal, &snapshot) {
            return Err(Error::new(
                Code::DocumentNotTrusted,
                "This server answers listed documents only, and an export is on no list. Ask an admin for the file.",
            ));
        }
        let document = Document::parse(&text, None, &self.plan_settings.limits)?;
        let sha = sha_of(&text);
        let known = KnownDocument::new(document, &text, sha)?;
        ledger::require_fields(principal, &snapshot, &known.document)?;
        let request = Request { query: text, variables: given.into(), ..Request::default() };
        let mut variables = self.read_variables(&request)?;
        known.complete(&mut variables)?;
        let checked = self.validate(&snapshot, principal.scope, &known, &request, &variables);
        let errors = Box::pin(checked).await?.unwrap_or_default();
        if let Some(error) = errors.into_iter().next() {
            return Err(Error::bad_input(error.message));
        }
        if snapshot.view.is_some() {
            variables.extend(principal.claim_variables());
        }
        let settings = self.plan_settings.unlimited();
        let plan = Plan::new(&known.document, &snapshot, &variables, settings)?;
        for id in plan.datasets() {
            self.services.catalog.read_counter(id).fetch_add(1, Ordering::Relaxed);
        }
        let tag = Question {
            principal,
            snapshot: &snapshot,
            document: &sha,
            operation_name: Some(form),
            variables: &request.variables,
            cursor_keys: &self.plan_settings.cursor_keys,
            default_limit: 0,
            max_limit: 0,
        }
        .tag(&plan);
        let Bound { mut runs, .. } = plan.bind(&snapshot, &variables, deadline)?;
        let (Some(Some(run)), 1, Some(Root { body: RootBody::Statement(_), .. })) =
            (runs.pop(), plan.roots.len(), plan.roots.first())
        else {
            return Err(Error::internal("an export of more than one list"));
        };
        let RootShape::List(shape) = &run.statement.shape else {
            return Err(Error::internal("an export of no list"));
        };
        let (shape, reads) = (shape.clone(), plan.datasets().collect());
        Ok(ExportPlan { run, shape, tag, snapshot, reads })
    }

    /// Tells whether rows whose reading has begun by now are those of the plan's versions; refuses
    /// rows that may be of several states, where datasets were changed in place as it began.
    ///
    /// # Errors
    /// CONFLICT; the same may succeed at once.
    pub fn require_one_state(&self, principal: &Principal, plan: &ExportPlan) -> Result<bool> {
        let present = self.services.auth.view(principal);
        let is_current = !self.services.catalog.is_committing(&plan.reads)
            && has_same_versions(&plan.snapshot, &present, &plan.reads);
        if is_current || plan.run.tables.len() <= 1 || self.services.catalog.is_postgres() {
            return Ok(is_current);
        }
        Err(Error::new(
            Code::Conflict,
            "The datasets were changed while the export began. Send the request again.",
        ))
    }
}
