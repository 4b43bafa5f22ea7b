//! Turns what queries and people ask for into indexes, beside running queries.
//!
//! Plans tell what they filter and sort by; a task looks at what was slow, builds what pays within
//! a budget, and drops what nobody uses any more. Nothing here stands in the way of a query, and
//! no row is ever changed.

mod ledger;

use std::sync::{Arc, Mutex, PoisonError};

use sluice_schema::ColumnType;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use self::ledger::{Ledger, Wished, pays};
use crate::catalog::edits::RowLocks;
use crate::catalog::model::{
    Column, Dataset, DatasetId, Index, IndexKind, IndexMethod, Wish, WorkspaceId,
};
use crate::catalog::{Catalog, CatalogError, IndexEdit, now_us};
use crate::config::{IndexPolicy, Settings};
use crate::error::{Code, Error, Result};
use crate::store::run::Statement;
use crate::store::search::SEARCH_INDEX;
use crate::store::{IndexColumn, IndexDefinition, Store};

/// Indexes of one dataset, the key's and those of relations included.
const MAX_INDEXES: usize = 16;
/// How often a use is written down, microseconds.
const NOTE_USE_EVERY_US: i64 = 24 * 3_600 * 1_000_000;

/// An index to be built.
#[derive(Clone, Debug)]
pub struct NewIndex {
    /// Field names, those compared for equality first.
    pub columns: Vec<String>,
    /// Those of them that are in descending order.
    pub descending: Vec<String>,
    /// What it finds.
    pub method: IndexMethod,
    /// Who wants it.
    pub kind: IndexKind,
    /// Why, in words.
    pub reason: String,
}

/// Builds and drops indexes.
pub struct Indexer {
    catalog: Arc<Catalog>,
    store: Arc<Store>,
    policy: IndexPolicy,
    ledger: Mutex<Ledger>,
    /// One build at a time, so that builds never crowd out queries.
    building: tokio::sync::Mutex<()>,
    stop: CancellationToken,
    tasks: Mutex<JoinSet<()>>,
}

impl Indexer {
    /// Over these rooms; [`Indexer::start`] begins to look.
    pub fn new(catalog: Arc<Catalog>, store: Arc<Store>, settings: &Settings) -> Arc<Indexer> {
        Arc::new(Indexer {
            catalog,
            store,
            policy: settings.indexes,
            ledger: Mutex::new(Ledger::default()),
            building: tokio::sync::Mutex::new(()),
            stop: CancellationToken::new(),
            tasks: Mutex::new(JoinSet::new()),
        })
    }

