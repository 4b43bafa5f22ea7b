//! Speaks HTTP to a server, with the words of the stories.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use ureq::Agent;
use ureq::http::{HeaderMap, Request};

const LIMIT: Duration = Duration::from_secs(120);

/// One principal's view of a server.
#[derive(Clone)]
pub(crate) struct Client {
    agent: Agent,
    base: String,
    key: Option<String>,
}

/// A whole answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Client {
    pub(crate) fn new(address: &str, key: Option<&str>) -> Client {
        let config =
            Agent::config_builder().http_status_as_error(false).timeout_global(Some(LIMIT)).build();
        let (base, key) = (format!("http://{address}"), key.map(str::to_owned));
        Client { agent: config.into(), base, key }
    }

    /// The key that it sends.
    pub(crate) fn key(&self) -> Option<&str> {
        self.key.as_deref()
    }

    /// The same server with another key.
    pub(crate) fn with_key(&self, key: &str) -> Client {
        Client { key: Some(key.to_owned()), ..self.clone() }
    }

    /// The same server by TLS, whose only trusted certificate is this.
    pub(crate) fn over_tls(&self, address: &str, certificate: &[u8]) -> Client {
        let certificate = ureq::tls::Certificate::from_der(certificate).to_owned();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let tls = ureq::tls::TlsConfig::builder()
            .root_certs(ureq::tls::RootCerts::new_with_certs(&[certificate]))
            .unversioned_rustls_crypto_provider(provider)
            .build();
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(LIMIT))
            .tls_config(tls)
            .build();
        Client { agent: config.into(), base: format!("https://{address}"), ..self.clone() }
    }

    /// Any request; the key is added.
    pub(crate) fn request(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl AsRef<[u8]>,
    ) -> Answer {
        self.try_request(method, path, headers, body).expect("an answer")
    }

    /// The same where the server may be gone.
    pub(crate) fn try_request(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl AsRef<[u8]>,
    ) -> Result<Answer, ureq::Error> {
        let mut request = Request::builder().method(method).uri(format!("{}{path}", self.base));
        if let Some(key) = &self.key {
            request = request.header("authorization", format!("Bearer {key}"));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = body.as_ref();
        let answer = if body.is_empty() && matches!(method, "GET" | "HEAD" | "OPTIONS" | "DELETE") {
            self.agent.run(request.body(()).expect("a request"))
        } else {
            self.agent.run(request.body(body).expect("a request"))
        };
        let mut answer = answer?;
        let text = answer.body_mut().with_config().limit(1 << 30).read_to_string()?;
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        Ok(Answer { status, headers, text })
    }

    /// The bytes of an answer that is no text.
    #[track_caller]
    pub(crate) fn bytes(&self, path: &str) -> Vec<u8> {
        let key = format!("Bearer {}", self.key.as_deref().unwrap_or_default());
        let asked = self.agent.get(format!("{}{path}", self.base)).header("authorization", key);
        let mut answer = asked.call().expect("an answer");
        assert_eq!(answer.status(), 200);
        answer.body_mut().with_config().limit(1 << 30).read_to_vec().expect("its body")
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.request("GET", path, &[], "")
    }

    /// A GraphQL request, whatever comes back.
    pub(crate) fn graphql(&self, query: &str, variables: &Value) -> Answer {
        let body = json!({ "query": query, "variables": variables }).to_string();
        self.post_json("/graphql", &body)
    }

    pub(crate) fn post_json(&self, path: &str, body: &str) -> Answer {
        self.request("POST", path, &[("content-type", "application/json")], body)
    }

    /// The data of a query that must succeed.
    #[track_caller]
    pub(crate) fn data(&self, query: &str) -> Value {
        self.graphql(query, &json!({})).data()
    }

    /// The same with variables.
    #[track_caller]
    pub(crate) fn data_with(&self, query: &str, variables: &Value) -> Value {
        self.graphql(query, variables).data()
    }

    /// The code and the message of a query that must fail.
    #[track_caller]
    pub(crate) fn error(&self, query: &str) -> (String, String) {
        self.graphql(query, &json!({})).error()
    }

    /// Sends a file as a raw body and waits for its load.
    pub(crate) fn upload(&self, name: &str, bytes: impl AsRef<[u8]>) -> Answer {
        self.upload_with(name, "wait=60", bytes)
    }

    /// The same with any query string.
    pub(crate) fn upload_with(&self, name: &str, query: &str, bytes: impl AsRef<[u8]>) -> Answer {
        self.request("PUT", &format!("/upload/{name}?{query}"), &[], bytes)
    }

    /// Sends a file that must load.
    #[track_caller]
    pub(crate) fn load(&self, name: &str, bytes: impl AsRef<[u8]>) -> Value {
        let answer = self.upload(name, bytes);
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.json()
    }

    /// The upload mutation by the multipart request specification.
    pub(crate) fn upload_mutation(
        &self,
        mutation: &str,
        variables: &Value,
        file: (&str, &[u8]),
    ) -> Answer {
        let operations = json!({ "query": mutation, "variables": variables }).to_string();
        let map = json!({ "0": ["variables.file"] }).to_string();
        let parts: [Part<'_>; 3] = [
            ("operations", None, operations.as_bytes()),
            ("map", None, map.as_bytes()),
            ("0", Some(file.0), file.1),
        ];
        self.multipart(&parts, &[])
    }

    /// A multipart request of any parts: name, file name, bytes.
    pub(crate) fn multipart(&self, parts: &[Part<'_>], headers: &[(&str, &str)]) -> Answer {
        let (content_type, body) = multipart_body(parts);
        let mut all = vec![("content-type", content_type.as_str())];
        all.extend(headers);
        self.request("POST", "/graphql", &all, body)
    }
}

/// Name, file name, bytes.
pub(crate) type Part<'a> = (&'a str, Option<&'a str>, &'a [u8]);

