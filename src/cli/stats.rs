//! `sluice stats`: what is stored, how it grows, what nobody uses, what is slow.

use std::collections::HashMap;
use std::io::Write;
use std::sync::Arc;

use serde_json::{Value, json};

use super::arguments::Stats;
use super::backup::{print, time_of};
use super::keys::time_text;
use super::outcome::{Failure, Outcome};
use super::remote::{Remote, refused_json};
use super::{block_on, expect_store};
use crate::catalog::model::{Dataset, DatasetId};
use crate::catalog::{ApiKey, Catalog, DatasetDay, now_us};
use crate::config::Settings;
use crate::error::Error;

const DAY_US: i64 = 86_400_000_000;
/// Days that growth is told of.
const GROWTH_DAYS: i64 = 30;
const SLOW: &str = "{ server { status { slowAfterMs slowRequests { at milliseconds operationName fields document } } } }";

/// A dataset with what is known of its past.
struct Line {
    workspace: String,
    dataset: Arc<Dataset>,
    /// Rows and bytes a day; unknown before a day has gone by.
    growth: Option<(f64, f64)>,
    /// Queries in the time that `--unused` names.
    n_reads: i64,
}

/// Prints them.
pub(super) fn run(settings: &Settings, arguments: &Stats) -> Outcome {
    expect_store(settings)?;
    let unused = time_of("--unused", &arguments.unused)?;
    let unused_us = i64::try_from(unused.as_micros()).unwrap_or(i64::MAX);
    let slow = slow_requests(arguments)?;
    block_on(async {
        let catalog = Catalog::open_shared(settings).await.map_err(Error::from)?;
        let today = now_us().div_euclid(DAY_US);
        let unused_since = now_us().saturating_sub(unused_us).div_euclid(DAY_US);
        let since = unused_since.min(today - GROWTH_DAYS);
        let mut days: HashMap<DatasetId, Vec<DatasetDay>> = HashMap::new();
        for day in catalog.dataset_days(since).await.map_err(Error::from)? {
            days.entry(day.dataset).or_default().push(day);
        }
        let (mut lines, mut keys) = (Vec::new(), Vec::new());
        for workspace in catalog.workspaces().await.map_err(Error::from)? {
            for dataset in catalog.snapshot(workspace.id).datasets() {
                let days = days.get(&dataset.id).map_or(&[][..], Vec::as_slice);
                lines.push(Line {
                    workspace: workspace.name.clone(),
                    dataset: Arc::clone(dataset),
                    growth: growth(dataset, days, today),
                    n_reads: days
                        .iter()
                        .filter(|day| day.day >= unused_since)
                        .map(|day| day.n_reads)
                        .sum(),
                });
            }
            for key in catalog.keys(workspace.id).await.map_err(Error::from)? {
                if is_unused(&key, unused_us) {
                    keys.push((workspace.name.clone(), key));
                }
            }
        }
        lines.sort_by_key(|line| std::cmp::Reverse(line.dataset.size_bytes));
        if arguments.json {
            return print(&as_json(&lines, &keys, unused_us, slow.as_ref()));
        }
        show(&lines, &keys, unused_us, arguments, slow.as_ref())
    })
}

/// Rows and bytes a day, since the first day that is known.
fn growth(dataset: &Dataset, days: &[DatasetDay], today: i64) -> Option<(f64, f64)> {
    let first = days.iter().find(|day| day.day >= today - GROWTH_DAYS)?;
    let n_days = today - first.day;
    if n_days < 1 {
        return None;
    }
    let a_day = |now: i64, then: i64| (now - then) as f64 / n_days as f64;
    Some((a_day(dataset.row_count, first.row_count), a_day(dataset.size_bytes, first.size_bytes)))
}

/// Whether a key works and has not been used for so long, or never since it was made that long ago.
fn is_unused(key: &ApiKey, unused_us: i64) -> bool {
    let now_us = now_us();
    let last_us = key.last_used_at_us.unwrap_or(key.created_at_us);
    key.works_at(now_us) && now_us.saturating_sub(last_us) >= unused_us
}

fn is_idle(line: &Line, unused_us: i64) -> bool {
    line.n_reads == 0 && now_us().saturating_sub(line.dataset.created_at_us) >= unused_us
}

