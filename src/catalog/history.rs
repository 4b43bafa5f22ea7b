//! What datasets were: the versions that are kept, and where their rows are.
//!
//! A version is a row here. Its rows are in the table that it had, as that table's log says; a
//! table is kept while a version names it. What a table was beside its rows (columns, key, indexes)
//! is written down with the last version of it when another table takes its place. Bounds are by
//! number and by age; the present version always stays.

use std::collections::HashMap;
use std::sync::Arc;

use sea_orm::ActiveValue::Set;
use sea_orm::{
    ColumnTrait, ConnectionTrait, DatabaseTransaction, EntityTrait, PaginatorTrait, QueryFilter,
    QueryOrder, QuerySelect,
};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use sluice_schema::Notice;

use super::convert::{clean, from_json, from_word, hex, json, word};
use super::edits::{VersionAction, VersionRecord};
use super::entities::{dataset_versions, datasets};
use super::forget::{forget_below, retire_unnamed};
use super::guard::StorageGuard;
use super::model::{
    Column, Dataset, DatasetId, Index, JobId, LoadMode, Recipe, Source, StorageId, WorkspaceId,
};
use super::{Catalog, CatalogError, ClaimedJob, Core, NewVersion, bounded, now_us};

/// A version that is kept.
#[derive(Clone, Debug)]
pub struct KeptVersion {
    /// Its number.
    pub version: i64,
    /// Where its rows are.
    pub storage: StorageId,
    /// Rows that it has.
    pub row_count: i64,
    /// The number of the next new row after it; `None` where rows are numbered without gaps.
    pub next_row: Option<i64>,
    /// Whether its table has the columns of the dataset's present one.
    pub has_same_columns: bool,
    /// Whether rows of its table had been changed in place by then: it has a log.
    pub has_log: bool,
    /// Keeps the table.
    pub guard: StorageGuard,
}

/// Where the rows of a version are, as they were.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Past {
    /// The version.
    pub version: i64,
    /// The table.
    pub storage: StorageId,
    /// Rows from this number on came later.
    pub next_row: i64,
    /// Whether the table has a log, which tells what became of rows since.
    pub has_log: bool,
}

/// Who and what made a version.
#[derive(Clone, Debug)]
pub struct Origin {
    /// Who, as the audit log names him.
    pub actor: String,
    /// What.
    pub action: VersionAction,
    /// The job that did it.
    pub job: Option<JobId>,
    /// The name of its file.
    pub file_name: Option<String>,
    /// Whether its table has a log already.
    pub has_log: bool,
}

impl Origin {
    /// Of a version that no job made.
    pub fn new(actor: &str, action: VersionAction) -> Origin {
        Origin { actor: actor.to_owned(), action, job: None, file_name: None, has_log: false }
    }

    /// Of a version that a job made.
    pub fn of_job(job: &ClaimedJob, action: VersionAction) -> Origin {
        Origin {
            actor: job.created_by.clone().unwrap_or_default(),
            action,
            job: Some(job.id),
            file_name: Some(job.source.file_name.clone()).filter(|name| !name.is_empty()),
            has_log: false,
        }
    }
}

impl From<LoadMode> for VersionAction {
    fn from(mode: LoadMode) -> VersionAction {
        match mode {
            LoadMode::Create => VersionAction::Create,
            LoadMode::Replace => VersionAction::Replace,
            LoadMode::Append => VersionAction::Append,
            LoadMode::Upsert => VersionAction::Upsert,
        }
    }
}

/// A version as it is shown.
#[derive(Clone, Debug)]
pub struct VersionLine {
    /// What is remembered of it.
    pub record: VersionRecord,
    /// The job that made it.
    pub job: Option<String>,
    /// The name of its file.
    pub file_name: Option<String>,
}

/// What a table was beside its rows.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Shape {
    columns: Vec<Column>,
    key: usize,
    indexes: Vec<Index>,
    recipe: Recipe,
    source: Option<Source>,
    notices: Vec<Notice>,
    size_bytes: i64,
}

/// What the picture of a dataset needs of a version's row.
type Row = (String, i64, String, i64, Option<i64>, Option<String>, Option<bool>);

/// Names what columns a table has.
fn fingerprint(columns: &[Column]) -> Result<String, CatalogError> {
    let mut hash = Sha256::new();
    for column in columns {
        let column_type = json(&column.column_type)?;
        for text in [&column.physical, &column.name, &column_type] {
            hash.update(text.len().to_be_bytes());
            hash.update(text);
        }
        hash.update([u8::from(column.nullable)]);
    }
    let digest: [u8; 32] = hash.finalize().into();
    Ok(hex(digest.get(..16).unwrap_or_default()))
}

