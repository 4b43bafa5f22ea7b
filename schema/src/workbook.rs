//! Turns sheets of Excel and OpenDocument workbooks into streams of their cells.
//! It exists because a spreadsheet knows what its cells are: what was typed as text stays text, dates need no guess.
//! It never evaluates a formula (the stored result counts), and opens a workbook once for all of its sheets.

use std::fs::File;
use std::io::{BufReader, Read, Seek};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

use calamine::{
    Data, DataRef, Reader, SheetType, SheetVisible, Sheets, Style, open_workbook_from_rs,
};

use crate::ahead::{Ahead, FollowingFile};
use crate::batches::hand_over;
use crate::decode::Faults;
use crate::error::SchemaError;
use crate::grid::{Grid, SheetFacts};
use crate::options::Limits;
use crate::plan::{ShownAs, WorkbookKind};
use crate::shown::shown_by;
use crate::spool::{SpoolSlot, keep_rows};
use crate::stream::{Stop, stream_rows};

type Workbook = Sheets<BufReader<FollowingFile>>;

/// A workbook, open as long as its sheets are read.
type SharedBook = Arc<Mutex<Option<Workbook>>>;

/// A sheet as the workbook lists it.
pub(crate) struct SheetEntry {
    pub(crate) name: String,
    pub(crate) is_visible: bool,
    /// Whether it holds cells; charts and macros do not.
    pub(crate) is_worksheet: bool,
}

/// Tells which kind of workbook a zip archive is, by its members.
pub(crate) fn kind_of_members<'a>(names: impl Iterator<Item = &'a str>) -> Option<WorkbookKind> {
    let mut kind = None;
    for name in names {
        match name.to_ascii_lowercase().replace('\\', "/").as_str() {
            "xl/workbook.bin" => return Some(WorkbookKind::Xlsb),
            "content.xml" => return Some(WorkbookKind::Ods),
            name if name.starts_with("xl/") => kind = Some(WorkbookKind::Xlsx),
            _ => {}
        }
    }
    kind
}

fn open(
    path: &Path,
    kind: WorkbookKind,
    ahead: Option<&Arc<Ahead>>,
) -> Result<Workbook, SchemaError> {
    let file = BufReader::new(FollowingFile::new(File::open(path)?, ahead.cloned()));
    Ok(match kind {
        WorkbookKind::Xlsx => Sheets::Xlsx(open_workbook_from_rs(file).map_err(damaged)?),
        WorkbookKind::Xlsb => Sheets::Xlsb(open_workbook_from_rs(file).map_err(damaged)?),
        WorkbookKind::Xls => {
            Sheets::Xls(open_workbook_from_rs(file).map_err(|error| damaged_xls(path, error))?)
        }
        WorkbookKind::Ods => Sheets::Ods(open_workbook_from_rs(file).map_err(damaged)?),
    })
}

fn damaged(error: impl std::fmt::Display) -> SchemaError {
    let error = error.to_string();
    if error.to_ascii_lowercase().contains("password") {
        return protected();
    }
    SchemaError::Rejected {
        row: None,
        found: format!("the workbook is damaged or of an unusual kind ({error})"),
        remedy: "open it in a spreadsheet program, save it again as .xlsx and send that".to_owned(),
    }
}

fn protected() -> SchemaError {
    SchemaError::Unsupported {
        what: "a workbook protected by a password".to_owned(),
        remedy: "save it without a password and send that".to_owned(),
    }
}

fn damaged_xls(path: &Path, error: impl std::fmt::Display) -> SchemaError {
    let mut head = Vec::new();
    let read = File::open(path).and_then(|file| file.take(4 * 1024 * 1024).read_to_end(&mut head));
    // The streams of a compound file have names, in UTF-16, which tell what it is.
    let has_stream = |name: &str| {
        let name: Vec<u8> = name.encode_utf16().flat_map(u16::to_le_bytes).collect();
        read.is_ok() && memchr::memmem::find(&head, &name).is_some()
    };
    let other = [
        ("WordDocument", "a Word document"),
        ("PowerPoint Document", "a PowerPoint document"),
        ("__properties_version1.0", "an Outlook message"),
    ];
    // A protected .xlsx is a compound file that holds the packed one.
    if has_stream("EncryptedPackage") {
        return protected();
    }
    match other.into_iter().find(|(stream, _)| has_stream(stream)) {
        Some((_, what)) => SchemaError::Unsupported {
            what: what.to_owned(),
            remedy: "copy the table into a spreadsheet and send that".to_owned(),
        },
        None => damaged(error),
    }
}

/// Whether it pays to look for merged cells: as is known, and as the check of the last part finds out.
#[derive(Clone, Default)]
pub(crate) struct Merged {
    pub(crate) is_known: bool,
    pub(crate) ahead: Option<Arc<Ahead>>,
}

