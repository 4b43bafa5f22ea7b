//! Turns an operation into the events that answer it: one for a query, many for a subscription.
//!
//! Fields of datasets are planned as the queries of the same name: [`hub`] answers a live query
//! once for all who wait for the same, [`rows`] sends rows behind a cursor as they come,
//! [`catalog`] tells of jobs and datasets. Who is sent something is charged for it as for a query,
//! and checked anew before. Everything here is pulled: what a client does not take is not made.

mod catalog;
mod hub;
mod kind;
mod rewrite;
mod rows;
mod seats;
pub mod types;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::sync::{Semaphore, SemaphorePermit};

use self::catalog::{Changes, JobNews};
use self::hub::{Hub, LiveQuery};
use self::kind::Kind;
use self::rows::RowStream;
use self::seats::{Seat, Seats};
use super::answer;
use super::engine::{Answer, Engine, Request};
use super::ledger::Ledger;
use super::prepare::{Prepared, Unprepared};
use crate::auth::{Class, Principal, Session};
use crate::config::{LiveSettings, Settings};
use crate::error::{Code, Error, Result};

/// How long to wait before a key is looked up again that could not be.
const LOOK_AGAIN_AFTER: Duration = Duration::from_secs(1);
/// The longest that somebody over its rate limit is left alone in one go.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// What an operation is answered with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A whole answer: `{"data":…}`, maybe with errors.
    Next(Bytes),
    /// It failed and is over: `{"errors":[…]}`.
    Failed(Bytes),
    /// It is over.
    Done,
}

impl Event {
    /// The list of errors of a failed operation, JSON.
    pub fn errors(body: &[u8]) -> Bytes {
        #[derive(Deserialize)]
        struct Failed<'a> {
            #[serde(borrow)]
            errors: &'a RawValue,
        }
        match serde_json::from_slice::<Failed<'_>>(body) {
            Ok(failed) => Bytes::copy_from_slice(failed.errors.get().as_bytes()),
            Err(_) => Bytes::from_static(b"[]"),
        }
    }
}

/// Events, the last of which is not [`Event::Next`].
pub type Events = BoxStream<'static, Event>;

/// An operation, and who sent it.
pub struct Operation {
    /// What is asked.
    pub request: Request,
    /// Who asks.
    pub session: Arc<Session>,
    /// Told in errors, for the logs.
    pub request_id: String,
}

/// What all subscriptions share.
pub(super) struct Subscriptions {
    settings: LiveSettings,
    hub: Hub,
    seats: Seats,
    /// One change may concern thousands: half of the store is left to those who wait for an answer.
    turns: Semaphore,
}

impl Subscriptions {
    /// None yet.
    pub(super) fn new(settings: &Settings) -> Subscriptions {
        let n_statements = match settings.database_url {
            None => settings.reader_threads,
            Some(_) => usize::try_from(settings.pool_size).unwrap_or(1),
        };
        Subscriptions {
            settings: settings.live,
            hub: Hub::default(),
            seats: Seats::new(settings.live.max_per_key),
            turns: Semaphore::new((n_statements / 2).max(1)),
        }
    }

    /// How many are served now.
    pub(super) fn n_taken(&self) -> usize {
        self.seats.n_taken()
    }

    /// A turn to run a statement, before its time begins.
    async fn turn(&self) -> Option<SemaphorePermit<'_>> {
        // Nobody closes it.
        self.turns.acquire().await.ok()
    }
}

/// The refusal of a subscription that came by a way of one answer.
pub(super) fn needs_a_stream() -> Error {
    Error::bad_input(
        "A subscription is answered over a WebSocket (subprotocol graphql-transport-ws), or with the header accept: text/event-stream.",
    )
}

impl Engine {
    /// Answers an operation, of whatever kind, by events.
    pub fn events(self: &Arc<Engine>, operation: Operation) -> Events {
        let Operation { request, session, request_id } = operation;
        let asker = Asker { engine: Arc::clone(self), session, request_id, _seat: None };
        let subscriber = Subscriber { asker, feed: Feed::New(Box::new(request)) };
        let next = |subscriber: Option<Subscriber>| async move {
            let mut subscriber = subscriber?;
            let event = subscriber.next().await;
            let goes_on = matches!(event, Event::Next(_));
            Some((event, goes_on.then_some(subscriber)))
        };
        stream::unfold(Some(subscriber), next).boxed()
    }
}

/// Who asks, with what is needed to answer.
struct Asker {
    engine: Arc<Engine>,
    session: Arc<Session>,
    request_id: String,
    _seat: Option<Seat>,
}

/// An operation on its way.
struct Subscriber {
    asker: Asker,
    feed: Feed,
}

/// Where the next event comes from.
enum Feed {
    New(Box<Request>),
    Over,
    Live(LiveQuery),
    Job(Box<JobNews>),
    Changes(Box<Changes>),
    Rows(Box<RowStream>),
}

