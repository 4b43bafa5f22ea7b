//! Turns a validated operation into a plan: a statement for each root field over a dataset, the
//! values it needs, and the facts about variables that shaped it.
//!
//! A plan belongs to one revision of the schema and runs with any variables that keep its facts.
//! Making one reads no data.

use std::sync::Arc;

use super::Dialect;
use super::columns::Question;
use super::cost::Cost;
use super::document::Document;
use super::input::{InputReader, Observation, Origin, Variables};
use super::node::NODE_FIELD;
use super::roots::Compiler;
use super::seen;
use super::value::{Binder, Slot};
use crate::catalog::ReadCounter;
use crate::catalog::history::Past;
use crate::catalog::model::{Dataset, DatasetId, StorageId, Wish};
use crate::catalog::snapshot::Snapshot;
use crate::config::{QueryLimits, Settings};
use crate::error::{Code, Error, Result};
use crate::store::cursor::CursorKeys;
use crate::store::json::RootShape;
use crate::store::json::key_bytes;
use crate::store::run::{Run, Statement};

/// What a root field over a dataset asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RootKind {
    /// `orders`
    List,
    /// `ordersByPk`
    ByPk,
    /// `ordersAggregate`
    Aggregate,
    /// `ordersGroupBy`
    GroupBy,
    /// `ordersConnection`
    Connection,
    /// `node`, of a row of this dataset
    Node,
}

/// The root fields of a dataset: suffix of the name, kind.
pub const ROOT_FIELDS: [(&str, RootKind); 5] = [
    ("", RootKind::List),
    ("ByPk", RootKind::ByPk),
    ("Aggregate", RootKind::Aggregate),
    ("GroupBy", RootKind::GroupBy),
    ("Connection", RootKind::Connection),
];

/// The dataset and the kind of a root field; `None` for fields of the catalog.
pub fn root_field<'s>(snapshot: &'s Snapshot, name: &str) -> Option<(&'s Arc<Dataset>, RootKind)> {
    ROOT_FIELDS.iter().find_map(|(suffix, kind)| {
        let dataset = snapshot.dataset(name.strip_suffix(suffix)?)?;
        let is_aggregate = matches!(kind, RootKind::Aggregate | RootKind::GroupBy);
        (!is_aggregate || !snapshot.is_list_only(dataset.id)).then_some((dataset, *kind))
    })
}

/// What the name of a list gets appended for its rows as they come: `ordersStream`.
pub const STREAM_SUFFIX: &str = "Stream";

/// The dataset of a root field of subscriptions that sends its rows as they come.
pub fn stream_field<'s>(snapshot: &'s Snapshot, name: &str) -> Option<&'s Arc<Dataset>> {
    snapshot.dataset(name.strip_suffix(STREAM_SUFFIX)?)
}

/// What a plan depends on besides the document.
#[derive(Clone, Debug)]
pub struct PlanSettings {
    /// Bounds on documents.
    pub limits: QueryLimits,
    /// Rows when `limit` is not given.
    pub default_limit: i64,
    /// Largest `limit`.
    pub max_limit: i64,
    /// Which SQL.
    pub dialect: Dialect,
    /// What cursors are signed with.
    pub cursor_keys: Arc<CursorKeys>,
    /// What masked values are hashed with.
    pub mask_key: MaskKey,
    /// Lists answer all of their rows unless told how many; a policy's bound holds.
    pub is_unlimited: bool,
}

/// A secret of the server, of which each workspace has its own.
#[derive(Clone, Copy)]
pub struct MaskKey([u8; 32]);

impl MaskKey {
    /// A key of these bytes.
    pub fn new(bytes: [u8; 32]) -> MaskKey {
        MaskKey(bytes)
    }

    /// The secret of a workspace, as text.
    pub(super) fn of(&self, workspace: &[u8]) -> String {
        use sha2::{Digest, Sha256};
        let hash = Sha256::new().chain_update(self.0).chain_update(workspace).finalize();
        hash.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

impl std::fmt::Debug for MaskKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("MaskKey(…)")
    }
}

