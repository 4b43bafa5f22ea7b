//! `sluice secrets`: new secrets where Sluice keeps its own, and what to do where it does not.

use std::io::Write;
use std::sync::Arc;

use super::arguments::{Secrets, SecretsCommand};
use super::keys::note;
use super::outcome::{Failure, Outcome};
use super::{block_on, expect_store};
use crate::auth::{self, Auth, NewKey};
use crate::catalog::Catalog;
use crate::catalog::model::Scope;
use crate::config::Settings;
use crate::error::Error;

/// Runs one of the commands.
pub(super) fn run(settings: &Settings, arguments: &Secrets) -> Outcome {
    expect_store(settings)?;
    let SecretsCommand::Rotate { api_key_salt, yes } = &arguments.command;
    if *api_key_salt && !*yes {
        return Err(Failure::usage(
            "a new salt ends every API key and changes the secrets of webhooks; say --yes if that is what you want",
        ));
    }
    block_on(async {
        let catalog = Arc::new(Catalog::open_shared(settings).await.map_err(Error::from)?);
        let workspace = catalog.default_workspace();
        auth::rotate_secret_key(&catalog, settings).await?;
        note(&catalog, workspace, "rotateSecretKey", "secret_key").await?;
        eprintln!("The secret key is new; cursors of before are still taken.");
        if *api_key_salt {
            auth::rotate_api_key_salt(&catalog, settings).await?;
            note(&catalog, workspace, "rotateApiKeySalt", "api_key_salt").await?;
            let auth = Auth::open(Arc::clone(&catalog), settings).await?;
            let new = NewKey::new("after a new salt", Scope::Admin, "command line");
            let (secret, key) = auth.create_key(workspace, new).await?;
            writeln!(std::io::stdout(), "{secret}")?;
            eprintln!(
                "Every key of before ends. This admin key, {}, is shown this once. Webhooks have new secrets: rotateWebhookSecret tells them.",
                key.prefix
            );
        }
        eprintln!("Restart the servers: they take it up at their start.");
        Ok(())
    })
}
