//! Turns the first records of a table into the place and the cells of its header.
//! It exists because a header is a guess: it may follow titles, stand on two rows, or be missing.
//! It never takes a row for a header without a reason, says which, and keeps what stands before it word for word.

use crate::error::SchemaError;
use crate::form::{Form, form_of};
use crate::options::{Limits, ReadOptions};
use crate::plan::{Dialect, HeaderPlan, Notice, NoticeCode};
use crate::scan::{CellSpan, Marks, Record, Scanner, cell_text};
use crate::summary::{Texts, trim};

/// Records that are compared.
pub(crate) const MAX_RECORDS: usize = 200;
/// Lines before a header, at most.
const MAX_PREAMBLE: usize = 30;

/// A record of the head.
pub(crate) struct HeadRecord {
    /// 1-based, blank lines included.
    pub(crate) row: u64,
    /// The byte after it.
    pub(crate) end: usize,
    pub(crate) cells: Vec<String>,
    /// What the cells look like.
    pub(crate) forms: Vec<Form>,
}

impl HeadRecord {
    fn n_filled(&self) -> usize {
        self.cells.iter().filter(|cell| !cell.trim().is_empty()).count()
    }

    fn forms(&self) -> impl Iterator<Item = Form> + '_ {
        self.forms.iter().copied()
    }

    fn is_all_words(&self) -> bool {
        self.forms().zip(&self.cells).all(is_word)
    }
}

/// Finds the header in the head of a delimited text.
pub(crate) fn find_header(
    head: &str,
    dialect: &Dialect,
    texts: Texts,
    options: &ReadOptions,
    limits: &Limits,
    notices: &mut Vec<Notice>,
) -> Result<HeaderPlan, SchemaError> {
    let records = head_records(head, Marks::of(dialect), texts);
    let mut header = header_of(&records, options, notices, &dialect.delimiter.to_string())?;
    header.blank_is_row = records.iter().all(|record| record.cells.len() <= 1);
    let header_bytes = usize::try_from(header.data_start).unwrap_or(usize::MAX);
    let first_bytes = records.first().map_or(0, |first| first.end);
    if header_bytes.max(first_bytes) > limits.max_header_bytes {
        return Err(SchemaError::Limit {
            name: "header bytes",
            limit: u64::try_from(limits.max_header_bytes).unwrap_or(u64::MAX),
            found: u64::try_from(header_bytes.max(first_bytes)).unwrap_or(u64::MAX),
            row: header.row,
        });
    }
    Ok(header)
}

/// Finds the header among the first records of a table; `joint` joins cells of lines that are left out.
pub(crate) fn header_of(
    records: &[HeadRecord],
    options: &ReadOptions,
    notices: &mut Vec<Notice>,
    joint: &str,
) -> Result<HeaderPlan, SchemaError> {
    let skip_rows = options.skip_rows.unwrap_or(0);
    let n_skipped = records.iter().take_while(|record| record.row <= skip_rows).count();
    let table = records.get(n_skipped..).unwrap_or_default();
    let Some(first) = table.first() else {
        return Err(SchemaError::Rejected {
            row: None,
            found: "the file holds no rows".to_owned(),
            remedy: "send a file with at least a header line".to_owned(),
        });
    };
    let (place, reason) = match options.header_row {
        Some(0) => (None, "the caller says that there is no header"),
        Some(row) => (Some(given_header(table, row)?), "given by the caller"),
        None => match n_preamble(table) {
            0 if looks_like_data(table) => (None, "the first row holds values like those below it"),
            0 => (Some(0), "the first row"),
            n_before => {
                (Some(n_before), "the first row as wide as the table, after lines of few cells")
            }
        },
    };
    let n_before = n_skipped + place.unwrap_or(0);
    for before in records.iter().take(n_before) {
        let words = before.cells.join(joint);
        notices.push(
            Notice::new(NoticeCode::Preamble, format!("left out before the header: {words}"))
                .at(before.row, 1),
        );
    }
    let Some(header) = place.and_then(|place| table.get(place)) else {
        let data_start =
            n_skipped.checked_sub(1).and_then(|last| records.get(last)).map_or(0, |last| last.end);
        notices.push(
            Notice::new(
                NoticeCode::NoHeader,
                format!("{reason}; columns are named column1, column2, …"),
            )
            .at(first.row, 1),
        );
        return Ok(HeaderPlan {
            first_data_row: if data_start == 0 { 1 } else { skip_rows + 1 },
            data_start: u64::try_from(data_start).unwrap_or_default(),
            reason: reason.to_owned(),
            ..HeaderPlan::default()
        });
    };
    let below = table.get(place.unwrap_or(0) + 1..).unwrap_or_default();
    let stacked = below.split_first().filter(|(second, rest)| match options.header_rows {
        Some(n_rows) => n_rows >= 2,
        None => options.header_row.is_none() && is_second_header(header, second, rest),
    });
    let plan = |last: &HeadRecord, n_rows, cells, reason: &str| HeaderPlan {
        row: Some(last.row),
        n_rows,
        cells,
        first_data_row: last.row + 1,
        data_start: u64::try_from(last.end).unwrap_or_default(),
        data_end: None,
        blank_is_row: false,
        skip_repeats: header.n_filled() >= 2,
        reason: reason.to_owned(),
    };
    let Some((second, _)) = stacked else {
        return Ok(plan(header, 1, header.cells.clone(), reason));
    };
    notices.push(
        Notice::new(
            NoticeCode::StackedHeader,
            "two header rows were joined: the second holds words above typed columns",
        )
        .at(header.row, 2),
    );
    Ok(plan(second, 2, join_rows(&header.cells, &second.cells), "two stacked rows"))
}

