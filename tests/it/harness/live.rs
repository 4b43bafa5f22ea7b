//! Waits for news: a WebSocket that speaks graphql-transport-ws, and a stream of events.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};
use tungstenite::client::IntoClientRequest;
use tungstenite::http::HeaderValue;
use tungstenite::protocol::WebSocketConfig;
use tungstenite::{Message, WebSocket};

use super::{Client, Server};

/// The longest wait for a message.
const LIMIT: Duration = Duration::from_secs(60);

/// What a server says.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Said {
    Message(Value),
    /// A close frame: code, reason.
    Closed(u16, String),
    /// The connection is gone.
    Gone,
}

pub(crate) struct Socket(pub(crate) WebSocket<TcpStream>);

impl Socket {
    /// A WebSocket with these headers; the status of the answer where there is none.
    pub(crate) fn open(address: &str, headers: &[(&str, &str)]) -> Result<Socket, u16> {
        let mut request = format!("ws://{address}/graphql").into_client_request().unwrap();
        for (name, value) in headers {
            let name: tungstenite::http::HeaderName = name.parse().unwrap();
            request.headers_mut().insert(name, HeaderValue::from_str(value).unwrap());
        }
        let stream = TcpStream::connect(address).expect("a connection");
        stream.set_read_timeout(Some(LIMIT)).unwrap();
        let config = Some(WebSocketConfig::default());
        match tungstenite::client::client_with_config(request, stream, config) {
            Ok((socket, _)) => Ok(Socket(socket)),
            Err(tungstenite::HandshakeError::Failure(tungstenite::Error::Http(answer))) => {
                Err(answer.status().as_u16())
            }
            // A handshake that the client does not take.
            Err(_) => Err(0),
        }
    }

    /// The same, with the subprotocol and the key of a client in the first message, acknowledged.
    pub(crate) fn of(server: &Server, client: &Client) -> Socket {
        let mut socket =
            Socket::open(&server.address, &[("sec-websocket-protocol", "graphql-transport-ws")])
                .expect("a WebSocket");
        let payload = match client.key() {
            Some(key) => json!({ "authorization": format!("Bearer {key}") }),
            None => json!({}),
        };
        socket.send(&json!({ "type": "connection_init", "payload": payload }));
        assert_eq!(socket.message(), json!({ "type": "connection_ack" }));
        socket
    }

    pub(crate) fn send(&mut self, message: &Value) {
        self.send_text(&message.to_string());
    }

    pub(crate) fn send_text(&mut self, text: &str) {
        self.0.send(Message::text(text)).expect("to be sent");
    }

    pub(crate) fn subscribe(&mut self, id: &str, query: &str, variables: &Value) {
        let payload = json!({ "query": query, "variables": variables });
        self.send(&json!({ "id": id, "type": "subscribe", "payload": payload }));
    }

    /// What comes next, but for signs of life.
    pub(crate) fn said(&mut self) -> Said {
        loop {
            match self.0.read() {
                Ok(Message::Text(text)) => {
                    return Said::Message(serde_json::from_str(&text).expect("JSON"));
                }
                Ok(Message::Close(Some(frame))) => {
                    return Said::Closed(frame.code.into(), frame.reason.to_string());
                }
                Ok(Message::Ping(_) | Message::Pong(_)) => {}
                Ok(other) => panic!("unexpected: {other:?}"),
                Err(tungstenite::Error::Io(e)) if e.kind() == std::io::ErrorKind::WouldBlock => {
                    panic!("nothing came within {LIMIT:?}")
                }
                Err(_) => return Said::Gone,
            }
        }
    }

    #[track_caller]
    pub(crate) fn message(&mut self) -> Value {
        match self.said() {
            Said::Message(message) => message,
            other => panic!("no message: {other:?}"),
        }
    }

    /// The data of the next answer, which must be one of this operation without errors.
    #[track_caller]
    pub(crate) fn data(&mut self, id: &str) -> Value {
        let message = self.message();
        assert_eq!((&message["type"], &message["id"]), (&json!("next"), &json!(id)), "{message}");
        let payload = &message["payload"];
        assert!(payload.get("errors").is_none(), "{payload}");
        payload["data"].clone()
    }

