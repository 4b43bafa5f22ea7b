//! A picture of the embedded store at one moment, while others go on writing.
//!
//! Each file is pinned by a read transaction, the catalog's first. A data file may then know more
//! than the catalog does, as after a crash: its records tell, and the next start publishes them. So
//! the picture is right as long as no record is missing and each commit is seen in all of its
//! files or in none; otherwise it is taken again.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, OptionalExtension};
use serde::Deserialize;

use super::BackupError;
use super::archive::Table;

/// How often a picture is taken until it is given up.
const MAX_TRIES: u32 = 100;
const PAUSE: Duration = Duration::from_millis(20);
/// Pages that are copied at once.
const PAGES_PER_STEP: i32 = 4_096;
/// Fewer records than this were never thinned out.
const FEW_RECORDS: i64 = 32;

/// The picture: connections inside read transactions.
pub(super) struct Snapshot {
    catalog: Connection,
    files: Vec<Pinned>,
}

struct Pinned {
    connection: Connection,
    table: Table,
}

/// A table that the catalog names.
struct Named {
    table: Table,
    version: i64,
}

/// What a commit wrote down in its files.
#[derive(Deserialize)]
struct Record {
    id: String,
    tables: Vec<String>,
}

impl Snapshot {
    /// Takes one; blocks its thread.
    pub(super) fn take(data_dir: &Path) -> Result<Snapshot, BackupError> {
        let path = data_dir.join("catalog.db");
        if !path.is_file() {
            return Err(BackupError::NoStore(data_dir.display().to_string()));
        }
        for n in 0..MAX_TRIES {
            if n > 0 {
                rest();
            }
            if let Some(taken) = Self::try_take(data_dir, &path)? {
                return Ok(taken);
            }
        }
        Err(BackupError::TooBusy)
    }

    fn try_take(data_dir: &Path, catalog: &Path) -> Result<Option<Snapshot>, BackupError> {
        let catalog = pin(catalog)?;
        let mut files = Vec::new();
        let mut unknown: HashMap<String, (HashSet<String>, usize)> = HashMap::new();
        let mut present = HashSet::new();
        for Named { table, version } in named(&catalog)? {
            let path = file_of(data_dir, &table.storage);
            if !path.is_file() {
                if table.is_present {
                    // Replaced since the catalog was read.
                    return Ok(None);
                }
                continue;
            }
            let connection = pin(&path)?;
            if table.is_present {
                let Some(records) = records_after(&connection, version)? else { return Ok(None) };
                for record in records {
                    let seen = unknown.entry(record.id).or_default();
                    seen.0.extend(record.tables);
                    seen.1 += 1;
                }
                present.insert(table.storage.clone());
            }
            files.push(Pinned { connection, table });
        }
        let is_whole = |(tables, n): &(HashSet<String>, usize)| {
            tables.iter().filter(|table| present.contains(*table)).count() == *n
        };
        Ok(unknown.values().all(is_whole).then_some(Snapshot { catalog, files }))
    }

    /// The migrations that the catalog has seen, oldest first.
    pub(super) fn migrations(&self) -> Result<Vec<String>, BackupError> {
        let sql = "SELECT version FROM seaql_migrations ORDER BY version";
        let mut statement = self.catalog.prepare(sql)?;
        Ok(statement.query_map((), |row| row.get(0))?.collect::<Result<_, _>>()?)
    }

    /// The uploaded files that somebody keeps, by their hash.
    pub(super) fn sources(&self) -> Result<Vec<String>, BackupError> {
        let mut statement =
            self.catalog.prepare("SELECT DISTINCT sha256 FROM sources ORDER BY sha256")?;
        Ok(statement.query_map((), |row| row.get(0))?.collect::<Result<_, _>>()?)
    }

    /// Writes the catalog as it was into a new file.
    pub(super) fn copy_catalog(&self, to: &Path, stop: &AtomicBool) -> Result<(), BackupError> {
        copy(&self.catalog, to, stop)
    }

    /// Gives each table of the picture to `take`, as a new file at `to` that is removed afterwards.
    pub(super) fn each_table(
        self,
        to: &Path,
        stop: &AtomicBool,
        mut take: impl FnMut(Table) -> Result<(), BackupError>,
    ) -> Result<(), BackupError> {
        // The catalog's log may grow no longer.
        drop(self.catalog);
        for Pinned { connection, mut table } in self.files {
            table.n_rows = count(&connection)?;
            copy(&connection, to, stop)?;
            drop(connection);
            take(table)?;
            std::fs::remove_file(to).map_err(BackupError::io("a copy cannot be removed"))?;
        }
        Ok(())
    }
}

