//! The columns beside data files: which are there, whether they are of the version that is asked
//! for, and what they answer.
//!
//! A file of columns is made by a load, or later in the background from the rows. It never changes:
//! rows that are changed afterwards are kept in memory beside it ([`changes`]), until they are so
//! many that it is made anew. Without columns, or where they do not tell enough, nothing is answered
//! here and the rows are asked instead.

mod answer;
mod build;
mod changes;
pub(super) mod encode;
pub(super) mod scan;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use moka::Expiry;
use moka::sync::Cache;
use sluice_columnar::chunk::Source;
use sluice_columnar::file::{ColumnFile, OpenError};
use sluice_columnar::marked::{Delta, Marked};
use sluice_columnar::run::Limits;
use sluice_columnar::{Failure, Kind};

use self::build::{Builder, Order};
use self::changes::Changes;
use crate::catalog::model::StorageId;
use crate::config::Settings;
use crate::error::Error;
use crate::store::columns::{ColumnQuestion, TableRow, kind_of};
use crate::store::run::Run;
use crate::store::{PhysicalColumn, StoreError};

/// Tables whose columns are held open.
const MAX_OPEN: u64 = 1_024;
/// Memory that one question may take, bytes.
const MAX_QUESTION_BYTES: usize = 256 << 20;
/// Threads of one question, at most.
const MAX_THREADS: usize = 4;

/// The columns of a data folder.
pub(super) struct Columns {
    folder: PathBuf,
    is_on: bool,
    min_rows: u64,
    /// Those that were looked for; none where there is no file, or none that is sound.
    tables: Cache<StorageId, Option<Arc<Held>>>,
    builder: Builder,
    /// Set when nobody will ask any more.
    is_closed: AtomicBool,
}

/// A file of columns that is open.
struct Held {
    file: ColumnFile,
    /// The names of its columns, in their order.
    names: Vec<String>,
    changes: Mutex<Changes>,
}

/// What a run is answered from.
struct Found<'r> {
    held: Arc<Held>,
    /// Rows that changed since.
    delta: Option<Arc<Delta>>,
    question: &'r ColumnQuestion,
    storage: &'r StorageId,
}

impl Found<'_> {
    fn ask<T>(&self, question: impl FnOnce(&dyn Source) -> T) -> T {
        match &self.delta {
            Some(delta) => question(&Marked::new(&self.held.file, delta)),
            None => question(&self.held.file),
        }
    }
}

/// Who asks, and how much it may take.
pub(super) struct Asker<'a> {
    /// Whether there are processors that nobody uses.
    pub(super) is_idle: bool,
    /// Set when nobody waits for the answer any more.
    pub(super) is_abandoned: Option<&'a AtomicBool>,
    /// When to give up.
    pub(super) deadline: Instant,
}

impl Asker<'_> {
    fn is_stopped(&self) -> bool {
        Instant::now() >= self.deadline
            || self.is_abandoned.is_some_and(|flag| flag.load(Ordering::Relaxed))
    }

    fn n_threads(&self) -> usize {
        match self.is_idle {
            true => std::thread::available_parallelism().map_or(1, usize::from).min(MAX_THREADS),
            false => 1,
        }
    }
}

impl std::fmt::Debug for Columns {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Columns").field("is_on", &self.is_on).finish_non_exhaustive()
    }
}

/// The kinds of a table's columns.
pub(super) fn kinds_of(columns: &[PhysicalColumn]) -> Vec<Kind> {
    columns.iter().map(|column| kind_of(column.column_type)).collect()
}

/// Where the columns of a data file are.
pub(super) fn path_beside(database: &Path) -> PathBuf {
    database.with_extension("col")
}

impl Columns {
    /// Those of a folder.
    ///
    /// # Errors
    /// When there is no thread for building them.
    pub(super) fn open(folder: &Path, settings: &Settings) -> io::Result<Arc<Columns>> {
        let is_on = settings.columnar;
        remove_unfinished(folder)?;
        let (builder, orders) = Builder::new();
        let columns = Arc::new(Columns {
            folder: folder.to_owned(),
            is_on,
            min_rows: u64::try_from(settings.columnar_min_rows).unwrap_or(u64::MAX),
            tables: Cache::builder().max_capacity(MAX_OPEN).expire_after(Absence).build(),
            builder,
            is_closed: AtomicBool::new(false),
        });
        if is_on {
            build::start(Arc::downgrade(&columns), orders)?;
        }
        Ok(columns)
    }

