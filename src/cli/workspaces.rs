//! `sluice workspaces`: makes and lists workspaces in the catalog, also beside a running server.

use std::io::Write;
use std::sync::Arc;

use serde_json::{Value, json};

use super::arguments::{WorkspaceCommand, Workspaces};
use super::keys::{note, print_secret};
use super::outcome::{Failure, Outcome};
use super::{block_on, expect_store};
use crate::auth::{Auth, NewKey, policy};
use crate::catalog::model::Scope;
use crate::catalog::{Catalog, CatalogError};
use crate::config::Settings;
use crate::error::{Code, Error};

/// Runs one of the workspace commands.
pub(super) fn run(settings: &Settings, arguments: &Workspaces) -> Outcome {
    expect_store(settings)?;
    block_on(async {
        let catalog = Arc::new(Catalog::open_shared(settings).await.map_err(Error::from)?);
        let mut out = std::io::stdout();
        match &arguments.command {
            WorkspaceCommand::Create { name } => {
                policy::check_workspace_name(name)?;
                let auth = Auth::open(Arc::clone(&catalog), settings).await?;
                let made = catalog.create_workspace(name).await.map_err(taken)?;
                let new = NewKey::new("first admin", Scope::Admin, "command line");
                let (secret, key) = auth.create_key(made.id, new).await?;
                let first = catalog.default_workspace();
                note(&catalog, first, "createWorkspace", name).await?;
                print_secret(&secret, &key, arguments.json)?;
                eprintln!("Keep it: it is shown this once. Its prefix is {}.", key.prefix);
            }
            WorkspaceCommand::List => {
                let all = catalog.workspaces().await.map_err(Error::from)?;
                if arguments.json {
                    let told = all.iter().map(|it| json!({ "id": it.id.0, "name": it.name }));
                    writeln!(out, "{}", told.collect::<Value>())?;
                    return Ok(());
                }
                for workspace in all {
                    writeln!(out, "{}  {}", workspace.id.0, workspace.name)?;
                }
            }
        }
        Ok(())
    })
}

fn taken(error: CatalogError) -> Failure {
    Failure::from(match error {
        CatalogError::NameTaken(name) => {
            Error::new(Code::Conflict, format!("A workspace named {name:?} exists."))
        }
        other => Error::from(other),
    })
}
