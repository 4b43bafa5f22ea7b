//! Compiles what two versions of a dataset differ in, row by row by their keys.
//!
//! Within one table only the rows that the log names are looked at; between tables all are, in one
//! full outer join. Columns are matched by field name. Nothing here asks who may see them: it is for
//! those who see a dataset whole.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Instant;

use sea_query::{PostgresQueryBuilder, SelectStatement, SqliteQueryBuilder};
use serde_json::{Map, Value as Json, json};
use sluice_schema::ColumnType;

use super::Dialect;
use super::past::past_select;
use crate::catalog::history::Past;
use crate::catalog::model::{Column, ROW_COLUMN};
use crate::error::{Code, Error, Result};
use crate::store::json::{CellKind, OutCell, OutField, RootShape, key_bytes};
use crate::store::run::{LOG_OF, Run, Statement, table_marker};

use super::select::cell_kind;

/// A version to be compared.
#[derive(Clone, Debug)]
pub struct Side {
    /// Where its rows are.
    pub past: Past,
    /// What columns they have.
    pub columns: Vec<Column>,
    /// Which of them is the key.
    pub key: usize,
}

/// Finds what differs.
#[derive(Debug)]
pub struct Diff {
    /// Counts rows by what became of them.
    pub counts: Run,
    /// Some of the rows.
    pub rows: Run,
    /// Field names of the older version's columns, of the newer one's.
    names: [Vec<String>; 2],
    /// Which of them are the keys.
    keys: [usize; 2],
}

impl Side {
    fn key(&self) -> Result<&Column> {
        self.columns.get(self.key).ok_or_else(|| Error::internal("a version without its key"))
    }
}

/// A column of one side.
fn of(alias: char, column: &Column) -> String {
    format!("{alias}.\"{}\"", column.physical.replace('"', "\"\""))
}

fn text_of(select: &SelectStatement, dialect: Dialect) -> String {
    match dialect {
        Dialect::Sqlite => select.to_string(SqliteQueryBuilder),
        Dialect::Postgres => select.to_string(PostgresQueryBuilder),
    }
}

/// That values of a column differ between `a` and `b`.
fn differs(old: &Column, new: &Column, dialect: Dialect) -> String {
    let (mut a, mut b) = (of('a', old), of('b', new));
    if old.column_type != new.column_type || old.column_type == ColumnType::Json {
        // Values of different types are compared as texts.
        a = format!("CAST({a} AS text)");
        b = format!("CAST({b} AS text)");
    }
    match dialect {
        Dialect::Sqlite => format!("{a} IS NOT {b}"),
        Dialect::Postgres => format!("{a} IS DISTINCT FROM {b}"),
    }
}

