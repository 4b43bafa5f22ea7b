//! Sends rows behind a cursor in batches, as they come.
//!
//! Each batch is the answer to a list: the rows behind the last one sent, in the order of the
//! cursor's column and, among equals, of the key, so that none is left out where a batch ends. The
//! list selects both beside what was asked for; they are taken off again before it is sent.

use std::sync::Arc;
use std::time::Instant;

use async_graphql_parser::Positioned;
use async_graphql_parser::types::{Field, Selection, SelectionSet};
use async_graphql_value::{Name, Value as AstValue};
use bytes::Bytes;
use indexmap::IndexMap;
use serde_json::Value as Json;
use serde_json::value::RawValue;
use tokio::sync::watch;

use super::rewrite::{argument, as_query, to_json};
use super::types::cursor_columns;
use super::{Asker, End, Step};
use crate::catalog::model::{Dataset, DatasetId, StorageId};
use crate::catalog::snapshot::Snapshot;
use crate::error::{Error, Result};
use crate::graphql::documents::KnownDocument;
use crate::graphql::engine::{Engine, Request};
use crate::graphql::prepare::{Prepared, Unprepared};
use crate::graphql::tag::sha_of;
use crate::query::document::Document;
use crate::query::input::Variables;
use crate::query::plan::{Plan, Root};
use crate::store::json::key_bytes;

/// What is selected beside, under names that no document can write.
const CURSOR: &str = "\u{1}cursor";
const KEY: &str = "\u{1}key";

/// The rows of one batch as they came, field by field.
type Batch = Vec<IndexMap<String, Box<RawValue>>>;

/// Where a stream is.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Position {
    /// Before all rows that have a value.
    Start,
    /// Behind all rows with this value.
    Behind(Json),
    /// Behind the row with this value and this key.
    At(Json, Json),
}

/// `ordersStream(cursor, batchSize, where)`.
pub(super) struct RowStream {
    request: Request,
    dataset: DatasetId,
    column: String,
    key: String,
    is_descending: bool,
    n_rows: i64,
    position: Position,
    variables: Variables,
    /// The list behind the position; made anew when the position or the schema is of another kind.
    list: Option<List>,
    /// The tables that had no more rows.
    exhausted: Option<Vec<(StorageId, i64)>>,
    news: watch::Receiver<()>,
}

/// The query of a batch.
struct List {
    known: KnownDocument,
    /// The response key of its root field: `"orders":`.
    key_bytes: Box<[u8]>,
    schema_revision: i64,
    /// Whether it is behind a row.
    is_behind_row: bool,
}

impl RowStream {
    /// A stream that begins where the subscription says.
    ///
    /// # Errors
    /// BAD_USER_INPUT for a cursor that is not one column, or no size of batches.
    pub(super) fn new(
        document: &Document,
        dataset: &Dataset,
        request: Request,
        variables: Variables,
        engine: &Engine,
    ) -> Result<RowStream> {
        let argument = |name: &str| argument(document, name, &variables);
        let most = engine.plan_settings.max_limit;
        let is_possible = |n_rows: &i64| (1..=most).contains(n_rows);
        let n_rows = argument("batchSize").as_i64().filter(is_possible).ok_or_else(|| {
            Error::bad_input(format!("batchSize: expected a number of rows, from 1 to {most}."))
        })?;
        let (column, value, is_descending) = cursor(argument("cursor"), dataset)?;
        let key = dataset.columns.get(dataset.key);
        let key = key.ok_or_else(|| Error::internal("a dataset without its key"))?;
        Ok(RowStream {
            request,
            dataset: dataset.id,
            column,
            key: key.name.clone(),
            is_descending,
            n_rows,
            position: if value.is_null() { Position::Start } else { Position::Behind(value) },
            variables,
            list: None,
            exhausted: None,
            news: engine.services.catalog.changes(),
        })
    }

    /// The next batch, as soon as there is a row.
    pub(super) async fn next(&mut self, asker: &Asker) -> Step {
        loop {
            self.news.borrow_and_update();
            // Boxed: it is over soon, and then the stream waits for long.
            if let Some(body) = Box::pin(self.look(asker)).await? {
                return Ok(Some(body));
            }
            if self.news.changed().await.is_err() {
                return Ok(None);
            }
        }
    }

