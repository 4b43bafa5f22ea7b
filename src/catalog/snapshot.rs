//! An immutable picture of a workspace: what a query sees for its whole length.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use super::access::{Access, Mask, Operation};
use super::model::{Column, Dataset, DatasetId, ROW_COLUMN, Relation, WorkspaceId};
use super::saved_queries::SavedQueries;
use super::view::{Part, View};
use crate::config::DocumentMode;
use sluice_schema::ColumnType;

/// What the aggregate of a list is called with this behind the list's name: `ordersAggregate`.
pub const AGGREGATE_SUFFIX: &str = "Aggregate";
/// What the connection of a list is called with this behind the list's name: `ordersConnection`.
pub const CONNECTION_SUFFIX: &str = "Connection";

/// One end of a relation: how rows of a dataset lead to rows of another, or of the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// The field.
    pub name: String,
    /// Whether it leads to any number of rows.
    pub is_list: bool,
    /// Whether those may be counted and aggregated.
    pub has_aggregate: bool,
    /// Physical name of the own column.
    pub column: String,
    /// Where it leads.
    pub other: DatasetId,
    /// Physical name of the column there that has the same value.
    pub other_column: String,
}

/// Which documents a workspace serves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Documents {
    /// Every valid one, or those of its list.
    pub mode: DocumentMode,
    /// The workspace's revision when the list last changed; 0 while there never was one.
    pub revision: i64,
}

/// All datasets of a workspace at one revision.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// Whose they are.
    pub workspace: WorkspaceId,
    /// Grows with each published change of anything in the workspace.
    pub revision: i64,
    /// Grows with each change of names, types or datasets: what plans and schemas depend on.
    pub schema_revision: i64,
    /// Which documents are served.
    pub documents: Documents,
    /// Documents that answer at an address of their own.
    pub saved_queries: Arc<SavedQueries>,
    /// Who may do what.
    pub access: Arc<Access>,
    /// What of the workspace it shows, where that is not all.
    pub view: Option<Arc<View>>,
    datasets: BTreeMap<Arc<str>, Arc<Dataset>>,
    // Shared by the pictures that follow each other: rows change far more often than names.
    ids: Arc<HashMap<DatasetId, Arc<str>>>,
    /// Datasets by the names that they had before.
    old_names: Arc<BTreeMap<String, DatasetId>>,
    links: Arc<HashMap<DatasetId, Vec<Link>>>,
}

impl Link {
    /// The fields that it gives the dataset.
    pub fn fields(&self) -> impl Iterator<Item = String> {
        let suffixes: &[&str] = match (self.is_list, self.has_aggregate) {
            (false, _) => &[""],
            (true, false) => &["", CONNECTION_SUFFIX],
            (true, true) => &["", AGGREGATE_SUFFIX, CONNECTION_SUFFIX],
        };
        suffixes.iter().map(|suffix| format!("{}{suffix}", self.name))
    }
}

/// Whether values of two columns can be compared as they are kept.
pub fn are_comparable(a: ColumnType, b: ColumnType) -> bool {
    use ColumnType::{BigInt, Int};
    match (a, b) {
        (Int | BigInt, Int | BigInt) => true,
        // JSON has no order of its own, and decimals are kept at their column's scale.
        (ColumnType::Json, _) => false,
        (ColumnType::Decimal { scale: a, .. }, ColumnType::Decimal { scale: b, .. }) => a == b,
        (a, b) => a == b,
    }
}

impl Snapshot {
    /// A picture of these datasets.
    pub fn new(
        workspace: WorkspaceId,
        revision: i64,
        schema_revision: i64,
        datasets: impl IntoIterator<Item = Arc<Dataset>>,
    ) -> Snapshot {
        let datasets: BTreeMap<Arc<str>, Arc<Dataset>> =
            datasets.into_iter().map(|dataset| (dataset.name.as_str().into(), dataset)).collect();
        let ids = datasets.iter().map(|(name, dataset)| (dataset.id, Arc::clone(name)));
        let ids = Arc::new(ids.collect());
        let mut made = Snapshot {
            workspace,
            revision,
            schema_revision,
            documents: Documents::default(),
            saved_queries: Arc::default(),
            access: Arc::default(),
            view: None,
            datasets,
            ids,
            old_names: Arc::default(),
            links: Arc::default(),
        };
        made.link();
        made.index_old_names();
        made
    }

