//! A server that speaks TLS itself, with certificates that are renewed while it serves.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use serde_json::json;
use tungstenite::client::IntoClientRequest;

use crate::harness::server::Options;
use crate::harness::{Client, Folder, Server, StoreKind, eventually, raw, run_sluice};

const LIMIT: Duration = Duration::from_secs(30);

type Stream = StreamOwned<ClientConnection, TcpStream>;

/// A certificate of `localhost` and its key, in the files that the server reads.
pub(crate) struct Certificate {
    pub(crate) der: CertificateDer<'static>,
    certificate_pem: String,
    key_pem: String,
}

impl Certificate {
    pub(crate) fn new() -> Certificate {
        let names = vec!["localhost".to_owned()];
        let made = rcgen::generate_simple_self_signed(names).unwrap();
        Certificate {
            der: made.cert.der().clone(),
            certificate_pem: made.cert.pem(),
            key_pem: made.signing_key.serialize_pem(),
        }
    }

    pub(crate) fn write(&self, folder: &Path) {
        std::fs::write(folder.join("certificate.pem"), &self.certificate_pem).unwrap();
        std::fs::write(folder.join("key.pem"), &self.key_pem).unwrap();
    }

    /// The settings that serve it.
    pub(crate) fn set(&self, options: Options, folder: &Path) -> Options {
        self.write(folder);
        let path = |name: &str| folder.join(name).display().to_string();
        options
            .variable("SLUICE_TLS_CERTIFICATE", &path("certificate.pem"))
            .variable("SLUICE_TLS_KEY", &path("key.pem"))
    }

    fn config(&self) -> ClientConfig {
        let mut roots = RootCertStore::empty();
        roots.add(self.der.clone()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(provider);
        let builder = builder.with_safe_default_protocol_versions().unwrap();
        builder.with_root_certificates(roots).with_no_client_auth()
    }

    /// A connection that trusts this certificate and offers these protocols.
    pub(crate) fn connect(&self, address: &str, protocols: &[&str]) -> std::io::Result<Stream> {
        let mut config = self.config();
        config.alpn_protocols = protocols.iter().map(|it| it.as_bytes().to_vec()).collect();
        open(address, config)
    }
}

fn open(address: &str, config: ClientConfig) -> std::io::Result<Stream> {
    let name = ServerName::try_from("localhost").unwrap();
    let connection = ClientConnection::new(Arc::new(config), name).unwrap();
    let stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(LIMIT))?;
    stream.set_write_timeout(Some(LIMIT))?;
    let mut stream = StreamOwned::new(connection, stream);
    while stream.conn.is_handshaking() {
        stream.conn.complete_io(&mut stream.sock)?;
    }
    Ok(stream)
}

fn start(kind: StoreKind, folder: &Folder, more: &[(&str, &str)]) -> (Server, Certificate) {
    let certificate = Certificate::new();
    let (options, database) = Options::of(kind);
    let mut options = certificate.set(options, folder.path());
    for (name, value) in more {
        options = options.variable(name, value);
    }
    (Server::start_with(options, database), certificate)
}

fn client(server: &Server, certificate: &Certificate) -> Client {
    let port = server.address.rsplit_once(':').unwrap().1;
    server.client().over_tls(&format!("localhost:{port}"), &certificate.der)
}

#[test]
fn everything_is_served_over_tls() {
    for kind in [StoreKind::Sqlite, StoreKind::Postgres] {
        let folder = Folder::new();
        let (server, certificate) = start(kind, &folder, &[]);
        let links: Vec<&String> = server.greeting.iter().filter(|it| it.contains("://")).collect();
        assert!(links.len() >= 2 && links.iter().all(|it| it.contains("https://")), "{links:?}");
        let client = client(&server, &certificate);
        client.load("orders", "id,total\n1,2.50\n2,3.50\n");
        let answer = client.data("{ orders(orderBy: {id: ASC}) { id } }");
        assert_eq!(answer, json!({ "orders": [{ "id": 1 }, { "id": 2 }] }));

        let stream = certificate.connect(&server.address, &["http/1.1"]).unwrap();
        assert_eq!(stream.conn.alpn_protocol(), Some(&b"http/1.1"[..]));
        let mut request = "wss://localhost/graphql".into_client_request().unwrap();
        let protocol = "graphql-transport-ws".parse().unwrap();
        request.headers_mut().insert("sec-websocket-protocol", protocol);
        stream.sock.set_read_timeout(Some(LIMIT)).unwrap();
        let (mut socket, _) = tungstenite::client(request, stream).expect("a WebSocket");
        let key = format!("Bearer {}", client.key().unwrap());
        let init = json!({ "type": "connection_init", "payload": { "authorization": key } });
        socket.send(tungstenite::Message::text(init.to_string())).unwrap();
        let said = socket.read().unwrap().into_text().unwrap();
        assert!(said.contains("connection_ack"), "{said}");
    }
}

