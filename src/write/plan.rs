//! Turns the root fields of a mutation into operations: rows to find, values to write, what to
//! answer.
//!
//! Arguments are read once, their variables filled in, and checked here whatever a validator did:
//! known documents come with new variables. Nothing here reads or changes a row.

use std::sync::Arc;

use serde_json::{Map, Value as Json};
use sluice_schema::ColumnType;
use sluice_schema::naming::enum_name;

use super::columns::{Columns, constraint_name, is_number};
use super::fields::{WriteKind, write_field};
use super::json::JsonChange;
use super::values::{cell, missing};
use crate::catalog::access::Operation as Right;
use crate::catalog::model::{Column, Dataset, DatasetId};
use crate::catalog::snapshot::Snapshot;
use crate::error::{Code, Error, Result};
use crate::query::change::{
    COUNT, ChangePlanner, Field, ROWS, Returnings, argument, arguments_but, variable, variable_of,
};
use crate::query::document::Document;
use crate::query::input::{Input, Step, Variables};
use crate::query::plan::{PlanSettings, RootStatement};
use crate::store::json::key_bytes;
use crate::store::run::Bind;
use crate::store::write::Change;

/// Rows that are few.
const FEW_ROWS: usize = 32;

/// One root field.
#[derive(Debug)]
pub(super) struct Operation {
    /// The response key.
    pub(super) key: String,
    pub(super) dataset: DatasetId,
    pub(super) action: Action,
    pub(super) out: Out,
    /// The version that the dataset must have.
    pub(super) if_version: Option<i64>,
    /// Counts rows that do not fit the policy after they were written.
    pub(super) check: Option<RootStatement>,
}

impl Operation {
    /// Whether it touches few rows, whatever the data.
    pub(super) fn is_small(&self) -> bool {
        match &self.action {
            Action::Insert { rows, conflict } => conflict.is_none() && rows.len() <= FEW_ROWS,
            Action::Update(updates) => {
                updates.len() <= FEW_ROWS && updates.iter().all(|update| update.target.is_by_key)
            }
            Action::Delete(target) => target.is_by_key,
            Action::Nothing => true,
        }
    }
}

/// What is done.
#[derive(Debug)]
pub(super) enum Action {
    Insert {
        rows: Vec<NewRow>,
        conflict: Option<OnConflict>,
    },
    /// One after the other.
    Update(Vec<Update>),
    Delete(Target),
    /// `__typename`
    Nothing,
}

/// A row to be added: a value for each column of the table, and which were given.
#[derive(Debug)]
pub(super) struct NewRow {
    pub(super) cells: Vec<Bind>,
}

/// What to do where the key is there already.
#[derive(Debug)]
pub(super) struct OnConflict {
    /// Columns that get the new values, positions in the table; none leaves the row as it is.
    pub(super) columns: Vec<usize>,
    /// Finds the rows that may be changed among those that are there.
    pub(super) matched: RootStatement,
}

/// Rows to be found.
#[derive(Debug)]
pub(super) struct Target {
    pub(super) statement: RootStatement,
    pub(super) at_most: i64,
    /// It is one row, found by its key.
    pub(super) is_by_key: bool,
}

/// A change of rows.
#[derive(Debug)]
pub(super) struct Update {
    pub(super) target: Target,
    /// By position in the table.
    pub(super) changes: Vec<(usize, Change)>,
    pub(super) json: Vec<(usize, JsonChange)>,
}

