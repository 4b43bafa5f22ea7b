//! Carries out operations inside a transaction, one after the other, and writes what they answer.
//!
//! Every row that changes is logged as it was before, under the version that the mutation makes.
//! Which rows those are is found by planned statements, through the policies of who asks; all
//! blocks the calling thread.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use serde::Deserialize;
use serde_json::Value as Json;

use super::check_version;
use super::columns::stored_columns;
use super::json::JsonChange;
use super::plan::{Action, NewRow, OnConflict, Operation, Out, OutPart, Target, Update, WritePlan};
use crate::catalog::model::{Column, Dataset, DatasetId};
use crate::catalog::snapshot::Snapshot;
use crate::error::{Code, Error, Result};
use crate::query::change::{COUNT, ROWS};
use crate::query::input::Variables;
use crate::query::plan::{PlanSettings, RootStatement};
use crate::store::StoreError;
use crate::store::run::Bind;
use crate::store::write::{Change, Logged, Session};

/// A dataset as it is while a transaction changes it.
#[derive(Clone, Debug)]
pub(super) struct State {
    /// Its number in the session.
    pub(super) table: usize,
    /// As it was when the transaction began.
    pub(super) dataset: Arc<Dataset>,
    /// The version that there is: those of mutations before in the same transaction count.
    pub(super) version: i64,
    pub(super) row_count: i64,
    pub(super) next_row: i64,
    pub(super) counts: Counts,
}

/// What a mutation did to a dataset so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) inserted: i64,
    pub(super) updated: i64,
    pub(super) deleted: i64,
}

impl Counts {
    /// Whether anything was done.
    pub(super) fn is_some(self) -> bool {
        self != Counts::default()
    }
}

/// The datasets that a transaction changes.
pub(super) type States = HashMap<DatasetId, State>;

/// A mutation in a transaction.
pub(super) struct Applying<'a> {
    pub(super) session: &'a mut Session,
    pub(super) states: &'a mut States,
    /// What the principal sees.
    pub(super) snapshot: &'a Snapshot,
    pub(super) settings: &'a PlanSettings,
    pub(super) deadline: Instant,
    /// Those of the plan, with the rows at hand.
    variables: Variables,
}

/// A row's number, as statements answer it.
#[derive(Deserialize)]
struct Found {
    row: i64,
}

/// How many rows, as statements answer it.
#[derive(Deserialize)]
struct Counted {
    count: i64,
}

