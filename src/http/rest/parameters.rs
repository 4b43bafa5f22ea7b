//! Reads the query string of a request for rows.
//!
//! `filter[column][op]=value`, `sort=-total,name`, `page[limit]`, `page[offset]`, `page[after]`,
//! `page[before]`, `fields=`, `include=`, `search=`, `total=true`. Nothing here knows a dataset.

use std::fmt::Display;

use serde_json::{Map, Value};

use crate::error::{Error, Result};

/// What a request for rows asks.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Parameters {
    /// Conditions that must all hold.
    pub(super) filters: Vec<Condition>,
    /// A filter as GraphQL takes it.
    pub(super) filter: Option<Map<String, Value>>,
    /// Columns with their directions.
    pub(super) sort: Vec<(String, bool)>,
    pub(super) limit: Option<u64>,
    pub(super) offset: Option<u64>,
    /// After this cursor; from the start if it is empty.
    pub(super) after: Option<String>,
    /// Before this cursor; from the end if it is empty.
    pub(super) before: Option<String>,
    /// The only columns.
    pub(super) fields: Option<Vec<String>>,
    /// Relations, with dots into theirs.
    pub(super) include: Vec<String>,
    pub(super) search: Option<String>,
    pub(super) total: bool,
    pub(super) as_of: Option<u64>,
    /// What an aggregate computes: the function and its columns.
    pub(super) functions: Vec<(&'static str, Vec<String>)>,
    /// Columns that an aggregate is split by.
    pub(super) group_by: Vec<String>,
}

/// A comparison of a column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Condition {
    pub(super) column: String,
    /// Without the line before it: `gte`.
    pub(super) operator: String,
    pub(super) value: String,
}

/// Aggregates over columns.
pub(super) const FUNCTIONS: [&str; 10] = [
    "sum",
    "avg",
    "min",
    "max",
    "stddev",
    "stddevPop",
    "stddevSamp",
    "variance",
    "varPop",
    "varSamp",
];
/// Most parameters of a request.
const MAX_PARAMETERS: usize = 200;

impl Parameters {
    /// Reads a query string.
    ///
    /// # Errors
    /// BAD_USER_INPUT for what is no parameter, and for values that are none.
    pub(super) fn parse(query: &str) -> Result<Parameters> {
        let mut read = Parameters::default();
        for (n, (name, value)) in form_urlencoded::parse(query.as_bytes()).enumerate() {
            if n >= MAX_PARAMETERS {
                return Err(Error::bad_input(format!(
                    "The address has more than {MAX_PARAMETERS} parameters; use filter={{…}} with _in."
                )));
            }
            read.take(&name, &value)?;
        }
        if read.after.is_some() && read.before.is_some() {
            return Err(Error::bad_input("Give page[after] or page[before], not both."));
        }
        if read.is_cursored() && read.offset.is_some() {
            return Err(Error::bad_input("Give page[offset] or a cursor, not both."));
        }
        Ok(read)
    }

    /// Whether pages are found by cursors.
    pub(super) fn is_cursored(&self) -> bool {
        self.after.is_some() || self.before.is_some()
    }

    fn take(&mut self, name: &str, value: &str) -> Result<()> {
        if let Some(inside) = name.strip_prefix("filter[") {
            return self.take_filter(name, inside, value);
        }
        match name {
            "filter" => match serde_json::from_str(value) {
                Ok(Value::Object(filter)) => self.filter = Some(filter),
                _ => {
                    return Err(Error::bad_input(
                        "filter must be a JSON object, as `where` of GraphQL takes it, or filter[column][op]=value.",
                    ));
                }
            },
            "sort" => {
                for key in list(value) {
                    let (key, is_descending) = match key.strip_prefix('-') {
                        Some(key) => (key, true),
                        None => (key.trim_start_matches('+'), false),
                    };
                    self.sort.push((key.to_owned(), is_descending));
                }
            }
            "page[limit]" | "limit" => self.limit = Some(number(name, value)?),
            "page[offset]" | "offset" => self.offset = Some(number(name, value)?),
            "page[after]" => self.after = Some(value.to_owned()),
            "page[before]" => self.before = Some(value.to_owned()),
            "fields" => self.fields = Some(list(value).map(str::to_owned).collect()),
            "include" => self.include.extend(list(value).map(str::to_owned)),
            "search" => self.search = Some(value.to_owned()),
            "total" => self.total = switch(name, value)?,
            "asOf" => self.as_of = Some(number(name, value)?),
            "groupBy" => self.group_by.extend(list(value).map(str::to_owned)),
            "count" => self.functions.push(("count", list(value).map(str::to_owned).collect())),
            _ => match FUNCTIONS.iter().find(|function| **function == name) {
                Some(function) => {
                    self.functions.push((function, list(value).map(str::to_owned).collect()));
                }
                None => return Err(unknown(name)),
            },
        }
        Ok(())
    }

