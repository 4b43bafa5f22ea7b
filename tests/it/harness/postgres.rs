//! PostgreSQL for tests: databases on the server of the test run, or a server of one's own.

use std::process::Command;

use super::Folder;

/// A database that is dropped with its owner.
pub(crate) struct Database {
    admin_url: String,
    name: String,
}

impl Database {
    /// A fresh database on the test run's server.
    pub(crate) fn new() -> Database {
        let admin_url = std::env::var("SLUICE_TEST_DATABASE_URL").expect(
            "SLUICE_TEST_DATABASE_URL is not set: run scripts/test, or \
             export SLUICE_TEST_DATABASE_URL=$(scripts/postgres start DIR)",
        );
        Database::on(&admin_url)
    }

    /// A fresh database on this server.
    pub(crate) fn on(admin_url: &str) -> Database {
        let name = format!("it_{}", uuid::Uuid::new_v4().simple());
        execute(admin_url, &format!("CREATE DATABASE {name}"));
        Database { admin_url: admin_url.to_owned(), name }
    }

    pub(crate) fn url(&self) -> String {
        let (base, _) = self.admin_url.rsplit_once('/').expect("a URL with a database");
        format!("{base}/{}", self.name)
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        // The server may be gone already: it takes the database with it.
        let _ = try_execute(
            &self.admin_url,
            &format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name),
        );
    }
}

/// Runs a statement; fails the test when it fails.
pub(crate) fn execute(url: &str, sql: &str) {
    try_execute(url, sql).expect(sql);
}

/// The number that a query answers.
pub(crate) fn count(url: &str, sql: &'static str) -> i64 {
    use sqlx::Connection;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let mut connection = sqlx::PgConnection::connect(url).await.expect("a connection");
        sqlx::query_scalar(sql).fetch_one(&mut connection).await.expect(sql)
    })
}

fn try_execute(url: &str, sql: &str) -> Result<(), sqlx::Error> {
    use sqlx::{AssertSqlSafe, Connection, Executor};
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let mut connection = sqlx::PgConnection::connect(url).await?;
        connection.execute(AssertSqlSafe(sql.to_owned())).await?;
        connection.close().await
    })
}

/// A server of one's own, to be stopped and started in the middle of a test.
pub(crate) struct OwnServer {
    folder: Folder,
    url: String,
    is_running: bool,
}

impl OwnServer {
    pub(crate) fn start() -> OwnServer {
        let folder = Folder::public();
        let url = script(&["start", &pg_folder(&folder)]);
        OwnServer { folder, url, is_running: true }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) fn stop(&mut self) {
        script(&["stop", &pg_folder(&self.folder)]);
        self.is_running = false;
    }

    /// Starts it again where it was.
    pub(crate) fn start_again(&mut self) {
        let (_, after) = self.url.rsplit_once(':').expect("a port");
        let (port, _) = after.split_once('/').expect("a database");
        script(&["start", &pg_folder(&self.folder), port]);
        self.is_running = true;
    }
}

impl Drop for OwnServer {
    fn drop(&mut self) {
        if self.is_running {
            script(&["stop", &pg_folder(&self.folder)]);
        }
    }
}

fn pg_folder(folder: &Folder) -> String {
    folder.path().join("pg").display().to_string()
}

fn script(arguments: &[&str]) -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/postgres");
    // Its output goes to a file: the database would keep a pipe open for as long as it lives.
    let folder = Folder::new();
    let out_path = folder.path().join("out");
    let out = std::fs::File::create(&out_path).expect("a file");
    let err = out.try_clone().expect("the same file");
    let status = Command::new(path).args(arguments).stdout(out).stderr(err).status();
    let text = std::fs::read_to_string(&out_path).expect("the script's output");
    assert!(status.expect("scripts/postgres").success(), "{arguments:?}: {text}");
    text.lines().last().unwrap_or_default().to_owned()
}
