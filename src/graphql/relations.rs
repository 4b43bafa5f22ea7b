//! Relations between datasets: declaring and dropping them, showing them, and finding those that
//! the data suggest.
//!
//! A relation changes no rows. Declaring one makes sure that both of its columns have an index, so
//! that what is nested by it is found by looking up, never by reading a whole dataset per row.

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_graphql::dynamic::{Field, FieldFuture, FieldValue, ResolverContext, SchemaBuilder};
use serde_json::{Value as Json, json};
use sluice_schema::{ColumnType, naming};

use super::answer::to_field_error;
use super::catalog_types::{field_value, json_object, type_ref};
use super::engine::RequestContext;
use super::mutations::{dataset_named, of_request, required, text};
use super::root_field::RootField;
use super::uploads::argument;
use crate::catalog::model::{Column, Dataset, Index, ROW_COLUMN, Relation};
use crate::catalog::snapshot::{Link, Snapshot, are_comparable};
use crate::error::{Code, Error, Result};
use crate::indexes::NewIndex;
use crate::query::Dialect;
use crate::query::overlap::{self, Overlap};
use crate::store::run::Run;

/// Relations that one dataset may declare.
const MAX_RELATIONS: usize = 64;
/// Pairs of columns that are compared to suggest relations.
const MAX_CANDIDATES: usize = 64;
/// How long comparing may take in all, and one pair.
const SUGGESTION_TIME: (Duration, Duration) = (Duration::from_secs(20), Duration::from_secs(5));
/// How much of a column must be found in the other for a suggestion.
const LEAST_COVERAGE: f64 = 0.9;

/// Registers the types.
pub(super) fn register(builder: SchemaBuilder) -> SchemaBuilder {
    builder
        .register(json_object(
            "Relation",
            "A link from a column of one dataset to a column of another.",
            &[
                ("name", "String!", "The field that leads to the one related row."),
                ("inverseName", "String!", "The field that leads back, to a list."),
                ("from", "String!", "The dataset whose column refers."),
                ("column", "String!", "Its column."),
                ("to", "String", "The dataset referred to; none once it is dropped."),
                ("toColumn", "String!", "Its column, whose values differ."),
                (
                    "active",
                    "Boolean!",
                    "Whether its fields are there: both columns exist and can be compared.",
                ),
            ],
        ))
        .register(json_object(
            "RelationSuggestion",
            "A relation that the data suggest; declare it by addRelation.",
            &[
                ("name", "String!", "The field that it could have."),
                ("inverseName", "String!", "The field back that it could have."),
                ("from", "String!", "The dataset whose column refers."),
                ("column", "String!", "Its column."),
                ("to", "String!", "The dataset referred to."),
                ("toColumn", "String!", "Its column."),
                ("coverage", "Float!", "The share of values that are found there, from 0 to 1."),
                ("orphans", "BigInt!", "Rows whose value is not found there."),
                ("evidence", "String!", "Why it is suggested, in one sentence."),
            ],
        ))
}

/// The field `relations` of a dataset.
pub(super) fn of_dataset() -> Field {
    Field::new("relations", type_ref("[Relation!]!"), |context| {
        FieldFuture::new(async move {
            let request = context.data::<RequestContext>()?;
            let snapshot = request.snapshot();
            let Some(this) = context.parent_value.downcast_ref::<Arc<Dataset>>() else {
                return Ok(None);
            };
            let mut found: Vec<Json> = Vec::new();
            // As the job or the mutation before left it, which may be newer than the snapshot.
            found.extend(this.relations.iter().map(|it| relation_json(&snapshot, this, it)));
            for other in snapshot.datasets().filter(|other| other.id != this.id) {
                let here = other.relations.iter().filter(|relation| relation.to == this.id);
                found.extend(here.map(|relation| relation_json(&snapshot, other, relation)));
            }
            if snapshot.view.is_some() {
                // The others lead to what is not shown.
                found.retain(|relation| relation["active"] == true);
            }
            Ok(field_value(Json::Array(found), "[Relation!]!"))
        })
    })
    .description("Links from its columns to other datasets, and from others to it.")
}