impl PlanSettings {
    /// What these settings say.
    pub fn new(
        settings: &Settings,
        cursor_keys: &Arc<CursorKeys>,
        mask_key: MaskKey,
    ) -> PlanSettings {
        PlanSettings {
            limits: settings.query_limits,
            default_limit: Ord::min(settings.default_limit, settings.max_limit),
            max_limit: settings.max_limit,
            dialect: match settings.database_url {
                None => Dialect::Sqlite,
                Some(_) => Dialect::Postgres,
            },
            cursor_keys: Arc::clone(cursor_keys),
            mask_key,
            is_unlimited: false,
        }
    }

    /// The same for an operation whose rows are not held together anywhere: as many as there are.
    #[must_use]
    pub fn unlimited(&self) -> PlanSettings {
        let limits = QueryLimits { max_cost: u64::MAX, ..self.limits };
        let (default_limit, max_limit) = (i64::MAX, i64::MAX);
        PlanSettings { limits, default_limit, max_limit, is_unlimited: true, ..self.clone() }
    }
}

/// An operation, ready to be run with new variables.
#[derive(Debug)]
pub struct Plan {
    /// Facts about the variables that must hold.
    observations: Vec<Observation>,
    /// Root fields in the order of the answer.
    pub roots: Vec<Root>,
    /// The indexes of the datasets that it reads: it may rely upon them.
    indexes: Vec<(DatasetId, Vec<String>)>,
    settings: PlanSettings,
    /// Of the datasets that it reads; whoever runs it counts.
    pub counters: Vec<ReadCounter>,
}

/// One root field of a plan.
#[derive(Debug)]
pub struct Root {
    /// The response key.
    pub key: String,
    /// `"key":`
    pub key_bytes: Box<[u8]>,
    /// Whether `null` may stand for a failure of this field alone.
    pub is_nullable: bool,
    /// What is behind it.
    pub body: RootBody,
}

/// What answers a root field.
#[derive(Debug)]
pub enum RootBody {
    /// Finished JSON: `__typename`.
    Literal(Box<[u8]>),
    /// A statement.
    Statement(RootStatement),
    /// A field of the catalog, answered elsewhere.
    Catalog,
}

/// A plan with its values, ready to be run.
#[derive(Debug)]
pub struct Bound {
    /// The run of each statement, `None` for other roots, in the order of the roots.
    pub runs: Vec<Option<Run>>,
    /// Cells that may be answered: fields × rows.
    pub cost: u64,
}

/// A statement with the values it needs.
#[derive(Debug)]
pub struct RootStatement {
    pub(super) statement: Arc<Statement>,
    pub(super) slots: Vec<Slot>,
    /// In the order of the statement's table markers.
    pub(super) datasets: Vec<DatasetId>,
    /// The version of each, where it is not the present one.
    pub(super) pasts: Vec<Option<Past>>,
    pub(super) cost: Cost,
    /// What of the first dataset it filters and sorts by.
    pub(super) wish: Wish,
    /// The same for columns, where they can answer it.
    pub(super) question: Option<Box<Question>>,
}

impl RootStatement {
    /// What of the first dataset it filters and sorts by.
    pub fn wish(&self) -> &Wish {
        &self.wish
    }

