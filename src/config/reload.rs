//! Tells what new settings change: what a running server takes at once, and what waits for its next
//! start.

use super::Settings;
use super::table::ALL;

/// What a running server takes. All others are looked at when something is opened.
const AT_ONCE: [&str; 17] = [
    "debug",
    "log",
    "slow_after",
    "allowed_hosts",
    "allowed_origins",
    "trusted_proxies",
    "body_idle_timeout",
    "body_timeout",
    "min_upload_rate",
    "rate_limit",
    "rate.reads",
    "rate.writes",
    "rate.uploads",
    "rate.inspections",
    "rate.failed_sign_ins",
    "rate.workspace_keys",
    "rate.cells_per_read",
];

/// What is different in new settings.
pub struct Changes {
    /// The settings in force, with what is taken at once.
    pub settings: Settings,
    /// The names of what is taken.
    pub at_once: Vec<&'static str>,
    /// The names of what waits for the next start.
    pub at_next_start: Vec<&'static str>,
}

/// Compares the settings in force with new ones.
pub fn changes(current: &Settings, new: &Settings) -> Changes {
    let mut changes =
        Changes { settings: current.clone(), at_once: Vec::new(), at_next_start: Vec::new() };
    for spec in ALL.iter().filter(|spec| !spec.is_same(current, new)) {
        // What is printed can be read again; none of these is a secret.
        let is_taken = AT_ONCE.contains(&spec.name)
            && spec.set(&mut changes.settings, &spec.shown(new)).is_ok();
        if is_taken {
            changes.at_once.push(spec.name);
        } else {
            changes.at_next_start.push(spec.name);
        }
    }
    changes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::table::Spec;
    use crate::config::{Rate, Secret};

    #[test]
    fn what_can_be_taken_is() {
        let old = Settings { allowed_hosts: vec!["old.example".to_owned()], ..Settings::default() };
        let mut new = Settings {
            log: "debug".to_owned(),
            allowed_hosts: Vec::new(),
            pool_size: 3,
            secret_key: Some(Secret::new("a-secret-of-some-length")),
            database_url: Some("postgres://a:one@b/c".to_owned()),
            ..old.clone()
        };
        new.rates.reads = Rate::new(1, 60, 7);
        let found = changes(&old, &new);
        assert_eq!(found.at_once, ["allowed_hosts", "rate.reads", "log"]);
        assert_eq!(found.at_next_start, ["database_url", "pool_size", "secret_key"]);
        let taken = found.settings;
        assert_eq!((taken.log.as_str(), taken.rates.reads), ("debug", new.rates.reads));
        assert!(taken.allowed_hosts.is_empty() && taken.secret_key.is_none());
        assert_eq!(taken.pool_size, old.pool_size);
        // A change of what is not shown.
        let other =
            Settings { database_url: Some("postgres://a:two@b/c".to_owned()), ..new.clone() };
        assert_eq!(changes(&new, &other).at_next_start, ["database_url"]);
        assert!(changes(&new, &new.clone()).at_next_start.is_empty());
    }

    #[test]
    fn names_are_those_of_settings_without_secrets() {
        for name in AT_ONCE {
            assert!(!Spec::find(name).unwrap().is_secret(), "{name}");
        }
    }
}
