//! For Python: requests brings the file, pandas reads it with the columns' types.
//!
//! No name stands in the first two lines, which may tell Python the file's encoding (PEP 263).

use sluice_schema::ColumnType;

use super::quote::{comment, text};
use super::{Place, RowSource};

/// A script that makes a data frame.
pub(super) fn code(source: &RowSource, place: &Place) -> String {
    let name = comment(&source.name);
    let url = text(&format!("{}{}", place.base, source.csv.path));
    let parameters: String =
        source.csv.parameters.iter().map(|(name, value)| entry(name, &text(value))).collect();
    let types: String = source
        .columns
        .iter()
        .filter_map(|column| Some(entry(&column.name, dtype(column.column_type)?)))
        .collect();
    let converters: String = source
        .names_of(|it| matches!(it, ColumnType::Decimal { .. }))
        .map(|name| entry(name, "to_decimal"))
        .collect();
    let times: String = source
        .names_of(is_day_or_time)
        .map(text)
        .map(|name| {
            format!("rows[{name}] = pandas.to_datetime(rows[{name}], format=\"ISO8601\")\n")
        })
        .collect();
    let mut out = format!(
        "# pip install requests pandas\n#{}\n# {name}\nimport io\n{}",
        place.with_key(" The environment variable SLUICE_KEY holds the key."),
        place.with_key("import os\n"),
    );
    if !converters.is_empty() {
        out.push_str("from decimal import Decimal\n");
    }
    out.push_str("\nimport pandas\nimport requests\n\n");
    if !converters.is_empty() {
        out.push_str("\ndef to_decimal(text):\n    return Decimal(text) if text else None\n\n\n");
    }
    let key = place.with_key("    headers={\"X-API-Key\": os.environ[\"SLUICE_KEY\"]},\n");
    out.push_str(&format!(
        "response = requests.get(\n    {url},\n    params={{\n{parameters}    }},\n\
         {key}    timeout=60,\n)\n\
         if not response.ok:\n    raise SystemExit(response.text)\n\n\
         # Only what is empty is missing: \"NA\" is a text like others.\n\
         rows = pandas.read_csv(\n    io.BytesIO(response.content),\n    \
         keep_default_na=False,\n    na_values=[\"\"],\n"
    ));
    if !types.is_empty() {
        out.push_str(&format!("    dtype={{\n{types}    }},\n"));
    }
    if !converters.is_empty() {
        out.push_str(&format!("    converters={{\n{converters}    }},\n"));
    }
    out.push_str(&format!(")\n{times}print(rows.head())\n"));
    out
}

/// A line of a dictionary.
fn entry(name: &str, value: &str) -> String {
    format!("        {}: {value},\n", text(name))
}

/// What pandas reads a column as; nothing where a converter does.
fn dtype(column_type: ColumnType) -> Option<&'static str> {
    match column_type {
        ColumnType::Boolean => Some("\"boolean\""),
        ColumnType::Int | ColumnType::BigInt => Some("\"Int64\""),
        ColumnType::Float => Some("\"Float64\""),
        ColumnType::Decimal { .. } => None,
        // Days and times are made of texts afterwards: some have fractions, some have none.
        _ => Some("\"string\""),
    }
}

fn is_day_or_time(column_type: ColumnType) -> bool {
    matches!(column_type, ColumnType::Date | ColumnType::LocalDateTime | ColumnType::DateTime)
}
