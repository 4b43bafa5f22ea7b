//! The floor: a bare axum handler that runs one SQL statement through rusqlite and writes JSON.
//!
//! It runs as a process of its own (this binary with the word `reference`), with the same number
//! of threads as the server, a read-only connection per thread, and nothing else.

use std::cell::RefCell;
use std::path::PathBuf;
use std::sync::OnceLock;

use axum::Router;
use axum::body::Bytes;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags};

/// What both run: `status` and the number of rows are bound.
pub const SQL: &str = "SELECT c1, c2, c4, c6, c9, c10 FROM t WHERE c9 = ?1 \
     ORDER BY c4 DESC NULLS FIRST, _row ASC LIMIT ?2";

static DATABASE: OnceLock<PathBuf> = OnceLock::new();

thread_local! {
    static CONNECTION: RefCell<Connection> = RefCell::new(
        Connection::open_with_flags(
            DATABASE.get().unwrap(),
            OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX,
        )
        .unwrap(),
    );
}

pub fn serve(database: &str, address: &str) {
    DATABASE.set(PathBuf::from(database)).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind(address).await.unwrap();
        println!("listening on {}", listener.local_addr().unwrap());
        let listener = axum::serve::ListenerExt::tap_io(listener, |stream| {
            let _ = stream.set_nodelay(true);
        });
        axum::serve(listener, Router::new().route("/", post(answer))).await.unwrap();
    });
}

/// The body is `status limit`.
async fn answer(body: Bytes) -> Response {
    let body = std::str::from_utf8(&body).unwrap();
    let (status, limit) = body.split_once(' ').unwrap();
    let limit: i64 = limit.parse().unwrap();
    let json = CONNECTION.with_borrow(|connection| {
        let mut statement = connection.prepare_cached(SQL).unwrap();
        let mut rows = statement.query((status, limit)).unwrap();
        let mut out = Vec::with_capacity(256 + 128 * usize::try_from(limit).unwrap());
        out.extend_from_slice(b"{\"data\":{\"orders\":[");
        let mut is_first = true;
        while let Some(row) = rows.next().unwrap() {
            if !is_first {
                out.push(b',');
            }
            is_first = false;
            const KEYS: [&str; 6] = [
                "{\"id\":",
                ",\"customer\":",
                ",\"amount\":",
                ",\"ordered\":",
                ",\"status\":",
                ",\"category\":",
            ];
            for (n, key) in KEYS.into_iter().enumerate() {
                out.extend_from_slice(key.as_bytes());
                match row.get_ref(n).unwrap() {
                    ValueRef::Integer(value) if n == 2 => {
                        let text = format!("\"{}.{:02}\"", value / 100, value % 100);
                        out.extend_from_slice(text.as_bytes());
                    }
                    ValueRef::Integer(value) => {
                        out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
                    }
                    ValueRef::Text(text) => {
                        serde_json::to_writer(&mut out, std::str::from_utf8(text).unwrap())
                            .unwrap();
                    }
                    _ => out.extend_from_slice(b"null"),
                }
            }
            out.push(b'}');
        }
        out.extend_from_slice(b"]}}");
        out
    });
    ([(header::CONTENT_TYPE, "application/json")], json).into_response()
}
