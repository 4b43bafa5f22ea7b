//! Turns a file into what its upload would make, and stores nothing.
//!
//! It exists so that people see the decisions before they hold. It goes the way of a load as far as
//! that makes nothing: understand, compare, name; then it reads the first rows.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Map, Value as Json};
use sluice_schema::{
    ColumnType, Limits, OwnedValue, ReadError, RowEncoder, SheetPlan, Value, decimal, temporal,
};
use uuid::Uuid;

use super::columns::{KEY_NAME, KeyWork, continuing, key_candidate, key_column, replacing};
use super::draft::draft;
use super::failure::Failure;
use super::key::{chosen_key, rekeyed};
use super::live::LiveJob;
use super::load::{Loaded, LoadedSheet, Work};
use super::prepare::{Prepared, prepare};
use super::request::UploadRequest;
use super::{Ingest, Spooled};
use crate::catalog::model::{
    Dataset, Drift, JobId, JobKind, RejectedRow, RowCounts, Source, StorageId, WorkspaceId,
};
use crate::catalog::snapshot::Snapshot;
use crate::catalog::{CatalogError, ClaimedJob};
use crate::error::{Error, Result};
use crate::store::LoadedTable;

/// Rows that an inspection shows.
const MAX_ROWS: usize = 100;
/// Rejects that an inspection shows.
const MAX_REJECTS: usize = 100;

/// What a sheet would become.
#[derive(Debug)]
pub struct InspectedSheet {
    /// What was understood.
    pub plan: SheetPlan,
    /// The dataset as it would be published; its key is a guess where only loading proves it.
    pub dataset: Dataset,
    /// The dataset of the name that is there.
    pub before: Option<Arc<Dataset>>,
    /// The first rows, typed, by field name.
    pub rows: Vec<Json>,
    /// The first rows that would be refused.
    pub rejects: Vec<RejectedRow>,
    /// Rows that would be refused.
    pub n_rejects: u64,
    /// How it differs from the dataset that is there.
    pub drift: Vec<Drift>,
}

/// Ends the work of a caller who left.
struct CancelOnDrop(Arc<LiveJob>);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

impl Ingest {
    /// What an upload of this file would make; nothing is stored.
    ///
    /// # Errors
    /// As the upload would fail, but for differences of columns, which are told instead.
    pub async fn inspect(
        &self,
        workspace: WorkspaceId,
        request: UploadRequest,
        spooled: Spooled,
        n_rows: usize,
    ) -> Result<Vec<InspectedSheet>> {
        self.check(workspace, &request)?;
        let _turn = self.inspections.acquire().await.map_err(Error::internal)?;
        let live = Arc::new(LiveJob::new());
        let _guard = CancelOnDrop(Arc::clone(&live));
        let snapshot = self.shared.catalog.snapshot(workspace);
        let limits = self.shared.limits.clone();
        tokio::task::spawn_blocking(move || {
            let path = spooled.path().to_owned();
            inspect_here(&path, &request, &snapshot, &limits, &live, n_rows)
        })
        .await
        .map_err(Error::internal)?
    }

    /// The same for a file of the spool or of this machine.
    ///
    /// # Errors
    /// As [`Ingest::inspect`]; NOT_FOUND when it cannot be read.
    pub async fn inspect_spooled(
        &self,
        workspace: WorkspaceId,
        request: UploadRequest,
        path: &Path,
        n_rows: usize,
    ) -> Result<Vec<InspectedSheet>> {
        let spooled = self.shared.folders.take_file(self.max_upload_bytes, path).await?;
        self.inspect(workspace, request, spooled, n_rows).await
    }
}

/// What an upload of this file would make where nothing is yet; blocks the thread.
///
/// # Errors
/// As the upload would fail.
pub fn inspect_file(
    path: &Path,
    request: &UploadRequest,
    limits: &Limits,
    n_rows: usize,
) -> Result<Vec<InspectedSheet>> {
    request.check()?;
    let nobody = Arc::new(Snapshot::new(WorkspaceId(Uuid::nil()), 0, 0, []));
    inspect_here(path, request, &nobody, limits, &LiveJob::new(), n_rows)
}

