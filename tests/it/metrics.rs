//! The numbers at `/metrics`: who gets them, and whether they count.

use serde_json::json;

use crate::access::{key, load, workspace};
use crate::harness::server::Options;
use crate::harness::{Client, Server, StoreKind, both_stores};
use crate::options::upload;

fn text(client: &Client) -> String {
    let answer = client.get("/metrics");
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert!(answer.header("content-type").starts_with("application/openmetrics-text"));
    answer.text
}

/// The number of a line that begins so.
#[track_caller]
fn number(text: &str, line: &str) -> i64 {
    let found = text.lines().find_map(|it| it.strip_prefix(line)?.strip_prefix(' '));
    found
        .and_then(|number| number.split('.').next()?.parse().ok())
        .unwrap_or_else(|| panic!("{line} in {text}"))
}

#[test]
fn they_count_what_is_asked_and_held() {
    both_stores(|server| {
        let client = server.client();
        load(&client);
        let before = text(&client);
        for _ in 0..3 {
            client.data("{ orders(where: {id: {_gt: 2}}) { id } }");
        }
        client.data(
            "mutation { updateOrdersByPk(pkColumns: {id: 10}, _set: {status: \"sent\"}) { id } }",
        );
        client.error("{ nothing }");
        let after = text(&client);
        let grew = |line: &str| number(&after, line) - number(&before, line);
        assert!(grew("sluice_http_requests_total{route=\"graphql\",status=\"2xx\"}") >= 4);
        assert_eq!(grew("sluice_operation_seconds_count{class=\"query\"}"), 3);
        assert_eq!(grew("sluice_operation_seconds_count{class=\"mutation\"}"), 1);
        assert_eq!(number(&after, "sluice_operation_errors_total{code=\"BAD_USER_INPUT\"}"), 1);
        assert_eq!(grew("sluice_cache_hits_total"), 2);
        assert_eq!(number(&after, "sluice_ready"), 1);
        assert_eq!(number(&after, "sluice_datasets"), 3);
        assert!(number(&after, "sluice_jobs{status=\"succeeded\"}") >= 3);
        assert!(number(&after, "sluice_process_resident_bytes") > 1_000_000);
        assert!(number(&after, "sluice_disk_free_bytes") > 0);
        assert!(after.ends_with("# EOF\n"));
        // Nothing of a client's, or of the data.
        assert!(!after.contains("orders") && !after.contains("nothing"), "{after}");
    });
}

#[test]
fn they_are_for_the_operator() {
    both_stores(|server| {
        let operator = server.client();
        load(&operator);
        assert_eq!(server.anonymous().get("/metrics").status, 401);
        let others = [
            key(&operator, "scope: UPLOAD"),
            key(&operator, "scope: ADMIN, datasets: [\"orders\"]"),
            workspace(&operator, "other"),
        ];
        for other in others {
            let answer = other.get("/metrics");
            assert_eq!((answer.status, answer.code().as_str()), (403, "FORBIDDEN"));
        }
    });
}

#[test]
fn alerts_ask_for_numbers_that_are_there() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/monitoring");
    let rules = std::fs::read_to_string(format!("{folder}/sluice-alerts.yml")).unwrap();
    let server = Server::start(StoreKind::Sqlite);
    let client = server.client();
    load(&client);
    client.error("{ nothing }");
    let text = text(&client);
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let asked: Vec<&str> = rules
        .lines()
        .filter(|line| !line.trim_start().starts_with('-') && !line.contains("summary"))
        .flat_map(|line| line.split(|c| !is_name(c)))
        .filter(|word| word.starts_with("sluice_"))
        .collect();
    assert!(asked.len() >= 9, "{asked:?}");
    for name in asked {
        let is_there = text
            .lines()
            .any(|line| line.strip_prefix(name).is_some_and(|rest| rest.starts_with(['{', ' '])));
        assert!(is_there, "{name} is not in {text}");
    }
}