impl Dataset {
    /// The version of this number, if it is kept.
    pub fn kept(&self, version: i64) -> Option<&Arc<KeptVersion>> {
        self.versions.iter().find(|kept| kept.version == version)
    }

    /// Where the rows of a kept version are.
    pub fn past(&self, kept: &KeptVersion) -> Past {
        Past {
            version: kept.version,
            storage: kept.storage.clone(),
            next_row: kept.next_row.unwrap_or(kept.row_count + 1),
            // Without a version that changed rows of the table it is what it was.
            has_log: self.versions.iter().any(|it| it.has_log && it.storage == kept.storage),
        }
    }

    /// The oldest version that is kept and the present one.
    pub fn kept_range(&self) -> (i64, i64) {
        (self.versions.first().map_or(self.version, |kept| kept.version), self.version)
    }

    /// The guards of the tables that it keeps.
    fn guards(&self) -> HashMap<StorageId, StorageGuard> {
        let old = self.versions.iter().map(|kept| (kept.storage.clone(), kept.guard.clone()));
        old.chain([(self.storage.clone(), self.guard.clone())]).collect()
    }
}

impl Core {
    /// The kept versions of a dataset after its rows were changed in place.
    pub(super) fn with_edits(
        &self,
        dataset: &Dataset,
        records: &[VersionRecord],
    ) -> Arc<[Arc<KeptVersion>]> {
        let new = records.iter().map(|record| {
            Arc::new(KeptVersion {
                version: record.version,
                storage: dataset.storage.clone(),
                row_count: record.row_count,
                next_row: Some(record.next_row),
                has_same_columns: true,
                has_log: true,
                guard: dataset.guard.clone(),
            })
        });
        let n_all = dataset.versions.len() + records.len();
        let n_gone = n_all.saturating_sub(self.kept_versions);
        dataset.versions.iter().cloned().chain(new).skip(n_gone).collect()
    }

    /// The kept versions of a dataset by their rows, newest first.
    fn versions_of(
        &self,
        dataset: &Dataset,
        before: Option<&Dataset>,
        rows: &[Row],
    ) -> Result<Arc<[Arc<KeptVersion>]>, CatalogError> {
        let mut guards = before.map(Dataset::guards).unwrap_or_default();
        guards.insert(dataset.storage.clone(), dataset.guard.clone());
        let mut fingerprints: HashMap<&str, &str> = HashMap::new();
        for (_, _, storage, _, _, fingerprint, _) in rows {
            if let Some(fingerprint) = fingerprint {
                fingerprints.entry(storage).or_insert(fingerprint);
            }
        }
        let own = fingerprint(&dataset.columns)?;
        let mut versions = Vec::with_capacity(rows.len().min(self.kept_versions));
        for row in rows.iter().take(self.kept_versions) {
            let (_, version, text, row_count, next_row, _, has_log) = row;
            let storage = StorageId::parse(text)
                .ok_or_else(|| CatalogError::Damaged(format!("{text:?} is not a table")))?;
            let is_present = storage == dataset.storage;
            let guard = guards.entry(storage.clone()).or_insert_with(|| {
                let guard = self.guard(storage.clone());
                // It is kept as long as this is held, and no longer.
                guard.retire();
                guard
            });
            versions.push(Arc::new(KeptVersion {
                version: *version,
                row_count: *row_count,
                next_row: *next_row,
                has_same_columns: is_present
                    || fingerprints.get(text.as_str()) == Some(&own.as_str()),
                has_log: has_log.unwrap_or_default(),
                guard: guard.clone(),
                storage,
            }));
        }
        versions.reverse();
        Ok(versions.into())
    }

