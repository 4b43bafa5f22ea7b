//! Makes the GraphQL types of uploads: options, payload, drift, rejects, inspections.

use std::sync::Arc;

use async_graphql::dynamic::{
    Enum, Field, FieldFuture, FieldValue, InputObject, InputValue, Object, ResolverContext,
    SchemaBuilder, TypeRef,
};
use serde_json::Value as Json;

use super::answer::to_field_error;
use super::catalog_json;
use super::catalog_types::{FieldRow, field_value, json_object, type_ref};
use super::engine::RequestContext;
use crate::catalog::model::{Dataset, DatasetId, Job};
use crate::error::Error;

/// What a mutation that starts a job answers.
pub(super) struct Payload {
    /// The job; none in a dry run.
    pub(super) job: Option<Arc<Job>>,
    /// Whether nothing was to be done.
    pub(super) is_unchanged: bool,
    /// What would be made, of a dry run.
    pub(super) inspection: Option<Json>,
    /// The dataset, where no job was needed.
    pub(super) dataset: Option<DatasetId>,
}

/// An input type: its name, its description, and fields as name, type and description.
type InputRow = (&'static str, &'static str, &'static [(&'static str, &'static str, &'static str)]);

const INPUTS: [InputRow; 4] = [
    (
        "UploadOptions",
        "How to read a file; what is left out is decided by what the file holds.",
        &[
            ("delimiter", "String", "The character between cells; \"tab\" for the tab."),
            ("quote", "String", "The character around cells; \"\" if nothing is quoted."),
            (
                "escape",
                "String",
                "The character that takes the meaning of the next; \"\" for none.",
            ),
            ("comment", "String", "The character that begins comment lines; \"\" for none."),
            ("encoding", "String", "The encoding by its WHATWG label, like windows-1252."),
            ("headerRow", "Int", "The row of the last header line, from 1; 0 if there is none."),
            ("headerRows", "Int", "How many stacked rows make up the header, 1 or 2."),
            ("skipRows", "Int", "Rows to leave out before the header."),
            ("skipFooter", "Int", "Rows to leave out at the end."),
            ("nullSpellings", "[String!]", "Words that mean no value, in place of the usual ones."),
            ("dateOrder", "DateOrder", "What comes first in dates like 03/04/2024."),
            ("decimalMark", "String", "The decimal mark, \".\" or \",\"."),
            (
                "flatten",
                "Boolean",
                "Whether members of objects inside JSON rows become columns of their own.",
            ),
            ("columns", "[ColumnOptions!]", "What is decided column by column."),
        ],
    ),
    (
        "ColumnOptions",
        "What is decided about a column.",
        &[
            ("label", "String!", "The header as written; column3 for one without a header."),
            ("type", "ColumnType", "The type that every value must have."),
            ("name", "String", "The field's name."),
            ("required", "Boolean", "Whether a row without a value is refused."),
            ("skip", "Boolean", "Whether the column is left out."),
        ],
    ),
    (
        "RejectCorrection",
        "A refused row with what is to be loaded instead of its cells.",
        &[
            ("id", "ID!", "Which reject."),
            (
                "cells",
                "[CellCorrection!]!",
                "The cells that change; the others stay as they were written.",
            ),
        ],
    ),
    (
        "CellCorrection",
        "A cell of a corrected row.",
        &[
            ("column", "String!", "The field's name."),
            (
                "value",
                "String",
                "The text, in the way in which the file writes it; null for no value.",
            ),
        ],
    ),
];

const DRIFT: [FieldRow; 9] = [
    ("dataset", "String!", "The dataset's name."),
    ("kind", "DriftKind!", "Which kind of difference."),
    ("impact", "DriftImpact!", "What it means for clients."),
    ("column", "String!", "The field's name."),
    ("labelBefore", "String", "The header in the dataset."),
    ("labelAfter", "String", "The header in the upload."),
    ("typeBefore", "ColumnType", "The type in the dataset."),
    ("typeAfter", "ColumnType", "The type after the load; null when the field goes away."),
    ("message", "String!", "In one sentence."),
];

const REJECT: [FieldRow; 6] = [
    (
        "id",
        "ID",
        "Names the reject; null where it is not kept: in an inspection, in a job that failed.",
    ),
    ("row", "BigInt!", "The row as a spreadsheet shows it."),
    ("column", "String!", "The header of the column at fault."),
    ("value", "String!", "Its cell as written."),
    ("reason", "String!", "Why it does not fit, and what to do."),
    ("cells", "[RejectCell!]!", "All cells of the row."),
];

