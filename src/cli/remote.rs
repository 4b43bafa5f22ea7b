//! Talks to a running server: addresses, keys, and what its refusals mean for the exit code.

use std::time::Duration;

use serde_json::Value;
use ureq::Agent;
use ureq::http::{Response, StatusCode};

use super::outcome::{Exit, Failure};
use crate::error::Code;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const MAX_ANSWER_BYTES: u64 = 64 << 20;

/// A server, and the key to show it.
pub(super) struct Remote {
    agent: Agent,
    base: String,
    key: Option<String>,
}

impl Remote {
    /// The server at an address like `http://127.0.0.1:8080`.
    pub(super) fn new(url: &str, key: Option<&str>) -> Result<Remote, Failure> {
        if !(url.starts_with("http://") || url.starts_with("https://")) {
            return Err(Failure::usage(format!(
                "--to {url}: expected an address like http://127.0.0.1:8080"
            )));
        }
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_connect(Some(CONNECT_TIMEOUT))
            .user_agent(concat!("sluice/", env!("CARGO_PKG_VERSION")))
            .build();
        let base = url.trim_end_matches('/').to_owned();
        Ok(Remote { agent: config.into(), base, key: key.map(str::to_owned) })
    }

    /// Asks for a text.
    pub(super) fn get_text(&self, path: &str) -> Result<String, Failure> {
        let request = self.agent.get(format!("{}{path}", self.base));
        let mut answer = self.with_key(request).call().map_err(|e| self.unreachable(&e))?;
        let text = read_text(&mut answer)?;
        if answer.status().is_success() { Ok(text) } else { Err(refused(answer.status(), &text)) }
    }

    /// Asks for bytes that may be many: gives them as they come.
    pub(super) fn open(&self, path: &str) -> Result<impl std::io::Read + use<>, Failure> {
        let request = self.agent.get(format!("{}{path}", self.base));
        let mut answer = self.with_key(request).call().map_err(|e| self.unreachable(&e))?;
        if !answer.status().is_success() {
            let text = read_text(&mut answer)?;
            return Err(refused(answer.status(), &text));
        }
        Ok(answer.into_body().into_reader())
    }

    /// Sends a stream of known length; gives the status and the answer as JSON.
    pub(super) fn put(
        &self,
        path: &str,
        body: impl std::io::Read + 'static,
        n_bytes: u64,
    ) -> Result<(StatusCode, Value), Failure> {
        let request = self
            .agent
            .put(format!("{}{path}", self.base))
            .header("content-type", "application/octet-stream")
            .header("content-length", n_bytes.to_string())
            // A refusal then comes before the file is sent.
            .header("expect", "100-continue");
        let sent = self.with_key(request).send(ureq::SendBody::from_owned_reader(body));
        let mut answer = sent.map_err(|e| self.unreachable(&e))?;
        let text = read_text(&mut answer)?;
        let json: Value = serde_json::from_str(&text).unwrap_or(Value::Null);
        Ok((answer.status(), json))
    }

    /// Asks a GraphQL question; gives the status and the answer as JSON.
    pub(super) fn ask(
        &self,
        query: &str,
        variables: &Value,
    ) -> Result<(StatusCode, Value), Failure> {
        let request = self.agent.post(format!("{}/graphql", self.base));
        let body = serde_json::json!({ "query": query, "variables": variables });
        let sent = self.with_key(request).send_json(body);
        let mut answer = sent.map_err(|e| self.unreachable(&e))?;
        let text = read_text(&mut answer)?;
        Ok((answer.status(), serde_json::from_str(&text).unwrap_or(Value::Null)))
    }

    fn with_key<B>(&self, request: ureq::RequestBuilder<B>) -> ureq::RequestBuilder<B> {
        match &self.key {
            Some(key) => request.header("authorization", format!("Bearer {key}")),
            None => request,
        }
    }

    fn unreachable(&self, error: &ureq::Error) -> Failure {
        let base = &self.base;
        Failure::new(Exit::Connection, format!("{base} does not answer: {error}"))
    }
}

fn read_text(answer: &mut Response<ureq::Body>) -> Result<String, Failure> {
    answer
        .body_mut()
        .with_config()
        .limit(MAX_ANSWER_BYTES)
        .read_to_string()
        .map_err(|e| Failure::new(Exit::Connection, format!("the answer was cut off: {e}")))
}

/// What a refusal means: its sentence, and the exit code of its code.
pub(super) fn refused(status: StatusCode, text: &str) -> Failure {
    let json: Value = serde_json::from_str(text).unwrap_or(Value::Null);
    refused_json(status, &json)
}

/// The same for an answer that was read already.
pub(super) fn refused_json(status: StatusCode, json: &Value) -> Failure {
    let error = json.pointer("/errors/0");
    // Or a problem, as REST tells it.
    let error = error.or_else(|| json.get("detail").map(|_| json));
    let message = error
        .and_then(|error| error.get("message").or(error.get("detail")))
        .and_then(Value::as_str);
    let code = error.and_then(|error| error.pointer("/extensions/code").or(error.get("code")));
    let code = code.and_then(Value::as_str);
    let exit = match code.and_then(Code::from_wire) {
        Some(code) => Exit::of(code),
        None => Exit::Refused,
    };
    let message = message.map_or_else(|| format!("the server answered {status}"), str::to_owned);
    let hint = match status {
        StatusCode::UNAUTHORIZED => {
            "\n  give a key by --key or SLUICE_KEY; `sluice keys create` makes one"
        }
        _ => "",
    };
    Failure::new(exit, format!("{message}{hint}"))
}
