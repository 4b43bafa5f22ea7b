//! For Excel and Power BI: a query in M, with the columns' types.

use sluice_schema::ColumnType;

use super::quote::{comment, power_query, power_query_name};
use super::{Place, RowSource};

/// A query to be pasted into the advanced editor.
pub(super) fn code(source: &RowSource, place: &Place) -> String {
    let name = comment(&source.name);
    let base = power_query(&place.base);
    let path = power_query(source.csv.path.trim_start_matches('/'));
    let parameters: Vec<String> = source
        .csv
        .parameters
        .iter()
        .map(|(name, value)| format!("{} = {}", power_query_name(name), power_query(value)))
        .collect();
    let types: Vec<String> = source
        .columns
        .iter()
        .map(|column| {
            let of_type = match column.column_type {
                ColumnType::Boolean => "type logical",
                ColumnType::Int => "Int64.Type",
                ColumnType::Decimal { .. } | ColumnType::Float => "type number",
                ColumnType::Date => "type date",
                ColumnType::LocalTime => "type time",
                ColumnType::LocalDateTime => "type datetime",
                ColumnType::DateTime => "type datetimezone",
                // A cell keeps 15 digits of a number.
                ColumnType::BigInt | ColumnType::Uuid | ColumnType::Json | ColumnType::String => {
                    "type text"
                }
            };
            format!("        {{{}, {of_type}}}", power_query(&column.name))
        })
        .collect();
    let types = match types.is_empty() {
        true => String::new(),
        false => format!("\n{}\n    ", types.join(",\n")),
    };
    format!(
        "\
// {name}. In Excel: Data, Get Data, From Other Sources, Blank Query; then Advanced Editor.
// Asked how to connect, choose Anonymous{}.
let
{}    File = Web.Contents({base}, [
        RelativePath = {path},
        Query = [{}]{}
    ]),
    Lines = Csv.Document(File, [Delimiter = \",\", Encoding = TextEncoding.Utf8, QuoteStyle = QuoteStyle.Csv]),
    Named = Table.PromoteHeaders(Lines, [PromoteAllScalars = true]),
    Blanked = Table.ReplaceValue(Named, \"\", null, Replacer.ReplaceValue, Table.ColumnNames(Named)),
    Rows = Table.TransformColumnTypes(Blanked, {{{types}}}, \"en-US\")
in
    Rows
",
        place.with_key(": the key is sent by this query"),
        place.with_key("    Key = \"PASTE YOUR KEY HERE\",\n"),
        parameters.join(", "),
        place.with_key(",\n        Headers = [#\"X-API-Key\" = Key]"),
    )
}