    /// What a view shows of its workspace: these datasets.
    pub fn seen(view: Arc<View>, datasets: impl IntoIterator<Item = Arc<Dataset>>) -> Snapshot {
        let base = Arc::clone(&view.base);
        let mut made = Snapshot::new(base.workspace, base.revision, base.schema_revision, []);
        made.documents = base.documents;
        made.saved_queries = Arc::clone(&base.saved_queries);
        made.access = Arc::clone(&base.access);
        made.view = Some(view);
        made.with_changes(datasets, &[], base.revision, base.schema_revision)
    }

    /// The same with these of its datasets only.
    #[must_use]
    pub fn only(&self, datasets: impl IntoIterator<Item = Arc<Dataset>>) -> Snapshot {
        let mut part = Snapshot::new(self.workspace, self.revision, self.schema_revision, []);
        part.view.clone_from(&self.view);
        part.with_changes(datasets, &[], self.revision, self.schema_revision)
    }

    /// Tells the views of a workspace apart; 0 is all of it.
    pub fn view_id(&self) -> u128 {
        self.view.as_ref().map_or(0, |view| view.id)
    }

    /// What is shown of a dataset, where that is not all.
    pub fn part(&self, dataset: DatasetId) -> Option<&Part> {
        self.view.as_ref()?.parts.get(&dataset)
    }

    /// Whether rows or values of a dataset are kept back.
    pub fn is_partial(&self, dataset: DatasetId) -> bool {
        self.part(dataset).is_some_and(Part::is_partial)
    }

    /// Whether rows of a dataset may not be counted and aggregated.
    pub fn is_list_only(&self, dataset: DatasetId) -> bool {
        self.part(dataset).is_some_and(|part| part.is_list_only)
    }

    /// Whether rows of a dataset may be changed in this way, as far as policies say.
    pub fn may(&self, dataset: DatasetId, operation: Operation) -> bool {
        self.part(dataset).is_none_or(|part| !part.denied.contains(&operation))
    }

    /// The dataset whose rows are of this type, or were before it was renamed.
    pub fn dataset_of_type(&self, type_name: &str) -> Option<&Arc<Dataset>> {
        let mut letters = type_name.chars();
        let first = letters.next()?.to_ascii_lowercase();
        let name = format!("{first}{}", letters.as_str());
        let is_old = |dataset: &Arc<Dataset>| dataset.old_names.contains(&name);
        let likely = self.dataset(&name);
        likely
            .filter(|dataset| dataset.type_name == type_name || is_old(dataset))
            .or_else(|| self.datasets().find(|dataset| dataset.type_name == type_name))
    }

    /// Where fields of a dataset lead: its own relations in their order, then those of others to it.
    pub fn links(&self, dataset: DatasetId) -> &[Link] {
        self.links.get(&dataset).map_or(&[], Vec::as_slice)
    }

