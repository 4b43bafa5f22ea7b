//! Names that a dataset had before: they answer until they are dropped or somebody else takes them.
//!
//! They exist so that clients live through a renaming. Each name is one dataset's alone: whoever
//! takes a name takes it from the one that had it before, in the same transaction.

use std::sync::Arc;

use sea_orm::ActiveValue::Set;
use sea_orm::{ActiveModelTrait, ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter};

use super::convert::{clean, from_json, json};
use super::entities::datasets;
use super::model::{Dataset, DatasetId, WorkspaceId};
use super::publish::Change;
use super::{Catalog, CatalogError};

/// Names that a dataset keeps, the newest last.
const MAX_OLD_NAMES: usize = 10;

/// The names that a renamed dataset answers to beside its new one.
pub(super) fn after_renaming(old_names: &[String], old: &str, new: &str) -> Vec<String> {
    let mut names: Vec<String> = old_names.to_vec();
    names.retain(|name| name != old && name != new);
    if old != new {
        names.push(old.to_owned());
    }
    let n_forgotten = names.len().saturating_sub(MAX_OLD_NAMES);
    names.split_off(n_forgotten)
}

/// The row of a dataset under another name.
pub(super) fn renamed(
    row: &datasets::Model,
    (name, type_name, label): (String, String, &str),
) -> Result<datasets::ActiveModel, CatalogError> {
    let old_names = after_renaming(&from_json::<Vec<String>>(&row.old_names)?, &row.name, &name);
    Ok(datasets::ActiveModel {
        name: Set(name),
        type_name: Set(type_name),
        label: Set(clean(label)),
        old_names: Set(json(&old_names)?),
        ..Default::default()
    })
}

/// Takes a name from the dataset that had it before: another one has it now.
pub(super) async fn release(
    transaction: &DatabaseTransaction,
    workspace: WorkspaceId,
    name: &str,
    revision: i64,
) -> Result<(), CatalogError> {
    let renamed = datasets::Entity::find()
        .filter(datasets::Column::WorkspaceId.eq(workspace.0.to_string()))
        .filter(datasets::Column::OldNames.ne("[]"))
        .filter(datasets::Column::Name.ne(name))
        .all(transaction)
        .await?;
    for row in renamed {
        let mut names: Vec<String> = from_json(&row.old_names)?;
        let n_names = names.len();
        names.retain(|old| old != name);
        if names.len() < n_names {
            let without = datasets::ActiveModel {
                id: Set(row.id),
                old_names: Set(json(&names)?),
                revision: Set(revision),
                ..Default::default()
            };
            without.update(transaction).await?;
        }
    }
    Ok(())
}

impl Catalog {
    /// Makes a dataset answer to an old name no longer.
    ///
    /// # Errors
    /// NotFound when no dataset has this old name; when the database is away.
    pub async fn drop_old_name(
        &self,
        workspace: WorkspaceId,
        dataset: DatasetId,
        name: &str,
    ) -> Result<Arc<Dataset>, CatalogError> {
        self.change_dataset(workspace, dataset, Change::DropOldName(name.to_owned())).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_names_are_few_and_differ_from_the_new_one() {
        let check = |old_names: &[&str], old: &str, new: &str, expect: &[&str]| {
            let old_names: Vec<String> = old_names.iter().map(|&name| name.to_owned()).collect();
            assert_eq!(after_renaming(&old_names, old, new), expect);
        };
        check(&[], "a", "b", &["a"]);
        check(&["a"], "b", "a", &["b"]);
        check(&["a"], "b", "b", &["a"]);
        let many: Vec<String> = (0..MAX_OLD_NAMES).map(|n| format!("n{n}")).collect();
        let kept = after_renaming(&many, "old", "new");
        assert_eq!((kept.len(), kept.last().map(String::as_str)), (MAX_OLD_NAMES, Some("old")));
    }
}