#[test]
fn both_versions_of_tls_and_of_http_are_spoken() {
    let folder = Folder::new();
    let (server, certificate) = start(StoreKind::Sqlite, &folder, &[]);
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let mut roots = RootCertStore::empty();
        roots.add(certificate.der.clone()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(provider);
        let builder = builder.with_protocol_versions(&[version]).unwrap();
        let config = builder.with_root_certificates(roots).with_no_client_auth();
        let mut stream = open(&server.address, config).unwrap();
        assert_eq!(stream.conn.protocol_version(), Some(version.version));
        stream
            .write_all(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
            .unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        assert!(text.starts_with("HTTP/1.1 200 "), "{text}");
    }
    // HTTP/2: chosen by name, and by who knows without asking.
    for protocols in [&["h2", "http/1.1"][..], &[]] {
        let mut stream = certificate.connect(&server.address, protocols).unwrap();
        let chosen = stream.conn.alpn_protocol().map(<[u8]>::to_vec);
        assert_eq!(chosen.is_some(), !protocols.is_empty());
        assert!(chosen.is_none_or(|chosen| chosen == b"h2"));
        stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").unwrap();
        let mut frame = [0; 9];
        stream.read_exact(&mut frame).unwrap();
        assert_eq!(frame[3], 4, "a frame of settings: {frame:?}");
    }
}

#[test]
fn who_is_refused_early_hears_why() {
    let folder = Folder::new();
    let (server, certificate) = start(StoreKind::Sqlite, &folder, &[]);
    for _ in 0..5 {
        let mut stream = certificate.connect(&server.address, &[]).unwrap();
        let length = 32 << 20;
        let head = format!(
            "PUT /upload/orders HTTP/1.1\r\nhost: localhost\r\ncontent-length: {length}\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).unwrap();
        let chunk = vec![b'1'; 64 << 10];
        for _ in 0..length / chunk.len() {
            if stream.write_all(&chunk).is_err() {
                break;
            }
        }
        let mut text = Vec::new();
        let _ = stream.read_to_end(&mut text);
        let text = String::from_utf8_lossy(&text);
        assert!(text.starts_with("HTTP/1.1 401 "), "{text:?}");
        assert!(text.contains("UNAUTHENTICATED"), "{text}");
    }
}

#[test]
fn who_speaks_something_else_hurts_nobody() {
    let folder = Folder::new();
    let more = [("SLUICE_HEADER_TIMEOUT", "1s"), ("SLUICE_MAX_CONNECTIONS", "8")];
    let (server, certificate) = start(StoreKind::Sqlite, &folder, &more);
    let text = raw(&server.address, "GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n");
    assert!(!text.contains("HTTP/1.1 "), "{text:?}");
    raw(&server.address, [0x16, 3, 1, 0xff, 0xff, 0, 0, 0]);
    // As many as there are places, and they say nothing: they have to go.
    let silent: Vec<TcpStream> =
        (0..8).map(|_| TcpStream::connect(&server.address).unwrap()).collect();
    let began = Instant::now();
    assert_eq!(client(&server, &certificate).get("/healthz").status, 200);
    for mut stream in silent {
        stream.set_read_timeout(Some(LIMIT)).unwrap();
        assert!(matches!(stream.read(&mut [0; 64]), Ok(0) | Err(_)));
    }
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    assert_eq!(client(&server, &certificate).get("/healthz").status, 200);
}

#[test]
fn a_new_certificate_is_served_and_a_broken_one_is_not() {
    let folder = Folder::new();
    let (server, old) = start(StoreKind::Sqlite, &folder, &[]);
    let mut kept = old.connect(&server.address, &[]).unwrap();
    // A certificate without its key.
    let new = Certificate::new();
    std::fs::write(folder.path().join("certificate.pem"), &new.certificate_pem).unwrap();
    eventually("the refusal", LIMIT, || server.log().contains("ERROR").then_some(()));
    assert!(old.connect(&server.address, &[]).is_ok());
    assert!(new.connect(&server.address, &[]).is_err());
    new.write(folder.path());
    eventually("the new one", LIMIT, || new.connect(&server.address, &[]).ok());
    assert!(old.connect(&server.address, &[]).is_err());
    // Whoever is connected stays so.
    kept.write_all(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
        .unwrap();
    let mut text = String::new();
    let _ = kept.read_to_string(&mut text);
    assert!(text.is_empty() || text.starts_with("HTTP/1.1 200 "), "{text}");
    let n_told = server.log().matches("goes on being served").count();
    assert_eq!(n_told, 1, "{}", server.log());
    assert!(!server.log().contains("PRIVATE KEY"));
}

#[test]
fn who_asks_without_tls_is_sent_on() {
    let folder = Folder::new();
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let plain = format!("127.0.0.1:{port}");
    let (server, _) = start(StoreKind::Sqlite, &folder, &[("SLUICE_TLS_REDIRECT_LISTEN", &plain)]);
    let tls_port = server.address.rsplit_once(':').unwrap().1;
    let text = raw(
        &plain,
        "POST /graphql?a=b HTTP/1.1\r\nhost: localhost:80\r\nconnection: close\r\ncontent-length: 2\r\n\r\n{}",
    );
    assert!(text.starts_with("HTTP/1.1 308 "), "{text}");
    let place = format!("location: https://localhost:{tls_port}/graphql?a=b\r\n");
    assert!(text.contains(&place), "{text}");
    let text = raw(&plain, "GET / HTTP/1.1\r\nhost: evil.example\r\nconnection: close\r\n\r\n");
    assert!(text.starts_with("HTTP/1.1 421 "), "{text}");
}

#[test]
fn settings_that_do_not_fit_stop_the_start() {
    let check = |variables: &[(&str, &str)], expect: &str| {
        let output = run_sluice(&Folder::new(), &["serve"], variables);
        let text = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{text}");
        assert!(text.contains(expect), "{text}");
    };
    check(&[("SLUICE_TLS_KEY", "key.pem")], "tls.certificate");
    check(&[("SLUICE_TLS_CERTIFICATE", "certificate.pem")], "tls.key");
    check(&[("SLUICE_TLS_REDIRECT_LISTEN", "127.0.0.1:0")], "tls.certificate");
    let both = [("SLUICE_TLS_CERTIFICATE", "certificate.pem"), ("SLUICE_TLS_KEY", "key.pem")];
    check(&both, "certificate.pem cannot be read");
}
