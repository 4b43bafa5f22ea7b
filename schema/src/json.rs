//! Turns JSON (an array of objects, an object that holds such arrays, or one object a line) into rows.
//! It exists because exports of programs are JSON; numbers keep their digits, nested values stay JSON.
//! It never holds more than one object, and never drops a member: the columns are all members of all objects.

use std::collections::HashMap;
use std::fmt;
use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::Deserialize;
use serde::de::{
    DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor,
};
use serde_json::value::RawValue;

use crate::error::SchemaError;
use crate::form::survives_double;
use crate::options::Limits;
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
    let start = head.trim_start();
    let after = start.get(1..).unwrap_or_default().trim_start();
    match start.as_bytes().first() {
        Some(b'{') => after.starts_with(['"', '}']),
        Some(b'[') => after.starts_with(['{', ']', '[', '"']) && !after.starts_with("\"\""),
        _ => false,
    }
}

/// Finds the tables of a document and their members.
pub(crate) fn find_tables(place: &TextPlace<'_>) -> Result<JsonTables, SchemaError> {
    let limits = place.limits;
    let head = crate::source::read_head(&mut place.open_decoded(0)?, 64 * 1024)?;
    let is_array = head.trim_ascii_start().first() == Some(&b'[');
    if is_array {
        let mut keys = Keys::new(limits);
        each_in_array(place.open_decoded(0)?, limits, None, &mut |row| {
            keys.take(&row)
        })?;
        return Ok(JsonTables {
            lines: false,
            tables: vec![JsonTable {
                member: None,
                keys: keys.list,
            }],
            others: Vec::new(),
        });
    }
    let mut keys = Keys::new(limits);
    let mut n_objects = 0_u64;
    let as_lines = each_in_lines(place.open_decoded(0)?, limits, &mut |row| {
        n_objects += 1;
        keys.take(&row)
    });
    if n_objects > 1 {
        as_lines?;
        return Ok(JsonTables {
            lines: true,
            tables: vec![JsonTable {
                member: None,
                keys: keys.list,
            }],
            others: Vec::new(),
        });
    }
    let (tables, others) = find_members(place.open_decoded(0)?, limits)?;
    if tables.is_empty() {
        as_lines?;
        return Ok(JsonTables {
            lines: true,
            tables: vec![JsonTable {
                member: None,
                keys: keys.list,
            }],
            others: Vec::new(),
        });
    }
    Ok(JsonTables {
        lines: false,
        tables,
        others,
    })
}

/// Opens the rows of a table as text of the inner dialect, the members' names first.
pub(crate) fn open_json(
    place: &TextPlace<'_>,
    lines: bool,
    member: Option<&str>,
    keys: &[String],
) -> Result<impl Read + Send + use<>, SchemaError> {
    let owned = place.to_owned_text();
    let limits = place.limits.clone();
    let member = member.map(str::to_owned);
    let keys = keys.to_vec();
    stream_rows(move |sink| {
        let source = owned.open()?;
        for key in &keys {
            sink.text(key);
        }
        sink.end_row()?;
        let places: HashMap<&str, usize> = keys
            .iter()
            .enumerate()
            .map(|(place, key)| (key.as_str(), place))
            .collect();
        let mut unread = false;
        let mut each = |row: Row| {
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
        if let Some(cell) = places
            .get(key.as_str())
            .and_then(|place| cells.get_mut(*place))
        {
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
        Ok(value) if survives_double(number) => sink.value(&crate::workbook::number_text(value)),
        _ => sink.text(number),
    }
}

/// One object, its members as written.
struct Row(Vec<(String, Box<RawValue>)>);

impl<'de> Deserialize<'de> for Row {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct RowVisitor;
        impl<'de> Visitor<'de> for RowVisitor {
            type Value = Row;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("an object (a row)")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Row, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry::<String, Box<RawValue>>()? {
                    members.push(member);
                }
                Ok(Row(members))
            }
        }
        deserializer.deserialize_map(RowVisitor)
    }
}

/// The members of all objects, in the order in which they first occur.
struct Keys {
    list: Vec<String>,
    places: HashMap<String, usize>,
    max_columns: usize,
    seen_in_row: Vec<u64>,
    row: u64,
}

impl Keys {
    fn new(limits: &Limits) -> Self {
        Self {
            list: Vec::new(),
            places: HashMap::new(),
            max_columns: limits.max_columns,
            seen_in_row: Vec::new(),
            row: 0,
        }
    }

    fn take(&mut self, row: &Row) -> Result<(), SchemaError> {
        self.row += 1;
        for (key, _) in &row.0 {
            let place = match self.places.get(key) {
                Some(place) => *place,
                None => self.add(key)?,
            };
            if let Some(seen) = self.seen_in_row.get_mut(place) {
                if *seen == self.row {
                    return Err(SchemaError::Rejected {
                        row: Some(self.row + 1),
                        found: format!("an object has the member {key:?} twice"),
                        remedy: "give each member a name of its own".to_owned(),
                    });
                }
                *seen = self.row;
            }
        }
        Ok(())
    }

    fn add(&mut self, key: &str) -> Result<usize, SchemaError> {
        let place = self.list.len();
        if place >= self.max_columns {
            let limit = u64::try_from(self.max_columns).unwrap_or(u64::MAX);
            return Err(SchemaError::Limit {
                name: "columns",
                limit,
                found: limit + 1,
                row: Some(self.row + 1),
            });
        }
        self.list.push(key.to_owned());
        self.places.insert(key.to_owned(), place);
        self.seen_in_row.push(0);
        Ok(place)
    }
}

type EachRow<'a> = dyn FnMut(Row) -> Result<(), SchemaError> + 'a;

/// Refuses an object that never ends: bytes are counted from the last object on.
struct ObjectGuard<R> {
    source: R,
    since_object: Arc<AtomicU64>,
    limit: u64,
}

impl<R: Read> Read for ObjectGuard<R> {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        let n_read = self.source.read(out)?;
        let n = u64::try_from(n_read).unwrap_or_default();
        let found = self.since_object.fetch_add(n, Ordering::Relaxed) + n;
        if found > self.limit {
            let error = SchemaError::Limit {
                name: "bytes of a record",
                limit: self.limit,
                found,
                row: None,
            };
            return Err(std::io::Error::other(error));
        }
        Ok(n_read)
    }
}

