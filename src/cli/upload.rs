//! `sluice upload`: sends files to a running server and tells how it went by words and exit code.
//!
//! The file is streamed as it is read; nothing is held in memory.

use std::fs::File;
use std::io::{IsTerminal, Write};
use std::path::Path;

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::Value;
use ureq::http::StatusCode;

use super::arguments::{Mode, Upload};
use super::outcome::{Exit, Failure, Outcome};
use super::remote::{Remote, refused_json};

/// Uploads each file in turn; the first that fails ends it.
pub(super) fn run(arguments: &Upload) -> Outcome {
    if arguments.name.is_some() && arguments.files.len() > 1 {
        return Err(Failure::usage("--name names one dataset; upload the files one by one"));
    }
    let remote = Remote::new(&arguments.server.url, arguments.server.key.as_deref())?;
    for path in &arguments.files {
        upload_file(&remote, path, arguments).map_err(|failure| failure.about(path))?;
    }
    Ok(())
}

fn upload_file(remote: &Remote, path: &Path, arguments: &Upload) -> Outcome {
    let unreadable = |e: std::io::Error| Failure::new(Exit::Data, e.to_string());
    let file = File::open(path).map_err(unreadable)?;
    let metadata = file.metadata().map_err(unreadable)?;
    if !metadata.is_file() {
        return Err(Failure::new(Exit::Data, "it is no file"));
    }
    let bar = progress_bar(metadata.len());
    let sent = remote.put(&target(path, arguments), bar.wrap_read(file), metadata.len());
    bar.finish_and_clear();
    let (status, answer) = sent?;
    if !status.is_success() {
        return Err(refused_json(status, &answer));
    }
    tell(status, &answer, arguments.wait)
}

/// Where a file goes, with its options.
fn target(path: &Path, arguments: &Upload) -> String {
    let file_name = path.file_name().unwrap_or_default().to_string_lossy();
    let mode = match arguments.mode {
        Mode::Create => "create",
        Mode::Replace => "replace",
    };
    let wait = arguments.wait.to_string();
    let query = form_urlencoded::Serializer::new(String::new())
        .append_pair("mode", mode)
        .append_pair("wait", &wait)
        .append_pair("filename", &file_name)
        .finish();
    match &arguments.name {
        Some(name) => {
            let name: String = form_urlencoded::byte_serialize(name.as_bytes()).collect();
            format!("/upload/{}?{query}", name.replace('+', "%20"))
        }
        None => format!("/upload?{query}"),
    }
}

fn progress_bar(n_bytes: u64) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let template = "{bar:30} {bytes}/{total_bytes}  {binary_bytes_per_sec}  {eta} left";
    let style = ProgressStyle::with_template(template).unwrap_or(ProgressStyle::default_bar());
    ProgressBar::new(n_bytes).with_style(style)
}

fn tell(status: StatusCode, answer: &Value, wait: u64) -> Outcome {
    let text = |pointer: &str| match answer.pointer(pointer) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Null) | None => String::new(),
        Some(other) => other.to_string(),
    };
    let job = text("/job/id");
    if status == StatusCode::ACCEPTED {
        if wait == 0 {
            writeln!(std::io::stdout(), "received; job {job} loads it")?;
            return Ok(());
        }
        return Err(Failure::new(Exit::Unfinished, format!("job {job} still runs")));
    }
    let (name, n_rows) = (text("/dataset/name"), text("/dataset/rowCount"));
    writeln!(std::io::stdout(), "{name}: {n_rows} rows (version {})", text("/dataset/version"))?;
    Ok(())
}
