//! Turns a list of columns into an index of a data file, and takes it away again.
//!
//! It exists apart from the load because it runs later, beside readers, through SQLite itself in
//! WAL mode. It never waits for readers to end, and never makes a file that is not there.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::{functions, quoted};
use crate::store::search::{SEARCH_INDEX, joined_sqlite};
use crate::store::{IndexColumn, IndexDefinition, StoreError};

/// The table of words in a data file.
pub(super) const SEARCH_TABLE: &str = "s";

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

/// Builds an index, unless there is one of this name; tells the bytes that it takes.
pub(super) fn create_index(
    path: &Path,
    name: &str,
    definition: &IndexDefinition,
) -> Result<i64, StoreError> {
    let connection = open(path)?;
    let statements = match definition {
        IndexDefinition::Ordered(columns) => ordered(name, columns),
        IndexDefinition::Search(columns) => {
            functions::register(&connection)?;
            search(&connection, columns)?
        }
    };
    let bytes_before = used_bytes(&connection)?;
    connection
        .execute_batch(&format!("{ANALYSIS_LIMIT}; BEGIN IMMEDIATE; {statements}; COMMIT"))?;
    let size_bytes = used_bytes(&connection)? - bytes_before;
    checkpoint(&connection);
    Ok(size_bytes.max(0))
}

/// `_row` is its last column by itself, as in every index of a rowid table.
///
/// Statistics are written for it: without them SQLite takes any two indexes for equally good when
/// a query fits both.
fn ordered(name: &str, columns: &[IndexColumn]) -> String {
    let columns: Vec<String> = columns
        .iter()
        .map(|column| {
            let direction = if column.is_descending { " DESC" } else { "" };
            format!("{}{direction}", quoted(&column.physical))
        })
        .collect();
    let name = quoted(name);
    format!("CREATE INDEX IF NOT EXISTS {name} ON t({}); ANALYZE {name}", columns.join(","))
}

/// The words of each row in a table beside `t`: no texts, no places of words, only which rows have
/// them. Words are cut by our function, so that SQLite's tokenizer has nothing left to decide.
fn search(connection: &Connection, columns: &[String]) -> Result<String, StoreError> {
    /// Memory for words that wait to be written.
    const HASH_BYTES: usize = 16 << 20;
    let is_there = "SELECT count(*) FROM sqlite_schema WHERE name = ?1";
    let n_found: i64 = connection.query_row(is_there, [SEARCH_TABLE], |row| row.get(0))?;
    if n_found > 0 {
        return Ok(String::new());
    }
    let columns: Vec<String> = columns.iter().map(|column| quoted(column)).collect();
    Ok(format!(
        "CREATE VIRTUAL TABLE {SEARCH_TABLE} USING \
         fts5(w, content='', columnsize=0, detail=none, tokenize='ascii', prefix='1 2 3'); \
         INSERT INTO {SEARCH_TABLE}({SEARCH_TABLE}, rank) VALUES('hashsize', {HASH_BYTES}); \
         INSERT INTO {SEARCH_TABLE}(rowid, w) SELECT _row, sluice_words({}) FROM t; \
         INSERT INTO {SEARCH_TABLE}({SEARCH_TABLE}) VALUES('optimize')",
        joined_sqlite(&columns)
    ))
}

/// Bytes of the pages in use.
fn used_bytes(connection: &Connection) -> Result<i64, StoreError> {
    let pragma = |name: &str| -> rusqlite::Result<i64> {
        connection.query_row(&format!("PRAGMA {name}"), (), |row| row.get(0))
    };
    Ok((pragma("page_count")? - pragma("freelist_count")?) * pragma("page_size")?)
}

/// Removes an index; one that is not there is no error.
pub(super) fn drop_index(path: &Path, name: &str) -> Result<(), StoreError> {
    let connection = open(path)?;
    let drop = match name {
        SEARCH_INDEX => format!("DROP TABLE IF EXISTS {SEARCH_TABLE}"),
        name => format!("DROP INDEX IF EXISTS {}", quoted(name)),
    };
    connection.execute_batch(&drop)?;
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
