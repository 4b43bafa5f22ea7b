//! `sluice watch`: uploads the files of a folder whenever they change.
//!
//! The folder is looked at again and again, since notices of the system do not cross networks. A
//! file is sent once it has stayed the same between two looks.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::arguments::{Reading, Upload, Watch};
use super::backup::time_of;
use super::outcome::{Exit, Failure, Outcome};
use super::remote::Remote;
use super::upload::upload_file;

/// Names of files that are looked for.
const EXTENSIONS: [&str; 12] =
    ["csv", "tsv", "txt", "json", "jsonl", "ndjson", "xlsx", "xlsm", "xls", "xlsb", "ods", "zip"];

/// How long a load is waited for.
const MAX_WAIT_SECONDS: u64 = 600;

/// What tells that a file was changed.
type State = (SystemTime, u64);

/// Uploads what is there and what changes, until it is ended.
pub(super) fn run(arguments: &Watch) -> Outcome {
    let every = time_of("--every", &arguments.every)?;
    let server = arguments.server.clone();
    let remote = Remote::new(&server.url, server.key.as_deref())?;
    let upload = Upload {
        files: Vec::new(),
        server,
        name: None,
        mode: arguments.mode,
        reading: Reading::default(),
        on_drift: arguments.on_drift,
        on_error: arguments.on_error,
        wait: MAX_WAIT_SECONDS,
        json: arguments.json,
    };
    let mut sent: BTreeMap<PathBuf, State> = BTreeMap::new();
    let mut seen: BTreeMap<PathBuf, State> = BTreeMap::new();
    if arguments.changes_only {
        sent = look(&arguments.folder)?;
    }
    let mut failed = None;
    loop {
        let found = look(&arguments.folder)?;
        for (path, state) in &found {
            if seen.get(path) != Some(state) || sent.get(path) == Some(state) {
                continue;
            }
            match upload_file(&remote, path, &upload) {
                Ok(()) => {}
                Err(failure) => {
                    let failure = failure.about(path);
                    // The others are sent all the same, and this one when it changes.
                    writeln!(std::io::stderr(), "sluice: {}", failure.message())?;
                    failed = Some(failure);
                }
            }
            sent.insert(path.clone(), *state);
        }
        let is_settled = found.iter().all(|(path, state)| sent.get(path) == Some(state));
        if arguments.once && is_settled {
            return failed.map_or(Ok(()), Err);
        }
        seen = found;
        std::thread::park_timeout(every);
    }
}

fn look(folder: &Path) -> Result<BTreeMap<PathBuf, State>, Failure> {
    let unreadable =
        |e: std::io::Error| Failure::new(Exit::Usage, format!("{}: {e}", folder.display()));
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)?.flatten() {
        let path = entry.path();
        let extension = path.extension().map(|it| it.to_string_lossy().to_lowercase());
        let is_hidden = entry.file_name().to_string_lossy().starts_with(['.', '~']);
        if is_hidden || !extension.is_some_and(|it| EXTENSIONS.contains(&it.as_str())) {
            continue;
        }
        // A file that goes away meanwhile is none.
        let Ok(metadata) = std::fs::metadata(&path) else { continue };
        if metadata.is_file() {
            let at = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
            found.insert(path, (at, metadata.len()));
        }
    }
    Ok(found)
}
