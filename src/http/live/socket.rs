//! Speaks graphql-transport-ws over one WebSocket, to the letter of its PROTOCOL.md.
//!
//! One task reads, waits for events and writes. While it writes, nothing is made for the client, so
//! that nothing is kept for it: of live queries it gets the newest answer next, and a client that
//! does not take a message in time loses its connection.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::http::HeaderMap;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use futures_util::stream::{AbortHandle, BoxStream, SelectAll, abortable};
use futures_util::{SinkExt, StreamExt};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{CloseCode, Data, OpCode};
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};

use super::super::App;
use super::super::context::{Context, peer, request_id};
use super::super::gate::{address, charge, record};
use super::super::refusal::Refusal;
use super::events::ticks;
use super::handshake::Handshake;
use super::message::{Close, FromClient, ToClient};
use super::{begin_session, origin};
use crate::auth::{Class, Session, has_credential};
use crate::catalog::model::Scope;
use crate::error::{Code, Error, Result};
use crate::graphql::{Event, Operation, Request};

/// The subprotocol.
const PROTOCOL: &str = "graphql-transport-ws";
/// Bytes read at once: most messages are small, and most connections idle.
const READ_BUFFER_BYTES: usize = 4 << 10;
/// Codes of RFC 6455 and its registry, for what the protocol has no code of its own.
const GOING_AWAY: u16 = 1001;
const TOO_LARGE: u16 = 1009;
const INTERNAL: u16 = 1011;
const TRY_AGAIN_LATER: u16 = 1013;
/// Time for a close frame to leave, and for the client's own to come.
const FAREWELL: Duration = Duration::from_secs(1);

/// `GET /graphql` for a WebSocket.
pub(in crate::http) async fn upgrade(app: Arc<App>, parts: Parts) -> Response {
    match open(app, parts).await {
        Ok(response) => response,
        Err(refusal) => refusal.into_response(),
    }
}

async fn open(app: Arc<App>, mut parts: Parts) -> Result<Response, Refusal> {
    origin::check(&parts.headers, &app.settings.allowed_origins)?;
    let handshake = Handshake::read(&mut parts, PROTOCOL)?;
    let address = address(&app, &parts.headers);
    // A key in the headers must be good; without one, it may come with the first message.
    let session = if has_credential(&parts.headers) {
        Some(admit(&app, &parts.headers, &parts.headers, address).await?)
    } else {
        None
    };
    let headers = parts.headers;
    let context = Context::new(request_id(), peer());
    let is_spoken = handshake.is_spoken;
    let answer = Handshake::answer(handshake.accept(), is_spoken.then_some(PROTOCOL));
    let sockets = app.live.sockets.clone();
    sockets.spawn(async move {
        let upgraded = match handshake.upgrade.await {
            Ok(upgraded) => TokioIo::new(upgraded),
            Err(error) => {
                tracing::debug!(%error, "a WebSocket was not taken over");
                return;
            }
        };
        let max_bytes = Some(app.settings.max_body_bytes);
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BUFFER_BYTES)
            .write_buffer_size(0)
            .max_message_size(max_bytes)
            .max_frame_size(max_bytes);
        let made = WebSocketStream::from_raw_socket(upgraded, Role::Server, Some(config));
        let mut socket = made.await;
        if !is_spoken {
            return part(&mut socket, &Close::new(4406, "Subprotocol not acceptable")).await;
        }
        let connection = Connection {
            app,
            address,
            id: context.id().as_str().into(),
            session: None,
            operations: HashMap::new(),
            events: SelectAll::new(),
            n_operations: 0,
        };
        context.scope(run(socket, connection, session, headers)).await;
    });
    Ok(answer)
}