/// The file of a table.
pub(super) fn file_of(data_dir: &Path, storage: &str) -> PathBuf {
    data_dir.join("datasets").join(format!("{storage}.db"))
}

/// Rows of a dataset's file.
pub(super) fn count(connection: &Connection) -> Result<i64, BackupError> {
    Ok(connection.query_row("SELECT count(*) FROM t", (), |row| row.get(0))?)
}

/// Opens a file and sees it as it is now until the connection is closed.
fn pin(path: &Path) -> Result<Connection, BackupError> {
    // Who reads a write-ahead log takes a lock in the file beside it.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(Duration::from_secs(5))?;
    connection.pragma_update(None, "cache_size", -256)?;
    connection.execute_batch("BEGIN")?;
    connection.query_row("SELECT count(*) FROM sqlite_schema", (), |_| Ok(()))?;
    Ok(connection)
}

fn named(catalog: &Connection) -> Result<Vec<Named>, BackupError> {
    let sql = "SELECT w.name, d.name, d.storage, 1, d.version \
         FROM datasets d JOIN workspaces w ON w.id = d.workspace_id \
         UNION ALL SELECT w.name, d.name, v.storage, 0, 0 \
         FROM (SELECT DISTINCT dataset_id, storage FROM dataset_versions) v \
         JOIN datasets d ON d.id = v.dataset_id JOIN workspaces w ON w.id = d.workspace_id \
         WHERE v.storage <> d.storage ORDER BY 1, 2, 4 DESC, 3";
    let mut statement = catalog.prepare(sql)?;
    let found = statement.query_map((), |row| {
        Ok(Named {
            table: Table {
                workspace: row.get(0)?,
                dataset: row.get(1)?,
                storage: row.get(2)?,
                is_present: row.get(3)?,
                n_rows: 0,
                checksum: None,
            },
            version: row.get(4)?,
        })
    })?;
    Ok(found.collect::<Result<_, _>>()?)
}

/// The commits of a file that the catalog does not know; nothing if some of them were forgotten.
fn records_after(file: &Connection, version: i64) -> Result<Option<Vec<Record>>, BackupError> {
    let is_there = "SELECT 1 FROM sqlite_schema WHERE name = 'v'";
    if file.query_row(is_there, (), |_| Ok(())).optional()?.is_none() {
        return Ok(Some(Vec::new()));
    }
    let sql = "SELECT count(*), count(*) FILTER (WHERE version <= ?1) FROM v";
    let (n, n_known): (i64, i64) =
        file.query_row(sql, [version], |row| Ok((row.get(0)?, row.get(1)?)))?;
    if n >= FEW_RECORDS && n_known == 0 {
        return Ok(None);
    }
    let mut statement = file.prepare("SELECT record FROM v WHERE version > ?1")?;
    let texts = statement.query_map([version], |row| row.get::<_, String>(0))?;
    let mut records = Vec::new();
    for text in texts {
        let record = serde_json::from_str(&text?);
        records.push(record.map_err(|_| BackupError::Defect("a record of a commit is damaged"))?);
    }
    Ok(Some(records))
}

/// Lets the others go on; this thread is one that may wait.
#[expect(clippy::disallowed_methods, reason = "nobody tells when a file is free again")]
fn rest() {
    std::thread::sleep(PAUSE);
}

fn copy(from: &Connection, to: &Path, stop: &AtomicBool) -> Result<(), BackupError> {
    let mut target = Connection::open(to)?;
    // A copy that is half done is thrown away, so nothing needs to be safe on the way.
    target.execute_batch("PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF")?;
    let backup = rusqlite::backup::Backup::new(from, &mut target)?;
    loop {
        use rusqlite::backup::StepResult::{Busy, Done, Locked, More};
        if stop.load(Ordering::Relaxed) {
            return Err(BackupError::Stopped);
        }
        match backup.step(PAGES_PER_STEP)? {
            Done => return Ok(()),
            Busy | Locked => rest(),
            More | _ => {}
        }
    }
}