fn relation_json(snapshot: &Snapshot, from: &Dataset, relation: &Relation) -> Json {
    json!({
        "name": relation.name,
        "inverseName": relation.inverse_name,
        "from": from.name,
        "column": relation.column,
        "to": snapshot.dataset_by_id(relation.to).map(|to| to.name.clone()),
        "toColumn": relation.to_column,
        "active": snapshot.ends(from, relation).is_some(),
    })
}

/// The mutations.
pub(super) fn mutations() -> Vec<RootField> {
    vec![
        RootField::new("addRelation", type_ref("Dataset!"), |context| {
            FieldFuture::new(async move {
                let dataset = add(&context).await.map_err(to_field_error)?;
                Ok(Some(FieldValue::owned_any(dataset)))
            })
        })
        .argument(argument("from", "String!", "The dataset whose column refers to another."))
        .argument(argument("column", "String!", "Its column."))
        .argument(argument("to", "String!", "The dataset referred to."))
        .argument(argument("toColumn", "String", "Its column, whose values differ; its key by default."))
        .argument(argument("name", "String", "The field that leads to the related row; by default the column without its ending Id."))
        .argument(argument("inverseName", "String", "The field that leads back to the list; by default the dataset's name."))
        .description("Links two datasets: each gets a field that leads to the other, in objects, filters and orders. Indexes are built where they are missing. Answers the dataset whose column refers."),
        RootField::new("dropRelation", type_ref("Dataset!"), |context| {
            FieldFuture::new(async move {
                let dataset = drop(&context).await.map_err(to_field_error)?;
                Ok(Some(FieldValue::owned_any(dataset)))
            })
        })
        .argument(argument("from", "String!", "The dataset whose column refers."))
        .argument(argument("name", "String!", "The relation's name."))
        .description("Takes a relation's fields away; rows and indexes stay."),
    ]
}

async fn add(context: &ResolverContext<'_>) -> Result<Arc<Dataset>> {
    let request = of_request(context)?;
    let workspace = request.principal.workspace;
    // Fields that this key does not see have their names all the same: filters of policies lead
    // along them.
    let snapshot = request.services.catalog.snapshot(workspace);
    let from = dataset_named(request, &required(context, "from")?)?;
    let to = dataset_named(request, &required(context, "to")?)?;
    let column = column_named(&from, &required(context, "column")?)?;
    let to_column = match text(context, "toColumn")? {
        Some(name) => column_named(&to, &name)?,
        None => to.columns.get(to.key).ok_or_else(|| Error::internal("a dataset without a key"))?,
    };
    if !are_comparable(column.column_type, to_column.column_type) {
        return Err(Error::bad_input(format!(
            "{}.{} is {} and {}.{} is {}: they can never be equal. Give both the same type by alterColumn.",
            from.name,
            column.name,
            column.column_type.name(),
            to.name,
            to_column.name,
            to_column.column_type.name(),
        )));
    }
    if from.id == to.id && column.name == to_column.name {
        return Err(Error::bad_input("A column cannot refer to itself."));
    }
    if from.relations.len() >= MAX_RELATIONS {
        return Err(Error::new(
            Code::Conflict,
            format!("{} has {MAX_RELATIONS} relations, the limit.", from.name),
        ));
    }
    let is_there = |it: &&Relation| {
        it.column == column.name && it.to == to.id && it.to_column == to_column.name
    };
    if let Some(relation) = from.relations.iter().find(is_there) {
        return Err(Error::new(
            Code::Conflict,
            format!("The relation {} links these columns already.", relation.name),
        ));
    }
    let (default_name, default_inverse) = default_names(&snapshot, &from, column, &to);
    let name = text(context, "name")?.unwrap_or(default_name);
    let inverse_name = text(context, "inverseName")?.unwrap_or(default_inverse);
    check_name(&snapshot, &from, &name, false)?;
    check_name(&snapshot, &to, &inverse_name, true)?;
    if from.id == to.id && name == inverse_name {
        return Err(Error::bad_input("name and inverseName must differ within one dataset."));
    }
    if !to_column.unique && !to_column.generated {
        let measured =
            measure(request, &from, column, &to, to_column, Duration::from_secs(60)).await?;
        if measured.n_repeats > 0 {
            return Err(Error::new(
                Code::Conflict,
                format!(
                    "{}.{} repeats values ({} times), so that it does not name one row. Relate the other way round, or choose another column.",
                    to.name, to_column.name, measured.n_repeats
                ),
            ));
        }
    }
    let relation = Relation {
        name: name.clone(),
        inverse_name,
        column: column.name.clone(),
        to: to.id,
        to_column: to_column.name.clone(),
        to_row_number: to_column.physical == ROW_COLUMN,
    };
    for (dataset, column) in [(&from, column), (&to, to_column)] {
        ensure_index(request, dataset, column, &name).await?;
    }
    let catalog = &request.services.catalog;
    Ok(catalog.set_relation(workspace, from.id, &name, Some(relation)).await?)
}