    /// Adds to datasets of a workspace what versions of them are kept.
    pub(super) async fn read_versions(
        &self,
        db: &impl ConnectionTrait,
        workspace: WorkspaceId,
        datasets: &mut [Dataset],
        before: impl Fn(DatasetId) -> Option<Arc<Dataset>>,
    ) -> Result<(), CatalogError> {
        /// More are found by reading all of the workspace.
        const FEW: usize = 100;
        if datasets.is_empty() {
            return Ok(());
        }
        let mut find = dataset_versions::Entity::find()
            .filter(dataset_versions::Column::WorkspaceId.eq(workspace.0.to_string()));
        if datasets.len() <= FEW {
            let ids = datasets.iter().map(|dataset| dataset.id.0.to_string());
            find = find.filter(dataset_versions::Column::DatasetId.is_in(ids));
        }
        let rows: Vec<Row> = find
            .select_only()
            .columns([
                dataset_versions::Column::DatasetId,
                dataset_versions::Column::Version,
                dataset_versions::Column::Storage,
                dataset_versions::Column::RowCount,
                dataset_versions::Column::NextRow,
                dataset_versions::Column::Fingerprint,
                dataset_versions::Column::HasLog,
            ])
            .order_by_asc(dataset_versions::Column::DatasetId)
            .order_by_desc(dataset_versions::Column::Version)
            .into_tuple()
            .all(db)
            .await?;
        let mut by_dataset: HashMap<&str, &[Row]> = HashMap::new();
        for chunk in rows.chunk_by(|a, b| a.0 == b.0) {
            if let Some((id, ..)) = chunk.first() {
                by_dataset.insert(id, chunk);
            }
        }
        for dataset in datasets {
            let id = dataset.id.0.to_string();
            let rows = by_dataset.get(id.as_str()).copied().unwrap_or_default();
            // A row that is newer than the dataset's belongs to a change that is seen next.
            let n_newer = rows.iter().take_while(|row| row.1 > dataset.version).count();
            let rows = rows.get(n_newer..).unwrap_or_default();
            let before = before(dataset.id);
            dataset.versions = self.versions_of(dataset, before.as_deref(), rows)?;
        }
        Ok(())
    }

    /// Writes down a version whose table is published, and what the table before was; without
    /// history that one goes.
    pub(super) async fn write_history(
        &self,
        transaction: &DatabaseTransaction,
        workspace: WorkspaceId,
        new: &NewVersion,
        old: Option<&Dataset>,
    ) -> Result<(), CatalogError> {
        let NewVersion { dataset, counts, origin, .. } = new;
        let rows_before = old.map_or(0, |old| old.row_count);
        let n_deleted = Ord::max(rows_before + counts.inserted - dataset.row_count, 0);
        let row = dataset_versions::ActiveModel {
            dataset_id: Set(dataset.id.0.to_string()),
            version: Set(dataset.version),
            workspace_id: Set(workspace.0.to_string()),
            at_us: Set(dataset.updated_at_us),
            actor: Set(clean(&origin.actor)),
            // Whatever the mode was, there was nothing before.
            action: Set(word(if old.is_none() { VersionAction::Create } else { origin.action })?),
            storage: Set(dataset.storage.as_str().to_owned()),
            n_inserted: Set(dataset.row_count - rows_before + n_deleted),
            n_updated: Set(counts.updated),
            n_deleted: Set(n_deleted),
            row_count: Set(dataset.row_count),
            next_row: Set(dataset.next_row),
            shape: Set(None),
            job_id: Set(origin.job.map(|job| job.0.to_string())),
            file_name: Set(origin.file_name.as_deref().map(clean)),
            fingerprint: Set(Some(fingerprint(&dataset.columns)?)),
            has_log: Set(Some(origin.has_log)),
        };
        dataset_versions::Entity::insert(row).exec_without_returning(transaction).await?;
        let Some(old) = old.filter(|old| old.storage != dataset.storage) else { return Ok(()) };
        if self.kept_versions > 1 {
            return keep_shape(transaction, old).await;
        }
        let gone = forget_below(transaction, &dataset.id.0.to_string(), dataset.version).await?;
        retire_unnamed(transaction, workspace, gone).await
    }
}

/// Writes down what a dataset's table is beside its rows, for a revert to it.
async fn keep_shape(transaction: &DatabaseTransaction, old: &Dataset) -> Result<(), CatalogError> {
    let shape = Shape {
        columns: old.columns.to_vec(),
        key: old.key,
        indexes: old.indexes.clone(),
        recipe: Recipe::clone(&old.recipe),
        source: old.source.clone(),
        notices: old.notices.to_vec(),
        size_bytes: old.size_bytes,
    };
    let row = dataset_versions::ActiveModel {
        shape: Set(Some(json(&shape)?)),
        fingerprint: Set(Some(fingerprint(&old.columns)?)),
        ..Default::default()
    };
    dataset_versions::Entity::update_many()
        .set(row)
        .filter(dataset_versions::Column::DatasetId.eq(old.id.0.to_string()))
        .filter(dataset_versions::Column::Version.eq(old.version))
        .exec(transaction)
        .await?;
    Ok(())
}

