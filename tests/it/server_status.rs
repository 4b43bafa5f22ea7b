//! What `server` and `me` tell, and to whom.

use serde_json::{Value, json};

use crate::access::{key, load, workspace};
use crate::harness::server::Options;
use crate::harness::{Client, Server, StoreKind, both_stores};

const STATUS: &str = "{ server { version startedAt status { store storeVersion storeBytes cacheHits
    cacheMisses cacheEntries cacheBytes maxCacheBytes knownDocuments slowAfterMs
    slowRequests { at milliseconds actor requestId operationName fields document sha256 } } } }";

fn status(client: &Client) -> Value {
    client.data(STATUS)["server"]["status"].clone()
}

fn number(of: &Value) -> i64 {
    of.as_str().unwrap().parse().unwrap()
}

#[test]
fn everybody_is_told_what_requests_may_ask_for() {
    let (options, database) = Options::of(StoreKind::Sqlite);
    let options = options
        .variable("SLUICE_RATE_LIMIT", "on")
        .variable("SLUICE_RATE_WRITES", "40/s burst 60")
        .variable("SLUICE_MAX_LIMIT", "700");
    let server = Server::start_with(options, database);
    let admin = server.client();
    load(&admin);
    let reader = key(&admin, "scope: READ");
    let told = reader.data(
        "{ server { version limits { maxLimit defaultLimit maxUploadBytes statementTimeoutMs maxCost
           rates { name rate burst refillMs } } } }",
    );
    let limits = &told["server"]["limits"];
    assert_eq!(told["server"]["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!((&limits["maxLimit"], &limits["defaultLimit"]), (&json!(700), &json!(50)));
    assert_eq!(limits["statementTimeoutMs"], "10000");
    let rates = limits["rates"].as_array().unwrap();
    let writes = rates.iter().find(|rate| rate["name"] == "writes").unwrap();
    assert_eq!(
        writes,
        &json!({ "name": "writes", "rate": "40/s burst 60", "burst": 60, "refillMs": 25.0 })
    );
    // What is told holds.
    assert_eq!(reader.error("{ orders(limit: 701) { id } }").0, "BAD_USER_INPUT");
    assert_eq!(reader.error("{ server { status { store } } }").0, "BAD_USER_INPUT");
}

#[test]
fn admins_are_told_how_the_server_is_doing() {
    both_stores(|server| {
        let admin = server.client();
        load(&admin);
        let before = status(&admin);
        admin.data("{ orders(where: {id: {_gt: 2}}) { id } }");
        admin.data("{ orders(where: {id: {_gt: 2}}) { id } }");
        let after = status(&admin);
        assert_eq!(number(&after["cacheMisses"]), number(&before["cacheMisses"]) + 1);
        assert_eq!(number(&after["cacheHits"]), number(&before["cacheHits"]) + 1);
        assert!(number(&after["maxCacheBytes"]) > 0);
        assert!(number(&after["storeBytes"]) > 0);
        assert!(number(&after["knownDocuments"]) >= 1);
        let is_version = |text: &str| text.starts_with(|first: char| first.is_ascii_digit());
        assert!(is_version(after["storeVersion"].as_str().unwrap()), "{after}");
        assert_eq!(after["slowRequests"], json!([]));
        // Of the whole store only the operator is told.
        let other = workspace(&admin, "other");
        assert_eq!(status(&other)["storeBytes"], Value::Null);
    });
}

#[test]
fn slow_requests_are_kept_for_admins_of_their_workspace_and_logged_without_values() {
    for kind in [StoreKind::Sqlite, StoreKind::Postgres] {
        let (options, database) = Options::of(kind);
        let options = options.variable("SLUICE_SLOW_AFTER", "1ms").variable("SLUICE_LOG", "warn");
        let server = Server::start_with(options, database);
        let admin = server.client();
        load(&admin);
        let slow = "query Slow($secret: String) { orders(where: {status: {_neq: $secret, _nin: [\"canary-of-a-literal\"]}}) { id } \
                    datasets { columns { name } } }";
        let variables = json!({ "secret": "canary-of-a-value" });
        // One that takes a millisecond comes soon.
        let found = (0..200).find_map(|_| {
            admin.data_with(slow, &variables);
            let all = status(&admin)["slowRequests"].as_array().unwrap().clone();
            all.into_iter().find(|it| it["operationName"] == "Slow")
        });
        let found = found.expect("a slow request");
        assert!(found["milliseconds"].as_f64().unwrap() >= 1.0, "{found}");
        assert_eq!(found["fields"], json!(["orders", "datasets"]));
        assert_eq!(found["document"], slow);
        assert_eq!(found["sha256"].as_str().unwrap().len(), 64);
        let other = workspace(&admin, "other");
        let of_other = status(&other)["slowRequests"].to_string();
        assert!(!of_other.contains("\"Slow\""), "{of_other}");
        // Who is for some datasets is told of his own.
        let some = key(&admin, "scope: ADMIN, datasets: [\"orders\"]");
        let of_some = status(&some)["slowRequests"].to_string();
        assert!(!of_some.contains("\"Slow\""), "{of_some}");
        let log = server.log();
        assert!(log.contains("a request took long") && log.contains("Slow"), "{log}");
        assert!(!log.contains("canary-of-a") && !log.contains("_neq"), "{log}");
        let told = log.lines().find(|line| line.contains("took long") && line.contains("Slow"));
        assert!(told.unwrap().contains("SELECT"), "{log}");
        let log =
            crate::harness::eventually("the plan", std::time::Duration::from_secs(10), || {
                admin.data_with(slow, &variables);
                let log = server.log();
                log.contains("the plan of a request that took long").then_some(log)
            });
        let step = if kind == StoreKind::Sqlite { "SCAN" } else { "Scan" };
        assert!(log.contains(step) && !log.contains("canary-of-a"), "{log}");
    }
}

#[test]
fn me_tells_of_the_key() {
    both_stores(|server| {
        let admin = server.client();
        load(&admin);
        let ask = "{ me { name scope role datasets claims expiresAt isAnonymous isOperator } }";
        let me = admin.data(ask)["me"].clone();
        assert_eq!((&me["scope"], &me["isOperator"]), (&json!("ADMIN"), &json!(true)));
        let made = "mutation { createKey(name: \"reports\", scope: READ, claims: {region: \"north\"}, \
                    expiresAt: \"2099-01-01T00:00:00Z\") { key } }";
        let made = admin.data(made);
        let reports = admin.with_key(made["createKey"]["key"].as_str().unwrap());
        assert_eq!(
            reports.data(ask)["me"],
            json!({
                "name": "reports", "scope": "READ", "role": null, "datasets": null,
                "claims": {"region": "north"}, "expiresAt": "2099-01-01T00:00:00Z",
                "isAnonymous": false, "isOperator": false,
            })
        );
        admin.data("mutation { setPublicRead(all: true) { name } }");
        let anonymous = server.anonymous().data(ask)["me"].clone();
        assert_eq!((&anonymous["isAnonymous"], &anonymous["name"]), (&json!(true), &Value::Null));
    });
}
