//! Changes rows inside a transaction that the catalog began and will commit.
//!
//! Rows and the version that they are part of are then one commit. Values travel as text and are
//! cast by the statement, lists as one text each: a statement's text depends on its table alone.

use std::fmt::Write as _;
use std::time::Instant;

use sea_orm::sea_query::Value;
use sea_orm::{
    ConnectionTrait, DatabaseTransaction, DbBackend, DbErr, QueryResult, RuntimeErr, Statement,
};
use sluice_schema::ColumnType;
use tokio::runtime::Handle;

use super::load::{UNIQUE_VIOLATION, column_sql_type};
use super::{PostgresStore, QUERY_CANCELED, SCHEMA, quoted};
use crate::catalog::model::StorageId;
use crate::store::json::{self, RootShape};
use crate::store::run::{Bind, Run};
use crate::store::{PhysicalColumn, StoreError};

/// The transaction.
pub(in crate::store) struct PostgresSession {
    transaction: DatabaseTransaction,
    runtime: Handle,
}

impl PostgresSession {
    /// Sets the transaction up as connections for queries are.
    pub(in crate::store) fn begin(
        transaction: DatabaseTransaction,
        runtime: &Handle,
        deadline: Instant,
    ) -> Result<PostgresSession, StoreError> {
        let mut session = PostgresSession { transaction, runtime: runtime.clone() };
        let left = deadline.saturating_duration_since(Instant::now()).as_millis().max(1);
        let path = format!("{SCHEMA},{}", sluice_migration::POSTGRES_SCHEMA);
        session.execute(
            "SELECT set_config('search_path', $1, true), set_config('timezone', 'UTC', true), \
             set_config('datestyle', 'ISO', true), set_config('statement_timeout', $2, true)",
            &[Bind::Text(path), Bind::Text(left.to_string())],
        )?;
        Ok(session)
    }

    /// The transaction, to be ended by who began it.
    pub(in crate::store) fn into_transaction(self) -> DatabaseTransaction {
        self.transaction
    }

    pub(in crate::store) fn make_log(&mut self, storage: &StorageId) -> Result<(), StoreError> {
        let (table, log) = (PostgresStore::table_of(storage), PostgresStore::log_of(storage));
        let is_there = "SELECT 1::bigint WHERE to_regclass($1) IS NOT NULL";
        if !self.integers(is_there, &[Bind::Text(log.clone())])?.is_empty() {
            return Ok(());
        }
        let create = format!(
            "CREATE TABLE {log} (version bigint NOT NULL, op text NOT NULL, LIKE {table}, \
             PRIMARY KEY (version, _row))"
        );
        self.execute(&create, &[]).map(drop)
    }

    pub(in crate::store) fn insert(
        &mut self,
        storage: &StorageId,
        columns: &[PhysicalColumn],
        first_row: i64,
        rows: &[&[Bind]],
    ) -> Result<(), StoreError> {
        let table = PostgresStore::table_of(storage);
        let mut names = String::from("_row");
        for column in columns {
            let _ = write!(names, ",{}", quoted(&column.name));
        }
        let mut binds = vec![Bind::Int(first_row)];
        let sql = if let [row] = rows {
            binds.extend(row.iter().map(as_text));
            let mut values = String::from("$1::bigint");
            for (position, column) in columns.iter().enumerate() {
                let _ = write!(values, ",{}", typed(position + 2, column.column_type));
            }
            format!("INSERT INTO {table}({names}) VALUES ({values})")
        } else {
            let (mut lists, mut values, mut aliases) =
                (String::new(), String::new(), String::new());
            for (position, column) in columns.iter().enumerate() {
                binds.push(Bind::Text(list_of(rows.iter().map(|row| row.get(position)))));
                let sql_type = column_sql_type(column.column_type);
                let _ = write!(lists, "${}::text::text[],", position + 2);
                let _ = write!(values, ",a{position}::{sql_type}");
                let _ = write!(aliases, "a{position},");
            }
            // With no columns there is still one list to number rows by.
            binds.push(Bind::Text(list_of(rows.iter().map(|_| None))));
            let _ = write!(lists, "${}::text::text[]", columns.len() + 2);
            format!(
                "INSERT INTO {table}({names}) SELECT $1::bigint + n - 1{values} \
                 FROM unnest({lists}) WITH ORDINALITY AS u({aliases}z, n)"
            )
        };
        self.execute(&sql, &binds).map(drop)
    }

