//! The connections that queries read through: each does one statement at a time and is given back,
//! or, when nobody waits for the statement any more, is told to stop and closed.
//!
//! A pool of our own, because a statement whose client left would otherwise run on until its
//! timeout and keep a connection from the others: cancelling one needs the number of its backend.
//! Checking out is a permit and a look at a list. Nothing here knows what is run.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use sqlx::postgres::{PgConnectOptions, PgPool};
use sqlx::{Connection, PgConnection};
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;

use super::{ACQUIRE_TIMEOUT, timed_out};
use crate::store::{ReaderUsage, StoreError};

/// How long one connection is used, so that a database that moved is followed.
const MAX_AGE: Duration = Duration::from_secs(30 * 60);

/// The connections.
#[derive(Debug)]
pub(crate) struct Readers {
    options: PgConnectOptions,
    /// Where cancelling is asked for.
    pool: PgPool,
    idle: Mutex<Vec<Reader>>,
    permits: Arc<Semaphore>,
    n_connections: usize,
    cancelling: Mutex<JoinSet<()>>,
    runtime: Handle,
}

#[derive(Debug)]
struct Reader {
    connection: PgConnection,
    /// What PostgreSQL calls it.
    backend: i32,
    made: Instant,
}

/// A connection for one statement.
#[derive(Debug)]
pub(super) struct Lease {
    readers: Arc<Readers>,
    /// Whether it lay idle before: it may be dead.
    is_used: bool,
    reader: Option<Reader>,
    permit: Option<OwnedSemaphorePermit>,
}

impl Readers {
    /// At most so many connections, made when they are needed.
    pub(super) fn new(options: PgConnectOptions, n_connections: u32, pool: PgPool) -> Arc<Readers> {
        let n_connections = usize::try_from(n_connections.max(1)).unwrap_or(1);
        Arc::new(Readers {
            options,
            pool,
            idle: Mutex::default(),
            permits: Arc::new(Semaphore::new(n_connections)),
            n_connections,
            cancelling: Mutex::default(),
            runtime: Handle::current(),
        })
    }

    /// How they are used.
    pub(crate) fn usage(&self) -> ReaderUsage {
        let n_idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).len();
        let n_busy = self.n_connections.saturating_sub(self.permits.available_permits());
        ReaderUsage { n_most: self.n_connections, n_busy, n_idle, n_waiting: 0 }
    }

    /// How many connections there can be.
    pub(super) fn n_connections(&self) -> usize {
        self.n_connections
    }

    /// A connection, as soon as there is one.
    ///
    /// # Errors
    /// [`StoreError::Busy`] when all are in use until the deadline; when the database is away.
    pub(super) async fn lease(
        self: &Arc<Readers>,
        deadline: tokio::time::Instant,
    ) -> Result<Lease, StoreError> {
        let permit = Arc::clone(&self.permits).acquire_owned();
        let permit = tokio::time::timeout_at(deadline, permit).await;
        let permit = permit.map_err(|_| StoreError::Busy)?;
        let permit = permit.map_err(|_| StoreError::Defect("the connections are closed"))?;
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let is_used = idle.is_some();
        let reader = match idle {
            Some(reader) => reader,
            None => self.connect().await?,
        };
        let readers = Arc::clone(self);
        Ok(Lease { readers, is_used, reader: Some(reader), permit: Some(permit) })
    }

    async fn connect(&self) -> Result<Reader, StoreError> {
        let connecting = async {
            let mut connection = PgConnection::connect_with(&self.options).await?;
            let backend =
                sqlx::query_scalar("SELECT pg_backend_pid()").fetch_one(&mut connection).await?;
            Ok(Reader { connection, backend, made: Instant::now() })
        };
        let made = tokio::time::timeout(ACQUIRE_TIMEOUT, connecting).await;
        made.unwrap_or_else(|_| Err(timed_out())).map_err(StoreError::from)
    }

    /// Ends what a connection is doing, then the connection; its place stays taken until then.
    fn stop(&self, reader: Reader, permit: Option<OwnedSemaphorePermit>) {
        let pool = self.pool.clone();
        let mut cancelling = self.cancelling.lock().unwrap_or_else(PoisonError::into_inner);
        while cancelling.try_join_next().is_some() {}
        let task = async move {
            // Not `pg_cancel_backend`: that does nothing to a statement which is on its way but has
            // not begun, and the connection is closed anyhow.
            let end =
                sqlx::query("SELECT pg_terminate_backend($1)").bind(reader.backend).execute(&pool);
            // When even this fails, the server's own statement timeout ends it.
            match tokio::time::timeout(ACQUIRE_TIMEOUT, end).await {
                Ok(Ok(_)) => {}
                Ok(Err(error)) => tracing::debug!(%error, "a statement could not be ended"),
                Err(_) => tracing::debug!("a statement could not be ended in time"),
            }
            drop(reader);
            drop(permit);
        };
        cancelling.spawn_on(task, &self.runtime);
    }
}

impl Lease {
    /// The connection.
    pub(super) fn connection(&mut self) -> Result<&mut PgConnection, StoreError> {
        let reader = self.reader.as_mut().ok_or(StoreError::Defect("a connection given back"))?;
        Ok(&mut reader.connection)
    }

    /// Whether it lay idle before: it may be dead.
    pub(super) fn is_used(&self) -> bool {
        self.is_used
    }

    /// Gives it back: its statement has ended.
    pub(super) fn give_back(mut self) {
        if let Some(reader) = self.reader.take()
            && reader.made.elapsed() < MAX_AGE
        {
            let mut idle = self.readers.idle.lock().unwrap_or_else(PoisonError::into_inner);
            idle.push(reader);
        }
    }

    /// Closes it: it is dead.
    pub(super) fn close(mut self) {
        self.reader = None;
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(reader) = self.reader.take() {
            self.readers.stop(reader, self.permit.take());
        }
    }
}