    /// The rows behind the position, if there are any now.
    async fn look(&mut self, asker: &Asker) -> Step {
        let Asker { engine, .. } = asker;
        let principal = asker.principal();
        let turn = engine.subscriptions.turn().await;
        let snapshot = engine.services.auth.view(principal);
        self.make_list(asker, &snapshot).await?;
        let Some(list) = &self.list else { return Ok(None) };
        let mut variables = self.variables.clone();
        if snapshot.view.is_some() {
            variables.extend(principal.claim_variables());
        }
        match &self.position {
            Position::Start => {}
            Position::Behind(value) => {
                variables.insert(CURSOR.to_owned(), value.clone());
            }
            Position::At(value, key) => {
                variables.insert(CURSOR.to_owned(), value.clone());
                variables.insert(KEY.to_owned(), key.clone());
            }
        }
        let settings = engine.plan_settings.clone();
        let plan = list.known.plan(&snapshot, &variables, || {
            Plan::new(&list.known.document, &snapshot, &variables, settings)
        })?;
        let tables = tables(&plan, &snapshot);
        if self.exhausted.as_ref() == Some(&tables) {
            return Ok(None);
        }
        let deadline = Instant::now() + engine.statement_timeout;
        let bound = plan.bind(&snapshot, &variables, deadline)?;
        let Some(run) = bound.runs.into_iter().flatten().next() else { return Ok(None) };
        let services = &engine.services;
        let found = services.answers.run(&services.store, run).await;
        drop((snapshot, turn));
        let found = found.map_err(|error| Error::from(error.as_ref()))?;
        let batch: Batch = serde_json::from_slice(&found.json).map_err(Error::internal)?;
        let n_found = i64::try_from(batch.len()).unwrap_or(i64::MAX);
        if n_found == 0 {
            self.exhausted = Some(tables);
            return Ok(None);
        }
        asker.admit(bound.cost, false).await?;
        let (position, rows) = taken_off(batch)?;
        self.position = position;
        self.exhausted = (n_found < self.n_rows).then_some(tables);
        let mut body = b"{\"data\":{".to_vec();
        body.extend_from_slice(&list.key_bytes);
        body.extend_from_slice(&rows);
        body.extend_from_slice(b"}}");
        Ok(Some(Bytes::from(body)))
    }

    /// Makes the list if there is none for this position and this schema. The subscription is
    /// validated again where the schema has changed.
    async fn make_list(&mut self, asker: &Asker, snapshot: &Arc<Snapshot>) -> Result<(), End> {
        let is_behind_row = matches!(self.position, Position::At(..));
        if let Some(list) = &self.list
            && list.is_behind_row == is_behind_row
            && list.schema_revision == snapshot.schema_revision
        {
            return Ok(());
        }
        let Asker { engine, request_id, .. } = asker;
        let mut request = Request {
            query: self.request.query.clone(),
            document: self.request.document.clone(),
            operation_name: self.request.operation_name.clone(),
            variables: self.request.variables.clone(),
            ..Request::default()
        };
        let prepared = engine.prepare(asker.principal(), snapshot, &mut request, request_id).await;
        let Prepared { known, .. } = prepared.map_err(|unprepared| match unprepared {
            Unprepared::Error(error) => End::Error(error),
            Unprepared::Answered(answer) => End::Answer(answer.body),
        })?;
        let gone = || Error::not_found("The dataset, or a column of the stream, is gone.");
        let dataset = snapshot.dataset_by_id(self.dataset).ok_or_else(gone)?;
        let key = dataset.columns.get(dataset.key).ok_or_else(gone)?;
        dataset.column(&self.column).ok_or_else(gone)?;
        if key.name != self.key && is_behind_row {
            return Err(gone().into());
        }
        self.key.clone_from(&key.name);
        let document = as_query(&known.document, |field| self.make_field(field, &dataset.name))?;
        let field = document.root_fields().next();
        let key_bytes =
            field.map_or_else(Box::default, |field| key_bytes(&field.response_key().node));
        let known = KnownDocument::new(document, &request.query, sha_of(&request.query))?;
        let schema_revision = snapshot.schema_revision;
        self.list = Some(List { known, key_bytes, schema_revision, is_behind_row });
        Ok(())
    }

    /// Makes a list of a stream's field.
    fn make_field(&self, field: &mut Field, list: &str) {
        let at = field.name.pos;
        let name = |name: &str| Positioned::new(Name::new(name), at);
        let wanted = field.get_argument("where").map(|value| value.node.clone());
        let wanted = wanted.filter(|value| !to_json(value, &self.variables).is_null());
        let conditions = wanted.into_iter().chain([self.behind()]).collect();
        let object = |key: &str, value: AstValue| {
            AstValue::Object([(Name::new(key), value)].into_iter().collect())
        };
        let direction = if self.is_descending { "DESC" } else { "ASC" };
        let mut order = vec![object(&self.column, AstValue::Enum(Name::new(direction)))];
        if self.column != self.key {
            order.push(object(&self.key, AstValue::Enum(Name::new("ASC"))));
        }
        field.arguments = vec![
            (name("where"), Positioned::new(object("_and", AstValue::List(conditions)), at)),
            (name("orderBy"), Positioned::new(AstValue::List(order), at)),
            (name("limit"), Positioned::new(AstValue::Number(self.n_rows.into()), at)),
        ];
        for (alias, column) in [(CURSOR, &self.column), (KEY, &self.key)] {
            let beside = Field {
                alias: Some(name(alias)),
                name: name(column),
                arguments: Vec::new(),
                directives: Vec::new(),
                selection_set: Positioned::new(SelectionSet { items: Vec::new() }, at),
            };
            let beside = Selection::Field(Positioned::new(beside, at));
            field.selection_set.node.items.push(Positioned::new(beside, at));
        }
        field.name = name(list);
    }

