//! Turns the name that somebody gave a dataset into one whose fields and types are all free.
//!
//! It exists because a dataset `orders` brings a dozen fields and types (`ordersByPk`,
//! `OrdersBoolExp` …), and one clash would break the schema of a whole workspace. It never changes
//! the name of a dataset that exists.

use std::sync::Arc;

use sluice_schema::naming::{self, MAX_NAME_BYTES, type_name};

use super::model::{Dataset, LoadMode};
use super::snapshot::Snapshot;

/// What a list field's name gets appended, on any root.
const FIELD_SUFFIXES: [&str; 9] =
    ["", "ByPk", "Aggregate", "GroupBy", "Connection", "Stream", "Search", "History", "Changes"];

/// What mutations put before and after a type's name.
const MUTATIONS: [(&str, &str); 10] = [
    ("insert", ""),
    ("insert", "One"),
    ("update", ""),
    ("update", "ByPk"),
    ("update", "Many"),
    ("upsert", ""),
    ("upsert", "One"),
    ("delete", ""),
    ("delete", "ByPk"),
    ("delete", "Many"),
];

/// What the types made for a dataset get appended to its own type's name.
const TYPE_SUFFIXES: [&str; 102] = [
    "",
    "BoolExp",
    "OrderBy",
    "SelectColumn",
    "Aggregate",
    "AggregateFields",
    "AggregateOrderBy",
    "AggregateBoolExp",
    "AggregateBoolExpAvg",
    "AggregateBoolExpBoolAnd",
    "AggregateBoolExpBoolOr",
    "AggregateBoolExpCount",
    "AggregateBoolExpMax",
    "AggregateBoolExpMin",
    "AggregateBoolExpSum",
    "AggregateHaving",
    "AggregateHavingExp",
    "CountOrderBy",
    "SumOrderBy",
    "AvgOrderBy",
    "MinOrderBy",
    "MaxOrderBy",
    "SpreadOrderBy",
    "SpreadFields",
    "StddevOrderBy",
    "StddevPopOrderBy",
    "StddevSampOrderBy",
    "VarianceOrderBy",
    "VarPopOrderBy",
    "VarSampOrderBy",
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
    "Count",
    "Sum",
    "Avg",
    "Min",
    "Max",
    "Stddev",
    "StddevPop",
    "StddevSamp",
    "Variance",
    "VarPop",
    "VarSamp",
    "SumHaving",
    "AvgHaving",
    "MinHaving",
    "MaxHaving",
    "CountHaving",
    "SumHavingExp",
    "AvgHavingExp",
    "MinHavingExp",
    "MaxHavingExp",
    "CountHavingExp",
    "Group",
    "GroupBy",
    "GroupKey",
    "GroupKeys",
    "GroupKeysOrderBy",
    "GroupOrderBy",
    "GroupHaving",
    "GroupHavingExp",
    "Having",
    "HavingExp",
    "HavingCount",
    "HavingSum",
    "HavingAvg",
    "HavingMin",
    "HavingMax",
    "HavingSpread",
    "Connection",
    "Edge",
    "InsertInput",
    "ArrRelInsertInput",
    "ObjRelInsertInput",
    "SetInput",
    "IncInput",
    "AppendInput",
    "PrependInput",
    "DeleteKeyInput",
    "DeleteElemInput",
    "DeleteAtPathInput",
    "OnConflict",
    "Constraint",
    "UpdateColumn",
    "PkColumnsInput",
    "Updates",
    "MutationResponse",
    "StreamCursorInput",
    "StreamCursorValueInput",
    "Change",
    "Changes",
];

