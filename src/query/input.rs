//! Reads arguments wherever they come from, and remembers what a plan relied upon.
//!
//! An argument may be written in the document, come whole in a variable, or mix both. A plan fits
//! other variables as long as the facts that shaped it still hold: each such fact is an
//! [`Observation`]. Values that are only bound are not observed.

use async_graphql_value::Value as AstValue;
use serde_json::{Map, Value as Json};

use crate::catalog::access::CLAIM_MARK;
use crate::catalog::model::DatasetId;
use crate::error::{Error, Result};
use crate::store::{cursor, node};

/// The variables of a request, with defaults filled in.
pub type Variables = Map<String, Json>;

/// A place inside a variable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VariablePath {
    /// The variable's name, without `$`.
    pub name: Box<str>,
    /// Keys and positions below it.
    pub steps: Vec<Step>,
}

/// One step into a variable's value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Into an object.
    Key(Box<str>),
    /// Into a list. A value that is no list counts as a list of itself.
    Item(usize),
}

impl VariablePath {
    /// The value at this place; `None` where there is none.
    pub fn find<'v>(&self, variables: &'v Variables) -> Option<&'v Json> {
        let mut value = variables.get(&*self.name)?;
        for step in &self.steps {
            value = match (step, value) {
                (Step::Key(key), Json::Object(map)) => map.get(&**key)?,
                (Step::Item(position), Json::Array(items)) => items.get(*position)?,
                (Step::Item(0), single) => single,
                _ => return None,
            };
        }
        Some(value)
    }

    fn below(&self, step: Step) -> VariablePath {
        let mut path = self.clone();
        path.steps.push(step);
        path
    }
}

/// A fact about a variable that shaped a plan.
#[derive(Clone, Debug, PartialEq)]
pub struct Observation {
    path: VariablePath,
    fact: Fact,
}

#[derive(Clone, Debug, PartialEq)]
enum Fact {
    Absent,
    Null,
    Present,
    Keys(Vec<Box<str>>),
    Items(usize),
    Blank(bool),
    Size(u64),
    Equals(Json),
    Text(TextAspect, Option<Vec<u8>>),
}

/// What of an opaque text shapes a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextAspect {
    /// Which sort values of a cursor are missing.
    CursorNulls,
    /// The dataset of a node id.
    NodeHead,
}

impl TextAspect {
    fn of(self, text: &str) -> Option<Vec<u8>> {
        match self {
            TextAspect::CursorNulls => cursor::nulls(text),
            TextAspect::NodeHead => node::read_head(text).map(Vec::from),
        }
    }
}

impl Observation {
    /// Whether the fact holds for these variables.
    pub fn holds(&self, variables: &Variables) -> bool {
        match (&self.fact, self.path.find(variables)) {
            (Fact::Absent, None) | (Fact::Null, Some(Json::Null)) => true,
            (Fact::Present, Some(value)) => !value.is_null(),
            (Fact::Keys(keys), Some(Json::Object(map))) => {
                keys.len() == map.len() && keys.iter().zip(map.keys()).all(|(a, b)| **a == **b)
            }
            (Fact::Items(n_items), Some(value)) => {
                !value.is_null() && count_items(value) == *n_items
            }
            (Fact::Blank(expected), Some(value)) => is_blank(value) == *expected,
            (Fact::Size(expected), Some(value)) => size_class(value) == *expected,
            (Fact::Equals(expected), Some(value)) => expected == value,
            (Fact::Text(aspect, expected), Some(Json::String(text))) => {
                aspect.of(text) == *expected
            }
            (Fact::Text(_, expected), Some(Json::Number(_))) => expected.is_none(),
            _ => false,
        }
    }
}

fn is_blank(value: &Json) -> bool {
    value.as_str().is_some_and(|text| text.trim().is_empty())
}

/// A power of two above a number of rows, the same for all small ones, so that there are few.
fn size_class(value: &Json) -> u64 {
    /// More than a table of PostgreSQL holds.
    const ALL: u64 = 1 << 40;
    value.as_u64().unwrap_or(0).saturating_add(1).clamp(16, ALL).next_power_of_two()
}

fn count_items(value: &Json) -> usize {
    value.as_array().map_or(1, Vec::len)
}

/// An argument or a part of one.
#[derive(Clone, Debug)]
pub enum Input<'a> {
    /// Written in the document; may hold variables further down.
    Written(&'a AstValue),
    /// At a place of a variable.
    Variable(VariablePath),
    /// Written in a policy; may hold claims further down, which come with the variables.
    Policy(&'a Json),
}

/// Where a bound value comes from.
#[derive(Clone, Debug)]
pub enum Origin {
    /// The same for every run.
    Constant(Json),
    /// Read from the variables of each run.
    Variable(VariablePath),
    /// The number of rows of a dataset's version.
    RowCount(DatasetId),
}

/// Reads inputs and collects observations.
#[derive(Debug)]
pub struct InputReader<'a> {
    variables: &'a Variables,
    observations: Vec<Observation>,
}

