//! Looks at configuration, machine and database as an auditor would, and changes nothing.
//!
//! A finding says what is so, why it matters and what to do. Errors are what must not be served
//! like this, warnings are what will hurt one day, notes are worth knowing.

mod database;
mod machine;
mod settings;

use serde::Serialize;

use crate::config::Loaded;

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// It must not stay like this.
    Error,
    /// It will hurt one day.
    Warning,
    /// Worth knowing.
    Note,
}

/// Something that was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// How much it matters.
    pub severity: Severity,
    /// What it is about: a setting, or a word like `disk`.
    pub about: String,
    /// What is so.
    pub found: String,
    /// Why it matters.
    pub reason: String,
    /// What to do.
    pub remedy: String,
}

/// Findings as they are collected.
struct Findings {
    /// Whether the server is for strangers.
    is_deploy: bool,
    found: Vec<Finding>,
}

impl Findings {
    fn add(&mut self, severity: Severity, about: &str, found: String, why: &str, remedy: &str) {
        self.found.push(Finding {
            severity,
            about: about.to_owned(),
            found,
            reason: why.to_owned(),
            remedy: remedy.to_owned(),
        });
    }

    fn error(&mut self, about: &str, found: impl Into<String>, why: &str, remedy: &str) {
        self.add(Severity::Error, about, found.into(), why, remedy);
    }

    fn warn(&mut self, about: &str, found: impl Into<String>, why: &str, remedy: &str) {
        self.add(Severity::Warning, about, found.into(), why, remedy);
    }

    fn note(&mut self, about: &str, found: impl Into<String>, why: &str, remedy: &str) {
        self.add(Severity::Note, about, found.into(), why, remedy);
    }
}

/// Looks at everything; the findings that matter most come first. With `deploy`, as for a server
/// for strangers, whatever the settings say.
pub async fn check(loaded: &Loaded, deploy: bool) -> Vec<Finding> {
    let is_deploy = deploy || loaded.settings.is_production();
    let mut findings = Findings { is_deploy, found: Vec::new() };
    settings::check(loaded, &mut findings);
    machine::check(&loaded.settings, &mut findings);
    database::check(&loaded.settings, &mut findings).await;
    let mut found = findings.found;
    found.sort_by_key(|finding| finding.severity);
    found
}