/// Compiles what differs between two versions.
///
/// # Errors
/// CONFLICT when their keys cannot be compared.
pub fn diff(
    from: &Side,
    to: &Side,
    (limit, offset): (i64, i64),
    dialect: Dialect,
    deadline: Instant,
) -> Result<Diff> {
    let (old_key, new_key) = (from.key()?, to.key()?);
    if old_key.name != new_key.name
        || old_key.column_type != new_key.column_type
        || (old_key.physical == ROW_COLUMN) != (new_key.physical == ROW_COLUMN)
    {
        return Err(Error::new(
            Code::Conflict,
            format!(
                "The versions have different keys, {:?} and {:?}, so that their rows cannot be compared.",
                old_key.name, new_key.name
            ),
        ));
    }
    let physical = |side: &Side| -> Vec<String> {
        side.columns.iter().map(|column| column.physical.clone()).collect()
    };
    let select = |side: &Side, table: usize, name: &str| {
        let names = physical(side);
        let names = names.iter().map(String::as_str);
        text_of(&past_select(dialect, (table, name), &side.past, names), dialect)
    };
    let mut changed = String::new();
    for new in &to.columns {
        let old = from.columns.iter().find(|old| old.name == new.name);
        let part = match old {
            Some(old) => differs(old, new, dialect),
            // A column that only one of them has differs where it has a value.
            None => format!("{} IS NOT NULL", of('b', new)),
        };
        let _ = write!(changed, " OR {part}");
    }
    for old in &from.columns {
        if !to.columns.iter().any(|new| new.name == old.name) {
            let _ = write!(changed, " OR {} IS NOT NULL", of('a', old));
        }
    }
    let touched = touched(from, to);
    let (a, b) = (select(from, 0, "va"), select(to, 1, "vb"));
    let joined = format!(
        "FROM (SELECT * FROM ({a}) AS a0{touched}) AS a FULL JOIN (SELECT * FROM ({b}) AS b0{touched}) AS b \
         ON {} = {} WHERE a.\"_row\" IS NULL OR b.\"_row\" IS NULL{changed}",
        of('a', old_key),
        of('b', new_key)
    );
    let count =
        |condition: &str| format!("COALESCE(SUM(CASE WHEN {condition} THEN 1 ELSE 0 END), 0)");
    let counts = format!(
        "SELECT {}, {}, {} {joined}",
        count("a.\"_row\" IS NULL"),
        count("a.\"_row\" IS NOT NULL AND b.\"_row\" IS NOT NULL"),
        count("b.\"_row\" IS NULL"),
    );
    let kind = "CAST(CASE WHEN a.\"_row\" IS NULL THEN 'INSERTED' WHEN b.\"_row\" IS NULL THEN 'DELETED' ELSE 'UPDATED' END AS text)";
    let mut rows = format!("SELECT {kind}");
    let mut shape = vec![column_at(0, "kind", CellKind::Text)];
    for (alias, side) in [('a', from), ('b', to)] {
        for (n, column) in side.columns.iter().enumerate() {
            let _ = write!(rows, ", {} AS \"{alias}x{n}\"", of(alias, column));
            let name = format!("{alias}{n}");
            shape.push(column_at(shape.len(), &name, cell_kind(column.column_type)));
        }
    }
    let _ = write!(
        rows,
        " {joined} ORDER BY COALESCE({}, {}) LIMIT {limit} OFFSET {offset}",
        of('b', new_key),
        of('a', old_key)
    );
    let numbers = ["inserted", "updated", "deleted"].into_iter().enumerate();
    let numbers = numbers.map(|(n, name)| column_at(n, name, CellKind::BigInt));
    let run = |sql: &str, shape: RootShape| Run {
        statement: Arc::new(Statement::new(sql, shape, false)),
        binds: Vec::new(),
        tables: vec![from.past.storage.clone(), to.past.storage.clone()],
        versions: vec![from.past.version, to.past.version],
        deadline,
        question: None,
    };
    let names = |side: &Side| side.columns.iter().map(|column| column.name.clone()).collect();
    Ok(Diff {
        counts: run(&counts, RootShape::Single(numbers.collect())),
        rows: run(&rows, RootShape::List(shape)),
        names: [names(from), names(to)],
        keys: [from.key, to.key],
    })
}

/// Which rows can differ, where both versions had the same table.
fn touched(from: &Side, to: &Side) -> String {
    if from.past.storage != to.past.storage || !from.past.has_log {
        return String::new();
    }
    let (low, high) = match from.past.version <= to.past.version {
        true => (&from.past, &to.past),
        false => (&to.past, &from.past),
    };
    let log = table_marker(LOG_OF);
    format!(
        " WHERE \"_row\" >= {} OR \"_row\" IN (SELECT \"_row\" FROM \"{log}\" WHERE \"version\" > {} AND \"version\" <= {})",
        low.next_row, low.version, high.version
    )
}

fn column_at(index: usize, name: &str, kind: CellKind) -> OutField {
    OutField { key: key_bytes(name), cell: OutCell::Column { index, kind } }
}

impl Diff {
    /// The rows as they are shown, of what the statement answered.
    ///
    /// # Errors
    /// INTERNAL for what is no such answer.
    pub fn shown(&self, rows: &[u8]) -> Result<Vec<Json>> {
        let rows: Vec<Map<String, Json>> = serde_json::from_slice(rows).map_err(Error::internal)?;
        let [old_names, new_names] = &self.names;
        let object = |row: &Map<String, Json>, alias: char, names: &[String]| -> Json {
            let cells = names.iter().enumerate().map(|(n, name)| {
                let cell = row.get(&format!("{alias}{n}")).cloned();
                (name.clone(), cell.unwrap_or_default())
            });
            Json::Object(cells.collect())
        };
        let shown = rows.iter().map(|row| {
            let kind = row.get("kind").and_then(Json::as_str).unwrap_or_default();
            let old = (kind != "INSERTED").then(|| object(row, 'a', old_names));
            let new = (kind != "DELETED").then(|| object(row, 'b', new_names));
            let [old_key, new_key] = self.keys;
            let key = match &new {
                Some(_) => row.get(&format!("b{new_key}")),
                None => row.get(&format!("a{old_key}")),
            };
            json!({ "kind": kind, "key": key, "old": old, "new": new })
        });
        Ok(shown.collect())
    }
}
