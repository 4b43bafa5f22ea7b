//! The floor on PostgreSQL: the same handler through tokio-postgres, whose connections take many
//! statements at once.

use std::error::Error;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::response::Response;
use axum::routing::post;
use tokio_postgres::types::{FromSql, Type};
use tokio_postgres::{Client, NoTls, Row, Statement};

use crate::reference::{KEYS, json, listen, write_integer, write_text};

const N_CONNECTIONS: usize = 8;

/// A connection with its statements.
struct Connection {
    client: Client,
    list: Statement,
    by_key: Statement,
    nested: Statement,
}

type Connections = Arc<OnceLock<Vec<Connection>>>;

/// `orders` and `customers` are the tables.
pub fn serve(url: &str, orders: &str, customers: &str) {
    let columns = "SELECT c1, c2, c4, c6, c9, c10 FROM";
    let list =
        format!("{columns} {orders} WHERE c9 = $1 ORDER BY c4 DESC NULLS FIRST, _row ASC LIMIT $2");
    let by_key = format!("{columns} {orders} WHERE c1 = $1");
    let nested = format!(
        "SELECT c1, c2, (SELECT json_agg(n)::text FROM (SELECT c1 AS id, c4::text AS amount, \
         c9 AS status FROM {orders} o WHERE o.c2 = c.c1 ORDER BY o._row LIMIT 10) n) \
         FROM {customers} c WHERE c1 > $1 ORDER BY _row LIMIT 50"
    );
    let connections: Connections = Arc::default();
    let (url, made) = (url.to_owned(), Arc::clone(&connections));
    let connect = move || async move {
        let mut all = Vec::new();
        for _ in 0..N_CONNECTIONS {
            let (client, connection) = tokio_postgres::connect(&url, NoTls).await.unwrap();
            tokio::spawn(connection);
            let list = client.prepare(&list).await.unwrap();
            let by_key = client.prepare(&by_key).await.unwrap();
            let nested = client.prepare(&nested).await.unwrap();
            all.push(Connection { client, list, by_key, nested });
        }
        made.set(all).ok().unwrap();
        String::new()
    };
    listen(
        Router::new()
            .route("/list", post(answer_list))
            .route("/key", post(answer_by_key))
            .route("/nested", post(answer_nested))
            .with_state(connections)
            .route("/connect", post(connect)),
    );
}

fn next(connections: &Connections) -> &Connection {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let all = connections.get().unwrap();
    &all[NEXT.fetch_add(1, Ordering::Relaxed) % all.len()]
}

async fn answer_list(State(connections): State<Connections>, body: Bytes) -> Response {
    let (status, limit) = std::str::from_utf8(&body).unwrap().split_once(' ').unwrap();
    let limit: i64 = limit.parse().unwrap();
    let connection = next(&connections);
    let rows = connection.client.query(&connection.list, &[&status, &limit]).await.unwrap();
    let mut out = Vec::with_capacity(256 + 128 * rows.len());
    out.extend_from_slice(b"{\"data\":{\"orders\":[");
    for (n, row) in rows.iter().enumerate() {
        if n > 0 {
            out.push(b',');
        }
        write_order(row, &mut out);
    }
    out.extend_from_slice(b"]}}");
    json(out)
}

async fn answer_by_key(State(connections): State<Connections>, body: Bytes) -> Response {
    let id: i32 = std::str::from_utf8(&body).unwrap().parse().unwrap();
    let connection = next(&connections);
    let row = connection.client.query_one(&connection.by_key, &[&id]).await.unwrap();
    let mut out = Vec::with_capacity(256);
    out.extend_from_slice(b"{\"data\":{\"ordersByPk\":");
    write_order(&row, &mut out);
    out.extend_from_slice(b"}}");
    json(out)
}

async fn answer_nested(State(connections): State<Connections>, body: Bytes) -> Response {
    let id: i32 = std::str::from_utf8(&body).unwrap().parse().unwrap();
    let connection = next(&connections);
    let rows = connection.client.query(&connection.nested, &[&id]).await.unwrap();
    let mut out = Vec::with_capacity(64 << 10);
    out.extend_from_slice(b"{\"data\":{\"customers\":[");
    for (n, row) in rows.iter().enumerate() {
        if n > 0 {
            out.push(b',');
        }
        out.extend_from_slice(b"{\"id\":");
        write_integer(i64::from(row.get::<_, i32>(0)), &mut out);
        out.extend_from_slice(b",\"name\":");
        write_text(row.get(1), &mut out);
        out.extend_from_slice(b",\"orders\":");
        out.extend_from_slice(row.get::<_, &str>(2).as_bytes());
        out.push(b'}');
    }
    out.extend_from_slice(b"]}}");
    json(out)
}

fn write_order(row: &Row, out: &mut Vec<u8>) {
    for (n, key) in KEYS.into_iter().enumerate() {
        out.extend_from_slice(key.as_bytes());
        match n {
            0 | 1 => write_integer(i64::from(row.get::<_, i32>(n)), out),
            2 => {
                let value = row.get::<_, Hundredths>(n).0;
                let text = format!("\"{}.{:02}\"", value / 100, value % 100);
                out.extend_from_slice(text.as_bytes());
            }
            3 => {
                out.push(b'"');
                sluice_schema::temporal::write_date(out, row.get::<_, Day>(n).0);
                out.push(b'"');
            }
            _ => write_text(row.get(n), out),
        }
    }
    out.push(b'}');
}

/// A numeric of two decimals, in hundredths.
struct Hundredths(i64);

impl<'a> FromSql<'a> for Hundredths {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Hundredths, Box<dyn Error + Sync + Send>> {
        let word = |n: usize| i16::from_be_bytes(raw[n * 2..][..2].try_into().unwrap());
        let (n_groups, weight) = (word(0), word(1));
        let mut value = 0_i64;
        // A group is four digits; the one of weight −1 has the hundredths in front.
        for group in 0..=weight + 1 {
            let digits =
                if group < n_groups { i64::from(word(4 + usize::try_from(group)?)) } else { 0 };
            value =
                if group <= weight { value * 10_000 + digits } else { value * 100 + digits / 100 };
        }
        Ok(Hundredths(value))
    }

    fn accepts(of: &Type) -> bool {
        *of == Type::NUMERIC
    }
}

/// A date, in days since 1970.
struct Day(i32);

impl<'a> FromSql<'a> for Day {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Day, Box<dyn Error + Sync + Send>> {
        Ok(Day(i32::from_be_bytes(raw.try_into()?) + 10_957))
    }

    fn accepts(of: &Type) -> bool {
        *of == Type::DATE
    }
}
