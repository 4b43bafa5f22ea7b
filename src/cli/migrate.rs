//! `sluice migrate`: what the catalog has seen, and how it goes forward and back.

use std::io::Write;

use serde_json::json;

use super::arguments::{Migrate, MigrateCommand};
use super::outcome::{Failure, Outcome};
use super::{block_on, expect_store};
use crate::catalog::{CatalogError, migrations};
use crate::config::Settings;
use crate::error::Error;

/// Runs one of the commands.
pub(super) fn run(settings: &Settings, arguments: &Migrate) -> Outcome {
    let mut out = std::io::stdout();
    let json = arguments.json;
    match &arguments.command {
        MigrateCommand::List => print_names(&sluice_migration::names(), json),
        MigrateCommand::Status => block_on(async {
            let status = migrations::status(settings).await.map_err(Error::from)?;
            if json {
                let told = json!({
                    "applied": status.applied,
                    "pending": status.pending,
                    "unknown": status.unknown,
                });
                writeln!(out, "{told}")?;
                return Ok(());
            }
            let states = [
                ("applied", &status.applied),
                ("pending", &status.pending),
                ("unknown", &status.unknown),
            ];
            for (state, names) in states {
                for name in names {
                    writeln!(out, "{state}  {name}")?;
                }
            }
            if !status.unknown.is_empty() {
                eprintln!(
                    "A newer release has used these data; this one does not start with them."
                );
            } else if !status.pending.is_empty() {
                eprintln!("The next start carries out what is pending, or `sluice migrate up`.");
            }
            Ok(())
        }),
        MigrateCommand::Up => block_on(async {
            let done = migrations::up(settings).await.map_err(Error::from)?;
            print_names(&done, json)?;
            eprintln!("{} carried out.", n_migrations(done.len()));
            Ok(())
        }),
        MigrateCommand::Down { to, yes } => {
            expect_store(settings)?;
            block_on(down(settings, to, *yes, json))
        }
    }
}

fn print_names(names: &[String], json: bool) -> Outcome {
    let mut out = std::io::stdout();
    if json {
        writeln!(out, "{}", json!(names))?;
        return Ok(());
    }
    for name in names {
        writeln!(out, "{name}")?;
    }
    Ok(())
}

async fn down(settings: &Settings, to: &str, yes: bool, json: bool) -> Outcome {
    let status = migrations::status(settings).await.map_err(Error::from)?;
    let unseen = || {
        Failure::from(Error::not_found(format!(
            "The catalog has not seen {to:?}; `sluice migrate status` shows what it has."
        )))
    };
    let position = status.applied.iter().position(|name| name == to).ok_or_else(unseen)?;
    let undo = status.applied.iter().skip(position + 1);
    if !yes {
        let list: String = undo.map(|name| format!("\n  - {name}")).collect();
        if list.is_empty() {
            eprintln!("Nothing to undo.");
            return Ok(());
        }
        return Err(Failure::usage(format!(
            "this would undo, with what they added:{list}\n  make a backup, then say --yes"
        )));
    }
    let undone = migrations::down_to(settings, to).await.map_err(|error| match error {
        CatalogError::NotFound => unseen(),
        other => Failure::from(Error::from(other)),
    })?;
    print_names(&undone, json)?;
    eprintln!("{} undone.", n_migrations(undone.len()));
    Ok(())
}

fn n_migrations(n: usize) -> String {
    if n == 1 { "1 migration".to_owned() } else { format!("{n} migrations") }
}
