//! Writes the GraphQL document of a request for rows, with its variables.
//!
//! Names come from the catalog or are checked against it; values go as variables, so that the same
//! request with other values is the same document, whose plan is kept.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde_json::{Map, Value, json};
use sluice_schema::ColumnType;
use sluice_schema::naming::enum_name;

use super::Wrapping;
use super::parameters::{Condition, Parameters, expected};
use crate::catalog::model::{Column, Dataset};
use crate::catalog::snapshot::Snapshot;
use crate::error::{Error, Result};
use crate::graphql::types::graphql_type;
use crate::query::operators::{Operand, operators};

/// A document, its variables, and what is passed on of its answer.
#[derive(Clone)]
pub(super) struct Question {
    pub(super) document: String,
    /// JSON.
    pub(super) variables: String,
    pub(super) wrapping: Wrapping,
    pub(super) is_read_only: bool,
}

/// Variables of an operation: name, type, value.
#[derive(Default)]
pub(super) struct Arguments {
    /// Variable, argument, type.
    types: Vec<(&'static str, String, String)>,
    values: Map<String, Value>,
}

impl Arguments {
    /// Adds one.
    pub(super) fn add(&mut self, name: &'static str, of_type: impl Into<String>, value: Value) {
        self.add_as(name, name, of_type, value);
    }

    /// Adds one to an argument of another name.
    pub(super) fn add_as(
        &mut self,
        name: &'static str,
        argument: &str,
        of_type: impl Into<String>,
        value: Value,
    ) {
        self.types.push((name, argument.to_owned(), of_type.into()));
        self.values.insert(name.to_owned(), value);
    }

    /// `($where: OrdersBoolExp, $limit: Int)`, empty without any.
    pub(super) fn head(&self) -> String {
        self.written(|name, _, of_type| format!("${name}: {of_type}"))
    }

    /// `(where: $where, limit: $limit)`, empty without any.
    pub(super) fn call(&self) -> String {
        self.written(|name, argument, _| format!("{argument}: ${name}"))
    }

    fn written(&self, one: impl Fn(&str, &str, &str) -> String) -> String {
        if self.types.is_empty() {
            return String::new();
        }
        let all: Vec<String> = self
            .types
            .iter()
            .map(|(name, argument, of_type)| one(name, argument, of_type))
            .collect();
        format!("({})", all.join(", "))
    }

