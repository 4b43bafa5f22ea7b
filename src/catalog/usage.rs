//! Counts how often datasets are read, and keeps for each day what they were.
//!
//! A plan holds the counters of what it reads, so that counting is an addition. The numbers reach
//! the catalog's tables once a minute; what was counted since is lost in a crash.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Alias, Expr, ExprTrait, OnConflict};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};

use super::entities::dataset_days::{ActiveModel, Column, Entity};
use super::model::DatasetId;
use super::{Catalog, CatalogError, Core, bounded, now_us};

const EVERY: Duration = Duration::from_secs(60);
/// Days that are kept.
const MAX_DAYS: i64 = 400;
const DAY_US: i64 = 86_400_000_000;
/// Rows of one statement.
const CHUNK: usize = 200;

/// How often a dataset was read in this process since it was last written down.
pub type ReadCounter = Arc<AtomicU64>;

/// The counters of this process, and what was written down last.
#[derive(Default)]
pub(super) struct UsageCounts {
    counters: Mutex<HashMap<DatasetId, ReadCounter>>,
    /// Day, rows and bytes.
    told: Mutex<HashMap<DatasetId, (i64, i64, i64)>>,
}

/// What a dataset was on a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DatasetDay {
    /// The dataset.
    pub dataset: DatasetId,
    /// Days since 1970-01-01, UTC.
    pub day: i64,
    /// Queries that read it.
    pub n_reads: i64,
    /// Its rows at the end.
    pub row_count: i64,
    /// Its size at the end.
    pub size_bytes: i64,
}

impl Catalog {
    /// The counter of a dataset's reads.
    pub fn read_counter(&self, dataset: DatasetId) -> ReadCounter {
        let counters = &self.core.usage.counters;
        let mut counters = counters.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(counters.entry(dataset).or_default())
    }

    /// Writes down what was counted, as at the end of a server.
    ///
    /// # Errors
    /// When the database is away; it is counted on then.
    pub async fn keep_usage(&self) -> Result<(), CatalogError> {
        self.core.keep_usage().await
    }

    /// What datasets were since a day, oldest day first.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn dataset_days(&self, since_day: i64) -> Result<Vec<DatasetDay>, CatalogError> {
        bounded(async {
            let rows = Entity::find()
                .filter(Column::Day.gte(since_day))
                .order_by_asc(Column::Day)
                .all(&self.core.read)
                .await?;
            let read = rows.into_iter().map(|row| {
                Ok(DatasetDay {
                    dataset: DatasetId(super::convert::parse_uuid(&row.dataset_id)?),
                    day: row.day,
                    n_reads: row.n_reads,
                    row_count: row.row_count,
                    size_bytes: row.size_bytes,
                })
            });
            read.collect()
        })
        .await
    }
}

impl Core {
    async fn keep_usage(&self) -> Result<(), CatalogError> {
        let day = now_us().div_euclid(DAY_US);
        let mut counted: HashMap<DatasetId, u64> = HashMap::new();
        {
            let mut counters = self.usage.counters.lock().unwrap_or_else(PoisonError::into_inner);
            for (dataset, counter) in counters.iter() {
                counted.insert(*dataset, counter.swap(0, Ordering::Relaxed));
            }
            // Plans hold theirs; the others are of datasets that nobody asks for now.
            counters.retain(|_, counter| Arc::strong_count(counter) > 1);
        }
        let mut rows = Vec::new();
        let mut now = HashMap::new();
        {
            let told = self.usage.told.lock().unwrap_or_else(PoisonError::into_inner);
            for cell in self.snapshots.load().values() {
                for dataset in cell.load().datasets() {
                    let n_reads = counted.get(&dataset.id).copied().unwrap_or(0);
                    let state = (day, dataset.row_count, dataset.size_bytes);
                    now.insert(dataset.id, state);
                    if n_reads == 0 && told.get(&dataset.id) == Some(&state) {
                        continue;
                    }
                    rows.push(ActiveModel {
                        dataset_id: Set(dataset.id.0.to_string()),
                        day: Set(day),
                        n_reads: Set(i64::try_from(n_reads).unwrap_or(i64::MAX)),
                        row_count: Set(dataset.row_count),
                        size_bytes: Set(dataset.size_bytes),
                    });
                }
            }
        }
        if let Err(error) = self.write_usage(rows, day).await {
            let counters = self.usage.counters.lock().unwrap_or_else(PoisonError::into_inner);
            for (dataset, n) in counted {
                if let Some(counter) = counters.get(&dataset) {
                    counter.fetch_add(n, Ordering::Relaxed);
                }
            }
            return Err(error);
        }
        *self.usage.told.lock().unwrap_or_else(PoisonError::into_inner) = now;
        Ok(())
    }

    async fn write_usage(&self, rows: Vec<ActiveModel>, day: i64) -> Result<(), CatalogError> {
        if rows.is_empty() {
            return Ok(());
        }
        let sum = Expr::col((Entity, Column::NReads))
            .add(Expr::col((Alias::new("excluded"), Column::NReads)));
        let conflict = OnConflict::columns([Column::DatasetId, Column::Day])
            .update_columns([Column::RowCount, Column::SizeBytes])
            .value(Column::NReads, sum)
            .to_owned();
        for chunk in rows.chunks(CHUNK) {
            let insert = Entity::insert_many(chunk.to_vec()).on_conflict(conflict.clone());
            bounded(async { Ok(insert.exec_without_returning(&self.write).await.map(drop)?) })
                .await?;
        }
        bounded(async {
            let old = Entity::delete_many().filter(Column::Day.lt(day - MAX_DAYS));
            Ok(old.exec(&self.write).await.map(drop)?)
        })
        .await
    }
}

/// Writes it down now and then, as long as the catalog lives.
pub(super) async fn run(core: Weak<Core>) {
    let mut ticks = tokio::time::interval(EVERY);
    loop {
        ticks.tick().await;
        let Some(core) = core.upgrade() else { return };
        // A dataset that was dropped meanwhile fails the foreign key; the next time will do.
        if let Err(error) = core.keep_usage().await {
            tracing::debug!(error = ?error, "what was read could not be written down");
        }
    }
}
