//! A question over the columns of a table, with all that one run needs, and how its answer becomes
//! the rows that a statement would have answered.
//!
//! It goes beside a statement; a store that has the columns may answer it instead, and the same
//! shape writes the same bytes. Nothing here knows where columns are kept.

use std::sync::Arc;

use sluice_columnar::answer::{Answer, Finished};
use sluice_columnar::question::{Groups, Of, Rows};
use sluice_columnar::rows::RowRef;
use sluice_columnar::{Kind, Value as Cell};
use sluice_schema::ColumnType;

use super::connection::{ROWS, SIZE, TOTAL};
use super::json::{BadCell, CellKind, Cells};
use super::value::Value;

/// The columns of a table beside the row number: physical names and types.
#[derive(Debug)]
pub struct TableColumns(pub Vec<(String, ColumnType)>);

/// A question with its values.
#[derive(Debug)]
pub struct ColumnQuestion {
    /// All columns of the table.
    pub table: Arc<TableColumns>,
    /// The physical names of those that it reads, in the order in which it names them.
    pub columns: Vec<String>,
    /// What is asked.
    pub ask: Ask,
    /// Rows of the table.
    pub n_rows: i64,
}

impl ColumnQuestion {
    /// How it is answered from columns of so many rows, of which some changed since.
    pub fn steps(&self, n_rows: u64, n_changed: u64) -> Vec<String> {
        let mut steps = vec![format!("SCAN COLUMNS {} OF {n_rows} ROWS", self.columns.join(", "))];
        if n_changed > 0 {
            steps.push(format!("MERGE {n_changed} CHANGED ROWS"));
        }
        steps.extend(self.ask.steps());
        steps
    }
}

impl Ask {
    /// What is done with the rows that are found.
    pub fn steps(&self) -> Vec<String> {
        match self {
            Ask::Groups { groups, .. } if groups.keys.is_empty() => {
                vec!["AGGREGATE".to_owned()]
            }
            Ask::Groups { .. } => vec!["GROUP BY HASH TABLE".to_owned()],
            Ask::Rows { .. } => vec!["FIRST ROWS IN FILE ORDER".to_owned()],
            Ask::Page { total, .. } => {
                let count = total.as_ref().map(|_| "COUNT".to_owned());
                let first = "FIRST ROWS IN FILE ORDER".to_owned();
                std::iter::once(first).chain(count).collect()
            }
        }
    }
}

/// What is asked; the columns of the question inside are not filled in yet.
#[derive(Debug)]
pub enum Ask {
    /// Groups, or one group.
    Groups {
        /// Which.
        groups: Groups,
        /// What stands in each column of the result.
        outputs: Vec<Answered>,
    },
    /// Rows in the order of the table.
    Rows {
        /// Which.
        rows: Rows,
        /// The column that stands in each column of the result.
        outputs: Vec<usize>,
    },
    /// The first page of a connection in the order of the table.
    Page {
        /// Its rows, one more than asked for; none where they are not wanted.
        rows: Option<Rows>,
        /// The column that stands in each column of a gathered row.
        outputs: Vec<usize>,
        /// The number of rows asked for.
        size: u64,
        /// What counts all rows, if wanted.
        total: Option<Groups>,
    },
}

/// What stands in a column of a result of groups.
#[derive(Clone, Copy, Debug)]
pub enum Answered {
    /// Something of the group.
    Of(Of),
    /// A number that is known beforehand.
    Known(i64),
}

/// What columns keep values of a type as.
pub fn kind_of(column_type: ColumnType) -> Kind {
    match column_type {
        ColumnType::Boolean
        | ColumnType::Int
        | ColumnType::BigInt
        | ColumnType::Decimal { .. }
        | ColumnType::Date
        | ColumnType::LocalTime
        | ColumnType::LocalDateTime
        | ColumnType::DateTime => Kind::Whole,
        ColumnType::Float => Kind::Float,
        ColumnType::Uuid | ColumnType::Json | ColumnType::String => Kind::Text,
    }
}

/// A group as a row of a result.
pub struct GroupRow<'a> {
    answer: &'a Answer,
    row: usize,
    outputs: &'a [Answered],
}

impl<'a> GroupRow<'a> {
    /// The group of this place.
    pub fn new(answer: &'a Answer, row: usize, outputs: &'a [Answered]) -> GroupRow<'a> {
        GroupRow { answer, row, outputs }
    }

    fn finished(&self, index: usize) -> Result<Finished<'_>, BadCell> {
        Ok(match self.outputs.get(index).ok_or(BadCell(index))? {
            Answered::Of(of) => self.answer.value(self.row, *of),
            Answered::Known(number) => Finished::Whole(*number),
        })
    }
}

