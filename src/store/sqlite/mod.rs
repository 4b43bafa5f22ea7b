//! The embedded store: turns a dataset version into one SQLite file in `<data_dir>/datasets`.
//!
//! A file per version means that a load disturbs nobody, that dropping is unlinking, and that the
//! catalog is never blocked by data. Nothing here reads or writes the catalog: which files count
//! is for others to say.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

mod columns;
pub mod functions;
pub mod read;
pub mod readers;

use sluice_schema::Control;

use self::columns::encode::Beside;
use super::dump::DumpColumn;
use super::merge::{MergeSpec, MergedTable};
use super::quoted;
use super::{IndexDefinition, LoadedTable, SheetSource, StoreError, TableSpec};
use crate::catalog::model::StorageId;
use crate::config::Settings;
use crate::store::run::{self, Explained, Run};

mod bulk;
mod index;
mod load;
mod merge;
mod numbers;
mod page;
mod record;
mod stream;
pub(super) mod write;

#[cfg(test)]
mod tests;

/// What a database and its companions are called after the storage id; the database first.
const SUFFIXES: [&str; 6] = [".db", ".db-wal", ".db-shm", ".db-journal", ".col", ".col-new"];

/// The folder of dataset files.
#[derive(Debug)]
pub struct SqliteStore {
    folder: PathBuf,
    readers: readers::Readers,
    columns: Arc<columns::Columns>,
    /// Connections for the next transactions that change rows.
    kept: Arc<write::Kept>,
}