/// The content type and the bytes of a multipart body.
pub(crate) fn multipart_body(parts: &[Part<'_>]) -> (String, Vec<u8>) {
    let boundary = "sluice-test-boundary";
    let mut body = Vec::new();
    for (name, file_name, bytes) in parts {
        body.extend(
            format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"").bytes(),
        );
        if let Some(file_name) = file_name {
            body.extend(format!("; filename=\"{file_name}\"\r\nContent-Type: text/csv").bytes());
        }
        body.extend(b"\r\n\r\n");
        body.extend(*bytes);
        body.extend(b"\r\n");
    }
    body.extend(format!("--{boundary}--\r\n").bytes());
    (format!("multipart/form-data; boundary={boundary}"), body)
}

impl Answer {
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|e| panic!("{e}: {}", self.text))
    }

    #[track_caller]
    pub(crate) fn data(&self) -> Value {
        let json = self.json();
        assert!(json.get("errors").is_none(), "{}", self.text);
        json["data"].clone()
    }

    /// The code and the message of the first error, or of a problem (RFC 9457).
    #[track_caller]
    pub(crate) fn error(&self) -> (String, String) {
        let json = self.json();
        let text = |value: &Value| value.as_str().unwrap_or_else(|| panic!("{json}")).to_owned();
        if self.header("content-type") == "application/problem+json" {
            return (text(&json["code"]), text(&json["detail"]));
        }
        let error = &json["errors"][0];
        (text(&error["extensions"]["code"]), text(&error["message"]))
    }

    /// The code of the first error.
    #[track_caller]
    pub(crate) fn code(&self) -> String {
        self.error().0
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

/// Sends bytes as they are and reads until the server closes or says nothing for two seconds.
pub(crate) fn raw(address: &str, bytes: impl AsRef<[u8]>) -> String {
    let mut stream = TcpStream::connect(address).expect("a connection");
    stream.set_read_timeout(Some(Duration::from_secs(2))).expect("a timeout");
    // The server may answer and close before it has read everything.
    let _ = stream.write_all(bytes.as_ref());
    let mut answer = Vec::new();
    let mut buffer = [0; 4096];
    while let Ok(n) = stream.read(&mut buffer) {
        if n == 0 {
            break;
        }
        answer.extend_from_slice(&buffer[..n]);
    }
    String::from_utf8_lossy(&answer).into_owned()
}
