//! Puts the sources of settings over each other, weakest first, and remembers who won.
//!
//! A value that cannot be read, or a key that does not exist, stops the start with a sentence that
//! names the setting, the value, where it stands, and what was expected. Secrets are never quoted.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::table::{ALL, Spec};
use super::{Introspection, LogFormat, Settings};

/// Where settings are looked for besides the defaults.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// A settings file that must exist; `./sluice.toml` is taken if present when not given.
    pub file: Option<PathBuf>,
    /// A file of `NAME=value` lines that may exist.
    pub dotenv: Option<PathBuf>,
    /// The environment.
    pub environment: Vec<(String, String)>,
    /// From the command line: the flag as written, the setting's name, the value.
    pub flags: Vec<(String, String, String)>,
}

impl Sources {
    /// The files of the working folder and the environment of the process.
    pub fn of_process(file: Option<PathBuf>, flags: Vec<(String, String, String)>) -> Sources {
        let environment = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        Sources { file, dotenv: Some(PathBuf::from(".env")), environment, flags }
    }
}

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Nobody set it.
    Default,
    /// A settings file.
    File(PathBuf),
    /// A variable of a `.env` file.
    DotEnv(PathBuf, String),
    /// A variable of the environment.
    Environment(String),
    /// A flag of the command line.
    Flag(String),
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Origin::Default => f.write_str("default"),
            Origin::File(path) => write!(f, "{}", path.display()),
            Origin::DotEnv(path, name) => write!(f, "{} ({name})", path.display()),
            Origin::Environment(name) => write!(f, "environment ({name})"),
            Origin::Flag(flag) => write!(f, "flag ({flag})"),
        }
    }
}

/// Why the settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// A file could not be read.
    #[error("the settings file {path} cannot be read: {source}", path = path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file is not of its kind.
    #[error("{path} is malformed: {reason}", path = path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Where and why.
        reason: String,
    },
    /// A key that does not exist.
    #[error("{origin}: there is no setting \"{name}\"{hint}; `sluice config` lists all settings")]
    Unknown {
        /// The key.
        name: String,
        /// Where it stands.
        origin: Origin,
        /// The nearest name, if one is near.
        hint: String,
    },
    /// A value that cannot be read.
    #[error("{origin}: {name} is {value}; expected {expected}")]
    BadValue {
        /// The setting.
        name: &'static str,
        /// What was found, quoted; hidden for secrets.
        value: String,
        /// Where it stands.
        origin: Origin,
        /// What it must look like.
        expected: String,
    },
    /// Two values that cannot be in force together.
    #[error("{0}")]
    Contradiction(String),
}

/// The settings in force, each with its origin.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The values.
    pub settings: Settings,
    /// Variables that look like settings, but are none; worth a warning.
    pub warnings: Vec<String>,
    origins: BTreeMap<&'static str, Origin>,
}