/// What is answered.
#[derive(Debug)]
pub(super) enum Out {
    /// The row, or null.
    One(Arc<RootStatement>),
    /// `{ affectedRows returning {…} }`, for each update of many in a list.
    Response { parts: Vec<(Box<[u8]>, OutPart)>, is_list: bool },
    /// Finished JSON.
    Literal(&'static str),
}

/// A field of a mutation's response.
#[derive(Debug)]
pub(super) enum OutPart {
    AffectedRows,
    TypeName(String),
    Returning(Arc<RootStatement>),
}

/// A mutation, ready to be run.
#[derive(Debug)]
pub(super) struct WritePlan {
    pub(super) operations: Vec<Operation>,
    /// With the arguments, and what stands for claims.
    pub(super) variables: Variables,
    /// Given by the caller, so that the same mutation is carried out once.
    pub(super) request_id: Option<String>,
}

/// Plans a mutation of rows, or `only` one of its root fields; `variables` has what stands for
/// claims.
///
/// # Errors
/// BAD_USER_INPUT for arguments and values that do not fit; FORBIDDEN; QUERY_TOO_COMPLEX and
/// QUERY_TOO_DEEP beyond the limits.
pub(super) fn plan(
    (document, returnings): (&Document, &Returnings),
    snapshot: &Snapshot,
    variables: &Variables,
    settings: &PlanSettings,
    max_rows: i64,
    only: Option<usize>,
) -> Result<WritePlan> {
    let mut fields = ChangePlanner::new(document, snapshot, variables, settings).root_fields()?;
    if let Some(only) = only {
        fields = fields.into_iter().skip(only).take(1).collect();
    }
    // New rows may be many: they are read where they are, and not copied.
    let of_rows = |name: &str| {
        fields
            .iter()
            .filter_map(|(_, merged)| merged.first())
            .any(|field| NEW_ROWS.iter().any(|argument| variable_of(field, argument) == Some(name)))
    };
    let mut all: Variables = variables
        .iter()
        .filter(|(name, _)| !of_rows(name))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    let mut new_rows = Vec::with_capacity(fields.len());
    for (number, (_, merged)) in fields.iter().enumerate() {
        let Some(field) = merged.first() else { continue };
        let is_insert = write_field(snapshot, field.name.node.as_str())
            .is_some_and(|(_, kind)| matches!(kind, WriteKind::Insert | WriteKind::InsertOne));
        let left_out: &[&str] = if is_insert { &NEW_ROWS } else { &[] };
        let mut arguments = arguments_but(field, left_out, variables);
        prepare_filters(snapshot, field, &mut arguments);
        all.insert(place_of(number), Json::Object(arguments));
        new_rows.push(left_out.iter().find_map(|name| argument(field, name, variables)));
    }
    // Known only while it runs.
    all.insert(ROWS.to_owned(), Json::Array(Vec::new()));
    all.insert(COUNT.to_owned(), Json::from(0));
    let mut planner = Planner {
        planner: ChangePlanner::new(document, snapshot, &all, settings),
        returnings,
        snapshot,
        settings,
        max_rows,
        request_id: None,
    };
    let mut operations = Vec::with_capacity(fields.len());
    for (number, (key, merged)) in fields.into_iter().enumerate() {
        let place = place_of(number);
        let arguments = all.get(&place).and_then(Json::as_object);
        let arguments = arguments.ok_or_else(|| Error::internal("a field without arguments"))?;
        let new_rows = new_rows.get(number).and_then(Option::as_deref);
        operations.push(planner.operation(key, &merged, &place, arguments, new_rows)?);
    }
    let request_id = planner.request_id.map(|id| match only {
        None => id,
        Some(number) => format!("{id}\u{1}{number}"),
    });
    Ok(WritePlan { operations, variables: all, request_id })
}

/// The arguments that are rows to be added.
const NEW_ROWS: [&str; 2] = ["objects", "object"];

/// The variable that holds the arguments of a root field; no document can name it.
fn place_of(number: usize) -> String {
    format!("#{number}")
}

/// Filters by key, as filters.
const KEY_FILTER: &str = "#key";

/// Writes the key of an operation by key as a filter beside the arguments.
fn prepare_filters(snapshot: &Snapshot, field: &Field, arguments: &mut Map<String, Json>) {
    let Some((dataset, kind)) = write_field(snapshot, field.name.node.as_str()) else { return };
    let Some(key) = dataset.columns.get(dataset.key) else { return };
    let value = match kind {
        WriteKind::UpdateByPk => arguments.get("pkColumns").and_then(|it| it.get(&key.name)),
        WriteKind::DeleteByPk => arguments.get(&key.name),
        _ => None,
    };
    if let Some(value) = value.cloned() {
        let filter = serde_json::json!({ key.name.as_str(): { "_eq": value } });
        arguments.insert(KEY_FILTER.to_owned(), filter);
    }
}

struct Planner<'d> {
    planner: ChangePlanner<'d>,
    returnings: &'d Returnings,
    snapshot: &'d Snapshot,
    settings: &'d PlanSettings,
    max_rows: i64,
    request_id: Option<String>,
}

