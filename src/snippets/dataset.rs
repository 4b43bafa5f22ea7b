//! What is asked of a dataset: its newest rows first, a page at a time.

use serde_json::{Map, Value, json};
use sluice_schema::ColumnType;

use super::{Address, RowColumn, RowSource};
use crate::catalog::model::{Column, Dataset};

/// Rows of a page, where a server allows as many.
const PAGE_ROWS: u64 = 100;
/// Rows of a file to begin with: enough to see what it is, few enough for any sheet.
const FILE_ROWS: u64 = 1_000;

impl RowSource {
    /// Of a dataset as it is shown to somebody; `max_limit` is how many rows a page may have.
    pub fn of_dataset(dataset: &Dataset, max_limit: u64) -> RowSource {
        let Dataset { name, type_name, .. } = dataset;
        let columns = &dataset.columns;
        let fields: String =
            columns.iter().map(|column| format!("    {}\n", column.name)).collect();
        let order = order_of(dataset);
        let limit = PAGE_ROWS.min(max_limit);
        let mut variables = Map::new();
        variables.insert("where".to_owned(), json!({}));
        let by: Vec<Value> = order.iter().map(|column| json!({ &column.name: "DESC" })).collect();
        variables.insert("orderBy".to_owned(), Value::from(by));
        variables.insert("limit".to_owned(), Value::from(limit));
        variables.insert("offset".to_owned(), Value::from(0));
        let sort = order.map(|column| ("sort".to_owned(), format!("-{}", column.name)));
        let parameters = |more: &[(&str, u64)]| {
            let more = more.iter().map(|(name, n)| ((*name).to_owned(), n.to_string()));
            sort.iter().cloned().chain(more).collect::<Vec<_>>()
        };
        let mut csv = parameters(&[("limit", FILE_ROWS)]);
        // Programs read values, not cells that could be formulas.
        csv.push(("guard".to_owned(), "false".to_owned()));
        RowSource {
            name: dataset.label.clone(),
            document: format!(
                "query {type_name}Page($where: {type_name}BoolExp, $orderBy: [{type_name}OrderBy!], \
                 $limit: Int, $offset: Int) {{\n  {name}(where: $where, orderBy: $orderBy, limit: \
                 $limit, offset: $offset) {{\n{fields}  }}\n}}"
            ),
            variables,
            field: name.clone(),
            columns: columns
                .iter()
                .map(|it| RowColumn { name: it.name.clone(), column_type: it.column_type })
                .collect(),
            json: Address {
                path: format!("/api/v1/{name}"),
                parameters: parameters(&[("page[limit]", limit), ("page[offset]", 0)]),
            },
            csv: Address { path: format!("/export/{name}.csv"), parameters: csv },
            is_saved: false,
        }
    }
}

/// What rows are sorted by: when they were, or their key.
fn order_of(dataset: &Dataset) -> Option<&Column> {
    let is_time = |column: &&Column| {
        let times = [ColumnType::Date, ColumnType::DateTime, ColumnType::LocalDateTime];
        times.contains(&column.column_type)
    };
    let time = dataset.columns.iter().find(is_time);
    time.or_else(|| dataset.columns.get(dataset.key))
}
