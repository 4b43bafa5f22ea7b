//! Databases for tests: an embedded one in a folder that goes away, and a PostgreSQL one of its own
//! where `SLUICE_TEST_DATABASE_URL` names a server on which databases may be made.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "tests")]

use std::sync::Arc;

use sqlx::{AssertSqlSafe, Connection, PgConnection};
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::config::Settings;

/// Settings for a catalog and a store of their own.
pub(crate) struct Bench {
    pub(crate) settings: Settings,
    folder: TempDir,
    /// The server, and the database to be dropped on it.
    database: Option<(String, String)>,
}

impl Bench {
    /// One on the embedded store.
    pub(crate) fn embedded() -> Bench {
        let folder = tempfile::tempdir().unwrap();
        let mut settings = Settings { data_dir: folder.path().join("data"), ..Settings::default() };
        // What is replaced goes at once; tests of history are others.
        settings.history.versions = 0;
        Bench { settings, folder, database: None }
    }

    /// One on PostgreSQL, if a server is named.
    pub(crate) async fn postgres() -> Option<Bench> {
        let Ok(server) = std::env::var("SLUICE_TEST_DATABASE_URL") else {
            println!("skipped on PostgreSQL: SLUICE_TEST_DATABASE_URL is not set");
            return None;
        };
        let name = format!("sluice_test_{}", uuid::Uuid::new_v4().simple());
        on_server(&server, format!("CREATE DATABASE {name}")).await;
        let (base, _) = server.rsplit_once('/').unwrap();
        let mut bench = Bench::embedded();
        bench.settings.database_url = Some(format!("{base}/{name}"));
        bench.database = Some((server, name));
        Some(bench)
    }

    /// One on each database.
    pub(crate) async fn all() -> Vec<Bench> {
        std::iter::once(Bench::embedded()).chain(Bench::postgres().await).collect()
    }

    /// The settings of another node on the same database.
    pub(crate) fn other_node(&self) -> Settings {
        Settings { data_dir: self.folder.path().join("other"), ..self.settings.clone() }
    }

    /// Removes the database.
    pub(crate) async fn close(self) {
        if let Some((server, name)) = &self.database {
            on_server(server, format!("DROP DATABASE {name} WITH (FORCE)")).await;
        }
    }
}

async fn on_server(server: &str, statement: String) {
    let mut connection = PgConnection::connect(server).await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

/// A way to a PostgreSQL server that can be cut and restored.
pub(crate) struct Way {
    pub(crate) url: String,
    is_open: watch::Sender<bool>,
    _tasks: JoinSet<()>,
}

impl Way {
    pub(crate) async fn to(url: &str) -> Way {
        let (before, rest) = url.split_once('@').unwrap();
        let (host, database) = rest.split_once('/').unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (is_open, seen) = watch::channel(true);
        let host: Arc<str> = Arc::from(host);
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut carried = JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                let (host, mut seen) = (Arc::clone(&host), seen.clone());
                carried.spawn(async move { carry(client, &host, &mut seen).await });
            }
        });
        Way { url: format!("{before}@127.0.0.1:{port}/{database}"), is_open, _tasks: tasks }
    }

    pub(crate) fn cut(&self) {
        self.is_open.send_replace(false);
    }

    pub(crate) fn restore(&self) {
        self.is_open.send_replace(true);
    }
}

async fn carry(mut client: TcpStream, host: &str, is_open: &mut watch::Receiver<bool>) {
    if !*is_open.borrow() {
        return;
    }
    let Ok(mut server) = TcpStream::connect(host).await else { return };
    tokio::select! {
        _ = is_open.wait_for(|is_open| !is_open) => {}
        _ = tokio::io::copy_bidirectional(&mut client, &mut server) => {}
    }
}