    /// The statement with these values.
    pub(super) fn bind<'b>(
        &'b self,
        binder: &mut Binder<'b>,
        deadline: std::time::Instant,
    ) -> Result<Run> {
        let mut tables = Vec::with_capacity(self.datasets.len());
        let mut versions = Vec::with_capacity(self.datasets.len());
        let mut n_rows = 0;
        // A policy's filter may lead to datasets that are not shown.
        let shown = binder.snapshot;
        let whole = shown.view.as_ref().map_or(shown, |view| &view.base);
        for (id, past) in self.datasets.iter().zip(&self.pasts) {
            let dataset =
                whole.dataset_by_id(*id).ok_or_else(|| Error::not_found("The dataset is gone."))?;
            let (storage, version) = read_at(dataset, past.as_ref());
            n_rows = dataset.row_count;
            tables.push(storage.clone());
            versions.push(version);
        }
        let mut binds = Vec::with_capacity(self.slots.len());
        for slot in &self.slots {
            let bound = binder.bind(slot);
            binds.push(bound.map_err(|error| seen::told(error, &slot.place))?);
        }
        let question = match &self.question {
            Some(question) => question.bind(binder, n_rows)?,
            None => None,
        };
        let question = question.map(Arc::new);
        let statement = Arc::clone(&self.statement);
        Ok(Run { statement, binds, tables, versions, deadline, question })
    }

    /// The cells that a run may answer.
    pub fn cells(&self, run: &Run) -> u64 {
        self.cost.cells(&run.binds)
    }
}

/// The table that is read of a dataset, and the version that its rows are of: all that they depend
/// on.
fn read_at<'r>(dataset: &'r Dataset, past: Option<&'r Past>) -> (&'r StorageId, i64) {
    match past {
        // Without a log the rows are those of the table, whose version tells of its first change;
        // below zero, so that it is not taken for what the log tells later.
        Some(past) if !past.has_log && past.storage == dataset.storage => {
            (&past.storage, -dataset.version)
        }
        Some(past) => (&past.storage, past.version),
        None => (&dataset.storage, dataset.version),
    }
}

/// The names of the indexes that datasets have now, each dataset once.
pub(super) fn indexes_of<'i>(
    snapshot: &Snapshot,
    datasets: impl IntoIterator<Item = &'i DatasetId>,
) -> Vec<(DatasetId, Vec<String>)> {
    let mut indexes: Vec<(DatasetId, Vec<String>)> = Vec::new();
    for id in datasets {
        if !indexes.iter().any(|(known, _)| known == id) {
            indexes.push((*id, index_names(snapshot, *id).map(str::to_owned).collect()));
        }
    }
    indexes
}

/// Whether datasets have just these indexes.
pub(super) fn has_indexes(snapshot: &Snapshot, indexes: &[(DatasetId, Vec<String>)]) -> bool {
    indexes.iter().all(|(id, names)| index_names(snapshot, *id).eq(names))
}

fn index_names(snapshot: &Snapshot, id: DatasetId) -> impl Iterator<Item = &str> {
    let dataset = snapshot.dataset_by_id(id).into_iter();
    dataset.flat_map(|dataset| &dataset.indexes).map(|index| index.name.as_str())
}

impl Root {
    /// The datasets that it reads, the one that it answers rows of first.
    pub fn datasets(&self) -> &[DatasetId] {
        match &self.body {
            RootBody::Statement(body) => &body.datasets,
            _ => &[],
        }
    }

    /// The shape of its answer; none where no statement answers it.
    pub fn shape(&self) -> Option<&RootShape> {
        match &self.body {
            RootBody::Statement(body) => Some(&body.statement.shape),
            _ => None,
        }
    }
}

impl Root {
    /// All tables that it reads, each with the version that its rows are of; `whole` is all of the
    /// workspace.
    pub fn reads<'r>(&'r self, whole: &'r Snapshot) -> impl Iterator<Item = (&'r StorageId, i64)> {
        let read = match &self.body {
            RootBody::Statement(body) => Some(body.datasets.iter().zip(&body.pasts)),
            _ => None,
        };
        read.into_iter()
            .flatten()
            .filter_map(|(id, past)| Some(read_at(whole.dataset_by_id(*id)?, past.as_ref())))
    }

    /// Whether the versions that it was planned for are where they were.
    fn is_kept(&self, whole: &Snapshot) -> bool {
        let RootBody::Statement(body) = &self.body else { return true };
        body.datasets.iter().zip(&body.pasts).all(|(id, past)| {
            past.as_ref().is_none_or(|past| {
                let dataset = whole.dataset_by_id(*id);
                dataset.is_some_and(|dataset| {
                    let kept = dataset.kept(past.version);
                    kept.is_some_and(|kept| dataset.past(kept) == *past)
                })
            })
        })
    }
}

