//! The routes of a dataset.

use serde_json::{Map, Value, json};
use sluice_schema::ColumnType;

use super::answers::answers;
use super::schemas::value_schema;
use crate::catalog::model::Dataset;
use crate::catalog::snapshot::Snapshot;
use crate::error::Code;
use crate::http::App;
use crate::http::rest::ROOT;
use crate::http::rest::parameters::FUNCTIONS;
use crate::http::rest::question::key_of;
use crate::write::columns::constraint_name;

pub(super) fn add_path(paths: &mut Map<String, Value>, path: &str, method: &str, operation: Value) {
    let entry = paths.entry(path.to_owned()).or_insert_with(|| Value::Object(Map::new()));
    if let Value::Object(methods) = entry {
        methods.insert(method.to_ascii_lowercase(), operation);
    }
}

pub(super) fn add_dataset(
    paths: &mut Map<String, Value>,
    snapshot: &Snapshot,
    dataset: &Dataset,
    app: &App,
) {
    let (name, of_type) = (&dataset.name, &dataset.type_name);
    let row = json!({ "$ref": format!("#/components/schemas/{of_type}") });
    let input = json!({ "$ref": format!("#/components/schemas/{of_type}Input") });
    let list_path = format!("{ROOT}/{name}");
    let one_path = format!("{ROOT}/{name}/{{id}}");
    let one = |rows: &Value| json!({ "type": "object", "properties": { "data": rows }, "required": ["data"] });
    let listed = json!({
        "type": "object",
        "properties": {
            "data": { "type": "array", "items": row },
            "total": { "type": "integer" },
            "page": { "type": "object" },
        },
        "required": ["data"],
    });
    let operation = |id: String, summary: String, parameters: Vec<Value>, more: Value| {
        let mut operation = json!({
            "operationId": id,
            "summary": summary,
            "tags": [name],
            "parameters": parameters,
        });
        if let (Value::Object(operation), Value::Object(more)) = (&mut operation, more) {
            operation.extend(more);
        }
        operation
    };
    let list = operation(
        format!("list{of_type}"),
        format!("Rows of {:?}", dataset.label),
        list_parameters(snapshot, dataset, app),
        json!({ "responses": answers("200", Some(&listed), &[Code::NotFound, Code::QueryTooComplex], true) }),
    );
    add_path(paths, &list_path, "GET", list);
    let body = |schema: Value| json!({ "required": true, "content": { "application/json": { "schema": schema } } });
    let either = json!({ "oneOf": [input, { "type": "array", "items": input }] });
    let told = json!({ "oneOf": [one(&row), listed] });
    let changes = [Code::NotFound, Code::Conflict, Code::PayloadTooLarge];
    let insert = operation(
        format!("insert{of_type}"),
        "Adds a row, or a list of rows, in one transaction".to_owned(),
        change_parameters(),
        json!({ "requestBody": body(either), "responses": answers("201", Some(&told), &changes, false) }),
    );
    add_path(paths, &list_path, "POST", insert);
    if let Ok(key) = key_of(dataset) {
        let id = json!({
            "name": "id",
            "in": "path",
            "required": true,
            "description": format!("The key: {}", key.name),
            "schema": value_schema(key.column_type),
        });
        let mut read = vec![id.clone()];
        read.extend(row_parameters(snapshot, dataset));
        let get = operation(
            format!("get{of_type}"),
            "One row by its key".to_owned(),
            read,
            json!({ "responses": answers("200", Some(&one(&row)), &[Code::NotFound], true) }),
        );
        add_path(paths, &one_path, "GET", get);
        let mut change = vec![id];
        change.extend(change_parameters());
        change.push(header_parameter(
            "If-Match",
            "Changes the row only if it is still what this tag names",
        ));
        let responses =
            |status: &str, schema: Option<&Value>| answers(status, schema, &changes, false);
        let patch = operation(
            format!("update{of_type}"),
            "Changes columns of a row".to_owned(),
            change.clone(),
            json!({ "requestBody": body(input.clone()), "responses": responses("200", Some(&one(&row))) }),
        );
        add_path(paths, &one_path, "PATCH", patch);
        if constraint_name(dataset).is_some() {
            let put = operation(
                format!("put{of_type}"),
                "Changes a row, or adds it".to_owned(),
                change.clone(),
                json!({ "requestBody": body(input), "responses": responses("200", Some(&one(&row))) }),
            );
            add_path(paths, &one_path, "PUT", put);
        }
        let delete = operation(
            format!("delete{of_type}"),
            "Removes a row".to_owned(),
            change,
            json!({ "responses": responses("204", None) }),
        );
        add_path(paths, &one_path, "DELETE", delete);
    }
    let mut parameters = filter_parameters(dataset);
    parameters.extend([
        query_parameter(
            "groupBy",
            "Columns to split by, separated by commas",
            json!({ "type": "string" }),
        ),
        query_parameter("page[limit]", "Groups", json!({ "type": "integer", "minimum": 0 })),
        query_parameter(
            "page[offset]",
            "Groups to leave out",
            json!({ "type": "integer", "minimum": 0 }),
        ),
    ]);
    for function in FUNCTIONS {
        let text = format!("Columns to compute {function} of, separated by commas");
        parameters.push(query_parameter(function, &text, json!({ "type": "string" })));
    }
    let computed = json!({ "type": "object", "properties": { "data": {} }, "required": ["data"] });
    let aggregate = operation(
        format!("aggregate{of_type}"),
        "Counts, sums and other aggregates, of all rows or by groups".to_owned(),
        parameters,
        json!({ "responses": answers("200", Some(&computed), &[Code::NotFound], true) }),
    );
    add_path(paths, &format!("{list_path}/aggregate"), "GET", aggregate);
    let schema = operation(
        format!("schemaOf{of_type}"),
        "Columns and relations".to_owned(),
        Vec::new(),
        json!({ "responses": answers("200", Some(&one(&json!({ "type": "object" }))), &[Code::NotFound], true) }),
    );
    add_path(paths, &format!("{list_path}/schema"), "GET", schema);
}

