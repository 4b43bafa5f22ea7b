//! Many connections that each send a request as soon as the last was answered.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// What a round of traffic saw.
pub struct Traffic {
    pub per_second: f64,
    pub p50_us: f64,
    pub p99_us: f64,
}

/// Sends `requests` in turn over `n_connections` for a while; every answer must be a 200 or a 304.
pub fn run(address: &str, requests: &[Vec<u8>], n_connections: usize, length: Duration) -> Traffic {
    let stop = AtomicBool::new(false);
    let start = Instant::now();
    let mut times_us: Vec<f64> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..n_connections)
            .map(|number| {
                let stop = &stop;
                scope.spawn(move || {
                    let mut stream = TcpStream::connect(address).unwrap();
                    stream.set_nodelay(true).unwrap();
                    let mut times = Vec::new();
                    let mut buffer = Vec::new();
                    for n in number.. {
                        if stop.load(Ordering::Relaxed) {
                            break;
                        }
                        let sent = Instant::now();
                        stream.write_all(&requests[n % requests.len()]).unwrap();
                        read_answer(&mut stream, &mut buffer);
                        times.push(sent.elapsed().as_secs_f64() * 1e6);
                    }
                    times
                })
            })
            .collect();
        std::thread::sleep(length);
        stop.store(true, Ordering::Relaxed);
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    let elapsed = start.elapsed().as_secs_f64();
    times_us.sort_by(f64::total_cmp);
    Traffic {
        per_second: times_us.len() as f64 / elapsed,
        p50_us: times_us[times_us.len() / 2],
        p99_us: times_us[times_us.len() * 99 / 100],
    }
}

/// Reads one answer; says where in the buffer its body is. Cheap, because it shares the machine with what
/// it measures: nothing is copied, zeroed or made anew for an answer.
pub fn read_answer(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Range<usize> {
    const ROOM: usize = 1 << 16;
    let mut n_read = 0;
    let mut body: Option<(usize, usize)> = None;
    loop {
        if buffer.len() < n_read + ROOM {
            buffer.resize(n_read + ROOM, 0);
        }
        let n_more = stream.read(&mut buffer[n_read..]).unwrap();
        assert!(n_more > 0, "the connection was closed");
        n_read += n_more;
        body = body.or_else(|| find_body(&buffer[..n_read]));
        if let Some((start, length)) = body
            && n_read >= start + length
        {
            return start..start + length;
        }
    }
}

/// Where the body begins, and its length, once the header is there.
fn find_body(answer: &[u8]) -> Option<(usize, usize)> {
    let end = memchr::memmem::find(answer, b"\r\n\r\n")? + 4;
    if answer.starts_with(b"HTTP/1.1 304") {
        return Some((end, 0));
    }
    assert!(answer.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(answer));
    let mut lines = answer[..end].split(|byte| *byte == b'\n');
    let length = lines.find_map(|line| {
        let (name, value) = line.split_at_checked("content-length:".len())?;
        name.eq_ignore_ascii_case(b"content-length:").then_some(value)
    });
    let length = std::str::from_utf8(length.expect("a content-length")).unwrap();
    Some((end, length.trim().parse().unwrap()))
}

/// A request as it goes over the wire.
pub fn post(path: &str, body: &str) -> Vec<u8> {
    post_with(path, "", body)
}

/// One that only reads.
pub fn get(path: &str) -> Vec<u8> {
    let key = crate::server::KEY;
    format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {key}\r\n\r\n")
        .into_bytes()
}

/// A POST with more headers, each with its line end.
pub fn post_with(path: &str, headers: &str, body: &str) -> Vec<u8> {
    format!(
        "POST {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {}\r\n{headers}\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        crate::server::KEY,
        body.len()
    )
    .into_bytes()
}
