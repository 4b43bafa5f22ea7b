//! `sluice schema`: the SDL, from the data folder or from a running server.

use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use super::arguments::Schema;
use super::outcome::{Exit, Failure, Outcome};
use super::remote::Remote;
use super::serve::Rooms;
use super::{block_on, expect_store};
use crate::auth::Principal;
use crate::catalog::model::Scope;
use crate::config::Settings;
use crate::graphql::compare::compare;
use serde_json::json;

/// Prints the schema as everybody with a key sees it.
pub(super) fn run(settings: &Settings, arguments: &Schema) -> Outcome {
    let sdl = match &arguments.url {
        Some(url) => Remote::new(url, arguments.key.as_deref())?.get_text("/schema.graphql")?,
        None => block_on(async {
            expect_store(settings)?;
            let rooms = Rooms::open(settings).await?;
            let workspace = rooms.catalog.default_workspace();
            let principal = Arc::new(Principal::new(workspace, Scope::Admin, "command line"));
            let sdl = rooms.engine.sdl(&principal).await?;
            rooms.ingest.shutdown(settings.shutdown_grace).await;
            Ok(sdl)
        })?,
    };
    match &arguments.check {
        None => writeln!(std::io::stdout(), "{}", sdl.trim_end())?,
        Some(old) => check(old, &sdl, arguments.json)?,
    }
    Ok(())
}

/// Tells what clients of an older document would feel; fails if they would break.
fn check(old: &Path, new: &str, as_json: bool) -> Outcome {
    let unreadable =
        |e: std::io::Error| Failure::new(Exit::Usage, format!("{}: {e}", old.display()));
    let text = std::fs::read_to_string(old).map_err(unreadable)?;
    let found = compare(&text, new).map_err(|reason| Failure::new(Exit::Usage, reason))?;
    let n_breaking = found.iter().filter(|it| it.is_breaking).count();
    let verdict = if n_breaking > 0 { "BREAKING" } else { "SAFE" };
    let mut out = std::io::stdout().lock();
    if as_json {
        let told: Vec<_> = found
            .iter()
            .map(|it| json!({ "isBreaking": it.is_breaking, "difference": it.text }))
            .collect();
        writeln!(out, "{:#}", json!({ "verdict": verdict, "differences": told }))?;
    } else {
        writeln!(out, "{verdict}")?;
        for it in &found {
            let word = if it.is_breaking { "breaking" } else { "safe" };
            writeln!(out, "  {word:8}  {}", it.text)?;
        }
    }
    if n_breaking > 0 {
        return Err(Failure::new(Exit::Data, format!("{n_breaking} differences break clients")));
    }
    Ok(())
}
