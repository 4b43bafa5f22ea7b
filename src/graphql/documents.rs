//! Keeps documents that were validated, and the plans made from them.
//!
//! A known document is neither parsed nor validated again: its plans are tried, and the one whose
//! facts hold for the new variables runs. The memory is bounded; what is forgotten is made again.

use std::hash::{Hash, Hasher};
use std::sync::{Arc, RwLock};

use async_graphql_parser::types::OperationDefinition;
use moka::Equivalent;
use moka::sync::Cache;
use serde_json::Value as Json;

use super::schemas::Sight;
use super::tag::Sha;
use crate::catalog::snapshot::Snapshot;
use crate::error::{Error, Result};
use crate::query::change::Returnings;
use crate::query::document::Document;
use crate::query::input::Variables;
use crate::query::plan::Plan;

/// Bytes of documents that are kept.
const CAPACITY_BYTES: u64 = 32 << 20;
/// What an entry costs beside its text, bytes: the parsed tree and a plan.
const ENTRY_BYTES: usize = 8 << 10;
/// Plans kept per document: shapes of its variables.
const PLANS_PER_DOCUMENT: usize = 32;

/// What a document's validity depends on.
#[derive(Debug, PartialEq, Eq)]
struct Key {
    sight: Sight,
    operation_name: Option<Box<str>>,
    text: Box<str>,
}

/// The same, borrowed.
#[derive(Clone, Copy, Debug)]
pub(super) struct KeyRef<'k> {
    /// Whose schema, which revision and what of it.
    pub(super) sight: Sight,
    /// Which operation.
    pub(super) operation_name: Option<&'k str>,
    /// The document.
    pub(super) text: &'k str,
}

impl Key {
    fn as_ref(&self) -> KeyRef<'_> {
        KeyRef {
            sight: self.sight,
            operation_name: self.operation_name.as_deref(),
            text: &self.text,
        }
    }
}

impl Hash for KeyRef<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.sight.hash(state);
        self.operation_name.hash(state);
        self.text.hash(state);
    }
}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_ref().hash(state);
    }
}

impl Equivalent<Key> for KeyRef<'_> {
    fn equivalent(&self, key: &Key) -> bool {
        self.sight == key.sight
            && self.operation_name == key.operation_name.as_deref()
            && self.text == &*key.text
    }
}

/// A validated document.
#[derive(Debug)]
pub(super) struct KnownDocument {
    /// The document, measured and parsed.
    pub(super) document: Document,
    /// Its text.
    pub(super) text: Box<str>,
    /// SHA-256 of its text.
    pub(super) sha: Sha,
    variables: Vec<Variable>,
    plans: RwLock<Vec<Arc<Plan>>>,
    /// Of a mutation of rows.
    pub(super) returnings: Returnings,
}

/// What a variable's definition says.
#[derive(Clone, Debug)]
pub struct Variable {
    /// Its name.
    pub name: Box<str>,
    /// Its type, as the document writes it.
    pub declared: Box<str>,
    /// Whether it must not be null.
    pub is_required: bool,
    /// What it is when it is not given.
    pub default: Option<Json>,
}

impl Variable {
    /// Whether it has to be given.
    pub fn is_needed(&self) -> bool {
        self.is_required && self.default.is_none()
    }
}

impl KnownDocument {
    /// A document that was found valid.
    ///
    /// # Errors
    /// When it has no such operation, which was checked before.
    pub(super) fn new(document: Document, text: &str, sha: Sha) -> Result<KnownDocument> {
        let variables = rules(document.operation()?);
        let (plans, returnings) = (RwLock::default(), Returnings::default());
        Ok(KnownDocument { document, text: text.into(), sha, variables, plans, returnings })
    }

    /// What it can be asked with.
    pub(super) fn variables(&self) -> impl Iterator<Item = &Variable> {
        self.variables.iter()
    }

    /// Fills in defaults and refuses variables that are missing.
    ///
    /// # Errors
    /// BAD_USER_INPUT, naming the variable.
    pub(super) fn complete(&self, variables: &mut Variables) -> Result<()> {
        for rule in &self.variables {
            match variables.get(&*rule.name) {
                Some(value) if !value.is_null() => {}
                Some(_) if rule.is_required => return Err(rule.missing()),
                Some(_) => {}
                None => match &rule.default {
                    Some(default) => {
                        variables.insert(rule.name.to_string(), default.clone());
                    }
                    None if rule.is_required => return Err(rule.missing()),
                    None => {}
                },
            }
        }
        Ok(())
    }

    /// A plan that was made before and whose facts hold for these variables.
    pub(super) fn ready_plan(
        &self,
        snapshot: &Snapshot,
        variables: &Variables,
    ) -> Option<Arc<Plan>> {
        let plans = self.plans.read().ok()?;
        plans.iter().find(|plan| plan.fits(variables, snapshot)).map(Arc::clone)
    }

    /// A plan whose facts hold for these variables, made if there is none.
    ///
    /// # Errors
    /// As `make`.
    pub(super) fn plan(
        &self,
        snapshot: &Snapshot,
        variables: &Variables,
        make: impl FnOnce() -> Result<Plan>,
    ) -> Result<Arc<Plan>> {
        if let Some(plan) = self.ready_plan(snapshot, variables) {
            return Ok(plan);
        }
        let plan = Arc::new(make()?);
        if let Ok(mut plans) = self.plans.write() {
            plans.retain(|plan| plan.is_current(snapshot));
            if plans.len() >= PLANS_PER_DOCUMENT {
                plans.remove(0);
            }
            plans.push(Arc::clone(&plan));
        }
        Ok(plan)
    }
}

impl Variable {
    fn missing(&self) -> Error {
        Error::bad_input(format!(
            "The variable ${} of type {} was not given.",
            self.name, self.declared
        ))
    }
}

fn rules(operation: &OperationDefinition) -> Vec<Variable> {
    operation
        .variable_definitions
        .iter()
        .map(|definition| {
            let declared = &definition.node.var_type.node;
            let default = definition.node.default_value.as_ref();
            Variable {
                name: Box::from(definition.node.name.node.as_str()),
                declared: declared.to_string().into_boxed_str(),
                is_required: !declared.nullable,
                default: default.and_then(|value| value.node.clone().into_json().ok()),
            }
        })
        .collect()
}

/// The memory of documents.
#[derive(Debug)]
pub(super) struct Documents {
    known: Cache<Key, Arc<KnownDocument>>,
}

impl Documents {
    /// An empty memory.
    pub(super) fn new() -> Documents {
        let known = Cache::builder()
            .max_capacity(CAPACITY_BYTES)
            .weigher(|key: &Key, _: &Arc<KnownDocument>| {
                u32::try_from(ENTRY_BYTES + key.text.len() * 4).unwrap_or(u32::MAX)
            })
            .build();
        Documents { known }
    }

    /// How many are known.
    pub(super) fn len(&self) -> u64 {
        // What was just added is counted only then.
        self.known.run_pending_tasks();
        self.known.entry_count()
    }

    /// The document, if it is known.
    pub(super) fn get(&self, key: KeyRef<'_>) -> Option<Arc<KnownDocument>> {
        self.known.get(&key)
    }

    /// Remembers a document.
    pub(super) fn insert(&self, key: KeyRef<'_>, document: Arc<KnownDocument>) {
        let owned = Key {
            sight: key.sight,
            operation_name: key.operation_name.map(Box::from),
            text: Box::from(key.text),
        };
        self.known.insert(owned, document);
    }
}