impl<'a> InputReader<'a> {
    /// Over the variables of the request that a plan is made for.
    pub fn new(variables: &'a Variables) -> InputReader<'a> {
        InputReader { variables, observations: Vec::new() }
    }

    /// What was relied upon until now.
    pub fn observations(&self) -> &[Observation] {
        &self.observations
    }

    /// What the plan relied upon.
    pub fn into_observations(self) -> Vec<Observation> {
        self.observations
    }

    fn observe(&mut self, path: &VariablePath, fact: Fact) {
        let observation = Observation { path: path.clone(), fact };
        if !self.observations.contains(&observation) {
            self.observations.push(observation);
        }
    }

    /// Follows a variable written in the document to its value.
    pub fn follow<'d>(&self, input: Input<'d>) -> Input<'d> {
        match input {
            Input::Written(AstValue::Variable(name)) => {
                Input::Variable(VariablePath { name: Box::from(name.as_str()), steps: Vec::new() })
            }
            // No variable of a document has such a name: it cannot be given from outside.
            Input::Policy(Json::String(text)) if text.starts_with(CLAIM_MARK) => {
                Input::Variable(VariablePath { name: Box::from(text.as_str()), steps: Vec::new() })
            }
            other => other,
        }
    }

    /// Whether there is a value: `None` when absent, `Some(false)` for null.
    pub fn presence(&mut self, input: &Input<'_>) -> Option<bool> {
        match self.follow(input.clone()) {
            Input::Written(AstValue::Null) | Input::Policy(Json::Null) => Some(false),
            Input::Written(_) | Input::Policy(_) => Some(true),
            Input::Variable(path) => {
                let (answer, fact) = match path.find(self.variables) {
                    None => (None, Fact::Absent),
                    Some(Json::Null) => (Some(false), Fact::Null),
                    Some(_) => (Some(true), Fact::Present),
                };
                self.observe(&path, fact);
                answer
            }
        }
    }

    /// The fields of an input object, in the order given; absent ones left out.
    ///
    /// # Errors
    /// BAD_USER_INPUT when the value is no object.
    pub fn fields<'d>(
        &mut self,
        input: &Input<'d>,
        place: &str,
    ) -> Result<Vec<(String, Input<'d>)>> {
        let wrong = || Error::bad_input(format!("{place} must be an object."));
        let fields = match self.follow(input.clone()) {
            Input::Written(AstValue::Object(map)) => map
                .iter()
                .map(|(name, value)| (name.to_string(), self.follow(Input::Written(value))))
                .collect::<Vec<_>>(),
            Input::Policy(Json::Object(map)) => map
                .iter()
                .map(|(name, value)| (name.clone(), self.follow(Input::Policy(value))))
                .collect(),
            Input::Written(_) | Input::Policy(_) => return Err(wrong()),
            Input::Variable(path) => match path.find(self.variables) {
                Some(Json::Object(map)) => {
                    let keys: Vec<Box<str>> = map.keys().map(|key| Box::from(&**key)).collect();
                    let fields = keys
                        .iter()
                        .map(|key| {
                            let below = path.below(Step::Key(key.clone()));
                            (key.to_string(), Input::Variable(below))
                        })
                        .collect();
                    self.observe(&path, Fact::Keys(keys));
                    fields
                }
                _ => return Err(wrong()),
            },
        };
        let mut present = Vec::with_capacity(fields.len());
        for (name, value) in fields {
            if self.presence(&value).is_some() {
                present.push((name, value));
            }
        }
        Ok(present)
    }

    /// The items of a list; a single value is a list of itself.
    pub fn items<'d>(&mut self, input: &Input<'d>) -> Vec<Input<'d>> {
        match self.follow(input.clone()) {
            Input::Written(AstValue::List(items)) => {
                items.iter().map(|item| self.follow(Input::Written(item))).collect()
            }
            Input::Policy(Json::Array(items)) => {
                items.iter().map(|item| self.follow(Input::Policy(item))).collect()
            }
            single @ (Input::Written(_) | Input::Policy(_)) => vec![single],
            Input::Variable(path) => {
                let n_items = path.find(self.variables).map_or(0, count_items);
                self.observe(&path, Fact::Items(n_items));
                (0..n_items).map(|n| Input::Variable(path.below(Step::Item(n)))).collect()
            }
        }
    }

    /// The name of an enum's value, which shapes the plan.
    ///
    /// # Errors
    /// BAD_USER_INPUT when the value is no name.
    pub fn enum_name(&mut self, input: &Input<'_>, place: &str) -> Result<String> {
        let wrong = || Error::bad_input(format!("{place} must be one of the values of its enum."));
        match self.follow(input.clone()) {
            Input::Written(AstValue::Enum(name)) => Ok(name.to_string()),
            Input::Policy(Json::String(name)) => Ok(name.clone()),
            Input::Written(_) | Input::Policy(_) => Err(wrong()),
            Input::Variable(path) => match path.find(self.variables) {
                Some(value @ Json::String(name)) => {
                    self.observe(&path, Fact::Equals(value.clone()));
                    Ok(name.clone())
                }
                _ => Err(wrong()),
            },
        }
    }

    /// An opaque text, of which an aspect shapes the plan.
    ///
    /// # Errors
    /// BAD_USER_INPUT when the value is no text.
    pub fn opaque(&mut self, input: &Input<'_>, place: &str, aspect: TextAspect) -> Result<String> {
        let wrong = || Error::bad_input(format!("{place} must be a string."));
        match self.follow(input.clone()) {
            Input::Written(AstValue::String(text)) => Ok(text.clone()),
            // An ID may be written as a number.
            Input::Written(AstValue::Number(number)) => Ok(number.to_string()),
            Input::Written(_) | Input::Policy(_) => Err(wrong()),
            Input::Variable(path) => match path.find(self.variables) {
                Some(Json::String(text)) => {
                    let text = text.clone();
                    self.observe(&path, Fact::Text(aspect, aspect.of(&text)));
                    Ok(text)
                }
                Some(Json::Number(number)) => {
                    let text = number.to_string();
                    self.observe(&path, Fact::Text(aspect, None));
                    Ok(text)
                }
                _ => Err(wrong()),
            },
        }
    }

    /// A truth value that shapes the plan.
    ///
    /// # Errors
    /// BAD_USER_INPUT when the value is neither true nor false.
    pub fn boolean(&mut self, input: &Input<'_>, place: &str) -> Result<bool> {
        let wrong = || Error::bad_input(format!("{place} must be true or false."));
        match self.follow(input.clone()) {
            Input::Written(AstValue::Boolean(value)) | Input::Policy(Json::Bool(value)) => {
                Ok(*value)
            }
            Input::Written(_) | Input::Policy(_) => Err(wrong()),
            Input::Variable(path) => match path.find(self.variables) {
                Some(value @ Json::Bool(truth)) => {
                    self.observe(&path, Fact::Equals(value.clone()));
                    Ok(*truth)
                }
                _ => Err(wrong()),
            },
        }
    }

    /// A whole number that shapes the plan.
    ///
    /// # Errors
    /// BAD_USER_INPUT when the value is none.
    pub fn whole_number(&mut self, input: &Input<'_>, place: &str) -> Result<i64> {
        let wrong = || Error::bad_input(format!("{place} must be an Int."));
        match self.follow(input.clone()) {
            Input::Written(AstValue::Number(number)) => number.as_i64().ok_or_else(wrong),
            Input::Written(_) | Input::Policy(_) => Err(wrong()),
            Input::Variable(path) => {
                let value = path.find(self.variables).ok_or_else(wrong)?;
                self.observe(&path, Fact::Equals(value.clone()));
                value.as_i64().ok_or_else(wrong)
            }
        }
    }

    /// Whether a text has nothing in it, which shapes the plan; what it has does not.
    ///
    /// # Errors
    /// BAD_USER_INPUT when the value is no text.
    pub fn is_blank(&mut self, input: &Input<'_>, place: &str) -> Result<bool> {
        let wrong = || Error::bad_input(format!("{place} must be a String."));
        match self.follow(input.clone()) {
            Input::Written(AstValue::String(text)) => Ok(text.trim().is_empty()),
            Input::Written(_) | Input::Policy(_) => Err(wrong()),
            Input::Variable(path) => match path.find(self.variables) {
                Some(value @ Json::String(_)) => {
                    let is_blank = is_blank(value);
                    self.observe(&path, Fact::Blank(is_blank));
                    Ok(is_blank)
                }
                _ => Err(wrong()),
            },
        }
    }

    /// A number larger than that of the rows asked for, which shapes the plan: a power of two.
    pub fn size_class(&mut self, origin: &Origin) -> u64 {
        match origin {
            Origin::Constant(value) => size_class(value),
            Origin::RowCount(_) => size_class(&Json::Null),
            Origin::Variable(path) => {
                let class =
                    path.find(self.variables).map_or_else(|| size_class(&Json::Null), size_class);
                self.observe(path, Fact::Size(class));
                class
            }
        }
    }

    /// Where a value that is only bound comes from.
    ///
    /// A list with variables inside is read now and shapes the plan.
    ///
    /// # Errors
    /// BAD_USER_INPUT for null.
    pub fn origin(&mut self, input: &Input<'_>, place: &str) -> Result<Origin> {
        if self.presence(input) != Some(true) {
            return Err(Error::bad_input(format!(
                "{place} is null. To look for missing values use _isNull; to leave a condition out, omit it."
            )));
        }
        match self.follow(input.clone()) {
            Input::Variable(path) => Ok(Origin::Variable(path)),
            Input::Written(value) => Ok(Origin::Constant(self.constant(value, place)?)),
            Input::Policy(value) => Ok(Origin::Constant(self.policy_constant(value))),
        }
    }

    /// A value of a policy with the claims inside it, which then shape the plan.
    fn policy_constant(&mut self, value: &Json) -> Json {
        match value {
            Json::String(text) if text.starts_with(CLAIM_MARK) => {
                let path = VariablePath { name: Box::from(text.as_str()), steps: Vec::new() };
                let found = path.find(self.variables).cloned().unwrap_or(Json::Null);
                self.observe(&path, Fact::Equals(found.clone()));
                found
            }
            Json::Array(items) => items.iter().map(|item| self.policy_constant(item)).collect(),
            Json::Object(map) => Json::Object(
                map.iter().map(|(name, item)| (name.clone(), self.policy_constant(item))).collect(),
            ),
            other => other.clone(),
        }
    }

    fn constant(&mut self, value: &AstValue, place: &str) -> Result<Json> {
        Ok(match value {
            AstValue::Variable(name) => {
                let path = VariablePath { name: Box::from(name.as_str()), steps: Vec::new() };
                let found = path.find(self.variables).cloned().unwrap_or(Json::Null);
                self.observe(&path, Fact::Equals(found.clone()));
                found
            }
            AstValue::List(items) => Json::Array(
                items.iter().map(|item| self.constant(item, place)).collect::<Result<_>>()?,
            ),
            AstValue::Object(map) => Json::Object(
                map.iter()
                    .map(|(name, item)| Ok((name.to_string(), self.constant(item, place)?)))
                    .collect::<Result<_>>()?,
            ),
            AstValue::Null => Json::Null,
            AstValue::Number(number) => Json::Number(number.clone()),
            AstValue::String(text) => Json::String(text.clone()),
            AstValue::Boolean(truth) => Json::Bool(*truth),
            AstValue::Enum(_) | AstValue::Binary(_) => {
                return Err(Error::bad_input(format!("{place} has a value of the wrong kind.")));
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn variables(value: Json) -> Variables {
        match value {
            Json::Object(map) => map,
            _ => Map::new(),
        }
    }

    #[test]
    fn a_plan_fits_other_values_of_the_same_shape() -> Result<()> {
        let first = variables(json!({"w": {"status": {"_eq": "a"}}, "o": [{"total": "ASC"}]}));
        let mut reader = InputReader::new(&first);
        let w = AstValue::Variable(async_graphql_value::Name::new("w"));
        let o = AstValue::Variable(async_graphql_value::Name::new("o"));
        for (_, status) in reader.fields(&Input::Written(&w), "where")? {
            for (_, operand) in reader.fields(&status, "where.status")? {
                reader.origin(&operand, "where.status._eq")?;
            }
        }
        for item in reader.items(&Input::Written(&o)) {
            for (_, direction) in reader.fields(&item, "orderBy")? {
                assert_eq!(reader.enum_name(&direction, "orderBy")?, "ASC");
            }
        }
        let facts = reader.into_observations();
        let holds = |value: Json| facts.iter().all(|fact| fact.holds(&variables(value.clone())));
        assert!(holds(json!({"w": {"status": {"_eq": "b"}}, "o": [{"total": "ASC"}]})));
        assert!(holds(json!({"w": {"status": {"_eq": "b"}}, "o": {"total": "ASC"}})));
        assert!(!holds(json!({"w": {"status": {"_eq": null}}, "o": [{"total": "ASC"}]})));
        assert!(!holds(json!({"w": {"status": {"_neq": "b"}}, "o": [{"total": "ASC"}]})));
        assert!(!holds(json!({"w": {"status": {"_eq": "b"}}, "o": [{"total": "DESC"}]})));
        assert!(!holds(json!({"w": {}, "o": [{"total": "ASC"}]})));
        assert!(!holds(json!({"o": [{"total": "ASC"}]})));
        Ok(())
    }
}
