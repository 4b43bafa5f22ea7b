//! Turns an empty or older database into the catalog's present tables, on SQLite and on PostgreSQL.
//! It exists so that every start, on any node, finds the tables that the entities describe.
//! It never touches the rows of datasets, and never runs twice at once.

pub use sea_orm_migration::MigratorTrait;
use sea_orm_migration::sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr,
    SqliteTransactionMode, Statement, TransactionOptions, TransactionTrait,
};
use sea_orm_migration::sea_query::{
    ExprTrait, ForeignKey, ForeignKeyAction, ForeignKeyCreateStatement, Func, Query,
};
use sea_orm_migration::{MigrationTrait, async_trait};

mod m0001_catalog;
mod m0003_relations;
mod m0006_documents;
mod m0007_access;
mod m0008_history;
mod m0009_old_names;
mod m0010_webhooks;
mod m0011_versions;
mod m0012_dataset_days;
mod m0013_saved_queries;

/// The schema of the catalog's tables on PostgreSQL; connections need it as their `search_path`.
pub const POSTGRES_SCHEMA: &str = "sluice";

/// Names the advisory lock on PostgreSQL under which migrations run ("sluice" in ASCII).
const LOCK_KEY: i64 = 0x736c_7569_6365;

/// All migrations, oldest first; each can be undone.
#[derive(Debug)]
pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m0001_catalog::Migration),
            Box::new(m0003_relations::Migration),
            Box::new(m0006_documents::Migration),
            Box::new(m0007_access::Migration),
            Box::new(m0008_history::Migration),
            Box::new(m0009_old_names::Migration),
            Box::new(m0010_webhooks::Migration),
            Box::new(m0011_versions::Migration),
            Box::new(m0012_dataset_days::Migration),
            Box::new(m0013_saved_queries::Migration),
        ]
    }
}

/// Why the catalog was not migrated.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    /// The database is away or refuses.
    #[error(transparent)]
    Database(#[from] DbErr),
    /// The catalog has seen a migration that this release does not know.
    #[error("the catalog has seen {0}, which this release does not know")]
    Newer(String),
    /// A migration that is to stay is none, or was not carried out.
    #[error("{0} is no migration of this catalog")]
    Unknown(String),
}

/// What a catalog has seen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// Known and carried out, oldest first.
    pub applied: Vec<String>,
    /// Known and not carried out, oldest first.
    pub pending: Vec<String>,
    /// Carried out by a newer release.
    pub unknown: Vec<String>,
}

/// The names of all migrations, oldest first.
pub fn names() -> Vec<String> {
    Migrator::migrations().iter().map(|migration| migration.name().to_owned()).collect()
}

/// Tells what a catalog has seen; changes nothing.
///
/// # Errors
/// When the database is away or refuses.
pub async fn status(db: &impl ConnectionTrait) -> Result<Status, DbErr> {
    let seen = seen(db).await?;
    let is_seen = |name: &String| seen.contains(name);
    let (applied, pending) = names().into_iter().partition(is_seen);
    let known = names();
    let unknown = seen.iter().filter(|name| !known.contains(name)).cloned().collect();
    Ok(Status { applied, pending, unknown })
}

async fn seen(db: &impl ConnectionTrait) -> Result<Vec<String>, DbErr> {
    let is_there = match db.get_database_backend() {
        DbBackend::Postgres => "SELECT to_regclass('seaql_migrations') IS NOT NULL AS found",
        _ => "SELECT count(*) > 0 AS found FROM sqlite_schema WHERE name = 'seaql_migrations'",
    };
    let found = db.query_one_raw(Statement::from_string(db.get_database_backend(), is_there));
    let is_there = match found.await? {
        Some(row) => row.try_get_by_index(0)?,
        None => false,
    };
    if !is_there {
        return Ok(Vec::new());
    }
    let sql = "SELECT version FROM seaql_migrations ORDER BY version";
    let rows = db.query_all_raw(Statement::from_string(db.get_database_backend(), sql)).await?;
    rows.iter().map(|row| row.try_get_by_index(0)).collect()
}

/// Undoes all migrations after this one, newest first, in one transaction; gives their names. What
/// they added is lost.
///
/// # Errors
/// Newer when the catalog has seen one that this release cannot undo; Unknown when `name` is none
/// that it has seen; when the database is away or refuses.
pub async fn down_to(db: &DatabaseConnection, name: &str) -> Result<Vec<String>, MigrateError> {
    let transaction = begin_alone(db).await?;
    let status = status(&transaction).await?;
    if let Some(unknown) = status.unknown.into_iter().next() {
        return Err(MigrateError::Newer(unknown));
    }
    let position = status.applied.iter().position(|applied| applied == name);
    let position = position.ok_or_else(|| MigrateError::Unknown(name.to_owned()))?;
    let undone: Vec<String> = status.applied.into_iter().skip(position + 1).rev().collect();
    let n = u32::try_from(undone.len()).unwrap_or(u32::MAX);
    if n > 0 {
        Migrator::down(&transaction, Some(n)).await?;
    }
    transaction.commit().await?;
    Ok(undone)
}

/// Brings the catalog to the present state, in one transaction, one process at a time.
///
/// On PostgreSQL the connection's `search_path` must be [`POSTGRES_SCHEMA`], which is made if missing.
///
/// # Errors
/// Newer when it was migrated by a newer release; when the database is away or refuses.
pub async fn migrate(db: &DatabaseConnection) -> Result<(), MigrateError> {
    let transaction = begin_alone(db).await?;
    if let Some(unknown) = status(&transaction).await?.unknown.into_iter().next() {
        return Err(MigrateError::Newer(unknown));
    }
    Migrator::up(&transaction, None).await?;
    Ok(transaction.commit().await?)
}

/// A transaction that no other migration is beside; makes the schema on PostgreSQL.
async fn begin_alone(db: &DatabaseConnection) -> Result<DatabaseTransaction, DbErr> {
    let transaction = db
        .begin_with_options(TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        })
        .await?;
    if db.get_database_backend() == DbBackend::Postgres {
        let lock =
            Query::select().expr(Func::cust("pg_advisory_xact_lock").arg(LOCK_KEY)).to_owned();
        transaction.query_one(&lock).await?;
        // Asked first: IF NOT EXISTS needs the right to make one even where it is there.
        let find = Query::select()
            .expr(Func::cust("to_regnamespace").arg(POSTGRES_SCHEMA).is_not_null())
            .to_owned();
        let is_there = match transaction.query_one(&find).await? {
            Some(row) => row.try_get_by_index(0)?,
            None => false,
        };
        if !is_there {
            transaction.execute_unprepared(&format!("CREATE SCHEMA {POSTGRES_SCHEMA}")).await?;
        }
    }
    Ok(transaction)
}

/// The foreign key of rows that go with the row that they belong to.
pub(crate) fn of(
    table: &'static str,
    column: &'static str,
    to: &'static str,
) -> ForeignKeyCreateStatement {
    ForeignKey::create()
        .from(table, column)
        .to(to, "id")
        .on_delete(ForeignKeyAction::Cascade)
        .take()
}
