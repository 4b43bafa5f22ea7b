//! An immutable picture of a workspace: what a query sees for its whole length.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::model::{Dataset, DatasetId, WorkspaceId};

/// All datasets of a workspace at one revision.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// Whose they are.
    pub workspace: WorkspaceId,
    /// Grows with each published change of anything in the workspace.
    pub revision: i64,
    /// Grows with each change of names, types or datasets: what plans and schemas depend on.
    pub schema_revision: i64,
    datasets: BTreeMap<String, Arc<Dataset>>,
    ids: HashMap<DatasetId, String>,
}

impl Snapshot {
    /// A picture of these datasets.
    pub fn new(
        workspace: WorkspaceId,
        revision: i64,
        schema_revision: i64,
        datasets: impl IntoIterator<Item = Arc<Dataset>>,
    ) -> Snapshot {
        let datasets: BTreeMap<String, Arc<Dataset>> =
            datasets.into_iter().map(|dataset| (dataset.name.clone(), dataset)).collect();
        let ids = datasets.values().map(|dataset| (dataset.id, dataset.name.clone())).collect();
        Snapshot { workspace, revision, schema_revision, datasets, ids }
    }

    /// All datasets in the order of their names.
    pub fn datasets(&self) -> impl ExactSizeIterator<Item = &Arc<Dataset>> {
        self.datasets.values()
    }

    /// The dataset of this name.
    pub fn dataset(&self, name: &str) -> Option<&Arc<Dataset>> {
        self.datasets.get(name)
    }

    /// The dataset of this id.
    pub fn dataset_by_id(&self, id: DatasetId) -> Option<&Arc<Dataset>> {
        self.datasets.get(self.ids.get(&id)?)
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
            if let Some(old_name) = next.ids.insert(dataset.id, dataset.name.clone()) {
                next.datasets.remove(&old_name);
            }
            next.datasets.insert(dataset.name.clone(), dataset);
        }
        for id in removed {
            if let Some(name) = next.ids.remove(id) {
                next.datasets.remove(&name);
            }
        }
        next.revision = revision;
        next.schema_revision = schema_revision;
        next
    }
}