    /// The columns at both ends of a relation of a dataset; `None` while one of them is gone, means
    /// something else, or they cannot be compared.
    pub fn ends<'s>(
        &'s self,
        from: &'s Dataset,
        relation: &Relation,
    ) -> Option<(&'s Column, &'s Arc<Dataset>, &'s Column)> {
        let other = self.dataset_by_id(relation.to)?;
        let column = from.column(&relation.column)?;
        let other_column = other.column(&relation.to_column)?;
        let is_row_number = other_column.physical == ROW_COLUMN;
        let is_same_kind = is_row_number == relation.to_row_number;
        let is_comparable = are_comparable(column.column_type, other_column.column_type);
        // Values that are shown changed lead nowhere, but for hashes of the same to each other.
        let mask = |id, column: &Column| self.part(id).and_then(|part| part.mask(&column.physical));
        let is_joinable = matches!(
            (mask(from.id, column), mask(other.id, other_column)),
            (None, None) | (Some(Mask::Hash), Some(Mask::Hash))
        );
        (is_same_kind && is_comparable && is_joinable).then_some((column, other, other_column))
    }

    fn link(&mut self) {
        let mut links: HashMap<DatasetId, Vec<Link>> = HashMap::new();
        let mut inverse = Vec::new();
        for dataset in self.datasets.values() {
            for relation in &dataset.relations {
                let Some((column, other, other_column)) = self.ends(dataset, relation) else {
                    continue;
                };
                links.entry(dataset.id).or_default().push(Link {
                    name: relation.name.clone(),
                    is_list: false,
                    has_aggregate: false,
                    column: column.physical.clone(),
                    other: other.id,
                    other_column: other_column.physical.clone(),
                });
                inverse.push((
                    other.id,
                    Link {
                        name: relation.inverse_name.clone(),
                        is_list: true,
                        has_aggregate: !self.is_list_only(dataset.id),
                        column: other_column.physical.clone(),
                        other: dataset.id,
                        other_column: column.physical.clone(),
                    },
                ));
            }
        }
        for (dataset, link) in inverse {
            links.entry(dataset).or_default().push(link);
        }
        for (dataset, links) in &mut links {
            // Names are checked when a relation is declared; should two nodes declare one at the
            // same time, the first keeps it.
            let mut taken: HashSet<String> = self
                .dataset_by_id(*dataset)
                .into_iter()
                .flat_map(|dataset| dataset.columns.iter().map(|column| column.name.clone()))
                .collect();
            links.retain(|link| link.fields().all(|name| taken.insert(name)));
        }
        self.links = Arc::new(links);
    }

    /// All datasets in the order of their names.
    pub fn datasets(&self) -> impl ExactSizeIterator<Item = &Arc<Dataset>> {
        self.datasets.values()
    }

    /// The dataset of this name, or that had it before.
    pub fn dataset(&self, name: &str) -> Option<&Arc<Dataset>> {
        self.datasets.get(name).or_else(|| self.dataset_by_id(*self.old_names.get(name)?))
    }

    /// The dataset that has this name now.
    pub fn dataset_named(&self, name: &str) -> Option<&Arc<Dataset>> {
        self.datasets.get(name)
    }

    fn index_old_names(&mut self) {
        let old_names = self
            .datasets
            .values()
            .flat_map(|dataset| dataset.old_names.iter().map(|name| (name.clone(), dataset.id)));
        self.old_names = Arc::new(old_names.collect());
    }

    /// What a name was taken from, when another dataset gets it.
    fn release(&mut self, name: &str, by: DatasetId) {
        let Some(owner) = self.old_names.get(name).filter(|id| **id != by) else { return };
        let Some(dataset) = self.ids.get(owner).and_then(|it| self.datasets.get_mut(it)) else {
            return;
        };
        Arc::make_mut(dataset).old_names.retain(|old| old != name);
    }

    /// The dataset of this id.
    pub fn dataset_by_id(&self, id: DatasetId) -> Option<&Arc<Dataset>> {
        self.datasets.get(self.ids.get(&id)?)
    }

    /// The same with other rows of some datasets; nothing else of them may have changed.
    #[must_use]
    pub fn with_rows(
        &self,
        changed: impl IntoIterator<Item = Arc<Dataset>>,
        revision: i64,
    ) -> Snapshot {
        let mut next = self.clone();
        for dataset in changed {
            if let Some(known) = next.datasets.get_mut(dataset.name.as_str()) {
                *known = dataset;
            }
        }
        next.revision = revision;
        next
    }

    /// The same picture with datasets added, replaced or removed, at new revisions.
    #[must_use]
    pub fn with_changes(
        &self,
        changed: impl IntoIterator<Item = Arc<Dataset>>,
        removed: &[DatasetId],
        revision: i64,
        schema_revision: i64,
    ) -> Snapshot {
        let mut next = self.clone();
        for dataset in changed {
            let name: Arc<str> = dataset.name.as_str().into();
            let ids = Arc::make_mut(&mut next.ids);
            if let Some(old_name) = ids.insert(dataset.id, Arc::clone(&name)) {
                next.datasets.remove(&old_name);
            }
            next.release(&name, dataset.id);
            next.datasets.insert(name, dataset);
        }
        for id in removed {
            if let Some(name) = Arc::make_mut(&mut next.ids).remove(id) {
                next.datasets.remove(&name);
            }
        }
        next.revision = revision;
        next.schema_revision = schema_revision;
        next.link();
        next.index_old_names();
        next
    }
}
