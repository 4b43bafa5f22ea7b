//! Turns corrected rejects into an upload of our own, and failed jobs into new ones.
//!
//! It exists so that a corrected row takes the same way as any other: it is read by its column's
//! rules, published in a version, and gone from the rejects in the same instant.

use std::collections::HashMap;

use bytes::Bytes;
use futures_util::stream;
use serde::Deserialize;
use uuid::Uuid;

use super::Ingest;
use super::request::{Task, Wishes};
use crate::catalog::NewJob;
use crate::catalog::model::{
    Dataset, Job, JobId, JobKind, JobStatus, KeptReject, LoadMode, OnError, UploadBounds,
    WorkspaceId,
};
use crate::error::{Code, Error, Result};

/// What changes in a refused row.
#[derive(Clone, Debug, Deserialize)]
pub struct Correction {
    /// Which reject.
    pub id: String,
    /// The cells that change.
    pub cells: Vec<CellCorrection>,
}

/// What a cell becomes.
#[derive(Clone, Debug, Deserialize)]
pub struct CellCorrection {
    /// The field's name.
    pub column: String,
    /// The text; none for no value.
    #[serde(default)]
    pub value: Option<String>,
}

impl Ingest {
    /// Queues the load of corrected rejects; acknowledged when this returns.
    ///
    /// # Errors
    /// NOT_FOUND for a reject that is not there, BAD_USER_INPUT for a column that is not,
    /// STORAGE_UNAVAILABLE.
    pub async fn admit_rejects(
        &self,
        workspace: WorkspaceId,
        dataset: &Dataset,
        corrections: &[Correction],
        actor: &str,
    ) -> Result<JobId> {
        let mut ids = Vec::with_capacity(corrections.len());
        for correction in corrections {
            let id: i64 = correction.id.parse().map_err(|_| unknown(&correction.id))?;
            if ids.contains(&id) {
                return Err(Error::bad_input(format!(
                    "The reject {id} is corrected twice; say all about it once."
                )));
            }
            ids.push(id);
        }
        if ids.is_empty() {
            return Err(Error::bad_input("corrections is empty; name the rejects to admit."));
        }
        let kept = self.shared.catalog.rejects_named(workspace, dataset.id, &ids).await?;
        let kept: HashMap<i64, KeptReject> =
            kept.into_iter().map(|reject| (reject.id, reject)).collect();
        let names: Vec<&str> = dataset
            .columns
            .iter()
            .filter(|column| !column.generated)
            .map(|column| column.name.as_str())
            .collect();
        let mut text = Vec::new();
        write_record(&mut text, names.iter().map(|name| Some(*name)));
        for (id, correction) in ids.iter().zip(corrections) {
            let reject = kept.get(id).ok_or_else(|| unknown(&correction.id))?;
            let cells = corrected(dataset, reject, correction)?;
            write_record(
                &mut text,
                names.iter().map(|name| cells.get(*name).and_then(Option::as_deref)),
            );
        }
        let body = stream::iter([Ok::<_, std::io::Error>(Bytes::from(text))]);
        let spooled = self.spool(body).await?;
        let _naming = self.naming.read().await;
        let source = self.shared.folders.keep(spooled, "corrected rows.csv").await?;
        let mut wishes = Wishes {
            task: Task::Admit { dataset: dataset.id, ids },
            on_error: OnError::Abort,
            ..Wishes::default()
        };
        wishes.read.delimiter = Some(',');
        wishes.read.quote = Some('"');
        wishes.read.escape = Some('\0');
        wishes.read.comment = Some('\0');
        wishes.read.encoding = Some("utf-8".to_owned());
        wishes.read.header_row = Some(1);
        wishes.read.skip_footer = Some(0);
        let id = JobId(Uuid::now_v7());
        self.enqueue(&NewJob {
            id,
            workspace,
            kind: JobKind::Admit,
            dataset_name: dataset.name.clone(),
            dataset_label: dataset.label.clone(),
            mode: LoadMode::Append,
            source,
            options: serde_json::to_string(&wishes).map_err(Error::internal)?,
            request_id: None,
            created_by: Some(actor.to_owned()),
        })
        .await?;
        Ok(id)
    }