fn inspect_here(
    path: &Path,
    request: &UploadRequest,
    snapshot: &Arc<Snapshot>,
    limits: &Limits,
    live: &LiveJob,
    n_rows: usize,
) -> Result<Vec<InspectedSheet>> {
    let wishes = request.wishes();
    let job = ClaimedJob {
        id: JobId(Uuid::nil()),
        workspace: snapshot.workspace,
        kind: JobKind::Load,
        attempt: 1,
        dataset_name: String::new(),
        dataset_label: request.label(),
        mode: request.mode,
        source: Source {
            sha256: String::new(),
            file_name: request.file_name.clone(),
            size_bytes: 0,
        },
        options: String::new(),
        created_by: None,
    };
    let work =
        Work { store: None, snapshot, job: &job, wishes: &wishes, path, limits, live, spool: None };
    let mut loaded = Loaded::default();
    let mut heads = Vec::new();
    for prepared in prepare(&work).map_err(told)? {
        heads.push(head(&work, &prepared, n_rows.min(MAX_ROWS)).map_err(told)?);
        loaded.sheets.push(as_if_loaded(&work, prepared, heads.last()).map_err(told)?);
    }
    let drafts = draft(snapshot, &job, &wishes, &loaded)?;
    // What differs from a dataset tells of it.
    drafts.iter().try_for_each(|draft| wishes.bounds.check(&draft.dataset.name))?;
    let mut sheets = Vec::with_capacity(drafts.len());
    for ((draft, sheet), head) in drafts.into_iter().zip(loaded.sheets).zip(heads) {
        let rows = head.rows.iter().map(|row| row_json(row, &sheet, &draft.dataset)).collect();
        let mut rejects = draft.rejects;
        rejects.truncate(MAX_REJECTS);
        sheets.push(InspectedSheet {
            before: snapshot.dataset_by_id(draft.dataset.id).cloned(),
            dataset: draft.dataset,
            rows,
            rejects,
            n_rejects: head.n_rejects,
            drift: sheet.prepared.fit.drift,
            plan: sheet.prepared.plan,
        });
    }
    Ok(sheets)
}

fn told(failure: Failure) -> Error {
    match failure {
        Failure::Final(error) | Failure::Refused(error, _) | Failure::Passing(error) => error,
        Failure::Cancelled | Failure::Lost => CatalogError::Cancelled.into(),
    }
}

/// The first rows and what does not fit.
struct Head {
    rows: Vec<Vec<OwnedValue>>,
    rejects: Vec<sluice_schema::Reject>,
    n_rejects: u64,
}

/// Keeps the first rows of a block.
struct FirstRows {
    n_wanted: usize,
    n_columns: usize,
    rows: Vec<Vec<OwnedValue>>,
    row: Vec<OwnedValue>,
}

impl RowEncoder for FirstRows {
    fn value(&mut self, column: usize, value: Value<'_>) {
        if self.rows.len() < self.n_wanted && column < self.n_columns {
            self.row.push(OwnedValue::from(value));
        }
    }

    fn end_row(&mut self) {
        if self.rows.len() < self.n_wanted {
            self.rows.push(std::mem::take(&mut self.row));
        }
    }
}

fn head(work: &Work<'_>, prepared: &Prepared, n_rows: usize) -> std::result::Result<Head, Failure> {
    let plan = &prepared.plan;
    let must_see_all = plan.columns.iter().any(|column| column.declared || column.required);
    let rows = Mutex::new(Vec::new());
    let make = || FirstRows {
        n_wanted: n_rows,
        n_columns: plan.columns.len(),
        rows: Vec::new(),
        row: Vec::new(),
    };
    let sink = |block: FirstRows, _| {
        let mut rows = rows.lock().unwrap_or_else(PoisonError::into_inner);
        let n_left = n_rows.saturating_sub(rows.len());
        rows.extend(block.rows.into_iter().take(n_left));
        if !must_see_all && rows.len() >= n_rows { Err(()) } else { Ok(()) }
    };
    let read = sluice_schema::read_rows(work.path, plan, work.limits, work.live, 2, make, sink);
    let report = match read {
        Ok(report) => report,
        // Enough was seen.
        Err(ReadError::Sink(())) => Default::default(),
        Err(ReadError::Schema(error)) => return Err(error.into()),
    };
    let rows = rows.into_inner().unwrap_or_else(PoisonError::into_inner);
    Ok(Head { rows, rejects: report.rejects, n_rejects: report.n_rejects })
}