    /// The condition of the rows behind the position.
    fn behind(&self) -> AstValue {
        let compare = |column: &str, operator: &str, value: AstValue| {
            let comparison = AstValue::Object([(Name::new(operator), value)].into_iter().collect());
            AstValue::Object([(Name::new(column), comparison)].into_iter().collect())
        };
        let variable = |name: &str| AstValue::Variable(Name::new(name));
        let beyond = if self.is_descending { "_lt" } else { "_gt" };
        let is_key = self.column == self.key;
        let further = compare(&self.column, beyond, variable(CURSOR));
        match &self.position {
            Position::Start => compare(&self.column, "_isNull", AstValue::Boolean(false)),
            Position::Behind(_) => further,
            Position::At(..) if is_key => further,
            Position::At(..) => {
                let same = compare(&self.column, "_eq", variable(CURSOR));
                let later = compare(&self.key, "_gt", variable(KEY));
                let list = |name: &str, items: Vec<AstValue>| {
                    AstValue::Object(
                        [(Name::new(name), AstValue::List(items))].into_iter().collect(),
                    )
                };
                list("_or", vec![further, list("_and", vec![same, later])])
            }
        }
    }
}

/// The column, the value and the direction of a cursor.
fn cursor(given: Json, dataset: &Dataset) -> Result<(String, Json, bool)> {
    let wrong = |found: &str| {
        Error::bad_input(format!(
            "cursor: {found}; expected one column, like [{{initialValue: {{id: 0}}, ordering: ASC}}]."
        ))
    };
    // A value that is no list counts as a list of itself.
    let mut cursors = match given {
        Json::Array(cursors) => cursors,
        single => vec![single],
    };
    let (Some(Json::Object(mut cursor)), true) = (cursors.pop(), cursors.is_empty()) else {
        return Err(wrong("it has none or several parts"));
    };
    let is_descending = cursor.get("ordering").and_then(Json::as_str) == Some("DESC");
    let Some(Json::Object(values)) = cursor.remove("initialValue") else {
        return Err(wrong("it has no initialValue"));
    };
    let mut values = values.into_iter();
    let (Some((column, value)), None) = (values.next(), values.next()) else {
        return Err(wrong("initialValue has none or several columns"));
    };
    if cursor_columns(dataset).all(|known| known.name != column) {
        return Err(wrong("the column has no order"));
    }
    Ok((column, value, is_descending))
}

/// Table and version of all that a plan reads.
fn tables(plan: &Plan, snapshot: &Snapshot) -> Vec<(StorageId, i64)> {
    let whole = snapshot.view.as_ref().map_or(snapshot, |view| &view.base);
    let read = plan.roots.iter().flat_map(Root::datasets);
    read.filter_map(|id| whole.dataset_by_id(*id))
        .map(|dataset| (dataset.storage.clone(), dataset.version))
        .collect()
}

/// Takes off what was selected beside: the position of the last row, and the rows as JSON.
fn taken_off(mut batch: Batch) -> Result<(Position, Vec<u8>)> {
    let mut position = Position::Start;
    for row in &mut batch {
        let (key, value) = (row.pop(), row.pop());
        let (Some((_, key)), Some((_, value))) = (key, value) else {
            return Err(Error::internal("a batch without its cursor"));
        };
        let read = |text: &RawValue| serde_json::from_str(text.get()).map_err(Error::internal);
        position = Position::At(read(&value)?, read(&key)?);
    }
    Ok((position, serde_json::to_vec(&batch).map_err(Error::internal)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_selected_beside_is_taken_off() {
        let batch = serde_json::from_str(
            "[{\"a\":1.50,\"\\u0001cursor\":\"x\",\"\\u0001key\":1},{\"a\":{ \"b\":2},\"\\u0001cursor\":\"y\",\"\\u0001key\":2}]",
        );
        let (position, rows) = taken_off(batch.unwrap()).unwrap();
        assert_eq!(position, Position::At("y".into(), 2.into()));
        assert_eq!(rows, br#"[{"a":1.50},{"a":{ "b":2}}]"#);
    }
}