async fn drop(context: &ResolverContext<'_>) -> Result<Arc<Dataset>> {
    let request = of_request(context)?;
    let from = dataset_named(request, &required(context, "from")?)?;
    let name = required(context, "name")?;
    if !from.relations.iter().any(|relation| relation.name == name) {
        return Err(Error::not_found(format!("{} has no relation named {name:?}.", from.name)));
    }
    let catalog = &request.services.catalog;
    Ok(catalog.set_relation(request.principal.workspace, from.id, &name, None).await?)
}

fn column_named<'d>(dataset: &'d Dataset, name: &str) -> Result<&'d Column> {
    let found = dataset.column(name);
    found.ok_or_else(|| Error::bad_input(format!("{} has no column {name:?}.", dataset.name)))
}

/// Builds an index over a column unless it can be looked up already.
async fn ensure_index(
    request: &RequestContext,
    dataset: &Dataset,
    column: &Column,
    relation: &str,
) -> Result<()> {
    let workspace = request.principal.workspace;
    let snapshot = request.snapshot();
    let Some(present) = snapshot.dataset_by_id(dataset.id) else { return Ok(()) };
    let of_same =
        |name: &String| present.column(name).is_some_and(|other| other.physical == column.physical);
    let is_there = column.physical == ROW_COLUMN
        || present.indexes.iter().any(|index| index.columns.first().is_some_and(of_same));
    if !is_there {
        let Index { columns, descending, method, kind, reason, .. } =
            Index::of_relation(&column.name, relation);
        let new = NewIndex { columns, descending, method, kind, reason };
        request.services.indexer.create(workspace, present, new).await?;
    }
    Ok(())
}

/// `customerId` → `customer`; the list is called like the dataset.
fn default_names(
    snapshot: &Snapshot,
    from: &Dataset,
    column: &Column,
    to: &Dataset,
) -> (String, String) {
    let stem = ["Id", "Key", "Code", "Uuid", "No", "Nr", "Number", "Ref"]
        .iter()
        .find_map(|end| column.name.strip_suffix(end))
        .filter(|stem| !stem.is_empty());
    let name = match stem {
        Some(stem) if is_free(snapshot, from, stem, false) => stem.to_owned(),
        _ if is_free(snapshot, from, &to.name, false) => to.name.clone(),
        _ => format!("{}By{}", to.name, naming::type_name(&column.name)),
    };
    let inverse = if is_free(snapshot, to, &from.name, true) && from.name != name {
        from.name.clone()
    } else {
        format!("{}By{}", from.name, naming::type_name(&column.name))
    };
    (name, inverse)
}

/// Whether a dataset can have a field of this name.
fn is_free(snapshot: &Snapshot, dataset: &Dataset, name: &str, is_list: bool) -> bool {
    check_name(snapshot, dataset, name, is_list).is_ok()
}

