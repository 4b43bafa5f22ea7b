//! Names, origins, headers: what a browser is allowed to be used for.

use serde_json::json;

use crate::harness::fixtures::ITEMS;
use crate::harness::server::{ADMIN_KEY, Options};
use crate::harness::{Server, StoreKind, raw};

/// The status of a request with these lines instead of a Host header.
fn status(server: &Server, path: &str, lines: &str) -> u16 {
    let answer = answer(server, path, lines);
    let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok());
    status.unwrap_or_else(|| panic!("{lines:?}: {answer:?}"))
}

fn answer(server: &Server, path: &str, lines: &str) -> String {
    let request = format!(
        "GET {path} HTTP/1.1\r\n{lines}authorization: Bearer {ADMIN_KEY}\r\nconnection: close\r\n\r\n"
    );
    raw(&server.address, request)
}

const QUERY: &str = "/graphql?query=%7B__typename%7D";

#[test]
fn only_names_of_this_server_are_answered() {
    let server =
        Server::start_set(StoreKind::Sqlite, "ALLOWED_HOSTS", "api.example.com,.example.org");
    for good in ["api.example.com", "API.example.com:8443", "example.org", "a.b.example.org"] {
        assert_eq!(status(&server, QUERY, &format!("host: {good}\r\n")), 200, "{good}");
    }
    for other in
        ["evil.example", "localhost", "127.0.0.1", "xexample.org", "api.example.com.evil.example"]
    {
        let lines = format!("host: {other}\r\n");
        let text = answer(&server, QUERY, &lines);
        assert!(text.starts_with("HTTP/1.1 421"), "{other}: {text}");
        assert!(text.contains("\"code\":\"BAD_USER_INPUT\""), "{text}");
        assert!(!text.contains("example.com"), "the list is not told: {text}");
        for path in ["/", "/upload/x", "/schema.graphql", "/nothing"] {
            assert_eq!(status(&server, path, &lines), 421, "{path}");
        }
        assert_eq!(status(&server, "/healthz", &lines), 200);
        assert_eq!(status(&server, "/readyz", &lines), 200);
    }
    // The forwarded name is nobody's business.
    let lines = "host: api.example.com\r\nx-forwarded-host: evil.example\r\n";
    assert_eq!(status(&server, QUERY, lines), 200);
}

#[test]
fn a_missing_doubled_or_malformed_name_is_a_bad_request() {
    let server = Server::start(StoreKind::Sqlite);
    for bad in [
        "",
        "host:\r\n",
        "host: a b\r\n",
        "host: localhost/x\r\n",
        "host: user@localhost\r\n",
        "host: localhost:port\r\n",
        "host: localhost, evil.example\r\n",
        "host: localhost\r\nhost: localhost\r\n",
        "host: localhost\r\nhost: evil.example\r\n",
    ] {
        assert_eq!(status(&server, QUERY, bad), 400, "{bad:?}");
    }
    assert_eq!(status(&server, QUERY, "host: localhost\r\n"), 200);
    assert_eq!(status(&server, "http://localhost/healthz", "host: localhost\r\n"), 200);
    assert_eq!(status(&server, "http://evil.example/", "host: localhost\r\n"), 400);
    // Probes of old speak HTTP/1.0 without a name.
    let text = raw(&server.address, "GET /healthz HTTP/1.0\r\n\r\n");
    assert!(text.contains(" 200 OK"), "{text}");
    let text = raw(&server.address, "GET /schema.graphql HTTP/1.0\r\n\r\n");
    assert!(text.contains(" 400 "), "{text}");
}

#[test]
fn a_server_of_this_machine_answers_its_people_only() {
    let server = Server::start(StoreKind::Sqlite);
    for good in ["localhost", "127.0.0.1", "[::1]", "localhost:1234", &server.address] {
        assert_eq!(status(&server, QUERY, &format!("host: {good}\r\n")), 200, "{good}");
    }
    // A page whose name was made to point here.
    assert_eq!(status(&server, QUERY, "host: rebound.example\r\n"), 421);
}

