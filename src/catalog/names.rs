//! Turns the name that somebody gave a dataset into one whose fields and types are all free.
//!
//! It exists because a dataset `orders` brings a dozen fields and types (`ordersByPk`,
//! `OrdersBoolExp` …), and one clash would break the schema of a whole workspace. It never changes
//! the name of a dataset that exists.

use std::collections::HashSet;
use std::sync::Arc;

use sluice_schema::naming::{self, MAX_NAME_BYTES, type_name};

use super::model::Dataset;
use super::snapshot::Snapshot;

/// What a list field's name gets appended, on any root.
const FIELD_SUFFIXES: [&str; 6] = ["", "ByPk", "Aggregate", "GroupBy", "Connection", "Stream"];

/// What mutations put before and after a type's name.
const MUTATIONS: [(&str, &str); 7] = [
    ("insert", ""),
    ("insert", "One"),
    ("update", ""),
    ("update", "ByPk"),
    ("update", "Many"),
    ("delete", ""),
    ("delete", "ByPk"),
];

/// What the types made for a dataset get appended to its own type's name.
const TYPE_SUFFIXES: [&str; 46] = [
    "",
    "BoolExp",
    "OrderBy",
    "SelectColumn",
    "Aggregate",
    "AggregateFields",
    "AggregateOrderBy",
    "AggregateBoolExp",
    "SumFields",
    "AvgFields",
    "MinFields",
    "MaxFields",
    "StddevFields",
    "StddevPopFields",
    "StddevSampFields",
    "VarianceFields",
    "VarPopFields",
    "VarSampFields",
    "MedianFields",
    "PercentileFields",
    "CountFields",
    "Sum",
    "Avg",
    "Min",
    "Max",
    "Group",
    "GroupBy",
    "GroupKey",
    "GroupKeys",
    "GroupOrderBy",
    "GroupHaving",
    "Having",
    "Connection",
    "Edge",
    "InsertInput",
    "SetInput",
    "IncInput",
    "OnConflict",
    "Constraint",
    "UpdateColumn",
    "PkColumnsInput",
    "Updates",
    "MutationResponse",
    "StreamCursorInput",
    "StreamCursorValueInput",
    "Change",
];

/// Fields of the catalog, on any root, and words with a meaning of their own.
const RESERVED_FIELDS: [&str; 58] = [
    "addRelation",
    "alterColumn",
    "auditLog",
    "backup",
    "cancelJob",
    "copyDataset",
    "createDataset",
    "createIndex",
    "createKey",
    "createWebhook",
    "createWorkspace",
    "dataset",
    "datasetChanged",
    "datasetDiff",
    "datasetVersions",
    "datasets",
    "deleteWorkspace",
    "dropDataset",
    "dropIndex",
    "dropRelation",
    "dropWebhook",
    "export",
    "false",
    "fragment",
    "indexes",
    "inspect",
    "job",
    "jobs",
    "key",
    "keys",
    "me",
    "mutation",
    "node",
    "nodes",
    "null",
    "on",
    "policies",
    "query",
    "rejects",
    "relations",
    "renameDataset",
    "renameWorkspace",
    "reparse",
    "restoreVersion",
    "retryJob",
    "revertDataset",
    "revokeKey",
    "rotateKey",
    "schema",
    "search",
    "setColumn",
    "setKey",
    "subscription",
    "true",
    "truncateDataset",
    "upload",
    "workspace",
    "workspaces",
];

/// Types of the catalog and of GraphQL; what would be generated from them is reserved with them.
const RESERVED_TYPES: [&str; 68] = [
    "Any",
    "ApiKey",
    "AuditEntry",
    "BigInt",
    "Boolean",
    "Bytes",
    "CandidateCount",
    "CategoryCount",
    "Column",
    "ColumnStatistics",
    "ColumnType",
    "CounterExample",
    "DataType",
    "Dataset",
    "DatasetStatus",
    "DatasetVersion",
    "Date",
    "DateTime",
    "DateTruncate",
    "Decimal",
    "Drift",
    "DriftPolicy",
    "Enum",
    "Evidence",
    "Float",
    "GroupKey",
    "ID",
    "Id",
    "Index",
    "Input",
    "Inspection",
    "Int",
    "JSON",
    "Job",
    "JobError",
    "JobKind",
    "JobProgress",
    "JobStatus",
    "Json",
    "Key",
    "LoadMode",
    "LocalDateTime",
    "LocalTime",
    "Me",
    "Mutation",
    "Node",
    "Notice",
    "Order",
    "PageInfo",
    "Policy",
    "Principal",
    "Query",
    "ReadOptions",
    "Reject",
    "Relation",
    "Scope",
    "Sheet",
    "Source",
    "Statistics",
    "String",
    "Subscription",
    "Time",
    "UUID",
    "Upload",
    "UploadPayload",
    "Uuid",
    "Webhook",
    "Workspace",
];

/// Where the file for a name belongs.
#[derive(Clone, Debug)]
pub enum Place {
    /// It follows this dataset.
    Existing(Arc<Dataset>),
    /// It becomes a new dataset.
    New {
        /// The dataset's name, which is its list field's.
        name: String,
        /// The object type's name.
        type_name: String,
    },
}

/// All names that the datasets of a workspace and the catalog itself use.
#[derive(Debug)]
struct Taken(HashSet<String>);