const SHEET: [FieldRow; 25] = [
    ("name", "String", "The sheet's name; null if the file is one table."),
    ("format", "String!", "What the sheet is: DELIMITED, JSON, NDJSON, XLSX …"),
    ("encoding", "String!", "The encoding of the text."),
    ("dataset", "String!", "The dataset that it would become."),
    ("typeName", "String!", "The object type of its rows."),
    ("exists", "Boolean!", "Whether a dataset of that name is there."),
    ("rowCount", "BigInt!", "Data rows."),
    ("delimiter", "String", "The character between cells."),
    ("quote", "String", "The character around cells."),
    ("escape", "String", "The character that takes the meaning of the next."),
    ("comment", "String", "The character that begins comment lines."),
    ("dialectReason", "String", "How that was decided."),
    ("headerRow", "BigInt", "The row of the last header line; null if there is none."),
    ("headerRows", "Int!", "How many stacked rows make up the header."),
    ("headerReason", "String!", "How that was decided."),
    ("firstDataRow", "BigInt!", "The row of the first record after the header."),
    (
        "key",
        "[String!]!",
        "Field names of the key; whether values repeat is only known by loading.",
    ),
    ("columns", "[Column!]!", "The columns with their types and why."),
    ("notices", "[Notice!]!", "What was decided or would be normalised."),
    ("rows", "[JSON!]!", "The first rows, typed, by field name."),
    ("rejectCount", "BigInt!", "Rows that would be refused."),
    ("rejects", "[Reject!]!", "The first of them."),
    ("drift", "[Drift!]!", "How it differs from the dataset that is there."),
    ("sdl", "String!", "The object type as SDL."),
    (
        "sdlDiff",
        "String",
        "How the object type of the dataset that is there would change, line by line: \"\" if it stays, null if there is none.",
    ),
];

/// Registers the types.
pub(super) fn register(mut builder: SchemaBuilder) -> SchemaBuilder {
    let enums = [
        (
            "DriftPolicy",
            "What happens when columns differ: FAIL loads nothing if clients would feel it (the default of APPEND and UPSERT), WIDEN keeps columns and makes them as wide as both need, REPLACE takes the upload's (the default of REPLACE).",
            &["FAIL", "WIDEN", "REPLACE"][..],
        ),
        (
            "OnError",
            "What happens to a row that does not fit: ABORT loads nothing, REJECT keeps the row aside.",
            &["ABORT", "REJECT"][..],
        ),
        (
            "DriftKind",
            "How a column of an upload differs from the dataset's.",
            &["ADDED", "MISSING", "RENAMED", "WIDENED", "NARROWED", "REKEYED"][..],
        ),
        ("DriftImpact", "What a difference means for clients.", &["SAFE", "BREAKING"][..]),
        ("DateOrder", "What comes first in a date.", &["DMY", "MDY", "YMD"][..]),
    ];
    for (name, description, items) in enums {
        builder =
            builder.register(Enum::new(name).description(description).items(items.iter().copied()));
    }
    for (name, description, fields) in INPUTS {
        let mut input = InputObject::new(name).description(description);
        for (field, sdl, description) in fields {
            input = input.field(InputValue::new(*field, type_ref(sdl)).description(*description));
        }
        builder = builder.register(input);
    }
    let objects = [
        json_object("Drift", "A difference between an upload and its dataset.", &DRIFT),
        json_object("Reject", "A row that a load refused.", &REJECT),
        json_object(
            "RejectCell",
            "A cell of a refused row.",
            &[
                ("name", "String!", "The field's name."),
                ("label", "String!", "The header as written."),
                ("value", "String", "The cell as written; null where the row ended before it."),
            ],
        ),
        json_object(
            "RowCounts",
            "What became of the rows of an upload.",
            &[
                ("inserted", "BigInt!", "Rows that are new."),
                ("updated", "BigInt!", "Rows whose values changed."),
                ("unchanged", "BigInt!", "Rows that were there with the same values."),
                ("rejected", "BigInt!", "Rows that were refused."),
            ],
        ),
        json_object(
            "Inspection",
            "What an upload would make.",
            &[("sheets", "[InspectedSheet!]!", "Each table of the file.")],
        ),
        json_object("InspectedSheet", "What a table of a file would become.", &SHEET),
    ];
    for object in objects {
        builder = builder.register(object);
    }
    builder.register(payload())
}

