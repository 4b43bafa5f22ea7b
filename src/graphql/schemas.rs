//! Keeps schemas: a small one for the datasets that a document can reach, the whole one for
//! introspection.
//!
//! Small ones are made where they are needed, in a few milliseconds. The whole one of a workspace
//! is made on a thread of its own, once however many ask, and let go when nobody has asked for a
//! while. Neither outlives its revision of the catalog.

use std::cmp::Reverse;
use std::collections::{BTreeSet, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use async_graphql::dynamic::Schema;
use moka::sync::Cache;
use serde_json::Value as Json;
use tokio::task::JoinSet;

use super::schema;
use crate::catalog::model::{Dataset, Scope, WorkspaceId};
use crate::catalog::snapshot::Snapshot;
use crate::error::{Error, Result};
use crate::query::input::Variables;
use crate::query::plan;
use crate::write::fields::write_field;

/// Datasets in all small schemas that are kept; each costs about 115 KiB, and the rest of a schema
/// as much as two.
const SMALL_SCHEMA_DATASETS: u64 = 256;
/// Datasets in all whole schemas that are kept, unless the last one alone has more.
const WHOLE_SCHEMA_DATASETS: usize = 2_000;
/// Time that a whole schema is kept after its last use: it may be large.
const WHOLE_SCHEMA_IDLE: Duration = Duration::from_secs(60);
/// How often schemas are looked through for those that nobody uses.
const SWEEP_EVERY: Duration = Duration::from_secs(20);
/// Datasets that one document may reach before the whole schema is used to validate it.
const NAMED_DATASETS: usize = 50;
/// Datasets up to which a small schema is built where it is needed; larger ones on another thread.
const BUILT_IN_PLACE: usize = 8;
/// Datasets up to which a small schema has all that the named ones are linked with, mentioned or
/// not: errors can suggest them then.
const ROOM_FOR_NEIGHBOURS: usize = 8;

/// What the schema that a principal sees depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Sight {
    workspace: WorkspaceId,
    schema_revision: i64,
    view: u128,
    scope: Scope,
}

impl Sight {
    /// Of what a principal of this scope sees.
    pub(super) fn new(snapshot: &Snapshot, scope: Scope) -> Sight {
        Sight {
            workspace: snapshot.workspace,
            schema_revision: snapshot.schema_revision,
            view: snapshot.view_id(),
            scope,
        }
    }

    /// Whether it is of another revision of the same workspace.
    fn is_before(self, other: Sight) -> bool {
        self.workspace == other.workspace && self.schema_revision != other.schema_revision
    }
}

type SmallKey = (Sight, BTreeSet<String>);

/// The whole schemas. No cache of moka, which frees what it lets go of only some uses later: these
/// are few, and may be a hundred megabytes each.
#[derive(Default)]
struct WholeSchemas {
    kept: Mutex<Vec<Whole>>,
    /// One is built at a time, whoever waits for it.
    building: tokio::sync::Mutex<()>,
}

/// A whole schema of a workspace.
struct Whole {
    sight: Sight,
    schema: Schema,
    n_datasets: usize,
    last_used: Instant,
}

/// The schemas of all workspaces.
pub(super) struct Schemas {
    small: Cache<SmallKey, Schema>,
    whole: Arc<WholeSchemas>,
    /// Whether errors name what is near a wrong name.
    suggests: bool,
    _sweeper: JoinSet<()>,
}

impl Schemas {
    /// None yet; must be called where tasks can be started.
    pub(super) fn new(suggests: bool) -> Schemas {
        let small = Cache::builder()
            .max_capacity(SMALL_SCHEMA_DATASETS)
            .weigher(|key: &SmallKey, _| u32::try_from(key.1.len() + 2).unwrap_or(u32::MAX))
            .build();
        let whole = Arc::new(WholeSchemas::default());
        let mut sweeper = JoinSet::new();
        let swept = Arc::clone(&whole);
        sweeper.spawn(async move {
            loop {
                tokio::time::sleep(SWEEP_EVERY).await;
                swept.kept().retain(|whole| whole.last_used.elapsed() < WHOLE_SCHEMA_IDLE);
            }
        });
        Schemas { small, whole, suggests, _sweeper: sweeper }
    }

    /// A schema of the datasets that a document with these variables can reach.
    ///
    /// # Errors
    /// INTERNAL when it cannot be built, which naming excludes.
    pub(super) async fn small(
        &self,
        snapshot: &Arc<Snapshot>,
        scope: Scope,
        text: &str,
        variables: &Variables,
    ) -> Result<Schema> {
        let reached = reached_datasets(snapshot, text, variables);
        if reached.len() > NAMED_DATASETS {
            return self.whole(snapshot, scope).await;
        }
        let key = (Sight::new(snapshot, scope), reached);
        if let Some(schema) = self.small.get(&key) {
            return Ok(schema);
        }
        let datasets = key.1.iter().filter_map(|name| snapshot.dataset(name)).cloned();
        // Links to other datasets are left out: no field of the document leads along them.
        let part = snapshot.only(datasets);
        let n_datasets = part.datasets().len();
        let suggests = self.suggests;
        let build = move || schema::build(part.datasets(), &part, scope, suggests);
        let schema = if n_datasets > BUILT_IN_PLACE {
            tokio::task::spawn_blocking(build).await.map_err(Error::internal)?
        } else {
            build()
        };
        let schema = schema.map_err(Error::internal)?;
        self.small.insert(key, schema.clone());
        Ok(schema)
    }