    /// Begins to look at what queries need, until [`Indexer::shutdown`].
    pub fn start(self: &Arc<Indexer>) {
        if !self.policy.is_automatic && !self.policy.is_search_on_demand {
            return;
        }
        let indexer = Arc::clone(self);
        let look = async move {
            loop {
                tokio::select! {
                    () = indexer.stop.cancelled() => return,
                    () = tokio::time::sleep(indexer.policy.look_every) => {}
                }
                tokio::select! {
                    // A build that is left behind is begun anew, or rolled back by the database.
                    () = indexer.stop.cancelled() => return,
                    () = indexer.look() => {}
                }
            }
        };
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner).spawn(look);
    }

    /// Ends the looking.
    pub async fn shutdown(&self) {
        self.stop.cancel();
        let mut tasks =
            std::mem::take(&mut *self.tasks.lock().unwrap_or_else(PoisonError::into_inner));
        while tasks.join_next().await.is_some() {}
    }

    /// Remembers what a statement of a new plan wishes for.
    pub fn watch(
        &self,
        workspace: WorkspaceId,
        dataset: DatasetId,
        wish: &Wish,
        statement: &Arc<Statement>,
    ) {
        if !wish.is_empty() {
            self.ledger().watch(workspace, dataset, wish, statement, now_us());
        }
    }

    fn ledger(&self) -> std::sync::MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Builds an index and writes it down; queries use it from then on.
    ///
    /// # Errors
    /// CONFLICT for one that is there, one too many, or while the dataset is being replaced;
    /// BAD_USER_INPUT for columns that cannot have one; when the database is away.
    pub async fn create(
        &self,
        workspace: WorkspaceId,
        dataset: &Dataset,
        new: NewIndex,
    ) -> Result<Arc<Dataset>> {
        let same = |index: &&Index| {
            index.method == new.method
                && (new.method == IndexMethod::Search
                    || (index.columns == new.columns && index.descending == new.descending))
        };
        if let Some(index) = dataset.indexes.iter().find(same) {
            return Err(Error::new(
                Code::Conflict,
                format!("The index {} does this already.", index.name),
            ));
        }
        if dataset.indexes.len() >= MAX_INDEXES {
            return Err(Error::new(
                Code::Conflict,
                format!("The dataset has {MAX_INDEXES} indexes, the limit. Drop one first."),
            ));
        }
        let mut index = Index {
            name: String::new(),
            columns: new.columns,
            descending: new.descending,
            method: new.method,
            kind: new.kind,
            reason: new.reason,
            ..Index::default()
        };
        let definition = define(&mut index, dataset)?;
        let _one_at_a_time = self.building.lock().await;
        let _rows = self.hold_rows(dataset).await;
        let built = self.store.create_index(&dataset.storage, &index.name, &definition).await;
        index.size_bytes = built.map_err(Error::from)?;
        index.built_at_us = now_us();
        let edit = IndexEdit::Add(index);
        let added = self.catalog.change_index(workspace, dataset.id, &dataset.storage, edit).await;
        added.map_err(|error| match error {
            CatalogError::Changed => Error::new(
                Code::Conflict,
                "The dataset was replaced while the index was built. Try again.",
            ),
            error => error.into(),
        })
    }

    /// Removes an index; an automatic one does not come back for a day.
    ///
    /// # Errors
    /// NOT_FOUND; CONFLICT for the key's and those of relations; when the database is away.
    pub async fn drop_index(
        &self,
        workspace: WorkspaceId,
        dataset: &Dataset,
        name: &str,
    ) -> Result<Arc<Dataset>> {
        let Some(index) = dataset.indexes.iter().find(|index| index.name == name) else {
            let message = format!("{} has no index named {name:?}.", dataset.name);
            return Err(Error::not_found(message));
        };
        if index.kind == IndexKind::Key {
            return Err(Error::new(Code::Conflict, "The index of the key cannot be dropped."));
        }
        if let Some(field) = self.relation_through(workspace, dataset, index) {
            return Err(Error::new(
                Code::Conflict,
                format!(
                    "The relation {field:?} leads through this index. Drop the relation first."
                ),
            ));
        }
        self.ledger().pause(dataset.id, index, now_us());
        self.remove(workspace, dataset, name).await
    }

    /// Keeps rows of a dataset from being changed while an index comes or goes: on the embedded store
    /// that writes to the same file, and whoever changes rows keeps up a table of words that the
    /// catalog knows.
    async fn hold_rows(&self, dataset: &Dataset) -> Option<RowLocks> {
        match self.catalog.is_postgres() {
            true => None,
            false => Some(self.catalog.lock_rows([dataset.id]).await),
        }
    }

    /// Strikes it off first, so that no new query relies on it.
    async fn remove(
        &self,
        workspace: WorkspaceId,
        dataset: &Dataset,
        name: &str,
    ) -> Result<Arc<Dataset>> {
        let edit = IndexEdit::Remove(name.to_owned());
        let _rows = self.hold_rows(dataset).await;
        let catalog = &self.catalog;
        let changed = catalog.change_index(workspace, dataset.id, &dataset.storage, edit).await?;
        self.store.drop_index(&dataset.storage, name).await.map_err(Error::from)?;
        Ok(changed)
    }

    /// A relation that would be slow without this index.
    fn relation_through(
        &self,
        workspace: WorkspaceId,
        dataset: &Dataset,
        index: &Index,
    ) -> Option<String> {
        let first = dataset.column(index.columns.first()?)?;
        let leads = |other: &Index| {
            other.columns.first().and_then(|name| dataset.column(name)).map(|it| &it.physical)
                == Some(&first.physical)
        };
        if index.method == IndexMethod::Search
            || dataset.indexes.iter().any(|other| other.name != index.name && leads(other))
        {
            return None;
        }
        let snapshot = self.catalog.snapshot(workspace);
        let links = snapshot.links(dataset.id);
        let found = links.iter().find(|link| link.column == first.physical);
        found.map(|link| link.name.clone())
    }

    /// One look: counts, builds the costliest that pays, drops what is unused.
    async fn look(&self) {
        let wishes = self.ledger().look(now_us());
        for wished in &wishes {
            let snapshot = self.catalog.snapshot(wished.workspace);
            let Some(dataset) = snapshot.dataset_by_id(wished.dataset) else { continue };
            let outcome = if pays(wished, dataset, &self.policy) {
                self.fulfil(wished, dataset).await
            } else if wished.is_new {
                self.note_use(wished, dataset).await
            } else {
                Ok(())
            };
            if let Err(error) = outcome {
                tracing::warn!(dataset = dataset.name, error = ?error, "an automatic index failed");
                // Tried again when it has been asked for as often again.
                self.ledger().settle(wished.dataset, &wished.wish);
            }
        }
        if let Err(error) = self.drop_unused().await {
            tracing::warn!(error = ?error, "an unused index could not be dropped");
        }
    }

    async fn fulfil(&self, wished: &Wished, dataset: &Arc<Dataset>) -> Result<()> {
        let (columns, descending) = wished.wish.columns();
        let automatic = || dataset.indexes.iter().filter(|it| it.kind == IndexKind::Automatic);
        let taken: i64 = automatic().map(|index| index.size_bytes).sum();
        let percent = i64::try_from(self.policy.max_percent).unwrap_or(i64::MAX);
        let is_full = automatic().count() >= self.policy.max_count
            || taken >= dataset.size_bytes.saturating_mul(percent) / 100
            || dataset.indexes.len() >= MAX_INDEXES
            || self.ledger().is_paused(dataset.id, &wished.wish);
        if is_full {
            return Ok(());
        }
        let since = day(wished.since_us);
        let n_runs = match wished.usage.n_runs {
            1 => "once".to_owned(),
            n => format!("{n} times"),
        };
        let new = NewIndex {
            columns,
            descending,
            method: match wished.wish.is_search {
                true => IndexMethod::Search,
                false => IndexMethod::Ordered,
            },
            kind: IndexKind::Automatic,
            reason: format!("{}, {n_runs} since {since}", wished.wish.in_words()),
        };
        let made = self.create(wished.workspace, dataset, new).await?;
        self.ledger().settle(wished.dataset, &wished.wish);
        tracing::info!(
            dataset = made.name,
            wish = wished.wish.in_words(),
            "an index was built because queries need it"
        );
        Ok(())
    }

    /// Writes down, once a day, that automatic indexes are in use.
    async fn note_use(&self, wished: &Wished, dataset: &Dataset) -> Result<()> {
        let now_us = now_us();
        let used = dataset.indexes.iter().filter(|index| {
            index.kind == IndexKind::Automatic
                && index.nearly_serves(&wished.wish)
                && now_us - index.used_at_us.max(index.built_at_us) > NOTE_USE_EVERY_US
        });
        for index in used {
            let edit = IndexEdit::Used(index.name.clone(), now_us);
            let catalog = &self.catalog;
            catalog.change_index(wished.workspace, dataset.id, &dataset.storage, edit).await?;
        }
        Ok(())
    }

    async fn drop_unused(&self) -> Result<()> {
        let limit_us = i64::try_from(self.policy.unused_after.as_micros()).unwrap_or(i64::MAX);
        let snapshot = self.catalog.snapshot(self.catalog.default_workspace());
        for dataset in snapshot.datasets() {
            for index in &dataset.indexes {
                let idle_us = now_us() - index.used_at_us.max(index.built_at_us);
                if index.kind == IndexKind::Automatic && idle_us > limit_us {
                    self.remove(snapshot.workspace, dataset, &index.name).await?;
                    tracing::info!(
                        dataset = dataset.name,
                        index = index.name,
                        "an index was dropped because no query used it"
                    );
                }
            }
        }
        Ok(())
    }
}

