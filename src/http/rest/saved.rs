//! `GET /q/{name}`: a saved query, as JSON, or as a table with `.csv`, `.tsv` or `.xlsx` behind it.
//!
//! Variables are parameters of the address. The document runs by the policies of whoever asks; all
//! that it takes is a key of the scope `query`.

use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, Uri, header};
use axum::response::Response;
use serde_json::{Map, Value, json};

use super::parameters::switch;
use super::{AppState, Asker, Wrapping, answer_bytes, failure, problem};
use crate::auth::Class;
use crate::catalog::model::Scope;
use crate::catalog::saved_queries::SavedQuery;
use crate::error::{Error, Result};
use crate::export::{CsvOptions, Format, Table};
use crate::graphql::{Answer, Keeping, SavedQuestion};
use crate::http::accept::Media;
use crate::http::context::{note, request_id};
use crate::http::gate::{address, admit};
use crate::http::line::note_answer;
use crate::http::refusal::Refusal;
use crate::http::validators;

/// The option of text tables.
const GUARD: &str = "guard";

/// `GET /q`: the saved queries that this key may run.
pub(super) async fn list(State(app): AppState, headers: HeaderMap) -> Response {
    let work = async {
        let principal = admit(&app, &headers, Scope::Query, Class::Read).await?;
        let queries = app.engine.saved_queries(&principal).await?;
        let told: Vec<Value> = queries
            .iter()
            .map(|(query, variables)| {
                let variables = variables.iter().map(|it| {
                    json!({ "name": it.name, "type": it.declared, "required": it.is_needed() })
                });
                json!({
                    "name": query.name,
                    "href": format!("/q/{}", query.name),
                    "description": query.description,
                    "variables": variables.collect::<Vec<_>>(),
                })
            })
            .collect();
        let told = json!({ "data": told }).to_string();
        Ok(answer_bytes(told.into(), Media::Rest.content_type(), &headers))
    };
    work.await.unwrap_or_else(problem)
}

/// `GET /q/{name}`, `/q/{name}.csv`, `.tsv`, `.xlsx`, `.json`.
pub(super) async fn get(
    State(app): AppState,
    Path(file): Path<String>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let work = async {
        let principal = admit(&app, &headers, Scope::Query, Class::Read).await?;
        let asker = Asker { app: &app, principal, headers: &headers };
        asker.run(&file, uri.query().unwrap_or_default()).await
    };
    work.await.unwrap_or_else(problem)
}

impl Asker<'_> {
    async fn run(&self, file: &str, parameters: &str) -> Result<Response, Refusal> {
        let app = self.app;
        let (name, format) = match Format::of_file(file) {
            Some((name, Format::Json)) => (name, None),
            Some((name, format @ (Format::Csv | Format::Tsv | Format::Xlsx))) => {
                (name, Some(format))
            }
            Some(_) => {
                return Err(Refusal::from(Error::not_found(
                    "A saved query answers .json, .csv, .tsv or .xlsx.",
                )));
            }
            None => (file, None),
        };
        let saved = app.engine.saved_query(&self.principal, name)?;
        if let Some(per_minute) = saved.query.requests_per_minute {
            note(Some(app.rates.charge_saved(&self.principal, name, per_minute)?));
        }
        let mut parameters: Vec<(String, String)> =
            form_urlencoded::parse(parameters.as_bytes()).into_owned().collect();
        let mut options = CsvOptions::default();
        if let Some(format @ (Format::Csv | Format::Tsv)) = format {
            if format == Format::Tsv {
                options.delimiter = b'\t';
            }
            // As of an export, unless the document means something else by it.
            if saved.variables().all(|variable| *variable.name != *GUARD) {
                let given = parameters.iter().position(|(name, _)| name == GUARD);
                if let Some((_, value)) = given.map(|position| parameters.remove(position)) {
                    options.is_guarded = switch(GUARD, &value)?;
                }
            }
        }
        let id = request_id();
        let question = SavedQuestion {
            saved: &saved,
            parameters: &parameters,
            known_tags: validators::known_tags(self.headers, Media::Rest),
            wants_plan: format.is_some(),
            address: address(app, self.headers),
            request_id: id.as_str(),
        };
        let answer = app.engine.run_saved(&self.principal, question).await?;
        note(answer.standing);
        note_answer(&answer);
        if answer.first_error.is_some() {
            return Err(failure(&answer));
        }
        if let Keeping::Unchanged(tag) = answer.keeping {
            let mut response = validators::unchanged(self.headers, tag, Media::Rest);
            self.mark_age(&saved.query, response.headers_mut());
            return Ok(response);
        }
        let body = Wrapping::Data.take(&answer.body);
        let body = body.ok_or_else(|| Error::internal("an answer without data"))?;
        let (body, content_type) = match format {
            None => (body, Media::Rest.content_type()),
            Some(format) => (
                self.table(&answer, &body, format, options).await?,
                HeaderValue::from_static(format.content_type()),
            ),
        };
        let mut response = Response::new(Body::from(body));
        let marked = response.headers_mut();
        marked.insert(header::CONTENT_TYPE, content_type);
        if let Keeping::Tagged(tag) = answer.keeping {
            validators::mark(marked, tag, Media::Rest);
            self.mark_age(&saved.query, marked);
        }
        if let Some(format) = format {
            let disposition = format!("attachment; filename=\"{name}.{}\"", format.extension());
            let disposition = HeaderValue::from_str(&disposition).map_err(Error::internal)?;
            marked.insert(header::CONTENT_DISPOSITION, disposition);
        }
        Ok(response)
    }

    /// The answer of the only root field as a table.
    async fn table(
        &self,
        answer: &Answer,
        body: &Bytes,
        format: Format,
        options: CsvOptions,
    ) -> Result<Bytes> {
        let plan = answer.plan.as_ref().map_or(&[][..], |plan| &plan.roots);
        let [root] = plan else {
            return Err(Error::bad_input(
                "A table is the answer of one root field; this saved query has several. Ask for JSON.",
            ));
        };
        let Some(shape) = root.shape() else {
            return Err(Error::bad_input(
                "A table is made of rows of a dataset; this saved query asks for something else. Ask for JSON.",
            ));
        };
        let mut data: Map<String, Value> = serde_json::from_slice(body).map_err(Error::internal)?;
        let table = Table::new(shape, data.remove(&root.key).unwrap_or_default())?;
        let folder = self.app.settings.data_dir.clone();
        let written = tokio::task::spawn_blocking(move || table.write(format, options, &folder));
        Ok(Bytes::from(written.await.map_err(Error::internal)??))
    }

    /// Says how long the answer may be kept without asking, if the query says so.
    fn mark_age(&self, query: &SavedQuery, headers: &mut HeaderMap) {
        let Some(max_age_s) = query.max_age_s else { return };
        validators::mark_age(headers, max_age_s, self.principal.is_anonymous);
    }
}