    /// As JSON text.
    pub(super) fn into_json(self) -> String {
        Value::Object(self.values).to_string()
    }
}

/// A list of rows: by offset, or by cursors.
pub(super) fn list(snapshot: &Snapshot, dataset: &Dataset, asked: &Parameters) -> Result<Question> {
    refuse_aggregates(asked)?;
    let mut arguments = which_rows(dataset, asked)?;
    let rows = selection(snapshot, dataset, asked)?;
    let name = &dataset.name;
    if asked.is_cursored() {
        let limit = asked.limit.map_or(Value::Null, Value::from);
        let (count, cursor, given) = match (&asked.after, &asked.before) {
            (None, Some(before)) => ("last", "before", before),
            (after, _) => ("first", "after", after.as_ref().unwrap_or(&EMPTY)),
        };
        if limit.is_null() && count == "last" {
            return Err(Error::bad_input("page[before] needs page[limit], too."));
        }
        if !limit.is_null() {
            arguments.add(count, "Int", limit);
        }
        if !given.is_empty() {
            arguments.add(cursor, "String", Value::from(given.as_str()));
        }
        let total = if asked.total { " total: totalCount" } else { "" };
        let document = format!(
            "query{} {{ data: {name}Connection{} {{ page: pageInfo {{ hasNextPage hasPreviousPage startCursor endCursor }}{total} data: nodes {{ {rows} }} }} }}",
            arguments.head(),
            arguments.call(),
        );
        return Ok(read(document, arguments, Wrapping::Root));
    }
    // The total is of all pages.
    let (all, all_call) = match asked.total {
        true => (true, arguments.call()),
        false => (false, String::new()),
    };
    if let Some(limit) = asked.limit {
        arguments.add("limit", "Int", Value::from(limit));
    }
    if let Some(offset) = asked.offset {
        arguments.add("offset", "Int", Value::from(offset));
    }
    let total = match all {
        true => format!(
            "total: {name}Aggregate{} {{ aggregate {{ count }} }} ",
            without_order(&all_call)
        ),
        false => String::new(),
    };
    let document = format!(
        "query{} {{ {total}data: {name}{} {{ {rows} }} }}",
        arguments.head(),
        arguments.call(),
    );
    Ok(read(document, arguments, Wrapping::Data))
}

static EMPTY: String = String::new();

/// A count needs no order.
fn without_order(call: &str) -> String {
    let inside = call.trim_start_matches('(').trim_end_matches(')');
    let kept: Vec<&str> = inside
        .split(", ")
        .filter(|part| !part.is_empty() && !part.starts_with("orderBy"))
        .collect();
    if kept.is_empty() { String::new() } else { format!("({})", kept.join(", ")) }
}

/// One row by its key.
pub(super) fn one(
    snapshot: &Snapshot,
    dataset: &Dataset,
    id: &str,
    asked: &Parameters,
) -> Result<Question> {
    let only = Parameters {
        fields: asked.fields.clone(),
        include: asked.include.clone(),
        as_of: asked.as_of,
        ..Parameters::default()
    };
    if only != *asked {
        return Err(Error::bad_input("One row takes fields, include and asOf only."));
    }
    let key = key_of(dataset)?;
    let rows = selection(snapshot, dataset, asked)?;
    let (name, of_type) = (&dataset.name, graphql_type(key.column_type));
    let mut document = format!("query($id: {of_type}!");
    let mut values = json!({ "id": key_value(key, id)? });
    let mut as_of = "";
    if let Some(version) = asked.as_of {
        document.push_str(", $asOf: Int");
        as_of = ", asOf: $asOf";
        if let Value::Object(values) = &mut values {
            values.insert("asOf".to_owned(), Value::from(version));
        }
    }
    let key = &key.name;
    let _ = write!(document, ") {{ data: {name}ByPk({key}: $id{as_of}) {{ {rows} }} }}");
    Ok(Question {
        document,
        variables: values.to_string(),
        wrapping: Wrapping::Data,
        is_read_only: true,
    })
}

/// Aggregates of rows, of all or by groups.
pub(super) fn aggregate(dataset: &Dataset, asked: &Parameters) -> Result<Question> {
    if asked.fields.is_some() || !asked.include.is_empty() || asked.is_cursored() || asked.total {
        return Err(Error::bad_input(
            "An aggregate takes filter, search, count, sum, avg, min, max and the like, groupBy, page[limit] and page[offset].",
        ));
    }
    let mut computed = String::from("count");
    for (function, columns) in &asked.functions {
        if *function == "count" {
            continue;
        }
        if columns.is_empty() {
            return Err(Error::bad_input(format!("Name the columns: {function}=total,quantity.")));
        }
        let mut names = Vec::new();
        for column in columns {
            names.push(column_of(dataset, column, function)?.name.as_str());
        }
        let _ = write!(computed, " {function} {{ {} }}", names.join(" "));
    }
    let name = &dataset.name;
    let mut arguments = Arguments::default();
    add_filter(dataset, asked, &mut arguments)?;
    if asked.group_by.is_empty() {
        let document = format!(
            "query{} {{ data: {name}Aggregate{} {{ aggregate {{ {computed} }} }} }}",
            arguments.head(),
            arguments.call(),
        );
        return Ok(read(document, arguments, Wrapping::Data));
    }
    let mut keys = Vec::new();
    for column in &asked.group_by {
        keys.push(column_of(dataset, column, "groupBy")?.name.as_str());
    }
    let by: Vec<Value> = keys.iter().map(|key| json!({ "column": enum_name(key) })).collect();
    arguments.add("by", format!("[{}GroupKey!]!", dataset.type_name), Value::from(by));
    if let Some(limit) = asked.limit {
        arguments.add("limit", "Int", Value::from(limit));
    }
    if let Some(offset) = asked.offset {
        arguments.add("offset", "Int", Value::from(offset));
    }
    let document = format!(
        "query{} {{ data: {name}GroupBy{} {{ keys {{ {} }} aggregate {{ {computed} }} }} }}",
        arguments.head(),
        arguments.call(),
        keys.join(" "),
    );
    Ok(read(document, arguments, Wrapping::Data))
}

fn read(document: String, arguments: Arguments, wrapping: Wrapping) -> Question {
    Question { document, variables: arguments.into_json(), wrapping, is_read_only: true }
}

fn refuse_aggregates(asked: &Parameters) -> Result<()> {
    if asked.functions.is_empty() && asked.group_by.is_empty() {
        return Ok(());
    }
    Err(Error::bad_input("Aggregates are at /aggregate, below the dataset."))
}

/// Filter, search, order and version.
fn which_rows(dataset: &Dataset, asked: &Parameters) -> Result<Arguments> {
    let mut arguments = Arguments::default();
    add_filter(dataset, asked, &mut arguments)?;
    let mut keys = Vec::new();
    for (column, is_descending) in &asked.sort {
        let column = &column_of(dataset, column, "sort")?.name;
        keys.push(json!({ column: if *is_descending { "DESC" } else { "ASC" } }));
    }
    if !keys.is_empty() {
        arguments.add("orderBy", format!("[{}OrderBy!]", dataset.type_name), Value::from(keys));
    }
    Ok(arguments)
}

fn add_filter(dataset: &Dataset, asked: &Parameters, arguments: &mut Arguments) -> Result<()> {
    if let Some(search) = &asked.search {
        arguments.add("search", "String", Value::from(search.as_str()));
    }
    if let Some(version) = asked.as_of {
        arguments.add("asOf", "Int", Value::from(version));
    }
    let mut by_column: BTreeMap<&str, Vec<(String, Value)>> = BTreeMap::new();
    for condition in &asked.filters {
        let column = column_of(dataset, &condition.column, "filter")?;
        let (operator, value) = comparison(column, condition)?;
        by_column.entry(&column.name).or_default().push((operator, value));
    }
    let mut parts: Vec<Value> = Vec::new();
    for (column, comparisons) in by_column {
        // The same operator twice: both must hold.
        for (operator, value) in comparisons {
            parts.push(json!({ column: { operator: value } }));
        }
    }
    parts.extend(asked.filter.clone().map(Value::Object));
    let filter = match parts.len() {
        0 => return Ok(()),
        1 => parts.remove(0),
        _ => json!({ "_and": parts }),
    };
    arguments.add("where", format!("{}BoolExp", dataset.type_name), filter);
    Ok(())
}

/// A comparison with its value in the column's type.
fn comparison(column: &Column, condition: &Condition) -> Result<(String, Value)> {
    let Condition { operator, value, .. } = condition;
    let name = format!("filter[{}][{operator}]", column.name);
    let known = || operators(column.column_type);
    let wanted = format!("_{operator}");
    let found = known().find(|(known, ..)| *known == wanted);
    let Some((wanted, found, _)) = found else {
        let all: Vec<&str> = known().map(|(name, ..)| name.trim_start_matches('_')).collect();
        return Err(Error::bad_input(format!(
            "{name}: {} has no operator {operator:?}; it has {}.",
            column.name,
            all.join(", ")
        )));
    };
    let one = |text: &str| typed(column.column_type, text, &name);
    let value = match found.operand() {
        Operand::Value => one(value)?,
        Operand::Text => Value::from(value.as_str()),
        Operand::Boolean => match value.as_str() {
            "true" | "1" | "" => Value::Bool(true),
            "false" | "0" => Value::Bool(false),
            _ => return Err(expected(&name, value, "true or false")),
        },
        Operand::Values | Operand::Texts => {
            let is_text = found.operand() == Operand::Texts;
            match serde_json::from_str::<Value>(value) {
                // A list whose values hold commas.
                Ok(Value::Array(values)) => Value::Array(values),
                _ => {
                    let parts = value.split(',').filter(|part| !part.is_empty());
                    let values = parts.map(|part| match is_text {
                        true => Ok(Value::from(part)),
                        false => one(part),
                    });
                    Value::Array(values.collect::<Result<_>>()?)
                }
            }
        }
    };
    Ok(((*wanted).to_owned(), value))
}

/// A text of the address as GraphQL takes values of this type.
pub(super) fn typed(column_type: ColumnType, text: &str, name: &str) -> Result<Value> {
    match column_type {
        ColumnType::Int => {
            let number = text.parse::<i64>();
            number.map(Value::from).map_err(|_| expected(name, text, "a whole number"))
        }
        ColumnType::Float => {
            let number = text.parse::<f64>().ok().and_then(serde_json::Number::from_f64);
            number.map(Value::Number).ok_or_else(|| expected(name, text, "a number"))
        }
        ColumnType::Boolean => match text {
            "true" => Ok(Value::Bool(true)),
            "false" => Ok(Value::Bool(false)),
            _ => Err(expected(name, text, "true or false")),
        },
        ColumnType::Json => {
            serde_json::from_str(text).map_err(|_| expected(name, text, "a JSON value"))
        }
        _ => Ok(Value::from(text)),
    }
}

/// The column that rows are found by.
pub(super) fn key_of(dataset: &Dataset) -> Result<&Column> {
    dataset.columns.get(dataset.key).ok_or_else(|| Error::internal("a dataset without a key"))
}

/// A key of the address; one that cannot be is of no row.
pub(super) fn key_value(key: &Column, id: &str) -> Result<Value> {
    typed(key.column_type, id, "id")
        .map_err(|_| Error::not_found(format!("There is no row with the key {id:?}.")))
}

/// A column by its field name.
pub(super) fn column_of<'d>(dataset: &'d Dataset, name: &str, what: &str) -> Result<&'d Column> {
    dataset.column(name).ok_or_else(|| {
        let name: String = name.chars().take(100).collect();
        Error::bad_input(format!(
            "{what}: {} has no column {name:?}; GET /api/v1/{}/schema lists them.",
            dataset.name, dataset.name
        ))
    })
}

