//! Says whether saved queries fit a schema, also one that is not there yet.

use std::collections::HashSet;
use std::sync::{Arc, Weak};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::documents::KnownDocument;
use super::engine::{Request, Services};
use super::prepare::validate_against;
use super::schema;
use super::schemas::reached_datasets;
use super::tag::sha_of;
use crate::catalog::model::{DatasetId, Scope};
use crate::catalog::saved_queries::{SavedQuery, SchemaJudge};
use crate::catalog::snapshot::Snapshot;
use crate::error::{Error, Result};
use crate::query::document::Document;
use crate::query::input::Variables;

/// Reads the document of a saved query.
///
/// # Errors
/// BAD_USER_INPUT and the guards' for what is no document with one operation.
pub(super) fn read(services: &Services, text: &str) -> Result<KnownDocument> {
    let document = Document::parse(text, None, &services.plan_settings.limits)?;
    KnownDocument::new(document, text, sha_of(text))
}

/// Why a document does not fit a schema, in the validator's words; nothing when it does.
///
/// # Errors
/// INTERNAL when the schema cannot be built, which naming excludes.
pub(super) async fn problems(
    services: &Services,
    snapshot: &Arc<Snapshot>,
    text: &str,
) -> Result<Vec<String>> {
    let known = match read(services, text) {
        Ok(known) => known,
        Err(error) => return Ok(vec![error.message.into_owned()]),
    };
    // A schema of its own, as of no picture that is kept: this one may never come to be.
    let reached = reached_datasets(snapshot, text, &Variables::new());
    let part = snapshot.only(reached.iter().filter_map(|name| snapshot.dataset(name)).cloned());
    let building = tokio::task::spawn_blocking(move || {
        schema::build(part.datasets(), &part, Scope::Read, false)
    });
    let schema = building.await.map_err(Error::internal)?.map_err(Error::internal)?;
    let request = Request { query: text.to_owned(), ..Request::default() };
    let errors = validate_against(&schema, &known, &request, Variables::new()).await;
    Ok(errors.into_iter().map(|error| error.message).collect())
}

/// The judge of an engine's catalog.
pub(super) struct Judge {
    /// The services hold the catalog, which holds this.
    pub(super) services: Weak<Services>,
}

impl SchemaJudge for Judge {
    fn broken<'a>(
        &'a self,
        before: &'a Arc<Snapshot>,
        after: &'a Arc<Snapshot>,
        changed: &'a [DatasetId],
        queries: Vec<Arc<SavedQuery>>,
    ) -> BoxFuture<'a, Vec<String>> {
        async move {
            let Some(services) = self.services.upgrade() else { return Vec::new() };
            let changed: HashSet<DatasetId> = changed.iter().copied().collect();
            let mut broken = Vec::new();
            for query in queries {
                let reached = reached_datasets(before, &query.document, &Variables::new());
                let mut reached = reached.iter().filter_map(|name| before.dataset(name));
                if !reached.any(|dataset| changed.contains(&dataset.id)) {
                    continue;
                }
                let fits = async |snapshot| {
                    let found = problems(&services, snapshot, &query.document).await;
                    found.is_ok_and(|problems| problems.is_empty())
                };
                if fits(before).await && !fits(after).await {
                    broken.push(query.name.clone());
                }
            }
            broken
        }
        .boxed()
    }
}