/// Lets in who asks, as every request is let in.
async fn admit(
    app: &App,
    credentials: &HeaderMap,
    headers: &HeaderMap,
    address: IpAddr,
) -> Result<Session> {
    let session = begin_session(app, credentials, headers, address).await?;
    let principal = session.principal();
    charge(app, principal, Class::Read, 1)?;
    principal
        .require(Scope::Read)
        .inspect_err(|error| record(app, headers, principal, "read", None, Some(error.code)))?;
    Ok(session)
}

async fn run(
    mut socket: WebSocket,
    mut connection: Connection,
    session: Option<Session>,
    headers: HeaderMap,
) {
    let outcome = match connection.begin(&mut socket, session, headers).await {
        Ok(()) => connection.serve(&mut socket).await,
        Err(end) => end,
    };
    drop(connection);
    if let End::Close(close) = outcome {
        tracing::debug!(code = close.code, reason = close.reason, "a WebSocket is closed");
        part(&mut socket, &close).await;
    }
}

/// Says why, and waits a moment for the client to have heard it.
async fn part(socket: &mut WebSocket, close: &Close) {
    let code = CloseCode::from(close.code);
    let frame = CloseFrame { code, reason: close.reason.as_str().into() };
    let farewell = async {
        if socket.send(Message::Close(Some(frame))).await.is_ok() {
            while let Some(Ok(_)) = socket.next().await {}
        }
    };
    let _ = timeout(FAREWELL, farewell).await;
}

type WebSocket = WebSocketStream<TokioIo<Upgraded>>;

/// Why a connection ends.
enum End {
    /// The client is gone, or has said good-bye.
    Gone,
    /// It is told why.
    Close(Close),
}

impl From<Close> for End {
    fn from(close: Close) -> End {
        End::Close(close)
    }
}

fn closed(code: u16, reason: impl Into<String>) -> End {
    End::Close(Close::new(code, reason))
}

/// One client.
struct Connection {
    app: Arc<App>,
    address: IpAddr,
    /// The id of the request that it began with: its operations have ids below it.
    id: Box<str>,
    session: Option<Arc<Session>>,
    operations: HashMap<Box<str>, AbortHandle>,
    events: SelectAll<BoxStream<'static, (Arc<str>, Event)>>,
    n_operations: u64,
}

impl Connection {
    /// Waits for the first message and answers it.
    async fn begin(
        &mut self,
        socket: &mut WebSocket,
        session: Option<Session>,
        headers: HeaderMap,
    ) -> Result<(), End> {
        let limit = Instant::now() + self.app.settings.header_timeout;
        loop {
            let message = tokio::select! {
                message = receive(socket) => message?,
                () = sleep_until(limit) => {
                    return Err(closed(4408, "Connection initialisation timeout"));
                }
                () = self.app.live.crowd.asks_one_to_go() => return Err(too_many()),
                () = self.app.live.stop.cancelled() => return Err(stopping()),
            };
            match message {
                Some(FromClient::Init(credentials)) => {
                    let session = self.authenticate(session, credentials, &headers).await?;
                    self.session = Some(Arc::new(session));
                    return self.send(socket, ToClient::Ack).await;
                }
                Some(FromClient::Subscribe(..)) => return Err(closed(4401, "Unauthorized")),
                Some(FromClient::Ping) => self.send(socket, ToClient::Pong).await?,
                Some(FromClient::Pong | FromClient::Complete(_)) | None => {}
            }
        }
    }

    /// Who asks: by the headers of the handshake, or else by the first message.
    async fn authenticate(
        &mut self,
        session: Option<Session>,
        credentials: HeaderMap,
        headers: &HeaderMap,
    ) -> Result<Session, End> {
        let session = match session {
            Some(_) if has_credential(&credentials) => {
                return Err(closed(
                    4403,
                    "Forbidden: a key came in the headers, and another one here",
                ));
            }
            Some(session) => Ok(session),
            None => {
                let mut credentials = credentials;
                if let Some(workspace) = headers.get("x-workspace") {
                    credentials.entry("x-workspace").or_insert(workspace.clone());
                }
                admit(&self.app, &credentials, headers, self.address).await
            }
        };
        session.map_err(|error| match error.code {
            Code::Unauthenticated | Code::Forbidden => {
                closed(4403, format!("Forbidden: {}", error.message))
            }
            Code::RateLimited | Code::StorageUnavailable | Code::Timeout => {
                closed(TRY_AGAIN_LATER, error.message)
            }
            _ => closed(INTERNAL, "Internal error"),
        })
    }

