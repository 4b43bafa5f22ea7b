//! For R, without a package.

use sluice_schema::ColumnType;

use super::quote::{comment, text};
use super::{Place, RowSource};

/// A script that makes a data frame.
pub(super) fn code(source: &RowSource, place: &Place) -> String {
    let name = comment(&source.name);
    let url = text(&source.csv.whole(&place.base));
    let classes: Vec<String> = source
        .columns
        .iter()
        .map(|column| {
            let class = match column.column_type {
                ColumnType::Boolean => "logical",
                // R's own integers lack the smallest of 32 bits.
                ColumnType::Int | ColumnType::Decimal { .. } | ColumnType::Float => "numeric",
                ColumnType::Date => "Date",
                // Its numbers have 53 bits; instants are read below.
                ColumnType::BigInt
                | ColumnType::LocalTime
                | ColumnType::LocalDateTime
                | ColumnType::DateTime
                | ColumnType::Uuid
                | ColumnType::Json
                | ColumnType::String => "character",
            };
            format!("    {} = \"{class}\"", text(&column.name))
        })
        .collect();
    let mut out = format!(
        "# {name}{}\nsource <- url(\n  {url}{}\n)\n\
         rows <- read.csv(\n  source,\n  check.names = FALSE,\n  na.strings = \"\",\n  \
         encoding = \"UTF-8\"",
        place.with_key(". The environment variable SLUICE_KEY holds the key."),
        place.with_key(",\n  headers = c(\"X-API-Key\" = Sys.getenv(\"SLUICE_KEY\"))"),
    );
    match classes.is_empty() {
        true => out.push_str(",\n  colClasses = \"character\"\n)\n"),
        false => {
            out.push_str(&format!(",\n  colClasses = c(\n{}\n  )\n)\n", classes.join(",\n")));
        }
    }
    let mut instants = |zone: &str, is_it: &dyn Fn(ColumnType) -> bool| {
        for name in source.names_of(is_it) {
            let name = text(name);
            out.push_str(&format!(
                "rows[[{name}]] <- as.POSIXct(rows[[{name}]], format = \
                 \"%Y-%m-%dT%H:%M:%OS{zone}\", tz = \"UTC\")\n"
            ));
        }
    };
    instants("Z", &|it| it == ColumnType::DateTime);
    instants("", &|it| it == ColumnType::LocalDateTime);
    out.push_str("print(head(rows))\n");
    out
}
