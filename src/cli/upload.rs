//! `sluice upload`: sends files to a running server and tells how it went by words and exit code.
//!
//! The file is streamed as it is read; nothing is held in memory.

use std::fs::File;
use std::io::{IsTerminal, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};
use ureq::http::StatusCode;

use super::arguments::{OnDrift, OnError, Reading, Upload};
use super::outcome::{Exit, Failure, Outcome};
use super::remote::{Remote, refused_json};
use crate::error::Code;

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

/// Uploads one file and tells how it went.
pub(super) fn upload_file(remote: &Remote, path: &Path, arguments: &Upload) -> Outcome {
    let unreadable = |e: std::io::Error| Failure::new(Exit::Data, e.to_string());
    let file = File::open(path).map_err(unreadable)?;
    let metadata = file.metadata().map_err(unreadable)?;
    if !metadata.is_file() {
        return Err(Failure::new(Exit::Data, "it is no file"));
    }
    let bar = progress_bar(metadata.len());
    let target = target(path, arguments, &bar)?;
    let mut sent = remote.put(&target, bar.wrap_read(file), metadata.len());
    if let Ok((StatusCode::ACCEPTED, answer)) = &sent
        && !bar.is_hidden()
        && arguments.wait > 0
    {
        sent = follow(remote, answer, Duration::from_secs(arguments.wait), &bar);
    }
    bar.finish_and_clear();
    let (status, answer) = sent?;
    if !status.is_success() {
        return Err(refused_json(status, &answer));
    }
    if arguments.json {
        writeln!(std::io::stdout(), "{answer}")?;
        return match status == StatusCode::ACCEPTED && arguments.wait > 0 {
            true => Err(Failure::new(Exit::Unfinished, "the job still runs")),
            false => Ok(()),
        };
    }
    tell(status, &answer, arguments.wait)
}

/// Shows how far a job is until it ends; answers as if it had been waited for.
fn follow(
    remote: &Remote,
    accepted: &Value,
    limit: Duration,
    bar: &ProgressBar,
) -> Result<(StatusCode, Value), Failure> {
    const LOOK_EVERY: Duration = Duration::from_millis(100);
    const QUERY: &str = "query J($id: ID!) { job(id: $id) { id status phase progress { bytesDone bytesTotal } error { code message } counts { inserted updated unchanged rejected } drift { impact message } unchanged datasets { name rowCount version } } }";
    let id = accepted.pointer("/job/id").cloned().unwrap_or_default();
    let began = Instant::now();
    loop {
        let (status, answer) = remote.ask(QUERY, &json!({ "id": id }))?;
        let Some(job) = answer.pointer("/data/job").filter(|job| !job.is_null()) else {
            return Err(refused_json(status, &answer));
        };
        let text = |pointer: &str| job.pointer(pointer).and_then(Value::as_str);
        let number = |pointer: &str| text(pointer).and_then(|n| n.parse().ok()).unwrap_or_default();
        let is_final = !matches!(text("/status"), Some("QUEUED" | "RUNNING"));
        if is_final || began.elapsed() >= limit {
            let answer = json!({
                "job": job,
                "datasets": job.get("datasets"),
                "drift": job.get("drift"),
                "unchanged": job.get("unchanged"),
            });
            return match text("/status") {
                Some("SUCCEEDED") => Ok((StatusCode::OK, answer)),
                Some("FAILED") => Err(failed(job)),
                Some("CANCELLED") => Err(Failure::new(Exit::Refused, "The job was cancelled.")),
                _ => Ok((StatusCode::ACCEPTED, answer)),
            };
        }
        bar.set_message(text("/phase").unwrap_or("QUEUED").to_lowercase());
        bar.set_length(number("/progress/bytesTotal"));
        bar.set_position(number("/progress/bytesDone"));
        std::thread::park_timeout(LOOK_EVERY);
    }
}

fn failed(job: &Value) -> Failure {
    let of = |key: &str| job.get("error")?.get(key)?.as_str();
    let exit = of("code").and_then(Code::from_wire).map_or(Exit::Refused, Exit::of);
    Failure::new(exit, of("message").unwrap_or("The job failed without a reason.").to_owned())
}