impl Cells for GroupRow<'_> {
    fn value(&self, index: usize, kind: CellKind) -> Result<Value<'_>, BadCell> {
        match self.finished(index)? {
            Finished::Null => Ok(Value::Null),
            Finished::Whole(number) => whole(number, kind).ok_or(BadCell(index)),
            Finished::Wide(number) => Ok(Value::Wide(number)),
            Finished::Float(number) => Ok(Value::Float(number)),
            Finished::Text(text) => Ok(Value::Text(text)),
        }
    }

    type Gathered<'g>
        = GroupRow<'g>
    where
        Self: 'g;
}

/// A row of a table as a row of a result.
pub struct TableRow<'a> {
    row: RowRef<'a>,
    outputs: &'a [usize],
}

impl<'a> TableRow<'a> {
    /// This row; the columns of the result are these of the question.
    pub fn new(row: RowRef<'a>, outputs: &'a [usize]) -> TableRow<'a> {
        TableRow { row, outputs }
    }

    fn cell(&self, index: usize) -> Result<Cell<'_>, BadCell> {
        Ok(self.row.value(*self.outputs.get(index).ok_or(BadCell(index))?))
    }
}

impl Cells for TableRow<'_> {
    fn value(&self, index: usize, kind: CellKind) -> Result<Value<'_>, BadCell> {
        match self.cell(index)? {
            Cell::Null => Ok(Value::Null),
            Cell::Whole(number) => whole(number, kind).ok_or(BadCell(index)),
            Cell::Float(number) => Ok(Value::Float(number)),
            Cell::Text(text) => Ok(Value::Text(text)),
        }
    }

    type Gathered<'g>
        = TableRow<'g>
    where
        Self: 'g;
}

/// A row that outlives its chunk.
#[derive(Debug)]
pub struct KeptRow(Vec<KeptCell>);

#[derive(Debug)]
enum KeptCell {
    Null,
    Whole(i64),
    Float(f64),
    Text(Box<[u8]>),
}

impl KeptRow {
    /// These columns of a row.
    pub fn of(row: RowRef<'_>, outputs: &[usize]) -> KeptRow {
        let cells = outputs.iter().map(|output| match row.value(*output) {
            Cell::Null => KeptCell::Null,
            Cell::Whole(number) => KeptCell::Whole(number),
            Cell::Float(number) => KeptCell::Float(number),
            Cell::Text(text) => KeptCell::Text(Box::from(text)),
        });
        KeptRow(cells.collect())
    }
}

impl Cells for &KeptRow {
    fn value(&self, index: usize, kind: CellKind) -> Result<Value<'_>, BadCell> {
        match self.0.get(index).ok_or(BadCell(index))? {
            KeptCell::Null => Ok(Value::Null),
            KeptCell::Whole(number) => whole(*number, kind).ok_or(BadCell(index)),
            KeptCell::Float(number) => Ok(Value::Float(*number)),
            KeptCell::Text(text) => Ok(Value::Text(text)),
        }
    }

    type Gathered<'g>
        = &'g KeptRow
    where
        Self: 'g;
}

/// The one row that answers a connection.
pub struct PageRow {
    /// The rows of its page, one more than asked for if there are more.
    pub rows: Vec<KeptRow>,
    /// Rows asked for.
    pub size: u64,
    /// All rows, where they were counted.
    pub total: Option<i64>,
}

impl Cells for PageRow {
    fn value(&self, index: usize, kind: CellKind) -> Result<Value<'_>, BadCell> {
        match (index, self.total) {
            (TOTAL, Some(total)) => whole(total, kind).ok_or(BadCell(index)),
            _ => Err(BadCell(index)),
        }
    }

    fn integer(&self, index: usize) -> Result<Option<i128>, BadCell> {
        match index {
            SIZE => Ok(Some(i128::from(self.size))),
            _ => Err(BadCell(index)),
        }
    }

    type Gathered<'g>
        = &'g KeptRow
    where
        Self: 'g;

    fn gathered(&self, index: usize) -> Result<Vec<&KeptRow>, BadCell> {
        match index {
            ROWS => Ok(self.rows.iter().collect()),
            _ => Err(BadCell(index)),
        }
    }
}

/// A whole number of a column as the value that it stands for.
#[inline]
fn whole(number: i64, kind: CellKind) -> Option<Value<'static>> {
    Some(match kind {
        CellKind::Boolean => Value::Boolean(number != 0),
        CellKind::Date => Value::Days(i32::try_from(number).ok()?),
        CellKind::LocalTime | CellKind::LocalDateTime | CellKind::DateTime => Value::Micros(number),
        _ => Value::Whole(number),
    })
}
