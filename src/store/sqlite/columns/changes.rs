//! What of a table's rows is not as its columns have it: the log of its file tells which, the file
//! itself what they are now.
//!
//! Only what came since the last look is looked for, so that a log may be trimmed behind it. What
//! was trimmed before it was looked at is not known any more; the file remembers up to which
//! version its log was (`user_version`).

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension, Row};
use sluice_columnar::block::Block;
use sluice_columnar::file::ColumnFile;
use sluice_columnar::marked::Delta;
use sluice_columnar::{Kind, Value as Cell};
use sluice_schema::{ColumnType, temporal};

use super::super::{quoted, read};
use crate::catalog::model::StorageId;
use crate::store::StoreError;
use crate::store::columns::{ColumnQuestion, TableColumns, kind_of};

/// Changed rows that are kept beside columns at least, and their part of all rows, one in so many.
const MIN_CHANGES: u64 = 2_000;
const CHANGES_PART: u64 = 100;
/// Columns are built anew at half of that.
const BUILD_AT: u64 = 2;

/// What changed since columns were made.
pub(super) struct Changes {
    /// The version of the dataset that was last asked for.
    asked: i64,
    /// The version of the file up to which its log was heard.
    heard: i64,
    /// The version of the file whose rows were looked at.
    seen: i64,
    /// Numbers of rows that changed, went or came back.
    rows: BTreeSet<i64>,
    n_now: usize,
    state: State,
}

enum State {
    Same,
    Changed(Arc<Delta>),
    /// Not known, or too much.
    Lost,
}

impl Changes {
    /// None yet, since this version of the file.
    pub(super) fn new(version: i64) -> Changes {
        Changes {
            asked: 0,
            heard: version,
            seen: version,
            rows: BTreeSet::new(),
            n_now: 0,
            state: State::Same,
        }
    }

    /// Whether it has looked since a version of the dataset was published.
    pub(super) fn knows(&self, version: i64) -> bool {
        version <= self.asked || matches!(self.state, State::Lost)
    }

    /// The changed rows, if there are any; `None` where they are not known.
    pub(super) fn delta(&self) -> Option<Option<Arc<Delta>>> {
        match &self.state {
            State::Same => Some(None),
            State::Changed(delta) => Some(Some(Arc::clone(delta))),
            State::Lost => None,
        }
    }

    fn n_changed(&self) -> u64 {
        self.rows.len().max(self.n_now) as u64
    }

    /// Whether it is time for new columns.
    pub(super) fn are_many(&self, n_rows: u64) -> bool {
        matches!(self.state, State::Lost) || self.n_changed() * BUILD_AT > most(n_rows)
    }

    /// Looks what changed since the last time.
    pub(super) fn look(
        &mut self,
        folder: &Path,
        storage: &StorageId,
        question: &ColumnQuestion,
        file: &ColumnFile,
        names: &[String],
        version: i64,
    ) -> Result<(), StoreError> {
        let connection = read::open(folder, std::slice::from_ref(storage))?;
        connection.execute_batch("BEGIN")?;
        let now = state_of(&connection)?;
        if now != self.seen {
            let last = file.last_row();
            if self.hear_within(&connection, last, now, most(file.n_rows()))? {
                self.seen = now;
                let block = self.read_rows(&connection, question, names, last)?;
                self.n_now = block.n_rows();
                let gone: Vec<i64> = self.rows.range(..=last).copied().collect();
                let delta = Delta::new(file, &gone, &[block]);
                self.state = match delta {
                    Ok(delta) => State::Changed(Arc::new(delta)),
                    Err(_) => State::Lost,
                };
            } else {
                self.state = State::Lost;
            }
        }
        self.asked = self.asked.max(version);
        Ok(())
    }

    /// Hears from the log which rows changed, before that is trimmed.
    pub(super) fn hear(
        &mut self,
        folder: &Path,
        storage: &StorageId,
        file: &ColumnFile,
    ) -> Result<(), StoreError> {
        let connection = read::open(folder, std::slice::from_ref(storage))?;
        connection.execute_batch("BEGIN")?;
        let now = state_of(&connection)?;
        if !self.hear_within(&connection, file.last_row(), now, most(file.n_rows()))? {
            self.state = State::Lost;
        }
        Ok(())
    }

    /// Adds the rows that the log names since the last time; false where it does not tell.
    fn hear_within(
        &mut self,
        connection: &Connection,
        last: i64,
        now: i64,
        most: u64,
    ) -> Result<bool, StoreError> {
        if matches!(self.state, State::Lost) {
            return Ok(false);
        }
        if now == self.heard {
            return Ok(true);
        }
        // A change that was taken back after a crash, or one that is not told any more.
        let trimmed: i64 = connection.query_row("PRAGMA user_version", (), |row| row.get(0))?;
        if now < self.heard || self.heard < trimmed {
            return Ok(false);
        }
        let sql = "SELECT _row FROM h WHERE version > ?1 AND _row <= ?2";
        let mut statement = connection.prepare(sql)?;
        let mut found = statement.query([self.heard, last])?;
        while let Some(row) = found.next().map_err(read::stopped)? {
            self.rows.insert(row.get(0)?);
            if self.rows.len() as u64 > most {
                return Ok(false);
            }
        }
        self.heard = now;
        let sql = "SELECT count(*) FROM (SELECT 1 FROM t WHERE _row > ?1 LIMIT ?2)";
        let limit = i64::try_from(most).unwrap_or(i64::MAX).saturating_add(1);
        let n_new: i64 = connection.query_row(sql, [last, limit], |row| row.get(0))?;
        Ok(n_new < limit)
    }