fn guard<R: Read>(
    source: R,
    limits: &Limits,
) -> (std::io::BufReader<ObjectGuard<R>>, Arc<AtomicU64>) {
    let since_object = Arc::new(AtomicU64::new(0));
    let limit = u64::try_from(limits.max_record_bytes).unwrap_or(u64::MAX);
    let guarded = ObjectGuard {
        source,
        since_object: Arc::clone(&since_object),
        limit,
    };
    (
        std::io::BufReader::with_capacity(128 * 1024, guarded),
        since_object,
    )
}

fn each_in_lines(
    source: impl Read,
    limits: &Limits,
    each: &mut EachRow<'_>,
) -> Result<(), SchemaError> {
    let (source, since_object) = guard(source, limits);
    for row in serde_json::Deserializer::from_reader(source).into_iter::<Row>() {
        let row = row.map_err(damaged_or_io)?;
        since_object.store(0, Ordering::Relaxed);
        each(row)?;
    }
    Ok(())
}

fn each_in_array(
    source: impl Read,
    limits: &Limits,
    member: Option<&str>,
    each: &mut EachRow<'_>,
) -> Result<(), SchemaError> {
    let (source, since_object) = guard(source, limits);
    let mut failure = None;
    let rows = Rows {
        each,
        since_object: &since_object,
        failure: &mut failure,
    };
    let mut document = serde_json::Deserializer::from_reader(source);
    let result = match member {
        None => rows.deserialize(&mut document),
        Some(member) => document.deserialize_map(Member {
            name: member,
            rows: Some(rows),
        }),
    };
    let result = result.and_then(|()| document.end());
    match (failure, result) {
        (Some(error), _) => Err(error),
        (None, result) => result.map_err(damaged_or_io),
    }
}

/// Gives each object of an array away.
struct Rows<'r, 'e> {
    each: &'r mut EachRow<'e>,
    since_object: &'r AtomicU64,
    failure: &'r mut Option<SchemaError>,
}

impl<'de> DeserializeSeed<'de> for Rows<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Rows<'_, '_> {
    type Value = ();

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("an array of objects")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while let Some(row) = seq.next_element::<Row>()? {
            self.since_object.store(0, Ordering::Relaxed);
            if let Err(error) = (self.each)(row) {
                *self.failure = Some(error);
                return Err(A::Error::custom("stopped"));
            }
        }
        Ok(())
    }
}

/// Finds one member of the outer object and reads it as rows.
struct Member<'m, 'r, 'e> {
    name: &'m str,
    rows: Option<Rows<'r, 'e>>,
}