fn check_name(snapshot: &Snapshot, dataset: &Dataset, name: &str, is_list: bool) -> Result<()> {
    let legal = naming::field_name(name, 0, &naming::Taken::default()).name;
    if legal != name || matches!(name, "id" | "nodeId") {
        return Err(Error::bad_input(format!(
            "{name:?} cannot name a relation; a name begins with a small letter and holds letters and digits, like {legal:?}."
        )));
    }
    let link = Link {
        name: name.to_owned(),
        is_list,
        has_aggregate: is_list,
        column: String::new(),
        other: dataset.id,
        other_column: String::new(),
    };
    for field in link.fields() {
        let taken = |other: &str| other.eq_ignore_ascii_case(&field);
        let is_taken = dataset.columns.iter().any(|column| taken(&column.name))
            || snapshot.links(dataset.id).iter().flat_map(Link::fields).any(|it| taken(&it));
        if is_taken {
            return Err(Error::new(
                Code::Conflict,
                format!("{} has a field {field} already. Choose another name.", dataset.name),
            ));
        }
    }
    Ok(())
}

/// Compares two columns.
async fn measure(
    request: &RequestContext,
    from: &Dataset,
    column: &Column,
    to: &Dataset,
    to_column: &Column,
    time: Duration,
) -> Result<Overlap> {
    let catalog = &request.services.catalog;
    let dialect = if catalog.is_postgres() { Dialect::Postgres } else { Dialect::Sqlite };
    let is_same = from.id == to.id;
    let statement = overlap::statement(dialect, &column.physical, &to_column.physical, is_same);
    let (mut tables, mut versions) = (vec![from.storage.clone()], vec![from.version]);
    if !is_same {
        tables.push(to.storage.clone());
        versions.push(to.version);
    }
    let deadline = Instant::now() + time;
    let statement = Arc::new(statement);
    let run = Run { statement, binds: Vec::new(), tables, versions, deadline, question: None };
    let answer = request.services.store.run(run).await.map_err(Error::from)?;
    serde_json::from_slice(&answer).map_err(Error::internal)
}

/// The query `relationSuggestions`.
pub(super) fn suggestions() -> RootField {
    RootField::new("relationSuggestions", type_ref("[RelationSuggestion!]!"), |context| {
        FieldFuture::new(async move {
            let found = suggest(&context).await.map_err(to_field_error)?;
            Ok(field_value(Json::Array(found), "[RelationSuggestion!]!"))
        })
    })
    .argument(argument("dataset", "String", "Only relations from or to this dataset."))
    .description("Relations that values and names of columns suggest and that are not declared, likeliest first. It reads the columns, so ask rarely.")
}

/// A pair of columns worth comparing.
struct Candidate<'s> {
    from: &'s Arc<Dataset>,
    column: &'s Column,
    to: &'s Arc<Dataset>,
    to_column: &'s Column,
    is_named_like: bool,
}

async fn suggest(context: &ResolverContext<'_>) -> Result<Vec<Json>> {
    let request = of_request(context)?;
    let snapshot = request.snapshot();
    let only = match text(context, "dataset")? {
        Some(name) => Some(dataset_named(request, &name)?.id),
        None => None,
    };
    let mut candidates = candidates(&snapshot);
    candidates.retain(|it| only.is_none_or(|only| it.from.id == only || it.to.id == only));
    candidates.sort_by_key(|it| !it.is_named_like);
    candidates.truncate(MAX_CANDIDATES);
    let began = Instant::now();
    let mut found: Vec<(bool, f64, Json)> = Vec::new();
    for it in candidates {
        if began.elapsed() > SUGGESTION_TIME.0 {
            break;
        }
        let measured =
            measure(request, it.from, it.column, it.to, it.to_column, SUGGESTION_TIME.1).await;
        let measured = match measured {
            Ok(measured) => measured,
            // Too large to be compared now; the others may not be.
            Err(error) if error.code == Code::Timeout => continue,
            Err(error) => return Err(error),
        };
        let is_likely = measured.n_repeats == 0
            && measured.coverage() >= LEAST_COVERAGE
            && (it.is_named_like || measured.n_distinct > 2);
        if !is_likely {
            continue;
        }
        let (name, inverse_name) = default_names(&snapshot, it.from, it.column, it.to);
        let shown = json!({
            "name": name,
            "inverseName": inverse_name,
            "from": it.from.name,
            "column": it.column.name,
            "to": it.to.name,
            "toColumn": it.to_column.name,
            "coverage": measured.coverage(),
            "orphans": measured.n_orphans.to_string(),
            "evidence": format!(
                "{} of {} values of {}.{} are found in {}.{}, where each stands once{}.",
                measured.n_present - measured.n_orphans.min(measured.n_present),
                measured.n_present,
                it.from.name,
                it.column.name,
                it.to.name,
                it.to_column.name,
                if it.is_named_like { ", and its name says so" } else { "" },
            ),
        });
        found.push((it.is_named_like, measured.coverage(), shown));
    }
    found.sort_by(|a, b| (b.0, b.1).partial_cmp(&(a.0, a.1)).unwrap_or(std::cmp::Ordering::Equal));
    Ok(found.into_iter().map(|(_, _, shown)| shown).collect())
}