    /// The rows that changed and those that came, as they are now.
    fn read_rows(
        &self,
        connection: &Connection,
        question: &ColumnQuestion,
        names: &[String],
        last: i64,
    ) -> Result<Block, StoreError> {
        let types = question.table.types(names);
        let mut block = Block::new(&question.table.kinds(names));
        let columns: String = names.iter().map(|name| format!(",{}", quoted(name))).collect();
        let mut one =
            connection.prepare(&format!("SELECT _row{columns} FROM t WHERE _row = ?1"))?;
        for number in &self.rows {
            let mut found = one.query([number])?;
            if let Some(row) = found.next().map_err(read::stopped)? {
                push_row(row, &types, &mut block)?;
            }
        }
        let sql = format!("SELECT _row{columns} FROM t WHERE _row > ?1 ORDER BY _row");
        let mut new = connection.prepare(&sql)?;
        let mut found = new.query([last])?;
        while let Some(row) = found.next().map_err(read::stopped)? {
            push_row(row, &types, &mut block)?;
        }
        Ok(block)
    }
}

fn most(n_rows: u64) -> u64 {
    (n_rows / CHANGES_PART).max(MIN_CHANGES)
}

/// The version that a file's rows are of: that of its last change, or 0.
pub(super) fn state_of(connection: &Connection) -> Result<i64, StoreError> {
    let is_there = "SELECT 1 FROM sqlite_schema WHERE name = 'v'";
    if connection.query_row(is_there, (), |_| Ok(())).optional()?.is_none() {
        return Ok(0);
    }
    let sql = "SELECT coalesce(max(version), 0) FROM v";
    Ok(connection.query_row(sql, (), |row| row.get(0))?)
}

/// The names of a table's columns beside the row number, in their order.
pub(super) fn column_names(folder: &Path, storage: &StorageId) -> Result<Vec<String>, StoreError> {
    names_in(&read::open(folder, std::slice::from_ref(storage))?)
}

/// The same in an open file.
pub(super) fn names_in(connection: &Connection) -> Result<Vec<String>, StoreError> {
    let mut statement = connection
        .prepare("SELECT name FROM pragma_table_info('t') WHERE name <> '_row' ORDER BY cid")?;
    let names = statement.query_map((), |row| row.get(0))?;
    Ok(names.collect::<Result<_, _>>()?)
}

/// Adds a row, its number first, then a value for each column.
pub(super) fn push_row(
    row: &Row<'_>,
    types: &[Option<ColumnType>],
    block: &mut Block,
) -> Result<(), StoreError> {
    for (place, column_type) in types.iter().enumerate() {
        block.push(cell(row.get_ref(place + 1)?, *column_type));
    }
    block.end_row(Some(row.get(0)?));
    Ok(())
}

/// A cell of a row as columns keep it.
fn cell(value: ValueRef<'_>, column_type: Option<ColumnType>) -> Cell<'_> {
    let number = |number: Option<i64>| number.map_or(Cell::Null, Cell::Whole);
    match (value, column_type) {
        (ValueRef::Integer(value), Some(ColumnType::Float)) =>
        {
            #[expect(
                clippy::cast_precision_loss,
                reason = "SQLite keeps whole doubles as integers"
            )]
            Cell::Float(value as f64)
        }
        (ValueRef::Integer(value), Some(_)) => Cell::Whole(value),
        (ValueRef::Real(value), Some(_)) => Cell::Float(value),
        (ValueRef::Text(text), Some(column_type)) => {
            let parsed = |parse: fn(&str) -> Option<i64>| {
                number(std::str::from_utf8(text).ok().and_then(parse))
            };
            match column_type {
                ColumnType::Date => parsed(|text| temporal::parse_iso_date(text).map(i64::from)),
                ColumnType::LocalTime => parsed(temporal::parse_iso_time),
                ColumnType::LocalDateTime | ColumnType::DateTime => {
                    parsed(temporal::parse_iso_local_date_time)
                }
                _ => Cell::Text(text),
            }
        }
        _ => Cell::Null,
    }
}

impl TableColumns {
    /// The type of a column.
    pub(super) fn type_of(&self, name: &str) -> Option<ColumnType> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, column_type)| *column_type)
    }

    /// The types of columns of these names; none of one that the dataset has no more.
    pub(super) fn types(&self, names: &[String]) -> Vec<Option<ColumnType>> {
        names.iter().map(|name| self.type_of(name)).collect()
    }

    /// What they are kept as.
    pub(super) fn kinds(&self, names: &[String]) -> Vec<Kind> {
        let types = self.types(names).into_iter();
        types.map(|column_type| column_type.map_or(Kind::Text, kind_of)).collect()
    }
}