/// How an operation ends early.
enum End {
    /// By one error.
    Error(Error),
    /// By an answer that is one.
    Answer(Bytes),
}

impl From<Error> for End {
    fn from(error: Error) -> End {
        End::Error(error)
    }
}

type Step = std::result::Result<Option<Bytes>, End>;

impl Subscriber {
    async fn next(&mut self) -> Event {
        if let Feed::New(request) = &mut self.feed {
            let request = std::mem::take(&mut **request);
            // Boxed: it is over soon, and the stream lives on.
            match Box::pin(self.asker.open(request)).await {
                Ok((feed, first)) => {
                    self.feed = feed;
                    if let Some(body) = first {
                        return Event::Next(body);
                    }
                }
                Err(end) => return self.asker.failed(end),
            }
        }
        let asker = &self.asker;
        let step = match &mut self.feed {
            Feed::New(_) | Feed::Over => Ok(None),
            Feed::Live(live) => live.next(asker).await,
            Feed::Job(job) => job.next(asker).await,
            Feed::Changes(changes) => changes.next(asker).await,
            Feed::Rows(rows) => rows.next(asker).await,
        };
        match step {
            Ok(Some(body)) => Event::Next(body),
            Ok(None) => Event::Done,
            Err(end) => asker.failed(end),
        }
    }
}

impl Asker {
    fn principal(&self) -> &Arc<Principal> {
        self.session.principal()
    }

    fn failed(&self, end: End) -> Event {
        Event::Failed(match end {
            End::Error(error) => answer::refusal(&error, &self.request_id).body,
            End::Answer(body) => body,
        })
    }

    /// Settles what an operation is; answers it if that is done at once.
    async fn open(
        &mut self,
        mut request: Request,
    ) -> std::result::Result<(Feed, Option<Bytes>), End> {
        let engine = Arc::clone(&self.engine);
        let principal = Arc::clone(self.principal());
        let snapshot = engine.services.auth.view(&principal);
        // As it came: its document may be found by name again.
        let named = request.document.clone().filter(|_| request.query.is_empty());
        let prepared = engine.prepare(&principal, &snapshot, &mut request, &self.request_id).await;
        let prepared = prepared.map_err(|unprepared| match unprepared {
            Unprepared::Error(error) => End::Error(error),
            Unprepared::Answered(answer) => End::Answer(answer.body),
        })?;
        let Prepared { known, variables, sha } = prepared;
        if !known.document.is_subscription() {
            let executed = engine.execute(&principal, request, &self.request_id);
            let Answer { body, is_executed, .. } = Box::pin(executed).await;
            return if is_executed { Ok((Feed::Over, Some(body))) } else { Err(End::Answer(body)) };
        }
        let kind = Kind::of(&known.document, &snapshot)?;
        self._seat = Some(engine.subscriptions.seats.take(&principal)?);
        Ledger::new(&engine.services, &principal, &request, &self.request_id)
            .read(&known.document, &snapshot);
        if let Some(name) = named {
            request.query.clear();
            request.document = Some(name);
        }
        let feed = match kind {
            Kind::Live => Feed::Live(engine.join(&principal, request, &sha, &self.request_id)),
            Kind::Job => Feed::Job(Box::new(JobNews::new(&known.document, request, variables)?)),
            Kind::DatasetChanged => {
                let document = &known.document;
                let changes = Changes::new(&engine, &snapshot, document, request, variables)?;
                Feed::Changes(Box::new(changes))
            }
            Kind::Rows(dataset) => {
                let document = &known.document;
                let rows = RowStream::new(document, &dataset, request, variables, &engine)?;
                Feed::Rows(Box::new(rows))
            }
        };
        Ok((feed, None))
    }

    /// Waits until the asker may be sent something that weighs so much: its key must still hold,
    /// and its rate limit have room. What is sent first was paid for with the request.
    async fn admit(&self, cost: u64, is_first: bool) -> Result<()> {
        let Engine { services, rates, .. } = &*self.engine;
        let principal = self.principal();
        loop {
            match services.auth.check_session(&self.session).await {
                Ok(()) => {}
                Err(error) if error.code == Code::Unauthenticated => return Err(error),
                // Nobody can say whether the key holds: nothing is sent meanwhile.
                Err(_) => {
                    tokio::time::sleep(LOOK_AGAIN_AFTER).await;
                    continue;
                }
            }
            let charged = rates
                .charge(principal, Class::Read, u32::from(!is_first))
                .and_then(|_| rates.charge_cells(principal, cost));
            let Err(limited) = charged else { return Ok(()) };
            let seconds = limited.standing.map_or(1, |standing| standing.retry_after_s.max(1));
            tokio::time::sleep(Duration::from_secs(seconds.into()).min(LONGEST_PAUSE)).await;
        }
    }
}
