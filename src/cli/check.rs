//! `sluice check`: what an auditor would find, with reasons and remedies.

use std::io::Write;

use serde_json::json;

use super::arguments::Check;
use super::backup::print;
use super::block_on;
use super::outcome::{Failure, Outcome};
use crate::check::{Finding, Severity};
use crate::config::Loaded;

/// Prints the findings; fails if one of them is an error.
pub(super) fn run(loaded: &Loaded, arguments: &Check) -> Outcome {
    let found = block_on(async { Ok(crate::check::check(loaded, arguments.deploy).await) })?;
    let count = |severity| found.iter().filter(|finding| finding.severity == severity).count();
    let n_errors = count(Severity::Error);
    let n_warnings = count(Severity::Warning);
    let n_notes = count(Severity::Note);
    if arguments.json {
        print(&json!({
            "errors": n_errors,
            "warnings": n_warnings,
            "notes": n_notes,
            "findings": found,
        }))?;
    } else {
        show(&found)?;
        let mut out = std::io::stdout().lock();
        writeln!(out, "{n_errors} errors, {n_warnings} warnings, {n_notes} notes")?;
    }
    if n_errors > 0 {
        return Err(Failure::other("the check found errors"));
    }
    Ok(())
}

fn show(found: &[Finding]) -> Outcome {
    let mut out = std::io::stdout().lock();
    for Finding { severity, about, found, reason, remedy } in found {
        let word = match severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "note",
        };
        writeln!(out, "{word:8} {about}: {found}")?;
        writeln!(out, "         why: {reason}")?;
        writeln!(out, "         do:  {remedy}")?;
    }
    Ok(())
}
