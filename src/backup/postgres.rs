//! Dumps a database of PostgreSQL and fills one, by the programs that come with it.
//!
//! `pg_dump` and one transaction of ours share a snapshot, so that the counts and checksums are of
//! the very rows that were dumped. The password goes to the programs by their environment: command
//! lines can be read by every user of a machine.

use std::collections::{BTreeMap, HashSet};
use std::io::{Read, Write};
use std::process::{Child, ChildStdin, Command, Stdio};

use percent_encoding::percent_decode_str;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, Connection};

use super::BackupError;
use super::archive::{DUMP, Table};
use super::make::{API_KEY_SALT, SECRET_KEY, SECRET_KEY_PREVIOUS, close};

/// Bytes of a dump that are one member of an archive.
const PART_BYTES: usize = 16 << 20;
/// The schemas of the catalog and of the rows.
pub(super) const SCHEMAS: [&str; 2] =
    [sluice_migration::POSTGRES_SCHEMA, crate::store::postgres::SCHEMA];
/// Parameters of an address, and the variables by which the programs take them.
const VARIABLES: [(&str, &str); 5] = [
    ("sslmode", "PGSSLMODE"),
    ("sslrootcert", "PGSSLROOTCERT"),
    ("sslcert", "PGSSLCERT"),
    ("sslkey", "PGSSLKEY"),
    ("host", "PGHOST"),
];

/// A database, as a connection and as the programs reach it.
#[derive(Clone)]
pub(super) struct Server {
    options: PgConnectOptions,
    variables: BTreeMap<&'static str, String>,
}

impl Server {
    /// The database of an address.
    pub(super) fn parse(url: &str) -> Result<Server, BackupError> {
        let options: PgConnectOptions = url.parse()?;
        let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
        let mut variables = BTreeMap::from([
            ("PGHOST", options.get_host().to_owned()),
            ("PGPORT", options.get_port().to_string()),
            ("PGUSER", options.get_username().to_owned()),
        ]);
        if let Some(database) = options.get_database() {
            variables.insert("PGDATABASE", database.to_owned());
        }
        let rest = url.split_once("://").map_or("", |(_, rest)| rest);
        let (before, query) = rest.split_once('?').unwrap_or((rest, ""));
        let authority = before.split('/').next().unwrap_or_default();
        if let Some((user_info, _)) = authority.rsplit_once('@')
            && let Some((_, password)) = user_info.split_once(':')
        {
            variables.insert("PGPASSWORD", decoded(password));
        }
        for (name, value) in query.split('&').filter_map(|pair| pair.split_once('=')) {
            if name == "password" {
                variables.insert("PGPASSWORD", decoded(value));
            }
            if let Some((_, variable)) = VARIABLES.iter().find(|(known, _)| *known == name) {
                variables.insert(variable, decoded(value));
            }
        }
        Ok(Server { options, variables })
    }

    /// Another database of the same server.
    pub(super) fn with_database(&self, name: &str) -> Server {
        let mut other = self.clone();
        other.options = other.options.database(name);
        other.variables.insert("PGDATABASE", name.to_owned());
        other
    }

    /// A connection whose values always read the same, and that may take its time.
    pub(super) async fn connect(&self) -> Result<PgConnection, BackupError> {
        let options = self.options.clone().application_name("sluice-backup").options([
            ("timezone", "UTC"),
            ("datestyle", "ISO"),
            ("intervalstyle", "postgres"),
            ("extra_float_digits", "1"),
            ("statement_timeout", "0"),
            ("idle_in_transaction_session_timeout", "0"),
        ]);
        Ok(PgConnection::connect_with(&options).await?)
    }

    /// One of the programs, for this database.
    fn program(&self, name: &str) -> Command {
        let mut command = Command::new(name);
        // What else it needs would come from the variables of this process.
        command.arg("--no-password").envs(&self.variables);
        command
    }
}