/// Fields of the catalog, on any root, and words with a meaning of their own.
const RESERVED_FIELDS: [&str; 99] = [
    "acceptRelation",
    "addRelation",
    "admitRejects",
    "alterColumn",
    "auditLog",
    "backup",
    "cancelExport",
    "cancelJob",
    "copyDataset",
    "createBackup",
    "createDataset",
    "createExport",
    "createIndex",
    "createKey",
    "createPolicy",
    "createSchedule",
    "createSearchIndex",
    "createWebhook",
    "createWorkspace",
    "dataset",
    "datasetChanged",
    "datasetDiff",
    "datasetVersions",
    "datasets",
    "deleteWorkspace",
    "describeDataset",
    "discardRejects",
    "dropDataset",
    "dropIndex",
    "dropOldName",
    "dropPolicy",
    "dropRelation",
    "dropSavedQuery",
    "dropSchedule",
    "dropSearchIndex",
    "dropWebhook",
    "enableWebhook",
    "explain",
    "export",
    "false",
    "fragment",
    "indexSuggestions",
    "indexes",
    "inspect",
    "inspection",
    "job",
    "jobChanged",
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
    "rebuildIndex",
    "rejects",
    "relationSuggestions",
    "relations",
    "renameDataset",
    "renameWorkspace",
    "reparse",
    "replayDelivery",
    "restoreBackup",
    "restoreVersion",
    "retryJob",
    "revertDataset",
    "revokeKey",
    "rotateKey",
    "rotateWebhookSecret",
    "saveQuery",
    "savedQueries",
    "schema",
    "schemaChanged",
    "search",
    "server",
    "setColumn",
    "setDescription",
    "setDocumentMode",
    "setKey",
    "setPolicy",
    "setPublicRead",
    "setQuotas",
    "setRetention",
    "setSettings",
    "setTrustedDocuments",
    "subscription",
    "true",
    "truncateDataset",
    "trustedDocuments",
    "updateWebhook",
    "upload",
    "webhookDeliveries",
    "webhooks",
    "workspace",
    "workspaces",
];