/// The slow requests of a running server, if it is to be asked.
fn slow_requests(arguments: &Stats) -> Result<Option<Value>, Failure> {
    let Some(url) = &arguments.url else { return Ok(None) };
    let remote = Remote::new(url, arguments.key.as_deref())?;
    let (status, answer) = remote.ask(SLOW, &json!({}))?;
    match answer.pointer("/data/server/status/slowRequests") {
        Some(found) => Ok(Some(found.clone())),
        None => Err(refused_json(status, &answer)),
    }
}

fn as_json(
    lines: &[Line],
    keys: &[(String, ApiKey)],
    unused_us: i64,
    slow: Option<&Value>,
) -> Value {
    let datasets: Vec<Value> = lines
        .iter()
        .map(|line| {
            let dataset = &line.dataset;
            json!({
                "workspace": line.workspace,
                "dataset": dataset.name,
                "rows": dataset.row_count,
                "sizeBytes": dataset.size_bytes,
                "rowsPerDay": line.growth.map(|it| it.0),
                "bytesPerDay": line.growth.map(|it| it.1),
                "reads": line.n_reads,
                "isUnused": is_idle(line, unused_us),
                "updatedAt": time_text(dataset.updated_at_us),
            })
        })
        .collect();
    let keys: Vec<Value> = keys
        .iter()
        .map(|(workspace, key)| {
            json!({
                "workspace": workspace,
                "prefix": key.prefix,
                "name": key.name,
                "createdAt": time_text(key.created_at_us),
                "lastUsedAt": key.last_used_at_us.map(time_text),
            })
        })
        .collect();
    json!({
        "datasets": datasets,
        "sizeBytes": lines.iter().map(|line| line.dataset.size_bytes).sum::<i64>(),
        "bytesPerDay": per_day(lines),
        "unusedKeys": keys,
        "slowRequests": slow,
    })
}

fn per_day(lines: &[Line]) -> f64 {
    lines.iter().filter_map(|line| line.growth).fold(0.0, |sum, (_, bytes)| sum + bytes)
}

fn show(
    lines: &[Line],
    keys: &[(String, ApiKey)],
    unused_us: i64,
    arguments: &Stats,
    slow: Option<&Value>,
) -> Outcome {
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "{:>14}  {:>14}  {:>12}  {:>14}  {:>10}  DATASET",
        "ROWS", "BYTES", "ROWS/DAY", "BYTES/DAY", "READS"
    )?;
    for line in lines {
        let (rows, bytes) = match line.growth {
            Some((rows, bytes)) => (format!("{rows:+.0}"), format!("{bytes:+.0}")),
            None => ("-".to_owned(), "-".to_owned()),
        };
        let unused = if is_idle(line, unused_us) { "  (unused)" } else { "" };
        let (workspace, dataset) = (&line.workspace, &line.dataset);
        writeln!(
            out,
            "{:>14}  {:>14}  {rows:>12}  {bytes:>14}  {:>10}  {workspace}/{}{unused}",
            dataset.row_count, dataset.size_bytes, line.n_reads, dataset.name
        )?;
    }
    let total: i64 = lines.iter().map(|line| line.dataset.size_bytes).sum();
    writeln!(
        out,
        "{:>14}  {total:>14}  {:>12}  {:>14}",
        "",
        "",
        format!("{:+.0}", per_day(lines))
    )?;
    let time = &arguments.unused;
    if keys.is_empty() {
        writeln!(out, "\nEvery key that works was used in the last {time}.")?;
    } else {
        writeln!(out, "\nKeys that nobody used in the last {time}:")?;
        for (workspace, key) in keys {
            let last = key.last_used_at_us.map_or_else(|| "never".to_owned(), time_text);
            writeln!(out, "  {:14}  {last:20}  {workspace}  {}", key.prefix, key.name)?;
        }
    }
    if let Some(slow) = slow.and_then(Value::as_array) {
        writeln!(out, "\nSlow requests, newest first:")?;
        for request in slow {
            let text = |name: &str| match request.get(name) {
                Some(Value::String(text)) => text.clone(),
                Some(Value::Null) | None => "-".to_owned(),
                Some(other) => other.to_string(),
            };
            let (at, ms, name) = (text("at"), text("milliseconds"), text("operationName"));
            writeln!(out, "  {at}  {ms:>7} ms  {name}  {}", text("fields"))?;
        }
    }
    Ok(())
}
