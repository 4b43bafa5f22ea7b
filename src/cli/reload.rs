//! Reads the settings again when the process is asked to, and hands on what can be changed.
//!
//! All or nothing: settings with a mistake in them change nothing. Files that have a life of their
//! own, the log and the certificate, are opened again all the same.

use std::path::Path;
use std::sync::Arc;

use crate::auth::Rates;
use crate::config::{Changes, Loaded, Settings, Sources, changes, dangers, load};
use crate::graphql::Engine;
use crate::http::{Api, Tls};
use crate::ops::logs::Logs;
use crate::ops::signals::Reloads;
use crate::ops::supervisor;

/// What new settings are handed to.
pub(super) struct Reloading {
    /// Where settings come from.
    pub(super) sources: Sources,
    /// Those in force, as they were read.
    pub(super) current: Settings,
    pub(super) logs: Logs,
    pub(super) api: Arc<Api>,
    pub(super) engine: Arc<Engine>,
    pub(super) rates: Arc<Rates>,
    pub(super) tls: Option<Arc<Tls>>,
}

impl Reloading {
    /// Does so each time that it is asked for, for ever.
    pub(super) async fn run(mut self, mut asked: Reloads) {
        loop {
            asked.next().await;
            let is_ready = self.api.app().readiness.get();
            if is_ready {
                supervisor::reloading();
            }
            self.reload().await;
            // Whoever starts or stops says so himself.
            if is_ready && self.api.app().readiness.get() {
                supervisor::ready();
            }
        }
    }

    async fn reload(&mut self) {
        let (logs, tls, sources) = (self.logs.clone(), self.tls.clone(), self.sources.clone());
        let is_production = self.current.is_production();
        let read = tokio::task::spawn_blocking(move || {
            logs.reopen();
            if let Some(tls) = tls {
                tls.look();
            }
            read(&sources, is_production)
        });
        // A panic was logged where it happened.
        let Ok(read) = read.await else { return };
        match read {
            Ok(loaded) => self.take(&loaded),
            Err(reason) => {
                tracing::error!(reason, "the new settings are refused; those before go on");
            }
        }
    }

    fn take(&mut self, loaded: &Loaded) {
        for warning in &loaded.warnings {
            tracing::warn!("{warning}");
        }
        let Changes { settings, at_once, at_next_start } = changes(&self.current, &loaded.settings);
        self.logs.set_filter(&settings);
        if at_once.iter().any(|name| name.starts_with("rate")) {
            self.rates.set(&settings.rates);
        }
        self.engine.reload(&settings);
        // The address is the one that is listened at.
        let listen = self.api.app().settings.listen;
        self.api.set(Settings { listen, ..settings.clone() });
        self.current = settings;
        tracing::info!(changed = at_once.join(","), "the settings were read again");
        for setting in at_next_start {
            tracing::warn!(setting, "a changed setting waits for the next start");
        }
    }
}

/// The settings as they are now; why not, if there is anything wrong with them.
fn read(sources: &Sources, is_production: bool) -> Result<Loaded, String> {
    let loaded = load(sources).map_err(|e| e.to_string())?;
    if is_production || loaded.settings.is_production() {
        let found = dangers(&loaded, Path::new(".env"));
        if !found.is_empty() {
            return Err(found.join(" "));
        }
    }
    Ok(loaded)
}