fn payload() -> Object {
    Object::new("UploadPayload")
        .description("What a request started, and made if it was waited for.")
        .field(
            Field::new("job", type_ref("Job"), |context| {
                let job = payload_of(&context).and_then(|payload| payload.job.clone());
                FieldFuture::Value(job.map(FieldValue::owned_any))
            })
            .description("The job; null in a dry run, and where none was needed."),
        )
        .field(
            Field::new("dataset", type_ref("Dataset"), |context| {
                FieldFuture::new(async move { Ok(published(&context)?.into_iter().next()) })
            })
            .description("The dataset, once the job has published it."),
        )
        .field(
            Field::new("datasets", type_ref("[Dataset!]!"), |context| {
                FieldFuture::new(async move { Ok(Some(FieldValue::list(published(&context)?))) })
            })
            .description("All datasets that the job has published."),
        )
        .field(
            Field::new("drift", type_ref("[Drift!]!"), |context| {
                let payload = payload_of(&context);
                let drift = match payload.map(|payload| (&payload.job, &payload.inspection)) {
                    Some((Some(job), _)) => {
                        job.outcome.drift.iter().map(catalog_json::drift).collect()
                    }
                    Some((None, Some(inspection))) => all_drift(inspection),
                    _ => Json::Array(Vec::new()),
                };
                FieldFuture::Value(field_value(drift, "[Drift!]!"))
            })
            .description("How the columns differ from those of the datasets before, once known."),
        )
        .field(
            Field::new("unchanged", type_ref("Boolean!"), |context| {
                let is_unchanged = payload_of(&context).is_some_and(|payload| payload.is_unchanged);
                FieldFuture::from_value(Some(is_unchanged.into()))
            })
            .description("Whether there was nothing to do: the same was loaded before."),
        )
        .field(
            Field::new("inspection", type_ref("Inspection"), |context| {
                let inspection =
                    payload_of(&context).and_then(|payload| payload.inspection.clone());
                FieldFuture::Value(inspection.map(FieldValue::owned_any))
            })
            .description("What would be made, of a dry run."),
        )
}

fn payload_of<'c>(context: &'c ResolverContext<'_>) -> Option<&'c Payload> {
    context.parent_value.downcast_ref::<Payload>()
}

fn all_drift(inspection: &Json) -> Json {
    let sheets = inspection.get("sheets").and_then(Json::as_array);
    let of = |sheet: &Json| sheet.get("drift").and_then(Json::as_array).cloned();
    sheets.into_iter().flatten().filter_map(of).flatten().collect()
}

fn published<'a>(context: &ResolverContext<'a>) -> async_graphql::Result<Vec<FieldValue<'a>>> {
    let request = context.data::<RequestContext>()?;
    let job = payload_of(context).and_then(|payload| payload.job.as_ref());
    let snapshot = request.snapshot();
    let ids = job.map(|job| job.datasets.as_slice()).unwrap_or_default();
    let at_once = payload_of(context).and_then(|payload| payload.dataset);
    let found = ids.iter().chain(&at_once).filter_map(|id| snapshot.dataset_by_id(*id).cloned());
    Ok(found.map(FieldValue::owned_any).collect())
}

/// `Dataset.rejects`
pub(super) fn rejects_field() -> Field {
    const DEFAULT_LIMIT: u64 = 50;
    const MAX_LIMIT: u64 = 1_000;
    Field::new("rejects", type_ref("[Reject!]!"), |context| {
        FieldFuture::new(async move {
            let request = context.data::<RequestContext>()?;
            let number = |name: &str, default| {
                let value = context.args.get(name).filter(|value| !value.is_null());
                value.map_or(Ok(default), |value| value.u64())
            };
            let (limit, offset) = (number("limit", DEFAULT_LIMIT)?, number("offset", 0)?);
            if limit > MAX_LIMIT {
                let error = Error::bad_input(format!("limit is {limit}, the most is {MAX_LIMIT}."));
                return Err(to_field_error(error));
            }
            let Some(dataset) = context.parent_value.downcast_ref::<Arc<Dataset>>() else {
                return Ok(None);
            };
            let snapshot = request.snapshot();
            if snapshot.is_partial(dataset.id) {
                // They hold all cells of their rows.
                return Ok(field_value(Json::Array(Vec::new()), "[Reject!]!"));
            }
            let workspace = request.principal.workspace;
            let found =
                request.services.catalog.rejects(workspace, dataset.id, limit, offset).await;
            let found = found.map_err(|error| to_field_error(error.into()))?;
            let json = found.iter().map(catalog_json::reject).collect();
            Ok(field_value(json, "[Reject!]!"))
        })
    })
    .argument(InputValue::new("limit", TypeRef::named(TypeRef::INT)))
    .argument(InputValue::new("offset", TypeRef::named(TypeRef::INT)))
    .description("Rows that loads refused and that are kept; 50 unless limit says otherwise.")
}
