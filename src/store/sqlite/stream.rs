//! Reads the rows of one SELECT from the embedded store's files and hands them on in blocks.
//!
//! The connection is opened for this run, so that a long one takes no thread and no cache of those
//! that answer queries. What is sorted goes to temporary files, not to memory.

use tokio::runtime::Handle;

use super::SqliteStore;
use super::read::{self, STEPS_PER_CHECK};
use crate::error::{Code, Error, Result};
use crate::store::StoreError;
use crate::store::run::Run;
use crate::store::stream::{Outlet, RowWriter};

impl SqliteStore {
    /// Runs a SELECT and writes its rows; blocks the calling thread.
    ///
    /// # Errors
    /// As [`crate::store::Store::stream`].
    pub(in crate::store) fn stream(
        &self,
        run: &Run,
        writer: &mut impl RowWriter,
        outlet: &mut Outlet,
    ) -> Result<()> {
        if self.stream_columns(run, writer, outlet)? {
            return Ok(());
        }
        let failed = |error: rusqlite::Error| Error::from(StoreError::from(error));
        let connection = read::open(&self.folder, &run.tables)?;
        connection.pragma_update(None, "temp_store", "FILE").map_err(failed)?;
        connection.progress_handler(STEPS_PER_CHECK, Some(outlet.watch())).map_err(failed)?;
        // One state of each file from the first step on.
        connection.execute_batch("BEGIN").map_err(failed)?;
        let mut prepared = connection.prepare(&run.statement.sqlite_sql).map_err(failed)?;
        read::bind(&mut prepared, run)?;
        let mut rows = prepared.raw_query();
        let runtime = Handle::current();
        let mut is_begun = false;
        loop {
            let row = rows.next().map_err(|error| match read::stopped(error) {
                StoreError::Timeout => outlet.why_stopped(),
                error => error.into(),
            })?;
            if !is_begun {
                is_begun = true;
                runtime.block_on(outlet.send())?;
            }
            let Some(row) = row else { return Ok(()) };
            writer.write(row, &mut outlet.out)?;
            if outlet.is_full() {
                runtime.block_on(outlet.send())?;
            }
        }
    }

    /// The same from columns; false where they cannot tell.
    fn stream_columns(
        &self,
        run: &Run,
        writer: &mut impl RowWriter,
        outlet: &mut Outlet,
    ) -> Result<bool> {
        let is_stopped = outlet.watch();
        let runtime = Handle::current();
        let mut is_begun = false;
        let is_read = self.columns.rows(run, &is_stopped, &mut |row| {
            if !is_begun {
                is_begun = true;
                runtime.block_on(outlet.send())?;
            }
            writer.write(row, &mut outlet.out)?;
            if outlet.is_full() {
                runtime.block_on(outlet.send())?;
            }
            Ok(())
        });
        match is_read {
            Err(error) if error.code == Code::Timeout => Err(outlet.why_stopped()),
            Ok(true) if !is_begun => runtime.block_on(outlet.send()).map(|()| true),
            is_read => is_read,
        }
    }
}
