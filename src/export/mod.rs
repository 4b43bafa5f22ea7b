//! Turns the rows of a query into a file: CSV, TSV, JSON, NDJSON, a workbook, Parquet or Arrow.
//!
//! It exists for answers of any length: rows flow from the store through a writer into blocks that
//! a bounded channel holds, and what the client does not take is not read. It never decides which
//! rows and columns those are; that is settled where queries are.

mod columnar;
mod json;
mod separated;
mod table;
mod xlsx;

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::JoinHandle;

use self::columnar::ColumnarWriter;
use self::json::JsonWriter;
use self::separated::CsvWriter;
pub use self::separated::{CsvOptions, Header};
pub use self::table::Table;
pub use self::xlsx::MAX_ROWS as MAX_XLSX_ROWS;
use self::xlsx::XlsxWriter;
pub use self::xlsx::too_many_rows;
use crate::catalog::snapshot::Snapshot;
use crate::config::Settings;
use crate::error::{Code, Error, Result};
use crate::store::json::{CellKind, OutCell, OutField, RowShape};
use crate::store::run::Run;
use crate::store::stream::Outlet;
use crate::store::{Store, StoreError};

/// Blocks between the store and the client.
const N_BLOCKS: usize = 4;
/// Bytes of a block that is read from a finished file.
const BLOCK_BYTES: usize = 64 << 10;
/// How long an export waits for others to end before it is refused.
const WAIT: Duration = Duration::from_secs(5);

/// What rows are written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Values separated by commas, or by what the options say.
    Csv,
    /// Values separated by tabs.
    Tsv,
    /// One list of objects.
    Json,
    /// An object per line.
    Ndjson,
    /// A workbook of one sheet.
    Xlsx,
    /// Columns in groups of rows, compressed.
    Parquet,
    /// Columns in batches of rows, as programs hold them in memory.
    Arrow,
}

impl Format {
    /// All of them.
    pub const ALL: [Format; 7] = [
        Format::Csv,
        Format::Tsv,
        Format::Json,
        Format::Ndjson,
        Format::Xlsx,
        Format::Parquet,
        Format::Arrow,
    ];

    /// What a file's name ends with.
    pub fn extension(self) -> &'static str {
        match self {
            Format::Csv => "csv",
            Format::Tsv => "tsv",
            Format::Json => "json",
            Format::Ndjson => "ndjson",
            Format::Xlsx => "xlsx",
            Format::Parquet => "parquet",
            Format::Arrow => "arrow",
        }
    }

    /// What files' names may end with, as a sentence has it: `.csv, .tsv or .json`.
    pub fn endings() -> String {
        let [others @ .., last] = Format::ALL.map(Format::extension);
        format!(".{} or .{last}", others.join(", ."))
    }

    /// Of a file's name, with what stands before the point.
    pub fn of_file(file: &str) -> Option<(&str, Format)> {
        let (name, extension) = file.rsplit_once('.')?;
        Some((name, Format::of_extension(extension)?))
    }

    /// Of what a file's name ends with.
    pub fn of_extension(extension: &str) -> Option<Format> {
        Format::ALL.into_iter().find(|format| format.extension() == extension)
    }

    /// The media type.
    pub fn content_type(self) -> &'static str {
        match self {
            Format::Csv => "text/csv; charset=utf-8",
            Format::Tsv => "text/tab-separated-values; charset=utf-8",
            Format::Json => "application/json; charset=utf-8",
            Format::Ndjson => "application/x-ndjson; charset=utf-8",
            Format::Xlsx => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            Format::Parquet => "application/vnd.apache.parquet",
            Format::Arrow => "application/vnd.apache.arrow.file",
        }
    }
}

/// A column of the file.
#[derive(Clone, Debug)]
struct Column {
    /// What it is called at its head.
    name: String,
    /// Position in the result.
    index: usize,
    kind: CellKind,
}

/// What is to be written.
pub struct Wanted {
    /// What is read.
    pub run: Run,
    /// What each row answers.
    pub shape: RowShape,
    /// What the columns are called, in the order of the shape.
    pub names: Vec<String>,
    /// Keeps what is read from being removed.
    pub held: Arc<Snapshot>,
    /// As what it is written.
    pub format: Format,
    /// How, where there is a choice.
    pub options: CsvOptions,
}

impl Wanted {
    fn columns(&self) -> Result<Vec<Column>> {
        let column = |(field, name): (&OutField, &String)| match field.cell {
            OutCell::Column { index, kind } => Ok(Column { name: name.clone(), index, kind }),
            _ => Err(Error::internal("an export of more than columns")),
        };
        self.shape.iter().zip(&self.names).map(column).collect()
    }
}

/// Makes files, a few at once.
pub struct Exports {
    store: Arc<Store>,
    places: Arc<Semaphore>,
    timeout: Duration,
    /// Where a workbook lies until it is sent.
    folder: PathBuf,
}

