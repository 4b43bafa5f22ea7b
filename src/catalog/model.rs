//! The nouns of the catalog as plain values, shared by every room.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sluice_schema::{ColumnType, Evidence, Notation, Notice};
use uuid::Uuid;

use crate::error::{Code, Error};

pub use super::guard::StorageGuard;
pub use super::history::KeptVersion;
pub use super::index::{Index, IndexKind, IndexMethod, Wish};
pub use super::loading::{
    Drift, DriftImpact, DriftKind, DriftPolicy, ExportedFile, JobOutcome, KeptReject, LoadMode,
    OnError, Recipe, RejectCell, RejectedRow, RejectsBefore, RowCounts,
};

/// The id of a dataset, stable across versions and renames (UUID v7).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct DatasetId(pub Uuid);

/// The id of a workspace, the tenant boundary (UUID v7).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct WorkspaceId(pub Uuid);

/// The id of a job (UUID v7).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct JobId(pub Uuid);

/// Where the rows of one dataset version lie: a file of the embedded store, a table of PostgreSQL.
///
/// 32 lower-case hexadecimal digits, new for each load, so that two loads never meet.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct StorageId(String);

impl StorageId {
    /// A name that nothing has had before.
    pub fn new() -> StorageId {
        StorageId(Uuid::now_v7().simple().to_string())
    }

    /// Takes back a name read from the catalog or a file name; `None` if it is not one of ours.
    pub fn parse(text: &str) -> Option<StorageId> {
        let is_ours = text.len() == 32
            && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        is_ours.then(|| StorageId(text.to_owned()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The same in sixteen bytes.
    pub fn bytes(&self) -> [u8; 16] {
        // It is sixteen bytes in hexadecimal digits, whoever made it.
        u128::from_str_radix(&self.0, 16).unwrap_or_default().to_be_bytes()
    }
}

impl Default for StorageId {
    fn default() -> StorageId {
        StorageId::new()
    }
}

/// One published version of a named, typed table.
#[derive(Clone, Debug)]
pub struct Dataset {
    /// The stable id.
    pub id: DatasetId,
    /// The name, which is also the list field's (`orders`).
    pub name: String,
    /// The object type's name (`Orders`).
    pub type_name: String,
    /// The name as it was given.
    pub label: String,
    /// What its owner says about it.
    pub description: Option<String>,
    /// Grows by one with each published change.
    pub version: i64,
    /// Rows in this version.
    pub row_count: i64,
    /// Bytes that this version takes in the store.
    pub size_bytes: i64,
    /// All columns in file order; a generated key comes first.
    pub columns: Arc<[Column]>,
    /// Index into `columns` of the column served as `id`.
    pub key: usize,
    /// Where the rows are.
    pub storage: StorageId,
    /// Keeps those rows while this value, or a copy of it, is held.
    pub guard: StorageGuard,
    /// Secondary indexes.
    pub indexes: Vec<Index>,
    /// Links from columns of this dataset to others.
    pub relations: Vec<Relation>,
    /// Names that it had before and still answers to, the newest last.
    pub old_names: Vec<String>,
    /// Where the rows came from.
    pub source: Option<Source>,
    /// How the rows are made from it.
    pub recipe: Arc<Recipe>,
    /// Refused rows that are kept.
    pub n_rejects: i64,
    /// What was decided or normalised during the load.
    pub notices: Arc<[Notice]>,
    /// When it was first published, microseconds since 1970 UTC.
    pub created_at_us: i64,
    /// When this version was published, microseconds since 1970 UTC.
    pub updated_at_us: i64,
    /// The number that the next new row gets, once rows were changed in place; until then rows are
    /// numbered from 1 without gaps.
    pub next_row: Option<i64>,
    /// The versions that are kept, this one among them, oldest first.
    pub versions: Arc<[Arc<KeptVersion>]>,
}

impl Dataset {
    /// The column of this field name.
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }
}

/// One column of a dataset.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Column {
    /// The field's name in GraphQL (`orderDate`).
    pub name: String,
    /// The column's name in the store: `c1`, `c2`, … in file order, or `_row` for a generated key.
    pub physical: String,
    /// The header as written.
    pub label: String,
    /// The type of every value in it.
    pub column_type: ColumnType,
    /// How the file wrote this type.
    pub notation: Notation,
    /// Whether a value may be missing.
    pub nullable: bool,
    /// Whether its owner declared the type, which is then enforced.
    #[serde(default)]
    pub declared: bool,
    /// Whether its owner declared that no value may be missing.
    #[serde(default)]
    pub required: bool,
    /// Whether all values differ.
    pub unique: bool,
    /// Whether Sluice made it (the row number as key).
    pub generated: bool,
    /// What its owner says about it.
    pub description: Option<String>,
    /// Missing values in this version.
    pub n_nulls: i64,
    /// Why it has this type.
    pub evidence: Evidence,
}

/// The physical name of the hidden row number: file order, and the last sort key of every list.
pub const ROW_COLUMN: &str = "_row";

/// A declared link from a column of a dataset to a column of another, or of the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Relation {
    /// The field that leads to the one related row.
    pub name: String,
    /// The field of the other dataset that leads back, to a list.
    pub inverse_name: String,
    /// Field name of the own column.
    pub column: String,
    /// The other dataset.
    pub to: DatasetId,
    /// Field name of its column, whose values differ.
    pub to_column: String,
    /// Whether that column held row numbers when the relation was declared: another column of its
    /// name means something else.
    #[serde(default)]
    pub to_row_number: bool,
}

