//! Settings: defaults < `sluice.toml` < `SLUICE_*` < flags, each remembered with where it came from.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// Everything that can be set, with its value in force.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where HTTP is served.
    pub listen: SocketAddr,
    /// The folder of the embedded store, the sources and the spool.
    pub data_dir: PathBuf,
    /// `postgres://…` for PostgreSQL; `None` for the embedded store.
    pub database_url: Option<String>,
    /// Largest upload, bytes.
    pub max_upload_bytes: u64,
    /// Largest JSON request body, bytes.
    pub max_body_bytes: usize,
    /// Rows a list answers when `limit` is not given.
    pub default_limit: i64,
    /// Largest `limit`.
    pub max_limit: i64,
    /// What one GraphQL document may ask for.
    pub query_limits: QueryLimits,
    /// Time that one SQL statement may take.
    pub statement_timeout: Duration,
    /// Connections to PostgreSQL for data.
    pub pool_size: u32,
    /// Jobs at work at once.
    pub load_concurrency: usize,
    /// Time that running requests get to end after SIGTERM.
    pub shutdown_grace: Duration,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            data_dir: PathBuf::from("sluice-data"),
            database_url: None,
            max_upload_bytes: 1 << 30,
            max_body_bytes: 1 << 20,
            default_limit: 50,
            max_limit: 1_000,
            query_limits: QueryLimits::default(),
            statement_timeout: Duration::from_secs(10),
            pool_size: 8,
            load_concurrency: 2,
            shutdown_grace: Duration::from_secs(30),
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
