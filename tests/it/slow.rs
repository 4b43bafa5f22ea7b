//! Clients that take their time, or only a place: they end within bounds, and are in nobody's way.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::harness::fixtures::generation;
use crate::harness::server::{ADMIN_KEY, Options};
use crate::harness::{Server, StoreKind, eventually, pause};

fn server(variables: &[(&str, &str)]) -> Server {
    let (options, _) = Options::of(StoreKind::Sqlite);
    let options = variables.iter().fold(options, |options, (n, v)| options.variable(n, v));
    Server::start_with(options, None)
}

fn connect(server: &Server) -> TcpStream {
    let stream = TcpStream::connect(&server.address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    stream
}

/// Sends the text, then one byte at a time until the server ends it; what it answered and after
/// how long.
fn dribble(server: &Server, head: &str, byte: &[u8], every: Duration) -> (String, Duration) {
    let mut stream = connect(server);
    let started = Instant::now();
    stream.write_all(head.as_bytes()).unwrap();
    stream.set_nonblocking(true).unwrap();
    let mut answer = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        assert!(started.elapsed() < Duration::from_secs(40), "still open");
        match stream.read(&mut buffer) {
            Ok(0) => break,
            Ok(n) => answer.extend_from_slice(&buffer[..n]),
            Err(e) if e.kind() == std::io::ErrorKind::WouldBlock => {
                if stream.write_all(byte).is_err() {
                    break;
                }
                pause(every);
            }
            Err(_) => break,
        }
    }
    (String::from_utf8_lossy(&answer).into_owned(), started.elapsed())
}

fn head(method_and_path: &str, length: usize) -> String {
    format!(
        "{method_and_path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {ADMIN_KEY}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n"
    )
}

const STEP: Duration = Duration::from_millis(100);

#[test]
fn dribbled_headers_end() {
    let server = server(&[("SLUICE_HEADER_TIMEOUT", "700ms")]);
    let (_, time) = dribble(&server, "GET /healthz HTTP/1.1\r\nhost: localhost\r\nx: ", b"y", STEP);
    assert!(time >= Duration::from_millis(600) && time < Duration::from_secs(5), "{time:?}");
    // Nothing at all, and the beginning of HTTP/2 that never goes on.
    for silence in ["", "PRI * HT"] {
        let mut stream = connect(&server);
        let started = Instant::now();
        stream.write_all(silence.as_bytes()).unwrap();
        assert_eq!(stream.read(&mut [0; 64]).unwrap_or(0), 0);
        let time = started.elapsed();
        assert!(time >= Duration::from_millis(600) && time < Duration::from_secs(5), "{time:?}");
    }
    assert_eq!(server.anonymous().get("/healthz").status, 200);
}

#[test]
fn dribbled_bodies_end() {
    let server =
        server(&[("SLUICE_BODY_IDLE_TIMEOUT", "600ms"), ("SLUICE_BODY_TIMEOUT", "1500ms")]);
    for (path, length) in
        [("POST /graphql", 1_000), ("POST /sign-in", 1_000), ("PUT /documents", 1_000)]
    {
        // A byte in time, again and again: the whole has its limit.
        let (answer, time) = dribble(&server, &head(path, length), b" ", STEP);
        assert!(answer.starts_with("HTTP/1.1 408"), "{path}: {answer}");
        assert!(answer.contains("too slowly"), "{answer}");
        assert!(time >= Duration::from_millis(1_400) && time < Duration::from_secs(8), "{time:?}");
        // No byte: that of silence acts first.
        let mut stream = connect(&server);
        let started = Instant::now();
        stream.write_all(head(path, length).as_bytes()).unwrap();
        let mut answer = String::new();
        let _ = stream.read_to_string(&mut answer);
        assert!(answer.starts_with("HTTP/1.1 408"), "{path}: {answer}");
        assert!(answer.contains("stopped arriving"), "{answer}");
        assert!(started.elapsed() < Duration::from_secs(7), "{:?}", started.elapsed());
    }
    assert_eq!(server.client().graphql("{ __typename }", &json!({})).status, 200);
}

