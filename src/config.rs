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
            statement_timeout: Duration::from_secs(10),
            pool_size: 8,
            load_concurrency: 2,
            shutdown_grace: Duration::from_secs(30),
        }
    }
}