    /// Ends what is built, since nobody will ask any more.
    pub(super) fn close(&self) {
        self.is_closed.store(true, Ordering::Relaxed);
    }

    fn is_closed(&self) -> bool {
        self.is_closed.load(Ordering::Relaxed)
    }

    /// The rows from which on a load writes columns; `None` where it writes none.
    pub(super) fn min_rows(&self) -> Option<u64> {
        self.is_on.then_some(self.min_rows)
    }

    /// Whether a table has so many rows that it is not left to SQLite.
    pub(super) fn is_large(&self, question: &ColumnQuestion) -> bool {
        u64::try_from(question.n_rows).unwrap_or(0) >= self.min_rows
    }

    fn database(&self, storage: &StorageId) -> PathBuf {
        self.folder.join(format!("{}.db", storage.as_str()))
    }

    fn path(&self, storage: &StorageId) -> PathBuf {
        path_beside(&self.database(storage))
    }

    /// Closes the columns of a table, which is gone or has other ones now.
    pub(super) fn forget(&self, storage: &StorageId) {
        self.tables.invalidate(storage);
    }

    /// Answers a run from columns; `None` where it must be answered from rows.
    ///
    /// # Errors
    /// Timeout when it is stopped.
    pub(super) fn answer(
        &self,
        run: &Run,
        asker: &Asker<'_>,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        let Some(found) = self.find(run)? else { return Ok(None) };
        let is_stopped = || asker.is_stopped();
        let limits = Limits {
            n_threads: asker.n_threads(),
            max_bytes: MAX_QUESTION_BYTES,
            is_stopped: &is_stopped,
        };
        let names = &found.held.names;
        let answered =
            found.ask(|source| answer::answer(source, names, found.question, run, &limits));
        match answered {
            Ok(bytes) => Ok(Some(bytes)),
            Err(answer::NoAnswer::Failed(error)) => Err(error),
            Err(answer::NoAnswer::Columns(failure)) => {
                self.failed(&failure, found.storage, found.question).map(|()| None)
            }
        }
    }

