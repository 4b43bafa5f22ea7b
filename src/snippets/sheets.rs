//! For Google Sheets: a function of Apps Script that writes rows into a sheet.

use sluice_schema::ColumnType;

use super::quote::{comment, text};
use super::{Place, RowSource};

/// A script of the spreadsheet.
pub(super) fn code(source: &RowSource, place: &Place) -> String {
    let name = comment(&source.name);
    let (url, sheet) = (text(&source.csv.whole(&place.base)), text(&source.field));
    let types: String = source
        .columns
        .iter()
        .filter_map(|column| {
            let of_type = match column.column_type {
                ColumnType::Boolean => "boolean",
                ColumnType::Int | ColumnType::Decimal { .. } | ColumnType::Float => "number",
                ColumnType::Date => "date",
                ColumnType::LocalDateTime => "time",
                ColumnType::DateTime => "instant",
                // A cell keeps 15 digits of a number.
                ColumnType::BigInt
                | ColumnType::LocalTime
                | ColumnType::Uuid
                | ColumnType::Json
                | ColumnType::String => return None,
            };
            Some(format!("    [{}, \"{of_type}\"],\n", text(&column.name)))
        })
        .collect();
    let types = if types.is_empty() { String::new() } else { format!("\n{types}  ") };
    format!(
        "\
// {name}. Extensions, Apps Script: paste this, and run loadRows.
// {}Google must reach the server.
function loadRows() {{
{}  const response = UrlFetchApp.fetch({url}, {{
{}    muteHttpExceptions: true,
  }});
  if (response.getResponseCode() !== 200) throw new Error(response.getContentText());
  const [names, ...lines] = Utilities.parseCsv(response.getContentText());

  const types = new Map([{types}]);
  const toCell = (text, type) => {{
    if (text === \"\") return \"\";
    if (type === \"number\") return Number(text);
    if (type === \"boolean\") return text === \"true\";
    if (type === \"date\") return text;
    if (type === \"time\") return text.replace(\"T\", \" \");
    if (type === \"instant\") return new Date(text);
    return \"'\" + text; // Text stays text, and is no formula.
  }};
  const rows = lines.map((line) => line.map((text, n) => toCell(text, types.get(names[n]))));

  const spreadsheet = SpreadsheetApp.getActiveSpreadsheet();
  const sheet = spreadsheet.getSheetByName({sheet}) || spreadsheet.insertSheet({sheet});
  sheet.clearContents();
  sheet.getRange(1, 1, rows.length + 1, names.length).setValues([names, ...rows]);
}}
",
        place.with_key("The key is the script property SLUICE_KEY (Project Settings). "),
        place.with_key(
            "  const key = PropertiesService.getScriptProperties().getProperty(\"SLUICE_KEY\");\n"
        ),
        place.with_key("    headers: { \"X-API-Key\": key },\n"),
    )
}
