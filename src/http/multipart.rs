//! Receives a GraphQL multipart request: `operations`, `map`, then the files, in this order.
//!
//! Files are streamed into the spool as they come; none is held in memory. Nothing stays behind of a
//! request that ends early.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use axum::body::Body;
use axum::http::HeaderMap;
use indexmap::IndexMap;
use multer::{Constraints, Field, Multipart, SizeLimit};
use tokio::io::AsyncWriteExt;
use uuid::Uuid;

use super::body::{BodyError, Chunks, Patience, announced_length, stalled, too_slow};
use super::parameters;
use super::refusal::Refusal;
use crate::config::Settings;
use crate::error::Error;
use crate::graphql::{Request, Upload};

/// Files of one request; more are better sent one by one.
const MAX_FILES: usize = 16;
const MAX_MAP_BYTES: u64 = 64 << 10;
/// Boundaries and headers of the parts.
const OVERHEAD_BYTES: u64 = 1 << 20;
const WRITE_BUFFER_BYTES: usize = 256 << 10;

/// Headers that a page of another origin can send only after the browser has asked us.
const PREFLIGHT_HEADERS: [&str; 7] = [
    "authorization",
    "x-api-key",
    "graphql-preflight",
    "graphql-require-preflight",
    "apollo-require-preflight",
    "x-apollo-operation-name",
    "x-requested-with",
];

/// Spool files of a request; those still there when this is dropped are removed.
#[derive(Debug, Default)]
pub(super) struct Spooled(Vec<PathBuf>);

impl Drop for Spooled {
    fn drop(&mut self) {
        for path in &self.0 {
            // Gone already when the operation took it.
            let _ = std::fs::remove_file(path);
        }
    }
}

/// A multipart request, whole.
#[derive(Debug)]
pub(super) struct Received {
    request: Request,
    spooled: Spooled,
}

impl Received {
    /// The request, and the guard to be held until it has been carried out.
    pub(super) fn into_request(self) -> (Request, Spooled) {
        (self.request, self.spooled)
    }
}

/// Receives the body of a multipart request; `charge` is told how many files come and what is to
/// be done with them, before they do.
pub(super) async fn receive(
    settings: &Settings,
    headers: &HeaderMap,
    body: Body,
    boundary: &str,
    charge: impl FnOnce(u32, &Request) -> Result<(), Error>,
) -> Result<Received, Refusal> {
    if !PREFLIGHT_HEADERS.iter().any(|name| headers.contains_key(*name)) {
        return Err(Refusal::bad_request(
            "A multipart request needs a header that browsers ask about first; add GraphQL-Preflight: 1.",
        ));
    }
    let limit_bytes = settings.max_upload_bytes;
    if announced_length(headers).is_some_and(|length| length > limit_bytes + OVERHEAD_BYTES) {
        return Err(file_too_large(limit_bytes));
    }
    let chunks = Chunks::new(body, Patience::of(settings));
    let mut parts = Multipart::with_constraints(chunks, boundary, constraints(settings));

    let operations = next_part(&mut parts).await?;
    let operations = operations.filter(|part| part.name() == Some("operations"));
    let operations = operations.ok_or_else(|| wrong_part("first", "operations"))?;
    let request = parameters::from_json(&operations.bytes().await.map_err(refuse)?)?;
    let map = next_part(&mut parts).await?.filter(|part| part.name() == Some("map"));
    let map = map.ok_or_else(|| wrong_part("second", "map"))?;
    let mut expected = read_map(&map.bytes().await.map_err(refuse)?, &request.variables)?;

    charge(u32::try_from(expected.len()).unwrap_or(u32::MAX), &request)?;
    let mut received = Received { request, spooled: Spooled::default() };
    let folder = settings.data_dir.join("spool");
    tokio::fs::create_dir_all(&folder).await.map_err(unwritable)?;
    while let Some(part) = next_part(&mut parts).await? {
        let name = part.name().unwrap_or_default().to_owned();
        let Some(paths) = expected.shift_remove(&name) else {
            return Err(Refusal::bad_request(format!(
                "The part {name:?} is not in the map; name it there, or leave it out."
            )));
        };
        receive_file(part, &folder, limit_bytes, paths, &mut received).await?;
    }
    if let Some(name) = expected.keys().next() {
        return Err(Refusal::bad_request(format!(
            "The map names the file {name:?}, but no such part was sent."
        )));
    }
    Ok(received)
}

fn constraints(settings: &Settings) -> Constraints {
    let operations = u64::try_from(settings.max_body_bytes).unwrap_or(u64::MAX);
    let files = settings.max_upload_bytes;
    let whole = files.saturating_add(operations).saturating_add(OVERHEAD_BYTES);
    let limits = SizeLimit::new()
        .whole_stream(whole)
        .per_field(files)
        .for_field("operations", operations)
        .for_field("map", MAX_MAP_BYTES);
    Constraints::new().size_limit(limits)
}

async fn next_part<'a>(parts: &mut Multipart<'a>) -> Result<Option<Field<'a>>, Refusal> {
    parts.next_field().await.map_err(refuse)
}