#[test]
fn every_answer_protects() {
    let server = Server::start(StoreKind::Sqlite);
    let client = server.client();
    client.load("items", ITEMS);
    let answers = [
        client.graphql("{ items { id } }", &json!({})),
        client.graphql("{ nothing }", &json!({})),
        server.anonymous().graphql("{ items { id } }", &json!({})),
        client.get("/healthz"),
        client.get("/nothing"),
        client.get("/schema.graphql"),
        client.get("/rejects/items.csv"),
        client.request("DELETE", "/graphql", &[], ""),
        client.upload("more", "id\n1\n"),
        client.request("POST", "/graphql", &[("content-type", "text/plain")], "x"),
        client.request("GET", "/", &[], ""),
    ];
    for answer in &answers {
        let shown = (answer.status, &answer.headers);
        let header = |name: &str| answer.header(name);
        assert_eq!(header("x-content-type-options"), "nosniff", "{shown:?}");
        assert_eq!(header("x-frame-options"), "DENY", "{shown:?}");
        assert_eq!(header("referrer-policy"), "no-referrer", "{shown:?}");
        assert_eq!(header("cross-origin-opener-policy"), "same-origin", "{shown:?}");
        assert_eq!(header("cross-origin-resource-policy"), "same-origin", "{shown:?}");
        assert!(header("permissions-policy").contains("camera=()"), "{shown:?}");
        let policy = header("content-security-policy");
        assert!(policy.contains("frame-ancestors 'none'"), "{shown:?}");
        for directive in policy.split(';').map(str::trim) {
            let is_scripts =
                directive.starts_with("script-src") || directive.starts_with("default-src");
            assert!(!(is_scripts && directive.contains("unsafe")), "{policy}");
        }
        assert!(!header("x-request-id").is_empty());
        assert!(!header("cache-control").is_empty());
        // Nobody says that this is reached by TLS.
        assert_eq!(header("strict-transport-security"), "", "{shown:?}");
        assert_eq!(header("server"), "");
    }
    assert_eq!(
        answers[0].header("content-security-policy").split(';').next(),
        Some("default-src 'none'")
    );
    let page = answers.last().unwrap();
    assert!(page.header("content-security-policy").contains("script-src 'self'"));
}

#[test]
fn browsers_are_told_to_stay_with_tls_where_a_proxy_speaks_it() {
    let server = Server::start_set(StoreKind::Sqlite, "SLUICE_TRUSTED_PROXIES", "127.0.0.1");
    let header = |name: &str, value: &str| {
        let answer = server.client().request("GET", "/healthz", &[(name, value)], "");
        answer.header("strict-transport-security").to_owned()
    };
    assert!(header("x-forwarded-proto", "https").starts_with("max-age=31536000"));
    assert!(header("forwarded", "for=1.2.3.4;proto=https").starts_with("max-age=31536000"));
    assert_eq!(header("x-forwarded-proto", "http"), "");
    assert_eq!(header("x-forwarded-proto", "https, http"), "");
    let server = Server::start(StoreKind::Sqlite);
    let answer = server.client().request("GET", "/healthz", &[("x-forwarded-proto", "https")], "");
    assert_eq!(answer.header("strict-transport-security"), "", "no proxy is trusted");
}

#[test]
fn pages_of_listed_origins_read_answers_and_their_limits() {
    let (options, _) = Options::of(StoreKind::Sqlite);
    let options = options
        .variable("CORS_ALLOWED_ORIGINS", "https://app.example,http://localhost:5173")
        .variable("SLUICE_RATE_LIMIT", "on");
    let server = Server::start_with(options, None);
    let body = r#"{"query":"{ __typename }"}"#;
    let ask = |origin: &str| {
        let headers = [("content-type", "application/json"), ("origin", origin)];
        server.client().request("POST", "/graphql", &headers, body)
    };
    for listed in ["https://app.example", "http://localhost:5173"] {
        let answer = ask(listed);
        assert_eq!(answer.header("access-control-allow-origin"), listed);
        assert_eq!(answer.header("access-control-allow-credentials"), "");
        let exposed = answer.header("access-control-expose-headers").to_ascii_lowercase();
        for name in ["x-request-id", "retry-after", "etag", "ratelimit-remaining"] {
            assert!(exposed.contains(name), "{exposed}");
        }
        let varies: Vec<_> = answer.headers.get_all("vary").iter().collect();
        let varies = format!("{varies:?}").to_ascii_lowercase();
        assert!(varies.contains("origin"), "{varies}");
    }
    for other in [
        "https://evil.example",
        "https://app.example.evil.example",
        "http://app.example",
        "https://app.example:444",
        "null",
    ] {
        assert_eq!(ask(other).header("access-control-allow-origin"), "", "{other}");
    }
    // Errors are read as well, those of limits included.
    let headers = [("content-type", "application/json"), ("origin", "https://app.example")];
    for _ in 0..11 {
        let answer = server.anonymous().request("POST", "/graphql", &headers, body);
        assert!([401, 429].contains(&answer.status));
        assert_eq!(answer.header("access-control-allow-origin"), "https://app.example");
    }
}

#[test]
fn headers_have_their_limit() {
    let server = Server::start(StoreKind::Sqlite);
    // Names and values count: those of `host` and `connection` are 28 bytes.
    let ask = |n_bytes: usize| {
        let long = "x".repeat(n_bytes - 28 - "x-long".len());
        let request = format!(
            "GET /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\nx-long: {long}\r\n\r\n"
        );
        raw(&server.address, request)
    };
    let (fits, too_much) = (ask(16 << 10), ask((16 << 10) + 1));
    assert!(fits.starts_with("HTTP/1.1 200"), "{fits:.300}");
    assert!(too_much.starts_with("HTTP/1.1 431"), "{too_much:.300}");
    assert!(too_much.contains("\"requestId\""), "{too_much}");
    let many: String = (0..101).map(|n| format!("x-{n}: y\r\n")).collect();
    let request = format!("GET /healthz HTTP/1.1\r\nhost: localhost\r\n{many}\r\n");
    assert!(raw(&server.address, request).starts_with("HTTP/1.1 431"));
    assert_eq!(server.client().get("/healthz").status, 200);
}
