//! `sluice audit`: who did what, from the catalog, also when no server runs.

use std::io::Write;

use serde_json::{Value, json};

use super::arguments::Audit;
use super::backup::time_of;
use super::keys::{time_text, workspace_of};
use super::outcome::Outcome;
use super::{block_on, expect_store};
use crate::catalog::{AuditEntry, Catalog, now_us};
use crate::config::Settings;
use crate::error::Error;

/// Lines that are read at once.
const PAGE: u64 = 1_000;

/// Prints the lines that fit, the newest last.
pub(super) fn run(settings: &Settings, arguments: &Audit) -> Outcome {
    expect_store(settings)?;
    let since = i64::try_from(time_of("--since", &arguments.since)?.as_micros());
    let since_us = now_us().saturating_sub(since.unwrap_or(i64::MAX));
    block_on(async {
        let catalog = Catalog::open_shared(settings).await.map_err(Error::from)?;
        let workspace = workspace_of(&catalog, arguments.workspace.as_deref()).await?;
        let mut found: Vec<AuditEntry> = Vec::new();
        let mut offset = 0;
        let most = usize::try_from(arguments.limit).unwrap_or(usize::MAX);
        'pages: loop {
            let page = catalog.audit(workspace, PAGE, offset).await.map_err(Error::from)?;
            let n = page.len() as u64;
            for line in page {
                if line.at_us < since_us || found.len() == most {
                    break 'pages;
                }
                if fits(&line, arguments) {
                    found.push(line);
                }
            }
            if n < PAGE {
                break;
            }
            offset += n;
        }
        let mut out = std::io::stdout().lock();
        for line in found.iter().rev() {
            if arguments.json {
                writeln!(out, "{}", as_json(line))?;
                continue;
            }
            let at = time_text(line.at_us);
            let address = line.address.as_deref().unwrap_or("-");
            let target = line.target.as_deref().unwrap_or("-");
            let (actor, action, outcome) = (&line.actor, &line.action, &line.outcome);
            writeln!(out, "{at}  {actor:20}  {address:15}  {action:24}  {outcome:16}  {target}")?;
        }
        Ok(())
    })
}

fn fits(line: &AuditEntry, arguments: &Audit) -> bool {
    arguments.actor.as_ref().is_none_or(|actor| line.actor == *actor)
        && arguments.action.as_ref().is_none_or(|action| line.action == *action)
}

fn as_json(line: &AuditEntry) -> Value {
    json!({
        "at": time_text(line.at_us),
        "actor": line.actor,
        "address": line.address,
        "requestId": line.request_id,
        "action": line.action,
        "target": line.target,
        "outcome": line.outcome,
        "details": serde_json::from_str::<Value>(&line.details).unwrap_or(Value::Null),
    })
}
