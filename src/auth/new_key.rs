//! What a key is to be, checked before it is made.

use serde_json::{Map, Value as Json};

use crate::catalog::access::{ANONYMOUS_ROLE, EVERY_ROLE};
use crate::catalog::model::Scope;
use crate::catalog::now_us;
use crate::error::{Error, Result};

/// The longest name of a key or a role, characters.
const MAX_NAME_CHARS: usize = 100;
/// The most datasets, or saved queries, that a key is held to.
const MAX_NAMES: usize = 1_000;
/// The most bytes of claims, as JSON.
const MAX_CLAIMS_BYTES: usize = 8 << 10;

/// A key that is to be made.
#[derive(Clone, Debug)]
pub struct NewKey {
    /// What its owner calls it.
    pub name: String,
    /// What it may do.
    pub scope: Scope,
    /// When it stops to work, microseconds since 1970 UTC; never when there is no time.
    pub expires_at_us: Option<i64>,
    /// The role whose policies hold for it.
    pub role: Option<String>,
    /// The only datasets that it is for, by name.
    pub datasets: Option<Vec<String>>,
    /// Values that policies speak of: `$claims.NAME`.
    pub claims: Map<String, Json>,
    /// Who makes it, as the audit log names him.
    pub created_by: Option<String>,
    /// The only saved queries that it runs, by name: for keys of the scope QUERY.
    pub saved_queries: Option<Vec<String>>,
}

impl NewKey {
    /// A key that is held to nothing and never ends.
    pub fn new(name: &str, scope: Scope, created_by: &str) -> NewKey {
        NewKey {
            name: name.to_owned(),
            scope,
            expires_at_us: None,
            role: None,
            datasets: None,
            claims: Map::new(),
            created_by: Some(created_by.to_owned()),
            saved_queries: None,
        }
    }

    /// The same with its texts in order.
    ///
    /// # Errors
    /// BAD_USER_INPUT, naming what cannot be.
    pub(super) fn checked(mut self) -> Result<NewKey> {
        self.name = self.name.trim().to_owned();
        if self.name.is_empty() || self.name.chars().count() > MAX_NAME_CHARS {
            return Err(Error::bad_input("A key's name has 1 to 100 characters."));
        }
        if self.expires_at_us.is_some_and(|end_us| end_us <= now_us()) {
            return Err(Error::bad_input("The key's end lies in the past. Give a later time."));
        }
        if let Some(role) = &self.role {
            check_role(role)?;
            if role == EVERY_ROLE || role == ANONYMOUS_ROLE {
                return Err(Error::bad_input(format!(
                    "No key can have the role {role:?}: it stands for others. Give another name."
                )));
            }
            if self.scope == Scope::Admin {
                return Err(Error::bad_input(
                    "Policies do not hold for admins. Give the key another scope, or no role.",
                ));
            }
        }
        check_names("datasets", "datasets", self.datasets.as_deref())?;
        if self.saved_queries.is_some() && self.scope != Scope::Query {
            return Err(Error::bad_input(
                "savedQueries holds a key to some saved queries; give it the scope QUERY, or leave them out.",
            ));
        }
        check_names("savedQueries", "saved queries", self.saved_queries.as_deref())?;
        if serde_json::to_string(&self.claims).map_or(0, |text| text.len()) > MAX_CLAIMS_BYTES {
            return Err(Error::bad_input(format!(
                "The claims are longer than {MAX_CLAIMS_BYTES} bytes of JSON, the limit."
            )));
        }
        Ok(self)
    }
}

/// Refuses lists of names that are empty or too long.
fn check_names(argument: &str, what: &str, names: Option<&[String]>) -> Result<()> {
    match names {
        Some(names) if names.is_empty() || names.len() > MAX_NAMES => Err(Error::bad_input(
            format!("{argument} names 1 to {MAX_NAMES} {what}; leave it out for all of them."),
        )),
        _ => Ok(()),
    }
}

/// Refuses what cannot be the name of a role.
///
/// # Errors
/// BAD_USER_INPUT.
pub fn check_role(role: &str) -> Result<()> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_-.:".contains(c);
    let is_fit = role == EVERY_ROLE
        || (!role.is_empty() && role.len() <= MAX_NAME_CHARS && role.chars().all(is_plain));
    if is_fit {
        return Ok(());
    }
    Err(Error::bad_input(
        "A role's name has 1 to 100 letters, digits, '_', '-', '.' or ':'; \"*\" stands for every role.",
    ))
}
