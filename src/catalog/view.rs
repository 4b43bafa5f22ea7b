//! What a principal sees of a workspace: a snapshot with less in it.
//!
//! [`crate::auth`] decides what is left; here it is carried out on the datasets. Everything behind
//! a snapshot (schemas, plans, the catalog's fields) then knows nothing of what was left out, and
//! rows and values are restricted where a table enters a statement, once for all of them.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::Value as Json;
use sluice_schema::ColumnType;

use super::access::{Mask, Operation};
use super::index::IndexMethod;
use super::model::{Column, Dataset, DatasetId, Index};
use super::snapshot::Snapshot;

/// The view through a policy that is only checked: whoever sets it is told what does not fit.
pub const NEW_POLICY: u128 = 0;

/// What of a workspace a snapshot shows.
#[derive(Debug)]
pub struct View {
    /// Principals with the same id see the same.
    pub id: u128,
    /// The whole workspace.
    pub base: Arc<Snapshot>,
    /// What is shown of the datasets that are not shown whole.
    pub parts: HashMap<DatasetId, Part>,
}

/// What is shown of a dataset.
#[derive(Clone, Debug, Default)]
pub struct Part {
    /// Which rows.
    pub rows: SeenRows,
    /// Physical names of columns whose values are shown changed, and how.
    pub masks: Vec<(String, Mask)>,
    /// Physical names of columns that are not shown.
    pub hidden: Vec<String>,
    /// Whether rows may not be counted and aggregated.
    pub is_list_only: bool,
    /// The most rows that a list answers.
    pub max_rows: Option<i64>,
    /// What may not be done with rows.
    pub denied: Vec<Operation>,
    /// A filter over the whole dataset that rows must fit after they were written.
    pub check: Option<Arc<Json>>,
}

/// Which rows of a dataset are shown.
#[derive(Clone, Debug, Default)]
pub enum SeenRows {
    /// All.
    #[default]
    All,
    /// None: the principal lacks a claim that the filter speaks of.
    Nothing,
    /// Those that fit a filter over the whole dataset, in which claims are marked.
    Fitting(Arc<Json>),
}

impl Part {
    /// Whether it says anything at all.
    pub fn has_bounds(&self) -> bool {
        self.is_partial()
            || self.is_list_only
            || self.max_rows.is_some()
            || !self.denied.is_empty()
            || self.check.is_some()
    }

    /// Whether rows or values are kept back.
    pub fn is_partial(&self) -> bool {
        !matches!(self.rows, SeenRows::All) || !self.masks.is_empty() || !self.hidden.is_empty()
    }

    /// How values of a column are shown changed, if they are.
    pub fn mask(&self, physical: &str) -> Option<Mask> {
        self.masks.iter().find(|(of, _)| of == physical).map(|(_, mask)| *mask)
    }

    /// The dataset as it is shown; `None` when its key is not: rows could not be told apart.
    pub fn apply(&self, dataset: &Arc<Dataset>) -> Option<Arc<Dataset>> {
        if !self.is_partial() {
            return Some(Arc::clone(dataset));
        }
        let key = dataset.columns.get(dataset.key)?;
        let is_seen = |column: &&Column| !self.hidden.contains(&column.physical);
        if !is_seen(&key) || self.mask(&key.physical).is_some() {
            return None;
        }
        let mut shown = Dataset::clone(dataset);
        shown.columns = dataset.columns.iter().filter(is_seen).map(|it| self.column(it)).collect();
        shown.key = shown.columns.iter().position(|column| column.physical == key.physical)?;
        // All of these tell of cells that may not be seen.
        shown.notices = Arc::from([]);
        shown.source = None;
        shown.size_bytes = 0;
        shown.n_rejects = 0;
        if !matches!(self.rows, SeenRows::All) {
            shown.row_count = 0;
        }
        let is_kept = |name: &String| {
            let column = shown.column(name);
            column.is_some_and(|column| self.mask(&column.physical).is_none())
        };
        let same_texts = shown
            .text_columns()
            .map(|column| &column.physical)
            .eq(dataset.text_columns().map(|column| &column.physical))
            && self.masks.is_empty();
        let indexes = dataset.indexes.iter().filter(|index| match index.method {
            IndexMethod::Ordered => index.columns.iter().all(is_kept),
            IndexMethod::Search => same_texts,
        });
        shown.indexes = indexes.map(|index| Index { size_bytes: 0, ..index.clone() }).collect();
        Some(Arc::new(shown))
    }

    fn column(&self, column: &Column) -> Column {
        let mut shown = column.clone();
        shown.evidence = sluice_schema::Evidence::default();
        shown.n_nulls = 0;
        match self.mask(&column.physical) {
            None | Some(Mask::Hide) => {}
            Some(Mask::Null) => {
                shown.nullable = true;
                shown.unique = false;
            }
            Some(Mask::Partial | Mask::Hash) => {
                shown.column_type = ColumnType::String;
                shown.unique = false;
            }
        }
        shown
    }
}

/// Whether values of a type can be shown as a part of their text or as its hash.
pub fn can_be_masked(column_type: ColumnType) -> bool {
    // Both stores write these as the same text.
    matches!(
        column_type,
        ColumnType::String | ColumnType::Int | ColumnType::BigInt | ColumnType::Uuid
    )
}