impl<'a> Applying<'a> {
    pub(super) fn new(
        session: &'a mut Session,
        states: &'a mut States,
        snapshot: &'a Snapshot,
        settings: &'a PlanSettings,
        deadline: Instant,
    ) -> Applying<'a> {
        Applying { session, states, snapshot, settings, deadline, variables: Variables::new() }
    }

    /// Carries out a mutation: finished JSON for each root field, in order. Errors come with the
    /// response key of the field.
    pub(super) fn run(
        mut self,
        plan: &WritePlan,
    ) -> std::result::Result<Vec<Vec<u8>>, (String, Error)> {
        self.variables = plan.variables.clone();
        let mut answers = Vec::with_capacity(plan.operations.len());
        for operation in &plan.operations {
            let answer = self.operation(operation);
            answers.push(answer.map_err(|error| (operation.key.clone(), error))?);
        }
        Ok(answers)
    }

    fn operation(&mut self, operation: &Operation) -> Result<Vec<u8>> {
        if let Out::Literal(json) = operation.out {
            return Ok(json.as_bytes().to_vec());
        }
        let state = self.state(operation.dataset)?;
        check_version(&state.dataset.name, state.version, operation.if_version)?;
        match &operation.action {
            Action::Nothing => Ok(b"null".to_vec()),
            Action::Insert { rows, conflict } => {
                let touched = self.insert(operation.dataset, rows, conflict.as_ref())?;
                self.check(operation, &touched)?;
                self.answer(&operation.out, &touched)
            }
            Action::Update(updates) => {
                let mut answers = Vec::with_capacity(updates.len());
                for update in updates {
                    let touched = self.update(operation.dataset, update)?;
                    self.check(operation, &touched)?;
                    answers.push(self.answer(&operation.out, &touched)?);
                }
                Ok(match operation.out {
                    Out::Response { is_list: true, .. } => {
                        [b"[".as_slice(), &answers.join(&b','), b"]"].concat()
                    }
                    _ => answers.concat(),
                })
            }
            Action::Delete(target) => {
                let rows = self.find(target)?;
                // Told before they are gone.
                let answer = self.answer(&operation.out, &rows)?;
                let state = self.state(operation.dataset)?;
                let (table, version) = (state.table, state.version + 1);
                self.session.log(table, version, Logged::Deleted, &rows).map_err(Error::from)?;
                self.session.delete(table, &rows)?;
                let n_rows = count(&rows);
                let state = self.state_mut(operation.dataset)?;
                state.row_count -= n_rows;
                state.counts.deleted += n_rows;
                Ok(answer)
            }
        }
    }

    fn insert(
        &mut self,
        dataset: DatasetId,
        rows: &[NewRow],
        conflict: Option<&OnConflict>,
    ) -> Result<Vec<i64>> {
        let state = self.state(dataset)?;
        let (table, version, first_row) = (state.table, state.version + 1, state.next_row);
        let whole = Arc::clone(&state.dataset);
        let there = self.rows_there(table, &whole, rows)?;
        if conflict.is_none()
            && let Some((_, position)) = there.iter().min_by_key(|(_, position)| *position)
        {
            return Err(taken(&whole, *position, rows.len()));
        }
        let mut touched = match conflict {
            Some(conflict) if !conflict.columns.is_empty() => {
                self.overwrite(dataset, (table, version), rows, conflict, &there)?
            }
            _ => Vec::new(),
        };
        let n_updated = count(&touched);
        let mut is_there = vec![false; rows.len()];
        for (_, position) in &there {
            if let Some(flag) = is_there.get_mut(*position) {
                *flag = true;
            }
        }
        let new: Vec<&[Bind]> = rows
            .iter()
            .zip(&is_there)
            .filter(|(_, is_there)| !**is_there)
            .map(|(row, _)| row.cells.as_slice())
            .collect();
        let n_new = i64::try_from(new.len()).unwrap_or(i64::MAX);
        if !new.is_empty() {
            self.session.insert(table, first_row, &new).map_err(|error| match error {
                StoreError::Repeated => taken_by_somebody(&whole),
                error => error.into(),
            })?;
        }
        touched.extend(first_row..first_row + n_new);
        let state = self.state_mut(dataset)?;
        state.next_row += n_new;
        state.row_count += n_new;
        state.counts.inserted += n_new;
        state.counts.updated += n_updated;
        Ok(touched)
    }

    /// The rows that have the keys of new ones, and the positions of those.
    fn rows_there(
        &mut self,
        table: usize,
        dataset: &Dataset,
        rows: &[NewRow],
    ) -> Result<Vec<(i64, usize)>> {
        let Some(key) = key_position(dataset) else { return Ok(Vec::new()) };
        let keys: Vec<Bind> = rows.iter().filter_map(|row| row.cells.get(key).cloned()).collect();
        let mut seen = std::collections::HashSet::with_capacity(keys.len());
        for (position, key) in keys.iter().enumerate() {
            if !seen.insert(format!("{key:?}")) {
                let name = &key_of(dataset)?.name;
                return Err(Error::new(
                    Code::Conflict,
                    format!("objects[{position}].{name} is the key of an object before it, too."),
                ));
            }
        }
        Ok(self.session.find_keys(table, key, &keys)?)
    }

    /// Gives rows that are there the values of the new ones with their keys; those that may be.
    fn overwrite(
        &mut self,
        dataset: DatasetId,
        (table, version): (usize, i64),
        rows: &[NewRow],
        conflict: &OnConflict,
        there: &[(i64, usize)],
    ) -> Result<Vec<i64>> {
        let numbers: Vec<i64> = there.iter().map(|(row, _)| *row).collect();
        let mut allowed = self.among(&conflict.matched, &numbers)?;
        allowed.sort_unstable();
        self.session.log(table, version, Logged::Updated, &allowed)?;
        let whole = Arc::clone(&self.state(dataset)?.dataset);
        for (row, position) in there {
            if allowed.binary_search(row).is_err() {
                continue;
            }
            let Some(new) = rows.get(*position) else { continue };
            let changes: Vec<(usize, Change)> = conflict
                .columns
                .iter()
                .filter_map(|column| Some((*column, Change::Set(new.cells.get(*column)?.clone()))))
                .collect();
            self.session.update(table, &[*row], &changes).map_err(|error| told(error, &whole))?;
        }
        Ok(allowed)
    }

    fn update(&mut self, dataset: DatasetId, update: &Update) -> Result<Vec<i64>> {
        let rows = self.find(&update.target)?;
        if rows.is_empty() {
            return Ok(rows);
        }
        let state = self.state(dataset)?;
        let (table, version) = (state.table, state.version + 1);
        let whole = Arc::clone(&state.dataset);
        for (column, change) in &update.changes {
            match change {
                Change::Add(added) => {
                    if self.session.overflows(table, &rows, *column, added)? {
                        let name = stored_columns(&whole).nth(*column).map(|it| it.name.as_str());
                        let name = name.unwrap_or_default();
                        return Err(Error::bad_input(format!(
                            "_inc.{name} leads beyond what the column keeps. alterColumn(column: {name:?}) with a wider type would admit it."
                        )));
                    }
                }
                Change::Set(value) if key_position(&whole) == Some(*column) => {
                    let found =
                        self.session.find_keys(table, *column, std::slice::from_ref(value))?;
                    let is_other = found.iter().any(|(row, _)| !rows.contains(row));
                    if rows.len() > 1 || is_other {
                        return Err(taken_by_somebody(&whole));
                    }
                }
                Change::Set(_) => {}
            }
        }
        self.session.log(table, version, Logged::Updated, &rows)?;
        self.session.update(table, &rows, &update.changes).map_err(|error| told(error, &whole))?;
        for (column, change) in &update.json {
            self.change_json(table, &rows, *column, change)?;
        }
        let n_rows = count(&rows);
        self.state_mut(dataset)?.counts.updated += n_rows;
        Ok(rows)
    }

    /// Changes the JSON of a column row by row; a missing value stays missing.
    fn change_json(
        &mut self,
        table: usize,
        rows: &[i64],
        column: usize,
        change: &JsonChange,
    ) -> Result<()> {
        for (row, text) in self.session.texts(table, rows, column)? {
            let value: Json = serde_json::from_str(&text).map_err(Error::internal)?;
            let changed = change.apply(value).to_string();
            if crate::store::contain::Value::parse(&changed).is_none() {
                return Err(Error::bad_input("The JSON would be nested too deep or too large."));
            }
            let set = Change::Set(Bind::Text(changed));
            self.session.update(table, &[row], &[(column, set)])?;
        }
        Ok(())
    }

    /// The rows that are meant.
    fn find(&mut self, target: &Target) -> Result<Vec<i64>> {
        let rows = self.rows_of(&target.statement)?;
        if count(&rows) > target.at_most {
            return Err(Error::bad_input(format!(
                "More than {} rows are meant; nothing was changed. Narrow the filter, or raise atMost (up to the server's limit).",
                target.at_most
            )));
        }
        Ok(rows)
    }

    /// Refuses rows that do not fit the policy after they were written.
    fn check(&mut self, operation: &Operation, rows: &[i64]) -> Result<()> {
        let Some(check) = operation.check.as_ref().filter(|_| !rows.is_empty()) else {
            return Ok(());
        };
        self.set_rows(rows);
        let counted = self.select(check)?;
        let Counted { count } = serde_json::from_slice(&counted).map_err(Error::internal)?;
        if count == 0 {
            return Ok(());
        }
        Err(Error::new(
            Code::Forbidden,
            format!(
                "{count} of the rows would not fit the policy for this dataset; nothing was changed."
            ),
        ))
    }

    fn answer(&mut self, out: &Out, rows: &[i64]) -> Result<Vec<u8>> {
        self.set_rows(rows);
        match out {
            Out::Literal(json) => Ok(json.as_bytes().to_vec()),
            Out::One(_) if rows.is_empty() => Ok(b"null".to_vec()),
            Out::One(statement) => self.select(statement),
            Out::Response { parts, .. } => {
                let mut json = b"{".to_vec();
                for (number, (key, part)) in parts.iter().enumerate() {
                    if number > 0 {
                        json.push(b',');
                    }
                    json.extend_from_slice(key);
                    match part {
                        OutPart::AffectedRows => {
                            json.extend_from_slice(rows.len().to_string().as_bytes());
                        }
                        OutPart::TypeName(name) => json.extend_from_slice(name.as_bytes()),
                        OutPart::Returning(_) if rows.is_empty() => json.extend_from_slice(b"[]"),
                        OutPart::Returning(statement) => {
                            json.extend_from_slice(&self.select(statement)?);
                        }
                    }
                }
                json.push(b'}');
                Ok(json)
            }
        }
    }

    fn among(&mut self, statement: &RootStatement, rows: &[i64]) -> Result<Vec<i64>> {
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        self.set_rows(rows);
        self.rows_of(statement)
    }

    fn rows_of(&mut self, statement: &RootStatement) -> Result<Vec<i64>> {
        let found = self.select(statement)?;
        let found: Vec<Found> = serde_json::from_slice(&found).map_err(Error::internal)?;
        Ok(found.into_iter().map(|found| found.row).collect())
    }

    fn select(&mut self, statement: &RootStatement) -> Result<Vec<u8>> {
        let run = statement.run(self.snapshot, &self.variables, self.settings, self.deadline)?;
        Ok(self.session.select(&run)?)
    }

    fn set_rows(&mut self, rows: &[i64]) {
        self.variables.insert(ROWS.to_owned(), rows.iter().copied().collect());
        self.variables.insert(COUNT.to_owned(), rows.len().into());
    }

    fn state(&self, dataset: DatasetId) -> Result<&State> {
        self.states.get(&dataset).ok_or_else(|| Error::internal("a dataset that was not locked"))
    }

    fn state_mut(&mut self, dataset: DatasetId) -> Result<&mut State> {
        let state = self.states.get_mut(&dataset);
        state.ok_or_else(|| Error::internal("a dataset that was not locked"))
    }
}

