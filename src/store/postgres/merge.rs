//! Turns tables into a new one by `INSERT … SELECT`, in one transaction.
//!
//! It exists so that an addition is a new table like any load, and the rows never leave the server.
//! It never writes to the tables that it reads.

use std::io::Write;

use futures_util::TryStreamExt;
use sluice_schema::{ColumnType, Control};
use sqlx::{AssertSqlSafe, Connection};

use super::load::{MAX_COLUMNS, Session, Waiter, create_table_sql};
use super::{PostgresStore, quoted};
use crate::catalog::model::StorageId;
use crate::store::dump::DumpColumn;
use crate::store::merge::{MergeColumn, MergeSpec, MergedTable};
use crate::store::{PhysicalColumn, StoreError};

pub(super) fn merge(
    store: &PostgresStore,
    storage: &StorageId,
    spec: &MergeSpec<'_>,
    control: &dyn Control,
) -> Result<MergedTable, StoreError> {
    if spec.columns.len() > MAX_COLUMNS {
        return Err(StoreError::too_many_columns(spec.columns.len(), MAX_COLUMNS));
    }
    let waiter = Waiter { runtime: &store.runtime, control };
    let connection = waiter.wait(store.connect_for_work())?;
    let mut session = Session { connection, waiter: &waiter };
    let merged = run(&mut session, storage, spec);
    waiter.try_briefly(session.connection.close());
    merged
}

pub(super) fn first_repeat(
    store: &PostgresStore,
    storage: &StorageId,
    physical: &str,
) -> Result<Option<(i64, i64)>, StoreError> {
    let (table, column) = (PostgresStore::table_of(storage), quoted(physical));
    let sql = format!(
        "SELECT first, _row FROM (SELECT _row, min(_row) OVER (PARTITION BY {column}) AS first FROM {table} WHERE {column} IS NOT NULL) AS r WHERE _row > first ORDER BY _row LIMIT 1"
    );
    let waiter = Waiter { runtime: &store.runtime, control: &() };
    let mut connection = waiter.wait(store.connect_for_work())?;
    let found = waiter.wait(sqlx::query_as(AssertSqlSafe(sql)).fetch_optional(&mut connection))?;
    waiter.try_briefly(connection.close());
    Ok(found)
}

/// Writes the rows of a table as CSV.
pub(super) fn dump(
    store: &PostgresStore,
    storage: &StorageId,
    columns: &[DumpColumn],
    out: &mut dyn Write,
    control: &dyn Control,
) -> Result<(), StoreError> {
    let waiter = Waiter { runtime: &store.runtime, control };
    let mut connection = waiter.wait(store.connect_for_work())?;
    let mut list = vec!["_row".to_owned()];
    for column in columns {
        list.push(old_value(&MergeColumn {
            name: String::new(),
            column_type: ColumnType::String,
            old: Some((column.physical.clone(), column.column_type)),
            new: None,
        }));
    }
    let table = PostgresStore::table_of(storage);
    let select = format!("SELECT {} FROM {table} AS o ORDER BY _row", list.join(","));
    let sql = format!("COPY ({select}) TO STDOUT (FORMAT csv, FORCE_QUOTE *)");
    {
        let mut chunks = waiter.wait(connection.copy_out_raw(&sql))?;
        while let Some(chunk) = waiter.wait(chunks.try_next())? {
            out.write_all(&chunk)?;
        }
    }
    waiter.try_briefly(connection.close());
    Ok(())
}

fn run(
    session: &mut Session<'_>,
    storage: &StorageId,
    spec: &MergeSpec<'_>,
) -> Result<MergedTable, StoreError> {
    let table = PostgresStore::table_of(storage);
    let columns: Vec<PhysicalColumn> = spec
        .columns
        .iter()
        .map(|column| PhysicalColumn { name: column.name.clone(), column_type: column.column_type })
        .collect();
    let mut merged = MergedTable::default();
    session.execute(format!("BEGIN; {}", create_table_sql(&table, &columns)))?;
    let names: Vec<String> = columns.iter().map(|column| quoted(&column.name)).collect();
    let names = names.join(",");
    session.execute(insert_old_sql(&table, &names, spec))?;
    if let Some(new) = spec.new {
        if let Some(sql) = count_sql(spec, new) {
            (merged.n_updated, merged.n_unchanged) = two_numbers(session, sql)?;
        }
        session.execute(insert_new_sql(&table, &names, spec, new))?;
    }
    let old = PostgresStore::table_of(spec.old);
    let counts = format!("SELECT (SELECT count(*) FROM {table}), (SELECT count(*) FROM {old})");
    let (n_rows, n_old) = two_numbers(session, counts)?;
    merged.n_rows = n_rows;
    merged.n_inserted = n_rows - n_old;
    session.execute(format!("ALTER TABLE {table} ADD PRIMARY KEY (_row)"))?;
    if let Some(column) = spec.key.and_then(|key| columns.get(key)) {
        let nulls = format!(
            "SELECT count(*), 0::bigint FROM (SELECT 1 FROM {table} WHERE {} IS NULL LIMIT 1) AS n",
            quoted(&column.name)
        );
        if two_numbers(session, nulls)?.0 == 0 {
            merged.has_key = session.build_key(storage, &table, column)?;
        }
    }
    let nulls: Vec<String> =
        columns.iter().map(|column| format!("count(*)-count({})", quoted(&column.name))).collect();
    let nulls = format!("SELECT ARRAY[{}]::bigint[] FROM {table}", nulls.join(","));
    let nulls = sqlx::query_scalar(AssertSqlSafe(nulls)).fetch_one(&mut session.connection);
    merged.n_nulls = session.waiter.wait(nulls)?;
    session.execute(format!("ANALYZE {table}"))?;
    let size = format!("SELECT pg_total_relation_size(to_regclass('{table}')), 0::bigint");
    merged.size_bytes = two_numbers(session, size)?.0;
    if session.waiter.control.is_cancelled() {
        return Err(StoreError::Cancelled);
    }
    session.execute("COMMIT".into())?;
    Ok(merged)
}

