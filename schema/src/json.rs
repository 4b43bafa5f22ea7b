//! Turns JSON (an array of objects, an object that holds such arrays, or one object a line) into rows.
//! It exists because exports of programs are JSON; numbers keep their digits, nested values stay JSON.
//! It never holds more than one object, and never drops a member: the columns are all members of all objects.

use std::collections::HashMap;
use std::io::Read;

use serde_json::value::RawValue;

use crate::error::SchemaError;
use crate::form::survives_double;
use crate::objects::{Keys, Row, damaged, each_in_array, each_in_lines, find_members};
use crate::source::TextPlace;
use crate::stream::{RowSink, Stop, stream_rows};

/// The arrays of objects in a document.
pub(crate) struct JsonTables {
    /// Whether objects stand one after the other, without an array.
    pub(crate) lines: bool,
    pub(crate) tables: Vec<JsonTable>,
    /// Members of the outer object that are no tables, as written.
    pub(crate) others: Vec<(String, String)>,
}

/// One array of objects.
pub(crate) struct JsonTable {
    /// The member of the outer object; `None` when the document is the array.
    pub(crate) member: Option<String>,
    pub(crate) keys: Vec<String>,
}

/// Tells whether a text is JSON that could hold a table, by its head.
pub(crate) fn looks_like_json(head: &str) -> bool {
    let mut start = head.trim_start();
    // Comments are no JSON, which is then told: as a table they would be nonsense.
    loop {
        let end = match start.as_bytes() {
            [b'/', b'/', ..] => start.find('\n'),
            [b'/', b'*', ..] => start.find("*/").map(|at| at + 1),
            _ => break,
        };
        let Some(end) = end else { break };
        start = start.get(end + 1..).unwrap_or_default().trim_start();
    }
    let after = start.get(1..).unwrap_or_default().trim_start();
    let begins = |marks: &[&str]| marks.iter().any(|mark| after.starts_with(mark));
    match start.as_bytes().first() {
        Some(b'{') => begins(&["\"", "}", "//", "/*"]),
        Some(b'[') if begins(&["{", "]", "[", "\"", "//", "/*"]) => !after.starts_with("\"\""),
        Some(b'[') => match serde_json::from_str::<serde::de::IgnoredAny>(start) {
            Ok(_) => true,
            Err(error) => error.is_eof(),
        },
        _ => false,
    }
}

/// JSON that is nested deeper is kept as text: the stores do not read it.
const MAX_JSON_DEPTH: usize = 128;

/// Tells whether a text is a JSON document that is not nested too deep.
pub(crate) fn is_json(text: &str) -> bool {
    let (mut depth, mut in_string, mut is_escaped) = (0_usize, false, false);
    for byte in text.bytes() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if in_string => is_escaped = true,
            b'"' => in_string = !in_string,
            b'[' | b'{' if !in_string => depth += 1,
            b']' | b'}' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > MAX_JSON_DEPTH {
            return false;
        }
    }
    serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok()
}

/// Finds the tables of a document and their members.
pub(crate) fn find_tables(place: &TextPlace<'_>, flatten: bool) -> Result<JsonTables, SchemaError> {
    // Faults of decoding are counted once, not with each walk through the document.
    let place = TextPlace { faults: None, ..*place };
    let limits = place.limits;
    let head = crate::source::read_head(&mut place.open_decoded(0)?, 64 * 1024)?;
    let is_array = head.trim_ascii_start().first() == Some(&b'[');
    if is_array {
        let mut keys = Keys::new(limits, flatten);
        each_in_array(place.open_decoded(0)?, limits, None, &mut |row| keys.take(row))?;
        return Ok(JsonTables {
            lines: false,
            tables: vec![JsonTable { member: None, keys: keys.list }],
            others: Vec::new(),
        });
    }
    let mut keys = Keys::new(limits, flatten);
    let mut n_objects = 0_u64;
    let as_lines = each_in_lines(place.open_decoded(0)?, limits, &mut |row| {
        n_objects += 1;
        keys.take(row)
    });
    if n_objects > 1 {
        as_lines?;
        return Ok(JsonTables {
            lines: true,
            tables: vec![JsonTable { member: None, keys: keys.list }],
            others: Vec::new(),
        });
    }
    let (tables, others) = find_members(place.open_decoded(0)?, limits, flatten)?;
    if tables.is_empty() {
        as_lines?;
        return Ok(JsonTables {
            lines: true,
            tables: vec![JsonTable { member: None, keys: keys.list }],
            others: Vec::new(),
        });
    }
    Ok(JsonTables { lines: false, tables, others })
}

/// Which rows of a document are meant, and how.
#[derive(Clone, Copy)]
pub(crate) struct JsonRows<'a> {
    pub(crate) lines: bool,
    pub(crate) flatten: bool,
    pub(crate) member: Option<&'a str>,
    pub(crate) keys: &'a [String],
}

/// Opens the rows of a table as text of the inner dialect, the members' names first.
pub(crate) fn open_json(
    place: &TextPlace<'_>,
    rows: JsonRows<'_>,
) -> Result<impl Read + Send + use<>, SchemaError> {
    let JsonRows { lines, flatten, member, keys } = rows;
    let owned = place.owned_text();
    let limits = place.limits.clone();
    let member = member.map(str::to_owned);
    let keys = keys.to_vec();
    stream_rows(place.faults.cloned(), place.limits, move |sink| {
        let source = owned.open()?;
        for key in &keys {
            sink.text(key);
        }
        sink.end_row()?;
        let places: HashMap<&str, usize> =
            keys.iter().enumerate().map(|(place, key)| (key.as_str(), place)).collect();
        let mut unread = false;
        let mut each = |row: Row| {
            let row = if flatten { row.flattened()? } else { row };
            write_row(sink, &places, keys.len(), &row).map_err(|stop| match stop {
                Stop::Failed(error) => error,
                Stop::Unread => {
                    unread = true;
                    SchemaError::Cancelled
                }
            })
        };
        let result = match lines {
            true => each_in_lines(source, &limits, &mut each),
            false => each_in_array(source, &limits, member.as_deref(), &mut each),
        };
        match result {
            Err(_) if unread => Err(Stop::Unread),
            result => result.map_err(Stop::Failed),
        }
    })
}

fn write_row(
    sink: &mut RowSink,
    places: &HashMap<&str, usize>,
    n_keys: usize,
    row: &Row,
) -> Result<(), Stop> {
    let mut cells: Vec<Option<&RawValue>> = vec![None; n_keys];
    for (key, value) in &row.0 {
        if let Some(cell) = places.get(key.as_str()).and_then(|place| cells.get_mut(*place)) {
            *cell = Some(value);
        }
    }
    for cell in cells {
        match cell.map(RawValue::get) {
            None | Some("null") => sink.value(""),
            Some(word @ ("true" | "false")) => sink.value(word),
            Some(raw) if raw.starts_with('"') => match serde_json::from_str::<String>(raw) {
                Ok(text) => sink.text(&text),
                Err(error) => return Err(Stop::Failed(damaged(&error))),
            },
            Some(raw) if raw.starts_with(['{', '[']) => sink.text(raw),
            Some(number) => write_number(sink, number),
        }
    }
    sink.end_row()
}

/// Writes a number in the canonical form that keeps its digits.
fn write_number(sink: &mut RowSink, number: &str) {
    if !number.contains(['e', 'E']) {
        return sink.value(if number == "-0" { "0" } else { number });
    }
    match number.parse::<f64>() {
        Ok(value) if survives_double(number) => sink.value(&crate::grid::number_text(value)),
        _ => sink.text(number),
    }
}
