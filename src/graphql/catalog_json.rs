//! Turns what the catalog holds into the JSON that GraphQL and the upload route show.
//!
//! One shape for both doors: the fields here are the fields of the catalog's GraphQL types.

use serde_json::{Value as Json, json};
use sluice_schema::{Notice, temporal};

use super::types::graphql_type;
use crate::catalog::model::{
    Column, Dataset, Drift, Index, Job, KeptReject, RejectedRow, RowCounts,
};
use crate::ingest::InspectedSheet;

/// An instant as RFC 3339 text in UTC.
pub fn instant(micros: i64) -> String {
    let mut out = Vec::with_capacity(32);
    temporal::write_timestamp(&mut out, micros);
    out.push(b'Z');
    String::from_utf8_lossy(&out).into_owned()
}

/// A whole number as `BigInt` shows it.
pub(super) fn big(value: impl std::fmt::Display) -> Json {
    Json::String(value.to_string())
}

/// A dataset's own values; columns and the like are behind their own functions.
pub fn dataset_scalars(dataset: &Dataset) -> Json {
    json!({
        "id": dataset.id.0.to_string(),
        "name": dataset.name,
        "label": dataset.label,
        "description": dataset.description,
        "listField": dataset.name,
        "typeName": dataset.type_name,
        "status": "READY",
        "version": dataset.version,
        "rowCount": big(dataset.row_count),
        "sizeBytes": big(dataset.size_bytes),
        "rejectCount": big(dataset.n_rejects),
        "oldNames": dataset.old_names,
        "createdAt": instant(dataset.created_at_us),
        "updatedAt": instant(dataset.updated_at_us),
    })
}

/// A dataset with its columns.
pub fn dataset(dataset: &Dataset) -> Json {
    let mut value = dataset_scalars(dataset);
    if let Json::Object(map) = &mut value {
        map.insert("key".to_owned(), key(dataset));
        map.insert("columns".to_owned(), dataset.columns.iter().map(column).collect());
        map.insert("notices".to_owned(), dataset.notices.iter().map(notice).collect());
        map.insert("indexes".to_owned(), dataset.indexes.iter().map(index).collect());
        map.insert("source".to_owned(), source(dataset));
    }
    value
}

/// The field names of a dataset's key.
pub fn key(dataset: &Dataset) -> Json {
    dataset.columns.get(dataset.key).map(|column| column.name.clone()).into_iter().collect()
}

/// Where a dataset's rows came from.
pub fn source(dataset: &Dataset) -> Json {
    dataset.source.as_ref().map_or(Json::Null, |source| {
        json!({
            "fileName": source.file_name,
            "sha256": source.sha256,
            "sizeBytes": big(source.size_bytes),
        })
    })
}

/// A column.
pub fn column(column: &Column) -> Json {
    let evidence = &column.evidence;
    json!({
        "name": column.name,
        "label": column.label,
        "type": column.column_type.name(),
        "graphqlType": graphql_type(column.column_type),
        "nullable": column.nullable,
        "required": column.required,
        "declared": column.declared,
        "unique": column.unique,
        "generated": column.generated,
        "description": column.description,
        "evidence": {
            "reason": evidence.reason,
            "candidates": evidence.candidates.iter().map(|candidate| json!({
                "candidate": candidate.candidate,
                "count": big(candidate.count),
            })).collect::<Json>(),
            "counterExample": evidence.counter_example.as_ref().map(|example| json!({
                "row": big(example.row),
                "text": example.text,
                "against": example.against,
            })),
            "samples": evidence.samples,
        },
        "statistics": {
            "nullCount": big(column.n_nulls),
            "distinctCount": big(evidence.n_distinct),
            "min": evidence.min,
            "max": evidence.max,
            "longestBytes": big(evidence.longest_bytes),
            "categories": evidence.categories.as_ref().map(|categories| {
                categories.iter().map(|category| json!({
                    "value": category.value,
                    "count": big(category.count),
                })).collect::<Json>()
            }),
        },
    })
}

/// An index.
pub fn index(index: &Index) -> Json {
    json!({
        "name": index.name,
        "columns": index.columns,
        "descending": index.descending,
        "method": index.method,
        "kind": index.kind,
        "reason": index.reason,
        "sizeBytes": big(index.size_bytes),
        "builtAt": instant(index.built_at_us),
    })
}

/// A notice.
pub fn notice(notice: &Notice) -> Json {
    json!({
        "code": notice.code,
        "message": notice.message,
        "sheet": notice.sheet,
        "row": notice.row.map(big),
        "column": notice.column,
        "count": big(notice.count),
    })
}

/// What became of rows.
pub fn counts(counts: &RowCounts) -> Json {
    json!({
        "inserted": big(counts.inserted),
        "updated": big(counts.updated),
        "unchanged": big(counts.unchanged),
        "rejected": big(counts.rejected),
    })
}

