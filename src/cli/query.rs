//! `sluice query` and `sluice export`: answers of a running server, for people and pipes.

use std::fs::File;
use std::io::{IsTerminal, Read, Write};
use std::path::Path;

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Map, Value};

use super::arguments::{AnswerFormat, Export, Query};
use super::outcome::{Exit, Failure, Outcome};
use super::remote::{Remote, refused_json};

/// Widest column of a table, characters.
const MAX_WIDTH: usize = 60;

/// Asks a question and prints the answer.
pub(super) fn query(arguments: &Query) -> Outcome {
    let document = read_document(&arguments.document)?;
    let variables = read_variables(&arguments.variables)?;
    let remote = Remote::new(&arguments.server.url, arguments.server.key.as_deref())?;
    let (status, answer) = remote.ask(&document, &Value::Object(variables))?;
    let data = answer.get("data").filter(|data| !data.is_null());
    let has_errors = answer.get("errors").is_some();
    let mut out = std::io::stdout().lock();
    if let Some(data) = data {
        match arguments.format {
            AnswerFormat::Json => writeln!(out, "{data:#}")?,
            AnswerFormat::Table => write_table(&rows_of(data)?, &mut out)?,
            AnswerFormat::Csv => write_csv(&rows_of(data)?, &mut out)?,
        }
    }
    if data.is_none() || has_errors {
        return Err(refused_json(status, &answer));
    }
    Ok(())
}

/// The document itself, of a file after `@`, or of standard input for `-`.
fn read_document(given: &str) -> Result<String, Failure> {
    let unreadable =
        |e: std::io::Error| Failure::new(Exit::Usage, format!("{given} cannot be read: {e}"));
    match given.strip_prefix('@') {
        Some(path) => std::fs::read_to_string(path).map_err(unreadable),
        None if given == "-" => {
            let mut text = String::new();
            std::io::stdin().read_to_string(&mut text).map_err(unreadable)?;
            Ok(text)
        }
        None => Ok(given.to_owned()),
    }
}

/// JSON values where they are some, texts otherwise.
fn read_variables(pairs: &[String]) -> Result<Map<String, Value>, Failure> {
    let mut variables = Map::new();
    for pair in pairs {
        let (name, text) = pair.split_once('=').ok_or_else(|| {
            Failure::usage(format!("--var {pair}: expected NAME=VALUE, like status=open"))
        })?;
        let value = serde_json::from_str(text).unwrap_or_else(|_| Value::from(text));
        variables.insert(name.trim().to_owned(), value);
    }
    Ok(variables)
}

/// The first list of objects in an answer, or its first object as one row.
fn rows_of(data: &Value) -> Result<Vec<&Map<String, Value>>, Failure> {
    let fields = data.as_object().into_iter().flat_map(Map::values);
    for field in fields {
        // `nodes` of a connection, `returning` of a change.
        let list = field.as_array().or_else(|| {
            let inside = field.as_object()?.values();
            inside.filter_map(Value::as_array).next()
        });
        if let Some(list) = list {
            return Ok(list.iter().filter_map(Value::as_object).collect());
        }
        if let Some(row) = field.as_object() {
            return Ok(vec![row]);
        }
    }
    Err(Failure::usage("the answer holds no rows; --format json prints it as it is"))
}

fn columns_of(rows: &[&Map<String, Value>]) -> Vec<String> {
    rows.first().map(|row| row.keys().cloned().collect()).unwrap_or_default()
}

fn text_of(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

fn write_table(rows: &[&Map<String, Value>], out: &mut impl Write) -> std::io::Result<()> {
    let columns = columns_of(rows);
    let cell = |text: &str| -> String {
        // One line a row, and nothing that moves the cursor.
        let text = text.chars().map(|c| if c.is_control() { ' ' } else { c });
        text.take(MAX_WIDTH).collect()
    };
    let lines: Vec<Vec<String>> = rows
        .iter()
        .map(|row| columns.iter().map(|name| cell(&text_of(row.get(name)))).collect())
        .collect();
    let widths: Vec<usize> = columns
        .iter()
        .enumerate()
        .map(|(n, name)| {
            let cells = lines.iter().filter_map(|line| line.get(n));
            cells.map(|cell| cell.chars().count()).chain([name.chars().count()]).max().unwrap_or(0)
        })
        .collect();
    let mut write_line = |cells: &[String]| {
        let padded: Vec<String> = cells
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell}{}", " ".repeat(width - cell.chars().count())))
            .collect();
        writeln!(out, "{}", padded.join("  ").trim_end())
    };
    write_line(&columns)?;
    write_line(&widths.iter().map(|width| "-".repeat(*width)).collect::<Vec<_>>())?;
    lines.iter().try_for_each(|line| write_line(line))
}