    /// The schema of all datasets, built off the request path.
    ///
    /// # Errors
    /// INTERNAL when it cannot be built, which naming excludes.
    pub(super) async fn whole(&self, snapshot: &Arc<Snapshot>, scope: Scope) -> Result<Schema> {
        let sight = Sight::new(snapshot, scope);
        if let Some(schema) = self.whole.get(sight) {
            return Ok(schema);
        }
        let _building = self.whole.building.lock().await;
        if let Some(schema) = self.whole.get(sight) {
            return Ok(schema);
        }
        // Never an older one beside its successor.
        self.whole.kept().retain(|whole| !whole.sight.is_before(sight));
        let built = Arc::clone(snapshot);
        let suggests = self.suggests;
        let build = move || schema::build(built.datasets(), &built, scope, suggests);
        let build = tokio::task::spawn_blocking(build);
        let schema = build.await.map_err(Error::internal)?.map_err(Error::internal)?;
        self.whole.keep(sight, snapshot.datasets().len(), schema.clone());
        Ok(schema)
    }
}

impl WholeSchemas {
    fn kept(&self) -> MutexGuard<'_, Vec<Whole>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn get(&self, sight: Sight) -> Option<Schema> {
        let mut kept = self.kept();
        let whole = kept.iter_mut().find(|whole| whole.sight == sight)?;
        whole.last_used = Instant::now();
        Some(whole.schema.clone())
    }

    /// Keeps a schema in the place of older ones of its workspace, and of those that were not used
    /// for longest when there are too many.
    fn keep(&self, sight: Sight, n_datasets: usize, schema: Schema) {
        let mut kept = self.kept();
        kept.retain(|whole| !whole.sight.is_before(sight) && whole.sight != sight);
        kept.push(Whole { sight, schema, n_datasets, last_used: Instant::now() });
        kept.sort_by_key(|whole| Reverse(whole.last_used));
        let mut n_datasets = 0;
        kept.retain(|whole| {
            let is_last = n_datasets == 0;
            n_datasets += whole.n_datasets;
            is_last || n_datasets <= WHOLE_SCHEMA_DATASETS
        });
    }
}

/// The datasets that fields, types and variables of a document lead to: those whose root fields or
/// types it mentions, and from there along the links whose names it mentions, as many steps as its
/// brackets are deep.
pub(super) fn reached_datasets(
    snapshot: &Snapshot,
    text: &str,
    variables: &Variables,
) -> BTreeSet<String> {
    let mut mentioned: HashSet<&str> = words(text).collect();
    let mut variables_depth = 0;
    for value in variables.values() {
        variables_depth = mention_keys(value, &mut mentioned).max(variables_depth);
    }
    let n_steps = bracket_depth(text) + variables_depth;
    let mut reached = BTreeSet::new();
    for name in &mentioned {
        let listed = plan::root_field(snapshot, name).map(|(dataset, _)| dataset);
        if let Some(dataset) = listed.or_else(|| plan::stream_field(snapshot, name)) {
            reached.insert(dataset.name.clone());
        } else if let Some((dataset, _)) = write_field(snapshot, name) {
            reached.insert(dataset.name.clone());
        } else if name.starts_with(|first: char| first.is_ascii_uppercase()) {
            // Type names end in known words: each dataset whose type begins the name may be meant.
            let of_type = |dataset: &&Arc<Dataset>| name.starts_with(dataset.type_name.as_str());
            reached.extend(snapshot.datasets().filter(of_type).map(|dataset| dataset.name.clone()));
        }
    }
    let mut last: Vec<String> = reached.iter().cloned().collect();
    let mut neighbours = Vec::new();
    for _ in 0..n_steps {
        let mut next = Vec::new();
        for dataset in last.iter().filter_map(|name| snapshot.dataset(name)) {
            for link in snapshot.links(dataset.id) {
                let Some(other) = snapshot.dataset_by_id(link.other) else { continue };
                if reached.contains(&other.name) {
                    continue;
                }
                if link.fields().any(|field| mentioned.contains(field.as_str())) {
                    reached.insert(other.name.clone());
                    next.push(other.name.clone());
                } else {
                    neighbours.push(other.name.clone());
                }
            }
        }
        last = next;
    }
    for name in neighbours {
        if reached.len() >= ROOM_FOR_NEIGHBOURS {
            break;
        }
        reached.insert(name);
    }
    reached
}

/// All words of a text that could be names.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).filter(|word| !word.is_empty())
}

