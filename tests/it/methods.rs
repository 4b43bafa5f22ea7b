//! Every route says what it takes, whoever asks; what is no route is not found.

use crate::harness::fixtures::ITEMS;
use crate::harness::{Server, StoreKind};

/// A path of each route, and what it takes.
const ROUTES: [(&str, &str); 29] = [
    ("/graphql", "POST, GET, HEAD, OPTIONS"),
    ("/export/items.csv", "GET, HEAD, OPTIONS"),
    ("/export/jobs/none", "GET, HEAD, OPTIONS"),
    ("/q", "GET, HEAD, OPTIONS"),
    ("/q/names", "GET, HEAD, OPTIONS"),
    ("/q/names/snippets", "GET, HEAD, OPTIONS"),
    ("/q/names/snippets/curl", "GET, HEAD, OPTIONS"),
    ("/snippets/items", "GET, HEAD, OPTIONS"),
    ("/snippets/items/curl", "GET, HEAD, OPTIONS"),
    ("/openapi.json", "GET, HEAD, OPTIONS"),
    ("/openapi.yaml", "GET, HEAD, OPTIONS"),
    ("/api/v1", "GET, HEAD, OPTIONS"),
    ("/api/v1/items", "GET, HEAD, POST, OPTIONS"),
    ("/api/v1/items/1", "GET, HEAD, PATCH, PUT, DELETE, OPTIONS"),
    ("/api/v1/items/aggregate", "GET, HEAD, OPTIONS"),
    ("/api/v1/items/schema", "GET, HEAD, OPTIONS"),
    ("/api/v1/datasets", "GET, HEAD, POST, OPTIONS"),
    ("/api/v1/me", "GET, HEAD, OPTIONS"),
    ("/upload", "PUT, POST, OPTIONS"),
    ("/upload/items", "PUT, POST, OPTIONS"),
    ("/inspect", "POST, PUT, OPTIONS"),
    ("/rejects/items.csv", "GET, HEAD, OPTIONS"),
    ("/schema.graphql", "GET, HEAD, OPTIONS"),
    ("/documents", "PUT, POST, OPTIONS"),
    ("/sign-in", "POST, OPTIONS"),
    ("/healthz", "GET, HEAD, OPTIONS"),
    ("/readyz", "GET, HEAD, OPTIONS"),
    ("/metrics", "GET, HEAD, OPTIONS"),
    ("/version", "GET, HEAD, OPTIONS"),
];

fn sorted(methods: &str) -> Vec<&str> {
    let mut methods: Vec<&str> = methods.split(", ").collect();
    methods.sort_unstable();
    methods
}

#[test]
fn every_route_tells_what_it_takes() {
    let server = Server::start(StoreKind::Sqlite);
    let client = server.client();
    client.load("items", ITEMS);
    client
        .data("mutation { saveQuery(name: \"names\", document: \"{ items { name } }\") { name } }");
    // The playground, where it was built.
    let page = (client.get("/").status == 200).then_some(("/", "GET, HEAD, OPTIONS"));
    for (path, methods) in ROUTES.into_iter().chain(page) {
        let options = client.request("OPTIONS", path, &[], "");
        assert_eq!((options.status, options.text.as_str()), (204, ""), "{path}");
        assert_eq!(sorted(options.header("allow")), sorted(methods), "{path}");
        let other = client.request("TRACE", path, &[], "");
        assert_eq!(other.status, 405, "{path}");
        assert_eq!(sorted(other.header("allow")), sorted(methods), "{path}");
        let head = client.request("HEAD", path, &[], "");
        assert_eq!(head.text, "", "{path}");
        let get = client.get(path);
        if methods.contains("HEAD") {
            assert_eq!((head.status, get.status), (get.status, head.status), "{path}");
            assert_eq!(head.header("content-type"), get.header("content-type"), "{path}");
            let (short, long) = (head.header("etag"), get.header("etag"));
            assert_eq!(short, long, "{path}");
        } else {
            assert_eq!((head.status, get.status), (405, 405), "{path}");
        }
    }
}

#[test]
fn what_is_not_there_is_told_as_a_problem() {
    let server = Server::start(StoreKind::Sqlite);
    let client = server.client();
    for path in [
        "/api",
        "/api/v2/items",
        "/api/v1/a/b/c",
        "/export",
        "/export/a/b.csv",
        "/q/orders/b",
        "/nope",
        "/exports",
        "/quiz",
    ] {
        let answer = client.get(path);
        let told = (answer.status, answer.code(), answer.header("content-type"));
        assert_eq!(told, (404, "NOT_FOUND".to_owned(), "application/problem+json"), "{path}");
        assert_eq!(client.request("OPTIONS", path, &[], "").status, 404, "{path}");
    }
    let nobody = server.client().with_key("slu_none");
    for path in ["/export/items.csv", "/export/items.pdf"] {
        let refused = nobody.get(path);
        assert_eq!((refused.status, refused.code().as_str()), (401, "UNAUTHENTICATED"));
        assert_eq!(refused.header("content-type"), "application/problem+json");
    }
}
