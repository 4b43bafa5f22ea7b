//! Decides what a principal sees of its workspace: the one place that applies policies.
//!
//! Deny by default: a key of a role sees only datasets with a policy for that role, one that is for
//! some datasets sees only those, and without a key only what was opened is seen. Admins see all.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::Value as Json;
use sha2::{Digest, Sha256};
use tokio::task::JoinSet;

use super::Principal;
use crate::catalog::access::{
    ANONYMOUS_ROLE, Access, CLAIM_MARK, Mask, Operation, PublicRead, Rules,
};
use crate::catalog::hex;
use crate::catalog::model::{Dataset, DatasetId, Job, JobKind, UploadBounds, WorkspaceId};
use crate::catalog::snapshot::Snapshot;
use crate::catalog::view::{Part, SeenRows, View};
use crate::catalog::{Catalog, model::Scope};

/// Views that are kept; the others are made for each request.
const MAX_VIEWS: usize = 1_000;
/// How long a view may keep replaced tables from being dropped.
const SWEEP_EVERY: Duration = Duration::from_secs(2);

/// What changes rows.
const WRITES: [Operation; 3] = [Operation::Insert, Operation::Update, Operation::Delete];

type Kept = HashMap<(WorkspaceId, u128), Arc<Snapshot>>;

/// The views that were made of the present snapshots.
pub(super) struct Views {
    kept: Arc<Mutex<Kept>>,
    _sweeper: JoinSet<()>,
}

impl Views {
    /// None yet; must be called where tasks can be started.
    pub(super) fn new(catalog: &Arc<Catalog>) -> Views {
        let kept: Arc<Mutex<Kept>> = Arc::default();
        let (swept, catalog) = (Arc::clone(&kept), Arc::downgrade(catalog));
        let mut sweeper = JoinSet::new();
        sweeper.spawn(async move {
            loop {
                tokio::time::sleep(SWEEP_EVERY).await;
                let Some(catalog) = catalog.upgrade() else { return };
                let mut kept = swept.lock().unwrap_or_else(PoisonError::into_inner);
                kept.retain(|(workspace, _), view| {
                    catalog.snapshot(*workspace).revision == view.revision
                });
            }
        });
        Views { kept, _sweeper: sweeper }
    }

    /// What a principal sees of its workspace now.
    pub(super) fn of(&self, principal: &Principal, snapshot: Arc<Snapshot>) -> Arc<Snapshot> {
        if principal.is_admin() || is_unrestricted(principal, &snapshot.access) {
            return snapshot;
        }
        let key = (principal.workspace, principal.visibility());
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(view) = kept.get(&key)
            && view.revision == snapshot.revision
        {
            return Arc::clone(view);
        }
        let made = Arc::new(see(principal, &snapshot));
        if kept.len() < MAX_VIEWS || kept.contains_key(&key) {
            kept.insert(key, Arc::clone(&made));
        }
        made
    }
}

/// Whether nothing is kept back from a principal, as far as can be told without looking.
fn is_unrestricted(principal: &Principal, access: &Access) -> bool {
    principal.role.is_none() && principal.datasets.is_none() && access.policies.is_empty()
}

/// Makes the view of a principal.
fn see(principal: &Principal, snapshot: &Arc<Snapshot>) -> Snapshot {
    let mut parts = HashMap::new();
    let mut shown = Vec::new();
    for dataset in snapshot.datasets() {
        let Some(part) = part_of(principal, &snapshot.access, dataset) else { continue };
        let Some(dataset) = part.apply(dataset) else { continue };
        if part.has_bounds() {
            parts.insert(dataset.id, part);
        }
        shown.push(dataset);
    }
    let view = View { id: principal.visibility(), base: Arc::clone(snapshot), parts };
    Snapshot::seen(Arc::new(view), shown)
}

/// What of a dataset is shown to a principal; `None` for nothing.
fn part_of(principal: &Principal, access: &Access, dataset: &Dataset) -> Option<Part> {
    // What was said about a name holds for it as long as the dataset answers to it.
    let is_meant = |names: &[String]| {
        names.contains(&dataset.name) || dataset.old_names.iter().any(|old| names.contains(old))
    };
    if principal.datasets.as_deref().is_some_and(|names| !is_meant(names)) {
        return None;
    }
    if principal.scope == Scope::Admin {
        return Some(Part::default());
    }
    let is_open = match &access.public_read {
        PublicRead::Nothing => false,
        PublicRead::All => true,
        PublicRead::Datasets(names) => is_meant(names),
    };
    if principal.is_anonymous && !is_open {
        return None;
    }
    match access.policy(dataset.id, principal.role.as_deref()) {
        Some(policy) => part_by(&policy.rules, principal, dataset),
        // A role sees what was given to it; others see what their scope lets them.
        None => match principal.role.as_deref() {
            Some(role) if role != ANONYMOUS_ROLE || !principal.is_anonymous => None,
            _ => Some(Part::default()),
        },
    }
}

