//! Runs a question over columns and writes its answer in the shape of the statement.

use sluice_columnar::Failure;
use sluice_columnar::answer::{Answer, Finished};
use sluice_columnar::chunk::Source;
use sluice_columnar::question::{Groups, Of, Question, Rows};
use sluice_columnar::run::{Limits, groups};

use crate::error::Error;
use crate::store::StoreError;
use crate::store::columns::{Answered, Ask, ColumnQuestion, GroupRow, KeptRow, PageRow, TableRow};
use crate::store::json::{self, Cells, RootShape, RowShape};
use crate::store::run::{Run, Statement};

/// Why there is no answer.
pub(super) enum NoAnswer {
    /// Columns cannot tell.
    Columns(Failure),
    /// The answer could not be written.
    Failed(StoreError),
}

impl From<Failure> for NoAnswer {
    fn from(failure: Failure) -> NoAnswer {
        NoAnswer::Columns(failure)
    }
}

impl From<StoreError> for NoAnswer {
    fn from(error: StoreError) -> NoAnswer {
        NoAnswer::Failed(error)
    }
}

impl From<json::BadCell> for NoAnswer {
    fn from(error: json::BadCell) -> NoAnswer {
        NoAnswer::Failed(StoreError::Cell(error))
    }
}

/// The places of a question's columns in a table that has these.
fn places(question: &ColumnQuestion, names: &[String]) -> Result<Vec<usize>, Failure> {
    let place = |name: &String| match name.as_str() {
        // The number of a row comes after its columns.
        crate::catalog::model::ROW_COLUMN => Some(names.len()),
        name => names.iter().position(|known| known == name),
    };
    question.columns.iter().map(|name| place(name).ok_or(Failure::Mistaken)).collect()
}

/// Answers a question.
pub(super) fn answer(
    source: &dyn Source,
    names: &[String],
    question: &ColumnQuestion,
    run: &Run,
    limits: &Limits<'_>,
) -> Result<Vec<u8>, NoAnswer> {
    let columns = places(question, names)?;
    let filled = |asked: &Question| Question { columns: columns.clone(), ..asked.clone() };
    match &question.ask {
        Ask::Groups { groups: asked, outputs } => {
            let mut asked = asked.clone();
            asked.question = filled(&asked.question);
            let answer = groups(source, &asked, limits)?;
            Ok(write_groups(&answer, outputs, &run.statement)?)
        }
        Ask::Rows { rows: asked, outputs } => {
            let mut asked = asked.clone();
            asked.question = filled(&asked.question);
            let mut writer = Writer::begin(&run.statement);
            sluice_columnar::rows::rows::<NoAnswer>(source, &asked, limits, &mut |row| {
                Ok(writer.write(&TableRow::new(row, outputs))?)
            })?;
            Ok(writer.end())
        }
        Ask::Page { rows: asked, outputs, size, total } => {
            let mut page = PageRow { rows: Vec::new(), size: *size, total: None };
            if let Some(asked) = asked {
                let asked = Rows { question: filled(&asked.question), ..asked.clone() };
                sluice_columnar::rows::rows::<NoAnswer>(source, &asked, limits, &mut |row| {
                    page.rows.push(KeptRow::of(row, outputs));
                    Ok(())
                })?;
            }
            if let Some(asked) = total {
                let asked = Groups { question: filled(&asked.question), ..asked.clone() };
                page.total = match groups(source, &asked, limits)?.value(0, Of::Measure(0)) {
                    Finished::Whole(number) => Some(number),
                    _ => None,
                };
            }
            let mut writer = Writer::begin(&run.statement);
            writer.write(&page)?;
            Ok(writer.end())
        }
    }
}

/// Why rows ended early.
pub(super) enum NoRows {
    /// Columns cannot tell.
    Columns(Failure),
    /// Whoever takes them wants no more.
    Each(Error),
}

impl From<Failure> for NoRows {
    fn from(failure: Failure) -> NoRows {
        NoRows::Columns(failure)
    }
}

/// Hands the rows of a question on; `None` where it asks for none, or columns it does not fit.
pub(super) fn rows(
    source: &dyn Source,
    names: &[String],
    question: &ColumnQuestion,
    limits: &Limits<'_>,
    each: &mut dyn FnMut(&TableRow<'_>) -> Result<(), Error>,
) -> Option<Result<(), NoRows>> {
    let Ask::Rows { rows: asked, outputs } = &question.ask else { return None };
    let mut asked = asked.clone();
    asked.question.columns = places(question, names).ok()?;
    Some(sluice_columnar::rows::rows(source, &asked, limits, &mut |row| {
        each(&TableRow::new(row, outputs)).map_err(NoRows::Each)
    }))
}

/// Writes groups in the shape of a statement.
pub(super) fn write_groups(
    answer: &Answer,
    outputs: &[Answered],
    statement: &Statement,
) -> Result<Vec<u8>, StoreError> {
    let mut writer = Writer::begin(statement);
    for row in 0..answer.n_rows() {
        writer.write(&GroupRow::new(answer, row, outputs))?;
    }
    Ok(writer.end())
}

/// Writes rows in the shape of a root field.
struct Writer<'s> {
    statement: &'s Statement,
    n_rows: usize,
    out: Vec<u8>,
}

impl<'s> Writer<'s> {
    fn begin(statement: &'s Statement) -> Writer<'s> {
        let mut out = statement.buffer();
        if let RootShape::List(_) = statement.shape {
            out.push(b'[');
        }
        Writer { statement, n_rows: 0, out }
    }

    fn write<R: Cells>(&mut self, row: &R) -> Result<(), json::BadCell> {
        let shape: &RowShape = match &self.statement.shape {
            RootShape::List(shape) => shape,
            RootShape::Optional(_) | RootShape::Single(_) if self.n_rows > 0 => return Ok(()),
            RootShape::Optional(shape) | RootShape::Single(shape) => shape,
        };
        if self.n_rows > 0 {
            self.out.push(b',');
        }
        self.n_rows += 1;
        json::write_object(row, shape, &mut self.out)
    }

    fn end(mut self) -> Vec<u8> {
        match self.statement.shape {
            RootShape::List(_) => self.out.push(b']'),
            RootShape::Optional(_) | RootShape::Single(_) if self.n_rows == 0 => {
                self.out.extend_from_slice(b"null");
            }
            RootShape::Optional(_) | RootShape::Single(_) => {}
        }
        self.statement.note_size(self.out.len());
        self.out
    }
}
