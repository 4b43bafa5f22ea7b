//! Turns a list of columns into an index of a data file, and takes it away again.
//!
//! It exists apart from the load because it runs later, beside readers, through SQLite itself in
//! WAL mode. It never waits for readers to end, and never makes a file that is not there.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::quoted;
use crate::store::StoreError;

/// How long to wait for another writer of the same file, such as the build of another index.
const WRITER_WAIT: Duration = Duration::from_secs(600);

/// Rows looked at per value when estimating how selective an index is.
///
/// The bound makes the estimate cheap, and more: it caps it. SQLite then tells selective indexes
/// from others, and never finds a value so frequent on average that it would rather read the whole
/// table, which is 1,000 times slower when the value asked for is a rare one. Nor does it keep
/// samples (`sqlite_stat4`), for which it would plan a prepared statement anew for each new value.
const ANALYSIS_LIMIT: &str = "PRAGMA analysis_limit=1000";

fn open(path: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(WRITER_WAIT)?;
    // Sorting takes this much memory before it goes to temporary files.
    connection.execute_batch("PRAGMA cache_size=-16384; PRAGMA synchronous=FULL;")?;
    Ok(connection)
}

/// Builds an index, unless there is one of this name; `_row` is its last column by itself, as in every index of a rowid table.
///
/// Statistics are written for it: without them SQLite takes any two indexes for equally good when
/// a query fits both.
pub(super) fn create_index(
    path: &Path,
    name: &str,
    physical_columns: &[String],
) -> Result<(), StoreError> {
    let connection = open(path)?;
    let columns: Vec<String> = physical_columns.iter().map(|column| quoted(column)).collect();
    let create = format!("CREATE INDEX IF NOT EXISTS {} ON t({})", quoted(name), columns.join(","));
    connection.execute_batch(&format!(
        "{ANALYSIS_LIMIT}; BEGIN IMMEDIATE; {create}; ANALYZE {}; COMMIT",
        quoted(name)
    ))?;
    checkpoint(&connection);
    Ok(())
}

/// Removes an index; one that is not there is no error.
pub(super) fn drop_index(path: &Path, name: &str) -> Result<(), StoreError> {
    let connection = open(path)?;
    connection.execute_batch(&format!("DROP INDEX IF EXISTS {}", quoted(name)))?;
    checkpoint(&connection);
    Ok(())
}

/// Moves the log into the file and empties it, as far as readers let it: it is no error if a long
/// query keeps the log in use, the next checkpoint takes it along.
fn checkpoint(connection: &Connection) {
    let moved = connection
        .busy_timeout(Duration::from_secs(1))
        .and_then(|()| connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", (), |_| Ok(())));
    if let Err(error) = moved {
        tracing::debug!(%error, "the log of a data file was not emptied");
    }
}
