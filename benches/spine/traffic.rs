//! Many connections that each send a request as soon as the last was answered.

use std::io::{Read, Write};
use std::net::TcpStream;
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
                    let mut buffer = Vec::with_capacity(1 << 20);
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

/// Reads one answer; leaves its body in the buffer.
pub fn read_answer(stream: &mut TcpStream, buffer: &mut Vec<u8>) {
    buffer.clear();
    let mut chunk = [0_u8; 65_536];
    let (head, length) = loop {
        let n_read = stream.read(&mut chunk).unwrap();
        assert!(n_read > 0, "the connection was closed");
        buffer.extend_from_slice(&chunk[..n_read]);
        if let Some(end) = buffer.windows(4).position(|window| window == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&buffer[..end]).to_ascii_lowercase();
            if head.starts_with("http/1.1 304") {
                break (end + 4, 0);
            }
            assert!(head.starts_with("http/1.1 200"), "{}", String::from_utf8_lossy(buffer));
            let length = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length:"))
                .expect("a content-length")
                .trim()
                .parse::<usize>()
                .unwrap();
            break (end + 4, length);
        }
    };
    while buffer.len() < head + length {
        let n_read = stream.read(&mut chunk).unwrap();
        buffer.extend_from_slice(&chunk[..n_read]);
    }
    buffer.drain(..head);
}

/// A request as it goes over the wire.
pub fn post(path: &str, body: &str) -> Vec<u8> {
    post_with(path, "", body)
}

/// The same with more headers, each with its line end.
pub fn post_with(path: &str, headers: &str, body: &str) -> Vec<u8> {
    format!(
        "POST {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {}\r\n{headers}\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        crate::server::KEY,
        body.len()
    )
    .into_bytes()
}