fn write_csv(rows: &[&Map<String, Value>], out: &mut impl Write) -> std::io::Result<()> {
    let columns = columns_of(rows);
    let mut write_line = |cells: &mut dyn Iterator<Item = String>| {
        let cells: Vec<String> = cells
            .map(|cell| match cell.contains([',', '"', '\n', '\r']) {
                true => format!("\"{}\"", cell.replace('"', "\"\"")),
                false => cell,
            })
            .collect();
        write!(out, "{}\r\n", cells.join(","))
    };
    write_line(&mut columns.iter().cloned())?;
    rows.iter()
        .try_for_each(|row| write_line(&mut columns.iter().map(|name| text_of(row.get(name)))))
}

/// Writes rows of a dataset into a file, or to standard output.
pub(super) fn export(arguments: &Export) -> Outcome {
    let remote = Remote::new(&arguments.server.url, arguments.server.key.as_deref())?;
    let of_name = arguments.output.as_deref().and_then(Path::extension);
    let of_name = of_name.map(|extension| extension.to_string_lossy().to_lowercase());
    let format = arguments.format.clone().or(of_name).unwrap_or_else(|| "csv".to_owned());
    let mut query = form_urlencoded::Serializer::new(String::new());
    let given = [
        ("filter", &arguments.filter),
        ("sort", &arguments.sort),
        ("fields", &arguments.fields),
        ("search", &arguments.search),
    ];
    for (name, value) in given {
        query.extend_pairs(value.iter().map(|value| (name, value)));
    }
    for option in &arguments.options {
        let (name, value) = option.split_once('=').ok_or_else(|| {
            Failure::usage(format!("--option {option}: expected NAME=VALUE, like delimiter=;"))
        })?;
        query.append_pair(name.trim(), value);
    }
    let name: String = form_urlencoded::byte_serialize(arguments.dataset.as_bytes()).collect();
    let path = format!("/export/{}.{format}?{}", name.replace('+', "%20"), query.finish());
    let mut body = remote.open(&path)?;
    let cut =
        |e: std::io::Error| Failure::new(Exit::Connection, format!("the answer was cut off: {e}"));
    match &arguments.output {
        None => std::io::copy(&mut body, &mut std::io::stdout().lock()).map(drop).map_err(cut),
        Some(path) => {
            let bar = progress();
            // Whole under its name, or not at all.
            let draft = path.with_extension("partial");
            let unwritable = |e: std::io::Error| {
                Failure::other(format!("{} cannot be written: {e}", path.display()))
            };
            let mut file = File::create(&draft).map_err(unwritable)?;
            let copied = std::io::copy(&mut bar.wrap_read(body), &mut file);
            bar.finish_and_clear();
            let n_bytes = copied.map_err(|e| {
                let _ = std::fs::remove_file(&draft);
                cut(e)
            })?;
            std::fs::rename(&draft, path).map_err(unwritable)?;
            eprintln!("{}: {n_bytes} bytes", path.display());
            Ok(())
        }
    }
}

fn progress() -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{spinner} {bytes}  {binary_bytes_per_sec}");
    ProgressBar::no_length().with_style(style.unwrap_or(ProgressStyle::default_spinner()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use serde_json::json;

    use super::*;

    #[test]
    fn rows_are_found_and_written() {
        let data = json!({ "orders": [
            { "id": 1, "name": "Lee, Kim", "total": null },
            { "id": 22, "name": "a\nb", "total": "1.50" },
        ] });
        let rows = rows_of(&data).unwrap();
        let mut table = Vec::new();
        write_table(&rows, &mut table).unwrap();
        let expected =
            "id  name      total\n--  --------  -----\n1   Lee, Kim\n22  a b       1.50\n";
        assert_eq!(String::from_utf8(table).unwrap(), expected);
        let mut csv = Vec::new();
        write_csv(&rows, &mut csv).unwrap();
        let expected = "id,name,total\r\n1,\"Lee, Kim\",\r\n22,\"a\nb\",1.50\r\n";
        assert_eq!(String::from_utf8(csv).unwrap(), expected);
        let nodes = json!({ "ordersConnection": { "nodes": [{ "id": 1 }] } });
        assert_eq!(rows_of(&nodes).unwrap().len(), 1);
        assert!(rows_of(&json!({ "__typename": "Query" })).is_err());
    }

    #[test]
    fn variables_are_json_where_they_can_be() {
        let given = ["n=1", "on=true", "list=[1,2]", "name=Ann", "text=\"1\""];
        let read = read_variables(&given.map(str::to_owned)).unwrap();
        let expected = json!({ "n": 1, "on": true, "list": [1, 2], "name": "Ann", "text": "1" });
        assert_eq!(Value::Object(read), expected);
        assert!(read_variables(&["x".to_owned()]).is_err());
    }
}
