//! Checks policies before they are kept, so that one which cannot hold is refused with the reason.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::Value as Json;

use super::visibility::claims_of;
use crate::catalog::access::{CLAIM_MARK, Mask, Rules};
use crate::catalog::model::Dataset;
use crate::catalog::snapshot::Snapshot;
use crate::catalog::view::{NEW_POLICY, Part, SeenRows, View, can_be_masked};
use crate::error::{Error, Result};
use crate::query::input::Variables;
use crate::query::plan::{self, PlanSettings};

/// The most bytes of a filter, as JSON.
const MAX_FILTER_BYTES: usize = 64 << 10;

/// Refuses rules that do not fit their dataset.
///
/// # Errors
/// BAD_USER_INPUT, naming what does not fit.
pub fn check(
    rules: &Rules,
    dataset: &Arc<Dataset>,
    snapshot: &Arc<Snapshot>,
    settings: &PlanSettings,
) -> Result<()> {
    let known = |name: &String| {
        dataset
            .column(name)
            .ok_or_else(|| Error::bad_input(format!("{} has no field {name:?}.", dataset.name)))
    };
    for name in rules.columns.iter().flatten() {
        known(name)?;
    }
    for (name, mask) in &rules.masks {
        let column = known(name)?;
        let needs_text = matches!(mask, Mask::Partial | Mask::Hash);
        if needs_text && !can_be_masked(column.column_type) {
            return Err(Error::bad_input(format!(
                "{name} is of type {}: it can be shown as NULL or not at all (HIDE). PARTIAL and HASH are for String, Int, BigInt and UUID.",
                column.column_type.name()
            )));
        }
    }
    if let Some(key) = dataset.columns.get(dataset.key) {
        let is_listed = rules.columns.as_ref().is_none_or(|names| names.contains(&key.name));
        if !is_listed || rules.masks.contains_key(&key.name) {
            return Err(Error::bad_input(format!(
                "The key {} must be shown as it is, else rows could not be told apart. Choose another key by setKey first.",
                key.name
            )));
        }
    }
    if rules.max_rows.is_some_and(|most| most < 1) {
        return Err(Error::bad_input(
            "maxRows must be 1 or more; leave SELECT out to show nothing.",
        ));
    }
    for filter in [&rules.filter, &rules.check].into_iter().flatten() {
        check_filter(filter, dataset, snapshot, settings)?;
    }
    Ok(())
}

fn check_filter(
    filter: &Json,
    dataset: &Arc<Dataset>,
    snapshot: &Arc<Snapshot>,
    settings: &PlanSettings,
) -> Result<()> {
    if !filter.is_object() {
        return Err(Error::bad_input("A policy's filter must be an object, like where."));
    }
    if filter.to_string().len() > MAX_FILTER_BYTES {
        return Err(Error::bad_input(format!(
            "The filter is longer than {MAX_FILTER_BYTES} bytes of JSON, the limit."
        )));
    }
    let part = Part { rows: SeenRows::Fitting(Arc::new(filter.clone())), ..Part::default() };
    let parts = HashMap::from([(dataset.id, part)]);
    let view = View { id: NEW_POLICY, base: Arc::clone(snapshot), parts };
    let seen = Snapshot::seen(Arc::new(view), snapshot.datasets().cloned());
    // Claims come with each principal; here it only counts that there are some.
    let mut variables = Variables::new();
    for claim in claims_of(filter) {
        variables.insert(format!("{CLAIM_MARK}{claim}"), Json::String("a claim".to_owned()));
    }
    plan::check_policy(&seen, dataset.id, &variables, settings)
}

/// Refuses what cannot be a workspace's name.
///
/// # Errors
/// BAD_USER_INPUT.
pub fn check_workspace_name(name: &str) -> Result<()> {
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let is_fit = (1..=63).contains(&name.len())
        && name.chars().all(is_plain)
        && !name.starts_with('-')
        && !name.ends_with('-');
    if is_fit {
        return Ok(());
    }
    Err(Error::bad_input(
        "A workspace's name has 1 to 63 lower-case letters, digits and '-', which stands neither first nor last.",
    ))
}
