//! The nouns of loading: how an upload meets a dataset, what differed, what became of the rows.
//!
//! They exist apart from [`super::model`] because they tell of a load rather than of what is there.
//! Nothing here decides anything.

use serde::{Deserialize, Serialize};
use sluice_schema::{ColumnType, ReadOptions};

use super::model::DatasetId;

/// How an upload meets a dataset of the same name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum LoadMode {
    /// The name must be free.
    #[default]
    Create,
    /// Takes the place of the dataset, or creates it.
    Replace,
    /// Adds the rows below those that are there, or creates the dataset.
    Append,
    /// Changes the rows whose key is there and adds the others, or creates the dataset.
    Upsert,
}

impl LoadMode {
    /// Whether the rows that are there stay.
    pub const fn keeps_rows(self) -> bool {
        matches!(self, LoadMode::Append | LoadMode::Upsert)
    }
}

/// What happens when the columns of an upload differ from those of the dataset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum DriftPolicy {
    /// Nothing that clients rely on changes: the load fails instead.
    Fail,
    /// Columns stay and become as wide as both need.
    Widen,
    /// The upload's columns take the place of the dataset's.
    Replace,
}

/// What happens to a row with a cell that does not fit its column.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum OnError {
    /// The load fails and nothing is changed.
    #[default]
    Abort,
    /// The row is kept aside as a reject, the others are loaded.
    Reject,
}

/// How a column of an upload differs from the dataset's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum DriftKind {
    /// The upload has a column that the dataset lacks.
    Added,
    /// The dataset has a column that the upload lacks.
    Missing,
    /// The header is written differently.
    Renamed,
    /// The upload's values need a wider type.
    Widened,
    /// The upload's values would fit a narrower type.
    Narrowed,
    /// The field `id` holds other values.
    Rekeyed,
}

/// What a difference means for clients of the dataset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum DriftImpact {
    /// What was valid stays valid.
    Safe,
    /// A field goes away or changes its type.
    Breaking,
}

/// One difference between an upload and the dataset that it meets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Drift {
    /// The dataset's name.
    pub dataset: String,
    /// Which kind of difference.
    pub kind: DriftKind,
    /// What it means for clients.
    pub impact: DriftImpact,
    /// The field's name.
    pub column: String,
    /// The header in the dataset; none for an added column.
    pub label_before: Option<String>,
    /// The header in the upload; none for a missing column.
    pub label_after: Option<String>,
    /// The type in the dataset.
    pub type_before: Option<ColumnType>,
    /// The type that the field has, or would have, after the load; none when it goes away.
    pub type_after: Option<ColumnType>,
    /// In one sentence.
    pub message: String,
}

/// What became of the rows of an upload.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RowCounts {
    /// Rows that are new.
    pub inserted: i64,
    /// Rows whose values changed.
    pub updated: i64,
    /// Rows that were there with the same values.
    pub unchanged: i64,
    /// Rows that were refused.
    pub rejected: i64,
}

/// What a job came to, beside the datasets that it published.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct JobOutcome {
    /// What became of the rows.
    pub counts: RowCounts,
    /// How the upload differed from the datasets before.
    pub drift: Vec<Drift>,
    /// The first rows that did not fit, where the job failed because of them.
    pub refused: Vec<RejectedRow>,
    /// Whether there was nothing to do: the same bytes were loaded in the same way before.
    pub is_unchanged: bool,
    /// The file that an export has made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<ExportedFile>,
}

/// A file that an export has made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ExportedFile {
    /// What it is called.
    pub name: String,
    /// Bytes.
    pub size_bytes: i64,
    /// When it is removed, microseconds since 1970 UTC.
    pub expires_at_us: i64,
    /// The datasets that were read.
    pub reads: Vec<DatasetId>,
    /// What its maker was shown of them: it is given to nobody else.
    pub sight: String,
}

/// How the rows of a dataset are made from its source.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Recipe {
    /// How the source is read, with what the owner declared about columns.
    pub options: ReadOptions,
    /// The label of the column that the owner chose as the key.
    pub key: Option<String>,
    /// Whether rows came from elsewhere too, so that the source alone does not make them again.
    pub has_other_rows: bool,
}

/// One cell of a refused row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RejectCell {
    /// The field's name.
    pub name: String,
    /// The header as written.
    pub label: String,
    /// The cell as written; none where the row ended before it.
    pub value: Option<String>,
}

/// A refused row as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RejectedRow {
    /// The row as a spreadsheet shows it, 1-based.
    pub row: u64,
    /// The header of the column at fault.
    pub column: String,
    /// Its cell as written.
    pub value: String,
    /// Why, and what to do.
    pub reason: String,
    /// All cells of the row that belong to columns.
    pub cells: Vec<RejectCell>,
}

/// A refused row with the number that names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptReject {
    /// Names it within the catalog.
    pub id: i64,
    /// The row.
    pub row: RejectedRow,
}

/// What becomes of the rejects of earlier loads.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum RejectsBefore {
    /// They go: the rows that they belonged to are gone.
    #[default]
    Drop,
    /// They stay.
    Keep,
    /// They stay but for these, which were admitted.
    KeepBut(Vec<i64>),
}