    /// Queues a job that failed or was cancelled again, as a new one from the same source, which may
    /// go where the one who asks may load into.
    ///
    /// # Errors
    /// NOT_FOUND; CONFLICT for a job that has not failed; STORAGE_UNAVAILABLE.
    pub async fn retry(
        &self,
        workspace: WorkspaceId,
        id: JobId,
        bounds: UploadBounds,
        actor: &str,
    ) -> Result<Job> {
        let job = self.job(workspace, id).await?;
        if !matches!(job.status, JobStatus::Failed | JobStatus::Cancelled) {
            return Err(Error::new(
                Code::Conflict,
                "Only a job that failed or was cancelled can be begun again.",
            ));
        }
        if job.kind == JobKind::Export {
            return Err(Error::bad_input("An export is asked for anew: by the mutation export."));
        }
        let mut again = self.shared.catalog.job_to_repeat(workspace, id).await?;
        again.id = JobId(Uuid::now_v7());
        again.created_by = Some(actor.to_owned());
        let wishes: Wishes = serde_json::from_str(&again.options).map_err(Error::internal)?;
        let wishes = Wishes { bounds, ..wishes };
        if let Task::Copy { dataset } = &wishes.task
            && let Some(original) = self.shared.catalog.snapshot(workspace).dataset_by_id(*dataset)
        {
            // Whoever begins it again must be shown the original.
            wishes.bounds.check(&original.name)?;
        }
        again.options = serde_json::to_string(&wishes).map_err(Error::internal)?;
        if again.source.is_there() && !self.is_kept(&again.source).await {
            return Err(Error::new(
                Code::Conflict,
                "The file of this job is not kept here any more. Send it again.",
            ));
        }
        self.enqueue(&again).await?;
        self.job(workspace, again.id).await
    }
}

fn unknown(id: &str) -> Error {
    Error::not_found(format!("There is no reject with the id {id:?}; it may have been admitted."))
}

/// The cells of a refused row by field name, with what changes.
fn corrected(
    dataset: &Dataset,
    reject: &KeptReject,
    correction: &Correction,
) -> Result<HashMap<String, Option<String>>> {
    let mut cells = HashMap::new();
    for cell in &reject.row.cells {
        // A field that was renamed since is found by its header.
        let by_name = |name: &str| {
            dataset.columns.iter().find(|column| !column.generated && column.name == name)
        };
        let by_label = || {
            dataset.columns.iter().find(|column| !column.generated && column.label == cell.label)
        };
        if let Some(column) = by_name(&cell.name).or_else(by_label) {
            cells.insert(column.name.clone(), cell.value.clone());
        }
    }
    for cell in &correction.cells {
        let is_there = |column: &crate::catalog::model::Column| {
            !column.generated && column.name == cell.column
        };
        if !dataset.columns.iter().any(is_there) {
            return Err(Error::bad_input(format!(
                "{} has no column {:?}; name the field as the dataset does.",
                dataset.name, cell.column
            )));
        }
        cells.insert(cell.column.clone(), cell.value.clone());
    }
    Ok(cells)
}

/// Appends a record of quoted cells; what is missing stands without quotes.
fn write_record<'a>(out: &mut Vec<u8>, cells: impl Iterator<Item = Option<&'a str>>) {
    for (position, cell) in cells.enumerate() {
        if position > 0 {
            out.push(b',');
        }
        // An empty cell of a row was written without quotes, too.
        let Some(cell) = cell.filter(|cell| !cell.is_empty()) else { continue };
        out.push(b'"');
        out.extend_from_slice(cell.replace('"', "\"\"").as_bytes());
        out.push(b'"');
    }
    out.push(b'\n');
}