/// File part → the places in the variables that it fills.
fn read_map(text: &[u8], variables: &str) -> Result<IndexMap<String, Vec<String>>, Refusal> {
    let map: IndexMap<String, Vec<String>> = serde_json::from_slice(text).map_err(|_| {
        Refusal::bad_request("The part map is not as expected; send {\"0\": [\"variables.file\"]}.")
    })?;
    let n_places: usize = map.values().map(Vec::len).sum();
    if map.len() > MAX_FILES || n_places > MAX_FILES {
        return Err(Refusal::bad_request(format!(
            "A request may carry at most {MAX_FILES} files; send several requests."
        )));
    }
    let variables: serde_json::Value = if variables.is_empty() {
        Ok(serde_json::Value::Null)
    } else {
        serde_json::from_str(variables)
    }
    .map_err(|_| Refusal::bad_request("The variables are nested too deeply for files."))?;
    let mut seen: HashSet<&str> = HashSet::new();
    for path in map.values().flatten() {
        if !seen.insert(path) {
            return Err(Refusal::bad_request(format!("The map fills {path:?} twice.")));
        }
        let place = path.strip_prefix("variables.").and_then(|path| find(&variables, path));
        if place != Some(&serde_json::Value::Null) {
            return Err(Refusal::bad_request(format!(
                "The map names {path:?}, where the operations have no null; expected a place like \"variables.file\"."
            )));
        }
    }
    Ok(map)
}

/// The value at `a.0.b`.
fn find<'a>(value: &'a serde_json::Value, path: &str) -> Option<&'a serde_json::Value> {
    let mut value = value;
    for step in path.split('.') {
        value = match value {
            serde_json::Value::Array(items) => items.get(step.parse::<usize>().ok()?)?,
            other => other.get(step)?,
        };
    }
    Some(value)
}

async fn receive_file(
    mut part: Field<'_>,
    folder: &Path,
    limit_bytes: u64,
    variable_paths: Vec<String>,
    received: &mut Received,
) -> Result<(), Refusal> {
    let file_name = part.file_name().unwrap_or_default().to_owned();
    let path = new_place(folder, received);
    let file = tokio::fs::File::create_new(&path).await.map_err(unwritable)?;
    let mut file = tokio::io::BufWriter::with_capacity(WRITE_BUFFER_BYTES, file);
    let mut size_bytes = 0_u64;
    while let Some(chunk) = part.chunk().await.map_err(refuse)? {
        size_bytes = size_bytes.saturating_add(u64::try_from(chunk.len()).unwrap_or(u64::MAX));
        if size_bytes > limit_bytes {
            return Err(file_too_large(limit_bytes));
        }
        file.write_all(&chunk).await.map_err(unwritable)?;
    }
    file.flush().await.map_err(unwritable)?;
    let mut spooled = path.clone();
    for (index, variable_path) in variable_paths.into_iter().enumerate() {
        if index > 0 {
            // The same bytes under another name: each place may be taken on its own.
            spooled = new_place(folder, received);
            tokio::fs::hard_link(&path, &spooled).await.map_err(unwritable)?;
        }
        let (file_name, spooled) = (file_name.clone(), spooled.clone());
        received.request.uploads.push(Upload { variable_path, file_name, spooled });
    }
    Ok(())
}

/// A name in the spool that nothing has, removed with the request.
fn new_place(folder: &Path, received: &mut Received) -> PathBuf {
    let path = folder.join(Uuid::now_v7().simple().to_string());
    received.spooled.0.push(path.clone());
    path
}

fn wrong_part(position: &str, name: &str) -> Refusal {
    Refusal::bad_request(format!(
        "The {position} part of a multipart request must be {name:?} (then the files, after operations and map)."
    ))
}

fn file_too_large(limit_bytes: u64) -> Refusal {
    Refusal::too_large("The file", limit_bytes, "max_upload_size")
}

fn unwritable(error: std::io::Error) -> Refusal {
    Refusal::from(Error::unavailable(error))
}

fn refuse(error: multer::Error) -> Refusal {
    match error {
        multer::Error::FieldSizeExceeded { limit, field_name } => {
            let what = format!("The part {:?}", field_name.unwrap_or_default());
            Refusal::too_large(&what, limit, "max_upload_size or max_body_size")
        }
        multer::Error::StreamSizeExceeded { limit } => {
            Refusal::too_large("The request", limit, "max_upload_size")
        }
        multer::Error::StreamReadFailed(cause) => match cause.downcast_ref::<BodyError>() {
            Some(BodyError::Stalled) => stalled(),
            Some(BodyError::TooSlow) => too_slow(),
            _ => Refusal::bad_request("The request's body was cut off; send it again."),
        },
        multer::Error::IncompleteStream => {
            Refusal::bad_request("The request's body was cut off; send it again.")
        }
        multer::Error::IncompleteFieldData { .. } => {
            Refusal::bad_request("A part of the request was cut off; send it again.")
        }
        other => Refusal::bad_request(format!("The multipart body is malformed: {other}.")),
    }
}
