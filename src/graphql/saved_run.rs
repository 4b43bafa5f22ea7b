//! Runs saved queries: by the policies of whoever asks, with variables read from an address.

use std::net::IpAddr;
use std::sync::Arc;

use serde_json::{Map, Value as Json};

use super::documents::{KeyRef, KnownDocument, Variable};
use super::engine::{Answer, Engine, Request, Services};
use super::saved_judge::{problems, read};
use super::schemas::Sight;
use super::tag::Tag;
use crate::auth::Principal;
use crate::catalog::saved_queries::SavedQuery;
use crate::error::{Error, Result};

/// A saved query that is about to be asked.
pub struct Saved {
    /// What is kept of it.
    pub query: Arc<SavedQuery>,
    known: Arc<KnownDocument>,
}

impl Saved {
    /// What it can be asked with.
    pub fn variables(&self) -> impl Iterator<Item = &Variable> {
        self.known.variables()
    }

    /// The key of its first root field.
    pub fn field(&self) -> String {
        let first = self.known.document.root_fields().next();
        first.map(|field| field.response_key().node.to_string()).unwrap_or_default()
    }
}

/// How a saved query is asked.
pub struct SavedQuestion<'q> {
    /// Which.
    pub saved: &'q Saved,
    /// Parameters of the address, in their order.
    pub parameters: &'q [(String, String)],
    /// Answers that the client has.
    pub known_tags: Vec<Tag>,
    /// Whether the plan is wanted, to write the answer as a table.
    pub wants_plan: bool,
    /// Where it came from, for the audit log.
    pub address: IpAddr,
    /// Names the request.
    pub request_id: &'q str,
}

/// There is none of this name, or it is not for this key.
pub(super) fn unknown(name: &str) -> Error {
    Error::not_found(format!("There is no saved query {name:?}. GET /q lists those of this key."))
}

/// The saved queries that a principal may run and that show nothing it may not see, by name.
///
/// # Errors
/// INTERNAL when a schema cannot be built, which naming excludes.
pub(super) async fn seen(
    services: &Services,
    principal: &Principal,
) -> Result<Vec<Arc<SavedQuery>>> {
    let snapshot = services.auth.view(principal);
    let mut seen = Vec::new();
    for query in snapshot.saved_queries.by_name.values() {
        if !principal.may_run(&query.name) {
            continue;
        }
        // The text of a document names what a policy may hide.
        let is_seen = snapshot.view.is_none()
            || problems(services, &snapshot, &query.document).await?.is_empty();
        if is_seen {
            seen.push(Arc::clone(query));
        }
    }
    Ok(seen)
}

impl Engine {
    /// The saved query of a name.
    ///
    /// # Errors
    /// NOT_FOUND, also for one that the principal may not run; as reading its document.
    pub fn saved_query(&self, principal: &Principal, name: &str) -> Result<Saved> {
        let snapshot = self.services.auth.view(principal);
        let found = snapshot.saved_queries.by_name.get(name);
        let found = found.filter(|_| principal.may_run(name)).cloned();
        let query = found.ok_or_else(|| unknown(name))?;
        // Once it has run, it is known.
        let key = KeyRef {
            sight: Sight::new(&snapshot, principal.reading_scope()),
            operation_name: None,
            text: &query.document,
        };
        let known = match self.services.documents.get(key) {
            Some(known) => known,
            None => Arc::new(read(&self.services, &query.document)?),
        };
        Ok(Saved { query, known })
    }

    /// The saved queries that a principal may run, by name, with the variables of each.
    ///
    /// # Errors
    /// INTERNAL when a schema cannot be built, which naming excludes.
    pub async fn saved_queries(
        &self,
        principal: &Principal,
    ) -> Result<Vec<(Arc<SavedQuery>, Vec<Variable>)>> {
        let seen = seen(&self.services, principal).await?;
        let with_variables = seen.into_iter().map(|query| {
            let known = read(&self.services, &query.document);
            let variables = known.map(|known| known.variables().cloned().collect());
            (query, variables.unwrap_or_default())
        });
        Ok(with_variables.collect())
    }

    /// Runs a saved query.
    ///
    /// # Errors
    /// BAD_USER_INPUT for parameters that are no variables of it or do not fit their types; what
    /// else goes wrong is in the answer.
    pub async fn run_saved(
        &self,
        principal: &Principal,
        question: SavedQuestion<'_>,
    ) -> Result<Answer> {
        let SavedQuestion { saved, .. } = question;
        let variables: Vec<&Variable> = saved.variables().collect();
        let given = read_variables(&variables, question.parameters)?;
        let request = Request {
            query: saved.query.document.clone(),
            variables: Json::Object(given).to_string().into_boxed_str(),
            known_tags: question.known_tags,
            is_read_only: true,
            is_saved: true,
            wants_plan: question.wants_plan,
            address: Some(question.address),
            ..Request::default()
        };
        let reader = Arc::new(principal.as_reader());
        Ok(self.execute(&reader, request, question.request_id).await)
    }
}

