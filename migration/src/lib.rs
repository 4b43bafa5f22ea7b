//! Turns an empty or older database into the catalog's present tables, on SQLite and on PostgreSQL.
//! It exists so that every start, on any node, finds the tables that the entities describe.
//! It never touches the rows of datasets, and never runs twice at once.

pub use sea_orm_migration::MigratorTrait;
use sea_orm_migration::sea_orm::{
    ConnectionTrait, DatabaseConnection, DbBackend, DbErr, SqliteTransactionMode,
    TransactionOptions, TransactionTrait,
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
        ]
    }
}

/// Brings the catalog to the present state, in one transaction, one process at a time.
///
/// On PostgreSQL the connection's `search_path` must be [`POSTGRES_SCHEMA`], which is made if missing.
///
/// # Errors
/// When the database is away, refuses, or was migrated by a newer version.
pub async fn migrate(db: &DatabaseConnection) -> Result<(), DbErr> {
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
    Migrator::up(&transaction, None).await?;
    transaction.commit().await
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