    pub(in crate::store) fn find_keys(
        &mut self,
        table: &str,
        column: &PhysicalColumn,
        keys: &[Bind],
    ) -> Result<Vec<(i64, usize)>, StoreError> {
        let (name, sql_type) = (quoted(&column.name), column_sql_type(column.column_type));
        let sql = format!(
            "SELECT t._row, u.n FROM unnest($1::text::text[]) WITH ORDINALITY AS u(a, n) \
             JOIN {table} t ON t.{name} = u.a::{sql_type}"
        );
        let rows = self.query(&sql, &[Bind::Text(list_of(keys.iter().map(Some)))])?;
        rows.iter()
            .map(|row| {
                let (row, number): (i64, i64) =
                    (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
                Ok((row, usize::try_from(number - 1).unwrap_or(0)))
            })
            .collect()
    }

    pub(in crate::store) fn execute(
        &mut self,
        sql: &str,
        binds: &[Bind],
    ) -> Result<u64, StoreError> {
        let done = self.transaction.execute_raw(statement(sql, binds));
        let done = self.runtime.block_on(done).map_err(refused)?;
        Ok(done.rows_affected())
    }

    pub(in crate::store) fn integers(
        &mut self,
        sql: &str,
        binds: &[Bind],
    ) -> Result<Vec<i64>, StoreError> {
        let rows = self.query(sql, binds)?;
        rows.iter().map(|row| Ok(row.try_get_by_index(0)?)).collect()
    }

    pub(in crate::store) fn texts(
        &mut self,
        sql: &str,
        binds: &[Bind],
    ) -> Result<Vec<(i64, String)>, StoreError> {
        let rows = self.query(sql, binds)?;
        let pair = |row: &QueryResult| Ok((row.try_get_by_index(0)?, row.try_get_by_index(1)?));
        rows.iter().map(pair).collect()
    }

    pub(in crate::store) fn select(&mut self, run: &Run) -> Result<Vec<u8>, StoreError> {
        let rows = self.query(&super::read::text_of(run), &run.binds)?;
        let mut rows = rows.iter().filter_map(QueryResult::try_as_pg_row);
        let mut out = run.statement.buffer();
        match &run.statement.shape {
            RootShape::List(shape) => {
                out.push(b'[');
                for row in rows {
                    if out.len() > 1 {
                        out.push(b',');
                    }
                    json::write_object(row, shape, &mut out)?;
                }
                out.push(b']');
            }
            RootShape::Optional(shape) | RootShape::Single(shape) => match rows.next() {
                Some(row) => json::write_object(row, shape, &mut out)?,
                None => out.extend_from_slice(b"null"),
            },
        }
        Ok(out)
    }

    fn query(&mut self, sql: &str, binds: &[Bind]) -> Result<Vec<QueryResult>, StoreError> {
        let asked = self.transaction.query_all_raw(statement(sql, binds));
        self.runtime.block_on(asked).map_err(refused)
    }
}

fn statement(sql: &str, binds: &[Bind]) -> Statement {
    let values: Vec<Value> = binds
        .iter()
        .map(|bind| match bind {
            Bind::Null => Value::String(None),
            Bind::Boolean(value) => Value::from(*value),
            Bind::Int(value) => Value::from(*value),
            Bind::Float(value) => Value::from(*value),
            Bind::Text(value) => Value::from(value.clone()),
            // As PostgreSQL writes lists: the statements cast it to one.
            Bind::TextList(values) => {
                Value::from(list_text(values.iter().map(|value| Some(value.as_str()))))
            }
        })
        .collect();
    Statement::from_sql_and_values(DbBackend::Postgres, sql, values)
}

/// A value as the text that [`typed`] expects: a statement's parameters keep their types, whatever
/// is bound.
pub(in crate::store) fn as_text(bind: &Bind) -> Bind {
    text_of(Some(bind)).map_or(Bind::Null, Bind::Text)
}

fn text_of(bind: Option<&Bind>) -> Option<String> {
    match bind? {
        Bind::Null | Bind::TextList(_) => None,
        Bind::Boolean(value) => Some(value.to_string()),
        Bind::Int(value) => Some(value.to_string()),
        Bind::Float(value) => Some(format!("{value:?}")),
        Bind::Text(value) => Some(value.clone()),
    }
}

/// A value bound by [`as_text`] as one of a column's type.
pub(in crate::store) fn typed(position: usize, column_type: ColumnType) -> String {
    let sql_type = column_sql_type(column_type);
    format!("${position}::text::{sql_type}")
}

/// Values of a column as the text of a list.
fn list_of<'b>(values: impl Iterator<Item = Option<&'b Bind>>) -> String {
    let texts: Vec<Option<String>> = values.map(text_of).collect();
    list_text(texts.iter().map(Option::as_deref))
}

fn list_text<'t>(values: impl Iterator<Item = Option<&'t str>>) -> String {
    let mut text = String::from("{");
    for (n, value) in values.enumerate() {
        if n > 0 {
            text.push(',');
        }
        match value {
            None => text.push_str("NULL"),
            Some(value) => {
                text.push('"');
                for character in value.chars() {
                    if matches!(character, '"' | '\\') {
                        text.push('\\');
                    }
                    text.push(character);
                }
                text.push('"');
            }
        }
    }
    text.push('}');
    text
}

fn refused(error: DbErr) -> StoreError {
    let code = match &error {
        DbErr::Exec(RuntimeErr::SqlxError(cause)) | DbErr::Query(RuntimeErr::SqlxError(cause)) => {
            cause.as_database_error().and_then(|cause| cause.code())
        }
        _ => None,
    };
    match code.as_deref() {
        Some(UNIQUE_VIOLATION) => StoreError::Repeated,
        Some(QUERY_CANCELED) => StoreError::Timeout,
        Some(super::DISK_FULL) => {
            StoreError::DiskFull(std::io::Error::new(std::io::ErrorKind::StorageFull, error))
        }
        // Data exceptions, and limits of rows and indexes.
        Some(code) if code.starts_with("22") || code == super::LIMIT_EXCEEDED => StoreError::Unfit,
        _ => StoreError::Orm(error),
    }
}
