//! Turns what can be asked for rows into code for people's tools, ready to be pasted.
//!
//! It exists so that nobody has to find out how their own tool speaks to this server. It asks
//! nothing, knows no key, and writes names only as the language quotes them.

mod dataset;
mod javascript;
mod power_query;
mod python;
mod quote;
mod r;
mod saved;
mod sheets;
mod shell;

use serde_json::{Map, Value};
use sluice_schema::ColumnType;

/// Where rows come from: a dataset, or anything else that has a document and addresses.
#[derive(Clone, Debug)]
pub struct RowSource {
    /// What people call it; any text.
    pub name: String,
    /// The GraphQL document, of one operation.
    pub document: String,
    /// Its variables with values to begin with.
    pub variables: Map<String, Value>,
    /// The key below `data` that holds the rows.
    pub field: String,
    /// The columns of the CSV file; empty where they are not known, which reads them as text.
    pub columns: Vec<RowColumn>,
    /// Where the rows are JSON.
    pub json: Address,
    /// Where the rows are CSV, with names in the first line.
    pub csv: Address,
    /// Whether it is a saved query: a key that can do just this has to do.
    pub is_saved: bool,
}

/// A column of what is read.
#[derive(Clone, Debug)]
pub struct RowColumn {
    /// The field's name.
    pub name: String,
    /// What its values are.
    pub column_type: ColumnType,
}

/// An address of this server.
#[derive(Clone, Debug)]
pub struct Address {
    /// Beginning with `/`, as it stands in addresses.
    pub path: String,
    /// Names and values behind it, not encoded.
    pub parameters: Vec<(String, String)>,
}

impl Address {
    /// All of it, encoded.
    fn whole(&self, base: &str) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(&self.parameters);
        match query.finish() {
            query if query.is_empty() => format!("{base}{}", self.path),
            query => format!("{base}{}?{query}", self.path),
        }
    }
}

impl RowSource {
    /// Names of the columns whose type is one of these.
    fn names_of(&self, is_it: impl Fn(ColumnType) -> bool) -> impl Iterator<Item = &str> {
        let columns = self.columns.iter().filter(move |column| is_it(column.column_type));
        columns.map(|column| column.name.as_str())
    }
}

/// The server as somebody reaches it.
#[derive(Clone, Debug)]
pub struct Place {
    /// Its own address, without a slash at its end.
    pub base: String,
    /// Whether it is asked with a key; without, it answers what all may read.
    pub has_key: bool,
}

impl Place {
    /// A part of code that is about the key, where there is one.
    fn with_key(&self, part: &'static str) -> &'static str {
        if self.has_key { part } else { "" }
    }
}

/// A tool that rows can be used in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A shell with curl.
    Curl,
    /// JavaScript without a library.
    Fetch,
    /// Apollo Client.
    Apollo,
    /// urql.
    Urql,
    /// Python with requests and pandas.
    Python,
    /// R without a package.
    R,
    /// Power Query, as in Excel.
    PowerQuery,
    /// Apps Script in a spreadsheet of Google's.
    GoogleSheets,
}

/// What is said of a kind.
struct Row {
    kind: Kind,
    name: &'static str,
    label: &'static str,
    language: &'static str,
    code: fn(&RowSource, &Place) -> String,
}

/// The kinds in the order in which they are shown.
const ROWS: [Row; 8] = [
    row(Kind::Curl, "curl", "curl", "sh", shell::curl),
    row(Kind::Fetch, "fetch", "JavaScript", "javascript", javascript::fetch),
    row(Kind::Apollo, "apollo", "Apollo Client", "javascript", javascript::apollo),
    row(Kind::Urql, "urql", "urql", "javascript", javascript::urql),
    row(Kind::Python, "python", "Python", "python", python::code),
    row(Kind::R, "r", "R", "r", r::code),
    row(Kind::PowerQuery, "power-query", "Excel", "powerquery", power_query::code),
    row(Kind::GoogleSheets, "google-sheets", "Google Sheets", "javascript", sheets::code),
];

const fn row(
    kind: Kind,
    name: &'static str,
    label: &'static str,
    language: &'static str,
    code: fn(&RowSource, &Place) -> String,
) -> Row {
    Row { kind, name, label, language, code }
}

impl Kind {
    /// All of them, in the order in which they are shown.
    pub fn all() -> impl Iterator<Item = Kind> {
        ROWS.iter().map(|row| row.kind)
    }

    /// The name in addresses.
    pub fn name(self) -> &'static str {
        self.row().map_or("", |row| row.name)
    }

    /// Of a name in an address.
    pub fn of_name(name: &str) -> Option<Kind> {
        ROWS.iter().find(|row| row.name == name).map(|row| row.kind)
    }

    fn row(self) -> Option<&'static Row> {
        ROWS.iter().find(|row| row.kind == self)
    }
}

/// Code for one tool.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Snippet {
    /// The kind's name in addresses.
    pub kind: &'static str,
    /// The tool's name.
    pub label: &'static str,
    /// The language, as highlighters call it.
    pub language: &'static str,
    /// What is pasted.
    pub code: String,
}

/// Writes the code for every tool.
pub fn all(source: &RowSource, place: &Place) -> Vec<Snippet> {
    ROWS.iter()
        .map(|row| Snippet {
            kind: row.name,
            label: row.label,
            language: row.language,
            code: (row.code)(source, place),
        })
        .collect()
}

/// Writes the code for one tool.
pub fn one(kind: Kind, source: &RowSource, place: &Place) -> String {
    kind.row().map(|row| (row.code)(source, place)).unwrap_or_default()
}