    /// Answers operations until the connection ends.
    async fn serve(&mut self, socket: &mut WebSocket) -> End {
        let Some(session) = self.session.clone() else { return End::Gone };
        let mut ended_keys = self.app.auth.ended_keys();
        let mut ticks = ticks(self.app.settings.live.ping_every);
        let mut is_heard = true;
        loop {
            let is_idle = self.events.is_empty();
            let outcome = tokio::select! {
                message = receive(socket) => {
                    is_heard = true;
                    match message {
                        Ok(Some(message)) => self.take(socket, message, &session).await,
                        Ok(None) => Ok(()),
                        Err(end) => Err(end),
                    }
                }
                Some((id, event)) = self.events.next(), if !is_idle => {
                    self.tell(socket, &id, event).await
                }
                _ = ticks.tick() => {
                    if std::mem::replace(&mut is_heard, false) {
                        match self.check(socket, &session).await {
                            Ok(()) => self.write(socket, Message::Ping(Default::default())).await,
                            Err(end) => Err(end),
                        }
                    } else {
                        Err(closed(GOING_AWAY, "No sign of life"))
                    }
                }
                _ = ended_keys.changed() => self.check(socket, &session).await,
                () = self.app.live.crowd.asks_one_to_go(), if is_idle => Err(too_many()),
                () = self.app.live.stop.cancelled() => {
                    let ids: Vec<Box<str>> = self.operations.drain().map(|(id, _)| id).collect();
                    for id in ids {
                        if self.send(socket, ToClient::Complete(&id)).await.is_err() {
                            break;
                        }
                    }
                    Err(stopping())
                }
            };
            if let Err(end) = outcome {
                return end;
            }
        }
    }

    /// Does what a client says.
    async fn take(
        &mut self,
        socket: &mut WebSocket,
        message: FromClient,
        session: &Arc<Session>,
    ) -> Result<(), End> {
        match message {
            FromClient::Init(_) => Err(closed(4429, "Too many initialisation requests")),
            FromClient::Ping => self.send(socket, ToClient::Pong).await,
            FromClient::Pong => Ok(()),
            FromClient::Complete(id) => {
                // It may have ended by itself meanwhile.
                if let Some(operation) = self.operations.remove(&id) {
                    operation.abort();
                }
                Ok(())
            }
            FromClient::Subscribe(id, _) if self.operations.contains_key(&id) => {
                Err(closed(4409, format!("Subscriber for {id} already exists")))
            }
            FromClient::Subscribe(id, request) => {
                match self.begin_operation(&id, *request, session) {
                    Ok(()) => Ok(()),
                    Err(error) => {
                        let errors = self.errors(&error);
                        self.send(socket, ToClient::Error(&id, errors.clone())).await
                    }
                }
            }
        }
    }

    fn begin_operation(
        &mut self,
        id: &str,
        request: Request,
        session: &Arc<Session>,
    ) -> Result<()> {
        let most = self.app.settings.live.max_per_connection;
        if self.operations.len() >= most {
            return Err(Error::new(
                Code::RateLimited,
                format!(
                    "This connection has {most} operations, the limit. End some of them, or ask the operator to raise live.max_per_connection."
                ),
            ));
        }
        charge(&self.app, session.principal(), Class::Read, 1)?;
        self.n_operations += 1;
        let events = self.app.engine.events(Operation {
            request: Request { address: Some(self.address), ..request },
            session: Arc::clone(session),
            request_id: format!("{}.{}", self.id, self.n_operations),
        });
        let name: Arc<str> = Arc::from(id);
        let named = events.map(move |event| (Arc::clone(&name), event));
        let (events, operation) = abortable(named);
        self.events.push(events.boxed());
        self.operations.insert(Box::from(id), operation);
        Ok(())
    }