/// Pairs whose types, statistics and names do not speak against a relation.
fn candidates(snapshot: &Snapshot) -> Vec<Candidate<'_>> {
    let mut found = Vec::new();
    // Columns are compared as they are kept: of what is shown in part, more would be told.
    let is_whole = |it: &&Arc<Dataset>| !snapshot.is_partial(it.id);
    for to in snapshot.datasets().filter(is_whole) {
        for to_column in to.columns.iter() {
            if to_column.generated
                || to_column.n_nulls >= to.row_count
                || !may_name_rows(to, to_column)
            {
                continue;
            }
            for from in snapshot.datasets().filter(is_whole) {
                for column in from.columns.iter() {
                    let is_itself = from.id == to.id && column.physical == to_column.physical;
                    let is_known = from
                        .relations
                        .iter()
                        .any(|relation| relation.column == column.name && relation.to == to.id);
                    // The key of a dataset rarely refers to another.
                    let is_own_key = column.generated
                        || from
                            .columns
                            .get(from.key)
                            .is_some_and(|key| key.physical == column.physical);
                    if is_itself
                        || is_known
                        || is_own_key
                        || !are_comparable(column.column_type, to_column.column_type)
                    {
                        continue;
                    }
                    let is_named_like = is_named_like(column, to, to_column);
                    // Small numbers are found everywhere; only a name tells them apart.
                    let is_telling =
                        matches!(column.column_type, ColumnType::String | ColumnType::Uuid);
                    if is_named_like || is_telling {
                        found.push(Candidate { from, column, to, to_column, is_named_like });
                    }
                }
            }
        }
    }
    found
}

/// Whether a column's values may all differ, as far as statistics tell.
fn may_name_rows(dataset: &Dataset, column: &Column) -> bool {
    let is_fit = matches!(
        column.column_type,
        ColumnType::Int | ColumnType::BigInt | ColumnType::String | ColumnType::Uuid
    );
    let n_rows = u64::try_from(dataset.row_count).unwrap_or(0);
    // The number of different values is an estimate, a few percent off.
    is_fit && n_rows > 1 && (column.unique || column.evidence.n_distinct >= n_rows - n_rows / 10)
}

/// `customerId`, `customer_no` … like the dataset `customers`; or both columns have one name.
fn is_named_like(column: &Column, to: &Dataset, to_column: &Column) -> bool {
    let plain = |text: &str| text.to_ascii_lowercase();
    let (own, other) = (plain(&column.name), plain(&to_column.name));
    if own == other && other != "id" && other != "name" {
        return true;
    }
    let dataset = plain(&to.name);
    let mut stems = vec![dataset.clone()];
    for (end, instead) in [("ies", "y"), ("es", ""), ("s", "")] {
        stems.extend(dataset.strip_suffix(end).map(|stem| format!("{stem}{instead}")));
    }
    stems.iter().any(|stem| {
        stem.len() > 1
            && (own == *stem || own == format!("{stem}{other}") || own == format!("{stem}id"))
    })
}