fn two_numbers(session: &mut Session<'_>, sql: String) -> Result<(i64, i64), StoreError> {
    let query = sqlx::query_as(AssertSqlSafe(sql)).fetch_one(&mut session.connection);
    session.waiter.wait(query)
}

/// `n.c2 = o.c1`
fn agree(spec: &MergeSpec<'_>) -> Option<String> {
    let column = spec.columns.get(spec.upsert_by?)?;
    let ((old, _), new) = (column.old.as_ref()?, column.new.as_ref()?);
    Some(format!("n.{} = o.{}", quoted(new), quoted(old)))
}

fn insert_old_sql(table: &str, names: &str, spec: &MergeSpec<'_>) -> String {
    let old = PostgresStore::table_of(spec.old);
    let matched = spec.new.zip(agree(spec));
    let value = |column: &MergeColumn| {
        let old = old_value(column);
        match (&matched, &column.new) {
            (Some(_), Some(new)) => {
                format!("CASE WHEN n._row IS NULL THEN {old} ELSE n.{} END", quoted(new))
            }
            _ => old,
        }
    };
    let values: Vec<String> = spec.columns.iter().map(value).collect();
    let join = matched.as_ref().map_or_else(String::new, |(new, agree)| {
        format!(" LEFT JOIN {} AS n ON {agree}", PostgresStore::table_of(new))
    });
    let comma = if values.is_empty() { "" } else { "," };
    format!(
        "INSERT INTO {table} (_row{comma}{names}) SELECT o._row{comma}{} FROM {old} AS o{join} ORDER BY o._row",
        values.join(",")
    )
}

fn insert_new_sql(table: &str, names: &str, spec: &MergeSpec<'_>, new: &StorageId) -> String {
    let old = PostgresStore::table_of(spec.old);
    let new = PostgresStore::table_of(new);
    let value = |column: &MergeColumn| match &column.new {
        Some(name) => format!("n.{}", quoted(name)),
        None => "NULL".to_owned(),
    };
    let values: Vec<String> = spec.columns.iter().map(value).collect();
    let before = match spec.next_row {
        Some(next_row) => (next_row - 1).to_string(),
        None => format!("(SELECT coalesce(max(_row), 0) FROM {old})"),
    };
    let only = agree(spec).map_or_else(String::new, |agree| {
        format!(" WHERE NOT EXISTS (SELECT 1 FROM {old} AS o WHERE {agree})")
    });
    format!(
        "INSERT INTO {table} (_row,{names}) SELECT {before} + row_number() OVER (ORDER BY n._row),{} FROM {new} AS n{only} ORDER BY n._row",
        values.join(",")
    )
}

/// How many of the rows that agree change, and how many do not.
fn count_sql(spec: &MergeSpec<'_>, new: &StorageId) -> Option<String> {
    let agree = agree(spec)?;
    let both: Vec<(String, String)> = spec
        .columns
        .iter()
        .filter_map(|column| {
            Some((old_value(column), format!("n.{}", quoted(column.new.as_ref()?))))
        })
        .collect();
    let differ: Vec<String> =
        both.iter().map(|(old, new)| format!("{old} IS DISTINCT FROM {new}")).collect();
    let differ = differ.join(" OR ");
    Some(format!(
        "SELECT count(*) FILTER (WHERE {differ}), count(*) FILTER (WHERE NOT ({differ})) FROM {} AS o JOIN {} AS n ON {agree}",
        PostgresStore::table_of(spec.old),
        PostgresStore::table_of(new)
    ))
}

fn is_number(column_type: ColumnType) -> bool {
    matches!(column_type, ColumnType::Int | ColumnType::BigInt | ColumnType::Decimal { .. })
}

/// A value of the old table as the new one keeps it.
fn old_value(column: &MergeColumn) -> String {
    let Some((name, from)) = &column.old else {
        // A bare NULL would be text, which other types do not take.
        return "NULL".to_owned();
    };
    let (value, to) = (format!("o.{}", quoted(name)), column.column_type);
    if *from == to {
        return value;
    }
    match (from, to) {
        (ColumnType::Boolean, ColumnType::String) => {
            format!("CASE WHEN {value} THEN 'true' WHEN NOT {value} THEN 'false' END")
        }
        (ColumnType::LocalDateTime, ColumnType::String) => {
            format!("replace({value}::text,' ','T')")
        }
        (ColumnType::DateTime, ColumnType::String) => {
            format!("replace(({value} AT TIME ZONE 'UTC')::text,' ','T')||'Z'")
        }
        (_, ColumnType::String) => format!("{value}::text"),
        (ColumnType::Int, ColumnType::BigInt) => format!("{value}::bigint"),
        (from, ColumnType::Decimal { precision, scale }) if is_number(*from) => {
            format!("{value}::numeric({precision},{scale})")
        }
        (from, ColumnType::Float) if is_number(*from) => format!("{value}::double precision"),
        // Only a column without values moves otherwise.
        _ => "NULL".to_owned(),
    }
}
