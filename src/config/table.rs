//! The table of all settings: name, meaning, unit, bounds, and the field that each one sets.
//!
//! One row here is all that a new setting needs: the file, the environment, the flags, the errors
//! and `sluice config` follow from it. Nothing here reads a file or the environment.

use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use super::jwt::JwtAlgorithm;
use super::secret::hide_password;
use super::{DocumentMode, LogFormat, Secret, Settings, units};
use crate::catalog::model::Scope;

/// One row of the table.
pub(super) struct Spec {
    /// The name in `sluice.toml`; `SLUICE_` and its upper-case form in the environment.
    pub(super) name: &'static str,
    /// A second, unprefixed name in the environment.
    pub(super) bare_name: Option<&'static str>,
    /// What it is for, one sentence.
    pub(super) help: &'static str,
    /// What a number may be, in bytes, milliseconds or pieces.
    range: RangeInclusive<u64>,
    field: fn(&mut Settings) -> Field<'_>,
}

/// The field that a row sets, with how its text is read.
enum Field<'a> {
    Size(&'a mut u64),
    MemorySize(&'a mut usize),
    Count(&'a mut usize),
    Cost(&'a mut u64),
    Connections(&'a mut u32),
    Rows(&'a mut i64),
    Time(&'a mut Duration),
    Address(&'a mut SocketAddr),
    Folder(&'a mut PathBuf),
    DatabaseUrl(&'a mut Option<String>),
    Secret { text: &'a mut Option<Secret>, min_chars: usize },
    Origins(&'a mut Vec<String>),
    LogFilter(&'a mut String),
    LogFormat(&'a mut LogFormat),
    Documents(&'a mut DocumentMode),
    Switch(&'a mut bool),
    Text(&'a mut Option<String>),
    Name(&'a mut String),
    Algorithms(&'a mut Vec<JwtAlgorithm>),
    Scope(&'a mut Option<Scope>),
}

const ANY: RangeInclusive<u64> = 0..=u64::MAX;
const PIECES: RangeInclusive<u64> = 1..=1_000_000;
const SIZES: RangeInclusive<u64> = 1_024..=1 << 44;
/// Of what is held in memory while a file is read.
const FILE_SIZES: RangeInclusive<u64> = 1_024..=1 << 28;
const MEMORY_SIZES: RangeInclusive<u64> = 1_024..=1 << 30;
/// One millisecond to one day.
const TIMES: RangeInclusive<u64> = 1..=86_400_000;
/// One second to one year.
const YEAR: RangeInclusive<u64> = 1_000..=31_536_000_000;
/// One hour to ten years.
const AGES: RangeInclusive<u64> = 3_600_000..=315_360_000_000;
const ROWS: RangeInclusive<u64> = 0..=1_000_000_000;

/// All settings, in the order of `sluice config`.
pub(super) static ALL: [Spec; 67] = [
    row("listen", None, "Where HTTP is served", ANY, |s| Field::Address(&mut s.listen)),
    row(
        "data_dir",
        None,
        "The folder of the embedded store, the sources and the spool",
        ANY,
        |s| Field::Folder(&mut s.data_dir),
    ),
    row(
        "database_url",
        Some("DATABASE_URL"),
        "postgres://… to keep everything in PostgreSQL; not set: the embedded store",
        ANY,
        |s| Field::DatabaseUrl(&mut s.database_url),
    ),
    row("max_upload_size", Some("MAX_UPLOAD_SIZE"), "Largest uploaded file", SIZES, |s| {
        Field::Size(&mut s.max_upload_bytes)
    }),
    row("max_body_size", None, "Largest JSON request body", MEMORY_SIZES, |s| {
        Field::MemorySize(&mut s.max_body_bytes)
    }),
    row("max_header_size", None, "Largest sum of a request's headers", 1_024..=131_072, |s| {
        Field::MemorySize(&mut s.max_header_bytes)
    }),
    row("header_timeout", None, "Time to send headers, and to idle", TIMES, |s| {
        Field::Time(&mut s.header_timeout)
    }),
    row("body_idle_timeout", None, "Time without a byte that ends an upload", TIMES, |s| {
        Field::Time(&mut s.body_idle_timeout)
    }),
    row("max_connections", None, "Connections served at once", PIECES, |s| {
        Field::Count(&mut s.max_connections)
    }),
    row(
        "allowed_origins",
        Some("ALLOWED_ORIGINS"),
        "Origins whose pages may call the API, separated by commas",
        ANY,
        |s| Field::Origins(&mut s.allowed_origins),
    ),
    row("shutdown_grace", None, "Time that running requests get after SIGTERM", TIMES, |s| {
        Field::Time(&mut s.shutdown_grace)
    }),
    row("statement_timeout", None, "Time that one SQL statement may take", TIMES, |s| {
        Field::Time(&mut s.statement_timeout)
    }),
    row("pool_size", None, "Connections to PostgreSQL for data", 1..=1_000, |s| {
        Field::Connections(&mut s.pool_size)
    }),
    row("reader_threads", None, "Threads that read the embedded store", 1..=256, |s| {
        Field::Count(&mut s.reader_threads)
    }),
    row(
        "response_cache_size",
        None,
        "Memory for answers that are kept; 0 keeps none",
        0..=1 << 36,
        |s| Field::Size(&mut s.response_cache_bytes),
    ),
    row("index.automatic", None, "on, or off: only asked-for indexes are built", ANY, |s| {
        Field::Switch(&mut s.indexes.is_automatic)
    }),
    row("index.search", None, "on: searched datasets get an index of words; or off", ANY, |s| {
        Field::Switch(&mut s.indexes.is_search_on_demand)
    }),
    row("index.look_every", None, "Time between two looks at what queries need", TIMES, |s| {
        Field::Time(&mut s.indexes.look_every)
    }),
    row("index.min_rows", None, "Rows below which no index is built by itself", ROWS, |s| {
        Field::Count(&mut s.indexes.min_rows)
    }),
    row("index.min_uses", None, "Slow queries of a kind before it gets an index", PIECES, |s| {
        Field::Count(&mut s.indexes.min_uses)
    }),
    row("index.max_count", None, "Automatic indexes of one dataset", 0..=14, |s| {
        Field::Count(&mut s.indexes.max_count)
    }),
    row(
        "index.max_percent",
        None,
        "What automatic indexes may take, percent of the dataset's size",
        0..=1_000,
        |s| Field::Count(&mut s.indexes.max_percent),
    ),
    row("index.unused_after", None, "Time without use that ends an automatic index", YEAR, |s| {
        Field::Time(&mut s.indexes.unused_after)
    }),
    row(
        "persisted_documents_size",
        None,
        "Memory for documents that clients of a workspace name by hash; 0 keeps none",
        0..=1 << 30,
        |s| Field::Size(&mut s.persisted_documents_bytes),
    ),
    row(
        "max_documents_size",
        None,
        "Largest list of trusted documents of a workspace",
        MEMORY_SIZES,
        |s| Field::MemorySize(&mut s.max_documents_bytes),
    ),
    row("documents", None, "any, or trusted: serve only listed documents", ANY, |s| {
        Field::Documents(&mut s.documents)
    }),
    row("introspection", None, "on, or off: the schema is not told", ANY, |s| {
        Field::Switch(&mut s.introspection)
    }),
    row("load_concurrency", None, "Loads at work at once", 1..=64, |s| {
        Field::Count(&mut s.load_concurrency)
    }),
    row("max_rejects", None, "Refused rows kept of one dataset", 1..=100_000, |s| {
        Field::Count(&mut s.file_limits.max_rejects)
    }),
    row("file.max_unpacked", None, "Largest file after unpacking", 1_024..=1 << 44, |s| {
        Field::Size(&mut s.file_limits.max_unpacked_bytes)
    }),
    row("file.max_unpack_ratio", None, "How many times a file may grow", 1..=100_000, |s| {
        Field::Cost(&mut s.file_limits.max_unpack_ratio)
    }),
    row("file.max_members", None, "Members of an archive", 1..=100_000, |s| {
        Field::Count(&mut s.file_limits.max_members)
    }),
    row("file.max_sheets", None, "Tables of one file", 1..=10_000, |s| {
        Field::Count(&mut s.file_limits.max_sheets)
    }),
    row("file.max_columns", None, "Columns of a table; PostgreSQL takes 1600", 1..=2_000, |s| {
        Field::Count(&mut s.file_limits.max_columns)
    }),
    row("file.max_cell", None, "Largest cell", FILE_SIZES, |s| {
        Field::MemorySize(&mut s.file_limits.max_cell_bytes)
    }),
    row("file.max_record", None, "Largest row", FILE_SIZES, |s| {
        Field::MemorySize(&mut s.file_limits.max_record_bytes)
    }),
    row("file.max_header", None, "Largest header", FILE_SIZES, |s| {
        Field::MemorySize(&mut s.file_limits.max_header_bytes)
    }),
    row("default_limit", None, "Rows of a list without `limit`", 1..=100_000, |s| {
        Field::Rows(&mut s.default_limit)
    }),
    row("max_limit", None, "Largest `limit` of a list", 1..=100_000, |s| {
        Field::Rows(&mut s.max_limit)
    }),
    row("query.max_brackets", None, "Nesting of brackets, before parsing", 1..=200, |s| {
        Field::Count(&mut s.query_limits.max_brackets)
    }),
    row("query.max_tokens", None, "Tokens of a document", PIECES, |s| {
        Field::Count(&mut s.query_limits.max_tokens)
    }),
    row("query.max_depth", None, "Nesting of selections", 1..=100, |s| {
        Field::Count(&mut s.query_limits.max_depth)
    }),
    row("query.max_root_fields", None, "Fields at the root", PIECES, |s| {
        Field::Count(&mut s.query_limits.max_root_fields)
    }),
    row("query.max_aliases", None, "Aliases in a document", PIECES, |s| {
        Field::Count(&mut s.query_limits.max_aliases)
    }),
    row("query.max_directives", None, "Directives in a document", PIECES, |s| {
        Field::Count(&mut s.query_limits.max_directives)
    }),
    row("query.max_cost", None, "Fields times rows of a document", 1..=1 << 40, |s| {
        Field::Cost(&mut s.query_limits.max_cost)
    }),
    row("query.max_filter_depth", None, "Nesting of a filter", 1..=100, |s| {
        Field::Count(&mut s.query_limits.max_filter_depth)
    }),
    row("query.max_predicates", None, "Comparisons in a filter", 1..=900, |s| {
        Field::Count(&mut s.query_limits.max_predicates)
    }),
    row("query.max_in_values", None, "Values of one `_in`", 1..=30_000, |s| {
        Field::Count(&mut s.query_limits.max_in_values)
    }),
    row("query.max_sort_keys", None, "Keys of one `orderBy`", 1..=64, |s| {
        Field::Count(&mut s.query_limits.max_sort_keys)
    }),
    row(
        "api_key_salt",
        Some("API_KEY_SALT"),
        "Mixed into the hash of API keys; not set: made once and kept in the data folder",
        ANY,
        |s| Field::Secret { text: &mut s.api_key_salt, min_chars: 16 },
    ),
    row("admin_key", None, "A first admin key that a script knows beforehand", ANY, |s| {
        Field::Secret { text: &mut s.admin_key, min_chars: 32 }
    }),
    row("jwt.secret", None, "What HS256 tokens are signed with", ANY, |s| Field::Secret {
        text: &mut s.jwt.secret,
        min_chars: 32,
    }),
    row(
        "jwt.jwks",
        None,
        "Keys that RS256, ES256 and EdDSA tokens are checked with: a file, or an https address",
        ANY,
        |s| Field::Text(&mut s.jwt.jwks),
    ),
    row("jwt.algorithms", None, "The only algorithms that tokens may use", ANY, |s| {
        Field::Algorithms(&mut s.jwt.algorithms)
    }),
    row("jwt.issuer", None, "What a token's iss must be", ANY, |s| Field::Text(&mut s.jwt.issuer)),
    row("jwt.audience", None, "What a token's aud must have in it", ANY, |s| {
        Field::Text(&mut s.jwt.audience)
    }),
    row("jwt.leeway", None, "How far the clocks of issuers may differ", 1..=30_000, |s| {
        Field::Time(&mut s.jwt.leeway)
    }),
    row(
        "jwt.workspace_claim",
        None,
        "The claim that names the workspace; not set: the first workspace",
        ANY,
        |s| Field::Text(&mut s.jwt.workspace_claim),
    ),
    row("jwt.scope_claim", None, "The claim that holds the scope", ANY, |s| {
        Field::Name(&mut s.jwt.scope_claim)
    }),
    row(
        "jwt.default_scope",
        None,
        "The scope of tokens without that claim; not set: they are refused",
        ANY,
        |s| Field::Scope(&mut s.jwt.default_scope),
    ),
    row("jwt.role_claim", None, "The claim that holds the role", ANY, |s| {
        Field::Name(&mut s.jwt.role_claim)
    }),
    row("jwt.datasets_claim", None, "The claim that lists the only datasets", ANY, |s| {
        Field::Name(&mut s.jwt.datasets_claim)
    }),
    row("audit.reads", None, "on: the audit log holds reads, too; or off", ANY, |s| {
        Field::Switch(&mut s.audit.has_reads)
    }),
    row("audit.retention", None, "How long the audit log keeps a line", AGES, |s| {
        Field::Time(&mut s.audit.retention)
    }),
    row("log", None, "What is logged: a level, or target=level pairs", ANY, |s| {
        Field::LogFilter(&mut s.log)
    }),
    row("log_format", None, "auto (text on a terminal, else JSON), text or json", ANY, |s| {
        Field::LogFormat(&mut s.log_format)
    }),
];

const fn row(
    name: &'static str,
    bare_name: Option<&'static str>,
    help: &'static str,
    range: RangeInclusive<u64>,
    field: fn(&mut Settings) -> Field<'_>,
) -> Spec {
    Spec { name, bare_name, help, range, field }
}

impl Spec {
    /// The row of a name, as `sluice.toml` writes it.
    pub(super) fn find(name: &str) -> Option<&'static Spec> {
        ALL.iter().find(|spec| spec.name == name)
    }

    /// The name in the environment.
    pub(super) fn env_name(&self) -> String {
        format!("SLUICE_{}", self.name.to_ascii_uppercase().replace('.', "_"))
    }

    /// Whether the text itself must never be shown, not even in an error.
    pub(super) fn is_secret(&self) -> bool {
        let mut settings = Settings::default();
        matches!((self.field)(&mut settings), Field::Secret { .. } | Field::DatabaseUrl(_))
    }

    /// Sets the field, or says what was expected.
    pub(super) fn set(&self, settings: &mut Settings, text: &str) -> Result<(), String> {
        let text = text.trim();
        let count = || parse_in(&self.range, units::parse_whole(text)).ok_or(());
        let size = || parse_in(&self.range, units::parse_size(text)).ok_or(());
        let outcome = match (self.field)(settings) {
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
            Field::Time(field) => {
                let n_ms = units::parse_time(text).and_then(|t| u64::try_from(t.as_millis()).ok());
                let n_ms = parse_in(&self.range, n_ms).ok_or(());
                n_ms.map(|n| *field = Duration::from_millis(n))
            }
            Field::Address(field) => parse_address(text).map(|address| *field = address).ok_or(()),
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
            Field::Origins(field) => parse_origins(text).map(|origins| *field = origins).ok_or(()),
            Field::LogFilter(field) => {
                let filter = tracing_subscriber::EnvFilter::builder().parse(text);
                filter.map(|_| text.clone_into(field)).map_err(drop)
            }
            Field::LogFormat(field) => {
                let format = match text.to_ascii_lowercase().as_str() {
                    "auto" => Some(LogFormat::Auto),
                    "text" => Some(LogFormat::Text),
                    "json" => Some(LogFormat::Json),
                    _ => None,
                };
                format.map(|format| *field = format).ok_or(())
            }
            Field::Documents(field) => {
                let mode = match text.to_ascii_lowercase().as_str() {
                    "any" => Some(DocumentMode::Any),
                    "trusted" => Some(DocumentMode::Trusted),
                    _ => None,
                };
                mode.map(|mode| *field = mode).ok_or(())
            }
            Field::Text(field) => {
                *field = Some(text.to_owned()).filter(|text| !text.is_empty());
                Ok(())
            }
            Field::Name(field) => (!text.is_empty()).then(|| text.clone_into(field)).ok_or(()),
            Field::Algorithms(field) => {
                JwtAlgorithm::parse_list(text).map(|list| *field = list).ok_or(())
            }
            Field::Scope(field) => match text.to_ascii_lowercase().as_str() {
                "" | "none" => Ok(None),
                "read" => Ok(Some(Scope::Read)),
                "write" => Ok(Some(Scope::Write)),
                "upload" => Ok(Some(Scope::Upload)),
                _ => Err(()),
            }
            .map(|scope| *field = scope),
            Field::Switch(field) => {
                let is_on = match text.to_ascii_lowercase().as_str() {
                    "on" | "true" => Some(true),
                    "off" | "false" => Some(false),
                    _ => None,
                };
                is_on.map(|is_on| *field = is_on).ok_or(())
            }
        };
        outcome.map_err(|()| self.expected())
    }

    /// What the text must look like.
    pub(super) fn expected(&self) -> String {
        let (low, high) = (*self.range.start(), *self.range.end());
        match (self.field)(&mut Settings::default()) {
            Field::Size(_) | Field::MemorySize(_) => format!(
                "a size from {} to {}, like 512KiB, 64MiB or 1GiB",
                units::show_size(low),
                units::show_size(high)
            ),
            Field::Count(_) | Field::Cost(_) | Field::Connections(_) | Field::Rows(_) => {
                format!("a whole number from {low} to {high}")
            }
            Field::Time(_) => format!(
                "a time from {} to {}, like 500ms, 30s or 5m",
                units::show_time(Duration::from_millis(low)),
                units::show_time(Duration::from_millis(high))
            ),
            Field::Address(_) => {
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
            Field::Origins(_) => {
                "origins separated by commas, like https://app.example.com,http://localhost:5173"
                    .to_owned()
            }
            Field::LogFilter(_) => {
                "error, warn, info, debug, trace, or pairs like info,sluice::ingest=debug"
                    .to_owned()
            }
            Field::LogFormat(_) => "auto, text or json".to_owned(),
            Field::Documents(_) => "any or trusted".to_owned(),
            Field::Switch(_) => "on or off".to_owned(),
            Field::Text(_) | Field::Name(_) => "a text".to_owned(),
            Field::Algorithms(_) => "some of HS256,RS256,ES256,EdDSA".to_owned(),
            Field::Scope(_) => "read, write, upload or none".to_owned(),
        }
    }

    /// The value for people; secrets hidden, empty when nothing is set.
    pub(super) fn shown(&self, settings: &Settings) -> String {
        match (self.field)(&mut settings.clone()) {
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
            Field::Folder(field) => field.display().to_string(),
            Field::DatabaseUrl(field) => field.as_deref().map_or_else(String::new, hide_password),
            Field::Secret { text, .. } => {
                if text.is_some() {
                    "(hidden)".to_owned()
                } else {
                    String::new()
                }
            }
            Field::Origins(field) => field.join(","),
            Field::LogFilter(field) => field.clone(),
            Field::LogFormat(field) => format!("{field:?}").to_ascii_lowercase(),
            Field::Documents(field) => format!("{field:?}").to_ascii_lowercase(),
            Field::Text(field) => field.clone().unwrap_or_default(),
            Field::Name(field) => field.clone(),
            Field::Algorithms(field) => JwtAlgorithm::show_list(field),
            Field::Scope(field) => {
                field.map_or_else(String::new, |scope| format!("{scope:?}").to_ascii_lowercase())
            }
            Field::Switch(is_on) => if *is_on { "on" } else { "off" }.to_owned(),
        }
    }
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
