//! The table of all settings: name, meaning, unit, bounds, and the field that each one sets.
//!
//! One row here is all that a new setting needs: the file, the environment, the flags, the errors
//! and `sluice config` follow from it. Nothing here reads a file or the environment.

use std::ops::RangeInclusive;

use super::Settings;
use super::field::Field;

/// One row of the table.
pub(super) struct Spec {
    /// The name in `sluice.toml`; `SLUICE_` and its upper-case form in the environment.
    pub(super) name: &'static str,
    /// Further, unprefixed names in the environment, weaker than `SLUICE_…`; the last one is the
    /// strongest.
    pub(super) bare_names: &'static [&'static str],
    /// What it is for, one sentence.
    pub(super) help: &'static str,
    /// What a number may be, in bytes, milliseconds or pieces.
    range: RangeInclusive<u64>,
    field: fn(&mut Settings) -> Field<'_>,
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
pub(super) static ALL: &[Spec] = &[
    row("env", &[], "development, or production: refuses to start unsafely", ANY, |s| {
        Field::Environment(&mut s.environment)
    }),
    row("debug", &["DEBUG"], "on: logs at level debug; refused in production", ANY, |s| {
        Field::Switch(&mut s.debug)
    }),
    row("listen", &[], "Where HTTP is served", ANY, |s| Field::Address(&mut s.listen)),
    row("tls.certificate", &[], "The certificates that listen speaks TLS with, PEM", ANY, |s| {
        Field::Text(&mut s.tls.certificate)
    }),
    row("tls.key", &[], "The file of their private key, PEM", ANY, |s| Field::Text(&mut s.tls.key)),
    row(
        "tls.redirect_listen",
        &[],
        "Where plain HTTP is sent on to https; not set: nowhere",
        ANY,
        |s| Field::OptionalAddress(&mut s.tls.redirect_listen),
    ),
    row(
        "metrics_listen",
        &[],
        "Where /metrics is served without a key; not set: only at listen, with one",
        ANY,
        |s| Field::OptionalAddress(&mut s.metrics_listen),
    ),
    row(
        "reuse_port",
        &[],
        "on: a new process may listen beside the old one (PostgreSQL only); or off",
        ANY,
        |s| Field::Switch(&mut s.reuse_port),
    ),
    row("data_dir", &[], "The folder of the embedded store, the sources and the spool", ANY, |s| {
        Field::Folder(&mut s.data_dir)
    }),
    row(
        "database_url",
        &["DATABASE_URL"],
        "postgres://… to keep everything in PostgreSQL; not set: the embedded store",
        ANY,
        |s| Field::DatabaseUrl(&mut s.database_url),
    ),
    row("max_upload_size", &["MAX_UPLOAD_SIZE"], "Largest uploaded file", SIZES, |s| {
        Field::Size(&mut s.max_upload_bytes)
    }),
    row("max_body_size", &[], "Largest JSON request body", MEMORY_SIZES, |s| {
        Field::MemorySize(&mut s.max_body_bytes)
    }),
    row("max_header_size", &[], "Largest sum of a request's headers", 1_024..=131_072, |s| {
        Field::MemorySize(&mut s.max_header_bytes)
    }),
    row("header_timeout", &[], "Time to send headers, and to idle", TIMES, |s| {
        Field::Time(&mut s.header_timeout)
    }),
    row("body_idle_timeout", &[], "Time without a byte that ends a request", TIMES, |s| {
        Field::Time(&mut s.body_idle_timeout)
    }),
    row("body_timeout", &[], "Time for the body of all but uploads", TIMES, |s| {
        Field::Time(&mut s.body_timeout)
    }),
    row(
        "min_upload_rate",
        &[],
        "Bytes a second below which an upload ends, once body_timeout is over; 0 takes any",
        0..=1 << 30,
        |s| Field::Size(&mut s.min_upload_rate),
    ),
    row("max_connections", &[], "Connections served at once", PIECES, |s| {
        Field::Count(&mut s.max_connections)
    }),
    row("live.max_per_connection", &[], "Subscriptions of one WebSocket", PIECES, |s| {
        Field::Count(&mut s.live.max_per_connection)
    }),
    row("live.max_per_key", &[], "Subscriptions of one key on a node", PIECES, |s| {
        Field::Count(&mut s.live.max_per_key)
    }),
    row("live.interval", &[], "Shortest time between two answers of a live query", TIMES, |s| {
        Field::Time(&mut s.live.interval)
    }),
    row("live.ping", &[], "Time between two signs of life to a subscriber", TIMES, |s| {
        Field::Time(&mut s.live.ping_every)
    }),
    row(
        "live.send_timeout",
        &[],
        "Time in which a subscriber must take something of what it is sent",
        TIMES,
        |s| Field::Time(&mut s.live.send_timeout),
    ),
    row(
        "allowed_hosts",
        &["ALLOWED_HOSTS"],
        "Names that Host may have, separated by commas; .example.com for all below, * for any",
        ANY,
        |s| Field::Hosts(&mut s.allowed_hosts),
    ),
    row(
        "allowed_origins",
        &["ALLOWED_ORIGINS", "CORS_ALLOWED_ORIGINS"],
        "Origins whose pages may call the API, separated by commas",
        ANY,
        |s| Field::Origins(&mut s.allowed_origins),
    ),
    row(
        "trusted_proxies",
        &[],
        "Addresses of proxies whose X-Forwarded-For or Forwarded is believed, like 10.0.0.0/8",
        ANY,
        |s| Field::Networks(&mut s.trusted_proxies),
    ),
    row("rate_limit", &[], "on, or off: nobody is asked to wait", ANY, |s| {
        Field::Switch(&mut s.rates.is_on)
    }),
    row("rate.reads", &[], "Requests and queries of one key", ANY, |s| {
        Field::Rate(&mut s.rates.reads)
    }),
    row("rate.writes", &[], "Fields of mutations of one key", ANY, |s| {
        Field::Rate(&mut s.rates.writes)
    }),
    row("rate.uploads", &[], "Files of one key", ANY, |s| Field::Rate(&mut s.rates.uploads)),
    row("rate.inspections", &[], "Files of one key that are only looked at", ANY, |s| {
        Field::Rate(&mut s.rates.inspections)
    }),
    row("rate.failed_sign_ins", &[], "Wrong or missing keys of one address", ANY, |s| {
        Field::Rate(&mut s.rates.failed_sign_ins)
    }),
    row(
        "rate.workspace_keys",
        &[],
        "How many times what one key may do all keys of a workspace may do together",
        1..=1_000,
        |s| Field::Connections(&mut s.rates.workspace_keys),
    ),
    row(
        "rate.cells_per_read",
        &[],
        "Cells (fields times rows) that make a query count as one read more",
        1..=1 << 40,
        |s| Field::Cost(&mut s.rates.cells_per_read),
    ),
    row(
        "shutdown_grace",
        &[],
        "Time that requests, jobs and deliveries have together after SIGTERM",
        TIMES,
        |s| Field::Time(&mut s.shutdown_grace),
    ),
    row("statement_timeout", &[], "Time that one SQL statement may take", TIMES, |s| {
        Field::Time(&mut s.statement_timeout)
    }),
    row(
        "slow_after",
        &[],
        "Requests that take longer are logged and shown to admins",
        TIMES,
        |s| Field::Time(&mut s.slow_after),
    ),
    row("pool_size", &[], "Connections to PostgreSQL for data", 1..=1_000, |s| {
        Field::Connections(&mut s.pool_size)
    }),
    row("reader_threads", &[], "Threads that read the embedded store", 1..=256, |s| {
        Field::Count(&mut s.reader_threads)
    }),
    row(
        "response_cache_size",
        &[],
        "Memory for answers that are kept; 0 keeps none",
        0..=1 << 36,
        |s| Field::Size(&mut s.response_cache_bytes),
    ),
    row(
        "columnar",
        &[],
        "on: questions over all rows are answered from columns; or off",
        ANY,
        |s| Field::Switch(&mut s.columnar),
    ),
    row("columnar_min_rows", &[], "Rows below which a dataset has no columns", ROWS, |s| {
        Field::Count(&mut s.columnar_min_rows)
    }),
    row("index.automatic", &[], "on, or off: only asked-for indexes are built", ANY, |s| {
        Field::Switch(&mut s.indexes.is_automatic)
    }),
    row("index.search", &[], "on: searched datasets get an index of words; or off", ANY, |s| {
        Field::Switch(&mut s.indexes.is_search_on_demand)
    }),
    row("index.look_every", &[], "Time between two looks at what queries need", TIMES, |s| {
        Field::Time(&mut s.indexes.look_every)
    }),
    row("index.min_rows", &[], "Rows below which no index is built by itself", ROWS, |s| {
        Field::Count(&mut s.indexes.min_rows)
    }),
    row("index.min_uses", &[], "Slow queries of a kind before it gets an index", PIECES, |s| {
        Field::Count(&mut s.indexes.min_uses)
    }),
    row("index.max_count", &[], "Automatic indexes of one dataset", 0..=14, |s| {
        Field::Count(&mut s.indexes.max_count)
    }),
    row(
        "index.max_percent",
        &[],
        "What automatic indexes may take, percent of the dataset's size",
        0..=1_000,
        |s| Field::Count(&mut s.indexes.max_percent),
    ),
    row("index.unused_after", &[], "Time without use that ends an automatic index", YEAR, |s| {
        Field::Time(&mut s.indexes.unused_after)
    }),
    row("history.versions", &[], "Versions of a dataset that are kept", 0..=1_000, |s| {
        Field::Count(&mut s.history.versions)
    }),
    row("history.age", &[], "How long a version is kept", YEAR, |s| {
        Field::Time(&mut s.history.age)
    }),
    row("history.look_every", &[], "Time between two looks at what is too old", TIMES, |s| {
        Field::Time(&mut s.history.look_every)
    }),
    row(
        "persisted_documents_size",
        &[],
        "Memory for documents that clients of a workspace name by hash; 0 keeps none",
        0..=1 << 30,
        |s| Field::Size(&mut s.persisted_documents_bytes),
    ),
    row(
        "max_documents_size",
        &[],
        "Largest list of trusted documents of a workspace",
        MEMORY_SIZES,
        |s| Field::MemorySize(&mut s.max_documents_bytes),
    ),
    row("documents", &[], "any, or trusted: serve only listed documents", ANY, |s| {
        Field::Documents(&mut s.documents)
    }),
    row("introspection", &[], "on, admins, or off: to whom the schema is told", ANY, |s| {
        Field::Introspection(&mut s.introspection)
    }),
    row("playground", &[], "on, or off: no page is served at /", ANY, |s| {
        Field::Switch(&mut s.playground)
    }),
    row("load_concurrency", &[], "Loads at work at once", 1..=64, |s| {
        Field::Count(&mut s.load_concurrency)
    }),
    row("max_rejects", &[], "Refused rows kept of one dataset", 1..=100_000, |s| {
        Field::Count(&mut s.file_limits.max_rejects)
    }),
    row("file.max_unpacked", &[], "Largest file after unpacking", 1_024..=1 << 44, |s| {
        Field::Size(&mut s.file_limits.max_unpacked_bytes)
    }),
    row("file.max_unpack_ratio", &[], "How many times a file may grow", 1..=100_000, |s| {
        Field::Cost(&mut s.file_limits.max_unpack_ratio)
    }),
    row("file.max_members", &[], "Members of an archive", 1..=100_000, |s| {
        Field::Count(&mut s.file_limits.max_members)
    }),
    row("file.max_sheets", &[], "Tables of one file", 1..=10_000, |s| {
        Field::Count(&mut s.file_limits.max_sheets)
    }),
    row("file.max_columns", &[], "Columns of a table; PostgreSQL takes 1600", 1..=2_000, |s| {
        Field::Count(&mut s.file_limits.max_columns)
    }),
    row("file.max_cell", &[], "Largest cell", FILE_SIZES, |s| {
        Field::MemorySize(&mut s.file_limits.max_cell_bytes)
    }),
    row("file.max_record", &[], "Largest row", FILE_SIZES, |s| {
        Field::MemorySize(&mut s.file_limits.max_record_bytes)
    }),
    row("file.max_header", &[], "Largest header", FILE_SIZES, |s| {
        Field::MemorySize(&mut s.file_limits.max_header_bytes)
    }),
    row("default_limit", &[], "Rows of a list without `limit`", 1..=100_000, |s| {
        Field::Rows(&mut s.default_limit)
    }),
    row("max_limit", &[], "Largest `limit` of a list", 1..=100_000, |s| {
        Field::Rows(&mut s.max_limit)
    }),
    row("max_write_rows", &[], "Rows that one mutation may change", 1..=100_000, |s| {
        Field::Rows(&mut s.max_write_rows)
    }),
    row("mutation_transaction", &[], "All fields of a mutation are one transaction", ANY, |s| {
        Field::Switch(&mut s.mutation_transaction)
    }),
    row("query.max_brackets", &[], "Nesting of brackets, before parsing", 1..=200, |s| {
        Field::Count(&mut s.query_limits.max_brackets)
    }),
    row("query.max_tokens", &[], "Tokens of a document", PIECES, |s| {
        Field::Count(&mut s.query_limits.max_tokens)
    }),
    row("query.max_depth", &[], "Nesting of selections", 1..=100, |s| {
        Field::Count(&mut s.query_limits.max_depth)
    }),
    row("query.max_root_fields", &[], "Fields at the root", PIECES, |s| {
        Field::Count(&mut s.query_limits.max_root_fields)
    }),
    row("query.max_aliases", &[], "Aliases in a document", PIECES, |s| {
        Field::Count(&mut s.query_limits.max_aliases)
    }),
    row("query.max_directives", &[], "Directives in a document", PIECES, |s| {
        Field::Count(&mut s.query_limits.max_directives)
    }),
    row("query.max_cost", &[], "Fields times rows of a document", 1..=1 << 40, |s| {
        Field::Cost(&mut s.query_limits.max_cost)
    }),
    row("query.max_filter_depth", &[], "Nesting of a filter", 1..=100, |s| {
        Field::Count(&mut s.query_limits.max_filter_depth)
    }),
    row("query.max_predicates", &[], "Comparisons in a filter", 1..=900, |s| {
        Field::Count(&mut s.query_limits.max_predicates)
    }),
    row("query.max_in_values", &[], "Values of one `_in`", 1..=30_000, |s| {
        Field::Count(&mut s.query_limits.max_in_values)
    }),
    row("query.max_sort_keys", &[], "Keys of one `orderBy`", 1..=64, |s| {
        Field::Count(&mut s.query_limits.max_sort_keys)
    }),
    row(
        "api_key_salt",
        &["API_KEY_SALT"],
        "Mixed into the hash of API keys; not set: made once and kept in the data folder",
        ANY,
        |s| Field::Secret { text: &mut s.api_key_salt, min_chars: 16 },
    ),
    row(
        "secret_key",
        &["SECRET_KEY"],
        "Signs cursors; not set: made once and kept in the data folder",
        ANY,
        |s| Field::Secret { text: &mut s.secret_key, min_chars: 16 },
    ),
    row(
        "secret_key_previous",
        &["SECRET_KEY_PREVIOUS"],
        "Former secret keys whose cursors are still taken, separated by commas",
        ANY,
        |s| Field::Secrets { texts: &mut s.secret_key_previous, min_chars: 16 },
    ),
    row("admin_key", &[], "A first admin key that a script knows beforehand", ANY, |s| {
        Field::Secret { text: &mut s.admin_key, min_chars: 32 }
    }),
    row("jwt.secret", &[], "What HS256 tokens are signed with", ANY, |s| Field::Secret {
        text: &mut s.jwt.secret,
        min_chars: 32,
    }),
    row(
        "jwt.jwks",
        &[],
        "Keys that RS256, ES256 and EdDSA tokens are checked with: a file, or an https address",
        ANY,
        |s| Field::Text(&mut s.jwt.jwks),
    ),
    row("jwt.algorithms", &[], "The only algorithms that tokens may use", ANY, |s| {
        Field::Algorithms(&mut s.jwt.algorithms)
    }),
    row("jwt.issuer", &[], "What a token's iss must be", ANY, |s| Field::Text(&mut s.jwt.issuer)),
    row("jwt.audience", &[], "What a token's aud must have in it", ANY, |s| {
        Field::Text(&mut s.jwt.audience)
    }),
    row("jwt.leeway", &[], "How far the clocks of issuers may differ", 1..=30_000, |s| {
        Field::Time(&mut s.jwt.leeway)
    }),
    row(
        "jwt.workspace_claim",
        &[],
        "The claim that names the workspace; not set: the first workspace",
        ANY,
        |s| Field::Text(&mut s.jwt.workspace_claim),
    ),
    row("jwt.scope_claim", &[], "The claim that holds the scope", ANY, |s| {
        Field::Name(&mut s.jwt.scope_claim)
    }),
    row(
        "jwt.default_scope",
        &[],
        "The scope of tokens without that claim; not set: they are refused",
        ANY,
        |s| Field::Scope(&mut s.jwt.default_scope),
    ),
    row("jwt.role_claim", &[], "The claim that holds the role", ANY, |s| {
        Field::Name(&mut s.jwt.role_claim)
    }),
    row("jwt.datasets_claim", &[], "The claim that lists the only datasets", ANY, |s| {
        Field::Name(&mut s.jwt.datasets_claim)
    }),
    row("audit.reads", &[], "on: the audit log holds reads, too; or off", ANY, |s| {
        Field::Switch(&mut s.audit.has_reads)
    }),
    row("audit.retention", &[], "How long the audit log keeps a line", AGES, |s| {
        Field::Time(&mut s.audit.retention)
    }),
    row(
        "webhook.allow_private",
        &[],
        "on: webhooks may call this machine and private networks; or off",
        ANY,
        |s| Field::Switch(&mut s.webhooks.allow_private),
    ),
    row("webhook.timeout", &[], "Time that the answer to a webhook may take", TIMES, |s| {
        Field::Time(&mut s.webhooks.timeout)
    }),
    row("webhook.first_retry", &[], "Pause after a failed delivery; it doubles", TIMES, |s| {
        Field::Time(&mut s.webhooks.first_retry)
    }),
    row("webhook.max_retry", &[], "Longest pause between two attempts", TIMES, |s| {
        Field::Time(&mut s.webhooks.max_retry)
    }),
    row("webhook.max_attempts", &[], "Attempts until a delivery is given up", PIECES, |s| {
        Field::Count(&mut s.webhooks.max_attempts)
    }),
    row("webhook.give_up_after", &[], "Time until a delivery is given up", YEAR, |s| {
        Field::Time(&mut s.webhooks.give_up_after)
    }),
    row(
        "webhook.disable_after",
        &[],
        "Deliveries given up in a row until the webhook is disabled",
        PIECES,
        |s| Field::Count(&mut s.webhooks.disable_after),
    ),
    row(
        "webhook.concurrency",
        &[],
        "Deliveries sent at once; half of them of one workspace",
        1..=64,
        |s| Field::Count(&mut s.webhooks.concurrency),
    ),
    row("webhook.log_retention", &[], "How long finished deliveries are kept", AGES, |s| {
        Field::Time(&mut s.webhooks.log_retention)
    }),
    row("webhook.log_deliveries", &[], "Deliveries kept of one webhook", PIECES, |s| {
        Field::Count(&mut s.webhooks.log_deliveries)
    }),
    row(
        "otlp.endpoint",
        &[],
        "Where spans go, like http://127.0.0.1:4318; not set: none",
        ANY,
        |s| Field::Text(&mut s.otlp_endpoint),
    ),
    row("otlp.every", &[], "Time between two tellings of numbers by OTLP", TIMES, |s| {
        Field::Time(&mut s.otlp_every)
    }),
    row(
        "sentry_dsn",
        &["SENTRY_DSN"],
        "Where errors go, as Sentry says; not set: nowhere",
        ANY,
        |s| Field::Secret { text: &mut s.sentry_dsn, min_chars: 8 },
    ),
    row("export.timeout", &[], "Time that an export may take", TIMES, |s| {
        Field::Time(&mut s.exports.timeout)
    }),
    row("export.concurrency", &[], "Exports at work at once; others wait", 1..=64, |s| {
        Field::Count(&mut s.exports.concurrency)
    }),
    row("export.keep", &[], "How long the files of exports that are jobs are kept", TIMES, |s| {
        Field::Time(&mut s.exports.keep)
    }),
    row("backup.to", &[], "Where backups go: a folder, or s3://bucket/prefix", ANY, |s| {
        Field::Text(&mut s.backup.to)
    }),
    row(
        "backup.schedule",
        &[],
        "When the server makes one by itself: a cron expression in UTC, like 0 2 * * *",
        ANY,
        |s| Field::Schedule(&mut s.backup.schedule),
    ),
    row("backup.keep", &[], "How long backups are kept; not set: for ever", AGES, |s| {
        Field::Age(&mut s.backup.keep)
    }),
    row("log", &[], "What is logged: a level, or target=level pairs", ANY, |s| {
        Field::LogFilter(&mut s.log)
    }),
    row("log_format", &[], "auto (text on a terminal, else JSON), text or json", ANY, |s| {
        Field::LogFormat(&mut s.log_format)
    }),
    row("log_file", &[], "The file that the log goes to; not set: standard error", ANY, |s| {
        Field::Text(&mut s.log_file)
    }),
    row(
        "log_rotation",
        &[],
        "When another file begins: daily, hourly, never, or at a size",
        1_024..=1 << 40,
        |s| Field::Rotation(&mut s.log_rotation),
    ),
    row("log_keep", &[], "Files of the log that are kept beside it", 0..=10_000, |s| {
        Field::Count(&mut s.log_keep)
    }),
];

const fn row(
    name: &'static str,
    bare_names: &'static [&'static str],
    help: &'static str,
    range: RangeInclusive<u64>,
    field: fn(&mut Settings) -> Field<'_>,
) -> Spec {
    Spec { name, bare_names, help, range, field }
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
        (self.field)(&mut Settings::default()).is_secret()
    }

    /// Sets the field, or says what was expected.
    pub(super) fn set(&self, settings: &mut Settings, text: &str) -> Result<(), String> {
        let outcome = (self.field)(settings).set(text.trim(), &self.range);
        outcome.map_err(|()| (self.field)(&mut Settings::default()).expected(&self.range))
    }

    /// Whether both have the same value, secrets looked at.
    pub(super) fn is_same(&self, one: &Settings, other: &Settings) -> bool {
        let identity = |settings: &Settings| (self.field)(&mut settings.clone()).identity();
        identity(one) == identity(other)
    }

    /// The value for people; secrets hidden, empty when nothing is set.
    pub(super) fn shown(&self, settings: &Settings) -> String {
        (self.field)(&mut settings.clone()).shown()
    }
}