impl<'d> Planner<'d> {
    fn operation(
        &mut self,
        key: String,
        merged: &[&'d Field],
        place: &str,
        arguments: &'d Map<String, Json>,
        new_rows: Option<&Json>,
    ) -> Result<Operation> {
        let Some(field) = merged.first() else {
            return Err(Error::internal("a root field without fields"));
        };
        let name = field.name.node.as_str();
        if name == "__typename" {
            return Ok(Operation {
                key,
                dataset: DatasetId(uuid::Uuid::nil()),
                action: Action::Nothing,
                out: Out::Literal("\"Mutation\""),
                if_version: None,
                check: None,
            });
        }
        let (dataset, kind) = write_field(self.snapshot, name)
            .ok_or_else(|| Error::bad_input(format!("There is no mutation {name:?} of rows.")))?;
        self.take_request_id(arguments)?;
        let if_version = match arguments.get("ifVersion").filter(|it| !it.is_null()) {
            None => None,
            Some(value) => Some(value.as_i64().ok_or_else(|| {
                Error::bad_input("ifVersion must be an Int: the version that was looked at.")
            })?),
        };
        let dataset: &'d Dataset = dataset;
        let writer = Columns::of(self.snapshot, dataset, self.settings)?;
        let action = match kind {
            WriteKind::Insert | WriteKind::InsertOne => {
                self.insert(dataset, &writer, kind, (place, arguments), new_rows)?
            }
            WriteKind::Update | WriteKind::UpdateByPk => {
                let update = self.update(dataset, &writer, kind, place, None, arguments)?;
                Action::Update(vec![update])
            }
            WriteKind::UpdateMany => {
                let wanted = items(arguments.get("updates"), "updates")?;
                self.check_count(wanted.len(), "updates")?;
                let mut updates = Vec::with_capacity(wanted.len());
                for (number, wanted) in wanted.iter().enumerate() {
                    let wanted = wanted.as_object().ok_or_else(|| {
                        Error::bad_input(format!("updates[{number}] must be an object."))
                    })?;
                    let update =
                        self.update(dataset, &writer, kind, place, Some(number), wanted)?;
                    updates.push(update);
                }
                Action::Update(updates)
            }
            WriteKind::Delete | WriteKind::DeleteByPk => {
                Action::Delete(self.target(dataset, kind, place, None, arguments)?)
            }
        };
        let check = match self.snapshot.part(dataset.id).and_then(|part| part.check.as_deref()) {
            Some(check) if kind.right() != Right::Delete => {
                Some(self.planner.unfit(writer.whole, check)?)
            }
            _ => None,
        };
        let out = self.out(dataset, kind, &key, merged)?;
        Ok(Operation { key, dataset: dataset.id, action, out, if_version, check })
    }

    /// All root fields that name one must name the same: it stands for the whole mutation.
    fn take_request_id(&mut self, arguments: &Map<String, Json>) -> Result<()> {
        const MAX_CHARS: usize = 200;
        let Some(given) = arguments.get("requestId").filter(|it| !it.is_null()) else {
            return Ok(());
        };
        let given = given
            .as_str()
            .filter(|it| !it.is_empty() && it.chars().count() <= MAX_CHARS && !it.contains('\0'));
        let given = given.ok_or_else(|| {
            Error::bad_input(format!("requestId must have 1 to {MAX_CHARS} characters."))
        })?;
        match &self.request_id {
            Some(known) if known != given => Err(Error::bad_input(
                "The root fields name different values of requestId; it stands for the whole mutation.",
            )),
            _ => {
                self.request_id = Some(given.to_owned());
                Ok(())
            }
        }
    }

    fn check_count(&self, n: usize, what: &str) -> Result<()> {
        if i64::try_from(n).is_ok_and(|n| n <= self.max_rows) {
            return Ok(());
        }
        Err(Error::bad_input(format!(
            "{what} has {n} entries; the limit is {}. Send them in several mutations, or upload a file.",
            self.max_rows
        )))
    }

    fn insert(
        &mut self,
        dataset: &'d Dataset,
        columns: &Columns<'d>,
        kind: WriteKind,
        (place, arguments): (&str, &'d Map<String, Json>),
        new_rows: Option<&Json>,
    ) -> Result<Action> {
        let objects = match kind {
            WriteKind::InsertOne => match new_rows {
                Some(object) => std::slice::from_ref(object),
                None => return Err(Error::bad_input("The argument \"object\" is missing.")),
            },
            _ => items(new_rows, "objects")?,
        };
        self.check_count(objects.len(), "objects")?;
        let mut rows = Vec::with_capacity(objects.len());
        for (number, object) in objects.iter().enumerate() {
            let place = || match kind {
                WriteKind::InsertOne => "object".to_owned(),
                _ => format!("objects[{number}]"),
            };
            rows.push(columns.new_row(object, &place)?);
        }
        let conflict = match arguments.get("onConflict").filter(|it| !it.is_null()) {
            None => None,
            Some(conflict) => Some(self.conflict(dataset, columns, place, conflict)?),
        };
        Ok(Action::Insert { rows, conflict })
    }

    fn conflict(
        &mut self,
        dataset: &'d Dataset,
        columns: &Columns<'d>,
        place: &str,
        given: &'d Json,
    ) -> Result<OnConflict> {
        let given =
            given.as_object().ok_or_else(|| Error::bad_input("onConflict must be an object."))?;
        let known = constraint_name(dataset);
        match given.get("constraint").and_then(Json::as_str) {
            Some(name) if Some(name) == known.as_deref() => {}
            _ => {
                return Err(Error::bad_input(match known {
                    Some(known) => format!("onConflict.constraint must be {known}."),
                    None => format!(
                        "Rows of {:?} are told apart by numbers that Sluice gives: new ones meet no conflict. Choose a key with setKey.",
                        dataset.name
                    ),
                }));
            }
        }
        let mut positions = Vec::new();
        for name in items(given.get("updateColumns"), "onConflict.updateColumns")? {
            let name = name.as_str().unwrap_or_default();
            let column = dataset.columns.iter().find(|column| enum_name(&column.name) == name);
            let position = column.and_then(|column| columns.position(column));
            let position = position.ok_or_else(|| {
                Error::bad_input(format!(
                    "onConflict.updateColumns: {} has no column {name:?} that can be written.",
                    dataset.name
                ))
            })?;
            if !positions.contains(&position) {
                positions.push(position);
            }
        }
        if !positions.is_empty() && !self.snapshot.may(dataset.id, Right::Update) {
            return Err(Error::new(
                Code::Forbidden,
                "A policy lets this key add rows, but not change them: leave updateColumns empty. Ask an admin.",
            ));
        }
        let mut path = variable(place);
        path.steps.extend([Step::Key("onConflict".into()), Step::Key("where".into())]);
        let filter = given.get("where").filter(|it| !it.is_null()).map(|_| Input::Variable(path));
        let place = "onConflict.where";
        let matched = self.planner.matched(dataset, filter.as_ref(), place, true, self.max_rows)?;
        Ok(OnConflict { columns: positions, matched: matched.statement })
    }

    fn update(
        &mut self,
        dataset: &'d Dataset,
        columns: &Columns<'d>,
        kind: WriteKind,
        place: &str,
        number: Option<usize>,
        arguments: &'d Map<String, Json>,
    ) -> Result<Update> {
        let before = number.map_or_else(String::new, |number| format!("updates[{number}]."));
        let mut changes: Vec<(usize, Change)> = Vec::new();
        let mut json: Vec<(usize, JsonChange)> = Vec::new();
        for name in ["_set", "_inc", "_append", "_prepend", "_deleteKey"] {
            let Some(given) = arguments.get(name).filter(|it| !it.is_null()) else { continue };
            let given = given
                .as_object()
                .ok_or_else(|| Error::bad_input(format!("{before}{name} must be an object.")))?;
            for (field, value) in given {
                let place = format!("{before}{name}.{field}");
                let (position, column) = columns.written(field, &place)?;
                if changes.iter().any(|(known, _)| *known == position)
                    || json.iter().any(|(known, _)| *known == position)
                {
                    return Err(Error::bad_input(format!(
                        "{place}: the column is changed twice; name it once."
                    )));
                }
                let dialect = self.settings.dialect;
                match name {
                    "_set" => {
                        if value.is_null() && columns.is_key(column) {
                            return Err(missing(&place));
                        }
                        let bind = cell(value, column, dialect, &place)?;
                        changes.push((position, Change::Set(bind)));
                    }
                    "_inc" => {
                        let is_number = is_number(column.column_type);
                        if value.is_null() || !is_number {
                            return Err(Error::bad_input(format!(
                                "{place} must be a number, for a column of numbers."
                            )));
                        }
                        let bind = cell(value, column, dialect, &place)?;
                        changes.push((position, Change::Add(bind)));
                    }
                    _ => json.push((position, json_change(name, value, column, &place)?)),
                }
            }
        }
        if changes.is_empty() && json.is_empty() {
            return Err(Error::bad_input(format!(
                "{before}Nothing is to be changed: give _set, _inc, _append, _prepend or _deleteKey."
            )));
        }
        let target = self.target(dataset, kind, place, number, arguments)?;
        Ok(Update { target, changes, json })
    }

    fn target(
        &mut self,
        dataset: &'d Dataset,
        kind: WriteKind,
        place: &str,
        number: Option<usize>,
        arguments: &'d Map<String, Json>,
    ) -> Result<Target> {
        let mut path = variable(place);
        let mut shown = String::from("where");
        if let Some(number) = number {
            path.steps.extend([Step::Key("updates".into()), Step::Item(number)]);
            shown = format!("updates[{number}].where");
        }
        let is_by_key = matches!(kind, WriteKind::UpdateByPk | WriteKind::DeleteByPk);
        let name = if is_by_key { KEY_FILTER } else { "where" };
        if arguments.get(name).is_none_or(Json::is_null) {
            return Err(match is_by_key {
                true => Error::bad_input("The key of the row is missing."),
                false => Error::bad_input(format!("The argument {shown:?} is missing.")),
            });
        }
        path.steps.push(Step::Key(name.into()));
        let at_most = match arguments.get("atMost").filter(|it| !it.is_null()) {
            None => self.max_rows,
            Some(value) => match value.as_i64() {
                Some(n) if (0..=self.max_rows).contains(&n) => n,
                _ => {
                    return Err(Error::bad_input(format!(
                        "atMost must be an Int from 0 to {}.",
                        self.max_rows
                    )));
                }
            },
        };
        let filter = Input::Variable(path);
        let matched = self.planner.matched(dataset, Some(&filter), &shown, false, at_most + 1)?;
        let says_all = arguments.get("all").and_then(Json::as_bool).unwrap_or(false);
        if matched.is_all && !says_all {
            return Err(Error::bad_input(format!(
                "{shown} asks for nothing, so that all rows are meant. If they are, say all: true."
            )));
        }
        Ok(Target { statement: matched.statement, at_most, is_by_key })
    }

    fn out(
        &mut self,
        dataset: &'d Dataset,
        kind: WriteKind,
        key: &str,
        merged: &[&'d Field],
    ) -> Result<Out> {
        let returnings = self.returnings;
        if matches!(kind, WriteKind::InsertOne | WriteKind::UpdateByPk | WriteKind::DeleteByPk) {
            return Ok(Out::One(self.planner.returned(returnings, key, dataset, merged, true)?));
        }
        let mut parts = Vec::new();
        for (name, below) in self.planner.below(merged)? {
            let Some(field) = below.first() else { continue };
            let part = match field.name.node.as_str() {
                "affectedRows" => OutPart::AffectedRows,
                "__typename" => {
                    OutPart::TypeName(format!("\"{}MutationResponse\"", dataset.type_name))
                }
                "returning" => {
                    let key = format!("{key}.{name}");
                    let planner = &mut self.planner;
                    OutPart::Returning(planner.returned(returnings, &key, dataset, &below, false)?)
                }
                other => {
                    return Err(Error::bad_input(format!(
                        "{}MutationResponse has no field {other:?}.",
                        dataset.type_name
                    )));
                }
            };
            parts.push((key_bytes(&name), part));
        }
        Ok(Out::Response { parts, is_list: kind == WriteKind::UpdateMany })
    }
}

fn items<'v>(value: Option<&'v Json>, name: &str) -> Result<&'v [Json]> {
    match value {
        Some(Json::Array(items)) => Ok(items),
        Some(Json::Null) | None => {
            Err(Error::bad_input(format!("The argument {name:?} is missing.")))
        }
        Some(single) => Ok(std::slice::from_ref(single)),
    }
}

fn json_change(name: &str, value: &Json, column: &Column, place: &str) -> Result<JsonChange> {
    if column.column_type != ColumnType::Json {
        return Err(Error::bad_input(format!("{place}: only columns of JSON have parts.")));
    }
    if value.is_null() {
        return Err(Error::bad_input(format!("{place} is null; give a value or leave it out.")));
    }
    Ok(match name {
        "_append" => JsonChange::Append(value.clone()),
        "_prepend" => JsonChange::Prepend(value.clone()),
        _ => match value.as_str() {
            Some(key) => JsonChange::DeleteKey(key.to_owned()),
            None => return Err(Error::bad_input(format!("{place} must be a String."))),
        },
    })
}