    /// `filter[column]=value` or `filter[column][op]=value`.
    fn take_filter(&mut self, name: &str, inside: &str, value: &str) -> Result<()> {
        let inside = inside.strip_suffix(']').ok_or_else(|| unknown(name))?;
        let (column, operator) = inside.split_once("][").unwrap_or((inside, "eq"));
        if column.is_empty() || column.contains(['[', ']']) || operator.contains(['[', ']']) {
            return Err(unknown(name));
        }
        self.filters.push(Condition {
            column: column.to_owned(),
            operator: operator.trim_start_matches('_').to_owned(),
            value: value.to_owned(),
        });
        Ok(())
    }
}

/// Names separated by commas.
fn list(value: &str) -> impl Iterator<Item = &str> {
    value.split(',').map(str::trim).filter(|part| !part.is_empty())
}

fn number(name: &str, value: &str) -> Result<u64> {
    value.parse().map_err(|_| expected(name, value, "a whole number"))
}

/// A parameter that is true or false; true if it is only named.
///
/// # Errors
/// BAD_USER_INPUT for anything else.
pub(super) fn switch(name: &str, value: &str) -> Result<bool> {
    match value {
        "" | "true" | "on" | "1" => Ok(true),
        "false" | "off" | "0" => Ok(false),
        _ => Err(expected(name, value, "true or false")),
    }
}

/// A value that is none.
pub(super) fn expected(name: &str, value: &str, what: impl Display) -> Error {
    let value: String = value.chars().take(100).collect();
    Error::bad_input(format!("The parameter {name} is {value:?}; expected {what}."))
}

fn unknown(name: &str) -> Error {
    let name: String = name.chars().take(100).collect();
    Error::bad_input(format!(
        "There is no parameter {name:?}; GET /openapi.json lists those of each route."
    ))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_query_string_is_read() {
        let read = Parameters::parse(
            "filter[total][gte]=100&filter[status]=open&sort=-total,name&page[limit]=25&page%5Boffset%5D=50&fields=id,total&include=customer&total=true",
        )
        .unwrap();
        let condition = |column: &str, operator: &str, value: &str| Condition {
            column: column.to_owned(),
            operator: operator.to_owned(),
            value: value.to_owned(),
        };
        let filters = [condition("total", "gte", "100"), condition("status", "eq", "open")];
        assert_eq!(read.filters, filters);
        assert_eq!(read.sort, [("total".to_owned(), true), ("name".to_owned(), false)]);
        assert_eq!((read.limit, read.offset, read.total), (Some(25), Some(50), true));
        assert_eq!(read.fields, Some(vec!["id".to_owned(), "total".to_owned()]));
        assert_eq!(read.include, ["customer"]);
    }

    #[test]
    fn what_is_no_parameter_is_told() {
        for bad in [
            "filtre[x]=1",
            "filter[x=1",
            "filter[]=1",
            "filter[a][b][c]=1",
            "page[limit]=many",
            "page[limit]=-1",
            "total=perhaps",
            "filter=[]",
            "page[after]=&page[before]=",
            "page[after]=&page[offset]=1",
        ] {
            let error = Parameters::parse(bad).unwrap_err();
            assert_eq!(error.code, crate::error::Code::BadUserInput, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn any_query_string_is_read_or_refused(query in "\\PC{0,200}") {
            let _ = Parameters::parse(&query);
        }

        #[test]
        fn a_condition_comes_back(column in "[a-zA-Z]{1,9}", operator in "[a-zA-Z]{1,9}", value in "\\PC{0,30}") {
            let mut query = form_urlencoded::Serializer::new(String::new());
            query.append_pair(&format!("filter[{column}][{operator}]"), &value);
            let read = Parameters::parse(&query.finish()).unwrap();
            prop_assert_eq!(read.filters, [Condition { column, operator, value }]);
        }
    }
}
