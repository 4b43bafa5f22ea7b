//! `sluice schema`: the SDL, from the data folder or from a running server.

use std::io::Write;
use std::sync::Arc;

use super::arguments::Schema;
use super::outcome::Outcome;
use super::remote::Remote;
use super::serve::Rooms;
use super::{block_on, expect_store};
use crate::auth::Principal;
use crate::catalog::model::Scope;
use crate::config::Settings;

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
    writeln!(std::io::stdout(), "{}", sdl.trim_end())?;
    Ok(())
}