/// The variables of a document from the parameters of an address.
fn read_variables(
    variables: &[&Variable],
    parameters: &[(String, String)],
) -> Result<Map<String, Json>> {
    let mut given = Map::new();
    for (name, text) in parameters {
        let Some(variable) = variables.iter().find(|variable| *variable.name == **name) else {
            let names: Vec<&str> = variables.iter().map(|variable| &*variable.name).collect();
            let known = match names.is_empty() {
                true => "it has no variables".to_owned(),
                false => format!("it has {}", names.join(", ")),
            };
            return Err(Error::bad_input(format!(
                "This saved query has no variable {name:?}: {known}."
            )));
        };
        let declared = variable.declared.trim_end_matches('!');
        let item = declared.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        let wrong = || {
            Error::bad_input(format!(
                "{name}={text:?} does not fit its type {}.",
                variable.declared
            ))
        };
        match item {
            None if given.contains_key(name) => {
                return Err(Error::bad_input(format!("{name} was given twice; it is no list.")));
            }
            None => {
                let value = read_value(declared, text).ok_or_else(wrong)?;
                given.insert(name.clone(), value);
            }
            // The whole list as JSON, or one parameter for each item.
            Some(item) => {
                let items = match text.starts_with('[') {
                    true => serde_json::from_str::<Vec<Json>>(text).map_err(|_| wrong())?,
                    false => vec![read_value(item.trim_end_matches('!'), text).ok_or_else(wrong)?],
                };
                match given.entry(name.clone()).or_insert_with(|| Json::Array(Vec::new())) {
                    Json::Array(all) => all.extend(items),
                    _ => return Err(wrong()),
                }
            }
        }
    }
    Ok(given)
}

/// A value of a named type, as an address writes it. What is empty is missing, but for texts.
fn read_value(of_type: &str, text: &str) -> Option<Json> {
    match of_type {
        "String" | "ID" => Some(Json::from(text)),
        _ if text.is_empty() => Some(Json::Null),
        "Int" => text.parse::<i64>().ok().map(Json::from),
        "Float" => {
            let number = text.parse::<f64>().ok().filter(|number| number.is_finite())?;
            Some(Json::from(number))
        }
        "Boolean" => match text {
            "true" | "1" => Some(Json::Bool(true)),
            "false" | "0" => Some(Json::Bool(false)),
            _ => None,
        },
        "JSON" => Some(serde_json::from_str(text).unwrap_or_else(|_| Json::from(text))),
        // Filters and the like are objects or lists of them; names of enums and other scalars are texts.
        _ if text.starts_with(['{', '[']) => serde_json::from_str(text).ok(),
        _ => Some(Json::from(text)),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn variable(name: &str, declared: &str) -> Variable {
        Variable {
            name: name.into(),
            declared: declared.into(),
            is_required: declared.ends_with('!'),
            default: None,
        }
    }

    fn given(declared: &str, texts: &[&str]) -> std::result::Result<Json, String> {
        let variable = variable("v", declared);
        let parameters: Vec<_> =
            texts.iter().map(|text| ("v".to_owned(), (*text).to_owned())).collect();
        let read = read_variables(&[&variable], &parameters);
        read.map(|map| map["v"].clone()).map_err(|error| error.message.into_owned())
    }

    #[test]
    fn addresses_are_read_by_the_types_of_variables() {
        assert_eq!(given("Int!", &["-5"]), Ok(json!(-5)));
        assert_eq!(given("Float", &["1.5"]), Ok(json!(1.5)));
        assert_eq!(given("Boolean", &["true"]), Ok(json!(true)));
        assert_eq!(given("String", &[""]), Ok(json!("")));
        assert_eq!(given("Int", &[""]), Ok(Json::Null));
        assert_eq!(given("BigInt", &["9007199254740993"]), Ok(json!("9007199254740993")));
        assert_eq!(given("[Int!]!", &["1", "2"]), Ok(json!([1, 2])));
        assert_eq!(given("[String!]", &["[\"a\",\"b\"]"]), Ok(json!(["a", "b"])));
        assert_eq!(given("OrdersBoolExp", &["{\"a\":{\"_eq\":1}}"]), Ok(json!({"a": {"_eq": 1}})));
        assert_eq!(given("OrderBy", &["ASC"]), Ok(json!("ASC")));
        assert_eq!(given("JSON", &["{\"a\":1}"]), Ok(json!({"a": 1})));
        for (declared, texts) in [
            ("Int", &["x"][..]),
            ("Int", &["1", "2"]),
            ("Float", &["NaN"]),
            ("Boolean", &["yes"]),
            ("[Int]", &["[1"]),
            ("OrdersBoolExp", &["{"]),
        ] {
            given(declared, texts).unwrap_err();
        }
        let none = read_variables(&[], &[("w".to_owned(), String::new())]).unwrap_err();
        assert!(none.message.contains("no variables"), "{}", none.message);
    }

    proptest! {
        #[test]
        fn whole_numbers_and_texts_come_back(number: i64, text: String) {
            prop_assert_eq!(given("Int", &[&number.to_string()]), Ok(json!(number)));
            prop_assert_eq!(given("String!", &[&text]), Ok(json!(text)));
            // Whatever comes: a value or a refusal.
            for declared in ["Float", "[Int!]", "JSON", "OrdersBoolExp", "DateTime"] {
                let _ = given(declared, &[&text]);
            }
        }
    }
}
