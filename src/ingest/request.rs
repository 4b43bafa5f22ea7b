//! Turns what callers ask of an upload into what a job carries with it.
//!
//! It exists so that options mean the same at every door, and a wrong one is refused before a byte
//! of the file is taken. It never looks into the file.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};
use sluice_schema::ReadOptions;
use sluice_schema::naming::MAX_NAME_BYTES;

use super::spool::{label_of, tidy};
use crate::catalog::model::{DatasetId, DriftPolicy, LoadMode, OnError, UploadBounds};
use crate::error::{Error, Result};

/// The longest request id, bytes.
const MAX_REQUEST_ID_BYTES: usize = 200;

/// What an upload asks for.
#[derive(Clone, Debug, Default)]
pub struct UploadRequest {
    /// The dataset's name; from the file's name when not given.
    pub name: Option<String>,
    /// The file's name, a label and a hint.
    pub file_name: String,
    /// How it meets a dataset of that name.
    pub mode: LoadMode,
    /// How to read the file.
    pub options: ReadOptions,
    /// What happens when columns differ; by the mode when not given.
    pub on_drift: Option<DriftPolicy>,
    /// What happens to rows that do not fit.
    pub on_error: OnError,
    /// The label or field name of the column that is the key.
    pub key: Option<String>,
    /// What its owner says about the dataset.
    pub description: Option<String>,
    /// Names the request, so that it is carried out once however often it is sent.
    pub request_id: Option<String>,
    /// Into which datasets it may go.
    pub bounds: UploadBounds,
    /// Who asks, as the audit log names him; none for a file of the command line.
    pub actor: Option<String>,
}

impl UploadRequest {
    /// The name as given, or the file's.
    pub(super) fn label(&self) -> String {
        let given = self.name.as_deref().map(str::trim).filter(|name| !name.is_empty());
        match given {
            Some(name) => tidy(name),
            None => label_of(&self.file_name),
        }
    }

    /// Refuses what could only fail later.
    pub(super) fn check(&self) -> Result<()> {
        check_columns(&self.options)?;
        let texts = [&self.name, &self.key, &self.description, &self.request_id];
        if texts.into_iter().flatten().chain([&self.file_name]).any(|text| text.contains('\0')) {
            return Err(Error::bad_input(
                "A name or another text of the upload has the character U+0000 in it; leave it out.",
            ));
        }
        match &self.request_id {
            Some(id) if id.is_empty() || id.len() > MAX_REQUEST_ID_BYTES => Err(Error::bad_input(
                format!("requestId has {} bytes; expected 1 to {MAX_REQUEST_ID_BYTES}.", id.len()),
            )),
            _ => Ok(()),
        }
    }

    /// What the job carries.
    pub(super) fn wishes(&self) -> Wishes {
        Wishes {
            read: self.options.clone(),
            on_drift: self.on_drift,
            on_error: self.on_error,
            key: self.key.clone(),
            description: self.description.clone(),
            task: Task::Load,
            bounds: self.bounds.clone(),
        }
    }
}

/// What a job was asked to do beside its mode.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Wishes {
    pub(super) read: ReadOptions,
    pub(super) on_drift: Option<DriftPolicy>,
    pub(super) on_error: OnError,
    pub(super) key: Option<String>,
    pub(super) description: Option<String>,
    pub(super) task: Task,
    pub(super) bounds: UploadBounds,
}

/// Where the rows come from and where they go.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "task")]
pub(super) enum Task {
    /// From a file into the dataset of the job's name.
    #[default]
    Load,
    /// Corrected rejects, written as a file of ours, into the dataset that they were refused by.
    Admit {
        /// Into which dataset.
        dataset: DatasetId,
        /// Which rejects.
        ids: Vec<i64>,
    },
    /// The rows of a dataset into a new one.
    Copy {
        /// Of which.
        dataset: DatasetId,
    },
    /// The rows of a dataset, made anew.
    Derive {
        /// Which dataset.
        dataset: DatasetId,
        /// Whether rows with values that do not fit any more may become rejects.
        allow_loss: bool,
        /// Whether they are made of the rows that are there, because the source alone does not.
        from_rows: bool,
    },
}