/// The deepest nesting of brackets; those in texts and comments count, too, and do no harm.
fn bracket_depth(text: &str) -> usize {
    let mut depth = 0_usize;
    let mut deepest = 0;
    for byte in text.bytes() {
        match byte {
            b'{' | b'[' | b'(' => depth += 1,
            b'}' | b']' | b')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = depth.max(deepest);
    }
    deepest
}

/// Adds the keys of a value, and tells how deep it is.
fn mention_keys<'v>(value: &'v Json, mentioned: &mut HashSet<&'v str>) -> usize {
    let mut deepest = 0;
    match value {
        Json::Object(map) => {
            for (key, value) in map {
                mentioned.insert(key);
                deepest = mention_keys(value, mentioned).max(deepest);
            }
        }
        Json::Array(items) => {
            for item in items {
                deepest = mention_keys(item, mentioned).max(deepest);
            }
        }
        _ => return 0,
    }
    deepest + 1
}

#[cfg(test)]
mod tests {
    use sluice_schema::ColumnType;
    use uuid::Uuid;

    use super::*;
    use crate::catalog::model::{DatasetId, Relation};
    use crate::query::tests::{column, dataset};

    #[test]
    fn whole_schemas_give_way_to_newer_ones() {
        let whole = WholeSchemas::default();
        let empty = |workspace: u128, schema_revision: i64| {
            let workspace = WorkspaceId(Uuid::from_u128(workspace));
            Snapshot::new(workspace, 1, schema_revision, [])
        };
        let keep = |snapshot: &Snapshot| {
            let schema = schema::build(snapshot.datasets(), snapshot, Scope::Read, true).unwrap();
            whole.keep(Sight::new(snapshot, Scope::Read), snapshot.datasets().len(), schema);
        };
        let has = |snapshot: &Snapshot| whole.get(Sight::new(snapshot, Scope::Read)).is_some();
        keep(&empty(1, 1));
        keep(&empty(2, 1));
        assert!(has(&empty(1, 1)) && has(&empty(2, 1)));
        keep(&empty(1, 2));
        assert!(!has(&empty(1, 1)) && has(&empty(1, 2)));
        // Too many together: the one that was used last stays.
        for other in whole.kept().iter_mut() {
            other.n_datasets = WHOLE_SCHEMA_DATASETS;
        }
        keep(&empty(3, 1));
        assert!(has(&empty(3, 1)));
        let mut kept = whole.kept();
        kept.iter_mut().for_each(|other| other.n_datasets = WHOLE_SCHEMA_DATASETS);
        drop(kept);
        keep(&empty(4, 1));
        assert_eq!(whole.kept().iter().filter(|it| it.n_datasets > 0).count(), 1);
    }

    /// A thousand datasets, each of which leads to the next.
    fn chain() -> Snapshot {
        let datasets = (0..1_000_u32).map(|n| {
            let columns = ["id", "next"].map(|name| column(name, name, ColumnType::Int)).into();
            let (name, type_name) = (format!("d{n:03}"), format!("D{n:03}"));
            let mut made = dataset(n.into(), &name, &type_name, columns);
            made.relations.push(Relation {
                name: "after".to_owned(),
                inverse_name: "before".to_owned(),
                column: "next".to_owned(),
                to: DatasetId(Uuid::from_u128(u128::from(n) + 1)),
                to_column: "id".to_owned(),
                to_row_number: false,
            });
            Arc::new(made)
        });
        Snapshot::new(WorkspaceId(Uuid::nil()), 1, 1, datasets)
    }

    fn check(snapshot: &Snapshot, text: &str, variables: &str, expect: &[&str]) {
        let variables = serde_json::from_str(variables).unwrap();
        let reached = reached_datasets(snapshot, text, &variables);
        assert_eq!(reached.iter().map(String::as_str).collect::<Vec<_>>(), expect, "{text}");
    }

    #[test]
    fn a_document_reaches_what_it_mentions() {
        let snapshot = chain();
        check(&snapshot, "{ datasets { name } }", "{}", &[]);
        // With those beside it, of which nothing is asked.
        check(&snapshot, "{ d500 { id } }", "{}", &["d499", "d500", "d501"]);
        check(
            &snapshot,
            "{ d500Aggregate { aggregate { count } } }",
            "{}",
            &["d499", "d500", "d501"],
        );
        check(
            &snapshot,
            "query($w: D007BoolExp) { a: d007(where: $w) { id } }",
            r#"{"w": {"id": {}}}"#,
            &["d006", "d007", "d008"],
        );
        // Along the links, in the text or the variables, they may all be reached.
        let far = reached_datasets(&snapshot, "{ d007 { after { id } } }", &Variables::new());
        assert!(far.contains("d008") && far.len() < 10, "{far:?}");
        let variables = serde_json::from_str(r#"{"w": {"after": {"id": {"_eq": 1}}}}"#).unwrap();
        let text = "query($w: D997BoolExp) { d997(where: $w) { id } }";
        assert_eq!(reached_datasets(&snapshot, text, &variables).len(), 4);
    }
}