/// What rules show of a dataset; `None` when it may not be read.
pub(super) fn part_by(rules: &Rules, principal: &Principal, dataset: &Dataset) -> Option<Part> {
    let may = |operation| rules.operations.contains(&operation);
    if !may(Operation::Select) {
        return None;
    }
    // A column that was to be masked may be there under another name now: nothing is shown until
    // somebody says what holds for it.
    if rules.masks.keys().any(|name| dataset.column(name).is_none()) {
        return None;
    }
    let has = |claim: &String| principal.claims.get(claim).is_some_and(|value| !value.is_null());
    let rows = match &rules.filter {
        None => SeenRows::All,
        Some(filter) => match claims_of(filter).iter().all(has) {
            true => SeenRows::Fitting(Arc::new(filter.clone())),
            false => SeenRows::Nothing,
        },
    };
    // Nothing fits a check that speaks of a claim which the principal lacks.
    let lacks_claim = rules.check.as_ref().is_some_and(|it| !claims_of(it).iter().all(has));
    let can_be_checked = |operation| operation == Operation::Delete || !lacks_claim;
    let mut part = Part {
        rows,
        is_list_only: !may(Operation::Aggregate),
        max_rows: rules.max_rows,
        denied: WRITES.into_iter().filter(|it| !may(*it) || !can_be_checked(*it)).collect(),
        check: rules.check.clone().map(Arc::new),
        ..Part::default()
    };
    for column in dataset.columns.iter() {
        let is_listed = rules.columns.as_ref().is_none_or(|names| names.contains(&column.name));
        match rules.masks.get(&column.name) {
            _ if !is_listed => part.hidden.push(column.physical.clone()),
            None => {}
            Some(Mask::Hide) => part.hidden.push(column.physical.clone()),
            Some(mask) => {
                // A column that became of another type since is not shown at all.
                let is_fit =
                    *mask == Mask::Null || crate::catalog::view::can_be_masked(column.column_type);
                match is_fit {
                    true => part.masks.push((column.physical.clone(), *mask)),
                    false => part.hidden.push(column.physical.clone()),
                }
            }
        }
    }
    Some(part)
}

/// The claims that a filter speaks of.
pub fn claims_of(filter: &Json) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    collect_claims(filter, &mut found);
    found
}

fn collect_claims(value: &Json, found: &mut BTreeSet<String>) {
    match value {
        Json::String(text) => {
            found.extend(text.strip_prefix(CLAIM_MARK).map(str::to_owned));
        }
        Json::Array(items) => items.iter().for_each(|item| collect_claims(item, found)),
        Json::Object(map) => map.values().for_each(|item| collect_claims(item, found)),
        _ => {}
    }
}

/// Whether a principal may see a job: what it makes, or made, must be shown whole.
pub fn sees_job(principal: &Principal, snapshot: &Snapshot, job: &Job) -> bool {
    if job.kind == JobKind::Export {
        // What it has made is what its maker was shown.
        let is_own = job.created_by.as_deref() == Some(&principal.key_prefix);
        return principal.is_admin() || (is_own && !principal.is_anonymous);
    }
    let Some(view) = &snapshot.view else { return true };
    let is_whole = |id| !snapshot.is_partial(id);
    if job.datasets.is_empty() {
        let is_open = |name: &String| match (snapshot.dataset(name), view.base.dataset(name)) {
            (Some(dataset), _) => is_whole(dataset.id),
            // It is there, and not shown.
            (None, Some(_)) => false,
            // It is not there yet.
            (None, None) => principal.datasets.as_ref().is_some_and(|it| it.contains(name)),
        };
        // Why it failed may be told of another of its sheets.
        return is_open(&job.dataset_name)
            && job.outcome.drift.iter().all(|drift| is_open(&drift.dataset));
    }
    job.datasets.iter().all(|id| snapshot.dataset_by_id(*id).is_some() && is_whole(*id))
}

/// What a principal is shown of datasets, as a text that another sight has not: a hash.
pub fn sight_of(principal: &Principal, snapshot: &Snapshot, datasets: &[DatasetId]) -> String {
    let parts: Vec<_> = datasets.iter().map(|id| (id, snapshot.part(*id))).collect();
    // Filters speak of claims, which a token has anew.
    hex(&Sha256::digest(format!("{parts:?} {:?}", principal.claims)))
}

/// Into which datasets a principal may load: those that it is for, and of these no one that is not
/// shown to it whole.
pub(super) fn upload_bounds(principal: &Principal, view: &Snapshot) -> UploadBounds {
    let Some(seen) = view.view.as_deref() else { return UploadBounds::default() };
    let is_whole = |dataset: &&Arc<Dataset>| {
        view.dataset_by_id(dataset.id).is_some() && !view.is_partial(dataset.id)
    };
    let closed = seen.base.datasets().filter(|dataset| !is_whole(dataset));
    let only = principal.datasets.as_ref().map(|names| {
        let present = names.iter().filter_map(|name| seen.base.dataset(name));
        let mut only = names.clone();
        only.extend(present.map(|dataset| dataset.name.clone()));
        only
    });
    UploadBounds { only, closed: closed.map(|dataset| dataset.name.clone()).collect() }
}
