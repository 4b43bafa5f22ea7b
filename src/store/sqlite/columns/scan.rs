//! Groups rows of a data file that has no columns beside it: one walk through the table, one hash
//! table, whatever it is grouped and filtered by.
//!
//! SQLite groups by sorting, or by walking an index and looking up every row, which is many times
//! slower for a large table. Rows become small chunks that are asked and forgotten, so that memory
//! grows with the groups only, and the answer is the one that columns give.

use rusqlite::Connection;
use sluice_columnar::answer::Answer;
use sluice_columnar::block::Block;
use sluice_columnar::chunk::Source;
use sluice_columnar::groups::GroupWork;
use sluice_columnar::memory::MemoryChunks;
use sluice_columnar::question::{Groups, Question};
use sluice_columnar::run::Limits;
use sluice_columnar::{Failure, Kind};
use sluice_schema::ColumnType;

use super::super::{quoted, read};
use super::answer::{NoAnswer, write_groups};
use super::changes::push_row;
use super::{Columns, MAX_QUESTION_BYTES};
use crate::catalog::model::ROW_COLUMN;
use crate::store::StoreError;
use crate::store::columns::{Answered, Ask, ColumnQuestion, kind_of};
use crate::store::run::Run;

/// Rows of a chunk, and its bytes: whatever is first ends it.
const CHUNK_ROWS: usize = 16_384;
const CHUNK_BYTES: usize = 4 << 20;

/// Answers a run of groups by walking through its table; `None` where SQLite may do it.
///
/// # Errors
/// Timeout when it is stopped; when SQLite refuses.
pub(in crate::store::sqlite) fn answer(
    columns: &Columns,
    connection: &Connection,
    run: &Run,
) -> Result<Option<Vec<u8>>, StoreError> {
    let Some((question, groups, outputs)) = asked(columns, run) else { return Ok(None) };
    let mut groups = groups.clone();
    let columns = (0..question.columns.len()).collect();
    groups.question = Question { columns, ..groups.question };
    let limits =
        Limits { n_threads: 1, max_bytes: MAX_QUESTION_BYTES, is_stopped: &read::is_stopped };
    match walk(connection, question, GroupWork::new(&groups, &limits)) {
        Ok(answer) => Ok(Some(write_groups(&answer, outputs, &run.statement)?)),
        Err(NoAnswer::Columns(Failure::Stopped)) => Err(StoreError::Timeout),
        Err(NoAnswer::Columns(_)) => Ok(None),
        Err(NoAnswer::Failed(error)) => Err(error),
    }
}

impl Columns {
    /// How a run of groups is answered by a walk; `None` where SQLite does it.
    pub(in crate::store::sqlite) fn explain_scan(&self, run: &Run) -> Option<Vec<String>> {
        let (question, ..) = asked(self, run)?;
        Some([vec!["SCAN t".to_owned()], question.ask.steps()].concat())
    }
}

/// What a walk answers.
fn asked<'r>(
    columns: &Columns,
    run: &'r Run,
) -> Option<(&'r ColumnQuestion, &'r Groups, &'r [Answered])> {
    let question = run.question.as_deref()?;
    let Ask::Groups { groups, outputs } = &question.ask else { return None };
    let is_walked = !groups.keys.is_empty() && columns.is_large(question);
    is_walked.then_some((question, groups, outputs))
}

/// Adds all rows of a table to groups.
fn walk(
    connection: &Connection,
    question: &ColumnQuestion,
    mut work: GroupWork<'_>,
) -> Result<Answer, NoAnswer> {
    let type_of = |name: &String| match name.as_str() {
        ROW_COLUMN => Some(ColumnType::BigInt),
        name => question.table.type_of(name),
    };
    let types: Vec<_> = question.columns.iter().map(type_of).collect();
    let kinds: Vec<Kind> = types.iter().map(|it| it.map_or(Kind::Text, kind_of)).collect();
    let columns: String =
        question.columns.iter().map(|name| format!(",{}", quoted(name))).collect();
    let sql = format!("SELECT _row{columns} FROM t NOT INDEXED");
    let mut statement = connection.prepare_cached(&sql).map_err(StoreError::from)?;
    let mut rows = statement.query(()).map_err(StoreError::from)?;
    let mut block = Block::new(&kinds);
    while let Some(row) = rows.next().map_err(read::stopped)? {
        push_row(row, &types, &mut block)?;
        if block.n_rows() >= CHUNK_ROWS || block.n_bytes() >= CHUNK_BYTES {
            add(&mut work, &kinds, &mut block)?;
        }
    }
    add(&mut work, &kinds, &mut block)?;
    Ok(work.finish()?)
}

fn add(work: &mut GroupWork<'_>, kinds: &[Kind], block: &mut Block) -> Result<(), Failure> {
    let chunks = MemoryChunks::new(kinds, std::slice::from_ref(block))?;
    let columns: Vec<usize> = (0..kinds.len()).collect();
    for number in 0..chunks.n_chunks() {
        work.add(&chunks.chunk(number, &columns)?, None)?;
    }
    block.clear();
    Ok(())
}