impl Loaded {
    /// Unprefixed names that a setting has in the environment.
    pub fn bare_names(&self, name: &str) -> &'static [&'static str] {
        Spec::find(name).map_or(&[], |spec| spec.bare_names)
    }

    /// The name that a setting has in the environment in any case.
    pub fn env_name(&self, name: &str) -> String {
        Spec::find(name).map(Spec::env_name).unwrap_or_default()
    }

    /// Name, value for people (secrets hidden), origin and meaning of each setting.
    pub fn describe(&self) -> impl Iterator<Item = (&'static str, String, Origin, &'static str)> {
        ALL.iter().map(|spec| {
            let origin = self.origins.get(spec.name).cloned().unwrap_or(Origin::Default);
            (spec.name, spec.shown(&self.settings), origin, spec.help)
        })
    }

    /// Name and value for people of each setting, secrets hidden.
    pub fn shown(&self) -> Vec<(String, String)> {
        self.describe().map(|(name, value, ..)| (name.to_owned(), value)).collect()
    }

    /// Where the value of a setting came from.
    pub fn origin(&self, name: &str) -> Origin {
        self.origins.get(name).cloned().unwrap_or(Origin::Default)
    }

    /// The settings file, if a secret stands in it.
    pub(super) fn file_with_secrets(&self) -> Option<&Path> {
        ALL.iter().filter(|spec| spec.is_secret()).find_map(|spec| {
            match self.origins.get(spec.name) {
                Some(Origin::File(path)) => Some(path.as_path()),
                _ => None,
            }
        })
    }

    fn set(
        &mut self,
        spec: &'static Spec,
        text: &str,
        origin: Origin,
    ) -> Result<(), SettingsError> {
        if let Err(expected) = spec.set(&mut self.settings, text) {
            let value = if spec.is_secret() {
                format!("a text of {} characters", text.chars().count())
            } else {
                format!("{text:?}")
            };
            return Err(SettingsError::BadValue { name: spec.name, value, origin, expected });
        }
        self.origins.insert(spec.name, origin);
        Ok(())
    }

    fn set_by_name(&mut self, name: &str, text: &str, origin: Origin) -> Result<(), SettingsError> {
        match Spec::find(name) {
            Some(spec) => self.set(spec, text, origin),
            None => Err(SettingsError::Unknown { name: name.to_owned(), origin, hint: hint(name) }),
        }
    }

    /// Bare names first, so that `SLUICE_…` wins; an empty variable counts as not given. A secret
    /// may stand in a file that `NAME_FILE` names.
    fn set_from_variables(
        &mut self,
        variables: &BTreeMap<String, String>,
        origin: impl Fn(String) -> Origin,
    ) -> Result<(), SettingsError> {
        let given = |name: &str| variables.get(name).filter(|text| !text.trim().is_empty());
        for spec in ALL {
            let bare_names = spec.bare_names.iter().map(|name| (*name).to_owned());
            for name in bare_names.chain([spec.env_name()]) {
                let file_name = format!("{name}_FILE");
                let path = given(&file_name).filter(|_| spec.is_secret());
                match (given(&name), path) {
                    (Some(_), Some(_)) => {
                        return Err(SettingsError::Contradiction(format!(
                            "{name} and {file_name} are both set; remove one of them"
                        )));
                    }
                    (Some(text), None) => self.set(spec, text, origin(name))?,
                    (None, Some(path)) => {
                        let path = PathBuf::from(path.trim());
                        let text = std::fs::read_to_string(&path).map(Zeroizing::new);
                        let text =
                            text.map_err(|source| SettingsError::Unreadable { path, source })?;
                        self.set(spec, &text, origin(file_name))?;
                    }
                    (None, None) => {}
                }
            }
        }
        Ok(())
    }

    /// What follows from the environment where nothing else was said.
    fn follow_environment(&mut self) {
        let is_default = |name: &str| !self.origins.contains_key(name);
        let settings = &mut self.settings;
        if settings.is_production() {
            if is_default("introspection") {
                settings.introspection = Introspection::Admins;
            }
            if is_default("playground") {
                settings.playground = false;
            }
            if is_default("log_format") {
                settings.log_format = LogFormat::Json;
            }
        }
        if settings.debug && is_default("log") {
            "debug".clone_into(&mut settings.log);
        }
    }
}

/// Reads all sources; the stronger ones later.
///
/// # Errors
/// When a source cannot be read, names an unknown setting or holds a malformed value.
pub fn load(sources: &Sources) -> Result<Loaded, SettingsError> {
    let mut loaded =
        Loaded { settings: Settings::default(), warnings: Vec::new(), origins: BTreeMap::new() };
    if let Some((path, text)) = read_settings_file(sources.file.as_deref())? {
        for (name, value) in flatten_toml(&path, &text)? {
            loaded.set_by_name(&name, &value, Origin::File(path.clone()))?;
        }
    }
    if let Some(path) = &sources.dotenv {
        let variables = read_dotenv(path)?;
        loaded.set_from_variables(&variables, |name| Origin::DotEnv(path.clone(), name))?;
    }
    let variables: BTreeMap<String, String> = sources.environment.iter().cloned().collect();
    loaded.set_from_variables(&variables, Origin::Environment)?;
    for (flag, name, text) in &sources.flags {
        loaded.set_by_name(name, text, Origin::Flag(flag.clone()))?;
    }
    loaded.warnings = unknown_variables(&variables);
    loaded.follow_environment();
    check_together(&loaded)?;
    Ok(loaded)
}

fn read_settings_file(given: Option<&Path>) -> Result<Option<(PathBuf, String)>, SettingsError> {
    let path = given.unwrap_or(Path::new("sluice.toml"));
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some((path.to_owned(), text))),
        Err(e) if given.is_none() && e.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(SettingsError::Unreadable { path: path.to_owned(), source }),
    }
}