#[test]
fn uploads_may_take_long_but_not_for_ever() {
    let server = server(&[
        ("SLUICE_BODY_IDLE_TIMEOUT", "800ms"),
        ("SLUICE_BODY_TIMEOUT", "1s"),
        ("SLUICE_MIN_UPLOAD_RATE", "1KiB"),
    ]);
    // Ten bytes a second are too few.
    let (answer, time) = dribble(&server, &head("PUT /upload/slow", 1 << 20), b"1", STEP);
    assert!(answer.starts_with("HTTP/1.1 4"), "{answer}");
    assert!(time >= Duration::from_millis(900) && time < Duration::from_secs(8), "{time:?}");
    let form = head("POST /graphql", 1 << 20)
        .replace("application/json", "multipart/form-data; boundary=part");
    let part = "--part\r\ncontent-disposition: form-data; name=\"operations\"\r\n\r\n";
    let (answer, time) = dribble(&server, &format!("{form}{part}"), b" ", STEP);
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    assert!(time < Duration::from_secs(8), "{time:?}");
    // Twice the least is enough, for longer than any other body may take.
    let csv = generation(1, 200);
    let mut stream = connect(&server);
    stream.write_all(head("PUT /upload/steady?wait=30", csv.len()).as_bytes()).unwrap();
    for piece in csv.as_bytes().chunks(csv.len() / 20) {
        stream.write_all(piece).unwrap();
        pause(STEP);
    }
    let mut answer = [0; 64];
    let n = stream.read(&mut answer).unwrap();
    let answer = String::from_utf8_lossy(&answer[..n]).into_owned();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert_eq!(
        server.client().data("{ steadyAggregate { aggregate { count } } }")["steadyAggregate"]["aggregate"]
            ["count"],
        200
    );
    let spool = server.data_dir().join("spool");
    eventually("an empty spool", Duration::from_secs(10), || {
        std::fs::read_dir(&spool).unwrap().next().is_none().then_some(())
    });
}

#[test]
fn a_thousand_idle_connections_do_no_harm() {
    let server = server(&[]);
    let idle: Vec<TcpStream> = (0..1_000).map(|_| connect(&server)).collect();
    let started = Instant::now();
    for _ in 0..20 {
        assert_eq!(server.client().graphql("{ __typename }", &json!({})).status, 200);
    }
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    drop(idle);
}

#[test]
fn idle_connections_give_way_when_places_are_short() {
    let server = server(&[("SLUICE_MAX_CONNECTIONS", "20")]);
    // Some are silent, some have asked and keep the connection.
    let mut idle: Vec<TcpStream> = (0..60).map(|_| connect(&server)).collect();
    for stream in idle.iter_mut().take(10) {
        let _ = stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n");
    }
    let started = Instant::now();
    for _ in 0..5 {
        assert_eq!(server.client().graphql("{ __typename }", &json!({})).status, 200);
    }
    assert!(started.elapsed() < Duration::from_secs(8), "{:?}", started.elapsed());
    drop(idle);
    // A request at work is not idle, however many wait.
    let csv = generation(1, 500);
    let (first, rest) = csv.as_bytes().split_at(csv.len() / 2);
    let mut working = connect(&server);
    working.write_all(head("PUT /upload/kept?wait=30", csv.len()).as_bytes()).unwrap();
    working.write_all(first).unwrap();
    let crowd: Vec<TcpStream> = (0..60).map(|_| connect(&server)).collect();
    assert_eq!(server.client().graphql("{ __typename }", &json!({})).status, 200);
    working.write_all(rest).unwrap();
    let mut answer = [0; 64];
    let n = working.read(&mut answer).unwrap();
    assert!(String::from_utf8_lossy(&answer[..n]).starts_with("HTTP/1.1 200"), "it was cut off");
    drop(crowd);
}

#[test]
fn an_answer_that_nobody_takes_is_given_up() {
    let server = server(&[
        ("SLUICE_HEADER_TIMEOUT", "1s"),
        ("SLUICE_MAX_LIMIT", "100000"),
        ("SLUICE_QUERY_MAX_COST", "10000000"),
    ]);
    server.client().load("rows", generation(1, 100_000));
    let body = r#"{"query":"{ rows(limit: 100000) { id generation name } }"}"#;
    let ask = || {
        let mut stream = connect(&server);
        let head = head("POST /graphql", body.len());
        stream.write_all(format!("{head}{body}").as_bytes()).unwrap();
        stream
    };
    // One who reads slowly gets it all, though it takes longer than a connection may idle.
    let mut reader = ask();
    let started = Instant::now();
    let (mut n_bytes, mut buffer) = (0, vec![0; 256 << 10]);
    while started.elapsed() < Duration::from_secs(3) {
        n_bytes += reader.read(&mut buffer).unwrap();
        pause(STEP);
    }
    while n_bytes < 5_000_000 {
        let n = reader.read(&mut buffer).unwrap();
        assert!(n > 0, "cut off after {n_bytes} bytes");
        n_bytes += n;
    }
    // One who does not read at all is let go: its socket ends before the answer does.
    let mut sleeper = ask();
    pause(Duration::from_secs(4));
    let mut got = Vec::new();
    let _ = sleeper.read_to_end(&mut got);
    assert!(got.len() < 5_000_000, "{} bytes were kept for it", got.len());
    assert_eq!(server.anonymous().get("/healthz").status, 200);
}