/// Reads reading options as callers write them: nulls count as not given, an empty mark as none,
/// `tab` or `\t` as the tab.
///
/// # Errors
/// BAD_USER_INPUT, naming the option.
pub fn read_options(given: Map<String, Json>) -> Result<ReadOptions> {
    let mut options = without_nulls(given);
    if options.contains_key("inherited") {
        return Err(Error::bad_input("There is no reading option inherited."));
    }
    for name in ["delimiter", "quote", "escape", "comment", "decimalMark"] {
        let Some(value) = options.get_mut(name) else { continue };
        let text = value.as_str().unwrap_or_default();
        let mark = match text {
            "" if name != "delimiter" && name != "decimalMark" => "\0",
            "tab" | "\\t" => "\t",
            text => text,
        };
        let mut characters = mark.chars();
        if characters.next().is_none() || characters.next().is_some() {
            return Err(Error::bad_input(format!("{name} is {value}; expected one character.")));
        }
        *value = Json::from(mark);
    }
    let options: ReadOptions = serde_json::from_value(Json::Object(options)).map_err(|error| {
        // What jobs carry beside the options is no option.
        let found = error.to_string().replace(", `inherited`", "");
        Error::bad_input(format!("A reading option is not as expected: {found}."))
    })?;
    check_columns(&options)?;
    Ok(options)
}

/// A reading option that came as text, as JSON: a query parameter or a flag.
///
/// # Errors
/// BAD_USER_INPUT, naming the option and what was expected.
pub fn option_of_text(name: &str, text: &str) -> Result<Json> {
    let wrong = |expected: &str| {
        Error::bad_input(format!("The option {name} is {text:?}; expected {expected}."))
    };
    match name {
        "headerRow" | "headerRows" | "skipRows" | "skipFooter" => {
            text.parse::<u64>().map(Json::from).map_err(|_| wrong("a whole number"))
        }
        "nullSpellings" | "sheets" => Ok(text.split(',').map(Json::from).collect()),
        "flatten" => text.parse::<bool>().map(Json::from).map_err(|_| wrong("true or false")),
        "dateOrder" => Ok(Json::from(text.to_ascii_uppercase())),
        "columns" => serde_json::from_str(text).map_err(|_| wrong("a JSON list")),
        _ => Ok(Json::from(text)),
    }
}

/// The same map without nulls at any depth.
fn without_nulls(map: Map<String, Json>) -> Map<String, Json> {
    fn strip(value: Json) -> Json {
        match value {
            Json::Object(map) => Json::Object(without_nulls(map)),
            Json::Array(items) => items.into_iter().map(strip).collect(),
            other => other,
        }
    }
    map.into_iter()
        .filter(|(_, value)| !value.is_null())
        .map(|(key, value)| (key, strip(value)))
        .collect()
}

fn check_columns(options: &ReadOptions) -> Result<()> {
    let mut labels = HashSet::new();
    for column in &options.columns {
        if !labels.insert(column.label.as_str()) {
            return Err(Error::bad_input(format!(
                "The column {:?} is decided twice; say all about it once.",
                column.label
            )));
        }
        if let Some(name) = &column.name {
            check_field_name(name)?;
        }
    }
    Ok(())
}

/// Refuses a field name that GraphQL or Sluice does not take.
///
/// Letters and digits only: other names would give the same enum value as another one.
pub(super) fn check_field_name(name: &str) -> Result<()> {
    let is_legal = name.len() <= MAX_NAME_BYTES
        && name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric())
        && !["nodeId", "true", "false", "null"].contains(&name);
    if is_legal {
        return Ok(());
    }
    Err(Error::bad_input(format!(
        "The field name {name:?} cannot be used; expected a lower-case letter and then letters and digits, at most {MAX_NAME_BYTES}, like orderDate."
    )))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use serde_json::json;

    use super::*;

    #[expect(clippy::needless_pass_by_value, reason = "a table of cases reads better")]
    fn check(given: Json, expect: Result<ReadOptions, &str>) {
        let Json::Object(map) = given.clone() else { return };
        match (read_options(map), expect) {
            (Ok(found), Ok(expect)) => assert_eq!(found, expect, "{given}"),
            (Err(error), Err(part)) => assert!(error.message.contains(part), "{given}: {error}"),
            (found, expect) => assert_eq!(format!("{found:?}"), format!("{expect:?}"), "{given}"),
        }
    }

    #[test]
    fn marks_are_one_character_or_none() {
        let options = |delimiter, quote| ReadOptions { delimiter, quote, ..Default::default() };
        check(json!({ "delimiter": ";", "quote": null }), Ok(options(Some(';'), None)));
        check(json!({ "delimiter": "tab", "quote": "" }), Ok(options(Some('\t'), Some('\0'))));
        check(json!({ "delimiter": "\\t" }), Ok(options(Some('\t'), None)));
        check(json!({ "delimiter": "" }), Err("one character"));
        check(json!({ "delimiter": ";;" }), Err("one character"));
        check(json!({ "colour": "red" }), Err("colour"));
    }

    #[test]
    fn field_names_are_legal_and_labels_once() {
        let column = |name: &str| json!({ "columns": [{ "label": "A", "name": name }] });
        for name in ["Total", "_x", "a_b", "1a", "nodeId", "", "tö"] {
            check(column(name), Err("cannot be used"));
        }
        check(json!({ "columns": [{ "label": "A" }, { "label": "A" }] }), Err("twice"));
    }
}