/// One moment of a database, seen by our transaction and by whoever knows its name.
pub(super) struct Moment {
    connection: PgConnection,
    name: String,
}

impl Moment {
    /// Begins it, if the programs can dump this server.
    pub(super) async fn begin(server: &Server) -> Result<Moment, BackupError> {
        let mut connection = server.connect().await?;
        dump_program(major_version(&mut connection).await?)?;
        sqlx::raw_sql("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            .execute(&mut connection)
            .await?;
        let is_there: bool =
            sqlx::query_scalar("SELECT to_regclass('sluice.datasets') IS NOT NULL")
                .fetch_one(&mut connection)
                .await?;
        if !is_there {
            return Err(BackupError::NoStore("the database".to_owned()));
        }
        let name =
            sqlx::query_scalar("SELECT pg_export_snapshot()").fetch_one(&mut connection).await?;
        Ok(Moment { connection, name })
    }

    /// What others see the same moment by.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The migrations that the catalog has seen, oldest first.
    pub(super) async fn migrations(&mut self) -> Result<Vec<String>, BackupError> {
        let sql = "SELECT version FROM sluice.seaql_migrations ORDER BY version";
        Ok(sqlx::query_scalar(sql).fetch_all(&mut self.connection).await?)
    }

    /// The uploaded files that somebody keeps, by their hash.
    pub(super) async fn sources(&mut self) -> Result<Vec<String>, BackupError> {
        let sql = "SELECT DISTINCT sha256 FROM sluice.sources ORDER BY sha256";
        Ok(sqlx::query_scalar(sql).fetch_all(&mut self.connection).await?)
    }

    /// The facts, and apart from them the secrets that Sluice has made.
    pub(super) async fn facts(
        &mut self,
    ) -> Result<(BTreeMap<String, String>, BTreeMap<String, String>), BackupError> {
        let sql = "SELECT name, value FROM sluice.meta";
        let all: Vec<(String, String)> =
            sqlx::query_as(sql).fetch_all(&mut self.connection).await?;
        let secrets = [API_KEY_SALT, SECRET_KEY, SECRET_KEY_PREVIOUS];
        Ok(all.into_iter().partition(|(name, _)| !secrets.contains(&name.as_str())))
    }

    /// The tables of all datasets, counted.
    pub(super) async fn tables(&mut self) -> Result<Vec<Table>, BackupError> {
        let sql = "SELECT w.name, d.name, d.storage, true \
             FROM sluice.datasets d JOIN sluice.workspaces w ON w.id = d.workspace_id \
             UNION ALL SELECT w.name, d.name, v.storage, false \
             FROM (SELECT DISTINCT dataset_id, storage FROM sluice.dataset_versions) v \
             JOIN sluice.datasets d ON d.id = v.dataset_id \
             JOIN sluice.workspaces w ON w.id = d.workspace_id \
             WHERE v.storage <> d.storage AND to_regclass('sluice_data.t_' || v.storage) IS NOT NULL \
             ORDER BY 1, 2, 4 DESC, 3";
        let named: Vec<(String, String, String, bool)> =
            sqlx::query_as(sql).fetch_all(&mut self.connection).await?;
        let mut tables = Vec::with_capacity(named.len());
        for (workspace, dataset, storage, is_present) in named {
            let (n_rows, checksum) = count(&mut self.connection, &storage).await?;
            let checksum = Some(checksum);
            tables.push(Table { workspace, dataset, storage, is_present, n_rows, checksum });
        }
        Ok(tables)
    }

    /// Tables of rows that the catalog does not name: they may go away at any time.
    pub(super) async fn unnamed(&mut self, named: &[Table]) -> Result<Vec<String>, BackupError> {
        let sql = "SELECT relname::text FROM pg_class \
             WHERE relnamespace = 'sluice_data'::regnamespace AND relkind = 'r'";
        let all: Vec<String> = sqlx::query_scalar(sql).fetch_all(&mut self.connection).await?;
        let named: HashSet<&str> = named.iter().map(|table| table.storage.as_str()).collect();
        let is_named = |name: &str| name.get(2..).is_some_and(|storage| named.contains(storage));
        Ok(all.into_iter().filter(|name| !is_named(name)).collect())
    }

    /// Lets it go.
    pub(super) async fn end(self) {
        close(self.connection).await;
    }
}

/// Rows of a table and a checksum of them that does not depend on their order.
pub(super) async fn count(
    connection: &mut PgConnection,
    storage: &str,
) -> Result<(i64, String), BackupError> {
    let is_id = storage.len() == 32 && storage.bytes().all(|b| b.is_ascii_hexdigit());
    if !is_id {
        return Err(BackupError::Defect("a table's name is none"));
    }
    let sql = format!(
        "SELECT count(*), coalesce(sum(('x' || left(md5(t::text), 15))::bit(60)::bigint), 0)::text \
         FROM sluice_data.t_{storage} t"
    );
    Ok(sqlx::query_as(AssertSqlSafe(sql)).fetch_one(connection).await?)
}

/// The server's major version.
async fn major_version(connection: &mut PgConnection) -> Result<u32, BackupError> {
    let number: String =
        sqlx::query_scalar("SHOW server_version_num").fetch_one(connection).await?;
    Ok(number.parse::<u32>().unwrap_or_default() / 10_000)
}

/// Looks for the program that dumps a server of this major version.
///
/// # Errors
/// Tool when it is missing or too old.
pub fn dump_program(server: u32) -> Result<(), BackupError> {
    check_program("pg_dump", server)
}

/// Refuses a program that is missing or older than the server.
fn check_program(name: &str, server: u32) -> Result<(), BackupError> {
    let told = Command::new(name).arg("--version").output().map_err(|_| {
        BackupError::Tool(format!(
            "{name} is not on this machine, and a database of PostgreSQL cannot be copied without it; install the client programs of PostgreSQL {server} (package postgresql-client-{server})"
        ))
    })?;
    let told = String::from_utf8_lossy(&told.stdout);
    let number =
        told.split_whitespace().find(|word| word.starts_with(|c: char| c.is_ascii_digit()));
    let major = number.and_then(|number| number.split('.').next()?.parse::<u32>().ok());
    match major {
        Some(major) if major < server => Err(BackupError::Tool(format!(
            "{name} is of PostgreSQL {major} and the server is {server}; install the client programs of PostgreSQL {server} (package postgresql-client-{server})"
        ))),
        _ => Ok(()),
    }
}

/// Dumps both schemas as they were at a moment, without these tables; `take` gets the parts with
/// their names.
pub(super) fn dump(
    server: &Server,
    moment: &str,
    unnamed: &[String],
    mut take: impl FnMut(&str, &[u8]) -> Result<(), BackupError>,
) -> Result<(), BackupError> {
    let mut command = server.program("pg_dump");
    command
        .args(["--format=custom", "--compress=0", "--no-owner", "--no-privileges"])
        // Facts go apart, since some are secrets.
        .arg("--exclude-table-data=sluice.meta")
        .args(unnamed.iter().map(|name| format!("--exclude-table=sluice_data.{name}")))
        .args(SCHEMAS.map(|schema| format!("--schema={schema}")))
        .arg(format!("--snapshot={moment}"))
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    let mut running = Running::start("pg_dump", command)?;
    let mut out =
        running.child.stdout.take().ok_or(BackupError::Defect("pg_dump has no output"))?;
    let broken = || BackupError::io("the output of pg_dump cannot be read");
    let mut part = Vec::with_capacity(PART_BYTES);
    for n in 0_u32.. {
        part.clear();
        (&mut out).take(PART_BYTES as u64).read_to_end(&mut part).map_err(broken())?;
        if part.is_empty() {
            break;
        }
        take(&format!("{DUMP}{n:08}"), &part)?;
    }
    running.end()
}

/// Fills a database; parts of a dump are written to it, and [`Fill::end`] makes them last.
pub(super) struct Fill {
    running: Running,
    input: Option<ChildStdin>,
}

impl Fill {
    /// Begins one transaction.
    pub(super) fn begin(server: &Server) -> Result<Fill, BackupError> {
        let mut command = server.program("pg_restore");
        let database = server.variables.get("PGDATABASE").cloned().unwrap_or_default();
        command
            .args(["--no-owner", "--no-privileges", "--single-transaction", "--exit-on-error"])
            .arg(format!("--dbname={database}"))
            .stdin(Stdio::piped())
            .stdout(Stdio::null());
        let mut running = Running::start("pg_restore", command)?;
        let input = running.child.stdin.take();
        Ok(Fill { running, input })
    }