impl Merged {
    fn are_any(&self) -> bool {
        self.is_known || self.ahead.as_ref().is_some_and(|ahead| ahead.has_merged_cells())
    }
}

/// A workbook whose sheets are read one after the other.
pub(crate) struct WorkbookFile {
    path: PathBuf,
    kind: WorkbookKind,
    merged: Merged,
    book: SharedBook,
}

impl WorkbookFile {
    /// Opens a workbook, to be read no faster than its last part is checked.
    pub(crate) fn open(
        path: &Path,
        kind: WorkbookKind,
        merged: Merged,
    ) -> Result<Self, SchemaError> {
        let book = open_guarded(path, kind, merged.ahead.as_ref())?;
        let book = Arc::new(Mutex::new(Some(book)));
        Ok(Self { path: path.to_owned(), kind, merged, book })
    }

    /// Lists the sheets.
    pub(crate) fn sheets(&self) -> Vec<SheetEntry> {
        let book = lock(&self.book);
        let sheets = book.as_ref().map(Reader::sheets_metadata).unwrap_or_default();
        let entries = sheets.iter().map(|sheet| SheetEntry {
            name: sheet.name.clone(),
            is_visible: sheet.visible == SheetVisible::Visible,
            is_worksheet: matches!(sheet.typ, SheetType::WorkSheet),
        });
        entries.collect()
    }

    /// Names a sheet whose rows are kept while they are read.
    pub(crate) fn sheet(&self, name: &str) -> SheetSource {
        SheetSource {
            book: Arc::clone(&self.book),
            merged: self.merged.clone(),
            kept_rows: Some(SpoolSlot::default()),
            ..SheetSource::new(&self.path, self.kind, name)
        }
    }
}

/// Locks a workbook; one that was lost in a panic is opened anew.
fn lock(book: &SharedBook) -> MutexGuard<'_, Option<Workbook>> {
    book.lock().unwrap_or_else(|poisoned| {
        let mut book = poisoned.into_inner();
        *book = None;
        book
    })
}

/// Opens a workbook; where the parser panics, the workbook is damaged.
fn open_guarded(
    path: &Path,
    kind: WorkbookKind,
    ahead: Option<&Arc<Ahead>>,
) -> Result<Workbook, SchemaError> {
    catch_unwind(AssertUnwindSafe(|| open(path, kind, ahead)))
        .unwrap_or_else(|_| Err(damaged("its parts contradict each other")))
}

/// A sheet of a workbook, and what becomes known about it.
pub(crate) struct SheetSource {
    path: PathBuf,
    kind: WorkbookKind,
    name: String,
    merged: Merged,
    book: SharedBook,
    facts: Arc<Mutex<SheetFacts>>,
    /// Where rows are kept, if they are.
    kept_rows: Option<SpoolSlot>,
}

impl SheetSource {
    /// Names a sheet that is read once.
    pub(crate) fn new(path: &Path, kind: WorkbookKind, name: &str) -> Self {
        Self {
            path: path.to_owned(),
            kind,
            name: name.to_owned(),
            merged: Merged::default(),
            book: SharedBook::default(),
            facts: Arc::default(),
            kept_rows: None,
        }
    }