impl Plan {
    /// The datasets that it reads.
    pub fn datasets(&self) -> impl Iterator<Item = DatasetId> {
        let statements = self.roots.iter().filter_map(|root| match &root.body {
            RootBody::Statement(body) => Some(body.datasets.iter().copied()),
            _ => None,
        });
        statements.flatten()
    }

    /// Plans the data fields of a validated operation.
    ///
    /// # Errors
    /// BAD_USER_INPUT for arguments that do not fit, QUERY_TOO_COMPLEX and QUERY_TOO_DEEP beyond
    /// the limits.
    pub fn new(
        document: &Document,
        snapshot: &Snapshot,
        variables: &Variables,
        settings: PlanSettings,
    ) -> Result<Plan> {
        let mut compiler = compiler(document, snapshot, variables, &settings);
        let operation = document.operation()?;
        let fields = compiler.collect([&operation.selection_set.node])?;
        let mut roots = Vec::with_capacity(fields.len());
        for (key, merged) in &fields {
            let Some(field) = merged.first() else { continue };
            let mut root = Root {
                key_bytes: key_bytes(key),
                key: key.clone(),
                is_nullable: false,
                body: RootBody::Catalog,
            };
            let name = field.name.node.as_str();
            if name == "__typename" {
                let type_name = if document.is_mutation() { "\"Mutation\"" } else { "\"Query\"" };
                root.body = RootBody::Literal(type_name.as_bytes().into());
            } else if let Some((dataset, kind)) = root_field(snapshot, name) {
                root.is_nullable = kind == RootKind::ByPk;
                root.body = RootBody::Statement(compiler.root(dataset, kind, merged)?);
            } else if name == NODE_FIELD {
                root.is_nullable = true;
                root.body = match compiler.node_dataset(field)? {
                    Some(dataset) => {
                        RootBody::Statement(compiler.root(dataset, RootKind::Node, merged)?)
                    }
                    None => RootBody::Literal(b"null".as_slice().into()),
                };
            }
            roots.push(root);
        }
        let observations = compiler.reader.into_observations();
        let indexes = indexes_of(snapshot, roots.iter().flat_map(Root::datasets));
        Ok(Plan { observations, roots, indexes, settings, counters: Vec::new() })
    }

    /// Whether the plan's facts hold for these variables.
    pub fn fits(&self, variables: &Variables, snapshot: &Snapshot) -> bool {
        self.observations.iter().all(|observation| observation.holds(variables))
            && self.is_current(snapshot)
    }

    /// Whether the indexes and the versions are there that it was made with.
    pub fn is_current(&self, snapshot: &Snapshot) -> bool {
        has_indexes(snapshot, &self.indexes) && self.has_its_versions(snapshot)
    }

    /// Whether the earlier versions that it reads are where they were.
    pub fn has_its_versions(&self, snapshot: &Snapshot) -> bool {
        let whole = snapshot.view.as_ref().map_or(snapshot, |view| &view.base);
        self.roots.iter().all(|root| root.is_kept(whole))
    }

    /// What its statements filter and sort by, for those who build indexes.
    pub fn wishes(&self) -> impl Iterator<Item = (DatasetId, &Wish, &Arc<Statement>)> {
        self.roots.iter().filter_map(|root| match &root.body {
            RootBody::Statement(body) => {
                Some((*body.datasets.first()?, &body.wish, &body.statement))
            }
            _ => None,
        })
    }

    /// Whether every root field is answered by the plan itself.
    pub fn is_complete(&self) -> bool {
        self.roots.iter().all(|root| !matches!(root.body, RootBody::Catalog))
    }

