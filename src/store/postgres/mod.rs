//! One PostgreSQL table per dataset version.

use super::{LoadedTable, SheetSource, StoreError, TableSpec};
use crate::catalog::model::StorageId;
use crate::config::Settings;

/// SQLSTATE `disk_full`.
pub(super) const DISK_FULL: &str = "53100";

/// The pool of data connections.
pub struct PostgresStore {}

#[expect(missing_docs, reason = "stub")]
#[expect(unused_variables, reason = "stub")]
impl PostgresStore {
    pub async fn open(url: &str, settings: &Settings) -> Result<PostgresStore, StoreError> {
        unimplemented!()
    }
    pub fn load_sheet(
        &self,
        storage: &StorageId,
        spec: &TableSpec,
        source: &SheetSource<'_>,
    ) -> Result<LoadedTable, StoreError> {
        unimplemented!()
    }
    pub async fn drop_table(&self, storage: &StorageId) -> Result<(), StoreError> {
        unimplemented!()
    }
    pub async fn list_tables(&self) -> Result<Vec<StorageId>, StoreError> {
        unimplemented!()
    }
    pub async fn create_index(
        &self,
        storage: &StorageId,
        name: &str,
        physical_columns: &[String],
    ) -> Result<(), StoreError> {
        unimplemented!()
    }
    pub async fn drop_index(&self, storage: &StorageId, name: &str) -> Result<(), StoreError> {
        unimplemented!()
    }
    pub async fn ping(&self) -> Result<(), StoreError> {
        unimplemented!()
    }
}