/// Where a file goes, with its options.
fn target(path: &Path, arguments: &Upload, bar: &ProgressBar) -> Result<String, Failure> {
    let file_name = path.file_name().unwrap_or_default().to_string_lossy();
    // Where people look, they see the load as well: it is asked about instead of waited for.
    let wait = if bar.is_hidden() { arguments.wait } else { 0 };
    let wait = wait.to_string();
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("mode", arguments.mode.word());
    query.append_pair("wait", &wait);
    query.append_pair("filename", &file_name);
    match arguments.on_drift {
        None => {}
        Some(OnDrift::Fail) => drop(query.append_pair("onDrift", "fail")),
        Some(OnDrift::Widen) => drop(query.append_pair("onDrift", "widen")),
        Some(OnDrift::Replace) => drop(query.append_pair("onDrift", "replace")),
    }
    match arguments.on_error {
        None => {}
        Some(OnError::Abort) => drop(query.append_pair("onError", "abort")),
        Some(OnError::Reject) => drop(query.append_pair("onError", "reject")),
    }
    for (name, value) in reading_pairs(&arguments.reading)? {
        query.append_pair(&name, &value);
    }
    let query = query.finish();
    Ok(match &arguments.name {
        Some(name) => {
            let name: String = form_urlencoded::byte_serialize(name.as_bytes()).collect();
            format!("/upload/{}?{query}", name.replace('+', "%20"))
        }
        None => format!("/upload?{query}"),
    })
}

/// The reading options as name and value.
pub(super) fn reading_pairs(reading: &Reading) -> Result<Vec<(String, String)>, Failure> {
    let mut pairs = Vec::new();
    for option in &reading.options {
        let (name, value) = option.split_once('=').ok_or_else(|| {
            Failure::usage(format!("--option {option}: expected NAME=VALUE, like delimiter=;"))
        })?;
        pairs.push((name.trim().to_owned(), value.to_owned()));
    }
    if !reading.sheets.is_empty() {
        let sheets = serde_json::Value::from(reading.sheets.clone());
        pairs.push(("options".to_owned(), serde_json::json!({ "sheets": sheets }).to_string()));
    }
    pairs.extend(reading.key_column.iter().map(|key| ("key".to_owned(), key.clone())));
    Ok(pairs)
}

fn progress_bar(n_bytes: u64) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let template = "{msg:10} {bar:30} {bytes}/{total_bytes}  {binary_bytes_per_sec}  {eta} left";
    let style = ProgressStyle::with_template(template).unwrap_or(ProgressStyle::default_bar());
    ProgressBar::new(n_bytes).with_style(style).with_message("send")
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
    let mut out = std::io::stdout().lock();
    for dataset in answer.pointer("/datasets").and_then(Value::as_array).into_iter().flatten() {
        let of = |key: &str| match dataset.get(key) {
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
            None => String::new(),
        };
        let (name, n_rows, version) = (of("name"), of("rowCount"), of("version"));
        writeln!(out, "{name}: {n_rows} rows (version {version})")?;
    }
    let count = |key: &str| text(&format!("/job/counts/{key}"));
    let (updated, rejected) = (count("updated"), count("rejected"));
    if answer.pointer("/unchanged").and_then(Value::as_bool) == Some(true) {
        writeln!(out, "  nothing to do: it was loaded like this before")?;
    } else if updated != "0" || rejected != "0" {
        let (inserted, unchanged) = (count("inserted"), count("unchanged"));
        writeln!(
            out,
            "  {inserted} inserted, {updated} updated, {unchanged} unchanged, {rejected} rejected"
        )?;
    }
    for drift in answer.pointer("/drift").and_then(Value::as_array).into_iter().flatten() {
        let of = |key: &str| drift.get(key).and_then(Value::as_str).unwrap_or_default();
        writeln!(out, "  {}: {}", of("impact").to_lowercase(), of("message"))?;
    }
    Ok(())
}