/// Every field and type that a dataset brings.
fn generated(name: &str, type_name: &str) -> impl Iterator<Item = String> {
    let fields = FIELD_SUFFIXES.iter().map(move |suffix| format!("{name}{suffix}"));
    let mutations =
        MUTATIONS.iter().map(move |(before, after)| format!("{before}{type_name}{after}"));
    let types = TYPE_SUFFIXES.iter().map(move |suffix| format!("{type_name}{suffix}"));
    fields.chain(mutations).chain(types)
}

impl Taken {
    fn by<'a>(datasets: impl Iterator<Item = (&'a str, &'a str)>) -> Taken {
        let mut names: HashSet<String> = HashSet::new();
        names.extend(RESERVED_FIELDS.map(str::to_owned));
        for reserved in RESERVED_TYPES {
            names.extend(TYPE_SUFFIXES.map(|suffix| format!("{reserved}{suffix}")));
            names.insert(format!("{reserved}ComparisonExp"));
        }
        for (name, type_name) in datasets {
            names.extend(generated(name, type_name));
        }
        Taken(names)
    }

    fn is_free(&self, name: &str) -> bool {
        generated(name, &type_name(name)).all(|name| !self.0.contains(&name))
    }
}

/// The names to try for a legal name, in order: itself, then with `Data`, `Data2`, …
fn candidates(base: &str) -> impl Iterator<Item = String> {
    std::iter::once(base.to_owned()).chain((1_u32..).map(move |number| {
        let suffix = if number == 1 { "Data".to_owned() } else { format!("Data{number}") };
        let room = MAX_NAME_BYTES - suffix.len();
        let stem = base.get(..room.min(base.len())).unwrap_or(base);
        format!("{stem}{suffix}")
    }))
}

/// Where a file belongs that came with this name.
///
/// The same name always finds the dataset that was made for it: `jobs`, which is reserved, makes
/// `jobsData`, and finds it again.
pub fn place(snapshot: &Snapshot, given: &str) -> Place {
    let base = legal_name(given);
    if let Some(dataset) = snapshot.dataset(&base) {
        return Place::Existing(Arc::clone(dataset));
    }
    let taken = Taken::by(
        snapshot.datasets().map(|dataset| (dataset.name.as_str(), dataset.type_name.as_str())),
    );
    for candidate in candidates(&base) {
        match snapshot.dataset(&candidate) {
            Some(dataset) if legal_name(&dataset.label) == base => {
                return Place::Existing(Arc::clone(dataset));
            }
            Some(_) => {}
            None if taken.is_free(&candidate) => {
                let type_name = type_name(&candidate);
                return Place::New { name: candidate, type_name };
            }
            None => {}
        }
    }
    // The candidates never end.
    Place::New { type_name: type_name(&base), name: base }
}

/// The name that GraphQL accepts for a name as people write it.
fn legal_name(given: &str) -> String {
    naming::dataset_name(given, &naming::Taken::default()).name
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(existing: &[&str], given: &str, expect: &str) {
        let types: Vec<String> = existing.iter().map(|name| type_name(name)).collect();
        let taken = Taken::by(existing.iter().copied().zip(types.iter().map(String::as_str)));
        let found = candidates(&legal_name(given)).find(|name| taken.is_free(name));
        assert_eq!(found.as_deref(), Some(expect), "{given} beside {existing:?}");
    }

    #[test]
    fn names_that_would_clash_get_a_suffix() {
        check(&[], "orders.csv", "orders");
        check(&[], "jobs", "jobsData");
        check(&["orders", "ordersAggregateData"], "ordersAggregate", "ordersAggregateData2");
        check(&["orders"], "ordersAggregate", "ordersAggregateData");
        check(&["ordersByPk"], "orders", "ordersData");
        check(&["orders"], "insertOrders", "insertOrdersData");
        check(&["orders"], "ordersBoolExp", "ordersBoolExpData");
        check(&[], "column", "columnData");
        check(&[], "int", "intData");
        check(&[], "date", "dateData");
        check(&[], "intComparisonExp", "intComparisonExpData");
        check(&[], "datasetBoolExp", "datasetBoolExpData");
        check(&[], "createIndex", "createIndexData");
    }

    proptest! {
        #[test]
        fn no_two_datasets_share_a_generated_name(
            given in proptest::collection::vec(
                "(a|b|orders|job|int)?(insert|Aggregate|ByPk|One|Data|2|BoolExp|Connection|GroupBy){0,3}",
                1..20,
            )
        ) {
            let mut names: Vec<(String, String)> = Vec::new();
            for given in &given {
                let taken = Taken::by(names.iter().map(|(a, b)| (a.as_str(), b.as_str())));
                let name = candidates(&legal_name(given)).find(|name| taken.is_free(name));
                let name = name.unwrap_or_default();
                prop_assert!(name.len() <= MAX_NAME_BYTES);
                let type_name = type_name(&name);
                names.push((name, type_name));
            }
            let mut seen: HashSet<String> = HashSet::new();
            for (name, type_name) in &names {
                for generated in generated(name, type_name) {
                    prop_assert!(!RESERVED_FIELDS.contains(&generated.as_str()), "{generated}");
                    prop_assert!(seen.insert(generated.clone()), "{generated} twice");
                }
            }
        }
    }
}