/// The sheet as if its rows were in a table.
fn as_if_loaded(
    work: &Work<'_>,
    mut prepared: Prepared,
    head: Option<&Head>,
) -> std::result::Result<LoadedSheet, Failure> {
    let before = prepared.before.as_deref().filter(|_| prepared.mode.keeps_rows());
    let n_rejects = head.map_or(0, |head| head.n_rejects);
    let n_came = i64::try_from(prepared.plan.n_rows - n_rejects.min(prepared.plan.n_rows));
    let n_came = n_came.unwrap_or(i64::MAX);
    let (columns, key, n_rows) = match before {
        Some(before) => {
            let columns = continuing(&prepared.fit, before);
            let key = key_column(before)
                .and_then(|key| columns.iter().position(|column| column.old == Some(key)));
            let is_chosen = before.columns.get(before.key).is_some_and(|key| key.generated);
            let key = match key {
                None => KeyWork::RowNumber,
                Some(index) if is_chosen => KeyWork::Chosen(index),
                Some(index) => KeyWork::Candidate(index),
            };
            (columns, key, before.row_count.saturating_add(n_came))
        }
        None => {
            let columns = replacing(&prepared.fit, prepared.before.as_deref());
            let is_id = |index: usize| {
                prepared.plan.columns.get(index).is_some_and(|column| column.name == KEY_NAME)
            };
            let key = match chosen_key(work, &prepared)? {
                Some(index) if !is_id(index) => KeyWork::Chosen(index),
                Some(index) => KeyWork::Candidate(index),
                None => {
                    key_candidate(&prepared.plan).map_or(KeyWork::RowNumber, KeyWork::Candidate)
                }
            };
            let rekeyed = prepared.before.as_deref().and_then(|old| rekeyed(old, &columns, key));
            prepared.fit.drift.extend(rekeyed);
            (columns, key, n_came)
        }
    };
    let table = LoadedTable {
        n_rows,
        size_bytes: 0,
        has_key: key != KeyWork::RowNumber,
        notices: Vec::new(),
        rejects: head.map_or_else(Vec::new, |head| head.rejects.clone()),
        n_rejects,
        next_row: None,
    };
    let storage = StorageId::new();
    let counts = RowCounts::default();
    Ok(LoadedSheet { prepared, storage, columns, key, table, n_nulls: None, counts })
}

fn row_json(row: &[OwnedValue], sheet: &LoadedSheet, dataset: &Dataset) -> Json {
    let data: Vec<_> = dataset.columns.iter().filter(|column| !column.generated).collect();
    let mut fields = Map::new();
    for (position, column) in sheet.columns.iter().enumerate() {
        let value = column.sheet.and_then(|index| row.get(index));
        if let Some(named) = data.get(position) {
            let json = value.map(|value| value_json(value.as_value(), column.column_type));
            fields.insert(named.name.clone(), json.unwrap_or(Json::Null));
        }
    }
    Json::Object(fields)
}

/// A value as GraphQL shows it.
fn value_json(value: Value<'_>, column_type: ColumnType) -> Json {
    let text = |write: &dyn Fn(&mut Vec<u8>)| {
        let mut out = Vec::new();
        write(&mut out);
        Json::String(String::from_utf8_lossy(&out).into_owned())
    };
    match (value, column_type) {
        (Value::Null, _) => Json::Null,
        (Value::Boolean(value), _) => Json::Bool(value),
        (Value::Int(value), ColumnType::BigInt) => Json::String(value.to_string()),
        (Value::Int(value), _) => Json::from(value),
        (Value::Decimal(value), ColumnType::Decimal { scale, .. }) => {
            text(&|out| decimal::write_decimal(out, value, scale))
        }
        (Value::Decimal(value), _) => Json::from(value),
        (Value::Float(value), _) => Json::from(value),
        (Value::Date(days), _) => text(&|out| temporal::write_date(out, days)),
        (Value::Time(us), _) => text(&|out| temporal::write_time(out, us)),
        (Value::Timestamp(us), column_type) => text(&|out| {
            temporal::write_timestamp(out, us);
            if column_type == ColumnType::DateTime {
                out.push(b'Z');
            }
        }),
        (Value::Uuid(bytes), _) => Json::String(Uuid::from_bytes(bytes).to_string()),
        (Value::Text(text), ColumnType::Json) => {
            serde_json::from_str(text).unwrap_or_else(|_| Json::from(text))
        }
        (Value::Text(text), _) => Json::from(text),
    }
}