    /// Writes a part.
    pub(super) fn take(&mut self, part: &mut dyn Read) -> Result<(), BackupError> {
        let input = self.input.as_mut().ok_or(BackupError::Defect("pg_restore has no input"))?;
        match std::io::copy(part, input) {
            Ok(_) => Ok(()),
            // It says itself why it stopped.
            Err(_) => Err(self.running.end_early()),
        }
    }

    /// Ends the input and waits for the end of the work.
    pub(super) fn end(mut self) -> Result<(), BackupError> {
        if let Some(mut input) = self.input.take() {
            let _ = input.flush();
        }
        self.running.end()
    }
}

/// A program at work; it ends with its owner.
struct Running {
    name: &'static str,
    child: Child,
    said: Option<std::thread::JoinHandle<String>>,
}

impl Running {
    fn start(name: &'static str, mut command: Command) -> Result<Running, BackupError> {
        command.stderr(Stdio::piped());
        let mut child = command.spawn().map_err(|_| {
            BackupError::Tool(format!(
                "{name} is not on this machine; install the client programs of PostgreSQL (package postgresql-client)"
            ))
        })?;
        let stderr = child.stderr.take();
        let said = std::thread::spawn(move || {
            let mut text = Vec::new();
            if let Some(mut stderr) = stderr {
                let _ = stderr.read_to_end(&mut text);
            }
            String::from_utf8_lossy(&text).into_owned()
        });
        Ok(Running { name, child, said: Some(said) })
    }

