//! Snapshots of the SQL that documents become, for both dialects.

use std::sync::Arc;

use serde_json::json;
use sluice_schema::ColumnType;
use uuid::Uuid;

use super::Dialect;
use super::document::Document;
use super::input::Variables;
use super::plan::{MaskKey, Plan, PlanSettings, RootBody};
use crate::catalog::model::{
    Column, Dataset, DatasetId, Index, IndexMethod, ROW_COLUMN, Relation, StorageId, WorkspaceId,
};
use crate::catalog::snapshot::Snapshot;
use crate::config::Settings;
use crate::error::{Code, Result};
use crate::store::cursor::{CursorKey, CursorKeys};
use crate::store::json::{OutCell, RootShape};
use crate::store::search::SEARCH_INDEX;

pub(crate) fn column(name: &str, physical: &str, column_type: ColumnType) -> Column {
    Column {
        name: name.to_owned(),
        physical: physical.to_owned(),
        label: name.to_owned(),
        column_type,
        notation: Default::default(),
        nullable: true,
        declared: false,
        required: false,
        unique: false,
        generated: physical == ROW_COLUMN,
        description: None,
        n_nulls: 0,
        evidence: Default::default(),
    }
}

pub(crate) fn dataset(number: u128, name: &str, type_name: &str, columns: Vec<Column>) -> Dataset {
    Dataset {
        id: DatasetId(Uuid::from_u128(number)),
        name: name.to_owned(),
        type_name: type_name.to_owned(),
        label: name.to_owned(),
        description: None,
        version: 1,
        row_count: 3,
        size_bytes: 4096,
        columns: columns.into(),
        key: 0,
        storage: StorageId::default(),
        guard: Default::default(),
        indexes: Vec::new(),
        relations: Vec::new(),
        old_names: Vec::new(),
        source: None,
        recipe: Default::default(),
        n_rejects: 0,
        notices: Arc::from([]),
        created_at_us: 0,
        updated_at_us: 0,
        next_row: None,
        versions: Arc::from([]),
    }
}

/// Orders of customers, who may have been recommended by another customer.
fn snapshot() -> Snapshot {
    let decimal = ColumnType::Decimal { precision: 10, scale: 2 };
    let id = || column("id", ROW_COLUMN, ColumnType::Int);
    let relation = |name: &str, inverse_name: &str, column: &str| Relation {
        name: name.to_owned(),
        inverse_name: inverse_name.to_owned(),
        column: column.to_owned(),
        to: DatasetId(Uuid::from_u128(2)),
        to_column: "id".to_owned(),
        to_row_number: true,
    };
    let mut orders = dataset(
        1,
        "orders",
        "Orders",
        vec![
            id(),
            column("status", "c1", ColumnType::String),
            column("total", "c2", decimal),
            column("paid", "c3", ColumnType::Boolean),
            column("ordered", "c4", ColumnType::Date),
            column("ratio", "c5", ColumnType::Float),
            column("customerId", "c6", ColumnType::Int),
            column("details", "c7", ColumnType::Json),
            column("seenAt", "c8", ColumnType::DateTime),
        ],
    );
    orders.relations = vec![relation("customer", "orders", "customerId")];
    orders.indexes = vec![Index {
        name: "ordered".to_owned(),
        columns: vec!["ordered".to_owned(), "ratio".to_owned()],
        ..Index::default()
    }];
    let mut customers = dataset(
        2,
        "customers",
        "Customers",
        vec![
            id(),
            column("name", "c1", ColumnType::String),
            column("country", "c2", ColumnType::String),
            column("recommendedBy", "c3", ColumnType::Int),
        ],
    );
    customers.indexes = vec![Index {
        name: SEARCH_INDEX.to_owned(),
        method: IndexMethod::Search,
        ..Index::default()
    }];
    customers.relations = vec![relation("recommender", "recommended", "recommendedBy")];
    Snapshot::new(WorkspaceId(Uuid::nil()), 1, 1, [Arc::new(orders), Arc::new(customers)])
}