/// The uploaded bytes that a version came from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Source {
    /// SHA-256 of the bytes, lower-case hexadecimal: also their name in the blob store.
    pub sha256: String,
    /// The file's name as the caller gave it; a label only.
    pub file_name: String,
    /// Bytes.
    pub size_bytes: i64,
}

impl Source {
    /// What stands in a job that has no bytes to read.
    pub fn none() -> Source {
        Source { sha256: String::new(), file_name: String::new(), size_bytes: 0 }
    }

    /// Whether there are bytes.
    pub fn is_there(&self) -> bool {
        !self.sha256.is_empty()
    }
}

/// What a job does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum JobKind {
    /// Turns a source into a dataset version.
    Load,
    /// Makes a dataset's rows anew, from its source or from what is there.
    Derive,
    /// Puts corrected rejects into their dataset.
    Admit,
    /// Makes a dataset of another's rows.
    Copy,
    /// Makes a file of a dataset's rows.
    Export,
}

/// Where a job stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum JobStatus {
    /// Waits for a place.
    Queued,
    /// Is at work.
    Running,
    /// Done; its result is published.
    Succeeded,
    /// Ended without result; `error` says why.
    Failed,
    /// Ended by its owner.
    Cancelled,
}

impl JobStatus {
    /// Whether the job will not change any more.
    pub const fn is_final(self) -> bool {
        matches!(self, JobStatus::Succeeded | JobStatus::Failed | JobStatus::Cancelled)
    }
}

/// A job as it is shown: the catalog's row, with live progress while it runs.
#[derive(Clone, Debug)]
pub struct Job {
    /// The id.
    pub id: JobId,
    /// What it does.
    pub kind: JobKind,
    /// Where it stands.
    pub status: JobStatus,
    /// What it is doing now: `RECEIVE`, `UNDERSTAND`, `INFER`, `LOAD`, `INDEX`, `PUBLISH`.
    pub phase: Option<&'static str>,
    /// The name of the dataset it makes.
    pub dataset_name: String,
    /// Bytes of the source read so far in this phase.
    pub bytes_done: i64,
    /// Bytes of the source; none while it arrives and nobody said how many there are.
    pub bytes_total: Option<i64>,
    /// Rows written so far.
    pub rows_done: i64,
    /// Rows per second since the phase began.
    pub rows_per_second: Option<f64>,
    /// Seconds left, estimated from the rate.
    pub remaining_seconds: Option<f64>,
    /// Code and sentence when it failed.
    pub error: Option<(String, String)>,
    /// Datasets it published.
    pub datasets: Vec<DatasetId>,
    /// What became of the rows, and how columns differed.
    pub outcome: Arc<JobOutcome>,
    /// What was decided or normalised.
    pub notices: Arc<[Notice]>,
    /// When it was acknowledged, microseconds since 1970 UTC.
    pub created_at_us: i64,
    /// When it began, microseconds since 1970 UTC.
    pub started_at_us: Option<i64>,
    /// When it ended, microseconds since 1970 UTC.
    pub finished_at_us: Option<i64>,
    /// Who asked for it, as the audit log names him.
    pub created_by: Option<String>,
}

/// What a key may do; each scope includes the ones before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Saved queries.
    Query,
    /// Queries.
    Read,
    /// Changes of rows.
    Write,
    /// New datasets and versions.
    Upload,
    /// Keys, settings, deletion.
    Admin,
}

/// Into which datasets an upload may go.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct UploadBounds {
    /// Only into these, by name; into any when there is no list.
    pub only: Option<Vec<String>>,
    /// Not into these.
    pub closed: Vec<String>,
}

impl UploadBounds {
    /// Refuses a dataset that it may not go into.
    ///
    /// # Errors
    /// FORBIDDEN, in the same words whether the dataset exists or not.
    pub fn check(&self, name: &str) -> Result<(), Error> {
        let is_meant = self.only.as_ref().is_none_or(|only| only.iter().any(|it| it == name));
        if is_meant && !self.closed.iter().any(|closed| closed == name) {
            return Ok(());
        }
        Err(Error::new(
            Code::Forbidden,
            format!("This key may not load into {name:?}. Ask an admin for one that may."),
        ))
    }
}
