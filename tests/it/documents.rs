//! Documents by name: automatic persisted queries, and lists of trusted documents.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::harness::fixtures::ITEMS;
use crate::harness::server::Options;
use crate::harness::{Answer, Client, Server, StoreKind, both_stores};

const NAMES: &str = "query Names($n: Int = 1) { items(limit: $n) { name } }";
const COUNT: &str = "{ itemsAggregate { aggregate { count } } }";

fn hash(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A request in Apollo's protocol.
fn named(query: Option<&str>, hash: &str, variables: &Value) -> String {
    let mut body = json!({
        "variables": variables,
        "extensions": { "persistedQuery": { "version": 1, "sha256Hash": hash } },
    });
    if let Some(query) = query {
        body["query"] = json!(query);
    }
    body.to_string()
}

fn post(client: &Client, body: &str) -> Answer {
    client.post_json("/graphql", body)
}

#[test]
fn a_document_is_sent_once_and_named_afterwards() {
    both_stores(|server| {
        let client = server.client();
        client.load("items", ITEMS);
        let sha = hash(NAMES);
        let unknown = post(&client, &named(None, &sha, &json!({})));
        assert_eq!(unknown.status, 200);
        assert_eq!(
            unknown.error(),
            ("PERSISTED_QUERY_NOT_FOUND".to_owned(), "PersistedQueryNotFound".to_owned())
        );
        assert_eq!(unknown.header("cache-control"), "no-store");
        let sent = post(&client, &named(Some(NAMES), &sha, &json!({ "n": 2 })));
        let expect = json!({ "items": [{ "name": "Anvil" }, { "name": "Bolt" }] });
        assert_eq!(sent.data(), expect);
        assert_eq!(post(&client, &named(None, &sha, &json!({ "n": 2 }))).data(), expect);
        assert_eq!(
            post(&client, &named(None, &sha.to_uppercase(), &json!({ "n": 2 }))).data(),
            expect
        );
        // By GET, as a cache in front would see it.
        let extensions = format!(
            "%7B%22persistedQuery%22:%7B%22version%22:1,%22sha256Hash%22:%22{sha}%22%7D%7D"
        );
        let path = format!("/graphql?extensions={extensions}&variables=%7B%22n%22:1%7D");
        let got = client.get(&path);
        assert_eq!(got.data(), json!({ "items": [{ "name": "Anvil" }] }));
        let headers = [("if-none-match", got.header("etag"))];
        assert_eq!(client.request("GET", &path, &headers, "").status, 304);
        // A new version of the data is answered, too.
        client.load("items", ITEMS.replace("Anvil", "Anchor"));
        assert_eq!(client.get(&path).data(), json!({ "items": [{ "name": "Anchor" }] }));
    });
}

#[test]
fn only_what_is_valid_and_what_it_says_is_remembered() {
    let server = Server::start(StoreKind::Sqlite);
    let client = server.client();
    client.load("items", ITEMS);
    let not_found = |text: &str| {
        let code = post(&client, &named(None, &hash(text), &json!({}))).code();
        assert_eq!(code, "PERSISTED_QUERY_NOT_FOUND", "{text}");
    };
    let (code, message) = post(&client, &named(Some(NAMES), &hash(COUNT), &json!({}))).error();
    assert_eq!(code, "BAD_USER_INPUT");
    assert!(message.starts_with("provided sha does not match query"), "{message}");
    not_found(NAMES);
    not_found(COUNT);
    for invalid in ["{ items { nope } }", "{ items "] {
        let answer = post(&client, &named(Some(invalid), &hash(invalid), &json!({})));
        assert_eq!(answer.code(), "BAD_USER_INPUT");
        not_found(invalid);
    }
    for wrong in [
        r#"{"extensions":{"persistedQuery":{"version":2,"sha256Hash":"00"}}}"#,
        r#"{"extensions":{"persistedQuery":{"version":1,"sha256Hash":"00"}}}"#,
        r#"{"extensions":{"persistedQuery":{}}}"#,
    ] {
        assert_eq!(post(&client, wrong).status, 400, "{wrong}");
    }
    // A mutation by name needs POST as well.
    let mutation = "mutation { dropIndex(dataset: \"items\", name: \"x\") { name } }";
    let sha = hash(mutation);
    assert_eq!(post(&client, &named(Some(mutation), &sha, &json!({}))).code(), "NOT_FOUND");
    let extensions =
        format!("%7B%22persistedQuery%22:%7B%22version%22:1,%22sha256Hash%22:%22{sha}%22%7D%7D");
    assert_eq!(client.get(&format!("/graphql?extensions={extensions}")).status, 405);
}

#[test]
fn the_memory_of_documents_is_bounded_and_can_be_off() {
    let server = Server::start_set(StoreKind::Sqlite, "SLUICE_PERSISTED_DOCUMENTS_SIZE", "64KiB");
    let client = server.client();
    let document = |n: usize| format!("{{ a{n}: __typename }} # {}", "x".repeat(1_000));
    for n in 0..300 {
        let text = document(n);
        post(&client, &named(Some(&text), &hash(&text), &json!({}))).data();
    }
    let n_known = (0..300)
        .filter(|n| {
            post(&client, &named(None, &hash(&document(*n)), &json!({})))
                .json()
                .get("errors")
                .is_none()
        })
        .count();
    assert!(n_known > 0 && n_known <= 64, "{n_known} of 300");
    let server = Server::start_set(StoreKind::Sqlite, "SLUICE_PERSISTED_DOCUMENTS_SIZE", "0");
    let client = server.client();
    let text = "{ __typename }";
    let sent = post(&client, &named(Some(text), &hash(text), &json!({})));
    assert_eq!(sent.data(), json!({ "__typename": "Query" }));
    assert_eq!(
        post(&client, &named(None, &hash(text), &json!({}))).error(),
        ("PERSISTED_QUERY_NOT_SUPPORTED".to_owned(), "PersistedQueryNotSupported".to_owned())
    );
}

#[test]
fn trusted_documents_are_pushed_and_named() {
    both_stores(|server| {
        let admin = server.client();
        admin.load("items", ITEMS);
        let reader = server.client_of("read");
        let manifest = json!({ "names": NAMES, hash(COUNT): COUNT }).to_string();
        let pushed = admin.request("PUT", "/documents", &[], &manifest);
        assert_eq!(pushed.status, 200, "{}", pushed.text);
        let size = (NAMES.len() + COUNT.len()).to_string();
        assert_eq!(pushed.json(), json!({ "mode": "ANY", "count": 2, "sizeBytes": size }));
        let expect = json!({ "items": [{ "name": "Anvil" }] });
        let by_id =
            |client: &Client, id: &str| post(client, &json!({ "documentId": id }).to_string());
        assert_eq!(by_id(&reader, "names").data(), expect);
        assert_eq!(by_id(&reader, &format!("sha256:{}", hash(NAMES))).data(), expect);
        assert_eq!(by_id(&reader, &hash(NAMES)).data(), expect);
        assert_eq!(reader.get("/graphql?documentId=names").data(), expect);
        assert_eq!(post(&reader, &named(None, &hash(NAMES), &json!({}))).data(), expect);
        assert_eq!(by_id(&reader, "other").code(), "NOT_FOUND");
        let both = json!({ "documentId": "names", "query": NAMES }).to_string();
        assert_eq!(post(&reader, &both).status, 400);
        assert_eq!(reader.request("PUT", "/documents", &[], &manifest).code(), "FORBIDDEN");
        // Everything else is still served, until only these are.
        assert_eq!(reader.data("{ __typename }"), json!({ "__typename": "Query" }));
        let trusted = admin.data("mutation { setDocumentMode(mode: TRUSTED) { mode count } }");
        assert_eq!(trusted, json!({ "setDocumentMode": { "mode": "TRUSTED", "count": 2 } }));
        let refused = |answer: Answer| {
            let (code, message) = answer.error();
            assert_eq!(code, "DOCUMENT_NOT_TRUSTED", "{message}");
            assert!(message.contains("PUT /documents"), "{message}");
        };
        refused(reader.graphql("{ __typename }", &json!({})));
        refused(reader.graphql("{ __schema { types { name } } }", &json!({})));
        refused(reader.graphql(&format!("{NAMES} "), &json!({})));
        let typename = "{ __typename }";
        refused(post(&reader, &named(Some(typename), &hash(typename), &json!({}))));
        let code = post(&reader, &named(None, &hash(typename), &json!({}))).code();
        assert_eq!(code, "PERSISTED_QUERY_NOT_FOUND", "what was refused is not remembered");
        assert_eq!(reader.data(NAMES), expect);
        assert_eq!(by_id(&reader, "names").data(), expect);
        assert_eq!(admin.data(typename), json!({ "__typename": "Query" }));
        // An admin's document is none of the others'.
        post(&admin, &named(Some(typename), &hash(typename), &json!({}))).data();
        refused(post(&reader, &named(None, &hash(typename), &json!({}))));
        // Added to, and replaced, at once.
        let more = json!({
            "format": "apollo-persisted-query-manifest",
            "version": 1,
            "operations": [{ "id": hash(typename), "name": "T", "type": "query", "body": typename }],
        });
        let added = admin.request("POST", "/documents", &[], more.to_string()).json();
        assert_eq!((&added["mode"], &added["count"]), (&json!("TRUSTED"), &json!(3)));
        assert_eq!(reader.data(typename), json!({ "__typename": "Query" }));
        let one = "mutation($d: [TrustedDocumentInput!]!) { setTrustedDocuments(documents: $d) { count documents { id sha256 text } } }";
        let list = json!({ "d": [{ "text": COUNT }] });
        let sha = hash(COUNT);
        assert_eq!(
            admin.data_with(one, &list)["setTrustedDocuments"],
            json!({ "count": 1, "documents": [{ "id": sha, "sha256": sha, "text": COUNT }] })
        );
        refused(reader.graphql(NAMES, &json!({})));
        assert_eq!(by_id(&reader, "names").code(), "NOT_FOUND");
        let pushed = admin.request("PUT", "/documents?mode=any", &[], "{}");
        assert_eq!(pushed.json(), json!({ "mode": "ANY", "count": 0, "sizeBytes": "0" }));
        assert_eq!(reader.data(NAMES), expect);
        assert_eq!(
            admin.data("{ trustedDocuments { count documents { id } } }")["trustedDocuments"]["count"],
            0
        );
        let code = reader.graphql("{ trustedDocuments { count } }", &json!({})).code();
        assert_eq!(code, "FORBIDDEN");
    });
}

#[test]
fn the_list_outlives_the_server_and_a_setting_enforces_it() {
    let mut server = Server::start(StoreKind::Sqlite);
    server.client().load("items", ITEMS);
    let manifest = json!({ "names": NAMES }).to_string();
    assert_eq!(server.client().request("PUT", "/documents", &[], &manifest).status, 200);
    server.kill();
    let options = Options { data_dir: Some(server.data_dir().to_owned()), ..Options::default() };
    let next = Server::start_with(options.variable("SLUICE_DOCUMENTS", "trusted"), None);
    let reader = next.client_of("read");
    let body = json!({ "documentId": "names" }).to_string();
    assert_eq!(post(&reader, &body).data(), json!({ "items": [{ "name": "Anvil" }] }));
    assert_eq!(reader.graphql(COUNT, &json!({})).code(), "DOCUMENT_NOT_TRUSTED");
}

#[test]
fn a_manifest_that_does_not_fit_changes_nothing() {
    let server = Server::start_set(StoreKind::Sqlite, "SLUICE_MAX_DOCUMENTS_SIZE", "1KiB");
    let client = server.client();
    let push = |method: &str, body: &str| client.request(method, "/documents", &[], body);
    let text = |n: usize| format!("{{ __typename }}{}", " ".repeat(n - 14));
    assert_eq!(push("PUT", &json!({ "a": text(500) }).to_string()).status, 200);
    let check = |method: &str, body: &str, status: u16, part: &str| {
        let answer = push(method, body);
        assert_eq!(answer.status, status, "{body}: {}", answer.text);
        assert!(answer.error().1.contains(part), "{}", answer.text);
    };
    check("PUT", "", 400, "not JSON");
    check("PUT", "[]", 400, "must be a map");
    check("PUT", r#"{"a":"{ b "}"#, 400, "Document \"a\": The document is not valid GraphQL");
    check("PUT", &json!({ "a": "{".repeat(65) }).to_string(), 400, "Document \"a\": Brackets");
    check("PUT", &json!({ "a": text(1_025) }).to_string(), 413, "max_documents_size");
    check("POST", &json!({ "b": text(525) }).to_string(), 413, "max_documents_size");
    check("PUT", &"x".repeat(3_000), 413, "max_documents_size");
    assert_eq!(push("POST", &json!({ "b": text(524) }).to_string()).json()["count"], 2);
    assert_eq!(client.request("PUT", "/documents?mode=some", &[], "{}").status, 400);
    assert_eq!(server.anonymous().request("PUT", "/documents", &[], "{}").status, 401);
}