fn variables(value: &serde_json::Value) -> Variables {
    value.as_object().cloned().unwrap_or_default()
}

fn plan(document: &str, values: &serde_json::Value, dialect: Dialect) -> Result<Plan> {
    let keys = Arc::new(CursorKeys::new(vec![CursorKey::new([7; 32])]));
    let mask_key = MaskKey::new([8; 32]);
    let settings =
        PlanSettings { dialect, ..PlanSettings::new(&Settings::default(), &keys, mask_key) };
    let document = Document::parse(document, None, &settings.limits)?;
    Plan::new(&document, &snapshot(), &variables(values), settings)
}

/// The SQL of the first root field in both dialects, with what is bound.
fn sql(document: &str, values: &serde_json::Value) -> String {
    let mut text = format!("{document}\n");
    for dialect in [Dialect::Sqlite, Dialect::Postgres] {
        let made = plan(document, values, dialect).and_then(|plan| {
            let now = std::time::Instant::now();
            let binds = plan.bind(&snapshot(), &variables(values), now)?.runs;
            Ok((plan, binds))
        });
        match made {
            Err(error) => text.push_str(&format!("\n{dialect:?}: {error}\n")),
            Ok((plan, runs)) => {
                for (root, run) in plan.roots.iter().zip(runs) {
                    let (RootBody::Statement(_), Some(run)) = (&root.body, run) else { continue };
                    let sql = run.statement.sql.render(|n, out| out.push_str(&format!("t{n}")));
                    text.push_str(&format!("\n{dialect:?}: {sql}\n  {:?}\n", run.binds));
                }
            }
        }
    }
    text
}

macro_rules! snapshot_sql {
    ($name:ident, $document:expr) => {
        snapshot_sql!($name, $document, json!({}));
    };
    ($name:ident, $document:expr, $variables:expr) => {
        #[test]
        fn $name() {
            insta::assert_snapshot!(sql($document, &$variables));
        }
    };
}

