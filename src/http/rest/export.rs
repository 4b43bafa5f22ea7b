//! `GET /export/{dataset}.{csv,tsv,json,ndjson,xlsx,parquet,arrow}`: the rows of a list as a file,
//! however many.
//!
//! The request is read as one for rows, becomes a document that is planned like a query, and its
//! rows are sent while they are read. What goes wrong before the first of them is an ordinary
//! refusal; afterwards the connection is cut, so that half a file never looks like a whole one.

use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, Method, Uri, header};
use axum::response::Response;
use futures_util::stream;

use super::parameters::{Parameters, expected, switch};
use super::question;
use super::{AppState, Asker, problem};
use crate::catalog::model::Dataset;
use crate::catalog::snapshot::Snapshot;
use crate::error::{Error, Result};
use crate::export::{Blocks, CsvOptions, Format, Header, MAX_XLSX_ROWS, too_many_rows};
use crate::graphql::{ExportPlan, ExportQuestion};
use crate::http::accept::Media;
use crate::http::context::{note, request_id};
use crate::http::gate::record;
use crate::http::validators;

/// What the audit log calls it.
const ACTION: &str = "export";

/// Answers the rows of a dataset as a file.
pub(super) async fn get(
    State(app): AppState,
    method: Method,
    Path(file): Path<String>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let asker = match Asker::admit(&app, &headers).await {
        Ok(asker) => asker,
        Err(refusal) => return problem(refusal),
    };
    let is_head = method == Method::HEAD;
    let answered = asker.answer(&file, uri.query().unwrap_or_default(), is_head).await;
    let target = file.rsplit_once('.').map_or(file.as_str(), |(name, _)| name);
    let code = answered.as_ref().err().map(|error| error.code);
    record(&app, &headers, &asker.principal, ACTION, Some(target), code);
    answered.unwrap_or_else(|error| problem(error.into()))
}

/// What a request asks for beside its rows.
struct Asked {
    rows: Parameters,
    format: Format,
    options: CsvOptions,
}

impl Asker<'_> {
    async fn answer(&self, file: &str, query: &str, is_head: bool) -> Result<Response> {
        let app = self.app;
        let Some((name, format)) = Format::of_file(file) else {
            return Err(Error::not_found(format!(
                "There is no file {file:?}; ask for /export/NAME{}.",
                Format::endings()
            )));
        };
        let snapshot = app.auth.view(&self.principal);
        let dataset = snapshot.dataset(name).cloned();
        let dataset = dataset
            .ok_or_else(|| Error::not_found(format!("There is no dataset named {name:?}.")))?;
        let asked = Asked::read(query, format)?;
        let n_rows = n_rows_most(&dataset, &asked.rows);
        if format == Format::Xlsx
            && n_rows > u64::from(MAX_XLSX_ROWS)
            && is_whole(&snapshot, &dataset, &asked.rows)
        {
            return Err(too_many_rows());
        }
        let made = question::list(&snapshot, &dataset, &asked.rows)?;
        let form = format!("export {} {:?}", format.extension(), asked.options);
        let (document, variables) = (made.document, made.variables);
        let question = ExportQuestion { document, variables, form: &form, snapshot };
        let deadline = app.exports.deadline();
        let plan = app.engine.plan_export(&self.principal, question, deadline).await?;
        if validators::known_tags(self.headers, Media::Rest).contains(&plan.tag) {
            return Ok(validators::unchanged(self.headers, plan.tag, Media::Rest));
        }
        let mut response = if is_head {
            let mut response = Response::new(Body::empty());
            validators::mark(response.headers_mut(), plan.tag, Media::Rest);
            response
        } else {
            let n_cells = n_rows.saturating_mul(plan.shape.len() as u64);
            note(app.rates.charge_cells(&self.principal, n_cells)?);
            self.send(&dataset, plan, &asked).await?
        };
        let answer = response.headers_mut();
        answer.insert(header::CONTENT_TYPE, HeaderValue::from_static(format.content_type()));
        let disposition = format!("attachment; filename=\"{}.{}\"", name, format.extension());
        if let Ok(disposition) = HeaderValue::from_str(&disposition) {
            answer.insert(header::CONTENT_DISPOSITION, disposition);
        }
        Ok(response)
    }

    /// Begins to read, and answers once the first rows are there.
    async fn send(&self, dataset: &Dataset, plan: ExportPlan, asked: &Asked) -> Result<Response> {
        let app = self.app;
        let place = app.exports.place().await?;
        let wanted = plan.wanted(dataset, asked.format, asked.options)?;
        let mut blocks = app.exports.start(wanted, place)?;
        let mut first = blocks.next().await?;
        // Rows may be changed in place: those that are read now may be newer than the plan.
        let is_current = app.engine.require_one_state(&self.principal, &plan)?;
        if first.is_some() {
            let next = blocks.next().await?;
            first = first.map(|begun| join(&begun, next.as_ref()));
        }
        let mut response = Response::new(body(first, blocks));
        if is_current {
            validators::mark(response.headers_mut(), plan.tag, Media::Rest);
        }
        Ok(response)
    }
}

