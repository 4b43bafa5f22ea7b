//! Turns defaults, `sluice.toml`, `.env`, `SLUICE_*` and flags into one set of settings.
//!
//! Each value is remembered with where it came from, so that `sluice config` can say why something
//! is as it is. Nothing here opens a file of the data folder or a connection, and secrets are never
//! printed.

mod field;
mod jwt;
mod load;
mod network;
mod production;
mod rate;
mod reload;
mod schedule;
mod secret;
mod table;
mod units;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

pub use self::jwt::{JwtAlgorithm, JwtSettings};
pub use self::load::{Loaded, Origin, SettingsError, Sources, load};
pub use self::network::{Network, split_host};
pub use self::production::dangers;
pub use self::rate::Rate;
pub use self::reload::{Changes, changes};
pub use self::schedule::Schedule;
pub use self::secret::Secret;
pub use self::units::parse_time;

/// Everything that can be set, with its value in force.
#[derive(Clone)]
pub struct Settings {
    /// Whom the server is for.
    pub environment: Environment,
    /// Whether everything is logged; never in production.
    pub debug: bool,
    /// Where HTTP is served.
    pub listen: SocketAddr,
    /// How TLS is spoken there, if at all.
    pub tls: TlsSettings,
    /// Where the numbers are served to whoever reaches it.
    pub metrics_listen: Option<SocketAddr>,
    /// Whether other processes may listen at the same address.
    pub reuse_port: bool,
    /// The folder of the embedded store, the sources and the spool.
    pub data_dir: PathBuf,
    /// `postgres://…` for PostgreSQL; `None` for the embedded store.
    pub database_url: Option<String>,
    /// Whether the embedded store keeps columns beside rows, for questions over all of them.
    pub columnar: bool,
    /// Rows below which a dataset has none: it is read in no time.
    pub columnar_min_rows: usize,
    /// Largest upload, bytes.
    pub max_upload_bytes: u64,
    /// Largest JSON request body, bytes.
    pub max_body_bytes: usize,
    /// Rows a list answers when `limit` is not given.
    pub default_limit: i64,
    /// Largest `limit`.
    pub max_limit: i64,
    /// Most rows that one mutation adds, changes or removes.
    pub max_write_rows: i64,
    /// Whether all root fields of a mutation are one transaction.
    pub mutation_transaction: bool,
    /// What one GraphQL document may ask for.
    pub query_limits: QueryLimits,
    /// Time that one SQL statement may take.
    pub statement_timeout: Duration,
    /// Requests that take longer are kept for admins to see, and logged.
    pub slow_after: Duration,
    /// Connections to PostgreSQL for data.
    pub pool_size: u32,
    /// Threads that read the embedded store's data.
    pub reader_threads: usize,
    /// Memory for answers that are kept, bytes; 0 keeps none.
    pub response_cache_bytes: u64,
    /// Which indexes are built without being asked for.
    pub indexes: IndexPolicy,
    /// How much of what datasets were is kept.
    pub history: HistorySettings,
    /// Memory for documents that clients of one workspace name by their hash, bytes; 0 keeps none.
    pub persisted_documents_bytes: u64,
    /// Size of one workspace's list of trusted documents, bytes.
    pub max_documents_bytes: usize,
    /// Which documents are served.
    pub documents: DocumentMode,
    /// To whom `__schema`, `__type` and the schema's document are answered.
    pub introspection: Introspection,
    /// Whether the browser app is served.
    pub playground: bool,
    /// Jobs at work at once.
    pub load_concurrency: usize,
    /// What a file may cost, and how many of its refused rows are kept.
    pub file_limits: sluice_schema::Limits,
    /// Time that running requests get to end after SIGTERM.
    pub shutdown_grace: Duration,
    /// Time that a client may take to send a request's headers, and that a connection may idle.
    pub header_timeout: Duration,
    /// Time without a byte after which a request's body is given up.
    pub body_idle_timeout: Duration,
    /// Time that a whole body may take, unless it is an upload.
    pub body_timeout: Duration,
    /// Bytes a second that an upload must bring once `body_timeout` was spent waiting for it.
    pub min_upload_rate: u64,
    /// Largest sum of a request's headers, bytes.
    pub max_header_bytes: usize,
    /// Connections served at once; more wait in the listener's queue.
    pub max_connections: usize,
    /// How subscriptions are kept.
    pub live: LiveSettings,
    /// Names that requests may ask for; empty: those of this machine, or any where the server
    /// listens to others.
    pub allowed_hosts: Vec<String>,
    /// Proxies whose word about a client's address is believed.
    pub trusted_proxies: Vec<Network>,
    /// How often clients may ask.
    pub rates: RatePolicy,
    /// Origins whose pages may call the API from a browser; none by default.
    pub allowed_origins: Vec<String>,
    /// Mixed into the hash of every API key; made and kept in the data folder when not given.
    pub api_key_salt: Option<Secret>,
    /// Signs what clients bring back, like cursors; made and kept in the data folder when not given.
    pub secret_key: Option<Secret>,
    /// Secret keys of former times, whose signatures are still taken.
    pub secret_key_previous: Vec<Secret>,
    /// A first admin key that is known beforehand, for scripts.
    pub admin_key: Option<Secret>,
    /// Which tokens of other issuers are trusted.
    pub jwt: JwtSettings,
    /// What the audit log holds, and for how long.
    pub audit: AuditSettings,
    /// How webhooks are told.
    pub webhooks: WebhookSettings,
    /// Where spans of requests are sent, by OTLP over HTTP; nowhere if not given.
    pub otlp_endpoint: Option<String>,
    /// Time between two tellings of numbers to that collector.
    pub otlp_every: Duration,
    /// Where errors are sent, by Sentry's protocol; nowhere if not given.
    pub sentry_dsn: Option<Secret>,
    /// How files of rows are made.
    pub exports: ExportSettings,
    /// Where backups go, and when.
    pub backup: BackupSettings,
    /// Which events are logged: a level, or `target=level` pairs.
    pub log: String,
    /// How events are logged.
    pub log_format: LogFormat,
    /// The file that events go to; standard error if not given.
    pub log_file: Option<String>,
    /// When that file is set aside and another one begun.
    pub log_rotation: LogRotation,
    /// How many files that were set aside are kept.
    pub log_keep: usize,
}