snapshot_sql!(list_in_file_order, "{ orders { id status } }");
snapshot_sql!(list_of_typenames_only, "{ orders(limit: 3) { __typename } }");
snapshot_sql!(by_key, "{ ordersByPk(id: 7) { id total } }");
snapshot_sql!(
    comparisons,
    r#"{ orders(where: {total: {_gt: "1.005", _lte: "9.999", _neq: "1.001"}, paid: {_eq: true}, ordered: {_gte: "2024-01-31"}, ratio: {_lt: 0.5}}) { id } }"#
);
snapshot_sql!(
    connectives,
    r#"{ orders(where: {_or: [{status: {_eq: "a"}}, {_not: {_and: [{status: {_isNull: true}}, {paid: {_isNull: false}}]}}], _and: [{}, {id: {_gt: 1}}]}) { id } }"#
);
snapshot_sql!(nothing_and_everything, "{ orders(where: {_or: [], _not: {}}) { id } }");
snapshot_sql!(
    lists_of_values,
    r#"query($s: [String!]!) { orders(where: {status: {_in: $s}, total: {_nin: ["1.50", "2.005"]}, id: {_in: []}, paid: {_in: [true]}}) { id } }"#,
    json!({"s": ["a\"b", "c"]})
);
snapshot_sql!(
    text_operators,
    r#"{ orders(where: {status: {_like: "a%", _nlike: "b_", _ilike: "C%", _nilike: "\\%d", _startsWith: "x", _endsWith: "y", _contains: "z", _istartsWith: "X", _iendsWith: "Y", _icontains: "Z", _regex: "^a+$", _nregex: "b", _iregex: "C", _niregex: "D"}}) { id } }"#
);
snapshot_sql!(
    order_and_page,
    "{ orders(orderBy: [{total: DESC, status: ASC}, {ordered: ASC_NULLS_FIRST}], limit: 5, offset: 10) { id } }"
);
snapshot_sql!(
    distinct_rows,
    "{ orders(distinctOn: [STATUS, PAID], orderBy: {total: DESC_NULLS_LAST}, where: {id: {_gt: 0}}) { id } }"
);
snapshot_sql!(
    aggregate_of_all,
    "{ ordersAggregate { aggregate { count c: count(columns: [STATUS]) d: count(columns: [STATUS, PAID], distinct: true) e: count(columns: [STATUS, PAID]) sum { total ratio } avg { total ratio } min { ordered status } max { total } } } }"
);
snapshot_sql!(
    aggregate_of_a_page_with_nodes,
    r#"{ ordersAggregate(where: {status: {_eq: "a"}}, orderBy: {total: ASC}, limit: 2, offset: 1) { aggregate { count sum { total } } nodes { id total } } }"#
);
snapshot_sql!(aggregate_with_offset_only, "{ ordersAggregate(offset: 1) { aggregate { count } } }");
snapshot_sql!(
    whole_filter_in_a_variable,
    "query($w: OrdersBoolExp, $o: [OrdersOrderBy!]) { orders(where: $w, orderBy: $o) { id } }",
    json!({"w": {"status": {"_eq": "a"}, "_or": [{"id": {"_eq": 1}}, {"id": {"_eq": 2}}]}, "o": {"id": "DESC"}})
);
snapshot_sql!(
    directives_and_fragments,
    "query($a: Boolean!) { orders { ...F paid @include(if: $a) ratio @skip(if: true) ... on Orders { status } } } fragment F on Orders { id s: status }",
    json!({"a": false})
);
snapshot_sql!(null_operand, "{ orders(where: {status: {_eq: null}}) { id } }");
snapshot_sql!(unknown_column, r#"{ orders(where: {state: {_eq: "a"}}) { id } }"#);
snapshot_sql!(nodes_only, "{ ordersAggregate(limit: 1000) { nodes { a: id b: id c: id } } }");
snapshot_sql!(related_row, "{ orders(limit: 3) { id customer { name recommender { name } } } }");
snapshot_sql!(
    related_list,
    r#"{ customers { name orders(where: {total: {_gt: "5"}}, orderBy: {total: DESC}, limit: 2) { id total customer { id } } } }"#
);
snapshot_sql!(
    related_aggregate,
    "{ customersByPk(id: 1) { a: ordersAggregate { aggregate { count sum { total } avg { total } } } b: ordersAggregate(limit: 2) { aggregate { count } nodes { id } } } }"
);
snapshot_sql!(
    filter_by_related_row,
    r#"{ orders(where: {customer: {country: {_eq: "FR"}, recommender: {name: {_eq: "Ada"}}}}) { id } }"#
);
snapshot_sql!(
    filter_by_related_list,
    r#"{ customers(where: {orders: {status: {_eq: "open"}}, _not: {recommended: {}}}) { id } }"#
);
snapshot_sql!(
    filter_by_count,
    r#"{ customers(where: {ordersAggregate: {count: {predicate: {_gte: 2, _lt: 9}, filter: {paid: {_eq: true}}, arguments: [STATUS], distinct: true}}}) { id } }"#
);
snapshot_sql!(
    order_by_related,
    "{ orders(orderBy: [{customer: {country: ASC, recommender: {name: DESC}}}, {total: ASC}]) { id } customers(orderBy: {ordersAggregate: {count: DESC, max: {total: ASC}}}) { id } }"
);
snapshot_sql!(
    searched,
    r#"{ orders(search: "Blue jack", where: {paid: {_eq: true}}, limit: 3) { id } ordersAggregate(search: "blue ") { aggregate { count } } }"#
);
snapshot_sql!(
    searched_in_an_order,
    r#"query($s: String) { orders(search: $s, orderBy: {total: DESC}, distinctOn: [PAID]) { id } }"#,
    json!({"s": "x'y \"NEAR(a b)\" OR c*"})
);
snapshot_sql!(
    searched_with_an_index,
    r#"{ customers(search: "ada lo") { id orders(search: "blue") { id } } }"#
);
snapshot_sql!(searched_for_nothing, r#"{ orders(search: "  ") { id } }"#);
snapshot_sql!(searched_for_no_word, r#"{ customers(search: "?!") { id } }"#);
snapshot_sql!(
    distinct_in_the_order_of_related,
    "{ orders(distinctOn: [STATUS], orderBy: {customer: {name: ASC}}) { id customer { name } } }"
);

snapshot_sql!(
    similar_and_json,
    r#"{ orders(where: {status: {_similar: "(a|b)_%", _nsimilar: "[0-9]{2}"}, details: {_eq: {a: 1}, _contains: {a: [1]}, _containedIn: [1, 2], _hasKey: "a", _hasKeysAny: ["a", "b"], _hasKeysAll: ["c"], _isNull: false}}) { id } }"#
);
snapshot_sql!(floats_of_a_list, "{ orders(where: {ratio: {_in: [0.1, 1e23]}}) { id } }");
snapshot_sql!(refused_regex, r#"{ orders(where: {status: {_regex: "(?=a)"}}) { id } }"#);
snapshot_sql!(
    spreads,
    "{ ordersAggregate { aggregate { stddev { total ratio } stddevSamp { total } stddevPop { customerId } variance { ratio } varSamp { ratio } varPop { total } avg { customerId } } } }"
);
snapshot_sql!(
    groups,
    r#"{ ordersGroupBy(by: [{column: STATUS}, {column: ORDERED, truncate: MONTH}], where: {paid: {_eq: true}}) { keys { status ordered total } aggregate { count sum { total } avg { total ratio } } } }"#
);
snapshot_sql!(
    groups_in_bins,
    r#"query($w: Decimal!) { ordersGroupBy(by: [{column: TOTAL, bin: $w}, {column: RATIO, bin: "0.5"}, {column: CUSTOMER_ID, bin: "10"}, {column: SEEN_AT, truncate: HOUR}], limit: 5, offset: 10) { __typename keys { __typename total ratio customerId seenAt } aggregate { count } } }"#,
    json!({"w": "2.50"})
);
snapshot_sql!(
    groups_having,
    r#"{ ordersGroupBy(by: {column: STATUS}, having: {count: {columns: [CUSTOMER_ID], distinct: true, predicate: {_gt: 1}}, _or: [{sum: {total: {_gte: "1000.005", _neq: "7"}}}, {avg: {total: {_in: ["1.5"]}, ratio: {_lt: 0.5}}}, {_not: {max: {ordered: {_lt: "2024-01-01"}}}}, {stddev: {total: {_isNull: true}}}]}) { keys { status } } }"#
);
snapshot_sql!(
    groups_in_an_order,
    "{ ordersGroupBy(by: [{column: STATUS}, {column: PAID}], orderBy: [{aggregate: {sum: {total: DESC_NULLS_LAST}, count: ASC}}, {keys: {paid: DESC}}, {aggregate: {variance: {ratio: ASC}}}]) { aggregate { count } } }"
);
snapshot_sql!(
    order_by_sums_of_related,
    "{ customers(orderBy: [{ordersAggregate: {sum: {total: DESC}}}, {ordersAggregate: {avg: {ratio: ASC}}}]) { id } }"
);
snapshot_sql!(groups_by_nothing, "{ ordersGroupBy(by: []) { aggregate { count } } }");
snapshot_sql!(
    groups_by_one_column_twice,
    "{ ordersGroupBy(by: [{column: ORDERED, truncate: YEAR}, {column: ORDERED}]) { aggregate { count } } }"
);
snapshot_sql!(groups_by_json, "{ ordersGroupBy(by: {column: DETAILS}) { aggregate { count } } }");
snapshot_sql!(
    texts_are_not_truncated,
    "{ ordersGroupBy(by: {column: STATUS, truncate: DAY}) { aggregate { count } } }"
);
snapshot_sql!(
    dates_have_no_hours,
    "{ ordersGroupBy(by: {column: ORDERED, truncate: HOUR}) { aggregate { count } } }"
);
snapshot_sql!(
    dates_have_no_bins,
    r#"{ ordersGroupBy(by: {column: ORDERED, bin: "1"}) { aggregate { count } } }"#
);
snapshot_sql!(
    whole_numbers_have_whole_bins,
    r#"{ ordersGroupBy(by: {column: CUSTOMER_ID, bin: "0.5"}) { aggregate { count } } }"#
);
snapshot_sql!(
    order_by_what_is_no_key,
    "{ ordersGroupBy(by: {column: STATUS}, orderBy: {keys: {paid: ASC}}) { aggregate { count } } }"
);

/// Plans a document, binds it, and tells the code of the error.
fn code_of(document: &str, values: &serde_json::Value) -> Option<Code> {
    let planned = plan(document, values, Dialect::Sqlite);
    let now = std::time::Instant::now();
    let bound = planned.and_then(|plan| plan.bind(&snapshot(), &variables(values), now));
    bound.err().map(|error| error.code)
}

#[test]
fn limits_of_filters_hold_just_above_them() {
    let nested = |n: usize| {
        let filter = format!("{}{{}}{}", "{_not: ".repeat(n), "}".repeat(n));
        [
            format!("{{ orders(where: {filter}) {{ id }} }}"),
            format!(
                "{{ ordersGroupBy(by: {{column: STATUS}}, having: {filter}) {{ __typename }} }}"
            ),
        ]
    };
    let predicates = |n: usize| {
        let list = |item: &str| vec![item; n].join(", ");
        [
            format!("{{ orders(where: {{_and: [{}]}}) {{ id }} }}", list("{id: {_gt: 1}}")),
            format!(
                "{{ ordersGroupBy(by: {{column: STATUS}}, having: {{_or: [{}]}}) {{ __typename }} }}",
                list("{sum: {total: {_gt: 1}}}")
            ),
        ]
    };
    let sort_keys = |n: usize| {
        let list = |item: &str| vec![item; n].join(", ");
        [
            format!("{{ orders(orderBy: [{}]) {{ id }} }}", list("{id: ASC}")),
            format!(
                "{{ ordersGroupBy(by: {{column: STATUS}}, orderBy: [{}]) {{ __typename }} }}",
                list("{aggregate: {count: ASC}}")
            ),
        ]
    };
    let deep = [nested(10), nested(11)].concat();
    let many = [predicates(200), predicates(201), sort_keys(8), sort_keys(9)].concat();
    let codes = |documents: &[String]| -> Vec<Option<Code>> {
        documents.iter().map(|document| code_of(document, &json!({}))).collect()
    };
    let (fine, too_deep, too_many) = (None, Some(Code::QueryTooDeep), Some(Code::QueryTooComplex));
    assert_eq!(codes(&deep), [fine, fine, too_deep, too_deep]);
    assert_eq!(codes(&many), [fine, fine, too_many, too_many, fine, fine, too_many, too_many]);
}

#[test]
fn lists_of_values_are_bounded() {
    let filters = [
        ("orders", "[Int!]", "where: {id: {_in: $v}}"),
        ("orders", "[String!]", "where: {status: {_nin: $v}}"),
        ("orders", "[String!]", "where: {details: {_hasKeysAny: $v}}"),
        ("ordersGroupBy", "[Decimal!]", "by: {column: STATUS}, having: {sum: {total: {_in: $v}}}"),
    ];
    for (field, of, arguments) in filters {
        let document = format!("query($v: {of}) {{ {field}({arguments}) {{ __typename }} }}");
        for (n, expect) in [(10_000, None), (10_001, Some(Code::QueryTooComplex))] {
            let value = if of == "[Int!]" { json!(1) } else { json!("1") };
            let values = json!({ "v": vec![value; n] });
            assert_eq!(code_of(&document, &values), expect, "{arguments} {n}");
        }
    }
}

#[test]
fn groups_cost_their_cells() {
    // 1,000 × 100 cells, and 1,000 × 101.
    let cells = |n: usize| (0..n).map(|n| format!("c{n}: count ")).collect::<String>();
    for (n, expect) in [(99, None), (100, Some(Code::QueryTooComplex))] {
        let document = format!(
            "{{ ordersGroupBy(by: {{column: STATUS}}, limit: 1000) {{ keys {{ status }} aggregate {{ {} }} }} }}",
            cells(n)
        );
        assert_eq!(code_of(&document, &json!({})), expect, "{n}");
    }
    let beyond = "{ ordersGroupBy(by: {column: STATUS}, limit: 1001) { __typename } }";
    assert_eq!(code_of(beyond, &json!({})), Some(Code::BadUserInput));
}

/// A cursor for the only connection of a document, with these sort values.
fn cursor(document: &str, values: &str, dialect: Dialect) -> String {
    let page = plan(document, &json!({}), dialect).ok().and_then(|plan| {
        let Some(RootBody::Statement(root)) = plan.roots.first().map(|root| &root.body) else {
            return None;
        };
        let RootShape::Single(shape) = &root.statement.shape else { return None };
        shape.iter().find_map(|field| match &field.cell {
            OutCell::Page { page, .. } => Some(Arc::clone(page)),
            _ => None,
        })
    });
    let mut out = Vec::new();
    if let Some(page) = page {
        page.seal.write(values.as_bytes(), &mut out);
    }
    String::from_utf8(out).unwrap_or_default()
}

/// The SQL of a page behind a cursor; `AFTER` stands for it in the document.
fn page_sql(document: &str, values: &str) -> String {
    let first_page = document.replace("after: \"AFTER\"", "").replace("before: \"AFTER\"", "");
    let made = cursor(&first_page, values, Dialect::Sqlite);
    assert_eq!(made, cursor(&first_page, values, Dialect::Postgres));
    sql(&document.replace("AFTER", &made), &json!({})).replace(&made, "AFTER").replacen(
        document,
        &format!("{document}\n{values}"),
        1,
    )
}

macro_rules! snapshot_page {
    ($name:ident, $document:expr, $values:expr) => {
        #[test]
        fn $name() {
            insta::assert_snapshot!(page_sql($document, $values));
        }
    };
}

snapshot_sql!(
    connection,
    "{ ordersConnection(first: 2) { totalCount edges { cursor node { id status } } nodes { total } pageInfo { hasNextPage endCursor } } }"
);
snapshot_sql!(
    connection_count_only,
    r#"{ ordersConnection(where: {status: {_eq: "a"}}) { totalCount } }"#
);
snapshot_sql!(
    connection_from_the_end,
    "{ ordersConnection(last: 3, orderBy: [{total: DESC}, {status: ASC}]) { nodes { id } } }"
);
snapshot_page!(
    page_by_an_index_of_its_order,
    "{ ordersConnection(first: 3, after: \"AFTER\", orderBy: [{ordered: ASC}, {ratio: ASC}]) { nodes { status } } }",
    r#""2024-01-31","0.5","17""#
);
snapshot_page!(
    page_in_file_order,
    "{ ordersConnection(first: 2, after: \"AFTER\") { nodes { status } } }",
    "17"
);
snapshot_page!(
    page_without_an_index,
    "{ ordersConnection(after: \"AFTER\", orderBy: [{total: DESC_NULLS_LAST}, {status: ASC}]) { nodes { id } } }",
    r#""1.50",null,"17""#
);
snapshot_page!(
    page_by_ranges_of_an_index,
    "{ ordersConnection(after: \"AFTER\", where: {paid: {_eq: true}}, orderBy: [{ordered: ASC}, {ratio: DESC}]) { nodes { status } } }",
    r#""2024-01-31","0.5","17""#
);
snapshot_page!(
    page_before_by_ranges_of_an_index,
    "{ ordersConnection(last: 2, before: \"AFTER\", orderBy: {ordered: ASC_NULLS_FIRST}) { nodes { status } } }",
    r#""2024-01-31","17""#
);
snapshot_page!(
    page_behind_a_missing_value,
    "{ ordersConnection(after: \"AFTER\", orderBy: {ordered: ASC_NULLS_FIRST}) { nodes { status } } }",
    r#"null,"17""#
);
snapshot_page!(
    page_of_distinct_rows_by_related,
    "{ ordersConnection(after: \"AFTER\", distinctOn: [STATUS], orderBy: {customer: {name: ASC}}) { totalCount nodes { id } } }",
    r#""Ada","17""#
);
snapshot_sql!(
    related_connection,
    "{ customers { ordersConnection(first: 1, orderBy: {total: ASC}) { totalCount edges { cursor node { id } } } } }"
);
snapshot_sql!(
    order_by_sums_and_averages,
    "{ customers(orderBy: {ordersAggregate: {sum: {total: DESC}, avg: {customerId: ASC}}}) { id } }"
);
snapshot_sql!(
    node,
    r#"{ node(nodeId: "AQAAAAAAAAAAAAAAAAAAAAGlYTc") { nodeId ... on Orders { status } ... on Customers { name } } }"#
);

#[test]
fn a_plan_is_used_again_only_for_cursors_that_miss_the_same_values() -> Result<()> {
    let first = "{ ordersConnection(orderBy: {status: ASC}) { nodes { id } } }";
    let document = "query($a: String) { ordersConnection(after: $a, orderBy: {status: ASC}) { nodes { id } } }";
    let cursor = |values| json!({ "a": cursor(first, values, Dialect::Sqlite) });
    let made = plan(document, &cursor("\"x\",\"1\""), Dialect::Sqlite)?;
    for (values, fits) in [
        (cursor("\"y\",\"2\""), true),
        (cursor("null,\"2\""), false),
        (json!({}), false),
        (json!({"a": null}), false),
        (json!({"a": "x"}), false),
    ] {
        assert_eq!(made.fits(&variables(&values), &snapshot()), fits, "{values}");
    }
    Ok(())
}

#[test]
fn cells_of_nested_lists_count() -> Result<()> {
    // 1,000 × (1 + n × 2) cells.
    for (n, is_allowed) in [(49, true), (50, false)] {
        let document =
            format!("{{ customers(limit: 1000) {{ orders(limit: {n}) {{ id total }} }} }}");
        let made = plan(&document, &json!({}), Dialect::Sqlite)?;
        let bound = made.bind(&snapshot(), &Variables::new(), std::time::Instant::now());
        assert_eq!(bound.is_ok(), is_allowed, "{n}");
    }
    Ok(())
}

#[test]
fn many_cells_are_refused_before_they_are_asked_for() -> Result<()> {
    let root = |n: usize| format!("r{n}: orders(limit: 1000) {{ id status total paid ordered }} ");
    for (n_roots, is_allowed) in [(20, true), (21, false)] {
        let document = format!("{{ {} }}", (0..n_roots).map(root).collect::<String>());
        let made = plan(&document, &json!({}), Dialect::Sqlite)?;
        let bound = made.bind(&snapshot(), &Variables::new(), std::time::Instant::now());
        assert_eq!(bound.is_ok(), is_allowed, "{n_roots} root fields");
    }
    Ok(())
}

#[test]
fn a_plan_is_used_again_only_for_the_same_shape() -> Result<()> {
    let document =
        "query($s: String, $n: Int) { orders(where: {status: {_eq: $s}}, limit: $n) { id } }";
    let made = plan(document, &json!({"s": "a", "n": 1}), Dialect::Sqlite)?;
    for (values, fits) in [
        (json!({"s": "b", "n": 2}), true),
        (json!({"s": "b"}), false),
        (json!({"s": "b", "n": null}), false),
        (json!({"s": null, "n": 2}), false),
    ] {
        assert_eq!(made.fits(&variables(&values), &snapshot()), fits, "{values}");
    }
    Ok(())
}
