//! The embedded store: one SQLite file per dataset version.

pub mod functions;
pub mod read;

use super::{LoadedTable, SheetSource, StoreError, TableSpec};
use crate::catalog::model::StorageId;
use crate::config::Settings;

/// The folder of dataset files.
pub struct SqliteStore {}

#[expect(missing_docs, reason = "stub")]
#[expect(unused_variables, reason = "stub")]
impl SqliteStore {
    pub fn readers(&self) -> &read::Readers {
        unimplemented!()
    }
    pub fn open(settings: &Settings) -> Result<SqliteStore, StoreError> {
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
    pub fn drop_table(&self, storage: &StorageId) -> Result<(), StoreError> {
        unimplemented!()
    }
    pub fn list_tables(&self) -> Result<Vec<StorageId>, StoreError> {
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
    pub fn ping(&self) -> Result<(), StoreError> {
        unimplemented!()
    }
}