    /// Hands the rows of a run to `each`, in their order; false where they must be read from the
    /// table.
    ///
    /// # Errors
    /// Timeout when it is stopped, Defect where columns turn out to be damaged on the way; those of
    /// `each`.
    pub(super) fn rows(
        &self,
        run: &Run,
        is_stopped: &(dyn Fn() -> bool + Sync),
        each: &mut dyn FnMut(&TableRow<'_>) -> Result<(), Error>,
    ) -> Result<bool, Error> {
        let Some(found) = self.find(run)? else { return Ok(false) };
        let limits = Limits { n_threads: 1, max_bytes: MAX_QUESTION_BYTES, is_stopped };
        let names = &found.held.names;
        match found.ask(|source| answer::rows(source, names, found.question, &limits, each)) {
            None => Ok(false),
            Some(Ok(())) => Ok(true),
            Some(Err(answer::NoRows::Each(error))) => Err(error),
            Some(Err(answer::NoRows::Columns(failure))) => {
                self.failed(&failure, found.storage, found.question)?;
                Err(StoreError::Defect("columns could not be read to their end").into())
            }
        }
    }

    /// The columns that a run may be answered from.
    fn find<'r>(&self, run: &'r Run) -> Result<Option<Found<'r>>, StoreError> {
        let Some((question, storage)) = self.asked(run) else { return Ok(None) };
        let Some(held) = self.table(storage, question)? else { return Ok(None) };
        let version = run.versions.first().copied().unwrap_or(0);
        let delta = self.changes(&held, storage, question, version)?;
        Ok(delta.map(|delta| Found { held, delta, question, storage }))
    }

    /// How a run would be answered from columns; `None` where it would not be.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub(super) fn explain(&self, run: &Run) -> Result<Option<Vec<String>>, StoreError> {
        let Some(found) = self.find(run)? else { return Ok(None) };
        let n_changed =
            found.delta.as_ref().map_or(0, |delta| delta.n_gone().max(delta.n_now() as u64));
        Ok(Some(found.question.steps(found.held.file.n_rows(), n_changed)))
    }

    fn asked<'r>(&self, run: &'r Run) -> Option<(&'r ColumnQuestion, &'r StorageId)> {
        let question = run.question.as_deref().filter(|_| self.is_on)?;
        Some((question, run.tables.first()?)).filter(|_| self.is_large(question))
    }

    /// The columns of a table, opened once; where there are none, they are built from now on.
    fn table(
        &self,
        storage: &StorageId,
        question: &ColumnQuestion,
    ) -> Result<Option<Arc<Held>>, StoreError> {
        if let Some(known) = self.tables.get(storage) {
            return Ok(known);
        }
        let held = self.open_file(storage, question)?.map(Arc::new);
        if held.is_none() {
            self.order(storage, question);
        }
        Ok(self.tables.get_with_by_ref(storage, || held))
    }

    fn open_file(
        &self,
        storage: &StorageId,
        question: &ColumnQuestion,
    ) -> Result<Option<Held>, StoreError> {
        let path = self.path(storage);
        let why = match ColumnFile::open(&path) {
            Ok(file) => {
                let names = changes::column_names(&self.folder, storage)?;
                let kinds = question.table.kinds(&names);
                if file.identity() == storage.bytes() && file.kinds() == kinds {
                    let changes = Mutex::new(Changes::new(file.version()));
                    return Ok(Some(Held { file, names, changes }));
                }
                "they are of another table".to_owned()
            }
            Err(OpenError::Io(error)) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(None);
            }
            Err(error) => error.to_string(),
        };
        tracing::warn!(storage = storage.as_str(), why, "columns are not used and built anew");
        // One that cannot be removed is written over.
        let _ = fs::remove_file(&path);
        Ok(None)
    }

    /// What changed since the columns were made, for this version of the dataset: nothing, or rows;
    /// `None` where that is not known, or too much.
    fn changes(
        &self,
        held: &Held,
        storage: &StorageId,
        question: &ColumnQuestion,
        version: i64,
    ) -> Result<Option<Option<Arc<Delta>>>, StoreError> {
        let mut changes = held.changes.lock().unwrap_or_else(PoisonError::into_inner);
        if !changes.knows(version) {
            changes.look(&self.folder, storage, question, &held.file, &held.names, version)?;
        }
        if changes.are_many(held.file.n_rows()) {
            self.order(storage, question);
        }
        Ok(changes.delta())
    }

    /// Has the columns of a table built in the background.
    fn order(&self, storage: &StorageId, question: &ColumnQuestion) {
        self.builder.order(Order { storage: storage.clone(), table: Arc::clone(&question.table) });
    }

    fn failed(
        &self,
        failure: &Failure,
        storage: &StorageId,
        question: &ColumnQuestion,
    ) -> Result<(), StoreError> {
        match failure {
            Failure::Stopped => return Err(StoreError::Timeout),
            Failure::TooLarge | Failure::Unfit => {}
            Failure::Damaged(why) => {
                tracing::warn!(
                    storage = storage.as_str(),
                    why,
                    "columns are damaged, not used and built anew"
                );
                let _ = fs::remove_file(self.path(storage));
                self.forget(storage);
                self.order(storage, question);
            }
            Failure::Mistaken => {
                tracing::error!(storage = storage.as_str(), "a question does not fit its columns");
            }
        }
        Ok(())
    }

    /// Makes sure that what a log tells up to a version is not needed any more.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub(super) fn before_trim(&self, storage: &StorageId) -> Result<(), StoreError> {
        let Some(held) = self.tables.get(storage).flatten() else { return Ok(()) };
        let mut changes = held.changes.lock().unwrap_or_else(PoisonError::into_inner);
        changes.hear(&self.folder, storage, &held.file)
    }
}

/// Removes files that were in the making when the process ended.
fn remove_unfinished(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == encode::NEW_EXTENSION) {
            fs::remove_file(path)?;
        }
    }
    Ok(())
}

/// How long it is remembered that a table has no columns.
struct Absence;

impl Expiry<StorageId, Option<Arc<Held>>> for Absence {
    fn expire_after_create(
        &self,
        _: &StorageId,
        held: &Option<Arc<Held>>,
        _: Instant,
    ) -> Option<Duration> {
        held.is_none().then_some(build::REST_AFTER_FAILURE)
    }
}
