//! `GET /rejects/{dataset}.csv`: the rows that loads refused, to be corrected in a spreadsheet.
//!
//! The file is written while the catalog is read, some rows at a time.

use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use futures_util::stream;

use super::App;
use super::gate::admit;
use super::refusal::Refusal;
use crate::auth::Class;
use crate::catalog::CatalogError;
use crate::catalog::model::{Dataset, KeptReject, Scope, WorkspaceId};
use crate::error::Error;

/// Rejects held at once.
const PAGE_ROWS: u64 = 100;

/// Answers the rejects of a dataset as CSV: what was wrong, then the cells as they were written.
pub(super) async fn get(
    State(app): State<Arc<App>>,
    Path(file): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let principal = admit(&app, &headers, Scope::Upload, Class::Read).await?;
    let name = file.strip_suffix(".csv").unwrap_or(&file);
    let snapshot = app.auth.view(&principal);
    // Refused rows hold all cells: whoever sees a part of the dataset sees none of them.
    let is_whole = |it: &&Arc<Dataset>| !snapshot.is_partial(it.id);
    let dataset = snapshot
        .dataset(name)
        .filter(is_whole)
        .cloned()
        .ok_or_else(|| Error::not_found(format!("There is no dataset named {name:?}.")))?;
    let disposition = format!("attachment; filename=\"{}-rejects.csv\"", dataset.name);
    let pages = Pages { app, workspace: principal.workspace, dataset, offset: 0, is_over: false };
    let body = stream::try_unfold(pages, |mut pages| async {
        let page = pages.next().await?;
        Ok::<_, CatalogError>(page.map(|page| (page, pages)))
    });
    let mut response = Body::from_stream(body).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8"));
    if let Ok(value) = HeaderValue::from_str(&disposition) {
        headers.insert(header::CONTENT_DISPOSITION, value);
    }
    Ok(response)
}

struct Pages {
    app: Arc<App>,
    workspace: WorkspaceId,
    dataset: Arc<Dataset>,
    offset: u64,
    is_over: bool,
}

impl Pages {
    async fn next(&mut self) -> Result<Option<Bytes>, CatalogError> {
        if self.is_over {
            return Ok(None);
        }
        let mut text = Vec::new();
        if self.offset == 0 {
            let own = ["id", "row", "column", "value", "reason"].into_iter();
            let columns = self.dataset.columns.iter().filter(|column| !column.generated);
            write_record(&mut text, own.chain(columns.map(|column| column.name.as_str())));
        }
        let catalog = &self.app.catalog;
        let found =
            catalog.rejects(self.workspace, self.dataset.id, PAGE_ROWS, self.offset).await?;
        for reject in &found {
            self.write(&mut text, reject);
        }
        self.offset += PAGE_ROWS;
        self.is_over = found.len() < usize::try_from(PAGE_ROWS).unwrap_or(usize::MAX);
        Ok(Some(Bytes::from(text)))
    }

    fn write(&self, text: &mut Vec<u8>, reject: &KeptReject) {
        let (id, row) = (reject.id.to_string(), reject.row.row.to_string());
        let refused = &reject.row;
        let own = [&id, &row, &refused.column, &refused.value, &refused.reason];
        let columns = self.dataset.columns.iter().filter(|column| !column.generated);
        let cells = columns.map(|column| {
            let by_name = refused.cells.iter().find(|cell| cell.name == column.name);
            let cell =
                by_name.or_else(|| refused.cells.iter().find(|cell| cell.label == column.label));
            cell.and_then(|cell| cell.value.as_deref()).unwrap_or_default()
        });
        write_record(text, own.into_iter().map(String::as_str).chain(cells));
    }
}

fn write_record<'a>(out: &mut Vec<u8>, cells: impl Iterator<Item = &'a str>) {
    for (position, cell) in cells.enumerate() {
        if position > 0 {
            out.push(b',');
        }
        if cell.contains([',', '"', '\n', '\r']) {
            out.push(b'"');
            out.extend_from_slice(cell.replace('"', "\"\"").as_bytes());
            out.push(b'"');
        } else {
            out.extend_from_slice(cell.as_bytes());
        }
    }
    out.extend_from_slice(b"\r\n");
}
