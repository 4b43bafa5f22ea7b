//! The floor: a bare axum handler that runs one SQL statement through rusqlite and writes JSON.
//!
//! It runs as a process of its own (this binary with the word `reference`), with the same number
//! of threads as the server, a read-only connection per thread, and nothing else. The body of a
//! request is the values to bind, separated by spaces.

use std::cell::RefCell;
use std::path::PathBuf;
use std::sync::OnceLock;

use axum::Router;
use axum::body::Bytes;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags, Row};

const LIST: &str = "SELECT c1, c2, c4, c6, c9, c10 FROM t WHERE c9 = ?1 \
     ORDER BY c4 DESC NULLS FIRST, _row ASC LIMIT ?2";
const BY_KEY: &str = "SELECT c1, c2, c4, c6, c9, c10 FROM t WHERE c1 = ?1";
/// One statement that writes the nested lists itself.
const NESTED: &str = "SELECT c1, c2, (SELECT json_group_array(json_object('id', c1, 'amount', \
     format('%d.%02d', c4 / 100, c4 % 100), 'status', c9)) FROM (SELECT c1, c4, c9 FROM orders.t o \
     WHERE o.c2 = t.c1 ORDER BY o._row LIMIT 10)) FROM t WHERE c1 > ?1 ORDER BY _row LIMIT 50";

/// The files of the orders and of the customers.
static FILES: OnceLock<(PathBuf, PathBuf)> = OnceLock::new();

thread_local! {
    static ORDERS: RefCell<Connection> = RefCell::new(open(&FILES.get().unwrap().0));
    static CUSTOMERS: RefCell<Connection> = RefCell::new({
        let (orders, customers) = FILES.get().unwrap();
        let connection = open(customers);
        connection.execute("ATTACH ?1 AS orders", [orders.to_str().unwrap()]).unwrap();
        connection
    });
}

fn open(file: &PathBuf) -> Connection {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Connection::open_with_flags(file, flags).unwrap()
}

pub fn serve(orders: &str, customers: &str) {
    FILES.set((PathBuf::from(orders), PathBuf::from(customers))).unwrap();
    listen(
        Router::new()
            .route("/list", post(list))
            .route("/key", post(by_key))
            .route("/nested", post(nested)),
    );
}

/// Serves on a free port and says which.
pub fn listen(router: Router) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        println!("listening on {}", listener.local_addr().unwrap());
        let listener = axum::serve::ListenerExt::tap_io(listener, |stream| {
            let _ = stream.set_nodelay(true);
        });
        axum::serve(listener, router).await.unwrap();
    });
}

pub fn json(bytes: Vec<u8>) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], bytes).into_response()
}

async fn list(body: Bytes) -> Response {
    let (status, limit) = std::str::from_utf8(&body).unwrap().split_once(' ').unwrap();
    let limit: i64 = limit.parse().unwrap();
    json(ORDERS.with_borrow(|connection| {
        let mut statement = connection.prepare_cached(LIST).unwrap();
        let mut rows = statement.query((status, limit)).unwrap();
        let mut out = Vec::with_capacity(256 + 128 * usize::try_from(limit).unwrap());
        out.extend_from_slice(b"{\"data\":{\"orders\":[");
        let start = out.len();
        while let Some(row) = rows.next().unwrap() {
            if out.len() > start {
                out.push(b',');
            }
            write_order(row, &mut out);
        }
        out.extend_from_slice(b"]}}");
        out
    }))
}

async fn by_key(body: Bytes) -> Response {
    let id: i64 = std::str::from_utf8(&body).unwrap().parse().unwrap();
    json(ORDERS.with_borrow(|connection| {
        let mut statement = connection.prepare_cached(BY_KEY).unwrap();
        let mut rows = statement.query([id]).unwrap();
        let mut out = Vec::with_capacity(256);
        out.extend_from_slice(b"{\"data\":{\"ordersByPk\":");
        write_order(rows.next().unwrap().unwrap(), &mut out);
        out.extend_from_slice(b"}}");
        out
    }))
}

async fn nested(body: Bytes) -> Response {
    let id: i64 = std::str::from_utf8(&body).unwrap().parse().unwrap();
    json(CUSTOMERS.with_borrow(|connection| {
        let mut statement = connection.prepare_cached(NESTED).unwrap();
        let mut rows = statement.query([id]).unwrap();
        let mut out = Vec::with_capacity(64 << 10);
        out.extend_from_slice(b"{\"data\":{\"customers\":[");
        let start = out.len();
        while let Some(row) = rows.next().unwrap() {
            if out.len() > start {
                out.push(b',');
            }
            out.extend_from_slice(b"{\"id\":");
            write_integer(row.get(0).unwrap(), &mut out);
            out.extend_from_slice(b",\"name\":");
            write_text(row.get_ref(1).unwrap().as_str().unwrap(), &mut out);
            out.extend_from_slice(b",\"orders\":");
            out.extend_from_slice(row.get_ref(2).unwrap().as_bytes().unwrap());
            out.push(b'}');
        }
        out.extend_from_slice(b"]}}");
        out
    }))
}

pub const KEYS: [&str; 6] = [
    "{\"id\":",
    ",\"customer\":",
    ",\"amount\":",
    ",\"ordered\":",
    ",\"status\":",
    ",\"category\":",
];

fn write_order(row: &Row<'_>, out: &mut Vec<u8>) {
    for (n, key) in KEYS.into_iter().enumerate() {
        out.extend_from_slice(key.as_bytes());
        match row.get_ref(n).unwrap() {
            ValueRef::Integer(value) if n == 2 => {
                let text = format!("\"{}.{:02}\"", value / 100, value % 100);
                out.extend_from_slice(text.as_bytes());
            }
            ValueRef::Integer(value) => write_integer(value, out),
            ValueRef::Text(text) => write_text(std::str::from_utf8(text).unwrap(), out),
            _ => out.extend_from_slice(b"null"),
        }
    }
    out.push(b'}');
}

pub fn write_integer(value: i64, out: &mut Vec<u8>) {
    out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}

pub fn write_text(text: &str, out: &mut Vec<u8>) {
    serde_json::to_writer(out, text).unwrap();
}
