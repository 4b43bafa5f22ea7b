//! `sluice inspect`: tells what a file would become, and stores nothing.
//!
//! Offline unless a server is named, which also knows the dataset that the file would meet.

use std::io::Write;

use serde_json::{Map, Value};

use super::arguments::{Inspect, Mode};
use super::outcome::{Exit, Failure, Outcome};
use super::remote::{Remote, refused_json};
use super::upload::reading_pairs;
use crate::catalog::model::LoadMode;
use crate::config::Settings;
use crate::graphql::inspection_json;
use crate::ingest::{UploadRequest, inspect_file, option_of_text, read_options};

/// The widest cell of a table, characters.
const MAX_CELL_CHARS: usize = 40;

/// Reads the file and prints what was understood.
pub(super) fn run(settings: &Settings, arguments: &Inspect) -> Outcome {
    let path = &arguments.file;
    let metadata =
        std::fs::metadata(path).map_err(|e| Failure::new(Exit::Data, e.to_string()).about(path))?;
    if !metadata.is_file() {
        return Err(Failure::new(Exit::Data, "it is no file").about(path));
    }
    let json = match &arguments.url {
        Some(url) => ask(url, metadata.len(), arguments).map_err(|e| e.about(path))?,
        None => {
            let request = request(arguments)?;
            let sheets = inspect_file(path, &request, &settings.file_limits, arguments.rows);
            let json = sheets.and_then(|sheets| inspection_json(&sheets));
            json.map_err(|e| Failure::from(e).about(path))?
        }
    };
    let mut out = std::io::stdout().lock();
    if arguments.json {
        let text = serde_json::to_string_pretty(&json).unwrap_or_default();
        writeln!(out, "{text}")?;
        return Ok(());
    }
    for sheet in json.pointer("/sheets").and_then(Value::as_array).into_iter().flatten() {
        write!(out, "{}", describe(sheet))?;
    }
    Ok(())
}

/// Asks a server, which compares the file with the dataset that it has.
fn ask(url: &str, n_bytes: u64, arguments: &Inspect) -> Result<Value, Failure> {
    let remote = Remote::new(url, arguments.key.as_deref())?;
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("mode", arguments.mode.word());
    query.append_pair("rows", &arguments.rows.to_string());
    query
        .append_pair("filename", &arguments.file.file_name().unwrap_or_default().to_string_lossy());
    if let Some(name) = &arguments.name {
        query.append_pair("name", name);
    }
    for (name, value) in reading_pairs(&arguments.reading)? {
        query.append_pair(&name, &value);
    }
    let unreadable = |e: std::io::Error| Failure::new(Exit::Data, e.to_string());
    let file = std::fs::File::open(&arguments.file).map_err(unreadable)?;
    let (status, json) = remote.put(&format!("/inspect?{}", query.finish()), file, n_bytes)?;
    if status.is_success() { Ok(json) } else { Err(refused_json(status, &json)) }
}

fn request(arguments: &Inspect) -> Result<UploadRequest, Failure> {
    let file_name = arguments.file.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let mode = match arguments.mode {
        Mode::Create => LoadMode::Create,
        Mode::Replace => LoadMode::Replace,
        Mode::Append => LoadMode::Append,
        Mode::Upsert => LoadMode::Upsert,
    };
    let name = arguments.name.clone();
    let mut request = UploadRequest { name, file_name, mode, ..Default::default() };
    let mut options = Map::new();
    for (name, value) in reading_pairs(&arguments.reading)? {
        match name.as_str() {
            "key" => request.key = Some(value),
            "options" => {
                let more: Value = serde_json::from_str(&value).unwrap_or_default();
                options.extend(more.as_object().cloned().unwrap_or_default());
            }
            _ => {
                let value = option_of_text(&name, &value).map_err(usage)?;
                options.insert(name, value);
            }
        }
    }
    request.options = read_options(options).map_err(usage)?;
    Ok(request)
}

fn usage(error: crate::error::Error) -> Failure {
    Failure::usage(error.message.into_owned())
}

