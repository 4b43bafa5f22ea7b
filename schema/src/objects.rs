//! Turns a JSON document into its objects, one at a time, wherever in it they stand.
//! It exists because a document may be larger than memory and say only at its end what its members are.
//! It never builds a tree: a value is kept as it was written.

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
use crate::json::JsonTable;
use crate::options::Limits;

/// One object, its members as written.
pub(crate) struct Row(pub(crate) Vec<(String, Box<RawValue>)>);

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

impl Row {
    /// Puts the members of inner objects in their place, one level deep; an empty object stays a value.
    pub(crate) fn flattened(self) -> Result<Self, SchemaError> {
        let mut members = Vec::with_capacity(self.0.len());
        for (key, value) in self.0 {
            let inner = match value.get().starts_with('{') {
                true => {
                    serde_json::from_str::<Self>(value.get()).map_err(|error| damaged(&error))?
                }
                false => Self(Vec::new()),
            };
            if inner.0.is_empty() {
                members.push((key, value));
                continue;
            }
            for (inner_key, inner_value) in inner.0 {
                members.push((format!("{key}.{inner_key}"), inner_value));
            }
        }
        Ok(Self(members))
    }
}

/// The members of all objects, in the order in which they first occur.
pub(crate) struct Keys {
    pub(crate) list: Vec<String>,
    places: HashMap<String, usize>,
    max_columns: usize,
    flatten: bool,
    seen_in_row: Vec<u64>,
    row: u64,
}

impl Keys {
    pub(crate) fn new(limits: &Limits, flatten: bool) -> Self {
        Self {
            list: Vec::new(),
            places: HashMap::new(),
            max_columns: limits.max_columns,
            flatten,
            seen_in_row: Vec::new(),
            row: 0,
        }
    }

    pub(crate) fn take(&mut self, row: Row) -> Result<(), SchemaError> {
        self.row += 1;
        let row = if self.flatten { row.flattened()? } else { row };
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

pub(crate) type EachRow<'a> = dyn FnMut(Row) -> Result<(), SchemaError> + 'a;

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
    let guarded = ObjectGuard { source, since_object: Arc::clone(&since_object), limit };
    (std::io::BufReader::with_capacity(128 * 1024, guarded), since_object)
}

pub(crate) fn each_in_lines(
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

pub(crate) fn each_in_array(
    source: impl Read,
    limits: &Limits,
    member: Option<&str>,
    each: &mut EachRow<'_>,
) -> Result<(), SchemaError> {
    let (source, since_object) = guard(source, limits);
    let mut failure = None;
    let rows = Rows { each, since_object: &since_object, failure: &mut failure };
    let mut document = serde_json::Deserializer::from_reader(source);
    let result = match member {
        None => rows.deserialize(&mut document),
        Some(member) => document.deserialize_map(Member { name: member, rows: Some(rows) }),
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

pub(crate) type Members = (Vec<JsonTable>, Vec<(String, String)>);

/// Finds the members of the outer object that are arrays of objects.
pub(crate) fn find_members(
    source: impl Read,
    limits: &Limits,
    flatten: bool,
) -> Result<Members, SchemaError> {
    let (source, since_object) = guard(source, limits);
    let mut failure = None;
    let mut document = serde_json::Deserializer::from_reader(source);
    let visitor =
        AllMembers { limits, flatten, since_object: &since_object, failure: &mut failure };
    let result = document.deserialize_map(visitor);
    match (failure, result) {
        (Some(error), _) => Err(error),
        (None, result) => result.map_err(damaged_or_io),
    }
}

struct AllMembers<'r> {
    limits: &'r Limits,
    flatten: bool,
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
            let mut keys = Keys::new(self.limits, self.flatten);
            let seed =
                Probe { keys: &mut keys, since_object: self.since_object, failure: self.failure };
            match map.next_value_seed(seed)? {
                Probed::Table => tables.push(JsonTable { member: Some(member), keys: keys.list }),
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
                text.push_str(&format!("{key:?}: {}, ", crate::naming::cut(value.get(), 1_000)));
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
            if let Err(error) = self.keys.take(row) {
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

pub(crate) fn damaged(error: &serde_json::Error) -> SchemaError {
    SchemaError::Rejected {
        row: None,
        found: format!(
            "the JSON is not an array of objects, an object holding one, or one object a line ({error})"
        ),
        remedy: "correct the document at that place and send it again".to_owned(),
    }
}
