//! Says which relations a new version would cost: what clients nest by is named in the drift.

use crate::catalog::model::{Dataset, Drift, UploadBounds};
use crate::catalog::snapshot::{AGGREGATE_SUFFIX, Snapshot, are_comparable};

/// Adds to each difference the fields that go away with it; relations with datasets that the
/// uploader may not load into, and may not see, are not named.
pub(super) fn name_lost_fields(
    snapshot: &Snapshot,
    bounds: &UploadBounds,
    before: &Dataset,
    drift: &mut [Drift],
) {
    for difference in drift {
        let lost = lost_fields(snapshot, bounds, before, difference);
        if !lost.is_empty() {
            let fields = lost.join(", ");
            difference.message.push_str(&format!(" With it go the relation's fields {fields}."));
        }
    }
}

fn lost_fields(
    snapshot: &Snapshot,
    bounds: &UploadBounds,
    before: &Dataset,
    difference: &Drift,
) -> Vec<String> {
    let mut lost = Vec::new();
    if difference.type_before.is_none() {
        return lost;
    }
    let of_column = |name: &String| *name == difference.column;
    for from in snapshot.datasets() {
        for relation in &from.relations {
            let Some((column, to, to_column)) = snapshot.ends(from, relation) else { continue };
            let is_own = from.id == before.id && of_column(&relation.column);
            let is_other = to.id == before.id && of_column(&relation.to_column);
            let stays = difference.type_after.is_some_and(|after| {
                (!is_own || are_comparable(after, to_column.column_type))
                    && (!is_other || are_comparable(column.column_type, after))
            });
            let is_seen = [&from.name, &to.name].iter().all(|name| bounds.check(name).is_ok());
            if (is_own || is_other) && !stays && is_seen {
                lost.push(format!("{}.{}", from.name, relation.name));
                lost.push(format!("{}.{}", to.name, relation.inverse_name));
                lost.push(format!("{}.{}{AGGREGATE_SUFFIX}", to.name, relation.inverse_name));
            }
        }
    }
    lost
}