/// The right to make one file.
pub struct Place(OwnedSemaphorePermit);

impl Exports {
    /// Of rows of this store.
    pub fn new(store: Arc<Store>, settings: &Settings) -> Exports {
        Exports {
            store,
            places: Arc::new(Semaphore::new(settings.exports.concurrency)),
            timeout: settings.exports.timeout,
            folder: settings.data_dir.clone(),
        }
    }

    /// When an export that begins now is given up.
    pub fn deadline(&self) -> Instant {
        Instant::now() + self.timeout
    }

    /// A place among those at work, as soon as there is one.
    ///
    /// # Errors
    /// RATE_LIMITED when none is free for some seconds.
    pub async fn place(&self) -> Result<Place> {
        let place = Arc::clone(&self.places).acquire_owned();
        match tokio::time::timeout(WAIT, place).await {
            Ok(place) => Ok(Place(place.map_err(Error::internal)?)),
            Err(_) => Err(Error::new(
                Code::RateLimited,
                "As many exports are at work as the setting export.concurrency allows. Try again shortly.",
            )),
        }
    }

    /// A place among those at work, however long that takes.
    ///
    /// # Errors
    /// INTERNAL when the process ends.
    pub async fn place_in_turn(&self) -> Result<Place> {
        let place = Arc::clone(&self.places).acquire_owned().await;
        Ok(Place(place.map_err(Error::internal)?))
    }

    /// Begins to make a file; it is given up when the blocks are dropped.
    ///
    /// # Errors
    /// INTERNAL for rows of more than columns.
    pub fn start(&self, wanted: Wanted, place: Place) -> Result<Blocks> {
        let columns = wanted.columns()?;
        let (sender, receiver) = mpsc::channel(N_BLOCKS);
        let (store, folder) = (Arc::clone(&self.store), self.folder.clone());
        let outlet = Outlet::new(sender, wanted.run.deadline);
        let work = tokio::task::spawn_blocking(move || {
            let made = make(&store, &wanted, columns, &folder, outlet);
            // Until here nothing that is read was removed, and the place was taken.
            drop(wanted);
            drop(place.0);
            made
        });
        Ok(Blocks { receiver, work: Some(work) })
    }
}

/// Reads and writes all rows; on a thread for blocking work.
fn make(
    store: &Store,
    wanted: &Wanted,
    columns: Vec<Column>,
    folder: &Path,
    mut outlet: Outlet,
) -> Result<()> {
    let run = &wanted.run;
    match wanted.format {
        Format::Csv | Format::Tsv => {
            let mut writer = CsvWriter::new(columns, wanted.options);
            writer.begin(&mut outlet.out);
            store.stream(run, &mut writer, &mut outlet)?;
        }
        Format::Json | Format::Ndjson => {
            let mut writer = JsonWriter::new(&wanted.shape, wanted.format == Format::Json);
            writer.begin(&mut outlet.out);
            store.stream(run, &mut writer, &mut outlet)?;
            writer.end(&mut outlet.out);
        }
        Format::Xlsx => {
            let mut writer = XlsxWriter::new(columns, folder)?;
            store.stream(run, &mut writer, &mut outlet)?;
            return send_file(&mut writer.finish(folder)?, &mut outlet);
        }
        Format::Parquet | Format::Arrow => {
            let mut writer = match wanted.format {
                Format::Arrow => ColumnarWriter::arrow(columns)?,
                _ => ColumnarWriter::parquet(columns)?,
            };
            store.stream(run, &mut writer, &mut outlet)?;
            writer.end(&mut outlet.out)?;
        }
    }
    send(&mut outlet)
}

fn send(outlet: &mut Outlet) -> Result<()> {
    if outlet.out.is_empty() { Ok(()) } else { Handle::current().block_on(outlet.send()) }
}

fn send_file(file: &mut File, outlet: &mut Outlet) -> Result<()> {
    loop {
        let block = file.by_ref().take(BLOCK_BYTES as u64);
        let n_bytes = { block }.read_to_end(&mut outlet.out);
        if n_bytes.map_err(|error| Error::from(StoreError::from(error)))? == 0 {
            return Ok(());
        }
        send(outlet)?;
    }
}

/// A file while it is made.
pub struct Blocks {
    receiver: mpsc::Receiver<Bytes>,
    work: Option<JoinHandle<Result<()>>>,
}

impl Blocks {
    /// The next part, which may be empty; none after the end. The first one comes when the moment
    /// of the rows is settled.
    ///
    /// # Errors
    /// When the rest cannot be made: what came so far is no whole file.
    pub async fn next(&mut self) -> Result<Option<Bytes>> {
        if let Some(block) = self.receiver.recv().await {
            return Ok(Some(block));
        }
        match self.work.take() {
            Some(work) => work.await.map_err(Error::internal)?.map(|()| None),
            None => Ok(None),
        }
    }
}
