//! Counts what queries wish for, without being in their way.
//!
//! A plan names its wish once, when it is made; its statement counts its own runs. Looking at the
//! counts is the builder's work. Nothing is kept across restarts: what is still slow then shows
//! again.

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use crate::catalog::model::{Dataset, DatasetId, Index, Wish, WorkspaceId};
use crate::config::IndexPolicy;
use crate::store::run::{Statement, Usage};

/// Kinds of questions that are remembered; more would be noise.
const MAX_ENTRIES: usize = 4_096;
/// Mean time below which a statement is quick enough, microseconds.
const QUICK_US: u64 = 1_000;
/// Longest value of a column that gets an index by itself, bytes: PostgreSQL takes some 2,700.
const MAX_VALUE_BYTES: u64 = 1_000;
/// How long an index that somebody dropped does not come back, microseconds.
const PAUSE_US: i64 = 24 * 3_600 * 1_000_000;

/// What queries wished for so far.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    entries: HashMap<(DatasetId, Wish), Entry>,
    /// Until when these are not built.
    paused: HashMap<(DatasetId, Wish), i64>,
}

#[derive(Debug)]
struct Entry {
    workspace: WorkspaceId,
    since_us: i64,
    statements: Vec<(Weak<Statement>, Usage)>,
    total: Usage,
    is_new: bool,
}

/// A wish with what its questions cost.
#[derive(Clone, Debug)]
pub(super) struct Wished {
    pub(super) workspace: WorkspaceId,
    pub(super) dataset: DatasetId,
    pub(super) wish: Wish,
    pub(super) usage: Usage,
    pub(super) since_us: i64,
    /// Whether it was asked since the last look.
    pub(super) is_new: bool,
}

impl Ledger {
    /// Remembers what a statement wishes for.
    pub(super) fn watch(
        &mut self,
        workspace: WorkspaceId,
        dataset: DatasetId,
        wish: &Wish,
        statement: &Arc<Statement>,
        now_us: i64,
    ) {
        let key = (dataset, wish.clone());
        if self.entries.len() >= MAX_ENTRIES && !self.entries.contains_key(&key) {
            return;
        }
        let entry = self.entries.entry(key).or_insert_with(|| Entry {
            workspace,
            since_us: now_us,
            statements: Vec::new(),
            total: Usage::default(),
            is_new: false,
        });
        entry.statements.push((Arc::downgrade(statement), Usage::default()));
    }

    /// Adds up what ran since the last look; the wishes that are still asked for, costliest first.
    pub(super) fn look(&mut self, now_us: i64) -> Vec<Wished> {
        self.paused.retain(|_, until_us| *until_us > now_us);
        let mut found = Vec::with_capacity(self.entries.len());
        for ((dataset, wish), entry) in &mut self.entries {
            let before = entry.total;
            for (statement, seen) in &mut entry.statements {
                let Some(statement) = statement.upgrade() else { continue };
                let usage = statement.usage();
                entry.total.n_runs += usage.n_runs.saturating_sub(seen.n_runs);
                entry.total.busy_us += usage.busy_us.saturating_sub(seen.busy_us);
                *seen = usage;
            }
            entry.is_new = entry.total.n_runs > before.n_runs;
            entry.statements.retain(|(statement, _)| statement.strong_count() > 0);
            found.push(Wished {
                workspace: entry.workspace,
                dataset: *dataset,
                wish: wish.clone(),
                usage: entry.total,
                since_us: entry.since_us,
                is_new: entry.is_new,
            });
        }
        // What no plan holds any more is asked again by a new plan, or never.
        self.entries.retain(|_, entry| !entry.statements.is_empty());
        found.sort_by_key(|wished| std::cmp::Reverse(wished.usage.busy_us));
        found
    }

    /// Begins counting anew for a wish that was fulfilled or refused.
    pub(super) fn settle(&mut self, dataset: DatasetId, wish: &Wish) {
        self.entries.remove(&(dataset, wish.clone()));
    }

    /// Keeps an index that somebody dropped from coming back at once.
    pub(super) fn pause(&mut self, dataset: DatasetId, index: &Index, now_us: i64) {
        let until_us = now_us.saturating_add(PAUSE_US);
        for ((of, wish), _) in self.entries.iter().filter(|((of, _), _)| *of == dataset) {
            if index.serves(wish) {
                self.paused.insert((*of, wish.clone()), until_us);
            }
        }
        self.paused.insert((dataset, wish_of(index)), until_us);
    }

    /// Whether somebody dropped an index for this.
    pub(super) fn is_paused(&self, dataset: DatasetId, wish: &Wish) -> bool {
        let (columns, descending) = wish.columns();
        self.paused.keys().any(|(of, other)| {
            *of == dataset
                && other.is_search == wish.is_search
                && (other == wish || other.columns() == (columns.clone(), descending.clone()))
        })
    }
}

/// A wish that has just this index as its answer.
fn wish_of(index: &Index) -> Wish {
    let order = index.columns.iter().map(|it| (it.clone(), index.descending.contains(it)));
    Wish {
        order: order.collect(),
        is_search: index.method == crate::catalog::model::IndexMethod::Search,
        ..Wish::default()
    }
}

/// Whether a wish of a dataset is worth an index now.
pub(super) fn pays(wished: &Wished, dataset: &Dataset, policy: &IndexPolicy) -> bool {
    let (wish, usage) = (&wished.wish, wished.usage);
    if dataset.indexes.iter().any(|index| index.serves(wish)) {
        return false;
    }
    let n_rows = usize::try_from(dataset.row_count).unwrap_or(0);
    if n_rows < policy.min_rows || usage.n_runs == 0 {
        return false;
    }
    if wish.is_search {
        return policy.is_search_on_demand;
    }
    let is_indexable = |name: &String| {
        dataset.column(name).is_some_and(|column| {
            column.column_type != sluice_schema::ColumnType::Json
                && column.evidence.longest_bytes <= MAX_VALUE_BYTES
        })
    };
    policy.is_automatic
        && usage.n_runs >= u64::try_from(policy.min_uses).unwrap_or(u64::MAX)
        && usage.busy_us / usage.n_runs >= QUICK_US
        && wish.columns().0.iter().all(is_indexable)
}