impl SqliteStore {
    /// Opens the folder, and makes it if it is missing.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn open(settings: &Settings) -> Result<SqliteStore, StoreError> {
        let folder = settings.data_dir.join("datasets");
        fs::create_dir_all(&folder)?;
        sync_folder(&settings.data_dir)?;
        let columns = columns::Columns::open(&folder, settings)?;
        let readers = readers::Readers::start(&folder, &columns, settings.reader_threads)?;
        Ok(SqliteStore { folder, readers, columns, kept: Arc::default() })
    }

    /// The threads that run SELECTs.
    pub(crate) fn readers(&self) -> &readers::Readers {
        &self.readers
    }

    /// The file that holds a dataset version.
    pub(crate) fn path_of(&self, storage: &StorageId) -> PathBuf {
        self.path_with(storage, ".db")
    }

    fn path_with(&self, storage: &StorageId, suffix: &str) -> PathBuf {
        self.folder.join(format!("{}{suffix}", storage.as_str()))
    }

    /// Reads a sheet into a new file; blocks the calling thread.
    ///
    /// The file gets its final name at once: what the catalog does not name does not exist, and is
    /// removed at the next start, so a rename at the end would add nothing but a second name to
    /// clean up. The file becomes a database only with its first page, which is written last, and
    /// it is synced together with the folder before this returns.
    ///
    /// # Errors
    /// When the sheet cannot be read, the disk is full, or on cancellation; nothing is left then.
    pub fn load_sheet(
        &self,
        storage: &StorageId,
        spec: &TableSpec,
        source: &SheetSource<'_>,
    ) -> Result<LoadedTable, StoreError> {
        let beside =
            self.columns.min_rows().map(|min_rows| Beside { identity: storage.bytes(), min_rows });
        let loaded = load::load_sheet(&self.path_of(storage), beside, spec, source);
        if loaded.is_err() {
            // The reason why the load failed matters more than what the cleaning up says.
            let _ = self.drop_table(storage);
        }
        loaded
    }

    /// Makes a new file without rows; blocks the calling thread.
    ///
    /// # Errors
    /// When the disk is full or there are too many columns; nothing is left then.
    pub fn create_table(
        &self,
        storage: &StorageId,
        spec: &TableSpec,
    ) -> Result<LoadedTable, StoreError> {
        let made = load::create_table(&self.path_of(storage), spec);
        if made.is_err() {
            let _ = self.drop_table(storage);
        }
        made
    }

    /// Makes a new file of the rows of others; blocks the calling thread.
    ///
    /// # Errors
    /// When SQLite refuses, the disk is full, or on cancellation; nothing is left then.
    pub fn merge(
        &self,
        storage: &StorageId,
        spec: &MergeSpec<'_>,
        control: &dyn Control,
    ) -> Result<MergedTable, StoreError> {
        let new = spec.new.map(|new| self.path_of(new));
        let merged = merge::merge(
            &self.path_of(storage),
            (&self.path_of(spec.old), new.as_deref()),
            spec,
            control,
        );
        if merged.is_err() {
            let _ = self.drop_table(storage);
        }
        merged
    }

    /// Writes all rows as CSV; blocks the calling thread.
    ///
    /// # Errors
    /// When SQLite refuses, the file cannot be written, or on cancellation.
    pub fn dump(
        &self,
        storage: &StorageId,
        columns: &[DumpColumn],
        out: &mut dyn Write,
        control: &dyn Control,
    ) -> Result<(), StoreError> {
        merge::dump(&self.path_of(storage), columns, out, control)
    }

    /// The rows of the first two equal values of a column, if any are; blocks the calling thread.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn first_repeat(
        &self,
        storage: &StorageId,
        physical: &str,
    ) -> Result<Option<(i64, i64)>, StoreError> {
        merge::first_repeat(&self.path_of(storage), physical)
    }

    /// Unlinks the file and its companions; who has it open keeps reading it.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn drop_table(&self, storage: &StorageId) -> Result<(), StoreError> {
        self.kept.forget(storage);
        self.columns.forget(storage);
        for suffix in SUFFIXES {
            match fs::remove_file(self.path_with(storage, suffix)) {
                Ok(()) => {}
                Err(err) if err.kind() == io::ErrorKind::NotFound => {}
                Err(err) => return Err(err.into()),
            }
        }
        Ok(())
    }

    /// Every storage id of which any file is present, companions left behind by a crash included.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn list_tables(&self) -> Result<Vec<StorageId>, StoreError> {
        let mut found = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            let name = entry?.file_name();
            let Some((id, suffix)) = name.to_str().and_then(|name| name.split_at_checked(32))
            else {
                continue;
            };
            if SUFFIXES.contains(&suffix) {
                found.extend(StorageId::parse(id));
            }
        }
        found.sort();
        found.dedup();
        Ok(found)
    }

    /// Begins a transaction over these files, the first `n_written` of which change; blocks the
    /// calling thread. With `waits`, it begins once nobody else writes them.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub(super) fn begin_write(
        &self,
        tables: Vec<StorageId>,
        n_written: usize,
        deadline: Instant,
        waits: bool,
    ) -> Result<write::SqliteSession, StoreError> {
        let (folder, kept) = (&self.folder, &self.kept);
        write::SqliteSession::begin(folder, kept, tables, n_written, (deadline, waits))
    }

    /// What the commits after a version wrote down in a file; blocks the calling thread.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn records_after(
        &self,
        storage: &StorageId,
        version: i64,
    ) -> Result<Vec<(i64, String)>, StoreError> {
        write::records_after(&self.path_of(storage), version)
    }

    /// Removes the oldest part of a file's log on a thread for blocking work.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub async fn trim_log(
        &self,
        storage: &StorageId,
        version: i64,
        at_most: usize,
    ) -> Result<usize, StoreError> {
        let (path, storage) = (self.path_of(storage), storage.clone());
        let columns = Arc::clone(&self.columns);
        blocking(move || {
            columns.before_trim(&storage)?;
            write::trim_log(&path, version, at_most)
        })
        .await
    }

    /// Builds an index on a thread for blocking work, beside readers.
    ///
    /// # Errors
    /// When SQLite refuses or the disk is full.
    pub async fn create_index(
        &self,
        storage: &StorageId,
        name: &str,
        definition: &IndexDefinition,
    ) -> Result<i64, StoreError> {
        let (path, name, definition) = (self.path_of(storage), name.to_owned(), definition.clone());
        blocking(move || index::create_index(&path, &name, &definition)).await
    }

    /// How a run would be answered, on a thread for blocking work.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub async fn explain(&self, run: Run) -> Result<Explained, StoreError> {
        let (folder, columns) = (self.folder.clone(), Arc::clone(&self.columns));
        blocking(move || {
            if let Some(steps) = columns.explain(&run)? {
                return Ok(Explained { path: run::Path::Columnar, steps });
            }
            let steps = match columns.explain_scan(&run) {
                Some(steps) => steps,
                None => read::explain(&folder, &run)?,
            };
            Ok(Explained { path: run::Path::RowStore, steps })
        })
        .await
    }

    /// Removes an index on a thread for blocking work, beside readers.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub async fn drop_index(&self, storage: &StorageId, name: &str) -> Result<(), StoreError> {
        let (path, name) = (self.path_of(storage), name.to_owned());
        blocking(move || index::drop_index(&path, &name)).await
    }

    /// How its threads are used.
    pub fn reader_usage(&self) -> super::ReaderUsage {
        self.readers.usage()
    }

    /// Asks whether the folder is there.
    ///
    /// # Errors
    /// When it is not.
    pub fn ping(&self) -> Result<(), StoreError> {
        fs::metadata(&self.folder)?;
        Ok(())
    }
}

impl Drop for SqliteStore {
    fn drop(&mut self) {
        self.columns.close();
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or(Err(StoreError::Defect("a thread of the embedded store ended without a result")))
}

/// Makes new and removed names in a folder last.
fn sync_folder(folder: &Path) -> io::Result<()> {
    fs::File::open(folder)?.sync_all()
}