/// A difference between an upload and its dataset.
pub fn drift(drift: &Drift) -> Json {
    json!({
        "dataset": drift.dataset,
        "kind": drift.kind,
        "impact": drift.impact,
        "column": drift.column,
        "labelBefore": drift.label_before,
        "labelAfter": drift.label_after,
        "typeBefore": drift.type_before.map(|column_type| column_type.name()),
        "typeAfter": drift.type_after.map(|column_type| column_type.name()),
        "message": drift.message,
    })
}

/// A refused row that is kept.
pub fn reject(reject: &KeptReject) -> Json {
    let mut value = rejected_row(&reject.row);
    if let Json::Object(map) = &mut value {
        map.insert("id".to_owned(), Json::String(reject.id.to_string()));
    }
    value
}

/// A refused row.
pub fn rejected_row(row: &RejectedRow) -> Json {
    json!({
        "id": Json::Null,
        "row": big(row.row),
        "column": row.column,
        "value": row.value,
        "reason": row.reason,
        "cells": row.cells.iter().map(|cell| json!({
            "name": cell.name,
            "label": cell.label,
            "value": cell.value,
        })).collect::<Json>(),
    })
}

/// A mark of a dialect; none shows as null.
fn mark(mark: Option<char>) -> Json {
    match mark {
        Some('\0') | None => Json::Null,
        Some(mark) => Json::String(mark.to_string()),
    }
}

/// What a sheet would become; `sdl` is that of the type, `sdl_diff` how it changes.
pub fn inspected_sheet(sheet: &InspectedSheet, sdl: &str, sdl_diff: Option<&str>) -> Json {
    let (plan, made) = (&sheet.plan, &sheet.dataset);
    let is_delimited = matches!(plan.format, sluice_schema::Format::Delimited { .. });
    let dialect = |value: Json| if is_delimited { value } else { Json::Null };
    json!({
        "name": plan.name,
        "format": format_name(&plan.format),
        "encoding": plan.encoding,
        "dataset": made.name,
        "typeName": made.type_name,
        "exists": sheet.before.is_some(),
        "rowCount": big(plan.n_rows),
        "delimiter": dialect(mark(Some(plan.dialect.delimiter))),
        "quote": dialect(mark(plan.dialect.quote)),
        "escape": dialect(mark(plan.dialect.escape)),
        "comment": dialect(mark(plan.dialect.comment)),
        "dialectReason": dialect(Json::String(plan.dialect.reason.clone())),
        "headerRow": plan.header.row.map(big),
        "headerRows": plan.header.n_rows,
        "headerReason": plan.header.reason,
        "firstDataRow": big(plan.header.first_data_row),
        "key": key(made),
        "columns": made.columns.iter().map(column).collect::<Json>(),
        "notices": made.notices.iter().map(notice).collect::<Json>(),
        "rows": sheet.rows,
        "rejectCount": big(sheet.n_rejects),
        "rejects": sheet.rejects.iter().map(rejected_row).collect::<Json>(),
        "drift": sheet.drift.iter().map(drift).collect::<Json>(),
        "sdl": sdl,
        "sdlDiff": sdl_diff,
    })
}

fn format_name(format: &sluice_schema::Format) -> &'static str {
    use sluice_schema::{Format, WorkbookKind};
    match format {
        Format::Delimited { .. } => "DELIMITED",
        Format::Json { lines: true, .. } => "NDJSON",
        Format::Json { .. } => "JSON",
        Format::Workbook { workbook: WorkbookKind::Xlsx, .. } => "XLSX",
        Format::Workbook { workbook: WorkbookKind::Xlsb, .. } => "XLSB",
        Format::Workbook { workbook: WorkbookKind::Xls, .. } => "XLS",
        Format::Workbook { workbook: WorkbookKind::Ods, .. } => "ODS",
        Format::Parquet => "PARQUET",
    }
}

/// A job, without the datasets that it published.
pub fn job(job: &Job) -> Json {
    json!({
        "id": job.id.0.to_string(),
        "kind": job.kind,
        "status": job.status,
        "phase": job.phase,
        "datasetName": job.dataset_name,
        "progress": {
            "bytesDone": big(job.bytes_done),
            "bytesTotal": job.bytes_total.map(big),
            "rowsDone": big(job.rows_done),
            "rowsPerSecond": job.rows_per_second,
            "remainingSeconds": job.remaining_seconds,
        },
        "error": job.error.as_ref().map(|(code, message)| json!({
            "code": code,
            "message": message,
        })),
        "counts": counts(&job.outcome.counts),
        "drift": job.outcome.drift.iter().map(drift).collect::<Json>(),
        "refused": job.outcome.refused.iter().map(rejected_row).collect::<Json>(),
        "unchanged": job.outcome.is_unchanged,
        "notices": job.notices.iter().map(notice).collect::<Json>(),
        "file": super::export_job::file_json(job),
        "createdAt": instant(job.created_at_us),
        "startedAt": job.started_at_us.map(instant),
        "finishedAt": job.finished_at_us.map(instant),
    })
}
