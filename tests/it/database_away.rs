//! PostgreSQL goes away and comes back: 503 meanwhile, then everything as before, without a restart.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::harness::fixtures::ITEMS;
use crate::harness::postgres::{Database, OwnServer};
use crate::harness::server::Options;
use crate::harness::{Server, eventually};

#[test]
fn a_database_that_went_away_is_503_and_recovers() {
    let mut postgres = OwnServer::start();
    let database = Database::on(postgres.url());
    let options = Options { database_url: Some(database.url()), ..Options::default() };
    let server = Server::start_with(options, None);
    let client = server.client();
    client.load("items", ITEMS);
    let query = "{ items(limit: 1) { name } }";
    let expect = json!({ "items": [{ "name": "Anvil" }] });
    assert_eq!(client.data(query), expect);

    postgres.stop();
    let started = Instant::now();
    let answer = client.graphql("{ items(limit: 2) { name price } }", &json!({}));
    assert_eq!(answer.status, 503, "{}", answer.text);
    assert_eq!(answer.code(), "STORAGE_UNAVAILABLE");
    assert!(!answer.text.contains("127.0.0.1") && !answer.text.contains("sqlx"), "{}", answer.text);
    let answer = client.upload("items", ITEMS);
    assert_eq!((answer.status, answer.code().as_str()), (503, "STORAGE_UNAVAILABLE"));
    assert_eq!(server.anonymous().get("/readyz").status, 503);
    assert_eq!(server.anonymous().get("/healthz").status, 200);
    assert!(started.elapsed() < Duration::from_secs(60), "nobody waits for ever");

    postgres.start_again();
    eventually("readiness", Duration::from_secs(60), || {
        (server.anonymous().get("/readyz").status == 200).then_some(())
    });
    eventually("the data", Duration::from_secs(60), || {
        let answer = client.graphql(query, &json!({}));
        (answer.status == 200 && answer.json()["data"] == expect).then_some(())
    });
    let loaded = client.load("items", ITEMS.replace("Anvil", "Awl"));
    assert_eq!(loaded["dataset"]["version"], 2);
}

#[test]
fn a_database_that_is_not_there_is_told_at_start() {
    let options = Options {
        database_url: Some("postgres://nobody:s3cret@127.0.0.1:1/none".to_owned()),
        ..Options::default()
    };
    let Err(text) = Server::try_start(options, None) else { panic!("it started") };
    assert!(text.contains("database"), "{text}");
    assert!(!text.contains("s3cret"), "{text}");
}