fn count(rows: &[i64]) -> i64 {
    i64::try_from(rows.len()).unwrap_or(i64::MAX)
}

fn key_of(dataset: &Dataset) -> Result<&Column> {
    let key = dataset.columns.get(dataset.key);
    key.ok_or_else(|| Error::internal("a dataset without its key"))
}

/// The position of the key in the table; `None` where Sluice gives it.
fn key_position(dataset: &Dataset) -> Option<usize> {
    let key = dataset.columns.get(dataset.key)?;
    stored_columns(dataset).position(|column| column.physical == key.physical)
}

fn taken(dataset: &Dataset, position: usize, n_rows: usize) -> Error {
    let name = key_of(dataset).map_or("", |key| key.name.as_str());
    let place = if n_rows > 1 { format!("objects[{position}].{name}") } else { name.to_owned() };
    Error::new(
        Code::Conflict,
        format!("{place}: there is a row with this key already. Use onConflict to change it."),
    )
}

fn taken_by_somebody(dataset: &Dataset) -> Error {
    let name = key_of(dataset).map_or("", |key| key.name.as_str());
    Error::new(
        Code::Conflict,
        format!("{name}: another row has this key; keys of {:?} are unique.", dataset.name),
    )
}

fn told(error: StoreError, dataset: &Dataset) -> Error {
    match error {
        StoreError::Repeated => taken_by_somebody(dataset),
        error => error.into(),
    }
}
