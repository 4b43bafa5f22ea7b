//! `GET /openapi.json` and `.yaml`: the API as OpenAPI 3.1 describes it, of what the principal sees.
//!
//! <https://spec.openapis.org/oas/v3.1.0>. It is made from the catalog, so that it is never behind.

mod answers;
mod datasets;
mod exports;
mod of_catalog;
mod of_saved;
mod schemas;
mod yaml;

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::Response;
use serde_json::{Map, Value, json};

use self::answers::{problem_schema, responses};
use self::datasets::{add_dataset, add_path};
use self::exports::add_export;
use self::of_catalog::{of_catalog, of_snippet, of_snippets, of_upload};
use self::of_saved::add_saved;
use self::schemas::{filter_schema, input_schema, row_schema};
use self::yaml::write_yaml;
use super::operations::operations;
use super::question::key_of;
use super::{AppState, Asker, ROOT, answer_bytes, dataset_of, problem};
use crate::catalog::model::Column;
use crate::catalog::snapshot::Snapshot;
use crate::http::App;
use crate::http::accept::Media;
use crate::http::refusal::Refusal;
use crate::query::operators::operators;

const YAML: HeaderValue = HeaderValue::from_static("application/yaml; charset=utf-8");

/// `GET /api/v1`: where everything is.
pub(super) async fn index(State(app): AppState, headers: HeaderMap) -> Response {
    let work = async {
        let asker = Asker::admit(&app, &headers).await?;
        let snapshot = app.auth.view(&asker.principal);
        let datasets: Vec<Value> = snapshot
            .datasets()
            .map(|dataset| {
                json!({ "name": dataset.name, "href": format!("{ROOT}/{}", dataset.name) })
            })
            .collect();
        let index = json!({
            "data": datasets,
            "openapi": "/openapi.json",
            "graphql": "/graphql",
        });
        Ok(answer_bytes(index.to_string().into(), Media::Rest.content_type(), &headers))
    };
    work.await.unwrap_or_else(problem)
}

/// `GET /openapi.json`.
pub(super) async fn json(State(app): AppState, headers: HeaderMap) -> Response {
    let work = async {
        let document = document(&app, &headers).await?;
        Ok(answer_bytes(document.to_string().into(), Media::Rest.content_type(), &headers))
    };
    work.await.unwrap_or_else(problem)
}

/// `GET /openapi.yaml`.
pub(super) async fn yaml(State(app): AppState, headers: HeaderMap) -> Response {
    let work = async {
        let document = document(&app, &headers).await?;
        let mut text = String::new();
        write_yaml(&document, 0, &mut text);
        Ok(answer_bytes(text.into(), YAML, &headers))
    };
    work.await.unwrap_or_else(problem)
}

/// `GET /api/v1/{dataset}/schema`: the columns and relations of a dataset.
pub(super) async fn of_dataset(
    State(app): AppState,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Response {
    let work = async {
        let asker = Asker::admit(&app, &headers).await?;
        let snapshot = app.auth.view(&asker.principal);
        let dataset = dataset_of(&snapshot, &name)?;
        let columns: Vec<Value> = dataset.columns.iter().map(described).collect();
        let relations: Vec<Value> = snapshot
            .links(dataset.id)
            .iter()
            .filter_map(|link| {
                let other = snapshot.dataset_by_id(link.other)?;
                Some(json!({ "name": link.name, "dataset": other.name, "isList": link.is_list }))
            })
            .collect();
        let told = json!({
            "data": {
                "name": dataset.name,
                "label": dataset.label,
                "description": dataset.description,
                "version": dataset.version,
                "key": key_of(&dataset)?.name,
                "columns": columns,
                "relations": relations,
                "row": row_schema(&dataset),
            }
        });
        Ok(answer_bytes(told.to_string().into(), Media::Rest.content_type(), &headers))
    };
    work.await.unwrap_or_else(problem)
}

fn described(column: &Column) -> Value {
    let operators: Vec<&str> =
        operators(column.column_type).map(|(name, ..)| name.trim_start_matches('_')).collect();
    json!({
        "name": column.name,
        "label": column.label,
        "type": crate::graphql::types::graphql_type(column.column_type),
        "nullable": column.nullable,
        "unique": column.unique,
        "generated": column.generated,
        "description": column.description,
        "operators": operators,
    })
}

async fn document(app: &App, headers: &HeaderMap) -> Result<Value, Refusal> {
    let asker = Asker::admit(app, headers).await?;
    let snapshot = app.auth.view(&asker.principal);
    let mut document = whole(&snapshot, app);
    if let Some(Value::Object(paths)) = document.get_mut("paths") {
        for (query, variables) in app.engine.saved_queries(&asker.principal).await? {
            add_saved(paths, &query, &variables);
        }
    }
    Ok(document)
}

/// The whole document.
fn whole(snapshot: &Arc<Snapshot>, app: &App) -> Value {
    let mut paths = Map::new();
    let mut schemas = Map::new();
    schemas.insert("Problem".to_owned(), problem_schema());
    for operation in operations() {
        add_path(&mut paths, operation.path, operation.method.as_str(), of_catalog(operation));
    }
    add_path(&mut paths, "/api/v1/datasets", "POST", of_upload());
    add_path(&mut paths, "/snippets/{dataset}", "GET", of_snippets());
    add_path(&mut paths, "/snippets/{dataset}/{kind}", "GET", of_snippet());
    for dataset in snapshot.datasets() {
        let name = &dataset.type_name;
        schemas.insert(name.clone(), row_schema(dataset));
        schemas.insert(format!("{name}Input"), input_schema(dataset));
        schemas.insert(format!("{name}Filter"), filter_schema(dataset));
        add_dataset(&mut paths, snapshot, dataset, app);
        add_export(&mut paths, dataset);
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Sluice",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": "Datasets as an API",
            "description": description(app),
            "license": { "name": "Apache-2.0 OR MIT", "identifier": "Apache-2.0 OR MIT" },
        },
        "servers": [{ "url": "/" }],
        "security": [{ "bearer": [] }, { "apiKey": [] }],
        "tags": [
            { "name": "catalog", "description": "What there is, and who may do what" },
            { "name": "saved queries", "description": "Documents that answer at an address of their own" },
        ],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "responses": responses(),
            "securitySchemes": {
                "bearer": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "An API key (slu_…), or a token of a trusted issuer",
                },
                "apiKey": { "type": "apiKey", "in": "header", "name": "X-API-Key" },
            },
        },
    })
}

fn description(app: &App) -> String {
    let settings = &app.settings;
    format!(
        "Lists answer {} rows unless page[limit] says otherwise, at most {}. Filters are \
         filter[column][operator]=value, or filter={{…}} as JSON; sort=-total,name; pages by \
         page[limit] and page[offset], or by cursors from page[after]= on, whose neighbours the \
         header Link names. A key has {} for reads and {} for changes; 429 tells when to come \
         again. BigInt and Decimal are texts, since numbers of JSON lose digits.",
        settings.default_limit, settings.max_limit, settings.rates.reads, settings.rates.writes
    )
}