/// How TLS is spoken.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TlsSettings {
    /// The file of the chain of certificates, PEM; with the key, or neither.
    pub certificate: Option<String>,
    /// The file of its private key, PEM.
    pub key: Option<String>,
    /// Where who asks without TLS is sent on.
    pub redirect_listen: Option<SocketAddr>,
}

/// How subscriptions are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LiveSettings {
    /// Subscriptions that one WebSocket may have.
    pub max_per_connection: usize,
    /// Subscriptions that one key may have on a node, whatever they come over.
    pub max_per_key: usize,
    /// Shortest time between two answers of a live query.
    pub interval: Duration,
    /// Time between two signs of life to a client.
    pub ping_every: Duration,
    /// Time in which a client must take something of what it is sent.
    pub send_timeout: Duration,
}

impl Default for LiveSettings {
    fn default() -> LiveSettings {
        LiveSettings {
            max_per_connection: 100,
            max_per_key: 1_000,
            interval: Duration::from_millis(250),
            ping_every: Duration::from_secs(30),
            send_timeout: Duration::from_secs(10),
        }
    }
}

/// What one GraphQL document may ask for; every limit is checked before any SQL runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueryLimits {
    /// Nesting of any bracket in the document or its variables, counted before parsing.
    pub max_brackets: usize,
    /// Tokens of the document, counted before parsing.
    pub max_tokens: usize,
    /// Nesting of selections, fragments included.
    pub max_depth: usize,
    /// Fields at the root of the operation.
    pub max_root_fields: usize,
    /// Aliases in the document.
    pub max_aliases: usize,
    /// Directives in the document.
    pub max_directives: usize,
    /// Fields times the rows that they may answer.
    pub max_cost: u64,
    /// Nesting of `_and`, `_or`, `_not` in a filter.
    pub max_filter_depth: usize,
    /// Comparisons in a filter.
    pub max_predicates: usize,
    /// Values of one `_in` or `_nin`.
    pub max_in_values: usize,
    /// Keys of one `orderBy`.
    pub max_sort_keys: usize,
}

/// Which indexes are built without being asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IndexPolicy {
    /// Whether what is often filtered and sorted by gets an index.
    pub is_automatic: bool,
    /// Whether a dataset that is searched by words gets an index for that.
    pub is_search_on_demand: bool,
    /// Time between two looks at what queries did.
    pub look_every: Duration,
    /// Rows below which a dataset needs none.
    pub min_rows: usize,
    /// Slow runs of a kind of question before it gets one.
    pub min_uses: usize,
    /// Automatic indexes of one dataset.
    pub max_count: usize,
    /// Percent of a dataset's own size that its automatic indexes may take together.
    pub max_percent: usize,
    /// Time without use after which an automatic index is dropped.
    pub unused_after: Duration,
}