pub(super) fn query_parameter(name: &str, description: &str, schema: impl Into<Value>) -> Value {
    let schema: Value = schema.into();
    json!({ "name": name, "in": "query", "description": description, "schema": schema })
}

pub(super) fn header_parameter(name: &str, description: &str) -> Value {
    json!({ "name": name, "in": "header", "description": description, "schema": { "type": "string" } })
}

pub(super) fn change_parameters() -> Vec<Value> {
    vec![
        header_parameter(
            "Idempotency-Key",
            "The same request again is answered as before and changes nothing",
        ),
        header_parameter("Prefer", "return=minimal answers no row, return=representation does"),
    ]
}

pub(super) fn filter_parameters(dataset: &Dataset) -> Vec<Value> {
    let of_type = &dataset.type_name;
    let mut parameters = vec![
        json!({
            "name": "filter",
            "in": "query",
            "description": "A filter as JSON; filter[column][operator]=value is the short form",
            "content": { "application/json": { "schema": { "$ref": format!("#/components/schemas/{of_type}Filter") } } },
        }),
        query_parameter("search", "Rows that have all these words", json!({ "type": "string" })),
        query_parameter(
            "asOf",
            "Rows as they were in this version",
            json!({ "type": "integer", "minimum": 1 }),
        ),
    ];
    for column in dataset.columns.iter() {
        if column.column_type != ColumnType::Json {
            let name = format!("filter[{}]", column.name);
            let text = format!("Rows whose {} is this", column.name);
            parameters.push(query_parameter(&name, &text, value_schema(column.column_type)));
        }
    }
    parameters
}

/// Names separated by commas, each one of these.
fn list_parameter(name: &str, description: &str, names: &[&str]) -> Value {
    let items = match names {
        [] => json!({ "type": "string" }),
        names => json!({ "type": "string", "enum": names }),
    };
    json!({
        "name": name,
        "in": "query",
        "description": description,
        "style": "form",
        "explode": false,
        "schema": { "type": "array", "items": items },
    })
}

pub(super) fn fields_parameter(dataset: &Dataset) -> Value {
    let columns: Vec<&str> = dataset.columns.iter().map(|column| column.name.as_str()).collect();
    list_parameter("fields", "The only columns", &columns)
}

pub(super) fn sort_parameter(dataset: &Dataset) -> Value {
    let columns = dataset.columns.iter().map(|column| &column.name);
    let keys: Vec<String> =
        columns.flat_map(|column| [column.clone(), format!("-{column}")]).collect();
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    let text = "Columns, the first one first; with a - before it the largest first";
    list_parameter("sort", text, &keys)
}

pub(super) fn row_parameters(snapshot: &Snapshot, dataset: &Dataset) -> Vec<Value> {
    let links = snapshot.links(dataset.id).iter();
    let links: Vec<&str> = links.map(|link| link.name.as_str()).collect();
    let mut parameters = vec![fields_parameter(dataset)];
    if !links.is_empty() {
        parameters.push(list_parameter("include", "Related rows; dots lead into theirs", &links));
    }
    parameters
}

pub(super) fn list_parameters(snapshot: &Snapshot, dataset: &Dataset, app: &App) -> Vec<Value> {
    let mut parameters = filter_parameters(dataset);
    parameters.extend(row_parameters(snapshot, dataset));
    let limit = json!({ "type": "integer", "minimum": 0, "maximum": app.settings.max_limit });
    parameters.extend([
        sort_parameter(dataset),
        query_parameter("page[limit]", "Rows", limit),
        query_parameter(
            "page[offset]",
            "Rows to leave out",
            json!({ "type": "integer", "minimum": 0 }),
        ),
        query_parameter(
            "page[after]",
            "A cursor; from the start if it is empty",
            json!({ "type": "string" }),
        ),
        query_parameter(
            "page[before]",
            "A cursor; from the end if it is empty",
            json!({ "type": "string" }),
        ),
        query_parameter("total", "Counts the rows of all pages", json!({ "type": "boolean" })),
    ]);
    parameters
}