/// The header of rows made from JSON: its first record, always.
pub(crate) fn json_header(head: &str, dialect: &Dialect) -> HeaderPlan {
    let texts = Texts::Text;
    let records = head_records(head, Marks::of(dialect), texts);
    let Some(first) = records.first() else {
        return HeaderPlan::default();
    };
    HeaderPlan {
        row: Some(1),
        n_rows: 1,
        cells: first.cells.clone(),
        first_data_row: 2,
        data_start: u64::try_from(first.end).unwrap_or_default(),
        blank_is_row: first.cells.len() == 1,
        reason: "the members of the objects".to_owned(),
        ..HeaderPlan::default()
    }
}

fn given_header(records: &[HeadRecord], row: u64) -> Result<usize, SchemaError> {
    records.iter().position(|record| record.row == row).ok_or_else(|| SchemaError::BadOption {
        found: format!("header row {row} is not among the first {} rows", records.len()),
        remedy: "give the number of the header's row as a spreadsheet shows it, or leave it out"
            .to_owned(),
    })
}

/// Joins two header rows; a blank in the upper one continues the cell to its left, as merged cells do.
fn join_rows(upper: &[String], lower: &[String]) -> Vec<String> {
    let mut above = "";
    let mut cells = Vec::new();
    for place in 0..upper.len().max(lower.len()) {
        let own = upper.get(place).map_or("", |cell| cell.trim());
        if !own.is_empty() {
            above = own;
        }
        let below = lower.get(place).map_or("", |cell| cell.trim());
        cells.push(match (above, below) {
            (_, "") => own.to_owned(),
            ("", below) => below.to_owned(),
            (above, below) => format!("{above} {below}"),
        });
    }
    cells
}

fn head_records(head: &str, marks: Marks, texts: Texts) -> Vec<HeadRecord> {
    let mut scanner = Scanner::new(head.as_bytes(), marks);
    let mut spans: Vec<CellSpan> = Vec::new();
    let mut records = Vec::new();
    let mut row = 0;
    while records.len() < MAX_RECORDS {
        let Some(record) = scanner.next_record(&mut spans) else {
            break;
        };
        row += 1;
        if record == Record::Blank {
            continue;
        }
        let cells: Vec<String> =
            spans.iter().map(|cell| cell_text(head, *cell, marks).into_owned()).collect();
        let form = |(cell, text): (&CellSpan, &String)| {
            let cell_form = form_of(trim(text));
            if cell.quoted { texts.limit(cell_form).form() } else { cell_form.form() }
        };
        let forms = spans.iter().zip(&cells).map(form).collect();
        records.push(HeadRecord { row, end: scanner.position(), cells, forms });
    }
    records
}

/// How many lines stand before the header: titles, notes and comments, which fill fewer cells than the table has.
fn n_preamble(records: &[HeadRecord]) -> usize {
    let width = usual_width(records);
    if width < 2 {
        return 0;
    }
    // A table of two columns may begin with `title,`: one filled cell is too few in any table.
    let is_slight = |record: &HeadRecord| {
        let n_filled = record.n_filled();
        n_filled <= 1 || (record.cells.len() < width && n_filled * 2 <= width)
    };
    let n_before = records.iter().take(MAX_PREAMBLE).take_while(|record| is_slight(record)).count();
    let Some(header) = records.get(n_before) else {
        return 0;
    };
    // What follows must look like a header, else a ragged beginning is data.
    let is_wide = header.n_filled() * 10 >= width * 6;
    // Years may stand in a header, beside words.
    let is_words = header.forms().zip(&header.cells).all(|(form, cell)| {
        is_word((form, cell))
            || matches!(form, Form::Empty | Form::Blank | Form::NullWord | Form::Int)
    }) && header.forms().any(|form| form != Form::Int);
    match n_before {
        0 => 0,
        n_before if is_wide && is_words => n_before,
        _ => full_header(records, width).unwrap_or(0),
    }
}

/// After a title, lines like `as of | 2024-01-05` may follow: finds the first row that has words in all columns, with
/// values below.
fn full_header(records: &[HeadRecord], width: usize) -> Option<usize> {
    let is_full = |record: &HeadRecord| record.n_filled() == width && record.cells.len() == width;
    let place = records.iter().take(MAX_PREAMBLE).position(is_full)?;
    let (header, below) = records.get(place..)?.split_first()?;
    let has_values = (0..width).any(|column| form_below(below, column).is_some());
    (header.is_all_words() && has_values).then_some(place)
}