    pub(crate) fn kind(&self) -> WorkbookKind {
        self.kind
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn kept_rows(&self) -> Option<&SpoolSlot> {
        self.kept_rows.as_ref()
    }

    /// Takes what was met while all rows were read.
    pub(crate) fn take_facts(&self) -> SheetFacts {
        self.facts.lock().map(|mut facts| std::mem::take(&mut *facts)).unwrap_or_default()
    }

    /// Opens the rows as text of the inner dialect.
    pub(crate) fn open(
        &self,
        limits: &Limits,
        faults: Option<&Arc<Faults>>,
    ) -> Result<Box<dyn Read + Send>, SchemaError> {
        let (path, kind, sheet) = (self.path.clone(), self.kind, self.name.clone());
        let (book, facts) = (Arc::clone(&self.book), Arc::clone(&self.facts));
        let merged = self.merged.clone();
        let max_columns = limits.max_columns;
        let rows = stream_rows(faults.cloned(), limits, move |sink| {
            let mut grid = Grid::new(sink, max_columns);
            let mut book = lock(&book);
            let workbook = match book.as_mut() {
                Some(workbook) => workbook,
                None => book.insert(open(&path, kind, merged.ahead.as_ref())?),
            };
            let result = match workbook {
                Sheets::Xlsx(workbook) => push_xlsx(workbook, &sheet, &merged, &mut grid),
                Sheets::Xlsb(workbook) => push_xlsb(workbook, &sheet, &mut grid),
                workbook => push_range(workbook, &sheet, &mut grid),
            };
            if let Ok(mut facts) = facts.lock() {
                *facts = grid.into_facts();
            }
            result
        })?;
        Ok(match &self.kept_rows {
            Some(slot) => Box::new(keep_rows(rows, &self.path, slot, limits.max_unpacked_bytes)),
            None => Box::new(rows),
        })
    }
}

fn push_xlsx<R: Read + Seek>(
    workbook: &mut calamine::Xlsx<R>,
    sheet: &str,
    merged: &Merged,
    grid: &mut Grid<'_>,
) -> Result<(), Stop> {
    let mut cells = workbook.worksheet_cells_reader(sheet).map_err(damaged)?;
    let shown: Vec<Option<ShownAs>> = cells.styles().iter().map(shown_by_style).collect();
    let are_shown = shown.iter().any(Option::is_some);
    hand_over(
        |out| {
            if are_shown {
                while let Some((cell, style)) = cells.next_cell_with_style_id().map_err(damaged)? {
                    out.put(cell, Some(style))?;
                }
            } else {
                while let Some(cell) = cells.next_cell().map_err(damaged)? {
                    out.put(cell, None)?;
                }
            }
            Ok(())
        },
        |(cell, style)| {
            let ((row, column), data) = (cell.get_position(), cell.get_value());
            grid.cell(row, column, data)?;
            if let Some(Some(shown)) = style.and_then(|style| shown.get(style))
                && matches!(data, DataRef::Float(_) | DataRef::Int(_))
            {
                grid.shown_as(row, column, shown);
            }
            Ok(())
        },
    )?;
    grid.finish()?;
    drop(cells);
    if merged.are_any() {
        for area in workbook.merge_cells_by_sheet_name(sheet).map_err(damaged)? {
            grid.merged(area.start, area.end);
        }
    }
    Ok(())
}

fn shown_by_style(style: &Style) -> Option<ShownAs> {
    style.number_format.as_ref().and_then(|format| shown_by(&format.format_code))
}

fn push_xlsb<R: Read + Seek>(
    workbook: &mut calamine::Xlsb<R>,
    sheet: &str,
    grid: &mut Grid<'_>,
) -> Result<(), Stop> {
    let mut cells = workbook.worksheet_cells_reader(sheet).map_err(damaged)?;
    hand_over(
        |out| {
            while let Some(cell) = cells.next_cell().map_err(damaged)? {
                out.put(cell, None)?;
            }
            Ok(())
        },
        |(cell, _)| {
            let (row, column) = cell.get_position();
            grid.cell(row, column, cell.get_value())
        },
    )?;
    grid.finish()
}

fn push_range(workbook: &mut Workbook, sheet: &str, grid: &mut Grid<'_>) -> Result<(), Stop> {
    if let Sheets::Xls(workbook) = workbook {
        for area in workbook.merge_cells_by_sheet_name(sheet).unwrap_or_default() {
            grid.merged(area.start, area.end);
        }
    }
    let is_xls = matches!(workbook, Sheets::Xls(_));
    let range = workbook.worksheet_range(sheet).map_err(damaged)?;
    let (first_row, first_column) = range.start().unwrap_or((0, 0));
    for (row, column, data) in range.used_cells() {
        let row = first_row.saturating_add(u32::try_from(row).unwrap_or(u32::MAX));
        let column = first_column.saturating_add(u32::try_from(column).unwrap_or(u32::MAX));
        match data {
            Data::String(text) if is_xls => {
                grid.cell(row, column, &DataRef::String(narrow(text)))?
            }
            data => grid.cell(row, column, &lend(data))?,
        }
    }
    grid.finish()
}

/// Takes out the zeros of text that the parser read in bytes although it stands in pairs of them.
fn narrow(text: &str) -> String {
    let are_pairs = text.contains('\0')
        && text.chars().enumerate().all(|(place, char)| (place % 2 == 1) == (char == '\0'));
    if are_pairs { text.replace('\0', "") } else { text.to_owned() }
}

fn lend(data: &Data) -> DataRef<'_> {
    match data {
        Data::Int(value) => DataRef::Int(*value),
        Data::Float(value) => DataRef::Float(*value),
        Data::String(text) => DataRef::SharedString(text),
        Data::Bool(value) => DataRef::Bool(*value),
        Data::DateTime(value) => DataRef::DateTime(*value),
        Data::DateTimeIso(text) => DataRef::DateTimeIso(text.clone()),
        Data::DurationIso(text) => DataRef::DurationIso(text.clone()),
        Data::Error(error) => DataRef::Error(error.clone()),
        Data::Empty => DataRef::Empty,
    }
}
