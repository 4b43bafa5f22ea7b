//! A server that a supervisor starts, watches and replaces, and whose clients notice nothing.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::UnixDatagram;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use rustix::process::Signal;

use crate::harness::server::Options;
use crate::harness::{Folder, Server, StoreKind, run_sluice};

const LIMIT: Duration = Duration::from_secs(30);
/// What a shell does for systemd: the socket is the third descriptor, and the process's own.
const PASS: &str = "export LISTEN_PID=$$ LISTEN_FDS=1; exec \"$0\" \"$@\" 3<&0 </dev/null";

/// Clients that ask as fast as they can, each request over a connection of its own.
struct Crowd {
    is_over: AtomicBool,
    n_answered: AtomicUsize,
    n_failed: AtomicUsize,
}

impl Crowd {
    /// Asks while `story` goes on; how many were answered, and how many were not.
    fn during(address: &str, story: impl FnOnce(&Crowd)) -> (usize, usize) {
        let crowd = Crowd {
            is_over: AtomicBool::new(false),
            n_answered: AtomicUsize::new(0),
            n_failed: AtomicUsize::new(0),
        };
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| crowd.ask(address));
            }
            story(&crowd);
            crowd.is_over.store(true, Ordering::Relaxed);
        });
        (crowd.n_answered.into_inner(), crowd.n_failed.into_inner())
    }

    fn ask(&self, address: &str) {
        let address: SocketAddr = address.parse().unwrap();
        while !self.is_over.load(Ordering::Relaxed) {
            let answer = || -> std::io::Result<String> {
                let mut stream = TcpStream::connect_timeout(&address, LIMIT)?;
                stream.set_read_timeout(Some(LIMIT))?;
                stream.write_all(
                    b"GET /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n",
                )?;
                let mut text = String::new();
                stream.read_to_string(&mut text)?;
                Ok(text)
            };
            match answer() {
                Ok(text) if text.starts_with("HTTP/1.1 200 ") && text.ends_with("\"ok\"}") => {
                    self.n_answered.fetch_add(1, Ordering::Relaxed)
                }
                other => {
                    eprintln!("{other:?}");
                    self.n_failed.fetch_add(1, Ordering::Relaxed)
                }
            };
        }
    }

    fn wait_for_more(&self, n: usize) {
        let now = self.n_answered.load(Ordering::Relaxed);
        crate::harness::eventually("answers", LIMIT, || {
            (self.n_answered.load(Ordering::Relaxed) >= now + n).then_some(())
        });
    }
}

#[test]
fn a_restart_behind_a_passed_socket_drops_no_connection() {
    for kind in [StoreKind::Sqlite, StoreKind::Postgres] {
        let socket = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = socket.local_addr().unwrap().to_string();
        let folder = Folder::new();
        let (options, database) = Options::of(kind);
        let start = || {
            let options = Options {
                database_url: options.database_url.clone(),
                data_dir: Some(folder.path().join("data")),
                wrapper: ["sh", "-c", PASS].map(str::to_owned).to_vec(),
                socket: Some(socket.try_clone().unwrap()),
                ..Options::default()
            };
            Server::start_with(options, None)
        };
        let mut server = start();
        assert_eq!(server.address, address, "not that of --listen");
        let (n_answered, n_failed) = Crowd::during(&address, |crowd| {
            for _ in 0..2 {
                crowd.wait_for_more(50);
                server.terminate();
                assert_eq!(server.wait(LIMIT), Some(0));
                server = start();
                crowd.wait_for_more(50);
            }
        });
        assert_eq!(n_failed, 0, "of {n_answered}");
        drop((server, database));
    }
}

#[test]
fn a_new_process_starts_beside_the_old_one_on_postgresql() {
    let (options, database) = Options::of(StoreKind::Postgres);
    // What is served beside the API is shared, too.
    let beside = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let start = |listen: Option<String>| {
        let database_url = options.database_url.clone();
        let options = Options { database_url, listen, ..Options::default() };
        let options = options.variable("SLUICE_METRICS_LISTEN", &beside);
        Server::start_with(options.variable("SLUICE_REUSE_PORT", "on"), None)
    };
    let mut old = start(None);
    let address = old.address.clone();
    let (n_answered, n_failed) = Crowd::during(&address, |crowd| {
        crowd.wait_for_more(50);
        let new = start(Some(address.clone()));
        old.terminate();
        assert_eq!(old.wait(LIMIT), Some(0));
        crowd.wait_for_more(100);
        drop(std::mem::replace(&mut old, new));
    });
    // The system resets those that come between the last look at the queue and its end.
    assert!(n_failed <= 3, "{n_failed} of {n_answered}");
    drop((old, database));
}

#[test]
fn the_embedded_store_is_not_shared() {
    let variables = [("SLUICE_REUSE_PORT", "on")];
    let output = run_sluice(&Folder::new(), &["serve"], &variables);
    assert_eq!(output.status.code(), Some(2));
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.contains("reuse_port") && text.contains("database_url"), "{text}");
}