/// The most frequent number of cells; the larger one of two.
fn usual_width(records: &[HeadRecord]) -> usize {
    let mut widths: std::collections::BTreeMap<usize, usize> = std::collections::BTreeMap::new();
    for record in records {
        *widths.entry(record.cells.len()).or_default() += 1;
    }
    widths.into_iter().max_by_key(|(width, count)| (*count, *width)).map_or(0, |(width, _)| width)
}

/// Whether a cell may be a word of a header: `x` and `y` are, though `y` may mean yes.
fn is_word((form, cell): (Form, &String)) -> bool {
    form == Form::Text || (form == Form::Boolean && trim(cell).len() == 1)
}

fn is_number(form: Form) -> bool {
    matches!(form, Form::Int | Form::Decimal | Form::Scientific | Form::Wide)
}

/// The one typed form of a column's cells, if they have one.
fn form_below(records: &[HeadRecord], column: usize) -> Option<Form> {
    let mut found = None;
    for record in records {
        let form = record.forms.get(column).copied().unwrap_or(Form::Empty);
        // One letter is more likely a code than a boolean.
        if form == Form::Boolean
            && record.cells.get(column).is_some_and(|cell| trim(cell).len() == 1)
        {
            return None;
        }
        match (found, form) {
            (_, Form::Empty | Form::Blank | Form::NullWord) => {}
            (None, form) if form.is_typed() => found = Some(form),
            (Some(before), form) if before == form || (is_number(before) && is_number(form)) => {}
            _ => return None,
        }
    }
    found
}

/// Whether the first record is data: nothing in it speaks for a header, and something speaks for a value.
fn looks_like_data(records: &[HeadRecord]) -> bool {
    let Some((first, rest)) = records.split_first() else {
        return false;
    };
    if rest.is_empty() || is_count_up(&first.cells) {
        return false;
    }
    let mut all_typed = true;
    let mut strong = false;
    for (column, form) in first.forms().enumerate() {
        let below = form_below(rest, column);
        let same =
            below.is_some_and(|below| below == form || (is_number(below) && is_number(form)));
        if below.is_some() && !same && form != Form::Empty {
            return false;
        }
        all_typed &= same;
        strong |= same && form != Form::Int;
        strong |= same && form == Form::Int && column == 0 && counts_on(records);
    }
    all_typed || strong
}

/// Whether cells are numbers that grow by one, like years above a table.
fn is_count_up(cells: &[String]) -> bool {
    let numbers: Option<Vec<i64>> = cells.iter().map(|cell| trim(cell).parse().ok()).collect();
    numbers.is_some_and(|numbers| {
        numbers.len() >= 3
            && numbers.windows(2).all(|pair| matches!(pair, [a, b] if a.checked_add(1) == Some(*b)))
    })
}

/// Whether the first column counts on from the first record, as row numbers do.
fn counts_on(records: &[HeadRecord]) -> bool {
    let numbers: Option<Vec<i64>> = records
        .iter()
        .take(5)
        .map(|record| record.cells.first().and_then(|cell| trim(cell).parse().ok()))
        .collect();
    numbers.is_some_and(|numbers| {
        numbers.len() >= 3
            && numbers.windows(2).all(|pair| matches!(pair, [a, b] if a.checked_add(1) == Some(*b)))
    })
}

/// Whether the second row belongs to the header: words above columns that are otherwise typed.
fn is_second_header(first: &HeadRecord, second: &HeadRecord, rest: &[HeadRecord]) -> bool {
    if is_below_merged(first, second, rest) {
        return true;
    }
    let width = first.cells.len();
    if rest.len() < 2 || second.cells.len() != width || second.n_filled() < width {
        return false;
    }
    if !second.is_all_words() {
        return false;
    }
    let n_typed = (0..width).filter(|column| form_below(rest, *column).is_some()).count();
    n_typed >= 2 && n_typed * 2 >= width
}

/// Whether the first row has blanks right of words, as merged cells leave them, and the second tells what is below
/// each: words, or years above other numbers.
fn is_below_merged(first: &HeadRecord, second: &HeadRecord, rest: &[HeadRecord]) -> bool {
    let width = second.cells.len();
    let is_blank =
        |column: usize| first.cells.get(column).is_none_or(|cell| cell.trim().is_empty());
    let is_merged = first.cells.first().is_some_and(|cell| !cell.trim().is_empty())
        && (1..width).any(is_blank)
        && first.n_filled() >= 2;
    if !is_merged || rest.is_empty() || second.n_filled() < width || width < first.cells.len() {
        return false;
    }
    let year =
        |cell: &String| trim(cell).parse::<u16>().is_ok_and(|year| (1900..=2100).contains(&year));
    let mut tells = false;
    for (column, (form, cell)) in second.forms().zip(&second.cells).enumerate() {
        let below = form_below(rest, column);
        let is_year = form == Form::Int && year(cell);
        let also_years = rest.iter().all(|row| row.cells.get(column).is_none_or(year));
        if form != Form::Text && !(is_year && below.is_some() && !also_years) {
            return false;
        }
        tells |= below.is_some();
    }
    tells && second.forms().any(|form| form == Form::Text)
}