    /// Tells what an operation is answered.
    async fn tell(&mut self, socket: &mut WebSocket, id: &str, event: Event) -> Result<(), End> {
        match event {
            Event::Next(body) => self.send(socket, ToClient::Next(id, body)).await,
            Event::Failed(body) => {
                self.operations.remove(id);
                self.send(socket, ToClient::Error(id, Event::errors(&body))).await
            }
            Event::Done => {
                self.operations.remove(id);
                self.send(socket, ToClient::Complete(id)).await
            }
        }
    }

    /// Ends all when the key does not hold any more. While nobody can say whether it does, the
    /// engine sends nothing.
    async fn check(&mut self, socket: &mut WebSocket, session: &Session) -> Result<(), End> {
        match self.app.auth.check_session(session).await {
            Err(error) if error.code == Code::Unauthenticated => {
                let errors = self.errors(&error);
                let ids: Vec<Box<str>> = self.operations.drain().map(|(id, _)| id).collect();
                for id in ids {
                    self.send(socket, ToClient::Error(&id, errors.clone())).await?;
                }
                Err(closed(4403, "Forbidden: the key does not hold any more"))
            }
            _ => Ok(()),
        }
    }

    /// A list of one error.
    fn errors(&self, error: &Error) -> Bytes {
        let extensions = serde_json::json!({ "code": error.code.wire(), "requestId": *self.id });
        let error = serde_json::json!({ "message": error.message, "extensions": extensions });
        Bytes::from(format!("[{error}]"))
    }

    async fn send(&mut self, socket: &mut WebSocket, message: ToClient<'_>) -> Result<(), End> {
        let mut opcode = OpCode::Data(Data::Text);
        for (piece, is_last) in message.pieces() {
            self.write(socket, Message::Frame(Frame::message(piece, opcode, is_last))).await?;
            opcode = OpCode::Data(Data::Continue);
        }
        Ok(())
    }

    /// Gives a frame to the client, within the time that it has for taking it.
    async fn write(&mut self, socket: &mut WebSocket, message: Message) -> Result<(), End> {
        match timeout(self.app.settings.live.send_timeout, socket.send(message)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(End::Gone),
            Err(_) => {
                tracing::info!(id = &*self.id, "a subscriber takes nothing and is let go");
                Err(closed(TRY_AGAIN_LATER, "Messages are not taken in time"))
            }
        }
    }
}

fn stopping() -> End {
    closed(GOING_AWAY, "The server stops")
}

fn too_many() -> End {
    closed(TRY_AGAIN_LATER, "Too many connections")
}

/// The next message of the protocol; none for a frame that keeps the connection alive.
async fn receive(socket: &mut WebSocket) -> Result<Option<FromClient>, End> {
    match socket.next().await {
        Some(Ok(Message::Text(text))) => Ok(Some(FromClient::read(&text)?)),
        Some(Ok(Message::Binary(_))) => Err(closed(4400, "Invalid message: expected text")),
        Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => Ok(None),
        Some(Ok(Message::Close(_))) => {
            // Its good-bye is answered by reading on.
            let _ =
                timeout(FAREWELL, async { while let Some(Ok(_)) = socket.next().await {} }).await;
            Err(End::Gone)
        }
        None => Err(End::Gone),
        Some(Err(error)) => {
            tracing::debug!(%error, "a WebSocket ended early");
            // Too large, or no frame at all; where the client is gone, nobody hears it.
            Err(closed(TOO_LARGE, "Message too large, or no frame of the protocol"))
        }
    }
}