fn join(begun: &Bytes, next: Option<&Bytes>) -> Bytes {
    match next {
        Some(next) => [begun.as_ref(), next.as_ref()].concat().into(),
        None => begun.clone(),
    }
}

/// The parts of a file as they are made.
fn body(first: Option<Bytes>, blocks: Blocks) -> Body {
    let id = request_id();
    let parts = stream::try_unfold((first, blocks, id), |(first, mut blocks, id)| async {
        let part = match first {
            Some(part) => Some(part),
            None => blocks.next().await.inspect_err(|error| {
                let (code, cause) = (error.code.wire(), error.source.as_ref());
                let cause = cause.map(ToString::to_string);
                tracing::warn!(code, cause, request_id = id.as_str(), "an export was cut off");
            })?,
        };
        Ok::<_, Error>(part.map(|part| (part, (None, blocks, id))))
    });
    Body::from_stream(parts)
}

/// Rows that the file has at most, as far as it is known beforehand.
fn n_rows_most(dataset: &Dataset, asked: &Parameters) -> u64 {
    let n_rows = u64::try_from(dataset.row_count).unwrap_or(0);
    let n_left = n_rows.saturating_sub(asked.offset.unwrap_or(0));
    n_left.min(asked.limit.unwrap_or(u64::MAX))
}

/// Whether nothing but limit and offset decides how many rows there are.
fn is_whole(snapshot: &Snapshot, dataset: &Dataset, asked: &Parameters) -> bool {
    !snapshot.is_partial(dataset.id)
        && asked.filters.is_empty()
        && asked.filter.is_none()
        && asked.search.is_none()
        && asked.as_of.is_none()
}

impl Asked {
    fn read(query: &str, format: Format) -> Result<Asked> {
        let is_text = matches!(format, Format::Csv | Format::Tsv);
        let mut options = CsvOptions::default();
        let mut delimiter = (format == Format::Tsv).then_some(b'\t');
        let mut rest = form_urlencoded::Serializer::new(String::new());
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let value = value.as_ref();
            let among = |words: &[&str], what: &str| {
                let found = words.iter().position(|word| *word == value);
                found.ok_or_else(|| expected(&name, value, what))
            };
            let switch = || switch(&name, value);
            match name.as_ref() {
                "delimiter" if format == Format::Csv => {
                    let mark = CsvOptions::delimiter_of(value);
                    delimiter = Some(mark.ok_or_else(|| {
                        expected("delimiter", value, "one mark like , ; | or tab")
                    })?);
                }
                "bom" if is_text => options.has_bom = switch()?,
                "guard" if is_text => options.is_guarded = switch()?,
                "header" if is_text => {
                    let words = ["true", "on", "1", "false", "off", "0", "labels"];
                    options.header = match among(&words, "true, false or labels")? {
                        0..=2 => Header::Names,
                        6 => Header::Labels,
                        _ => Header::None,
                    };
                }
                "decimal" if is_text => {
                    let position = among(&["point", "comma"], "point or comma")?;
                    options.has_decimal_comma = position == 1;
                }
                "delimiter" | "bom" | "guard" | "header" | "decimal" => {
                    let extension = format.extension();
                    return Err(Error::bad_input(format!("A .{extension} file has no {name}.")));
                }
                _ => {
                    rest.append_pair(&name, value);
                }
            }
        }
        // Where numbers have commas, lists are separated by semicolons.
        let usual = if options.has_decimal_comma { b';' } else { b',' };
        options.delimiter = delimiter.unwrap_or(usual);
        let rows = Parameters::parse(&rest.finish())?;
        let known = Parameters {
            filters: rows.filters.clone(),
            filter: rows.filter.clone(),
            sort: rows.sort.clone(),
            limit: rows.limit,
            offset: rows.offset,
            fields: rows.fields.clone(),
            search: rows.search.clone(),
            as_of: rows.as_of,
            ..Parameters::default()
        };
        if known != rows {
            return Err(Error::bad_input(
                "An export takes filter, sort, fields, search, limit, offset and asOf; it has no pages by cursor, relations, totals or aggregates.",
            ));
        }
        Ok(Asked { rows, format, options })
    }
}
