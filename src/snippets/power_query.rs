//! For Excel and Power BI: a query in M, with the columns' types.

use sluice_schema::ColumnType;

use super::RowSource;
use super::quote::{comment, power_query, power_query_name};

/// A query to be pasted into the advanced editor.
pub(super) fn code(source: &RowSource, base: &str) -> String {
    let name = comment(&source.name);
    let (base, path) = (power_query(base), power_query(source.csv.path.trim_start_matches('/')));
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
// Asked how to connect, choose Anonymous: the key is sent by this query.
let
    Key = \"PASTE YOUR KEY HERE\",
    File = Web.Contents({base}, [
        RelativePath = {path},
        Query = [{}],
        Headers = [#\"X-API-Key\" = Key]
    ]),
    Lines = Csv.Document(File, [Delimiter = \",\", Encoding = TextEncoding.Utf8, QuoteStyle = QuoteStyle.Csv]),
    Named = Table.PromoteHeaders(Lines, [PromoteAllScalars = true]),
    Blanked = Table.ReplaceValue(Named, \"\", null, Replacer.ReplaceValue, Table.ColumnNames(Named)),
    Rows = Table.TransformColumnTypes(Blanked, {{{types}}}, \"en-US\")
in
    Rows
",
        parameters.join(", ")
    )
}