#[test]
fn they_tell_of_work_and_queues() {
    both_stores(|server| {
        let client = server.client();
        let before = text(&client);
        let file = "id,total\n1,2.50\n2,3.50\n3,4.50\n";
        client.load("orders", file);
        client.data("{ orders { id } }");
        let after = text(&client);
        let grew = |line: &str| number(&after, line) - number(&before, line);
        assert_eq!(grew("sluice_received_bytes_total"), i64::try_from(file.len()).unwrap());
        assert_eq!(grew("sluice_loaded_rows_total"), 3);
        let some = json!({ "mode": "REPLACE", "onError": "REJECT",
            "options": { "columns": [{ "label": "total", "type": "DECIMAL" }] } });
        upload(&client, "orders", b"id,total\n1,2.50\n2,bad\n", &some);
        let after = text(&client);
        let grew = |line: &str| number(&after, line) - number(&before, line);
        let counts = ["sluice_loaded_rows_total", "sluice_rejected_rows_total"].map(grew);
        assert_eq!(counts, [4, 1]);
        assert_eq!(grew("sluice_rate_limited_total"), 0);
        let readers = number(&after, "sluice_readers{state=\"busy\"}")
            + number(&after, "sluice_readers{state=\"idle\"}");
        assert!(readers <= number(&after, "sluice_readers_max"));
        for line in [
            "sluice_statements_waiting",
            "sluice_mutations_running",
            "sluice_mutations_waiting",
            "sluice_webhook_deliveries_waiting",
            "sluice_jobs_at_work{phase=\"receive\"}",
            "sluice_jobs_at_work{phase=\"queued\"}",
            "sluice_jobs_at_work{phase=\"load\"}",
        ] {
            assert_eq!(number(&after, line), 0, "{line}");
        }
    });
}

#[test]
fn who_has_to_wait_is_counted() {
    let (options, _) = Options::of(StoreKind::Sqlite);
    let options =
        options.variable("SLUICE_RATE_LIMIT", "on").variable("SLUICE_RATE_FAILED_SIGN_INS", "1/h");
    let server = Server::start_with(options, None);
    let statuses = [0; 4].map(|_| server.anonymous().get("/schema.graphql").status);
    let n_limited = statuses.iter().filter(|status| **status == 429).count();
    let after = text(&server.client());
    assert_eq!(number(&after, "sluice_rate_limited_total"), i64::try_from(n_limited).unwrap());
    assert!(n_limited >= 2, "{statuses:?}");
}

#[test]
fn an_address_of_their_own_needs_no_key_and_serves_nothing_else() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let own = format!("127.0.0.1:{port}");
    let server = Server::start_set(StoreKind::Sqlite, "SLUICE_METRICS_LISTEN", &own);
    let scraper = Client::new(&own, None);
    assert_eq!(number(&text(&scraper), "sluice_ready"), 1);
    let by_name = scraper.request("GET", "/metrics", &[("host", "anything.example:1")], "");
    assert_eq!(by_name.status, 200);
    for path in ["/graphql", "/", "/schema.graphql", "/version"] {
        assert_eq!(scraper.get(path).status, 404, "{path}");
    }
    assert_eq!(scraper.post_json("/metrics", "{}").status, 405);
    assert_eq!(server.anonymous().get("/metrics").status, 401, "at the main address");
}

#[test]
fn the_version_is_for_admins_in_production() {
    let server = Server::start(StoreKind::Sqlite);
    let answer = server.anonymous().get("/version");
    assert_eq!(answer.status, 200);
    assert_eq!(answer.json()["version"], env!("CARGO_PKG_VERSION"));
    let (options, _) = Options::of(StoreKind::Sqlite);
    let options = options
        .variable("SLUICE_ENV", "production")
        .variable("ALLOWED_HOSTS", "127.0.0.1")
        .variable("SECRET_KEY", "4f1c9d0e7a3b58266d0f9be1c2a47583")
        .variable("API_KEY_SALT", "83574a2c1eb9f0d66285b3a7e0d9c1f4");
    let server = Server::start_with(options, None);
    assert_eq!(server.anonymous().get("/version").status, 401);
    let admin = server.client();
    assert_eq!(admin.get("/version").status, 200);
    assert_eq!(key(&admin, "scope: UPLOAD").get("/version").status, 403);
}
