//! Answers an operation as text/event-stream: GraphQL over SSE, distinct connections mode.
//!
//! What is wrong with the request itself is answered by a status, as everywhere; what is wrong with
//! the operation is an event, because a browser's EventSource tells nothing of other answers.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::header::{self, HeaderName, HeaderValue};
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use bytes::Buf;
use futures_util::{StreamExt, stream};
use tokio::sync::watch;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};

use super::super::accept::{Content, content};
use super::super::body::{self, Patience};
use super::super::context::request_id;
use super::super::gate::{address, admit};
use super::super::graphql::unsupported_content;
use super::super::refusal::{Refusal, error_json};
use super::super::{App, parameters};
use super::begin_session;
use crate::auth::{Class, Session};
use crate::catalog::model::Scope;
use crate::error::Code;
use crate::graphql::{Event, Events, Operation, Request};

/// Tells proxies not to hold events back.
const NO_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");
/// Says nothing, but that the server is there.
const COMMENT: &[u8] = b":\n\n";

/// `POST /graphql` for events.
pub(in crate::http) async fn post(app: &Arc<App>, parts: Parts, body: Body) -> Response {
    let answered = async {
        let session = admit_session(app, &parts).await?;
        body::refuse_encoded(&parts.headers)?;
        if content(&parts.headers) != Content::Json {
            return Err(unsupported_content());
        }
        let (limit, patience) = (app.settings.max_body_bytes, Patience::of(&app.settings));
        let bytes = body::read_whole(body, &parts.headers, limit, patience).await?;
        Ok((session, parameters::from_json(&bytes)?))
    };
    respond(app, &parts, answered.await)
}

/// `GET /graphql` for events: no mutations.
pub(in crate::http) async fn get(app: &Arc<App>, parts: Parts) -> Response {
    let answered = async {
        let session = admit_session(app, &parts).await?;
        let request = parameters::from_query_string(parts.uri.query().unwrap_or_default())?;
        Ok((session, Request { is_read_only: true, ..request }))
    };
    respond(app, &parts, answered.await)
}

async fn admit_session(app: &App, parts: &Parts) -> Result<Session, Refusal> {
    admit(app, &parts.headers, Scope::Read, Class::Read).await?;
    let address = address(app, &parts.headers);
    Ok(begin_session(app, &parts.headers, &parts.headers, address).await?)
}

fn respond(app: &Arc<App>, parts: &Parts, asked: Result<(Session, Request), Refusal>) -> Response {
    let (session, mut request) = match asked {
        Ok(asked) => asked,
        Err(refusal) => return refusal.into_response(),
    };
    request.address = Some(address(app, &parts.headers));
    let session = Arc::new(session);
    let id = request_id().as_str().to_owned();
    let operation = Operation { request, session: Arc::clone(&session), request_id: id.clone() };
    let every = app.settings.live.ping_every;
    let sender = Sender {
        app: Arc::clone(app),
        session,
        request_id: id,
        events: app.engine.events(operation),
        ended_keys: app.auth.ended_keys(),
        ticks: ticks(every),
        // At once: the client sees that it is connected.
        pieces: VecDeque::from([Bytes::from_static(COMMENT)]),
        is_over: false,
    };
    let pieces = stream::unfold(sender, |mut sender| async move {
        let piece = sender.next().await?;
        Some((Ok::<_, Infallible>(piece), sender))
    });
    let mut response = Response::new(Body::from_stream(pieces));
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        const { HeaderValue::from_static("text/event-stream; charset=utf-8") },
    );
    headers.insert(NO_BUFFERING, const { HeaderValue::from_static("no") });
    response
}

/// Ticks, the first of which is late.
pub(super) fn ticks(every: Duration) -> Interval {
    let mut ticks = interval_at(Instant::now() + every, every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}

/// What sends the events of one operation.
struct Sender {
    app: Arc<App>,
    session: Arc<Session>,
    request_id: String,
    events: Events,
    ended_keys: watch::Receiver<()>,
    ticks: Interval,
    /// What is to be sent next.
    pieces: VecDeque<Bytes>,
    is_over: bool,
}

impl Sender {
    /// The next bytes; none after the last.
    async fn next(&mut self) -> Option<Bytes> {
        while self.pieces.is_empty() && !self.is_over {
            self.wait().await;
        }
        self.pieces.pop_front()
    }

    /// Waits for something to send.
    async fn wait(&mut self) {
        tokio::select! {
            event = self.events.next() => return match event {
                Some(Event::Next(body)) => self.write("next", body),
                Some(Event::Failed(body)) => {
                    self.write("next", body);
                    self.complete();
                }
                Some(Event::Done) | None => self.complete(),
            },
            () = self.app.live.stop.cancelled() => return self.complete(),
            _ = self.ended_keys.changed() => {}
            _ = self.ticks.tick() => {}
        }
        match self.app.auth.check_session(&self.session).await {
            Err(error) if error.code == Code::Unauthenticated => {
                let mut error = error_json(error.code, &error.message);
                // Outside of the request, whose id this is.
                if let Some(id) = error.pointer_mut("/extensions/requestId") {
                    *id = self.request_id.as_str().into();
                }
                let body = serde_json::json!({ "errors": [error] }).to_string();
                self.write("next", Bytes::from(body));
                self.complete();
            }
            // While nobody can say whether the key holds, the engine sends nothing.
            _ => self.pieces.push_back(Bytes::from_static(COMMENT)),
        }
    }

    fn complete(&mut self) {
        self.write("complete", Bytes::new());
        self.is_over = true;
    }

    /// An event, with a line of data for each line of what it holds. An answer that many wait for
    /// is copied for none of them.
    fn write(&mut self, name: &str, mut data: Bytes) {
        self.pieces.push_back(Bytes::from(format!("event: {name}\ndata: ")));
        while let Some(end) = data.iter().position(|byte| matches!(byte, b'\n' | b'\r')) {
            self.pieces.push_back(data.split_to(end));
            self.pieces.push_back(Bytes::from_static(b"\ndata: "));
            data.advance(1);
        }
        self.pieces
            .extend([data, Bytes::from_static(b"\n\n")].into_iter().filter(|it| !it.is_empty()));
    }
}