/// What the store needs to build an index of a dataset; names it.
///
/// # Errors
/// BAD_USER_INPUT for columns that are not there or have no order.
pub fn define(index: &mut Index, dataset: &Dataset) -> Result<IndexDefinition> {
    if index.method == IndexMethod::Search {
        let columns: Vec<&Column> = dataset.text_columns().collect();
        if columns.is_empty() {
            let message = format!("{} has no column of texts to be searched.", dataset.name);
            return Err(Error::bad_input(message));
        }
        SEARCH_INDEX.clone_into(&mut index.name);
        index.columns = columns.iter().map(|column| column.name.clone()).collect();
        let physical = columns.iter().map(|column| column.physical.clone()).collect();
        return Ok(IndexDefinition::Search(physical));
    }
    let mut columns = Vec::with_capacity(index.columns.len());
    let mut name = String::from("i");
    for field in &index.columns {
        let column = dataset.column(field).ok_or_else(|| {
            Error::bad_input(format!("{} has no column {field:?}.", dataset.name))
        })?;
        if column.column_type == ColumnType::Json {
            let message = format!("{field} is JSON, which has no order to be indexed by.");
            return Err(Error::bad_input(message));
        }
        let is_descending = index.descending.contains(field);
        let direction = if is_descending { "d" } else { "" };
        name.push_str(&format!("_{}{direction}", column.physical.trim_start_matches('_')));
        columns.push(IndexColumn { physical: column.physical.clone(), is_descending });
    }
    index.name = name;
    Ok(IndexDefinition::Ordered(columns))
}

/// The day of an instant, as ISO 8601 writes it.
fn day(at_us: i64) -> String {
    const DAY_US: i64 = 24 * 3_600 * 1_000_000;
    let mut out = Vec::new();
    let days = i32::try_from(at_us.div_euclid(DAY_US)).unwrap_or_default();
    sluice_schema::temporal::write_date(&mut out, days);
    String::from_utf8_lossy(&out).into_owned()
}
