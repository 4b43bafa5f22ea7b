//! `sluice config`: each setting, its value, where it came from, what it is for.

use std::io::Write;

use serde_json::{Value, json};

use super::outcome::Outcome;
use crate::config::Loaded;

/// Prints the settings in force; secrets hidden.
pub(super) fn run(loaded: &Loaded, json: bool) -> Outcome {
    let mut out = std::io::stdout().lock();
    if json {
        let told = loaded.describe().map(|(name, value, origin, help)| {
            json!({ "name": name, "value": value, "origin": origin.to_string(), "help": help })
        });
        writeln!(out, "{}", told.collect::<Value>())?;
        return Ok(());
    }
    let rows: Vec<_> = loaded.describe().collect();
    let name_width = rows.iter().map(|(name, ..)| name.len()).max().unwrap_or_default();
    let shown =
        |value: &str| if value.is_empty() { "(not set)".to_owned() } else { value.to_owned() };
    let value_width =
        rows.iter().map(|(_, value, ..)| shown(value).chars().count()).max().unwrap_or_default();
    let value_width = value_width.min(40);
    for (name, value, origin, help) in rows {
        writeln!(out, "{name:name_width$}  {:value_width$}  {origin}", shown(&value))?;
        let also = match loaded.bare_names(name) {
            [] => String::new(),
            names => format!(" ({} or {})", names.join(", "), loaded.env_name(name)),
        };
        writeln!(out, "{:name_width$}  # {help}{also}", "")?;
    }
    for warning in &loaded.warnings {
        eprintln!("warning: {warning}");
    }
    Ok(())
}