/// Whether a dataset or a version that is kept names this table.
pub(super) async fn is_named(
    db: &impl ConnectionTrait,
    storage: &StorageId,
) -> Result<bool, CatalogError> {
    let n_datasets = datasets::Entity::find()
        .filter(datasets::Column::Storage.eq(storage.as_str()))
        .count(db)
        .await?;
    if n_datasets > 0 {
        return Ok(true);
    }
    let n_versions = dataset_versions::Entity::find()
        .filter(dataset_versions::Column::Storage.eq(storage.as_str()))
        .count(db)
        .await?;
    Ok(n_versions > 0)
}

/// Every table that a version of these datasets names; of all without a list.
pub(super) async fn tables_of(
    db: &impl ConnectionTrait,
    dataset: Option<&str>,
) -> Result<Vec<StorageId>, CatalogError> {
    let mut find = dataset_versions::Entity::find()
        .select_only()
        .distinct()
        .column(dataset_versions::Column::Storage);
    if let Some(dataset) = dataset {
        find = find.filter(dataset_versions::Column::DatasetId.eq(dataset));
    }
    let all: Vec<String> = find.into_tuple().all(db).await?;
    Ok(all.iter().filter_map(|storage| StorageId::parse(storage)).collect())
}

fn line(row: dataset_versions::Model) -> Result<VersionLine, CatalogError> {
    Ok(VersionLine {
        record: VersionRecord {
            version: row.version,
            at_us: row.at_us,
            actor: row.actor,
            action: from_word(&row.action)?,
            n_inserted: row.n_inserted,
            n_updated: row.n_updated,
            n_deleted: row.n_deleted,
            row_count: row.row_count,
            next_row: row.next_row.unwrap_or(row.row_count + 1),
        },
        job: row.job_id,
        file_name: row.file_name,
    })
}

impl Catalog {
    /// The versions of a dataset that are written down, newest first.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn versions(
        &self,
        workspace: WorkspaceId,
        dataset: DatasetId,
        limit: u64,
        offset: u64,
    ) -> Result<Vec<VersionLine>, CatalogError> {
        self.core.flush().await?;
        bounded(async {
            let rows = dataset_versions::Entity::find()
                .filter(dataset_versions::Column::WorkspaceId.eq(workspace.0.to_string()))
                .filter(dataset_versions::Column::DatasetId.eq(dataset.0.to_string()))
                .order_by_desc(dataset_versions::Column::Version)
                .limit(limit)
                .offset(offset)
                .all(&self.core.read)
                .await?;
            rows.into_iter().map(line).collect()
        })
        .await
    }

    /// A dataset with the table, the columns and the key of a kept version, as the version after
    /// the present one; its rows are those that the table has now.
    ///
    /// # Errors
    /// NotFound when it is not known what the table was; when the database is away.
    pub async fn with_table_of(
        &self,
        dataset: &Dataset,
        kept: &KeptVersion,
    ) -> Result<Dataset, CatalogError> {
        self.core.flush().await?;
        bounded(async {
            let rows = dataset_versions::Entity::find()
                .filter(dataset_versions::Column::DatasetId.eq(dataset.id.0.to_string()))
                .filter(dataset_versions::Column::Storage.eq(kept.storage.as_str()))
                .order_by_desc(dataset_versions::Column::Version)
                .all(&self.core.write)
                .await?;
            let last = rows.first().ok_or(CatalogError::NotFound)?;
            let (row_count, next_row) = (last.row_count, last.next_row);
            let shape = rows.iter().find_map(|row| row.shape.as_deref());
            let shape: Shape = from_json(shape.ok_or(CatalogError::NotFound)?)?;
            if shape.key >= shape.columns.len() {
                return Err(CatalogError::Damaged("a version without its key".to_owned()));
            }
            Ok(Dataset {
                version: dataset.version + 1,
                storage: kept.storage.clone(),
                guard: kept.guard.clone(),
                row_count,
                next_row,
                columns: shape.columns.into(),
                key: shape.key,
                indexes: shape.indexes,
                recipe: Arc::new(shape.recipe),
                source: shape.source,
                notices: shape.notices.into(),
                size_bytes: shape.size_bytes,
                updated_at_us: now_us(),
                ..dataset.clone()
            })
        })
        .await
    }
}