/// What is selected of each row: columns, and relations with theirs.
pub(super) fn selection(
    snapshot: &Snapshot,
    dataset: &Dataset,
    asked: &Parameters,
) -> Result<String> {
    let names: Vec<&str> = match &asked.fields {
        None => dataset.columns.iter().map(|column| column.name.as_str()).collect(),
        Some(fields) => {
            let mut names = Vec::new();
            for field in fields {
                names.push(column_of(dataset, field, "fields")?.name.as_str());
            }
            names
        }
    };
    let mut selection = names.join(" ");
    let mut tree = Tree::default();
    for path in &asked.include {
        tree.add(path.split('.'));
    }
    tree.write(snapshot, dataset, &mut selection)?;
    if selection.is_empty() {
        return Err(Error::bad_input("fields names no column."));
    }
    Ok(selection)
}

/// Relations below relations.
#[derive(Default)]
struct Tree<'p>(BTreeMap<&'p str, Tree<'p>>);

impl<'p> Tree<'p> {
    fn add(&mut self, mut path: impl Iterator<Item = &'p str>) {
        if let Some(first) = path.next() {
            self.0.entry(first).or_default().add(path);
        }
    }

    fn write(&self, snapshot: &Snapshot, dataset: &Dataset, out: &mut String) -> Result<()> {
        for (name, below) in &self.0 {
            let link = snapshot.links(dataset.id).iter().find(|link| link.name == *name);
            let other = link.and_then(|link| snapshot.dataset_by_id(link.other));
            let Some(other) = other else {
                let name: String = name.chars().take(100).collect();
                return Err(Error::bad_input(format!(
                    "include: {} has no relation {name:?}; GET /api/v1/{}/schema lists them.",
                    dataset.name, dataset.name
                )));
            };
            let columns: Vec<&str> =
                other.columns.iter().map(|column| column.name.as_str()).collect();
            let _ = write!(out, " {name} {{ {}", columns.join(" "));
            below.write(snapshot, other, out)?;
            out.push_str(" }");
        }
        Ok(())
    }
}