#[test]
fn what_is_passed_must_listen() {
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let stream = TcpStream::connect(socket.local_addr().unwrap()).unwrap();
    let options = Options {
        wrapper: ["sh", "-c", PASS].map(str::to_owned).to_vec(),
        // A connection in place of a socket that takes them.
        socket: Some(TcpListener::from(std::os::fd::OwnedFd::from(stream))),
        ..Options::default()
    };
    let Err(text) = Server::try_start(options, None) else { panic!("it started") };
    assert!(text.contains("passed socket"), "{text}");
}

#[test]
fn a_supervisor_is_told() {
    for kind in [StoreKind::Sqlite, StoreKind::Postgres] {
        let folder = Folder::new();
        let path = folder.path().join("notify");
        let supervisor = UnixDatagram::bind(&path).unwrap();
        supervisor.set_read_timeout(Some(LIMIT)).unwrap();
        let said = || {
            let mut buffer = [0; 256];
            let n = supervisor.recv(&mut buffer).expect("a word");
            String::from_utf8_lossy(&buffer[..n]).trim().to_owned()
        };
        let (options, database) = Options::of(kind);
        let options = options
            .variable("NOTIFY_SOCKET", &path.display().to_string())
            .variable("WATCHDOG_USEC", "200000");
        let mut server = Server::start_with(options, database);
        let mut words = vec![said()];
        while words.len() < 5 {
            words.push(said());
        }
        assert_eq!(words.iter().filter(|word| *word == "READY=1").count(), 1, "{words:?}");
        assert!(words.iter().all(|word| ["READY=1", "WATCHDOG=1"].contains(&word.as_str())));
        // Nobody who stopped says that he is alive.
        server.signal(Signal::STOP);
        supervisor.set_nonblocking(true).unwrap();
        while supervisor.recv(&mut [0; 256]).is_ok() {}
        supervisor.set_nonblocking(false).unwrap();
        supervisor.set_read_timeout(Some(Duration::from_millis(600))).unwrap();
        assert!(supervisor.recv(&mut [0; 256]).is_err());
        supervisor.set_read_timeout(Some(LIMIT)).unwrap();
        server.signal(Signal::CONT);
        server.terminate();
        while said() != "STOPPING=1" {}
        assert_eq!(server.wait(LIMIT), Some(0));
    }
}

#[test]
fn a_request_that_waits_at_the_stop_is_answered() {
    let mut server = Server::start(StoreKind::Sqlite);
    // Not accepted yet, or accepted and silent: both are before the stop.
    let mut streams: Vec<TcpStream> =
        (0..8).map(|_| TcpStream::connect(&server.address).unwrap()).collect();
    server.terminate();
    for stream in &mut streams {
        let request = b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n";
        stream.write_all(request).unwrap();
    }
    for stream in &mut streams {
        stream.set_read_timeout(Some(LIMIT)).unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        assert!(text.starts_with("HTTP/1.1 200 "), "{text:?}");
    }
    assert_eq!(server.wait(LIMIT), Some(0));
    let refusal = TcpStream::connect(&server.address).err().unwrap();
    assert_eq!(refusal.kind(), ErrorKind::ConnectionRefused);
}

#[test]
fn all_that_runs_shares_one_grace() {
    for kind in [StoreKind::Sqlite, StoreKind::Postgres] {
        let (options, database) = Options::of(kind);
        let options = options
            .variable("SLUICE_SHUTDOWN_GRACE", "3s")
            .variable("SLUICE_WEBHOOK_ALLOW_PRIVATE", "on")
            .variable("SLUICE_WEBHOOK_TIMEOUT", "1m");
        let mut server = Server::start_with(options, database);
        let client = server.client();
        client.load("orders", "id\n1\n");
        // A delivery that is never answered.
        let silent = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/", silent.local_addr().unwrap());
        let hook = "mutation($u: String!) { createWebhook(dataset: \"orders\", url: $u, \
                    events: [LOAD_FINISHED]) { webhook { id } } }";
        client.data_with(hook, &serde_json::json!({ "u": url }));
        client.load("orders", "id\n1\n2\n");
        let (delivery, _) = silent.accept().unwrap();
        // A request that never ends.
        let mut upload = TcpStream::connect(&server.address).unwrap();
        let head = format!(
            "PUT /upload/late HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {}\r\n\
             content-length: 1000\r\n\r\nid\n1\n",
            client.key().unwrap()
        );
        upload.write_all(head.as_bytes()).unwrap();
        crate::harness::eventually("the upload", LIMIT, || {
            let metrics = client.get("/metrics").text;
            metrics.contains("sluice_jobs_at_work{phase=\"receive\"} 1").then_some(())
        });
        let began = std::time::Instant::now();
        server.terminate();
        assert_eq!(server.wait(LIMIT), Some(0));
        let took = began.elapsed();
        let bounds = Duration::from_millis(2_900)..Duration::from_millis(5_500);
        assert!(bounds.contains(&took), "{took:?}");
        drop((delivery, upload));
    }
}