/// What people want to know of a sheet, as text.
fn describe(sheet: &Value) -> String {
    let text = |key: &str| plain(sheet.get(key).unwrap_or(&Value::Null));
    let mut lines = Vec::new();
    let name = match sheet.get("name").and_then(Value::as_str) {
        Some(name) => format!("sheet {name:?}, "),
        None => String::new(),
    };
    lines.push(format!(
        "{}: {name}{} rows, {}, {}",
        text("dataset"),
        text("rowCount"),
        text("format"),
        text("encoding")
    ));
    for key in ["dialectReason", "headerReason"] {
        if !text(key).is_empty() {
            lines.push(format!("  {}", text(key)));
        }
    }
    let columns = sheet.get("columns").and_then(Value::as_array).cloned().unwrap_or_default();
    let mut table = vec![["FIELD", "HEADER", "TYPE", "NULLS", "WHY"].map(str::to_owned).to_vec()];
    for column in &columns {
        let of = |pointer: &str| plain(column.pointer(pointer).unwrap_or(&Value::Null));
        table.push(vec![
            of("/name"),
            of("/label"),
            of("/type"),
            of("/statistics/nullCount"),
            of("/evidence/reason"),
        ]);
    }
    lines.push(String::new());
    lines.extend(aligned(&table, true));
    let rows = sheet.get("rows").and_then(Value::as_array).cloned().unwrap_or_default();
    if !rows.is_empty() {
        let data: Vec<String> = columns
            .iter()
            .filter(|column| column.get("generated") != Some(&Value::Bool(true)))
            .map(|column| plain(column.get("name").unwrap_or(&Value::Null)))
            .collect();
        let mut table = vec![data.clone()];
        for row in &rows {
            let cell = |name: &String| match row.get(name) {
                None | Some(Value::Null) => "·".to_owned(),
                Some(value) => plain(value),
            };
            table.push(data.iter().map(cell).collect());
        }
        lines.push(String::new());
        lines.extend(aligned(&table, false));
    }
    let notices = sheet.get("notices").and_then(Value::as_array).cloned().unwrap_or_default();
    if !notices.is_empty() {
        lines.push(String::new());
    }
    for notice in &notices {
        let of = |key: &str| plain(notice.get(key).unwrap_or(&Value::Null));
        let at = match (of("column"), of("row")) {
            (column, row) if column.is_empty() && row.is_empty() => String::new(),
            (column, row) if column.is_empty() => format!("row {row}: "),
            (column, row) if row.is_empty() => format!("{column}: "),
            (column, row) => format!("{column}, row {row}: "),
        };
        lines.push(format!("  {at}{}", of("message")));
    }
    if text("rejectCount") != "0" {
        lines.push(format!("  {} rows would be refused:", text("rejectCount")));
    }
    for reject in sheet.get("rejects").and_then(Value::as_array).into_iter().flatten().take(5) {
        let of = |key: &str| plain(reject.get(key).unwrap_or(&Value::Null));
        lines.push(format!("    row {}, {}: {}", of("row"), of("column"), of("reason")));
    }
    for drift in sheet.get("drift").and_then(Value::as_array).into_iter().flatten() {
        let of = |key: &str| plain(drift.get(key).unwrap_or(&Value::Null));
        lines.push(format!("  {}: {}", of("impact").to_lowercase(), of("message")));
    }
    if let Some(diff) = sheet.get("sdlDiff").and_then(Value::as_str).filter(|it| !it.is_empty()) {
        lines.push(String::new());
        lines.extend(diff.lines().map(|line| format!("  {line}")));
    }
    lines.push(String::new());
    lines.join("\n") + "\n"
}

/// A value as a line of text shows it.
fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect(),
        other => other.to_string(),
    }
}

/// Rows with columns of even width; the last one is as wide as it is when `is_open`.
fn aligned(table: &[Vec<String>], is_open: bool) -> Vec<String> {
    let n_columns = table.iter().map(Vec::len).max().unwrap_or_default();
    let is_cut = |column: usize| !(is_open && column + 1 == n_columns);
    let shown = |column: usize, cell: &str| -> String {
        if is_cut(column) && cell.chars().count() > MAX_CELL_CHARS {
            cell.chars().take(MAX_CELL_CHARS - 1).chain(['…']).collect()
        } else {
            cell.to_owned()
        }
    };
    let mut widths = vec![0; n_columns];
    for row in table {
        for (column, (cell, width)) in row.iter().zip(&mut widths).enumerate() {
            *width = shown(column, cell).chars().count().max(*width);
        }
    }
    let line = |row: &Vec<String>| {
        let mut line = String::from(" ");
        for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
            let cell = shown(column, cell);
            let padding = width.saturating_sub(cell.chars().count());
            line.push_str(&format!(" {cell}{} ", " ".repeat(padding)));
        }
        line.trim_end().to_owned()
    };
    table.iter().map(line).collect()
}
