//! Looks at the catalog's database without changing it: what an auditor asks first.

use sea_orm::{ConnectionTrait, DatabaseConnection, Statement, TryGetable};

use super::CatalogError;
use super::connect::connect_only;
use crate::config::Settings;

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Probe {
    /// There is none yet.
    Absent,
    /// The embedded store's.
    Sqlite {
        /// Whether it has a write-ahead log.
        is_wal: bool,
        /// What is damaged, if something is.
        damage: Option<String>,
    },
    /// On PostgreSQL.
    Postgres(PostgresProbe),
}

/// A server of PostgreSQL, seen by a connection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PostgresProbe {
    /// `server_version_num`.
    pub version: i32,
    /// The encoding of the database.
    pub encoding: String,
    /// Whether the connection is encrypted.
    pub is_encrypted: bool,
    /// Whether it comes from this machine.
    pub is_local: bool,
    /// Whether our role may do anything.
    pub is_superuser: bool,
    /// Connections that the server takes.
    pub max_connections: i32,
    /// Its clock, microseconds since 1970 UTC.
    pub now_us: i64,
}

/// Looks.
///
/// # Errors
/// When the database is away or refuses.
pub async fn probe(settings: &Settings) -> Result<Probe, CatalogError> {
    if settings.database_url.is_none() {
        if !settings.data_dir.join("catalog.db").is_file() {
            return Ok(Probe::Absent);
        }
        let db = connect_only(settings).await?.read;
        let mode: String = one(&db, "PRAGMA journal_mode").await?;
        let sound: String = one(&db, "PRAGMA quick_check(1)").await?;
        let damage = (sound != "ok").then_some(sound);
        return Ok(Probe::Sqlite { is_wal: mode.eq_ignore_ascii_case("wal"), damage });
    }
    let db = connect_only(settings).await?.read;
    let encrypted =
        "SELECT coalesce((SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()), false)";
    let local =
        "SELECT coalesce(inet_client_addr() <<= '127.0.0.0/8' OR inet_client_addr() = '::1', true)";
    let superuser = "SELECT rolsuper FROM pg_roles WHERE rolname = current_user";
    let encoding = "SELECT current_setting('server_encoding')";
    let clock = "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint";
    Ok(Probe::Postgres(PostgresProbe {
        version: one(&db, "SELECT current_setting('server_version_num')::int").await?,
        encoding: one(&db, encoding).await?,
        is_encrypted: one(&db, encrypted).await?,
        is_local: one(&db, local).await?,
        is_superuser: one(&db, superuser).await?,
        max_connections: one(&db, "SELECT current_setting('max_connections')::int").await?,
        now_us: one(&db, clock).await?,
    }))
}

async fn one<T: TryGetable>(db: &DatabaseConnection, sql: &str) -> Result<T, CatalogError> {
    let statement = Statement::from_string(db.get_database_backend(), sql);
    let row = db.query_one_raw(statement).await?.ok_or(CatalogError::NotFound)?;
    Ok(row.try_get_by_index(0)?)
}