impl Default for IndexPolicy {
    fn default() -> IndexPolicy {
        IndexPolicy {
            is_automatic: true,
            is_search_on_demand: true,
            look_every: Duration::from_secs(10),
            min_rows: 10_000,
            min_uses: 20,
            max_count: 6,
            max_percent: 100,
            unused_after: Duration::from_secs(14 * 24 * 3_600),
        }
    }
}

/// How much of what datasets were is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HistorySettings {
    /// Versions of a dataset, at most; with 0 or 1 only the present one.
    pub versions: usize,
    /// How long a version is kept.
    pub age: Duration,
    /// Time between two looks at what is to be forgotten.
    pub look_every: Duration,
}

impl Default for HistorySettings {
    fn default() -> HistorySettings {
        HistorySettings {
            versions: 20,
            age: Duration::from_secs(30 * 24 * 3_600),
            look_every: Duration::from_secs(60),
        }
    }
}

/// What the audit log holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuditSettings {
    /// Whether reads are written down, too.
    pub has_reads: bool,
    /// How long lines are kept.
    pub retention: Duration,
}

impl Default for AuditSettings {
    fn default() -> AuditSettings {
        AuditSettings { has_reads: false, retention: Duration::from_secs(90 * 24 * 3_600) }
    }
}

/// How files of rows are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExportSettings {
    /// Time that one may take, its sending included.
    pub timeout: Duration,
    /// Exports at work at once on a node; others wait.
    pub concurrency: usize,
    /// How long the files of jobs are kept.
    pub keep: Duration,
}

impl Default for ExportSettings {
    fn default() -> ExportSettings {
        let hours = |n: u64| Duration::from_secs(n * 3_600);
        ExportSettings { timeout: hours(1), concurrency: 2, keep: hours(24) }
    }
}

/// Where backups go, and when.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BackupSettings {
    /// A folder, or `s3://bucket/prefix`.
    pub to: Option<String>,
    /// When the server makes one by itself, a cron expression in UTC.
    pub schedule: Option<Schedule>,
    /// How long they are kept; for ever without.
    pub keep: Option<Duration>,
}

/// How webhooks are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WebhookSettings {
    /// Whether this machine and private networks may be called.
    pub allow_private: bool,
    /// Time that an answer may take.
    pub timeout: Duration,
    /// The pause after the first failure; it doubles.
    pub first_retry: Duration,
    /// The longest pause.
    pub max_retry: Duration,
    /// Attempts until a delivery is given up.
    pub max_attempts: usize,
    /// Time since its first attempt until it is given up.
    pub give_up_after: Duration,
    /// Deliveries in a row that are given up until the webhook is disabled.
    pub disable_after: usize,
    /// Requests at once.
    pub concurrency: usize,
    /// How long deliveries are kept that were taken or given up.
    pub log_retention: Duration,
    /// How many of them are kept of one webhook.
    pub log_deliveries: usize,
}

impl Default for WebhookSettings {
    fn default() -> WebhookSettings {
        WebhookSettings {
            allow_private: false,
            timeout: Duration::from_secs(10),
            first_retry: Duration::from_secs(1),
            max_retry: Duration::from_secs(3_600),
            max_attempts: 40,
            give_up_after: Duration::from_secs(24 * 3_600),
            disable_after: 5,
            concurrency: 8,
            log_retention: Duration::from_secs(30 * 24 * 3_600),
            log_deliveries: 1_000,
        }
    }
}

/// How often clients may ask, and what counts how much.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RatePolicy {
    /// Whether anybody is ever asked to wait.
    pub is_on: bool,
    /// Requests and queries of one key.
    pub reads: Rate,
    /// Fields of mutations of one key.
    pub writes: Rate,
    /// Files of one key.
    pub uploads: Rate,
    /// Files of one key that are looked at and not kept.
    pub inspections: Rate,
    /// Requests with a wrong key or none from one address.
    pub failed_sign_ins: Rate,
    /// How many times a key's share a workspace has for all its keys.
    pub workspace_keys: u32,
    /// Cells of a query that count as one read more.
    pub cells_per_read: u64,
}