    fn end(&mut self) -> Result<(), BackupError> {
        let ended = self.child.wait().map_err(BackupError::io("a program cannot be waited for"))?;
        if ended.success() {
            return Ok(());
        }
        Err(self.told())
    }

    fn end_early(&mut self) -> BackupError {
        let _ = self.child.wait();
        self.told()
    }

    fn told(&mut self) -> BackupError {
        let said = self.said.take().and_then(|said| said.join().ok()).unwrap_or_default();
        let first =
            said.lines().find(|line| line.contains("error")).unwrap_or("it did not say why");
        BackupError::Tool(format!("{} failed: {first}", self.name))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Without effect on one that has ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn the_programs_get_the_address_in_pieces() {
        let server =
            Server::parse("postgres://ann:p%40ss%2Fw@db.example.com:5433/sales?sslmode=require")
                .unwrap();
        let of = |name: &str| server.variables.get(name).map(String::as_str);
        assert_eq!(of("PGHOST"), Some("db.example.com"));
        assert_eq!(of("PGPORT"), Some("5433"));
        assert_eq!(of("PGUSER"), Some("ann"));
        assert_eq!(of("PGPASSWORD"), Some("p@ss/w"));
        assert_eq!(of("PGDATABASE"), Some("sales"));
        assert_eq!(of("PGSSLMODE"), Some("require"));
        let other = server.with_database("drill");
        assert_eq!(other.variables.get("PGDATABASE").unwrap(), "drill");
    }
}