    /// The code of the failure that must come next.
    #[track_caller]
    pub(crate) fn error(&mut self, id: &str) -> (String, String) {
        let message = self.message();
        assert_eq!((&message["type"], &message["id"]), (&json!("error"), &json!(id)), "{message}");
        let error = &message["payload"][0];
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        (text(&error["extensions"]["code"]), text(&error["message"]))
    }

    /// Nothing was said before this: what is asked now is answered first.
    #[track_caller]
    pub(crate) fn assert_quiet(&mut self) {
        self.send(&json!({ "type": "ping" }));
        assert_eq!(self.message(), json!({ "type": "pong" }));
    }

    #[track_caller]
    pub(crate) fn closed(&mut self) -> (u16, String) {
        match self.said() {
            Said::Closed(code, reason) => (code, reason),
            other => panic!("not closed: {other:?}"),
        }
    }
}

/// The body of an answer that comes in chunks (RFC 9112, section 7.1).
struct Chunked {
    inner: BufReader<TcpStream>,
    n_left: usize,
    is_over: bool,
}

impl Read for Chunked {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        while self.n_left == 0 && !self.is_over {
            let mut line = String::new();
            if self.inner.read_line(&mut line)? == 0 {
                self.is_over = true;
            } else if !line.trim().is_empty() {
                self.n_left = usize::from_str_radix(line.trim(), 16).expect("a chunk's size");
                self.is_over = self.n_left == 0;
            }
        }
        let n_wanted = buffer.len().min(self.n_left);
        let n_read = self.inner.read(&mut buffer[..n_wanted])?;
        self.is_over |= n_read == 0 && n_wanted > 0;
        self.n_left = if self.is_over { 0 } else { self.n_left - n_read };
        Ok(n_read)
    }
}

/// A stream of events.
pub(crate) struct Events(BufReader<Chunked>);

impl Events {
    /// Sends a request, and reads the head of the answer, which it gives.
    pub(crate) fn open(server: &Server, head: &str, body: &str) -> (Events, String) {
        let mut stream = TcpStream::connect(&server.address).expect("a connection");
        stream.set_read_timeout(Some(LIMIT)).unwrap();
        let length = body.len();
        write!(stream, "{head}\r\nhost: localhost\r\ncontent-length: {length}\r\n\r\n{body}")
            .unwrap();
        let mut reader = BufReader::new(stream);
        let mut head = String::new();
        loop {
            let before = head.len();
            assert!(reader.read_line(&mut head).unwrap() > 0, "an answer, not {head:?}");
            if head.len() - before == 2 {
                let body = Chunked { inner: reader, n_left: 0, is_over: false };
                return (Events(BufReader::new(body)), head);
            }
        }
    }

    /// The stream of a query sent by POST.
    pub(crate) fn post(server: &Server, client: &Client, query: &str) -> Events {
        let key = client.key().map_or_else(String::new, |key| format!("\r\nx-api-key: {key}"));
        let head = format!(
            "POST /graphql HTTP/1.1{key}\r\naccept: text/event-stream\r\ncontent-type: application/json"
        );
        let (events, head) = Events::open(server, &head, &json!({ "query": query }).to_string());
        assert!(head.starts_with("HTTP/1.1 200"), "{head}");
        assert!(head.contains("content-type: text/event-stream"), "{head}");
        events
    }

    /// The next event, with its data; none at the end. Comments are passed over.
    pub(crate) fn next(&mut self) -> Option<(String, String)> {
        let (mut name, mut data) = (String::new(), None::<String>);
        loop {
            let mut line = String::new();
            let n_read = self.0.read_line(&mut line).unwrap_or(0);
            let line = line.trim_end_matches(['\r', '\n']);
            if n_read == 0 {
                return None;
            }
            if let Some(value) = line.strip_prefix("event: ") {
                name = value.to_owned();
            } else if let Some(value) = line.strip_prefix("data: ") {
                data = Some(match data {
                    Some(before) => format!("{before}\n{value}"),
                    None => value.to_owned(),
                });
            } else if line.is_empty()
                && let Some(data) = data.take()
            {
                return Some((std::mem::take(&mut name), data));
            }
        }
    }

    /// The answer of the next event.
    #[track_caller]
    pub(crate) fn answer(&mut self) -> Value {
        let (name, data) = self.next().expect("an event");
        assert_eq!(name, "next", "{data}");
        serde_json::from_str(&data).expect("JSON")
    }
}
