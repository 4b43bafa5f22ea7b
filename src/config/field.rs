//! Reads the text of a setting into its field, prints the value for people, says what was expected.
//!
//! Secrets are never printed. Nothing here reads a file or the environment.

use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use zeroize::Zeroizing;

use super::jwt::JwtAlgorithm;
use super::network::{self, Network};
use super::rate::Rate;
use super::schedule::Schedule;
use super::secret::hide_password;
use super::{DocumentMode, Environment, Introspection, LogFormat, LogRotation, Secret, units};
use crate::catalog::model::Scope;

/// The field that a row of the table sets, with how its text is read.
pub(super) enum Field<'a> {
    Size(&'a mut u64),
    MemorySize(&'a mut usize),
    Count(&'a mut usize),
    Cost(&'a mut u64),
    Connections(&'a mut u32),
    Rows(&'a mut i64),
    Time(&'a mut Duration),
    Address(&'a mut SocketAddr),
    OptionalAddress(&'a mut Option<SocketAddr>),
    Folder(&'a mut PathBuf),
    DatabaseUrl(&'a mut Option<String>),
    Secret { text: &'a mut Option<Secret>, min_chars: usize },
    Secrets { texts: &'a mut Vec<Secret>, min_chars: usize },
    Hosts(&'a mut Vec<String>),
    Networks(&'a mut Vec<Network>),
    Rate(&'a mut Rate),
    Environment(&'a mut Environment),
    Introspection(&'a mut Introspection),
    Origins(&'a mut Vec<String>),
    LogFilter(&'a mut String),
    LogFormat(&'a mut LogFormat),
    Rotation(&'a mut LogRotation),
    Documents(&'a mut DocumentMode),
    Switch(&'a mut bool),
    Text(&'a mut Option<String>),
    Name(&'a mut String),
    Algorithms(&'a mut Vec<JwtAlgorithm>),
    Scope(&'a mut Option<Scope>),
    Schedule(&'a mut Option<Schedule>),
    Age(&'a mut Option<Duration>),
}

const SWITCH: [(&str, bool); 8] = [
    ("on", true),
    ("off", false),
    ("true", true),
    ("false", false),
    ("1", true),
    ("0", false),
    ("yes", true),
    ("no", false),
];

/// No token is an admin by default.
const SCOPES: [(&str, Option<Scope>); 6] = [
    ("query", Some(Scope::Query)),
    ("read", Some(Scope::Read)),
    ("write", Some(Scope::Write)),
    ("upload", Some(Scope::Upload)),
    ("none", None),
    ("", None),
];

const INTROSPECTION: [(&str, Introspection); 5] = [
    ("on", Introspection::On),
    ("admins", Introspection::Admins),
    ("off", Introspection::Off),
    ("true", Introspection::On),
    ("false", Introspection::Off),
];

const ENVIRONMENTS: [(&str, Environment); 4] = [
    ("development", Environment::Development),
    ("production", Environment::Production),
    ("dev", Environment::Development),
    ("prod", Environment::Production),
];

const ROTATIONS: [(&str, LogRotation); 3] =
    [("daily", LogRotation::Daily), ("hourly", LogRotation::Hourly), ("never", LogRotation::Never)];

impl Field<'_> {
    /// Whether the text itself must never be shown, not even in an error.
    pub(super) fn is_secret(&self) -> bool {
        matches!(self, Field::Secret { .. } | Field::Secrets { .. } | Field::DatabaseUrl(_))
    }

    /// Sets the field, if the text can be read.
    pub(super) fn set(self, text: &str, range: &RangeInclusive<u64>) -> Result<(), ()> {
        let count = || parse_in(range, units::parse_whole(text)).ok_or(());
        let size = || parse_in(range, units::parse_size(text)).ok_or(());
        let time = || {
            let n_ms = units::parse_time(text).and_then(|t| u64::try_from(t.as_millis()).ok());
            parse_in(range, n_ms).map(Duration::from_millis).ok_or(())
        };
        match self {
            Field::Cost(field) => count().map(|n| *field = n),
            Field::Size(field) => size().map(|n| *field = n),
            Field::MemorySize(field) => {
                size().and_then(|n| n.try_into().map_err(drop)).map(|n| *field = n)
            }
            Field::Count(field) => {
                count().and_then(|n| n.try_into().map_err(drop)).map(|n| *field = n)
            }
            Field::Connections(field) => {
                count().and_then(|n| n.try_into().map_err(drop)).map(|n| *field = n)
            }
            Field::Rows(field) => {
                count().and_then(|n| n.try_into().map_err(drop)).map(|n| *field = n)
            }
            Field::Time(field) => time().map(|time| *field = time),
            Field::Age(field) => time().map(|time| *field = Some(time)),
            Field::Schedule(field) => Schedule::parse(text).map(|it| *field = Some(it)).ok_or(()),
            Field::Address(field) => parse_address(text).map(|address| *field = address).ok_or(()),
            Field::OptionalAddress(field) if text.is_empty() => {
                *field = None;
                Ok(())
            }
            Field::OptionalAddress(field) => {
                parse_address(text).map(|address| *field = Some(address)).ok_or(())
            }
            Field::Folder(field) => {
                (!text.is_empty()).then(|| *field = PathBuf::from(text)).ok_or(())
            }
            Field::DatabaseUrl(field) => {
                let is_known = text.starts_with("postgres://") || text.starts_with("postgresql://");
                is_known.then(|| *field = Some(text.to_owned())).ok_or(())
            }
            Field::Secret { text: field, min_chars } => (text.chars().count() >= min_chars)
                .then(|| *field = Some(Secret::new(text)))
                .ok_or(()),
            Field::Secrets { texts, min_chars } => {
                let secrets: Vec<&str> =
                    text.split(',').map(str::trim).filter(|text| !text.is_empty()).collect();
                let is_long = secrets.iter().all(|text| text.chars().count() >= min_chars);
                is_long.then(|| *texts = secrets.into_iter().map(Secret::new).collect()).ok_or(())
            }
            Field::Hosts(field) => network::parse_hosts(text).map(|hosts| *field = hosts).ok_or(()),
            Field::Networks(field) => {
                Network::parse_list(text).map(|networks| *field = networks).ok_or(())
            }
            Field::Rate(field) => Rate::parse(text).map(|rate| *field = rate).ok_or(()),
            Field::Origins(field) => parse_origins(text).map(|origins| *field = origins).ok_or(()),
            Field::LogFilter(field) => {
                let filter = text.parse::<tracing_subscriber::filter::Targets>();
                filter.map(|_| text.clone_into(field)).map_err(drop)
            }
            Field::LogFormat(field) => {
                let formats = [
                    ("auto", LogFormat::Auto),
                    ("text", LogFormat::Text),
                    ("json", LogFormat::Json),
                ];
                word(text, &formats).map(|format| *field = format)
            }
            Field::Rotation(field) => match word(text, &ROTATIONS) {
                Ok(rotation) => {
                    *field = rotation;
                    Ok(())
                }
                Err(()) => size().map(|n| *field = LogRotation::Size(n)),
            },
            Field::Documents(field) => {
                let modes = [("any", DocumentMode::Any), ("trusted", DocumentMode::Trusted)];
                word(text, &modes).map(|mode| *field = mode)
            }
            Field::Introspection(field) => word(text, &INTROSPECTION).map(|who| *field = who),
            Field::Environment(field) => word(text, &ENVIRONMENTS).map(|it| *field = it),
            Field::Text(field) => {
                *field = Some(text.to_owned()).filter(|text| !text.is_empty());
                Ok(())
            }
            Field::Name(field) => (!text.is_empty()).then(|| text.clone_into(field)).ok_or(()),
            Field::Algorithms(field) => {
                JwtAlgorithm::parse_list(text).map(|list| *field = list).ok_or(())
            }
            Field::Scope(field) => word(text, &SCOPES).map(|scope| *field = scope),
            Field::Switch(field) => word(text, &SWITCH).map(|is_on| *field = is_on),
        }
    }

    /// What the text must look like.
    pub(super) fn expected(&self, range: &RangeInclusive<u64>) -> String {
        let (low, high) = (*range.start(), *range.end());
        match self {
            Field::Size(_) | Field::MemorySize(_) => format!(
                "a size from {} to {}, like 512KiB, 64MiB or 1GiB",
                units::show_size(low),
                units::show_size(high)
            ),
            Field::Count(_) | Field::Cost(_) | Field::Connections(_) | Field::Rows(_) => {
                format!("a whole number from {low} to {high}")
            }
            Field::Time(_) | Field::Age(_) => format!(
                "a time from {} to {}, like 500ms, 30s or 5m",
                units::show_time(Duration::from_millis(low)),
                units::show_time(Duration::from_millis(high))
            ),
            Field::Schedule(_) => {
                "a cron expression of five fields, like 0 2 * * * (each night at two, UTC)".to_owned()
            }
            Field::Address(_) | Field::OptionalAddress(_) => {
                "an IP address and a port, like 127.0.0.1:8080, 0.0.0.0:80 or [::1]:8080".to_owned()
            }
            Field::Folder(_) => "the path of a folder".to_owned(),
            Field::DatabaseUrl(_) => {
                "postgres://user:password@host:port/database (leave it out for the embedded store)"
                    .to_owned()
            }
            Field::Secret { min_chars, .. } => {
                format!("a secret of {min_chars} characters or more")
            }
            Field::Secrets { min_chars, .. } => {
                format!("secrets of {min_chars} characters or more each, separated by commas")
            }
            Field::Hosts(_) => {
                "host names separated by commas, like api.example.com,.example.org,localhost:8080, or *"
                    .to_owned()
            }
            Field::Networks(_) => {
                "addresses or networks separated by commas, like 127.0.0.1,10.0.0.0/8,fd00::/8"
                    .to_owned()
            }
            Field::Rate(_) => {
                "a number per s, min, h or d, like 20/s, 60/h, or 100/s burst 200".to_owned()
            }
            Field::Introspection(_) => "on, admins or off".to_owned(),
            Field::Environment(_) => "development or production".to_owned(),
            Field::Origins(_) => {
                "origins separated by commas, like https://app.example.com,http://localhost:5173"
                    .to_owned()
            }
            Field::LogFilter(_) => {
                "error, warn, info, debug, trace, or pairs like info,sluice::ingest=debug"
                    .to_owned()
            }
            Field::LogFormat(_) => "auto, text or json".to_owned(),
            Field::Rotation(_) => "daily, hourly, never, or a size like 100MiB".to_owned(),
            Field::Documents(_) => "any or trusted".to_owned(),
            Field::Switch(_) => "on or off".to_owned(),
            Field::Text(_) | Field::Name(_) => "a text".to_owned(),
            Field::Algorithms(_) => "some of HS256,RS256,ES256,EdDSA".to_owned(),
            Field::Scope(_) => "read, write, upload or none".to_owned(),
        }
    }

    /// What tells the value from others, secrets in clear: to be compared, never to be shown.
    pub(super) fn identity(self) -> Zeroizing<String> {
        let text = match self {
            Field::Secret { text, .. } => {
                text.as_ref().map_or_else(String::new, |secret| secret.expose().to_owned())
            }
            Field::Secrets { texts, .. } => {
                texts.iter().map(Secret::expose).collect::<Vec<_>>().join(",")
            }
            Field::DatabaseUrl(field) => field.clone().unwrap_or_default(),
            other => other.shown(),
        };
        Zeroizing::new(text)
    }

    /// The value for people; secrets hidden, empty when nothing is set.
    pub(super) fn shown(self) -> String {
        match self {
            Field::Size(field) => units::show_size(*field),
            Field::MemorySize(field) => {
                u64::try_from(*field).map_or_else(|_| field.to_string(), units::show_size)
            }
            Field::Count(field) => field.to_string(),
            Field::Cost(field) => field.to_string(),
            Field::Connections(field) => field.to_string(),
            Field::Rows(field) => field.to_string(),
            Field::Time(field) => units::show_time(*field),
            Field::Address(field) => field.to_string(),
            Field::OptionalAddress(field) => field.map_or_else(String::new, |it| it.to_string()),
            Field::Folder(field) => field.display().to_string(),
            Field::DatabaseUrl(field) => field.as_deref().map_or_else(String::new, hide_password),
            Field::Secret { text, .. } => {
                if text.is_some() {
                    "(hidden)".to_owned()
                } else {
                    String::new()
                }
            }
            Field::Secrets { texts, .. } => vec!["(hidden)"; texts.len()].join(","),
            Field::Hosts(field) => field.join(","),
            Field::Networks(field) => {
                let texts: Vec<String> = field.iter().map(Network::to_string).collect();
                texts.join(",")
            }
            Field::Rate(field) => field.to_string(),
            Field::Introspection(field) => written(*field, &INTROSPECTION),
            Field::Environment(field) => written(*field, &ENVIRONMENTS),
            Field::Origins(field) => field.join(","),
            Field::LogFilter(field) => field.clone(),
            Field::LogFormat(field) => format!("{field:?}").to_ascii_lowercase(),
            Field::Rotation(LogRotation::Size(n)) => units::show_size(*n),
            Field::Rotation(field) => written(*field, &ROTATIONS),
            Field::Documents(field) => format!("{field:?}").to_ascii_lowercase(),
            Field::Text(field) => field.clone().unwrap_or_default(),
            Field::Schedule(field) => field.as_ref().map_or_else(String::new, Schedule::to_string),
            Field::Age(field) => field.map(units::show_time).unwrap_or_default(),
            Field::Name(field) => field.clone(),
            Field::Algorithms(field) => JwtAlgorithm::show_list(field),
            Field::Scope(field) => {
                field.map_or_else(String::new, |scope| format!("{scope:?}").to_ascii_lowercase())
            }
            Field::Switch(is_on) => if *is_on { "on" } else { "off" }.to_owned(),
        }
    }
}

/// The value of one of these words, in any case.
fn word<T: Copy>(text: &str, words: &[(&str, T)]) -> Result<T, ()> {
    let found = words.iter().find(|(word, _)| word.eq_ignore_ascii_case(text));
    found.map(|(_, value)| *value).ok_or(())
}

/// The first word of a value.
fn written<T: Copy + PartialEq>(value: T, words: &[(&str, T)]) -> String {
    let found = words.iter().find(|(_, of_word)| *of_word == value);
    found.map_or_else(String::new, |(word, _)| (*word).to_owned())
}

fn parse_in(range: &RangeInclusive<u64>, number: Option<u64>) -> Option<u64> {
    number.filter(|number| range.contains(number))
}

fn parse_address(text: &str) -> Option<SocketAddr> {
    match text.strip_prefix("localhost:") {
        Some(port) => format!("127.0.0.1:{port}").parse().ok(),
        None => text.parse().ok(),
    }
}

/// Scheme, host and port, nothing behind: what a browser sends in `Origin`.
fn parse_origins(text: &str) -> Option<Vec<String>> {
    let mut origins = Vec::new();
    for origin in text.split(',').map(str::trim).filter(|origin| !origin.is_empty()) {
        let origin = origin.trim_end_matches('/').to_ascii_lowercase();
        let host = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"))?;
        let is_host = !host.is_empty()
            && host.bytes().all(|b| b.is_ascii_alphanumeric() || b".-:[]".contains(&b));
        is_host.then_some(())?;
        origins.push(origin);
    }
    Some(origins)
}