/// `[query] max_depth = 3` becomes `("query.max_depth", "3")`; arrays become comma lists.
fn flatten_toml(path: &Path, text: &str) -> Result<Vec<(String, String)>, SettingsError> {
    let malformed = |reason: String| SettingsError::Malformed { path: path.to_owned(), reason };
    let table: toml::Table =
        text.parse().map_err(|e: toml::de::Error| malformed(e.to_string().trim().to_owned()))?;
    let mut flat = Vec::new();
    let mut open = vec![(String::new(), table)];
    while let Some((prefix, table)) = open.pop() {
        for (key, value) in table {
            let name = format!("{prefix}{key}");
            match value {
                toml::Value::Table(inner) => open.push((format!("{name}."), inner)),
                toml::Value::String(text) => flat.push((name, text)),
                toml::Value::Integer(number) => flat.push((name, number.to_string())),
                toml::Value::Boolean(is_on) => flat.push((name, is_on.to_string())),
                toml::Value::Array(items) => {
                    let texts: Option<Vec<&str>> = items.iter().map(toml::Value::as_str).collect();
                    let texts =
                        texts.ok_or_else(|| malformed(format!("{name}: expected texts")))?;
                    flat.push((name, texts.join(",")));
                }
                other => {
                    let kind = other.type_str();
                    return Err(malformed(format!("{name}: {kind} is no value of a setting")));
                }
            }
        }
    }
    Ok(flat)
}

fn read_dotenv(path: &Path) -> Result<BTreeMap<String, String>, SettingsError> {
    let malformed = |e: dotenvy::Error| SettingsError::Malformed {
        path: path.to_owned(),
        // The error quotes the line, which may hold a secret.
        reason: match e {
            dotenvy::Error::LineParse(_, position) => {
                format!("expected NAME=value (a line, at its character {position})")
            }
            _ => "it cannot be read".to_owned(),
        },
    };
    match dotenvy::from_path_iter(path) {
        Ok(lines) => lines.collect::<Result<_, _>>().map_err(malformed),
        Err(e) if e.not_found() => Ok(BTreeMap::new()),
        Err(e) => Err(malformed(e)),
    }
}

/// Variables for the command line tools, which are no settings of the server.
const CLIENT_VARIABLES: [&str; 4] = ["SLUICE_KEY", "SLUICE_URL", "SLUICE_CONFIG", "SLUICE_LOG"];

fn unknown_variables(variables: &BTreeMap<String, String>) -> Vec<String> {
    let is_known = |name: &str| {
        CLIENT_VARIABLES.contains(&name)
            || name.starts_with("SLUICE_TEST_")
            || name.starts_with("SLUICE_BENCH_")
            || ALL.iter().any(|spec| {
                let own = spec.env_name();
                own == name || spec.is_secret() && name.strip_suffix("_FILE") == Some(&own)
            })
    };
    let unknown = variables.keys().filter(|name| name.starts_with("SLUICE_") && !is_known(name));
    unknown
        .map(|name| {
            let setting = name.trim_start_matches("SLUICE_").to_ascii_lowercase();
            format!("the variable {name} is no setting{}", hint(&setting))
        })
        .collect()
}

/// The nearest name, if it is near enough to be a slip.
fn hint(name: &str) -> String {
    let nearest = ALL.iter().map(|spec| (distance(spec.name, name), spec.name)).min();
    match nearest {
        Some((n_edits, near)) if n_edits <= 3 => format!(", did you mean \"{near}\"?"),
        _ => String::new(),
    }
}

/// Levenshtein's distance of two short names.
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut previous: Vec<usize> = (0..=right.len()).collect();
    for (i, l) in left.chars().enumerate() {
        let mut row = vec![i + 1];
        for (j, r) in right.iter().enumerate() {
            let at = |k: usize| previous.get(k).copied().unwrap_or(usize::MAX);
            let insert = row.last().map_or(usize::MAX, |n| n + 1);
            row.push((at(j) + usize::from(l != *r)).min(insert).min(at(j + 1).saturating_add(1)));
        }
        previous = row;
    }
    previous.last().copied().unwrap_or_default()
}

fn check_together(loaded: &Loaded) -> Result<(), SettingsError> {
    let settings = &loaded.settings;
    if settings.default_limit > settings.max_limit {
        return Err(SettingsError::Contradiction(format!(
            "default_limit is {} ({}), more than max_limit, {} ({}); lower one or raise the other",
            settings.default_limit,
            loaded.origin("default_limit"),
            settings.max_limit,
            loaded.origin("max_limit"),
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