impl<'de> Visitor<'de> for Member<'_, '_, '_> {
    type Value = ();

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("an object that holds an array of objects")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            match self.rows.take_if(|_| key == self.name) {
                Some(rows) => map.next_value_seed(rows)?,
                None => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }
}

type Members = (Vec<JsonTable>, Vec<(String, String)>);

/// Finds the members of the outer object that are arrays of objects.
fn find_members(source: impl Read, limits: &Limits) -> Result<Members, SchemaError> {
    let (source, since_object) = guard(source, limits);
    let mut failure = None;
    let mut document = serde_json::Deserializer::from_reader(source);
    let visitor = AllMembers {
        limits,
        since_object: &since_object,
        failure: &mut failure,
    };
    let result = document.deserialize_map(visitor);
    match (failure, result) {
        (Some(error), _) => Err(error),
        (None, result) => result.map_err(damaged_or_io),
    }
}

struct AllMembers<'r> {
    limits: &'r Limits,
    since_object: &'r AtomicU64,
    failure: &'r mut Option<SchemaError>,
}

impl<'de> Visitor<'de> for AllMembers<'_> {
    type Value = Members;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("an object that holds arrays of objects")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
        let (mut tables, mut others) = (Vec::new(), Vec::new());
        while let Some(member) = map.next_key::<String>()? {
            let mut keys = Keys::new(self.limits);
            let seed = Probe {
                keys: &mut keys,
                since_object: self.since_object,
                failure: self.failure,
            };
            match map.next_value_seed(seed)? {
                Probed::Table => tables.push(JsonTable {
                    member: Some(member),
                    keys: keys.list,
                }),
                Probed::Other(text) => others.push((member, text)),
            }
        }
        Ok((tables, others))
    }
}

enum Probed {
    Table,
    Other(String),
}

/// Reads any value; an array of objects gives its members.
struct Probe<'r> {
    keys: &'r mut Keys,
    since_object: &'r AtomicU64,
    failure: &'r mut Option<SchemaError>,
}

impl<'de> DeserializeSeed<'de> for Probe<'_> {
    type Value = Probed;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Probed, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Probe<'_> {
    type Value = Probed;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Probed, E> {
        Ok(Probed::Other(value.to_string()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Probed, E> {
        Ok(Probed::Other(value.to_string()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Probed, E> {
        Ok(Probed::Other(value.to_string()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Probed, E> {
        Ok(Probed::Other(value.to_string()))
    }

    fn visit_str<E>(self, value: &str) -> Result<Probed, E> {
        Ok(Probed::Other(crate::naming::cut(value, 1_000).to_owned()))
    }

    fn visit_unit<E>(self) -> Result<Probed, E> {
        Ok(Probed::Other("null".to_owned()))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Probed, A::Error> {
        let mut text = String::from("{");
        while let Some((key, value)) = map.next_entry::<String, Box<RawValue>>()? {
            if text.len() < 1_000 {
                text.push_str(&format!(
                    "{key:?}: {}, ",
                    crate::naming::cut(value.get(), 1_000)
                ));
            }
        }
        Ok(Probed::Other(text + "}"))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Probed, A::Error> {
        let mut others = Vec::new();
        let mut n_rows = 0_u64;
        while let Some(value) = seq.next_element::<Box<RawValue>>()? {
            self.since_object.store(0, Ordering::Relaxed);
            if !value.get().starts_with('{') {
                if others.len() < 20 {
                    others.push(crate::naming::cut(value.get(), 100).to_owned());
                }
                continue;
            }
            n_rows += 1;
            let row = serde_json::from_str::<Row>(value.get()).map_err(A::Error::custom)?;
            if let Err(error) = self.keys.take(&row) {
                *self.failure = Some(error);
                return Err(A::Error::custom("stopped"));
            }
        }
        // An array with anything else in it is no table, and its rows cannot be told apart from the rest.
        Ok(if others.is_empty() && n_rows > 0 {
            Probed::Table
        } else {
            Probed::Other(format!("[{}]", others.join(", ")))
        })
    }
}

fn damaged_or_io(error: serde_json::Error) -> SchemaError {
    match error.classify() {
        serde_json::error::Category::Io => crate::blocks::unwrap_schema_error(error.into()),
        _ => damaged(&error),
    }
}

fn damaged(error: &serde_json::Error) -> SchemaError {
    SchemaError::Rejected {
        row: None,
        found: format!(
            "the JSON is not an array of objects, an object holding one, or one object a line ({error})"
        ),
        remedy: "correct the document at that place and send it again".to_owned(),
    }
}