/// Types of the catalog and of GraphQL; what would be generated from them is reserved with them.
const RESERVED_TYPES: [&str; 124] = [
    "Any",
    "ApiKey",
    "AuditEntry",
    "AuditLog",
    "BigInt",
    "Boolean",
    "Bytes",
    "CacheControl",
    "CandidateCount",
    "CategoryCount",
    "CellCorrection",
    "Column",
    "ColumnMask",
    "ColumnMaskInput",
    "ColumnOptions",
    "ColumnStatistics",
    "ColumnType",
    "CounterExample",
    "CreatedKey",
    "CreatedWebhook",
    "CursorOrdering",
    "DataType",
    "Dataset",
    "DatasetStatus",
    "DatasetVersion",
    "Date",
    "DateOrder",
    "DateTime",
    "DateTrunc",
    "DateTruncate",
    "Decimal",
    "DeliveryStatus",
    "DocumentMode",
    "Drift",
    "DriftImpact",
    "DriftKind",
    "DriftPolicy",
    "Enum",
    "Evidence",
    "Explain",
    "ExplainedField",
    "Explanation",
    "ExportFormat",
    "ExportHeader",
    "ExportedFile",
    "Float",
    "GroupKey",
    "ID",
    "Id",
    "Index",
    "IndexKind",
    "IndexMethod",
    "IndexSuggestion",
    "Input",
    "InspectedSheet",
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
    "Mask",
    "Me",
    "Mutation",
    "NewColumn",
    "NewColumnInput",
    "Node",
    "Notice",
    "OnError",
    "Order",
    "OrderBy",
    "PageInfo",
    "PersistedDocument",
    "Policy",
    "PolicyOperation",
    "Principal",
    "Query",
    "QueryPlan",
    "ReadOptions",
    "RefusedRow",
    "Reject",
    "RejectCell",
    "RejectCorrection",
    "Relation",
    "RelationSuggestion",
    "Retention",
    "RowCounts",
    "SavedQuery",
    "SavedQueryVariable",
    "Scope",
    "SearchMode",
    "Server",
    "ServerLimits",
    "ServerRate",
    "ServerStatus",
    "Sheet",
    "SlowRequest",
    "Source",
    "Statistics",
    "StoreKind",
    "String",
    "Subscription",
    "Time",
    "TimeUnit",
    "TrustedDocument",
    "TrustedDocumentInput",
    "TrustedDocuments",
    "UUID",
    "Upload",
    "UploadOptions",
    "UploadPayload",
    "Uuid",
    "Webhook",
    "WebhookDelivery",
    "WebhookDeliveryStatus",
    "WebhookEvent",
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

/// Every field and type that a dataset brings.
fn generated(name: &str, type_name: &str) -> impl Iterator<Item = String> {
    let fields = FIELD_SUFFIXES.iter().map(move |suffix| format!("{name}{suffix}"));
    let mutations =
        MUTATIONS.iter().map(move |(before, after)| format!("{before}{type_name}{after}"));
    let types = TYPE_SUFFIXES.iter().map(move |suffix| format!("{type_name}{suffix}"));
    fields.chain(mutations).chain(types)
}

/// Whether nothing that a dataset of this name brings is there already; `exists` knows the names of
/// datasets.
///
/// Each generated name is taken apart instead of compared with all others, so that the cost does
/// not grow with the number of datasets.
fn is_free(name: &str, exists: &dyn Fn(&str) -> bool) -> bool {
    let is_type_taken = |stem: &str| {
        RESERVED_TYPES.contains(&stem) || exists(&with_first(stem, char::to_ascii_lowercase))
    };
    generated(name, &type_name(name)).all(|generated| {
        let generated = generated.as_str();
        if generated.starts_with(|first: char| first.is_ascii_uppercase()) {
            let is_taken = TYPE_SUFFIXES
                .iter()
                .filter_map(|end| generated.strip_suffix(end))
                .any(is_type_taken);
            let is_comparison = generated
                .strip_suffix("ComparisonExp")
                .is_some_and(|stem| RESERVED_TYPES.contains(&stem));
            return !is_taken && !is_comparison;
        }
        let is_list =
            FIELD_SUFFIXES.iter().filter_map(|end| generated.strip_suffix(end)).any(exists);
        let is_mutation = MUTATIONS
            .iter()
            .filter_map(|(start, end)| generated.strip_prefix(start)?.strip_suffix(end))
            .any(|stem| exists(&with_first(stem, char::to_ascii_lowercase)));
        !is_list && !is_mutation && !RESERVED_FIELDS.contains(&generated)
    })
}

/// The text with its first character changed.
fn with_first(text: &str, change: impl Fn(&char) -> char) -> String {
    let mut characters = text.chars();
    characters.next().iter().map(change).chain(characters).collect()
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
    place_for(snapshot, given, LoadMode::Replace)
}

/// The same for a mode: what must be new may take the name that another dataset had before.
pub fn place_for(snapshot: &Snapshot, given: &str, mode: LoadMode) -> Place {
    let is_new = mode == LoadMode::Create;
    let find = |name: &str| match is_new {
        true => snapshot.dataset_named(name),
        false => snapshot.dataset(name),
    };
    let base = legal_name(given);
    if let Some(dataset) = find(&base) {
        return Place::Existing(Arc::clone(dataset));
    }
    for candidate in candidates(&base) {
        // An old name brings fields, too, that no other dataset may bring.
        let exists = |name: &str| match is_new && name == candidate {
            true => snapshot.dataset_named(name).is_some(),
            false => snapshot.dataset(name).is_some(),
        };
        match find(&candidate) {
            Some(dataset) if legal_name(&dataset.label) == base => {
                return Place::Existing(Arc::clone(dataset));
            }
            Some(_) => {}
            None if is_free(&candidate, &exists) => {
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
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    fn check(existing: &[&str], given: &str, expect: &str) {
        let exists = |name: &str| existing.contains(&name);
        let found = candidates(&legal_name(given)).find(|name| is_free(name, &exists));
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
        check(&["orders"], "ordersHavingExp", "ordersHavingExpData");
        check(&["orders"], "ordersArrRelInsertInput", "ordersArrRelInsertInputData");
        check(&["orders"], "upsertOrders", "upsertOrdersData");
        check(&[], "explain", "explainData");
        check(&[], "cursorOrdering", "cursorOrderingData");
    }

    proptest! {
        #[test]
        fn no_two_datasets_share_a_generated_name(
            given in proptest::collection::vec(
                "(a|b|orders|job|int)?(insert|Aggregate|ByPk|One|Data|2|BoolExp|Having|Exp|Sum|OrderBy|Group|Keys|Connection|GroupBy){0,3}",
                1..20,
            )
        ) {
            let mut names: Vec<(String, String)> = Vec::new();
            for given in &given {
                let exists = |wanted: &str| names.iter().any(|(name, _)| name == wanted);
                let name = candidates(&legal_name(given)).find(|name| is_free(name, &exists));
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
