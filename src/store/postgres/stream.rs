//! Reads the rows of one SELECT from PostgreSQL and hands them on in blocks.
//!
//! The connection is made for this run, without the statement timeout of queries, and its
//! transaction keeps what it reads from being dropped. The server sends rows as fast as they are
//! taken: neither side holds more than a little of them.

use std::time::{Duration, Instant};

use futures_util::TryStreamExt;
use sqlx::{AssertSqlSafe, Connection, PgConnection};

use super::read::{arguments, text_of};
use super::{ACQUIRE_TIMEOUT, PostgresStore};
use crate::error::{Error, Result};
use crate::store::StoreError;
use crate::store::run::Run;
use crate::store::stream::{Outlet, RowWriter};

/// Time between two looks at whether anybody waits for the next row.
const LOOK_EVERY: Duration = Duration::from_millis(200);

impl PostgresStore {
    /// Runs a SELECT and writes its rows.
    ///
    /// # Errors
    /// As [`crate::store::Store::stream`].
    pub(in crate::store) async fn stream(
        &self,
        run: &Run,
        writer: &mut impl RowWriter,
        outlet: &mut Outlet,
    ) -> Result<()> {
        let mut connection = self.connect_for_work().await.map_err(failed)?;
        let backend: i32 = sqlx::query_scalar("SELECT pg_backend_pid()")
            .fetch_one(&mut connection)
            .await
            .map_err(failed)?;
        let streamed = rows(&mut connection, run, writer, outlet).await;
        if streamed.is_ok() {
            // Nothing was changed; whatever becomes of this, all rows are there.
            let _ = tokio::time::timeout(ACQUIRE_TIMEOUT, connection.close()).await;
            return Ok(());
        }
        // The statement may still be at work. When this fails, its own timeout ends it.
        let end = sqlx::query("SELECT pg_terminate_backend($1)").bind(backend).execute(&self.pool);
        match tokio::time::timeout(ACQUIRE_TIMEOUT, end).await {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => tracing::debug!(%error, "an export's statement could not be ended"),
            Err(_) => tracing::debug!("an export's statement could not be ended in time"),
        }
        streamed
    }
}

async fn rows(
    connection: &mut PgConnection,
    run: &Run,
    writer: &mut impl RowWriter,
    outlet: &mut Outlet,
) -> Result<()> {
    let left_ms = outlet.deadline().saturating_duration_since(Instant::now()).as_millis();
    let begin = format!(
        "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL statement_timeout = {}",
        left_ms.clamp(1, 1 << 30)
    );
    sqlx::raw_sql(AssertSqlSafe(begin)).execute(&mut *connection).await.map_err(failed)?;
    let is_stopped = outlet.watch();
    let mut looks = tokio::time::interval(LOOK_EVERY);
    looks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut rows =
        sqlx::query_with(AssertSqlSafe(text_of(run)), arguments(run)?).fetch(&mut *connection);
    let mut is_begun = false;
    loop {
        let row = tokio::select! {
            biased;
            row = rows.try_next() => row.map_err(failed)?,
            _ = looks.tick() => {
                if is_stopped() {
                    return Err(outlet.why_stopped());
                }
                continue;
            }
        };
        if !is_begun {
            is_begun = true;
            outlet.send().await?;
        }
        let Some(row) = row else { return Ok(()) };
        writer.write(&row, &mut outlet.out)?;
        if outlet.is_full() {
            outlet.send().await?;
        }
    }
}

fn failed(error: sqlx::Error) -> Error {
    StoreError::from(error).into()
}