    /// The plan's statements with these values.
    ///
    /// # Errors
    /// BAD_USER_INPUT for values that do not fit, QUERY_TOO_COMPLEX when the whole costs too much.
    pub fn bind(
        &self,
        snapshot: &Snapshot,
        variables: &Variables,
        deadline: std::time::Instant,
    ) -> Result<Bound> {
        let PlanSettings { dialect, limits, .. } = self.settings;
        let mut binder = Binder::new(variables, snapshot, dialect, limits.max_in_values);
        let mut cost = 0u64;
        let mut runs = Vec::with_capacity(self.roots.len());
        for root in &self.roots {
            let RootBody::Statement(body) = &root.body else {
                runs.push(None);
                continue;
            };
            let run = body.bind(&mut binder, deadline)?;
            cost = cost.saturating_add(body.cells(&run));
            runs.push(Some(run));
        }
        let max_cost = self.settings.limits.max_cost;
        if cost > max_cost {
            return Err(Error::new(
                Code::QueryTooComplex,
                format!(
                    "The operation may answer {cost} cells (fields × rows); the limit is {max_cost}. Ask for fewer fields or rows."
                ),
            ));
        }
        Ok(Bound { runs, cost })
    }
}

/// The compiler of a document's statements.
pub(super) fn compiler<'d>(
    document: &'d Document,
    snapshot: &'d Snapshot,
    variables: &'d Variables,
    settings: &'d PlanSettings,
) -> Compiler<'d> {
    Compiler {
        document,
        snapshot,
        reader: InputReader::new(variables),
        limits: settings.limits,
        default_limit: settings.default_limit,
        max_limit: settings.max_limit,
        dialect: settings.dialect,
        cursor_keys: &settings.cursor_keys,
        mask_key: settings.mask_key,
        is_unlimited: settings.is_unlimited,
        slots: Vec::new(),
        n_predicates: 0,
        tables: Vec::new(),
        pasts: Vec::new(),
        n_aliases: 0,
    }
}

/// The run that counts the rows of a dataset that a snapshot shows: `{"aggregate":{"count":…}}`.
///
/// # Errors
/// FORBIDDEN when a policy does not fit its dataset any more; INTERNAL.
pub fn count(
    snapshot: &Snapshot,
    dataset: DatasetId,
    variables: &Variables,
    settings: &PlanSettings,
    deadline: std::time::Instant,
) -> Result<Run> {
    let body = counting(snapshot, dataset, variables, settings)?;
    let max_in_values = settings.limits.max_in_values;
    let mut binder = Binder::new(variables, snapshot, settings.dialect, max_in_values);
    body.bind(&mut binder, deadline)
}

/// Checks the filter of a policy in a snapshot that is seen through it: that its fields and
/// operators exist and its constants fit.
///
/// # Errors
/// BAD_USER_INPUT, naming what does not fit.
pub fn check_policy(
    snapshot: &Snapshot,
    dataset: DatasetId,
    variables: &Variables,
    settings: &PlanSettings,
) -> Result<()> {
    let body = counting(snapshot, dataset, variables, settings)?;
    let constants = body.slots.iter().filter(|slot| matches!(slot.origin, Origin::Constant(_)));
    let max_in_values = settings.limits.max_in_values;
    let mut binder = Binder::new(variables, snapshot, settings.dialect, max_in_values);
    constants.map(|slot| binder.bind(slot)).try_for_each(|bind| bind.map(drop))
}

fn counting(
    snapshot: &Snapshot,
    dataset: DatasetId,
    variables: &Variables,
    settings: &PlanSettings,
) -> Result<RootStatement> {
    let dataset =
        snapshot.dataset_by_id(dataset).ok_or_else(|| Error::not_found("The dataset is gone."))?;
    let document = Document::parse("{ rows { aggregate { count } } }", None, &settings.limits)?;
    let mut compiler = compiler(&document, snapshot, variables, settings);
    let fields = compiler.collect([&document.operation()?.selection_set.node])?;
    let merged = fields.first().map(|(_, merged)| merged.clone()).unwrap_or_default();
    compiler.root(dataset, RootKind::Aggregate, &merged)
}