impl Default for RatePolicy {
    fn default() -> RatePolicy {
        RatePolicy {
            is_on: true,
            reads: Rate::new(100, 1, 200),
            writes: Rate::new(20, 1, 20),
            uploads: Rate::new(60, 3_600, 60),
            inspections: Rate::new(600, 3_600, 60),
            failed_sign_ins: Rate::new(10, 60, 10),
            workspace_keys: 5,
            cells_per_read: 10_000,
        }
    }
}

/// Whom the server is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Environment {
    /// The people at this machine.
    #[default]
    Development,
    /// Strangers: nothing is served that is not safe, and errors are terse.
    Production,
}

/// To whom the schema is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Introspection {
    /// To everybody with a key.
    #[default]
    On,
    /// To admins.
    Admins,
    /// To nobody; its document to admins.
    Off,
}

/// Which documents are served.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DocumentMode {
    /// Every valid one.
    #[default]
    Any,
    /// To all but admins, those of the workspace's list of trusted documents.
    Trusted,
}

/// How events are logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// Text on a terminal, JSON otherwise.
    Auto,
    /// One line for people per event.
    Text,
    /// One JSON object per event.
    Json,
}

/// When a file of the log is set aside and another one begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogRotation {
    /// At midnight, UTC.
    Daily,
    /// At the full hour.
    Hourly,
    /// By somebody else, or not at all.
    Never,
    /// Before it would be larger than so many bytes.
    Size(u64),
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            environment: Environment::Development,
            debug: false,
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            tls: TlsSettings::default(),
            metrics_listen: None,
            reuse_port: false,
            data_dir: PathBuf::from("sluice-data"),
            database_url: None,
            columnar: true,
            columnar_min_rows: 1_000,
            max_upload_bytes: 1 << 30,
            max_body_bytes: 1 << 20,
            default_limit: 50,
            max_limit: 1_000,
            max_write_rows: 10_000,
            mutation_transaction: true,
            query_limits: QueryLimits::default(),
            statement_timeout: Duration::from_secs(10),
            slow_after: Duration::from_secs(1),
            pool_size: 8,
            reader_threads: std::thread::available_parallelism().map_or(2, usize::from).min(16),
            response_cache_bytes: 64 << 20,
            indexes: IndexPolicy::default(),
            history: HistorySettings::default(),
            persisted_documents_bytes: 4 << 20,
            max_documents_bytes: 8 << 20,
            documents: DocumentMode::Any,
            introspection: Introspection::On,
            playground: true,
            load_concurrency: 2,
            file_limits: sluice_schema::Limits::default(),
            shutdown_grace: Duration::from_secs(30),
            header_timeout: Duration::from_secs(10),
            body_idle_timeout: Duration::from_secs(10),
            body_timeout: Duration::from_secs(30),
            min_upload_rate: 1 << 10,
            max_header_bytes: 16 << 10,
            max_connections: 1_024,
            live: LiveSettings::default(),
            allowed_hosts: Vec::new(),
            trusted_proxies: Vec::new(),
            rates: RatePolicy::default(),
            allowed_origins: Vec::new(),
            api_key_salt: None,
            secret_key: None,
            secret_key_previous: Vec::new(),
            admin_key: None,
            jwt: JwtSettings::default(),
            audit: AuditSettings::default(),
            webhooks: WebhookSettings::default(),
            otlp_endpoint: None,
            otlp_every: Duration::from_secs(60),
            sentry_dsn: None,
            exports: ExportSettings::default(),
            backup: BackupSettings::default(),
            log: "info".to_owned(),
            log_format: LogFormat::Auto,
            log_file: None,
            log_rotation: LogRotation::Daily,
            log_keep: 14,
        }
    }
}

impl Settings {
    /// Whether the server is for strangers.
    pub fn is_production(&self) -> bool {
        self.environment == Environment::Production
    }
}

impl Default for QueryLimits {
    fn default() -> QueryLimits {
        QueryLimits {
            max_brackets: 64,
            max_tokens: 10_000,
            max_depth: 15,
            max_root_fields: 50,
            max_aliases: 100,
            max_directives: 50,
            max_cost: 100_000,
            max_filter_depth: 10,
            max_predicates: 200,
            max_in_values: 10_000,
            max_sort_keys: 8,
        }
    }
}

impl std::fmt::Debug for Settings {
    /// Prints every setting as `sluice config` does: secrets and passwords hidden.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut map = f.debug_map();
        for spec in table::ALL {
            map.entry(&spec.name, &spec.shown(self));
        }
        map.finish()
    }
}
